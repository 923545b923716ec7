/* Which end carries what. All ends of a connection at one guest could carry the same: the first of them that is up does, in the plan's order; while
 * none is, the first, where it is lost. Two things belong to an end of their own: the address of the neighbour that BGP speaks to
 * through it, and what BGP has learned there, as long as it is up.
 *
 * A prefix that moves is given to its next end before it is taken from the last one, so it is routed all the time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vpn_parts.h"

bool vnl_vpn_is_up(const struct vnl_vpn_tunnel *tunnel)
{
    bool alone = !tunnel->other || tunnel->plan->kind == VNL_TUNNEL_CLIENT;

    return tunnel->status == VNL_VPN_CONNECTED && (alone || tunnel->other->status == VNL_VPN_CONNECTED);
}

bool vnl_vpn_tunnel_up(const struct vnl_vpn *vpn, size_t tunnel)
{
    return tunnel < vpn->n_tunnels && vnl_vpn_is_up(vpn->tunnels[tunnel]);
}

/* --- prefixes ------------------------------------------------------------------------------------- */

static int prefix_cmp(const void *a, const void *b)
{
    const struct vnl_prefix *x = a, *y = b;
    int r = (int)x->addr.family - (int)y->addr.family;

    if (r == 0)
        r = memcmp(x->addr.bytes, y->addr.bytes, sizeof(x->addr.bytes));
    return r ? r : (int)x->len - (int)y->len;
}

static bool has(const struct vnl_vpn_prefixes *list, const struct vnl_prefix *prefix)
{
    return list->n && bsearch(prefix, list->items, list->n, sizeof(*prefix), prefix_cmp);
}

static bool same(const struct vnl_vpn_prefixes *a, const struct vnl_vpn_prefixes *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++)
        if (prefix_cmp(&a->items[i], &b->items[i]) != 0)
            return false;
    return a->n == b->n;
}

void vnl_vpn_prefixes_done(struct vnl_vpn_prefixes *list)
{
    free(list->items);
    *list = (struct vnl_vpn_prefixes){ .n = 0 };
}

static int append(struct vnl_vpn_prefixes *list, const struct vnl_prefix *items, size_t n)
{
    struct vnl_prefix *more = reallocarray(list->items, list->n + n + 1, sizeof(*more));

    if (!more)
        return -ENOMEM;
    list->items = more;
    if (n)
        memcpy(more + list->n, items, n * sizeof(*items));
    list->n += n;
    return 0;
}

/* Sorted, each one once. */
static void tidy(struct vnl_vpn_prefixes *list)
{
    size_t kept = 0;

    if (list->n)
        qsort(list->items, list->n, sizeof(*list->items), prefix_cmp);
    for (size_t i = 0; i < list->n; i++)
        if (!kept || prefix_cmp(&list->items[kept - 1], &list->items[i]) != 0)
            list->items[kept++] = list->items[i];
    list->n = kept;
}

/* --- who carries a prefix -------------------------------------------------------------------------- */

static bool same_group(const struct vnl_vpn_tunnel *a, const struct vnl_vpn_tunnel *b)
{
    return a->plan->gateway == b->plan->gateway && a->plan->kind == b->plan->kind &&
           !strcmp(a->plan->connection, b->plan->connection);
}

static bool is_neighbour(const struct vnl_vpn_tunnel *tunnel, const struct vnl_prefix *prefix)
{
    return tunnel->plan->peer_asn && prefix->len == 32 && vnl_addr_eq(&tunnel->plan->peer_bgp, &prefix->addr);
}

/* Of one prefix among the ends that could carry it. */
struct choice {
    const struct vnl_vpn_tunnel *first, *up; /* of all */
    const struct vnl_vpn_tunnel *neighbour;  /* whose neighbour it is; one that is up first */
    const struct vnl_vpn_tunnel *learned;    /* that is up and has learned it */
};

static void consider(struct choice *choice, const struct vnl_vpn_tunnel *tunnel,
                     const struct vnl_prefix *prefix)
{
    bool up = vnl_vpn_is_up(tunnel);

    if (!choice->first)
        choice->first = tunnel;
    if (!choice->up && up)
        choice->up = tunnel;
    if (is_neighbour(tunnel, prefix) && (!choice->neighbour || (up && !vnl_vpn_is_up(choice->neighbour))))
        choice->neighbour = tunnel;
    if (!choice->learned && up && has(&tunnel->learned, prefix))
        choice->learned = tunnel;
}

static bool carries(const struct vnl_vpn_tunnel *tunnel, const struct vnl_prefix *prefix)
{
    const struct vnl_vpn *vpn = tunnel->vpn;
    struct choice choice = { .first = NULL };

    for (size_t i = 0; i < vpn->n_tunnels; i++)
        if (same_group(vpn->tunnels[i], tunnel))
            consider(&choice, vpn->tunnels[i], prefix);
    if (choice.neighbour)
        return choice.neighbour == tunnel;
    if (choice.learned)
        return choice.learned == tunnel;
    return (choice.up ? choice.up : choice.first) == tunnel;
}

/* A gateway's own network, and those that use it, win over what BGP brings within them, as in the tables of NICs (spec vpn 6). */
static bool is_inside(const struct vnl_plan_gateway *gateway, const struct vnl_prefix *prefix)
{
    for (size_t i = 0; i < gateway->n_inside && !gateway->site; i++)
        if (vnl_prefix_covers(&gateway->inside[i], prefix))
            return true;
    return false;
}

static int append_learned(struct vnl_vpn_prefixes *list, const struct vnl_vpn_tunnel *tunnel)
{
    const struct vnl_plan_gateway *gateway = &tunnel->vpn->plan->gateways[tunnel->plan->gateway];
    int r = append(list, tunnel->learned.items, tunnel->learned.n);
    size_t kept = list->n - (r < 0 ? 0 : tunnel->learned.n);

    for (size_t i = kept; i < list->n; i++)
        if (!is_inside(gateway, &list->items[i]))
            list->items[kept++] = list->items[i];
    list->n = kept;
    return r;
}

int vnl_vpn_tunnel_routes(const struct vnl_vpn_tunnel *tunnel, struct vnl_vpn_prefixes *ret)
{
    const struct vnl_vpn *vpn = tunnel->vpn;
    size_t kept = 0;
    int r = append(ret, tunnel->plan->routes, tunnel->plan->n_routes);

    for (size_t i = 0; i < vpn->n_tunnels && r == 0; i++)
        if (same_group(vpn->tunnels[i], tunnel))
            r = append_learned(ret, vpn->tunnels[i]);
    if (r < 0)
        return r;
    tidy(ret);
    for (size_t i = 0; i < ret->n; i++)
        if (carries(tunnel, &ret->items[i]))
            ret->items[kept++] = ret->items[i];
    ret->n = kept;
    return 0;
}

void vnl_vpn_learned_set(struct vnl_vpn *vpn, const char *ifname, const struct vnl_prefix *prefixes, size_t n)
{
    for (size_t i = 0; i < vpn->n_tunnels; i++) {
        struct vnl_vpn_tunnel *tunnel = vpn->tunnels[i];
        struct vnl_vpn_prefixes list = { .n = 0 };

        if (strcmp(tunnel->ifname, ifname) != 0)
            continue;
        if (append(&list, prefixes, n) < 0)
            return;
        tidy(&list);
        if (!same(&list, &tunnel->learned)) {
            vpn->moved = true;
            vnl_vpn_wake(vpn);
        }
        vnl_vpn_prefixes_done(&tunnel->learned);
        tunnel->learned = list;
    }
}

int vnl_vpn_learned_recall(struct vnl_vpn_tunnel *tunnel)
{
    const struct vnl_plan *plan = tunnel->vpn->plan;
    uint32_t vnet = plan->gateways[tunnel->plan->gateway].vnet;
    const struct vnl_route_table *table = vnet < plan->n_tables ? &plan->tables[vnet] : NULL;
    int r = 0;

    for (size_t i = 0; table && tunnel->plan->peer_asn && i < table->n_routes && r == 0; i++)
        if (table->routes[i].as_path && table->routes[i].origin &&
            !strcmp(table->routes[i].origin, tunnel->plan->connection))
            r = append(&tunnel->learned, &table->routes[i].prefix, 1);
    tidy(&tunnel->learned);
    return r;
}

/* --- putting it in place --------------------------------------------------------------------------- */

static int put(struct vnl_vpn_tunnel *tunnel, const struct vnl_vpn_prefixes *routes)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r = tunnel->vpn->hands.routes_set(tunnel->vpn->lab, tunnel->gateway, tunnel->ifname, routes->items,
                                          routes->n, &err);

    if (err)
        vnl_err_print(stderr, err);
    return r;
}

struct wanted {
    struct vnl_vpn_prefixes routes;
    bool done;
};

static void settle(struct vnl_vpn_tunnel *tunnel, struct wanted *wanted)
{
    if (wanted->done || (tunnel->routed && same(&wanted->routes, &tunnel->held)))
        return;
    wanted->done = tunnel->routed = true;
    if (put(tunnel, &wanted->routes) < 0)
        return;
    vnl_vpn_prefixes_done(&tunnel->held);
    tunnel->held = wanted->routes;
    wanted->routes = (struct vnl_vpn_prefixes){ .n = 0 };
}

/* What it is to have beside what it has. */
static void give(struct vnl_vpn_tunnel *tunnel, struct wanted *wanted)
{
    CLEANUP(vnl_vpn_prefixes_done) struct vnl_vpn_prefixes all = { .n = 0 };

    if (append(&all, tunnel->held.items, tunnel->held.n) < 0 ||
        append(&all, wanted->routes.items, wanted->routes.n) < 0)
        return;
    tidy(&all);
    if (same(&all, &tunnel->held))
        return;
    if (same(&all, &wanted->routes))
        settle(tunnel, wanted);
    else
        (void)put(tunnel, &all);
}

static bool has_interface(const struct vnl_vpn_tunnel *tunnel)
{
    return tunnel->daemon && (tunnel->daemon->phase == VNL_VPN_UP || tunnel->daemon->phase == VNL_VPN_SILENT);
}

void vnl_vpn_routes_follow(struct vnl_vpn *vpn)
{
    struct wanted *wanted = calloc(vpn->n_tunnels + 1, sizeof(*wanted));
    bool failed = !wanted;

    for (size_t i = 0; i < vpn->n_tunnels && !failed; i++)
        failed = vnl_vpn_tunnel_routes(vpn->tunnels[i], &wanted[i].routes) < 0;
    for (size_t i = 0; i < vpn->n_tunnels && !failed; i++)
        if (has_interface(vpn->tunnels[i]))
            give(vpn->tunnels[i], &wanted[i]);
    for (size_t i = 0; i < vpn->n_tunnels && !failed; i++)
        if (has_interface(vpn->tunnels[i]))
            settle(vpn->tunnels[i], &wanted[i]);
    for (size_t i = 0; i < vpn->n_tunnels && wanted; i++)
        vnl_vpn_prefixes_done(&wanted[i].routes);
    free(wanted);
    vpn->moved = failed;
}
