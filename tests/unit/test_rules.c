/* Effective security rules: what an NSG is in a VNet, what tags and ASGs stand for, and how Azure prints it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/plans.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

#define HEAD "name: t\nlocation: eastus\n"
#define VNET_A                                                                                               \
    "vnets:\n  va: {addressSpace: [10.0.0.0/16], subnets: {s: {addressPrefix: 10.0.0.0/24, "                 \
    "networkSecurityGroup: web}}"
#define VNET_B        "  vb: {addressSpace: [10.1.0.0/16, 20.0.0.0/24], subnets: {s: 10.1.0.0/24}"
#define LINK_A(flags) ", peerings: {a-b: {remoteVirtualNetwork: vb" flags "}}"
#define LINK_B(flags) ", peerings: {b-a: {remoteVirtualNetwork: va" flags "}}"
#define NO_ACCESS     ", allowVirtualNetworkAccess: false"
#define ALLOW_HTTP                                                                                           \
    "      allow-http: {priority: 200, direction: Inbound, access: Allow, protocol: Tcp, "                   \
    "destinationPortRange: 80}\n"
#define DENY_PING                                                                                            \
    "      deny-ping: {priority: 100, direction: Inbound, access: Deny, protocol: Icmp, "                    \
    "sourceAddressPrefix: 10.0.0.0/25}\n"
#define WEB(rules) "networkSecurityGroups:\n  web:\n    securityRules:\n" rules
#define EMPTY_WEB  "networkSecurityGroups:\n  web: {}\n"
#define VM_1       "virtualMachines:\n  vm-1: {subnet: va/s}\n"
#define ALONE      HEAD VNET_A "}\n" EMPTY_WEB VM_1

/* "10.0.0.0/16 168.63.129.16/32" */
static char *side_of(const struct vnl_plan_side *side)
{
    char *text = NULL, buf[VNL_PREFIX_STR];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; i < side->n_prefixes; i++)
        fprintf(out, "%s%s", i ? " " : "", vnl_prefix_format(&side->prefixes[i], buf));
    fclose(out);
    return text;
}

static const struct vnl_plan_rule *rule_of(const struct vnl_plan *plan, size_t set, const char *name)
{
    assert_true(set < plan->n_rules);
    for (size_t i = 0; i < plan->rules[set].n_inbound + plan->rules[set].n_outbound; i++)
        if (strcmp(plan->rules[set].rules[i].name, name) == 0)
            return &plan->rules[set].rules[i];
    fail_msg("no rule '%s'", name);
    return NULL;
}

static void assert_side(const struct vnl_plan_side *side, const char *expected)
{
    CLEANUP(vnl_str_free) char *text = side_of(side);

    assert_false(side->any);
    assert_string_equal(text, expected);
}

/* What "VirtualNetwork" is in the first set of the plan. */
static void assert_network(const char *yaml, const char *expected)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(yaml);
    const struct vnl_plan_rule *in = rule_of(plan, 0, "AllowVnetInBound"),
                               *out = rule_of(plan, 0, "AllowVnetOutBound");

    assert_side(&in->source, expected);
    assert_side(&in->destination, expected);
    assert_side(&out->source, expected);
    assert_side(&out->destination, expected);
}

/* --- the rules of an NSG ------------------------------------------------------------------------------------------ */

static void empty_nsg_has_the_six_defaults(void **state)
{
    static const struct {
        const char *name;
        int priority;
        bool allow;
        const char *source, *destination;
    } expected[] = {
        { "AllowVnetInBound", 65000, true, "VirtualNetwork", "VirtualNetwork" },
        { "AllowAzureLoadBalancerInBound", 65001, true, "AzureLoadBalancer", "0.0.0.0/0" },
        { "DenyAllInBound", 65500, false, "0.0.0.0/0", "0.0.0.0/0" },
        { "AllowVnetOutBound", 65000, true, "VirtualNetwork", "VirtualNetwork" },
        { "AllowInternetOutBound", 65001, true, "0.0.0.0/0", "Internet" },
        { "DenyAllOutBound", 65500, false, "0.0.0.0/0", "0.0.0.0/0" },
    };
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ALONE);

    (void)state;
    assert_int_equal(plan->n_rules, 1);
    assert_string_equal(plan->rules[0].nsg_name, "web");
    assert_int_equal(plan->rules[0].n_inbound, 3);
    assert_int_equal(plan->rules[0].n_outbound, 3);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        const struct vnl_plan_rule *rule = &plan->rules[0].rules[i];

        assert_string_equal(rule->name, expected[i].name);
        assert_int_equal(rule->priority, expected[i].priority);
        assert_int_equal(rule->allow, expected[i].allow);
        assert_int_equal(rule->inbound, i < 3);
        assert_true(rule->is_default);
        assert_int_equal(rule->proto, 0);
        assert_string_equal(rule->source.text, expected[i].source);
        assert_string_equal(rule->destination.text, expected[i].destination);
        assert_int_equal(rule->source.n_ports + rule->destination.n_ports, 0);
        assert_true(rule->counter < plan->rule_counters);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(rule->counter, plan->rules[0].rules[k].counter);
    }
}

static void rules_are_tried_by_priority(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(HEAD VNET_A "}\n" WEB(ALLOW_HTTP DENY_PING) VM_1);
    const struct vnl_plan_rule *rules = plan->rules[0].rules;

    (void)state;
    assert_int_equal(plan->rules[0].n_inbound, 5);
    assert_string_equal(rules[0].name, "deny-ping");
    assert_int_equal(rules[0].proto, 1);
    assert_false(rules[0].allow);
    assert_side(&rules[0].source, "10.0.0.0/25");
    assert_true(rules[0].destination.any);
    assert_string_equal(rules[1].name, "allow-http");
    assert_int_equal(rules[1].proto, 6);
    assert_int_equal(rules[1].destination.n_ports, 1);
    assert_int_equal(rules[1].destination.ports[0].first, 80);
    assert_int_equal(rules[1].destination.ports[0].last, 80);
    assert_false(rules[1].is_default);
    assert_string_equal(rules[2].name, "AllowVnetInBound");
}

static void nics_point_at_their_rules(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(
        HEAD VNET_A
        "}\n" VNET_B "}\n"
        "networkSecurityGroups:\n  web: {}\n  own: {}\n  unused: {}\n"
        "virtualMachines:\n  vm-1: {subnet: va/s}\n  vm-2: {subnet: va/s, networkSecurityGroup: own}\n"
        "  vm-3: {subnet: vb/s, networkSecurityGroup: own}\n  vm-4: {subnet: vb/s}\n");

    (void)state;
    assert_int_equal(plan->n_rules, 3); /* web in va, own in va, own in vb */
    assert_int_equal(plan->nics[0].rules_subnet, 0);
    assert_int_equal(plan->nics[0].rules_nic, VNL_PLAN_NO_RULES);
    assert_int_equal(plan->nics[1].rules_subnet, 0);
    assert_int_equal(plan->nics[1].rules_nic, 1);
    assert_int_equal(plan->nics[2].rules_subnet, VNL_PLAN_NO_RULES);
    assert_int_equal(plan->nics[2].rules_nic, 2);
    assert_int_equal(plan->nics[3].rules_subnet, VNL_PLAN_NO_RULES);
    assert_int_equal(plan->nics[3].rules_nic, VNL_PLAN_NO_RULES);
    assert_int_equal(plan->rules[1].vnet, 0);
    assert_int_equal(plan->rules[2].vnet, 1);
    assert_string_not_equal(plan->rules[1].key, plan->rules[2].key);
    assert_int_equal(plan->rules[1].rules[0].counter,
                     plan->rules[2].rules[0].counter); /* one rule, one counter */
    assert_int_not_equal(plan->rules[0].rules[0].counter, plan->rules[1].rules[0].counter);
}

/* --- tags --------------------------------------------------------------------------------------------------------- */

static void virtual_network_is_own_space_and_the_platform(void **state)
{
    (void)state;
    assert_network(ALONE, "10.0.0.0/16 168.63.129.16/32");
}

/* Spec 3.5: the order is that of Azure's sample. */
static void connected_peers_are_in_virtual_network(void **state)
{
    (void)state;
    assert_network(HEAD VNET_A LINK_A("") "}\n" VNET_B LINK_B("") "}\n" EMPTY_WEB VM_1,
                   "10.0.0.0/16 168.63.129.16/32 10.1.0.0/16 20.0.0.0/24");
}

static void half_made_peering_adds_nothing(void **state)
{
    (void)state;
    assert_network(HEAD VNET_A LINK_A("") "}\n" VNET_B "}\n" EMPTY_WEB VM_1, "10.0.0.0/16 168.63.129.16/32");
}

/* Spec 2.5: each side's flag is about its own tag. */
static void only_the_own_flag_takes_a_peer_out(void **state)
{
    (void)state;
    assert_network(HEAD VNET_A LINK_A(NO_ACCESS) "}\n" VNET_B LINK_B("") "}\n" EMPTY_WEB VM_1,
                   "10.0.0.0/16 168.63.129.16/32");
    assert_network(HEAD VNET_A LINK_A("") "}\n" VNET_B LINK_B(NO_ACCESS) "}\n" EMPTY_WEB VM_1,
                   "10.0.0.0/16 168.63.129.16/32 10.1.0.0/16 20.0.0.0/24");
}

/* Spec 2.4: the tag follows what is in force on the link, not what the peer has meanwhile. */
static void grown_peer_counts_when_the_link_is_synced(void **state)
{
    const char *grown = HEAD VNET_A LINK_A(
        "") "}\n"
            "  vb: {addressSpace: [10.1.0.0/16, 20.0.0.0/24, 10.2.0.0/16], subnets: {s: 10.1.0.0/24}" LINK_B(
                "") "}\n" EMPTY_WEB VM_1;
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before =
        lab_of(HEAD VNET_A LINK_A("") "}\n" VNET_B LINK_B("") "}\n" EMPTY_WEB VM_1, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *after = lab_of(grown, before);
    CLEANUP(vnl_plan_free) struct vnl_plan *stale = plan_of_lab(after);
    CLEANUP(vnl_plan_free) struct vnl_plan *synced = NULL;
    bool changed = false;

    (void)state;
    assert_side(&rule_of(stale, 0, "AllowVnetInBound")->source,
                "10.0.0.0/16 168.63.129.16/32 10.1.0.0/16 20.0.0.0/24");
    assert_int_equal(vnl_peering_sync(after, after->vnets[0]->peerings[0], &changed, NULL), 0);
    synced = plan_of_lab(after);
    assert_side(&rule_of(synced, 0, "AllowVnetInBound")->source,
                "10.0.0.0/16 168.63.129.16/32 10.1.0.0/16 20.0.0.0/24 10.2.0.0/16");
}

static void forwarded_traffic_flag_leaves_the_tag_alone(void **state)
{
    (void)state;
    assert_network(
        HEAD VNET_A LINK_A(", allowForwardedTraffic: true") "}\n" VNET_B LINK_B("") "}\n" EMPTY_WEB VM_1,
        "10.0.0.0/16 168.63.129.16/32 10.1.0.0/16 20.0.0.0/24");
}

static bool side_has(const struct vnl_plan_side *side, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < side->n_prefixes; i++)
        if (vnl_prefix_has(&side->prefixes[i], addr))
            return true;
    return false;
}

static bool text_has(const char *prefix, const struct vnl_addr *addr)
{
    struct vnl_prefix parsed;

    assert_int_equal(vnl_prefix_parse(prefix, &parsed, NULL), 0);
    return vnl_prefix_has(&parsed, addr);
}

/* The list of spec 3.5, read the long way. */
static bool is_public(const struct vnl_addr *addr, const struct vnl_plan_side *network)
{
    static const char *const outside[] = { "0.0.0.0/8",      "10.0.0.0/8",     "100.64.0.0/10",
                                           "127.0.0.0/8",    "169.254.0.0/16", "172.16.0.0/12",
                                           "192.168.0.0/16", "224.0.0.0/4",    "240.0.0.0/4" };

    for (size_t i = 0; i < ARRAY_SIZE(outside); i++)
        if (text_has(outside[i], addr))
            return false;
    return !side_has(network, addr) && (addr->family == AF_INET || text_has("2000::/3", addr));
}

static void assert_internet(const struct vnl_plan *plan, const struct vnl_addr *addr)
{
    const struct vnl_plan_side *internet = &rule_of(plan, 0, "AllowInternetOutBound")->destination;
    const struct vnl_plan_side *network = &rule_of(plan, 0, "AllowVnetOutBound")->source;
    char buf[VNL_ADDR_STR];

    if (side_has(internet, addr) != is_public(addr, network))
        fail_msg("%s: Internet says %d", vnl_addr_format(addr, buf), side_has(internet, addr));
}

/* Disjoint, in order, and right at both ends of each prefix and anywhere else. */
static void assert_internet_is_the_rest(const struct vnl_plan *plan, bool with_v6)
{
    const struct vnl_plan_side *internet = &rule_of(plan, 0, "AllowInternetOutBound")->destination;

    for (size_t i = 0; i < internet->n_prefixes; i++) {
        struct vnl_addr first = vnl_prefix_first(&internet->prefixes[i]),
                        last = vnl_prefix_last(&internet->prefixes[i]);
        struct vnl_addr before = vnl_addr_add(&first, UINT64_MAX), after = vnl_addr_add(&last, 1);

        assert_true(i == 0 || vnl_prefix_cmp(&internet->prefixes[i - 1], &internet->prefixes[i]) < 0);
        assert_true(i == 0 || !vnl_prefix_overlap(&internet->prefixes[i - 1], &internet->prefixes[i]));
        assert_internet(plan, &first);
        assert_internet(plan, &last);
        assert_internet(plan, &after);
        assert_internet(plan, &before);
    }
    srand(1);
    for (int i = 0; i < 20000; i++) {
        struct vnl_addr addr = { .family = with_v6 && i % 2 ? AF_INET6 : AF_INET };

        for (unsigned k = 0; k < vnl_addr_bits(addr.family) / 8; k++)
            addr.bytes[k] = (uint8_t)rand();
        assert_internet(plan, &addr);
    }
}

/* Spec 3.5: what Azure's own list begins with. */
static void internet_begins_as_azure_prints_it(void **state)
{
    static const char *const expected[] = { "1.0.0.0/8", "2.0.0.0/7",  "4.0.0.0/6",
                                            "8.0.0.0/7", "11.0.0.0/8", "12.0.0.0/6" };
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(ALONE);
    const struct vnl_plan_side *side = &rule_of(plan, 0, "AllowInternetOutBound")->destination;
    char buf[VNL_PREFIX_STR];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        assert_string_equal(vnl_prefix_format(&side->prefixes[i], buf), expected[i]);
    for (size_t i = 0; i < side->n_prefixes; i++)
        assert_int_equal(side->prefixes[i].addr.family, AF_INET); /* the VNet has no IPv6 */
    assert_internet_is_the_rest(plan, false);
}

static void public_space_of_the_network_is_not_internet(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(HEAD VNET_A LINK_A("") "}\n" VNET_B LINK_B("") "}\n" EMPTY_WEB VM_1);
    struct vnl_addr inside, beside;

    (void)state;
    assert_int_equal(vnl_addr_parse("20.0.0.77", &inside, NULL), 0);
    assert_int_equal(vnl_addr_parse("20.0.1.0", &beside, NULL), 0);
    assert_false(side_has(&rule_of(plan, 0, "AllowInternetOutBound")->destination, &inside));
    assert_true(side_has(&rule_of(plan, 0, "AllowInternetOutBound")->destination, &beside));
    assert_internet_is_the_rest(plan, false);
}

static void internet_of_ipv6_is_global_unicast_without_the_network(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(HEAD "vnets:\n  va: {addressSpace: [10.0.0.0/16, '2001:db8:1::/48'], "
                                         "subnets: {s: {addressPrefixes: [10.0.0.0/24, "
                                         "'2001:db8:1::/64'], networkSecurityGroup: web}}}\n" EMPTY_WEB VM_1);
    const struct vnl_plan_side *side = &rule_of(plan, 0, "AllowInternetOutBound")->destination;
    struct vnl_addr addr;

    (void)state;
    assert_int_equal(vnl_addr_parse("2001:db8:1::5", &addr, NULL), 0);
    assert_false(side_has(side, &addr));
    assert_int_equal(vnl_addr_parse("2001:db8:2::5", &addr, NULL), 0);
    assert_true(side_has(side, &addr));
    assert_int_equal(vnl_addr_parse("fd00::5", &addr, NULL), 0);
    assert_false(side_has(side, &addr));
    assert_internet_is_the_rest(plan, true);
}

#define TAG_RULE(name, priority, tag)                                                                        \
    "      " name ": {priority: " priority                                                                   \
    ", direction: Outbound, access: Deny, destinationAddressPrefix: " tag "}\n"

static void platform_tags_are_the_platform_addresses(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(HEAD VNET_A "}\n" WEB(
        TAG_RULE("dns", "100", "AzurePlatformDNS") TAG_RULE("imds", "101", "AzurePlatformIMDS")
            TAG_RULE("lkm", "102", "AzurePlatformLKM") TAG_RULE("lb", "103", "AzureLoadBalancer")) VM_1);

    (void)state;
    assert_side(&rule_of(plan, 0, "dns")->destination, "168.63.129.16/32");
    assert_side(&rule_of(plan, 0, "imds")->destination, "169.254.169.254/32");
    assert_side(&rule_of(plan, 0, "lkm")->destination, "20.118.99.224/32 23.102.135.246/32 40.83.235.53/32");
    assert_side(&rule_of(plan, 0, "lb")->destination, "168.63.129.16/32");
    assert_true(rule_of(plan, 0, "dns")->destination.platform);
    assert_true(rule_of(plan, 0, "imds")->destination.platform);
    assert_true(rule_of(plan, 0, "lkm")->destination.platform);
    assert_false(rule_of(plan, 0, "lb")->destination.platform);
    assert_true(rule_of(plan, 0, "lb")->destination.expanded);
}

/* --- ASGs --------------------------------------------------------------------------------------------------------- */

static void asg_is_its_members_addresses(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(HEAD VNET_A "}\n" VNET_B "}\n" WEB(
        "      r: {priority: 100, direction: Inbound, access: Allow, sourceApplicationSecurityGroups: [app, "
        "web], "
        "destinationApplicationSecurityGroups: [db]}\n") "applicationSecurityGroups: {app: {}, web: {}, db: "
                                                         "{}}\n"
                                                         "virtualMachines:\n  vm-1: {subnet: va/s, "
                                                         "applicationSecurityGroups: [app, web]}\n"
                                                         "  vm-2: {subnet: va/s, applicationSecurityGroups: "
                                                         "[web]}\n  vm-3: {subnet: va/s}\n"
                                                         "  vm-4: {subnet: vb/s, networkSecurityGroup: "
                                                         "web}\n");
    const struct vnl_plan_rule *rule = rule_of(plan, 0, "r");

    (void)state;
    assert_side(&rule->source, "10.0.0.4/32 10.0.0.5/32"); /* vm-1 once, though it is in both */
    assert_string_equal(rule->source.text, "app,web");
    assert_true(rule->source.expanded);
    assert_side(&rule->destination, "");             /* nobody is a member: the rule matches nothing */
    assert_side(&rule_of(plan, 1, "r")->source, ""); /* in vb: ASGs do not reach over */
}

/* --- printed ------------------------------------------------------------------------------------------------------ */

static char *rules_text(const struct vnl_plan *plan, size_t nic)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    vnl_rules_print(out, plan, nic);
    fclose(out);
    return text;
}

static void effective_rules_are_a_table_and_what_tags_mean(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(HEAD VNET_A "}\n" WEB(ALLOW_HTTP) VM_1);
    CLEANUP(vnl_str_free) char *text = rules_text(plan, 0);
    const char *expected =
        "NSG  Association  Name                                                Priority  Direction  Access  "
        "Protocol  Source   "
        "          Source Ports  Destination     Destination Ports\n"
        "---  -----------  --------------------------------------------------  --------  ---------  ------  "
        "--------  "
        "-----------------  ------------  --------------  -----------------\n"
        "web  va/s         securityRules/allow-http                            200       Inbound    Allow   "
        "Tcp       0.0.0.0/0"
        "          0-65535       0.0.0.0/0       80-80\n"
        "web  va/s         defaultSecurityRules/AllowVnetInBound               65000     Inbound    Allow   "
        "All       "
        "VirtualNetwork     0-65535       VirtualNetwork  0-65535\n"
        "web  va/s         defaultSecurityRules/AllowAzureLoadBalancerInBound  65001     Inbound    Allow   "
        "All       "
        "AzureLoadBalancer  0-65535       0.0.0.0/0       0-65535\n"
        "web  va/s         defaultSecurityRules/DenyAllInBound                 65500     Inbound    Deny    "
        "All       0.0.0.0/0"
        "          0-65535       0.0.0.0/0       0-65535\n"
        "web  va/s         defaultSecurityRules/AllowVnetOutBound              65000     Outbound   Allow   "
        "All       "
        "VirtualNetwork     0-65535       VirtualNetwork  0-65535\n"
        "web  va/s         defaultSecurityRules/AllowInternetOutBound          65001     Outbound   Allow   "
        "All       0.0.0.0/0"
        "          0-65535       Internet        0-65535\n"
        "web  va/s         defaultSecurityRules/DenyAllOutBound                65500     Outbound   Deny    "
        "All       0.0.0.0/0"
        "          0-65535       0.0.0.0/0       0-65535\n"
        "\n"
        "VirtualNetwork: 10.0.0.0/16 168.63.129.16/32\n"
        "AzureLoadBalancer: 168.63.129.16/32\n"
        "Internet: 1.0.0.0/8 2.0.0.0/7 4.0.0.0/6 8.0.0.0/7 11.0.0.0/8 12.0.0.0/6 16.0.0.0/4 32.0.0.0/3";

    (void)state;
    assert_true(strlen(text) > strlen(expected));
    text[strlen(expected)] = '\0'; /* the list goes on */
    assert_string_equal(text, expected);
}

static void nic_without_an_nsg_has_no_rules(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(HEAD VNET_A "}\n" VNET_B "}\n" EMPTY_WEB "virtualMachines:\n  vm-1: {subnet: vb/s}\n");
    CLEANUP(vnl_str_free) char *text = rules_text(plan, 0), *json = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *value = vnl_rules_to_json(plan, 0);

    (void)state;
    assert_string_equal(
        text, "NSG  Association  Name  Priority  Direction  Access  Protocol  Source  Source Ports  "
              "Destination  Destination Ports\n"
              "---  -----------  ----  --------  ---------  ------  --------  ------  ------------  "
              "-----------  -----------------\n");
    assert_int_equal(vnl_json_format(value, 0, &json, NULL), 0);
    assert_string_equal(json, "{\"value\": []}");
}

static void json_has_the_shape_of_list_effective_nsg(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(HEAD VNET_A "}\n" WEB(
        "      r: {priority: 100, direction: Inbound, access: Deny, protocol: Udp, sourceAddressPrefix: "
        "VirtualNetwork, "
        "destinationAddressPrefixes: [10.0.0.4, 10.0.0.8/29], destinationPortRanges: [53, 80-90]}\n") VM_1);
    CLEANUP(vnl_json_free) struct vnl_json *value = vnl_rules_to_json(plan, 0);
    struct vnl_json *group = vnl_json_at(vnl_json_get(value, "value"), 0);
    struct vnl_json *rules = vnl_json_get(group, "effectiveSecurityRules");
    CLEANUP(vnl_str_free) char *head = NULL, *rule = NULL;

    (void)state;
    assert_int_equal(vnl_json_len(vnl_json_get(value, "value")), 1);
    assert_int_equal(vnl_json_len(rules), 7);
    assert_string_equal(vnl_json_get_text(vnl_json_get(group, "networkSecurityGroup"), "id"),
                        plan->rules[0].nsg);
    assert_string_equal(vnl_json_get_text(vnl_json_get(vnl_json_get(group, "association"), "subnet"), "id"),
                        plan->nics[0].subnet_id);
    assert_int_equal(vnl_json_format(vnl_json_at(rules, 0), 0, &rule, NULL), 0);
    assert_string_equal(
        rule,
        "{\"name\": \"securityRules/r\", \"protocol\": \"Udp\", \"sourcePortRange\": \"0-65535\", "
        "\"sourcePortRanges\": [\"0-65535\"], \"destinationPortRange\": null, "
        "\"destinationPortRanges\": [\"53-53\", \"80-90\"], \"sourceAddressPrefix\": \"VirtualNetwork\", "
        "\"sourceAddressPrefixes\": [\"VirtualNetwork\"], \"destinationAddressPrefix\": null, "
        "\"destinationAddressPrefixes\": [\"10.0.0.4/32\", \"10.0.0.8/29\"], "
        "\"expandedSourceAddressPrefix\": [\"10.0.0.0/16\", \"168.63.129.16/32\"], "
        "\"expandedDestinationAddressPrefix\": null, \"access\": \"Deny\", \"priority\": 100, "
        "\"direction\": \"Inbound\"}");
}

static void nic_rules_stand_behind_the_subnets(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(HEAD VNET_A "}\n"
                            "networkSecurityGroups:\n  web: {}\n  own: {}\n"
                            "virtualMachines:\n  vm-1: {subnet: va/s, networkSecurityGroup: own}\n");
    CLEANUP(vnl_json_free) struct vnl_json *value = vnl_rules_to_json(plan, 0);
    struct vnl_json *second = vnl_json_at(vnl_json_get(value, "value"), 1);
    CLEANUP(vnl_str_free) char *text = rules_text(plan, 0);

    (void)state;
    assert_string_equal(
        vnl_json_get_text(vnl_json_get(vnl_json_get(second, "association"), "networkInterface"), "id"),
        plan->nics[0].id);
    assert_non_null(strstr(text, "\nweb  va/s         defaultSecurityRules/DenyAllOutBound "));
    assert_non_null(strstr(text, "\nown  vm-1-nic     defaultSecurityRules/AllowVnetInBound "));
}

/* --- the same model, the same plan -------------------------------------------------------------------------------- */

static void counters_stay_when_other_rules_come_and_go(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = lab_of(HEAD VNET_A "}\n" WEB(ALLOW_HTTP) VM_1, NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *after = lab_of(HEAD VNET_A "}\n" WEB(DENY_PING ALLOW_HTTP) VM_1, before);
    CLEANUP(vnl_plan_free) struct vnl_plan *old = plan_of_lab(before), *new = plan_of_lab(after);

    (void)state;
    assert_int_equal(rule_of(old, 0, "allow-http")->counter, rule_of(new, 0, "allow-http")->counter);
    assert_int_equal(rule_of(old, 0, "DenyAllInBound")->counter, rule_of(new, 0, "DenyAllInBound")->counter);
    assert_int_equal(old->rules[0].slot, new->rules[0].slot);
    assert_int_equal(new->rule_counters, old->rule_counters + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_nsg_has_the_six_defaults),
        cmocka_unit_test(rules_are_tried_by_priority),
        cmocka_unit_test(nics_point_at_their_rules),
        cmocka_unit_test(virtual_network_is_own_space_and_the_platform),
        cmocka_unit_test(connected_peers_are_in_virtual_network),
        cmocka_unit_test(half_made_peering_adds_nothing),
        cmocka_unit_test(only_the_own_flag_takes_a_peer_out),
        cmocka_unit_test(grown_peer_counts_when_the_link_is_synced),
        cmocka_unit_test(forwarded_traffic_flag_leaves_the_tag_alone),
        cmocka_unit_test(internet_begins_as_azure_prints_it),
        cmocka_unit_test(public_space_of_the_network_is_not_internet),
        cmocka_unit_test(internet_of_ipv6_is_global_unicast_without_the_network),
        cmocka_unit_test(platform_tags_are_the_platform_addresses),
        cmocka_unit_test(asg_is_its_members_addresses),
        cmocka_unit_test(effective_rules_are_a_table_and_what_tags_mean),
        cmocka_unit_test(nic_without_an_nsg_has_no_rules),
        cmocka_unit_test(json_has_the_shape_of_list_effective_nsg),
        cmocka_unit_test(nic_rules_stand_behind_the_subnets),
        cmocka_unit_test(counters_stay_when_other_rules_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
