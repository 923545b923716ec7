/* What the plan says about a new flow: the given / then rows of spec 3.9 and 2.5 that need no gateway, route table or internet, and the
 * sentences that say what to change. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "../harness/asks.h"
#include "../harness/plans.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/verify.h"

/* One VNet; vm-1 and vm-2 share a subnet, which has the NSG `web`. */
#define ONE(rules, nic)                                                                                      \
    "location: eastus\n"                                                                                     \
    "vnets: {aa: {addressSpace: [10.0.0.0/16], subnets: {s: {addressPrefix: 10.0.0.0/24, "                   \
    "networkSecurityGroup: web},\n"                                                                          \
    "                                                   t: 10.0.1.0/24}}}\n"                                 \
    "networkSecurityGroups:\n"                                                                               \
    "  web: {securityRules: {" rules "}}\n"                                                                  \
    "  own: {securityRules: {http: {priority: 300, direction: Inbound, access: Allow, protocol: Tcp, "       \
    "destinationPortRange: 80}}}\n"                                                                          \
    "applicationSecurityGroups: {front: {}}\n"                                                               \
    "virtualMachines: {vm-1: {subnet: aa/s}, vm-2: {subnet: aa/s" nic "}, vm-3: {subnet: aa/t}}\n"

/* Two peered VNets; vm-1 and vm-4 in a, vm-2 in b; `nsgs` is put behind each VM's subnet. */
#define TWO(a_to_b, b_to_a, nsg, semantics)                                                                  \
    "location: eastus\n" semantics "vnets:\n"                                                                \
    "  aa: {addressSpace: [10.0.0.0/16], subnets: {s: {addressPrefix: 10.0.0.0/24" nsg "}},\n"               \
    "      peerings: {a-to-b: {remoteVirtualNetwork: bb, allowVirtualNetworkAccess: " a_to_b "}}}\n"         \
    "  bb: {addressSpace: [10.1.0.0/16], subnets: {s: {addressPrefix: 10.1.0.0/24" nsg "}},\n"               \
    "      peerings: {b-to-a: {remoteVirtualNetwork: aa, allowVirtualNetworkAccess: " b_to_a "}}}\n"         \
    "networkSecurityGroups: {empty: {}}\n"                                                                   \
    "virtualMachines: {vm-1: {subnet: aa/s}, vm-2: {subnet: bb/s}}\n"
#define EMPTY ", networkSecurityGroup: empty"

/* --- spec 3.9 ------------------------------------------------------------------------------------- */

static void without_groups_everything_passes(void **state)
{
    (void)state;
    assert_flow(ONE("", ""), "vm-3", "vm-3", IPPROTO_TCP, 80, "allowed");
    assert_flow(TWO("true", "true", "", ""), "vm-1", "vm-2", IPPROTO_TCP, 65535, "allowed");
    assert_flow(TWO("true", "true", "", ""), "vm-2", "vm-1", IPPROTO_UDP, 0, "allowed");
    assert_flow(TWO("true", "true", "", ""), "vm-2", "vm-1", IPPROTO_ESP, 0, "allowed");
}

static void empty_group_passes_within_the_virtual_network(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ONE("", ""));
    struct vnl_flow_query query = query_of(plan, "vm-1", "vm-2", IPPROTO_ICMP, 0);
    CLEANUP(vnl_str_free) char *steps = steps_of(plan, &query);

    (void)state;
    assert_verdict(plan, &query, "allowed");
    assert_string_equal(steps, "outbound, NIC at vm-1: no NSG\n"
                               "outbound, subnet at vm-1: DefaultRule_AllowVnetOutBound (65000) of NSG web\n"
                               "route at vm-1: 10.0.0.0/16 VnetLocal\n"
                               "inbound, subnet at vm-2: DefaultRule_AllowVnetInBound (65000) of NSG web\n"
                               "inbound, NIC at vm-2: no NSG\n"
                               "deliver at vm-2: 10.0.0.5\n"
                               "reply: route at vm-2: 10.0.0.0/16 VnetLocal\n"
                               "reply: deliver at vm-1: 10.0.0.4\n");
}

#define NO_PING                                                                                              \
    "no-ping: {priority: 100, direction: Inbound, access: Deny, protocol: Icmp, destinationPortRange: 80}"

static void subnet_rule_filters_inside_the_subnet(void **state)
{
    (void)state;
    assert_flow(ONE(NO_PING, ""), "vm-1", "vm-2", IPPROTO_ICMP, 0,
                "blocked: NsgInbound at vm-2 by UserRule_no-ping of NSG web");
    assert_flow(ONE(NO_PING, ""), "vm-1", "vm-2", IPPROTO_TCP, 80, "allowed");
    assert_flow(ONE(NO_PING, ""), "vm-1", "vm-3", IPPROTO_ICMP, 0, "allowed");
}

#define NO_HTTP                                                                                              \
    "no-http: {priority: 200, direction: Inbound, access: Deny, protocol: Tcp, destinationPortRange: 80}"

static void both_groups_must_allow(void **state)
{
    (void)state;
    assert_flow(ONE(NO_HTTP, ", networkSecurityGroup: own"), "vm-1", "vm-2", IPPROTO_TCP, 80,
                "blocked: NsgInbound at vm-2 by UserRule_no-http of NSG web");
    assert_flow(ONE("any: {priority: 200, direction: Inbound, access: Allow}", ", networkSecurityGroup: own"),
                "vm-1", "vm-2", IPPROTO_TCP, 81, "allowed"); /* by AllowVnetInBound of `own` */
}

static void lowest_priority_decides(void **state)
{
    (void)state;
    assert_flow(ONE(NO_HTTP ", http: {priority: 199, direction: Inbound, access: Allow, protocol: Tcp}", ""),
                "vm-1", "vm-2", IPPROTO_TCP, 80, "allowed");
    assert_flow(ONE(NO_HTTP ", http: {priority: 201, direction: Inbound, access: Allow, protocol: Tcp}", ""),
                "vm-1", "vm-2", IPPROTO_TCP, 80,
                "blocked: NsgInbound at vm-2 by UserRule_no-http of NSG web");
    assert_flow(ONE(NO_HTTP ", http: {priority: 100, direction: Outbound, access: Allow, protocol: Tcp}", ""),
                "vm-1", "vm-2", IPPROTO_TCP, 80,
                "blocked: NsgInbound at vm-2 by UserRule_no-http of NSG web");
}

static void replies_need_no_rule(void **state)
{
    (void)state;
    assert_flow(ONE("none: {priority: 100, direction: Inbound, access: Deny}", ""), "vm-1", "vm-3",
                IPPROTO_TCP, 80, "allowed");
}

static void private_space_outside_of_the_tag_is_denied(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ONE("", ""));
    struct vnl_flow_query query = query_of(plan, "vm-1", "172.31.0.100", IPPROTO_TCP, 80);
    CLEANUP(vnl_str_free) char *steps = steps_of(plan, &query);

    (void)state;
    assert_verdict(plan, &query, "blocked: NsgOutbound at vm-1 by DefaultRule_DenyAllOutBound of NSG web");
    assert_non_null(strstr(steps, "route at vm-1: NoRoute, 172.16.0.0/12 None\n")); /* all blockers */
    assert_flow(ONE("", ""), "vm-3", "172.31.0.100", IPPROTO_TCP, 80, "blocked: NoRoute at vm-3");
}

#define DENY_OUT "deny: {priority: 100, direction: Outbound, access: Deny}"
#define DENY_DNS                                                                                             \
    "dns: {priority: 100, direction: Outbound, access: Deny, destinationAddressPrefix: AzurePlatformDNS}"

static void platform_traffic_is_for_platform_rules_only(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *all = plan_of(ONE(DENY_OUT, "")), *dns = plan_of(ONE(DENY_DNS, ""));
    struct vnl_flow_query query = query_of(all, "vm-1", "168.63.129.16", IPPROTO_UDP, 53);
    CLEANUP(vnl_str_free) char *steps_all = steps_of(all, &query);
    CLEANUP(vnl_str_free) char *steps_dns = steps_of(dns, &query);

    (void)state;
    assert_verdict(all, &query, "allowed");
    assert_verdict(dns, &query, "blocked: NsgOutbound at vm-1 by UserRule_dns of NSG web");
    assert_non_null(strstr(steps_all, "deliver at vm-1: the platform's virtual IP address\n"));
    assert_non_null(
        strstr(steps_all, "outbound, subnet at vm-1: platform traffic: not the affair of NSG web\n"));
    assert_non_null(
        strstr(steps_dns, "outbound, subnet at vm-1: NsgOutbound, UserRule_dns (100) of NSG web\n"));
    assert_flow(ONE(DENY_OUT, ""), "vm-1", "vm-2", IPPROTO_ICMP, 0,
                "blocked: NsgOutbound at vm-1 by UserRule_deny of NSG web");
    assert_flow(ONE(DENY_DNS, ""), "vm-1", "vm-2", IPPROTO_UDP, 53, "allowed");
}

#define FRONT                                                                                                \
    "front: {priority: 100, direction: Inbound, access: Deny, destinationApplicationSecurityGroups: "        \
    "[front]}"

static void asg_rule_is_for_members_only(void **state)
{
    (void)state;
    assert_flow(ONE(FRONT, ""), "vm-1", "vm-2", IPPROTO_TCP, 80, "allowed");
    assert_flow(ONE(FRONT, ", applicationSecurityGroups: [front]"), "vm-1", "vm-2", IPPROTO_TCP, 80,
                "blocked: NsgInbound at vm-2 by UserRule_front of NSG web");
    assert_flow(ONE(FRONT, ", applicationSecurityGroups: [front]"), "vm-2", "vm-1", IPPROTO_TCP, 80,
                "allowed");
}

#define PORTS                                                                                                \
    "ports: {priority: 100, direction: Inbound, access: Deny, destinationPortRanges: [80, 8000-8010]}"

static void rule_with_ports_is_for_what_has_ports(void **state)
{
    static const struct {
        uint8_t proto;
        uint16_t port;
        bool denied;
    } rows[] = { { IPPROTO_TCP, 80, true },    { IPPROTO_UDP, 80, true },   { IPPROTO_TCP, 81, false },
                 { IPPROTO_TCP, 7999, false }, { IPPROTO_TCP, 8000, true }, { IPPROTO_TCP, 8010, true },
                 { IPPROTO_TCP, 8011, false }, { IPPROTO_ICMP, 0, false },  { IPPROTO_ESP, 0, false },
                 { IPPROTO_AH, 0, false } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_flow(ONE(PORTS, ""), "vm-1", "vm-2", rows[i].proto, rows[i].port,
                    rows[i].denied ? "blocked: NsgInbound at vm-2 by UserRule_ports of NSG web" : "allowed");
}

/* --- peerings: spec 2.5 --------------------------------------------------------------------------- */

static void access_flag_with_groups_is_the_tag(void **state)
{
    static const char denied_out[] =
        "blocked: NsgOutbound at vm-1 by DefaultRule_DenyAllOutBound of NSG empty";
    static const char denied_in[] = "blocked: NsgInbound at vm-2 by DefaultRule_DenyAllInBound of NSG empty";

    (void)state;
    assert_flow(TWO("true", "true", EMPTY, ""), "vm-1", "vm-2", IPPROTO_TCP, 80, "allowed");
    assert_flow(TWO("false", "true", EMPTY, ""), "vm-1", "vm-2", IPPROTO_TCP, 80, denied_out);
    assert_flow(TWO("true", "false", EMPTY, ""), "vm-1", "vm-2", IPPROTO_TCP, 80, denied_in);
    assert_flow(TWO("false", "false", EMPTY, ""), "vm-1", "vm-2", IPPROTO_TCP, 80, denied_out);
    assert_flow(TWO("false", "true", EMPTY, "semantics: {peeringAccess: tag-only}\n"), "vm-1", "vm-2",
                IPPROTO_TCP, 80, denied_out);
}

static void access_flag_without_groups_closes_its_own_side(void **state)
{
    (void)state;
    assert_flow(TWO("false", "true", "", ""), "vm-1", "vm-2", IPPROTO_TCP, 80,
                "blocked: PeeringAccess at vm-1");
    assert_flow(TWO("true", "false", "", ""), "vm-1", "vm-2", IPPROTO_TCP, 80,
                "blocked: PeeringAccess at vm-2");
    assert_flow(TWO("false", "true", "", ""), "vm-2", "vm-1", IPPROTO_TCP, 80,
                "blocked: PeeringAccess at vm-1");
    assert_flow(TWO("false", "false", "", "semantics: {peeringAccess: tag-only}\n"), "vm-1", "vm-2",
                IPPROTO_TCP, 80, "allowed");
}

/* A rule that names addresses opens what the flag closes: the note in Microsoft's own text. */
static void explicit_rule_opens_a_closed_peering(void **state)
{
    static const char lab[] =
        "location: eastus\n"
        "vnets:\n"
        "  aa: {addressSpace: [10.0.0.0/16], subnets: {s: {addressPrefix: 10.0.0.0/24, networkSecurityGroup: "
        "open}},\n"
        "      peerings: {a-to-b: {remoteVirtualNetwork: bb, allowVirtualNetworkAccess: false}}}\n"
        "  bb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: {b-to-a: "
        "{remoteVirtualNetwork: aa}}}\n"
        "networkSecurityGroups:\n"
        "  open: {securityRules: {to-b: {priority: 100, direction: Outbound, access: Allow, "
        "destinationAddressPrefix: 10.1.0.0/16}}}\n"
        "virtualMachines: {vm-1: {subnet: aa/s}, vm-2: {subnet: bb/s}}\n";

    (void)state;
    assert_flow(lab, "vm-1", "vm-2", IPPROTO_TCP, 80, "allowed");
    assert_flow(lab, "vm-2", "vm-1", IPPROTO_TCP, 80,
                "blocked: NsgInbound at vm-1 by DefaultRule_DenyAllInBound of NSG open");
}

static void every_blocker_is_told(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(TWO("false", "false", EMPTY, ""));
    struct vnl_flow_query query = query_of(plan, "vm-1", "vm-2", IPPROTO_TCP, 80);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, &query);
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < verify->n_steps; i++)
        n += verify->steps[i].reason != VNL_DROP_NONE;
    assert_int_equal(n, 2);
    assert_int_equal(verify->blocker->reason, VNL_DROP_NSG_OUTBOUND);
    assert_null(verify->back);
}

/* Spec 2.4: the link of b does not know the new range of a, so requests arrive and replies do not. */
static void reply_is_lost_when_the_other_side_was_not_synced(void **state)
{
#define SPACE(space)                                                                                         \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  aa: {addressSpace: [" space "], subnets: {s: 10.0.0.0/24" NINE "},\n"                                 \
    "      peerings: {a-to-b: {remoteVirtualNetwork: bb}}}\n"                                                \
    "  bb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: {b-to-a: "                     \
    "{remoteVirtualNetwork: aa}}}\n"
#define NINE ""
    static const char old[] = SPACE("10.0.0.0/16") "virtualMachines: {vm-2: {subnet: bb/s}}\n";
#undef NINE
#define NINE ", t: 10.9.0.0/24"
    static const char new[] =
        SPACE("10.0.0.0/16, 10.9.0.0/16") "virtualMachines: {vm-2: {subnet: bb/s}, vm-9: {subnet: aa/t}}\n";
    CLEANUP(vnl_lab_free) struct vnl_lab *before = lab_of(old, NULL), *lab = lab_of(new, before);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    struct vnl_flow_query there = query_of(plan, "vm-9", "vm-2", IPPROTO_TCP, 80);
    struct vnl_flow_query here = query_of(plan, "vm-2", "vm-9", IPPROTO_TCP, 80);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, &there);

    (void)state;
    assert_verdict(plan, &there, "blocked: reply: NoRoute at vm-2");
    assert_verdict(plan, &here, "blocked: NoRoute at vm-2");
    assert_string_equal(verify->back->fix,
                        "peering 'bb/b-to-a' is LocalNotInSync and does not know this range of 'aa' yet: "
                        "vnetlab sync bb/b-to-a");
    there.proto = IPPROTO_UDP;
    assert_verdict(plan, &there, "allowed"); /* nobody waits for a reply */
}

static void foreign_source_needs_forwarding_and_the_flag(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(TWO("true", "true", "", ""));
    struct vnl_flow_query query = query_of(plan, "vm-1", "vm-2", IPPROTO_UDP, 53);

    (void)state;
    assert_int_equal(vnl_addr_parse("10.2.0.4", &query.src, NULL), 0);
    assert_verdict(plan, &query, "blocked: SpoofedSource at vm-1");
    plan->nics[query.nic].ip_forwarding = true;
    assert_verdict(plan, &query, "blocked: ForwardedTraffic at vm-2");
    assert_int_equal(vnl_addr_parse("10.0.7.7", &query.src, NULL), 0);
    assert_verdict(plan, &query, "allowed"); /* from a's own space it is not forwarded traffic */
}

static void what_nobody_can_send(void **state)
{
    static const struct {
        const char *to;
        uint8_t proto;
        uint16_t port;
        const char *verdict;
    } rows[] = {
        { "224.0.0.1", IPPROTO_UDP, 5353, "blocked: Multicast at vm-3" },
        { "255.255.255.255", IPPROTO_UDP, 67, "blocked: Broadcast at vm-3" },
        { "10.0.0.5", IPPROTO_GRE, 0, "blocked: Protocol at vm-3" },
        { "10.0.0.5", IPPROTO_UDP, 4791, "blocked: ReservedPort at vm-3" },
        { "10.0.0.99", IPPROTO_TCP, 80, "blocked: NoOwner at vm-3" },
        { "127.0.0.1", IPPROTO_TCP, 80, "blocked: NoRoute at vm-3" },
        { "8.8.8.8", IPPROTO_TCP, 80, "blocked: NoInternet at vm-3" },
        { "169.254.169.254", IPPROTO_TCP, 443, "blocked: PlatformAddress at vm-3" },
        { "169.254.169.254", IPPROTO_ICMP, 0, "blocked: PlatformAddress at vm-3" },
        { "168.63.129.16", IPPROTO_TCP, 80, "blocked: PlatformAddress at vm-3" },
        { "169.254.169.254", IPPROTO_TCP, 80, "allowed" },
        { "168.63.129.16", IPPROTO_UDP, 53, "allowed" },
        { "168.63.129.16", IPPROTO_TCP, 53, "allowed" },
        { "168.63.129.16", IPPROTO_TCP, 40000, "allowed" }, /* an answer to a health probe */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_flow(ONE("", ""), "vm-3", rows[i].to, rows[i].proto, rows[i].port, rows[i].verdict);
}

/* A rule that denies is there too; taking it away would help nothing. */
static void no_rule_is_blamed_for_a_group(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(ONE("deny: {priority: 100, direction: Outbound, access: Deny}", ""));
    struct vnl_flow_query query = query_of(plan, "vm-1", "vm-2", IPPROTO_ICMP, 0);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = NULL;

    (void)state;
    assert_int_equal(vnl_addr_parse("224.0.0.1", &query.dst, NULL), 0);
    verify = ask(plan, &query);
    assert_verdict(plan, &query, "blocked: Multicast at vm-1");
    for (size_t i = 0; i < verify->n_steps; i++) {
        assert_int_not_equal(verify->steps[i].reason, VNL_DROP_NSG_OUTBOUND);
        assert_null(verify->steps[i].fix);
    }
}

static void family_that_the_sender_lacks_is_refused(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ONE("", ""));
    struct vnl_flow_query query = query_of(plan, "vm-1", "fd00::4", IPPROTO_TCP, 80);
    struct vnl_verify *verify = NULL;

    (void)state;
    assert_int_equal(vnl_verify(plan, &query, &verify, &err), -EADDRNOTAVAIL);
    assert_string_equal(err->msg, "virtual machine 'vm-1' has no IPv6 address");
    assert_null(verify);
}

/* --- what to change ------------------------------------------------------------------------------- */

static void fixes_name_the_smallest_change(void **state)
{
    static const char apart[] =
        "location: eastus\n"
        "vnets:\n"
        "  aa: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}}\n"
        "  bb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}}\n"
        "  cc: {addressSpace: [10.2.0.0/16], subnets: {s: 10.2.0.0/24},\n"
        "      peerings: {c-to-a: {remoteVirtualNetwork: aa}}}\n"
        "virtualMachines: {vm-1: {subnet: aa/s}, vm-2: {subnet: bb/s}, vm-3: {subnet: cc/s}}\n";

    (void)state;
    assert_fix(ONE(NO_HTTP, ""), "vm-1", "vm-2", VNL_DROP_NSG_INBOUND,
               "add a rule to NSG web: Inbound, Allow, tcp:80 from 10.0.0.4, with a priority below 200");
    assert_fix(ONE("deny: {priority: 100, direction: Outbound, access: Deny}", ""), "vm-1", "vm-2",
               VNL_DROP_NSG_OUTBOUND,
               "vnetlab set nsgs.web.rules.deny.access Allow (no priority is left in front of it)");
    assert_fix(ONE("", ""), "vm-1", "172.31.0.100", VNL_DROP_NSG_OUTBOUND,
               "add a rule to NSG web: Outbound, Allow, tcp:80 to 172.31.0.100");
    assert_fix(TWO("false", "true", EMPTY, ""), "vm-1", "vm-2", VNL_DROP_NSG_OUTBOUND,
               "aa/a-to-b: allowVirtualNetworkAccess is false; "
               "vnetlab set vnets.aa.peerings.a-to-b.allowVirtualNetworkAccess true");
    assert_fix(TWO("true", "false", "", ""), "vm-1", "vm-2", VNL_DROP_PEERING_ACCESS,
               "bb/b-to-a: allowVirtualNetworkAccess is false; "
               "vnetlab set vnets.bb.peerings.b-to-a.allowVirtualNetworkAccess true");
    assert_fix(apart, "vm-1", "vm-2", VNL_DROP_NO_ROUTE,
               "virtual networks 'aa' and 'bb' are not peered: add a peering to both of them");
    assert_fix(apart, "vm-1", "vm-3", VNL_DROP_NO_ROUTE,
               "peering 'cc/c-to-a' is Initiated: add a peering to 'cc' in 'aa'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_groups_everything_passes),
        cmocka_unit_test(empty_group_passes_within_the_virtual_network),
        cmocka_unit_test(subnet_rule_filters_inside_the_subnet),
        cmocka_unit_test(both_groups_must_allow),
        cmocka_unit_test(lowest_priority_decides),
        cmocka_unit_test(replies_need_no_rule),
        cmocka_unit_test(private_space_outside_of_the_tag_is_denied),
        cmocka_unit_test(platform_traffic_is_for_platform_rules_only),
        cmocka_unit_test(asg_rule_is_for_members_only),
        cmocka_unit_test(rule_with_ports_is_for_what_has_ports),
        cmocka_unit_test(access_flag_with_groups_is_the_tag),
        cmocka_unit_test(access_flag_without_groups_closes_its_own_side),
        cmocka_unit_test(explicit_rule_opens_a_closed_peering),
        cmocka_unit_test(every_blocker_is_told),
        cmocka_unit_test(reply_is_lost_when_the_other_side_was_not_synced),
        cmocka_unit_test(foreign_source_needs_forwarding_and_the_flag),
        cmocka_unit_test(what_nobody_can_send),
        cmocka_unit_test(no_rule_is_blamed_for_a_group),
        cmocka_unit_test(family_that_the_sender_lacks_is_refused),
        cmocka_unit_test(fixes_name_the_smallest_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
