/* connections and their ipsecPolicies. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WEIGHT_MAX 32000

static bool is_word(const struct vnl_yaml *node, const char *word)
{
    return node->type == VNL_YAML_SCALAR && strcasecmp(node->text, word) == 0;
}

/* --- the ends ---------------------------------------------------------------------------------------- */

static void read_type(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    struct vnl_connection *connection = resource;

    if (is_word(node, "ExpressRoute") || is_word(node, "VPNClient"))
        vnl_lab_mistake(l, node->src, "InvalidRequestContent", NULL, "'%s: %s' is not supported yet",
                        key->name, node->text);
    else if (node->type == VNL_YAML_SCALAR && vnl_connection_type_parse(node->text, &connection->type) == 0)
        return;
    else
        vnl_lab_wrong_type(l, key->name, key->type, node);
    vnl_lab_broken(l);
}

static void read_ref(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                     char **ret, struct vnl_src *ret_src)
{
    vnl_lab_ref(l, key, node, ret, ret_src);
    if (!*ret)
        vnl_lab_broken(l);
}

static void read_gateway1(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_connection *connection = resource;

    read_ref(l, key, node, &connection->gateway1_ref, &connection->gateway1_src);
}

static void read_gateway2(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_connection *connection = resource;

    read_ref(l, key, node, &connection->gateway2_ref, &connection->gateway2_src);
}

static void read_local2(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    struct vnl_connection *connection = resource;

    read_ref(l, key, node, &connection->local2_ref, &connection->local2_src);
}

/* --- the rest ---------------------------------------------------------------------------------------- */

/* A key is text, also one that looks like a number. */
void vnl_lab_read_key(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                      char **ret, struct vnl_src *ret_src)
{
    const char *text = vnl_yaml_is_null(node) ? NULL : vnl_lab_text(l, key->name, key->type, node);

    *ret_src = node->src;
    if (text)
        vnl_lab_copy(l, ret, text);
}

static void read_shared_key(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                            const struct vnl_yaml *node)
{
    struct vnl_connection *connection = resource;

    connection->key_generated = false;
    free(connection->key_written);
    connection->key_written = NULL; /* as a lab file says it */
    vnl_lab_read_key(l, key, node, &connection->shared_key, &connection->key_src);
}

static void read_weight(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    long weight;

    if (vnl_lab_number(l, key->name, node, 0, WEIGHT_MAX, &weight))
        ((struct vnl_connection *)resource)->routing_weight = (int)weight;
}

static void read_dpd(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                     const struct vnl_yaml *node)
{
    long timeout;

    if (vnl_lab_number(l, key->name, node, 9, 3600, &timeout))
        ((struct vnl_connection *)resource)->dpd_timeout_s = (int)timeout;
}

static void read_protocol(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_connection *connection = resource;

    if (!is_word(node, "IKEv1") && !is_word(node, "IKEv2")) {
        vnl_lab_wrong_type(l, key->name, key->type, node);
        return;
    }
    connection->ike_v1 = is_word(node, "IKEv1");
    connection->ike_written = true;
}

/* What is neither may be meant, so nothing is said to follow from its absence. */
static void read_enable_bgp(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                            const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_connection *connection = resource;

    connection->bgp_src = node->src;
    vnl_lab_read_bool(l, key, resource, node);
    if (l->mistakes != before)
        vnl_lab_broken(l);
}

static void read_mode(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    struct vnl_connection *connection = resource;

    if (node->type != VNL_YAML_SCALAR || vnl_connection_mode_parse(node->text, &connection->mode) < 0)
        vnl_lab_wrong_type(l, key->name, key->type, node);
}

/* --- IPsec policies ---------------------------------------------------------------------------------- */

static void read_policy_word(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                             const struct vnl_yaml *node)
{
    const char *text = vnl_lab_text(l, key->name, key->type, node);

    if (text)
        vnl_lab_copy(l, (char **)((char *)resource + key->field), text);
    else
        vnl_lab_broken(l);
}

static void read_lifetime(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    long value;

    if (vnl_lab_number(l, key->name, node, 1, INT32_MAX, &value))
        *(uint32_t *)((char *)resource + key->field) = (uint32_t)value;
    else
        vnl_lab_broken(l);
}

#define WORD(name, member, words, meaning)                                                                   \
    {                                                                                                        \
        name, read_policy_word, offsetof(struct vnl_ipsec_policy, member),                                   \
            .type = words, .fallback = "required", .text = meaning                                           \
    }

static const struct vnl_lab_key policy_keys[] = {
    WORD("ikeEncryption", ike_encryption, "GCMAES256, GCMAES128, AES256, AES192, AES128, DES3, DES",
         "of IKE itself"),
    WORD("ikeIntegrity", ike_integrity, "SHA384, SHA256, SHA1, MD5, GCMAES256, GCMAES128",
         "with GCM encryption: how keys are made"),
    WORD("dhGroup", dh_group, "DHGroup24, ECP384, ECP256, DHGroup14, DHGroup2048, DHGroup2, DHGroup1",
         "of IKE"),
    WORD("ipsecEncryption", ipsec_encryption,
         "GCMAES256, GCMAES192, GCMAES128, AES256, AES192, AES128, DES3, DES, None", "of ESP"),
    WORD("ipsecIntegrity", ipsec_integrity, "GCMAES256, GCMAES192, GCMAES128, SHA256, SHA1, MD5",
         "of ESP; with GCM the same word as ipsecEncryption"),
    WORD("pfsGroup", pfs_group, "PFS24, ECP384, ECP256, PFS2048, PFS14, PFS2, PFS1, PFSMM, None",
         "of ESP when keys are renewed; PFSMM: that of dhGroup"),
    { "saLifeTimeSeconds", read_lifetime, offsetof(struct vnl_ipsec_policy, lifetime_s),
      .type = "300 or more", .fallback = "required", .text = "when the keys of ESP are renewed" },
    { "saDataSizeKilobytes", read_lifetime, offsetof(struct vnl_ipsec_policy, lifetime_kib),
      .type = "1024 or more", .fallback = "required", .text = "the same by what was carried" },
};
const struct vnl_lab_keys vnl_lab_policy_keys = { "IPsec policy", "an IPsec policy", policy_keys,
                                                  ARRAY_SIZE(policy_keys) };

void vnl_lab_policy(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                    const char *owner, struct vnl_ipsec_policy *ret)
{
    const struct vnl_yaml *policy = node->type == VNL_YAML_SEQ && node->n_kids ? node->kids[0] : node;

    if (vnl_yaml_is_null(node) || (node->type == VNL_YAML_SEQ && node->n_kids == 0))
        return;
    if (node->type == VNL_YAML_SEQ && node->n_kids > 1) {
        vnl_lab_mistake(l, node->kids[1]->src, "InvalidRequestContent", NULL,
                        "'%s' has %zu policies: %s has one", key->name, node->n_kids, owner);
        vnl_lab_broken(l);
        return;
    }
    if (policy->type != VNL_YAML_MAP) {
        vnl_lab_wrong_type(l, key->name, key->type, policy);
        vnl_lab_broken(l);
        return;
    }
    ret->written = true;
    ret->src = policy->src;
    vnl_lab_read_map(l, &vnl_lab_policy_keys, ret, policy);
}

static void read_policies(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    vnl_lab_policy(l, key, node, "a connection", &((struct vnl_connection *)resource)->policy);
}

/* --- traffic selectors -------------------------------------------------------------------------------- */

static const struct vnl_lab_key selector_keys[] = {
    { "localAddressRanges", vnl_lab_read_prefixes, offsetof(struct vnl_selector_policy, local),
      .type = "a prefix or a list of prefixes", .fallback = "required", .text = "on the gateway's side" },
    { "remoteAddressRanges", vnl_lab_read_prefixes, offsetof(struct vnl_selector_policy, remote),
      .type = "a prefix or a list of prefixes", .fallback = "required", .text = "on the other side" },
};
const struct vnl_lab_keys vnl_lab_selector_keys = { "Traffic selector policy", "a traffic selector policy",
                                                    selector_keys, ARRAY_SIZE(selector_keys) };

static void read_selectors(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    struct vnl_selector_policy *selectors = &((struct vnl_connection *)resource)->selectors;
    const struct vnl_yaml *policy = node->type == VNL_YAML_SEQ && node->n_kids ? node->kids[0] : node;

    if (vnl_yaml_is_null(node) || (node->type == VNL_YAML_SEQ && node->n_kids == 0))
        return;
    if (node->type == VNL_YAML_SEQ && node->n_kids > 1)
        vnl_lab_mistake(l, node->kids[1]->src, "InvalidRequestContent",
                        "write all ranges into one policy: each pair is proposed",
                        "'%s' with several policies is not supported yet", key->name);
    else if (policy->type != VNL_YAML_MAP)
        vnl_lab_wrong_type(l, key->name, key->type, policy);
    else {
        selectors->written = true;
        selectors->src = policy->src;
        vnl_lab_read_map(l, &vnl_lab_selector_keys, selectors, policy);
        return;
    }
    vnl_lab_broken(l);
}

/* --- connections ------------------------------------------------------------------------------------- */

static const struct vnl_lab_key connection_keys[] = {
    { "connectionType", read_type, .type = "Vnet2Vnet or IPsec", .fallback = "by the second end",
      .text = "ExpressRoute and VPNClient are not there yet" },
    { "virtualNetworkGateway1", read_gateway1, .type = "a virtual network gateway", .fallback = "required",
      .text = "this end; its name, full id or `{id: ...}`" },
    { "virtualNetworkGateway2", read_gateway2, .type = "a virtual network gateway", .fallback = "none",
      .text = "the other end of Vnet2Vnet, which needs a connection back" },
    { "localNetworkGateway2", read_local2, .type = "a local network gateway", .fallback = "none",
      .text = "the other end of IPsec" },
    { "sharedKey", read_shared_key, .type = "text", .fallback = "one is generated",
      .text =
          "1 to 128 printable ASCII characters without space, `-` and `~`; must be the same at both ends" },
    { "routingWeight", read_weight, .type = "0 to 32000", .fallback = "10", .text = "kept and shown" },
    { "dpdTimeoutSeconds", read_dpd, .type = "9 to 3600", .fallback = "45",
      .text = "when an end that does not answer counts as gone" },
    { "connectionProtocol", read_protocol, .type = "IKEv2 or IKEv1", .fallback = "IKEv2",
      .text = "a PolicyBased gateway speaks IKEv1" },
    { "connectionMode", read_mode, .type = "Default, InitiatorOnly or ResponderOnly", .fallback = "Default",
      .text = "who starts the negotiation" },
    { "usePolicyBasedTrafficSelectors", vnl_lab_read_bool, offsetof(struct vnl_connection, policy_selectors),
      .type = "true or false", .fallback = "false",
      .text = "each pair of prefixes instead of any to any; needs ipsecPolicies" },
    { "trafficSelectorPolicies", read_selectors, .type = "a list of one policy", .fallback = "any to any",
      .text = "what this end proposes where it starts the negotiation (below)" },
    { "ipsecPolicies", read_policies, .type = "a list of one policy", .fallback = "Azure's defaults",
      .text = "replaces the default algorithms (below)" },
    { "enableBgp", read_enable_bgp, offsetof(struct vnl_connection, enable_bgp), .type = "true or false",
      .fallback = "false",
      .text = "routes are learned by BGP; of a pair of VNets both connections must have it" },
    { "location", .type = "a region", .fallback = "its first gateway's",
      .text = "must be that of virtualNetworkGateway1" },
    { "resourceGroup", .type = "a name", .fallback = "the lab's", .text = "part of the resource id" },
    { "subscription", .type = "a GUID", .fallback = "the lab's", .text = "part of the resource id" },
    { "connectionStatus", .refuse = VNL_SET_BY_AZURE },
    { "ingressBytesTransferred", .refuse = VNL_SET_BY_AZURE },
    { "egressBytesTransferred", .refuse = VNL_SET_BY_AZURE },
    { "authenticationType", .refuse = VNL_NOT_YET },
    { "certificateAuthentication", .refuse = VNL_NOT_YET },
    { "authorizationKey", .refuse = VNL_NOT_YET },
    { "peer", .refuse = VNL_NOT_YET },
    { "ingressNatRules", .refuse = VNL_NOT_YET },
    { "egressNatRules", .refuse = VNL_NOT_YET },
    { "gatewayCustomBgpIpAddresses", .refuse = VNL_NOT_YET },
    { "useLocalAzureIpAddress", .refuse = VNL_NOT_YET },
    { "expressRouteGatewayBypass", .refuse = VNL_NOT_YET },
    { "enablePrivateLinkFastPath", .refuse = VNL_NOT_YET },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_connection_keys = { "Connection", "a connection", connection_keys,
                                                      ARRAY_SIZE(connection_keys) };

static void check_complete(struct vnl_loading *l, const struct vnl_connection *connection,
                           const struct vnl_yaml *node)
{
    if (!connection->gateway1_ref)
        vnl_lab_missing(l, node, "write 'virtualNetworkGateway1: NAME'", "virtualNetworkGateway1");
    else if (!connection->gateway2_ref && !connection->local2_ref)
        vnl_lab_missing(l, node, "or 'localNetworkGateway2'",
                        connection->type == VNL_CONNECTION_IPSEC ? "localNetworkGateway2"
                                                                 : "virtualNetworkGateway2");
}

static void read_connection(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_connection *connection;
    struct vnl_scope scope;
    size_t n_broken;

    vnl_lab_enter(l, &node->key_src, "connections", node->key);
    scope = vnl_lab_scope(l, node);
    connection = vnl_connection_add(l->lab, node->key, &scope, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (!connection)
        return;
    n_broken = l->n_broken;
    vnl_lab_read_map(l, &vnl_lab_connection_keys, connection, node);
    if (!vnl_yaml_lookup(node, "connectionType"))
        connection->type =
            connection->local2_ref && !connection->gateway2_ref ? VNL_CONNECTION_IPSEC : VNL_CONNECTION_VNET;
    if (l->n_broken == n_broken)
        check_complete(l, connection, node);
}

void vnl_lab_read_connections(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                              const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_connection(l, node->kids[i]);
}
