/* Table bytes of VPN gateways and sites: where routes to a gateway lead, who has which flag, and who owns a gateway's public address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/plans.h"
#include "../harness/tables.h"
#include "vnetlab/base.h"

#define LAB                                                                                                  \
    "name: t\n"                                                                                              \
    "latency: [{between: [eastus, westus], rtt: 20ms}]\n"                                                    \
    "vnets:\n"                                                                                               \
    "  hub: {addressSpace: [10.1.0.0/16], subnets: {s: {addressPrefix: 10.1.0.0/24, "                        \
    "routeTable: rt}, d: 10.1.1.0/24, GatewaySubnet: 10.1.255.0/27}, peerings: {p: {remoteVirtualNetwork: "  \
    "spoke, allowGatewayTransit: true, allowVirtualNetworkAccess: false}}}\n"                                \
    "  spoke: {location: westus, addressSpace: [10.2.0.0/16], subnets: {s: {addressPrefix: 10.2.0.0/24, "    \
    "routeTable: west}}, peerings: {p: "                                                                     \
    "{remoteVirtualNetwork: hub, useRemoteGateways: true}}}\n"                                               \
    "  alone: {addressSpace: [10.3.0.0/16], subnets: {s: {addressPrefix: 10.3.0.0/24, "                      \
    "routeTable: rt}}}\n"                                                                                    \
    "routeTables: {west: {location: westus, routes: {x: {addressPrefix: 172.30.0.0/16, nextHopType: "        \
    "VirtualNetworkGateway}}}, rt: {routes: {x: {addressPrefix: 172.30.0.0/16, nextHopType: "                \
    "VirtualNetworkGateway}}}}\n"                                                                            \
    "virtualNetworkGateways: {gw: {vnet: hub}}\n"                                                            \
    "localNetworkGateways: {branch: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16]}}\n"  \
    "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: branch, sharedKey: aabbcc}}\n"      \
    "sites: {office: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16], hosts: {pc: "        \
    "192.168.1.10}, sharedKey: aabbcc}}\n"                                                                   \
    "virtualMachines: {vm: {subnet: hub/d}, user: {subnet: hub/s}, far: {subnet: spoke/s}, lost: {subnet: "  \
    "alone/s}}\n"

struct lab {
    struct vnl_plan *plan;
    struct vnl_image *image;
};

static int setup(void **state)
{
    static struct lab lab;

    lab.plan = plan_of(LAB);
    lab.image = tables_image(lab.plan);
    *state = &lab;
    return 0;
}

static int teardown(void **state)
{
    struct lab *lab = *state;

    vnl_image_free(&lab->image);
    vnl_plan_free(&lab->plan);
    return 0;
}

static const struct vnl_nic_entry *entry_of(const struct lab *lab, const char *vm)
{
    return &lab->image->nics[nic_of(lab->plan, vm)->slot];
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

static struct vnl_route_entry route_of(const struct lab *lab, const char *vm, const char *dst)
{
    return lookup(lab->image, entry_of(lab, vm)->routes4, dst);
}

static uint32_t inside_slot(const struct lab *lab)
{
    return lab->plan->nics[lab->plan->gateways[0].nic_in].slot;
}

static void a_route_to_a_gateway_names_its_inside_leg(void **state)
{
    struct vnl_route_entry entry = route_of(*state, "vm", "192.168.1.10");

    assert_int_equal(entry.kind, VNL_ROUTE_KIND_GATEWAY);
    assert_int_equal(entry.nic, inside_slot(*state));
    assert_int_equal(entry.flags, 0);
    entry = route_of(*state, "user", "172.30.0.1");
    assert_int_equal(entry.kind, VNL_ROUTE_KIND_GATEWAY);
    assert_int_equal(entry.nic, inside_slot(*state));
}

/* To the hub in another region, whose link denies access. */
static void a_spokes_route_has_what_the_peering_says(void **state)
{
    static const char *const ways[] = { "192.168.1.10", "172.30.0.1" /* a user's */ };

    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        struct vnl_route_entry entry = route_of(*state, "far", ways[i]);

        assert_int_equal(entry.kind, VNL_ROUTE_KIND_GATEWAY);
        assert_int_equal(entry.nic, inside_slot(*state));
        assert_int_equal(entry.flags,
                         VNL_ROUTE_DENY_ACCESS_REMOTE | VNL_ROUTE_GLOBAL | 1 << VNL_ROUTE_DELAY_SHIFT);
    }
}

static void a_route_to_no_gateway_has_no_nic(void **state)
{
    struct vnl_route_entry entry = route_of(*state, "lost", "172.30.0.1");

    assert_int_equal(entry.kind, VNL_ROUTE_KIND_GATEWAY);
    assert_int_equal(entry.nic, VNL_ROUTE_NO_NIC);
    assert_int_equal(entry.flags, 0);
}

static void inside_legs_have_the_flag_and_nobody_else(void **state)
{
    const struct lab *lab = *state;

    for (size_t i = 0; i < lab->plan->n_nics; i++) {
        const struct vnl_plan_nic *nic = &lab->plan->nics[i];
        bool inside = i == lab->plan->gateways[0].nic_in || i == lab->plan->gateways[1].nic_in;

        assert_int_equal(!!(lab->image->nics[nic->slot].flags & VNL_NIC_GATEWAY), inside);
        assert_false(lab->image->nics[nic->slot].flags & VNL_NIC_IP_FORWARDING);
    }
}

static const struct vnl_owner *owner_of(const struct lab *lab, uint32_t vnet, const char *text)
{
    __be32 addr[4] = { 0, 0, htonl(0xffff), inet_addr(text) };

    for (uint32_t i = 0; i < lab->image->size.owner_slots; i++)
        if (lab->image->owners[i].vnet == vnet && memcmp(lab->image->owners[i].addr, addr, 16) == 0)
            return &lab->image->owners[i];
    return NULL;
}

/* The internet's table sends it to whoever owns it there, and translates nothing. */
static void a_gateway_owns_its_public_address(void **state)
{
    const struct lab *lab = *state;
    const struct vnl_plan_nic *out = &lab->plan->nics[lab->plan->gateways[0].nic_out];
    struct vnl_route_entry entry = lookup(lab->image, lab->image->nics[out->slot].routes4, "198.51.100.1");

    assert_int_equal(entry.kind, VNL_ROUTE_KIND_VNET);
    assert_int_equal(entry.vnet, VNL_INTERNET_SLOT);
    assert_int_equal(owner_of(lab, VNL_INTERNET_SLOT, "198.51.100.1")->nic, out->slot);
    assert_int_equal(owner_of(lab, VNL_INTERNET_SLOT, "203.0.113.10")->nic,
                     lab->plan->nics[lab->plan->gateways[1].nic_out].slot);
    assert_int_equal(owner_of(lab, lab->plan->vnets[0].slot, "10.1.255.30")->nic, inside_slot(lab));
    assert_int_equal(lab->image->nics[out->slot].outside, 0);
}

static void a_site_has_a_table_of_its_own_and_no_other_way_out(void **state)
{
    const struct lab *lab = *state;
    uint32_t device = lab->plan->nics[lab->plan->gateways[1].nic_in].slot;
    struct vnl_route_entry away = route_of(lab, "pc", "10.1.1.4"), near = route_of(lab, "pc", "192.168.7.7");

    assert_int_equal(entry_of(lab, "pc")->vnet, VNL_SITE_SLOT);
    assert_int_equal(entry_of(lab, "pc")->outside, 0);
    assert_int_equal(away.kind, VNL_ROUTE_KIND_GATEWAY);
    assert_int_equal(away.nic, device);
    assert_int_equal(near.kind, VNL_ROUTE_KIND_VNET);
    assert_int_equal(near.vnet, VNL_SITE_SLOT);
    assert_int_equal(owner_of(lab, VNL_SITE_SLOT, "192.168.1.10")->nic, nic_of(lab->plan, "pc")->slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_to_a_gateway_names_its_inside_leg),
        cmocka_unit_test(a_spokes_route_has_what_the_peering_says),
        cmocka_unit_test(a_route_to_no_gateway_has_no_nic),
        cmocka_unit_test(inside_legs_have_the_flag_and_nobody_else),
        cmocka_unit_test(a_gateway_owns_its_public_address),
        cmocka_unit_test(a_site_has_a_table_of_its_own_and_no_other_way_out),
    };

    return cmocka_run_group_tests_name("gateways in the tables", tests, setup, teardown);
}
