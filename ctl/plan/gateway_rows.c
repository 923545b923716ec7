/* Rows that VPN gateways bring into the tables of their VNet and of those that use it by transit (spec vpn 6, 9, 10, 11, 13).
 *
 * A row is there as soon as the model has its connection, whatever the tunnel's state: what a tunnel that is down would have carried is
 * dropped, and nothing falls back to another way. Only what BGP has learned goes with its session: the agent takes it out of the lab. */
#include "gateway_learned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

static void set_next_hops(struct vnl_route *row, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_public_ip *first = gateway->instances[0].public_ip,
                               *second = gateway->n_instances > 1 ? gateway->instances[1].public_ip : NULL;

    if (first)
        row->next_hop = first->addr;
    if (second)
        row->next_hop2 = second->addr;
}

bool vnl_gateway_row(const struct vnl_lab *lab, const struct vnl_vnet *vnet, struct vnl_route *ret)
{
    const struct vnl_peering *link = vnet->gateway ? NULL : vnl_transit_link(vnet);
    const struct vnl_vpn_gateway *gateway = vnl_gateway_used(vnet);

    if (!gateway)
        return false;
    *ret = link ? vnl_routes_peering(lab, link, vnl_peering_twin(link)) : (struct vnl_route){ 0 };
    ret->deny_forwarded = false; /* spec vpn 10: what the gateway relays needs no allowForwardedTraffic */
    ret->source = VNL_ROUTE_GATEWAY;
    ret->type = VNL_NEXT_HOP_GATEWAY;
    ret->vnet = gateway->vnet->number;
    ret->nic = ret->balancer = VNL_PLAN_NOBODY;
    set_next_hops(ret, gateway);
    return true;
}

/* --- rows ----------------------------------------------------------------------------------------------------------- */

static int make_room(struct vnl_route_table *table, size_t n)
{
    struct vnl_route *grown = reallocarray(table->routes, table->n_routes + n + 1, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    table->routes = grown;
    return 0;
}

static int add_rows(struct vnl_route_table *table, struct vnl_route *row, const struct vnl_prefixes *prefixes,
                    const char *origin)
{
    int r = make_room(table, prefixes->n);

    for (size_t i = 0; i < prefixes->n && r == 0; i++) {
        row->prefix = prefixes->items[i];
        r = vnl_routes_add(table, row, origin);
    }
    return r;
}

static int add_connection(struct vnl_route_table *table, struct vnl_route *row,
                          const struct vnl_connection *connection)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes prefixes = { 0 };
    int r = vnl_connection_rows(connection, &prefixes);

    return r < 0 ? r : add_rows(table, row, &prefixes, connection->id);
}

/* Each instance has its clients: a share's row leads to one, and has its address alone. */
static int add_pool(struct vnl_route_table *table, const struct vnl_route *way,
                    const struct vnl_vpn_gateway *gateway)
{
    int r = 0;

    for (size_t i = 0; i < gateway->n_instances && r == 0; i++) {
        CLEANUP(vnl_prefixes_done) struct vnl_prefixes share = { 0 };
        struct vnl_route row = *way;

        row.next_hop = gateway->instances[i].public_ip->addr;
        row.next_hop2 = (struct vnl_addr){ 0 };
        r = vnl_gateway_share(gateway, i, &share);
        if (r == 0)
            r = add_rows(table, &row, &share, gateway->id);
    }
    return r;
}

static bool is_static(const struct vnl_route_table *table, size_t first, size_t end,
                      const struct vnl_prefix *prefix)
{
    for (size_t i = first; i < end; i++)
        if (vnl_prefix_eq(&table->routes[i].prefix, prefix))
            return true;
    return false;
}

/* first: of the gateway's rows in the table. */
static int add_learned(const struct vnl_lab *lab, struct vnl_route_table *table, struct vnl_route row,
                       const struct vnl_vpn_gateway *gateway, size_t first)
{
    struct vnl_gateway_learned *items = NULL;
    size_t n = 0, end = table->n_routes;
    int r = vnl_gateway_learned(lab, gateway, &items, &n);

    if (r == 0)
        r = make_room(table, n);
    for (size_t i = 0; i < n && r == 0; i++) {
        row.prefix = items[i].route->prefix;
        row.as_path = items[i].route->as_path;
        if (!is_static(table, first, end, &row.prefix))
            r = vnl_routes_add(table, &row, items[i].connection->id);
    }
    free(items);
    return r;
}

int vnl_gateway_add_rows(const struct vnl_lab *lab, const struct vnl_vnet *vnet,
                         struct vnl_route_table *table)
{
    const struct vnl_vpn_gateway *gateway = vnl_gateway_used(vnet);
    size_t first = table->n_routes;
    struct vnl_route row;
    int r = 0;

    if (!vnl_gateway_row(lab, vnet, &row))
        return 0;
    for (size_t i = 0; i < lab->n_connections && r == 0; i++)
        if (lab->connections[i]->gateway1 == gateway)
            r = add_connection(table, &row, lab->connections[i]);
    if (r == 0 && gateway->p2s)
        r = add_pool(table, &row, gateway);
    return r < 0 ? r : add_learned(lab, table, row, gateway, first);
}

/* --- where they lead -------------------------------------------------------------------------------------------------- */

/* The balancer with this id, or VNL_PLAN_NOBODY. Frontends come before those of gateways. */
static uint32_t balancer_of(const struct vnl_plan *plan, const char *id)
{
    for (size_t i = plan->n_balancers; i > 0 && plan->balancers[i - 1].connection; i--)
        if (strcmp(plan->balancers[i - 1].id, id) == 0)
            return (uint32_t)i - 1;
    return VNL_PLAN_NOBODY;
}

void vnl_gateway_lead(const struct vnl_plan_work *work, struct vnl_route *row, const char *id)
{
    const struct vnl_plan *plan = work->plan;
    uint32_t number = work->gateway_of_vnet[row->vnet];
    const struct vnl_plan_gateway *gateway = number ? &plan->gateways[number - 1] : NULL;

    row->nic = row->balancer = VNL_PLAN_NOBODY;
    if (row->next_hop2.family != AF_UNSPEC)
        row->balancer = balancer_of(plan, id);
    else if (gateway && !gateway->site)
        gateway = vnl_gateway_by_outer(plan, &row->next_hop);
    if (row->balancer == VNL_PLAN_NOBODY && gateway)
        row->nic = gateway->nic_in;
}

uint32_t vnl_gateway_index(const struct vnl_plan_work *work, const struct vnl_vpn_gateway *gateway,
                           size_t instance)
{
    return work->gateway_of_vnet[gateway->vnet->number] - 1 + (uint32_t)instance;
}
