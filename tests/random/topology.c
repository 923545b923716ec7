#include "topology_parts.h"

#include <stdio.h>
#include <string.h>

/* --- rules --------------------------------------------------------------------------------------------------------------- */

static void random_addr(const struct topology *t, uint64_t *seed, bool v6, char ret[96])
{
    static const char *const tags[] = { "VirtualNetwork", "VirtualNetwork", "Internet", "AzureLoadBalancer" };
    char one[64], two[64];

    switch (topology_below(seed, 6)) {
    case 0:
        (void)snprintf(ret, 96, "%s", PICK(seed, tags));
        return;
    case 1:
    case 2:
        (void)snprintf(ret, 96, "'*'");
        return;
    case 3:
        topology_random_prefix(t, seed, v6, one);
        topology_random_prefix(t, seed, v6, two);
        if (strcmp(one, two) != 0) {
            (void)snprintf(ret, 96, "['%.40s', '%.40s']", one, two);
            return;
        }
        break;
    default:
        topology_random_prefix(t, seed, v6, one);
        break;
    }
    (void)snprintf(ret, 96, "'%s'", one);
}

static void random_side(const struct topology *t, uint64_t *seed, bool v6, struct topology_side *ret)
{
    *ret = (struct topology_side){ .ports = "'*'" };
    if (topology_one_in(seed, 5) && topology_has_asg(t, ret->asg = topology_below(seed, TOPOLOGY_ASGS)))
        return;
    random_addr(t, seed, v6, ret->addr);
}

/* Source ports: probes send from ephemeral ones, dry runs from 30000; no rule parts those. */
static void random_ports(uint64_t *seed, struct topology_rule *rule)
{
    static const char *const to[] = {
        "80", "443", "53", "5000", "80-443", "0-1023", "444-65535", "[53, 443]"
    };
    static const char *const from[] = { "0-1023", "1024-65535", "[1024-65535, 7]" };

    if (topology_one_in(seed, 2))
        (void)snprintf(rule->destination.ports, sizeof(rule->destination.ports), "%s", PICK(seed, to));
    if (topology_one_in(seed, 6))
        (void)snprintf(rule->source.ports, sizeof(rule->source.ports), "%s", PICK(seed, from));
}

/* ASGs on both sides of a rule are in one VNet (spec 3.6). */
static void part_groups(const struct topology *t, struct topology_rule *rule)
{
    struct topology_side *from = &rule->source, *to = &rule->destination;

    if (!from->addr[0] && !to->addr[0] && t->asgs[from->asg].vnet != t->asgs[to->asg].vnet)
        (void)snprintf(from->addr, sizeof(from->addr), "'*'");
}

static void random_rule(const struct topology *t, uint64_t *seed, int number, struct topology_rule *ret)
{
    static const char *const protos[] = { "'*'", "'*'", "Tcp", "Tcp", "Udp", "Icmp", "Esp" };
    bool v6 = topology_one_in(seed, 3);

    *ret = (struct topology_rule){ .state = TOPOLOGY_THERE,
                                   .priority = 100 + topology_below(seed, 400) * TOPOLOGY_RULES + number };
    ret->inbound = topology_one_in(seed, 2);
    ret->allow = topology_one_in(seed, 2);
    ret->proto = PICK(seed, protos);
    random_side(t, seed, v6, &ret->source);
    random_side(t, seed, v6, &ret->destination);
    random_ports(seed, ret);
    part_groups(t, ret);
}

/* --- the lab ------------------------------------------------------------------------------------------------------------- */

static int random_nsg(const struct topology *t, uint64_t *seed)
{
    int nsg = topology_below(seed, TOPOLOGY_NSGS);

    if (t->open && !topology_one_in(seed, 4))
        return -1;
    return topology_has_nsg(t, nsg) && !topology_one_in(seed, 3) ? nsg : -1;
}

static unsigned random_groups(const struct topology *t, uint64_t *seed, int vm)
{
    unsigned groups = 0;

    for (int i = 0; i < TOPOLOGY_ASGS; i++) {
        if (t->asgs[i].vnet == t->subnets[t->vms[vm].subnet].vnet && topology_one_in(seed, 2))
            groups |= 1u << i;
    }
    return groups;
}

static void make_nets(struct topology *t, uint64_t *seed)
{
    int n = 2 + topology_below(seed, TOPOLOGY_VNETS - 1), subnets = 0;

    for (int i = 0; i < n; i++) {
        t->vnets[i].state = TOPOLOGY_THERE;
        t->vnets[i].is_public = topology_one_in(seed, 4);
        t->vnets[i].dual = topology_one_in(seed, 2);
        t->vnets[i].second = topology_one_in(seed, 4);
        t->vnets[i].timeout = topology_one_in(seed, 3);
        for (int k = 1 + topology_one_in(seed, 2); k >= 0 && subnets < TOPOLOGY_SUBNETS; k--, subnets++) {
            t->subnets[subnets].state = TOPOLOGY_THERE;
            t->subnets[subnets].vnet = i;
            t->subnets[subnets].second = k == 0;
            t->subnets[subnets].nsg = random_nsg(t, seed);
        }
    }
    for (int i = 0; i < TOPOLOGY_VMS; i++) {
        t->vms[i].state = i < 3 || !topology_one_in(seed, 3) ? TOPOLOGY_THERE : TOPOLOGY_NEVER;
        t->vms[i].subnet = topology_below(seed, subnets);
        if (t->subnets[t->vms[i].subnet].second && topology_one_in(seed, 2))
            t->vms[i].subnet--; /* the VNet's first range is where most live */
    }
}

/* Of every pair: nothing, one link, or both. */
static void make_links(struct topology *t, uint64_t *seed)
{
    for (int i = 0; i < TOPOLOGY_LINKS; i++) {
        int from = i / TOPOLOGY_VNETS, to = i % TOPOLOGY_VNETS, twin = to * TOPOLOGY_VNETS + from;

        t->links[i].access = !topology_one_in(seed, t->open ? 12 : 3);
        t->links[i].forwarded = t->open ? !topology_one_in(seed, 4) : topology_one_in(seed, 2);
        if (from != to)
            t->links[i].state =
                topology_one_in(seed, from < to && !t->open ? 3 : 8) ? TOPOLOGY_NEVER : TOPOLOGY_THERE;
        if (from > to && t->links[twin].state == TOPOLOGY_NEVER)
            t->links[i].state = topology_one_in(seed, 4) ? TOPOLOGY_THERE : TOPOLOGY_NEVER;
    }
}

/* The lots are drawn all the same, so that what is left is as in the whole lab. */
static void leave_out(struct topology *t)
{
    for (int i = 0; i < TOPOLOGY_NSGS && !(t->features & TOPOLOGY_RULES_TOO); i++)
        t->nsgs[i].state = TOPOLOGY_NEVER;
    for (int i = 0; i < TOPOLOGY_TABLES && !(t->features & TOPOLOGY_ROUTES_TOO); i++)
        t->tables[i].state = TOPOLOGY_NEVER;
    for (int i = 0; i < TOPOLOGY_VNETS && !(t->features & TOPOLOGY_IPV6_TOO); i++)
        t->vnets[i].dual = false;
    if (!(t->features & TOPOLOGY_INTERNET_TOO))
        t->internet = TOPOLOGY_NEVER;
    if (!(t->features & TOPOLOGY_BALANCER_TOO))
        t->balancer.state = TOPOLOGY_NEVER;
}

void topology_make(struct topology *t, unsigned features, uint64_t *seed)
{
    *t = (struct topology){ .features = features, .tag_only = topology_one_in(seed, 4) };
    t->forwarded_tag_only = topology_one_in(seed, 4);
    t->open = topology_one_in(seed, 2);
    for (int i = 0; i < TOPOLOGY_NSGS; i++)
        t->nsgs[i].state = topology_one_in(seed, 4) ? TOPOLOGY_NEVER : TOPOLOGY_THERE;
    make_nets(t, seed);
    make_links(t, seed);
    for (int i = 0; i < TOPOLOGY_ASGS; i++) {
        t->asgs[i].state = topology_one_in(seed, 3) ? TOPOLOGY_NEVER : TOPOLOGY_THERE;
        t->asgs[i].vnet = t->subnets[t->vms[topology_below(seed, TOPOLOGY_VMS)].subnet].vnet;
    }
    for (int i = 0; i < TOPOLOGY_VMS; i++) {
        t->vms[i].nsg = random_nsg(t, seed);
        t->vms[i].asgs = random_groups(t, seed, i);
    }
    for (int i = 0; i < TOPOLOGY_NSGS; i++) {
        for (int k = topology_below(seed, TOPOLOGY_RULES); k > 0; k--)
            random_rule(t, seed, k, &t->nsgs[i].rules[k]);
    }
    topology_make_routes(t, seed);
    topology_make_outside(t, seed);
    leave_out(t);
}

/* --- changes ------------------------------------------------------------------------------------------------------------- */

static bool change_rule(struct topology *t, uint64_t *seed)
{
    int nsg = topology_below(seed, TOPOLOGY_NSGS), number = topology_below(seed, TOPOLOGY_RULES);
    struct topology_rule *rule = &t->nsgs[nsg].rules[number];

    if (!topology_has_nsg(t, nsg))
        return false;
    if (rule->state != TOPOLOGY_THERE || topology_one_in(seed, 4))
        random_rule(t, seed, number, rule);
    else if (topology_one_in(seed, 3))
        rule->state = TOPOLOGY_NEVER;
    else if (topology_one_in(seed, 2))
        rule->priority = 100 + topology_below(seed, 400) * TOPOLOGY_RULES + number;
    else
        rule->allow = !rule->allow;
    return true;
}

/* A link that was deleted, or whose twin was, stays as it is: that is another story (spec 2.2). */
static bool change_link(struct topology *t, uint64_t *seed)
{
    int from = topology_below(seed, TOPOLOGY_VNETS), to = topology_below(seed, TOPOLOGY_VNETS),
        i = from * TOPOLOGY_VNETS + to;
    bool wounded =
        t->links[i].state == TOPOLOGY_GONE || t->links[to * TOPOLOGY_VNETS + from].state == TOPOLOGY_GONE;

    if (from == to || wounded || t->vnets[from].state != TOPOLOGY_THERE ||
        t->vnets[to].state != TOPOLOGY_THERE)
        return false;
    if (t->links[i].state == TOPOLOGY_NEVER)
        t->links[i].state = TOPOLOGY_THERE;
    else if (topology_one_in(seed, 4))
        t->links[i].state = TOPOLOGY_GONE;
    else if (topology_one_in(seed, 2))
        t->links[i].access = !t->links[i].access;
    else
        t->links[i].forwarded = !t->links[i].forwarded;
    return true;
}

static bool change_place(struct topology *t, uint64_t *seed)
{
    int subnet = topology_below(seed, TOPOLOGY_SUBNETS), vm = topology_below(seed, TOPOLOGY_VMS),
        vnet = topology_below(seed, TOPOLOGY_VNETS);

    switch (topology_below(seed, 4)) {
    case 0:
        t->subnets[subnet].nsg = random_nsg(t, seed);
        return topology_has_subnet(t, subnet);
    case 1:
        t->vms[vm].nsg = random_nsg(t, seed);
        return topology_has_vm(t, vm);
    case 2:
        t->vms[vm].asgs = random_groups(t, seed, vm);
        return topology_has_vm(t, vm);
    default:
        if (t->vnets[vnet].second)
            return false;
        t->vnets[vnet].second = true;
        return t->vnets[vnet].state == TOPOLOGY_THERE;
    }
}

void topology_change(struct topology *t, uint64_t *seed)
{
    bool done = false;

    while (!done) {
        switch (topology_below(seed, 7)) {
        case 0:
            done = change_link(t, seed);
            break;
        case 1:
            done = change_place(t, seed);
            break;
        case 2:
        case 3:
            done = topology_change_route(t, seed) && t->features & TOPOLOGY_ROUTES_TOO;
            break;
        case 4:
            done = topology_change_outside(t, seed);
            break;
        default:
            done = change_rule(t, seed);
            break;
        }
    }
}

/* --- dropping ------------------------------------------------------------------------------------------------------------ */

static bool drop(enum topology_state *state)
{
    bool there = *state == TOPOLOGY_THERE;

    *state = TOPOLOGY_NEVER;
    return there;
}

/* The i-th of a kind that has n; counts i down. */
static bool next_kind(size_t *i, size_t n)
{
    if (*i < n)
        return true;
    *i -= n;
    return false;
}

bool topology_drop(struct topology *t, size_t i, bool *ret_done)
{
    if (next_kind(&i, TOPOLOGY_VNETS))
        *ret_done = drop(&t->vnets[i].state);
    else if (next_kind(&i, TOPOLOGY_VMS))
        *ret_done = drop(&t->vms[i].state);
    else if (next_kind(&i, TOPOLOGY_NSGS))
        *ret_done = drop(&t->nsgs[i].state);
    else if (next_kind(&i, TOPOLOGY_LINKS))
        *ret_done = drop(&t->links[i].state);
    else if (next_kind(&i, TOPOLOGY_SUBNETS))
        *ret_done = drop(&t->subnets[i].state);
    else if (next_kind(&i, TOPOLOGY_ASGS))
        *ret_done = drop(&t->asgs[i].state);
    else if (next_kind(&i, TOPOLOGY_NSGS * TOPOLOGY_RULES))
        *ret_done = drop(&t->nsgs[i / TOPOLOGY_RULES].rules[i % TOPOLOGY_RULES].state);
    else if (next_kind(&i, 1))
        *ret_done = drop(&t->internet);
    else if (next_kind(&i, 1))
        *ret_done = drop(&t->balancer.state);
    else if (next_kind(&i, TOPOLOGY_TABLES))
        *ret_done = drop(&t->tables[i].state);
    else if (next_kind(&i, TOPOLOGY_TABLES * TOPOLOGY_ROUTES))
        *ret_done = drop(&t->tables[i / TOPOLOGY_ROUTES].routes[i % TOPOLOGY_ROUTES].state);
    else
        return false;
    return true;
}
