/* Two networks whose gateways have no IKE: a tunnel is a TUN that the test makes. What goes by a gateway's interfaces is seen by packet sockets. */
#ifndef VNETLAB_TESTS_GATEWAY_GUESTS_H
#define VNETLAB_TESTS_GATEWAY_GUESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "frames.h"
#include "live.h"
#include "vnetlab/addr.h"
#include "vnetlab/plan.h"

struct vnl_err;

#define VNETS                                                                                                \
    "vnet va 10.1.0.0/16\nsubnet s 10.1.0.0/24\nsubnet GatewaySubnet 10.1.255.0/27\nvm a va/s 10.1.0.4\n"    \
    "vnet vb 10.4.0.0/16\nsubnet s 10.4.0.0/24\nsubnet GatewaySubnet 10.4.255.0/27\nvm b vb/s 10.4.0.4\n"
#define GATEWAYS "gateway gwa va\ngateway gwb vb\nv2v ab gwa gwb\nv2v ba gwb gwa\n"
#define SITE                                                                                                 \
    "site office 203.0.113.200 10.50.0.0/16,10.60.0.0/24\nsitehost pc office 10.50.0.9\n"                    \
    "sitehost printer office 10.60.0.9\nlng office-lng 203.0.113.200 10.50.0.0/16,10.60.0.0/24\n"            \
    "s2s to-office gwa office-lng\n"

int gw_group_setup(void **state);
const struct vnl_plan_gateway *gw_of(const char *name);
const char *gw_outer(const char *name);
struct vnl_prefix gw_prefix(const char *text);
int gw_routes_set(const char *ifname, const char *a, const char *b, struct vnl_err **err);
void gw_tun_make(const char *ifname, const char *altname);
int gw_capture(const char *vm, const char *ifname);
size_t gw_captured(int fd, bool sent);
void gw_send_frame(const struct vnl_plan_nic *nic, const struct frame_spec *spec);
void gw_send(const struct vnl_plan_nic *nic, const char *src, const char *dst);

#endif
