/* Internal load balancers whose pools have one member each: spec 4.3, and what a frontend lets in. */
#include "naive_lab_parts.h"

#include <netinet/in.h>

#include "vnetlab/base.h"

bool naive_frontend_at(const struct vnl_lab *lab, const struct vnl_vnet *vnet, const struct vnl_addr *addr,
                       struct naive_frontend *ret)
{
    for (size_t i = 0; i < lab->n_lbs; i++) {
        for (size_t k = 0; k < lab->lbs[i]->n_frontends; k++) {
            const struct vnl_lb_frontend *frontend = lab->lbs[i]->frontends[k];

            if (frontend->subnet->vnet != vnet || !vnl_addr_eq(&frontend->addr, addr))
                continue;
            *ret = (struct naive_frontend){ lab->lbs[i], frontend };
            return true;
        }
    }
    return false;
}

static bool has_ports(uint8_t proto)
{
    return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

static bool fits(const struct vnl_lb_rule *rule, const struct naive_flow *flow)
{
    return has_ports(flow->proto) && rule->frontend_port == flow->dport &&
           rule->proto == (flow->proto == IPPROTO_TCP ? VNL_LB_TCP : VNL_LB_UDP);
}

static const struct vnl_lb_rule *find(const struct naive_frontend *at, const struct naive_flow *flow, bool ha)
{
    for (size_t i = 0; i < at->lb->n_rules; i++) {
        const struct vnl_lb_rule *rule = at->lb->rules[i];

        if (rule->frontend == at->frontend && (ha ? rule->proto == VNL_LB_ALL : fits(rule, flow)))
            return rule;
    }
    return NULL;
}

static enum vnl_drop choose(const struct vnl_lb_rule *rule, const struct naive_flow *flow,
                            const struct vnl_nic **ret)
{
    if (!rule)
        return VNL_DROP_BALANCER_PORT;
    if (rule->pool->n_nics == 0)
        return VNL_DROP_BALANCER_DOWN;
    *ret = rule->pool->nics[0];
    return *ret == flow->nic ? VNL_DROP_BALANCER_HAIRPIN : VNL_DROP_NONE;
}

enum vnl_drop naive_balance_hop(const struct naive_frontend *at, const struct naive_flow *flow,
                                const struct vnl_nic **ret)
{
    const struct vnl_lb_rule *ha = find(at, flow, true);

    return choose(ha ? ha : find(at, flow, false), flow, ret);
}

/* Frontends answer no ping, and HA ports are ports. */
enum vnl_drop naive_balance_service(const struct naive_frontend *at, struct naive_flow *flow,
                                    const struct vnl_nic **ret)
{
    const struct vnl_lb_rule *rule = find(at, flow, false);
    enum vnl_drop drop;

    if (!rule && has_ports(flow->proto))
        rule = find(at, flow, true);
    drop = choose(rule, flow, ret);
    if (drop != VNL_DROP_NONE)
        return drop;
    flow->dst = *naive_source_of(*ret, AF_INET);
    if (rule->backend_port)
        flow->dport = rule->backend_port;
    return VNL_DROP_NONE;
}
