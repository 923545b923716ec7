/* Network security groups, their rules, and application security groups: made, found and freed. What they may
 * look like is in rule.c, asg.c and nsg_attach.c. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the rules that every NSG has ------------------------------------------------------------------- */

/* *any* side; a tag; never a port: the six differ in nothing else. Texts are ARM's own words, from any NSG that
 * was ever shown. */
#define ANYWHERE                                                                                             \
    {                                                                                                        \
        .any = true, .any_port = true                                                                        \
    }
#define TAGGED(symbol)                                                                                       \
    {                                                                                                        \
        .tag = VNL_TAG_##symbol, .n_tags = 1, .any_port = true                                               \
    }
#define DEFAULT_RULE(dir, number, word, act, from, to, about)                                                \
    {                                                                                                        \
        .name = (char *)(word), .priority = (number), .direction = VNL_##dir, .access = VNL_##act,           \
        .source = from, .destination = to, .description = (char *)(about), .slot = VNL_SLOT_NONE             \
    }

const struct vnl_rule vnl_default_rules[VNL_DEFAULT_RULES] = {
    DEFAULT_RULE(INBOUND, 65000, "AllowVnetInBound", ALLOW, TAGGED(VIRTUAL_NETWORK), TAGGED(VIRTUAL_NETWORK),
                 "Allow inbound traffic from all VMs in VNET"),
    DEFAULT_RULE(INBOUND, 65001, "AllowAzureLoadBalancerInBound", ALLOW, TAGGED(AZURE_LOAD_BALANCER),
                 ANYWHERE, "Allow inbound traffic from azure load balancer"),
    DEFAULT_RULE(INBOUND, 65500, "DenyAllInBound", DENY, ANYWHERE, ANYWHERE, "Deny all inbound traffic"),
    DEFAULT_RULE(OUTBOUND, 65000, "AllowVnetOutBound", ALLOW, TAGGED(VIRTUAL_NETWORK),
                 TAGGED(VIRTUAL_NETWORK), "Allow outbound traffic from all VMs to all VMs in VNET"),
    DEFAULT_RULE(OUTBOUND, 65001, "AllowInternetOutBound", ALLOW, ANYWHERE, TAGGED(INTERNET),
                 "Allow outbound traffic from all VMs to Internet"),
    DEFAULT_RULE(OUTBOUND, 65500, "DenyAllOutBound", DENY, ANYWHERE, ANYWHERE, "Deny all outbound traffic"),
};

/* --- freeing ----------------------------------------------------------------------------------------- */

static void side_done(struct vnl_rule_side *side)
{
    vnl_prefixes_done(&side->prefixes);
    vnl_names_done(&side->asg_refs);
    vnl_ports_done(&side->ports);
    free(side->asgs);
}

static void rule_free(struct vnl_rule **ptr)
{
    struct vnl_rule *rule = TAKE_PTR(*ptr);

    if (!rule)
        return;
    side_done(&rule->source);
    side_done(&rule->destination);
    free(rule->id);
    free(rule->name);
    free(rule->description);
    free(rule);
}

void vnl_nsg_free(struct vnl_nsg **ptr)
{
    struct vnl_nsg *nsg = TAKE_PTR(*ptr);

    if (!nsg)
        return;
    for (size_t i = 0; i < nsg->n_rules; i++)
        rule_free(&nsg->rules[i]);
    free(nsg->rules);
    free(nsg->uses);
    free(nsg->subnets);
    free(nsg->nics);
    free(nsg->id);
    free(nsg->name);
    vnl_scope_done(&nsg->scope);
    vnl_index_free(&nsg->index);
    free(nsg);
}

void vnl_asg_free(struct vnl_asg **ptr)
{
    struct vnl_asg *asg = TAKE_PTR(*ptr);

    if (!asg)
        return;
    free(asg->nics);
    free(asg->id);
    free(asg->name);
    vnl_scope_done(&asg->scope);
    free(asg);
}

/* --- adding ------------------------------------------------------------------------------------------ */

struct vnl_nsg *vnl_nsg_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                            const struct vnl_src *src, struct vnl_err **err)
{
    CLEANUP(vnl_nsg_free) struct vnl_nsg *nsg = calloc(1, sizeof(*nsg));
    struct vnl_nsg **nsgs = vnl_list_grow(lab->nsgs, lab->n_nsgs, sizeof(*nsgs));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->nsgs = nsgs ? nsgs : lab->nsgs;
    if (!nsg || !nsgs || vnl_scope_fill(&nsg->scope, scope, &lab->defaults, lab->defaults.location) < 0 ||
        !(nsg->name = strdup(name)) || !(nsg->id = vnl_id_format(&nsg->scope, VNL_NSG_TYPE, name, NULL)))
        return vnl_add_failed(err, VNL_TYPE_NSG, name);
    nsg->src = src ? *src : nsg->src;
    nsg->number = (uint32_t)lab->n_nsgs;
    for (size_t i = 0; i < VNL_DEFAULT_RULES; i++)
        nsg->default_slots[i] = VNL_SLOT_NONE;
    vnl_name_check(&check, VNL_TYPE_NSG, name, src, nsg->id);
    if (scope)
        vnl_scope_check(&check, scope, src, nsg->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_NSG, nsg->id, src, nsg->id, name) &&
        (vnl_index_put(&lab->index, VNL_TYPE_NSG, nsg->id, nsg) < 0 ||
         vnl_index_put(&lab->index, VNL_TYPE_NSG, nsg->name, nsg) < 0))
        return vnl_add_failed(err, VNL_TYPE_NSG, name);
    return lab->nsgs[lab->n_nsgs++] = TAKE_PTR(nsg);
}

struct vnl_rule *vnl_rule_add(struct vnl_nsg *nsg, const char *name, const struct vnl_src *src,
                              struct vnl_err **err)
{
    CLEANUP(rule_free) struct vnl_rule *rule = calloc(1, sizeof(*rule));
    struct vnl_rule **rules = vnl_list_grow(nsg->rules, nsg->n_rules, sizeof(*rules));
    struct vnl_check check = { .err = err };

    nsg->rules = rules ? rules : nsg->rules;
    if (!rule || !rules || !(rule->name = strdup(name)) ||
        asprintf(&rule->id, "%s/securityRules/%s", nsg->id, name) < 0)
        return vnl_add_failed(err, VNL_TYPE_RULE, name);
    rule->src = src ? *src : rule->src;
    rule->priority_src = rule->src;
    rule->source.src = rule->source.asg_src = rule->source.ports_src = rule->src;
    rule->destination.src = rule->destination.asg_src = rule->destination.ports_src = rule->src;
    rule->nsg = nsg;
    rule->slot = VNL_SLOT_NONE;
    vnl_name_check(&check, VNL_TYPE_RULE, name, src, rule->id);
    if (vnl_new_check(&check, nsg->index, VNL_TYPE_RULE, name, src, rule->id, name) &&
        vnl_index_put(&nsg->index, VNL_TYPE_RULE, rule->name, rule) < 0)
        return vnl_add_failed(err, VNL_TYPE_RULE, name);
    return nsg->rules[nsg->n_rules++] = TAKE_PTR(rule);
}

void vnl_rule_remove(struct vnl_rule *rule)
{
    struct vnl_nsg *nsg = rule->nsg;
    size_t i = 0;

    while (nsg->rules[i] != rule)
        i++;
    vnl_index_drop(nsg->index, VNL_TYPE_RULE, rule->name);
    memmove(&nsg->rules[i], &nsg->rules[i + 1], (--nsg->n_rules - i) * sizeof(struct vnl_rule *));
    rule_free(&rule);
}

struct vnl_asg *vnl_asg_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                            const struct vnl_src *src, struct vnl_err **err)
{
    CLEANUP(vnl_asg_free) struct vnl_asg *asg = calloc(1, sizeof(*asg));
    struct vnl_asg **asgs = vnl_list_grow(lab->asgs, lab->n_asgs, sizeof(*asgs));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->asgs = asgs ? asgs : lab->asgs;
    if (!asg || !asgs || vnl_scope_fill(&asg->scope, scope, &lab->defaults, lab->defaults.location) < 0 ||
        !(asg->name = strdup(name)) || !(asg->id = vnl_id_format(&asg->scope, VNL_ASG_TYPE, name, NULL)))
        return vnl_add_failed(err, VNL_TYPE_ASG, name);
    asg->src = src ? *src : asg->src;
    asg->number = (uint32_t)lab->n_asgs;
    vnl_name_check(&check, VNL_TYPE_ASG, name, src, asg->id);
    if (scope)
        vnl_scope_check(&check, scope, src, asg->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_ASG, asg->id, src, asg->id, name) &&
        (vnl_index_put(&lab->index, VNL_TYPE_ASG, asg->id, asg) < 0 ||
         vnl_index_put(&lab->index, VNL_TYPE_ASG, asg->name, asg) < 0))
        return vnl_add_failed(err, VNL_TYPE_ASG, name);
    return lab->asgs[lab->n_asgs++] = TAKE_PTR(asg);
}

int vnl_rule_address_add(struct vnl_rule_side *side, const char *text, struct vnl_err **err)
{
    struct vnl_prefix prefix;
    struct vnl_addr addr;
    enum vnl_tag tag;

    if (strcmp(text, "*") == 0) {
        side->any = true;
        return 0;
    }
    if (vnl_tag_parse(text, &tag) == 0) {
        side->tag = side->n_tags++ ? side->tag : tag;
        return 0;
    }
    if (vnl_addr_parse(text, &addr, NULL) == 0)
        prefix = (struct vnl_prefix){ .addr = addr, .len = (uint8_t)vnl_addr_bits(addr.family) };
    else if (vnl_prefix_parse(text, &prefix, err) < 0)
        return -EINVAL;
    return vnl_prefixes_add(&side->prefixes, &prefix);
}

int vnl_rule_port_add(struct vnl_rule_side *side, const char *text)
{
    struct vnl_ports ports;

    if (strcmp(text, "*") == 0) {
        side->any_port = true;
        return 0;
    }
    return vnl_ports_parse(text, &ports) < 0 ? -EINVAL : vnl_ports_add(&side->ports, ports);
}

/* --- finding ----------------------------------------------------------------------------------------- */

struct vnl_nsg *vnl_nsg_lookup(const struct vnl_lab *lab, const char *name_or_id)
{
    return vnl_index_unique(lab->index, VNL_TYPE_NSG, name_or_id);
}

struct vnl_asg *vnl_asg_lookup(const struct vnl_lab *lab, const char *name_or_id)
{
    return vnl_index_unique(lab->index, VNL_TYPE_ASG, name_or_id);
}

struct vnl_rule *vnl_rule_lookup(const struct vnl_nsg *nsg, const char *name)
{
    return vnl_index_get(nsg->index, VNL_TYPE_RULE, name, strlen(name), NULL);
}
