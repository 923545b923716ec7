/* One end for all packets: the verdict is left in skb->cb, a drop is counted and told to whom it may concern, the action chosen. Fail closed: no path hands a packet to
 * the fabric namespace's own stack or bridge. */
#ifndef VNETLAB_BPF_DROP_H
#define VNETLAB_BPF_DROP_H

#include <linux/pkt_cls.h>

#include "route.h"

/* In packets as the guest sent them: one that is left to segmentation counts as its segments. */
static __always_inline void count_drop(const struct vnl_pkt *pkt, enum vnl_drop drop)
{
    __u32 slot = pkt->at, segments = pkt->skb->gso_segs;
    struct vnl_nic_counters *counters = bpf_map_lookup_elem(&vnl_counters, &slot);

    if (counters)
        __sync_fetch_and_add(&counters->drop[drop & (VNL_DROP_SLOTS - 1)], segments ? segments : 1);
}

/* Drop events of one NIC in one tick are limited, so that a flood costs a comparison. Counts may be a few off: many CPUs, no lock. */
static __always_inline bool event_allowed(struct vnl_nic_state *state, __u32 now)
{
    if (state->event_tick != now) {
        state->event_tick = now;
        state->event_count = 0;
    }
    if (state->event_count < VNL_EVENTS_A_TICK) {
        state->event_count++;
        return true;
    }
    __sync_fetch_and_add(&state->suppressed, 1);
    return false;
}

static __noinline void emit_event(const struct vnl_pkt *pkt, enum vnl_drop drop)
{
    struct vnl_nic_state *state = pkt->at < vnl_nic_slots ? nic_state(pkt->at) : NULL;
    struct vnl_event *event;
    __u32 size = pkt->skb->len, last;

    if (!state || !event_allowed(state, ticks_now()))
        return;
    event = bpf_ringbuf_reserve(&vnl_events, sizeof(*event), 0);
    if (!event) {
        __sync_fetch_and_add(&state->suppressed, 1);
        return;
    }
    event->time_ns = bpf_ktime_get_ns();
    event->slot = pkt->at;
    event->from = pkt->slot;
    event->rule = pkt->ask.rule;
    event->size = size;
    event->reason = drop;
    event->stage = pkt->stage;
    event->inbound = pkt->inbound;
    event->suppressed = state->suppressed;
    __builtin_memset(event->head, 0, sizeof(event->head));
    /* Linux 6.1 does not learn from `size != 0` that it is at least 1 ("R3 min value is outside of the allowed memory range"), so the last
     * byte's place is bounded and the size counted from it. OPAQUE, or the compiler turns it back. */
    last = (size < VNL_EVENT_HEAD ? size : VNL_EVENT_HEAD) - 1;
    OPAQUE(last);
    event->head_size = 0;
    if (last < VNL_EVENT_HEAD) {
        size = last + 1;
        if (bpf_skb_load_bytes(pkt->skb, 0, event->head, size) == 0)
            event->head_size = size;
    }
    bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

static __always_inline void tell_drop(const struct vnl_pkt *pkt, enum vnl_drop drop)
{
    const volatile struct vnl_control *control = control_block();
    __u32 until = control ? control->events_until : 0;

    if (until && !tick_passed(until, ticks_now()))
        emit_event(pkt, drop);
}

static __always_inline int finish(struct vnl_pkt *pkt, enum vnl_drop drop)
{
    struct __sk_buff *skb = pkt->skb;
    __u32 delay;

    skb->cb[VNL_CB_REASON] = drop;
    skb->cb[VNL_CB_STAGE] = pkt->stage;
    skb->cb[VNL_CB_SLOT] = pkt->at;
    skb->cb[VNL_CB_OUT] = pkt->out;
    skb->cb[VNL_CB_RULE] = pkt->ask.rule;
    if (drop != VNL_DROP_NONE) {
        if (!pkt->what_if) {
            count_drop(pkt, drop);
            tell_drop(pkt, drop);
        }
        return TC_ACT_SHOT;
    }
    if (pkt->answered)
        return bpf_redirect(skb->ifindex, 0);
    if (unlikely(pkt->to_platform))
        return bpf_redirect_peer(VNL_PLATFORM_IFINDEX, 0);
    delay = pkt->route.entry.flags >> VNL_ROUTE_DELAY_SHIFT;
    if (unlikely(delay))
        return bpf_redirect(VNL_DELAY_IFINDEX + delay, 0);
    return bpf_redirect_peer(VNL_NIC_IFINDEX + pkt->out, 0);
}

#endif
