/* The agent's body. It enters the platform's namespace, opens its sockets there, and says so; then it reads the plan, and says that. Who
 * asks for a name meanwhile waits in a socket and sees no difference, so most commands need not wait for the plan (ensure.c).
 *
 * Nothing that it holds keeps the lab from going: no lock, no file but its log, and being in one of the lab's namespaces `down` finds it
 * there and ends it. Should the namespace go in another way, it looks for it every few seconds and ends by itself. */
#include "vnetlab/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bgp.h"
#include "control_server.h"
#include "delay_line.h"
#include "dns_server.h"
#include "imds_server.h"
#include "loop.h"
#include "prober.h"
#include "vpn_control.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/gateway.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/learned.h"
#include "vnetlab/plan.h"
#include "vnetlab/store.h"

#define LOOK_MS 5000 /* is the lab still there? */

struct agent {
    const char *lab;
    int epoll_fd;
    struct stat netns; /* which one it is in; to keep it open by its path would keep the lab's mount busy */
    struct vnl_plan *plan;
    struct vnl_source signals;
    struct vnl_control_server *control;
    struct vnl_dns_server *dns;
    struct vnl_imds_server *imds;
    struct vnl_prober *prober;
    struct vnl_vpn *vpn;
    struct vnl_bgp_control *bgp;
    struct vnl_delay_line *delays; /* NULL: nothing is late, or the kernel does it */
    bool stale;                    /* the plan is to be read anew before anything else (SIGHUP) */
    bool ends;
};

static void agent_done(struct agent *agent)
{
    vnl_delay_line_stop(&agent->delays);
    vnl_bgp_control_free(&agent->bgp);
    vnl_vpn_free(&agent->vpn);
    vnl_prober_free(&agent->prober);
    vnl_imds_server_free(&agent->imds);
    vnl_dns_server_free(&agent->dns);
    vnl_control_server_free(&agent->control);
    vnl_fd_close(&agent->signals.fd);
    vnl_plan_free(&agent->plan);
    vnl_fd_close(&agent->epoll_fd);
}

/* --- the plan ------------------------------------------------------------------------------------- */

/* The lab has what no plan shows: keys. */
static int read_plan(const char *lab_name, struct vnl_lab **ret_lab, struct vnl_plan **ret,
                     struct vnl_err **err)
{
    CLEANUP(vnl_store_close) struct vnl_store *store = NULL;
    int r = vnl_store_open(lab_name, true, &store, err);

    if (r == 0)
        r = vnl_store_load(store, ret_lab, err);
    if (r == 0)
        r = vnl_learned_read(lab_name, &(*ret_lab)->learned, err);
    return r < 0 ? r : vnl_plan_build(*ret_lab, ret, err);
}

static int follow_vpn(struct agent *agent, const struct vnl_lab *lab, struct vnl_err **err)
{
    const char **keys = vnl_vpn_keys(lab, agent->plan);
    int r = vnl_vpn_follow(agent->vpn, agent->plan, keys, err);

    free(keys);
    return r;
}

/* The sessions of tunnels that it knows by then. */
static int follow_bgp(struct agent *agent, int r_vpn, struct vnl_err **err)
{
    int r = vnl_bgp_control_follow(agent->bgp, agent->plan, r_vpn < 0 ? NULL : err);

    return r_vpn < 0 ? r_vpn : r;
}

/* Packets under way are lost when a line ends, so it is left alone while delays and TAPs are the same. */
static bool same_delays(const struct vnl_plan *a, const struct vnl_plan *b)
{
    if (!a || a->n_delays != b->n_delays)
        return false;
    for (size_t i = 0; i < a->n_delays; i++)
        if (a->delays[i].one_way_us != b->delays[i].one_way_us)
            return false;
    return true;
}

static int follow_delays(struct agent *agent, const struct vnl_plan *old, struct vnl_err **err)
{
    if (same_delays(old, agent->plan) && vnl_delay_line_holds(agent->delays))
        return 0;
    vnl_delay_line_stop(&agent->delays);
    return vnl_delay_line_start(agent->plan, &agent->delays, err);
}

/* The old one is used until the new one is. */
static int follow_plan(struct agent *agent, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    struct vnl_plan *old = agent->plan;
    int r = read_plan(agent->lab, &lab, &plan, err), r_vpn;

    if (r < 0)
        return r;
    agent->plan = TAKE_PTR(plan);
    r = follow_delays(agent, old, err);
    if (r == 0)
        r = vnl_prober_follow(agent->prober, agent->plan, err);
    r_vpn = follow_bgp(agent, follow_vpn(agent, lab, err),
                       err); /* also when another part fails: it must not keep the old plan */
    vnl_plan_free(&old);
    return r < 0 ? r : r_vpn;
}

static bool reload(struct agent *agent)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r = follow_plan(agent, &err);

    agent->stale = false;
    if (r < 0)
        vnl_err_print(stderr, err);
    return r == 0;
}

/* --- orders --------------------------------------------------------------------------------------- */

static void signals_ready(struct vnl_source *source, uint32_t events)
{
    struct agent *agent = VNL_OWNER_OF(source, struct agent, signals);
    struct signalfd_siginfo info;

    (void)events;
    while (read(source->fd, &info, sizeof(info)) == sizeof(info)) {
        agent->stale |= info.ssi_signo == SIGHUP;
        agent->ends |= info.ssi_signo != SIGHUP;
    }
}

static struct vnl_json *reset(struct agent *agent, const struct vnl_json *order)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_json *json;

    if (vnl_vpn_renew(agent->vpn, vnl_json_get_text(order, "gateway"), vnl_json_get_text(order, "connection"),
                      &err) < 0)
        return vnl_control_error(&err);
    json = vnl_json_object();
    (void)vnl_json_set(json, "done", vnl_json_bool(true));
    return json;
}

static struct vnl_json *ask_bgp(struct agent *agent, const char *what, const struct vnl_json *order)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_json *json = vnl_bgp_control_ask(agent->bgp, what, vnl_json_get_text(order, "gateway"),
                                                vnl_json_get_text(order, "peer"), &err);

    return json ? json : vnl_control_error(&err);
}

/* Both only ever grow. */
static int64_t serial(const struct agent *agent)
{
    return (int64_t)(vnl_vpn_serial(agent->vpn) + vnl_bgp_control_serial(agent->bgp));
}

/* NULL: the asker knows them already, and waits. */
static struct vnl_json *states(struct agent *agent, const struct vnl_json *order, bool may_wait)
{
    int64_t after = vnl_json_get_int(order, "after", 0);
    struct vnl_json *json, *list;

    if (may_wait && after == serial(agent))
        return NULL;
    if (!after) /* who waits asks for no bytes */
        vnl_vpn_count(agent->vpn);
    json = vnl_json_object();
    list = vnl_vpn_report(agent->vpn);
    vnl_bgp_control_fill(agent->bgp, list);
    (void)vnl_json_set(json, "states", list);
    (void)vnl_json_set(json, "serial", vnl_json_int(serial(agent)));
    return json;
}

static struct vnl_json *obey(const struct vnl_json *order, bool may_wait, bool *ret_waits, void *arg)
{
    struct agent *agent = arg;
    const char *what = vnl_json_get_text(order, "order");
    const char *gateway = vnl_json_get_text(order, "gateway");
    struct vnl_json *json;

    if (what && !strcmp(what, "reset"))
        return reset(agent, order);
    if (what && !strcmp(what, "states")) {
        json = states(agent, order, may_wait);
        *ret_waits = !json;
        return json;
    }
    if (what && !strncmp(what, "bgp-", 4))
        return ask_bgp(agent, what, order);
    json = vnl_json_object();
    if (what && !strcmp(what, "reload")) {
        agent->stale = !vnl_json_get_bool(order, "wait", false);
        (void)vnl_json_set(json, "done", vnl_json_bool(agent->stale || reload(agent)));
    } else if (what && !strcmp(what, "logs") && gateway) {
        (void)vnl_json_set(json, "logs", vnl_vpn_logs(agent->vpn, gateway));
    } else {
        vnl_json_free(&json);
    }
    return json;
}

/* --- opening -------------------------------------------------------------------------------------- */

static int open_signals(struct agent *agent, struct vnl_err **err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    agent->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (agent->signals.fd < 0 || vnl_loop_watch(agent->epoll_fd, &agent->signals, EPOLLIN) < 0)
        return vnl_fail(err, errno, "signals: %s", strerror(errno));
    return 0;
}

static int open_prober(struct agent *agent, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *dir = vnl_run_path(agent->lab, "bpf");

    return dir ? vnl_prober_new(agent->epoll_fd, dir, &agent->prober, err)
               : vnl_fail(err, ENOMEM, "health probes");
}

/* For good. */
static int enter(struct agent *agent, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int fd = -1, saved = -1;
    int r = vnl_netns_open(agent->lab, VNL_PLATFORM, &fd, err);

    if (r < 0 || (r = vnl_netns_enter(fd, &saved, err)) < 0)
        return r;
    return fstat(fd, &agent->netns) < 0 ? vnl_fail(err, errno, "its namespace: %s", strerror(errno)) : 0;
}

static int open_all(struct agent *agent, struct vnl_err **err)
{
    static const struct vnl_vpn_hands hands = { vnl_gateway_routes_set, vnl_gateway_peers_set,
                                                vnl_gateway_tun_adopt, vnl_gateway_outside_keep,
                                                vnl_gateway_tun_stand };
    static const struct vnl_bgp_hands bgp_hands = { vnl_vpn_tunnel_up, vnl_vpn_learned_set, vnl_bgp_publish };
    int r = enter(agent, err);

    if (r < 0)
        return r;
    agent->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (agent->epoll_fd < 0)
        return vnl_fail(err, errno, "epoll: %s", strerror(errno));
    if ((r = open_signals(agent, err)) < 0 ||
        (r = vnl_control_server_new(agent->epoll_fd, obey, agent, &agent->control, err)) < 0 ||
        (r = vnl_vpn_new(agent->epoll_fd, agent->lab, &hands, &agent->vpn, err)) < 0 ||
        (r = vnl_bgp_control_new(agent->epoll_fd, agent->lab, agent->vpn, &bgp_hands, &agent->bgp, err)) <
            0 ||
        (r = vnl_dns_server_new(agent->epoll_fd, &agent->plan, &agent->dns, err)) < 0 ||
        (r = vnl_imds_server_new(agent->epoll_fd, &agent->plan, &agent->imds, err)) < 0)
        return r;
    return open_prober(agent, err);
}

/* --- running -------------------------------------------------------------------------------------- */

static bool lab_is_there(const struct agent *agent)
{
    CLEANUP(vnl_fd_close) int fd = -1;
    struct stat now;

    return vnl_netns_open(agent->lab, VNL_PLATFORM, &fd, NULL) == 0 && fstat(fd, &now) == 0 &&
           now.st_dev == agent->netns.st_dev && now.st_ino == agent->netns.st_ino;
}

/* What time brings about; returns how long the next turn may wait. */
static int run_timers(struct agent *agent)
{
    int wait[] = { vnl_dns_server_tidy(agent->dns), vnl_imds_server_run(agent->imds),
                   vnl_prober_run(agent->prober),   vnl_vpn_run(agent->vpn),
                   vnl_bgp_control_run(agent->bgp), vnl_control_server_run(agent->control) };
    int least = LOOK_MS;

    for (size_t i = 0; i < ARRAY_SIZE(wait); i++)
        if (wait[i] >= 0 && wait[i] < least)
            least = wait[i];
    agent->stale |= vnl_bgp_control_has_learned(agent->bgp);
    return agent->stale ? 0 : least;
}

static int serve(struct agent *agent, struct vnl_err **err)
{
    int64_t look_ms = vnl_loop_now_ms() + LOOK_MS;
    int r = 0;

    while (r == 0 && !agent->ends) {
        if (agent->stale)
            (void)reload(agent);
        r = vnl_loop_turn(agent->epoll_fd, run_timers(agent));
        if (vnl_loop_now_ms() < look_ms)
            continue;
        agent->ends |= !lab_is_there(agent);
        look_ms = vnl_loop_now_ms() + LOOK_MS;
    }
    return r < 0 ? vnl_fail(err, -r, "epoll: %s", strerror(-r)) : 0;
}

/* Goes to whoever waits; nobody does when it was started by hand. Twice: the sockets are open, the plan is followed. */
static void report(int ready_fd, const struct vnl_err *err)
{
    const char *text = err ? err->msg : "";

    if (ready_fd >= 0)
        (void)!write(ready_fd, text, strlen(text) + 1);
}

int vnl_agent_main(const char *lab, int ready_fd, struct vnl_err **err)
{
    CLEANUP(agent_done)
    struct agent agent = {
        .lab = lab,
        .epoll_fd = -1,
        .signals = { .fd = -1, .ready = signals_ready },
    };
    struct vnl_err *why = NULL;
    int r;

    (void)prctl(PR_SET_NAME, "vnetlab-agent");
    r = open_all(&agent, &why);
    report(ready_fd, why);
    if (r == 0) {
        r = follow_plan(&agent, &why);
        report(ready_fd, why);
    }
    vnl_fd_close(&ready_fd);
    if (r < 0) {
        if (err)
            vnl_err_append(err, &why);
        vnl_err_free(&why);
        return r;
    }
    return serve(&agent, err);
}
