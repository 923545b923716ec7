/* The platform's port (spec 1.8, 3.8): DNS, instance metadata, health probes. Behind it one namespace serves the guests of all VNets, so
 * a guest is known there by its NIC's slot (layout.h, VNL_PLATFORM_GUESTS). Security rules are not asked, except those that name one of
 * the AzurePlatform* tags, and for probes. */
#ifndef VNETLAB_BPF_PLATFORM_H
#define VNETLAB_BPF_PLATFORM_H

#include "balancer.h"

#define PORT_DNS  53
#define PORT_HTTP 80

/* --- to it ----------------------------------------------------------------------------------------------------------- */

static __always_inline bool platform_serves(const struct vnl_pkt *pkt)
{
    bool tcp = pkt->proto == PROTO_TCP;

    if (pkt->dst.word[3] == bpf_htonl(VNL_PLATFORM_IMDS))
        return tcp && pkt->dport == PORT_HTTP;
    if (pkt->dport == PORT_DNS)
        return tcp || pkt->proto == PROTO_UDP;
    return tcp && pkt->dport >= VNL_PROBE_PORT_MIN; /* answers to probes */
}

/* Not for the internet side and sites. Answers go to the NIC's primary address, so nothing else may ask; and without a session a later
 * fragment cannot be told. */
static __always_inline enum vnl_drop stage_platform(struct vnl_pkt *pkt)
{
    if (pkt->fragment || pkt->src.word[3] != pkt->nic->addr4 || pkt->nic->vnet >= VNL_INTERNET_SLOT ||
        !platform_serves(pkt))
        return VNL_DROP_PLATFORM_ADDRESS;
    return VNL_DROP_NONE;
}

static __always_inline enum vnl_drop stage_platform_rules(struct vnl_pkt *pkt)
{
    if (!(pkt->nic->flags & VNL_NIC_HAS_NSG) || pkt->what_if_known || !vnl_has_rules)
        return VNL_DROP_NONE;
    ask_start(pkt);
    ask_at(pkt, pkt->nic, pkt->slot, false);
    return rules_allow(pkt, false, true) ? VNL_DROP_NONE : VNL_DROP_NSG_OUTBOUND;
}

static __always_inline void platform_send(struct vnl_pkt *pkt)
{
    way_start(pkt);
    pkt->src.word[3] = bpf_htonl(VNL_PLATFORM_GUESTS | pkt->slot);
    pkt->special = true;
    pkt->out = VNL_OUT_PLATFORM;
}

/* --- from it --------------------------------------------------------------------------------------------------------- */

static __always_inline enum vnl_drop stage_platform_frame(struct vnl_pkt *pkt)
{
    frame_pull(pkt);
    if (!has(pkt, ETH_HLEN))
        return VNL_DROP_TRUNCATED;
    if (*(__be16 *)(pkt->data + offsetof(struct ethhdr, h_proto)) != bpf_htons(ETH_P_IP))
        return VNL_DROP_ETHERTYPE;
    return VNL_DROP_NONE;
}

static __always_inline bool is_answer(const struct vnl_pkt *pkt)
{
    if (pkt->src.word[3] == bpf_htonl(VNL_PLATFORM_IMDS))
        return pkt->proto == PROTO_TCP && pkt->sport == PORT_HTTP;
    return has_ports(pkt->proto) && pkt->sport == PORT_DNS;
}

/* Whose packet is it, and does the platform send such ones? All else may be a probe, which rules judge. */
static __always_inline enum vnl_drop stage_platform_guest(struct vnl_pkt *pkt)
{
    __u32 dst = bpf_ntohl(pkt->dst.word[3]);

    if (!is_platform(pkt, &pkt->src) || pkt->fragment)
        return VNL_DROP_SPOOFED_SOURCE;
    pkt->exempt = is_answer(pkt);
    if (!pkt->exempt && (pkt->proto != PROTO_TCP || pkt->src.word[3] != bpf_htonl(VNL_PLATFORM_DNS)))
        return VNL_DROP_PLATFORM_ADDRESS;
    pkt->receiver = (dst & 0xffff0000) == VNL_PLATFORM_GUESTS ? nic_lookup(pkt->bank, dst & 0xffff) : NULL;
    if (!pkt->receiver || !pkt->receiver->addr4)
        return VNL_DROP_NO_OWNER;
    way_start(pkt);
    pkt->nic = pkt->receiver;
    pkt->out = dst & 0xffff;
    pkt->dst.word[3] = pkt->receiver->addr4;
    pkt->special = pkt->way_known = true;
    return VNL_DROP_NONE;
}

/* A probe's packets are no flow of the guest's. */
static __always_inline enum vnl_drop stage_probe_rules(struct vnl_pkt *pkt)
{
    if (!(pkt->receiver->flags & VNL_NIC_HAS_NSG) || pkt->what_if_known || pkt->exempt || !vnl_has_rules)
        return VNL_DROP_NONE;
    ask_at(pkt, pkt->receiver, pkt->out, true);
    return rules_allow(pkt, true, false) ? VNL_DROP_NONE : VNL_DROP_NSG_INBOUND;
}

#endif
