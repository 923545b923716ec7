#include "connection_sum.h"

#include <string.h>

#include "connections.h"

#include "vnetlab/base.h"

/* --- one tunnel ------------------------------------------------------------------------------------- */

static bool is_of(const struct vnl_vpn_state *state, const struct vnl_plan *plan,
                  const struct vnl_plan_tunnel *tunnel)
{
    char remote[VNL_ADDR_STR];

    if (strcmp(state->connection, tunnel->connection) != 0 ||
        strcmp(state->guest, plan->gateways[tunnel->gateway].name) != 0)
        return false;
    return tunnel->kind != VNL_TUNNEL_CONNECTION ||
           (state->remote && !strcmp(state->remote, vnl_addr_format(&tunnel->remote, remote)));
}

const struct vnl_vpn_state *vnl_tunnel_state(const struct vnl_plan *plan, const struct vnl_vpn_states *states,
                                             const struct vnl_plan_tunnel *tunnel)
{
    for (size_t i = 0; i < states->n; i++)
        if (is_of(&states->items[i], plan, tunnel))
            return &states->items[i];
    return NULL;
}

static enum vnl_vpn_status status_of(const struct vnl_cmd_tunnels *tunnels, size_t tunnel)
{
    return tunnels->of[tunnel] ? tunnels->of[tunnel]->status : VNL_VPN_UNKNOWN;
}

bool vnl_tunnel_is_connection(const struct vnl_plan *plan, size_t tunnel)
{
    return plan->tunnels[tunnel].kind == VNL_TUNNEL_CONNECTION &&
           !plan->gateways[plan->tunnels[tunnel].gateway].site;
}

bool vnl_tunnel_is_client(const struct vnl_plan *plan, size_t tunnel)
{
    return plan->tunnels[tunnel].kind == VNL_TUNNEL_CLIENT;
}

static bool is_called(const struct vnl_plan *plan, uint32_t gateway, const char *name)
{
    return gateway != VNL_PLAN_NOBODY &&
           (!strcmp(plan->gateways[gateway].resource, name) || !strcmp(plan->gateways[gateway].name, name));
}

bool vnl_tunnel_is_meant(const struct vnl_plan *plan, size_t tunnel, const char *connection_id,
                         const char *gateway)
{
    const struct vnl_plan_tunnel *planned = &plan->tunnels[tunnel];

    if (!vnl_tunnel_is_connection(plan, tunnel) && !vnl_tunnel_is_client(plan, tunnel))
        return false;
    return (!connection_id || !strcmp(planned->connection, connection_id)) &&
           (!gateway || is_called(plan, planned->gateway, gateway) ||
            is_called(plan, planned->peer, gateway));
}

static bool is_owners(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel)
{
    return tunnel->other == VNL_PLAN_NOBODY && tunnel->peer != VNL_PLAN_NOBODY &&
           plan->gateways[tunnel->peer].swanctl;
}

bool vnl_tunnel_can_connect(const struct vnl_plan *plan, size_t tunnel)
{
    const struct vnl_plan_tunnel *planned = &plan->tunnels[tunnel];

    return planned->other != VNL_PLAN_NOBODY || is_owners(plan, planned);
}

bool vnl_tunnel_can_peer(const struct vnl_plan *plan, size_t tunnel)
{
    const struct vnl_plan_tunnel *planned = &plan->tunnels[tunnel];

    if (!planned->peer_asn)
        return false;
    return planned->other != VNL_PLAN_NOBODY ? plan->tunnels[planned->other].peer_asn != 0
                                             : is_owners(plan, planned);
}

/* The other end whose word counts: a client's is that of all clients. */
static uint32_t other_of(const struct vnl_plan *plan, size_t tunnel)
{
    return vnl_tunnel_is_client(plan, tunnel) ? VNL_PLAN_NOBODY : plan->tunnels[tunnel].other;
}

bool vnl_tunnel_has_failed(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel)
{
    uint32_t other = other_of(plan, tunnel);

    return status_of(tunnels, tunnel) == VNL_VPN_NOT_CONNECTED ||
           (other != VNL_PLAN_NOBODY && status_of(tunnels, other) == VNL_VPN_NOT_CONNECTED);
}

bool vnl_tunnel_is_up(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel)
{
    uint32_t other = other_of(plan, tunnel);

    return status_of(tunnels, tunnel) == VNL_VPN_CONNECTED &&
           (other == VNL_PLAN_NOBODY || status_of(tunnels, other) == VNL_VPN_CONNECTED);
}

static bool end_is_ready(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel)
{
    return !plan->tunnels[tunnel].peer_asn || (tunnels->of[tunnel] && tunnels->of[tunnel]->bgp_ready);
}

bool vnl_tunnel_is_ready(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel)
{
    uint32_t other = plan->tunnels[tunnel].other;

    return end_is_ready(plan, tunnels, tunnel) &&
           (other == VNL_PLAN_NOBODY || end_is_ready(plan, tunnels, other));
}

/* --- why not ---------------------------------------------------------------------------------------- */

/* What the other end has given up of; NULL: nothing. */
static const char *reason_of_other(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                                   size_t tunnel, char buf[256])
{
    uint32_t other = other_of(plan, tunnel);

    if (other == VNL_PLAN_NOBODY || status_of(tunnels, other) != VNL_VPN_NOT_CONNECTED ||
        !tunnels->of[other]->reason || status_of(tunnels, tunnel) == VNL_VPN_CONNECTED)
        return NULL;
    (void)snprintf(buf, 256, "%s says: %s", plan->gateways[plan->tunnels[other].gateway].resource,
                   tunnels->of[other]->reason);
    return buf;
}

const char *vnl_tunnel_reason(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                              size_t tunnel, char buf[256])
{
    const struct vnl_plan_tunnel *planned = &plan->tunnels[tunnel];
    const struct vnl_vpn_state *state = tunnels->of[tunnel];
    char addr[VNL_ADDR_STR];

    if (tunnels->why)
        return tunnels->why;
    if (vnl_tunnel_can_connect(plan, tunnel) || (state && state->status == VNL_VPN_CONNECTED))
        return state && state->reason ? state->reason : reason_of_other(plan, tunnels, tunnel, buf);
    if (planned->peer != VNL_PLAN_NOBODY)
        (void)snprintf(buf, 256, "%s has no connection to %s", plan->gateways[planned->peer].resource,
                       plan->gateways[planned->gateway].resource);
    else
        (void)snprintf(buf, 256, "nobody in the lab has %s", vnl_addr_format(&planned->remote, addr));
    return buf;
}

const char *vnl_tunnel_bgp_reason(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                                  size_t tunnel, char buf[256])
{
    const struct vnl_plan_tunnel *planned = &plan->tunnels[tunnel];
    const struct vnl_vpn_state *state = tunnels->of[tunnel];
    enum vnl_bgp_state bgp = state ? state->bgp_state : VNL_BGP_UNKNOWN;
    const char *why = state ? state->bgp_reason : NULL;
    char addr[VNL_ADDR_STR];

    (void)vnl_addr_format(&planned->peer_bgp, addr);
    if (!vnl_tunnel_can_peer(plan, tunnel) && planned->peer != VNL_PLAN_NOBODY)
        (void)snprintf(buf, 256, "BGP with %s: %s speaks none", addr, plan->gateways[planned->peer].resource);
    else if (bgp == VNL_BGP_CONNECTED)
        (void)snprintf(buf, 256, "BGP with %s (ASN %u) is up, what it brings is not in force yet", addr,
                       planned->peer_asn);
    else
        (void)snprintf(buf, 256, "BGP with %s (ASN %u) is %s%s%s", addr, planned->peer_asn,
                       vnl_bgp_state_str(bgp), why ? ": " : "", why ? why : "");
    return buf;
}

/* --- a connection ----------------------------------------------------------------------------------- */

/* Of a connection that is not Connected: the higher, the worse. */
static int badness_of(enum vnl_vpn_status status)
{
    switch (status) {
    case VNL_VPN_NOT_CONNECTED:
        return 2;
    case VNL_VPN_CONNECTING:
        return 1;
    case VNL_VPN_UNKNOWN:
    case VNL_VPN_CONNECTED:
    case VNL_VPN_STATUS_MAX:
        break;
    }
    return 0;
}

static bool counts_more(enum vnl_vpn_status status, enum vnl_vpn_status than)
{
    if (than == VNL_VPN_CONNECTED)
        return false;
    return status == VNL_VPN_CONNECTED || badness_of(status) > badness_of(than);
}

static void sum_state(struct vnl_connection_sum *sum, const struct vnl_vpn_state *state)
{
    sum->known = true;
    sum->ingress += state->ingress;
    sum->egress += state->egress;
    if (state->bgp && state->bgp_state > sum->bgp_state)
        sum->bgp_state = state->bgp_state;
    if (sum->first && !counts_more(state->status, sum->status))
        return;
    sum->first = state;
    sum->status = state->status;
}

struct vnl_connection_sum vnl_connection_sum(const struct vnl_plan *plan,
                                             const struct vnl_cmd_tunnels *tunnels, const char *connection_id)
{
    struct vnl_connection_sum sum = { .status = VNL_VPN_UNKNOWN };

    for (size_t i = 0; i < plan->n_tunnels && sum.n_ends < VNL_TUNNELS; i++) {
        if (!vnl_tunnel_is_connection(plan, i) || strcmp(plan->tunnels[i].connection, connection_id) != 0)
            continue;
        sum.ends[sum.n_ends++] = (uint32_t)i;
        sum.bgp |= plan->tunnels[i].peer_asn != 0;
        if (tunnels->of[i])
            sum_state(&sum, tunnels->of[i]);
    }
    return sum;
}

size_t vnl_connection_speaker(const struct vnl_connection_sum *sum, const struct vnl_cmd_tunnels *tunnels)
{
    for (size_t i = 0; i < sum->n_ends; i++)
        if (sum->first && tunnels->of[sum->ends[i]] == sum->first)
            return sum->ends[i];
    return sum->ends[0];
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

bool vnl_connection_fails_alike(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                                const char *connection_id)
{
    struct vnl_connection_sum sum = vnl_connection_sum(plan, tunnels, connection_id);
    char first[256], other[256];
    const char *reason = sum.n_ends ? vnl_tunnel_reason(plan, tunnels, sum.ends[0], first) : NULL;

    for (size_t i = 1; i < sum.n_ends; i++)
        if (status_of(tunnels, sum.ends[i]) != status_of(tunnels, sum.ends[0]) ||
            !is_same(vnl_tunnel_reason(plan, tunnels, sum.ends[i], other), reason))
            return false;
    return sum.n_ends && sum.status != VNL_VPN_CONNECTED;
}

/* --- a lab ------------------------------------------------------------------------------------------ */

static bool is_first_end(const struct vnl_plan *plan, size_t tunnel)
{
    for (size_t i = 0; i < tunnel; i++)
        if (vnl_tunnel_is_connection(plan, i) &&
            !strcmp(plan->tunnels[i].connection, plan->tunnels[tunnel].connection))
            return false;
    return true;
}

/* Two gateways of the lab have one session between them, which the earlier end stands for. */
static bool has_session(const struct vnl_plan *plan, size_t tunnel)
{
    uint32_t other = plan->tunnels[tunnel].other;

    return plan->tunnels[tunnel].peer_asn &&
           (other == VNL_PLAN_NOBODY || !vnl_tunnel_is_connection(plan, other) || tunnel < other);
}

static void count_end(struct vnl_tunnel_counts *counts, const struct vnl_plan *plan,
                      const struct vnl_cmd_tunnels *tunnels, size_t tunnel)
{
    if (is_first_end(plan, tunnel)) {
        counts->connections++;
        counts->connected +=
            vnl_connection_sum(plan, tunnels, plan->tunnels[tunnel].connection).status == VNL_VPN_CONNECTED;
    }
    if (has_session(plan, tunnel)) {
        counts->sessions++;
        counts->sessions_up += vnl_tunnel_is_ready(plan, tunnels, tunnel);
    }
}

struct vnl_tunnel_counts vnl_tunnel_counts(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels)
{
    struct vnl_tunnel_counts counts = { 0 };

    for (size_t i = 0; i < plan->n_tunnels; i++) {
        if (vnl_tunnel_is_connection(plan, i))
            count_end(&counts, plan, tunnels, i);
        counts.clients += vnl_tunnel_is_client(plan, i);
        counts.clients_connected +=
            vnl_tunnel_is_client(plan, i) && status_of(tunnels, i) == VNL_VPN_CONNECTED;
    }
    return counts;
}

const char *vnl_tunnel_counts_format(const struct vnl_tunnel_counts *counts, char buf[160])
{
    int len = 0;

    buf[0] = '\0';
    if (counts->connections)
        len +=
            snprintf(buf, 160, "connections: %zu of %zu connected", counts->connected, counts->connections);
    if (counts->sessions)
        len += snprintf(buf + len, 160 - (size_t)len, "%sBGP: %zu of %zu sessions up", len ? ", " : "",
                        counts->sessions_up, counts->sessions);
    if (counts->clients)
        (void)snprintf(buf + len, 160 - (size_t)len, "%sclients: %zu of %zu connected", len ? ", " : "",
                       counts->clients_connected, counts->clients);
    return buf;
}
