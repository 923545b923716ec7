/* Questions about one link of a peering. A peering is two links, one in each VNet; "twin" is the link in the
 * opposite direction. */
#include "model.h"

#include <stdlib.h>

const struct vnl_peering *vnl_peering_twin(const struct vnl_peering *link)
{
    for (size_t i = 0; link->remote && i < link->remote->n_peerings; i++) {
        const struct vnl_peering *other = link->remote->peerings[i];

        if (other->remote == link->vnet && other != link)
            return other;
    }
    return NULL;
}

bool vnl_peering_is_first(const struct vnl_peering *link)
{
    return link->vnet->number < link->remote->number || !vnl_peering_twin(link);
}

static const struct vnl_names *names_of_side(const struct vnl_peering *link, const struct vnl_vnet *side)
{
    return side == link->vnet ? &link->local_subnets : &link->remote_subnets;
}

/* enableOnlyIPv6Peering: spec 2.8. */
static int add_range(const struct vnl_peering *link, struct vnl_prefixes *list,
                     const struct vnl_prefix *prefix)
{
    if (link->only_ipv6 && prefix->addr.family != AF_INET6)
        return 0;
    return vnl_prefixes_have(list, prefix) ? 0 : vnl_prefixes_add(list, prefix);
}

static int add_ranges(const struct vnl_peering *link, struct vnl_prefixes *list,
                      const struct vnl_prefixes *more)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < more->n; i++)
        r = add_range(link, list, &more->items[i]);
    return r;
}

int vnl_peering_space(const struct vnl_peering *link, const struct vnl_vnet *side, struct vnl_prefixes *ret)
{
    const struct vnl_names *names = names_of_side(link, side);
    struct vnl_prefixes space = { 0 };
    int r = 0;

    if (side && link->complete_vnets)
        r = add_ranges(link, &space, &side->space);
    for (size_t i = 0; side && !link->complete_vnets && r == 0 && i < names->n; i++) {
        const struct vnl_subnet *subnet = vnl_subnet_lookup(side, names->items[i]);

        r = subnet ? add_ranges(link, &space, &subnet->prefixes) : 0;
    }
    if (r < 0)
        vnl_prefixes_done(&space);
    else
        *ret = space;
    return r;
}

/* The VNet's prefixes that hold one of the ranges. */
static int add_containers(const struct vnl_vnet *side, const struct vnl_prefixes *ranges,
                          struct vnl_prefixes *list)
{
    for (size_t i = 0; i < side->space.n; i++) {
        for (size_t k = 0; k < ranges->n; k++) {
            if (!vnl_prefix_covers(&side->space.items[i], &ranges->items[k]))
                continue;
            if (vnl_prefixes_add(list, &side->space.items[i]) < 0)
                return -ENOMEM;
            break;
        }
    }
    return 0;
}

/* With complete VNets the whole spaces. With subnets the VNet prefixes that contain them: those must be
 * unique too (spec 2.8). */
int vnl_peering_overlap_space(const struct vnl_peering *link, const struct vnl_vnet *side,
                              struct vnl_prefixes *ret)
{
    struct vnl_prefixes ranges = { 0 }, space = { 0 };
    int r = vnl_peering_space(link, side, &ranges);

    if (r < 0 || link->complete_vnets) {
        *ret = ranges;
        return r;
    }
    r = add_containers(side, &ranges, &space);
    vnl_prefixes_done(&ranges);
    if (r < 0)
        vnl_prefixes_done(&space);
    else
        *ret = space;
    return r;
}
