/* What a VPN gateway's guest needs beside its kernel's routing; clsact filters of its own interfaces, in its own namespace.
 *
 *   vpn_in, vpn_out   eth1. Several IKE daemons share one public address: each has a pair of UDP ports of its own (even: IKE, odd: NAT-T) and
 *                     one peer. Peers see 500 and 4500 only, and reach the ports behind them by no other way. A VPN gateway has nothing
 *                     else there but ESP and ICMP (vnl_door), and says nothing else: no answer to what came from inside goes out in clear.
 *   vpn_clamp         eth0, both directions: what goes into tunnels and what comes out of them. TCP's MSS becomes 1350 (spec 12), so that
 *                     segments fit the tunnel. Of other packets that must not be fragmented 1422 bytes pass; who sends more is not told.
 *   vpn_inside        eth0 of a VPN gateway, in place of vpn_clamp for what comes in: BGP and IKE are spoken with peers, by tunnels and by
 *                     eth1, not with VMs. What is forwarded is not meant.
 *
 * What is not understood passes as it is. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "vnetlab/layout.h"

#define AT_IP        ((__u32)sizeof(struct ethhdr))
#define IP_FRAGMENTS 0x3fff /* offset, and "more" */
#define IP_OFFSET    0x1fff
#define IP_DF        0x4000

#define TUNNEL_MTU 1400 /* VNL_TUNNEL_MTU */
#define DF_MAX     1422

#define ICMP_UNREACHABLE 3
#define ICMP_FRAG_NEEDED 4

#define IKE   500
#define NAT_T 4500

#define BGP 179

#define ICMP_UNREACHABLE 3

#define AF_INET 2

#define TCP_SYN      0x02
#define TCP_AT_FLAGS 13
#define TCP_AT_CHECK 16
#define TCP_OPTIONS  40 /* bytes at most */
#define OPTION_END   0
#define OPTION_NOP   1
#define OPTION_MSS   2
#define MSS_MAX      1350

/* enum vnl_gateway_door */
const volatile __u32 vnl_door = VNL_GATEWAY_DOOR_OPEN;

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 128); /* VNL_GATEWAY_PEERS_MAX */
    __type(key, __u32);       /* peer's address, network order */
    __type(value, __u16);     /* even port, host order; 0: 500 and 4500 are its own */
} vnl_peers SEC(".maps");

static __always_inline bool read_ip(struct __sk_buff *skb, struct iphdr *ret)
{
    return skb->protocol == bpf_htons(ETH_P_IP) && bpf_skb_load_bytes(skb, AT_IP, ret, sizeof(*ret)) == 0 &&
           ret->version == 4 && ret->ihl >= 5;
}

/* Not of a later fragment. */
static __always_inline bool read_udp(struct __sk_buff *skb, const struct iphdr *ip, __u32 *ret_at,
                                     struct udphdr *ret)
{
    *ret_at = AT_IP + ip->ihl * 4;
    return ip->protocol == IPPROTO_UDP && !(ip->frag_off & bpf_htons(IP_OFFSET)) &&
           bpf_skb_load_bytes(skb, *ret_at, ret, sizeof(*ret)) == 0;
}

/* How the guest itself takes a packet that comes in by eth0: BPF_FIB_LKUP_RET_*. */
static __always_inline long way_of(struct __sk_buff *skb, const struct iphdr *ip)
{
    struct bpf_fib_lookup way = {
        .family = AF_INET,
        .ifindex = VNL_GUEST_IFINDEX,
        .ipv4_src = ip->saddr,
        .ipv4_dst = ip->daddr,
    };

    return bpf_fib_lookup(skb, &way, sizeof(way), 0);
}

/* --- one address, several daemons --------------------------------------------------------------------------------------- */

/* ESP in UDP has checksum 0, which must stay 0. */
static __always_inline int set_port(struct __sk_buff *skb, __u32 at_udp, __u32 at_port, __be16 from,
                                    __be16 to)
{
    (void)bpf_l4_csum_replace(skb, at_udp + __builtin_offsetof(struct udphdr, check), from, to,
                              sizeof(from) | BPF_F_MARK_MANGLED_0);
    (void)bpf_skb_store_bytes(skb, at_udp + at_port, &to, sizeof(to), 0);
    return TC_ACT_UNSPEC;
}

/* What is no UDP. Later fragments are nothing without the first. */
static __always_inline bool is_tunnel(const struct iphdr *ip)
{
    return ip->protocol == IPPROTO_ESP || ip->protocol == IPPROTO_ICMP || ip->frag_off & bpf_htons(IP_OFFSET);
}

/* That a port is closed would tell a daemon's own one, when it has died. And an echo's answer to who asked from inside for the public address
 * is for one that the guest has a way for. */
static __always_inline bool is_for_outside(struct __sk_buff *skb, const struct iphdr *ip)
{
    __u8 type;
    long way;

    if (ip->protocol != IPPROTO_ICMP)
        return true;
    if (!(ip->frag_off & bpf_htons(IP_OFFSET)) &&
        (bpf_skb_load_bytes(skb, AT_IP + ip->ihl * 4, &type, sizeof(type)) < 0 || type == ICMP_UNREACHABLE))
        return false;
    way = way_of(skb, ip);
    return way != BPF_FIB_LKUP_RET_SUCCESS && way != BPF_FIB_LKUP_RET_NO_NEIGH;
}

SEC("tc")
int vpn_in(struct __sk_buff *skb)
{
    bool open = vnl_door == VNL_GATEWAY_DOOR_OPEN;
    struct udphdr udp;
    struct iphdr ip;
    __u16 *port, to;
    __u32 at, peer;

    if (!read_ip(skb, &ip))
        return TC_ACT_UNSPEC;
    if (!read_udp(skb, &ip, &at, &udp))
        return open || is_tunnel(&ip) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
    to = bpf_ntohs(udp.dest);
    peer = ip.saddr;
    if (to != IKE && to != NAT_T)
        return !open || to >= VNL_GATEWAY_PORTS ? TC_ACT_SHOT : TC_ACT_UNSPEC;
    port = bpf_map_lookup_elem(&vnl_peers, &peer);
    if (!port)
        return vnl_door == VNL_GATEWAY_DOOR_PEERS ? TC_ACT_SHOT : TC_ACT_UNSPEC;
    if (!*port || ip.frag_off & bpf_htons(IP_FRAGMENTS))
        return TC_ACT_UNSPEC;
    return set_port(skb, at, __builtin_offsetof(struct udphdr, dest), udp.dest,
                    bpf_htons(*port + (to == NAT_T)));
}

SEC("tc")
int vpn_out(struct __sk_buff *skb)
{
    bool open = vnl_door == VNL_GATEWAY_DOOR_OPEN;
    struct udphdr udp;
    struct iphdr ip;
    __u16 *port, from;
    __u32 at, peer;

    if (!read_ip(skb, &ip))
        return TC_ACT_UNSPEC;
    if (!read_udp(skb, &ip, &at, &udp))
        return open || (is_tunnel(&ip) && is_for_outside(skb, &ip)) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
    from = bpf_ntohs(udp.source);
    peer = ip.daddr;
    port = bpf_map_lookup_elem(&vnl_peers, &peer);
    if (port && *port && !(ip.frag_off & bpf_htons(IP_FRAGMENTS)) && (from == *port || from == *port + 1))
        return set_port(skb, at, __builtin_offsetof(struct udphdr, source), udp.source,
                        bpf_htons(from == *port ? IKE : NAT_T));
    return open || from == IKE || from == NAT_T ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* --- size ----------------------------------------------------------------------------------------------------------------- */

/* With DF 1422 bytes pass, and larger ones vanish without an ICMP error (spec 12, observed); the platform fragments at 1400. A tunnel takes 1400
 * here, which is what charon reads from a TUN at once. So what is in between may be fragmented after all, and what the guest itself, which
 * has come in by no interface, says about size ends here; what is said beyond the tunnel passes. */
static __always_inline bool is_own_frag_needed(struct __sk_buff *skb, const struct iphdr *ip)
{
    __u8 type_and_code[2];

    return skb->ingress_ifindex == 0 && ip->protocol == IPPROTO_ICMP &&
           !(ip->frag_off & bpf_htons(IP_OFFSET)) &&
           bpf_skb_load_bytes(skb, AT_IP + ip->ihl * 4, type_and_code, sizeof(type_and_code)) == 0 &&
           type_and_code[0] == ICMP_UNREACHABLE && type_and_code[1] == ICMP_FRAG_NEEDED;
}

static __always_inline void set_ip16(struct __sk_buff *skb, __u32 at, __be16 from, __be16 to)
{
    (void)bpf_l3_csum_replace(skb, AT_IP + __builtin_offsetof(struct iphdr, check), from, to, sizeof(to));
    (void)bpf_skb_store_bytes(skb, AT_IP + at, &to, sizeof(to), 0);
}

/* With DF many packets have the same id, often 0: fragments need one of their own. */
static __always_inline void let_fragment(struct __sk_buff *skb, const struct iphdr *ip)
{
    __u16 size = bpf_ntohs(ip->tot_len);

    if (size <= TUNNEL_MTU || size > DF_MAX || ip->frag_off != bpf_htons(IP_DF) || skb->gso_size)
        return;
    set_ip16(skb, __builtin_offsetof(struct iphdr, frag_off), ip->frag_off, 0);
    set_ip16(skb, __builtin_offsetof(struct iphdr, id), ip->id, (__be16)bpf_get_prandom_u32());
}

/* --- MSS ------------------------------------------------------------------------------------------------------------------ */

/* One option after the other. A loop of the kernel's: 40 turns of our own, each with five ways on, take the verifier 90 ms. */
struct walk {
    struct __sk_buff *skb;
    __u32 at_tcp, at, size;
    __u8 options[64]; /* 40; a power of two for the verifier */
};

/* Linux 6.1 forgets the bounds of a value that the compiler compares by way of another register ("invalid zero-sized read"), and knows none
 * that are not in the value's own. The mask changes nothing, which the compiler must not know. */
#define BOUND(var) asm volatile("%0 &= 63" : "+r"(var))

/* A checksum adds 16-bit words: a value at an odd place adds with its bytes exchanged. */
static __always_inline void set_mss(struct __sk_buff *skb, __u32 at_tcp, __u32 at, __be16 from)
{
    __be16 to = bpf_htons(MSS_MAX);
    bool is_odd = at & 1;

    (void)bpf_l4_csum_replace(skb, at_tcp + TCP_AT_CHECK, is_odd ? __builtin_bswap16(from) : from,
                              is_odd ? __builtin_bswap16(to) : to, sizeof(to));
    (void)bpf_skb_store_bytes(skb, at_tcp + at, &to, sizeof(to), 0);
}

/* 1: the walk ends. */
static long walk_on(__u32 turn, struct walk *walk)
{
    __u32 at = walk->at;
    __u8 kind, length;

    (void)turn;
    BOUND(at);
    if (at + 1 >= walk->size || at >= TCP_OPTIONS)
        return 1;
    kind = walk->options[at & 63];
    length = walk->options[(at + 1) & 63];
    if (kind == OPTION_END)
        return 1;
    if (kind == OPTION_MSS && length == 4 && at + 4 <= walk->size) {
        __u16 mss = walk->options[(at + 2) & 63] << 8 | walk->options[(at + 3) & 63];

        if (mss > MSS_MAX)
            set_mss(walk->skb, walk->at_tcp, sizeof(struct tcphdr) + at + 2, bpf_htons(mss));
        return 1;
    }
    if (kind == OPTION_NOP)
        length = 1;
    else if (length < 2)
        return 1;
    if (at + length >= walk->size)
        return 1;
    walk->at = at + length;
    return 0;
}

static __always_inline void clamp(struct __sk_buff *skb, const struct iphdr *ip)
{
    struct walk walk = { .skb = skb };
    __u8 offset_and_flags[2];
    __u32 at, size;

    let_fragment(skb, ip);
    if (ip->protocol != IPPROTO_TCP || ip->frag_off & bpf_htons(IP_OFFSET))
        return;
    at = AT_IP + ip->ihl * 4;
    if (bpf_skb_load_bytes(skb, at + TCP_AT_FLAGS - 1, offset_and_flags, sizeof(offset_and_flags)) < 0 ||
        !(offset_and_flags[1] & TCP_SYN))
        return;
    size = (offset_and_flags[0] >> 4) * 4 - (__u32)sizeof(struct tcphdr);
    if (size > TCP_OPTIONS)
        return;
    BOUND(size);
    if (size < 4 || bpf_skb_load_bytes(skb, at + sizeof(struct tcphdr), walk.options, size) < 0)
        return;
    walk.at_tcp = at;
    walk.size = size;
    (void)bpf_loop(TCP_OPTIONS, walk_on, &walk, 0);
}

SEC("tc")
int vpn_clamp(struct __sk_buff *skb)
{
    struct iphdr ip;

    if (!read_ip(skb, &ip))
        return TC_ACT_UNSPEC;
    if (is_own_frag_needed(skb, &ip))
        return TC_ACT_SHOT;
    clamp(skb, &ip);
    return TC_ACT_UNSPEC;
}

/* --- services of the inside address ------------------------------------------------------------------------------------ */

static __always_inline bool is_service(struct __sk_buff *skb, const struct iphdr *ip)
{
    __be16 to;

    if (ip->frag_off & bpf_htons(IP_OFFSET) ||
        bpf_skb_load_bytes(skb, AT_IP + ip->ihl * 4 + __builtin_offsetof(struct udphdr, dest), &to,
                           sizeof(to)) < 0)
        return false;
    if (ip->protocol == IPPROTO_UDP)
        return to == bpf_htons(IKE) || to == bpf_htons(NAT_T);
    return ip->protocol == IPPROTO_TCP && to == bpf_htons(BGP);
}

SEC("tc")
int vpn_inside(struct __sk_buff *skb)
{
    struct iphdr ip;

    if (!read_ip(skb, &ip))
        return TC_ACT_UNSPEC;
    if (is_service(skb, &ip) && way_of(skb, &ip) == BPF_FIB_LKUP_RET_NOT_FWDED)
        return TC_ACT_SHOT;
    clamp(skb, &ip);
    return TC_ACT_UNSPEC;
}

char vnl_license[] SEC("license") = "GPL";
