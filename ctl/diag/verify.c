/* What the plan says about a new flow.
 *
 * A packet is decided twice (spec 0): at the NIC that sends it (rules, route, its link of the peering) and at the NIC that gets it (the
 * other link, rules, is it mine). Each stage is one step here. A step that drops does not end the walk: a user with three mistakes wants
 * to hear of all of them, so everything that can still be looked at is. Only what follows from the drop itself is left out: without a
 * route there is no peering to ask.
 *
 * When the receiver is an appliance, its guest sends the packet on, and the same begins anew from there: one hop after the other.
 *
 * The reply is the same walk from the other end, without the rules of NICs that know its flow (spec 3.4). What was translated is
 * translated back. */
#include "vnetlab/verify.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "walk.h"

#define HOP_STEPS 24 /* a hop has fewer: six gates and each stage twice at most */

static const char *const stage_str[] = {
    [VNL_VERIFY_SOURCE] = "source",
    [VNL_VERIFY_OUTBOUND_NIC] = "outbound, NIC",
    [VNL_VERIFY_OUTBOUND_SUBNET] = "outbound, subnet",
    [VNL_VERIFY_ROUTE] = "route",
    [VNL_VERIFY_TRANSLATE] = "translate",
    [VNL_VERIFY_PEERING_LOCAL] = "peering",
    [VNL_VERIFY_OWNER] = "owner",
    [VNL_VERIFY_PEERING_REMOTE] = "peering",
    [VNL_VERIFY_INBOUND_SUBNET] = "inbound, subnet",
    [VNL_VERIFY_INBOUND_NIC] = "inbound, NIC",
    [VNL_VERIFY_DELIVER] = "deliver",
    [VNL_VERIFY_GUEST] = "guest",
    [VNL_VERIFY_TUNNEL] = "tunnel",
};
static_assert(ARRAY_SIZE(stage_str) == VNL_VERIFY_STAGE_MAX, "name every stage");

const char *vnl_verify_stage_str(enum vnl_verify_stage stage)
{
    return stage_str[stage];
}

/* --- steps -------------------------------------------------------------------------------------------- */

struct vnl_verify_step *vnl_walk_step(struct vnl_walk *walk, enum vnl_verify_stage stage, uint32_t nic,
                                      enum vnl_drop reason)
{
    struct vnl_verify_step *step = &walk->verify->steps[walk->verify->n_steps];

    *step = (struct vnl_verify_step){ .stage = stage,
                                      .hop = walk->hop,
                                      .back = walk->back,
                                      .nic = nic,
                                      .reason = reason,
                                      .tunnel = VNL_PLAN_NOBODY };
    if (reason != VNL_DROP_NONE && walk->first[walk->back] == SIZE_MAX)
        walk->first[walk->back] = walk->verify->n_steps;
    walk->verify->n_steps++;
    return step;
}

/* Room for one hop more, and for what leaves there. */
static bool reserve(struct vnl_walk *walk)
{
    size_t room = walk->verify->n_steps + HOP_STEPS, sent = walk->n_sent + 1;
    struct vnl_verify_step *steps = reallocarray(walk->verify->steps, room, sizeof(*steps));
    struct vnl_flow_query *packets;

    if (steps)
        walk->verify->steps = steps;
    packets = reallocarray(walk->sent, sent, sizeof(*packets));
    if (packets)
        walk->sent = packets;
    walk->failed |= !steps || !packets;
    return !walk->failed;
}

struct vnl_place vnl_walk_place(const struct vnl_walk *walk, uint32_t nic)
{
    const struct vnl_plan_nic *planned = nic == VNL_VERIFY_NOBODY ? NULL : &walk->plan->nics[nic];

    if (planned)
        return (struct vnl_place){ planned->vnet, planned->table, planned->rules_nic, planned->rules_subnet };
    return (struct vnl_place){ .vnet = walk->flow.vnet,
                               .table = walk->flow.vnet,
                               .rules_nic = VNL_PLAN_NO_RULES,
                               .rules_subnet = walk->plan->vnets[walk->flow.vnet].bastion_rules };
}

bool vnl_place_has_nsg(const struct vnl_place *place)
{
    return place->rules_nic != VNL_PLAN_NO_RULES || place->rules_subnet != VNL_PLAN_NO_RULES;
}

/* --- one hop -------------------------------------------------------------------------------------------- */

/* Without a route: who would have got it, if only one NIC of the lab's VNets has that address. */
static uint32_t meant_owner(const struct vnl_walk *walk)
{
    uint32_t found = VNL_WALK_NOWHERE;

    for (uint32_t i = 0; i < walk->plan->n_nics; i++) {
        const struct vnl_plan_nic *nic = &walk->plan->nics[i];

        if (!vnl_nic_owns(nic, &walk->flow.dst) || walk->plan->vnets[nic->vnet].internet)
            continue;
        if (found != VNL_WALK_NOWHERE)
            return VNL_WALK_NOWHERE;
        found = i;
    }
    return found;
}

static void walk_deliver(struct vnl_walk *walk, uint32_t to)
{
    const struct vnl_plan_nic *nic = to == VNL_VERIFY_NOBODY ? NULL : &walk->plan->nics[to];
    bool takes =
        !nic || walk->floating || vnl_nic_owns(nic, &walk->flow.dst) || nic->ip_forwarding || nic->gateway;

    vnl_say_deliver(
        walk, vnl_walk_step(walk, VNL_VERIFY_DELIVER, to, takes ? VNL_DROP_NONE : VNL_DROP_NOT_FORWARDING));
}

/* On the way there, for the way back. */
static void see(struct vnl_walk *walk, uint32_t nic, uint8_t how)
{
    if (!walk->back && nic != VNL_VERIFY_NOBODY)
        walk->known[nic] |= how;
}

static void walk_in(struct vnl_walk *walk, uint32_t to, const struct vnl_route *route)
{
    if (route)
        vnl_walk_peering(walk, VNL_VERIFY_PEERING_REMOTE, to, route);
    vnl_walk_rules(walk, true, to);
    see(walk, to, VNL_WALK_GOT);
    if (route)
        walk_deliver(walk, to);
}

/* From the NIC that sends to the one that gets it, or would. */
static uint32_t walk_hop(struct vnl_walk *walk)
{
    const struct vnl_route *route;
    uint32_t to;

    vnl_walk_source(walk);
    if (vnl_addr_is_group(&walk->flow.dst) || vnl_addr_is_broadcast(&walk->flow.dst))
        return VNL_WALK_NOWHERE; /* no rule could let it pass */
    vnl_walk_rules(walk, false, walk->flow.nic);
    see(walk, walk->flow.nic, VNL_WALK_SENT);
    if (vnl_addr_is_platform(&walk->flow.dst)) {
        vnl_walk_platform(walk);
        return VNL_WALK_NOWHERE;
    }
    route = vnl_walk_route(walk);
    to = route ? vnl_walk_next(walk, route) : meant_owner(walk);
    if (to != VNL_WALK_NOWHERE)
        walk_in(walk, to, route);
    return to;
}

/* --- hop by hop ----------------------------------------------------------------------------------------- */

static bool is_end(const struct vnl_walk *walk, uint32_t to)
{
    return to == VNL_VERIFY_NOBODY || to == VNL_WALK_NOWHERE || walk->floating ||
           vnl_guest_owns(walk->plan, to, &walk->flow.dst);
}

/* The guest sends it on. Its NIC's flag was judged when the packet came in; a second NIC has one of its own. False: it ends there. */
static bool walk_guest(struct vnl_walk *walk, uint32_t to)
{
    const struct vnl_plan_nic *nic = &walk->plan->nics[to];
    uint32_t out = vnl_guest_out(walk->plan, to, &walk->flow.dst);
    bool forwards = walk->plan->vms[nic->vm].ip_forward;

    walk->tunnel = VNL_PLAN_NOBODY;
    if (vnl_gateway_of(walk->plan, to))
        return vnl_walk_gateway(walk, to, false);
    vnl_say_guest(
        walk, vnl_walk_step(walk, VNL_VERIFY_GUEST, to, forwards ? VNL_DROP_NONE : VNL_DROP_GUEST_FORWARDING),
        out);
    walk->excused = nic->ip_forwarding || out != to ? VNL_WALK_NOWHERE : to;
    walk->flow.nic = out;
    walk->hop++;
    return true;
}

/* Has this NIC sent this packet before? */
static bool is_loop(const struct vnl_walk *walk)
{
    for (size_t i = 0; i < walk->n_sent; i++)
        if (walk->sent[i].nic == walk->flow.nic && vnl_addr_eq(&walk->sent[i].src, &walk->flow.src) &&
            vnl_addr_eq(&walk->sent[i].dst, &walk->flow.dst))
            return true;
    return false;
}

/* A gateway's guest may have to choose a tunnel for what it sends itself, a client's has one. False: it has none. */
static bool walk_begin(struct vnl_walk *walk)
{
    uint32_t nic = walk->flow.nic;

    walk->hop = 0;
    walk->n_sent = 0;
    walk->floating = false;
    walk->excused = VNL_WALK_NOWHERE;
    walk->tunnel = VNL_PLAN_NOBODY;
    if (!reserve(walk))
        return false;
    if (nic != VNL_VERIFY_NOBODY && vnl_gateway_of(walk->plan, nic))
        return vnl_walk_gateway(walk, nic, true);
    if (nic != VNL_VERIFY_NOBODY)
        walk->tunnel = vnl_client_route(walk->plan, nic, &walk->flow.dst);
    return true;
}

/* One direction. Returns who gets it, or would. */
static uint32_t walk_way(struct vnl_walk *walk)
{
    if (!walk_begin(walk))
        return VNL_WALK_NOWHERE;
    while (reserve(walk)) {
        uint32_t to;

        if (is_loop(walk)) {
            vnl_say_loop(walk, vnl_walk_step(walk, VNL_VERIFY_ROUTE, walk->flow.nic, VNL_DROP_ROUTING_LOOP));
            return VNL_WALK_NOWHERE;
        }
        walk->sent[walk->n_sent++] = walk->flow;
        to = walk->tunnel == VNL_PLAN_NOBODY ? walk_hop(walk) : vnl_walk_tunnel(walk);
        if (is_end(walk, to))
            return to;
        if (!walk_guest(walk, to))
            return VNL_WALK_NOWHERE;
    }
    return VNL_WALK_NOWHERE;
}

/* --- both directions ---------------------------------------------------------------------------------- */

void vnl_verify_free(struct vnl_verify **verify)
{
    if (!*verify)
        return;
    for (size_t i = 0; i < (*verify)->n_steps; i++) {
        free((*verify)->steps[i].text);
        free((*verify)->steps[i].fix);
    }
    free((*verify)->steps);
    free(*verify);
    *verify = NULL;
}

/* To a rule ICMPv6 is ICMP. */
static int fill_flow(const struct vnl_plan *plan, const struct vnl_flow_query *query,
                     struct vnl_flow_query *ret, struct vnl_err **err)
{
    bool bastion = query->nic == VNL_VERIFY_NOBODY;
    const struct vnl_addr own =
        bastion ? plan->vnets[query->vnet].bastion : vnl_guest_source(plan, query->nic, &query->dst);

    *ret = *query;
    if (query->proto == IPPROTO_ICMPV6)
        ret->proto = IPPROTO_ICMP;
    if (query->src.family != AF_UNSPEC)
        return 0;
    if (own.family != query->dst.family)
        return vnl_fail(err, EADDRNOTAVAIL, "%s '%s' has no IPv%c address",
                        bastion ? "AzureBastionSubnet of" : "virtual machine",
                        bastion ? plan->vnets[query->vnet].name : plan->vms[plan->nics[query->nic].vm].name,
                        query->dst.family == AF_INET ? '4' : '6');
    ret->src = own;
    return 0;
}

/* The answer of who got it, by the NIC that its guest takes. */
static void turn(struct vnl_walk *walk, uint32_t to)
{
    struct vnl_flow_query there = walk->flow;

    walk->back = true;
    walk->flow.nic = vnl_guest_out(walk->plan, to, &there.src);
    walk->flow.src = there.dst;
    walk->flow.dst = there.src;
    walk->flow.src_port = there.dst_port;
    walk->flow.dst_port = there.src_port;
}

static void walk_both(struct vnl_walk *walk)
{
    struct vnl_verify *verify = walk->verify;
    uint32_t to = walk_way(walk);

    verify->to = to == VNL_WALK_NOWHERE ? VNL_VERIFY_NOBODY : to;
    verify->hops = walk->hop;
    verify->seen_src = walk->flow.src;
    verify->seen_dst = walk->flow.dst;
    verify->seen_port = walk->flow.dst_port;
    if (verify->to == VNL_VERIFY_NOBODY)
        return;
    turn(walk, to);
    (void)walk_way(walk);
    verify->back_hops = walk->hop;
}

static void walk_done(struct vnl_walk *walk)
{
    free(walk->sent);
    free(walk->known);
}

int vnl_verify(const struct vnl_plan *plan, const struct vnl_flow_query *query, struct vnl_verify **ret,
               struct vnl_err **err)
{
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = calloc(1, sizeof(*verify));
    CLEANUP(walk_done)
    struct vnl_walk walk = { .plan = plan,
                             .verify = verify,
                             .bastion = query->nic == VNL_VERIFY_NOBODY,
                             .first = { SIZE_MAX, SIZE_MAX } };
    int r = fill_flow(plan, query, &walk.flow, err);

    if (r < 0)
        return r;
    walk.known = calloc(plan->n_nics + 1, sizeof(*walk.known));
    if (!verify || !walk.known)
        return vnl_fail(err, ENOMEM, "verify");
    walk_both(&walk);
    if (walk.failed)
        return vnl_fail(err, ENOMEM, "verify");
    verify->blocker = walk.first[0] == SIZE_MAX ? NULL : &verify->steps[walk.first[0]];
    verify->back = walk.first[1] == SIZE_MAX ? NULL : &verify->steps[walk.first[1]];
    *ret = TAKE_PTR(verify);
    return 0;
}
