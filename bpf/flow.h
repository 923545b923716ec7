/* The flow table: an array of buckets in which a flow has two, of eight places each (layout.h).
 *
 * Not a hash map of the kernel's: there a search costs a call and a hash of all bytes, a flow that ended stays until somebody deletes
 * it, and nobody is there to do so: vnetlab needs no process for packets, a timer per flow costs more than the flow. Here a flow that
 * expired is a free place; it is replaced, never collected. Two choices of eight fill the table to nine tenths before one finds both
 * its buckets full of live flows, and then the new flow is refused: no live one is ever replaced.
 *
 * Any CPU may write. A place is claimed by compare-and-swap of its head, and only when it expired a while ago, so that no packet still
 * reads it; it is published by an exchange, behind its contents. A tag that is not the key's hash is no match, so a half-read key
 * cannot be one either. Two packets that open the same flow at the same time may make two entries: the first is found, the other
 * expires. */
#ifndef VNETLAB_BPF_FLOW_H
#define VNETLAB_BPF_FLOW_H

#include "packet.h"

#define FLOW_SWEEP 32 /* buckets that a packet looks at when its NIC holds too many */

static __always_inline __u64 flow_hash(const struct vnl_flow_key *key)
{
    const __u64 *word = (const void *)key;
    __u64 h = (word[0] ^ vnl_flow_seed) * 0x9e3779b97f4a7c15u ^ word[1] * 0xc2b2ae3d27d4eb4fu ^
              (word[2] ^ vnl_flow_seed) * 0x165667b19e3779f9u ^ word[3] * 0xd6e8feb86659fd93u ^
              word[4] * 0xff51afd7ed558ccdu;

    h ^= h >> 32;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 29;
}

static __always_inline __u32 flow_bucket_number(__u64 hash, int choice)
{
    return (choice ? hash : hash >> 40) & vnl_flow_mask;
}

static __always_inline __u32 flow_tag(__u64 hash)
{
    return (__u32)(hash >> 8) | 1;
}

static __always_inline bool flow_key_eq(const struct vnl_flow_key *a, const struct vnl_flow_key *b)
{
    const volatile __u64 *x = (const void *)a;
    const __u64 *y = (const void *)b;

    return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]));
}

union flow_word {
    __u64 word;
    struct vnl_flow_head head;
};

static __always_inline union flow_word flow_head(const struct vnl_flow_bucket *bucket, __u32 way)
{
    return (union flow_word){ *(const volatile __u64 *)&bucket->head[way & (VNL_FLOW_WAYS - 1)] };
}

static __always_inline struct vnl_flow_bucket *flow_bucket(__u32 number)
{
    return bpf_map_lookup_elem(&vnl_flows, &number);
}

/* Index of the live flow, or VNL_NO_FLOW. */
__noinline __u32 vnl_flow_find(const struct vnl_flow_key *key, __u32 now)
{
    __u64 hash;
    __u32 tag;

    if (!key)
        return VNL_NO_FLOW;
    hash = flow_hash(key);
    tag = flow_tag(hash);
    for (int choice = 0; choice < 2; choice++) {
        __u32 number = flow_bucket_number(hash, choice);
        const struct vnl_flow_bucket *bucket = flow_bucket(number);

        if (!bucket)
            return VNL_NO_FLOW;
        for (__u32 way = 0; way < VNL_FLOW_WAYS; way++) {
            union flow_word it = flow_head(bucket, way);

            if (it.head.tag == tag && !tick_passed(it.head.expires, now) &&
                flow_key_eq(&bucket->flow[way].key, key))
                return number * VNL_FLOW_WAYS + way;
        }
    }
    return VNL_NO_FLOW;
}

/* Is `index` the live flow? It was, a packet ago. */
static __always_inline bool flow_is(__u32 index, const struct vnl_flow_key *key, __u32 now)
{
    const struct vnl_flow_bucket *bucket = flow_bucket(index / VNL_FLOW_WAYS);
    union flow_word it;

    if (!bucket)
        return false;
    it = flow_head(bucket, index);
    return it.head.tag && !tick_passed(it.head.expires, now) &&
           flow_key_eq(&bucket->flow[index & (VNL_FLOW_WAYS - 1)].key, key);
}

/* --- shares ---------------------------------------------------------------------------------------------------------- */

/* Slot of the NIC whose share the entry takes. */
static __always_inline __u32 flow_payer(const struct vnl_flow *flow)
{
    return flow->key.kind == VNL_FLOW_OUTER ? flow->to.slot : flow->key.nic;
}

static __always_inline bool flow_replaceable(union flow_word it, __u32 grace, __u32 now)
{
    return !it.word || tick_passed(it.head.expires + grace, now);
}

static __always_inline void flow_count(__u32 nic, __u32 by)
{
    struct vnl_nic_state *state = nic_state(nic), *all = nic_state(VNL_NIC_SLOTS_MAX);

    if (state)
        __sync_fetch_and_add(&state->flows, by);
    if (all)
        __sync_fetch_and_add(&all->flows, by);
}

static __always_inline bool flow_share_left(__u32 nic)
{
    const volatile struct vnl_nic_state *state = nic_state(nic), *all = nic_state(VNL_NIC_SLOTS_MAX);
    __u32 slots = (vnl_flow_mask + 1) * VNL_FLOW_WAYS;

    return state && all && state->flows < VNL_FLOW_NIC_MAX && all->flows < slots &&
           state->flows < slots - all->flows;
}

/* Takes the place at `way`, if it is to be had. grace: ticks since it expired; 0 for one who writes the same key there. */
static __always_inline bool flow_claim(struct vnl_flow_bucket *bucket, __u32 way, __u32 grace, __u32 now)
{
    union flow_word old = flow_head(bucket, way), busy = { .head = { now + VNL_FLOW_GRACE_TICKS, 0 } };

    if (!flow_replaceable(old, grace, now) ||
        __sync_val_compare_and_swap((__u64 *)&bucket->head[way], old.word, busy.word) != old.word)
        return false;
    if (old.head.tag)
        flow_count(flow_payer(&bucket->flow[way]), -1);
    return true;
}

__noinline int vnl_flow_sweep_bucket(__u32 number, __u32 now)
{
    struct vnl_flow_bucket *bucket = flow_bucket(number);

    for (__u32 way = 0; bucket && way < VNL_FLOW_WAYS; way++) {
        if (flow_head(bucket, way).word && flow_claim(bucket, way, VNL_FLOW_GRACE_TICKS, now))
            *(volatile __u64 *)&bucket->head[way] = 0;
    }
    return 0;
}

/* Counts expired flows off, from where the last sweep ended. */
__noinline int vnl_flow_sweep(__u32 now)
{
    struct vnl_nic_state *all = nic_state(VNL_NIC_SLOTS_MAX);
    __u32 hand;

    if (!all)
        return 0;
    hand = __sync_fetch_and_add(&all->event_count, FLOW_SWEEP); /* nobody else uses that one there */
    for (__u32 i = 0; i < FLOW_SWEEP; i++)
        (void)vnl_flow_sweep_bucket((hand + i) & vnl_flow_mask, now);
    return 0;
}

/* May the NIC have one more? */
static __always_inline bool flow_room(const struct vnl_ask *ask, __u32 slot)
{
    if (flow_share_left(slot))
        return true;
    if (ask->what_if)
        return false;
    (void)vnl_flow_sweep(ask->now);
    return flow_share_left(slot);
}

/* --- changes --------------------------------------------------------------------------------------------------------- */

__noinline __u32 vnl_flow_free_ways(__u32 number, __u32 now)
{
    const struct vnl_flow_bucket *bucket = flow_bucket(number);
    __u32 n = 0;

#pragma clang loop unroll(disable) /* a stack frame full of temporaries else */
    for (__u32 way = 0; bucket && way < VNL_FLOW_WAYS; way++)
        n += flow_replaceable(flow_head(bucket, way), VNL_FLOW_GRACE_TICKS, now);
    return n;
}

/* Index of an ended flow with this key, or VNL_NO_FLOW. */
__noinline __u32 vnl_flow_find_ended(const struct vnl_flow_key *key, __u32 now)
{
    __u32 first, second;
    __u64 hash;

    if (!key)
        return VNL_NO_FLOW;
    hash = flow_hash(key);
    first = flow_bucket_number(hash, 0);
    second = flow_bucket_number(hash, 1);
#pragma clang loop unroll(disable)
    for (__u32 i = 0; i < 2 * VNL_FLOW_WAYS; i++) {
        __u32 number = i < VNL_FLOW_WAYS ? first : second, way = i & (VNL_FLOW_WAYS - 1);
        const struct vnl_flow_bucket *bucket = flow_bucket(number);
        union flow_word it;

        if (!bucket)
            break;
        it = flow_head(bucket, way);
        if (it.head.tag == flow_tag(hash) && tick_passed(it.head.expires, now) &&
            flow_key_eq(&bucket->flow[way].key, key))
            return number * VNL_FLOW_WAYS + way;
    }
    return VNL_NO_FLOW;
}

static __always_inline void flow_publish(struct vnl_flow_bucket *bucket, __u32 way,
                                         const struct vnl_flow *flow, __u32 payer, union flow_word head)
{
    bucket->flow[way] = *flow;
    (void)__sync_lock_test_and_set((__u64 *)&bucket->head[way], head.word);
    flow_count(payer, 1);
}

/* In the place of an ended one with the same key. A packet that still reads that one finds what belongs to its own flow, so nobody waits:
 * a client that comes again and again from one port would fill its buckets with ended flows. */
static __always_inline bool flow_reopen(__u32 index, const struct vnl_flow *flow, __u32 payer,
                                        union flow_word head, __u32 now)
{
    struct vnl_flow_bucket *bucket = index == VNL_NO_FLOW ? NULL : flow_bucket(index / VNL_FLOW_WAYS);
    __u32 way = index & (VNL_FLOW_WAYS - 1);

    if (!bucket || !flow_claim(bucket, way, 0, now))
        return false;
    flow_publish(bucket, way, flow, payer, head);
    return true;
}

static __always_inline __u32 flow_put(__u32 number, const struct vnl_flow *flow, __u32 payer,
                                      union flow_word head, __u32 now)
{
    struct vnl_flow_bucket *bucket = flow_bucket(number);

    for (__u32 way = 0; bucket && way < VNL_FLOW_WAYS; way++) {
        if (!flow_claim(bucket, way, VNL_FLOW_GRACE_TICKS, now))
            continue;
        flow_publish(bucket, way, flow, payer, head);
        return number * VNL_FLOW_WAYS + way;
    }
    return VNL_NO_FLOW;
}

/* Puts the flow where it was before, or into the emptier of its buckets; its index, or VNL_NO_FLOW when both are full. */
static __always_inline __u32 flow_open(const struct vnl_flow *flow, __u32 payer, __u32 expires, __u32 now)
{
    union flow_word head = { .head = { .expires = expires } };
    __u64 hash = flow_hash(&flow->key);
    __u32 first, second, ended;

    head.head.tag = flow_tag(hash);
    ended = vnl_flow_find_ended(&flow->key, now);
    if (flow_reopen(ended, flow, payer, head, now))
        return ended;
    first = flow_bucket_number(hash, 0);
    second = flow_bucket_number(hash, 1);
    if (vnl_flow_free_ways(second, now) > vnl_flow_free_ways(first, now))
        first = second;
    return flow_put(first, flow, payer, head, now);
}

static __always_inline __u32 flow_timeout(__u32 timeout_s, __u32 state)
{
    __u32 idle = VNL_TICKS(timeout_s);

    if (state & VNL_FLOW_CLOSED)
        return VNL_TICKS(VNL_FLOW_CLOSED_S);
    if (state & VNL_FLOW_UNANSWERED && idle > VNL_TICKS(VNL_FLOW_UNANSWERED_S))
        return VNL_TICKS(VNL_FLOW_UNANSWERED_S);
    return idle;
}

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* What the packet makes of its flow's state. */
static __always_inline __u32 flow_next_state(__u32 state, __u8 tcp_flags, bool inbound)
{
    if (!(state & VNL_FLOW_BY_REMOTE) == inbound)
        state &= ~VNL_FLOW_UNANSWERED;
    if (tcp_flags & TCP_FIN)
        state |= inbound ? VNL_FLOW_FIN_REMOTE : VNL_FLOW_FIN_LOCAL;
    if (tcp_flags & TCP_RST || (state & VNL_FLOW_FIN_REMOTE && state & VNL_FLOW_FIN_LOCAL))
        state |= VNL_FLOW_CLOSED;
    return state;
}

/* A packet of a known flow passed; its TCP flags, or 0. A closed flow lives no longer for that. */
__noinline int vnl_flow_touch(__u32 index, __u32 now, __u32 timeout_s, __u32 tcp_flags, __u32 inbound)
{
    struct vnl_flow_bucket *bucket = flow_bucket(index / VNL_FLOW_WAYS);
    __u32 way = index & (VNL_FLOW_WAYS - 1), was, state, expires;

    if (!bucket)
        return 0;
    was = *(volatile __u32 *)&bucket->flow[way].state;
    state = flow_next_state(was, tcp_flags, inbound);
    if (state != was) {
        /* Both ends may send at once: bits are set and cleared, the word is not written. */
        state = (__sync_fetch_and_or(&bucket->flow[way].state, state & ~was) | state) & ~(was & ~state);
        if (was & ~state)
            __sync_fetch_and_and(&bucket->flow[way].state, ~(was & ~state));
        state = flow_next_state(state, 0, inbound);
        if (state & VNL_FLOW_CLOSED)
            __sync_fetch_and_or(&bucket->flow[way].state, VNL_FLOW_CLOSED);
    }
    expires = now + flow_timeout(timeout_s, state);
    if (bucket->head[way].expires != expires && !(was & VNL_FLOW_CLOSED))
        *(volatile __u32 *)&bucket->head[way].expires = expires;
    return 0;
}

#endif
