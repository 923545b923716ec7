/* What service tags stand for in a VNet (spec 3.5).
 *
 * "Internet" is all that is public and not of the network: a difference of address sets, written as prefixes again. Everything is a
 * number of 128 bits here, IPv4 in the low 32: the holes are sorted, and what lies between two of them is cut into the largest aligned
 * blocks. */
#include "rules.h"

#include <errno.h>
#include <stdlib.h>

#include "vnetlab/base.h"
#include "parts.h"

typedef unsigned __int128 wide;

#define V4(a, b, c, d, n)                                                                                    \
    {                                                                                                        \
        .addr = { AF_INET, { a, b, c, d } }, .len = n                                                        \
    }
#define V6(a, b, n)                                                                                          \
    {                                                                                                        \
        .addr = { AF_INET6, { a, b } }, .len = n                                                             \
    }

/* DNS, DHCP, health probes: the platform's address is a neighbour of every VM. */
static const struct vnl_prefix platform = V4(168, 63, 129, 16, 32);
static const struct vnl_prefix metadata = V4(169, 254, 169, 254, 32);
/* Windows activation: kms.core.windows.net and azkms.core.windows.net. */
static const struct vnl_prefix activation[] = { V4(20, 118, 99, 224, 32), V4(23, 102, 135, 246, 32),
                                                V4(40, 83, 235, 53, 32) };

/* Not public: "this network", private, shared (carrier), loopback, link-local, multicast, reserved. */
static const struct vnl_prefix not_public[] = {
    V4(0, 0, 0, 0, 8),      V4(10, 0, 0, 0, 8),     V4(100, 64, 0, 0, 10),
    V4(127, 0, 0, 0, 8),    V4(169, 254, 0, 0, 16), V4(172, 16, 0, 0, 12),
    V4(192, 168, 0, 0, 16), V4(224, 0, 0, 0, 4),    V4(240, 0, 0, 0, 4),
};
static const struct vnl_prefix all4 = V4(0, 0, 0, 0, 0), global6 = V6(0x20, 0, 3);

/* --- sets of addresses ------------------------------------------------------------------------------------- */

struct span {
    wide first, last;
};

static wide addr_number(const struct vnl_addr *addr)
{
    wide x = 0;

    for (unsigned i = 0; i < vnl_addr_bits(addr->family) / 8; i++)
        x = x << 8 | addr->bytes[i];
    return x;
}

static struct span span_of(const struct vnl_prefix *prefix)
{
    struct vnl_addr last = vnl_prefix_last(prefix);

    return (struct span){ .first = addr_number(&prefix->addr), .last = addr_number(&last) };
}

static int span_cmp(const void *a, const void *b)
{
    const struct span *left = a, *right = b;

    return left->first < right->first ? -1 : left->first > right->first;
}

static struct vnl_prefix prefix_at(uint16_t family, wide first, unsigned host_bits)
{
    struct vnl_prefix prefix = { .addr.family = family, .len = (uint8_t)(vnl_addr_bits(family) - host_bits) };

    for (unsigned i = vnl_addr_bits(family) / 8; i-- > 0; first >>= 8)
        prefix.addr.bytes[i] = (uint8_t)first;
    return prefix;
}

/* The prefixes of first..last, largest first where they can be. */
static int add_between(struct vnl_prefixes *list, uint16_t family, wide first, wide last)
{
    for (;;) {
        unsigned bits = 0;
        struct vnl_prefix prefix;

        while (bits < vnl_addr_bits(family) && !(first >> bits & 1) &&
               (((wide)2 << bits) - 1) <= last - first)
            bits++;
        prefix = prefix_at(family, first, bits);
        if (vnl_prefixes_add(list, &prefix) < 0)
            return -ENOMEM;
        if (last - first <= ((wide)1 << bits) - 1)
            return 0;
        first += (wide)1 << bits;
    }
}

/* Adds `whole` without the holes of its family. Sorts the holes. */
static int add_without(struct vnl_prefixes *list, const struct vnl_prefix *whole, struct span *holes,
                       size_t n)
{
    struct span left = span_of(whole);

    qsort(holes, n, sizeof(*holes), span_cmp);
    for (size_t i = 0; i < n; i++) {
        if (holes[i].last < left.first || holes[i].first > left.last)
            continue;
        if (holes[i].first > left.first &&
            add_between(list, whole->addr.family, left.first, holes[i].first - 1) < 0)
            return -ENOMEM;
        if (holes[i].last >= left.last)
            return 0;
        left.first = holes[i].last + 1;
    }
    return add_between(list, whole->addr.family, left.first, left.last);
}

static size_t add_holes(struct span *holes, size_t n_holes, const struct vnl_prefix *prefixes, size_t n,
                        uint16_t family)
{
    for (size_t i = 0; i < n; i++)
        if (prefixes[i].addr.family == family && prefixes[i].len > 0)
            holes[n_holes++] = span_of(&prefixes[i]);
    return n_holes;
}

static int add_public(struct vnl_prefixes *list, const struct vnl_prefix *whole,
                      const struct vnl_prefixes *network)
{
    uint16_t family = whole->addr.family;
    struct span *holes = calloc(network->n + ARRAY_SIZE(not_public), sizeof(*holes));
    size_t n;
    int r;

    if (!holes)
        return -ENOMEM;
    n = add_holes(holes, 0, not_public, ARRAY_SIZE(not_public), family);
    n = add_holes(holes, n, network->items, network->n, family);
    r = add_without(list, whole, holes, n);
    free(holes);
    return r;
}

/* --- tags -------------------------------------------------------------------------------------------------------- */

static int add_all(struct vnl_prefixes *list, const struct vnl_prefix *prefixes, size_t n)
{
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++)
        r = vnl_space_put(list, &prefixes[i]);
    return r;
}

/* Spec 2.4, 2.5, 2.8: the prefixes in force on a Connected link, as long as this side's flag lets the peer in. */
static int add_peer(struct vnl_prefixes *list, const struct vnl_peering *link)
{
    int r = 0;

    if (link->state != VNL_PEERING_CONNECTED || !link->allow_vnet_access)
        return 0;
    for (size_t i = 0; i < link->remote_space.n && r == 0; i++)
        if (!link->only_ipv6 || link->remote_space.items[i].addr.family == AF_INET6)
            r = vnl_space_put(list, &link->remote_space.items[i]);
    return r;
}

/* Spec 3.5: what the subnet's own route table sends to an appliance or gateway, be the appliance dead, is of the network. */
static int add_routed(struct vnl_prefixes *list, const struct vnl_udr_table *udrs)
{
    int r = 0;

    for (size_t i = 0; i < udrs->n_udrs && r == 0; i++)
        if (udrs->udrs[i]->hop == VNL_UDR_APPLIANCE || udrs->udrs[i]->hop == VNL_UDR_GATEWAY)
            r = vnl_space_put(list, &udrs->udrs[i]->prefix);
    return r;
}

/* "VirtualNetwork", in the order in which Azure lists it.
 * allowForwardedTraffic does not change it: how it would is not known (spec 2.5), so the flag is the receiver's gate only
 * (bpf/peering.h, docs/fidelity.md). */
static int build_network(const struct vnl_lab *lab, const struct vnl_vnet *vnet,
                         const struct vnl_udr_table *udrs, struct vnl_prefixes *ret)
{
    int r = add_all(ret, vnet->space.items, vnet->space.n);

    if (r == 0)
        r = vnl_space_put(ret, &platform);
    for (size_t i = 0; i < vnet->n_peerings && r == 0; i++)
        r = add_peer(ret, vnet->peerings[i]);
    /* What is behind the gateway, be it a hub's, whatever the subnet's route table says about propagation. A default route through it
     * belongs there too ("this tag might also contain default routes"). */
    if (r == 0)
        r = vnl_gateway_prefixes(lab, vnet, ret);
    return r < 0 || !udrs ? r : add_routed(ret, udrs);
}

/* IPv6 only where the VNet has some, as with the route to the internet. */
static int build_internet(const struct vnl_vnet *vnet, const struct vnl_prefixes *network,
                          struct vnl_prefixes *ret)
{
    int r = add_public(ret, &all4, network);

    for (size_t i = 0; i < vnet->space.n && r == 0; i++)
        if (vnet->space.items[i].addr.family == AF_INET6)
            return add_public(ret, &global6, network);
    return r;
}

/* GatewayManager and AzureCloud stay empty: they are Azure's own public addresses, and none of those is in a lab. */
int vnl_tags_build(const struct vnl_lab *lab, const struct vnl_vnet *vnet, const struct vnl_udr_table *udrs,
                   struct vnl_tags *ret)
{
    struct vnl_prefixes *of = ret->prefixes;
    int r = build_network(lab, vnet, udrs, &of[VNL_TAG_VIRTUAL_NETWORK]);

    if (r == 0)
        r = build_internet(vnet, &of[VNL_TAG_VIRTUAL_NETWORK], &of[VNL_TAG_INTERNET]);
    if (r == 0)
        r = vnl_space_put(&of[VNL_TAG_AZURE_LOAD_BALANCER], &platform);
    if (r == 0)
        r = vnl_space_put(&of[VNL_TAG_PLATFORM_DNS], &platform);
    if (r == 0)
        r = vnl_space_put(&of[VNL_TAG_PLATFORM_IMDS], &metadata);
    return r < 0 ? r : add_all(&of[VNL_TAG_PLATFORM_LKM], activation, ARRAY_SIZE(activation));
}

void vnl_tags_done(struct vnl_tags *tags)
{
    for (enum vnl_tag i = 0; i < VNL_TAG_MAX; i++)
        vnl_prefixes_done(&tags->prefixes[i]);
}
