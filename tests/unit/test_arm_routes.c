/* Route tables, and VMs with several NICs and configurations, as ARM's JSON: shapes, what comes back, and what is no such document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/documents.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

#define TABLE RG "Microsoft.Network/routeTables/"
#define NIC   RG "Microsoft.Network/networkInterfaces/"
#define VNET  RG "Microsoft.Network/virtualNetworks/"
#define VM    RG "Microsoft.Compute/virtualMachines/"

/* The member `key` of a resource, as text; the resource is freed. */
static char *member_of(struct vnl_json *json, const char *key)
{
    char *text = document_format(vnl_json_get(json, key));

    vnl_json_free(&json);
    return text;
}

static void assert_member(struct vnl_json *json, const char *key, const char *expected)
{
    CLEANUP(vnl_str_free) char *text = member_of(json, key);

    assert_string_equal(text, expected);
}

static void routes_and_tables_have_arms_members(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_routed);
    const struct vnl_udr_table *rt = vnl_udr_table_lookup(lab, "rt");
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_udr_table_to_json(rt);
    const struct vnl_json *properties = vnl_json_get(json, "properties");
    CLEANUP(vnl_str_free) char *subnets = document_format(vnl_json_get(properties, "subnets"));

    (void)state;
    assert_string_equal(vnl_json_get_text(json, "id"), TABLE "rt");
    assert_string_equal(vnl_json_get_text(json, "type"), "Microsoft.Network/routeTables");
    assert_string_equal(vnl_json_get_text(json, "location"), "eastus");
    assert_true(vnl_json_get_bool(properties, "disableBgpRoutePropagation", false));
    assert_int_equal(vnl_json_len(vnl_json_get(properties, "routes")), 6);
    assert_string_equal(subnets, "[{\"id\": \"" VNET "aa/subnets/s\"}, {\"id\": \"" VNET "aa/subnets/t\"}]");
    assert_member(vnl_udr_to_json(vnl_udr_lookup(rt, "all")), "properties",
                  "{\"provisioningState\": \"Succeeded\", \"addressPrefix\": \"0.0.0.0/0\", \"nextHopType\": "
                  "\"VirtualAppliance\", \"nextHopIpAddress\": \"10.0.1.4\", \"hasBgpOverride\": false}");
    assert_member(
        vnl_udr_to_json(vnl_udr_lookup(rt, "cut")), "properties",
        "{\"provisioningState\": \"Succeeded\", \"addressPrefix\": \"10.9.0.0/16\", \"nextHopType\": "
        "\"None\", \"hasBgpOverride\": false}");
    assert_member(vnl_udr_to_json(vnl_udr_lookup(rt, "cut")), "type",
                  "\"Microsoft.Network/routeTables/routes\"");
    assert_member(
        vnl_subnet_to_json(lab->vnets[0]->subnets[1]), "properties",
        "{\"provisioningState\": \"Succeeded\", \"addressPrefix\": \"10.0.1.0/24\", \"routeTable\": "
        "{\"id\": \"" TABLE "rt\"}}");
    assert_member(
        vnl_udr_table_to_json(vnl_udr_table_lookup(lab, "idle")), "properties",
        "{\"provisioningState\": \"Succeeded\", \"disableBgpRoutePropagation\": false, \"routes\": []}");
}

static void vms_list_their_nics_and_say_which_is_the_primary(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_routed);

    (void)state;
    assert_member(vnl_vm_to_json(vnl_vm_lookup(lab, "nva")), "properties",
                  "{\"provisioningState\": \"Succeeded\", \"networkProfile\": {\"networkInterfaces\": ["
                  "{\"id\": \"" NIC "nva-a\", \"properties\": {\"primary\": true}}, "
                  "{\"id\": \"" NIC "nva-b\", \"properties\": {\"primary\": false}}]}}");
    assert_member(vnl_vm_to_json(vnl_vm_lookup(lab, "vm-1")), "properties",
                  "{\"provisioningState\": \"Succeeded\", \"networkProfile\": {\"networkInterfaces\": ["
                  "{\"id\": \"" NIC "vm-1-nic\"}]}}");
}

static void assert_config(const struct vnl_json *config, const char *name, const char *expected)
{
    CLEANUP(vnl_str_free) char *text = document_format(vnl_json_get(config, "properties"));
    CLEANUP(vnl_str_free) char *id = NULL;

    assert_true(asprintf(&id, NIC "nva-b/ipConfigurations/%s", name) > 0);
    assert_string_equal(vnl_json_get_text(config, "id"), id);
    assert_string_equal(vnl_json_get_text(config, "name"), name);
    assert_string_equal(text, expected);
}

#define CONFIG(addr, method, version, primary)                                                               \
    "{\"provisioningState\": \"Succeeded\", \"privateIPAddress\": \"" addr                                   \
    "\", \"privateIPAllocationMethod\": \"" method "\", \"privateIPAddressVersion\": \"" version             \
    "\", \"subnet\": {\"id\": \"" VNET "aa/subnets/s\"}, \"primary\": " primary "}"

static void nics_list_their_configurations(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_routed);
    CLEANUP(vnl_json_free) struct vnl_json *nic = vnl_nic_to_json(vnl_vm_lookup(lab, "nva")->nics[1]);
    const struct vnl_json *configs = vnl_json_get(vnl_json_get(nic, "properties"), "ipConfigurations");

    (void)state;
    assert_false(vnl_json_get_bool(vnl_json_get(nic, "properties"), "primary", true));
    assert_int_equal(vnl_json_len(configs), 4);
    assert_config(vnl_json_at(configs, 0), "y", CONFIG("10.0.0.99", "Static", "IPv4", "true"));
    assert_config(vnl_json_at(configs, 1), "x", CONFIG("10.0.0.4", "Dynamic", "IPv4", "false"));
    assert_config(vnl_json_at(configs, 2), "z", CONFIG("10.0.0.5", "Dynamic", "IPv4", "false"));
    assert_config(vnl_json_at(configs, 3), "six", CONFIG("fd00:1::4", "Dynamic", "IPv6", "false"));
}

static void restored_lab_is_complete(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_routed);
    CLEANUP(vnl_str_free) char *text = document_of(lab);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;
    const struct vnl_udr_table *rt;
    const struct vnl_vm *nva;

    (void)state;
    assert_int_equal(document_read(text, &again, NULL), 0);
    rt = vnl_udr_table_lookup(again, "rt");
    assert_int_equal(rt->n_subnets, 2);
    assert_ptr_equal(again->vnets[0]->subnets[1]->route_table, rt);
    assert_string_equal(again->vnets[0]->subnets[1]->route_table_ref, "RT");
    assert_int_equal(vnl_udr_lookup(rt, "six")->next_hop.family, AF_INET6);
    assert_int_equal(vnl_udr_lookup(rt, "all")->next_hop_src.line,
                     vnl_udr_lookup(vnl_udr_table_lookup(lab, "rt"), "all")->next_hop_src.line);
    nva = vnl_vm_lookup(again, "nva");
    assert_false(nva->short_form);
    assert_true(nva->nics[0]->primary && !nva->nics[1]->primary);
    assert_true(nva->nics[1]->configs[0].primary && nva->nics[1]->configs[0].is_static);
    assert_string_equal(nva->nics[1]->configs[3].name, "six");
    assert_int_equal(nva->nics[1]->configs[3].family, AF_INET6);
    assert_true(vnl_vm_lookup(again, "vm-1")->short_form);
    assert_false(vnl_vm_lookup(again, "vm-2")->short_form);
}

/* A restored lab takes changes as one from a file does. */
static void restored_lab_can_be_resolved_and_settled_upon(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_routed);
    CLEANUP(vnl_str_free) char *text = document_of(lab);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;
    CLEANUP(vnl_str_free) char *after = NULL;

    (void)state;
    assert_int_equal(document_read(text, &again, NULL), 0);
    assert_int_equal(vnl_lab_resolve(again, NULL), 0);
    assert_int_equal(vnl_lab_settle(again, lab, NULL), 0);
    after = document_of(again);
    assert_string_equal(after, text);
}

/* --- damage ------------------------------------------------------------------------------------------ */

#define RT    "resource '" TABLE "rt': "
#define NIC_B "resource '" NIC "nva-b': "

static const struct document_damage damages[] = {
    { "\"disableBgpRoutePropagation\": true", "\"disableBgpRoutePropagation\": 1",
      RT "'disableBgpRoutePropagation' is not true or false" },
    { "\"addressPrefix\": \"0.0.0.0/0\"", "\"addressPrefix\": \"0.0.0.1/0\"",
      RT "route 0: prefix '0.0.0.1/0' has host bits set" },
    { "\"nextHopType\": \"VirtualAppliance\"", "\"nextHopType\": \"VNetPeering\"",
      RT "route 0: 'nextHopType' is 'VNetPeering', which is none of its values" },
    { "\"nextHopIpAddress\": \"10.0.1.4\", ", "",
      RT "route 0: 'nextHopIpAddress' does not fit 'nextHopType'" },
    { "\"nextHopIpAddress\": \"10.0.1.4\"", "\"nextHopIpAddress\": \"fd00::4\"",
      RT "route 0: 'nextHopIpAddress' does not fit 'addressPrefix'" },
    { "\"nextHopIpAddress\": \"10.0.1.4\"", "\"nextHopIpAddress\": 7",
      RT "route 0: 'nextHopIpAddress' is not text" },
    { "\"addressPrefix\": \"10.9.0.0/16\"", "\"addressPrefix\": \"192.168.0.0/16\"",
      RT "route 5: 'addressPrefix' stands twice in the route table" },
    { "\"routeTable\": {\"id\": \"" TABLE "rt\"}", "\"routeTable\": {\"id\": \"" TABLE "tr\"}",
      "resource '" VNET "aa': subnet 0: route table '" TABLE "tr' is not in the lab" },
    { "\"routeTableRef\": \"rt\", ", "", "resource '" VNET "aa': subnet 0: 'routeTableRef' is missing" },
    { "\"shortForm\": false", "\"shortForm\": true",
      "resource '" VM "nva': 'shortForm' is for one network interface, not for 2" },
    { "\"name\": \"x\", ", "\"name\": \"Y\", ",
      NIC_B "ip configuration 1: The ip configuration 'Y' is defined multiple times" },
    { "\"10.0.0.4\"", "\"fd00:1::9\"",
      NIC_B "ip configuration 1 is of IPv6, and not the last one behind IPv4" },
    { "\"10.0.0.99\"", "\"10.0.1.99\"", NIC_B "ip configuration 0: 10.0.1.99 is not in subnet 's'" },
};

static void damage_is_named(void **state)
{
    (void)state;
    document_assert_damage_named(document_routed, damages, ARRAY_SIZE(damages));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_and_tables_have_arms_members),
        cmocka_unit_test(vms_list_their_nics_and_say_which_is_the_primary),
        cmocka_unit_test(nics_list_their_configurations),
        cmocka_unit_test(restored_lab_is_complete),
        cmocka_unit_test(restored_lab_can_be_resolved_and_settled_upon),
        cmocka_unit_test(damage_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
