/* From the lab in force to the one asked for: subnets in use (spec 1.2), addresses kept (1.4), slots. */
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

/* --- VNets and subnets ------------------------------------------------------------------------------- */

static void vnets_do_not_move(void **state)
{
    static const struct labs_case cases[] = {
        { "another location", "vnet va 10.0.0.0/16", "vnet va 10.0.0.0/16 location=westus",
          "InvalidResourceLocation",
          "The resource 'va' already exists in location 'eastus' in resource group 'rg-test'|created in "
          "location 'westus'" },
        { "the same location, written otherwise", "vnet va 10.0.0.0/16",
          "vnet VA 10.0.0.0/16 location=EastUS", NULL, NULL },
        { "another resource group is another VNet", "vnet va 10.0.0.0/16",
          "vnet va 10.0.0.0/16 location=westus group=g2", NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void subnets_in_use_are_not_changed(void **state)
{
    static const struct labs_case cases[] = {
        { "another prefix", VNET "vm m1 s1", "vnet va 10.0.0.0/16\nsubnet s1 10.0.2.0/24\nvm m1 s1",
          "InUseSubnetCannotBeUpdated",
          "Subnet 'va/s1' is in use by m1-nic/ipconfig1 and cannot be updated" },
        { "a larger prefix", VNET "vm m1 s1", "vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/23\nvm m1 s1",
          "InUseSubnetCannotBeUpdated", "m1-nic" },
        { "another prefix, nobody in it", VNET "vm m1 s2",
          "vnet va 10.0.0.0/16\nsubnet s1 10.0.2.0/24\nsubnet s2 10.0.1.0/24\nvm m1 s2", NULL, NULL },
        { "another prefix, its VM gone", VNET "vm m1 s1", "vnet va 10.0.0.0/16\nsubnet s1 10.0.2.0/24", NULL,
          NULL },
        { "another prefix, its VM new", VNET "vm m1 s1",
          "vnet va 10.0.0.0/16\nsubnet s1 10.0.2.0/24\nvm m2 s1", NULL, NULL },
        { "another prefix, its VM moved away", VNET "vm m1 s1",
          "vnet va 10.0.0.0/16\nsubnet s1 10.0.2.0/24\nsubnet s2 10.0.1.0/24\nvm m1 s2", NULL, NULL },
        { "another prefix, its VM moved to the range it leaves", VNET "vm m1 s1",
          "vnet va 10.0.0.0/16\nsubnet s1 10.0.2.0/24\nsubnet s3 10.0.0.0/24\nvm m1 s3",
          "InUseSubnetCannotBeUpdated", "'va/s1'|m1-nic" },
        { "IPv6 is added", "vnet va 10.0.0.0/16,fd00::/48\nsubnet s1 10.0.0.0/24\nvm m1 s1",
          "vnet va 10.0.0.0/16,fd00::/48\nsubnet s1 10.0.0.0/24,fd00::/64\nvm m1 s1", NULL, NULL },
        { "IPv6 is taken off, from the VM too",
          "vnet va 10.0.0.0/16,fd00::/48\nsubnet s1 10.0.0.0/24,fd00::/64\nvm m1 s1",
          "vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/24\nvm m1 s1", NULL, NULL },
        { "IPv6 is renumbered", "vnet va 10.0.0.0/16,fd00::/48\nsubnet s1 10.0.0.0/24,fd00::/64\nvm m1 s1",
          "vnet va 10.0.0.0/16,fd00::/48\nsubnet s1 10.0.0.0/24,fd00:0:0:1::/64\nvm m1 s1",
          "InUseSubnetCannotBeUpdated", "'va/s1'" },
        { "more users than fit", VNET "vm m1 s1\nvm m2 s1\nvm m3 s1\nvm m4 s1\nvm m5 s1\nvm m6 s1\nvm m7 s1",
          "vnet va 10.0.0.0/16\nsubnet s1 10.0.2.0/24\nvm m1 s1\nvm m2 s1\nvm m3 s1\nvm m4 s1\nvm m5 s1\nvm "
          "m6 s1\nvm m7 s1",
          "InUseSubnetCannotBeUpdated", "m1-nic/ipconfig1, m2-nic/ipconfig1|m5-nic/ipconfig1 and 2 more" },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void subnets_in_use_are_not_deleted(void **state)
{
    static const struct labs_case cases[] = {
        { "its VM is gone", VNET "vm m1 s1", "vnet va 10.0.0.0/16\nsubnet s2 10.0.1.0/24", NULL, NULL },
        { "its VM moved away", VNET "vm m1 s1", "vnet va 10.0.0.0/16\nsubnet s2 10.0.1.0/24\nvm m1 s2", NULL,
          NULL },
        { "renamed with its VM in it: the new one cannot come first", VNET "vm m1 s1",
          "vnet va 10.0.0.0/16\nsubnet s9 10.0.0.0/24\nvm m1 s9", "InUseSubnetCannotBeDeleted",
          "Subnet 'va/s1' is in use by m1-nic/ipconfig1 and cannot be deleted" },
        { "renamed, another VM in it", VNET "vm m1 s1",
          "vnet va 10.0.0.0/16\nsubnet s9 10.0.0.0/24\nvm m2 s9", NULL, NULL },
        { "the VNet is gone", VNET "vm m1 s1", "vnet vb 10.0.0.0/16\nsubnet s1 10.0.0.0/24", NULL, NULL },
        { "the VM refers to it still", VNET "vm m1 s1",
          "vnet va 10.0.0.0/16\nsubnet s2 10.0.1.0/24\nvm m1 va/s1", "InvalidResourceReference", "'va/s1'" },
        { "a prefix of the VNet goes, a subnet is in it",
          "vnet va 10.0.0.0/16,10.1.0.0/16\nsubnet s1 10.1.0.0/24\nvm m1 s1",
          "vnet va 10.0.0.0/16\nsubnet s1 10.1.0.0/24\nvm m1 s1", "NetcfgSubnetRangeOutsideVnet",
          "'s1'|10.1.0.0/24" },
        { "a prefix of the VNet goes with its subnet",
          "vnet va 10.0.0.0/16,10.1.0.0/16\nsubnet s1 10.1.0.0/24\nvm m1 s1", "vnet va 10.0.0.0/16", NULL,
          NULL },
        { "a subnet is added", VNET "vm m1 s1", VNET "subnet s3 10.0.3.0/24\nvm m1 s1", NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void nics_do_not_move_to_another_vnet(void **state)
{
    static const struct labs_case cases[] = {
        { "another VNet", VNET "vm m1 s1\nvnet vb 10.1.0.0/16\nsubnet s3 10.1.0.0/24",
          VNET "vm m1 s3\nvnet vb 10.1.0.0/16\nsubnet s3 10.1.0.0/24", "SubnetsNotInSameVnet",
          "'m1-nic' is in virtual network 'va' and cannot move to 'vb': it must be recreated|remove the VM, "
          "apply, and add it again" },
        { "another subnet of its VNet", VNET "vm m1 s1", VNET "vm m1 s2", NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

/* --- addresses and slots ----------------------------------------------------------------------------- */

static void dynamic_addresses_are_kept(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = labs_settle(VNET "vm m1 s1\nvm m2 s1\nvm m3 s1", NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *after = labs_settle(VNET "vm m4 s1\nvm m3 s1\nvm m2 s1\nvm m5 s1", before);

    (void)state;
    assert_string_equal(labs_addr(after, "m2", AF_INET), "10.0.0.5");
    assert_string_equal(labs_addr(after, "m3", AF_INET), "10.0.0.6");
    assert_string_equal(labs_addr(after, "m4", AF_INET), "10.0.0.4"); /* m1's, which is gone */
    assert_string_equal(labs_addr(after, "m5", AF_INET), "10.0.0.7");
}

static void address_is_kept_when_it_becomes_dynamic_or_static(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = labs_settle(VNET "vm m1 s1 10.0.0.77\nvm m2 s1", NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *after = labs_settle(VNET "vm m1 s1\nvm m2 s1 10.0.0.4", before);

    (void)state;
    assert_string_equal(labs_addr(after, "m1", AF_INET), "10.0.0.77");
    assert_string_equal(labs_addr(after, "m2", AF_INET), "10.0.0.4");
}

static void address_is_released_by_a_move(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = labs_settle(VNET "vm m1 s1\nvm m2 s1", NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *after = labs_settle(VNET "vm m1 s2\nvm m2 s1\nvm m3 s1", before);

    (void)state;
    assert_string_equal(labs_addr(after, "m1", AF_INET), "10.0.1.4");
    assert_string_equal(labs_addr(after, "m3", AF_INET), "10.0.0.4");
    assert_int_equal(vnl_vm_lookup(after, "m1")->nics[0]->slot, vnl_vm_lookup(before, "m1")->nics[0]->slot);
}

static void static_address_yields_to_one_that_is_kept(void **state)
{
    static const struct labs_case cases[] = {
        { "kept by a VM that stays", VNET "vm m1 s1", VNET "vm m2 s1 10.0.0.4\nvm m1 s1",
          "PrivateIPAddressIsAllocated",
          "'m2-nic/ipconfig1' is using the private IP address 10.0.0.4 which is already allocated to "
          "resource "
          "'m1-nic/ipconfig1'|dynamically" },
        { "its VM is gone", VNET "vm m1 s1", VNET "vm m2 s1 10.0.0.4", NULL, NULL },
        { "its VM moved", VNET "vm m1 s1", VNET "vm m1 s2\nvm m2 s1 10.0.0.4", NULL, NULL },
        { "its VM takes another one", VNET "vm m1 s1", VNET "vm m1 s1 10.0.0.9\nvm m2 s1 10.0.0.4", NULL,
          NULL },
        { "two VMs swap static ones", VNET "vm m1 s1 10.0.0.8\nvm m2 s1 10.0.0.9",
          VNET "vm m1 s1 10.0.0.9\nvm m2 s1 10.0.0.8", NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void ipv6_comes_to_a_running_nic(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before =
        labs_settle("vnet va 10.0.0.0/16\nsubnet s1 10.0.0.0/24\nvm m0 s1\nvm m1 s1", NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *after =
        labs_settle("vnet va 10.0.0.0/16,fd00::/48\nsubnet s1 10.0.0.0/24,fd00::/64\nvm m1 s1", before);

    (void)state;
    assert_string_equal(labs_addr(after, "m1", AF_INET), "10.0.0.5");
    assert_string_equal(labs_addr(after, "m1", AF_INET6), "fd00::4");
}

static void slots_are_kept_and_the_lowest_free_ones_given(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = labs_settle("vnet va 10.0.0.0/16\nvnet vb 10.1.0.0/16\nvnet vc "
                                         "10.2.0.0/16\nsubnet s 10.2.0.0/24\nvm m1 s\nvm m2 s\nvm m3 s",
                                         NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *after =
        labs_settle("vnet VC 10.2.0.0/16\nsubnet s 10.2.0.0/24\nvnet vd 10.3.0.0/16\nvnet ve 10.4.0.0/16\nvm "
                    "m4 s\nvm m3 s\nvm m5 s\nvm m6 s",
                    before);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(before->vnets[i]->slot, i);
        assert_int_equal(before->vms[i]->nics[0]->slot, i);
    }
    assert_int_equal(vnl_vnet_lookup(after, "vc")->slot, 2);
    assert_int_equal(vnl_vnet_lookup(after, "vd")->slot, 0);
    assert_int_equal(vnl_vnet_lookup(after, "ve")->slot, 1);
    assert_int_equal(vnl_vm_lookup(after, "m3")->nics[0]->slot, 2);
    assert_int_equal(vnl_vm_lookup(after, "m4")->nics[0]->slot, 0);
    assert_int_equal(vnl_vm_lookup(after, "m5")->nics[0]->slot, 1);
    assert_int_equal(vnl_vm_lookup(after, "m6")->nics[0]->slot, 3);
}

static int mac_cmp(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct vnl_mac));
}

static void macs_look_like_azures_and_are_unique(void **state)
{
    static struct vnl_mac macs[65536];
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = labs_settle(VNET "vm m1 s1\nvm m2 s1", NULL);
    struct vnl_nic *nic = lab->vms[0]->nics[0];

    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(macs); i++) {
        nic->slot = i;
        assert_int_equal(vnl_lab_derive(lab, NULL), 0);
        assert_memory_equal(nic->mac.bytes, "\x00\x0d\x3a", 3);
        macs[i] = nic->mac;
    }
    qsort(macs, ARRAY_SIZE(macs), sizeof(macs[0]), mac_cmp);
    for (size_t i = 1; i < ARRAY_SIZE(macs); i++)
        assert_int_not_equal(memcmp(&macs[i - 1], &macs[i], sizeof(macs[0])), 0);
}

static void macs_stay_with_their_nics(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = labs_settle(VNET "vm m1 s1\nvm m2 s1", NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *after = labs_settle(VNET "vm m2 s2", before);

    (void)state;
    assert_memory_equal(&after->vms[0]->nics[0]->mac, &before->vms[1]->nics[0]->mac, sizeof(struct vnl_mac));
}

/* --- spelling ---------------------------------------------------------------------------------------- */

static void resource_keeps_the_spelling_it_was_made_with(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = labs_settle(VNET "peer p vb\nvnet vb 10.1.0.0/16\nvm m1 s1", NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *after = labs_settle("vnet VA 10.0.0.0/16 group=RG-Test\nsubnet S1 10.0.0.0/24\n"
                                        "subnet New 10.0.7.0/24\npeer P VB\nvnet vb 10.1.0.0/16\n"
                                        "vm M1 VA/S1\nvm M2 VA/New",
                                        before);
    const struct vnl_vnet *vnet = after->vnets[0], *old = before->vnets[0];
    const struct vnl_vm *vm = after->vms[0], *old_vm = before->vms[0];

    (void)state;
    assert_string_equal(vnet->id, old->id);
    assert_string_equal(vnet->name, "va");
    assert_string_equal(vnet->scope.resource_group, "rg-test");
    assert_string_equal(vnet->subnets[0]->id, old->subnets[0]->id);
    assert_string_equal(vnet->subnets[0]->name, "s1");
    assert_string_equal(strstr(vnet->subnets[1]->id, "/va/"),
                        "/va/subnets/New"); /* no id is of two spellings */
    assert_string_equal(vnet->peerings[0]->id, old->peerings[0]->id);
    assert_string_equal(vnet->peerings[0]->name, "p");
    assert_string_equal(vm->id, old_vm->id);
    assert_string_equal(vm->name, "m1");
    assert_string_equal(vm->nics[0]->id, old_vm->nics[0]->id);
    assert_string_equal(vm->nics[0]->name, "m1-nic");
    assert_string_equal(after->vms[1]->name, "M2");
    assert_ptr_equal(vnl_vm_lookup(after, "M1"), vm);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vnets_do_not_move),
        cmocka_unit_test(subnets_in_use_are_not_changed),
        cmocka_unit_test(subnets_in_use_are_not_deleted),
        cmocka_unit_test(nics_do_not_move_to_another_vnet),
        cmocka_unit_test(dynamic_addresses_are_kept),
        cmocka_unit_test(address_is_kept_when_it_becomes_dynamic_or_static),
        cmocka_unit_test(address_is_released_by_a_move),
        cmocka_unit_test(static_address_yields_to_one_that_is_kept),
        cmocka_unit_test(ipv6_comes_to_a_running_nic),
        cmocka_unit_test(slots_are_kept_and_the_lowest_free_ones_given),
        cmocka_unit_test(macs_look_like_azures_and_are_unique),
        cmocka_unit_test(macs_stay_with_their_nics),
        cmocka_unit_test(resource_keeps_the_spelling_it_was_made_with),
    };

    return cmocka_run_group_tests_name("settle", tests, NULL, NULL);
}
