/* Effective routes: what each VNet's subnets see (spec 2, 4), in which order, and which row carries a
 * destination. */
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
#include "vnetlab/err.h"
#include "vnetlab/json.h"

#define NONE_8   "Active 10.0.0.0/8 None\n"
#define NONE_10  "Active 100.64.0.0/10 None\n"
#define NONE_12  "Active 172.16.0.0/12 None\n"
#define NONE_16  "Active 192.168.0.0/16 None\n"
#define NONE     NONE_8 NONE_10 NONE_12 NONE_16
#define INTERNET "Active 0.0.0.0/0 Internet\n"

static struct vnl_addr addr_of(const char *text)
{
    struct vnl_addr addr = { 0 };

    assert_int_equal(vnl_addr_parse(text, &addr, NULL), 0);
    return addr;
}

static struct vnl_prefix prefix_of(const char *text)
{
    struct vnl_prefix prefix = { 0 };

    assert_int_equal(vnl_prefix_parse(text, &prefix, NULL), 0);
    return prefix;
}

/* --- system routes (spec 4.1) --------------------------------------------------------------------------- */

static void assert_space_gives(const char *space, const char *rows)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    char yaml[256];

    snprintf(yaml, sizeof(yaml), "name: t\nvnets: {va: {addressSpace: [%s]}}\n", space);
    plan = plan_of(yaml);
    assert_rows(plan, "va", rows);
}

static void vnet_alone_has_the_system_routes(void **state)
{
    (void)state;
    assert_space_gives("10.0.0.0/16", "Active 10.0.0.0/16 VnetLocal\n" INTERNET NONE);
}

static void each_vnet_prefix_is_a_row_and_no_subnet_is(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(
        "name: t\nvnets: {va: {addressSpace: [10.9.0.0/16, 10.0.0.0/16], subnets: {s: 10.0.1.0/24}}}\n");

    (void)state;
    assert_rows(plan, "va", "Active 10.9.0.0/16 VnetLocal\nActive 10.0.0.0/16 VnetLocal\n" INTERNET NONE);
}

static void vnet_equal_to_a_reserved_prefix_replaces_its_none_row(void **state)
{
    (void)state;
    assert_space_gives("10.0.0.0/8", "Active 10.0.0.0/8 VnetLocal\n" INTERNET NONE_10 NONE_12 NONE_16);
}

static void vnet_around_a_reserved_prefix_removes_its_none_row(void **state)
{
    (void)state;
    assert_space_gives("172.0.0.0/8", "Active 172.0.0.0/8 VnetLocal\n" INTERNET NONE_8 NONE_10 NONE_16);
}

static void vnet_inside_a_reserved_prefix_keeps_its_none_row(void **state)
{
    (void)state;
    assert_space_gives("100.64.0.0/11", "Active 100.64.0.0/11 VnetLocal\n" INTERNET NONE);
}

static void ipv6_default_route_needs_ipv6_space(void **state)
{
    (void)state;
    assert_space_gives("10.0.0.0/16, 'fd00:1::/48'",
                       "Active 10.0.0.0/16 VnetLocal\nActive fd00:1::/48 VnetLocal\n" INTERNET
                       "Active ::/0 Internet\n" NONE);
}

/* --- peering (spec 2.2, 2.4, 2.7, 4.2) ------------------------------------------------------------------ */

#define VNET_A                                                                                               \
    "  va: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}, peerings: {a-b: {remoteVirtualNetwork: " \
    "vb}}}\n"
#define VNET_B                                                                                               \
    "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: {b-a: {remoteVirtualNetwork: " \
    "va}}}\n"
#define ALONE_B "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}}\n"
#define PAIR    "name: t\nvnets:\n" VNET_A VNET_B
#define HALF    "name: t\nvnets:\n" VNET_A ALONE_B

#define A_ALONE "Active 10.0.0.0/16 VnetLocal\n" INTERNET NONE
#define B_ALONE "Active 10.1.0.0/16 VnetLocal\n" INTERNET NONE
/* The flag that lets forwarded traffic in is off on both links. */
#define A_PEERED "Active 10.0.0.0/16 VnetLocal\nActive 10.1.0.0/16 VNetPeering deny-forwarded\n" INTERNET NONE
#define B_PEERED "Active 10.1.0.0/16 VnetLocal\nActive 10.0.0.0/16 VNetPeering deny-forwarded\n" INTERNET NONE

static void one_link_makes_no_route(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(HALF);

    (void)state;
    assert_string_equal(plan->peerings[0].state, "Initiated");
    assert_rows(plan, "va", A_ALONE);
    assert_rows(plan, "vb", B_ALONE);
}

static void two_links_make_a_route_each_way(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(PAIR);
    const struct vnl_route_table *table = table_of(plan, "va");

    (void)state;
    assert_string_equal(plan->peerings[0].state, "Connected");
    assert_rows(plan, "va", A_PEERED);
    assert_rows(plan, "vb", B_PEERED);
    assert_int_equal(table->routes[0].vnet, 0);
    assert_int_equal(table->routes[1].vnet, 1);
    assert_string_equal(table->routes[1].origin, plan->peerings[0].id);
    assert_string_equal(table->routes[0].origin, plan->vnets[0].id);
    assert_null(table->routes[2].origin);
}

static void deleted_twin_takes_the_routes_away(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = lab_of(PAIR, NULL), *after = lab_of(HALF, before);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(after);

    (void)state;
    assert_string_equal(plan->peerings[0].state, "Disconnected");
    assert_rows(plan, "va", A_ALONE);
    assert_rows(plan, "vb", B_ALONE);
}

static void peering_between_regions_is_global(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(
        "name: t\nvnets:\n"
        "  va: {location: East US, addressSpace: [10.0.0.0/16], peerings: {x: {remoteVirtualNetwork: vb}}}\n"
        "  vb: {location: westus, addressSpace: [10.1.0.0/16], peerings: {x: {remoteVirtualNetwork: va}}}\n");

    (void)state;
    assert_rows(
        plan, "va",
        "Active 10.0.0.0/16 VnetLocal\nActive 10.1.0.0/16 VNetGlobalPeering deny-forwarded\n" INTERNET NONE);
    assert_int_equal(table_of(plan, "vb")->routes[1].type, VNL_NEXT_HOP_GLOBAL_PEERING);
}

static void location_is_compared_as_azure_names_it(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(
        "name: t\nvnets:\n"
        "  va: {location: East US, addressSpace: [10.0.0.0/16], peerings: {x: {remoteVirtualNetwork: vb}}}\n"
        "  vb: {location: eastus, addressSpace: [10.1.0.0/16], peerings: {x: {remoteVirtualNetwork: va}}}\n");

    (void)state;
    assert_rows(plan, "va", A_PEERED);
}

static void peering_is_not_transitive(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of("name: t\nvnets:\n"
                "  va: {addressSpace: [10.1.0.0/16], peerings: {x: {remoteVirtualNetwork: hub}}}\n"
                "  hub: {addressSpace: [10.0.0.0/16], peerings: {x: {remoteVirtualNetwork: va}, y: "
                "{remoteVirtualNetwork: vc}}}\n"
                "  vc: {addressSpace: [10.2.0.0/16], peerings: {x: {remoteVirtualNetwork: hub}}}\n");
    struct vnl_addr in_c = addr_of("10.2.0.4");

    (void)state;
    assert_rows(
        plan, "va",
        "Active 10.1.0.0/16 VnetLocal\nActive 10.0.0.0/16 VNetPeering deny-forwarded\n" INTERNET NONE);
    assert_rows(plan, "hub",
                "Active 10.0.0.0/16 VnetLocal\nActive 10.1.0.0/16 VNetPeering deny-forwarded\n"
                "Active 10.2.0.0/16 VNetPeering deny-forwarded\n" INTERNET NONE);
    assert_int_equal(vnl_route_select(table_of(plan, "va"), &in_c)->type, VNL_NEXT_HOP_NONE);
}

#define GROWN_A                                                                                              \
    "name: t\nvnets:\n"                                                                                      \
    "  va: {addressSpace: [10.0.0.0/16, 10.99.0.0/16], subnets: {s: 10.0.0.0/24}, "                          \
    "peerings: {a-b: {remoteVirtualNetwork: vb}}}\n" VNET_B

static void new_prefix_is_routed_by_the_peer_after_its_link_synced(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = lab_of(PAIR, NULL), *after = lab_of(GROWN_A, before);
    CLEANUP(vnl_plan_free) struct vnl_plan *unsynced = plan_of_lab(after), *wrong = NULL, *synced = NULL;
    bool changed = false;

    (void)state;
    assert_string_equal(unsynced->peerings[0].sync, "RemoteNotInSync");
    assert_string_equal(unsynced->peerings[1].sync, "LocalNotInSync");
    assert_rows(unsynced, "va",
                "Active 10.0.0.0/16 VnetLocal\nActive 10.99.0.0/16 VnetLocal\n"
                "Active 10.1.0.0/16 VNetPeering deny-forwarded\n" INTERNET NONE);
    assert_rows(unsynced, "vb", B_PEERED);

    assert_int_equal(vnl_peering_sync(after, after->vnets[0]->peerings[0], &changed, NULL), 0);
    wrong = plan_of_lab(after);
    assert_string_equal(wrong->peerings[1].sync, "LocalNotInSync");
    assert_rows(wrong, "vb", B_PEERED);

    assert_int_equal(vnl_peering_sync(after, after->vnets[1]->peerings[0], &changed, NULL), 0);
    assert_true(changed);
    synced = plan_of_lab(after);
    assert_string_equal(synced->peerings[0].sync, "FullyInSync");
    assert_string_equal(synced->peerings[1].sync, "FullyInSync");
    assert_rows(synced, "vb",
                "Active 10.1.0.0/16 VnetLocal\nActive 10.0.0.0/16 VNetPeering deny-forwarded\n"
                "Active 10.99.0.0/16 VNetPeering deny-forwarded\n" INTERNET NONE);
}

/* No None row may hide a peer that owns the whole reserved range. */
static void peer_that_owns_a_reserved_prefix_replaces_the_none_row(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of("name: t\nvnets:\n"
                "  va: {addressSpace: [172.20.0.0/16], peerings: {x: {remoteVirtualNetwork: vb}}}\n"
                "  vb: {addressSpace: [10.0.0.0/8], peerings: {x: {remoteVirtualNetwork: va}}}\n");

    (void)state;
    assert_rows(
        plan, "va",
        "Active 172.20.0.0/16 VnetLocal\nActive 10.0.0.0/8 VNetPeering deny-forwarded\n" INTERNET NONE_10
            NONE_12 NONE_16);
}

/* --- flags (spec 2.5) ----------------------------------------------------------------------------------- */

static struct vnl_plan *plan_with_flags(const char *semantics, const char *a_flags, const char *b_flags)
{
    char yaml[1024];

    snprintf(yaml, sizeof(yaml),
             "name: t\nsemantics: {%s}\nvnets:\n"
             "  va: {addressSpace: [10.0.0.0/16], peerings: {x: {remoteVirtualNetwork: vb, %s}}}\n"
             "  vb: {addressSpace: [10.1.0.0/16], peerings: {x: {remoteVirtualNetwork: va, %s}}}\n",
             semantics, a_flags, b_flags);
    return plan_of(yaml);
}

#define STRICT     "peeringAccess: documented, peeringForwarded: strict"
#define ACCESS(x)  "allowVirtualNetworkAccess: " #x ", allowForwardedTraffic: true"
#define FORWARD(x) "allowVirtualNetworkAccess: true, allowForwardedTraffic: " #x

static void access_is_refused_on_the_side_whose_flag_is_off(void **state)
{
    static const struct {
        const char *a, *b, *denied_a_to_b, *denied_b_to_a;
    } cases[] = {
        { ACCESS(true), ACCESS(true), "", "" },
        { ACCESS(false), ACCESS(true), " deny-access-local", " deny-access-remote" },
        { ACCESS(true), ACCESS(false), " deny-access-remote", " deny-access-local" },
        { ACCESS(false), ACCESS(false), " deny-access-local deny-access-remote",
          " deny-access-local deny-access-remote" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_flags(STRICT, cases[i].a, cases[i].b);
        char expected[512];

        snprintf(expected, sizeof(expected),
                 "Active 10.0.0.0/16 VnetLocal\nActive 10.1.0.0/16 VNetPeering%s\n" INTERNET NONE,
                 cases[i].denied_a_to_b);
        assert_rows(plan, "va", expected);
        snprintf(expected, sizeof(expected),
                 "Active 10.1.0.0/16 VnetLocal\nActive 10.0.0.0/16 VNetPeering%s\n" INTERNET NONE,
                 cases[i].denied_b_to_a);
        assert_rows(plan, "vb", expected);
    }
}

static void tag_only_access_refuses_nothing(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_with_flags("peeringAccess: tag-only", ACCESS(false), ACCESS(false));

    (void)state;
    assert_rows(plan, "va", "Active 10.0.0.0/16 VnetLocal\nActive 10.1.0.0/16 VNetPeering\n" INTERNET NONE);
}

/* a's packets to b are judged by b's link. */
static void forwarded_traffic_is_refused_by_the_receiving_link(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_flags(STRICT, FORWARD(true), FORWARD(false));

    (void)state;
    assert_rows(
        plan, "va",
        "Active 10.0.0.0/16 VnetLocal\nActive 10.1.0.0/16 VNetPeering deny-forwarded\n" INTERNET NONE);
    assert_rows(plan, "vb", "Active 10.1.0.0/16 VnetLocal\nActive 10.0.0.0/16 VNetPeering\n" INTERNET NONE);
}

static void tag_only_forwarded_refuses_nothing(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_with_flags("peeringForwarded: tag-only", FORWARD(false), FORWARD(false));

    (void)state;
    assert_rows(plan, "va", "Active 10.0.0.0/16 VnetLocal\nActive 10.1.0.0/16 VNetPeering\n" INTERNET NONE);
}

/* --- subnet peering (spec 2.8) -------------------------------------------------------------------------- */

/* The routes are in every local subnet; the way back leads to the listed ones only. */
static void subnet_peering_routes_the_listed_subnets(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of("name: t\nvnets:\n"
                                    "  va: {addressSpace: [10.0.0.0/16], subnets: {in: 10.0.1.0/24, out: "
                                    "10.0.2.0/24}, peerings: {x: {remoteVirtualNetwork: vb,"
                                    " peerCompleteVnets: false, localSubnetNames: [in], remoteSubnetNames: "
                                    "[in], allowForwardedTraffic: true}}}\n"
                                    "  vb: {addressSpace: [10.1.0.0/16], subnets: {in: 10.1.1.0/24, out: "
                                    "10.1.2.0/24}, peerings: {x: {remoteVirtualNetwork: va,"
                                    " peerCompleteVnets: false, localSubnetNames: [in], remoteSubnetNames: "
                                    "[in], allowForwardedTraffic: true}}}\n"
                                    "virtualMachines: {listed: {subnet: va/in}, other: {subnet: va/out}}\n");
    struct vnl_addr listed = addr_of("10.0.1.4"), other = addr_of("10.0.2.4");

    (void)state;
    assert_rows(plan, "va", "Active 10.0.0.0/16 VnetLocal\nActive 10.1.1.0/24 VNetPeering\n" INTERNET NONE);
    assert_int_equal(plan->nics[0].table, plan->nics[1].table);
    assert_int_equal(vnl_route_select(table_of(plan, "vb"), &listed)->type, VNL_NEXT_HOP_PEERING);
    assert_int_equal(vnl_route_select(table_of(plan, "vb"), &other)->type, VNL_NEXT_HOP_NONE);
}

static void ipv6_only_peering_has_ipv6_rows_only(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of("name: t\nvnets:\n"
                                    "  va: {addressSpace: [10.0.0.0/16, 'fd00:a::/48'], subnets: {s: "
                                    "[10.0.1.0/24, 'fd00:a::/64']}, peerings: {x:"
                                    " {remoteVirtualNetwork: vb, peerCompleteVnets: false, "
                                    "enableOnlyIPv6Peering: true, localSubnetNames: [s],"
                                    " remoteSubnetNames: [s], allowForwardedTraffic: true}}}\n"
                                    "  vb: {addressSpace: [10.1.0.0/16, 'fd00:b::/48'], subnets: {s: "
                                    "[10.1.1.0/24, 'fd00:b::/64']}, peerings: {x:"
                                    " {remoteVirtualNetwork: va, peerCompleteVnets: false, "
                                    "enableOnlyIPv6Peering: true, localSubnetNames: [s],"
                                    " remoteSubnetNames: [s], allowForwardedTraffic: true}}}\n");

    (void)state;
    assert_rows(plan, "va",
                "Active 10.0.0.0/16 VnetLocal\nActive fd00:a::/48 VnetLocal\nActive fd00:b::/64 "
                "VNetPeering\n" INTERNET "Active ::/0 Internet\n" NONE);
}

/* --- ties, order, selection on rows of every source (spec 4.4, 4.8) ------------------------------------- */

static void add_row(struct vnl_route_table *table, enum vnl_route_source source, const char *prefix,
                    enum vnl_next_hop type, const char *next_hop)
{
    struct vnl_route *row;

    table->routes = reallocarray(table->routes, table->n_routes + 1, sizeof(*table->routes));
    row = &table->routes[table->n_routes++];
    *row = (struct vnl_route){ .source = source, .prefix = prefix_of(prefix), .type = type };
    if (next_hop)
        row->next_hop = addr_of(next_hop);
}

static char *table_text(const struct vnl_route_table *table)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    vnl_routes_print(out, table);
    fclose(out);
    return text;
}

/* The very output that spec 4.8 quotes, from rows in another order. */
static void table_looks_like_the_azure_cli(void **state)
{
    struct vnl_route_table table = { 0 };
    CLEANUP(vnl_str_free) char *text = NULL;

    (void)state;
    add_row(&table, VNL_ROUTE_USER, "0.0.0.0/0", VNL_NEXT_HOP_APPLIANCE, "10.100.200.68");
    add_row(&table, VNL_ROUTE_DEFAULT, "0.0.0.0/0", VNL_NEXT_HOP_INTERNET, NULL);
    add_row(&table, VNL_ROUTE_GATEWAY, "10.100.204.0/24", VNL_NEXT_HOP_GATEWAY, "20.16.121.157");
    add_row(&table, VNL_ROUTE_DEFAULT, "10.100.200.0/24", VNL_NEXT_HOP_PEERING, NULL);
    add_row(&table, VNL_ROUTE_DEFAULT, "10.100.201.0/24", VNL_NEXT_HOP_VNET_LOCAL, NULL);
    assert_int_equal(vnl_routes_settle(&table, NULL), 0);
    text = table_text(&table);
    assert_string_equal(
        text, "Source                 State    Address Prefix    Next Hop Type          Next Hop IP\n"
              "---------------------  -------  ----------------  ---------------------  -------------\n"
              "Default                Active   10.100.201.0/24   VnetLocal\n"
              "Default                Active   10.100.200.0/24   VNetPeering\n"
              "VirtualNetworkGateway  Active   10.100.204.0/24   VirtualNetworkGateway  20.16.121.157\n"
              "Default                Invalid  0.0.0.0/0         Internet\n"
              "User                   Active   0.0.0.0/0         VirtualAppliance       10.100.200.68\n");
    free(table.routes);
}

static void table_without_next_hops_keeps_the_column(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of("name: t\nvnets: {va: {addressSpace: [10.0.0.0/16]}}\n");
    CLEANUP(vnl_str_free) char *text = table_text(table_of(plan, "va"));

    (void)state;
    assert_string_equal(text, "Source    State    Address Prefix    Next Hop Type    Next Hop IP\n"
                              "--------  -------  ----------------  ---------------  -------------\n"
                              "Default   Active   10.0.0.0/16       VnetLocal\n"
                              "Default   Active   0.0.0.0/0         Internet\n"
                              "Default   Active   10.0.0.0/8        None\n"
                              "Default   Active   100.64.0.0/10     None\n"
                              "Default   Active   172.16.0.0/12     None\n"
                              "Default   Active   192.168.0.0/16    None\n");
}

static bool is_active(const struct vnl_route_table *table, enum vnl_route_source source, uint8_t second_byte)
{
    for (size_t i = 0; i < table->n_routes; i++)
        if (table->routes[i].source == source && table->routes[i].prefix.addr.bytes[1] == second_byte)
            return table->routes[i].active;
    fail();
    return false;
}

/* The VNet's own and a peer's rows are system routes that a gateway's never beats, equal ones neither (spec 2.6, 4.4). */
static void equal_prefixes_go_to_user_then_system_then_gateway(void **state)
{
    struct vnl_route_table table = { 0 };

    (void)state;
    add_row(&table, VNL_ROUTE_DEFAULT, "10.1.0.0/16", VNL_NEXT_HOP_PEERING, NULL);
    add_row(&table, VNL_ROUTE_GATEWAY, "10.1.0.0/16", VNL_NEXT_HOP_GATEWAY, NULL);
    add_row(&table, VNL_ROUTE_USER, "10.1.0.0/16", VNL_NEXT_HOP_NONE, NULL);
    add_row(&table, VNL_ROUTE_GATEWAY, "10.2.0.0/16", VNL_NEXT_HOP_GATEWAY, NULL);
    add_row(&table, VNL_ROUTE_DEFAULT, "10.2.0.0/16", VNL_NEXT_HOP_GLOBAL_PEERING, NULL);
    add_row(&table, VNL_ROUTE_DEFAULT, "10.3.0.0/16", VNL_NEXT_HOP_NONE, NULL);
    add_row(&table, VNL_ROUTE_GATEWAY, "10.3.0.0/16", VNL_NEXT_HOP_GATEWAY, NULL);
    assert_int_equal(vnl_routes_settle(&table, NULL), 0);
    assert_true(is_active(&table, VNL_ROUTE_USER, 1));
    assert_false(is_active(&table, VNL_ROUTE_DEFAULT, 1));
    assert_false(is_active(&table, VNL_ROUTE_GATEWAY, 1));
    assert_true(is_active(&table, VNL_ROUTE_DEFAULT, 2));
    assert_false(is_active(&table, VNL_ROUTE_GATEWAY, 2));
    assert_false(is_active(&table, VNL_ROUTE_DEFAULT, 3));
    assert_true(is_active(&table, VNL_ROUTE_GATEWAY, 3));
    free(table.routes);
}

static void equal_default_prefixes_go_to_the_earlier_row(void **state)
{
    struct vnl_route_table table = { 0 };

    (void)state;
    add_row(&table, VNL_ROUTE_DEFAULT, "10.1.0.0/16", VNL_NEXT_HOP_GLOBAL_PEERING, NULL);
    add_row(&table, VNL_ROUTE_DEFAULT, "10.1.0.0/16", VNL_NEXT_HOP_PEERING, NULL);
    add_row(&table, VNL_ROUTE_DEFAULT, "10.1.0.0/16", VNL_NEXT_HOP_VNET_LOCAL, NULL);
    assert_int_equal(vnl_routes_settle(&table, NULL), 0);
    assert_int_equal(table.routes[0].type, VNL_NEXT_HOP_VNET_LOCAL);
    assert_true(table.routes[0].active);
    assert_int_equal(table.routes[1].type,
                     VNL_NEXT_HOP_GLOBAL_PEERING); /* regional and global peerings are one group */
    assert_false(table.routes[1].active);
    assert_false(table.routes[2].active);
    free(table.routes);
}

static enum vnl_next_hop type_for(const struct vnl_route_table *table, const char *dst)
{
    struct vnl_addr addr = addr_of(dst);
    const struct vnl_route *row = vnl_route_select(table, &addr);

    return row ? row->type : VNL_NEXT_HOP_MAX;
}

static void longest_prefix_is_selected(void **state)
{
    struct vnl_route_table table = { 0 };

    (void)state;
    add_row(&table, VNL_ROUTE_DEFAULT, "10.0.0.0/16", VNL_NEXT_HOP_VNET_LOCAL, NULL);
    add_row(&table, VNL_ROUTE_DEFAULT, "10.1.0.0/16", VNL_NEXT_HOP_PEERING, NULL);
    add_row(&table, VNL_ROUTE_DEFAULT, "0.0.0.0/0", VNL_NEXT_HOP_INTERNET, NULL);
    add_row(&table, VNL_ROUTE_DEFAULT, "10.0.0.0/8", VNL_NEXT_HOP_NONE, NULL);
    assert_int_equal(vnl_routes_settle(&table, NULL), 0);
    assert_int_equal(type_for(&table, "10.0.255.255"), VNL_NEXT_HOP_VNET_LOCAL);
    assert_int_equal(type_for(&table, "10.1.0.0"), VNL_NEXT_HOP_PEERING);
    assert_int_equal(type_for(&table, "10.2.0.0"), VNL_NEXT_HOP_NONE);
    assert_int_equal(type_for(&table, "11.0.0.0"), VNL_NEXT_HOP_INTERNET);
    assert_int_equal(type_for(&table, "fd00::1"), VNL_NEXT_HOP_MAX);
    free(table.routes);
}

static void user_route_captures_from_equal_length_on(void **state)
{
    struct vnl_route_table table = { 0 };

    (void)state;
    add_row(&table, VNL_ROUTE_DEFAULT, "10.0.0.0/16", VNL_NEXT_HOP_VNET_LOCAL, NULL);
    add_row(&table, VNL_ROUTE_DEFAULT, "10.1.0.0/16", VNL_NEXT_HOP_PEERING, NULL);
    add_row(&table, VNL_ROUTE_USER, "0.0.0.0/0", VNL_NEXT_HOP_APPLIANCE, "10.9.0.4");
    add_row(&table, VNL_ROUTE_USER, "10.1.5.0/24", VNL_NEXT_HOP_APPLIANCE, "10.9.0.4");
    assert_int_equal(vnl_routes_settle(&table, NULL), 0);
    assert_int_equal(type_for(&table, "10.0.0.5"), VNL_NEXT_HOP_VNET_LOCAL);
    assert_int_equal(type_for(&table, "10.1.4.4"), VNL_NEXT_HOP_PEERING);
    assert_int_equal(type_for(&table, "10.1.5.4"), VNL_NEXT_HOP_APPLIANCE);
    add_row(&table, VNL_ROUTE_USER, "10.0.0.0/16", VNL_NEXT_HOP_APPLIANCE, "10.9.0.4");
    assert_int_equal(vnl_routes_settle(&table, NULL), 0);
    assert_int_equal(type_for(&table, "10.0.0.5"), VNL_NEXT_HOP_APPLIANCE);
    free(table.routes);
}

static void learned_route_never_beats_a_peer_or_the_vnet(void **state)
{
    struct vnl_route_table table = { 0 };

    (void)state;
    add_row(&table, VNL_ROUTE_DEFAULT, "10.1.0.0/16", VNL_NEXT_HOP_PEERING, NULL);
    add_row(&table, VNL_ROUTE_GATEWAY, "10.1.5.0/24", VNL_NEXT_HOP_GATEWAY, NULL);
    add_row(&table, VNL_ROUTE_GATEWAY, "10.7.0.0/16", VNL_NEXT_HOP_GATEWAY, NULL);
    add_row(&table, VNL_ROUTE_DEFAULT, "10.0.0.0/8", VNL_NEXT_HOP_NONE, NULL);
    assert_int_equal(vnl_routes_settle(&table, NULL), 0);
    assert_int_equal(type_for(&table, "10.1.5.4"), VNL_NEXT_HOP_PEERING);
    assert_int_equal(type_for(&table, "10.7.0.4"), VNL_NEXT_HOP_GATEWAY); /* a None row protects nobody */
    add_row(&table, VNL_ROUTE_USER, "10.1.5.0/25", VNL_NEXT_HOP_APPLIANCE, "10.9.0.4");
    assert_int_equal(vnl_routes_settle(&table, NULL), 0);
    assert_int_equal(type_for(&table, "10.1.5.4"), VNL_NEXT_HOP_APPLIANCE);
    free(table.routes);
}

static void rows_have_arms_shape(void **state)
{
    struct vnl_route_table table = { 0 };
    struct vnl_json *rows;
    CLEANUP(vnl_str_free) char *text = NULL;

    (void)state;
    add_row(&table, VNL_ROUTE_DEFAULT, "10.0.0.0/16", VNL_NEXT_HOP_VNET_LOCAL, NULL);
    add_row(&table, VNL_ROUTE_USER, "0.0.0.0/0", VNL_NEXT_HOP_APPLIANCE, "10.0.0.4");
    assert_int_equal(vnl_routes_settle(&table, NULL), 0);
    rows = vnl_routes_to_json(&table);
    assert_int_equal(vnl_json_format(rows, 0, &text, NULL), 0);
    vnl_json_free(&rows);
    free(table.routes);
    assert_string_equal(text, "[{\"name\": null, \"source\": \"Default\", \"state\": \"Active\", "
                              "\"addressPrefix\": [\"10.0.0.0/16\"], \"nextHopType\": \"VnetLocal\", "
                              "\"nextHopIpAddress\": [], \"disableBgpRoutePropagation\": false, "
                              "\"hasBgpOverride\": false, \"destinationServiceTags\": [], \"tagMap\": {}}, "
                              "{\"name\": null, \"source\": \"User\", \"state\": \"Active\", "
                              "\"addressPrefix\": [\"0.0.0.0/0\"], \"nextHopType\": \"VirtualAppliance\", "
                              "\"nextHopIpAddress\": [\"10.0.0.4\"], \"disableBgpRoutePropagation\": false, "
                              "\"hasBgpOverride\": false, \"destinationServiceTags\": [], \"tagMap\": {}}]");
}

int main(void)
{
    const struct CMUnitTest routes[] = {
        cmocka_unit_test(vnet_alone_has_the_system_routes),
        cmocka_unit_test(each_vnet_prefix_is_a_row_and_no_subnet_is),
        cmocka_unit_test(vnet_equal_to_a_reserved_prefix_replaces_its_none_row),
        cmocka_unit_test(vnet_around_a_reserved_prefix_removes_its_none_row),
        cmocka_unit_test(vnet_inside_a_reserved_prefix_keeps_its_none_row),
        cmocka_unit_test(ipv6_default_route_needs_ipv6_space),
        cmocka_unit_test(one_link_makes_no_route),
        cmocka_unit_test(two_links_make_a_route_each_way),
        cmocka_unit_test(deleted_twin_takes_the_routes_away),
        cmocka_unit_test(peering_between_regions_is_global),
        cmocka_unit_test(location_is_compared_as_azure_names_it),
        cmocka_unit_test(peering_is_not_transitive),
        cmocka_unit_test(new_prefix_is_routed_by_the_peer_after_its_link_synced),
        cmocka_unit_test(peer_that_owns_a_reserved_prefix_replaces_the_none_row),
        cmocka_unit_test(access_is_refused_on_the_side_whose_flag_is_off),
        cmocka_unit_test(tag_only_access_refuses_nothing),
        cmocka_unit_test(forwarded_traffic_is_refused_by_the_receiving_link),
        cmocka_unit_test(tag_only_forwarded_refuses_nothing),
        cmocka_unit_test(subnet_peering_routes_the_listed_subnets),
        cmocka_unit_test(ipv6_only_peering_has_ipv6_rows_only),
        cmocka_unit_test(table_looks_like_the_azure_cli),
        cmocka_unit_test(table_without_next_hops_keeps_the_column),
        cmocka_unit_test(equal_prefixes_go_to_user_then_system_then_gateway),
        cmocka_unit_test(equal_default_prefixes_go_to_the_earlier_row),
        cmocka_unit_test(longest_prefix_is_selected),
        cmocka_unit_test(user_route_captures_from_equal_length_on),
        cmocka_unit_test(learned_route_never_beats_a_peer_or_the_vnet),
        cmocka_unit_test(rows_have_arms_shape),
    };

    return cmocka_run_group_tests_name("routes", routes, NULL, NULL);
}
