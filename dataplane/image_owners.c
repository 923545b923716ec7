/* Who owns an address: linear probing with a bound on the probes. Doubling the table never makes a key's way longer: the elements in
 * use before a key in the large table are a subset of those before it in the small one (seen modulo the small size; by induction over
 * the insertions). So the smallest table that fits is well defined, and all larger ones fit too. */
#include "image_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/err.h"
#include "vnetlab/plan.h"

#define OWNER_SLOTS_MAX (1u << 24)

/* IPv4 as ::ffff:a.b.c.d. */
static void owner_addr(const struct vnl_addr *addr, __be32 ret[4])
{
    memset(ret, 0, 4 * sizeof(*ret));
    if (addr->family == AF_INET6) {
        memcpy(ret, addr->bytes, 16);
        return;
    }
    ret[2] = htonl(0xffff);
    memcpy(&ret[3], addr->bytes, 4);
}

static void owners_clear(struct vnl_owner *owners, uint32_t slots)
{
    for (uint32_t i = 0; i < slots; i++)
        owners[i] = (struct vnl_owner){ .vnet = VNL_OWNER_FREE };
}

static bool owner_put(struct vnl_owner *owners, uint32_t slots, const struct vnl_owner *owner)
{
    uint32_t at = vnl_owner_hash(owner->vnet, owner->addr);

    for (uint32_t i = 0; i < VNL_OWNER_PROBES; i++) {
        struct vnl_owner *slot = &owners[(at + i) & (slots - 1)];

        if (slot->vnet != VNL_OWNER_FREE)
            continue;
        *slot = *owner;
        return true;
    }
    return false;
}

static bool nics_put(const struct vnl_plan *plan, struct vnl_owner *owners, uint32_t slots)
{
    for (size_t i = 0; i < plan->n_nics; i++)
        for (size_t k = 0; vnl_image_has_nic(plan, i) && k < plan->nics[i].n_addrs; k++) {
            struct vnl_owner owner = { .vnet = plan->vnets[plan->nics[i].vnet].slot,
                                       .nic = plan->nics[i].slot };

            owner_addr(&plan->nics[i].addrs[k].addr, owner.addr);
            if (!owner_put(owners, slots, &owner))
                return false;
        }
    return true;
}

static bool balancers_put(const struct vnl_plan *plan, const uint32_t *offsets, struct vnl_owner *owners,
                          uint32_t slots)
{
    for (size_t i = 0; i < plan->n_balancers; i++) {
        const struct vnl_plan_balancer *balancer = &plan->balancers[i];
        struct vnl_owner owner = { .vnet = plan->vnets[balancer->vnet].slot,
                                   .nic = VNL_OWNER_BALANCER | (offsets ? offsets[i] / 8 : 0) };

        if (balancer->addr.family == AF_UNSPEC)
            continue;
        owner_addr(&balancer->addr, owner.addr);
        if (!owner_put(owners, slots, &owner))
            return false;
    }
    return true;
}

bool vnl_image_owners_fill(const struct vnl_plan *plan, const uint32_t *balancers, struct vnl_owner *owners,
                           uint32_t slots)
{
    owners_clear(owners, slots);
    return nics_put(plan, owners, slots) && balancers_put(plan, balancers, owners, slots);
}

int vnl_image_owners_size(const struct vnl_plan *plan, uint32_t *ret, struct vnl_err **err)
{
    struct vnl_owner *owners = NULL, *grown;
    uint32_t slots = VNL_OWNER_PROBES;
    size_t n = plan->n_balancers;
    int r = 0;

    for (size_t i = 0; i < plan->n_nics; i++)
        n += plan->nics[i].n_addrs;
    while (slots < 2 * n)
        slots *= 2;
    for (;; slots *= 2) {
        if (slots > OWNER_SLOTS_MAX) {
            r = vnl_fail(err, E2BIG, "%zu addresses do not fit into a table of %u", n, OWNER_SLOTS_MAX);
            break;
        }
        grown = reallocarray(owners, slots, sizeof(*owners));
        if (!grown) {
            r = vnl_fail(err, ENOMEM, "table of %zu addresses", n);
            break;
        }
        owners = grown;
        if (vnl_image_owners_fill(plan, NULL, owners, slots))
            break;
    }
    free(owners);
    if (r == 0)
        *ret = slots;
    return r;
}
