/* What network security groups let pass, with real packets: the given/then rows of spec section 3, and of 0, 2.5 and 7 where they
 * speak of them. State (flows, fragments, changes under traffic) is in test_nsg_state.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "vnetlab/base.h"

#include "../harness/cli.h"
#include "../harness/reach.h"
#include "../harness/traffic.h"

/* vm-a 10.0.1.4 and vm-b 10.0.1.5 in one subnet, vm-c 10.0.2.4 in another. */
#define LAB(subnet1, nic_a, nic_b, groups)                                                                   \
    "name: %s\n"                                                                                             \
    "vnets:\n"                                                                                               \
    "  va: {addressSpace: [10.0.0.0/16], subnets: {s1: {addressPrefix: 10.0.1.0/24" subnet1                  \
    "}, s2: 10.0.2.0/24}}\n"                                                                                 \
    "virtualMachines:\n"                                                                                     \
    "  vm-a: {subnet: va/s1" nic_a "}\n"                                                                     \
    "  vm-b: {subnet: va/s1" nic_b "}\n"                                                                     \
    "  vm-c: {subnet: va/s2}\n" groups
#define NSGS                     "networkSecurityGroups:\n"
#define NSG(name, rules)         "  " name ":\n    securityRules:\n" rules
#define EMPTY(name)              "  " name ": {}\n"
#define RULE(name, number, what) "      " name ": {priority: " #number ", " what "}\n"
#define WITH(name)               ", networkSecurityGroup: " name
#define IN                       "direction: Inbound, access: "
#define OUT                      "direction: Outbound, access: "

static void up(const char *text)
{
    cli_ok("up %s", cli_file("lab.yaml", text));
}

static void verify_says(const char *from, const char *to, const char *what, const char *words)
{
    (void)cli("verify -l %s %s %s %s", cli_lab(), from, to, what);
    assert_has(cli_out, words);
}

/* --- which rules there are --------------------------------------------------------------------------------------------- */

static void without_groups_everything_passes(void **state)
{
    (void)state;
    up(LAB("", "", "", ""));
    assert_int_equal(cli_ping("vm-a", "10.0.1.5"), 64);
    assert_true(reach_tcp("vm-c", "10.0.1.5", 22));
    assert_true(reach_udp("vm-c", "vm-b", "10.0.1.5", 53));
}

static void an_empty_group_lets_the_virtual_network_pass(void **state)
{
    (void)state;
    up(LAB(WITH("none"), "", "", NSGS EMPTY("none")));
    assert_int_equal(cli_ping("vm-a", "10.0.1.5"), 64);
    assert_true(reach_tcp("vm-c", "10.0.1.5", 22));
    assert_true(reach_udp("vm-b", "vm-c", "10.0.2.4", 53));
    verify_says("vm-a", "vm-b", "icmp", "AllowVnetOutBound");
    verify_says("vm-a", "vm-b", "icmp", "AllowVnetInBound");
}

static void a_group_filters_inside_its_subnet(void **state)
{
    (void)state;
    up(LAB(WITH("quiet"), "", "", NSGS NSG("quiet", RULE("no-ping", 100, IN "Deny, protocol: Icmp"))));
    assert_int_equal(cli_ping("vm-a", "10.0.1.5"), 0);
    assert_int_equal(cli_drops("vm-b", "NsgInbound"), 1);
    assert_int_equal(cli_drops("vm-a", "NsgOutbound"), 0);
    assert_true(reach_tcp("vm-a", "10.0.1.5", 22));
    assert_int_equal(cli_ping("vm-a", "10.0.2.4"), 64); /* the subnet that has no group */
    verify_says("vm-a", "vm-b", "icmp", "UserRule_no-ping");
}

static void a_private_address_of_nobody_is_denied_by_the_last_rule(void **state)
{
    (void)state;
    up(LAB("", WITH("none"), "", NSGS EMPTY("none")));
    assert_int_equal(cli_ping("vm-a", "172.31.0.100"), 0);
    assert_int_equal(cli_drops("vm-a", "NsgOutbound"), 1);
    assert_int_equal(cli_drops("vm-a", "NoRoute"), 0);
    verify_says("vm-a", "172.31.0.100", "tcp:80", "DefaultRule_DenyAllOutBound");

    assert_int_equal(cli_ping("vm-a", "192.0.2.1"), 0); /* the internet: allowed, but not there */
    assert_int_equal(cli_drops("vm-a", "NsgOutbound"), 1);
    assert_int_equal(cli_drops("vm-a", "NoInternet"), 1);

    assert_int_equal(cli_ping("vm-b", "172.31.0.100"), 0); /* no group: the route decides */
    assert_int_equal(cli_drops("vm-b", "NoRoute"), 1);
}

/* --- which rule decides -------------------------------------------------------------------------------------------------- */

static void the_lowest_number_decides_in_each_direction(void **state)
{
    (void)state;
    up(LAB("", "", WITH("web"),
           NSGS NSG("web", RULE("late", 300, IN "Deny, protocol: Tcp, destinationPortRange: 80-90")
                               RULE("early", 200, IN "Allow, protocol: Tcp, destinationPortRange: 80")
                                   RULE("out", 200, OUT "Deny, protocol: Tcp, destinationPortRange: 80"))));
    assert_true(reach_tcp("vm-a", "10.0.1.5", 80));
    assert_false(reach_tcp("vm-a", "10.0.1.5", 81));
    assert_false(reach_tcp("vm-a", "10.0.1.5", 90));
    assert_true(reach_tcp("vm-a", "10.0.1.5", 91));
    assert_false(reach_tcp("vm-b", "10.0.1.4", 80));
    assert_true(reach_tcp("vm-b", "10.0.1.4", 81));
    assert_int_equal(cli_drops("vm-b", "NsgOutbound"), 1);
}

static void inbound_is_the_subnets_group_then_the_nics(void **state)
{
    (void)state;
    up(LAB(WITH("subnet"), "", WITH("nic"),
           NSGS NSG("subnet", RULE("no-web", 100, IN "Deny, protocol: Tcp, destinationPortRange: 80"))
               NSG("nic", RULE("web", 100, IN "Allow, protocol: Tcp, destinationPortRange: 80")
                              RULE("no-ssh", 110, IN "Deny, protocol: Tcp, destinationPortRange: 22"))));
    assert_false(reach_tcp("vm-c", "10.0.1.5", 80));
    verify_says("vm-c", "vm-b", "tcp:80", "UserRule_no-web");
    assert_false(reach_tcp("vm-c", "10.0.1.5", 22));
    verify_says("vm-c", "vm-b", "tcp:22", "UserRule_no-ssh");
    assert_true(reach_tcp("vm-c", "10.0.1.5", 443));
    assert_int_equal(cli_drops("vm-b", "NsgInbound"), 2);
}

static void outbound_is_the_nics_group_then_the_subnets(void **state)
{
    (void)state;
    up(LAB(WITH("subnet"), WITH("nic"), "",
           NSGS NSG("subnet", RULE("no-web", 100, OUT "Deny, protocol: Tcp, destinationPortRange: 80"))
               NSG("nic", RULE("web", 100, OUT "Allow, protocol: Tcp, destinationPortRange: 80")
                              RULE("no-ssh", 110, OUT "Deny, protocol: Tcp, destinationPortRange: 22"))));
    assert_false(reach_tcp("vm-a", "10.0.2.4", 80));
    assert_false(reach_tcp("vm-a", "10.0.2.4", 22));
    assert_true(reach_tcp("vm-a", "10.0.2.4", 443));
    assert_int_equal(cli_drops("vm-a", "NsgOutbound"), 2);
    assert_true(reach_tcp("vm-b", "10.0.2.4", 22)); /* only the subnet's */
    assert_false(reach_tcp("vm-b", "10.0.2.4", 80));
}

static void a_rule_for_any_protocol_with_a_port_is_not_about_ping(void **state)
{
    (void)state;
    up(LAB("", "", WITH("g"),
           NSGS NSG(
               "g",
               RULE("port", 100, IN "Deny, protocol: '*', destinationPortRange: 80") RULE(
                   "ports", 110,
                   IN "Deny, protocol: Udp, destinationPortRanges: [53, 5000-5010], sourcePortRange: '*'"))));
    assert_int_equal(cli_ping("vm-a", "10.0.1.5"), 64);
    assert_false(reach_tcp("vm-a", "10.0.1.5", 80));
    assert_false(reach_udp("vm-a", "vm-b", "10.0.1.5", 80));
    assert_false(reach_udp("vm-a", "vm-b", "10.0.1.5", 53));
    assert_false(reach_udp("vm-a", "vm-b", "10.0.1.5", 5010));
    assert_true(reach_udp("vm-a", "vm-b", "10.0.1.5", 5011));
    assert_true(reach_tcp("vm-a", "10.0.1.5", 53));
}

static void prefixes_are_compared_to_the_last_bit(void **state)
{
    (void)state;
    up(LAB("", "", WITH("g"),
           NSGS NSG("g", RULE("one", 100, IN "Allow, sourceAddressPrefix: 10.0.1.4") RULE(
                             "others", 110, IN "Deny, sourceAddressPrefixes: [10.0.1.0/24, 10.0.2.4/31]"))));
    assert_int_equal(cli_ping("vm-a", "10.0.1.5"), 64);
    assert_int_equal(cli_ping("vm-c", "10.0.1.5"), 0);
    assert_int_equal(cli_ping("vm-b", "10.0.1.4"), 64);
}

/* --- application security groups ----------------------------------------------------------------------------------------- */

#define GROUPS                                                                                               \
    NSGS NSG("tiers", RULE("web", 100,                                                                       \
                           IN "Allow, protocol: Tcp, sourceApplicationSecurityGroups: [client], "            \
                              "destinationApplicationSecurityGroups: [web], destinationPortRange: 80")       \
                          RULE("rest", 200,                                                                  \
                               IN "Deny, sourceAddressPrefix: VirtualNetwork")) "applicationSecurityGroups:" \
                                                                                " {web: {}, client: {}}\n"
#define MEMBER(list) ", applicationSecurityGroups: [" list "]"

static void a_rule_with_groups_is_for_their_members(void **state)
{
    (void)state;
    up(LAB(WITH("tiers"), MEMBER("client"), MEMBER("web"), GROUPS));
    assert_true(reach_tcp("vm-a", "10.0.1.5", 80));
    assert_false(reach_tcp("vm-a", "10.0.1.5", 443));
    assert_false(reach_tcp("vm-c", "10.0.1.5", 80)); /* no member */
    assert_false(reach_tcp("vm-b", "10.0.1.4", 80)); /* the other way round */

    up(LAB(WITH("tiers"), MEMBER("web"), MEMBER("client"), GROUPS)); /* members change on the running lab */
    assert_true(reach_tcp("vm-b", "10.0.1.4", 80));
    assert_false(reach_tcp("vm-a", "10.0.1.5", 80));
}

static void a_group_without_members_is_nobody(void **state)
{
    (void)state;
    up(LAB(WITH("tiers"), MEMBER("client"), "", GROUPS));
    assert_false(reach_tcp("vm-a", "10.0.1.5", 80));
    assert_int_equal(cli_drops("vm-b", "NsgInbound"), 1);
}

/* --- peerings and the tag VirtualNetwork ----------------------------------------------------------------------------------- */

#define PEERED(access_a, access_b, nic_a, nic_b, groups)                                                     \
    "name: %s\n"                                                                                             \
    "vnets:\n"                                                                                               \
    "  va: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}, peerings: "                              \
    "{ab: {remoteVirtualNetwork: vb, allowVirtualNetworkAccess: " access_a "}}}\n"                           \
    "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: "                              \
    "{ba: {remoteVirtualNetwork: va, allowVirtualNetworkAccess: " access_b "}}}\n"                           \
    "virtualMachines:\n"                                                                                     \
    "  vm-a: {subnet: va/s" nic_a "}\n"                                                                      \
    "  vm-b: {subnet: vb/s" nic_b "}\n" groups
#define PEERED_EMPTY(access_a, access_b)                                                                     \
    PEERED(access_a, access_b, WITH("none"), WITH("none"), NSGS EMPTY("none"))

/* How many packets each side's rules have denied. */
static void denied(long a_out, long a_in, long b_out, long b_in)
{
    assert_int_equal(cli_drops("vm-a", "NsgOutbound"), a_out);
    assert_int_equal(cli_drops("vm-a", "NsgInbound"), a_in);
    assert_int_equal(cli_drops("vm-b", "NsgOutbound"), b_out);
    assert_int_equal(cli_drops("vm-b", "NsgInbound"), b_in);
}

/* The four rows of spec 2.5's table. */
static void the_access_flag_acts_through_the_tag(void **state)
{
    (void)state;
    up(PEERED_EMPTY("true", "true"));
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
    assert_int_equal(cli_ping("vm-b", "10.0.0.4"), 64);
    denied(0, 0, 0, 0);

    up(PEERED_EMPTY("false", "true"));
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 0);
    denied(1, 0, 0, 0);
    verify_says("vm-a", "vm-b", "icmp", "DefaultRule_DenyAllOutBound");
    assert_int_equal(cli_ping("vm-b", "10.0.0.4"), 0);
    denied(1, 1, 0, 0);
    verify_says("vm-b", "vm-a", "icmp", "DefaultRule_DenyAllInBound");

    up(PEERED_EMPTY("true", "false"));
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 0);
    denied(1, 1, 0, 1);
    assert_int_equal(cli_ping("vm-b", "10.0.0.4"), 0);
    denied(1, 1, 1, 1);

    up(PEERED_EMPTY("false", "false"));
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 0);
    assert_int_equal(cli_ping("vm-b", "10.0.0.4"), 0);
    denied(2, 1, 2, 1);
    assert_int_equal(cli_drops("vm-a", "PeeringAccess"), 0);
}

/* Spec 2.9: both created without --allow-vnet-access, then rules for the peer's prefix out at A and in at B. */
static void a_rule_with_the_prefix_opens_a_peering_whose_access_is_off(void **state)
{
    (void)state;
    up(PEERED("false", "false", WITH("a"), WITH("b"),
              NSGS NSG("a", RULE("to-b", 100, OUT "Allow, destinationAddressPrefix: 10.1.0.0/16"))
                  NSG("b", RULE("from-a", 100, IN "Allow, sourceAddressPrefix: 10.0.0.0/16"))));
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
    assert_true(reach_tcp("vm-a", "10.1.0.4", 22));
    assert_false(reach_ping("vm-b", "10.0.0.4")); /* nobody allowed that direction */
    denied(0, 0, 1, 0);
}

/* [E]: a NIC without a group refuses what its default rules would; the other side's group cannot help. */
static void a_side_without_a_group_still_refuses(void **state)
{
    (void)state;
    up(PEERED("true", "false", WITH("a"), "",
              NSGS NSG("a", RULE("to-b", 100, OUT "Allow, destinationAddressPrefix: 10.1.0.0/16"))));
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 0);
    assert_int_equal(cli_drops("vm-b", "PeeringAccess"), 1);
}

static void a_client_outside_of_the_tag_needs_both_groups(void **state)
{
    (void)state;
    up("name: %s\n"
       "vnets:\n"
       "  va: {addressSpace: [10.0.0.0/16], subnets: {s: {addressPrefix: 10.0.0.0/24, networkSecurityGroup: "
       "subnet}}, peerings: "
       "{ab: {remoteVirtualNetwork: vb, allowVirtualNetworkAccess: false}}}\n"
       "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: {ba: {remoteVirtualNetwork: "
       "va}}}\n"
       "virtualMachines: {vm-a: {subnet: va/s, networkSecurityGroup: nic}, vm-b: {subnet: vb/s}}\n" NSGS NSG(
           "subnet", RULE("web", 100, IN "Allow, protocol: Tcp, destinationPortRange: 80")) EMPTY("nic"));
    assert_false(reach_tcp("vm-b", "10.0.0.4", 80));
    verify_says("vm-b", "vm-a", "tcp:80", "DefaultRule_DenyAllInBound");
    assert_int_equal(cli_drops("vm-a", "NsgInbound"), 1);
}

static void the_tag_follows_the_peering(void **state)
{
    const char *alone = "name: %s\n"
                        "vnets:\n"
                        "  va: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}}\n"
                        "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}}\n"
                        "virtualMachines: {vm-a: {subnet: va/s, networkSecurityGroup: none}, "
                        "vm-b: {subnet: vb/s, networkSecurityGroup: none}}\n" NSGS EMPTY("none");

    (void)state;
    up(alone);
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 0);
    denied(1, 0, 0, 0);
    up(PEERED_EMPTY("true", "true"));
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
    cli_ok("rules -l %s vm-a", cli_lab());
    assert_has(cli_out, "10.1.0.0/16");
    up(alone);
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 0);
    denied(2, 0, 0, 0);
}

/* --- the wire ---------------------------------------------------------------------------------------------------------------- */

/* Spec 0: neither RST nor ICMP, at no side; the target hears nothing. */
static void deny_is_silent(void **state)
{
    CLEANUP(vnl_fd_close) int client = -1, target = -1;
    char a[64], b[64];
    unsigned char frame[2048];
    struct sockaddr_ll from;
    socklen_t size = sizeof(from);

    (void)state;
    up(LAB("", "", WITH("shut"), NSGS NSG("shut", RULE("all", 100, IN "Deny"))));
    (void)snprintf(a, sizeof(a), "%s.vm-a", cli_lab());
    (void)snprintf(b, sizeof(b), "%s.vm-b", cli_lab());
    client = traffic_socket(a, AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
    target = traffic_socket(b, AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
    assert_true(client >= 0 && target >= 0);
    assert_false(reach_tcp("vm-a", "10.0.1.5", 22));
    assert_false(reach_udp("vm-a", NULL, "10.0.1.5", 53));
    assert_int_equal(cli_ping("vm-a", "10.0.1.5"), 0);
    while (recvfrom(client, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&from, &size) > 0)
        assert_int_equal(from.sll_pkttype, PACKET_OUTGOING);
    assert_int_equal(errno, EAGAIN);
    while (recvfrom(target, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&from, &size) > 0)
        assert_int_equal(from.sll_pkttype, PACKET_OUTGOING);
    assert_int_equal(errno, EAGAIN);
    assert_true(cli_drops("vm-b", "NsgInbound") >= 3);
}

/* Spec 3.8: a deny of everything does not reach platform traffic; nothing answers it in this lab, which is another reason. */
static void platform_traffic_is_not_the_rules_affair(void **state)
{
    (void)state;
    up(LAB("", WITH("shut"), "", NSGS NSG("shut", RULE("all", 100, OUT "Deny"))));
    assert_int_equal(cli_ping("vm-a", "10.0.1.5"), 0);
    assert_int_equal(cli_drops("vm-a", "NsgOutbound"), 1);
    assert_true(reach_tcp("vm-a", "169.254.169.254", 80)); /* instance metadata */
    assert_true(reach_tcp("vm-a", "168.63.129.16", 53));   /* DNS */
    assert_false(reach_tcp("vm-a", "169.254.169.254", 81));
    assert_int_equal(cli_drops("vm-a", "NsgOutbound"), 1);
    assert_int_equal(cli_drops("vm-a", "PlatformAddress"), 1);
}

static void rules_of_ipv6(void **state)
{
    (void)state;
    up("name: %s\n"
       "vnets:\n"
       "  va: {addressSpace: [10.0.0.0/16, 'fd00:a::/48'], subnets: {s: [10.0.0.0/24, 'fd00:a:0:1::/64']}}\n"
       "virtualMachines: {vm-a: {subnet: va/s}, vm-b: {subnet: va/s, networkSecurityGroup: six}, vm-c: "
       "{subnet: va/s}}\n" NSGS NSG(
           "six", RULE("a", 100, IN "Allow, protocol: Icmp, sourceAddressPrefix: 'fd00:a:0:1::4'")
                      RULE("web", 110, IN "Allow, protocol: Tcp, destinationPortRange: 80")
                          RULE("net", 120, IN "Deny, sourceAddressPrefix: 'fd00:a::/48'")));
    assert_int_equal(cli_ping("vm-a", "fd00:a:0:1::5"), 64);
    assert_int_equal(cli_ping("vm-c", "fd00:a:0:1::5"), 0);
    assert_int_equal(cli_ping("vm-c", "10.0.0.5"), 64); /* the rule is of the other family */
    assert_true(reach_tcp("vm-c", "fd00:a:0:1::5", 80));
    assert_false(reach_tcp("vm-c", "fd00:a:0:1::5", 81));
    assert_true(reach_tcp("vm-c", "10.0.0.5", 81));
    assert_false(reach_udp("vm-a", "vm-b", "fd00:a:0:1::5", 53));
    assert_int_equal(cli_ping("vm-b", "fd00:a:0:1::6"),
                     64); /* outbound: the tag has the VNet's IPv6 space too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_groups_everything_passes, cli_down_all),
        cmocka_unit_test_teardown(an_empty_group_lets_the_virtual_network_pass, cli_down_all),
        cmocka_unit_test_teardown(a_group_filters_inside_its_subnet, cli_down_all),
        cmocka_unit_test_teardown(a_private_address_of_nobody_is_denied_by_the_last_rule, cli_down_all),
        cmocka_unit_test_teardown(the_lowest_number_decides_in_each_direction, cli_down_all),
        cmocka_unit_test_teardown(inbound_is_the_subnets_group_then_the_nics, cli_down_all),
        cmocka_unit_test_teardown(outbound_is_the_nics_group_then_the_subnets, cli_down_all),
        cmocka_unit_test_teardown(a_rule_for_any_protocol_with_a_port_is_not_about_ping, cli_down_all),
        cmocka_unit_test_teardown(prefixes_are_compared_to_the_last_bit, cli_down_all),
        cmocka_unit_test_teardown(a_rule_with_groups_is_for_their_members, cli_down_all),
        cmocka_unit_test_teardown(a_group_without_members_is_nobody, cli_down_all),
        cmocka_unit_test_teardown(the_access_flag_acts_through_the_tag, cli_down_all),
        cmocka_unit_test_teardown(a_rule_with_the_prefix_opens_a_peering_whose_access_is_off, cli_down_all),
        cmocka_unit_test_teardown(a_side_without_a_group_still_refuses, cli_down_all),
        cmocka_unit_test_teardown(a_client_outside_of_the_tag_needs_both_groups, cli_down_all),
        cmocka_unit_test_teardown(the_tag_follows_the_peering, cli_down_all),
        cmocka_unit_test_teardown(deny_is_silent, cli_down_all),
        cmocka_unit_test_teardown(platform_traffic_is_not_the_rules_affair, cli_down_all),
        cmocka_unit_test_teardown(rules_of_ipv6, cli_down_all),
    };

    return cmocka_run_group_tests_name("nsg", tests, cli_setup, cli_teardown);
}
