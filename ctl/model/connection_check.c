/* What a connection may be. Spec 3, 4, 5, 8.
 *
 * Where a refusal of Azure is known and its code is not, the code is BadRequest, as in peering_check.c. */
#include "gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SELECTOR_PAIRS_MAX 100u /* quick-mode SAs per tunnel: spec 7.1, 8 */

/* --- shared keys ------------------------------------------------------------------------------------- */

/* Never the key itself: messages end up in logs. Source: spec 5.3. */
void vnl_shared_key_check(struct vnl_check *check, const char *key, const struct vnl_src *src, const char *id,
                          const char *who)
{
    size_t len = strlen(key);

    if (len == 0 || len > VNL_KEY_MAX) {
        vnl_mistake(check, "BadRequest", src, id, NULL,
                    "The shared key of %s has %zu characters; 1 to %u are allowed", who, len, VNL_KEY_MAX);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (key[i] <= ' ' || key[i] > '~' || key[i] == '-' || key[i] == '~') {
            vnl_mistake(check, "BadRequest", src, id, "printable ASCII without space, '-' and '~'",
                        "Character %zu of the shared key of %s is not allowed", i + 1, who);
            return;
        }
    }
}

/* --- the ends ---------------------------------------------------------------------------------------- */

static void check_type(struct vnl_check *check, const struct vnl_connection *connection)
{
    bool is_vnet = connection->type == VNL_CONNECTION_VNET;
    const char *needs = is_vnet ? "virtualNetworkGateway2" : "localNetworkGateway2";
    const char *other = is_vnet ? "localNetworkGateway2" : "virtualNetworkGateway2";
    const char *has_needed = is_vnet ? connection->gateway2_ref : connection->local2_ref;
    const char *has_other = is_vnet ? connection->local2_ref : connection->gateway2_ref;

    if (!connection->gateway1_ref)
        vnl_mistake(check, "BadRequest", &connection->src, connection->id, NULL,
                    "Connection '%s' has no virtualNetworkGateway1", connection->name);
    if (!has_needed)
        vnl_mistake(check, "BadRequest", &connection->src, connection->id, NULL,
                    "Connection '%s' of type %s has no %s", connection->name,
                    vnl_connection_type_str(connection->type), needs);
    if (has_other)
        vnl_mistake(check, "BadRequest", &connection->src, connection->id, NULL,
                    "Connection '%s' of type %s cannot have a %s", connection->name,
                    vnl_connection_type_str(connection->type), other);
}

static void check_vnet_pair(struct vnl_check *check, const struct vnl_connection *connection)
{
    const struct vnl_vpn_gateway *a = connection->gateway1, *b = connection->gateway2;

    if (a == b)
        vnl_mistake(check, "BadRequest", &connection->gateway2_src, connection->id, NULL,
                    "Connection '%s' connects virtual network gateway '%s' with itself", connection->name,
                    a->name);
    else if (a->policy_based || b->policy_based)
        vnl_mistake(check, "BadRequest",
                    a->policy_based ? &connection->gateway1_src : &connection->gateway2_src, connection->id,
                    "Vnet2Vnet needs 'vpnType: RouteBased' at both ends",
                    "Connection '%s' of type Vnet2Vnet cannot have virtual network gateway '%s': it is "
                    "PolicyBased",
                    connection->name, a->policy_based ? a->name : b->name);
}

static bool same_ends(const struct vnl_connection *a, const struct vnl_connection *b)
{
    return a->gateway1 && a->gateway1 == b->gateway1 && a->gateway2 == b->gateway2 &&
           a->local2 == b->local2 && (a->gateway2 || a->local2);
}

static bool same_device(const struct vnl_connection *a, const struct vnl_connection *b)
{
    return a->gateway1 && a->gateway1 == b->gateway1 && a->local2 && b->local2 && a->local2->addr.family &&
           vnl_addr_eq(&a->local2->addr, &b->local2->addr);
}

static void check_duplicates(struct vnl_check *check, const struct vnl_connection *connection)
{
    char text[VNL_ADDR_STR];

    for (uint32_t i = 0; i < connection->number; i++) {
        const struct vnl_connection *other = check->lab->connections[i];

        if (same_ends(connection, other)) {
            vnl_mistake(check, "BadRequest", &connection->src, connection->id, NULL,
                        "Connection '%s' connects virtual network gateway '%s' with '%s', and connection "
                        "'%s' does already",
                        connection->name, connection->gateway1->name,
                        connection->gateway2 ? connection->gateway2->name : connection->local2->name,
                        other->name);
            return;
        }
        if (same_device(connection, other)) {
            vnl_mistake(check, "BadRequest", &connection->local2_src, connection->id,
                        "each device has a local network gateway with an address of its own",
                        "Connection '%s' leads to %s, where connection '%s' of virtual network gateway '%s' "
                        "leads already",
                        connection->name, vnl_addr_format(&connection->local2->addr, text), other->name,
                        connection->gateway1->name);
            return;
        }
    }
}

static bool has_address(const struct vnl_vpn_gateway *gateway, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < gateway->n_instances; i++) {
        const struct vnl_public_ip *own = gateway->instances[i].public_ip;

        if (own && own->is_static && vnl_addr_eq(&own->addr, addr))
            return true;
    }
    return false;
}

static void check_own_address(struct vnl_check *check, const struct vnl_connection *connection)
{
    if (has_address(connection->gateway1, &connection->local2->addr))
        vnl_mistake(check, "BadRequest", &connection->local2_src, connection->id, NULL,
                    "Local network gateway '%s' of connection '%s' has the public address of virtual network "
                    "gateway '%s' itself",
                    connection->local2->name, connection->name, connection->gateway1->name);
}

/* --- the gateway's limits ---------------------------------------------------------------------------- */

/* Blamed is the first one that is too many. */
static void check_count(struct vnl_check *check, const struct vnl_connection *connection)
{
    const struct vnl_vpn_gateway *gateway = connection->gateway1;
    const struct vnl_gateway_sku *sku =
        gateway->sku ? vnl_gateway_sku_lookup(gateway->sku, gateway->generation) : NULL;
    int max = gateway->policy_based ? 1 : sku ? sku->tunnels : INT32_MAX, n = 0;

    for (uint32_t i = 0; i < connection->number; i++)
        n += check->lab->connections[i]->gateway1 == gateway;
    if (n != max)
        return;
    if (gateway->policy_based)
        vnl_mistake(check, "BadRequest", &connection->gateway1_src, connection->id,
                    "'vpnType: RouteBased' takes more",
                    "Virtual network gateway '%s' is PolicyBased and has one connection at most: '%s' is "
                    "one more",
                    gateway->name, connection->name);
    else
        vnl_mistake(check, "BadRequest", &connection->gateway1_src, connection->id, NULL,
                    "Virtual network gateway '%s' is %s and has %d connections at most: '%s' is one more",
                    gateway->name, sku->name, max, connection->name);
}

/* Source: spec 3, 4: PolicyBased speaks IKEv1 only, Basic RouteBased IKEv2 only. */
static void check_protocol(struct vnl_check *check, struct vnl_connection *connection)
{
    const struct vnl_vpn_gateway *gateway = connection->gateway1;
    const struct vnl_gateway_sku *sku =
        gateway->sku ? vnl_gateway_sku_lookup(gateway->sku, gateway->generation) : NULL;

    if (gateway->policy_based && connection->ike_written && !connection->ike_v1)
        vnl_mistake(check, "BadRequest", &connection->src, connection->id,
                    "write 'connectionProtocol: IKEv1'",
                    "Connection '%s' cannot be IKEv2: virtual network gateway '%s' is PolicyBased",
                    connection->name, gateway->name);
    else if (gateway->policy_based)
        connection->ike_v1 = true;
    else if (connection->ike_v1 && sku && sku->basic)
        vnl_mistake(check, "BadRequest", &connection->src, connection->id,
                    "write 'connectionProtocol: IKEv2'",
                    "Connection '%s' cannot be IKEv1: virtual network gateway '%s' is Basic",
                    connection->name, gateway->name);
}

static size_t count_ipv4(const struct vnl_prefixes *list)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++)
        n += list->items[i].addr.family == AF_INET;
    return n;
}

static void check_selectors(struct vnl_check *check, const struct vnl_connection *connection)
{
    const struct vnl_vpn_gateway *gateway = connection->gateway1;
    const struct vnl_prefixes *far =
        connection->gateway2 ? connection->gateway2->vnet ? &connection->gateway2->vnet->space : NULL
        : connection->local2 ? &connection->local2->prefixes
                             : NULL;
    size_t pairs = far && gateway->vnet ? count_ipv4(far) * count_ipv4(&gateway->vnet->space) : 0;

    if (!connection->policy_selectors)
        return;
    if (!connection->policy.written)
        vnl_mistake(check, "BadRequest", &connection->src, connection->id, "add 'ipsecPolicies'",
                    "Connection '%s' cannot have usePolicyBasedTrafficSelectors without an IPsec policy",
                    connection->name);
    if (gateway->policy_based)
        vnl_mistake(check, "BadRequest", &connection->src, connection->id, NULL,
                    "Connection '%s' cannot have usePolicyBasedTrafficSelectors: virtual network gateway "
                    "'%s' is PolicyBased",
                    connection->name, gateway->name);
    if (connection->local2 && connection->enable_bgp && connection->local2->prefixes.n == 0)
        vnl_mistake(check, "BadRequest", &connection->src, connection->id, "write 'addressPrefixes' there",
                    "Connection '%s' cannot have usePolicyBasedTrafficSelectors: local network gateway '%s' "
                    "has no address prefix",
                    connection->name, connection->local2->name);
    if (pairs > SELECTOR_PAIRS_MAX)
        vnl_mistake(check, "BadRequest", &connection->src, connection->id, "name larger prefixes",
                    "Connection '%s' would have %zu pairs of traffic selectors; at most %u are possible",
                    connection->name, pairs, SELECTOR_PAIRS_MAX);
}

static bool is_ipv4(const struct vnl_prefixes *list)
{
    return list->n && count_ipv4(list) == list->n;
}

static void check_selector_policy(struct vnl_check *check, const struct vnl_connection *connection)
{
    const struct vnl_selector_policy *selectors = &connection->selectors;
    size_t pairs = selectors->local.n * selectors->remote.n;

    if (!selectors->written)
        return;
    if (connection->gateway1->policy_based)
        vnl_mistake(check, "BadRequest", &selectors->src, connection->id, NULL,
                    "Connection '%s' cannot have trafficSelectorPolicies: virtual network gateway '%s' is "
                    "PolicyBased",
                    connection->name, connection->gateway1->name);
    if (!is_ipv4(&selectors->local) || !is_ipv4(&selectors->remote))
        vnl_mistake(check, "BadRequest", &selectors->src, connection->id,
                    "write 'localAddressRanges' and 'remoteAddressRanges'",
                    "trafficSelectorPolicies of connection '%s' must name IPv4 prefixes of both sides",
                    connection->name);
    else if (pairs > SELECTOR_PAIRS_MAX)
        vnl_mistake(check, "BadRequest", &selectors->src, connection->id, "name larger prefixes",
                    "Connection '%s' would have %zu pairs of traffic selectors; at most %u are possible",
                    connection->name, pairs, SELECTOR_PAIRS_MAX);
}

static void check_key(struct vnl_check *check, const struct vnl_connection *connection)
{
    CLEANUP(vnl_str_free) char *who = NULL;

    if (!connection->shared_key)
        return;
    if (asprintf(&who, "connection '%s'", connection->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "connection");
        return;
    }
    vnl_shared_key_check(check, connection->shared_key, &connection->key_src, connection->id, who);
}

void vnl_connection_check(struct vnl_check *check, struct vnl_connection *connection)
{
    check_type(check, connection);
    check_key(check, connection);
    vnl_ipsec_policy_check(check, connection);
    if (!connection->gateway1)
        return;
    check_protocol(check, connection);
    check_count(check, connection);
    check_selectors(check, connection);
    check_selector_policy(check, connection);
    if (connection->gateway2)
        check_vnet_pair(check, connection);
    if (connection->local2)
        check_own_address(check, connection);
    vnl_bgp_check_connection(check, connection);
    check_duplicates(check, connection);
}
