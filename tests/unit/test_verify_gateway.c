/* Flows through VPN gateways, on a plan made by hand: net-1 is connected to net-4 and net-5 (VNet-to-VNet) and to a site, and a spoke uses
 * its gateway. Spec 6, 10, 11, 12 and 16, as far as a plan can answer. */
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

#include "vnetlab/base.h"
#include "vnetlab/err.h"

enum { NET1, NET4, NET5, SPOKE, BRANCH, INTERNET, N_VNETS };
enum { VM1, VM4, VM5, VMS, PC, GW1, GW4, GW5, DEVICE, N_VMS };
enum { T14, T41, T15, T51, T1B, TB1, T4X, N_TUNNELS };
#define N_NICS (N_VMS + 4) /* gateways have a second one, on the internet side: behind all others */
#define ROUTES 8

static struct {
    struct vnl_plan plan;
    struct vnl_plan_vnet vnets[N_VNETS];
    struct vnl_prefix spaces[N_VNETS];
    struct vnl_route_table tables[N_VNETS];
    struct vnl_route routes[N_VNETS][ROUTES];
    struct vnl_plan_vm vms[N_VMS];
    uint32_t vm_nics[N_VMS][2];
    struct vnl_plan_nic nics[N_NICS];
    struct vnl_plan_addr addrs[N_NICS];
    struct vnl_plan_gateway gateways[4];
    struct vnl_prefix inside[4][2];
    struct vnl_plan_tunnel tunnels[N_TUNNELS];
    struct vnl_prefix through[N_TUNNELS][2];
} w;

static struct vnl_prefix prefix(const char *text)
{
    struct vnl_prefix ret = { 0 };

    assert_int_equal(vnl_prefix_parse(text, &ret, NULL), 0);
    return ret;
}

static void add_vnet(int vnet, const char *name, const char *space)
{
    w.vnets[vnet] = (struct vnl_plan_vnet){ .slot = (uint32_t)vnet,
                                            .name = (char *)name,
                                            .space = &w.spaces[vnet],
                                            .n_space = space ? 1 : 0,
                                            .bastion_rules = VNL_PLAN_NO_RULES };
    if (space)
        w.spaces[vnet] = prefix(space);
    w.tables[vnet] = (struct vnl_route_table){ .vnet = (uint32_t)vnet, .routes = w.routes[vnet] };
}

static void add_nic(int nic, int vm, int vnet, const char *addr)
{
    w.nics[nic] = (struct vnl_plan_nic){ .slot = (uint32_t)nic,
                                         .name = w.vms[vm].name,
                                         .subnet = "subnet",
                                         .vm = (uint32_t)vm,
                                         .vnet = (uint32_t)vnet,
                                         .table = (uint32_t)vnet,
                                         .rules_subnet = VNL_PLAN_NO_RULES,
                                         .rules_nic = VNL_PLAN_NO_RULES,
                                         .addrs = &w.addrs[nic],
                                         .n_addrs = 1,
                                         .nat = VNL_PLAN_NOBODY };
    w.addrs[nic] = (struct vnl_plan_addr){ .prefix_len = 24, .public_ip = VNL_PLAN_NOBODY };
    assert_int_equal(vnl_addr_parse(addr, &w.addrs[nic].addr, NULL), 0);
}

static void add_vm(int vm, const char *name, int vnet, const char *addr)
{
    w.vms[vm] = (struct vnl_plan_vm){ .name = (char *)name, .nics = w.vm_nics[vm], .n_nics = 1 };
    w.vm_nics[vm][0] = (uint32_t)vm;
    add_nic(vm, vm, vnet, addr);
}

static void add_gateway(int which, const char *name, int vnet, const char *inner, const char *outer)
{
    int vm = GW1 + which, out = N_VMS + which;

    add_vm(vm, name, vnet, inner);
    add_nic(out, vm, INTERNET, outer);
    w.vms[vm].gateway = w.vms[vm].ip_forward = true;
    w.vms[vm].n_nics = 2;
    w.vm_nics[vm][1] = (uint32_t)out;
    w.nics[vm].gateway = true;
    w.gateways[which] = (struct vnl_plan_gateway){ .name = (char *)name,
                                                   .site = vnet == BRANCH,
                                                   .vm = (uint32_t)vm,
                                                   .vnet = (uint32_t)vnet,
                                                   .nic_in = (uint32_t)vm,
                                                   .nic_out = (uint32_t)out,
                                                   .outer = w.addrs[out].addr,
                                                   .inside = w.inside[which],
                                                   .n_inside = 1 };
    w.inside[which][0] = w.spaces[vnet];
}

static struct vnl_route *add_route(int vnet, const char *to, enum vnl_next_hop type)
{
    struct vnl_route *route = &w.routes[vnet][w.tables[vnet].n_routes++];

    *route = (struct vnl_route){ .active = true,
                                 .prefix = prefix(to),
                                 .type = type,
                                 .vnet = (uint32_t)vnet,
                                 .nic = VNL_PLAN_NOBODY,
                                 .balancer = VNL_PLAN_NOBODY };
    return route;
}

static struct vnl_route *add_gateway_route(int vnet, const char *to, int gateway)
{
    struct vnl_route *route = add_route(vnet, to, VNL_NEXT_HOP_GATEWAY);

    route->source = VNL_ROUTE_GATEWAY;
    route->vnet = w.gateways[gateway].vnet;
    route->nic = w.gateways[gateway].nic_in;
    route->next_hop = w.gateways[gateway].outer;
    return route;
}

static void add_peering_route(int vnet, const char *to, int remote)
{
    add_route(vnet, to, VNL_NEXT_HOP_PEERING)->vnet = (uint32_t)remote;
}

/* other: index, or N_TUNNELS: nobody's. */
static void add_tunnel(int tunnel, const char *name, int gateway, int peer, int other, const char *through)
{
    w.tunnels[tunnel] =
        (struct vnl_plan_tunnel){ .name = (char *)name,
                                  .gateway = (uint32_t)gateway,
                                  .peer = peer < 0 ? VNL_PLAN_NOBODY : (uint32_t)peer,
                                  .other = other == N_TUNNELS ? VNL_PLAN_NOBODY : (uint32_t)other,
                                  .routes = w.through[tunnel],
                                  .n_routes = 1 };
    w.through[tunnel][0] = prefix(through);
    if (peer >= 0)
        w.tunnels[tunnel].remote = w.gateways[peer].outer;
    else
        assert_int_equal(vnl_addr_parse("203.0.113.99", &w.tunnels[tunnel].remote, NULL), 0);
    (void)snprintf(w.tunnels[tunnel].ifname, sizeof(w.tunnels[tunnel].ifname), "vpn%d", tunnel + 1);
}

static void add_all_routes(void)
{
    add_route(NET1, "10.11.0.0/16", VNL_NEXT_HOP_VNET_LOCAL);
    add_peering_route(NET1, "10.61.0.0/16", SPOKE);
    add_gateway_route(NET1, "10.41.0.0/16", 0);
    add_gateway_route(NET1, "10.51.0.0/16", 0);
    add_gateway_route(NET1, "192.168.0.0/16", 0);
    add_route(NET1, "10.0.0.0/8", VNL_NEXT_HOP_NONE);
    add_route(NET4, "10.41.0.0/16", VNL_NEXT_HOP_VNET_LOCAL);
    add_gateway_route(NET4, "10.11.0.0/16", 1);
    add_gateway_route(NET4, "10.61.0.0/16", 1);
    add_gateway_route(NET4, "172.20.0.0/16", 1);
    add_route(NET4, "10.0.0.0/8", VNL_NEXT_HOP_NONE);
    add_route(NET5, "10.51.0.0/16", VNL_NEXT_HOP_VNET_LOCAL);
    add_gateway_route(NET5, "10.11.0.0/16", 2);
    add_route(SPOKE, "10.61.0.0/16", VNL_NEXT_HOP_VNET_LOCAL);
    add_peering_route(SPOKE, "10.11.0.0/16", NET1);
    add_gateway_route(SPOKE, "10.41.0.0/16", 0);
    add_gateway_route(SPOKE, "192.168.0.0/16", 0);
    add_route(BRANCH, "192.168.0.0/16", VNL_NEXT_HOP_VNET_LOCAL);
    add_gateway_route(BRANCH, "0.0.0.0/0", 3);
    add_route(INTERNET, "0.0.0.0/0", VNL_NEXT_HOP_VNET_LOCAL);
}

static void add_all_tunnels(void)
{
    add_tunnel(T14, "1to4", 0, 1, T41, "10.41.0.0/16");
    add_tunnel(T41, "4to1", 1, 0, T14, "10.11.0.0/16");
    w.through[T41][w.tunnels[T41].n_routes++] = prefix("10.61.0.0/16");
    add_tunnel(T15, "1to5", 0, 2, T51, "10.51.0.0/16");
    add_tunnel(T51, "5to1", 2, 0, T15, "10.11.0.0/16");
    add_tunnel(T1B, "1tobranch", 0, 3, TB1, "192.168.0.0/16");
    add_tunnel(TB1, "1tobranch", 3, 0, T1B, "10.11.0.0/16");
    w.through[TB1][w.tunnels[TB1].n_routes++] = prefix("10.61.0.0/16");
    add_tunnel(T4X, "4tonobody", 1, -1, N_TUNNELS, "172.20.0.0/16");
}

static int set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    add_vnet(NET1, "net-1", "10.11.0.0/16");
    add_vnet(NET4, "net-4", "10.41.0.0/16");
    add_vnet(NET5, "net-5", "10.51.0.0/16");
    add_vnet(SPOKE, "spoke", "10.61.0.0/16");
    add_vnet(BRANCH, "branch", "192.168.0.0/16");
    add_vnet(INTERNET, "internet", NULL);
    w.vnets[BRANCH].site = w.vnets[INTERNET].internet = true;
    add_vm(VM1, "vm1", NET1, "10.11.0.4");
    add_vm(VM4, "vm4", NET4, "10.41.0.4");
    add_vm(VM5, "vm5", NET5, "10.51.0.4");
    add_vm(VMS, "vms", SPOKE, "10.61.0.4");
    add_vm(PC, "pc", BRANCH, "192.168.1.10");
    add_gateway(0, "gw1", NET1, "10.11.255.4", "198.51.100.1");
    add_gateway(1, "gw4", NET4, "10.41.255.4", "198.51.100.4");
    add_gateway(2, "gw5", NET5, "10.51.255.4", "198.51.100.5");
    add_gateway(3, "branch", BRANCH, "192.168.0.1", "203.0.113.10");
    w.inside[0][w.gateways[0].n_inside++] = w.spaces[SPOKE];
    add_all_routes();
    add_all_tunnels();
    w.plan = (struct vnl_plan){
        .lab = "by-hand",
        .vnets = w.vnets,
        .n_vnets = N_VNETS,
        .tables = w.tables,
        .n_tables = N_VNETS,
        .vms = w.vms,
        .n_vms = N_VMS,
        .nics = w.nics,
        .n_nics = N_NICS,
        .gateways = w.gateways,
        .n_gateways = 4,
        .internet = INTERNET,
        .tunnels = w.tunnels,
        .n_tunnels = N_TUNNELS,
    };
    return 0;
}

static void assert_way_(const char *from, const char *to, const char *verdict, uint32_t hops, uint32_t back,
                        int line)
{
    struct vnl_flow_query query = query_of(&w.plan, from, to, IPPROTO_ICMP, 0);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(&w.plan, &query);

    assert_verdict_(&w.plan, &query, verdict, line);
    if (verify->hops != hops || verify->back_hops != back)
        fail_msg("line %d: %u and %u hops", line, verify->hops, verify->back_hops);
}
#define assert_way(from, to, verdict, hops, back) assert_way_(from, to, verdict, hops, back, __LINE__)

static void assert_told_(const char *from, const char *to, enum vnl_drop reason, const char *text,
                         const char *fix, int line)
{
    struct vnl_flow_query query = query_of(&w.plan, from, to, IPPROTO_ICMP, 0);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(&w.plan, &query);

    for (size_t i = 0; i < verify->n_steps; i++) {
        const struct vnl_verify_step *step = &verify->steps[i];

        if (step->reason != reason)
            continue;
        if (strcmp(step->text, text) != 0 || !step->fix || strcmp(step->fix, fix) != 0)
            fail_msg("line %d: \"%s\", fix \"%s\"", line, step->text, step->fix ? step->fix : "");
        return;
    }
    fail_msg("line %d: no step drops with %s", line, vnl_drop_str(reason));
}
#define assert_told(from, to, reason, text, fix) assert_told_(from, to, reason, text, fix, __LINE__)

/* --- tests ---------------------------------------------------------------------------------------------- */

static void each_gateway_is_a_hop(void **state)
{
    struct vnl_flow_query query = query_of(&w.plan, "vm1", "vm4", IPPROTO_TCP, 80);
    CLEANUP(vnl_str_free) char *steps = steps_of(&w.plan, &query);

    (void)state;
    assert_way("vm1", "vm4", "allowed", 2, 2); /* ttl 62 */
    assert_string_equal(steps, "outbound, NIC at vm1: no NSG\n"
                               "outbound, subnet at vm1: no NSG\n"
                               "route at vm1: 10.41.0.0/16 VirtualNetworkGateway 198.51.100.1\n"
                               "inbound, subnet at gw1: no NSG\n"
                               "inbound, NIC at gw1: no NSG\n"
                               "deliver at gw1: 10.41.0.4 is not its address: a gateway takes all\n"
                               "guest at gw1: sends it into the tunnel of 1to4\n"
                               "tunnel at gw1: 1to4 (vpn1) to gw4 198.51.100.4\n"
                               "guest at gw4: forwards it to net-4, out of NIC gw4\n"
                               "outbound, NIC at gw4: no NSG\n"
                               "outbound, subnet at gw4: no NSG\n"
                               "route at gw4: 10.41.0.0/16 VnetLocal\n"
                               "inbound, subnet at vm4: no NSG\n"
                               "inbound, NIC at vm4: no NSG\n"
                               "deliver at vm4: 10.41.0.4\n"
                               "reply: route at vm4: 10.11.0.0/16 VirtualNetworkGateway 198.51.100.4\n"
                               "reply: deliver at gw4: 10.11.0.4 is not its address: a gateway takes all\n"
                               "reply: guest at gw4: sends it into the tunnel of 4to1\n"
                               "reply: tunnel at gw4: 4to1 (vpn2) to gw1 198.51.100.1\n"
                               "reply: guest at gw1: forwards it to net-1, out of NIC gw1\n"
                               "reply: route at gw1: 10.11.0.0/16 VnetLocal\n"
                               "reply: deliver at vm1: 10.11.0.4\n");
}

/* disableBgpRoutePropagation takes away the rows of gateways (spec 10). */
static void route_table_without_gateway_routes(void **state)
{
    static struct vnl_route_table tables[N_VNETS + 1];
    static struct vnl_route none = { .active = true, .type = VNL_NEXT_HOP_NONE };

    (void)state;
    memcpy(tables, w.tables, sizeof(w.tables));
    none.prefix = prefix("192.168.0.0/16");
    tables[N_VNETS] = (struct vnl_route_table){
        .vnet = SPOKE, .disable_bgp = true, .route_table = "/routeTables/rt", .routes = &none, .n_routes = 1
    };
    w.plan.tables = tables;
    w.plan.n_tables = N_VNETS + 1;
    w.nics[VMS].table = N_VNETS;
    assert_way("vms", "pc", "blocked: NoRoute at vms", 0, 2);
    assert_told("vms", "pc", VNL_DROP_NO_ROUTE, "192.168.0.0/16 None",
                "route table rt takes no routes of gateways; vnetlab set "
                "routeTables.rt.disableBgpRoutePropagation false");
}

static void steps_name_the_tunnel(void **state)
{
    struct vnl_flow_query query = query_of(&w.plan, "vm1", "vm5", IPPROTO_ICMP, 0);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(&w.plan, &query);
    uint32_t seen[2] = { VNL_PLAN_NOBODY, VNL_PLAN_NOBODY };

    (void)state;
    for (size_t i = 0; i < verify->n_steps; i++) {
        const struct vnl_verify_step *step = &verify->steps[i];

        assert_int_equal(step->stage == VNL_VERIFY_TUNNEL, step->tunnel != VNL_PLAN_NOBODY);
        if (step->stage == VNL_VERIFY_TUNNEL)
            seen[step->back] = step->tunnel;
    }
    assert_int_equal(seen[0], T15);
    assert_int_equal(seen[1], T51);
}

static void vnet_to_vnet_is_not_transitive(void **state)
{
    (void)state;
    assert_way("vm4", "vm5", "blocked: NoRoute at vm4", 0, 0);
    assert_told("vm4", "vm5", VNL_DROP_NO_ROUTE, "10.0.0.0/8 None",
                "gateways gw4 and gw5 are not connected: add a Vnet2Vnet connection to each; what is "
                "connected to both "
                "passes nothing on without BGP");
}

/* They may well be connected: BGP has brought nothing. */
static void what_bgp_would_have_to_bring_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < w.plan.n_gateways; i++)
        w.gateways[i].asn = 65001 + (uint32_t)i;
    assert_told("vm4", "vm5", VNL_DROP_NO_ROUTE, "10.0.0.0/8 None",
                "gateways gw4 and gw5 have learned nothing of each other by BGP: a lab that runs needs "
                "enableBgp at every connection between them, at both of a pair");
}

/* A user's route leads to the gateway, but that has no tunnel to there (spec 6). */
static void gateway_without_a_tunnel_to_there(void **state)
{
    (void)state;
    add_gateway_route(NET4, "10.51.0.0/16", 1);
    assert_way("vm4", "vm5", "blocked: NoTunnel at gw4", 0, 0);
    assert_told("vm4", "vm5", VNL_DROP_NO_TUNNEL, "no tunnel of this gateway has 10.51.0.4",
                "gateways gw4 and gw5 are not connected: add a Vnet2Vnet connection to each; what is "
                "connected to both "
                "passes nothing on without BGP");
}

static void route_to_a_gateway_that_is_not_there(void **state)
{
    (void)state;
    add_gateway_route(SPOKE, "10.51.0.0/16", 0)->nic = VNL_PLAN_NOBODY;
    assert_way("vms", "vm5", "blocked: NoGateway at vms", 0, 0);
    assert_told("vms", "vm5", VNL_DROP_NO_GATEWAY, "10.51.0.0/16 VirtualNetworkGateway 198.51.100.1",
                "virtual network 'spoke' has no VPN gateway: give it one, or useRemoteGateways on its link "
                "to a network "
                "that has one");
}

static void vnet_to_vnet_needs_both_connections(void **state)
{
    (void)state;
    w.tunnels[T14].other = VNL_PLAN_NOBODY;
    assert_way("vm1", "vm4", "blocked: NoTunnel at gw1", 1, 0);
    assert_told("vm1", "vm4", VNL_DROP_NO_TUNNEL, "1to4: gw4 has no connection to gw1",
                "add a connection of type Vnet2Vnet from gw4 to gw1, with the same key");
}

static void nobody_at_the_far_address(void **state)
{
    (void)state;
    assert_way("vm4", "172.20.0.4", "blocked: NoTunnel at gw4", 1, 0);
    assert_told("vm4", "172.20.0.4", VNL_DROP_NO_TUNNEL, "4tonobody: nobody in the lab has 203.0.113.99",
                "add a site with publicIPAddress 203.0.113.99, or correct the gatewayIpAddress");
}

/* What a site's own configuration negotiates is not known: it is taken to be right. */
static void own_configuration_of_a_site(void **state)
{
    (void)state;
    w.tunnels[T1B].other = VNL_PLAN_NOBODY;
    w.gateways[3].swanctl = "/etc/mine.conf";
    assert_way("vm1", "pc", "allowed", 2, 2);
    w.tunnels[TB1].routes = NULL; /* the plan has none at that end */
    w.tunnels[TB1].n_routes = 0;
    w.tunnels[TB1].other = VNL_PLAN_NOBODY;
    assert_way("vm1", "pc", "allowed", 2, 2);
    assert_way("pc", "vm1", "allowed", 2, 2);
    assert_way("pc", "vm4", "blocked: NoTunnel at branch", 0, 0);
}

static void site_hosts_both_ways(void **state)
{
    (void)state;
    assert_way("vm1", "pc", "allowed", 2, 2);
    assert_way("pc", "vm1", "allowed", 2, 2);
    assert_way("pc", "192.168.0.1", "allowed", 0, 0);
    assert_way("pc", "vm4", "blocked: NoTunnel at branch", 0, 0);
    assert_told(
        "pc", "vm4", VNL_DROP_NO_TUNNEL, "no tunnel of this device has 10.41.0.4",
        "no connection leads from net-4 to branch, or its local network gateway does not have this address");
}

static void transit_from_a_spoke(void **state)
{
    (void)state;
    assert_way("vms", "pc", "allowed", 2, 2);
    assert_way("pc", "vms", "allowed", 2, 2);
    assert_way("vms", "vm4", "allowed", 2, 2);
    assert_way("vm4", "vms", "allowed", 2, 2);
}

/* What a gateway relays is no forwarded traffic; what else comes by that link is (spec 2.6). */
static void relayed_traffic_needs_no_forwarded_flag(void **state)
{
    (void)state;
    for (size_t i = 0; i < w.tables[NET1].n_routes; i++)
        w.routes[NET1][i].deny_forwarded = true;
    assert_way("pc", "vms", "allowed", 2, 2);
}

static void access_of_the_peering_is_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < w.tables[SPOKE].n_routes; i++)
        w.routes[SPOKE][i].deny_access_local = w.routes[SPOKE][i].type == VNL_NEXT_HOP_GATEWAY;
    assert_way("vms", "pc", "blocked: PeeringAccess at vms", 2, 2);
}

/* Two spokes, or a spoke and its hub's other networks, meet in the gateway: in by eth0 and out by eth0 (spec 10). */
static void by_the_gateway_and_back_into_the_network(void **state)
{
    (void)state;
    w.tables[SPOKE].n_routes = 0;
    add_gateway_route(SPOKE, "10.11.0.0/16", 0);
    assert_way("vms", "vm1", "allowed", 1, 0);
}

/* No default route in a gateway: with gatewayDefaultSite it is a tunnel's (spec 11). */
static void forced_tunnelling(void **state)
{
    (void)state;
    add_gateway_route(NET1, "0.0.0.0/0", 0);
    assert_way("vm1", "9.9.9.9", "blocked: NoTunnel at gw1", 0, 0);
    w.through[T1B][w.tunnels[T1B].n_routes++] = prefix("0.0.0.0/0");
    assert_way("vm1", "9.9.9.9", "blocked: NoTunnel at branch", 1, 0);
}

static void gateways_that_send_to_each_other(void **state)
{
    struct vnl_flow_query query = query_of(&w.plan, "vm4", "10.99.0.4", IPPROTO_ICMP, 0);

    (void)state;
    add_gateway_route(NET4, "10.99.0.0/16", 1);
    w.through[T41][w.tunnels[T41].n_routes - 1] = prefix("10.99.0.0/16");
    w.through[T14][w.tunnels[T14].n_routes++] = prefix("10.99.0.0/16");
    assert_verdict(&w.plan, &query, "blocked: RoutingLoop at gw4");
}

static void gateways_own_addresses(void **state)
{
    (void)state;
    assert_way("vm1", "gw1", "allowed", 0, 0);
    assert_way("vm1", "gw4", "allowed", 1,
               1); /* each gateway passes it on once, the other's guest takes it */
    assert_way("gw1", "vm4", "allowed", 1, 1);
    assert_way("gw1", "9.9.9.9", "blocked: NoTunnel at gw1", 0, 0);
}

/* --- active-active ---------------------------------------------------------------------------------------- */

/* gw5 becomes the second instance of gw1: both have a tunnel of the connection to net-4, and routes lead to either. */
static void add_instance(void)
{
    static struct vnl_plan_backend backends[2];
    static struct vnl_plan_lb_rule rule;
    static struct vnl_plan_balancer balancer;

    backends[0] = (struct vnl_plan_backend){ .nic = GW1, .addr = w.addrs[GW1].addr };
    backends[1] = (struct vnl_plan_backend){ .nic = GW5, .addr = w.addrs[GW5].addr };
    rule = (struct vnl_plan_lb_rule){
        .id = (char *)"1to4", .name = (char *)"1to4", .floating = true, .backends = backends, .n_backends = 2
    };
    balancer = (struct vnl_plan_balancer){
        .name = (char *)"1to4", .connection = true, .vnet = NET1, .rules = &rule, .n_rules = 1
    };
    w.plan.balancers = &balancer;
    w.plan.n_balancers = 1;
    w.gateways[2].vnet = w.nics[GW5].vnet = w.nics[GW5].table = NET1;
    memcpy(w.inside[2], w.inside[0], sizeof(w.inside[2]));
    w.gateways[2].n_inside = w.gateways[0].n_inside;
    add_tunnel(T15, "1to4", 2, 1, T51, "10.41.0.0/16");
    add_tunnel(T51, "4to1", 1, 2, T15, "10.11.0.0/16");
    for (int vnet = NET1; vnet <= SPOKE; vnet++)
        for (size_t i = 0; i < w.tables[vnet].n_routes; i++)
            if (w.routes[vnet][i].nic == GW1) {
                w.routes[vnet][i].nic = VNL_PLAN_NOBODY;
                w.routes[vnet][i].balancer = 0;
            }
}

static void both_instances_are_ways(void **state)
{
    unsigned seen = 0;

    (void)state;
    add_instance();
    for (uint16_t port = 1; port < 32; port++) {
        struct vnl_flow_query query = query_of(&w.plan, "vm1", "vm4", IPPROTO_TCP, port);
        CLEANUP(vnl_str_free) char *steps = steps_of(&w.plan, &query);

        assert_verdict(&w.plan, &query, "allowed");
        seen |= strstr(steps, "translate at vm1: instances of the gateway for 1to4: to gw1, chosen by hash\n")
                    ? 1
                    : 0;
        seen |= strstr(steps, "translate at vm1: instances of the gateway for 1to4: to gw5, chosen by hash\n")
                    ? 2
                    : 0;
    }
    assert_int_equal(seen, 3);
    assert_way("vm1", "vm4", "allowed", 2, 2);
    assert_way("vms", "vm4", "allowed", 2, 2);
}

/* What no tunnel of an instance has does not go to the other one. */
static void instances_do_not_send_to_each_other(void **state)
{
    (void)state;
    add_instance();
    w.inside[0][0] = w.inside[2][0] = prefix("10.41.0.0/16");
    w.tunnels[T14].n_routes = w.tunnels[T15].n_routes = 0;
    for (uint16_t port = 1; port < 16; port++) {
        struct vnl_flow_query query = query_of(&w.plan, "vms", "vm4", IPPROTO_TCP, port);
        CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(&w.plan, &query);

        assert_non_null(verify->blocker);
        assert_int_equal(verify->blocker->reason, VNL_DROP_ROUTING_LOOP);
        assert_true(verify->blocker->nic == GW1 || verify->blocker->nic == GW5);
        assert_string_equal(verify->blocker->text,
                            "instances of the gateway for 1to4: the route's next hop is "
                            "the NIC that sends the packet");
    }
}

/* Though a neighbor announces a part of its network. */
static void what_is_learned_within_the_own_network_leads_nowhere(void **state)
{
    struct vnl_prefix learned = prefix("10.11.0.0/24");

    (void)state;
    w.tunnels[T15].learned = &learned;
    w.tunnels[T15].n_learned = 1;
    assert_way("vm4", "vm1", "allowed", 2, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_gateway_is_a_hop, set_up),
        cmocka_unit_test_setup(steps_name_the_tunnel, set_up),
        cmocka_unit_test_setup(what_bgp_would_have_to_bring_is_told, set_up),
        cmocka_unit_test_setup(vnet_to_vnet_is_not_transitive, set_up),
        cmocka_unit_test_setup(gateway_without_a_tunnel_to_there, set_up),
        cmocka_unit_test_setup(route_to_a_gateway_that_is_not_there, set_up),
        cmocka_unit_test_setup(vnet_to_vnet_needs_both_connections, set_up),
        cmocka_unit_test_setup(nobody_at_the_far_address, set_up),
        cmocka_unit_test_setup(own_configuration_of_a_site, set_up),
        cmocka_unit_test_setup(site_hosts_both_ways, set_up),
        cmocka_unit_test_setup(transit_from_a_spoke, set_up),
        cmocka_unit_test_setup(route_table_without_gateway_routes, set_up),
        cmocka_unit_test_setup(relayed_traffic_needs_no_forwarded_flag, set_up),
        cmocka_unit_test_setup(access_of_the_peering_is_asked, set_up),
        cmocka_unit_test_setup(by_the_gateway_and_back_into_the_network, set_up),
        cmocka_unit_test_setup(forced_tunnelling, set_up),
        cmocka_unit_test_setup(gateways_that_send_to_each_other, set_up),
        cmocka_unit_test_setup(gateways_own_addresses, set_up),
        cmocka_unit_test_setup(what_is_learned_within_the_own_network_leads_nowhere, set_up),
        cmocka_unit_test_setup(both_instances_are_ways, set_up),
        cmocka_unit_test_setup(instances_do_not_send_to_each_other, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
