/* Active-active gateways in the plan: guests, ends of tunnels, and rows that lead to both instances. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/gateways.h"
#include "../harness/plans.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/layout.h"

#define ROUTES                                                                                               \
    "routeTables: {rt: {routes: {x: {addressPrefix: 10.30.0.0/16, nextHopType: VirtualNetworkGateway}}}}\n"
/* gw1 in v1, which spoke uses by transit, and gw2 in v2; ip1b and ip2b are for second instances. */
#define LAB(more)                                                                                            \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  v1: {addressSpace: [10.1.0.0/16], subnets: {s: {addressPrefix: 10.1.0.0/24, routeTable: rt}, "        \
    "GatewaySubnet: 10.1.255.0/27}, peerings: {p: {remoteVirtualNetwork: spoke, allowGatewayTransit: "       \
    "true}}}\n"                                                                                              \
    "  v2: {addressSpace: [10.4.0.0/16], subnets: {GatewaySubnet: 10.4.255.0/27}}\n"                         \
    "  spoke: {addressSpace: [10.20.0.0/16], subnets: {s: 10.20.0.0/24}, peerings: {p: "                     \
    "{remoteVirtualNetwork: v1, useRemoteGateways: true}}}\n"                                                \
    "publicIPAddresses: {ip1: {ipAddress: 198.51.100.1}, ip1b: {ipAddress: 198.51.100.11}, ip2: "            \
    "{ipAddress: 198.51.100.2}, ip2b: {ipAddress: 198.51.100.12}}\n"                                         \
    "virtualNetworkGateways: {gw1: {vnet: v1, publicIPAddress: ip1}, gw2: {vnet: v2, publicIPAddress: "      \
    "ip2}}\n"                                                                                                \
    "virtualMachines: {vm: {subnet: v1/s}}\n" ROUTES more
#define PAIR                                                                                                 \
    "connections: {c12: {virtualNetworkGateway1: gw1, virtualNetworkGateway2: gw2, sharedKey: aabbcc}, "     \
    "c21: {virtualNetworkGateway1: gw2, virtualNetworkGateway2: gw1, sharedKey: aabbcc}}\n"
#define BRANCH                                                                                               \
    "localNetworkGateways: {branch: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16]}}\n"  \
    "sites: {office: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16], sharedKey: "         \
    "aabbcc}}\n"                                                                                             \
    "connections: {c: {virtualNetworkGateway1: gw1, localNetworkGateway2: branch, sharedKey: aabbcc}}\n"

/* first, second: has gw1, gw2 two instances? */
static struct vnl_lab *make(const char *yaml, bool first, bool second)
{
    struct vnl_lab *lab = lab_of(yaml, NULL);

    if (first)
        gateway_twice(lab, "gw1", "ip1b");
    if (second)
        gateway_twice(lab, "gw2", "ip2b");
    return lab;
}

/* "vpn1 gw1-gw2 198.51.100.2 initiates" a line, "-" for nobody. */
static void assert_tunnels(const struct vnl_plan *plan, const char *expected)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    char buf[VNL_ADDR_STR];

    for (size_t i = 0; i < plan->n_tunnels; i++) {
        const struct vnl_plan_tunnel *tunnel = &plan->tunnels[i];

        assert_int_equal(strtoul(tunnel->ifname + 3, NULL, 10), tunnel->if_id);
        fprintf(out, "%s %s-%s %s%s\n", tunnel->ifname, plan->gateways[tunnel->gateway].name,
                tunnel->peer == VNL_PLAN_NOBODY ? "" : plan->gateways[tunnel->peer].name,
                vnl_addr_format(&tunnel->remote, buf), tunnel->initiates ? " initiates" : "");
    }
    fclose(out);
    assert_string_equal(text, expected);
}

/* Every end has another one, which has it, at the other gateway. */
static void assert_paired(const struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_tunnels; i++) {
        const struct vnl_plan_tunnel *tunnel = &plan->tunnels[i], *other;

        assert_in_range(tunnel->other, 0, plan->n_tunnels - 1);
        other = &plan->tunnels[tunnel->other];
        assert_int_equal(other->other, i);
        assert_int_equal(other->gateway, tunnel->peer);
        assert_int_equal(other->peer, tunnel->gateway);
        assert_true(vnl_addr_eq(&other->remote, &plan->gateways[tunnel->gateway].outer));
        assert_int_not_equal(other->initiates, tunnel->initiates);
    }
}

/* --- guests ----------------------------------------------------------------------------------------------------------- */

static void each_instance_is_a_guest_of_its_own(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR), true, false);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    const struct vnl_plan_gateway *first = &plan->gateways[0], *second = &plan->gateways[1];
    const struct vnl_plan_nic *in = &plan->nics[second->nic_in], *out = &plan->nics[second->nic_out];
    char buf[VNL_ADDR_STR];

    (void)state;
    assert_int_equal(plan->n_gateways, 3);
    assert_string_equal(first->name, "gw1");
    assert_string_equal(second->name, "gw1.1");
    assert_string_equal(second->resource, "gw1");
    assert_string_equal(second->id, first->id);
    assert_int_equal(first->instance, 0);
    assert_int_equal(second->instance, 1);
    assert_string_equal(plan->gateways[2].name, "gw2");
    assert_string_equal(plan->vms[second->vm].name, "gw1.1");
    assert_string_equal(plan->vms[second->vm].netns, "t.gw1.1");
    assert_true(plan->vms[second->vm].gateway);
    assert_string_equal(in->name, "gw1.1-in");
    assert_string_equal(in->subnet, "v1/GatewaySubnet");
    assert_int_equal(in->n_addrs, 2);
    assert_string_equal(vnl_addr_format(&in->addrs[0].addr, buf), "10.1.255.5");
    assert_string_equal(vnl_addr_format(&in->addrs[1].addr, buf), "10.1.255.29");
    assert_string_equal(vnl_addr_format(&out->addrs[0].addr, buf), "198.51.100.11");
    assert_true(vnl_addr_eq(&second->outer, &out->addrs[0].addr));
    assert_prefixes(second->inside, second->n_inside, "10.1.0.0/16 10.20.0.0/16");
}

static void both_public_ips_are_the_gateways(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR), true, false);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    CLEANUP(vnl_str_free) char *text = print_of(plan);

    (void)state;
    assert_non_null(strstr(text, "public IP ip1\n  198.51.100.1 of virtual network gateway gw1\n"));
    assert_non_null(strstr(text, "public IP ip1b\n  198.51.100.11 of virtual network gateway gw1\n"));
    assert_non_null(
        strstr(text, "active-active c12 in v1\n  instances 10.1.255.4 (gw1-in) 10.1.255.5 (gw1.1-in)\n"));
}

static void slots_of_the_second_instance_are_checked(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR), true, false);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_plan *plan = NULL;

    (void)state;
    lab->gateways[0]->instances[1].out_slot = 65536;
    assert_int_equal(vnl_plan_build(lab, &plan, &err), -E2BIG);
    assert_string_equal(err->msg, "virtual network gateway 'gw1' has slot 65536; there are 65536");
    assert_null(plan);
}

/* --- tunnels ---------------------------------------------------------------------------------------------------------- */

/* Spec 4, 16 row 9. */
static void two_active_active_gateways_have_four_tunnels(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR), true, true);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);

    (void)state;
    assert_tunnels(plan, "vpn1 gw1-gw2 198.51.100.2 initiates\n"
                         "vpn2 gw1-gw2.1 198.51.100.12 initiates\n"
                         "vpn3 gw1.1-gw2.1 198.51.100.12 initiates\n"
                         "vpn4 gw1.1-gw2 198.51.100.2 initiates\n"
                         "vpn9 gw2-gw1 198.51.100.1\n"
                         "vpn10 gw2-gw1.1 198.51.100.11\n"
                         "vpn11 gw2.1-gw1.1 198.51.100.11\n"
                         "vpn12 gw2.1-gw1 198.51.100.1\n");
    assert_paired(plan);
    for (size_t i = 0; i < plan->n_tunnels; i++)
        assert_prefixes(plan->tunnels[i].routes, plan->tunnels[i].n_routes,
                        i < 4 ? "10.4.0.0/16" : "10.1.0.0/16 10.20.0.0/16");
}

static void with_an_active_standby_gateway_there_are_two(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR), true, false);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);

    (void)state;
    assert_tunnels(plan, "vpn1 gw1-gw2 198.51.100.2 initiates\n"
                         "vpn2 gw1.1-gw2 198.51.100.2 initiates\n"
                         "vpn9 gw2-gw1 198.51.100.1\n"
                         "vpn10 gw2-gw1.1 198.51.100.11\n");
    assert_paired(plan);
}

static void a_device_has_a_tunnel_to_each_instance(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(BRANCH), true, false);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);

    (void)state;
    assert_tunnels(plan, "vpn1 gw1-office 203.0.113.10 initiates\n"
                         "vpn2 gw1.1-office 203.0.113.10 initiates\n"
                         "vpn5 office-gw1 198.51.100.1\n"
                         "vpn6 office-gw1.1 198.51.100.11\n");
    assert_paired(plan);
    assert_prefixes(plan->tunnels[3].routes, plan->tunnels[3].n_routes, "10.1.0.0/16 10.20.0.0/16");
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

static const struct vnl_route *row_for(const struct vnl_plan *plan, const char *table, const char *dst)
{
    struct vnl_addr addr = addr_of_text(dst);
    const struct vnl_route *row = vnl_route_select(table_of(plan, table), &addr);

    assert_non_null(row);
    return row;
}

static void assert_leads_to(const struct vnl_plan *plan, const struct vnl_route *row, const char *name)
{
    const struct vnl_plan_balancer *balancer;
    const struct vnl_plan_lb_rule *rule;

    assert_int_equal(row->type, VNL_NEXT_HOP_GATEWAY);
    assert_int_equal(row->nic, VNL_PLAN_NOBODY);
    assert_in_range(row->balancer, 0, plan->n_balancers - 1);
    balancer = &plan->balancers[row->balancer];
    rule = &balancer->rules[0];
    assert_string_equal(balancer->name, name);
    assert_true(balancer->connection);
    assert_int_equal(balancer->addr.family, AF_UNSPEC);
    assert_int_equal(balancer->vnet, 0);
    assert_int_equal(balancer->n_rules, 1);
    assert_int_equal(rule->proto, 0);
    assert_true(rule->floating);
    assert_false(rule->probed);
    assert_int_equal(rule->distribution, VNL_DISTRIBUTION_FIVE_TUPLE);
    assert_string_equal(rule->id, balancer->id);
    assert_int_equal(rule->n_backends, 2);
    assert_int_equal(rule->backends[0].nic, plan->gateways[0].nic_in);
    assert_int_equal(rule->backends[1].nic, plan->gateways[1].nic_in);
    assert_true(vnl_addr_eq(&rule->backends[1].addr, &plan->nics[plan->gateways[1].nic_in].addrs[0].addr));
}

static void rows_of_a_connection_lead_to_both_instances(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR), true, false);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    const struct vnl_route *back = row_for(plan, "v2", "10.1.0.4");

    (void)state;
    assert_leads_to(plan, row_for(plan, "v1", "10.4.0.4"), "c12");
    assert_leads_to(plan, row_for(plan, "spoke", "10.4.0.4"), "c12");
    assert_leads_to(plan, row_for(plan, "v1/rt", "10.4.0.4"), "c12");
    assert_int_equal(back->balancer, VNL_PLAN_NOBODY); /* gw2 has one instance */
    assert_int_equal(back->nic, plan->gateways[2].nic_in);
    assert_int_equal(plan->tunnels[0].balancer, row_for(plan, "v1", "10.4.0.4")->balancer);
    assert_int_equal(plan->tunnels[1].balancer, plan->tunnels[0].balancer);
    assert_int_equal(plan->tunnels[2].balancer, VNL_PLAN_NOBODY);
}

static void a_users_route_leads_to_the_gateways_own_balancer(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR), true, false);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    const struct vnl_route *row = row_for(plan, "v1/rt", "10.30.0.4");

    (void)state;
    assert_int_equal(plan->n_balancers, 2);
    assert_leads_to(plan, row, "gw1");
    assert_string_equal(plan->balancers[row->balancer].id, lab->gateways[0]->id);
    assert_int_not_equal(plan->balancers[0].rules[0].health, plan->balancers[1].rules[0].health);
}

static void sites_ends_have_no_balancer(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(BRANCH), true, false);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    const struct vnl_route *row = row_for(plan, "office", "10.1.0.4");

    (void)state;
    assert_leads_to(plan, row_for(plan, "v1", "192.168.0.9"), "c");
    assert_int_equal(plan->tunnels[1].balancer, 0);
    assert_int_equal(plan->tunnels[2].balancer, VNL_PLAN_NOBODY);
    assert_int_equal(row->balancer, VNL_PLAN_NOBODY);
    assert_string_equal(plan->nics[row->nic].name, "office-in");
}

static void no_address_finds_a_connections_balancer(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR), true, true);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    struct vnl_addr nothing = { 0 };

    (void)state;
    assert_int_equal(plan->n_balancers, 4);
    for (uint32_t i = 0; i < plan->n_vnets; i++)
        assert_null(vnl_plan_balancer_by_addr(plan, i, &nothing));
}

static void effective_routes_name_both_public_ips(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR), true, false);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_routes_to_json(table_of(plan, "v1/rt"));
    struct vnl_json *hops = NULL, *own;

    (void)state;
    for (size_t i = 0; i < vnl_json_len(json); i++)
        if (strcmp(vnl_json_text(vnl_json_at(vnl_json_get(vnl_json_at(json, i), "addressPrefix"), 0)),
                   "10.4.0.0/16") == 0)
            hops = vnl_json_get(vnl_json_at(json, i), "nextHopIpAddress");
    assert_int_equal(vnl_json_len(hops), 2);
    assert_string_equal(vnl_json_text(vnl_json_at(hops, 0)), "198.51.100.1");
    assert_string_equal(vnl_json_text(vnl_json_at(hops, 1)), "198.51.100.11");
    own = vnl_json_get(vnl_json_at(json, vnl_json_len(json) - 1), "nextHopIpAddress");
    assert_int_equal(vnl_json_len(own), 2); /* the user's row */
    assert_rows(plan, "spoke",
                "Active 10.20.0.0/16 VnetLocal\nActive 10.1.0.0/16 VNetPeering deny-forwarded\n"
                "Active 10.4.0.0/16 VirtualNetworkGateway 198.51.100.1\nActive 0.0.0.0/0 Internet\n"
                "Active 10.0.0.0/8 None\nActive 100.64.0.0/10 None\nActive 172.16.0.0/12 None\n"
                "Active 192.168.0.0/16 None\n");
}

static void json_tells_frontends_from_gateways(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR), true, false);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *list, *second;

    (void)state;
    assert_int_equal(vnl_plan_to_json(plan, &json, NULL), 0);
    list = vnl_json_get(json, "activeActive");
    second = vnl_json_at(vnl_json_get(json, "gateways"), 1);
    assert_int_equal(vnl_json_len(vnl_json_get(json, "loadBalancers")), 0);
    assert_int_equal(vnl_json_len(list), 2);
    assert_string_equal(vnl_json_get_text(vnl_json_at(list, 0), "name"), "c12");
    assert_string_equal(vnl_json_text(vnl_json_at(vnl_json_get(vnl_json_at(list, 0), "instances"), 1)),
                        "gw1.1");
    assert_string_equal(vnl_json_get_text(second, "name"), "gw1.1");
}

/* --- health ----------------------------------------------------------------------------------------------------------- */

#define BALANCED                                                                                             \
    "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: v1/s, privateIPAddress: 10.1.0.100}}, "    \
    "backendAddressPools: {pool: [vm]}, loadBalancingRules: {web: {frontendIPConfiguration: fe, "            \
    "backendAddressPool: pool, protocol: Tcp, frontendPort: 80, backendPort: 80}}}}\n"

static void health_is_shared_with_no_rule(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR BALANCED), true, false);
    CLEANUP(vnl_plan_free) struct vnl_plan *before = plan_of_lab(lab), *after = NULL;
    uint32_t wanted = before->balancers[1].rules[0].health;

    (void)state;
    assert_string_equal(before->balancers[0].name, "lb/fe");
    assert_string_equal(before->balancers[1].name, "c12");
    assert_in_range(wanted, 0, before->health_slots - 1);
    lab->lbs[0]->rules[0]->slot = wanted;
    after = plan_of_lab(lab);
    assert_int_equal(after->balancers[0].rules[0].health, wanted);
    assert_int_equal(after->balancers[1].rules[0].health, (wanted + 1) % VNL_HEALTH_SLOTS);
    assert_int_equal(after->balancers[2].rules[0].health, before->balancers[2].rules[0].health);
}

static void a_full_table_of_health_is_refused(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR BALANCED), true, false);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lb *lb = lab->lbs[0];
    struct vnl_lb_rule **kept = lb->rules, *many = calloc(VNL_HEALTH_SLOTS, sizeof(*many));
    struct vnl_lb_rule **list = calloc(VNL_HEALTH_SLOTS, sizeof(*list));
    struct vnl_plan *plan = NULL;
    int r;

    (void)state;
    for (uint32_t i = 0; i < VNL_HEALTH_SLOTS - 1; i++) {
        list[i] = &many[i];
        many[i] = *kept[0];
        many[i].slot = i;
    }
    lb->rules = list;
    lb->n_rules = VNL_HEALTH_SLOTS - 1;
    r = vnl_plan_build(lab, &plan, &err);
    lb->rules = kept;
    lb->n_rules = 1;
    free(many);
    free(list);
    assert_int_equal(r, -E2BIG);
    assert_string_equal(err->msg,
                        "load balancing rules, active-active gateways and their connections are more than "
                        "4096: no room for 'gw1'");
    assert_null(plan);
}

/* --- changes ---------------------------------------------------------------------------------------------------------- */

static void an_instance_comes_and_goes(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *one = NULL, *two = NULL;
    CLEANUP(gateways_free) struct vnl_lab *lab = lab_of(LAB(PAIR), NULL);

    (void)state;
    one = plan_of_lab(lab);
    gateway_twice(lab, "gw1", "ip1b");
    two = plan_of_lab(lab);
    assert_plans_differ(
        one, two,
        "+ virtualNetworkGateways/gw1.1  10.1.255.5 10.1.255.29 in v1/GatewaySubnet, public IP "
        "198.51.100.11\n"
        "~ routes/v1                     -10.4.0.0/16 VirtualNetworkGateway 198.51.100.1, is gw1 in v1\n"
        "~ routes/v1                     +10.4.0.0/16 VirtualNetworkGateway 198.51.100.1, is active-active "
        "gw1 in v1\n"
        "~ routes/spoke                  -10.4.0.0/16 VirtualNetworkGateway 198.51.100.1, is gw1 in v1\n"
        "~ routes/spoke                  +10.4.0.0/16 VirtualNetworkGateway 198.51.100.1, is active-active "
        "gw1 in v1\n"
        "~ routes/v1/rt                  -10.4.0.0/16 VirtualNetworkGateway 198.51.100.1, is gw1 in v1\n"
        "~ routes/v1/rt                  -10.30.0.0/16 VirtualNetworkGateway 198.51.100.1, is gw1 in v1\n"
        "~ routes/v1/rt                  +10.4.0.0/16 VirtualNetworkGateway 198.51.100.1, is active-active "
        "gw1 in v1\n"
        "~ routes/v1/rt                  +10.30.0.0/16 VirtualNetworkGateway 198.51.100.1, is active-active "
        "gw1 in v1\n"
        "~ publicIPAddresses/ip1b        of nobody -> gw1\n"
        "~ connections/c12               tunnels 1 -> 2\n"
        "~ connections/c21               tunnels 1 -> 2\n");
    assert_plans_differ(two, two, "nothing to change\n");
}

static void a_mesh_is_told_as_one_connection(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = make(LAB(PAIR), true, true);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    CLEANUP(vnl_diff_free) struct vnl_diff *diff = NULL;
    size_t n = 0;

    (void)state;
    assert_int_equal(vnl_diff_build(NULL, plan, &diff, NULL), 0);
    for (size_t i = 0; i < diff->n; i++) {
        if (strncmp(diff->changes[i].object, "connections/", 12) != 0)
            continue;
        assert_string_equal(diff->changes[i].detail, n++ ? "gw2 to gw1 (198.51.100.1), 4 tunnels"
                                                         : "gw1 to gw2 (198.51.100.2), 4 tunnels");
    }
    assert_int_equal(n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_instance_is_a_guest_of_its_own),
        cmocka_unit_test(both_public_ips_are_the_gateways),
        cmocka_unit_test(slots_of_the_second_instance_are_checked),
        cmocka_unit_test(two_active_active_gateways_have_four_tunnels),
        cmocka_unit_test(with_an_active_standby_gateway_there_are_two),
        cmocka_unit_test(a_device_has_a_tunnel_to_each_instance),
        cmocka_unit_test(rows_of_a_connection_lead_to_both_instances),
        cmocka_unit_test(a_users_route_leads_to_the_gateways_own_balancer),
        cmocka_unit_test(sites_ends_have_no_balancer),
        cmocka_unit_test(no_address_finds_a_connections_balancer),
        cmocka_unit_test(effective_routes_name_both_public_ips),
        cmocka_unit_test(json_tells_frontends_from_gateways),
        cmocka_unit_test(health_is_shared_with_no_rule),
        cmocka_unit_test(a_full_table_of_health_is_refused),
        cmocka_unit_test(an_instance_comes_and_goes),
        cmocka_unit_test(a_mesh_is_told_as_one_connection),
    };

    return cmocka_run_group_tests_name("active-active gateways in the plan", tests, NULL, NULL);
}
