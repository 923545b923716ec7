/* The command table as man pages (mdoc) and as docs/cli.md. Both are made by the build; docs/cli.md is kept
 * in the repository, so that it can be read without building, and a test compares it with this. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "args.h"
#include "cmds.h"
#include "help.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define MAN_DATE                                                                                             \
    "November 21, 2025" /* of the last change to the text; a fixed one, so that builds are reproducible */

/* --- mdoc ----------------------------------------------------------------------------------------- */

/* A line that begins with '.' or ''' would be a request; a '-' must stay one that can be copied; '\' starts
 * an escape; and a sentence starts a line, for roff sets the space behind it. */
static void mdoc_put(FILE *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool first = i == 0 || strchr(" \n", text[i - 1]);

        if (text[i] == '\\')
            (void)fputs("\\e", out);
        else if (text[i] == '-')
            (void)fputs("\\-", out);
        else if (text[i] == ' ' && i && text[i - 1] == '.' && i + 1 < len && text[i + 1] != '.')
            (void)fputc('\n', out);
        else
            (void)fprintf(out, "%s%c", first && strchr(".'", text[i]) ? "\\&" : "", text[i]);
    }
}

static void mdoc_text(FILE *out, const char *text)
{
    CLEANUP(vnl_str_free) char *escaped = NULL;
    size_t size = 0;
    FILE *mem = open_memstream(&escaped, &size);

    if (!mem)
        return;
    mdoc_put(mem, text, strlen(text));
    if (fclose(mem) == 0)
        vnl_help_fold(out, escaped, "", 78, ".Pp\n");
}

static void mdoc_head(FILE *out, const char *page, const char *summary)
{
    (void)fputs(".\\\" Made from the command table: vnetlab manual man\n.Dd " MAN_DATE "\n.Dt ", out);
    for (const char *p = page; *p; p++)
        (void)fputc(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p, out);
    (void)fprintf(out, " 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", page, summary);
}

/* "-l, --lab LAB" as "Fl l , Fl -lab Ar LAB". */
static void mdoc_opt(FILE *out, const struct vnl_opt *opt)
{
    (void)fputs(".It ", out);
    if (opt->alias)
        (void)fprintf(out, "Fl %s , ", opt->alias + 1);
    (void)fprintf(out, "Fl %s", opt->name + 1);
    if (opt->value)
        (void)fprintf(out, " Ar %s", opt->value);
    (void)fputc('\n', out);
    mdoc_text(out, opt->help);
}

static void mdoc_synopsis_operands(FILE *out, const struct vnl_cmd *cmd)
{
    struct vnl_operands declared = { .n = 0 };

    (void)vnl_operands_parse(cmd->operands, &declared);
    for (size_t i = 0; i < declared.n; i++) {
        const struct vnl_operand *operand = &declared.items[i];

        (void)fprintf(out, ".%s%sAr %s%s\n", operand->optional ? "Op " : "", operand->behind ? "Fl - " : "",
                      operand->name, operand->repeated ? " ..." : "");
    }
}

static void mdoc_synopsis(FILE *out, const struct vnl_cmd *cmd)
{
    (void)fprintf(out, ".Sh SYNOPSIS\n.Nm \"vnetlab %s\"\n", cmd->name);
    for (size_t i = 0; i < vnl_cmd_n_opts(cmd); i++) {
        const struct vnl_opt *opt = &cmd->opts[i];

        (void)fprintf(out, ".Op Fl %s%s%s\n", opt->name + 1, opt->value ? " Ar " : "",
                      opt->value ? opt->value : "");
    }
    if (cmd->flags & CMD_LAB)
        (void)fputs(".Op Fl l Ar LAB\n", out);
    if (cmd->flags & CMD_JSON)
        (void)fputs(".Op Fl o Ar text|json\n", out);
    mdoc_synopsis_operands(out, cmd);
}

static void mdoc_options(FILE *out, const struct vnl_cmd *cmd)
{
    struct vnl_opt common[VNL_COMMON_OPTS_MAX];
    size_t n_common = vnl_common_opts(cmd, common);

    (void)fputs(".Pp\nThe options are as follows:\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < vnl_cmd_n_opts(cmd); i++)
        mdoc_opt(out, &cmd->opts[i]);
    for (size_t i = 0; i < n_common; i++)
        mdoc_opt(out, &common[i]);
    (void)fputs(".El\n", out);
}

static void mdoc_terms(FILE *out, const char *title, const char *macro, const struct vnl_help_term *terms)
{
    (void)fprintf(out, ".Sh %s\n.Bl -tag -width Ds\n", title);
    for (; terms->word; terms++) {
        (void)fprintf(out, ".It %s%s\n", macro, terms->word);
        mdoc_text(out, terms->text);
    }
    (void)fputs(".El\n", out);
}

static void mdoc_examples(FILE *out, const char *examples)
{
    struct vnl_example example;

    (void)fputs(".Sh EXAMPLES\n.Bl -tag -width Ds\n", out);
    while (vnl_example_next(&examples, &example)) {
        (void)fputs(".It Li \"", out);
        mdoc_put(out, example.command, (size_t)example.command_len);
        (void)fputs("\"\n", out);
        mdoc_put(out, example.comment_len ? example.comment : "as it is",
                 example.comment_len ? (size_t)example.comment_len : 8);
        (void)fputc('\n', out);
    }
    (void)fputs(".El\n", out);
}

void vnl_manual_command(FILE *out, const struct vnl_cmd *cmd)
{
    char page[64];

    (void)snprintf(page, sizeof(page), "vnetlab-%s", cmd->name);
    mdoc_head(out, page, cmd->summary);
    mdoc_synopsis(out, cmd);
    (void)fputs(".Sh DESCRIPTION\n", out);
    mdoc_text(out, cmd->details);
    mdoc_options(out, cmd);
    mdoc_terms(out, "EXIT STATUS", "", vnl_help_exits);
    if (cmd->examples)
        mdoc_examples(out, cmd->examples);
    (void)fputs(".Sh SEE ALSO\n.Xr vnetlab 1\n", out);
}

static int cmd_cmp(const void *a, const void *b)
{
    return strcmp((*(const struct vnl_cmd *const *)a)->name, (*(const struct vnl_cmd *const *)b)->name);
}

static void mdoc_see_also(FILE *out)
{
    const struct vnl_cmd *sorted[64];
    size_t n = 0;

    for (size_t i = 0; i < vnl_n_cmds && n < ARRAY_SIZE(sorted); i++) {
        if (!(vnl_cmds[i].flags & CMD_HIDDEN))
            sorted[n++] = &vnl_cmds[i];
    }
    qsort(sorted, n, sizeof(sorted[0]), cmd_cmp);
    (void)fputs(".Sh SEE ALSO\n", out);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, ".Xr vnetlab-%s 1%s\n", sorted[i]->name, i + 1 < n ? " ," : "");
}

void vnl_manual_overview(FILE *out)
{
    mdoc_head(out, "vnetlab", "Azure virtual networking with real packets");
    (void)fputs(".Sh SYNOPSIS\n.Nm\n.Ar COMMAND\n.Op Ar OPTION ...\n.Op Ar OPERAND ...\n"
                ".Nm\n.Fl -version\n.Sh DESCRIPTION\n",
                out);
    mdoc_text(out, vnl_help_about);
    (void)fputs(".Pp\nThe commands are as follows; each has a page of its own.\n.Bl -tag -width completion\n",
                out);
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        if (vnl_cmds[i].flags & CMD_HIDDEN)
            continue;
        (void)fprintf(out, ".It Cm %s\n", vnl_cmds[i].name);
        mdoc_text(out, vnl_cmds[i].summary);
    }
    (void)fputs(".El\n", out);
    mdoc_terms(out, "ENVIRONMENT", "Ev ", vnl_help_environment);
    mdoc_terms(out, "FILES", "Pa ", vnl_help_files);
    mdoc_terms(out, "EXIT STATUS", "", vnl_help_exits);
    mdoc_see_also(out);
}

/* --- markdown ------------------------------------------------------------------------------------- */

/* A table's cell as code; bars would end the cell. */
static void md_code(FILE *out, const char *text)
{
    (void)fputc('`', out);
    for (; *text; text++)
        (void)fprintf(out, "%s%c", *text == '|' ? "\\" : "", *text);
    (void)fputc('`', out);
}

static void md_row(FILE *out, const char *code, const char *text)
{
    (void)fputs("| ", out);
    md_code(out, code);
    (void)fprintf(out, " | %s |\n", text);
}

static void md_terms(FILE *out, const char *title, const char *column, const struct vnl_help_term *terms)
{
    (void)fprintf(out, "\n## %s\n\n| %s | |\n|---|---|\n", title, column);
    for (; terms->word; terms++)
        md_row(out, terms->word, terms->text);
}

static void md_options(FILE *out, const struct vnl_cmd *cmd)
{
    struct vnl_opt common[VNL_COMMON_OPTS_MAX];
    size_t n_own = vnl_cmd_n_opts(cmd), n_common = vnl_common_opts(cmd, common);
    char buf[96];

    (void)fputs("\n| option | |\n|---|---|\n", out);
    for (size_t i = 0; i < n_own; i++)
        md_row(out, vnl_opt_format(buf, &cmd->opts[i]), cmd->opts[i].help);
    for (size_t i = 0; i < n_common; i++)
        md_row(out, vnl_opt_format(buf, &common[i]), common[i].help);
}

static void md_command(FILE *out, const struct vnl_cmd *cmd)
{
    (void)fprintf(out, "\n## vnetlab %s\n\n```\n%svnetlab %s [OPTION...]%s%s\n```\n\n", cmd->name,
                  cmd->flags & CMD_ROOT ? "sudo " : "", cmd->name, *cmd->operands ? " " : "", cmd->operands);
    vnl_help_fold(out, cmd->details, "", 120, "\n");
    md_options(out, cmd);
    if (cmd->examples)
        (void)fprintf(out, "\n```console\n%s\n```\n", cmd->examples);
}

void vnl_manual_markdown(FILE *out)
{
    (void)fputs("# The command line\n\n<!-- Made from the command table by `make docs/cli.md`: edit "
                "ctl/cli/cmds.c. -->\n\n",
                out);
    vnl_help_fold(out, vnl_help_about, "", 120, "\n");
    (void)fputs("\nOptions may stand before or behind operands; `--` ends them. Commands with `-o json` "
                "print their errors as JSON "
                "too, in\nARM's shape, on standard error.\n\n| command | |\n|---|---|\n",
                out);
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        if (!(vnl_cmds[i].flags & CMD_HIDDEN))
            (void)fprintf(out, "| [`%s`](#vnetlab-%s) | %s |\n", vnl_cmds[i].name, vnl_cmds[i].name,
                          vnl_cmds[i].summary);
    }
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        if (!(vnl_cmds[i].flags & CMD_HIDDEN))
            md_command(out, &vnl_cmds[i]);
    }
    md_terms(out, "Exit status", "status", vnl_help_exits);
    md_terms(out, "Environment", "variable", vnl_help_environment);
    md_terms(out, "Files", "path", vnl_help_files);
}

/* --- the command ---------------------------------------------------------------------------------- */

/* cmd NULL: the overview. */
static int write_page(const char *dir, const struct vnl_cmd *cmd, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = NULL;
    FILE *out;

    if (asprintf(&path, "%s/vnetlab%s%s.1", dir, cmd ? "-" : "", cmd ? cmd->name : "") < 0)
        return vnl_fail(err, ENOMEM, "man page");
    out = fopen(path, "we");
    if (!out)
        return vnl_fail(err, errno, "%s: %s", path, strerror(errno));
    if (cmd)
        vnl_manual_command(out, cmd);
    else
        vnl_manual_overview(out);
    return fclose(out) == 0 ? 0 : vnl_fail(err, EIO, "%s: cannot be written", path);
}

static int write_pages(const char *dir, struct vnl_err **err)
{
    int r;

    if (mkdir(dir, 0777) < 0 && errno != EEXIST)
        return vnl_fail(err, errno, "%s: %s", dir, strerror(errno));
    r = write_page(dir, NULL, err);
    for (size_t i = 0; r >= 0 && i < vnl_n_cmds; i++) {
        if (!(vnl_cmds[i].flags & CMD_HIDDEN))
            r = write_page(dir, &vnl_cmds[i], err);
    }
    return r;
}

int vnl_cmd_manual(const struct vnl_args *args, struct vnl_err **err)
{
    if (!strcmp(args->operands[0], "man"))
        return write_pages(args->n_operands > 1 ? args->operands[1] : ".", err);
    vnl_manual_markdown(stdout);
    return VNL_EXIT_OK;
}
