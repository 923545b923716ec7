/* What changed in VNets and their peerings. */
#include "diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

/* --- VNets ---------------------------------------------------------------------------------------------- */

/* The internet side is no resource, and sites have a kind of their own; both stand behind the VNets. */
static size_t count_vnets(const struct vnl_plan *plan)
{
    size_t n = plan->n_vnets;

    while (n > 0 && (plan->vnets[n - 1].internet || plan->vnets[n - 1].site))
        n--;
    return n;
}

static const char *vnet_key(const struct vnl_plan *plan, size_t i)
{
    return plan->vnets[i].id;
}

static const char *vnet_name(const struct vnl_plan *plan, size_t i)
{
    return plan->vnets[i].name;
}

static char *vnet_describe(const struct vnl_plan *plan, size_t i)
{
    char *space = vnl_prefixes_text(plan->vnets[i].space, plan->vnets[i].n_space);
    char *text = space ? vnl_text("%s in %s", space, plan->vnets[i].location) : NULL;

    free(space);
    return text;
}

static char *timeout_text(const struct vnl_plan_vnet *vnet)
{
    return vnl_text("%u min", vnet->flow_timeout_s / 60);
}

/* NULL on ENOMEM. */
static char *servers_text(const struct vnl_plan_vnet *vnet)
{
    char buf[VNL_ADDR_STR], *text = strdup(vnet->n_dns ? "" : "Azure's");

    for (size_t i = 0; i < vnet->n_dns && text; i++) {
        char *longer = vnl_text("%s%s%s", text, i ? " " : "", vnl_addr_format(&vnet->dns[i], buf));

        free(text);
        text = longer;
    }
    return text;
}

static int vnet_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_vnet *before = &work->before->vnets[pair->before];
    const struct vnl_plan_vnet *after = &work->after->vnets[pair->after];
    int r = vnl_diff_texts(work, pair, "address space", vnl_prefixes_text(before->space, before->n_space),
                           vnl_prefixes_text(after->space, after->n_space));

    if (r == 0)
        r = vnl_diff_names(work, pair, "location", before->location, after->location);
    if (r == 0)
        r = vnl_diff_texts(work, pair, "flow timeout", timeout_text(before), timeout_text(after));
    if (r == 0)
        r = vnl_diff_texts(work, pair, "DNS servers", servers_text(before), servers_text(after));
    return r < 0 ? r : vnl_diff_slots(work, pair, before->slot, after->slot);
}

const struct vnl_diff_kind vnl_diff_vnets = { "virtualNetworks", count_vnets,   vnet_key,
                                              vnet_name,         vnet_describe, vnet_compare };

/* --- peerings ------------------------------------------------------------------------------------------- */

static size_t count_peerings(const struct vnl_plan *plan)
{
    return plan->n_peerings;
}

static const char *peering_key(const struct vnl_plan *plan, size_t i)
{
    return plan->peerings[i].id;
}

static const char *peering_name(const struct vnl_plan *plan, size_t i)
{
    return plan->peerings[i].name;
}

static char *peering_describe(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_plan_peering *link = &plan->peerings[i];

    return vnl_text("to %s: %s, %s; flags %s", link->remote, link->state, link->sync, link->flags);
}

static int peering_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_peering *before = &work->before->peerings[pair->before];
    const struct vnl_plan_peering *after = &work->after->peerings[pair->after];
    int r = vnl_diff_names(work, pair, "remote", before->remote, after->remote);

    if (r == 0)
        r = vnl_diff_names(work, pair, "state", before->state, after->state);
    if (r == 0)
        r = vnl_diff_names(work, pair, "sync", before->sync, after->sync);
    return r < 0 ? r : vnl_diff_names(work, pair, "flags", before->flags, after->flags);
}

const struct vnl_diff_kind vnl_diff_peerings = {
    "virtualNetworkPeerings", count_peerings, peering_key, peering_name, peering_describe, peering_compare
};
