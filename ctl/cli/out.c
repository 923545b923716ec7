#include "out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

static const char *const tone_start[] = {
    [VNL_TONE_PLAIN] = "\033[0m", [VNL_TONE_GOOD] = "\033[32m", [VNL_TONE_WARN] = "\033[33m",
    [VNL_TONE_BAD] = "\033[31m",  [VNL_TONE_TITLE] = "\033[1m",
};
static_assert(ARRAY_SIZE(tone_start) == VNL_TONE_MAX, "a sequence for every tone");

bool vnl_out_colour(FILE *out)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fileno(out)) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

const char *vnl_tone_start(enum vnl_tone tone, bool colour)
{
    return colour ? tone_start[tone] : "";
}

/* --- tables --------------------------------------------------------------------------------------- */

struct cell {
    char *text;
    enum vnl_tone tone;
};

struct vnl_table {
    const char *const *headers;
    size_t n_headers;
    struct cell *cells;
    size_t n_cells, room;
    bool broken; /* out of memory */
};

struct vnl_table *vnl_table_new(const char *const *headers, size_t n_headers)
{
    struct vnl_table *table = calloc(1, sizeof(*table));

    if (table) {
        table->headers = headers;
        table->n_headers = n_headers;
    }
    return table;
}

void vnl_table_free(struct vnl_table **table)
{
    if (!*table)
        return;
    for (size_t i = 0; i < (*table)->n_cells; i++)
        free((*table)->cells[i].text);
    free((*table)->cells);
    free(*table);
    *table = NULL;
}

static bool table_grow(struct vnl_table *table)
{
    size_t room = table->room ? 2 * table->room : 64;
    struct cell *cells;

    if (table->n_cells < table->room)
        return true;
    cells = reallocarray(table->cells, room, sizeof(*cells));
    if (!cells)
        return false;
    table->cells = cells;
    table->room = room;
    return true;
}

void vnl_table_cell(struct vnl_table *table, enum vnl_tone tone, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int n;

    if (!table || table->broken)
        return;
    va_start(args, fmt);
    n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0 || !table_grow(table)) {
        if (n >= 0)
            free(text);
        table->broken = true;
        return;
    }
    table->cells[table->n_cells++] = (struct cell){ .text = text, .tone = tone };
}

static size_t column_width(const struct vnl_table *table, size_t column, bool headers)
{
    size_t width = headers ? strlen(table->headers[column]) : 0;

    for (size_t i = column; i < table->n_cells; i += table->n_headers) {
        size_t len = strlen(table->cells[i].text);

        width = len > width ? len : width;
    }
    return width;
}

/* The last column is not padded: no line ends in spaces. */
static void print_cell(FILE *out, const char *text, enum vnl_tone tone, bool colour, size_t width, bool last)
{
    bool toned = colour && tone != VNL_TONE_PLAIN;

    (void)fprintf(out, "%s%s%s", vnl_tone_start(tone, toned), text, vnl_tone_start(VNL_TONE_PLAIN, toned));
    if (last)
        (void)fputc('\n', out);
    else
        (void)fprintf(out, "%*s", (int)(width - strlen(text) + 2), "");
}

static void print_headers(FILE *out, const struct vnl_table *table, const size_t *widths, bool colour)
{
    size_t n = table->n_headers;

    for (size_t i = 0; i < n; i++)
        print_cell(out, table->headers[i], VNL_TONE_TITLE, colour, widths[i], i + 1 == n);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < widths[i]; k++)
            (void)fputc('-', out);
        (void)fputs(i + 1 == n ? "\n" : "  ", out);
    }
}

/* Empty cells at the end of a row are left out, with the spaces before them. */
static void print_row(FILE *out, const struct cell *row, size_t n, const size_t *widths, bool colour)
{
    while (n > 1 && !*row[n - 1].text)
        n--;
    for (size_t i = 0; i < n; i++)
        print_cell(out, row[i].text, row[i].tone, colour, widths[i], i + 1 == n);
}

int vnl_table_print(FILE *out, const struct vnl_table *table, bool headers, struct vnl_err **err)
{
    bool colour = vnl_out_colour(out);
    size_t n = table ? table->n_headers : 0;
    size_t *widths = calloc(n + 1, sizeof(*widths));

    if (!table || table->broken || !widths) {
        free(widths);
        return vnl_fail(err, ENOMEM, "table");
    }
    for (size_t i = 0; i < n; i++)
        widths[i] = column_width(table, i, headers);
    if (headers)
        print_headers(out, table, widths, colour);
    for (size_t i = 0; i + n <= table->n_cells; i += n)
        print_row(out, &table->cells[i], n, widths, colour);
    free(widths);
    return 0;
}

/* --- JSON ----------------------------------------------------------------------------------------- */

int vnl_out_json(struct vnl_json *value, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = value;
    CLEANUP(vnl_str_free) char *text = NULL;
    int r;

    if (!json)
        return vnl_fail(err, ENOMEM, "JSON output");
    r = vnl_json_format(json, 2, &text, err);
    if (r < 0)
        return r;
    (void)puts(text);
    return 0;
}

/* ARM's words for what is no resource's fault. */
static const char *code_of(const struct vnl_err *err)
{
    static const struct {
        int num;
        const char *code;
    } codes[] = {
        { EINVAL, "InvalidArgument" },    { ENOENT, "NotFound" },
        { EPERM, "AuthorizationFailed" }, { EACCES, "AuthorizationFailed" },
        { EOPNOTSUPP, "NotSupported" },   { EBUSY, "AnotherOperationInProgress" },
        { E2BIG, "QuotaExceeded" },
    };

    if (err->code)
        return err->code;
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (codes[i].num == err->num)
            return codes[i].code;
    }
    return "InternalError";
}

/* Place and hint have no field of their own in ARM's error; additionalInfo is the one left open for such. */
static struct vnl_json *additional_info(const struct vnl_err *err)
{
    struct vnl_json *list = vnl_json_array(), *item = vnl_json_object(), *info = vnl_json_object();

    if (err->where)
        (void)vnl_json_set(info, "where", vnl_json_str(err->where));
    if (err->hint)
        (void)vnl_json_set(info, "hint", vnl_json_str(err->hint));
    (void)vnl_json_set(item, "type", vnl_json_str("vnetlab"));
    (void)vnl_json_set(item, "info", info);
    (void)vnl_json_push(list, item);
    return list;
}

static struct vnl_json *one_to_json(const struct vnl_err *err)
{
    struct vnl_json *json = vnl_json_object();

    (void)vnl_json_set(json, "code", vnl_json_str(code_of(err)));
    (void)vnl_json_set(json, "message", vnl_json_str(err->msg));
    (void)vnl_json_set(json, "target", vnl_json_str(err->target ? err->target : err->where));
    if (err->where || err->hint)
        (void)vnl_json_set(json, "additionalInfo", additional_info(err));
    return json;
}

/* Errors are kept newest first and shown oldest first. */
static int push_oldest_first(struct vnl_json *details, const struct vnl_err *err)
{
    int r = err->next ? push_oldest_first(details, err->next) : 0;

    return r < 0 ? r : vnl_json_push(details, one_to_json(err));
}

struct vnl_json *vnl_err_to_json(const struct vnl_err *err)
{
    struct vnl_json *json = vnl_json_object(), *details = vnl_json_array(), *error;
    size_t n = vnl_err_count(err);
    char message[64];

    if (n == 1) {
        error = one_to_json(err);
    } else {
        (void)snprintf(message, sizeof(message), "%zu mistakes", n);
        error = vnl_json_object();
        (void)vnl_json_set(error, "code", vnl_json_str("MultipleErrorsOccurred"));
        (void)vnl_json_set(error, "message", vnl_json_str(message));
        (void)vnl_json_set(error, "target", vnl_json_str(NULL));
        (void)push_oldest_first(details, err);
    }
    (void)vnl_json_set(error, "details", details);
    (void)vnl_json_set(json, "error", error);
    return json;
}
