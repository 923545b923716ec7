#include <stdlib.h>
#include <string.h>

#include "vnetlab/lab.h"
#include "vnetlab/plan.h"
#include "vpn_control.h"

static const char *site_key(const struct vnl_lab *lab, const char *name)
{
    const struct vnl_site *site = vnl_site_lookup(lab, name);

    return site ? site->shared_key : NULL;
}

static const char *key_of(const struct vnl_lab *lab, const struct vnl_plan *plan,
                          const struct vnl_plan_tunnel *tunnel)
{
    const struct vnl_plan_gateway *gateway = &plan->gateways[tunnel->gateway];
    const struct vnl_connection *connection;

    if (tunnel->kind != VNL_TUNNEL_CONNECTION)
        return ""; /* certificates take its place */
    if (gateway->site)
        return site_key(lab, gateway->name);
    connection = vnl_connection_lookup(lab, tunnel->connection);
    return connection ? connection->shared_key : NULL;
}

const char **vnl_vpn_keys(const struct vnl_lab *lab, const struct vnl_plan *plan)
{
    const char **keys = calloc(plan->n_tunnels + 1, sizeof(const char *));

    for (size_t i = 0; i < plan->n_tunnels && keys; i++)
        keys[i] = key_of(lab, plan, &plan->tunnels[i]);
    return keys;
}
