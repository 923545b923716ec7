/* The model's vocabularies: text, JSON and tests read these tables; a new value without a name does not
 * compile. */
#include "model.h"

#include <strings.h>

static const char *const peering_state_str[] = {
    [VNL_PEERING_INITIATED] = "Initiated",
    [VNL_PEERING_CONNECTED] = "Connected",
    [VNL_PEERING_DISCONNECTED] = "Disconnected",
};
static_assert(ARRAY_SIZE(peering_state_str) == VNL_PEERING_STATE_MAX, "name every peering state");

static const char *const peering_sync_str[] = {
    [VNL_SYNC_FULL] = "FullyInSync",
    [VNL_SYNC_REMOTE] = "RemoteNotInSync",
    [VNL_SYNC_LOCAL] = "LocalNotInSync",
    [VNL_SYNC_LOCAL_REMOTE] = "LocalAndRemoteNotInSync",
};
static_assert(ARRAY_SIZE(peering_sync_str) == VNL_SYNC_MAX, "name every sync level");

static const char *const expect_proto_str[] = {
    [VNL_EXPECT_ICMP] = "icmp",
    [VNL_EXPECT_TCP] = "tcp",
    [VNL_EXPECT_UDP] = "udp",
};
static_assert(ARRAY_SIZE(expect_proto_str) == VNL_EXPECT_PROTO_MAX, "name every protocol");

static const char *const expect_result_str[] = {
    [VNL_EXPECT_PASS] = "pass",
    [VNL_EXPECT_DROP] = "drop",
};
static_assert(ARRAY_SIZE(expect_result_str) == VNL_EXPECT_RESULT_MAX, "name every result");

static const char *const peering_access_str[] = {
    [VNL_ACCESS_DOCUMENTED] = "documented",
    [VNL_ACCESS_TAG_ONLY] = "tag-only",
};
static_assert(ARRAY_SIZE(peering_access_str) == VNL_ACCESS_MAX, "name every way of access");

static const char *const peering_forwarded_str[] = {
    [VNL_FORWARDED_STRICT] = "strict",
    [VNL_FORWARDED_TAG_ONLY] = "tag-only",
};
static_assert(ARRAY_SIZE(peering_forwarded_str) == VNL_FORWARDED_MAX, "name every way of forwarding");

static const char *const udr_hop_str[] = {
    [VNL_UDR_APPLIANCE] = "VirtualAppliance",
    [VNL_UDR_VNET_LOCAL] = "VnetLocal",
    [VNL_UDR_INTERNET] = "Internet",
    [VNL_UDR_GATEWAY] = "VirtualNetworkGateway",
    [VNL_UDR_NONE] = "None",
};
static_assert(ARRAY_SIZE(udr_hop_str) == VNL_UDR_MAX, "name every next hop type");

static const char *const sku_str[] = {
    [VNL_SKU_STANDARD] = "Standard",
    [VNL_SKU_BASIC] = "Basic",
};
static_assert(ARRAY_SIZE(sku_str) == VNL_SKU_MAX, "name every SKU");

static const char *const load_distribution_str[] = {
    [VNL_LOAD_DEFAULT] = "Default",
    [VNL_LOAD_SOURCE_IP] = "SourceIP",
    [VNL_LOAD_SOURCE_IP_PROTOCOL] = "SourceIPProtocol",
};
static_assert(ARRAY_SIZE(load_distribution_str) == VNL_LOAD_MAX, "name every load distribution");

static const char *const lb_proto_str[] = {
    [VNL_LB_ALL] = "All",
    [VNL_LB_TCP] = "Tcp",
    [VNL_LB_UDP] = "Udp",
};
static_assert(ARRAY_SIZE(lb_proto_str) == VNL_LB_PROTO_MAX, "name every protocol of load balancers");

static const char *const probe_kind_str[] = {
    [VNL_PROBE_KIND_TCP] = "Tcp",
    [VNL_PROBE_KIND_HTTP] = "Http",
};
static_assert(ARRAY_SIZE(probe_kind_str) == VNL_PROBE_KIND_MAX, "name every kind of probe");

static const char *const direction_str[] = {
    [VNL_INBOUND] = "Inbound",
    [VNL_OUTBOUND] = "Outbound",
};
static_assert(ARRAY_SIZE(direction_str) == VNL_DIRECTION_MAX, "name both directions");

static const char *const access_str[] = {
    [VNL_ALLOW] = "Allow",
    [VNL_DENY] = "Deny",
};
static_assert(ARRAY_SIZE(access_str) == VNL_RULE_ACCESS_MAX, "name both ways of access");

static const char *const rule_proto_str[] = {
    [VNL_RULE_ANY] = "*",     [VNL_RULE_TCP] = "Tcp", [VNL_RULE_UDP] = "Udp",
    [VNL_RULE_ICMP] = "Icmp", [VNL_RULE_ESP] = "Esp", [VNL_RULE_AH] = "Ah",
};
static_assert(ARRAY_SIZE(rule_proto_str) == VNL_RULE_PROTO_MAX, "name every protocol of rules");

/* VNL_TAG_NONE has no name: "" is what no text is. */
static const char *const tag_str[] = {
    [VNL_TAG_NONE] = "",
    [VNL_TAG_VIRTUAL_NETWORK] = "VirtualNetwork",
    [VNL_TAG_AZURE_LOAD_BALANCER] = "AzureLoadBalancer",
    [VNL_TAG_INTERNET] = "Internet",
    [VNL_TAG_PLATFORM_DNS] = "AzurePlatformDNS",
    [VNL_TAG_PLATFORM_IMDS] = "AzurePlatformIMDS",
    [VNL_TAG_PLATFORM_LKM] = "AzurePlatformLKM",
    [VNL_TAG_GATEWAY_MANAGER] = "GatewayManager",
    [VNL_TAG_AZURE_CLOUD] = "AzureCloud",
};
static_assert(ARRAY_SIZE(tag_str) == VNL_TAG_MAX, "name every service tag");

/* Position of text in the table, or -EINVAL. */
static int find(const char *const *table, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(table[i], text) == 0)
            return (int)i;
    }
    return -EINVAL;
}

const char *vnl_peering_state_str(enum vnl_peering_state state)
{
    return peering_state_str[state];
}

const char *vnl_peering_sync_str(enum vnl_peering_sync sync)
{
    return peering_sync_str[sync];
}

const char *vnl_expect_proto_str(enum vnl_expect_proto proto)
{
    return expect_proto_str[proto];
}

const char *vnl_expect_result_str(enum vnl_expect_result result)
{
    return expect_result_str[result];
}

const char *vnl_peering_access_str(enum vnl_peering_access access)
{
    return peering_access_str[access];
}

const char *vnl_peering_forwarded_str(enum vnl_peering_forwarded forwarded)
{
    return peering_forwarded_str[forwarded];
}

int vnl_peering_access_parse(const char *text, enum vnl_peering_access *ret)
{
    int i = find(peering_access_str, ARRAY_SIZE(peering_access_str), text);

    if (i >= 0)
        *ret = (enum vnl_peering_access)i;
    return i < 0 ? i : 0;
}

int vnl_peering_forwarded_parse(const char *text, enum vnl_peering_forwarded *ret)
{
    int i = find(peering_forwarded_str, ARRAY_SIZE(peering_forwarded_str), text);

    if (i >= 0)
        *ret = (enum vnl_peering_forwarded)i;
    return i < 0 ? i : 0;
}

int vnl_peering_state_parse(const char *text, enum vnl_peering_state *ret)
{
    int i = find(peering_state_str, ARRAY_SIZE(peering_state_str), text);

    if (i >= 0)
        *ret = (enum vnl_peering_state)i;
    return i < 0 ? i : 0;
}

const char *vnl_udr_hop_str(enum vnl_udr_hop hop)
{
    return udr_hop_str[hop];
}

int vnl_udr_hop_parse(const char *text, enum vnl_udr_hop *ret)
{
    int i = find(udr_hop_str, ARRAY_SIZE(udr_hop_str), text);

    if (i >= 0)
        *ret = (enum vnl_udr_hop)i;
    return i < 0 ? i : 0;
}

const char *vnl_sku_str(enum vnl_sku value)
{
    return sku_str[value];
}

int vnl_sku_parse(const char *text, enum vnl_sku *ret)
{
    int i = find(sku_str, ARRAY_SIZE(sku_str), text);

    if (i >= 0)
        *ret = (enum vnl_sku)i;
    return i < 0 ? i : 0;
}

const char *vnl_load_distribution_str(enum vnl_load_distribution value)
{
    return load_distribution_str[value];
}

int vnl_load_distribution_parse(const char *text, enum vnl_load_distribution *ret)
{
    int i = find(load_distribution_str, ARRAY_SIZE(load_distribution_str), text);

    if (i >= 0)
        *ret = (enum vnl_load_distribution)i;
    return i < 0 ? i : 0;
}

const char *vnl_lb_proto_str(enum vnl_lb_proto value)
{
    return lb_proto_str[value];
}

int vnl_lb_proto_parse(const char *text, enum vnl_lb_proto *ret)
{
    int i = find(lb_proto_str, ARRAY_SIZE(lb_proto_str), text);

    if (i >= 0)
        *ret = (enum vnl_lb_proto)i;
    return i < 0 ? i : 0;
}

const char *vnl_probe_kind_str(enum vnl_probe_kind value)
{
    return probe_kind_str[value];
}

int vnl_probe_kind_parse(const char *text, enum vnl_probe_kind *ret)
{
    int i = find(probe_kind_str, ARRAY_SIZE(probe_kind_str), text);

    if (i >= 0)
        *ret = (enum vnl_probe_kind)i;
    return i < 0 ? i : 0;
}

const char *vnl_direction_str(enum vnl_direction direction)
{
    return direction_str[direction];
}

const char *vnl_access_str(enum vnl_access access)
{
    return access_str[access];
}

const char *vnl_rule_proto_str(enum vnl_rule_proto proto)
{
    return rule_proto_str[proto];
}

const char *vnl_tag_str(enum vnl_tag tag)
{
    return tag_str[tag];
}

int vnl_direction_parse(const char *text, enum vnl_direction *ret)
{
    int i = find(direction_str, ARRAY_SIZE(direction_str), text);

    if (i >= 0)
        *ret = (enum vnl_direction)i;
    return i < 0 ? i : 0;
}

int vnl_access_parse(const char *text, enum vnl_access *ret)
{
    int i = find(access_str, ARRAY_SIZE(access_str), text);

    if (i >= 0)
        *ret = (enum vnl_access)i;
    return i < 0 ? i : 0;
}

int vnl_rule_proto_parse(const char *text, enum vnl_rule_proto *ret)
{
    int i = find(rule_proto_str, ARRAY_SIZE(rule_proto_str), text);

    if (i >= 0)
        *ret = (enum vnl_rule_proto)i;
    return i < 0 ? i : 0;
}

int vnl_tag_parse(const char *text, enum vnl_tag *ret)
{
    int i = find(tag_str, ARRAY_SIZE(tag_str), text);

    if (i > VNL_TAG_NONE)
        *ret = (enum vnl_tag)i;
    return i > VNL_TAG_NONE ? 0 : -EINVAL;
}
