/* Point-to-site clients (spec 13). A client's guest sends what is in its profile into its tunnel, all else to the internet. Its address of the
 * pool is given when it connects, so the plan does not know it: it is taken to be the one that it gets when all clients of an instance connect
 * in the plan's order. Rules and routes know the pool as a whole. */
#include "walk.h"

/* Index (plan->tunnels) of the end of the client with that NIC. */
static uint32_t tunnel_of(const struct vnl_plan *plan, uint32_t nic)
{
    for (uint32_t i = 0; i < plan->n_tunnels; i++)
        if (plan->tunnels[i].kind == VNL_TUNNEL_CLIENT &&
            plan->gateways[plan->tunnels[i].gateway].nic_out == nic)
            return i;
    return VNL_PLAN_NOBODY;
}

/* AF_UNSPEC: its gateway has no end for it. */
static struct vnl_addr address_of(const struct vnl_plan *plan, uint32_t tunnel)
{
    uint32_t server = plan->tunnels[tunnel].other, number = 0;
    const struct vnl_plan_tunnel *end = server == VNL_PLAN_NOBODY ? NULL : &plan->tunnels[server];
    struct vnl_addr first;

    if (!end || !end->n_routes)
        return (struct vnl_addr){ 0 };
    for (uint32_t i = 0; i < tunnel; i++)
        number += plan->tunnels[i].kind == VNL_TUNNEL_CLIENT && plan->tunnels[i].other == server;
    first = vnl_pool_first(&end->routes[0]);
    return vnl_addr_add(&first, number);
}

uint32_t vnl_client_route(const struct vnl_plan *plan, uint32_t nic, const struct vnl_addr *dst)
{
    uint32_t tunnel = tunnel_of(plan, nic);

    for (size_t i = 0; tunnel != VNL_PLAN_NOBODY && i < plan->tunnels[tunnel].n_routes; i++)
        if (vnl_prefix_has(&plan->tunnels[tunnel].routes[i], dst))
            return tunnel;
    return VNL_PLAN_NOBODY;
}

bool vnl_client_has(const struct vnl_plan *plan, uint32_t nic, const struct vnl_addr *addr)
{
    uint32_t tunnel = tunnel_of(plan, nic);
    struct vnl_addr own = { 0 };

    if (tunnel != VNL_PLAN_NOBODY)
        own = address_of(plan, tunnel);
    return own.family != AF_UNSPEC && vnl_addr_eq(&own, addr);
}

uint32_t vnl_client_at(const struct vnl_plan *plan, uint32_t tunnel, const struct vnl_addr *addr)
{
    for (uint32_t i = 0; i < plan->n_tunnels; i++) {
        uint32_t nic = plan->gateways[plan->tunnels[i].gateway].nic_out;

        if (plan->tunnels[i].kind == VNL_TUNNEL_CLIENT && plan->tunnels[i].other == tunnel &&
            vnl_client_has(plan, nic, addr))
            return nic;
    }
    return VNL_WALK_NOWHERE;
}

struct vnl_addr vnl_guest_source(const struct vnl_plan *plan, uint32_t nic, const struct vnl_addr *dst)
{
    uint32_t tunnel = vnl_client_route(plan, nic, dst);
    const struct vnl_addr *own = vnl_nic_own_addr(&plan->nics[nic], dst->family);

    if (tunnel != VNL_PLAN_NOBODY)
        return address_of(plan, tunnel);
    return own ? *own : (struct vnl_addr){ 0 };
}
