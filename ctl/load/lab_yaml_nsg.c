/* networkSecurityGroups with their rules, and applicationSecurityGroups. */
#include "lab_yaml.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ADDRESS_TYPE "an address, a prefix, a service tag or '*'"
#define PORT_TYPE    "a port, a range of ports or '*'"

/* --- references to them ------------------------------------------------------------------------------ */

static void add_asg_ref(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                        struct vnl_names *ret)
{
    const char *text = vnl_lab_text(l, key->name, key->type, vnl_lab_ref_value(node));

    if (text && vnl_names_add(ret, text) < 0)
        (void)vnl_fail(&l->mistakes, ENOMEM, "lab '%s'", l->lab->name);
}

void vnl_lab_asg_refs(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                      struct vnl_names *ret, struct vnl_src *ret_src)
{
    *ret_src = node->src;
    if (node->type == VNL_YAML_SEQ) {
        for (size_t i = 0; i < node->n_kids; i++)
            add_asg_ref(l, key, node->kids[i], ret);
    } else {
        add_asg_ref(l, key, node, ret);
    }
}

void vnl_lab_ref(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                 char **ret, struct vnl_src *ret_src)
{
    const struct vnl_yaml *value = vnl_lab_ref_value(node);
    const char *text = vnl_lab_text(l, key->name, key->type, value);

    if (!text)
        return;
    vnl_lab_copy(l, ret, text);
    *ret_src = value->src;
}

/* --- a rule's words ---------------------------------------------------------------------------------- */

/* A rule with a wrong word is half read: what the model says about it only follows from that. */
static void wrong_word(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node)
{
    vnl_lab_wrong_type(l, key->name, key->type, node);
    vnl_lab_broken(l);
}

static void read_direction(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    struct vnl_rule *rule = resource;

    if (node->type != VNL_YAML_SCALAR || vnl_direction_parse(node->text, &rule->direction) < 0)
        wrong_word(l, key, node);
}

static void read_access(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    struct vnl_rule *rule = resource;

    if (node->type != VNL_YAML_SCALAR || vnl_access_parse(node->text, &rule->access) < 0)
        wrong_word(l, key, node);
}

static void read_protocol(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_rule *rule = resource;

    if (node->type != VNL_YAML_SCALAR || vnl_rule_proto_parse(node->text, &rule->proto) < 0)
        wrong_word(l, key, node);
}

/* Any number: the model says which ones are priorities, in ARM's words. */
static void read_priority(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_rule *rule = resource;
    const char *text = node->type == VNL_YAML_SCALAR ? node->text : "";
    size_t sign = text[0] == '-', n = strspn(text + sign, "0123456789");

    if (n == 0 || n > 9 || text[sign + n]) {
        wrong_word(l, key, node);
        return;
    }
    rule->priority = (int)strtol(text, NULL, 10);
    rule->priority_src = node->src;
}

static void read_description(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                             const struct vnl_yaml *node)
{
    struct vnl_rule *rule = resource;
    const char *text = vnl_lab_text(l, key->name, key->type, node);

    if (text)
        vnl_lab_copy(l, &rule->description, text);
}

/* --- singular and plural ----------------------------------------------------------------------------- */

static struct vnl_rule_side *side_of(const struct vnl_lab_key *key, void *rule)
{
    return (struct vnl_rule_side *)((char *)rule + key->field);
}

static bool is_plural(const struct vnl_lab_key *key)
{
    return key->name[strlen(key->name) - 1] == 's';
}

/* ARM has two members for one thing. An exported template shows both, the plural one empty; both filled are a
 * mistake, and so is a list in the singular one. */
static bool check_form(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                       bool filled, const char *singular, const char *plural)
{
    char hint[64];

    if (node->type == VNL_YAML_SEQ && node->n_kids == 0 && is_plural(key))
        return false;
    (void)snprintf(hint, sizeof(hint), "use '%s'", plural);
    if (filled)
        vnl_lab_mistake(l, node->key_src, "InvalidRequestContent", hint, "'%s' and '%s' exclude each other",
                        singular, plural);
    else if (node->type == VNL_YAML_SEQ && !is_plural(key))
        vnl_lab_mistake(l, node->src, "InvalidRequestContent", hint, "'%s' must be %s, not a list", key->name,
                        key->type);
    else
        return true;
    return false;
}

/* --- addresses --------------------------------------------------------------------------------------- */

/* Words that others use for `*`. */
static bool means_any(const char *text)
{
    return strcasecmp(text, "any") == 0 || strcasecmp(text, "all") == 0;
}

static const char *nearest_tag(const char *text)
{
    const char *names[VNL_TAG_MAX];
    size_t n = 0;

    for (int tag = VNL_TAG_NONE + 1; tag < VNL_TAG_MAX; tag++)
        names[n++] = vnl_tag_str((enum vnl_tag)tag);
    return vnl_nearest(text, names, n);
}

/* Source: ARM's sentence. why: what the parser of prefixes says, for what looks like one. */
static void mistake_address(struct vnl_loading *l, const struct vnl_yaml *node, const struct vnl_err *why)
{
    const char *tag = nearest_tag(node->text), *meant = means_any(node->text) ? "*" : tag;
    bool is_number = strpbrk(node->text, ":/") || strspn(node->text, "0123456789.") > 0;
    char hint[160] = "an address, a prefix, '*' or a service tag such as VirtualNetwork or Internet";

    if (meant)
        (void)snprintf(hint, sizeof(hint), "did you mean '%s'?", meant);
    else if (is_number && why)
        (void)snprintf(hint, sizeof(hint), "%.150s", why->hint ? why->hint : why->msg);
    vnl_lab_mistake(l, node->src, "SecurityRuleInvalidAddressPrefix", hint,
                    "Security rule has invalid Address prefix. Value provided: %.80s", node->text);
}

static void add_address(struct vnl_loading *l, const struct vnl_lab_key *key, struct vnl_rule_side *side,
                        const struct vnl_yaml *node)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    const char *text = vnl_lab_text(l, key->name, key->type, node);
    int r = text ? vnl_rule_address_add(side, text, &why) : 0;

    if (r == -ENOMEM)
        (void)vnl_fail(&l->mistakes, ENOMEM, "lab '%s'", l->lab->name);
    else if (r < 0)
        mistake_address(l, node, why);
}

static void read_addresses(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    struct vnl_rule_side *side = side_of(key, resource);
    bool is_source = key->field == offsetof(struct vnl_rule, source);

    if (!check_form(l, key, node, side->any || side->n_tags || side->prefixes.n,
                    is_source ? "sourceAddressPrefix" : "destinationAddressPrefix",
                    is_source ? "sourceAddressPrefixes" : "destinationAddressPrefixes"))
        return;
    side->src = node->src;
    side->plural = is_plural(key);
    if (node->type == VNL_YAML_SEQ) {
        for (size_t i = 0; i < node->n_kids; i++)
            add_address(l, key, side, node->kids[i]);
    } else {
        add_address(l, key, side, node);
    }
}

static void read_asgs(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    struct vnl_rule_side *side = side_of(key, resource);

    vnl_lab_asg_refs(l, key, node, &side->asg_refs, &side->asg_src);
}

/* --- ports ------------------------------------------------------------------------------------------- */

/* Source: ARM's sentence. */
static void mistake_port(struct vnl_loading *l, const struct vnl_yaml *node)
{
    vnl_lab_mistake(l, node->src, "SecurityRuleInvalidPortRange",
                    means_any(node->text)     ? "did you mean '*'?"
                    : strchr(node->text, ',') ? "write a list, such as [80, 443]"
                                              : NULL,
                    "Security rule has invalid Port range. Value provided: %.40s. Value should be an integer "
                    "OR integer range with '-' delimiter. Valid range 0-65535",
                    node->text);
}

static void add_ports(struct vnl_loading *l, const struct vnl_lab_key *key, struct vnl_rule_side *side,
                      const struct vnl_yaml *node)
{
    const char *text = vnl_lab_text(l, key->name, key->type, node);
    int r = text ? vnl_rule_port_add(side, text) : 0;

    if (r == -ENOMEM)
        (void)vnl_fail(&l->mistakes, ENOMEM, "lab '%s'", l->lab->name);
    else if (r < 0)
        mistake_port(l, node);
}

static void read_ports(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    struct vnl_rule_side *side = side_of(key, resource);
    bool is_source = key->field == offsetof(struct vnl_rule, source);

    if (!check_form(l, key, node, side->any_port || side->ports.n,
                    is_source ? "sourcePortRange" : "destinationPortRange",
                    is_source ? "sourcePortRanges" : "destinationPortRanges"))
        return;
    side->ports_src = node->src;
    side->plural_ports = is_plural(key);
    if (node->type == VNL_YAML_SEQ) {
        for (size_t i = 0; i < node->n_kids; i++)
            add_ports(l, key, side, node->kids[i]);
    } else {
        add_ports(l, key, side, node);
    }
}

/* --- rules ------------------------------------------------------------------------------------------- */

#define SIDE(name, reader, side, what, default_, about)                                                      \
    {                                                                                                        \
        name, reader, offsetof(struct vnl_rule, side), .type = what, .fallback = default_, .text = about     \
    }

static const struct vnl_lab_key rule_keys[] = {
    { "priority", read_priority, .type = "a number from 100 to 4096", .fallback = "required",
      .text = "the lowest number that matches decides; unique per direction" },
    { "direction", read_direction, .type = "Inbound or Outbound", .fallback = "required",
      .text = "seen from the NIC" },
    { "access", read_access, .type = "Allow or Deny", .fallback = "required",
      .text = "what happens to the first packet of a flow that matches" },
    { "protocol", read_protocol, .type = "Tcp, Udp, Icmp, Esp, Ah or *", .fallback = "`*`",
      .text = "`Icmp`, `Esp` and `Ah` have no ports: those of the rule are ignored" },
    SIDE("sourceAddressPrefix", read_addresses, source, ADDRESS_TYPE, "`*`",
         "`10.0.0.4`, `10.0.0.0/24`, `Internet`; tags are `VirtualNetwork`, `AzureLoadBalancer`, `Internet`, "
         "`AzurePlatformDNS`, `AzurePlatformIMDS`, `AzurePlatformLKM`, `GatewayManager`, `AzureCloud`"),
    SIDE("sourceAddressPrefixes", read_addresses, source, "a list of prefixes", "-",
         "instead of `sourceAddressPrefix`: addresses and prefixes of one family; a tag only alone"),
    SIDE("sourceApplicationSecurityGroups", read_asgs, source, "a list of groups", "-",
         "instead of prefixes: the groups' members; names, full ids or `{id: ...}`, at most 10"),
    SIDE("sourcePortRange", read_ports, source, PORT_TYPE, "`*`", "`80`, `8000-8010`"),
    SIDE("sourcePortRanges", read_ports, source, "a list of ports and ranges", "-",
         "instead of `sourcePortRange`"),
    SIDE("destinationAddressPrefix", read_addresses, destination, ADDRESS_TYPE, "`*`",
         "as the source's; a public address is seen as the private one behind it"),
    SIDE("destinationAddressPrefixes", read_addresses, destination, "a list of prefixes", "-",
         "instead of `destinationAddressPrefix`"),
    SIDE("destinationApplicationSecurityGroups", read_asgs, destination, "a list of groups", "-",
         "instead of prefixes; groups of both sides have their members in one VNet"),
    SIDE("destinationPortRange", read_ports, destination, PORT_TYPE, "`*`", "`80`, `8000-8010`"),
    SIDE("destinationPortRanges", read_ports, destination, "a list of ports and ranges", "-",
         "instead of `destinationPortRange`: `[80, 443, 8000-8010]`"),
    { "description", read_description, .type = "text", .fallback = "none", .text = "shown with the rule" },
    { "name", .refuse = "is the key of the rule here", .instead = "NAME: {...}" },
    { "properties", .refuse = "is left out here", .instead = "NAME: {priority: ...}" },
    { "source", .refuse = "has a longer name here", .instead = "sourceAddressPrefix" },
    { "destination", .refuse = "has a longer name here", .instead = "destinationAddressPrefix" },
    { "port", .refuse = "is ambiguous", .instead = "destinationPortRange" },
    { "ports", .refuse = "is ambiguous", .instead = "destinationPortRanges" },
    { "provisioningState", .refuse = VNL_SET_BY_AZURE },
};
const struct vnl_lab_keys vnl_lab_rule_keys = { "Security rule", "a security rule", rule_keys,
                                                ARRAY_SIZE(rule_keys) };

/* A key that was misspelled is not missing as well. */
static void check_required(struct vnl_loading *l, const struct vnl_yaml *node)
{
    static const struct {
        const char *key, *hint;
    } required[] = {
        { "priority", "write 'priority: 100'" },
        { "direction", "write 'direction: Inbound'" },
        { "access", "write 'access: Allow'" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
        if (!vnl_yaml_lookup(node, required[i].key))
            vnl_lab_missing(l, node, required[i].hint, required[i].key);
    }
}

void vnl_lab_read_rule(struct vnl_loading *l, struct vnl_rule *rule, const struct vnl_yaml *node)
{
    size_t n_broken = l->n_broken;

    vnl_lab_read_map(l, &vnl_lab_rule_keys, rule, node);
    if (l->n_broken == n_broken)
        check_required(l, node);
    if (l->n_broken != n_broken)
        rule->priority = 0; /* conflicts with no other */
}

static void read_rules(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    struct vnl_nsg *nsg = resource;

    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++) {
        const struct vnl_err *before = l->mistakes;
        struct vnl_rule *rule = vnl_rule_add(nsg, node->kids[i]->key, &node->kids[i]->key_src, &l->mistakes);
        size_t parent = vnl_lab_enter_child(l, "securityRules", node->kids[i]->key);

        vnl_lab_enter_part(l, &node->kids[i]->key_src);
        vnl_lab_broken_if_twice(l, before);
        if (rule)
            vnl_lab_read_rule(l, rule, node->kids[i]);
        vnl_lab_leave_part(l);
        vnl_lab_leave_child(l, parent);
    }
}

/* --- groups ------------------------------------------------------------------------------------------ */

static const struct vnl_lab_key nsg_keys[] = {
    { "securityRules", read_rules, .type = "a map", .fallback = "none",
      .text = "name: a map (below); the six default rules stand behind them" },
    { "location", .type = "a region", .fallback = "the lab's",
      .text = "must be that of the VNets and VMs that use the group" },
    { "resourceGroup", .type = "a name", .fallback = "the lab's", .text = "part of the resource id" },
    { "subscription", .type = "a GUID", .fallback = "the lab's", .text = "part of the resource id" },
    { "rules", .refuse = "has a longer name here", .instead = "securityRules" },
    { "defaultSecurityRules", .refuse = VNL_SET_BY_AZURE },
    { "networkInterfaces", .refuse = "is written at the VM", .instead = "networkSecurityGroup" },
    { "subnets", .refuse = "is written at the subnet", .instead = "networkSecurityGroup" },
    { "flushConnection", .refuse = VNL_NOT_YET },
    { "flowLogs", .refuse = VNL_NOT_YET },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_nsg_keys = { "Network security group", "a network security group", nsg_keys,
                                               ARRAY_SIZE(nsg_keys) };

static const struct vnl_lab_key asg_keys[] = {
    { "location", .type = "a region", .fallback = "the lab's", .text = "must be that of its members" },
    { "resourceGroup", .type = "a name", .fallback = "the lab's", .text = "part of the resource id" },
    { "subscription", .type = "a GUID", .fallback = "the lab's", .text = "part of the resource id" },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_asg_keys = { "Application security group", "an application security group",
                                               asg_keys, ARRAY_SIZE(asg_keys) };

static void read_nsg(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_scope scope;
    struct vnl_nsg *nsg;

    vnl_lab_enter(l, &node->key_src, "networkSecurityGroups", node->key);
    scope = vnl_lab_scope(l, node);
    nsg = vnl_nsg_add(l->lab, node->key, &scope, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (nsg)
        vnl_lab_read_map(l, &vnl_lab_nsg_keys, nsg, node);
}

void vnl_lab_read_nsgs(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_nsg(l, node->kids[i]);
}

static void read_asg(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_scope scope;
    struct vnl_asg *asg;

    vnl_lab_enter(l, &node->key_src, "applicationSecurityGroups", node->key);
    scope = vnl_lab_scope(l, node);
    asg = vnl_asg_add(l->lab, node->key, &scope, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (asg)
        vnl_lab_read_map(l, &vnl_lab_asg_keys, asg, node);
}

void vnl_lab_read_asgs(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_asg(l, node->kids[i]);
}
