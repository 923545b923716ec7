/* vnetlab show connections: what Azure says of them, and why one is not connected. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "connections.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/plan.h"

static const char *peer_of(const struct vnl_connection *connection)
{
    if (connection->gateway2)
        return connection->gateway2->name;
    return connection->local2 ? connection->local2->name : "-";
}

static enum vnl_tone tone_of(enum vnl_vpn_status status)
{
    switch (status) {
    case VNL_VPN_CONNECTED:
        return VNL_TONE_GOOD;
    case VNL_VPN_NOT_CONNECTED:
        return VNL_TONE_BAD;
    case VNL_VPN_UNKNOWN:
    case VNL_VPN_CONNECTING:
    case VNL_VPN_STATUS_MAX:
        break;
    }
    return VNL_TONE_WARN;
}

/* "2026-11-21T17:45:02", in this machine's time zone when `local`; else in UTC with a Z behind it, as ARM has it. */
static const char *format_since(int64_t ms, bool local, char buf[32])
{
    time_t seconds = ms / 1000;
    struct tm tm;

    if (local ? !localtime_r(&seconds, &tm) : !gmtime_r(&seconds, &tm))
        return "";
    (void)strftime(buf, 32, local ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%dT%H:%M:%SZ", &tm);
    return buf;
}

static void row(struct vnl_table *table, const struct vnl_connection *connection,
                const struct vnl_vpn_state *state)
{
    enum vnl_vpn_status status = state ? state->status : VNL_VPN_UNKNOWN;
    char since[32];

    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", connection->name);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", connection->gateway1 ? connection->gateway1->name : "-");
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", peer_of(connection));
    vnl_table_cell(table, tone_of(status), "%s", vnl_vpn_status_str(status));
    vnl_table_cell(table, VNL_TONE_PLAIN, "%" PRIu64, state ? state->ingress : 0);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%" PRIu64, state ? state->egress : 0);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", state && state->suite ? state->suite : "");
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s",
                   state && state->since_ms ? format_since(state->since_ms, true, since) : "");
}

static int print_table(const struct vnl_lab *lab, const struct vnl_plan *plan,
                       const struct vnl_cmd_tunnels *tunnels, struct vnl_err **err)
{
    static const char *const headers[] = { "Connection", "Gateway",  "Peer",  "Status",
                                           "BytesIn",    "BytesOut", "Suite", "Since" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; i < lab->n_connections; i++)
        row(table, lab->connections[i], vnl_cmd_tunnels_find(plan, tunnels, lab->connections[i]->id));
    return vnl_table_print(stdout, table, true, err);
}

/* What is ours beside ARM's properties. */
static struct vnl_json *own_part(struct vnl_json *json)
{
    if (!vnl_json_get(json, "vnetlab"))
        (void)vnl_json_set(json, "vnetlab", vnl_json_object());
    return vnl_json_get(json, "vnetlab");
}

int vnl_connection_add_state(struct vnl_json *json, const struct vnl_vpn_state *state, const char *why)
{
    struct vnl_json *arm = vnl_json_get(json, "properties"), *ours;
    char since[32];
    bool bad = !arm;

    if (!state && !why)
        return 0;
    ours = own_part(json);
    if (!state)
        return vnl_json_set(ours, "reason", vnl_json_str(why));
    bad |= vnl_json_set(arm, "connectionStatus", vnl_json_str(vnl_vpn_status_str(state->status))) < 0;
    bad |= vnl_json_set(arm, "ingressBytesTransferred", vnl_json_int((int64_t)state->ingress)) < 0;
    bad |= vnl_json_set(arm, "egressBytesTransferred", vnl_json_int((int64_t)state->egress)) < 0;
    bad |= vnl_json_set(ours, "gateway", vnl_json_str(state->gateway)) < 0;
    bad |= vnl_json_set(ours, "reason", vnl_json_str(state->reason)) < 0;
    bad |= vnl_json_set(ours, "suite", vnl_json_str(state->suite)) < 0;
    bad |= vnl_json_set(ours, "engine", vnl_json_str(vnl_vpn_engine_str(state->engine))) < 0;
    bad |=
        vnl_json_set(ours, "since",
                     vnl_json_str(state->since_ms ? format_since(state->since_ms, false, since) : NULL)) < 0;
    return bad ? -ENOMEM : 0;
}

static int print_json(const struct vnl_lab *lab, const struct vnl_plan *plan,
                      const struct vnl_cmd_tunnels *tunnels, struct vnl_err **err)
{
    struct vnl_json *json = vnl_json_object(), *list = vnl_json_array();
    bool bad = vnl_json_set(json, "value", list) < 0;

    for (size_t i = 0; i < lab->n_connections; i++) {
        struct vnl_json *item = vnl_connection_to_json(lab->connections[i]);

        bad |= !item ||
               vnl_connection_add_state(item, vnl_cmd_tunnels_find(plan, tunnels, lab->connections[i]->id),
                                        tunnels->why) < 0;
        bad |= vnl_json_push(list, item) < 0;
    }
    if (bad)
        vnl_json_free(&json);
    return vnl_out_json(json, err);
}

int vnl_list_connections(const struct vnl_lab *lab, const struct vnl_plan *plan, struct vnl_err **err)
{
    CLEANUP(vnl_cmd_tunnels_done) struct vnl_cmd_tunnels tunnels = { 0 };
    int r = lab->n_connections ? vnl_cmd_tunnels_ask(plan, &tunnels, err) : 0;

    if (r < 0 || !lab->n_connections)
        return r;
    (void)putchar('\n');
    return print_table(lab, plan, &tunnels, err);
}

int vnl_show_connections(const struct vnl_lab *lab, bool json, struct vnl_err **err)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_cmd_tunnels_done) struct vnl_cmd_tunnels tunnels = { 0 };
    int r = vnl_plan_build(lab, &plan, err);

    if (r >= 0)
        r = vnl_cmd_tunnels_ask(plan, &tunnels, err);
    if (r < 0)
        return r;
    if (json)
        return print_json(lab, plan, &tunnels, err);
    if (!lab->n_connections) {
        (void)printf("lab %s has no connections\n", lab->name);
        return 0;
    }
    r = print_table(lab, plan, &tunnels, err);
    if (r < 0)
        return r;
    (void)putchar('\n');
    vnl_cmd_tunnels_print_count(plan, &tunnels);
    vnl_cmd_tunnels_print(plan, &tunnels, NULL, NULL, false);
    return 0;
}
