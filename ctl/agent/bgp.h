/* BGP of a lab's gateways and devices: a BIRD per guest whose plan has an ASN and a session, in its namespace. BIRD speaks and chooses; it puts
 * nothing where packets look: what it has learned goes to the lab's plan (vnetlab/learned.h), to the tables, and into the guests' tunnels
 * (vnl_vpn_learned_set). A new agent finds the BIRDs of the old one and leaves their sessions alone. */
#ifndef VNETLAB_AGENT_BGP_H
#define VNETLAB_AGENT_BGP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vnl_bgp_control;
struct vnl_err;
struct vnl_json;
struct vnl_learned;
struct vnl_plan;
struct vnl_prefix;
struct vnl_vpn;

/* What it needs of others: vnl_vpn_tunnel_up, vnl_vpn_learned_set (vpn_control.h) and vnl_bgp_publish, or a test's. */
struct vnl_bgp_hands {
    bool (*tunnel_up)(const struct vnl_vpn *vpn, size_t tunnel);
    void (*learned_set)(struct vnl_vpn *vpn, const char *ifname, const struct vnl_prefix *prefixes, size_t n);
    int (*publish)(const char *lab, struct vnl_learned *learned, struct vnl_err **err);
};

/* Writes the lab's learned routes and brings its tables up to them. -EBUSY: a command is at the lab, or has left it half-way; to be called
 * again. */
int vnl_bgp_publish(const char *lab, struct vnl_learned *learned, struct vnl_err **err);

/* vpn: borrowed, handed to its hands. */
int vnl_bgp_control_new(int epoll_fd, const char *lab, struct vnl_vpn *vpn, const struct vnl_bgp_hands *hands,
                        struct vnl_bgp_control **ret, struct vnl_err **err);
/* Leaves BIRDs as they are. */
void vnl_bgp_control_free(struct vnl_bgp_control **bgp);
/* From now on this plan, borrowed until the next one; after vnl_vpn_follow. */
int vnl_bgp_control_follow(struct vnl_bgp_control *bgp, const struct vnl_plan *plan, struct vnl_err **err);
/* Does what is due; returns in how many milliseconds to call again, -1: never. After vnl_vpn_run. */
int vnl_bgp_control_run(struct vnl_bgp_control *bgp);
/* The learned routes are other ones and published: the agent reads its plan anew. Reset by the call. */
bool vnl_bgp_control_has_learned(struct vnl_bgp_control *bgp);

/* Counts changes of sessions; part of the serial of states. */
uint64_t vnl_bgp_control_serial(const struct vnl_bgp_control *bgp);
/* states: what vnl_vpn_report gave, in the plan's order of tunnels; adds "bgp", "bgpState", "bgpReady", "bgpReason". */
void vnl_bgp_control_fill(const struct vnl_bgp_control *bgp, struct vnl_json *states);
/* Orders "bgp-peers", "bgp-learned", "bgp-advertised" (vnl_bgp_peers and so on, vnetlab/vpn.h). NULL with err. */
struct vnl_json *vnl_bgp_control_ask(struct vnl_bgp_control *bgp, const char *what, const char *gateway,
                                     const char *peer, struct vnl_err **err);

#endif
