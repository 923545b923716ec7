/* What a region's latency has held back comes out of the delay line's other end: `vnl_delayed` puts it into the guest's namespace, as
 * the port program would have done. It knows the receiver by its MAC, which is all that a packet keeps on the way. */
#ifndef VNETLAB_BPF_DELAYED_H
#define VNETLAB_BPF_DELAYED_H

#include <linux/pkt_cls.h>

#include "packet.h"

#define MAC_MASK      0xffffffu
#define MAC_FIRST     0x5bd1e9u
#define MAC_UNSCATTER 0x8b2f51u /* inverse of the factor, modulo 2^24 */

/* ctl/model/settle.c, mac_of_slot, step by step backwards. */
static __always_inline __u32 slot_of_mac(__u32 x)
{
    x ^= x >> 13;
    for (int round = 0; round < 2; round++) {
        x = x * MAC_UNSCATTER & MAC_MASK;
        x ^= x >> 11 ^ x >> 22;
    }
    return (x - MAC_FIRST) & MAC_MASK;
}

SEC("tc")
int vnl_delayed(struct __sk_buff *skb)
{
    struct vnl_pkt pkt = { .skb = skb, .data = (void *)(long)skb->data, .end = (void *)(long)skb->data_end };
    const struct vnl_nic_entry *nic;
    const __u8 *mac = pkt.data;
    __u32 bank, epoch, slot;

    if (!has(&pkt, ETH_HLEN))
        return TC_ACT_SHOT;
    slot = slot_of_mac((__u32)mac[3] << 16 | (__u32)mac[4] << 8 | mac[5]);
    policy_in_force(&bank, &epoch);
    nic = nic_lookup(bank, slot);
    if (!nic || !mac_eq(mac, nic->mac))
        return TC_ACT_SHOT;
    if (skb->mark)
        skb->mark = 0;
    if (skb->pkt_type)
        bpf_skb_change_type(skb, 0); /* PACKET_HOST */
    return bpf_redirect_peer(VNL_NIC_IFINDEX + slot, 0);
}

#endif
