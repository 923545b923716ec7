/* Stage ROUTE: the sender's effective route for the destination (spec 0 step 9). User space flattened
 * longest-prefix match to sorted ranges (layout.h); here they are searched.
 *
 * A step compares with the three quarter points at once: the loads do not wait for each other, and memory
 * is what a search waits for (measured on 17 ranges: 17 ns for the stage, halving took 22). It has no
 * branch on what it finds. With one, the verifier follows both ways at each step and gives up: "BPF
 * program is too large. Processed 1000001 insn" (Linux 6.18). For the same reason the searches are global
 * functions, verified once. Every offset is masked with the pool's size, so an image that is garbage can
 * give a wrong route, but not a wrong access. */
#ifndef VNETLAB_BPF_ROUTE_H
#define VNETLAB_BPF_ROUTE_H

#include "source.h"

/* n ranges become n - 3 * (n / 4): from VNL_ROUTE_RANGES_MAX to at most 3 in 7 steps, the last of those in
 * 2 more. */
#define QUARTER_STEPS 7
#define LAST_STEPS    2
_Static_assert(VNL_ROUTE_RANGES_MAX <= 1u << 2 * QUARTER_STEPS, "the search ends with one range");

/* The compiler must not see where the value came from: it would turn the arithmetic back into a branch. */
#define OPAQUE(value) asm volatile("" : "+r"(value))

static __always_inline __u64 pool_u64(const void *pool, __u64 offset)
{
    return *(const volatile __u64 *)(pool + (offset & (vnl_pool_mask & ~7u)));
}

static __always_inline __u32 pool_u32(const void *pool, __u64 offset)
{
    return *(const volatile __u32 *)(pool + (offset & (vnl_pool_mask & ~3u)));
}

static __always_inline __u16 pool_u16(const void *pool, __u64 offset)
{
    return *(const volatile __u16 *)(pool + (offset & (vnl_pool_mask & ~1u)));
}

/* The borrow of a - b - carry: 1 when that is below zero (Hacker's Delight 2-12). */
static __always_inline __u64 borrow(__u64 a, __u64 b, __u64 carry)
{
    __u64 bits = (~a & b) | ((~a | b) & (a - b - carry));

    OPAQUE(bits);
    return bits >> 63;
}

/* How far to go on: `step` bytes when the range that starts at `at` is not above addr, else 0. */
static __always_inline __u64 go4(const void *pool, __u64 at, __u64 step, __u32 addr)
{
    __u64 difference = (__u64)addr - pool_u32(pool, at);

    OPAQUE(difference);
    return step & ((difference >> 63) - 1);
}

static __always_inline __u64 go6(const void *pool, __u64 at, __u64 step, __u64 high, __u64 low)
{
    __u64 carry = borrow(low, pool_u64(pool, at + 8), 0);

    return step & (borrow(high, pool_u64(pool, at), carry) - 1);
}

static __always_inline __u64 range_route(const void *pool, __u32 image, __u64 range)
{
    __u32 index = pool_u32(pool, (__u64)image + offsetof(struct vnl_route_image, index));
    __u32 route = pool_u32(pool, (__u64)image + offsetof(struct vnl_route_image, route));

    return pool_u64(pool, route + (__u64)pool_u16(pool, index + 2 * range) * sizeof(struct vnl_route_entry));
}

/* The struct vnl_route_entry for `addr` (host order) in the image, as one word. */
__noinline __u64 vnl_route_find4(__u32 bank, __u32 image, __u32 addr)
{
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    __u64 n, first, at, step;

    if (!pool)
        return VNL_ROUTE_KIND_NONE;
    n = pool_u32(pool, (__u64)image + offsetof(struct vnl_route_image, n_ranges));
    at = first = pool_u32(pool, (__u64)image + offsetof(struct vnl_route_image, start));
    for (int i = 0; i < QUARTER_STEPS && n > 3; i++, n -= 3 * (n >> 2)) {
        step = (n >> 2) * sizeof(__u32);
        at += go4(pool, at + step, step, addr) + go4(pool, at + 2 * step, step, addr) +
              go4(pool, at + 3 * step, step, addr);
    }
    step = sizeof(__u32);
    for (int i = 0; i < LAST_STEPS && n > 1; i++, n--)
        at += go4(pool, at + step, step, addr);
    return range_route(pool, image, (at - first) / sizeof(__u32));
}

/* The same for IPv6, both halves in host order. */
__noinline __u64 vnl_route_find6(__u32 bank, __u32 image, __u64 high, __u64 low)
{
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    __u64 n, first, at, step;

    if (!pool)
        return VNL_ROUTE_KIND_NONE;
    n = pool_u32(pool, (__u64)image + offsetof(struct vnl_route_image, n_ranges));
    at = first = pool_u32(pool, (__u64)image + offsetof(struct vnl_route_image, start));
    for (int i = 0; i < QUARTER_STEPS && n > 3; i++, n -= 3 * (n >> 2)) {
        step = (n >> 2) * 16;
        at += go6(pool, at + step, step, high, low) + go6(pool, at + 2 * step, step, high, low) +
              go6(pool, at + 3 * step, step, high, low);
    }
    step = 16;
    for (int i = 0; i < LAST_STEPS && n > 1; i++, n--)
        at += go6(pool, at + step, step, high, low);
    return range_route(pool, image, (at - first) / 16);
}

static __always_inline __u64 route_find(const struct vnl_pkt *pkt, __u32 image4, __u32 image6,
                                        const union vnl_ip *ip)
{
    if (pkt->v6)
        return vnl_route_find6(pkt->bank, image6, bpf_be64_to_cpu(ip->half[0]), bpf_be64_to_cpu(ip->half[1]));
    return vnl_route_find4(pkt->bank, image4, bpf_ntohl(ip->word[3]));
}

/* Is the source in the sending VNet's address space? */
static __always_inline bool from_sender_vnet(const struct vnl_pkt *pkt)
{
    union {
        __u64 raw;
        struct vnl_route_entry entry;
    } space = { route_find(pkt, pkt->nic->space, pkt->nic->space6, &pkt->src) };

    return space.entry.kind == VNL_ROUTE_KIND_VNET;
}

/* Of what goes to a load balancer's frontend; no table has it. */
#define ROUTE_KIND_SERVICE VNL_ROUTE_KIND_MAX

/* Whatever does not stay in VNets, or not without a stop. */
static __always_inline enum vnl_drop route_special(const struct vnl_pkt *pkt)
{
    switch (pkt->route.entry.kind) {
    case VNL_ROUTE_KIND_PUBLIC:
    case VNL_ROUTE_KIND_SESSION:
    case VNL_ROUTE_KIND_BALANCER:
        return pkt->v6 || !vnl_has_sessions ? VNL_DROP_NO_ROUTE : VNL_DROP_NONE;
    case VNL_ROUTE_KIND_INTERNET:
        return pkt->v6 || !pkt->nic->outside || !vnl_has_sessions ? VNL_DROP_NO_INTERNET : VNL_DROP_NONE;
    case VNL_ROUTE_KIND_GATEWAY:
        if (pkt->route.entry.nic == VNL_ROUTE_NO_NIC)
            return VNL_DROP_NO_GATEWAY;
        return pkt->route.entry.nic == pkt->slot ? VNL_DROP_ROUTING_LOOP : VNL_DROP_NONE;
    case VNL_ROUTE_KIND_APPLIANCE:
        return pkt->route.entry.nic == pkt->slot ? VNL_DROP_ROUTING_LOOP : VNL_DROP_NONE;
    }
    return VNL_DROP_NO_ROUTE;
}

static __always_inline enum vnl_drop stage_route(struct vnl_pkt *pkt)
{
    if (is_unroutable(pkt, &pkt->dst))
        return VNL_DROP_NO_ROUTE;
    pkt->route.raw = route_find(pkt, pkt->nic->routes4, pkt->nic->routes6, &pkt->dst);
    return unlikely(pkt->route.entry.kind != VNL_ROUTE_KIND_VNET) ? route_special(pkt) : VNL_DROP_NONE;
}

/* Spec 0 step 10: the NIC that gets the packet; nobody is a silent drop, counted at the sender. The sender may
 * own the destination: a guest does not put such a packet on the wire, and one that does gets it back.
 * No receiver and no drop: it is for a load balancer, or for a public address (bpf/balancer.h, outside.h). */
static __always_inline enum vnl_drop stage_next_hop(struct vnl_pkt *pkt)
{
    __u32 kind = pkt->route.entry.kind, out = pkt->route.entry.nic;

    if (!unlikely(kind != VNL_ROUTE_KIND_VNET))
        out = vnl_owner_find(pkt->bank, pkt->route.entry.vnet, pkt->dst.half[0], pkt->dst.half[1]);
    else if (kind != VNL_ROUTE_KIND_APPLIANCE && kind != VNL_ROUTE_KIND_GATEWAY)
        return VNL_DROP_NONE;
    pkt->receiver = nic_lookup(pkt->bank, out);
    pkt->out = out;
    if (!unlikely(!pkt->receiver))
        return VNL_DROP_NONE;
    pkt->out = VNL_NOBODY;
    if (!vnl_has_sessions || out == VNL_NOBODY || !(out & VNL_OWNER_BALANCER) ||
        kind != VNL_ROUTE_KIND_VNET || pkt->v6)
        return VNL_DROP_NO_OWNER;
    pkt->route.entry.kind = ROUTE_KIND_SERVICE;
    pkt->route.entry.at = (out & ~VNL_OWNER_BALANCER) * 8;
    return VNL_DROP_NONE;
}

#endif
