/* What changed in VPN gateways and sites. What is routed into tunnels and out of gateways follows from address spaces and
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

static size_t count_gateways(const struct vnl_plan *plan)
{
    size_t n = 0;

    while (n < plan->n_gateways && !plan->gateways[n].site && !plan->gateways[n].client)
        n++;
    return n;
}

static size_t count_sites(const struct vnl_plan *plan)
{
    size_t first = count_gateways(plan), n = 0;

    while (first + n < plan->n_gateways && plan->gateways[first + n].site)
        n++;
    return n;
}

/* Each instance is an object, and two have one id. */
static const char *gateway_key(const struct vnl_plan *plan, size_t i)
{
    return plan->nics[plan->gateways[i].nic_in].id;
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

/* "65010 at 10.1.255.30" */
static char *bgp_text(const struct vnl_plan_gateway *gateway)
{
    char buf[VNL_ADDR_STR];

    return gateway->asn ? vnl_text("%u at %s", gateway->asn, vnl_addr_format(&gateway->bgp_addr, buf))
                        : strdup("none");
}

/* One way: "30000 us to 198.51.100.2, 15000 us to 198.51.100.3", "none". */
static char *latency_text(const struct vnl_plan *plan, const struct vnl_plan_gateway *gateway)
{
    const struct vnl_route_table *table = &plan->tables[plan->nics[gateway->nic_out].table];
    char addr[VNL_ADDR_STR], *text = NULL;

    for (size_t i = 0; i < table->n_routes; i++) {
        const struct vnl_route *row = &table->routes[i];
        char *longer;

        if (!row->delay)
            continue;
        longer = vnl_text("%s%s%u us to %s", text ? text : "", text ? ", " : "",
                          plan->delays[row->delay - 1].one_way_us, vnl_addr_format(&row->prefix.addr, addr));
        free(text);
        text = longer;
        if (!text)
            return NULL;
    }
    return text ? text : strdup("none");
}

static int gateway_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_gateway *before = &work->before->gateways[pair->before],
                                  *after = &work->after->gateways[pair->after];
    int r = device_compare(work, pair);

    if (r == 0)
        r = vnl_diff_texts(work, pair, "throughput", rate_text(before), rate_text(after));
    if (r == 0)
        r = vnl_diff_texts(work, pair, "latency", latency_text(work->before, before),
                           latency_text(work->after, after));
    if (r == 0)
        r = vnl_diff_texts(work, pair, "BGP", bgp_text(before), bgp_text(after));
    if (r == 0)
        r = vnl_diff_p2s(work, pair);
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
    return plan->gateways[site_at(plan, i)].id;
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

static char *prepend_text(const struct vnl_plan_gateway *site)
{
    return vnl_text("%u", site->prepend);
}

static int site_bgp_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair,
                            const struct vnl_plan_gateway *before, const struct vnl_plan_gateway *after)
{
    int r = vnl_diff_texts(work, pair, "BGP", bgp_text(before), bgp_text(after));

    if (r < 0 || !before->asn || !after->asn)
        return r;
    r = vnl_diff_texts(work, pair, "announced", vnl_prefixes_text(before->announced, before->n_announced),
                       vnl_prefixes_text(after->announced, after->n_announced));
    return r < 0 ? r : vnl_diff_texts(work, pair, "asPathPrepend", prepend_text(before), prepend_text(after));
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
    if (r == 0)
        r = site_bgp_compare(work, pair, before, after);
    return r < 0 ? r
                 : vnl_diff_slots(work, pair, work->before->vnets[before->vnet].slot,
                                  work->after->vnets[after->vnet].slot);
}

const struct vnl_diff_kind vnl_diff_sites = { "sites",   count_sites,   site_key,
                                              site_name, site_describe, site_compare };
