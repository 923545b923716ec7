/* Address spaces around VPN gateways: what one speaks for, what is behind each of its connections, and what its point-to-site clients have
 * and get (spec vpn 6, 9, 10, 13). IPv4 only.
 *
 * Without BGP static prefixes are those of the local network gateway; a VNet at the other end is asked for its whole space each time, and
 * for what uses its gateway by transit. Nothing is passed on from one connection to another: that takes BGP, and then only the local
 * network gateway's prefixes are static beside the way to the other end's BGP address. */
#include "parts.h"

#include <errno.h>
#include <sys/socket.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

static const struct vnl_prefix everything = { .addr.family = AF_INET };

/* --- lists ---------------------------------------------------------------------------------------------------------- */

int vnl_space_put(struct vnl_prefixes *ret, const struct vnl_prefix *prefix)
{
    for (size_t i = 0; i < ret->n; i++)
        if (vnl_prefix_eq(&ret->items[i], prefix))
            return 0;
    return vnl_prefixes_add(ret, prefix);
}

int vnl_space_put_v4(struct vnl_prefixes *ret, const struct vnl_prefixes *from)
{
    int r = 0;

    for (size_t i = 0; i < from->n && r == 0; i++)
        if (from->items[i].addr.family == AF_INET)
            r = vnl_space_put(ret, &from->items[i]);
    return r;
}

int vnl_space_put_addr(struct vnl_prefixes *ret, const struct vnl_addr *addr)
{
    struct vnl_prefix host = { .addr = *addr, .len = 32 };

    return addr->family == AF_INET ? vnl_space_put(ret, &host) : 0;
}

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

const struct vnl_vpn_gateway *vnl_gateway_used(const struct vnl_vnet *vnet)
{
    const struct vnl_peering *link = vnet->gateway ? NULL : vnl_transit_link(vnet);

    return link ? link->remote->gateway : vnet->gateway;
}

int vnl_gateway_space(const struct vnl_vnet *vnet, struct vnl_prefixes *ret)
{
    int r = vnl_space_put_v4(ret, &vnet->space);

    for (size_t i = 0; i < vnet->n_peerings && r == 0; i++) {
        const struct vnl_peering *link = vnet->peerings[i];

        if (link->remote && is_transit(vnl_peering_twin(link), link))
            r = vnl_space_put_v4(ret, &link->remote_space);
    }
    return r;
}

/* --- what is behind a connection ------------------------------------------------------------------------------------ */

/* Of a pair of VNets one resource alone is no way (spec vpn 5.5). */
static int add_vnet(const struct vnl_connection *connection, struct vnl_prefixes *ret)
{
    if (!connection->twin || !connection->gateway2 || vnl_connection_bgp(connection))
        return 0;
    return vnl_gateway_space(connection->gateway2->vnet, ret);
}

int vnl_connection_prefixes(const struct vnl_connection *connection, struct vnl_prefixes *ret)
{
    int r;

    if (connection->type == VNL_CONNECTION_VNET)
        return add_vnet(connection, ret);
    if (!connection->local2)
        return 0;
    r = vnl_space_put_v4(ret, &connection->local2->prefixes);
    if (r == 0 && connection->gateway1->default_site == connection->local2)
        r = vnl_space_put(ret, &everything);
    return r;
}

/* Spec vpn 9.2: the gateway adds a host route to the other end's BGP address itself. */
static int add_peers(const struct vnl_connection *connection, struct vnl_prefixes *ret)
{
    const struct vnl_vpn_gateway *far = connection->gateway2;
    int r = 0;

    if (!vnl_connection_bgp(connection))
        return 0;
    if (connection->local2)
        return vnl_space_put_addr(ret, &connection->local2->bgp.addr);
    for (size_t i = 0; far && i < far->n_instances && r == 0; i++)
        r = vnl_space_put_addr(ret, &far->instances[i].bgp_addr);
    return r;
}

int vnl_connection_rows(const struct vnl_connection *connection, struct vnl_prefixes *ret)
{
    int r = vnl_connection_prefixes(connection, ret);

    return r < 0 ? r : add_peers(connection, ret);
}

/* --- point-to-site -------------------------------------------------------------------------------------------------- */

/* Two instances have a half of each prefix; the first one has what cannot be halved. */
int vnl_gateway_share(const struct vnl_vpn_gateway *gateway, size_t instance, struct vnl_prefixes *ret)
{
    int r = 0;

    for (size_t i = 0; gateway->p2s && i < gateway->p2s->pool.n && r == 0; i++) {
        struct vnl_prefix share = gateway->p2s->pool.items[i];

        if (gateway->n_instances > 1 && share.len < 32) {
            share.len++;
            if (instance)
                share.addr = vnl_addr_add(&share.addr, 1ull << (32 - share.len));
        } else if (instance) {
            continue;
        }
        r = vnl_space_put(ret, &share);
    }
    return r;
}

/* What connections without BGP lead to is in no profile (spec vpn 13); nor is a default route, which would take the client's own. */
int vnl_gateway_profile(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway,
                        struct vnl_prefixes *ret)
{
    int r = vnl_gateway_space(gateway->vnet, ret);

    if (r == 0)
        r = vnl_space_put_v4(ret, &gateway->custom_routes);
    for (size_t i = 0; i < lab->n_connections && r == 0; i++) {
        const struct vnl_connection *connection = lab->connections[i];

        if (connection->gateway1 == gateway && connection->local2 && vnl_connection_bgp(connection))
            r = vnl_space_put_v4(ret, &connection->local2->prefixes);
    }
    return r < 0 ? r : vnl_learned_prefixes(lab, gateway, false, ret);
}

/* --- all that the gateway of a VNet makes reachable ------------------------------------------------------------------- */

int vnl_gateway_prefixes(const struct vnl_lab *lab, const struct vnl_vnet *vnet, struct vnl_prefixes *ret)
{
    const struct vnl_vpn_gateway *gateway = vnl_gateway_used(vnet);
    int r = 0;

    if (!gateway)
        return 0;
    for (size_t i = 0; i < lab->n_connections && r == 0; i++)
        if (lab->connections[i]->gateway1 == gateway)
            r = vnl_connection_rows(lab->connections[i], ret);
    if (r == 0 && gateway->p2s)
        r = vnl_space_put_v4(ret, &gateway->p2s->pool);
    return r < 0 ? r : vnl_learned_prefixes(lab, gateway, true, ret);
}
