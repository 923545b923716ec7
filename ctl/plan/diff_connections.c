/* What changed in connections: the ends at their own gateways. A connection of active-active gateways has several; all are of one kind, so
 * the first stands for them. */
#include "diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

static bool is_own(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel)
{
    return tunnel->kind == VNL_TUNNEL_CONNECTION && !plan->gateways[tunnel->gateway].site;
}

/* The ends of one connection stand together. */
static bool is_first(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel)
{
    return is_own(plan, tunnel) &&
           (tunnel == plan->tunnels || strcmp(tunnel[-1].connection, tunnel->connection) != 0);
}

static size_t count_connections(const struct vnl_plan *plan)
{
    size_t n = 0;

    for (size_t i = 0; i < plan->n_tunnels; i++)
        n += is_first(plan, &plan->tunnels[i]);
    return n;
}

static const struct vnl_plan_tunnel *connection_at(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_plan_tunnel *tunnel = plan->tunnels;

    while (!is_first(plan, tunnel) || i-- > 0)
        tunnel++;
    return tunnel;
}

static const char *connection_key(const struct vnl_plan *plan, size_t i)
{
    return connection_at(plan, i)->connection;
}

static const char *connection_name(const struct vnl_plan *plan, size_t i)
{
    return connection_at(plan, i)->name;
}

static unsigned count_ends(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel)
{
    unsigned n = 0;

    for (; tunnel < plan->tunnels + plan->n_tunnels && is_own(plan, tunnel); tunnel++, n++)
        if (n && is_first(plan, tunnel))
            break;
    return n;
}

static char *ends_text(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel)
{
    return vnl_text("%u", count_ends(plan, tunnel));
}

/* "branch (203.0.113.10)", "203.0.113.10" */
static char *far_text(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel)
{
    char buf[VNL_ADDR_STR];

    (void)vnl_addr_format(&tunnel->remote, buf);
    if (tunnel->peer == VNL_PLAN_NOBODY)
        return strdup(buf);
    return vnl_text("%s (%s)", plan->gateways[tunnel->peer].name, buf);
}

static char *connection_describe(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_plan_tunnel *tunnel = connection_at(plan, i);
    CLEANUP(vnl_str_free) char *far = far_text(plan, tunnel);
    unsigned n = count_ends(plan, tunnel);
    char tunnels[32] = "";

    if (n > 1)
        (void)snprintf(tunnels, sizeof(tunnels), ", %u tunnels", n);
    return far ? vnl_text("%s to %s%s%s", plan->gateways[tunnel->gateway].name, far, tunnels,
                          tunnel->other == VNL_PLAN_NOBODY ? ", no other end" : "")
               : NULL;
}

static char *lifetime_text(const struct vnl_plan_tunnel *tunnel)
{
    return vnl_text("%u s or %" PRIu64 " bytes", tunnel->child_lifetime_s, tunnel->child_bytes);
}

static char *dpd_text(const struct vnl_plan_tunnel *tunnel)
{
    return tunnel->dpd_s ? vnl_text("%u s", tunnel->dpd_s) : strdup("none");
}

/* "65050 at 192.168.255.254" */
static char *bgp_text(const struct vnl_plan_tunnel *tunnel)
{
    char buf[VNL_ADDR_STR];

    return tunnel->peer_asn ? vnl_text("%u at %s", tunnel->peer_asn, vnl_addr_format(&tunnel->peer_bgp, buf))
                            : strdup("none");
}

static int selectors_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair,
                             const struct vnl_plan_tunnel *before, const struct vnl_plan_tunnel *after)
{
    int r =
        vnl_diff_texts(work, pair, "local selectors", vnl_prefixes_text(before->local_ts, before->n_local_ts),
                       vnl_prefixes_text(after->local_ts, after->n_local_ts));

    return r < 0 ? r
                 : vnl_diff_texts(work, pair, "remote selectors",
                                  vnl_prefixes_text(before->remote_ts, before->n_remote_ts),
                                  vnl_prefixes_text(after->remote_ts, after->n_remote_ts));
}

static int security_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair,
                            const struct vnl_plan_tunnel *before, const struct vnl_plan_tunnel *after)
{
    int r = vnl_diff_names(work, pair, "connectionProtocol", before->ike_v1 ? "IKEv1" : "IKEv2",
                           after->ike_v1 ? "IKEv1" : "IKEv2");

    if (r == 0)
        r = vnl_diff_hidden(work, pair, "shared key",
                            memcmp(before->key_digest, after->key_digest, VNL_DIGEST_SIZE) != 0);
    if (r == 0)
        r = vnl_diff_names(work, pair, "IKE proposals", before->ike, after->ike);
    if (r == 0)
        r = vnl_diff_names(work, pair, "ESP proposals", before->esp, after->esp);
    if (r == 0)
        r = vnl_diff_texts(work, pair, "lifetime", lifetime_text(before), lifetime_text(after));
    return r < 0 ? r : vnl_diff_texts(work, pair, "dpdTimeoutSeconds", dpd_text(before), dpd_text(after));
}

static int connection_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_tunnel *before = connection_at(work->before, pair->before),
                                 *after = connection_at(work->after, pair->after);
    int r = vnl_diff_texts(work, pair, "to", far_text(work->before, before), far_text(work->after, after));

    if (r == 0)
        r = vnl_diff_bools(work, pair, "other end", before->other != VNL_PLAN_NOBODY,
                           after->other != VNL_PLAN_NOBODY);
    if (r == 0)
        r = vnl_diff_texts(work, pair, "tunnels", ends_text(work->before, before),
                           ends_text(work->after, after));
    if (r == 0)
        r = vnl_diff_texts(work, pair, "BGP with", bgp_text(before), bgp_text(after));
    if (r == 0)
        r = security_compare(work, pair, before, after);
    if (r == 0)
        r = vnl_diff_bools(work, pair, "initiates", before->initiates, after->initiates);
    return r < 0 ? r : selectors_compare(work, pair, before, after);
}

const struct vnl_diff_kind vnl_diff_connections = {
    "connections", count_connections, connection_key, connection_name, connection_describe, connection_compare
};
