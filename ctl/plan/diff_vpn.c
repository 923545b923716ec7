/* What changed in VPN gateways, connections and sites. What is routed into tunnels and out of gateways follows from address spaces and
 * has no lines of its own: the routes of VNets say it. */
#include "diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

static char *addr_text(const struct vnl_addr *addr)
{
    char buf[VNL_ADDR_STR];

    return strdup(vnl_addr_format(addr, buf));
}

/* "10.1.255.4 10.1.255.30" */
static char *inner_text(const struct vnl_plan *plan, const struct vnl_plan_gateway *gateway)
{
    const struct vnl_plan_nic *nic = &plan->nics[gateway->nic_in];
    char first[VNL_ADDR_STR], second[VNL_ADDR_STR] = "";

    if (nic->n_addrs > 1)
        (void)vnl_addr_format(&nic->addrs[1].addr, second);
    return vnl_text("%s%s%s", vnl_addr_format(&nic->addrs[0].addr, first), second[0] ? " " : "", second);
}

/* --- gateways; then sites, which have a device of the same kind ------------------------------------------------------- */

static size_t count_sites(const struct vnl_plan *plan)
{
    size_t n = 0;

    while (n < plan->n_gateways && plan->gateways[plan->n_gateways - 1 - n].site)
        n++;
    return n;
}

static size_t count_gateways(const struct vnl_plan *plan)
{
    return plan->n_gateways - count_sites(plan);
}

static const char *gateway_key(const struct vnl_plan *plan, size_t i)
{
    return plan->gateways[i].id;
}

static const char *gateway_name(const struct vnl_plan *plan, size_t i)
{
    return plan->gateways[i].name;
}

static char *gateway_describe(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_plan_gateway *gateway = &plan->gateways[i];
    CLEANUP(vnl_str_free) char *inner = inner_text(plan, gateway);
    char buf[VNL_ADDR_STR];

    return inner ? vnl_text("%s in %s, public IP %s", inner, plan->nics[gateway->nic_in].subnet,
                            vnl_addr_format(&gateway->outer, buf))
                 : NULL;
}

static char *rate_text(const struct vnl_plan_gateway *gateway)
{
    return gateway->throughput_bps ? vnl_text("%" PRIu64 " bit/s", gateway->throughput_bps)
                                   : strdup("unlimited");
}

static int device_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_gateway *before = &work->before->gateways[pair->before],
                                  *after = &work->after->gateways[pair->after];
    int r = vnl_diff_texts(work, pair, "address", inner_text(work->before, before),
                           inner_text(work->after, after));

    if (r == 0)
        r = vnl_diff_texts(work, pair, "public IP", addr_text(&before->outer), addr_text(&after->outer));
    return r;
}

static int gateway_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_gateway *before = &work->before->gateways[pair->before],
                                  *after = &work->after->gateways[pair->after];
    int r = device_compare(work, pair);

    if (r == 0)
        r = vnl_diff_texts(work, pair, "throughput", rate_text(before), rate_text(after));
    return r < 0 ? r
                 : vnl_diff_slots(work, pair, work->before->nics[before->nic_in].slot,
                                  work->after->nics[after->nic_in].slot);
}

const struct vnl_diff_kind vnl_diff_gateways = {
    "virtualNetworkGateways", count_gateways, gateway_key, gateway_name, gateway_describe, gateway_compare
};

static size_t site_at(const struct vnl_plan *plan, size_t i)
{
    return count_gateways(plan) + i;
}

static const char *site_key(const struct vnl_plan *plan, size_t i)
{
    return gateway_key(plan, site_at(plan, i));
}

static const char *site_name(const struct vnl_plan *plan, size_t i)
{
    return gateway_name(plan, site_at(plan, i));
}

static char *space_text(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_plan_vnet *vnet = &plan->vnets[plan->gateways[i].vnet];

    return vnl_prefixes_text(vnet->space, vnet->n_space);
}

static char *site_describe(const struct vnl_plan *plan, size_t i)
{
    CLEANUP(vnl_str_free) char *space = space_text(plan, site_at(plan, i));
    char buf[VNL_ADDR_STR];

    return space ? vnl_text("%s behind %s", space,
                            vnl_addr_format(&plan->gateways[site_at(plan, i)].outer, buf))
                 : NULL;
}

/* All its tunnels have one key. NULL: it has no tunnel. */
static const uint8_t *site_digest(const struct vnl_plan *plan, size_t gateway)
{
    for (size_t k = 0; k < plan->n_tunnels; k++)
        if (plan->tunnels[k].gateway == gateway)
            return plan->tunnels[k].key_digest;
    return NULL;
}

static bool site_key_changed(const struct vnl_diff_work *work, const struct vnl_diff_pair *pair)
{
    const uint8_t *before = site_digest(work->before, pair->before),
                  *after = site_digest(work->after, pair->after);

    return before && after && memcmp(before, after, VNL_DIGEST_SIZE) != 0;
}

static int site_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_gateway *before, *after;
    int r;

    pair->before = site_at(work->before, pair->before);
    pair->after = site_at(work->after, pair->after);
    before = &work->before->gateways[pair->before];
    after = &work->after->gateways[pair->after];
    r = device_compare(work, pair);
    if (r == 0)
        r = vnl_diff_texts(work, pair, "addressPrefixes", space_text(work->before, pair->before),
                           space_text(work->after, pair->after));
    if (r == 0)
        r = vnl_diff_names(work, pair, "swanctl", before->swanctl ? before->swanctl : "none",
                           after->swanctl ? after->swanctl : "none");
    if (r == 0)
        r = vnl_diff_hidden(work, pair, "shared key", site_key_changed(work, pair));
    return r < 0 ? r
                 : vnl_diff_slots(work, pair, work->before->vnets[before->vnet].slot,
                                  work->after->vnets[after->vnet].slot);
}

const struct vnl_diff_kind vnl_diff_sites = { "sites",   count_sites,   site_key,
                                              site_name, site_describe, site_compare };

/* --- connections: the ends at their own gateways ---------------------------------------------------------------------- */

static bool is_own(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel)
{
    return !plan->gateways[tunnel->gateway].site;
}

static size_t count_connections(const struct vnl_plan *plan)
{
    size_t n = 0;

    for (size_t i = 0; i < plan->n_tunnels; i++)
        n += is_own(plan, &plan->tunnels[i]);
    return n;
}

static const struct vnl_plan_tunnel *connection_at(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_plan_tunnel *tunnel = plan->tunnels;

    while (!is_own(plan, tunnel) || i-- > 0)
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

    return far ? vnl_text("%s to %s%s", plan->gateways[tunnel->gateway].name, far,
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

static int connection_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_tunnel *before = connection_at(work->before, pair->before),
                                 *after = connection_at(work->after, pair->after);
    int r = vnl_diff_texts(work, pair, "to", far_text(work->before, before), far_text(work->after, after));

    if (r == 0)
        r = vnl_diff_bools(work, pair, "other end", before->other != VNL_PLAN_NOBODY,
                           after->other != VNL_PLAN_NOBODY);
    if (r == 0)
        r = vnl_diff_names(work, pair, "connectionProtocol", before->ike_v1 ? "IKEv1" : "IKEv2",
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
    if (r == 0)
        r = vnl_diff_texts(work, pair, "dpdTimeoutSeconds", dpd_text(before), dpd_text(after));
    if (r == 0)
        r = vnl_diff_bools(work, pair, "initiates", before->initiates, after->initiates);
    return r < 0 ? r : selectors_compare(work, pair, before, after);
}

const struct vnl_diff_kind vnl_diff_connections = {
    "connections", count_connections, connection_key, connection_name, connection_describe, connection_compare
};
