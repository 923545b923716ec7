/* A VM is made in this order, several VMs per step so that each step is one message to the kernel:
 *
 *   1. a namespace, and a socket in it                        (dies with this thread until 5)
 *   2. veth with both ends; clsact and filter on the host end
 *   3. guest end: up, addresses, routes, bandwidth
 *   4. host end: into the bridge, port flags, up, tag
 *   5. mount and name
 *
 * Fail closed: 4 is sent when 2 has succeeded for every VM of the group, so no port without a program is ever
 * in a bridge, or up. Crash: before 5 nothing holds the namespace but this process; when it dies the
 * namespace takes the veth along. After 5 the VM is complete. For a NIC that is added to an existing VM the
 * tag, last in 4, says so. */
#include "build.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "address.h"
#include "delta.h"
#include "filter.h"
#include "gateway.h"
#include "link.h"
#include "mount.h"
#include "netlink.h"
#include "netns.h"
#include "pool.h"
#include "shaper.h"
#include "sysctl.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

#define LOST_MAX 64 /* guest ends at once; Azure's largest VMs have 15 NICs */
#define GROUP    16 /* VMs per step: more is hardly faster, and all of a group fail together */

struct making {
    const struct vnl_plan_vm *vm;
    bool fresh; /* the namespace is ours and has no name yet */
    int netns_fd;
    struct vnl_nl *nl;
};

/* What each new namespace has, read from the first one. */
struct fresh {
    pthread_mutex_t mutex;
    bool known;
    struct vnl_sysctls sysctls;
};

struct group {
    const struct vnl_build *build;
    struct fresh *fresh;
    struct vnl_nl *fabric;
    struct making vms[GROUP];
    size_t n;
};

static void group_done(struct group *group)
{
    vnl_nl_close(&group->fabric);
    for (size_t i = 0; i < group->n; i++) {
        vnl_nl_close(&group->vms[i].nl);
        vnl_fd_close(&group->vms[i].netns_fd);
    }
}

/* Of a VM that exists: whatever it has now. */
static int set_forwarding(bool on, struct vnl_err **err)
{
    const char *value = on ? "1" : "0";
    int r = vnl_netns_sysctl("net/ipv4/ip_forward", value, err);

    return r < 0 ? r : vnl_netns_sysctl("net/ipv6/conf/all/forwarding", value, err);
}

/* --- the steps ------------------------------------------------------------------------------------ */

static int know_fresh(struct fresh *fresh, struct vnl_err **err)
{
    int r = 0;

    pthread_mutex_lock(&fresh->mutex);
    if (!fresh->known)
        r = vnl_sysctls_read(&fresh->sysctls, err);
    fresh->known |= r == 0;
    pthread_mutex_unlock(&fresh->mutex);
    return r;
}

static int make_netns(struct fresh *fresh, struct making *making, struct vnl_err **err)
{
    bool changed;
    int r = vnl_netns_new(&making->netns_fd, err);

    if (r == 0 && (r = know_fresh(fresh, err)) == 0)
        r = making->vm->gateway ? vnl_gateway_sysctls(&changed, err)
                                : vnl_sysctls_write(&fresh->sysctls, making->vm->ip_forward, err);
    return r < 0 ? r : vnl_nl_open(&making->nl, err);
}

static bool is_to_make(const struct group *group, uint32_t nic)
{
    return group->build->delta->nics[nic] & VNL_TODO_MAKE;
}

static int join_netns(const char *lab, struct making *making, struct vnl_err **err)
{
    int r = vnl_netns_open(lab, making->vm->name, &making->netns_fd, err);

    return r < 0 ? r : vnl_nl_open_in(making->netns_fd, &making->nl, err);
}

/* A guest end whose host end is not in the fabric any more: the fabric was deleted by hand, and the old one
 * lives on or is still being freed. Ours by index, name and kind. */
static int remove_lost_ends(struct group *group, struct making *making, struct vnl_err **err)
{
    uint32_t lost[LOST_MAX];
    size_t n = 0;

    for (uint32_t k = 0; k < making->vm->n_nics && n < LOST_MAX; k++)
        if (is_to_make(group, making->vm->nics[k]) && vnl_link_guest_exists(making->nl, k))
            lost[n++] = VNL_GUEST_IFINDEX + k;
    return n ? vnl_link_delete(making->nl, lost, n, err) : 0;
}

static int open_vms(struct group *group, struct vnl_err **err)
{
    for (size_t i = 0; i < group->n; i++) {
        struct making *making = &group->vms[i];
        struct vnl_err *why = NULL;
        int r = making->fresh ? make_netns(group->fresh, making, &why)
                              : join_netns(group->build->plan->lab, making, &why);

        if (r == 0 && !making->fresh)
            r = remove_lost_ends(group, making, &why);
        if (r < 0) {
            (void)vnl_wrap(&why, "VM '%s'", making->vm->name);
            if (err)
                vnl_err_append(err, &why);
            vnl_err_free(&why);
            return r;
        }
    }
    return 0;
}

static int make_ports(struct group *group, struct vnl_err **err)
{
    const struct vnl_plan *plan = group->build->plan;

    for (size_t i = 0; i < group->n; i++) {
        const struct making *making = &group->vms[i];

        for (uint32_t k = 0; k < making->vm->n_nics; k++) {
            const struct vnl_plan_nic *nic = &plan->nics[making->vm->nics[k]];

            if (!is_to_make(group, making->vm->nics[k]))
                continue;
            vnl_link_put_veth(group->fabric, nic, making->netns_fd, k, making->vm->name);
            vnl_filter_put(group->fabric, nic, making->vm->name, group->build->prog_fd);
        }
    }
    return vnl_nl_flush(group->fabric, err);
}

static int limit_nics(struct group *group, const struct making *making, struct vnl_err **err)
{
    int r = 0;

    for (uint32_t k = 0; k < making->vm->n_nics && r == 0; k++) {
        const struct vnl_plan_nic *nic = &group->build->plan->nics[making->vm->nics[k]];

        if (nic->bandwidth_bps && is_to_make(group, making->vm->nics[k]))
            r = vnl_shaper_set(making->nl, k, nic->bandwidth_bps, making->vm->name, err);
    }
    return r;
}

static int configure_guests(struct group *group, struct vnl_err **err)
{
    for (size_t i = 0; i < group->n; i++) {
        const struct making *making = &group->vms[i];
        int r;

        if (making->fresh)
            vnl_link_put_loopback(making->nl, making->vm->name);
        for (uint32_t k = 0; k < making->vm->n_nics; k++) {
            if (!is_to_make(group, making->vm->nics[k]))
                continue;
            vnl_link_put_guest(making->nl, k, NULL, making->vm->name);
            vnl_address_put(making->nl, making->vm, &group->build->plan->nics[making->vm->nics[k]], k);
        }
        if ((r = vnl_nl_flush(making->nl, err)) < 0 || (r = limit_nics(group, making, err)) < 0)
            return r;
    }
    return 0;
}

static int join_bridges(struct group *group, struct vnl_err **err)
{
    for (size_t i = 0; i < group->n; i++) {
        const struct vnl_plan_vm *vm = group->vms[i].vm;

        for (size_t k = 0; k < vm->n_nics; k++)
            if (is_to_make(group, vm->nics[k]))
                vnl_link_put_port(group->fabric, &group->build->plan->nics[vm->nics[k]], vm->name);
    }
    return vnl_nl_flush(group->fabric, err);
}

static int give_names(struct group *group, struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; i < group->n && r == 0; i++)
        if (group->vms[i].fresh)
            r = vnl_mount_netns(group->build->plan->lab, group->vms[i].vm->name, group->vms[i].netns_fd, err);
    return r;
}

/* --- all VMs -------------------------------------------------------------------------------------- */

struct work {
    const struct vnl_build *build;
    uint32_t *vms; /* indices of plan->vms that have something to make */
    size_t n;
    struct fresh fresh;
};

static int make_group(size_t from, size_t to, void *arg, struct vnl_err **err)
{
    struct work *work = arg;
    CLEANUP(group_done) struct group group = { .build = work->build, .fresh = &work->fresh };
    int r = vnl_nl_open_in(work->build->fabric_fd, &group.fabric, err);

    for (size_t i = from; i < to; i++)
        group.vms[group.n++] = (struct making){
            .vm = &work->build->plan->vms[work->vms[i]],
            .fresh = work->build->delta->vms[work->vms[i]],
            .netns_fd = -1,
        };
    if (r < 0 || (r = open_vms(&group, err)) < 0 || (r = make_ports(&group, err)) < 0 ||
        (r = configure_guests(&group, err)) < 0 || (r = join_bridges(&group, err)) < 0)
        return r;
    return give_names(&group, err);
}

static bool has_work(const struct vnl_build *build, size_t vm)
{
    if (build->delta->vms[vm])
        return true;
    for (size_t k = 0; k < build->plan->vms[vm].n_nics; k++)
        if (build->delta->nics[build->plan->vms[vm].nics[k]] & VNL_TODO_MAKE)
            return true;
    return false;
}

int vnl_build_vms(const struct vnl_build *build, struct vnl_err **err)
{
    struct work work = {
        .build = build,
        .vms = calloc(build->plan->n_vms + 1, sizeof(*work.vms)),
        .fresh = { .mutex = PTHREAD_MUTEX_INITIALIZER },
    };
    struct vnl_pool_job job = { .what = "virtual machines", .step = GROUP, .work = make_group, .arg = &work };
    int r;

    if (!work.vms)
        return vnl_fail(err, ENOMEM, "virtual machines of lab '%s'", build->plan->lab);
    for (uint32_t i = 0; i < build->plan->n_vms; i++)
        if (has_work(build, i))
            work.vms[work.n++] = i;
    job.n = work.n;
    r = vnl_pool_run(&job, build->options, err);
    free(work.vms);
    return r;
}

/* --- in place ------------------------------------------------------------------------------------- */

/* A gateway always does, and has sysctls of its own (gateway.c). */
static int forward_in(int netns_fd, const struct vnl_plan_vm *vm, struct vnl_err **err)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    int r = vm->gateway ? 0 : vnl_netns_enter(netns_fd, &saved, err);

    return r < 0 || vm->gateway ? r : set_forwarding(vm->ip_forward, err);
}

int vnl_build_guest(const struct vnl_plan *plan, size_t index, struct vnl_err **err)
{
    const struct vnl_plan_nic *nic = &plan->nics[index];
    const struct vnl_plan_vm *vm = &plan->vms[nic->vm];
    uint32_t number = vnl_nic_number(plan, index);
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;
    CLEANUP(vnl_fd_close) int fd = -1;
    int r;

    if ((r = vnl_netns_open(plan->lab, vm->name, &fd, err)) < 0 || (r = vnl_nl_open_in(fd, &nl, err)) < 0 ||
        (r = forward_in(fd, vm, err)) < 0)
        return r;
    vnl_link_put_guest(nl, number, &nic->mac, vm->name);
    if ((r = vnl_nl_flush(nl, err)) < 0 || (r = vnl_address_clean(nl, nic, number, vm->name, err)) < 0)
        return r;
    vnl_address_put(nl, vm, nic, number);
    r = vnl_nl_flush(nl, err);
    return r < 0 ? r : vnl_shaper_set(nl, number, nic->bandwidth_bps, vm->name, err);
}
