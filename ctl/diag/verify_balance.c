/* Internal load balancers: as a service (the frontend is the destination), and as a route's next hop. */
#include <string.h>

#include "walk.h"

const struct vnl_plan_balancer *vnl_balancer_at(const struct vnl_plan *plan, uint32_t vnet,
                                                const struct vnl_addr *addr)
{
    for (size_t i = 0; i < plan->n_balancers; i++)
        if (plan->balancers[i].vnet == vnet && vnl_addr_eq(&plan->balancers[i].addr, addr))
            return &plan->balancers[i];
    return NULL;
}

static const struct vnl_plan_lb_rule *rule_for(const struct vnl_plan_balancer *balancer,
                                               const struct vnl_flow_query *flow)
{
    for (size_t i = 0; i < balancer->n_rules; i++)
        if (balancer->rules[i].proto == flow->proto && balancer->rules[i].frontend_port == flow->dst_port)
            return &balancer->rules[i];
    return NULL;
}

static const struct vnl_plan_lb_rule *ha_rule(const struct vnl_plan_balancer *balancer)
{
    for (size_t i = 0; i < balancer->n_rules; i++)
        if (!balancer->rules[i].proto)
            return &balancer->rules[i];
    return NULL;
}

/* The program's own hash, so that both choose the same; health is not in the plan: all are taken as alive. */
static const struct vnl_plan_backend *choose(const struct vnl_plan_lb_rule *rule,
                                             const struct vnl_flow_query *flow)
{
    __be32 src, dst;

    if (!rule->n_backends)
        return NULL;
    if (flow->src.family != AF_INET) /* not balanced: only to gateways, which carry none */
        return &rule->backends[0];
    memcpy(&src, flow->src.bytes, sizeof(src));
    memcpy(&dst, flow->dst.bytes, sizeof(dst));
    return &rule->backends[vnl_balancer_hash(src, dst, flow->src_port, flow->dst_port, flow->proto,
                                             rule->distribution) %
                           rule->n_backends];
}

static void refuse(struct vnl_walk *walk, const struct vnl_plan_balancer *balancer, enum vnl_drop reason)
{
    struct vnl_verify_step *step = vnl_walk_step(walk, VNL_VERIFY_TRANSLATE, walk->flow.nic, reason);

    if (balancer->connection) {
        vnl_say(walk, &step->text, "instances of the gateway for %s: %s", balancer->name,
                vnl_drop_text(reason));
        return;
    }
    vnl_say(walk, &step->text, "load balancer %s: %s", balancer->name, vnl_drop_text(reason));
    if (reason == VNL_DROP_BALANCER_GLOBAL)
        vnl_say(walk, &step->fix, "make load balancer %.*s Standard: sku: Standard",
                (int)strcspn(balancer->name, "/"), balancer->name);
    else if (reason == VNL_DROP_BALANCER_PORT && vnl_proto_has_ports(walk->flow.proto))
        vnl_say(walk, &step->fix, "add a rule for port %u to load balancer %.*s", walk->flow.dst_port,
                (int)strcspn(balancer->name, "/"), balancer->name);
    else if (reason == VNL_DROP_BALANCER_DOWN)
        vnl_say(walk, &step->fix, "put a VM into the backend pool of load balancer %.*s",
                (int)strcspn(balancer->name, "/"), balancer->name);
}

static bool is_global(const struct vnl_walk *walk, const struct vnl_route *route)
{
    const struct vnl_plan_vnet *from = &walk->plan->vnets[vnl_walk_place(walk, walk->flow.nic).vnet];
    const struct vnl_plan_vnet *to = &walk->plan->vnets[route->vnet];

    if (route->type != VNL_NEXT_HOP_APPLIANCE)
        return route->type == VNL_NEXT_HOP_GLOBAL_PEERING;
    return from->location && to->location && strcmp(from->location, to->location) != 0;
}

/* One instance of a gateway would send it to the other one, or to itself. */
static bool is_gateway(const struct vnl_walk *walk, uint32_t nic)
{
    return nic != VNL_VERIFY_NOBODY && walk->plan->nics[nic].gateway;
}

/* NULL: refused. */
static const struct vnl_plan_backend *balance(struct vnl_walk *walk, const struct vnl_route *route,
                                              const struct vnl_plan_balancer *balancer,
                                              const struct vnl_plan_lb_rule *rule)
{
    const struct vnl_plan_backend *backend = rule ? choose(rule, &walk->flow) : NULL;
    enum vnl_drop reason = VNL_DROP_NONE;

    if (balancer->basic && is_global(walk, route))
        reason = VNL_DROP_BALANCER_GLOBAL;
    else if (balancer->connection && backend && is_gateway(walk, walk->flow.nic))
        reason = VNL_DROP_ROUTING_LOOP;
    else if (!rule)
        reason = VNL_DROP_BALANCER_PORT;
    else if (!backend)
        reason = VNL_DROP_BALANCER_DOWN;
    else if (backend->nic == walk->flow.nic)
        reason = VNL_DROP_BALANCER_HAIRPIN;
    if (reason == VNL_DROP_NONE)
        return backend;
    refuse(walk, balancer, reason);
    return NULL;
}

static void say_chosen(struct vnl_walk *walk, const struct vnl_plan_balancer *balancer,
                       const struct vnl_plan_lb_rule *rule, const struct vnl_plan_backend *backend)
{
    struct vnl_verify_step *step = vnl_walk_step(walk, VNL_VERIFY_TRANSLATE, walk->flow.nic, VNL_DROP_NONE);
    char addr[VNL_ADDR_STR];

    if (balancer->connection) {
        vnl_say(walk, &step->text, "instances of the gateway for %s: to %s%s", balancer->name,
                vnl_say_vm(walk, backend->nic), rule->n_backends > 1 ? ", chosen by hash" : "");
        return;
    }
    vnl_say(walk, &step->text, "load balancer %s, rule %s: to %s of %s%s", balancer->name, rule->name,
            vnl_addr_format(&backend->addr, addr), vnl_say_vm(walk, backend->nic),
            rule->n_backends > 1 ? ", chosen by hash" : "");
}

uint32_t vnl_walk_frontend(struct vnl_walk *walk, const struct vnl_route *route,
                           const struct vnl_plan_balancer *balancer)
{
    struct vnl_flow_query *flow = &walk->flow;
    const struct vnl_plan_lb_rule *rule = NULL;
    const struct vnl_plan_backend *backend;
    struct vnl_walk_session session;

    if (vnl_proto_has_ports(flow->proto) && !(rule = rule_for(balancer, flow)))
        rule = ha_rule(balancer);
    backend = balance(walk, route, balancer, rule);
    if (!backend)
        return VNL_WALK_NOWHERE;
    say_chosen(walk, balancer, rule, backend);
    walk->floating = rule->floating;
    if (rule->floating)
        return backend->nic;
    session =
        (struct vnl_walk_session){ .balancer = true,
                                   .nic = backend->nic,
                                   .inner = backend->addr,
                                   .inner_port = rule->backend_port ? rule->backend_port : flow->dst_port,
                                   .outer = flow->dst,
                                   .outer_port = flow->dst_port,
                                   .remote = flow->src,
                                   .remote_port = flow->src_port };
    vnl_walk_remember(walk, &session);
    flow->dst = session.inner;
    flow->dst_port = session.inner_port;
    return backend->nic;
}

/* Nothing is translated: the backend is an appliance. */
uint32_t vnl_walk_balanced_hop(struct vnl_walk *walk, const struct vnl_route *route,
                               const struct vnl_plan_balancer *balancer)
{
    const struct vnl_plan_lb_rule *rule = ha_rule(balancer);
    const struct vnl_plan_backend *backend;

    if (!rule && vnl_proto_has_ports(walk->flow.proto))
        rule = rule_for(balancer, &walk->flow);
    backend = balance(walk, route, balancer, rule);
    if (!backend)
        return VNL_WALK_NOWHERE;
    say_chosen(walk, balancer, rule, backend);
    return backend->nic;
}

void vnl_walk_unbalance(struct vnl_walk *walk)
{
    const struct vnl_walk_session *session = vnl_walk_session_find(walk, true);
    struct vnl_flow_query *flow = &walk->flow;
    char from[VNL_ADDR_STR], to[VNL_ADDR_STR];

    if (!session)
        return;
    vnl_say(walk, &vnl_walk_step(walk, VNL_VERIFY_TRANSLATE, flow->nic, VNL_DROP_NONE)->text,
            "%s becomes %s again (load balancer)", vnl_addr_format(&flow->src, from),
            vnl_addr_format(&session->outer, to));
    flow->src = session->outer;
    flow->src_port = session->outer_port;
}
