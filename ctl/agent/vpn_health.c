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

/* Has the instance an end up? *ret_learned: how many prefixes BGP has brought to its ends; one that is up carries them all. */
static bool is_up(const struct vnl_vpn *vpn, size_t balancer, uint32_t instance, size_t *ret_learned)
{
    bool up = false;

    *ret_learned = 0;
    for (size_t i = 0; i < vpn->n_tunnels; i++) {
        const struct vnl_plan_tunnel *plan = vpn->tunnels[i]->plan;

        if (vpn->plan->gateways[plan->gateway].instance != instance || !is_of(vpn->plan, plan, balancer))
            continue;
        up |= vnl_vpn_is_up(vpn->tunnels[i]);
        *ret_learned += vpn->tunnels[i]->learned.n;
    }
    return up;
}

/* One whose session is not up, or not yet, has no way for what the others have learned: of those that are up, they who know the most. */
uint64_t vnl_vpn_alive(const struct vnl_vpn *vpn, size_t balancer)
{
    size_t n = vpn->plan->balancers[balancer].rules[0].n_backends, most = 0, learned;
    uint64_t alive = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (!is_up(vpn, balancer, i, &learned) || learned < most)
            continue;
        alive = (learned > most ? 0 : alive) | 1ull << i;
        most = learned;
    }
    return alive ? alive : (1ull << n) - 1;
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
