#include "topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

/* splitmix64 */
uint64_t topology_random(uint64_t *seed)
{
    uint64_t x = *seed += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static int below(uint64_t *seed, int n)
{
    return (int)(topology_random(seed) % (uint64_t)n);
}

static bool one_in(uint64_t *seed, int n)
{
    return below(seed, n) == 0;
}

#define PICK(seed, list) ((list)[below(seed, (int)ARRAY_SIZE(list))])

/* --- what there is ------------------------------------------------------------------------------------------------------- */

static bool has_nsg(const struct topology *t, int nsg)
{
    return nsg >= 0 && t->nsgs[nsg].state == TOPOLOGY_THERE;
}

static bool has_subnet(const struct topology *t, int i)
{
    int vnet = t->subnets[i].vnet;

    return t->subnets[i].state == TOPOLOGY_THERE && t->vnets[vnet].state == TOPOLOGY_THERE &&
           (!t->subnets[i].second || t->vnets[vnet].second);
}

static bool has_vm(const struct topology *t, int i)
{
    return t->vms[i].state == TOPOLOGY_THERE && has_subnet(t, t->vms[i].subnet);
}

static bool has_asg(const struct topology *t, int i)
{
    return t->asgs[i].state == TOPOLOGY_THERE;
}

static bool has_link(const struct topology *t, int from, int to)
{
    return t->links[from * TOPOLOGY_VNETS + to].state == TOPOLOGY_THERE &&
           t->vnets[from].state == TOPOLOGY_THERE && t->vnets[to].state == TOPOLOGY_THERE;
}

static bool side_holds(const struct topology *t, const struct topology_side *side)
{
    return side->addr[0] || has_asg(t, side->asg);
}

static bool has_rule(const struct topology *t, const struct topology_rule *rule)
{
    return rule->state == TOPOLOGY_THERE && side_holds(t, &rule->source) && side_holds(t, &rule->destination);
}

/* --- addresses ----------------------------------------------------------------------------------------------------------- */

static int first_octet(const struct topology *t, int subnet)
{
    return t->vnets[t->subnets[subnet].vnet].is_public && !t->subnets[subnet].second ? 20 : 10;
}

static int second_octet(const struct topology *t, int subnet)
{
    return t->subnets[subnet].vnet + (t->subnets[subnet].second ? 100 : 0);
}

static void vm_address(const struct topology *t, int vm, bool v6, char ret[64])
{
    int subnet = t->vms[vm].subnet;

    if (v6)
        (void)snprintf(ret, 64, "fd00:%x:0:%x::%x", t->subnets[subnet].vnet, subnet, vm + 4);
    else
        (void)snprintf(ret, 64, "%d.%d.%d.%d", first_octet(t, subnet), second_octet(t, subnet), subnet,
                       vm + 4);
}

/* Prefixes that cut the lab in every way: one address, a part of a subnet, a subnet, a VNet, all of them. */
static void random_prefix(const struct topology *t, uint64_t *seed, bool v6, char ret[64])
{
    static const int lens4[] = { 32, 32, 30, 24, 16, 8, 1 }, lens6[] = { 128, 128, 126, 64, 48, 16, 8 };
    int vm = below(seed, TOPOLOGY_VMS), subnet = t->vms[vm].subnet;
    int len = v6 ? PICK(seed, lens6) : PICK(seed, lens4);
    int host = vm + 4, low = len == 32 || len == 128 ? host : len == 30 || len == 126 ? host & ~3 : 0;

    if (v6)
        (void)snprintf(ret, 64, "fd00:%x:0:%x::%x/%d", len >= 48 ? t->subnets[subnet].vnet : 0,
                       len >= 64 ? subnet : 0, low, len);
    else
        (void)snprintf(ret, 64, "%d.%d.%d.%d/%d", len >= 8 ? first_octet(t, subnet) : 0,
                       len >= 16 ? second_octet(t, subnet) : 0, len >= 24 ? subnet : 0, low, len);
}

/* --- rules --------------------------------------------------------------------------------------------------------------- */

static void random_addr(const struct topology *t, uint64_t *seed, bool v6, char ret[96])
{
    static const char *const tags[] = { "VirtualNetwork", "VirtualNetwork", "Internet", "AzureLoadBalancer" };
    char one[64], two[64];

    switch (below(seed, 6)) {
    case 0:
        (void)snprintf(ret, 96, "%s", PICK(seed, tags));
        return;
    case 1:
    case 2:
        (void)snprintf(ret, 96, "'*'");
        return;
    case 3:
        random_prefix(t, seed, v6, one);
        random_prefix(t, seed, v6, two);
        if (strcmp(one, two) != 0) {
            (void)snprintf(ret, 96, "['%.40s', '%.40s']", one, two);
            return;
        }
        break;
    default:
        random_prefix(t, seed, v6, one);
        break;
    }
    (void)snprintf(ret, 96, "'%s'", one);
}

static void random_side(const struct topology *t, uint64_t *seed, bool v6, struct topology_side *ret)
{
    *ret = (struct topology_side){ .ports = "'*'" };
    if (one_in(seed, 5) && has_asg(t, ret->asg = below(seed, TOPOLOGY_ASGS)))
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

    if (one_in(seed, 2))
        (void)snprintf(rule->destination.ports, sizeof(rule->destination.ports), "%s", PICK(seed, to));
    if (one_in(seed, 6))
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
    bool v6 = one_in(seed, 3);

    *ret = (struct topology_rule){ .state = TOPOLOGY_THERE,
                                   .priority = 100 + below(seed, 400) * TOPOLOGY_RULES + number };
    ret->inbound = one_in(seed, 2);
    ret->allow = one_in(seed, 2);
    ret->proto = PICK(seed, protos);
    random_side(t, seed, v6, &ret->source);
    random_side(t, seed, v6, &ret->destination);
    random_ports(seed, ret);
    part_groups(t, ret);
}

/* --- the lab ------------------------------------------------------------------------------------------------------------- */

static int random_nsg(const struct topology *t, uint64_t *seed)
{
    int nsg = below(seed, TOPOLOGY_NSGS);

    return has_nsg(t, nsg) && !one_in(seed, 3) ? nsg : -1;
}

static unsigned random_groups(const struct topology *t, uint64_t *seed, int vm)
{
    unsigned groups = 0;

    for (int i = 0; i < TOPOLOGY_ASGS; i++) {
        if (t->asgs[i].vnet == t->subnets[t->vms[vm].subnet].vnet && one_in(seed, 2))
            groups |= 1u << i;
    }
    return groups;
}

static void make_nets(struct topology *t, uint64_t *seed)
{
    int n = 2 + below(seed, TOPOLOGY_VNETS - 1), subnets = 0;

    for (int i = 0; i < n; i++) {
        t->vnets[i].state = TOPOLOGY_THERE;
        t->vnets[i].is_public = one_in(seed, 4);
        t->vnets[i].dual = one_in(seed, 2);
        t->vnets[i].second = one_in(seed, 4);
        t->vnets[i].timeout = one_in(seed, 3);
        for (int k = 1 + one_in(seed, 2); k >= 0 && subnets < TOPOLOGY_SUBNETS; k--, subnets++) {
            t->subnets[subnets].state = TOPOLOGY_THERE;
            t->subnets[subnets].vnet = i;
            t->subnets[subnets].second = k == 0;
            t->subnets[subnets].nsg = random_nsg(t, seed);
        }
    }
    for (int i = 0; i < TOPOLOGY_VMS; i++) {
        t->vms[i].state = i < 3 || !one_in(seed, 3) ? TOPOLOGY_THERE : TOPOLOGY_NEVER;
        t->vms[i].subnet = below(seed, subnets);
        if (t->subnets[t->vms[i].subnet].second && one_in(seed, 2))
            t->vms[i].subnet--; /* the VNet's first range is where most live */
    }
}

/* Of every pair: nothing, one link, or both. */
static void make_links(struct topology *t, uint64_t *seed)
{
    for (int i = 0; i < TOPOLOGY_LINKS; i++) {
        int from = i / TOPOLOGY_VNETS, to = i % TOPOLOGY_VNETS, twin = to * TOPOLOGY_VNETS + from;

        t->links[i].access = !one_in(seed, 3);
        t->links[i].forwarded = one_in(seed, 2);
        if (from != to)
            t->links[i].state = one_in(seed, from < to ? 3 : 8) ? TOPOLOGY_NEVER : TOPOLOGY_THERE;
        if (from > to && t->links[twin].state == TOPOLOGY_NEVER)
            t->links[i].state = one_in(seed, 4) ? TOPOLOGY_THERE : TOPOLOGY_NEVER;
    }
}

void topology_make(struct topology *t, uint64_t *seed)
{
    *t = (struct topology){ .tag_only = one_in(seed, 4) };
    for (int i = 0; i < TOPOLOGY_NSGS; i++)
        t->nsgs[i].state = one_in(seed, 4) ? TOPOLOGY_NEVER : TOPOLOGY_THERE;
    make_nets(t, seed);
    make_links(t, seed);
    for (int i = 0; i < TOPOLOGY_ASGS; i++) {
        t->asgs[i].state = one_in(seed, 3) ? TOPOLOGY_NEVER : TOPOLOGY_THERE;
        t->asgs[i].vnet = t->subnets[t->vms[below(seed, TOPOLOGY_VMS)].subnet].vnet;
    }
    for (int i = 0; i < TOPOLOGY_VMS; i++) {
        t->vms[i].nsg = random_nsg(t, seed);
        t->vms[i].asgs = random_groups(t, seed, i);
    }
    for (int i = 0; i < TOPOLOGY_NSGS; i++) {
        for (int k = below(seed, TOPOLOGY_RULES); k > 0; k--)
            random_rule(t, seed, k, &t->nsgs[i].rules[k]);
    }
}

/* --- changes ------------------------------------------------------------------------------------------------------------- */

static bool change_rule(struct topology *t, uint64_t *seed)
{
    int nsg = below(seed, TOPOLOGY_NSGS), number = below(seed, TOPOLOGY_RULES);
    struct topology_rule *rule = &t->nsgs[nsg].rules[number];

    if (!has_nsg(t, nsg))
        return false;
    if (rule->state != TOPOLOGY_THERE || one_in(seed, 4))
        random_rule(t, seed, number, rule);
    else if (one_in(seed, 3))
        rule->state = TOPOLOGY_NEVER;
    else if (one_in(seed, 2))
        rule->priority = 100 + below(seed, 400) * TOPOLOGY_RULES + number;
    else
        rule->allow = !rule->allow;
    return true;
}

/* A link that was deleted, or whose twin was, stays as it is: that is another story (spec 2.2). */
static bool change_link(struct topology *t, uint64_t *seed)
{
    int from = below(seed, TOPOLOGY_VNETS), to = below(seed, TOPOLOGY_VNETS), i = from * TOPOLOGY_VNETS + to;
    bool wounded =
        t->links[i].state == TOPOLOGY_GONE || t->links[to * TOPOLOGY_VNETS + from].state == TOPOLOGY_GONE;

    if (from == to || wounded || t->vnets[from].state != TOPOLOGY_THERE ||
        t->vnets[to].state != TOPOLOGY_THERE)
        return false;
    if (t->links[i].state == TOPOLOGY_NEVER)
        t->links[i].state = TOPOLOGY_THERE;
    else if (one_in(seed, 4))
        t->links[i].state = TOPOLOGY_GONE;
    else
        t->links[i].access = !t->links[i].access;
    return true;
}

static bool change_place(struct topology *t, uint64_t *seed)
{
    int subnet = below(seed, TOPOLOGY_SUBNETS), vm = below(seed, TOPOLOGY_VMS),
        vnet = below(seed, TOPOLOGY_VNETS);

    switch (below(seed, 4)) {
    case 0:
        t->subnets[subnet].nsg = random_nsg(t, seed);
        return has_subnet(t, subnet);
    case 1:
        t->vms[vm].nsg = random_nsg(t, seed);
        return has_vm(t, vm);
    case 2:
        t->vms[vm].asgs = random_groups(t, seed, vm);
        return has_vm(t, vm);
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
        switch (below(seed, 4)) {
        case 0:
            done = change_link(t, seed);
            break;
        case 1:
            done = change_place(t, seed);
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
    else
        return false;
    return true;
}

/* --- the lab file -------------------------------------------------------------------------------------------------------- */

static void print_subnets(FILE *out, const struct topology *t, int vnet)
{
    const char *comma = "";

    (void)fprintf(out, "    subnets: {");
    for (int i = 0; i < TOPOLOGY_SUBNETS; i++) {
        if (!has_subnet(t, i) || t->subnets[i].vnet != vnet)
            continue;
        (void)fprintf(out, "%ss%d: {", comma, i);
        if (t->vnets[vnet].dual)
            (void)fprintf(out, "addressPrefixes: [%d.%d.%d.0/24, 'fd00:%x:0:%x::/64']", first_octet(t, i),
                          second_octet(t, i), i, vnet, i);
        else
            (void)fprintf(out, "addressPrefix: %d.%d.%d.0/24", first_octet(t, i), second_octet(t, i), i);
        if (has_nsg(t, t->subnets[i].nsg))
            (void)fprintf(out, ", networkSecurityGroup: nsg%d", t->subnets[i].nsg);
        (void)fputc('}', out);
        comma = ", ";
    }
    (void)fprintf(out, "}\n");
}

static void print_vnet(FILE *out, const struct topology *t, int vnet)
{
    const char *comma = "";

    (void)fprintf(out, "  v%d:\n    addressSpace: [%d.%d.0.0/16", vnet, t->vnets[vnet].is_public ? 20 : 10,
                  vnet);
    if (t->vnets[vnet].second)
        (void)fprintf(out, ", 10.%d.0.0/16", vnet + 100);
    if (t->vnets[vnet].dual)
        (void)fprintf(out, ", 'fd00:%x::/48'", vnet);
    (void)fprintf(out, "]\n");
    if (t->vnets[vnet].timeout)
        (void)fprintf(out, "    flowTimeoutInMinutes: 5\n");
    print_subnets(out, t, vnet);
    (void)fprintf(out, "    peerings: {");
    for (int to = 0; to < TOPOLOGY_VNETS; to++) {
        int i = vnet * TOPOLOGY_VNETS + to;

        if (!has_link(t, vnet, to))
            continue;
        (void)fprintf(
            out,
            "%sto-v%d: {remoteVirtualNetwork: v%d, allowVirtualNetworkAccess: %s, allowForwardedTraffic: %s}",
            comma, to, to, t->links[i].access ? "true" : "false", t->links[i].forwarded ? "true" : "false");
        comma = ",\n               ";
    }
    (void)fprintf(out, "}\n");
}

static void print_side(FILE *out, const char *word, const struct topology_side *side)
{
    if (!side->addr[0])
        (void)fprintf(out, ", %sApplicationSecurityGroups: [asg%d]", word, side->asg);
    else
        (void)fprintf(out, ", %sAddressPrefix%s: %s", word, side->addr[0] == '[' ? "es" : "", side->addr);
    (void)fprintf(out, ", %sPortRange%s: %s", word, side->ports[0] == '[' ? "s" : "", side->ports);
}

static void print_rule(FILE *out, const struct topology_rule *rule, int number)
{
    (void)fprintf(out, "      r%d: {priority: %d, direction: %s, access: %s, protocol: %s", number,
                  rule->priority, rule->inbound ? "Inbound" : "Outbound", rule->allow ? "Allow" : "Deny",
                  rule->proto);
    print_side(out, "source", &rule->source);
    print_side(out, "destination", &rule->destination);
    (void)fprintf(out, "}\n");
}

/* A key of the file that stands only when there is something below it. */
static void print_head(FILE *out, const char **head)
{
    if (*head)
        (void)fprintf(out, "%s:\n", *head);
    *head = NULL;
}

static void print_nsg(FILE *out, const struct topology *t, int nsg)
{
    const char *head = "    securityRules";

    (void)fprintf(out, "  nsg%d:\n    location: eastus\n", nsg);
    for (int i = 0; i < TOPOLOGY_RULES; i++) {
        if (!has_rule(t, &t->nsgs[nsg].rules[i]))
            continue;
        print_head(out, &head);
        print_rule(out, &t->nsgs[nsg].rules[i], i);
    }
}

static void print_groups(FILE *out, const struct topology *t)
{
    const char *nsgs = "networkSecurityGroups", *asgs = "applicationSecurityGroups";

    for (int i = 0; i < TOPOLOGY_NSGS; i++) {
        if (!has_nsg(t, i))
            continue;
        print_head(out, &nsgs);
        print_nsg(out, t, i);
    }
    for (int i = 0; i < TOPOLOGY_ASGS; i++) {
        if (!has_asg(t, i))
            continue;
        print_head(out, &asgs);
        (void)fprintf(out, "  asg%d: {}\n", i);
    }
}

static void print_vm(FILE *out, const struct topology *t, int vm)
{
    int vnet = t->subnets[t->vms[vm].subnet].vnet;
    const char *comma = "";
    char v4[64], v6[64];

    vm_address(t, vm, false, v4);
    vm_address(t, vm, true, v6);
    (void)fprintf(out, "  vm%d: {subnet: v%d/s%d, privateIPAddress: ", vm, vnet, t->vms[vm].subnet);
    (void)fprintf(out, t->vnets[vnet].dual ? "[%s, '%s']" : "%s", v4, v6);
    if (has_nsg(t, t->vms[vm].nsg))
        (void)fprintf(out, ", networkSecurityGroup: nsg%d", t->vms[vm].nsg);
    for (int i = 0; i < TOPOLOGY_ASGS; i++) {
        if (!(t->vms[vm].asgs >> i & 1) || !has_asg(t, i))
            continue;
        (void)fprintf(out, "%sasg%d", *comma ? comma : ", applicationSecurityGroups: [", i);
        comma = ", ";
    }
    (void)fprintf(out, "%s}\n", *comma ? "]" : "");
}

char *topology_print(const struct topology *t, const char *name)
{
    const char *vms = "virtualMachines";
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        abort();
    (void)fprintf(out, "name: %s\n%svnets:\n", name,
                  t->tag_only ? "semantics: {peeringAccess: tag-only}\n" : "");
    for (int i = 0; i < TOPOLOGY_VNETS; i++) {
        if (t->vnets[i].state == TOPOLOGY_THERE)
            print_vnet(out, t, i);
    }
    print_groups(out, t);
    for (int i = 0; i < TOPOLOGY_VMS; i++) {
        if (!has_vm(t, i))
            continue;
        print_head(out, &vms);
        print_vm(out, t, i);
    }
    if (fclose(out) != 0)
        abort();
    return text;
}
