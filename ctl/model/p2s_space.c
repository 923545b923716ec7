/* Overlaps: the addresses of a gateway's clients must be apart from all that the gateway leads to, because a destination has one way. Spec 13,
 * 16 (row 19). The first overlap of a pool is enough: it has to be another one anyway. */
#include "p2s.h"

/* One pool's search. */
struct search {
    struct vnl_check *check;
    const struct vnl_vpn_gateway *gateway;
};

/* True when they overlap, which is a mistake then. */
static bool compare(const struct search *search, const struct vnl_prefixes *prefixes, const char *what,
                    const char *name)
{
    const struct vnl_vpn_gateway *gateway = search->gateway;
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes both = { 0 };
    CLEANUP(vnl_str_free) char *text = NULL;

    if (vnl_prefixes_overlapping(&gateway->p2s->pool, prefixes, &both) < 0) {
        vnl_check_nomem(search->check, "prefixes");
        return true;
    }
    if (both.n == 0)
        return false;
    text = vnl_prefixes_join(&both);
    vnl_mistake(search->check, "BadRequest", &gateway->p2s->pool_src, gateway->id, text,
                "The address pool of virtual network gateway '%s' overlaps %s '%s'", gateway->name, what,
                name);
    return true;
}

/* Does the VNet use the gateway by transit? */
static bool uses_gateway(const struct vnl_vnet *vnet, const struct vnl_vpn_gateway *gateway)
{
    for (size_t i = 0; i < vnet->n_peerings; i++) {
        const struct vnl_peering *link = vnet->peerings[i];

        if (link->use_remote_gateways && link->remote && link->remote == gateway->vnet)
            return true;
    }
    return false;
}

/* The gateway's VNet, and those that use it. */
static bool compare_vnets(const struct search *search, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_lab *lab = search->check->lab;

    if (!gateway->vnet)
        return false;
    if (compare(search, &gateway->vnet->space, "the address space of virtual network", gateway->vnet->name))
        return true;
    for (size_t i = 0; i < lab->n_vnets; i++) {
        if (uses_gateway(lab->vnets[i], gateway) &&
            compare(search, &lab->vnets[i]->space, "the address space of virtual network",
                    lab->vnets[i]->name))
            return true;
    }
    return false;
}

/* What is at the other end of a connection. */
static bool compare_far(const struct search *search, const struct vnl_connection *connection)
{
    const struct vnl_vpn_gateway *far = connection->gateway2;

    if (connection->local2)
        return compare(search, &connection->local2->prefixes, "the address space of local network gateway",
                       connection->local2->name);
    if (!far || far == search->gateway)
        return false;
    return compare_vnets(search, far) ||
           (far->p2s && compare(search, &far->p2s->pool, "that of virtual network gateway", far->name));
}

static bool compare_itself(const struct search *search)
{
    const struct vnl_vpn_gateway *gateway = search->gateway;
    const struct vnl_prefixes *pool = &gateway->p2s->pool;
    char later[VNL_PREFIX_STR], earlier[VNL_PREFIX_STR];

    for (size_t i = 0; i < pool->n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (!vnl_prefix_overlap(&pool->items[k], &pool->items[i]))
                continue;
            vnl_mistake(search->check, "BadRequest", &gateway->p2s->pool_src, gateway->id, NULL,
                        "Prefixes %s and %s of the address pool of virtual network gateway '%s' overlap",
                        vnl_prefix_format(&pool->items[k], earlier),
                        vnl_prefix_format(&pool->items[i], later), gateway->name);
            return true;
        }
    }
    return false;
}

void vnl_p2s_space_check(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    const struct search search = { check, gateway };
    const struct vnl_lab *lab = check->lab;

    if (compare_itself(&search) || compare_vnets(&search, gateway))
        return;
    for (size_t i = 0; i < lab->n_connections; i++) {
        if (lab->connections[i]->gateway1 == gateway && compare_far(&search, lab->connections[i]))
            return;
    }
}
