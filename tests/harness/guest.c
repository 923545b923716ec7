#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

static void must(bool ok, const char *what)
{
    if (!ok)
        fail_msg("%s: %s", what, strerror(errno));
}

static void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void sh(const char *fmt, ...)
{
    char command[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    must(system(command) == 0, command);
}

int guest_world_setup(void **state)
{
    static char dir[] = "/tmp/vnl-guest-XXXXXX";

    (void)state;
    if (geteuid() != 0) {
        fputs("needs root\n", stderr);
        return -1;
    }
    if (!mkdtemp(dir) || unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -1;
    return setenv("VNETLAB_RUN_DIR", dir, 1);
}

int guest_world_teardown(void **state)
{
    (void)state;
    return rmdir(vnl_run_dir());
}

void guest_lab_make(const char *lab)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, NULL), *ns = vnl_run_path(lab, "ns");

    must(mkdir(path, 0700) == 0, path);
    must(mount("tmpfs", path, "tmpfs", 0, "mode=0700") == 0, path);
    must(mkdir(ns, 0700) == 0, ns);
}

void guest_vm_make(const char *lab, const char *vm, const char *watch)
{
    CLEANUP(vnl_str_free) char *path = NULL;
    char suffix[64], ns[64];
    int go[2];
    pid_t pid;
    char byte;

    must(pipe2(go, O_CLOEXEC) == 0, "pipe");
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)!(unshare(CLONE_NEWNET) == 0 && write(go[1], "", 1) == 1);
        pause();
    }
    must(read(go[0], &byte, 1) == 1, "unshare");
    snprintf(suffix, sizeof(suffix), "ns/%s", vm);
    path = vnl_run_path(lab, suffix);
    snprintf(ns, sizeof(ns), "/proc/%d/ns/net", (int)pid);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    must(mount(ns, path, NULL, MS_BIND, NULL) == 0, path);
    sh("ip link add name %s type veth peer name eth0 netns %d", watch, (int)pid);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(go[0]);
    close(go[1]);
}

size_t guest_inits(const char *lab, const char *vm, pid_t *ret, size_t max)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    size_t n = 0;

    while ((entry = readdir(dir))) {
        char path[300], text[256] = "";
        const char *lab_at, *vm_at;
        int fd;

        snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
        fd = atoi(entry->d_name) > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0)
            continue;
        (void)!read(fd, text, sizeof(text) - 1);
        close(fd);
        lab_at = text + strlen(text) + 1;
        if (strcmp(text, "vnetlab: init of") != 0 || strcmp(lab_at, lab) != 0)
            continue;
        vm_at = lab_at + strlen(lab_at) + 1;
        if (vm && strcmp(vm_at, vm) != 0)
            continue;
        if (n < max)
            ret[n] = atoi(entry->d_name);
        n++;
    }
    closedir(dir);
    return n;
}

static bool mounted_below(const char *path)
{
    FILE *in = fopen("/proc/self/mountinfo", "re");
    char line[4096];
    bool found = false;

    while (fgets(line, sizeof(line), in))
        found |= strstr(line, path) != NULL;
    fclose(in);
    return found;
}

void guest_lab_down(const char *lab, const char *const *watches)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, NULL);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int guard = -1;

    assert_int_equal(vnl_guest_stop_all(lab, &guard, &err), 0);
    must(umount2(path, MNT_DETACH) == 0, "umount");
    vnl_fd_close(&guard);
    must(rmdir(path) == 0, "rmdir");
    for (size_t i = 0; watches[i]; i++)
        wait_for(if_nametoindex(watches[i]) == 0);
    assert_false(mounted_below(path));
    wait_for(guest_inits(lab, NULL, NULL, 0) == 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* not a zombie of ours either */
}

/* A CI runner may start us with SIGINT and SIGHUP ignored, as nohup and background jobs are: what the tests see must not depend on it. */
static void __attribute__((constructor)) default_signals(void)
{
    for (int sig = 1; sig < NSIG; sig++)
        (void)signal(sig, SIG_DFL);
}

/* --- runners ----------------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) run(const char *lab, const char *vm, const struct vnl_guest_exec *what)
{
    struct vnl_err *err = NULL;
    int status = 250;

    for (int fd = STDERR_FILENO + 1; fd < 256;
         fd++) { /* as if we were another program: the test may hold locks */
        int flags = fcntl(fd, F_GETFD);

        if (flags >= 0 && (flags & FD_CLOEXEC))
            close(fd);
    }
    if (vnl_guest_run(lab, vm, what, &status, &err) < 0)
        vnl_err_print(stderr, err);
    vnl_err_free(&err);
    _exit(status);
}

struct runner runner_start(const char *lab, const char *vm, const struct vnl_guest_exec *what)
{
    struct runner runner;
    int in[2], out[2];

    must(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe");
    runner.pid = fork();
    if (runner.pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(out[1], STDERR_FILENO);
        close(in[1]);
        run(lab, vm, what);
    }
    close(in[0]);
    close(out[1]);
    runner.in = in[1];
    runner.out = out[0];
    return runner;
}

struct runner runner_start_sh(const char *lab, const char *vm, const char *script)
{
    char *argv[] = { "sh", "-c", (char *)script, NULL };

    return runner_start(lab, vm, &(struct vnl_guest_exec){ .argv = argv });
}

struct runner runner_start_tty(const char *lab, const char *vm, const struct vnl_guest_exec *what)
{
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    struct runner runner;

    runner.pid = forkpty(&runner.in, NULL, NULL, &size);
    must(runner.pid >= 0, "forkpty");
    if (runner.pid == 0)
        run(lab, vm, what);
    runner.out = runner.in;
    (void)fcntl(runner.in, F_SETFD, FD_CLOEXEC);
    return runner;
}

/* One byte, or 0 at the end. Byte by byte: what follows the text in runner_expect must stay for the next
 * reader. */
static char next_byte(const struct runner *runner, const char *so_far)
{
    struct pollfd wait = { .fd = runner->out, .events = POLLIN };
    char byte = 0;

    if (poll(&wait, 1, 10000) == 0)
        fail_msg("nothing more within 10 s after '%s'", so_far);
    return read(runner->out, &byte, 1) == 1 ? byte : 0; /* a terminal's end is EIO */
}

void runner_expect(struct runner *runner, const char *text)
{
    char seen[4096] = ""; /* the end of what was read */
    size_t len = 0, wanted = strlen(text);

    while (len < wanted || memcmp(seen + len - wanted, text, wanted) != 0) {
        char byte = next_byte(runner, seen);

        if (!byte)
            fail_msg("'%s' does not appear in '%s'", text, seen);
        if (len == sizeof(seen) - 1) {
            len = sizeof(seen) / 2;
            memmove(seen, seen + sizeof(seen) - 1 - len, len);
        }
        seen[len++] = byte;
        seen[len] = '\0';
    }
}

void runner_type(struct runner *runner, const char *text)
{
    must(write(runner->in, text, strlen(text)) == (ssize_t)strlen(text), "typing");
}

int runner_end(struct runner *runner, char *ret, size_t size)
{
    char seen[65536] = "", byte;
    size_t len = 0;
    int status;

    if (runner->in != runner->out)
        close(runner->in);
    while (len < sizeof(seen) - 1 && (byte = next_byte(runner, seen)))
        seen[len++] = byte;
    close(runner->out);
    assert_int_equal(waitpid(runner->pid, &status, 0), runner->pid);
    if (ret)
        snprintf(ret, size, "%s", seen);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int guest_sh(const char *lab, const char *vm, const char *script, char *ret, size_t size)
{
    struct runner runner = runner_start_sh(lab, vm, script);

    return runner_end(&runner, ret, size);
}
