/* Rows of spec vpn 5.5, 6, 12 and 16 that need packets: three networks, 4 - 1 - 5, whose gateways do not speak BGP. All tests are at one lab,
 * and each begins with bringing it back to what the file says. */
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

#define HEAD_WITH(vms)                                                                                       \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "virtualNetworkGateways: {gw1: {vnet: net-1}, gw4: {vnet: net-4}, gw5: {vnet: net-5}}\n"                 \
    "routeTables:\n"                                                                                         \
    "  closed: {disableBgpRoutePropagation: true}\n"                                                         \
    "  user: {disableBgpRoutePropagation: true, routes: {to-4: {addressPrefix: 10.41.0.0/16, nextHopType: "  \
    "VirtualNetworkGateway}}}\n"                                                                             \
    "virtualMachines: {vm-1: {subnet: net-1/s}, vm-4: {subnet: net-4/s}, vm-5: {subnet: net-5/s}" vms "}\n"  \
    "vnets:\n"                                                                                               \
    "  net-5: {addressSpace: [10.51.0.0/16], subnets: {s: 10.51.0.0/24, GatewaySubnet: 10.51.255.0/27}}\n"
#define HEAD HEAD_WITH("")
/* table: of its subnet; more: keys of the network. */
#define NET_1(table, more)                                                                                   \
    "  net-1: {addressSpace: [10.11.0.0/16], subnets: {s: {addressPrefix: 10.11.0.0/24" table "}, "          \
    "GatewaySubnet: 10.11.255.0/27}" more "}\n"
#define NET_4(space, subnet, more)                                                                           \
    "  net-4: {addressSpace: [10.41.0.0/16" space "], subnets: {s: 10.41.0.0/24, GatewaySubnet: "            \
    "10.41.255.0/27" subnet "}" more "}\n"
#define PAIR(a, b)                                                                                           \
    "  " a "to" b ": {virtualNetworkGateway1: gw" a ", virtualNetworkGateway2: gw" b ", sharedKey: "         \
    "aabbcc}\n"
#define HALF "connections:\n" PAIR("1", "4") PAIR("1", "5") PAIR("5", "1")
#define BOTH HALF PAIR("4", "1")
#define GOOD HEAD NET_1("", "") NET_4("", "", "") BOTH

static void up(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", GOOD));
}

/* A number of a connection in `show connections/NAME -o json`. */
static int64_t bytes_of(const char *connection, const char *member)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    cli_ok("show connections/%s -o json", connection);
    assert_int_equal(vnl_json_parse(cli_out, strlen(cli_out), &json, NULL), 0);
    return vnl_json_get_int(vnl_json_get(json, "properties"), member, -1);
}

static int64_t egress_of(const char *connection)
{
    return bytes_of(connection, "egressBytesTransferred");
}

static int64_t ingress_of(const char *connection)
{
    return bytes_of(connection, "ingressBytesTransferred");
}

/* How often gw1 has begun to negotiate, or was asked to. */
static long negotiations(void)
{
    sh_ok("\"$VNETLAB\" vpn log gw1 | grep -c 'starts to negotiate' || true");
    return atol(cli_out);
}

/* --- 6: routes ------------------------------------------------------------------------------------------ */

#define GROWN                                                                                                \
    HEAD_WITH(", vm-43: {subnet: net-4/new}")                                                                \
    NET_1("", "") NET_4(", 10.43.0.0/16", ", new: 10.43.0.0/24", "") BOTH

static void a_space_that_grows_and_shrinks_is_followed_without_edits(void **state)
{
    long before;

    up(state);
    before = negotiations();
    cli_ok("routes vm-1");
    assert_lacks(cli_out, "10.43.0.0/16");
    cli_ok("up %s", cli_file("grown.yaml", GROWN));
    cli_ok("next-hop vm-1 10.43.0.4");
    assert_has(cli_out, "VirtualNetworkGateway");
    assert_int_equal(cli_ping("vm-1", "10.43.0.4"), 62);
    assert_int_equal(cli_ping("vm-43", "10.11.0.4"), 62);
    cli_ok("routes vm-5"); /* the neighbor's neighbor learns nothing */
    assert_lacks(cli_out, "10.43.0.0/16");
    cli_ok("up %s", cli_file("lab.yaml", GOOD));
    cli_ok("routes vm-1");
    assert_lacks(cli_out, "10.43.0.0/16");
    assert_int_equal(cli_ping("vm-1", "10.43.0.4"), 0);
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    assert_int_equal(negotiations(), before);
}

static void four_does_not_reach_five_without_bgp(void **state)
{
    long before;

    up(state);
    assert_int_equal(cli_ping("vm-4", "10.11.0.4"), 62);
    assert_int_equal(cli_ping("vm-5", "10.11.0.4"), 62);
    cli_ok("routes vm-4");
    assert_lacks(cli_out, "10.51.0.0/16");
    before = cli_drops("vm-4", "NoRoute");
    assert_int_equal(cli_ping("vm-4", "10.51.0.4"), 0);
    assert_int_equal(cli_drops("vm-4", "NoRoute"), before + 1);
}

#define CLOSED HEAD NET_1(", routeTable: closed", "") NET_4("", "", "") BOTH
#define USER   HEAD NET_1(", routeTable: user", "") NET_4("", "", "") BOTH

/* The request arrives, the reply has no way. */
static void without_propagation_replies_die_unless_a_user_routes_them(void **state)
{
    long before;

    up(state);
    cli_ok("up %s", cli_file("closed.yaml", CLOSED));
    cli_ok("routes vm-1");
    assert_lacks(cli_out, "10.41.0.0/16");
    assert_lacks(cli_out, "VirtualNetworkGateway");
    before = cli_drops("vm-1", "NoRoute");
    capture_start("arrives", "vm-1", "eth0");
    assert_int_equal(cli_ping("vm-4", "10.11.0.4"), 0);
    capture_stop("arrives");
    assert_int_equal(capture_count("arrives", "icmp[0] == 8 and src 10.41.0.4"), 1);
    assert_int_equal(cli_drops("vm-1", "NoRoute"), before + 1);
    cli_ok("up %s", cli_file("user.yaml", USER));
    assert_int_equal(cli_ping("vm-4", "10.11.0.4"), 62);
}

/* --- 16: peering, keys, deletion ---------------------------------------------------------------------------- */

#define PEERED                                                                                               \
    HEAD NET_1("", ", peerings: {p: {remoteVirtualNetwork: net-4}}")                                         \
        NET_4("", "", ", peerings: {p: {remoteVirtualNetwork: net-1}}") BOTH

static void a_peering_carries_what_a_tunnel_would(void **state)
{
    int64_t before;

    up(state);
    cli_ok("up %s", cli_file("peered.yaml", PEERED));
    before = egress_of("1to4");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 64);
    assert_int_equal(cli_ping("vm-4", "10.11.0.4"), 64);
    assert_true(egress_of("1to4") == before);
    cli_ok("exec vm-1 -- traceroute -n -q 1 -w 1 -m 4 10.41.0.4");
    assert_has(cli_out, "\n 1  10.41.0.4  ");
    cli_ok("show connections/1to4");
    assert_has(cli_out, "status                     Connected\n");
    cli_ok("up %s", cli_file("lab.yaml", GOOD));
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    assert_true(egress_of("1to4") == before + 84);
}

static void a_key_changed_at_one_side_shows_at_once(void **state)
{
    up(state);
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    cli_ok("set-key 4to1 other");
    assert_has(cli_out, "4to1: NotConnected, authentication failed: the shared keys differ\n");
    cli_ok("show connections");
    assert_has(cli_out, "connections: 2 of 4 connected\n"); /* a pair fails at both ends */
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 0);
    assert_int_equal(cli_ping("vm-1", "10.51.0.4"), 62);
    cli_ok("set-key 4to1 aabbcc");
    assert_has(cli_out, "4to1: Connected\n");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
}

static void a_deleted_connection_takes_its_routes_and_leaves_the_gateways(void **state)
{
    long before;

    up(state);
    cli_ok("up %s", cli_file("half.yaml", HEAD NET_1("", "") NET_4("", "", "") HALF));
    assert_has(cli_out, "connections: 2 of 3 connected\n");
    sh_ok("for i in $(seq 20); do \"$VNETLAB\" show connections | grep -q '^1to4: NotConnected, gw4 has no "
          "connection to gw1' && exit 0; sleep 0.1; done; exit 1");
    cli_ok("routes vm-1");
    assert_lacks(cli_out, "10.41.0.0/16");
    assert_has(cli_out, "10.51.0.0/16");
    before = cli_drops("vm-1", "NoRoute");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 0);
    assert_int_equal(cli_drops("vm-1", "NoRoute"), before + 1);
    assert_int_equal(cli_ping("vm-1", "10.51.0.4"), 62);   /* gw1 goes on */
    assert_int_equal(cli_ping("vm-4", "10.41.255.4"), 64); /* and so does gw4 */
    cli_ok("up %s", cli_file("lab.yaml", GOOD));
    assert_has(cli_out, "connections: 4 of 4 connected\n");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
}

/* --- 5.5, 12: what is counted, and what is seen ----------------------------------------------------------------- */

static void a_hundred_echoes_are_counted_at_both_ends(void **state)
{
    int64_t egress, ingress;

    up(state);
    egress = egress_of("1to4");
    ingress = ingress_of("4to1");
    cli_ok("exec vm-1 -- ping -n -q -c 100 -i 0.01 10.41.0.4");
    assert_has(cli_out, "100 received");
    assert_true(egress_of("1to4") - egress >= 8400);
    assert_true(ingress_of("4to1") - ingress >= 8400);
}

static void each_gateway_is_a_hop_of_a_traceroute(void **state)
{
    up(state);
    cli_ok("exec vm-1 -- traceroute -n -q 1 -w 1 -m 5 10.41.0.4");
    assert_has(cli_out, "\n 1  10.11.255.");
    assert_has(cli_out, "\n 2  ");
    assert_has(cli_out, "\n 3  10.41.0.4  ");
    assert_lacks(cli_out, "\n 1  10.41.0.4");
    assert_lacks(cli_out, "\n 2  10.41.0.4");
}

/* With MSS 1350 no segment has more than 1390 bytes of IP. What is still under way when the client ends is not counted as received. */
static void bulk_tcp_does_not_stall_and_its_segments_fit(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    int64_t mss;

    up(state);
    sh_ok(
        "\"$VNETLAB\" exec vm-4 -- timeout 20 iperf3 -s -1 > /dev/null 2>&1 & server=$!; for i in $(seq 50); "
        "do ip netns exec %s.vm-4 ss -Hltn sport = 5201 | grep -q . && break; sleep 0.1; done; "
        "\"$VNETLAB\" exec vm-1 -- timeout 10 iperf3 -c 10.41.0.4 -n 24M -J && wait $server",
        cli_lab());
    assert_int_equal(vnl_json_parse(cli_out, strlen(cli_out), &json, NULL), 0);
    assert_true(vnl_json_get_int(vnl_json_get(vnl_json_get(json, "end"), "sum_received"), "bytes", 0) >=
                8 << 20);
    mss = vnl_json_get_int(vnl_json_get(json, "start"), "tcp_mss_default", 0);
    assert_true(mss > 1200 && mss <= 1350);
}

static void only_ike_and_esp_are_outside(void **state)
{
    up(state);
    capture_start("outside", "gw1", "eth1");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    cli_ok("set-key 4to1 other");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 0);
    assert_int_equal(cli_ping("vm-4", "10.11.0.4"), 0);
    cli_ok("set-key 4to1 aabbcc");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    capture_stop("outside");
    assert_int_equal(capture_count("outside", "not arp and not (esp or udp port 500 or udp port 4500)"), 0);
    assert_int_equal(capture_count("outside", "net 10.0.0.0/8"), 0);
    assert_true(capture_count("outside", "esp or udp port 4500") >= 4);
    assert_true(capture_count("outside", "udp port 500") >= 2); /* the negotiation after set-key */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_space_that_grows_and_shrinks_is_followed_without_edits),
        cmocka_unit_test(four_does_not_reach_five_without_bgp),
        cmocka_unit_test(without_propagation_replies_die_unless_a_user_routes_them),
        cmocka_unit_test(a_peering_carries_what_a_tunnel_would),
        cmocka_unit_test(a_key_changed_at_one_side_shows_at_once),
        cmocka_unit_test(a_deleted_connection_takes_its_routes_and_leaves_the_gateways),
        cmocka_unit_test(a_hundred_echoes_are_counted_at_both_ends),
        cmocka_unit_test(each_gateway_is_a_hop_of_a_traceroute),
        cmocka_unit_test(bulk_tcp_does_not_stall_and_its_segments_fit),
        cmocka_unit_test(only_ike_and_esp_are_outside),
    };

    return cmocka_run_group_tests_name("commands, VPN rows", tests, cli_setup, cli_teardown);
}
