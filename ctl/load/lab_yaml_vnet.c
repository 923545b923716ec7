/* vnets: address spaces, subnets, peerings. */
#include "lab_yaml.h"

#include <errno.h>
#include <string.h>

/* --- subnets ----------------------------------------------------------------------------------------- */

/* ARM has both spellings and refuses the mixture; each fills the same list here. */
static void read_subnet_prefix(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                               const struct vnl_yaml *node)
{
    struct vnl_subnet *subnet = resource;
    bool plural = strcmp(key->name, "addressPrefixes") == 0;

    if (subnet->prefixes.n) {
        vnl_lab_mistake(l, node->key_src, NULL, "list all prefixes in 'addressPrefixes'",
                        "'addressPrefix' and 'addressPrefixes' exclude each other");
        return;
    }
    subnet->plural = plural;
    if (!plural && node->type == VNL_YAML_SEQ) {
        vnl_lab_mistake(l, node->src, "InvalidRequestContent", "use 'addressPrefixes'",
                        "'addressPrefix' must be a prefix, not a list");
        vnl_lab_broken(l);
        return;
    }
    vnl_lab_prefixes(l, key->name, node, &subnet->prefixes);
}

static void read_nsg_ref(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    struct vnl_subnet *subnet = resource;

    vnl_lab_ref(l, key, node, &subnet->nsg_ref, &subnet->nsg_src);
}

static const struct vnl_lab_key subnet_keys[] = {
    { "addressPrefix", read_subnet_prefix, .type = "a prefix", .fallback = "required",
      .text = "the subnet's prefix; host bits must be zero" },
    { "addressPrefixes", read_subnet_prefix, .type = "a list of prefixes", .fallback = "-",
      .text = "instead of `addressPrefix`: an IPv4 and an IPv6 prefix (/64), or several IPv4 prefixes" },
    { "networkSecurityGroup", read_nsg_ref, .type = "a network security group", .fallback = "none",
      .text = "filters every NIC of the subnet; its name, its full id, or `{id: ...}`" },
    { "routeTable", vnl_lab_read_route_table_ref, .type = "a route table", .fallback = "none",
      .text = "routes of every NIC of the subnet; its name, its full id, or `{id: ...}`" },
    { "natGateway", vnl_lab_read_nat_ref, .type = "a NAT gateway", .fallback = "none",
      .text = "by which its VMs go out to the internet, TCP and UDP; its name, its full id, or `{id: ...}`" },
    { "defaultOutboundAccess", vnl_lab_read_outbound, .type = "true or false", .fallback = "true",
      .text =
          "`false`: a private subnet; its VMs have no way out without a NAT gateway or a public IP address" },
    { "delegations", .refuse = VNL_NOT_YET },
    { "serviceEndpoints", .refuse = VNL_NOT_YET },
    { "serviceEndpointPolicies", .refuse = VNL_NOT_YET },
    { "privateEndpointNetworkPolicies", .refuse = VNL_NOT_YET },
    { "privateLinkServiceNetworkPolicies", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_subnet_keys = { "Subnet", "a subnet", subnet_keys,
                                                  ARRAY_SIZE(subnet_keys) };

static void read_subnet_value(struct vnl_loading *l, struct vnl_subnet *subnet, const struct vnl_yaml *node)
{
    size_t n_broken = l->n_broken;

    if (node->type == VNL_YAML_MAP) {
        vnl_lab_read_map(l, &vnl_lab_subnet_keys, subnet, node);
    } else if (!vnl_yaml_is_null(node)) {
        subnet->plural = node->type == VNL_YAML_SEQ;
        vnl_lab_prefixes(l, node->key, node, &subnet->prefixes);
    }
    if (subnet->prefixes.n == 0 && l->n_broken == n_broken)
        vnl_lab_missing(l, node, "write 'NAME: 10.0.0.0/24'", "addressPrefix");
}

static void read_subnets(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    struct vnl_vnet *vnet = resource;

    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++) {
        const struct vnl_err *before = l->mistakes;
        struct vnl_subnet *subnet =
            vnl_subnet_add(vnet, node->kids[i]->key, &node->kids[i]->key_src, &l->mistakes);
        size_t parent = vnl_lab_enter_child(l, "subnets", node->kids[i]->key);

        vnl_lab_enter_part(l, &node->kids[i]->key_src);
        vnl_lab_broken_if_twice(l, before);
        if (subnet)
            read_subnet_value(l, subnet, node->kids[i]);
        vnl_lab_leave_part(l);
        vnl_lab_leave_child(l, parent);
    }
}

/* --- peerings ---------------------------------------------------------------------------------------- */

/* A name, a full id, or ARM's {id: ...}. */
static void read_remote(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    struct vnl_peering *link = resource;
    const struct vnl_yaml *value = vnl_lab_ref_value(node);
    const char *text = vnl_lab_text(l, key->name, key->type, value);

    if (!text) {
        vnl_lab_broken(l);
        text = "";
    }
    vnl_lab_copy(l, &link->remote_ref, text);
    link->remote_src = value->src;
}

#define FLAG(name, member, fallback, text)                                                                   \
    {                                                                                                        \
        name, vnl_lab_read_bool, offsetof(struct vnl_peering, member), NULL, NULL, "true or false",          \
            fallback, text                                                                                   \
    }

static const struct vnl_lab_key peering_keys[] = {
    { "remoteVirtualNetwork", read_remote, .type = "a VNet's name or id", .fallback = "required",
      .text = "the VNet at the other end; its name, its full id, or `{id: ...}`" },
    FLAG("allowVirtualNetworkAccess", allow_vnet_access, "true", "traffic between the two VNets"),
    FLAG("allowForwardedTraffic", allow_forwarded_traffic, "false",
         "accept packets that do not come from the remote VNet itself (forwarded by an appliance there)"),
    FLAG("allowGatewayTransit", allow_gateway_transit, "false",
         "let the remote VNet use this VNet's gateway"),
    FLAG("useRemoteGateways", use_remote_gateways, "false", "use the remote VNet's gateway"),
    FLAG("doNotVerifyRemoteGateways", do_not_verify_remote_gateways, "false",
         "do not check the remote gateway's state"),
    FLAG("peerCompleteVnets", complete_vnets, "true", "`false`: peer only the subnets named below"),
    FLAG("enableOnlyIPv6Peering", only_ipv6, "false", "subnet peering: IPv6 only"),
    { "localSubnetNames", vnl_lab_read_names, offsetof(struct vnl_peering, local_subnets),
      .type = "a list of subnet names", .fallback = "none", .text = "subnet peering: this VNet's subnets" },
    { "remoteSubnetNames", vnl_lab_read_names, offsetof(struct vnl_peering, remote_subnets),
      .type = "a list of subnet names", .fallback = "none",
      .text = "subnet peering: the remote VNet's subnets" },
    { "peeringState", .refuse = VNL_SET_BY_AZURE },
    { "peeringSyncLevel", .refuse = VNL_SET_BY_AZURE },
    { "remoteAddressSpace", .refuse = VNL_SET_BY_AZURE },
    { "remoteVirtualNetworkAddressSpace", .refuse = VNL_SET_BY_AZURE },
    { "localAddressSpace", .refuse = VNL_SET_BY_AZURE },
    { "localVirtualNetworkAddressSpace", .refuse = VNL_SET_BY_AZURE },
    { "provisioningState", .refuse = VNL_SET_BY_AZURE },
};
const struct vnl_lab_keys vnl_lab_peering_keys = { "Peering", "a peering", peering_keys,
                                                   ARRAY_SIZE(peering_keys) };

static void read_peering(struct vnl_loading *l, struct vnl_peering *link, const struct vnl_yaml *node)
{
    size_t n_broken = l->n_broken;

    vnl_lab_read_map(l, &vnl_lab_peering_keys, link, node);
    if (link->remote_ref)
        return;
    vnl_lab_copy(l, &link->remote_ref, "");
    if (l->n_broken == n_broken)
        vnl_lab_missing(l, node, "write '{remoteVirtualNetwork: NAME}'", "remoteVirtualNetwork");
}

static void read_peerings(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_vnet *vnet = resource;

    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++) {
        const struct vnl_err *before = l->mistakes;
        struct vnl_peering *link =
            vnl_peering_add(vnet, node->kids[i]->key, &node->kids[i]->key_src, &l->mistakes);
        size_t parent = vnl_lab_enter_child(l, "virtualNetworkPeerings", node->kids[i]->key);

        vnl_lab_enter_part(l, &node->kids[i]->key_src);
        vnl_lab_broken_if_twice(l, before);
        if (link)
            read_peering(l, link, node->kids[i]);
        vnl_lab_leave_part(l);
        vnl_lab_leave_child(l, parent);
    }
}

/* --- vnets ------------------------------------------------------------------------------------------- */

/* A list or one prefix; ARM's {addressPrefixes: [...]} too. */
static void read_space(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    struct vnl_vnet *vnet = resource;
    const struct vnl_yaml *inner =
        node->type == VNL_YAML_MAP && node->n_kids == 1 ? vnl_yaml_lookup(node, "addressPrefixes") : NULL;

    vnl_lab_prefixes(l, key->name, inner ? inner : node, &vnet->space);
}

static void read_flow_timeout(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                              const struct vnl_yaml *node)
{
    struct vnl_vnet *vnet = resource;
    long minutes;

    if (vnl_lab_number(l, key->name, node, 4, 30, &minutes))
        vnet->flow_timeout_min = (int)minutes;
}

static const struct vnl_lab_key vnet_keys[] = {
    { "addressSpace", read_space, .type = "a prefix or a list of prefixes", .fallback = "required",
      .text = "IPv4 and IPv6 prefixes of the VNet; ARM's `{addressPrefixes: [...]}` is accepted" },
    { "subnets", read_subnets, .type = "a map", .fallback = "none",
      .text = "name: prefix, list of prefixes, or a map (below)" },
    { "peerings", read_peerings, .type = "a map", .fallback = "none",
      .text = "name: a map (below); a peering carries traffic when both VNets have one" },
    { "location", .type = "a region", .fallback = "the lab's",
      .text = "`eastus`, `East US`; peering of two regions is global peering" },
    { "resourceGroup", .type = "a name", .fallback = "the lab's", .text = "part of the resource id" },
    { "subscription", .type = "a GUID", .fallback = "the lab's", .text = "part of the resource id" },
    { "flowTimeoutInMinutes", read_flow_timeout, .type = "4 to 30", .fallback = "not set",
      .text = "minutes after which an idle flow ends; 4 when it is not set" },
    { "dnsServers", vnl_lab_read_dns, .type = "an IP address or a list of them", .fallback = "Azure's",
      .text = "what its VMs ask for names, at most 20; without it 168.63.129.16, which knows the VMs of the "
              "VNet" },
    { "dhcpOptions", vnl_lab_read_dhcp, .type = "a map", .fallback = "-",
      .text = "ARM's `{dnsServers: [...]}`, the same as `dnsServers`" },
    { "addressPrefixes", .refuse = "belongs to a subnet", .instead = "addressSpace" },
    { "virtualNetworkPeerings", .refuse = "has a shorter name here", .instead = "peerings" },
    { "enableDdosProtection", .refuse = VNL_NOT_YET },
    { "encryption", .refuse = VNL_NOT_YET },
    { "bgpCommunities", .refuse = VNL_NOT_YET },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_vnet_keys = { "VNet", "a VNet", vnet_keys, ARRAY_SIZE(vnet_keys) };

static void read_vnet(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_scope scope;
    struct vnl_vnet *vnet;
    size_t n_broken;

    vnl_lab_enter(l, &node->key_src, "virtualNetworks", node->key);
    scope = vnl_lab_scope(l, node);
    vnet = vnl_vnet_add(l->lab, node->key, &scope, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (!vnet)
        return;
    n_broken = l->n_broken;
    vnl_lab_read_map(l, &vnl_lab_vnet_keys, vnet, node);
    if (vnet->space.n == 0 && l->n_broken == n_broken)
        vnl_lab_missing(l, node, "write 'addressSpace: [10.0.0.0/16]'", "addressSpace");
}

void vnl_lab_read_vnets(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_vnet(l, node->kids[i]);
}
