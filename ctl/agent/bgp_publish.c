/* Learned routes reach the lab: the file that all who build a plan read, and the tables that are in force. */
#include <errno.h>
#include <stddef.h>

#include "bgp.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/learned.h"
#include "vnetlab/plan.h"
#include "vnetlab/store.h"

/* A lab that a command has left half-way is that command's next run to finish, which reads the file. */
static int load_applied(const char *name, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_store_close) struct vnl_store *store = NULL;
    bool applied = false;
    int r = vnl_store_open(name, true, &store, err);

    if (r == 0)
        r = vnl_store_applied(store, &applied, err);
    if (r == 0 && !applied)
        r = vnl_fail(err, EBUSY, "lab '%s' is not as its file says yet", name);
    return r < 0 ? r : vnl_store_load(store, ret, err);
}

int vnl_bgp_publish(const char *name, struct vnl_learned *learned, struct vnl_err **err)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    bool changed;
    int r = vnl_learned_write(name, learned, &changed, err);

    if (r < 0 || (r = vnl_lock_take(name, 0, NULL, NULL, &lock, err)) < 0 ||
        (r = load_applied(name, &lab, err)) < 0 || (r = vnl_learned_read(name, &lab->learned, err)) < 0 ||
        (r = vnl_plan_build(lab, &plan, err)) < 0)
        return r;
    return vnl_dp_publish(plan, &changed, err);
}
