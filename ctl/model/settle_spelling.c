/* Names and ids keep the spelling of the lab in force: ARM compares ids without case and preserves that
 * of the first creation (ARM reference, path matching). A name that only changed case is no change then, for the plan too
 * and for whoever compares ids as bytes.
 *
 * Texts that are equal without case have the same length: they are written over in place, which also suits
 * the indices that borrow them as keys. */
#include "model.h"

#include <string.h>
#include <strings.h>

static void keep(char *text, const char *old)
{
    if (text && old && strcasecmp(text, old) == 0)
        memcpy(text, old, strlen(old));
}

static void keep_scope(struct vnl_scope *scope, const struct vnl_scope *old)
{
    keep(scope->subscription, old->subscription);
    keep(scope->resource_group, old->resource_group);
}

/* Ids of children begin with the VNet's, also those of new children. */
static void keep_child(const struct vnl_vnet *vnet, char *id, char *name, const char *old_name)
{
    size_t len = strlen(id), name_len = strlen(name);

    memcpy(id, vnet->id, strlen(vnet->id));
    keep(name, old_name);
    memcpy(id + len - name_len, name, name_len);
}

static void keep_vnet(struct vnl_vnet *vnet, const struct vnl_vnet *old)
{
    keep(vnet->id, old->id);
    keep(vnet->name, old->name);
    keep_scope(&vnet->scope, &old->scope);
    for (size_t i = 0; i < vnet->n_subnets; i++) {
        struct vnl_subnet *subnet = vnet->subnets[i];
        const struct vnl_subnet *was = vnl_subnet_lookup(old, subnet->name);

        keep_child(vnet, subnet->id, subnet->name, was ? was->name : NULL);
    }
    for (size_t i = 0; i < vnet->n_peerings; i++) {
        struct vnl_peering *link = vnet->peerings[i];
        const struct vnl_peering *was = vnl_peering_lookup(old, link->name);

        keep_child(vnet, link->id, link->name, was ? was->name : NULL);
    }
}

static const struct vnl_nic *nic_by_id(const struct vnl_vm *vm, const char *id)
{
    for (size_t i = 0; i < vm->n_nics; i++) {
        if (vnl_id_eq(vm->nics[i]->id, id))
            return vm->nics[i];
    }
    return NULL;
}

static void keep_vm(struct vnl_vm *vm, const struct vnl_vm *old)
{
    keep(vm->id, old->id);
    keep(vm->name, old->name);
    keep_scope(&vm->scope, &old->scope);
    for (size_t i = 0; i < vm->n_nics; i++) {
        const struct vnl_nic *was = nic_by_id(old, vm->nics[i]->id);

        keep(vm->nics[i]->id, was ? was->id : NULL);
        keep(vm->nics[i]->name, was ? was->name : NULL);
    }
}

void vnl_settle_spelling(struct vnl_check *check)
{
    const struct vnl_lab *before = check->before;

    for (size_t i = 0; before && i < check->lab->n_vnets; i++) {
        const struct vnl_vnet *old = vnl_vnet_lookup(before, check->lab->vnets[i]->id);

        if (old)
            keep_vnet(check->lab->vnets[i], old);
    }
    for (size_t i = 0; before && i < check->lab->n_vms; i++) {
        const struct vnl_vm *old = vnl_vm_lookup(before, check->lab->vms[i]->id);

        if (old)
            keep_vm(check->lab->vms[i], old);
    }
}
