/* The internet side (spec 6.1, 6.2): out, with the source translated by the NIC's struct vnl_outside; and in, to a public IP or to an
 * address behind which only sessions are known. */
#ifndef VNETLAB_BPF_OUTSIDE_H
#define VNETLAB_BPF_OUTSIDE_H

#include "translate.h"

#define PUBLICS_MAX   256u /* IP configurations of a NIC (spec 1.10) */
#define NICS_AN_OUTER 62u  /* 1024 ports each */

#define POOL_OF(type, at, member) pool_u32(pool, (__u64)(at) + offsetof(type, member))

/* --- out ------------------------------------------------------------------------------------------------------------- */

/* Pool offset of the NIC's public IP with this inner address, or 0. */
__noinline __u32 vnl_public_find(__u32 bank, __u32 outside, __u32 inner)
{
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    __u32 at, n;

    if (!vnl_has_sessions || !pool)
        return 0;
    at = POOL_OF(struct vnl_outside, outside, publics);
    n = POOL_OF(struct vnl_outside, outside, n_publics);
    for (__u32 i = 0; i < PUBLICS_MAX && i < n; i++, at += sizeof(struct vnl_public)) {
        if (POOL_OF(struct vnl_public, at, inner) == inner)
            return at;
    }
    return 0;
}

/* An address that NICs share, and one of its ports. */
static __always_inline enum vnl_drop outside_share(const void *pool, struct vnl_ask *ask, __u32 outside,
                                                   __u32 slot)
{
    struct vnl_way *way = way_of_packet();
    __u32 n_outer = POOL_OF(struct vnl_outside, outside, n_outer), nth, timeout_s;
    struct vnl_session *session;
    __u64 hash;

    if (!way || !n_outer)
        return VNL_DROP_NO_OUTBOUND;
    session = &way->leaves;
    hash = flow_hash(&session->inner);
    nth =
        POOL_OF(struct vnl_outside, outside, flags) & VNL_OUTSIDE_GATEWAY ? hash >> 32 : slot / NICS_AN_OUTER;
    session->port_first = pool_u16(pool, (__u64)outside + offsetof(struct vnl_outside, port_first));
    session->n_ports = pool_u16(pool, (__u64)outside + offsetof(struct vnl_outside, n_ports));
    if (!session->n_ports)
        return VNL_DROP_SNAT_PORTS;
    session->at = (__u32)hash % session->n_ports;
    session_other(&session->inner,
                  pool_u32(pool, POOL_OF(struct vnl_outside, outside, outer) + 4ull * (nth % n_outer)), 0,
                  VNL_INTERNET_SLOT, VNL_FLOW_OUTER, &session->outer);
    timeout_s = ask->proto == PROTO_TCP ? POOL_OF(struct vnl_outside, outside, tcp_timeout_s)
                                        : POOL_OF(struct vnl_outside, outside, udp_timeout_s);
    return session_begin(ask, session, timeout_s);
}

/* One address for one, the ports stay. */
static __always_inline enum vnl_drop outside_own(const void *pool, struct vnl_ask *ask, __u32 public)
{
    struct vnl_way *way = way_of_packet();
    struct vnl_session *session;

    if (!way)
        return VNL_DROP_NO_OUTBOUND;
    session = &way->leaves;
    session->n_ports = 0;
    session_other(&session->inner, POOL_OF(struct vnl_public, public, outer), session->inner.local_port,
                  VNL_INTERNET_SLOT, VNL_FLOW_OUTER, &session->outer);
    return session_begin(ask, session, OUTSIDE_OUT_S);
}

static __always_inline enum vnl_drop outside_new(struct vnl_ask *ask, __u32 outside, __u32 slot)
{
    __u32 bank =
        ask->bank; /* "R2 type=mem expected=fp" when the key is in memory of the caller's (Linux 6.1) */
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    struct vnl_way *way = way_of_packet();
    enum vnl_drop drop;
    __u32 public;

    if (!pool || !way)
        return VNL_DROP_NO_OUTBOUND;
    public = vnl_public_find(bank, outside, ask->src.word[3]);
    if (public &&
        !(has_ports(ask->proto) && POOL_OF(struct vnl_outside, outside, flags) & VNL_OUTSIDE_GATEWAY))
        return outside_own(pool, ask, public);
    if (!POOL_OF(struct vnl_outside, outside, n_outer))
        return VNL_DROP_NO_OUTBOUND;
    if (!has_ports(ask->proto))
        return VNL_DROP_SNAT_PROTOCOL;
    drop = outside_share(pool, ask, outside, slot);
    return drop == VNL_DROP_NONE ? (enum vnl_drop)vnl_session_choose(ask) : drop;
}

/* What the guest sends: the source of a packet of a known session, and of each that goes to the internet. outside: 0 = it does not go
 * there. enum vnl_drop. */
__noinline int vnl_leave(struct vnl_ask *ask, __u32 slot, __u32 outside)
{
    struct vnl_way *way = way_of_packet();
    enum vnl_drop drop = VNL_DROP_NONE;
    struct vnl_session *session;
    bool known;

    if (!vnl_has_sessions || !way || !ask)
        return VNL_DROP_NO_OUTBOUND;
    session = &way->leaves;
    if (ask->fragment)
        drop = fragment_ports(ask);
    if (drop != VNL_DROP_NONE)
        return drop;
    if (way->about && (session->outer.nic == VNL_INTERNET_SLOT) == !!outside) {
        if (ask->src.word[3] == session->inner.local[3])
            ask->src.word[3] = session->outer.local[3];
        return VNL_DROP_NONE;
    }
    way->about = false;
    known = session_find(ask, session, VNL_FLOW_INNER, slot);
    if (known && (session->outer.nic == VNL_INTERNET_SLOT) != !!outside)
        known = false;
    if (known) {
        session->used = true;
        session->opens = false;
    } else if (outside) {
        drop = outside_new(ask, outside, slot);
    }
    if (session->used && drop == VNL_DROP_NONE)
        translate_source(ask, session->outer.local[3], session->outer.local_port);
    return drop;
}

static __always_inline void leave_end(struct vnl_pkt *pkt)
{
    const struct vnl_way *way = way_of_packet();

    if (!way)
        return;
    pkt->special = way->leaves.used || way->about;
    pkt->exempt = way->about;
}

/* Where the internet's own table says that the packet goes. */
static __always_inline enum vnl_drop route_outside(struct vnl_pkt *pkt)
{
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &pkt->bank);

    if (!pool)
        return VNL_DROP_NO_INTERNET;
    pkt->route.raw = vnl_route_find4(
        pkt->bank, pool_u32(pool, (__u64)pkt->nic->outside + offsetof(struct vnl_outside, internet)),
        bpf_ntohl(pkt->dst.word[3]));
    return pkt->route.entry.kind == VNL_ROUTE_KIND_NONE ? VNL_DROP_NO_ROUTE : VNL_DROP_NONE;
}

/* Only NICs that may have sessions come here, and what goes to the internet. */
static __always_inline enum vnl_drop stage_leave(struct vnl_pkt *pkt)
{
    bool outside = pkt->route.entry.kind == VNL_ROUTE_KIND_INTERNET;
    struct vnl_way *way = way_of_packet();
    enum vnl_drop drop;

    if (pkt->v6 || (pkt->foreign && !outside))
        return VNL_DROP_NONE;
    if (pkt->foreign)
        return VNL_DROP_FOREIGN_TO_INTERNET;
    way_start(pkt);
    if (way)
        (void)about_session(pkt, way, pkt->slot, VNL_FLOW_INNER);
    drop = vnl_leave(&pkt->ask, pkt->slot, outside ? pkt->nic->outside : 0);
    if (drop != VNL_DROP_NONE)
        return drop;
    leave_end(pkt);
    return outside ? route_outside(pkt) : VNL_DROP_NONE;
}

/* --- in -------------------------------------------------------------------------------------------------------------- */

/* Is it an ICMP error about what some guest has sent through a session? vnet: slot, of the outer address. */
static __always_inline void enter_about(struct vnl_pkt *pkt, __u32 vnet)
{
    struct vnl_way *way = way_of_packet();

    if (way && !way->about)
        way->enters_about = about_session(pkt, way, vnet, VNL_FLOW_OUTER);
}

static __always_inline enum vnl_drop enter_error(struct vnl_ask *ask, struct vnl_way *way)
{
    way->out = way->enters.inner.nic;
    ask->dst.word[3] = way->enters.inner.local[3];
    return VNL_DROP_NONE;
}

/* at: pool offset of the struct vnl_public, 0 = only sessions are known behind the address. as_known: a closed one counts as open. */
__noinline int vnl_enter_public(struct vnl_ask *ask, __u32 at, __u32 as_known)
{
    struct vnl_way *way = way_of_packet();
    enum vnl_drop drop = VNL_DROP_NONE;
    struct vnl_session *session;
    const void *pool;
    __u32 bank;

    if (!vnl_has_sessions || !way || !ask)
        return VNL_DROP_NO_SESSION;
    bank = ask->bank;
    pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    session = &way->enters;
    if (ask->fragment)
        drop = fragment_ports(ask);
    if (drop != VNL_DROP_NONE || !pool)
        return drop == VNL_DROP_NONE ? VNL_DROP_NO_SESSION : drop;
    if (way->enters_about)
        return enter_error(ask, way);
    if (session_find(ask, session, VNL_FLOW_OUTER, VNL_INTERNET_SLOT)) {
        session->used = true;
        session->opens = false;
    } else if (!at) {
        return VNL_DROP_NO_SESSION;
    } else if (POOL_OF(struct vnl_public, at, flags) & VNL_PUBLIC_CLOSED && !as_known) {
        return VNL_DROP_PUBLIC_CLOSED;
    } else {
        session->n_ports = 0;
        session_other(&session->outer, POOL_OF(struct vnl_public, at, inner), session->outer.local_port,
                      POOL_OF(struct vnl_public, at, nic), VNL_FLOW_INNER, &session->inner);
        drop = session_begin(ask, session, POOL_OF(struct vnl_public, at, timeout_s));
    }
    way->out = session->inner.nic;
    translate_destination(ask, session->inner.local[3], session->inner.local_port);
    return drop;
}

static __always_inline enum vnl_drop enter_public(struct vnl_pkt *pkt)
{
    __u32 at = pkt->route.entry.kind == VNL_ROUTE_KIND_PUBLIC ? pkt->route.entry.at : 0;

    enter_about(pkt, VNL_INTERNET_SLOT);
    return vnl_enter_public(&pkt->ask, at, pkt->what_if_known);
}

#endif
