/* `vnetlab check`: sends the packets of a lab's `expect:` from the real VMs and says what happened and why.
 */
#ifndef VNETLAB_CHECK_H
#define VNETLAB_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/drop.h"
#include "vnetlab/lab.h"
#include "vnetlab/probe.h"

struct vnl_json;
struct vnl_plan;

struct vnl_check_row {
    const struct vnl_expect *expect; /* borrowed from the lab */
    bool ok;
    bool sent;              /* false: a VM of the expectation is not in the running lab; `why` says which */
    struct vnl_probe probe; /* what happened */
    enum vnl_drop
        reason;     /* why it was dropped, as the loaded program decides; VNL_DROP_NONE when it passes */
    bool on_return; /* the request arrived, the reply was dropped */
    char *why;      /* the route that carried it, or where and why it ended */
    char *hint;     /* what would have to change; NULL when the row is ok or nothing is known */
};

struct vnl_check {
    struct vnl_check_row *rows;
    size_t n_rows;
    size_t n_failed;
};

/* How a tunnel of the running lab stands; the plan does not know. */
struct vnl_check_tunnel {
    bool up;
    const char *why; /* the reason of its last failure, or NULL */
};

/* expected: the lab whose expectations are graded. plan: of the lab in force (the same lab, when nothing was changed by hand).
 * tunnels: one per tunnel of the plan, borrowed; NULL: nothing is known of them. -ENOENT when the lab is not up. */
int vnl_check_run(const struct vnl_lab *expected, const struct vnl_plan *plan,
                  const struct vnl_check_tunnel *tunnels, int timeout_ms, struct vnl_check **ret,
                  struct vnl_err **err);
void vnl_check_free(struct vnl_check **check);

#endif
