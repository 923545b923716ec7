/* One error type. Raised once, wrapped on the way up, printed once: main prints text, REST renders ARM JSON.
 *
 * Functions return 0 or -errno and take `struct vnl_err **err` last. Success leaves *err alone. `err` may be
 * NULL when the caller only wants the number. A list of mistakes (validation) is one vnl_err with siblings in
 * `next`. */
#ifndef VNETLAB_ERR_H
#define VNETLAB_ERR_H

#include <stdarg.h>
#include <stdio.h>

/* Where a value was written; file NULL when it came from nowhere a user can open. Lines and columns count
 * from 1. */
struct vnl_src {
    const char *file; /* borrowed from the document's owner (the lab keeps it alive) */
    int line;
    int col;
};

struct vnl_err {
    int num; /* positive errno */
    const char
        *code;     /* ARM error code, static storage, e.g. "VnetAddressSpacesOverlap"; NULL outside of ARM */
    char *target;  /* resource id or path, e.g. "virtualNetworks/vnet-1"; may be NULL */
    char *where;   /* "file:line:column"; may be NULL */
    int line, col; /* the numbers in `where`, 0 when there is none */
    char *msg;     /* one sentence, no trailing newline */
    char *hint;    /* what to do about it, e.g. "did you mean 'addressSpace'?"; may be NULL */
    struct vnl_err *next; /* sibling: another mistake of the same run */
};

/* Raises: *err becomes a new error (an error already there is kept as its `next`, so the newest comes first
 * in the list). Always returns -num. With ENOMEM the sentence gets ": out of memory" when it does not say so
 * itself; when there is no memory for the report, *err is a static instance that stands alone. */
int vnl_fail(struct vnl_err **err, int num, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same with everything that a report of a user's mistake needs; any of code, src, target, hint may be
 * NULL. */
int vnl_fail_at(struct vnl_err **err, int num, const char *code, const struct vnl_src *src,
                const char *target, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 7, 8)));

/* Puts "words: " in front of the newest error's message. Returns -(*err)->num; -EINVAL without one. */
int vnl_wrap(struct vnl_err **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Appends `*more` (and its siblings) behind the mistakes in *list and takes ownership: what was in *list is
 * printed first. */
void vnl_err_append(struct vnl_err **list, struct vnl_err **more);

/* Orders the mistakes for printing by line and column (all of one file); those without a place come last.
 * Stable. */
void vnl_err_sort(struct vnl_err **err);

size_t vnl_err_count(const struct vnl_err *err);

/* "vnetlab: file:1:2: Code: sentence\n  hint: words\n" per error, oldest mistake first. The target is put in
 * front of a sentence that does not name it. Control characters are shown as \xNN: a file cannot drive the
 * terminal. */
void vnl_err_print(FILE *out, const struct vnl_err *err);

void vnl_err_free(struct vnl_err **err);

#endif
