/* Latency between VPN gateways of different regions: tables of the internet side, the image, and what is told of a change. Delays of peerings are
 * in test_plan_balancer.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>

#include "../harness/plans.h"
#include "../harness/tables.h"
#include "vnetlab/base.h"
#include "vnetlab/layout.h"

#define LATENCY "latency: [{between: [eastus, westus], rtt: 60ms}, {between: [eastus, uksouth], rtt: 75ms}]\n"
#define LAB(latency)                                                                                         \
    "name: t\nlocation: eastus\n" latency "vnets:\n"                                                         \
    "  v1: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}\n"         \
    "  v2: {addressSpace: [10.2.0.0/16], subnets: {s: 10.2.0.0/24, GatewaySubnet: 10.2.255.0/27}}\n"         \
    "  v4: {location: westus, addressSpace: [10.4.0.0/16], subnets: {GatewaySubnet: 10.4.255.0/27}}\n"       \
    "  v5: {location: uksouth, addressSpace: [10.5.0.0/16], subnets: {GatewaySubnet: 10.5.255.0/27}}\n"      \
    "  v6: {location: japaneast, addressSpace: [10.6.0.0/16], subnets: {GatewaySubnet: 10.6.255.0/27}}\n"    \
    "publicIPAddresses: {g1-ip: {ipAddress: 198.51.100.11}, g2-ip: {ipAddress: 198.51.100.12}, "             \
    "g4-ip: {location: westus, ipAddress: 198.51.100.14}, "                                                  \
    "g4-ip2: {location: westus, ipAddress: 198.51.100.24}, "                                                 \
    "g5-ip: {location: uksouth, ipAddress: 198.51.100.15}, "                                                 \
    "g6-ip: {location: japaneast, ipAddress: 198.51.100.16}, pip: {ipAddress: 198.51.100.50}}\n"             \
    "virtualNetworkGateways: {g1: {vnet: v1, publicIPAddress: g1-ip}, g2: {vnet: v2, publicIPAddress: "      \
    "g2-ip}, g4: {vnet: v4, activeActive: true, publicIPAddress: [g4-ip, g4-ip2]}, g5: {vnet: v5, "          \
    "publicIPAddress: g5-ip}, g6: {vnet: v6, publicIPAddress: g6-ip}}\n"                                     \
    "localNetworkGateways: {branch: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16]}}\n"  \
    "connections: {c: {virtualNetworkGateway1: g1, localNetworkGateway2: branch, sharedKey: aabbcc}}\n"      \
    "sites: {office: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16], hosts: {pc: "        \
    "192.168.1.10}, sharedKey: aabbcc}}\n"                                                                   \
    "virtualMachines: {vm: {subnet: v1/s, publicIPAddress: pip}}\n"

static const struct vnl_plan_nic *outside_of(const struct vnl_plan *plan, const char *gateway)
{
    for (size_t i = 0; i < plan->n_gateways; i++)
        if (strcmp(plan->gateways[i].name, gateway) == 0)
            return &plan->nics[plan->gateways[i].nic_out];
    fail_msg("no gateway '%s'", gateway);
    return NULL;
}

/* From the gateway to a public address; a: the first region of the pair. 0: none. */
static void assert_delay(const struct vnl_plan *plan, const char *gateway, const char *to, const char *a,
                         uint32_t one_way_us)
{
    const struct vnl_route_table *table = &plan->tables[outside_of(plan, gateway)->table];
    struct vnl_addr addr = tables_addr(to);
    const struct vnl_route *row = vnl_route_select(table, &addr);

    assert_non_null(row);
    assert_int_equal(row->type, VNL_NEXT_HOP_VNET_LOCAL);
    assert_int_equal(row->vnet, plan->internet);
    if (!one_way_us) {
        assert_int_equal(row->delay, 0);
        return;
    }
    assert_in_range(row->delay, 1, plan->n_delays);
    assert_int_equal(plan->delays[row->delay - 1].one_way_us, one_way_us);
    assert_string_equal(plan->delays[row->delay - 1].a, a);
}

static void gateways_of_two_regions_are_apart(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB(LATENCY));

    (void)state;
    assert_int_equal(plan->n_delays, 2);
    assert_delay(plan, "g1", "198.51.100.14", "eastus", 30000);
    assert_delay(plan, "g1", "198.51.100.24", "eastus", 30000); /* the second instance */
    assert_delay(plan, "g2", "198.51.100.15", "eastus", 37500);
    assert_delay(plan, "g4", "198.51.100.11", "eastus", 30000);
    assert_delay(plan, "g4.1", "198.51.100.12", "eastus", 30000);
    assert_delay(plan, "g5", "198.51.100.11", "eastus", 37500);
    assert_int_equal(outside_of(plan, "g1")->table, outside_of(plan, "g2")->table);
    assert_string_equal(plan->tables[outside_of(plan, "g4")->table].name, "internet from westus");
}

static void what_is_not_asked_for_is_not_delayed(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB(LATENCY)), *none = plan_of(LAB(""));

    (void)state;
    assert_delay(plan, "g1", "198.51.100.12", NULL, 0); /* of the same region */
    assert_delay(plan, "g1", "198.51.100.16", NULL, 0); /* a pair that is not in the list */
    assert_delay(plan, "g4", "198.51.100.15", NULL, 0);
    assert_delay(plan, "g1", "203.0.113.10", NULL, 0); /* a site has no region */
    assert_delay(plan, "office", "198.51.100.14", NULL, 0);
    assert_int_equal(outside_of(plan, "office")->table, plan->internet);
    assert_int_equal(outside_of(plan, "g6")->table, plan->internet);
    assert_int_equal(none->n_delays, 0);
    assert_int_equal(outside_of(none, "g1")->table, none->internet);
}

/* The last range that does not begin above the address. */
static struct vnl_route_entry lookup(const struct vnl_image *image, uint32_t routes, const char *dst)
{
    struct vnl_route_image head;
    struct vnl_route_entry entry;
    uint32_t addr = ntohl(inet_addr(dst)), start;
    uint16_t index = 0;

    memcpy(&head, image->pool + routes, sizeof(head));
    for (uint32_t i = 0; i < head.n_ranges; i++) {
        memcpy(&start, image->pool + head.start + i * sizeof(start), sizeof(start));
        if (start <= addr)
            memcpy(&index, image->pool + head.index + i * sizeof(index), sizeof(index));
    }
    memcpy(&entry, image->pool + head.route + index * sizeof(entry), sizeof(entry));
    return entry;
}

/* Public IPs are no rows of the plan; they must be in each table of the internet side. */
static void image_has_the_delay_and_public_ips(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB(LATENCY));
    CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);
    uint32_t routes = image->nics[outside_of(plan, "g1")->slot].routes4;
    uint32_t office = image->nics[outside_of(plan, "office")->slot].routes4;
    struct vnl_route_entry far = lookup(image, routes, "198.51.100.14");

    (void)state;
    assert_int_equal(far.kind, VNL_ROUTE_KIND_VNET);
    assert_int_equal(far.vnet, plan->vnets[plan->internet].slot);
    assert_int_equal(far.flags, 1 << VNL_ROUTE_DELAY_SHIFT);
    assert_int_equal(lookup(image, routes, "198.51.100.12").flags, 0);
    assert_int_equal(lookup(image, routes, "198.51.100.50").kind, VNL_ROUTE_KIND_PUBLIC);
    assert_int_equal(lookup(image, office, "198.51.100.50").kind, VNL_ROUTE_KIND_PUBLIC);
    assert_int_equal(lookup(image, office, "198.51.100.14").flags, 0);
}

#define CHANGED(gateway, before, after)                                                                      \
    "~ virtualNetworkGateways/" gateway "latency " before " -> " after "\n"
#define FROM_EAST "30000 us to 198.51.100.14, 30000 us to 198.51.100.24, 37500 us to 198.51.100.15"
#define FROM_WEST "30000 us to 198.51.100.11, 30000 us to 198.51.100.12"
#define FROM_UK   "37500 us to 198.51.100.11, 37500 us to 198.51.100.12"

static void a_change_is_told_of_the_gateways(void **state)
{
    (void)state;
    assert_diff(LAB(""), LAB(LATENCY),
                CHANGED("g1    ", "none", FROM_EAST) CHANGED("g2    ", "none", FROM_EAST)
                    CHANGED("g4    ", "none", FROM_WEST) CHANGED("g4.1  ", "none", FROM_WEST)
                        CHANGED("g5    ", "none", FROM_UK));
    assert_diff(LAB(LATENCY), LAB(""),
                CHANGED("g1    ", FROM_EAST, "none") CHANGED("g2    ", FROM_EAST, "none")
                    CHANGED("g4    ", FROM_WEST, "none") CHANGED("g4.1  ", FROM_WEST, "none")
                        CHANGED("g5    ", FROM_UK, "none"));
    assert_diff(LAB(LATENCY), LAB(LATENCY), "nothing to change\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gateways_of_two_regions_are_apart),
        cmocka_unit_test(what_is_not_asked_for_is_not_delayed),
        cmocka_unit_test(image_has_the_delay_and_public_ips),
        cmocka_unit_test(a_change_is_told_of_the_gateways),
    };

    return cmocka_run_group_tests_name("latency between gateways", tests, NULL, NULL);
}
