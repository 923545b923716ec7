/* VPN gateways and connections from their canonical JSON: see arm_read.c. */
#include "arm_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arm_member.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"

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
                      struct vnl_vpn_gateway *gateway, struct vnl_gateway_instance *instance,
                      struct vnl_err **err)
{
    const char *id;

    if (vnl_member_ref(config, "publicIPAddress", &id, err) < 0)
        return -EINVAL;
    instance->public_ip = vnl_public_ip_lookup(lab, id);
    if (!instance->public_ip)
        return vnl_fail(err, EINVAL, "public IP address '%s' is not in the lab", id);
    if (instance->public_ip->config || instance->public_ip->nat || instance->public_ip->gateway)
        return vnl_fail(err, EINVAL, "public IP address '%s' is attached twice", id);
    instance->public_ip->gateway = gateway;
    return 0;
}

static int get_subnet(const struct vnl_lab *lab, const struct vnl_json *config,
                      struct vnl_vpn_gateway *gateway, struct vnl_err **err)
{
    struct vnl_subnet *subnet;
    const char *id;

    if (vnl_member_ref(config, "subnet", &id, err) < 0)
        return -EINVAL;
    subnet = vnl_arm_subnet_lookup(lab, id);
    if (!subnet || strcasecmp(subnet->name, "GatewaySubnet") != 0)
        return vnl_fail(err, EINVAL, "GatewaySubnet '%s' is not in the lab", id);
    if (gateway->subnet && gateway->subnet != subnet)
        return vnl_fail(err, EINVAL, "the instances are in two virtual networks");
    if (subnet->vnet->gateway && subnet->vnet->gateway != gateway)
        return vnl_fail(err, EINVAL, "virtual network '%s' has two gateways", subnet->vnet->name);
    gateway->subnet = subnet;
    gateway->vnet = subnet->vnet;
    gateway->vnet->gateway = gateway;
    return 0;
}

static int get_instance(const struct vnl_lab *lab, const struct vnl_json *json,
                        struct vnl_vpn_gateway *gateway, struct vnl_gateway_instance *instance,
                        struct vnl_err **err)
{
    const struct vnl_json *config;

    if (vnl_member_object(json, "properties", &config, err) < 0 ||
        get_subnet(lab, config, gateway, err) < 0 ||
        vnl_arm_get_ipv4(config, "privateIPAddress", &instance->inner, err) < 0 ||
        vnl_arm_check_subnet_addr(gateway->subnet, &instance->inner, err) < 0 ||
        get_public(lab, config, gateway, instance, err) < 0)
        return vnl_wrap(err, "'ipConfigurations'");
    return 0;
}

/* One per instance. */
static int get_list(const struct vnl_json *json, const char *key, size_t n, const struct vnl_json **ret,
                    struct vnl_err **err)
{
    if (vnl_member_array(json, key, ret, err) < 0)
        return -EINVAL;
    if (vnl_json_len(*ret) != n)
        return vnl_fail(err, EINVAL, "'%s' has %zu members, and not %zu", key, vnl_json_len(*ret), n);
    return 0;
}

static int get_configs(const struct vnl_lab *lab, const struct vnl_json *properties,
                       struct vnl_vpn_gateway *gateway, struct vnl_err **err)
{
    const struct vnl_json *array;

    if (vnl_member_bool(properties, "activeActive", &gateway->active_active, err) < 0 ||
        vnl_member_bool(properties, "enableBgp", &gateway->enable_bgp, err) < 0)
        return -EINVAL;
    gateway->n_instances = gateway->active_active ? VNL_GATEWAY_INSTANCES : 1;
    if (get_list(properties, "ipConfigurations", gateway->n_instances, &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < gateway->n_instances; i++) {
        if (get_instance(lab, vnl_json_at(array, i), gateway, &gateway->instances[i], err) < 0)
            return -EINVAL;
    }
    return 0;
}

static int get_peering_address(const struct vnl_json *json, const struct vnl_vpn_gateway *gateway,
                               struct vnl_gateway_instance *instance, struct vnl_err **err)
{
    const struct vnl_json *array;
    const char *text;

    if (get_list(json, "defaultBgpIpAddresses", 1, &array, err) < 0)
        return -EINVAL;
    text = vnl_json_text(vnl_json_at(array, 0));
    if (!text)
        return vnl_fail(err, EINVAL, "'defaultBgpIpAddresses' has an element that is not text");
    if (vnl_addr_parse(text, &instance->bgp_addr, err) < 0)
        return -EINVAL;
    return vnl_arm_check_subnet_addr(gateway->subnet, &instance->bgp_addr, err);
}

static int get_gateway_bgp(const struct vnl_json *properties, struct vnl_vpn_gateway *gateway,
                           struct vnl_err **err)
{
    const struct vnl_json *bgp, *array;
    int64_t asn;

    if (vnl_member_object(properties, "bgpSettings", &bgp, err) < 0 ||
        vnl_member_int(bgp, "asn", 1, UINT32_MAX, &asn, err) < 0 ||
        get_list(bgp, "bgpPeeringAddresses", gateway->n_instances, &array, err) < 0)
        return vnl_wrap(err, "'bgpSettings'");
    gateway->asn = (uint32_t)asn;
    for (size_t i = 0; i < gateway->n_instances; i++) {
        if (get_peering_address(vnl_json_at(array, i), gateway, &gateway->instances[i], err) < 0)
            return vnl_wrap(err, "'bgpSettings'");
    }
    return 0;
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

static int get_instance_own(const struct vnl_lab *lab, const struct vnl_json *own,
                            struct vnl_gateway_instance *instance, struct vnl_err **err)
{
    if (get_written(lab, own, "publicIPAddress", &instance->public_ref, &instance->public_src, err) < 0 ||
        vnl_arm_get_named_slot(own, "insideSlot", &instance->in_slot, err) < 0)
        return -EINVAL;
    return vnl_arm_get_named_slot(own, "outsideSlot", &instance->out_slot, err);
}

static int get_gateway_own(const struct vnl_lab *lab, const struct vnl_json *own,
                           struct vnl_vpn_gateway *gateway, struct vnl_err **err)
{
    const struct vnl_json *second;

    if (get_written(lab, own, "virtualNetwork", &gateway->vnet_ref, &gateway->vnet_src, err) < 0 ||
        vnl_member_source(lab, own, "skuSource", &gateway->sku_src, err) < 0 ||
        get_written(lab, own, "gatewayDefaultSite", &gateway->default_site_ref, &gateway->default_site_src,
                    err) < 0 ||
        vnl_member_source(lab, own, "activeActiveSource", &gateway->active_src, err) < 0 ||
        vnl_member_source(lab, own, "enableBgpSource", &gateway->bgp_src, err) < 0 ||
        get_instance_own(lab, own, &gateway->instances[0], err) < 0)
        return -EINVAL;
    if (gateway->n_instances == 1)
        return 0;
    if (vnl_member_object(own, "secondInstance", &second, err) < 0)
        return -EINVAL;
    return get_instance_own(lab, second, &gateway->instances[1], err) < 0 ? vnl_wrap(err, "'secondInstance'")
                                                                          : 0;
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
        get_generation(in.properties, gateway, err) < 0 ||
        get_configs(lab, in.properties, gateway, err) < 0 ||
        get_gateway_bgp(in.properties, gateway, err) < 0 ||
        get_default_site(lab, in.properties, gateway, err) < 0)
        return -EINVAL;
    if (vnl_arm_get_p2s(lab, &in, gateway, err) < 0)
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

    if (vnl_member_bool(properties, "enableBgp", &connection->enable_bgp, err) < 0 ||
        vnl_member_word(properties, "connectionType", type_word, VNL_CONNECTION_TYPE_MAX, &type, err) < 0 ||
        get_gateway(lab, properties, "virtualNetworkGateway1", &connection->gateway1, err) < 0)
        return -EINVAL;
    connection->type = (enum vnl_connection_type)type;
    if (connection->type == VNL_CONNECTION_VNET)
        return get_gateway(lab, properties, "virtualNetworkGateway2", &connection->gateway2, err);
    if (vnl_member_ref(properties, "localNetworkGateway2", &id, err) < 0)
        return -EINVAL;
    connection->local2 = vnl_local_gateway_lookup(lab, id);
    if (!connection->local2)
        return vnl_fail(err, EINVAL, "local network gateway '%s' is not in the lab", id);
    if (connection->enable_bgp && !connection->local2->bgp.written)
        return vnl_fail(err, EINVAL, "'enableBgp' is true, and '%s' has no 'bgpSettings'", id);
    return 0;
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

int vnl_arm_get_policy(const struct vnl_json *json, const char *key, struct vnl_ipsec_policy *ret,
                       struct vnl_err **err)
{
    const struct vnl_json *array;

    if (vnl_member_array(json, key, &array, err) < 0)
        return -EINVAL;
    if (vnl_json_len(array) > 1)
        return vnl_fail(err, EINVAL, "'%s' has more than one member", key);
    if (vnl_json_len(array) && get_policy(vnl_json_at(array, 0), ret, err) < 0)
        return vnl_wrap(err, "'%s'", key);
    return 0;
}

static int get_selectors(const struct vnl_json *properties, struct vnl_selector_policy *ret,
                         struct vnl_err **err)
{
    const struct vnl_json *array;

    if (vnl_member_array(properties, "trafficSelectorPolicies", &array, err) < 0)
        return -EINVAL;
    if (vnl_json_len(array) > 1)
        return vnl_fail(err, EINVAL, "'trafficSelectorPolicies' has more than one member");
    ret->written = vnl_json_len(array) == 1;
    if (ret->written &&
        (vnl_member_ranges(vnl_json_at(array, 0), "localAddressRanges", &ret->local, err) < 0 ||
         vnl_member_ranges(vnl_json_at(array, 0), "remoteAddressRanges", &ret->remote, err) < 0))
        return vnl_wrap(err, "'trafficSelectorPolicies'");
    if (ret->written && (!ret->local.n || !ret->remote.n))
        return vnl_fail(err, EINVAL, "'trafficSelectorPolicies' has no ranges");
    return 0;
}

static int get_policies(const struct vnl_lab *lab, const struct vnl_arm_resource *in,
                        struct vnl_connection *connection, struct vnl_err **err)
{
    if (vnl_arm_get_policy(in->properties, "ipsecPolicies", &connection->policy, err) < 0 ||
        get_selectors(in->properties, &connection->selectors, err) < 0 ||
        vnl_member_source(lab, in->own, "trafficSelectorSource", &connection->selectors.src, err) < 0)
        return -EINVAL;
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
        vnl_member_source(lab, own, "enableBgpSource", &connection->bgp_src, err) < 0 ||
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
