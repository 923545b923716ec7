#include "bird.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/paths.h"

#define END_MS 1000

/* --- its directory -------------------------------------------------------------------------------- */

/* Opens a directory in another one, made if need be; closes the other one. */
static int descend(int parent, const char *name)
{
    int fd = -1;

    if (mkdirat(parent, name, 0700) == 0 || errno == EEXIST)
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        fd = -errno;
    (void)close(parent);
    return fd;
}

int vnl_bird_dir_open(const char *lab, const char *guest, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *base = vnl_run_path(lab, NULL);
    int fd = base ? open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd < 0)
        return vnl_fail(err, base ? errno : ENOMEM, "the lab's directory: %s",
                        strerror(base ? errno : ENOMEM));
    fd = descend(fd, "bgp");
    if (fd >= 0)
        fd = descend(fd, guest);
    return fd < 0 ? vnl_fail(err, -fd, "the directory of its BIRD: %s", strerror(-fd)) : fd;
}

static bool has_text(int dir_fd, const char *text)
{
    CLEANUP(vnl_fd_close) int fd = openat(dir_fd, "bird.conf", O_RDONLY | O_CLOEXEC);
    size_t size = strlen(text);
    CLEANUP(vnl_str_free) char *old = malloc(size + 1);
    ssize_t n = fd < 0 || !old ? -1 : read(fd, old, size + 1);

    return n >= 0 && (size_t)n == size && !memcmp(old, text, size);
}

int vnl_bird_config_write(int dir_fd, const char *text, bool *ret_changed, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int fd = -1;

    *ret_changed = !has_text(dir_fd, text);
    if (!*ret_changed)
        return 0;
    fd = openat(dir_fd, "bird.conf", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return vnl_fail(err, errno, "bird.conf: %s", strerror(errno));
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        return vnl_fail(err, EIO, "bird.conf: it cannot be written");
    return 0;
}

/* --- starting ------------------------------------------------------------------------------------- */

/* Runs in the child of a process with threads: system calls only. */
static void __attribute__((noreturn)) exec_bird(int dir_fd, int null)
{
    char *const argv[] = { "bird", "-f", "-c", "bird.conf", "-s", "bird.ctl", NULL };
    char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TZ=UTC", NULL };
    sigset_t none;

    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)umask(0077);
    if (fchdir(dir_fd) == 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
        dup2(null, STDERR_FILENO) >= 0 && close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
        (void)execve(VNL_BIRD_PROGRAM, argv, env);
    _exit(127);
}

static void __attribute__((noreturn)) launch(int dir_fd, int netns_fd, int null, int report)
{
    pid_t pid;

    (void)setsid();
    if (setns(netns_fd, CLONE_NEWNET) < 0)
        _exit(1);
    pid = fork();
    if (pid == 0)
        exec_bird(dir_fd, null);
    (void)!write(report, &pid, sizeof(pid));
    _exit(pid < 0);
}

/* Forked twice: what it becomes is nobody's child. */
static pid_t fork_twice(int dir_fd, int netns_fd, int null)
{
    CLEANUP(vnl_fd_close) int reports = -1;
    pid_t child, pid = -1;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    reports = ends[0];
    child = fork();
    if (child == 0)
        launch(dir_fd, netns_fd, null, ends[1]);
    (void)close(ends[1]);
    if (child < 0 || read(reports, &pid, sizeof(pid)) != sizeof(pid))
        pid = -1;
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    return pid;
}

pid_t vnl_bird_start(int dir_fd, int netns_fd, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t pid;

    if (null < 0)
        return vnl_fail(err, errno, "/dev/null: %s", strerror(errno));
    if (access(VNL_BIRD_PROGRAM, X_OK) < 0)
        return vnl_fail(err, ENOENT, "%s is not there: package bird2 is needed", VNL_BIRD_PROGRAM);
    (void)unlinkat(dir_fd, "bird.ctl", 0); /* of one that was killed */
    pid = fork_twice(dir_fd, netns_fd, null);
    return pid > 0 ? pid : vnl_fail(err, EAGAIN, "BIRD cannot be started");
}

/* --- ending --------------------------------------------------------------------------------------- */

void vnl_bird_kill(pid_t pid)
{
    CLEANUP(vnl_fd_close) int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    struct pollfd fd = { .fd = pidfd, .events = POLLIN };

    if (pidfd < 0)
        return;
    (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    (void)poll(&fd, 1, END_MS);
}

void vnl_bird_end(int dir_fd, pid_t pid)
{
    static const char *const files[] = { "bird.ctl", "bird.conf", "log", "log.old" };
    CLEANUP(vnl_fd_close) int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    struct pollfd fd = { .fd = pidfd, .events = POLLIN };

    if (pidfd >= 0)
        (void)syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0);
    if (pidfd >= 0 && poll(&fd, 1, END_MS) <= 0) {
        (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        (void)poll(&fd, 1, END_MS);
    }
    for (size_t i = 0; i < ARRAY_SIZE(files) && dir_fd >= 0; i++)
        (void)unlinkat(dir_fd, files[i], 0);
}
