/* Effective security rules as JSON: ARM's EffectiveNetworkSecurityGroup (spec 3.9). */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>

#include "vnetlab/json.h"

/* What holds one value has it in the singular member, too. */
static void put_list(struct vnl_json *object, const char *singular, const char *plural, struct vnl_json *list,
                     int *r)
{
    const char *first = vnl_json_len(list) == 1 ? vnl_json_text(vnl_json_at(list, 0)) : NULL;

    vnl_json_put(object, singular, vnl_json_str(first), r);
    vnl_json_put(object, plural, list, r);
}

static struct vnl_json *make_ports(const struct vnl_plan_side *side)
{
    struct vnl_json *array = vnl_json_array();
    int r = array ? 0 : -ENOMEM;
    char buf[sizeof("65535-65535")];

    if (r == 0 && side->n_ports == 0)
        r = vnl_json_push(array, vnl_json_str("0-65535"));
    for (size_t i = 0; i < side->n_ports && r == 0; i++) {
        (void)snprintf(buf, sizeof(buf), "%u-%u", side->ports[i].first, side->ports[i].last);
        r = vnl_json_push(array, vnl_json_str(buf));
    }
    return vnl_json_finish(array, r);
}

static struct vnl_json *make_prefixes(const struct vnl_plan_side *side)
{
    struct vnl_json *array = vnl_json_array();
    int r = array ? 0 : -ENOMEM;

    for (size_t i = 0; i < side->n_prefixes && r == 0; i++)
        r = vnl_json_push(array, vnl_json_prefix(&side->prefixes[i]));
    return vnl_json_finish(array, r);
}

/* As written: a tag or ASGs by name, `*` as 0.0.0.0/0, else the prefixes. */
static struct vnl_json *make_written(const struct vnl_plan_side *side)
{
    struct vnl_json *array;

    if (!side->any && !side->expanded)
        return make_prefixes(side);
    array = vnl_json_array();
    return vnl_json_finish(array, vnl_json_push(array, vnl_json_str(side->text)));
}

/* null where nothing was expanded. */
static struct vnl_json *make_expanded(const struct vnl_plan_side *side)
{
    return side->expanded ? make_prefixes(side) : vnl_json_str(NULL);
}

static struct vnl_json *make_rule(const struct vnl_plan_rule *rule)
{
    struct vnl_json *object = vnl_json_object();
    char *name = vnl_text("%s/%s", rule->is_default ? "defaultSecurityRules" : "securityRules", rule->name);
    int r = name ? 0 : -ENOMEM;

    vnl_json_put(object, "name", vnl_json_str(name), &r);
    vnl_json_put(object, "protocol", vnl_json_str(vnl_rule_proto_text(rule)), &r);
    put_list(object, "sourcePortRange", "sourcePortRanges", make_ports(&rule->source), &r);
    put_list(object, "destinationPortRange", "destinationPortRanges", make_ports(&rule->destination), &r);
    put_list(object, "sourceAddressPrefix", "sourceAddressPrefixes", make_written(&rule->source), &r);
    put_list(object, "destinationAddressPrefix", "destinationAddressPrefixes",
             make_written(&rule->destination), &r);
    vnl_json_put(object, "expandedSourceAddressPrefix", make_expanded(&rule->source), &r);
    vnl_json_put(object, "expandedDestinationAddressPrefix", make_expanded(&rule->destination), &r);
    vnl_json_put(object, "access", vnl_json_str(rule->allow ? "Allow" : "Deny"), &r);
    vnl_json_put(object, "priority", vnl_json_int(rule->priority), &r);
    vnl_json_put(object, "direction", vnl_json_str(rule->inbound ? "Inbound" : "Outbound"), &r);
    free(name);
    return vnl_json_finish(object, r);
}

struct vnl_json *vnl_rules_json(const struct vnl_plan_rules *rules)
{
    struct vnl_json *array = vnl_json_array();
    int r = array ? 0 : -ENOMEM;

    for (size_t i = 0; i < rules->n_inbound + rules->n_outbound && r == 0; i++)
        r = vnl_json_push(array, make_rule(&rules->rules[i]));
    return vnl_json_finish(array, r);
}

static struct vnl_json *make_reference(const char *id)
{
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(id), &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_group(const struct vnl_plan_rules *rules, const char *kind, const char *id)
{
    struct vnl_json *object = vnl_json_object(), *association = vnl_json_object();
    int r = 0;

    vnl_json_put(association, kind, make_reference(id), &r);
    vnl_json_put(object, "networkSecurityGroup", make_reference(rules->nsg), &r);
    vnl_json_put(object, "association", association, &r);
    vnl_json_put(object, "effectiveSecurityRules", vnl_rules_json(rules), &r);
    return vnl_json_finish(object, r);
}

struct vnl_json *vnl_rules_to_json(const struct vnl_plan *plan, size_t nic)
{
    const struct vnl_plan_nic *it = &plan->nics[nic];
    struct vnl_json *object = vnl_json_object(), *value = vnl_json_array();
    int r = 0;

    if (it->rules_subnet != VNL_PLAN_NO_RULES)
        r = vnl_json_push(value, make_group(&plan->rules[it->rules_subnet], "subnet", it->subnet_id));
    if (r == 0 && it->rules_nic != VNL_PLAN_NO_RULES)
        r = vnl_json_push(value, make_group(&plan->rules[it->rules_nic], "networkInterface", it->id));
    vnl_json_put(object, "value", value, &r);
    return vnl_json_finish(object, r);
}
