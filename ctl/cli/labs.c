/* Which lab a command is about, and what is stored of it. */
#include "cmds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/store.h"

static int name_cmp(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool names_have(const struct vnl_names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (!strcmp(names->items[i], name))
            return true;
    }
    return false;
}

static int names_join(struct vnl_names *names, const struct vnl_names *more)
{
    for (size_t i = 0; i < more->n; i++) {
        if (!names_have(names, more->items[i]) && vnl_names_add(names, more->items[i]) < 0)
            return -ENOMEM;
    }
    if (names->n)
        qsort(names->items, names->n, sizeof(*names->items), name_cmp);
    return 0;
}

int vnl_cmd_labs(struct vnl_names *ret, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names stored = { 0 }, running = { 0 };
    int r = vnl_store_list(&stored, err);

    if (r >= 0)
        r = vnl_dp_list(&running, err);
    if (r < 0)
        return r;
    if (names_join(&stored, &running) < 0)
        return vnl_fail(err, ENOMEM, "names of labs");
    *ret = stored;
    stored = (struct vnl_names){ 0 };
    return 0;
}

int vnl_cmd_not_found(struct vnl_err **err, const char *kind, const char *word, const char *lab,
                      const struct vnl_names *names)
{
    const char *nearest = vnl_nearest(word, (const char *const *)names->items, names->n);
    CLEANUP(vnl_str_free) char *hint = NULL;
    CLEANUP(vnl_str_free) char *where = NULL;

    if (nearest && asprintf(&hint, "did you mean '%s'?", nearest) < 0)
        hint = NULL;
    if (lab && asprintf(&where, " in lab '%s'", lab) < 0)
        where = NULL;
    return vnl_fail_at(err, ENOENT, "ResourceNotFound", NULL, NULL, hint, "there is no %s '%s'%s", kind, word,
                       where ? where : "");
}

/* A lab that the user named must exist; *ret is a copy of the name. */
static int take_named(const char *name, char **ret, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names all = { 0 };
    int r = vnl_cmd_labs(&all, err);

    if (r < 0)
        return r;
    if (!names_have(&all, name))
        return vnl_cmd_not_found(err, "lab", name, NULL, &all);
    *ret = strdup(name);
    return *ret ? 0 : vnl_fail(err, ENOMEM, "lab '%s'", name);
}

/* "lab-a, lab-b"; NULL without memory. */
static char *join_names(const struct vnl_names *names)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (size_t i = 0; i < names->n; i++)
        (void)fprintf(out, "%s%s", i ? ", " : "", names->items[i]);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static int take_only(const struct vnl_names *names, const char *state, char **ret, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *list = NULL;

    if (!names->n)
        return vnl_fail_at(err, ENOENT, NULL, NULL, NULL, "vnetlab up FILE", "no lab is %s", state);
    if (names->n > 1) {
        list = join_names(names);
        return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, "say which: -l LAB", "several labs are %s: %s",
                           state, list ? list : "");
    }
    *ret = strdup(names->items[0]);
    return *ret ? 0 : vnl_fail(err, ENOMEM, "lab '%s'", names->items[0]);
}

/* -l or $VNETLAB_LAB; NULL when neither is given. */
static const char *asked_for(const struct vnl_args *args)
{
    const char *env = getenv("VNETLAB_LAB");

    if (args->lab)
        return args->lab;
    return env && *env ? env : NULL;
}

static int pick(const struct vnl_args *args, bool or_stored, char **ret, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };
    const char *asked = asked_for(args);
    int r;

    if (asked)
        return take_named(asked, ret, err);
    r = vnl_dp_list(&names, err);
    if (r >= 0 && !names.n && or_stored)
        r = vnl_store_list(&names, err);
    return r < 0 ? r : take_only(&names, or_stored ? "known" : "running", ret, err);
}

int vnl_cmd_pick_lab(const struct vnl_args *args, char **ret, struct vnl_err **err)
{
    return pick(args, false, ret, err);
}

int vnl_cmd_pick_stored(const struct vnl_args *args, char **ret, struct vnl_err **err)
{
    return pick(args, true, ret, err);
}

int vnl_cmd_load_stored(const char *name, struct vnl_lab **ret, bool *ret_applied, struct vnl_err **err)
{
    CLEANUP(vnl_store_close) struct vnl_store *store = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    bool applied = false;
    int r = vnl_store_open(name, true, &store, err);

    if (r >= 0)
        r = vnl_store_load(store, &lab, err);
    if (r >= 0)
        r = vnl_store_applied(store, &applied, err);
    if (r >= 0)
        r = vnl_learned_read(name, &lab->learned, err);
    if (r < 0)
        return r;
    if (ret_applied)
        *ret_applied = applied;
    *ret = TAKE_PTR(lab);
    return 0;
}

int vnl_cmd_learn_same(struct vnl_lab *lab, const struct vnl_lab *from, struct vnl_err **err)
{
    vnl_learned_done(&lab->learned);
    for (size_t i = 0; i < from->learned.n; i++) {
        const struct vnl_learned_route *route = &from->learned.items[i];

        if (vnl_learned_add(&lab->learned, route->gateway, route->connection, &route->prefix,
                            route->as_path) < 0)
            return vnl_fail(err, ENOMEM, "learned routes of lab '%s'", lab->name);
    }
    return 0;
}

static int load_file(const char *file, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    int r = vnl_lab_load(file, &lab, err);

    if (r >= 0)
        r = vnl_lab_settle(lab, NULL, err);
    if (r >= 0)
        *ret = TAKE_PTR(lab);
    return r;
}

int vnl_cmd_load(const struct vnl_args *args, const char *file, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    int r;

    if (file && args->lab)
        return vnl_fail(err, EINVAL, "%s: give --lab or --file, not both", args->command);
    if (file)
        return load_file(file, ret, err);
    r = vnl_cmd_pick_stored(args, &name, err);
    return r < 0 ? r : vnl_cmd_load_stored(name, ret, NULL, err);
}

int vnl_cmd_timeout(const char *text, int fallback_ms, int *ret, struct vnl_err **err)
{
    char *end;
    double seconds;

    *ret = fallback_ms;
    if (!text)
        return 0;
    seconds = strtod(text, &end);
    if (end == text || *end || !(seconds >= 0.01 && seconds <= 3600))
        return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, "0.01 to 3600",
                           "--timeout '%s' is no number of seconds", text);
    *ret = (int)(seconds * 1000);
    return 0;
}

const char *vnl_cmd_count(char buf[64], size_t n, const char *thing)
{
    (void)snprintf(buf, 64, "%zu %s%s", n, thing, n == 1 ? "" : "s");
    return buf;
}

const char *vnl_cmd_count_hosts(char buf[64], const struct vnl_lab *lab)
{
    const size_t n_hosts = lab->n_hosts - lab->n_clients;
    int len = snprintf(buf, 64, n_hosts ? ", %zu internet host%s" : "", n_hosts, n_hosts == 1 ? "" : "s");

    if (lab->n_clients)
        (void)snprintf(buf + len, 64 - (size_t)len, ", %zu client%s", lab->n_clients,
                       lab->n_clients == 1 ? "" : "s");
    return buf;
}

void vnl_cmd_lock_waiting(const char *sentence, void *arg)
{
    (void)arg;
    (void)fprintf(stderr, "vnetlab: %s; waiting\n", sentence);
}
