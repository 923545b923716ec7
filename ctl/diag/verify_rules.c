/* Security rules, one by one. */
#include <netinet/in.h>

#include "walk.h"

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

/* A rule for ICMP, ESP or AH has no use for its ports (spec 3.1); one for any protocol that names ports is about those that have some.
 */
static bool rule_has_proto(const struct vnl_plan_rule *rule, const struct vnl_flow_query *flow)
{
    if (rule->proto && rule->proto != flow->proto)
        return false;
    if (vnl_proto_has_ports(flow->proto))
        return side_has_port(&rule->source, flow->src_port) &&
               side_has_port(&rule->destination, flow->dst_port);
    return rule->proto || (!rule->source.n_ports && !rule->destination.n_ports);
}

/* Spec 3.8: platform traffic is the affair of rules that name a platform tag, and of no others. */
static bool rule_matches(const struct vnl_plan_rule *rule, const struct vnl_flow_query *flow)
{
    bool platform_rule = rule->source.platform || rule->destination.platform;

    return platform_rule == vnl_addr_is_platform(&flow->dst) && rule_has_proto(rule, flow) &&
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

/* A flow that a NIC knows is asked nothing (spec 3.4): the reply leaves where the packet came in, and comes in where the packet left. */
static bool is_known(const struct vnl_walk *walk, bool inbound, uint32_t nic)
{
    return walk->back &&
           (nic == VNL_VERIFY_NOBODY || walk->known[nic] & (inbound ? VNL_WALK_SENT : VNL_WALK_GOT));
}

/* False: it is denied. */
static bool walk_rules(struct vnl_walk *walk, enum vnl_verify_stage stage, uint32_t nic, uint32_t which)
{
    bool inbound = stage == VNL_VERIFY_INBOUND_NIC || stage == VNL_VERIFY_INBOUND_SUBNET;
    const struct vnl_plan_rules *rules = which == VNL_PLAN_NO_RULES ? NULL : &walk->plan->rules[which];
    const struct vnl_plan_rule *rule = rules ? rule_find(rules, inbound, &walk->flow) : NULL;
    enum vnl_drop denied = inbound ? VNL_DROP_NSG_INBOUND : VNL_DROP_NSG_OUTBOUND;
    bool passes = !rule || rule->allow;
    struct vnl_verify_step *step = vnl_walk_step(walk, stage, nic, passes ? VNL_DROP_NONE : denied);

    step->rules = rules;
    step->rule = rule;
    vnl_say_rules(walk, step);
    return passes;
}

/* An asymmetric reply comes by NICs that have not seen the flow begin. Those with a security group ask their rules then, and the middle
 * of a TCP connection begins none. */
void vnl_walk_rules(struct vnl_walk *walk, bool inbound, uint32_t nic)
{
    struct vnl_place place = vnl_walk_place(walk, nic);
    enum vnl_verify_stage near = inbound ? VNL_VERIFY_INBOUND_NIC : VNL_VERIFY_OUTBOUND_NIC;
    enum vnl_verify_stage far = inbound ? VNL_VERIFY_INBOUND_SUBNET : VNL_VERIFY_OUTBOUND_SUBNET;
    bool passes;

    if (is_known(walk, inbound, nic) || (walk->back && !vnl_place_has_nsg(&place)))
        return;
    passes = walk_rules(walk, inbound ? far : near, nic, inbound ? place.rules_subnet : place.rules_nic);
    passes &= walk_rules(walk, inbound ? near : far, nic, inbound ? place.rules_nic : place.rules_subnet);
    if (passes && walk->back && walk->flow.proto == IPPROTO_TCP)
        vnl_say_unseen(walk, vnl_walk_step(walk, inbound ? near : far, nic, VNL_DROP_FLOW_STATE));
}
