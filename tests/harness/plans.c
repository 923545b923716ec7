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
    char *text = NULL, prefix[VNL_PREFIX_STR], hop[VNL_ADDR_STR];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; i < table->n_routes; i++) {
        const struct vnl_route *row = &table->routes[i];
        bool has_hop = row->next_hop.family != AF_UNSPEC;

        fprintf(out, "%s %s %s%s%s%s%s%s\n", row->active ? "Active" : "Invalid",
                vnl_prefix_format(&row->prefix, prefix), vnl_next_hop_str(row->type), has_hop ? " " : "",
                has_hop ? vnl_addr_format(&row->next_hop, hop) : "",
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

char *tag_of(const struct vnl_plan *plan, uint32_t rules, const char *tag)
{
    const struct vnl_plan_rules *set = &plan->rules[rules];
    char *text = NULL, buf[VNL_PREFIX_STR];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; i < set->n_inbound + set->n_outbound; i++) {
        const struct vnl_plan_side *side = &set->rules[i].destination;

        if (strcmp(side->text, tag) != 0)
            continue;
        for (size_t k = 0; k < side->n_prefixes; k++)
            fprintf(out, "%s%s", k ? " " : "", vnl_prefix_format(&side->prefixes[k], buf));
        break;
    }
    fclose(out);
    return text;
}

const struct vnl_plan_nic *nic_of(const struct vnl_plan *plan, const char *vm)
{
    const struct vnl_plan_vm *found = vnl_plan_vm_lookup(plan, vm);

    if (!found)
        fail_msg("no VM '%s'", vm);
    return &plan->nics[found->nics[0]];
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

char *diff_of(const char *before, const char *after)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *old_lab = before ? lab_of(before, NULL) : NULL, *new_lab = lab_of(after, old_lab);
    CLEANUP(vnl_plan_free)
    struct vnl_plan *old = old_lab ? plan_of_lab(old_lab) : NULL, *new = plan_of_lab(new_lab);
    CLEANUP(vnl_diff_free) struct vnl_diff *diff = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_int_equal(vnl_diff_build(old, new, &diff, NULL), 0);
    vnl_diff_print(out, diff);
    fclose(out);
    return text;
}

void assert_diff(const char *before, const char *after, const char *expected)
{
    CLEANUP(vnl_str_free) char *text = diff_of(before, after);

    assert_string_equal(text, expected);
}
