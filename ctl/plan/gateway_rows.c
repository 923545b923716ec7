/* What VPN gateways make reachable, and the rows that say so (spec vpn 6, 10, 11).
 *
 * A row is there as soon as the model has its connection, whatever the tunnel's state: what a tunnel that is down would have carried is
 * dropped, and nothing falls back to another way. Static prefixes are those of the local network gateway; a VNet at the other end is asked
 * for its whole space each time, and for what uses its gateway by transit. Nothing is passed on from one connection to another: that
 * takes BGP. IPv4 only. */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

static const struct vnl_prefix everything = { .addr.family = AF_INET };

/* --- transit -------------------------------------------------------------------------------------------------------- */

/* Both ends of the peering: the spoke uses, the hub lets it, nothing is down (spec 10). */
static bool is_transit(const struct vnl_peering *of_spoke, const struct vnl_peering *of_hub)
{
    return of_spoke && of_hub && of_spoke->use_remote_gateways && of_hub->allow_gateway_transit &&
           of_spoke->state == VNL_PEERING_CONNECTED && of_hub->state == VNL_PEERING_CONNECTED;
}

const struct vnl_peering *vnl_transit_link(const struct vnl_vnet *vnet)
{
    for (size_t i = 0; i < vnet->n_peerings; i++) {
        const struct vnl_peering *link = vnet->peerings[i];

        if (link->remote && link->remote->gateway && is_transit(link, vnl_peering_twin(link)))
            return link;
    }
    return NULL;
}

static int add_v4(struct vnl_prefixes *ret, const struct vnl_prefixes *from)
{
    int r = 0;

    for (size_t i = 0; i < from->n && r == 0; i++)
        if (from->items[i].addr.family == AF_INET)
            r = vnl_prefixes_add(ret, &from->items[i]);
    return r;
}

int vnl_gateway_space(const struct vnl_vnet *vnet, struct vnl_prefixes *ret)
{
    int r = add_v4(ret, &vnet->space);

    for (size_t i = 0; i < vnet->n_peerings && r == 0; i++) {
        const struct vnl_peering *link = vnet->peerings[i];

        if (link->remote && is_transit(vnl_peering_twin(link), link))
            r = add_v4(ret, &link->remote_space);
    }
    return r;
}

/* --- what is behind a connection ------------------------------------------------------------------------------------ */

/* Of a pair of VNets one resource alone is no way (spec vpn 5.5). */
int vnl_connection_prefixes(const struct vnl_connection *connection, struct vnl_prefixes *ret)
{
    int r;

    if (connection->type == VNL_CONNECTION_VNET)
        return connection->twin && connection->gateway2 ? vnl_gateway_space(connection->gateway2->vnet, ret)
                                                        : 0;
    if (!connection->local2)
        return 0;
    r = add_v4(ret, &connection->local2->prefixes);
    if (r == 0 && connection->gateway1->default_site == connection->local2)
        r = vnl_prefixes_add(ret, &everything);
    return r;
}

static const struct vnl_vpn_gateway *gateway_of(const struct vnl_vnet *vnet)
{
    const struct vnl_peering *link = vnet->gateway ? NULL : vnl_transit_link(vnet);

    return link ? link->remote->gateway : vnet->gateway;
}

int vnl_gateway_prefixes(const struct vnl_lab *lab, const struct vnl_vnet *vnet, struct vnl_prefixes *ret)
{
    const struct vnl_vpn_gateway *gateway = gateway_of(vnet);
    int r = 0;

    for (size_t i = 0; gateway && i < lab->n_connections && r == 0; i++)
        if (lab->connections[i]->gateway1 == gateway)
            r = vnl_connection_prefixes(lab->connections[i], ret);
    return r;
}

/* --- rows ----------------------------------------------------------------------------------------------------------- */

bool vnl_gateway_row(const struct vnl_lab *lab, const struct vnl_vnet *vnet, struct vnl_route *ret)
{
    const struct vnl_peering *link = vnet->gateway ? NULL : vnl_transit_link(vnet);
    const struct vnl_vpn_gateway *gateway = gateway_of(vnet);

    if (!gateway)
        return false;
    *ret = link ? vnl_routes_peering(lab, link, vnl_peering_twin(link)) : (struct vnl_route){ 0 };
    ret->deny_forwarded = false; /* spec vpn 10: what the gateway relays needs no allowForwardedTraffic */
    ret->source = VNL_ROUTE_GATEWAY;
    ret->type = VNL_NEXT_HOP_GATEWAY;
    ret->vnet = gateway->vnet->number;
    ret->nic = VNL_PLAN_NOBODY;
    if (gateway->public_ip)
        ret->next_hop = gateway->public_ip->addr;
    return true;
}

static int add_connection(struct vnl_route_table *table, struct vnl_route *row,
                          const struct vnl_connection *connection)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes prefixes = { 0 };
    struct vnl_route *grown;
    int r = vnl_connection_prefixes(connection, &prefixes);

    if (r < 0)
        return r;
    grown = reallocarray(table->routes, table->n_routes + prefixes.n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    table->routes = grown;
    for (size_t i = 0; i < prefixes.n && r == 0; i++) {
        row->prefix = prefixes.items[i];
        r = vnl_routes_add(table, row, connection->id);
    }
    return r;
}

int vnl_gateway_add_rows(const struct vnl_lab *lab, const struct vnl_vnet *vnet,
                         struct vnl_route_table *table)
{
    const struct vnl_vpn_gateway *gateway = gateway_of(vnet);
    struct vnl_route row;
    int r = 0;

    if (!vnl_gateway_row(lab, vnet, &row))
        return 0;
    for (size_t i = 0; i < lab->n_connections && r == 0; i++)
        if (lab->connections[i]->gateway1 == gateway)
            r = add_connection(table, &row, lab->connections[i]);
    return r;
}
