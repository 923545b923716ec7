/* The lab file: what is read, and where it was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../ctl/load/lab_yaml.h"
#include "vnetlab/load.h"

static struct vnl_lab *lab_of(const char *text)
{
    struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    if (vnl_lab_load_text("f.yaml", text, strlen(text), &lab, &err) < 0) {
        vnl_err_print(stderr, err);
        fail();
    }
    assert_null(err);
    return lab;
}

static void assert_prefixes(const struct vnl_prefixes *list, const char *expected)
{
    char all[256] = "", buf[VNL_PREFIX_STR];

    for (size_t i = 0; i < list->n; i++) {
        (void)strcat(all, i ? " " : "");
        (void)strcat(all, vnl_prefix_format(&list->items[i], buf));
    }
    assert_string_equal(all, expected);
}

static void assert_addr(const struct vnl_addr *addr, const char *expected)
{
    char buf[VNL_ADDR_STR];

    assert_string_equal(vnl_addr_format(addr, buf), expected);
}

/* --- what is read ------------------------------------------------------------------------------------ */

static const char whole[] =
    "name: hub-spoke\n"
    "location: East US 2\n"
    "resourceGroup: rg-lab\n"
    "subscription: 11111111-2222-3333-4444-555555555555\n"
    "semantics: {peeringAccess: tag-only, peeringForwarded: TAG-ONLY}\n"
    "vnets:\n"
    "  hub:\n"
    "    addressSpace: [10.0.0.0/16, 'fd00:10::/48']\n"
    "    flowTimeoutInMinutes: 10\n"
    "    subnets:\n"
    "      default: [10.0.1.0/24, 'fd00:10:0:1::/64']\n"
    "      dmz: {addressPrefix: 10.0.2.0/24}\n"
    "      wide: {addressPrefixes: [10.0.4.0/24, 10.0.5.0/24]}\n"
    "    peerings:\n"
    "      hub-to-spoke:\n"
    "        remoteVirtualNetwork: spoke\n"
    "        allowForwardedTraffic: True\n"
    "        allowGatewayTransit: true\n"
    "        doNotVerifyRemoteGateways: TRUE\n"
    "  spoke:\n"
    "    location: westus\n"
    "    resourceGroup: rg-spoke\n"
    "    addressSpace: 10.1.0.0/16\n"
    "    subnets: {default: 10.1.0.0/24}\n"
    "    peerings: {spoke-to-hub: {remoteVirtualNetwork: {id: hub}, allowVirtualNetworkAccess: false}}\n"
    "virtualMachines:\n"
    "  nva:\n"
    "    subnet: hub/default\n"
    "    privateIPAddress: ['fd00:10:0:1::9', 10.0.1.9]\n"
    "    enableIPForwarding: true\n"
    "    ipForward: true\n"
    "    run: [\"python3 -m http.server 80\", sleep 1]\n"
    "  vm-1: {subnet: spoke/default, run: sleep 9}\n"
    "expect:\n"
    "  - {from: vm-1, to: nva, icmp: pass, ttl: 64}\n"
    "  - {from: vm-1, to: 10.2.0.4, tcp: 80, result: drop, reason: noroute}\n"
    "  - {from: vm-1, to: nva, icmp: true, result: drop}\n"
    "  - {from: vm-1, to: nva, udp: 53, result: Pass}\n";

static void top_level_is_read(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(whole);

    (void)state;
    assert_string_equal(lab->name, "hub-spoke");
    assert_string_equal(lab->file, "f.yaml");
    assert_int_equal(lab->peering_access, VNL_ACCESS_TAG_ONLY);
    assert_int_equal(lab->peering_forwarded, VNL_FORWARDED_TAG_ONLY);
    assert_int_equal(lab->n_vnets, 2);
    assert_int_equal(lab->n_vms, 2);
    assert_int_equal(lab->n_expects, 4);
}

static void scopes_default_to_the_labs(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(whole);

    (void)state;
    assert_string_equal(lab->vnets[0]->scope.location, "eastus2");
    assert_string_equal(lab->vnets[0]->id,
                        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-lab/"
                        "providers/Microsoft.Network/virtualNetworks/hub");
    assert_string_equal(lab->vnets[1]->scope.location, "westus");
    assert_string_equal(lab->vnets[1]->scope.resource_group, "rg-spoke");
    assert_string_equal(lab->vms[1]->scope.location, "westus");
}

static void vnets_are_read_with_places(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(whole);
    const struct vnl_vnet *hub = lab->vnets[0];

    (void)state;
    assert_string_equal(hub->name, "hub");
    assert_string_equal(hub->src.file, "f.yaml");
    assert_ptr_equal(hub->src.file, lab->file);
    assert_int_equal(hub->src.line, 7);
    assert_int_equal(hub->src.col, 3);
    assert_prefixes(&hub->space, "10.0.0.0/16 fd00:10::/48");
    assert_int_equal(hub->flow_timeout_min, 10);
    assert_int_equal(hub->n_subnets, 3);
    assert_prefixes(&hub->subnets[0]->prefixes, "10.0.1.0/24 fd00:10:0:1::/64");
    assert_true(hub->subnets[0]->plural);
    assert_prefixes(&hub->subnets[1]->prefixes, "10.0.2.0/24");
    assert_false(hub->subnets[1]->plural);
    assert_prefixes(&hub->subnets[2]->prefixes, "10.0.4.0/24 10.0.5.0/24");
    assert_true(hub->subnets[2]->plural);
    assert_int_equal(hub->subnets[2]->src.line, 13);
    assert_prefixes(&lab->vnets[1]->space, "10.1.0.0/16");
}

static void peerings_are_read_with_the_portals_defaults(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(whole);
    const struct vnl_peering *out = lab->vnets[0]->peerings[0], *back = lab->vnets[1]->peerings[0];

    (void)state;
    assert_string_equal(out->name, "hub-to-spoke");
    assert_string_equal(out->remote_ref, "spoke");
    assert_int_equal(out->remote_src.line, 16);
    assert_int_equal(out->remote_src.col, 31);
    assert_ptr_equal(out->remote, lab->vnets[1]);
    assert_true(out->allow_vnet_access && out->allow_forwarded_traffic && out->allow_gateway_transit);
    assert_true(out->do_not_verify_remote_gateways && out->complete_vnets);
    assert_false(out->use_remote_gateways || out->only_ipv6);
    assert_ptr_equal(back->remote, lab->vnets[0]);
    assert_false(back->allow_vnet_access || back->allow_forwarded_traffic || back->allow_gateway_transit);
}

static void subnet_peering_names_its_subnets(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab =
        lab_of("vnets:\n"
               "  a1: {addressSpace: 10.0.0.0/16, subnets: {x: 10.0.0.0/24, y: 10.0.1.0/24}, peerings: {p:\n"
               "    {remoteVirtualNetwork: b1, peerCompleteVnets: false, localSubnetNames: [x, y], "
               "remoteSubnetNames: z}}}\n"
               "  b1: {addressSpace: 10.1.0.0/16, subnets: {z: 10.1.0.0/24}, peerings: {p:\n"
               "    {remoteVirtualNetwork: a1, peerCompleteVnets: false, localSubnetNames: [z], "
               "remoteSubnetNames: [x, y]}}}\n");
    const struct vnl_peering *link = lab->vnets[0]->peerings[0];

    (void)state;
    assert_false(link->complete_vnets);
    assert_int_equal(link->local_subnets.n, 2);
    assert_string_equal(link->local_subnets.items[1], "y");
    assert_int_equal(link->remote_subnets.n, 1);
    assert_string_equal(link->remote_subnets.items[0], "z");
}

static void vms_are_read_with_one_nic(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(whole);
    const struct vnl_vm *nva = lab->vms[0], *vm = lab->vms[1];
    const struct vnl_nic *nic = nva->nics[0];

    (void)state;
    assert_int_equal(nva->n_nics, 1);
    assert_string_equal(nic->name, "nva-nic");
    assert_ptr_equal(nic->subnet, lab->vnets[0]->subnets[0]);
    assert_true(nic->ip_forwarding && nva->ip_forward);
    assert_int_equal(nva->run.n, 2);
    assert_string_equal(nva->run.items[0], "python3 -m http.server 80");
    assert_int_equal(nic->n_configs, 2);
    assert_true(nic->configs[0].is_static && nic->configs[1].is_static);
    assert_addr(&nic->configs[0].addr, "10.0.1.9");
    assert_addr(&nic->configs[1].addr, "fd00:10:0:1::9");
    assert_int_equal(nic->configs[0].src.line, 29);
    assert_int_equal(nic->configs[0].src.col, 42);
    assert_int_equal(vm->run.n, 1);
    assert_false(vm->ip_forward || vm->nics[0]->ip_forwarding);
    assert_int_equal(vm->nics[0]->n_configs, 1);
    assert_false(vm->nics[0]->configs[0].is_static);
    assert_int_equal(vm->nics[0]->configs[0].src.line, 33);
}

static void expectations_are_read(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(whole);
    struct vnl_expect **e = lab->expects;

    (void)state;
    assert_int_equal(e[0]->proto, VNL_EXPECT_ICMP);
    assert_int_equal(e[0]->result, VNL_EXPECT_PASS);
    assert_int_equal(e[0]->ttl, 64);
    assert_ptr_equal(e[0]->from_vm, lab->vms[1]);
    assert_ptr_equal(e[0]->to_vm, lab->vms[0]);
    assert_int_equal(e[1]->proto, VNL_EXPECT_TCP);
    assert_int_equal(e[1]->port, 80);
    assert_string_equal(e[1]->reason, "NoRoute");
    assert_string_equal(e[1]->to, "10.2.0.4");
    assert_int_equal(e[2]->proto, VNL_EXPECT_ICMP);
    assert_int_equal(e[2]->result, VNL_EXPECT_DROP);
    assert_int_equal(e[3]->proto, VNL_EXPECT_UDP);
    assert_int_equal(e[3]->port, 53);
    assert_int_equal(e[3]->result, VNL_EXPECT_PASS);
}

static void an_expected_refusal_sends_no_packet(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab =
        lab_of("vnets: {}\nexpect:\n- {error: VnetAddressSpacesOverlap, mentions: 10.0.0.0/16}\n");

    (void)state;
    assert_int_equal(lab->n_expects, 0);
}

static void empty_sections_are_empty_labs(void **state)
{
    static const char *const texts[] = { "vnets: {}\nvirtualMachines:\nexpect:\n", "virtualMachines: {}\n",
                                         "vnets: {}\nexpect: []\n" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(texts[i]);

        assert_string_equal(lab->name, "f");
        assert_int_equal(lab->n_vnets + lab->n_vms + lab->n_expects, 0);
    }
}

static void a_lab_without_name_is_called_after_its_file(void **state)
{
    static const struct {
        const char *file, *name;
    } cases[] = { { "hub.yaml", "hub" },
                  { "/x/My Lab_2.yml", "my-lab-2" },
                  { "/x/hub-spoke/lab.yaml", "hub-spoke" },
                  { "/lab.yaml", "lab" },
                  { "/x/--Ü--.yaml", "lab" },
                  { "/x/a.b/lab.yml", "a-b" },
                  { "/x/0123456789012345678901234567890123456789tail.yaml",
                    "0123456789012345678901234567890123456789" } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;

        assert_int_equal(vnl_lab_load_text(cases[i].file, "vnets: {}", 9, &lab, NULL), 0);
        assert_string_equal(lab->name, cases[i].name);
    }
}

static void a_file_is_loaded_and_named_after_its_directory(void **state)
{
    char dir[] = "/tmp/vnetlab-test-lab-XXXXXX", path[64];
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    FILE *out;
    int r;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/lab.yaml", dir);
    out = fopen(path, "we");
    assert_non_null(out);
    (void)fputs("vnets: {vnet-1: {addressSpace: 10.0.0.0/16}}\n", out);
    (void)fclose(out);
    r = vnl_lab_load(path, &lab, NULL);
    (void)unlink(path);
    (void)rmdir(dir);
    assert_int_equal(r, 0);
    assert_int_equal(strncmp(lab->name, "vnetlab-test-lab-", 17), 0);
    assert_string_equal(lab->file, path);
    assert_string_equal(lab->vnets[0]->src.file, path);
}

static void a_missing_file_is_named(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lab *lab = NULL;

    (void)state;
    assert_int_equal(vnl_lab_load("/nonexistent.yaml", &lab, &err), -ENOENT);
    assert_string_equal(err->msg, "cannot open '/nonexistent.yaml': No such file or directory");
}

/* --- the reference ------------------------------------------------------------------------------------ */

static char *read_file(const char *path)
{
    FILE *in = fopen(path, "re");
    char *text = calloc(1, 1 << 16);

    assert_non_null(in);
    assert_non_null(text);
    (void)!fread(text, 1, (1 << 16) - 1, in);
    (void)fclose(in);
    return text;
}

/* The tables in the documentation are those that the loader reads by. VNETLAB_SHOW_KEYS=1 prints them. */
static void the_documentation_holds_the_key_tables(void **state)
{
    CLEANUP(vnl_str_free) char *docs = read_file("docs/lab-file.md");
    CLEANUP(vnl_str_free) char *tables = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&tables, &size);

    (void)state;
    assert_non_null(out);
    vnl_lab_keys_print(out);
    (void)fclose(out);
    if (getenv("VNETLAB_SHOW_KEYS"))
        (void)fputs(tables, stdout);
    assert_non_null(strstr(docs, tables));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_level_is_read),
        cmocka_unit_test(scopes_default_to_the_labs),
        cmocka_unit_test(vnets_are_read_with_places),
        cmocka_unit_test(peerings_are_read_with_the_portals_defaults),
        cmocka_unit_test(subnet_peering_names_its_subnets),
        cmocka_unit_test(vms_are_read_with_one_nic),
        cmocka_unit_test(expectations_are_read),
        cmocka_unit_test(an_expected_refusal_sends_no_packet),
        cmocka_unit_test(empty_sections_are_empty_labs),
        cmocka_unit_test(a_lab_without_name_is_called_after_its_file),
        cmocka_unit_test(a_file_is_loaded_and_named_after_its_directory),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(the_documentation_holds_the_key_tables),
    };

    return cmocka_run_group_tests_name("lab file", tests, NULL, NULL);
}
