/* What `down` ends when a namespace has lost its name and its processes live on: those that work in the lab's directory, and nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../harness/live.h"
#include "vnetlab/base.h"

#define LAB "vnet va 10.0.0.0/16\nsubnet s 10.0.0.0/24\nvm a va/s\nvm b va/s\n"

/* A process that does nothing, in that namespace (-1: in a new one, -2: ours) and directory. */
static pid_t start(int netns, const char *dir)
{
    int ready[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        int r = netns == -1 ? unshare(CLONE_NEWNET) : netns >= 0 ? setns(netns, CLONE_NEWNET) : 0;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)!(r == 0 && chdir(dir) == 0 && write(ready[1], "", 1) == 1);
        for (int fd = 3; fd < 64; fd++) /* nothing but itself holds the namespace */
            (void)close(fd);
        for (;;)
            (void)pause();
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return pid;
}

static bool has_ended(pid_t pid)
{
    int status = 0;

    return waitpid(pid, &status, WNOHANG) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void end(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static pid_t start_in(const char *vm, const char *dir)
{
    CLEANUP(vnl_fd_close) int netns = -1;

    assert_int_equal(vnl_netns_open(live_plan->lab, vm, &netns, NULL), 0);
    return start(netns, dir);
}

static char *lab_dir(const char *sub)
{
    char *path = vnl_run_path(live_plan->lab, sub);

    assert_non_null(path);
    return path;
}

/* As an operator's `umount -l` and `rm` leave it. */
static void forget_netns(const char *vm)
{
    (void)running_sh("umount -l %s/%s/ns/%s && rm %s/%s/ns/%s", vnl_run_dir(), live_plan->lab, vm,
                     vnl_run_dir(), live_plan->lab, vm);
}

static void a_daemon_without_a_namespace_name_is_ended(void **state)
{
    CLEANUP(vnl_str_free) char *dir = NULL;
    pid_t daemon, below;

    (void)state;
    (void)live_converge(LAB);
    dir = lab_dir("vm");
    daemon = start_in("a", dir);
    forget_netns("a");
    (void)live_again(); /* a namespace of that name is made anew */
    below = start_in("a", dir);
    assert_false(has_ended(daemon));
    running_down();
    assert_true(has_ended(daemon));
    assert_true(has_ended(below));
}

static void nobody_else_is(void **state)
{
    CLEANUP(vnl_str_free) char *dir = NULL;
    pid_t operator_, elsewhere, run;

    (void)state;
    (void)live_converge(LAB);
    dir = lab_dir(NULL);
    operator_ = start(-2, dir);
    elsewhere = start(-1, "/");
    run = start(-1, vnl_run_dir());
    running_down();
    assert_false(has_ended(operator_));
    assert_false(has_ended(elsewhere));
    assert_false(has_ended(run));
    end(operator_);
    end(elsewhere);
    end(run);
}

#define lab_test(name) cmocka_unit_test_teardown(name, live_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(a_daemon_without_a_namespace_name_is_ended),
        lab_test(nobody_else_is),
    };

    return cmocka_run_group_tests_name("strays", tests, live_group_setup, live_group_teardown);
}
