/* Security rules in the tables: which NIC has which, in which order, shared where they are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/plans.h"
#include "../harness/tables.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define RULE(name) name ": {priority: 100, direction: Inbound, access: Deny, protocol: Tcp}"
#define VNETS                                                                                                \
    "name: t\nlocation: eastus\nvnets:\n"                                                                    \
    "  va: {addressSpace: [10.0.0.0/16], flowTimeoutInMinutes: 7, subnets: {s: {addressPrefix: "             \
    "10.0.0.0/24, "                                                                                          \
    "networkSecurityGroup: sub}, open: 10.0.1.0/24}}\n"
#define NSGS(sub) "networkSecurityGroups:\n  sub: {securityRules: {" sub "}}\n  own: {}\n"
#define VMS                                                                                                  \
    "virtualMachines:\n  vm-1: {subnet: va/s}\n  vm-2: {subnet: va/s, networkSecurityGroup: own}\n"          \
    "  vm-3: {subnet: va/open, networkSecurityGroup: own}\n  vm-4: {subnet: va/open}\n  vm-5: {subnet: "     \
    "va/s}\n"

static const struct vnl_nic_entry *entry_of(const struct vnl_plan *plan, const struct vnl_image *image,
                                            size_t nic)
{
    return &image->nics[plan->nics[nic].slot];
}

static struct vnl_nic_policy policy_of(const struct vnl_plan *plan, const struct vnl_image *image, size_t nic)
{
    uint32_t at = entry_of(plan, image, nic)->policy;
    struct vnl_nic_policy policy;

    assert_true(at > 0 && at % 8 == 0 && at + sizeof(policy) <= image->pool_used);
    memcpy(&policy, image->pool + at, sizeof(policy));
    return policy;
}

static struct vnl_classifier classifier_at(const struct vnl_image *image, uint32_t at)
{
    struct vnl_classifier head;

    assert_true(at > 0 && at % 8 == 0 && at + sizeof(head) <= image->pool_used);
    memcpy(&head, image->pool + at, sizeof(head));
    for (int i = 0; i < VNL_CLASSIFIER_DIM_MAX; i++)
        assert_true(head.dim[i].start > at && head.dim[i].bits < image->pool_used);
    return head;
}

static void each_place_has_the_rules_that_act_there(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(VNETS NSGS(RULE("r")) VMS);
    CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);
    struct vnl_nic_policy subnet = policy_of(plan, image, 0), both = policy_of(plan, image, 1),
                          nic = policy_of(plan, image, 2);

    (void)state;
    assert_int_equal(subnet.in_nic | subnet.out_nic, 0);
    assert_int_equal(classifier_at(image, subnet.in_subnet).n_rules, 4);
    assert_int_equal(classifier_at(image, subnet.out_subnet).n_rules, 3);
    assert_int_equal(both.in_subnet, subnet.in_subnet);
    assert_int_equal(both.out_subnet, subnet.out_subnet);
    assert_int_equal(both.in_nic, nic.in_nic);
    assert_int_equal(both.out_nic, nic.out_nic);
    assert_int_equal(nic.in_subnet | nic.out_subnet, 0);
    assert_int_equal(classifier_at(image, nic.in_nic).n_rules, 3);
    assert_int_not_equal(nic.in_nic, nic.out_nic);
}

static void nics_with_the_same_rules_share_a_policy(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(VNETS NSGS(RULE("r")) VMS);
    CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);

    (void)state;
    assert_int_equal(entry_of(plan, image, 0)->policy, entry_of(plan, image, 4)->policy);
    assert_int_not_equal(entry_of(plan, image, 0)->policy, entry_of(plan, image, 1)->policy);
}

/* Spec 2.5: with an NSG the tag judges, without one the peering's flag. */
static void only_a_nic_with_rules_is_marked(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(VNETS NSGS(RULE("r")) VMS);
    CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        bool marked = entry_of(plan, image, i)->flags & VNL_NIC_HAS_NSG;

        assert_int_equal(marked, i != 3);
        assert_int_equal(entry_of(plan, image, i)->policy != 0, i != 3);
        assert_int_equal(entry_of(plan, image, i)->flow_timeout_s, 420);
    }
}

static void every_counter_has_an_id_of_its_own(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(VNETS NSGS(RULE("r")) VMS);
    CLEANUP(vnl_plan_free) struct vnl_plan *renamed = plan_of(VNETS NSGS(RULE("q")) VMS);
    CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);
    CLEANUP(vnl_image_free) struct vnl_image *other = tables_image(renamed);
    size_t used = 0, differ = 0;

    (void)state;
    assert_int_equal(image->size.rule_slots, 16);
    for (uint32_t i = 0; i < image->size.rule_slots; i++) {
        used += image->rule_ids[i] != 0;
        differ += image->rule_ids[i] != other->rule_ids[i];
        for (uint32_t k = 0; k < i; k++)
            assert_true(image->rule_ids[i] == 0 || image->rule_ids[i] != image->rule_ids[k]);
    }
    assert_int_equal(used, 13); /* one, and twice the six defaults */
    assert_int_equal(differ, 1);
}

static void digest_covers_the_rules(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(VNETS NSGS(RULE("r")) VMS);
    CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);
    CLEANUP(vnl_image_free) struct vnl_image *again = tables_image(plan);
    CLEANUP(vnl_image_free) struct vnl_image *other = NULL;

    (void)state;
    assert_memory_equal(image->digest, again->digest, sizeof(image->digest));
    plan->rules[0].rules[0].allow = true;
    other = tables_image(plan);
    assert_memory_not_equal(image->digest, other->digest, sizeof(image->digest));
}

static void assert_refused(const struct vnl_plan *plan, const struct vnl_image_size *size, const char *msg)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_image *image = NULL;

    assert_int_equal(vnl_image_build(plan, size, &image, &err), -E2BIG);
    assert_string_equal(err->msg, msg);
    assert_null(image);
}

static void rules_that_the_loaded_tables_do_not_hold_are_refused(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(VNETS NSGS(RULE("r")) VMS);
    struct vnl_image_size size;

    (void)state;
    assert_int_equal(vnl_image_size(plan, &size, NULL), 0);
    size.rule_slots = 8;
    assert_refused(plan, &size, "13 security rules; the loaded tables count for 8");
}

static void rules_that_no_table_holds_are_refused(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(VNETS NSGS(RULE("r")) VMS);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_image_size size = { .pool_bytes = 7 };
    uint32_t counters = plan->rule_counters;

    (void)state;
    plan->rule_counters = (1u << 24) + 1;
    assert_int_equal(vnl_image_size(plan, &size, &err), -E2BIG);
    assert_string_equal(err->msg, "16777217 security rules; the tables hold 16777216");
    assert_int_equal(size.pool_bytes, 7); /* untouched on failure */
    plan->rule_counters = counters;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_place_has_the_rules_that_act_there),
        cmocka_unit_test(nics_with_the_same_rules_share_a_policy),
        cmocka_unit_test(only_a_nic_with_rules_is_marked),
        cmocka_unit_test(every_counter_has_an_id_of_its_own),
        cmocka_unit_test(digest_covers_the_rules),
        cmocka_unit_test(rules_that_the_loaded_tables_do_not_hold_are_refused),
        cmocka_unit_test(rules_that_no_table_holds_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
