/* vnetlab up: file and store give the target, the target is stored, the kernel is made equal to it.
 *
 * Order, and why: everything that can be wrong with the input is found before anything is written, so a bad
 * file changes nothing. The target is stored as "not applied" before the kernel is touched and marked applied
 * at the end. Killed in between, the store says what was asked for, and the next `up` finishes it although
 * the file has not changed: the kernel is compared every time.
 *
 * A failure while a lab is created removes all of it again: half a lab is of no use and its name would be
 * taken. A failure while a lab is changed brings back what was stored before, so that the next `up` starts
 * from there and not from states (of peerings) that never were; then the kernel is made equal to that again.
 * When that fails too, what the change closes stays closed (apply.c) and the store says "not applied". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmds.h"
#include "connections.h"
#include "out.h"

#include "vnetlab/agent.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/plan.h"
#include "vnetlab/store.h"

enum { OPT_NO_WAIT, OPT_TIMEOUT };
const struct vnl_opt vnl_up_opts[] = {
    [OPT_NO_WAIT] = { "--no-wait", NULL, NULL, "do not wait for VPN connections, BGP and clients" },
    [OPT_TIMEOUT] = { "--timeout", "-W", "SECONDS",
                      "how long to wait for VPN connections, BGP and clients, 10 when not given" },
    { NULL },
};

struct up {
    double start;
    bool locked; /* the caller holds the lock */
    struct vnl_lock *lock;
    struct vnl_lab *lab;      /* the target */
    struct vnl_lab *before;   /* as stored; NULL: nothing was */
    struct vnl_plan *plan;    /* of the target */
    struct vnl_plan *running; /* of what is stored, when anything of it is in the kernel */
    struct vnl_diff *diff;    /* running to plan */
    bool was_applied;
    struct vnl_dp_stats stats;
    double seconds;                 /* that it took, without the wait for connections */
    struct vnl_cmd_tunnels tunnels; /* how they stand at the end; `of` is NULL with --no-wait */
};

static void up_done(struct up *up)
{
    vnl_cmd_tunnels_done(&up->tunnels);
    vnl_diff_free(&up->diff);
    vnl_plan_free(&up->running);
    vnl_plan_free(&up->plan);
    vnl_lab_free(&up->before);
    vnl_lab_free(&up->lab);
    vnl_lock_release(&up->lock);
}

static double now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* --- target --------------------------------------------------------------------------------------- */

static int load_before(struct up *up, struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    int r = vnl_cmd_load_stored(up->lab->name, &up->before, &up->was_applied, &why);

    if (r < 0 && r != -ENOENT) {
        vnl_err_append(err, &why);
        return r;
    }
    return 0;
}

static int plan_target(struct up *up, struct vnl_err **err)
{
    int r = vnl_lab_settle(up->lab, up->before, err);

    if (r >= 0 && up->before)
        r = vnl_cmd_learn_same(up->lab, up->before, err);
    if (r >= 0)
        r = vnl_plan_build(up->lab, &up->plan, err);
    if (r >= 0 && up->before && vnl_dp_exists(up->lab->name))
        r = vnl_plan_build(up->before, &up->running, err);
    return r < 0 ? r : vnl_diff_build(up->running, up->plan, &up->diff, err);
}

/* The time that another command took is not ours. */
static int take_lock(struct up *up, struct vnl_err **err)
{
    double asked = now();
    int r = up->locked ? 0 : vnl_lock_take(up->lab->name, -1, vnl_cmd_lock_waiting, NULL, &up->lock, err);

    up->start += now() - asked;
    return r;
}

/* 0, -errno for mistakes of the input, or VNL_EXIT_SYSTEM. */
static int prepare(struct up *up, const char *file, struct vnl_err **err)
{
    int r = vnl_lab_load(file, &up->lab, err);

    if (r < 0)
        return r;
    if (take_lock(up, err) < 0 || load_before(up, err) < 0)
        return VNL_EXIT_SYSTEM;
    return plan_target(up, err);
}

/* --- store and kernel ----------------------------------------------------------------------------- */

/* The path is stored in full, so that `ls` means something in another directory. The lab keeps its own:
 * places of the model's mistakes borrow it. */
static int save(struct up *up, struct vnl_store *store, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *full = up->lab->file ? realpath(up->lab->file, NULL) : NULL;
    char *typed = up->lab->file;
    int r;

    if (full && up->before && up->before->file && strcmp(full, up->before->file) != 0)
        (void)fprintf(stderr, "vnetlab: lab '%s' was described by %s until now\n", up->lab->name,
                      up->before->file);
    if (full)
        up->lab->file = full;
    r = vnl_store_save(store, up->lab, false, err);
    up->lab->file = typed;
    return r;
}

/* What cannot be removed stays known, as unfinished: `down` or `up` can be said again. */
static void roll_back(const char *lab)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r = vnl_dp_down(lab, true, &err);

    if (r < 0 && !vnl_dp_exists(lab)) {
        vnl_err_free(&err);
        r = 0;
    }
    if (r < 0 || vnl_store_remove(lab, &err) < 0)
        vnl_err_print(stderr, err);
}

/* Why it fails is not told: it is nearly always what the change has failed of. */
static bool go_back(const struct up *up, struct vnl_store *store)
{
    struct vnl_dp_stats stats = { 0 };

    if (vnl_store_save(store, up->before, false, NULL) < 0)
        return false;
    if (up->running && vnl_cmd_apply(up->running, &stats, NULL) < 0)
        return false;
    return !up->was_applied || vnl_store_set_applied(store, true, NULL) == 0;
}

static int fail_apply(const struct up *up, struct vnl_store **store, struct vnl_err **err)
{
    const char *name = up->lab->name;

    if (up->before && go_back(up, *store)) {
        (void)vnl_wrap(err, "lab '%s' was not changed", name);
    } else if (up->before) {
        (void)vnl_wrap(err, "lab '%s' is changed in part only, say 'vnetlab up' again", name);
    } else {
        vnl_store_close(store);
        roll_back(name);
        (void)vnl_wrap(err, "lab '%s' was not created", name);
    }
    return VNL_EXIT_SYSTEM;
}

static int apply(struct up *up, struct vnl_err **err)
{
    CLEANUP(vnl_store_close) struct vnl_store *store = NULL;
    int r = vnl_store_open(up->lab->name, false, &store, err);

    if (r >= 0)
        r = save(up, store, err);
    if (r < 0)
        return VNL_EXIT_SYSTEM;
    if (vnl_cmd_apply(up->plan, &up->stats, err) < 0)
        return fail_apply(up, &store, err);
    if (vnl_store_set_applied(store, true, err) < 0 || vnl_agent_ensure(up->plan, err) < 0)
        return VNL_EXIT_SYSTEM;
    return VNL_EXIT_OK;
}

/* --- report --------------------------------------------------------------------------------------- */

/* Would a ping from the first virtual machine to this NIC arrive? */
static bool reaches(const struct vnl_plan *plan, const struct vnl_plan_nic *from,
                    const struct vnl_plan_nic *to)
{
    const struct vnl_route *route = vnl_route_select(&plan->tables[from->table], &to->addrs[0].addr);

    if (!route || route->vnet != to->vnet || route->deny_access_local || route->deny_access_remote)
        return false;
    return route->type == VNL_NEXT_HOP_VNET_LOCAL || route->type == VNL_NEXT_HOP_PEERING ||
           route->type == VNL_NEXT_HOP_GLOBAL_PEERING;
}

/* A first thing to try: the farthest one that works, which is the last virtual machine that the first one
 * reaches. */
static void print_try(const struct vnl_plan *plan)
{
    char addr[VNL_ADDR_STR];

    if (!plan->n_vms || !plan->vms[0].n_nics)
        return;
    for (size_t i = plan->n_vms; i-- > 1;) {
        const struct vnl_plan_nic *to = plan->vms[i].n_nics ? &plan->nics[plan->vms[i].nics[0]] : NULL;

        if (to && to->n_addrs && !plan->vms[i].gateway &&
            reaches(plan, &plan->nics[plan->vms[0].nics[0]], to)) {
            (void)printf("try: sudo vnetlab exec %s -- ping -c 4 %s\n", plan->vms[0].name,
                         vnl_addr_format(&to->addrs[0].addr, addr));
            return;
        }
    }
}

static void print_created(const struct up *up)
{
    char vnets[64], vms[64], hosts[64], gateways[64];

    (void)printf("lab %s: %s, %s%s%s%s up in %.2f s\n", up->lab->name,
                 vnl_cmd_count(vnets, up->lab->n_vnets, "virtual network"),
                 vnl_cmd_count(vms, up->lab->n_vms, "virtual machine"), vnl_cmd_count_hosts(hosts, up->lab),
                 up->lab->n_gateways ? ", " : "",
                 up->lab->n_gateways ? vnl_cmd_count(gateways, up->lab->n_gateways, "VPN gateway") : "",
                 up->seconds);
    if (!up->before && isatty(STDOUT_FILENO))
        print_try(up->plan);
}

/* A link that works with the address space its remote had before: the next thing to do, in Azure as here
 * (spec 2.4). */
static void print_unsynced(const struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_peerings; i++) {
        const struct vnl_plan_peering *link = &plan->peerings[i];

        if (!strcmp(link->sync, vnl_peering_sync_str(VNL_SYNC_LOCAL)) ||
            !strcmp(link->sync, vnl_peering_sync_str(VNL_SYNC_LOCAL_REMOTE)))
            (void)printf("%s still uses the old address space of %s: sudo vnetlab sync %s\n", link->name,
                         link->remote, link->name);
    }
}

static void print_text(const struct up *up)
{
    const struct vnl_dp_stats *stats = &up->stats;
    size_t repaired = stats->created + stats->changed + stats->deleted;
    const char *name = up->lab->name;
    char buf[64];

    if (!up->running) {
        print_created(up);
        return;
    }
    if (up->diff->n)
        vnl_diff_print(stdout, up->diff);
    if (up->diff->n)
        (void)printf("lab %s: %s in %.2f s\n", name, vnl_cmd_count(buf, up->diff->n, "change"), up->seconds);
    else if (repaired || stats->published)
        (void)printf("lab %s: %s (%zu created, %zu changed, %zu deleted%s) in %.2f s\n", name,
                     up->was_applied ? "repaired" : "finished", stats->created, stats->changed,
                     stats->deleted, stats->published ? ", tables published" : "", up->seconds);
    else
        (void)printf("lab %s: nothing to change\n", name);
}

static void print_tunnels(const struct up *up)
{
    if (!up->tunnels.of)
        return;
    vnl_cmd_tunnels_print_count(up->plan, &up->tunnels);
    vnl_cmd_tunnels_print(up->plan, &up->tunnels, NULL, NULL, false);
}

static int print_json(const struct up *up, struct vnl_err **err)
{
    struct vnl_json *json = vnl_json_object(), *objects = vnl_json_object();
    bool bad = false;

    bad |= vnl_json_set(objects, "created", vnl_json_int((int64_t)up->stats.created)) < 0;
    bad |= vnl_json_set(objects, "changed", vnl_json_int((int64_t)up->stats.changed)) < 0;
    bad |= vnl_json_set(objects, "deleted", vnl_json_int((int64_t)up->stats.deleted)) < 0;
    bad |= vnl_json_set(objects, "published", vnl_json_bool(up->stats.published)) < 0;
    bad |= vnl_json_set(json, "lab", vnl_json_str(up->lab->name)) < 0;
    bad |= vnl_json_set(json, "created", vnl_json_bool(!up->before)) < 0;
    bad |= vnl_json_set(json, "difference", vnl_diff_to_json(up->diff)) < 0;
    bad |= vnl_json_set(json, "kernelObjects", objects) < 0;
    if (up->tunnels.of && up->plan->n_tunnels)
        bad |= vnl_json_set(json, "connections", vnl_cmd_tunnels_to_json(up->plan, &up->tunnels)) < 0;
    if (up->tunnels.of && up->lab->n_clients)
        bad |= vnl_json_set(json, "clients", vnl_cmd_clients_to_json(up->plan, &up->tunnels)) < 0;
    bad |= vnl_json_set(json, "seconds", vnl_json_real(up->seconds)) < 0;
    if (bad)
        vnl_json_free(&json);
    return vnl_out_json(json, err);
}

static int up(struct up *up, const char *file, struct vnl_err **err)
{
    int r = prepare(up, file, err);

    if (r == 0)
        r = apply(up, err);
    up->seconds = now() - up->start;
    return r;
}

/* That one does not come up is the lab's affair. Another command may go on meanwhile, and the agent, which publishes what BGP brings. */
static int wait_for_tunnels(struct up *up, int timeout_ms, struct vnl_err **err)
{
    vnl_lock_release(&up->lock);
    return vnl_cmd_tunnels_wait(up->plan, NULL, NULL, timeout_ms, &up->tunnels, err);
}

int vnl_cmd_up_locked(const char *file, struct vnl_err **err)
{
    CLEANUP(up_done) struct up work = { .start = now(), .locked = true };
    int r = up(&work, file, err);

    return r == VNL_EXIT_SYSTEM ? -EIO : r;
}

int vnl_cmd_up(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(up_done) struct up work = { .start = now() };
    int timeout_ms, r = vnl_cmd_timeout(args->values[OPT_TIMEOUT], VNL_CONNECT_MS, &timeout_ms, err);

    if (r == 0)
        r = up(&work, args->operands[0], err);
    if (r != VNL_EXIT_OK)
        return r;
    if (!args->json)
        print_text(&work);
    (void)fflush(stdout);
    if (!args->values[OPT_NO_WAIT] && wait_for_tunnels(&work, timeout_ms, err) < 0)
        return VNL_EXIT_SYSTEM;
    if (args->json)
        return print_json(&work, err);
    print_tunnels(&work);
    print_unsynced(work.plan);
    return VNL_EXIT_OK;
}
