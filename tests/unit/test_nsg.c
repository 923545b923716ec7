/* Security rules, network and application security groups: every rule of spec 3.1, 3.6, 3.7 and 1.9, with code,
 * place, sentence and hint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/mistakes.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

/* Lines 1 and 2 are the group's; the rules' are from 3 on. */
#define WEB          "networkSecurityGroups:\n web: {securityRules: {\n"
#define END          "}}\n"
#define IN(priority) "priority: " #priority ", direction: Inbound, access: Allow"
#define BIG                                                                                                  \
    "vnets: {va: {addressSpace: 10.0.0.0/16, subnets: {s: 10.0.0.0/24, t: 10.0.1.0/24}},\n vb: "             \
    "{addressSpace: 10.1.0.0/16, subnets: {s: 10.1.0.0/24}}}\n"

#define PORT_SENTENCE ". Value should be an integer OR integer range with '-' delimiter. Valid range 0-65535"
#define WORD_SENTENCE                                                                                        \
    " cannot specify existing VIRTUALNETWORK, INTERNET, AZURELOADBALANCER, '*' or system tags. Unsupported " \
    "value used: "
#define WORD_HINT " | write one service tag per side, alone; a rule for each\n"

/* --- one rule ---------------------------------------------------------------------------------------- */

static void rules_are_refused_in_arms_words(void **state)
{
    static const struct {
        const char *rules, *expected;
    } cases[] = {
        { "a: {" IN(99) "}", "SecurityRuleInvalidPriority 3:15 Security rule has invalid Priority. Value "
                             "provided: 99. Allowed range "
                             "100-4096\n" },
        { "a: {" IN(4097) "}", "SecurityRuleInvalidPriority 3:15 Security rule has invalid Priority. Value "
                               "provided: 4097. Allowed "
                               "range 100-4096\n" },
        { "a: {" IN(-1) "}", "SecurityRuleInvalidPriority 3:15 Security rule has invalid Priority. Value "
                             "provided: -1. Allowed range "
                             "100-4096\n" },
        { "a: {" IN(200) "},\nb: {" IN(200) "}", "SecurityRuleConflict 4:15 Security rule b conflicts with "
                                                 "rule a. Rules cannot have the same Priority "
                                                 "and Direction. To learn more, see aka.ms/nsgrules\n" },
        { "a: {" IN(200) "},\nb: {" IN(200) "},\nc: {" IN(200) "}",
          "SecurityRuleConflict 4:15 Security rule b conflicts with rule a. Rules cannot have the same "
          "Priority "
          "and Direction. To learn more, see aka.ms/nsgrules\n"
          "SecurityRuleConflict 5:15 Security rule c conflicts with rule a. Rules cannot have the same "
          "Priority "
          "and Direction. To learn more, see aka.ms/nsgrules\n" },
        { "denyallinbound: {" IN(200) "}",
          "SecurityRuleConflict 3:1 Security rule denyallinbound conflicts with default rule DenyAllInBound "
          "| "
          "give it another name: a default rule is overridden by any rule before it\n" },
        { "_a: {" IN(200) "}", "InvalidResourceName 3:1 Resource name '_a' is invalid for a security rule | "
                               "1 to 80 letters, digits, "
                               "'_', '.', '-'; starts with a letter or digit, ends with one or '_'\n" },
        { "a: {" IN(200) "}, A: {" IN(300) "}", "InvalidTemplate 3:56 The security rule 'A' is defined "
                                                "multiple times | names of security rules are "
                                                "compared without case\n" },
        { "a: {" IN(200) ", destinationPortRange: 8010-8000}",
          "SecurityRuleInvalidPortRange 3:77 Security rule has invalid Port range. Value provided: "
          "8010-8000" PORT_SENTENCE "\n" },
        { "a: {" IN(200) ", sourcePortRanges: [1, '*']}",
          "SecurityRuleInvalidPortRange 3:73 Security rule has invalid Port range. Value provided: "
          "*" PORT_SENTENCE "\n" },
        { "a: {" IN(200) ", sourceAddressPrefixes: [Internet, VirtualNetwork]}",
          "SecurityRuleParameterContainsUnsupportedValue 3:78 Security rule parameter sourceAddressPrefixes "
          "for "
          "rule 'a'" WORD_SENTENCE "Internet" WORD_HINT },
        { "a: {" IN(200) ", sourceAddressPrefixes: [Internet, 10.0.0.0/8]}",
          "SecurityRuleParameterContainsUnsupportedValue 3:78 Security rule parameter sourceAddressPrefixes "
          "for "
          "rule 'a'" WORD_SENTENCE "Internet" WORD_HINT },
        { "a: {" IN(200) ", destinationAddressPrefixes: ['*', 10.0.0.0/8]}",
          "SecurityRuleParameterContainsUnsupportedValue 3:83 Security rule parameter "
          "destinationAddressPrefixes for rule 'a'" WORD_SENTENCE "*" WORD_HINT },
        { "a: {" IN(200) ", sourceAddressPrefixes: [10.0.0.0/8, 'fd00::/8']}",
          "BadRequest 3:78 Security rule 'a' mixes IPv4 and IPv6 prefixes; all prefixes of a rule are of one "
          "family | write a rule for each family\n" },
        { "a: {" IN(200) ", sourceAddressPrefix: 10.0.0.0/8, destinationAddressPrefix: 'fd00::/8'}",
          "BadRequest 3:114 Security rule 'a' mixes IPv4 and IPv6 prefixes; all prefixes of a rule are of "
          "one "
          "family | write a rule for each family\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_str_free) char *text = NULL;

        assert_true(asprintf(&text, WEB "%s" END, cases[i].rules) > 0);
        assert_refused_lab(text, NULL, cases[i].expected);
    }
}

static void rules_are_accepted_as_azure_does(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        WEB "a: {" IN(
            200) "}, b: {priority: 200, direction: outbound, access: DENY, protocol: tcp},\n"
                 "low: {" IN(100) ", sourceAddressPrefix: internet}, high: {" IN(
                     4096) ", destinationAddressPrefix: "
                           "10.0.0.4},\nc_: {" IN(
                               300) ", sourceAddressPrefixes: [VirtualNetwork], destinationPortRanges: [80, "
                                    "8000-8010]},\nd: {" IN(
                                        400) ", sourceAddressPrefix: 0.0.0.0/0, destinationPortRange: "
                                             "0-65535,\n"
                                             " destinationAddressPrefixes: [10.0.0.0/8]}" END,
        NULL);
    const struct vnl_nsg *web = vnl_nsg_lookup(lab, "WEB");
    const struct vnl_rule *a = vnl_rule_lookup(web, "A"), *b = vnl_rule_lookup(web, "b");
    const struct vnl_rule *c = vnl_rule_lookup(web, "c_"), *d = vnl_rule_lookup(web, "d");

    (void)state;
    assert_int_equal(web->n_rules, 6);
    assert_true(a->source.any && a->destination.any && a->source.any_port && a->destination.any_port);
    assert_int_equal(a->proto, VNL_RULE_ANY);
    assert_string_equal(a->id,
                        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-f/providers/"
                        "Microsoft.Network/networkSecurityGroups/web/securityRules/a");
    assert_int_equal(b->direction, VNL_OUTBOUND);
    assert_int_equal(b->access, VNL_DENY);
    assert_int_equal(b->proto, VNL_RULE_TCP);
    assert_int_equal(vnl_rule_lookup(web, "low")->source.tag, VNL_TAG_INTERNET);
    assert_false(vnl_rule_lookup(web, "low")->source.any);
    assert_int_equal(vnl_rule_lookup(web, "high")->destination.prefixes.items[0].len, 32);
    assert_int_equal(c->source.tag, VNL_TAG_VIRTUAL_NETWORK);
    assert_int_equal(c->destination.ports.n, 2);
    assert_int_equal(c->destination.ports.items[1].last, 8010);
    assert_int_equal(d->source.prefixes.n, 1);
    assert_false(d->source.any);
    assert_true(d->destination.plural && !d->source.plural);
}

static void default_rules_are_azures_six(void **state)
{
    static const char *const expected =
        "Inbound 65000 AllowVnetInBound Allow VirtualNetwork VirtualNetwork\n"
        "Inbound 65001 AllowAzureLoadBalancerInBound Allow AzureLoadBalancer *\n"
        "Inbound 65500 DenyAllInBound Deny * *\n"
        "Outbound 65000 AllowVnetOutBound Allow VirtualNetwork VirtualNetwork\n"
        "Outbound 65001 AllowInternetOutBound Allow * Internet\n"
        "Outbound 65500 DenyAllOutBound Deny * *\n";
    CLEANUP(vnl_str_free) char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);

    (void)state;
    assert_non_null(out);
    for (size_t i = 0; i < VNL_DEFAULT_RULES; i++) {
        const struct vnl_rule *rule = &vnl_default_rules[i];

        (void)fprintf(out, "%s %d %s %s %s %s\n", vnl_direction_str(rule->direction), rule->priority,
                      rule->name, vnl_access_str(rule->access),
                      rule->source.any ? "*" : vnl_tag_str(rule->source.tag),
                      rule->destination.any ? "*" : vnl_tag_str(rule->destination.tag));
        assert_int_equal(rule->proto, VNL_RULE_ANY);
        assert_true(rule->source.any_port && rule->destination.any_port);
    }
    (void)fclose(out);
    assert_string_equal(printed, expected);
}

static void words_are_parsed_without_case_and_nothing_else_is(void **state)
{
    enum vnl_direction direction = VNL_DIRECTION_MAX;
    enum vnl_access access = VNL_RULE_ACCESS_MAX;
    enum vnl_rule_proto proto = VNL_RULE_PROTO_MAX;
    enum vnl_tag tag = VNL_TAG_MAX;

    (void)state;
    assert_int_equal(vnl_direction_parse("in", &direction), -EINVAL);
    assert_int_equal(vnl_access_parse("", &access), -EINVAL);
    assert_int_equal(vnl_rule_proto_parse("Any", &proto), -EINVAL);
    assert_int_equal(vnl_tag_parse("", &tag), -EINVAL);
    assert_int_equal(direction, VNL_DIRECTION_MAX);
    assert_int_equal(tag, VNL_TAG_MAX);
    for (int i = VNL_TAG_NONE + 1; i < VNL_TAG_MAX; i++) {
        assert_int_equal(vnl_tag_parse(vnl_tag_str((enum vnl_tag)i), &tag), 0);
        assert_int_equal(tag, i);
    }
    for (int i = 0; i < VNL_RULE_PROTO_MAX; i++) {
        assert_int_equal(vnl_rule_proto_parse(vnl_rule_proto_str((enum vnl_rule_proto)i), &proto), 0);
        assert_int_equal(proto, i);
    }
    assert_int_equal(vnl_direction_parse("OUTBOUND", &direction), 0);
    assert_int_equal(vnl_access_parse("deny", &access), 0);
    assert_int_equal(direction, VNL_OUTBOUND);
    assert_int_equal(access, VNL_DENY);
}

static void ports_are_numbers_and_ranges_of_them(void **state)
{
    static const char *const bad[] = { "",   "-",  "-1", "1-",   "65536", "1-65536", "080",
                                       "1 ", " 1", "+1", "1--2", "1-2-3", "0x50",    "99999999999999999999",
                                       "*" };
    static const char *const good[] = { "0", "80", "65535", "0-65535", "8000-8010", "8010-8000" };
    struct vnl_ports ports = { 7, 7 };
    char buf[VNL_PORTS_STR];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(vnl_ports_parse(bad[i], &ports), -EINVAL);
    assert_int_equal(ports.first, 7);
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_int_equal(vnl_ports_parse(good[i], &ports), 0);
        assert_string_equal(vnl_ports_format(ports, buf), good[i]);
    }
}

/* --- application security groups --------------------------------------------------------------------- */

#define ASGS "applicationSecurityGroups: {web: {}, db: {}, far: {location: westus}}\n"

static void groups_are_refused(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { BIG ASGS "virtualMachines: {vm-1: {subnet: va/s, applicationSecurityGroups: wbe}}\n",
          "InvalidResourceReference 4:67 Application security group 'wbe' referenced by network interface "
          "'vm-1-nic' was not found | did you mean 'web'?\n" },
        { BIG ASGS "virtualMachines: {vm-1: {subnet: va/s, applicationSecurityGroups: [{id: /x/web}]}}\n",
          "InvalidRequestFormat 4:67 Reference Id /x/web is not formatted correctly | the form is "
          "/subscriptions/*/resourceGroups/*/providers/Microsoft.Network/applicationSecurityGroups/*\n" },
        { BIG ASGS "virtualMachines: {vm-1: {subnet: va/s, applicationSecurityGroups: far}}\n",
          "InvalidResourceReference 4:67 Application security group 'far' referenced by network interface "
          "'vm-1-nic' was not found in eastus: it is in westus, and both must be in the same region | write "
          "'location: eastus' for it, or use another one there\n" },
        { BIG ASGS "virtualMachines:\n vm-1: {subnet: va/s, applicationSecurityGroups: [web]}\n"
                   " vm-2: {subnet: vb/s, applicationSecurityGroups: [db, web]}\n",
          "BadRequest 6:50 Network interface 'vm-2-nic' is in virtual network 'vb' and cannot be in "
          "application "
          "security group 'web': its first member is in 'va' | use one application security group per "
          "VNet\n" },
        { BIG ASGS "virtualMachines:\n vm-1: {subnet: va/s, applicationSecurityGroups: [web]}\n"
                   " vm-2: {subnet: vb/s, applicationSecurityGroups: [db]}\n" WEB
                   "a: {" IN(100) ", sourceApplicationSecurityGroups: [web],\n "
                                  "destinationApplicationSecurityGroups: [db]}" END,
          "BadRequest 10:40 Security rule 'a' has application security groups of two virtual networks: 'web' "
          "is "
          "in 'va', 'db' is in 'vb'\n" },
        { ASGS WEB "a: {" IN(100) ", sourceApplicationSecurityGroups: [web, dbb]}" END,
          "InvalidResourceReference 4:88 Application security group 'dbb' referenced by security rule 'a' "
          "was "
          "not found | did you mean 'db'?\n" },
        { ASGS WEB "a: {" IN(100) ", sourceApplicationSecurityGroups: [far]}" END,
          "InvalidResourceReference 4:88 Application security group 'far' referenced by security rule 'a' "
          "was "
          "not found in eastus: it is in westus, and both must be in the same region | write 'location: "
          "eastus' "
          "for it, or use another one there\n" },
        { ASGS WEB
          "a: {" IN(100) ", sourceApplicationSecurityGroups: [web], sourceAddressPrefix: Internet}" END,
          "BadRequest 4:88 Security rule 'a' has both address prefixes and application security groups as "
          "its "
          "source | leave one of the two out\n" },
        { ASGS WEB
          "a: {" IN(100) ", destinationApplicationSecurityGroups: [web], destinationAddressPrefix: '*'}" END,
          "BadRequest 4:93 Security rule 'a' has both address prefixes and application security groups as "
          "its "
          "destination | leave one of the two out\n" },
        { "applicationSecurityGroups: {a: {}, A: {}, _b: {}}\n",
          "InvalidTemplate 1:36 The application security group 'A' is defined multiple times | names of "
          "application security groups are compared without case\n"
          "InvalidResourceName 1:43 Resource name '_b' is invalid for an application security group | 1 to "
          "80 "
          "letters, digits, '_', '.', '-'; starts with a letter or digit, ends with one or '_'\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_refused_lab(cases[i].text, NULL, cases[i].expected);
}

static void groups_know_their_members_and_rules_their_groups(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        BIG ASGS "virtualMachines:\n vm-1: {subnet: va/s, applicationSecurityGroups: [web, db, WEB]}\n"
                 " vm-2: {subnet: va/t, applicationSecurityGroups: {id: /subscriptions/"
                 "00000000-0000-0000-0000-000000000000/resourceGroups/rg-f/providers/Microsoft.Network/"
                 "applicationSecurityGroups/web}}\n vm-3: {subnet: vb/s}\n" WEB
                 "a: {" IN(100) ", sourceApplicationSecurityGroups: [web], destinationAddressPrefix: "
                                "10.0.0.0/8},\nb: {" IN(
                                    200) ", destinationApplicationSecurityGroups: [web, {id: db}]}" END,
        NULL);
    const struct vnl_asg *web = vnl_asg_lookup(lab, "web"), *db = vnl_asg_lookup(lab, "db");
    const struct vnl_nsg *nsg = vnl_nsg_lookup(lab, "web");

    (void)state;
    assert_int_equal(web->n_nics, 2);
    assert_string_equal(web->nics[1]->name, "vm-2-nic");
    assert_string_equal(web->vnet->name, "va");
    assert_int_equal(db->n_nics, 1);
    assert_null(vnl_asg_lookup(lab, "far")->vnet);
    assert_int_equal(lab->vms[0]->nics[0]->n_asgs, 2);
    assert_int_equal(nsg->rules[0]->source.n_asgs, 1);
    assert_false(nsg->rules[0]->source.any);
    assert_int_equal(nsg->rules[1]->destination.n_asgs, 2);
    assert_ptr_equal(nsg->rules[1]->destination.asgs[1], db);
    assert_true(nsg->rules[1]->source.any);
}

/* --- attached ---------------------------------------------------------------------------------------- */

#define BASTION(rules)                                                                                       \
    "vnets: {va: {addressSpace: 10.0.0.0/16, subnets: {AzureBastionSubnet: {addressPrefix: 10.0.0.0/26, "    \
    "networkSecurityGroup: web}}}}\n" WEB rules END
#define BASTION_SENTENCE                                                                                     \
    "NetworkSecurityGroupNotCompliantForAzureBastionSubnet 1:122 Network security group web does not have "  \
    "necessary rules for Azure Bastion Subnet AzureBastionSubnet. Learn more at https://aka.ms/bastionnsg "  \
    "| it does not allow "
#define BASTION_IN                                                                                           \
    "a: {" IN(100) ", protocol: Tcp, sourceAddressPrefix: GatewayManager, destinationPortRange: 443},\n"
#define BASTION_WEB                                                                                          \
    "b: {" IN(110) ", protocol: Tcp, sourceAddressPrefix: Internet, destinationPortRange: 443},\n"
#define OUT(priority) "priority: " #priority ", direction: Outbound, access: Allow"
#define BASTION_SSH                                                                                          \
    "c: {" OUT(100) ", destinationAddressPrefix: VirtualNetwork, destinationPortRanges: [22, 3389]},\n"
#define BASTION_CLOUD "d: {" OUT(110) ", destinationAddressPrefix: AzureCloud, destinationPortRange: 443}"

#define SPECIAL(name)                                                                                        \
    "vnets: {va: {addressSpace: 10.0.0.0/16, subnets: {" name                                                \
    ": {addressPrefix: 10.0.0.0/26, networkSecurityGroup: web}}}}\nnetworkSecurityGroups: {web: {}}\n"

static void attachments_are_refused(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "vnets: {va: {addressSpace: 10.0.0.0/16, subnets: {s: {addressPrefix: 10.0.0.0/24, "
          "networkSecurityGroup: wbe}}}}\nnetworkSecurityGroups: {web: {}}\n",
          "InvalidResourceReference 1:105 Network security group 'wbe' referenced by subnet 's' was not "
          "found | "
          "did you mean 'web'?\n" },
        { BIG
          "networkSecurityGroups: {web: {}}\nvirtualMachines: {vm-1: {subnet: va/s, networkSecurityGroup: "
          "zzz}}\n",
          "InvalidResourceReference 4:62 Network security group 'zzz' referenced by network interface "
          "'vm-1-nic' "
          "was not found\n" },
        { BIG "virtualMachines: {vm-1: {subnet: va/s, networkSecurityGroup: /subscriptions/x}}\n",
          "InvalidRequestFormat 3:62 Reference Id /subscriptions/x is not formatted correctly | the form is "
          "/subscriptions/*/resourceGroups/*/providers/Microsoft.Network/networkSecurityGroups/*\n" },
        { BIG "networkSecurityGroups: {web: {location: West US}}\nvirtualMachines: {vm-1: {subnet: va/s, "
              "networkSecurityGroup: web}}\n",
          "InvalidResourceReference 4:62 Network security group 'web' referenced by network interface "
          "'vm-1-nic' "
          "was not found in eastus: it is in westus, and both must be in the same region | write 'location: "
          "eastus' for it, or use another one there\n" },
        { "vnets: {va: {addressSpace: 10.0.0.0/16, subnets: {s: {addressPrefix: 10.0.0.0/24, "
          "networkSecurityGroup: web}}}}\nnetworkSecurityGroups: {web: {subscription: "
          "00000000-0000-0000-0000-000000000001}}\n",
          "InvalidResourceReference 1:105 Network security group 'web' referenced by subnet 's' was not "
          "found in "
          "subscription 00000000-0000-0000-0000-000000000000: it is in 00000000-0000-0000-0000-000000000001, "
          "and "
          "both must be in the same subscription\n" },
        { SPECIAL("gatewaysubnet"),
          "NetworkSecurityGroupCannotBeAttachedToGatewaySubnet 1:117 Network security group web cannot be "
          "associated with the gateway subnet 'va/gatewaysubnet'. To learn more, see "
          "aka.ms/GatewaySubnet\n" },
        { SPECIAL("AzureFirewallSubnet"),
          "BadRequest 1:123 Network security group web cannot be associated with subnet "
          "'va/AzureFirewallSubnet': the subnet of the Azure Firewall resource has none\n" },
        { SPECIAL("AzureFirewallManagementSubnet"),
          "BadRequest 1:133 Network security group web cannot be associated with subnet "
          "'va/AzureFirewallManagementSubnet': the subnet of the Azure Firewall resource has none\n" },
        { SPECIAL("RouteServerSubnet"), "BadRequest 1:121 Network security group web cannot be associated "
                                        "with subnet 'va/RouteServerSubnet': "
                                        "the subnet of the Azure Route Server resource has none\n" },
        { BASTION(""), BASTION_SENTENCE "inbound TCP 443 from GatewayManager\n" },
        { BASTION(BASTION_IN BASTION_SSH BASTION_CLOUD), BASTION_SENTENCE "inbound TCP 443 from Internet\n" },
        { BASTION(BASTION_IN BASTION_WEB BASTION_CLOUD),
          BASTION_SENTENCE "outbound TCP 22 to VirtualNetwork\n" },
        { BASTION(BASTION_IN BASTION_WEB BASTION_SSH), BASTION_SENTENCE "outbound TCP 443 to AzureCloud\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_refused_lab(cases[i].text, NULL, cases[i].expected);
}

static void bastion_may_have_the_mandatory_rules(void **state)
{
    static const char *const cases[] = {
        BASTION(BASTION_IN BASTION_WEB BASTION_SSH BASTION_CLOUD),
        BASTION("all: {" IN(100) "}, out: {" OUT(100) "}"),
        BASTION(BASTION_IN "b: {" IN(110) ", sourceAddressPrefix: 203.0.113.0/24, destinationPortRange: "
                                          "400-500},\n" BASTION_SSH BASTION_CLOUD),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(cases[i], NULL);

        assert_ptr_equal(lab->vnets[0]->subnets[0]->nsg, lab->nsgs[0]);
    }
}

#define ATTACHED(nsgs)                                                                                       \
    "vnets: {va: {addressSpace: 10.0.0.0/16, subnets: {s: {addressPrefix: 10.0.0.0/24, "                     \
    "networkSecurityGroup: one}}},\n vb: {addressSpace: 10.1.0.0/16, subnets: {s: 10.1.0.0/24}}}\n"          \
    "virtualMachines: {vm-1: {subnet: va/s, networkSecurityGroup: two}, vm-2: {subnet: vb/s, "               \
    "networkSecurityGroup: {id: one}}}\nnetworkSecurityGroups:\n" nsgs

static void groups_know_where_they_act(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(ATTACHED(" idle: {}\n one: {}\n two: {}\n"), NULL);
    const struct vnl_nsg *one = vnl_nsg_lookup(lab, "one"), *two = vnl_nsg_lookup(lab, "two");

    (void)state;
    assert_ptr_equal(lab->vnets[0]->subnets[0]->nsg, one);
    assert_null(lab->vnets[1]->subnets[0]->nsg);
    assert_ptr_equal(lab->vms[0]->nics[0]->nsg, two);
    assert_int_equal(one->n_uses, 2);
    assert_ptr_equal(one->uses[0].vnet, lab->vnets[0]);
    assert_ptr_equal(one->uses[1].vnet, lab->vnets[1]);
    assert_int_equal(one->n_subnets, 1);
    assert_int_equal(one->n_nics, 1);
    assert_int_equal(two->n_uses, 1);
    assert_int_equal(vnl_nsg_lookup(lab, "idle")->n_uses, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_refused_in_arms_words),
        cmocka_unit_test(rules_are_accepted_as_azure_does),
        cmocka_unit_test(default_rules_are_azures_six),
        cmocka_unit_test(words_are_parsed_without_case_and_nothing_else_is),
        cmocka_unit_test(ports_are_numbers_and_ranges_of_them),
        cmocka_unit_test(groups_are_refused),
        cmocka_unit_test(groups_know_their_members_and_rules_their_groups),
        cmocka_unit_test(attachments_are_refused),
        cmocka_unit_test(bastion_may_have_the_mandatory_rules),
        cmocka_unit_test(groups_know_where_they_act),
    };

    return cmocka_run_group_tests_name("network security groups", tests, NULL, NULL);
}
