/* `set`: one property of a stored lab, by its path. Each lab goes through its stored form first, as in the command. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../harness/plans.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/load.h"

static const char text[] =
    "location: eastus\n"
    "vnets:\n"
    "  aa: {addressSpace: [10.0.0.0/16], subnets: {s: {addressPrefix: 10.0.0.0/24, "
    "networkSecurityGroup: web}, t: 10.0.1.0/24},\n"
    "      peerings: {a-to-b: {remoteVirtualNetwork: bb}}}\n"
    "  bb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: {b-to-a: "
    "{remoteVirtualNetwork: aa}}}\n"
    "networkSecurityGroups:\n"
    "  web:\n"
    "    securityRules:\n"
    "      http: {priority: 100, direction: Inbound, access: Allow, protocol: Tcp, "
    "sourceAddressPrefix: Internet,\n"
    "             destinationPortRange: 80}\n"
    "      http.alt: {priority: 110, direction: Inbound, access: Allow, "
    "sourceApplicationSecurityGroups: [front],\n"
    "                 destinationPortRanges: [8080, 8443]}\n"
    "  spare: {}\n"
    "applicationSecurityGroups: {front: {}, back: {}}\n"
    "virtualMachines:\n"
    "  vm-1: {subnet: aa/s, applicationSecurityGroups: [front]}\n"
    "  vm-2: {subnet: bb/s, networkSecurityGroup: spare}\n";

static struct vnl_lab *stored(const struct vnl_lab *lab)
{
    struct vnl_json *json = NULL;
    struct vnl_lab *ret = NULL;

    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    assert_int_equal(vnl_lab_from_json(json, &ret, NULL), 0);
    vnl_json_free(&json);
    return ret;
}

/* What the command does before it saves. */
static int try_set(const char *path, const char *value, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *written = lab_of(text, NULL), *before = stored(written), *lab = stored(written);
    int r = vnl_lab_set(lab, path, value, err);

    if (r == 0)
        r = vnl_lab_resolve(lab, err);
    if (r == 0)
        r = vnl_lab_settle(lab, before, err);
    if (r == 0)
        *ret = TAKE_PTR(lab);
    return r;
}

static struct vnl_lab *set(const char *path, const char *value)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lab *lab = NULL;

    if (try_set(path, value, &lab, &err) < 0)
        fail_msg("set %s %s: %s", path, value, err->msg);
    return lab;
}

/* code NULL: a mistake of the path, not of ARM. */
static void assert_refused(const char *path, const char *value, const char *code, const char *msg,
                           const char *hint)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lab *lab = NULL;

    assert_int_equal(try_set(path, value, &lab, &err), -EINVAL);
    assert_null(lab);
    if (code)
        assert_string_equal(err->code, code);
    else
        assert_null(err->code);
    assert_non_null(strstr(err->msg, msg));
    if (hint)
        assert_string_equal(err->hint, hint);
}

static struct vnl_rule *rule_of(const struct vnl_lab *lab, const char *name)
{
    struct vnl_rule *rule = vnl_rule_lookup(vnl_nsg_lookup(lab, "web"), name);

    assert_non_null(rule);
    return rule;
}

static struct vnl_subnet *subnet_of(const struct vnl_lab *lab, const char *name)
{
    return vnl_subnet_lookup(vnl_vnet_lookup(lab, "aa"), name);
}

static void rule_fields_change(void **state)
{
    struct vnl_lab *lab;

    (void)state;
    lab = set("nsgs.web.rules.http.access", "Deny");
    assert_int_equal(rule_of(lab, "http")->access, VNL_DENY);
    assert_int_equal(rule_of(lab, "http")->source.tag, VNL_TAG_INTERNET);
    vnl_lab_free(&lab);
    lab = set("networkSecurityGroups.WEB.securityRules.HTTP.priority", "4096");
    assert_int_equal(rule_of(lab, "http")->priority, 4096);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http.direction", "Outbound");
    assert_int_equal(rule_of(lab, "http")->direction, VNL_OUTBOUND);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http.protocol", "*");
    assert_int_equal(rule_of(lab, "http")->proto, VNL_RULE_ANY);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http.destinationPortRanges", "[80, 8000-8010]");
    assert_int_equal(rule_of(lab, "http")->destination.ports.n, 2);
    assert_int_equal(rule_of(lab, "http")->destination.ports.items[1].last, 8010);
    vnl_lab_free(&lab);
}

static void naming_somebody_else_replaces_the_whole_side(void **state)
{
    struct vnl_lab *lab = set("nsgs.web.rules.http.sourceAddressPrefix", "10.1.0.0/16");

    (void)state;
    assert_int_equal(rule_of(lab, "http")->source.tag, VNL_TAG_NONE);
    assert_int_equal(rule_of(lab, "http")->source.prefixes.n, 1);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http.sourceAddressPrefix", "*");
    assert_true(rule_of(lab, "http")->source.any);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http.sourceApplicationSecurityGroups", "[front]");
    assert_int_equal(rule_of(lab, "http")->source.n_asgs, 1);
    assert_int_equal(rule_of(lab, "http")->source.tag, VNL_TAG_NONE);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http.alt.sourceAddressPrefix", "VirtualNetwork"); /* a name with a dot */
    assert_int_equal(rule_of(lab, "http.alt")->source.n_asgs, 0);
    assert_int_equal(rule_of(lab, "http.alt")->source.tag, VNL_TAG_VIRTUAL_NETWORK);
    assert_int_equal(rule_of(lab, "http")->source.tag, VNL_TAG_INTERNET);
    vnl_lab_free(&lab);
}

static void groups_are_attached_and_taken_away(void **state)
{
    struct vnl_lab *lab = set("vnets.aa.subnets.t.networkSecurityGroup", "web");

    (void)state;
    assert_ptr_equal(subnet_of(lab, "t")->nsg, vnl_nsg_lookup(lab, "web"));
    vnl_lab_free(&lab);
    lab = set("vnets.aa.subnets.s.networkSecurityGroup", "null");
    assert_null(subnet_of(lab, "s")->nsg);
    assert_null(subnet_of(lab, "s")->nsg_ref);
    vnl_lab_free(&lab);
    lab = set("vms.vm-2.networkSecurityGroup", "web");
    assert_ptr_equal(vnl_vm_lookup(lab, "vm-2")->nics[0]->nsg, vnl_nsg_lookup(lab, "web"));
    vnl_lab_free(&lab);
    lab = set("virtualMachines.vm-2.networkSecurityGroup", "~");
    assert_null(vnl_vm_lookup(lab, "vm-2")->nics[0]->nsg);
    vnl_lab_free(&lab);
    lab = set("vms.vm-1.applicationSecurityGroups", "[back]");
    assert_int_equal(vnl_asg_lookup(lab, "front")->n_nics, 0);
    assert_int_equal(vnl_asg_lookup(lab, "back")->n_nics, 1);
    vnl_lab_free(&lab);
}

static void flags_and_address_spaces_change_as_by_the_file(void **state)
{
    struct vnl_lab *lab = set("vnets.aa.peerings.a-to-b.allowForwardedTraffic", "true");
    const struct vnl_peering *link = vnl_peering_lookup(vnl_vnet_lookup(lab, "aa"), "a-to-b");

    (void)state;
    assert_true(link->allow_forwarded_traffic && link->allow_vnet_access);
    assert_int_equal(link->state, VNL_PEERING_CONNECTED);
    vnl_lab_free(&lab);
    lab = set("virtualNetworks.bb.addressSpace", "[10.1.0.0/16, 10.9.0.0/16]");
    link = vnl_peering_lookup(vnl_vnet_lookup(lab, "aa"), "a-to-b");
    assert_int_equal(vnl_vnet_lookup(lab, "bb")->space.n, 2);
    assert_int_equal(link->remote_space.n, 1); /* not synced yet: spec 2.4 */
    assert_int_equal(link->sync, VNL_SYNC_LOCAL);
    vnl_lab_free(&lab);
    lab = set("vms.vm-1.enableIPForwarding", "true");
    assert_true(vnl_vm_lookup(lab, "vm-1")->nics[0]->ip_forwarding);
    vnl_lab_free(&lab);
    lab = set("vms.vm-1.privateIPAddress", "10.0.0.77");
    assert_true(vnl_vm_lookup(lab, "vm-1")->nics[0]->configs[0].is_static);
    vnl_lab_free(&lab);
    lab = set("vnets.aa.flowTimeoutInMinutes", "10");
    assert_int_equal(vnl_vnet_lookup(lab, "aa")->flow_timeout_min, 10);
    vnl_lab_free(&lab);
}

static void rule_is_made_and_changed_as_a_whole(void **state)
{
    struct vnl_lab *lab =
        set("nsgs.spare.rules.ping", "{priority: 200, direction: Inbound, access: Allow, protocol: Icmp}");
    const struct vnl_rule *rule = vnl_rule_lookup(vnl_nsg_lookup(lab, "spare"), "ping");

    (void)state;
    assert_int_equal(rule->proto, VNL_RULE_ICMP);
    assert_true(rule->source.any && rule->destination.any_port);
    assert_true(rule->slot != VNL_SLOT_NONE);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http", "{access: Deny, destinationPortRanges: [81, 82]}");
    rule = rule_of(lab, "http");
    assert_int_equal(rule->access, VNL_DENY);
    assert_int_equal(rule->priority, 100);
    assert_int_equal(rule->destination.ports.n, 2);
    vnl_lab_free(&lab);
}

static void nothing_else_changes(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *written = lab_of(text, NULL), *lab = set("nsgs.web.rules.http.access", "Allow");
    CLEANUP(vnl_plan_free) struct vnl_plan *before = plan_of_lab(written), *after = plan_of_lab(lab);
    CLEANUP(vnl_str_free) char *a = print_of(before);
    CLEANUP(vnl_str_free) char *b = print_of(after);

    (void)state;
    assert_string_equal(a, b);
}

static void wrong_path_is_answered_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("nsg.web.rules.http.access", "Deny", NULL, "there is no section 'nsg'",
                   "did you mean 'nsgs'?");
    assert_refused("nsgs.wbe.rules.http.access", "Deny", NULL, "there is no network security group 'wbe'",
                   "did you mean 'nsgs.web'?");
    assert_refused("nsgs.web.rule.http.access", "Deny", NULL, "there is no property 'rule'",
                   "did you mean 'nsgs.web.rules'?");
    assert_refused("nsgs.web.rules.htpp.access", "Deny", NULL, "there is no security rule 'htpp'",
                   "did you mean 'nsgs.web.rules.http'?");
    assert_refused("nsgs.web.rules.http.acess", "Deny", NULL, "there is no property 'acess'",
                   "did you mean 'nsgs.web.rules.http.access'?");
    assert_refused("vnets.aa.peerings.a-to-b.allowForwardTraffic", "true", NULL,
                   "there is no property 'allowForwardTraffic'",
                   "did you mean 'vnets.aa.peerings.a-to-b.allowForwardedTraffic'?");
    assert_refused("vnets.aa.xyzzy", "1", NULL, "set 'vnets.aa.xyzzy': there is no property 'xyzzy'", NULL);
    assert_refused("vnets", "1", NULL, "the name of a virtual network is missing", NULL);
    assert_refused("vnets.aa", "1", NULL, "which property of the virtual network?", NULL);
    assert_refused("vnets.aa.location", "westus", NULL, "'location' of a virtual network cannot be set",
                   "edit the lab file, then say 'vnetlab up FILE'");
    assert_refused("", "1", NULL, "there is no section ''", NULL);
}

static void wrong_value_is_refused_in_the_words_of_the_file(void **state)
{
    (void)state;
    assert_refused("nsgs.web.rules.http.priority", "99", "SecurityRuleInvalidPriority", "Value provided: 99",
                   NULL);
    assert_refused("nsgs.web.rules.http.priority", "110", "SecurityRuleConflict",
                   "cannot have the same Priority and Direction", NULL);
    assert_refused("nsgs.web.rules.http.sourceAddressPrefix", "10.0.0.300",
                   "SecurityRuleInvalidAddressPrefix", "10.0.0.300", NULL);
    assert_refused("vnets.aa.subnets.t.networkSecurityGroup", "wbe", "InvalidResourceReference",
                   "was not found", "did you mean 'web'?");
    assert_refused("vnets.aa.peerings.a-to-b.allowForwardedTraffic", "yes", "InvalidRequestContent",
                   "'allowForwardedTraffic' must be true or false, not 'yes'", NULL);
    assert_refused("vnets.aa.addressSpace", "10.0.0.0/25", "NetcfgSubnetRangeOutsideVnet", "", NULL);
    assert_refused("nsgs.web.rules.http.access", "null", "InvalidRequestContent",
                   "must be Allow or Deny, not an empty value", NULL);
    assert_refused("vms.vm-1.enableIPForwarding", "[", NULL, "set 'vms.vm-1.enableIPForwarding': ", NULL);
    assert_refused("nsgs.spare.rules.half", "{priority: 100, direction: Inbound}", NULL,
                   "'access' is missing", "write 'access: Allow'");
    assert_refused("nsgs.web.rules.http", "{acess: Deny}", "InvalidRequestContent", "unknown key 'acess'",
                   "did you mean 'access'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_fields_change),
        cmocka_unit_test(naming_somebody_else_replaces_the_whole_side),
        cmocka_unit_test(groups_are_attached_and_taken_away),
        cmocka_unit_test(flags_and_address_spaces_change_as_by_the_file),
        cmocka_unit_test(rule_is_made_and_changed_as_a_whole),
        cmocka_unit_test(nothing_else_changes),
        cmocka_unit_test(wrong_path_is_answered_with_the_nearest),
        cmocka_unit_test(wrong_value_is_refused_in_the_words_of_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
