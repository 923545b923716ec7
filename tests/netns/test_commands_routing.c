/* Commands about routes, appliances, the internet side and Bastion, of a lab that runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../harness/cli.h"

#include "vnetlab/base.h"
#include "vnetlab/json.h"

/* vm-1 reaches vm-2 through nva; vm-2 has a public IP; Bastion is in the hub. */
#define LAB(forward, rule)                                                                                   \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  hub:\n"                                                                                               \
    "    addressSpace: [10.0.0.0/16]\n"                                                                      \
    "    subnets: {nva: 10.0.1.0/24, AzureBastionSubnet: 10.0.255.0/26}\n"                                   \
    "    peerings: {to-s1: {remoteVirtualNetwork: s1, allowForwardedTraffic: true}, to-s2: "                 \
    "{remoteVirtualNetwork: s2, allowForwardedTraffic: true}}\n"                                             \
    "  s1: {addressSpace: [10.1.0.0/16], subnets: {d: {addressPrefix: 10.1.0.0/24, routeTable: rt1}}, "      \
    "peerings: {s1-to-hub: {remoteVirtualNetwork: hub, allowForwardedTraffic: true}}}\n"                     \
    "  s2: {addressSpace: [10.2.0.0/16], subnets: {d: {addressPrefix: 10.2.0.0/24, routeTable: rt2, "        \
    "networkSecurityGroup: web}}, peerings: {s2-to-hub: {remoteVirtualNetwork: hub, "                        \
    "allowForwardedTraffic: true}}}\n"                                                                       \
    "routeTables:\n"                                                                                         \
    "  rt1: {routes: {to-s2: {addressPrefix: 10.2.0.0/16, nextHopType: VirtualAppliance, "                   \
    "nextHopIpAddress: 10.0.1.4}}}\n"                                                                        \
    "  rt2: {routes: {to-s1: {addressPrefix: 10.1.0.0/16, nextHopType: VirtualAppliance, "                   \
    "nextHopIpAddress: 10.0.1.4}}}\n"                                                                        \
    "publicIPAddresses: {web-ip: {ipAddress: 198.51.100.7}}\n"                                               \
    "networkSecurityGroups: {web: {securityRules: {http: {priority: 100, direction: Inbound, access: "       \
    "Allow, protocol: Tcp, destinationPortRange: 80}" rule "}}}\n"                                           \
    "virtualMachines:\n"                                                                                     \
    "  vm-1: {subnet: s1/d}\n"                                                                               \
    "  vm-2: {subnet: s2/d, publicIPAddress: web-ip}\n"                                                      \
    "  nva: {subnet: hub/nva, privateIPAddress: 10.0.1.4, enableIPForwarding: true, ipForward: " forward     \
    "}\n"                                                                                                    \
    "internet: {hosts: {example: {address: 203.0.113.80}}}\n"
#define GOOD LAB("true", "")
#define DENY ", deny: {priority: 200, direction: Inbound, access: Deny, sourceAddressPrefix: VirtualNetwork}"

static void check_follows_the_way_and_names_hop_and_reason(void **state)
{
    (void)state;
    cli_ok("check %s", cli_file("good.yaml", GOOD
                                "expect:\n"
                                "  - {from: vm-1, to: vm-2, icmp: pass, ttl: 63}\n"
                                "  - {from: vm-1, to: vm-2, udp: 53, result: pass}\n"
                                "  - {from: vm-1, to: 10.2.0.77, tcp: 80, result: drop, reason: NoOwner}\n"
                                "  - {from: example, to: web-ip, tcp: 80, result: pass}\n"
                                "  - {from: example, to: web-ip, udp: 80, result: drop, reason: NsgInbound}\n"
                                "  - {from: vm-1, to: example, udp: 53, result: pass}\n"
                                "  - {from: vm-1, to: example, icmp: drop, reason: SnatProtocol}\n"));
    assert_has(cli_out, "VirtualAppliance 10.2.0.0/16, through nva");
    assert_has(cli_out, "NoOwner at nva");
    assert_has(cli_out, "198.51.100.7 becomes 10.2.0.4 (public IP web-ip)");
    assert_has(cli_out, "7 passed, 0 failed");
}

static void check_sees_that_a_guest_does_not_forward(void **state)
{
    (void)state;
    cli_ok(
        "check %s",
        cli_file("deaf.yaml",
                 LAB("false", "") "expect: [{from: vm-1, to: vm-2, icmp: drop, reason: GuestForwarding}]\n"));
    assert_has(cli_out, "GuestForwarding at nva");
    cli_fails(1, "check %s",
              cli_file("deaf.yaml", LAB("false", "") "expect: [{from: vm-1, to: vm-2, icmp: pass}]\n"));
    assert_has(cli_out, "hint: VM nva: ipForward is false; vnetlab set vms.nva.ipForward true");
}

static void verify_and_the_program_agree_hop_by_hop(void **state)
{
    static const char *const flows[] = {
        "vm-1 vm-2 tcp:80",      "vm-1 vm-2 tcp:81",    "vm-2 vm-1 icmp",           "example web-ip tcp:80",
        "example web-ip tcp:81", "vm-1 example tcp:80", "vm-1 example icmp",        "vm-2 example icmp",
        "vm-1 10.2.0.77 icmp",   "nva vm-1 udp:53",     "vm-1 168.63.129.16 udp:53"
    };

    (void)state;
    cli_ok("up %s", cli_file("good.yaml", GOOD));
    for (size_t i = 0; i < ARRAY_SIZE(flows); i++) {
        (void)cli("verify %s", flows[i]);
        assert_has(cli_out, "the loaded program decides the same");
    }
    cli_ok("verify vm-1 vm-2 tcp:80");
    assert_has(cli_out, "hop 2: nva to vm-2, ttl 63");
    cli_ok("next-hop vm-1 10.2.0.4");
    assert_has(cli_out, "VirtualAppliance  10.0.1.4");
}

static void bastion_opens_only_what_is_open(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("good.yaml", GOOD));
    assert_has(cli_out, "3 virtual networks, 3 virtual machines, 1 internet host up in ");
    cli_ok("ls -o json");
    assert_has(cli_out, "\"virtualNetworks\": 3");
    assert_has(cli_out, "\"internetHosts\": 1");
    cli_ok("bastion vm-1 -- hostname");
    assert_string_equal(cli_out, "vm-1\n");
    cli_ok("up %s", cli_file("shut.yaml", LAB("true", DENY)));
    cli_fails(1, "bastion vm-2 -- hostname");
    assert_string_equal(cli_out, "");
    assert_has(cli_err, "Bastion of 'hub' does not reach vm-2: blocked: NsgInbound at vm-2 by UserRule_deny");
    assert_has(cli_err, "fix: add a rule to NSG web: Inbound, Allow, tcp:22 from 10.0.255.4");
    cli_fails(1, "bastion --rdp vm-2 -- hostname");
    assert_has(cli_err, "tcp:3389");
    cli_fails(1, "bastion -o json vm-2");
    assert_has(cli_out, "\"access\": \"Deny\"");
    assert_has(cli_out, "\"source\": \"10.0.255.4\"");
    assert_has(cli_out, "\"reason\": \"NsgInbound\"");
    assert_string_equal(cli_err, "");
    cli_ok("bastion -o json vm-1");
    assert_has(cli_out, "\"access\": \"Allow\"");
    assert_has(cli_out, "\"blockers\": []");
    cli_ok("run vm-2 -- hostname");
    assert_string_equal(cli_out, "vm-2\n");
    cli_fails(2, "bastion example");
    assert_has(cli_err, "'example' is an internet host");
}

static void without_a_bastion_subnet_it_says_so(void **state)
{
    (void)state;
    cli_ok("up %s",
           cli_file("alone.yaml", "name: %s\nlocation: eastus\n"
                                  "vnets: {aa: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}}}\n"
                                  "virtualMachines: {vm-1: {subnet: aa/s}}\n"));
    cli_fails(1, "bastion vm-1");
    assert_has(cli_err,
               "no Bastion reaches vm-1: there is no AzureBastionSubnet in 'aa' or in a virtual network "
               "peered with it");
}

static void run_prints_azures_json(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    cli_ok("up %s", cli_file("good.yaml", GOOD));
    cli_fails(3, "run vm-1 -- sh -c 'exit 3'");
    cli_ok("run vm-1 -o json -- sh -c 'echo out; echo err >&2'");
    assert_int_equal(vnl_json_parse(cli_out, strlen(cli_out), &json, NULL), 0);
    assert_string_equal(vnl_json_get_text(vnl_json_at(vnl_json_get(json, "value"), 0), "message"),
                        "Enable succeeded: \n[stdout]\nout\n\n[stderr]\nerr\n");
    cli_ok("exec example -- hostname");
    assert_string_equal(cli_out, "example\n");
}

static void show_has_a_text_for_every_type(void **state)
{
    static const struct {
        const char *word, *text;
    } rows[] = {
        { "hub", "virtual network hub\n" },
        { "s1/d", "subnet s1/d\n" },
        { "s1/d", "route table                rt1\n" },
        { "vm-1-nic", "network interface vm-1-nic of virtual machine vm-1\n" },
        { "web/http", "security rule web/http\n" },
        { "rt1", "to-s2  10.2.0.0/16    VirtualAppliance  10.0.1.4\n" },
        { "rt1/to-s2", "route rt1/to-s2\n" },
        { "web-ip", "used by                    vm-2-nic of vm-2\n" },
        { "vm-2", "public IP                  web-ip 198.51.100.7 (10.2.0.4)\n" },
        { "example", "internet host example\n" },
    };

    (void)state;
    cli_ok("up %s", cli_file("good.yaml", GOOD));
    cli_ok("show");
    assert_has(cli_out, "web-ip    198.51.100.7  Standard  vm-2-nic of vm-2\n");
    assert_has(cli_out, "example       203.0.113.80\n");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cli_ok("show %s", rows[i].word);
        assert_has(cli_out, rows[i].text);
        cli_ok("show -o json %s", rows[i].word);
        assert_has(cli_out, "\"name\"");
    }
}

static void set_paths_are_completed(void **state)
{
    static const struct {
        const char *word, *answer;
    } rows[] = {
        { "vm", "vms.\n" },
        { "vms.", "vms.vm-1.\nvms.vm-2.\nvms.nva.\n" },
        { "vms.nva.enab", "vms.nva.enableIPForwarding\n" },
        { "vnets.s2.peer", "vnets.s2.peerings.\n" },
        { "vnets.s2.peerings.s2-to-hub.allowF", "vnets.s2.peerings.s2-to-hub.allowForwardedTraffic\n" },
        { "nsgs.web.rules.http.acc", "nsgs.web.rules.http.access\n" },
        { "nsgs.wob.rules.", "" },
    };

    (void)state;
    cli_ok("up %s", cli_file("good.yaml", GOOD));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cli_ok("complete -- set %s", rows[i].word);
        assert_string_equal(cli_out, rows[i].answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(check_follows_the_way_and_names_hop_and_reason, cli_down_all),
        cmocka_unit_test_teardown(check_sees_that_a_guest_does_not_forward, cli_down_all),
        cmocka_unit_test_teardown(verify_and_the_program_agree_hop_by_hop, cli_down_all),
        cmocka_unit_test_teardown(bastion_opens_only_what_is_open, cli_down_all),
        cmocka_unit_test_teardown(without_a_bastion_subnet_it_says_so, cli_down_all),
        cmocka_unit_test_teardown(run_prints_azures_json, cli_down_all),
        cmocka_unit_test_teardown(set_paths_are_completed, cli_down_all),
        cmocka_unit_test_teardown(show_has_a_text_for_every_type, cli_down_all),
    };

    return cmocka_run_group_tests_name("commands_routing", tests, cli_setup, cli_teardown);
}
