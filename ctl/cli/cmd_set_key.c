/* vnetlab set-key: what `az network vpn-connection shared-key update` does (spec 5.3). The key comes by standard input, where no process list
 * shows it, or as a word. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cmds.h"
#include "connections.h"
#include "resources.h"

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"
#include "vnetlab/store.h"

struct work {
    char *key;
    struct vnl_lock *lock;
    struct vnl_lab *before, *after;
    const struct vnl_connection *connection; /* of `after` */
};

static void work_done(struct work *work)
{
    if (work->key)
        explicit_bzero(work->key, strlen(work->key));
    free(work->key);
    vnl_lab_free(&work->after);
    vnl_lab_free(&work->before);
    vnl_lock_release(&work->lock);
}

/* One line; not shown when it is typed. */
static int read_key(char **ret, struct vnl_err **err)
{
    bool typed = isatty(STDIN_FILENO);
    struct termios was, quiet;
    size_t size = 0;
    ssize_t n;

    if (typed && tcgetattr(STDIN_FILENO, &was) == 0) {
        quiet = was;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
        (void)fputs("shared key: ", stderr);
    }
    n = getline(ret, &size, stdin);
    if (typed) {
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &was);
        (void)fputs("\n", stderr);
    }
    if (n > 0)
        (*ret)[strcspn(*ret, "\r\n")] = '\0';
    return n > 0 && **ret ? 0 : vnl_fail(err, EINVAL, "set-key: no key came on standard input");
}

static int take_key(struct work *work, const char *word, struct vnl_err **err)
{
    if (!strcmp(word, "-"))
        return read_key(&work->key, err);
    if (!*word)
        return vnl_fail(err, EINVAL, "set-key: the key is empty");
    work->key = strdup(word);
    return work->key ? 0 : vnl_fail(err, ENOMEM, "set-key");
}

static int load(struct work *work, const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    int r = vnl_cmd_pick_stored(args, &name, err);

    if (r >= 0)
        r = vnl_lock_take(name, -1, vnl_cmd_lock_waiting, NULL, &work->lock, err);
    if (r >= 0)
        r = vnl_cmd_load_stored(name, &work->before, NULL, err);
    return r < 0 ? r : vnl_cmd_load_stored(name, &work->after, NULL, err);
}

/* As if the lab file said so. */
static int change(struct work *work, const char *word, struct vnl_err **err)
{
    CLEANUP(vnl_resources_done) struct vnl_resources resources = { 0 };
    const struct vnl_resource *found = NULL;
    struct vnl_connection *connection;
    int r = vnl_resources_build(work->after, &resources, err);

    if (r >= 0)
        r = vnl_resource_find(&resources, 1u << VNL_TYPE_CONNECTION, work->after->name, word, &found, err);
    if (r < 0)
        return r;
    connection = found->connection;
    free(connection->shared_key);
    connection->shared_key = TAKE_PTR(work->key);
    connection->key_generated = false;
    work->connection = connection;
    r = vnl_lab_resolve(work->after, err);
    return r < 0 ? r : vnl_lab_settle(work->after, work->before, err);
}

/* Another command may go on meanwhile, and the agent, which publishes what BGP brings. */
static int report(struct work *work, struct vnl_err **err)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_cmd_tunnels_done) struct vnl_cmd_tunnels tunnels = { 0 };
    int r = vnl_plan_build(work->after, &plan, err);

    vnl_lock_release(&work->lock);
    if (r >= 0 && vnl_dp_exists(work->after->name))
        r = vnl_cmd_tunnels_wait(plan, work->connection->id, NULL, VNL_CONNECT_MS, &tunnels, err);
    if (r < 0)
        return VNL_EXIT_SYSTEM;
    if (tunnels.of)
        vnl_cmd_tunnels_print(plan, &tunnels, work->connection->id, NULL, true);
    return VNL_EXIT_OK;
}

int vnl_cmd_set_key(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(work_done) struct work work = { 0 };
    bool shown = strcmp(args->operands[1], "-") != 0;
    int r = take_key(&work, args->operands[1], err);

    if (r >= 0)
        r = load(&work, args, err);
    if (r >= 0)
        r = change(&work, args->operands[0], err);
    if (r >= 0)
        r = vnl_cmd_save_and_apply(work.after, err);
    if (r != VNL_EXIT_OK)
        return r;
    if (shown)
        (void)fputs(
            "vnetlab: a key on the command line is in the process list; 'set-key CONNECTION -' reads it from "
            "standard input\n",
            stderr);
    return report(&work, err);
}
