/* One apply, in this order:
 *
 *   1. mount, fabric namespace, set of program and maps       made when they are not there
 *   2. look at what exists, and take the difference
 *   3. what is to go: first out of the tables, then out of the kernel
 *   4. what stays: filters, bridges, ports, guest ends
 *   5. what is new: VMs and NICs (build.c); their ports drop everything, because the tables do not know them; then gateways' routing
 *   6. publish the plan: one flip
 *   7. guests' files and commands
 *
 * Tables first on the way out, tables last on the way in: the tables never say that a NIC is somewhere where
 * another one is, or none. For 3 this needs a plan between the old and the new one, the new plan without the
 * NICs that do not exist yet. So a slot can change its owner within one apply, and neither of the two sees a
 * packet of the other; and a path that the new plan closes is closed before anything is made that could fail.
 * It is left out when it would be the last publication, or when no NIC was there before.
 *
 * Every step looks at the kernel, none at what the last apply intended. So after a crash the next apply goes
 * on from where the kernel is. After a failure up to 6, what this call has made is taken away again; what it
 * has deleted or changed is not brought back. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "delay_ports.h"
#include "delta.h"
#include "filter.h"
#include "gateway.h"
#include "link.h"
#include "mount.h"
#include "netlink.h"
#include "netns.h"
#include "observe.h"
#include "platform.h"
#include "pool.h"
#include "ready.h"
#include "tables.h"
#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

struct apply {
    const struct vnl_plan *plan;
    const struct vnl_dp_options *options;
    struct vnl_dp_stats stats;
    bool made_lab;
    int fabric_fd;
    struct vnl_nl *fabric;
    struct vnl_tables tables;
    struct vnl_seen seen;
    struct vnl_delta delta;
};

static void apply_done(struct apply *apply)
{
    vnl_delta_done(&apply->delta);
    vnl_seen_done(&apply->seen);
    vnl_tables_done(&apply->tables);
    vnl_nl_close(&apply->fabric);
    vnl_fd_close(&apply->fabric_fd);
}

static const char *vm_name(const struct apply *apply, size_t nic)
{
    return apply->plan->vms[apply->plan->nics[nic].vm].name;
}

/* --- 1: the lab's own things ---------------------------------------------------------------------- */

/* The fabric forwards nothing and answers nothing: no address, no IPv6, loopback down. It gets its name when
 * that is so. */
static int make_fabric(const char *lab, struct vnl_err **err)
{
    CLEANUP(vnl_netns_leave) int saved = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    CLEANUP(vnl_fd_close) int fd = -1;
    int r;

    if (saved < 0)
        return vnl_fail(err, errno, "cannot open /proc/thread-self/ns/net: %s", strerror(errno));
    if ((r = vnl_netns_new(&fd, err)) < 0 ||
        (r = vnl_netns_sysctl("net/ipv6/conf/all/disable_ipv6", "1", err)) < 0)
        return r;
    return vnl_mount_netns(lab, VNL_FABRIC, fd, err);
}

static int open_fabric(struct apply *apply, struct vnl_err **err)
{
    const char *lab = apply->plan->lab;
    int r = vnl_netns_open(lab, VNL_FABRIC, &apply->fabric_fd, NULL);

    if (r == -ENOENT) {
        if ((r = make_fabric(lab, err)) < 0)
            return r;
        apply->stats.created++;
        r = vnl_netns_open(lab, VNL_FABRIC, &apply->fabric_fd, err);
    }
    return r < 0 ? r : vnl_nl_open_in(apply->fabric_fd, &apply->fabric, err);
}

static int prepare(struct apply *apply, struct vnl_err **err)
{
    int r;

    if ((r = vnl_mount_make(apply->plan->lab, &apply->made_lab, err)) < 0 ||
        (r = open_fabric(apply, err)) < 0)
        return r;
    return vnl_tables_open(apply->plan, &apply->tables, err);
}

/* --- 2 -------------------------------------------------------------------------------------------- */

static int compare(struct apply *apply, struct vnl_err **err)
{
    uint32_t prog_id = vnl_bpf_prog_id(apply->tables.bpf);
    int r = vnl_observe(apply->plan->lab, apply->fabric, &apply->seen, err);

    if (r == 0)
        r = vnl_netns_name_sync(apply->plan->lab, &apply->seen.netns, err);
    return r < 0 ? r : vnl_delta_build(apply->plan, &apply->seen, apply->fabric, prog_id, &apply->delta, err);
}

/* Two names may have been exchanged, so each gives its wrong one back first. */
static int rename_links(struct apply *apply, struct vnl_err **err)
{
    const struct vnl_plan *plan = apply->plan;
    int r = 0;

    for (int is_last = 0; is_last < 2 && r == 0; is_last++) {
        for (size_t i = 0; i < plan->n_bridges; i++)
            if (apply->delta.bridges[i] & VNL_TODO_NAME)
                vnl_link_put_name(apply->fabric, plan->bridges[i].ifindex,
                                  is_last ? plan->bridges[i].ifname : "vnet%d-old");
        for (size_t i = 0; i < plan->n_nics; i++)
            if (apply->delta.nics[i] & VNL_TODO_NAME)
                vnl_link_put_name(apply->fabric, plan->nics[i].ifindex,
                                  is_last ? plan->nics[i].ifname : "nic%d-old");
        r = vnl_nl_flush(apply->fabric, err);
    }
    return r;
}

/* --- 3: what is to go ----------------------------------------------------------------------------- */

/* The new plan without the NICs that are still to be made: they keep their places, which others refer to, but have no slot. The copy
 * borrows everything but its list of NICs. */
static int publish_what_stays(struct apply *apply, struct vnl_err **err)
{
    struct vnl_plan plan = *apply->plan;
    int r;

    plan.nics = calloc(plan.n_nics + 1, sizeof(*plan.nics));
    if (!plan.nics)
        return vnl_fail(err, ENOMEM, "tables of lab '%s'", plan.lab);
    for (size_t i = 0; i < plan.n_nics; i++) {
        plan.nics[i] = apply->plan->nics[i];
        if (apply->delta.nics[i] & VNL_TODO_MAKE)
            plan.nics[i].slot = VNL_PLAN_NOBODY;
    }
    r = vnl_bpf_publish(apply->tables.bpf, &plan, &apply->stats.published, err);
    free(plan.nics);
    return r;
}

static int put_filters(struct apply *apply, struct vnl_err **err)
{
    for (size_t i = 0; i < apply->plan->n_nics; i++)
        if (apply->delta.nics[i] & VNL_TODO_FILTER)
            vnl_filter_put(apply->fabric, &apply->plan->nics[i], vm_name(apply, i),
                           vnl_bpf_prog_fd(apply->tables.bpf));
    return vnl_nl_flush(apply->fabric, err);
}

/* The name first, so that nobody starts anything in it any more; then what runs in it, which keeps it alive.
 */
static int remove_vm(struct apply *apply, const char *vm, struct vnl_netns_ids *ids, struct vnl_err **err)
{
    const char *lab = apply->plan->lab;
    CLEANUP(vnl_fd_close) int fd = -1;
    int r;

    if (vnl_netns_open(lab, vm, &fd, NULL) == 0 && vnl_netns_ids_add(ids, fd) < 0)
        return vnl_fail(err, ENOMEM, "VM '%s'", vm);
    if ((r = vnl_mount_netns_remove(lab, vm, err)) < 0)
        return r;
    apply->stats.deleted++;
    return vnl_guest_stop(lab, vm, err);
}

static int remove_what_goes(struct apply *apply, struct vnl_err **err)
{
    CLEANUP(vnl_netns_ids_done) struct vnl_netns_ids ids = { 0 };
    struct vnl_delta *delta = &apply->delta;
    int r = vnl_link_delete(apply->fabric, delta->links, delta->n_links, err);

    if (r < 0)
        return r;
    apply->stats.deleted += delta->n_links;
    for (size_t i = 0; i < delta->n_gone_vms && r == 0; i++)
        r = remove_vm(apply, delta->gone_vms[i], &ids, err);
    return r < 0 ? r : vnl_netns_kill(&ids, err);
}

/* Between 3 and the end of 5, is there anything that could fail? */
static bool anything_to_do(const struct apply *apply)
{
    const struct vnl_delta *delta = &apply->delta;

    for (size_t i = 0; i < apply->plan->n_nics; i++)
        if (delta->nics[i])
            return true;
    for (size_t i = 0; i < apply->plan->n_bridges; i++)
        if (delta->bridges[i])
            return true;
    for (size_t i = 0; i < apply->plan->n_vms; i++)
        if (delta->vms[i])
            return true;
    return delta->n_gone_bridges;
}

static bool anything_stays(const struct apply *apply)
{
    for (size_t i = 0; i < apply->plan->n_nics; i++)
        if (!(apply->delta.nics[i] & VNL_TODO_MAKE))
            return true;
    return false;
}

static int make_room(struct apply *apply, struct vnl_err **err)
{
    bool goes = apply->delta.n_links || apply->delta.n_gone_vms;
    bool early = goes || (anything_stays(apply) && (apply->tables.fresh || anything_to_do(apply)));
    int r = early ? publish_what_stays(apply, err) : 0;

    if (r < 0 || (r = put_filters(apply, err)) < 0 || (r = vnl_tables_commit(&apply->tables, err)) < 0)
        return r;
    return goes ? remove_what_goes(apply, err) : 0;
}

/* --- 4: what stays -------------------------------------------------------------------------------- */

static int put_bridges(struct apply *apply, struct vnl_err **err)
{
    for (size_t i = 0; i < apply->plan->n_bridges; i++) {
        const struct vnl_plan_bridge *bridge = &apply->plan->bridges[i];
        uint8_t todo = apply->delta.bridges[i];

        if (todo & VNL_TODO_MAKE)
            vnl_link_put_bridge(apply->fabric, bridge);
        if (todo)
            vnl_link_put_bridge_tag(apply->fabric, bridge);
        apply->stats.created += todo & VNL_TODO_MAKE ? 1 : 0;
        apply->stats.changed += todo & VNL_TODO_PORT ? 1 : 0;
    }
    return vnl_nl_flush(apply->fabric, err);
}

/* The tag says that both ends are as planned. So it goes before a guest end is touched, and comes back when that is done: a crash in
 * between must not leave the tag of a plan whose addresses the guest no longer has. */
static int change_guests(struct apply *apply, struct vnl_err **err)
{
    int r;

    for (size_t i = 0; i < apply->plan->n_nics; i++)
        if (apply->delta.nics[i] & VNL_TODO_GUEST)
            vnl_link_put_changing(apply->fabric, &apply->plan->nics[i], apply->plan->lab, vm_name(apply, i));
    r = vnl_nl_flush(apply->fabric, err);
    for (size_t i = 0; i < apply->plan->n_nics && r == 0; i++)
        if (apply->delta.nics[i] & VNL_TODO_GUEST)
            r = vnl_build_guest(apply->plan, i, err);
    return r;
}

static int repair_nics(struct apply *apply, struct vnl_err **err)
{
    int r = change_guests(apply, err);

    for (size_t i = 0; i < apply->plan->n_nics && r == 0; i++) {
        uint8_t todo = apply->delta.nics[i];

        if (todo & VNL_TODO_PORT)
            vnl_link_put_port(apply->fabric, &apply->plan->nics[i], vm_name(apply, i));
        apply->stats.changed += todo & ~VNL_TODO_MAKE ? 1 : 0;
    }
    return r < 0 ? r : vnl_nl_flush(apply->fabric, err);
}

/* Bridges go last: a port may have moved to another one. */
static int remove_bridges(struct apply *apply, struct vnl_err **err)
{
    apply->stats.deleted += apply->delta.n_gone_bridges;
    return vnl_link_delete(apply->fabric, apply->delta.gone_bridges, apply->delta.n_gone_bridges, err);
}

/* A lab without VMs has nobody to serve. */
static int put_platform(struct apply *apply, struct vnl_err **err)
{
    struct vnl_platform platform = {
        .lab = apply->plan->lab,
        .seen = &apply->seen,
        .fabric = apply->fabric,
        .fabric_fd = apply->fabric_fd,
        .prog_fd = vnl_bpf_prog_fd(apply->tables.bpf),
        .prog_id = vnl_bpf_prog_id(apply->tables.bpf),
    };

    return apply->plan->n_vms
               ? vnl_platform_sync(&platform, &apply->stats.created, &apply->stats.changed, err)
               : 0;
}

/* Before the plan that sends packets there is in force. */
static int put_delays(struct apply *apply, struct vnl_err **err)
{
    struct vnl_delay_env env = {
        .plan = apply->plan,
        .seen = &apply->seen,
        .fabric = apply->fabric,
        .fabric_fd = apply->fabric_fd,
        .prog_fd = vnl_bpf_delayed_fd(apply->tables.bpf),
        .prog_id = vnl_bpf_delayed_id(apply->tables.bpf),
    };

    return vnl_delay_apply(&env, &apply->stats, err);
}

/* --- 5 and 6: what is new ------------------------------------------------------------------------- */

static int build(struct apply *apply, struct vnl_err **err)
{
    struct vnl_build job = {
        .plan = apply->plan,
        .delta = &apply->delta,
        .fabric_fd = apply->fabric_fd,
        .prog_fd = vnl_bpf_prog_fd(apply->tables.bpf),
        .options = apply->options,
    };
    int r = vnl_build_vms(&job, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < apply->plan->n_vms; i++)
        apply->stats.created += apply->delta.vms[i];
    for (size_t i = 0; i < apply->plan->n_nics; i++) {
        if (!(apply->delta.nics[i] & VNL_TODO_MAKE))
            continue;
        apply->stats.created++;
        vnl_bpf_counters_reset(apply->tables.bpf, apply->plan->nics[i].slot);
    }
    return 0;
}

static int publish(struct apply *apply, struct vnl_err **err)
{
    bool changed = false;
    int r = vnl_bpf_publish(apply->tables.bpf, apply->plan, &changed, err);

    if (r == 0 && changed)
        apply->stats.published = true;
    return r;
}

/* New links, and those whose ends were configured anew. */
static int wait_for_links(struct apply *apply, struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; i < apply->plan->n_nics && r == 0; i++)
        if (apply->delta.nics[i])
            r = vnl_ready_wait(apply->plan->lab, vm_name(apply, i), vnl_nic_number(apply->plan, i),
                               apply->fabric_fd, apply->plan->nics[i].ifname, err);
    return r;
}

/* --- 7: guests ------------------------------------------------------------------------------------ */

static int sync_guests(size_t from, size_t to, void *arg, struct vnl_err **err)
{
    struct apply *apply = arg;
    int r = 0;

    for (size_t i = from; i < to && r == 0; i++) {
        bool started = false;

        r = vnl_guest_sync(apply->plan->lab, apply->plan, i, &started, err);
        /* That of a new VM has been counted with it. */
        if (started && !apply->delta.vms[i])
            __atomic_fetch_add(&apply->stats.changed, 1, __ATOMIC_RELAXED);
    }
    return r;
}

static int start_guests(struct apply *apply, struct vnl_err **err)
{
    struct vnl_pool_job job = {
        .what = "commands",
        .n = apply->plan->n_vms,
        .step = 4,
        .work = sync_guests,
        .arg = apply,
    };
    int r = vnl_guest_files(apply->plan->lab, apply->plan, err);

    return r < 0 ? r : vnl_pool_run(&job, apply->options, err);
}

/* --- all of it ------------------------------------------------------------------------------------ */

/* Takes away what this call has made; what fails here is left to the next apply. Links that were not reached
 * are no failure. */
static void unwind(struct apply *apply)
{
    const struct vnl_plan *plan = apply->plan;
    uint32_t *links = calloc(plan->n_nics + plan->n_bridges + 1, sizeof(*links));
    size_t n = 0;

    for (size_t i = 0; i < plan->n_nics && links && apply->delta.nics; i++)
        if (apply->delta.nics[i] & VNL_TODO_MAKE)
            links[n++] = plan->nics[i].ifindex;
    for (size_t i = 0; i < plan->n_bridges && links && apply->delta.bridges; i++)
        if (apply->delta.bridges[i] & VNL_TODO_MAKE)
            links[n++] = plan->bridges[i].ifindex;
    if (n)
        (void)vnl_link_delete(apply->fabric, links, n, NULL);
    free(links);
    for (size_t i = 0; i < plan->n_vms && apply->delta.vms; i++)
        if (apply->delta.vms[i])
            (void)vnl_mount_netns_remove(plan->lab, plan->vms[i].name, NULL);
}

static int apply_network(struct apply *apply, struct vnl_err **err)
{
    int r;

    if ((r = prepare(apply, err)) < 0 || (r = compare(apply, err)) < 0 || (r = make_room(apply, err)) < 0 ||
        (r = rename_links(apply, err)) < 0 || (r = put_bridges(apply, err)) < 0 ||
        (r = repair_nics(apply, err)) < 0 || (r = put_platform(apply, err)) < 0 ||
        (r = put_delays(apply, err)) < 0 || (r = build(apply, err)) < 0 ||
        (r = vnl_gateways_leave(apply->plan, apply->delta.vms, apply->delta.nics, err)) < 0 ||
        (r = vnl_gateways_sync(apply->plan, apply->delta.vms, &apply->stats.changed, err)) < 0 ||
        (r = remove_bridges(apply, err)) < 0 || (r = publish(apply, err)) < 0)
        return r;
    return wait_for_links(apply, err);
}

int vnl_dp_apply(const struct vnl_plan *plan, const struct vnl_dp_options *options, struct vnl_dp_stats *ret,
                 struct vnl_err **err)
{
    CLEANUP(apply_done) struct apply apply = { .plan = plan, .options = options, .fabric_fd = -1 };
    int r = apply_network(&apply, err);

    if (r < 0) {
        unwind(&apply);
        if (apply.made_lab)
            (void)vnl_dp_down(plan->lab, false, NULL);
        return r;
    }
    r = start_guests(&apply, err);
    if (r == 0)
        *ret = apply.stats;
    return r;
}
