#include "check_lab.h"

#include <errno.h>
#include <stdlib.h>

#include "cmds.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"
#include "vnetlab/store.h"

void vnl_check_lab_done(struct vnl_check_lab *lab)
{
    free(lab->list);
    vnl_cmd_tunnels_done(&lab->tunnels);
    vnl_plan_free(&lab->plan);
    vnl_lab_free(&lab->lab);
    *lab = (struct vnl_check_lab){ 0 };
}

/* Graded against a store that the kernel does not agree with, reasons would be told that are not so. */
static int load(const char *name, struct vnl_check_lab *ret, struct vnl_err **err)
{
    bool applied = false;
    int r = vnl_cmd_load_stored(name, &ret->lab, &applied, err);

    if (r < 0)
        return r;
    if (!applied)
        return vnl_fail_at(err, EBUSY, NULL, NULL, NULL, "run 'vnetlab up' again", "lab '%s' is unfinished",
                           name);
    return vnl_plan_build(ret->lab, &ret->plan, err);
}

static bool speaks_bgp(const struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (plan->tunnels[i].peer_asn)
            return true;
    return false;
}

static int wait_unlocked(const char *name, struct vnl_lock **lock, struct vnl_check_lab *ret,
                         struct vnl_err **err)
{
    int r;

    vnl_lock_release(lock);
    r = vnl_cmd_tunnels_wait(ret->plan, NULL, NULL, VNL_CONNECT_MS, &ret->tunnels, err);
    if (r >= 0)
        r = vnl_lock_take(name, -1, vnl_cmd_lock_waiting, NULL, lock, err);
    if (r < 0)
        return r;
    vnl_check_lab_done(ret);
    r = load(name, ret, err);
    return r < 0 ? r : vnl_cmd_tunnels_ask(ret->plan, &ret->tunnels, err);
}

static int list_tunnels(struct vnl_check_lab *ret, struct vnl_err **err)
{
    ret->list = calloc(ret->plan->n_tunnels + 1, sizeof(*ret->list));
    if (!ret->list)
        return vnl_fail(err, ENOMEM, "check");
    for (size_t i = 0; i < ret->plan->n_tunnels; i++)
        if (ret->tunnels.of[i])
            ret->list[i] = (struct vnl_check_tunnel){ ret->tunnels.of[i]->status == VNL_VPN_CONNECTED,
                                                      ret->tunnels.of[i]->reason };
    return 0;
}

int vnl_check_lab_ready(const char *name, struct vnl_lock **lock, struct vnl_check_lab *ret,
                        struct vnl_err **err)
{
    CLEANUP(vnl_check_lab_done) struct vnl_check_lab lab = { 0 };
    int r = load(name, &lab, err);

    if (r >= 0)
        r = speaks_bgp(lab.plan)
                ? wait_unlocked(name, lock, &lab, err)
                : vnl_cmd_tunnels_wait(lab.plan, NULL, NULL, VNL_CONNECT_MS, &lab.tunnels, err);
    if (r >= 0)
        r = list_tunnels(&lab, err);
    if (r < 0)
        return r;
    *ret = lab;
    lab = (struct vnl_check_lab){ 0 };
    return 0;
}
