/* Which row of its table carries a packet: spec 4.1 to 4.5. */
#include "naive_lab_parts.h"

#include <netinet/in.h>
#include <string.h>

#include "vnetlab/base.h"

/* Of equal prefixes the later one wins: system routes are offered first. */
static void take(struct naive_hop *best, const struct naive_hop *other)
{
    if (other->len >= best->len)
        *best = *other;
}

static bool has_inside(const struct vnl_prefixes *list, const struct vnl_prefix *prefix)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].len <= prefix->len && naive_inside(&list->items[i], &prefix->addr))
            return true;
    }
    return false;
}

/* Spec 4.1 and 4.5: private space is dropped, unless it lies in a range that the VNet or a peer has. */
static bool is_owned(const struct vnl_vnet *vnet, const struct vnl_prefix *prefix)
{
    bool owned = has_inside(&vnet->space, prefix);

    for (size_t i = 0; i < vnet->n_peerings; i++)
        owned |= vnet->peerings[i]->state == VNL_PEERING_CONNECTED &&
                 has_inside(&vnet->peerings[i]->remote_space, prefix);
    return owned;
}

/* Spec 4.1: everything that nobody owns goes to who asked for everything. */
static bool wants_private_space(const struct vnl_udr_table *table)
{
    for (size_t i = 0; table && i < table->n_udrs; i++) {
        const struct vnl_udr *udr = table->udrs[i];

        if (udr->prefix.addr.family == AF_INET && udr->prefix.len == 0 &&
            (udr->hop == VNL_UDR_APPLIANCE || udr->hop == VNL_UDR_GATEWAY))
            return true;
    }
    return false;
}

static void take_reserved(struct naive_hop *best, const struct vnl_vnet *vnet, const struct vnl_addr *dst)
{
    static const struct vnl_prefix reserved[] = {
        { { AF_INET, { 10 } }, 8 },
        { { AF_INET, { 172, 16 } }, 12 },
        { { AF_INET, { 192, 168 } }, 16 },
        { { AF_INET, { 100, 64 } }, 10 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
        if (naive_inside(&reserved[i], dst) && !is_owned(vnet, &reserved[i]))
            take(best, &(struct naive_hop){ .len = reserved[i].len, .reason = VNL_DROP_NO_ROUTE });
    }
}

static struct naive_hop to_internet(const struct vnl_lab *lab, const struct vnl_addr *dst, int len)
{
    bool outside = vnl_lab_has_internet(lab) && dst->family == AF_INET;

    return (struct naive_hop){ .len = len,
                               .outside = outside,
                               .reason = outside ? VNL_DROP_NONE : VNL_DROP_NO_INTERNET };
}

static void take_system(struct naive_hop *best, const struct vnl_lab *lab, const struct vnl_subnet *subnet,
                        const struct vnl_addr *dst)
{
    const struct vnl_vnet *vnet = subnet->vnet;
    struct naive_hop internet = to_internet(lab, dst, 0);

    take(best, &internet);
    if (!wants_private_space(subnet->route_table))
        take_reserved(best, vnet, dst);
    for (size_t i = 0; i < vnet->n_peerings; i++) {
        const struct vnl_prefix *prefix = naive_link_prefix(vnet->peerings[i], dst);

        if (prefix)
            take(best, &(struct naive_hop){ .len = prefix->len, .to = vnet->peerings[i]->remote });
    }
    for (size_t i = 0; i < vnet->space.n; i++) {
        if (naive_inside(&vnet->space.items[i], dst))
            take(best, &(struct naive_hop){ .len = vnet->space.items[i].len, .to = vnet });
    }
}

static bool is_hop_in(const struct vnl_lab *lab, const struct vnl_vnet *vnet, const struct vnl_addr *addr,
                      struct naive_hop *hop)
{
    hop->appliance = naive_owner_of(lab, vnet, addr);
    return hop->appliance || naive_frontend_at(lab, vnet, addr, &hop->balancer);
}

/* Spec 4.3: an appliance or a frontend is here or in a directly peered network, both links Connected; not further. */
static bool is_live(const struct vnl_lab *lab, const struct vnl_vnet *vnet, const struct vnl_addr *addr,
                    struct naive_hop *hop)
{
    bool live = is_hop_in(lab, vnet, addr, hop);

    for (size_t i = 0; !live && i < vnet->n_peerings; i++) {
        const struct vnl_peering *link = vnet->peerings[i];

        live = naive_link_prefix(link, addr) && naive_link_between(link->remote, vnet) &&
               is_hop_in(lab, link->remote, addr, hop);
    }
    return live;
}

static struct naive_hop user_hop(const struct vnl_lab *lab, const struct vnl_vnet *vnet,
                                 const struct vnl_udr *udr)
{
    struct naive_hop hop = { .len = udr->prefix.len };

    switch (udr->hop) {
    case VNL_UDR_APPLIANCE:
        hop.reason = is_live(lab, vnet, &udr->next_hop, &hop) ? VNL_DROP_NONE : VNL_DROP_NO_ROUTE;
        break;
    case VNL_UDR_VNET_LOCAL:
        hop.to = vnet;
        break;
    case VNL_UDR_INTERNET:
        return to_internet(lab, &udr->prefix.addr, udr->prefix.len);
    case VNL_UDR_GATEWAY:
        hop.reason = VNL_DROP_NO_GATEWAY;
        break;
    case VNL_UDR_NONE:
    case VNL_UDR_MAX:
        hop.reason = VNL_DROP_NO_ROUTE;
        break;
    }
    return hop;
}

struct naive_hop naive_next_hop(const struct vnl_lab *lab, const struct vnl_subnet *subnet,
                                const struct vnl_addr *dst)
{
    const struct vnl_udr_table *table = subnet->route_table;
    struct naive_hop best = { .len = -1, .reason = VNL_DROP_NO_ROUTE };

    take_system(&best, lab, subnet, dst);
    for (size_t i = 0; table && i < table->n_udrs; i++) {
        struct naive_hop hop = user_hop(lab, subnet->vnet, table->udrs[i]);

        if (naive_inside(&table->udrs[i]->prefix, dst))
            take(&best, &hop);
    }
    return best;
}
