/* The VirtualNetwork tag where a route table acts (spec 3.5, 3.9): which prefixes it gains, and which NICs share a set of rules. */
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
#include "vnetlab/json.h"

/* Five subnets with the same NSG: no route table, three with the same prefixes for the tag in r1 and r2 and none in r3, a 0/0 in r4. */
#define LAB                                                                                                  \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  va:\n"                                                                                                \
    "    addressSpace: [10.0.0.0/16]\n"                                                                      \
    "    subnets:\n"                                                                                         \
    "      s0: {addressPrefix: 10.0.0.0/24, networkSecurityGroup: nsg}\n"                                    \
    "      s1: {addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg, routeTable: r1}\n"                    \
    "      s2: {addressPrefix: 10.0.2.0/24, networkSecurityGroup: nsg, routeTable: r2}\n"                    \
    "      s3: {addressPrefix: 10.0.3.0/24, networkSecurityGroup: nsg, routeTable: r3}\n"                    \
    "      s4: {addressPrefix: 10.0.4.0/24, routeTable: r4}\n"                                               \
    "routeTables:\n"                                                                                         \
    "  r1: {routes: {a: {addressPrefix: 10.9.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: "      \
    "10.0.0.4}, b: {addressPrefix: 10.8.0.0/16, nextHopType: VirtualNetworkGateway}}}\n"                     \
    "  r2: {routes: {x: {addressPrefix: 10.9.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: "      \
    "10.0.0.99}, y: {addressPrefix: 10.7.0.0/16, nextHopType: None}, z: {addressPrefix: 10.8.0.0/16, "       \
    "nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.4}}}\n"                                         \
    "  r3: {routes: {x: {addressPrefix: 10.9.0.0/16, nextHopType: None}, y: {addressPrefix: 10.8.0.0/16, "   \
    "nextHopType: Internet}, z: {addressPrefix: 10.0.7.0/24, nextHopType: VnetLocal}}}\n"                    \
    "  r4: {routes: {all: {addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: "      \
    "10.0.0.4}}}\n"                                                                                          \
    "networkSecurityGroups: {nsg: {}}\n"                                                                     \
    "virtualMachines:\n"                                                                                     \
    "  vm0: {subnet: va/s0}\n"                                                                               \
    "  vm1: {subnet: va/s1}\n"                                                                               \
    "  vm2: {subnet: va/s2}\n"                                                                               \
    "  vm3: {subnet: va/s3}\n"                                                                               \
    "  vm4: {subnet: va/s4, networkSecurityGroup: nsg}\n"

#define BASE "10.0.0.0/16 168.63.129.16/32"

static void assert_network(const struct vnl_plan *plan, uint32_t rules, const char *expected)
{
    CLEANUP(vnl_str_free) char *tag = tag_of(plan, rules, "VirtualNetwork");

    assert_string_equal(tag, expected);
}

static void routes_to_appliances_and_gateways_are_of_the_network(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);

    (void)state;
    assert_network(plan, nic_of(plan, "vm0")->rules_subnet, BASE);
    assert_network(plan, nic_of(plan, "vm1")->rules_subnet, BASE " 10.9.0.0/16 10.8.0.0/16");
    assert_network(plan, nic_of(plan, "vm3")->rules_subnet, BASE);
    assert_network(plan, nic_of(plan, "vm4")->rules_nic, BASE " 0.0.0.0/0");
}

static void subnets_for_which_the_tag_means_the_same_share_a_set(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);

    (void)state;
    assert_int_equal(plan->n_rules, 3);
    assert_int_equal(nic_of(plan, "vm3")->rules_subnet, nic_of(plan, "vm0")->rules_subnet);
    assert_int_equal(nic_of(plan, "vm2")->rules_subnet, nic_of(plan, "vm1")->rules_subnet);
    assert_null(plan->rules[0].route_table);
    assert_string_equal(plan->rules[1].route_table, "r1");
    assert_string_equal(plan->rules[2].route_table, "r4");
}

static void sets_of_one_group_have_their_own_keys_and_the_same_counters(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB), *again = plan_of(LAB);

    (void)state;
    for (size_t i = 0; i < plan->n_rules; i++)
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(plan->rules[i].key, plan->rules[k].key);
            assert_int_not_equal(plan->rules[i].slot, plan->rules[k].slot);
            assert_int_equal(plan->rules[i].rules[0].counter, plan->rules[k].rules[0].counter);
        }
    assert_int_equal(plan->rules[1].slot, again->rules[1].slot);
    assert_int_equal(plan->rule_counters, 6);
}

/* A group that acts in no subnet without a route table has no set for it. */
static void set_that_nobody_uses_is_not_built(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    struct vnl_nsg *nsg = lab->nsgs[0];

    (void)state;
    nsg->n_subnets = 0;
    for (size_t i = 0; i < 4; i++)
        lab->vnets[0]->subnets[i]->nsg = NULL;
    plan = plan_of_lab(lab);
    assert_int_equal(plan->n_rules, 1);
    assert_string_equal(plan->rules[0].route_table, "r4");
    assert_int_equal(nic_of(plan, "vm0")->rules_subnet, VNL_PLAN_NO_RULES);
    assert_int_equal(nic_of(plan, "vm4")->rules_nic, 0);
}

/* 0.0.0.0/0 is a default prefix: the Internet tag stays what it is, a route to a public prefix is taken from it. */
static void internet_is_what_the_network_leaves(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *public = NULL;
    CLEANUP(vnl_str_free) char *plain = tag_of(plan, nic_of(plan, "vm0")->rules_subnet, "Internet");
    CLEANUP(vnl_str_free) char *tunnelled = tag_of(plan, nic_of(plan, "vm4")->rules_nic, "Internet");
    CLEANUP(vnl_str_free) char *holed = NULL;

    (void)state;
    assert_string_equal(plain, tunnelled);
    assert_non_null(strstr(plain, " 208.0.0.0/4"));
    lab->route_tables[0]->udrs[0]->prefix = (struct vnl_prefix){ .addr = { AF_INET, { 208 } }, .len = 8 };
    public = plan_of_lab(lab);
    holed = tag_of(public, nic_of(public, "vm1")->rules_subnet, "Internet");
    assert_null(strstr(holed, " 208.0.0.0/4"));
    assert_non_null(strstr(holed, " 209.0.0.0/8"));
}

/* Spec 3.9: `az network nic list-effective-nsg` shows 0.0.0.0/0 under VirtualNetwork. */
static void effective_rules_show_the_default_route_in_the_tag(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    CLEANUP(vnl_json_free) struct vnl_json *value = vnl_rules_to_json(plan, 4);
    CLEANUP(vnl_str_free) char *text = NULL;

    (void)state;
    assert_int_equal(vnl_json_format(value, 0, &text, NULL), 0);
    assert_non_null(strstr(text, "\"expandedSourceAddressPrefix\": [\"10.0.0.0/16\", \"168.63.129.16/32\", "
                                 "\"0.0.0.0/0\"]"));
}

static void text_of_a_set_names_its_route_table(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    CLEANUP(vnl_str_free) char *text = print_of(plan);

    (void)state;
    assert_non_null(strstr(text, "\nnetwork security group nsg in va\n"));
    assert_non_null(strstr(text, "\nnetwork security group nsg in va with r1\n"));
    assert_non_null(strstr(text, "  VirtualNetwork: 10.0.0.0/16 168.63.129.16/32 0.0.0.0/0\n"));
}

int main(void)
{
    const struct CMUnitTest tags[] = {
        cmocka_unit_test(routes_to_appliances_and_gateways_are_of_the_network),
        cmocka_unit_test(subnets_for_which_the_tag_means_the_same_share_a_set),
        cmocka_unit_test(sets_of_one_group_have_their_own_keys_and_the_same_counters),
        cmocka_unit_test(set_that_nobody_uses_is_not_built),
        cmocka_unit_test(internet_is_what_the_network_leaves),
        cmocka_unit_test(effective_rules_show_the_default_route_in_the_tag),
        cmocka_unit_test(text_of_a_set_names_its_route_table),
    };

    return cmocka_run_group_tests_name("route tags", tags, NULL, NULL);
}
