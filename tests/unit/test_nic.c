/* VMs and NICs: references, addresses (spec 1.1, 1.4), locations, expectations. */
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

#define VNET "vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/24\nsubnet s2 10.0.1.0/24\n"
#define DUAL "vnet vd 10.0.0.0/16,fd00::/48\nsubnet s1 10.0.0.0/24,fd00::/64\nsubnet s2 10.0.1.0/24\n"
#define ID(rest)                                                                                             \
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-test/providers/"                  \
    "Microsoft.Network/" rest

static void subnets_are_referred_to_by_name_path_or_id(void **state)
{
    static const struct labs_case cases[] = {
        { "path", NULL, VNET "vm vm-1 va/s1", NULL, NULL },
        { "path in another case", NULL, VNET "vm vm-1 VA/S1", NULL, NULL },
        { "bare name that one VNet has", NULL, VNET "vnet vb 10.1.0.0/16\nsubnet s3 10.1.0.0/24\nvm vm-1 s3",
          NULL, NULL },
        { "id", NULL, VNET "vm vm-1 " ID("virtualNetworks/va/subnets/s1"), NULL, NULL },
        { "id in another case", NULL, VNET "vm vm-1 " ID("VIRTUALNETWORKS/VA/SUBNETS/S1"), NULL, NULL },
        { "bare name that two have", NULL, VNET "vnet vb 10.1.0.0/16\nsubnet s1 10.1.0.0/24\nvm vm-1 s1",
          "InvalidResourceReference", "2 subnets are called 's1'|va/s1, vb/s1" },
        { "no such subnet", NULL, VNET "vm vm-1 va/s11", "InvalidResourceReference",
          "'va/s11'|'vm-1-nic'|did you mean 'va/s1'?" },
        { "no such VNet", NULL, "vnet vnet-1 10.0.0.0/16\nsubnet default 10.0.0.0/24\nvm vm-1 vnet1/default",
          "InvalidResourceReference", "'vnet1/default'|did you mean 'vnet-1/default'?" },
        { "no such bare name", NULL, "vnet va 10.0.0.0/16\nsubnet default 10.0.0.0/24\nvm vm-1 defualt",
          "InvalidResourceReference", "did you mean 'default'?" },
        { "nothing near", NULL, VNET "vm vm-1 backend", "InvalidResourceReference", "'backend'" },
        { "id of a VNet that is not there", NULL, VNET "vm vm-1 " ID("virtualNetworks/vx/subnets/s1"),
          "InvalidResourceReference", "vx/subnets/s1|did you mean" },
        { "id of something else", NULL, VNET "vm vm-1 " ID("virtualNetworks/va"), "InvalidRequestFormat",
          "not formatted correctly|/subnets/*" },
        { "no subnet named", NULL, VNET "vm vm-1", "InvalidRequestFormat", "'vm-1'|no network interface" },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void static_addresses_are_of_the_subnet_and_free(void **state)
{
    static const struct labs_case cases[] = {
        { ".0", NULL, VNET "vm vm-1 s1 10.0.0.0", "PrivateIPAddressInReservedRange",
          "Private static IP address 10.0.0.0 falls within reserved IP range of subnet prefix 10.0.0.0/24" },
        { ".1", NULL, VNET "vm vm-1 s1 10.0.0.1", "PrivateIPAddressInReservedRange", "10.0.0.1" },
        { ".3", NULL, VNET "vm vm-1 s1 10.0.0.3", "PrivateIPAddressInReservedRange", "10.0.0.3|first four" },
        { "the last", NULL, VNET "vm vm-1 s1 10.0.0.255", "PrivateIPAddressInReservedRange", "10.0.0.255" },
        { ".4", NULL, VNET "vm vm-1 s1 10.0.0.4", NULL, NULL },
        { ".254", NULL, VNET "vm vm-1 s1 10.0.0.254", NULL, NULL },
        { "of another subnet", NULL, VNET "vm vm-1 s1 10.0.1.9", "PrivateIPAddressNotInSubnet",
          "10.0.1.9|10.0.0.0/24|'s1'" },
        { "taken", NULL, VNET "vm vm-1 s1 10.0.0.4\nvm vm-2 s1 10.0.0.4", "PrivateIPAddressIsAllocated",
          "IP configuration 'vm-2-nic/ipconfig1' is using the private IP address 10.0.0.4 which is already "
          "allocated to "
          "resource 'vm-1-nic/ipconfig1'" },
        { "a dynamic one gives way", NULL, VNET "vm vm-1 s1\nvm vm-2 s1 10.0.0.4", NULL, NULL },
        { "the same in two VNets", NULL,
          "vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/24\nvnet vb 10.0.0.0/16\nsubnet s2 10.0.0.0/24\n"
          "vm vm-1 s1 10.0.0.4\nvm vm-2 s2 10.0.0.4",
          NULL, NULL },
        { "IPv6 ::3", NULL, DUAL "vm vm-1 s1 10.0.0.4,fd00::3", "PrivateIPAddressInReservedRange",
          "fd00::3|fd00::/64" },
        { "IPv6 ::4", NULL, DUAL "vm vm-1 s1 10.0.0.4,fd00::4", NULL, NULL },
        { "IPv6 only written: IPv4 is dynamic", NULL, DUAL "vm vm-1 s1 fd00::4", NULL, NULL },
        { "IPv6 taken", NULL, DUAL "vm vm-1 s1 fd00::9\nvm vm-2 s1 fd00::9", "PrivateIPAddressIsAllocated",
          "'vm-2-nic/ipconfig2'|fd00::9|'vm-1-nic/ipconfig2'" },
        { "IPv6 of another subnet", NULL, DUAL "vm vm-1 s1 fd00:0:0:1::4", "PrivateIPAddressNotInSubnet",
          "fd00:0:0:1::4" },
        { "IPv6 where there is none", NULL, DUAL "vm vm-1 s2 fd00::4", "PrivateIPAddressNotInSubnet",
          "'s2' has no IPv6 prefix" },
        { "several of IPv4", NULL, VNET "vm vm-1 s1 10.0.0.4,10.0.0.5", NULL, NULL },
        { "two of IPv6", NULL, DUAL "vm vm-1 s1 fd00::4,fd00::5", "BadRequest",
          "'vm-1-nic' has 2 IPv6 ip configurations; one is possible" },
        { "a subnet without IPv4", NULL, "vnet vd 10.0.0.0/16,fd00::/48\nsubnet s1 fd00::/64\nvm vm-1 s1",
          "PrivateIPAddressNotInSubnet",
          "'s1' has no IPv4 prefix|every network interface needs an IPv4 address" },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void full_subnets_are_refused(void **state)
{
    static const struct labs_case cases[] = {
        { "three in a /29", NULL, "vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/29\nvm m1 s1\nvm m2 s1\nvm m3 s1",
          NULL, NULL },
        { "a fourth one", NULL,
          "vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/29\nvm m1 s1\nvm m2 s1\nvm m3 s1\nvm m4 s1",
          "SubnetIsFull",
          "Subnet 's1' with address prefix 10.0.0.0/29 does not have enough capacity for 1 IP "
          "addresses|'m4-nic'" },
        { "a static one comes late and has its address", NULL,
          "vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/29\nvm m1 s1\nvm m2 s1\nvm m3 s1\nvm m4 s1 10.0.0.4",
          "SubnetIsFull", "'m3-nic'" },
        { "two prefixes", NULL,
          "vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/29,10.0.1.0/29\nvm m1 s1\nvm m2 s1\nvm m3 s1\nvm m4 s1",
          NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void vms_live_where_their_vnet_does(void **state)
{
    static const struct labs_case cases[] = {
        { "written elsewhere", NULL,
          "vnet va 10.0.0.0/16 location=westus\nsubnet s1 10.0.0.0/24\nvm vm-1 s1 location=eastus",
          "InvalidResourceReference", "'va'|'vm-1'|eastus|westus|same region" },
        { "written alike", NULL,
          "vnet va 10.0.0.0/16 location=westus\nsubnet s1 10.0.0.0/24\nvm vm-1 s1 location=WestUS", NULL,
          NULL },
        { "NICs in two VNets", NULL,
          "vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/24\nvnet vb 10.1.0.0/16\nsubnet s2 10.1.0.0/24\nvm vm-1 "
          "s1,s2",
          "SubnetsNotInSameVnet", "'vm-1-nic1'|'vb'|'vm-1'|'va'" },
        { "NICs in two subnets", NULL, VNET "vm vm-1 s1,s2", NULL, NULL },
    };
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab =
        labs_resolve("vnet va 10.0.0.0/16 location=westus\nsubnet s1 10.0.0.0/24\nvm vm-1 s1");

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
    assert_string_equal(lab->vms[0]->scope.location, "westus"); /* not the lab's eastus */
}

static void dynamic_addresses_are_the_lowest_free_ones_in_file_order(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = labs_settle(
        VNET "vm m1 s1\nvm m2 s1\nvm m3 s2\nvm m4 s1 10.0.0.5\nvm m5 s1\nvm m6 s1 10.0.0.7\nvm m7 s1", NULL);

    (void)state;
    assert_string_equal(labs_addr(lab, "m1", AF_INET), "10.0.0.4");
    assert_string_equal(labs_addr(lab, "m2", AF_INET), "10.0.0.6");
    assert_string_equal(labs_addr(lab, "m3", AF_INET), "10.0.1.4");
    assert_string_equal(labs_addr(lab, "m4", AF_INET), "10.0.0.5");
    assert_string_equal(labs_addr(lab, "m5", AF_INET), "10.0.0.8");
    assert_string_equal(labs_addr(lab, "m7", AF_INET), "10.0.0.9");
}

static void a_full_slash_29_is_used_to_the_last_address(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = labs_settle(
        "vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/29,10.0.1.0/29\nvm m1 s1\nvm m2 s1\nvm m3 s1\nvm m4 s1",
        NULL);
    char prefix[VNL_PREFIX_STR];

    (void)state;
    assert_string_equal(labs_addr(lab, "m3", AF_INET), "10.0.0.6");
    assert_string_equal(labs_addr(lab, "m4", AF_INET), "10.0.1.4");
    assert_string_equal(vnl_prefix_format(&lab->vms[3]->nics[0]->configs[0].subnet_prefix, prefix),
                        "10.0.1.0/29");
}

/* Prefixes are used in the order of the file, whatever their addresses are. */
static void taken_addresses_are_skipped_in_every_prefix(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = labs_settle("vnet va 10.0.0.0/16\nsubnet s1 10.0.1.0/29,10.0.0.0/29\n"
                                      "vm m1 s1 10.0.0.4\nvm m2 s1\nvm m3 s1\nvm m4 s1\nvm m5 s1",
                                      NULL);

    (void)state;
    assert_string_equal(labs_addr(lab, "m4", AF_INET), "10.0.1.6");
    assert_string_equal(labs_addr(lab, "m5", AF_INET), "10.0.0.5");
}

static void nics_have_ipv6_where_the_subnet_has(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = labs_settle(DUAL "vm m1 s1\nvm m2 s1 fd00::5\nvm m3 s1\nvm m4 s2\nvm m5 s1", NULL);

    (void)state;
    assert_string_equal(labs_addr(lab, "m1", AF_INET6), "fd00::4");
    assert_string_equal(labs_addr(lab, "m2", AF_INET), "10.0.0.5");
    assert_string_equal(labs_addr(lab, "m2", AF_INET6), "fd00::5");
    assert_string_equal(labs_addr(lab, "m3", AF_INET6), "fd00::6");
    assert_string_equal(labs_addr(lab, "m4", AF_INET6), "-");
    assert_string_equal(labs_addr(lab, "m5", AF_INET6), "fd00::7");
    assert_int_equal(lab->vms[1]->nics[0]->configs[0].addr.family,
                     AF_INET); /* IPv4 first, although only IPv6 was written */
}

static void vm_is_found_by_address_within_its_vnet(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab =
        labs_settle("vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/24\nvnet vb 10.0.0.0/16\nsubnet s2 10.0.0.0/24\n"
                    "vm m1 s1\nvm m2 s2",
                    NULL);
    struct vnl_addr addr = { 0 };

    (void)state;
    assert_int_equal(vnl_addr_parse("10.0.0.4", &addr, NULL), 0);
    assert_ptr_equal(vnl_vm_by_addr(lab, lab->vnets[0], &addr), lab->vms[0]);
    assert_ptr_equal(vnl_vm_by_addr(lab, lab->vnets[1], &addr), lab->vms[1]);
    addr = vnl_addr_add(&addr, 1);
    assert_null(vnl_vm_by_addr(lab, NULL, &addr));
}

/* --- expectations ------------------------------------------------------------------------------------ */

static void expectations_name_vms_and_addresses(void **state)
{
    static const struct labs_case cases[] = {
        { "from nobody", NULL, VNET "vm vm-1 s1\nexpect vm1 10.0.0.4", "",
          "'from: vm1'|did you mean 'vm-1'?" },
        { "to nobody", NULL, VNET "vm vm-1 s1\nexpect vm-1 vm-11", "", "'to: vm-11'|did you mean 'vm-1'?" },
        { "from an address", NULL, VNET "vm vm-1 s1\nexpect 10.0.0.4 vm-1", "",
          "'from: 10.0.0.4'|virtual machine" },
        { "no port", NULL, VNET "vm vm-1 s1\nexpect vm-1 vm-1 tcp=0", "", "tcp needs a port" },
        { "an address that nobody has", NULL, VNET "vm vm-1 s1\nexpect vm-1 10.9.9.9 udp=53", NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void expectations_find_the_owner_within_the_senders_reach(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = labs_settle(
        "vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/24\npeer p1 vb\n"
        "vnet vb 10.1.0.0/16\nsubnet s2 10.1.0.0/24\npeer p2 va\n"
        "vnet vc 10.2.0.0/16\nsubnet s3 10.2.0.0/24\n"
        "vm m1 s1\nvm m2 s2\nvm m3 s3\n"
        "expect m1 m2\nexpect m1 10.1.0.4\nexpect m1 10.2.0.4\nexpect m1 10.0.0.4\nexpect m3 10.0.0.4",
        NULL);

    (void)state;
    assert_ptr_equal(lab->expects[0]->from_vm, lab->vms[0]);
    assert_ptr_equal(lab->expects[0]->to_vm, lab->vms[1]);
    assert_true(vnl_addr_eq(&lab->expects[0]->addr, vnl_nic_addr(lab->vms[1]->nics[0], AF_INET)));
    assert_ptr_equal(lab->expects[1]->to_vm, lab->vms[1]);
    assert_null(lab->expects[2]->to_vm);
    assert_int_equal(lab->expects[2]->addr.family, AF_INET);
    assert_ptr_equal(lab->expects[3]->to_vm, lab->vms[0]);
    assert_null(lab->expects[4]->to_vm);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(subnets_are_referred_to_by_name_path_or_id),
        cmocka_unit_test(static_addresses_are_of_the_subnet_and_free),
        cmocka_unit_test(full_subnets_are_refused),
        cmocka_unit_test(vms_live_where_their_vnet_does),
        cmocka_unit_test(dynamic_addresses_are_the_lowest_free_ones_in_file_order),
        cmocka_unit_test(a_full_slash_29_is_used_to_the_last_address),
        cmocka_unit_test(taken_addresses_are_skipped_in_every_prefix),
        cmocka_unit_test(nics_have_ipv6_where_the_subnet_has),
        cmocka_unit_test(vm_is_found_by_address_within_its_vnet),
        cmocka_unit_test(expectations_name_vms_and_addresses),
        cmocka_unit_test(expectations_find_the_owner_within_the_senders_reach),
    };

    return cmocka_run_group_tests_name("nic", tests, NULL, NULL);
}
