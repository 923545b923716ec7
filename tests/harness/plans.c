#include "plans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/load.h"

static void stop_on(int r, struct vnl_err **err)
{
    if (r == 0)
        return;
    vnl_err_print(stderr, *err);
    vnl_err_free(err);
    fail();
}

struct vnl_lab *lab_of(const char *yaml, const struct vnl_lab *before)
{
    struct vnl_err *err = NULL;
    struct vnl_lab *lab = NULL;

    stop_on(vnl_lab_load_text("test.yaml", yaml, strlen(yaml), &lab, &err), &err);
    stop_on(vnl_lab_settle(lab, before, &err), &err);
    return lab;
}

struct vnl_plan *plan_of_lab(const struct vnl_lab *lab)
{
    struct vnl_err *err = NULL;
    struct vnl_plan *plan = NULL;

    stop_on(vnl_plan_build(lab, &plan, &err), &err);
    return plan;
}

struct vnl_plan *plan_of(const char *yaml)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of(yaml, NULL);

    return plan_of_lab(lab);
}

const struct vnl_route_table *table_of(const struct vnl_plan *plan, const char *vnet)
{
    for (size_t i = 0; i < plan->n_tables; i++)
        if (strcmp(plan->tables[i].name, vnet) == 0)
            return &plan->tables[i];
    fail_msg("no routes of '%s'", vnet);
    return NULL;
}

char *rows_of(const struct vnl_plan *plan, const char *vnet)
{
    const struct vnl_route_table *table = table_of(plan, vnet);
    char *text = NULL, prefix[VNL_PREFIX_STR];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; i < table->n_routes; i++) {
        const struct vnl_route *row = &table->routes[i];

        fprintf(out, "%s %s %s%s%s%s\n", row->active ? "Active" : "Invalid",
                vnl_prefix_format(&row->prefix, prefix), vnl_next_hop_str(row->type),
                row->deny_access_local ? " deny-access-local" : "",
                row->deny_access_remote ? " deny-access-remote" : "",
                row->deny_forwarded ? " deny-forwarded" : "");
    }
    fclose(out);
    return text;
}

void assert_rows(const struct vnl_plan *plan, const char *vnet, const char *expected)
{
    CLEANUP(vnl_str_free) char *rows = rows_of(plan, vnet);

    assert_string_equal(rows, expected);
}

char *print_of(const struct vnl_plan *plan)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_int_equal(vnl_plan_print(out, plan, NULL), 0);
    fclose(out);
    return text;
}
