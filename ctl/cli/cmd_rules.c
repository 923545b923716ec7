/* vnetlab rules: the effective security rules of a virtual machine's NIC, as `az network nic list-effective-nsg` has them
 * (spec 3.9). They come from the plan, and so do the tables that packets meet. */
#include <stdio.h>

#include "cmd_nic.h"
#include "cmds.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/plan.h"

enum { OPT_FILE, OPT_NIC };
const struct vnl_opt vnl_rules_opts[] = {
    [OPT_FILE] = OPT_FILE_OF_LAB,
    [OPT_NIC] = OPT_NIC_OF_VM,
    { NULL },
};

/* As in Azure, there is nothing to list then. */
static bool has_nsg(const struct vnl_plan_nic *nic)
{
    return nic->rules_subnet != VNL_PLAN_NO_RULES || nic->rules_nic != VNL_PLAN_NO_RULES;
}

static void print_text(const struct vnl_plan *plan, uint32_t nic)
{
    const struct vnl_plan_nic *planned = &plan->nics[nic];

    if (has_nsg(planned))
        vnl_rules_print(stdout, plan, nic);
    else
        (void)printf(
            "no network security group is associated with %s or its subnet %s: nothing is filtered\n",
            plan->vms[planned->vm].name, planned->subnet);
}

int vnl_cmd_rules(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_cmd_nic_done) struct vnl_cmd_nic of = { 0 };
    int r =
        vnl_cmd_nic_load(args, args->values[OPT_FILE], args->operands[0], args->values[OPT_NIC], &of, err);

    if (r < 0)
        return r;
    if (args->json)
        return vnl_out_json(vnl_rules_to_json(of.plan, of.nic), err);
    print_text(of.plan, of.nic);
    return VNL_EXIT_OK;
}
