/* Translation of addresses and ports, IPv4 only: first in what the stages know (they judge the packet as the receiver will see it), and
 * when the packet has passed them all, in the packet.
 *
 * Checksums are left to the helpers, which know what a program cannot see: that the guest's stack has left the checksum to a device
 * (CHECKSUM_PARTIAL), where only the pseudo header is in it. Payload is not touched, so segmentation offload goes through. */
#ifndef VNETLAB_BPF_TRANSLATE_H
#define VNETLAB_BPF_TRANSLATE_H

#include "session.h"

#define AT_QUOTED    (AT_L4 + 8)
#define AT_QUOTED_L4 (AT_QUOTED + (int)sizeof(struct iphdr))

static __always_inline void way_start(struct vnl_pkt *pkt)
{
    struct vnl_way *way = way_of_packet();

    if (!pkt->ask.now)
        ask_start(pkt);
    if (pkt->sought || !way)
        return;
    pkt->sought = true;
    way->leaves.used = way->enters.used = way->floating = way->about = way->enters_about = false;
    way->out = VNL_NOBODY;
    way->saddr = pkt->src.word[3];
    way->daddr = pkt->dst.word[3];
    way->sport = pkt->sport;
    way->dport = pkt->dport;
}

/* --- what the stages know -------------------------------------------------------------------------------------------- */

static __always_inline void translate_source(struct vnl_ask *ask, __be32 addr, __u16 port)
{
    ask->src.word[3] = addr;
    if (has_ports(ask->proto))
        ask->sport = port;
}

static __always_inline void translate_destination(struct vnl_ask *ask, __be32 addr, __u16 port)
{
    ask->dst.word[3] = addr;
    if (has_ports(ask->proto))
        ask->dport = port;
}

/* Between the packet as it was sent and as it will arrive, there and back. */
static __always_inline void translate_swap(struct vnl_ask *ask)
{
    struct vnl_way *way = way_of_packet();
    __be32 saddr, daddr;
    __u16 sport, dport;

    if (!way)
        return;
    saddr = way->saddr;
    daddr = way->daddr;
    sport = way->sport;
    dport = way->dport;
    way->saddr = ask->src.word[3];
    way->daddr = ask->dst.word[3];
    way->sport = ask->sport;
    way->dport = ask->dport;
    ask->src.word[3] = saddr;
    ask->dst.word[3] = daddr;
    ask->sport = sport;
    ask->dport = dport;
}

/* --- ICMP errors ----------------------------------------------------------------------------------------------------- */

/* The session that an ICMP error is about. kind INNER: its guest complains about what it got; the error leaves, and it quotes a packet
 * to the inner address. OUTER: somebody complains about what the guest sent; it quotes the outer address as source. nic: of the key. */
__noinline int vnl_quoted_session(struct __sk_buff *skb, __u32 nic, __u32 kind, __u32 now)
{
    struct vnl_way *way = way_of_packet();
    const struct vnl_flow_key *from, *to;
    struct vnl_session *session;
    struct vnl_flow_key *key;
    bool inner = kind == VNL_FLOW_INNER;
    __u32 at;

    if (!vnl_has_sessions || !way)
        return false;
    session = inner ? &way->leaves : &way->enters;
    key = inner ? &session->inner : &session->outer;
    __builtin_memset(key, 0, sizeof(*key));
    key->nic = nic;
    key->kind = inner ? VNL_FLOW_INNER : VNL_FLOW_OUTER;
    at =
        inner ? quoted_ip4(skb, key, key->remote, key->local) : quoted_ip4(skb, key, key->local, key->remote);
    if (!at || !quoted_ports(skb, at, inner, key))
        return false;
    if (!session_complete(session, key->kind, now))
        return false;
    from = key;
    to = inner ? &session->outer : &session->inner;
    way->quotes_in = inner;
    way->quoted_from = from->local[3];
    way->quoted_to = to->local[3];
    way->quoted_port_from = from->local_port;
    way->quoted_port_to = to->local_port;
    way->quoted_l4 = has_ports(key->proto) ? at : 0;
    return true;
}

static __always_inline bool about_session(struct vnl_pkt *pkt, struct vnl_way *way, __u32 nic, __u32 kind)
{
    way->about = is_icmp_error(&pkt->ask) && !pkt->what_if_new &&
                 vnl_quoted_session(pkt->skb, nic, kind, pkt->ask.now) && vnl_session_stands(&pkt->ask, kind);
    return way->about;
}

/* --- the packet ------------------------------------------------------------------------------------------------------ */

static __always_inline int checksum_at(const struct vnl_ask *ask)
{
    switch (ask->proto) {
    case PROTO_TCP:
        return AT_L4 + 16;
    case PROTO_UDP:
        return AT_L4 + 6;
    }
    return 0;
}

/* at: of an address in the IP header. */
static __always_inline void rewrite_addr(struct __sk_buff *skb, int at, int l4_checksum, __u64 flags,
                                         __be32 from, __be32 to)
{
    if (from == to)
        return;
    if (l4_checksum)
        (void)bpf_l4_csum_replace(skb, l4_checksum, from, to, BPF_F_PSEUDO_HDR | flags | sizeof(to));
    (void)bpf_l3_csum_replace(skb, AT_IP + offsetof(struct iphdr, check), from, to, sizeof(to));
    (void)bpf_skb_store_bytes(skb, at, &to, sizeof(to), 0);
}

static __always_inline void rewrite_port(struct __sk_buff *skb, int at, int l4_checksum, __u64 flags,
                                         __u16 from, __u16 to)
{
    __be16 port = bpf_htons(to);

    if (from == to)
        return;
    (void)bpf_l4_csum_replace(skb, l4_checksum, bpf_htons(from), port, flags | sizeof(port));
    (void)bpf_skb_store_bytes(skb, at, &port, sizeof(port), 0);
}

/* What an ICMP error quotes. Its own checksum covers it: the address and the quoted header's checksum cancel each other there. */
static __always_inline void rewrite_quoted(struct __sk_buff *skb, const struct vnl_way *way)
{
    __u32 addr_at =
        AT_QUOTED + (way->quotes_in ? offsetof(struct iphdr, daddr) : offsetof(struct iphdr, saddr));
    __be32 to = way->quoted_to;

    (void)bpf_l3_csum_replace(skb, AT_QUOTED + offsetof(struct iphdr, check), way->quoted_from, to,
                              sizeof(to));
    (void)bpf_skb_store_bytes(skb, addr_at, &to, sizeof(to), 0);
    if (way->quoted_l4)
        rewrite_port(skb, way->quoted_l4 + (way->quotes_in ? 2 : 0), AT_L4 + 2, 0, way->quoted_port_from,
                     way->quoted_port_to);
}

/* From what the sender wrote (struct vnl_way) to what the stages made of it. */
__noinline int vnl_translate(struct __sk_buff *skb, const struct vnl_ask *ask)
{
    const struct vnl_way *way = way_of_packet();
    int checksum;
    __u64 flags;

    if (!way || !ask)
        return 0;
    checksum = ask->later ? 0 : checksum_at(ask);
    flags = ask->proto == PROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
    rewrite_addr(skb, AT_IP + offsetof(struct iphdr, saddr), checksum, flags, way->saddr, ask->src.word[3]);
    rewrite_addr(skb, AT_IP + offsetof(struct iphdr, daddr), checksum, flags, way->daddr, ask->dst.word[3]);
    if (checksum) {
        rewrite_port(skb, AT_L4, checksum, flags, way->sport, ask->sport);
        rewrite_port(skb, AT_L4 + 2, checksum, flags, way->dport, ask->dport);
    }
    if (way->about)
        rewrite_quoted(skb, way);
    return 0;
}

/* The packet passes: its sessions open or go on. */
__noinline int vnl_sessions_pass(const struct vnl_ask *ask)
{
    struct vnl_way *way = way_of_packet();

    if (!vnl_has_sessions || !way || !ask)
        return false;
    return session_pass(ask, &way->leaves) && session_pass(ask, &way->enters);
}

/* The port may have become another one, when somebody else was faster. */
static __always_inline enum vnl_drop stage_sessions(struct vnl_pkt *pkt)
{
    const struct vnl_way *way = way_of_packet();

    if (pkt->what_if || !way)
        return VNL_DROP_NONE;
    if (!vnl_sessions_pass(&pkt->ask))
        return VNL_DROP_FLOW_TABLE_FULL;
    if (way->leaves.used && has_ports(pkt->proto))
        pkt->sport = way->leaves.outer.local_port;
    return VNL_DROP_NONE;
}

/* Frame and pointers again, after the packet has been written to. */
static __always_inline enum vnl_drop stage_translate(struct vnl_pkt *pkt)
{
    if (pkt->special)
        (void)vnl_translate(pkt->skb, &pkt->ask);
    pkt->data = (void *)(long)pkt->skb->data;
    pkt->end = (void *)(long)pkt->skb->data_end;
    return has(pkt, ETH_HLEN) ? VNL_DROP_NONE : VNL_DROP_TRUNCATED;
}

#endif
