/* Effective security rules.
 *
 * An NSG means something else in each VNet: tags stand for the addresses that the VNet and its peers have now, ASGs for their members'
 * addresses. So the plan holds an NSG once per VNet in which it acts, with its own rules and the six that every NSG has, inbound before
 * outbound and each by priority: the first that matches decides (spec 3.3), and the last matches everything. Where a route table puts
 * prefixes into the VirtualNetwork tag of its subnets, the NSG has a set of its own for it; route tables that put the same ones there share
 * it, and the defaults alone name the tag in every NSG.
 *
 * A rule that names an ASG applies to members only (spec 3.6). Members are named by address, and a packet at a NIC carries that NIC's
 * address on its own side; so a side of addresses says the same. ASGs do not reach over a peering: in another VNet than its members'
 * an ASG is empty. */
#include "parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"
#include "rules.h"

static const uint8_t proto_number[] = {
    [VNL_RULE_ANY] = 0,           [VNL_RULE_TCP] = IPPROTO_TCP,
    [VNL_RULE_UDP] = IPPROTO_UDP, [VNL_RULE_ICMP] = IPPROTO_ICMP,
    [VNL_RULE_ESP] = IPPROTO_ESP, [VNL_RULE_AH] = IPPROTO_AH,
};
static_assert(ARRAY_SIZE(proto_number) == VNL_RULE_PROTO_MAX, "a number for every protocol");

/* --- one side of a rule ------------------------------------------------------------------------------------ */

static bool is_platform(enum vnl_tag tag)
{
    return tag == VNL_TAG_PLATFORM_DNS || tag == VNL_TAG_PLATFORM_IMDS || tag == VNL_TAG_PLATFORM_LKM;
}

/* Takes `text`, and puts a comma and `word` behind it. NULL on ENOMEM. */
static char *text_join(char *text, const char *word)
{
    char *longer = text ? vnl_text("%s,%s", text, word) : strdup(word);

    free(text);
    return longer;
}

static char *prefixes_joined(const struct vnl_prefixes *prefixes)
{
    char *text = vnl_prefixes_text(prefixes->items, prefixes->n);

    for (char *p = text; p && *p; p++)
        if (*p == ' ')
            *p = ',';
    return text;
}

static char *side_text(const struct vnl_rule_side *side)
{
    char *text = NULL;

    if (side->any)
        return strdup("0.0.0.0/0"); /* spec 3.9, also where IPv6 is meant as well */
    if (side->tag != VNL_TAG_NONE)
        return strdup(vnl_tag_str(side->tag));
    if (side->n_asgs == 0)
        return prefixes_joined(&side->prefixes);
    for (size_t i = 0; i < side->n_asgs; i++) {
        text = text_join(text, side->asgs[i]->name);
        if (!text)
            return NULL;
    }
    return text;
}

static size_t count_addrs(const struct vnl_asg *asg)
{
    size_t n = 0;

    for (size_t i = 0; i < asg->n_nics; i++)
        n += asg->nics[i]->n_configs;
    return n;
}

static void add_members(struct vnl_plan_side *out, const struct vnl_asg *asg)
{
    for (size_t i = 0; i < asg->n_nics; i++)
        for (size_t k = 0; k < asg->nics[i]->n_configs; k++) {
            const struct vnl_addr *addr = &asg->nics[i]->configs[k].addr;

            out->prefixes[out->n_prefixes++] =
                (struct vnl_prefix){ .addr = *addr, .len = (uint8_t)vnl_addr_bits(addr->family) };
        }
}

static int prefix_order(const void *a, const void *b)
{
    return vnl_prefix_cmp(a, b);
}

/* A NIC may be in several of the ASGs. */
static void sort_members(struct vnl_plan_side *out)
{
    size_t n = 0;

    qsort(out->prefixes, out->n_prefixes, sizeof(*out->prefixes), prefix_order);
    for (size_t i = 0; i < out->n_prefixes; i++)
        if (n == 0 || !vnl_prefix_eq(&out->prefixes[n - 1], &out->prefixes[i]))
            out->prefixes[n++] = out->prefixes[i];
    out->n_prefixes = n;
}

static int expand_asgs(struct vnl_plan_side *out, const struct vnl_rule_side *side,
                       const struct vnl_vnet *vnet)
{
    size_t n = 0;

    for (size_t i = 0; i < side->n_asgs; i++)
        n += count_addrs(side->asgs[i]);
    out->prefixes = calloc(n + 1, sizeof(*out->prefixes));
    if (!out->prefixes)
        return -ENOMEM;
    for (size_t i = 0; i < side->n_asgs; i++)
        if (side->asgs[i]->vnet == vnet)
            add_members(out, side->asgs[i]);
    sort_members(out);
    return 0;
}

static int copy_prefixes(struct vnl_plan_side *out, const struct vnl_prefixes *prefixes)
{
    out->prefixes = calloc(prefixes->n + 1, sizeof(*out->prefixes));
    if (!out->prefixes)
        return -ENOMEM;
    for (; out->n_prefixes < prefixes->n; out->n_prefixes++)
        out->prefixes[out->n_prefixes] = prefixes->items[out->n_prefixes];
    return 0;
}

static int copy_ports(struct vnl_plan_side *out, const struct vnl_rule_side *side)
{
    if (side->any_port)
        return 0;
    out->ports = calloc(side->ports.n + 1, sizeof(*out->ports));
    if (!out->ports)
        return -ENOMEM;
    for (; out->n_ports < side->ports.n; out->n_ports++)
        out->ports[out->n_ports] = (struct vnl_plan_ports){
            .first = side->ports.items[out->n_ports].first,
            .last = side->ports.items[out->n_ports].last,
        };
    return 0;
}

static int expand_side(struct vnl_plan_side *out, const struct vnl_rule_side *side,
                       const struct vnl_vnet *vnet, const struct vnl_tags *tags)
{
    out->text = side_text(side);
    out->any = side->any;
    out->expanded = side->tag != VNL_TAG_NONE || side->n_asgs > 0;
    out->platform = is_platform(side->tag);
    if (!out->text || copy_ports(out, side) < 0)
        return -ENOMEM;
    if (side->any)
        return 0;
    if (side->n_asgs > 0)
        return expand_asgs(out, side, vnet);
    return copy_prefixes(out, side->tag != VNL_TAG_NONE ? &tags->prefixes[side->tag] : &side->prefixes);
}

/* --- an NSG in a VNet --------------------------------------------------------------------------------------- */

struct numbered {
    const struct vnl_rule *rule;
    uint32_t counter;
};

/* Inbound first, then by priority; no two of one NSG have both the same (SecurityRuleConflict). */
static int numbered_cmp(const void *a, const void *b)
{
    const struct vnl_rule *left = ((const struct numbered *)a)->rule,
                          *right = ((const struct numbered *)b)->rule;

    if (left->direction != right->direction)
        return left->direction == VNL_INBOUND ? -1 : 1;
    return left->priority - right->priority;
}

static struct numbered *sorted_rules(const struct vnl_nsg *nsg)
{
    struct numbered *rules = calloc(nsg->n_rules + VNL_DEFAULT_RULES, sizeof(*rules));

    if (!rules)
        return NULL;
    for (size_t i = 0; i < nsg->n_rules; i++)
        rules[i] = (struct numbered){ nsg->rules[i], nsg->rules[i]->slot };
    for (size_t i = 0; i < VNL_DEFAULT_RULES; i++)
        rules[nsg->n_rules + i] = (struct numbered){ &vnl_default_rules[i], nsg->default_slots[i] };
    qsort(rules, nsg->n_rules + VNL_DEFAULT_RULES, sizeof(*rules), numbered_cmp);
    return rules;
}

static int expand_rule(struct vnl_plan_rule *out, const struct numbered *from, const struct vnl_vnet *vnet,
                       const struct vnl_tags *tags)
{
    const struct vnl_rule *rule = from->rule;

    out->name = strdup(rule->name);
    out->is_default = rule->nsg == NULL;
    out->priority = rule->priority;
    out->inbound = rule->direction == VNL_INBOUND;
    out->allow = rule->access == VNL_ALLOW;
    out->proto = proto_number[rule->proto];
    out->counter = from->counter;
    if (!out->name || expand_side(&out->source, &rule->source, vnet, tags) < 0)
        return -ENOMEM;
    return expand_side(&out->destination, &rule->destination, vnet, tags);
}

static int expand_rules(struct vnl_plan *plan, struct vnl_plan_rules *out, const struct numbered *from,
                        size_t n, const struct vnl_vnet *vnet, const struct vnl_tags *tags)
{
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        *(from[i].rule->direction == VNL_INBOUND ? &out->n_inbound : &out->n_outbound) += 1;
        if (from[i].counter >= plan->rule_counters)
            plan->rule_counters = from[i].counter + 1;
        r = expand_rule(&out->rules[i], &from[i], vnet, tags);
    }
    return r;
}

static const struct vnl_nsg_use *use_in(const struct vnl_nsg *nsg, const struct vnl_vnet *vnet)
{
    for (size_t i = 0; i < nsg->n_uses; i++)
        if (nsg->uses[i].vnet == vnet)
            return &nsg->uses[i];
    return NULL;
}

static int name_set(struct vnl_plan_rules *out, const struct vnl_nsg *nsg, const struct vnl_vnet *vnet,
                    const struct vnl_udr_table *udrs)
{
    const struct vnl_nsg_use *use = use_in(nsg, vnet);

    out->key = vnl_text("%s in %s%s%s", nsg->id, vnet->id, udrs ? " with " : "", udrs ? udrs->id : "");
    if (!out->key || vnl_text_copy(&out->nsg, nsg->id) < 0 || vnl_text_copy(&out->nsg_name, nsg->name) < 0)
        return -ENOMEM;
    out->vnet = vnet->number;
    out->slot = use && !udrs ? use->slot : (uint32_t)vnl_text_hash(out->key) | 0x80000000u;
    return udrs ? vnl_text_copy(&out->route_table, udrs->name) : 0;
}

/* key: see sets_of(). tags: by table, built for the first NSG that needs them and kept for the others. */
static int add_set(struct vnl_plan_work *work, const struct vnl_nsg *nsg, uint64_t key, struct vnl_tags *tags)
{
    uint32_t table = (uint32_t)key;
    struct vnl_plan_rules *out = &work->plan->rules[work->plan->n_rules++];
    const struct vnl_vnet *vnet = work->lab->vnets[key >> 32];
    struct numbered *rules = sorted_rules(nsg);
    size_t n = nsg->n_rules + VNL_DEFAULT_RULES;
    int r = name_set(out, nsg, vnet, work->udrs[table]);

    out->rules = calloc(n, sizeof(*out->rules));
    if (!rules || !out->rules)
        r = -ENOMEM;
    if (r == 0 && tags[table].prefixes[VNL_TAG_VIRTUAL_NETWORK].n == 0)
        r = vnl_tags_build(work->lab, vnet, work->udrs[table], &tags[table]);
    if (r == 0)
        r = expand_rules(work->plan, out, rules, n, vnet, &tags[table]);
    free(rules);
    return r;
}

/* --- which sets there are --------------------------------------------------------------------------------------- */

static int key_cmp(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static uint64_t key_of(const struct vnl_plan_work *work, const struct vnl_subnet *subnet)
{
    return (uint64_t)subnet->vnet->number << 32 | work->tags_of_table[vnl_tables_index(work, subnet)];
}

/* VNet << 32 | table that the tags are of, for each place where the NSG acts, each once and in order: so VNets come in the lab's order, and
 * the set without a route table first. Returns their number. */
static size_t sets_of(const struct vnl_plan_work *work, const struct vnl_nsg *nsg, uint64_t *ret)
{
    size_t n = 0, n_sets = 0;

    for (size_t i = 0; i < nsg->n_subnets; i++)
        ret[n++] = key_of(work, nsg->subnets[i]);
    for (size_t i = 0; i < nsg->n_nics; i++)
        ret[n++] = key_of(work, nsg->nics[i]->subnet);
    qsort(ret, n, sizeof(*ret), key_cmp);
    for (size_t i = 0; i < n; i++)
        if (n_sets == 0 || ret[n_sets - 1] != ret[i])
            ret[n_sets++] = ret[i];
    return n_sets;
}

static int find_sets(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    size_t n = 0;

    for (size_t i = 0; i < lab->n_nsgs; i++)
        n += lab->nsgs[i]->n_subnets + lab->nsgs[i]->n_nics;
    work->rules_key = calloc(n + 1, sizeof(*work->rules_key));
    work->rules_start = calloc(lab->n_nsgs + 1, sizeof(*work->rules_start));
    if (!work->rules_key || !work->rules_start)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < lab->n_nsgs; i++) {
        n += sets_of(work, lab->nsgs[i], work->rules_key + n);
        work->rules_start[i + 1] = (uint32_t)n;
    }
    return 0;
}

int vnl_rules_build(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    struct vnl_tags *tags = calloc(work->plan->n_tables + 1, sizeof(*tags));
    int r = tags ? find_sets(work) : -ENOMEM;

    if (r == 0) {
        work->plan->rules = calloc(work->rules_start[lab->n_nsgs] + 1, sizeof(*work->plan->rules));
        r = work->plan->rules ? 0 : -ENOMEM;
    }
    for (size_t i = 0; i < lab->n_nsgs && r == 0; i++)
        for (size_t k = work->rules_start[i]; k < work->rules_start[i + 1] && r == 0; k++)
            r = add_set(work, lab->nsgs[i], work->rules_key[k], tags);
    for (size_t i = 0; tags && i < work->plan->n_tables; i++)
        vnl_tags_done(&tags[i]);
    free(tags);
    return r;
}

uint32_t vnl_rules_index(const struct vnl_plan_work *work, const struct vnl_nsg *nsg,
                         const struct vnl_subnet *subnet)
{
    uint64_t key = key_of(work, subnet), *found;
    uint32_t start = nsg ? work->rules_start[nsg->number] : 0;

    if (!nsg)
        return VNL_PLAN_NO_RULES;
    found = bsearch(&key, work->rules_key + start, work->rules_start[nsg->number + 1] - start, sizeof(key),
                    key_cmp);
    return found ? (uint32_t)(found - work->rules_key) : VNL_PLAN_NO_RULES;
}

static void side_done(struct vnl_plan_side *side)
{
    free(side->text);
    free(side->prefixes);
    free(side->ports);
}

void vnl_rules_done(struct vnl_plan_rules *rules)
{
    for (size_t i = 0; rules->rules && i < rules->n_inbound + rules->n_outbound; i++) {
        free(rules->rules[i].name);
        side_done(&rules->rules[i].source);
        side_done(&rules->rules[i].destination);
    }
    free(rules->rules);
    free(rules->key);
    free(rules->nsg);
    free(rules->nsg_name);
    free(rules->route_table);
    *rules = (struct vnl_plan_rules){ 0 };
}
