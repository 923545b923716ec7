/* vnetlab plan: what `up` would do, from the file and the store alone. */
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

enum { OPT_FULL };
const struct vnl_opt vnl_plan_opts[] = {
    [OPT_FULL] = { "--full", NULL, NULL, "print the whole plan, not the difference" },
    { NULL },
};

/* What is in force. A store that cannot be read is no reason to show nothing, but the reader must know. */
static int load_before(const char *name, struct vnl_lab **ret, bool *ret_applied, struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    int r = vnl_cmd_load_stored(name, ret, ret_applied, &why);

    if (r >= 0 || r == -ENOENT)
        return 0;
    if (r == -ENOMEM) {
        vnl_err_append(err, &why);
        return r;
    }
    (void)fprintf(stderr,
                  "vnetlab: what is stored of lab '%s' cannot be read (%s): everything is shown as new\n",
                  name, why ? why->msg : "unknown reason");
    return 0;
}

static int print_full(const struct vnl_plan *plan, bool as_json, struct vnl_err **err)
{
    struct vnl_json *json = NULL;
    int r;

    if (!as_json)
        return vnl_plan_print(stdout, plan, err);
    r = vnl_plan_to_json(plan, &json, err);
    return r < 0 ? r : vnl_out_json(json, err);
}

static void print_text(const char *lab, const struct vnl_diff *diff, bool is_new, bool finished)
{
    char buf[64];

    if (diff->n)
        vnl_diff_print(stdout, diff);
    if (is_new)
        (void)printf("lab %s: new, %s to create\n", lab, vnl_cmd_count(buf, diff->n, "object"));
    else if (diff->n)
        (void)printf("lab %s: %s\n", lab, vnl_cmd_count(buf, diff->n, "change"));
    else if (finished)
        (void)printf("lab %s: nothing to change\n", lab);
    if (!finished)
        (void)printf("lab %s: the last change was not finished: 'vnetlab up' finishes it\n", lab);
}

/* The lab that is in force as a plan: NULL when nothing of it is in the kernel, for instance after a reboot.
 */
static int plan_in_force(const struct vnl_lab *before, struct vnl_plan **ret, struct vnl_err **err)
{
    return before && vnl_dp_exists(before->name) ? vnl_plan_build(before, ret, err) : 0;
}

static int print_difference(const struct vnl_lab *before, const struct vnl_plan *after, bool as_json,
                            bool finished, struct vnl_err **err)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *running = NULL;
    CLEANUP(vnl_diff_free) struct vnl_diff *diff = NULL;
    int r = plan_in_force(before, &running, err);

    if (r >= 0)
        r = vnl_diff_build(running, after, &diff, err);
    if (r < 0)
        return r;
    if (as_json)
        return vnl_out_json(vnl_diff_to_json(diff), err);
    print_text(after->lab, diff, !running, finished || !running);
    return 0;
}

int vnl_cmd_plan(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL, *before = NULL;
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    bool applied = true;
    int r = vnl_lab_load(args->operands[0], &lab, err);

    if (r >= 0)
        r = load_before(lab->name, &before, &applied, err);
    if (r >= 0)
        r = vnl_lab_settle(lab, before, err);
    if (r >= 0 && before)
        r = vnl_cmd_learn_same(lab, before, err);
    if (r >= 0)
        r = vnl_plan_build(lab, &plan, err);
    if (r < 0)
        return r;
    return args->values[OPT_FULL] ? print_full(plan, args->json, err)
                                  : print_difference(before, plan, args->json, applied, err);
}
