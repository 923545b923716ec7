/* Load balancers' part of an image: per frontend its rules, per rule its backends, in the plan's order: the hash counts in it. The instances
 * of an active-active gateway are behind one, too, whose frontend is 0.0.0.0: routes lead there, no address does. */
#include "image_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/digest.h"
#include "vnetlab/err.h"
#include "vnetlab/image.h"
#include "vnetlab/plan.h"

/* A probe's word about backend i is about the i-th of just these. */
uint64_t vnl_health_id(const struct vnl_plan_lb_rule *rule)
{
    static const uint8_t key[VNL_DIGEST_SIZE] = "vnetlab health";
    uint8_t digest[VNL_DIGEST_SIZE];
    uint64_t id;

    vnl_digest(key, rule->id, strlen(rule->id), digest);
    for (size_t i = 0; i < rule->n_backends; i++)
        vnl_digest(digest, rule->backends[i].addr.bytes, sizeof(rule->backends[i].addr.bytes), digest);
    memcpy(&id, digest, sizeof(id));
    return id ? id : 1;
}

static int put_backends(struct vnl_image_pool *pool, const struct vnl_plan *plan,
                        const struct vnl_plan_lb_rule *rule, uint32_t *ret)
{
    struct vnl_backend backends[VNL_BACKENDS_MAX];

    for (size_t i = 0; i < rule->n_backends; i++) {
        backends[i].nic = plan->nics[rule->backends[i].nic].slot;
        memcpy(&backends[i].addr, rule->backends[i].addr.bytes, sizeof(backends[i].addr));
    }
    return vnl_image_put(pool, backends, rule->n_backends * sizeof(*backends), ret);
}

static int check_rule(const struct vnl_plan_lb_rule *rule, struct vnl_err **err)
{
    if (rule->n_backends > VNL_BACKENDS_MAX)
        return vnl_fail(err, E2BIG, "load-balancing rule '%s' has %zu backends; the tables hold %u",
                        rule->name, rule->n_backends, VNL_BACKENDS_MAX);
    if (rule->health >= VNL_HEALTH_SLOTS)
        return vnl_fail(err, E2BIG, "load-balancing rule '%s' is number %u; the tables hold %u", rule->name,
                        rule->health + 1, VNL_HEALTH_SLOTS);
    return 0;
}

static int put_rule(struct vnl_image_pool *pool, const struct vnl_plan *plan,
                    const struct vnl_plan_lb_rule *from, struct vnl_balancer_rule *ret)
{
    *ret = (struct vnl_balancer_rule){
        .proto = from->proto,
        .distribution = from->distribution,
        .floating = from->floating,
        .frontend_port = from->proto ? from->frontend_port : 0,
        .backend_port = from->proto ? from->backend_port : 0,
        .health = from->health,
        .n_backends = (uint32_t)from->n_backends,
        .timeout_s = from->timeout_s,
        .health_id = vnl_health_id(from),
    };
    return put_backends(pool, plan, from, &ret->backends);
}

static int put_rules(struct vnl_image_pool *pool, const struct vnl_plan *plan,
                     const struct vnl_plan_balancer *balancer, uint32_t *ret, struct vnl_err **err)
{
    struct vnl_balancer_rule *rules = calloc(balancer->n_rules + 1, sizeof(*rules));
    int r = rules ? 0 : -ENOMEM;

    for (size_t i = 0; i < balancer->n_rules && r == 0; i++) {
        if ((r = check_rule(&balancer->rules[i], err)) < 0) {
            free(rules);
            return r;
        }
        r = put_rule(pool, plan, &balancer->rules[i], &rules[i]);
    }
    if (r == 0)
        r = vnl_image_put(pool, rules, balancer->n_rules * sizeof(*rules), ret);
    free(rules);
    return r < 0 ? vnl_image_full(pool, r, "load balancer", balancer->name, err) : 0;
}

static int put_balancer(struct vnl_image_pool *pool, const struct vnl_plan *plan,
                        const struct vnl_plan_balancer *from, uint32_t *ret, struct vnl_err **err)
{
    struct vnl_balancer balancer = {
        .vnet = plan->vnets[from->vnet].slot,
        .flags = from->basic ? VNL_BALANCER_BASIC : 0,
        .n_rules = (uint32_t)from->n_rules,
    };
    int r = put_rules(pool, plan, from, &balancer.rules, err);

    if (r < 0)
        return r;
    memcpy(&balancer.frontend, from->addr.bytes, sizeof(balancer.frontend));
    r = vnl_image_put(pool, &balancer, sizeof(balancer), ret);
    return r < 0 ? vnl_image_full(pool, r, "load balancer", from->name, err) : 0;
}

uint32_t vnl_image_instance(const struct vnl_plan_balancer *balancer)
{
    return balancer->n_rules && balancer->rules[0].n_backends ? balancer->rules[0].backends[0].nic
                                                              : VNL_PLAN_NOBODY;
}

int vnl_image_put_balancers(struct vnl_image_layout *layout, const struct vnl_plan *plan,
                            struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; i < plan->n_balancers && r == 0; i++)
        r = put_balancer(&layout->pool, plan, &plan->balancers[i], &layout->balancers[i], err);
    return r;
}
