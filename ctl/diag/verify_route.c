/* Route, peering, owner. */
#include "walk.h"

/* An appliance or gateway that is the next hop may be in the own VNet: then it crosses none. */
static bool crosses(uint32_t from_vnet, const struct vnl_route *route)
{
    if (route->type == VNL_NEXT_HOP_APPLIANCE || route->type == VNL_NEXT_HOP_GATEWAY)
        return route->vnet != from_vnet;
    return route->type == VNL_NEXT_HOP_PEERING || route->type == VNL_NEXT_HOP_GLOBAL_PEERING;
}

static enum vnl_drop reason_of(const struct vnl_walk *walk, const struct vnl_route *route)
{
    const struct vnl_flow_query *flow = &walk->flow;

    if (!route || vnl_addr_is_unroutable(&flow->dst))
        return VNL_DROP_NO_ROUTE;
    switch (route->type) {
    case VNL_NEXT_HOP_VNET_LOCAL:
    case VNL_NEXT_HOP_PEERING:
    case VNL_NEXT_HOP_GLOBAL_PEERING:
        return VNL_DROP_NONE;
    case VNL_NEXT_HOP_GATEWAY:
        if (route->nic == VNL_PLAN_NOBODY && route->balancer == VNL_PLAN_NOBODY)
            return VNL_DROP_NO_GATEWAY;
        return route->nic == flow->nic ? VNL_DROP_ROUTING_LOOP : VNL_DROP_NONE;
    case VNL_NEXT_HOP_INTERNET:
        return walk->plan->internet == VNL_PLAN_NOBODY || flow->dst.family != AF_INET ||
                       flow->nic == VNL_VERIFY_NOBODY
                   ? VNL_DROP_NO_INTERNET
                   : VNL_DROP_NONE;
    case VNL_NEXT_HOP_APPLIANCE:
        if (route->nic == VNL_PLAN_NOBODY && route->balancer == VNL_PLAN_NOBODY)
            return VNL_DROP_NO_ROUTE;
        return route->nic == flow->nic ? VNL_DROP_ROUTING_LOOP : VNL_DROP_NONE;
    case VNL_NEXT_HOP_NONE:
    case VNL_NEXT_HOP_MAX:
        break;
    }
    return VNL_DROP_NO_ROUTE;
}

const struct vnl_route *vnl_walk_route(struct vnl_walk *walk)
{
    struct vnl_place place = vnl_walk_place(walk, walk->flow.nic);
    const struct vnl_route *route = vnl_route_select(&walk->plan->tables[place.table], &walk->flow.dst);
    enum vnl_drop reason = reason_of(walk, route);
    struct vnl_verify_step *step = vnl_walk_step(walk, VNL_VERIFY_ROUTE, walk->flow.nic, reason);

    step->route = route;
    vnl_say_route(walk, step);
    return reason == VNL_DROP_NONE ? route : NULL;
}

static bool is_from_vnet(const struct vnl_walk *walk, uint32_t vnet)
{
    const struct vnl_plan_vnet *from = &walk->plan->vnets[vnet];

    for (size_t i = 0; i < from->n_space; i++)
        if (vnl_prefix_has(&from->space[i], &walk->flow.src))
            return true;
    return false;
}

/* The access gate is for NICs without a security group: where one is, its rules know who is in VirtualNetwork (spec 2.5). Such a NIC
 * knows no flows, so replies meet the gate too. What a VPN gateway relays is no forwarded traffic (spec 2.6). */
void vnl_walk_peering(struct vnl_walk *walk, enum vnl_verify_stage stage, uint32_t nic,
                      const struct vnl_route *route)
{
    struct vnl_place from = vnl_walk_place(walk, walk->flow.nic), here = vnl_walk_place(walk, nic);
    bool remote = stage == VNL_VERIFY_PEERING_REMOTE, gate = !vnl_place_has_nsg(&here);
    enum vnl_drop reason = VNL_DROP_NONE;
    bool relays = walk->flow.nic != VNL_VERIFY_NOBODY && walk->plan->nics[walk->flow.nic].gateway;
    struct vnl_verify_step *step;

    if (!crosses(from.vnet, route))
        return;
    if (gate && (remote ? route->deny_access_remote : route->deny_access_local))
        reason = VNL_DROP_PEERING_ACCESS;
    else if (remote && route->deny_forwarded && !relays && !is_from_vnet(walk, from.vnet))
        reason = VNL_DROP_FORWARDED_TRAFFIC;
    step = vnl_walk_step(walk, stage, nic, reason);
    step->route = route;
    vnl_say_peering(walk, step);
}

static uint32_t owner_of(const struct vnl_walk *walk, uint32_t vnet)
{
    for (uint32_t i = 0; i < walk->plan->n_nics; i++)
        if (walk->plan->nics[i].vnet == vnet && vnl_nic_owns(&walk->plan->nics[i], &walk->flow.dst))
            return i;
    return VNL_WALK_NOWHERE;
}

static uint32_t walk_owner(struct vnl_walk *walk, const struct vnl_route *route)
{
    const struct vnl_plan_balancer *balancer = vnl_balancer_at(walk->plan, route->vnet, &walk->flow.dst);
    uint32_t to = owner_of(walk, route->vnet);

    if (to != VNL_WALK_NOWHERE)
        return to;
    if (balancer)
        return vnl_walk_frontend(walk, route, balancer);
    if (walk->bastion && route->vnet == walk->flow.vnet &&
        vnl_addr_eq(&walk->plan->vnets[route->vnet].bastion, &walk->flow.dst))
        return VNL_VERIFY_NOBODY;
    vnl_say_owner(walk, vnl_walk_step(walk, VNL_VERIFY_OWNER, walk->flow.nic, VNL_DROP_NO_OWNER));
    return VNL_WALK_NOWHERE;
}

uint32_t vnl_walk_next(struct vnl_walk *walk, const struct vnl_route *route)
{
    if (route->type == VNL_NEXT_HOP_INTERNET)
        return vnl_walk_out(walk);
    if (route->type == VNL_NEXT_HOP_VNET_LOCAL && walk->plan->vnets[route->vnet].internet)
        return vnl_walk_in(walk);
    vnl_walk_unbalance(walk);
    vnl_walk_peering(walk, VNL_VERIFY_PEERING_LOCAL, walk->flow.nic, route);
    if (route->type != VNL_NEXT_HOP_APPLIANCE && route->type != VNL_NEXT_HOP_GATEWAY)
        return walk_owner(walk, route);
    if (route->balancer != VNL_PLAN_NOBODY)
        return vnl_walk_balanced_hop(walk, route, &walk->plan->balancers[route->balancer]);
    return route->nic;
}
