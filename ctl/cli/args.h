/* Command lines by table: what a command takes is read from its entry in vnl_cmds, so nothing is said twice.
 */
#ifndef VNETLAB_CLI_ARGS_H
#define VNETLAB_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "vnetlab/cmd.h"

struct vnl_err;

#define VNL_OPERANDS_MAX 4

/* One operand of a command, as its `operands` text declares it. */
struct vnl_operand {
    char name[40]; /* "VM"; lower case with bars ("bash|zsh") are the only words allowed there */
    bool optional; /* in brackets */
    bool repeated; /* NAME... */
    bool behind;   /* stands behind "--" */
};

struct vnl_operands {
    struct vnl_operand items[VNL_OPERANDS_MAX];
    size_t n;
};

/* text: "VM [-- COMMAND...]". -EINVAL when the text itself is wrong (a mistake in the table). */
int vnl_operands_parse(const char *text, struct vnl_operands *ret);

/* The options that a command has besides its own, by its flags. ret holds at most VNL_COMMON_OPTS_MAX;
 * returns how many. */
#define VNL_COMMON_OPTS_MAX 3
size_t vnl_common_opts(const struct vnl_cmd *cmd, struct vnl_opt ret[VNL_COMMON_OPTS_MAX]);
size_t vnl_cmd_n_opts(const struct vnl_cmd *cmd); /* its own */

/* Reads the words behind the command's name; options may stand before and behind operands, `--` ends them.
 * ret borrows from words; vnl_args_done() frees its arrays; untouched on failure. 0 or -EINVAL. */
int vnl_args_parse(const struct vnl_cmd *cmd, const char *const *words, size_t n_words, struct vnl_args *ret,
                   struct vnl_err **err);
void vnl_args_done(struct vnl_args *args);

/* What one command-line word is to a command that takes `opts`. */
bool vnl_opt_matches(const struct vnl_opt *opt, const char *word, const char **ret_value);

/* Was JSON asked for? Asked before the words are parsed, so that their mistakes are reported in the right
 * shape too. */
bool vnl_args_want_json(const char *const *words, size_t n_words);

#endif
