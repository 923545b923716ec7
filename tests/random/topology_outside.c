/* The internet side by lot: a host, public IPs, NAT gateways, private subnets; and an internal load balancer. */
#include "topology_parts.h"

bool topology_has_internet(const struct topology *t)
{
    return t->internet == TOPOLOGY_THERE;
}

/* A NAT gateway and a Basic public IP do not go together. */
static bool has_basic(const struct topology *t, int subnet)
{
    for (int i = 0; i < TOPOLOGY_VMS; i++) {
        if (t->vms[i].subnet == subnet && t->vms[i].is_public && t->vms[i].basic)
            return true;
    }
    return false;
}

void topology_make_outside(struct topology *t, uint64_t *seed)
{
    t->internet = topology_one_in(seed, 2) ? TOPOLOGY_THERE : TOPOLOGY_NEVER;
    for (int i = 0; i < TOPOLOGY_VMS; i++) {
        t->vms[i].is_public = topology_one_in(seed, 2);
        t->vms[i].basic = topology_one_in(seed, 4);
    }
    t->balancer.state = topology_one_in(seed, 2) ? TOPOLOGY_THERE : TOPOLOGY_NEVER;
    t->balancer.vm = topology_below(seed, TOPOLOGY_VMS);
    t->balancer.all_ports = topology_one_in(seed, 2);
    t->balancer.basic = !t->balancer.all_ports && topology_one_in(seed, 2);
    if (topology_has_internet(t)) /* Azure wants the SKUs of one NIC to be the same */
        t->balancer.basic = t->vms[t->balancer.vm].basic = false;
    for (int i = 0; i < TOPOLOGY_SUBNETS; i++) {
        t->subnets[i].nat = topology_one_in(seed, 4) && !has_basic(t, i);
        t->subnets[i].is_private = topology_one_in(seed, 3);
    }
}

bool topology_change_outside(struct topology *t, uint64_t *seed)
{
    int vm = topology_below(seed, TOPOLOGY_VMS), subnet = topology_below(seed, TOPOLOGY_SUBNETS);

    if (!topology_has_internet(t))
        return false;
    if (topology_one_in(seed, 2)) {
        t->vms[vm].is_public = !t->vms[vm].is_public;
        t->vms[vm].basic = false;
        return topology_has_vm(t, vm);
    }
    if (topology_one_in(seed, 2))
        t->subnets[subnet].is_private = !t->subnets[subnet].is_private;
    else
        t->subnets[subnet].nat = !t->subnets[subnet].nat && !has_basic(t, subnet);
    return topology_has_subnet(t, subnet);
}
