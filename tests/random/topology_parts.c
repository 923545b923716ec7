#include "topology_parts.h"

#include <stdio.h>

/* splitmix64 */
uint64_t topology_random(uint64_t *seed)
{
    uint64_t x = *seed += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

int topology_below(uint64_t *seed, int n)
{
    return (int)(topology_random(seed) % (uint64_t)n);
}

bool topology_one_in(uint64_t *seed, int n)
{
    return topology_below(seed, n) == 0;
}

/* --- what there is ------------------------------------------------------------------------------------------------------- */

bool topology_has_nsg(const struct topology *t, int nsg)
{
    return nsg >= 0 && t->nsgs[nsg].state == TOPOLOGY_THERE;
}

bool topology_has_table(const struct topology *t, int table)
{
    return table >= 0 && t->tables[table].state == TOPOLOGY_THERE;
}

bool topology_has_subnet(const struct topology *t, int i)
{
    int vnet = t->subnets[i].vnet;

    return t->subnets[i].state == TOPOLOGY_THERE && t->vnets[vnet].state == TOPOLOGY_THERE &&
           (!t->subnets[i].second || t->vnets[vnet].second);
}

bool topology_has_vm(const struct topology *t, int i)
{
    return t->vms[i].state == TOPOLOGY_THERE && topology_has_subnet(t, t->vms[i].subnet);
}

bool topology_has_asg(const struct topology *t, int i)
{
    return t->asgs[i].state == TOPOLOGY_THERE;
}

bool topology_has_link(const struct topology *t, int from, int to)
{
    return t->links[from * TOPOLOGY_VNETS + to].state == TOPOLOGY_THERE &&
           t->vnets[from].state == TOPOLOGY_THERE && t->vnets[to].state == TOPOLOGY_THERE;
}

static bool side_holds(const struct topology *t, const struct topology_side *side)
{
    return side->addr[0] || topology_has_asg(t, side->asg);
}

bool topology_has_rule(const struct topology *t, const struct topology_rule *rule)
{
    return rule->state == TOPOLOGY_THERE && side_holds(t, &rule->source) && side_holds(t, &rule->destination);
}

/* --- addresses ----------------------------------------------------------------------------------------------------------- */

int topology_first_octet(const struct topology *t, int subnet)
{
    return t->vnets[t->subnets[subnet].vnet].is_public && !t->subnets[subnet].second ? 20 : 10;
}

int topology_second_octet(const struct topology *t, int subnet)
{
    return t->subnets[subnet].vnet + (t->subnets[subnet].second ? 100 : 0);
}

void topology_vm_address(const struct topology *t, int vm, bool v6, char ret[64])
{
    int subnet = t->vms[vm].subnet;

    if (v6)
        (void)snprintf(ret, 64, "fd00:%x:0:%x::%x", t->subnets[subnet].vnet, subnet, vm + 4);
    else
        (void)snprintf(ret, 64, "%d.%d.%d.%d", topology_first_octet(t, subnet),
                       topology_second_octet(t, subnet), subnet, vm + 4);
}

bool topology_has_balancer(const struct topology *t)
{
    return t->balancer.state == TOPOLOGY_THERE && topology_has_vm(t, t->balancer.vm);
}

void topology_frontend_address(const struct topology *t, char ret[64])
{
    int subnet = t->vms[t->balancer.vm].subnet;

    (void)snprintf(ret, 64, "%d.%d.%d.100", topology_first_octet(t, subnet), topology_second_octet(t, subnet),
                   subnet);
}

/* Prefixes that cut the lab in every way: one address, a part of a subnet, a subnet, a VNet, all of them. */
void topology_random_prefix(const struct topology *t, uint64_t *seed, bool v6, char ret[64])
{
    static const int lens4[] = { 32, 32, 30, 24, 16, 8, 1 }, lens6[] = { 128, 128, 126, 64, 48, 16, 8 };
    int vm = topology_below(seed, TOPOLOGY_VMS), subnet = t->vms[vm].subnet;
    int len = v6 ? PICK(seed, lens6) : PICK(seed, lens4);
    int host = vm + 4, low = len == 32 || len == 128 ? host : len == 30 || len == 126 ? host & ~3 : 0;

    if (v6)
        (void)snprintf(ret, 64, "fd00:%x:0:%x::%x/%d", len >= 48 ? t->subnets[subnet].vnet : 0,
                       len >= 64 ? subnet : 0, low, len);
    else
        (void)snprintf(ret, 64, "%d.%d.%d.%d/%d", len >= 8 ? topology_first_octet(t, subnet) : 0,
                       len >= 16 ? topology_second_octet(t, subnet) : 0, len >= 24 ? subnet : 0, low, len);
}
