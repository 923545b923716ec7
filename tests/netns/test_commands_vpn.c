/* Commands about VPN connections, of labs that run: real IKE, real ESP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../harness/cli.h"

#include "vnetlab/base.h"
#include "vnetlab/json.h"

/* Two networks, and a site behind the first; key4: of the connection from net-4. */
#define LAB(key4, more)                                                                                      \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  net-1: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, GatewaySubnet: 10.11.255.0/27}}\n"   \
    "  net-4: {addressSpace: [10.41.0.0/16], subnets: {s: 10.41.0.0/24, GatewaySubnet: 10.41.255.0/27}}\n"   \
    "virtualNetworkGateways: {gw1: {vnet: net-1}, gw4: {vnet: net-4}}\n"                                     \
    "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16]}, "      \
    "gone: {gatewayIpAddress: 203.0.113.99, addressPrefixes: [172.20.0.0/16]}}\n"                            \
    "connections:\n"                                                                                         \
    "  1to4: {virtualNetworkGateway1: gw1, virtualNetworkGateway2: gw4, sharedKey: aabbcc}\n"                \
    "  4to1: {virtualNetworkGateway1: gw4, virtualNetworkGateway2: gw1, sharedKey: " key4 "}\n"              \
    "  1tobranch: {virtualNetworkGateway1: gw1, localNetworkGateway2: lng, sharedKey: s3cret}\n" more        \
    "sites: {branch: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16], sharedKey: s3cret, " \
    "hosts: {pc: 192.168.1.10}}}\n"                                                                          \
    "virtualMachines: {vm-1: {subnet: net-1/s}, vm-4: {subnet: net-4/s}}\n"
#define GOOD  LAB("aabbcc", "")
#define WRONG LAB("eeffgg", "")
#define GONE                                                                                                 \
    LAB("aabbcc", "  4togone: {virtualNetworkGateway1: gw4, localNetworkGateway2: gone, sharedKey: k}\n")

static struct vnl_json *parse(const char *text)
{
    struct vnl_json *json = NULL;

    assert_int_equal(vnl_json_parse(text, strlen(text), &json, NULL), 0);
    return json;
}

/* One member of the connection's JSON in `show connections -o json`; the text is the caller's. */
static char *status_of(const char *connection)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    const struct vnl_json *list;

    cli_ok("show connections -o json");
    json = parse(cli_out);
    list = vnl_json_get(json, "value");
    for (size_t i = 0; i < vnl_json_len(list); i++) {
        const struct vnl_json *item = vnl_json_at(list, i);

        if (!strcmp(vnl_json_get_text(item, "name"), connection))
            return strdup(vnl_json_get_text(vnl_json_get(item, "properties"), "connectionStatus"));
    }
    fail_msg("no connection %s", connection);
    return NULL;
}

static void assert_status(const char *connection, const char *wanted)
{
    CLEANUP(vnl_str_free) char *status = status_of(connection);

    assert_string_equal(status, wanted);
}

static int64_t egress_of(const char *connection)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    cli_ok("show connections/%s -o json", connection);
    json = parse(cli_out);
    return vnl_json_get_int(vnl_json_get(json, "properties"), "egressBytesTransferred", -1);
}

static void up_waits_for_connections(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    const struct vnl_json *list;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", GOOD));
    assert_has(cli_out, ": 2 virtual networks, 2 virtual machines, 2 VPN gateways up in ");
    assert_has(cli_out, "connections: 3 of 3 connected\n");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    assert_int_equal(cli_ping("pc", "10.11.0.4"), 62);
    assert_status("1to4", "Connected");
    cli_ok("up -o json %s", cli_file("lab.yaml", GOOD));
    json = parse(cli_out);
    list = vnl_json_get(json, "connections");
    assert_int_equal(vnl_json_len(list), 3);
    assert_string_equal(vnl_json_get_text(vnl_json_at(list, 2), "connectionStatus"), "Connected");
}

static void up_need_not_wait(void **state)
{
    (void)state;
    cli_ok("up --no-wait %s", cli_file("lab.yaml", GOOD));
    assert_lacks(cli_out, "connections:");
}

/* Nobody answers, and the key differs: neither is the fault of `up`. */
static void up_says_why_a_connection_is_not_there(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("gone.yaml", GONE));
    assert_has(cli_out, "connections: 3 of 4 connected\n");
    assert_has(cli_out, "4togone: ");
    assert_has(cli_out, ", nobody in the lab has 203.0.113.99\n");
    cli_ok("up %s", cli_file("wrong.yaml", WRONG));
    assert_has(cli_out, "connections: 1 of 3 connected\n");
    assert_has(cli_out, "1to4: NotConnected, authentication failed: the shared keys differ\n");
}

static void a_key_is_corrected_on_the_running_lab(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("wrong.yaml", WRONG));
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 0);
    assert_status("4to1", "NotConnected");
    cli_fails(1, "verify vm-1 vm-4 icmp");
    assert_has(cli_out, "blocked: NoTunnel at gw1 just now, by nothing in the plan: 1to4 is NotConnected, ");
    sh_ok("echo aabbcc | \"$VNETLAB\" set-key 4to1 -");
    assert_string_equal(cli_out, "4to1: Connected\n");
    assert_string_equal(cli_err, "");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    cli_ok("verify vm-1 vm-4 icmp");
    assert_has(cli_out, "tunnel of 1to4 at gw1: Connected\n");
    assert_has(cli_out, "the loaded program decides the same");
}

/* Spec vpn 5.3: what the file said before it says again; only an edited one changes the key. */
static void up_keeps_a_key_that_was_set(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("wrong.yaml", WRONG));
    sh_ok("echo aabbcc | \"$VNETLAB\" set-key 4to1 -");
    cli_ok("plan %s", cli_file("wrong.yaml", WRONG));
    assert_has(cli_out, "nothing to change");
    cli_ok("up %s", cli_file("wrong.yaml", WRONG));
    assert_has(cli_out, "nothing to change");
    assert_has(cli_out, "connections: 3 of 3 connected\n");
    cli_ok("plan %s", cli_file("edited.yaml", LAB("edited", "")));
    assert_has(cli_out, "~ connections/4to1  shared key changed\n");
    assert_lacks(cli_out, "edited\n");
    cli_ok("up %s", cli_file("edited.yaml", LAB("edited", "")));
    assert_has(cli_out, "~ connections/4to1  shared key changed\n");
    assert_has(cli_out, "connections: 1 of 3 connected\n");
    assert_has(cli_out, "authentication failed: the shared keys differ\n"); /* by the end that hears first */
}

/* Nobody is left who could end the tunnel. */
static void a_site_that_goes_is_not_connected(void **state)
{
    CLEANUP(vnl_str_free) char *moved = strdup(GOOD);

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", GOOD));
    memcpy(strstr(moved, "publicIPAddress: 203.0.113.10"), "publicIPAddress: 203.0.113.11", 29);
    cli_ok("up %s", cli_file("moved.yaml", moved));
    assert_has(cli_out, "connections: 2 of 3 connected\n");
    assert_status("1tobranch", "Connecting");
    cli_ok("show connections");
    assert_has(cli_out, "1tobranch: Connecting, nobody in the lab has 203.0.113.10\n");
    cli_ok("show connections/1tobranch");
    assert_has(cli_out, "reason                     nobody in the lab has 203.0.113.10\n");
    cli_ok("up %s", cli_file("lab.yaml", GOOD));
    assert_has(cli_out, "connections: 3 of 3 connected\n");
}

static void a_key_on_the_command_line_works_and_may_be_wrong(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", GOOD));
    cli_ok("set-key 1tobranch other");
    assert_has(cli_out, "1tobranch: NotConnected, authentication failed: the shared keys differ\n");
    assert_has(cli_err, "a key on the command line is in the process list");
    assert_lacks(cli_err, "other\n");
    assert_status("1to4", "Connected");
    cli_fails(2, "set-key 1tobranch 'a b'");
    assert_has(cli_err, "shared key");
    cli_fails(2, "set-key 1tobranhc k");
    assert_has(cli_err, "there is no connection '1tobranhc'");
    assert_has(cli_err, "did you mean '1tobranch'?");
    sh_ok("! echo | \"$VNETLAB\" set-key 1tobranch -");
    assert_has(cli_err, "set-key: no key came on standard input");
}

static void show_tells_status_bytes_and_suite(void **state)
{
    int64_t before;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", GOOD));
    before = egress_of("1to4");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    assert_int_equal(egress_of("1to4") - before, 84); /* of the inner packet */
    cli_ok("show connections");
    assert_has(cli_out, "connections: 3 of 3 connected\n");
    cli_ok("show connections/1to4");
    assert_has(cli_out, "status                     Connected\n");
    assert_has(cli_out,
               "suite                      AES_CBC-256/HMAC_SHA1_96/MODP_1024, ESP:AES_GCM_16-256\n");
    assert_lacks(cli_out, "aabbcc");
    cli_ok("show virtualNetworkGateways/gw1");
    assert_has(cli_out, "virtual network            net-1\n");
    assert_has(cli_out, "1tobranch, IPsec to lng\n");
    cli_ok("show localNetworkGateways/lng");
    assert_has(cli_out, "site with that address     branch\n");
    cli_ok("show sites/branch");
    assert_has(cli_out, "pc 192.168.1.10\n");
    cli_ok("show pc");
    assert_has(cli_out, "host pc of site branch\n");
    cli_ok("show");
    assert_has(cli_out, "1tobranch");
    assert_has(cli_out, "VPN gateway gw1");
}

static void reset_negotiates_anew(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", GOOD));
    cli_ok("vpn reset gw1");
    assert_has(cli_out, "1to4: Connected\n");
    assert_has(cli_out, "1tobranch: Connected\n");
    cli_ok("vpn reset 4to1");
    assert_string_equal(cli_out, "4to1: Connected\n");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    cli_fails(2, "vpn reset gw9");
    assert_has(cli_err, "there is no resource 'gw9'");
}

static void log_is_readable_and_has_no_key(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("wrong.yaml", WRONG));
    cli_ok("vpn log gw4");
    assert_has(cli_out, "4to1  authentication failed: the shared keys differ\n");
    assert_lacks(cli_out, "eeffgg");
    cli_ok("vpn log branch");
    assert_has(cli_out, "1tobranch");
    assert_lacks(cli_out, "s3cret");
    cli_fails(2, "vpn log vm-1");
    assert_has(cli_err, "there is no virtual network gateway, site or client 'vm-1'");
    cli_fails(2, "vpn log pc");
    assert_has(cli_err, "'pc' is a host of site 'branch': it is the site that speaks IKE");
    (void)cli("logs gw1");
    assert_has(cli_err, "gw1 is the VPN gateway of net-1: 'vnetlab vpn log gw1' has what it negotiates");
}

static void check_grades_through_tunnels(void **state)
{
    (void)state;
    cli_ok("check %s", cli_file("good.yaml", GOOD "expect:\n"
                                                  "  - {from: vm-1, to: vm-4, icmp: pass, ttl: 62}\n"
                                                  "  - {from: pc, to: vm-1, icmp: pass, ttl: 62}\n"
                                                  "  - {from: vm-4, to: pc, icmp: drop, reason: NoRoute}\n"));
    assert_has(cli_out, "VirtualNetworkGateway 10.41.0.0/16, through gw1, through gw4");
    cli_fails(1, "check %s",
              cli_file("wrong.yaml", WRONG "expect:\n"
                                           "  - {from: vm-1, to: vm-4, icmp: drop, reason: NoTunnel}\n"
                                           "  - {from: vm-4, to: vm-1, tcp: 80, result: pass}\n"));
    assert_has(cli_out, "1 passed, 1 failed");
    assert_has(cli_out,
               "NoTunnel at gw1: 1to4 is not connected, authentication failed: the shared keys differ");
    assert_has(cli_out, "hint: vnetlab show connections");
}

/* net-4 in another region; a site has none. */
#define FAR                                                                                                  \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "latency: [{between: [eastus, westus], rtt: 60ms}]\n"                                                    \
    "vnets:\n"                                                                                               \
    "  net-1: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, GatewaySubnet: 10.11.255.0/27}}\n"   \
    "  net-4: {location: westus, addressSpace: [10.41.0.0/16], subnets: {s: 10.41.0.0/24, GatewaySubnet: "   \
    "10.41.255.0/27}}\n"                                                                                     \
    "virtualNetworkGateways: {gw1: {vnet: net-1}, gw4: {vnet: net-4}}\n"                                     \
    "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16]}}\n"     \
    "connections:\n"                                                                                         \
    "  1to4: {virtualNetworkGateway1: gw1, virtualNetworkGateway2: gw4, sharedKey: aabbcc}\n"                \
    "  4to1: {virtualNetworkGateway1: gw4, virtualNetworkGateway2: gw1, sharedKey: aabbcc}\n"                \
    "  4tobranch: {virtualNetworkGateway1: gw4, localNetworkGateway2: lng, sharedKey: s3cret}\n"             \
    "sites: {branch: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16], sharedKey: s3cret, " \
    "hosts: {pc: 192.168.1.10}}}\n"                                                                          \
    "virtualMachines: {vm-1: {subnet: net-1/s}, vm-4: {subnet: net-4/s}}\n"

static double fastest_ms(const char *from, const char *to)
{
    const char *min;

    sh_ok("\"$VNETLAB\" exec %s -- ping -c 4 -i 0.2 -W 2 %s", from, to);
    assert_has(cli_out, " 0% packet loss");
    min = strstr(cli_out, "rtt min/avg/max/mdev = ");
    assert_non_null(min);
    return atof(min + strlen("rtt min/avg/max/mdev = "));
}

static void gateways_of_two_regions_are_as_far_apart(void **state)
{
    double ms;

    (void)state;
    cli_ok("up %s", cli_file("far.yaml", FAR));
    assert_has(cli_out, "connections: 3 of 3 connected\n");
    ms = fastest_ms("vm-1", "10.41.0.4");
    assert_true(ms >= 60 && ms < 90); /* once each way */
    ms = fastest_ms("vm-4", "10.11.0.4");
    assert_true(ms >= 60 && ms < 90);
    assert_true(fastest_ms("vm-4", "192.168.1.10") < 30);
    assert_true(fastest_ms("pc", "10.41.0.4") < 30);
    cli_ok("up %s", cli_file("far.yaml", FAR));
    assert_has(cli_out, ": nothing to change\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(up_waits_for_connections, cli_down_all),
        cmocka_unit_test_teardown(up_need_not_wait, cli_down_all),
        cmocka_unit_test_teardown(up_says_why_a_connection_is_not_there, cli_down_all),
        cmocka_unit_test_teardown(a_key_is_corrected_on_the_running_lab, cli_down_all),
        cmocka_unit_test_teardown(up_keeps_a_key_that_was_set, cli_down_all),
        cmocka_unit_test_teardown(a_site_that_goes_is_not_connected, cli_down_all),
        cmocka_unit_test_teardown(a_key_on_the_command_line_works_and_may_be_wrong, cli_down_all),
        cmocka_unit_test_teardown(show_tells_status_bytes_and_suite, cli_down_all),
        cmocka_unit_test_teardown(reset_negotiates_anew, cli_down_all),
        cmocka_unit_test_teardown(log_is_readable_and_has_no_key, cli_down_all),
        cmocka_unit_test_teardown(check_grades_through_tunnels, cli_down_all),
        cmocka_unit_test_teardown(gateways_of_two_regions_are_as_far_apart, cli_down_all),
    };

    return cmocka_run_group_tests_name("commands, VPN", tests, cli_setup, cli_teardown);
}
