/* Reads a command line by the command's table entry.
 *
 * A word is, in this order: anything behind `--`; an option (its value in the same word or the next); an
 * operand. All options are known before the operands are counted, so a mistyped option is reported as that
 * and not as an operand too many. -h wins over every other mistake: who asks for help is not told off. */
#include "args.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"

static const struct vnl_opt opt_json = { "--output", "-o", "text|json",
                                         "how to print: text (default) or json" };
static const struct vnl_opt opt_lab = { "--lab", "-l", "LAB",
                                        "the lab; default: $VNETLAB_LAB, or the only running one" };
static const struct vnl_opt opt_help = { "--help", "-h", NULL, "what the command does" };

size_t vnl_common_opts(const struct vnl_cmd *cmd, struct vnl_opt ret[VNL_COMMON_OPTS_MAX])
{
    size_t n = 0;

    if (cmd->flags & CMD_LAB)
        ret[n++] = opt_lab;
    if (cmd->flags & CMD_JSON)
        ret[n++] = opt_json;
    ret[n++] = opt_help;
    return n;
}

size_t vnl_cmd_n_opts(const struct vnl_cmd *cmd)
{
    size_t n = 0;

    while (cmd->opts && cmd->opts[n].name)
        n++;
    return n;
}

/* --- the declaration of operands ------------------------------------------------------------------ */

static int operand_add(const char *word, size_t len, bool optional, bool behind, struct vnl_operands *list)
{
    struct vnl_operand *operand = &list->items[list->n];

    if (list->n == VNL_OPERANDS_MAX)
        return -EINVAL;
    *operand = (struct vnl_operand){ .optional = optional, .behind = behind };
    if (len > 3 && !strncmp(word + len - 3, "...", 3)) {
        operand->repeated = true;
        len -= 3;
    }
    if (!len || len >= sizeof(operand->name))
        return -EINVAL;
    memcpy(operand->name, word, len);
    list->n++;
    return 0;
}

int vnl_operands_parse(const char *text, struct vnl_operands *ret)
{
    struct vnl_operands list = { .n = 0 };
    bool optional = false, behind = false;

    for (const char *p = text; *p;) {
        size_t len = *p == '[' ? 0 : strcspn(p, optional ? " ]" : " "); /* PROTO[:PORT] is one word */

        if (len == 2 && !strncmp(p, "--", 2))
            behind = true;
        else if (len && operand_add(p, len, optional, behind, &list) < 0)
            return -EINVAL;
        p += len;
        if (*p == '[')
            optional = true;
        if (*p == ']')
            optional = false;
        if (*p)
            p++;
    }
    *ret = list;
    return 0;
}

/* --- words ---------------------------------------------------------------------------------------- */

struct parse {
    const struct vnl_cmd *cmd;
    struct vnl_opt common[VNL_COMMON_OPTS_MAX];
    size_t n_common, n_own;
    const char **operands;
    size_t n_operands;
    size_t n_before; /* operands before "--" */
    bool dashes;     /* "--" was seen */
    const char **values;
    struct vnl_args args;
};

static void parse_done(struct parse *parse)
{
    free(parse->operands);
    free(parse->values);
}

void vnl_args_done(struct vnl_args *args)
{
    free((void *)args->operands);
    free((void *)args->values);
    *args = (struct vnl_args){ 0 };
}

bool vnl_opt_matches(const struct vnl_opt *opt, const char *word, const char **ret_value)
{
    size_t len = strlen(opt->name);

    *ret_value = NULL;
    if (!strncmp(word, opt->name, len) && (!word[len] || word[len] == '=')) {
        *ret_value = word[len] ? word + len + 1 : NULL;
        return true;
    }
    if (!opt->alias || strncmp(word, opt->alias, 2) != 0)
        return false;
    if (word[2] && !opt->value)
        return false; /* flags are not bundled */
    *ret_value = word[2] ? word + 2 + (word[2] == '=') : NULL;
    return true;
}

bool vnl_args_want_json(const char *const *words, size_t n_words)
{
    bool json = false;
    const char *value;

    for (size_t i = 0; i < n_words && strcmp(words[i], "--") != 0; i++) {
        if (!vnl_opt_matches(&opt_json, words[i], &value))
            continue;
        if (!value && i + 1 < n_words)
            value = words[++i];
        json = value && !strcmp(value, "json");
    }
    return json;
}

static const struct vnl_opt *opt_lookup(const struct parse *parse, const char *word, const char **ret_value)
{
    for (size_t i = 0; i < parse->n_own; i++) {
        if (vnl_opt_matches(&parse->cmd->opts[i], word, ret_value))
            return &parse->cmd->opts[i];
    }
    for (size_t i = 0; i < parse->n_common; i++) {
        if (vnl_opt_matches(&parse->common[i], word, ret_value))
            return &parse->common[i];
    }
    return NULL;
}

/* "did you mean '--wait'?", or where the options are listed. */
static int fail_unknown_option(const struct parse *parse, const char *word, struct vnl_err **err)
{
    const char *names[16];
    CLEANUP(vnl_str_free) char *bare = strndup(word, strcspn(word, "="));
    CLEANUP(vnl_str_free) char *hint = NULL;
    const char *nearest;
    size_t n = 0;

    for (size_t i = 0; i < parse->n_own && n < ARRAY_SIZE(names) - VNL_COMMON_OPTS_MAX; i++)
        names[n++] = parse->cmd->opts[i].name;
    for (size_t i = 0; i < parse->n_common; i++)
        names[n++] = parse->common[i].name;
    nearest = bare ? vnl_nearest(bare, names, n) : NULL;
    if (nearest ? asprintf(&hint, "did you mean '%s'?", nearest) < 0
                : asprintf(&hint, "'vnetlab %s --help' lists its options", parse->cmd->name) < 0)
        hint = NULL;
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, hint, "%s: unknown option '%s'", parse->cmd->name,
                       word);
}

static int set_output(struct parse *parse, const char *value, struct vnl_err **err)
{
    if (strcmp(value, "text") != 0 && strcmp(value, "json") != 0)
        return vnl_fail(err, EINVAL, "%s: -o takes text or json, not '%s'", parse->cmd->name, value);
    parse->args.json = !strcmp(value, "json");
    return 0;
}

static int opt_set(struct parse *parse, const struct vnl_opt *opt, const char *value, struct vnl_err **err)
{
    if (!strcmp(opt->name, opt_help.name))
        parse->args.help = true;
    else if (!strcmp(opt->name, opt_lab.name) && (parse->cmd->flags & CMD_LAB))
        parse->args.lab = value;
    else if (!strcmp(opt->name, opt_json.name) && (parse->cmd->flags & CMD_JSON))
        return set_output(parse, value, err);
    else
        parse->values[opt - parse->cmd->opts] = value;
    return 0;
}

/* Takes one option, and the next word when that is its value. */
static int take_option(struct parse *parse, const char *const *words, size_t n_words, size_t *i,
                       struct vnl_err **err)
{
    const char *word = words[*i], *value = NULL;
    const struct vnl_opt *opt = opt_lookup(parse, word, &value);

    if (!opt)
        return fail_unknown_option(parse, word, err);
    if (!opt->value && value)
        return vnl_fail(err, EINVAL, "%s: %s takes no value", parse->cmd->name, opt->name);
    if (opt->value && !value) {
        if (*i + 1 >= n_words || !strcmp(words[*i + 1], "--"))
            return vnl_fail(err, EINVAL, "%s: %s needs a value: %s", parse->cmd->name, word, opt->value);
        value = words[++*i];
    }
    if (opt->value && !*value)
        return vnl_fail(err, EINVAL, "%s: the value of %s is empty", parse->cmd->name, opt->name);
    return opt_set(parse, opt, opt->value ? value : "", err);
}

static int take_words(struct parse *parse, const char *const *words, size_t n_words, struct vnl_err **err)
{
    int r;

    for (size_t i = 0; i < n_words; i++) {
        if (!parse->dashes && !strcmp(words[i], "--")) {
            parse->dashes = true;
            parse->n_before = parse->n_operands;
        } else if (!parse->dashes && words[i][0] == '-' && words[i][1]) {
            r = take_option(parse, words, n_words, &i, err);
            if (r < 0)
                return r;
        } else {
            parse->operands[parse->n_operands++] = words[i];
        }
    }
    if (!parse->dashes)
        parse->n_before = parse->n_operands;
    return 0;
}

/* --- the operands against their declaration ------------------------------------------------------- */

/* "up: missing 'FILE'", and below it how the command is typed. */
static int fail_usage(const struct vnl_cmd *cmd, const char *what, const char *word, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (asprintf(&hint, "vnetlab %s%s%s", cmd->name, *cmd->operands ? " " : "", cmd->operands) < 0)
        hint = NULL;
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, hint, "%s: %s '%s'", cmd->name, what, word);
}

/* "bash|zsh|fish": one of these words. Names in capitals take anything. */
static int check_choice(const struct vnl_cmd *cmd, const struct vnl_operand *operand, const char *word,
                        struct vnl_err **err)
{
    size_t len = strlen(word);

    if (isupper((unsigned char)operand->name[0]))
        return 0;
    for (const char *p = operand->name; *p; p += strspn(p, "|")) {
        size_t n = strcspn(p, "|");

        if (n == len && !strncmp(p, word, n))
            return 0;
        p += n;
    }
    return vnl_fail(err, EINVAL, "%s: takes %s, not '%s'", cmd->name, operand->name, word);
}

/* The operands on one side of "--" against those declared for that side. */
static int check_side(const struct parse *parse, const struct vnl_operands *declared, bool behind,
                      const char *const *words, size_t n_words, struct vnl_err **err)
{
    size_t used = 0;

    for (size_t i = 0; i < declared->n; i++) {
        const struct vnl_operand *operand = &declared->items[i];
        size_t first = used;

        if (operand->behind != behind)
            continue;
        used = operand->repeated ? n_words : used + (used < n_words);
        if (used == first && (!operand->optional || (behind && parse->dashes)))
            return fail_usage(parse->cmd, behind ? "nothing behind '--': missing" : "missing", operand->name,
                              err);
        for (size_t k = first; k < used; k++) {
            int r = check_choice(parse->cmd, operand, words[k], err);

            if (r < 0)
                return r;
        }
    }
    return used < n_words ? fail_usage(parse->cmd, "one operand too many:", words[used], err) : 0;
}

static bool has_behind(const struct vnl_operands *declared)
{
    for (size_t i = 0; i < declared->n; i++) {
        if (declared->items[i].behind)
            return true;
    }
    return false;
}

/* `exec vm-1 ping 10.1.0.4`: the most common slip deserves the line that would have worked. */
static int fail_needs_dashes(const struct parse *parse, size_t n_declared, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (asprintf(&hint, "vnetlab %s %s -- %s", parse->cmd->name, parse->operands[0],
                 parse->operands[n_declared]) < 0)
        hint = NULL;
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, hint, "%s: put '--' before the command '%s'",
                       parse->cmd->name, parse->operands[n_declared]);
}

static int check_operands(const struct parse *parse, struct vnl_err **err)
{
    struct vnl_operands declared;
    size_t n_before = parse->n_before, n_front = 0;
    int r = vnl_operands_parse(parse->cmd->operands, &declared);

    if (r < 0)
        return vnl_fail(err, EINVAL, "%s: its operands '%s' cannot be read", parse->cmd->name,
                        parse->cmd->operands);
    if (!has_behind(&declared))
        return check_side(parse, &declared, false, parse->operands, parse->n_operands, err);
    while (n_front < declared.n && !declared.items[n_front].behind)
        n_front++;
    if (!parse->dashes && n_before > n_front && n_front > 0)
        return fail_needs_dashes(parse, n_front, err);
    r = check_side(parse, &declared, false, parse->operands, n_before, err);
    return r < 0 ? r
                 : check_side(parse, &declared, true, parse->operands + n_before,
                              parse->n_operands - n_before, err);
}

static bool asks_help(const char *const *words, size_t n_words)
{
    for (size_t i = 0; i < n_words && strcmp(words[i], "--") != 0; i++) {
        if (!strcmp(words[i], "-h") || !strcmp(words[i], "--help"))
            return true;
    }
    return false;
}

int vnl_args_parse(const struct vnl_cmd *cmd, const char *const *words, size_t n_words, struct vnl_args *ret,
                   struct vnl_err **err)
{
    CLEANUP(parse_done) struct parse parse = { .cmd = cmd, .n_own = vnl_cmd_n_opts(cmd) };
    int r = 0;

    parse.n_common = vnl_common_opts(cmd, parse.common);
    parse.operands = calloc(n_words + 1, sizeof(*parse.operands));
    parse.values = calloc(parse.n_own + 1, sizeof(*parse.values));
    if (!parse.operands || !parse.values)
        return vnl_fail(err, ENOMEM, "command line");
    parse.args.help = asks_help(words, n_words);
    if (!parse.args.help)
        r = take_words(&parse, words, n_words, err);
    if (r >= 0 && !parse.args.help)
        r = check_operands(&parse, err);
    if (r < 0)
        return r;
    parse.args.command = cmd->name;
    parse.args.n_operands = parse.n_operands;
    parse.args.operands = TAKE_PTR(parse.operands);
    parse.args.values = TAKE_PTR(parse.values);
    *ret = parse.args;
    return 0;
}
