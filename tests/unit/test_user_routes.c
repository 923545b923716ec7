/* User-defined routes in the effective ones: each row of the tables of spec 4 that is about rows, and where a next hop is alive. */
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

#define NONE_8   "Active 10.0.0.0/8 None\n"
#define NONE_10  "Active 100.64.0.0/10 None\n"
#define NONE_12  "Active 172.16.0.0/12 None\n"
#define NONE_16  "Active 192.168.0.0/16 None\n"
#define NONE     NONE_8 NONE_10 NONE_12 NONE_16
#define INTERNET "Active 0.0.0.0/0 Internet\n"
#define LOCAL    "Active 10.0.0.0/16 VnetLocal\n"

/* One VNet; its subnet s has route table rt with the routes given. */
#define ONE(routes)                                                                                          \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  va: {addressSpace: [10.0.0.0/16], subnets: {nva: 10.0.9.0/24, s: {addressPrefix: 10.0.1.0/24, "       \
    "routeTable: rt}}}\n"                                                                                    \
    "routeTables: {rt: {routes: {" routes "}}}\n"                                                            \
    "virtualMachines:\n"                                                                                     \
    "  nva: {subnet: va/nva, enableIPForwarding: true}\n"                                                    \
    "  vm: {subnet: va/s}\n"

#define NVA "nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4"

static struct vnl_addr addr_of(const char *text)
{
    struct vnl_addr addr = { 0 };

    assert_int_equal(vnl_addr_parse(text, &addr, NULL), 0);
    return addr;
}

/* The row that carries `dst` from a VM, as "VirtualAppliance 10.0.9.4". */
static void assert_carries(const struct vnl_plan *plan, const char *vm, const char *dst, const char *expected)
{
    struct vnl_addr addr = addr_of(dst);
    const struct vnl_route *row = vnl_route_select(&plan->tables[nic_of(plan, vm)->table], &addr);
    char hop[VNL_ADDR_STR] = "", got[128];

    assert_non_null(row);
    if (row->next_hop.family != AF_UNSPEC)
        (void)vnl_addr_format(&row->next_hop, hop);
    snprintf(got, sizeof(got), "%s%s%s", vnl_next_hop_str(row->type), hop[0] ? " " : "", hop);
    assert_string_equal(got, expected);
}

static const struct vnl_route *user_row(const struct vnl_plan *plan, const char *table)
{
    const struct vnl_route_table *found = table_of(plan, table);

    for (size_t i = 0; i < found->n_routes; i++)
        if (found->routes[i].source == VNL_ROUTE_USER)
            return &found->routes[i];
    fail_msg("no user's row in '%s'", table);
    return NULL;
}

/* --- which tables ------------------------------------------------------------------------------------------------ */

#define SHARED                                                                                               \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  va: {addressSpace: [10.0.0.0/16], subnets: {a: {addressPrefix: 10.0.1.0/24, routeTable: r1}, b: "     \
    "{addressPrefix: 10.0.2.0/24, routeTable: r2}, c: {addressPrefix: 10.0.3.0/24, routeTable: r1}, d: "     \
    "10.0.4.0/24}}\n"                                                                                        \
    "  vb: {addressSpace: [10.1.0.0/16], subnets: {a: {addressPrefix: 10.1.1.0/24, routeTable: r1}}}\n"      \
    "routeTables:\n"                                                                                         \
    "  r1: {disableBgpRoutePropagation: true, routes: {x: {addressPrefix: 10.9.0.0/16, nextHopType: "        \
    "None}}}\n"                                                                                              \
    "  r2: {routes: {}}\n"                                                                                   \
    "  unused: {routes: {x: {addressPrefix: 10.8.0.0/16, nextHopType: None}}}\n"                             \
    "virtualMachines: {a: {subnet: va/a}, b: {subnet: va/b}, c: {subnet: va/c}, d: {subnet: va/d}, e: "      \
    "{subnet: vb/a}}\n"

static void subnets_of_a_vnet_share_a_table_per_route_table(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(SHARED);

    (void)state;
    assert_int_equal(plan->n_tables, 5);
    assert_string_equal(plan->tables[0].name, "va");
    assert_string_equal(plan->tables[1].name, "vb");
    assert_string_equal(plan->tables[nic_of(plan, "a")->table].name, "va/r1");
    assert_string_equal(plan->tables[nic_of(plan, "b")->table].name, "va/r2");
    assert_int_equal(nic_of(plan, "c")->table, nic_of(plan, "a")->table);
    assert_int_equal(nic_of(plan, "d")->table, 0);
    assert_string_equal(plan->tables[nic_of(plan, "e")->table].name, "vb/r1");
    assert_int_equal(plan->tables[nic_of(plan, "e")->table].vnet, 1);
    assert_rows(plan, "va/r2", LOCAL INTERNET NONE);
    assert_rows(plan, "va", LOCAL INTERNET NONE);
}

/* What it takes away is tested where there are gateways (test_plan_gateway.c). */
static void disabled_propagation_stays_with_the_table(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(SHARED);

    (void)state;
    assert_true(table_of(plan, "va/r1")->disable_bgp);
    assert_true(table_of(plan, "vb/r1")->disable_bgp);
    assert_false(table_of(plan, "va/r2")->disable_bgp);
    assert_false(table_of(plan, "va")->disable_bgp);
    assert_non_null(strstr(table_of(plan, "va/r1")->route_table, "/routeTables/r1"));
    assert_null(table_of(plan, "va")->route_table);
}

/* --- spec 4.1, 4.4 and the table at the end of section 4 ------------------------------------------------------------ */

static void default_route_to_an_appliance_wins_and_takes_the_none_rows(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ONE("all: {addressPrefix: 0.0.0.0/0, " NVA "}"));

    (void)state;
    assert_rows(plan, "va/rt",
                LOCAL "Invalid 0.0.0.0/0 Internet\nActive 0.0.0.0/0 VirtualAppliance 10.0.9.4\n");
    assert_rows(plan, "va", LOCAL INTERNET NONE);
    assert_carries(plan, "vm", "10.0.9.4", "VnetLocal"); /* direct, the appliance sees nothing */
    assert_carries(plan, "vm", "172.16.0.1", "VirtualAppliance 10.0.9.4");
    assert_carries(plan, "nva", "172.16.0.1", "None");
}

static void default_route_to_a_gateway_takes_the_none_rows_too(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(ONE("all: {addressPrefix: 0.0.0.0/0, nextHopType: VirtualNetworkGateway}"));

    (void)state;
    assert_rows(plan, "va/rt", LOCAL "Invalid 0.0.0.0/0 Internet\nActive 0.0.0.0/0 VirtualNetworkGateway\n");
}

static void default_route_to_a_dead_appliance_takes_the_none_rows_too(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(ONE("all: {addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, "
                                        "nextHopIpAddress: 10.0.9.99}"));

    (void)state;
    assert_rows(plan, "va/rt", LOCAL "Invalid 0.0.0.0/0 Internet\nActive 0.0.0.0/0 None 10.0.9.99\n");
}

static void default_route_to_the_internet_or_nowhere_leaves_the_none_rows(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *internet = plan_of(ONE("all: {addressPrefix: 0.0.0.0/0, nextHopType: Internet}"));
    CLEANUP(vnl_plan_free)
    struct vnl_plan *none = plan_of(ONE("all: {addressPrefix: 0.0.0.0/0, nextHopType: None}"));

    (void)state;
    assert_rows(internet, "va/rt", LOCAL "Invalid 0.0.0.0/0 Internet\n" NONE "Active 0.0.0.0/0 Internet\n");
    assert_rows(none, "va/rt", LOCAL "Invalid 0.0.0.0/0 Internet\n" NONE "Active 0.0.0.0/0 None\n");
}

static void narrower_route_leaves_the_none_rows(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ONE("x: {addressPrefix: 172.16.0.0/12, " NVA "}"));

    (void)state;
    assert_rows(plan, "va/rt",
                LOCAL INTERNET NONE_8 NONE_10 "Invalid 172.16.0.0/12 None\n" NONE_16
                                              "Active 172.16.0.0/12 VirtualAppliance 10.0.9.4\n");
}

static void route_equal_to_the_vnet_captures_neighbours(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ONE("x: {addressPrefix: 10.0.0.0/16, " NVA "}"));

    (void)state;
    assert_rows(plan, "va/rt",
                "Invalid 10.0.0.0/16 VnetLocal\n" INTERNET NONE
                "Active 10.0.0.0/16 VirtualAppliance 10.0.9.4\n");
    assert_carries(plan, "vm", "10.0.1.77", "VirtualAppliance 10.0.9.4");
    assert_carries(plan, "nva", "10.0.1.4", "VnetLocal");
}

static void own_subnet_by_vnet_local_frees_neighbours(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(ONE("x: {addressPrefix: 10.0.0.0/16, " NVA "}, own: {addressPrefix: "
                                        "10.0.1.0/24, nextHopType: VnetLocal}"));

    (void)state;
    assert_carries(plan, "vm", "10.0.1.77", "VnetLocal");
    assert_carries(plan, "vm", "10.0.2.4", "VirtualAppliance 10.0.9.4");
    assert_int_equal(user_row(plan, "va/rt")->nic, 0);
}

static void wider_route_captures_nothing_of_the_vnet(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ONE("x: {addressPrefix: 10.0.0.0/8, " NVA "}"));

    (void)state;
    assert_carries(plan, "vm", "10.0.2.4", "VnetLocal");
    assert_carries(plan, "vm", "10.77.0.1", "VirtualAppliance 10.0.9.4");
}

static void route_to_the_internet_has_no_next_hop(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(ONE("x: {addressPrefix: 10.77.0.0/16, nextHopType: Internet}"));

    (void)state;
    assert_carries(plan, "vm", "10.77.0.1", "Internet");
    assert_int_equal(user_row(plan, "va/rt")->nic, VNL_PLAN_NOBODY);
}

/* --- peered VNets ------------------------------------------------------------------------------------------------------ */

/* hub - s1, hub - s2; s1 has the routes given, the appliance is in the hub. */
#define HUB(routes)                                                                                          \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  hub: {addressSpace: [10.0.0.0/16], subnets: {nva: 10.0.1.0/24}, peerings: {h1: "                      \
    "{remoteVirtualNetwork: s1, allowForwardedTraffic: true}, h2: {remoteVirtualNetwork: s2}}}\n"            \
    "  s1: {addressSpace: [10.1.0.0/16], subnets: {s: {addressPrefix: 10.1.0.0/24, routeTable: rt}}, "       \
    "peerings: {x: {remoteVirtualNetwork: hub, allowForwardedTraffic: true}}}\n"                             \
    "  s2: {location: westus, addressSpace: [10.2.0.0/16], subnets: {s: 10.2.0.0/24}, peerings: {x: "        \
    "{remoteVirtualNetwork: hub, allowForwardedTraffic: true}}}\n"                                           \
    "routeTables: {rt: {routes: {" routes "}}}\n"                                                            \
    "virtualMachines:\n"                                                                                     \
    "  nva: {subnet: hub/nva, enableIPForwarding: true}\n"                                                   \
    "  vm1: {subnet: s1/s}\n"                                                                                \
    "  vm2: {subnet: s2/s}\n"
#define HUB_NVA "nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.1.4"
#define S1      "Active 10.1.0.0/16 VnetLocal\nActive 10.0.0.0/16 VNetPeering\n"

static void appliance_in_a_peered_vnet_is_found(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(HUB("x: {addressPrefix: 10.2.0.0/16, " HUB_NVA "}"));
    const struct vnl_route *row = user_row(plan, "s1/rt");

    (void)state;
    assert_rows(plan, "s1/rt", S1 INTERNET NONE "Active 10.2.0.0/16 VirtualAppliance 10.0.1.4\n");
    assert_int_equal(row->nic, 0);
    assert_int_equal(row->balancer, VNL_PLAN_NOBODY);
    assert_int_equal(row->vnet, 0);
    assert_false(row->dead);
    assert_carries(plan, "vm1", "10.2.0.4", "VirtualAppliance 10.0.1.4");
    assert_carries(plan, "vm1", "10.0.1.77", "VNetPeering");
}

/* Its flag on the link of the hub is off, so the hub drops what s1 sends on for others. */
static void appliance_row_carries_the_flags_of_the_links(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = lab_of(HUB("x: {addressPrefix: 10.2.0.0/16, " HUB_NVA "}"), NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    lab->vnets[0]->peerings[0]->allow_forwarded_traffic = false;
    lab->vnets[0]->peerings[0]->allow_vnet_access = false;
    plan = plan_of_lab(lab);
    assert_true(user_row(plan, "s1/rt")->deny_forwarded);
    assert_true(user_row(plan, "s1/rt")->deny_access_remote);
    assert_false(user_row(plan, "s1/rt")->deny_access_local);
}

static void route_to_nowhere_beats_the_peering(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(HUB("x: {addressPrefix: 10.0.0.0/16, nextHopType: None}"));

    (void)state;
    assert_rows(plan, "s1/rt",
                "Active 10.1.0.0/16 VnetLocal\nInvalid 10.0.0.0/16 VNetPeering\n" INTERNET NONE
                "Active 10.0.0.0/16 None\n");
    assert_carries(plan, "vm1", "10.0.1.4", "None");
    assert_string_equal(plan->peerings[0].state, "Connected");
}

static void route_inside_a_peer_takes_its_part_only(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(HUB("x: {addressPrefix: 10.0.5.0/24, " HUB_NVA "}"));

    (void)state;
    assert_carries(plan, "vm1", "10.0.5.9", "VirtualAppliance 10.0.1.4");
    assert_carries(plan, "vm1", "10.0.6.9", "VNetPeering");
}

static void assert_dead(const char *yaml, const char *rows)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(yaml);

    assert_rows(plan, "s1/rt", rows);
    assert_true(user_row(plan, "s1/rt")->dead);
    assert_int_equal(user_row(plan, "s1/rt")->nic, VNL_PLAN_NOBODY);
}

static void next_hop_that_nobody_has_is_none_with_the_address(void **state)
{
    (void)state;
    assert_dead(HUB("x: {addressPrefix: 10.2.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: "
                    "10.0.1.99}"),
                S1 INTERNET NONE "Active 10.2.0.0/16 None 10.0.1.99\n");
}

/* vm2 has the address, and its VNet is two peerings away. */
static void next_hop_behind_two_peerings_is_dead(void **state)
{
    (void)state;
    assert_dead(HUB("x: {addressPrefix: 10.9.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: "
                    "10.2.0.4}"),
                S1 INTERNET NONE "Active 10.9.0.0/16 None 10.2.0.4\n");
}

static void next_hop_behind_a_link_that_is_not_connected_is_dead(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = lab_of(HUB("x: {addressPrefix: 10.9.0.0/16, " HUB_NVA "}"), NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    lab->vnets[0]->peerings[0]->state = VNL_PEERING_DISCONNECTED;
    plan = plan_of_lab(lab);
    assert_true(user_row(plan, "s1/rt")->dead);
    assert_rows(plan, "s1/rt",
                "Active 10.1.0.0/16 VnetLocal\n" INTERNET NONE "Active 10.9.0.0/16 None 10.0.1.4\n");
}

/* What counts is what the link has in force, not what the hub has now. */
static void next_hop_outside_of_the_prefixes_in_force_is_dead(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = lab_of(HUB("x: {addressPrefix: 10.9.0.0/16, " HUB_NVA "}"), NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    lab->vnets[1]->peerings[0]->remote_space.items[0].len = 24;
    plan = plan_of_lab(lab);
    assert_true(user_row(plan, "s1/rt")->dead);
}

static void appliance_behind_a_global_peering_is_found(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = lab_of(HUB("x: {addressPrefix: 10.2.0.0/16, " HUB_NVA "}"), NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    char *location = lab->vnets[1]->scope.location;
    char elsewhere[] = "westus";

    (void)state;
    lab->vnets[1]->scope.location = elsewhere;
    plan = plan_of_lab(lab);
    lab->vnets[1]->scope.location = location;
    assert_int_equal(table_of(plan, "s1/rt")->routes[1].type, VNL_NEXT_HOP_GLOBAL_PEERING);
    assert_int_equal(user_row(plan, "s1/rt")->type, VNL_NEXT_HOP_APPLIANCE);
}

/* --- IPv6, several NICs ------------------------------------------------------------------------------------------------- */

#define DUAL                                                                                                 \
    "name: t\n"                                                                                              \
    "vnets: {va: {addressSpace: [10.0.0.0/16, 'fd00:a::/48'], subnets: {nva: [10.0.9.0/24, "                 \
    "'fd00:a:0:9::/64'], s: {addressPrefixes: [10.0.1.0/24, 'fd00:a:0:1::/64'], routeTable: rt}}}}\n"        \
    "routeTables:\n"                                                                                         \
    "  rt:\n"                                                                                                \
    "    routes:\n"                                                                                          \
    "      all: {addressPrefix: '::/0', nextHopType: VirtualAppliance, nextHopIpAddress: "                   \
    "'fd00:a:0:9::4'}\n"                                                                                     \
    "      x: {addressPrefix: 'fd00:b::/48', nextHopType: VirtualAppliance, nextHopIpAddress: "              \
    "'fd00:a:0:9::99'}\n"                                                                                    \
    "virtualMachines: {nva: {subnet: va/nva, enableIPForwarding: true}, vm: {subnet: va/s}}\n"

static void ipv6_routes_leave_the_none_rows(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(DUAL);

    (void)state;
    assert_rows(plan, "va/rt",
                LOCAL "Active fd00:a::/48 VnetLocal\n" INTERNET "Invalid ::/0 Internet\n" NONE
                      "Active ::/0 VirtualAppliance fd00:a:0:9::4\nActive fd00:b::/48 None fd00:a:0:9::99\n");
    assert_carries(plan, "vm", "2001:db8::1", "VirtualAppliance fd00:a:0:9::4");
    assert_carries(plan, "vm", "198.51.100.1", "Internet");
}

/* --- Azure's output --------------------------------------------------------------------------------------------------------- */

static void row_of_a_user_has_its_name_in_json(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(SHARED);
    CLEANUP(vnl_json_free) struct vnl_json *rows = vnl_routes_to_json(table_of(plan, "va/r1"));
    struct vnl_json *last = vnl_json_at(rows, 6);

    (void)state;
    assert_int_equal(vnl_json_len(rows), 7);
    assert_string_equal(vnl_json_get_text(last, "name"), "x");
    assert_string_equal(vnl_json_get_text(last, "source"), "User");
    assert_true(vnl_json_get_bool(last, "disableBgpRoutePropagation", false));
    assert_null(vnl_json_get_text(vnl_json_at(rows, 0), "name"));
}

static void table_shows_the_user_row_last(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ONE("all: {addressPrefix: 0.0.0.0/0, " NVA "}"));
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    vnl_routes_print(out, table_of(plan, "va/rt"));
    fclose(out);
    assert_string_equal(text, "Source    State    Address Prefix    Next Hop Type     Next Hop IP\n"
                              "--------  -------  ----------------  ----------------  -------------\n"
                              "Default   Active   10.0.0.0/16       VnetLocal\n"
                              "Default   Invalid  0.0.0.0/0         Internet\n"
                              "User      Active   0.0.0.0/0         VirtualAppliance  10.0.9.4\n");
}

int main(void)
{
    const struct CMUnitTest routes[] = {
        cmocka_unit_test(subnets_of_a_vnet_share_a_table_per_route_table),
        cmocka_unit_test(disabled_propagation_stays_with_the_table),
        cmocka_unit_test(default_route_to_an_appliance_wins_and_takes_the_none_rows),
        cmocka_unit_test(default_route_to_a_gateway_takes_the_none_rows_too),
        cmocka_unit_test(default_route_to_a_dead_appliance_takes_the_none_rows_too),
        cmocka_unit_test(default_route_to_the_internet_or_nowhere_leaves_the_none_rows),
        cmocka_unit_test(narrower_route_leaves_the_none_rows),
        cmocka_unit_test(route_equal_to_the_vnet_captures_neighbours),
        cmocka_unit_test(own_subnet_by_vnet_local_frees_neighbours),
        cmocka_unit_test(wider_route_captures_nothing_of_the_vnet),
        cmocka_unit_test(route_to_the_internet_has_no_next_hop),
        cmocka_unit_test(appliance_in_a_peered_vnet_is_found),
        cmocka_unit_test(appliance_row_carries_the_flags_of_the_links),
        cmocka_unit_test(route_to_nowhere_beats_the_peering),
        cmocka_unit_test(route_inside_a_peer_takes_its_part_only),
        cmocka_unit_test(next_hop_that_nobody_has_is_none_with_the_address),
        cmocka_unit_test(next_hop_behind_two_peerings_is_dead),
        cmocka_unit_test(next_hop_behind_a_link_that_is_not_connected_is_dead),
        cmocka_unit_test(next_hop_outside_of_the_prefixes_in_force_is_dead),
        cmocka_unit_test(appliance_behind_a_global_peering_is_found),
        cmocka_unit_test(ipv6_routes_leave_the_none_rows),
        cmocka_unit_test(row_of_a_user_has_its_name_in_json),
        cmocka_unit_test(table_shows_the_user_row_last),
    };

    return cmocka_run_group_tests_name("user routes", routes, NULL, NULL);
}
