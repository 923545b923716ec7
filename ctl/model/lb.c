/* Load balancers and their parts: made, found and freed. What they may look like is in lb_check.c. */
#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- freeing ----------------------------------------------------------------------------------------- */

static void frontend_free(struct vnl_lb_frontend **ptr)
{
    struct vnl_lb_frontend *frontend = TAKE_PTR(*ptr);

    if (!frontend)
        return;
    free(frontend->name);
    free(frontend->subnet_ref);
    free(frontend);
}

static void pool_free(struct vnl_lb_pool **ptr)
{
    struct vnl_lb_pool *pool = TAKE_PTR(*ptr);

    if (!pool)
        return;
    free(pool->name);
    vnl_names_done(&pool->member_refs);
    free(pool->member_srcs);
    free(pool->nics);
    free(pool);
}

static void probe_free(struct vnl_lb_probe **ptr)
{
    struct vnl_lb_probe *probe = TAKE_PTR(*ptr);

    if (!probe)
        return;
    free(probe->name);
    free(probe->path);
    free(probe);
}

static void rule_free(struct vnl_lb_rule **ptr)
{
    struct vnl_lb_rule *rule = TAKE_PTR(*ptr);

    if (!rule)
        return;
    free(rule->name);
    free(rule->frontend_ref);
    free(rule->pool_ref);
    free(rule->probe_ref);
    free(rule);
}

void vnl_lb_free(struct vnl_lb **ptr)
{
    struct vnl_lb *lb = TAKE_PTR(*ptr);

    if (!lb)
        return;
    for (size_t i = 0; i < lb->n_frontends; i++)
        frontend_free(&lb->frontends[i]);
    for (size_t i = 0; i < lb->n_pools; i++)
        pool_free(&lb->pools[i]);
    for (size_t i = 0; i < lb->n_probes; i++)
        probe_free(&lb->probes[i]);
    for (size_t i = 0; i < lb->n_rules; i++)
        rule_free(&lb->rules[i]);
    free(lb->frontends);
    free(lb->pools);
    free(lb->probes);
    free(lb->rules);
    free(lb->id);
    free(lb->name);
    vnl_scope_done(&lb->scope);
    free(lb);
}

/* --- adding ------------------------------------------------------------------------------------------ */

struct vnl_lb *vnl_lb_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                          const struct vnl_src *src, struct vnl_err **err)
{
    CLEANUP(vnl_lb_free) struct vnl_lb *lb = calloc(1, sizeof(*lb));
    struct vnl_lb **lbs = vnl_list_grow(lab->lbs, lab->n_lbs, sizeof(*lbs));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->lbs = lbs ? lbs : lab->lbs;
    if (!lb || !lbs || vnl_scope_fill(&lb->scope, scope, &lab->defaults, lab->defaults.location) < 0 ||
        !(lb->name = strdup(name)) || !(lb->id = vnl_id_format(&lb->scope, VNL_BALANCER_TYPE, name, NULL)))
        return vnl_add_failed(err, VNL_TYPE_BALANCER, name);
    lb->src = src ? *src : lb->src;
    lb->number = (uint32_t)lab->n_lbs;
    vnl_name_check(&check, VNL_TYPE_BALANCER, name, src, lb->id);
    if (scope)
        vnl_scope_check(&check, scope, src, lb->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_BALANCER, lb->id, src, lb->id, name) &&
        (vnl_index_put(&lab->index, VNL_TYPE_BALANCER, lb->id, lb) < 0 ||
         vnl_index_put(&lab->index, VNL_TYPE_BALANCER, lb->name, lb) < 0))
        return vnl_add_failed(err, VNL_TYPE_BALANCER, name);
    return lab->lbs[lab->n_lbs++] = TAKE_PTR(lb);
}

/* A part has no type of its own; the form of its name is that of all children. `taken`: a sibling is called so. */
static void check_part(struct vnl_err **err, const struct vnl_lb *lb, const char *what, const char *name,
                       bool taken, const struct vnl_src *src)
{
    struct vnl_check check = { .err = err };

    if (!vnl_name_ok(VNL_TYPE_SUBNET, name))
        vnl_mistake(&check, "InvalidResourceName", src, lb->id, vnl_name_hint(VNL_TYPE_SUBNET),
                    "Resource name '%s' is invalid for a %s", name, what);
    if (taken)
        vnl_mistake(&check, "InvalidTemplate", src, lb->id, "names are compared without case",
                    "The %s '%s' of load balancer '%s' is defined multiple times", what, name, lb->name);
}

#define LOOKUP(noun)                                                                                         \
    struct vnl_lb_##noun *vnl_lb_##noun##_lookup(const struct vnl_lb *lb, const char *name)                  \
    {                                                                                                        \
        for (size_t i = 0; i < lb->n_##noun##s; i++) {                                                       \
            if (strcasecmp(lb->noun##s[i]->name, name) == 0)                                                 \
                return lb->noun##s[i];                                                                       \
        }                                                                                                    \
        return NULL;                                                                                         \
    }

LOOKUP(frontend)
LOOKUP(pool)
LOOKUP(probe)
LOOKUP(rule)

/* The pointer's free form, its list in the balancer, and its word in messages are all that the four differ in. */
#define ADD(noun, what)                                                                                      \
    struct vnl_lb_##noun *vnl_lb_##noun##_add(struct vnl_lb *lb, const char *name,                           \
                                              const struct vnl_src *src, struct vnl_err **err)               \
    {                                                                                                        \
        CLEANUP(noun##_free) struct vnl_lb_##noun *new = calloc(1, sizeof(*new));                            \
        struct vnl_lb_##noun **list = vnl_list_grow(lb->noun##s, lb->n_##noun##s, sizeof(*list));            \
                                                                                                             \
        lb->noun##s = list ? list : lb->noun##s;                                                             \
        if (!new || !list || !(new->name = strdup(name)))                                                    \
            return vnl_add_failed(err, VNL_TYPE_BALANCER, lb->name);                                         \
        new->src = src ? *src : new->src;                                                                    \
        check_part(err, lb, what, name, vnl_lb_##noun##_lookup(lb, name), src);                              \
        noun##_init(new);                                                                                    \
        return lb->noun##s[lb->n_##noun##s++] = TAKE_PTR(new);                                               \
    }

static void frontend_init(struct vnl_lb_frontend *frontend)
{
    frontend->subnet_src = frontend->addr_src = frontend->src;
}

static void pool_init(struct vnl_lb_pool *pool)
{
    (void)pool;
}

/* ARM's defaults. */
static void probe_init(struct vnl_lb_probe *probe)
{
    probe->interval_s = 15;
    probe->threshold = 1;
}

static void rule_init(struct vnl_lb_rule *rule)
{
    rule->frontend_src = rule->pool_src = rule->probe_src = rule->src;
    rule->proto = VNL_LB_TCP;
    rule->slot = VNL_SLOT_NONE;
}

ADD(frontend, "frontend IP configuration")
ADD(pool, "backend address pool")
ADD(probe, "probe")
ADD(rule, "load balancing rule")

/* --- finding ----------------------------------------------------------------------------------------- */

struct vnl_lb *vnl_lb_lookup(const struct vnl_lab *lab, const char *name_or_id)
{
    return vnl_index_unique(lab->index, VNL_TYPE_BALANCER, name_or_id);
}
