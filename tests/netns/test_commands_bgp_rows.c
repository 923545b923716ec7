/* Rows of spec vpn 9.4 and 11 that need packets: a network with two devices that announce much, and one whose default site is an office. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../harness/capture.h"
#include "../harness/cli.h"

#include "vnetlab/base.h"
#include "vnetlab/json.h"

/* vm-2's subnet has a route of its own to the internet. */
#define NET                                                                                                  \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  net-1: {addressSpace: [10.12.0.0/16], subnets: {s: 10.12.0.0/24, t: {addressPrefix: 10.12.1.0/24, "   \
    "routeTable: direct}, GatewaySubnet: 10.12.255.0/27}}\n"                                                 \
    "routeTables: {direct: {routes: {out: {addressPrefix: 0.0.0.0/0, nextHopType: Internet}}}}\n"            \
    "internet: {hosts: {example: {address: 203.0.113.80}}}\n"                                                \
    "virtualMachines: {vm-1: {subnet: net-1/s, publicIPAddress: true}, vm-2: {subnet: net-1/t, "             \
    "publicIPAddress: true}}\n"

/* near, far: what the devices announce of themselves; both have 172.30.0.0/24 behind them. */
#define TWO_DEVICES(near, far)                                                                               \
    NET "virtualNetworkGateways: {gw1: {vnet: net-1, bgpSettings: {asn: 64512}}}\n"                          \
        "localNetworkGateways:\n"                                                                            \
        "  l1: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [], bgpSettings: {asn: 65050, "             \
        "bgpPeeringAddress: 192.168.1.1}}\n"                                                                 \
        "  l2: {gatewayIpAddress: 203.0.113.20, addressPrefixes: [], bgpSettings: {asn: 65060, "             \
        "bgpPeeringAddress: 192.168.2.1}}\n"                                                                 \
        "connections:\n"                                                                                     \
        "  to-near: {virtualNetworkGateway1: gw1, localNetworkGateway2: l1, sharedKey: k, enableBgp: "       \
        "true}\n"                                                                                            \
        "  to-far: {virtualNetworkGateway1: gw1, localNetworkGateway2: l2, sharedKey: k, enableBgp: true}\n" \
        "sites:\n"                                                                                           \
        "  near: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.1.0/24, 172.30.0.0/24], "         \
        "sharedKey: k, hosts: {pc-near: 172.30.0.10}, bgpSettings: {asn: 65050, bgpPeeringAddress: "         \
        "192.168.1.1" near "}}\n"                                                                            \
        "  far: {publicIPAddress: 203.0.113.20, addressPrefixes: [192.168.2.0/24, 172.30.0.0/24], "          \
        "sharedKey: k, hosts: {pc-far: 172.30.0.20}, bgpSettings: {asn: 65060, bgpPeeringAddress: "          \
        "192.168.2.1" far "}}\n"
#define NEAR_IS_SHORTER                                                                                      \
    TWO_DEVICES(", advertisedPrefixes: [172.30.0.0/24, 0.0.0.0/0, 10.0.0.0/8]",                              \
                ", asPathPrepend: 2, advertisedPrefixes: [172.30.0.0/24, 10.12.0.0/16]")
#define FAR_IS_SHORTER TWO_DEVICES(", asPathPrepend: 3", "")

static int64_t egress_of(const char *connection)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    cli_ok("show connections/%s -o json", connection);
    assert_int_equal(vnl_json_parse(cli_out, strlen(cli_out), &json, NULL), 0);
    return vnl_json_get_int(vnl_json_get(json, "properties"), "egressBytesTransferred", -1);
}

/* Rows follow BGP within a second, and sessions their tunnels within some. */
static void await_gateway_row(const char *prefix, bool wanted)
{
    sh_ok("for i in $(seq 80); do \"$VNETLAB\" routes vm-1 | grep -q ' %s *VirtualNetworkGateway'; [ $? = %d "
          "] && "
          "exit 0; sleep 0.1; done; exit 1",
          prefix, !wanted);
}

static void up(const char *text)
{
    cli_ok("up %s", cli_file("lab.yaml", text));
    assert_has(cli_out, "connections: 2 of 2 connected, BGP: 2 of 2 sessions up\n");
}

/* ASN 64512 is the first private one that is nobody's. */
static void a_supernet_is_learned_and_the_vnet_stays_local(void **state)
{
    int64_t before;

    (void)state;
    up(NEAR_IS_SHORTER);
    cli_ok("vpn bgp near");
    assert_has(cli_out, "64512");
    cli_ok("vpn learned gw1");
    assert_has(cli_out, "10.0.0.0/8 ");
    cli_ok("next-hop vm-1 10.99.0.4");
    assert_has(cli_out, "VirtualNetworkGateway");
    before = egress_of("to-near");
    assert_int_equal(cli_ping("vm-1", "10.12.1.4"), 64);
    assert_true(egress_of("to-near") == before);
    assert_int_equal(cli_ping("vm-1", "10.99.0.4"), 0);
    assert_true(egress_of("to-near") == before + 84);
}

/* The other device announces the network's own prefix. */
static void the_exact_prefix_of_the_vnet_is_not_learned(void **state)
{
    (void)state;
    up(NEAR_IS_SHORTER);
    sh_ok("\"$VNETLAB\" vpn learned gw1 | grep '^10.12.0.0/16 '");
    assert_has(cli_out, "Network"); /* its own */
    assert_lacks(cli_out, "EBgp");
    sh_ok("\"$VNETLAB\" routes vm-1 | grep '10.12.0.0/16'");
    assert_has(cli_out, "VnetLocal");
    assert_lacks(cli_out, "VirtualNetworkGateway");
    sh_ok("\"$VNETLAB\" vpn advertised far 10.12.255.30");
    assert_has(cli_out, "10.12.0.0/16"); /* it does announce it */
}

static void a_learned_default_route_takes_what_was_for_the_internet(void **state)
{
    (void)state;
    up(NEAR_IS_SHORTER);
    cli_ok("next-hop vm-1 203.0.113.80");
    assert_has(cli_out, "VirtualNetworkGateway");
    capture_start("near", "near", "any");
    assert_int_equal(cli_ping("vm-1", "203.0.113.80"), 0);
    capture_stop("near");
    assert_true(capture_count("near", "icmp[0] == 8 and src 10.12.0.4 and dst 203.0.113.80") > 0);
    assert_true(cli_ping("vm-2", "203.0.113.80") > 0); /* a user's route wins */
}

static void the_shorter_as_path_carries(void **state)
{
    int ttl = 0;

    (void)state;
    up(NEAR_IS_SHORTER);
    assert_int_equal(cli_ping("vm-1", "172.30.0.10"), 62);
    assert_int_equal(cli_ping("vm-1", "172.30.0.20"), 0);
    cli_ok("vpn learned gw1");
    assert_has(cli_out, "65060-65060-65060"); /* both are accepted */
    up(FAR_IS_SHORTER);
    for (int i = 0; i < 5 && !ttl; i++) /* a route that moves is in force within a second */
        ttl = cli_ping("vm-1", "172.30.0.20");
    assert_int_equal(ttl, 62);
    await_gateway_row("10.0.0.0/8", false); /* what is not announced any more */
    cli_ok("next-hop vm-1 203.0.113.80");
    assert_has(cli_out, "Internet");
}

/* A key that is wrong cuts the tunnel; BGP goes with it, and comes back. */
static void nothing_of_bgp_is_in_clear_and_a_cut_withdraws(void **state)
{
    (void)state;
    up(NEAR_IS_SHORTER);
    capture_start("outside", "gw1", "eth1");
    cli_ok("set-key to-near other");
    await_gateway_row("10.0.0.0/8", false);
    await_gateway_row("172.30.0.0/24", true); /* the longer path is what is left */
    cli_ok("next-hop vm-1 203.0.113.80");
    assert_has(cli_out, "Internet");
    cli_ok("set-key to-near k");
    await_gateway_row("10.0.0.0/8", true);
    capture_stop("outside");
    assert_int_equal(capture_count("outside", "not arp and not (esp or udp port 500 or udp port 4500)"), 0);
    assert_true(capture_count("outside", "udp port 500") >= 2); /* it has negotiated */
    assert_true(capture_count("outside", "esp or udp port 4500") > 10);
}

/* --- gatewayDefaultSite --------------------------------------------------------------------------------- */

#define FORCED                                                                                               \
    NET "virtualNetworkGateways: {gw1: {vnet: net-1, gatewayDefaultSite: lng}}\n"                            \
        "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16]}}\n" \
        "connections: {c: {virtualNetworkGateway1: gw1, localNetworkGateway2: lng, sharedKey: k}}\n"         \
        "sites: {office: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16], sharedKey: k, "  \
        "hosts: {pc: 192.168.1.10}}}\n"

static void a_default_site_gets_what_is_for_the_internet(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("forced.yaml", FORCED));
    capture_start("office", "office", "any");
    assert_int_equal(cli_ping("vm-1", "203.0.113.80"), 0);
    assert_true(cli_ping("vm-2", "203.0.113.80") > 0);
    capture_stop("office");
    assert_true(capture_count("office", "icmp[0] == 8 and src 10.12.0.4 and dst 203.0.113.80") > 0);
    assert_int_equal(capture_count("office", "host 10.12.1.4"), 0);
}

static void without_the_tunnel_nothing_falls_back_to_the_internet(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("forced.yaml", FORCED));
    cli_ok("set-key c other");
    assert_has(cli_out, "c: NotConnected, ");
    cli_ok("next-hop vm-1 203.0.113.80");
    assert_has(cli_out, "VirtualNetworkGateway");
    capture_start("example", "example", "eth0");
    assert_int_equal(cli_ping("vm-1", "203.0.113.80"), 0);
    assert_true(cli_ping("vm-2", "203.0.113.80") > 0);
    capture_stop("example");
    assert_int_equal(capture_count("example", "icmp[0] == 8"), 1); /* vm-2's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_supernet_is_learned_and_the_vnet_stays_local),
        cmocka_unit_test(the_exact_prefix_of_the_vnet_is_not_learned),
        cmocka_unit_test(a_learned_default_route_takes_what_was_for_the_internet),
        cmocka_unit_test(the_shorter_as_path_carries),
        cmocka_unit_test_teardown(nothing_of_bgp_is_in_clear_and_a_cut_withdraws, cli_down_all),
        cmocka_unit_test(a_default_site_gets_what_is_for_the_internet),
        cmocka_unit_test_teardown(without_the_tunnel_nothing_falls_back_to_the_internet, cli_down_all),
    };

    return cmocka_run_group_tests_name("commands, BGP rows", tests, cli_setup, cli_teardown);
}
