/* Peerings from the lab in force to the one asked for: the state machine (spec 2.2) and sync levels (2.4). */
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
#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/load.h"

/* --- the state machine: spec 2.2 --------------------------------------------------------------------- */

#define A      "vnet va 10.0.0.0/16\n"
#define B      "vnet vb 10.1.0.0/16\n"
#define A_TO_B "peer a-b vb\n"
#define B_TO_A "peer b-a va\n"
#define PAIR   A A_TO_B B B_TO_A

static void one_link_is_initiated(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = labs_settle(A A_TO_B B, NULL);

    (void)state;
    assert_string_equal(labs_link_text(lab, "va", "a-b"), "Initiated RemoteNotInSync 10.1.0.0/16");
}

static void second_link_connects_both(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *half = labs_settle(A A_TO_B B, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *later = labs_settle(PAIR, half);
    CLEANUP(vnl_lab_free) struct vnl_lab *at_once = labs_settle(PAIR, NULL);

    (void)state;
    assert_string_equal(labs_link_text(later, "va", "a-b"), "Connected FullyInSync 10.1.0.0/16");
    assert_string_equal(labs_link_text(later, "vb", "b-a"), "Connected FullyInSync 10.0.0.0/16");
    assert_string_equal(labs_link_text(at_once, "va", "a-b"), "Connected FullyInSync 10.1.0.0/16");
    assert_string_equal(labs_link_text(at_once, "vb", "b-a"), "Connected FullyInSync 10.0.0.0/16");
}

static void deleted_link_leaves_its_twin_disconnected(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *pair = labs_settle(PAIR, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *half = labs_settle(A A_TO_B B, pair);
    CLEANUP(vnl_lab_free) struct vnl_lab *same = labs_settle(A A_TO_B B, half);

    (void)state;
    assert_string_equal(labs_link_text(half, "va", "a-b"), "Disconnected FullyInSync 10.1.0.0/16");
    assert_string_equal(labs_link_text(same, "va", "a-b"), "Disconnected FullyInSync 10.1.0.0/16");
}

/* The lab in force after `texts` in turn. */
static struct vnl_lab *after_each(const char *const *texts, size_t n)
{
    struct vnl_lab *lab = NULL;

    for (size_t i = 0; i < n; i++) {
        struct vnl_lab *next = labs_settle(texts[i], lab);

        vnl_lab_free(&lab);
        lab = next;
    }
    return lab;
}

#define AFTER(...)                                                                                           \
    after_each((const char *const[]){ __VA_ARGS__ }, ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ })))

static void assert_refused(const char *text, const struct vnl_lab *before, const char *code, const char *msg,
                           const char *hint)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = labs_resolve(text);

    assert_int_equal(vnl_lab_settle(lab, before, &err), -EINVAL);
    assert_int_equal(vnl_err_count(err), 1);
    assert_string_equal(err->code, code);
    assert_string_equal(err->msg, msg);
    if (hint)
        assert_string_equal(err->hint, hint);
}

static void recreated_link_is_refused_while_the_twin_is_disconnected(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(PAIR, A A_TO_B B);

    (void)state;
    assert_refused(
        PAIR, lab, "RemotePeeringIsDisconnected",
        "Cannot create or update peering b-a because remote peering a-b referencing parent virtual network "
        "va is in "
        "Disconnected state. Update or re-create the remote peering to get it back to Initiated state",
        "run 'vnetlab sync va/a-b' (a re-PUT), or change that link first");
}

static void renamed_link_is_a_deleted_and_a_new_one(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = labs_settle(PAIR, NULL);

    (void)state;
    assert_refused(
        A A_TO_B B "peer renamed va\n", lab, "RemotePeeringIsDisconnected",
        "Cannot create or update peering renamed because remote peering a-b referencing parent virtual "
        "network va is in "
        "Disconnected state. Update or re-create the remote peering to get it back to Initiated state",
        NULL);
}

/* A change of the survivor is a PUT, and comes before new links are made. */
static void changed_disconnected_link_is_initiated_again(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *alone = AFTER(PAIR, A A_TO_B B, A "peer a-b vb forwarded\n" B);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *both = AFTER(PAIR, A A_TO_B B, A "peer a-b vb forwarded\n" B B_TO_A);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *at_once = AFTER(PAIR, A "peer a-b vb forwarded\n" B "peer renamed va\n");

    (void)state;
    assert_string_equal(labs_link_text(alone, "va", "a-b"), "Initiated RemoteNotInSync 10.1.0.0/16");
    assert_string_equal(labs_link_text(both, "va", "a-b"), "Connected FullyInSync 10.1.0.0/16");
    assert_string_equal(labs_link_text(both, "vb", "b-a"), "Connected FullyInSync 10.0.0.0/16");
    assert_string_equal(labs_link_text(at_once, "va", "a-b"), "Connected FullyInSync 10.1.0.0/16");
}

static void resynced_disconnected_link_is_initiated_again(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(PAIR, A A_TO_B B), *pair = NULL;
    bool changed = false;

    (void)state;
    assert_int_equal(vnl_peering_sync(lab, labs_link(lab, "va", "a-b"), &changed, NULL), 0);
    assert_true(changed);
    assert_string_equal(labs_link_text(lab, "va", "a-b"), "Initiated RemoteNotInSync 10.1.0.0/16");
    assert_int_equal(vnl_peering_sync(lab, labs_link(lab, "va", "a-b"), &changed, NULL), 0);
    assert_false(changed);
    pair = labs_settle(PAIR, lab);
    assert_string_equal(labs_link_text(pair, "va", "a-b"), "Connected FullyInSync 10.1.0.0/16");
    vnl_lab_free(&pair);
}

static void deleted_and_created_anew_link_starts_over(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(PAIR, A A_TO_B B, A B, PAIR);

    (void)state;
    assert_string_equal(labs_link_text(lab, "va", "a-b"), "Connected FullyInSync 10.1.0.0/16");
}

static void initiated_link_is_deleted_without_trace(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(A A_TO_B B, A B, A B B_TO_A);

    (void)state;
    assert_string_equal(labs_link_text(lab, "vb", "b-a"), "Initiated RemoteNotInSync 10.0.0.0/16");
}

static void changed_flags_leave_the_state(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *pair = AFTER(PAIR, A "peer a-b vb noaccess forwarded\n" B B_TO_A);
    CLEANUP(vnl_lab_free) struct vnl_lab *half = AFTER(A A_TO_B B, A "peer a-b vb noaccess\n" B);

    (void)state;
    assert_string_equal(labs_link_text(pair, "va", "a-b"), "Connected FullyInSync 10.1.0.0/16");
    assert_string_equal(labs_link_text(pair, "vb", "b-a"), "Connected FullyInSync 10.0.0.0/16");
    assert_false(labs_link(pair, "va", "a-b")->allow_vnet_access);
    assert_string_equal(labs_link_text(half, "va", "a-b"), "Initiated RemoteNotInSync 10.1.0.0/16");
}

static void links_with_the_remote_vnet_go_together(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(PAIR, A);

    (void)state;
    assert_int_equal(lab->vnets[0]->n_peerings, 0);
}

#define GROUP "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-test/providers/"
#define VB_ID GROUP "Microsoft.Network/virtualNetworks/vb"

static void survivor_of_a_deleted_vnet_is_disconnected(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(PAIR, A A_TO_B);
    CLEANUP(vnl_lab_free) struct vnl_lab *half = AFTER(A A_TO_B B, A A_TO_B);
    CLEANUP(vnl_lab_free) struct vnl_lab *by_id = AFTER(PAIR, A "peer a-b " VB_ID "\n", A "peer A-B VB\n");
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    bool changed = false;

    (void)state;
    assert_string_equal(labs_link_text(lab, "va", "a-b"), "Disconnected FullyInSync 10.1.0.0/16");
    assert_string_equal(labs_link_text(half, "va", "a-b"), "Disconnected FullyInSync 10.1.0.0/16");
    assert_string_equal(labs_link_text(by_id, "va", "a-b"), "Disconnected FullyInSync 10.1.0.0/16");
    assert_null(labs_link(lab, "va", "a-b")->remote);
    assert_string_equal(labs_link(by_id, "va", "a-b")->remote_ref,
                        VB_ID); /* the name may come to mean another */
    assert_int_equal(vnl_peering_sync(lab, labs_link(lab, "va", "a-b"), &changed, &err), -EINVAL);
    assert_string_equal(err->code, "InvalidResourceReference");
    assert_string_equal(err->msg, "Virtual network '" VB_ID "' referenced by peering 'a-b' was not found");
}

static void survivor_stays_so_through_the_store(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(PAIR, A A_TO_B), *reread = NULL, *same = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    assert_int_equal(vnl_lab_from_json(json, &reread, NULL), 0);
    same = labs_settle(A A_TO_B, reread);
    assert_string_equal(labs_link_text(same, "va", "a-b"), "Disconnected FullyInSync 10.1.0.0/16");
    assert_string_equal(labs_link(same, "va", "a-b")->remote_ref, VB_ID);
    vnl_lab_free(&same);
    vnl_lab_free(&reread);
}

static void link_to_nowhere_is_no_survivor(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *pair = labs_settle(PAIR, NULL);

    (void)state;
    assert_refused(A A_TO_B, NULL, "InvalidResourceReference",
                   "Virtual network 'vb' referenced by peering 'a-b' was not found", NULL);
    assert_refused(A "peer other vb\n", pair, "InvalidResourceReference",
                   "Virtual network 'vb' referenced by peering 'other' was not found", NULL);
    assert_refused(A "peer a-b vbb\n" B B_TO_A, pair, "InvalidResourceReference",
                   "Virtual network 'vbb' referenced by peering 'a-b' was not found", "did you mean 'vb'?");
    assert_refused(A "peer a-b vb forwarded\n", pair, "InvalidResourceReference",
                   "Virtual network '" VB_ID "' referenced by peering 'a-b' was not found", NULL);
}

static void survivor_of_a_vnet_that_came_back_wants_a_sync(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(PAIR, A A_TO_B);
    CLEANUP(vnl_lab_free) struct vnl_lab *back = labs_settle(A A_TO_B B, lab), *pair = NULL;
    bool changed = false;

    (void)state;
    assert_refused(
        PAIR, lab, "RemotePeeringIsDisconnected",
        "Cannot create or update peering b-a because remote peering a-b referencing parent virtual network "
        "va is in Disconnected state. Update or re-create the remote peering to get it back to Initiated "
        "state",
        "run 'vnetlab sync va/a-b' (a re-PUT), or change that link first");
    assert_refused("vnet vc 10.3.0.0/16\n" A "peer a-b vc\n", lab, "PropertyChangeNotAllowed",
                   "The remote virtual network of peering 'a-b' cannot change from 'vb' to 'vc'", NULL);
    assert_string_equal(labs_link_text(back, "va", "a-b"), "Disconnected FullyInSync 10.1.0.0/16");
    assert_int_equal(vnl_peering_sync(back, labs_link(back, "va", "a-b"), &changed, NULL), 0);
    pair = labs_settle(PAIR, back);
    assert_string_equal(labs_link_text(pair, "vb", "b-a"), "Connected FullyInSync 10.0.0.0/16");
    vnl_lab_free(&pair);
}

static void what_a_link_is_cannot_change(void **state)
{
    static const struct labs_case cases[] = {
        { "remote VNet", A A_TO_B B "vnet vc 10.2.0.0/16", A "peer a-b vc\n" B "vnet vc 10.2.0.0/16",
          "PropertyChangeNotAllowed", "'a-b'|'vb' to 'vc'" },
        { "from whole VNets to subnets", A "subnet s 10.0.0.0/24\n" A_TO_B B "subnet s 10.1.0.0/24",
          A "subnet s 10.0.0.0/24\npeer a-b vb local=s remote=s\n" B "subnet s 10.1.0.0/24",
          "PropertyChangeNotAllowed", "'a-b'|peerCompleteVnets is true" },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

/* --- sync levels: spec 2.4 --------------------------------------------------------------------------- */

#define A2 "vnet va 10.0.0.0/16,10.99.0.0/16\n"
#define B2 "vnet vb 10.1.0.0/16,10.98.0.0/16\n"

static void grown_space_waits_for_a_sync(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(PAIR, A2 A_TO_B B B_TO_A);
    CLEANUP(vnl_lab_free) struct vnl_lab *same = labs_settle(A2 A_TO_B B B_TO_A, lab);
    CLEANUP(vnl_lab_free) struct vnl_lab *flags = labs_settle(A2 A_TO_B B "peer b-a va forwarded\n", lab);

    (void)state;
    assert_string_equal(labs_link_text(lab, "va", "a-b"), "Connected RemoteNotInSync 10.1.0.0/16");
    assert_string_equal(labs_link_text(lab, "vb", "b-a"), "Connected LocalNotInSync 10.0.0.0/16");
    assert_string_equal(labs_link_text(same, "vb", "b-a"), "Connected LocalNotInSync 10.0.0.0/16");
    assert_string_equal(labs_link_text(flags, "vb", "b-a"),
                        "Connected LocalNotInSync 10.0.0.0/16"); /* a PUT is no sync */
}

static void sync_is_run_on_the_link_that_is_local_not_in_sync(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(PAIR, A2 A_TO_B B B_TO_A);
    bool changed = true;

    (void)state;
    assert_int_equal(vnl_peering_sync(lab, labs_link(lab, "va", "a-b"), &changed, NULL), 0);
    assert_false(changed);
    assert_string_equal(labs_link_text(lab, "vb", "b-a"), "Connected LocalNotInSync 10.0.0.0/16");
    assert_int_equal(vnl_peering_sync(lab, labs_link(lab, "vb", "b-a"), &changed, NULL), 0);
    assert_true(changed);
    assert_string_equal(labs_link_text(lab, "va", "a-b"), "Connected FullyInSync 10.1.0.0/16");
    assert_string_equal(labs_link_text(lab, "vb", "b-a"), "Connected FullyInSync 10.0.0.0/16,10.99.0.0/16");
}

static void both_spaces_changed(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(PAIR, A2 A_TO_B B2 B_TO_A);
    bool changed = false;

    (void)state;
    assert_string_equal(labs_link_text(lab, "va", "a-b"), "Connected LocalAndRemoteNotInSync 10.1.0.0/16");
    assert_string_equal(labs_link_text(lab, "vb", "b-a"), "Connected LocalAndRemoteNotInSync 10.0.0.0/16");
    assert_int_equal(vnl_peering_sync(lab, labs_link(lab, "va", "a-b"), &changed, NULL), 0);
    assert_string_equal(labs_link_text(lab, "va", "a-b"),
                        "Connected RemoteNotInSync 10.1.0.0/16,10.98.0.0/16");
    assert_string_equal(labs_link_text(lab, "vb", "b-a"), "Connected LocalNotInSync 10.0.0.0/16");
}

static void space_changed_back_is_in_sync(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(PAIR, A2 A_TO_B B B_TO_A, PAIR);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *order = AFTER(A2 A_TO_B B B_TO_A, "vnet va 10.99.0.0/16,10.0.0.0/16\n" A_TO_B B B_TO_A);

    (void)state;
    assert_string_equal(labs_link_text(lab, "vb", "b-a"), "Connected FullyInSync 10.0.0.0/16");
    assert_string_equal(labs_link_text(order, "va", "a-b"), "Connected FullyInSync 10.1.0.0/16");
}

static void connecting_takes_the_spaces_of_that_moment(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = AFTER(A A_TO_B B, A2 A_TO_B B2, A2 A_TO_B B2 B_TO_A);

    (void)state;
    assert_string_equal(labs_link_text(lab, "va", "a-b"), "Connected FullyInSync 10.1.0.0/16,10.98.0.0/16");
    assert_string_equal(labs_link_text(lab, "vb", "b-a"), "Connected FullyInSync 10.0.0.0/16,10.99.0.0/16");
}

static void new_range_may_not_overlap_a_peer(void **state)
{
    static const struct labs_case cases[] = {
        { "of the pair", PAIR, "vnet va 10.0.0.0/16,10.1.128.0/17\n" A_TO_B B B_TO_A,
          "VnetAddressSpacesOverlap", "prefixes: 10.1.128.0/17, 10.1.0.0/16" },
        { "of the hub's other spoke", A "peer p vb\npeer q vc\n" B "vnet vc 10.2.0.0/16",
          A "peer p vb\npeer q vc\n" B "vnet vc 10.2.0.0/16,10.1.5.0/24",
          "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
          "networks vc and va|vb already|10.1.5.0/24, 10.1.0.0/16" },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

#define SUB_A(list) A "subnet s1 10.0.1.0/24\nsubnet s2 10.0.2.0/24\npeer a-b vb local=s1 remote=" list "\n"
#define SUB_B(list) B "subnet s1 10.1.1.0/24\nsubnet s2 10.1.2.0/24\npeer b-a va local=" list " remote=s1\n"

static void subnet_peering_exchanges_the_subnets(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = labs_settle(SUB_A("s1") SUB_B("s1"), NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *more = labs_settle(SUB_A("s1,s2") SUB_B("s1,s2"), lab);

    (void)state;
    assert_string_equal(labs_link_text(lab, "va", "a-b"), "Connected FullyInSync 10.1.1.0/24");
    assert_string_equal(labs_link_text(lab, "vb", "b-a"), "Connected FullyInSync 10.0.1.0/24");
    assert_string_equal(labs_link_text(more, "va", "a-b"), "Connected FullyInSync 10.1.1.0/24,10.1.2.0/24");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_link_is_initiated),
        cmocka_unit_test(second_link_connects_both),
        cmocka_unit_test(deleted_link_leaves_its_twin_disconnected),
        cmocka_unit_test(recreated_link_is_refused_while_the_twin_is_disconnected),
        cmocka_unit_test(renamed_link_is_a_deleted_and_a_new_one),
        cmocka_unit_test(changed_disconnected_link_is_initiated_again),
        cmocka_unit_test(resynced_disconnected_link_is_initiated_again),
        cmocka_unit_test(deleted_and_created_anew_link_starts_over),
        cmocka_unit_test(initiated_link_is_deleted_without_trace),
        cmocka_unit_test(changed_flags_leave_the_state),
        cmocka_unit_test(links_with_the_remote_vnet_go_together),
        cmocka_unit_test(survivor_of_a_deleted_vnet_is_disconnected),
        cmocka_unit_test(survivor_stays_so_through_the_store),
        cmocka_unit_test(link_to_nowhere_is_no_survivor),
        cmocka_unit_test(survivor_of_a_vnet_that_came_back_wants_a_sync),
        cmocka_unit_test(what_a_link_is_cannot_change),
        cmocka_unit_test(grown_space_waits_for_a_sync),
        cmocka_unit_test(sync_is_run_on_the_link_that_is_local_not_in_sync),
        cmocka_unit_test(both_spaces_changed),
        cmocka_unit_test(space_changed_back_is_in_sync),
        cmocka_unit_test(connecting_takes_the_spaces_of_that_moment),
        cmocka_unit_test(new_range_may_not_overlap_a_peer),
        cmocka_unit_test(subnet_peering_exchanges_the_subnets),
    };

    return cmocka_run_group_tests_name("settle_peering", tests, NULL, NULL);
}
