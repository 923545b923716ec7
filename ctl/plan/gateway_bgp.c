/* What speakers of BGP say of themselves (spec vpn 9): only who has a session over one of its tunnels has an AS number here. What they learn
 * of each other is known when they run, and comes back with the lab (gateway_learned.c). */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

static bool has_session(const struct vnl_plan *plan, uint32_t gateway)
{
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (plan->tunnels[i].gateway == gateway && plan->tunnels[i].peer_asn)
            return true;
    return false;
}

/* --- VPN gateways --------------------------------------------------------------------------------------------------- */

/* Spec vpn 9.3: the VNet, spokes, what local network gateways have, and the instance's own clients. No default route. */
static int announced_by(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway, uint32_t instance,
                        struct vnl_prefixes *ret)
{
    int r = vnl_gateway_space(gateway->vnet, ret);

    for (size_t i = 0; i < lab->n_connections && r == 0; i++)
        if (lab->connections[i]->gateway1 == gateway && lab->connections[i]->local2)
            r = vnl_space_put_v4(ret, &lab->connections[i]->local2->prefixes);
    return r < 0 ? r : vnl_gateway_share(gateway, instance, ret);
}

static int set_instance(struct vnl_plan_work *work, const struct vnl_vpn_gateway *gateway, uint32_t instance)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes announced = { 0 };
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes refused = { 0 };
    uint32_t index = vnl_gateway_index(work, gateway, instance);
    struct vnl_plan_gateway *out = &work->plan->gateways[index];
    int r;

    if (!has_session(work->plan, index))
        return 0;
    out->asn = gateway->asn;
    out->bgp_addr = gateway->instances[instance].bgp_addr;
    r = announced_by(work->lab, gateway, instance, &announced);
    if (r == 0)
        r = vnl_gateway_space(gateway->vnet, &refused);
    if (r == 0)
        r = vnl_space_take(&announced, &out->announced, &out->n_announced);
    return r < 0 ? r : vnl_space_take(&refused, &out->refused, &out->n_refused);
}

/* --- sites' devices ------------------------------------------------------------------------------------------------- */

static int set_site(struct vnl_plan *plan, const struct vnl_site *site, uint32_t index)
{
    struct vnl_plan_gateway *out = &plan->gateways[index];

    if (!has_session(plan, index))
        return 0;
    out->asn = site->bgp.asn;
    out->bgp_addr = site->bgp.addr;
    out->prepend = (unsigned)site->prepend;
    return vnl_space_take(site->advertises ? &site->advertised : &site->prefixes, &out->announced,
                          &out->n_announced);
}

int vnl_gateway_bgp_build(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    uint32_t index = 0;
    int r = 0;

    for (size_t i = 0; i < lab->n_gateways; i++)
        for (uint32_t k = 0; k < lab->gateways[i]->n_instances && r == 0; k++, index++)
            r = set_instance(work, lab->gateways[i], k);
    for (size_t i = 0; i < lab->n_sites && r == 0; i++, index++)
        r = set_site(work->plan, lab->sites[i], index);
    return r;
}
