/* vnetlab set: one property of a stored lab is changed as if the lab file had been edited and brought up: the changed lab is checked as a
 * whole, settled against the one in force, stored and applied. The file itself is not touched. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

/* --- what no packet minds ----------------------------------------------------------------------------- */

/* ARM's properties of all resources, and not where they were written. */
static int properties_format(const struct vnl_lab *lab, char **ret, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *all = vnl_json_array();
    const struct vnl_json *resources;
    int r = vnl_lab_to_json(lab, &json, err);

    if (r < 0)
        return r;
    resources = vnl_json_get(json, "resources");
    for (size_t i = 0; i < vnl_json_len(resources) && r == 0; i++) {
        CLEANUP(vnl_str_free) char *text = NULL;
        const struct vnl_json *properties = vnl_json_get(vnl_json_at(resources, i), "properties");

        if (!properties)
            continue;
        r = vnl_json_format(properties, 0, &text, err);
        if (r == 0 && vnl_json_push(all, vnl_json_str(text)) < 0)
            r = vnl_fail(err, ENOMEM, "set");
    }
    return r < 0 ? r : vnl_json_format(all, 0, ret, err);
}

static int compare_stored(const struct change *change, bool *ret_same, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *before = NULL;
    CLEANUP(vnl_str_free) char *after = NULL;
    int r = properties_format(change->before, &before, err);

    if (r >= 0)
        r = properties_format(change->after, &after, err);
    if (r >= 0)
        *ret_same = !strcmp(before, after);
    return r;
}

static int report(const struct change *change, bool as_json, struct vnl_err **err)
{
    bool same = false;

    if (as_json)
        return vnl_out_json(vnl_diff_to_json(change->diff), err);
    if (!change->diff->n && compare_stored(change, &same, err) < 0)
        return VNL_EXIT_SYSTEM;
    if (change->diff->n || same)
        vnl_diff_print(stdout, change->diff);
    else
        (void)puts("stored; nothing to change in the running lab");
    if (change->after->file && !same)
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
