/* The lab's memory: one row per top-level resource, each with the resource's canonical ARM JSON, so that one
 * resource can be read, shown and replaced without the others.
 *
 * Cost. Most commands open a store, and `up` of a hundred VMs has some 80 ms for everything, so nothing waits
 * for the disk:
 *   - WAL with synchronous=NORMAL writes without fsync; fsync comes with a checkpoint, every thousand pages;
 *   - closing does not checkpoint (SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE): LAB.db-wal stays, and the next one
 * reads it;
 *   - a new database is made with synchronous=OFF. There is nothing in it that could be lost.
 * A process that is killed leaves the last committed state. A machine that loses power may lose the last
 * states, but not the consistency of the file; the lab's kernel objects are gone then as well.
 *
 * A save compares with what is there and writes the difference. `position` keeps the lab's order; a row keeps
 * its position as long as that still increases, so that removing the first VM does not rewrite the others. */
#include "vnetlab/store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "database.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

static int fail_nothing_saved(const struct vnl_store *store, struct vnl_err **err)
{
    return vnl_fail(err, ENOENT, "nothing was saved for lab '%s' yet", store->lab);
}

static int parse_column(sqlite3_stmt *statement, int at, struct vnl_json **ret, struct vnl_err **err)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);

    if (!text)
        return vnl_fail(err, EINVAL, "is not text");
    return vnl_json_parse(text, (size_t)sqlite3_column_bytes(statement, at), ret, err);
}

static int load_head(struct vnl_store *store, struct vnl_json **ret, struct vnl_err **err)
{
    CLEANUP(vnl_statement_free) sqlite3_stmt *statement = NULL;
    int r = vnl_db_find_meta(store, "lab", &statement, err);

    if (r < 0)
        return r;
    if (!r)
        return fail_nothing_saved(store, err);
    return parse_column(statement, 0, ret, err) < 0 ? vnl_wrap(err, "key 'lab'") : 0;
}

static int load_resources(struct vnl_store *store, struct vnl_json *array, struct vnl_err **err)
{
    CLEANUP(vnl_statement_free) sqlite3_stmt *statement = NULL;
    int r = vnl_db_prepare(store, "SELECT id, body FROM resources ORDER BY position", &statement, err);

    while (!r && (r = vnl_db_step(store, statement, err)) > 0) {
        struct vnl_json *json = NULL;

        if (parse_column(statement, 1, &json, err) < 0)
            return vnl_wrap(err, "resource '%s'", (const char *)sqlite3_column_text(statement, 0));
        r = vnl_json_push(array, json) < 0 ? vnl_fail(err, ENOMEM, "resources") : 0;
    }
    return r;
}

static int load_json(struct vnl_store *store, struct vnl_json **ret, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *array;
    const char *name;
    int r = load_head(store, &json, err);

    if (r < 0)
        return r;
    name = vnl_json_get_text(json, "name");
    if (!name || strcmp(name, store->lab) != 0)
        return vnl_fail(err, EINVAL, "it is of lab '%s'", name ? name : "");
    array = vnl_json_array();
    if (vnl_json_set(json, "resources", array) < 0)
        return vnl_fail(err, ENOMEM, "resources");
    r = load_resources(store, array, err);
    if (r == 0)
        *ret = TAKE_PTR(json);
    return r;
}

/* In one read transaction, so that a save by another process in between is seen as a whole or not at all. */
static int load_lab(struct vnl_store *store, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    int r = vnl_db_execute(store, "BEGIN", err);

    if (r < 0)
        return r;
    r = load_json(store, &json, err);
    (void)sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
    return r < 0 ? r : vnl_lab_from_json(json, ret, err);
}

/* What does not read as a lab is not the user's mistake, but damage. */
int vnl_store_load(struct vnl_store *store, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    int r = load_lab(store, ret, &why);

    if (r == -EINVAL && why) {
        (void)vnl_wrap(&why, "database '%s' is damaged", store->path);
        why->num = EBADMSG;
        r = -EBADMSG;
    }
    if (err)
        vnl_err_append(err, &why);
    return r;
}

int vnl_store_set_applied(struct vnl_store *store, bool applied, struct vnl_err **err)
{
    CLEANUP(vnl_statement_free) sqlite3_stmt *statement = NULL;
    int r = vnl_db_prepare(store, "UPDATE meta SET value = ?1 WHERE key = 'applied'", &statement, err);

    if (r < 0)
        return r;
    vnl_db_bind(statement, 1, applied ? "1" : "0", 1);
    r = vnl_db_run(store, statement, err);
    return r < 0 || sqlite3_changes(store->db) ? r : fail_nothing_saved(store, err);
}

int vnl_store_applied(struct vnl_store *store, bool *ret, struct vnl_err **err)
{
    CLEANUP(vnl_statement_free) sqlite3_stmt *statement = NULL;
    int r = vnl_db_find_meta(store, "applied", &statement, err);

    if (r < 0)
        return r;
    *ret = r && vnl_db_column_is(statement, 0, "1", 1);
    return 0;
}

/* --- files ----------------------------------------------------------------------------------------- */

/* The database goes first: without it the others are leftovers, which SQLite removes itself when a new
 * database comes. */
static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

int vnl_store_remove(const char *lab, struct vnl_err **err)
{
    int r = vnl_path_name_check(lab, err);

    for (size_t i = 0; !r && i < ARRAY_SIZE(suffixes); i++) {
        CLEANUP(vnl_str_free) char *path = vnl_db_path(lab, suffixes[i]);

        if (!path)
            r = vnl_fail(err, ENOMEM, "store of lab '%s'", lab);
        else if (unlink(path) < 0 && errno != ENOENT)
            r = vnl_db_fail_file(path, errno, err);
    }
    return r;
}

/* Cuts ".db" and a suffix off a file's name; false when it is not one of ours. */
static bool cut_name(char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char end[16];
        size_t end_len = (size_t)snprintf(end, sizeof(end), ".db%s", suffixes[i]);

        if (len > end_len && !strcmp(name + len - end_len, end)) {
            name[len - end_len] = '\0';
            return vnl_path_name_check(name, NULL) == 0;
        }
    }
    return false;
}

static bool has_name(const struct vnl_names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (!strcmp(names->items[i], name))
            return true;
    }
    return false;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void dir_close(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
    *dir = NULL;
}

int vnl_store_list(struct vnl_names *ret, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };
    CLEANUP(dir_close) DIR *dir = opendir(vnl_store_dir());
    struct dirent *entry;

    if (!dir && errno != ENOENT)
        return vnl_db_fail_file(vnl_store_dir(), errno, err);
    while (dir && (entry = readdir(dir))) {
        if (!cut_name(entry->d_name) || has_name(&names, entry->d_name))
            continue;
        if (vnl_names_add(&names, entry->d_name) < 0)
            return vnl_fail(err, ENOMEM, "list of labs");
    }
    if (names.n)
        qsort(names.items, names.n, sizeof(*names.items), compare_names);
    *ret = names;
    names = (struct vnl_names){ 0 };
    return 0;
}
