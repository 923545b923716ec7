/* VPN gateways: made, found and freed; their VNet, subnet and SKU. Spec 1.1, 2, 3, 4.
 *
 * Where a refusal of Azure is known and its code is not, the code is BadRequest, as in peering_check.c. */
#include "gateway.h"
#include "outside.h"
#include "p2s.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ASN_DEFAULT 65515u /* spec 9.1 */

/* --- registry ---------------------------------------------------------------------------------------- */

void vnl_vpn_gateway_free(struct vnl_vpn_gateway **ptr)
{
    struct vnl_vpn_gateway *gateway = TAKE_PTR(*ptr);

    if (!gateway)
        return;
    free(gateway->id);
    free(gateway->name);
    vnl_scope_done(&gateway->scope);
    free(gateway->vnet_ref);
    free(gateway->sku);
    for (size_t i = 0; i < VNL_GATEWAY_INSTANCES; i++) {
        free(gateway->instances[i].name);
        free(gateway->instances[i].public_ref);
    }
    free(gateway->default_site_ref);
    vnl_p2s_free(&gateway->p2s);
    vnl_prefixes_done(&gateway->custom_routes);
    free(gateway);
}

static void set_sources(struct vnl_vpn_gateway *gateway, const struct vnl_src *src)
{
    gateway->src = src ? *src : gateway->src;
    gateway->vnet_src = gateway->src;
    gateway->sku_src = gateway->src;
    gateway->active_src = gateway->bgp_src = gateway->src;
    for (size_t i = 0; i < VNL_GATEWAY_INSTANCES; i++)
        gateway->instances[i].public_src = gateway->src;
    gateway->default_site_src = gateway->src;
}

/* 0 or -ENOMEM. */
static int name_guests(struct vnl_vpn_gateway *gateway)
{
    gateway->instances[0].name = strdup(gateway->name);
    for (size_t i = 1; i < VNL_GATEWAY_INSTANCES; i++) {
        if (asprintf(&gateway->instances[i].name, "%s.%zu", gateway->name, i) < 0)
            gateway->instances[i].name = NULL;
        if (!gateway->instances[i].name)
            return -ENOMEM;
    }
    return gateway->instances[0].name ? 0 : -ENOMEM;
}

/* Without a location of its own it is where its VNet is. */
struct vnl_vpn_gateway *vnl_vpn_gateway_add(struct vnl_lab *lab, const char *name,
                                            const struct vnl_scope *scope, const struct vnl_src *src,
                                            struct vnl_err **err)
{
    CLEANUP(vnl_vpn_gateway_free) struct vnl_vpn_gateway *gateway = calloc(1, sizeof(*gateway));
    struct vnl_vpn_gateway **list = vnl_list_grow(lab->gateways, lab->n_gateways, sizeof(*list));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->gateways = list ? list : lab->gateways;
    if (!gateway || !list || vnl_scope_fill(&gateway->scope, scope, &lab->defaults, NULL) < 0 ||
        !(gateway->name = strdup(name)) || name_guests(gateway) < 0 ||
        !(gateway->id = vnl_id_format(&gateway->scope, VNL_VPN_GATEWAY_TYPE, name, NULL)))
        return vnl_add_failed(err, VNL_TYPE_VPN_GATEWAY, name);
    set_sources(gateway, src);
    gateway->number = (uint32_t)lab->n_gateways;
    gateway->asn = ASN_DEFAULT;
    gateway->n_instances = 1;
    for (size_t i = 0; i < VNL_GATEWAY_INSTANCES; i++)
        gateway->instances[i].in_slot = gateway->instances[i].out_slot = VNL_SLOT_NONE;
    vnl_name_check(&check, VNL_TYPE_VPN_GATEWAY, name, src, gateway->id);
    if (scope)
        vnl_scope_check(&check, scope, src, gateway->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_VPN_GATEWAY, gateway->id, src, gateway->id, name) &&
        (vnl_index_put(&lab->index, VNL_TYPE_VPN_GATEWAY, gateway->id, gateway) < 0 ||
         vnl_index_put(&lab->index, VNL_TYPE_VPN_GATEWAY, gateway->name, gateway) < 0))
        return vnl_add_failed(err, VNL_TYPE_VPN_GATEWAY, name);
    return lab->gateways[lab->n_gateways++] = TAKE_PTR(gateway);
}

struct vnl_vpn_gateway *vnl_vpn_gateway_lookup(const struct vnl_lab *lab, const char *name_or_id)
{
    return vnl_index_unique(lab->index, VNL_TYPE_VPN_GATEWAY, name_or_id);
}

/* --- its VNet ---------------------------------------------------------------------------------------- */

static void take_location(struct vnl_check *check, struct vnl_vpn_gateway *gateway)
{
    if (gateway->scope.location || !gateway->vnet->scope.location)
        return;
    gateway->scope.location = strdup(gateway->vnet->scope.location);
    if (!gateway->scope.location)
        vnl_check_nomem(check, "virtual network gateway");
}

/* Source of code and form: Azure's answer when the subnet is not there (spec 15). */
static void mistake_no_subnet(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    vnl_mistake(check, "InvalidResourceReference", &gateway->vnet_src, gateway->id,
                "add a subnet of this name, /29 or larger; /27 is advised",
                "Resource %s/subnets/" VNL_GATEWAY_SUBNET " referenced by resource %s was not found",
                gateway->vnet->id, gateway->id);
}

static const struct vnl_prefix *ipv4_prefix(const struct vnl_subnet *subnet)
{
    for (size_t i = 0; i < subnet->prefixes.n; i++) {
        if (subnet->prefixes.items[i].addr.family == AF_INET)
            return &subnet->prefixes.items[i];
    }
    return NULL;
}

static void resolve_subnet(struct vnl_check *check, struct vnl_vpn_gateway *gateway)
{
    const struct vnl_prefix *prefix;

    gateway->subnet = vnl_subnet_lookup(gateway->vnet, VNL_GATEWAY_SUBNET);
    if (!gateway->subnet) {
        mistake_no_subnet(check, gateway);
        return;
    }
    prefix = ipv4_prefix(gateway->subnet);
    if (prefix)
        gateway->subnet_prefix = *prefix;
    else if (gateway->subnet->prefixes.n)
        vnl_mistake(check, "BadRequest", &gateway->vnet_src, gateway->id, NULL,
                    "Virtual network gateway '%s' needs an IPv4 prefix in subnet '%s/%s'", gateway->name,
                    gateway->vnet->name, gateway->subnet->name);
}

static void resolve_vnet(struct vnl_check *check, struct vnl_vpn_gateway *gateway)
{
    CLEANUP(vnl_str_free) char *who = NULL;
    struct vnl_ref ref = { .type = VNL_TYPE_VNET,
                           .text = gateway->vnet_ref,
                           .src = &gateway->vnet_src,
                           .id = gateway->id,
                           .scope = &gateway->scope };

    gateway->vnet = NULL;
    gateway->subnet = NULL;
    if (asprintf(&who, "virtual network gateway '%s'", gateway->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "virtual network gateway");
        return;
    }
    ref.who = who;
    gateway->vnet = gateway->vnet_ref ? vnl_ref_resolve(check, &ref) : NULL;
    if (!gateway->vnet)
        return;
    take_location(check, gateway);
    resolve_subnet(check, gateway);
}

/* Source: Azure documentation, "one VPN gateway per virtual network"; the code is not known. */
static void enter(struct vnl_check *check, struct vnl_vpn_gateway *gateway)
{
    struct vnl_vnet *vnet = gateway->vnet;

    if (!vnet)
        return;
    if (vnet->gateway)
        vnl_mistake(check, "BadRequest", &gateway->vnet_src, gateway->id,
                    "a virtual network has one VPN gateway: connect more to that one",
                    "Virtual network gateway '%s' cannot be in virtual network '%s': gateway '%s' is there",
                    gateway->name, vnet->name, vnet->gateway->name);
    else
        vnet->gateway = gateway;
}

/* --- its SKU ----------------------------------------------------------------------------------------- */

static bool is_express_route(const char *sku)
{
    return strncasecmp(sku, "ErGw", 4) == 0 || strcasecmp(sku, "UltraPerformance") == 0;
}

static void mistake_sku(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    static const char *const names[] = { "Basic",    "VpnGw1",   "VpnGw2",   "VpnGw3",   "VpnGw4",  "VpnGw5",
                                         "VpnGw1AZ", "VpnGw2AZ", "VpnGw3AZ", "VpnGw4AZ", "VpnGw5AZ" };
    const char *near = vnl_nearest(gateway->sku, names, ARRAY_SIZE(names));
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (near ? asprintf(&hint, "did you mean '%s'?", near) < 0
             : asprintf(&hint, "Basic, VpnGw1 to VpnGw5, VpnGw1AZ to VpnGw5AZ") < 0)
        hint = NULL;
    vnl_mistake(check, "BadRequest", &gateway->sku_src, gateway->id, hint,
                is_express_route(gateway->sku)
                    ? "Virtual network gateway '%s' cannot be %s: ExpressRoute is not supported yet"
                    : "Virtual network gateway '%s' cannot be %s: there is no such SKU of VPN gateways",
                gateway->name, gateway->sku);
}

/* Generation 2 is VpnGw2 and larger, VpnGw4 and 5 only that; without one written, the SKU's first. */
static void resolve_sku(struct vnl_check *check, struct vnl_vpn_gateway *gateway)
{
    const struct vnl_gateway_sku *any = vnl_gateway_sku_lookup(gateway->sku, 0);
    const struct vnl_gateway_sku *sku = vnl_gateway_sku_lookup(gateway->sku, gateway->generation);

    if (!any) {
        mistake_sku(check, gateway);
        return;
    }
    if (!sku) {
        vnl_mistake(check, "BadRequest", &gateway->sku_src, gateway->id,
                    "Generation1: Basic, VpnGw1 to VpnGw3; Generation2: VpnGw2 to VpnGw5; AZ likewise",
                    "Virtual network gateway '%s' cannot be %s and Generation%d: that SKU is Generation%d",
                    gateway->name, any->name, gateway->generation, any->generation);
        return;
    }
    memcpy(gateway->sku, sku->name, strlen(sku->name)); /* as Azure spells it */
    gateway->generation = sku->generation;
}

/* Source: Azure documentation, "About VPN devices": PolicyBased is Basic only. */
static void check_type(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_gateway_sku *sku = vnl_gateway_sku_lookup(gateway->sku, 0);

    if (gateway->policy_based && sku && !sku->basic)
        vnl_mistake(check, "BadRequest", &gateway->sku_src, gateway->id,
                    "write 'sku: Basic' or 'vpnType: RouteBased'",
                    "Virtual network gateway '%s' cannot be PolicyBased and %s: PolicyBased is for SKU Basic",
                    gateway->name, sku->name);
}

void vnl_gateways_resolve(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;

    for (size_t i = 0; i < lab->n_vnets; i++)
        lab->vnets[i]->gateway = NULL;
    for (size_t i = 0; i < lab->n_gateways; i++) {
        lab->gateways[i]->n_instances = lab->gateways[i]->active_active ? VNL_GATEWAY_INSTANCES : 1;
        resolve_vnet(check, lab->gateways[i]);
        enter(check, lab->gateways[i]);
        if (lab->gateways[i]->sku) {
            resolve_sku(check, lab->gateways[i]);
            check_type(check, lab->gateways[i]);
        }
        vnl_bgp_check_gateway(check, lab->gateways[i]);
    }
}

/* --- derived ----------------------------------------------------------------------------------------- */

static void derive_prefix(struct vnl_vpn_gateway *gateway)
{
    const struct vnl_prefix *prefix = vnl_subnet_prefix_of(gateway->subnet, &gateway->instances[0].inner);

    if (prefix)
        gateway->subnet_prefix = *prefix;
}

static void derive_instance(struct vnl_vpn_gateway *gateway, struct vnl_gateway_instance *instance)
{
    instance->public_ip->gateway = gateway;
    instance->in_mac = vnl_mac_of_slot(instance->in_slot);
    instance->out_mac = vnl_mac_of_slot(instance->out_slot);
}

void vnl_gateways_derive(const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_vnets; i++)
        lab->vnets[i]->gateway = NULL;
    for (size_t i = 0; i < lab->n_public_ips; i++)
        lab->public_ips[i]->gateway = NULL;
    for (size_t i = 0; i < lab->n_gateways; i++) {
        struct vnl_vpn_gateway *gateway = lab->gateways[i];

        gateway->vnet->gateway = gateway;
        derive_prefix(gateway);
        for (size_t k = 0; k < gateway->n_instances; k++)
            derive_instance(gateway, &gateway->instances[k]);
    }
    vnl_connections_pair(lab);
    for (size_t i = 0; i < lab->n_sites; i++) {
        struct vnl_site *site = lab->sites[i];

        site->inner = vnl_site_inner(site);
        site->in_mac = vnl_mac_of_slot(site->in_slot);
        site->out_mac = vnl_mac_of_slot(site->out_slot);
        for (size_t k = 0; k < site->n_hosts; k++)
            site->hosts[k]->mac = vnl_mac_of_slot(site->hosts[k]->slot);
    }
}
