/* The lab file's security groups: what is refused while reading, with place, words and nearest spelling. What the
 * model refuses is in test_nsg.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

static void assert_mistakes(const char *text, const char *expected)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free) char *printed = NULL;
    struct vnl_lab *lab = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);

    assert_non_null(out);
    assert_int_equal(vnl_lab_load_text("f.yaml", text, strlen(text), &lab, &err), -EINVAL);
    assert_null(lab);
    vnl_err_print(out, err);
    (void)fclose(out);
    assert_string_equal(printed, expected);
}

#define WEB              "networkSecurityGroups:\n  web:\n    securityRules:\n"
#define IN_GROUP         "networkSecurityGroups/web: "
#define IN_RULE          "networkSecurityGroups/web/securityRules/a: "
#define A                "      a: {priority: 100, direction: Inbound, access: Allow"
#define ADDRESS_SENTENCE "Security rule has invalid Address prefix. Value provided: "
#define PORT_SENTENCE    "Security rule has invalid Port range. Value provided: "
#define PORT_END         ". Value should be an integer OR integer range with '-' delimiter. Valid range 0-65535\n"

static const struct {
    const char *text, *expected;
} refusals[] = {
    /* sections */
    { "networkSecurityGroup: {}\n",
      "vnetlab: f.yaml:1:1: InvalidRequestContent: unknown key 'networkSecurityGroup' in the lab file\n"
      "  hint: did you mean 'networkSecurityGroups'?\n" },
    { "nsgs: {}\n", "vnetlab: f.yaml:1:1: InvalidRequestContent: 'nsgs' has a longer name here\n"
                    "  hint: use 'networkSecurityGroups'\n" },
    { "networkSecurityGroups: [web]\n",
      "vnetlab: f.yaml:1:24: InvalidRequestContent: 'networkSecurityGroups' must be a map, not a list\n" },
    { "applicationSecurityGroups: [web]\n", "vnetlab: f.yaml:1:28: InvalidRequestContent: "
                                            "'applicationSecurityGroups' must be a map, not a list\n" },
    { "networkSecurityGroups:\n  web: {rules: {}}\n",
      "vnetlab: f.yaml:2:9: InvalidRequestContent: " IN_GROUP
      "'rules' has a longer name here\n  hint: use 'securityRules'\n" },
    { "networkSecurityGroups:\n  web: {defaultSecurityRules: []}\n",
      "vnetlab: f.yaml:2:9: InvalidRequestContent: " IN_GROUP
      "'defaultSecurityRules' is set by Azure and cannot be written\n" },
    { "networkSecurityGroups:\n  web: {subnets: [a/b]}\n",
      "vnetlab: f.yaml:2:9: InvalidRequestContent: " IN_GROUP
      "'subnets' is written at the subnet\n  hint: use 'networkSecurityGroup'\n" },
    { "applicationSecurityGroups:\n  web: {members: [vm-1]}\n",
      "vnetlab: f.yaml:2:9: InvalidRequestContent: applicationSecurityGroups/web: unknown key 'members' in "
      "an application security group\n" },
    { "networkSecurityGroups:\n  web: {securityRules: [{name: a}]}\n",
      "vnetlab: f.yaml:2:24: InvalidRequestContent: " IN_GROUP
      "'securityRules' must be a map, not a list\n" },
    /* rules: what must be there */
    { WEB "      a: {}\n", "vnetlab: f.yaml:4:7: 'a' has no 'priority'\n  hint: write 'priority: 100'\n"
                           "vnetlab: f.yaml:4:7: 'a' has no 'direction'\n  hint: write 'direction: Inbound'\n"
                           "vnetlab: f.yaml:4:7: 'a' has no 'access'\n  hint: write 'access: Allow'\n" },
    { WEB "      a: {priorty: 100, direction: Inbound, access: Allow}\n",
      "vnetlab: f.yaml:4:11: InvalidRequestContent: " IN_RULE
      "unknown key 'priorty' in a security rule\n  hint: did you mean 'priority'?\n" },
    { WEB A ", provisioningState: Succeeded}\n",
      "vnetlab: f.yaml:4:61: InvalidRequestContent: " IN_RULE
      "'provisioningState' is set by Azure and cannot be written\n" },
    { WEB A ", source: 10.0.0.0/8}\n",
      "vnetlab: f.yaml:4:61: InvalidRequestContent: " IN_RULE
      "'source' has a longer name here\n  hint: use 'sourceAddressPrefix'\n" },
    /* words */
    { WEB "      a: {priority: high, direction: In, access: Permit, protocol: Any}\n",
      "vnetlab: f.yaml:4:21: InvalidRequestContent: " IN_RULE
      "'priority' must be a number from 100 to 4096, not 'high'\n"
      "vnetlab: f.yaml:4:38: InvalidRequestContent: " IN_RULE
      "'direction' must be Inbound or Outbound, not 'In'\n"
      "vnetlab: f.yaml:4:50: InvalidRequestContent: " IN_RULE "'access' must be Allow or Deny, not 'Permit'\n"
      "vnetlab: f.yaml:4:68: InvalidRequestContent: " IN_RULE
      "'protocol' must be Tcp, Udp, Icmp, Esp, Ah or *, not 'Any'\n" },
    { WEB "      a: {priority: 1e3, direction: Inbound, access: Allow}\n",
      "vnetlab: f.yaml:4:21: InvalidRequestContent: " IN_RULE
      "'priority' must be a number from 100 to 4096, not '1e3'\n" },
    /* addresses */
    { WEB A ", sourceAddressPrefix: Internt}\n",
      "vnetlab: f.yaml:4:82: SecurityRuleInvalidAddressPrefix: " IN_RULE ADDRESS_SENTENCE
      "Internt\n  hint: did you mean 'Internet'?\n" },
    { WEB A ", sourceAddressPrefix: Any}\n",
      "vnetlab: f.yaml:4:82: SecurityRuleInvalidAddressPrefix: " IN_RULE ADDRESS_SENTENCE
      "Any\n  hint: did you mean '*'?\n" },
    { WEB A ", sourceAddressPrefix: Storage}\n",
      "vnetlab: f.yaml:4:82: SecurityRuleInvalidAddressPrefix: " IN_RULE ADDRESS_SENTENCE
      "Storage\n  hint: an address, a prefix, '*' or a service tag such as VirtualNetwork or Internet\n" },
    { WEB A ", sourceAddressPrefix: 10.0.0.1/24}\n",
      "vnetlab: f.yaml:4:82: SecurityRuleInvalidAddressPrefix: " IN_RULE ADDRESS_SENTENCE
      "10.0.0.1/24\n  hint: use 10.0.0.0/24\n" },
    { WEB A ", sourceAddressPrefix: 10.0.0.256}\n",
      "vnetlab: f.yaml:4:82: SecurityRuleInvalidAddressPrefix: " IN_RULE ADDRESS_SENTENCE
      "10.0.0.256\n  hint: '10.0.0.256' is not an address prefix such as 10.0.0.0/16\n" },
    { WEB A ", sourceAddressPrefix: [10.0.0.0/24]}\n",
      "vnetlab: f.yaml:4:82: InvalidRequestContent: " IN_RULE
      "'sourceAddressPrefix' must be an address, a prefix, a service tag or '*', not a list\n"
      "  hint: use 'sourceAddressPrefixes'\n" },
    { WEB A ", sourceAddressPrefix: {a: b}}\n",
      "vnetlab: f.yaml:4:82: InvalidRequestContent: " IN_RULE
      "'sourceAddressPrefix' must be an address, a prefix, a service tag or '*', not a map\n" },
    { WEB A ", destinationAddressPrefix: '*', destinationAddressPrefixes: [10.0.0.0/8]}\n",
      "vnetlab: f.yaml:4:92: InvalidRequestContent: " IN_RULE
      "'destinationAddressPrefix' and 'destinationAddressPrefixes' exclude each other\n"
      "  hint: use 'destinationAddressPrefixes'\n" },
    /* ports */
    { WEB A ", destinationPortRange: 65536}\n",
      "vnetlab: f.yaml:4:83: SecurityRuleInvalidPortRange: " IN_RULE PORT_SENTENCE "65536" PORT_END },
    { WEB A ", destinationPortRange: '80,443'}\n",
      "vnetlab: f.yaml:4:83: SecurityRuleInvalidPortRange: " IN_RULE PORT_SENTENCE "80,443" PORT_END
      "  hint: write a list, such as [80, 443]\n" },
    { WEB A ", destinationPortRange: any}\n",
      "vnetlab: f.yaml:4:83: SecurityRuleInvalidPortRange: " IN_RULE PORT_SENTENCE "any" PORT_END
      "  hint: did you mean '*'?\n" },
    { WEB A ", sourcePortRange: [80, 443]}\n",
      "vnetlab: f.yaml:4:78: InvalidRequestContent: " IN_RULE
      "'sourcePortRange' must be a port, a range of ports or '*', not a list\n"
      "  hint: use 'sourcePortRanges'\n" },
    { WEB A ", sourcePortRange: 80, sourcePortRanges: [443]}\n",
      "vnetlab: f.yaml:4:82: InvalidRequestContent: " IN_RULE
      "'sourcePortRange' and 'sourcePortRanges' exclude each other\n"
      "  hint: use 'sourcePortRanges'\n" },
    /* references */
    { "vnets: {v1: {addressSpace: 10.0.0.0/16, subnets: {a: {addressPrefix: 10.0.0.0/24, "
      "networkSecurityGroup: [web]}}}}\n",
      "vnetlab: f.yaml:1:105: InvalidRequestContent: virtualNetworks/v1/subnets/a: 'networkSecurityGroup' "
      "must be a network security group, not a list\n" },
};

static void refusals_say_where_what_and_the_nearest_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        assert_mistakes(refusals[i].text, refusals[i].expected);
}

/* A half read rule is blamed for nothing else, and no other one on its account; the others are still checked. */
static void follow_ups_are_not_said(void **state)
{
    (void)state;
    assert_mistakes(
        WEB "      a: {direction: Inbound, access: Allow}\n      b: {direction: Inbound, access: "
            "Allow}\n  own: {securityRules: {c: {priority: 1, direction: Inbound, access: Deny}}}\n",
        "vnetlab: f.yaml:4:7: 'a' has no 'priority'\n  hint: write 'priority: 100'\n"
        "vnetlab: f.yaml:5:7: 'b' has no 'priority'\n  hint: write 'priority: 100'\n"
        "vnetlab: f.yaml:6:39: SecurityRuleInvalidPriority: networkSecurityGroups/own/securityRules/c: "
        "Security rule has invalid Priority. Value provided: 1. Allowed range 100-4096\n");
    assert_mistakes(WEB "      a: {priority: 100, direction: In, access: Allow}\n"
                        "      b: {priority: 100, direction: Inbound, access: Allow}\n"
                        "      c: {priority: 100, direction: Inbound, access: Allow}\n",
                    "vnetlab: f.yaml:4:37: InvalidRequestContent: " IN_RULE
                    "'direction' must be Inbound or Outbound, not 'In'\n"
                    "vnetlab: f.yaml:6:21: SecurityRuleConflict: "
                    "networkSecurityGroups/web/securityRules/c: Security rule c "
                    "conflicts with rule b. Rules cannot have the same Priority and "
                    "Direction. To learn more, see "
                    "aka.ms/nsgrules\n");
    assert_mistakes(
        "networkSecurityGroup: {web: {}}\nvnets: {v1: {addressSpace: 10.0.0.0/16, subnets: {a: "
        "{addressPrefix: 10.0.0.0/24, networkSecurityGroup: web}}}}\n",
        "vnetlab: f.yaml:1:1: InvalidRequestContent: unknown key 'networkSecurityGroup' in the lab file\n"
        "  hint: did you mean 'networkSecurityGroups'?\n");
}

/* An exported template has the singular and the plural member of everything, one of them empty. */
static void both_members_of_an_exported_template_are_accepted(void **state)
{
    static const char text[] =
        WEB A ", sourceAddressPrefix: 10.0.0.4, sourceAddressPrefixes: [], "
              "destinationAddressPrefixes: [10.0.1.0/24, 10.0.2.0/24], sourcePortRange: '*', "
              "sourcePortRanges: [], destinationPortRanges: ['22'], description: text,\n"
              "          sourceApplicationSecurityGroups: []}\n";
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    const struct vnl_rule *rule;

    (void)state;
    assert_int_equal(vnl_lab_load_text("f.yaml", text, strlen(text), &lab, NULL), 0);
    rule = lab->nsgs[0]->rules[0];
    assert_int_equal(rule->source.prefixes.n, 1);
    assert_false(rule->source.plural);
    assert_int_equal(rule->destination.prefixes.n, 2);
    assert_true(rule->source.any_port);
    assert_int_equal(rule->destination.ports.items[0].first, 22);
    assert_string_equal(rule->description, "text");
    assert_int_equal(rule->src.line, 4);
    assert_int_equal(rule->priority_src.col, 21);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_say_where_what_and_the_nearest_spelling),
        cmocka_unit_test(follow_ups_are_not_said),
        cmocka_unit_test(both_members_of_an_exported_template_are_accepted),
    };

    return cmocka_run_group_tests_name("security groups in the lab file", tests, NULL, NULL);
}
