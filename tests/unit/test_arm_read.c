/* A lab from its JSON, whatever became of that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../harness/documents.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

/* --- damage ---------------------------------------------------------------------------------------- */

static char *replace_at(const char *text, const char *at, size_t size, const char *by)
{
    char *changed = NULL;

    assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, by, at + size) >= 0);
    return changed;
}

#define VNET_A "resource '" RG "Microsoft.Network/virtualNetworks/aa': "
#define VNET_B "resource '" RG "Microsoft.Network/virtualNetworks/bb': "
#define VM     "resource '" RG "Microsoft.Compute/virtualMachines/vm': "
#define NIC    "resource '" RG "Microsoft.Network/networkInterfaces/vm-nic': "

static const struct document_damage damages[] = {
    { "\"name\": \"lab1\"", "\"name\": 1", "'name' is not text" },
    { "\"name\": \"lab1\", ", "", "'name' is missing" },
    { "\"name\": \"lab1\"", "\"name\": \"../x\"", "lab name '../x' is invalid" },
    { "\"file\": \"dir/lab.yaml\"", "\"file\": []", "'file' is not text" },
    { "\"location\": \"eastus\", ", "", "'location' is missing" },
    { "\"semantics\": {", "\"semantic\": {", "'semantics' is missing" },
    { "\"documented\"", "\"loud\"", "'peeringAccess' is 'loud', which is none of its values" },
    { "\"resources\": [", "\"resource\": [", "'resources' is missing" },
    { "\"resources\": [", "\"resources\": [7, ", "resource 0: 'type' is missing" },
    { "\"resources\": [", "\"resources\": [{\"type\": \"Microsoft.Web/sites\"}, ",
      "resource 0: type 'Microsoft.Web/sites' is unknown" },
    { "\"resources\": [", "\"resources\": [{\"type\": \"Microsoft.Network/virtualNetworks\"}, ",
      "resource 0: 'id' is missing" },
    { "\"properties\": {", "\"propertys\": {", VNET_A "'properties' is missing" },
    { "\"name\": \"aa\"", "\"name\": \"a/a\"",
      VNET_A "Resource name 'a/a' is invalid for a virtual network" },
    { "\"name\": \"aa\"", "\"name\": \"ax\"",
      VNET_A "'id' is '" RG
             "Microsoft.Network/virtualNetworks/aa', but the name and place of the resource make '" RG
             "Microsoft.Network/virtualNetworks/ax'" },
    { "{\"id\": \"/subscriptions/", "{\"id\": \"/subscription/",
      "resource '/subscription/00000000-0000-0000-0000-000000000000/resourceGroups/rg-lab1/providers/"
      "Microsoft.Network/virtualNetworks/aa': 'id' is "
      "'/subscription/00000000-0000-0000-0000-000000000000/resourceGroups/rg-lab1/providers/"
      "Microsoft.Network/virtualNetworks/aa', which is no resource id" },
    { "\"addressSpace\": {\"addressPrefixes\": [\"10.0.0.0/16\"]}", "\"addressSpace\": {}",
      VNET_A "'addressSpace': 'addressPrefixes' is missing" },
    { "[\"10.0.0.0/16\"]", "[1]",
      VNET_A "'addressSpace': 'addressPrefixes' has an element that is not text" },
    { "[\"10.0.0.0/16\"]", "[\"10.0.0.1/16\"]",
      VNET_A "'addressSpace': prefix '10.0.0.1/16' has host bits set" },
    { "\"subnets\": [", "\"subnets\": 0, \"x\": [", VNET_A "'subnets' is not a list" },
    { "\"addressPrefix\": \"10.0.0.0/24\"", "\"addressPrefix\": {}",
      VNET_A "subnet 0: 'addressPrefix' is not text" },
    { "dir/lab.yaml:3:", "dir/lab.yaml;3;",
      VNET_A "subnet 0: 'source' is 'dir/lab.yaml;3;47', and not file:line:column" },
    { "\"slot\": 0", "\"slot\": -1", VNET_A "'slot' is -1, and not between 0 and 4294967294" },
    { "\"slot\": 0", "\"slot\": 0.5", VNET_A "'slot' is not a number" },
    { "\"slot\": 1", "\"slot\": 0",
      "resources '" RG "Microsoft.Network/virtualNetworks/aa' and '" RG
      "Microsoft.Network/virtualNetworks/bb' have the same slot, 0" },
    { "\"Connected\"", "\"Married\"",
      VNET_A "peering 0: 'peeringState' is 'Married', which is none of its values" },
    { "\"Connected\"", "\"Initiated\"",
      "resource '" RG
      "Microsoft.Network/virtualNetworks/bb/virtualNetworkPeerings/ba' is Connected, and the link in the "
      "opposite direction is not" },
    { "\"remoteVirtualNetwork\": {\"id\": \"/", "\"remoteVirtualNetwork\": {\"id\": \"",
      VNET_A "peering 0: is Connected, but "
             "'subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-lab1/"
             "providers/Microsoft.Network/virtualNetworks/bb' is not in the lab" },
    { "virtualNetworks/bb\"}, \"allowV", "virtualNetworks/aa\"}, \"allowV",
      VNET_A "peering 0: peers its virtual network with itself" },
    { "\"remoteVirtualNetwork\": {\"id\":", "\"remoteVirtualNetwork\": {\"ie\":",
      VNET_A "peering 0: 'remoteVirtualNetwork': 'id' is missing" },
    { "\"allowForwardedTraffic\": false", "\"allowForwardedTraffic\": 0",
      VNET_A "peering 0: 'allowForwardedTraffic' is not true or false" },
    { "\"enableOnlyIPv6Peering\": false", "\"enableOnlyIPv6Peering\": false, \"localSubnetNames\": [\"x\"]",
      VNET_A "peering 0: virtual network 'aa' has no subnet 'x'" },
    { "\"remoteRef\": \"bb\", ", "", VNET_A "peering 0: 'remoteRef' is missing" },
    { "\"networkInterfaces\": [{", "\"networkInterfaces\": [], \"x\": [{",
      VM "lists 0 network interfaces, and 1 name it as theirs" },
    { "/vm-nic\"}]", "/vm-nix\"}]",
      VM "network interface 0 is '" RG "Microsoft.Network/networkInterfaces/vm-nix', and not '" RG
         "Microsoft.Network/networkInterfaces/vm-nic'" },
    { "\"run\": []", "\"run\": [[]]", VM "'run' has an element that is not text" },
    { "\"ipForward\": false, ", "", VM "'ipForward' is missing" },
    { "\"virtualMachine\": {\"id\": \"/", "\"virtualMachine\": {\"id\": \"",
      NIC
      "virtual machine 'subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-lab1/providers/"
      "Microsoft.Compute/virtualMachines/vm' is not in the lab" },
    { "\"ipConfigurations\": [{", "\"ipConfigurations\": [], \"x\": [{", NIC "'ipConfigurations' is empty" },
    { "\"10.0.0.4\"", "\"10.0.1.4\"", NIC "ip configuration 0: 10.0.1.4 is not in subnet 's'" },
    { "\"10.0.0.4\"", "\"fd00::4\"", NIC "ip configuration 0: fd00::4 is not in subnet 's'" },
    { "\"10.0.0.4\"", "\"10.0.0\"",
      NIC "ip configuration 0: 'privateIPAddress': '10.0.0' is not an IP address" },
    { "\"Dynamic\"", "\"Fixed\"",
      NIC "ip configuration 0: 'privateIPAllocationMethod' is 'Fixed', which is none of its values" },
    { "virtualNetworks/aa/subnets/s\"}, \"primary\"", "virtualNetworks/aa/subnets/t\"}, \"primary\"",
      NIC "ip configuration 0: subnet '" RG
          "Microsoft.Network/virtualNetworks/aa/subnets/t' is not in the lab" },
    { "\"expect\": [", "\"expect\": [7", "expect 0: 'from' is missing" },
};

/* The same of gateways with two instances and BGP. */
#define GATEWAY "resource '" RG "Microsoft.Network/virtualNetworkGateways/ga': "
#define LOCAL   "resource '" RG "Microsoft.Network/localNetworkGateways/lng': "

static const struct document_damage gateway_damages[] = {
    { "\"activeActive\": true", "\"activeActive\": false",
      GATEWAY "'ipConfigurations' has 2 members, and not 1" },
    { "\"activeActive\": true", "\"activeActive\": 1", GATEWAY "'activeActive' is not true or false" },
    { "publicIPAddresses/two\"}, \"subnet\"", "publicIPAddresses/one\"}, \"subnet\"",
      GATEWAY "'ipConfigurations': public IP address '" RG
              "Microsoft.Network/publicIPAddresses/one' is attached twice" },
    { "\"privateIPAddress\": \"10.1.255.5\"", "\"privateIPAddress\": \"10.1.0.5\"",
      GATEWAY "'ipConfigurations': 10.1.0.5 is not in subnet 'GatewaySubnet'" },
    { "\"defaultBgpIpAddresses\": [\"10.1.255.29\"]", "\"defaultBgpIpAddresses\": []",
      GATEWAY "'bgpSettings': 'defaultBgpIpAddresses' has 0 members, and not 1" },
    { "\"defaultBgpIpAddresses\": [\"10.1.255.29\"]", "\"defaultBgpIpAddresses\": [\"10.2.255.5\"]",
      GATEWAY "'bgpSettings': 10.2.255.5 is not in subnet 'GatewaySubnet'" },
    { "\"secondInstance\"", "\"second\"", GATEWAY "'secondInstance' is missing" },
    { "\"asn\": 65050", "\"asn\": 0", "site 0: 'bgpSettings': 'asn' is 0, and not between 1 and 4294967295" },
    { "192.168.0.0/17", "fd00::/17", "site 0: 'advertisedPrefixes' has one that is not IPv4" },
    { "\"192.168.255.254\", \"peerWeight\": 3", "\"fd00::1\", \"peerWeight\": 3",
      LOCAL "'bgpSettings': 'bgpPeeringAddress' is no IPv4 address" },
    { "\"203.0.113.10\", \"bgpSettings\"", "\"203.0.113.10\", \"bgp\"", LOCAL "'addressPrefixes' is empty" },
    { "\"addressPrefixes\": []}, \"gatewayIpAddress\": \"203.0.113.10\", \"bgpSettings\"",
      "\"addressPrefixes\": [\"10.9.0.0/16\"]}, \"gatewayIpAddress\": \"203.0.113.10\", \"bgp\"",
      "resource '" RG "Microsoft.Network/connections/as': 'enableBgp' is true, and '" RG
      "Microsoft.Network/localNetworkGateways/lng' has no 'bgpSettings'" },
};

static void damage_is_named(void **state)
{
    (void)state;
    document_assert_damage_named(document_connected, damages, ARRAY_SIZE(damages));
    document_assert_damage_named(document_redundant, gateway_damages, ARRAY_SIZE(gateway_damages));
}

/* End of the JSON value at `p`. */
static const char *skip_value(const char *p)
{
    int depth = 0;

    do {
        if (*p == '"') {
            for (p++; *p != '"'; p++)
                p += *p == '\\';
        }
        depth += *p == '{' || *p == '[';
        depth -= *p == '}' || *p == ']';
        p++;
    } while (depth > 0 || !strchr(",}]", *p));
    return p;
}

/* Refused with a reason, or accepted as something that is kept. */
static void assert_refused_or_kept(const char *text)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r = document_read(text, &lab, &err);

    if (r < 0) {
        assert_int_equal(r, -EINVAL);
        assert_non_null(err);
        assert_null(lab);
        return;
    }
    assert_null(err);
    document_assert_kept(lab);
}

static void try_each_member(const char *document)
{
    static const char *const values[] = {
        "null", "true", "-7", "1e99", "\"x\"", "\"\"", "[]", "{}", "[[{}]]"
    };
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document);
    CLEANUP(vnl_str_free) char *text = document_of(lab);

    for (const char *colon = strstr(text, "\": "); colon; colon = strstr(colon + 1, "\": ")) {
        const char *value = colon + 3, *end = skip_value(value);
        CLEANUP(vnl_str_free) char *renamed = replace_at(text, colon, 1, "x\"");

        assert_refused_or_kept(renamed);
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            CLEANUP(vnl_str_free) char *changed = replace_at(text, value, (size_t)(end - value), values[i]);

            assert_refused_or_kept(changed);
        }
    }
}

static void each_member_may_be_anything(void **state)
{
    (void)state;
    try_each_member(document_full);
    try_each_member(document_tunnelled);
    try_each_member(document_redundant);
}

/* --- states that no file can ask for --------------------------------------------------------------- */

/* Takes the VNet 'bb' out of the document. */
static char *without_remote(const char *text)
{
    const char *start = strstr(text, "{\"id\": \"" RG "Microsoft.Network/virtualNetworks/bb\", \"name\"");
    const char *end = skip_value(start);

    return replace_at(text, start, (size_t)(end - start) + 2, "");
}

static void disconnected_link_outlives_its_remote(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(document_connected, document_initiated);
    CLEANUP(vnl_str_free) char *text = document_of(lab);
    CLEANUP(vnl_str_free) char *gone = without_remote(text);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    const struct vnl_json *properties;

    (void)state;
    assert_int_equal(lab->vnets[0]->peerings[0]->state, VNL_PEERING_DISCONNECTED);
    assert_int_equal(document_read(gone, &again, NULL), 0);
    assert_int_equal(again->n_vnets, 1);
    assert_int_equal(again->vnets[0]->peerings[0]->state, VNL_PEERING_DISCONNECTED);
    assert_null(again->vnets[0]->peerings[0]->remote);
    json = vnl_peering_to_json(again->vnets[0]->peerings[0]);
    properties = vnl_json_get(json, "properties");
    assert_string_equal(vnl_json_get_text(vnl_json_get(properties, "remoteVirtualNetwork"), "id"),
                        RG "Microsoft.Network/virtualNetworks/bb");
    assert_string_equal(vnl_json_get_text(properties, "peeringState"), "Disconnected");
    assert_string_equal(again->vnets[0]->peerings[0]->remote_ref, RG "Microsoft.Network/virtualNetworks/bb");
    document_assert_kept(again);
}

/* Another VNet that answers to the reference as it was written is not the one that is gone. */
static void link_does_not_take_another_vnet_for_its_remote(void **state)
{
    static const char in[] = "\"remoteVirtualNetwork\": {\"id\": \"";
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(document_connected, document_initiated);
    CLEANUP(vnl_str_free) char *text = document_of(lab);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;
    const char *at = strstr(text, in) + strlen(in);
    CLEANUP(vnl_str_free) char *changed = replace_at(text, at, 1, "/elsewhere/");

    (void)state;
    assert_int_equal(document_read(changed, &again, NULL), 0);
    assert_null(again->vnets[0]->peerings[0]->remote);
    document_assert_kept(again);
}

static void position_in_another_file_is_not_kept(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_connected);
    CLEANUP(vnl_str_free) char *text = document_of(lab);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;
    const char *at = strstr(text, "dir/lab.yaml:");
    CLEANUP(vnl_str_free) char *changed = replace_at(text, at, 4, "elsewhere/");

    (void)state;
    assert_int_equal(document_read(changed, &again, NULL), 0);
    assert_null(again->vnets[0]->subnets[0]->src.file);
    assert_int_equal(again->vnets[0]->subnets[0]->src.line, 0);
    assert_ptr_equal(again->vnets[1]->subnets[0]->src.file, again->file);
    document_assert_kept(again);
}

/* A path may hold any byte but NUL; JSON may not. */
static void file_name_need_not_be_utf8(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    assert_int_equal(vnl_lab_load_text("a:1:2/caf\xe9 \"\\.yaml", document_connected,
                                       strlen(document_connected), &lab, NULL),
                     0);
    assert_int_equal(vnl_lab_settle(lab, NULL, NULL), 0);
    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    assert_string_equal(vnl_json_get_text(json, "file"), "a:1:2/caf? \"\\.yaml");
    document_assert_kept(lab);
}

static void restored_lab_can_be_settled_upon(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_connected);
    CLEANUP(vnl_str_free) char *text = document_of(lab);
    CLEANUP(vnl_lab_free) struct vnl_lab *before = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *next = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *direct = document_settled(document_connected, document_resized);
    CLEANUP(vnl_str_free) char *next_text = NULL;
    CLEANUP(vnl_str_free) char *direct_text = document_of(direct);

    (void)state;
    assert_int_equal(document_read(text, &before, NULL), 0);
    assert_int_equal(document_load(document_resized, before, &next, NULL), 0);
    next_text = document_of(next);
    assert_string_equal(next_text, direct_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(each_member_may_be_anything),
        cmocka_unit_test(disconnected_link_outlives_its_remote),
        cmocka_unit_test(link_does_not_take_another_vnet_for_its_remote),
        cmocka_unit_test(position_in_another_file_is_not_kept),
        cmocka_unit_test(file_name_need_not_be_utf8),
        cmocka_unit_test(restored_lab_can_be_settled_upon),
    };

    return cmocka_run_group_tests_name("arm_read", tests, NULL, NULL);
}
