/* vnetlab routes: the effective routes of a virtual machine's NIC, as `az network nic
 * show-effective-route-table` prints them (spec 4.8). They come from the plan, and so do the tables that
 * route packets. */
#include <stdio.h>

#include "cmd_nic.h"
#include "cmds.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/plan.h"

enum { OPT_FILE, OPT_NIC };
const struct vnl_opt vnl_routes_opts[] = {
    [OPT_FILE] = OPT_FILE_OF_LAB,
    [OPT_NIC] = OPT_NIC_OF_VM,
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
    CLEANUP(vnl_cmd_nic_done) struct vnl_cmd_nic of = { 0 };
    const struct vnl_route_table *table;
    int r =
        vnl_cmd_nic_load(args, args->values[OPT_FILE], args->operands[0], args->values[OPT_NIC], &of, err);

    if (r < 0)
        return r;
    table = &of.plan->tables[of.plan->nics[of.nic].table];
    if (args->json)
        return print_json(table, err);
    vnl_routes_print(stdout, table);
    return VNL_EXIT_OK;
}
