/* One end of a connection. The end that the plan says initiates; the controller repeats what charon gives up. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vpn_parts.h"

#define RETRY_MS     2000
#define RETRY_MAX_MS 30000

void vnl_vpn_tunnel_free(struct vnl_vpn_tunnel **tunnel)
{
    if (!*tunnel)
        return;
    if ((*tunnel)->key)
        explicit_bzero((*tunnel)->key, strlen((*tunnel)->key));
    free((*tunnel)->key);
    free((*tunnel)->reason);
    free((*tunnel)->suite);
    vnl_vpn_sums_done(&(*tunnel)->sums);
    vnl_vpn_prefixes_done(&(*tunnel)->learned);
    vnl_vpn_prefixes_done(&(*tunnel)->held);
    free(*tunnel);
    *tunnel = NULL;
}

static int64_t wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void replace(char **text, const char *by)
{
    char *copy = by ? strdup(by) : NULL;

    free(*text);
    *text = copy;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void become(struct vnl_vpn_tunnel *tunnel, enum vnl_vpn_status status, const char *reason)
{
    if (tunnel->status != status) {
        tunnel->vpn->moved = true;
        if (tunnel->plan && tunnel->plan->kind == VNL_TUNNEL_CLIENT)
            tunnel->routed = false; /* its address, which they start from, is another one */
        tunnel->since_ms = wall_ms();
        if (tunnel->plan)
            (void)fprintf(stderr, "%s: %s: %s%s%s\n", tunnel->gateway, tunnel->plan->name,
                          vnl_vpn_status_str(status), reason ? ": " : "", reason ? reason : "");
    }
    if (tunnel->status == status && same_text(tunnel->reason, reason))
        return;
    tunnel->status = status;
    if (reason != tunnel->reason)
        replace(&tunnel->reason, reason);
    tunnel->vpn->serial++;
}

/* --- loading -------------------------------------------------------------------------------------- */

static int command(struct vnl_vpn_tunnel *tunnel, const char *name, const char *const (*pairs)[2], size_t n)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_vici_message message = { .bytes = NULL };
    int r;

    for (size_t i = 0; i < n; i++)
        vnl_vici_put(&message, pairs[i][0], pairs[i][1]);
    r = vnl_vpn_daemon_call(tunnel->daemon, name, &message, NULL, NULL, NULL, &err);
    vnl_vici_message_done(&message);
    if (r < 0 && r != -EIO)
        (void)fprintf(stderr, "%s: %s: %s\n", tunnel->gateway, tunnel->ifname, err->msg);
    return r;
}

static int load_secret(struct vnl_vpn_tunnel *tunnel)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_vici_message message = { .bytes = NULL };
    char remote[VNL_ADDR_STR];
    const char *owner[] = { vnl_addr_format(&tunnel->plan->remote, remote) };
    int r;

    vnl_vici_put(&message, "id", tunnel->secret);
    vnl_vici_put(&message, "type", "ike");
    vnl_vici_put(&message, "data", tunnel->key);
    vnl_vici_put_list(&message, "owners", owner, 1);
    r = vnl_vpn_daemon_call(tunnel->daemon, "load-shared", &message, NULL, NULL, NULL, &err);
    vnl_vici_message_done(&message);
    if (r < 0) {
        become(tunnel, VNL_VPN_NOT_CONNECTED, err->msg);
        return r;
    }
    if (*tunnel->held_secret && strcmp(tunnel->held_secret, tunnel->secret) != 0)
        (void)command(tunnel, "unload-shared", (const char *const[][2]){ { "id", tunnel->held_secret } }, 1);
    (void)snprintf(tunnel->held_secret, sizeof(tunnel->held_secret), "%s", tunnel->secret);
    return 0;
}

/* With libipsec a gateway stands in each prefix that it speaks for. */
static int stand(struct vnl_vpn_tunnel *tunnel, struct vnl_err **err)
{
    const struct vnl_vpn *vpn = tunnel->vpn;

    if (tunnel->daemon->spec.engine != VNL_VPN_LIBIPSEC || !tunnel->plan->n_local_ts || !vpn->hands.tun_stand)
        return 0;
    return vpn->hands.tun_stand(vpn->lab, tunnel->gateway, tunnel->ifname, tunnel->plan->local_ts,
                                tunnel->plan->n_local_ts, err);
}

static int load_connection(struct vnl_vpn_tunnel *tunnel)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_vici_message message = { .bytes = NULL };
    int r = stand(tunnel, &err);

    if (r < 0) {
        become(tunnel, VNL_VPN_NOT_CONNECTED, err->msg);
        return r;
    }
    vnl_vpn_connection_write(&message, tunnel->vpn->plan, tunnel->plan, tunnel->daemon->spec.engine,
                             tunnel->child);
    r = vnl_vpn_daemon_call(tunnel->daemon, "load-conn", &message, NULL, NULL, NULL, &err);
    vnl_vici_message_done(&message);
    if (r < 0) {
        become(tunnel, VNL_VPN_NOT_CONNECTED, err->msg);
        return r;
    }
    (void)snprintf(tunnel->held_child, sizeof(tunnel->held_child), "%s", tunnel->child);
    return 0;
}

static bool holds_wanted(const struct vnl_vpn_tunnel *tunnel)
{
    return !strcmp(tunnel->held_child, tunnel->child) && !strcmp(tunnel->held_secret, tunnel->secret);
}

/* A peer that is gone does not answer: charon waits that long for it, and we for charon. */
static void end_sas(struct vnl_vpn_tunnel *tunnel)
{
    (void)command(
        tunnel, "terminate",
        (const char *const[][2]){ { "ike", tunnel->ifname }, { "force", "yes" }, { "timeout", "50" } }, 3);
}

/* Nobody is there any more who could say that it is over. */
static void leave(struct vnl_vpn_tunnel *tunnel)
{
    end_sas(tunnel);
    replace(&tunnel->suite, NULL);
    tunnel->due_ms = 0;
    if (tunnel->status == VNL_VPN_CONNECTED)
        become(tunnel, VNL_VPN_CONNECTING, NULL);
    vnl_vpn_tunnel_settle(tunnel);
}

static int load_p2s(struct vnl_vpn_tunnel *tunnel)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r;

    tunnel->loaded = false;
    r = vnl_vpn_p2s_load(tunnel, &err);
    if (r < 0)
        become(tunnel, VNL_VPN_NOT_CONNECTED, err->msg);
    return r;
}

void vnl_vpn_tunnel_load(struct vnl_vpn_tunnel *tunnel)
{
    bool same = holds_wanted(tunnel);

    tunnel->routed = false;
    tunnel->vpn->moved = true;
    if (tunnel->plan->kind != VNL_TUNNEL_CONNECTION && load_p2s(tunnel) < 0)
        return;
    if (!same && tunnel->plan->kind == VNL_TUNNEL_CONNECTION) {
        tunnel->loaded = false;
        if (load_secret(tunnel) < 0) /* also the same one: its owner may have another address */
            return;
        if (strcmp(tunnel->held_child, tunnel->child) != 0 && load_connection(tunnel) < 0)
            return;
    }
    tunnel->loaded = true;
    if (tunnel->plan->peer == VNL_PLAN_NOBODY && tunnel->plan->kind != VNL_TUNNEL_SERVER)
        leave(tunnel);
    else if (!same)
        vnl_vpn_tunnel_renew(tunnel);
}

void vnl_vpn_tunnel_unload(struct vnl_vpn_tunnel *tunnel)
{
    end_sas(tunnel);
    if (*tunnel->held_child)
        (void)command(tunnel, "unload-conn", (const char *const[][2]){ { "name", tunnel->ifname } }, 1);
    if (*tunnel->held_secret)
        (void)command(tunnel, "unload-shared", (const char *const[][2]){ { "id", tunnel->held_secret } }, 1);
}

/* --- what is seen --------------------------------------------------------------------------------- */

static void schedule(struct vnl_vpn_tunnel *tunnel)
{
    if (!tunnel->retry_ms)
        tunnel->retry_ms = RETRY_MS;
    tunnel->due_ms = vnl_loop_now_ms() + tunnel->retry_ms;
    tunnel->retry_ms = tunnel->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : tunnel->retry_ms * 2;
}

void vnl_vpn_tunnel_settle(struct vnl_vpn_tunnel *tunnel)
{
    const struct vnl_plan *plan = tunnel->vpn->plan;
    const struct vnl_plan_tunnel *of = tunnel->plan;
    char remote[VNL_ADDR_STR], text[128];

    if (!tunnel->daemon)
        return become(tunnel, VNL_VPN_NOT_CONNECTED, tunnel->vpn->why);
    if (tunnel->status == VNL_VPN_CONNECTED)
        return;
    if (of->kind == VNL_TUNNEL_SERVER) { /* whoever comes */
        if (tunnel->status == VNL_VPN_UNKNOWN)
            become(tunnel, VNL_VPN_CONNECTING, NULL);
        return;
    }
    if (of->peer == VNL_PLAN_NOBODY) {
        (void)snprintf(text, sizeof(text), "nobody in this lab has address %s",
                       vnl_addr_format(&of->remote, remote));
        return become(tunnel, VNL_VPN_CONNECTING, text);
    }
    if (!tunnel->other && !plan->gateways[of->peer].swanctl)
        return become(tunnel, VNL_VPN_NOT_CONNECTED, "the other side has no connection to here");
    if (tunnel->other && !of->initiates && !tunnel->other->plan->initiates)
        return become(tunnel, VNL_VPN_NOT_CONNECTED, "neither side initiates: both are ResponderOnly");
    if (tunnel->status == VNL_VPN_UNKNOWN)
        become(tunnel, VNL_VPN_CONNECTING, NULL);
}

void vnl_vpn_tunnel_down(struct vnl_vpn_tunnel *tunnel)
{
    vnl_vpn_sums_end(&tunnel->sums);
    tunnel->held_child[0] = tunnel->held_secret[0] = '\0';
    tunnel->loaded = tunnel->routed = tunnel->negotiating = false;
    vnl_vpn_prefixes_done(&tunnel->held);
    tunnel->vpn->moved = true;
    tunnel->due_ms = 0;
    tunnel->retry_ms = 0;
    if (!tunnel->plan)
        return;
    replace(&tunnel->suite, NULL);
    become(tunnel, VNL_VPN_CONNECTING, tunnel->daemon ? tunnel->daemon->failure : NULL);
    vnl_vpn_tunnel_settle(tunnel);
}

/* An interface whose last address went has lost its routes. */
static void route_anew(struct vnl_vpn_tunnel *tunnel)
{
    tunnel->routed = false;
    vnl_vpn_prefixes_done(&tunnel->held);
    tunnel->vpn->moved = true;
}

void vnl_vpn_tunnel_note_sa(struct vnl_vpn_tunnel *tunnel, const struct vnl_vpn_sa *sa)
{
    bool was = tunnel->status == VNL_VPN_CONNECTED;

    tunnel->negotiating = sa && !sa->installed;
    (void)snprintf(tunnel->inner, sizeof(tunnel->inner), "%s", sa && sa->installed ? sa->inner : "");
    if (sa && sa->installed) {
        become(tunnel, VNL_VPN_CONNECTED, NULL);
        if (!was && tunnel->plan->kind == VNL_TUNNEL_CLIENT)
            route_anew(tunnel);
        if (!tunnel->suite || strcmp(tunnel->suite, sa->suite) != 0)
            replace(&tunnel->suite, sa->suite);
        tunnel->retry_ms = 0;
        if (!tunnel->restart)
            tunnel->due_ms = 0;
        return;
    }
    if (was) {
        replace(&tunnel->suite, NULL);
        become(tunnel, VNL_VPN_CONNECTING, NULL);
        vnl_vpn_tunnel_settle(tunnel); /* the other end may be gone from the plan */
    }
    if (tunnel->plan->initiates && !tunnel->due_ms)
        schedule(tunnel);
}

void vnl_vpn_tunnel_note_line(struct vnl_vpn_tunnel *tunnel, const struct vnl_vpn_line *line)
{
    if (tunnel->status == VNL_VPN_CONNECTED)
        return;
    if (line->failure)
        become(tunnel, VNL_VPN_NOT_CONNECTED, line->text);
    else if (line->silence)
        become(tunnel, VNL_VPN_CONNECTING, line->text);
}

/* --- negotiating ---------------------------------------------------------------------------------- */

static void initiate_at_once(struct vnl_vpn_tunnel *tunnel)
{
    tunnel->due_ms = vnl_loop_now_ms();
    tunnel->retry_ms = 0;
    tunnel->restart = true;
}

void vnl_vpn_tunnel_renew(struct vnl_vpn_tunnel *tunnel)
{
    struct vnl_vpn_tunnel *ends[] = { tunnel, tunnel->other };

    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        if (!ends[i])
            continue;
        if (ends[i]->plan->initiates)
            initiate_at_once(ends[i]);
        else if (ends[i] == tunnel && tunnel->loaded && !tunnel->other)
            end_sas(tunnel);                                             /* whoever is there begins again */
        if (ends[i]->status == VNL_VPN_NOT_CONNECTED && ends[i]->loaded) /* else its own reason stays */
            become(ends[i], VNL_VPN_CONNECTING, NULL);
        vnl_vpn_tunnel_settle(ends[i]);
    }
}

static bool may_initiate(const struct vnl_vpn_tunnel *tunnel)
{
    const struct vnl_plan *plan = tunnel->vpn->plan;

    if (!tunnel->loaded || !tunnel->daemon || tunnel->daemon->phase != VNL_VPN_UP ||
        tunnel->plan->peer == VNL_PLAN_NOBODY)
        return false;
    return tunnel->other ? tunnel->other->loaded : plan->gateways[tunnel->plan->peer].swanctl != NULL;
}

/* Of the negotiations before this one, which had another key or policy maybe. */
static void forget_failures(struct vnl_vpn_tunnel *tunnel)
{
    struct vnl_vpn_tunnel *ends[] = { tunnel, tunnel->other };

    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        if (!ends[i] || !ends[i]->daemon || ends[i]->daemon->phase != VNL_VPN_UP)
            continue;
        vnl_vpn_daemon_read_log(ends[i]->daemon);
        if (ends[i]->status == VNL_VPN_NOT_CONNECTED)
            become(ends[i], VNL_VPN_CONNECTING, NULL);
    }
}

static void initiate(struct vnl_vpn_tunnel *tunnel)
{
    const char *const pairs[][2] = { { "child", tunnel->child },
                                     { "ike", tunnel->ifname },
                                     { "timeout", "-1" } };

    if (tunnel->restart) {
        end_sas(tunnel);
        forget_failures(tunnel);
        tunnel->restart = false;
        if (tunnel->status == VNL_VPN_CONNECTED)
            become(tunnel, VNL_VPN_CONNECTING, NULL);
        replace(&tunnel->suite, NULL);
    } else if (tunnel->negotiating) {
        return; /* charon is still at it */
    }
    (void)command(tunnel, "initiate", pairs, ARRAY_SIZE(pairs));
}

int vnl_vpn_tunnel_run(struct vnl_vpn_tunnel *tunnel, int64_t now)
{
    if (!tunnel->due_ms || !may_initiate(tunnel))
        return -1;
    if (now >= tunnel->due_ms) {
        schedule(tunnel);
        initiate(tunnel);
    }
    return tunnel->due_ms > now ? (int)(tunnel->due_ms - now) : -1;
}
