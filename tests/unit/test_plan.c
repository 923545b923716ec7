/* The plan: names and numbers of kernel objects, what guests are given, lookups, and the same bytes every
 * time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/plans.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/layout.h"

#define LAB                                                                                                  \
    "name: lab\n"                                                                                            \
    "vnets:\n"                                                                                               \
    "  hub:\n"                                                                                               \
    "    addressSpace: [10.0.0.0/16, 'fd00:1::/48']\n"                                                       \
    "    subnets: {s: [10.0.1.0/24, 'fd00:1:0:1::/64']}\n"                                                   \
    "    peerings: {to-spoke: {remoteVirtualNetwork: spoke, allowForwardedTraffic: true}}\n"                 \
    "  spoke:\n"                                                                                             \
    "    addressSpace: [10.1.0.0/16]\n"                                                                      \
    "    subnets: {s: 10.1.1.0/24}\n"                                                                        \
    "    peerings: {to-hub: {remoteVirtualNetwork: hub, allowVirtualNetworkAccess: false}}\n"                \
    "virtualMachines:\n"                                                                                     \
    "  nva: {subnet: hub/s, enableIPForwarding: true, ipForward: true}\n"                                    \
    "  web: {subnet: spoke/s, run: ['python3 -m http.server 80', 'sleep 1']}\n"

static struct vnl_addr addr_of(const char *text)
{
    struct vnl_addr addr = { 0 };

    assert_int_equal(vnl_addr_parse(text, &addr, NULL), 0);
    return addr;
}

static void assert_addr(const struct vnl_addr *addr, const char *expected)
{
    char buf[VNL_ADDR_STR];

    assert_string_equal(vnl_addr_format(addr, buf), expected);
}

/* --- names ---------------------------------------------------------------------------------------------- */

static void kernel_names_come_from_slots(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);

    (void)state;
    assert_string_equal(plan->nics[1].ifname, "nic1");
    assert_int_equal(plan->nics[1].ifindex, VNL_NIC_IFINDEX + 1);
    assert_string_equal(plan->nics[1].bridge, "vnet1");
    assert_int_equal(plan->nics[1].bridge_ifindex, VNL_BRIDGE_IFINDEX + VNL_VNET_BRIDGES);
    assert_string_equal(plan->nics[1].subnet, "spoke/s");
    assert_string_equal(plan->vms[1].netns, "lab.web");
    assert_int_equal(plan->nic_slots, 2);
    assert_int_equal(plan->vnet_slots, 2);
    assert_int_equal(plan->n_bridges, 2);
    assert_string_equal(plan->bridges[1].ifname, "vnet1");
    assert_string_equal(plan->bridges[1].alias, "vnetlab lab spoke");
}

/* A NIC's bridge follows from its own slot, so neighbours that go do not move it. */
static void nic_keeps_its_bridge_when_others_go(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    lab->vms[0]->nics[0]->slot = 499;
    lab->vms[1]->nics[0]->slot = 65535;
    plan = plan_of_lab(lab);
    assert_string_equal(plan->nics[0].bridge, "vnet0");
    assert_string_equal(plan->nics[1].bridge, "vnet1.131");
    assert_int_equal(plan->nics[1].bridge_ifindex, VNL_BRIDGE_IFINDEX + VNL_VNET_BRIDGES + 131);
    assert_int_equal(plan->nic_slots, 65536);
    assert_int_equal(plan->n_bridges, 3); /* each VNet's first, and the one in use */
    assert_string_equal(plan->bridges[1].ifname, "vnet1");
    assert_string_equal(plan->bridges[2].ifname, "vnet1.131");
    assert_int_equal(plan->bridges[2].ifindex, plan->nics[1].bridge_ifindex);
    assert_int_equal(plan->bridges[2].vnet, 1);
}

static void slots_beyond_the_tables_are_refused(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_plan *plan = NULL;

    (void)state;
    lab->vms[1]->nics[0]->slot = 65536;
    assert_int_equal(vnl_plan_build(lab, &plan, &err), -E2BIG);
    assert_string_equal(err->msg, "network interface 'web-nic' has slot 65536; there are 65536");
    vnl_err_free(&err);
    lab->vnets[1]->slot = VNL_SLOT_NONE;
    assert_int_equal(vnl_plan_build(lab, &plan, &err), -E2BIG);
    assert_string_equal(err->msg, "virtual network 'spoke' has slot 4294967295; there are 1000");
    assert_null(plan);
}

/* --- what guests are given ------------------------------------------------------------------------------ */

static void alias_holds_what_the_guest_end_was_given(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    char expected[256], mac[VNL_MAC_STR];

    (void)state;
    snprintf(expected, sizeof(expected), "vnetlab lab nva/nva-nic %s 10.0.1.4/24,fd00:1:0:1::4/64 ip_forward",
             vnl_mac_format(&plan->nics[0].mac, mac));
    assert_string_equal(plan->nics[0].alias, expected);
    snprintf(expected, sizeof(expected), "vnetlab lab web/web-nic %s 10.1.1.4/24",
             vnl_mac_format(&plan->nics[1].mac, mac));
    assert_string_equal(plan->nics[1].alias, expected);
}

/* The kernel keeps 255 characters. A cut alias still ends with the addresses and still differs where the
 * names differ. */
static void long_alias_is_cut_and_stays_distinct(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *a = NULL, *b = NULL;
    struct vnl_nic *nic = lab->vms[0]->nics[0];

    (void)state;
    free(nic->name);
    nic->name = calloc(301, 1);
    memset(nic->name, 'n', 300);
    a = plan_of_lab(lab);
    nic->name[299] = 'm';
    b = plan_of_lab(lab);
    assert_int_equal(strlen(a->nics[0].alias), 255);
    assert_memory_equal(a->nics[0].alias, "vnetlab lab nva/nnn", 19);
    assert_non_null(strstr(a->nics[0].alias, " 10.0.1.4/24,fd00:1:0:1::4/64 ip_forward"));
    assert_string_not_equal(a->nics[0].alias, b->nics[0].alias);
}

#define LEGS                                                                                                 \
    "name: lab\n"                                                                                            \
    "vnets: {va: {addressSpace: [10.0.0.0/16], subnets: {a: 10.0.1.0/24, b: 10.0.2.0/24}}}\n"                \
    "virtualMachines:\n"                                                                                     \
    "  nva:\n"                                                                                               \
    "    ipForward: true\n"                                                                                  \
    "    bandwidth: 1Gbps\n"                                                                                 \
    "    networkInterfaces:\n"                                                                               \
    "      one: {subnet: va/a}\n"                                                                            \
    "      two: {subnet: va/b, primary: true, ipConfigurations: {x: {privateIPAddress: 10.0.2.9}, y: "       \
    "{privateIPAddress: 10.0.2.8}}}\n"

/* The primary NIC is eth0, whatever its place in the file. */
static void alias_names_the_place_in_the_guest_and_the_rate(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LEGS);
    char expected[256], mac[VNL_MAC_STR];

    (void)state;
    assert_int_equal(plan->vms[0].n_nics, 2);
    snprintf(expected, sizeof(expected),
             "vnetlab lab nva/two %s 10.0.2.9/24,10.0.2.8/24 ip_forward bandwidth=1000000000",
             vnl_mac_format(&plan->nics[plan->vms[0].nics[0]].mac, mac));
    assert_string_equal(plan->nics[plan->vms[0].nics[0]].alias, expected);
    snprintf(expected, sizeof(expected),
             "vnetlab lab nva/one %s 10.0.1.4/24 eth1 ip_forward bandwidth=1000000000",
             vnl_mac_format(&plan->nics[plan->vms[0].nics[1]].mac, mac));
    assert_string_equal(plan->nics[plan->vms[0].nics[1]].alias, expected);
}

/* Azure allows 256 addresses on a NIC; what does not fit is in the hash. */
static void alias_of_many_addresses_ends_with_a_hash_of_them(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *a = NULL, *b = NULL;
    struct vnl_nic *nic = lab->vms[0]->nics[0];
    struct vnl_ip_config *few = nic->configs, many[40];
    size_t n_few = nic->n_configs;

    (void)state;
    for (size_t i = 0; i < 40; i++) {
        many[i] = few[0];
        many[i].addr.bytes[3] = (uint8_t)(10 + i);
    }
    nic->configs = many;
    nic->n_configs = 40;
    a = plan_of_lab(lab);
    many[39].addr.bytes[3] = 200;
    b = plan_of_lab(lab);
    nic->configs = few;
    nic->n_configs = n_few;
    assert_in_range(strlen(a->nics[0].alias), 236, 255);
    assert_int_equal(strspn(strrchr(a->nics[0].alias, '~') + 1, "0123456789abcdef"), 16);
    assert_int_equal(strlen(strrchr(a->nics[0].alias, ' ')), 18);
    assert_memory_equal(a->nics[0].alias, b->nics[0].alias, 220);
    assert_string_not_equal(a->nics[0].alias, b->nics[0].alias);
}

static void gateway_is_the_subnets_first_address(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    const struct vnl_plan_nic *nic = &plan->nics[0];

    (void)state;
    assert_int_equal(nic->n_addrs, 2);
    assert_addr(&nic->addrs[0].addr, "10.0.1.4");
    assert_int_equal(nic->addrs[0].prefix_len, 24);
    assert_addr(&nic->addrs[0].gateway, "10.0.1.1");
    assert_int_equal(nic->addrs[1].prefix_len, 64);
    assert_addr(&nic->addrs[1].gateway, "fe80::1234:5678:9abc");
}

/* Spec 1.8: names resolve inside the VNet, not across peering. */
static void hosts_name_the_vms_of_the_own_vnet(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);

    (void)state;
    assert_string_equal(vnl_plan_hosts(plan, &plan->vms[0]), "127.0.0.1 localhost\n"
                                                             "::1 localhost ip6-localhost ip6-loopback\n"
                                                             "10.0.1.4 nva\n"
                                                             "fd00:1:0:1::4 nva\n");
    assert_string_equal(vnl_plan_hosts(plan, &plan->vms[1]), "127.0.0.1 localhost\n"
                                                             "::1 localhost ip6-localhost ip6-loopback\n"
                                                             "10.1.1.4 web\n");
}

static void vm_carries_its_settings(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);

    (void)state;
    assert_true(plan->vms[0].ip_forward);
    assert_true(plan->nics[0].ip_forwarding);
    assert_false(plan->nics[1].ip_forwarding);
    assert_int_equal(plan->vms[1].n_run, 2);
    assert_string_equal(plan->vms[1].run[1], "sleep 1");
    assert_int_equal(plan->vms[1].nics[0], 1);
    assert_int_equal(plan->nics[1].vm, 1);
}

static void peering_is_shown_in_words(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);

    (void)state;
    assert_int_equal(plan->n_peerings, 2);
    assert_string_equal(plan->peerings[0].name, "hub/to-spoke");
    assert_string_equal(plan->peerings[0].remote, "spoke");
    assert_string_equal(plan->peerings[0].flags, "access forwarded");
    assert_string_equal(plan->peerings[1].flags, "-");
}

static void peer_that_is_gone_is_shown_as_it_was_written(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    lab->vnets[0]->peerings[0]->remote = NULL;
    lab->vnets[0]->peerings[0]->state = VNL_PEERING_DISCONNECTED;
    plan = plan_of_lab(lab);
    assert_string_equal(plan->peerings[0].remote, "spoke");
    assert_string_equal(plan->peerings[0].state, "Disconnected");
}

/* --- lookups -------------------------------------------------------------------------------------------- */

static void nic_is_found_by_address_within_its_vnet(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    struct vnl_addr nva = addr_of("10.0.1.4"), nva6 = addr_of("fd00:1:0:1::4"), nobody = addr_of("10.0.1.5");

    (void)state;
    assert_ptr_equal(vnl_plan_nic_by_addr(plan, 0, &nva), &plan->nics[0]);
    assert_ptr_equal(vnl_plan_nic_by_addr(plan, 0, &nva6), &plan->nics[0]);
    assert_null(vnl_plan_nic_by_addr(plan, 1, &nva));
    assert_null(vnl_plan_nic_by_addr(plan, 0, &nobody));
}

static void vm_is_found_by_name_in_any_case(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);

    (void)state;
    assert_ptr_equal(vnl_plan_vm_lookup(plan, "WEB"), &plan->vms[1]);
    assert_null(vnl_plan_vm_lookup(plan, "web2"));
}

static void empty_lab_has_a_plan(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of("name: t\nvnets: {}\n");
    CLEANUP(vnl_str_free) char *text = print_of(plan);
    struct vnl_addr any = addr_of("10.0.0.4");

    (void)state;
    assert_string_equal(text, "lab t\n");
    assert_null(vnl_plan_nic_by_addr(plan, 0, &any));
}

/* Thousands of NICs: each is found, and every hosts file is one text per VNet. */
static void large_lab_is_planned_whole(void **state)
{
    char *yaml = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&yaml, &size);
    struct vnl_plan *plan;

    (void)state;
    fputs("name: t\nvnets:\n", out);
    for (int v = 0; v < 10; v++)
        fprintf(out, "  v%d: {addressSpace: [10.%d.0.0/16], subnets: {s: 10.%d.0.0/20}}\n", v, v, v);
    fputs("virtualMachines:\n", out);
    for (int i = 0; i < 5000; i++)
        fprintf(out, "  vm-%d: {subnet: v%d/s}\n", i, i % 10);
    fclose(out);
    plan = plan_of(yaml);
    free(yaml);
    assert_int_equal(plan->n_nics, 5000);
    for (size_t i = 0; i < plan->n_nics; i++)
        assert_ptr_equal(vnl_plan_nic_by_addr(plan, plan->nics[i].vnet, &plan->nics[i].addrs[0].addr),
                         &plan->nics[i]);
    assert_ptr_equal(vnl_plan_hosts(plan, &plan->vms[0]), vnl_plan_hosts(plan, &plan->vms[10]));
    assert_non_null(strstr(vnl_plan_hosts(plan, &plan->vms[0]), " vm-4990\n"));
    vnl_plan_free(&plan);
}

/* --- text and JSON -------------------------------------------------------------------------------------- */

static void text_of_a_lab_is_the_same_every_time(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *a = plan_of(LAB), *b = plan_of(LAB);
    CLEANUP(vnl_str_free) char *text_a = print_of(a), *text_b = print_of(b);

    (void)state;
    assert_string_equal(text_a, text_b);
    assert_non_null(strstr(text_a, "\npeering hub/to-spoke\n  to spoke\n  state Connected, FullyInSync\n"
                                   "  flags access forwarded\n"));
    assert_non_null(
        strstr(text_a,
               "  Default  Active  10.1.0.0/16     VNetPeering  spoke  deny-access-remote deny-forwarded\n"));
    assert_non_null(strstr(text_a, "\nvirtual machine nva\n  namespace lab.nva, the guest forwards\n"
                                   "  network interface nva-nic in hub/s, routes hub, IP forwarding\n"));
    assert_non_null(strstr(text_a, "  run python3 -m http.server 80\n  run sleep 1\n"));
}

static void json_holds_the_plan(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *table, *row, *nic;

    (void)state;
    assert_int_equal(vnl_plan_to_json(plan, &json, NULL), 0);
    assert_string_equal(vnl_json_get_text(json, "lab"), "lab");
    assert_int_equal(vnl_json_len(vnl_json_get(json, "virtualNetworks")), 2);
    assert_int_equal(vnl_json_len(vnl_json_get(json, "bridges")), 2);
    assert_int_equal(vnl_json_len(vnl_json_get(json, "virtualMachines")), 2);
    table = vnl_json_at(vnl_json_get(json, "routeTables"), 0);
    row = vnl_json_at(vnl_json_get(table, "routes"), 2);
    assert_string_equal(vnl_json_get_text(row, "nextHopType"), "VNetPeering");
    assert_string_equal(vnl_json_get_text(row, "virtualNetwork"), "spoke");
    assert_string_equal(vnl_json_get_text(row, "origin"), plan->peerings[0].id);
    assert_true(vnl_json_get_bool(row, "denyAccessRemote", false));
    nic = vnl_json_at(vnl_json_get(json, "networkInterfaces"), 1);
    assert_string_equal(vnl_json_get_text(nic, "virtualMachine"), "web");
    assert_string_equal(vnl_json_get_text(nic, "alias"), plan->nics[1].alias);
}

int main(void)
{
    const struct CMUnitTest plan[] = {
        cmocka_unit_test(kernel_names_come_from_slots),
        cmocka_unit_test(nic_keeps_its_bridge_when_others_go),
        cmocka_unit_test(slots_beyond_the_tables_are_refused),
        cmocka_unit_test(alias_holds_what_the_guest_end_was_given),
        cmocka_unit_test(long_alias_is_cut_and_stays_distinct),
        cmocka_unit_test(alias_names_the_place_in_the_guest_and_the_rate),
        cmocka_unit_test(alias_of_many_addresses_ends_with_a_hash_of_them),
        cmocka_unit_test(gateway_is_the_subnets_first_address),
        cmocka_unit_test(hosts_name_the_vms_of_the_own_vnet),
        cmocka_unit_test(vm_carries_its_settings),
        cmocka_unit_test(peering_is_shown_in_words),
        cmocka_unit_test(peer_that_is_gone_is_shown_as_it_was_written),
        cmocka_unit_test(nic_is_found_by_address_within_its_vnet),
        cmocka_unit_test(vm_is_found_by_name_in_any_case),
        cmocka_unit_test(empty_lab_has_a_plan),
        cmocka_unit_test(large_lab_is_planned_whole),
        cmocka_unit_test(text_of_a_lab_is_the_same_every_time),
        cmocka_unit_test(json_holds_the_plan),
    };

    return cmocka_run_group_tests_name("plan", plan, NULL, NULL);
}
