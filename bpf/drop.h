/* One end for all packets: the verdict is left in skb->cb, a drop is counted, the action chosen. Fail
 * closed: no path hands a packet to the fabric namespace's own stack or bridge. */
#ifndef VNETLAB_BPF_DROP_H
#define VNETLAB_BPF_DROP_H

#include <linux/pkt_cls.h>

#include "packet.h"

/* In packets as the guest sent them: one that is left to segmentation counts as its segments. */
static __always_inline void count_drop(const struct vnl_pkt *pkt, enum vnl_drop drop)
{
    __u32 slot = pkt->at, segments = pkt->skb->gso_segs;
    struct vnl_nic_counters *counters = bpf_map_lookup_elem(&vnl_counters, &slot);

    if (counters)
        __sync_fetch_and_add(&counters->drop[drop & (VNL_DROP_SLOTS - 1)], segments ? segments : 1);
}

static __always_inline int finish(struct vnl_pkt *pkt, enum vnl_drop drop)
{
    struct __sk_buff *skb = pkt->skb;

    skb->cb[VNL_CB_REASON] = drop;
    skb->cb[VNL_CB_STAGE] = pkt->stage;
    skb->cb[VNL_CB_SLOT] = pkt->at;
    skb->cb[VNL_CB_OUT] = pkt->out;
    if (drop != VNL_DROP_NONE) {
        if (!pkt->what_if)
            count_drop(pkt, drop);
        return TC_ACT_SHOT;
    }
    if (pkt->answered)
        return bpf_redirect(skb->ifindex, 0);
    return bpf_redirect_peer(VNL_NIC_IFINDEX + pkt->out, 0);
}

#endif
