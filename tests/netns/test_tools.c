/* The commands about security rules on a running lab: what they say is what packets meet. */
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

#define LAB                                                                                                  \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  vnet-1: {addressSpace: [10.0.0.0/16],\n"                                                              \
    "           subnets: {subnet-1: {addressPrefix: 10.0.0.0/24, networkSecurityGroup: web}},\n"             \
    "           peerings: {to-vnet-2: {remoteVirtualNetwork: vnet-2}}}\n"                                    \
    "  vnet-2: {addressSpace: [10.1.0.0/16], subnets: {subnet-1: 10.1.0.0/24},\n"                            \
    "           peerings: {to-vnet-1: {remoteVirtualNetwork: vnet-1}}}\n"                                    \
    "networkSecurityGroups:\n"                                                                               \
    "  web:\n"                                                                                               \
    "    securityRules:\n"                                                                                   \
    "      http: {priority: 100, direction: Inbound, access: Allow, protocol: Tcp,\n"                        \
    "             destinationPortRange: 80}\n"                                                               \
    "      deny-all: {priority: 200, direction: Inbound, access: Deny}\n"                                    \
    "  spare: {}\n"                                                                                          \
    "virtualMachines:\n"                                                                                     \
    "  vm-1: {subnet: vnet-1/subnet-1}\n"                                                                    \
    "  vm-2: {subnet: vnet-2/subnet-1}\n"                                                                    \
    "  vm-3: {subnet: vnet-1/subnet-1}\n"

#define EXPECTS                                                                                              \
    "expect:\n"                                                                                              \
    "  - {from: vm-2, to: vm-1, icmp: drop, reason: NsgInbound}\n"                                           \
    "  - {from: vm-1, to: vm-2, icmp: pass}\n"                                                               \
    "  - {from: vm-2, to: vm-1, tcp: 80, result: pass}\n"                                                    \
    "  - {from: vm-2, to: vm-1, udp: 53, result: pass}\n"

/* root without the right to mount and to enter namespaces: the store can be written, the kernel not. */
#define CRIPPLED "setpriv --bounding-set=-sys_admin -- \"$VNETLAB\""

static struct vnl_json *parse(const char *text)
{
    struct vnl_json *json = NULL;

    assert_int_equal(vnl_json_parse(text, strlen(text), &json, NULL), 0);
    return json;
}

static void bring_up(void)
{
    cli_ok("up %s", cli_file("lab.yaml", LAB));
}

/* --- verify --------------------------------------------------------------------------------------- */

static void verify_plan_program_and_packets_agree(void **state)
{
    static const struct {
        const char *from, *to, *address;
        bool passes;
    } rows[] = {
        { "vm-2", "vm-1", "10.0.0.4", false },
        { "vm-1", "vm-3", "10.0.0.5", false },
        { "vm-1", "vm-2", "10.1.0.4", true },
        { "vm-3", "vm-2", "10.1.0.4", true },
    };

    (void)state;
    bring_up();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].passes)
            cli_ok("verify %s %s icmp", rows[i].from, rows[i].to);
        else
            cli_fails(1, "verify %s %s icmp", rows[i].from, rows[i].to);
        assert_has(cli_out, "the loaded program decides the same\n");
        assert_int_equal(cli_ping(rows[i].from, rows[i].address) != 0, rows[i].passes);
    }
    cli_ok("verify vm-2 vm-1 tcp:80");
    cli_fails(1, "verify vm-2 vm-1 tcp:81");
    cli_fails(1, "verify vm-2 10.1.0.99 udp:53");
    assert_has(cli_out, "blocked: NoOwner at vm-2\n");
}

/* The store is ahead of the kernel: an `up` or `set` that did not end. */
static void verify_cries_out_when_the_program_disagrees(void **state)
{
    (void)state;
    bring_up();
    assert_int_not_equal(sh(CRIPPLED " set nsgs.web.rules.deny-all.access Allow"), 0);
    cli_fails(3, "verify vm-2 vm-1 icmp");
    assert_has(cli_err,
               "the plan and the loaded program DISAGREE: the plan says \"allowed\", the program says "
               "\"NsgInbound at vm-1 by deny-all\"\n");
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    cli_fails(1, "verify vm-2 vm-1 icmp");
}

/* --- drops ---------------------------------------------------------------------------------------- */

/* Starts `drops OPTIONS` behind the test's back, pings twice from vm-2 when it listens, and shows what it printed. */
static void watch(const char *options, const char *address)
{
    sh_ok("dir=$(dirname \"$VNETLAB_STATE_DIR\"); \"$VNETLAB\" drops --timeout 10 %s >$dir/drops "
          "2>$dir/drops.err & drops=$!; "
          "for i in $(seq 100); do kill -0 $drops || break; \"$VNETLAB\" exec vm-2 -- ping -c 1 -W 0.1 %s "
          ">/dev/null; "
          "[ -s $dir/drops ] && break; done; kill -INT $drops; wait $drops; cat $dir/drops; cat "
          "$dir/drops.err >&2",
          options, address);
}

static void drops_names_the_rule(void **state)
{
    (void)state;
    bring_up();
    watch("", "10.0.0.4");
    assert_has(cli_out, "  vm-1          inbound   icmp 10.1.0.4 > 10.0.0.4 echo request  NsgInbound by "
                        "UserRule_deny-all of NSG web\n");
    assert_has(cli_err, " dropped: ");
    assert_has(cli_err, " NsgInbound\n");
    watch("", "10.200.0.4");
    assert_has(cli_out,
               "  vm-2          outbound  icmp 10.1.0.4 > 10.200.0.4 echo request  NoRoute: no route");
}

static void drops_as_json_is_an_object_per_line(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    bring_up();
    watch("VM-1 --count 1 -o json", "10.0.0.4");
    assert_ptr_equal(strchr(cli_out, '\n'), cli_out + strlen(cli_out) - 1);
    json = parse(cli_out);
    assert_string_equal(vnl_json_get_text(json, "virtualMachine"), "vm-1");
    assert_string_equal(vnl_json_get_text(json, "sender"), "vm-2");
    assert_string_equal(vnl_json_get_text(json, "direction"), "Inbound");
    assert_string_equal(vnl_json_get_text(json, "reason"), "NsgInbound");
    assert_string_equal(vnl_json_get_text(json, "rule"), "deny-all");
    assert_string_equal(vnl_json_get_text(json, "source"), "10.1.0.4");
    assert_has(cli_err, "1 packet dropped: 1 NsgInbound\n");
}

static void drops_of_one_machine_leaves_the_others_out(void **state)
{
    (void)state;
    bring_up();
    sh_ok("\"$VNETLAB\" drops vm-3 --timeout 1 & sleep 0.3; \"$VNETLAB\" exec vm-2 -- ping -c 1 -W 0.1 "
          "10.0.0.4 >/dev/null; wait");
    assert_string_equal(cli_out, "");
    assert_has(cli_err, "0 packets dropped\n");
    cli_fails(2, "drops vm-33");
    assert_has(cli_err, "there is no virtual machine 'vm-33'");
    assert_has(cli_err, "did you mean 'vm-3'?\n");
    cli_fails(2, "drops --count 0");
    assert_has(cli_err, "drops: --count '0' is no number above 0\n");
}

static void drops_ends_with_the_lab(void **state)
{
    (void)state;
    bring_up();
    sh_ok("timeout 10 \"$VNETLAB\" drops & drops=$!; sleep 0.3; \"$VNETLAB\" down >/dev/null; wait $drops");
    assert_has(cli_err, "0 packets dropped\n");
}

/* --- set ------------------------------------------------------------------------------------------ */

static void set_changes_the_running_lab(void **state)
{
    (void)state;
    bring_up();
    assert_int_equal(cli_ping("vm-2", "10.0.0.4"), 0);
    cli_ok("set nsgs.web.rules.deny-all.access Allow");
    assert_has(cli_out, "~ networkSecurityGroups/web ");
    assert_has(cli_err, "lab.yaml was not changed: the next 'vnetlab up' with it undoes this\n");
    assert_int_equal(cli_ping("vm-2", "10.0.0.4"), 64);
    cli_ok("verify vm-2 vm-1 icmp");
    cli_ok("set networkSecurityGroups.web.securityRules.ping "
           "'{priority: 150, direction: Inbound, access: Deny, protocol: Icmp}'");
    cli_ok("rules vm-1");
    assert_has(cli_out, "securityRules/ping");
    cli_fails(1, "verify vm-2 vm-3 icmp");
    assert_has(cli_out, "blocked: NsgInbound at vm-3 by UserRule_ping of NSG web\n");
    cli_ok("set vnets.vnet-1.subnets.subnet-1.networkSecurityGroup null");
    assert_int_equal(cli_ping("vm-2", "10.0.0.5"), 64);
    cli_ok("set vms.vm-1.networkSecurityGroup spare");
    cli_ok("set vnets.vnet-1.peerings.to-vnet-2.allowVirtualNetworkAccess false");
    cli_fails(1, "verify vm-2 vm-1 icmp");
    assert_has(cli_out, "blocked: NsgInbound at vm-1 by DefaultRule_DenyAllInBound of NSG spare\n");
    cli_fails(1, "verify vm-2 vm-3 icmp");
    assert_has(cli_out, "blocked: PeeringAccess at vm-3\n");
    assert_int_equal(cli_ping("vm-2", "10.0.0.5"), 0);
}

static void set_of_what_is_so_already_changes_nothing(void **state)
{
    (void)state;
    bring_up();
    cli_ok("set nsgs.web.rules.deny-all.access Deny");
    assert_string_equal(cli_out, "nothing to change\n");
    assert_lacks(cli_err, "undoes this"); /* nothing was done */
}

/* Kept and shown, but no packet minds. */
static void set_of_what_no_packet_minds_says_that_it_is_stored(void **state)
{
    (void)state;
    bring_up();
    cli_ok("set vnets.vnet-1.peerings.to-vnet-2.doNotVerifyRemoteGateways true");
    assert_string_equal(cli_out, "stored; nothing to change in the running lab\n");
    assert_has(cli_err, "the next 'vnetlab up' with it undoes this\n");
    cli_ok("show vnet-1/to-vnet-2 -o json");
    assert_has(cli_out, "\"doNotVerifyRemoteGateways\": true");
    cli_ok("set vnets.vnet-1.peerings.to-vnet-2.doNotVerifyRemoteGateways true -o json");
    assert_string_equal(cli_out, "[]\n");
}

static void refused_set_changes_nothing(void **state)
{
    (void)state;
    bring_up();
    cli_fails(2, "set nsgs.web.rules.deny-all.priority 100");
    assert_has(cli_err, "SecurityRuleConflict: ");
    cli_fails(2, "set vnets.vnet-1.peerings.to-vnet-2.allowForwardTraffic true");
    assert_has(cli_err, "hint: did you mean 'vnets.vnet-1.peerings.to-vnet-2.allowForwardedTraffic'?\n");
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    assert_has(cli_out, ": nothing to change\n");
}

/* --- show and check ------------------------------------------------------------------------------- */

static void show_counts_hits_by_rule(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *hits;

    (void)state;
    bring_up();
    assert_int_equal(cli_ping("vm-2", "10.0.0.4"), 0);
    assert_int_equal(cli_ping("vm-1", "10.1.0.4"), 64);
    cli_ok("show nsgs/web");
    assert_has(cli_out, "network security group web\n");
    assert_has(cli_out, "subnet vnet-1/subnet-1\n");
    assert_has(cli_out, "Inbound    200       deny-all ");
    cli_ok("show nsgs/web -o json");
    json = parse(cli_out);
    hits = vnl_json_get(vnl_json_get(json, "vnetlab"), "hits");
    assert_int_equal(vnl_json_get_int(hits, "deny-all", -1), 1);
    assert_int_equal(vnl_json_get_int(hits, "AllowVnetOutBound", -1), 1);
    assert_int_equal(vnl_json_get_int(hits, "http", -1), 0);
}

static void show_summarizes_for_people(void **state)
{
    (void)state;
    bring_up();
    assert_int_equal(cli_ping("vm-2", "10.0.0.4"), 0);
    cli_ok("show vm-1");
    assert_has(cli_out, "virtual machine vm-1\n");
    assert_has(cli_out, "10.0.0.4 (dynamic)\n");
    assert_has(cli_out, "NSG on the subnet          web\n");
    assert_has(cli_out, "1        NsgInbound  a network security group of the receiver denies it\n");
    cli_ok("show vm-2");
    assert_has(cli_out, "no packet was dropped\n");
    cli_ok("show vnet-1/to-vnet-2");
    assert_has(cli_out, "state                      Connected\n");
    assert_has(cli_out, "allowForwardedTraffic      false\n");
    cli_ok("show web/http -o json");
    assert_has(cli_out, "/networkSecurityGroups/web/securityRules/http\"");
}

static void check_names_the_rule_and_the_remedy(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB EXPECTS));
    cli_fails(1, "check");
    assert_has(cli_out, "NsgInbound at vm-1: UserRule_deny-all (200) of NSG web\n");
    assert_has(
        cli_out,
        "hint: add a rule to NSG web: Inbound, Allow, udp:53 from 10.1.0.4, with a priority below 200\n");
    assert_has(cli_out, "3 passed, 1 failed\n");
    assert_lacks(cli_out, "but the plan says");
}

#define TEST(function) cmocka_unit_test_teardown(function, cli_down_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verify_plan_program_and_packets_agree),
        TEST(verify_cries_out_when_the_program_disagrees),
        TEST(drops_names_the_rule),
        TEST(drops_as_json_is_an_object_per_line),
        TEST(drops_of_one_machine_leaves_the_others_out),
        TEST(drops_ends_with_the_lab),
        TEST(set_changes_the_running_lab),
        TEST(set_of_what_is_so_already_changes_nothing),
        TEST(set_of_what_no_packet_minds_says_that_it_is_stored),
        TEST(refused_set_changes_nothing),
        TEST(show_counts_hits_by_rule),
        TEST(show_summarizes_for_people),
        TEST(check_names_the_rule_and_the_remedy),
    };

    return cmocka_run_group_tests(tests, cli_setup, cli_teardown);
}
