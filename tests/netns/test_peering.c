/* The life of a peering on a running lab, with real packets: spec/vnet-semantics.md sections 2.2 to 2.5
 * and 2.7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../harness/cli.h"

/* Two VNets and their VMs; the links are what a test adds. */
#define LAB(links_a, links_b)                                                                                \
    "name: %s\n"                                                                                             \
    "vnets:\n"                                                                                               \
    "  va: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}, peerings: {" links_a "}}\n"              \
    "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: {" links_b "}}\n"              \
    "virtualMachines:\n"                                                                                     \
    "  vm-a: {subnet: va/s, enableIPForwarding: true}\n"                                                     \
    "  vm-b: {subnet: vb/s}\n"

#define A_TO_B "a-to-b: {remoteVirtualNetwork: vb}"
#define B_TO_A "b-to-a: {remoteVirtualNetwork: va}"

static void up(const char *text)
{
    cli_ok("up %s", cli_file("lab.yaml", text));
}

static void link_state(const char *link, const char *state, const char *sync)
{
    cli_ok("show -l %s -o json %s/%s", cli_lab(), link[0] == 'a' ? "va" : "vb", link);
    assert_has(cli_out, state);
    if (sync)
        assert_has(cli_out, sync);
}

static void one_link_is_initiated_and_carries_nothing(void **state)
{
    (void)state;
    up(LAB("", ""));
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 0);
    up(LAB(A_TO_B, ""));
    link_state("a-to-b", "Initiated", NULL);
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 0);
    assert_int_equal(cli_ping("vm-b", "10.0.0.4"), 0);
    cli_ok("routes -l %s vm-a", cli_lab());
    assert_lacks(cli_out, "VNetPeering");
}

static void the_second_link_connects_both(void **state)
{
    (void)state;
    up(LAB(A_TO_B, ""));
    up(LAB(A_TO_B, B_TO_A));
    link_state("a-to-b", "Connected", "FullyInSync");
    link_state("b-to-a", "Connected", "FullyInSync");
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
    assert_int_equal(cli_ping("vm-b", "10.0.0.4"), 64);
}

static void deleting_one_link_disconnects_the_other_until_it_is_renewed(void **state)
{
    (void)state;
    up(LAB(A_TO_B, B_TO_A));
    up(LAB(A_TO_B, ""));
    link_state("a-to-b", "Disconnected", NULL);
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 0);
    cli_fails(2, "up %s", cli_file("lab.yaml", LAB(A_TO_B, B_TO_A)));
    assert_has(cli_err, "RemotePeeringIsDisconnected");
    assert_has(cli_err, "vnetlab sync va/a-to-b");
    link_state("a-to-b", "Disconnected", NULL);

    cli_ok("sync -l %s va/a-to-b", cli_lab());
    link_state("a-to-b", "Initiated", NULL);
    up(LAB(A_TO_B, B_TO_A));
    link_state("a-to-b", "Connected", NULL);
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
}

/* Spec 2.2 row 4: the re-PUT may also be a changed flag. */
static void a_changed_flag_renews_a_disconnected_link(void **state)
{
    (void)state;
    up(LAB(A_TO_B, B_TO_A));
    up(LAB(A_TO_B, ""));
    up(LAB("a-to-b: {remoteVirtualNetwork: vb, allowForwardedTraffic: true}", B_TO_A));
    link_state("a-to-b", "Connected", NULL);
    assert_int_equal(cli_ping("vm-b", "10.0.0.4"), 64);
}

#define RESIZED                                                                                              \
    "name: %s\n"                                                                                             \
    "vnets:\n"                                                                                               \
    "  va: {addressSpace: [10.0.0.0/16, 10.99.0.0/16], subnets: {s: 10.0.0.0/24, n: 10.99.0.0/24}, "         \
    "peerings: {" A_TO_B "}}\n"                                                                              \
    "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: {" B_TO_A "}}\n"               \
    "virtualMachines:\n"                                                                                     \
    "  vm-a: {subnet: va/s, enableIPForwarding: true}\n"                                                     \
    "  vm-b: {subnet: vb/s}\n"                                                                               \
    "  vm-n: {subnet: va/n}\n"

static void a_new_range_is_one_way_until_the_other_side_syncs(void **state)
{
    long before;

    (void)state;
    up(LAB(A_TO_B, B_TO_A));
    up(RESIZED);
    link_state("a-to-b", "Connected", "RemoteNotInSync");
    link_state("b-to-a", "Connected", "LocalNotInSync");
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);

    before = cli_drops("vm-b", "NoRoute");
    assert_int_equal(cli_ping("vm-n", "10.1.0.4"), 0);
    assert_int_equal(cli_drops("vm-b", "NoRoute"), before + 1); /* the request came, the reply had no route */

    cli_ok("sync -l %s va/a-to-b", cli_lab());
    link_state("b-to-a", "Connected", "LocalNotInSync");
    assert_int_equal(cli_ping("vm-n", "10.1.0.4"), 0);

    cli_ok("sync -l %s vb/b-to-a", cli_lab());
    link_state("a-to-b", "Connected", "FullyInSync");
    link_state("b-to-a", "Connected", "FullyInSync");
    assert_int_equal(cli_ping("vm-n", "10.1.0.4"), 64);
    assert_int_equal(cli_ping("vm-b", "10.99.0.4"), 64);
}

static void a_refused_peering_changes_nothing(void **state)
{
    (void)state;
    up(LAB(A_TO_B, B_TO_A));
    cli_fails(
        2, "up %s",
        cli_file("lab.yaml",
                 "name: %s\n"
                 "vnets:\n"
                 "  va: {addressSpace: [10.0.0.0/8], subnets: {s: 10.0.0.0/24}, peerings: {" A_TO_B "}}\n"
                 "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: {" B_TO_A "}}\n"
                 "virtualMachines: {vm-a: {subnet: va/s}, vm-b: {subnet: vb/s}}\n"));
    assert_has(cli_err, "VnetAddressSpacesOverlap");
    assert_has(cli_err, "10.0.0.0/8");
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
}

/* Spec 2.5: with no NSG, a flag that is false on either side blocks new flows in both directions; the drop is
 * counted where the link with the flag is. */
static void access_off_blocks_both_ways_where_the_flag_is(void **state)
{
    (void)state;
    up(LAB("a-to-b: {remoteVirtualNetwork: vb, allowVirtualNetworkAccess: false}", B_TO_A));
    link_state("a-to-b", "Connected", "FullyInSync");
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 0);
    assert_int_equal(cli_drops("vm-a", "PeeringAccess"), 1);
    assert_int_equal(cli_ping("vm-b", "10.0.0.4"), 0);
    assert_int_equal(cli_drops("vm-a", "PeeringAccess"), 2);
    assert_int_equal(cli_drops("vm-b", "PeeringAccess"), 0);
}

static void access_off_is_only_a_tag_when_the_lab_says_so(void **state)
{
    (void)state;
    up("semantics: {peeringAccess: tag-only}\n" LAB(
        "a-to-b: {remoteVirtualNetwork: vb, allowVirtualNetworkAccess: false}", B_TO_A));
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
    assert_int_equal(cli_ping("vm-b", "10.0.0.4"), 64);
}

/* Sends one datagram from vm-a with a source that is not in its VNet; returns how many vm-b received. */
static long forwarded_arrives(void)
{
    long before;

    cli_ok("exec -l %s vm-a -- ip addr replace 10.77.0.1/32 dev lo", cli_lab());
    cli_ok("exec -l %s vm-b -- cat /sys/class/net/eth0/statistics/rx_packets", cli_lab());
    before = atol(cli_out);
    (void)cli("exec -l %s vm-a -- ping -c 1 -W 0.2 -I 10.77.0.1 10.1.0.4", cli_lab());
    cli_ok("exec -l %s vm-b -- cat /sys/class/net/eth0/statistics/rx_packets", cli_lab());
    return atol(cli_out) - before;
}

static void forwarded_traffic_needs_the_flag_of_the_receiving_link(void **state)
{
    (void)state;
    up(LAB(A_TO_B, B_TO_A));
    assert_int_equal(forwarded_arrives(), 0);
    assert_int_equal(cli_drops("vm-b", "ForwardedTraffic"), 1);
    up(LAB("a-to-b: {remoteVirtualNetwork: vb, allowForwardedTraffic: true}",
           B_TO_A)); /* the sender's link does not count */
    assert_int_equal(forwarded_arrives(), 0);
    up(LAB(A_TO_B, "b-to-a: {remoteVirtualNetwork: va, allowForwardedTraffic: true}"));
    assert_true(forwarded_arrives() >= 1);
}

static void forwarded_traffic_is_only_a_tag_when_the_lab_says_so(void **state)
{
    (void)state;
    up("semantics: {peeringForwarded: tag-only}\n" LAB(A_TO_B, B_TO_A));
    assert_true(forwarded_arrives() >= 1);
    assert_int_equal(cli_drops("vm-b", "ForwardedTraffic"), 0);
}

static void peering_is_not_transitive(void **state)
{
    (void)state;
    up("name: %s\n"
       "vnets:\n"
       "  va: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}, peerings: {ab: {remoteVirtualNetwork: "
       "vb}}}\n"
       "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: {ba: {remoteVirtualNetwork: "
       "va}, bc: {remoteVirtualNetwork: vc}}}\n"
       "  vc: {addressSpace: [10.2.0.0/16], subnets: {s: 10.2.0.0/24}, peerings: {cb: {remoteVirtualNetwork: "
       "vb}}}\n"
       "virtualMachines: {vm-a: {subnet: va/s}, vm-b: {subnet: vb/s}, vm-c: {subnet: vc/s}}\n");
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
    assert_int_equal(cli_ping("vm-b", "10.2.0.4"), 64);
    assert_int_equal(cli_ping("vm-a", "10.2.0.4"), 0);
    assert_int_equal(cli_drops("vm-a", "NoRoute"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_link_is_initiated_and_carries_nothing, cli_down_all),
        cmocka_unit_test_teardown(the_second_link_connects_both, cli_down_all),
        cmocka_unit_test_teardown(deleting_one_link_disconnects_the_other_until_it_is_renewed, cli_down_all),
        cmocka_unit_test_teardown(a_changed_flag_renews_a_disconnected_link, cli_down_all),
        cmocka_unit_test_teardown(a_new_range_is_one_way_until_the_other_side_syncs, cli_down_all),
        cmocka_unit_test_teardown(a_refused_peering_changes_nothing, cli_down_all),
        cmocka_unit_test_teardown(access_off_blocks_both_ways_where_the_flag_is, cli_down_all),
        cmocka_unit_test_teardown(access_off_is_only_a_tag_when_the_lab_says_so, cli_down_all),
        cmocka_unit_test_teardown(forwarded_traffic_needs_the_flag_of_the_receiving_link, cli_down_all),
        cmocka_unit_test_teardown(forwarded_traffic_is_only_a_tag_when_the_lab_says_so, cli_down_all),
        cmocka_unit_test_teardown(peering_is_not_transitive, cli_down_all),
    };

    return cmocka_run_group_tests_name("peering", tests, cli_setup, cli_teardown);
}
