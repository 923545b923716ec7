/* Working with the tables of a loaded port program: publishing, counters, dry runs.
 *
 * Publishing. The idle bank is written, then one store makes it the bank in force. A packet reads `bank`
 * once, so it sees one plan or the other. When that store has been made, packets may still be under way in
 * the old bank; it must not be written before they have ended, and the caller may want to take away what they
 * use. So publishing returns after a grace period (about 16 ms), except for the first one, when no port was
 * alive.
 *
 * The digest must never name a plan that is not in force: it is cleared before the flip and set behind it,
 * so that whoever is killed in between leaves a lab whose next `up` publishes again. */
#include "bpf_tables.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"

/* --- publishing ----------------------------------------------------------------------------------------- */

/* Programs run inside an RCU read section and this waits for a grace period: kernel/sched/membarrier.c,
 * synchronize_rcu(). Refused when the kernel was started with nohz_full. */
int vnl_bpf_wait_membarrier(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0 ? -errno : 0;
}

/* Changing a map in a map waits for the same thing: kernel/bpf/syscall.c, maybe_wait_bpf_programs(). */
int vnl_bpf_wait_map_swap(const struct vnl_bpf *bpf)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = bpf->table[VNL_BPF_CONTROL].fd);
    CLEANUP(vnl_fd_close) int outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, NULL, 4, 4, 1, &opts);
    uint32_t zero = 0;

    if (outer < 0)
        return -errno;
    return bpf_map_update_elem(outer, &zero, &bpf->table[VNL_BPF_CONTROL].fd, BPF_ANY) < 0 ? -errno : 0;
}

static int wait_for_packets(const struct vnl_bpf *bpf, struct vnl_err **err)
{
    int r = vnl_bpf_wait_membarrier();

    if (r < 0)
        r = vnl_bpf_wait_map_swap(bpf);
    return r < 0 ? vnl_fail(err, -r, "waiting for packets under the old plan: %s", strerror(-r)) : 0;
}

static void write_bank(struct vnl_bpf *bpf, uint32_t bank, const struct vnl_image *image)
{
    const struct vnl_image_size *size = &bpf->size;
    struct vnl_nic_entry *nics = bpf->table[VNL_BPF_NICS].addr;
    struct vnl_owner *owners = bpf->table[VNL_BPF_OWNERS].addr;
    unsigned char *pool = bpf->table[VNL_BPF_POOL].addr;

    memcpy(nics + (size_t)bank * size->nic_slots, image->nics, size->nic_slots * sizeof(*nics));
    memcpy(owners + (size_t)bank * size->owner_slots, image->owners, size->owner_slots * sizeof(*owners));
    memcpy(pool + (size_t)bank * size->pool_bytes, image->pool, image->pool_used);
}

/* A counter that belongs to another rule now starts at zero. Packets under way in the old plan may add to it once more. */
static void write_rule_ids(struct vnl_bpf *bpf, const struct vnl_image *image)
{
    struct vnl_rule_counter *counters = bpf->table[VNL_BPF_RULES].addr;

    for (uint32_t i = 0; image->rule_ids && i < bpf->size.rule_slots; i++) {
        if (counters[i].id == image->rule_ids[i])
            continue;
        counters[i].id = image->rule_ids[i];
        __atomic_store_n(&counters[i].hits, 0, __ATOMIC_RELAXED);
    }
}

/* Before the first publishing the tables know nothing; the set that they follow does, or the NIC is taken for one without a group. */
static uint32_t flags_before(const struct vnl_bpf *bpf, uint32_t bank, uint32_t slot)
{
    const struct vnl_nic_entry *nics = bpf->table[VNL_BPF_NICS].addr;

    if (vnl_bpf_control(bpf)->generation)
        return nics[(size_t)bank * bpf->size.nic_slots + slot].flags;
    if (bpf->pick_up)
        return VNL_NIC_LIVE;
    return slot < bpf->n_before ? bpf->flags_before[slot] : 0;
}

/* Connections that began before the NIC had a security group may go on: their first packet here is no SYN. For the time in which a flow
 * could have been idle, had it been known. */
static void allow_pick_up(struct vnl_bpf *bpf, uint32_t bank, const struct vnl_image *image)
{
    for (uint32_t i = 0; i < bpf->size.nic_slots; i++) {
        struct vnl_nic_state *state = vnl_bpf_nic_state(bpf, i);
        uint32_t was = flags_before(bpf, bank, i), is = image->nics[i].flags;

        if (!(is & VNL_NIC_LIVE))
            state->pick_up = 0;
        else if (is & VNL_NIC_HAS_NSG && was & VNL_NIC_LIVE && !(was & VNL_NIC_HAS_NSG))
            state->pick_up = (vnl_bpf_tick() + VNL_TICKS(image->nics[i].flow_timeout_s)) | 1; /* 0 = never */
    }
}

/* One that no set of tables had that shares the flows: what a flow remembers of routes and gates is good for just one generation. It is
 * taken before it is used, so a set that was left half done by a crash has not the same one as its successor. */
static uint32_t next_generation(const struct vnl_bpf *bpf)
{
    struct vnl_nic_state *sum = vnl_bpf_nic_state_sum(bpf);
    uint32_t own = vnl_bpf_control(bpf)->generation, shared = sum->generation;

    shared = (int32_t)(shared - own) > 0 ? shared : own;
    __atomic_store_n(&sum->generation, shared + 1, __ATOMIC_SEQ_CST);
    return shared + 1;
}

static void flip(struct vnl_bpf *bpf, uint32_t bank, const uint8_t digest[16])
{
    struct vnl_control *control = vnl_bpf_control(bpf);

    memset(control->digest, 0, sizeof(control->digest));
    __atomic_store_n(&control->generation, next_generation(bpf), __ATOMIC_RELEASE);
    __atomic_store_n(&control->bank, bank, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    memcpy(control->digest, digest, sizeof(control->digest));
}

static bool in_force(const struct vnl_control *control, const uint8_t digest[16])
{
    static const uint8_t none[16];

    return memcmp(digest, none, sizeof(none)) != 0 && memcmp(digest, control->digest, sizeof(none)) == 0;
}

int vnl_bpf_publish_image(struct vnl_bpf *bpf, const struct vnl_image *image, bool *ret_changed,
                          struct vnl_err **err)
{
    struct vnl_control *control = vnl_bpf_control(bpf);
    bool changed, first = control->generation == 0;
    uint32_t idle = !(control->bank & 1);
    int r = 0;

    if (memcmp(&image->size, &bpf->size, sizeof(bpf->size)) != 0 || image->pool_used > bpf->size.pool_bytes)
        return vnl_fail(err, EINVAL, "the image's size is not the tables'");
    changed = !in_force(control, image->digest);
    if (changed) {
        write_bank(bpf, idle, image);
        write_rule_ids(bpf, image);
        allow_pick_up(bpf, !idle, image);
        flip(bpf, idle, image->digest);
        if (!first)
            r = wait_for_packets(bpf, err);
    }
    if (r == 0 && ret_changed)
        *ret_changed = changed;
    return r;
}

int vnl_bpf_publish(struct vnl_bpf *bpf, const struct vnl_plan *plan, bool *ret_changed, struct vnl_err **err)
{
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    int r = vnl_image_build(plan, &bpf->size, &image, err);

    return r < 0 ? r : vnl_bpf_publish_image(bpf, image, ret_changed, err);
}

/* --- counters ------------------------------------------------------------------------------------------- */

static struct vnl_nic_counters *counters_lookup(const struct vnl_bpf *bpf, uint32_t slot)
{
    struct vnl_nic_counters *counters = bpf->table[VNL_BPF_COUNTERS].addr;

    return slot < bpf->size.nic_slots ? counters + slot : NULL;
}

void vnl_bpf_counters(const struct vnl_bpf *bpf, uint32_t slot, uint64_t ret[VNL_DROP_MAX])
{
    struct vnl_nic_counters *counters = counters_lookup(bpf, slot);

    for (int i = 0; i < VNL_DROP_MAX; i++)
        ret[i] = counters ? __atomic_load_n(&counters->drop[i], __ATOMIC_RELAXED) : 0;
}

void vnl_bpf_counters_reset(struct vnl_bpf *bpf, uint32_t slot)
{
    struct vnl_nic_counters *counters = counters_lookup(bpf, slot);

    for (unsigned i = 0; counters && i < VNL_DROP_SLOTS; i++)
        __atomic_store_n(&counters->drop[i], 0, __ATOMIC_RELAXED);
    if (counters)
        vnl_bpf_flows_forget(bpf, slot);
}

uint64_t vnl_bpf_rule_hits(const struct vnl_bpf *bpf, uint32_t counter)
{
    const struct vnl_rule_counter *counters = bpf->table[VNL_BPF_RULES].addr;

    return counter < bpf->size.rule_slots ? __atomic_load_n(&counters[counter].hits, __ATOMIC_RELAXED) : 0;
}

/* --- dry run -------------------------------------------------------------------------------------------- */

static void buf_free(void **buf)
{
    free(*buf);
}

static void read_verdict(const struct __sk_buff *ctx, uint32_t action, struct vnl_verdict *ret)
{
    *ret = (struct vnl_verdict){
        .reason = ctx->cb[VNL_CB_REASON],
        .stage = ctx->cb[VNL_CB_STAGE],
        .slot = ctx->cb[VNL_CB_SLOT],
        .out_slot = ctx->cb[VNL_CB_OUT],
        .rule = ctx->cb[VNL_CB_RULE],
        .answered = action == TC_ACT_REDIRECT && ctx->cb[VNL_CB_STAGE] == VNL_STAGE_NEIGHBOR,
    };
}

static const uint32_t what_if_mark[] = {
    [VNL_WHAT_IF_NEW] = VNL_MARK_WHAT_IF_NEW,
    [VNL_WHAT_IF_KNOWN] = VNL_MARK_WHAT_IF_KNOWN,
    [VNL_WHAT_IF_NOW] = VNL_MARK_WHAT_IF,
};
static_assert(ARRAY_SIZE(what_if_mark) == VNL_WHAT_IF_MAX, "a mark for every kind of dry run");

int vnl_bpf_what_if(struct vnl_bpf *bpf, uint32_t slot, const void *frame, size_t size, bool want_frame,
                    struct vnl_verdict *ret, struct vnl_err **err)
{
    return vnl_bpf_what_if_as(bpf, VNL_WHAT_IF_NEW, slot, frame, size, want_frame, ret, err);
}

int vnl_bpf_what_if_as(struct vnl_bpf *bpf, enum vnl_what_if how, uint32_t slot, const void *frame,
                       size_t size, bool want_frame, struct vnl_verdict *ret, struct vnl_err **err)
{
    struct __sk_buff ctx = { .mark = what_if_mark[how], .cb[VNL_CB_SLOT] = slot };
    CLEANUP(buf_free) void *out = want_frame ? malloc(size) : NULL;
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = size, .data_out = out,
                .data_size_out = want_frame ? size : 0, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx),
                .ctx_out = &ctx, .ctx_size_out = sizeof(ctx), .repeat = 1);
    int r;

    if (want_frame && !out)
        return vnl_fail(err, ENOMEM, "dry run");
    do
        r = bpf_prog_test_run_opts(bpf->prog_fd, &opts);
    while (r == -EINTR || r == -EAGAIN);
    if (r < 0)
        return vnl_fail(err, -r, "dry run of a frame of %zu bytes: %s", size, strerror(-r));
    if (opts.retval != TC_ACT_SHOT && opts.retval != TC_ACT_REDIRECT)
        return vnl_fail(err, EPROTO, "dry run: the program returned action %u", opts.retval);
    read_verdict(&ctx, opts.retval, ret);
    ret->frame_size = want_frame ? opts.data_size_out : 0;
    ret->frame = TAKE_PTR(out);
    return 0;
}
