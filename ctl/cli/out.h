/* What commands print: tables, JSON, counts. One look for all of them. */
#ifndef VNETLAB_CLI_OUT_H
#define VNETLAB_CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct vnl_err;
struct vnl_json;

/* What a word means to the reader; shown as colour where colour is wanted. */
enum vnl_tone { VNL_TONE_PLAIN, VNL_TONE_GOOD, VNL_TONE_WARN, VNL_TONE_BAD, VNL_TONE_TITLE, VNL_TONE_MAX };

/* Is `out` a terminal whose user has not said NO_COLOR (no-color.org) or TERM=dumb? */
bool vnl_out_colour(FILE *out);
/* The escape sequence that starts a tone, or "" when `colour` is false. PLAIN ends all. */
const char *vnl_tone_start(enum vnl_tone tone, bool colour);

/* A table in the Azure CLI's look: two spaces between columns, dashes below the headers. Without memory a
 * table stays broken and vnl_table_print() says so: callers check once. */
struct vnl_table;
struct vnl_table *vnl_table_new(const char *const *headers, size_t n_headers);
void vnl_table_free(struct vnl_table **table);
/* The next cell of the row; a full row starts the next one. */
void vnl_table_cell(struct vnl_table *table, enum vnl_tone tone, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* headers: print them. 0 or -ENOMEM. */
int vnl_table_print(FILE *out, const struct vnl_table *table, bool headers, struct vnl_err **err);

/* Prints the value on standard output and frees it. NULL is a builder's -ENOMEM. */
int vnl_out_json(struct vnl_json *value, struct vnl_err **err);

/* Errors in ARM's shape, {"error": {"code", "message", "target", "details"}}; several mistakes are its
 * details. NULL on ENOMEM. Source: Microsoft REST API guidelines, "Handling errors"; `additionalInfo` carries
 * place and hint. */
struct vnl_json *vnl_err_to_json(const struct vnl_err *err);

#endif
