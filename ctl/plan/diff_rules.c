/* What changed in network security groups: a line per rule, and a line per prefix that a tag or ASG has gained or lost. The tag Internet
 * has no lines: it is what VirtualNetwork leaves, and that has. */
#include "diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

static size_t set_count(const struct vnl_plan *plan)
{
    return plan->n_rules;
}

static const char *set_key(const struct vnl_plan *plan, size_t i)
{
    return plan->rules[i].key;
}

static const char *set_name(const struct vnl_plan *plan, size_t i)
{
    return plan->rules[i].nsg_name;
}

static char *set_describe(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_plan_rules *rules = &plan->rules[i];
    size_t own = 0;

    for (size_t k = 0; k < rules->n_inbound + rules->n_outbound; k++)
        own += !rules->rules[k].is_default;
    return vnl_text("in %s%s%s, %zu rule%s and the defaults", plan->vnets[rules->vnet].name,
                    rules->route_table ? " with " : "", rules->route_table ? rules->route_table : "", own,
                    own == 1 ? "" : "s");
}

/* "Inbound 100 allow-http: Allow Tcp 0.0.0.0/0:0-65535 to 10.0.0.0/24:80-80" */
static char *rule_text(const struct vnl_plan_rule *rule)
{
    CLEANUP(vnl_str_free) char *from = vnl_ports_text(&rule->source);
    CLEANUP(vnl_str_free) char *to = vnl_ports_text(&rule->destination);

    if (!from || !to)
        return NULL;
    return vnl_text("%s %d %s: %s %s %s ports %s to %s ports %s", rule->inbound ? "Inbound" : "Outbound",
                    rule->priority, rule->name, rule->allow ? "Allow" : "Deny", vnl_rule_proto_text(rule),
                    rule->source.text, from, rule->destination.text, to);
}

struct texts {
    char **items;
    size_t n;
};

static int add_text(struct texts *texts, char *text)
{
    texts->items[texts->n] = text;
    if (!text)
        return -ENOMEM;
    texts->n++;
    return 0;
}

static int add_prefixes(struct texts *texts, const struct vnl_plan_side *side)
{
    char buf[VNL_PREFIX_STR];
    int r = 0;

    for (size_t i = 0; i < side->n_prefixes && r == 0; i++)
        r = add_text(texts, vnl_text("%s %s", side->text, vnl_prefix_format(&side->prefixes[i], buf)));
    return r;
}

static bool is_shown(const struct vnl_plan_rules *rules, size_t i)
{
    return vnl_rules_expands(rules, i) && strcmp(vnl_rules_side(rules, i)->text, "Internet") != 0;
}

/* NULL on ENOMEM. */
static char **set_texts(const struct vnl_plan_rules *rules, size_t *ret_n)
{
    size_t n = rules->n_inbound + rules->n_outbound, room = n;
    struct texts texts = { 0 };
    int r = 0;

    for (size_t i = 0; i < 2 * n; i++)
        if (is_shown(rules, i))
            room += vnl_rules_side(rules, i)->n_prefixes;
    texts.items = calloc(room + 1, sizeof(*texts.items));
    if (!texts.items)
        return NULL;
    for (size_t i = 0; i < n && r == 0; i++)
        r = add_text(&texts, rule_text(&rules->rules[i]));
    for (size_t i = 0; i < 2 * n && r == 0; i++)
        if (is_shown(rules, i))
            r = add_prefixes(&texts, vnl_rules_side(rules, i));
    *ret_n = texts.n;
    if (r == 0)
        return texts.items;
    for (size_t i = 0; i < texts.n; i++)
        free(texts.items[i]);
    free(texts.items);
    return NULL;
}

static int set_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    size_t n_gone = 0, n_come = 0;
    char **gone = set_texts(&work->before->rules[pair->before], &n_gone);
    char **come = set_texts(&work->after->rules[pair->after], &n_come);

    return vnl_diff_rows(work, pair, gone, n_gone, come, n_come);
}

const struct vnl_diff_kind vnl_diff_rules = {
    "networkSecurityGroups", set_count, set_key, set_name, set_describe, set_compare
};
