/* VPN gateways, local network gateways, connections and sites as JSON: see arm_resource.c. Spec of the shapes: vpn-gateway-semantics 1.1 to 1.3.
 *
 * Shared keys are for the store alone (keys): in ARM too they are a resource of their own, which GET of a connection does not show. */
#include "arm_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/json_writer.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

#define CONFIG_NAME "vnetGatewayConfig%zu" /* as Azure's own tools name it */
#define CAPACITY    2
#define DPD_DEFAULT 45

static void write_empty(struct vnl_json_writer *out, const char *key)
{
    vnl_json_write_open(out, key, '[');
    vnl_json_write_close(out, ']');
}

static void write_addr(struct vnl_json_writer *out, const char *key, const struct vnl_addr *addr)
{
    char buf[VNL_ADDR_STR];

    vnl_json_write_text(out, key, vnl_addr_format(addr, buf));
}

static void write_list(struct vnl_json_writer *out, const char *key, const struct vnl_prefixes *prefixes)
{
    char buf[VNL_PREFIX_STR];

    vnl_json_write_open(out, key, '[');
    for (size_t i = 0; i < prefixes->n; i++)
        vnl_json_write_text(out, NULL, vnl_prefix_format(&prefixes->items[i], buf));
    vnl_json_write_close(out, ']');
}

static void write_prefixes(struct vnl_json_writer *out, const struct vnl_prefixes *prefixes)
{
    write_list(out, "addressPrefixes", prefixes);
}

/* What every end of a session has. */
static void write_end(struct vnl_json_writer *out, const struct vnl_bgp *bgp)
{
    vnl_json_write_int(out, "asn", bgp->asn);
    write_addr(out, "bgpPeeringAddress", &bgp->addr);
    vnl_json_write_int(out, "peerWeight", bgp->weight);
}

/* --- VPN gateways ------------------------------------------------------------------------------------ */

/* Owned by the caller; NULL on ENOMEM. */
char *vnl_arm_gateway_config_id(const struct vnl_vpn_gateway *gateway, size_t instance)
{
    char *id = NULL;

    return asprintf(&id, "%s/ipConfigurations/" CONFIG_NAME, gateway->id, instance) < 0 ? NULL : id;
}

static void write_config_id(struct vnl_json_writer *out, const char *key,
                            const struct vnl_vpn_gateway *gateway, size_t instance)
{
    CLEANUP(vnl_str_free) char *id = vnl_arm_gateway_config_id(gateway, instance);

    if (id)
        vnl_json_write_text(out, key, id);
    else
        out->failed = true;
}

static void write_config(struct vnl_json_writer *out, const struct vnl_vpn_gateway *gateway, size_t instance)
{
    const struct vnl_gateway_instance *own = &gateway->instances[instance];
    char name[sizeof(CONFIG_NAME) + 20];

    (void)snprintf(name, sizeof(name), CONFIG_NAME, instance);
    vnl_json_write_open(out, NULL, '{');
    write_config_id(out, "id", gateway, instance);
    vnl_json_write_text(out, "name", name);
    vnl_json_write_text(out, "type", "Microsoft.Network/virtualNetworkGateways/ipConfigurations");
    vnl_json_write_open(out, "properties", '{');
    vnl_json_write_text(out, "provisioningState", "Succeeded");
    vnl_json_write_text(out, "privateIPAllocationMethod", "Dynamic");
    write_addr(out, "privateIPAddress", &own->inner);
    vnl_arm_write_ref(out, "publicIPAddress", own->public_ip->id);
    vnl_arm_write_ref(out, "subnet", gateway->subnet->id);
    vnl_json_write_close(out, '}');
    vnl_json_write_close(out, '}');
}

static void write_peering_addresses(struct vnl_json_writer *out, const struct vnl_vpn_gateway *gateway,
                                    size_t instance)
{
    const struct vnl_gateway_instance *own = &gateway->instances[instance];

    vnl_json_write_open(out, NULL, '{');
    write_config_id(out, "ipconfigurationId", gateway, instance);
    vnl_json_write_open(out, "defaultBgpIpAddresses", '[');
    write_addr(out, NULL, &own->bgp_addr);
    vnl_json_write_close(out, ']');
    write_empty(out, "customBgpIpAddresses");
    vnl_json_write_open(out, "tunnelIpAddresses", '[');
    write_addr(out, NULL, &own->public_ip->addr);
    vnl_json_write_close(out, ']');
    vnl_json_write_close(out, '}');
}

/* Source of the pair with a comma: spec 1.1. */
static void write_gateway_bgp(struct vnl_json_writer *out, const struct vnl_vpn_gateway *gateway)
{
    char text[VNL_GATEWAY_INSTANCES * (VNL_ADDR_STR + 1)], addr[VNL_ADDR_STR];
    size_t len = 0;

    for (size_t i = 0; i < gateway->n_instances; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? "," : "",
                                vnl_addr_format(&gateway->instances[i].bgp_addr, addr));
    vnl_json_write_open(out, "bgpSettings", '{');
    vnl_json_write_int(out, "asn", gateway->asn);
    vnl_json_write_text(out, "bgpPeeringAddress", text);
    vnl_json_write_int(out, "peerWeight", 0);
    vnl_json_write_open(out, "bgpPeeringAddresses", '[');
    for (size_t i = 0; i < gateway->n_instances; i++)
        write_peering_addresses(out, gateway, i);
    vnl_json_write_close(out, ']');
    vnl_json_write_close(out, '}');
}

static void write_sku(struct vnl_json_writer *out, const char *sku)
{
    vnl_json_write_open(out, "sku", '{');
    vnl_json_write_text(out, "name", sku);
    vnl_json_write_text(out, "tier", sku);
    vnl_json_write_int(out, "capacity", CAPACITY);
    vnl_json_write_close(out, '}');
}

static void write_instance_own(struct vnl_json_writer *out, const struct vnl_gateway_instance *instance)
{
    vnl_arm_write_written(out, "publicIPAddress", instance->public_ref, &instance->public_src);
    vnl_json_write_int(out, "insideSlot", instance->in_slot);
    vnl_json_write_int(out, "outsideSlot", instance->out_slot);
}

static void write_gateway_own(struct vnl_json_writer *out, const struct vnl_vpn_gateway *gateway)
{
    vnl_arm_open_own(out, &gateway->src);
    vnl_arm_write_p2s_own(out, gateway);
    vnl_arm_write_written(out, "virtualNetwork", gateway->vnet_ref, &gateway->vnet_src);
    vnl_arm_write_source(out, "skuSource", &gateway->sku_src);
    vnl_arm_write_written(out, "gatewayDefaultSite", gateway->default_site_ref, &gateway->default_site_src);
    vnl_arm_write_source(out, "activeActiveSource", &gateway->active_src);
    vnl_arm_write_source(out, "enableBgpSource", &gateway->bgp_src);
    write_instance_own(out, &gateway->instances[0]);
    if (gateway->n_instances > 1) {
        vnl_json_write_open(out, "secondInstance", '{');
        write_instance_own(out, &gateway->instances[1]);
        vnl_json_write_close(out, '}');
    }
    vnl_arm_close(out);
}

void vnl_arm_write_vpn_gateway(struct vnl_json_writer *out, const struct vnl_vpn_gateway *gateway)
{
    vnl_arm_open(out, VNL_TYPE_VPN_GATEWAY, gateway->id, gateway->name, gateway->scope.location);
    vnl_json_write_open(out, "ipConfigurations", '[');
    for (size_t i = 0; i < gateway->n_instances; i++)
        write_config(out, gateway, i);
    vnl_json_write_close(out, ']');
    write_sku(out, gateway->sku);
    vnl_json_write_text(out, "gatewayType", "Vpn");
    vnl_json_write_text(out, "vpnType", gateway->policy_based ? "PolicyBased" : "RouteBased");
    vnl_json_write_text(out, "vpnGatewayGeneration",
                        gateway->generation == 2 ? "Generation2" : "Generation1");
    vnl_json_write_bool(out, "enableBgp", gateway->enable_bgp);
    vnl_json_write_bool(out, "activeActive", gateway->active_active);
    vnl_json_write_bool(out, "enablePrivateIpAddress", false);
    vnl_json_write_bool(out, "disableIPSecReplayProtection", false);
    vnl_json_write_bool(out, "enableBgpRouteTranslationForNat", false);
    write_empty(out, "natRules");
    vnl_arm_write_p2s(out, gateway);
    if (gateway->default_site)
        vnl_arm_write_ref(out, "gatewayDefaultSite", gateway->default_site->id);
    write_gateway_bgp(out, gateway);
    write_gateway_own(out, gateway);
}

/* --- local network gateways -------------------------------------------------------------------------- */

/* An end without settings has no such members. */
static void write_bgp(struct vnl_json_writer *out, const struct vnl_bgp *bgp)
{
    if (!bgp->written)
        return;
    vnl_json_write_open(out, "bgpSettings", '{');
    write_end(out, bgp);
    vnl_json_write_close(out, '}');
}

static void write_bgp_source(struct vnl_json_writer *out, const struct vnl_bgp *bgp)
{
    if (bgp->written)
        vnl_arm_write_source(out, "bgpSettingsSource", &bgp->src);
}

void vnl_arm_write_local_gateway(struct vnl_json_writer *out, const struct vnl_local_gateway *local)
{
    vnl_arm_open(out, VNL_TYPE_LOCAL_GATEWAY, local->id, local->name, local->scope.location);
    vnl_json_write_open(out, "localNetworkAddressSpace", '{');
    write_prefixes(out, &local->prefixes);
    vnl_json_write_close(out, '}');
    write_addr(out, "gatewayIpAddress", &local->addr);
    write_bgp(out, &local->bgp);
    vnl_arm_open_own(out, &local->src);
    write_bgp_source(out, &local->bgp);
    vnl_arm_write_source(out, "gatewayIpAddressSource", &local->addr_src);
    vnl_arm_write_source(out, "addressPrefixesSource", &local->prefixes_src);
    vnl_arm_close(out);
}

/* --- connections ------------------------------------------------------------------------------------- */

void vnl_arm_write_policy(struct vnl_json_writer *out, const char *key, const struct vnl_ipsec_policy *policy)
{
    vnl_json_write_open(out, key, '[');
    if (policy->written) {
        vnl_json_write_open(out, NULL, '{');
        vnl_json_write_int(out, "saLifeTimeSeconds", policy->lifetime_s);
        vnl_json_write_int(out, "saDataSizeKilobytes", policy->lifetime_kib);
        vnl_json_write_text(out, "ipsecEncryption", policy->ipsec_encryption);
        vnl_json_write_text(out, "ipsecIntegrity", policy->ipsec_integrity);
        vnl_json_write_text(out, "ikeEncryption", policy->ike_encryption);
        vnl_json_write_text(out, "ikeIntegrity", policy->ike_integrity);
        vnl_json_write_text(out, "dhGroup", policy->dh_group);
        vnl_json_write_text(out, "pfsGroup", policy->pfs_group);
        vnl_json_write_close(out, '}');
    }
    vnl_json_write_close(out, ']');
}

static void write_ends(struct vnl_json_writer *out, const struct vnl_connection *connection)
{
    vnl_arm_write_ref(out, "virtualNetworkGateway1", connection->gateway1->id);
    if (connection->gateway2)
        vnl_arm_write_ref(out, "virtualNetworkGateway2", connection->gateway2->id);
    else
        vnl_arm_write_ref(out, "localNetworkGateway2", connection->local2->id);
    vnl_json_write_text(out, "connectionType", vnl_connection_type_str(connection->type));
    vnl_json_write_text(out, "connectionProtocol", connection->ike_v1 ? "IKEv1" : "IKEv2");
    vnl_json_write_text(out, "connectionMode", vnl_connection_mode_str(connection->mode));
}

static void write_keys(struct vnl_json_writer *out, const struct vnl_connection *connection)
{
    vnl_arm_write_optional(out, "sharedKey", connection->shared_key);
    vnl_arm_write_optional(out, "sharedKeyWritten", connection->key_written);
}

static void write_connection_own(struct vnl_json_writer *out, const struct vnl_connection *connection,
                                 bool keys)
{
    vnl_arm_open_own(out, &connection->src);
    vnl_arm_write_written(out, "virtualNetworkGateway1", connection->gateway1_ref, &connection->gateway1_src);
    vnl_arm_write_written(out, "virtualNetworkGateway2", connection->gateway2_ref, &connection->gateway2_src);
    vnl_arm_write_written(out, "localNetworkGateway2", connection->local2_ref, &connection->local2_src);
    if (keys)
        write_keys(out, connection);
    vnl_json_write_bool(out, "sharedKeyGenerated", connection->key_generated);
    vnl_arm_write_source(out, "sharedKeySource", &connection->key_src);
    vnl_arm_write_source(out, "enableBgpSource", &connection->bgp_src);
    if (connection->policy.written)
        vnl_arm_write_source(out, "ipsecPolicySource", &connection->policy.src);
    if (connection->selectors.written)
        vnl_arm_write_source(out, "trafficSelectorSource", &connection->selectors.src);
    vnl_json_write_int(out, "dpdTimeoutSeconds", connection->dpd_timeout_s);
    vnl_json_write_bool(out, "connectionProtocolWritten", connection->ike_written);
    vnl_json_write_int(out, "slot", connection->slot);
    vnl_arm_close(out);
}

static void write_selectors(struct vnl_json_writer *out, const struct vnl_selector_policy *selectors)
{
    vnl_json_write_open(out, "trafficSelectorPolicies", '[');
    if (selectors->written) {
        vnl_json_write_open(out, NULL, '{');
        write_list(out, "localAddressRanges", &selectors->local);
        write_list(out, "remoteAddressRanges", &selectors->remote);
        vnl_json_write_close(out, '}');
    }
    vnl_json_write_close(out, ']');
}

void vnl_arm_write_connection(struct vnl_json_writer *out, const struct vnl_connection *connection, bool keys)
{
    vnl_arm_open(out, VNL_TYPE_CONNECTION, connection->id, connection->name, connection->scope.location);
    write_ends(out, connection);
    vnl_json_write_int(out, "routingWeight", connection->routing_weight);
    vnl_json_write_bool(out, "enableBgp", connection->enable_bgp);
    vnl_json_write_bool(out, "usePolicyBasedTrafficSelectors", connection->policy_selectors);
    vnl_arm_write_policy(out, "ipsecPolicies", &connection->policy);
    write_selectors(out, &connection->selectors);
    vnl_json_write_int(out, "dpdTimeoutSeconds",
                       connection->dpd_timeout_s ? connection->dpd_timeout_s : DPD_DEFAULT);
    vnl_json_write_text(out, "connectionStatus", "Unknown");
    vnl_json_write_int(out, "ingressBytesTransferred", 0);
    vnl_json_write_int(out, "egressBytesTransferred", 0);
    write_connection_own(out, connection, keys);
}

/* --- sites ------------------------------------------------------------------------------------------- */

static void write_site_host(struct vnl_json_writer *out, const struct vnl_site_host *host)
{
    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "name", host->name);
    write_addr(out, "address", &host->addr);
    vnl_arm_write_names(out, "run", &host->run);
    vnl_json_write_open(out, "vnetlab", '{');
    vnl_arm_write_source(out, "source", &host->src);
    vnl_json_write_int(out, "slot", host->slot);
    vnl_json_write_close(out, '}');
    vnl_json_write_close(out, '}');
}

static void write_site_own(struct vnl_json_writer *out, const struct vnl_site *site, bool keys)
{
    vnl_json_write_open(out, "vnetlab", '{');
    vnl_arm_write_source(out, "source", &site->src);
    vnl_arm_write_source(out, "publicIPAddressSource", &site->addr_src);
    vnl_arm_write_source(out, "addressPrefixesSource", &site->prefixes_src);
    write_bgp_source(out, &site->bgp);
    if (keys)
        vnl_arm_write_optional(out, "sharedKey", site->shared_key);
    vnl_arm_write_source(out, "sharedKeySource", &site->key_src);
    vnl_json_write_int(out, "slot", site->slot);
    vnl_json_write_int(out, "insideSlot", site->in_slot);
    vnl_json_write_int(out, "outsideSlot", site->out_slot);
    vnl_json_write_close(out, '}');
}

static void write_site_bgp(struct vnl_json_writer *out, const struct vnl_site *site)
{
    if (!site->bgp.written)
        return;
    vnl_json_write_open(out, "bgpSettings", '{');
    write_end(out, &site->bgp);
    if (site->advertises)
        write_list(out, "advertisedPrefixes", &site->advertised);
    vnl_json_write_int(out, "asPathPrepend", site->prepend);
    vnl_json_write_close(out, '}');
}

void vnl_arm_write_site(struct vnl_json_writer *out, const struct vnl_site *site, bool keys)
{
    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "name", site->name);
    write_addr(out, "publicIPAddress", &site->addr);
    write_prefixes(out, &site->prefixes);
    write_addr(out, "deviceAddress", &site->inner);
    vnl_arm_write_optional(out, "swanctl", site->swanctl);
    write_site_bgp(out, site);
    vnl_json_write_open(out, "hosts", '[');
    for (size_t i = 0; i < site->n_hosts; i++)
        write_site_host(out, site->hosts[i]);
    vnl_json_write_close(out, ']');
    write_site_own(out, site, keys);
    vnl_json_write_close(out, '}');
}

/* A lab without sites has no such member. */
void vnl_arm_write_sites(struct vnl_json_writer *out, const struct vnl_lab *lab, bool keys)
{
    if (lab->n_sites == 0)
        return;
    vnl_json_write_open(out, "sites", '[');
    for (size_t i = 0; i < lab->n_sites; i++)
        vnl_arm_write_site(out, lab->sites[i], keys);
    vnl_json_write_close(out, ']');
}
