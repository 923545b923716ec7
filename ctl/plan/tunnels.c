/* Tunnels by their ends: of each connection in the lab's order its own, one for every instance of the near gateway with every one of the
 * far, then the site's where the far address is a site's device that vnetlab configures. Point-to-site comes behind (gateway_p2s.c).
 * What is behind a connection is routed into it (gateway_space.c), so a changed address space never touches a
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

#define SITE_END 5 /* of VNL_TUNNELS numbers of a connection: behind its own ends */

/* An end while tunnels are made: whose it is. */
struct end {
    const struct vnl_connection *connection;
    const struct vnl_site *site; /* NULL: of the connection's gateway */
    uint32_t near;               /* instance of the connection's gateway */
    uint32_t far;                /* of the gateway at the other end, 0 with a device */
    uint32_t number;             /* 1 .. VNL_TUNNELS - 1 */
};

/* --- lists ---------------------------------------------------------------------------------------------------------- */

int vnl_space_take(const struct vnl_prefixes *from, struct vnl_prefix **ret, size_t *ret_n)
{
    *ret = calloc(from->n + 1, sizeof(**ret));
    if (!*ret)
        return -ENOMEM;
    for (*ret_n = 0; *ret_n < from->n; (*ret_n)++)
        (*ret)[*ret_n] = from->items[*ret_n];
    return 0;
}

/* Does this end speak BGP? A site's device only if it was told how. */
static bool has_bgp(const struct end *end)
{
    return vnl_connection_bgp(end->connection) && (!end->site || end->site->bgp.written);
}

/* What the end sends into the tunnel without BGP's doing. A site's device knows what the gateway speaks for, as its administrator would
 * have told it. */
static int set_routes(const struct end *end, struct vnl_plan_tunnel *out)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes prefixes = { 0 };
    int r = 0;

    if (!end->site)
        r = vnl_connection_prefixes(end->connection, &prefixes);
    else if (!has_bgp(end))
        r = vnl_gateway_space(end->connection->gateway1->vnet, &prefixes);
    if (r == 0 && out->peer_asn)
        r = vnl_space_put_addr(&prefixes, &out->peer_bgp);
    return r < 0 ? r : vnl_space_take(&prefixes, &out->routes, &out->n_routes);
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
    r = vnl_space_put_v4(&near, &connection->gateway1->vnet->space);
    if (r == 0)
        r = vnl_space_put_v4(&far, connection->local2 ? &connection->local2->prefixes
                                                      : &connection->gateway2->vnet->space);
    if (r == 0)
        r = vnl_space_take(local, &out->local_ts, &out->n_local_ts);
    return r < 0 ? r : vnl_space_take(remote, &out->remote_ts, &out->n_remote_ts);
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

static void set_bgp(const struct end *end, struct vnl_plan_tunnel *out)
{
    const struct vnl_connection *connection = end->connection;
    const struct vnl_vpn_gateway *far = end->site ? connection->gateway1 : connection->gateway2;

    if (!has_bgp(end))
        return;
    out->peer_asn = far ? far->asn : connection->local2->bgp.asn;
    out->peer_bgp =
        !far ? connection->local2->bgp.addr : far->instances[end->site ? end->near : end->far].bgp_addr;
}

static struct vnl_addr far_address(const struct end *end)
{
    const struct vnl_connection *connection = end->connection;

    if (end->site)
        return connection->gateway1->instances[end->near].public_ip->addr;
    return connection->local2 ? connection->local2->addr
                              : connection->gateway2->instances[end->far].public_ip->addr;
}

/* Sites' networks are the last of plan->vnets. */
static uint32_t gateway_of(const struct vnl_plan_work *work, const struct end *end)
{
    size_t first = work->plan->n_vnets - work->lab->n_sites;

    return end->site ? work->gateway_of_vnet[first + end->site->number] - 1
                     : vnl_gateway_index(work, end->connection->gateway1, end->near);
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
    out->balancer = VNL_PLAN_NOBODY;
    out->if_id = VNL_TUNNELS * end->connection->slot + end->number;
    (void)snprintf(out->ifname, sizeof(out->ifname), "vpn%u", out->if_id);
    if (vnl_text_copy(&out->connection, end->connection->id) < 0 ||
        vnl_text_copy(&out->name, end->connection->name) < 0)
        return -ENOMEM;
    set_key(end, out);
    set_bgp(end, out);
    r = set_security(end->connection, out);
    if (r == 0)
        r = set_selectors(end, out);
    if (r == 0)
        r = set_routes(end, out);
    return r < 0 ? r : vnl_tunnel_learned(work->lab, plan, out);
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
    return ends[b].connection->type == VNL_CONNECTION_IPSEC &&
           (!(ends[a].site || ends[b].site) || ends[a].connection == ends[b].connection);
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

static int add(struct vnl_plan_work *work, struct end *ends, struct end end)
{
    ends[work->plan->n_tunnels] = end;
    return add_end(work, &ends[work->plan->n_tunnels]);
}

/* Equal numbers come first: 0-0 0-1, 1-1 1-0. */
static int add_own(struct vnl_plan_work *work, struct end *ends, const struct vnl_connection *connection)
{
    uint32_t n_near = (uint32_t)connection->gateway1->n_instances;
    uint32_t n_far = connection->gateway2 ? (uint32_t)connection->gateway2->n_instances : 1;
    struct end end = { .connection = connection };
    int r = 0;

    for (end.near = 0; end.near < n_near; end.near++)
        for (uint32_t i = 0; i < n_far && r == 0; i++) {
            end.far = end.near ? n_far - 1 - i : i;
            end.number++;
            r = add(work, ends, end);
        }
    return r;
}

static int add_sites(struct vnl_plan_work *work, struct end *ends, const struct vnl_connection *connection)
{
    struct end end = { .connection = connection, .site = site_of(work, connection) };
    int r = 0;

    for (; end.site && end.near < connection->gateway1->n_instances && r == 0; end.near++) {
        end.number = SITE_END + end.near;
        r = add(work, ends, end);
    }
    return r;
}

static int replace_selectors(struct vnl_plan_tunnel *tunnel, const struct vnl_prefixes *local,
                             const struct vnl_prefixes *remote)
{
    int r;

    free(TAKE_PTR(tunnel->local_ts));
    free(TAKE_PTR(tunnel->remote_ts));
    r = vnl_space_take(local, &tunnel->local_ts, &tunnel->n_local_ts);
    return r < 0 ? r : vnl_space_take(remote, &tunnel->remote_ts, &tunnel->n_remote_ts);
}

/* Source: spec vpn 8: who starts proposes its trafficSelectorPolicies, and the other end takes what is proposed. */
static int propose(struct vnl_plan *plan, const struct end *ends, size_t i)
{
    const struct vnl_selector_policy *selectors = &ends[i].connection->selectors;
    uint32_t other = plan->tunnels[i].other;
    int r;

    if (ends[i].site || !selectors->written || !plan->tunnels[i].initiates)
        return 0;
    r = replace_selectors(&plan->tunnels[i], &selectors->local, &selectors->remote);
    return r < 0 || other == VNL_PLAN_NOBODY
               ? r
               : replace_selectors(&plan->tunnels[other], &selectors->remote, &selectors->local);
}

static int build(struct vnl_plan_work *work, struct end *ends)
{
    struct vnl_plan *plan = work->plan;
    int r = 0;

    for (size_t i = 0; i < work->lab->n_connections && r == 0; i++) {
        r = add_own(work, ends, work->lab->connections[i]);
        if (r == 0)
            r = add_sites(work, ends, work->lab->connections[i]);
    }
    for (size_t i = 0; i < plan->n_tunnels; i++)
        plan->tunnels[i].other = find_other(plan, ends, i);
    for (size_t i = 0; i < plan->n_tunnels; i++)
        plan->tunnels[i].initiates = initiates(plan, ends, i);
    for (size_t i = 0; i < plan->n_tunnels && r == 0; i++)
        r = propose(plan, ends, i);
    return r;
}

int vnl_tunnels_build(struct vnl_plan_work *work)
{
    size_t room = VNL_TUNNELS * work->lab->n_connections + 1;
    struct end *ends = calloc(room, sizeof(*ends));
    int r = -ENOMEM;

    work->plan->tunnels = calloc(room + vnl_tunnels_p2s_count(work->lab), sizeof(*work->plan->tunnels));
    if (ends && work->plan->tunnels)
        r = build(work, ends);
    free(ends);
    return r < 0 ? r : vnl_tunnels_p2s_build(work);
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
        free(tunnel->learned);
        free(tunnel->root);
        free(tunnel->certificate);
        free(tunnel->private_key);
    }
    free(plan->tunnels);
}
