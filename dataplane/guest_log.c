/* The log of a VM's `run` commands: written by its init, read by `vnetlab logs`.
 *
 * It lives in memory (the lab's tmpfs), so it is bounded: at VNL_GUEST_LOG_SIZE the file becomes log.1, the
 * older log.1 goes. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

/* --- writing ----------------------------------------------------------------------------------------- */

static bool log_open(struct vnl_guest_log *log)
{
    struct stat st;

    if (log->fd >= 0 && log->size >= VNL_GUEST_LOG_SIZE) {
        vnl_fd_close(&log->fd);
        (void)renameat(log->dir_fd, "log", log->dir_fd, "log.1");
    }
    if (log->fd < 0) {
        log->fd = openat(log->dir_fd, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        log->size = log->fd >= 0 && fstat(log->fd, &st) == 0 ? (size_t)st.st_size : 0;
    }
    return log->fd >= 0;
}

void vnl_guest_log_line(struct vnl_guest_log *log, size_t number, const char *text, size_t len)
{
    char head[64];
    struct timespec now;
    struct tm utc;
    size_t head_len;
    struct iovec parts[3];
    ssize_t size;

    if (!log_open(log))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    head_len = strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &utc);
    head_len += (size_t)snprintf(head + head_len, sizeof(head) - head_len, ".%03ldZ [%zu] ",
                                 now.tv_nsec / 1000000, number);
    parts[0] = (struct iovec){ head, head_len };
    parts[1] = (struct iovec){ (char *)text, len };
    parts[2] = (struct iovec){ "\n", 1 };
    size = writev(log->fd, parts, ARRAY_SIZE(parts)); /* one write, so a reader sees whole lines */
    log->size += size > 0 ? (size_t)size : 0;
}

/* --- reading ----------------------------------------------------------------------------------------- */

struct reader {
    const char *dir; /* path of the VM's directory */
    int fd;          /* the log being read, or -1 */
    int out;
};

static int open_in(const char *dir, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool same_file(int a, int b)
{
    struct stat x, y;

    return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* Copies what is there. 0 at its end; -errno. */
static int copy(int in, int out)
{
    char buf[16384];
    ssize_t n;

    while ((n = read(in, buf, sizeof(buf))) > 0) {
        for (ssize_t done = 0; done < n;) {
            ssize_t w = write(out, buf + done, (size_t)(n - done));

            if (w < 0 && errno != EINTR)
                return -errno;
            done += w > 0 ? w : 0;
        }
    }
    return n < 0 ? -errno : 0;
}

/* Opens log and copies log.1. When the log is turned over in between, the pair is looked at again. */
static int read_older(struct reader *reader)
{
    for (;;) {
        CLEANUP(vnl_fd_close) int older = -1, now = -1;

        vnl_fd_close(&reader->fd);
        reader->fd = open_in(reader->dir, "log");
        older = open_in(reader->dir, "log.1");
        now = open_in(reader->dir, "log");
        if (reader->fd >= 0 && !same_file(reader->fd, now))
            continue;
        return older < 0 ? 0 : copy(older, reader->out);
    }
}

/* Copies what is new, over to the next file when the log was turned over (and over the one between when that
 * was twice). */
static int read_newer(struct reader *reader)
{
    CLEANUP(vnl_fd_close) int now = open_in(reader->dir, "log"), older = -1;
    int r = reader->fd < 0
                ? 0
                : copy(reader->fd, reader->out); /* opened first: the last lines of a renamed file are in */

    if (r < 0 || now < 0 || same_file(reader->fd, now))
        return r;
    older = open_in(reader->dir, "log.1");
    if (reader->fd >= 0 && older >= 0 && !same_file(reader->fd, older))
        r = copy(older, reader->out);
    vnl_fd_close(&reader->fd);
    reader->fd = TAKE_FD(now);
    return r < 0 ? r : copy(reader->fd, reader->out);
}

static bool still_there(const char *dir, const struct stat *was)
{
    struct stat st;

    return stat(dir, &st) == 0 && st.st_dev == was->st_dev && st.st_ino == was->st_ino;
}

/* The lab's end is looked for as well: a detached mount that a reader has open reports nothing. */
static int follow_wait(struct reader *reader, int watch, int sig_fd, const struct stat *dir)
{
    struct pollfd fds[] = { { .fd = watch, .events = POLLIN }, { .fd = sig_fd, .events = POLLIN } };
    char events[4096];
    int r = 0;

    while (r >= 0 && (r = read_newer(reader)) >= 0 && still_there(reader->dir, dir)) {
        r = poll(fds, ARRAY_SIZE(fds), 500);
        if (r < 0 && errno != EINTR)
            return -errno;
        if (r > 0 && fds[1].revents)
            return 0;
        if (r > 0)
            (void)!read(watch, events, sizeof(events));
        r = 0;
    }
    return r;
}

static int follow(struct reader *reader, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), sig_fd = -1;
    sigset_t ends, saved;
    struct stat dir;
    int r;

    if (stat(reader->dir, &dir) < 0)
        return 0;
    if (watch < 0 ||
        inotify_add_watch(watch, reader->dir, IN_MODIFY | IN_CREATE | IN_MOVE | IN_DELETE_SELF) < 0)
        return vnl_fail(err, errno, "watching %s: %s", reader->dir, strerror(errno));
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &ends, &saved);
    sig_fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    r = follow_wait(reader, watch, sig_fd, &dir);
    if (sig_fd >= 0) { /* what ended us was answered; it must not strike again when unblocked */
        struct signalfd_siginfo info;

        while (read(sig_fd, &info, sizeof(info)) > 0)
            continue;
    }
    (void)sigprocmask(SIG_SETMASK, &saved, NULL);
    return r;
}

int vnl_guest_logs(const char *lab, const char *vm, int fd, bool follow_on, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *dir = NULL;
    char suffix[NAME_MAX + 8];
    struct reader reader = { .fd = -1, .out = fd };
    int r;

    snprintf(suffix, sizeof(suffix), "vm/%s", vm);
    reader.dir = dir = vnl_run_path(lab, suffix);
    if (!dir)
        return vnl_fail(err, ENOMEM, "log of VM '%s'", vm);
    r = read_older(&reader);
    if (r >= 0 && reader.fd < 0)
        return vnl_fail_at(err, ENOENT, NULL, NULL, NULL,
                           "'run:' of a VM in the lab file lists commands to start with it",
                           "VM '%s' has no log: none of its commands was started", vm);
    if (r >= 0)
        r = read_newer(&reader);
    if (r >= 0 && follow_on)
        r = follow(&reader, err);
    vnl_fd_close(&reader.fd);
    if (r == -EPIPE) /* the reader has seen enough */
        return 0;
    return r < 0 && !(err && *err) ? vnl_fail(err, -r, "log of VM '%s': %s", vm, strerror(-r)) : r;
}
