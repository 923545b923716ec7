/* What changed in effective routes, row by row, and which route tables act in which VNet. */
#include "diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

/* Those of regions on the internet side stand last; what they say is told of gateways (diff_vpn.c). */
static size_t count_tables(const struct vnl_plan *plan)
{
    size_t n = plan->n_tables;

    while (n > plan->n_vnets && !plan->tables[n - 1].route_table)
        n--;
    return n;
}

static const char *table_key(const struct vnl_plan *plan, size_t i)
{
    return plan->tables[i].key;
}

static const char *table_name(const struct vnl_plan *plan, size_t i)
{
    return plan->tables[i].name;
}

/* "10.1.0.0/16 VNetPeering to vnet-2, deny-forwarded", "10.2.0.0/16 VirtualAppliance 10.0.1.4, is nva-nic in hub" */
static char *row_text(const struct vnl_plan *plan, const struct vnl_route *row)
{
    bool peering = row->type == VNL_NEXT_HOP_PEERING || row->type == VNL_NEXT_HOP_GLOBAL_PEERING;
    char prefix[VNL_PREFIX_STR], hop[VNL_ADDR_STR] = "", words[VNL_ROUTE_WORDS];

    if (row->next_hop.family != AF_UNSPEC)
        (void)vnl_addr_format(&row->next_hop, hop);
    (void)vnl_route_words(plan, row, words);
    return vnl_text("%s %s%s%s%s%s%s%s%s", vnl_prefix_format(&row->prefix, prefix),
                    vnl_next_hop_str(row->type), hop[0] ? " " : "", hop, peering ? " to " : "",
                    peering ? plan->vnets[row->vnet].name : "", words[0] ? ", " : "", words,
                    row->active ? "" : ", Invalid");
}

static char **row_texts(const struct vnl_plan *plan, const struct vnl_route_table *table)
{
    char **texts = calloc(table->n_routes + 1, sizeof(*texts));

    for (size_t i = 0; texts && i < table->n_routes; i++) {
        texts[i] = row_text(plan, &table->routes[i]);
        if (texts[i])
            continue;
        while (i-- > 0)
            free(texts[i]);
        free(texts);
        return NULL;
    }
    return texts;
}

static int table_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_route_table *before = &work->before->tables[pair->before];
    const struct vnl_route_table *after = &work->after->tables[pair->after];

    return vnl_diff_rows(work, pair, row_texts(work->before, before), before->n_routes,
                         row_texts(work->after, after), after->n_routes);
}

/* Rows have no lines for a VNet or route table that comes or goes, only for one that stays. */
const struct vnl_diff_kind vnl_diff_routes = { "routes",   count_tables, table_key,
                                               table_name, NULL,         table_compare };

/* --- route tables ----------------------------------------------------------------------------------------------- */

static size_t count_named(const struct vnl_plan *plan)
{
    return count_tables(plan) - plan->n_vnets;
}

static const struct vnl_route_table *named(const struct vnl_plan *plan, size_t i)
{
    return &plan->tables[plan->n_vnets + i];
}

static const char *named_key(const struct vnl_plan *plan, size_t i)
{
    return named(plan, i)->key;
}

static const char *named_name(const struct vnl_plan *plan, size_t i)
{
    return strrchr(named(plan, i)->route_table, '/') + 1;
}

static char *named_describe(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_route_table *table = named(plan, i);
    size_t n = 0;

    for (size_t k = 0; k < table->n_routes; k++)
        n += table->routes[k].source == VNL_ROUTE_USER;
    return vnl_text("in %s, %zu route%s of its own", plan->vnets[table->vnet].name, n, n == 1 ? "" : "s");
}

static int named_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    return vnl_diff_bools(work, pair, "disableBgpRoutePropagation",
                          named(work->before, pair->before)->disable_bgp,
                          named(work->after, pair->after)->disable_bgp);
}

const struct vnl_diff_kind vnl_diff_route_tables = { "routeTables", count_named,    named_key,
                                                     named_name,    named_describe, named_compare };
