/* The flow table as user space sees it: mapped, and changed by packets at any time. What is read here may be half written, so a flow
 * counts only when its head is the same before and after; what is written is the head alone, as the program itself does. */
#include "bpf_tables.h"

#include <string.h>
#include <time.h>

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"

/* Of bpf_ktime_get_coarse_ns(). */
uint32_t vnl_bpf_tick(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)(((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec) >> VNL_TICK_SHIFT);
}

struct vnl_nic_state *vnl_bpf_nic_state(const struct vnl_bpf *bpf, uint32_t slot)
{
    struct vnl_nic_state *states = bpf->table[VNL_BPF_NIC_STATES].addr;

    return slot < bpf->size.nic_slots ? states + slot : NULL;
}

struct vnl_nic_state *vnl_bpf_nic_state_sum(const struct vnl_bpf *bpf)
{
    struct vnl_nic_state *states = bpf->table[VNL_BPF_NIC_STATES].addr;

    return states + (bpf->size.flow_slots ? VNL_NIC_SLOTS_MAX : bpf->size.nic_slots);
}

void vnl_bpf_pick_up(struct vnl_bpf *bpf)
{
    bpf->pick_up = true;
}

uint32_t vnl_bpf_flow_count(const struct vnl_bpf *bpf, uint32_t slot)
{
    const struct vnl_nic_state *state = vnl_bpf_nic_state(bpf, slot);

    return state ? __atomic_load_n(&state->flows, __ATOMIC_RELAXED) : 0;
}

static size_t n_buckets(const struct vnl_bpf *bpf)
{
    return bpf->size.flow_slots / VNL_FLOW_WAYS;
}

static struct vnl_flow_head head_load(const struct vnl_flow_head *head)
{
    struct vnl_flow_head it;

    __atomic_load(head, &it, __ATOMIC_ACQUIRE);
    return it;
}

static bool is_live(const struct vnl_flow_head *head, uint32_t now)
{
    return head->tag && (int32_t)(now - head->expires) <= 0;
}

static bool flow_read(const struct vnl_flow_bucket *bucket, unsigned way, uint32_t now,
                      struct vnl_flow_seen *ret)
{
    struct vnl_flow_head before = head_load(&bucket->head[way]), after;

    if (!is_live(&before, now))
        return false;
    memcpy(&ret->key, &bucket->flow[way].key, sizeof(ret->key));
    ret->state = __atomic_load_n(&bucket->flow[way].state, __ATOMIC_RELAXED);
    ret->expires_s = (uint32_t)(((uint64_t)(before.expires - now) << VNL_TICK_SHIFT) / 1000000000u);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    after = head_load(&bucket->head[way]);
    return after.tag == before.tag;
}

int vnl_bpf_flows(const struct vnl_bpf *bpf, int (*each)(const struct vnl_flow_seen *flow, void *arg),
                  void *arg)
{
    const struct vnl_flow_bucket *buckets = bpf->table[VNL_BPF_FLOWS].addr;
    uint32_t now = vnl_bpf_tick();
    int r = 0;

    for (size_t i = 0; i < n_buckets(bpf) && r == 0; i++) {
        for (unsigned way = 0; way < VNL_FLOW_WAYS && r == 0; way++) {
            struct vnl_flow_seen flow;

            if (flow_read(&buckets[i], way, now, &flow))
                r = each(&flow, arg);
        }
    }
    return r;
}

/* The NIC that a flow is about: an outer session's key has its VNet there. */
static uint32_t nic_of(const struct vnl_flow *flow)
{
    return flow->key.kind == VNL_FLOW_OUTER ? flow->to.slot : flow->key.nic;
}

/* Expired, and not yet free: a packet may be using it. */
void vnl_bpf_flows_forget(const struct vnl_bpf *bpf, uint32_t slot)
{
    struct vnl_flow_bucket *buckets = bpf->table[VNL_BPF_FLOWS].addr;
    uint32_t now = vnl_bpf_tick();

    if (!vnl_bpf_flow_count(bpf, slot))
        return;
    for (size_t i = 0; i < n_buckets(bpf); i++) {
        for (unsigned way = 0; way < VNL_FLOW_WAYS; way++) {
            struct vnl_flow_head head = head_load(&buckets[i].head[way]);

            if (is_live(&head, now) && nic_of(&buckets[i].flow[way]) == slot)
                __atomic_store_n(&buckets[i].head[way].expires, now - 1, __ATOMIC_RELAXED);
        }
    }
}
