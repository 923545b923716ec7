/* Effective routes.
 *
 * A NIC in Azure routes by the rows of its subnet: no hop is looked up twice, and no neighbour's rows count.
 * So the rows of a VNet are its own prefixes, those that Connected peerings have in force, and Azure's own. A
 * peer's peers are not among them, which is all that non-transitivity is (spec 2.7); a subnet peering is a
 * peering whose prefixes in force are subnets, and because its rows appear in every local subnet while the
 * way back exists for the listed ones only, packets of the others go and never return (spec 2.8). What a
 * route table adds to them is in tables.c.
 *
 * Rows are built in the model's order, then settled: sorted the way Azure prints them, and of equal prefixes
 * all but one marked Invalid. From then on selection is longest prefix match over Active rows; there are no
 * ties left. */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"

static const char *const next_hop_str[] = {
    [VNL_NEXT_HOP_VNET_LOCAL] = "VnetLocal",
    [VNL_NEXT_HOP_PEERING] = "VNetPeering",
    [VNL_NEXT_HOP_GLOBAL_PEERING] = "VNetGlobalPeering",
    [VNL_NEXT_HOP_GATEWAY] = "VirtualNetworkGateway",
    [VNL_NEXT_HOP_INTERNET] = "Internet",
    [VNL_NEXT_HOP_NONE] = "None",
    [VNL_NEXT_HOP_APPLIANCE] = "VirtualAppliance",
};
static_assert(ARRAY_SIZE(next_hop_str) == VNL_NEXT_HOP_MAX, "name every next hop type");

static const char *const source_str[] = {
    [VNL_ROUTE_DEFAULT] = "Default",
    [VNL_ROUTE_GATEWAY] = "VirtualNetworkGateway",
    [VNL_ROUTE_USER] = "User",
};
static_assert(ARRAY_SIZE(source_str) == VNL_ROUTE_SOURCE_MAX, "name every route source");

/* Spec 4.1: private space that nobody here owns is dropped, not sent to the internet. The documented four. */
static const struct vnl_prefix reserved[] = {
    { .addr = { AF_INET, { 10 } }, .len = 8 },
    { .addr = { AF_INET, { 172, 16 } }, .len = 12 },
    { .addr = { AF_INET, { 192, 168 } }, .len = 16 },
    { .addr = { AF_INET, { 100, 64 } }, .len = 10 },
};

const char *vnl_next_hop_str(enum vnl_next_hop type)
{
    return next_hop_str[type];
}

const char *vnl_route_source_str(enum vnl_route_source source)
{
    return source_str[source];
}

const char *vnl_route_denies(const struct vnl_route *row, char buf[64])
{
    int n = snprintf(buf, 64, "%s%s%s", row->deny_access_local ? "deny-access-local " : "",
                     row->deny_access_remote ? "deny-access-remote " : "",
                     row->deny_forwarded ? "deny-forwarded " : "");

    if (n > 0)
        buf[n - 1] = '\0';
    return buf;
}

const char *vnl_route_name(const struct vnl_route *row)
{
    const char *slash = row->source == VNL_ROUTE_USER && row->origin ? strrchr(row->origin, '/') : NULL;

    return slash ? slash + 1 : NULL;
}

/* --- rows of a VNet ------------------------------------------------------------------------------------- */

int vnl_routes_add(struct vnl_route_table *table, const struct vnl_route *row, const char *origin)
{
    struct vnl_route *slot = &table->routes[table->n_routes];

    *slot = *row;
    if (row->type != VNL_NEXT_HOP_APPLIANCE && row->type != VNL_NEXT_HOP_GATEWAY)
        slot->nic = slot->balancer = VNL_PLAN_NOBODY;
    slot->as_path = NULL;
    slot->origin = origin ? strdup(origin) : NULL;
    if (origin && !slot->origin)
        return -ENOMEM;
    table->n_routes++;
    return row->as_path ? vnl_text_copy(&slot->as_path, row->as_path) : 0;
}

static int add_local(struct vnl_route_table *table, const struct vnl_vnet *vnet)
{
    struct vnl_route row = { .type = VNL_NEXT_HOP_VNET_LOCAL, .vnet = table->vnet };
    int r = 0;

    for (size_t i = 0; i < vnet->space.n && r == 0; i++) {
        row.prefix = vnet->space.items[i];
        r = vnl_routes_add(table, &row, vnet->id);
    }
    return r;
}

/* Spec 2.5, as the lab reads it. The link of the sending VNet and its twin each refuse on their own side;
 * "forwarded" is the receiving VNet's decision, and its link is the twin. What access refuses is refused at
 * a NIC without security rules only, as if it had the defaults; a NIC with rules is judged by its tag
 * (tags.c, VNL_NIC_HAS_NSG). */
struct vnl_route vnl_routes_peering(const struct vnl_lab *lab, const struct vnl_peering *link,
                                    const struct vnl_peering *twin)
{
    bool access_blocks = lab->peering_access == VNL_ACCESS_DOCUMENTED;
    bool forwarded_blocks = lab->peering_forwarded == VNL_FORWARDED_STRICT;
    bool global = strcmp(link->vnet->scope.location, link->remote->scope.location) != 0;

    return (struct vnl_route){
        .type = global ? VNL_NEXT_HOP_GLOBAL_PEERING : VNL_NEXT_HOP_PEERING, /* spec 2.7 */
        .deny_access_local = access_blocks && !link->allow_vnet_access,
        .deny_access_remote = access_blocks && !twin->allow_vnet_access,
        .deny_forwarded = forwarded_blocks && !twin->allow_forwarded_traffic,
    };
}

/* Spec 2.2: nothing passes unless both links are Connected. Spec 2.4: the prefixes are those in force on the
 * link, not the remote's current ones. */
static int add_peering(struct vnl_route_table *table, const struct vnl_lab *lab,
                       const struct vnl_peering *link)
{
    const struct vnl_peering *twin = link->remote ? vnl_peering_twin(link) : NULL;
    struct vnl_route row;
    int r = 0;

    if (!twin || link->state != VNL_PEERING_CONNECTED || twin->state != VNL_PEERING_CONNECTED)
        return 0;
    row = vnl_routes_peering(lab, link, twin);
    row.vnet = link->remote->number;
    for (size_t i = 0; i < link->remote_space.n && r == 0; i++) {
        row.prefix = link->remote_space.items[i];
        if (link->only_ipv6 && row.prefix.addr.family != AF_INET6)
            continue; /* spec 2.8, enableOnlyIPv6Peering */
        r = vnl_routes_add(table, &row, link->id);
    }
    return r;
}

/* ::/0 only where the VNet has IPv6 space: no source says what Azure shows (spec 8, item 8), and without an
 * address of its own no NIC could use the row. */
static int add_internet(struct vnl_route_table *table, const struct vnl_vnet *vnet)
{
    struct vnl_route row = { .type = VNL_NEXT_HOP_INTERNET, .prefix.addr.family = AF_INET };
    int r = vnl_routes_add(table, &row, NULL);

    for (size_t i = 0; i < vnet->space.n && r == 0; i++) {
        if (vnet->space.items[i].addr.family != AF_INET6)
            continue;
        row.prefix.addr.family = AF_INET6;
        return vnl_routes_add(table, &row, NULL);
    }
    return r;
}

/* Spec 4.1: a reserved prefix that is wholly in the VNet's space (equal, or inside a larger one) has no None
 * row; one that only has a part in it keeps the row. Prefixes in force on peerings count the same way: a peer
 * that owns 10.0.0.0/8 must not be hidden by 10.0.0.0/8 None (no source says so for peers; both rows would be
 * Default and of one length). */
static bool is_owned(const struct vnl_route_table *table, const struct vnl_prefix *prefix)
{
    for (size_t i = 0; i < table->n_routes; i++)
        if (table->routes[i].type <= VNL_NEXT_HOP_GLOBAL_PEERING &&
            vnl_prefix_covers(&table->routes[i].prefix, prefix))
            return true;
    return false;
}

static int add_none(struct vnl_route_table *table)
{
    struct vnl_route row = { .type = VNL_NEXT_HOP_NONE };
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(reserved) && r == 0; i++) {
        row.prefix = reserved[i];
        if (!is_owned(table, &row.prefix))
            r = vnl_routes_add(table, &row, NULL);
    }
    return r;
}

static size_t count_rows(const struct vnl_vnet *vnet)
{
    size_t n = vnet->space.n + 2 + ARRAY_SIZE(reserved);

    for (size_t i = 0; i < vnet->n_peerings; i++)
        n += vnet->peerings[i]->remote_space.n;
    return n;
}

int vnl_routes_build(const struct vnl_lab *lab, const struct vnl_vnet *vnet, struct vnl_route_table *ret)
{
    int r;

    ret->vnet = vnet->number;
    ret->key = strdup(vnet->id);
    ret->name = strdup(vnet->name);
    ret->routes = calloc(count_rows(vnet), sizeof(*ret->routes));
    if (!ret->key || !ret->name || !ret->routes)
        return -ENOMEM;
    r = add_local(ret, vnet);
    for (size_t i = 0; i < vnet->n_peerings && r == 0; i++)
        r = add_peering(ret, lab, vnet->peerings[i]);
    if (r == 0)
        r = add_internet(ret, vnet);
    if (r == 0)
        r = add_none(ret);
    if (r == 0)
        r = vnl_gateway_add_rows(lab, vnet, ret);
    return r < 0 ? r : vnl_routes_settle(ret, NULL);
}

static void row_done(struct vnl_route *row)
{
    free(row->origin);
    free(row->as_path);
}

void vnl_routes_done(struct vnl_route_table *table)
{
    for (size_t i = 0; i < table->n_routes; i++)
        row_done(&table->routes[i]);
    free(table->routes);
    free(table->key);
    free(table->name);
    free(table->route_table);
    *table = (struct vnl_route_table){ 0 };
}

/* --- order and ties ------------------------------------------------------------------------------------- */

/* Spec 4.8: VnetLocal, peering, gateway, default 0/0, None, then the user's. */
static int row_group(const struct vnl_route *row)
{
    if (row->source == VNL_ROUTE_USER)
        return VNL_NEXT_HOP_MAX;
    return row->type == VNL_NEXT_HOP_GLOBAL_PEERING ? VNL_NEXT_HOP_PEERING : (int)row->type;
}

/* Within a group rows stay as they came, but for None: by prefix length. */
static bool row_is_after(const struct vnl_route *a, const struct vnl_route *b)
{
    if (row_group(a) != row_group(b))
        return row_group(a) > row_group(b);
    if (row_group(a) != VNL_NEXT_HOP_NONE)
        return false;
    return a->prefix.len != b->prefix.len ? a->prefix.len > b->prefix.len
                                          : vnl_prefix_cmp(&a->prefix, &b->prefix) > 0;
}

/* Insertion sort: it is stable, and the rows come nearly in order. */
static void sort_rows(struct vnl_route_table *table)
{
    for (size_t i = 1; i < table->n_routes; i++) {
        struct vnl_route row = table->routes[i];
        size_t j = i;

        for (; j > 0 && row_is_after(&table->routes[j - 1], &row); j--)
            table->routes[j] = table->routes[j - 1];
        table->routes[j] = row;
    }
}

static bool beats_gateway(const struct vnl_route *row)
{
    return row->source == VNL_ROUTE_DEFAULT && row->type <= VNL_NEXT_HOP_GLOBAL_PEERING;
}

static int rank(const struct vnl_route *row)
{
    if (row->source == VNL_ROUTE_USER)
        return 3;
    return row->source == VNL_ROUTE_GATEWAY ? 1 : beats_gateway(row) ? 2 : 0;
}

/* Rows of one prefix come together, the winner first: User, gateway, Default, but the VNet's own and a peer's before the gateway's
 * (spec 4.4: where VNets are peered and connected by gateways, traffic takes the peering); then the earlier row of the table. Two
 * Default rows of one prefix need a peer that gave the prefix away while this link is not in sync. */
static int tie_cmp(const void *a, const void *b)
{
    const struct vnl_route *left = *(struct vnl_route *const *)a, *right = *(struct vnl_route *const *)b;
    int r = vnl_prefix_cmp(&left->prefix, &right->prefix);

    if (r != 0)
        return r;
    if (rank(left) != rank(right))
        return rank(left) > rank(right) ? -1 : 1;
    return left < right ? -1 : left > right;
}

int vnl_routes_settle(struct vnl_route_table *table, struct vnl_err **err)
{
    struct vnl_route **rows = calloc(table->n_routes + 1, sizeof(struct vnl_route *));

    if (!rows)
        return vnl_fail(err, ENOMEM, "effective routes '%s'", table->name ? table->name : "");
    sort_rows(table);
    for (size_t i = 0; i < table->n_routes; i++)
        rows[i] = &table->routes[i];
    qsort(rows, table->n_routes, sizeof(struct vnl_route *), tie_cmp);
    for (size_t i = 0; i < table->n_routes; i++)
        rows[i]->active = i == 0 || !vnl_prefix_eq(&rows[i - 1]->prefix, &rows[i]->prefix);
    free(rows);
    return 0;
}

/* --- selection ------------------------------------------------------------------------------------------ */

static void take_longer(const struct vnl_route **best, const struct vnl_route *row)
{
    if (!*best || row->prefix.len > (*best)->prefix.len)
        *best = row;
}

/* Spec 4.4: longest prefix; but where the VNet's own or a peer's row matches, no learned row counts, however
 * specific. */
const struct vnl_route *vnl_route_select(const struct vnl_route_table *table, const struct vnl_addr *dst)
{
    const struct vnl_route *best = NULL, *best_not_learned = NULL;
    bool local = false;

    for (size_t i = 0; i < table->n_routes; i++) {
        const struct vnl_route *row = &table->routes[i];

        if (!row->active || !vnl_prefix_has(&row->prefix, dst))
            continue;
        local = local || beats_gateway(row);
        take_longer(&best, row);
        if (row->source != VNL_ROUTE_GATEWAY)
            take_longer(&best_not_learned, row);
    }
    return local ? best_not_learned : best;
}
