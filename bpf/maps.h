/* The tables of layout.h as maps, and how the program reads them.
 *
 * Array lookups are inlined by the JIT; no helper is called. The sizes of a lab are read-only data that
 * user space sets before it loads the program: the verifier knows their values and can prove each access. */
#ifndef VNETLAB_BPF_MAPS_H
#define VNETLAB_BPF_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "vnetlab/layout.h"

const volatile __u32 vnl_nic_slots = 1;
const volatile __u32 vnl_owner_mask = 0; /* owner_slots - 1 */
const volatile __u32 vnl_pool_mask = 7;  /* pool_bytes - 1 */

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct vnl_control);
} vnl_control SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, struct vnl_nic_entry);
} vnl_nics SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, struct vnl_owner);
} vnl_owners SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 2);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, 8);
} vnl_pool SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct vnl_nic_counters);
} vnl_counters SEC(".maps");

#define VNL_NOBODY 0xffffffffu /* no NIC slot */

/* The bank in force. Read once per packet: whatever is flipped meanwhile, the packet stays in its bank. */
static __always_inline __u32 bank_in_force(void)
{
    __u32 zero = 0;
    volatile struct vnl_control *control = bpf_map_lookup_elem(&vnl_control, &zero);

    return control ? control->bank & 1 : 0;
}

/* A live NIC, or NULL. */
static __always_inline struct vnl_nic_entry *nic_lookup(__u32 bank, __u32 slot)
{
    __u32 key = bank * vnl_nic_slots + slot;
    struct vnl_nic_entry *nic;

    if (slot >= vnl_nic_slots)
        return NULL;
    nic = bpf_map_lookup_elem(&vnl_nics, &key);
    return nic && nic->flags & VNL_NIC_LIVE ? nic : NULL;
}

/* An address in the form of vnl_owners (IPv4 as ::ffff:a.b.c.d), and as two words for copying and
 * comparing. */
union vnl_ip {
    __be32 word[4];
    __u64 half[2];
};

/* Slot of the NIC that owns an address of a VNet, or VNL_NOBODY. A global function: the verifier walks its
 * loop once, not at each call (the same for those in route.h). */
__noinline __u32 vnl_owner_find(__u32 bank, __u32 vnet, __u64 half0, __u64 half1)
{
    union vnl_ip ip = { .half = { half0, half1 } };
    __u32 hash = vnl_owner_hash(vnet, ip.word);

    for (__u32 i = 0; i < VNL_OWNER_PROBES; i++) {
        __u32 key = bank * (vnl_owner_mask + 1) + ((hash + i) & vnl_owner_mask);
        struct vnl_owner *owner = bpf_map_lookup_elem(&vnl_owners, &key);

        if (!owner || owner->vnet == VNL_OWNER_FREE)
            break;
        if (owner->vnet == vnet && *(__u64 *)&owner->addr[0] == half0 && *(__u64 *)&owner->addr[2] == half1)
            return owner->nic;
    }
    return VNL_NOBODY;
}

#endif
