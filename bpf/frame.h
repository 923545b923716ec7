/* Stage FRAME: the port and the Ethernet header (spec 0, egress steps 1 and 3; 1.5: no VLANs, no
 * broadcast, no multicast). */
#ifndef VNETLAB_BPF_FRAME_H
#define VNETLAB_BPF_FRAME_H

#include "packet.h"

#define UDP_DHCP_SERVER 67
#define UDP_DHCP_CLIENT 68

/* Headers may lie in fragments of the packet (sendfile, AF_PACKET rings). Only as much is pulled as is
 * read: payload that the guest's stack left to segmentation must stay where it is. */
static __always_inline void frame_pull(struct vnl_pkt *pkt)
{
    struct __sk_buff *skb = pkt->skb;

    pkt->size = skb->len;
    pkt->data = (void *)(long)skb->data;
    pkt->end = (void *)(long)skb->data_end;
    if (has(pkt, HEADERS_SIZE) || pkt->data + pkt->size <= pkt->end)
        return;
    /* When it fails the stages find too little to read and drop. */
    (void)bpf_skb_pull_data(skb, pkt->size < HEADERS_SIZE ? pkt->size : HEADERS_SIZE);
    pkt->data = (void *)(long)skb->data;
    pkt->end = (void *)(long)skb->data_end;
}

/* Spec 0 step 3: the DHCP exchange is the exception among broadcasts. It is the platform's, which does not
 * answer here: dropped as what it is, whatever its source address. */
static __always_inline bool frame_is_dhcp(const struct vnl_pkt *pkt)
{
    const struct iphdr *ip = ip4_header(pkt);
    const __be16 *ports = pkt->data + AT_L4;

    return has(pkt, AT_L4 + 8) && *(__u8 *)ip == 0x45 && ip->protocol == PROTO_UDP &&
           !(ip->frag_off & bpf_htons(0x1fff)) && ports[1] == bpf_htons(UDP_DHCP_SERVER);
}

#define ND_ROUTER_SOLICITATION   133
#define ND_NEIGHBOR_SOLICITATION 135
#define ND_REDIRECT              137

static __always_inline bool is_neighbor_discovery(__u8 icmp_type)
{
    return icmp_type >= ND_ROUTER_SOLICITATION && icmp_type <= ND_REDIRECT;
}

/* Peeks: the IPv6 header is checked where the message is judged. */
static __always_inline bool frame_is_nd(const struct vnl_pkt *pkt)
{
    return has(pkt, AT_L4_V6 + 1) && ip6_header(pkt)->nexthdr == PROTO_ICMPV6 &&
           is_neighbor_discovery(*(__u8 *)(pkt->data + AT_L4_V6));
}

static __always_inline enum vnl_drop frame_group(const struct vnl_pkt *pkt, __be16 ethertype)
{
    static const __u8 broadcast[8] __attribute__((aligned(8))) = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

    if (mac_eq(pkt->data, broadcast)) {
        if (ethertype == bpf_htons(ETH_P_ARP))
            return VNL_DROP_NONE;
        return ethertype == bpf_htons(ETH_P_IP) && frame_is_dhcp(pkt) ? VNL_DROP_RESERVED_PORT
                                                                      : VNL_DROP_BROADCAST;
    }
    return ethertype == bpf_htons(ETH_P_IPV6) && frame_is_nd(pkt) ? VNL_DROP_NONE : VNL_DROP_MULTICAST;
}

static __always_inline enum vnl_drop stage_frame(struct vnl_pkt *pkt)
{
    const struct ethhdr *eth;
    __be16 ethertype;

    pkt->nic = nic_lookup(pkt->bank, pkt->slot);
    if (!pkt->nic)
        return VNL_DROP_UNKNOWN_PORT;
    frame_pull(pkt);
    if (!has(pkt, ETH_HLEN))
        return VNL_DROP_TRUNCATED;
    eth = pkt->data;
    ethertype = *(__be16 *)(pkt->data + offsetof(struct ethhdr, h_proto));
    /* The kernel takes a tag out of the frame before the program runs; a test run leaves it in. */
    if (pkt->skb->vlan_present || ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD))
        return VNL_DROP_VLAN;
    if (!mac_eq(eth->h_source, pkt->nic->mac))
        return VNL_DROP_SOURCE_MAC;
    if (ethertype != bpf_htons(ETH_P_IP) && ethertype != bpf_htons(ETH_P_IPV6) &&
        ethertype != bpf_htons(ETH_P_ARP))
        return VNL_DROP_ETHERTYPE;
    pkt->v6 = ethertype == bpf_htons(ETH_P_IPV6);
    pkt->arp = ethertype == bpf_htons(ETH_P_ARP);
    return eth->h_dest[0] & 1 ? frame_group(pkt, ethertype) : VNL_DROP_NONE;
}

#endif
