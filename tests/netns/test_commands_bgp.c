/* Commands about BGP, active-active gateways and point-to-site clients, of labs that run. */
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

/* Two networks, and a site behind the first. asn: of the site; it is 65050 to Azure. */
#define BGP_LAB(asn)                                                                                         \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  net-1: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, GatewaySubnet: 10.11.255.0/27}}\n"   \
    "  net-4: {addressSpace: [10.41.0.0/16], subnets: {s: 10.41.0.0/24, GatewaySubnet: 10.41.255.0/27}}\n"   \
    "  net-7: {addressSpace: [10.71.0.0/16], subnets: {GatewaySubnet: 10.71.255.0/27}}\n"                    \
    "virtualNetworkGateways:\n"                                                                              \
    "  gw1: {vnet: net-1, bgpSettings: {asn: 65010}}\n"                                                      \
    "  gw4: {vnet: net-4, bgpSettings: {asn: 65040}}\n"                                                      \
    "  gw7: {vnet: net-7}\n"                                                                                 \
    "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [], "                     \
    "bgpSettings: {asn: 65050, bgpPeeringAddress: 192.168.255.254}}}\n"                                      \
    "connections:\n"                                                                                         \
    "  1to4: {virtualNetworkGateway1: gw1, virtualNetworkGateway2: gw4, sharedKey: k1, enableBgp: true}\n"   \
    "  4to1: {virtualNetworkGateway1: gw4, virtualNetworkGateway2: gw1, sharedKey: k1, enableBgp: true}\n"   \
    "  1tobranch: {virtualNetworkGateway1: gw1, localNetworkGateway2: lng, sharedKey: k2, enableBgp: "       \
    "true}\n"                                                                                                \
    "sites: {branch: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16], sharedKey: k2, "     \
    "bgpSettings: {asn: " asn ", bgpPeeringAddress: 192.168.255.254}, hosts: {pc: 192.168.1.10}}}\n"         \
    "virtualMachines: {vm-1: {subnet: net-1/s}, vm-4: {subnet: net-4/s}}\n"
#define GOOD  BGP_LAB("65050")
#define WRONG BGP_LAB("65051")

/* An active-active gateway, with one that is not at the other end, and a laptop. */
#define INSTANCES                                                                                            \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  net-1: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, GatewaySubnet: 10.11.255.0/27}}\n"   \
    "  net-4: {addressSpace: [10.41.0.0/16], subnets: {s: 10.41.0.0/24, GatewaySubnet: 10.41.255.0/27}}\n"   \
    "virtualNetworkGateways:\n"                                                                              \
    "  gw1: {vnet: net-1, activeActive: true, vpnClientConfiguration: {vpnClientAddressPool: "               \
    "[172.16.201.0/24], vpnClientProtocols: [IkeV2], vpnAuthenticationTypes: [Certificate], "                \
    "vpnClientRootCertificates: {root: {}}}}\n"                                                              \
    "  gw4: {vnet: net-4}\n"                                                                                 \
    "connections:\n"                                                                                         \
    "  1to4: {virtualNetworkGateway1: gw1, virtualNetworkGateway2: gw4, sharedKey: k1}\n"                    \
    "  4to1: {virtualNetworkGateway1: gw4, virtualNetworkGateway2: gw1, sharedKey: k1}\n"                    \
    "clients: {laptop: gw1}\n"                                                                               \
    "virtualMachines: {vm-1: {subnet: net-1/s}, vm-4: {subnet: net-4/s}}\n"

static struct vnl_json *parse(const char *text)
{
    struct vnl_json *json = NULL;

    assert_int_equal(vnl_json_parse(text, strlen(text), &json, NULL), 0);
    return json;
}

/* --- BGP ---------------------------------------------------------------------------------------------- */

static void up_waits_for_sessions_and_finds_nothing_to_do_then(void **state)
{
    const char *lab = cli_file("lab.yaml", GOOD);

    (void)state;
    cli_ok("up %s", lab);
    assert_has(cli_out, "connections: 3 of 3 connected, BGP: 2 of 2 sessions up\n");
    assert_int_equal(cli_ping("vm-4", "192.168.1.10"), 61);
    assert_int_equal(cli_ping("pc", "10.41.0.4"), 61);
    cli_ok("routes vm-4");
    assert_has(cli_out, "192.168.0.0/16");
    cli_ok("plan %s", lab);
    assert_has(cli_out, ": nothing to change\n"); /* what was learned is no difference */
    cli_ok("up %s", lab);
    assert_has(cli_out, ": nothing to change\n");
    cli_ok("show connections");
    assert_has(cli_out, "BGP");
    cli_ok("show connections/1to4");
    assert_has(cli_out, "BGP                        Connected\n");
}

static void vpn_lists_what_bgp_says(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", GOOD));
    cli_ok("vpn bgp gw1");
    assert_has(cli_out, "10.41.255.30");
    assert_has(cli_out, "192.168.255.254");
    assert_has(cli_out, "Connected");
    cli_ok("vpn bgp branch -o json");
    json = parse(cli_out);
    assert_int_equal(vnl_json_len(vnl_json_get(json, "value")), 1);
    assert_int_equal(vnl_json_get_int(vnl_json_at(vnl_json_get(json, "value"), 0), "asn", -1), 65010);
    cli_ok("vpn learned gw4");
    assert_has(cli_out, "192.168.0.0/16");
    assert_has(cli_out, "65010-65050");
    cli_ok("vpn advertised gw1 10.41.255.30");
    assert_has(cli_out, "10.11.0.0/16");
    assert_has(cli_out, "192.168.0.0/16");
    assert_lacks(cli_out, "Neighbor");
    cli_ok("vpn advertised gw1");
    assert_has(cli_out, "Neighbor         Network");
    assert_has(cli_out, "\n192.168.255.254  10.41.0.0/16");
    assert_lacks(cli_out, "\n192.168.255.254  192.168.0.0/16"); /* it is its own */
    cli_fails(2, "vpn advertised gw1 10.9.9.9");
    assert_has(cli_err, "gw1 has no BGP peer 10.9.9.9\n");
    cli_fails(2, "vpn bgp gw7");
    assert_has(cli_err, "gw7 speaks no BGP\n");
    cli_fails(2, "vpn bgp gw9");
    assert_has(cli_err, "there is no virtual network gateway or site 'gw9'");
}

/* The site's number is not what Azure was told. Another command, which needs the lab's lock, is not kept waiting. */
static void a_session_that_does_not_come_up_is_named_and_holds_nobody_up(void **state)
{
    const char *lab = cli_file("lab.yaml", WRONG);

    (void)state;
    cli_ok("up --no-wait %s", lab);
    sh_ok("\"$VNETLAB\" up -W 6 %s > %s.out & up=$!; until grep -q 'nothing to change' %s.out; do kill -0 "
          "$up || "
          "exit 9; done; timeout 4 \"$VNETLAB\" set vms.vm-1.enableIPForwarding true && kill -0 $up && wait "
          "$up && "
          "cat %s.out",
          lab, lab, lab, lab);
    assert_has(cli_out, "connections: 3 of 3 connected, BGP: 1 of 2 sessions up\n");
    assert_has(cli_out, "1tobranch: Connected, but BGP with 192.168.255.254 (ASN 65050) is ");
}

/* One flag of a pair is none: what the other pair brings is not passed on. */
static void without_bgp_at_one_pair_there_is_no_transit(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", GOOD));
    assert_int_equal(cli_ping("vm-4", "192.168.1.10"), 61);
    cli_ok("set connections.4to1.enableBgp false");
    assert_int_equal(cli_ping("vm-4", "192.168.1.10"), 0);
    assert_int_equal(cli_ping("vm-1", "192.168.1.10"), 62);
}

static void check_grades_what_is_learned(void **state)
{
    (void)state;
    cli_ok("check %s", cli_file("good.yaml", GOOD "expect:\n"
                                                  "  - {from: vm-4, to: pc, icmp: pass, ttl: 61}\n"
                                                  "  - {from: pc, to: vm-4, icmp: pass, ttl: 61}\n"
                                                  "  - {from: vm-4, to: 10.60.0.4, icmp: drop, reason: "
                                                  "NoRoute}\n"));
    assert_has(cli_out, "3 passed, 0 failed");
}

/* The instance that was chosen is on the way: that says it. */
static void check_names_the_instance_once(void **state)
{
    (void)state;
    cli_ok("check %s", cli_file("lab.yaml", INSTANCES "expect:\n"
                                                      "  - {from: vm-1, to: vm-4, icmp: pass, ttl: 62}\n"));
    assert_has(cli_out, "VirtualNetworkGateway 10.41.0.0/16, through gw1");
    assert_lacks(cli_out, "chosen by hash");
}

/* --- instances and clients ---------------------------------------------------------------------------- */

static void tunnels_of_instances_and_clients_are_shown(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    const struct vnl_json *first;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", INSTANCES));
    assert_has(cli_out, "connections: 2 of 2 connected, clients: 1 of 1 connected\n");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    assert_int_equal(cli_ping("laptop", "10.11.0.4"), 63);
    cli_ok("show connections");
    assert_has(cli_out, "  gw1.1 ");
    assert_has(cli_out, "172.16.201.");
    cli_ok("show connections -o json");
    json = parse(cli_out);
    first = vnl_json_at(vnl_json_get(json, "value"), 0);
    assert_int_equal(vnl_json_len(vnl_json_get(vnl_json_get(first, "properties"), "tunnelConnectionStatus")),
                     2);
    assert_int_equal(vnl_json_len(vnl_json_get(vnl_json_get(json, "vnetlab"), "clients")), 1);
    cli_ok("show gw1");
    assert_has(cli_out, "instances                  gw1, gw1.1\n");
    assert_has(cli_out, "BGP address                10.11.255.30, 10.11.255.29\n");
    assert_has(cli_out, "root certificates          root, made by the lab\n");
    assert_has(cli_out, "clients                    laptop\n");
}

/* Both tunnels have the same key, so both fail alike: one line. */
static void what_is_wrong_with_all_tunnels_is_said_once(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", INSTANCES));
    cli_ok("set-key 4to1 wrong");
    cli_ok("vpn reset 1to4");
    assert_has(cli_out, "1to4: NotConnected, authentication failed: the shared keys differ\n");
    assert_lacks(cli_out, "1to4, gw1 to ");
}

static void an_instance_and_a_client_are_reset_and_have_logs(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", INSTANCES));
    cli_ok("vpn reset gw1.1");
    assert_has(cli_out, "1to4, gw1.1 to ");
    assert_lacks(cli_out, "1to4, gw1 to ");
    cli_ok("vpn reset laptop");
    assert_string_equal(cli_out, "laptop: Connected\n");
    cli_ok("vpn log gw1.1");
    assert_has(cli_out, "1to4");
    cli_ok("vpn log laptop");
    assert_has(cli_out, "laptop");
    cli_fails(2, "vpn log gw1.2");
    assert_has(cli_err, "there is no virtual network gateway, site or client 'gw1.2'");
}

#define STOPPED "VNETLAB_RUN_DIR=$VNETLAB_RUN_DIR.none \"$VNETLAB\" "

/* As after a reboot: stored, and nothing of it is there. */
static void commands_say_that_the_lab_does_not_run(void **state)
{
    char wanted[128];

    (void)state;
    cli_ok("up --no-wait %s", cli_file("lab.yaml", GOOD));
    (void)snprintf(wanted, sizeof(wanted), "lab '%s' is not running\n  hint: vnetlab up FILE\n", cli_lab());
    for (size_t i = 0; i < 4; i++) {
        static const char *const words[] = { "log", "reset", "bgp", "learned" };

        assert_int_equal(sh(STOPPED "vpn %s gw1 -l %s", words[i], cli_lab()), 2);
        assert_has(cli_err, wanted);
    }
    sh_ok(STOPPED "show connections -l %s", cli_lab());
    assert_has(cli_out, "connections: 0 of 3 connected, BGP: 0 of 2 sessions up\n"
                        "1to4: Unknown, the lab is not running\n");
    sh_ok(STOPPED "routes -l %s vm-4", cli_lab());
    assert_string_equal(cli_err,
                        "vnetlab: routes that BGP brings are known while the lab runs, and not here\n");
    cli_ok("routes vm-4");
    assert_string_equal(cli_err, "");
    cli_ok("routes -f %s vm-4 -o json", cli_file("lab.yaml", GOOD));
    assert_string_equal(cli_err, "");
    cli_ok("next-hop -f %s vm-4 10.11.0.4", cli_file("lab.yaml", INSTANCES));
    assert_string_equal(cli_err, "");
}

static void completion_knows_instances_clients_and_connections(void **state)
{
    (void)state;
    cli_ok("up --no-wait %s", cli_file("lab.yaml", INSTANCES));
    cli_ok("complete -- exec gw");
    assert_string_equal(cli_out, "gw1\ngw4\ngw1.1\n");
    cli_ok("complete -- vpn log ''");
    assert_string_equal(cli_out, "gw1\ngw4\n1to4\n4to1\nlaptop\ngw1.1\n");
    cli_ok("complete -- show conn");
    assert_string_equal(cli_out, "connections\n");
    cli_ok("up --no-wait %s", cli_file("other.yaml", GOOD));
    cli_ok("complete -- vpn bgp ''");
    assert_has(cli_out, "branch\n");
    assert_lacks(cli_out, "pc\n"); /* a host speaks no IKE */
}

static void bgp_of_an_instance_is_its_own(void **state)
{
    (void)state;
    cli_ok("up --no-wait %s", cli_file("lab.yaml", INSTANCES));
    cli_ok("set virtualNetworkGateways.gw1.asn 65010");
    cli_ok("set connections.1to4.enableBgp true");
    cli_ok("set connections.4to1.enableBgp true");
    cli_ok("vpn bgp gw1");
    assert_has(cli_out, "\n10.11.255.30  10.41.255.30");
    assert_has(cli_out, "\n10.11.255.29  10.41.255.30");
    cli_ok("vpn bgp GW1.1 -o json");
    assert_has(cli_out, "\"localAddress\": \"10.11.255.29\"");
    assert_lacks(cli_out, "10.11.255.30");
    cli_ok("vpn learned gw1.1");
    assert_lacks(cli_out, "10.11.255.30");
    cli_ok("vpn advertised gw1.1 10.41.255.30");
    cli_fails(2, "vpn advertised gw1.1 10.9.9.9");
    assert_has(cli_err, "gw1.1 has no BGP peer 10.9.9.9\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(up_waits_for_sessions_and_finds_nothing_to_do_then, cli_down_all),
        cmocka_unit_test_teardown(vpn_lists_what_bgp_says, cli_down_all),
        cmocka_unit_test_teardown(a_session_that_does_not_come_up_is_named_and_holds_nobody_up, cli_down_all),
        cmocka_unit_test_teardown(without_bgp_at_one_pair_there_is_no_transit, cli_down_all),
        cmocka_unit_test_teardown(check_grades_what_is_learned, cli_down_all),
        cmocka_unit_test_teardown(check_names_the_instance_once, cli_down_all),
        cmocka_unit_test_teardown(tunnels_of_instances_and_clients_are_shown, cli_down_all),
        cmocka_unit_test_teardown(what_is_wrong_with_all_tunnels_is_said_once, cli_down_all),
        cmocka_unit_test_teardown(an_instance_and_a_client_are_reset_and_have_logs, cli_down_all),
        cmocka_unit_test_teardown(commands_say_that_the_lab_does_not_run, cli_down_all),
        cmocka_unit_test_teardown(completion_knows_instances_clients_and_connections, cli_down_all),
        cmocka_unit_test_teardown(bgp_of_an_instance_is_its_own, cli_down_all),
    };

    return cmocka_run_group_tests(tests, cli_setup, cli_teardown);
}
