/* NAT gateways: their addresses and subnets, refusals, and what becomes of private subnets. Spec 6.2, 1.9. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../harness/mistakes.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

static void a_subnet_goes_out_by_its_gateway(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab =
        settled_lab("vnets: {vv: {addressSpace: 10.0.0.0/16, dnsServers: [10.0.0.4, 10.0.0.5], subnets: {s: "
                    "{addressPrefix: 10.0.0.0/24, "
                    "natGateway: nat}, p: {addressPrefix: 10.0.1.0/24, defaultOutboundAccess: false}}}}\n"
                    "publicIPAddresses: {a: {}, b: {}}\n"
                    "natGateways: {nat: {publicIpAddresses: [b, a, b], idleTimeoutInMinutes: 120}}\n",
                    NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_nat_gateway *nat = vnl_nat_gateway_lookup(again, "nat");
    const struct vnl_vnet *vnet = vnl_vnet_lookup(again, "vv");

    (void)state;
    assert_int_equal(nat->n_publics, 2); /* each once, in the order of the file */
    assert_string_equal(nat->publics[0]->name, "b");
    assert_ptr_equal(nat->publics[1]->nat, nat);
    assert_int_equal(nat->n_subnets, 1);
    assert_ptr_equal(nat->subnets[0], vnl_subnet_lookup(vnet, "s"));
    assert_ptr_equal(vnl_subnet_lookup(vnet, "s")->nat, nat);
    assert_int_equal(nat->idle_timeout_min, 120);
    assert_true(vnl_subnet_lookup(vnet, "p")->private_outbound);
    assert_false(vnl_subnet_lookup(vnet, "s")->private_outbound);
    assert_int_equal(vnet->n_dns, 2);
    assert_int_equal(vnet->dns[1].bytes[3], 5);
}

static void set_changes_the_way_out(void **state)
{
    static const struct {
        const char *path, *value;
    } changes[] = {
        { "vnets.vv.subnets.t.natGateway", "nat" },
        { "vnets.vv.subnets.s.natGateway", "null" },
        { "vnets.vv.subnets.s.defaultOutboundAccess", "false" },
        { "vnets.vv.dnsServers", "[10.0.0.9]" },
        { "nats.nat.idleTimeoutInMinutes", "60" },
        { "nats.nat.publicIpAddresses", "[b]" },
        { "publicips.b.idleTimeoutInMinutes", "30" },
    };
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = settled_lab(
        "vnets: {vv: {addressSpace: 10.0.0.0/16, subnets: {s: {addressPrefix: 10.0.0.0/24, natGateway: nat}, "
        "t: "
        "10.0.1.0/24}}}\npublicIPAddresses: {a: {}, b: {}}\nnatGateways: {nat: {publicIpAddresses: a}}\n",
        NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = stored_lab(before);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
        assert_int_equal(vnl_lab_set(lab, changes[i].path, changes[i].value, NULL), 0);
    assert_int_equal(vnl_lab_resolve(lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, before, NULL), 0);
    assert_null(lab->vnets[0]->subnets[0]->nat);
    assert_true(lab->vnets[0]->subnets[0]->private_outbound);
    assert_ptr_equal(lab->vnets[0]->subnets[1]->nat, lab->nat_gateways[0]);
    assert_int_equal(lab->vnets[0]->dns[0].bytes[3], 9);
    assert_int_equal(lab->nat_gateways[0]->idle_timeout_min, 60);
    assert_string_equal(lab->nat_gateways[0]->publics[0]->name, "b");
    assert_null(vnl_public_ip_lookup(lab, "a")->nat);
    assert_int_equal(vnl_public_ip_lookup(lab, "b")->idle_timeout_min, 30);
}

/* Line 1 is the VNets'. */
#define VNET                                                                                                 \
    "vnets: {vv: {addressSpace: 10.0.0.0/16, subnets: {s: {addressPrefix: 10.0.0.0/24, natGateway: "         \
    "nat}}}}\n"
#define IN_LINE_1 "vnets: {vv: {addressSpace: 10.0.0.0/16, subnets: {"
#define PUBLIC    "publicIPAddresses: {p: {}}\n"

static void mistakes_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { VNET "natGateways: {nat: {}}\n",
          "- 2:15 'nat' has no 'publicIpAddresses' | write 'publicIpAddresses: [NAME]'\n" },
        { VNET "natGateways: {nat: {publicIpAddresses: p}}\n",
          "InvalidResourceReference 2:40 The public IP address 'p' referenced by NAT gateway 'nat' was not "
          "found\n" },
        { VNET "publicIPAddresses: {p: {sku: Basic}}\nnatGateways: {nat: {publicIpAddresses: p}}\n",
          "BadRequest 3:40 NAT gateway 'nat' needs Standard public IP addresses, and 'p' is Basic | write "
          "'sku: Standard' "
          "there\n" },
        { VNET PUBLIC "natGateways: {nat: {publicIpAddresses: p}}\nvirtualMachines: {vm: {subnet: vv/s, "
                      "publicIPAddress: p}}\n",
          "PublicIPAddressInUse 3:40 NAT gateway 'nat' is referencing public IP address 'p' that is already "
          "allocated to "
          "network interface 'vm-nic' | a public IP address is attached once: make another one\n" },
        { VNET PUBLIC "natGateways: {nat: {publicIpAddresses: p, idleTimeoutInMinutes: 121}}\n",
          "InvalidRequestContent 3:65 'idleTimeoutInMinutes' must be a number from 4 to 120, not '121'\n" },
        { VNET PUBLIC "natGateways: {gnat: {publicIpAddresses: p}}\n",
          "InvalidResourceReference 1:95 The NAT gateway 'nat' referenced by subnet 's' was not found | did "
          "you mean "
          "'gnat'?\n" },
        { IN_LINE_1 "GatewaySubnet: {addressPrefix: 10.0.0.0/24, natGateway: nat}}}}\n" PUBLIC
                    "natGateways: {nat: {publicIpAddresses: p}}\n",
          "BadRequest 1:107 NAT gateway 'nat' cannot be associated with the gateway subnet "
          "'vv/GatewaySubnet'\n" },
        { IN_LINE_1
          "s: {addressPrefix: 10.0.0.0/24, natGateway: nat}}}, ww: {addressSpace: 10.1.0.0/16, subnets: {s: "
          "{addressPrefix: 10.1.0.0/24, natGateway: nat}}}}\n" PUBLIC
          "natGateways: {nat: {publicIpAddresses: p}}\n",
          "NatGatewayCannotBeUsedBySubnetsBelongingToDifferentVirtualNetworks 1:189 NAT Gateway cannot be "
          "configured on "
          "multiple virtual networks. NAT Gateway 'nat' is currently used on virtual network 'vv' and cannot "
          "be added to "
          "virtual network 'ww' | make a NAT gateway for each virtual network\n" },
        { VNET PUBLIC "natGateways: {nat: {location: westus, publicIpAddresses: p}}\n",
          "InvalidResourceReference 1:95 The NAT gateway 'nat' referenced by subnet 's' was not found in "
          "eastus: it is in "
          "westus, and both must be in the same region | write 'location: eastus' for it, or use another one "
          "there\n"
          "InvalidResourceReference 3:58 The public IP address 'p' referenced by NAT gateway 'nat' was not "
          "found in "
          "westus: it is in eastus, and both must be in the same region | write 'location: westus' for it, "
          "or use another "
          "one there\n" },
        { VNET "publicIPAddresses: {p: {}, b: {sku: Basic}}\nnatGateways: {nat: {publicIpAddresses: "
               "p}}\nvirtualMachines: {vm: {subnet: vv/s, publicIPAddress: b}}\n",
          "SubnetWithNatGatewayAndBasicSkuResourceNotAllowed 1:95 NAT Gateway cannot be deployed on subnet "
          "containing "
          "Basic SKU Public IP addresses or Basic SKU Load Balancer: subnet 'vv/s' has public IP address 'b' "
          "| write 'sku: "
          "Standard' for public IP address 'b'\n" },
        { VNET PUBLIC "natGateways: {nat: {publicIpAddresses: p}}\nloadBalancers: {lb: {sku: Basic, "
                      "frontendIPConfigurations: {fe: {subnet: vv/s}}}}\n",
          "SubnetWithNatGatewayAndBasicSkuResourceNotAllowed 1:95 NAT Gateway cannot be deployed on subnet "
          "containing "
          "Basic SKU Public IP addresses or Basic SKU Load Balancer: subnet 'vv/s' has load balancer 'lb' | "
          "write 'sku: "
          "Standard' for load balancer 'lb'\n" },
        { "vnets: {vv: {addressSpace: 10.0.0.0/16, dnsServers: [x]}}\n",
          "InvalidRequestContent 1:54 'dnsServers' must be an IP address such as 10.0.0.4, not 'x'\n" },
        { "vnets: {vv: {addressSpace: 10.0.0.0/16, dnsServers: 10.0.0.4, dhcpOptions: {dnsServers: "
          "[10.0.0.5]}}}\n",
          "- 1:77 'dnsServers' and 'dhcpOptions' say the same thing | leave one of them out\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_refused_lab(cases[i].text, NULL, cases[i].expected);
}

static void sixteen_addresses_and_twenty_servers_are_the_most(void **state)
{
    char publics[1024] = "", refs[512] = "", text[2048];
    size_t n = 0, m = 0;

    (void)state;
    for (int i = 0; i < 17; i++) {
        n += (size_t)snprintf(publics + n, sizeof(publics) - n, "p%d: {}, ", i);
        m += (size_t)snprintf(refs + m, sizeof(refs) - m, "p%d, ", i);
    }
    (void)snprintf(text, sizeof(text),
                   VNET "publicIPAddresses: {%s}\nnatGateways: {nat: {publicIpAddresses: [%s]}}\n", publics,
                   refs);
    assert_refused_lab(
        text, NULL, "BadRequest 3:40 NAT gateway 'nat' has 17 public IP addresses; at most 16 are allowed\n");
    n = 0;
    for (int i = 0; i < 21; i++)
        n += (size_t)snprintf(publics + n, sizeof(publics) - n, "10.0.0.%d, ", i + 4);
    (void)snprintf(text, sizeof(text), "vnets: {vv: {addressSpace: 10.0.0.0/16, dnsServers: [%s]}}\n",
                   publics);
    assert_refused_lab(text, NULL, "BadRequest 1:53 'dnsServers' has 21 servers; at most 20 are allowed\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subnet_goes_out_by_its_gateway),
        cmocka_unit_test(set_changes_the_way_out),
        cmocka_unit_test(mistakes_are_refused_with_a_sentence),
        cmocka_unit_test(sixteen_addresses_and_twenty_servers_are_the_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
