/* Finds the command, reads its words, runs it, prints what went wrong. The one place where an errno becomes
 * an exit status. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "cmds.h"
#include "help.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/cmd.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

/* The words of the command line; options that stood before the command are moved behind it. */
struct line {
    const char *command; /* NULL: none was given */
    const char **words;
    size_t n_words;
    bool help, version; /* asked for instead of a command */
};

static void line_done(struct line *line)
{
    free(line->words);
}

/* An option before the command: does the next word belong to it? Only options that nearly every command has
 * are taken there. */
static int front_option(const char *word, bool *ret_has_value, struct vnl_err **err)
{
    static const struct vnl_opt front[] = {
        { "--output", "-o", "text|json", NULL },
        { "--lab", "-l", "LAB", NULL },
    };
    const char *value;

    for (size_t i = 0; i < ARRAY_SIZE(front); i++) {
        if (vnl_opt_matches(&front[i], word, &value)) {
            *ret_has_value = !value;
            return 0;
        }
    }
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, "'vnetlab help' lists commands and options",
                       "unknown option '%s'", word);
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
    return !strcmp(word, a) || !strcmp(word, b);
}

static int line_parse(int argc, char *const argv[], struct line *line, struct vnl_err **err)
{
    bool has_value = false;

    line->words = calloc((size_t)argc + 1, sizeof(*line->words));
    if (!line->words)
        return vnl_fail(err, ENOMEM, "command line");
    for (int i = 1; i < argc; i++) {
        if (line->command || has_value) {
            line->words[line->n_words++] = argv[i];
            has_value = false;
        } else if (is_one_of(argv[i], "-h", "--help")) {
            line->help = true;
            line->words[line->n_words++] = argv[i];
        } else if (is_one_of(argv[i], "-V", "--version")) {
            line->version = true;
        } else if (argv[i][0] != '-') {
            line->command = argv[i];
        } else if (front_option(argv[i], &has_value, err) < 0) {
            return -EINVAL;
        } else {
            line->words[line->n_words++] = argv[i];
        }
    }
    return 0;
}

/* --- root ----------------------------------------------------------------------------------------- */

/* A word as a shell would have to be given it. */
static void print_word(FILE *out, const char *word)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,@%+";

    if (*word && !word[strspn(word, safe)]) {
        (void)fputs(word, out);
        return;
    }
    (void)fputc('\'', out);
    for (; *word; word++)
        (void)(*word == '\'' ? fputs("'\\''", out) : fputc(*word, out));
    (void)fputc('\'', out);
}

/* "sudo vnetlab up lab.yaml": what was typed, with sudo. NULL without memory. */
static char *sudo_line(int argc, char *const argv[])
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    (void)fputs("sudo vnetlab", out);
    for (int i = 1; i < argc; i++) {
        (void)fputc(' ', out);
        print_word(out, argv[i]);
    }
    (void)fclose(out);
    return text;
}

static int need_root(const struct vnl_cmd *cmd, int argc, char *const argv[], struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *line = NULL;

    if (!(cmd->flags & CMD_ROOT) || geteuid() == 0)
        return 0;
    line = sudo_line(argc, argv);
    return vnl_fail(err, EPERM, "%s needs root: %s", cmd->name, line ? line : "sudo vnetlab");
}

/* Whoever was refused a file without being root is told what would have worked. */
static void hint_sudo(int r, int argc, char *const argv[], struct vnl_err *err)
{
    char *line;

    if ((r != -EACCES && r != -EPERM) || !err || geteuid() == 0 || strstr(err->msg, "sudo vnetlab"))
        return;
    line = sudo_line(argc, argv);
    if (!line)
        return;
    free(err->hint);
    err->hint = line;
}

/* --- running -------------------------------------------------------------------------------------- */

/* Mistakes of the user are 2, whatever the system refused is 3. A command that knows better returns the
 * status itself. */
static int exit_status(int r)
{
    static const int user[] = { EINVAL, ENOENT, E2BIG, EFBIG, EISDIR, ENOTDIR, ENAMETOOLONG, EEXIST };

    if (r >= 0)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(user); i++) {
        if (r == -user[i])
            return VNL_EXIT_USAGE;
    }
    return VNL_EXIT_SYSTEM;
}

static void print_errors(const struct vnl_err *err, bool json)
{
    CLEANUP(vnl_json_free) struct vnl_json *value = NULL;
    CLEANUP(vnl_str_free) char *text = NULL;

    if (!err)
        return;
    value = json ? vnl_err_to_json(err) : NULL;
    if (value && vnl_json_format(value, 2, &text, NULL) >= 0)
        (void)fprintf(stderr, "%s\n", text);
    else
        vnl_err_print(stderr, err);
}

static int run(const struct line *line, int argc, char *const argv[], struct vnl_err **err)
{
    CLEANUP(vnl_args_done) struct vnl_args args = { 0 };
    const struct vnl_cmd *cmd = vnl_cmd_lookup(line->command);
    int r;

    if (!cmd)
        return vnl_cmd_fail_unknown(line->command, err);
    r = vnl_args_parse(cmd, line->words, line->n_words, &args, err);
    if (r < 0)
        return r;
    if (args.help) {
        vnl_help_command(stdout, cmd);
        return VNL_EXIT_OK;
    }
    r = need_root(cmd, argc, argv, err);
    return r < 0 ? r : cmd->run(&args, err);
}

/* What was printed must have arrived: a full disk behind `> file` is an error, a reader that went away has
 * ended us before. */
static int flush_output(struct vnl_err **err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return vnl_fail(err, EIO, "cannot write the output: %s", strerror(errno));
}

int main(int argc, char *argv[])
{
    CLEANUP(line_done) struct line line = { 0 };
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r = line_parse(argc, argv, &line, &err), flushed;

    if (r < 0 || line.command) {
        r = r < 0 ? r : run(&line, argc, argv, &err);
    } else if (line.version) {
        (void)printf("vnetlab %s\n", vnl_version());
    } else {
        vnl_help_overview(line.help ? stdout : stderr);
        r = line.help ? VNL_EXIT_OK : VNL_EXIT_USAGE;
    }
    flushed = flush_output(&err);
    if (r < 0 && !err)
        (void)vnl_fail(&err, -r, "%s", strerror(-r));
    hint_sudo(r, argc, argv, err);
    print_errors(err, vnl_args_want_json(line.words, line.n_words));
    return exit_status(r >= 0 && flushed < 0 ? flushed : r);
}
