/* Connections and local network gateways: ends, keys, limits, and their JSON. VPN spec 3, 5, 8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/mistakes.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

static void a_pair_knows_its_twin(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(gateway_lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_connection *a = vnl_connection_lookup(again, "a"),
                                *s = vnl_connection_lookup(again, "s");

    (void)state;
    assert_int_equal(a->type, VNL_CONNECTION_VNET);
    assert_ptr_equal(a->twin, vnl_connection_lookup(again, "b"));
    assert_ptr_equal(a->twin->twin, a);
    assert_int_equal(s->type, VNL_CONNECTION_IPSEC); /* by its second end */
    assert_null(s->twin);
    assert_ptr_equal(s->local2, again->local_gateways[0]);
    assert_int_equal(s->dpd_timeout_s, 9);
    assert_int_equal(s->mode, VNL_CONNECTION_RESPONDER);
    assert_int_equal(s->routing_weight, 0);
    assert_int_equal(a->routing_weight, 10);
    assert_string_equal(lab->connections[1]->shared_key,
                        "123456"); /* text, also when it looks like a number */
    assert_int_equal(lab->connections[2]->slot, 2);
}

static void without_a_key_one_is_made_and_kept(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *first = settled_lab(gateway_lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *second = settled_lab(gateway_lab_text, first);
    CLEANUP(vnl_lab_free) struct vnl_lab *other = settled_lab(gateway_lab_text, NULL);
    const char *key = first->connections[2]->shared_key;

    (void)state;
    assert_true(first->connections[2]->key_generated);
    assert_false(first->connections[0]->key_generated);
    assert_int_equal(strlen(key), 32);
    assert_int_equal(strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), 32);
    assert_string_equal(second->connections[2]->shared_key, key);
    assert_string_not_equal(other->connections[2]->shared_key, key);
}

/* Spec 5.3: what set-key has set stays while the file says what it said. */
static void the_same_key_written_again_changes_nothing(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *first = settled_lab(gateway_lab_text, NULL);
    CLEANUP(vnl_str_free) char *edited = strdup(gateway_lab_text);
    struct vnl_lab *again, *other;

    (void)state;
    for (size_t i = 0; i < 3; i += 2) { /* written, and generated */
        free(first->connections[i]->shared_key);
        first->connections[i]->shared_key = strdup("bysetkey");
        first->connections[i]->key_generated = false;
    }
    again = settled_lab(gateway_lab_text, first);
    assert_string_equal(again->connections[0]->shared_key, "bysetkey");
    assert_string_equal(again->connections[0]->key_written, "aabbcc");
    assert_string_equal(again->connections[2]->shared_key, "bysetkey");
    assert_string_equal(again->connections[2]->key_written, "");
    assert_false(again->connections[2]->key_generated);
    assert_string_equal(again->connections[1]->shared_key, "123456");
    memcpy(strstr(edited, "aabbcc"), "edited", 6);
    other = settled_lab(edited, again);
    assert_string_equal(other->connections[0]->shared_key, "edited");
    assert_string_equal(other->connections[2]->shared_key, "bysetkey");
    vnl_lab_free(&other);
    vnl_lab_free(&again);
}

static bool has_text(const char *text, size_t size, const char *word)
{
    return memmem(text, size, word, strlen(word));
}

/* The store's document alone has them. */
static void keys_are_not_shown(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(gateway_lab_text, NULL);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *one = vnl_connection_to_json(lab->connections[0]);
    CLEANUP(vnl_json_free) struct vnl_json *site = vnl_site_to_json(lab->sites[0]);
    CLEANUP(vnl_lab_text_done) struct vnl_lab_text pieces = { 0 };
    CLEANUP(vnl_str_free) char *text = NULL;
    CLEANUP(vnl_str_free) char *one_text = NULL;
    CLEANUP(vnl_str_free) char *site_text = NULL;

    (void)state;
    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    assert_int_equal(vnl_json_format(json, 0, &text, NULL), 0);
    assert_int_equal(vnl_json_format(one, 0, &one_text, NULL), 0);
    assert_int_equal(vnl_json_format(site, 0, &site_text, NULL), 0);
    assert_null(strstr(text, "aabbcc"));
    assert_null(strstr(text, "ddeeff"));
    assert_null(strstr(text, lab->connections[2]->shared_key));
    assert_null(strstr(one_text, "aabbcc"));
    assert_null(strstr(site_text, "ddeeff"));
    assert_int_equal(vnl_lab_text_build(lab, &pieces, NULL), 0);
    assert_true(has_text(pieces.head.body, pieces.head.size, "ddeeff"));
    for (size_t i = 0, n = 0; i < pieces.n_resources; i++) {
        if (strcmp(pieces.resources[i].type, "Microsoft.Network/connections") == 0)
            assert_true(has_text(pieces.resources[i].body, pieces.resources[i].size,
                                 lab->connections[n++]->shared_key));
    }
}

static void set_changes_a_connection(void **state)
{
    static const struct {
        const char *path, *value;
    } changes[] = {
        { "connections.a.sharedKey", "kk" },
        { "connections.a.dpdTimeoutSeconds", "30" },
        { "connections.b.sharedKey", "null" },
        { "connections.s.connectionMode", "Default" },
        { "connections.s.dpdTimeoutSeconds", "null" },
        { "localgateways.lng.addressPrefixes", "[192.168.0.0/16, 192.169.0.0/16]" },
        { "localNetworkGateways.lng.gatewayIpAddress", "203.0.113.11" },
        { "sites.office.sharedKey", "other" },
    };
    CLEANUP(vnl_lab_free) struct vnl_lab *before = settled_lab(gateway_lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(gateway_lab_text, before);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
        assert_int_equal(vnl_lab_set(lab, changes[i].path, changes[i].value, NULL), 0);
    assert_int_equal(vnl_lab_resolve(lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, before, NULL), 0);
    assert_string_equal(lab->connections[0]->shared_key, "kk");
    assert_int_equal(lab->connections[0]->dpd_timeout_s, 30);
    assert_int_equal(strlen(lab->connections[1]->shared_key), 32);
    assert_string_equal(lab->connections[2]->shared_key, before->connections[2]->shared_key);
    assert_int_equal(lab->connections[2]->mode, VNL_CONNECTION_DEFAULT);
    assert_int_equal(lab->connections[2]->dpd_timeout_s, 0);
    assert_int_equal(lab->local_gateways[0]->prefixes.n, 2);
    assert_int_equal(lab->local_gateways[0]->addr.bytes[3], 11);
    assert_string_equal(lab->sites[0]->shared_key, "other");
}

static void slots_of_tunnels_stay(void **state)
{
    static const char shorter[] =
        "vnets: {hub: {addressSpace: [10.11.0.0/16, 10.12.0.0/16], subnets: {s: 10.11.0.0/24, gatewaysubnet: "
        "10.12.255.0/27}}}\n"
        "publicIPAddresses: {pip: {ipAddress: 198.51.100.1}}\n"
        "virtualNetworkGateways: {hub-gw: {vnet: hub, sku: VpnGw3, vpnGatewayGeneration: Generation2, "
        "publicIPAddress: pip}}\n"
        "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}, l2: "
        "{gatewayIpAddress: 203.0.113.12, addressPrefixes: 192.169.0.0/16}}\n"
        "connections: {n: {virtualNetworkGateway1: hub-gw, localNetworkGateway2: l2}, s: "
        "{virtualNetworkGateway1: hub-gw, localNetworkGateway2: lng}}\n";
    CLEANUP(vnl_lab_free) struct vnl_lab *before = settled_lab(gateway_lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(shorter, before);

    (void)state;
    assert_int_equal(vnl_connection_lookup(lab, "s")->slot, 2);
    assert_int_equal(vnl_connection_lookup(lab, "n")->slot, 0);
}

/* Spec 3: tunnels of a SKU. */
static void a_gateway_has_its_skus_number_of_connections(void **state)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    (void)fprintf(out, "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}}\n"
                       "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic}}\nlocalNetworkGateways:\n");
    for (int i = 0; i < 11; i++)
        (void)fprintf(out, "  l%d: {gatewayIpAddress: 203.0.113.%d, addressPrefixes: 192.168.%d.0/24}\n", i,
                      i + 1, i);
    (void)fprintf(out, "connections:\n");
    for (int i = 0; i < 11; i++)
        (void)fprintf(out, "  c%d: {virtualNetworkGateway1: gw, localNetworkGateway2: l%d}\n", i, i);
    (void)fclose(out);
    assert_refused_lab(
        text, NULL,
        "BadRequest 26:33 Virtual network gateway 'gw' is Basic and has 10 connections at most: "
        "'c10' is one more\n");
}

static void selectors_are_a_hundred_pairs(void **state)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    (void)fprintf(out, "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}}\n"
                       "virtualNetworkGateways: {gw: {vnet: hub}}\n"
                       "localNetworkGateways: {l: {gatewayIpAddress: 203.0.113.1, addressPrefixes: [");
    for (int i = 0; i < 101; i++)
        (void)fprintf(out, "%s192.168.%d.0/24", i ? ", " : "", i);
    (void)fprintf(out, "]}}\nconnections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: l, "
                       "usePolicyBasedTrafficSelectors: true, ipsecPolicies: {ikeEncryption: AES256, "
                       "ikeIntegrity: SHA256, dhGroup: ECP256, ipsecEncryption: AES256, ipsecIntegrity: "
                       "SHA256, pfsGroup: None, saLifeTimeSeconds: 300, saDataSizeKilobytes: 1024}}}\n");
    (void)fclose(out);
    assert_refused_lab(
        text, NULL,
        "BadRequest 4:15 Connection 'c' would have 101 pairs of traffic selectors; at most 100 "
        "are possible | name larger prefixes\n");
}

#define SELECTORS(policies)                                                                                  \
    "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}}\n"                   \
    "virtualNetworkGateways: {gw: {vnet: hub}}\n"                                                            \
    "localNetworkGateways: {l: {gatewayIpAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/16}}\n"          \
    "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: l, "                                \
    "trafficSelectorPolicies: " policies "}}\n"

static void selector_policies_are_kept_and_name_both_sides(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        SELECTORS("[{localAddressRanges: [10.1.0.0/24, 10.1.1.0/24], remoteAddressRanges: 192.168.1.0/24}]"),
        NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_selector_policy *selectors = &again->connections[0]->selectors;

    (void)state;
    assert_true(selectors->written);
    assert_int_equal(selectors->local.n, 2);
    assert_int_equal(selectors->remote.n, 1);
    assert_refused_lab(SELECTORS("[{localAddressRanges: 10.1.0.0/24}]"), NULL,
                       "BadRequest 4:98 trafficSelectorPolicies of connection 'c' must name IPv4 prefixes of "
                       "both sides | write 'localAddressRanges' and 'remoteAddressRanges'\n");
    assert_refused_lab(
        SELECTORS("{localAddressRange: 10.1.0.0/24}"), NULL,
        "InvalidRequestContent 4:98 unknown key 'localAddressRange' in a traffic selector policy | did you "
        "mean 'localAddressRanges'?\n");
}

static void json_is_arms(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(gateway_lab_text, NULL);
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_connection_to_json(lab->connections[0]);
    const struct vnl_json *properties = vnl_json_get(json, "properties");

    (void)state;
    assert_string_equal(vnl_json_get_text(json, "type"), "Microsoft.Network/connections");
    assert_string_equal(vnl_json_get_text(properties, "connectionType"), "Vnet2Vnet");
    assert_string_equal(vnl_json_get_text(properties, "connectionProtocol"), "IKEv2");
    assert_string_equal(vnl_json_get_text(properties, "connectionStatus"), "Unknown");
    assert_int_equal(vnl_json_len(vnl_json_get(properties, "ipsecPolicies")), 0);
    assert_string_equal(vnl_json_get_text(vnl_json_get(properties, "virtualNetworkGateway2"), "id"),
                        lab->gateways[1]->id);
    assert_null(vnl_json_get(properties, "sharedKey"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_knows_its_twin),
        cmocka_unit_test(without_a_key_one_is_made_and_kept),
        cmocka_unit_test(the_same_key_written_again_changes_nothing),
        cmocka_unit_test(keys_are_not_shown),
        cmocka_unit_test(set_changes_a_connection),
        cmocka_unit_test(slots_of_tunnels_stay),
        cmocka_unit_test(a_gateway_has_its_skus_number_of_connections),
        cmocka_unit_test(selectors_are_a_hundred_pairs),
        cmocka_unit_test(selector_policies_are_kept_and_name_both_sides),
        cmocka_unit_test(json_is_arms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
