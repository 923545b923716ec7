/* An active-active gateway carries each of its connections with two instances at once, and what sends to it has to choose one: by the
 * packet's flow, as a load balancer's HA ports do, among those that the agent knows to be of use (plan.h). There is one balancer per
 * connection, since a connection may be up at one instance alone; and one of the gateway itself, for users' routes to it. */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"

#define TIMEOUT_S 240

size_t vnl_gateway_balancers_count(const struct vnl_lab *lab)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_gateways; i++)
        n += lab->gateways[i]->n_instances > 1;
    for (size_t i = 0; i < lab->n_connections; i++)
        n += lab->connections[i]->gateway1->n_instances > 1;
    return n;
}

/* Elements are found by the id, so that those who come and go move nobody else; load balancers' rules have theirs before. */
static int take_health(struct vnl_plan_work *work, const struct vnl_plan_balancer *balancer, uint32_t *ret)
{
    uint32_t first = (uint32_t)(vnl_text_hash(balancer->id) % VNL_HEALTH_SLOTS);

    for (uint32_t i = 0; i < VNL_HEALTH_SLOTS; i++) {
        uint32_t at = (first + i) % VNL_HEALTH_SLOTS;

        if (work->health_used[at])
            continue;
        work->health_used[at] = true;
        if (at >= work->plan->health_slots)
            work->plan->health_slots = at + 1;
        *ret = at;
        return 0;
    }
    return vnl_fail(work->err, E2BIG,
                    "load balancing rules, active-active gateways and their connections are more than %u: "
                    "no room for '%s'",
                    VNL_HEALTH_SLOTS, balancer->name);
}

static int add_backends(const struct vnl_plan_work *work, struct vnl_plan_lb_rule *rule,
                        const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_plan *plan = work->plan;

    rule->backends = calloc(gateway->n_instances, sizeof(*rule->backends));
    if (!rule->backends)
        return -ENOMEM;
    for (; rule->n_backends < gateway->n_instances; rule->n_backends++) {
        uint32_t nic = plan->gateways[vnl_gateway_index(work, gateway, rule->n_backends)].nic_in;

        rule->backends[rule->n_backends] =
            (struct vnl_plan_backend){ .nic = nic, .addr = plan->nics[nic].addrs[0].addr };
    }
    return 0;
}

static int add(struct vnl_plan_work *work, const char *id, const char *name,
               const struct vnl_vpn_gateway *gateway)
{
    struct vnl_plan_balancer *out = &work->plan->balancers[work->plan->n_balancers++];
    struct vnl_plan_lb_rule *rule;
    int r;

    out->connection = true;
    out->vnet = gateway->vnet->number;
    out->rules = calloc(1, sizeof(*out->rules));
    if (!out->rules || vnl_text_copy(&out->id, id) < 0 || vnl_text_copy(&out->name, name) < 0)
        return -ENOMEM;
    rule = &out->rules[out->n_rules++];
    rule->floating = true;
    rule->distribution = VNL_DISTRIBUTION_FIVE_TUPLE;
    rule->timeout_s = TIMEOUT_S;
    if (vnl_text_copy(&rule->id, id) < 0 || vnl_text_copy(&rule->name, name) < 0)
        return -ENOMEM;
    r = take_health(work, out, &rule->health);
    return r < 0 ? r : add_backends(work, rule, gateway);
}

static void set_balancer(struct vnl_plan *plan, const char *connection)
{
    for (size_t i = 0; i < plan->n_tunnels; i++) {
        struct vnl_plan_tunnel *tunnel = &plan->tunnels[i];

        if (tunnel->kind == VNL_TUNNEL_CONNECTION && !plan->gateways[tunnel->gateway].site &&
            strcmp(tunnel->connection, connection) == 0)
            tunnel->balancer = (uint32_t)plan->n_balancers - 1;
    }
}

int vnl_gateway_balancers_build(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    int r = 0;

    for (size_t i = 0; i < lab->n_connections && r == 0; i++) {
        const struct vnl_connection *connection = lab->connections[i];

        if (connection->gateway1->n_instances < 2)
            continue;
        r = add(work, connection->id, connection->name, connection->gateway1);
        set_balancer(work->plan, connection->id);
    }
    for (size_t i = 0; i < lab->n_gateways && r == 0; i++)
        if (lab->gateways[i]->n_instances > 1)
            r = add(work, lab->gateways[i]->id, lab->gateways[i]->name, lab->gateways[i]);
    return r;
}
