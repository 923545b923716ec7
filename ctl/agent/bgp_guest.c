/* One guest's BIRD: DOWN, STARTING, UP. Whether it runs already is seen by its socket, so adopting and starting are one way. When it is lost it is
 * started anew at once, or a while later when it did not live long. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgp_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

#define READY_LOOK_MS 5
#define READY_MS      5000
#define AGAIN_MS      2000
#define SETTLE_MS     150   /* a session that was silent so long has brought what it brings first */
#define RETRY_MS      60000 /* a peer that sent too much */

struct vnl_bgp_guest *vnl_bgp_guest_new(struct vnl_bgp_control *bgp, const char *name)
{
    CLEANUP(vnl_bgp_guest_free) struct vnl_bgp_guest *guest = calloc(1, sizeof(*guest));

    if (!guest)
        return NULL;
    guest->control.fd = guest->files.fd = guest->routes_at.fd = guest->dir_fd = guest->netns_fd = -1;
    guest->bgp = bgp;
    guest->name = strdup(name);
    return guest->name ? TAKE_PTR(guest) : NULL;
}

void vnl_bgp_guest_hang_up(struct vnl_bgp_guest *guest)
{
    struct vnl_source *const sources[] = { &guest->control, &guest->files, &guest->routes_at };

    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        vnl_fd_close(&sources[i]->fd);
        sources[i]->fd = -1;
    }
    vnl_fd_close(&guest->netns_fd);
    guest->netns_fd = -1;
}

static void sessions_free(struct vnl_bgp_session *sessions, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(sessions[i].carries);
    free(sessions);
}

void vnl_bgp_guest_free(struct vnl_bgp_guest **guest)
{
    if (!*guest)
        return;
    vnl_bgp_guest_hang_up(*guest);
    vnl_fd_close(&(*guest)->dir_fd);
    sessions_free((*guest)->sessions, (*guest)->n_sessions);
    vnl_bird_routes_done(&(*guest)->routes);
    free((*guest)->name);
    free((*guest)->why);
    free(*guest);
    *guest = NULL;
}

void vnl_bgp_guest_end(struct vnl_bgp_guest *guest)
{
    pid_t pid = guest->phase == VNL_BGP_GUEST_DOWN ? 0 : guest->pid;

    vnl_bgp_guest_hang_up(guest);
    vnl_bgp_guest_forget(guest);
    vnl_bird_end(guest->dir_fd, pid);
    guest->phase = VNL_BGP_GUEST_DOWN;
}

void vnl_bgp_guest_lost(struct vnl_bgp_guest *guest, const char *why)
{
    int64_t now = vnl_loop_now_ms();
    bool lived = guest->phase == VNL_BGP_GUEST_UP && now - guest->started_ms > AGAIN_MS;

    (void)fprintf(stderr, "%s: BIRD: %s\n", guest->name, why);
    free(guest->why);
    guest->why = strdup(why);
    if (guest->phase != VNL_BGP_GUEST_DOWN)
        vnl_bird_kill(guest->pid);
    vnl_bgp_guest_hang_up(guest);
    guest->phase = VNL_BGP_GUEST_DOWN;
    guest->due_ms = lived ? now : now + AGAIN_MS;
    vnl_bgp_guest_forget(guest);
}

/* --- following a plan ----------------------------------------------------------------------------- */

static void take_over(struct vnl_bgp_session *session, struct vnl_bgp_session *old, size_t n_old)
{
    for (size_t i = 0; i < n_old; i++) {
        size_t tunnel = session->tunnel;

        if (strcmp(old[i].ifname, session->ifname) != 0)
            continue;
        *session = old[i];
        session->tunnel = tunnel;
        session->told = false; /* the tunnel may be another one of that name */
        old[i].carries = NULL;
    }
}

int vnl_bgp_guest_follow(struct vnl_bgp_guest *guest, size_t gateway)
{
    const struct vnl_plan *plan = guest->bgp->plan;
    struct vnl_bgp_session *sessions = calloc(plan->n_tunnels + 1, sizeof(*sessions));
    size_t n = 0;

    if (!sessions)
        return -ENOMEM;
    for (size_t i = 0; i < plan->n_tunnels; i++) {
        if (plan->tunnels[i].gateway != gateway || !plan->tunnels[i].peer_asn)
            continue;
        sessions[n].tunnel = i;
        memcpy(sessions[n].ifname, plan->tunnels[i].ifname, sizeof(sessions[n].ifname));
        take_over(&sessions[n++], guest->sessions, guest->n_sessions);
    }
    sessions_free(guest->sessions, guest->n_sessions);
    guest->sessions = sessions;
    guest->n_sessions = n;
    guest->gateway = gateway;
    return 0;
}

/* --- its configuration ---------------------------------------------------------------------------- */

/* What they are now is known when they have been asked. */
static void doubt(struct vnl_bgp_guest *guest)
{
    for (size_t i = 0; i < guest->n_sessions; i++)
        guest->sessions[i].ready = false;
    guest->changed_ms = vnl_loop_now_ms();
    guest->bgp->serial++;
}

int vnl_bgp_guest_configure(struct vnl_bgp_guest *guest, struct vnl_err **err)
{
    const struct vnl_plan *plan = guest->bgp->plan;
    CLEANUP(vnl_str_free) char *text = NULL;
    bool *up = calloc(plan->n_tunnels + 1, sizeof(*up)), changed;
    int r;

    for (size_t i = 0; up && i < guest->n_sessions; i++)
        up[guest->sessions[i].tunnel] = guest->sessions[i].up;
    text = up ? vnl_bird_config(plan, guest->gateway, up) : NULL;
    free(up);
    if (!text)
        return vnl_fail(err, ENOMEM, "bird.conf");
    r = vnl_bird_config_write(guest->dir_fd, text, &changed, err);
    if (r < 0 || !changed || guest->phase != VNL_BGP_GUEST_UP)
        return r;
    doubt(guest);
    r = vnl_bird_ask(guest->control.fd, "configure", NULL, err);
    vnl_bgp_guest_note(guest, vnl_loop_now_ms());
    return r;
}

/* True: another one is to be up, or none any more. */
static bool follow_tunnel(struct vnl_bgp_session *session, bool up, int64_t now)
{
    bool was_up = session->up;

    if (up || now >= session->trust_ms)
        session->trust_ms = 0;
    session->up = up || session->trust_ms;
    return session->up != was_up;
}

static bool follow_tunnels(struct vnl_bgp_guest *guest, int64_t now)
{
    struct vnl_bgp_control *bgp = guest->bgp;
    bool changed = false;

    for (size_t i = 0; i < guest->n_sessions; i++)
        changed |= follow_tunnel(&guest->sessions[i],
                                 bgp->hands.tunnel_up(bgp->vpn, guest->sessions[i].tunnel), now);
    return changed;
}

/* --- starting ------------------------------------------------------------------------------------- */

static int prepare(struct vnl_bgp_guest *guest, struct vnl_err **err)
{
    int r = 0;

    if (guest->netns_fd < 0)
        r = vnl_netns_open(guest->bgp->lab, guest->name, &guest->netns_fd, err);
    if (r == 0 && guest->dir_fd < 0) {
        r = vnl_bird_dir_open(guest->bgp->lab, guest->name, err);
        guest->dir_fd = r < 0 ? -1 : r;
    }
    return r < 0 ? r : 0;
}

/* Its socket has taken a connection. found: it ran before. */
static void become_ready(struct vnl_bgp_guest *guest, bool found, int64_t now)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    guest->phase = VNL_BGP_GUEST_UP;
    if (vnl_bgp_guest_watch(guest, &err) < 0 || (found && vnl_bgp_guest_trust(guest, now, &err) < 0) ||
        vnl_bgp_guest_configure(guest, &err) < 0)
        return vnl_bgp_guest_lost(guest, err->msg);
    guest->look_ms = now;
    free(guest->why);
    guest->why = NULL;
}

static void begin(struct vnl_bgp_guest *guest, int64_t now)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r = prepare(guest, &err);

    if (r == 0) {
        guest->started_ms = now;
        guest->control.fd = vnl_bird_connect(guest->dir_fd, &guest->pid);
        if (guest->control.fd >= 0)
            return become_ready(guest, true, now);
        guest->control.fd = -1;
        (void)follow_tunnels(guest, now);
        r = vnl_bgp_guest_configure(guest, &err);
    }
    if (r == 0)
        r = guest->pid = vnl_bird_start(guest->dir_fd, guest->netns_fd, &err);
    if (r < 0)
        return vnl_bgp_guest_lost(guest, err ? err->msg : "it cannot be started");
    guest->phase = VNL_BGP_GUEST_STARTING;
    guest->due_ms = now + READY_LOOK_MS;
}

static void look_if_ready(struct vnl_bgp_guest *guest, int64_t now)
{
    guest->control.fd = vnl_bird_connect(guest->dir_fd, NULL);
    if (guest->control.fd >= 0)
        return become_ready(guest, false, now);
    guest->control.fd = -1;
    guest->due_ms = now + READY_LOOK_MS;
    if (now - guest->started_ms > READY_MS || (kill(guest->pid, 0) < 0 && errno == ESRCH))
        vnl_bgp_guest_lost(guest, "it does not start: see its log");
}

/* --- while it runs -------------------------------------------------------------------------------- */

static int enable_anew(struct vnl_bgp_guest *guest, int64_t now, struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; i < guest->n_sessions && r == 0; i++) {
        struct vnl_bgp_session *session = &guest->sessions[i];
        char command[32];

        if (!session->retry_ms || now < session->retry_ms)
            continue;
        session->retry_ms = now + RETRY_MS;
        (void)snprintf(command, sizeof(command), "enable " VNL_BIRD_SESSION "%s", session->ifname);
        r = vnl_bird_ask(guest->control.fd, command, NULL, err);
    }
    return r;
}

static void become_settled(struct vnl_bgp_guest *guest, int64_t now)
{
    struct vnl_bgp_control *bgp = guest->bgp;
    bool settled = !guest->look_ms && !bgp->dirty && now - guest->changed_ms >= SETTLE_MS;

    for (size_t i = 0; i < guest->n_sessions && settled; i++) {
        struct vnl_bgp_session *session = &guest->sessions[i];

        if (session->ready || session->state != VNL_BGP_CONNECTED)
            continue;
        session->ready = true;
        bgp->serial++;
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return !a || (b && b < a) ? b : a;
}

static int64_t next_due(const struct vnl_bgp_guest *guest)
{
    int64_t due = guest->look_ms;

    for (size_t i = 0; i < guest->n_sessions; i++) {
        const struct vnl_bgp_session *session = &guest->sessions[i];

        due = earlier(due, session->retry_ms);
        due = earlier(due, session->trust_ms);
        if (session->state == VNL_BGP_CONNECTED && !session->ready && !guest->look_ms && !guest->bgp->dirty)
            due = earlier(due, guest->changed_ms + SETTLE_MS);
    }
    return due;
}

static int look_after(struct vnl_bgp_guest *guest, int64_t now)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int64_t due;
    int r = 0;

    if (follow_tunnels(guest, now))
        r = vnl_bgp_guest_configure(guest, &err);
    if (r == 0)
        r = enable_anew(guest, now, &err);
    if (r == 0 && guest->look_ms && now >= guest->look_ms)
        r = vnl_bgp_guest_look(guest, now, &err);
    if (r < 0) {
        vnl_bgp_guest_lost(guest, err->msg);
        return AGAIN_MS;
    }
    become_settled(guest, now);
    due = next_due(guest);
    return !due ? -1 : due > now ? (int)(due - now) : 0;
}

int vnl_bgp_guest_run(struct vnl_bgp_guest *guest, int64_t now)
{
    if (guest->phase == VNL_BGP_GUEST_DOWN && now >= guest->due_ms)
        begin(guest, now);
    else if (guest->phase == VNL_BGP_GUEST_STARTING && now >= guest->due_ms)
        look_if_ready(guest, now);
    if (guest->phase == VNL_BGP_GUEST_UP)
        return look_after(guest, now);
    return guest->due_ms > now ? (int)(guest->due_ms - now) : 0;
}
