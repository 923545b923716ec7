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

/* By names: the agent may not have read the latest plan yet. */
static const struct vnl_vpn_state *state_of(const struct vnl_plan *plan, const struct vnl_vpn_states *states,
                                            const struct vnl_plan_tunnel *tunnel)
{
    for (size_t i = 0; i < states->n; i++)
        if (!strcmp(states->items[i].connection, tunnel->connection) &&
            !strcmp(states->items[i].gateway, plan->gateways[tunnel->gateway].name))
            return &states->items[i];
    return NULL;
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
    tunnels->of = calloc(plan->n_tunnels + 1, sizeof(*tunnels->of));
    if (!tunnels->of)
        return vnl_fail(err, ENOMEM, "connections");
    for (size_t i = 0; i < plan->n_tunnels; i++)
        tunnels->of[i] = state_of(plan, &tunnels->states, &plan->tunnels[i]);
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

/* A site's device is not Azure's: what it thinks of the connection is no resource. */
static bool is_connection(const struct vnl_plan *plan, size_t tunnel)
{
    return !plan->gateways[plan->tunnels[tunnel].gateway].site;
}

const struct vnl_vpn_state *vnl_cmd_tunnels_find(const struct vnl_plan *plan,
                                                 const struct vnl_cmd_tunnels *tunnels,
                                                 const char *connection_id)
{
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (is_connection(plan, i) && !strcmp(plan->tunnels[i].connection, connection_id))
            return tunnels->of[i];
    return NULL;
}

static enum vnl_vpn_status status_of(const struct vnl_cmd_tunnels *tunnels, size_t tunnel)
{
    return tunnels->of[tunnel] ? tunnels->of[tunnel]->status : VNL_VPN_UNKNOWN;
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

static bool is_meant(const struct vnl_plan *plan, size_t tunnel, const char *connection_id,
                     const char *gateway)
{
    const struct vnl_plan_tunnel *planned = &plan->tunnels[tunnel];
    bool peer =
        gateway && planned->peer != VNL_PLAN_NOBODY && !strcmp(plan->gateways[planned->peer].name, gateway);

    return is_connection(plan, tunnel) && (!connection_id || !strcmp(planned->connection, connection_id)) &&
           (!gateway || peer || !strcmp(plan->gateways[planned->gateway].name, gateway));
}

/* A configuration of its owner's may have a connection to here; whether it has, the agent sees. */
static bool can_connect(const struct vnl_plan *plan, size_t tunnel)
{
    const struct vnl_plan_tunnel *planned = &plan->tunnels[tunnel];

    return planned->other != VNL_PLAN_NOBODY ||
           (planned->peer != VNL_PLAN_NOBODY && plan->gateways[planned->peer].swanctl);
}

/* Said by either end: what one of them refuses, the other may just not hear of again. */
static bool has_failed(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel)
{
    uint32_t other = plan->tunnels[tunnel].other;

    return status_of(tunnels, tunnel) == VNL_VPN_NOT_CONNECTED ||
           (other != VNL_PLAN_NOBODY && status_of(tunnels, other) == VNL_VPN_NOT_CONNECTED);
}

/* At both ends: the one that answers hears last that it is up, and packets may be asked about at either. */
static bool is_up(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel)
{
    uint32_t other = plan->tunnels[tunnel].other;

    return status_of(tunnels, tunnel) == VNL_VPN_CONNECTED &&
           (other == VNL_PLAN_NOBODY || status_of(tunnels, other) == VNL_VPN_CONNECTED);
}

/* How many are neither Connected nor failed for a while. *ret_failing: one has failed. */
static size_t count_open(struct wait *wait, const struct vnl_cmd_tunnels *tunnels, bool *ret_failing)
{
    int64_t now = now_ms();
    size_t n = 0;

    *ret_failing = false;

    for (size_t i = 0; i < wait->plan->n_tunnels; i++) {
        if (!is_meant(wait->plan, i, wait->connection_id, wait->gateway) || !can_connect(wait->plan, i) ||
            is_up(wait->plan, tunnels, i))
            continue;
        if (!has_failed(wait->plan, tunnels, i))
            wait->failed_ms[i] = 0;
        else if (!wait->failed_ms[i])
            wait->failed_ms[i] = now;
        *ret_failing |= wait->failed_ms[i] != 0;
        n += !wait->failed_ms[i] || now - wait->failed_ms[i] < FAILED_MS;
    }
    return n;
}

static size_t count_connected(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                              size_t *ret_all)
{
    size_t n = 0;

    *ret_all = 0;
    for (size_t i = 0; i < plan->n_tunnels; i++) {
        *ret_all += is_connection(plan, i);
        n += is_connection(plan, i) && status_of(tunnels, i) == VNL_VPN_CONNECTED;
    }
    return n;
}

static void show_progress(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels)
{
    size_t all, n = count_connected(plan, tunnels, &all);

    (void)fprintf(stderr, "\r\033[Kconnections: %zu of %zu connected", n, all);
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

/* What the agent says, else what the plan knows; NULL: nothing. buf: for a sentence. */
static const char *reason_of(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                             size_t tunnel, char buf[256])
{
    const struct vnl_plan_tunnel *planned = &plan->tunnels[tunnel];
    const struct vnl_vpn_state *state = tunnels->of[tunnel];
    bool known = planned->peer != VNL_PLAN_NOBODY;
    char addr[VNL_ADDR_STR];

    if (tunnels->why)
        return tunnels->why;
    if (can_connect(plan, tunnel) || (state && state->status == VNL_VPN_CONNECTED))
        return state ? state->reason : NULL;
    if (known)
        (void)snprintf(buf, 256, "%s has no connection to %s", plan->gateways[planned->peer].name,
                       plan->gateways[planned->gateway].name);
    else
        (void)snprintf(buf, 256, "nobody in the lab has %s", vnl_addr_format(&planned->remote, addr));
    return buf;
}

void vnl_cmd_tunnels_print(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                           const char *connection_id, const char *gateway, bool all)
{
    char buf[256];

    for (size_t i = 0; i < plan->n_tunnels; i++) {
        enum vnl_vpn_status status = status_of(tunnels, i);
        const char *reason = status == VNL_VPN_CONNECTED ? NULL : reason_of(plan, tunnels, i, buf);

        if (is_meant(plan, i, connection_id, gateway) && (all || status != VNL_VPN_CONNECTED))
            (void)printf("%s: %s%s%s\n", plan->tunnels[i].name, vnl_vpn_status_str(status),
                         reason ? ", " : "", reason ? reason : "");
    }
}

void vnl_cmd_tunnels_print_count(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels)
{
    size_t all, n = count_connected(plan, tunnels, &all);

    if (all)
        (void)printf("connections: %zu of %zu connected\n", n, all);
}

struct vnl_json *vnl_cmd_tunnels_to_json(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels)
{
    struct vnl_json *list = vnl_json_array();
    bool bad = false;
    char buf[256];

    for (size_t i = 0; i < plan->n_tunnels; i++) {
        enum vnl_vpn_status status = status_of(tunnels, i);
        struct vnl_json *item;

        if (!is_connection(plan, i))
            continue;
        item = vnl_json_object();
        bad |= vnl_json_set(item, "name", vnl_json_str(plan->tunnels[i].name)) < 0;
        bad |= vnl_json_set(item, "connectionStatus", vnl_json_str(vnl_vpn_status_str(status))) < 0;
        bad |= vnl_json_set(
                   item, "reason",
                   vnl_json_str(status == VNL_VPN_CONNECTED ? NULL : reason_of(plan, tunnels, i, buf))) < 0;
        bad |= vnl_json_push(list, item) < 0;
    }
    if (bad)
        vnl_json_free(&list);
    return list;
}
