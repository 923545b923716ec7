#include "connections.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmds.h"

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/plan.h"

#define POLL_MS   50   /* while no agent answers */
#define AGENT_MS  1000 /* the agent answers by then, also when nothing has changed */
#define FAILED_MS 200  /* the other end says soon why it failed, too */

/* --- what is known ---------------------------------------------------------------------------------- */

void vnl_cmd_tunnels_done(struct vnl_cmd_tunnels *tunnels)
{
    vnl_vpn_states_done(&tunnels->states);
    free(tunnels->of);
    *tunnels = (struct vnl_cmd_tunnels){ 0 };
}

/* after: other states than those, 0: those of now. */
static int ask(const struct vnl_plan *plan, uint64_t after, struct vnl_cmd_tunnels *tunnels,
               struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    int r = plan->n_tunnels && vnl_dp_exists(plan->lab)
                ? vnl_vpn_states_after(plan->lab, after, &tunnels->states, &why)
                : 0;

    if (r < 0 && r != -ENOENT) {
        vnl_err_append(err, &why);
        return vnl_wrap(err, "connections");
    }
    if (r < 0)
        tunnels->why = "the lab's agent does not run: 'vnetlab up' starts it";
    else if (!vnl_dp_exists(plan->lab))
        tunnels->why = "the lab is not running";
    tunnels->of = calloc(plan->n_tunnels + 1, sizeof(*tunnels->of));
    if (!tunnels->of)
        return vnl_fail(err, ENOMEM, "connections");
    for (size_t i = 0; i < plan->n_tunnels; i++)
        tunnels->of[i] = vnl_tunnel_state(plan, &tunnels->states, &plan->tunnels[i]);
    return 0;
}

static int ask_after(const struct vnl_plan *plan, uint64_t after, struct vnl_cmd_tunnels *ret,
                     struct vnl_err **err)
{
    CLEANUP(vnl_cmd_tunnels_done) struct vnl_cmd_tunnels tunnels = { 0 };
    int r = ask(plan, after, &tunnels, err);

    if (r < 0)
        return r;
    *ret = tunnels;
    tunnels = (struct vnl_cmd_tunnels){ 0 };
    return 0;
}

int vnl_cmd_tunnels_ask(const struct vnl_plan *plan, struct vnl_cmd_tunnels *ret, struct vnl_err **err)
{
    return ask_after(plan, 0, ret, err);
}

/* --- waiting ---------------------------------------------------------------------------------------- */

struct wait {
    const struct vnl_plan *plan;
    const char *connection_id, *gateway;
    int64_t *failed_ms; /* per tunnel: since when it is seen to have failed; 0: it has not */
};

static void wait_done(struct wait *wait)
{
    free(wait->failed_ms);
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A session that one of the two ends does not speak is not waited for. */
static bool is_done(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel)
{
    return vnl_tunnel_is_up(plan, tunnels, tunnel) &&
           (!vnl_tunnel_can_peer(plan, tunnel) || vnl_tunnel_is_ready(plan, tunnels, tunnel));
}

/* How many are neither Connected, with BGP where it is spoken, nor failed for a while. *ret_failing: one has failed. */
static size_t count_open(struct wait *wait, const struct vnl_cmd_tunnels *tunnels, bool *ret_failing)
{
    int64_t now = now_ms();
    size_t n = 0;

    *ret_failing = false;

    for (size_t i = 0; i < wait->plan->n_tunnels; i++) {
        if (!vnl_tunnel_is_meant(wait->plan, i, wait->connection_id, wait->gateway) ||
            !vnl_tunnel_can_connect(wait->plan, i) || is_done(wait->plan, tunnels, i))
            continue;
        if (!vnl_tunnel_has_failed(wait->plan, tunnels, i))
            wait->failed_ms[i] = 0;
        else if (!wait->failed_ms[i])
            wait->failed_ms[i] = now;
        *ret_failing |= wait->failed_ms[i] != 0;
        n += !wait->failed_ms[i] || now - wait->failed_ms[i] < FAILED_MS;
    }
    return n;
}

static void show_progress(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels)
{
    struct vnl_tunnel_counts counts = vnl_tunnel_counts(plan, tunnels);
    char buf[160];

    (void)fprintf(stderr, "\r\033[K%s", vnl_tunnel_counts_format(&counts, buf));
    (void)fflush(stderr);
}

/* The agent answers when something has changed; only how long one has failed is a matter of time. */
static int wait_for(struct wait *wait, int timeout_ms, struct vnl_cmd_tunnels *tunnels, struct vnl_err **err)
{
    uint64_t serial;
    int64_t end = now_ms() + timeout_ms;
    bool shown = false, failing = false;
    int r = vnl_cmd_tunnels_ask(wait->plan, tunnels, err);

    while (r >= 0 && count_open(wait, tunnels, &failing) && now_ms() < end) {
        if (vnl_progress_wanted()) {
            show_progress(wait->plan, tunnels);
            shown = true;
        }
        serial = failing || end - now_ms() < AGENT_MS ? 0 : tunnels->states.serial;
        if (!serial)
            (void)poll(NULL, 0, POLL_MS);
        vnl_cmd_tunnels_done(tunnels);
        r = ask_after(wait->plan, serial, tunnels, err);
    }
    if (shown)
        (void)fputs("\r\033[K", stderr);
    return r;
}

int vnl_cmd_tunnels_wait(const struct vnl_plan *plan, const char *connection_id, const char *gateway,
                         int timeout_ms, struct vnl_cmd_tunnels *ret, struct vnl_err **err)
{
    CLEANUP(vnl_cmd_tunnels_done) struct vnl_cmd_tunnels tunnels = { 0 };
    CLEANUP(wait_done)
    struct wait wait = { .plan = plan,
                         .connection_id = connection_id,
                         .gateway = gateway,
                         .failed_ms = calloc(plan->n_tunnels + 1, sizeof(*wait.failed_ms)) };
    int r;

    if (!wait.failed_ms)
        return vnl_fail(err, ENOMEM, "connections");
    r = wait_for(&wait, timeout_ms, &tunnels, err);
    if (r < 0)
        return r;
    *ret = tunnels;
    tunnels = (struct vnl_cmd_tunnels){ 0 };
    return 0;
}

/* --- report ----------------------------------------------------------------------------------------- */

/* "VNet1ToVNet4", "laptop"; of a connection with several tunnels "VNet1ToVNet4, VNet1GW.1 to 198.51.100.4". */
static const char *name_of(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel,
                           char buf[256])
{
    const struct vnl_plan_tunnel *planned = &plan->tunnels[tunnel];
    char addr[VNL_ADDR_STR];

    if (vnl_tunnel_is_client(plan, tunnel) ||
        vnl_connection_sum(plan, tunnels, planned->connection).n_ends < 2)
        return planned->name;
    (void)snprintf(buf, 256, "%s, %s to %s", planned->name, plan->gateways[planned->gateway].name,
                   vnl_addr_format(&planned->remote, addr));
    return buf;
}

static void print_tunnel(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel,
                         bool all)
{
    const struct vnl_vpn_state *state = tunnels->of[tunnel];
    enum vnl_vpn_status status = state ? state->status : VNL_VPN_UNKNOWN;
    bool ready = vnl_tunnel_is_ready(plan, tunnels, tunnel);
    const char *reason = NULL;
    char buf[256], name[256];

    if (status != VNL_VPN_CONNECTED)
        reason = vnl_tunnel_reason(plan, tunnels, tunnel, buf);
    else if (!ready)
        reason = vnl_tunnel_bgp_reason(plan, tunnels, tunnel, buf);
    else if (!all)
        return;
    (void)printf("%s: %s%s%s\n", name_of(plan, tunnels, tunnel, name), vnl_vpn_status_str(status),
                 !reason                       ? ""
                 : status == VNL_VPN_CONNECTED ? ", but "
                                               : ", ",
                 reason ? reason : "");
}

/* Only its first tunnel's line is printed, as the connection's. */
static void print_alike(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel)
{
    struct vnl_connection_sum sum = vnl_connection_sum(plan, tunnels, plan->tunnels[tunnel].connection);
    char buf[256];
    const char *reason = vnl_tunnel_reason(plan, tunnels, tunnel, buf);

    if (tunnel == sum.ends[0])
        (void)printf("%s: %s%s%s\n", plan->tunnels[tunnel].name, vnl_vpn_status_str(sum.status),
                     reason ? ", " : "", reason ? reason : "");
}

/* Of one gateway's or instance's each tunnel is told: those of the other instance are not meant. */
void vnl_cmd_tunnels_print(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                           const char *connection_id, const char *gateway, bool all)
{
    for (size_t i = 0; i < plan->n_tunnels; i++) {
        if (!vnl_tunnel_is_meant(plan, i, connection_id, gateway))
            continue;
        if (!gateway && vnl_connection_fails_alike(plan, tunnels, plan->tunnels[i].connection))
            print_alike(plan, tunnels, i);
        else
            print_tunnel(plan, tunnels, i, all);
    }
}

void vnl_cmd_tunnels_print_count(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels)
{
    struct vnl_tunnel_counts counts = vnl_tunnel_counts(plan, tunnels);
    char buf[160];

    if (*vnl_tunnel_counts_format(&counts, buf))
        (void)puts(buf);
}

/* --- as JSON ---------------------------------------------------------------------------------------- */

static struct vnl_json *status_to_json(const char *name, enum vnl_vpn_status status, const char *reason)
{
    struct vnl_json *item = vnl_json_object();
    bool bad = false;

    bad |= vnl_json_set(item, "name", vnl_json_str(name)) < 0;
    bad |= vnl_json_set(item, "connectionStatus", vnl_json_str(vnl_vpn_status_str(status))) < 0;
    bad |= vnl_json_set(item, "reason", vnl_json_str(status == VNL_VPN_CONNECTED ? NULL : reason)) < 0;
    if (bad)
        vnl_json_free(&item);
    return item;
}

static struct vnl_json *connection_to_json(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                                           const char *connection_id)
{
    struct vnl_connection_sum sum = vnl_connection_sum(plan, tunnels, connection_id);
    size_t speaker = vnl_connection_speaker(&sum, tunnels);
    char buf[256];
    struct vnl_json *item = status_to_json(plan->tunnels[speaker].name, sum.status,
                                           vnl_tunnel_reason(plan, tunnels, speaker, buf));

    if (sum.bgp && vnl_json_set(item, "bgpState", vnl_json_str(vnl_bgp_state_str(sum.bgp_state))) < 0)
        vnl_json_free(&item);
    return item;
}

struct vnl_json *vnl_cmd_tunnels_to_json(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels)
{
    struct vnl_json *list = vnl_json_array();
    const char *last = NULL; /* the ends of a connection are one behind the other */
    bool bad = false;

    for (size_t i = 0; i < plan->n_tunnels; i++) {
        if (!vnl_tunnel_is_connection(plan, i) || (last && !strcmp(last, plan->tunnels[i].connection)))
            continue;
        last = plan->tunnels[i].connection;
        bad |= vnl_json_push(list, connection_to_json(plan, tunnels, last)) < 0;
    }
    if (bad)
        vnl_json_free(&list);
    return list;
}

static struct vnl_json *client_to_json(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                                       size_t tunnel)
{
    const struct vnl_vpn_state *state = tunnels->of[tunnel];
    const struct vnl_plan_tunnel *planned = &plan->tunnels[tunnel];
    char buf[256], since[32];
    struct vnl_json *item = status_to_json(planned->name, state ? state->status : VNL_VPN_UNKNOWN,
                                           vnl_tunnel_reason(plan, tunnels, tunnel, buf));
    bool bad = false;

    bad |= vnl_json_set(item, "gateway", vnl_json_str(plan->gateways[planned->peer].resource)) < 0;
    bad |= vnl_json_set(item, "address", vnl_json_str(state ? state->inner : NULL)) < 0;
    bad |= vnl_json_set(item, "thumbprint", vnl_json_str(state ? state->thumbprint : NULL)) < 0;
    bad |=
        vnl_json_set(item, "ingressBytesTransferred", vnl_json_int(state ? (int64_t)state->ingress : 0)) < 0;
    bad |= vnl_json_set(item, "egressBytesTransferred", vnl_json_int(state ? (int64_t)state->egress : 0)) < 0;
    bad |= vnl_json_set(item, "suite", vnl_json_str(state ? state->suite : NULL)) < 0;
    bad |=
        vnl_json_set(item, "since",
                     vnl_json_str(state && state->since_ms ? vnl_since_format(state->since_ms, false, since)
                                                           : NULL)) < 0;
    if (bad)
        vnl_json_free(&item);
    return item;
}

struct vnl_json *vnl_cmd_clients_to_json(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels)
{
    struct vnl_json *list = vnl_json_array();
    bool bad = false;

    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (vnl_tunnel_is_client(plan, i))
            bad |= vnl_json_push(list, client_to_json(plan, tunnels, i)) < 0;
    if (bad)
        vnl_json_free(&list);
    return list;
}
