/* One packet on its way through the stages. */
#ifndef VNETLAB_BPF_PACKET_H
#define VNETLAB_BPF_PACKET_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"

/* linux/in6.h does not go together with linux/in.h in all versions; the numbers are IANA's. */
enum {
    PROTO_HOP_BY_HOP = 0,
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_ROUTING = 43,
    PROTO_FRAGMENT = 44,
    PROTO_ESP = 50,
    PROTO_AH = 51,
    PROTO_ICMPV6 = 58,
    PROTO_DEST_OPTIONS = 60,
    PROTO_MOBILITY = 135,
    PROTO_HIP = 139,
    PROTO_SHIM6 = 140,
};

#define AT_IP     ETH_HLEN
#define AT_L4     (AT_IP + (int)sizeof(struct iphdr))
#define AT_L4_V6  (AT_IP + (int)sizeof(struct ipv6hdr))
#define AT_L4_EXT (AT_L4_V6 + 8) /* behind one extension header of 8 bytes */

/* What most packets have nothing to do with is put out of their way. */
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* What the stages look at lies in the first bytes: at most a neighbor solicitation (86) or IPv6, one
 * extension header, TCP (82). */
#define HEADERS_SIZE (AT_L4_V6 + 32)

/* What the stages found out about the packet and rules ask about. */
#define VNL_FACTS                                                                                            \
    union vnl_ip src, dst;                                                                                   \
    __u32 bank;                                                                                              \
    __u32 epoch; /* of the bank */                                                                           \
    __u32 fragment_id;                                                                                       \
    __u16 sport, dport; /* ICMP: type and code, checksum */                                                  \
    __u16 icmp_id;                                                                                           \
    __u16 offset; /* of the fragment, bytes; 0 = the transport header is here */                             \
    __u8 tcp_flags;                                                                                          \
    __u8 proto;                                                                                              \
    bool v6, fragment, what_if, what_if_new

/* What is asked at a NIC with a network security group, and the answer; bpf/nsg.h. */
struct vnl_ask {
    VNL_FACTS;
    __u32 slot, sender;
    __u32 policy, timeout_s;
    __u32 now;  /* tick; 0 = nothing asked yet */
    __u32 hint; /* where the flow may be */
    bool inbound;
    bool later;       /* a fragment that is not the first */
    bool ports_known; /* of a fragment */
    bool opens;       /* the packet begins a flow, in this state */
    __u32 state;
    __u32 flow;        /* index, or VNL_NO_FLOW */
    __u32 known;       /* the flow is there and alive */
    __u32 about_known; /* it is an ICMP error about such a flow */
    __u32 rule;        /* that was asked last */
};
#define VNL_NO_FLOW 0xffffffffu

/* The answer at one NIC: what is to be done with the flow when the packet passes. */
struct vnl_judged {
    __u32 flow, state;
    bool known, opens;
};

/* Every byte counts: all stack frames together have 512. */
struct vnl_pkt {
    struct __sk_buff *skb;
    void *data, *end;
    struct vnl_nic_entry *nic, *receiver;
    union {
        __u64 raw;
        struct vnl_route_entry entry;
    } route;

    union {
        struct {
            VNL_FACTS; /* what_if_*: layout.h, VNL_MARK_WHAT_IF_* */
        };
        struct vnl_ask ask;
    };
    struct vnl_judged egress, ingress;

    __u32 size; /* of the whole frame; linear data may end earlier */
    __u32 slot; /* sender's */
    __u32 at;   /* slot of the NIC at which the present stage decides */
    __u32 out;  /* slot of the receiver */
    __u32 twin; /* where the flow may be at the receiver */

    __u8 stage; /* enum vnl_stage */
    bool what_if_known;
    bool answered; /* the frame is the answer now, to go back */
    bool arp;      /* else IPv6 (v6) or IPv4 */
    bool foreign;  /* the source is not the sender's own: forwarded traffic */
    bool inbound;  /* the receiver decides */
    bool
        way_known; /* the flow has been delivered this way under this policy: routes and gates need no look */
    bool sought;   /* struct vnl_way is this packet's (bpf/way.h) */
    bool special;  /* translated, or its receiver chosen: not to be remembered in vnl_flow.way */
    bool exempt;   /* the receiver's rules are not asked */
    bool to_platform;
};

/* Are the first `size` bytes there to read? The verifier follows `size` only where it is a constant. */
static __always_inline bool has(const struct vnl_pkt *pkt, __u32 size)
{
    return pkt->data + size <= pkt->end;
}

static __always_inline struct iphdr *ip4_header(const struct vnl_pkt *pkt)
{
    return pkt->data + AT_IP;
}

static __always_inline struct ipv6hdr *ip6_header(const struct vnl_pkt *pkt)
{
    return pkt->data + AT_IP;
}

static __always_inline bool mac_eq(const void *a, const void *b)
{
    return *(const __u32 *)a == *(const __u32 *)b && *(const __u16 *)(a + 4) == *(const __u16 *)(b + 4);
}

static __always_inline void mac_copy(void *to, const void *from)
{
    *(__u32 *)to = *(const __u32 *)from;
    *(__u16 *)(to + 4) = *(const __u16 *)(from + 4);
}

static const __u8 fabric_mac[8] __attribute__((aligned(8))) = VNL_FABRIC_MAC;

static __always_inline union vnl_ip ip4_mapped(__be32 addr)
{
    return (union vnl_ip){ .word = { 0, 0, bpf_htonl(0xffff), addr } };
}

/* Is it an address of the sending NIC? The primary ones need no hash. */
static __always_inline bool is_own(const struct vnl_pkt *pkt, const union vnl_ip *ip, bool v6)
{
    const union vnl_ip *addr6 = (const void *)pkt->nic->addr6;

    if (v6 && ip->half[0] == addr6->half[0] && ip->half[1] == addr6->half[1])
        return true;
    if (!v6 && ip->word[3] == pkt->nic->addr4)
        return true;
    return vnl_owner_find(pkt->bank, pkt->nic->vnet, ip->half[0], ip->half[1]) == pkt->slot;
}

#endif
