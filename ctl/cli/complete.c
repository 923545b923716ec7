/* Completion: three small scripts that ask `vnetlab complete`, and the answers. A shell waits for each answer
 * at every Tab, so it is quick, and silent about everything that goes wrong: no words means that the shell
 * offers files. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cmds.h"
#include "resources.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

static const char script_bash[] = "# bash completion for vnetlab\n"
                                  "_vnetlab() {\n"
                                  "    mapfile -t COMPREPLY < <(\"${COMP_WORDS[0]}\" complete -- "
                                  "\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
                                  "}\n"
                                  "complete -o default -F _vnetlab vnetlab\n";

static const char script_zsh[] =
    "#compdef vnetlab\n"
    "# zsh completion for vnetlab\n"
    "_vnetlab() {\n"
    "    local -a found\n"
    "    found=(\"${(@f)$(\"${(Q)words[1]}\" complete -- \"${(@Q)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
    "    if [[ -n \"${found[1]}\" ]]; then\n"
    "        compadd -a found\n"
    "    else\n"
    "        _files\n"
    "    fi\n"
    "}\n"
    "if [[ \"${funcstack[1]}\" == _vnetlab ]]; then _vnetlab \"$@\"; else compdef _vnetlab vnetlab; fi\n";

static const char script_fish[] =
    "# fish completion for vnetlab\n"
    "function __vnetlab_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l current (commandline -ct)\n"
    "    set -l found (vnetlab complete -- $words[2..-1] \"$current\" 2>/dev/null)\n"
    "    if test (count $found) -gt 0\n"
    "        printf '%s\\n' $found\n"
    "    else\n"
    "        __fish_complete_path \"$current\"\n"
    "    end\n"
    "end\n"
    "complete -c vnetlab -f -a '(__vnetlab_complete)'\n";

int vnl_cmd_completion(const struct vnl_args *args, struct vnl_err **err)
{
    static const struct {
        const char *shell, *script;
    } scripts[] = { { "bash", script_bash }, { "zsh", script_zsh }, { "fish", script_fish } };

    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        if (!strcmp(scripts[i].shell, args->operands[0])) {
            (void)fputs(scripts[i].script, stdout);
            return VNL_EXIT_OK;
        }
    }
    return vnl_fail(err, EINVAL, "completion: no script for '%s'", args->operands[0]);
}

/* --- answers -------------------------------------------------------------------------------------- */

/* What is on the line in front of the word that is being completed. */
struct context {
    const struct vnl_cmd *cmd;
    const char *current;
    const char *lab;  /* -l */
    const char *file; /* --file: names come from there */
    size_t n_operands;
};

static void offer(const struct context *context, const char *word)
{
    if (!strncmp(word, context->current, strlen(context->current)))
        (void)puts(word);
}

static void offer_commands(const struct context *context)
{
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        if (!(vnl_cmds[i].flags & CMD_HIDDEN))
            offer(context, vnl_cmds[i].name);
    }
    if (context->current[0] == '-') {
        offer(context, "--help");
        offer(context, "--version");
    }
}

static void offer_labs(const struct context *context)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_names_done) struct vnl_names labs = { 0 };

    if (vnl_cmd_labs(&labs, &err) < 0)
        return;
    for (size_t i = 0; i < labs.n; i++)
        offer(context, labs.items[i]);
}

static int load(const struct context *context, struct vnl_lab **ret, struct vnl_err **err)
{
    const struct vnl_args args = { .lab = context->lab };
    CLEANUP(vnl_str_free) char *name = NULL;
    int r;

    if (context->file)
        return vnl_lab_load(context->file, ret, err);
    r = vnl_cmd_pick_stored(&args, &name, err);
    return r < 0 ? r : vnl_cmd_load_stored(name, ret, NULL, err);
}

/* The second instance of an active-active gateway is a guest, and no resource. */
static void offer_instances(const struct context *context, const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_gateways; i++) {
        CLEANUP(vnl_str_free) char *name = NULL;

        if (lab->gateways[i]->active_active && asprintf(&name, "%s.1", lab->gateways[i]->name) >= 0)
            offer(context, name);
    }
}

/* hosts: those of sites too. */
static void offer_resources(const struct context *context, unsigned types, bool hosts)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_resources_done) struct vnl_resources list = { 0 };

    if (load(context, &lab, &err) < 0 || vnl_resources_build(lab, &list, &err) < 0)
        return;
    for (size_t i = 0; i < list.n; i++) {
        if (types & 1u << list.items[i].type && (hosts || !list.items[i].site_host))
            offer(context, list.items[i].name);
    }
    if (types == (1u << VNL_TYPE_MAX) - 1 && (lab->n_connections || lab->n_clients))
        offer(context, "connections");
    else if (types & 1u << VNL_TYPE_VPN_GATEWAY)
        offer_instances(context, lab);
}

static void offer_paths(const struct context *context)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_names_done) struct vnl_names paths = { 0 };

    if (load(context, &lab, &err) < 0 || vnl_lab_set_paths(lab, context->current, &paths, &err) < 0)
        return;
    for (size_t i = 0; i < paths.n; i++)
        offer(context, paths.items[i]);
}

/* "bash|zsh|fish" */
static void offer_choices(const struct context *context, const char *choices)
{
    CLEANUP(vnl_str_free) char *copy = strdup(choices);
    char *rest = NULL;

    for (char *word = copy ? strtok_r(copy, "|", &rest) : NULL; word; word = strtok_r(NULL, "|", &rest))
        offer(context, word);
}

/* By what an operand or an option's value is called in the table. Nothing for FILE: shells know files better.
 */
static void offer_named(const struct context *context, const char *name)
{
    static const struct {
        const char *name;
        unsigned types;
    } resources[] = {
        { "VM", VNL_GUEST_TYPES },
        { "SRC", VNL_GUEST_TYPES },
        { "DST", VNL_GUEST_TYPES | 1u << VNL_TYPE_PUBLIC_IP },
        { "CONNECTION", 1u << VNL_TYPE_CONNECTION },
        { "GATEWAY|CONNECTION", 1u << VNL_TYPE_VPN_GATEWAY | 1u << VNL_TYPE_SITE | 1u << VNL_TYPE_CONNECTION |
                                    1u << VNL_TYPE_CLIENT },
        { "NIC", 1u << VNL_TYPE_NIC },
        { "VNET/PEERING", 1u << VNL_TYPE_PEERING },
        { "RESOURCE", (1u << VNL_TYPE_MAX) - 1 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
        if (!strcmp(name, resources[i].name))
            offer_resources(context, resources[i].types, strcmp(name, "GATEWAY|CONNECTION") != 0);
    }
    if (!strcmp(name, "LAB"))
        offer_labs(context);
    else if (!strcmp(name, "PATH"))
        offer_paths(context);
    else if (!strcmp(name, "COMMAND"))
        offer_commands(context);
    else if (strchr(name, '|') && islower((unsigned char)*name))
        offer_choices(context, name);
}

static const struct vnl_opt *opt_lookup(const struct vnl_cmd *cmd, const struct vnl_opt *common,
                                        size_t n_common, const char *word, const char **ret_value)
{
    size_t n_own = vnl_cmd_n_opts(cmd);

    for (size_t i = 0; i < n_own + n_common; i++) {
        const struct vnl_opt *opt = i < n_own ? &cmd->opts[i] : &common[i - n_own];

        if (vnl_opt_matches(opt, word, ret_value))
            return opt;
    }
    return NULL;
}

/* Walks over the words in front of the current one. Returns the option whose value the current word is, or
 * NULL. */
static const struct vnl_opt *context_fill(struct context *context, const struct vnl_opt *common,
                                          size_t n_common, const char *const *words, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++) {
        const char *value = NULL;
        const struct vnl_opt *opt = opt_lookup(context->cmd, common, n_common, words[i], &value);

        if (words[i][0] != '-')
            context->n_operands++;
        if (!opt || !opt->value)
            continue;
        if (!value && i + 1 == n_words)
            return opt;
        value = value ? value : words[++i];
        context->lab = !strcmp(opt->name, "--lab") ? value : context->lab;
        context->file = !strcmp(opt->name, "--file") ? value : context->file;
    }
    return NULL;
}

static void offer_options(const struct context *context, const struct vnl_opt *common, size_t n_common)
{
    for (size_t i = 0; context->cmd->opts && context->cmd->opts[i].name; i++)
        offer(context, context->cmd->opts[i].name);
    for (size_t i = 0; i < n_common; i++)
        offer(context, common[i].name);
}

static void offer_operand(const struct context *context)
{
    struct vnl_operands declared;
    size_t i = context->n_operands;

    if (vnl_operands_parse(context->cmd->operands, &declared) < 0 || !declared.n)
        return;
    if (i >= declared.n && declared.items[declared.n - 1].repeated)
        i = declared.n - 1;
    if (i < declared.n && !declared.items[i].behind)
        offer_named(context, declared.items[i].name);
}

int vnl_cmd_complete(const struct vnl_args *args, struct vnl_err **err)
{
    size_t n = args->n_operands;
    struct context context = { .current = n ? args->operands[n - 1] : "" };
    struct vnl_opt common[VNL_COMMON_OPTS_MAX];
    const struct vnl_opt *value_of;
    size_t n_common;

    (void)err;
    if (n < 2) {
        offer_commands(&context);
        return VNL_EXIT_OK;
    }
    context.cmd = vnl_cmd_lookup(args->operands[0]);
    for (size_t i = 1; i + 1 < n; i++) {
        if (!strcmp(args->operands[i], "--"))
            context.cmd = NULL; /* the words behind it are not ours */
    }
    if (!context.cmd)
        return VNL_EXIT_OK;
    n_common = vnl_common_opts(context.cmd, common);
    value_of = context_fill(&context, common, n_common, args->operands + 1, n - 2);
    if (value_of)
        offer_named(&context, value_of->value);
    else if (context.current[0] == '-')
        offer_options(&context, common, n_common);
    else
        offer_operand(&context);
    return VNL_EXIT_OK;
}
