/* The difference of two plans, as far as it is about route tables, the internet side and load balancers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../harness/plans.h"
#include "vnetlab/base.h"

#define LAB(subnet, vm, rest)                                                                                \
    "name: t\nlocation: eastus\n"                                                                            \
    "vnets: {va: {addressSpace: [10.0.0.0/16], subnets: {nva: 10.0.9.0/24, s: {addressPrefix: "              \
    "10.0.1.0/24" subnet "}}}}\n"                                                                            \
    "virtualMachines: {nva: {subnet: va/nva}, vm: {subnet: va/s" vm "}}\n" rest

#define RT(routes) "routeTables: {rt: {routes: {" routes "}}}\n"
#define ALL        "all: {addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4}"

static void attached_route_table_shows_itself_and_its_subnets_vms(void **state)
{
    (void)state;
    assert_diff(LAB("", "", RT(ALL)), LAB(", routeTable: rt", "", RT(ALL)),
                "+ routeTables/rt      in va, 1 route of its own\n"
                "~ virtualMachines/vm  routeTable of the subnet none -> rt\n");
    assert_diff(LAB(", routeTable: rt", "", RT(ALL)), LAB("", "", ""),
                "- routeTables/rt      in va, 1 route of its own\n"
                "~ virtualMachines/vm  routeTable of the subnet rt -> none\n");
}

static void changed_routes_are_shown_row_by_row(void **state)
{
    (void)state;
    assert_diff(LAB(", routeTable: rt", "", RT("x: {addressPrefix: 10.7.0.0/16, nextHopType: None}")),
                LAB(", routeTable: rt", "", RT(ALL)),
                "~ routes/va/rt  -0.0.0.0/0 Internet\n"
                "~ routes/va/rt  -10.0.0.0/8 None\n"
                "~ routes/va/rt  -100.64.0.0/10 None\n"
                "~ routes/va/rt  -172.16.0.0/12 None\n"
                "~ routes/va/rt  -192.168.0.0/16 None\n"
                "~ routes/va/rt  -10.7.0.0/16 None\n"
                "~ routes/va/rt  +0.0.0.0/0 Internet, Invalid\n"
                "~ routes/va/rt  +0.0.0.0/0 VirtualAppliance 10.0.9.4, is nva-nic in va\n");
}

static void next_hop_that_comes_alive_is_a_change(void **state)
{
    CLEANUP(vnl_str_free)
    char *text = diff_of(
        LAB(", routeTable: rt", "",
            RT("x: {addressPrefix: 10.7.0.0/16, nextHopType: VirtualAppliance, "
               "nextHopIpAddress: 10.0.9.5}")),
        "name: t\nlocation: eastus\n"
        "vnets: {va: {addressSpace: [10.0.0.0/16], subnets: {nva: 10.0.9.0/24, s: {addressPrefix: "
        "10.0.1.0/24, routeTable: rt}}}}\n"
        "virtualMachines: {nva: {subnet: va/nva}, vm: {subnet: va/s}, new: {subnet: va/nva}}\n" RT(
            "x: {addressPrefix: 10.7.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.5}"));

    (void)state;
    assert_string_equal(text, "+ virtualMachines/new  10.0.9.5 in va/nva\n"
                              "~ routes/va/rt         -10.7.0.0/16 None 10.0.9.5\n"
                              "~ routes/va/rt         +10.7.0.0/16 VirtualAppliance 10.0.9.5, is new-nic in "
                              "va\n");
}

static void disabled_propagation_is_a_change(void **state)
{
    (void)state;
    assert_diff(LAB(", routeTable: rt", "", "routeTables: {rt: {}}\n"),
                LAB(", routeTable: rt", "", "routeTables: {rt: {disableBgpRoutePropagation: true}}\n"),
                "~ routeTables/rt  disableBgpRoutePropagation false -> true\n");
}

#define PUBLIC  "publicIPAddresses: {ip: {ipAddress: 198.51.100.9}, ip2: {ipAddress: 198.51.100.10}}\n"
#define GATEWAY "natGateways: {nat: {publicIpAddresses: [ip2]}}\n"

static void internet_side_comes_with_its_resources(void **state)
{
    (void)state;
    assert_diff(LAB("", "", ""),
                LAB(", natGateway: nat", ", publicIPAddress: ip",
                    PUBLIC GATEWAY "internet: {hosts: {example: {address: 203.0.113.80}}}\n"),
                "+ publicIPAddresses/ip    198.51.100.9 of vm-nic at 10.0.1.4\n"
                "+ publicIPAddresses/ip2   198.51.100.10 of nat\n"
                "+ natGateways/nat         198.51.100.10\n"
                "+ internet/hosts/example  203.0.113.80\n"
                "~ subnets/va/s            way out: default outbound -> NAT gateway nat\n");
}

static void changed_public_ip_says_what(void **state)
{
    (void)state;
    assert_diff(
        LAB("", ", publicIPAddress: ip", PUBLIC),
        LAB("", ", publicIPAddress: ip, networkSecurityGroup: nsg",
            PUBLIC "networkSecurityGroups: {nsg: {}}\n"),
        "+ networkSecurityGroups/nsg  in va, 0 rules and the defaults\n"
        "~ publicIPAddresses/ip       inbound closed: no network security group -> open to the rules\n"
        "~ virtualMachines/vm         networkSecurityGroup none -> nsg\n");
    assert_diff(LAB("", ", publicIPAddress: ip", PUBLIC), LAB("", "", PUBLIC),
                "~ publicIPAddresses/ip  of vm-nic at 10.0.1.4 -> nobody\n");
}

/* Also where there is no internet side yet, and for a subnet that nobody is in. */
static void subnets_way_out_is_a_change(void **state)
{
    (void)state;
    assert_diff(LAB(", natGateway: nat", "", PUBLIC GATEWAY), LAB("", "", PUBLIC GATEWAY),
                "~ subnets/va/s  way out: NAT gateway nat -> default outbound\n");
    assert_diff(LAB("", "", ""), LAB(", defaultOutboundAccess: false", "", ""),
                "~ subnets/va/s  way out: default outbound -> none: private subnet\n");
    assert_diff(
        "name: t\nlocation: eastus\nvnets: {va: {addressSpace: 10.0.0.0/16, subnets: {s: 10.0.0.0/24}}}\n",
        "name: t\nlocation: eastus\nvnets: {va: {addressSpace: 10.0.0.0/16, subnets: {s: {addressPrefix: "
        "10.0.0.0/24, "
        "defaultOutboundAccess: false}}}}\n",
        "~ subnets/va/s  way out: default outbound -> none: private subnet\n");
}

static void changed_gateway_and_host_say_what(void **state)
{
    (void)state;
    assert_diff(LAB("", "", PUBLIC GATEWAY "internet: {hosts: {example: {address: 203.0.113.80}}}\n"),
                LAB("", "",
                    PUBLIC "natGateways: {nat: {publicIpAddresses: [ip2], idleTimeoutInMinutes: 30}}\n"
                           "internet: {hosts: {example: {address: 203.0.113.81}}}\n"),
                "~ natGateways/nat         idle timeout 4 min -> 30 min\n"
                "~ internet/hosts/example  address 203.0.113.80/24 -> 203.0.113.81/24\n");
}

#define BALANCER(port)                                                                                       \
    "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: va/nva, privateIPAddress: 10.0.9.100}}, "  \
    "backendAddressPools: {pool: [nva]}, loadBalancingRules: {web: {frontendPort: 80, backendPort: " port    \
    "}}}}\n"

static void load_balancers_show_frontends_and_rules(void **state)
{
    (void)state;
    assert_diff(LAB("", "", ""), LAB("", "", BALANCER("80")),
                "+ loadBalancers/lb/fe  10.0.9.100 in va, Standard, 1 rule\n");
    assert_diff(
        LAB("", "", BALANCER("80")), LAB("", "", BALANCER("8080")),
        "~ loadBalancers/lb/fe  -rule web: Tcp 80 to 80, Default, idle timeout 4 min, backends 10.0.9.4 "
        "(nva-nic)\n"
        "~ loadBalancers/lb/fe  +rule web: Tcp 80 to 8080, Default, idle timeout 4 min, backends "
        "10.0.9.4 (nva-nic)\n");
}

static void rate_and_servers_are_changes(void **state)
{
    (void)state;
    assert_diff(LAB("", "", ""), LAB("", ", bandwidth: 10Mbps", ""),
                "~ virtualMachines/vm  bandwidth unlimited -> 10000000 bit/s\n");
    assert_diff("name: t\nlocation: eastus\nvnets: {va: {addressSpace: [10.0.0.0/16]}}\n",
                "name: t\nlocation: eastus\nvnets: {va: {addressSpace: [10.0.0.0/16], dnsServers: "
                "[10.0.0.4]}}\n",
                "~ virtualNetworks/va  DNS servers Azure's -> 10.0.0.4\n");
}

int main(void)
{
    const struct CMUnitTest diff[] = {
        cmocka_unit_test(attached_route_table_shows_itself_and_its_subnets_vms),
        cmocka_unit_test(changed_routes_are_shown_row_by_row),
        cmocka_unit_test(next_hop_that_comes_alive_is_a_change),
        cmocka_unit_test(disabled_propagation_is_a_change),
        cmocka_unit_test(internet_side_comes_with_its_resources),
        cmocka_unit_test(changed_public_ip_says_what),
        cmocka_unit_test(subnets_way_out_is_a_change),
        cmocka_unit_test(changed_gateway_and_host_say_what),
        cmocka_unit_test(load_balancers_show_frontends_and_rules),
        cmocka_unit_test(rate_and_servers_are_changes),
    };

    return cmocka_run_group_tests_name("diff of what is outside", diff, NULL, NULL);
}
