/* Active-active gateways and point-to-site clients from plan to verdict: what the plan says of a flow, and what the program does with its
 * packets, hop by hop, is the same. The plans are those of simple labs, changed by hand. */
#include "port.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "../harness/asks.h"
#include "../harness/plans.h"
#include "vnetlab/drop.h"
#include "vnetlab/follow.h"
#include "vnetlab/plan.h"

#define GATEWAY_SUBNET(n) "GatewaySubnet: 10." n ".255.0/27"
#define LAB                                                                                                  \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  va: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24, " GATEWAY_SUBNET(                         \
        "1") "}}\n"                                                                                          \
             "  vb: {addressSpace: [10.4.0.0/16], subnets: {s: 10.4.0.0/24, " GATEWAY_SUBNET(                \
                 "4") "}}\n"                                                                                 \
                      "  vc: {addressSpace: [10.5.0.0/16], subnets: {" GATEWAY_SUBNET(                       \
                          "5") "}}\n"                                                                        \
                               "virtualNetworkGateways: {gwa: {vnet: va}, gwb: {vnet: vb}, gwc: {vnet: "     \
                               "vc}}\n"                                                                      \
                               "connections:\n"                                                              \
                               "  ab: {virtualNetworkGateway1: gwa, virtualNetworkGateway2: gwb, "           \
                               "sharedKey: aabbcc}\n"                                                        \
                               "  ba: {virtualNetworkGateway1: gwb, virtualNetworkGateway2: gwa, "           \
                               "sharedKey: aabbcc}\n"                                                        \
                               "  cb: {virtualNetworkGateway1: gwc, virtualNetworkGateway2: gwb, "           \
                               "sharedKey: aabbcc}\n"                                                        \
                               "  bc: {virtualNetworkGateway1: gwb, virtualNetworkGateway2: gwc, "           \
                               "sharedKey: aabbcc}\n"                                                        \
                               "virtualMachines: {a: {subnet: va/s}, b: {subnet: vb/s}}\n"                   \
                               "internet: {hosts: {laptop: {address: 198.51.100.20}}}\n"

#define HEALTH 40

static struct vnl_plan *plan;
static struct vnl_bpf *bpf;
static uint32_t instances[2]; /* NICs */

static int tear_down(void **state)
{
    (void)state;
    vnl_bpf_close(&bpf);
    vnl_plan_free(&plan);
    return 0;
}

static void load(void)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    if (vnl_bpf_load(plan, NULL, NULL, &bpf, &err) < 0 || vnl_bpf_publish(bpf, plan, NULL, &err) < 0)
        fail_msg("%s", err->msg);
}

static struct vnl_plan_gateway *gateway_of(const char *name)
{
    for (size_t i = 0; i < plan->n_gateways; i++)
        if (strcmp(plan->gateways[i].name, name) == 0)
            return &plan->gateways[i];
    fail_msg("no gateway '%s'", name);
    return NULL;
}

static struct vnl_prefix prefix(const char *text)
{
    struct vnl_prefix ret = { 0 };

    assert_int_equal(vnl_prefix_parse(text, &ret, NULL), 0);
    return ret;
}

/* gwc leaves its VNet for va. */
static void move_instance(void)
{
    struct vnl_plan_gateway *first = gateway_of("gwa"), *second = gateway_of("gwc");
    struct vnl_plan_nic *nic = &plan->nics[second->nic_in];

    instances[0] = first->nic_in;
    instances[1] = second->nic_in;
    nic->vnet = second->vnet = first->vnet;
    nic->table = plan->nics[first->nic_in].table;
    assert_int_equal(vnl_addr_parse("10.1.255.5", &nic->addrs[0].addr, NULL), 0);
    second->inside[0] = first->inside[0];
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (plan->tunnels[i].n_routes && plan->tunnels[i].routes[0].addr.bytes[1] == 5)
            plan->tunnels[i].routes[0] = first->inside[0];
}

static void add_balancer(void)
{
    struct vnl_plan_balancer *balancer = calloc(1, sizeof(*balancer));
    struct vnl_plan_lb_rule *rule = calloc(1, sizeof(*rule));

    rule->id = strdup("/connections/ab");
    rule->name = strdup("ab");
    rule->floating = true;
    rule->health = HEALTH;
    rule->n_backends = 2;
    rule->backends = calloc(2, sizeof(*rule->backends));
    for (int i = 0; i < 2; i++)
        rule->backends[i] =
            (struct vnl_plan_backend){ .nic = instances[i], .addr = plan->nics[instances[i]].addrs[0].addr };
    *balancer = (struct vnl_plan_balancer){ .id = strdup("/connections/ab"),
                                            .name = strdup("ab"),
                                            .connection = true,
                                            .vnet = gateway_of("gwa")->vnet,
                                            .rules = rule,
                                            .n_rules = 1 };
    plan->balancers = balancer;
    plan->n_balancers = 1;
    plan->health_slots = HEALTH + 1;
}

static int active_active(void **state)
{
    (void)state;
    plan = plan_of(LAB);
    move_instance();
    add_balancer();
    for (size_t i = 0; i < plan->n_tables; i++)
        for (size_t k = 0; k < plan->tables[i].n_routes; k++)
            if (plan->tables[i].routes[k].nic == instances[0]) {
                plan->tables[i].routes[k].nic = VNL_PLAN_NOBODY;
                plan->tables[i].routes[k].balancer = 0;
            }
    load();
    return 0;
}

static struct vnl_follow follow(const struct vnl_flow_query *query)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_follow ret = { 0 };
    int r = vnl_follow(plan, bpf, query, &ret, &err);

    if (r < 0)
        fail_msg("%d: %s", r, err ? err->msg : "");
    return ret;
}

static void assert_arrives_(const struct vnl_flow_query *query, const char *at, uint32_t hops, int line)
{
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, query);
    struct vnl_follow got = follow(query);

    assert_verdict_(plan, query, "allowed", line);
    /* Behind the reply it is the sender that has got it. */
    if (got.reason != VNL_DROP_NONE || got.nic != (uint32_t)(nic_of(plan, at) - plan->nics) ||
        got.hops != hops || verify->hops != hops)
        fail_msg("line %d: %s at %u, %u hops; the plan has %u", line, vnl_drop_str(got.reason), got.nic,
                 got.hops, verify->hops);
}
#define assert_arrives(query, at, hops) assert_arrives_(query, at, hops, __LINE__)

/* Whom the program gives a flow of vm `a` to. */
static uint32_t first_hop(uint16_t port)
{
    struct vnl_plan_nic *nic = (struct vnl_plan_nic *)nic_of(plan, "a");
    struct frame_spec spec = { .src = "10.1.0.4", .dst = "10.4.0.4", .sport = 49152, .dport = port };
    struct vnl_verdict verdict;
    struct frame frame;

    frame_build(&frame, &spec);
    memcpy(frame.data + AT_SRC_MAC, nic->mac.bytes, 6);
    assert_int_equal(vnl_bpf_what_if(bpf, nic->slot, frame.data, frame.size, false, &verdict, NULL), 0);
    assert_int_equal(verdict.reason, VNL_DROP_NONE);
    return verdict.out_slot;
}

/* Whom the plan gives it to. */
static uint32_t planned_hop(uint16_t port)
{
    struct vnl_flow_query query = query_of(plan, "a", "b", IPPROTO_TCP, port);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, &query);

    for (size_t i = 0; i < verify->n_steps; i++)
        if (verify->steps[i].stage == VNL_VERIFY_GUEST)
            return plan->nics[verify->steps[i].nic].slot;
    fail_msg("no gateway on the way");
    return 0;
}

static void the_plan_knows_which_instance_it_will_be(void **state)
{
    unsigned seen[2] = { 0 };

    (void)state;
    for (uint16_t port = 1; port <= 64; port++) {
        struct vnl_flow_query query = query_of(plan, "a", "b", IPPROTO_TCP, port);

        assert_arrives(&query, "a", 2);
        assert_int_equal(first_hop(port), planned_hop(port));
        seen[first_hop(port) == plan->nics[instances[1]].slot]++;
    }
    assert_true(seen[0] && seen[1]);
}

static void health_says_who_is_left(void **state)
{
    const struct vnl_plan_lb_rule *rule = &plan->balancers[0].rules[0];
    struct vnl_flow_query query = query_of(plan, "a", "b", IPPROTO_ICMP, 0);

    (void)state;
    for (int i = 0; i < 2; i++) {
        vnl_bpf_health_set(bpf, HEALTH, vnl_health_id(rule), 1u << i);
        for (uint16_t port = 1; port <= 16; port++)
            assert_int_equal(first_hop(port), plan->nics[instances[i]].slot);
        assert_int_equal(follow(&query).reason, VNL_DROP_NONE);
    }
    vnl_bpf_health_set(bpf, HEALTH, vnl_health_id(rule), 0);
    assert_int_equal(follow(&query).reason, VNL_DROP_BALANCER_DOWN);
}

/* Without tunnels that have it, the gateway that forwards it inside meets its own route. */
static void instances_do_not_pass_it_round(void **state)
{
    struct vnl_flow_query query = query_of(plan, "a", "b", IPPROTO_TCP, 80);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = NULL;
    struct vnl_follow got;

    (void)state;
    query.nic = instances[0];
    query.src = prefix("192.168.7.7/32").addr;
    for (size_t i = 0; i < plan->n_gateways; i++)
        plan->gateways[i].inside[0] = prefix("10.4.0.0/16");
    verify = ask(plan, &query);
    got = follow(&query);
    assert_int_equal(got.reason, VNL_DROP_ROUTING_LOOP);
    assert_int_equal(got.nic, instances[0]);
    assert_verdict(plan, &query, "blocked: RoutingLoop at gwa");
}

/* --- clients ------------------------------------------------------------------------------------------------------------ */

static uint32_t add_tunnel(enum vnl_tunnel_kind kind, uint32_t gateway, const char *into)
{
    uint32_t index = (uint32_t)plan->n_tunnels++;

    plan->tunnels = reallocarray(plan->tunnels, plan->n_tunnels, sizeof(*plan->tunnels));
    plan->tunnels[index] = (struct vnl_plan_tunnel){ .kind = kind,
                                                     .name = strdup("p2s"),
                                                     .gateway = gateway,
                                                     .peer = VNL_PLAN_NOBODY,
                                                     .other = VNL_PLAN_NOBODY,
                                                     .balancer = VNL_PLAN_NOBODY,
                                                     .routes = calloc(1, sizeof(struct vnl_prefix)),
                                                     .n_routes = 1 };
    plan->tunnels[index].routes[0] = prefix(into);
    return index;
}

static void add_client(void)
{
    const struct vnl_plan_nic *nic = nic_of(plan, "laptop");
    uint32_t index = (uint32_t)plan->n_gateways++,
             server = add_tunnel(VNL_TUNNEL_SERVER, 0, "172.16.201.0/24");
    uint32_t client = add_tunnel(VNL_TUNNEL_CLIENT, index, "10.1.0.0/16");

    plan->gateways = reallocarray(plan->gateways, plan->n_gateways, sizeof(*plan->gateways));
    plan->gateways[index] = (struct vnl_plan_gateway){ .id = strdup("clients/laptop"),
                                                       .name = strdup("laptop"),
                                                       .resource = strdup("laptop"),
                                                       .client = true,
                                                       .vm = nic->vm,
                                                       .vnet = plan->internet,
                                                       .nic_in = VNL_PLAN_NOBODY,
                                                       .nic_out = (uint32_t)(nic - plan->nics),
                                                       .outer = nic->addrs[0].addr };
    plan->vms[nic->vm].client = true;
    plan->tunnels[client].peer = 0;
    plan->tunnels[client].other = server;
}

static int clients(void **state)
{
    struct vnl_route_table *table;

    (void)state;
    plan = plan_of(LAB);
    add_client();
    table = &plan->tables[nic_of(plan, "a")->table];
    table->routes = reallocarray(table->routes, table->n_routes + 1, sizeof(*table->routes));
    table->routes[table->n_routes++] = (struct vnl_route){ .source = VNL_ROUTE_GATEWAY,
                                                           .active = true,
                                                           .prefix = prefix("172.16.201.0/24"),
                                                           .type = VNL_NEXT_HOP_GATEWAY,
                                                           .vnet = plan->gateways[0].vnet,
                                                           .nic = plan->gateways[0].nic_in,
                                                           .balancer = VNL_PLAN_NOBODY };
    load();
    return 0;
}

static void clients_come_in_by_the_gateway(void **state)
{
    struct vnl_flow_query query = query_of(plan, "laptop", "a", IPPROTO_ICMP, 0);

    (void)state;
    assert_arrives(&query, "laptop", 1);
    query = query_of(plan, "laptop", "a", IPPROTO_UDP, 53);
    assert_int_equal(follow(&query).nic, nic_of(plan, "a") - plan->nics);
    query = query_of(plan, "a", "172.16.201.2", IPPROTO_ICMP, 0);
    assert_arrives(&query, "a", 1);
    query = query_of(plan, "a", "172.16.201.9", IPPROTO_ICMP, 0);
    assert_int_equal(follow(&query).reason, VNL_DROP_NO_TUNNEL);
    assert_verdict(plan, &query, "blocked: NoTunnel at gwa");
    query = query_of(plan, "laptop", "10.4.0.4", IPPROTO_ICMP, 0); /* not in its profile */
    assert_int_equal(follow(&query).reason, VNL_DROP_NO_OWNER);
    assert_verdict(plan, &query, "blocked: NoOwner at laptop");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_plan_knows_which_instance_it_will_be, active_active, tear_down),
        cmocka_unit_test_setup_teardown(health_says_who_is_left, active_active, tear_down),
        cmocka_unit_test_setup_teardown(instances_do_not_pass_it_round, active_active, tear_down),
        cmocka_unit_test_setup_teardown(clients_come_in_by_the_gateway, clients, tear_down),
    };

    return cmocka_run_group_tests_name("tunnels, plan and program", tests, NULL, NULL);
}
