/* A save compares with what is there and writes the difference, in one transaction. */
#include "database.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/store.h"

/* What the database has of a resource. */
struct row {
    const struct vnl_resource_text *text;
    sqlite3_int64 rowid; /* 0: not there yet */
    sqlite3_int64 old_position;
    sqlite3_int64 position;
    bool same; /* id, type and body */
};

struct save {
    struct vnl_store *store;
    struct row *rows;   /* in the lab's order */
    struct row **by_id; /* sorted */
    size_t n;
    sqlite3_stmt *insert, *update, *delete;
};

static void save_done(struct save *save)
{
    free(save->rows);
    free(save->by_id);
    vnl_statement_free(&save->insert);
    vnl_statement_free(&save->update);
    vnl_statement_free(&save->delete);
}

static int compare_rows(const void *a, const void *b)
{
    return strcasecmp((*(struct row *const *)a)->text->id, (*(struct row *const *)b)->text->id);
}

static int compare_id(const void *id, const void *row)
{
    return strcasecmp(id, (*(struct row *const *)row)->text->id);
}

static int save_init(struct save *save, struct vnl_store *store, const struct vnl_lab_text *text,
                     struct vnl_err **err)
{
    save->store = store;
    save->n = text->n_resources;
    save->rows = calloc(save->n + 1, sizeof(*save->rows));
    save->by_id = calloc(save->n + 1, sizeof(struct row *));
    if (!save->rows || !save->by_id)
        return vnl_fail(err, ENOMEM, "store of lab '%s'", store->lab);
    for (size_t i = 0; i < save->n; i++) {
        save->rows[i].text = &text->resources[i];
        save->by_id[i] = &save->rows[i];
    }
    return 0;
}

static int delete_row(struct save *save, sqlite3_int64 rowid, struct vnl_err **err)
{
    int r = save->delete
                ? 0
                : vnl_db_prepare(save->store, "DELETE FROM resources WHERE rowid = ?1", &save->delete, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(save->delete, 1, rowid);
    return vnl_db_run(save->store, save->delete, err);
}

/* One row of the database, which the statement stands on: it is gone from the lab, or is noted in its struct
 * row. Deleting the row that a SELECT stands on is defined (sqlite.org/isolation.html). */
static int compare_with(struct save *save, sqlite3_stmt *old, struct vnl_err **err)
{
    const char *id = (const char *)sqlite3_column_text(old, 1);
    struct row **found = id ? bsearch(id, save->by_id, save->n, sizeof(struct row *), compare_id) : NULL;
    struct row *row;

    if (!found)
        return delete_row(save, sqlite3_column_int64(old, 0), err);
    row = *found;
    row->rowid = sqlite3_column_int64(old, 0);
    row->old_position = sqlite3_column_int64(old, 3);
    row->same = !strcmp(id, row->text->id) &&
                vnl_db_column_is(old, 2, row->text->type, strlen(row->text->type)) &&
                vnl_db_column_is(old, 4, row->text->body, row->text->size);
    return 0;
}

static int compare_all(struct save *save, struct vnl_err **err)
{
    static const char sql[] = "SELECT rowid, id, type, position, body FROM resources";
    CLEANUP(vnl_statement_free) sqlite3_stmt *old = NULL;
    int r = vnl_db_prepare(save->store, sql, &old, err);

    if (r < 0 || (r = vnl_db_step(save->store, old, err)) <= 0)
        return r;
    qsort(save->by_id, save->n, sizeof(struct row *), compare_rows);
    do {
        r = compare_with(save, old, err);
    } while (!r && (r = vnl_db_step(save->store, old, err)) > 0);
    return r;
}

/* Increasing, and where it can be what it was. The first of another type starts far behind, so that one more
 * VNet moves no VM. */
static void assign_positions(struct save *save)
{
    sqlite3_int64 next = 0;

    for (size_t i = 0; i < save->n; i++) {
        struct row *row = &save->rows[i];

        if (i > 0 && row[0].text->type != row[-1].text->type)
            next = (next | UINT32_MAX) + 1;
        row->position = row->rowid && row->old_position >= next ? row->old_position : next;
        next = row->position + 1;
    }
}

static int write_row(struct save *save, const struct row *row, struct vnl_err **err)
{
    static const char insert[] = "INSERT INTO resources (id, type, position, body) VALUES (?1, ?2, ?3, ?4)";
    static const char update[] =
        "UPDATE resources SET id = ?1, type = ?2, position = ?3, body = ?4 WHERE rowid = ?5";
    sqlite3_stmt **statement = row->rowid ? &save->update : &save->insert;
    int r = *statement ? 0 : vnl_db_prepare(save->store, row->rowid ? update : insert, statement, err);

    if (r < 0)
        return r;
    vnl_db_bind(*statement, 1, row->text->id, strlen(row->text->id));
    vnl_db_bind(*statement, 2, row->text->type, strlen(row->text->type));
    (void)sqlite3_bind_int64(*statement, 3, row->position);
    vnl_db_bind(*statement, 4, row->text->body, row->text->size);
    if (row->rowid)
        (void)sqlite3_bind_int64(*statement, 5, row->rowid);
    return vnl_db_run(save->store, *statement, err);
}

static int write_rows(struct save *save, struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; !r && i < save->n; i++) {
        const struct row *row = &save->rows[i];

        if (!row->rowid || !row->same || row->position != row->old_position)
            r = write_row(save, row, err);
    }
    return r;
}

static int save_all(struct vnl_store *store, const struct vnl_lab_text *text, bool applied,
                    struct vnl_err **err)
{
    CLEANUP(save_done) struct save save = { 0 };
    int r = save_init(&save, store, text, err);

    if (r < 0 || (r = compare_all(&save, err)) < 0)
        return r;
    assign_positions(&save);
    if ((r = write_rows(&save, err)) < 0 ||
        (r = vnl_db_set_meta(store, "lab", text->head.body, text->head.size, err)) < 0)
        return r;
    return vnl_db_set_meta(store, "applied", applied ? "1" : "0", 1, err);
}

int vnl_store_save(struct vnl_store *store, const struct vnl_lab *lab, bool applied, struct vnl_err **err)
{
    CLEANUP(vnl_lab_text_done) struct vnl_lab_text text = { 0 };
    int r;

    if (strcmp(lab->name, store->lab) != 0)
        return vnl_fail(err, EINVAL, "lab '%s' cannot be saved as '%s'", lab->name, store->lab);
    if ((r = vnl_lab_text_build(lab, &text, err)) < 0 ||
        (r = vnl_db_execute(store, "BEGIN IMMEDIATE", err)) < 0)
        return r;
    r = save_all(store, &text, applied, err);
    if (!r)
        r = vnl_db_execute(store, "COMMIT", err);
    if (r < 0)
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}
