/* Tunnels that are not up: a state of the lab, as the health of backends is. */
#include "check_parts.h"

#include <string.h>

/* While this end is down, the agent sends by another one of the same connection at the same gateway. */
static bool is_up(const struct vnl_check_grader *grader, uint32_t tunnel)
{
    const struct vnl_plan *plan = grader->plan;
    const struct vnl_plan_tunnel *own = &plan->tunnels[tunnel];
    const char *id = plan->gateways[own->gateway].id;
    bool up = grader->tunnels[tunnel].up;

    for (size_t i = 0; i < plan->n_tunnels && !up && own->connection && id; i++) {
        const struct vnl_plan_tunnel *other = &plan->tunnels[i];
        const char *its = plan->gateways[other->gateway].id;

        up = grader->tunnels[i].up && other->connection && !strcmp(other->connection, own->connection) &&
             its && !strcmp(its, id);
    }
    return up;
}

const struct vnl_verify_step *vnl_check_find_down(const struct vnl_check_grader *grader,
                                                  const struct vnl_verify *verify,
                                                  const struct vnl_verify_step *blocker, bool one_way)
{
    for (size_t i = 0; verify && grader->tunnels && i < verify->n_steps; i++) {
        const struct vnl_verify_step *step = &verify->steps[i];

        if (step == blocker || (step->back && one_way))
            return NULL;
        if (step->tunnel != VNL_PLAN_NOBODY && step->reason == VNL_DROP_NONE && !is_up(grader, step->tunnel))
            return step;
    }
    return NULL;
}
