/* What a guest does with a packet: Linux takes what is addressed to any of its interfaces, and sends the rest on by its routing table, in
 * which there are the subnets of its NICs and a default route out of the primary one. Its own firewall and NAT are not in the plan. */
#include "walk.h"

bool vnl_guest_owns(const struct vnl_plan *plan, uint32_t nic, const struct vnl_addr *addr)
{
    const struct vnl_plan_vm *vm = &plan->vms[plan->nics[nic].vm];

    for (size_t i = 0; i < vm->n_nics; i++)
        if (vnl_nic_owns(&plan->nics[vm->nics[i]], addr))
            return true;
    return vm->client && vnl_client_has(plan, vm->nics[0], addr);
}

static bool is_on_link(const struct vnl_plan_addr *own, const struct vnl_addr *dst)
{
    unsigned bits = own->prefix_len;

    if (own->addr.family != dst->family)
        return false;
    for (unsigned i = 0; i < bits; i++)
        if ((own->addr.bytes[i / 8] ^ dst->bytes[i / 8]) & 0x80u >> i % 8)
            return false;
    return true;
}

uint32_t vnl_guest_out(const struct vnl_plan *plan, uint32_t nic, const struct vnl_addr *dst)
{
    const struct vnl_plan_vm *vm = &plan->vms[plan->nics[nic].vm];
    uint32_t best = vm->nics[0];
    int best_len = -1;

    if (vm->gateway) /* what it says by its public address leaves by the outside, all else never does */
        return nic;
    for (size_t i = 0; i < vm->n_nics; i++) {
        const struct vnl_plan_nic *own = &plan->nics[vm->nics[i]];

        for (size_t k = 0; k < own->n_addrs; k++) {
            if (!is_on_link(&own->addrs[k], dst) || own->addrs[k].prefix_len <= best_len)
                continue;
            best = vm->nics[i];
            best_len = own->addrs[k].prefix_len;
        }
    }
    return best;
}

static bool is_outside(const struct vnl_plan *plan, uint32_t nic)
{
    return nic != VNL_VERIFY_NOBODY && plan->vnets[plan->nics[nic].vnet].internet;
}

static bool has_family(const struct vnl_plan *plan, uint32_t nic, uint16_t family)
{
    return nic == VNL_VERIFY_NOBODY ? family == AF_INET : vnl_nic_own_addr(&plan->nics[nic], family) != NULL;
}

const struct vnl_addr *vnl_verify_aim(const struct vnl_plan *plan, uint32_t from, uint32_t to,
                                      uint16_t family)
{
    const struct vnl_plan_nic *nic = &plan->nics[to];
    bool by_public = is_outside(plan, from) && !is_outside(plan, to);
    const struct vnl_plan_gateway *gateway = vnl_gateway_of(plan, to);

    if (by_public && gateway)
        return &gateway->outer;
    for (size_t i = 0; by_public && i < nic->n_addrs; i++)
        if (vnl_client_route(plan, from, &nic->addrs[i].addr) != VNL_PLAN_NOBODY)
            return &nic->addrs[i].addr;
    for (size_t i = 0; i < nic->n_addrs; i++) {
        const struct vnl_plan_addr *own = &nic->addrs[i];

        if (by_public && own->public_ip != VNL_PLAN_NOBODY)
            return &plan->publics[own->public_ip].addr;
        if (!by_public &&
            (family == AF_UNSPEC ? has_family(plan, from, own->addr.family) : family == own->addr.family))
            return &own->addr;
    }
    /* A client knows the inner addresses, also those that its gateway leads to no longer. */
    return by_public && plan->vms[plan->nics[from].vm].client && nic->n_addrs ? &nic->addrs[0].addr : NULL;
}
