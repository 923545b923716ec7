/* `run` commands of a VM: started, logged, replaced, ended; and reading the log. */
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../harness/guest.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

static char lab[32];

static int lab_setup(void **state)
{
    static unsigned number;

    (void)state;
    snprintf(lab, sizeof(lab), "r%d-%u", (int)getpid(), number++);
    guest_lab_make(lab);
    guest_vm_make(lab, "vm-1", "w1");
    return 0;
}

static int lab_teardown(void **state)
{
    (void)state;
    guest_lab_down(lab, (const char *const[]){ "w1", NULL });
    return 0;
}

static void sync_run(const char *const *commands)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_plan_vm vm = { .name = "vm-1", .run = (char **)commands };
    struct vnl_plan plan = { .lab = lab, .vms = &vm, .n_vms = 1 };

    while (commands[vm.n_run])
        vm.n_run++;
    if (vnl_guest_sync(lab, &plan, 0, &(bool){ false }, &err) < 0)
        fail_msg("%s", err->msg);
}

#define sync_to(...)      sync_run((const char *const[]){ __VA_ARGS__, NULL })
#define sync_to_nothing() sync_run((const char *const[]){ NULL })

/* The log as vnl_guest_logs prints it. */
static const char *log_text(void)
{
    static char text[4u << 20];
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_fd_close) int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    ssize_t n;

    text[0] = '\0';
    if (vnl_guest_logs(lab, "vm-1", fd, false, &err) == 0) {
        n = pread(fd, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = '\0';
    }
    return text;
}

static size_t log_count(const char *word)
{
    size_t n = 0;

    for (const char *at = log_text(); (at = strstr(at, word)); at += strlen(word))
        n++;
    return n;
}

static bool log_has(const char *word)
{
    return log_count(word) > 0;
}

/* How many "sleep NUMBER..." run in the VM, not counting zombies. */
static int count(const char *args)
{
    char script[256], out[256];

    snprintf(script, sizeof(script),
             "ps -eo stat=,comm=,args= | grep -v '^Z' | grep -c ' sleep  *%s' || true", args);
    assert_int_equal(guest_sh(lab, "vm-1", script, out, sizeof(out)), 0);
    return atoi(out);
}

static void commands_are_logged_with_time_and_number(void **state)
{
    static const char *const lines[] = {
        "\\[1\\] started: echo out; echo err >&2; exit 3",
        "\\[1\\] out",
        "\\[1\\] err",
        "\\[1\\] exited with status 3",
        "\\[2\\] no newline",
        "\\[2\\] ended by signal 15 \\(Terminated\\)",
        "\\[3\\] started: echo a echo b",
        "\\[3\\] vm-1",
    };

    (void)state;
    sync_to("echo out; echo err >&2; exit 3", "printf 'no newline'; kill $$",
            "echo a\necho b >/dev/null; hostname");
    wait_for(log_has("[1] exited") && log_has("[2] ended") && log_has("[3] exited"));
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        char pattern[256];
        regex_t regex;

        snprintf(pattern, sizeof(pattern), "(^|\n)[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z %s",
                 lines[i]);
        assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED), 0);
        if (regexec(&regex, log_text(), 0, NULL, 0) != 0)
            fail_msg("no line '%s' in:\n%s", lines[i], log_text());
        regfree(&regex);
    }
    assert_null(strstr(log_text(), "restarted"));
    assert_int_equal(log_count("started"), 3); /* and none again */
}

static void commands_run_in_the_guest(void **state)
{
    (void)state;
    sync_to("ls /sys/class/net; tty; pwd; echo home=$HOME; test -t 0 || cat | wc -c; echo done");
    wait_for(log_has("exited"));
    assert_true(log_has("[1] eth0\n") && log_has("[1] not a tty\n") && log_has("[1] /\n") &&
                log_has("[1] home=/root\n"));
    assert_true(log_has("[1] 0\n") && log_has("exited with status 0"));
}

static void same_commands_are_left_alone(void **state)
{
    char before[64], after[64];

    (void)state;
    sync_to("exec sleep 4321", "exit 0");
    wait_for(log_has("[2] exited") && count("sleep 4321") == 1);
    guest_sh(lab, "vm-1", "pgrep -x sleep", before, sizeof(before));
    for (int i = 0; i < 3; i++)
        sync_to("exec sleep 4321", "exit 0");
    usleep(200000);
    guest_sh(lab, "vm-1", "pgrep -x sleep", after, sizeof(after));
    assert_string_equal(before, after);
    assert_int_equal(log_count("started"), 2);
}

/* What the list started ends, wherever it forked to; what `exec` started does not. */
static void changed_commands_replace_the_old_ones_only(void **state)
{
    struct runner session = runner_start_sh(
        lab, "vm-1", "sleep 1111 </dev/null >/dev/null 2>&1 & echo ready; read x; echo alive");

    runner_expect(&session, "ready\n");
    (void)state;
    sync_to("sleep 4001 & setsid sleep 4002 & (setsid sh -c 'sleep 4003 & exec sleep 4004' &) ; exec env -i "
            "sleep 4005");
    wait_for(count("sleep 400") == 5);
    sync_to("exec sleep 5001");
    wait_for(count("sleep 500") == 1 && count("sleep 400") == 0);
    assert_int_equal(count("sleep 1111"), 1);
    runner_type(&session, "\n");
    assert_int_equal(runner_end(&session, NULL, 0), 0);
    assert_true(log_has("[1] ended by signal 15"));
    sync_to_nothing();
    wait_for(count("sleep 500") == 0);
    assert_int_equal(count("sleep 1111"), 1);
}

static void stubborn_command_is_killed(void **state)
{
    (void)state;
    sync_to("trap 'echo no' TERM; echo ready; while :; do sleep 0.05; done");
    wait_for(log_has("[1] ready"));
    sync_to("echo new one");
    sync_to("echo newer one");
    wait_for(log_has("exited with status 0"));
    assert_true(log_has("[1] no\n") && log_has("[1] ended by signal 9 (Killed)") &&
                log_has("[1] newer one\n"));
    assert_false(log_has("new one\n") && log_has("started: echo new one"));
}

static void commands_start_again_with_a_new_init(void **state)
{
    pid_t init;

    (void)state;
    sync_to("exec sleep 4321");
    wait_for(count("sleep 4321") == 1);
    assert_int_equal(guest_inits(lab, "vm-1", &init, 1), 1);
    kill(init, SIGKILL);
    wait_for(guest_inits(lab, NULL, NULL, 0) == 0);
    sync_to("exec sleep 4321");
    wait_for(count("sleep 4321") == 1);
    assert_int_equal(log_count("started"), 2);
}

/* The list was written, but its init not told: the next sync tells it. */
static void list_written_by_a_killed_caller_is_heeded(void **state)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, "vm/vm-1/run");
    static const char list[] = "exec sleep 5001";
    int fd;

    (void)state;
    sync_to("exec sleep 4321");
    wait_for(count("sleep 4321") == 1);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, list, sizeof(list)), sizeof(list));
    close(fd);
    sync_to("exec sleep 5001");
    wait_for(count("sleep 4321") == 0 && count("sleep 5001") == 1);
}

static void guest_without_commands_costs_nothing(void **state)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, "vm");

    (void)state;
    sync_to_nothing();
    assert_int_equal(guest_inits(lab, NULL, NULL, 0), 0);
    assert_int_equal(access(path, F_OK), -1);
}

static off_t size_of(const char *suffix)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, suffix);
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void log_is_bounded(void **state)
{
    (void)state;
    sync_to("seq -f 'line %.0f of a chatty command' 200000; echo that was all; exec sleep 4321");
    wait_for(log_has("[1] that was all\n"));
    assert_in_range(size_of("vm/vm-1/log"), 1, (1 << 20) + 9000);
    assert_in_range(size_of("vm/vm-1/log.1"), 1 << 20, (1 << 20) + 9000);
    assert_true(log_has("[1] line 199999 of a chatty command\n") &&
                log_has("[1] line 200000 of a chatty command\n"));
    assert_false(log_has("[1] line 1 of"));
}

static void long_line_is_logged_in_pieces(void **state)
{
    (void)state;
    sync_to("head -c 20000 /dev/zero | tr '\\0' x; echo; echo after");
    wait_for(log_has("[1] after\n"));
    assert_int_equal(log_count("[1] xxx"), 3);
}

static void log_that_is_not_there_is_explained(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    assert_int_equal(vnl_guest_logs(lab, "vm-1", STDOUT_FILENO, true, &err), -ENOENT);
    assert_string_equal(err->msg, "VM 'vm-1' has no log: none of its commands was started");
    assert_string_equal(err->hint, "'run:' of a VM in the lab file lists commands to start with it");
}

static pid_t follow(int *ret_out)
{
    struct vnl_err *err = NULL;
    int out[2];
    pid_t pid;

    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        close(out[0]);
        _exit(vnl_guest_logs(lab, "vm-1", out[1], true, &err) == 0 ? 0 : 9);
    }
    close(out[1]);
    *ret_out = out[0];
    return pid;
}

static int exit_of(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void follower_misses_no_line(void **state)
{
    int out, next = 1;
    pid_t pid;
    FILE *in;
    char line[512];

    (void)state;
    sync_to("sleep 0.2; "
            "for i in 1 2 3 4; do seq -f 'n=%.0f' $((i * 10000 - 9999)) $((i * 10000)); sleep 0.3; done; "
            "echo last");
    wait_for(log_has("started"));
    pid = follow(&out);
    in = fdopen(out, "r");
    while (fgets(line, sizeof(line), in) && !strstr(line, "] last")) {
        const char *n = strstr(line, "] n=");

        if (n)
            assert_int_equal(atoi(n + 4), next++);
    }
    assert_int_equal(next, 40001);
    kill(pid, SIGINT);
    assert_int_equal(exit_of(pid), 0);
    fclose(in);
}

static void follower_ends_with_its_lab(void **state)
{
    struct runner reader;
    pid_t pid;

    (void)state;
    sync_to("echo first");
    wait_for(log_has("[1] first"));
    pid = follow(&reader.out);
    runner_expect(&reader, "[1] first\n");
    sync_to("echo second");
    runner_expect(&reader, "[1] second\n");
    assert_int_equal(vnl_guest_stop(lab, "vm-1", NULL), 0);
    assert_int_equal(exit_of(pid), 0);
    close(reader.out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_setup, lab_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commands_are_logged_with_time_and_number),
        TEST(commands_run_in_the_guest),
        TEST(same_commands_are_left_alone),
        TEST(changed_commands_replace_the_old_ones_only),
        TEST(stubborn_command_is_killed),
        TEST(commands_start_again_with_a_new_init),
        TEST(list_written_by_a_killed_caller_is_heeded),
        TEST(guest_without_commands_costs_nothing),
        TEST(log_is_bounded),
        TEST(long_line_is_logged_in_pieces),
        TEST(log_that_is_not_there_is_explained),
        TEST(follower_misses_no_line),
        TEST(follower_ends_with_its_lab),
    };

    return cmocka_run_group_tests_name("guest_run", tests, guest_world_setup, guest_world_teardown);
}
