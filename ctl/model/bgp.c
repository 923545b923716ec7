/* What gateways, devices and connections may say of BGP. Spec 3, 9, 14, 16.
 *
 * Where a refusal of Azure is known and its code is not, the code is BadRequest, as in peering_check.c. */
#include "gateway.h"
#include "outside.h"

#include <stdio.h>

#define ASN_OF_AZURE 65515u /* every gateway's own, unless another one is written */

/* --- numbers ----------------------------------------------------------------------------------------- */

/* Source: spec 9.1: numbers that Azure or IANA keep. */
static bool asn_reserved(uint32_t asn)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        { 8074, 8075 },   { 12076, 12076 }, { 23456, 23456 },           { 64496, 64511 },
        { 65517, 65520 }, { 65535, 65551 }, { UINT32_MAX, UINT32_MAX },
    };

    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        if (asn >= ranges[i].first && asn <= ranges[i].last)
            return true;
    }
    return false;
}

/* A device's: it cannot have the gateways' either. */
static bool asn_taken(uint32_t asn)
{
    return asn == ASN_OF_AZURE || asn_reserved(asn);
}

/* --- VPN gateways ------------------------------------------------------------------------------------ */

/* Source: spec 3, 4. What keeps it from BGP, or NULL. */
static const char *speechless(const struct vnl_vpn_gateway *gateway)
{
    if (!vnl_gateway_is_basic(gateway))
        return NULL;
    return gateway->policy_based ? "PolicyBased" : "Basic";
}

void vnl_bgp_check_gateway(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    const char *what = speechless(gateway);

    if (asn_reserved(gateway->asn))
        vnl_mistake(check, "BadRequest", &gateway->src, gateway->id, "such as 65010; without one it is 65515",
                    "Virtual network gateway '%s' cannot have the ASN %u: it is reserved", gateway->name,
                    gateway->asn);
    if (gateway->enable_bgp && what)
        vnl_mistake(check, "BadRequest", &gateway->bgp_src, gateway->id,
                    "BGP needs 'sku: VpnGw1' or larger, RouteBased",
                    "Virtual network gateway '%s' cannot have enableBgp: it is %s", gateway->name, what);
}

/* --- devices ----------------------------------------------------------------------------------------- */

/* Could a host have it, and its session be routed? 169.254 is of one link: Azure has custom addresses for that. */
static bool can_peer(const struct vnl_addr *addr)
{
    const uint8_t *bytes = addr->bytes;

    return addr->family == AF_INET && bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224 &&
           !(bytes[0] == 169 && bytes[1] == 254);
}

/* owner: "Local network gateway 'office'". True after a mistake. */
static bool check_peer(struct vnl_check *check, const struct vnl_bgp *bgp, const char *id, const char *owner,
                       const struct vnl_addr *outer, const char *outer_key)
{
    char text[VNL_ADDR_STR];

    if (!bgp->addr.family)
        return true;
    vnl_addr_format(&bgp->addr, text);
    if (!can_peer(&bgp->addr))
        return vnl_mistake(check, "BadRequest", &bgp->src, id,
                           "such as 192.168.255.254; addresses of 169.254.0.0/16 are not supported yet",
                           "%s cannot have bgpPeeringAddress %s: that is no IPv4 address to be routed", owner,
                           text),
               true;
    if (vnl_addr_eq(&bgp->addr, outer))
        return vnl_mistake(check, "BadRequest", &bgp->src, id,
                           "the session goes through the tunnel: such as 192.168.255.254",
                           "%s cannot have bgpPeeringAddress %s: that is its %s", owner, text, outer_key),
               true;
    return false;
}

void vnl_bgp_check_local(struct vnl_check *check, const struct vnl_local_gateway *local)
{
    CLEANUP(vnl_str_free) char *owner = NULL;

    if (!local->bgp.written)
        return;
    if (asprintf(&owner, "Local network gateway '%s'", local->name) < 0) {
        owner = NULL;
        vnl_check_nomem(check, "local network gateway");
        return;
    }
    if (asn_taken(local->bgp.asn))
        vnl_mistake(check, "BadRequest", &local->bgp.src, local->id, "such as 65050",
                    "%s cannot have the ASN %u: it is reserved", owner, local->bgp.asn);
    (void)check_peer(check, &local->bgp, local->id, owner, &local->addr, "gatewayIpAddress");
}

/* --- sites ------------------------------------------------------------------------------------------- */

static void check_advertised(struct vnl_check *check, const struct vnl_site *site)
{
    const struct vnl_prefixes *list = &site->advertised;
    char text[VNL_PREFIX_STR];

    for (size_t i = 0; i < list->n; i++) {
        vnl_prefix_format(&list->items[i], text);
        if (list->items[i].addr.family != AF_INET)
            vnl_mistake(check, "BadRequest", &site->bgp.src, site->id, "VPN gateways carry IPv4",
                        "Site '%s' cannot advertise %s: that is no IPv4 prefix", site->name, text);
        for (size_t k = 0; k < i; k++) {
            if (vnl_prefix_eq(&list->items[k], &list->items[i]))
                vnl_mistake(check, "BadRequest", &site->bgp.src, site->id, NULL,
                            "Site '%s' advertises %s twice", site->name, text);
        }
    }
}

static const struct vnl_site_host *host_at(const struct vnl_site *site, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < site->n_hosts; i++) {
        if (vnl_addr_eq(&site->hosts[i]->addr, addr))
            return site->hosts[i];
    }
    return NULL;
}

/* A device speaks from an address of its own. */
static void check_device(struct vnl_check *check, const struct vnl_site *site)
{
    const struct vnl_prefix *prefix = vnl_site_prefix_of(site, &site->bgp.addr);
    const struct vnl_site_host *host = host_at(site, &site->bgp.addr);
    char text[VNL_ADDR_STR];

    vnl_addr_format(&site->bgp.addr, text);
    if (host)
        vnl_mistake(check, "BadRequest", &site->bgp.src, site->id, NULL,
                    "Site '%s' cannot have bgpPeeringAddress %s: host '%s' has that address", site->name,
                    text, host->name);
    else if (prefix && vnl_prefix_is_edge(prefix, &site->bgp.addr))
        vnl_mistake(check, "BadRequest", &site->bgp.src, site->id, NULL,
                    "Site '%s' cannot have bgpPeeringAddress %s: the first and last address of a prefix are "
                    "no device's",
                    site->name, text);
    else if (!prefix && vnl_addr_is_public(&site->bgp.addr))
        vnl_mistake(check, "BadRequest", &site->bgp.src, site->id, "such as 192.168.255.254",
                    "Site '%s' cannot have bgpPeeringAddress %s: that is neither in a prefix of the site nor "
                    "a private address",
                    site->name, text);
}

void vnl_bgp_check_site(struct vnl_check *check, const struct vnl_site *site)
{
    CLEANUP(vnl_str_free) char *owner = NULL;

    if (!site->bgp.written)
        return;
    if (asprintf(&owner, "Site '%s'", site->name) < 0) {
        owner = NULL;
        vnl_check_nomem(check, "site");
        return;
    }
    check_advertised(check, site);
    if (!check_peer(check, &site->bgp, site->id, owner, &site->addr, "publicIPAddress"))
        check_device(check, site);
}

/* --- connections ------------------------------------------------------------------------------------- */

/* Blamed is the later one of a pair. Source: spec 9.1: VNets that speak BGP have two numbers. */
static void check_pair(struct vnl_check *check, const struct vnl_connection *connection)
{
    const struct vnl_vpn_gateway *a = connection->gateway1, *b = connection->gateway2;

    if (vnl_connection_bgp(connection) && connection->twin->number < connection->number && a->asn &&
        a->asn == b->asn)
        vnl_mistake(check, "BadRequest", &connection->bgp_src, connection->id,
                    "give one of the two another one, such as 'asn: 65010'",
                    "Connections '%s' and '%s' cannot have enableBgp: virtual network gateways '%s' and '%s' "
                    "have the same ASN, %u",
                    connection->twin->name, connection->name, b->name, a->name, a->asn);
}

/* Source: spec 9.1, 9.2. */
static void check_far_end(struct vnl_check *check, const struct vnl_connection *connection)
{
    const struct vnl_vpn_gateway *gateway = connection->gateway1;
    const struct vnl_local_gateway *local = connection->local2;
    char text[VNL_ADDR_STR];

    if (local->bgp.asn == gateway->asn && local->bgp.asn && !asn_taken(local->bgp.asn))
        vnl_mistake(check, "BadRequest", &connection->local2_src, connection->id,
                    "the device has a number of its own",
                    "Connection '%s' cannot have enableBgp: local network gateway '%s' has the ASN %u of "
                    "virtual network gateway '%s'",
                    connection->name, local->name, local->bgp.asn, gateway->name);
    for (size_t i = 0; gateway->vnet && local->bgp.addr.family && i < gateway->vnet->space.n; i++) {
        if (vnl_prefix_has(&gateway->vnet->space.items[i], &local->bgp.addr))
            vnl_mistake(
                check, "BadRequest", &connection->local2_src, connection->id,
                "the device has an address in its own network",
                "Connection '%s' cannot have enableBgp: bgpPeeringAddress %s of local network gateway "
                "'%s' is in virtual network '%s'",
                connection->name, vnl_addr_format(&local->bgp.addr, text), local->name, gateway->vnet->name);
    }
}

/* A gateway finds each of its peers by its address. */
static void check_other_peers(struct vnl_check *check, const struct vnl_connection *connection)
{
    const struct vnl_bgp *bgp = &connection->local2->bgp;
    char text[VNL_ADDR_STR];

    for (uint32_t i = 0; bgp->addr.family && i < connection->number; i++) {
        const struct vnl_connection *other = check->lab->connections[i];

        if (other->gateway1 != connection->gateway1 || !other->enable_bgp || !other->local2 ||
            other->local2 == connection->local2 || !vnl_addr_eq(&other->local2->bgp.addr, &bgp->addr))
            continue;
        vnl_mistake(check, "BadRequest", &connection->local2_src, connection->id,
                    "each device has an address of its own",
                    "Connection '%s' leads to the BGP peer %s, where connection '%s' of virtual network "
                    "gateway '%s' leads already",
                    connection->name, vnl_addr_format(&bgp->addr, text), other->name,
                    connection->gateway1->name);
        return;
    }
}

static void check_device_end(struct vnl_check *check, const struct vnl_connection *connection)
{
    const struct vnl_local_gateway *local = connection->local2;

    if (!local->bgp.written) {
        vnl_mistake(check, "BadRequest", &connection->bgp_src, connection->id,
                    "write 'bgpSettings: {asn: 65050, bgpPeeringAddress: 192.168.255.254}' there",
                    "Connection '%s' cannot have enableBgp: local network gateway '%s' has no bgpSettings",
                    connection->name, local->name);
        return;
    }
    check_far_end(check, connection);
    check_other_peers(check, connection);
}

/* Of a gateway that has no BGP it is said once, at the gateway when that asks for it too. */
static void check_speech(struct vnl_check *check, const struct vnl_connection *connection)
{
    const struct vnl_vpn_gateway *gateway = connection->gateway1;
    const char *what = speechless(gateway);

    if (what && !gateway->enable_bgp)
        vnl_mistake(check, "BadRequest", &connection->bgp_src, connection->id,
                    "BGP needs 'sku: VpnGw1' or larger, RouteBased",
                    "Connection '%s' cannot have enableBgp: virtual network gateway '%s' is %s",
                    connection->name, gateway->name, what);
}

void vnl_bgp_check_connection(struct vnl_check *check, const struct vnl_connection *connection)
{
    const struct vnl_local_gateway *local = connection->local2;

    if (!connection->enable_bgp) {
        if (local && local->prefixes.n == 0 && local->bgp.written)
            vnl_mistake(check, "BadRequest", &connection->local2_src, connection->id,
                        "write 'enableBgp: true', or 'addressPrefixes' there",
                        "Connection '%s' has nothing to carry without enableBgp: local network gateway '%s' "
                        "has no address prefix",
                        connection->name, local->name);
        return;
    }
    check_speech(check, connection);
    if (connection->gateway2)
        check_pair(check, connection);
    if (local)
        check_device_end(check, connection);
}
