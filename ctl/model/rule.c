/* Security rules: spec 3.1, and what 3.6 says about ASGs in rules.
 *
 * A loader puts into a side whatever is written; here the side is refused or brought to one of its four forms:
 * any address, one tag, ASGs, prefixes. Codes are ARM's where they are known. Where a refusal of Azure is known
 * and its code is not, the code is BadRequest, as in peering_check.c. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PRIORITY_MIN 100
#define PRIORITY_MAX 4096

/* The two sides of a rule, in the words of ARM's properties. */
enum side { SIDE_SOURCE, SIDE_DESTINATION, SIDE_MAX };

static const char *const side_str[] = {
    [SIDE_SOURCE] = "source",
    [SIDE_DESTINATION] = "destination",
};
static_assert(ARRAY_SIZE(side_str) == SIDE_MAX, "name both sides");

static struct vnl_rule_side *side_of(struct vnl_rule *rule, enum side side)
{
    return side == SIDE_SOURCE ? &rule->source : &rule->destination;
}

/* --- addresses --------------------------------------------------------------------------------------- */

/* Source: ARM's sentence; its rule id in full is our target, so the name is enough. */
static void mistake_word(struct vnl_check *check, const struct vnl_rule *rule, enum side which,
                         const struct vnl_rule_side *side)
{
    vnl_mistake(
        check, "SecurityRuleParameterContainsUnsupportedValue", &side->src, rule->id,
        "write one service tag per side, alone; a rule for each",
        "Security rule parameter %sAddressPrefixes for rule '%s' cannot specify existing VIRTUALNETWORK, "
        "INTERNET, AZURELOADBALANCER, '*' or system tags. Unsupported value used: %s",
        side_str[which], rule->name, side->n_tags ? vnl_tag_str(side->tag) : "*");
}

static bool mixes_families(const struct vnl_rule_side *side, uint16_t *family)
{
    for (size_t i = 0; i < side->prefixes.n; i++) {
        uint16_t other = side->prefixes.items[i].addr.family;

        if (*family && *family != other)
            return true;
        *family = other;
    }
    return false;
}

/* Both sides together: no packet has a source of one family and a destination of the other. */
static void check_families(struct vnl_check *check, const struct vnl_rule *rule)
{
    uint16_t family = AF_UNSPEC;
    bool mixed = mixes_families(&rule->source, &family);
    const struct vnl_src *src = mixed ? &rule->source.src : &rule->destination.src;

    if (mixed || mixes_families(&rule->destination, &family))
        vnl_mistake(check, "BadRequest", src, rule->id, "write a rule for each family",
                    "Security rule '%s' mixes IPv4 and IPv6 prefixes; all prefixes of a rule are of one "
                    "family",
                    rule->name);
}

static void check_asg_side(struct vnl_check *check, const struct vnl_rule *rule, enum side which,
                           const struct vnl_rule_side *side)
{
    if (side->any || side->n_tags || side->prefixes.n)
        vnl_mistake(check, "BadRequest", &side->asg_src, rule->id, "leave one of the two out",
                    "Security rule '%s' has both address prefixes and application security groups as its %s",
                    rule->name, side_str[which]);
    if (side->n_asgs > VNL_LIMIT_RULE_ASGS)
        vnl_mistake(check, "BadRequest", &side->asg_src, rule->id, NULL,
                    "Security rule '%s' has %zu application security groups as its %s; at most %u are "
                    "allowed",
                    rule->name, side->n_asgs, side_str[which], VNL_LIMIT_RULE_ASGS);
}

/* A word beside others: `*`, or a tag. */
static bool has_mixed_words(const struct vnl_rule_side *side)
{
    size_t n_words = side->n_tags + (side->any ? 1 : 0);

    return n_words > 1 || (n_words && side->prefixes.n);
}

static void check_addresses(struct vnl_check *check, const struct vnl_rule *rule, enum side which,
                            struct vnl_rule_side *side)
{
    if (side->asg_refs.n)
        check_asg_side(check, rule, which, side);
    else if (has_mixed_words(side))
        mistake_word(check, rule, which, side);
    if (!side->asg_refs.n && !side->n_tags && !side->prefixes.n)
        side->any = true;
}

/* --- ports ------------------------------------------------------------------------------------------- */

/* Source: ARM's sentence. */
static void mistake_ports(struct vnl_check *check, const struct vnl_rule *rule,
                          const struct vnl_rule_side *side, const char *value)
{
    vnl_mistake(check, "SecurityRuleInvalidPortRange", &side->ports_src, rule->id, NULL,
                "Security rule has invalid Port range. Value provided: %s. Value should be an integer OR "
                "integer range with '-' delimiter. Valid range 0-65535",
                value);
}

static void check_ports(struct vnl_check *check, const struct vnl_rule *rule, struct vnl_rule_side *side)
{
    char buf[VNL_PORTS_STR];

    for (size_t i = 0; i < side->ports.n; i++) {
        if (side->ports.items[i].first > side->ports.items[i].last)
            mistake_ports(check, rule, side, vnl_ports_format(side->ports.items[i], buf));
    }
    if (side->any_port && side->ports.n)
        mistake_ports(check, rule, side, "*");
    side->any_port = side->ports.n == 0;
}

/* --- application security groups --------------------------------------------------------------------- */

static void resolve_side(struct vnl_check *check, const struct vnl_rule *rule, struct vnl_rule_side *side)
{
    CLEANUP(vnl_str_free) char *who = NULL;

    if (!side->asg_refs.n)
        return;
    if (asprintf(&who, "security rule '%s'", rule->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "security rule");
        return;
    }
    vnl_asg_refs_resolve(check, &side->asg_refs, &side->asg_src, rule->id, who, &side->asgs, &side->n_asgs);
    for (size_t i = 0; i < side->n_asgs; i++) {
        CLEANUP(vnl_str_free) char *what = NULL;

        if (asprintf(&what, "Application security group '%s'", side->asgs[i]->name) < 0) {
            what = NULL;
            vnl_check_nomem(check, "security rule");
            return;
        }
        (void)vnl_region_check(check, what, &side->asgs[i]->scope, who, &rule->nsg->scope, &side->asg_src,
                               rule->id);
    }
}

/* Both sides together; groups without members are in no VNet yet. */
static void check_asg_vnets(struct vnl_check *check, struct vnl_rule *rule)
{
    const struct vnl_asg *first = NULL;

    for (enum side which = SIDE_SOURCE; which < SIDE_MAX; which++) {
        const struct vnl_rule_side *side = side_of(rule, which);

        for (size_t i = 0; i < side->n_asgs; i++) {
            const struct vnl_asg *asg = side->asgs[i];

            if (!first || !first->vnet)
                first = asg;
            if (!asg->vnet || asg->vnet == first->vnet)
                continue;
            vnl_mistake(check, "BadRequest", &side->asg_src, rule->id, NULL,
                        "Security rule '%s' has application security groups of two virtual networks: '%s' "
                        "is in '%s', '%s' is in '%s'",
                        rule->name, first->name, first->vnet->name, asg->name, asg->vnet->name);
            return;
        }
    }
}

/* --- one rule ---------------------------------------------------------------------------------------- */

/* Source: ARM's sentence. */
static void check_priority(struct vnl_check *check, const struct vnl_rule *rule)
{
    if (rule->priority < PRIORITY_MIN || rule->priority > PRIORITY_MAX)
        vnl_mistake(check, "SecurityRuleInvalidPriority", &rule->priority_src, rule->id, NULL,
                    "Security rule has invalid Priority. Value provided: %d. Allowed range %d-%d",
                    rule->priority, PRIORITY_MIN, PRIORITY_MAX);
}

/* Source of the code: arm-api.md, SecurityRuleConflict, "also for a name clash with a default rule". */
static void check_default_name(struct vnl_check *check, const struct vnl_rule *rule)
{
    for (size_t i = 0; i < VNL_DEFAULT_RULES; i++) {
        if (strcasecmp(rule->name, vnl_default_rules[i].name) == 0)
            vnl_mistake(check, "SecurityRuleConflict", &rule->src, rule->id,
                        "give it another name: a default rule is overridden by any rule before it",
                        "Security rule %s conflicts with default rule %s", rule->name,
                        vnl_default_rules[i].name);
    }
}

static void resolve_rule(struct vnl_check *check, struct vnl_rule *rule)
{
    check_priority(check, rule);
    check_default_name(check, rule);
    for (enum side which = SIDE_SOURCE; which < SIDE_MAX; which++) {
        struct vnl_rule_side *side = side_of(rule, which);

        resolve_side(check, rule, side);
        check_addresses(check, rule, which, side);
        check_ports(check, rule, side);
    }
    check_families(check, rule);
    check_asg_vnets(check, rule);
}

/* --- the rules of one NSG ---------------------------------------------------------------------------- */

/* Each rule is blamed once, for the first one that has its place. Source: ARM's sentence. */
static void check_conflicts(struct vnl_check *check, const struct vnl_nsg *nsg)
{
    const struct vnl_rule *seen[VNL_DIRECTION_MAX][PRIORITY_MAX - PRIORITY_MIN + 1] = { 0 };

    for (size_t i = 0; i < nsg->n_rules; i++) {
        const struct vnl_rule *rule = nsg->rules[i], **place;

        if (rule->priority < PRIORITY_MIN || rule->priority > PRIORITY_MAX)
            continue;
        place = &seen[rule->direction][rule->priority - PRIORITY_MIN];
        if (!*place)
            *place = rule;
        else
            vnl_mistake(check, "SecurityRuleConflict", &rule->priority_src, rule->id, NULL,
                        "Security rule %s conflicts with rule %s. Rules cannot have the same Priority and "
                        "Direction. To learn more, see aka.ms/nsgrules",
                        rule->name, (*place)->name);
    }
}

static void check_prefix_count(struct vnl_check *check, const struct vnl_nsg *nsg, enum side which)
{
    const struct vnl_rule *last = NULL;
    size_t n = 0;

    for (size_t i = 0; i < nsg->n_rules; i++) {
        n += side_of(nsg->rules[i], which)->prefixes.n;
        if (!last && n > VNL_LIMIT_RULE_PREFIXES)
            last = nsg->rules[i];
    }
    if (last)
        vnl_mistake(check, "BadRequest", &last->src, last->id, NULL,
                    "Network security group '%s' has %zu %s address prefixes in all its rules; at most %u "
                    "are allowed",
                    nsg->name, n, side_str[which], VNL_LIMIT_RULE_PREFIXES);
}

/* Different ones: a group that several rules name is one. */
static void check_asg_count(struct vnl_check *check, const struct vnl_nsg *nsg)
{
    CLEANUP(vnl_str_free) char *named = calloc(check->lab->n_asgs + 1, 1);
    size_t n = 0;

    if (!named) {
        vnl_check_nomem(check, "application security groups");
        return;
    }
    for (size_t i = 0; i < nsg->n_rules; i++) {
        for (enum side which = SIDE_SOURCE; which < SIDE_MAX; which++) {
            const struct vnl_rule_side *side = side_of(nsg->rules[i], which);

            for (size_t k = 0; k < side->n_asgs; k++) {
                n += !named[side->asgs[k]->number];
                named[side->asgs[k]->number] = 1;
            }
        }
    }
    if (n > VNL_LIMIT_NSG_ASGS)
        vnl_mistake(
            check, "BadRequest", &nsg->src, nsg->id, NULL,
            "Network security group '%s' has %zu application security groups in all its rules; at most "
            "%u are allowed",
            nsg->name, n, VNL_LIMIT_NSG_ASGS);
}

static void check_limits(struct vnl_check *check, const struct vnl_nsg *nsg)
{
    if (nsg->n_rules > VNL_LIMIT_RULES)
        vnl_mistake(check, "BadRequest", &nsg->rules[VNL_LIMIT_RULES]->src, nsg->rules[VNL_LIMIT_RULES]->id,
                    NULL, "Network security group '%s' has %zu rules; at most %u are allowed", nsg->name,
                    nsg->n_rules, VNL_LIMIT_RULES);
    for (enum side which = SIDE_SOURCE; which < SIDE_MAX; which++)
        check_prefix_count(check, nsg, which);
    if (check->lab->n_asgs > VNL_LIMIT_NSG_ASGS)
        check_asg_count(check, nsg);
}

void vnl_rules_resolve(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_nsgs; i++) {
        const struct vnl_nsg *nsg = check->lab->nsgs[i];

        for (size_t k = 0; k < nsg->n_rules; k++)
            resolve_rule(check, nsg->rules[k]);
        if (nsg->n_rules > 1)
            check_conflicts(check, nsg);
        check_limits(check, nsg);
    }
}
