/* The internet side in the plan: its VNet and hosts, public IPs, shared addresses, what a NIC has of them; lookups by address. */
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
    "  va:\n"                                                                                                \
    "    addressSpace: [10.0.0.0/16]\n"                                                                      \
    "    subnets:\n"                                                                                         \
    "      natted: {addressPrefix: 10.0.0.0/24, natGateway: nat}\n"                                          \
    "      plain: 10.0.1.0/24\n"                                                                             \
    "      private: {addressPrefix: 10.0.2.0/24, defaultOutboundAccess: false}\n"                            \
    "      guarded: {addressPrefix: 10.0.3.0/24, networkSecurityGroup: nsg}\n"                               \
    "networkSecurityGroups: {nsg: {}}\n"                                                                     \
    "publicIPAddresses:\n"                                                                                   \
    "  nat-ip: {ipAddress: 198.51.100.10}\n"                                                                 \
    "  nat-ip2: {ipAddress: 198.51.100.11}\n"                                                                \
    "  own-ip: {ipAddress: 198.51.100.20, idleTimeoutInMinutes: 30}\n"                                       \
    "  basic-ip: {ipAddress: 198.51.100.21, sku: Basic}\n"                                                   \
    "  guarded-ip: {ipAddress: 198.51.100.22}\n"                                                             \
    "  free-ip: {ipAddress: 198.51.100.23}\n"                                                                \
    "natGateways: {nat: {publicIpAddresses: [nat-ip, nat-ip2], idleTimeoutInMinutes: 10}}\n"                 \
    "virtualMachines:\n"                                                                                     \
    "  natted: {subnet: va/natted}\n"                                                                        \
    "  own: {subnet: va/plain, publicIPAddress: own-ip}\n"                                                   \
    "  basic: {subnet: va/plain, publicIPAddress: basic-ip}\n"                                               \
    "  private: {subnet: va/private, bandwidth: 100Mbps}\n"                                                  \
    "  guarded: {subnet: va/guarded, publicIPAddress: guarded-ip}\n"                                         \
    "internet:\n"                                                                                            \
    "  hosts:\n"                                                                                             \
    "    example: {address: 203.0.113.80, run: ['sleep 1']}\n"                                               \
    "    first: {address: 203.0.113.1}\n"

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

/* --- the side itself ------------------------------------------------------------------------------------------------ */

static void internet_is_the_last_vnet(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    const struct vnl_plan_vnet *internet = &plan->vnets[plan->internet];

    (void)state;
    assert_int_equal(plan->internet, 1);
    assert_int_equal(plan->n_vnets, 2);
    assert_true(internet->internet);
    assert_false(plan->vnets[0].internet);
    assert_int_equal(internet->slot, VNL_INTERNET_SLOT);
    assert_int_equal(plan->vnet_slots, VNL_INTERNET_SLOT + 1);
    assert_string_equal(internet->name, "internet");
    assert_null(internet->id);
    assert_int_equal(internet->n_space, 0);
    assert_int_equal(plan->tables[1].vnet, 1);
    assert_rows(plan, "internet", "Active 0.0.0.0/0 VnetLocal\n");
    assert_int_equal(plan->tables[1].routes[0].vnet, plan->internet);
    assert_string_equal(plan->bridges[1].ifname, "internet");
    assert_string_equal(plan->bridges[1].alias, "vnetlab lab internet");
    assert_int_equal(plan->bridges[1].ifindex, VNL_BRIDGE_IFINDEX + VNL_INTERNET_SLOT * VNL_VNET_BRIDGES);
}

static void lab_without_an_internet_side_has_nothing_of_it(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of("name: t\nvnets: {va: {addressSpace: [10.0.0.0/16], subnets: {s: "
                                    "10.0.0.0/24}}}\nvirtualMachines: {vm: {subnet: va/s}}\n");
    struct vnl_addr addr = addr_of("192.0.2.128");

    (void)state;
    assert_int_equal(plan->internet, VNL_PLAN_NOBODY);
    assert_int_equal(plan->n_nats + plan->n_publics, 0);
    assert_int_equal(plan->nics[0].nat, VNL_PLAN_NOBODY);
    assert_int_equal(plan->nics[0].addrs[0].public_ip, VNL_PLAN_NOBODY);
    assert_false(plan->nics[0].has_sessions);
    assert_null(vnl_plan_nat_by_addr(plan, &addr));
    assert_null(vnl_plan_public_by_addr(plan, &addr));
}

static void host_is_a_guest_on_the_internet_side(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    const struct vnl_plan_vm *vm = vnl_plan_vm_lookup(plan, "example");
    const struct vnl_plan_nic *nic = nic_of(plan, "example");
    char expected[256], mac[VNL_MAC_STR];

    (void)state;
    assert_true(vm->host);
    assert_false(plan->vms[0].host);
    assert_string_equal(vm->netns, "lab.example");
    assert_string_equal(vm->run[0], "sleep 1");
    assert_null(vm->location);
    assert_int_equal(nic->vnet, plan->internet);
    assert_int_equal(nic->table, plan->internet);
    assert_int_equal(nic->rules_nic, VNL_PLAN_NO_RULES);
    assert_int_equal(nic->rules_subnet, VNL_PLAN_NO_RULES);
    assert_int_equal(nic->nat, VNL_PLAN_NOBODY);
    assert_false(nic->has_sessions);
    assert_string_equal(nic->bridge, "internet");
    assert_int_equal(nic->addrs[0].prefix_len, 24);
    assert_addr(&nic->addrs[0].gateway, "203.0.113.1");
    assert_addr(&nic_of(plan, "first")->addrs[0].gateway, "203.0.113.2");
    snprintf(expected, sizeof(expected), "vnetlab lab example/example-nic %s 203.0.113.80/24",
             vnl_mac_format(&nic->mac, mac));
    assert_string_equal(nic->alias, expected);
    assert_string_equal(vnl_plan_hosts(plan, vm), "127.0.0.1 localhost\n"
                                                  "::1 localhost ip6-localhost ip6-loopback\n"
                                                  "203.0.113.80 example\n203.0.113.1 first\n");
}

static void host_slot_beyond_the_tables_is_refused(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_plan *plan = NULL;

    (void)state;
    lab->hosts[1]->slot = 65536;
    assert_int_equal(vnl_plan_build(lab, &plan, &err), -E2BIG);
    assert_string_equal(err->msg, "host 'first' has slot 65536; there are 65536");
}

/* --- public IPs (spec 6.1) -------------------------------------------------------------------------------------------- */

static const struct vnl_plan_public *public_of(const struct vnl_plan *plan, const char *addr)
{
    struct vnl_addr wanted = addr_of(addr);
    const struct vnl_plan_public *ip = vnl_plan_public_by_addr(plan, &wanted);

    assert_non_null(ip);
    return ip;
}

static void standard_public_ip_is_closed_without_a_group(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);

    (void)state;
    assert_true(public_of(plan, "198.51.100.20")->closed);
    assert_false(public_of(plan, "198.51.100.21")->closed);
    assert_true(public_of(plan, "198.51.100.21")->basic);
    assert_false(public_of(plan, "198.51.100.22")->closed); /* the subnet's group counts */
}

static void public_ip_knows_whose_it_is(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    const struct vnl_plan_public *own = public_of(plan, "198.51.100.20");
    const struct vnl_plan_public *nat = public_of(plan, "198.51.100.11");
    const struct vnl_plan_public *unused = public_of(plan, "198.51.100.23");

    (void)state;
    assert_string_equal(plan->nics[own->nic].name, "own-nic");
    assert_addr(&own->inner, "10.0.1.4");
    assert_int_equal(own->timeout_s, 1800);
    assert_int_equal(own->nat, VNL_PLAN_NOBODY);
    assert_ptr_equal(&plan->publics[plan->nics[own->nic].addrs[0].public_ip], own);
    assert_int_equal(nat->nic, VNL_PLAN_NOBODY);
    assert_int_equal(nat->nat, 0);
    assert_int_equal(nat->timeout_s, 240);
    assert_int_equal(unused->nic, VNL_PLAN_NOBODY);
    assert_int_equal(unused->nat, VNL_PLAN_NOBODY);
}

/* --- shared addresses (spec 6.2) -------------------------------------------------------------------------------------- */

static void nat_gateways_come_first_and_default_outbound_last(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);

    (void)state;
    assert_int_equal(plan->n_nats, 2);
    assert_true(plan->nats[0].gateway);
    assert_string_equal(plan->nats[0].name, "nat");
    assert_int_equal(plan->nats[0].n_outer, 2);
    assert_addr(&plan->nats[0].outer[1], "198.51.100.11");
    assert_int_equal(plan->nats[0].tcp_timeout_s, 600);
    assert_int_equal(plan->nats[0].udp_timeout_s, 240);
    assert_null(plan->nats[1].id);
    assert_string_equal(plan->nats[1].name, "default outbound");
    assert_int_equal(plan->nats[1].n_outer, 1);
    assert_addr(&plan->nats[1].outer[0], "192.0.2.128");
}

static void each_nic_has_its_way_out(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);

    (void)state;
    assert_int_equal(nic_of(plan, "natted")->nat, 0);
    assert_int_equal(nic_of(plan, "natted")->nat_port_first, 1024);
    assert_int_equal(nic_of(plan, "natted")->nat_ports, 64512);
    assert_int_equal(nic_of(plan, "own")->nat, 1);
    assert_int_equal(nic_of(plan, "own")->nat_port_first, 2048);
    assert_int_equal(nic_of(plan, "own")->nat_ports, 1024);
    assert_int_equal(nic_of(plan, "private")->nat, VNL_PLAN_NOBODY);
    assert_true(nic_of(plan, "private")->has_sessions);
    assert_int_equal(nic_of(plan, "private")->bandwidth_bps, 100000000);
}

/* 62 slots share an address, each with a port range of its own; slots keep theirs when others come. */
static void default_outbound_grows_with_the_slots(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL, *full = NULL;

    (void)state;
    lab->vms[1]->nics[0]->slot = 61;
    lab->vms[2]->nics[0]->slot = 62;
    plan = plan_of_lab(lab);
    assert_int_equal(plan->nats[1].n_outer, 2);
    assert_addr(&plan->nats[1].outer[1], "192.0.2.129");
    assert_int_equal(nic_of(plan, "own")->nat_port_first, 63488);
    assert_int_equal(nic_of(plan, "basic")->nat_port_first, 1024);
    lab->vms[2]->nics[0]->slot = 65535;
    full = plan_of_lab(lab);
    assert_int_equal(full->nats[1].n_outer, 128);
    assert_addr(&full->nats[1].outer[127], "192.0.2.255");
}

static void default_outbound_is_there_for_those_who_need_it_only(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of("name: t\nvnets: {va: {addressSpace: [10.0.0.0/16], subnets: {s: "
                                    "{addressPrefix: 10.0.0.0/24, defaultOutboundAccess: false}}}}\n"
                                    "virtualMachines: {vm: {subnet: va/s}}\ninternet: {}\n");

    (void)state;
    assert_int_equal(plan->internet, 1);
    assert_int_equal(plan->n_nats, 0);
}

static void address_is_found_with_whom_shares_it(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    struct vnl_addr nat = addr_of("198.51.100.11"), own = addr_of("198.51.100.20"),
                    shared = addr_of("192.0.2.128"), beyond = addr_of("192.0.2.129"),
                    host = addr_of("203.0.113.80");

    (void)state;
    assert_ptr_equal(vnl_plan_nat_by_addr(plan, &nat), &plan->nats[0]);
    assert_ptr_equal(vnl_plan_nat_by_addr(plan, &shared), &plan->nats[1]);
    assert_null(vnl_plan_nat_by_addr(plan, &own));
    assert_null(vnl_plan_nat_by_addr(plan, &beyond));
    assert_null(vnl_plan_public_by_addr(plan, &host));
    assert_null(vnl_plan_nic_by_addr(plan, plan->internet, &own));
    assert_ptr_equal(vnl_plan_nic_by_addr(plan, plan->internet, &host), nic_of(plan, "example"));
}

/* --- names and Bastion (spec 1.8, 6.3) --------------------------------------------------------------------------------- */

#define DNS                                                                                                  \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  va: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24, AzureBastionSubnet: {addressPrefix: "     \
    "10.0.255.0/26}}}\n"                                                                                     \
    "  vb: {addressSpace: [10.1.0.0/16], dnsServers: [10.1.0.4, 10.1.0.5], subnets: {s: 10.1.0.0/24}}\n"

static void guests_ask_azure_or_the_servers_of_their_vnet(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(DNS), *again = plan_of(DNS);
    char expected[128];

    (void)state;
    assert_int_equal(strlen(plan->vnets[0].dns_suffix), strlen(".bx.internal.cloudapp.net") + 26);
    assert_string_equal(plan->vnets[0].dns_suffix, again->vnets[0].dns_suffix);
    snprintf(expected, sizeof(expected), "nameserver 168.63.129.16\nsearch %s\n", plan->vnets[0].dns_suffix);
    assert_string_equal(plan->vnets[0].resolv, expected);
    assert_int_equal(plan->vnets[0].n_dns, 0);
    assert_string_equal(plan->vnets[1].resolv,
                        "nameserver 10.1.0.4\nnameserver 10.1.0.5\nsearch reddog.microsoft.com\n");
    assert_int_equal(plan->vnets[1].n_dns, 2);
}

static void vnets_have_suffixes_of_their_own(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of("name: t\nvnets: {va: {addressSpace: [10.0.0.0/16]}, vb: {addressSpace: [10.1.0.0/16]}}\n");

    (void)state;
    assert_string_not_equal(plan->vnets[0].dns_suffix, plan->vnets[1].dns_suffix);
}

static void bastion_is_the_first_usable_address_of_its_subnet(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(DNS);

    (void)state;
    assert_addr(&plan->vnets[0].bastion, "10.0.255.4");
    assert_int_equal(plan->vnets[0].bastion_rules, VNL_PLAN_NO_RULES);
    assert_int_equal(plan->vnets[1].bastion.family, AF_UNSPEC);
}

/* --- text, JSON ------------------------------------------------------------------------------------------------------------ */

static void json_holds_the_internet_side(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(LAB);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *ip;

    (void)state;
    assert_int_equal(vnl_plan_to_json(plan, &json, NULL), 0);
    assert_int_equal(vnl_json_len(vnl_json_get(json, "publicIPAddresses")), 6);
    assert_int_equal(vnl_json_len(vnl_json_get(json, "outbound")), 2);
    ip = vnl_json_at(vnl_json_get(json, "publicIPAddresses"), 2);
    assert_string_equal(vnl_json_get_text(ip, "ipAddress"), "198.51.100.20");
    assert_string_equal(vnl_json_get_text(ip, "networkInterface"), "own-nic");
    assert_true(vnl_json_get_bool(ip, "closed", false));
    assert_true(
        vnl_json_get_bool(vnl_json_at(vnl_json_get(json, "virtualMachines"), 5), "internetHost", false));
}

int main(void)
{
    const struct CMUnitTest outside[] = {
        cmocka_unit_test(internet_is_the_last_vnet),
        cmocka_unit_test(lab_without_an_internet_side_has_nothing_of_it),
        cmocka_unit_test(host_is_a_guest_on_the_internet_side),
        cmocka_unit_test(host_slot_beyond_the_tables_is_refused),
        cmocka_unit_test(standard_public_ip_is_closed_without_a_group),
        cmocka_unit_test(public_ip_knows_whose_it_is),
        cmocka_unit_test(nat_gateways_come_first_and_default_outbound_last),
        cmocka_unit_test(each_nic_has_its_way_out),
        cmocka_unit_test(default_outbound_grows_with_the_slots),
        cmocka_unit_test(default_outbound_is_there_for_those_who_need_it_only),
        cmocka_unit_test(address_is_found_with_whom_shares_it),
        cmocka_unit_test(guests_ask_azure_or_the_servers_of_their_vnet),
        cmocka_unit_test(vnets_have_suffixes_of_their_own),
        cmocka_unit_test(bastion_is_the_first_usable_address_of_its_subnet),
        cmocka_unit_test(json_holds_the_internet_side),
    };

    return cmocka_run_group_tests_name("plan of the internet side", outside, NULL, NULL);
}
