/* Load balancing rules: their references, and what they may be beside each other.
 *
 * Where a refusal of Azure is known and its code is not, the code is BadRequest, as in peering_check.c. */
#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- references to siblings -------------------------------------------------------------------------- */

struct sibling {
    const char *what; /* "frontend IP configuration" */
    const char *key;  /* in the lab file */
    const char *ref;  /* as written, or NULL: the only one */
    const struct vnl_src *src;
    const char *(*name_at)(const struct vnl_lb *lb, size_t i);
    size_t n;
    bool optional;
};

static const char *frontend_name(const struct vnl_lb *lb, size_t i)
{
    return lb->frontends[i]->name;
}

static const char *pool_name(const struct vnl_lb *lb, size_t i)
{
    return lb->pools[i]->name;
}

static const char *probe_name(const struct vnl_lb *lb, size_t i)
{
    return lb->probes[i]->name;
}

static void mistake_sibling(struct vnl_check *check, const struct vnl_lb *lb, const struct vnl_lb_rule *rule,
                            const struct sibling *sibling)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };
    CLEANUP(vnl_str_free) char *hint = NULL;
    CLEANUP(vnl_str_free) char *list = NULL;

    for (size_t i = 0; i < sibling->n; i++)
        (void)vnl_names_add(&names, sibling->name_at(lb, i));
    list = vnl_names_join(&names, 5);
    if (sibling->ref)
        hint = vnl_did_you_mean(sibling->ref, &names);
    else if (asprintf(&hint,
                      sibling->n ? "write '%s: NAME', one of %s"
                                 : "write '%s: {NAME: ...}' of the load balancer",
                      sibling->n ? sibling->key : sibling->what, list ? list : "") < 0)
        hint = NULL;
    if (sibling->ref)
        vnl_mistake(check, "InvalidResourceReference", sibling->src, lb->id, hint,
                    "The %s '%s' referenced by load balancing rule '%s/%s' was not found", sibling->what,
                    sibling->ref, lb->name, rule->name);
    else
        vnl_mistake(check, "InvalidRequestFormat", &rule->src, lb->id, sibling->n ? hint : NULL,
                    "Load balancing rule '%s/%s' names no %s, and the load balancer has %zu", lb->name,
                    rule->name, sibling->what, sibling->n);
}

/* The index among the siblings, or n when there is none. */
static size_t find_sibling(struct vnl_check *check, const struct vnl_lb *lb, const struct vnl_lb_rule *rule,
                           const struct sibling *sibling)
{
    if (!sibling->ref && sibling->n == 1)
        return 0;
    for (size_t i = 0; sibling->ref && i < sibling->n; i++) {
        if (vnl_id_eq(sibling->name_at(lb, i), sibling->ref))
            return i;
    }
    if (sibling->ref || !sibling->optional)
        mistake_sibling(check, lb, rule, sibling);
    return sibling->n;
}

/* A probe that is not named is the only one; with several, the rule has none. */
static void resolve_refs(struct vnl_check *check, const struct vnl_lb *lb, struct vnl_lb_rule *rule)
{
    const struct sibling frontend = { .what = "frontend IP configuration",
                                      .key = "frontendIPConfiguration",
                                      .ref = rule->frontend_ref,
                                      .src = &rule->frontend_src,
                                      .name_at = frontend_name,
                                      .n = lb->n_frontends };
    const struct sibling pool = { .what = "backend address pool",
                                  .key = "backendAddressPool",
                                  .ref = rule->pool_ref,
                                  .src = &rule->pool_src,
                                  .name_at = pool_name,
                                  .n = lb->n_pools };
    const struct sibling probe = { .what = "probe",
                                   .key = "probe",
                                   .ref = rule->probe_ref,
                                   .src = &rule->probe_src,
                                   .name_at = probe_name,
                                   .n = lb->n_probes,
                                   .optional = true };
    size_t at;

    at = lb->n_frontends || rule->frontend_ref ? find_sibling(check, lb, rule, &frontend) : 0;
    rule->frontend = at < lb->n_frontends ? lb->frontends[at] : NULL;
    at = find_sibling(check, lb, rule, &pool);
    rule->pool = at < lb->n_pools ? lb->pools[at] : NULL;
    at = find_sibling(check, lb, rule, &probe);
    rule->probe = at < lb->n_probes ? lb->probes[at] : NULL;
}

/* --- ports ------------------------------------------------------------------------------------------- */

/* Source: Azure Load Balancer documentation, "High availability ports overview". */
static void check_ports(struct vnl_check *check, const struct vnl_lb *lb, const struct vnl_lb_rule *rule)
{
    if (rule->proto == VNL_LB_ALL && (rule->frontend_port || rule->backend_port))
        vnl_mistake(check, "BadRequest", &rule->src, lb->id,
                    "write 'frontendPort: 0, backendPort: 0', or leave both out",
                    "Load balancing rule '%s/%s' is for all protocols, so both its ports must be 0", lb->name,
                    rule->name);
    else if (rule->proto != VNL_LB_ALL && (!rule->frontend_port || !rule->backend_port))
        vnl_mistake(check, "BadRequest", &rule->src, lb->id,
                    "only a rule with 'protocol: All' has the ports 0",
                    "Load balancing rule '%s/%s' needs a frontend port and a backend port from 1 to 65535",
                    lb->name, rule->name);
    if (rule->proto == VNL_LB_ALL && lb->sku == VNL_SKU_BASIC)
        vnl_mistake(
            check, "BadRequest", &rule->src, lb->id, "write 'sku: Standard'",
            "Load balancing rule '%s/%s' is for all protocols (HA ports), and load balancer '%s' is Basic",
            lb->name, rule->name, lb->name);
}

static void check_backends(struct vnl_check *check, const struct vnl_lb *lb, const struct vnl_lb_rule *rule)
{
    if (rule->pool && rule->pool->n_nics > VNL_LB_BACKENDS_MAX)
        vnl_mistake(check, "BadRequest", &rule->pool_src, lb->id, "vnetlab's limit; Azure's is higher",
                    "Load balancing rule '%s/%s' has %zu backends; at most %u are possible", lb->name,
                    rule->name, rule->pool->n_nics, VNL_LB_BACKENDS_MAX);
}

/* --- beside each other ------------------------------------------------------------------------------- */

/* Source of the second code and sentence: ARM, as users quote it. The first one's code is known, its sentence is the other's. */
static void check_pair(struct vnl_check *check, const struct vnl_lb *lb, const struct vnl_lb_rule *early,
                       const struct vnl_lb_rule *late)
{
    if (early->proto != late->proto)
        return;
    if (early->frontend && early->frontend == late->frontend && early->frontend_port == late->frontend_port)
        vnl_mistake(
            check, "RulesUseSameFrontendPortProtocolAndIPConfig", &late->src, lb->id, NULL,
            "Load balancing rules %s and %s of load balancer '%s' use the same protocol %s and frontend "
            "port %u, and must not be used with the same frontend IP configuration %s",
            early->name, late->name, lb->name, vnl_lb_proto_str(late->proto), late->frontend_port,
            late->frontend->name);
    else if (early->pool && early->pool == late->pool && early->backend_port == late->backend_port &&
             !early->floating && !late->floating)
        vnl_mistake(
            check, "RulesUseSameBackendPortProtocolAndPool", &late->src, lb->id,
            "use another backend port, or 'enableFloatingIP: true'",
            "Load balancing rules %s and %s with floating IP disabled use the same protocol %s and backend "
            "port %u, and must not be used with the same backend address pool %s",
            early->name, late->name, vnl_lb_proto_str(late->proto), late->backend_port, late->pool->name);
}

void vnl_lb_rules_resolve(struct vnl_check *check, struct vnl_lb *lb)
{
    for (size_t i = 0; i < lb->n_rules; i++) {
        resolve_refs(check, lb, lb->rules[i]);
        check_ports(check, lb, lb->rules[i]);
        check_backends(check, lb, lb->rules[i]);
        for (size_t k = 0; k < i; k++)
            check_pair(check, lb, lb->rules[k], lb->rules[i]);
    }
}
