#include "vpn_control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"
#include "vnetlab/layout.h"
#include "vpn_parts.h"

/* Who waits in the loop is to run the controller. */
static void wake_ready(struct vnl_source *source, uint32_t events)
{
    uint64_t count;

    (void)events;
    (void)!read(source->fd, &count, sizeof(count));
}

void vnl_vpn_wake(struct vnl_vpn *vpn)
{
    const uint64_t one = 1;

    (void)!write(vpn->wake.fd, &one, sizeof(one));
}

int vnl_vpn_new(int epoll_fd, const char *lab, const struct vnl_vpn_hands *hands, struct vnl_vpn **ret,
                struct vnl_err **err)
{
    CLEANUP(vnl_vpn_free) struct vnl_vpn *vpn = calloc(1, sizeof(*vpn));

    if (vpn)
        vpn->wake.fd = -1;
    if (!vpn || !(vpn->lab = strdup(lab)))
        return vnl_fail(err, ENOMEM, "VPN connections");
    vpn->epoll_fd = epoll_fd;
    vpn->hands = *hands;
    vpn->wake = (struct vnl_source){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .ready = wake_ready };
    if (vpn->wake.fd < 0 || vnl_loop_watch(epoll_fd, &vpn->wake, EPOLLIN) < 0)
        return vnl_fail(err, errno, "VPN connections: %s", strerror(errno));
    *ret = TAKE_PTR(vpn);
    return 0;
}

/* Charons and tunnels stay as they are; who follows a plan next finds them. */
static void forget(struct vnl_vpn *vpn)
{
    for (size_t i = 0; i < vpn->n_tunnels; i++)
        vnl_vpn_tunnel_free(&vpn->tunnels[i]);
    for (size_t i = 0; i < vpn->n_daemons; i++)
        vnl_vpn_daemon_free(&vpn->daemons[i]);
    free(vpn->tunnels);
    free(vpn->daemons);
    vnl_bpf_close(&vpn->bpf);
    vpn->tunnels = NULL;
    vpn->daemons = NULL;
    vpn->n_tunnels = vpn->n_daemons = 0;
    vpn->serial++;
}

void vnl_vpn_free(struct vnl_vpn **vpn)
{
    if (!*vpn)
        return;
    forget(*vpn);
    vnl_fd_close(&(*vpn)->wake.fd);
    free((*vpn)->why);
    free((*vpn)->lab);
    free(*vpn);
    *vpn = NULL;
}

/* All gateways have the same, unless one is forced to another. */
enum vnl_vpn_engine vnl_vpn_engine_at(const struct vnl_vpn *vpn, const char *gateway)
{
    enum vnl_vpn_engine forced;

    return vpn->engine != VNL_VPN_NONE && vnl_vpn_engine_forced(gateway, &forced) ? forced : vpn->engine;
}

/* --- daemons of a plan ---------------------------------------------------------------------------- */

static struct vnl_vpn_daemon *daemon_lookup(const struct vnl_vpn *vpn, const char *gateway,
                                            const char *tunnel)
{
    for (size_t i = 0; i < vpn->n_daemons; i++)
        if (!strcmp(vpn->daemons[i]->gateway, gateway) && !strcmp(vpn->daemons[i]->tunnel, tunnel))
            return vpn->daemons[i];
    return NULL;
}

static struct vnl_vpn_daemon *daemon_get(struct vnl_vpn *vpn, const char *gateway, const char *tunnel)
{
    struct vnl_vpn_daemon *daemon = daemon_lookup(vpn, gateway, tunnel);
    struct vnl_vpn_daemon **list;

    if (!daemon) {
        list = realloc(vpn->daemons, (vpn->n_daemons + 1) * sizeof(struct vnl_vpn_daemon *));
        daemon = list ? vnl_vpn_daemon_new(vpn, gateway, tunnel) : NULL;
        vpn->daemons = list ? list : vpn->daemons;
        if (!daemon)
            return NULL;
        vpn->daemons[vpn->n_daemons++] = daemon;
    }
    daemon->wanted = true;
    daemon->swanctl = NULL;
    daemon->spec = (struct vnl_charon_spec){ .engine = vnl_vpn_engine_at(vpn, gateway), .port = 500 };
    return daemon;
}

/* A gateway whose configuration is the user's has one daemon, whatever the engine. */
static int want_own(struct vnl_vpn *vpn)
{
    for (size_t i = 0; i < vpn->plan->n_gateways; i++) {
        const struct vnl_plan_gateway *gateway = &vpn->plan->gateways[i];
        struct vnl_vpn_daemon *daemon;

        if (!gateway->swanctl)
            continue;
        daemon = daemon_get(vpn, gateway->name, "");
        if (!daemon)
            return -ENOMEM;
        daemon->swanctl = gateway->swanctl;
        daemon->spec.own_routes = true;
    }
    return 0;
}

static int want_of(struct vnl_vpn *vpn, struct vnl_vpn_tunnel *tunnel)
{
    bool one_each = vnl_vpn_engine_at(vpn, tunnel->gateway) == VNL_VPN_LIBIPSEC;

    tunnel->daemon = daemon_get(vpn, tunnel->gateway, one_each ? tunnel->ifname : "");
    if (tunnel->daemon)
        tunnel->daemon->spec.tries =
            vnl_vpn_dpd_tries(vnl_vpn_dpd_least(vpn->plan, tunnel->plan, tunnel->daemon->spec.engine));
    /* Point-to-site clients find 500 at the gateway; a client's own daemon is alone in its guest. */
    if (tunnel->daemon && one_each && tunnel->plan->kind == VNL_TUNNEL_CONNECTION)
        tunnel->daemon->spec.port = (uint16_t)(VNL_GATEWAY_PORTS + 2 * tunnel->plan->if_id);
    if (tunnel->daemon && !vpn->plan->gateways[tunnel->plan->gateway].client)
        tunnel->daemon->spec.outside_only = true;
    if (tunnel->daemon)
        vnl_vpn_p2s_spec(tunnel->plan, &tunnel->daemon->spec);
    return tunnel->daemon ? 0 : -ENOMEM;
}

/* Ended together, so that it takes as long as one of them. */
static void drop_daemons(struct vnl_vpn *vpn)
{
    size_t kept = 0;

    for (size_t i = 0; i < vpn->n_daemons; i++)
        if (!vpn->daemons[i]->wanted && vpn->daemons[i]->phase != VNL_VPN_DOWN)
            vnl_charon_end(vpn->daemons[i]->pid);
    for (size_t i = 0; i < vpn->n_daemons; i++) {
        struct vnl_vpn_daemon *daemon = vpn->daemons[i];

        if (daemon->wanted) {
            vpn->daemons[kept++] = daemon;
            continue;
        }
        vnl_charon_reap(daemon->dir_fd, daemon->phase == VNL_VPN_DOWN ? 0 : daemon->pid);
        vnl_vpn_daemon_free(&daemon);
    }
    vpn->n_daemons = kept;
}

/* --- tunnels of a plan ---------------------------------------------------------------------------- */

/* Interfaces' names are used again, maybe at another gateway. */
static struct vnl_vpn_tunnel *tunnel_take(struct vnl_vpn_tunnel **old, size_t n, const char *ifname,
                                          const char *gateway)
{
    for (size_t i = 0; i < n; i++) {
        struct vnl_vpn_tunnel *tunnel = old[i];

        if (tunnel && !strcmp(tunnel->ifname, ifname) && !strcmp(tunnel->gateway, gateway)) {
            old[i] = NULL;
            return tunnel;
        }
    }
    return calloc(1, sizeof(*old[0]));
}

static int tunnel_follow(struct vnl_vpn *vpn, struct vnl_vpn_tunnel *tunnel,
                         const struct vnl_plan_tunnel *plan, const char *key)
{
    bool fresh = !tunnel->vpn;

    tunnel->vpn = vpn;
    tunnel->plan = plan;
    if (fresh && vnl_vpn_learned_recall(tunnel) < 0)
        return -ENOMEM;
    (void)snprintf(tunnel->ifname, sizeof(tunnel->ifname), "%s", plan->ifname);
    (void)snprintf(tunnel->gateway, sizeof(tunnel->gateway), "%s", vpn->plan->gateways[plan->gateway].name);
    if (tunnel->key)
        explicit_bzero(tunnel->key, strlen(tunnel->key));
    free(tunnel->key);
    tunnel->key = strdup(key ? key : "");
    if (!tunnel->key)
        return -ENOMEM;
    vnl_vpn_secret_name(tunnel->ifname, tunnel->key, tunnel->secret);
    return vpn->engine == VNL_VPN_NONE
               ? 0
               : vnl_vpn_child_name(vpn->plan, plan, vnl_vpn_engine_at(vpn, tunnel->gateway), tunnel->child);
}

/* Those that are gone, while their daemons are still there. unload: none of them is wanted any more. */
static void drop_tunnels(struct vnl_vpn_tunnel **old, size_t n, bool unload)
{
    for (size_t i = 0; i < n; i++) {
        if (!old[i])
            continue;
        if (unload && old[i]->daemon && old[i]->daemon->phase == VNL_VPN_UP &&
            old[i]->daemon->spec.engine == VNL_VPN_XFRM)
            vnl_vpn_tunnel_unload(old[i]);
        vnl_vpn_tunnel_free(&old[i]);
    }
    free(old);
}

/* The keys are compared here, while the old one is known: the check value in a secret's name has only 16 bits. */
static bool key_changed(const struct vnl_vpn_tunnel *tunnel, const char *key)
{
    return tunnel->key && strcmp(tunnel->key, key ? key : "") != 0;
}

static int make_tunnels(struct vnl_vpn *vpn, struct vnl_vpn_tunnel **old, size_t n_old,
                        const char *const *keys)
{
    for (size_t i = 0; i < vpn->plan->n_tunnels; i++) {
        const struct vnl_plan_tunnel *plan = &vpn->plan->tunnels[i];
        struct vnl_vpn_tunnel *tunnel =
            tunnel_take(old, n_old, plan->ifname, vpn->plan->gateways[plan->gateway].name);
        int r;

        if (!tunnel)
            return -ENOMEM;
        vpn->tunnels[vpn->n_tunnels++] = tunnel;
        if (key_changed(tunnel, keys[i]))
            tunnel->loaded = false;
        if ((r = tunnel_follow(vpn, tunnel, plan, keys[i])) < 0)
            return r;
    }
    return 0;
}

static int follow_tunnels(struct vnl_vpn *vpn, const char *const *keys)
{
    struct vnl_vpn_tunnel **old = vpn->tunnels;
    size_t n_old = vpn->n_tunnels;
    struct vnl_vpn_tunnel **tunnels = calloc(vpn->plan->n_tunnels + 1, sizeof(struct vnl_vpn_tunnel *));
    int r;

    if (!tunnels)
        return -ENOMEM;
    vpn->tunnels = tunnels;
    vpn->n_tunnels = 0;
    r = make_tunnels(vpn, old, n_old, keys);
    for (size_t i = 0; i < vpn->n_tunnels; i++) {
        uint32_t other = tunnels[i]->plan->other;

        tunnels[i]->other = other < vpn->n_tunnels ? tunnels[other] : NULL;
    }
    drop_tunnels(old, n_old, r == 0);
    return r;
}

/* --- following ------------------------------------------------------------------------------------ */

/* Of one that runs: for its next IKE_SAs. */
static void follow_settings(struct vnl_vpn_daemon *daemon)
{
    bool changed = false;

    if (daemon->phase == VNL_VPN_UP && vnl_vpn_daemon_check_place(daemon) &&
        vnl_charon_config_write(daemon->dir_fd, &daemon->spec, &changed, NULL) == 0 && changed)
        (void)vnl_vpn_daemon_call(daemon, "reload-settings", NULL, NULL, NULL, NULL, NULL);
}

static int follow_daemons(struct vnl_vpn *vpn)
{
    int r = 0;

    for (size_t i = 0; i < vpn->n_daemons; i++)
        vpn->daemons[i]->wanted = false;
    if (vpn->engine != VNL_VPN_NONE) {
        r = want_own(vpn);
        for (size_t i = 0; i < vpn->n_tunnels && r == 0; i++)
            r = want_of(vpn, vpn->tunnels[i]);
    }
    if (r == 0)
        drop_daemons(vpn);
    for (size_t i = 0; i < vpn->n_daemons && r == 0; i++)
        follow_settings(vpn->daemons[i]);
    return r;
}

static void probe(struct vnl_vpn *vpn)
{
    if (vpn->probed || (!vpn->plan->n_tunnels && !vpn->plan->n_gateways))
        return;
    vpn->engine = vnl_vpn_probe(&vpn->why);
    vpn->probed = true;
}

/* A key that changed but has the old one's check value is loaded as well. */
static void load(struct vnl_vpn_tunnel *tunnel)
{
    bool forget = tunnel->daemon && tunnel->daemon->phase == VNL_VPN_UP && !tunnel->loaded &&
                  !strcmp(tunnel->held_secret, tunnel->secret);

    vnl_vpn_tunnel_settle(tunnel);
    if (forget)
        tunnel->held_secret[0] = '\0';
    if (tunnel->daemon && tunnel->daemon->phase == VNL_VPN_UP)
        vnl_vpn_tunnel_load(tunnel);
}

int vnl_vpn_follow(struct vnl_vpn *vpn, const struct vnl_plan *plan, const char *const *keys,
                   struct vnl_err **err)
{
    int r;

    vpn->plan = plan;
    probe(vpn);
    vpn->serial++;
    r = keys || !plan->n_tunnels ? follow_tunnels(vpn, keys) : -ENOMEM;
    if (r == 0)
        r = follow_daemons(vpn);
    if (r < 0) {
        forget(vpn); /* half of it would be about the old plan */
        return vnl_fail(err, -r, "VPN connections: %s", strerror(-r));
    }
    vnl_vpn_sweep(vpn);
    /* They start while the programs are loaded. */
    for (size_t i = 0; i < vpn->n_daemons; i++)
        if (vpn->daemons[i]->phase == VNL_VPN_DOWN)
            (void)vnl_vpn_daemon_run(vpn->daemons[i], vnl_loop_now_ms());
    vnl_vpn_peers_follow(vpn);
    for (size_t i = 0; i < vpn->n_tunnels; i++)
        load(vpn->tunnels[i]);
    for (size_t i = 0; i < vpn->n_daemons; i++)
        if (vpn->daemons[i]->phase == VNL_VPN_UP)
            vnl_vpn_sums_become_ready(vpn->daemons[i]);
    vnl_vpn_routes_follow(vpn);
    vnl_vpn_health_follow(vpn);
    return 0;
}

static void keep_sums(struct vnl_vpn *vpn)
{
    if (vpn->kept_serial == vpn->serial)
        return;
    for (size_t i = 0; i < vpn->n_daemons; i++)
        vnl_vpn_sums_keep(vpn->daemons[i]);
    vpn->kept_serial = vpn->serial;
}

int vnl_vpn_run(struct vnl_vpn *vpn)
{
    int64_t now = vnl_loop_now_ms();
    int least = -1;

    for (size_t i = 0; i < vpn->n_daemons; i++) {
        int wait = vnl_vpn_daemon_run(vpn->daemons[i], now);

        least = wait >= 0 && (least < 0 || wait < least) ? wait : least;
    }
    if (vpn->moved) {
        vnl_vpn_routes_follow(vpn);
        vnl_vpn_health_tell(vpn);
    }
    keep_sums(vpn);
    for (size_t i = 0; i < vpn->n_tunnels; i++) {
        int wait = vnl_vpn_tunnel_run(vpn->tunnels[i], now);

        least = wait >= 0 && (least < 0 || wait < least) ? wait : least;
    }
    return least;
}
