/* vnetlab routes: the effective routes of a virtual machine's NIC, as `az network nic
 * show-effective-route-table` prints them (spec 4.8). They come from the plan, and so do the tables that
 * route packets. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmds.h"
#include "out.h"
#include "resources.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"

enum { OPT_FILE };
const struct vnl_opt vnl_routes_opts[] = {
    [OPT_FILE] = { "--file", "-f", "FILE", "of the lab that FILE describes, as if it were created now" },
    { NULL },
};

/* ARM's list has its rows under "value". */
static int print_json(const struct vnl_route_table *table, struct vnl_err **err)
{
    struct vnl_json *rows = vnl_routes_to_json(table), *value;

    if (!rows || !vnl_json_is_array(rows))
        return vnl_out_json(rows, err);
    value = vnl_json_object();
    if (vnl_json_set(value, "value", rows) < 0)
        vnl_json_free(&value);
    return vnl_out_json(value, err);
}

int vnl_cmd_routes(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_resources_done) struct vnl_resources resources = { 0 };
    const struct vnl_resource *found = NULL;
    const struct vnl_route_table *table;
    const struct vnl_plan_vm *vm;
    int r = vnl_cmd_load(args, args->values[OPT_FILE], &lab, err);

    if (r >= 0)
        r = vnl_resources_build(lab, &resources, err);
    if (r >= 0)
        r = vnl_resource_find(&resources, 1u << VNL_TYPE_VM, lab->name, args->operands[0], &found, err);
    if (r >= 0)
        r = vnl_plan_build(lab, &plan, err);
    if (r < 0)
        return r;
    vm = vnl_plan_vm_lookup(plan, found->vm->name);
    if (!vm || !vm->n_nics)
        return vnl_fail(err, ENOENT, "virtual machine '%s' has no network interface", found->vm->name);
    table = &plan->tables[plan->nics[vm->nics[0]].table];
    if (args->json)
        return print_json(table, err);
    vnl_routes_print(stdout, table);
    return VNL_EXIT_OK;
}
