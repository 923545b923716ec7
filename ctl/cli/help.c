#include "help.h"

#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cmds.h"
#include "out.h"

#include "vnetlab/err.h"

const char vnl_help_about[] = "vnetlab builds Azure virtual networks on this machine, with real packets. A "
                              "lab file describes virtual networks, peerings "
                              "and virtual machines; 'vnetlab up' makes them from network namespaces and "
                              "eBPF programs of the Linux kernel. What Azure "
                              "would drop is dropped, and vnetlab can say why.";

const struct vnl_help_term vnl_help_exits[] = {
    { "0", "it worked, the answer is yes" },
    { "1", "the answer is no: an expectation of 'check' was not met" },
    { "2", "usage, or a mistake in the input" },
    { "3", "the system refused: permission, a kernel feature, a busy lab" },
    { NULL, NULL },
};

const struct vnl_help_term vnl_help_environment[] = {
    { "VNETLAB_LAB", "the lab that commands are about when -l is not given" },
    { "VNETLAB_STATE_DIR", "where labs are stored instead of /var/lib/vnetlab" },
    { "VNETLAB_RUN_DIR", "where running labs are mounted instead of /run/vnetlab" },
    { "NO_COLOR", "when not empty: no colours, on terminals too" },
    { NULL, NULL },
};

const struct vnl_help_term vnl_help_files[] = {
    { "/var/lib/vnetlab/LAB.db", "what was asked for: one database per lab" },
    { "/run/vnetlab/LAB", "namespaces and programs of a running lab" },
    { "/run/netns/LAB.VM", "name of a virtual machine's namespace for 'ip netns'" },
    { NULL, NULL },
};

const char *vnl_opt_format(char buf[96], const struct vnl_opt *opt)
{
    (void)snprintf(buf, 96, "%s%s%s%s%s", opt->alias ? opt->alias : "", opt->alias ? ", " : "", opt->name,
                   opt->value ? " " : "", opt->value ? opt->value : "");
    return buf;
}

bool vnl_example_next(const char **examples, struct vnl_example *ret)
{
    const char *line = *examples;
    size_t len = line ? strcspn(line, "\n") : 0;
    const char *comment = len ? memmem(line, len, " # ", 3) : NULL;
    size_t command_len;

    if (!len)
        return false;
    *examples = line + len + (line[len] == '\n');
    command_len = comment ? (size_t)(comment - line) : len;
    while (command_len > 2 && line[command_len - 1] == ' ')
        command_len--;
    *ret = (struct vnl_example){ .command = line + 2, .command_len = (int)command_len - 2 };
    if (comment) {
        ret->comment = comment + 3;
        ret->comment_len = (int)(line + len - ret->comment);
    }
    return true;
}

void vnl_help_fold(FILE *out, const char *text, const char *indent, int width, const char *between)
{
    int column = 0;

    while (*text) {
        int len = (int)strcspn(text, " \n");

        if (column && column + 1 + len > width) {
            (void)fputc('\n', out);
            column = 0;
        }
        (void)fprintf(out, "%s%.*s", column ? " " : indent, len, text);
        column += len + (column ? 1 : (int)strlen(indent));
        text += len;
        if (*text == '\n') {
            (void)fprintf(out, "\n%s", text[1] == '\n' ? between : "");
            column = 0;
        }
        text += strspn(text, " \n");
    }
    (void)fputc('\n', out);
}

/* --- --help --------------------------------------------------------------------------------------- */

static void print_title(FILE *out, const char *title)
{
    bool colour = vnl_out_colour(out);

    (void)fprintf(out, "\n%s%s%s\n", vnl_tone_start(VNL_TONE_TITLE, colour), title,
                  vnl_tone_start(VNL_TONE_PLAIN, colour));
}

static void print_usage(FILE *out, const struct vnl_cmd *cmd)
{
    (void)fprintf(out, "vnetlab %s [OPTION...]%s%s\n", cmd->name, *cmd->operands ? " " : "", cmd->operands);
}

static void print_opt(FILE *out, const struct vnl_opt *opt)
{
    char buf[96];

    (void)fprintf(out, "  %-24s  %s\n", vnl_opt_format(buf, opt), opt->help);
}

static void print_options(FILE *out, const struct vnl_cmd *cmd)
{
    struct vnl_opt common[VNL_COMMON_OPTS_MAX];
    size_t n_own = vnl_cmd_n_opts(cmd), n_common = vnl_common_opts(cmd, common);

    print_title(out, "Options");
    for (size_t i = 0; i < n_own; i++)
        print_opt(out, &cmd->opts[i]);
    for (size_t i = 0; i < n_common; i++)
        print_opt(out, &common[i]);
}

static void print_examples(FILE *out, const char *examples)
{
    print_title(out, "Examples");
    for (const char *line = examples; *line;) {
        size_t len = strcspn(line, "\n");

        (void)fprintf(out, "  %.*s\n", (int)len, line);
        line += len + (line[len] == '\n');
    }
}

void vnl_help_command(FILE *out, const struct vnl_cmd *cmd)
{
    (void)fprintf(out, "vnetlab %s: %s\n", cmd->name, cmd->summary);
    print_title(out, "Usage");
    (void)fputs("  ", out);
    print_usage(out, cmd);
    if (cmd->details) {
        (void)fputc('\n', out);
        vnl_help_fold(out, cmd->details, "", 80, "\n");
    }
    print_options(out, cmd);
    if (cmd->examples)
        print_examples(out, cmd->examples);
}

void vnl_help_overview(FILE *out)
{
    (void)fputs("vnetlab: Azure virtual networking on this machine, with real packets\n", out);
    print_title(out, "Usage");
    (void)fputs("  vnetlab COMMAND [OPTION...] [OPERAND...]\n", out);
    print_title(out, "Commands");
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        if (!(vnl_cmds[i].flags & CMD_HIDDEN))
            (void)fprintf(out, "  %-10s  %s\n", vnl_cmds[i].name, vnl_cmds[i].summary);
    }
    print_title(out, "Start here");
    (void)fputs("  vnetlab doctor           is this machine ready?\n"
                "  sudo vnetlab up FILE     create the lab that FILE describes\n"
                "  vnetlab help COMMAND     options and examples of a command\n"
                "  vnetlab --version        which version this is\n",
                out);
}

/* --- the commands behind it ----------------------------------------------------------------------- */

int vnl_cmd_help(const struct vnl_args *args, struct vnl_err **err)
{
    const struct vnl_cmd *cmd = NULL;

    if (!args->n_operands) {
        vnl_help_overview(stdout);
        return VNL_EXIT_OK;
    }
    cmd = vnl_cmd_lookup(args->operands[0]);
    if (!cmd)
        return vnl_cmd_fail_unknown(args->operands[0], err);
    vnl_help_command(stdout, cmd);
    return VNL_EXIT_OK;
}
