/* VPN gateways: their public IP addresses and the route table of their subnet. Spec 2, 4. */
#include "gateway.h"
#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the implied one --------------------------------------------------------------------------------- */

/* "NAME-ip" beside the gateway, "NAME-ip-1" for its second instance; a lab that is resolved again has it already. */
static char *implied_name(const struct vnl_vpn_gateway *gateway, size_t at)
{
    char *name = NULL;

    if (at == 0)
        return asprintf(&name, "%s-ip", gateway->name) < 0 ? NULL : name;
    return asprintf(&name, "%s-ip-%zu", gateway->name, at) < 0 ? NULL : name;
}

static struct vnl_public_ip *implied_public(struct vnl_check *check, const struct vnl_vpn_gateway *gateway,
                                            size_t at)
{
    CLEANUP(vnl_str_free) char *name = implied_name(gateway, at);
    CLEANUP(vnl_str_free) char *id = NULL;
    struct vnl_public_ip *one;

    if (!name || !(id = vnl_id_format(&gateway->scope, VNL_PUBLIC_IP_TYPE, name, NULL))) {
        vnl_check_nomem(check, "public IP address");
        return NULL;
    }
    one = vnl_public_ip_lookup(check->lab, id);
    if (one && one->implied && !one->config)
        return one;
    if (one) {
        vnl_mistake(check, "InvalidTemplate", &gateway->src, gateway->id,
                    "write 'publicIPAddress: NAME' for the gateway",
                    "Virtual network gateway '%s' makes a public IP address '%s', and one is defined already",
                    gateway->name, name);
        return NULL;
    }
    one = vnl_public_ip_add(check->lab, name, &gateway->scope, &gateway->src, check->err);
    if (!one) {
        vnl_check_note(check, -ENOMEM);
        return NULL;
    }
    one->implied = true;
    one->sku = vnl_gateway_is_basic(gateway) ? VNL_SKU_BASIC : VNL_SKU_STANDARD;
    return one;
}

/* --- what it may be ---------------------------------------------------------------------------------- */

static struct vnl_public_ip *written_public(struct vnl_check *check, const struct vnl_vpn_gateway *gateway,
                                            const struct vnl_gateway_instance *instance)
{
    CLEANUP(vnl_str_free) char *who = NULL;
    struct vnl_ref ref = { .type = VNL_TYPE_PUBLIC_IP,
                           .text = instance->public_ref,
                           .src = &instance->public_src,
                           .id = gateway->id,
                           .scope = &gateway->scope };

    if (asprintf(&who, "virtual network gateway '%s'", gateway->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "virtual network gateway");
        return NULL;
    }
    ref.who = who;
    return vnl_ref_resolve(check, &ref);
}

/* Source of both codes: ARM. A gateway of SKU Basic takes Basic addresses, and by now Standard ones too. */
static bool may_have(struct vnl_check *check, const struct vnl_vpn_gateway *gateway,
                     const struct vnl_gateway_instance *instance, const struct vnl_public_ip *one)
{
    if (one->gateway == gateway)
        return vnl_mistake(check, "PublicIPAddressInUse", &instance->public_src, gateway->id,
                           "each instance has one of its own",
                           "Both instances of virtual network gateway '%s' are referencing public IP address "
                           "'%s'",
                           gateway->name, one->name) == 0;
    if (one->config || one->gateway)
        return vnl_mistake(
                   check, "PublicIPAddressInUse", &instance->public_src, gateway->id,
                   "a public IP address is attached once: make another one",
                   "Virtual network gateway '%s' is referencing public IP address '%s' that is already "
                   "allocated to %s '%s'",
                   gateway->name, one->name, one->config ? "network interface" : "virtual network gateway",
                   one->config ? one->nic->name : one->gateway->name) == 0;
    if (one->sku == VNL_SKU_BASIC && gateway->sku && vnl_gateway_sku_lookup(gateway->sku, 0) &&
        !vnl_gateway_is_basic(gateway))
        return vnl_mistake(check, "PublicIpWithBasicSkuNotAllowedOnVPNGateways", &instance->public_src,
                           gateway->id, "write 'sku: Standard' there",
                           "Basic IP configuration for VPN Virtual Network Gateways is not supported: "
                           "public IP address '%s' of gateway '%s' is Basic",
                           one->name, gateway->name) == 0;
    return true;
}

/* --- how many there are ------------------------------------------------------------------------------ */

/* Source: spec 3, 4, and 16, row 8; the codes are not known. True when it can be active-active. */
static bool check_active(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    if (!vnl_gateway_is_basic(gateway))
        return true;
    vnl_mistake(check, "BadRequest", &gateway->active_src, gateway->id,
                "active-active needs 'sku: VpnGw1' or larger, RouteBased",
                "Virtual network gateway '%s' cannot be active-active: it is %s", gateway->name,
                gateway->policy_based ? "PolicyBased" : "Basic");
    return false;
}

/* One per instance, or none. */
static void check_count(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_gateway_instance *first = &gateway->instances[0], *second = &gateway->instances[1];

    if (!gateway->active_active && second->public_ref)
        vnl_mistake(check, "BadRequest", &second->public_src, gateway->id,
                    "write 'activeActive: true', or name one public IP address",
                    "Virtual network gateway '%s' has two public IP addresses and is not active-active",
                    gateway->name);
    if (gateway->active_active && check_active(check, gateway) && first->public_ref && !second->public_ref)
        vnl_mistake(check, "BadRequest", &first->public_src, gateway->id,
                    "write 'publicIPAddress: [NAME, NAME]', or none, and the lab makes both",
                    "Virtual network gateway '%s' is active-active and has one public IP address: it needs "
                    "two",
                    gateway->name);
}

static void resolve_public(struct vnl_check *check, const struct vnl_vpn_gateway *gateway,
                           struct vnl_gateway_instance *instance)
{
    struct vnl_public_ip *one = instance->public_ref
                                    ? written_public(check, gateway, instance)
                                    : implied_public(check, gateway, (size_t)(instance - gateway->instances));

    if (!one || !may_have(check, gateway, instance, one))
        return;
    instance->public_ip = one;
    one->gateway = (struct vnl_vpn_gateway *)gateway;
}

/* Without a second one that was to be written, none is made: the mistake was said. */
static void resolve_publics(struct vnl_check *check, struct vnl_vpn_gateway *gateway)
{
    bool is_written = gateway->instances[0].public_ref;

    check_count(check, gateway);
    for (size_t i = 0; i < VNL_GATEWAY_INSTANCES; i++)
        gateway->instances[i].public_ip = NULL;
    for (size_t i = 0; i < gateway->n_instances; i++) {
        if (i == 0 || !is_written || gateway->instances[i].public_ref)
            resolve_public(check, gateway, &gateway->instances[i]);
    }
}

/* --- the route table --------------------------------------------------------------------------------- */

/* One of its public addresses that is known and in the prefix, or NULL. */
static const struct vnl_public_ip *covered_public(const struct vnl_vpn_gateway *gateway,
                                                  const struct vnl_prefix *prefix)
{
    for (size_t i = 0; i < gateway->n_instances; i++) {
        const struct vnl_public_ip *one = gateway->instances[i].public_ip;

        if (one && one->is_static && vnl_prefix_has(prefix, &one->addr))
            return one;
    }
    return NULL;
}

/* Source: spec 2: routes of the GatewaySubnet may not cover its own range or the gateway's public address. Default routes are refused in
 * udr_check.c. */
static void check_udr(struct vnl_check *check, const struct vnl_vpn_gateway *gateway,
                      const struct vnl_udr *udr)
{
    const struct vnl_public_ip *one = covered_public(gateway, &udr->prefix);
    char text[VNL_PREFIX_STR];

    if (!udr->prefix.addr.family || udr->prefix.len == 0)
        return;
    if (vnl_prefix_overlap(&udr->prefix, &gateway->subnet_prefix))
        vnl_mistake(check, "BadRequest", &gateway->subnet->route_table_src, gateway->subnet->id,
                    "name prefixes beside the subnet's own",
                    "Route table '%s' with route '%s' for %s cannot be attached to subnet '%s': the route "
                    "covers the subnet itself",
                    udr->table->name, udr->name, vnl_prefix_format(&udr->prefix, text),
                    gateway->subnet->name);
    else if (one)
        vnl_mistake(check, "BadRequest", &gateway->subnet->route_table_src, gateway->subnet->id, NULL,
                    "Route table '%s' with route '%s' for %s cannot be attached to subnet '%s': the route "
                    "covers public IP address '%s' of gateway '%s'",
                    udr->table->name, udr->name, vnl_prefix_format(&udr->prefix, text), gateway->subnet->name,
                    one->name, gateway->name);
}

void vnl_gateway_publics_resolve(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;

    for (size_t i = 0; i < lab->n_public_ips; i++)
        lab->public_ips[i]->gateway = NULL;
    for (size_t i = 0; i < lab->n_gateways; i++) {
        const struct vnl_vpn_gateway *gateway = lab->gateways[i];
        const struct vnl_udr_table *table;

        resolve_publics(check, lab->gateways[i]);
        table = gateway->subnet ? gateway->subnet->route_table : NULL;
        for (size_t k = 0; table && k < table->n_udrs; k++)
            check_udr(check, gateway, table->udrs[k]);
    }
}
