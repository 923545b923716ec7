/* What the plan says about a new flow.
 *
 * A packet is decided twice (spec 0): at the NIC that sends it (rules, route, its link of the peering) and at the NIC that gets it (the
 * other link, rules, is it mine). Each stage is one step here. A step that drops does not end the walk: a user with three mistakes wants
 * to hear of all of them, so everything that can still be looked at is. Only what follows from the drop itself is left out: without a
 * route there is no peering to ask.
 *
 * The reply is the same walk from the other end, without rules: its flow is known (spec 3.4), and a peering's access gate is a rule in
 * this sense, it stands for the default rules of a NIC that has none (spec 2.5). */
#include "vnetlab/verify.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "walk.h"

#define GATES     6 /* reasons of the first stage */
#define STEPS_MAX (2 * (VNL_VERIFY_STAGE_MAX + GATES))

static const char *const stage_str[] = {
    [VNL_VERIFY_SOURCE] = "source",
    [VNL_VERIFY_OUTBOUND_NIC] = "outbound, NIC",
    [VNL_VERIFY_OUTBOUND_SUBNET] = "outbound, subnet",
    [VNL_VERIFY_ROUTE] = "route",
    [VNL_VERIFY_PEERING_LOCAL] = "peering",
    [VNL_VERIFY_OWNER] = "owner",
    [VNL_VERIFY_PEERING_REMOTE] = "peering",
    [VNL_VERIFY_INBOUND_SUBNET] = "inbound, subnet",
    [VNL_VERIFY_INBOUND_NIC] = "inbound, NIC",
    [VNL_VERIFY_DELIVER] = "deliver",
};
static_assert(ARRAY_SIZE(stage_str) == VNL_VERIFY_STAGE_MAX, "name every stage");

const char *vnl_verify_stage_str(enum vnl_verify_stage stage)
{
    return stage_str[stage];
}

/* --- rules, one by one -------------------------------------------------------------------------------- */

static bool is_platform(const struct vnl_addr *addr)
{
    static const struct vnl_addr platform[] = {
        { AF_INET, { 168, 63, 129, 16 } },
        { AF_INET, { 169, 254, 169, 254 } },
    };

    return vnl_addr_eq(addr, &platform[0]) || vnl_addr_eq(addr, &platform[1]);
}

static bool side_has_addr(const struct vnl_plan_side *side, const struct vnl_addr *addr)
{
    for (size_t i = 0; !side->any && i < side->n_prefixes; i++)
        if (vnl_prefix_has(&side->prefixes[i], addr))
            return true;
    return side->any;
}

static bool side_has_port(const struct vnl_plan_side *side, uint16_t port)
{
    for (size_t i = 0; i < side->n_ports; i++)
        if (side->ports[i].first <= port && port <= side->ports[i].last)
            return true;
    return side->n_ports == 0;
}

static bool has_ports(uint8_t proto)
{
    return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

/* A rule for ICMP, ESP or AH has no use for its ports (spec 3.1); one for any protocol that names ports is about those that have some.
 */
static bool rule_has_proto(const struct vnl_plan_rule *rule, const struct vnl_flow_query *flow)
{
    if (rule->proto && rule->proto != flow->proto)
        return false;
    if (has_ports(flow->proto))
        return side_has_port(&rule->source, flow->src_port) &&
               side_has_port(&rule->destination, flow->dst_port);
    return rule->proto || (!rule->source.n_ports && !rule->destination.n_ports);
}

/* Spec 3.8: platform traffic is the affair of rules that name a platform tag, and of no others. */
static bool rule_matches(const struct vnl_plan_rule *rule, const struct vnl_flow_query *flow)
{
    bool platform_rule = rule->source.platform || rule->destination.platform;

    return platform_rule == is_platform(&flow->dst) && rule_has_proto(rule, flow) &&
           side_has_addr(&rule->source, &flow->src) && side_has_addr(&rule->destination, &flow->dst);
}

/* Spec 3.3: the lowest number decides. */
static const struct vnl_plan_rule *rule_find(const struct vnl_plan_rules *rules, bool inbound,
                                             const struct vnl_flow_query *flow)
{
    const struct vnl_plan_rule *best = NULL;

    for (size_t i = 0; i < rules->n_inbound + rules->n_outbound; i++) {
        const struct vnl_plan_rule *rule = &rules->rules[i];

        if (rule->inbound == inbound && (!best || rule->priority < best->priority) &&
            rule_matches(rule, flow))
            best = rule;
    }
    return best;
}

/* --- steps -------------------------------------------------------------------------------------------- */

struct vnl_verify_step *vnl_walk_step(struct vnl_walk *walk, enum vnl_verify_stage stage, uint32_t nic,
                                      enum vnl_drop reason)
{
    struct vnl_verify_step *step = &walk->verify->steps[walk->verify->n_steps++];
    const struct vnl_verify_step **first = walk->back ? &walk->verify->back : &walk->verify->blocker;

    *step = (struct vnl_verify_step){ .stage = stage, .back = walk->back, .nic = nic, .reason = reason };
    if (reason != VNL_DROP_NONE && !*first)
        *first = step;
    return step;
}

static bool has_nsg(const struct vnl_plan_nic *nic)
{
    return nic->rules_nic != VNL_PLAN_NO_RULES || nic->rules_subnet != VNL_PLAN_NO_RULES;
}

static bool owns(const struct vnl_plan_nic *nic, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < nic->n_addrs; i++)
        if (vnl_addr_eq(&nic->addrs[i].addr, addr))
            return true;
    return false;
}

/* Loopback, "this network", link-local and the like: in no VNet's space, though an internet route may cover them. */
static bool is_unroutable(const struct vnl_addr *addr)
{
    static const struct vnl_prefix nowhere[] = {
        { .addr = { AF_INET, { 0 } }, .len = 8 },
        { .addr = { AF_INET, { 127 } }, .len = 8 },
        { .addr = { AF_INET6, { 0 } }, .len = 127 },
        { .addr = { AF_INET6, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } }, .len = 96 },
        { .addr = { AF_INET6, { 0xfe, 0x80 } }, .len = 10 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++)
        if (vnl_prefix_has(&nowhere[i], addr))
            return true;
    return false;
}

static bool is_broadcast(const struct vnl_addr *addr)
{
    static const struct vnl_addr all = { AF_INET, { 255, 255, 255, 255 } };

    return vnl_addr_eq(addr, &all);
}

static bool is_group(const struct vnl_addr *addr)
{
    return addr->family == AF_INET ? addr->bytes[0] >> 4 == 14 : addr->bytes[0] == 0xff;
}

static bool is_carried(uint8_t proto)
{
    return has_ports(proto) || proto == IPPROTO_ICMP || proto == IPPROTO_ESP || proto == IPPROTO_AH;
}

static bool is_dhcp_port(uint16_t port)
{
    return port == 67 || port == 68;
}

/* Spec 1.7. */
static bool is_reserved(const struct vnl_flow_query *flow)
{
    return flow->proto == IPPROTO_UDP && (flow->src_port == 65330 || flow->dst_port == 4791 ||
                                          (is_dhcp_port(flow->src_port) && is_dhcp_port(flow->dst_port)));
}

static bool is_spoofed(const struct vnl_plan_nic *nic, const struct vnl_addr *src)
{
    if (is_unroutable(src) || is_group(src) || is_broadcast(src) || is_platform(src))
        return true;
    return !owns(nic, src) && !nic->ip_forwarding;
}

/* What is refused before any rule of the user is asked (spec 0, steps 3 to 6). */
static void walk_source(struct vnl_walk *walk)
{
    const struct vnl_flow_query *flow = &walk->flow;
    const struct {
        bool drops;
        enum vnl_drop reason;
    } gates[] = {
        { is_broadcast(&flow->dst), VNL_DROP_BROADCAST },
        { is_group(&flow->dst), VNL_DROP_MULTICAST },
        { is_spoofed(&walk->plan->nics[flow->nic], &flow->src), VNL_DROP_SPOOFED_SOURCE },
        { !is_carried(flow->proto), VNL_DROP_PROTOCOL },
        { is_reserved(flow), VNL_DROP_RESERVED_PORT },
        { is_platform(&flow->dst), VNL_DROP_PLATFORM_ADDRESS },
    };

    static_assert(ARRAY_SIZE(gates) <= GATES, "room for the steps");
    for (size_t i = 0; i < ARRAY_SIZE(gates); i++)
        if (gates[i].drops)
            vnl_say_source(walk, vnl_walk_step(walk, VNL_VERIFY_SOURCE, flow->nic, gates[i].reason));
}

static void walk_rules(struct vnl_walk *walk, enum vnl_verify_stage stage, uint32_t nic, uint32_t which)
{
    bool inbound = stage == VNL_VERIFY_INBOUND_NIC || stage == VNL_VERIFY_INBOUND_SUBNET;
    const struct vnl_plan_rules *rules = which == VNL_PLAN_NO_RULES ? NULL : &walk->plan->rules[which];
    const struct vnl_plan_rule *rule = rules ? rule_find(rules, inbound, &walk->flow) : NULL;
    enum vnl_drop denied = inbound ? VNL_DROP_NSG_INBOUND : VNL_DROP_NSG_OUTBOUND;
    struct vnl_verify_step *step =
        vnl_walk_step(walk, stage, nic, rule && !rule->allow ? denied : VNL_DROP_NONE);

    step->rules = rules;
    step->rule = rule;
    vnl_say_rules(walk, step);
}

static bool is_peering(const struct vnl_route *route)
{
    return route->type == VNL_NEXT_HOP_PEERING || route->type == VNL_NEXT_HOP_GLOBAL_PEERING;
}

/* NULL when nothing behind it can be asked. */
static const struct vnl_route *walk_route(struct vnl_walk *walk)
{
    const struct vnl_route_table *table = &walk->plan->tables[walk->plan->nics[walk->flow.nic].table];
    const struct vnl_route *route = vnl_route_select(table, &walk->flow.dst);
    bool there = route && !is_unroutable(&walk->flow.dst) && route->type <= VNL_NEXT_HOP_GLOBAL_PEERING;
    enum vnl_drop reason = VNL_DROP_NONE;
    struct vnl_verify_step *step;

    if (!there)
        reason = route && route->type == VNL_NEXT_HOP_INTERNET && !is_unroutable(&walk->flow.dst)
                     ? VNL_DROP_NO_INTERNET
                     : VNL_DROP_NO_ROUTE;
    step = vnl_walk_step(walk, VNL_VERIFY_ROUTE, walk->flow.nic, reason);
    step->route = route;
    vnl_say_route(walk, step);
    return there ? route : NULL;
}

/* The links of a peering, each at its side. The access gate is for NICs without a security group: where one is, its rules know who is
 * in VirtualNetwork. */
static void walk_peering(struct vnl_walk *walk, enum vnl_verify_stage stage, uint32_t nic,
                         const struct vnl_route *route)
{
    bool remote = stage == VNL_VERIFY_PEERING_REMOTE, gate = !walk->back && !has_nsg(&walk->plan->nics[nic]);
    const struct vnl_plan_vnet *from = &walk->plan->vnets[walk->plan->nics[walk->flow.nic].vnet];
    enum vnl_drop reason = VNL_DROP_NONE;
    struct vnl_verify_step *step;
    bool inside = false;

    if (!is_peering(route))
        return;
    for (size_t i = 0; i < from->n_space; i++)
        inside |= vnl_prefix_has(&from->space[i], &walk->flow.src);
    if (gate && (remote ? route->deny_access_remote : route->deny_access_local))
        reason = VNL_DROP_PEERING_ACCESS;
    else if (remote && route->deny_forwarded && !inside)
        reason = VNL_DROP_FORWARDED_TRAFFIC;
    step = vnl_walk_step(walk, stage, nic, reason);
    step->route = route;
    vnl_say_peering(walk, step);
}

static uint32_t nic_index(const struct vnl_plan *plan, const struct vnl_plan_nic *nic)
{
    return nic ? (uint32_t)(nic - plan->nics) : VNL_VERIFY_NOBODY;
}

static uint32_t walk_owner(struct vnl_walk *walk, const struct vnl_route *route)
{
    uint32_t to = nic_index(walk->plan, vnl_plan_nic_by_addr(walk->plan, route->vnet, &walk->flow.dst));

    if (to == VNL_VERIFY_NOBODY)
        vnl_say_owner(walk, vnl_walk_step(walk, VNL_VERIFY_OWNER, walk->flow.nic, VNL_DROP_NO_OWNER));
    return to;
}

/* Without a route: who would have got it, if only one NIC of the lab has that address. */
static uint32_t meant_owner(const struct vnl_plan *plan, const struct vnl_addr *dst)
{
    uint32_t found = VNL_VERIFY_NOBODY;

    for (uint32_t i = 0; i < plan->n_nics; i++) {
        if (!owns(&plan->nics[i], dst))
            continue;
        if (found != VNL_VERIFY_NOBODY)
            return VNL_VERIFY_NOBODY;
        found = i;
    }
    return found;
}

static void walk_deliver(struct vnl_walk *walk, uint32_t to)
{
    const struct vnl_plan_nic *nic = &walk->plan->nics[to];
    bool mine = owns(nic, &walk->flow.dst);

    vnl_say_deliver(walk,
                    vnl_walk_step(walk, VNL_VERIFY_DELIVER, to,
                                  mine || nic->ip_forwarding ? VNL_DROP_NONE : VNL_DROP_NOT_FORWARDING));
}

/* One direction. Returns who gets it, or would. */
static uint32_t walk_way(struct vnl_walk *walk)
{
    const struct vnl_plan_nic *from = &walk->plan->nics[walk->flow.nic], *nic;
    const struct vnl_route *route;
    uint32_t to;

    walk_source(walk);
    if (!walk->back) {
        walk_rules(walk, VNL_VERIFY_OUTBOUND_NIC, walk->flow.nic, from->rules_nic);
        walk_rules(walk, VNL_VERIFY_OUTBOUND_SUBNET, walk->flow.nic, from->rules_subnet);
    }
    if (is_platform(&walk->flow.dst) || is_group(&walk->flow.dst) || is_broadcast(&walk->flow.dst))
        return VNL_VERIFY_NOBODY;
    route = walk_route(walk);
    if (route)
        walk_peering(walk, VNL_VERIFY_PEERING_LOCAL, walk->flow.nic, route);
    to = route ? walk_owner(walk, route) : meant_owner(walk->plan, &walk->flow.dst);
    if (to == VNL_VERIFY_NOBODY)
        return to;
    nic = &walk->plan->nics[to];
    if (route)
        walk_peering(walk, VNL_VERIFY_PEERING_REMOTE, to, route);
    if (!walk->back) {
        walk_rules(walk, VNL_VERIFY_INBOUND_SUBNET, to, nic->rules_subnet);
        walk_rules(walk, VNL_VERIFY_INBOUND_NIC, to, nic->rules_nic);
    }
    if (route)
        walk_deliver(walk, to);
    return to;
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

static const struct vnl_addr *addr_of(const struct vnl_plan_nic *nic, uint16_t family)
{
    for (size_t i = 0; i < nic->n_addrs; i++)
        if (nic->addrs[i].addr.family == family)
            return &nic->addrs[i].addr;
    return NULL;
}

/* To a rule ICMPv6 is ICMP. */
static int fill_flow(const struct vnl_plan *plan, const struct vnl_flow_query *query,
                     struct vnl_flow_query *ret, struct vnl_err **err)
{
    const struct vnl_addr *own = addr_of(&plan->nics[query->nic], query->dst.family);

    *ret = *query;
    if (query->proto == IPPROTO_ICMPV6)
        ret->proto = IPPROTO_ICMP;
    if (query->src.family != AF_UNSPEC)
        return 0;
    if (!own)
        return vnl_fail(err, EADDRNOTAVAIL, "virtual machine '%s' has no IPv%c address",
                        plan->vms[plan->nics[query->nic].vm].name, query->dst.family == AF_INET ? '4' : '6');
    ret->src = *own;
    return 0;
}

int vnl_verify(const struct vnl_plan *plan, const struct vnl_flow_query *query, struct vnl_verify **ret,
               struct vnl_err **err)
{
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = calloc(1, sizeof(*verify));
    struct vnl_walk walk = { .plan = plan, .verify = verify };
    int r = fill_flow(plan, query, &walk.flow, err);

    if (r < 0)
        return r;
    if (!verify || !(verify->steps = calloc(STEPS_MAX, sizeof(*verify->steps))))
        return vnl_fail(err, ENOMEM, "verify");
    verify->to = walk_way(&walk);
    if (verify->to != VNL_VERIFY_NOBODY) {
        struct vnl_flow_query there = walk.flow;

        walk.back = true;
        walk.flow = (struct vnl_flow_query){ .nic = verify->to,
                                             .src = there.dst,
                                             .dst = there.src,
                                             .proto = there.proto,
                                             .src_port = there.dst_port,
                                             .dst_port = there.src_port };
        (void)walk_way(&walk);
    }
    if (walk.failed)
        return vnl_fail(err, ENOMEM, "verify");
    *ret = TAKE_PTR(verify);
    return 0;
}
