/* `vnetlab verify`: what the plan says about the first packet of a new flow, step by step.
 *
 * It is a second reading of the plan: rules are walked one by one and routes selected as they are printed, without the classifier and
 * the tables that packets meet. Random labs and `verify` itself compare the two. */
#ifndef VNETLAB_VERIFY_H
#define VNETLAB_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/addr.h"
#include "vnetlab/drop.h"

struct vnl_err;
struct vnl_json;
struct vnl_plan;
struct vnl_plan_rule;
struct vnl_plan_rules;
struct vnl_route;

#define VNL_VERIFY_NOBODY UINT32_MAX

struct vnl_flow_query {
    uint32_t nic;  /* index (plan->nics): whose guest sends; or VNL_VERIFY_NOBODY: Bastion does, in `vnet` */
    uint32_t vnet; /* index (plan->vnets), with VNL_VERIFY_NOBODY only: it has AzureBastionSubnet */
    struct vnl_addr src; /* AF_UNSPEC: the NIC's own address of dst's family */
    struct vnl_addr dst;
    uint8_t proto; /* IP protocol; ICMP (1) also stands for ICMPv6 */
    uint16_t src_port, dst_port;
};

/* In the order in which a packet meets them (spec 0). */
enum vnl_verify_stage {
    VNL_VERIFY_SOURCE, /* what no rule can allow: a foreign source, multicast, platform addresses; no step when all is well */
    VNL_VERIFY_OUTBOUND_NIC, /* security rules of the sender's NIC */
    VNL_VERIFY_OUTBOUND_SUBNET,
    VNL_VERIFY_ROUTE,     /* the sender's effective route */
    VNL_VERIFY_TRANSLATE, /* public IP, NAT, load balancer: what becomes of the addresses, or why it cannot */
    VNL_VERIFY_PEERING_LOCAL,  /* what the sender's link says */
    VNL_VERIFY_OWNER,          /* who has the destination address */
    VNL_VERIFY_PEERING_REMOTE, /* what the receiver's link says */
    VNL_VERIFY_INBOUND_SUBNET,
    VNL_VERIFY_INBOUND_NIC,
    VNL_VERIFY_DELIVER, /* is it the receiver's address, or does it forward? */
    VNL_VERIFY_GUEST, /* an appliance: does its guest forward, and on which NIC does it go on? A gateway: into which tunnel? */
    VNL_VERIFY_TUNNEL, /* from a gateway to the one at the other end: is there one? */
    VNL_VERIFY_STAGE_MAX
};

struct vnl_verify_step {
    enum vnl_verify_stage stage;
    uint32_t hop; /* guests that have forwarded the packet before this step: 0 = the sender's own way */
    bool back;    /* on the way of the reply: the flow is known there, no rule is asked */
    uint32_t nic; /* index (plan->nics): where this is decided */
    enum vnl_drop reason; /* VNL_DROP_NONE: it passes here */
    const struct vnl_plan_rules
        *rules;                       /* security rules: the group, or NULL when none is there; of the plan */
    const struct vnl_plan_rule *rule; /* the one that decided */
    const struct vnl_route *route;    /* route and peering steps */
    uint32_t
        tunnel; /* tunnel steps: index (plan->tunnels), else VNL_PLAN_NOBODY. The plan does not know whether it is up */
    char *text; /* what was found: "UserRule_deny-all (200) of NSG web" */
    char *fix;  /* smallest change that opens this step; NULL when there is none to tell */
};

struct vnl_verify {
    struct vnl_verify_step *steps; /* all that could be looked at, also behind a blocker */
    size_t n_steps;
    uint32_t to;                        /* index (plan->nics): last receiver, or VNL_VERIFY_NOBODY */
    uint32_t hops, back_hops;           /* guests that forward the packet, the reply: what its TTL has lost */
    struct vnl_addr seen_src, seen_dst; /* as the last receiver sees them, after translation; and its port */
    uint16_t seen_port;
    const struct vnl_verify_step *blocker; /* the first step that drops the packet, or NULL */
    const struct vnl_verify_step *back;    /* the first that drops the reply, or NULL */
};

/* Where the packet is forwarded by an appliance, the walk goes on from there as its guest would send it on (its on-link subnets, else the
 * primary NIC), hop by hop; a loop ends with RoutingLoop. A load balancer's choice is the one that BPF takes for this flow when the flow
 * has a source port, among all backends of the rule.
 *
 * The plan is borrowed as long as the result lives. -EADDRNOTAVAIL: the sender has no address of dst's family. */
int vnl_verify(const struct vnl_plan *plan, const struct vnl_flow_query *query, struct vnl_verify **ret,
               struct vnl_err **err);
void vnl_verify_free(struct vnl_verify **verify);

/* What stops the packet or else its reply; NULL when nothing does. one_way: nobody waits for a reply (UDP), so its loss blocks nothing. */
const struct vnl_verify_step *vnl_verify_blocker(const struct vnl_verify *verify, bool one_way);
/* "allowed", "blocked: NsgInbound at vm-2 by UserRule_deny-all of NSG web", "blocked: reply: NoRoute at vm-2". one_way: nobody waits
 * for a reply (UDP), so its loss blocks nothing. Owned by the caller; NULL on ENOMEM. */
char *vnl_verify_verdict(const struct vnl_plan *plan, const struct vnl_verify *verify, bool one_way);

/* The address by which the guest of `from` (index, or VNL_VERIFY_NOBODY: Bastion) reaches the NIC `to`: from the internet side its public IP,
 * else its own. family: AF_UNSPEC for the first that both have. NULL: there is none. */
const struct vnl_addr *vnl_verify_aim(const struct vnl_plan *plan, uint32_t from, uint32_t to,
                                      uint16_t family);

const char *vnl_verify_stage_str(enum vnl_verify_stage stage);

#endif
