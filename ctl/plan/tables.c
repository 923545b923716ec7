/* Which effective route tables there are, and what a route table resource does to them (spec 4.3).
 *
 * All subnets of a VNet without a route table have the same rows; so have all that share one. A plan's table is therefore one per VNet, and
 * then one per VNet and route table attached there, and last those of the internet side (delays.c). A user's row is an order, and the plan says what becomes of it: an appliance is the
 * NIC or the frontend that has the address now, in the own VNet or behind a peering in force, for a packet goes to a next hop by the
 * system routes and over one peering at most. Where nobody is, the row stays with its address and type None, and packets drop.
 *
 * A gateway is the VNet's own, or the hub's.
 *
 * NICs know their table by number before there are NICs that rows could lead to. So tables are named first and filled last. */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

/* --- which there are -------------------------------------------------------------------------------------------- */

static size_t count_subnets(const struct vnl_lab *lab)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_vnets; i++)
        n += lab->vnets[i]->n_subnets;
    return n;
}

static int name_table(struct vnl_route_table *table, const struct vnl_vnet *vnet,
                      const struct vnl_udr_table *udrs)
{
    table->vnet = vnet->number;
    table->disable_bgp = udrs->disable_bgp;
    table->key = vnl_text("%s with %s", vnet->id, udrs->id);
    table->name = vnl_text("%s/%s", vnet->name, udrs->name);
    return table->key && table->name ? vnl_text_copy(&table->route_table, udrs->id) : -ENOMEM;
}

/* found: by route table, the table of this VNet that it has, or an index of another VNet. */
static int add_subnet(struct vnl_plan_work *work, const struct vnl_subnet *subnet, uint32_t *found)
{
    struct vnl_plan *plan = work->plan;
    const struct vnl_udr_table *udrs = subnet->route_table;
    uint32_t *at = udrs ? &found[udrs->number] : NULL, number = subnet->vnet->number;

    if (at && (*at < work->lab->n_vnets || plan->tables[*at].vnet != number)) {
        *at = (uint32_t)plan->n_tables++;
        work->udrs[*at] = udrs;
        if (name_table(&plan->tables[*at], subnet->vnet, udrs) < 0)
            return -ENOMEM;
    }
    work->table_of_subnet[subnet->number] = at ? *at : number;
    return 0;
}

static int add_named(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    uint32_t *found = calloc(lab->n_route_tables + 1, sizeof(*found));
    int r = found ? 0 : -ENOMEM;

    for (size_t i = 0; i < lab->n_vnets && r == 0; i++)
        for (size_t k = 0; k < lab->vnets[i]->n_subnets && r == 0; k++)
            r = add_subnet(work, lab->vnets[i]->subnets[k], found);
    free(found);
    return r;
}

/* The internet's hosts find each other; public IPs and NAT addresses are no rows (dataplane/image.c). */
static int add_internet(struct vnl_plan *plan)
{
    struct vnl_route_table *table = &plan->tables[plan->n_tables++];
    struct vnl_route row = {
        .type = VNL_NEXT_HOP_VNET_LOCAL, .active = true, .prefix.addr.family = AF_INET, .vnet = plan->internet
    };

    table->vnet = plan->internet;
    table->routes = calloc(1, sizeof(*table->routes));
    if (!table->routes || vnl_text_copy(&table->key, "internet") < 0 ||
        vnl_text_copy(&table->name, "internet") < 0)
        return -ENOMEM;
    return vnl_routes_add(table, &row, NULL);
}

/* Its own prefixes, and its device for everything else. */
static int add_site(struct vnl_plan *plan, const struct vnl_site *site)
{
    struct vnl_route_table *table = &plan->tables[plan->n_tables];
    struct vnl_route row = { .type = VNL_NEXT_HOP_VNET_LOCAL, .vnet = (uint32_t)plan->n_tables++ };
    int r = 0;

    table->vnet = row.vnet;
    table->routes = calloc(site->prefixes.n + 1, sizeof(*table->routes));
    if (!table->routes || vnl_text_copy(&table->key, site->id) < 0 ||
        vnl_text_copy(&table->name, site->name) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < site->prefixes.n && r == 0; i++) {
        row.prefix = site->prefixes.items[i];
        r = vnl_routes_add(table, &row, site->id);
    }
    row = (struct vnl_route){ .type = VNL_NEXT_HOP_GATEWAY,
                              .vnet = row.vnet,
                              .nic = VNL_PLAN_NOBODY,
                              .balancer = VNL_PLAN_NOBODY,
                              .prefix.addr.family = AF_INET,
                              .next_hop = site->inner };
    if (r == 0)
        r = vnl_routes_add(table, &row, site->id);
    return r < 0 ? r : vnl_routes_settle(table, NULL);
}

/* --- prefixes that count as the network (spec 3.5) ---------------------------------------------------------------- */

static bool in_tag(const struct vnl_udr *udr)
{
    return udr->hop == VNL_UDR_APPLIANCE || udr->hop == VNL_UDR_GATEWAY;
}

static const struct vnl_udr *next_in_tag(const struct vnl_udr_table *udrs, size_t *i)
{
    while (*i < udrs->n_udrs)
        if (in_tag(udrs->udrs[(*i)++]))
            return udrs->udrs[*i - 1];
    return NULL;
}

/* The same prefixes, in the same order; NULL: none at all. */
static bool same_tags(const struct vnl_udr_table *a, const struct vnl_udr_table *b)
{
    static const struct vnl_udr_table nothing;
    size_t i = 0, k = 0;

    for (;;) {
        const struct vnl_udr *left = next_in_tag(a ? a : &nothing, &i),
                             *right = next_in_tag(b ? b : &nothing, &k);

        if (!left || !right)
            return !left && !right;
        if (!vnl_prefix_eq(&left->prefix, &right->prefix))
            return false;
    }
}

/* Tables of one VNet stand together behind the system's. */
static uint32_t first_with_tags_of(const struct vnl_plan_work *work, uint32_t table)
{
    const struct vnl_plan *plan = work->plan;
    uint32_t first = table;

    if (same_tags(work->udrs[table], NULL))
        return plan->tables[table].vnet;
    while (first > plan->n_vnets && plan->tables[first - 1].vnet == plan->tables[table].vnet)
        first--;
    while (!same_tags(work->udrs[first], work->udrs[table]))
        first++;
    return first;
}

int vnl_tables_build(struct vnl_plan_work *work)
{
    struct vnl_plan *plan = work->plan;
    const struct vnl_lab *lab = work->lab;
    size_t n_subnets = count_subnets(lab), room = plan->n_vnets + n_subnets + lab->n_gateways + 1;
    int r = 0;

    plan->tables = calloc(room, sizeof(*plan->tables));
    work->udrs = calloc(room, sizeof(*work->udrs));
    work->tags_of_table = calloc(room, sizeof(*work->tags_of_table));
    work->table_of_subnet = calloc(n_subnets + 1, sizeof(*work->table_of_subnet));
    if (!plan->tables || !work->udrs || !work->tags_of_table || !work->table_of_subnet)
        return -ENOMEM;
    for (size_t i = 0; i < lab->n_vnets && r == 0; i++)
        r = vnl_routes_build(lab, lab->vnets[i], &plan->tables[plan->n_tables++]);
    if (r == 0 && plan->internet != VNL_PLAN_NOBODY)
        r = add_internet(plan);
    for (size_t i = 0; i < lab->n_sites && r == 0; i++)
        r = add_site(plan, lab->sites[i]);
    if (r == 0)
        r = add_named(work);
    for (uint32_t i = 0; i < plan->n_tables && r == 0; i++)
        work->tags_of_table[i] = first_with_tags_of(work, i);
    return r;
}

uint32_t vnl_tables_index(const struct vnl_plan_work *work, const struct vnl_subnet *subnet)
{
    return work->table_of_subnet[subnet->number];
}

/* --- the user's rows ------------------------------------------------------------------------------------------------ */

/* Spec 4.1: of type Internet or None it leaves them [E]; an appliance does not have to be alive. */
static bool replaces_none(const struct vnl_udr_table *udrs)
{
    for (size_t i = 0; i < udrs->n_udrs; i++)
        if (in_tag(udrs->udrs[i]) && udrs->udrs[i]->prefix.len == 0 &&
            udrs->udrs[i]->prefix.addr.family == AF_INET)
            return true;
    return false;
}

/* disableBgpRoutePropagation takes away what gateways bring (spec 4.6). */
static int copy_system(struct vnl_route_table *table, const struct vnl_route_table *from, bool with_none)
{
    int r = 0;

    for (size_t i = 0; i < from->n_routes && r == 0; i++) {
        const struct vnl_route *row = &from->routes[i];

        if ((row->type == VNL_NEXT_HOP_NONE && !with_none) ||
            (row->source == VNL_ROUTE_GATEWAY && table->disable_bgp))
            continue;
        r = vnl_routes_add(table, row, row->origin);
    }
    return r;
}

/* way: the system's row to the next hop. */
static void lead_to_appliance(const struct vnl_plan *plan, struct vnl_route *row, const struct vnl_route *way)
{
    bool local = way && way->type <= VNL_NEXT_HOP_GLOBAL_PEERING;
    const struct vnl_plan_nic *nic = local ? vnl_plan_nic_by_addr(plan, way->vnet, &row->next_hop) : NULL;
    const struct vnl_plan_balancer *balancer =
        local ? vnl_plan_balancer_by_addr(plan, way->vnet, &row->next_hop) : NULL;

    row->dead = !nic && !balancer;
    row->type = row->dead ? VNL_NEXT_HOP_NONE : VNL_NEXT_HOP_APPLIANCE;
    if (row->dead)
        return;
    row->nic = nic ? (uint32_t)(nic - plan->nics) : VNL_PLAN_NOBODY;
    row->balancer = balancer ? (uint32_t)(balancer - plan->balancers) : VNL_PLAN_NOBODY;
    row->vnet = way->vnet;
    row->delay = way->delay;
    row->deny_access_local = way->deny_access_local;
    row->deny_access_remote = way->deny_access_remote;
    row->deny_forwarded = way->deny_forwarded;
}

/* Of the system's rows there: a VNet is as far away by a gateway as by a peering. */
static uint8_t delay_to(const struct vnl_route_table *system, uint32_t vnet)
{
    for (size_t i = 0; i < system->n_routes; i++)
        if (system->routes[i].type <= VNL_NEXT_HOP_GATEWAY && system->routes[i].vnet == vnet)
            return system->routes[i].delay;
    return 0;
}

/* The gateway that the VNet has, or uses by transit; where there is none the row stays and leads nowhere. */
static void lead_to_gateway(const struct vnl_plan_work *work, struct vnl_route *row, uint32_t vnet)
{
    const struct vnl_vnet *own = work->lab->vnets[vnet];
    struct vnl_route way;

    row->nic = row->balancer = VNL_PLAN_NOBODY;
    if (!vnl_gateway_row(work->lab, own, &way))
        return;
    row->vnet = way.vnet;
    row->next_hop = way.next_hop;
    row->next_hop2 = way.next_hop2;
    vnl_gateway_lead(work, row, vnl_gateway_used(own)->id);
    row->deny_access_local = way.deny_access_local;
    row->deny_access_remote = way.deny_access_remote;
    row->delay = delay_to(&work->plan->tables[vnet], way.vnet);
}

static const enum vnl_next_hop type_of[] = {
    [VNL_UDR_APPLIANCE] = VNL_NEXT_HOP_APPLIANCE, [VNL_UDR_VNET_LOCAL] = VNL_NEXT_HOP_VNET_LOCAL,
    [VNL_UDR_INTERNET] = VNL_NEXT_HOP_INTERNET,   [VNL_UDR_GATEWAY] = VNL_NEXT_HOP_GATEWAY,
    [VNL_UDR_NONE] = VNL_NEXT_HOP_NONE,
};
static_assert(ARRAY_SIZE(type_of) == VNL_UDR_MAX, "a type for every next hop of a user");

static int add_user(const struct vnl_plan_work *work, struct vnl_route_table *table,
                    const struct vnl_udr *udr)
{
    const struct vnl_plan *plan = work->plan;
    struct vnl_route row = {
        .source = VNL_ROUTE_USER,
        .prefix = udr->prefix,
        .type = type_of[udr->hop],
        .vnet = table->vnet,
    };

    if (udr->hop == VNL_UDR_APPLIANCE) {
        row.next_hop = udr->next_hop;
        lead_to_appliance(plan, &row, vnl_route_select(&plan->tables[table->vnet], &udr->next_hop));
    } else if (udr->hop == VNL_UDR_GATEWAY) {
        lead_to_gateway(work, &row, table->vnet);
    }
    return vnl_routes_add(table, &row, udr->id);
}

static int fill(const struct vnl_plan_work *work, struct vnl_route_table *table,
                const struct vnl_udr_table *udrs)
{
    const struct vnl_route_table *system = &work->plan->tables[table->vnet];
    int r;

    table->routes = calloc(system->n_routes + udrs->n_udrs + 1, sizeof(*table->routes));
    if (!table->routes)
        return -ENOMEM;
    r = copy_system(table, system, !replaces_none(udrs));
    for (size_t i = 0; i < udrs->n_udrs && r == 0; i++)
        r = add_user(work, table, udrs->udrs[i]);
    return r < 0 ? r : vnl_routes_settle(table, NULL);
}

int vnl_tables_fill(struct vnl_plan_work *work)
{
    struct vnl_plan *plan = work->plan;
    int r = 0;

    for (size_t i = 0; i < plan->n_vnets; i++)
        for (size_t k = 0; k < plan->tables[i].n_routes; k++)
            if (plan->tables[i].routes[k].type == VNL_NEXT_HOP_GATEWAY)
                vnl_gateway_lead(work, &plan->tables[i].routes[k], plan->tables[i].routes[k].origin);
    for (size_t i = plan->n_vnets; i < plan->n_tables && work->udrs[i] && r == 0; i++)
        r = fill(work, &plan->tables[i], work->udrs[i]);
    return r;
}
