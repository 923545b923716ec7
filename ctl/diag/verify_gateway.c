/* VPN gateways: what the guest of one does with a packet (spec 12). It is a router: what is in its VNet, or in VNets that use it by transit,
 * leaves by its inside NIC, all else by the tunnel with the longest prefix that has the destination. There is no default route, so what no
 * tunnel has ends there; it never leaves by the outside in clear. Each gateway takes one from the TTL. */
#include <string.h>

#include "walk.h"

const struct vnl_plan_gateway *vnl_gateway_of(const struct vnl_plan *plan, uint32_t nic)
{
    for (size_t i = 0; i < plan->n_gateways; i++)
        if (plan->gateways[i].vm == plan->nics[nic].vm && !plan->gateways[i].client)
            return &plan->gateways[i];
    return NULL;
}

const struct vnl_plan_gateway *vnl_gateway_in(const struct vnl_plan *plan, uint32_t vnet)
{
    for (size_t i = 0; i < plan->n_gateways; i++)
        if (plan->gateways[i].vnet == vnet && !plan->gateways[i].client)
            return &plan->gateways[i];
    return NULL;
}

/* Length of the longest prefix that has the address, or -1. */
static int longest(const struct vnl_prefix *prefixes, size_t n, const struct vnl_addr *addr)
{
    int best = -1;

    for (size_t i = 0; i < n; i++)
        if (vnl_prefix_has(&prefixes[i], addr) && prefixes[i].len > best)
            best = prefixes[i].len;
    return best;
}

/* In a gateway's own network, where nothing counts that BGP has brought. */
static bool is_own(const struct vnl_plan_gateway *gateway, const struct vnl_addr *dst)
{
    return !gateway->site && longest(gateway->inside, gateway->n_inside, dst) >= 0;
}

/* How well that tunnel fits, from that end of it; -1: not at all. The other end of a site's own configuration has no entry. */
static int longest_of(const struct vnl_plan *plan, const struct vnl_plan_gateway *gateway,
                      const struct vnl_plan_tunnel *tunnel, const struct vnl_addr *dst)
{
    const struct vnl_plan_gateway *near = &plan->gateways[tunnel->gateway];

    if (near == gateway) {
        int fixed = longest(tunnel->routes, tunnel->n_routes, dst);
        int learned = is_own(gateway, dst) ? -1 : longest(tunnel->learned, tunnel->n_learned, dst);

        return fixed > learned ? fixed : learned;
    }
    if (!gateway->swanctl || tunnel->other != VNL_PLAN_NOBODY || tunnel->peer == VNL_PLAN_NOBODY ||
        &plan->gateways[tunnel->peer] != gateway)
        return -1;
    return longest(near->inside, near->n_inside, dst);
}

enum vnl_gateway_way vnl_gateway_route(const struct vnl_plan *plan, const struct vnl_plan_gateway *gateway,
                                       const struct vnl_addr *dst, uint32_t *ret_tunnel)
{
    enum vnl_gateway_way way = VNL_GATEWAY_INSIDE;
    int best = longest(gateway->inside, gateway->n_inside, dst);

    *ret_tunnel = VNL_PLAN_NOBODY;
    for (uint32_t i = 0; i < plan->n_tunnels; i++) {
        int len = longest_of(plan, gateway, &plan->tunnels[i], dst);

        if (len <= best)
            continue;
        best = len;
        way = VNL_GATEWAY_TUNNEL;
        *ret_tunnel = i;
    }
    return best < 0 ? VNL_GATEWAY_NOWHERE : way;
}

/* A site's own configuration is not known to the plan: it is taken to answer, and to lead where a tunnel comes from. */
const struct vnl_plan_gateway *vnl_tunnel_far(const struct vnl_plan *plan,
                                              const struct vnl_plan_gateway *from, uint32_t tunnel)
{
    const struct vnl_plan_tunnel *near = &plan->tunnels[tunnel];

    if (from != &plan->gateways[near->gateway])
        return &plan->gateways[near->gateway];
    if (near->other != VNL_PLAN_NOBODY)
        return &plan->gateways[plan->tunnels[near->other].gateway];
    if (near->peer != VNL_PLAN_NOBODY && plan->gateways[near->peer].swanctl)
        return &plan->gateways[near->peer];
    return NULL;
}

bool vnl_walk_gateway(struct vnl_walk *walk, uint32_t at, bool own)
{
    const struct vnl_plan_gateway *gateway = vnl_gateway_of(walk->plan, at);
    enum vnl_gateway_way way;
    enum vnl_drop reason;

    walk->tunnel = VNL_PLAN_NOBODY;
    if (own && at != gateway->nic_in) /* by its public address */
        return true;
    way = vnl_gateway_route(walk->plan, gateway, &walk->flow.dst, &walk->tunnel);
    reason = way == VNL_GATEWAY_NOWHERE ? VNL_DROP_NO_TUNNEL : VNL_DROP_NONE;
    if (!own || reason != VNL_DROP_NONE)
        vnl_say_gateway(walk, vnl_walk_step(walk, VNL_VERIFY_GUEST, at, reason), gateway, walk->tunnel);
    walk->flow.nic = gateway->nic_in;
    walk->excused = VNL_WALK_NOWHERE;
    walk->hop += !own && way != VNL_GATEWAY_NOWHERE;
    return way != VNL_GATEWAY_NOWHERE;
}

static uint32_t far_end(const struct vnl_walk *walk)
{
    const struct vnl_plan_tunnel *tunnel = &walk->plan->tunnels[walk->tunnel];
    const struct vnl_plan_gateway *near = &walk->plan->gateways[tunnel->gateway], *far;

    if (tunnel->kind == VNL_TUNNEL_SERVER)
        return vnl_client_at(walk->plan, walk->tunnel, &walk->flow.dst);
    if (tunnel->kind == VNL_TUNNEL_CONNECTION)
        near = vnl_gateway_of(walk->plan, walk->flow.nic);
    far = vnl_tunnel_far(walk->plan, near, walk->tunnel);
    return far ? far->nic_in : VNL_WALK_NOWHERE;
}

uint32_t vnl_walk_tunnel(struct vnl_walk *walk)
{
    uint32_t to = far_end(walk);
    struct vnl_verify_step *step = vnl_walk_step(walk, VNL_VERIFY_TUNNEL, walk->flow.nic,
                                                 to == VNL_WALK_NOWHERE ? VNL_DROP_NO_TUNNEL : VNL_DROP_NONE);

    step->tunnel = walk->tunnel;
    vnl_say_tunnel(walk, step, to);
    return to;
}

/* --- words ---------------------------------------------------------------------------------------------- */

/* The VNet has a way through a gateway, but the subnet's route table does not take it over. */
static bool say_no_propagation(struct vnl_walk *walk, char **ret, uint32_t nic)
{
    struct vnl_place place = vnl_walk_place(walk, nic);
    const struct vnl_route_table *table = &walk->plan->tables[place.table];
    const struct vnl_route *route = vnl_route_select(&walk->plan->tables[place.vnet], &walk->flow.dst);
    const char *name = table->route_table ? strrchr(table->route_table, '/') : NULL;

    if (!table->disable_bgp || !name || !route || route->type != VNL_NEXT_HOP_GATEWAY)
        return false;
    vnl_say(walk, ret,
            "route table %s takes no routes of gateways; vnetlab set "
            "routeTables.%s.disableBgpRoutePropagation false",
            name + 1, name + 1);
    return true;
}

/* Over VNet-to-VNet only the other network's own space is reached (spec 6). */
bool vnl_say_missing_connection(struct vnl_walk *walk, char **ret, uint32_t nic,
                                const struct vnl_plan_vnet *there)
{
    const struct vnl_plan_vnet *here = &walk->plan->vnets[vnl_walk_place(walk, nic).vnet];
    const struct vnl_plan_gateway *near = vnl_gateway_in(walk->plan, (uint32_t)(here - walk->plan->vnets));
    const struct vnl_plan_gateway *far = vnl_gateway_in(walk->plan, (uint32_t)(there - walk->plan->vnets));

    if (say_no_propagation(walk, ret, nic))
        return true;
    if (here->site || there->site) {
        vnl_say(walk, ret,
                "no connection leads from %s to %s, or its local network gateway does not have this address",
                here->site ? there->name : here->name, here->site ? here->name : there->name);
        return true;
    }
    if (!near || !far || near == far)
        return false;
    vnl_say(
        walk, ret,
        near->asn && far->asn
            ? "gateways %s and %s have learned nothing of each other by BGP: a lab that runs needs "
              "enableBgp at every connection between them, at both of a pair"
            : "gateways %s and %s are not connected: add a Vnet2Vnet connection to each; what is connected "
              "to both passes nothing on without BGP",
        near < far ? near->name : far->name,
        near < far ? far->name : near->name); /* the same from both ends */
    return true;
}

void vnl_say_gateway(struct vnl_walk *walk, struct vnl_verify_step *step,
                     const struct vnl_plan_gateway *gateway, uint32_t tunnel)
{
    const struct vnl_plan_vnet *there = vnl_vnet_with(walk->plan, &walk->flow.dst);
    char addr[VNL_ADDR_STR];

    if (step->reason == VNL_DROP_NONE && tunnel == VNL_PLAN_NOBODY) {
        vnl_say(walk, &step->text, "forwards it to %s, out of NIC %s", walk->plan->vnets[gateway->vnet].name,
                walk->plan->nics[gateway->nic_in].name);
        return;
    }
    if (step->reason == VNL_DROP_NONE) {
        vnl_say(walk, &step->text, "sends it into the tunnel of %s",
                walk->plan->tunnels[tunnel].kind == VNL_TUNNEL_SERVER ? "its clients"
                                                                      : walk->plan->tunnels[tunnel].name);
        return;
    }
    vnl_say(walk, &step->text, "no tunnel of this %s has %s", gateway->site ? "device" : "gateway",
            vnl_addr_format(&walk->flow.dst, addr));
    if (there)
        (void)vnl_say_missing_connection(walk, &step->fix, gateway->nic_in, there);
}

/* To a point-to-site client. */
static void say_server(struct vnl_walk *walk, struct vnl_verify_step *step, uint32_t to)
{
    const struct vnl_plan_tunnel *tunnel = &walk->plan->tunnels[step->tunnel];
    char addr[VNL_ADDR_STR];

    (void)vnl_addr_format(&walk->flow.dst, addr);
    if (step->reason == VNL_DROP_NONE)
        vnl_say(walk, &step->text, "point-to-site (%s) to client %s", tunnel->ifname, vnl_say_vm(walk, to));
    else
        vnl_say(walk, &step->text, "point-to-site (%s): no client is known to have %s", tunnel->ifname, addr);
}

void vnl_say_tunnel(struct vnl_walk *walk, struct vnl_verify_step *step, uint32_t to)
{
    const struct vnl_plan_tunnel *tunnel = &walk->plan->tunnels[step->tunnel];
    const struct vnl_plan_gateway *peer =
        tunnel->peer == VNL_PLAN_NOBODY ? NULL : &walk->plan->gateways[tunnel->peer];
    const char *near = walk->plan->gateways[tunnel->gateway].name;
    char addr[VNL_ADDR_STR];

    if (tunnel->kind == VNL_TUNNEL_SERVER) {
        say_server(walk, step, to);
        return;
    }
    (void)vnl_addr_format(&tunnel->remote, addr);
    if (!peer) {
        vnl_say(walk, &step->text, "%s: nobody in the lab has %s", tunnel->name, addr);
        vnl_say(walk, &step->fix, "add a site with publicIPAddress %s, or correct the gatewayIpAddress",
                addr);
    } else if (step->reason != VNL_DROP_NONE) {
        vnl_say(walk, &step->text, "%s: %s has no connection to %s", tunnel->name, peer->name, near);
        vnl_say(walk, &step->fix, "add a connection of type Vnet2Vnet from %s to %s, with the same key",
                peer->name, near);
    } else if (vnl_gateway_of(walk->plan, step->nic) == peer) {
        vnl_say(walk, &step->text, "%s, by its own configuration, to %s", tunnel->name, near);
    } else {
        vnl_say(walk, &step->text, "%s (%s) to %s %s", tunnel->name, tunnel->ifname, peer->name, addr);
    }
}
