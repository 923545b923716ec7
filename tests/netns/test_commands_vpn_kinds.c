/* Rows of spec vpn 2 to 4, 7, 8, 10, 14 and 16 that need packets: gateways and connections of each kind in one lab, a spoke, and what changes of
 * local network gateways. Each test begins with bringing the lab back to what the file says. */
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

#define NETS                                                                                                 \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  hub:\n"                                                                                               \
    "    addressSpace: [10.11.0.0/16, 10.12.0.0/16]\n"                                                       \
    "    subnets: {s: 10.11.0.0/24, nva: 10.11.1.0/24, t: 10.12.0.0/24, GatewaySubnet: {addressPrefix: "     \
    "10.11.255.0/27, routeTable: inspect}}\n"                                                                \
    "    peerings: {p: {remoteVirtualNetwork: spoke, allowGatewayTransit: true}}\n"                          \
    "  spoke:\n"                                                                                             \
    "    addressSpace: [10.20.0.0/16]\n"                                                                     \
    "    subnets: {s: 10.20.0.0/24}\n"                                                                       \
    "    peerings: {p: {remoteVirtualNetwork: hub, useRemoteGateways: true}}\n"                              \
    "  net-5: {addressSpace: [10.51.0.0/16], subnets: {s: 10.51.0.0/24, GatewaySubnet: 10.51.255.0/27}}\n"   \
    "  net-7: {addressSpace: [10.71.0.0/16], subnets: {s: 10.71.0.0/24, GatewaySubnet: 10.71.255.0/29}}\n"   \
    "virtualMachines: {vm-1: {subnet: hub/s}, vm-t: {subnet: hub/t}, vm-2: {subnet: spoke/s}, vm-5: "        \
    "{subnet: net-5/s}, vm-7: {subnet: net-7/s}, nva: {subnet: hub/nva, privateIPAddress: 10.11.1.9, "       \
    "enableIPForwarding: true, ipForward: true}}\n"                                                          \
    "virtualNetworkGateways: {gw: {vnet: hub}, gw5: {vnet: net-5}, gw7: {vnet: net-7, sku: Basic, vpnType: " \
    "PolicyBased}}\n"                                                                                        \
    "connections:\n"                                                                                         \
    "  to5: {virtualNetworkGateway1: gw, virtualNetworkGateway2: gw5, sharedKey: k}\n"                       \
    "  from5: {virtualNetworkGateway1: gw5, virtualNetworkGateway2: gw, sharedKey: k}\n"                     \
    "  one: {virtualNetworkGateway1: gw, localNetworkGateway2: l1, sharedKey: k, connectionProtocol: "       \
    "IKEv1}\n"                                                                                               \
    "  two: {virtualNetworkGateway1: gw, localNetworkGateway2: l2, sharedKey: k, "                           \
    "usePolicyBasedTrafficSelectors: true, ipsecPolicies: [{ikeEncryption: AES256, ikeIntegrity: SHA256, "   \
    "dhGroup: DHGroup14, ipsecEncryption: AES256, ipsecIntegrity: SHA256, pfsGroup: None, "                  \
    "saLifeTimeSeconds: 27000, saDataSizeKilobytes: 102400000}]}\n"                                          \
    "  seven: {virtualNetworkGateway1: gw7, localNetworkGateway2: l7, sharedKey: k}\n"
/* addr1, space1: of the first office, as Azure knows it; site1: where it is. */
#define LAB(addr1, space1, site1, table)                                                                     \
    NETS "localNetworkGateways:\n"                                                                           \
         "  l1: {gatewayIpAddress: " addr1 ", addressPrefixes: [192.168.1.0/24" space1 "]}\n"                \
         "  l2: {gatewayIpAddress: 203.0.113.20, addressPrefixes: [10.200.0.0/24, 10.201.0.0/24]}\n"         \
         "  l7: {gatewayIpAddress: 203.0.113.70, addressPrefixes: [192.168.7.0/24]}\n"                       \
         "sites:\n"                                                                                          \
         "  office1: {publicIPAddress: " site1 ", addressPrefixes: [192.168.1.0/24, 192.168.60.0/24], "      \
         "sharedKey: k, hosts: {pc1: 192.168.1.10, pc60: 192.168.60.10}}\n"                                  \
         "  office2: {publicIPAddress: 203.0.113.20, addressPrefixes: [10.200.0.0/24, 10.201.0.0/24], "      \
         "sharedKey: k, hosts: {pc200: 10.200.0.10, pc201: 10.201.0.10}}\n"                                  \
         "  office7: {publicIPAddress: 203.0.113.70, addressPrefixes: [192.168.7.0/24], sharedKey: k, "      \
         "hosts: {pc7: 192.168.7.10}}\n"                                                                     \
         "routeTables: {inspect: {routes: {" table "}}}\n"
#define GOOD   LAB("203.0.113.10", "", "203.0.113.10", "")
#define LARGER LAB("203.0.113.10", ", 192.168.60.0/24", "203.0.113.10", "")
#define MOVED  LAB("203.0.113.11", "", "203.0.113.11", "")
#define INSPECT                                                                                              \
    LAB("203.0.113.10", "", "203.0.113.10",                                                                  \
        "in: {addressPrefix: 10.11.0.0/24, nextHopType: VirtualAppliance, nextHopIpAddress: 10.11.1.9}")

static void up(const char *text)
{
    cli_ok("up %s", cli_file("lab.yaml", text));
    assert_has(cli_out, "connections: 5 of 5 connected\n");
}

static long log_lines(const char *gateway, const char *text)
{
    sh_ok("\"$VNETLAB\" vpn log %s | grep -c '%s' || true", gateway, text);
    return atol(cli_out);
}

/* Spec 10 and 16 row 16: without NAT, each with its own address. */
static void a_spoke_is_known_at_the_far_ends(void **state)
{
    (void)state;
    up(GOOD);
    cli_ok("routes vm-5");
    assert_has(cli_out, "10.20.0.0/16");
    cli_ok("routes vm-2");
    assert_has(cli_out, "10.51.0.0/16");
    assert_has(cli_out, "192.168.1.0/24");
    assert_int_equal(cli_ping("vm-2", "10.51.0.4"), 62);
    assert_int_equal(cli_ping("vm-5", "10.20.0.4"), 62);
    capture_start("pc1", "pc1", "eth0");
    assert_int_equal(cli_ping("vm-2", "192.168.1.10"), 62);
    capture_stop("pc1");
    assert_int_equal(capture_count("pc1", "icmp[0] == 8 and src 10.20.0.4"), 1);
    assert_int_equal(capture_count("pc1", "icmp[0] == 8"), 1);
}

static void ikev1_and_ikev2_are_side_by_side(void **state)
{
    (void)state;
    up(GOOD);
    assert_true(log_lines("gw", "one .*(IKEv1)") > 0);
    assert_int_equal(log_lines("gw", "to5 .*(IKEv1)"), 0);
    assert_int_equal(cli_ping("vm-1", "192.168.1.10"), 62);
    assert_int_equal(cli_ping("pc1", "10.11.0.4"), 62);
    assert_int_equal(cli_ping("vm-1", "10.51.0.4"), 62);
}

/* Two prefixes at either side: each with each. A spoke is in no selector. */
static void policy_based_selectors_carry_all_pairs(void **state)
{
    (void)state;
    up(GOOD);
    assert_int_equal(cli_ping("vm-1", "10.200.0.10"), 62);
    assert_int_equal(cli_ping("vm-1", "10.201.0.10"), 62);
    assert_int_equal(cli_ping("vm-t", "10.200.0.10"), 62);
    assert_int_equal(cli_ping("pc201", "10.12.0.4"), 62);
    assert_int_equal(cli_ping("vm-2", "10.200.0.10"), 0);
}

/* Spec 8: what the gateway proposes is all that its SA carries, whatever the routes say. */
#define RANGES                                                                                               \
    "name: %s\n"                                                                                             \
    "vnets: {hub: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, t: 10.11.1.0/24, "               \
    "GatewaySubnet: "                                                                                        \
    "10.11.255.0/27}}}\n"                                                                                    \
    "virtualMachines: {vm-1: {subnet: hub/s}, vm-t: {subnet: hub/t}}\n"                                      \
    "virtualNetworkGateways: {gw: {vnet: hub}}\n"                                                            \
    "localNetworkGateways: {l: {gatewayIpAddress: 203.0.113.20, addressPrefixes: [10.200.0.0/24, "           \
    "10.201.0.0/24]}}\n"                                                                                     \
    "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: l, sharedKey: k, connectionMode: "  \
    "InitiatorOnly, trafficSelectorPolicies: [{localAddressRanges: [10.11.0.0/24], remoteAddressRanges: "    \
    "[10.200.0.0/24]}]}}\n"                                                                                  \
    "sites: {office2: {publicIPAddress: 203.0.113.20, addressPrefixes: [10.200.0.0/24, 10.201.0.0/24], "     \
    "sharedKey: k, hosts: {pc200: 10.200.0.10, pc201: 10.201.0.10}}}\n"

static void a_selector_policy_narrows_what_the_tunnel_carries(void **state)
{
    (void)state;
    cli_ok("down");
    cli_ok("up %s", cli_file("ranges.yaml", RANGES));
    assert_has(cli_out, "connections: 1 of 1 connected\n");
    assert_int_equal(cli_ping("vm-1", "10.200.0.10"), 62);
    assert_int_equal(cli_ping("pc200", "10.11.0.4"), 62);
    assert_int_equal(cli_ping("vm-t", "10.200.0.10"), 0);
    assert_int_equal(cli_ping("vm-1", "10.201.0.10"), 0);
    cli_ok("down");
}

static void a_policy_based_gateway_has_one_tunnel_by_ikev1(void **state)
{
    (void)state;
    up(GOOD);
    assert_true(log_lines("gw7", "seven .*(IKEv1)") > 0);
    assert_int_equal(cli_ping("vm-7", "192.168.7.10"), 62);
    assert_int_equal(cli_ping("pc7", "10.71.0.4"), 62);
}

/* Spec 14. */
static void an_edited_local_network_gateway_moves_routes_and_no_tunnel(void **state)
{
    long before;

    (void)state;
    up(GOOD);
    before = log_lines("gw", "established");
    assert_int_equal(cli_ping("vm-1", "192.168.60.10"), 0);
    up(LARGER);
    cli_ok("routes vm-1");
    assert_has(cli_out, "192.168.60.0/24");
    assert_int_equal(cli_ping("vm-1", "192.168.60.10"), 62);
    up(GOOD);
    cli_ok("routes vm-1");
    assert_lacks(cli_out, "192.168.60.0/24");
    assert_int_equal(log_lines("gw", "established"), before);
}

static void a_device_with_another_address_is_negotiated_with_anew(void **state)
{
    (void)state;
    up(GOOD);
    up(MOVED);
    assert_int_equal(cli_ping("vm-1", "192.168.1.10"), 62);
    assert_int_equal(cli_ping("pc1", "10.20.0.4"), 62);
}

/* Spec 2: what comes in takes the appliance, the answer goes back directly. */
static void a_table_at_the_gateway_subnet_sends_arrivals_to_an_appliance(void **state)
{
    (void)state;
    up(INSPECT);
    capture_start("nva", "nva", "eth0");
    assert_int_equal(cli_ping("pc1", "10.11.0.4"), 62);
    assert_int_equal(cli_ping("pc1", "10.12.0.4"), 62); /* that prefix is not in the table */
    capture_stop("nva");
    assert_int_equal(capture_count("nva", "icmp[0] == 8 and dst 10.11.0.4"), 2); /* in and out */
    assert_int_equal(capture_count("nva", "icmp[0] == 0 or dst 10.12.0.4"), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spoke_is_known_at_the_far_ends),
        cmocka_unit_test(ikev1_and_ikev2_are_side_by_side),
        cmocka_unit_test(policy_based_selectors_carry_all_pairs),
        cmocka_unit_test(a_selector_policy_narrows_what_the_tunnel_carries),
        cmocka_unit_test(a_policy_based_gateway_has_one_tunnel_by_ikev1),
        cmocka_unit_test(an_edited_local_network_gateway_moves_routes_and_no_tunnel),
        cmocka_unit_test(a_device_with_another_address_is_negotiated_with_anew),
        cmocka_unit_test(a_table_at_the_gateway_subnet_sends_arrivals_to_an_appliance),
    };

    return cmocka_run_group_tests_name("commands, VPN kinds", tests, cli_setup, cli_teardown);
}
