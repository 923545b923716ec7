/* virtualNetworkGateways and localNetworkGateways. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SKU_DEFAULT "VpnGw1"

/* --- values ------------------------------------------------------------------------------------------ */

static bool is_word(const struct vnl_yaml *node, const char *word)
{
    return node->type == VNL_YAML_SCALAR && strcasecmp(node->text, word) == 0;
}

/* "VpnGw2", or ARM's {name: VpnGw2, tier: VpnGw2}. */
static void read_sku(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                     const struct vnl_yaml *node)
{
    struct vnl_vpn_gateway *gateway = resource;
    const struct vnl_yaml *name = node->type == VNL_YAML_MAP ? vnl_yaml_lookup(node, "name") : NULL;
    const char *text = vnl_lab_text(l, key->name, key->type, name ? name : node);

    gateway->sku_src = node->src;
    if (text)
        vnl_lab_copy(l, &gateway->sku, text);
    else
        vnl_lab_broken(l);
}

static void read_generation(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                            const struct vnl_yaml *node)
{
    struct vnl_vpn_gateway *gateway = resource;

    if (is_word(node, "Generation1"))
        gateway->generation = 1;
    else if (is_word(node, "Generation2"))
        gateway->generation = 2;
    else
        vnl_lab_wrong_type(l, key->name, key->type, node);
}

static void read_vpn_type(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_vpn_gateway *gateway = resource;

    if (is_word(node, "PolicyBased") || is_word(node, "RouteBased"))
        gateway->policy_based = is_word(node, "PolicyBased");
    else
        vnl_lab_wrong_type(l, key->name, key->type, node);
}

static void read_gateway_type(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                              const struct vnl_yaml *node)
{
    (void)resource;
    if (is_word(node, "ExpressRoute") || is_word(node, "LocalGateway"))
        vnl_lab_mistake(l, node->src, "InvalidRequestContent", NULL, "'%s: %s' is not supported yet",
                        key->name, node->text);
    else if (!is_word(node, "Vpn"))
        vnl_lab_wrong_type(l, key->name, key->type, node);
}

static void read_vnet(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    struct vnl_vpn_gateway *gateway = resource;

    vnl_lab_ref(l, key, node, &gateway->vnet_ref, &gateway->vnet_src);
    if (!gateway->vnet_ref)
        vnl_lab_broken(l);
}

static void clear(char **text)
{
    free(*text);
    *text = NULL;
}

static void read_instance(struct vnl_loading *l, const struct vnl_lab_key *key,
                          struct vnl_gateway_instance *instance, const struct vnl_yaml *node)
{
    const struct vnl_lab_key one = { .name = key->name, .type = "a public IP address" };

    vnl_lab_ref(l, &one, node, &instance->public_ref, &instance->public_src);
    if (!instance->public_ref)
        vnl_lab_broken(l);
}

/* `true` is what it is without the key. A list has one address per instance. */
static void read_public(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    struct vnl_vpn_gateway *gateway = resource;
    size_t n = node->type == VNL_YAML_SEQ ? node->n_kids : 1;

    for (size_t i = 0; i < VNL_GATEWAY_INSTANCES; i++)
        clear(&gateway->instances[i].public_ref);
    if (n > VNL_GATEWAY_INSTANCES) {
        vnl_lab_mistake(l, node->kids[VNL_GATEWAY_INSTANCES]->src, "InvalidRequestContent", NULL,
                        "'%s' has %zu public IP addresses: a gateway has one, with 'activeActive: true' two",
                        key->name, n);
        vnl_lab_broken(l);
    } else if (node->type == VNL_YAML_SEQ) {
        for (size_t i = 0; i < n; i++)
            read_instance(l, key, &gateway->instances[i], node->kids[i]);
    } else if (!vnl_yaml_is_null(node) && !(is_word(node, "true") && node->plain)) {
        read_instance(l, key, &gateway->instances[0], node);
    }
}

/* What is neither leaves open how many public IP addresses there must be. */
static void read_active(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_vpn_gateway *gateway = resource;

    gateway->active_src = node->src;
    vnl_lab_read_bool(l, key, resource, node);
    if (l->mistakes != before)
        vnl_lab_broken(l);
}

static void read_enable_bgp(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                            const struct vnl_yaml *node)
{
    struct vnl_vpn_gateway *gateway = resource;

    gateway->bgp_src = node->src;
    vnl_lab_read_bool(l, key, resource, node);
}

static void read_default_site(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                              const struct vnl_yaml *node)
{
    struct vnl_vpn_gateway *gateway = resource;

    if (!vnl_yaml_is_null(node))
        vnl_lab_ref(l, key, node, &gateway->default_site_ref, &gateway->default_site_src);
}

/* --- VPN gateways ------------------------------------------------------------------------------------ */

static const struct vnl_lab_key gateway_keys[] = {
    { "vnet", read_vnet, .type = "a VNet", .fallback = "required",
      .text =
          "its name or full id; it needs a subnet `GatewaySubnet`, /29 or larger, and has one VPN gateway" },
    { "sku", read_sku, .type = "Basic, VpnGw1 to VpnGw5, VpnGw1AZ to VpnGw5AZ", .fallback = SKU_DEFAULT,
      .text = "decides how many connections it has: 10, 30 or 100" },
    { "vpnGatewayGeneration", read_generation, .type = "Generation1 or Generation2",
      .fallback = "the SKU's first", .text = "Generation2 needs VpnGw2 or larger" },
    { "vpnType", read_vpn_type, .type = "RouteBased or PolicyBased", .fallback = "RouteBased",
      .text = "PolicyBased: SKU Basic, one connection, IKEv1" },
    { "gatewayType", read_gateway_type, .type = "Vpn", .fallback = "Vpn",
      .text = "ExpressRoute is not there yet" },
    { "asn", vnl_lab_read_gateway_asn, .type = "a number", .fallback = "65515",
      .text = "its autonomous system number; `bgpSettings: {asn: ...}` says the same" },
    { "bgpSettings", vnl_lab_read_gateway_bgp, .type = "a map", .fallback = "none", .text = "`{asn: ...}`" },
    { "publicIPAddress", read_public, .type = "a public IP address, or a list of two",
      .fallback = "made by the lab",
      .text =
          "name, full id or `{id: ...}` of a Standard one; with activeActive a list of two. Without it the "
          "lab makes them, called NAME-ip and NAME-ip-1" },
    { "gatewayDefaultSite", read_default_site, .type = "a local network gateway", .fallback = "none",
      .text = "forced tunnelling: what has no other way goes there; a connection of the gateway must lead to "
              "it" },
    { "enableBgp", read_enable_bgp, offsetof(struct vnl_vpn_gateway, enable_bgp), .type = "true or false",
      .fallback = "false",
      .text = "kept and shown; a connection's own enableBgp decides. SKU Basic has no BGP" },
    { "activeActive", read_active, offsetof(struct vnl_vpn_gateway, active_active), .type = "true or false",
      .fallback = "false",
      .text = "two instances at once, guests NAME and NAME.1, each with a public IP address; not SKU Basic" },
    { "location", .type = "a region", .fallback = "its VNet's", .text = "must be that of its VNet" },
    { "resourceGroup", .type = "a name", .fallback = "the lab's", .text = "part of the resource id" },
    { "subscription", .type = "a GUID", .fallback = "the lab's", .text = "part of the resource id" },
    { "ipConfigurations", .refuse = "is written shorter here", .instead = "vnet" },
    { "subnet", .refuse = "is always the VNet's GatewaySubnet", .instead = "vnet" },
    { "virtualNetwork", .refuse = "has a shorter name here", .instead = "vnet" },
    { "vpnClientConfiguration", vnl_lab_read_p2s, .type = "a map", .fallback = "none",
      .text = "point-to-site: who of `clients` may come, and which addresses they get (below)" },
    { "natRules", .refuse = VNL_NOT_YET },
    { "customRoutes", vnl_lab_read_custom_routes, .type = "a prefix or a list of prefixes",
      .fallback = "none",
      .text = "sent into the tunnel by its clients too; `{addressPrefixes: ...}` says the same" },
    { "enablePrivateIpAddress", .refuse = VNL_NOT_YET },
    { "enableDnsForwarding", .refuse = VNL_NOT_YET },
    { "enableBgpRouteTranslationForNat", .refuse = VNL_NOT_YET },
    { "disableIPSecReplayProtection", .refuse = VNL_NOT_YET },
    { "adminState", .refuse = VNL_NOT_YET },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_gateway_keys = { "Virtual network gateway", "a virtual network gateway",
                                                   gateway_keys, ARRAY_SIZE(gateway_keys) };

static void read_gateway(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_vpn_gateway *gateway;
    struct vnl_scope scope;
    size_t n_broken;

    vnl_lab_enter(l, &node->key_src, "virtualNetworkGateways", node->key);
    scope = vnl_lab_scope(l, node);
    gateway = vnl_vpn_gateway_add(l->lab, node->key, &scope, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (!gateway)
        return;
    n_broken = l->n_broken;
    vnl_lab_read_map(l, &vnl_lab_gateway_keys, gateway, node);
    if (!gateway->sku && l->n_broken == n_broken)
        vnl_lab_copy(l, &gateway->sku, SKU_DEFAULT);
    if (!gateway->vnet_ref && l->n_broken == n_broken)
        vnl_lab_missing(l, node, "write 'vnet: NAME'", "vnet");
}

void vnl_lab_read_gateways(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_gateway(l, node->kids[i]);
}

/* --- local network gateways -------------------------------------------------------------------------- */

static void read_local_address(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                               const struct vnl_yaml *node)
{
    struct vnl_local_gateway *local = resource;

    vnl_lab_address(l, key, node, &local->addr, &local->addr_src);
}

static void read_local_prefixes(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                                const struct vnl_yaml *node)
{
    struct vnl_local_gateway *local = resource;

    local->prefixes_src = node->src;
    vnl_lab_prefixes(l, key->name, node, &local->prefixes);
}

static const struct vnl_lab_key space_keys[] = {
    { "addressPrefixes", read_local_prefixes, .type = "a prefix or a list of prefixes",
      .fallback = "required", .text = "what is behind the device" },
};
static const struct vnl_lab_keys local_space_keys = { "Local network address space",
                                                      "localNetworkAddressSpace", space_keys,
                                                      ARRAY_SIZE(space_keys) };

static void read_local_space(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                             const struct vnl_yaml *node)
{
    (void)key;
    vnl_lab_read_map(l, &local_space_keys, resource, node);
}

static const struct vnl_lab_key local_keys[] = {
    { "gatewayIpAddress", read_local_address, .type = "an IPv4 address such as 203.0.113.10",
      .fallback = "required", .text = "public address of the device: a site's, or anybody's" },
    { "addressPrefixes", read_local_prefixes, .type = "a prefix or a list of prefixes",
      .fallback = "required",
      .text = "what is behind the device; each of these becomes a route, beside what BGP learns. "
              "`localNetworkAddressSpace: {addressPrefixes: ...}` says the same" },
    { "localNetworkAddressSpace", read_local_space, .type = "a map", .fallback = "none",
      .text = "ARM's form of addressPrefixes" },
    { "location", .type = "a region", .fallback = "the lab's", .text = "any" },
    { "resourceGroup", .type = "a name", .fallback = "the lab's", .text = "part of the resource id" },
    { "subscription", .type = "a GUID", .fallback = "the lab's", .text = "part of the resource id" },
    { "fqdn", .refuse = VNL_NOT_YET },
    { "bgpSettings", vnl_lab_read_local_bgp, .type = "a map", .fallback = "none",
      .text = "of the device (below); with them a connection can have enableBgp, and addressPrefixes can be "
              "empty" },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_local_keys = { "Local network gateway", "a local network gateway",
                                                 local_keys, ARRAY_SIZE(local_keys) };

static void read_local(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_local_gateway *local;
    struct vnl_scope scope;
    size_t n_broken;

    vnl_lab_enter(l, &node->key_src, "localNetworkGateways", node->key);
    scope = vnl_lab_scope(l, node);
    local = vnl_local_gateway_add(l->lab, node->key, &scope, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (!local)
        return;
    n_broken = l->n_broken;
    vnl_lab_read_map(l, &vnl_lab_local_keys, local, node);
    if (!local->addr.family && l->n_broken == n_broken && !vnl_yaml_lookup(node, "fqdn"))
        vnl_lab_missing(l, node, "write 'gatewayIpAddress: 203.0.113.10'", "gatewayIpAddress");
}

void vnl_lab_read_locals(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_local(l, node->kids[i]);
}
