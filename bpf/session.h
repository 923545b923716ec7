/* Sessions: what translation remembers, as two entries of the flow table that name each other (layout.h, enum vnl_flow_kind).
 *
 * The keys of both say everything: where one entry leads to is what the other is found by. So a struct vnl_session is just two keys, and
 * an entry of either kind makes a whole session. They lie in struct vnl_way. */
#ifndef VNETLAB_BPF_SESSION_H
#define VNETLAB_BPF_SESSION_H

#include "nsg.h"

#define SESSION_TRIES 1024u /* ports looked at */
#define SESSION_RACES 4     /* with other CPUs, for the same port */
#define OUTSIDE_OUT_S 240u  /* through a NIC's own public IP (spec 6.1: outbound fixed) */

/* --- keys ------------------------------------------------------------------------------------------------------------ */

/* The key of the packet as it is now. nic: slot, of kind OUTER the VNet's. */
static __always_inline void session_key(struct vnl_ask *ask, bool inbound, __u32 nic, __u8 kind,
                                        struct vnl_flow_key *ret)
{
    ask->inbound = inbound;
    ask->slot = nic;
    nsg_key(ask, ret);
    ret->kind = kind;
}

static __always_inline void session_other(const struct vnl_flow_key *key, __be32 addr, __u16 port, __u16 nic,
                                          __u8 kind, struct vnl_flow_key *ret)
{
    *ret = *key;
    ret->local[0] = ret->local[1] = 0;
    ret->local[2] = bpf_htonl(0xffff);
    ret->local[3] = addr;
    ret->local_port = port;
    ret->nic = nic;
    ret->kind = kind;
}

/* Is the session's outer address still there for it (bpf/stands.h)? If not it ends. The one of way->leaves (kind INNER) or way->enters. */
__noinline int vnl_session_stands(const struct vnl_ask *ask, __u32 kind);

static __always_inline __u32 session_epoch(__u32 epoch)
{
    return epoch << VNL_FLOW_EPOCH_SHIFT;
}

/* Finds the session by its key of this kind and fills in the other one. */
static __always_inline bool session_complete(struct vnl_session *session, __u8 kind, __u32 now)
{
    struct vnl_flow_key *own = kind == VNL_FLOW_INNER ? &session->inner : &session->outer;
    struct vnl_flow_key *other = kind == VNL_FLOW_INNER ? &session->outer : &session->inner;
    const struct vnl_flow *flow;

    session->index = vnl_flow_find(own, now);
    flow = session->index == VNL_NO_FLOW ? NULL : flow_at(session->index);
    if (!flow)
        return false;
    session->state = flow->state;
    session_other(own, flow->to.addr, flow->to.port, flow->to.slot,
                  kind == VNL_FLOW_INNER ? VNL_FLOW_OUTER : VNL_FLOW_INNER, other);
    return true;
}

/* Policy is asked once in each epoch. */
static __always_inline bool session_stands(const struct vnl_ask *ask, const struct vnl_session *session,
                                           __u8 kind)
{
    return (session->state ^ session_epoch(ask->epoch)) >> VNL_FLOW_EPOCH_SHIFT == 0 ||
           vnl_session_stands(ask, kind);
}

/* Does the packet belong to a session? By kind INNER it comes from its guest, by kind OUTER it goes there. */
static __always_inline bool session_find(struct vnl_ask *ask, struct vnl_session *session, __u8 kind,
                                         __u32 nic)
{
    struct vnl_flow_key *key = kind == VNL_FLOW_INNER ? &session->inner : &session->outer;

    session->inbound = kind == VNL_FLOW_OUTER;
    session->index = VNL_NO_FLOW;
    session_key(ask, session->inbound, nic, kind, key);
    if (ask->what_if_new || (is_icmp(ask) && !key->remote_port) ||
        !session_complete(session, kind, ask->now) || !session_stands(ask, session, kind))
        return false;
    /* The ports of a closed connection are free for a new one. */
    return !(session->state & VNL_FLOW_CLOSED && is_first_segment(ask));
}

/* A new session, whose keys are there, begins with this packet. ICMP that is no echo is translated packet by packet. */
static __always_inline enum vnl_drop session_begin(struct vnl_ask *ask, struct vnl_session *session,
                                                   __u32 timeout_s)
{
    session->used = true;
    session->timeout_s = timeout_s;
    session->state = session->inbound ? VNL_FLOW_BY_REMOTE : 0;
    if (is_first_segment(ask))
        session->state |= VNL_FLOW_UNANSWERED;
    else
        session->state =
            flow_next_state(session->state, ask->proto == PROTO_TCP ? ask->tcp_flags : 0, session->inbound);
    session->opens = !is_icmp(ask) || session->inner.remote_port;
    return session->opens && !flow_room(ask, session->inner.nic) ? VNL_DROP_FLOW_TABLE_FULL : VNL_DROP_NONE;
}

/* --- ports ----------------------------------------------------------------------------------------------------------- */

struct port_search {
    __u32 now; /* tick; 0 = as if there were no sessions: the first port is free */
    bool found;
};

static long session_port_try(__u32 number, void *context)
{
    struct port_search *search = context;
    struct vnl_way *way = way_of_packet();
    struct vnl_session *session;

    (void)number;
    if (!way)
        return LOOP_ENDS;
    session = &way->leaves;
    session->outer.local_port = session->port_first + session->at;
    if (!search->now || vnl_flow_find(&session->outer, search->now) == VNL_NO_FLOW) {
        search->found = true;
        return LOOP_ENDS;
    }
    if (++session->at >= session->n_ports)
        session->at = 0;
    return LOOP_GOES_ON;
}

/* The first free port from session->at on. */
__noinline int vnl_session_choose(const struct vnl_ask *ask)
{
    struct vnl_way *way = way_of_packet();
    struct port_search search = { 0 };
    __u32 n;

    if (!vnl_has_sessions || !way || !ask)
        return VNL_DROP_SNAT_PORTS;
    search.now = ask->what_if_new ? 0 : ask->now;
    n = way->leaves.n_ports;
    (void)bpf_loop(n < SESSION_TRIES ? n : SESSION_TRIES, session_port_try, &search, 0);
    return search.found ? VNL_DROP_NONE : VNL_DROP_SNAT_PORTS;
}

/* --- changes --------------------------------------------------------------------------------------------------------- */

static __always_inline void session_end(__u32 index, __u32 now)
{
    struct vnl_flow_bucket *bucket = index == VNL_NO_FLOW ? NULL : flow_bucket(index / VNL_FLOW_WAYS);

    if (bucket)
        *(volatile __u32 *)&bucket->head[index & (VNL_FLOW_WAYS - 1)].expires = now - 1;
}

/* epoch: in which the session was last found good. */
__noinline __u32 vnl_session_put(const struct vnl_session *session, __u32 kind, __u32 now, __u32 epoch)
{
    struct vnl_way *way = way_of_packet();
    const struct vnl_flow_key *other;
    struct vnl_flow *flow;

    if (!vnl_has_sessions || !session || !way)
        return VNL_NO_FLOW;
    flow = &way->flow;
    flow->key = kind == VNL_FLOW_INNER ? session->inner : session->outer;
    other = kind == VNL_FLOW_INNER ? &session->outer : &session->inner;
    flow->to.addr = other->local[3];
    flow->to.port = other->local_port;
    flow->to.slot = other->nic;
    flow->state = session->state | session_epoch(epoch);
    flow->timeout_s = session->timeout_s;
    return flow_open(flow, session->inner.nic, now + flow_timeout(session->timeout_s, session->state), now);
}

/* Live entries with this key: more than one when two CPUs have opened it. Each looks behind its own writing, so at least one of them sees
 * both. */
__noinline __u32 vnl_session_copies(const struct vnl_flow_key *key, __u32 now)
{
    __u32 n = 0, first, second;
    __u64 hash;

    if (!vnl_has_sessions || !key)
        return 0;
    hash = flow_hash(key);
    first = flow_bucket_number(hash, 0);
    second = flow_bucket_number(hash, 1);
    for (__u32 i = 0; i < 2 * VNL_FLOW_WAYS; i++) {
        const struct vnl_flow_bucket *bucket = flow_bucket(i < VNL_FLOW_WAYS ? first : second);
        union flow_word it;

        if (!bucket || (i == VNL_FLOW_WAYS && first == second))
            break;
        it = flow_head(bucket, i);
        n += it.head.tag == flow_tag(hash) && !tick_passed(it.head.expires, now) &&
             flow_key_eq(&bucket->flow[i & (VNL_FLOW_WAYS - 1)].key, key);
    }
    return n;
}

/* The outer entry, which nobody else may have. Its first packet looks whether the inner one is there, so it is not good yet. Its index, or
 * VNL_NO_FLOW. */
static __always_inline __u32 session_reserve(const struct vnl_ask *ask, struct vnl_session *session)
{
    for (int race = 0; race < SESSION_RACES; race++) {
        __u32 index = vnl_session_put(session, VNL_FLOW_OUTER, ask->now, ask->epoch - 1);

        if (index == VNL_NO_FLOW || vnl_session_copies(&session->outer, ask->now) <= 1)
            return index;
        session_end(index, ask->now);
        if (!session->n_ports)
            break; /* the other packet has opened it; this one will be sent again */
        session->at = (session->at + 1 + (bpf_get_prandom_u32() & 63)) % session->n_ports;
        if (vnl_session_choose(ask) != VNL_DROP_NONE)
            break;
    }
    return VNL_NO_FLOW;
}

static __always_inline bool session_open(const struct vnl_ask *ask, struct vnl_session *session)
{
    __u32 outer;

    /* A closed connection on the same ports. */
    session_end(vnl_flow_find(&session->inner, ask->now), ask->now);
    if (!session->n_ports)
        session_end(vnl_flow_find(&session->outer, ask->now), ask->now);
    outer = session_reserve(ask, session);
    if (outer == VNL_NO_FLOW)
        return false;
    if (vnl_session_put(session, VNL_FLOW_INNER, ask->now, ask->epoch) != VNL_NO_FLOW)
        return true;
    session_end(outer, ask->now);
    return false;
}

static __always_inline __u64 session_life(__u32 index)
{
    const struct vnl_flow_bucket *bucket = flow_bucket(index / VNL_FLOW_WAYS);
    __u32 way = index & (VNL_FLOW_WAYS - 1);

    return bucket ? (__u64) * (const volatile __u32 *)&bucket->flow[way].state << 32 |
                        *(const volatile __u32 *)&bucket->head[way].expires
                  : 0;
}

/* Both entries live and end together; the second is written when the first has changed, which is once a tick. */
static __always_inline void session_touch(const struct vnl_ask *ask, const struct vnl_session *session)
{
    const struct vnl_flow_key *other = session->inbound ? &session->inner : &session->outer;
    const struct vnl_flow *flow = flow_at(session->index);
    __u32 flags = ask->proto == PROTO_TCP ? ask->tcp_flags : 0, timeout_s, twin;
    __u64 before;

    if (!flow)
        return;
    timeout_s = flow->timeout_s;
    before = session_life(session->index);
    (void)vnl_flow_touch(session->index, ask->now, timeout_s, flags, session->inbound);
    if (session_life(session->index) == before)
        return;
    twin = vnl_flow_find(other, ask->now);
    if (twin != VNL_NO_FLOW)
        (void)vnl_flow_touch(twin, ask->now, timeout_s, flags, session->inbound);
}

static __always_inline bool session_pass(const struct vnl_ask *ask, struct vnl_session *session)
{
    if (!session->used)
        return true;
    if (session->opens)
        return session_open(ask, session);
    if (session->index != VNL_NO_FLOW)
        session_touch(ask, session);
    return true;
}

#endif
