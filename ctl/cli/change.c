/* A change of one thing in a stored lab (`sync`, `set`), put into the store and into the kernel. */
#include <stdio.h>

#include "cmds.h"

#include "vnetlab/agent.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"
#include "vnetlab/store.h"

/* Stored first, as in `up`: killed in between, the next `up` finishes it. A lab that is not running is
 * changed in the store only. */
int vnl_cmd_save_and_apply(const struct vnl_lab *lab, struct vnl_err **err)
{
    CLEANUP(vnl_store_close) struct vnl_store *store = NULL;
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    struct vnl_dp_stats stats = { 0 };
    bool running = vnl_dp_exists(lab->name);

    if (vnl_plan_build(lab, &plan, err) < 0 || vnl_store_open(lab->name, false, &store, err) < 0 ||
        vnl_store_save(store, lab, !running, err) < 0)
        return VNL_EXIT_SYSTEM;
    if (!running) {
        (void)fprintf(stderr,
                      "vnetlab: lab '%s' is not running: the change is in force after the next 'up'\n",
                      lab->name);
        return VNL_EXIT_OK;
    }
    if (vnl_cmd_apply(plan, &stats, err) < 0) {
        (void)vnl_wrap(err, "lab '%s' is changed in part only, say 'vnetlab up' again", lab->name);
        return VNL_EXIT_SYSTEM;
    }
    if (vnl_store_set_applied(store, true, err) < 0 || vnl_agent_ensure(plan, err) < 0)
        return VNL_EXIT_SYSTEM;
    return VNL_EXIT_OK;
}
