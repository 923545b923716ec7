/* The lab's lock and the directories that everything else is found in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/store.h"

/* The directory that the lock may remove is one below the test's own. */
static char top[64], run_dir[80], lock_path[100];

static int setup(void **state)
{
    (void)state;
    strcpy(top, "/tmp/test_lock.XXXXXX");
    if (!mkdtemp(top))
        return -1;
    (void)snprintf(run_dir, sizeof(run_dir), "%s/run", top);
    (void)snprintf(lock_path, sizeof(lock_path), "%s/lab1.lock", run_dir);
    return setenv("VNETLAB_RUN_DIR", run_dir, 1);
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(lock_path);
    (void)rmdir(run_dir);
    (void)unsetenv("VNETLAB_RUN_DIR");
    return rmdir(top);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static struct vnl_lock *take(const char *lab, int timeout_ms)
{
    struct vnl_lock *lock = NULL;

    return vnl_lock_take(lab, timeout_ms, NULL, NULL, &lock, NULL) < 0 ? NULL : lock;
}

/* A process that takes the lock, says so through the pipe, and holds it until the pipe's other end is closed
 * or it is killed. */
struct holder {
    pid_t pid;
    int to, from;
};

static struct holder holder_start(void)
{
    int down[2], up[2];
    struct holder holder;
    char c = 'x';

    assert_int_equal(pipe2(down, O_CLOEXEC), 0);
    assert_int_equal(pipe2(up, O_CLOEXEC), 0);
    holder = (struct holder){ .pid = fork(), .to = down[1], .from = up[0] };
    if (holder.pid == 0) {
        struct vnl_lock *lock;

        (void)close(down[1]);
        lock = take("lab1", 1000);
        if (!lock || write(up[1], &c, 1) != 1)
            _exit(1);
        (void)!read(down[0], &c, 1);
        vnl_lock_release(&lock);
        _exit(0);
    }
    (void)close(down[0]);
    (void)close(up[1]);
    assert_int_equal(read(holder.from, &c, 1), 1);
    return holder;
}

static void holder_end(struct holder *holder, int signal)
{
    int status;

    if (signal)
        (void)kill(holder->pid, signal);
    (void)close(holder->to);
    assert_int_equal(waitpid(holder->pid, &status, 0), holder->pid);
    assert_int_equal(signal ? WTERMSIG(status) : WEXITSTATUS(status), signal);
    (void)close(holder->from);
}

static void lock_leaves_nothing_behind(void **state)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = take("lab1", 0);
    char text[100] = "", expected[100];
    struct stat st;
    FILE *file;

    (void)state;
    assert_non_null(lock);
    assert_int_equal(stat(run_dir, &st), 0);
    assert_int_equal(st.st_mode & 0777 & ~0755, 0);
    file = fopen(lock_path, "r");
    assert_non_null(fgets(text, sizeof(text), file));
    (void)fclose(file);
    (void)snprintf(expected, sizeof(expected), "%d %s\n", (int)getpid(), program_invocation_short_name);
    assert_string_equal(text, expected);
    vnl_lock_release(&lock);
    assert_null(lock);
    assert_false(exists(run_dir));
    vnl_lock_release(&lock);
}

static void locks_of_two_labs_are_independent(void **state)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *a = take("lab1", 0);
    CLEANUP(vnl_lock_release) struct vnl_lock *b = take("lab2", 0);

    (void)state;
    assert_non_null(a);
    assert_non_null(b);
    vnl_lock_release(&a);
    assert_true(exists(run_dir));
    vnl_lock_release(&b);
    assert_false(exists(run_dir));
}

static void directory_stays_while_something_is_in_it(void **state)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = take("lab1", 0);
    CLEANUP(vnl_str_free) char *mount = vnl_run_path("lab1", NULL);

    (void)state;
    assert_non_null(lock);
    assert_int_equal(mkdir(mount, 0700), 0);
    vnl_lock_release(&lock);
    assert_false(exists(lock_path));
    assert_true(exists(mount));
    assert_int_equal(rmdir(mount), 0);
}

struct heard {
    int times;
    char sentence[200];
};

static void hear(const char *sentence, void *arg)
{
    struct heard *heard = arg;

    heard->times++;
    (void)snprintf(heard->sentence, sizeof(heard->sentence), "%s", sentence);
}

static void waiting_names_the_holder_once_and_ends_in_time(void **state)
{
    struct holder holder = holder_start();
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct heard heard = { 0 };
    struct vnl_lock *lock = NULL;
    struct timespec start, end;
    char expected[200];
    double ms;

    (void)state;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    assert_int_equal(vnl_lock_take("lab1", 120, hear, &heard, &lock, &err), -EBUSY);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    ms = (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
    assert_true(ms >= 119);
    assert_null(lock);
    (void)snprintf(expected, sizeof(expected), "lab 'lab1' is held by pid %d (%s)", (int)holder.pid,
                   program_invocation_short_name);
    assert_int_equal(heard.times, 1);
    assert_string_equal(heard.sentence, expected);
    assert_string_equal(err->msg, expected);
    assert_string_equal(err->hint, "try again when that is done");
    holder_end(&holder, 0);
}

static void without_patience_nobody_is_told_to_wait(void **state)
{
    struct holder holder = holder_start();
    struct heard heard = { 0 };
    struct vnl_lock *lock = NULL;

    (void)state;
    assert_int_equal(vnl_lock_take("lab1", 0, hear, &heard, &lock, NULL), -EBUSY);
    assert_int_equal(heard.times, 0);
    holder_end(&holder, 0);
}

static void end_holder_when_heard(const char *sentence, void *arg)
{
    (void)sentence;
    holder_end(arg, 0);
}

static void waiter_gets_the_lock_when_it_is_released(void **state)
{
    struct holder holder = holder_start();
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = NULL;

    (void)state;
    assert_int_equal(vnl_lock_take("lab1", -1, end_holder_when_heard, &holder, &lock, NULL), 0);
    assert_true(exists(lock_path));
}

static void lock_dies_with_its_process(void **state)
{
    struct holder holder = holder_start();
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = NULL;

    (void)state;
    holder_end(&holder, SIGKILL);
    assert_true(exists(lock_path)); /* left by the dead one, and in nobody's way */
    lock = take("lab1", 0);
    assert_non_null(lock);
    vnl_lock_release(&lock);
    assert_false(exists(run_dir));
}

static void sweep_removes_what_the_dead_left_and_nothing_else(void **state)
{
    struct holder holder = holder_start();
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = NULL;
    char held[100];

    (void)state;
    (void)snprintf(held, sizeof(held), "%s/lab2.lock", run_dir);
    lock = take("lab2", 0);
    holder_end(&holder, SIGKILL);
    vnl_lock_sweep();
    assert_false(exists(lock_path));
    assert_true(exists(held));
    vnl_lock_release(&lock);
    assert_false(exists(run_dir));
    vnl_lock_sweep();
}

static void holder_may_say_anything(void **state)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = take("lab1", 0);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lock *other = NULL;
    int fd = open(lock_path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    (void)state;
    assert_int_equal(vnl_lock_take("lab1", 0, NULL, NULL, &other, &err), -EBUSY);
    assert_string_equal(err->msg, "lab 'lab1' is held by another process");
    vnl_err_free(&err);
    assert_int_equal(write(fd, "7 a\033[31mb\nmore", 14), 14);
    assert_int_equal(vnl_lock_take("lab1", 0, NULL, NULL, &other, &err), -EBUSY);
    assert_string_equal(err->msg, "lab 'lab1' is held by pid 7 (a?[31mb)");
    (void)close(fd);
}

static void forked_child_does_not_release_its_parents_lock(void **state)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = take("lab1", 0);
    pid_t pid;
    int status;

    (void)state;
    assert_non_null(lock);
    pid = fork();
    if (pid == 0) {
        vnl_lock_release(&lock);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(exists(lock_path));
    assert_null(take("lab1", 0));
}

static void released_lock_is_free_although_a_child_has_the_descriptor(void **state)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = take("lab1", 0);
    CLEANUP(vnl_lock_release) struct vnl_lock *again = NULL;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)pause();
        _exit(0);
    }
    vnl_lock_release(&lock);
    again = take("lab1", 0);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    assert_non_null(again);
}

/* Each process counts a number in a file up, reading and writing it apart; and sees that nobody else is at
 * it. */
static void count_up(const char *path, int rounds)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    for (int i = 0; i < rounds; i++) {
        struct vnl_lock *lock = take("lab1", 20000);
        int n = 0;

        if (!lock || pread(fd, &n, sizeof(n), 0) != sizeof(n))
            _exit(1);
        if (i % 8 == 0)
            (void)usleep(100);
        n++;
        if (pwrite(fd, &n, sizeof(n), 0) != sizeof(n))
            _exit(2);
        vnl_lock_release(&lock);
    }
    _exit(0);
}

static void many_takers_never_hold_it_together(void **state)
{
    enum { PROCESSES = 6, ROUNDS = 300 };
    char path[100];
    pid_t pids[PROCESSES];
    int fd, n = 0;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/count", top);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, &n, sizeof(n)), sizeof(n));
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            count_up(path, ROUNDS);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(pread(fd, &n, sizeof(n), 0), sizeof(n));
    assert_int_equal(n, PROCESSES * ROUNDS);
    (void)close(fd);
    (void)unlink(path);
    assert_false(exists(run_dir));
}

static void missing_place_is_reported_and_not_waited_for(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lock *lock = NULL;
    char expected[200], nowhere[100];

    (void)state;
    (void)snprintf(nowhere, sizeof(nowhere), "%s/a/b", top);
    (void)setenv("VNETLAB_RUN_DIR", nowhere, 1);
    assert_int_equal(vnl_lock_take("lab1", -1, NULL, NULL, &lock, &err), -ENOENT);
    (void)snprintf(expected, sizeof(expected), "lock '%s/lab1.lock': No such file or directory", nowhere);
    assert_string_equal(err->msg, expected);

    vnl_err_free(&err);
    assert_int_equal(symlink("nowhere", run_dir), 0);
    (void)setenv("VNETLAB_RUN_DIR", run_dir, 1);
    assert_int_equal(vnl_lock_take("lab1", -1, NULL, NULL, &lock, &err), -ESTALE);
    assert_int_equal(unlink(run_dir), 0);
}

static void name_cannot_lead_out_of_the_directory(void **state)
{
    static const struct {
        const char *name, *msg;
    } cases[] = {
        { "", "a lab needs a name" },
        { "../x", "lab name '../x': starts with '.' or holds a '/'" },
        { "a/b", "lab name 'a/b': starts with '.' or holds a '/'" },
        { "..", "lab name '..': starts with '.' or holds a '/'" },
        { "x.lock", "lab name 'x.lock': ends in '.lock', as the lock file of another lab does" },
    };
    char name[300];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        struct vnl_lock *lock = NULL;

        assert_int_equal(vnl_lock_take(cases[i].name, 0, NULL, NULL, &lock, &err), -EINVAL);
        assert_string_equal(err->msg, cases[i].msg);
    }
    memset(name, 'a', 299);
    name[299] = '\0';
    assert_int_equal(vnl_path_name_check(name, NULL), -EINVAL);
    name[200] = '\0';
    assert_int_equal(vnl_path_name_check(name, NULL), 0);
}

static void directories_must_be_absolute_and_need_not_be_tidy(void **state)
{
    static const struct {
        const char *variable, *value, *msg;
    } cases[] = {
        { "VNETLAB_RUN_DIR", "run", "VNETLAB_RUN_DIR is 'run', which is not an absolute path" },
        { "VNETLAB_STATE_DIR", "./x/", "VNETLAB_STATE_DIR is './x', which is not an absolute path" },
        { "VNETLAB_RUN_DIR", "//", "VNETLAB_RUN_DIR: '/' is no directory for labs" },
        { "VNETLAB_RUN_DIR", "//a/b///", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        CLEANUP(vnl_str_free) char *old = strdup(getenv(cases[i].variable) ? getenv(cases[i].variable) : "");

        (void)setenv(cases[i].variable, cases[i].value, 1);
        assert_int_equal(vnl_path_name_check("lab", &err), cases[i].msg ? -EINVAL : 0);
        if (cases[i].msg)
            assert_string_equal(err->msg, cases[i].msg);
        else
            assert_string_equal(vnl_run_dir(), "/a/b");
        (void)setenv(cases[i].variable, old, 1);
    }
}

static void directories_follow_the_environment(void **state)
{
    CLEANUP(vnl_str_free) char *path = NULL;

    (void)state;
    assert_string_equal(vnl_run_dir(), run_dir);
    (void)setenv("VNETLAB_STATE_DIR", "/somewhere", 1);
    assert_string_equal(vnl_store_dir(), "/somewhere");
    (void)setenv("VNETLAB_STATE_DIR", "", 1);
    assert_string_equal(vnl_store_dir(), "/var/lib/vnetlab");
    (void)unsetenv("VNETLAB_STATE_DIR");
    (void)unsetenv("VNETLAB_RUN_DIR");
    assert_string_equal(vnl_run_dir(), "/run/vnetlab");
    path = vnl_run_path("lab1", "bpf/links");
    assert_string_equal(path, "/run/vnetlab/lab1/bpf/links");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lock_leaves_nothing_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(locks_of_two_labs_are_independent, setup, teardown),
        cmocka_unit_test_setup_teardown(directory_stays_while_something_is_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(waiting_names_the_holder_once_and_ends_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(without_patience_nobody_is_told_to_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(waiter_gets_the_lock_when_it_is_released, setup, teardown),
        cmocka_unit_test_setup_teardown(lock_dies_with_its_process, setup, teardown),
        cmocka_unit_test_setup_teardown(sweep_removes_what_the_dead_left_and_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(holder_may_say_anything, setup, teardown),
        cmocka_unit_test_setup_teardown(forked_child_does_not_release_its_parents_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(released_lock_is_free_although_a_child_has_the_descriptor, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(many_takers_never_hold_it_together, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_place_is_reported_and_not_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(name_cannot_lead_out_of_the_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(directories_must_be_absolute_and_need_not_be_tidy, setup, teardown),
        cmocka_unit_test_setup_teardown(directories_follow_the_environment, setup, teardown),
    };

    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
