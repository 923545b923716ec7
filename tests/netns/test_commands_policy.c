/* What becomes of packets and connections when IPsec policies, forced tunnelling, peerings and security groups meet; real IKE, real ESP. */
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

/* Two networks; what more there is of the first one's subnet and peerings, of the second one's, and of both connections. */
#define LAB(subnet1, peerings1, peerings4, more14, more41)                                                   \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  net-1: {addressSpace: [10.11.0.0/16], subnets: {s: {addressPrefix: 10.11.0.0/24" subnet1              \
    "}, GatewaySubnet: 10.11.255.0/27}" peerings1 "}\n"                                                      \
    "  net-4: {addressSpace: [10.41.0.0/16], subnets: {s: 10.41.0.0/24, GatewaySubnet: "                     \
    "10.41.255.0/27}" peerings4 "}\n"                                                                        \
    "virtualNetworkGateways: {gw1: {vnet: net-1}, gw4: {vnet: net-4}}\n"                                     \
    "connections:\n"                                                                                         \
    "  1to4: {virtualNetworkGateway1: gw1, virtualNetworkGateway2: gw4, sharedKey: k" more14 "}\n"           \
    "  4to1: {virtualNetworkGateway1: gw4, virtualNetworkGateway2: gw1, sharedKey: k" more41 "}\n"           \
    "virtualMachines: {vm-1: {subnet: net-1/s}, vm-4: {subnet: net-4/s}}\n"

#define POLICY                                                                                               \
    ", ipsecPolicies: [{ikeEncryption: AES256, ikeIntegrity: SHA384, dhGroup: DHGroup24, ipsecEncryption: "  \
    "GCMAES256, ipsecIntegrity: GCMAES256, pfsGroup: PFS24, saLifeTimeSeconds: 27000, "                      \
    "saDataSizeKilobytes: 102400000}]"
#define PEERING(remote) ", peerings: {p: {remoteVirtualNetwork: " remote "}}"
#define DENY                                                                                                 \
    "networkSecurityGroups: {deny: {securityRules: {no: {priority: 100, direction: Inbound, access: Deny, "  \
    "protocol: '*', sourceAddressPrefix: VirtualNetwork}}}}\n"

/* An office that everything is to go to; its key is another one. */
#define FORCED                                                                                               \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets: {net: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, GatewaySubnet: "                 \
    "10.11.255.0/27}}}\n"                                                                                    \
    "virtualNetworkGateways: {gw: {vnet: net, gatewayDefaultSite: lng}}\n"                                   \
    "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16]}}\n"     \
    "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, sharedKey: wrong}}\n"          \
    "sites: {office: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16], sharedKey: k}}\n"    \
    "internet: {hosts: {example: {address: 203.0.113.80}}}\n"                                                \
    "virtualMachines: {vm: {subnet: net/s}}\n"

static int64_t egress_of(const char *connection)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    cli_ok("show connections/%s -o json", connection);
    assert_int_equal(vnl_json_parse(cli_out, strlen(cli_out), &json, NULL), 0);
    return vnl_json_get_int(vnl_json_get(json, "properties"), "egressBytesTransferred", -1);
}

static void a_policy_at_both_ends_is_what_is_negotiated(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB("", "", "", POLICY, POLICY)));
    assert_has(cli_out, "connections: 2 of 2 connected\n");
    cli_ok("show 1to4");
    assert_has(cli_out, "AES_CBC-256/HMAC_SHA2_384_192/MODP_2048_256, ESP:AES_GCM_16-256");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
}

static void a_policy_at_one_end_alone_never_connects(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB("", "", "", POLICY, "")));
    assert_has(cli_out, "connections: 0 of 2 connected\n");
    assert_has(cli_out, "1to4: NotConnected, no proposal chosen: ");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 0);
}

static void a_default_site_that_is_not_connected_is_no_way_out(void **state)
{
    (void)state;
    cli_ok("check %s", cli_file("lab.yaml", FORCED "expect:\n"
                                                   "  - {from: vm, to: example, tcp: 80, result: drop, "
                                                   "reason: NoTunnel}\n"));
    assert_has(cli_out, "NoTunnel at gw: c is not connected");
}

static void what_a_peering_carries_is_not_in_the_tunnel(void **state)
{
    int64_t before;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB("", PEERING("net-4"), PEERING("net-1"), "", "")));
    assert_has(cli_out, "connections: 2 of 2 connected\n");
    before = egress_of("1to4");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 64);
    assert_int_equal(egress_of("1to4"), before);
}

static void a_security_group_stops_packets_and_no_tunnel(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB(", networkSecurityGroup: deny", "", "", "", "") DENY));
    assert_int_equal(cli_ping("vm-4", "10.11.0.4"), 0);
    assert_int_equal(cli_drops("vm-1", "NsgInbound"), 1);
    cli_ok("show connections");
    assert_has(cli_out, "connections: 2 of 2 connected\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_policy_at_both_ends_is_what_is_negotiated, cli_down_all),
        cmocka_unit_test_teardown(a_policy_at_one_end_alone_never_connects, cli_down_all),
        cmocka_unit_test_teardown(a_default_site_that_is_not_connected_is_no_way_out, cli_down_all),
        cmocka_unit_test_teardown(what_a_peering_carries_is_not_in_the_tunnel, cli_down_all),
        cmocka_unit_test_teardown(a_security_group_stops_packets_and_no_tunnel, cli_down_all),
    };

    return cmocka_run_group_tests_name("commands, policies and tunnels", tests, cli_setup, cli_teardown);
}
