/* A lab as ARM's JSON: shapes, and the way there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../harness/documents.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

static void every_state_comes_back_byte_for_byte(void **state)
{
    static const struct {
        const char *before, *text;
    } cases[] = {
        { NULL, "name: empty\nvnets: {}\n" },
        { NULL, document_full },
        { NULL, document_connected },
        { NULL, document_initiated },
        { document_connected, document_initiated },
        { document_connected, document_resized },
        { document_initiated, document_connected },
        { document_full, document_full },
        { NULL, document_guarded },
        { document_guarded, document_guarded },
        { document_connected, document_guarded },
        { NULL, document_routed },
        { document_routed, document_routed },
        { document_guarded, document_routed },
        { NULL, document_redundant },
        { document_redundant, document_redundant },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(cases[i].before, cases[i].text);

        document_assert_kept(lab);
    }
}

static void restored_lab_is_complete(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_full);
    CLEANUP(vnl_str_free) char *text = document_of(lab);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;

    (void)state;
    assert_int_equal(document_read(text, &again, NULL), 0);
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
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_full);
    CLEANUP(vnl_lab_text_done) struct vnl_lab_text pieces = { 0 };
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *head = NULL;
    const struct vnl_json *array;

    (void)state;
    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    assert_int_equal(vnl_lab_text_build(lab, &pieces, NULL), 0);
    array = vnl_json_get(json, "resources");
    assert_int_equal(vnl_json_len(array), pieces.n_resources);
    for (size_t i = 0; i < pieces.n_resources; i++) {
        const struct vnl_resource_text *piece = &pieces.resources[i];
        CLEANUP(vnl_str_free) char *expected = document_format(vnl_json_at(array, i));
        CLEANUP(vnl_json_free) struct vnl_json *parsed = NULL;
        CLEANUP(vnl_str_free) char *text = NULL;

        assert_int_equal(vnl_json_parse(piece->body, piece->size, &parsed, NULL), 0);
        text = document_format(parsed);
        assert_string_equal(text, expected);
        assert_string_equal(vnl_json_get_text(parsed, "id"), piece->id);
        assert_string_equal(vnl_json_get_text(parsed, "type"), piece->type);
    }
    assert_int_equal(vnl_json_parse(pieces.head.body, pieces.head.size, &head, NULL), 0);
    assert_int_equal(vnl_json_len(head) + 1, vnl_json_len(json));
    assert_null(vnl_json_get(head, "resources"));
}

/* --- ARM's shapes ---------------------------------------------------------------------------------- */

static void assert_shape(struct vnl_json *json, const char *expected)
{
    CLEANUP(vnl_str_free) char *text = document_format(json);

    assert_string_equal(text, expected);
    vnl_json_free(&json);
}

static void subnet_has_the_prefix_members_that_were_written(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_full);

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
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(document_connected, document_resized);

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
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_full);
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_peering_to_json(lab->vnets[0]->peerings[1]);
    const struct vnl_json *properties = vnl_json_get(json, "properties");
    CLEANUP(vnl_str_free) char *remote = document_format(vnl_json_get(properties, "remoteAddressSpace"));
    CLEANUP(vnl_str_free) char *local = document_format(vnl_json_get(properties, "localAddressSpace"));
    CLEANUP(vnl_str_free) char *names = document_format(vnl_json_get(properties, "remoteSubnetNames"));

    (void)state;
    assert_string_equal(remote, "{\"addressPrefixes\": [\"10.2.0.0/24\", \"10.2.1.0/24\"]}");
    assert_string_equal(local, "{\"addressPrefixes\": [\"10.0.0.0/24\"]}");
    assert_string_equal(names, "[\"a\", \"b\"]");
    assert_false(vnl_json_get_bool(properties, "peerCompleteVnets", true));
}

static void vm_and_nic_refer_to_each_other(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_connected);

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
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_full);
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_vnet_to_json(lab->vnets[0]);
    const struct vnl_json *properties = vnl_json_get(json, "properties");
    CLEANUP(vnl_str_free) char *subnet = document_format(vnl_json_at(vnl_json_get(properties, "subnets"), 1));
    CLEANUP(vnl_str_free)
    char *link = document_format(vnl_json_at(vnl_json_get(properties, "virtualNetworkPeerings"), 1));

    (void)state;
    assert_string_equal(vnl_json_get_text(json, "location"), "eastus");
    assert_int_equal(vnl_json_get_int(properties, "flowTimeoutInMinutes", 0), 10);
    assert_shape(vnl_subnet_to_json(lab->vnets[0]->subnets[1]), subnet);
    assert_shape(vnl_peering_to_json(lab->vnets[0]->peerings[1]), link);
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
    };

    return cmocka_run_group_tests_name("arm_resource", tests, NULL, NULL);
}
