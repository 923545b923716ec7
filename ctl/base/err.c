/* Errors are a list with the newest in front, because raising must be cheap and must not fail. Everything
 * that shows them (print, sort) turns the list around.
 *
 * Reporting cannot fail: without memory *err becomes `no_memory`, which is static, always alone in its list,
 * and never changed. Mistakes that were collected before it are given up: the caller ends with -ENOMEM
 * anyway. */
#include "vnetlab/err.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

static char no_memory_msg[] = "out of memory";
static struct vnl_err no_memory = { .num = ENOMEM, .msg = no_memory_msg };

static void err_free_one(struct vnl_err *e)
{
    if (!e || e == &no_memory)
        return;
    free(e->target);
    free(e->where);
    free(e->msg);
    free(e->hint);
    free(e);
}

static void err_free_list(struct vnl_err *e)
{
    while (e) {
        struct vnl_err *next = e->next;

        err_free_one(e);
        e = next;
    }
}

void vnl_err_free(struct vnl_err **err)
{
    err_free_list(*err);
    *err = NULL;
}

/* NULL stays NULL; *failed is set when there was text and no memory for it. */
static char *copy_text(const char *text, bool *failed)
{
    char *copy = text ? strdup(text) : NULL;

    *failed = *failed || (text && !copy);
    return copy;
}

static char *format_where(const struct vnl_src *src, bool *failed)
{
    char *where = NULL;

    if (!src || !src->file)
        return NULL;
    if (asprintf(&where, "%s:%d:%d", src->file, src->line, src->col) < 0) {
        *failed = true;
        return NULL;
    }
    return where;
}

static char *format_msg(int num, const char *fmt, va_list args, bool *failed)
{
    char *msg = NULL, *longer = NULL;

    if (vasprintf(&msg, fmt, args) < 0) {
        *failed = true;
        return NULL;
    }
    if (num != ENOMEM || strstr(msg, "memory"))
        return msg;
    if (asprintf(&longer, "%s: %s", msg, no_memory_msg) < 0)
        return msg;
    free(msg);
    return longer;
}

static int raise_no_memory(struct vnl_err **err, struct vnl_err *half_built)
{
    err_free_one(half_built);
    err_free_list(*err);
    *err = &no_memory;
    return -ENOMEM;
}

static int raise_at(struct vnl_err **err, int num, const char *code, const struct vnl_src *src,
                    const char *target, const char *hint, const char *fmt, va_list args)
{
    bool failed = false;
    struct vnl_err *e;

    if (!err || *err == &no_memory)
        return -num;
    e = calloc(1, sizeof(*e));
    if (!e)
        return raise_no_memory(err, NULL);
    e->num = num;
    e->code = code;
    e->target = copy_text(target, &failed);
    e->hint = copy_text(hint, &failed);
    e->where = format_where(src, &failed);
    e->line = e->where ? src->line : 0;
    e->col = e->where ? src->col : 0;
    e->msg = format_msg(num, fmt, args, &failed);
    if (failed)
        return raise_no_memory(err, e);
    e->next = *err;
    *err = e;
    return -num;
}

int vnl_fail(struct vnl_err **err, int num, const char *fmt, ...)
{
    va_list args;
    int r;

    va_start(args, fmt);
    r = raise_at(err, num, NULL, NULL, NULL, NULL, fmt, args);
    va_end(args);
    return r;
}

int vnl_fail_at(struct vnl_err **err, int num, const char *code, const struct vnl_src *src,
                const char *target, const char *hint, const char *fmt, ...)
{
    va_list args;
    int r;

    va_start(args, fmt);
    r = raise_at(err, num, code, src, target, hint, fmt, args);
    va_end(args);
    return r;
}

int vnl_wrap(struct vnl_err **err, const char *fmt, ...)
{
    CLEANUP(vnl_str_free) char *words = NULL;
    char *msg = NULL;
    va_list args;

    if (!err || !*err)
        return -EINVAL;
    if (*err == &no_memory)
        return -ENOMEM;
    va_start(args, fmt);
    if (vasprintf(&words, fmt, args) < 0)
        words = NULL;
    va_end(args);
    /* Without memory for the longer sentence the shorter one is still true. */
    if (words && asprintf(&msg, "%s: %s", words, (*err)->msg) >= 0) {
        free((*err)->msg);
        (*err)->msg = msg;
    }
    return -(*err)->num;
}

void vnl_err_append(struct vnl_err **list, struct vnl_err **more)
{
    struct vnl_err *last = *more;

    if (!*more)
        return;
    if (*list == &no_memory || *more == &no_memory) {
        err_free_list(*list);
        err_free_list(*more);
        *list = &no_memory;
        *more = NULL;
        return;
    }
    while (last->next)
        last = last->next;
    last->next = *list;
    *list = TAKE_PTR(*more);
}

size_t vnl_err_count(const struct vnl_err *err)
{
    size_t n = 0;

    for (; err; err = err->next)
        n++;
    return n;
}

/* The list as an array, oldest first. The array is the caller's; NULL when there is no memory. */
static const struct vnl_err **in_print_order(const struct vnl_err *err, size_t n)
{
    const struct vnl_err **all = calloc(n, sizeof(*all));

    for (size_t i = n; all && err; err = err->next)
        all[--i] = err;
    return all;
}

/* Is a printed before b? Those without a place come last. */
static bool err_before(const struct vnl_err *a, const struct vnl_err *b)
{
    if (!a->line || !b->line)
        return a->line && !b->line;
    return a->line != b->line ? a->line < b->line : a->col < b->col;
}

/* Merges two lists that are stored last-to-print first. `older` was raised before `newer`, so it wins a tie:
 * is printed first, which means stored behind. */
static struct vnl_err *merge(struct vnl_err *newer, struct vnl_err *older)
{
    struct vnl_err *head = NULL, **tail = &head;

    while (newer && older) {
        struct vnl_err **from = err_before(newer, older) ? &older : &newer;

        *tail = *from;
        *from = (*from)->next;
        tail = &(*tail)->next;
    }
    *tail = newer ? newer : older;
    return head;
}

/* Merge sort of the first n of *list, which is advanced behind them: n log n, no memory. */
static struct vnl_err *sort_n(struct vnl_err **list, size_t n)
{
    struct vnl_err *one = *list, *newer;

    if (n == 1) {
        *list = one->next;
        one->next = NULL;
        return one;
    }
    newer = sort_n(list, n / 2);
    return merge(newer, sort_n(list, n - n / 2));
}

void vnl_err_sort(struct vnl_err **err)
{
    struct vnl_err *rest = *err;
    size_t n = vnl_err_count(*err);

    if (n > 1)
        *err = sort_n(&rest, n);
}

static void print_text(FILE *out, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if ((*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f)
            (void)fprintf(out, "\\x%02x", *p);
        else
            (void)putc(*p, out);
    }
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Does the sentence say `name` at `at`: in quotes ('vnet-1', 'vnet-1/name'), or as a word too long to be
 * there by chance? */
static bool says_name(const char *msg, const char *at, size_t len)
{
    char before = at > msg ? at[-1] : ' ', after = at[len];

    if ((before == '\'' || before == '/') && after == '\'')
        return true;
    return len > 3 && !is_name_char(before) && !is_name_char(after);
}

/* Is "virtualNetworks/vnet-1" or its last part in the sentence? */
static bool names_target(const char *msg, const char *target)
{
    const char *slash = strrchr(target, '/');
    const char *name = slash ? slash + 1 : target;
    size_t len = strlen(name);

    if (strstr(msg, target))
        return true;
    for (const char *at = strstr(msg, name); len && at; at = strstr(at + 1, name)) {
        if (says_name(msg, at, len))
            return true;
    }
    return false;
}

static void err_print_one(FILE *out, const struct vnl_err *e)
{
    (void)fputs("vnetlab: ", out);
    if (e->where) {
        print_text(out, e->where);
        (void)fputs(": ", out);
    }
    if (e->code)
        (void)fprintf(out, "%s: ", e->code);
    if (e->target && !names_target(e->msg, e->target)) {
        print_text(out, e->target);
        (void)fputs(": ", out);
    }
    print_text(out, e->msg);
    (void)putc('\n', out);
    if (e->hint) {
        (void)fputs("  hint: ", out);
        print_text(out, e->hint);
        (void)putc('\n', out);
    }
}

void vnl_err_print(FILE *out, const struct vnl_err *err)
{
    size_t n = vnl_err_count(err);
    const struct vnl_err **all = in_print_order(err, n);

    for (size_t i = 0; all && i < n; i++)
        err_print_one(out, all[i]);
    for (; !all && err; err = err->next)
        err_print_one(out, err);
    free(all);
}
