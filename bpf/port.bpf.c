/* The port program: clsact ingress of every NIC's host end, so it sees what the guest sends. It decides
 * everything on the packet's way, the sender's egress and the receiver's ingress, and puts what passes
 * straight into the receiver's namespace.
 *
 * Stages and their order are enum vnl_stage and spec section 0. Each looks at the packet and says
 * VNL_DROP_NONE or why not. The plan decides policy; here it is looked up. */
#include "delayed.h"
#include "deliver.h"
#include "drop.h"
#include "frame.h"
#include "neighbor.h"
#include "nsg.h"
#include "parse.h"
#include "peering.h"
#include "platform.h"
#include "route.h"
#include "source.h"

/* Runs one stage; its reason ends the packet's way. */
#define STAGE(name, call)                                                                                    \
    do {                                                                                                     \
        enum vnl_drop drop_;                                                                                 \
        pkt->stage = (name);                                                                                 \
        drop_ = (call);                                                                                      \
        if (drop_ != VNL_DROP_NONE)                                                                          \
            return drop_;                                                                                    \
    } while (0)

static __always_inline enum vnl_drop to_platform(struct vnl_pkt *pkt)
{
    STAGE(VNL_STAGE_PROTOCOL, stage_platform(pkt));
    STAGE(VNL_STAGE_NSG_OUTBOUND, stage_platform_rules(pkt));
    platform_send(pkt);
    return VNL_DROP_NONE;
}

static __always_inline enum vnl_drop egress(struct vnl_pkt *pkt)
{
    STAGE(VNL_STAGE_FRAME, stage_frame(pkt));
    STAGE(VNL_STAGE_NEIGHBOR, stage_neighbor(pkt));
    if (pkt->answered)
        return VNL_DROP_NONE;
    STAGE(VNL_STAGE_PARSE, stage_parse(pkt));
    STAGE(VNL_STAGE_SOURCE, stage_sender(pkt));
    STAGE(VNL_STAGE_PROTOCOL, stage_protocol(pkt));
    if (unlikely(pkt->to_platform))
        return to_platform(pkt);
    STAGE(VNL_STAGE_NSG_OUTBOUND, stage_nsg_outbound(pkt));
    if (pkt->way_known)
        return VNL_DROP_NONE;
    STAGE(VNL_STAGE_ROUTE, stage_route(pkt));
    if (vnl_has_sessions &&
        unlikely(pkt->nic->flags & VNL_NIC_HAS_SESSIONS || pkt->route.entry.kind == VNL_ROUTE_KIND_INTERNET))
        STAGE(VNL_STAGE_TRANSLATE, stage_leave(pkt));
    STAGE(VNL_STAGE_PEERING, stage_peering_local(pkt));
    STAGE(VNL_STAGE_ROUTE, stage_next_hop(pkt));
    if (vnl_has_sessions && unlikely(!pkt->receiver))
        STAGE(VNL_STAGE_TRANSLATE, stage_enter(pkt));
    return VNL_DROP_NONE;
}

static __always_inline enum vnl_drop egress_platform(struct vnl_pkt *pkt)
{
    STAGE(VNL_STAGE_FRAME, stage_platform_frame(pkt));
    STAGE(VNL_STAGE_PARSE, stage_parse(pkt));
    STAGE(VNL_STAGE_SOURCE, stage_platform_guest(pkt));
    pkt->at = pkt->out;
    pkt->inbound = true;
    STAGE(VNL_STAGE_NSG_INBOUND, stage_probe_rules(pkt));
    return VNL_DROP_NONE;
}

static __always_inline enum vnl_drop ingress(struct vnl_pkt *pkt)
{
    if (!pkt->receiver) /* cannot be; the verifier does not see it ("R6 invalid mem access 'scalar'", Linux 6.18) */
        return VNL_DROP_NO_OWNER;
    pkt->at = pkt->out;
    pkt->inbound = true;
    if (!pkt->way_known)
        STAGE(VNL_STAGE_PEERING, stage_peering_remote(pkt));
    STAGE(VNL_STAGE_NSG_INBOUND, stage_nsg_inbound(pkt));
    STAGE(VNL_STAGE_DELIVER, stage_gate(pkt));
    return VNL_DROP_NONE;
}

/* The packet passes; it remains to remember that. Each NIC remembers it as its guest knows it. */
static __always_inline enum vnl_drop remember(struct vnl_pkt *pkt)
{
    pkt->at = pkt->slot;
    pkt->inbound = false;
    if (vnl_has_sessions && unlikely(pkt->special))
        translate_swap(&pkt->ask);
    STAGE(VNL_STAGE_NSG_OUTBOUND, stage_flow_outbound(pkt));
    if (vnl_has_sessions && unlikely(pkt->special)) {
        translate_swap(&pkt->ask);
        STAGE(VNL_STAGE_TRANSLATE, stage_sessions(pkt));
    }
    pkt->at = pkt->out;
    pkt->inbound = true;
    STAGE(VNL_STAGE_NSG_INBOUND, stage_flow_inbound(pkt));
    return VNL_DROP_NONE;
}

static __always_inline enum vnl_drop deliver(struct vnl_pkt *pkt)
{
    if (unlikely(pkt->special))
        STAGE(VNL_STAGE_TRANSLATE, stage_translate(pkt));
    STAGE(VNL_STAGE_DELIVER, stage_deliver(pkt));
    return VNL_DROP_NONE;
}

static __always_inline enum vnl_drop decide(struct vnl_pkt *pkt)
{
    bool from_platform = pkt->slot == VNL_OUT_PLATFORM;
    enum vnl_drop drop;

    drop = unlikely(from_platform) ? egress_platform(pkt) : egress(pkt);
    if (drop != VNL_DROP_NONE || pkt->answered)
        return drop;
    if (!unlikely(pkt->to_platform || from_platform)) {
        drop = ingress(pkt);
        if (drop == VNL_DROP_NONE)
            drop = remember(pkt);
    }
    return drop != VNL_DROP_NONE ? drop : deliver(pkt);
}

static __always_inline __u32 sender_slot(const struct vnl_pkt *pkt)
{
    if (unlikely(pkt->what_if))
        return pkt->skb->cb[VNL_CB_SLOT];
    if (unlikely(pkt->skb->ifindex == VNL_PLATFORM_IFINDEX))
        return VNL_OUT_PLATFORM;
    return pkt->skb->ifindex - VNL_NIC_IFINDEX;
}

SEC("tc")
int vnl_port(struct __sk_buff *skb)
{
    struct vnl_pkt pkt = { .skb = skb, .out = VNL_NOBODY, .ask.rule = VNL_NO_RULE };

    pkt.what_if_new = skb->mark == VNL_MARK_WHAT_IF_NEW;
    pkt.what_if_known = skb->mark == VNL_MARK_WHAT_IF_KNOWN;
    pkt.what_if = skb->mark == VNL_MARK_WHAT_IF || pkt.what_if_new || pkt.what_if_known;
    pkt.slot = pkt.at = sender_slot(&pkt);
    policy_in_force(&pkt.bank, &pkt.epoch);
    return finish(&pkt, decide(&pkt));
}

char vnl_license[] SEC("license") = "GPL";
