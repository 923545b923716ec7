/* Stage DELIVER: the receiver's last gate, and the frame as the guest shall see it (spec 0 ingress steps 4
 * and 5). */
#ifndef VNETLAB_BPF_DELIVER_H
#define VNETLAB_BPF_DELIVER_H

#include "stands.h"

/* A receiver that was found as the owner of the destination owns it, unless the table names a NIC of another
 * VNet, which the plan never does. The others are next hops, or their address was put there by translation. */
static __always_inline bool owns_destination(const struct vnl_pkt *pkt)
{
    const struct vnl_way *way;

    if (pkt->way_known)
        return true;
    if (!unlikely(pkt->route.entry.kind != VNL_ROUTE_KIND_VNET))
        return pkt->receiver->vnet == pkt->route.entry.vnet;
    way = way_of_packet();
    if (pkt->route.entry.kind == ROUTE_KIND_SERVICE && way && way->floating)
        return true;
    return vnl_owner_find(pkt->bank, pkt->receiver->vnet, pkt->dst.half[0], pkt->dst.half[1]) == pkt->out;
}

static __always_inline enum vnl_drop stage_gate(struct vnl_pkt *pkt)
{
    if (!owns_destination(pkt) && !(pkt->receiver->flags & (VNL_NIC_IP_FORWARDING | VNL_NIC_GATEWAY)))
        return VNL_DROP_NOT_FORWARDING;
    return VNL_DROP_NONE;
}

/* Byte by byte, so that the compiler makes no variable of the constant: libbpf loads none but those of .rodata. */
static __always_inline void mac_put(volatile __u8 *to, const __u8 mac[6])
{
    for (int i = 0; i < 6; i++)
        to[i] = mac[i];
}

/* TTL and DSCP stay as they are. Before Linux 6.15 redirect_peer scrubs nothing ("bpf: Scrub packet on
 * bpf_redirect_peer"): the host veth's view that the frame is somebody else's would make the guest ignore
 * it, and a mark would be the guest's. */
static __always_inline enum vnl_drop stage_deliver(struct vnl_pkt *pkt)
{
    struct __sk_buff *skb = pkt->skb;
    struct ethhdr *eth = pkt->data;

    if (unlikely(!has(pkt, ETH_HLEN)))
        return VNL_DROP_TRUNCATED;
    if (unlikely(!pkt->receiver)) /* the platform */
        mac_put(eth->h_dest, (const __u8[6])VNL_PLATFORM_MAC);
    else
        mac_copy(eth->h_dest, pkt->receiver->mac);
    mac_copy(eth->h_source, fabric_mac);
    if (skb->mark && !pkt->what_if)
        skb->mark = 0;
    if (skb->pkt_type)
        bpf_skb_change_type(skb, 0); /* PACKET_HOST */
    return VNL_DROP_NONE;
}

#endif
