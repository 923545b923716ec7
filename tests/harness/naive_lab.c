#include "naive_lab.h"

#include <netinet/in.h>

#include "naive_lab_parts.h"
#include "vnetlab/base.h"

/* A packet under way, and the flows that it has opened behind it. */
struct walk {
    const struct vnl_lab *lab;
    const struct naive_hosts *hosts;
    struct naive_flow flow; /* flow.nic: sends it on now; as it is now */
    struct vnl_addr src;
    struct naive_flow sent; /* as it was sent */
    struct vnl_addr sent_src;
    const struct walk *before; /* of a reply: the packet */
    struct naive_way way;
};

static bool drops(struct walk *walk, enum vnl_drop reason, const struct vnl_nic *at, const char *rule)
{
    walk->way.reason = reason;
    walk->way.at = at;
    walk->way.rule = rule;
    return false;
}

/* --- flows --------------------------------------------------------------------------------------------------------------- */

static bool has_rules(const struct vnl_nic *nic)
{
    return nic->nsg || nic->subnet->nsg;
}

/* Who has sent the packet on, or got it, before the n-th that got it. */
static bool has_got(const struct naive_way *way, size_t n, const struct vnl_nic *nic)
{
    for (size_t i = 0; i < n; i++) {
        if (way->got[i] == nic)
            return true;
    }
    return false;
}

static bool has_sent(const struct naive_way *way, const struct vnl_nic *first, const struct vnl_nic *nic)
{
    return nic == first || (way->n_got > 0 && has_got(way, way->n_got - 1, nic));
}

/* A reply belongs to a flow where the packet has passed in the other direction (spec 3.4). */
static bool is_known(const struct walk *walk, enum vnl_direction direction, const struct vnl_nic *nic)
{
    if (!walk->before)
        return false;
    if (direction == VNL_INBOUND)
        return has_sent(&walk->before->way, walk->before->sent.nic, nic) &&
               vnl_addr_eq(&walk->src, &walk->before->sent.dst);
    return has_got(&walk->before->way, walk->before->way.n_got, nic);
}

/* --- gates --------------------------------------------------------------------------------------------------------------- */

/* Spec 2.5 [E]: a NIC without security groups treats a peer whose flag is off as if it had the default rules. */
static bool access_denied(const struct walk *walk, const struct vnl_nic *nic, const struct vnl_vnet *other)
{
    const struct vnl_vnet *vnet = nic->subnet->vnet;
    const struct vnl_peering *link = vnet != other ? naive_link_between(vnet, other) : NULL;

    return walk->lab->peering_access == VNL_ACCESS_DOCUMENTED && link && !link->allow_vnet_access &&
           !has_rules(nic);
}

/* Spec 2.5 [E]: forwarded is what comes over a peering from outside the sender's network. */
static bool forwarded_denied(const struct walk *walk, const struct vnl_nic *from, const struct vnl_nic *to)
{
    const struct vnl_vnet *home = from->subnet->vnet, *away = to->subnet->vnet;
    const struct vnl_peering *link = home != away ? naive_link_between(away, home) : NULL;

    return walk->lab->peering_forwarded == VNL_FORWARDED_STRICT && link && !link->allow_forwarded_traffic &&
           !naive_inside_any(home->space.items, home->space.n, &walk->src);
}

/* TCP that no flow knows has to begin with its first segment, and a reply never is one. */
static bool rules_pass(struct walk *walk, enum vnl_direction direction, const struct vnl_nic *nic)
{
    bool in = direction == VNL_INBOUND;
    const struct vnl_nsg *groups[2] = { in ? nic->subnet->nsg : nic->nsg, in ? nic->nsg : nic->subnet->nsg };

    if (!has_rules(nic) || is_known(walk, direction, nic))
        return true;
    walk->way.straight = false;
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        struct naive_judgement it = naive_judge(groups[i], nic->subnet, direction, &walk->flow, &walk->src);

        if (!it.allow)
            return drops(walk, in ? VNL_DROP_NSG_INBOUND : VNL_DROP_NSG_OUTBOUND, nic, it.rule);
    }
    if (walk->before && walk->flow.proto == IPPROTO_TCP)
        return drops(walk, VNL_DROP_FLOW_STATE, nic, NULL);
    return true;
}

/* --- the internet side --------------------------------------------------------------------------------------------------- */

/* The reply to what came in by a public IP leaves by it; anything else is new there. */
static enum vnl_drop leave(struct walk *walk, const struct vnl_nic *from)
{
    const struct walk *before = walk->before;

    if (!naive_nic_owns(from, &walk->src))
        return VNL_DROP_FOREIGN_TO_INTERNET;
    if (!before || !before->way.outside || from != before->way.at)
        return naive_leave(from, walk->flow.proto, &walk->src, &walk->flow.sport);
    walk->src = before->sent.dst;
    walk->flow.sport = before->sent.dport;
    return VNL_DROP_NONE;
}

static bool is_answer(const struct walk *walk)
{
    const struct walk *before = walk->before;

    return before && before->way.outside && !naive_is_host(before->sent.nic) &&
           vnl_addr_eq(&walk->flow.dst, &before->src) && vnl_addr_eq(&walk->src, &before->sent.dst);
}

/* From a host, or from a NIC whose route says Internet. */
static enum vnl_drop by_internet(struct walk *walk, const struct vnl_nic *from, const struct vnl_nic **ret)
{
    enum vnl_drop drop = naive_is_host(from) ? VNL_DROP_NONE : leave(walk, from);

    walk->way.outside = true;
    if (drop != VNL_DROP_NONE || !is_answer(walk))
        return drop != VNL_DROP_NONE ? drop : naive_enter(walk->lab, walk->hosts, &walk->flow.dst, ret);
    walk->flow.dst = walk->before->sent_src;
    walk->flow.dport = walk->before->sent.sport;
    *ret = walk->before->sent.nic;
    return VNL_DROP_NONE;
}

/* --- one hop ------------------------------------------------------------------------------------------------------------- */

/* What a backend answers comes from the frontend again, whichever way it takes. */
static void answer_from_frontend(struct walk *walk, const struct vnl_nic *from)
{
    const struct walk *before = walk->before;

    if (!before || !before->way.balanced || from != before->way.at)
        return;
    walk->src = before->sent.dst;
    walk->flow.sport = before->sent.dport;
}

static enum vnl_drop by_owner(struct walk *walk, const struct vnl_vnet *away, const struct vnl_nic **ret)
{
    struct naive_frontend frontend;

    *ret = naive_owner_of(walk->lab, away, &walk->flow.dst);
    if (*ret)
        return VNL_DROP_NONE;
    if (!naive_frontend_at(walk->lab, away, &walk->flow.dst, &frontend))
        return VNL_DROP_NO_OWNER;
    walk->way.balanced = true;
    return naive_balance_service(&frontend, &walk->flow, ret);
}

static enum vnl_drop by_network(struct walk *walk, const struct vnl_nic *from, const struct naive_hop *hop,
                                const struct vnl_nic **ret)
{
    const struct vnl_vnet *away = hop->to;

    if (hop->appliance)
        away = hop->appliance->subnet->vnet;
    else if (hop->balancer.frontend)
        away = hop->balancer.frontend->subnet->vnet;
    if (hop->appliance == from)
        return VNL_DROP_ROUTING_LOOP;
    if (access_denied(walk, from, away))
        return VNL_DROP_PEERING_ACCESS;
    answer_from_frontend(walk, from);
    *ret = hop->appliance;
    if (hop->appliance)
        return VNL_DROP_NONE;
    if (hop->balancer.frontend)
        return naive_balance_hop(&hop->balancer, &walk->flow, ret);
    return by_owner(walk, away, ret);
}

/* Who gets the packet next, by the sender's route; NULL: nobody. */
static const struct vnl_nic *route(struct walk *walk, const struct vnl_nic *from)
{
    struct naive_hop hop = { .outside = true };
    const struct vnl_nic *to = NULL;
    enum vnl_drop reason;

    if (!naive_is_host(from))
        hop = naive_next_hop(walk->lab, from->subnet, &walk->flow.dst);
    reason = hop.reason;
    if (reason == VNL_DROP_NONE)
        reason = hop.outside ? by_internet(walk, from, &to) : by_network(walk, from, &hop, &to);
    if (reason == VNL_DROP_NONE)
        return to;
    (void)drops(walk, reason, from, NULL);
    return NULL;
}

static bool arrives(struct walk *walk, const struct vnl_nic *from, const struct vnl_nic *to)
{
    bool peering = !walk->way.outside;

    if (peering && access_denied(walk, to, from->subnet->vnet))
        return drops(walk, VNL_DROP_PEERING_ACCESS, to, NULL);
    if (peering && forwarded_denied(walk, from, to))
        return drops(walk, VNL_DROP_FORWARDED_TRAFFIC, to, NULL);
    if (!rules_pass(walk, VNL_INBOUND, to))
        return false;
    if (!naive_nic_owns(to, &walk->flow.dst) && !to->ip_forwarding)
        return drops(walk, VNL_DROP_NOT_FORWARDING, to, NULL);
    return true;
}

/* False: it went no further, and the way says why, or that it has arrived. */
static bool step(struct walk *walk)
{
    const struct vnl_nic *from = walk->flow.nic, *to;

    if (!rules_pass(walk, VNL_OUTBOUND, from) || !(to = route(walk, from)))
        return false;
    walk->way.loops = has_got(&walk->way, walk->way.n_got, to) ||
                      naive_nic_owns(to, &walk->src); /* comes back to who sent it */
    if (walk->way.loops)
        return drops(walk, VNL_DROP_ROUTING_LOOP, from, NULL);
    if (!arrives(walk, from, to))
        return false;
    walk->way.got[walk->way.n_got++] = to;
    if (naive_nic_owns(to, &walk->flow.dst))
        return drops(walk, VNL_DROP_NONE, to, NULL);
    if (!to->vm->ip_forward)
        return drops(walk, VNL_DROP_GUEST_FORWARDING, to, NULL);
    walk->flow.nic = to;
    return true;
}

static void walk_all(struct walk *walk)
{
    walk->sent = walk->flow;
    walk->sent_src = walk->src;
    walk->way.straight = true;
    while (walk->way.n_got < NAIVE_HOPS_MAX && step(walk))
        ;
}

void naive_lab_exchange(const struct vnl_lab *lab, const struct naive_hosts *hosts,
                        const struct naive_flow *flow, struct naive_exchange *ret)
{
    struct walk there = {
        .lab = lab, .hosts = hosts, .flow = *flow, .src = *naive_source_of(flow->nic, flow->dst.family)
    };
    struct walk back = { .lab = lab, .hosts = hosts, .before = &there };

    *ret = (struct naive_exchange){ 0 };
    walk_all(&there);
    ret->there = there.way;
    if (there.way.reason != VNL_DROP_NONE)
        return;
    back.src = there.flow.dst;
    back.flow = (struct naive_flow){ .nic = there.way.at,
                                     .dst = there.src,
                                     .proto = flow->proto,
                                     .sport = there.flow.dport,
                                     .dport = there.flow.sport };
    walk_all(&back);
    ret->back = back.way;
    ret->passes = back.way.reason == VNL_DROP_NONE && vnl_addr_eq(&back.src, &flow->dst);
}
