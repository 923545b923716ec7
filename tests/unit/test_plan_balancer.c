/* Load balancers in the plan, as service and as next hop; and delays between regions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/plans.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/layout.h"

#define LAB                                                                                                  \
    "name: t\n"                                                                                              \
    "location: westeurope\n"                                                                                 \
    "latency: [{between: [eastus2, westeurope], rtt: 81001us}]\n"                                            \
    "vnets:\n"                                                                                               \
    "  hub: {addressSpace: [10.0.0.0/16], subnets: {fw: 10.0.1.0/24}, peerings: {n: {remoteVirtualNetwork: " \
    "near}, f: {remoteVirtualNetwork: far}}}\n"                                                              \
    "  near: {addressSpace: [10.1.0.0/16], subnets: {s: {addressPrefix: 10.1.0.0/24, routeTable: rt}}, "     \
    "peerings: {x: {remoteVirtualNetwork: hub}}}\n"                                                          \
    "  far: {location: eastus2, addressSpace: [10.2.0.0/16], subnets: {s: {addressPrefix: 10.2.0.0/24, "     \
    "routeTable: rt-far}}, peerings: {x: {remoteVirtualNetwork: hub}}}\n"                                    \
    "routeTables:\n"                                                                                         \
    "  rt: {routes: {all: {addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: "      \
    "10.0.1.100}}}\n"                                                                                        \
    "  rt-far: {location: eastus2, routes: {x: {addressPrefix: 10.1.0.0/16, nextHopType: VirtualAppliance, " \
    "nextHopIpAddress: 10.0.1.4}}}\n"                                                                        \
    "loadBalancers:\n"                                                                                       \
    "  lb:\n"                                                                                                \
    "    sku: Basic\n"                                                                                       \
    "    frontendIPConfigurations: {fe: {subnet: hub/fw, privateIPAddress: 10.0.1.100}, other: {subnet: "    \
    "hub/fw, privateIPAddress: 10.0.1.101}}\n"                                                               \
    "    backendAddressPools: {pool: [fw-1, fw-2], one: [fw-2]}\n"                                           \
    "    probes: {http: {protocol: Http, port: 8080, intervalInSeconds: 5, probeThreshold: 2}}\n"            \
    "    loadBalancingRules:\n"                                                                              \
    "      web: {frontendIPConfiguration: fe, backendAddressPool: pool, probe: http, protocol: Tcp, "        \
    "frontendPort: 80, backendPort: 8080, loadDistribution: SourceIPProtocol, idleTimeoutInMinutes: 15}\n"   \
    "      dns: {frontendIPConfiguration: other, backendAddressPool: one, protocol: Udp, frontendPort: 53, " \
    "backendPort: 53, enableFloatingIP: true}\n"                                                             \
    "virtualMachines:\n"                                                                                     \
    "  fw-1: {subnet: hub/fw, enableIPForwarding: true}\n"                                                   \
    "  fw-2: {subnet: hub/fw, enableIPForwarding: true}\n"                                                   \
    "  vm: {subnet: near/s}\n"                                                                               \
    "  far: {subnet: far/s}\n"

static struct vnl_addr addr_of(const char *text)
{
    struct vnl_addr addr = { 0 };

    assert_int_equal(vnl_addr_parse(text, &addr, NULL), 0);
    return addr;
}

static const struct vnl_route *last_row(const struct vnl_plan *plan, const char *table)
{
    const struct vnl_route_table *found = table_of(plan, table);

    return &found->routes[found->n_routes - 1];
}

/* --- balancers ---------------------------------------------------------------------------------------------------------- */

static void each_frontend_has_its_own_rules(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    const struct vnl_plan_balancer *fe = &plan->balancers[0], *other = &plan->balancers[1];

    (void)state;
    assert_int_equal(plan->n_balancers, 2);
    assert_string_equal(fe->name, "lb/fe");
    assert_non_null(strstr(fe->id, "/loadBalancers/lb/frontendIPConfigurations/fe"));
    assert_true(fe->basic);
    assert_int_equal(fe->vnet, 0);
    assert_int_equal(fe->n_rules, 1);
    assert_string_equal(fe->rules[0].name, "web");
    assert_non_null(strstr(fe->rules[0].id, "/loadBalancers/lb/loadBalancingRules/web"));
    assert_string_equal(other->rules[0].name, "dns");
    assert_int_equal(other->rules[0].proto, IPPROTO_UDP);
    assert_true(other->rules[0].floating);
    assert_int_equal(other->rules[0].timeout_s, 240);
    assert_int_not_equal(fe->rules[0].health, other->rules[0].health);
    assert_int_equal(plan->health_slots, 2);
}

static void rule_carries_what_was_written(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    const struct vnl_plan_lb_rule *rule = &plan->balancers[0].rules[0];
    char buf[VNL_ADDR_STR];

    (void)state;
    assert_int_equal(rule->proto, IPPROTO_TCP);
    assert_int_equal(rule->frontend_port, 80);
    assert_int_equal(rule->backend_port, 8080);
    assert_int_equal(rule->distribution, VNL_DISTRIBUTION_SOURCE_IP_PROTOCOL);
    assert_int_equal(rule->timeout_s, 900);
    assert_int_equal(rule->n_backends, 2);
    assert_int_equal(rule->backends[1].nic, 1);
    assert_string_equal(vnl_addr_format(&rule->backends[1].addr, buf), "10.0.1.5");
    assert_true(rule->probed);
    assert_true(rule->probe.http);
    assert_string_equal(rule->probe.path, "/");
    assert_int_equal(rule->probe.port, 8080);
    assert_int_equal(rule->probe.interval_s, 5);
    assert_int_equal(rule->probe.threshold, 2);
}

static void rule_without_a_probe_says_so(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    lab->lbs[0]->rules[1]->probe = NULL;
    plan = plan_of_lab(lab);
    assert_true(plan->balancers[0].rules[0].probed);
    assert_false(plan->balancers[1].rules[0].probed);
}

static void backends_have_sessions_and_others_have_not(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);

    (void)state;
    assert_true(plan->nics[0].has_sessions);
    assert_true(plan->nics[1].has_sessions);
    assert_false(plan->nics[2].has_sessions);
}

static void rule_for_all_ports_comes_last(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    lab->lbs[0]->rules[0]->proto = VNL_LB_ALL;
    lab->lbs[0]->rules[1]->frontend = lab->lbs[0]->frontends[0];
    plan = plan_of_lab(lab);
    assert_int_equal(plan->balancers[0].n_rules, 2);
    assert_string_equal(plan->balancers[0].rules[0].name, "dns");
    assert_string_equal(plan->balancers[0].rules[1].name, "web");
    assert_int_equal(plan->balancers[0].rules[1].proto, 0);
}

static void frontend_is_found_by_address_within_its_vnet(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    struct vnl_addr fe = addr_of("10.0.1.101"), nic = addr_of("10.0.1.4");

    (void)state;
    assert_ptr_equal(vnl_plan_balancer_by_addr(plan, 0, &fe), &plan->balancers[1]);
    assert_null(vnl_plan_balancer_by_addr(plan, 1, &fe));
    assert_null(vnl_plan_balancer_by_addr(plan, 0, &nic));
    assert_null(vnl_plan_nic_by_addr(plan, 0, &fe));
}

static void frontend_is_a_next_hop(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    const struct vnl_route *row = last_row(plan, "near/rt");

    (void)state;
    assert_int_equal(row->type, VNL_NEXT_HOP_APPLIANCE);
    assert_int_equal(row->balancer, 0);
    assert_int_equal(row->nic, VNL_PLAN_NOBODY);
    assert_int_equal(row->vnet, 0);
    assert_int_equal(row->delay, 0);
}

static void numbers_beyond_the_tables_are_refused(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_plan *plan = NULL;

    (void)state;
    lab->lbs[0]->rules[1]->slot = VNL_HEALTH_SLOTS;
    assert_int_equal(vnl_plan_build(lab, &plan, &err), -E2BIG);
    assert_string_equal(err->msg, "load balancing rule 'lb/dns' has slot 4096; there are 4096");
    assert_null(plan);
}

static void json_holds_the_balancers(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *rule, *row;

    (void)state;
    assert_int_equal(vnl_plan_to_json(plan, &json, NULL), 0);
    rule = vnl_json_at(vnl_json_get(vnl_json_at(vnl_json_get(json, "loadBalancers"), 0), "rules"), 0);
    assert_string_equal(vnl_json_get_text(rule, "loadDistribution"), "SourceIPProtocol");
    assert_int_equal(vnl_json_len(vnl_json_get(rule, "backends")), 2);
    row = vnl_json_get(vnl_json_at(vnl_json_get(json, "routeTables"), 3), "routes");
    row = vnl_json_at(row, vnl_json_len(row) - 1);
    assert_string_equal(vnl_json_get_text(row, "frontend"), "lb/fe");
    assert_string_equal(vnl_json_get_text(row, "virtualNetwork"), "hub");
    assert_int_equal(vnl_json_len(vnl_json_get(json, "delays")), 1);
}

/* --- delays -------------------------------------------------------------------------------------------------------------- */

/* Half of an odd round trip is rounded up: a lab never comes out faster than asked for. */
static void rows_to_another_region_are_delayed(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    const struct vnl_route_table *hub = table_of(plan, "hub");

    (void)state;
    assert_int_equal(plan->n_delays, 1);
    assert_int_equal(plan->delays[0].one_way_us, 40501);
    assert_string_equal(plan->delays[0].a, "westeurope");
    assert_string_equal(plan->delays[0].b, "eastus2");
    assert_int_equal(hub->routes[0].delay, 0);
    assert_int_equal(hub->routes[1].delay, 0);
    assert_int_equal(hub->routes[2].type, VNL_NEXT_HOP_GLOBAL_PEERING);
    assert_int_equal(hub->routes[2].delay, 1);
    assert_int_equal(table_of(plan, "far")->routes[1].delay, 1);
}

static void appliance_in_another_region_is_delayed(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);

    (void)state;
    assert_int_equal(last_row(plan, "far/rt-far")->type, VNL_NEXT_HOP_APPLIANCE);
    assert_int_equal(last_row(plan, "far/rt-far")->delay, 1);
    assert_int_equal(last_row(plan, "near/rt")->delay, 0);
}

static void no_latency_asked_for_is_no_delay(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    size_t n = lab->n_latencies;

    (void)state;
    lab->n_latencies = 0;
    plan = plan_of_lab(lab);
    lab->n_latencies = n;
    assert_int_equal(plan->n_delays, 0);
    assert_int_equal(table_of(plan, "hub")->routes[2].delay, 0);
}

int main(void)
{
    const struct CMUnitTest balancers[] = {
        cmocka_unit_test(each_frontend_has_its_own_rules),
        cmocka_unit_test(rule_carries_what_was_written),
        cmocka_unit_test(rule_without_a_probe_says_so),
        cmocka_unit_test(backends_have_sessions_and_others_have_not),
        cmocka_unit_test(rule_for_all_ports_comes_last),
        cmocka_unit_test(frontend_is_found_by_address_within_its_vnet),
        cmocka_unit_test(frontend_is_a_next_hop),
        cmocka_unit_test(numbers_beyond_the_tables_are_refused),
        cmocka_unit_test(json_holds_the_balancers),
        cmocka_unit_test(rows_to_another_region_are_delayed),
        cmocka_unit_test(appliance_in_another_region_is_delayed),
        cmocka_unit_test(no_latency_asked_for_is_no_delay),
    };

    return cmocka_run_group_tests_name("plan of load balancers and delays", balancers, NULL, NULL);
}
