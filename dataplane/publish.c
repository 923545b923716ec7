/* Routes alone: the tables in force get the plan with one flip, and nothing else of the lab is looked at. When there are more routes than
 * the tables hold, larger ones have to go under each port: that is an apply. */
#include <errno.h>

#include "tables.h"
#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

static int publish_by_apply(const struct vnl_plan *plan, bool *ret_published, struct vnl_err **err)
{
    struct vnl_dp_stats stats = { 0 };
    int r = vnl_dp_apply(plan, NULL, &stats, err);

    if (r == 0)
        *ret_published = stats.published;
    return r;
}

int vnl_dp_publish(const struct vnl_plan *plan, bool *ret_published, struct vnl_err **err)
{
    CLEANUP(vnl_tables_done) struct vnl_tables tables = { 0 };
    int r;

    if (!vnl_dp_exists(plan->lab))
        return vnl_fail(err, ENOENT, "lab '%s' is not running", plan->lab);
    r = vnl_tables_find(plan, &tables, err);
    if (r < 0)
        return r;
    return tables.bpf ? vnl_bpf_publish(tables.bpf, plan, ret_published, err)
                      : publish_by_apply(plan, ret_published, err);
}
