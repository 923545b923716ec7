/* Security groups: Azure's limits (spec 3.1, 3.6), and what stays when a lab changes. What a rule may be is in
 * test_nsg.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/mistakes.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

/* Lines 1 and 2 are the group's; the rules' are from 3 on. */
#define WEB          "networkSecurityGroups:\n web: {securityRules: {\n"
#define END          "}}\n"
#define IN(priority) "priority: " #priority ", direction: Inbound, access: Allow"
#define BIG                                                                                                  \
    "vnets: {va: {addressSpace: 10.0.0.0/16, subnets: {s: 10.0.0.0/24, t: 10.0.1.0/24}},\n vb: "             \
    "{addressSpace: 10.1.0.0/16, subnets: {s: 10.1.0.0/24}}}\n"

#define ATTACHED(nsgs)                                                                                       \
    "vnets: {va: {addressSpace: 10.0.0.0/16, subnets: {s: {addressPrefix: 10.0.0.0/24, "                     \
    "networkSecurityGroup: one}}},\n vb: {addressSpace: 10.1.0.0/16, subnets: {s: 10.1.0.0/24}}}\n"          \
    "virtualMachines: {vm-1: {subnet: va/s, networkSecurityGroup: two}, vm-2: {subnet: vb/s, "               \
    "networkSecurityGroup: {id: one}}}\nnetworkSecurityGroups:\n" nsgs

/* --- limits ------------------------------------------------------------------------------------------ */

/* n times a format with the number in it, between a head and a tail. */
static char *repeat(const char *head, size_t n, const char *item, const char *tail)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    (void)fputs(head, out);
    for (size_t i = 0; i < n; i++) {
        const char *mark = strchr(item, '#');

        (void)fprintf(out, "%.*s%zu%s", (int)(mark - item), item, i, mark + 1);
    }
    (void)fputs(tail, out);
    (void)fclose(out);
    return text;
}

static char *rules_text(size_t n)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    (void)fputs(WEB, out);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, "r%zu: {priority: %zu, direction: Inbound, access: Allow},\n", i, i + 100);
    (void)fputs(END, out);
    (void)fclose(out);
    return text;
}

static void a_thousand_rules_are_the_limit(void **state)
{
    CLEANUP(vnl_str_free) char *full = rules_text(1000);
    CLEANUP(vnl_str_free) char *over = rules_text(1001);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(full, NULL);

    (void)state;
    assert_int_equal(lab->nsgs[0]->n_rules, 1000);
    assert_refused_lab(
        over, NULL,
        "BadRequest 1003:1 Network security group 'web' has 1001 rules; at most 1000 are allowed\n");
}

static char *prefixes_text(size_t n)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, "%s10.%zu.%zu.0/24", i ? ", " : "", i / 250, i % 250);
    (void)fclose(out);
    return TAKE_PTR(text);
}

/* Over all rules, each side for itself. */
static void four_thousand_prefixes_per_side_are_the_limit(void **state)
{
    CLEANUP(vnl_str_free) char *many = prefixes_text(4000);
    CLEANUP(vnl_str_free) char *full = NULL;
    CLEANUP(vnl_str_free) char *over = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;

    (void)state;
    assert_true(
        asprintf(&full,
                 WEB "a: {" IN(100) ", sourceAddressPrefixes: [%s],\n destinationAddressPrefixes: [%s]}" END,
                 many, many) > 0);
    assert_true(asprintf(&over,
                         WEB "a: {" IN(100) ", sourceAddressPrefixes: [%s]},\nb: {" IN(
                             200) ", sourceAddressPrefix: 10.0.0.4}" END,
                         many) > 0);
    lab = settled_lab(full, NULL);
    assert_int_equal(lab->nsgs[0]->rules[0]->source.prefixes.n, 4000);
    assert_refused_lab(
        over, NULL,
        "BadRequest 4:1 Network security group 'web' has 4001 source address prefixes in all its "
        "rules; at most 4000 are allowed\n");
}

static void limits_of_groups_are_azures(void **state)
{
    CLEANUP(vnl_str_free) char *groups = repeat("applicationSecurityGroups: {", 101, "g#: {}, ", "}\n");
    CLEANUP(vnl_str_free) char *ten = repeat("", 11, "g#, ", "");
    CLEANUP(vnl_str_free) char *twenty = repeat("", 21, "g#, ", "");
    CLEANUP(vnl_str_free) char *side = NULL;
    CLEANUP(vnl_str_free) char *nic = NULL;
    CLEANUP(vnl_str_free) char *all = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&all, &size);

    (void)state;
    assert_non_null(out);
    assert_true(asprintf(&side, "%s" WEB "a: {" IN(100) ", sourceApplicationSecurityGroups: [%s]}" END,
                         groups, ten) > 0);
    assert_refused_lab(
        side, NULL,
        "BadRequest 4:88 Security rule 'a' has 11 application security groups as its source; at "
        "most 10 are allowed\n");
    assert_true(asprintf(&nic,
                         BIG "%svirtualMachines: {vm-1: {subnet: va/s, applicationSecurityGroups: [%s]}}\n",
                         groups, twenty) > 0);
    assert_refused_lab(
        nic, NULL,
        "BadRequest 4:67 Network interface 'vm-1-nic' is in 21 application security groups; at "
        "most 20 are allowed\n");
    (void)fprintf(out, "%s" WEB, groups);
    for (size_t i = 0; i < 101; i++)
        (void)fprintf(out,
                      "r%zu: {priority: %zu, direction: Inbound, access: Allow, "
                      "destinationApplicationSecurityGroups: g%zu},\n",
                      i, i + 100, i);
    (void)fputs(END, out);
    (void)fclose(out);
    assert_refused_lab(
        all, NULL,
        "BadRequest 3:2 Network security group 'web' has 101 application security groups in all its "
        "rules; at most 100 are allowed\n");
}

/* --- settled ----------------------------------------------------------------------------------------- */

#define RULE(name, priority) name ": {" IN(priority) "}"

static void slots_stay_with_their_rules(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = settled_lab(ATTACHED(" one: {securityRules: {" RULE("a", 100) ", " RULE(
                                             "b", 110) "}}\n two: {securityRules: {" RULE("a", 100) "}}\n"),
                                         NULL);
    const struct vnl_nsg *one = vnl_nsg_lookup(before, "one"), *two = vnl_nsg_lookup(before, "two");
    CLEANUP(vnl_lab_free) struct vnl_lab *moved = NULL;

    (void)state;
    moved = settled_lab(ATTACHED(" new: {}\n two: {securityRules: {" RULE("c", 100) ", " RULE(
                            "A", 300) "}}\n one: {securityRules: {" RULE("b", 500) "}}\n"),
                        before);
    assert_int_equal(vnl_rule_lookup(vnl_nsg_lookup(moved, "one"), "b")->slot,
                     vnl_rule_lookup(one, "b")->slot);
    assert_int_equal(vnl_rule_lookup(vnl_nsg_lookup(moved, "two"), "a")->slot,
                     vnl_rule_lookup(two, "a")->slot);
    /* the lowest free one: that of one/a, which is gone */
    assert_int_equal(vnl_nsg_lookup(moved, "new")->default_slots[0], vnl_rule_lookup(one, "a")->slot);
    assert_memory_equal(vnl_nsg_lookup(moved, "one")->default_slots, one->default_slots,
                        sizeof(one->default_slots));
    assert_int_equal(vnl_nsg_lookup(moved, "one")->uses[1].slot, one->uses[1].slot);
    assert_int_equal(vnl_nsg_lookup(moved, "two")->uses[0].slot, two->uses[0].slot);
}

static void groups_cannot_move(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = settled_lab("networkSecurityGroups: {web: {}}\napplicationSecurityGroups: "
                                         "{app: {}}\n",
                                         NULL);
    static const char text[] =
        "networkSecurityGroups: {web: {location: westus}}\napplicationSecurityGroups: {app: "
        "{location: westus}}\n";
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    assert_int_equal(vnl_lab_load_text("f.yaml", text, strlen(text), &lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, before, &err), -EINVAL);
    assert_int_equal(vnl_err_count(err), 2);
    assert_string_equal(err->code, "InvalidResourceLocation");
    assert_string_equal(
        err->next->msg,
        "The resource 'web' already exists in location 'eastus' in resource group 'rg-f'. A resource "
        "with the same name cannot be created in location 'westus'");
    assert_string_equal(
        err->hint, "an application security group cannot move: give it another name, or remove it first");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_rules_are_the_limit),
        cmocka_unit_test(four_thousand_prefixes_per_side_are_the_limit),
        cmocka_unit_test(limits_of_groups_are_azures),
        cmocka_unit_test(slots_stay_with_their_rules),
        cmocka_unit_test(groups_cannot_move),
    };

    return cmocka_run_group_tests_name("limits and slots of security groups", tests, NULL, NULL);
}
