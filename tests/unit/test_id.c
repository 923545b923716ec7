/* Ids, names, locations, duplicates, lookups: ARM reference sections 6.1, 6.2, 6.4. */
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

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10

static void ids_are_those_of_arm(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = labs_resolve("vnet va 10.0.0.0/16\nsubnet s 10.0.0.0/24\npeer a-b vb\n"
                                       "vnet vb 10.1.0.0/16 group=g2\nvm vm-1 va/s");
    const struct vnl_vnet *a = vnl_vnet_lookup(lab, "va");

    (void)state;
#define PREFIX "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-test/providers/"
    assert_string_equal(a->id, PREFIX "Microsoft.Network/virtualNetworks/va");
    assert_string_equal(a->subnets[0]->id, PREFIX "Microsoft.Network/virtualNetworks/va/subnets/s");
    assert_string_equal(a->peerings[0]->id,
                        PREFIX "Microsoft.Network/virtualNetworks/va/virtualNetworkPeerings/a-b");
    assert_string_equal(lab->vms[0]->id, PREFIX "Microsoft.Compute/virtualMachines/vm-1");
    assert_string_equal(lab->vms[0]->nics[0]->id, PREFIX "Microsoft.Network/networkInterfaces/vm-1-nic");
    assert_non_null(strstr(lab->vnets[1]->id, "/resourceGroups/g2/"));
#undef PREFIX
}

static void id_format_takes_a_child(void **state)
{
    const struct vnl_scope scope = { "s", "g", "l" };
    CLEANUP(vnl_str_free)
    char *id = vnl_id_format(&scope, "Microsoft.Network/virtualNetworks", "v", "subnets/default");

    (void)state;
    assert_string_equal(
        id,
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/default");
}

static void names_follow_arms_rules(void **state)
{
    static const struct labs_case cases[] = {
        { "VNet names of 2 and 64 letters", NULL, "vnet ab 10.0.0.0/16\nvnet " X60 "abcd 10.1.0.0/16", NULL,
          NULL },
        { "VNet name of one letter", NULL, "vnet a 10.0.0.0/16", "InvalidResourceName",
          "'a'|virtual network|2 to 64" },
        { "VNet name of 65 letters", NULL, "vnet " X60 "abcde 10.0.0.0/16", "InvalidResourceName", "abcde'" },
        { "starts with a hyphen", NULL, "vnet -ab 10.0.0.0/16", "InvalidResourceName", "'-ab'" },
        { "starts with an underscore", NULL, "vnet _ab 10.0.0.0/16", "InvalidResourceName", "'_ab'" },
        { "ends with a period", NULL, "vnet ab. 10.0.0.0/16", "InvalidResourceName", "'ab.'" },
        { "ends with an underscore", NULL, "vnet a.b-_ 10.0.0.0/16", NULL, NULL },
        { "a slash", NULL, "vnet a/b 10.0.0.0/16", "InvalidResourceName", "'a/b'" },
        { "letters outside ASCII", NULL, "vnet n\xc3\xa4t 10.0.0.0/16", "InvalidResourceName", "n\xc3\xa4t" },
        { "subnet names of 1 and 80 letters", NULL,
          "vnet ab 10.0.0.0/16\nsubnet s 10.0.0.0/24\nsubnet " X60 X10 X10 " 10.0.1.0/24", NULL, NULL },
        { "subnet name of 81 letters", NULL, "vnet ab 10.0.0.0/16\nsubnet y" X60 X10 X10 " 10.0.1.0/24",
          "InvalidResourceName", "subnet|1 to 80" },
        { "peering name with a blank's substitute", NULL,
          "vnet ab 10.0.0.0/16\npeer to+cd cd\nvnet cd 10.1.0.0/16", "InvalidResourceName",
          "'to+cd'|peering" },
        { "VM name with an underscore", NULL, "vnet ab 10.0.0.0/16\nsubnet s 10.0.0.0/24\nvm vm_1 ab/s",
          "InvalidResourceName", "'vm_1'|virtual machine" },
        { "VM name that ends with a hyphen", NULL, "vnet ab 10.0.0.0/16\nsubnet s 10.0.0.0/24\nvm vm- ab/s",
          "InvalidResourceName", "'vm-'" },
        { "VM name of 64 letters", NULL, "vnet ab 10.0.0.0/16\nsubnet s 10.0.0.0/24\nvm " X60 "abcd ab/s",
          NULL, NULL },
        { "resource group that ends with a period", NULL, "vnet ab 10.0.0.0/16 group=g.",
          "InvalidResourceName", "'g.'|resource group" },
        { "resource group with parentheses", NULL, "vnet ab 10.0.0.0/16 group=(g)", NULL, NULL },
        { "subscription that is no GUID", NULL, "vnet ab 10.0.0.0/16 subscription=mine",
          "InvalidSubscriptionId", "'mine'" },
        { "location with a hyphen", NULL, "vnet ab 10.0.0.0/16 location=east-us",
          "LocationNotAvailableForResourceType", "'east-us'" },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void names_are_new_among_their_siblings_whatever_their_case(void **state)
{
    static const struct labs_case cases[] = {
        { "VNet twice", NULL, "vnet ab 10.0.0.0/16\nvnet AB 10.1.0.0/16", "InvalidTemplate",
          "'AB'|virtual network|without case" },
        { "subnet twice", NULL, "vnet ab 10.0.0.0/16\nsubnet s 10.0.0.0/24\nsubnet S 10.0.1.0/24",
          "InvalidTemplate", "'S'|subnet" },
        { "peering twice", NULL,
          "vnet ab 10.0.0.0/16\npeer p cd\npeer P ef\nvnet cd 10.1.0.0/16\nvnet ef 10.2.0.0/16",
          "InvalidTemplate", "'P'|peering" },
        { "same VNet name in another resource group", NULL,
          "vnet ab 10.0.0.0/16\nvnet ab 10.1.0.0/16 group=g2", NULL, NULL },
        { "same subnet name in another VNet", NULL,
          "vnet ab 10.0.0.0/16\nsubnet s 10.0.0.0/24\nvnet cd 10.1.0.0/16\nsubnet s 10.1.0.0/24", NULL,
          NULL },
        { "a peering may be called as a subnet", NULL,
          "vnet ab 10.0.0.0/16\nsubnet s 10.0.0.0/24\npeer s cd\nvnet cd 10.1.0.0/16", NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

/* Their NICs are then the same too. */
static void vm_names_are_new_in_the_whole_lab(void **state)
{
    CLEANUP(vnl_err_free)
    struct vnl_err *err =
        labs_mistakes("vnet ab 10.0.0.0/16\nsubnet s 10.0.0.0/24\nvm vm-1 s\nvm VM-1 s group=g2");
    const struct vnl_err *e = labs_find(err, "InvalidTemplate", NULL);

    (void)state;
    assert_string_equal(e->msg, "The virtual machine 'VM-1' is defined multiple times");
    assert_string_equal(e->where, "lab.yaml:4:1");
    assert_string_equal(e->target, "virtualMachines/VM-1");
}

static void what_stands_twice_is_added_anyway(void **state)
{
    CLEANUP(vnl_err_free)
    struct vnl_err *err = labs_mistakes("vnet ab 10.0.0.0/16\nvnet ab 224.0.0.0/4\nsubnet s 10.9.0.0/24");

    (void)state;
    assert_non_null(labs_find(err, "InvalidTemplate", NULL));
    assert_non_null(labs_find(err, "NetcfgInvalidIPAddressPrefix", NULL));
    assert_non_null(labs_find(err, "NetcfgSubnetRangeOutsideVnet", NULL));
}

static void locations_are_normalized(void **state)
{
    const struct vnl_scope scope = { NULL, NULL, "East US 2" };
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;

    (void)state;
    assert_int_equal(vnl_lab_new("test", &lab, NULL), 0);
    assert_string_equal(vnl_vnet_add(lab, "ab", &scope, NULL, NULL)->scope.location, "eastus2");
    assert_string_equal(vnl_vnet_add(lab, "cd", NULL, NULL, NULL)->scope.location, "eastus");
    assert_string_equal(vnl_vnet_lookup(lab, "cd")->scope.resource_group, "rg-test");
}

static void lookups_take_a_name_or_an_id_in_any_case(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = labs_resolve("vnet ab 10.0.0.0/16\nsubnet Sub 10.0.0.0/24\n"
                                       "vnet cd 10.1.0.0/16\nvnet cd 10.2.0.0/16 group=g2\nvm vm-1 sub");
    CLEANUP(vnl_str_free) char *id = strdup(lab->vnets[2]->id);

    (void)state;
    for (char *c = id; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    assert_ptr_equal(vnl_vnet_lookup(lab, "AB"), lab->vnets[0]);
    assert_ptr_equal(vnl_vnet_lookup(lab, id), lab->vnets[2]);
    assert_null(vnl_vnet_lookup(lab, "cd")); /* two are called so */
    assert_null(vnl_vnet_lookup(lab, "ef"));
    assert_ptr_equal(vnl_subnet_lookup(lab->vnets[0], "SUB"), lab->vnets[0]->subnets[0]);
    assert_null(vnl_subnet_lookup(lab->vnets[1], "Sub"));
    assert_null(vnl_peering_lookup(lab->vnets[1], "Sub"));
    assert_ptr_equal(vnl_vm_lookup(lab, "VM-1"), lab->vms[0]);
    assert_ptr_equal(vnl_vm_lookup(lab, lab->vms[0]->id), lab->vms[0]);
}

static void lookup_finds_each_of_thousands(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    char name[32];

    (void)state;
    assert_int_equal(vnl_lab_new("test", &lab, NULL), 0);
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "vm-%d", i);
        assert_non_null(vnl_vm_add(lab, name, NULL, NULL, NULL));
    }
    for (size_t i = 0; i < 5000; i++)
        assert_ptr_equal(vnl_vm_lookup(lab, lab->vms[i]->name), lab->vms[i]);
    assert_null(vnl_vm_lookup(lab, "vm-5000"));
}

static void lab_names_can_be_file_and_namespace_names(void **state)
{
    static const char *const bad[] = { "", ".", "a.b", "a/b", "-a", "_fabric", "a b", X60 "abcde" };
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(vnl_lab_new(bad[i], &lab, NULL), -EINVAL);
    assert_null(lab);
    assert_int_equal(vnl_lab_new("a/b", &lab, &err), -EINVAL);
    assert_string_equal(err->msg, "lab name 'a/b' is invalid");
    assert_int_equal(vnl_lab_new("Hub_and-spoke2", &lab, NULL), 0);
}

static void vocabularies_read_what_they_write(void **state)
{
    enum vnl_peering_access access;
    enum vnl_peering_forwarded forwarded;
    enum vnl_peering_state link_state;

    (void)state;
    for (int i = 0; i < VNL_ACCESS_MAX; i++) {
        assert_int_equal(
            vnl_peering_access_parse(vnl_peering_access_str((enum vnl_peering_access)i), &access), 0);
        assert_int_equal(access, i);
    }
    for (int i = 0; i < VNL_FORWARDED_MAX; i++) {
        assert_int_equal(
            vnl_peering_forwarded_parse(vnl_peering_forwarded_str((enum vnl_peering_forwarded)i), &forwarded),
            0);
        assert_int_equal(forwarded, i);
    }
    for (int i = 0; i < VNL_PEERING_STATE_MAX; i++) {
        assert_int_equal(
            vnl_peering_state_parse(vnl_peering_state_str((enum vnl_peering_state)i), &link_state), 0);
        assert_int_equal(link_state, i);
    }
    assert_int_equal(vnl_peering_access_parse("TAG-ONLY", &access), 0);
    assert_int_equal(access, VNL_ACCESS_TAG_ONLY);
    assert_int_equal(vnl_peering_access_parse("strict", &access), -EINVAL);
    assert_string_equal(vnl_expect_proto_str(VNL_EXPECT_UDP), "udp");
    assert_string_equal(vnl_expect_result_str(VNL_EXPECT_DROP), "drop");
    assert_string_equal(vnl_peering_sync_str(VNL_SYNC_LOCAL_REMOTE), "LocalAndRemoteNotInSync");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_those_of_arm),
        cmocka_unit_test(id_format_takes_a_child),
        cmocka_unit_test(names_follow_arms_rules),
        cmocka_unit_test(names_are_new_among_their_siblings_whatever_their_case),
        cmocka_unit_test(vm_names_are_new_in_the_whole_lab),
        cmocka_unit_test(what_stands_twice_is_added_anyway),
        cmocka_unit_test(locations_are_normalized),
        cmocka_unit_test(lookups_take_a_name_or_an_id_in_any_case),
        cmocka_unit_test(lookup_finds_each_of_thousands),
        cmocka_unit_test(lab_names_can_be_file_and_namespace_names),
        cmocka_unit_test(vocabularies_read_what_they_write),
    };

    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
