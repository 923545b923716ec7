/* VPN gateways: addresses, slots, SKUs, and their JSON. VPN spec 1 to 4, 9. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/mistakes.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

static const char lab_text[] =
    "vnets: {hub: {addressSpace: [10.11.0.0/16, 10.12.0.0/16], subnets: {s: 10.11.0.0/24, gatewaysubnet: "
    "10.12.255.0/27}}, far: {location: West US, addressSpace: 10.41.0.0/16, subnets: {GatewaySubnet: "
    "10.41.255.0/29}}}\n"
    "publicIPAddresses: {pip: {ipAddress: 198.51.100.1}}\n"
    "virtualNetworkGateways: {hub-gw: {vnet: hub, sku: {name: vpngw2}, vpnGatewayGeneration: Generation2, "
    "publicIPAddress: pip, gatewayDefaultSite: lng}, far-gw: {vnet: far}}\n"
    "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, localNetworkAddressSpace: "
    "{addressPrefixes: "
    "[192.168.0.0/16, 172.16.0.0/12]}}}\n"
    "connections: {a: {virtualNetworkGateway1: hub-gw, virtualNetworkGateway2: far-gw, sharedKey: aabbcc}, "
    "b: {virtualNetworkGateway1: far-gw, virtualNetworkGateway2: hub-gw, sharedKey: 123456}, "
    "s: {virtualNetworkGateway1: hub-gw, localNetworkGateway2: lng, dpdTimeoutSeconds: 9, connectionMode: "
    "responderonly, routingWeight: 0}}\n"
    "sites: {office: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16, 172.16.0.0/12], "
    "hosts: "
    "{pc: 192.168.1.10, nas: {address: 172.16.0.9, run: date}}, sharedKey: ddeeff}}\n";

static const char *addr_text(const struct vnl_addr *addr)
{
    static char text[4][VNL_ADDR_STR];
    static unsigned next;

    return vnl_addr_format(addr, text[next++ % ARRAY_SIZE(text)]);
}

static void a_gateway_is_in_its_subnet_and_on_the_internet(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_vpn_gateway *hub = vnl_vpn_gateway_lookup(again, "hub-gw");
    const struct vnl_vpn_gateway *far = vnl_vpn_gateway_lookup(again, "FAR-GW");

    (void)state;
    assert_ptr_equal(hub->vnet, again->vnets[0]);
    assert_ptr_equal(again->vnets[0]->gateway, hub);
    assert_string_equal(hub->subnet->name, "gatewaysubnet"); /* names have no case: spec 16, row 1 */
    assert_string_equal(hub->sku, "VpnGw2");
    assert_int_equal(hub->generation, 2);
    assert_string_equal(addr_text(&hub->inner), "10.12.255.4");
    assert_string_equal(addr_text(&hub->bgp_addr), "10.12.255.30");
    assert_string_equal(addr_text(&far->inner), "10.41.255.4");
    assert_string_equal(addr_text(&far->bgp_addr), "10.41.255.6");
    assert_int_equal(far->subnet_prefix.len, 29);
    assert_ptr_equal(hub->public_ip->gateway, hub);
    assert_string_equal(addr_text(&hub->public_ip->addr), "198.51.100.1");
    assert_ptr_equal(hub->default_site, again->local_gateways[0]);
    assert_int_equal(hub->asn, 65515);
    assert_true(vnl_lab_has_internet(again));
}

static void what_is_not_written_follows_from_the_vnet(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    const struct vnl_vpn_gateway *far = vnl_vpn_gateway_lookup(lab, "far-gw");

    (void)state;
    assert_string_equal(far->sku, "VpnGw1");
    assert_int_equal(far->generation, 1);
    assert_string_equal(far->scope.location, "westus");
    assert_string_equal(vnl_connection_lookup(lab, "b")->scope.location, "westus");
    assert_string_equal(far->public_ip->name, "far-gw-ip");
    assert_true(far->public_ip->implied);
    assert_int_equal(far->public_ip->sku, VNL_SKU_STANDARD);
    assert_string_equal(far->public_ip->scope.location, "westus");
    assert_string_equal(addr_text(&far->public_ip->addr), "198.51.100.2"); /* .1 is written */
}

static void a_basic_gateway_has_a_basic_address(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}}\n"
        "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic, vpnType: PolicyBased}}\n"
        "localNetworkGateways: {l: {gatewayIpAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/16}}\n"
        "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: l}}\n",
        NULL);

    (void)state;
    assert_int_equal(lab->gateways[0]->public_ip->sku, VNL_SKU_BASIC);
    assert_true(lab->connections[0]->ike_v1); /* spec 7.1 */
}

static void slots_and_addresses_stay(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = settled_lab(lab_text, NULL);
    CLEANUP(vnl_str_free) char *text = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    const struct vnl_vpn_gateway *was = vnl_vpn_gateway_lookup(before, "far-gw"), *far;

    (void)state;
    assert_true(asprintf(&text,
                         "%svirtualMachines: {vm: {subnet: hub/s, publicIPAddress: true}}\n"
                         "internet: {hosts: {h: {address: 203.0.113.80}}}\n",
                         lab_text) > 0);
    lab = settled_lab(text, before);
    far = vnl_vpn_gateway_lookup(lab, "far-gw");
    assert_int_equal(far->in_slot, was->in_slot);
    assert_int_equal(far->out_slot, was->out_slot);
    assert_memory_equal(&far->in_mac, &was->in_mac, sizeof(far->in_mac));
    assert_string_equal(addr_text(&far->public_ip->addr), "198.51.100.2");
    assert_string_equal(addr_text(&lab->vms[0]->nics[0]->configs[0].public_ip->addr), "198.51.100.3");
    assert_true(lab->vms[0]->nics[0]->slot > far->out_slot);
    assert_int_equal(lab->sites[0]->in_slot, before->sites[0]->in_slot);
    assert_int_equal(lab->sites[0]->hosts[1]->slot, before->sites[0]->hosts[1]->slot);
}

static void a_subnet_may_grow_under_a_gateway(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before =
        settled_lab("vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}}\n"
                    "virtualNetworkGateways: {gw: {vnet: hub}}\n",
                    NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: {addressPrefixes: [10.1.254.0/27, "
        "10.1.255.0/27]}}}}\nvirtualNetworkGateways: {gw: {vnet: hub, sku: VpnGw3}}\n",
        before);

    (void)state;
    assert_string_equal(addr_text(&lab->gateways[0]->inner), "10.1.255.4");
    assert_string_equal(addr_text(&lab->gateways[0]->bgp_addr), "10.1.255.30");
    assert_string_equal(lab->gateways[0]->sku, "VpnGw3"); /* within its generation */
}

static void an_implied_address_goes_with_its_gateway(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = settled_lab(lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = stored_lab(before);
    CLEANUP(vnl_lab_free) struct vnl_lab *without = NULL;

    (void)state;
    assert_int_equal(vnl_lab_set(lab, "gateways.hub-gw.gatewayDefaultSite", "null", NULL), 0);
    assert_int_equal(vnl_lab_set(lab, "gateways.far-gw.sku", "VpnGw2AZ", NULL), 0);
    assert_int_equal(vnl_lab_resolve(lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, before, NULL), 0);
    assert_int_equal(lab->n_public_ips, 2);
    assert_null(vnl_vpn_gateway_lookup(lab, "hub-gw")->default_site);
    without = settled_lab("vnets: {}\npublicIPAddresses: {pip: {ipAddress: 198.51.100.1}}\n", before);
    assert_int_equal(without->n_public_ips, 1);
    assert_null(without->public_ips[0]->gateway);
}

static void skus_are_azures_table(void **state)
{
    (void)state;
    assert_int_equal(vnl_gateway_sku_lookup("Basic", 0)->tunnels, 10);
    assert_true(vnl_gateway_sku_lookup("basic", 1)->basic);
    assert_int_equal(vnl_gateway_sku_lookup("VpnGw2", 0)->mbps, 1000);
    assert_int_equal(vnl_gateway_sku_lookup("VpnGw2", 2)->mbps, 1250);
    assert_int_equal(vnl_gateway_sku_lookup("VpnGw5AZ", 0)->generation, 2);
    assert_int_equal(vnl_gateway_sku_lookup("VpnGw4", 0)->tunnels, 100);
    assert_null(vnl_gateway_sku_lookup("VpnGw1", 2));
    assert_null(vnl_gateway_sku_lookup("VpnGw5", 1));
    assert_null(vnl_gateway_sku_lookup("ErGw1AZ", 0));
}

static void json_is_arms(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_vpn_gateway_to_json(lab->gateways[0]);
    CLEANUP(vnl_json_free) struct vnl_json *local = vnl_local_gateway_to_json(lab->local_gateways[0]);
    const struct vnl_json *properties = vnl_json_get(json, "properties");
    const struct vnl_json *config = vnl_json_at(vnl_json_get(properties, "ipConfigurations"), 0);
    const struct vnl_json *bgp = vnl_json_get(properties, "bgpSettings");

    (void)state;
    assert_string_equal(vnl_json_get_text(json, "type"), "Microsoft.Network/virtualNetworkGateways");
    assert_string_equal(vnl_json_get_text(vnl_json_get(properties, "sku"), "tier"), "VpnGw2");
    assert_string_equal(vnl_json_get_text(properties, "vpnGatewayGeneration"), "Generation2");
    assert_string_equal(vnl_json_get_text(properties, "vpnType"), "RouteBased");
    assert_string_equal(vnl_json_get_text(config, "name"), "vnetGatewayConfig0");
    assert_string_equal(vnl_json_get_text(vnl_json_get(vnl_json_get(config, "properties"), "subnet"), "id"),
                        lab->gateways[0]->subnet->id);
    assert_string_equal(vnl_json_get_text(bgp, "bgpPeeringAddress"), "10.12.255.30");
    assert_string_equal(vnl_json_get_text(vnl_json_get(properties, "gatewayDefaultSite"), "id"),
                        lab->local_gateways[0]->id);
    properties = vnl_json_get(local, "properties");
    assert_string_equal(vnl_json_get_text(properties, "gatewayIpAddress"), "203.0.113.10");
    assert_int_equal(
        vnl_json_len(vnl_json_get(vnl_json_get(properties, "localNetworkAddressSpace"), "addressPrefixes")),
        2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gateway_is_in_its_subnet_and_on_the_internet),
        cmocka_unit_test(what_is_not_written_follows_from_the_vnet),
        cmocka_unit_test(a_basic_gateway_has_a_basic_address),
        cmocka_unit_test(slots_and_addresses_stay),
        cmocka_unit_test(a_subnet_may_grow_under_a_gateway),
        cmocka_unit_test(an_implied_address_goes_with_its_gateway),
        cmocka_unit_test(skus_are_azures_table),
        cmocka_unit_test(json_is_arms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
