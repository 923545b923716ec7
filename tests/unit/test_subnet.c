/* Subnets: spec 1.2, and special ones: spec 1.9. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/labs.h"

#define VNET "vnet va 10.0.0.0/16,fd00::/48\n"

static void subnets_lie_in_their_vnet_and_beside_each_other(void **state)
{
    static const struct labs_case cases[] = {
        { "outside", NULL, "vnet va 10.0.0.0/16\nsubnet s1 10.1.0.0/24", "NetcfgSubnetRangeOutsideVnet",
          "Subnet 's1' is not valid because its IP address range is outside the IP address range of virtual "
          "network 'va'|"
          "10.1.0.0/24 does not lie in 10.0.0.0/16" },
        { "larger than the VNet", NULL, VNET "subnet s1 10.0.0.0/15", "NetcfgSubnetRangeOutsideVnet",
          "'s1'" },
        { "across two prefixes", NULL, "vnet va 10.0.0.0/17,10.0.128.0/17\nsubnet s1 10.0.0.0/16",
          "NetcfgSubnetRangeOutsideVnet", "10.0.0.0/17, 10.0.128.0/17" },
        { "one of two prefixes outside", NULL, VNET "subnet s1 10.0.0.0/24,fd01::/64",
          "NetcfgSubnetRangeOutsideVnet", "fd01::/64" },
        { "overlap", NULL, VNET "subnet s1 10.0.0.0/24\nsubnet s2 10.0.0.128/25", "NetcfgSubnetRangesOverlap",
          "Subnet 's2' is not valid because its IP address range overlaps with that of an existing subnet in "
          "virtual network "
          "'va'|10.0.0.128/25 overlaps 10.0.0.0/24 of subnet 's1'" },
        { "overlap, the later one larger", NULL, VNET "subnet s1 10.0.0.128/25\nsubnet s2 10.0.0.0/24",
          "NetcfgSubnetRangesOverlap", "Subnet 's2'|'s1'" },
        { "equal", NULL, VNET "subnet s1 10.0.0.0/24\nsubnet s2 10.0.0.0/24", "NetcfgSubnetRangesOverlap",
          "Subnet 's2'" },
        { "IPv6 overlap", NULL, VNET "subnet s1 10.0.0.0/24,fd00::/64\nsubnet s2 10.0.1.0/24,fd00::/64",
          "NetcfgSubnetRangesOverlap", "fd00::/64" },
        { "the whole VNet", NULL, VNET "subnet s1 10.0.0.0/16", NULL, NULL },
        { "beside each other", NULL, VNET "subnet s1 10.0.0.0/25\nsubnet s2 10.0.0.128/25,fd00::/64", NULL,
          NULL },
        { "no prefix", NULL, VNET "subnet s1", "NetcfgInvalidSubnet", "'s1'|'va'|no address prefix" },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void subnets_have_sizes_that_azure_takes(void **state)
{
    static const struct labs_case cases[] = {
        { "/30", NULL, VNET "subnet s1 10.0.0.0/30", "NetcfgInvalidSubnet",
          "'s1'|10.0.0.0/30 is smaller than /29" },
        { "/32", NULL, VNET "subnet s1 10.0.0.0/32", "NetcfgInvalidSubnet", "10.0.0.0/32" },
        { "/29", NULL, VNET "subnet s1 10.0.0.0/29", NULL, NULL },
        { "/2", NULL, "vnet va 64.0.0.0/3\nsubnet s1 64.0.0.0/3", NULL, NULL },
        { "/1", NULL, "vnet va 10.0.0.0/16\nsubnet s1 0.0.0.0/1", "NetcfgInvalidSubnet",
          "0.0.0.0/1 is larger than /2" },
        { "IPv6 /80", NULL, VNET "subnet s1 10.0.0.0/24,fd00::/80", "NetcfgInvalidSubnet",
          "fd00::/80 is not a /64" },
        { "IPv6 /63", NULL, VNET "subnet s1 10.0.0.0/24,fd00::/63", "NetcfgInvalidSubnet",
          "fd00::/63 is not a /64" },
        { "IPv6 /64", NULL, VNET "subnet s1 10.0.0.0/24,fd00::/64", NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void special_subnets_have_a_least_size(void **state)
{
    static const struct labs_case cases[] = {
        { "gateway /29", NULL, VNET "subnet GatewaySubnet 10.0.0.0/29", NULL, NULL },
        { "gateway /30", NULL, VNET "subnet GatewaySubnet 10.0.0.0/30", "NetcfgInvalidSubnet",
          "10.0.0.0/30" },
        { "Bastion /26", NULL, VNET "subnet AzureBastionSubnet 10.0.0.0/26", NULL, NULL },
        { "Bastion /27", NULL, VNET "subnet AzureBastionSubnet 10.0.0.0/27", "NetcfgInvalidSubnet",
          "'AzureBastionSubnet'|'va'|10.0.0.0/27 is smaller than /26" },
        { "firewall /26", NULL, VNET "subnet AzureFirewallSubnet 10.0.0.0/26", NULL, NULL },
        { "firewall /27", NULL, VNET "subnet AzureFirewallSubnet 10.0.0.0/27", "NetcfgInvalidSubnet", "/26" },
        { "firewall management /27", NULL, VNET "subnet AzureFirewallManagementSubnet 10.0.0.0/27",
          "NetcfgInvalidSubnet", "/26" },
        { "route server /27", NULL, VNET "subnet RouteServerSubnet 10.0.0.0/27", NULL, NULL },
        { "route server /28", NULL, VNET "subnet RouteServerSubnet 10.0.0.0/28", "NetcfgInvalidSubnet",
          "/27" },
        { "another case is the same subnet", NULL, VNET "subnet azurebastionsubnet 10.0.0.0/27",
          "NetcfgInvalidSubnet", "'azurebastionsubnet' is Azure's AzureBastionSubnet" },
        { "another name is none", NULL, VNET "subnet AzureBastion 10.0.0.0/29", NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void special_subnets_take_no_vm(void **state)
{
    static const struct labs_case cases[] = {
        { "GatewaySubnet", NULL, VNET "subnet GatewaySubnet 10.0.0.0/27\nvm vm-1 va/GatewaySubnet",
          "GatewaySubnet", "'GatewaySubnet'|virtual network gateway|'vm-1-nic'" },
        { "AzureBastionSubnet", NULL,
          VNET "subnet AzureBastionSubnet 10.0.0.0/26\nvm vm-1 AzureBastionSubnet", "AzureBastionSubnet",
          "can be used only for the Azure Bastion resource" },
        { "AzureFirewallSubnet", NULL,
          VNET "subnet AzureFirewallSubnet 10.0.0.0/26\nvm vm-1 AzureFirewallSubnet", "AzureFirewallSubnet",
          "Azure Firewall" },
        { "AzureFirewallManagementSubnet", NULL,
          VNET "subnet AzureFirewallManagementSubnet 10.0.0.0/26\nvm vm-1 AzureFirewallManagementSubnet",
          "AzureFirewallManagementSubnet", "Azure Firewall" },
        { "RouteServerSubnet", NULL, VNET "subnet RouteServerSubnet 10.0.0.0/27\nvm vm-1 RouteServerSubnet",
          "RouteServerSubnet", "Azure Route Server" },
        { "in another case", NULL, VNET "subnet gatewaysubnet 10.0.0.0/27\nvm vm-1 va/gatewaysubnet",
          "GatewaySubnet", "'gatewaysubnet' is Azure's GatewaySubnet|without case" },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void subnets_are_numbered_through_the_lab(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = labs_resolve("vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/24\nsubnet s2 "
                                       "10.0.1.0/24\nvnet vb 10.1.0.0/16\nsubnet s1 10.1.0.0/24");

    (void)state;
    assert_int_equal(lab->vnets[1]->number, 1);
    assert_int_equal(lab->vnets[0]->subnets[1]->number, 1);
    assert_int_equal(lab->vnets[1]->subnets[0]->number, 2);
}

static void full_special_subnet_is_refused_once_per_vm(void **state)
{
    CLEANUP(vnl_err_free)
    struct vnl_err *err = labs_mistakes(VNET "subnet GatewaySubnet 10.0.0.0/29\nvm m1 GatewaySubnet\n"
                                             "vm m2 GatewaySubnet\nvm m3 GatewaySubnet\nvm m4 GatewaySubnet");

    (void)state;
    assert_int_equal(vnl_err_count(err), 4);
    assert_null(labs_find(err, "SubnetIsFull", NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(subnets_lie_in_their_vnet_and_beside_each_other),
        cmocka_unit_test(subnets_have_sizes_that_azure_takes),
        cmocka_unit_test(special_subnets_have_a_least_size),
        cmocka_unit_test(special_subnets_take_no_vm),
        cmocka_unit_test(subnets_are_numbered_through_the_lab),
        cmocka_unit_test(full_special_subnet_is_refused_once_per_vm),
    };

    return cmocka_run_group_tests_name("subnet", tests, NULL, NULL);
}
