#include "charon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/paths.h"

#define END_MS 1000

/* --- its directory -------------------------------------------------------------------------------- */

int vnl_charon_dir_open(const char *lab, const char *gateway, const char *tunnel, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *base = vnl_run_path(lab, NULL);
    int fd = base ? open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd < 0)
        return vnl_fail(err, base ? errno : ENOMEM, "the lab's directory: %s", strerror(errno));
    fd = vnl_daemon_descend(fd, "vpn");
    if (fd >= 0)
        fd = vnl_daemon_descend(fd, gateway);
    if (fd >= 0 && tunnel)
        fd = vnl_daemon_descend(fd, tunnel);
    return fd < 0 ? vnl_fail(err, -fd, "the directory of its charon: %s", strerror(-fd)) : fd;
}

static bool has_text(int dir_fd, const char *text)
{
    CLEANUP(vnl_fd_close) int fd = openat(dir_fd, "strongswan.conf", O_RDONLY | O_CLOEXEC);
    char old[4096];
    ssize_t n = fd < 0 ? -1 : read(fd, old, sizeof(old));

    return n >= 0 && (size_t)n == strlen(text) && !memcmp(old, text, (size_t)n);
}

int vnl_charon_config_write(int dir_fd, const struct vnl_charon_spec *spec, bool *ret_changed,
                            struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *text = vnl_charon_config(spec);
    CLEANUP(vnl_fd_close) int fd = -1;

    if (!text)
        return vnl_fail(err, ENOMEM, "strongswan.conf");
    *ret_changed = !has_text(dir_fd, text);
    if (!*ret_changed)
        return 0;
    fd = openat(dir_fd, "strongswan.conf", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        return vnl_fail(err, errno, "strongswan.conf: %s", strerror(errno));
    return 0;
}

/* --- starting ------------------------------------------------------------------------------------- */

static bool apparmor_is_on(void)
{
    CLEANUP(vnl_fd_close) int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
    char state = 'N';

    return fd >= 0 && read(fd, &state, 1) == 1 && state == 'Y';
}

/* Distributions' AppArmor profiles confine the daemon, by its path, to files below /etc; a copy without a path is not confined. */
static int copy_in_memory(int fd)
{
    CLEANUP(vnl_fd_close) int copy = memfd_create("charon-systemd", MFD_CLOEXEC);
    struct stat st;

    if (copy < 0 || fstat(fd, &st) < 0)
        return -1;
    for (off_t left = st.st_size; left > 0;) {
        ssize_t n = sendfile(copy, fd, NULL, (size_t)left);

        if (n <= 0)
            return -1;
        left -= n;
    }
    return TAKE_FD(copy);
}

static int open_program(void)
{
    CLEANUP(vnl_fd_close) int fd = open(VNL_CHARON_PROGRAM, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || !apparmor_is_on())
        return TAKE_FD(fd);
    return copy_in_memory(fd);
}

pid_t vnl_charon_start(int dir_fd, int netns_fd, struct vnl_err **err)
{
    static char *const argv[] = { (char *)"charon-systemd", NULL };
    static char *const env[] = { (char *)"STRONGSWAN_CONF=strongswan.conf",
                                 (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)"TZ=UTC", NULL };
    CLEANUP(vnl_fd_close) int program = open_program();
    const struct vnl_daemon_exec what = { program, argv, env };
    pid_t pid;

    if (program < 0)
        return vnl_fail(err, ENOENT, "%s cannot be opened: package charon-systemd is needed",
                        VNL_CHARON_PROGRAM);
    (void)unlinkat(dir_fd, "vici", 0); /* a stale socket would stop it */
    pid = vnl_daemon_start(&what, dir_fd, netns_fd);
    return pid > 0 ? pid : vnl_fail(err, EAGAIN, "charon cannot be started");
}

/* --- ending --------------------------------------------------------------------------------------- */

void vnl_charon_end(pid_t pid)
{
    if (pid <= 0)
        return;
    (void)kill(pid, SIGTERM);
    (void)kill(pid, SIGCONT); /* one that is stopped would not notice */
}

void vnl_charon_reap(int dir_fd, pid_t pid)
{
    static const char *const files[] = { "vici", "strongswan.conf", "charon.log", "sums", "sums.new" };
    CLEANUP(vnl_fd_close) int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    struct pollfd fd = { .fd = pidfd, .events = POLLIN };

    if (pidfd >= 0 && poll(&fd, 1, END_MS) <= 0) {
        (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        (void)poll(&fd, 1, END_MS);
    }
    for (size_t i = 0; i < ARRAY_SIZE(files) && dir_fd >= 0; i++)
        (void)unlinkat(dir_fd, files[i], 0);
}
