/* Subnets: spec 1.2, and the names that mean something to Azure: spec 1.9. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define IPV4_SMALLEST 29 /* spec 1.2 */
#define IPV4_LARGEST  2
#define IPV6_LEN      64

#define RESERVED_FIRST 4u /* .0 to .3; IPv6: the first NIC gets ::4 (observed), so ::0 to ::3 */

/* Source: spec 1.9; RouteServerSubnet /27 as long as the newer /26 is unconfirmed. */
static const struct vnl_special_subnet specials[] = {
    { "GatewaySubnet", 29, "virtual network gateway" },
    { "AzureBastionSubnet", 26, "Azure Bastion" },
    { "AzureFirewallSubnet", 26, "Azure Firewall" },
    { "AzureFirewallManagementSubnet", 26, "Azure Firewall" },
    { "RouteServerSubnet", 27, "Azure Route Server" },
};

/* ARM names have no case, so 'gatewaysubnet' is the GatewaySubnet: VPN gateway reference, section 16 row 1.
 */
const struct vnl_special_subnet *vnl_special_subnet_lookup(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(specials); i++) {
        if (strcasecmp(specials[i].name, name) == 0)
            return &specials[i];
    }
    return NULL;
}

const struct vnl_prefix *vnl_subnet_prefix_of(const struct vnl_subnet *subnet, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < subnet->prefixes.n; i++) {
        if (vnl_prefix_has(&subnet->prefixes.items[i], addr))
            return &subnet->prefixes.items[i];
    }
    return NULL;
}

bool vnl_subnet_has_family(const struct vnl_subnet *subnet, uint16_t family)
{
    for (size_t i = 0; i < subnet->prefixes.n; i++) {
        if (subnet->prefixes.items[i].addr.family == family)
            return true;
    }
    return false;
}

/* Source: spec 1.2 (IPv4: five per prefix). What Azure reserves of an IPv6 prefix is unconfirmed: the first
 * four here. */
bool vnl_prefix_usable(const struct vnl_prefix *prefix, struct vnl_addr *ret_first, struct vnl_addr *ret_last)
{
    struct vnl_addr first = vnl_prefix_first(prefix), last = vnl_prefix_last(prefix);
    bool is_ipv4 = prefix->addr.family == AF_INET;

    if (vnl_addr_bits(prefix->addr.family) - prefix->len < 3)
        return false;
    *ret_first = vnl_addr_add(&first, RESERVED_FIRST);
    *ret_last = is_ipv4 ? vnl_addr_add(&last, UINT64_MAX) : last; /* minus one, as the family wraps */
    return true;
}

bool vnl_addr_reserved(const struct vnl_prefix *prefix, const struct vnl_addr *addr)
{
    struct vnl_addr first, last;

    return !vnl_prefix_usable(prefix, &first, &last) || vnl_addr_cmp(addr, &first) < 0 ||
           vnl_addr_cmp(addr, &last) > 0;
}

static const char *size_problem(const struct vnl_prefix *prefix)
{
    if (prefix->addr.family == AF_INET6)
        return prefix->len == IPV6_LEN ? NULL : "is not a /64, the only size of an IPv6 subnet";
    if (prefix->len > IPV4_SMALLEST)
        return "is smaller than /29, the smallest size of a subnet";
    return prefix->len < IPV4_LARGEST ? "is larger than /2, the largest size of a subnet" : NULL;
}

static bool in_space(const struct vnl_vnet *vnet, const struct vnl_prefix *prefix)
{
    for (size_t i = 0; i < vnet->space.n; i++) {
        if (vnl_prefix_covers(&vnet->space.items[i], prefix))
            return true;
    }
    return false;
}

static void mistake_outside(struct vnl_check *check, const struct vnl_subnet *subnet,
                            const struct vnl_prefix *prefix)
{
    CLEANUP(vnl_str_free) char *space = vnl_prefixes_join(&subnet->vnet->space);
    CLEANUP(vnl_str_free) char *hint = NULL;
    char text[VNL_PREFIX_STR];

    if (!space || asprintf(&hint, "%s does not lie in %s", vnl_prefix_format(prefix, text), space) < 0)
        hint = NULL;
    vnl_mistake(check, "NetcfgSubnetRangeOutsideVnet", &subnet->src, subnet->id, hint,
                "Subnet '%s' is not valid because its IP address range is outside the IP address range of "
                "virtual network '%s'",
                subnet->name, subnet->vnet->name);
}

/* Shown with refusals of a special subnet whose name is written in another case than Azure's. */
static char *special_hint(const struct vnl_special_subnet *special, const char *name)
{
    char *hint = NULL;

    if (strcmp(special->name, name) == 0 ||
        asprintf(&hint, "'%s' is Azure's %s: names are compared without case", name, special->name) < 0)
        return NULL;
    return hint;
}

static void check_special_size(struct vnl_check *check, const struct vnl_subnet *subnet,
                               const struct vnl_prefix *prefix)
{
    const struct vnl_special_subnet *special = vnl_special_subnet_lookup(subnet->name);
    CLEANUP(vnl_str_free) char *hint = special ? special_hint(special, subnet->name) : NULL;
    char text[VNL_PREFIX_STR];

    if (!special || prefix->addr.family != AF_INET || prefix->len <= special->max_len)
        return;
    vnl_mistake(check, "NetcfgInvalidSubnet", &subnet->src, subnet->id, hint,
                "Subnet '%s' is not valid in virtual network '%s': %s is smaller than /%u, the smallest %s",
                subnet->name, subnet->vnet->name, vnl_prefix_format(prefix, text), special->max_len,
                special->name);
}

static void check_prefix(struct vnl_check *check, const struct vnl_subnet *subnet,
                         const struct vnl_prefix *prefix)
{
    const char *problem = size_problem(prefix);
    char text[VNL_PREFIX_STR];

    if (problem)
        vnl_mistake(check, "NetcfgInvalidSubnet", &subnet->src, subnet->id, NULL,
                    "Subnet '%s' is not valid in virtual network '%s': %s %s", subnet->name,
                    subnet->vnet->name, vnl_prefix_format(prefix, text), problem);
    else if (!in_space(subnet->vnet, prefix))
        mistake_outside(check, subnet, prefix);
    else
        check_special_size(check, subnet, prefix);
}

static bool blame_subnet(void *arg, const struct vnl_span *later, const struct vnl_span *earlier)
{
    const struct vnl_subnet *subnet = later->owner, *other = earlier->owner;
    struct vnl_check *check = arg;
    CLEANUP(vnl_str_free) char *hint = NULL;
    char a[VNL_PREFIX_STR], b[VNL_PREFIX_STR];

    if (asprintf(&hint, "%s overlaps %s of subnet '%s'", vnl_prefix_format(&later->prefix, a),
                 vnl_prefix_format(&earlier->prefix, b), other->name) < 0)
        hint = NULL;
    vnl_mistake(
        check, "NetcfgSubnetRangesOverlap", &subnet->src, subnet->id, hint,
        "Subnet '%s' is not valid because its IP address range overlaps with that of an existing subnet in "
        "virtual network '%s'",
        subnet->name, subnet->vnet->name);
    return true;
}

static size_t add_spans(struct vnl_span *spans, size_t n, const struct vnl_subnet *subnet)
{
    for (size_t i = 0; i < subnet->prefixes.n; i++, n++)
        spans[n] = (struct vnl_span){ .prefix = subnet->prefixes.items[i], .order = n, .owner = subnet };
    return n;
}

static void check_siblings(struct vnl_check *check, const struct vnl_vnet *vnet)
{
    struct vnl_span *spans;
    size_t n = 0;

    for (size_t i = 0; i < vnet->n_subnets; i++)
        n += vnet->subnets[i]->prefixes.n;
    spans = calloc(n + 1, sizeof(*spans));
    if (!spans) {
        vnl_check_nomem(check, "subnets");
        return;
    }
    n = 0;
    for (size_t i = 0; i < vnet->n_subnets; i++)
        n = add_spans(spans, n, vnet->subnets[i]);
    vnl_spans_search(spans, n, blame_subnet, check);
    free(spans);
}

static void check_subnet(struct vnl_check *check, const struct vnl_subnet *subnet)
{
    if (subnet->prefixes.n == 0)
        vnl_mistake(check, "NetcfgInvalidSubnet", &subnet->src, subnet->id, NULL,
                    "Subnet '%s' is not valid in virtual network '%s': it has no address prefix",
                    subnet->name, subnet->vnet->name);
    for (size_t i = 0; i < subnet->prefixes.n; i++)
        check_prefix(check, subnet, &subnet->prefixes.items[i]);
}

void vnl_subnets_check(struct vnl_check *check)
{
    uint32_t number = 0;

    for (size_t i = 0; i < check->lab->n_vnets; i++) {
        struct vnl_vnet *vnet = check->lab->vnets[i];

        for (size_t k = 0; k < vnet->n_subnets; k++) {
            vnet->subnets[k]->number = number++;
            check_subnet(check, vnet->subnets[k]);
        }
        check_siblings(check, vnet);
    }
}
