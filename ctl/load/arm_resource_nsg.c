/* NSGs, rules and ASGs as ARM's JSON: see arm_resource.c.
 *
 * A rule shows the singular and the plural member of addresses and ports, the plural one empty when the singular
 * one is used (arm-api.md section 7). Words, `*` and tags, are singular always. A single address is written as the
 * prefix that it is: what it was in the file is not kept. */
#include "arm_write.h"

#include <stdio.h>
#include <stdlib.h>

#include "vnetlab/base.h"
#include "vnetlab/json_writer.h"

void vnl_arm_write_asgs(struct vnl_json_writer *out, const char *key, struct vnl_asg *const *asgs, size_t n)
{
    vnl_json_write_open(out, key, '[');
    for (size_t i = 0; i < n; i++)
        vnl_arm_write_ref(out, NULL, asgs[i]->id);
    vnl_json_write_close(out, ']');
}

/* --- a side of a rule -------------------------------------------------------------------------------- */

const struct vnl_arm_side_keys vnl_arm_source_keys = {
    "sourceAddressPrefix",
    "sourceAddressPrefixes",
    "sourcePortRange",
    "sourcePortRanges",
    "sourceApplicationSecurityGroups",
    "sourceGroupRefs",
    "sourceSource",
    "sourceGroupSource",
    "sourcePortSource",
};
const struct vnl_arm_side_keys vnl_arm_destination_keys = {
    "destinationAddressPrefix",
    "destinationAddressPrefixes",
    "destinationPortRange",
    "destinationPortRanges",
    "destinationApplicationSecurityGroups",
    "destinationGroupRefs",
    "destinationSource",
    "destinationGroupSource",
    "destinationPortSource",
};

static bool is_list(const struct vnl_rule_side *side)
{
    return !side->any && side->prefixes.n && (side->plural || side->prefixes.n > 1);
}

static bool is_port_list(const struct vnl_rule_side *side)
{
    return side->ports.n && (side->plural_ports || side->ports.n > 1);
}

static void write_singular(struct vnl_json_writer *out, const struct vnl_arm_side_keys *keys,
                           const struct vnl_rule_side *side)
{
    char prefix[VNL_PREFIX_STR], ports[VNL_PORTS_STR];

    if (!is_port_list(side))
        vnl_json_write_text(out, keys->port,
                            side->ports.n ? vnl_ports_format(side->ports.items[0], ports) : "*");
    if (side->any)
        vnl_json_write_text(out, keys->prefix, "*");
    else if (side->tag)
        vnl_json_write_text(out, keys->prefix, vnl_tag_str(side->tag));
    else if (side->prefixes.n && !is_list(side))
        vnl_json_write_text(out, keys->prefix, vnl_prefix_format(side->prefixes.items, prefix));
}

static void write_plural(struct vnl_json_writer *out, const struct vnl_arm_side_keys *keys,
                         const struct vnl_rule_side *side)
{
    char prefix[VNL_PREFIX_STR], ports[VNL_PORTS_STR];

    vnl_json_write_open(out, keys->ports, '[');
    for (size_t i = 0; is_port_list(side) && i < side->ports.n; i++)
        vnl_json_write_text(out, NULL, vnl_ports_format(side->ports.items[i], ports));
    vnl_json_write_close(out, ']');
    vnl_json_write_open(out, keys->prefixes, '[');
    for (size_t i = 0; is_list(side) && i < side->prefixes.n; i++)
        vnl_json_write_text(out, NULL, vnl_prefix_format(&side->prefixes.items[i], prefix));
    vnl_json_write_close(out, ']');
    if (side->n_asgs)
        vnl_arm_write_asgs(out, keys->asgs, side->asgs, side->n_asgs);
}

/* Places that differ from the rule's own. */
static void write_place(struct vnl_json_writer *out, const char *key, const struct vnl_src *src,
                        const struct vnl_src *of_rule)
{
    if (src->line != of_rule->line || src->col != of_rule->col)
        vnl_arm_write_source(out, key, src);
}

static void write_own(struct vnl_json_writer *out, const struct vnl_arm_side_keys *keys,
                      const struct vnl_rule_side *side, const struct vnl_src *of_rule)
{
    if (side->asg_refs.n)
        vnl_arm_write_names(out, keys->asg_refs, &side->asg_refs);
    write_place(out, keys->source, &side->src, of_rule);
    write_place(out, keys->asg_source, &side->asg_src, of_rule);
    write_place(out, keys->ports_source, &side->ports_src, of_rule);
}

/* --- rules ------------------------------------------------------------------------------------------- */

static void write_properties(struct vnl_json_writer *out, const struct vnl_rule *rule)
{
    vnl_arm_write_optional(out, "description", rule->description);
    vnl_json_write_text(out, "protocol", vnl_rule_proto_str(rule->proto));
    write_singular(out, &vnl_arm_source_keys, &rule->source);
    write_singular(out, &vnl_arm_destination_keys, &rule->destination);
    vnl_json_write_text(out, "access", vnl_access_str(rule->access));
    vnl_json_write_int(out, "priority", rule->priority);
    vnl_json_write_text(out, "direction", vnl_direction_str(rule->direction));
    write_plural(out, &vnl_arm_source_keys, &rule->source);
    write_plural(out, &vnl_arm_destination_keys, &rule->destination);
}

void vnl_arm_write_rule(struct vnl_json_writer *out, const struct vnl_rule *rule)
{
    vnl_arm_open(out, VNL_TYPE_RULE, rule->id, rule->name, NULL);
    write_properties(out, rule);
    vnl_arm_open_own(out, &rule->src);
    vnl_json_write_int(out, "slot", rule->slot);
    write_place(out, "prioritySource", &rule->priority_src, &rule->src);
    write_own(out, &vnl_arm_source_keys, &rule->source, &rule->src);
    write_own(out, &vnl_arm_destination_keys, &rule->destination, &rule->src);
    vnl_arm_close(out);
}

/* Azure fills them in; nobody reads them back. */
static void write_default(struct vnl_json_writer *out, const struct vnl_nsg *nsg, const struct vnl_rule *rule)
{
    CLEANUP(vnl_str_free) char *id = NULL;

    if (asprintf(&id, "%s/defaultSecurityRules/%s", nsg->id, rule->name) < 0) {
        id = NULL;
        out->failed = true;
        return;
    }
    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "id", id);
    vnl_json_write_text(out, "name", rule->name);
    vnl_json_write_text(out, "type", "Microsoft.Network/networkSecurityGroups/defaultSecurityRules");
    vnl_json_write_open(out, "properties", '{');
    vnl_json_write_text(out, "provisioningState", "Succeeded");
    write_properties(out, rule);
    vnl_json_write_close(out, '}');
    vnl_json_write_close(out, '}');
}

/* --- groups ------------------------------------------------------------------------------------------ */

/* To what it is attached: only there when there is something, as in Azure's answers. */
static void write_attached(struct vnl_json_writer *out, const struct vnl_nsg *nsg)
{
    if (nsg->n_nics) {
        vnl_json_write_open(out, "networkInterfaces", '[');
        for (size_t i = 0; i < nsg->n_nics; i++)
            vnl_arm_write_ref(out, NULL, nsg->nics[i]->id);
        vnl_json_write_close(out, ']');
    }
    if (nsg->n_subnets) {
        vnl_json_write_open(out, "subnets", '[');
        for (size_t i = 0; i < nsg->n_subnets; i++)
            vnl_arm_write_ref(out, NULL, nsg->subnets[i]->id);
        vnl_json_write_close(out, ']');
    }
}

static void write_slots(struct vnl_json_writer *out, const struct vnl_nsg *nsg)
{
    vnl_json_write_open(out, "defaultSlots", '{');
    for (size_t i = 0; i < VNL_DEFAULT_RULES; i++)
        vnl_json_write_int(out, vnl_default_rules[i].name, nsg->default_slots[i]);
    vnl_json_write_close(out, '}');
    vnl_json_write_open(out, "uses", '[');
    for (size_t i = 0; i < nsg->n_uses; i++) {
        vnl_json_write_open(out, NULL, '{');
        vnl_json_write_text(out, "virtualNetwork", nsg->uses[i].vnet->id);
        vnl_json_write_int(out, "slot", nsg->uses[i].slot);
        vnl_json_write_close(out, '}');
    }
    vnl_json_write_close(out, ']');
}

void vnl_arm_write_nsg(struct vnl_json_writer *out, const struct vnl_nsg *nsg)
{
    vnl_arm_open(out, VNL_TYPE_NSG, nsg->id, nsg->name, nsg->scope.location);
    vnl_json_write_open(out, "securityRules", '[');
    for (size_t i = 0; i < nsg->n_rules; i++)
        vnl_arm_write_rule(out, nsg->rules[i]);
    vnl_json_write_close(out, ']');
    vnl_json_write_open(out, "defaultSecurityRules", '[');
    for (size_t i = 0; i < VNL_DEFAULT_RULES; i++)
        write_default(out, nsg, &vnl_default_rules[i]);
    vnl_json_write_close(out, ']');
    write_attached(out, nsg);
    vnl_arm_open_own(out, &nsg->src);
    write_slots(out, nsg);
    vnl_arm_close(out);
}

void vnl_arm_write_asg(struct vnl_json_writer *out, const struct vnl_asg *asg)
{
    vnl_arm_open(out, VNL_TYPE_ASG, asg->id, asg->name, asg->scope.location);
    vnl_arm_open_own(out, &asg->src);
    vnl_arm_close(out);
}
