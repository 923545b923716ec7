#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/store.h"

/* PRAGMA user_version. A change of the tables, or of what a body means, takes the next number and a way up
 * from the last one. */
#define FORMAT 1

static const char schema[] = "PRAGMA synchronous = OFF;"
                             "PRAGMA journal_mode = WAL;"
                             "BEGIN IMMEDIATE;"
                             "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
                             "CREATE TABLE resources ("
                             "  id TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,"
                             "  type TEXT NOT NULL,"
                             "  position INTEGER NOT NULL,"
                             "  body TEXT NOT NULL);"
                             "PRAGMA user_version = 1;"
                             "COMMIT;"
                             "PRAGMA synchronous = NORMAL;";
static_assert(FORMAT == 1, "the schema above says which format it makes");

/* Another process holds the database for milliseconds at most: long commands hold the lab's lock, not the
 * database. */
#define BUSY_MS 5000

/* --- statements ------------------------------------------------------------------------------------ */

static int errno_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return ENOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* a table is missing or looks otherwise */
        return EBADMSG;
    case SQLITE_FULL:
        return ENOSPC;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return EBUSY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return EACCES;
    default:
        return EIO;
    }
}

int vnl_db_fail(const struct vnl_store *store, struct vnl_err **err)
{
    return vnl_fail(err, errno_of(sqlite3_errcode(store->db)), "database '%s': %s", store->path,
                    sqlite3_errmsg(store->db));
}

void vnl_statement_free(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(TAKE_PTR(*statement));
}

int vnl_db_prepare(struct vnl_store *store, const char *sql, sqlite3_stmt **ret, struct vnl_err **err)
{
    return sqlite3_prepare_v2(store->db, sql, -1, ret, NULL) == SQLITE_OK ? 0 : vnl_db_fail(store, err);
}

int vnl_db_execute(struct vnl_store *store, const char *sql, struct vnl_err **err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : vnl_db_fail(store, err);
}

/* 1 = a row, 0 = done. */
int vnl_db_step(struct vnl_store *store, sqlite3_stmt *statement, struct vnl_err **err)
{
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW)
        return 1;
    return code == SQLITE_DONE ? 0 : vnl_db_fail(store, err);
}

/* One that gives no row, and may be run again. */
int vnl_db_run(struct vnl_store *store, sqlite3_stmt *statement, struct vnl_err **err)
{
    int r = vnl_db_step(store, statement, err);

    (void)sqlite3_reset(statement);
    return r < 0 ? r : 0;
}

void vnl_db_bind(sqlite3_stmt *statement, int at, const char *text, size_t size)
{
    (void)sqlite3_bind_text64(statement, at, text, size, SQLITE_STATIC, SQLITE_UTF8);
}

bool vnl_db_column_is(sqlite3_stmt *statement, int at, const char *text, size_t size)
{
    const void *column = sqlite3_column_text(statement, at);

    return column && (size_t)sqlite3_column_bytes(statement, at) == size && !memcmp(column, text, size);
}

/* --- meta ------------------------------------------------------------------------------------------ */

int vnl_db_format(struct vnl_store *store, int *ret, struct vnl_err **err)
{
    CLEANUP(vnl_statement_free) sqlite3_stmt *statement = NULL;
    int r = vnl_db_prepare(store, "PRAGMA user_version", &statement, err);

    if (r < 0 || (r = vnl_db_step(store, statement, err)) < 0)
        return r;
    *ret = r ? sqlite3_column_int(statement, 0) : 0;
    return 0;
}

/* 1 when the table `meta` has a value under `key`; the statement stands on it. */
int vnl_db_find_meta(struct vnl_store *store, const char *key, sqlite3_stmt **ret, struct vnl_err **err)
{
    int format;
    int r = vnl_db_format(store, &format, err);

    if (r < 0 || format == 0)
        return r;
    r = vnl_db_prepare(store, "SELECT value FROM meta WHERE key = ?1", ret, err);
    if (r < 0)
        return r;
    vnl_db_bind(*ret, 1, key, strlen(key));
    return vnl_db_step(store, *ret, err);
}

int vnl_db_set_meta(struct vnl_store *store, const char *key, const char *text, size_t size,
                    struct vnl_err **err)
{
    CLEANUP(vnl_statement_free) sqlite3_stmt *statement = NULL;
    int r = vnl_db_prepare(
        store,
        "INSERT INTO meta (key, value) VALUES (?1, ?2)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value IS NOT excluded.value",
        &statement, err);

    if (r < 0)
        return r;
    vnl_db_bind(statement, 1, key, strlen(key));
    vnl_db_bind(statement, 2, text, size);
    return vnl_db_run(store, statement, err);
}

/* --- opening --------------------------------------------------------------------------------------- */

char *vnl_db_path(const char *lab, const char *suffix)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s.db%s", vnl_store_dir(), lab, suffix) < 0 ? NULL : path;
}

/* Creates a directory and those above it. */
static int make_dir(const char *dir)
{
    CLEANUP(vnl_str_free) char *parent = NULL;
    char *slash;

    if (mkdir(dir, 0755) == 0 || errno == EEXIST)
        return 0;
    parent = errno == ENOENT ? strdup(dir) : NULL;
    slash = parent ? strrchr(parent, '/') : NULL;
    if (!slash || slash == parent)
        return -errno;
    *slash = '\0';
    if (make_dir(parent) < 0)
        return -errno;
    return mkdir(dir, 0755) == 0 || errno == EEXIST ? 0 : -errno;
}

int vnl_db_fail_file(const char *path, int num, struct vnl_err **err)
{
    const char *hint = num == EACCES || num == EPERM ? "labs belong to root: use sudo" : NULL;

    return vnl_fail_at(err, num, NULL, NULL, NULL, hint, "database '%s': %s", path, strerror(num));
}

/* The database will hold shared keys, so the file is root's alone (and SQLite gives -wal and -shm the same
 * mode). The directory can be listed, so that others see which labs there are. A file that exists is not
 * opened here: closing it would drop the locks that SQLite holds on it in this process. */
static int make_file(const char *path, struct vnl_err **err)
{
    int fd;

    if (make_dir(vnl_store_dir()) < 0)
        return vnl_db_fail_file(vnl_store_dir(), errno, err);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno != EEXIST)
        return vnl_db_fail_file(path, errno, err);
    vnl_fd_close(&fd);
    return 0;
}

static int find_file(const char *path, const char *lab, struct vnl_err **err)
{
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
        return 0;
    if (errno == ENOENT)
        return vnl_fail(err, ENOENT, "there is no lab '%s'", lab);
    return vnl_db_fail_file(path, errno, err);
}

static int connect_db(struct vnl_store *store, bool readonly, struct vnl_err **err)
{
    int flags = (readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX;

    if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK)
        return store->db ? vnl_db_fail(store, err) : vnl_fail(err, ENOMEM, "database '%s'", store->path);
    (void)sqlite3_busy_timeout(store->db, BUSY_MS);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return 0;
}

/* 0 is a file in which nothing is yet: it was just made, or its maker was killed. */
static int open_format(struct vnl_store *store, bool readonly, struct vnl_err **err)
{
    int format;
    int r = vnl_db_format(store, &format, err);

    if (r < 0)
        return r;
    if (format > FORMAT || format < 0)
        return vnl_fail_at(err, ENOTSUP, NULL, NULL, NULL, "use the vnetlab that made it, or a newer one",
                           "database '%s' has format %d, and this vnetlab knows formats up to %d",
                           store->path, format, FORMAT);
    if (format == FORMAT || (format == 0 && readonly))
        return format == FORMAT && !readonly ? vnl_db_execute(store, "PRAGMA synchronous = NORMAL", err) : 0;
    return vnl_db_execute(store, schema, err);
}

int vnl_store_open(const char *lab, bool readonly, struct vnl_store **ret, struct vnl_err **err)
{
    CLEANUP(vnl_store_close) struct vnl_store *store = NULL;
    int r = vnl_path_name_check(lab, err);

    if (r < 0)
        return r;
    store = calloc(1, sizeof(*store));
    if (!store || !(store->lab = strdup(lab)) || !(store->path = vnl_db_path(lab, "")))
        return vnl_fail(err, ENOMEM, "store of lab '%s'", lab);
    r = readonly ? find_file(store->path, lab, err) : make_file(store->path, err);
    if (r < 0 || (r = connect_db(store, readonly, err)) < 0 || (r = open_format(store, readonly, err)) < 0)
        return r;
    *ret = TAKE_PTR(store);
    return 0;
}

void vnl_store_close(struct vnl_store **ptr)
{
    struct vnl_store *store = TAKE_PTR(*ptr);

    if (!store)
        return;
    (void)sqlite3_close(store->db);
    free(store->lab);
    free(store->path);
    free(store);
}
