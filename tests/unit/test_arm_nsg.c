/* Security groups as ARM's JSON: shapes, and what is no such document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/documents.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

#define NSG RG "Microsoft.Network/networkSecurityGroups/"
#define ASG RG "Microsoft.Network/applicationSecurityGroups/"

/* The member `key` of a resource, as text; the resource is freed. */
static char *member_of(struct vnl_json *json, const char *key)
{
    char *text = document_format(vnl_json_get(json, key));

    vnl_json_free(&json);
    return text;
}

static void assert_properties(const struct vnl_rule *rule, const char *expected)
{
    CLEANUP(vnl_str_free) char *text = member_of(vnl_rule_to_json(rule), "properties");

    assert_string_equal(text, expected);
}

/* arm-api.md section 7: both members are there, the unused plural one is []. */
static void rules_show_the_singular_and_the_plural_member(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_guarded);
    const struct vnl_nsg *web = vnl_nsg_lookup(lab, "web");

    (void)state;
    assert_properties(
        vnl_rule_lookup(web, "http"),
        "{\"provisioningState\": \"Succeeded\", \"description\": \"for \\\\ everyone\", "
        "\"protocol\": \"Tcp\", \"sourcePortRange\": \"*\", \"sourceAddressPrefix\": \"Internet\", "
        "\"destinationAddressPrefix\": \"*\", \"access\": \"Allow\", \"priority\": 100, "
        "\"direction\": \"Inbound\", \"sourcePortRanges\": [], \"sourceAddressPrefixes\": [], "
        "\"destinationPortRanges\": [\"80\", \"443\", \"8000-8010\"], "
        "\"destinationAddressPrefixes\": []}");
    assert_properties(vnl_rule_lookup(web, "groups"),
                      "{\"provisioningState\": \"Succeeded\", \"protocol\": \"*\", "
                      "\"sourcePortRange\": \"1024-65535\", \"destinationPortRange\": \"*\", "
                      "\"access\": \"Allow\", \"priority\": 110, \"direction\": \"Inbound\", "
                      "\"sourcePortRanges\": [], \"sourceAddressPrefixes\": [], "
                      "\"sourceApplicationSecurityGroups\": [{\"id\": \"" ASG "front\"}, {\"id\": \"" ASG
                      "back\"}], "
                      "\"destinationPortRanges\": [], \"destinationAddressPrefixes\": [], "
                      "\"destinationApplicationSecurityGroups\": [{\"id\": \"" ASG "back\"}]}");
    assert_properties(
        vnl_rule_lookup(web, "many"),
        "{\"provisioningState\": \"Succeeded\", \"protocol\": \"Icmp\", \"sourcePortRange\": \"*\", "
        "\"destinationPortRange\": \"*\", \"access\": \"Deny\", \"priority\": 120, "
        "\"direction\": \"Inbound\", \"sourcePortRanges\": [], "
        "\"sourceAddressPrefixes\": [\"192.0.2.1/32\", \"198.51.100.0/24\"], "
        "\"destinationPortRanges\": [], \"destinationAddressPrefixes\": [\"10.0.0.0/8\"]}");
}

static void groups_show_the_six_defaults_and_where_they_are_attached(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_guarded);
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_nsg_to_json(vnl_nsg_lookup(lab, "web"));
    const struct vnl_json *properties = vnl_json_get(json, "properties");
    const struct vnl_json *defaults = vnl_json_get(properties, "defaultSecurityRules");
    CLEANUP(vnl_str_free) char *first = document_format(vnl_json_at(defaults, 0));
    CLEANUP(vnl_str_free) char *nics = document_format(vnl_json_get(properties, "networkInterfaces"));
    CLEANUP(vnl_str_free) char *subnets = document_format(vnl_json_get(properties, "subnets"));

    (void)state;
    assert_string_equal(vnl_json_get_text(json, "type"), "Microsoft.Network/networkSecurityGroups");
    assert_int_equal(vnl_json_len(vnl_json_get(properties, "securityRules")), 5);
    assert_int_equal(vnl_json_len(defaults), 6);
    assert_string_equal(
        first,
        "{\"id\": \"" NSG "web/defaultSecurityRules/AllowVnetInBound\", \"name\": \"AllowVnetInBound\", "
        "\"type\": \"Microsoft.Network/networkSecurityGroups/defaultSecurityRules\", \"properties\": {"
        "\"provisioningState\": \"Succeeded\", \"description\": \"Allow inbound traffic from all VMs in "
        "VNET\", "
        "\"protocol\": \"*\", \"sourcePortRange\": \"*\", \"sourceAddressPrefix\": \"VirtualNetwork\", "
        "\"destinationPortRange\": \"*\", \"destinationAddressPrefix\": \"VirtualNetwork\", "
        "\"access\": \"Allow\", \"priority\": 65000, \"direction\": \"Inbound\", \"sourcePortRanges\": [], "
        "\"sourceAddressPrefixes\": [], \"destinationPortRanges\": [], \"destinationAddressPrefixes\": []}}");
    assert_string_equal(nics, "[{\"id\": \"" RG "Microsoft.Network/networkInterfaces/vm-3-nic\"}]");
    assert_string_equal(subnets,
                        "[{\"id\": \"" RG "Microsoft.Network/virtualNetworks/aa/subnets/s\"}, {\"id\": \"" RG
                        "Microsoft.Network/virtualNetworks/bb/subnets/s\"}]");
}

static void subnets_and_nics_refer_to_their_groups(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_guarded);
    CLEANUP(vnl_str_free)
    char *subnet = member_of(vnl_subnet_to_json(lab->vnets[0]->subnets[0]), "properties");
    CLEANUP(vnl_json_free) struct vnl_json *nic = vnl_nic_to_json(lab->vms[0]->nics[0]);
    const struct vnl_json *properties = vnl_json_get(nic, "properties");
    const struct vnl_json *configs = vnl_json_get(properties, "ipConfigurations");
    CLEANUP(vnl_str_free) char *asg = member_of(vnl_asg_to_json(lab->asgs[0]), "properties");

    (void)state;
    assert_string_equal(subnet,
                        "{\"provisioningState\": \"Succeeded\", \"addressPrefixes\": [\"10.0.0.0/24\", "
                        "\"fd00:1::/64\"], \"networkSecurityGroup\": {\"id\": \"" NSG "web\"}}");
    assert_string_equal(vnl_json_get_text(vnl_json_get(properties, "networkSecurityGroup"), "id"),
                        NSG "vm-nsg");
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(vnl_str_free)
        char *groups = document_format(
            vnl_json_get(vnl_json_get(vnl_json_at(configs, i), "properties"), "applicationSecurityGroups"));

        assert_string_equal(groups, "[{\"id\": \"" ASG "front\"}, {\"id\": \"" ASG "back\"}]");
    }
    assert_string_equal(asg, "{\"provisioningState\": \"Succeeded\"}");
}

static void restored_groups_are_complete(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, document_guarded);
    CLEANUP(vnl_str_free) char *text = document_of(lab);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;
    const struct vnl_nsg *was, *is;

    (void)state;
    assert_int_equal(document_read(text, &again, NULL), 0);
    was = vnl_nsg_lookup(lab, "web");
    is = vnl_nsg_lookup(again, "web");
    assert_int_equal(is->n_uses, 2);
    assert_ptr_equal(is->uses[1].vnet, again->vnets[1]);
    assert_int_equal(is->uses[1].slot, was->uses[1].slot);
    assert_memory_equal(is->default_slots, was->default_slots, sizeof(was->default_slots));
    assert_int_equal(vnl_asg_lookup(again, "front")->n_nics, 2);
    assert_ptr_equal(vnl_asg_lookup(again, "front")->vnet, again->vnets[0]);
    for (size_t i = 0; i < was->n_rules; i++) {
        assert_int_equal(is->rules[i]->slot, was->rules[i]->slot);
        assert_int_equal(is->rules[i]->priority_src.col, was->rules[i]->priority_src.col);
        assert_int_equal(is->rules[i]->destination.ports_src.col, was->rules[i]->destination.ports_src.col);
        assert_int_equal(is->rules[i]->source.n_asgs, was->rules[i]->source.n_asgs);
    }
}

/* --- damage ------------------------------------------------------------------------------------------ */

#define WEB "resource '" NSG "web': "

static const struct document_damage damages[] = {
    { "\"securityRules\": [", "\"securityRulez\": [", WEB "'securityRules' is missing" },
    { "\"priority\": 100", "\"priority\": 99", WEB "rule 0: 'priority' is 99, and not between 100 and 4096" },
    { "\"direction\": \"Inbound\"", "\"direction\": \"In\"",
      WEB "rule 0: 'direction' is 'In', which is none of its values" },
    { "\"access\": \"Allow\"", "\"access\": 1", WEB "rule 0: 'access' is not text" },
    { "\"protocol\": \"Tcp\"", "\"protocol\": \"Sctp\"",
      WEB "rule 0: 'protocol' is 'Sctp', which is none of its values" },
    { "\"sourceAddressPrefix\": \"Internet\", ", "",
      WEB "rule 0: 'sourceAddressPrefix' is not one of '*', a tag, prefixes and groups" },
    { "\"sourceAddressPrefix\": \"Internet\"", "\"sourceAddressPrefix\": \"10.0.0.1/8\"",
      WEB "rule 0: prefix '10.0.0.1/8' has host bits set" },
    { "\"sourcePortRange\": \"*\", ", "", WEB "rule 0: 'sourcePortRange' is not one of '*' and ports" },
    { "\"8000-8010\"", "\"8010-8000\"", WEB "rule 0: 'destinationPortRange' begins behind its end" },
    { "\"8000-8010\"", "\"http\"", WEB "rule 0: 'destinationPortRange' is 'http', which is no port" },
    { "applicationSecurityGroups/front\"}, {", "applicationSecurityGroups/frond\"}, {",
      WEB "rule 2: 'sourceApplicationSecurityGroups': application security group '" ASG
          "frond' is not in the lab" },
    { "applicationSecurityGroups/front\"}, {", "applicationSecurityGroups/back\"}, {",
      WEB "rule 2: 'sourceApplicationSecurityGroups' names '" ASG "back' twice" },
    { "\"AllowVnetInBound\": 0, ", "", WEB "'defaultSlots': 'AllowVnetInBound' is missing" },
    { "\"AllowVnetInBound\": 0", "\"AllowVnetInBound\": 1",
      "resources '" NSG "web' and '" NSG "web' have the same slot, 1" },
    { "\"uses\": [{\"virtualNetwork\"", "\"uses\": [{\"vnet\"", WEB "use 0: 'virtualNetwork' is missing" },
    { "\"uses\": [{\"virtualNetwork\": \"" RG "Microsoft.Network/virtualNetworks/aa\", \"slot\": 0}, ",
      "\"uses\": [", "resource '" NSG "web' acts in, and has no slot for, virtual network 'aa'" },
    { "\"networkSecurityGroup\": {\"id\": \"" NSG "web\"}",
      "\"networkSecurityGroup\": {\"id\": \"" NSG "wbe\"}",
      "resource '" RG "Microsoft.Network/virtualNetworks/aa': subnet 0: network security group '" NSG
      "wbe' is not in the lab" },
    { "\"networkSecurityGroupRef\": \"web\", ", "",
      "resource '" RG
      "Microsoft.Network/virtualNetworks/aa': subnet 0: 'networkSecurityGroupRef' is missing" },
};

static void damage_is_named(void **state)
{
    (void)state;
    document_assert_damage_named(document_guarded, damages, ARRAY_SIZE(damages));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_show_the_singular_and_the_plural_member),
        cmocka_unit_test(groups_show_the_six_defaults_and_where_they_are_attached),
        cmocka_unit_test(subnets_and_nics_refer_to_their_groups),
        cmocka_unit_test(restored_groups_are_complete),
        cmocka_unit_test(damage_is_named),
    };

    return cmocka_run_group_tests_name("security groups as JSON", tests, NULL, NULL);
}
