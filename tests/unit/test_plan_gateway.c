/* VPN gateways in the plan: rows of the tables of spec vpn 6, 10, 11, 15 and 16 that are about effective routes, guests, and what tags
 * stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../harness/plans.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/layout.h"

#define NONE_8            "Active 10.0.0.0/8 None\n"
#define NONE              NONE_8 "Active 100.64.0.0/10 None\nActive 172.16.0.0/12 None\nActive 192.168.0.0/16 None\n"
#define INTERNET          "Active 0.0.0.0/0 Internet\n"
#define VIA(prefix, addr) "Active " prefix " VirtualNetworkGateway " addr "\n"

#define GW_SUBNET(net) "GatewaySubnet: " net ".255.0/27"
#define CONNECT(name, from, to)                                                                              \
    name ": {virtualNetworkGateway1: " from ", virtualNetworkGateway2: " to ", sharedKey: aabbcc}"
#define TO_SITE(name, from, to)                                                                              \
    name ": {virtualNetworkGateway1: " from ", localNetworkGateway2: " to ", sharedKey: aabbcc}"

/* --- VNet-to-VNet ----------------------------------------------------------------------------------------------------- */

/* Three VNets with gateways; space4: TestVNet4's; links: peerings of VNet 1 and 4. */
#define VNETS(space4, links1, links4)                                                                        \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  vnet1: {addressSpace: [10.11.0.0/16, 10.12.0.0/16], subnets: {s: 10.11.0.0/24, " GW_SUBNET(           \
        "10.12") "}" links1 "}\n"                                                                            \
                 "  vnet4: {addressSpace: [" space4 "], subnets: {s: 10.41.0.0/24, " GW_SUBNET(              \
                     "10.41") "}" links4 "}\n"                                                               \
                              "  vnet5: {addressSpace: [10.51.0.0/16], subnets: {s: "                        \
                              "10.51.0.0/24, " GW_SUBNET(                                                    \
                                  "10.51") "}}\n"                                                            \
                                           "virtualNetworkGateways: {gw1: {vnet: vnet1}, gw4: {vnet: "       \
                                           "vnet4}, gw5: {vnet: vnet5}}\n"
#define PAIR_14 CONNECT("c14", "gw1", "gw4") ", " CONNECT("c41", "gw4", "gw1")
#define PAIR_15 CONNECT("c15", "gw1", "gw5") ", " CONNECT("c51", "gw5", "gw1")
#define ALL     VNETS("10.41.0.0/16, 10.42.0.0/16", "", "") "connections: {" PAIR_14 ", " PAIR_15 "}\n"

#define LOCAL_1 "Active 10.11.0.0/16 VnetLocal\nActive 10.12.0.0/16 VnetLocal\n"

static void each_side_learns_the_others_whole_space(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ALL);

    (void)state;
    assert_rows(plan, "vnet1",
                LOCAL_1 VIA("10.41.0.0/16", "198.51.100.1") VIA("10.42.0.0/16", "198.51.100.1")
                    VIA("10.51.0.0/16", "198.51.100.1") INTERNET NONE);
    assert_rows(plan, "vnet4",
                "Active 10.41.0.0/16 VnetLocal\nActive 10.42.0.0/16 VnetLocal\n" VIA(
                    "10.11.0.0/16", "198.51.100.2") VIA("10.12.0.0/16", "198.51.100.2") INTERNET NONE);
}

static const struct vnl_route *row_for(const struct vnl_plan *plan, const char *table, const char *dst)
{
    struct vnl_addr addr;
    const struct vnl_route *row;

    assert_int_equal(vnl_addr_parse(dst, &addr, NULL), 0);
    row = vnl_route_select(table_of(plan, table), &addr);
    assert_non_null(row);
    return row;
}

static void nothing_is_passed_on_without_bgp(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ALL);

    (void)state;
    assert_int_equal(row_for(plan, "vnet4", "10.51.0.4")->type, VNL_NEXT_HOP_NONE);
    assert_int_equal(row_for(plan, "vnet5", "10.41.0.4")->type, VNL_NEXT_HOP_NONE);
    assert_int_equal(row_for(plan, "vnet1", "10.51.0.4")->type, VNL_NEXT_HOP_GATEWAY);
}

static void rows_name_their_connection_and_lead_to_the_inside_leg(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ALL);
    const struct vnl_route *row = row_for(plan, "vnet1", "10.42.0.4");
    const struct vnl_plan_nic *nic = &plan->nics[row->nic];

    (void)state;
    assert_int_equal(row->source, VNL_ROUTE_GATEWAY);
    assert_non_null(strstr(row->origin, "/connections/c14"));
    assert_int_equal(row->vnet, 0);
    assert_true(nic->gateway);
    assert_string_equal(nic->subnet, "vnet1/GatewaySubnet");
    assert_int_equal(row->nic, plan->gateways[0].nic_in);
}

static void an_address_space_change_follows_by_itself(void **state)
{
    (void)state;
    assert_diff(VNETS("10.41.0.0/16", "", "") "connections: {" PAIR_14 "}\n",
                VNETS("10.41.0.0/16, 10.43.0.0/16", "", "") "connections: {" PAIR_14 "}\n",
                "~ virtualNetworks/vnet4  address space 10.41.0.0/16 -> 10.41.0.0/16 10.43.0.0/16\n"
                "~ routes/vnet1           +10.43.0.0/16 VirtualNetworkGateway 198.51.100.1, is gw1 in vnet1\n"
                "~ routes/vnet4           +10.43.0.0/16 VnetLocal\n");
    assert_diff(VNETS("10.41.0.0/16, 10.43.0.0/16", "", "") "connections: {" PAIR_14 "}\n",
                VNETS("10.41.0.0/16", "", "") "connections: {" PAIR_14 "}\n",
                "~ virtualNetworks/vnet4  address space 10.41.0.0/16 10.43.0.0/16 -> 10.41.0.0/16\n"
                "~ routes/vnet1           -10.43.0.0/16 VirtualNetworkGateway 198.51.100.1, is gw1 in vnet1\n"
                "~ routes/vnet4           -10.43.0.0/16 VnetLocal\n");
}

static void half_a_pair_makes_no_rows(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(VNETS("10.41.0.0/16", "", "") "connections: {" CONNECT("c14", "gw1", "gw4") "}\n");

    (void)state;
    assert_rows(plan, "vnet1", LOCAL_1 INTERNET NONE);
    assert_int_equal(plan->n_tunnels, 1);
    assert_int_equal(plan->tunnels[0].other, VNL_PLAN_NOBODY);
    assert_int_equal(plan->tunnels[0].peer, 1);
    assert_int_equal(plan->tunnels[0].n_routes, 0);
}

static void a_deleted_connection_takes_its_rows(void **state)
{
    (void)state;
    assert_diff(VNETS("10.41.0.0/16", "", "") "connections: {" PAIR_14 ", " PAIR_15 "}\n",
                VNETS("10.41.0.0/16", "", "") "connections: {" PAIR_14 "}\n",
                "- connections/c15  gw1 to gw5 (198.51.100.3)\n"
                "- connections/c51  gw5 to gw1 (198.51.100.1)\n"
                "~ routes/vnet1     -10.51.0.0/16 VirtualNetworkGateway 198.51.100.1, is gw1 in vnet1\n"
                "~ routes/vnet5     -10.11.0.0/16 VirtualNetworkGateway 198.51.100.3, is gw5 in vnet5\n"
                "~ routes/vnet5     -10.12.0.0/16 VirtualNetworkGateway 198.51.100.3, is gw5 in vnet5\n");
}

/* Spec 16 row 15. */
static void peering_beats_the_gateway(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(VNETS("10.41.0.0/16", ", peerings: {p: {remoteVirtualNetwork: vnet4}}",
                      ", peerings: {p: {remoteVirtualNetwork: vnet1}}") "connections: "
                                                                        "{" PAIR_14 "}\n");

    (void)state;
    assert_rows(plan, "vnet1",
                LOCAL_1 "Active 10.41.0.0/16 VNetPeering deny-forwarded\n"
                        "Invalid 10.41.0.0/16 VirtualNetworkGateway 198.51.100.1\n" INTERNET NONE);
    assert_int_equal(row_for(plan, "vnet1", "10.41.0.4")->type, VNL_NEXT_HOP_PEERING);
}

/* --- site-to-site ----------------------------------------------------------------------------------------------------- */

#define SITE                                                                                                 \
    "sites: {office: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16, 172.20.0.0/24], "     \
    "hosts: {pc: 192.168.1.10, printer: 172.20.0.9}, sharedKey: aabbcc}}\n"
/* more: keys of the gateway; prefixes: of the local network gateway; table: of subnet s. */
#define S2S(more, prefixes, table)                                                                           \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  hub: {addressSpace: [10.1.0.0/16], subnets: {s: {addressPrefix: 10.1.0.0/24" table "}, d: "           \
    "10.1.1.0/24, " GW_SUBNET("10.1") "}}\n"                                                                 \
                                      "virtualNetworkGateways: {gw: {vnet: hub" more "}}\n"                  \
                                      "localNetworkGateways: {branch: {gatewayIpAddress: 203.0.113.10, "     \
                                      "addressPrefixes: [" prefixes "]}}\n"                                  \
                                      "connections: {" TO_SITE(                                              \
                                          "c", "gw", "branch") "}\n"                                         \
                                                               "virtualMachines: {vm: {subnet: hub/s}}\n"
#define HUB "Active 10.1.0.0/16 VnetLocal\n"

static void site_to_site_has_the_local_network_gateways_prefixes(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(S2S("", "192.168.50.0/24, 192.168.60.0/24", "") SITE);

    (void)state;
    assert_rows(plan, "hub",
                HUB VIA("192.168.50.0/24", "198.51.100.1") VIA("192.168.60.0/24", "198.51.100.1")
                    INTERNET NONE);
}

static void an_edited_local_network_gateway_changes_rows_and_no_tunnel(void **state)
{
    (void)state;
    assert_diff(S2S("", "192.168.50.0/24", "") SITE, S2S("", "192.168.50.0/24, 192.168.60.0/24", "") SITE,
                "~ routes/hub  +192.168.60.0/24 VirtualNetworkGateway 198.51.100.1, is gw in hub\n");
}

static void a_site_is_a_network_behind_its_device(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(S2S("", "192.168.50.0/24", "") SITE);
    const struct vnl_plan_nic *pc = nic_of(plan, "pc"), *device = nic_of(plan, "office");
    const struct vnl_plan_vnet *site = &plan->vnets[pc->vnet];
    char buf[VNL_ADDR_STR];

    (void)state;
    assert_true(site->site);
    assert_string_equal(site->id, "sites/office");
    assert_int_equal(site->slot, VNL_SITE_SLOT);
    assert_rows(
        plan, "office",
        "Active 192.168.0.0/16 VnetLocal\nActive 172.20.0.0/24 VnetLocal\n" VIA("0.0.0.0/0", "192.168.0.1"));
    assert_int_equal(row_for(plan, "office", "10.1.0.4")->nic, device - plan->nics);
    assert_int_equal(pc->table, pc->vnet);
    assert_string_equal(pc->bridge, "site0");
    assert_true(plan->vms[pc->vm].site_host);
    assert_false(pc->gateway);
    assert_true(device->gateway);
    assert_string_equal(vnl_addr_format(&pc->addrs[0].gateway, buf), "192.168.0.1");
    assert_string_equal(vnl_addr_format(&nic_of(plan, "printer")->addrs[0].gateway, buf), "172.20.0.1");
    assert_int_equal(nic_of(plan, "printer")->addrs[0].prefix_len, 24);
    assert_non_null(strstr(site->hosts, "192.168.1.10 pc\n"));
    assert_string_equal(site->resolv, "");
}

/* --- guests ----------------------------------------------------------------------------------------------------------- */

static void a_gateway_is_a_guest_with_a_leg_outside(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(S2S("", "192.168.50.0/24", "") SITE);
    const struct vnl_plan_gateway *gateway = &plan->gateways[0];
    const struct vnl_plan_vm *vm = &plan->vms[gateway->vm];
    const struct vnl_plan_nic *in = &plan->nics[gateway->nic_in], *out = &plan->nics[gateway->nic_out];
    char buf[VNL_ADDR_STR];

    (void)state;
    assert_string_equal(vm->name, "gw");
    assert_true(vm->gateway);
    assert_true(vm->ip_forward);
    assert_false(vm->host);
    assert_int_equal(vm->n_nics, 2);
    assert_int_equal(vm->nics[0], gateway->nic_in);
    assert_int_equal(vm->nics[1], gateway->nic_out);
    assert_int_equal(in->n_addrs, 2);
    assert_string_equal(vnl_addr_format(&in->addrs[0].addr, buf), "10.1.255.4");
    assert_string_equal(vnl_addr_format(&in->addrs[1].addr, buf), "10.1.255.30");
    assert_true(in->gateway);
    assert_false(out->gateway);
    assert_int_equal(out->vnet, plan->internet);
    assert_string_equal(vnl_addr_format(&out->addrs[0].addr, buf), "198.51.100.1");
    assert_int_equal(out->addrs[0].prefix_len, 32);
    assert_true(vnl_addr_eq(&gateway->outer, &out->addrs[0].addr));
    assert_ptr_equal(vnl_plan_nic_by_addr(plan, plan->internet, &gateway->outer), out);
    assert_non_null(strstr(in->alias, " ip_forward gateway"));
    assert_non_null(strstr(out->alias, " 198.51.100.1/32 eth1 ip_forward gateway"));
}

static void a_gateways_public_ip_is_nobodys_translation(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(S2S("", "192.168.50.0/24", "") SITE);

    (void)state;
    assert_int_equal(plan->n_publics, 1);
    assert_int_equal(plan->publics[0].nic, VNL_PLAN_NOBODY);
    assert_int_equal(plan->publics[0].nat, VNL_PLAN_NOBODY);
    assert_int_equal(plan->nics[plan->gateways[0].nic_out].nat, VNL_PLAN_NOBODY);
}

/* Azure has no name for them in the VNet. */
static void gateways_are_in_no_hosts_file(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(S2S("", "192.168.50.0/24", "") SITE);

    (void)state;
    for (size_t i = 0; i < plan->n_vnets; i++) {
        assert_null(strstr(plan->vnets[i].hosts, " gw\n"));
        assert_null(strstr(plan->vnets[i].hosts, " office\n"));
    }
    assert_non_null(strstr(plan->vnets[0].hosts, "10.1.0.4 vm\n"));
}

static void throughput_is_the_skus_only_when_the_lab_asks(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *free_plan = plan_of(S2S("", "192.168.50.0/24", "") SITE);
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(S2S(", sku: VpnGw3, vpnGatewayGeneration: Generation2", "192.168.50.0/24",
                                        "") SITE "semantics: {gatewayThroughput: sku}\n");

    (void)state;
    assert_int_equal(free_plan->gateways[0].throughput_bps, 0);
    assert_int_equal(plan->gateways[0].throughput_bps, 2500000000);
    assert_int_equal(plan->gateways[1].throughput_bps, 0); /* a site's device has none */
}

/* --- route tables ------------------------------------------------------------------------------------------------------ */

#define RT(flags, routes) "routeTables: {rt: {" flags "routes: {" routes "}}}\n"
#define TABLE             ", routeTable: rt"

static void disabled_propagation_takes_the_gateways_rows(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(S2S("", "192.168.50.0/24", TABLE) SITE RT("disableBgpRoutePropagation: true, ", ""));

    (void)state;
    assert_rows(plan, "hub/rt", HUB INTERNET NONE);
    assert_rows(plan, "hub", HUB VIA("192.168.50.0/24", "198.51.100.1") INTERNET NONE);
}

static void a_users_route_to_the_gateway_survives_disabled_propagation(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(S2S("", "192.168.50.0/24", TABLE) SITE RT(
        "disableBgpRoutePropagation: true, ",
        "x: {addressPrefix: 192.168.50.0/24, nextHopType: VirtualNetworkGateway}"));

    (void)state;
    assert_rows(plan, "hub/rt", HUB INTERNET NONE VIA("192.168.50.0/24", "198.51.100.1"));
    assert_int_equal(row_for(plan, "hub/rt", "192.168.50.4")->nic, plan->gateways[0].nic_in);
}

static void a_users_route_wins_over_the_gateways(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(S2S("", "192.168.50.0/24", TABLE) SITE RT(
        "", "x: {addressPrefix: 192.168.50.0/24, nextHopType: None}"));

    (void)state;
    assert_rows(plan, "hub/rt",
                HUB "Invalid 192.168.50.0/24 VirtualNetworkGateway 198.51.100.1\n" INTERNET NONE
                    "Active 192.168.50.0/24 None\n");
}

static void without_a_gateway_a_users_route_leads_nowhere(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(
        "name: t\n"
        "vnets: {va: {addressSpace: [10.0.0.0/16], subnets: {s: {addressPrefix: 10.0.0.0/24, routeTable: "
        "rt}}}}\n" RT("", "x: {addressPrefix: 10.9.0.0/16, nextHopType: VirtualNetworkGateway}"));
    const struct vnl_route *row = row_for(plan, "va/rt", "10.9.0.4");

    (void)state;
    assert_int_equal(row->type, VNL_NEXT_HOP_GATEWAY);
    assert_int_equal(row->nic, VNL_PLAN_NOBODY);
    assert_int_equal(row->next_hop.family, 0);
}

/* --- forced tunnelling -------------------------------------------------------------------------------------------------- */

static void a_default_site_takes_the_default_route(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(S2S(", gatewayDefaultSite: branch", "192.168.50.0/24", "") SITE);

    (void)state;
    assert_rows(plan, "hub",
                HUB VIA("192.168.50.0/24", "198.51.100.1")
                    VIA("0.0.0.0/0", "198.51.100.1") "Invalid 0.0.0.0/0 Internet\n" NONE);
    assert_int_equal(row_for(plan, "hub", "8.8.8.8")->type, VNL_NEXT_HOP_GATEWAY);
    assert_int_equal(row_for(plan, "hub", "10.1.1.4")->type, VNL_NEXT_HOP_VNET_LOCAL);
}

static void a_subnet_escapes_by_a_users_route(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(S2S(", gatewayDefaultSite: branch", "192.168.50.0/24", TABLE) SITE RT(
        "", "out: {addressPrefix: 0.0.0.0/0, nextHopType: Internet}"));

    (void)state;
    assert_int_equal(row_for(plan, "hub/rt", "8.8.8.8")->type, VNL_NEXT_HOP_INTERNET);
    assert_int_equal(row_for(plan, "hub/rt", "192.168.50.4")->type, VNL_NEXT_HOP_GATEWAY);
}

static void a_subnet_escapes_by_disabled_propagation(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(S2S(", gatewayDefaultSite: branch", "192.168.50.0/24", TABLE)
                                        SITE RT("disableBgpRoutePropagation: true, ", ""));

    (void)state;
    assert_rows(plan, "hub/rt", HUB INTERNET NONE);
}

/* --- transit ------------------------------------------------------------------------------------------------------------- */

/* hub with a gateway to a site and to VNet far; spoke beside it. */
#define TRANSIT(hub_flags, spoke_flags, subnet)                                                              \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  hub: {addressSpace: [10.10.0.0/16], subnets: {" GW_SUBNET(                                            \
        "10.10") "}, peerings: {p: "                                                                         \
                 "{remoteVirtualNetwork: spoke" hub_flags "}}}\n"                                            \
                 "  spoke: {addressSpace: [10.20.0.0/16], subnets: {s: {addressPrefix: 10.20.0.0/24" subnet  \
                 "}}, "                                                                                      \
                 "peerings: {p: {remoteVirtualNetwork: hub" spoke_flags "}}}\n"                              \
                 "  far: {addressSpace: [10.50.0.0/16], subnets: {" GW_SUBNET(                               \
                     "10.50") "}}\n"                                                                         \
                              "virtualNetworkGateways: {hub-gw: {vnet: hub}, far-gw: {vnet: far}}\n"         \
                              "localNetworkGateways: {branch: {gatewayIpAddress: 203.0.113.10, "             \
                              "addressPrefixes: [192.168.50.0/24]}}\n"                                       \
                              "connections: {" TO_SITE("c", "hub-gw", "branch") ", " CONNECT(                \
                                  "hf", "hub-gw",                                                            \
                                  "far-gw") ", " CONNECT("fh", "far-gw",                                     \
                                                         "hub-gw") "}\n"                                     \
                                                                   "networkSecurityGroups: {nsg: {}}\n"      \
                                                                   "virtualMachines: {vm: {subnet: "         \
                                                                   "spoke/s, networkSecurityGroup: nsg}}\n"
#define LETS ", allowGatewayTransit: true"
#define USES ", useRemoteGateways: true"

static void a_spoke_has_all_rows_of_the_hubs_gateway(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(TRANSIT(LETS, USES, "") SITE);
    const struct vnl_route *row;

    (void)state;
    assert_rows(plan, "spoke",
                "Active 10.20.0.0/16 VnetLocal\nActive 10.10.0.0/16 VNetPeering deny-forwarded\n" VIA(
                    "192.168.50.0/24", "198.51.100.1") VIA("10.50.0.0/16", "198.51.100.1") INTERNET NONE);
    row = row_for(plan, "spoke", "192.168.50.10");
    assert_int_equal(row->vnet, 0);
    assert_int_equal(row->nic, plan->gateways[0].nic_in);
}

/* Spec 16 row 16. */
static void the_other_side_learns_the_spoke(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(TRANSIT(LETS, USES, "") SITE);
    CLEANUP(vnl_str_free) char *text = print_of(plan);

    (void)state;
    assert_rows(plan, "far",
                "Active 10.50.0.0/16 VnetLocal\n" VIA("10.10.0.0/16", "198.51.100.2")
                    VIA("10.20.0.0/16", "198.51.100.2") INTERNET NONE);
    assert_int_equal(plan->gateways[0].n_inside, 2);
    assert_non_null(strstr(text, "tunnel c at office\n  vpn5, to 198.51.100.1 (hub-gw)\n"
                                 "  routes 10.10.0.0/16 10.20.0.0/16\n"));
}

static void the_hubs_flag_alone_gives_nothing(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(TRANSIT(LETS, "", "") SITE);

    (void)state;
    assert_rows(
        plan, "spoke",
        "Active 10.20.0.0/16 VnetLocal\nActive 10.10.0.0/16 VNetPeering deny-forwarded\n" INTERNET NONE);
    assert_rows(plan, "far",
                "Active 10.50.0.0/16 VnetLocal\n" VIA("10.10.0.0/16", "198.51.100.2") INTERNET NONE);
    assert_int_equal(plan->gateways[0].n_inside, 1);
}

static void disabled_propagation_in_a_spoke_keeps_the_peering(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(TRANSIT(LETS, USES, ", routeTable: rt") SITE RT("disableBgpRoutePropagation: true, ", ""));

    (void)state;
    assert_rows(
        plan, "spoke/rt",
        "Active 10.20.0.0/16 VnetLocal\nActive 10.10.0.0/16 VNetPeering deny-forwarded\n" INTERNET NONE);
}

static void a_spokes_route_to_the_gateway_is_the_hubs(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(TRANSIT(LETS, USES, ", routeTable: rt") SITE RT(
        "", "x: {addressPrefix: 10.30.0.0/16, nextHopType: VirtualNetworkGateway}"));
    const struct vnl_route *row = row_for(plan, "spoke/rt", "10.30.0.4");

    (void)state;
    assert_int_equal(row->source, VNL_ROUTE_USER);
    assert_int_equal(row->nic, plan->gateways[0].nic_in);
    assert_int_equal(row->vnet, 0);
    assert_false(row->deny_forwarded);
}

static void access_to_the_hub_is_asked_and_forwarding_is_not(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(TRANSIT(LETS ", allowVirtualNetworkAccess: false", USES, "") SITE);
    const struct vnl_route *row = row_for(plan, "spoke", "192.168.50.10");

    (void)state;
    assert_true(row->deny_access_remote);
    assert_false(row->deny_access_local);
    assert_false(row->deny_forwarded);
}

static void the_tag_holds_what_is_behind_the_gateway(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(TRANSIT(LETS, USES, "") SITE);
    CLEANUP(vnl_plan_free) struct vnl_plan *apart = plan_of(TRANSIT(LETS, "", "") SITE);
    CLEANUP(vnl_str_free) char *tag = tag_of(plan, nic_of(plan, "vm")->rules_nic, "VirtualNetwork");
    CLEANUP(vnl_str_free) char *less = tag_of(apart, nic_of(apart, "vm")->rules_nic, "VirtualNetwork");

    (void)state;
    assert_string_equal(tag, "10.20.0.0/16 168.63.129.16/32 10.10.0.0/16 192.168.50.0/24 10.50.0.0/16");
    assert_string_equal(less, "10.20.0.0/16 168.63.129.16/32 10.10.0.0/16");
}

/* --- what changed, and what is told --------------------------------------------------------------------------------------- */

#define NO_GATEWAY                                                                                           \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  hub: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24, d: 10.1.1.0/24, " GW_SUBNET(             \
        "10.1") "}}\n"                                                                                       \
                "virtualMachines: {vm: {subnet: hub/s}}\n"

static void gateways_connections_and_sites_come(void **state)
{
    (void)state;
    assert_diff(
        NO_GATEWAY, S2S("", "192.168.50.0/24", "") SITE,
        "+ publicIPAddresses/gw-ip     198.51.100.1 of gw\n"
        "+ virtualNetworkGateways/gw   10.1.255.4 10.1.255.30 in hub/GatewaySubnet, public IP 198.51.100.1\n"
        "+ connections/c               gw to office (203.0.113.10)\n"
        "+ sites/office                192.168.0.0/16 172.20.0.0/24 behind 203.0.113.10\n"
        "+ sites/office/hosts/pc       192.168.1.10 in office\n"
        "+ sites/office/hosts/printer  172.20.0.9 in office\n"
        "~ routes/hub                  +192.168.50.0/24 VirtualNetworkGateway 198.51.100.1, is gw in hub\n");
}

static void what_changes_of_a_connection_is_told(void **state)
{
    (void)state;
    assert_diff(
        VNETS("10.41.0.0/16", "", "") "connections: {" PAIR_14 "}\n",
        VNETS("10.41.0.0/16", "", "") "connections: {c14: {virtualNetworkGateway1: gw1, "
                                      "virtualNetworkGateway2: gw4, sharedKey: eeffgg, connectionMode: "
                                      "ResponderOnly, dpdTimeoutSeconds: 20, ipsecPolicies: [{ikeEncryption: "
                                      "AES256, ikeIntegrity: SHA256, dhGroup: DHGroup14, ipsecEncryption: "
                                      "AES256, ipsecIntegrity: SHA256, pfsGroup: None, saLifeTimeSeconds: "
                                      "3600, saDataSizeKilobytes: 1024}]}}\n",
        "- connections/c41  gw4 to gw1 (198.51.100.1)\n"
        "~ routes/vnet1     -10.41.0.0/16 VirtualNetworkGateway 198.51.100.1, is gw1 in vnet1\n"
        "~ routes/vnet4     -10.11.0.0/16 VirtualNetworkGateway 198.51.100.2, is gw4 in vnet4\n"
        "~ routes/vnet4     -10.12.0.0/16 VirtualNetworkGateway 198.51.100.2, is gw4 in vnet4\n"
        "~ connections/c14  other end true -> false\n"
        "~ connections/c14  shared key changed\n"
        "~ connections/c14  IKE proposals aes256-sha1-modp1024,aes256-sha256-modp1024,aes128-sha1-modp1024,"
        "aes128-sha256-modp1024,3des-sha1-modp1024,3des-sha256-modp1024 -> aes256-sha256-modp2048\n"
        "~ connections/c14  ESP proposals aes256gcm16,aes256-sha1,3des-sha1,aes256-sha256,aes128-sha1,"
        "3des-sha256 -> aes256-sha256\n"
        "~ connections/c14  lifetime 27000 s or 104857600000 bytes -> 3600 s or 1048576 bytes\n"
        "~ connections/c14  dpdTimeoutSeconds 45 s -> 20 s\n"
        "~ connections/c14  initiates true -> false\n");
}

static void what_changes_of_gateways_and_sites_is_told(void **state)
{
    (void)state;
    assert_diff(
        S2S("", "192.168.50.0/24", "") SITE,
        S2S("", "192.168.50.0/24", "") "semantics: {gatewayThroughput: sku}\n"
                                       "sites: {office: {publicIPAddress: 203.0.113.11, "
                                       "addressPrefixes: [192.168.0.0/16], hosts: {pc: "
                                       "192.168.1.11}, sharedKey: aabbcc}}\n",
        "- sites/office/hosts/printer  172.20.0.9 in office\n"
        "~ routes/office               -172.20.0.0/24 VnetLocal\n"
        "~ virtualNetworkGateways/gw   throughput unlimited -> 650000000 bit/s\n"
        "~ connections/c               to office (203.0.113.10) -> 203.0.113.10\n"
        "~ connections/c               other end true -> false\n"
        "~ sites/office                public IP 203.0.113.10 -> 203.0.113.11\n"
        "~ sites/office                addressPrefixes 192.168.0.0/16 172.20.0.0/24 -> 192.168.0.0/16\n"
        "~ sites/office/hosts/pc       address 192.168.1.10/16 -> 192.168.1.11/16\n");
}

static void slots_beyond_the_tables_are_refused(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(S2S("", "192.168.50.0/24", "") SITE, NULL);
    uint32_t *const slots[] = { &lab->gateways[0]->instances[0].in_slot,
                                &lab->gateways[0]->instances[0].out_slot, &lab->sites[0]->in_slot,
                                &lab->sites[0]->hosts[1]->slot, &lab->sites[0]->slot };
    static const char *const messages[] = {
        "virtual network gateway 'gw' has slot 65536; there are 65536",
        "virtual network gateway 'gw' has slot 65536; there are 65536",
        "site 'office' has slot 65536; there are 65536",
        "host 'printer' has slot 65536; there are 65536",
        "site 'office' has slot 65536; there are 200",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        struct vnl_plan *plan = NULL;
        uint32_t kept = *slots[i];

        *slots[i] = 65536;
        assert_int_equal(vnl_plan_build(lab, &plan, &err), -E2BIG);
        assert_string_equal(err->msg, messages[i]);
        assert_null(plan);
        *slots[i] = kept;
    }
}

static void no_key_is_in_a_plan(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(S2S("", "192.168.50.0/24", "") SITE);
    CLEANUP(vnl_str_free) char *text = print_of(plan);
    struct vnl_json *json = NULL;
    char *dump = NULL;

    (void)state;
    assert_null(strstr(text, "aabbcc"));
    assert_int_equal(vnl_plan_to_json(plan, &json, NULL), 0);
    assert_int_equal(vnl_json_format(json, 2, &dump, NULL), 0);
    assert_null(strstr(dump, "aabbcc"));
    assert_non_null(strstr(dump, "\"tunnels\""));
    assert_non_null(strstr(dump, "\"virtualNetworkGateway\": \"gw\""));
    vnl_str_free(&dump);
    vnl_json_free(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_side_learns_the_others_whole_space),
        cmocka_unit_test(nothing_is_passed_on_without_bgp),
        cmocka_unit_test(rows_name_their_connection_and_lead_to_the_inside_leg),
        cmocka_unit_test(an_address_space_change_follows_by_itself),
        cmocka_unit_test(half_a_pair_makes_no_rows),
        cmocka_unit_test(a_deleted_connection_takes_its_rows),
        cmocka_unit_test(peering_beats_the_gateway),
        cmocka_unit_test(site_to_site_has_the_local_network_gateways_prefixes),
        cmocka_unit_test(an_edited_local_network_gateway_changes_rows_and_no_tunnel),
        cmocka_unit_test(a_site_is_a_network_behind_its_device),
        cmocka_unit_test(a_gateway_is_a_guest_with_a_leg_outside),
        cmocka_unit_test(a_gateways_public_ip_is_nobodys_translation),
        cmocka_unit_test(gateways_are_in_no_hosts_file),
        cmocka_unit_test(throughput_is_the_skus_only_when_the_lab_asks),
        cmocka_unit_test(disabled_propagation_takes_the_gateways_rows),
        cmocka_unit_test(a_users_route_to_the_gateway_survives_disabled_propagation),
        cmocka_unit_test(a_users_route_wins_over_the_gateways),
        cmocka_unit_test(without_a_gateway_a_users_route_leads_nowhere),
        cmocka_unit_test(a_default_site_takes_the_default_route),
        cmocka_unit_test(a_subnet_escapes_by_a_users_route),
        cmocka_unit_test(a_subnet_escapes_by_disabled_propagation),
        cmocka_unit_test(a_spoke_has_all_rows_of_the_hubs_gateway),
        cmocka_unit_test(the_other_side_learns_the_spoke),
        cmocka_unit_test(the_hubs_flag_alone_gives_nothing),
        cmocka_unit_test(disabled_propagation_in_a_spoke_keeps_the_peering),
        cmocka_unit_test(a_spokes_route_to_the_gateway_is_the_hubs),
        cmocka_unit_test(access_to_the_hub_is_asked_and_forwarding_is_not),
        cmocka_unit_test(the_tag_holds_what_is_behind_the_gateway),
        cmocka_unit_test(gateways_connections_and_sites_come),
        cmocka_unit_test(what_changes_of_a_connection_is_told),
        cmocka_unit_test(what_changes_of_gateways_and_sites_is_told),
        cmocka_unit_test(slots_beyond_the_tables_are_refused),
        cmocka_unit_test(no_key_is_in_a_plan),
    };

    return cmocka_run_group_tests_name("gateways in the plan", tests, NULL, NULL);
}
