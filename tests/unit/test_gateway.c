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

static const char *addr_text(const struct vnl_addr *addr)
{
    static char text[4][VNL_ADDR_STR];
    static unsigned next;

    return vnl_addr_format(addr, text[next++ % ARRAY_SIZE(text)]);
}

static void a_gateway_is_in_its_subnet_and_on_the_internet(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(gateway_lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_vpn_gateway *hub = vnl_vpn_gateway_lookup(again, "hub-gw");
    const struct vnl_vpn_gateway *far = vnl_vpn_gateway_lookup(again, "FAR-GW");

    (void)state;
    assert_ptr_equal(hub->vnet, again->vnets[0]);
    assert_ptr_equal(again->vnets[0]->gateway, hub);
    assert_string_equal(hub->subnet->name, "gatewaysubnet"); /* names have no case: spec 16, row 1 */
    assert_string_equal(hub->sku, "VpnGw2");
    assert_int_equal(hub->generation, 2);
    assert_string_equal(addr_text(&hub->instances[0].inner), "10.12.255.4");
    assert_string_equal(addr_text(&hub->instances[0].bgp_addr), "10.12.255.30");
    assert_string_equal(addr_text(&far->instances[0].inner), "10.41.255.4");
    assert_string_equal(addr_text(&far->instances[0].bgp_addr), "10.41.255.6");
    assert_int_equal(far->subnet_prefix.len, 29);
    assert_ptr_equal(hub->instances[0].public_ip->gateway, hub);
    assert_string_equal(addr_text(&hub->instances[0].public_ip->addr), "198.51.100.1");
    assert_ptr_equal(hub->default_site, again->local_gateways[0]);
    assert_int_equal(hub->asn, 65515);
    assert_true(vnl_lab_has_internet(again));
}

static void what_is_not_written_follows_from_the_vnet(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(gateway_lab_text, NULL);
    const struct vnl_vpn_gateway *far = vnl_vpn_gateway_lookup(lab, "far-gw");

    (void)state;
    assert_string_equal(far->sku, "VpnGw1");
    assert_int_equal(far->generation, 1);
    assert_string_equal(far->scope.location, "westus");
    assert_string_equal(vnl_connection_lookup(lab, "b")->scope.location, "westus");
    assert_string_equal(far->instances[0].public_ip->name, "far-gw-ip");
    assert_true(far->instances[0].public_ip->implied);
    assert_int_equal(far->instances[0].public_ip->sku, VNL_SKU_STANDARD);
    assert_string_equal(far->instances[0].public_ip->scope.location, "westus");
    assert_string_equal(addr_text(&far->instances[0].public_ip->addr), "198.51.100.2"); /* .1 is written */
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
    assert_int_equal(lab->gateways[0]->instances[0].public_ip->sku, VNL_SKU_BASIC);
    assert_true(lab->connections[0]->ike_v1); /* spec 7.1 */
}

static void slots_and_addresses_stay(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = settled_lab(gateway_lab_text, NULL);
    CLEANUP(vnl_str_free) char *text = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    const struct vnl_vpn_gateway *was = vnl_vpn_gateway_lookup(before, "far-gw"), *far;

    (void)state;
    assert_true(asprintf(&text,
                         "%svirtualMachines: {vm: {subnet: hub/s, publicIPAddress: true}}\n"
                         "internet: {hosts: {h: {address: 203.0.113.80}}}\n",
                         gateway_lab_text) > 0);
    lab = settled_lab(text, before);
    far = vnl_vpn_gateway_lookup(lab, "far-gw");
    assert_int_equal(far->instances[0].in_slot, was->instances[0].in_slot);
    assert_int_equal(far->instances[0].out_slot, was->instances[0].out_slot);
    assert_memory_equal(&far->instances[0].in_mac, &was->instances[0].in_mac,
                        sizeof(far->instances[0].in_mac));
    assert_string_equal(addr_text(&far->instances[0].public_ip->addr), "198.51.100.2");
    assert_string_equal(addr_text(&lab->vms[0]->nics[0]->configs[0].public_ip->addr), "198.51.100.3");
    assert_true(lab->vms[0]->nics[0]->slot > far->instances[0].out_slot);
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
    assert_string_equal(addr_text(&lab->gateways[0]->instances[0].inner), "10.1.255.4");
    assert_string_equal(addr_text(&lab->gateways[0]->instances[0].bgp_addr), "10.1.255.30");
    assert_string_equal(lab->gateways[0]->sku, "VpnGw3"); /* within its generation */
}

static void an_implied_address_goes_with_its_gateway(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = settled_lab(gateway_lab_text, NULL);
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
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(gateway_lab_text, NULL);
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

/* --- active-active ----------------------------------------------------------------------------------- */

#define PAIR_VNET                                                                                            \
    "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {s: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}}\n"

static const char pair_text[] =
    PAIR_VNET "publicIPAddresses: {a: {ipAddress: 198.51.100.1}, b: {ipAddress: 198.51.100.9}}\n"
              "virtualNetworkGateways: {gw: {vnet: hub, sku: VpnGw2, activeActive: true, publicIPAddress: "
              "[a, {id: b}], "
              "bgpSettings: {asn: 65010}, enableBgp: true}}\n";

static void an_active_active_gateway_has_two_of_everything(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(pair_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_vpn_gateway *gateway = vnl_vpn_gateway_lookup(again, "gw");
    const struct vnl_gateway_instance *first = &gateway->instances[0], *second = &gateway->instances[1];

    (void)state;
    assert_true(gateway->active_active && gateway->enable_bgp);
    assert_int_equal(gateway->n_instances, 2);
    assert_int_equal(gateway->asn, 65010);
    assert_string_equal(first->name, "gw");
    assert_string_equal(second->name, "gw.1");
    assert_string_equal(addr_text(&first->inner), "10.1.255.4");
    assert_string_equal(addr_text(&second->inner), "10.1.255.5");
    assert_string_equal(addr_text(&first->bgp_addr), "10.1.255.30");
    assert_string_equal(addr_text(&second->bgp_addr), "10.1.255.29");
    assert_string_equal(second->public_ref, "b");
    assert_string_equal(addr_text(&second->public_ip->addr), "198.51.100.9");
    assert_ptr_equal(second->public_ip->gateway, gateway);
    assert_memory_equal(&second->out_mac, &lab->gateways[0]->instances[1].out_mac, sizeof(second->out_mac));
    assert_memory_not_equal(&second->in_mac, &first->in_mac, sizeof(first->in_mac));
}

static void slots_of_two_instances_are_four(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(pair_text, NULL);
    const struct vnl_gateway_instance *first = lab->gateways[0]->instances, *second = first + 1;
    const uint32_t slots[] = { first->in_slot, first->out_slot, second->in_slot, second->out_slot };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
        assert_int_not_equal(slots[i], VNL_SLOT_NONE);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(slots[i], slots[k]);
    }
}

static void without_written_addresses_the_lab_makes_both(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab =
        settled_lab(PAIR_VNET "virtualNetworkGateways: {gw: {vnet: hub, activeActive: true}}\n", NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_gateway_instance *instances = again->gateways[0]->instances;

    (void)state;
    assert_int_equal(again->n_public_ips, 2);
    assert_string_equal(instances[0].public_ip->name, "gw-ip");
    assert_string_equal(instances[1].public_ip->name, "gw-ip-1");
    assert_true(instances[1].public_ip->implied);
    assert_int_equal(instances[1].public_ip->sku, VNL_SKU_STANDARD);
    assert_string_equal(addr_text(&instances[1].public_ip->addr), "198.51.100.2");
}

/* Three addresses can be used there: spec 2. */
static void two_instances_fit_into_the_smallest_subnet(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab =
        settled_lab("vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/29}}}\n"
                    "virtualNetworkGateways: {gw: {vnet: hub, activeActive: true}}\n",
                    NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_gateway_instance *instances = again->gateways[0]->instances;

    (void)state;
    assert_string_equal(addr_text(&instances[0].inner), "10.1.255.4");
    assert_string_equal(addr_text(&instances[0].bgp_addr), "10.1.255.6");
    assert_string_equal(addr_text(&instances[1].inner), "10.1.255.5");
    assert_string_equal(addr_text(&instances[1].bgp_addr), "10.1.255.5");
}

static void assert_same_instance(const struct vnl_gateway_instance *a, const struct vnl_gateway_instance *b)
{
    assert_string_equal(a->name, b->name);
    assert_true(vnl_addr_eq(&a->inner, &b->inner));
    assert_true(vnl_addr_eq(&a->bgp_addr, &b->bgp_addr));
    assert_true(vnl_addr_eq(&a->public_ip->addr, &b->public_ip->addr));
    assert_int_equal(a->in_slot, b->in_slot);
    assert_int_equal(a->out_slot, b->out_slot);
    assert_memory_equal(&a->in_mac, &b->in_mac, sizeof(a->in_mac));
}

/* The first instance does not notice; a VM that comes meanwhile takes no slot of it. */
static void active_active_can_be_turned_on_and_off(void **state)
{
    static const char vm[] = "virtualMachines: {vm: {subnet: hub/s}}\n";
    CLEANUP(vnl_str_free) char *alone_text = NULL;
    CLEANUP(vnl_str_free) char *pair_and_vm = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *alone = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *pair = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *same = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *off = NULL;

    (void)state;
    assert_true(asprintf(&alone_text, PAIR_VNET "%svirtualNetworkGateways: {gw: {vnet: hub, sku: VpnGw2}}\n",
                         vm) > 0);
    assert_true(asprintf(&pair_and_vm,
                         PAIR_VNET
                         "%svirtualNetworkGateways: {GW: {vnet: hub, sku: VpnGw2, activeActive: true}}\n",
                         vm) > 0);
    alone = settled_lab(alone_text, NULL);
    pair = settled_lab(pair_and_vm, alone);
    same = settled_lab(pair_and_vm, pair);
    off = settled_lab(alone_text, same);
    assert_int_equal(pair->gateways[0]->n_instances, 2);
    assert_string_equal(pair->gateways[0]->instances[1].name, "gw.1"); /* as it is spelled in force */
    assert_same_instance(&pair->gateways[0]->instances[0], &alone->gateways[0]->instances[0]);
    assert_same_instance(&same->gateways[0]->instances[1], &pair->gateways[0]->instances[1]);
    assert_int_equal(pair->vms[0]->nics[0]->slot, alone->vms[0]->nics[0]->slot);
    assert_int_equal(off->gateways[0]->n_instances, 1);
    assert_int_equal(off->gateways[0]->instances[1].in_slot, VNL_SLOT_NONE);
    assert_same_instance(&off->gateways[0]->instances[0], &alone->gateways[0]->instances[0]);
    assert_int_equal(off->n_public_ips, 1);
}

static void set_turns_active_active_on(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before =
        settled_lab(PAIR_VNET "publicIPAddresses: {a: {}, b: {}}\n"
                              "virtualNetworkGateways: {gw: {vnet: hub, publicIPAddress: a}}\n",
                    NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = stored_lab(before);

    (void)state;
    assert_int_equal(vnl_lab_set(lab, "gateways.gw.activeActive", "true", NULL), 0);
    assert_int_equal(vnl_lab_set(lab, "gateways.gw.publicIPAddress", "[a, b]", NULL), 0);
    assert_int_equal(vnl_lab_set(lab, "gateways.gw.enableBgp", "true", NULL), 0);
    assert_int_equal(vnl_lab_resolve(lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, before, NULL), 0);
    assert_int_equal(lab->gateways[0]->n_instances, 2);
    assert_true(lab->gateways[0]->enable_bgp);
    assert_string_equal(lab->gateways[0]->instances[1].public_ip->name, "b");
    assert_same_instance(&lab->gateways[0]->instances[0], &before->gateways[0]->instances[0]);
}

/* Its implied address goes with it. */
static void set_turns_active_active_off(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before =
        settled_lab(PAIR_VNET "virtualNetworkGateways: {gw: {vnet: hub, activeActive: true}}\n", NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = stored_lab(before);

    (void)state;
    assert_int_equal(vnl_lab_set(lab, "gateways.gw.activeActive", "false", NULL), 0);
    assert_int_equal(vnl_lab_resolve(lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, before, NULL), 0);
    assert_int_equal(lab->gateways[0]->n_instances, 1);
    assert_int_equal(lab->n_public_ips, 1);
    assert_same_instance(&lab->gateways[0]->instances[0], &before->gateways[0]->instances[0]);
}

static void json_of_two_instances_is_arms(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(pair_text, NULL);
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_vpn_gateway_to_json(lab->gateways[0]);
    CLEANUP(vnl_json_free) struct vnl_json *one = vnl_public_ip_to_json(lab->public_ips[1]);
    const struct vnl_json *properties = vnl_json_get(json, "properties");
    const struct vnl_json *configs = vnl_json_get(properties, "ipConfigurations");
    const struct vnl_json *bgp = vnl_json_get(properties, "bgpSettings");
    const struct vnl_json *peering = vnl_json_at(vnl_json_get(bgp, "bgpPeeringAddresses"), 1);
    const struct vnl_json *second = vnl_json_at(configs, 1);

    (void)state;
    assert_true(vnl_json_get_bool(properties, "activeActive", false));
    assert_true(vnl_json_get_bool(properties, "enableBgp", false));
    assert_int_equal(vnl_json_len(configs), 2);
    assert_string_equal(vnl_json_get_text(second, "name"), "vnetGatewayConfig1");
    assert_string_equal(vnl_json_get_text(vnl_json_get(second, "properties"), "privateIPAddress"),
                        "10.1.255.5");
    assert_string_equal(vnl_json_get_text(bgp, "bgpPeeringAddress"), "10.1.255.30,10.1.255.29");
    assert_int_equal(vnl_json_get_int(bgp, "asn", 0), 65010);
    assert_string_equal(vnl_json_get_text(peering, "ipconfigurationId"), vnl_json_get_text(second, "id"));
    assert_string_equal(vnl_json_text(vnl_json_at(vnl_json_get(peering, "defaultBgpIpAddresses"), 0)),
                        "10.1.255.29");
    assert_string_equal(vnl_json_text(vnl_json_at(vnl_json_get(peering, "tunnelIpAddresses"), 0)),
                        "198.51.100.9");
    properties = vnl_json_get(one, "properties");
    assert_string_equal(vnl_json_get_text(vnl_json_get(properties, "ipConfiguration"), "id"),
                        vnl_json_get_text(second, "id"));
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
        cmocka_unit_test(an_active_active_gateway_has_two_of_everything),
        cmocka_unit_test(slots_of_two_instances_are_four),
        cmocka_unit_test(without_written_addresses_the_lab_makes_both),
        cmocka_unit_test(two_instances_fit_into_the_smallest_subnet),
        cmocka_unit_test(active_active_can_be_turned_on_and_off),
        cmocka_unit_test(set_turns_active_active_on),
        cmocka_unit_test(set_turns_active_active_off),
        cmocka_unit_test(json_of_two_instances_is_arms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
