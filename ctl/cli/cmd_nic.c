#include "cmd_nic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cmds.h"
#include "resources.h"

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"

static int find_by_name(const struct vnl_lab *lab, const struct vnl_plan *plan, const struct vnl_plan_vm *vm,
                        const char *word, uint32_t *ret, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };

    for (size_t i = 0; i < vm->n_nics; i++) {
        const struct vnl_plan_nic *nic = &plan->nics[vm->nics[i]];

        if (!strcasecmp(nic->name, word) || (nic->id && !strcasecmp(nic->id, word))) {
            *ret = vm->nics[i];
            return 0;
        }
        if (vnl_names_add(&names, nic->name) < 0)
            return vnl_fail(err, ENOMEM, "names of network interfaces");
    }
    return vnl_cmd_not_found(err, "network interface", word, lab->name, &names);
}

int vnl_cmd_nic_find(const struct vnl_lab *lab, const struct vnl_plan *plan, const char *vm, const char *nic,
                     uint32_t *ret, struct vnl_err **err)
{
    CLEANUP(vnl_resources_done) struct vnl_resources resources = { 0 };
    const struct vnl_resource *found = NULL;
    const struct vnl_plan_vm *planned;
    const char *name;
    int r = vnl_resources_build(lab, &resources, err);

    if (r >= 0)
        r = vnl_resource_find(&resources, VNL_GUEST_TYPES, lab->name, vm, &found, err);
    if (r < 0)
        return r;
    name = strrchr(found->name, '/') ? strrchr(found->name, '/') + 1 : found->name;
    planned = vnl_plan_vm_lookup(plan, name);
    if (!planned || !planned->n_nics)
        return vnl_fail(err, ENOENT, "virtual machine '%s' has no network interface", name);
    if (nic)
        return find_by_name(lab, plan, planned, nic, ret, err);
    *ret = planned->nics[0];
    return 0;
}

/* Without the lab nothing is learned; what is printed is what Azure has before the sessions are up. */
static void warn_of_bgp(const struct vnl_plan *plan, const char *file)
{
    for (size_t i = 0; i < plan->n_tunnels; i++) {
        if (!plan->tunnels[i].peer_asn || (!file && vnl_dp_exists(plan->lab)))
            continue;
        (void)fputs("vnetlab: routes that BGP brings are known while the lab runs, and not here\n", stderr);
        return;
    }
}

int vnl_cmd_nic_load(const struct vnl_args *args, const char *file, const char *vm, const char *nic,
                     struct vnl_cmd_nic *ret, struct vnl_err **err)
{
    int r = vnl_cmd_load(args, file, &ret->lab, err);

    if (r >= 0)
        r = vnl_plan_build(ret->lab, &ret->plan, err);
    if (r >= 0)
        r = vnl_cmd_nic_find(ret->lab, ret->plan, vm, nic, &ret->nic, err);
    if (r >= 0)
        ret->vm = &ret->plan->vms[ret->plan->nics[ret->nic].vm];
    if (r >= 0 && !args->json)
        warn_of_bgp(ret->plan, file);
    return r;
}

void vnl_cmd_nic_done(struct vnl_cmd_nic *nic)
{
    vnl_plan_free(&nic->plan);
    vnl_lab_free(&nic->lab);
}
