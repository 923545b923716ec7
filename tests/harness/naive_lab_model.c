#include "naive_lab_parts.h"

#include <string.h>

/* --- addresses --------------------------------------------------------------------------------------------------------- */

static bool bit_at(const uint8_t *bytes, unsigned i)
{
    return bytes[i / 8] >> (7 - i % 8) & 1;
}

bool naive_inside(const struct vnl_prefix *prefix, const struct vnl_addr *addr)
{
    if (prefix->addr.family != addr->family)
        return false;
    for (unsigned i = 0; i < prefix->len; i++) {
        if (bit_at(prefix->addr.bytes, i) != bit_at(addr->bytes, i))
            return false;
    }
    return true;
}

bool naive_inside_any(const struct vnl_prefix *prefixes, size_t n, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < n; i++) {
        if (naive_inside(&prefixes[i], addr))
            return true;
    }
    return false;
}

static bool same(const struct vnl_addr *a, const struct vnl_addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, 16) == 0;
}

bool naive_nic_owns(const struct vnl_nic *nic, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (same(&nic->configs[i].addr, addr))
            return true;
    }
    return false;
}

const struct vnl_addr *naive_source_of(const struct vnl_nic *nic, uint16_t family)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (nic->configs[i].addr.family == family)
            return &nic->configs[i].addr;
    }
    return NULL;
}

const struct vnl_nic *naive_owner_of(const struct vnl_lab *lab, const struct vnl_vnet *vnet,
                                     const struct vnl_addr *addr)
{
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            const struct vnl_nic *nic = lab->vms[i]->nics[k];

            if (nic->subnet->vnet == vnet && naive_nic_owns(nic, addr))
                return nic;
        }
    }
    return NULL;
}

/* --- peerings ---------------------------------------------------------------------------------------------------------- */

const struct vnl_peering *naive_link_between(const struct vnl_vnet *from, const struct vnl_vnet *to)
{
    for (size_t i = 0; i < from->n_peerings; i++) {
        if (from->peerings[i]->remote == to && from->peerings[i]->state == VNL_PEERING_CONNECTED)
            return from->peerings[i];
    }
    return NULL;
}

const struct vnl_prefix *naive_link_prefix(const struct vnl_peering *link, const struct vnl_addr *addr)
{
    if (link->state != VNL_PEERING_CONNECTED || (link->only_ipv6 && addr->family != AF_INET6))
        return NULL;
    for (size_t i = 0; i < link->remote_space.n; i++) {
        if (naive_inside(&link->remote_space.items[i], addr))
            return &link->remote_space.items[i];
    }
    return NULL;
}
