/* Active-active gateways: a balancer spreads what goes to a connection over the gateway's instances (plan.h). Which of them are alive is said here,
 * as the prober says it of backends. */
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"
#include "vnetlab/image.h"
#include "vnetlab/paths.h"
#include "vpn_parts.h"

/* The gateway's own balancer is for what no connection is known of: any end counts. */
static bool is_of(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel, size_t balancer)
{
    return tunnel->balancer == balancer ||
           !strcmp(plan->balancers[balancer].id, plan->gateways[tunnel->gateway].id);
}

uint64_t vnl_vpn_alive(const struct vnl_vpn *vpn, size_t balancer)
{
    const struct vnl_plan_balancer *of = &vpn->plan->balancers[balancer];
    uint64_t all = (1ull << of->rules[0].n_backends) - 1, alive = 0;

    for (size_t i = 0; i < vpn->n_tunnels; i++) {
        const struct vnl_plan_tunnel *plan = vpn->tunnels[i]->plan;

        if (is_of(vpn->plan, plan, balancer) && vnl_vpn_is_up(vpn->tunnels[i]))
            alive |= 1ull << vpn->plan->gateways[plan->gateway].instance;
    }
    return alive & all ? alive & all : all;
}

static size_t count(const struct vnl_plan *plan)
{
    size_t n = 0;

    for (size_t i = 0; i < plan->n_balancers; i++)
        n += plan->balancers[i].connection;
    return n;
}

void vnl_vpn_health_tell(struct vnl_vpn *vpn)
{
    for (size_t i = 0; vpn->bpf && i < vpn->plan->n_balancers; i++) {
        const struct vnl_plan_balancer *balancer = &vpn->plan->balancers[i];

        if (balancer->connection && balancer->n_rules)
            vnl_bpf_health_set(vpn->bpf, balancer->rules[0].health, vnl_health_id(&balancer->rules[0]),
                               vnl_vpn_alive(vpn, i));
    }
}

void vnl_vpn_health_follow(struct vnl_vpn *vpn)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free) char *dir = NULL;

    vnl_bpf_close(&vpn->bpf);
    if (!count(vpn->plan))
        return;
    dir = vnl_run_path(vpn->lab, "bpf");
    if (!dir || vnl_bpf_open(dir, &vpn->bpf, &err) < 0) {
        vpn->bpf = NULL;
        if (err)
            vnl_err_print(stderr, err);
    }
    vnl_vpn_health_tell(vpn);
}
