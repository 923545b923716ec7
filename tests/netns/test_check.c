/* `vnetlab check`: what it grades, what it says, and that it leaves everything as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../harness/cli.h"

#define NETS                                                                                                 \
    "name: %s\n"                                                                                             \
    "vnets:\n"                                                                                               \
    "  va: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}, peerings: {ab: {remoteVirtualNetwork: "  \
    "vb}}}\n"
#define PEER                                                                                                 \
    "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: {ba: {remoteVirtualNetwork: "  \
    "va}}}\n"
#define LONE "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}}\n"
#define VMS  "virtualMachines: {vm-a: {subnet: va/s}, vm-b: {subnet: vb/s}}\n"

static void a_lab_that_does_not_run_is_brought_up_and_removed(void **state)
{
    (void)state;
    cli_ok("check %s", cli_file("lab.yaml", NETS PEER VMS
                                "expect:\n"
                                "  - {from: vm-a, to: vm-b, icmp: pass, ttl: 64}\n"
                                "  - {from: vm-a, to: vm-b, tcp: 22, result: pass}\n"
                                "  - {from: vm-a, to: vm-b, udp: 53, result: pass}\n"
                                "  - {from: vm-a, to: 10.2.0.4, udp: 53, result: drop, reason: NoRoute}\n"));
    assert_has(cli_out, "icmp vm-a > vm-b: pass ttl=64");
    assert_has(cli_out, "pass (port closed)");
    assert_has(cli_out, "pass (arrived)");
    assert_has(cli_out, "NoRoute at vm-a");
    assert_has(cli_out, "4 passed, 0 failed");
    cli_ok("ls");
    assert_lacks(cli_out, cli_lab());
}

static void what_differs_fails_with_a_hint_and_status_1(void **state)
{
    (void)state;
    cli_fails(1, "check %s",
              cli_file("lab.yaml", NETS LONE VMS "expect: [{from: vm-a, to: vm-b, icmp: pass}]\n"));
    assert_has(cli_out, "FAILED");
    assert_has(cli_out, "drop NoRoute");
    assert_has(cli_out, "peering 'va/ab' is Initiated: add a peering to 'va' in 'vb'");
    assert_has(cli_out, "0 passed, 1 failed");
}

static void wrong_reasons_and_ttls_fail(void **state)
{
    (void)state;
    cli_fails(1, "check %s",
              cli_file("lab.yaml", NETS LONE VMS "expect:\n"
                                                 "  - {from: vm-a, to: vm-b, icmp: drop, reason: NoOwner}\n"
                                                 "  - {from: vm-a, to: 10.0.0.4, icmp: drop}\n"));
    assert_has(cli_out, "0 passed, 2 failed");
}

static void a_running_lab_is_graded_as_it_runs_and_stays(void **state)
{
    const char *wants = NETS PEER VMS "expect: [{from: vm-a, to: vm-b, icmp: pass}]\n";

    (void)state;
    cli_ok("up %s", cli_file("lone.yaml", NETS LONE VMS));
    cli_fails(1, "check %s", cli_file("wants.yaml", wants));
    assert_has(cli_out, "as it runs");
    cli_ok("up %s", cli_file("wants.yaml", wants));
    cli_ok("check %s", cli_file("wants.yaml", wants));
    cli_ok("check -l %s", cli_lab());
    assert_has(cli_out, "1 passed, 0 failed");
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
}

static void a_vm_that_the_running_lab_lacks_fails_its_rows(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", NETS PEER VMS));
    cli_fails(1, "check %s",
              cli_file("more.yaml",
                       NETS PEER "virtualMachines: {vm-a: {subnet: va/s}, vm-x: {subnet: vb/s}}\n"
                                 "expect:\n"
                                 "  - {from: vm-a, to: vm-x, icmp: pass}\n"
                                 "  - {from: vm-x, to: vm-a, icmp: pass}\n"));
    assert_has(cli_out, "VM 'vm-x' is not in the running lab");
    assert_has(cli_out, "0 passed, 2 failed");
}

/* Somebody brings the lab up while `check` has it for itself: it waits, and the lab it made stays. */
static void check_takes_nobodys_lab_away(void **state)
{
    const char *file = cli_file("slow.yaml", NETS LONE VMS "expect: [{from: vm-a, to: vm-b, icmp: drop}]\n");

    (void)state;
    sh_ok("\"$VNETLAB\" check -W 1 %s & sleep 0.3; \"$VNETLAB\" up %s; two=$?; wait; exit $two", file, file);
    cli_ok("exec -l %s vm-a -- true", cli_lab());
    sh_ok("\"$VNETLAB\" down %s; \"$VNETLAB\" check %s & \"$VNETLAB\" check %s; two=$?; wait $! && [ $two = "
          "0 ]",
          cli_lab(), file, file);
}

/* As after a reboot: stored, not running. */
static void a_stopped_lab_is_stored_again_as_it_was(void **state)
{
    const char *first =
        cli_file("first.yaml", NETS PEER "virtualMachines: {vm-0: {subnet: va/s}, vm-a: {subnet: va/s}}\n");
    const char *then = NETS PEER
        "virtualMachines: {vm-a: {subnet: va/s}}\nexpect: [{from: vm-a, to: 10.9.0.1, icmp: drop}]\n";

    (void)state;
    cli_ok("up %s", first);
    cli_ok("up %s", cli_file("then.yaml", then)); /* vm-a keeps 10.0.0.5 */
    sh_ok("umount -l \"$VNETLAB_RUN_DIR\"/%s && rmdir \"$VNETLAB_RUN_DIR\"/%s && rm -f /run/netns/%s.*",
          cli_lab(), cli_lab(), cli_lab());
    cli_ok("check %s", cli_file("then.yaml", then));
    cli_ok("ls");
    assert_has(cli_out, "stopped");
    cli_ok("show -l %s", cli_lab());
    assert_has(cli_out, "10.0.0.5");
}

static void a_refusal_can_be_expected(void **state)
{
    const char *overlap = "name: %s\n"
                          "vnets:\n"
                          "  va: {addressSpace: [10.0.0.0/8], subnets: {s: 10.0.0.0/24}, peerings: {ab: "
                          "{remoteVirtualNetwork: vb}}}\n"
                          "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}}\n"
                          "expect: [{error: VnetAddressSpacesOverlap, mentions: 10.1.0.0/16}]\n";

    (void)state;
    cli_ok("check %s", cli_file("overlap.yaml", overlap));
    cli_fails(1, "check %s",
              cli_file("fine.yaml", NETS PEER VMS "expect: [{error: VnetAddressSpacesOverlap}]\n"));
    assert_has(cli_out, "not refused for that");
    cli_fails(2, "check %s", cli_file("bad.yaml", NETS PEER "  vc: {addressSpace: [10.1.0.5/16]}\n"));
    assert_has(cli_err, "InvalidCIDRNotation");
}

/* The frontend's route leads to an appliance, whose guest sends it to the frontend again: the hash chooses itself. */
static void a_reason_at_a_later_hop_is_the_observed_one(void **state)
{
    const char *lab =
        "name: %s\n"
        "vnets: {hub: {addressSpace: [10.0.0.0/16], subnets: {a: {addressPrefix: 10.0.0.0/24, routeTable: "
        "rt}, "
        "b: 10.0.1.0/24}}}\n"
        "routeTables: {rt: {routes: {own: {addressPrefix: 10.0.0.0/16, nextHopType: VirtualAppliance, "
        "nextHopIpAddress: 10.0.1.100}}}}\n"
        "loadBalancers: {lb: {frontendIPConfigurations: {f: {subnet: hub/b, privateIPAddress: 10.0.1.100}}, "
        "backendAddressPools: {p: [n1, n2]}, loadBalancingRules: {ha: {protocol: All}}}}\n"
        "virtualMachines:\n"
        "  v1: {subnet: hub/a}\n"
        "  n1: {subnet: hub/b, enableIPForwarding: true, ipForward: true}\n"
        "  n2: {subnet: hub/b, enableIPForwarding: true, ipForward: true}\n"
        "expect: [{from: v1, to: 10.0.1.100, tcp: 22, result: drop, reason: BalancerHairpin}]\n";

    (void)state;
    cli_ok("check %s", cli_file("lab.yaml", lab));
    assert_has(cli_out, "BalancerHairpin at n");
    assert_has(cli_out, "the load balancer chose the NIC that sends");
    assert_lacks(cli_out, "but");
    assert_has(cli_out, "1 passed, 0 failed");
}

/* Behind the appliance the packet has another source than program and plan know of. */
/* A firewall that translates, when its commands have come so far. */
#define FIREWALL(before)                                                                                     \
    "name: %s\n"                                                                                             \
    "internet: {hosts: {example: {address: 203.0.113.80}}}\n"                                                \
    "vnets: {hub: {addressSpace: [10.0.0.0/16], subnets: {a: {addressPrefix: 10.0.0.0/24, routeTable: rt}, " \
    "b: 10.0.1.0/24}}}\n"                                                                                    \
    "routeTables: {rt: {routes: {all: {addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, "            \
    "nextHopIpAddress: 10.0.1.4}}}}\n"                                                                       \
    "virtualMachines:\n"                                                                                     \
    "  vm: {subnet: hub/a}\n"                                                                                \
    "  firewall: {subnet: hub/b, enableIPForwarding: true, ipForward: true, run: [" before                   \
    "iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -j MASQUERADE]}\n"                                        \
    "expect: [{from: vm, to: example, tcp: 80, result: pass}]\n"

static void a_guests_own_nat_is_told_first(void **state)
{
    (void)state;
    assert_int_equal(sh("command -v iptables > /dev/null"), 0); /* PACKAGES_RUN has it */
    cli_ok("check %s", cli_file("lab.yaml", FIREWALL("")));
    assert_has(cli_out,
               "passed: the guest of firewall has changed the packet (the plan alone: ForeignToInternet)");
}

/* Its rule comes later than the first packet, whose connection stays as it is. */
static void an_appliance_that_is_still_starting_is_waited_for(void **state)
{
    (void)state;
    cli_ok("check %s", cli_file("lab.yaml", FIREWALL("sleep 1 && ")));
    assert_has(cli_out, "1 passed, 0 failed");
    cli_fails(1, "check %s", cli_file("never.yaml", FIREWALL("sleep 60 && ")));
    assert_has(cli_out, "drop ForeignToInternet");
}

static void one_bad_file_does_not_hide_the_others(void **state)
{
    const char *bad = cli_file("bad.yaml", "name: %s\nvnets: [\n");
    const char *good = cli_file("good.yaml", NETS PEER VMS "expect: [{from: vm-a, to: vm-b, icmp: pass}]\n");

    (void)state;
    cli_fails(2, "check %s %s", bad, good);
    assert_has(cli_out, "1 passed, 0 failed");
    assert_has(cli_err, "bad.yaml:");
    cli_fails(2, "check -o json %s %s", bad, good);
    assert_has(cli_out, "\"passed\": 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_lab_that_does_not_run_is_brought_up_and_removed, cli_down_all),
        cmocka_unit_test_teardown(what_differs_fails_with_a_hint_and_status_1, cli_down_all),
        cmocka_unit_test_teardown(wrong_reasons_and_ttls_fail, cli_down_all),
        cmocka_unit_test_teardown(a_running_lab_is_graded_as_it_runs_and_stays, cli_down_all),
        cmocka_unit_test_teardown(a_vm_that_the_running_lab_lacks_fails_its_rows, cli_down_all),
        cmocka_unit_test_teardown(check_takes_nobodys_lab_away, cli_down_all),
        cmocka_unit_test_teardown(a_stopped_lab_is_stored_again_as_it_was, cli_down_all),
        cmocka_unit_test_teardown(a_refusal_can_be_expected, cli_down_all),
        cmocka_unit_test_teardown(a_reason_at_a_later_hop_is_the_observed_one, cli_down_all),
        cmocka_unit_test_teardown(a_guests_own_nat_is_told_first, cli_down_all),
        cmocka_unit_test_teardown(an_appliance_that_is_still_starting_is_waited_for, cli_down_all),
        cmocka_unit_test_teardown(one_bad_file_does_not_hide_the_others, cli_down_all),
    };

    return cmocka_run_group_tests_name("check", tests, cli_setup, cli_teardown);
}
