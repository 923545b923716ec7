/* Whose is an address? One hash for all that has some: a NIC and a load balancer's frontend within its VNet, a public IP on the internet
 * side. The number in it is the NIC's, then the balancer's, then the public IP's, one after the other. */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

static size_t addr_hash(uint32_t vnet, const struct vnl_addr *addr)
{
    uint64_t h = (vnet + 1) * 0x9e3779b97f4a7c15u + addr->family;

    for (size_t i = 0; i < sizeof(addr->bytes); i++)
        h = (h ^ addr->bytes[i]) * 0x100000001b3u;
    return (size_t)(h ^ (h >> 29));
}

static void put(struct vnl_plan *plan, uint32_t vnet, const struct vnl_addr *addr, size_t number)
{
    size_t mask = plan->n_by_addr - 1, at = addr_hash(vnet, addr) & mask;

    while (plan->by_addr[at])
        at = (at + 1) & mask;
    plan->by_addr[at] = (uint32_t)number + 1;
}

int vnl_addrs_index(struct vnl_plan *plan)
{
    size_t n = plan->n_balancers + plan->n_publics, slots = 16;

    for (size_t i = 0; i < plan->n_nics; i++)
        n += plan->nics[i].n_addrs;
    while (slots < 2 * n)
        slots *= 2;
    plan->by_addr = calloc(slots, sizeof(*plan->by_addr));
    if (!plan->by_addr)
        return -ENOMEM;
    plan->n_by_addr = slots;
    for (size_t i = 0; i < plan->n_nics; i++)
        for (size_t k = 0; k < plan->nics[i].n_addrs; k++)
            put(plan, plan->nics[i].vnet, &plan->nics[i].addrs[k].addr, i);
    for (size_t i = 0; i < vnl_balancers_count_frontends(plan); i++)
        put(plan, plan->balancers[i].vnet, &plan->balancers[i].addr, plan->n_nics + i);
    for (size_t i = 0; i < plan->n_publics; i++)
        put(plan, plan->internet, &plan->publics[i].addr, plan->n_nics + plan->n_balancers + i);
    return 0;
}

static bool nic_has(const struct vnl_plan *plan, size_t i, uint32_t vnet, const struct vnl_addr *addr)
{
    const struct vnl_plan_nic *nic = &plan->nics[i];

    for (size_t k = 0; k < nic->n_addrs && nic->vnet == vnet; k++)
        if (vnl_addr_eq(&nic->addrs[k].addr, addr))
            return true;
    return false;
}

static bool balancer_has(const struct vnl_plan *plan, size_t i, uint32_t vnet, const struct vnl_addr *addr)
{
    return !plan->balancers[i].connection && plan->balancers[i].vnet == vnet &&
           vnl_addr_eq(&plan->balancers[i].addr, addr);
}

static bool public_has(const struct vnl_plan *plan, size_t i, uint32_t vnet, const struct vnl_addr *addr)
{
    return plan->internet == vnet && vnl_addr_eq(&plan->publics[i].addr, addr);
}

/* The i-th of `n` whose numbers begin at `first`, or -1. */
static ssize_t find(const struct vnl_plan *plan, uint32_t vnet, const struct vnl_addr *addr, size_t first,
                    size_t n,
                    bool (*has)(const struct vnl_plan *plan, size_t i, uint32_t vnet,
                                const struct vnl_addr *addr))
{
    size_t mask = plan->n_by_addr - 1;

    for (size_t at = addr_hash(vnet, addr) & mask; plan->by_addr[at]; at = (at + 1) & mask) {
        size_t i = plan->by_addr[at] - 1 - first;

        if (plan->by_addr[at] > first && i < n && has(plan, i, vnet, addr))
            return (ssize_t)i;
    }
    return -1;
}

const struct vnl_plan_nic *vnl_plan_nic_by_addr(const struct vnl_plan *plan, uint32_t vnet,
                                                const struct vnl_addr *addr)
{
    ssize_t i = find(plan, vnet, addr, 0, plan->n_nics, nic_has);

    return i < 0 ? NULL : &plan->nics[i];
}

const struct vnl_plan_balancer *vnl_plan_balancer_by_addr(const struct vnl_plan *plan, uint32_t vnet,
                                                          const struct vnl_addr *addr)
{
    ssize_t i = find(plan, vnet, addr, plan->n_nics, plan->n_balancers, balancer_has);

    return i < 0 ? NULL : &plan->balancers[i];
}

const struct vnl_plan_public *vnl_plan_public_by_addr(const struct vnl_plan *plan,
                                                      const struct vnl_addr *addr)
{
    ssize_t i =
        find(plan, plan->internet, addr, plan->n_nics + plan->n_balancers, plan->n_publics, public_has);

    return i < 0 ? NULL : &plan->publics[i];
}

/* NAT gateways have public IPs; the addresses of default outbound access are few. */
const struct vnl_plan_nat *vnl_plan_nat_by_addr(const struct vnl_plan *plan, const struct vnl_addr *addr)
{
    const struct vnl_plan_public *ip = vnl_plan_public_by_addr(plan, addr);
    const struct vnl_plan_nat *last = plan->n_nats ? &plan->nats[plan->n_nats - 1] : NULL;

    if (ip)
        return ip->nat == VNL_PLAN_NOBODY ? NULL : &plan->nats[ip->nat];
    for (size_t i = 0; last && !last->gateway && i < last->n_outer; i++)
        if (vnl_addr_eq(&last->outer[i], addr))
            return last;
    return NULL;
}

const struct vnl_plan_vm *vnl_plan_vm_lookup(const struct vnl_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_vms; i++)
        if (strcasecmp(plan->vms[i].name, name) == 0)
            return &plan->vms[i];
    return NULL;
}

const char *vnl_plan_hosts(const struct vnl_plan *plan, const struct vnl_plan_vm *vm)
{
    return vm->n_nics ? plan->vnets[plan->nics[vm->nics[0]].vnet].hosts : "";
}
