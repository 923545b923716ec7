/* A peer that is dead is to be known as such about dpdTimeoutSeconds after its last word (spec vpn 7.5). charon asks it after some silence, repeats
 * the question, and gives up when its last repetition has no answer either: silence and repetitions together are the timeout. How often it repeats
 * is one number for all of a charon's connections, so the least timeout of them chooses it. */
#include "vnetlab/plan.h"
#include "vpn_parts.h"

double vnl_vpn_dpd_span(unsigned tries)
{
    double span = 0, wait = VNL_CHARON_RETRANSMIT_S;

    for (unsigned i = 0; i <= tries; i++, wait *= VNL_CHARON_RETRANSMIT_BASE)
        span += wait;
    return span;
}

/* At least a third of the timeout is left for the silence. */
unsigned vnl_vpn_dpd_tries(uint32_t least_s)
{
    unsigned tries = VNL_CHARON_TRIES;

    while (least_s && tries > 1 && vnl_vpn_dpd_span(tries) * 3 > least_s * 2.0)
        tries--;
    return tries;
}

uint32_t vnl_vpn_dpd_delay(uint32_t timeout_s, unsigned tries)
{
    uint32_t span = (uint32_t)vnl_vpn_dpd_span(tries), least = (timeout_s + 2) / 3;

    if (!timeout_s)
        return 0; /* PolicyBased gateways do not ask */
    return timeout_s > span + least ? timeout_s - span : least;
}

uint32_t vnl_vpn_dpd_least(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel,
                           enum vnl_vpn_engine engine)
{
    uint32_t least = tunnel->dpd_s;

    for (size_t i = 0; i < plan->n_tunnels && engine == VNL_VPN_XFRM; i++) {
        uint32_t dpd_s = plan->tunnels[i].dpd_s;

        if (plan->tunnels[i].gateway == tunnel->gateway && dpd_s && (!least || dpd_s < least))
            least = dpd_s;
    }
    return least;
}
