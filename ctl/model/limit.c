/* Azure's limits: spec 1.10. Those of peerings are with the peerings. VNets, NICs, NSGs and ASGs are counted per region
 * and subscription. */
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One resource that is counted. */
struct item {
    const struct vnl_scope *scope;
    const char *id;
    const struct vnl_src *src;
    size_t order;
};

struct items {
    struct item *items;
    size_t n;
};

static void items_done(struct items *list)
{
    free(list->items);
}

static int scope_cmp(const struct item *a, const struct item *b)
{
    int r = strcasecmp(a->scope->subscription, b->scope->subscription);

    return r ? r : strcmp(a->scope->location, b->scope->location);
}

static int item_cmp(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int r = scope_cmp(x, y);

    return r ? r : (x->order > y->order) - (x->order < y->order);
}

/* Blames the first resource of each region and subscription that is one too many. */
static void check_per_region(struct vnl_check *check, struct items *list, size_t limit, const char *code,
                             const char *what)
{
    size_t first = 0;

    qsort(list->items, list->n, sizeof(*list->items), item_cmp);
    for (size_t i = 0; i < list->n; i++) {
        const struct item *item = &list->items[i];

        if (scope_cmp(&list->items[first], item) != 0)
            first = i;
        if (i - first == limit)
            vnl_mistake(check, code, item->src, item->id, NULL,
                        "Subscription %s has more than %zu %s in %s, which is the limit",
                        item->scope->subscription, limit, what, item->scope->location);
    }
}

static void check_vnet_count(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;
    CLEANUP(items_done) struct items list = { calloc(lab->n_vnets + 1, sizeof(struct item)), 0 };

    if (!list.items) {
        vnl_check_nomem(check, "virtual networks");
        return;
    }
    for (size_t i = 0; i < lab->n_vnets; i++, list.n++)
        list.items[i] = (struct item){ &lab->vnets[i]->scope, lab->vnets[i]->id, &lab->vnets[i]->src, i };
    check_per_region(check, &list, VNL_LIMIT_VNETS, "VnetCountLimitReached", "virtual networks");
}

static void check_nsg_count(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;
    CLEANUP(items_done) struct items list = { calloc(lab->n_nsgs + 1, sizeof(struct item)), 0 };

    if (!list.items) {
        vnl_check_nomem(check, "network security groups");
        return;
    }
    for (size_t i = 0; i < lab->n_nsgs; i++, list.n++)
        list.items[i] = (struct item){ &lab->nsgs[i]->scope, lab->nsgs[i]->id, &lab->nsgs[i]->src, i };
    check_per_region(check, &list, VNL_LIMIT_NSGS, "BadRequest", "network security groups");
}

static void check_asg_count(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;
    CLEANUP(items_done) struct items list = { calloc(lab->n_asgs + 1, sizeof(struct item)), 0 };

    if (!list.items) {
        vnl_check_nomem(check, "application security groups");
        return;
    }
    for (size_t i = 0; i < lab->n_asgs; i++, list.n++)
        list.items[i] = (struct item){ &lab->asgs[i]->scope, lab->asgs[i]->id, &lab->asgs[i]->src, i };
    check_per_region(check, &list, VNL_LIMIT_ASGS, "BadRequest", "application security groups");
}

static void check_route_table_count(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;
    CLEANUP(items_done) struct items list = { calloc(lab->n_route_tables + 1, sizeof(struct item)), 0 };

    if (!list.items) {
        vnl_check_nomem(check, "route tables");
        return;
    }
    for (size_t i = 0; i < lab->n_route_tables; i++, list.n++)
        list.items[i] = (struct item){ &lab->route_tables[i]->scope, lab->route_tables[i]->id,
                                       &lab->route_tables[i]->src, i };
    check_per_region(check, &list, VNL_LIMIT_ROUTE_TABLES, "BadRequest", "route tables");
}

static size_t count_nics(const struct vnl_lab *lab)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_vms; i++)
        n += lab->vms[i]->n_nics;
    return n;
}

static void add_nics(struct items *list, const struct vnl_vm *vm)
{
    for (size_t i = 0; i < vm->n_nics; i++, list->n++)
        list->items[list->n] = (struct item){ &vm->scope, vm->nics[i]->id, &vm->nics[i]->src, list->n };
}

static void check_nic_count(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;
    CLEANUP(items_done) struct items list = { calloc(count_nics(lab) + 1, sizeof(struct item)), 0 };

    if (!list.items) {
        vnl_check_nomem(check, "network interfaces");
        return;
    }
    for (size_t i = 0; i < lab->n_vms; i++)
        add_nics(&list, lab->vms[i]);
    check_per_region(check, &list, VNL_LIMIT_NICS, "NetworkInterfaceCountLimitReached", "network interfaces");
}

/* --- private addresses ------------------------------------------------------------------------------- */

static void count_addrs(const struct vnl_lab *lab, size_t *count)
{
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            const struct vnl_nic *nic = lab->vms[i]->nics[k];

            if (nic->subnet)
                count[nic->subnet->vnet->number] += nic->n_configs;
        }
    }
    for (size_t i = 0; i < lab->n_lbs; i++) {
        for (size_t k = 0; k < lab->lbs[i]->n_frontends; k++) {
            const struct vnl_subnet *subnet = lab->lbs[i]->frontends[k]->subnet;

            if (subnet)
                count[subnet->vnet->number]++;
        }
    }
}

/* A VNet and those it has a link to: our reading of "a group of peered virtual networks". */
static size_t count_peered(const struct vnl_vnet *vnet, const size_t *count)
{
    size_t sum = count[vnet->number];

    for (size_t i = 0; i < vnet->n_peerings; i++)
        sum += vnet->peerings[i]->remote ? count[vnet->peerings[i]->remote->number] : 0;
    return sum;
}

static void check_addr_count(struct vnl_check *check, const struct vnl_vnet *vnet, const size_t *count)
{
    size_t own = count[vnet->number], peered = count_peered(vnet, count);

    if (own > VNL_LIMIT_ADDRS)
        vnl_mistake(check, "BadRequest", &vnet->src, vnet->id, NULL,
                    "Virtual network '%s' has %zu private IP addresses; at most %u are allowed", vnet->name,
                    own, VNL_LIMIT_ADDRS);
    if (peered > VNL_LIMIT_ADDRS_PEERED)
        vnl_mistake(check, "BadRequest", &vnet->src, vnet->id, NULL,
                    "Virtual network '%s' and those peered with it have %zu private IP addresses; at most %u "
                    "are allowed",
                    vnet->name, peered, VNL_LIMIT_ADDRS_PEERED);
}

static void check_addr_counts(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;
    size_t *count = calloc(lab->n_vnets + 1, sizeof(*count));

    if (!count) {
        vnl_check_nomem(check, "addresses");
        return;
    }
    count_addrs(lab, count);
    for (size_t i = 0; i < lab->n_vnets; i++)
        check_addr_count(check, lab->vnets[i], count);
    free(count);
}

static void check_subnet_count(struct vnl_check *check, const struct vnl_vnet *vnet)
{
    if (vnet->n_subnets > VNL_LIMIT_SUBNETS)
        vnl_mistake(check, "BadRequest", &vnet->subnets[VNL_LIMIT_SUBNETS]->src,
                    vnet->subnets[VNL_LIMIT_SUBNETS]->id, NULL,
                    "Virtual network '%s' has %zu subnets; at most %u are allowed", vnet->name,
                    vnet->n_subnets, VNL_LIMIT_SUBNETS);
}

void vnl_limits_check(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_vnets; i++)
        check_subnet_count(check, check->lab->vnets[i]);
    if (check->lab->n_vnets > VNL_LIMIT_VNETS)
        check_vnet_count(check);
    if (count_nics(check->lab) > VNL_LIMIT_NICS)
        check_nic_count(check);
    if (check->lab->n_nsgs > VNL_LIMIT_NSGS)
        check_nsg_count(check);
    if (check->lab->n_asgs > VNL_LIMIT_ASGS)
        check_asg_count(check);
    if (check->lab->n_route_tables > VNL_LIMIT_ROUTE_TABLES)
        check_route_table_count(check);
    check_addr_counts(check);
}
