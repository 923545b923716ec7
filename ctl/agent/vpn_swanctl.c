/* The user's own file, by strongSwan's own tool: it knows all that such a file can hold. Its paths are relative to the daemon's. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <errno.h>

#include "vnetlab/base.h"
#include "vpn_parts.h"

#define SWANCTL "/usr/sbin/swanctl"
#define LOAD_MS 3000

static void __attribute__((noreturn)) exec_swanctl(const struct vnl_vpn_daemon *daemon)
{
    char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
    char *const argv[] = { "swanctl", "--load-all",  "--noprompt", "--file", (char *)daemon->swanctl,
                           "--uri",   "unix://vici", NULL };

    if (fchdir(daemon->dir_fd) == 0)
        (void)execve(SWANCTL, argv, env);
    _exit(127);
}

void vnl_vpn_daemon_load_swanctl(const struct vnl_vpn_daemon *daemon)
{
    CLEANUP(vnl_fd_close) int pidfd = -1;
    struct pollfd fd = { .events = POLLIN };
    pid_t pid = fork();

    if (pid == 0)
        exec_swanctl(daemon);
    if (pid < 0)
        return;
    fd.fd = pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 || poll(&fd, 1, LOAD_MS) <= 0) {
        (void)fprintf(stderr, "%s: swanctl does not come to an end\n", daemon->gateway);
        (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}
