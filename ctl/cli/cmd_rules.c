/* vnetlab rules: the effective security rules of a virtual machine's NIC, as `az network nic list-effective-nsg` has them
 * (spec 3.9). They come from the plan, and so do the tables that packets meet. */
#include <errno.h>
#include <stdio.h>

#include "cmds.h"
#include "out.h"
#include "resources.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"

enum { OPT_FILE };
const struct vnl_opt vnl_rules_opts[] = {
    [OPT_FILE] = { "--file", "-f", "FILE", "of the lab that FILE describes, as if it were created now" },
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
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_resources_done) struct vnl_resources resources = { 0 };
    const struct vnl_resource *found = NULL;
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
    if (args->json)
        return vnl_out_json(vnl_rules_to_json(plan, vm->nics[0]), err);
    print_text(plan, vm->nics[0]);
    return VNL_EXIT_OK;
}
