/* Route tables and their user-defined routes: made, found and freed. What they may look like is in udr_check.c. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void udr_free(struct vnl_udr **ptr)
{
    struct vnl_udr *udr = TAKE_PTR(*ptr);

    if (!udr)
        return;
    free(udr->id);
    free(udr->name);
    free(udr);
}

void vnl_udr_table_free(struct vnl_udr_table **ptr)
{
    struct vnl_udr_table *table = TAKE_PTR(*ptr);

    if (!table)
        return;
    for (size_t i = 0; i < table->n_udrs; i++)
        udr_free(&table->udrs[i]);
    free(table->udrs);
    free(table->subnets);
    free(table->id);
    free(table->name);
    vnl_scope_done(&table->scope);
    vnl_index_free(&table->index);
    free(table);
}

struct vnl_udr_table *vnl_udr_table_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                                        const struct vnl_src *src, struct vnl_err **err)
{
    CLEANUP(vnl_udr_table_free) struct vnl_udr_table *table = calloc(1, sizeof(*table));
    struct vnl_udr_table **tables = vnl_list_grow(lab->route_tables, lab->n_route_tables, sizeof(*tables));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->route_tables = tables ? tables : lab->route_tables;
    if (!table || !tables ||
        vnl_scope_fill(&table->scope, scope, &lab->defaults, lab->defaults.location) < 0 ||
        !(table->name = strdup(name)) ||
        !(table->id = vnl_id_format(&table->scope, VNL_ROUTE_TABLE_TYPE, name, NULL)))
        return vnl_add_failed(err, VNL_TYPE_ROUTE_TABLE, name);
    table->src = src ? *src : table->src;
    table->number = (uint32_t)lab->n_route_tables;
    vnl_name_check(&check, VNL_TYPE_ROUTE_TABLE, name, src, table->id);
    if (scope)
        vnl_scope_check(&check, scope, src, table->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_ROUTE_TABLE, table->id, src, table->id, name) &&
        (vnl_index_put(&lab->index, VNL_TYPE_ROUTE_TABLE, table->id, table) < 0 ||
         vnl_index_put(&lab->index, VNL_TYPE_ROUTE_TABLE, table->name, table) < 0))
        return vnl_add_failed(err, VNL_TYPE_ROUTE_TABLE, name);
    return lab->route_tables[lab->n_route_tables++] = TAKE_PTR(table);
}

struct vnl_udr *vnl_udr_add(struct vnl_udr_table *table, const char *name, const struct vnl_src *src,
                            struct vnl_err **err)
{
    CLEANUP(udr_free) struct vnl_udr *udr = calloc(1, sizeof(*udr));
    struct vnl_udr **udrs = vnl_list_grow(table->udrs, table->n_udrs, sizeof(*udrs));
    struct vnl_check check = { .err = err };

    table->udrs = udrs ? udrs : table->udrs;
    if (!udr || !udrs || !(udr->name = strdup(name)) ||
        asprintf(&udr->id, "%s/routes/%s", table->id, name) < 0)
        return vnl_add_failed(err, VNL_TYPE_ROUTE, name);
    udr->src = src ? *src : udr->src;
    udr->prefix_src = udr->next_hop_src = udr->src;
    udr->table = table;
    udr->hop = VNL_UDR_NONE;
    vnl_name_check(&check, VNL_TYPE_ROUTE, name, src, udr->id);
    if (vnl_new_check(&check, table->index, VNL_TYPE_ROUTE, name, src, udr->id, name) &&
        vnl_index_put(&table->index, VNL_TYPE_ROUTE, udr->name, udr) < 0)
        return vnl_add_failed(err, VNL_TYPE_ROUTE, name);
    return table->udrs[table->n_udrs++] = TAKE_PTR(udr);
}

/* A second one of the name is never in the index, nor in a lab that was resolved. */
void vnl_udr_remove(struct vnl_udr *udr)
{
    struct vnl_udr_table *table = udr->table;
    size_t i = 0;

    while (table->udrs[i] != udr)
        i++;
    vnl_index_drop(table->index, VNL_TYPE_ROUTE, udr->name);
    memmove(&table->udrs[i], &table->udrs[i + 1], (--table->n_udrs - i) * sizeof(struct vnl_udr *));
    udr_free(&udr);
}

struct vnl_udr_table *vnl_udr_table_lookup(const struct vnl_lab *lab, const char *name_or_id)
{
    return vnl_index_unique(lab->index, VNL_TYPE_ROUTE_TABLE, name_or_id);
}

struct vnl_udr *vnl_udr_lookup(const struct vnl_udr_table *table, const char *name)
{
    return vnl_index_get(table->index, VNL_TYPE_ROUTE, name, strlen(name), NULL);
}
