/* The lab file's route tables and network interfaces: what is refused while reading, with place, words and nearest spelling; and what one
 * broken part does not hide. What the model refuses is in test_udr.c and test_nic_config.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

static void assert_mistakes(const char *text, const char *expected)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free) char *printed = NULL;
    struct vnl_lab *lab = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);

    assert_non_null(out);
    assert_int_equal(vnl_lab_load_text("f.yaml", text, strlen(text), &lab, &err), -EINVAL);
    assert_null(lab);
    vnl_err_print(out, err);
    (void)fclose(out);
    assert_string_equal(printed, expected);
}

struct refusal {
    const char *text, *expected;
};

static void check_refusals(const struct refusal *refusals, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_mistakes(refusals[i].text, refusals[i].expected);
}

#define HOPS     "VirtualAppliance, VnetLocal, Internet, VirtualNetworkGateway or None"
#define RT       "routeTables:\n  rt:\n    routes:\n"
#define IN_TABLE "routeTables/rt: "
#define IN_ROUTE "routeTables/rt/routes/a: "
#define BAD      "InvalidRequestContent: "

static void routes_are_refused_with_place_and_nearest_spelling(void **state)
{
    static const struct refusal refusals[] = {
        { "routeTable: {}\n", "vnetlab: f.yaml:1:1: " BAD "unknown key 'routeTable' in the lab file\n"
                              "  hint: did you mean 'routeTables'?\n" },
        { "routeTables: [rt]\n", "vnetlab: f.yaml:1:14: " BAD "'routeTables' must be a map, not a list\n" },
        { "routeTables:\n  rt: {subnets: [a/b]}\n",
          "vnetlab: f.yaml:2:8: " BAD IN_TABLE
          "'subnets' is written at the subnet\n  hint: use 'routeTable'\n" },
        { "routeTables:\n  rt: {disableBgpPropagation: true}\n",
          "vnetlab: f.yaml:2:8: " BAD IN_TABLE "unknown key 'disableBgpPropagation' in a route table\n"
          "  hint: did you mean 'disableBgpRoutePropagation'?\n" },
        { "routeTables:\n  rt: {disableBgpRoutePropagation: yes}\n",
          "vnetlab: f.yaml:2:36: " BAD IN_TABLE
          "'disableBgpRoutePropagation' must be true or false, not 'yes'\n" },
        { "routeTables:\n  rt: {routes: [a]}\n",
          "vnetlab: f.yaml:2:16: " BAD IN_TABLE "'routes' must be a map, not a list\n" },
        { RT "      a: {}\n", "vnetlab: f.yaml:4:7: 'a' has no 'addressPrefix'\n"
                              "  hint: such as 'addressPrefix: 10.1.0.0/16'\n"
                              "vnetlab: f.yaml:4:7: 'a' has no 'nextHopType'\n  hint: one of " HOPS "\n" },
        { RT "      a: {addressPrefix: 10.1.0.0/16, nextHopIpAddress: 10.0.1.4}\n",
          "vnetlab: f.yaml:4:7: 'a' has no 'nextHopType'\n  hint: one of " HOPS "\n" },
        { RT "      a: {addressPrefx: 10.1.0.0/16, nextHopType: None}\n",
          "vnetlab: f.yaml:4:11: " BAD IN_ROUTE "unknown key 'addressPrefx' in a route\n"
          "  hint: did you mean 'addressPrefix'?\n" },
        { RT "      a: {addressPrefix: 10.1.0.1/16, nextHopType: None}\n",
          "vnetlab: f.yaml:4:26: InvalidCIDRNotation: " IN_ROUTE "prefix '10.1.0.1/16' has host bits set\n"
          "  hint: use 10.1.0.0/16\n" },
        { RT "      a: {addressPrefix: [10.1.0.0/16], nextHopType: None}\n",
          "vnetlab: f.yaml:4:26: " BAD IN_ROUTE "'addressPrefix' must be a prefix, not a list\n" },
        { RT "      a: {addressPrefix: AzureCloud.westeurope, nextHopType: Internet}\n",
          "vnetlab: f.yaml:4:26: " IN_ROUTE "'AzureCloud.westeurope' is a service tag: a lab knows no "
          "address of it, so the route would never match\n"
          "  hint: write the prefixes that are meant, each in a route of its own\n" },
        { RT "      a: {addressPrefix: 10.1.0.0/16, nextHopType: VNetPeering}\n",
          "vnetlab: f.yaml:4:52: " BAD IN_ROUTE "'nextHopType' cannot be VNetPeering\n"
          "  hint: Azure makes such routes by itself; a user-defined one is " HOPS "\n" },
        { RT "      a: {addressPrefix: 10.1.0.0/16, nextHopType: VirtualNetworkServiceEndpoint}\n",
          "vnetlab: f.yaml:4:52: " BAD IN_ROUTE "'nextHopType' cannot be VirtualNetworkServiceEndpoint\n"
          "  hint: Azure makes such routes by itself; a user-defined one is " HOPS "\n" },
        { RT "      a: {addressPrefix: 10.1.0.0/16, nextHopType: VirtualAplliance}\n",
          "vnetlab: f.yaml:4:52: " BAD IN_ROUTE "'nextHopType' must be " HOPS ", not 'VirtualAplliance'\n"
          "  hint: did you mean 'VirtualAppliance'?\n" },
        { RT "      a: {addressPrefix: 10.1.0.0/16, nextHopType: }\n",
          "vnetlab: f.yaml:4:52: " BAD IN_ROUTE "'nextHopType' must be " HOPS ", not an empty value\n" },
        { RT "      a: {addressPrefix: 10.1.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: nva}\n",
          "vnetlab: f.yaml:4:88: " BAD IN_ROUTE
          "'nextHopIpAddress' must be an IP address such as 10.0.1.4, not 'nva'\n" },
        { "vnets:\n  vv: {addressSpace: 10.0.0.0/16, subnets: {sub: {addressPrefix: 10.0.0.0/24, routeTable: "
          "[rt]}}}\n",
          "vnetlab: f.yaml:2:91: " BAD
          "virtualNetworks/vv/subnets/sub: 'routeTable' must be a route table, not a list\n" },
    };

    (void)state;
    check_refusals(refusals, ARRAY_SIZE(refusals));
}

/* --- network interfaces ------------------------------------------------------------------------------ */

#define VM     "vnets: {vv: {addressSpace: 10.0.0.0/16, subnets: {sub: 10.0.0.0/24}}}\nvirtualMachines:\n  m:\n"
#define NICS   VM "    networkInterfaces:\n"
#define IN_NIC "virtualMachines/m/networkInterfaces/a: "
#define FORMS  "of a virtual machine exclude each other\n  hint: write it at one of the network interfaces\n"

static void nics_are_refused_with_place_and_nearest_spelling(void **state)
{
    static const struct refusal refusals[] = {
        { VM "    subnet: sub\n    privateIPAddress: 10.0.0.5\n    networkInterfaces: {a: {subnet: sub}}\n",
          "vnetlab: f.yaml:4:5: " BAD "virtualMachines/m: 'subnet' and 'networkInterfaces' " FORMS },
        { NICS "      a: {subnet: sub}\n    enableIPForwarding: true\n",
          "vnetlab: f.yaml:6:5: " BAD
          "virtualMachines/m: 'enableIPForwarding' and 'networkInterfaces' " FORMS },
        { VM "    networkInterfaces: [{name: a}]\n",
          "vnetlab: f.yaml:4:24: " BAD "virtualMachines/m: 'networkInterfaces' must be a map, not a list\n" },
        { VM "    ipConfigurations: {}\n    subnet: sub\n",
          "vnetlab: f.yaml:4:5: " BAD "virtualMachines/m: 'ipConfigurations' belongs to a network interface\n"
          "  hint: use 'networkInterfaces'\n" },
        { NICS "      a: {}\n", "vnetlab: f.yaml:5:7: 'a' has no 'subnet'\n"
                                "  hint: write '{subnet: VNET/SUBNET}'\n" },
        { NICS "      a: {subnet: sub, enableIpForward: true}\n",
          "vnetlab: f.yaml:5:24: " BAD IN_NIC "unknown key 'enableIpForward' in a network interface\n"
          "  hint: did you mean 'enableIPForwarding'?\n" },
        { NICS "      a: {subnet: sub, ipForward: true}\n",
          "vnetlab: f.yaml:5:24: " BAD IN_NIC
          "'ipForward' is the guest's and is written at the virtual machine\n" },
        { NICS "      a: {subnet: sub, privateIPAddress: [10.0.0.4, 10.0.0.5]}\n",
          "vnetlab: f.yaml:5:53: " IN_NIC "'privateIPAddress' takes one IPv4 and one IPv6 address\n"
          "  hint: name the others in 'ipConfigurations'\n" },
        { NICS "      a: {subnet: sub, privateIPAddress: 10.0.0.4, ipConfigurations: {x: {}}}\n",
          "vnetlab: f.yaml:5:24: " BAD IN_NIC "'privateIPAddress' and 'ipConfigurations' exclude each other\n"
          "  hint: write it at one of the configurations\n" },
        { NICS "      a: {subnet: sub, ipConfigurations: {x: {privateIPAddress: 10.0.0}}}\n",
          "vnetlab: f.yaml:5:65: " BAD "virtualMachines/m/networkInterfaces/a/ipConfigurations/x: "
          "'privateIPAddress' must be an IP address such as 10.0.0.4, not '10.0.0'\n" },
        { NICS "      a: {subnet: sub, ipConfigurations: {x: {subnet: sub}}}\n",
          "vnetlab: f.yaml:5:47: " BAD "virtualMachines/m/networkInterfaces/a/ipConfigurations/x: "
          "'subnet' is written at the network interface: all its configurations share it\n" },
        { NICS "      a: {subnet: sub, ipConfigurations: {x: {privateIPAddressVersion: 6}}}\n",
          "vnetlab: f.yaml:5:72: " BAD "virtualMachines/m/networkInterfaces/a/ipConfigurations/x: "
          "'privateIPAddressVersion' must be IPv4 or IPv6, not '6'\n" },
        { NICS "      a: {subnet: sub, ipConfigurations: {x: {privateIPAddress: 10.0.0.4, "
               "privateIPAddressVersion: IPv6}}}\n",
          "vnetlab: f.yaml:5:100: virtualMachines/m/networkInterfaces/a/ipConfigurations/x: "
          "'privateIPAddressVersion' is IPv6, and the address is of IPv4\n" },
        { NICS "      a: {subnet: sub, ipConfigurations: {x: {}, X: {}}}\n",
          "vnetlab: f.yaml:5:50: InvalidTemplate: networkInterfaces/a: The ip configuration 'X' is defined "
          "multiple times\n  hint: names of ip configurations are compared without case\n" },
    };

    (void)state;
    check_refusals(refusals, ARRAY_SIZE(refusals));
}

/* A route, NIC or table that cannot be read says nothing more; its siblings do. */
#define NOBODYS                                                                                              \
    ": no network interface can have that address\n  hint: the address of a network interface or of a load " \
    "balancer's "                                                                                            \
    "frontend\n"

static void broken_parts_hide_nothing_else(void **state)
{
    static const struct refusal refusals[] = {
        { "vnets: {vv: {addressSpace: 10.0.0.0/16, subnets: {sub: {addressPrefix: 10.0.0.0/24, routeTable: "
          "rt}}}}\n" RT "      a: {addressPrefix: 10.1.0.0/16, nextHopType: Internt}\n"
          "      b: {addressPrefix: 10.1.0.0/16, nextHopType: VirtualAppliance}\n",
          "vnetlab: f.yaml:5:52: " BAD IN_ROUTE "'nextHopType' must be " HOPS ", not 'Internt'\n"
          "  hint: did you mean 'Internet'?\n"
          "vnetlab: f.yaml:6:7: BadRequest: routeTables/rt/routes/b: NextHopIpAddress cannot be Null or "
          "Empty in "
          "route b when NextHopType is VirtualAppliance\n  hint: such as 'nextHopIpAddress: 10.0.1.4'\n" },
        { RT
          "      a: {addressPrefix: 10.1.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: "
          "127.0.0.1}\n"
          "      b: {addressPrefix: 10.2.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 0.0.0.0}\n"
          "      c: {addressPrefix: 'fd01::/64', nextHopType: VirtualAppliance, nextHopIpAddress: "
          "'ff02::1'}\n",
          "vnetlab: f.yaml:4:88: BadRequest: Route 'a' cannot have the next hop 127.0.0.1" NOBODYS
          "vnetlab: f.yaml:5:88: BadRequest: Route 'b' cannot have the next hop 0.0.0.0" NOBODYS
          "vnetlab: f.yaml:6:88: BadRequest: Route 'c' cannot have the next hop ff02::1" NOBODYS },
        { NICS "      a: {subnet: sub, privateIPAddress: 10.0.0}\n      b: {subnet: xyz}\n"
               "expect:\n  - {from: m, to: m, icmp: pass}\n",
          "vnetlab: f.yaml:5:42: " BAD IN_NIC
          "'privateIPAddress' must be an IP address such as 10.0.0.4, not '10.0.0'\n"
          "vnetlab: f.yaml:6:19: InvalidResourceReference: Subnet 'xyz' referenced by "
          "network interface 'b' was not found\n" },
    };

    (void)state;
    check_refusals(refusals, ARRAY_SIZE(refusals));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_are_refused_with_place_and_nearest_spelling),
        cmocka_unit_test(nics_are_refused_with_place_and_nearest_spelling),
        cmocka_unit_test(broken_parts_hide_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
