/* Learned routes of one gateway, for those who make rows of them. */
#ifndef VNETLAB_PLAN_GATEWAY_LEARNED_H
#define VNETLAB_PLAN_GATEWAY_LEARNED_H

#include "parts.h"

struct vnl_learned_route;
struct vnl_vpn_gateway;

struct vnl_gateway_learned {
    const struct vnl_learned_route *route;
    const struct vnl_connection *connection;
};

/* By prefix, each once. ret: the caller's (free). 0 or -ENOMEM. */
int vnl_gateway_learned(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway,
                        struct vnl_gateway_learned **ret, size_t *ret_n);

#endif
