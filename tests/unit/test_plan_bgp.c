/* BGP in the plan: who speaks with whom, what each announces and refuses, what stays static, and rows that were learned (spec vpn 6, 9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/gateways.h"
#include "../harness/plans.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"

#define CONNECT(name, from, kind, to)                                                                        \
    name ": {virtualNetworkGateway1: " from ", " kind ": " to ", sharedKey: aabbcc}"
#define V2V(name, from, to) CONNECT(name, from, "virtualNetworkGateway2", to)
#define S2S(name, from, to) CONNECT(name, from, "localNetworkGateway2", to)
/* gw1 in v1, which spoke uses by transit; gw2 in v2; two devices, of which the first is a site's. */
#define LAB                                                                                                  \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  v1: {addressSpace: [10.1.0.0/16, fd00:1::/48], subnets: {s: 10.1.0.0/24, GatewaySubnet: "             \
    "10.1.255.0/27}, peerings: {p: {remoteVirtualNetwork: spoke, allowGatewayTransit: true}}}\n"             \
    "  v2: {addressSpace: [10.4.0.0/16], subnets: {GatewaySubnet: 10.4.255.0/27}}\n"                         \
    "  spoke: {addressSpace: [10.20.0.0/16], subnets: {s: 10.20.0.0/24}, peerings: {p: "                     \
    "{remoteVirtualNetwork: v1, useRemoteGateways: true}}}\n"                                                \
    "publicIPAddresses: {ip1: {ipAddress: 198.51.100.1}, ip1b: {ipAddress: 198.51.100.11}, ip2: "            \
    "{ipAddress: 198.51.100.2}, ip2b: {ipAddress: 198.51.100.12}}\n"                                         \
    "virtualNetworkGateways: {gw1: {vnet: v1, publicIPAddress: ip1}, gw2: {vnet: v2, publicIPAddress: "      \
    "ip2}}\n"                                                                                                \
    "localNetworkGateways: {branch: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [192.168.50.0/24]}, "  \
    "plant: {gatewayIpAddress: 203.0.113.20, addressPrefixes: [192.168.60.0/24]}}\n"                         \
    "sites: {office: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/17], sharedKey: "         \
    "aabbcc}}\n"                                                                                             \
    "connections: {" V2V("c12", "gw1", "gw2") ", " V2V("c21", "gw2", "gw1") ", " S2S(                        \
        "c", "gw1", "branch") ", " S2S("d", "gw1", "plant") "}\n"                                            \
                                                            "networkSecurityGroups: {nsg: {}}\n"             \
                                                            "virtualMachines: {vm: {subnet: spoke/s, "       \
                                                            "networkSecurityGroup: nsg}}\n"

#define VIA1(prefix) "Active " prefix " VirtualNetworkGateway 198.51.100.1\n"
#define VIA2(prefix) "Active " prefix " VirtualNetworkGateway 198.51.100.2\n"
#define SPOKE                                                                                                \
    "Active 10.20.0.0/16 VnetLocal\nActive 10.1.0.0/16 VNetPeering deny-forwarded\n"                         \
    "Active fd00:1::/48 VNetPeering deny-forwarded\n"
#define NONE                                                                                                 \
    "Active 10.0.0.0/8 None\nActive 100.64.0.0/10 None\nActive 172.16.0.0/12 None\n"                         \
    "Active 192.168.0.0/16 None\n"
#define INTERNET "Active 0.0.0.0/0 Internet\n"

/* BGP on all but d: gw1 65010, gw2 65020, the device 65050. */
static struct vnl_lab *speaking(void)
{
    struct vnl_lab *lab = lab_of(LAB, NULL);

    gateway_asn(lab, "gw1", 65010);
    gateway_asn(lab, "gw2", 65020);
    local_bgp(lab, "branch", 65050, "192.168.255.254");
    site_bgp(lab, "office", 65050, "192.168.255.254");
    connection_bgp(lab, "c12");
    connection_bgp(lab, "c21");
    connection_bgp(lab, "c");
    return lab;
}

static const struct vnl_plan_tunnel *end_of(const struct vnl_plan *plan, const char *ifname)
{
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (strcmp(plan->tunnels[i].ifname, ifname) == 0)
            return &plan->tunnels[i];
    fail_msg("no tunnel '%s'", ifname);
    return NULL;
}

static void assert_peer(const struct vnl_plan *plan, const char *ifname, uint32_t asn, const char *addr,
                        const char *routes)
{
    const struct vnl_plan_tunnel *tunnel = end_of(plan, ifname);
    struct vnl_addr expected = addr ? addr_of_text(addr) : (struct vnl_addr){ 0 };

    assert_int_equal(tunnel->peer_asn, asn);
    assert_int_equal(tunnel->peer_bgp.family, expected.family);
    assert_memory_equal(tunnel->peer_bgp.bytes, expected.bytes, sizeof(expected.bytes));
    assert_prefixes(tunnel->routes, tunnel->n_routes, routes);
}

/* --- what is static ----------------------------------------------------------------------------------------------------- */

static void with_bgp_only_the_peers_and_the_written_prefixes_are_static(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);

    (void)state;
    assert_rows(plan, "spoke",
                SPOKE VIA1("10.4.255.30/32") VIA1("192.168.50.0/24") VIA1("192.168.255.254/32")
                    VIA1("192.168.60.0/24") INTERNET NONE);
    assert_rows(plan, "v2", "Active 10.4.0.0/16 VnetLocal\n" VIA2("10.1.255.30/32") INTERNET NONE);
}

static void one_flag_of_a_pair_is_none(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    gateway_asn(lab, "gw2", 65020);
    connection_bgp(lab, "c12");
    plan = plan_of_lab(lab);
    assert_rows(plan, "v2",
                "Active 10.4.0.0/16 VnetLocal\n" VIA2("10.1.0.0/16") VIA2("10.20.0.0/16") INTERNET NONE);
    assert_peer(plan, "vpn1", 0, NULL, "10.4.0.0/16");
    assert_int_equal(plan->gateways[0].asn, 0);
    assert_int_equal(plan->gateways[1].asn, 0);
    assert_int_equal(plan->gateways[0].n_announced, 0);
    assert_int_equal(plan->gateways[0].n_refused, 0);
}

/* --- who speaks with whom ----------------------------------------------------------------------------------------------- */

static void each_end_knows_the_others_speaker(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);

    (void)state;
    assert_peer(plan, "vpn1", 65020, "10.4.255.30", "10.4.255.30/32");
    assert_peer(plan, "vpn9", 65010, "10.1.255.30", "10.1.255.30/32");
    assert_peer(plan, "vpn17", 65050, "192.168.255.254", "192.168.50.0/24 192.168.255.254/32");
    assert_peer(plan, "vpn21", 65010, "10.1.255.30", "10.1.255.30/32");
    assert_peer(plan, "vpn25", 0, NULL, "192.168.60.0/24");
}

static void each_instance_speaks_for_itself(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    gateway_twice(lab, "gw1", "ip1b");
    gateway_twice(lab, "gw2", "ip2b");
    plan = plan_of_lab(lab);
    assert_peer(plan, "vpn1", 65020, "10.4.255.30", "10.4.255.30/32");
    assert_peer(plan, "vpn2", 65020, "10.4.255.29", "10.4.255.29/32");
    assert_peer(plan, "vpn3", 65020, "10.4.255.29", "10.4.255.29/32");
    assert_peer(plan, "vpn4", 65020, "10.4.255.30", "10.4.255.30/32");
    assert_peer(plan, "vpn11", 65010, "10.1.255.29", "10.1.255.29/32");
    assert_peer(plan, "vpn18", 65050, "192.168.255.254", "192.168.50.0/24 192.168.255.254/32");
    assert_peer(plan, "vpn21", 65010, "10.1.255.30", "10.1.255.30/32");
    assert_peer(plan, "vpn22", 65010, "10.1.255.29", "10.1.255.29/32");
    assert_int_equal(plan->gateways[1].asn, 65010);
    assert_true(vnl_addr_eq(&plan->gateways[1].bgp_addr, &lab->gateways[0]->instances[1].bgp_addr));
    assert_rows(plan, "v2",
                "Active 10.4.0.0/16 VnetLocal\n" VIA2("10.1.255.30/32") VIA2("10.1.255.29/32") INTERNET NONE);
}

static void a_gateway_announces_what_is_its_own(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    const struct vnl_plan_gateway *gateway;

    (void)state;
    gateway_p2s(lab, "gw1", "172.16.201.0/24");
    lab->gateways[0]->default_site = vnl_local_gateway_lookup(lab, "plant");
    plan = plan_of_lab(lab);
    gateway = &plan->gateways[0];
    assert_int_equal(gateway->asn, 65010);
    assert_true(vnl_addr_eq(&gateway->bgp_addr, &plan->nics[gateway->nic_in].addrs[1].addr));
    assert_prefixes(gateway->announced, gateway->n_announced,
                    "10.1.0.0/16 10.20.0.0/16 192.168.50.0/24 192.168.60.0/24 172.16.201.0/24");
    assert_prefixes(gateway->refused, gateway->n_refused, "10.1.0.0/16 10.20.0.0/16");
    assert_prefixes(plan->gateways[1].announced, plan->gateways[1].n_announced, "10.4.0.0/16");
}

/* --- sites -------------------------------------------------------------------------------------------------------------- */

static void a_device_announces_its_prefixes_or_what_is_written(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab), *written = NULL;
    struct vnl_prefix everything = { .addr.family = AF_INET };

    (void)state;
    assert_int_equal(plan->gateways[2].asn, 65050);
    assert_prefixes(plan->gateways[2].announced, plan->gateways[2].n_announced, "192.168.0.0/17");
    assert_int_equal(plan->gateways[2].n_refused, 0);
    assert_int_equal(plan->gateways[2].prepend, 0);
    lab->sites[0]->advertises = true;
    lab->sites[0]->prepend = 2;
    assert_int_equal(vnl_prefixes_add(&lab->sites[0]->advertised, &everything), 0);
    written = plan_of_lab(lab);
    assert_prefixes(written->gateways[2].announced, written->gateways[2].n_announced, "0.0.0.0/0");
    assert_int_equal(written->gateways[2].prepend, 2);
    assert_plans_differ(plan, written,
                        "~ sites/office  announced 192.168.0.0/17 -> 0.0.0.0/0\n"
                        "~ sites/office  asPathPrepend 0 -> 2\n");
}

static void a_devices_bgp_address_is_at_its_inside(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *outside = plan_of_lab(lab), *inside = NULL, *same = NULL;
    const struct vnl_plan_nic *nic = nic_of(outside, "office");

    (void)state;
    assert_int_equal(nic->n_addrs, 2);
    assert_true(vnl_addr_eq(&nic->addrs[1].addr, &outside->gateways[2].bgp_addr));
    assert_int_equal(nic->addrs[1].prefix_len, 32);
    assert_non_null(strstr(nic->alias, ",192.168.255.254/32"));
    site_bgp(lab, "office", 65050, "192.168.9.9");
    inside = plan_of_lab(lab);
    assert_int_equal(nic_of(inside, "office")->addrs[1].prefix_len, 17);
    site_bgp(lab, "office", 65050, "192.168.0.1");
    same = plan_of_lab(lab);
    assert_int_equal(nic_of(same, "office")->n_addrs, 1);
}

static void a_device_without_bgp_keeps_static_routes(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    lab->sites[0]->bgp = (struct vnl_bgp){ 0 };
    plan = plan_of_lab(lab);
    assert_peer(plan, "vpn17", 65050, "192.168.255.254", "192.168.50.0/24 192.168.255.254/32");
    assert_peer(plan, "vpn21", 0, NULL, "10.1.0.0/16 10.20.0.0/16");
    assert_int_equal(plan->gateways[2].asn, 0);
    assert_int_equal(nic_of(plan, "office")->n_addrs, 1);
}

/* --- learned routes ------------------------------------------------------------------------------------------------------- */

static const struct vnl_route *row_of(const struct vnl_plan *plan, const char *table, const char *prefix)
{
    const struct vnl_route_table *found = table_of(plan, table);
    char buf[VNL_PREFIX_STR];

    for (size_t i = 0; i < found->n_routes; i++)
        if (strcmp(vnl_prefix_format(&found->routes[i].prefix, buf), prefix) == 0)
            return &found->routes[i];
    return NULL;
}

static void a_learned_route_is_a_row_with_its_path(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    const struct vnl_route *row;

    (void)state;
    learn(lab, "gw1", "c12", "10.4.0.0/16", "65020");
    learn(lab, "gw1", "c", "192.168.70.0/24", "65050 65051");
    plan = plan_of_lab(lab);
    assert_rows(plan, "spoke",
                SPOKE VIA1("10.4.255.30/32") VIA1("192.168.50.0/24") VIA1("192.168.255.254/32")
                    VIA1("192.168.60.0/24") VIA1("10.4.0.0/16") VIA1("192.168.70.0/24") INTERNET NONE);
    assert_null(row_of(plan, "v2", "192.168.70.0/24"));
    row = row_of(plan, "v1", "192.168.70.0/24");
    assert_int_equal(row->source, VNL_ROUTE_GATEWAY);
    assert_string_equal(row->as_path, "65050 65051");
    assert_string_equal(row->origin, vnl_connection_lookup(lab, "c")->id);
    assert_int_equal(row->nic, plan->gateways[0].nic_in);
    assert_null(row_of(plan, "v1", "192.168.50.0/24")->as_path);
}

static void a_learned_route_leads_to_its_connections_instances(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    const struct vnl_route *row;

    (void)state;
    gateway_twice(lab, "gw1", "ip1b");
    learn(lab, "gw1", "c", "192.168.70.0/24", "65050");
    plan = plan_of_lab(lab);
    row = row_of(plan, "spoke", "192.168.70.0/24");
    assert_int_equal(row->nic, VNL_PLAN_NOBODY);
    assert_string_equal(plan->balancers[row->balancer].name, "c");
}

/* Spec vpn 11: forced tunnelling. */
static void a_learned_default_route_beats_the_internet(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    struct vnl_addr out = addr_of_text("8.8.8.8");

    (void)state;
    learn(lab, "gw1", "c", "0.0.0.0/0", "65050");
    plan = plan_of_lab(lab);
    assert_int_equal(vnl_route_select(table_of(plan, "v1"), &out)->type, VNL_NEXT_HOP_GATEWAY);
    assert_int_equal(vnl_route_select(table_of(plan, "v2"), &out)->type, VNL_NEXT_HOP_INTERNET);
}

static void what_is_static_is_not_learned_again(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab), *after = NULL;

    (void)state;
    learn(lab, "gw1", "c", "192.168.50.0/24", "65050");
    learn(lab, "gw1", "c12", "192.168.60.0/24", "65020");
    after = plan_of_lab(lab);
    assert_plans_differ(plan, after, "nothing to change\n");
}

static void of_two_connections_the_first_has_the_prefix(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    learn(lab, "gw1", "c", "172.30.0.0/16", "65050");
    learn(lab, "gw1", "c12", "172.30.0.0/16", "65020 65050");
    plan = plan_of_lab(lab);
    assert_string_equal(row_of(plan, "v1", "172.30.0.0/16")->as_path, "65020 65050");
}

static void what_has_no_session_any_more_is_ignored(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab), *after = NULL;

    (void)state;
    learn(lab, "gw1", "d", "172.30.0.0/16", "65099");    /* no BGP on it */
    learn(lab, "gw1", "c21", "172.31.0.0/16", "65010");  /* the other gateway's */
    learn(lab, "gw1", "gone", "172.29.0.0/16", "65099"); /* no such connection */
    after = plan_of_lab(lab);
    assert_plans_differ(plan, after, "nothing to change\n");
}

static void the_tag_holds_what_was_learned(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_str_free) char *tag = NULL;

    (void)state;
    learn(lab, "gw1", "c", "192.168.70.0/24", "65050");
    learn(lab, "gw1", "c", "192.168.50.0/24", "65050");
    plan = plan_of_lab(lab);
    tag = tag_of(plan, nic_of(plan, "vm")->rules_nic, "VirtualNetwork");
    assert_string_equal(tag, "10.20.0.0/16 168.63.129.16/32 10.1.0.0/16 fd00:1::/48 10.4.255.30/32 "
                             "192.168.50.0/24 192.168.255.254/32 192.168.60.0/24 192.168.70.0/24");
}

/* --- what is told --------------------------------------------------------------------------------------------------------- */

static void a_learned_route_is_a_change(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *before = plan_of_lab(lab), *after = NULL;

    (void)state;
    learn(lab, "gw2", "c21", "10.1.0.0/16", "65010");
    after = plan_of_lab(lab);
    assert_plans_differ(
        before, after,
        "~ routes/v2  +10.1.0.0/16 VirtualNetworkGateway 198.51.100.2, is gw2 in v2, AS path 65010\n");
    assert_plans_differ(
        after, before,
        "~ routes/v2  -10.1.0.0/16 VirtualNetworkGateway 198.51.100.2, is gw2 in v2, AS path 65010\n");
}

static void bgp_on_a_connection_is_a_change(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *before = plan_of_lab(lab), *after = NULL;

    (void)state;
    gateway_asn(lab, "gw1", 65010);
    local_bgp(lab, "branch", 65050, "192.168.255.254");
    connection_bgp(lab, "c");
    after = plan_of_lab(lab);
    assert_plans_differ(
        before, after,
        "~ routes/v1                   +192.168.255.254/32 VirtualNetworkGateway 198.51.100.1, is gw1 in v1\n"
        "~ routes/spoke                +192.168.255.254/32 VirtualNetworkGateway 198.51.100.1, is gw1 in v1\n"
        "~ networkSecurityGroups/nsg   +VirtualNetwork 192.168.255.254/32\n"
        "~ virtualNetworkGateways/gw1  BGP none -> 65010 at 10.1.255.30\n"
        "~ connections/c               BGP with none -> 65050 at 192.168.255.254\n");
}

static void text_and_json_hold_it(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = speaking();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_str_free) char *text = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *gateway, *tunnel;
    char *dump = NULL;

    (void)state;
    learn(lab, "gw1", "c", "192.168.70.0/24", "65050");
    plan = plan_of_lab(lab);
    text = print_of(plan);
    assert_non_null(strstr(text, "  BGP 65010 at 10.1.255.30\n  announced 10.1.0.0/16 10.20.0.0/16 "
                                 "192.168.50.0/24 192.168.60.0/24\n  refused 10.1.0.0/16 10.20.0.0/16\n"));
    assert_non_null(strstr(text, "  routes 10.4.255.30/32\n  BGP with 65020 at 10.4.255.30\n"));
    assert_int_equal(vnl_plan_to_json(plan, &json, NULL), 0);
    gateway = vnl_json_at(vnl_json_get(json, "gateways"), 0);
    tunnel = vnl_json_at(vnl_json_get(json, "tunnels"), 0);
    assert_string_equal(vnl_json_get_text(vnl_json_get(gateway, "bgp"), "bgpPeeringAddress"), "10.1.255.30");
    assert_string_equal(vnl_json_get_text(tunnel, "peerBgpAddress"), "10.4.255.30");
    assert_int_equal(vnl_json_format(json, 2, &dump, NULL), 0);
    assert_non_null(strstr(dump, "\"asPath\": \"65050\""));
    vnl_str_free(&dump);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_bgp_only_the_peers_and_the_written_prefixes_are_static),
        cmocka_unit_test(one_flag_of_a_pair_is_none),
        cmocka_unit_test(each_end_knows_the_others_speaker),
        cmocka_unit_test(each_instance_speaks_for_itself),
        cmocka_unit_test(a_gateway_announces_what_is_its_own),
        cmocka_unit_test(a_device_announces_its_prefixes_or_what_is_written),
        cmocka_unit_test(a_devices_bgp_address_is_at_its_inside),
        cmocka_unit_test(a_device_without_bgp_keeps_static_routes),
        cmocka_unit_test(a_learned_route_is_a_row_with_its_path),
        cmocka_unit_test(a_learned_route_leads_to_its_connections_instances),
        cmocka_unit_test(a_learned_default_route_beats_the_internet),
        cmocka_unit_test(what_is_static_is_not_learned_again),
        cmocka_unit_test(of_two_connections_the_first_has_the_prefix),
        cmocka_unit_test(what_has_no_session_any_more_is_ignored),
        cmocka_unit_test(the_tag_holds_what_was_learned),
        cmocka_unit_test(a_learned_route_is_a_change),
        cmocka_unit_test(bgp_on_a_connection_is_a_change),
        cmocka_unit_test(text_and_json_hold_it),
    };

    return cmocka_run_group_tests_name("BGP in the plan", tests, NULL, NULL);
}
