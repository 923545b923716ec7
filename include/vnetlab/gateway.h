/* What the kernel does for the tunnels of a VPN gateway or a site's device. Routes into tunnels and the sorting of peers are in dataplane.h;
 * vnl_dp_apply makes everything else of a gateway's guest. */
#ifndef VNETLAB_GATEWAY_H
#define VNETLAB_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>

struct vnl_err;
struct vnl_plan;
struct vnl_prefix;

#define VNL_TUNNEL_MTU                                                                                       \
    1400u /* inner packets (spec 12); charon's libipsec reads no more from its TUN at once */
#define VNL_TUNNEL_MSS        1350u
#define VNL_GATEWAY_PEERS_MAX 128u

/* The kernel's part of the engine probe: does it have XFRM interfaces, and ESP in tunnel mode with AES-GCM? Tried out in a namespace of its own,
 * once per process. ret_why (may be NULL): a borrowed sentence that says what is missing; NULL when it has both. */
bool vnl_gateway_kernel_esp(const char **ret_why);

/* What the environment variable VNETLAB_VPN_ENGINE forces a gateway or site to. It is a list, "ENGINE" or "ENGINE:GATEWAY" separated by commas:
 * without a gateway's name it is for all that are not named. gateway NULL: only that. False: it says nothing. */
#define VNL_ENGINE_STR 16
bool vnl_gateway_engine_forced(const char *gateway, char ret[VNL_ENGINE_STR]);

/* With the xfrm engine vnl_dp_apply makes each tunnel of the plan have its XFRM interface (ifname, if_id, MTU VNL_TUNNEL_MTU, up) in its
 * gateway's namespace, and removes those of other tunnels; routes into those that stay are not touched. That is when VNETLAB_VPN_ENGINE
 * forces nothing and the kernel has ESP, or it says "xfrm". */

/* A charon's TUN becomes the tunnel's interface: alternative name `altname` ("vpn3"), MTU VNL_TUNNEL_MTU, txqueuelen 5000, up. ifname: as charon
 * made it; vnl_gateway_routes_set takes either name. Again: nothing changes. -ENOENT: no such gateway; -ENODEV: no such interface (yet); -EEXIST:
 * another interface has the alternative name. */
int vnl_gateway_tun_adopt(const char *lab, const char *gateway, const char *ifname, const char *altname,
                          struct vnl_err **err);
/* Such a TUN gets an address in each of these prefixes where the gateway has none: libipsec takes no other selectors. Again: nothing changes. */
int vnl_gateway_tun_stand(const char *lab, const char *gateway, const char *ifname,
                          const struct vnl_prefix *prefixes, size_t n, struct vnl_err **err);

/* The route by which the gateway's own packets leave through eth1, put back when it is not there: the kernel takes it away while eth1 is down.
 * gateway: of plan->gateways. 0 also while eth1 is down, and for a client's guest; -ENOENT: no such gateway. */
int vnl_gateway_outside_keep(const struct vnl_plan *plan, size_t gateway, struct vnl_err **err);

#endif
