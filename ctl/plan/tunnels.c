/* Tunnels by their ends: of each connection in the lab's order its own, then the site's where the far address is a site's device that
 * vnetlab configures. What is behind a connection is routed into it (gateway_rows.c), so a changed address space never touches a
 * tunnel; selectors are 0.0.0.0/0 unless the connection asks for policy-based ones (spec vpn 8). */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

/* Spec vpn 7.1, 7.2, 7.5. */
#define IKE_LIFETIME_S        28800
#define CHILD_LIFETIME_S      27000
#define POLICY_CHILD_LIFETIME 3600 /* of PolicyBased gateways */
#define CHILD_LIFETIME_KIB    102400000u
#define DPD_TIMEOUT_S         45

/* An end while tunnels are made: whose it is. */
struct end {
    const struct vnl_connection *connection;
    const struct vnl_site *site; /* NULL: of the connection's gateway */
};

/* --- lists ---------------------------------------------------------------------------------------------------------- */

static int copy_prefixes(const struct vnl_prefixes *from, struct vnl_prefix **ret, size_t *ret_n)
{
    *ret = calloc(from->n + 1, sizeof(**ret));
    if (!*ret)
        return -ENOMEM;
    for (*ret_n = 0; *ret_n < from->n; (*ret_n)++)
        (*ret)[*ret_n] = from->items[*ret_n];
    return 0;
}

/* What the end sends into the tunnel. A site's device knows what the gateway speaks for, as its administrator would have told it. */
static int set_routes(const struct end *end, struct vnl_plan_tunnel *out)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes prefixes = { 0 };
    int r = end->site ? vnl_gateway_space(end->connection->gateway1->vnet, &prefixes)
                      : vnl_connection_prefixes(end->connection, &prefixes);

    return r < 0 ? r : copy_prefixes(&prefixes, &out->routes, &out->n_routes);
}

static int add_v4(struct vnl_prefixes *ret, const struct vnl_prefixes *from)
{
    int r = 0;

    for (size_t i = 0; i < from->n && r == 0; i++)
        if (from->items[i].addr.family == AF_INET)
            r = vnl_prefixes_add(ret, &from->items[i]);
    return r;
}

static bool has_selectors(const struct vnl_connection *connection)
{
    return connection->policy_selectors || connection->gateway1->policy_based;
}

/* All combinations: both lists stand in one SA. Without transit: the VNet's own prefixes. */
static int set_selectors(const struct end *end, struct vnl_plan_tunnel *out)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes near = { 0 };
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes far = { 0 };
    const struct vnl_connection *connection = end->connection;
    const struct vnl_prefixes *local = end->site ? &far : &near, *remote = end->site ? &near : &far;
    int r;

    if (!has_selectors(connection))
        return 0;
    r = add_v4(&near, &connection->gateway1->vnet->space);
    if (r == 0)
        r = add_v4(&far,
                   connection->local2 ? &connection->local2->prefixes : &connection->gateway2->vnet->space);
    if (r == 0)
        r = copy_prefixes(local, &out->local_ts, &out->n_local_ts);
    return r < 0 ? r : copy_prefixes(remote, &out->remote_ts, &out->n_remote_ts);
}

/* --- one end -------------------------------------------------------------------------------------------------------- */

static int set_security(const struct vnl_connection *connection, struct vnl_plan_tunnel *out)
{
    const struct vnl_ipsec_policy *policy = &connection->policy;
    bool policy_based = connection->gateway1->policy_based;

    out->ike_v1 = connection->ike_v1;
    out->ike = vnl_ike_proposals(policy);
    out->esp = vnl_esp_proposals(policy);
    out->ike_lifetime_s = IKE_LIFETIME_S;
    out->child_lifetime_s = policy_based ? POLICY_CHILD_LIFETIME : CHILD_LIFETIME_S;
    out->child_bytes = (uint64_t)CHILD_LIFETIME_KIB * 1024;
    if (!policy_based)
        out->dpd_s = connection->dpd_timeout_s ? (uint32_t)connection->dpd_timeout_s : DPD_TIMEOUT_S;
    if (policy->written) {
        out->child_lifetime_s = policy->lifetime_s;
        out->child_bytes = (uint64_t)policy->lifetime_kib * 1024;
    }
    return out->ike && out->esp ? 0 : -ENOMEM;
}

static void set_key(const struct end *end, struct vnl_plan_tunnel *out)
{
    static const uint8_t zero[VNL_DIGEST_SIZE];
    const char *key = end->site ? end->site->shared_key : end->connection->shared_key;

    if (key)
        vnl_digest(zero, key, strlen(key), out->key_digest);
}

static struct vnl_addr far_address(const struct end *end)
{
    const struct vnl_connection *connection = end->connection;

    if (end->site)
        return connection->gateway1->public_ip->addr;
    return connection->local2 ? connection->local2->addr : connection->gateway2->public_ip->addr;
}

/* Gateways come first in plan->gateways, then sites. */
static uint32_t gateway_of(const struct vnl_plan_work *work, const struct end *end)
{
    return end->site ? (uint32_t)work->lab->n_gateways + end->site->number
                     : end->connection->gateway1->number;
}

static int add_end(struct vnl_plan_work *work, const struct end *end)
{
    struct vnl_plan *plan = work->plan;
    struct vnl_plan_tunnel *out = &plan->tunnels[plan->n_tunnels++];
    const struct vnl_plan_gateway *peer;
    int r;

    out->gateway = gateway_of(work, end);
    out->remote = far_address(end);
    peer = vnl_gateway_by_outer(plan, &out->remote);
    out->peer = peer ? (uint32_t)(peer - plan->gateways) : VNL_PLAN_NOBODY;
    out->if_id = 2 * end->connection->slot + (end->site ? 2 : 1);
    (void)snprintf(out->ifname, sizeof(out->ifname), "vpn%u", out->if_id);
    if (vnl_text_copy(&out->connection, end->connection->id) < 0 ||
        vnl_text_copy(&out->name, end->connection->name) < 0)
        return -ENOMEM;
    set_key(end, out);
    r = set_security(end->connection, out);
    if (r == 0)
        r = set_selectors(end, out);
    return r < 0 ? r : set_routes(end, out);
}

/* --- both ends ------------------------------------------------------------------------------------------------------ */

/* A pair of VNets is two resources that name each other; two gateways with local network gateways find each other by address. */
static bool are_ends(const struct vnl_plan *plan, const struct end *ends, size_t a, size_t b)
{
    const struct vnl_plan_tunnel *left = &plan->tunnels[a], *right = &plan->tunnels[b];

    if (left->peer != right->gateway || right->peer != left->gateway)
        return false;
    if (ends[a].connection->type == VNL_CONNECTION_VNET)
        return ends[a].connection->twin == ends[b].connection;
    return ends[b].connection->type == VNL_CONNECTION_IPSEC;
}

static uint32_t find_other(const struct vnl_plan *plan, const struct end *ends, size_t a)
{
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (i != a && are_ends(plan, ends, a, i))
            return (uint32_t)i;
    return VNL_PLAN_NOBODY;
}

/* May this end start? A site's device does as the connection says of the other end. */
static bool may_start(const struct end *end)
{
    if (end->site)
        return end->connection->mode != VNL_CONNECTION_INITIATOR;
    return end->connection->mode != VNL_CONNECTION_RESPONDER;
}

static bool may_answer(const struct end *end)
{
    if (end->site)
        return end->connection->mode != VNL_CONNECTION_RESPONDER;
    return end->connection->mode != VNL_CONNECTION_INITIATOR;
}

/* Exactly one end starts; none where both would only answer, or both only start (spec vpn 5.2). */
static bool initiates(const struct vnl_plan *plan, const struct end *ends, size_t a)
{
    uint32_t b = plan->tunnels[a].other;
    int order;

    if (b == VNL_PLAN_NOBODY)
        return may_start(&ends[a]);
    if (!may_start(&ends[a]) || !may_answer(&ends[b]))
        return false;
    if (!may_start(&ends[b]) || !may_answer(&ends[a]))
        return true;
    order = strcmp(plan->tunnels[a].connection, plan->tunnels[b].connection);
    return order ? order < 0 : a < b;
}

static const struct vnl_site *site_of(const struct vnl_plan_work *work,
                                      const struct vnl_connection *connection)
{
    const struct vnl_site *site =
        connection->local2 ? vnl_site_by_addr(work->lab, &connection->local2->addr) : NULL;

    return site && !site->swanctl ? site : NULL;
}

static int build(struct vnl_plan_work *work, struct end *ends)
{
    struct vnl_plan *plan = work->plan;
    int r = 0;

    for (size_t i = 0; i < work->lab->n_connections && r == 0; i++) {
        const struct vnl_connection *connection = work->lab->connections[i];
        const struct vnl_site *site = site_of(work, connection);

        ends[plan->n_tunnels] = (struct end){ .connection = connection };
        r = add_end(work, &ends[plan->n_tunnels]);
        if (r < 0 || !site)
            continue;
        ends[plan->n_tunnels] = (struct end){ .connection = connection, .site = site };
        r = add_end(work, &ends[plan->n_tunnels]);
    }
    for (size_t i = 0; i < plan->n_tunnels; i++)
        plan->tunnels[i].other = find_other(plan, ends, i);
    for (size_t i = 0; i < plan->n_tunnels; i++)
        plan->tunnels[i].initiates = initiates(plan, ends, i);
    return r;
}

int vnl_tunnels_build(struct vnl_plan_work *work)
{
    size_t room = 2 * work->lab->n_connections + 1;
    struct end *ends = calloc(room, sizeof(*ends));
    int r = -ENOMEM;

    work->plan->tunnels = calloc(room, sizeof(*work->plan->tunnels));
    if (ends && work->plan->tunnels)
        r = build(work, ends);
    free(ends);
    return r;
}

void vnl_tunnels_done(struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_tunnels; i++) {
        struct vnl_plan_tunnel *tunnel = &plan->tunnels[i];

        free(tunnel->connection);
        free(tunnel->name);
        free(tunnel->ike);
        free(tunnel->esp);
        free(tunnel->local_ts);
        free(tunnel->remote_ts);
        free(tunnel->routes);
    }
    free(plan->tunnels);
}
