/* The command table as text: --help, man pages, docs/cli.md, completion scripts. */
#ifndef VNETLAB_CLI_HELP_H
#define VNETLAB_CLI_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vnetlab/cmd.h"

struct vnl_err;

void vnl_help_overview(FILE *out);
void vnl_help_command(FILE *out, const struct vnl_cmd *cmd);

/* What man pages and docs/cli.md say besides the table; ends with word NULL. */
struct vnl_help_term {
    const char *word;
    const char *text;
};
extern const struct vnl_help_term vnl_help_exits[];
extern const struct vnl_help_term vnl_help_environment[];
extern const struct vnl_help_term vnl_help_files[];
extern const char vnl_help_about[];

/* A line of a command's examples: "$ vnetlab up lab.yaml  # create". Both texts are borrowed from it, not
 * terminated. */
struct vnl_example {
    const char *command; /* without "$ " */
    int command_len;
    const char *comment; /* length 0: none */
    int comment_len;
};
/* The next line of *examples, which is advanced; false at the end. */
bool vnl_example_next(const char **examples, struct vnl_example *ret);

/* Folds `text` into lines of at most `width` characters, each with `indent` in front. "\n" ends a line,
 * "\n\n" a paragraph, which puts `between` in its place. */
void vnl_help_fold(FILE *out, const char *text, const char *indent, int width, const char *between);

/* "-l, --lab LAB" */
const char *vnl_opt_format(char buf[96], const struct vnl_opt *opt);

void vnl_manual_overview(FILE *out);                           /* vnetlab.1, in mdoc */
void vnl_manual_command(FILE *out, const struct vnl_cmd *cmd); /* vnetlab-COMMAND.1 */
void vnl_manual_markdown(FILE *out);                           /* docs/cli.md */

#endif
