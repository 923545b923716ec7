/* Round trips between regions: a row to a VNet or gateway in another region carries the number of the pair, if the lab asks for a delay
 * between the two. The lab is asked once per pair, however many VNets are there.
 *
 * Two VPN gateways are as far from each other as their regions: on the internet side, so that IKE takes its time as well, and a packet that is passed
 * on by several gateways the sum. Who sends is known there by its route table only, so each region with gateways that are far from others
 * has one of its own. Sites, clients and hosts have no region. */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/layout.h"

#define NOT_ASKED UINT16_MAX

struct regions {
    const char **names;
    size_t n;
    size_t *of_vnet;
    uint16_t *delay; /* n * n: number of the pair, 0 = none, or NOT_ASKED */
};

static void regions_done(struct regions *regions)
{
    free(regions->names);
    free(regions->of_vnet);
    free(regions->delay);
}

static size_t region_number(struct regions *regions, const char *name)
{
    size_t i = 0;

    while (i < regions->n && strcmp(regions->names[i], name) != 0)
        i++;
    if (i == regions->n)
        regions->names[regions->n++] = name;
    return i;
}

static int regions_init(struct regions *regions, const struct vnl_lab *lab)
{
    regions->names = calloc(lab->n_vnets + 1, sizeof(*regions->names));
    regions->of_vnet = calloc(lab->n_vnets + 1, sizeof(*regions->of_vnet));
    if (!regions->names || !regions->of_vnet)
        return -ENOMEM;
    for (size_t i = 0; i < lab->n_vnets; i++)
        regions->of_vnet[i] = region_number(regions, lab->vnets[i]->scope.location);
    regions->delay = malloc((regions->n * regions->n + 1) * sizeof(*regions->delay));
    if (!regions->delay)
        return -ENOMEM;
    memset(regions->delay, 0xff, regions->n * regions->n * sizeof(*regions->delay));
    return 0;
}

/* Adds the pair to the plan. One number serves both directions: what is asked for is a round trip. */
static int add_pair(struct vnl_plan_work *work, struct regions *regions, size_t a, size_t b)
{
    struct vnl_plan *plan = work->plan;
    struct vnl_plan_delay *delay, *grown;
    uint32_t rtt_us = a == b ? 0 : vnl_lab_rtt_us(work->lab, regions->names[a], regions->names[b]);
    uint16_t *pair = &regions->delay[a * regions->n + b], *back = &regions->delay[b * regions->n + a];

    *pair = *back = 0;
    if (rtt_us == 0)
        return 0;
    if (plan->n_delays == VNL_DELAYS_MAX)
        return vnl_fail(work->err, E2BIG, "more than %u pairs of regions with a latency", VNL_DELAYS_MAX);
    grown = reallocarray(plan->delays, plan->n_delays + 1, sizeof(*plan->delays));
    if (!grown)
        return -ENOMEM;
    plan->delays = grown;
    delay = &grown[plan->n_delays++];
    *delay = (struct vnl_plan_delay){ .one_way_us = rtt_us / 2 + rtt_us % 2 };
    if (vnl_text_copy(&delay->a, regions->names[a]) < 0 || vnl_text_copy(&delay->b, regions->names[b]) < 0)
        return -ENOMEM;
    *pair = *back = (uint16_t)plan->n_delays;
    return 0;
}

/* Of the way from one VNet to another. */
static int set_delay(struct vnl_plan_work *work, struct regions *regions, size_t from, size_t to,
                     struct vnl_route *row)
{
    size_t a = regions->of_vnet[from], b = regions->of_vnet[to];
    int r = 0;

    if (regions->delay[a * regions->n + b] == NOT_ASKED)
        r = add_pair(work, regions, a, b);
    row->delay = (uint8_t)regions->delay[a * regions->n + b];
    return r;
}

static int set_delays(struct vnl_plan_work *work, struct regions *regions, size_t vnet)
{
    struct vnl_route_table *table = &work->plan->tables[vnet];
    int r = 0;

    for (size_t i = 0; i < table->n_routes && r == 0; i++) {
        struct vnl_route *row = &table->routes[i];

        if (row->type == VNL_NEXT_HOP_GLOBAL_PEERING || row->type == VNL_NEXT_HOP_GATEWAY)
            r = set_delay(work, regions, vnet, row->vnet, row);
    }
    return r;
}

/* --- between VPN gateways ------------------------------------------------------------------------------------------- */

static bool has_region(const struct vnl_plan_gateway *gateway)
{
    return !gateway->site && !gateway->client;
}

static int add_far(struct vnl_plan_work *work, struct regions *regions, size_t vnet,
                   struct vnl_route_table *table)
{
    const struct vnl_plan *plan = work->plan;
    int r = 0;

    for (size_t i = 0; i < plan->n_gateways && r == 0; i++) {
        struct vnl_route row = { .type = VNL_NEXT_HOP_VNET_LOCAL,
                                 .prefix = { plan->gateways[i].outer, 32 },
                                 .vnet = plan->internet };

        if (!has_region(&plan->gateways[i]))
            continue;
        r = set_delay(work, regions, vnet, plan->gateways[i].vnet, &row);
        if (r == 0 && row.delay)
            r = vnl_routes_add(table, &row, plan->gateways[i].id);
    }
    return r;
}

static int finish_table(const struct vnl_plan *plan, const char *region, struct vnl_route_table *table)
{
    struct vnl_route row = { .type = VNL_NEXT_HOP_VNET_LOCAL,
                             .prefix.addr.family = AF_INET,
                             .vnet = plan->internet };
    int r = vnl_routes_add(table, &row, NULL);

    table->vnet = plan->internet;
    table->key = vnl_text("internet from %s", region);
    table->name = vnl_text("internet from %s", region);
    if (r < 0 || !table->key || !table->name)
        return -ENOMEM;
    return vnl_routes_settle(table, NULL);
}

/* The region's table, if it is to have one, belongs to the plan from its start. */
static int add_table(struct vnl_plan_work *work, struct regions *regions, size_t vnet, uint32_t *ret)
{
    struct vnl_plan *plan = work->plan;
    struct vnl_route_table *table = &plan->tables[plan->n_tables];
    int r;

    *ret = plan->internet;
    table->routes = calloc(plan->n_gateways + 1, sizeof(*table->routes));
    if (!table->routes)
        return -ENOMEM;
    r = add_far(work, regions, vnet, table);
    if (r == 0 && table->n_routes == 0) {
        free(table->routes);
        table->routes = NULL;
        return 0;
    }
    *ret = (uint32_t)plan->n_tables++;
    return r < 0 ? r : finish_table(plan, regions->names[regions->of_vnet[vnet]], table);
}

static int set_tables(struct vnl_plan_work *work, struct regions *regions)
{
    const struct vnl_plan *plan = work->plan;
    uint32_t *of_region = calloc(regions->n + 1, sizeof(*of_region)); /* plus one */
    int r = of_region ? 0 : -ENOMEM;

    for (size_t i = 0; i < plan->n_gateways && r == 0; i++) {
        const struct vnl_plan_gateway *gateway = &plan->gateways[i];
        uint32_t *table = has_region(gateway) ? &of_region[regions->of_vnet[gateway->vnet]] : NULL, made;

        if (!table)
            continue;
        if (!*table && (r = add_table(work, regions, gateway->vnet, &made)) == 0)
            *table = made + 1;
        if (r == 0)
            plan->nics[gateway->nic_out].table = *table - 1;
    }
    free(of_region);
    return r;
}

int vnl_delays_build(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    struct regions regions = { 0 };
    int r;

    if (!lab->azure_latency && lab->n_latencies == 0)
        return 0;
    r = regions_init(&regions, lab);
    for (size_t i = 0; i < lab->n_vnets && r == 0; i++)
        r = set_delays(work, &regions, i);
    if (r == 0)
        r = set_tables(work, &regions);
    regions_done(&regions);
    return r;
}
