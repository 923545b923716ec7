/* Rows of spec vpn 2 to 4, 6, 9.4 and 16 about what is accepted and what is refused of gateways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/mistakes.h"
#include "../harness/plans.h"
#include "vnetlab/base.h"
#include "vnetlab/lab.h"

#define HUB                                                                                                  \
    "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}}\n"
#define FAR                                                                                                  \
    "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}, far: "               \
    "{addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"

/* Spec 3, but for its columns about clients and VMs. */
static void every_row_of_the_table_of_skus(void **state)
{
    static const struct {
        int generation;
        const char *name;
        int tunnels, mbps;
    } rows[] = {
        { 1, "Basic", 10, 100 },     { 1, "VpnGw1", 30, 650 },     { 1, "VpnGw2", 30, 1000 },
        { 1, "VpnGw3", 30, 1250 },   { 1, "VpnGw1AZ", 30, 650 },   { 1, "VpnGw2AZ", 30, 1000 },
        { 1, "VpnGw3AZ", 30, 1250 }, { 2, "VpnGw2", 30, 1250 },    { 2, "VpnGw3", 30, 2500 },
        { 2, "VpnGw4", 100, 5000 },  { 2, "VpnGw5", 100, 10000 },  { 2, "VpnGw2AZ", 30, 1250 },
        { 2, "VpnGw3AZ", 30, 2500 }, { 2, "VpnGw4AZ", 100, 5000 }, { 2, "VpnGw5AZ", 100, 10000 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct vnl_gateway_sku *sku = vnl_gateway_sku_lookup(rows[i].name, rows[i].generation);

        assert_non_null(sku);
        assert_int_equal(sku->tunnels, rows[i].tunnels);
        assert_int_equal(sku->mbps, rows[i].mbps);
        assert_int_equal(sku->basic, i == 0);
    }
    assert_null(vnl_gateway_sku_lookup("Basic", 2));
    assert_null(vnl_gateway_sku_lookup("VpnGw1AZ", 2));
    assert_null(vnl_gateway_sku_lookup("VpnGw4", 1));
}

static void a_resized_gateway_keeps_its_public_address(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = settled_lab(
        FAR "publicIPAddresses: {p: {}}\n"
            "virtualNetworkGateways: {gw: {vnet: hub, sku: VpnGw2, vpnGatewayGeneration: Generation2}, fw: "
            "{vnet: far, publicIPAddress: p, sku: VpnGw3AZ, vpnGatewayGeneration: Generation2}}\n",
        NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        FAR "publicIPAddresses: {other: {}, p: {}}\n"
            "virtualNetworkGateways: {fw: {vnet: far, publicIPAddress: p, sku: VpnGw5AZ, "
            "vpnGatewayGeneration: Generation2}, gw: {vnet: hub, sku: VpnGw3, vpnGatewayGeneration: "
            "Generation2}}\n",
        before);
    static const char *const names[] = { "gw", "fw" };

    (void)state;
    assert_string_equal(vnl_vpn_gateway_lookup(lab, "gw")->sku, "VpnGw3");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct vnl_vpn_gateway *was = vnl_vpn_gateway_lookup(before, names[i]);
        const struct vnl_vpn_gateway *is = vnl_vpn_gateway_lookup(lab, names[i]);

        assert_true(vnl_addr_eq(&is->instances[0].public_ip->addr, &was->instances[0].public_ip->addr));
        assert_true(vnl_addr_eq(&is->instances[0].inner, &was->instances[0].inner));
    }
}

/* n_sites connections to sites, and one to the other network, all of gw, a VpnGw1. */
static char *with_connections(int n_sites)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)fprintf(out, FAR "virtualNetworkGateways: {gw: {vnet: hub, sku: VpnGw1}, fw: {vnet: far}}\n"
                           "localNetworkGateways:\n");
    for (int i = 0; i < n_sites; i++)
        (void)fprintf(out, "  l%d: {gatewayIpAddress: 203.0.113.%d, addressPrefixes: 192.168.%d.0/24}\n", i,
                      i + 1, i);
    (void)fprintf(out, "connections:\n");
    for (int i = 0; i < n_sites; i++)
        (void)fprintf(out, "  c%d: {virtualNetworkGateway1: gw, localNetworkGateway2: l%d}\n", i, i);
    (void)fprintf(out, "  v: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw}\n"
                       "  w: {virtualNetworkGateway1: fw, virtualNetworkGateway2: gw}\n");
    (void)fclose(out);
    return text;
}

static void sites_and_networks_count_together(void **state)
{
    CLEANUP(vnl_str_free) char *thirty = with_connections(29);
    CLEANUP(vnl_str_free) char *more = with_connections(30);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(thirty, NULL);

    (void)state;
    assert_int_equal(lab->n_connections, 31); /* the far end's is its own gateway's */
    assert_refused_lab(more, NULL,
                       "BadRequest 65:31 Virtual network gateway 'gw' is VpnGw1 and has 30 connections at "
                       "most: 'v' is one more\n");
}

/* Spec 9.1: the usable private ones, and 32 bits. */
static void asns_that_nobody_keeps_are_accepted(void **state)
{
    static const char *const asns[] = { "64512", "64514", "65521", "65534", "65552", "4200000000" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(asns); i++) {
        CLEANUP(vnl_str_free) char *text = NULL;
        CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;

        assert_true(asprintf(&text, HUB "virtualNetworkGateways: {gw: {vnet: hub, asn: %s}}\n", asns[i]) > 0);
        lab = settled_lab(text, NULL);
        assert_int_equal(lab->gateways[0]->asn, strtoul(asns[i], NULL, 10));
    }
}

static void asns_that_somebody_keeps_are_refused(void **state)
{
    static const char *const asns[] = { "8074",  "8075",  "12076", "65517", "65518", "65519",     "65520",
                                        "23456", "64496", "64511", "65535", "65551", "4294967295" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(asns); i++) {
        CLEANUP(vnl_str_free) char *text = NULL;
        CLEANUP(vnl_str_free) char *expected = NULL;

        assert_true(asprintf(&text, HUB "virtualNetworkGateways: {gw: {vnet: hub, asn: %s}}\n", asns[i]) > 0);
        assert_true(asprintf(&expected,
                             "BadRequest 2:26 Virtual network gateway 'gw' cannot have the ASN %s: it is "
                             "reserved | such as 65010; without one it is 65515\n",
                             asns[i]) > 0);
        assert_refused_lab(text, NULL, expected);
    }
}

static void a_gateway_is_in_no_other_subnet(void **state)
{
    (void)state;
    assert_refused_lab(
        HUB "virtualNetworkGateways: {gw: {vnet: hub, subnet: a}}\n", NULL,
        "InvalidRequestContent 2:42 'subnet' is always the VNet's GatewaySubnet | use 'vnet'\n");
}

/* Spec 16 row 10. A lab has no dynamic ones at all. */
static void a_dynamic_address_is_refused(void **state)
{
    (void)state;
    assert_refused_lab(HUB "publicIPAddresses: {p: {sku: Basic, publicIPAllocationMethod: Dynamic}}\n"
                           "virtualNetworkGateways: {gw: {vnet: hub, sku: VpnGw1, publicIPAddress: p}}\n",
                       NULL,
                       "InvalidRequestContent 2:37 'publicIPAllocationMethod' is always Static here\n"
                       "PublicIpWithBasicSkuNotAllowedOnVPNGateways 3:72 Basic IP configuration for VPN "
                       "Virtual Network Gateways is not supported: public IP "
                       "address 'p' of gateway 'gw' is Basic | write 'sku: Standard' there\n");
}

static void no_gateway_becomes_basic(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before =
        settled_lab(HUB "virtualNetworkGateways: {gw: {vnet: hub, sku: VpnGw1}}\n", NULL);

    (void)state;
    assert_refused_lab(
        HUB "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic}}\n", before,
        "BadRequest 2:47 Virtual network gateway 'gw' is VpnGw1 and cannot become Basic | give "
        "it another name, or remove it and its connections, apply, and add it again\n");
}

/* Spec 6: two gateways that know of each other by local network gateways. */
#define AS_SITES(space, known)                                                                               \
    "name: t\n"                                                                                              \
    "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}, far: "               \
    "{addressSpace: [" space "], subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"                                \
    "publicIPAddresses: {p: {ipAddress: 198.51.100.8}, q: {ipAddress: 198.51.100.9}}\n"                      \
    "virtualNetworkGateways: {gw: {vnet: hub, publicIPAddress: p}, fw: {vnet: far, publicIPAddress: q}}\n"   \
    "localNetworkGateways: {lh: {gatewayIpAddress: 198.51.100.8, addressPrefixes: 10.1.0.0/16}, lf: "        \
    "{gatewayIpAddress: 198.51.100.9, addressPrefixes: [" known "]}}\n"                                      \
    "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: lf, sharedKey: k}, b: "             \
    "{virtualNetworkGateway1: fw, localNetworkGateway2: lh, sharedKey: k}}\n"

static void a_pair_of_sites_follows_no_address_space(void **state)
{
    (void)state;
    assert_diff(AS_SITES("10.2.0.0/16", "10.2.0.0/16"), AS_SITES("10.2.0.0/16, 10.3.0.0/16", "10.2.0.0/16"),
                "~ virtualNetworks/far  address space 10.2.0.0/16 -> 10.2.0.0/16 10.3.0.0/16\n"
                "~ routes/far           +10.3.0.0/16 VnetLocal\n");
    assert_diff(AS_SITES("10.2.0.0/16, 10.3.0.0/16", "10.2.0.0/16"),
                AS_SITES("10.2.0.0/16, 10.3.0.0/16", "10.2.0.0/16, 10.3.0.0/16"),
                "~ routes/hub  +10.3.0.0/16 VirtualNetworkGateway 198.51.100.8, is gw in hub\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_of_skus),
        cmocka_unit_test(a_resized_gateway_keeps_its_public_address),
        cmocka_unit_test(sites_and_networks_count_together),
        cmocka_unit_test(asns_that_nobody_keeps_are_accepted),
        cmocka_unit_test(asns_that_somebody_keeps_are_refused),
        cmocka_unit_test(a_gateway_is_in_no_other_subnet),
        cmocka_unit_test(a_dynamic_address_is_refused),
        cmocka_unit_test(no_gateway_becomes_basic),
        cmocka_unit_test(a_pair_of_sites_follows_no_address_space),
    };

    return cmocka_run_group_tests_name("rows about gateways", tests, NULL, NULL);
}
