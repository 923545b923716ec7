/* VPN gateways, local network gateways, connections and sites from their canonical JSON: see arm_read.c. */
#include "arm_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arm_member.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"

static int get_slot(const struct vnl_json *own, const char *key, uint32_t *ret, struct vnl_err **err)
{
    int64_t slot;

    if (vnl_member_int(own, key, 0, VNL_SLOT_NONE - 1, &slot, err) < 0)
        return -EINVAL;
    *ret = (uint32_t)slot;
    return 0;
}

static int get_ipv4(const struct vnl_json *json, const char *key, struct vnl_addr *ret, struct vnl_err **err)
{
    if (vnl_member_addr(json, key, ret, err) < 0)
        return -EINVAL;
    return ret->family == AF_INET ? 0 : vnl_fail(err, EINVAL, "'%s' is no IPv4 address", key);
}

static int check_ipv4(const struct vnl_prefixes *prefixes, struct vnl_err **err)
{
    for (size_t i = 0; i < prefixes->n; i++) {
        if (prefixes->items[i].addr.family != AF_INET)
            return vnl_fail(err, EINVAL, "'addressPrefixes' has one that is not IPv4");
    }
    return prefixes->n ? 0 : vnl_fail(err, EINVAL, "'addressPrefixes' is empty");
}

/* A reference as it was written, when it was. */
static int get_written(const struct vnl_lab *lab, const struct vnl_json *own, const char *key, char **ret,
                       struct vnl_src *ret_src, struct vnl_err **err)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%sRef", key);
    if (vnl_member_copy_if(own, name, ret, err) < 0)
        return -EINVAL;
    (void)snprintf(name, sizeof(name), "%sSource", key);
    return vnl_member_source(lab, own, name, ret_src, err);
}

/* --- local network gateways -------------------------------------------------------------------------- */

int vnl_arm_read_local_gateway(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    CLEANUP(vnl_arm_scope_done) struct vnl_scope scope = { 0 };
    struct vnl_arm_resource in;
    struct vnl_local_gateway *local;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 || vnl_arm_scope_init(&scope, &in, err) < 0)
        return -EINVAL;
    local = vnl_local_gateway_add(lab, in.name, &scope, &in.src, err);
    if (vnl_arm_check_added(local ? local->id : NULL, &in, err) < 0 ||
        get_ipv4(in.properties, "gatewayIpAddress", &local->addr, err) < 0 ||
        vnl_member_space(in.properties, "localNetworkAddressSpace", &local->prefixes, err) < 0 ||
        check_ipv4(&local->prefixes, err) < 0 ||
        vnl_member_source(lab, in.own, "gatewayIpAddressSource", &local->addr_src, err) < 0)
        return -EINVAL;
    return vnl_member_source(lab, in.own, "addressPrefixesSource", &local->prefixes_src, err);
}

/* --- VPN gateways ------------------------------------------------------------------------------------ */

static int get_generation(const struct vnl_json *properties, struct vnl_vpn_gateway *gateway,
                          struct vnl_err **err)
{
    const struct vnl_json *sku;
    const char *generation, *type;

    if (vnl_member_object(properties, "sku", &sku, err) < 0 ||
        vnl_member_copy(sku, "name", &gateway->sku, err) < 0 ||
        vnl_member_text(properties, "vpnGatewayGeneration", &generation, err) < 0 ||
        vnl_member_text(properties, "vpnType", &type, err) < 0)
        return -EINVAL;
    gateway->generation = strcmp(generation, "Generation2") == 0 ? 2 : 1;
    gateway->policy_based = strcmp(type, "PolicyBased") == 0;
    if (!vnl_gateway_sku_lookup(gateway->sku, gateway->generation))
        return vnl_fail(err, EINVAL, "there is no SKU '%s' of %s", gateway->sku, generation);
    return 0;
}

static int get_public(const struct vnl_lab *lab, const struct vnl_json *config,
                      struct vnl_vpn_gateway *gateway, struct vnl_err **err)
{
    const char *id;

    if (vnl_member_ref(config, "publicIPAddress", &id, err) < 0)
        return -EINVAL;
    gateway->public_ip = vnl_public_ip_lookup(lab, id);
    if (!gateway->public_ip)
        return vnl_fail(err, EINVAL, "public IP address '%s' is not in the lab", id);
    if (gateway->public_ip->config || gateway->public_ip->nat || gateway->public_ip->gateway)
        return vnl_fail(err, EINVAL, "public IP address '%s' is attached twice", id);
    gateway->public_ip->gateway = gateway;
    return 0;
}

static int get_subnet(const struct vnl_lab *lab, const struct vnl_json *config,
                      struct vnl_vpn_gateway *gateway, struct vnl_err **err)
{
    const char *id;

    if (vnl_member_ref(config, "subnet", &id, err) < 0 ||
        get_ipv4(config, "privateIPAddress", &gateway->inner, err) < 0)
        return -EINVAL;
    gateway->subnet = vnl_arm_subnet_lookup(lab, id);
    if (!gateway->subnet || strcasecmp(gateway->subnet->name, "GatewaySubnet") != 0)
        return vnl_fail(err, EINVAL, "GatewaySubnet '%s' is not in the lab", id);
    gateway->vnet = gateway->subnet->vnet;
    if (gateway->vnet->gateway)
        return vnl_fail(err, EINVAL, "virtual network '%s' has two gateways", gateway->vnet->name);
    gateway->vnet->gateway = gateway;
    return vnl_arm_check_subnet_addr(gateway->subnet, &gateway->inner, err);
}

static int get_config(const struct vnl_lab *lab, const struct vnl_json *properties,
                      struct vnl_vpn_gateway *gateway, struct vnl_err **err)
{
    const struct vnl_json *array, *config;

    if (vnl_member_array(properties, "ipConfigurations", &array, err) < 0)
        return -EINVAL;
    if (vnl_json_len(array) != 1)
        return vnl_fail(err, EINVAL, "'ipConfigurations' has %zu members, and not 1", vnl_json_len(array));
    if (vnl_member_object(vnl_json_at(array, 0), "properties", &config, err) < 0 ||
        get_subnet(lab, config, gateway, err) < 0 || get_public(lab, config, gateway, err) < 0)
        return vnl_wrap(err, "'ipConfigurations'");
    return 0;
}

static int get_bgp(const struct vnl_json *properties, struct vnl_vpn_gateway *gateway, struct vnl_err **err)
{
    const struct vnl_json *bgp;
    int64_t asn;

    if (vnl_member_object(properties, "bgpSettings", &bgp, err) < 0 ||
        vnl_member_int(bgp, "asn", 1, UINT32_MAX, &asn, err) < 0 ||
        get_ipv4(bgp, "bgpPeeringAddress", &gateway->bgp_addr, err) < 0)
        return vnl_wrap(err, "'bgpSettings'");
    gateway->asn = (uint32_t)asn;
    return vnl_arm_check_subnet_addr(gateway->subnet, &gateway->bgp_addr, err);
}

static int get_default_site(const struct vnl_lab *lab, const struct vnl_json *properties,
                            struct vnl_vpn_gateway *gateway, struct vnl_err **err)
{
    const char *id;

    if (!vnl_json_get(properties, "gatewayDefaultSite"))
        return 0;
    if (vnl_member_ref(properties, "gatewayDefaultSite", &id, err) < 0)
        return -EINVAL;
    gateway->default_site = vnl_local_gateway_lookup(lab, id);
    return gateway->default_site ? 0
                                 : vnl_fail(err, EINVAL, "local network gateway '%s' is not in the lab", id);
}

static int get_gateway_own(const struct vnl_lab *lab, const struct vnl_json *own,
                           struct vnl_vpn_gateway *gateway, struct vnl_err **err)
{
    if (get_written(lab, own, "virtualNetwork", &gateway->vnet_ref, &gateway->vnet_src, err) < 0 ||
        vnl_member_source(lab, own, "skuSource", &gateway->sku_src, err) < 0 ||
        get_written(lab, own, "publicIPAddress", &gateway->public_ref, &gateway->public_src, err) < 0 ||
        get_written(lab, own, "gatewayDefaultSite", &gateway->default_site_ref, &gateway->default_site_src,
                    err) < 0 ||
        get_slot(own, "insideSlot", &gateway->in_slot, err) < 0)
        return -EINVAL;
    return get_slot(own, "outsideSlot", &gateway->out_slot, err);
}

int vnl_arm_read_vpn_gateway(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    CLEANUP(vnl_arm_scope_done) struct vnl_scope scope = { 0 };
    struct vnl_arm_resource in;
    struct vnl_vpn_gateway *gateway;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 || vnl_arm_scope_init(&scope, &in, err) < 0)
        return -EINVAL;
    gateway = vnl_vpn_gateway_add(lab, in.name, &scope, &in.src, err);
    if (vnl_arm_check_added(gateway ? gateway->id : NULL, &in, err) < 0 ||
        get_generation(in.properties, gateway, err) < 0 || get_config(lab, in.properties, gateway, err) < 0 ||
        get_bgp(in.properties, gateway, err) < 0 || get_default_site(lab, in.properties, gateway, err) < 0)
        return -EINVAL;
    return get_gateway_own(lab, in.own, gateway, err);
}

/* --- connections ------------------------------------------------------------------------------------- */

static const char *type_word(int type)
{
    return vnl_connection_type_str((enum vnl_connection_type)type);
}

static const char *mode_word(int mode)
{
    return vnl_connection_mode_str((enum vnl_connection_mode)mode);
}

static int get_gateway(const struct vnl_lab *lab, const struct vnl_json *properties, const char *key,
                       struct vnl_vpn_gateway **ret, struct vnl_err **err)
{
    const char *id;

    if (vnl_member_ref(properties, key, &id, err) < 0)
        return -EINVAL;
    *ret = vnl_vpn_gateway_lookup(lab, id);
    return *ret ? 0 : vnl_fail(err, EINVAL, "virtual network gateway '%s' is not in the lab", id);
}

static int get_ends(const struct vnl_lab *lab, const struct vnl_json *properties,
                    struct vnl_connection *connection, struct vnl_err **err)
{
    const char *id;
    int type;

    if (vnl_member_word(properties, "connectionType", type_word, VNL_CONNECTION_TYPE_MAX, &type, err) < 0 ||
        get_gateway(lab, properties, "virtualNetworkGateway1", &connection->gateway1, err) < 0)
        return -EINVAL;
    connection->type = (enum vnl_connection_type)type;
    if (connection->type == VNL_CONNECTION_VNET)
        return get_gateway(lab, properties, "virtualNetworkGateway2", &connection->gateway2, err);
    if (vnl_member_ref(properties, "localNetworkGateway2", &id, err) < 0)
        return -EINVAL;
    connection->local2 = vnl_local_gateway_lookup(lab, id);
    return connection->local2 ? 0 : vnl_fail(err, EINVAL, "local network gateway '%s' is not in the lab", id);
}

static int get_policy(const struct vnl_json *json, struct vnl_ipsec_policy *policy, struct vnl_err **err)
{
    int64_t seconds, kib;

    if (vnl_member_copy(json, "ikeEncryption", &policy->ike_encryption, err) < 0 ||
        vnl_member_copy(json, "ikeIntegrity", &policy->ike_integrity, err) < 0 ||
        vnl_member_copy(json, "dhGroup", &policy->dh_group, err) < 0 ||
        vnl_member_copy(json, "ipsecEncryption", &policy->ipsec_encryption, err) < 0 ||
        vnl_member_copy(json, "ipsecIntegrity", &policy->ipsec_integrity, err) < 0 ||
        vnl_member_copy(json, "pfsGroup", &policy->pfs_group, err) < 0 ||
        vnl_member_int(json, "saLifeTimeSeconds", 300, INT32_MAX, &seconds, err) < 0 ||
        vnl_member_int(json, "saDataSizeKilobytes", 1024, INT32_MAX, &kib, err) < 0)
        return -EINVAL;
    policy->written = true;
    policy->lifetime_s = (uint32_t)seconds;
    policy->lifetime_kib = (uint32_t)kib;
    return vnl_ipsec_policy_known(policy) ? 0 : vnl_fail(err, EINVAL, "a word of the policy is unknown");
}

static int get_policies(const struct vnl_lab *lab, const struct vnl_arm_resource *in,
                        struct vnl_connection *connection, struct vnl_err **err)
{
    const struct vnl_json *array;

    if (vnl_member_array(in->properties, "ipsecPolicies", &array, err) < 0)
        return -EINVAL;
    if (vnl_json_len(array) > 1)
        return vnl_fail(err, EINVAL, "'ipsecPolicies' has more than one member");
    if (vnl_json_len(array) && get_policy(vnl_json_at(array, 0), &connection->policy, err) < 0)
        return vnl_wrap(err, "'ipsecPolicies'");
    return vnl_member_source(lab, in->own, "ipsecPolicySource", &connection->policy.src, err);
}

static int get_behaviour(const struct vnl_arm_resource *in, struct vnl_connection *connection,
                         struct vnl_err **err)
{
    const char *protocol;
    int64_t weight, dpd;
    int mode;

    if (vnl_member_text(in->properties, "connectionProtocol", &protocol, err) < 0 ||
        vnl_member_word(in->properties, "connectionMode", mode_word, VNL_CONNECTION_MODE_MAX, &mode, err) <
            0 ||
        vnl_member_int(in->properties, "routingWeight", 0, 32000, &weight, err) < 0 ||
        vnl_member_bool(in->properties, "usePolicyBasedTrafficSelectors", &connection->policy_selectors,
                        err) < 0 ||
        vnl_member_int(in->own, "dpdTimeoutSeconds", 0, 3600, &dpd, err) < 0)
        return -EINVAL;
    connection->ike_v1 = strcmp(protocol, "IKEv1") == 0;
    connection->mode = (enum vnl_connection_mode)mode;
    connection->routing_weight = (int)weight;
    connection->dpd_timeout_s = (int)dpd;
    return 0;
}

static int get_connection_own(const struct vnl_lab *lab, const struct vnl_json *own,
                              struct vnl_connection *connection, struct vnl_err **err)
{
    if (get_written(lab, own, "virtualNetworkGateway1", &connection->gateway1_ref, &connection->gateway1_src,
                    err) < 0 ||
        get_written(lab, own, "virtualNetworkGateway2", &connection->gateway2_ref, &connection->gateway2_src,
                    err) < 0 ||
        get_written(lab, own, "localNetworkGateway2", &connection->local2_ref, &connection->local2_src, err) <
            0 ||
        vnl_member_copy_if(own, "sharedKey", &connection->shared_key, err) < 0 ||
        vnl_member_copy_if(own, "sharedKeyWritten", &connection->key_written, err) < 0 ||
        vnl_member_bool(own, "sharedKeyGenerated", &connection->key_generated, err) < 0 ||
        vnl_member_source(lab, own, "sharedKeySource", &connection->key_src, err) < 0 ||
        vnl_member_bool(own, "connectionProtocolWritten", &connection->ike_written, err) < 0)
        return -EINVAL;
    return vnl_arm_get_slot(own, &connection->slot, err);
}

int vnl_arm_read_connection(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    CLEANUP(vnl_arm_scope_done) struct vnl_scope scope = { 0 };
    struct vnl_arm_resource in;
    struct vnl_connection *connection;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 || vnl_arm_scope_init(&scope, &in, err) < 0)
        return -EINVAL;
    connection = vnl_connection_add(lab, in.name, &scope, &in.src, err);
    if (vnl_arm_check_added(connection ? connection->id : NULL, &in, err) < 0 ||
        get_ends(lab, in.properties, connection, err) < 0 || get_behaviour(&in, connection, err) < 0 ||
        get_policies(lab, &in, connection, err) < 0)
        return -EINVAL;
    return get_connection_own(lab, in.own, connection, err);
}

/* --- sites ------------------------------------------------------------------------------------------- */

static int read_site_host(struct vnl_lab *lab, struct vnl_site *site, const struct vnl_json *json,
                          struct vnl_err **err)
{
    const struct vnl_json *own;
    struct vnl_src src = { 0 };
    struct vnl_site_host *host;
    const char *name;

    if (vnl_member_text(json, "name", &name, err) < 0 || vnl_member_object(json, "vnetlab", &own, err) < 0 ||
        vnl_member_source(lab, own, "source", &src, err) < 0)
        return -EINVAL;
    host = vnl_site_host_add(lab, site, name, &src, err);
    if (!host || *err || get_ipv4(json, "address", &host->addr, err) < 0 ||
        vnl_arm_get_slot(own, &host->slot, err) < 0)
        return -EINVAL;
    return vnl_member_names(json, "run", &host->run, err);
}

static int get_site_own(const struct vnl_lab *lab, const struct vnl_json *own, struct vnl_site *site,
                        struct vnl_err **err)
{
    if (vnl_member_source(lab, own, "publicIPAddressSource", &site->addr_src, err) < 0 ||
        vnl_member_source(lab, own, "addressPrefixesSource", &site->prefixes_src, err) < 0 ||
        vnl_member_copy_if(own, "sharedKey", &site->shared_key, err) < 0 ||
        vnl_member_source(lab, own, "sharedKeySource", &site->key_src, err) < 0 ||
        vnl_arm_get_slot(own, &site->slot, err) < 0 || get_slot(own, "insideSlot", &site->in_slot, err) < 0)
        return -EINVAL;
    return get_slot(own, "outsideSlot", &site->out_slot, err);
}

static int read_site(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    const struct vnl_json *own, *hosts;
    struct vnl_src src = { 0 };
    struct vnl_site *site;
    const char *name;

    if (vnl_member_text(json, "name", &name, err) < 0 || vnl_member_object(json, "vnetlab", &own, err) < 0 ||
        vnl_member_source(lab, own, "source", &src, err) < 0)
        return -EINVAL;
    site = vnl_site_add(lab, name, &src, err);
    if (!site || *err || get_ipv4(json, "publicIPAddress", &site->addr, err) < 0 ||
        vnl_member_prefixes(json, &site->prefixes, err) < 0 ||
        vnl_member_copy_if(json, "swanctl", &site->swanctl, err) < 0 ||
        check_ipv4(&site->prefixes, err) < 0 || get_site_own(lab, own, site, err) < 0 ||
        vnl_member_array(json, "hosts", &hosts, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(hosts); i++) {
        if (read_site_host(lab, site, vnl_json_at(hosts, i), err) < 0)
            return vnl_wrap(err, "host %zu", i);
    }
    return 0;
}

int vnl_arm_read_sites(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    const struct vnl_json *array;

    if (!vnl_json_get(json, "sites"))
        return 0;
    if (vnl_member_array(json, "sites", &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        if (read_site(lab, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "site %zu", i);
    }
    return 0;
}
