/* Flows of point-to-site clients: what is in the profile goes through the gateway, all else to the internet (spec 13). The plan is built from
 * a lab with internet hosts, and two of them become clients by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "../harness/asks.h"
#include "../harness/plans.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define LAB                                                                                                  \
    "name: t\n"                                                                                              \
    "vnets: {hub: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}}\n" \
    "virtualNetworkGateways: {gw: {vnet: hub}}\n"                                                            \
    "virtualMachines: {vm: {subnet: hub/s}}\n"                                                               \
    "internet: {hosts: {laptop: {address: 198.51.100.20}, tablet: {address: 198.51.100.21}, web: {address: " \
    "203.0.113.80}}}\n"

static struct vnl_plan *plan;
static uint32_t server;

static struct vnl_prefix prefix(const char *text)
{
    struct vnl_prefix ret = { 0 };

    assert_int_equal(vnl_prefix_parse(text, &ret, NULL), 0);
    return ret;
}

static uint32_t add_tunnel(enum vnl_tunnel_kind kind, const char *name, uint32_t gateway, const char *into)
{
    uint32_t index = (uint32_t)plan->n_tunnels++;

    plan->tunnels = reallocarray(plan->tunnels, plan->n_tunnels, sizeof(*plan->tunnels));
    plan->tunnels[index] = (struct vnl_plan_tunnel){ .kind = kind,
                                                     .name = strdup(name),
                                                     .gateway = gateway,
                                                     .peer = VNL_PLAN_NOBODY,
                                                     .other = VNL_PLAN_NOBODY,
                                                     .balancer = VNL_PLAN_NOBODY,
                                                     .routes = calloc(1, sizeof(struct vnl_prefix)),
                                                     .n_routes = 1 };
    plan->tunnels[index].routes[0] = prefix(into);
    (void)snprintf(plan->tunnels[index].ifname, sizeof(plan->tunnels[index].ifname), "p2s%u", index);
    return index;
}

static void add_client(const char *host)
{
    uint32_t index = (uint32_t)plan->n_gateways++, tunnel;
    const struct vnl_plan_nic *nic = nic_of(plan, host);

    plan->gateways = reallocarray(plan->gateways, plan->n_gateways, sizeof(*plan->gateways));
    plan->gateways[index] = (struct vnl_plan_gateway){ .id = strdup(host),
                                                       .name = strdup(host),
                                                       .resource = strdup(host),
                                                       .client = true,
                                                       .vm = nic->vm,
                                                       .vnet = plan->internet,
                                                       .nic_in = VNL_PLAN_NOBODY,
                                                       .nic_out = (uint32_t)(nic - plan->nics),
                                                       .outer = nic->addrs[0].addr };
    plan->vms[nic->vm].client = true;
    tunnel = add_tunnel(VNL_TUNNEL_CLIENT, host, index, "10.1.0.0/16");
    plan->tunnels[tunnel].peer = 0;
    plan->tunnels[tunnel].other = server;
    plan->tunnels[tunnel].remote = plan->gateways[0].outer;
}

/* The VNet's way to the pool. */
static void add_pool_route(void)
{
    for (size_t i = 0; i < plan->n_tables; i++) {
        struct vnl_route_table *table = &plan->tables[i];

        if (table->vnet == plan->internet)
            continue;
        table->routes = reallocarray(table->routes, table->n_routes + 1, sizeof(*table->routes));
        table->routes[table->n_routes++] = (struct vnl_route){ .source = VNL_ROUTE_GATEWAY,
                                                               .active = true,
                                                               .prefix = prefix("172.16.201.0/24"),
                                                               .type = VNL_NEXT_HOP_GATEWAY,
                                                               .next_hop = plan->gateways[0].outer,
                                                               .vnet = plan->gateways[0].vnet,
                                                               .nic = plan->gateways[0].nic_in,
                                                               .balancer = VNL_PLAN_NOBODY };
    }
}

static int set_up(void **state)
{
    (void)state;
    plan = plan_of(LAB);
    add_pool_route();
    server = add_tunnel(VNL_TUNNEL_SERVER, "gw", 0, "172.16.201.0/24");
    add_client("laptop");
    add_client("tablet");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vnl_plan_free(&plan);
    return 0;
}

static void the_profile_goes_through_the_gateway(void **state)
{
    struct vnl_flow_query query = query_of(plan, "tablet", "vm", IPPROTO_TCP, 80);
    CLEANUP(vnl_str_free) char *steps = steps_of(plan, &query);
    char outer[VNL_ADDR_STR], wanted[2048];

    (void)state;
    (void)vnl_addr_format(&plan->gateways[0].outer, outer);
    (void)snprintf(wanted, sizeof(wanted),
                   "tunnel at tablet: tablet (p2s2) to gw %s\n"
                   "guest at gw: forwards it to hub, out of NIC %s\n"
                   "outbound, NIC at gw: no NSG\n"
                   "outbound, subnet at gw: no NSG\n"
                   "route at gw: 10.1.0.0/16 VnetLocal\n"
                   "inbound, subnet at vm: no NSG\n"
                   "inbound, NIC at vm: no NSG\n"
                   "deliver at vm: 10.1.0.4\n"
                   "reply: route at vm: 172.16.201.0/24 VirtualNetworkGateway %s\n"
                   "reply: deliver at gw: 172.16.201.3 is not its address: a gateway takes all\n"
                   "reply: guest at gw: sends it into the tunnel of its clients\n"
                   "reply: tunnel at gw: point-to-site (p2s0) to client tablet\n",
                   outer, plan->nics[plan->gateways[0].nic_in].name, outer);
    assert_string_equal(steps, wanted);
    assert_verdict(plan, &query, "allowed");
}

static void all_else_goes_to_the_internet(void **state)
{
    struct vnl_flow_query query = query_of(plan, "laptop", "web", IPPROTO_TCP, 80);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, &query);

    (void)state;
    assert_verdict(plan, &query, "allowed");
    for (size_t i = 0; i < verify->n_steps; i++)
        assert_int_equal(verify->steps[i].tunnel, VNL_PLAN_NOBODY);
    query = query_of(plan, "web", "laptop", IPPROTO_TCP, 80);
    assert_verdict(plan, &query, "allowed");
    query = query_of(plan, "laptop", "10.2.0.4", IPPROTO_TCP, 80);
    assert_verdict(plan, &query, "blocked: NoOwner at laptop");
}

static void who_has_an_address_of_the_pool(void **state)
{
    struct vnl_flow_query query = query_of(plan, "vm", "172.16.201.2", IPPROTO_ICMP, 0);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, &query);
    CLEANUP(vnl_verify_free) struct vnl_verify *nobody = NULL;

    (void)state;
    assert_verdict(plan, &query, "allowed");
    assert_int_equal(verify->to, nic_of(plan, "laptop") - plan->nics);
    query = query_of(plan, "vm", "172.16.201.9", IPPROTO_ICMP, 0);
    nobody = ask(plan, &query);
    assert_verdict(plan, &query, "blocked: NoTunnel at gw");
    assert_string_equal(nobody->blocker->text,
                        "point-to-site (p2s0): no client is known to have 172.16.201.9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_profile_goes_through_the_gateway, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_else_goes_to_the_internet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_has_an_address_of_the_pool, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("verify: clients", tests, NULL, NULL);
}
