/* Stages NSG_OUTBOUND, NSG_INBOUND and the flows that they open (spec 0 egress steps 7 and 8, ingress steps 2 and 3, spec 3.3, 3.4).
 *
 * At a NIC with a network security group: a packet of a known flow passes; of any other the rules decide, at the sender the NIC's group,
 * then the subnet's, at the receiver the subnet's, then the NIC's, and all must allow. Flows are opened when the packet has passed all
 * gates of both NICs, so that what goes nowhere takes no place. Routes and peering gates hold for each packet, known flow or not; a
 * flow remembers what they said, for as long as no policy changes. */
#ifndef VNETLAB_BPF_NSG_H
#define VNETLAB_BPF_NSG_H

#include "classify.h"
#include "flow.h"
#include "fragment.h"
#include "way.h"

/* --- what the packet is ---------------------------------------------------------------------------------------------- */

static __always_inline __u8 icmp_type(const struct vnl_ask *ask)
{
    return ask->sport >> 8;
}

static __always_inline bool is_icmp(const struct vnl_ask *ask)
{
    return ask->proto == PROTO_ICMP || ask->proto == PROTO_ICMPV6;
}

static __always_inline bool is_echo_request(__u8 proto, __u8 type)
{
    return proto == PROTO_ICMP ? type == 8 : type == 128;
}

static __always_inline bool is_echo(__u8 proto, __u8 type)
{
    return is_echo_request(proto, type) || (proto == PROTO_ICMP ? type == 0 : type == 129);
}

/* Unreachable, time exceeded, parameter problem, packet too big: they quote what they are about. Not source quench, not redirects. */
static __always_inline bool is_icmp_error(const struct vnl_ask *ask)
{
    __u8 type = icmp_type(ask);

    if (ask->later || (ask->v6 && ask->fragment))
        return false;
    if (ask->proto == PROTO_ICMP)
        return type == 3 || type == 11 || type == 12;
    return ask->proto == PROTO_ICMPV6 && type >= 1 && type <= 4;
}

static __always_inline bool is_first_segment(const struct vnl_ask *ask)
{
    return ask->proto == PROTO_TCP && (ask->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

/* Who began the flow of an echo packet: who sends requests, or who gets replies. */
static __always_inline __u16 echo_begun_by(bool inbound, bool request)
{
    return inbound == request ? VNL_FLOW_ECHO_BY_REMOTE : VNL_FLOW_ECHO_BY_LOCAL;
}

static __always_inline void nsg_key(const struct vnl_ask *ask, struct vnl_flow_key *ret)
{
    bool inbound = ask->inbound;

    __builtin_memcpy(ret->local, inbound ? &ask->dst : &ask->src, sizeof(ret->local));
    __builtin_memcpy(ret->remote, inbound ? &ask->src : &ask->dst, sizeof(ret->remote));
    ret->local_port = ret->remote_port = 0;
    if (ask->proto == PROTO_TCP || ask->proto == PROTO_UDP) {
        ret->local_port = inbound ? ask->dport : ask->sport;
        ret->remote_port = inbound ? ask->sport : ask->dport;
    } else if (is_icmp(ask) && is_echo(ask->proto, icmp_type(ask))) {
        ret->local_port = ask->icmp_id;
        ret->remote_port = echo_begun_by(inbound, is_echo_request(ask->proto, icmp_type(ask)));
    }
    ret->nic = ask->slot;
    ret->proto = ask->proto;
    ret->kind = VNL_FLOW_RULES;
}

/* --- ICMP errors ----------------------------------------------------------------------------------------------------- */

/* Reads of the packet that an ICMP error quotes; read piece by piece, the stack is short. at: of its IP header. */
static __always_inline bool quoted_read(struct __sk_buff *skb, __u32 at, void *to, __u32 size)
{
    return bpf_skb_load_bytes(skb, at, to, size) == 0;
}

/* Addresses of the quoted packet; returns where its transport header is, or 0. */
static __always_inline __u32 quoted_ip4(struct __sk_buff *skb, struct vnl_flow_key *key, __be32 *src,
                                        __be32 *dst)
{
    __u32 at = AT_L4 + 8;
    struct iphdr ip;

    if (!quoted_read(skb, at, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5 ||
        ip.frag_off & bpf_htons(0x1fff))
        return 0;
    src[2] = dst[2] = bpf_htonl(0xffff);
    src[3] = ip.saddr;
    dst[3] = ip.daddr;
    key->proto = ip.protocol;
    return at + 4 * ip.ihl;
}

static __always_inline __u32 quoted_ip6(struct __sk_buff *skb, struct vnl_flow_key *key, __be32 *src,
                                        __be32 *dst)
{
    __u32 at = AT_L4_V6 + 8;

    if (!quoted_read(skb, at + offsetof(struct ipv6hdr, nexthdr), &key->proto, 1) ||
        !quoted_read(skb, at + offsetof(struct ipv6hdr, saddr), src, 16) ||
        !quoted_read(skb, at + offsetof(struct ipv6hdr, daddr), dst, 16))
        return 0;
    return at + sizeof(struct ipv6hdr);
}

/* inbound: the quoted packet was, to the NIC that the key is of. */
static __always_inline bool quoted_ports(struct __sk_buff *skb, __u32 at, bool inbound,
                                         struct vnl_flow_key *key)
{
    __u8 proto = key->proto, type;
    __be16 l4[4];

    if (proto == PROTO_ESP || proto == PROTO_AH)
        return true;
    if (!quoted_read(skb, at, l4, sizeof(l4)))
        return false;
    if (proto == PROTO_TCP || proto == PROTO_UDP) {
        key->local_port = bpf_ntohs(inbound ? l4[1] : l4[0]);
        key->remote_port = bpf_ntohs(inbound ? l4[0] : l4[1]);
        return true;
    }
    type = bpf_ntohs(l4[0]) >> 8;
    key->local_port = bpf_ntohs(l4[2]);
    key->remote_port = echo_begun_by(inbound, is_echo_request(proto, type));
    return (proto == PROTO_ICMP || proto == PROTO_ICMPV6) && is_echo(proto, type);
}

/* Index of the flow that the error is about, at the NIC in `slot`. A NIC gets errors about what it sent, and sends them about what it
 * got. */
__noinline __u32 vnl_quoted_flow(struct __sk_buff *skb, __u32 slot, __u32 v6, __u32 inbound, __u32 now)
{
    struct vnl_way *way = way_of_packet();
    struct vnl_flow_key *key;
    __u32 at;

    if (!way)
        return VNL_NO_FLOW;
    key = &way->quoted;
    __builtin_memset(key, 0, sizeof(*key));
    key->nic = slot;
    if (inbound)
        at = v6 ? quoted_ip6(skb, key, key->local, key->remote)
                : quoted_ip4(skb, key, key->local, key->remote);
    else
        at = v6 ? quoted_ip6(skb, key, key->remote, key->local)
                : quoted_ip4(skb, key, key->remote, key->local);
    return at && quoted_ports(skb, at, !inbound, key) ? vnl_flow_find(key, now) : VNL_NO_FLOW;
}

/* --- the first packet ------------------------------------------------------------------------------------------------ */

/* A flow begins with a SYN, an echo request, or any packet of the protocols that have no beginning. While `pick_up` lasts, TCP may also
 * begin in the middle: the connection is older than the NIC's security group. Other ICMP is judged packet by packet. */
static __always_inline enum vnl_drop flow_begins(struct vnl_ask *ask)
{
    const struct vnl_nic_state *state;

    ask->state = ask->inbound ? VNL_FLOW_BY_REMOTE : 0;
    ask->opens = true;
    if (is_icmp(ask)) {
        ask->opens = is_echo_request(ask->proto, icmp_type(ask));
    } else if (is_first_segment(ask)) {
        ask->state |= VNL_FLOW_UNANSWERED;
    } else if (ask->proto == PROTO_TCP) {
        state = nic_state(ask->slot);
        if (!state || !state->pick_up || tick_passed(state->pick_up, ask->now) || ask->tcp_flags & TCP_RST)
            return VNL_DROP_FLOW_STATE;
    }
    return VNL_DROP_NONE;
}

/* --- at one NIC ------------------------------------------------------------------------------------------------------ */

static __always_inline struct vnl_flow *flow_at(__u32 index)
{
    struct vnl_flow_bucket *bucket = flow_bucket(index / VNL_FLOW_WAYS);

    return bucket ? &bucket->flow[index & (VNL_FLOW_WAYS - 1)] : NULL;
}

static __always_inline bool flow_known(struct vnl_ask *ask)
{
    const struct vnl_flow *flow;
    struct vnl_flow_key key;

    nsg_key(ask, &key);
    ask->flow = flow_is(ask->hint, &key, ask->now) ? ask->hint : vnl_flow_find(&key, ask->now);
    flow = ask->flow == VNL_NO_FLOW ? NULL : flow_at(ask->flow);
    /* The ports of a closed connection are free for a new one. */
    return flow && !(flow->state & VNL_FLOW_CLOSED && is_first_segment(ask));
}

/* These two are global functions that leave their answers in memory: with booleans that the verifier can follow, it walks every
 * combination of them through all that comes behind ("BPF program is too large. Processed 1000001 insn", Linux 6.18). And the searches
 * are called from outside of them, since all stack frames together have 512 bytes. */

/* Does the packet belong to a flow (ask->known), or is it about one (ask->about_known)? enum vnl_drop. */
__noinline int vnl_nsg_known(struct __sk_buff *skb, struct vnl_ask *ask)
{
    enum vnl_drop drop = VNL_DROP_NONE;

    if (!ask)
        return VNL_DROP_NSG_INBOUND;
    if (ask->fragment)
        drop = fragment_ports(ask);
    if (drop != VNL_DROP_NONE || ask->what_if_new)
        return drop;
    ask->known = flow_known(ask);
    if (!ask->known && is_icmp_error(ask))
        ask->about_known = vnl_quoted_flow(skb, ask->slot, ask->v6, ask->inbound, ask->now) != VNL_NO_FLOW;
    return drop;
}

/* The rules allow the packet: does it begin a flow, and is there room for it? enum vnl_drop. */
__noinline int vnl_nsg_begin(struct vnl_ask *ask)
{
    enum vnl_drop drop;

    if (!ask)
        return VNL_DROP_FLOW_STATE;
    drop = flow_begins(ask);
    return drop == VNL_DROP_NONE && ask->opens && !flow_room(ask, ask->slot) ? VNL_DROP_FLOW_TABLE_FULL
                                                                             : drop;
}

__noinline int vnl_nsg_open(const struct vnl_ask *ask)
{
    struct vnl_flow flow = { .twin = VNL_NO_FLOW };

    if (!ask)
        return 0;
    if (ask->flow != VNL_NO_FLOW) { /* the closed one before it on the same ports */
        struct vnl_flow_bucket *bucket = flow_bucket(ask->flow / VNL_FLOW_WAYS);

        if (bucket)
            *(volatile __u32 *)&bucket->head[ask->flow & (VNL_FLOW_WAYS - 1)].expires = ask->now - 1;
    }
    flow.state = ask->state;
    nsg_key(ask, &flow.key);
    return flow_open(&flow, ask->slot, ask->now + flow_timeout(ask->timeout_s, ask->state), ask->now) !=
           VNL_NO_FLOW;
}

/* --- stages ---------------------------------------------------------------------------------------------------------- */

static __always_inline void ask_start(struct vnl_pkt *pkt)
{
    struct vnl_ask *ask = &pkt->ask;

    ask->now = ticks_now();
    ask->later = pkt->offset;
    ask->sender = pkt->slot;
}

static __always_inline void ask_at(struct vnl_pkt *pkt, const struct vnl_nic_entry *nic, __u32 slot,
                                   bool inbound)
{
    pkt->ask.slot = slot;
    pkt->ask.inbound = inbound;
    pkt->ask.policy = nic->policy;
    pkt->ask.timeout_s = nic->flow_timeout_s;
}

/* platform: only rules that name an AzurePlatform* tag count, of which there may be none. */
static __always_inline bool group_allows(const void *pool, struct vnl_pkt *pkt, __u32 image, bool platform)
{
    __u32 only = platform ? pool_u32(pool, (__u64)image + offsetof(struct vnl_classifier, platform)) : 0;

    return (platform && !only) || vnl_rules_allow(pkt->bank, image, only, &pkt->ask);
}

/* Both groups of one direction, in the order in which they act. */
static __always_inline bool rules_allow(struct vnl_pkt *pkt, bool inbound, bool platform)
{
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &pkt->bank);
    __u64 policy = (__u64)pkt->ask.policy + (inbound ? offsetof(struct vnl_nic_policy, in_subnet) : 0);
    __u32 first, second;

    pkt->ask.rule = VNL_NO_RULE;
    if (!pool)
        return false;
    first = pool_u32(pool, policy);
    second = pool_u32(pool, policy + 4);
    if (first && !group_allows(pool, pkt, first, platform))
        return false;
    return !second || group_allows(pool, pkt, second, platform);
}

static __always_inline enum vnl_drop nsg_judge(struct vnl_pkt *pkt, const struct vnl_nic_entry *nic,
                                               __u32 slot, bool inbound, __u32 hint,
                                               struct vnl_judged *judged)
{
    struct vnl_ask *ask = &pkt->ask;
    enum vnl_drop drop;

    if (!ask->now)
        ask_start(pkt);
    ask_at(pkt, nic, slot, inbound);
    ask->hint = hint;
    ask->flow = VNL_NO_FLOW;
    ask->known = ask->about_known = ask->opens = 0;
    drop = vnl_nsg_known(pkt->skb, ask);
    if (drop == VNL_DROP_NONE && !ask->known && !ask->about_known) {
        if (!rules_allow(pkt, inbound, false))
            return inbound ? VNL_DROP_NSG_INBOUND : VNL_DROP_NSG_OUTBOUND;
        drop = vnl_nsg_begin(ask);
    }
    judged->flow = ask->flow;
    judged->state = ask->state;
    judged->known = ask->known;
    judged->opens = ask->opens;
    return drop;
}

/* Lower half of vnl_flow.way. */
#define WAY_DELAY_SHIFT 24
#define WAY_DELAY       0xff000000u
#define WAY_SLOT        0x00ffffffu

static __always_inline enum vnl_drop stage_nsg_outbound(struct vnl_pkt *pkt)
{
    const struct vnl_flow *flow;
    enum vnl_drop drop;
    __u64 way;

    pkt->twin = VNL_NO_FLOW;
    if (!(pkt->nic->flags & VNL_NIC_HAS_NSG) || pkt->what_if_known)
        return VNL_DROP_NONE;
    if (!vnl_has_rules) /* cannot be: such a plan does not fit these tables */
        return VNL_DROP_NSG_OUTBOUND;
    drop = nsg_judge(pkt, pkt->nic, pkt->slot, false, VNL_NO_FLOW, &pkt->egress);
    if (!pkt->egress.known)
        return drop;
    flow = flow_at(pkt->egress.flow);
    if (!flow)
        return drop;
    way = *(const volatile __u64 *)&flow->way;
    pkt->twin = flow->twin;
    if (way >> 32 != pkt->epoch)
        return drop;
    pkt->receiver = nic_lookup(pkt->bank, way & WAY_SLOT);
    if (!pkt->receiver)
        return drop;
    pkt->out = way & WAY_SLOT;
    pkt->route.entry.flags = (way & WAY_DELAY) >> (WAY_DELAY_SHIFT - VNL_ROUTE_DELAY_SHIFT);
    pkt->way_known = true;
    return drop;
}

static __always_inline enum vnl_drop stage_nsg_inbound(struct vnl_pkt *pkt)
{
    if (!(pkt->receiver->flags & VNL_NIC_HAS_NSG) || pkt->what_if_known || pkt->exempt)
        return VNL_DROP_NONE;
    if (!vnl_has_rules)
        return VNL_DROP_NSG_INBOUND;
    return nsg_judge(pkt, pkt->receiver, pkt->out, true, pkt->twin, &pkt->ingress);
}

static __always_inline bool nsg_open(struct vnl_pkt *pkt, const struct vnl_nic_entry *nic, __u32 slot,
                                     bool inbound, const struct vnl_judged *judged)
{
    ask_at(pkt, nic, slot, inbound);
    pkt->ask.flow = judged->flow;
    pkt->ask.state = judged->state;
    return vnl_nsg_open(&pkt->ask);
}

static __always_inline __u32 touching_flags(const struct vnl_pkt *pkt)
{
    return pkt->proto == PROTO_TCP ? pkt->tcp_flags : 0;
}

static __always_inline enum vnl_drop stage_flow_outbound(struct vnl_pkt *pkt)
{
    struct vnl_flow *flow;

    if (!vnl_has_rules || pkt->what_if)
        return VNL_DROP_NONE;
    if (pkt->egress.opens && !nsg_open(pkt, pkt->nic, pkt->slot, false, &pkt->egress))
        return VNL_DROP_FLOW_TABLE_FULL;
    if (!pkt->egress.known)
        return VNL_DROP_NONE;
    (void)vnl_flow_touch(pkt->egress.flow, pkt->ask.now, pkt->nic->flow_timeout_s, touching_flags(pkt),
                         false);
    flow = flow_at(pkt->egress.flow);
    if (!flow)
        return VNL_DROP_NONE;
    if (!pkt->way_known && !pkt->special)
        *(volatile __u64 *)&flow->way =
            (__u64)pkt->epoch << 32 |
            (__u32)(pkt->route.entry.flags >> VNL_ROUTE_DELAY_SHIFT) << WAY_DELAY_SHIFT | pkt->out;
    if (pkt->ingress.known && pkt->twin != pkt->ingress.flow)
        flow->twin = pkt->ingress.flow;
    return VNL_DROP_NONE;
}

static __always_inline void nsg_forget_way(__u32 index)
{
    struct vnl_flow *flow = flow_at(index);

    if (flow)
        *(volatile __u64 *)&flow->way = 0;
}

static __always_inline enum vnl_drop stage_flow_inbound(struct vnl_pkt *pkt)
{
    if (!vnl_has_rules || pkt->what_if)
        return VNL_DROP_NONE;
    if (pkt->ingress.opens && !nsg_open(pkt, pkt->receiver, pkt->out, true, &pkt->ingress))
        return VNL_DROP_FLOW_TABLE_FULL;
    if (!pkt->ingress.known)
        return VNL_DROP_NONE;
    if (unlikely(pkt->special)) /* its answers are translated from now on */
        nsg_forget_way(pkt->ingress.flow);
    (void)vnl_flow_touch(pkt->ingress.flow, pkt->ask.now, pkt->receiver->flow_timeout_s, touching_flags(pkt),
                         true);
    return VNL_DROP_NONE;
}

#endif
