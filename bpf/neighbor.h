/* Stage NEIGHBOR: every address is behind one MAC (spec 1.5). The request is turned into its answer in place and goes back; nobody
 * else ever sees ARP or neighbor discovery. An asker's address that is not the NIC's is caught on the packets that follow.
 *
 * No answer for the NIC's own addresses: the guest would take it for a duplicate. */
#ifndef VNETLAB_BPF_NEIGHBOR_H
#define VNETLAB_BPF_NEIGHBOR_H

#include "frame.h"

struct arp_ipv4 {
    __be16 hardware, protocol;
    __u8 hardware_size, protocol_size;
    __be16 op;
    __u8 sender_mac[6];
    __be16 sender[2]; /* only 2-byte aligned in the packet */
    __u8 target_mac[6];
    __be16 target[2];
};
_Static_assert(sizeof(struct arp_ipv4) == 28, "ARP for Ethernet and IPv4");
#define ARP_ETHERNET 1 /* linux/if_arp.h pulls in libc */
#define ARP_REQUEST  1
#define ARP_REPLY    2

/* A neighbor solicitation with its source link-layer address option first, as stacks send it, and the advertisement with its
 * target link-layer address option: the same bytes. RFC 4861 4.3, 4.4. */
struct nd_message {
    __u8 type, code;
    __sum16 checksum;
    __be32 flags; /* reserved in the solicitation */
    union vnl_ip target;
    __u8 option_type, option_units;
    __u8 mac[6];
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct nd_message) == HEADERS_SIZE - AT_L4_V6,
               "read and rewritten within the pulled headers");

#define ND_NEIGHBOR_ADVERTISEMENT 136
#define ND_OPTION_SOURCE_MAC      1
#define ND_OPTION_TARGET_MAC      2
#define ND_FLAG_ROUTER            0x80000000u
#define ND_FLAG_SOLICITED         0x40000000u
#define ND_FLAG_OVERRIDE          0x20000000u

static __always_inline void answer_ethernet(struct vnl_pkt *pkt)
{
    struct ethhdr *eth = pkt->data;

    mac_copy(eth->h_dest, pkt->nic->mac);
    mac_copy(eth->h_source, fabric_mac);
    pkt->answered = true;
}

static __always_inline __be32 arp_addr(const __be16 addr[2])
{
    return *(const __be32 *)addr;
}

static __always_inline bool arp_is_request(const struct arp_ipv4 *arp)
{
    return arp->hardware == bpf_htons(ARP_ETHERNET) && arp->protocol == bpf_htons(ETH_P_IP) &&
           arp->hardware_size == 6 && arp->protocol_size == 4 && arp->op == bpf_htons(ARP_REQUEST);
}

static __always_inline enum vnl_drop neighbor_arp(struct vnl_pkt *pkt)
{
    struct arp_ipv4 *arp = pkt->data + AT_IP;
    union vnl_ip sender, target;

    if (!has(pkt, AT_IP + sizeof(*arp)))
        return VNL_DROP_TRUNCATED;
    if (!arp_is_request(arp) || !mac_eq(arp->sender_mac, pkt->nic->mac))
        return VNL_DROP_ARP;
    sender = ip4_mapped(arp_addr(arp->sender));
    target = ip4_mapped(arp_addr(arp->target));
    if (is_own(pkt, &target, false))
        return VNL_DROP_ARP;
    arp->op = bpf_htons(ARP_REPLY);
    mac_copy(arp->target_mac, pkt->nic->mac);
    *(__be32 *)arp->target = sender.word[3];
    mac_copy(arp->sender_mac, fabric_mac);
    *(__be32 *)arp->sender = target.word[3];
    answer_ethernet(pkt);
    return VNL_DROP_NONE;
}

static __always_inline bool is_link_local(const union vnl_ip *ip)
{
    return (ip->word[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

/* Any unicast address: the answer goes to nobody but the sender, and what is sent with a foreign address is judged when it comes. Not
 * `::`: that asks whether the target is free, and an answer would say no. */
static __always_inline bool nd_source_ok(const union vnl_ip *source)
{
    return (source->half[0] | source->half[1]) && *(const __u8 *)source != 0xff;
}

/* RFC 4861 7.1.1: what a receiver of a solicitation checks. */
static __always_inline bool nd_is_solicitation(const struct vnl_pkt *pkt, const struct ipv6hdr *ip,
                                               const struct nd_message *nd)
{
    __u32 payload = bpf_ntohs(ip->payload_len);

    return ip->version == 6 && ip->hop_limit == 255 && payload >= sizeof(*nd) &&
           AT_L4_V6 + payload <= pkt->size && nd->type == ND_NEIGHBOR_SOLICITATION && nd->code == 0 &&
           *(const __u8 *)&nd->target != 0xff && nd->option_type == ND_OPTION_SOURCE_MAC &&
           nd->option_units == 1 && mac_eq(nd->mac, pkt->nic->mac);
}

/* Not inlined: the stack of the program and of what it calls must not exceed 512 bytes, and this is never called from deep. */
static __noinline __sum16 nd_checksum(const union vnl_ip *src, const union vnl_ip *dst,
                                      const struct nd_message *nd)
{
    struct {
        union vnl_ip src, dst;
        __be32 size, next;
        struct nd_message nd;
    } pseudo = { *src, *dst, bpf_htonl(sizeof(*nd)), bpf_htonl(PROTO_ICMPV6), *nd };
    __u64 sum = bpf_csum_diff(NULL, 0, (void *)&pseudo, sizeof(pseudo), 0);

    sum = (sum & 0xffff) + (sum >> 16 & 0xffff);
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}

/* Bytes behind the message (other options) stay as padding behind the shorter IP packet: the frame keeps its size. */
static __always_inline void nd_answer(struct vnl_pkt *pkt, struct ipv6hdr *ip, void *at,
                                      const union vnl_ip *source, const union vnl_ip *target)
{
    union vnl_ip router = { .word = { bpf_htonl(0xfe800000), 0, bpf_htonl(0x00001234),
                                      bpf_htonl(0x56789abc) } };
    bool is_router = target->half[0] == router.half[0] && target->half[1] == router.half[1];
    struct nd_message nd = {
        .type = ND_NEIGHBOR_ADVERTISEMENT,
        .flags = bpf_htonl(ND_FLAG_SOLICITED | ND_FLAG_OVERRIDE | (is_router ? ND_FLAG_ROUTER : 0)),
        .target = *target,
        .option_type = ND_OPTION_TARGET_MAC,
        .option_units = 1,
        .mac = VNL_FABRIC_MAC,
    };

    nd.checksum = nd_checksum(target, source, &nd);
    ip->payload_len = bpf_htons(sizeof(nd));
    __builtin_memcpy(&ip->saddr, target, sizeof(*target));
    __builtin_memcpy(&ip->daddr, source, sizeof(*source));
    __builtin_memcpy(at, &nd, sizeof(nd));
    answer_ethernet(pkt);
}

static __always_inline enum vnl_drop neighbor_nd(struct vnl_pkt *pkt)
{
    struct ipv6hdr *ip = ip6_header(pkt);
    struct nd_message *nd = pkt->data + AT_L4_V6;
    union vnl_ip source, target;

    if (!has(pkt, HEADERS_SIZE) || !nd_is_solicitation(pkt, ip, nd))
        return VNL_DROP_NEIGHBOR_DISCOVERY;
    __builtin_memcpy(&source, &ip->saddr, sizeof(source));
    __builtin_memcpy(&target, &nd->target, sizeof(target));
    if (!nd_source_ok(&source) || is_own(pkt, &target, true))
        return VNL_DROP_NEIGHBOR_DISCOVERY;
    nd_answer(pkt, ip, nd, &source, &target);
    return VNL_DROP_NONE;
}

static __always_inline enum vnl_drop stage_neighbor(struct vnl_pkt *pkt)
{
    if (pkt->arp)
        return neighbor_arp(pkt);
    if (pkt->v6 && frame_is_nd(pkt))
        return neighbor_nd(pkt);
    return VNL_DROP_NONE;
}

#endif
