/* What changed in public IPs, NAT gateways and load balancers. */
#include "diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

static char *minutes_text(uint32_t seconds)
{
    return vnl_text("%u min", seconds / 60);
}

static char *addr_text(const struct vnl_addr *addr)
{
    char buf[VNL_ADDR_STR];

    return strdup(vnl_addr_format(addr, buf));
}

/* --- public IPs ------------------------------------------------------------------------------------------------- */

static size_t count_publics(const struct vnl_plan *plan)
{
    return plan->n_publics;
}

static const char *public_key(const struct vnl_plan *plan, size_t i)
{
    return plan->publics[i].id;
}

static const char *public_name(const struct vnl_plan *plan, size_t i)
{
    return plan->publics[i].name;
}

static char *holder_text(const struct vnl_plan *plan, const struct vnl_plan_public *ip)
{
    const struct vnl_plan_gateway *gateway;
    char buf[VNL_ADDR_STR];

    if (ip->nic != VNL_PLAN_NOBODY)
        return vnl_text("%s at %s", plan->nics[ip->nic].name, vnl_addr_format(&ip->inner, buf));
    if (ip->nat != VNL_PLAN_NOBODY)
        return strdup(plan->nats[ip->nat].name);
    gateway = vnl_gateway_by_outer(plan, &ip->addr);
    return strdup(gateway ? gateway->resource : "nobody");
}

/* Nobody's is neither. */
static const char *inbound_text(const struct vnl_plan_public *ip)
{
    return ip->closed ? "closed: no network security group" : "open to the rules";
}

static char *public_describe(const struct vnl_plan *plan, size_t i)
{
    CLEANUP(vnl_str_free) char *holder = holder_text(plan, &plan->publics[i]);
    char buf[VNL_ADDR_STR];

    return holder ? vnl_text("%s of %s", vnl_addr_format(&plan->publics[i].addr, buf), holder) : NULL;
}

static int public_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_public *before = &work->before->publics[pair->before],
                                 *after = &work->after->publics[pair->after];
    int r = vnl_diff_texts(work, pair, "address", addr_text(&before->addr), addr_text(&after->addr));

    if (r == 0)
        r = vnl_diff_texts(work, pair, "of", holder_text(work->before, before),
                           holder_text(work->after, after));
    if (r == 0)
        r = vnl_diff_names(work, pair, "sku", before->basic ? "Basic" : "Standard",
                           after->basic ? "Basic" : "Standard");
    if (r == 0 && before->nic != VNL_PLAN_NOBODY && after->nic != VNL_PLAN_NOBODY)
        r = vnl_diff_names(work, pair, "inbound", inbound_text(before), inbound_text(after));
    return r < 0 ? r
                 : vnl_diff_texts(work, pair, "idle timeout", minutes_text(before->timeout_s),
                                  minutes_text(after->timeout_s));
}

const struct vnl_diff_kind vnl_diff_publics = { "publicIPAddresses", count_publics,   public_key,
                                                public_name,         public_describe, public_compare };

/* --- NAT gateways ----------------------------------------------------------------------------------------------- */

/* Default outbound access is no resource; it stands last. */
static size_t count_gateways(const struct vnl_plan *plan)
{
    return plan->n_nats - (plan->n_nats > 0 && !plan->nats[plan->n_nats - 1].gateway);
}

static const char *gateway_key(const struct vnl_plan *plan, size_t i)
{
    return plan->nats[i].id;
}

static const char *gateway_name(const struct vnl_plan *plan, size_t i)
{
    return plan->nats[i].name;
}

static char *gateway_describe(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_plan_nat *nat = &plan->nats[i];
    char buf[VNL_ADDR_STR], *text = strdup("");

    for (size_t k = 0; k < nat->n_outer && text; k++) {
        char *longer = vnl_text("%s%s%s", text, k ? " " : "", vnl_addr_format(&nat->outer[k], buf));

        free(text);
        text = longer;
    }
    return text;
}

static int gateway_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    int r = vnl_diff_texts(work, pair, "addresses", gateway_describe(work->before, pair->before),
                           gateway_describe(work->after, pair->after));

    return r < 0 ? r
                 : vnl_diff_texts(work, pair, "idle timeout",
                                  minutes_text(work->before->nats[pair->before].tcp_timeout_s),
                                  minutes_text(work->after->nats[pair->after].tcp_timeout_s));
}

const struct vnl_diff_kind vnl_diff_nat_gateways = { "natGateways", count_gateways,   gateway_key,
                                                     gateway_name,  gateway_describe, gateway_compare };

/* --- subnets: their way out ------------------------------------------------------------------------------------- */

static size_t count_subnets(const struct vnl_plan *plan)
{
    return plan->n_subnets;
}

static const char *subnet_key(const struct vnl_plan *plan, size_t i)
{
    return plan->subnets[i].id;
}

static const char *subnet_name(const struct vnl_plan *plan, size_t i)
{
    return plan->subnets[i].name;
}

static int subnet_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    return vnl_diff_names(work, pair, "way out:", work->before->subnets[pair->before].way_out,
                          work->after->subnets[pair->after].way_out);
}

/* One that comes or goes has no line: without NICs it does nothing. */
const struct vnl_diff_kind vnl_diff_subnets = { "subnets",   count_subnets, subnet_key,
                                                subnet_name, NULL,          subnet_compare };

/* --- load balancers: by frontend -------------------------------------------------------------------------------- */

static size_t count_lbs(const struct vnl_plan *plan)
{
    return vnl_balancers_count_frontends(plan);
}

static const char *lb_key(const struct vnl_plan *plan, size_t i)
{
    return plan->balancers[i].id;
}

static const char *lb_name(const struct vnl_plan *plan, size_t i)
{
    return plan->balancers[i].name;
}

static char *lb_describe(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_plan_balancer *lb = &plan->balancers[i];
    char buf[VNL_ADDR_STR];

    return vnl_text("%s in %s, %s, %zu rule%s", vnl_addr_format(&lb->addr, buf), plan->vnets[lb->vnet].name,
                    lb->basic ? "Basic" : "Standard", lb->n_rules, lb->n_rules == 1 ? "" : "s");
}

/* The rules in the words of the plan's text, a line each. NULL on ENOMEM. */
static char **rules_texts(const struct vnl_plan *plan, const struct vnl_plan_balancer *lb)
{
    char **texts = calloc(lb->n_rules + 1, sizeof(*texts));

    for (size_t i = 0; texts && i < lb->n_rules; i++) {
        texts[i] = vnl_balancer_rule_text(plan, &lb->rules[i]);
        if (texts[i])
            continue;
        while (i-- > 0)
            free(texts[i]);
        free(texts);
        return NULL;
    }
    return texts;
}

static int lb_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_balancer *before = &work->before->balancers[pair->before],
                                   *after = &work->after->balancers[pair->after];
    int r = vnl_diff_texts(work, pair, "address", addr_text(&before->addr), addr_text(&after->addr));

    if (r == 0)
        r = vnl_diff_names(work, pair, "sku", before->basic ? "Basic" : "Standard",
                           after->basic ? "Basic" : "Standard");
    return r < 0 ? r
                 : vnl_diff_rows(work, pair, rules_texts(work->before, before), before->n_rules,
                                 rules_texts(work->after, after), after->n_rules);
}

const struct vnl_diff_kind vnl_diff_lbs = { "loadBalancers", count_lbs,   lb_key,
                                            lb_name,         lb_describe, lb_compare };
