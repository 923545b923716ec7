/* Stage PARSE: network and transport headers are whole and hide nothing; destinations that are groups (spec 0
 * step 3).
 *
 * Lengths come from the IP header and are held against the frame: a guest may pad, and may not claim more
 * than it sent. A frame beyond 64 KiB (BIG TCP) has no length in its header; then the frame's counts. */
#ifndef VNETLAB_BPF_PARSE_H
#define VNETLAB_BPF_PARSE_H

#include "frame.h"

#define IP_SIZE_MAX 0xffffu

/* Header that must be there whole; 0 = not a protocol that we carry, a later stage says so. */
static __always_inline __u32 transport_size(const struct vnl_ask *ask)
{
    switch (ask->proto) {
    case PROTO_TCP:
        return 20;
    case PROTO_UDP:
    case PROTO_ESP:
        return 8;
    case PROTO_AH:
        return 12;
    case PROTO_ICMP:
        return ask->v6 ? 0 : 8;
    case PROTO_ICMPV6:
        return ask->v6 ? 8 : 0;
    }
    return 0;
}

/* The frame, and where its facts go. */
struct headers {
    struct vnl_ask *ask;
    void *data, *end;
    __u32 size;
};

static __always_inline bool in_frame(const struct headers *in, __u32 size)
{
    return in->data + size <= in->end;
}

/* at: a constant; size: bytes of IP payload from there. */
static __always_inline enum vnl_drop parse_transport(const struct headers *in, int at, __u32 size)
{
    __u32 need = transport_size(in->ask);
    const __be16 *ports = in->data + at;

    if (in->ask->offset) {
        /* Must not write over the transport header that the first fragment showed, nor reach beyond what
         * IP can hold (RFC 1858, RFC 3128, RFC 5722). Carried by addresses alone. */
        return in->ask->offset < need || in->ask->offset + size > IP_SIZE_MAX ? VNL_DROP_FRAGMENT
                                                                              : VNL_DROP_NONE;
    }
    if (size < need)
        return in->ask->fragment ? VNL_DROP_FRAGMENT : VNL_DROP_TRUNCATED;
    if (!need)
        return VNL_DROP_NONE;
    if (!in_frame(in, at + 8))
        return VNL_DROP_TRUNCATED;
    /* Without extension headers this has been dealt with. Behind one it is refused: RFC 6980. */
    if (in->ask->proto == PROTO_ICMPV6 && is_neighbor_discovery(*(const __u8 *)ports))
        return VNL_DROP_NEIGHBOR_DISCOVERY;
    in->ask->sport = bpf_ntohs(ports[0]);
    in->ask->dport = bpf_ntohs(ports[1]);
    in->ask->icmp_id = bpf_ntohs(ports[2]);
    if (in->ask->proto != PROTO_TCP)
        return VNL_DROP_NONE;
    if (!in_frame(in, at + 14))
        return VNL_DROP_TRUNCATED;
    in->ask->tcp_flags = *((const __u8 *)ports + 13);
    return VNL_DROP_NONE;
}

/* Size of the IPv4 packet, or 0 when the header claims what cannot be. */
static __always_inline __u32 ip4_size(const struct iphdr *ip, __u32 frame_size)
{
    __u32 size = bpf_ntohs(ip->tot_len);

    if (!size && frame_size > IP_SIZE_MAX)
        return frame_size;
    return size < sizeof(*ip) ? 0 : size;
}

static __always_inline enum vnl_drop parse_ip4(const struct headers *in)
{
    const struct iphdr *ip = in->data + AT_IP;
    __u32 frame_size = in->size - AT_IP, size;
    __u16 frag;

    if (!in_frame(in, AT_L4))
        return VNL_DROP_TRUNCATED;
    size = ip4_size(ip, frame_size);
    if (ip->version != 4 || ip->ihl < 5 || !size || !ip->ttl)
        return VNL_DROP_IP_HEADER;
    if (ip->ihl > 5)
        return VNL_DROP_IP_OPTIONS;
    if (size > frame_size)
        return VNL_DROP_TRUNCATED;
    in->ask->proto = ip->protocol;
    in->ask->src = ip4_mapped(ip->saddr);
    in->ask->dst = ip4_mapped(ip->daddr);
    if (ip->daddr == bpf_htonl(0xffffffff))
        return VNL_DROP_BROADCAST;
    if ((ip->daddr & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000))
        return VNL_DROP_MULTICAST;
    frag = bpf_ntohs(ip->frag_off);
    in->ask->offset = (frag & 0x1fff) * 8;
    in->ask->fragment = frag & 0x3fff; /* offset or "more fragments" */
    in->ask->fragment_id = ip->id;
    return parse_transport(in, AT_L4, size - sizeof(*ip));
}

struct ip6_fragment {
    __u8 next, reserved;
    __be16 offset; /* in bytes, "more fragments" in the lowest bit */
    __be32 id;
};

/* Always treated as a fragment, also when it is the only one (RFC 6946): its header must be whole here. */
static __always_inline enum vnl_drop parse_ip6_fragment(const struct headers *in, __u32 size)
{
    const struct ip6_fragment *frag = in->data + AT_L4_V6;

    if (size < sizeof(*frag) || !in_frame(in, AT_L4_EXT))
        return VNL_DROP_TRUNCATED;
    in->ask->proto = frag->next;
    in->ask->offset = bpf_ntohs(frag->offset) & 0xfff8;
    in->ask->fragment = true;
    in->ask->fragment_id = frag->id;
    return parse_transport(in, AT_L4_EXT, size - sizeof(*frag));
}

struct ip6_jumbo {
    __u8 next, units, type, option_size;
    __be32 size; /* of everything behind the IPv6 header */
};
#define IP6_OPTION_JUMBO 0xc2

/* Up to Linux 6.18 at least, the sending stack marks an IPv6 packet beyond 64 KiB (BIG TCP) with a
 * hop-by-hop header that holds just a jumbo payload option (struct hop_jumbo_hdr); the receiving one
 * checks and ignores it. Any other hop-by-hop header is refused. */
static __always_inline enum vnl_drop parse_ip6_jumbo(const struct headers *in, __u32 frame_size, bool sized)
{
    const struct ip6_jumbo *jumbo = in->data + AT_L4_V6;

    if (!in_frame(in, AT_L4_EXT))
        return VNL_DROP_TRUNCATED;
    if (jumbo->next != PROTO_TCP || jumbo->units || jumbo->type != IP6_OPTION_JUMBO ||
        jumbo->option_size != 4)
        return VNL_DROP_EXTENSION_HEADER;
    if (sized || frame_size <= IP_SIZE_MAX || bpf_ntohl(jumbo->size) != frame_size)
        return VNL_DROP_EXTENSION_HEADER;
    in->ask->proto = PROTO_TCP;
    return parse_transport(in, AT_L4_EXT, frame_size - sizeof(*jumbo));
}

static __always_inline enum vnl_drop parse_ip6_next(const struct headers *in, __u32 size, __u32 frame_size,
                                                    bool sized)
{
    switch (in->ask->proto) {
    case PROTO_HOP_BY_HOP:
        return parse_ip6_jumbo(in, frame_size, sized);
    case PROTO_FRAGMENT:
        return parse_ip6_fragment(in, size);
    }
    return parse_transport(in, AT_L4_V6, size);
}

static __always_inline bool is_extension_header(__u8 proto)
{
    return proto == PROTO_HOP_BY_HOP || proto == PROTO_ROUTING || proto == PROTO_FRAGMENT ||
           proto == PROTO_DEST_OPTIONS || proto == PROTO_MOBILITY || proto == PROTO_HIP ||
           proto == PROTO_SHIM6;
}

static __always_inline enum vnl_drop parse_ip6(const struct headers *in)
{
    const struct ipv6hdr *ip = in->data + AT_IP;
    __u32 frame_size = in->size - AT_L4_V6, size;
    enum vnl_drop drop;
    bool sized;

    if (!in_frame(in, AT_L4_V6))
        return VNL_DROP_TRUNCATED;
    size = bpf_ntohs(ip->payload_len);
    sized = size;
    if (ip->version != 6 || !ip->hop_limit)
        return VNL_DROP_IP_HEADER;
    if (size > frame_size)
        return VNL_DROP_TRUNCATED;
    if (!size && frame_size > IP_SIZE_MAX)
        size = frame_size;
    in->ask->proto = ip->nexthdr;
    __builtin_memcpy(&in->ask->src, &ip->saddr, sizeof(in->ask->src));
    __builtin_memcpy(&in->ask->dst, &ip->daddr, sizeof(in->ask->dst));
    if (*(__u8 *)&ip->daddr == 0xff)
        return VNL_DROP_MULTICAST;
    drop = parse_ip6_next(in, size, frame_size, sized);
    return drop == VNL_DROP_NONE && is_extension_header(in->ask->proto) ? VNL_DROP_EXTENSION_HEADER : drop;
}

/* A global function: what the verifier would else follow through all later stages, protocol by protocol, is walked once. enum vnl_drop. */
__noinline int vnl_parse(struct __sk_buff *skb, struct vnl_ask *ask)
{
    struct headers in = {
        .ask = ask, .data = (void *)(long)skb->data, .end = (void *)(long)skb->data_end, .size = skb->len
    };

    if (!ask)
        return VNL_DROP_TRUNCATED;
    return ask->v6 ? parse_ip6(&in) : parse_ip4(&in);
}

static __always_inline enum vnl_drop stage_parse(struct vnl_pkt *pkt)
{
    return vnl_parse(pkt->skb, &pkt->ask);
}

#endif
