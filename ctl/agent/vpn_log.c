/* What a charon says in its log. Not every failure is an event: the side that refuses a key says so only there. */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vpn_parts.h"

#define LOG_MAX      (1 << 20)
#define LOG_READ_MAX 65536

static void note_line(struct vnl_vpn_daemon *daemon, const char *text)
{
    struct vnl_vpn_line line;
    struct vnl_vpn_tunnel *tunnel;

    if (!vnl_vpn_line_parse(text, &line))
        return;
    /* A daemon of one tunnel speaks of that one, also before it knows with whom. */
    tunnel = vnl_vpn_daemon_tunnel(daemon, *line.connection || !*daemon->tunnel ? line.connection : NULL);
    if (!tunnel)
        return;
    /* It may be said before charon's event of what it ended: then it would be taken for that of a stranger, while the tunnel is up. */
    if (line.failure && tunnel->status == VNL_VPN_CONNECTED && daemon->phase == VNL_VPN_UP)
        vnl_vpn_daemon_refresh(daemon);
    vnl_vpn_p2s_explain(tunnel, &line);
    vnl_vpn_tunnel_note_line(tunnel, &line);
}

/* charon appends, so it goes on at the new end; readers begin again where a log is shorter than what they have read. */
static void cut_log(struct vnl_vpn_daemon *daemon, int fd)
{
    if (daemon->log_at > LOG_MAX && ftruncate(fd, 0) == 0)
        daemon->log_at = 0;
}

/* Whole lines of a part; returns how far they reach. */
static size_t read_lines(struct vnl_vpn_daemon *daemon, char *text)
{
    char *line = text, *end;

    while ((end = strchr(line, '\n'))) {
        *end = '\0';
        note_line(daemon, line);
        line = end + 1;
    }
    return (size_t)(line - text);
}

void vnl_vpn_daemon_read_log(struct vnl_vpn_daemon *daemon)
{
    CLEANUP(vnl_fd_close) int fd = openat(daemon->dir_fd, "charon.log", O_RDWR | O_CLOEXEC);
    CLEANUP(vnl_str_free) char *text = malloc(LOG_READ_MAX + 1);
    struct stat st;
    ssize_t n = LOG_READ_MAX;

    daemon->log_grown = false;
    if (fd < 0 || !text || fstat(fd, &st) < 0)
        return;
    if (st.st_size < daemon->log_at)
        daemon->log_at = 0; /* somebody else has cut it */
    while (n == LOG_READ_MAX && daemon->log_at < st.st_size) {
        size_t whole;

        n = pread(fd, text, LOG_READ_MAX, daemon->log_at);
        if (n <= 0)
            break;
        text[n] = '\0';
        whole = read_lines(daemon, text);
        daemon->log_at += whole ? (off_t)whole : n == LOG_READ_MAX ? n : 0;
    }
    cut_log(daemon, fd);
}

/* That there is more is all that an inotify event says. */
static void log_ready(struct vnl_source *source, uint32_t events)
{
    struct vnl_vpn_daemon *daemon = VNL_OWNER_OF(source, struct vnl_vpn_daemon, log);
    char buf[4096];

    (void)events;
    while (read(source->fd, buf, sizeof(buf)) > 0)
        continue;
    daemon->log_grown = true;
}

void vnl_vpn_daemon_watch_log(struct vnl_vpn_daemon *daemon)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/charon.log", daemon->dir_fd);
    daemon->log = (struct vnl_source){ .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), .ready = log_ready };
    /* Without it the log is still looked at now and then. */
    if (daemon->log.fd >= 0 && inotify_add_watch(daemon->log.fd, path, IN_MODIFY) >= 0)
        (void)vnl_loop_watch(daemon->vpn->epoll_fd, &daemon->log, EPOLLIN);
}

void vnl_vpn_daemon_skip_log(struct vnl_vpn_daemon *daemon)
{
    struct stat st;

    daemon->log_at = fstatat(daemon->dir_fd, "charon.log", &st, 0) == 0 ? st.st_size : 0;
}
