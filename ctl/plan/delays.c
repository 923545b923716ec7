/* Round trips between regions: a row to a VNet or gateway in another region carries the number of the pair, if the lab asks for a delay
 * between the two. The lab is asked once per pair, however many VNets are there. */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static int set_delay(struct vnl_plan_work *work, struct regions *regions, size_t from, struct vnl_route *row)
{
    size_t a, b;
    int r = 0;

    if (row->type != VNL_NEXT_HOP_GLOBAL_PEERING && row->type != VNL_NEXT_HOP_GATEWAY)
        return 0;
    a = regions->of_vnet[from];
    b = regions->of_vnet[row->vnet];
    if (regions->delay[a * regions->n + b] == NOT_ASKED)
        r = add_pair(work, regions, a, b);
    row->delay = (uint8_t)regions->delay[a * regions->n + b];
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
        for (size_t k = 0; k < work->plan->tables[i].n_routes && r == 0; k++)
            r = set_delay(work, &regions, i, &work->plan->tables[i].routes[k]);
    regions_done(&regions);
    return r;
}
