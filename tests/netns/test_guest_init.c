/* The init of a VM: started once, found again, replaced when it must be, and never in anybody's way. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
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
    snprintf(lab, sizeof(lab), "g%d-%u", (int)getpid(), number++);
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

static void background_job_outlives_the_command_and_ends_with_the_guest(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    char script[128], look[128];

    (void)state;
    /* A number of our own, as other tests may have jobs too. */
    snprintf(script, sizeof(script), "sleep 99%d </dev/null >/dev/null 2>&1 & echo started", (int)getpid());
    snprintf(look, sizeof(look), "pgrep -f '^sleep 99%d' >/dev/null", (int)getpid());
    assert_sh(script, "started\n");
    assert_sh("until pgrep -xc sleep; do :; done | tail -1", "1\n");
    assert_int_equal(vnl_guest_stop(lab, "vm-1", &err), 0);
    assert_int_equal(guest_inits(lab, NULL, NULL, 0), 0);
    assert_int_equal(system(look), 1 << 8);
    assert_int_equal(vnl_guest_stop(lab, "vm-1", &err), 0); /* twice is once */
    assert_sh("pgrep -xc sleep || true", "0\n");
}

/* `down` does not wait for a `vnetlab exec` that somebody has stopped. */
static void stopped_caller_does_not_hold_up_the_end(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct runner runner = runner_start_sh(lab, "vm-1", "echo ready; exec sleep 4321");
    struct timespec start, end;

    (void)state;
    runner_expect(&runner, "ready\n");
    kill(runner.pid, SIGSTOP);
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_int_equal(vnl_guest_stop(lab, "vm-1", &err), 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - start.tv_sec < 3);
    assert_sh("hostname", "vm-1\n"); /* and its VM can start anew */
    kill(runner.pid, SIGCONT);
    assert_int_equal(runner_end(&runner, NULL, 0), 128 + SIGKILL);
}

static char *proc_text(pid_t pid, const char *name, char *buf, size_t size)
{
    char path[64];
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    n = read(fd, buf, size - 1);
    close(fd);
    buf[n > 0 ? n : 0] = '\0';
    return buf;
}

static void init_holds_nothing_of_its_starter(void **state)
{
    int leaked = open("/etc/passwd", O_RDONLY); /* without CLOEXEC */
    char text[65536], command[256], name[64];
    int pid_field, ppid, pgrp, session, terminal;
    pid_t init;

    (void)state;
    assert_int_equal(setenv("SECRET", "1", 1), 0);
    assert_sh("true", "");
    unsetenv("SECRET");
    close(leaked);
    assert_int_equal(guest_inits(lab, "vm-1", &init, 1), 1);
    snprintf(command, sizeof(command),
             "for i in 0 1 2; do readlink /proc/%d/fd/$i; done | sort -u | grep -qx /dev/null", init);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof(command), "! ls -l /proc/%d/fd | grep -q passwd", init);
    assert_int_equal(system(command), 0);
    assert_null(strstr(proc_text(init, "environ", text, sizeof(text)), "SECRET"));
    proc_text(init, "stat", text, sizeof(text));
    assert_int_equal(
        sscanf(text, "%d (%63[^)]) %*c %d %d %d %d", &pid_field, name, &ppid, &pgrp, &session, &terminal), 6);
    assert_string_equal(name, "vnetlab-init");
    assert_int_not_equal(ppid, getpid());
    assert_int_not_equal(session, getsid(0));
    assert_int_equal(terminal, 0);
    assert_null(strstr(proc_text(init, "mountinfo", text, sizeof(text)), "nsfs"));
}

static void many_at_once_start_one_init(void **state)
{
    struct runner runners[12];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(runners); i++)
        runners[i] = runner_start_sh(lab, "vm-1", "echo $(hostname)");
    for (size_t i = 0; i < ARRAY_SIZE(runners); i++) {
        char out[256];

        assert_int_equal(runner_end(&runners[i], out, sizeof(out)), 0);
        assert_string_equal(out, "vm-1\n");
    }
    assert_int_equal(guest_inits(lab, "vm-1", NULL, 0), 1);
}

static void killed_init_is_replaced(void **state)
{
    pid_t init;

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_sh("hostname", "vm-1\n");
        assert_int_equal(guest_inits(lab, "vm-1", &init, 1), 1);
        kill(init, SIGKILL);
        wait_for(guest_inits(lab, NULL, NULL, 0) == 0);
    }
    assert_sh("hostname", "vm-1\n");
}

static void init_of_a_namespace_made_anew_is_replaced(void **state)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, "ns/vm-1");

    (void)state;
    assert_sh("ls /sys/class/net", "eth0\nlo\n");
    assert_int_equal(umount2(path, MNT_DETACH), 0);
    guest_vm_make(lab, "vm-1", "w2");
    assert_sh("hostname; ls /sys/class/net", "vm-1\neth0\nlo\n");
    wait_for(guest_inits(lab, "vm-1", NULL, 0) == 1);
    wait_for(if_nametoindex("w1") == 0);
    assert_int_not_equal(if_nametoindex("w2"), 0);
    assert_int_equal(system("ip link set w2 name w1"), 0);
}

/* A starter may be killed at any instant: whatever it leaves, the next call works, and there is one init. */
static void killed_starter_leaves_nothing_that_hurts(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        struct runner runner = runner_start_sh(lab, "vm-1", "exec sleep 4321");

        usleep((useconds_t)(i * 150));
        kill(runner.pid, SIGKILL);
        assert_sh("hostname", "vm-1\n");
        assert_int_equal(guest_inits(lab, "vm-1", NULL, 0), 1);
        assert_int_equal(runner_end(&runner, NULL, 0), 128 + SIGKILL);
        assert_sh(NO_SLEEP, "");
        if (i % 2)
            assert_int_equal(vnl_guest_stop(lab, "vm-1", &err), 0);
    }
}

static void stop_during_start_ends_it(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        struct runner runner = runner_start_sh(lab, "vm-1", "exec sleep 4321");
        int status;

        usleep((useconds_t)(i * 200));
        assert_int_equal(vnl_guest_stop(lab, "vm-1", &err), 0);
        kill(runner.pid, SIGTERM);
        status = runner_end(&runner, NULL, 0);
        assert_true(status == 128 + SIGKILL || status == 128 + SIGTERM || status == 250);
    }
}

static void other_labs_are_not_kept_alive(void **state)
{
    static const unsigned long modes[] = { MS_PRIVATE, MS_SHARED };
    char other[48];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

        assert_int_equal(mount(NULL, "/", NULL, MS_REC | modes[i], NULL), 0); /* systemd shares all mounts */
        snprintf(other, sizeof(other), "%s-other", lab);
        guest_lab_make(other); /* exists before our init */
        guest_vm_make(other, "vm-x", "w2");
        assert_sh("hostname", "vm-1\n");
        guest_lab_down(other, (const char *const[]){ "w2", NULL });
        guest_lab_make(other); /* and after */
        guest_vm_make(other, "vm-x", "w2");
        assert_int_equal(guest_sh(other, "vm-x", "true", NULL, 0), 0);
        guest_lab_down(other, (const char *const[]){ "w2", NULL });
        assert_int_equal(guest_inits(lab, "vm-1", NULL, 0), 1);
        assert_int_equal(vnl_guest_stop(lab, "vm-1", &err), 0);
    }
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

static void nothing_starts_in_a_lab_that_goes_down(void **state)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, NULL);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    char out[4096], expected[128];
    struct runner runner;
    int guard = -1;

    (void)state;
    assert_sh("true", "");
    assert_int_equal(vnl_guest_stop_all(lab, &guard, &err), 0);
    runner = runner_start_sh(lab, "vm-1", "true"); /* waits for the guard */
    usleep(100000);
    assert_int_equal(guest_inits(lab, NULL, NULL, 0), 0);
    assert_int_equal(umount2(path, MNT_DETACH), 0);
    vnl_fd_close(&guard);
    assert_int_equal(runner_end(&runner, out, sizeof(out)), 250);
    snprintf(expected, sizeof(expected), "vnetlab: lab '%s' is not running\n", lab);
    assert_string_equal(out, expected);
    wait_for(if_nametoindex("w1") == 0);
    assert_int_equal(rmdir(path), 0);
    lab_setup(NULL); /* for the teardown */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_setup, lab_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(background_job_outlives_the_command_and_ends_with_the_guest),
        TEST(stopped_caller_does_not_hold_up_the_end),
        TEST(init_holds_nothing_of_its_starter),
        TEST(many_at_once_start_one_init),
        TEST(killed_init_is_replaced),
        TEST(init_of_a_namespace_made_anew_is_replaced),
        TEST(killed_starter_leaves_nothing_that_hurts),
        TEST(stop_during_start_ends_it),
        TEST(other_labs_are_not_kept_alive),
        TEST(nothing_starts_in_a_lab_that_goes_down),
    };

    return cmocka_run_group_tests_name("guest_init", tests, guest_world_setup, guest_world_teardown);
}
