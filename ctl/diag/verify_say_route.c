/* The words of `verify` about routes and peerings. */
#include "walk.h"

#include <stdio.h>
#include <string.h>

#include "vnetlab/base.h"

static const struct vnl_plan_vnet *vnet_of(const struct vnl_walk *walk, uint32_t nic)
{
    return &walk->plan->vnets[vnl_walk_place(walk, nic).vnet];
}

/* --- peerings ----------------------------------------------------------------------------------------- */

/* The link that leads from one VNet to another, or NULL. */
const struct vnl_plan_peering *vnl_link_between(const struct vnl_plan *plan, const struct vnl_plan_vnet *from,
                                                const struct vnl_plan_vnet *to)
{
    size_t len = from->id ? strlen(from->id) : 0;

    for (size_t i = 0; len && i < plan->n_peerings; i++) {
        const struct vnl_plan_peering *link = &plan->peerings[i];

        if (!strncmp(link->id, from->id, len) && link->id[len] == '/' && !strcmp(link->remote, to->name))
            return link;
    }
    return NULL;
}

bool vnl_link_is(const struct vnl_plan_peering *link, const char *state)
{
    return link && !strcmp(link->state, state);
}

void vnl_say_flag(struct vnl_walk *walk, char **ret, const struct vnl_plan_peering *link, const char *flag)
{
    const char *child = strchr(link->name, '/');

    vnl_say(walk, ret, "%s: %s is false; vnetlab set vnets.%.*s.peerings.%s.%s true", link->name, flag,
            (int)(child - link->name), link->name, child + 1, flag);
}

/* Spec 2.2: both links must be Connected. */
static void say_missing(struct vnl_walk *walk, char **ret, const struct vnl_plan_vnet *here,
                        const struct vnl_plan_vnet *there, const struct vnl_plan_peering *link,
                        const struct vnl_plan_peering *back)
{
    const struct vnl_plan_peering *only = link ? link : back;
    const struct vnl_plan_vnet *near = link ? here : there, *far = link ? there : here;

    if (!only)
        vnl_say(walk, ret, "virtual networks '%s' and '%s' are not peered: add a peering to both of them",
                here->name, there->name);
    else if (vnl_link_is(link, "Disconnected") || vnl_link_is(back, "Disconnected"))
        vnl_say(walk, ret, "peering '%s' is Disconnected: vnetlab sync %s%s",
                vnl_link_is(link, "Disconnected") ? link->name : back->name,
                vnl_link_is(link, "Disconnected") ? link->name : back->name,
                link && back ? "" : ", then add the link of the other side");
    else
        vnl_say(walk, ret, "peering '%s' is %s: add a peering to '%s' in '%s'", only->name, only->state,
                near->name, far->name);
}

/* No row leads to `there`: which link is to blame. */
static void say_unreached(struct vnl_walk *walk, char **ret, const struct vnl_plan_vnet *here,
                          const struct vnl_plan_vnet *there)
{
    const struct vnl_plan_peering *link = vnl_link_between(walk->plan, here, there);
    const struct vnl_plan_peering *back = vnl_link_between(walk->plan, there, here);

    if (!vnl_link_is(link, "Connected") || !vnl_link_is(back, "Connected"))
        say_missing(walk, ret, here, there, link, back);
    else if (strcmp(link->sync, "FullyInSync") != 0)
        vnl_say(walk, ret, "peering '%s' is %s and does not know this range of '%s' yet: vnetlab sync %s",
                link->name, link->sync, there->name, link->name);
    else
        vnl_say(walk, ret, "peering '%s' does not take in this range of '%s'", link->name, there->name);
}

const struct vnl_plan_vnet *vnl_vnet_with(const struct vnl_plan *plan, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < plan->n_vnets; i++)
        for (size_t k = 0; k < plan->vnets[i].n_space; k++)
            if (vnl_prefix_has(&plan->vnets[i].space[k], addr))
                return &plan->vnets[i];
    return NULL;
}

/* --- routes ------------------------------------------------------------------------------------------- */

static bool are_peered(const struct vnl_plan *plan, const struct vnl_plan_vnet *a,
                       const struct vnl_plan_vnet *b)
{
    return a == b || (vnl_link_is(vnl_link_between(plan, a, b), "Connected") &&
                      vnl_link_is(vnl_link_between(plan, b, a), "Connected"));
}

/* A NIC that forwards, or that some route takes as its next hop, in a VNet that both are peered with. */
static const struct vnl_plan_nic *appliance_between(const struct vnl_plan *plan,
                                                    const struct vnl_plan_vnet *here,
                                                    const struct vnl_plan_vnet *there)
{
    for (size_t i = 0; i < plan->n_nics; i++) {
        const struct vnl_plan_vnet *vnet = &plan->vnets[plan->nics[i].vnet];

        if (plan->nics[i].ip_forwarding && !vnet->internet && vnet != there && are_peered(plan, here, vnet) &&
            are_peered(plan, vnet, there))
            return &plan->nics[i];
    }
    for (size_t i = 0; i < plan->n_tables; i++) {
        for (size_t k = 0; k < plan->tables[i].n_routes; k++) {
            const struct vnl_route *route = &plan->tables[i].routes[k];
            bool nic = route->type == VNL_NEXT_HOP_APPLIANCE && route->nic != VNL_PLAN_NOBODY;

            if (nic && route->vnet != (size_t)(there - plan->vnets) &&
                are_peered(plan, here, &plan->vnets[route->vnet]) &&
                are_peered(plan, &plan->vnets[route->vnet], there))
                return &plan->nics[route->nic];
        }
    }
    return NULL;
}

static const struct vnl_prefix *space_with(const struct vnl_plan_vnet *vnet, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < vnet->n_space; i++)
        if (vnl_prefix_has(&vnet->space[i], addr))
            return &vnet->space[i];
    return NULL;
}

bool vnl_say_missing_route(struct vnl_walk *walk, char **ret, uint32_t nic, const struct vnl_addr *dst)
{
    const struct vnl_plan_vnet *here = vnet_of(walk, nic), *there = vnl_vnet_with(walk->plan, dst);
    const struct vnl_plan_nic *appliance;
    const struct vnl_addr *hop;
    char prefix[VNL_PREFIX_STR], addr[VNL_ADDR_STR];

    if (nic == VNL_VERIFY_NOBODY || !there || are_peered(walk->plan, here, there))
        return false;
    appliance = appliance_between(walk->plan, here, there);
    hop = appliance ? vnl_nic_own_addr(appliance, dst->family) : NULL;
    if (!hop || vnl_nic_owns(&walk->plan->nics[nic], hop))
        return false;
    vnl_say(walk, ret, "no route table on %s sends %s to %s", walk->plan->nics[nic].subnet,
            vnl_prefix_format(space_with(there, dst), prefix), vnl_addr_format(hop, addr));
    return true;
}

/* The name of a user's route, at the end of its id; NULL: it is none of the user's. */
static const char *udr_name(const struct vnl_route *route)
{
    const char *name =
        route && route->source == VNL_ROUTE_USER && route->origin ? strrchr(route->origin, '/') : NULL;

    return name ? name + 1 : NULL;
}

static void say_lost(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    const struct vnl_plan_vnet *here = vnet_of(walk, step->nic);
    const struct vnl_plan_vnet *there = vnl_vnet_with(walk->plan, &walk->flow.dst);
    const char *udr = udr_name(step->route);
    char addr[VNL_ADDR_STR];

    if (udr && step->route->dead)
        vnl_say(walk, &step->fix,
                "route %s: %s is no NIC or load balancer of %s or of a network peered with it; give its "
                "nextHopIpAddress one that is",
                udr, vnl_addr_format(&step->route->next_hop, addr), here->name);
    else if (udr && step->reason == VNL_DROP_ROUTING_LOOP)
        vnl_say(walk, &step->fix,
                "route %s sends it back to %s: put the appliance into a subnet without this route", udr,
                vnl_say_vm(walk, step->nic));
    else if (step->reason == VNL_DROP_NO_GATEWAY)
        vnl_say(walk, &step->fix,
                "virtual network '%s' has no VPN gateway: give it one, or useRemoteGateways on its link to a "
                "network "
                "that has one",
                here->name);
    else if (udr && step->reason == VNL_DROP_NO_ROUTE)
        vnl_say(walk, &step->fix, "route %s has next hop None: take it away", udr);
    else if (udr || !there || there == here)
        return;
    else if (!vnl_say_missing_route(walk, &step->fix, step->nic, &walk->flow.dst) &&
             !vnl_say_missing_connection(walk, &step->fix, step->nic, there))
        say_unreached(walk, &step->fix, here, there);
}

void vnl_say_route(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    const char *udr = udr_name(step->route);
    char prefix[VNL_PREFIX_STR], addr[VNL_ADDR_STR] = "";

    if (step->reason == VNL_DROP_NO_INTERNET)
        vnl_say(walk, &step->fix, "write 'internet: {}' in the lab file: the lab has no internet side");
    else if (step->reason != VNL_DROP_NONE)
        say_lost(walk, step);
    if (!step->route) {
        vnl_say(walk, &step->text, "no effective route has the destination");
        return;
    }
    if (step->route->next_hop.family != AF_UNSPEC)
        (void)vnl_addr_format(&step->route->next_hop, addr);
    vnl_say(walk, &step->text, "%s %s%s%s%s%s%s", vnl_prefix_format(&step->route->prefix, prefix),
            vnl_next_hop_str(step->route->type), *addr ? " " : "", addr, udr ? " (route " : "",
            udr ? udr : "", udr ? ")" : "");
}

void vnl_say_loop(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    vnl_say(walk, &step->text, "%s has sent this packet before: it goes round until its TTL is 0",
            vnl_say_vm(walk, step->nic));
    vnl_say(walk, &step->fix, "put the appliances into subnets without the routes that lead to them");
}

/* --- links ---------------------------------------------------------------------------------------------- */

/* The link whose word counts at this step: the sender's, or the receiver's. */
static const struct vnl_plan_peering *link_of_step(const struct vnl_walk *walk,
                                                   const struct vnl_verify_step *step)
{
    const struct vnl_plan_vnet *from = vnet_of(walk, walk->flow.nic),
                               *to = &walk->plan->vnets[step->route->vnet];

    return step->stage == VNL_VERIFY_PEERING_LOCAL ? vnl_link_between(walk->plan, from, to)
                                                   : vnl_link_between(walk->plan, to, from);
}

void vnl_say_peering(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    const struct vnl_plan_peering *link = link_of_step(walk, step);

    if (!link) { /* a plan made by hand */
        vnl_say(walk, &step->text, "%s", vnl_drop_text(step->reason));
        return;
    }
    vnl_say(walk, &step->text, "%s: %s, %s; allows: %s", link->name, link->state, link->sync, link->flags);
    if (step->reason == VNL_DROP_PEERING_ACCESS)
        vnl_say_flag(walk, &step->fix, link, "allowVirtualNetworkAccess");
    else if (step->reason == VNL_DROP_FORWARDED_TRAFFIC)
        vnl_say_flag(walk, &step->fix, link, "allowForwardedTraffic");
}
