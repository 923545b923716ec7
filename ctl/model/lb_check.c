/* What a load balancer may look like: frontends, pools, and what holds among balancers and NICs. Rules of it: lb_rule_check.c.
 *
 * Where a refusal of Azure is known and its code is not, the code is BadRequest, as in peering_check.c. */
#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- frontends --------------------------------------------------------------------------------------- */

/* Source: as for network interfaces (nic.c). */
static void check_special(struct vnl_check *check, const struct vnl_lb *lb,
                          const struct vnl_lb_frontend *frontend)
{
    const struct vnl_special_subnet *special = vnl_special_subnet_lookup(frontend->subnet->name);

    if (special)
        vnl_mistake(check, special->name, &frontend->subnet_src, lb->id, NULL,
                    "Subnet with name '%s' can be used only for the %s resource, not by load balancer '%s'",
                    frontend->subnet->name, special->owner, lb->name);
}

static void check_region(struct vnl_check *check, const struct vnl_lb *lb,
                         const struct vnl_lb_frontend *frontend)
{
    const struct vnl_vnet *vnet = frontend->subnet->vnet;
    CLEANUP(vnl_str_free) char *what = NULL;
    CLEANUP(vnl_str_free) char *who = NULL;

    if (asprintf(&what, "Virtual network '%s'", vnet->name) < 0)
        what = NULL;
    if (asprintf(&who, "load balancer '%s'", lb->name) < 0)
        who = NULL;
    if (!what || !who)
        vnl_check_nomem(check, "load balancer");
    else
        (void)vnl_region_check(check, what, &vnet->scope, who, &lb->scope, &frontend->subnet_src, lb->id);
}

static void check_static(struct vnl_check *check, const struct vnl_lb *lb,
                         const struct vnl_lb_frontend *frontend)
{
    const struct vnl_prefix *prefix = vnl_subnet_prefix_of(frontend->subnet, &frontend->addr);
    char addr[VNL_ADDR_STR], text[VNL_PREFIX_STR];

    vnl_addr_format(&frontend->addr, addr);
    if (!prefix) {
        CLEANUP(vnl_str_free) char *list = vnl_prefixes_join(&frontend->subnet->prefixes);

        vnl_mistake(
            check, "PrivateIPAddressNotInSubnet", &frontend->addr_src, lb->id, NULL,
            "Private static IP address %s does not belong to the range of subnet prefix %s of subnet '%s'",
            addr, list ? list : "", frontend->subnet->name);
    } else if (vnl_addr_reserved(prefix, &frontend->addr)) {
        vnl_mistake(check, "PrivateIPAddressInReservedRange", &frontend->addr_src, lb->id,
                    "Azure keeps the first four addresses and the last one",
                    "Private static IP address %s falls within reserved IP range of subnet prefix %s", addr,
                    vnl_prefix_format(prefix, text));
    }
}

static void check_address(struct vnl_check *check, const struct vnl_lb *lb,
                          const struct vnl_lb_frontend *frontend)
{
    if (!vnl_subnet_has_family(frontend->subnet, AF_INET) && frontend->subnet->prefixes.n)
        vnl_mistake(
            check, "PrivateIPAddressNotInSubnet", &frontend->addr_src, lb->id, NULL,
            "Frontend '%s' of load balancer '%s' cannot have an IPv4 address: subnet '%s' has no IPv4 prefix",
            frontend->name, lb->name, frontend->subnet->name);
    else if (frontend->is_static)
        check_static(check, lb, frontend);
}

/* All of one VNet, as its backends are. */
static void check_vnet(struct vnl_check *check, const struct vnl_lb *lb,
                       const struct vnl_lb_frontend *frontend)
{
    const struct vnl_subnet *first = lb->frontends[0]->subnet;

    if (first && first->vnet != frontend->subnet->vnet)
        vnl_mistake(
            check, "BadRequest", &frontend->subnet_src, lb->id, "make a load balancer for each VNet",
            "Frontends of load balancer '%s' are in virtual networks '%s' and '%s': all must be in one",
            lb->name, first->vnet->name, frontend->subnet->vnet->name);
}

static void resolve_frontend(struct vnl_check *check, struct vnl_lb *lb, struct vnl_lb_frontend *frontend)
{
    CLEANUP(vnl_str_free) char *who = NULL;

    if (asprintf(&who, "load balancer '%s'", lb->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "load balancer");
        return;
    }
    frontend->subnet = frontend->subnet_ref ? vnl_subnet_ref_resolve(check, frontend->subnet_ref,
                                                                     &frontend->subnet_src, lb->id, who)
                                            : NULL;
    if (!frontend->subnet)
        return;
    check_special(check, lb, frontend);
    check_region(check, lb, frontend);
    check_vnet(check, lb, frontend);
    check_address(check, lb, frontend);
}

/* --- pools ------------------------------------------------------------------------------------------- */

static char *member_hint(const struct vnl_lab *lab, const char *ref)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };

    for (size_t i = 0; i < lab->n_vms; i++)
        (void)vnl_names_add(&names, lab->vms[i]->name);
    return vnl_did_you_mean(ref, &names);
}

static struct vnl_nic *nic_of_vm(const struct vnl_vm *vm, const char *name)
{
    for (size_t i = 0; vm && i < vm->n_nics; i++) {
        if (strcasecmp(vm->nics[i]->name, name) == 0)
            return vm->nics[i];
    }
    return NULL;
}

static struct vnl_nic *nic_by_id(const struct vnl_lab *lab, const char *id)
{
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            if (vnl_id_eq(lab->vms[i]->nics[k]->id, id))
                return lab->vms[i]->nics[k];
        }
    }
    return NULL;
}

/* A VM stands for its primary NIC. */
static struct vnl_nic *member_lookup(const struct vnl_lab *lab, const char *ref)
{
    const struct vnl_vm *vm = vnl_vm_lookup(lab, ref);
    const char *slash = strchr(ref, '/');
    CLEANUP(vnl_str_free) char *name = slash ? strndup(ref, (size_t)(slash - ref)) : NULL;

    if (vm)
        return vm->n_nics ? vm->nics[0] : NULL;
    if (ref[0] == '/')
        return nic_by_id(lab, ref);
    return name ? nic_of_vm(vnl_vm_lookup(lab, name), slash + 1) : NULL;
}

static bool have_nic(const struct vnl_lb_pool *pool, const struct vnl_nic *nic)
{
    for (size_t i = 0; i < pool->n_nics; i++) {
        if (pool->nics[i] == nic)
            return true;
    }
    return false;
}

/* The VNet of the frontends, else of the first member. */
static const struct vnl_vnet *vnet_of(const struct vnl_lb *lb, const struct vnl_lb_pool *pool)
{
    for (size_t i = 0; i < lb->n_frontends; i++) {
        if (lb->frontends[i]->subnet)
            return lb->frontends[i]->subnet->vnet;
    }
    return pool->n_nics ? pool->nics[0]->subnet->vnet : NULL;
}

static void add_member(struct vnl_check *check, const struct vnl_lb *lb, struct vnl_lb_pool *pool, size_t i)
{
    const char *ref = pool->member_refs.items[i];
    struct vnl_nic *nic = member_lookup(check->lab, ref);
    const struct vnl_vnet *vnet = vnet_of(lb, pool);
    CLEANUP(vnl_str_free) char *hint = nic ? NULL : member_hint(check->lab, ref);

    if (!nic)
        vnl_mistake(check, "InvalidResourceReference", &pool->member_srcs[i], lb->id,
                    hint ? hint : "a VM's name, or VM/NIC",
                    "The network interface '%s' referenced by backend address pool '%s/%s' was not found",
                    ref, lb->name, pool->name);
    else if (nic->subnet && vnet && nic->subnet->vnet != vnet)
        vnl_mistake(check, "BadRequest", &pool->member_srcs[i], lb->id, NULL,
                    "Network interface '%s' is in virtual network '%s' and cannot be in backend address pool "
                    "'%s/%s', which is in '%s'",
                    nic->name, nic->subnet->vnet->name, lb->name, pool->name, vnet->name);
    else if (have_nic(pool, nic))
        vnl_mistake(check, "BadRequest", &pool->member_srcs[i], lb->id, "name it once",
                    "Network interface '%s' is in backend address pool '%s/%s' twice", nic->name, lb->name,
                    pool->name);
    else if (nic->subnet)
        pool->nics[pool->n_nics++] = nic;
}

static void resolve_pool(struct vnl_check *check, const struct vnl_lb *lb, struct vnl_lb_pool *pool)
{
    free(pool->nics);
    pool->n_nics = 0;
    pool->nics = calloc(pool->member_refs.n + 1, sizeof(*pool->nics));
    if (!pool->nics) {
        vnl_check_nomem(check, "backend address pool");
        return;
    }
    for (size_t i = 0; i < pool->member_refs.n; i++)
        add_member(check, lb, pool, i);
}

/* --- SKUs -------------------------------------------------------------------------------------------- */

static const struct vnl_public_ip *public_of_other_sku(const struct vnl_nic *nic, enum vnl_sku sku)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (nic->configs[i].public_ip && nic->configs[i].public_ip->sku != sku)
            return nic->configs[i].public_ip;
    }
    return NULL;
}

static const struct vnl_lb *earlier_of_other_sku(const struct vnl_lab *lab, const struct vnl_lb *lb,
                                                 const struct vnl_nic *nic)
{
    for (uint32_t i = 0; i < lb->number; i++) {
        for (size_t k = 0; k < lab->lbs[i]->n_pools; k++) {
            if (lab->lbs[i]->sku != lb->sku && have_nic(lab->lbs[i]->pools[k], nic))
                return lab->lbs[i];
        }
    }
    return NULL;
}

/* Source of the code: Azure Load Balancer documentation, "Troubleshoot common deployment errors"; the sentence is ours: Azure's
 * speaks of availability sets. */
static void check_sku(struct vnl_check *check, const struct vnl_lb *lb, const struct vnl_lb_pool *pool,
                      const struct vnl_nic *nic)
{
    const struct vnl_public_ip *public_ip = public_of_other_sku(nic, lb->sku);
    const struct vnl_lb *other = public_ip ? NULL : earlier_of_other_sku(check->lab, lb, nic);
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (!public_ip && !other)
        return;
    if (asprintf(&hint, "write 'sku: %s' for both", vnl_sku_str(VNL_SKU_STANDARD)) < 0)
        hint = NULL;
    vnl_mistake(
        check, "DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed", &pool->src, lb->id, hint,
        "Different basic sku and standard sku load balancer or public Ip resources at network interface "
        "'%s' is not allowed: load balancer '%s' is %s, %s '%s' is %s",
        nic->name, lb->name, vnl_sku_str(lb->sku), public_ip ? "public IP address" : "load balancer",
        public_ip ? public_ip->name : other->name, vnl_sku_str(public_ip ? public_ip->sku : other->sku));
}

/* --- balancers --------------------------------------------------------------------------------------- */

/* Source: Azure Load Balancer documentation, "Troubleshoot common deployment errors". */
static void check_frontends(struct vnl_check *check, const struct vnl_lb *lb)
{
    if (lb->n_frontends == 0 && (lb->n_pools || lb->n_probes || lb->n_rules))
        vnl_mistake(check, "LoadBalancerWithoutFrontendIPCantHaveChildResources", &lb->src, lb->id,
                    "write 'frontendIPConfigurations: {fe: {subnet: VNET/SUBNET}}'",
                    "Load balancer '%s' has no frontend IP configuration", lb->name);
}

static void resolve_lb(struct vnl_check *check, struct vnl_lb *lb)
{
    check_frontends(check, lb);
    for (size_t i = 0; i < lb->n_frontends; i++)
        resolve_frontend(check, lb, lb->frontends[i]);
    for (size_t i = 0; i < lb->n_pools; i++) {
        resolve_pool(check, lb, lb->pools[i]);
        for (size_t k = 0; k < lb->pools[i]->n_nics; k++)
            check_sku(check, lb, lb->pools[i], lb->pools[i]->nics[k]);
    }
    vnl_lb_rules_resolve(check, lb);
}

void vnl_lbs_resolve(struct vnl_check *check)
{
    size_t n_rules = 0;

    for (size_t i = 0; i < check->lab->n_lbs; i++) {
        struct vnl_lb *lb = check->lab->lbs[i];

        resolve_lb(check, lb);
        if (n_rules <= VNL_LB_RULES_MAX && n_rules + lb->n_rules > VNL_LB_RULES_MAX)
            vnl_mistake(
                check, "BadRequest", &lb->src, lb->id, NULL,
                "With load balancer '%s' the lab has %zu load balancing rules; at most %u are possible",
                lb->name, n_rules + lb->n_rules, VNL_LB_RULES_MAX);
        n_rules += lb->n_rules;
    }
}
