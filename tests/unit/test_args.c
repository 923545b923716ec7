/* Command lines by table: options anywhere, operands counted, mistakes told with what would have worked. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../ctl/cli/args.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"

enum { OPT_WAIT, OPT_FILE };
static const struct vnl_opt opts[] = {
    [OPT_WAIT] = { "--wait", "-w", NULL, "wait" },
    [OPT_FILE] = { "--file", "-f", "FILE", "from FILE" },
    { NULL },
};

static const struct vnl_cmd cmd_up = {
    .name = "up", .operands = "FILE", .flags = CMD_JSON | CMD_LAB, .opts = opts
};
static const struct vnl_cmd cmd_ls = { .name = "ls", .operands = "" };
static const struct vnl_cmd cmd_down = { .name = "down", .operands = "[LAB]" };
static const struct vnl_cmd cmd_many = { .name = "validate", .operands = "FILE..." };
static const struct vnl_cmd cmd_exec = { .name = "exec", .operands = "VM [-- COMMAND...]", .flags = CMD_LAB };
static const struct vnl_cmd cmd_shell = { .name = "completion", .operands = "bash|zsh|fish" };

#define WORDS(...)                                                                                           \
    (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)

/* What is printed for the mistake in these words; "" when there is none. */
static const char *mistake(const struct vnl_cmd *cmd, const char *const *words, size_t n)
{
    static char text[512];
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_args_done) struct vnl_args args = { 0 };
    int r = vnl_args_parse(cmd, words, n, &args, &err);
    FILE *out = fmemopen(text, sizeof(text), "w");

    memset(text, 0, sizeof(text));
    vnl_err_print(out, err);
    fclose(out);
    assert_int_equal(r, err ? -EINVAL : 0);
    if (r < 0)
        assert_null(args.operands); /* untouched on failure */
    return text;
}

static void options_stand_before_and_behind_operands(void **state)
{
    CLEANUP(vnl_args_done) struct vnl_args args = { 0 };

    (void)state;
    assert_int_equal(vnl_args_parse(&cmd_up, WORDS("-w", "lab.yaml", "-o", "json", "--lab=a"), &args, NULL),
                     0);
    assert_string_equal(args.command, "up");
    assert_int_equal(args.n_operands, 1);
    assert_string_equal(args.operands[0], "lab.yaml");
    assert_null(args.operands[1]);
    assert_string_equal(args.lab, "a");
    assert_true(args.json);
    assert_string_equal(args.values[OPT_WAIT], "");
    assert_null(args.values[OPT_FILE]);
}

static void values_are_taken_in_every_spelling(void **state)
{
    static const char *const spellings[][2] = {
        { "--file=x", NULL }, { "--file", "x" }, { "-f", "x" }, { "-fx", NULL }, { "-f=x", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
        CLEANUP(vnl_args_done) struct vnl_args args = { 0 };
        const char *words[] = { "lab.yaml", spellings[i][0], spellings[i][1] };

        assert_int_equal(vnl_args_parse(&cmd_up, words, spellings[i][1] ? 3 : 2, &args, NULL), 0);
        assert_string_equal(args.values[OPT_FILE], "x");
    }
}

static void dashes_end_options(void **state)
{
    CLEANUP(vnl_args_done) struct vnl_args args = { 0 };

    (void)state;
    assert_int_equal(
        vnl_args_parse(&cmd_exec, WORDS("vm-1", "-l", "a", "--", "ping", "-l", "4", "--", "-h"), &args, NULL),
        0);
    assert_int_equal(args.n_operands, 6);
    assert_string_equal(args.operands[1], "ping");
    assert_string_equal(args.operands[4], "--");
    assert_string_equal(args.operands[5], "-h");
    assert_string_equal(args.lab, "a");
    assert_false(args.help);
}

static void help_wins_over_mistakes(void **state)
{
    CLEANUP(vnl_args_done) struct vnl_args args = { 0 };

    (void)state;
    assert_int_equal(vnl_args_parse(&cmd_up, WORDS("--nonsense", "a", "b", "--help"), &args, NULL), 0);
    assert_true(args.help);
}

static void mistakes_say_what_would_have_worked(void **state)
{
    (void)state;
    assert_string_equal(mistake(&cmd_up, WORDS("lab.yaml", "--wiat")),
                        "vnetlab: up: unknown option '--wiat'\n  hint: did you mean '--wait'?\n");
    assert_string_equal(mistake(&cmd_ls, WORDS("-o", "json")),
                        "vnetlab: ls: unknown option '-o'\n  hint: 'vnetlab ls --help' lists its options\n");
    assert_string_equal(mistake(&cmd_up, WORDS("--file")), "vnetlab: up: --file needs a value: FILE\n");
    assert_string_equal(mistake(&cmd_up, WORDS("--file=", "a")),
                        "vnetlab: up: the value of --file is empty\n");
    assert_string_equal(mistake(&cmd_up, WORDS("--wait=1", "a")), "vnetlab: up: --wait takes no value\n");
    assert_string_equal(mistake(&cmd_up, WORDS("a", "-o", "yaml")),
                        "vnetlab: up: -o takes text or json, not 'yaml'\n");
    assert_string_equal(mistake(&cmd_shell, WORDS("tcsh")),
                        "vnetlab: completion: takes bash|zsh|fish, not 'tcsh'\n");
    assert_string_equal(mistake(&cmd_shell, WORDS("zsh")), "");
    assert_string_equal(mistake(&cmd_shell, WORDS("fis")),
                        "vnetlab: completion: takes bash|zsh|fish, not 'fis'\n");
}

static void operands_are_counted(void **state)
{
    (void)state;
    assert_string_equal(mistake(&cmd_up, NULL, 0), "vnetlab: up: missing 'FILE'\n  hint: vnetlab up FILE\n");
    assert_string_equal(mistake(&cmd_up, WORDS("a", "b")),
                        "vnetlab: up: one operand too many: 'b'\n  hint: vnetlab up FILE\n");
    assert_string_equal(mistake(&cmd_ls, WORDS("a")),
                        "vnetlab: ls: one operand too many: 'a'\n  hint: vnetlab ls\n");
    assert_string_equal(mistake(&cmd_down, NULL, 0), "");
    assert_string_equal(mistake(&cmd_down, WORDS("a")), "");
    assert_string_equal(mistake(&cmd_many, WORDS("a", "b", "c", "--", "-d")), "");
    assert_string_equal(mistake(&cmd_many, NULL, 0),
                        "vnetlab: validate: missing 'FILE'\n  hint: vnetlab validate FILE...\n");
}

static void commands_behind_dashes_are_told_apart(void **state)
{
    (void)state;
    assert_string_equal(mistake(&cmd_exec, WORDS("vm-1")), "");
    assert_string_equal(
        mistake(&cmd_exec, WORDS("vm-1", "ping", "10.0.0.5")),
        "vnetlab: exec: put '--' before the command 'ping'\n  hint: vnetlab exec vm-1 -- ping\n");
    assert_string_equal(mistake(&cmd_exec, WORDS("--", "ping")),
                        "vnetlab: exec: missing 'VM'\n  hint: vnetlab exec VM [-- COMMAND...]\n");
    assert_string_equal(
        mistake(&cmd_exec, WORDS("vm-1", "--")),
        "vnetlab: exec: nothing behind '--': missing 'COMMAND'\n  hint: vnetlab exec VM [-- COMMAND...]\n");
    assert_string_equal(
        mistake(&cmd_exec, WORDS("a", "b", "--", "ping")),
        "vnetlab: exec: one operand too many: 'b'\n  hint: vnetlab exec VM [-- COMMAND...]\n");
}

static void json_is_wanted_also_when_words_are_wrong(void **state)
{
    (void)state;
    assert_true(vnl_args_want_json(WORDS("--nonsense", "-o", "json")));
    assert_true(vnl_args_want_json(WORDS("--output=json")));
    assert_true(vnl_args_want_json(WORDS("-ojson")));
    assert_false(vnl_args_want_json(WORDS("-o", "json", "-o", "text")));
    assert_false(vnl_args_want_json(WORDS("vm-1", "--", "-o", "json")));
    assert_false(vnl_args_want_json(WORDS("-o")));
}

/* A mistake in the table is found here and not by a user. */
static void every_command_declares_readable_operands(void **state)
{
    (void)state;
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        struct vnl_operands operands = { .n = 0 };
        bool optional = false;

        assert_int_equal(vnl_operands_parse(vnl_cmds[i].operands, &operands), 0);
        for (size_t k = 0; k < operands.n; k++) {
            optional |= operands.items[k].optional;
            assert_int_equal(optional,
                             operands.items[k].optional); /* nothing required behind what is optional */
            assert_true(!operands.items[k].repeated || k + 1 == operands.n);
        }
        assert_ptr_equal(vnl_cmd_lookup(vnl_cmds[i].name), &vnl_cmds[i]);
    }
}

static void no_option_means_two_things(void **state)
{
    (void)state;
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        const struct vnl_cmd *cmd = &vnl_cmds[i];
        struct vnl_opt all[16];
        size_t n = vnl_common_opts(cmd, all);

        for (size_t k = 0; k < vnl_cmd_n_opts(cmd); k++)
            all[n++] = cmd->opts[k];
        for (size_t a = 0; a < n; a++) {
            assert_int_equal(strncmp(all[a].name, "--", 2), 0);
            for (size_t b = 0; b < a; b++) {
                assert_string_not_equal(all[a].name, all[b].name);
                if (all[a].alias && all[b].alias)
                    assert_string_not_equal(all[a].alias, all[b].alias);
            }
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_before_and_behind_operands),
        cmocka_unit_test(values_are_taken_in_every_spelling),
        cmocka_unit_test(dashes_end_options),
        cmocka_unit_test(help_wins_over_mistakes),
        cmocka_unit_test(mistakes_say_what_would_have_worked),
        cmocka_unit_test(operands_are_counted),
        cmocka_unit_test(commands_behind_dashes_are_told_apart),
        cmocka_unit_test(json_is_wanted_also_when_words_are_wrong),
        cmocka_unit_test(every_command_declares_readable_operands),
        cmocka_unit_test(no_option_means_two_things),
    };

    return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
