/* VPN gateways: their public IP addresses and the route table of their subnet. Spec 2, 4. */
#include "gateway.h"
#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the implied one --------------------------------------------------------------------------------- */

static bool is_basic(const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_gateway_sku *sku =
        gateway->sku ? vnl_gateway_sku_lookup(gateway->sku, gateway->generation) : NULL;

    return sku && sku->basic;
}

/* "NAME-ip" beside the gateway; a lab that is resolved again has it already. */
static struct vnl_public_ip *implied_public(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    CLEANUP(vnl_str_free) char *id = NULL;
    struct vnl_public_ip *one;

    if (asprintf(&name, "%s-ip", gateway->name) < 0)
        name = NULL;
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
    one->sku = is_basic(gateway) ? VNL_SKU_BASIC : VNL_SKU_STANDARD;
    return one;
}

/* --- what it may be ---------------------------------------------------------------------------------- */

static struct vnl_public_ip *written_public(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    CLEANUP(vnl_str_free) char *who = NULL;
    struct vnl_ref ref = { .type = VNL_TYPE_PUBLIC_IP,
                           .text = gateway->public_ref,
                           .src = &gateway->public_src,
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
                     const struct vnl_public_ip *one)
{
    if (one->config || one->gateway)
        return vnl_mistake(
                   check, "PublicIPAddressInUse", &gateway->public_src, gateway->id,
                   "a public IP address is attached once: make another one",
                   "Virtual network gateway '%s' is referencing public IP address '%s' that is already "
                   "allocated to %s '%s'",
                   gateway->name, one->name, one->config ? "network interface" : "virtual network gateway",
                   one->config ? one->nic->name : one->gateway->name) == 0;
    if (one->sku == VNL_SKU_BASIC && gateway->sku && vnl_gateway_sku_lookup(gateway->sku, 0) &&
        !is_basic(gateway))
        return vnl_mistake(check, "PublicIpWithBasicSkuNotAllowedOnVPNGateways", &gateway->public_src,
                           gateway->id, "write 'sku: Standard' there",
                           "Basic IP configuration for VPN Virtual Network Gateways is not supported: "
                           "public IP address '%s' of gateway '%s' is Basic",
                           one->name, gateway->name) == 0;
    return true;
}

static void resolve_public(struct vnl_check *check, struct vnl_vpn_gateway *gateway)
{
    struct vnl_public_ip *one =
        gateway->public_ref ? written_public(check, gateway) : implied_public(check, gateway);

    gateway->public_ip = NULL;
    if (!one || !may_have(check, gateway, one))
        return;
    gateway->public_ip = one;
    one->gateway = gateway;
}

/* --- the route table --------------------------------------------------------------------------------- */

/* Source: spec 2: routes of the GatewaySubnet may not cover its own range or the gateway's public address. Default routes are refused in
 * udr_check.c. */
static void check_udr(struct vnl_check *check, const struct vnl_vpn_gateway *gateway,
                      const struct vnl_udr *udr)
{
    const struct vnl_public_ip *one = gateway->public_ip;
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
    else if (one && one->is_static && vnl_prefix_has(&udr->prefix, &one->addr))
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

        resolve_public(check, lab->gateways[i]);
        table = gateway->subnet ? gateway->subnet->route_table : NULL;
        for (size_t k = 0; table && k < table->n_udrs; k++)
            check_udr(check, gateway, table->udrs[k]);
    }
}
