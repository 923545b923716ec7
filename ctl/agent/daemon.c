#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vnetlab/base.h"

int vnl_daemon_descend(int parent, const char *name)
{
    int fd = -1;

    if (mkdirat(parent, name, 0700) == 0 || errno == EEXIST)
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        fd = -errno;
    (void)close(parent);
    return fd;
}

/* Runs in the child of a process with threads: system calls only. */
static void __attribute__((noreturn)) become(const struct vnl_daemon_exec *what, int dir_fd, int null)
{
    sigset_t none;

    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)umask(0077);
    if (fchdir(dir_fd) == 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
        dup2(null, STDERR_FILENO) >= 0 && close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
        (void)syscall(SYS_execveat, what->program, "", what->argv, what->env, AT_EMPTY_PATH);
    _exit(127);
}

/* No session of its own: the scheduler makes a group of each session (autogroup), and with libipsec a packet goes from daemon to daemon. In
 * groups of their own they take the CPU from each other packet by packet: two to three times as many switches, a quarter more CPU time. */
static void __attribute__((noreturn))
launch(const struct vnl_daemon_exec *what, int dir_fd, int netns_fd, int null, int report)
{
    pid_t pid;

    (void)setpgid(0, 0);
    if (setns(netns_fd, CLONE_NEWNET) < 0)
        _exit(1);
    pid = fork();
    if (pid == 0)
        become(what, dir_fd, null);
    (void)!write(report, &pid, sizeof(pid));
    _exit(pid < 0);
}

/* Forked twice: what it becomes is nobody's child. */
pid_t vnl_daemon_start(const struct vnl_daemon_exec *what, int dir_fd, int netns_fd)
{
    CLEANUP(vnl_fd_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    CLEANUP(vnl_fd_close) int reports = -1;
    pid_t child, pid = -1;
    int ends[2];

    if (null < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    reports = ends[0];
    child = fork();
    if (child == 0)
        launch(what, dir_fd, netns_fd, null, ends[1]);
    (void)close(ends[1]);
    if (child < 0 || read(reports, &pid, sizeof(pid)) != sizeof(pid))
        pid = -1;
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    return pid;
}
