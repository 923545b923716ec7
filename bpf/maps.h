/* The tables of layout.h as maps, and how the program reads them.
 *
 * Array lookups are inlined by the JIT; no helper is called. The sizes of a lab are read-only data that
 * user space sets before it loads the program: the verifier knows their values and can prove each access. */
#ifndef VNETLAB_BPF_MAPS_H
#define VNETLAB_BPF_MAPS_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "vnetlab/layout.h"

const volatile __u32 vnl_nic_slots = 1;
const volatile __u32 vnl_owner_mask = 0; /* owner_slots - 1 */
const volatile __u32 vnl_pool_mask = 7;  /* pool_bytes - 1 */
const volatile __u32 vnl_flow_mask = 0;  /* buckets - 1 */
/* False: the lab has no security groups, or no sessions (no internet side, no load balancer), and the verifier cuts out all that is about
 * them; that is most of what loading costs. Before Linux 6.8 ("bpf: support lazy verification of global subprogs") it looks at global
 * functions that nobody calls as well, so those of sessions ask first. */
const volatile bool vnl_has_rules = false;
const volatile bool vnl_has_sessions = false;
const volatile __u64 vnl_flow_seed = 0; /* so that a guest cannot choose its buckets */

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

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct vnl_rule_counter);
} vnl_rule_counters SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct vnl_flow_bucket);
} vnl_flows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct vnl_nic_state);
} vnl_nic_states SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, VNL_HEALTH_SLOTS);
    __type(key, __u32);
    __type(value, struct vnl_health);
} vnl_health SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, VNL_FRAGMENTS);
    __type(key, struct vnl_fragment_key);
    __type(value, struct vnl_fragment);
} vnl_fragments SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, VNL_EVENTS_BYTES);
} vnl_events SEC(".maps");

/* What a callback of bpf_loop says. */
#define LOOP_GOES_ON 0
#define LOOP_ENDS    1

#define VNL_NOBODY 0xffffffffu /* no NIC slot */

static __always_inline volatile struct vnl_control *control_block(void)
{
    __u32 zero = 0;

    return bpf_map_lookup_elem(&vnl_control, &zero);
}

/* The bank in force, and what tells it from all that were in force before: bank and generation as one word, since user space stores
 * one after the other. Read once per packet: whatever is flipped meanwhile, the packet stays in its bank. */
static __always_inline void policy_in_force(__u32 *bank, __u32 *epoch)
{
    const volatile struct vnl_control *control = control_block();
    union {
        __u64 word;
        __u32 half[2]; /* bank, generation */
    } both = { control ? *(const volatile __u64 *)&control->bank : 0 };

    *bank = both.half[0] & 1;
    *epoch = both.half[1] << 1 | *bank;
}

static __always_inline __u32 ticks_now(void)
{
    return bpf_ktime_get_coarse_ns() >> VNL_TICK_SHIFT;
}

/* Wraps around after 36 years of uptime. */
static __always_inline bool tick_passed(__u32 tick, __u32 now)
{
    return (__s32)(now - tick) > 0;
}

static __always_inline struct vnl_nic_state *nic_state(__u32 slot)
{
    return bpf_map_lookup_elem(&vnl_nic_states, &slot);
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
