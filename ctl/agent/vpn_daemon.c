/* One charon: DOWN, STARTING, UP, and SILENT (vpn_silence.c). Whether it runs already is seen by its socket, so adopting and starting are one way. When it is lost its TUN,
 * routes and SAs are lost with it; it is started anew at once, or a while later when it did not live long. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vpn_parts.h"

#define READY_LOOK_MS 5
#define READY_MS      5000
#define AGAIN_MS      2000
#define LOG_LOOK_MS   500 /* while a tunnel of its is not connected */

struct vnl_vpn_daemon *vnl_vpn_daemon_new(struct vnl_vpn *vpn, const char *gateway, const char *tunnel)
{
    CLEANUP(vnl_vpn_daemon_free) struct vnl_vpn_daemon *daemon = calloc(1, sizeof(*daemon));

    if (!daemon)
        return NULL;
    daemon->events.fd = daemon->log.fd = daemon->answer.fd = daemon->dir_fd = daemon->netns_fd =
        daemon->commands_fd = -1;
    daemon->vpn = vpn;
    daemon->gateway = strdup(gateway);
    (void)snprintf(daemon->tunnel, sizeof(daemon->tunnel), "%s", tunnel);
    return daemon->gateway ? TAKE_PTR(daemon) : NULL;
}

void vnl_vpn_daemon_hang_up(struct vnl_vpn_daemon *daemon)
{
    vnl_fd_close(&daemon->events.fd);
    vnl_fd_close(&daemon->log.fd);
    vnl_fd_close(&daemon->answer.fd);
    vnl_fd_close(&daemon->commands_fd);
    vnl_vici_inbox_done(&daemon->inbox);
    daemon->events.fd = daemon->log.fd = daemon->answer.fd = daemon->commands_fd = -1;
}

void vnl_vpn_daemon_free(struct vnl_vpn_daemon **daemon)
{
    if (!*daemon)
        return;
    vnl_vpn_daemon_hang_up(*daemon);
    vnl_fd_close(&(*daemon)->dir_fd);
    vnl_fd_close(&(*daemon)->netns_fd);
    free((*daemon)->gateway);
    free((*daemon)->failure);
    free((*daemon)->sums);
    free(*daemon);
    *daemon = NULL;
}

struct vnl_vpn_tunnel *vnl_vpn_daemon_tunnel(const struct vnl_vpn_daemon *daemon, const char *ifname)
{
    for (size_t i = 0; i < daemon->vpn->n_tunnels; i++) {
        struct vnl_vpn_tunnel *tunnel = daemon->vpn->tunnels[i];

        if (tunnel->daemon == daemon && (!ifname || !strcmp(tunnel->ifname, ifname)))
            return tunnel;
    }
    return NULL;
}

/* --- losing it ------------------------------------------------------------------------------------ */

void vnl_vpn_daemon_lost(struct vnl_vpn_daemon *daemon, const char *why)
{
    int64_t now = vnl_loop_now_ms();

    (void)fprintf(stderr, "%s%s%s: charon: %s\n", daemon->gateway, *daemon->tunnel ? "/" : "", daemon->tunnel,
                  why);
    free(daemon->failure);
    daemon->failure = strdup(why);
    if (daemon->phase != VNL_VPN_DOWN && daemon->pid > 0) {
        (void)kill(daemon->pid, SIGKILL);
        vnl_charon_reap(-1, daemon->pid); /* while it dies its socket still takes connections */
    }
    vnl_vpn_daemon_hang_up(daemon);
    vnl_fd_close(&daemon->netns_fd);
    daemon->netns_fd = -1;
    daemon->due_ms =
        daemon->phase == VNL_VPN_UP && now - daemon->started_ms > AGAIN_MS ? now : now + AGAIN_MS;
    daemon->phase = VNL_VPN_DOWN;
    for (size_t i = 0; i < daemon->vpn->n_tunnels; i++)
        if (daemon->vpn->tunnels[i]->daemon == daemon)
            vnl_vpn_tunnel_down(daemon->vpn->tunnels[i]);
}

int vnl_vpn_daemon_call(struct vnl_vpn_daemon *daemon, const char *command,
                        const struct vnl_vici_message *message, const char *stream, vnl_vici_fn fn, void *arg,
                        struct vnl_err **err)
{
    int r;

    if (daemon->phase != VNL_VPN_UP)
        return vnl_fail(err, ENOTCONN, "charon does not %s",
                        daemon->phase == VNL_VPN_SILENT ? "answer" : "run");
    vnl_vici_patience(daemon->commands_fd, vnl_vpn_patience_ms(daemon->vpn));
    r = vnl_vici_call(daemon->commands_fd, command, message, stream, fn, arg, err);
    if (r == -ETIMEDOUT && daemon->phase == VNL_VPN_UP)
        vnl_vpn_daemon_fall_silent(daemon);
    else if (r < 0 && r != -EIO && r != -ENOSYS && daemon->phase == VNL_VPN_UP)
        vnl_vpn_daemon_lost(daemon, "it does not answer any more");
    return r;
}

/* --- SAs ------------------------------------------------------------------------------------------ */

struct listing {
    struct vnl_vpn_daemon *daemon;
    struct vnl_vpn_sa *found; /* of vpn->tunnels */
    bool *there;
};

/* There may be two IKE_SAs of a connection for a moment. */
static void merge(struct vnl_vpn_sa *into, const struct vnl_vpn_sa *more)
{
    bool better = more->installed || !into->suite[0];

    into->connecting |= more->connecting;
    into->established |= more->established;
    into->installed |= more->installed;
    into->in += more->in;
    into->out += more->out;
    if (better)
        memcpy(into->suite, more->suite, sizeof(into->suite));
    if (more->installed)
        memcpy(into->inner, more->inner, sizeof(into->inner));
}

static void list_one(const char *event, const uint8_t *message, size_t size, void *arg)
{
    struct listing *listing = arg;
    struct vnl_vpn *vpn = listing->daemon->vpn;
    struct vnl_vpn_sa sa;

    if (!event || vnl_vpn_sa_parse(message, size, &sa) < 0)
        return;
    for (size_t i = 0; i < vpn->n_tunnels; i++) {
        if (vpn->tunnels[i]->daemon != listing->daemon || strcmp(vpn->tunnels[i]->ifname, sa.name) != 0)
            continue;
        merge(&listing->found[i], &sa);
        vnl_vpn_sums_read(&vpn->tunnels[i]->sums, message, size);
        listing->there[i] = true;
    }
}

void vnl_vpn_daemon_refresh(struct vnl_vpn_daemon *daemon)
{
    struct vnl_vpn *vpn = daemon->vpn;
    struct listing listing = { daemon, calloc(vpn->n_tunnels + 1, sizeof(struct vnl_vpn_sa)),
                               calloc(vpn->n_tunnels + 1, sizeof(bool)) };
    int r = -ENOMEM;

    daemon->dirty = false;
    for (size_t i = 0; i < vpn->n_tunnels; i++)
        if (vpn->tunnels[i]->daemon == daemon)
            vnl_vpn_sums_begin_list(&vpn->tunnels[i]->sums);
    if (listing.found && listing.there)
        r = vnl_vpn_daemon_call(daemon, "list-sas", NULL, "list-sa", list_one, &listing, NULL);
    for (size_t i = 0; i < vpn->n_tunnels && r == 0; i++) {
        if (vpn->tunnels[i]->daemon != daemon)
            continue;
        vnl_vpn_sums_end_list(&vpn->tunnels[i]->sums);
        vnl_vpn_tunnel_note_sa(vpn->tunnels[i], listing.there[i] ? &listing.found[i] : NULL);
    }
    if (r == 0)
        vnl_vpn_sums_keep(daemon);
    free(listing.found);
    free(listing.there);
}

/* One that has come up says all that is to be known; else the list is asked for. */
static void note_event(const char *event, const uint8_t *message, size_t size, void *arg)
{
    struct vnl_vpn_daemon *daemon = arg;
    bool of_child = !strcmp(event, "child-updown"), was_dirty = daemon->dirty;
    struct vnl_vpn_tunnel *tunnel;
    struct vnl_vpn_sa sa;

    daemon->dirty = true;
    if (vnl_vpn_sa_parse(message, size, &sa) < 0 || !(tunnel = vnl_vpn_daemon_tunnel(daemon, sa.name)))
        return;
    vnl_vpn_sums_read(&tunnel->sums, message, size);
    if (!sa.up || (of_child && !sa.installed))
        return;
    if (of_child && tunnel->status != VNL_VPN_CONNECTED)
        vnl_vpn_tunnel_note_sa(tunnel, &sa);
    daemon->dirty = was_dirty;
}

static void events_ready(struct vnl_source *source, uint32_t events)
{
    struct vnl_vpn_daemon *daemon = VNL_OWNER_OF(source, struct vnl_vpn_daemon, events);

    (void)events;
    if (vnl_vici_receive(source->fd, &daemon->inbox, note_event, daemon) < 0)
        vnl_vpn_daemon_lost(daemon, "it has ended");
}

/* --- becoming ready ------------------------------------------------------------------------------- */

/* What it holds of ours: "vpn3" with a child, "vpn3-beef" as a key. */
static void note_connection(const char *event, const uint8_t *message, size_t size, void *arg)
{
    struct vnl_vpn_daemon *daemon = arg;
    struct vnl_vpn_tunnel *tunnel = NULL;
    struct vnl_vici_reader reader;
    struct vnl_vici_element element;
    bool children = false;

    if (!event)
        return;
    vnl_vici_reader_init(&reader, message, size);
    while (vnl_vici_next(&reader, &element) > 0) {
        if (element.kind != VNL_VICI_SECTION_START)
            continue;
        if (element.depth == 0)
            tunnel = vnl_vpn_daemon_tunnel(daemon, element.name);
        else if (element.depth == 1)
            children = !strcmp(element.name, "children");
        else if (element.depth == 2 && children && tunnel)
            (void)snprintf(tunnel->held_child, sizeof(tunnel->held_child), "%.17s", element.name);
    }
}

static void note_secret(const char *event, const uint8_t *message, size_t size, void *arg)
{
    struct vnl_vpn_daemon *daemon = arg;
    struct vnl_vici_reader reader;
    struct vnl_vici_element element;

    (void)event;
    vnl_vici_reader_init(&reader, message, size);
    while (vnl_vici_next(&reader, &element) > 0) {
        char id[VNL_VPN_SECRET_STR];
        struct vnl_vpn_tunnel *tunnel;

        if (element.kind != VNL_VICI_LIST_ITEM)
            continue;
        vnl_vici_text(&element, id, sizeof(id));
        id[strcspn(id, "-")] = '\0';
        tunnel = vnl_vpn_daemon_tunnel(daemon, id);
        if (tunnel)
            vnl_vici_text(&element, tunnel->held_secret, sizeof(tunnel->held_secret));
    }
}

static int ask_held(struct vnl_vpn_daemon *daemon, struct vnl_err **err)
{
    int r = vnl_vpn_daemon_call(daemon, "list-conns", NULL, "list-conn", note_connection, daemon, err);

    return r < 0 ? r : vnl_vpn_daemon_call(daemon, "get-shared", NULL, NULL, note_secret, daemon, err);
}

static int set_up_tun(struct vnl_vpn_daemon *daemon, struct vnl_err **err)
{
    char tun[16];

    if (daemon->spec.engine != VNL_VPN_LIBIPSEC)
        return 0;
    if (vnl_charon_tun(daemon->pid, tun) < 0)
        return vnl_fail(err, ENODEV, "it has no TUN");
    return daemon->vpn->hands.tun_adopt(daemon->vpn->lab, daemon->gateway, tun,
                                        *daemon->tunnel ? daemon->tunnel : "vpn", err);
}

static int listen_to(struct vnl_vpn_daemon *daemon, struct vnl_err **err)
{
    static const char *const events[] = { "ike-updown", "child-updown", "child-rekey" };
    int r = vnl_vici_connect(daemon->dir_fd, NULL);

    if (r < 0)
        return vnl_fail(err, -r, "its socket: %s", strerror(-r));
    daemon->events = (struct vnl_source){ .fd = r, .ready = events_ready };
    vnl_vici_patience(r, vnl_vpn_patience_ms(daemon->vpn));
    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        if ((r = vnl_vici_register(daemon->events.fd, events[i], err)) < 0)
            return r;
    r = vnl_loop_watch(daemon->vpn->epoll_fd, &daemon->events, EPOLLIN);
    return r < 0 ? vnl_fail(err, -r, "its events: %s", strerror(-r)) : 0;
}

/* Its socket has taken a connection. fresh: we have started it. */
static void become_ready(struct vnl_vpn_daemon *daemon, bool fresh)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_vpn *vpn = daemon->vpn;
    int r;

    daemon->phase = VNL_VPN_UP;
    (void)fchmodat(daemon->dir_fd, "vici", 0600, 0); /* charon makes it for a group, too */
    vnl_vpn_daemon_watch_log(daemon);
    vnl_charon_buffers(daemon->pid);
    if ((r = listen_to(daemon, &err)) < 0 || (r = set_up_tun(daemon, &err)) < 0 ||
        (!fresh && (r = ask_held(daemon, &err)) < 0)) {
        if (daemon->phase == VNL_VPN_UP && r == -ETIMEDOUT)
            vnl_vpn_daemon_fall_silent(daemon);
        else if (daemon->phase == VNL_VPN_UP)
            vnl_vpn_daemon_lost(daemon, err->msg);
        return;
    }
    free(TAKE_PTR(daemon->failure));
    vnl_vpn_sums_become_ready(daemon);
    if (daemon->swanctl)
        vnl_vpn_daemon_load_swanctl(daemon);
    for (size_t i = 0; i < vpn->n_tunnels && daemon->phase == VNL_VPN_UP; i++)
        if (vpn->tunnels[i]->daemon == daemon)
            vnl_vpn_tunnel_load(vpn->tunnels[i]);
    if (!fresh && daemon->phase == VNL_VPN_UP)
        vnl_vpn_daemon_refresh(daemon);
    vnl_vpn_sums_restore_since(daemon);
}

void vnl_vpn_daemon_return(struct vnl_vpn_daemon *daemon)
{
    vnl_vpn_daemon_hang_up(daemon);
    daemon->commands_fd = vnl_vici_connect(daemon->dir_fd, NULL);
    if (daemon->commands_fd >= 0)
        return become_ready(daemon, false);
    daemon->commands_fd = -1;
    vnl_vpn_daemon_lost(daemon, "it has ended");
}

/* --- starting ------------------------------------------------------------------------------------- */

static int prepare(struct vnl_vpn_daemon *daemon, bool *ret_changed, struct vnl_err **err)
{
    int r = 0;

    if (daemon->netns_fd < 0)
        r = vnl_netns_open(daemon->vpn->lab, daemon->gateway, &daemon->netns_fd, err);
    if (r == 0 && daemon->dir_fd < 0) {
        r = vnl_charon_dir_open(daemon->vpn->lab, daemon->gateway, *daemon->tunnel ? daemon->tunnel : NULL,
                                err);
        daemon->dir_fd = r < 0 ? -1 : r;
    }
    return r < 0 ? r : vnl_charon_config_write(daemon->dir_fd, &daemon->spec, ret_changed, err);
}

/* One that runs with other settings is of another engine, or of another gateway of that name; as one in another namespace is. */
static bool adopt(struct vnl_vpn_daemon *daemon, bool changed)
{
    int fd = vnl_vici_connect(daemon->dir_fd, &daemon->pid);

    if (fd < 0)
        return false;
    if (changed || vnl_vpn_daemon_misplaced(daemon)) {
        (void)close(fd);
        (void)kill(daemon->pid, SIGKILL);
        vnl_charon_reap(-1, daemon->pid);
        return false;
    }
    daemon->commands_fd = fd;
    daemon->started_ms = vnl_loop_now_ms();
    vnl_vpn_daemon_skip_log(daemon);
    become_ready(daemon, false);
    return true;
}

static void begin(struct vnl_vpn_daemon *daemon, int64_t now)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    bool changed = false;
    pid_t pid = -1;

    if (prepare(daemon, &changed, &err) == 0) {
        vnl_vpn_sums_recall(daemon);
        if (adopt(daemon, changed))
            return;
        vnl_vpn_daemon_skip_log(daemon);
        pid = vnl_charon_start(daemon->dir_fd, daemon->netns_fd, &err);
    }
    if (pid < 0)
        return vnl_vpn_daemon_lost(daemon, err ? err->msg : "it cannot be started");
    daemon->pid = pid;
    daemon->phase = VNL_VPN_STARTING;
    daemon->started_ms = now;
    daemon->due_ms = now + READY_LOOK_MS;
}

static void look_if_ready(struct vnl_vpn_daemon *daemon, int64_t now)
{
    daemon->commands_fd = vnl_vici_connect(daemon->dir_fd, NULL);
    if (daemon->commands_fd >= 0)
        return become_ready(daemon, true);
    daemon->commands_fd = -1;
    daemon->due_ms = now + READY_LOOK_MS;
    if (now - daemon->started_ms > READY_MS || (kill(daemon->pid, 0) < 0 && errno == ESRCH))
        vnl_vpn_daemon_lost(daemon, "it does not start: see its log");
}

/* Who waits for clients has nothing to hurry for. */
static bool is_at_rest(const struct vnl_vpn_tunnel *tunnel)
{
    return tunnel->status == VNL_VPN_CONNECTED || tunnel->plan->kind == VNL_TUNNEL_SERVER;
}

static bool all_connected(const struct vnl_vpn_daemon *daemon)
{
    for (size_t i = 0; i < daemon->vpn->n_tunnels; i++)
        if (daemon->vpn->tunnels[i]->daemon == daemon && !is_at_rest(daemon->vpn->tunnels[i]))
            return false;
    return true;
}

static int look_after(struct vnl_vpn_daemon *daemon, int64_t now)
{
    int64_t next;

    if (now >= daemon->place_ms && !vnl_vpn_daemon_check_place(daemon))
        return 0;
    if (daemon->dirty || (now >= daemon->due_ms && !all_connected(daemon))) {
        daemon->due_ms = now + LOG_LOOK_MS;
        vnl_vpn_daemon_refresh(daemon);
        if (daemon->phase == VNL_VPN_UP)
            vnl_vpn_daemon_read_log(daemon);
    } else if (daemon->log_grown) {
        vnl_vpn_daemon_read_log(daemon);
    }
    next = all_connected(daemon) || daemon->place_ms < daemon->due_ms ? daemon->place_ms : daemon->due_ms;
    return next > now ? (int)(next - now) : 0;
}

int vnl_vpn_daemon_run(struct vnl_vpn_daemon *daemon, int64_t now)
{
    if (daemon->phase == VNL_VPN_DOWN && now >= daemon->due_ms)
        begin(daemon, now);
    else if (daemon->phase == VNL_VPN_STARTING && now >= daemon->due_ms)
        look_if_ready(daemon, now);
    else if (daemon->phase == VNL_VPN_SILENT && now >= daemon->due_ms)
        vnl_vpn_daemon_lost(daemon, "it does not answer any more");
    if (daemon->phase == VNL_VPN_UP)
        return look_after(daemon, now);
    return daemon->due_ms > now ? (int)(daemon->due_ms - now) : 0;
}
