/* From rows of the plan to spans. Only Active rows count: equal prefixes are settled in the plan. */
#include "image_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

static const uint16_t kind_of[] = {
    [VNL_NEXT_HOP_VNET_LOCAL] = VNL_ROUTE_KIND_VNET,     [VNL_NEXT_HOP_PEERING] = VNL_ROUTE_KIND_VNET,
    [VNL_NEXT_HOP_GLOBAL_PEERING] = VNL_ROUTE_KIND_VNET, [VNL_NEXT_HOP_GATEWAY] = VNL_ROUTE_KIND_GATEWAY,
    [VNL_NEXT_HOP_INTERNET] = VNL_ROUTE_KIND_INTERNET,   [VNL_NEXT_HOP_NONE] = VNL_ROUTE_KIND_NONE,
    [VNL_NEXT_HOP_APPLIANCE] = VNL_ROUTE_KIND_APPLIANCE,
};
static_assert(ARRAY_SIZE(kind_of) == VNL_NEXT_HOP_MAX, "a kind for every next hop type");

/* Is what the row leads to in another region than those who use the table? */
static bool is_global(const struct vnl_plan *plan, const struct vnl_route_table *table,
                      const struct vnl_route *row)
{
    const char *here = plan->vnets[table->vnet].location, *there = plan->vnets[row->vnet].location;

    if (row->type != VNL_NEXT_HOP_APPLIANCE && row->type != VNL_NEXT_HOP_GATEWAY)
        return row->type == VNL_NEXT_HOP_GLOBAL_PEERING;
    return here && there && strcasecmp(here, there) != 0;
}

static uint16_t flags_of(const struct vnl_plan *plan, const struct vnl_route_table *table,
                         const struct vnl_route *row)
{
    return (uint16_t)((row->deny_access_local ? VNL_ROUTE_DENY_ACCESS_LOCAL : 0) |
                      (row->deny_access_remote ? VNL_ROUTE_DENY_ACCESS_REMOTE : 0) |
                      (row->deny_forwarded ? VNL_ROUTE_DENY_FORWARDED : 0) |
                      (is_global(plan, table, row) ? VNL_ROUTE_GLOBAL : 0) |
                      row->delay << VNL_ROUTE_DELAY_SHIFT);
}

/* An appliance is a NIC or the frontend of a load balancer; what is neither, nothing can be sent to. */
static struct vnl_route_entry appliance_of(const struct vnl_image_layout *layout, const struct vnl_plan *plan,
                                           const struct vnl_route *row)
{
    struct vnl_route_entry entry = { .kind = VNL_ROUTE_KIND_NONE };

    if (row->nic < plan->n_nics) {
        entry.kind = VNL_ROUTE_KIND_APPLIANCE;
        entry.nic = plan->nics[row->nic].slot;
    } else if (row->balancer < plan->n_balancers) {
        entry.kind = VNL_ROUTE_KIND_BALANCER;
        entry.at = layout->balancers[row->balancer];
    }
    return entry;
}

/* The gateway's leg, or its instances: a balancer. IPv6 is not balanced; no tunnel carries it, so it goes to the first. The flags are those
 * of the peering to the hub. */
static struct vnl_route_entry gateway_of(const struct vnl_image_layout *layout, const struct vnl_plan *plan,
                                         const struct vnl_route_table *table, const struct vnl_route *row)
{
    struct vnl_route_entry entry = { .kind = VNL_ROUTE_KIND_GATEWAY, .nic = VNL_ROUTE_NO_NIC };
    bool is_balanced = row->balancer < plan->n_balancers;
    uint32_t nic = is_balanced ? vnl_image_instance(&plan->balancers[row->balancer]) : row->nic;

    if (is_balanced && row->prefix.addr.family == AF_INET) {
        entry.kind = VNL_ROUTE_KIND_BALANCER;
        entry.at = layout->balancers[row->balancer];
    } else if (nic < plan->n_nics) {
        entry.nic = plan->nics[nic].slot;
    } else {
        return entry;
    }
    entry.flags = flags_of(plan, table, row);
    return entry;
}

static struct vnl_route_entry entry_of(const struct vnl_image_layout *layout, const struct vnl_plan *plan,
                                       const struct vnl_route_table *table, const struct vnl_route *row)
{
    struct vnl_route_entry entry = { .kind = kind_of[row->type] };

    if (entry.kind == VNL_ROUTE_KIND_GATEWAY)
        return gateway_of(layout, plan, table, row);
    if (entry.kind == VNL_ROUTE_KIND_APPLIANCE)
        entry = appliance_of(layout, plan, row);
    else if (entry.kind == VNL_ROUTE_KIND_VNET)
        entry.vnet = plan->vnets[row->vnet].slot;
    if (entry.kind == VNL_ROUTE_KIND_VNET || entry.kind == VNL_ROUTE_KIND_APPLIANCE ||
        entry.kind == VNL_ROUTE_KIND_BALANCER)
        entry.flags = flags_of(plan, table, row);
    return entry;
}

static size_t row_spans(const struct vnl_image_layout *layout, const struct vnl_plan *plan,
                        const struct vnl_route_table *table, uint16_t family, struct vnl_image_span *spans)
{
    size_t n = 0;

    for (size_t i = 0; i < table->n_routes; i++) {
        const struct vnl_route *row = &table->routes[i];

        if (!row->active || row->prefix.addr.family != family)
            continue;
        spans[n++] = (struct vnl_image_span){
            .prefix = row->prefix,
            .entry = entry_of(layout, plan, table, row),
            .local = row->source == VNL_ROUTE_DEFAULT && row->type <= VNL_NEXT_HOP_GLOBAL_PEERING,
            .learned = row->source == VNL_ROUTE_GATEWAY,
        };
    }
    return n;
}

int vnl_image_put_table(struct vnl_image_layout *layout, const struct vnl_plan *plan, uint32_t index,
                        struct vnl_err **err)
{
    const struct vnl_route_table *table = &plan->tables[index];
    bool is_internet = vnl_image_has_internet(plan) && table->vnet == plan->internet;
    size_t n, room = table->n_routes + (is_internet ? vnl_image_count_outer(plan) : 0);
    struct vnl_image_span *spans = calloc(room + 1, sizeof(*spans));
    int r;

    if (!spans)
        return vnl_fail(err, ENOMEM, "routes of '%s'", table->name);
    n = row_spans(layout, plan, table, AF_INET, spans);
    if (is_internet)
        n += vnl_image_outer_spans(layout, plan, spans + n);
    r = vnl_image_put_spans(&layout->pool, spans, n, AF_INET, table->name, &layout->tables[index].v4, err);
    if (r == 0) {
        n = row_spans(layout, plan, table, AF_INET6, spans);
        r = vnl_image_put_spans(&layout->pool, spans, n, AF_INET6, table->name, &layout->tables[index].v6,
                                err);
    }
    free(spans);
    return r;
}

static int put_space(struct vnl_image_pool *pool, const struct vnl_plan_vnet *vnet, uint16_t family,
                     uint32_t *ret, struct vnl_err **err)
{
    struct vnl_image_span *spans = calloc(vnet->n_space + 1, sizeof(*spans));
    size_t n = 0;
    int r;

    if (!spans)
        return vnl_fail(err, ENOMEM, "address space of '%s'", vnet->name);
    for (size_t i = 0; i < vnet->n_space; i++)
        if (vnet->space[i].addr.family == family)
            spans[n++] = (struct vnl_image_span){
                .prefix = vnet->space[i],
                .entry = { .kind = VNL_ROUTE_KIND_VNET, .vnet = vnet->slot },
            };
    r = vnl_image_put_spans(pool, spans, n, family, vnet->name, ret, err);
    free(spans);
    return r;
}

int vnl_image_put_space(struct vnl_image_layout *layout, const struct vnl_plan_vnet *vnet,
                        struct vnl_image_offsets *ret, struct vnl_err **err)
{
    int r = put_space(&layout->pool, vnet, AF_INET, &ret->v4, err);

    return r < 0 ? r : put_space(&layout->pool, vnet, AF_INET6, &ret->v6, err);
}
