/* A lab as ARM's JSON and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/json_writer.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/plan.h"

/* --- labs
 * ---------------------------------------------------------------------------------------------------------------
 */

#define RG "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-lab1/providers/"

static const char full[] =
    "name: lab1\n"
    "location: East US\n"
    "semantics: {peeringAccess: tag-only, peeringForwarded: tag-only}\n"
    "vnets:\n"
    "  vnet-1:\n"
    "    addressSpace: [10.0.0.0/16, 'fd00:1::/48']\n"
    "    flowTimeoutInMinutes: 10\n"
    "    subnets:\n"
    "      one: 10.0.0.0/24\n"
    "      two: {addressPrefixes: [10.0.1.0/24, 'fd00:1:0:2::/64']}\n"
    "      three: {addressPrefixes: [10.0.2.0/24]}\n"
    "    peerings:\n"
    "      to-2: {remoteVirtualNetwork: vnet-2, allowForwardedTraffic: true, allowGatewayTransit: true}\n"
    "      to-3: {remoteVirtualNetwork: vnet-3, peerCompleteVnets: false, localSubnetNames: [one],\n"
    "             remoteSubnetNames: [a, b]}\n"
    "  vnet-2:\n"
    "    location: West Europe\n"
    "    resourceGroup: other\n"
    "    addressSpace: [10.1.0.0/16]\n"
    "    subnets: {one: 10.1.0.0/24}\n"
    "    peerings: {to-1: {remoteVirtualNetwork: vnet-1, allowVirtualNetworkAccess: false}}\n"
    "  vnet-3:\n"
    "    addressSpace: [10.2.0.0/16]\n"
    "    subnets: {a: 10.2.0.0/24, b: 10.2.1.0/24, c: 10.2.2.0/24}\n"
    "    peerings: {to-1: {remoteVirtualNetwork: " RG "Microsoft.Network/virtualNetworks/vnet-1,\n"
    "                      peerCompleteVnets: false, localSubnetNames: [a, b], remoteSubnetNames: [one]}}\n"
    "virtualMachines:\n"
    "  vm-1: {subnet: vnet-1/one, privateIPAddress: 10.0.0.9, enableIPForwarding: true, ipForward: true,\n"
    "         run: ['echo \"\\x01 \\u00e4 \\\\ /\"', 'sleep 1']}\n"
    "  vm-2: {subnet: two}\n"
    "  vm-3: {subnet: vnet-2/one}\n"
    "  vm-4: {subnet: c}\n"
    "expect:\n"
    "  - {from: vm-1, to: vm-3, icmp: pass, ttl: 64}\n"
    "  - {from: vm-1, to: 10.1.0.4, tcp: 80, result: drop, reason: NoRoute}\n"
    "  - {from: vm-2, to: 'fd00:1:0:2::77', udp: 53, result: drop}\n"
    "  - {from: vm-4, to: 192.0.2.1, icmp: drop}\n";

#define PAIR(space, links)                                                                                   \
    "name: lab1\n"                                                                                           \
    "vnets:\n"                                                                                               \
    "  aa: {addressSpace: " space                                                                            \
    ", subnets: {s: 10.0.0.0/24}, peerings: {ab: {remoteVirtualNetwork: bb}}}\n"                             \
    "  bb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}" links "}\n"                              \
    "virtualMachines:\n"                                                                                     \
    "  vm: {subnet: aa/s}\n"

#define BACK ", peerings: {ba: {remoteVirtualNetwork: aa}}"

static const char connected[] = PAIR("[10.0.0.0/16]", BACK);
static const char initiated[] = PAIR("[10.0.0.0/16]", "");
static const char resized[] = PAIR("[10.0.0.0/16, 10.99.0.0/16]", BACK);

static int load(const char *text, const struct vnl_lab *before, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = NULL;
    int r = vnl_lab_load_text("dir/lab.yaml", text, strlen(text), &lab, err);

    if (r == 0)
        r = vnl_lab_settle(lab, before, err);
    if (r == 0)
        *ret = TAKE_PTR(lab);
    return r;
}

/* before: NULL, or the text of the lab in force when `text` comes. */
static struct vnl_lab *settled(const char *before, const char *text)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *old = NULL;
    CLEANUP(vnl_err_free)
    struct vnl_err *err = NULL;
    struct vnl_lab *lab = NULL;
    int r = before ? load(before, NULL, &old, &err) : 0;

    if (r == 0)
        r = load(text, old, &lab, &err);
    vnl_err_print(stderr, err);
    assert_int_equal(r, 0);
    return lab;
}

static char *text_of(const struct vnl_json *json)
{
    char *text = NULL;

    assert_int_equal(vnl_json_format(json, 0, &text, NULL), 0);
    return text;
}

static char *lab_to_text(const struct vnl_lab *lab)
{
    CLEANUP(vnl_json_free)
    struct vnl_json *json = NULL;

    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    return text_of(json);
}

static int lab_from_text(const char *text, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_json_free)
    struct vnl_json *json = NULL;
    int r = vnl_json_parse(text, strlen(text), &json, err);

    assert_int_equal(r, 0);
    return vnl_lab_from_json(json, ret, err);
}

static char *plan_text(const struct vnl_lab *lab)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = NULL;
    char *text = NULL;
    size_t size;
    FILE *out;

    assert_int_equal(vnl_plan_build(lab, &plan, NULL), 0);
    out = open_memstream(&text, &size);
    assert_int_equal(vnl_plan_print(out, plan, NULL), 0);
    (void)fclose(out);
    return text;
}

/* --- round trip
 * ---------------------------------------------------------------------------------------------------------
 */

static void assert_round_trip(const struct vnl_lab *lab)
{
    CLEANUP(vnl_str_free)
    char *text = lab_to_text(lab);
    CLEANUP(vnl_str_free)
    char *plan = plan_text(lab);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *again = NULL;
    CLEANUP(vnl_err_free)
    struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free)
    char *again_text = NULL;
    CLEANUP(vnl_str_free)
    char *again_plan = NULL;
    int r = lab_from_text(text, &again, &err);

    vnl_err_print(stderr, err);
    assert_int_equal(r, 0);
    again_text = lab_to_text(again);
    again_plan = plan_text(again);
    assert_string_equal(again_text, text);
    assert_string_equal(again_plan, plan);
}

static void every_state_comes_back_byte_for_byte(void **state)
{
    static const struct {
        const char *before, *text;
    } cases[] = {
        { NULL, "name: empty\n" }, { NULL, full },         { NULL, connected },      { NULL, initiated },
        { connected, initiated },  { connected, resized }, { initiated, connected }, { full, full },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_lab_free)
        struct vnl_lab *lab = settled(cases[i].before, cases[i].text);

        assert_round_trip(lab);
    }
}

static void restored_lab_is_complete(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled(NULL, full);
    CLEANUP(vnl_str_free)
    char *text = lab_to_text(lab);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *again = NULL;

    (void)state;
    assert_int_equal(lab_from_text(text, &again, NULL), 0);
    assert_string_equal(again->file, "dir/lab.yaml");
    assert_int_equal(again->n_vms, lab->n_vms);
    for (size_t i = 0; i < lab->n_vms; i++) {
        const struct vnl_nic *nic = lab->vms[i]->nics[0], *nic_again = again->vms[i]->nics[0];

        assert_memory_equal(&nic_again->mac, &nic->mac, sizeof(nic->mac));
        assert_int_equal(nic_again->slot, nic->slot);
        assert_string_equal(nic_again->subnet->id, nic->subnet->id);
        assert_int_equal(nic_again->subnet->number, nic->subnet->number);
        assert_int_equal(nic_again->subnet->vnet->number, nic->subnet->vnet->number);
        assert_int_equal(nic_again->n_configs, nic->n_configs);
        for (size_t j = 0; j < nic->n_configs; j++) {
            assert_true(vnl_prefix_eq(&nic_again->configs[j].subnet_prefix, &nic->configs[j].subnet_prefix));
            assert_int_equal(nic_again->configs[j].src.line, nic->configs[j].src.line);
        }
        assert_ptr_equal(nic_again->src.file, again->file);
    }
    for (size_t i = 0; i < lab->n_expects; i++) {
        assert_true(vnl_addr_eq(&again->expects[i]->addr, &lab->expects[i]->addr));
        assert_int_equal(!again->expects[i]->to_vm, !lab->expects[i]->to_vm);
        assert_string_equal(again->expects[i]->from_vm->id, lab->expects[i]->from_vm->id);
    }
    assert_int_equal(again->vnets[0]->peerings[0]->remote_src.col,
                     lab->vnets[0]->peerings[0]->remote_src.col);
}

/* The text that the store cuts up is the same document. */
static void pieces_put_together_are_the_document(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled(NULL, full);
    CLEANUP(vnl_lab_text_done)
    struct vnl_lab_text pieces = { 0 };
    CLEANUP(vnl_json_free)
    struct vnl_json *json = NULL;
    CLEANUP(vnl_json_free)
    struct vnl_json *head = NULL;
    const struct vnl_json *array;

    (void)state;
    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    assert_int_equal(vnl_lab_text_build(lab, &pieces, NULL), 0);
    array = vnl_json_get(json, "resources");
    assert_int_equal(vnl_json_len(array), pieces.n_resources);
    for (size_t i = 0; i < pieces.n_resources; i++) {
        const struct vnl_resource_text *piece = &pieces.resources[i];
        CLEANUP(vnl_str_free)
        char *expected = text_of(vnl_json_at(array, i));
        CLEANUP(vnl_json_free)
        struct vnl_json *parsed = NULL;
        CLEANUP(vnl_str_free)
        char *text = NULL;

        assert_int_equal(vnl_json_parse(piece->body, piece->size, &parsed, NULL), 0);
        text = text_of(parsed);
        assert_string_equal(text, expected);
        assert_string_equal(vnl_json_get_text(parsed, "id"), piece->id);
        assert_string_equal(vnl_json_get_text(parsed, "type"), piece->type);
    }
    assert_int_equal(vnl_json_parse(pieces.head.body, pieces.head.size, &head, NULL), 0);
    assert_int_equal(vnl_json_len(head) + 1, vnl_json_len(json));
    assert_null(vnl_json_get(head, "resources"));
}

/* --- ARM's shapes
 * ------------------------------------------------------------------------------------------------------- */

static void assert_shape(struct vnl_json *json, const char *expected)
{
    CLEANUP(vnl_str_free)
    char *text = text_of(json);

    assert_string_equal(text, expected);
    vnl_json_free(&json);
}

static void subnet_has_the_prefix_members_that_were_written(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled(NULL, full);

    (void)state;
    assert_shape(vnl_subnet_to_json(lab->vnets[0]->subnets[0]),
                 "{\"id\": \"" RG
                 "Microsoft.Network/virtualNetworks/vnet-1/subnets/one\", \"name\": \"one\", "
                 "\"type\": \"Microsoft.Network/virtualNetworks/subnets\", \"properties\": {"
                 "\"provisioningState\": \"Succeeded\", \"addressPrefix\": \"10.0.0.0/24\"}, "
                 "\"vnetlab\": {\"source\": \"dir/lab.yaml:9:7\"}}");
    assert_shape(vnl_subnet_to_json(lab->vnets[0]->subnets[2]),
                 "{\"id\": \"" RG
                 "Microsoft.Network/virtualNetworks/vnet-1/subnets/three\", \"name\": \"three\", "
                 "\"type\": \"Microsoft.Network/virtualNetworks/subnets\", \"properties\": {"
                 "\"provisioningState\": \"Succeeded\", \"addressPrefixes\": [\"10.0.2.0/24\"]}, "
                 "\"vnetlab\": {\"source\": \"dir/lab.yaml:11:7\"}}");
}

static void peering_shows_what_is_in_force_and_what_is_current(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled(connected, resized);

    (void)state;
    assert_shape(
        vnl_peering_to_json(lab->vnets[1]->peerings[0]),
        "{\"id\": \"" RG
        "Microsoft.Network/virtualNetworks/bb/virtualNetworkPeerings/ba\", \"name\": \"ba\", "
        "\"type\": \"Microsoft.Network/virtualNetworks/virtualNetworkPeerings\", \"properties\": {"
        "\"provisioningState\": \"Succeeded\", \"peeringState\": \"Connected\", "
        "\"peeringSyncLevel\": \"LocalNotInSync\", "
        "\"remoteVirtualNetwork\": {\"id\": \"" RG "Microsoft.Network/virtualNetworks/aa\"}, "
        "\"allowVirtualNetworkAccess\": true, \"allowForwardedTraffic\": false, \"allowGatewayTransit\": "
        "false, "
        "\"useRemoteGateways\": false, \"doNotVerifyRemoteGateways\": false, \"peerCompleteVnets\": true, "
        "\"enableOnlyIPv6Peering\": false, "
        "\"remoteAddressSpace\": {\"addressPrefixes\": [\"10.0.0.0/16\"]}, "
        "\"remoteVirtualNetworkAddressSpace\": {\"addressPrefixes\": [\"10.0.0.0/16\", \"10.99.0.0/16\"]}, "
        "\"localAddressSpace\": {\"addressPrefixes\": [\"10.1.0.0/16\"]}, "
        "\"localVirtualNetworkAddressSpace\": {\"addressPrefixes\": [\"10.1.0.0/16\"]}}, "
        "\"vnetlab\": {\"source\": \"dir/lab.yaml:4:75\", \"remoteRef\": \"aa\", "
        "\"remoteSource\": \"dir/lab.yaml:4:102\"}}");
}

static void subnet_peering_shows_the_subnets(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled(NULL, full);
    CLEANUP(vnl_json_free)
    struct vnl_json *json = vnl_peering_to_json(lab->vnets[0]->peerings[1]);
    const struct vnl_json *properties = vnl_json_get(json, "properties");
    CLEANUP(vnl_str_free)
    char *remote = text_of(vnl_json_get(properties, "remoteAddressSpace"));
    CLEANUP(vnl_str_free)
    char *local = text_of(vnl_json_get(properties, "localAddressSpace"));
    CLEANUP(vnl_str_free)
    char *names = text_of(vnl_json_get(properties, "remoteSubnetNames"));

    (void)state;
    assert_string_equal(remote, "{\"addressPrefixes\": [\"10.2.0.0/24\", \"10.2.1.0/24\"]}");
    assert_string_equal(local, "{\"addressPrefixes\": [\"10.0.0.0/24\"]}");
    assert_string_equal(names, "[\"a\", \"b\"]");
    assert_false(vnl_json_get_bool(properties, "peerCompleteVnets", true));
}

static void vm_and_nic_refer_to_each_other(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled(NULL, connected);

    (void)state;
    lab->vms[0]->nics[0]->mac = (struct vnl_mac){ { 0x00, 0x0d, 0x3a, 0x0b, 0xc0, 0xde } };
    assert_shape(
        vnl_vm_to_json(lab->vms[0]),
        "{\"id\": \"" RG "Microsoft.Compute/virtualMachines/vm\", \"name\": \"vm\", "
        "\"type\": \"Microsoft.Compute/virtualMachines\", \"location\": \"eastus\", \"properties\": {"
        "\"provisioningState\": \"Succeeded\", \"networkProfile\": {\"networkInterfaces\": ["
        "{\"id\": \"" RG "Microsoft.Network/networkInterfaces/vm-nic\"}]}}, "
        "\"vnetlab\": {\"source\": \"dir/lab.yaml:6:3\", \"ipForward\": false, \"run\": []}}");
    assert_shape(
        vnl_nic_to_json(lab->vms[0]->nics[0]),
        "{\"id\": \"" RG "Microsoft.Network/networkInterfaces/vm-nic\", \"name\": \"vm-nic\", "
        "\"type\": \"Microsoft.Network/networkInterfaces\", \"location\": \"eastus\", \"properties\": {"
        "\"provisioningState\": \"Succeeded\", \"primary\": true, "
        "\"virtualMachine\": {\"id\": \"" RG "Microsoft.Compute/virtualMachines/vm\"}, "
        "\"macAddress\": \"00-0D-3A-0B-C0-DE\", \"enableIPForwarding\": false, \"ipConfigurations\": [{"
        "\"id\": \"" RG "Microsoft.Network/networkInterfaces/vm-nic/ipConfigurations/ipconfig1\", "
        "\"name\": \"ipconfig1\", \"type\": \"Microsoft.Network/networkInterfaces/ipConfigurations\", "
        "\"properties\": {\"provisioningState\": \"Succeeded\", \"privateIPAddress\": \"10.0.0.4\", "
        "\"privateIPAllocationMethod\": \"Dynamic\", \"privateIPAddressVersion\": \"IPv4\", "
        "\"subnet\": {\"id\": \"" RG "Microsoft.Network/virtualNetworks/aa/subnets/s\"}, \"primary\": true}, "
        "\"vnetlab\": {\"source\": \"dir/lab.yaml:6:3\"}}]}, "
        "\"vnetlab\": {\"source\": \"dir/lab.yaml:6:3\", \"slot\": 0, \"subnetRef\": \"aa/s\", "
        "\"subnetSource\": \"dir/lab.yaml:6:16\"}}");
}

static void vnet_holds_its_children_as_they_are_alone(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled(NULL, full);
    CLEANUP(vnl_json_free)
    struct vnl_json *json = vnl_vnet_to_json(lab->vnets[0]);
    const struct vnl_json *properties = vnl_json_get(json, "properties");
    CLEANUP(vnl_str_free)
    char *subnet = text_of(vnl_json_at(vnl_json_get(properties, "subnets"), 1));
    CLEANUP(vnl_str_free)
    char *link = text_of(vnl_json_at(vnl_json_get(properties, "virtualNetworkPeerings"), 1));

    (void)state;
    assert_string_equal(vnl_json_get_text(json, "location"), "eastus");
    assert_int_equal(vnl_json_get_int(properties, "flowTimeoutInMinutes", 0), 10);
    assert_shape(vnl_subnet_to_json(lab->vnets[0]->subnets[1]), subnet);
    assert_shape(vnl_peering_to_json(lab->vnets[0]->peerings[1]), link);
}

/* --- damage
 * -------------------------------------------------------------------------------------------------------------
 */

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

static const struct damage {
    const char *from, *to; /* the first time that it occurs */
    const char *msg;
} damages[] = {
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
    { "\"ipConfigurations\": [{", "\"ipConfigurations\": [], \"x\": [{",
      NIC "'ipConfigurations' has 0 elements, and not 1 or 2" },
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

static void damage_is_named(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled(NULL, connected);
    CLEANUP(vnl_str_free)
    char *text = lab_to_text(lab);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        const struct damage *damage = &damages[i];
        const char *at = strstr(text, damage->from);
        CLEANUP(vnl_json_free)
        struct vnl_json *json = NULL;
        CLEANUP(vnl_err_free)
        struct vnl_err *err = NULL;
        CLEANUP(vnl_str_free)
        char *changed = NULL;
        struct vnl_lab *again = NULL;

        if (!at)
            fail_msg("'%s' is not in the document", damage->from);
        changed = replace_at(text, at, strlen(damage->from), damage->to);
        assert_int_equal(vnl_json_parse(changed, strlen(changed), &json, &err), 0);
        assert_int_equal(vnl_lab_from_json(json, &again, &err), -EINVAL);
        assert_null(again);
        assert_non_null(err);
        assert_string_equal(err->msg, damage->msg);
    }
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
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free)
    struct vnl_err *err = NULL;
    int r = lab_from_text(text, &lab, &err);

    if (r < 0) {
        assert_int_equal(r, -EINVAL);
        assert_non_null(err);
        assert_null(lab);
        return;
    }
    assert_null(err);
    assert_round_trip(lab);
}

static void each_member_may_be_anything(void **state)
{
    static const char *const values[] = {
        "null", "true", "-7", "1e99", "\"x\"", "\"\"", "[]", "{}", "[[{}]]"
    };
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled(NULL, full);
    CLEANUP(vnl_str_free)
    char *text = lab_to_text(lab);

    (void)state;
    for (const char *colon = strstr(text, "\": "); colon; colon = strstr(colon + 1, "\": ")) {
        const char *value = colon + 3, *end = skip_value(value);
        CLEANUP(vnl_str_free)
        char *renamed = replace_at(text, colon, 1, "x\"");

        assert_refused_or_kept(renamed);
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            CLEANUP(vnl_str_free)
            char *changed = replace_at(text, value, (size_t)(end - value), values[i]);

            assert_refused_or_kept(changed);
        }
    }
}

/* --- states that no file can ask for
 * -------------------------------------------------------------------------------------- */

/* Takes the VNet 'bb' out of the document. */
static char *without_remote(const char *text)
{
    const char *start = strstr(text, "{\"id\": \"" RG "Microsoft.Network/virtualNetworks/bb\", \"name\"");
    const char *end = skip_value(start);

    return replace_at(text, start, (size_t)(end - start) + 2, "");
}

static void disconnected_link_outlives_its_remote(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled(connected, initiated);
    CLEANUP(vnl_str_free)
    char *text = lab_to_text(lab);
    CLEANUP(vnl_str_free)
    char *gone = without_remote(text);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *again = NULL;
    CLEANUP(vnl_json_free)
    struct vnl_json *json = NULL;
    const struct vnl_json *properties;

    (void)state;
    assert_int_equal(lab->vnets[0]->peerings[0]->state, VNL_PEERING_DISCONNECTED);
    assert_int_equal(lab_from_text(gone, &again, NULL), 0);
    assert_int_equal(again->n_vnets, 1);
    assert_int_equal(again->vnets[0]->peerings[0]->state, VNL_PEERING_DISCONNECTED);
    assert_null(again->vnets[0]->peerings[0]->remote);
    json = vnl_peering_to_json(again->vnets[0]->peerings[0]);
    properties = vnl_json_get(json, "properties");
    assert_string_equal(vnl_json_get_text(vnl_json_get(properties, "remoteVirtualNetwork"), "id"),
                        RG "Microsoft.Network/virtualNetworks/bb");
    assert_string_equal(vnl_json_get_text(properties, "peeringState"), "Disconnected");
    assert_round_trip(again);
}

static void position_in_another_file_is_not_kept(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled(NULL, connected);
    CLEANUP(vnl_str_free)
    char *text = lab_to_text(lab);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *again = NULL;
    const char *at = strstr(text, "dir/lab.yaml:");
    CLEANUP(vnl_str_free)
    char *changed = replace_at(text, at, 4, "elsewhere/");

    (void)state;
    assert_int_equal(lab_from_text(changed, &again, NULL), 0);
    assert_null(again->vnets[0]->subnets[0]->src.file);
    assert_int_equal(again->vnets[0]->subnets[0]->src.line, 0);
    assert_ptr_equal(again->vnets[1]->subnets[0]->src.file, again->file);
    assert_round_trip(again);
}

/* A path may hold any byte but NUL; JSON may not. */
static void file_name_need_not_be_utf8(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = NULL;
    CLEANUP(vnl_json_free)
    struct vnl_json *json = NULL;

    (void)state;
    assert_int_equal(vnl_lab_load_text("a:1:2/caf\xe9 \"\\.yaml", connected, strlen(connected), &lab, NULL),
                     0);
    assert_int_equal(vnl_lab_settle(lab, NULL, NULL), 0);
    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    assert_string_equal(vnl_json_get_text(json, "file"), "a:1:2/caf? \"\\.yaml");
    assert_round_trip(lab);
}

static void restored_lab_can_be_settled_upon(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled(NULL, connected);
    CLEANUP(vnl_str_free)
    char *text = lab_to_text(lab);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = NULL;
    CLEANUP(vnl_lab_free)
    struct vnl_lab *next = NULL;
    CLEANUP(vnl_lab_free)
    struct vnl_lab *direct = settled(connected, resized);
    CLEANUP(vnl_str_free)
    char *next_text = NULL;
    CLEANUP(vnl_str_free)
    char *direct_text = lab_to_text(direct);

    (void)state;
    assert_int_equal(lab_from_text(text, &before, NULL), 0);
    assert_int_equal(load(resized, before, &next, NULL), 0);
    next_text = lab_to_text(next);
    assert_string_equal(next_text, direct_text);
}

/* --- the writer
 * -----------------------------------------------------------------------------------------------------------
 */

static void text_is_escaped_as_json_asks(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        { "", "\"\"" },
        { "plain", "\"plain\"" },
        { "a\"b\\c/", "\"a\\\"b\\\\c/\"" },
        { "\x01\x1f\x7f\n", "\"\\u0001\\u001f\x7f\\u000a\"" },
        { "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf",
          "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf\"" },
        { "\xc3\xa4 \xff", "\"?? ?\"" },
        { "\xc0\xaf", "\"??\"" }, /* longer than needed */
        { "\xe0\x80\xaf", "\"???\"" },
        { "\xed\xa0\x80", "\"???\"" },      /* a surrogate */
        { "\xf4\x90\x80\x80", "\"????\"" }, /* above U+10FFFF */
        { "ab\xe2\x82", "\"ab??\"" },       /* cut off */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_json_writer_done)
        struct vnl_json_writer out = { 0 };
        CLEANUP(vnl_json_free)
        struct vnl_json *json = NULL;

        vnl_json_write_text(&out, NULL, cases[i].text);
        assert_false(out.failed);
        assert_int_equal(out.size, strlen(cases[i].json));
        assert_memory_equal(out.text, cases[i].json, out.size);
        assert_int_equal(vnl_json_parse(out.text, out.size, &json, NULL), 0);
    }
}

static void commas_stand_between_values(void **state)
{
    static const char expected[] = "{\"a\":[],\"b\":[1,{},true],\"c\":{\"d\":-5}}";
    CLEANUP(vnl_json_writer_done)
    struct vnl_json_writer out = { 0 };

    (void)state;
    vnl_json_write_open(&out, NULL, '{');
    vnl_json_write_open(&out, "a", '[');
    vnl_json_write_close(&out, ']');
    vnl_json_write_open(&out, "b", '[');
    vnl_json_write_int(&out, NULL, 1);
    vnl_json_write_open(&out, NULL, '{');
    vnl_json_write_close(&out, '}');
    vnl_json_write_bool(&out, NULL, true);
    vnl_json_write_close(&out, ']');
    vnl_json_write_open(&out, "c", '{');
    vnl_json_write_int(&out, "d", -5);
    vnl_json_write_close(&out, '}');
    vnl_json_write_close(&out, '}');
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.text, expected, out.size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_comes_back_byte_for_byte),
        cmocka_unit_test(restored_lab_is_complete),
        cmocka_unit_test(pieces_put_together_are_the_document),
        cmocka_unit_test(subnet_has_the_prefix_members_that_were_written),
        cmocka_unit_test(peering_shows_what_is_in_force_and_what_is_current),
        cmocka_unit_test(subnet_peering_shows_the_subnets),
        cmocka_unit_test(vm_and_nic_refer_to_each_other),
        cmocka_unit_test(vnet_holds_its_children_as_they_are_alone),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(each_member_may_be_anything),
        cmocka_unit_test(disconnected_link_outlives_its_remote),
        cmocka_unit_test(position_in_another_file_is_not_kept),
        cmocka_unit_test(file_name_need_not_be_utf8),
        cmocka_unit_test(restored_lab_can_be_settled_upon),
        cmocka_unit_test(text_is_escaped_as_json_asks),
        cmocka_unit_test(commas_stand_between_values),
    };

    return cmocka_run_group_tests_name("arm_resource", tests, NULL, NULL);
}
