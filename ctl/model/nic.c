/* VMs and their NICs: references, and what holds between the NICs of a VM. Spec 1.4, 1.9. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Subnets of the whole lab by bare name: "default" is a reference when one VNet has it. */
static int index_subnets(const struct vnl_lab *lab, struct vnl_index **ret)
{
    for (size_t i = 0; i < lab->n_vnets; i++) {
        for (size_t k = 0; k < lab->vnets[i]->n_subnets; k++) {
            struct vnl_subnet *subnet = lab->vnets[i]->subnets[k];

            if (vnl_index_put(ret, VNL_TYPE_SUBNET, subnet->name, subnet) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

/* --- reference to the subnet ------------------------------------------------------------------------- */

static struct vnl_vnet *vnet_of_text(const struct vnl_lab *lab, const char *text, size_t len)
{
    size_t count;
    struct vnl_vnet *vnet = vnl_index_get(lab->index, VNL_TYPE_VNET, text, len, &count);

    return count == 1 ? vnet : NULL;
}

/* ref: full id, or "vnet/subnet". Both end in the subnet's name; what stands before names the VNet. */
static struct vnl_subnet *subnet_of_path(const struct vnl_lab *lab, const char *ref)
{
    const char *name = strrchr(ref, '/') + 1;
    size_t vnet_len = (size_t)(name - 1 - ref);
    const struct vnl_vnet *vnet;

    if (ref[0] == '/' && !vnl_id_matches(ref, VNL_SUBNET_ID_FORM))
        return NULL;
    if (ref[0] == '/')
        vnet_len -= strlen("/subnets");
    vnet = vnet_of_text(lab, ref, vnet_len);
    return vnet ? vnl_subnet_lookup(vnet, name) : NULL;
}

static struct vnl_subnet *subnet_of_ref(const struct vnl_lab *lab, const struct vnl_index *subnets,
                                        const char *ref)
{
    struct vnl_subnet *subnet;
    size_t count;

    if (strchr(ref, '/'))
        return subnet_of_path(lab, ref);
    subnet = vnl_index_get(subnets, VNL_TYPE_SUBNET, ref, strlen(ref), &count);
    return count == 1 ? subnet : NULL;
}

/* What can be written for a subnet: its id, "vnet/subnet" or its bare name, as `ref` is. */
static int add_candidate(struct vnl_names *names, const char *ref, const struct vnl_subnet *subnet)
{
    CLEANUP(vnl_str_free) char *path = NULL;

    if (ref[0] == '/')
        return vnl_names_add(names, subnet->id);
    if (!strchr(ref, '/'))
        return vnl_names_add(names, subnet->name);
    if (asprintf(&path, "%s/%s", subnet->vnet->name, subnet->name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    return vnl_names_add(names, path);
}

static char *subnet_hint(const struct vnl_lab *lab, const char *ref)
{
    struct vnl_names names = { 0 };
    char *hint;

    for (size_t i = 0; i < lab->n_vnets; i++) {
        for (size_t k = 0; k < lab->vnets[i]->n_subnets; k++)
            (void)add_candidate(&names, ref, lab->vnets[i]->subnets[k]);
    }
    hint = vnl_did_you_mean(ref, &names);
    vnl_names_done(&names);
    return hint;
}

/* "write one of a/default, b/default" */
static char *ambiguous_hint(const struct vnl_lab *lab, const char *ref)
{
    struct vnl_names names = { 0 };
    CLEANUP(vnl_str_free) char *list = NULL;
    char *hint = NULL;

    for (size_t i = 0; i < lab->n_vnets; i++) {
        const struct vnl_subnet *subnet = vnl_subnet_lookup(lab->vnets[i], ref);

        if (subnet)
            (void)add_candidate(&names, "vnet/subnet", subnet);
    }
    list = vnl_names_join(&names, 5);
    vnl_names_done(&names);
    if (!list || asprintf(&hint, "write one of %s", list) < 0)
        return NULL;
    return hint;
}

static void mistake_ref(struct vnl_check *check, const struct vnl_nic *nic, const struct vnl_index *subnets)
{
    const char *ref = nic->subnet_ref;
    CLEANUP(vnl_str_free) char *hint = NULL;
    size_t count;

    vnl_index_get(subnets, VNL_TYPE_SUBNET, ref, strlen(ref), &count);
    hint = count > 1 ? ambiguous_hint(check->lab, ref) : subnet_hint(check->lab, ref);
    if (count > 1)
        vnl_mistake(check, "InvalidResourceReference", &nic->subnet_src, nic->id, hint,
                    "%zu subnets are called '%s'", count, ref);
    else if (ref[0] == '/' && !vnl_id_matches(ref, VNL_SUBNET_ID_FORM))
        vnl_mistake(check, "InvalidRequestFormat", &nic->subnet_src, nic->id,
                    "the form is " VNL_SUBNET_ID_FORM, "Reference Id %s is not formatted correctly", ref);
    else
        vnl_mistake(check, "InvalidResourceReference", &nic->subnet_src, nic->id, hint,
                    "Subnet '%s' referenced by network interface '%s' was not found", ref, nic->name);
}

/* Source of code and sentence: observed for AzureBastionSubnet; the others by analogy (spec 1.9 says "no
 * VMs"). */
static void check_special(struct vnl_check *check, const struct vnl_nic *nic)
{
    const struct vnl_special_subnet *special = vnl_special_subnet_lookup(nic->subnet->name);
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (!special)
        return;
    if (strcmp(special->name, nic->subnet->name) != 0 &&
        asprintf(&hint, "'%s' is Azure's %s: names are compared without case", nic->subnet->name,
                 special->name) < 0)
        hint = NULL;
    vnl_mistake(check, special->name, &nic->subnet_src, nic->id, hint,
                "Subnet with name '%s' can be used only for the %s resource, not by network interface '%s'",
                nic->subnet->name, special->owner, nic->name);
}

static void resolve_subnet(struct vnl_check *check, struct vnl_nic *nic, const struct vnl_index *subnets)
{
    nic->subnet = nic->subnet_ref ? subnet_of_ref(check->lab, subnets, nic->subnet_ref) : NULL;
    if (!nic->subnet_ref)
        vnl_mistake(check, "InvalidRequestFormat", &nic->src, nic->id, NULL,
                    "Network interface '%s' names no subnet", nic->name);
    else if (!nic->subnet)
        mistake_ref(check, nic, subnets);
    else
        check_special(check, nic);
}

/* --- VMs --------------------------------------------------------------------------------------------- */

/* A VM lives where its VNet does. One that was written elsewhere cannot be: ARM's sentence for references
 * between regions. */
static void resolve_location(struct vnl_check *check, struct vnl_vm *vm)
{
    const struct vnl_subnet *subnet = vm->n_nics ? vm->nics[0]->subnet : NULL;
    const char *location = subnet ? subnet->vnet->scope.location : check->lab->defaults.location;

    if (!vm->scope.location) {
        vm->scope.location = vnl_location_normalize(location);
        if (!vm->scope.location)
            vnl_check_nomem(check, "virtual machine");
    } else if (subnet && strcmp(vm->scope.location, location) != 0) {
        vnl_mistake(check, "InvalidResourceReference", &vm->src, vm->id, "leave the VM's location out",
                    "Virtual network '%s' referenced by virtual machine '%s' was not found in %s: it is in "
                    "%s, and both "
                    "must be in the same region",
                    subnet->vnet->name, vm->name, vm->scope.location, location);
    }
}

static void check_one_vnet(struct vnl_check *check, const struct vnl_vm *vm)
{
    const struct vnl_subnet *first = vm->n_nics ? vm->nics[0]->subnet : NULL;

    for (size_t i = 1; first && i < vm->n_nics; i++) {
        const struct vnl_nic *nic = vm->nics[i];

        if (nic->subnet && nic->subnet->vnet != first->vnet)
            vnl_mistake(check, "SubnetsNotInSameVnet", &nic->subnet_src, nic->id, NULL,
                        "Network interface '%s' is in virtual network '%s', the others of virtual machine "
                        "'%s' are in "
                        "'%s'",
                        nic->name, nic->subnet->vnet->name, vm->name, first->vnet->name);
    }
}

static void check_nic_new(struct vnl_check *check, struct vnl_nic *nic, struct vnl_index **nics)
{
    if (vnl_index_get(*nics, VNL_TYPE_NIC, nic->id, strlen(nic->id), NULL))
        vnl_mistake(check, "InvalidTemplate", &nic->src, nic->id, NULL,
                    "The network interface '%s' is defined multiple times", nic->name);
    else if (vnl_index_put(nics, VNL_TYPE_NIC, nic->id, nic) < 0)
        vnl_check_nomem(check, "network interface");
}

static void resolve_nic(struct vnl_check *check, struct vnl_nic *nic, const struct vnl_index *subnets)
{
    resolve_subnet(check, nic, subnets);
    vnl_nic_configs_complete(check, nic);
    if (nic->subnet)
        vnl_nic_configs_check(check, nic);
}

/* The primary NIC comes first: the one that says so, else the first. */
static void resolve_primary(struct vnl_check *check, struct vnl_vm *vm)
{
    size_t primary = vm->n_nics;
    struct vnl_nic *nic;

    for (size_t i = 0; i < vm->n_nics; i++) {
        if (vm->nics[i]->primary && primary < vm->n_nics)
            vnl_mistake(check, "BadRequest", &vm->nics[i]->src, vm->id, NULL,
                        "Virtual machine '%s' has two primary network interfaces, '%s' and '%s'", vm->name,
                        vm->nics[primary]->name, vm->nics[i]->name);
        else if (vm->nics[i]->primary)
            primary = i;
    }
    primary = primary < vm->n_nics ? primary : 0;
    nic = vm->nics[primary];
    memmove(&vm->nics[1], &vm->nics[0], primary * sizeof(*vm->nics));
    vm->nics[0] = nic;
    for (size_t i = 0; i < vm->n_nics; i++)
        vm->nics[i]->primary = i == 0;
}

static void resolve_vm(struct vnl_check *check, struct vnl_vm *vm, const struct vnl_index *subnets,
                       struct vnl_index **nics)
{
    for (size_t i = 0; i < vm->n_nics; i++) {
        check_nic_new(check, vm->nics[i], nics);
        resolve_nic(check, vm->nics[i], subnets);
    }
    if (vm->n_nics == 0)
        vnl_mistake(check, "InvalidRequestFormat", &vm->src, vm->id, NULL,
                    "Virtual machine '%s' has no network interface", vm->name);
    else
        resolve_primary(check, vm);
    if (vm->n_nics > VNL_LIMIT_VM_NICS)
        vnl_mistake(check, "BadRequest", &vm->nics[VNL_LIMIT_VM_NICS]->src, vm->id,
                    "the largest sizes of Azure's VMs have 8",
                    "Virtual machine '%s' has %zu network interfaces; at most %u are allowed", vm->name,
                    vm->n_nics, VNL_LIMIT_VM_NICS);
}

void vnl_nics_resolve(struct vnl_check *check)
{
    CLEANUP(vnl_index_free) struct vnl_index *subnets = NULL;
    CLEANUP(vnl_index_free) struct vnl_index *nics = NULL;

    if (index_subnets(check->lab, &subnets) < 0)
        vnl_check_nomem(check, "subnets");
    for (size_t i = 0; i < check->lab->n_vms; i++) {
        struct vnl_vm *vm = check->lab->vms[i];

        resolve_vm(check, vm, subnets, &nics);
        resolve_location(check, vm);
        check_one_vnet(check, vm);
    }
}
