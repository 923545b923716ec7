/* What a session, or a source address, stands on: the policy in force. A session remembers the epoch in which this was last asked.
 *
 * Its outer address must still be a public IP of this very NIC and inner address, or one that the NIC shares, or a frontend whose balancer
 * has this backend in the rule for that port. Security rules are no part of it: established flows survive those. */
#ifndef VNETLAB_BPF_STANDS_H
#define VNETLAB_BPF_STANDS_H

#include "balancer.h"

#define SHARED_MAX 256u /* addresses that NICs share */

/* --- backends -------------------------------------------------------------------------------------------------------- */

/* Is the NIC a backend of the rule, at this address (0: at any)? */
__noinline int vnl_backend_is(__u32 bank, __u32 rule, __u32 nic, __u32 addr)
{
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    __u32 at, n;

    if (!vnl_has_sessions || !pool)
        return false;
    at = POOL_OF(struct vnl_balancer_rule, rule, backends);
    n = POOL_OF(struct vnl_balancer_rule, rule, n_backends);
    for (__u32 i = 0; i < VNL_BACKENDS_MAX && i < n; i++, at += sizeof(struct vnl_backend)) {
        if (POOL_OF(struct vnl_backend, at, nic) == nic &&
            (!addr || POOL_OF(struct vnl_backend, at, addr) == addr))
            return true;
    }
    return false;
}

/* Pool offset of the frontend's balancer, or 0. */
static __always_inline __u32 balancer_at(__u32 bank, __u32 vnet, __be32 addr)
{
    union vnl_ip ip = ip4_mapped(addr);
    __u32 owner = vnl_owner_find(bank, vnet, ip.half[0], ip.half[1]);

    return owner == VNL_NOBODY || !(owner & VNL_OWNER_BALANCER) ? 0 : (owner & ~VNL_OWNER_BALANCER) * 8;
}

/* Direct server return: does the NIC answer from a frontend whose floating rule it serves? */
__noinline int vnl_floats(struct vnl_ask *ask, __u32 balancer, __u32 slot)
{
    __u32 bank, rule;
    const void *pool;

    if (!vnl_has_sessions || !ask || !has_ports(ask->proto))
        return false;
    if (ask->fragment && fragment_ports(ask) != VNL_DROP_NONE) {
        ask->ports_known = false; /* later stages drop it for that */
        return false;
    }
    bank = ask->bank;
    pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    rule = vnl_balancer_rule_find(bank, balancer, ask->proto, ask->sport);
    return pool && rule && rule_floats(pool, rule) && vnl_backend_is(bank, rule, slot, 0);
}

/* --- sessions -------------------------------------------------------------------------------------------------------- */

static __always_inline bool stands_balanced(const void *pool, __u32 bank, const struct vnl_session *session)
{
    __u32 balancer = balancer_at(bank, session->outer.nic, session->outer.local[3]), rule;
    __u16 port = session->outer.local_port, there;

    rule = balancer ? balancer_rule(pool, bank, balancer, session->outer.proto, port) : 0;
    if (!rule || rule_floats(pool, rule))
        return false;
    there = pool_u16(pool, (__u64)rule + offsetof(struct vnl_balancer_rule, backend_port));
    return session->inner.local_port == (there ? there : port) &&
           vnl_backend_is(bank, rule, session->inner.nic, session->inner.local[3]);
}

/* Is it among the addresses that the NIC shares? */
__noinline int vnl_outside_shares(__u32 bank, __u32 outside, __u32 addr)
{
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    __u32 at, n;

    if (!vnl_has_sessions || !pool)
        return false;
    at = POOL_OF(struct vnl_outside, outside, outer);
    n = POOL_OF(struct vnl_outside, outside, n_outer);
    for (__u32 i = 0; i < SHARED_MAX && i < n; i++, at += sizeof(__be32)) {
        if (pool_u32(pool, at) == addr)
            return true;
    }
    return false;
}

static __always_inline bool stands_outside(const void *pool, __u32 bank, const struct vnl_session *session)
{
    const struct vnl_nic_entry *nic = nic_lookup(bank, session->inner.nic);
    __u32 outside = nic ? nic->outside : 0, public;
    __u16 port = session->outer.local_port;

    if (!outside)
        return false;
    public = vnl_public_find(bank, outside, session->inner.local[3]);
    if (public && POOL_OF(struct vnl_public, public, outer) == session->outer.local[3] &&
        session->inner.local_port == port)
        return true;
    port -= pool_u16(pool, (__u64)outside + offsetof(struct vnl_outside, port_first));
    return has_ports(session->outer.proto) &&
           port < pool_u16(pool, (__u64)outside + offsetof(struct vnl_outside, n_ports)) &&
           vnl_outside_shares(bank, outside, session->outer.local[3]);
}

/* Index of the session's other entry, or VNL_NO_FLOW: it may be another session's by now. */
static __always_inline __u32 session_twin(const struct vnl_session *session, __u32 kind, __u32 now)
{
    const struct vnl_flow_key *own = kind == VNL_FLOW_INNER ? &session->inner : &session->outer;
    __u32 index = vnl_flow_find(kind == VNL_FLOW_INNER ? &session->outer : &session->inner, now);
    const struct vnl_flow *flow = index == VNL_NO_FLOW ? NULL : flow_at(index);

    return flow && flow->to.addr == own->local[3] && flow->to.port == own->local_port &&
                   flow->to.slot == own->nic
               ? index
               : VNL_NO_FLOW;
}

/* Bits of the state may change meanwhile: then the next packet asks again. */
static __always_inline void session_stood(__u32 index, __u32 epoch)
{
    struct vnl_flow *flow = flow_at(index);
    __u32 was;

    if (!flow)
        return;
    was = *(volatile __u32 *)&flow->state;
    (void)__sync_val_compare_and_swap(&flow->state, was,
                                      (was & ((1u << VNL_FLOW_EPOCH_SHIFT) - 1)) | session_epoch(epoch));
}

__noinline int vnl_session_stands(const struct vnl_ask *ask, __u32 kind)
{
    struct vnl_way *way = way_of_packet();
    const struct vnl_session *session;
    const void *pool;
    __u32 bank, twin;
    bool stands;

    if (!vnl_has_sessions || !ask || !way)
        return false;
    bank = ask->bank;
    pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    if (!pool)
        return false;
    session = kind == VNL_FLOW_INNER ? &way->leaves : &way->enters;
    twin = session_twin(session, kind, ask->now);
    stands = twin != VNL_NO_FLOW &&
             (session->outer.nic == VNL_INTERNET_SLOT ? stands_outside(pool, bank, session)
                                                      : stands_balanced(pool, bank, session));
    if (ask->what_if)
        return stands;
    if (stands) {
        session_stood(session->index, ask->epoch);
        return true;
    }
    session_end(session->index, ask->now);
    session_end(twin, ask->now);
    return false;
}

/* --- sources --------------------------------------------------------------------------------------------------------- */

static __always_inline bool same_ip(const union vnl_ip *a, const union vnl_ip *b)
{
    return a->half[0] == b->half[0] && a->half[1] == b->half[1];
}

/* What came out of a tunnel is from elsewhere: one that says it is from inside, or from whom it is for, is forged. */
static __always_inline bool is_forged(const struct vnl_pkt *pkt)
{
    return pkt->nic->flags & VNL_NIC_GATEWAY && (same_ip(&pkt->src, &pkt->dst) || from_sender_vnet(pkt));
}

/* Spec 0 step 4. Who answers from a frontend needs no IP forwarding, and does not forward. */
static __always_inline enum vnl_drop stage_sender(struct vnl_pkt *pkt)
{
    enum vnl_drop drop = stage_source(pkt);
    __u32 balancer;

    if (unlikely(pkt->foreign) && unlikely(is_forged(pkt)))
        return VNL_DROP_SPOOFED_SOURCE;
    if (!vnl_has_sessions || !unlikely(pkt->foreign) || pkt->v6)
        return drop;
    balancer = balancer_at(pkt->bank, pkt->nic->vnet, pkt->src.word[3]);
    if (!balancer)
        return drop;
    ask_start(pkt);
    if (!vnl_floats(&pkt->ask, balancer, pkt->slot))
        return drop;
    pkt->foreign = false;
    return VNL_DROP_NONE;
}

#endif
