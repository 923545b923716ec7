/* The security rules' part of an image: a classifier per NSG, VNet and direction that some NIC uses, and a policy per combination of
 * subnet's and NIC's rules. NICs share both, so a thousand NICs of one subnet cost what one costs, and cache lines stay warm. */
#include "image_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/classifier.h"
#include "vnetlab/digest.h"
#include "vnetlab/err.h"
#include "vnetlab/layout.h"
#include "vnetlab/plan.h"

/* Pool offsets of both directions of one vnl_plan_rules; 0 = not put yet. */
struct directions {
    uint32_t in, out;
};

/* What is in the pool for one combination. */
struct combination {
    uint32_t subnet, nic; /* indices (plan->rules) */
    uint32_t policy;      /* pool offset, 0 = free element */
};

struct policies {
    struct vnl_image_pool *pool;
    const struct vnl_plan *plan;
    struct directions *rules;         /* by plan->rules */
    struct combination *combinations; /* hash, open addressing, at most half full */
    size_t slots;                     /* power of two */
};

static int put_direction(struct policies *policies, const struct vnl_plan_rules *rules, bool inbound,
                         uint32_t *ret, struct vnl_err **err)
{
    struct vnl_image_pool *pool = policies->pool;
    void *image = NULL;
    size_t size;
    int r = vnl_classifier_build(rules, inbound, (uint32_t)pool->used, &image, &size, err);

    if (r < 0)
        return r;
    r = vnl_image_take(pool, size, ret);
    if (r == 0)
        memcpy(pool->bytes + *ret, image, size);
    else
        r = vnl_fail(err, -r,
                     "network security group '%s' needs %zu bytes, %zu are taken; the tables hold %u",
                     rules->nsg_name, size, pool->used, VNL_IMAGE_POOL_MAX);
    free(image);
    return r;
}

static int put_rules(struct policies *policies, uint32_t index, struct directions *ret, struct vnl_err **err)
{
    struct directions *put;
    int r = 0;

    *ret = (struct directions){ 0 };
    if (index == VNL_PLAN_NO_RULES)
        return 0;
    put = &policies->rules[index];
    if (!put->in)
        r = put_direction(policies, &policies->plan->rules[index], true, &put->in, err);
    if (r == 0 && !put->out)
        r = put_direction(policies, &policies->plan->rules[index], false, &put->out, err);
    *ret = *put;
    return r;
}

static int put_policy(struct policies *policies, uint32_t subnet, uint32_t nic, uint32_t *ret,
                      struct vnl_err **err)
{
    struct directions of_subnet, of_nic;
    struct vnl_nic_policy policy;
    int r = put_rules(policies, subnet, &of_subnet, err);

    if (r == 0)
        r = put_rules(policies, nic, &of_nic, err);
    if (r < 0)
        return r;
    policy = (struct vnl_nic_policy){
        .out_nic = of_nic.out,
        .out_subnet = of_subnet.out,
        .in_subnet = of_subnet.in,
        .in_nic = of_nic.in,
    };
    r = vnl_image_take(policies->pool, sizeof(policy), ret);
    if (r < 0)
        return vnl_fail(err, -r, "policies of lab '%s': %zu bytes are taken; the tables hold %u",
                        policies->plan->lab, policies->pool->used, VNL_IMAGE_POOL_MAX);
    memcpy(policies->pool->bytes + *ret, &policy, sizeof(policy));
    return 0;
}

/* The combination's element: its own, or the free one where it belongs. */
static struct combination *combination_at(const struct policies *policies, uint32_t subnet, uint32_t nic)
{
    uint64_t h = ((uint64_t)subnet << 32 | nic) * 0x9e3779b97f4a7c15u;

    for (size_t at = h >> 32;; at++) {
        struct combination *it = &policies->combinations[at & (policies->slots - 1)];

        if (!it->policy || (it->subnet == subnet && it->nic == nic))
            return it;
    }
}

static int policy_of(struct policies *policies, const struct vnl_plan_nic *nic, uint32_t *ret,
                     struct vnl_err **err)
{
    struct combination *it;
    int r = 0;

    *ret = 0;
    if (nic->rules_subnet == VNL_PLAN_NO_RULES && nic->rules_nic == VNL_PLAN_NO_RULES)
        return 0;
    it = combination_at(policies, nic->rules_subnet, nic->rules_nic);
    if (!it->policy) {
        it->subnet = nic->rules_subnet;
        it->nic = nic->rules_nic;
        r = put_policy(policies, it->subnet, it->nic, &it->policy, err);
    }
    *ret = it->policy;
    return r;
}

int vnl_image_put_policies(struct vnl_image_pool *pool, const struct vnl_plan *plan, uint32_t *offsets,
                           struct vnl_err **err)
{
    struct policies policies = { .pool = pool, .plan = plan, .slots = 16 };
    int r = 0;

    while (policies.slots < 2 * plan->n_nics)
        policies.slots *= 2;
    policies.rules = calloc(plan->n_rules + 1, sizeof(*policies.rules));
    policies.combinations = calloc(policies.slots, sizeof(*policies.combinations));
    if (!policies.rules || !policies.combinations)
        r = vnl_fail(err, ENOMEM, "policies of lab '%s'", plan->lab);
    for (size_t i = 0; i < plan->n_nics && r == 0; i++)
        if (vnl_image_has_nic(plan, i))
            r = policy_of(&policies, &plan->nics[i], &offsets[i], err);
    free(policies.rules);
    free(policies.combinations);
    return r;
}

/* --- hit counters ----------------------------------------------------------------------------------------- */

/* Never 0: that is a free counter. */
static uint64_t rule_id(const struct vnl_plan_rules *rules, const struct vnl_plan_rule *rule)
{
    static const uint8_t key[VNL_DIGEST_SIZE] = "vnetlab rule";
    uint8_t digest[VNL_DIGEST_SIZE];
    uint64_t id;

    vnl_digest(key, rules->nsg, strlen(rules->nsg), digest);
    vnl_digest(digest, rule->is_default ? "default" : "user", rule->is_default ? 7 : 4, digest);
    vnl_digest(digest, rule->name, strlen(rule->name), digest);
    memcpy(&id, digest, sizeof(id));
    return id ? id : 1;
}

void vnl_image_rule_ids(const struct vnl_plan *plan, uint64_t *ids)
{
    for (size_t i = 0; i < plan->n_rules; i++)
        for (size_t k = 0; k < plan->rules[i].n_inbound + plan->rules[i].n_outbound; k++)
            ids[plan->rules[i].rules[k].counter] = rule_id(&plan->rules[i], &plan->rules[i].rules[k]);
}
