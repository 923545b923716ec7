/* vnetlab down: by what is stored and by what is found in the kernel; a lab file is asked for its name only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmds.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/store.h"

enum { OPT_ALL, OPT_WAIT };
const struct vnl_opt vnl_down_opts[] = {
    [OPT_ALL] = { "--all", "-a", NULL, "every lab" },
    [OPT_WAIT] = { "--wait", "-w", NULL, "return when the kernel has freed everything" },
    { NULL },
};

/* First the kernel, then the store: killed between the two, the lab is still known and 'down' can be said
 * again. */
static int remove_lab(const char *name, bool wait, struct vnl_err **err)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = NULL;
    int r = vnl_lock_take(name, -1, vnl_cmd_lock_waiting, NULL, &lock, err);

    if (r >= 0)
        r = vnl_dp_down(name, wait, err);
    if (r >= 0)
        r = vnl_store_remove(name, err);
    if (r < 0)
        (void)vnl_wrap(err, "lab '%s'", name);
    return r == -EINVAL || r == -ENOENT ? -EIO : r; /* whatever it was, it was not the user's mistake */
}

/* --- which labs ----------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && !strcmp(text + len - end_len, end);
}

static bool is_path(const char *word)
{
    return strchr(word, '/') || ends_with(word, ".yaml") || ends_with(word, ".yml");
}

static int add_name(struct vnl_names *names, const char *name, struct vnl_err **err)
{
    return vnl_names_add(names, name) < 0 ? vnl_fail(err, ENOMEM, "lab '%s'", name) : 0;
}

/* The lab that a file describes need not exist: nothing to remove is what was asked for, then. */
static int add_of_file(const char *path, const struct vnl_names *known, struct vnl_names *ret,
                       struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    int r = vnl_lab_load(path, &lab, err);

    if (r < 0)
        return vnl_wrap(err, "down takes a lab's name when its file cannot be read");
    for (size_t i = 0; i < known->n; i++) {
        if (!strcmp(known->items[i], lab->name))
            return add_name(ret, lab->name, err);
    }
    return 0;
}

static int add_named(const char *name, const struct vnl_names *known, struct vnl_names *ret,
                     struct vnl_err **err)
{
    for (size_t i = 0; i < known->n; i++) {
        if (!strcmp(known->items[i], name))
            return add_name(ret, name, err);
    }
    return vnl_cmd_not_found(err, "lab", name, NULL, known);
}

static int add_only(const struct vnl_args *args, const struct vnl_names *known, struct vnl_names *ret,
                    struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    const char *env = getenv("VNETLAB_LAB");
    int r;

    if (!known->n && !args->lab && !(env && *env))
        return 0;
    r = vnl_cmd_pick_stored(args, &name, err);
    return r < 0 ? r : add_name(ret, name, err);
}

static int choose(const struct vnl_args *args, struct vnl_names *ret, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names known = { 0 };
    const char *operand = args->n_operands ? args->operands[0] : NULL;
    int r = vnl_cmd_labs(&known, err);

    if (r < 0)
        return r;
    if (args->values[OPT_ALL]) {
        if (operand || args->lab)
            return vnl_fail(err, EINVAL, "down: --all and the name of a lab exclude each other");
        for (size_t i = 0; r >= 0 && i < known.n; i++)
            r = add_name(ret, known.items[i], err);
        return r;
    }
    if (operand && args->lab)
        return vnl_fail(err, EINVAL, "down: name the lab once, as operand or by -l");
    if (!operand)
        return add_only(args, &known, ret, err);
    return is_path(operand) ? add_of_file(operand, &known, ret, err) : add_named(operand, &known, ret, err);
}

/* --- the command ---------------------------------------------------------------------------------- */

static int print_json(const struct vnl_names *removed, struct vnl_err **err)
{
    struct vnl_json *json = vnl_json_object(), *list = vnl_json_array();
    bool bad = vnl_json_set(json, "removed", list) < 0;

    for (size_t i = 0; i < removed->n; i++)
        bad |= vnl_json_push(list, vnl_json_str(removed->items[i])) < 0;
    if (bad)
        vnl_json_free(&json);
    return vnl_out_json(json, err);
}

/* A lab that cannot be removed does not keep the others from being removed. */
static int remove_all(const struct vnl_names *labs, const struct vnl_args *args, struct vnl_names *removed,
                      struct vnl_err **err)
{
    int worst = 0;

    for (size_t i = 0; i < labs->n; i++) {
        int r = remove_lab(labs->items[i], args->values[OPT_WAIT] != NULL, err);

        if (r < 0) {
            worst = worst < 0 ? worst : r;
            continue;
        }
        if (vnl_names_add(removed, labs->items[i]) < 0)
            return vnl_fail(err, ENOMEM, "names of labs");
        if (!args->json)
            (void)printf("lab %s: removed\n", labs->items[i]);
    }
    return worst;
}

int vnl_cmd_down(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names labs = { 0 }, removed = { 0 };
    int r = choose(args, &labs, err);

    if (r < 0)
        return r;
    r = remove_all(&labs, args, &removed, err);
    if (r < 0)
        return r;
    if (args->values[OPT_ALL])
        vnl_lock_sweep();
    if (args->json)
        return print_json(&removed, err);
    if (!labs.n)
        (void)puts("nothing to remove");
    return VNL_EXIT_OK;
}
