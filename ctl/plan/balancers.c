/* Load balancers as the tables know them: one per frontend, with the rules that name it. */
#include "parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/layout.h"

#define IDLE_TIMEOUT_MIN 4

static const uint8_t proto_number[] = {
    [VNL_LB_ALL] = 0,
    [VNL_LB_TCP] = IPPROTO_TCP,
    [VNL_LB_UDP] = IPPROTO_UDP,
};
static_assert(ARRAY_SIZE(proto_number) == VNL_LB_PROTO_MAX, "a number for every protocol");

static const uint8_t distribution_number[] = {
    [VNL_LOAD_DEFAULT] = VNL_DISTRIBUTION_FIVE_TUPLE,
    [VNL_LOAD_SOURCE_IP] = VNL_DISTRIBUTION_SOURCE_IP,
    [VNL_LOAD_SOURCE_IP_PROTOCOL] = VNL_DISTRIBUTION_SOURCE_IP_PROTOCOL,
};
static_assert(ARRAY_SIZE(distribution_number) == VNL_LOAD_MAX, "a number for every distribution");

static int add_backends(struct vnl_plan_work *work, struct vnl_plan_lb_rule *out,
                        const struct vnl_lb_rule *rule)
{
    const struct vnl_lb_pool *pool = rule->pool;

    if (pool->n_nics > VNL_BACKENDS_MAX)
        return vnl_fail(work->err, E2BIG, "load balancer pool '%s' has %zu members; there may be %u",
                        pool->name, pool->n_nics, VNL_BACKENDS_MAX);
    out->backends = calloc(pool->n_nics + 1, sizeof(*out->backends));
    if (!out->backends)
        return -ENOMEM;
    for (; out->n_backends < pool->n_nics; out->n_backends++) {
        const struct vnl_nic *nic = pool->nics[out->n_backends];
        uint32_t index = vnl_nic_index(work, nic);

        out->backends[out->n_backends] =
            (struct vnl_plan_backend){ .nic = index, .addr = nic->configs[0].addr };
        work->plan->nics[index].has_sessions = true;
    }
    return 0;
}

static int add_probe(struct vnl_plan_lb_rule *out, const struct vnl_lb_probe *probe)
{
    out->probed = true;
    out->probe = (struct vnl_plan_lb_probe){
        .http = probe->kind == VNL_PROBE_KIND_HTTP,
        .port = probe->port,
        .interval_s = (uint32_t)probe->interval_s,
        .threshold = (uint32_t)probe->threshold,
    };
    return out->probe.http ? vnl_text_copy(&out->probe.path, probe->path ? probe->path : "/") : 0;
}

static int add_rule(struct vnl_plan_work *work, struct vnl_plan_balancer *balancer, const struct vnl_lb *lb,
                    const struct vnl_lb_rule *rule)
{
    struct vnl_plan_lb_rule *out = &balancer->rules[balancer->n_rules++];

    if (rule->slot >= VNL_HEALTH_SLOTS)
        return vnl_fail(work->err, E2BIG, "load balancing rule '%s/%s' has slot %u; there are %u", lb->name,
                        rule->name, rule->slot, VNL_HEALTH_SLOTS);
    out->proto = proto_number[rule->proto];
    out->frontend_port = rule->frontend_port;
    out->backend_port = rule->backend_port;
    out->distribution = distribution_number[rule->distribution];
    out->floating = rule->floating;
    out->timeout_s = (uint32_t)(rule->idle_timeout_min ? rule->idle_timeout_min : IDLE_TIMEOUT_MIN) * 60;
    out->health = rule->slot;
    work->health_used[rule->slot] = true;
    if (rule->slot >= work->plan->health_slots)
        work->plan->health_slots = rule->slot + 1;
    out->id = vnl_text("%s/loadBalancingRules/%s", lb->id, rule->name);
    if (!out->id || vnl_text_copy(&out->name, rule->name) < 0 ||
        (rule->probe && add_probe(out, rule->probe) < 0))
        return -ENOMEM;
    return add_backends(work, out, rule);
}

/* HA ports fit every packet, so they come last. */
static int add_rules(struct vnl_plan_work *work, struct vnl_plan_balancer *out, const struct vnl_lb *lb,
                     const struct vnl_lb_frontend *frontend)
{
    int r = 0;

    out->rules = calloc(lb->n_rules + 1, sizeof(*out->rules));
    if (!out->rules)
        return -ENOMEM;
    for (int last = 0; last < 2; last++)
        for (size_t i = 0; i < lb->n_rules && r == 0; i++)
            if (lb->rules[i]->frontend == frontend && (lb->rules[i]->proto == VNL_LB_ALL) == last)
                r = add_rule(work, out, lb, lb->rules[i]);
    return r;
}

static int add_frontend(struct vnl_plan_work *work, const struct vnl_lb *lb,
                        const struct vnl_lb_frontend *frontend)
{
    struct vnl_plan_balancer *out = &work->plan->balancers[work->plan->n_balancers++];

    out->basic = lb->sku == VNL_SKU_BASIC;
    out->vnet = frontend->subnet->vnet->number;
    out->addr = frontend->addr;
    out->id = vnl_text("%s/frontendIPConfigurations/%s", lb->id, frontend->name);
    out->name = vnl_text("%s/%s", lb->name, frontend->name);
    if (!out->id || !out->name)
        return -ENOMEM;
    return add_rules(work, out, lb, frontend);
}

int vnl_balancers_build(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    size_t n = vnl_gateway_balancers_count(lab);
    int r = 0;

    for (size_t i = 0; i < lab->n_lbs; i++)
        n += lab->lbs[i]->n_frontends;
    work->plan->balancers = calloc(n + 1, sizeof(*work->plan->balancers));
    if (!work->plan->balancers)
        return -ENOMEM;
    for (size_t i = 0; i < lab->n_lbs && r == 0; i++)
        for (size_t k = 0; k < lab->lbs[i]->n_frontends && r == 0; k++)
            r = add_frontend(work, lab->lbs[i], lab->lbs[i]->frontends[k]);
    return r < 0 ? r : vnl_gateway_balancers_build(work);
}

size_t vnl_balancers_count_frontends(const struct vnl_plan *plan)
{
    size_t n = plan->n_balancers;

    while (n > 0 && plan->balancers[n - 1].connection)
        n--;
    return n;
}

static void rule_done(struct vnl_plan_lb_rule *rule)
{
    free(rule->id);
    free(rule->name);
    free(rule->backends);
    free(rule->probe.path);
}

void vnl_balancers_done(struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_balancers; i++) {
        struct vnl_plan_balancer *balancer = &plan->balancers[i];

        for (size_t k = 0; k < balancer->n_rules; k++)
            rule_done(&balancer->rules[k]);
        free(balancer->rules);
        free(balancer->id);
        free(balancer->name);
    }
    free(plan->balancers);
}
