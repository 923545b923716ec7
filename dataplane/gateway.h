/* Gateways' guests beside what every guest has: see gateway.c. What the agent calls is in include/vnetlab/gateway.h. */
#ifndef VNETLAB_DATAPLANE_GATEWAY_H
#define VNETLAB_DATAPLANE_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link.h"
#include "vnetlab/addr.h"

struct vnl_err;
struct vnl_nl;
struct vnl_plan;

#define VNL_GATEWAY_ETH0 VNL_GUEST_IFINDEX
#define VNL_GATEWAY_ETH1 (VNL_GUEST_IFINDEX + 1)

/* Writes the sysctls of a gateway's guest into the calling thread's namespace, those that are not right. *ret_changed is set then. */
int vnl_gateway_sysctls(bool *ret_changed, struct vnl_err **err);

/* Makes all gateways' guests, which exist with their NICs, as the plan says. fresh: by plan->vms, those of which nothing was there
 * before. *changed counts the others that were not right. */
int vnl_gateways_sync(const struct vnl_plan *plan, const bool *fresh, size_t *changed, struct vnl_err **err);
/* A VM that takes over the name, and so the namespace, of a gateway keeps nothing of it. nics: by plan->nics, not 0 where one was made or set
 * up anew: who keeps all its NICs was no gateway. */
int vnl_gateways_leave(const struct vnl_plan *plan, const bool *fresh, const uint8_t *nics,
                       struct vnl_err **err);

/* --- gateway_routes.c --------------------------------------------------------------------------------------------------- */

/* Routes and rules that are ours have one of these protocols. */
enum { VNL_GATEWAY_PROTO = 118, VNL_TUNNEL_PROTO = 119 };
/* By this metric an address of a tunnel is known that only lets libipsec have its selectors (gateway_stand.c): nothing is sent from it. */
#define VNL_STAND_METRIC 900

struct vnl_gateway_route {
    uint32_t table, metric, oif; /* oif 0: blackhole */
    struct vnl_prefix dst;
    struct vnl_addr via, src; /* AF_UNSPEC: none */
};

/* Makes the routes of that protocol (oif not 0: those into that interface) be these and no others. What is right already is not touched.
 * *ret_changed is set when something was not. */
int vnl_gateway_routes_sync(struct vnl_nl *nl, uint8_t protocol, uint32_t oif,
                            const struct vnl_gateway_route *routes, size_t n, const char *vm,
                            bool *ret_changed, struct vnl_err **err);

/* The same for the rules of VNL_GATEWAY_PROTO: what the guest itself sends from `outer` is looked up in that table; what comes in by eth1 and
 * is not for the guest goes nowhere. */
int vnl_gateway_rules_sync(struct vnl_nl *nl, const struct vnl_addr *outer, uint32_t table, const char *vm,
                           bool *ret_changed, struct vnl_err **err);

int vnl_gateway_rules_remove(struct vnl_nl *nl, const char *vm, bool *ret_changed, struct vnl_err **err);

/* --- gateway_tunnels.c ---------------------------------------------------------------------------------------------------- */

/* By name or alternative name; 0: none of that name. */
int vnl_gateway_ifindex(int netns_fd, const char *ifname, uint32_t *ret, struct vnl_err **err);

/* Are that gateway's tunnels XFRM interfaces here? The kernel can, unless VNETLAB_VPN_ENGINE says otherwise. */
bool vnl_gateway_uses_xfrm(const char *gateway);
/* Those of one gateway, as the plan says (SIZE_MAX: none); other XFRM interfaces named "vpnN" or "p2sN" go. */
int vnl_gateway_tunnels_sync_one(const struct vnl_plan *plan, size_t gateway, struct vnl_nl *nl,
                                 bool *ret_changed, struct vnl_err **err);

/* --- gateway_filter.c ----------------------------------------------------------------------------------------------------- */

/* The programs, loaded. */
struct vnl_gateway_programs;
int vnl_gateway_programs_load(struct vnl_gateway_programs **ret, struct vnl_err **err);
void vnl_gateway_programs_free(struct vnl_gateway_programs **programs);

/* Takes the programs away. */
int vnl_gateway_filters_remove(struct vnl_nl *nl, const char *vm, bool has_eth1, struct vnl_err **err);
/* vpn_inside and vpn_clamp at eth0 (a site's device: vpn_clamp at both sides), unless those very programs are there already. */
int vnl_gateway_inside_sync(const struct vnl_gateway_programs *programs, struct vnl_nl *nl, const char *vm,
                            bool site, bool *ret_changed, struct vnl_err **err);

#endif
