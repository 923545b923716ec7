/* One walk along a flow: between verify*.c, which decide, and verify_say*.c, which word it. */
#ifndef VNL_DIAG_WALK_H
#define VNL_DIAG_WALK_H

#include <stdbool.h>

#include "vnetlab/plan.h"
#include "vnetlab/verify.h"

/* A walk gets no further. (VNL_VERIFY_NOBODY as a sender or receiver is Bastion.) */
#define VNL_WALK_NOWHERE (UINT32_MAX - 1)

/* What a translation on the way there remembers, for the way back: `inner` at `nic` is `outer` to `remote`. */
struct vnl_walk_session {
    bool balancer; /* outer is a load balancer's frontend; else an address of the internet side */
    uint32_t nic;
    struct vnl_addr inner, outer, remote;
    uint16_t inner_port, outer_port, remote_port;
};
#define VNL_WALK_SENT     0x1u
#define VNL_WALK_GOT      0x2u
#define VNL_WALK_SESSIONS 4 /* a direction makes two at most: out of a NAT, into a public IP */

/* One direction of a flow on its way. */
struct vnl_walk {
    const struct vnl_plan *plan;
    struct vnl_verify *verify;
    struct vnl_flow_query flow; /* the packet as it is now; nic: who sends it on */
    uint32_t hop;               /* guests that have forwarded it */
    bool back;
    bool bastion;  /* Bastion asks, from flow.vnet */
    bool floating; /* a floating frontend's address: the guest has it on an interface of its own */
    uint32_t
        tunnel; /* index (plan->tunnels): a gateway's guest sends into it, not out of flow.nic; or VNL_PLAN_NOBODY */
    uint32_t excused; /* NIC whose forwarding flag was told to be off already, or VNL_WALK_NOWHERE */
    struct vnl_flow_query *sent; /* per hop, what left from where: a loop sends the same again */
    size_t n_sent;
    uint8_t *known; /* per NIC: what it saw on the way there, VNL_WALK_SENT and VNL_WALK_GOT */
    struct vnl_walk_session sessions[VNL_WALK_SESSIONS];
    size_t n_sessions;
    size_t first[2]; /* step that drops first, there and back; SIZE_MAX: none */
    bool failed;     /* out of memory */
};

/* Where a packet starts from or comes to, also Bastion. */
struct vnl_place {
    uint32_t vnet, table, rules_nic, rules_subnet;
};
struct vnl_place vnl_walk_place(const struct vnl_walk *walk, uint32_t nic);
bool vnl_place_has_nsg(const struct vnl_place *place);

/* The next step; there is room. */
struct vnl_verify_step *vnl_walk_step(struct vnl_walk *walk, enum vnl_verify_stage stage, uint32_t nic,
                                      enum vnl_drop reason);

/* --- address questions ---------------------------------------------------------------------------------- */

bool vnl_addr_is_platform(const struct vnl_addr *addr);
bool vnl_addr_is_unroutable(const struct vnl_addr *addr);
bool vnl_addr_is_broadcast(const struct vnl_addr *addr);
bool vnl_addr_is_group(const struct vnl_addr *addr);
bool vnl_proto_has_ports(uint8_t proto);
bool vnl_nic_owns(const struct vnl_plan_nic *nic, const struct vnl_addr *addr);
/* Is the source the sending NIC's own, or the floating frontend's that it serves? */
bool vnl_walk_is_own(const struct vnl_walk *walk);
const struct vnl_addr *vnl_nic_own_addr(const struct vnl_plan_nic *nic, uint16_t family);

/* --- guests: what Linux in a VM does by itself ------------------------------------------------------------ */

/* Is it an address of any NIC of that NIC's VM? Then the guest takes it, whichever way it came. */
bool vnl_guest_owns(const struct vnl_plan *plan, uint32_t nic, const struct vnl_addr *addr);
/* The NIC by which the guest of `nic` sends to dst: the one with the longest subnet that has it, else the primary. */
uint32_t vnl_guest_out(const struct vnl_plan *plan, uint32_t nic, const struct vnl_addr *dst);

/* --- gateways: a guest too, with a routing table of its own ------------------------------------------------ */

enum vnl_gateway_way { VNL_GATEWAY_INSIDE, VNL_GATEWAY_TUNNEL, VNL_GATEWAY_NOWHERE };

/* Whose guest has this NIC; NULL: no gateway's or device's (clients are hosts). */
const struct vnl_plan_gateway *vnl_gateway_of(const struct vnl_plan *plan, uint32_t nic);
/* Where its guest sends what is not for itself. *ret_tunnel: index (plan->tunnels), or VNL_PLAN_NOBODY. */
enum vnl_gateway_way vnl_gateway_route(const struct vnl_plan *plan, const struct vnl_plan_gateway *gateway,
                                       const struct vnl_addr *dst, uint32_t *ret_tunnel);
/* Who is at the other end; NULL: nobody, or nobody who negotiates with this one. */
const struct vnl_plan_gateway *vnl_tunnel_far(const struct vnl_plan *plan,
                                              const struct vnl_plan_gateway *from, uint32_t tunnel);
/* The gateway of a VNet (index), or NULL. */
const struct vnl_plan_gateway *vnl_gateway_in(const struct vnl_plan *plan, uint32_t vnet);

/* --- point-to-site clients: hosts of the internet side with a tunnel, a guest's too ------------------------- */

/* The tunnel into which the guest of that NIC sends dst (index), or VNL_PLAN_NOBODY: it is no client's, or dst goes to the internet. */
uint32_t vnl_client_route(const struct vnl_plan *plan, uint32_t nic, const struct vnl_addr *dst);
/* Through a SERVER end: the NIC of the client that has the address, or VNL_WALK_NOWHERE. */
uint32_t vnl_client_at(const struct vnl_plan *plan, uint32_t tunnel, const struct vnl_addr *addr);
/* Does the client whose NIC that is have this address of the pool? */
bool vnl_client_has(const struct vnl_plan *plan, uint32_t nic, const struct vnl_addr *addr);
/* What the guest of that NIC sends to dst with: AF_UNSPEC when it has no address of the family. */
struct vnl_addr vnl_guest_source(const struct vnl_plan *plan, uint32_t nic, const struct vnl_addr *dst);

/* The packet is in the guest of a gateway, by the NIC `at`, or that guest sends it itself (own): by flow.nic or walk->tunnel from here.
 * False: it ends here. */
bool vnl_walk_gateway(struct vnl_walk *walk, uint32_t at, bool own);
/* Through walk->tunnel: the inside NIC of the gateway at the other end, or the client's NIC, or VNL_WALK_NOWHERE. */
uint32_t vnl_walk_tunnel(struct vnl_walk *walk);

/* --- the stages ------------------------------------------------------------------------------------------- */

void vnl_walk_source(struct vnl_walk *walk);
void vnl_walk_platform(struct vnl_walk *walk);
/* Those of the NIC and its subnet, in the order in which they act. */
void vnl_walk_rules(struct vnl_walk *walk, bool inbound, uint32_t nic);
/* NULL when nothing behind it can be asked. */
const struct vnl_route *vnl_walk_route(struct vnl_walk *walk);
/* The links of a peering, each at its side; nothing when the route crosses none. */
void vnl_walk_peering(struct vnl_walk *walk, enum vnl_verify_stage stage, uint32_t nic,
                      const struct vnl_route *route);
/* Where the route leads: a NIC, VNL_VERIFY_NOBODY (Bastion) or VNL_WALK_NOWHERE. Addresses may be others then. */
uint32_t vnl_walk_next(struct vnl_walk *walk, const struct vnl_route *route);

void vnl_walk_remember(struct vnl_walk *walk, const struct vnl_walk_session *session);
/* By what the guest of `flow.nic` sends; NULL: it is no answer. */
const struct vnl_walk_session *vnl_walk_session_find(const struct vnl_walk *walk, bool balancer);
/* From a NIC to the internet; into a public address; to a balancer's frontend, or to a balancer as next hop. Return as above. */
uint32_t vnl_walk_out(struct vnl_walk *walk);
uint32_t vnl_walk_in(struct vnl_walk *walk);
const struct vnl_plan_balancer *vnl_balancer_at(const struct vnl_plan *plan, uint32_t vnet,
                                                const struct vnl_addr *addr);
uint32_t vnl_walk_frontend(struct vnl_walk *walk, const struct vnl_route *route,
                           const struct vnl_plan_balancer *balancer);
uint32_t vnl_walk_balanced_hop(struct vnl_walk *walk, const struct vnl_route *route,
                               const struct vnl_plan_balancer *balancer);
/* An answer of a backend: from the frontend's address again. */
void vnl_walk_unbalance(struct vnl_walk *walk);

/* --- words: each fills text, and fix when the step drops --------------------------------------------------- */

void vnl_say(struct vnl_walk *walk, char **ret, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const char *vnl_say_vm(const struct vnl_walk *walk, uint32_t nic); /* "Bastion" for VNL_VERIFY_NOBODY */
/* "NIC nva-nic has enableIPForwarding off; vnetlab set ..." */
void vnl_say_forwarding_flag(struct vnl_walk *walk, char **ret, uint32_t nic);
void vnl_say_source(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_rules(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_unseen(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_route(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_loop(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_peering(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_owner(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_deliver(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_guest(struct vnl_walk *walk, struct vnl_verify_step *step, uint32_t out);
void vnl_say_gateway(struct vnl_walk *walk, struct vnl_verify_step *step,
                     const struct vnl_plan_gateway *gateway, uint32_t tunnel);
/* to: what vnl_walk_tunnel returns. */
void vnl_say_tunnel(struct vnl_walk *walk, struct vnl_verify_step *step, uint32_t to);
/* Why no gateway leads from the NIC's network to `there`: a connection is missing, or a route table leaves its routes out. False: nothing was
 * said. */
bool vnl_say_missing_connection(struct vnl_walk *walk, char **ret, uint32_t nic,
                                const struct vnl_plan_vnet *there);

const struct vnl_plan_vnet *vnl_vnet_with(const struct vnl_plan *plan, const struct vnl_addr *addr);
/* The link that leads from one VNet to another, or NULL. */
const struct vnl_plan_peering *vnl_link_between(const struct vnl_plan *plan, const struct vnl_plan_vnet *from,
                                                const struct vnl_plan_vnet *to);
bool vnl_link_is(const struct vnl_plan_peering *link, const char *state);
/* "a/a-to-b: allowForwardedTraffic is false; vnetlab set vnets.a.peerings.a-to-b.allowForwardedTraffic true" */
void vnl_say_flag(struct vnl_walk *walk, char **ret, const struct vnl_plan_peering *link, const char *flag);
/* "no route table on spoke2/default sends 10.1.0.0/16 to 10.0.1.4", when an appliance between the two VNets would carry it there.
 * False: none is there, and nothing was said. */
bool vnl_say_missing_route(struct vnl_walk *walk, char **ret, uint32_t nic, const struct vnl_addr *dst);

#endif
