#include "bird.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/paths.h"

#define END_MS 1000

/* --- its directory -------------------------------------------------------------------------------- */

int vnl_bird_dir_open(const char *lab, const char *guest, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *base = vnl_run_path(lab, NULL);
    int fd = base ? open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd < 0)
        return vnl_fail(err, base ? errno : ENOMEM, "the lab's directory: %s",
                        strerror(base ? errno : ENOMEM));
    fd = vnl_daemon_descend(fd, "bgp");
    if (fd >= 0)
        fd = vnl_daemon_descend(fd, guest);
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

pid_t vnl_bird_start(int dir_fd, int netns_fd, struct vnl_err **err)
{
    static char *const argv[] = { (char *)"bird", (char *)"-f",       (char *)"-c", (char *)"bird.conf",
                                  (char *)"-s",   (char *)"bird.ctl", NULL };
    static char *const env[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)"TZ=UTC", NULL };
    CLEANUP(vnl_fd_close) int program = open(VNL_BIRD_PROGRAM, O_RDONLY | O_CLOEXEC);
    const struct vnl_daemon_exec what = { program, argv, env };
    pid_t pid;

    if (program < 0)
        return vnl_fail(err, ENOENT, "%s is not there: package bird2 is needed", VNL_BIRD_PROGRAM);
    (void)unlinkat(dir_fd, "bird.ctl", 0); /* of one that was killed */
    pid = vnl_daemon_start(&what, dir_fd, netns_fd);
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
