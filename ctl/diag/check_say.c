/* The words of `check`: what carried a packet, or where it ended. */
#include "check_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "vnetlab/base.h"

/* The choice of a gateway's instance, which is the next one that the packet goes through. */
static bool is_choice_of_instance(const struct vnl_plan *plan, const struct vnl_route *route,
                                  const struct vnl_verify_step *step)
{
    return step->stage == VNL_VERIFY_TRANSLATE && step->hop == 0 && route->type == VNL_NEXT_HOP_GATEWAY &&
           route->balancer != VNL_PLAN_NOBODY && plan->balancers[route->balancer].connection;
}

char *vnl_check_why_pass(const struct vnl_plan *plan, const struct vnl_plan_nic *nic,
                         const struct vnl_addr *dst, const struct vnl_verify *verify)
{
    const struct vnl_route *route = vnl_route_select(&plan->tables[nic->table], dst);
    char prefix[VNL_PREFIX_STR];
    char *text = NULL, *all = NULL;

    if (!route || asprintf(&text, "%s %s", vnl_next_hop_str(route->type),
                           vnl_prefix_format(&route->prefix, prefix)) < 0)
        return NULL;
    for (size_t i = 0; verify && i < verify->n_steps && text; i++) {
        const struct vnl_verify_step *step = &verify->steps[i];
        const char *at = step->nic == VNL_VERIFY_NOBODY ? "" : plan->vms[plan->nics[step->nic].vm].name;

        if (step->back || (step->stage != VNL_VERIFY_GUEST && step->stage != VNL_VERIFY_TRANSLATE) ||
            is_choice_of_instance(plan, route, step))
            continue;
        if (step->stage == VNL_VERIFY_GUEST ? asprintf(&all, "%s, through %s", text, at) < 0
                                            : asprintf(&all, "%s, %s", text, step->text) < 0)
            all = NULL;
        free(text);
        text = all;
    }
    return text;
}

char *vnl_check_why_drop(const struct vnl_plan *plan, const struct vnl_check_finding *found,
                         const struct vnl_verify_step *step)
{
    bool told = step && step->reason == found->reason && step->nic == found->nic;
    char *text = NULL;

    if (asprintf(&text, "%s%s at %s: %s", found->back ? "reply: " : "", vnl_drop_str(found->reason),
                 found->nic == VNL_VERIFY_NOBODY ? "?" : plan->vms[plan->nics[found->nic].vm].name,
                 told && (step->rule || step->stage == VNL_VERIFY_ROUTE || step->reason == VNL_DROP_NO_TUNNEL)
                     ? step->text
                     : vnl_drop_text(found->reason)) < 0)
        return NULL;
    return text;
}

char *vnl_check_why_down(const struct vnl_check_grader *grader, const struct vnl_verify_step *down)
{
    const struct vnl_check_tunnel *tunnel = &grader->tunnels[down->tunnel];
    char *text = NULL;

    if (asprintf(&text, "%s%s at %s: %s is not connected%s%s", down->back ? "reply: " : "",
                 vnl_drop_str(VNL_DROP_NO_TUNNEL), grader->plan->vms[grader->plan->nics[down->nic].vm].name,
                 grader->plan->tunnels[down->tunnel].name, tunnel->why ? ", " : "",
                 tunnel->why ? tunnel->why : "") < 0)
        return NULL;
    return text;
}
