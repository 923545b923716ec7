/* Address spaces: spec 1.1. */
#include "model.h"

#include <stdlib.h>

#define IPV4(a, b, c, d, bits)                                                                               \
    {                                                                                                        \
        { AF_INET, { a, b, c, d } }, bits                                                                    \
    }

/* IPv4: Source: Azure Virtual Network FAQ, "What address ranges can I use in my virtual networks?". It does
 * not name 0.0.0.0/8, but hosts cannot be reached there, so we refuse it rather than take it and drop its
 * packets. IPv6: Azure names none; those here mean something else to every host, and a mapped address would
 * be an IPv4 one. */
static const struct vnl_prefix forbidden[] = {
    IPV4(224, 0, 0, 0, 4),         IPV4(255, 255, 255, 255, 32),
    IPV4(127, 0, 0, 0, 8),         IPV4(169, 254, 0, 0, 16),
    IPV4(168, 63, 129, 16, 32),    IPV4(0, 0, 0, 0, 8),
    { { AF_INET6, { 0xff } }, 8 }, { { AF_INET6, { 0xfe, 0x80 } }, 10 },
    { { AF_INET6, { 0 } }, 96 },   { { AF_INET6, { [10] = 0xff, [11] = 0xff } }, 96 },
};

static void check_forbidden(struct vnl_check *check, const struct vnl_vnet *vnet,
                            const struct vnl_prefix *prefix)
{
    char text[VNL_PREFIX_STR], bad[VNL_PREFIX_STR];

    for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
        if (!vnl_prefix_overlap(prefix, &forbidden[i]))
            continue;
        vnl_mistake(
            check, "NetcfgInvalidIPAddressPrefix", &vnet->src, vnet->id, NULL,
            "Address prefix %s of virtual network '%s' overlaps %s, which no virtual network can have",
            vnl_prefix_format(prefix, text), vnet->name, vnl_prefix_format(&forbidden[i], bad));
        return;
    }
}

struct space_arg {
    struct vnl_check *check;
    const struct vnl_vnet *vnet;
};

static bool blame_prefix(void *arg, const struct vnl_span *later, const struct vnl_span *earlier)
{
    const struct space_arg *space = arg;
    char a[VNL_PREFIX_STR], b[VNL_PREFIX_STR];

    vnl_mistake(space->check, "NetcfgInvalidVirtualNetworkSite", &space->vnet->src, space->vnet->id, NULL,
                "Address prefix %s of virtual network '%s' overlaps its own prefix %s",
                vnl_prefix_format(&later->prefix, a), space->vnet->name,
                vnl_prefix_format(&earlier->prefix, b));
    return true;
}

static void check_own_overlap(struct vnl_check *check, const struct vnl_vnet *vnet)
{
    struct vnl_span *spans = calloc(vnet->space.n + 1, sizeof(*spans));
    struct space_arg arg = { check, vnet };

    if (!spans) {
        vnl_check_nomem(check, "address space");
        return;
    }
    for (size_t i = 0; i < vnet->space.n; i++)
        spans[i] = (struct vnl_span){ .prefix = vnet->space.items[i], .order = i };
    vnl_spans_search(spans, vnet->space.n, blame_prefix, &arg);
    free(spans);
}

void vnl_vnets_check(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_vnets; i++) {
        const struct vnl_vnet *vnet = check->lab->vnets[i];

        if (vnet->space.n == 0)
            vnl_mistake(check, "NetcfgInvalidVirtualNetworkSite", &vnet->src, vnet->id,
                        "such as addressSpace: [10.0.0.0/16]", "Virtual network '%s' has no address space",
                        vnet->name);
        for (size_t k = 0; k < vnet->space.n; k++)
            check_forbidden(check, vnet, &vnet->space.items[k]);
        check_own_overlap(check, vnet);
    }
}
