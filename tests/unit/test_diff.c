/* The difference of two plans, as `vnetlab plan FILE` shows it for a running lab. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/plans.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

#define VNET_A         "  va: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24, s2: 10.0.2.0/24}"
#define VNET_B         "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}"
#define LINK_A         ", peerings: {a-b: {remoteVirtualNetwork: vb, allowForwardedTraffic: true}}"
#define LINK_B         ", peerings: {b-a: {remoteVirtualNetwork: va, allowForwardedTraffic: true}}"
#define VMS            "virtualMachines:\n"
#define VM_1           "  vm-1: {subnet: va/s, run: ['sleep 1']}\n"
#define VM_2           "  vm-2: {subnet: vb/s}\n"
#define LAB(a, b, vms) "name: t\nlocation: eastus\nvnets:\n" VNET_A a "}\n" VNET_B b "}\n" VMS vms
#define APART          LAB("", "", VM_1 VM_2)
#define ALONE          "name: t\nlocation: eastus\nvnets:\n" VNET_A LINK_A "}\n" VMS VM_1
#define PEERED         LAB(LINK_A, LINK_B, VM_1 VM_2)

static void first_plan_creates_everything(void **state)
{
    (void)state;
    assert_diff(NULL, PEERED,
                "+ virtualNetworks/va             10.0.0.0/16 in eastus\n"
                "+ virtualNetworks/vb             10.1.0.0/16 in eastus\n"
                "+ virtualNetworkPeerings/va/a-b  to vb: Connected, FullyInSync; flags access forwarded\n"
                "+ virtualNetworkPeerings/vb/b-a  to va: Connected, FullyInSync; flags access forwarded\n"
                "+ virtualMachines/vm-1           10.0.0.4 in va/s\n"
                "+ virtualMachines/vm-2           10.1.0.4 in vb/s\n");
}

static void same_lab_has_nothing_to_change(void **state)
{
    (void)state;
    assert_diff(PEERED, PEERED, "nothing to change\n");
}

static void new_peering_shows_its_routes(void **state)
{
    (void)state;
    assert_diff(APART, PEERED,
                "+ virtualNetworkPeerings/va/a-b  to vb: Connected, FullyInSync; flags access forwarded\n"
                "+ virtualNetworkPeerings/vb/b-a  to va: Connected, FullyInSync; flags access forwarded\n"
                "~ routes/va                      +10.1.0.0/16 VNetPeering to vb\n"
                "~ routes/vb                      +10.0.0.0/16 VNetPeering to va\n");
}

static void deleted_link_takes_the_routes_and_disconnects_its_twin(void **state)
{
    (void)state;
    assert_diff(PEERED, LAB(LINK_A, "", VM_1 VM_2),
                "- virtualNetworkPeerings/vb/b-a  to va: Connected, FullyInSync; flags access forwarded\n"
                "~ virtualNetworkPeerings/va/a-b  state Connected -> Disconnected\n"
                "~ routes/va                      -10.1.0.0/16 VNetPeering to vb\n"
                "~ routes/vb                      -10.0.0.0/16 VNetPeering to va\n");
}

static void changed_flag_shows_what_it_refuses(void **state)
{
    (void)state;
    assert_diff(PEERED, LAB(", peerings: {a-b: {remoteVirtualNetwork: vb}}", LINK_B, VM_1 VM_2),
                "~ virtualNetworkPeerings/va/a-b  flags access forwarded -> access\n"
                "~ routes/vb                      -10.0.0.0/16 VNetPeering to va\n"
                "~ routes/vb                      +10.0.0.0/16 VNetPeering to va, deny-forwarded\n");
}

static void grown_address_space_is_one_way_until_synced(void **state)
{
    (void)state;
    assert_diff(PEERED,
                "name: t\nlocation: eastus\nvnets:\n  va: {addressSpace: [10.0.0.0/16, 10.9.0.0/16], "
                "subnets: {s: 10.0.0.0/24, "
                "s2: 10.0.2.0/24}" LINK_A "}\n" VNET_B LINK_B "}\n" VMS VM_1 VM_2,
                "~ virtualNetworks/va             address space 10.0.0.0/16 -> 10.0.0.0/16 10.9.0.0/16\n"
                "~ virtualNetworkPeerings/va/a-b  sync FullyInSync -> RemoteNotInSync\n"
                "~ virtualNetworkPeerings/vb/b-a  sync FullyInSync -> LocalNotInSync\n"
                "~ routes/va                      +10.9.0.0/16 VnetLocal\n");
}

static void vms_come_and_go(void **state)
{
    (void)state;
    assert_diff(APART, LAB("", "", VM_2 "  vm-3: {subnet: vb/s}\n"),
                "- virtualMachines/vm-1  10.0.0.4 in va/s\n"
                "+ virtualMachines/vm-3  10.1.0.5 in vb/s\n");
}

static void changed_vm_shows_each_property(void **state)
{
    (void)state;
    assert_diff(APART,
                LAB("", "",
                    "  vm-1: {subnet: va/s, privateIPAddress: 10.0.0.9, enableIPForwarding: true, ipForward: "
                    "true}\n" VM_2),
                "~ virtualMachines/vm-1  address 10.0.0.4/24 -> 10.0.0.9/24\n"
                "~ virtualMachines/vm-1  enableIPForwarding false -> true\n"
                "~ virtualMachines/vm-1  ipForward false -> true\n"
                "~ virtualMachines/vm-1  run 'sleep 1' -> none\n");
}

/* An address of another length is another guest configuration. */
static void resized_subnet_shows_on_its_vms(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *before = plan_of(APART), *after = plan_of(APART);
    CLEANUP(vnl_diff_free) struct vnl_diff *diff = NULL;

    (void)state;
    after->nics[0].addrs[0].prefix_len = 23;
    assert_int_equal(vnl_diff_build(before, after, &diff, NULL), 0);
    assert_int_equal(diff->n, 1);
    assert_string_equal(diff->changes[0].detail, "address 10.0.0.4/24 -> 10.0.0.4/23");
}

static void slots_are_shown_when_nothing_else_changed(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *before = plan_of(APART), *after = plan_of(APART);
    CLEANUP(vnl_diff_free) struct vnl_diff *diff = NULL, *more = NULL;

    (void)state;
    after->nics[0].slot = 7;
    after->vnets[1].slot = 9;
    assert_int_equal(vnl_diff_build(before, after, &diff, NULL), 0);
    assert_int_equal(diff->n, 2);
    assert_string_equal(diff->changes[0].object, "virtualNetworks/vb");
    assert_string_equal(diff->changes[0].detail, "slot 1 -> 9");
    assert_string_equal(diff->changes[1].object, "virtualMachines/vm-1");
    assert_string_equal(diff->changes[1].detail, "slot 0 -> 7");
    after->nics[0].ip_forwarding = true;
    assert_int_equal(vnl_diff_build(before, after, &more, NULL), 0);
    assert_int_equal(more->n, 2);
    assert_string_equal(more->changes[1].detail, "enableIPForwarding false -> true");
}

static void deletes_come_first_then_creates_then_updates(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *before = plan_of(APART);
    CLEANUP(vnl_plan_free)
    struct vnl_plan *after =
        plan_of(LAB("", "", "  vm-2: {subnet: vb/s, ipForward: true}\n  vm-4: {subnet: vb/s}\n"));
    CLEANUP(vnl_diff_free) struct vnl_diff *diff = NULL;

    (void)state;
    assert_int_equal(vnl_diff_build(before, after, &diff, NULL), 0);
    assert_int_equal(diff->n, 3);
    assert_int_equal(diff->changes[0].verb, VNL_CHANGE_DELETE);
    assert_int_equal(diff->changes[1].verb, VNL_CHANGE_CREATE);
    assert_int_equal(diff->changes[2].verb, VNL_CHANGE_UPDATE);
}

static void json_names_the_verb(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of("name: t\nlocation: eastus\nvnets: {va: {addressSpace: [10.0.0.0/16]}}\n");
    CLEANUP(vnl_diff_free) struct vnl_diff *diff = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    CLEANUP(vnl_str_free) char *text = NULL;

    (void)state;
    assert_int_equal(vnl_diff_build(NULL, plan, &diff, NULL), 0);
    json = vnl_diff_to_json(diff);
    assert_int_equal(vnl_json_format(json, 0, &text, NULL), 0);
    assert_string_equal(text, "[{\"verb\": \"create\", \"object\": \"virtualNetworks/va\", "
                              "\"detail\": \"10.0.0.0/16 in eastus\"}]");
}

static void other_case_of_a_name_is_no_change(void **state)
{
    CLEANUP(vnl_str_free) char *same = diff_of(PEERED, PEERED);

    (void)state;
    assert_diff(PEERED,
                LAB(", peerings: {A-B: {remoteVirtualNetwork: VB, allowForwardedTraffic: true}}", LINK_B,
                    "  VM-1: {subnet: VA/S, run: ['sleep 1']}\n  Vm-2: {subnet: vb/S}\n"),
                same);
}

/* The second time the survivor names the gone VNet by its id, and nothing has changed. */
static void survivor_of_a_deleted_vnet_is_a_change_once(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *pair = lab_of(PEERED, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *one = lab_of(ALONE, pair), *two = lab_of(ALONE, one);
    CLEANUP(vnl_plan_free) struct vnl_plan *before = plan_of_lab(pair), *after = plan_of_lab(one);
    CLEANUP(vnl_plan_free) struct vnl_plan *again = plan_of_lab(two);
    CLEANUP(vnl_diff_free) struct vnl_diff *diff = NULL, *none = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_int_equal(vnl_diff_build(before, after, &diff, NULL), 0);
    assert_int_equal(vnl_diff_build(after, again, &none, NULL), 0);
    vnl_diff_print(out, diff);
    fflush(out);
    assert_non_null(strstr(text, "- virtualNetworks/vb"));
    assert_non_null(strstr(text, "~ virtualNetworkPeerings/va/a-b"));
    assert_non_null(strstr(text, "Disconnected"));
    assert_null(strstr(text, "/subscriptions/"));
    rewind(out);
    vnl_diff_print(out, none);
    fclose(out);
    assert_string_equal(text, "nothing to change\n");
    free(text);
    vnl_diff_free(&none);
    vnl_lab_free(&two);
}

int main(void)
{
    const struct CMUnitTest diff[] = {
        cmocka_unit_test(first_plan_creates_everything),
        cmocka_unit_test(same_lab_has_nothing_to_change),
        cmocka_unit_test(new_peering_shows_its_routes),
        cmocka_unit_test(deleted_link_takes_the_routes_and_disconnects_its_twin),
        cmocka_unit_test(changed_flag_shows_what_it_refuses),
        cmocka_unit_test(grown_address_space_is_one_way_until_synced),
        cmocka_unit_test(vms_come_and_go),
        cmocka_unit_test(changed_vm_shows_each_property),
        cmocka_unit_test(resized_subnet_shows_on_its_vms),
        cmocka_unit_test(slots_are_shown_when_nothing_else_changed),
        cmocka_unit_test(deletes_come_first_then_creates_then_updates),
        cmocka_unit_test(json_names_the_verb),
        cmocka_unit_test(other_case_of_a_name_is_no_change),
        cmocka_unit_test(survivor_of_a_deleted_vnet_is_a_change_once),
    };

    return cmocka_run_group_tests_name("diff", diff, NULL, NULL);
}
