/* Names and ids keep the spelling of the lab in force: ARM compares ids without case and preserves that
 * of the first creation (ARM reference, path matching). A name that only changed case is no change then, for the plan too
 * and for whoever compares ids as bytes.
 *
 * Texts that are equal without case have the same length: they are written over in place, which also suits
 * the indices that borrow them as keys. */
#include "outside.h"

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

/* Ids of children begin with the parent's, also those of new children. */
static void keep_child(const char *parent_id, char *id, char *name, const char *old_name)
{
    size_t len = strlen(id), name_len = strlen(name);

    memcpy(id, parent_id, strlen(parent_id));
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

        keep_child(vnet->id, subnet->id, subnet->name, was ? was->name : NULL);
    }
    for (size_t i = 0; i < vnet->n_peerings; i++) {
        struct vnl_peering *link = vnet->peerings[i];
        const struct vnl_peering *was = vnl_peering_lookup(old, link->name);

        keep_child(vnet->id, link->id, link->name, was ? was->name : NULL);
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

static const struct vnl_ip_config *config_by_name(const struct vnl_nic *nic, const char *name)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (strcasecmp(nic->configs[i].name, name) == 0)
            return &nic->configs[i];
    }
    return NULL;
}

static void keep_nic(struct vnl_nic *nic, const struct vnl_nic *old)
{
    keep(nic->id, old->id);
    keep(nic->name, old->name);
    for (size_t i = 0; i < nic->n_configs; i++) {
        const struct vnl_ip_config *was = config_by_name(old, nic->configs[i].name);

        keep(nic->configs[i].name, was ? was->name : NULL);
    }
}

static void keep_table(struct vnl_udr_table *table, const struct vnl_udr_table *old)
{
    keep(table->id, old->id);
    keep(table->name, old->name);
    keep_scope(&table->scope, &old->scope);
    for (size_t i = 0; i < table->n_udrs; i++) {
        struct vnl_udr *udr = table->udrs[i];
        const struct vnl_udr *was = vnl_udr_lookup(old, udr->name);

        keep_child(table->id, udr->id, udr->name, was ? was->name : NULL);
    }
}

static void keep_vm(struct vnl_vm *vm, const struct vnl_vm *old)
{
    keep(vm->id, old->id);
    keep(vm->name, old->name);
    keep_scope(&vm->scope, &old->scope);
    for (size_t i = 0; i < vm->n_nics; i++) {
        const struct vnl_nic *was = nic_by_id(old, vm->nics[i]->id);

        if (was)
            keep_nic(vm->nics[i], was);
    }
}

static void keep_top(char *id, char *name, struct vnl_scope *scope, const char *old_id, const char *old_name,
                     const struct vnl_scope *old_scope)
{
    keep(id, old_id);
    keep(name, old_name);
    keep_scope(scope, old_scope);
}

static void keep_lb(struct vnl_lb *lb, const struct vnl_lb *old)
{
    keep_top(lb->id, lb->name, &lb->scope, old->id, old->name, &old->scope);
    for (size_t i = 0; i < lb->n_frontends; i++) {
        const struct vnl_lb_frontend *was = vnl_lb_frontend_lookup(old, lb->frontends[i]->name);

        keep(lb->frontends[i]->name, was ? was->name : NULL);
    }
    for (size_t i = 0; i < lb->n_rules; i++) {
        const struct vnl_lb_rule *was = vnl_lb_rule_lookup(old, lb->rules[i]->name);

        keep(lb->rules[i]->name, was ? was->name : NULL);
    }
}

static void keep_outside(const struct vnl_lab *lab, const struct vnl_lab *before)
{
    for (size_t i = 0; i < lab->n_public_ips; i++) {
        struct vnl_public_ip *one = lab->public_ips[i];
        const struct vnl_public_ip *old = vnl_public_ip_lookup(before, one->id);

        if (old)
            keep_top(one->id, one->name, &one->scope, old->id, old->name, &old->scope);
    }
    for (size_t i = 0; i < lab->n_nat_gateways; i++) {
        struct vnl_nat_gateway *nat = lab->nat_gateways[i];
        const struct vnl_nat_gateway *old = vnl_nat_gateway_lookup(before, nat->id);

        if (old)
            keep_top(nat->id, nat->name, &nat->scope, old->id, old->name, &old->scope);
    }
    for (size_t i = 0; i < lab->n_lbs; i++) {
        const struct vnl_lb *old = vnl_lb_lookup(before, lab->lbs[i]->id);

        if (old)
            keep_lb(lab->lbs[i], old);
    }
    for (size_t i = 0; i < lab->n_hosts; i++) {
        const struct vnl_host *old = vnl_host_lookup(before, lab->hosts[i]->name);

        if (old)
            keep_child("internet/hosts/", lab->hosts[i]->id, lab->hosts[i]->name, old->name);
    }
}

static void keep_gateways(const struct vnl_lab *lab, const struct vnl_lab *before)
{
    for (size_t i = 0; i < lab->n_gateways; i++) {
        struct vnl_vpn_gateway *one = lab->gateways[i];
        const struct vnl_vpn_gateway *old = vnl_vpn_gateway_lookup(before, one->id);

        if (!old)
            continue;
        keep_top(one->id, one->name, &one->scope, old->id, old->name, &old->scope);
        for (size_t k = 0; k < VNL_GATEWAY_INSTANCES; k++)
            keep(one->instances[k].name, old->instances[k].name);
    }
    for (size_t i = 0; i < lab->n_local_gateways; i++) {
        struct vnl_local_gateway *one = lab->local_gateways[i];
        const struct vnl_local_gateway *old = vnl_local_gateway_lookup(before, one->id);

        if (old)
            keep_top(one->id, one->name, &one->scope, old->id, old->name, &old->scope);
    }
    for (size_t i = 0; i < lab->n_connections; i++) {
        struct vnl_connection *one = lab->connections[i];
        const struct vnl_connection *old = vnl_connection_lookup(before, one->id);

        if (old)
            keep_top(one->id, one->name, &one->scope, old->id, old->name, &old->scope);
    }
    for (size_t i = 0; i < lab->n_sites; i++) {
        const struct vnl_site *old = vnl_site_lookup(before, lab->sites[i]->name);

        if (old)
            keep_child("sites/", lab->sites[i]->id, lab->sites[i]->name, old->name);
    }
    for (size_t i = 0; i < lab->n_clients; i++) {
        const struct vnl_client *old = vnl_client_lookup(before, lab->clients[i]->name);

        if (old)
            keep_child("clients/", lab->clients[i]->id, lab->clients[i]->name, old->name);
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
    if (before)
        keep_outside(check->lab, before);
    if (before)
        keep_gateways(check->lab, before);
    for (size_t i = 0; before && i < check->lab->n_route_tables; i++) {
        const struct vnl_udr_table *old = vnl_udr_table_lookup(before, check->lab->route_tables[i]->id);

        if (old)
            keep_table(check->lab->route_tables[i], old);
    }
}
