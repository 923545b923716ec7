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

const char *vnl_since_format(int64_t ms, bool local, char buf[32])
{
    time_t seconds = ms / 1000;
    struct tm tm;

    if (local ? !localtime_r(&seconds, &tm) : !gmtime_r(&seconds, &tm))
        return "";
    (void)strftime(buf, 32, local ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%dT%H:%M:%SZ", &tm);
    return buf;
}

/* --- table ------------------------------------------------------------------------------------------ */

/* What was negotiated is too wide for a table, and the same nearly everywhere: `show CONNECTION` tells it. */
struct columns {
    const struct vnl_plan *plan;
    const struct vnl_cmd_tunnels *tunnels;
    struct vnl_table *table;
    bool bgp; /* some connection of the lab speaks it */
};

static void bgp_cell(const struct columns *columns, bool spoken, enum vnl_bgp_state state)
{
    if (columns->bgp)
        vnl_table_cell(columns->table,
                       !spoken                      ? VNL_TONE_PLAIN
                       : state == VNL_BGP_CONNECTED ? VNL_TONE_GOOD
                                                    : VNL_TONE_WARN,
                       "%s", spoken ? vnl_bgp_state_str(state) : "");
}

static void last_cells(const struct columns *columns, uint64_t ingress, uint64_t egress,
                       const struct vnl_vpn_state *state)
{
    char since[32];

    vnl_table_cell(columns->table, VNL_TONE_PLAIN, "%" PRIu64, ingress);
    vnl_table_cell(columns->table, VNL_TONE_PLAIN, "%" PRIu64, egress);
    vnl_table_cell(columns->table, VNL_TONE_PLAIN, "%s",
                   state && state->since_ms ? vnl_since_format(state->since_ms, true, since) : "");
}

static void connection_row(const struct columns *columns, const struct vnl_connection *connection,
                           const struct vnl_connection_sum *sum)
{
    struct vnl_table *table = columns->table;

    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", connection->name);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", connection->gateway1 ? connection->gateway1->name : "-");
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", peer_of(connection));
    vnl_table_cell(table, tone_of(sum->status), "%s", vnl_vpn_status_str(sum->status));
    bgp_cell(columns, sum->bgp, sum->bgp_state);
    last_cells(columns, sum->ingress, sum->egress, sum->first);
}

static void tunnel_row(const struct columns *columns, size_t tunnel)
{
    const struct vnl_plan_tunnel *planned = &columns->plan->tunnels[tunnel];
    const struct vnl_vpn_state *state = columns->tunnels->of[tunnel];
    enum vnl_vpn_status status = state ? state->status : VNL_VPN_UNKNOWN;
    char addr[VNL_ADDR_STR];

    vnl_table_cell(columns->table, VNL_TONE_PLAIN, "%s", "");
    vnl_table_cell(columns->table, VNL_TONE_PLAIN, "%s", columns->plan->gateways[planned->gateway].name);
    vnl_table_cell(columns->table, VNL_TONE_PLAIN, "%s",
                   planned->peer != VNL_PLAN_NOBODY ? columns->plan->gateways[planned->peer].name
                                                    : vnl_addr_format(&planned->remote, addr));
    vnl_table_cell(columns->table, tone_of(status), "%s", vnl_vpn_status_str(status));
    bgp_cell(columns, planned->peer_asn != 0, state ? state->bgp_state : VNL_BGP_UNKNOWN);
    last_cells(columns, state ? state->ingress : 0, state ? state->egress : 0, state);
}

static void rows_of(const struct columns *columns, const struct vnl_connection *connection)
{
    struct vnl_connection_sum sum = vnl_connection_sum(columns->plan, columns->tunnels, connection->id);

    connection_row(columns, connection, &sum);
    for (size_t i = 0; sum.n_ends > 1 && i < sum.n_ends; i++)
        tunnel_row(columns, sum.ends[i]);
}

static bool speaks_bgp(const struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (plan->tunnels[i].peer_asn)
            return true;
    return false;
}

int vnl_connections_print(FILE *out, const struct vnl_lab *lab, const struct vnl_plan *plan,
                          const struct vnl_cmd_tunnels *tunnels, struct vnl_err **err)
{
    static const char *const headers[] = { "Connection", "Gateway",  "Peer", "Status",
                                           "BytesIn",    "BytesOut", "Since" };
    static const char *const with_bgp[] = { "Connection", "Gateway", "Peer",     "Status",
                                            "BGP",        "BytesIn", "BytesOut", "Since" };
    bool bgp = speaks_bgp(plan);
    CLEANUP(vnl_table_free)
    struct vnl_table *table =
        bgp ? vnl_table_new(with_bgp, ARRAY_SIZE(with_bgp)) : vnl_table_new(headers, ARRAY_SIZE(headers));
    struct columns columns = { plan, tunnels, table, bgp };

    for (size_t i = 0; i < lab->n_connections; i++)
        rows_of(&columns, lab->connections[i]);
    return vnl_table_print(out, table, true, err);
}

int vnl_clients_print(FILE *out, const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                      struct vnl_err **err)
{
    static const char *const headers[] = { "Client",  "Gateway",  "Status", "Address",
                                           "BytesIn", "BytesOut", "Since" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));
    struct columns columns = { plan, tunnels, table, false };

    for (size_t i = 0; i < plan->n_tunnels; i++) {
        const struct vnl_vpn_state *state = tunnels->of[i];
        enum vnl_vpn_status status = state ? state->status : VNL_VPN_UNKNOWN;

        if (!vnl_tunnel_is_client(plan, i))
            continue;
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", plan->tunnels[i].name);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", plan->gateways[plan->tunnels[i].peer].resource);
        vnl_table_cell(table, tone_of(status), "%s", vnl_vpn_status_str(status));
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", state && state->inner ? state->inner : "");
        last_cells(&columns, state ? state->ingress : 0, state ? state->egress : 0, state);
    }
    return vnl_table_print(out, table, true, err);
}

/* --- JSON ------------------------------------------------------------------------------------------- */

/* What is ours beside ARM's properties. */
static struct vnl_json *own_part(struct vnl_json *json)
{
    if (!vnl_json_get(json, "vnetlab"))
        (void)vnl_json_set(json, "vnetlab", vnl_json_object());
    return vnl_json_get(json, "vnetlab");
}

/* ARM's tunnelConnectionStatus: one of each end. Azure numbers the instances of the far worker; here they are the connection's tunnels. */
static struct vnl_json *tunnel_to_json(const char *name, size_t number, const struct vnl_vpn_state *state)
{
    struct vnl_json *item = vnl_json_object();
    enum vnl_vpn_status status = state ? state->status : VNL_VPN_UNKNOWN;
    char tunnel[256], since[32];
    bool bad = false;

    (void)snprintf(tunnel, sizeof(tunnel), "%s_GatewayTenantWorker_IN_%zu", name, number);
    bad |= vnl_json_set(item, "tunnel", vnl_json_str(tunnel)) < 0;
    bad |= vnl_json_set(item, "connectionStatus", vnl_json_str(vnl_vpn_status_str(status))) < 0;
    bad |=
        vnl_json_set(item, "ingressBytesTransferred", vnl_json_int(state ? (int64_t)state->ingress : 0)) < 0;
    bad |= vnl_json_set(item, "egressBytesTransferred", vnl_json_int(state ? (int64_t)state->egress : 0)) < 0;
    bad |= vnl_json_set(item, "lastConnectionEstablishedUtcTime",
                        vnl_json_str(status == VNL_VPN_CONNECTED && state->since_ms
                                         ? vnl_since_format(state->since_ms, false, since)
                                         : NULL)) < 0;
    if (bad)
        vnl_json_free(&item);
    return item;
}

static struct vnl_json *tunnels_to_json(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                                        const struct vnl_connection_sum *sum)
{
    struct vnl_json *list = vnl_json_array();
    bool bad = false;

    for (size_t i = 0; i < sum->n_ends; i++)
        bad |= vnl_json_push(
                   list, tunnel_to_json(plan->tunnels[sum->ends[i]].name, i, tunnels->of[sum->ends[i]])) < 0;
    if (bad)
        vnl_json_free(&list);
    return list;
}

static int add_arm(struct vnl_json *arm, const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                   const struct vnl_connection_sum *sum)
{
    bool bad = !arm;

    bad |= vnl_json_set(arm, "connectionStatus", vnl_json_str(vnl_vpn_status_str(sum->status))) < 0;
    bad |= vnl_json_set(arm, "ingressBytesTransferred", vnl_json_int((int64_t)sum->ingress)) < 0;
    bad |= vnl_json_set(arm, "egressBytesTransferred", vnl_json_int((int64_t)sum->egress)) < 0;
    bad |= vnl_json_set(arm, "tunnelConnectionStatus", tunnels_to_json(plan, tunnels, sum)) < 0;
    return bad ? -ENOMEM : 0;
}

/* Which tunnel is which, and why one is down: ARM's list does not say. */
static struct vnl_json *end_to_json(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                                    size_t tunnel)
{
    const struct vnl_plan_tunnel *planned = &plan->tunnels[tunnel];
    const struct vnl_vpn_state *state = tunnels->of[tunnel];
    enum vnl_vpn_status status = state ? state->status : VNL_VPN_UNKNOWN;
    const char *peer = planned->peer != VNL_PLAN_NOBODY ? plan->gateways[planned->peer].name : NULL;
    char addr[VNL_ADDR_STR], buf[256];
    const char *reason = status == VNL_VPN_CONNECTED ? NULL : vnl_tunnel_reason(plan, tunnels, tunnel, buf);
    struct vnl_json *item = vnl_json_object();
    bool bad = false;

    bad |= vnl_json_set(item, "gateway", vnl_json_str(plan->gateways[planned->gateway].name)) < 0;
    bad |= vnl_json_set(item, "peer", vnl_json_str(peer)) < 0;
    bad |= vnl_json_set(item, "remoteAddress", vnl_json_str(vnl_addr_format(&planned->remote, addr))) < 0;
    bad |= vnl_json_set(item, "connectionStatus", vnl_json_str(vnl_vpn_status_str(status))) < 0;
    bad |= vnl_json_set(item, "reason", vnl_json_str(reason)) < 0;
    bad |= vnl_json_set(item, "suite", vnl_json_str(state ? state->suite : NULL)) < 0;
    if (planned->peer_asn)
        bad |= vnl_json_set(item, "bgpState",
                            vnl_json_str(vnl_bgp_state_str(state ? state->bgp_state : VNL_BGP_UNKNOWN))) < 0;
    if (bad)
        vnl_json_free(&item);
    return item;
}

static struct vnl_json *ends_to_json(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                                     const struct vnl_connection_sum *sum)
{
    struct vnl_json *list = vnl_json_array();
    bool bad = false;

    for (size_t i = 0; i < sum->n_ends; i++)
        bad |= vnl_json_push(list, end_to_json(plan, tunnels, sum->ends[i])) < 0;
    if (bad)
        vnl_json_free(&list);
    return list;
}

static int add_own(struct vnl_json *ours, const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                   const struct vnl_connection_sum *sum)
{
    const struct vnl_vpn_state *state = sum->first;
    char since[32], buf[256];
    const char *reason = vnl_tunnel_reason(plan, tunnels, vnl_connection_speaker(sum, tunnels), buf);
    bool bad = !ours;

    bad |= vnl_json_set(ours, "gateway", vnl_json_str(state->gateway)) < 0;
    bad |= vnl_json_set(ours, "reason", vnl_json_str(sum->status == VNL_VPN_CONNECTED ? NULL : reason)) < 0;
    bad |= vnl_json_set(ours, "suite", vnl_json_str(state->suite)) < 0;
    bad |= vnl_json_set(ours, "engine", vnl_json_str(vnl_vpn_engine_str(state->engine))) < 0;
    if (sum->bgp)
        bad |= vnl_json_set(ours, "bgpState", vnl_json_str(vnl_bgp_state_str(sum->bgp_state))) < 0;
    bad |= vnl_json_set(
               ours, "since",
               vnl_json_str(state->since_ms ? vnl_since_format(state->since_ms, false, since) : NULL)) < 0;
    bad |= vnl_json_set(ours, "tunnels", ends_to_json(plan, tunnels, sum)) < 0;
    return bad ? -ENOMEM : 0;
}

int vnl_connection_add_state(struct vnl_json *json, const struct vnl_plan *plan,
                             const struct vnl_cmd_tunnels *tunnels, const char *connection_id)
{
    struct vnl_connection_sum sum = vnl_connection_sum(plan, tunnels, connection_id);

    if (!sum.known && !tunnels->why)
        return 0;
    if (!sum.known)
        return vnl_json_set(own_part(json), "reason", vnl_json_str(tunnels->why));
    return add_arm(vnl_json_get(json, "properties"), plan, tunnels, &sum) < 0 ||
                   add_own(own_part(json), plan, tunnels, &sum) < 0
               ? -ENOMEM
               : 0;
}

static int print_json(const struct vnl_lab *lab, const struct vnl_plan *plan,
                      const struct vnl_cmd_tunnels *tunnels, struct vnl_err **err)
{
    struct vnl_json *json = vnl_json_object(), *list = vnl_json_array();
    bool bad = vnl_json_set(json, "value", list) < 0;

    for (size_t i = 0; i < lab->n_connections; i++) {
        struct vnl_json *item = vnl_connection_to_json(lab->connections[i]);

        bad |= !item || vnl_connection_add_state(item, plan, tunnels, lab->connections[i]->id) < 0;
        bad |= vnl_json_push(list, item) < 0;
    }
    if (lab->n_clients)
        bad |= vnl_json_set(own_part(json), "clients", vnl_cmd_clients_to_json(plan, tunnels)) < 0;
    if (bad)
        vnl_json_free(&json);
    return vnl_out_json(json, err);
}

/* --- show ------------------------------------------------------------------------------------------- */

static int print_tables(const struct vnl_lab *lab, const struct vnl_plan *plan,
                        const struct vnl_cmd_tunnels *tunnels, struct vnl_err **err)
{
    int r = lab->n_connections ? vnl_connections_print(stdout, lab, plan, tunnels, err) : 0;

    if (r < 0 || !lab->n_clients)
        return r;
    if (lab->n_connections)
        (void)putchar('\n');
    return vnl_clients_print(stdout, plan, tunnels, err);
}

int vnl_list_connections(const struct vnl_lab *lab, const struct vnl_plan *plan, struct vnl_err **err)
{
    CLEANUP(vnl_cmd_tunnels_done) struct vnl_cmd_tunnels tunnels = { 0 };
    bool any = lab->n_connections || lab->n_clients;
    int r = any ? vnl_cmd_tunnels_ask(plan, &tunnels, err) : 0;

    if (r < 0 || !any)
        return r;
    (void)putchar('\n');
    return print_tables(lab, plan, &tunnels, err);
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
    if (!lab->n_connections && !lab->n_clients) {
        (void)printf("lab %s has no connections\n", lab->name);
        return 0;
    }
    r = print_tables(lab, plan, &tunnels, err);
    if (r < 0)
        return r;
    (void)putchar('\n');
    vnl_cmd_tunnels_print_count(plan, &tunnels);
    vnl_cmd_tunnels_print(plan, &tunnels, NULL, NULL, false);
    return 0;
}
