/* vnetlab set: one property of a stored lab is changed as if the lab file had been edited and brought up: the changed lab is checked as a
 * whole, settled against the one in force, stored and applied. The file itself is not touched. */
#include <errno.h>
#include <stdio.h>

#include "cmds.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/plan.h"
#include "vnetlab/store.h"

struct change {
    struct vnl_lock *lock;
    struct vnl_lab *before, *after;
    struct vnl_diff *diff;
};

static void change_done(struct change *change)
{
    vnl_diff_free(&change->diff);
    vnl_lab_free(&change->after);
    vnl_lab_free(&change->before);
    vnl_lock_release(&change->lock);
}

static int load(struct change *change, const char *name, struct vnl_err **err)
{
    int r = vnl_lock_take(name, -1, vnl_cmd_lock_waiting, NULL, &change->lock, err);

    if (r >= 0)
        r = vnl_cmd_load_stored(name, &change->before, NULL, err);
    return r < 0 ? r : vnl_cmd_load_stored(name, &change->after, NULL, err);
}

static int compare(struct change *change, struct vnl_err **err)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *before = NULL, *after = NULL;
    int r = vnl_cmd_learn_same(change->after, change->before, err);

    if (r >= 0)
        r = vnl_plan_build(change->before, &before, err);
    if (r >= 0)
        r = vnl_plan_build(change->after, &after, err);
    return r < 0 ? r : vnl_diff_build(before, after, &change->diff, err);
}

static int decide(struct change *change, const char *path, const char *value, struct vnl_err **err)
{
    int r = vnl_lab_set(change->after, path, value, err);

    if (r >= 0)
        r = vnl_lab_resolve(change->after, err);
    if (r >= 0)
        r = vnl_lab_settle(change->after, change->before, err);
    return r < 0 ? r : compare(change, err);
}

static int report(const struct change *change, bool as_json, struct vnl_err **err)
{
    if (as_json)
        return vnl_out_json(vnl_diff_to_json(change->diff), err);
    vnl_diff_print(stdout, change->diff);
    if (change->after->file)
        (void)fprintf(stderr, "vnetlab: %s was not changed: the next 'vnetlab up' with it undoes this\n",
                      change->after->file);
    return VNL_EXIT_OK;
}

int vnl_cmd_set(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    CLEANUP(change_done) struct change change = { .lock = NULL };
    int r = vnl_cmd_pick_stored(args, &name, err);

    if (r >= 0)
        r = load(&change, name, err);
    if (r >= 0)
        r = decide(&change, args->operands[0], args->operands[1], err);
    if (r >= 0)
        r = vnl_cmd_save_and_apply(change.after, err);
    return r != VNL_EXIT_OK ? r : report(&change, args->json, err);
}
