/* Which of the lab's learned routes count for a gateway: those of connections that it has and that speak BGP, one per prefix, the first
 * connection's. The agent writes what its guests have chosen; between two of its words the lab may change, and then what has no
 * connection any more is left out. There may be thousands, so they are sorted, and static prefixes, which are few, are asked for each. */
#include "gateway_learned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

static int cmp(const void *a, const void *b)
{
    const struct vnl_gateway_learned *left = a, *right = b;
    int r = vnl_prefix_cmp(&left->route->prefix, &right->route->prefix);

    if (r != 0)
        return r;
    return (left->connection->number > right->connection->number) -
           (left->connection->number < right->connection->number);
}

static const struct vnl_connection *connection_of(const struct vnl_lab *lab,
                                                  const struct vnl_vpn_gateway *gateway,
                                                  const struct vnl_learned_route *route)
{
    const struct vnl_connection *connection;

    if (route->prefix.addr.family != AF_INET || strcmp(route->gateway, gateway->id) != 0)
        return NULL;
    connection = vnl_connection_lookup(lab, route->connection);
    return connection && connection->gateway1 == gateway && vnl_connection_bgp(connection) ? connection
                                                                                           : NULL;
}

static size_t take_first(struct vnl_gateway_learned *items, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !vnl_prefix_eq(&items[kept - 1].route->prefix, &items[i].route->prefix))
            items[kept++] = items[i];
    return kept;
}

int vnl_gateway_learned(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway,
                        struct vnl_gateway_learned **ret, size_t *ret_n)
{
    struct vnl_gateway_learned *items = calloc(lab->learned.n + 1, sizeof(*items));
    size_t n = 0;

    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < lab->learned.n; i++) {
        const struct vnl_learned_route *route = &lab->learned.items[i];
        const struct vnl_connection *connection = connection_of(lab, gateway, route);

        if (connection)
            items[n++] = (struct vnl_gateway_learned){ .route = route, .connection = connection };
    }
    qsort(items, n, sizeof(*items), cmp);
    *ret = items;
    *ret_n = take_first(items, n);
    return 0;
}

static bool has(const struct vnl_prefixes *list, size_t n, const struct vnl_prefix *prefix)
{
    for (size_t i = 0; i < n; i++)
        if (vnl_prefix_eq(&list->items[i], prefix))
            return true;
    return false;
}

int vnl_learned_prefixes(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway, bool with_default,
                         struct vnl_prefixes *ret)
{
    struct vnl_gateway_learned *items = NULL;
    size_t n = 0, n_before = ret->n;
    int r = vnl_gateway_learned(lab, gateway, &items, &n);

    for (size_t i = 0; i < n && r == 0; i++) {
        const struct vnl_prefix *prefix = &items[i].route->prefix;

        if ((prefix->len || with_default) && !has(ret, n_before, prefix))
            r = vnl_prefixes_add(ret, prefix);
    }
    free(items);
    return r;
}

int vnl_tunnel_learned(const struct vnl_lab *lab, const struct vnl_plan *plan, struct vnl_plan_tunnel *tunnel)
{
    const char *gateway = plan->gateways[tunnel->gateway].id;

    if (!tunnel->peer_asn || !lab->learned.n)
        return 0;
    tunnel->learned = calloc(lab->learned.n, sizeof(*tunnel->learned));
    for (size_t i = 0; tunnel->learned && i < lab->learned.n; i++) {
        const struct vnl_learned_route *route = &lab->learned.items[i];

        if (!strcmp(route->gateway, gateway) && !strcmp(route->connection, tunnel->connection))
            tunnel->learned[tunnel->n_learned++] = route->prefix;
    }
    return tunnel->learned ? 0 : -ENOMEM;
}
