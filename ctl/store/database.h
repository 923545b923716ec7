/* Private to ctl/store: the SQLite side of a store. The theory is in store.c. */
#ifndef VNL_STORE_DATABASE_H
#define VNL_STORE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

struct vnl_err;

struct vnl_store {
    sqlite3 *db;
    char *lab;
    char *path;
};

/* "STORE_DIR/LAB.db" and what is behind it; the text is the caller's. NULL on ENOMEM. */
char *vnl_db_path(const char *lab, const char *suffix);

/* Raise: what SQLite said last; what the system said of a file. */
int vnl_db_fail(const struct vnl_store *store, struct vnl_err **err);
int vnl_db_fail_file(const char *path, int num, struct vnl_err **err);

int vnl_db_execute(struct vnl_store *store, const char *sql, struct vnl_err **err);
int vnl_db_prepare(struct vnl_store *store, const char *sql, sqlite3_stmt **ret, struct vnl_err **err);
void vnl_statement_free(sqlite3_stmt **statement);
void vnl_db_bind(sqlite3_stmt *statement, int at, const char *text,
                 size_t size); /* borrowed until the statement has run */
/* 1 = a row, 0 = done. */
int vnl_db_step(struct vnl_store *store, sqlite3_stmt *statement, struct vnl_err **err);
/* A statement that gives no row, and may be run again. */
int vnl_db_run(struct vnl_store *store, sqlite3_stmt *statement, struct vnl_err **err);
bool vnl_db_column_is(sqlite3_stmt *statement, int at, const char *text, size_t size);

/* 0: the database is empty. */
int vnl_db_format(struct vnl_store *store, int *ret, struct vnl_err **err);
/* 1 when `meta` has the key; the statement (the caller's) then stands on its value. */
int vnl_db_find_meta(struct vnl_store *store, const char *key, sqlite3_stmt **ret, struct vnl_err **err);
int vnl_db_set_meta(struct vnl_store *store, const char *key, const char *text, size_t size,
                    struct vnl_err **err);

#endif
