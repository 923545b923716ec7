/* The registry: makes, names, finds and frees resources. Rules that look at more than one resource are in the
 * other files. */
#include "vnetlab/lab.h"

#include "gateway.h"
#include "outside.h"
#include "p2s.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a lab has that says nothing: the subscription that is nobody's, a resource group called after the lab,
 * the first region. */
#define DEFAULT_SUBSCRIPTION "00000000-0000-0000-0000-000000000000"
#define DEFAULT_GROUP_PREFIX "rg-"
#define DEFAULT_LOCATION     "eastus"
#define LAB_NAME_MAX         64u

int vnl_check_note(struct vnl_check *check, int r)
{
    if (check->result == 0)
        check->result = r;
    return r;
}

int vnl_check_nomem(struct vnl_check *check, const char *what)
{
    return vnl_check_note(check, vnl_fail(check->err, ENOMEM, "%s", what));
}

void vnl_scope_done(struct vnl_scope *scope)
{
    free(scope->subscription);
    free(scope->resource_group);
    free(scope->location);
}

static void subnet_free(struct vnl_subnet **ptr)
{
    struct vnl_subnet *subnet = TAKE_PTR(*ptr);

    if (!subnet)
        return;
    free(subnet->id);
    free(subnet->name);
    vnl_prefixes_done(&subnet->prefixes);
    free(subnet->nsg_ref);
    free(subnet->route_table_ref);
    free(subnet->nat_ref);
    free(subnet);
}

static void peering_free(struct vnl_peering **ptr)
{
    struct vnl_peering *link = TAKE_PTR(*ptr);

    if (!link)
        return;
    free(link->id);
    free(link->name);
    free(link->remote_ref);
    vnl_names_done(&link->local_subnets);
    vnl_names_done(&link->remote_subnets);
    vnl_prefixes_done(&link->remote_space);
    free(link);
}

static void vnet_free(struct vnl_vnet **ptr)
{
    struct vnl_vnet *vnet = TAKE_PTR(*ptr);

    if (!vnet)
        return;
    for (size_t i = 0; i < vnet->n_subnets; i++)
        subnet_free(&vnet->subnets[i]);
    for (size_t i = 0; i < vnet->n_peerings; i++)
        peering_free(&vnet->peerings[i]);
    free(vnet->subnets);
    free(vnet->peerings);
    free(vnet->id);
    free(vnet->name);
    vnl_scope_done(&vnet->scope);
    vnl_prefixes_done(&vnet->space);
    free(vnet->dns);
    vnl_index_free(&vnet->index);
    free(vnet);
}

static void vm_free(struct vnl_vm **ptr)
{
    struct vnl_vm *vm = TAKE_PTR(*ptr);

    if (!vm)
        return;
    for (size_t i = 0; i < vm->n_nics; i++)
        vnl_nic_free(&vm->nics[i]);
    free(vm->nics);
    free(vm->id);
    free(vm->name);
    vnl_scope_done(&vm->scope);
    vnl_names_done(&vm->run);
    free(vm);
}

static void expect_free(struct vnl_expect **ptr)
{
    struct vnl_expect *expect = TAKE_PTR(*ptr);

    if (!expect)
        return;
    free(expect->from);
    free(expect->to);
    free(expect->reason);
    free(expect);
}

static void outside_done(struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_public_ips; i++)
        vnl_public_ip_free(&lab->public_ips[i]);
    for (size_t i = 0; i < lab->n_nat_gateways; i++)
        vnl_nat_gateway_free(&lab->nat_gateways[i]);
    for (size_t i = 0; i < lab->n_lbs; i++)
        vnl_lb_free(&lab->lbs[i]);
    for (size_t i = 0; i < lab->n_hosts; i++)
        vnl_host_free(&lab->hosts[i]);
    vnl_latencies_done(lab);
    free(lab->public_ips);
    free(lab->nat_gateways);
    free(lab->lbs);
    free(lab->hosts);
}

static void gateways_done(struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_gateways; i++)
        vnl_vpn_gateway_free(&lab->gateways[i]);
    for (size_t i = 0; i < lab->n_local_gateways; i++)
        vnl_local_gateway_free(&lab->local_gateways[i]);
    for (size_t i = 0; i < lab->n_connections; i++)
        vnl_connection_free(&lab->connections[i]);
    for (size_t i = 0; i < lab->n_sites; i++)
        vnl_site_free(&lab->sites[i]);
    for (size_t i = 0; i < lab->n_clients; i++)
        vnl_client_free(&lab->clients[i]);
    free(lab->clients);
    free(lab->gateways);
    free(lab->local_gateways);
    free(lab->connections);
    free(lab->sites);
}

void vnl_lab_free(struct vnl_lab **ptr)
{
    struct vnl_lab *lab = TAKE_PTR(*ptr);

    if (!lab)
        return;
    for (size_t i = 0; i < lab->n_vnets; i++)
        vnet_free(&lab->vnets[i]);
    for (size_t i = 0; i < lab->n_vms; i++)
        vm_free(&lab->vms[i]);
    for (size_t i = 0; i < lab->n_nsgs; i++)
        vnl_nsg_free(&lab->nsgs[i]);
    for (size_t i = 0; i < lab->n_asgs; i++)
        vnl_asg_free(&lab->asgs[i]);
    for (size_t i = 0; i < lab->n_route_tables; i++)
        vnl_udr_table_free(&lab->route_tables[i]);
    outside_done(lab);
    gateways_done(lab);
    for (size_t i = 0; i < lab->n_expects; i++)
        expect_free(&lab->expects[i]);
    vnl_learned_done(&lab->learned);
    free(lab->vnets);
    free(lab->vms);
    free(lab->nsgs);
    free(lab->asgs);
    free(lab->route_tables);
    free(lab->expects);
    free(lab->name);
    free(lab->file);
    vnl_scope_done(&lab->defaults);
    vnl_index_free(&lab->index);
    free(lab);
}

/* A lab's name is a file name, and the part before the first '.' of its namespaces' names. */
static bool lab_name_ok(const char *name)
{
    static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t len = strlen(name);

    return len >= 1 && len <= LAB_NAME_MAX && strspn(name, alnum) == len && !strchr("_-", name[0]);
}

static struct vnl_lab *lab_build(const char *name)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = calloc(1, sizeof(*lab));

    if (!lab)
        return NULL;
    lab->name = strdup(name);
    lab->defaults.subscription = strdup(DEFAULT_SUBSCRIPTION);
    lab->defaults.location = strdup(DEFAULT_LOCATION);
    if (asprintf(&lab->defaults.resource_group, DEFAULT_GROUP_PREFIX "%s", name) < 0)
        lab->defaults.resource_group = NULL;
    if (!lab->name || !lab->defaults.subscription || !lab->defaults.location || !lab->defaults.resource_group)
        return NULL;
    return TAKE_PTR(lab);
}

int vnl_lab_new(const char *name, struct vnl_lab **ret, struct vnl_err **err)
{
    struct vnl_lab *lab;

    if (!lab_name_ok(name))
        return vnl_fail_at(err, EINVAL, NULL, NULL, NULL,
                           "1 to 64 letters, digits, '_' and '-'; starts with a letter or digit",
                           "lab name '%s' is invalid", name);
    lab = lab_build(name);
    if (!lab)
        return vnl_fail(err, ENOMEM, "lab '%s'", name);
    *ret = lab;
    return 0;
}

/* --- adding ------------------------------------------------------------------------------------------ */

/* Source of the code: ARM's template validation; a lab file is a template in this respect. */
bool vnl_new_check(struct vnl_check *check, const struct vnl_index *index, enum vnl_type type,
                   const char *key, const struct vnl_src *src, const char *id, const char *name)
{
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (!vnl_index_get(index, type, key, strlen(key), NULL))
        return true;
    if (asprintf(&hint, "names of %s%s are compared without case", vnl_type_str(type),
                 type == VNL_TYPE_PUBLIC_IP ? "es" : "s") < 0)
        hint = NULL;
    vnl_mistake(check, "InvalidTemplate", src, id, hint, "The %s '%s' is defined multiple times",
                vnl_type_str(type), name);
    return false;
}

void *vnl_add_failed(struct vnl_err **err, enum vnl_type type, const char *name)
{
    (void)vnl_fail(err, ENOMEM, "%s '%s'", vnl_type_str(type), name);
    return NULL;
}

static int copy_or(char **ret, const char *text, const char *fallback)
{
    text = text ? text : fallback;
    if (!text)
        return 0;
    *ret = strdup(text);
    return *ret ? 0 : -ENOMEM;
}

int vnl_scope_fill(struct vnl_scope *ret, const struct vnl_scope *written, const struct vnl_scope *defaults,
                   const char *location)
{
    static const struct vnl_scope none;

    written = written ? written : &none;
    location = written->location ? written->location : location;
    if (copy_or(&ret->subscription, written->subscription, defaults->subscription) < 0 ||
        copy_or(&ret->resource_group, written->resource_group, defaults->resource_group) < 0)
        return -ENOMEM;
    if (location && !(ret->location = vnl_location_normalize(location)))
        return -ENOMEM;
    return 0;
}

struct vnl_vnet *vnl_vnet_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                              const struct vnl_src *src, struct vnl_err **err)
{
    CLEANUP(vnet_free) struct vnl_vnet *vnet = calloc(1, sizeof(*vnet));
    struct vnl_vnet **vnets = vnl_list_grow(lab->vnets, lab->n_vnets, sizeof(*vnets));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->vnets = vnets ? vnets : lab->vnets;
    if (!vnet || !vnets || vnl_scope_fill(&vnet->scope, scope, &lab->defaults, lab->defaults.location) < 0 ||
        !(vnet->name = strdup(name)) || !(vnet->id = vnl_id_format(&vnet->scope, VNL_VNET_TYPE, name, NULL)))
        return vnl_add_failed(err, VNL_TYPE_VNET, name);
    vnet->src = src ? *src : vnet->src;
    vnet->slot = VNL_SLOT_NONE;
    vnet->number = (uint32_t)lab->n_vnets;
    vnl_name_check(&check, VNL_TYPE_VNET, name, src, vnet->id);
    if (scope)
        vnl_scope_check(&check, scope, src, vnet->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_VNET, vnet->id, src, vnet->id, name) &&
        (vnl_index_put(&lab->index, VNL_TYPE_VNET, vnet->id, vnet) < 0 ||
         vnl_index_put(&lab->index, VNL_TYPE_VNET, vnet->name, vnet) < 0))
        return vnl_add_failed(err, VNL_TYPE_VNET, name);
    return lab->vnets[lab->n_vnets++] = TAKE_PTR(vnet);
}

/* "VNET-ID/subnets/NAME" */
static char *child_id(const struct vnl_vnet *vnet, const char *type, const char *name)
{
    char *id = NULL;

    return asprintf(&id, "%s/%s/%s", vnet->id, type, name) < 0 ? NULL : id;
}

struct vnl_subnet *vnl_subnet_add(struct vnl_vnet *vnet, const char *name, const struct vnl_src *src,
                                  struct vnl_err **err)
{
    CLEANUP(subnet_free) struct vnl_subnet *subnet = calloc(1, sizeof(*subnet));
    struct vnl_subnet **subnets = vnl_list_grow(vnet->subnets, vnet->n_subnets, sizeof(*subnets));
    struct vnl_check check = { .err = err };

    vnet->subnets = subnets ? subnets : vnet->subnets;
    if (!subnet || !subnets || !(subnet->name = strdup(name)) ||
        !(subnet->id = child_id(vnet, "subnets", name)))
        return vnl_add_failed(err, VNL_TYPE_SUBNET, name);
    subnet->src = src ? *src : subnet->src;
    subnet->vnet = vnet;
    vnl_name_check(&check, VNL_TYPE_SUBNET, name, src, subnet->id);
    if (vnl_new_check(&check, vnet->index, VNL_TYPE_SUBNET, name, src, subnet->id, name) &&
        vnl_index_put(&vnet->index, VNL_TYPE_SUBNET, subnet->name, subnet) < 0)
        return vnl_add_failed(err, VNL_TYPE_SUBNET, name);
    return vnet->subnets[vnet->n_subnets++] = TAKE_PTR(subnet);
}

struct vnl_peering *vnl_peering_add(struct vnl_vnet *vnet, const char *name, const struct vnl_src *src,
                                    struct vnl_err **err)
{
    CLEANUP(peering_free) struct vnl_peering *link = calloc(1, sizeof(*link));
    struct vnl_peering **links = vnl_list_grow(vnet->peerings, vnet->n_peerings, sizeof(*links));
    struct vnl_check check = { .err = err };

    vnet->peerings = links ? links : vnet->peerings;
    if (!link || !links || !(link->name = strdup(name)) ||
        !(link->id = child_id(vnet, "virtualNetworkPeerings", name)))
        return vnl_add_failed(err, VNL_TYPE_PEERING, name);
    link->src = src ? *src : link->src;
    link->remote_src = link->src;
    link->vnet = vnet;
    link->allow_vnet_access = true; /* the portal's defaults: spec 2.9 */
    link->complete_vnets = true;
    vnl_name_check(&check, VNL_TYPE_PEERING, name, src, link->id);
    if (vnl_new_check(&check, vnet->index, VNL_TYPE_PEERING, name, src, link->id, name) &&
        vnl_index_put(&vnet->index, VNL_TYPE_PEERING, link->name, link) < 0)
        return vnl_add_failed(err, VNL_TYPE_PEERING, name);
    return vnet->peerings[vnet->n_peerings++] = TAKE_PTR(link);
}

/* A VM's name is unique in the whole lab, not only in its resource group as in ARM: it names the VM's
 * namespace. */
struct vnl_vm *vnl_vm_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                          const struct vnl_src *src, struct vnl_err **err)
{
    CLEANUP(vm_free) struct vnl_vm *vm = calloc(1, sizeof(*vm));
    struct vnl_vm **vms = vnl_list_grow(lab->vms, lab->n_vms, sizeof(*vms));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->vms = vms ? vms : lab->vms;
    if (!vm || !vms || vnl_scope_fill(&vm->scope, scope, &lab->defaults, NULL) < 0 ||
        !(vm->name = strdup(name)) || !(vm->id = vnl_id_format(&vm->scope, VNL_VM_TYPE, name, NULL)))
        return vnl_add_failed(err, VNL_TYPE_VM, name);
    vm->src = src ? *src : vm->src;
    vnl_name_check(&check, VNL_TYPE_VM, name, src, vm->id);
    if (scope)
        vnl_scope_check(&check, scope, src, vm->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_VM, name, src, vm->id, name) &&
        (vnl_index_put(&lab->index, VNL_TYPE_VM, vm->id, vm) < 0 ||
         vnl_index_put(&lab->index, VNL_TYPE_VM, vm->name, vm) < 0))
        return vnl_add_failed(err, VNL_TYPE_VM, name);
    return lab->vms[lab->n_vms++] = TAKE_PTR(vm);
}

struct vnl_expect *vnl_expect_add(struct vnl_lab *lab, const struct vnl_src *src, struct vnl_err **err)
{
    struct vnl_expect **expects = vnl_list_grow(lab->expects, lab->n_expects, sizeof(*expects));
    struct vnl_expect *expect = calloc(1, sizeof(*expect));

    lab->expects = expects ? expects : lab->expects;
    if (!expect || !expects) {
        free(expect);
        (void)vnl_fail(err, ENOMEM, "expect");
        return NULL;
    }
    expect->src = src ? *src : expect->src;
    return lab->expects[lab->n_expects++] = expect;
}

/* --- finding ----------------------------------------------------------------------------------------- */

void *vnl_index_unique(const struct vnl_index *index, enum vnl_type type, const char *key)
{
    size_t count;
    void *value = vnl_index_get(index, type, key, strlen(key), &count);

    return count == 1 ? value : NULL;
}

struct vnl_vnet *vnl_vnet_lookup(const struct vnl_lab *lab, const char *name_or_id)
{
    return vnl_index_unique(lab->index, VNL_TYPE_VNET, name_or_id);
}

struct vnl_vm *vnl_vm_lookup(const struct vnl_lab *lab, const char *name_or_id)
{
    return vnl_index_unique(lab->index, VNL_TYPE_VM, name_or_id);
}

struct vnl_subnet *vnl_subnet_lookup(const struct vnl_vnet *vnet, const char *name)
{
    return vnl_index_get(vnet->index, VNL_TYPE_SUBNET, name, strlen(name), NULL);
}

struct vnl_peering *vnl_peering_lookup(const struct vnl_vnet *vnet, const char *name)
{
    return vnl_index_get(vnet->index, VNL_TYPE_PEERING, name, strlen(name), NULL);
}

static bool nic_owns(const struct vnl_nic *nic, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (vnl_addr_eq(&nic->configs[i].addr, addr))
            return true;
    }
    return false;
}

/* vnet NULL: any. Walks all VMs. */
struct vnl_vm *vnl_vm_by_addr(const struct vnl_lab *lab, const struct vnl_vnet *vnet,
                              const struct vnl_addr *addr)
{
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            const struct vnl_nic *nic = lab->vms[i]->nics[k];

            if (nic_owns(nic, addr) && nic->subnet && (!vnet || nic->subnet->vnet == vnet))
                return lab->vms[i];
        }
    }
    return NULL;
}
