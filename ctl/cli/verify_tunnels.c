/* What `verify` says of the tunnels on a flow's way in the running lab: the plan knows only whether they can come up. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connections.h"

#include "vnetlab/base.h"
#include "vnetlab/drop.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/plan.h"
#include "vnetlab/verify.h"

static const struct vnl_vpn_state *state_at(const struct vnl_cmd_tunnels *tunnels,
                                            const struct vnl_verify_step *step)
{
    return step->tunnel == VNL_PLAN_NOBODY ? NULL : tunnels->of[step->tunnel];
}

/* By another end of its connection at the gateway, at either instance: those who send leave out the one that is not up. */
static bool is_carried(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel)
{
    const struct vnl_plan_tunnel *own = &plan->tunnels[tunnel];
    bool carried = false;

    for (size_t i = 0; i < plan->n_tunnels && own->kind == VNL_TUNNEL_CONNECTION; i++)
        carried |=
            tunnels->of[i] && tunnels->of[i]->status == VNL_VPN_CONNECTED &&
            !strcmp(plan->tunnels[i].connection, own->connection) &&
            !strcmp(plan->gateways[plan->tunnels[i].gateway].resource, plan->gateways[own->gateway].resource);
    return carried;
}

char *vnl_cmd_tunnels_verdict(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                              const struct vnl_verify *verify, bool one_way)
{
    const struct vnl_verify_step *blocker = vnl_verify_blocker(verify, one_way);
    char *text = NULL;

    for (size_t i = 0; i < verify->n_steps; i++) {
        const struct vnl_verify_step *step = &verify->steps[i];
        const struct vnl_vpn_state *state = state_at(tunnels, step);

        if (step == blocker || (step->back && one_way))
            return NULL;
        if (!state || state->status == VNL_VPN_CONNECTED || is_carried(plan, tunnels, step->tunnel))
            continue;
        if (asprintf(&text, "blocked: %s%s at %s just now, by nothing in the plan: %s is %s%s%s",
                     step->back ? "reply: " : "", vnl_drop_str(VNL_DROP_NO_TUNNEL),
                     plan->vms[plan->nics[step->nic].vm].name, plan->tunnels[step->tunnel].name,
                     vnl_vpn_status_str(state->status), state->reason ? ", " : "",
                     state->reason ? state->reason : "") < 0)
            return NULL;
        return text;
    }
    return NULL;
}

void vnl_cmd_tunnels_print_way(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                               const struct vnl_verify *verify)
{
    for (size_t i = 0; i < verify->n_steps; i++) {
        const struct vnl_verify_step *step = &verify->steps[i];
        const struct vnl_vpn_state *state = state_at(tunnels, step);

        bool elsewhere =
            state && state->status != VNL_VPN_CONNECTED && is_carried(plan, tunnels, step->tunnel);

        if (state)
            (void)printf("tunnel of %s at %s: %s%s%s%s\n", plan->tunnels[step->tunnel].name,
                         plan->vms[plan->nics[step->nic].vm].name, vnl_vpn_status_str(state->status),
                         state->reason ? ", " : "", state->reason ? state->reason : "",
                         elsewhere ? "; another one of the connection carries it" : "");
    }
}

struct vnl_json *vnl_cmd_tunnels_way_to_json(const struct vnl_plan *plan,
                                             const struct vnl_cmd_tunnels *tunnels,
                                             const struct vnl_verify *verify)
{
    struct vnl_json *list = vnl_json_array();

    for (size_t i = 0; i < verify->n_steps; i++) {
        const struct vnl_verify_step *step = &verify->steps[i];
        const struct vnl_vpn_state *state = state_at(tunnels, step);
        struct vnl_json *item;

        if (!state)
            continue;
        item = vnl_json_object();
        (void)vnl_json_set(item, "connection", vnl_json_str(plan->tunnels[step->tunnel].name));
        (void)vnl_json_set(item, "gateway", vnl_json_str(state->gateway));
        (void)vnl_json_set(item, "reply", vnl_json_bool(step->back));
        (void)vnl_json_set(item, "connectionStatus", vnl_json_str(vnl_vpn_status_str(state->status)));
        (void)vnl_json_set(item, "reason", vnl_json_str(state->reason));
        if (vnl_json_push(list, item) < 0)
            vnl_json_free(&list);
    }
    return list;
}
