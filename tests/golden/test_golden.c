/* Each lab under tests/golden and scenarios, planned, against the text that is kept: tests/golden/NAME.plan.
 * A lab that is meant to be refused is kept by its messages. UPDATE_GOLDEN=1 writes the texts anew; the
 * difference is then read in `git diff`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/plan.h"

#define KEPT "tests/golden"

/* scenarios/az104-peering/lab.yaml is az104-peering. */
static void name_of(const char *path, char buf[128])
{
    CLEANUP(vnl_str_free) char *copy = strdup(path);

    snprintf(buf, 128, "%s", basename(dirname(copy)));
}

static void write_plan(FILE *out, const char *path)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r = vnl_lab_load(path, &lab, &err);

    if (r == 0)
        r = vnl_lab_settle(lab, NULL, &err);
    if (r == 0)
        r = vnl_plan_build(lab, &plan, &err);
    if (r == 0)
        r = vnl_plan_print(out, plan, &err);
    if (r < 0)
        vnl_err_print(out, err);
}

static void show_difference(const char *kept, const char *written)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(STDERR_FILENO, STDOUT_FILENO);
        (void)execlp("diff", "diff", "-uN", "--label", kept, "--label", "this run", kept, written, NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static bool same_files(const char *a, const char *b)
{
    FILE *left = fopen(a, "re"), *right = fopen(b, "re");
    int x = 0, y = 0;

    while (left && right && x != EOF && x == y) {
        x = getc(left);
        y = getc(right);
    }
    if (left)
        fclose(left);
    if (right)
        fclose(right);
    return left && right && x == y;
}

static void plan_is_the_kept_one(void **state)
{
    const char *path = *state;
    char name[128], kept[256], written[] = "/tmp/vnetlab-golden-XXXXXX";
    int fd = mkstemp(written);
    FILE *out = fdopen(fd, "w");
    bool same;

    name_of(path, name);
    snprintf(kept, sizeof(kept), KEPT "/%s.plan", name);
    assert_non_null(out);
    write_plan(out, path);
    assert_int_equal(fclose(out), 0);
    same = same_files(kept, written);
    if (!same && getenv("UPDATE_GOLDEN")) {
        FILE *keep = fopen(kept, "we");

        assert_non_null(keep);
        write_plan(keep, path);
        same = fclose(keep) == 0;
    } else if (!same) {
        show_difference(kept, written);
    }
    (void)unlink(written);
    if (!same)
        fail_msg("%s: the plan differs from %s (UPDATE_GOLDEN=1 keeps the new one)", path, kept);
}

/* A text without its lab is left over, and two labs of one name would share a text. */
static void each_text_has_one_lab(void **state)
{
    glob_t texts = { 0 };

    (void)state;
    (void)glob(KEPT "/*.plan", 0, NULL, &texts);
    for (size_t i = 0; i < texts.gl_pathc; i++) {
        char scenario[256], own[256], *name = basename(texts.gl_pathv[i]);
        int len = (int)strlen(name) - 5;

        snprintf(scenario, sizeof(scenario), "scenarios/%.*s/lab.yaml", len, name);
        snprintf(own, sizeof(own), KEPT "/%.*s/lab.yaml", len, name);
        if ((access(scenario, R_OK) == 0) == (access(own, R_OK) == 0))
            fail_msg("%s needs exactly one of %s and %s", name, scenario, own);
    }
    globfree(&texts);
}

int main(void)
{
    glob_t labs = { 0 };
    struct CMUnitTest *golden;
    size_t n = 0;
    int r;

    if (glob(KEPT "/*/lab.yaml", 0, NULL, &labs) == GLOB_NOSPACE ||
        glob("scenarios/*/lab.yaml", GLOB_APPEND, NULL, &labs) == GLOB_NOSPACE || labs.gl_pathc == 0) {
        fprintf(stderr, "no lab under " KEPT " or scenarios: run this in the source folder\n");
        return 1;
    }
    golden = calloc(labs.gl_pathc + 1, sizeof(*golden));
    for (; n < labs.gl_pathc; n++)
        golden[n] = (struct CMUnitTest){
            .name = labs.gl_pathv[n],
            .test_func = plan_is_the_kept_one,
            .initial_state = labs.gl_pathv[n],
        };
    golden[n++] = (struct CMUnitTest)cmocka_unit_test(each_text_has_one_lab);
    r = _cmocka_run_group_tests("golden", golden, n, NULL, NULL);
    free(golden);
    globfree(&labs);
    return r;
}
