/* Stage DELIVER: the receiver's last gate, and the frame as the guest shall see it (spec 0 ingress steps 4
 * and 5). */
#ifndef VNETLAB_BPF_DELIVER_H
#define VNETLAB_BPF_DELIVER_H

#include "route.h"

/* The receiver was found as the owner of the destination, so it owns it, unless the table names a NIC of
 * another VNet. That the plan never does: the gate holds once routes can name an appliance as next hop;
 * until then a test's own table reaches it. */
static __always_inline bool owns_destination(const struct vnl_pkt *pkt)
{
    return pkt->way_known || pkt->receiver->vnet == pkt->route.entry.vnet;
}

static __always_inline enum vnl_drop stage_gate(struct vnl_pkt *pkt)
{
    if (!owns_destination(pkt) && !(pkt->receiver->flags & VNL_NIC_IP_FORWARDING))
        return VNL_DROP_NOT_FORWARDING;
    return VNL_DROP_NONE;
}

/* TTL and DSCP stay as they are. Before Linux 6.15 redirect_peer scrubs nothing ("bpf: Scrub packet on
 * bpf_redirect_peer"): the host veth's view that the frame is somebody else's would make the guest ignore
 * it, and a mark would be the guest's. */
static __always_inline enum vnl_drop stage_deliver(struct vnl_pkt *pkt)
{
    struct __sk_buff *skb = pkt->skb;
    struct ethhdr *eth = pkt->data;

    mac_copy(eth->h_dest, pkt->receiver->mac);
    mac_copy(eth->h_source, fabric_mac);
    if (skb->mark && !pkt->what_if)
        skb->mark = 0;
    if (skb->pkt_type)
        bpf_skb_change_type(skb, 0); /* PACKET_HOST */
    return VNL_DROP_NONE;
}

#endif
