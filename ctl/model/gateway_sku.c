/* SKUs of VPN gateways. Source: spec 3 (Azure documentation, "About gateway SKUs"). */
#include "gateway.h"

#include <strings.h>

static const struct vnl_gateway_sku skus[] = {
    { "Basic", 1, 10, 100, .basic = true },
    { "VpnGw1", 1, 30, 650 },
    { "VpnGw2", 1, 30, 1000 },
    { "VpnGw3", 1, 30, 1250 },
    { "VpnGw1AZ", 1, 30, 650 },
    { "VpnGw2AZ", 1, 30, 1000 },
    { "VpnGw3AZ", 1, 30, 1250 },
    { "VpnGw2", 2, 30, 1250 },
    { "VpnGw3", 2, 30, 2500 },
    { "VpnGw4", 2, 100, 5000 },
    { "VpnGw5", 2, 100, 10000 },
    { "VpnGw2AZ", 2, 30, 1250 },
    { "VpnGw3AZ", 2, 30, 2500 },
    { "VpnGw4AZ", 2, 100, 5000 },
    { "VpnGw5AZ", 2, 100, 10000 },
};

bool vnl_gateway_is_basic(const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_gateway_sku *sku =
        gateway->sku ? vnl_gateway_sku_lookup(gateway->sku, gateway->generation) : NULL;

    return sku && sku->basic;
}

const struct vnl_gateway_sku *vnl_gateway_sku_lookup(const char *name, int generation)
{
    for (size_t i = 0; i < ARRAY_SIZE(skus); i++) {
        if (strcasecmp(skus[i].name, name) == 0 && (!generation || skus[i].generation == generation))
            return &skus[i];
    }
    return NULL;
}
