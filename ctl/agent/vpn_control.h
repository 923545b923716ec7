/* The VPN controller: makes the charons of a lab be as its plan, and keeps tunnels up. A tunnel whose settings and key are the same is never
 * touched, neither by a new plan nor by a new agent. */
#ifndef VNETLAB_AGENT_VPN_CONTROL_H
#define VNETLAB_AGENT_VPN_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/layout.h"

struct vnl_addr;
struct vnl_err;
struct vnl_json;
struct vnl_lab;
struct vnl_plan;
struct vnl_prefix;
struct vnl_vpn;

/* What it has done in a gateway's namespace: vnl_gateway_routes_set, vnl_gateway_peers_set (dataplane.h), vnl_gateway_tun_adopt,
 * vnl_gateway_outside_keep, vnl_gateway_tun_stand (gateway.h), or a test's. */
struct vnl_vpn_hands {
    int (*routes_set)(const char *lab, const char *gateway, const char *ifname,
                      const struct vnl_prefix *prefixes, size_t n, struct vnl_err **err);
    int (*peers_set)(const char *lab, const char *gateway, enum vnl_gateway_door door,
                     const struct vnl_addr *peers, const uint16_t *ports, size_t n, struct vnl_err **err);
    int (*tun_adopt)(const char *lab, const char *gateway, const char *ifname, const char *altname,
                     struct vnl_err **err);
    int (*outside_keep)(const struct vnl_plan *plan, size_t gateway, struct vnl_err **err);
    int (*tun_stand)(const char *lab, const char *gateway, const char *ifname,
                     const struct vnl_prefix *prefixes, size_t n, struct vnl_err **err);
};

int vnl_vpn_new(int epoll_fd, const char *lab, const struct vnl_vpn_hands *hands, struct vnl_vpn **ret,
                struct vnl_err **err);
/* Leaves charons and tunnels as they are. */
void vnl_vpn_free(struct vnl_vpn **vpn);

/* From now on this plan (borrowed until the next one); keys: of plan->tunnels, in their order; NULL: there was no memory for them. -ENOMEM: it
 * knows of no tunnel until it follows again; charons and tunnels stay as they are. */
int vnl_vpn_follow(struct vnl_vpn *vpn, const struct vnl_plan *plan, const char *const *keys,
                   struct vnl_err **err);
/* Does what is due; returns in how many milliseconds to call again, -1: never. */
int vnl_vpn_run(struct vnl_vpn *vpn);

/* Of BGP (bgp.h): the end with this interface also carries these; the same for the others of its connection at this gateway. Routed at the next
 * vnl_vpn_run. Unknown interface: nothing. */
void vnl_vpn_learned_set(struct vnl_vpn *vpn, const char *ifname, const struct vnl_prefix *prefixes,
                         size_t n);
/* Does the end with this index in the plan carry packets: it and the other end, where that is ours, are Connected? */
bool vnl_vpn_tunnel_up(const struct vnl_vpn *vpn, size_t tunnel);

/* Another one after each change of a tunnel's status or reason; never 0. */
uint64_t vnl_vpn_serial(const struct vnl_vpn *vpn);
/* Asks all charons, so that the next report has the latest counters of bytes. */
void vnl_vpn_count(struct vnl_vpn *vpn);
/* An array of objects, in the plan's order of tunnels: what vnl_vpn_states reads. NULL without memory. */
struct vnl_json *vnl_vpn_report(const struct vnl_vpn *vpn);
/* An array of the gateway's logs: {path, tunnel, connection}; path is relative to RUN_DIR/LAB. */
struct vnl_json *vnl_vpn_logs(const struct vnl_vpn *vpn, const char *gateway);
/* As vnl_vpn_reset (vnetlab/vpn.h). -ENOENT: no such tunnel. */
int vnl_vpn_renew(struct vnl_vpn *vpn, const char *gateway, const char *connection, struct vnl_err **err);

/* The keys of a plan's tunnels, borrowed from the lab that the plan was built from; the array is the caller's. NULL without memory. */
const char **vnl_vpn_keys(const struct vnl_lab *lab, const struct vnl_plan *plan);

#endif
