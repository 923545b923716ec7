/* NAT gateways: made, found and freed, and what they may be. Spec 6.2, 1.9.
 *
 * Where a refusal of Azure is known and its code is not, the code is BadRequest, as in peering_check.c. */
#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- registry ---------------------------------------------------------------------------------------- */

void vnl_nat_gateway_free(struct vnl_nat_gateway **ptr)
{
    struct vnl_nat_gateway *nat = TAKE_PTR(*ptr);

    if (!nat)
        return;
    vnl_names_done(&nat->public_refs);
    free(nat->publics);
    free(nat->subnets);
    free(nat->id);
    free(nat->name);
    vnl_scope_done(&nat->scope);
    free(nat);
}

struct vnl_nat_gateway *vnl_nat_gateway_add(struct vnl_lab *lab, const char *name,
                                            const struct vnl_scope *scope, const struct vnl_src *src,
                                            struct vnl_err **err)
{
    CLEANUP(vnl_nat_gateway_free) struct vnl_nat_gateway *nat = calloc(1, sizeof(*nat));
    struct vnl_nat_gateway **list = vnl_list_grow(lab->nat_gateways, lab->n_nat_gateways, sizeof(*list));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->nat_gateways = list ? list : lab->nat_gateways;
    if (!nat || !list || vnl_scope_fill(&nat->scope, scope, &lab->defaults, lab->defaults.location) < 0 ||
        !(nat->name = strdup(name)) ||
        !(nat->id = vnl_id_format(&nat->scope, VNL_NAT_GATEWAY_TYPE, name, NULL)))
        return vnl_add_failed(err, VNL_TYPE_NAT_GATEWAY, name);
    nat->src = src ? *src : nat->src;
    nat->public_src = nat->src;
    nat->number = (uint32_t)lab->n_nat_gateways;
    vnl_name_check(&check, VNL_TYPE_NAT_GATEWAY, name, src, nat->id);
    if (scope)
        vnl_scope_check(&check, scope, src, nat->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_NAT_GATEWAY, nat->id, src, nat->id, name) &&
        (vnl_index_put(&lab->index, VNL_TYPE_NAT_GATEWAY, nat->id, nat) < 0 ||
         vnl_index_put(&lab->index, VNL_TYPE_NAT_GATEWAY, nat->name, nat) < 0))
        return vnl_add_failed(err, VNL_TYPE_NAT_GATEWAY, name);
    return lab->nat_gateways[lab->n_nat_gateways++] = TAKE_PTR(nat);
}

struct vnl_nat_gateway *vnl_nat_gateway_lookup(const struct vnl_lab *lab, const char *name_or_id)
{
    return vnl_index_unique(lab->index, VNL_TYPE_NAT_GATEWAY, name_or_id);
}

/* --- its addresses ----------------------------------------------------------------------------------- */

static bool have_public(const struct vnl_nat_gateway *nat, const struct vnl_public_ip *one)
{
    for (size_t i = 0; i < nat->n_publics; i++) {
        if (nat->publics[i] == one)
            return true;
    }
    return false;
}

/* Source of PublicIPAddressInUse: ARM's code and sentence. */
static bool check_public(struct vnl_check *check, const struct vnl_nat_gateway *nat,
                         const struct vnl_public_ip *one)
{
    if (one->sku == VNL_SKU_BASIC)
        return vnl_mistake(check, "BadRequest", &nat->public_src, nat->id, "write 'sku: Standard' there",
                           "NAT gateway '%s' needs Standard public IP addresses, and '%s' is Basic",
                           nat->name, one->name) == 0;
    if (one->config || one->nat || one->gateway)
        return vnl_mistake(
                   check, "PublicIPAddressInUse", &nat->public_src, nat->id,
                   "a public IP address is attached once: make another one",
                   "NAT gateway '%s' is referencing public IP address '%s' that is already allocated to "
                   "%s '%s'",
                   nat->name, one->name,
                   one->config    ? "network interface"
                   : one->gateway ? "virtual network gateway"
                                  : "NAT gateway",
                   one->config    ? one->nic->name
                   : one->gateway ? one->gateway->name
                                  : one->nat->name) == 0;
    return true;
}

static void add_public(struct vnl_check *check, struct vnl_nat_gateway *nat, const struct vnl_ref *ref)
{
    struct vnl_public_ip *one = vnl_ref_resolve(check, ref);

    if (!one || have_public(nat, one) || !check_public(check, nat, one))
        return;
    one->nat = nat;
    nat->publics[nat->n_publics++] = one;
}

static void resolve_publics(struct vnl_check *check, struct vnl_nat_gateway *nat)
{
    CLEANUP(vnl_str_free) char *who = NULL;
    struct vnl_ref ref = {
        .type = VNL_TYPE_PUBLIC_IP, .src = &nat->public_src, .id = nat->id, .scope = &nat->scope
    };

    free(nat->publics);
    nat->n_publics = 0;
    nat->publics = calloc(nat->public_refs.n + 1, sizeof(*nat->publics));
    if (asprintf(&who, "NAT gateway '%s'", nat->name) < 0)
        who = NULL;
    if (!who || !nat->publics) {
        vnl_check_nomem(check, "NAT gateway");
        return;
    }
    ref.who = who;
    for (size_t i = 0; i < nat->public_refs.n; i++) {
        ref.text = nat->public_refs.items[i];
        add_public(check, nat, &ref);
    }
}

/* Azure takes a NAT gateway without addresses, whose subnets then have no way out: nobody means that. */
static void check_count(struct vnl_check *check, const struct vnl_nat_gateway *nat)
{
    if (nat->public_refs.n == 0)
        vnl_mistake(check, "BadRequest", &nat->src, nat->id, "write 'publicIpAddresses: [NAME]'",
                    "NAT gateway '%s' has no public IP address", nat->name);
    else if (nat->public_refs.n > VNL_LIMIT_NAT_PUBLICS)
        vnl_mistake(check, "BadRequest", &nat->public_src, nat->id, NULL,
                    "NAT gateway '%s' has %zu public IP addresses; at most %u are allowed", nat->name,
                    nat->public_refs.n, VNL_LIMIT_NAT_PUBLICS);
}

/* --- its subnets ------------------------------------------------------------------------------------- */

static struct vnl_nat_gateway *resolve_ref(struct vnl_check *check, const struct vnl_subnet *subnet)
{
    CLEANUP(vnl_str_free) char *who = NULL;
    struct vnl_ref ref = { .type = VNL_TYPE_NAT_GATEWAY,
                           .text = subnet->nat_ref,
                           .src = &subnet->nat_src,
                           .id = subnet->id,
                           .scope = &subnet->vnet->scope };

    if (asprintf(&who, "subnet '%s'", subnet->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "subnet");
        return NULL;
    }
    ref.who = who;
    return vnl_ref_resolve(check, &ref);
}

/* Source: Azure NAT Gateway documentation, "NAT gateway can't be attached to a gateway subnet"; its code is not known.
 * Source of the other code and sentence: ARM, as users quote it. */
static void check_subnet(struct vnl_check *check, const struct vnl_nat_gateway *nat,
                         const struct vnl_subnet *subnet)
{
    const struct vnl_special_subnet *special = vnl_special_subnet_lookup(subnet->name);
    const struct vnl_vnet *vnet = nat->n_subnets ? nat->subnets[0]->vnet : subnet->vnet;

    if (special && strcmp(special->name, "GatewaySubnet") == 0)
        vnl_mistake(check, "BadRequest", &subnet->nat_src, subnet->id, NULL,
                    "NAT gateway '%s' cannot be associated with the gateway subnet '%s/%s'", nat->name,
                    subnet->vnet->name, subnet->name);
    if (subnet->vnet != vnet)
        vnl_mistake(
            check, "NatGatewayCannotBeUsedBySubnetsBelongingToDifferentVirtualNetworks", &subnet->nat_src,
            subnet->id, "make a NAT gateway for each virtual network",
            "NAT Gateway cannot be configured on multiple virtual networks. NAT Gateway '%s' is currently "
            "used on virtual network '%s' and cannot be added to virtual network '%s'",
            nat->name, vnet->name, subnet->vnet->name);
}

static int attach(struct vnl_nat_gateway *nat, struct vnl_subnet *subnet)
{
    struct vnl_subnet **subnets = vnl_list_grow(nat->subnets, nat->n_subnets, sizeof(*subnets));

    if (!subnets)
        return -ENOMEM;
    nat->subnets = subnets;
    nat->subnets[nat->n_subnets++] = subnet;
    return 0;
}

static void resolve_subnet(struct vnl_check *check, struct vnl_subnet *subnet)
{
    subnet->nat = NULL;
    if (!subnet->nat_ref || !(subnet->nat = resolve_ref(check, subnet)))
        return;
    check_subnet(check, subnet->nat, subnet);
    if (attach(subnet->nat, subnet) < 0)
        vnl_check_nomem(check, "NAT gateway");
}

int vnl_nat_gateways_derive(const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_public_ips; i++)
        lab->public_ips[i]->nat = NULL;
    for (size_t i = 0; i < lab->n_nat_gateways; i++) {
        lab->nat_gateways[i]->n_subnets = 0;
        for (size_t k = 0; k < lab->nat_gateways[i]->n_publics; k++)
            lab->nat_gateways[i]->publics[k]->nat = lab->nat_gateways[i];
    }
    for (size_t i = 0; i < lab->n_vnets; i++) {
        for (size_t k = 0; k < lab->vnets[i]->n_subnets; k++) {
            struct vnl_subnet *subnet = lab->vnets[i]->subnets[k];

            if (subnet->nat && attach(subnet->nat, subnet) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

/* --- beside Basic resources -------------------------------------------------------------------------- */

/* Source of code and sentence: ARM, as users quote it. */
static void mistake_basic(struct vnl_check *check, const struct vnl_subnet *subnet, const char *what,
                          const char *name)
{
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (asprintf(&hint, "write 'sku: Standard' for %s '%s'", what, name) < 0)
        hint = NULL;
    vnl_mistake(
        check, "SubnetWithNatGatewayAndBasicSkuResourceNotAllowed", &subnet->nat_src, subnet->id, hint,
        "NAT Gateway cannot be deployed on subnet containing Basic SKU Public IP addresses or Basic SKU "
        "Load Balancer: subnet '%s/%s' has %s '%s'",
        subnet->vnet->name, subnet->name, what, name);
}

static void check_nic(struct vnl_check *check, const struct vnl_nic *nic)
{
    for (size_t i = 0; nic->subnet && nic->subnet->nat && i < nic->n_configs; i++) {
        const struct vnl_public_ip *one = nic->configs[i].public_ip;

        if (one && one->sku == VNL_SKU_BASIC)
            mistake_basic(check, nic->subnet, "public IP address", one->name);
    }
}

static void check_balancer(struct vnl_check *check, const struct vnl_lb *lb)
{
    for (size_t i = 0; lb->sku == VNL_SKU_BASIC && i < lb->n_frontends; i++) {
        if (lb->frontends[i]->subnet && lb->frontends[i]->subnet->nat)
            mistake_basic(check, lb->frontends[i]->subnet, "load balancer", lb->name);
    }
}

void vnl_nat_gateways_resolve(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;

    for (size_t i = 0; i < lab->n_nat_gateways; i++) {
        lab->nat_gateways[i]->n_subnets = 0;
        check_count(check, lab->nat_gateways[i]);
        resolve_publics(check, lab->nat_gateways[i]);
    }
    for (size_t i = 0; i < lab->n_vnets; i++) {
        for (size_t k = 0; k < lab->vnets[i]->n_subnets; k++)
            resolve_subnet(check, lab->vnets[i]->subnets[k]);
    }
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++)
            check_nic(check, lab->vms[i]->nics[k]);
    }
    for (size_t i = 0; i < lab->n_lbs; i++)
        check_balancer(check, lab->lbs[i]);
}
