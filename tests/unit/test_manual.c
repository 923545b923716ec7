/* Help, man pages, completion scripts and docs/cli.md are printed from the command table: is the table
 * complete, are they sound? */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../ctl/cli/args.h"
#include "../../ctl/cli/help.h"

#include "vnetlab/base.h"

static char *read_all(FILE *in)
{
    char *text = NULL;
    size_t size = 0;

    if (getdelim(&text, &size, '\0', in) < 0 && text)
        text[0] = '\0';
    return text;
}

static char *page_of(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    print(out);
    fclose(out);
    return text;
}

static char *text_of(void (*print)(FILE *out, const struct vnl_cmd *cmd), const struct vnl_cmd *cmd)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    print(out, cmd);
    fclose(out);
    return text;
}

static void every_command_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        const struct vnl_cmd *cmd = &vnl_cmds[i];

        assert_non_null(cmd->run);
        assert_non_null(cmd->details);
        assert_true(cmd->summary[0] >= 'a' && cmd->summary[0] <= 'z');
        assert_true(cmd->summary[strlen(cmd->summary) - 1] != '.');
        assert_true((cmd->flags & CMD_HIDDEN) || cmd->examples);
        for (size_t k = 0; k < vnl_cmd_n_opts(cmd); k++)
            assert_true(strlen(cmd->opts[k].help) > 0);
    }
}

/* "$ [sudo ]vnetlab NAME ...": with sudo where the command says it needs root. */
static void every_example_shows_its_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        const char *rest = vnl_cmds[i].examples;
        struct vnl_example example;
        char line[256], start[64];

        while (vnl_example_next(&rest, &example)) {
            (void)snprintf(line, sizeof(line), "%.*s", example.command_len, example.command);
            (void)snprintf(start, sizeof(start), "vnetlab %s", vnl_cmds[i].name);
            assert_non_null(strstr(line, start));
            if (vnl_cmds[i].flags & CMD_ROOT)
                assert_int_equal(strncmp(line, "sudo ", 5), 0);
            assert_true(line[strlen(line) - 1] != ' ');
        }
        assert_true(!rest || !*rest);
    }
}

static void help_shows_usage_options_and_examples(void **state)
{
    const struct vnl_cmd *cmd = vnl_cmd_lookup("down");
    CLEANUP(vnl_str_free) char *text = text_of(vnl_help_command, cmd);

    (void)state;
    assert_non_null(strstr(text, "vnetlab down: remove a lab and everything it made\n"));
    assert_non_null(strstr(text, "  vnetlab down [OPTION...] [LAB]\n"));
    assert_non_null(strstr(text, "  -a, --all                 every lab\n"));
    assert_non_null(strstr(text, "  -l, --lab LAB "));
    assert_non_null(strstr(text, "  $ sudo vnetlab down --all "));
    assert_null(strstr(text, "\033")); /* no colour outside of terminals */
}

static void overview_lists_every_command_once(void **state)
{
    CLEANUP(vnl_str_free) char *text = page_of(vnl_help_overview);
    char line[160];

    (void)state;
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        (void)snprintf(line, sizeof(line), "  %-10s  %s\n", vnl_cmds[i].name, vnl_cmds[i].summary);
        assert_int_equal(strstr(text, line) == NULL, (vnl_cmds[i].flags & CMD_HIDDEN) != 0);
    }
}

static void no_help_line_is_wider_than_a_terminal(void **state)
{
    (void)state;
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        CLEANUP(vnl_str_free) char *text = text_of(vnl_help_command, &vnl_cmds[i]);
        char *rest = NULL;

        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            if (strlen(line) > 100)
                fail_msg("%s: %s", vnl_cmds[i].name, line);
        }
    }
}

/* Beside the sources: tests run from the top of the tree. */
static void cli_md_is_current(void **state)
{
    CLEANUP(vnl_str_free) char *made = page_of(vnl_manual_markdown);
    CLEANUP(vnl_str_free) char *kept = NULL;
    FILE *in = fopen("docs/cli.md", "r");

    (void)state;
    if (!in) {
        puts("skip: docs/cli.md is not here: run from the top of the source tree");
        skip();
    }
    kept = read_all(in);
    fclose(in);
    if (strcmp(made, kept) != 0)
        fail_msg("%s", "docs/cli.md is out of date: make docs/cli.md");
}

static bool have_mandoc(void)
{
    return system("command -v mandoc >/dev/null 2>&1") == 0;
}

static void lint(const char *page)
{
    CLEANUP(vnl_str_free) char *said = NULL;
    char path[] = "/tmp/vnetlab-man-XXXXXX", command[128];
    int fd = mkstemp(path);
    FILE *out = fdopen(fd, "w"), *in;

    fputs(page, out);
    fclose(out);
    (void)snprintf(command, sizeof(command), "mandoc -Tlint -Wwarning %s 2>&1", path);
    in = popen(command, "r");
    said = read_all(in);
    pclose(in);
    unlink(path);
    if (said && *said)
        fail_msg("%s", said);
}

static void man_pages_are_clean(void **state)
{
    CLEANUP(vnl_str_free) char *overview = page_of(vnl_manual_overview);

    (void)state;
    if (!have_mandoc()) {
        puts("skip: mandoc is not installed, man pages were not checked");
        skip();
    }
    lint(overview);
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        CLEANUP(vnl_str_free) char *page = text_of(vnl_manual_command, &vnl_cmds[i]);

        lint(page);
    }
}

static void man_page_escapes_what_roff_would_take_for_itself(void **state)
{
    static const struct vnl_cmd cmd = {
        .name = "x",
        .operands = "",
        .summary = "test",
        .details = "'quoted' .dotted a\\b --dashed",
    };
    CLEANUP(vnl_str_free) char *page = text_of(vnl_manual_command, &cmd);

    (void)state;
    assert_non_null(strstr(page, "\n\\&'quoted' \\&.dotted a\\eb \\-\\-dashed\n"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_explained),
        cmocka_unit_test(every_example_shows_its_command),
        cmocka_unit_test(help_shows_usage_options_and_examples),
        cmocka_unit_test(overview_lists_every_command_once),
        cmocka_unit_test(no_help_line_is_wider_than_a_terminal),
        cmocka_unit_test(cli_md_is_current),
        cmocka_unit_test(man_pages_are_clean),
        cmocka_unit_test(man_page_escapes_what_roff_would_take_for_itself),
    };

    return cmocka_run_group_tests_name("manual", tests, NULL, NULL);
}
