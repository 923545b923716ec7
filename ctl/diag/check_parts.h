/* Between check.c, which grades, check_send.c, which sends, check_tunnel.c, which knows what is down, and check_say.c, which words it. */
#ifndef VNL_DIAG_CHECK_PARTS_H
#define VNL_DIAG_CHECK_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "vnetlab/bpf.h"
#include "vnetlab/check.h"
#include "vnetlab/plan.h"
#include "vnetlab/verify.h"

struct vnl_bpf;

struct vnl_check_grader {
    const struct vnl_plan *plan;
    const struct vnl_check_tunnel *tunnels; /* per plan->tunnels, or NULL */
    struct vnl_bpf *bpf;
};

/* What the three witnesses are compared by: the program's answer, and the plan's where the program has none. */
struct vnl_check_finding {
    enum vnl_drop reason;
    uint32_t nic; /* index (plan->nics), or VNL_VERIFY_NOBODY */
    bool back;
    bool guest; /* a guest has sent the packet on before it came there */
};

/* NULL: no such guest, or it has no NIC. */
const struct vnl_plan_nic *vnl_check_nic(const struct vnl_plan *plan, const char *vm);
struct vnl_flow_query vnl_check_query(const struct vnl_plan *plan, const struct vnl_plan_nic *nic,
                                      const struct vnl_probe *probe);
/* NULL: the plan does not know either. */
struct vnl_verify *vnl_check_ask_plan(const struct vnl_plan *plan, const struct vnl_plan_nic *nic,
                                      const struct vnl_probe *probe);
/* Of a UDP probe. */
uint16_t vnl_check_source_port(void);
void vnl_check_grade(const struct vnl_check_grader *grader, struct vnl_check_row *row);

/* Sends all rows that can be sent, and grades them. Those that are not as expected and go through an appliance with commands of its own are
 * sent again for a while. check_send.c. */
int vnl_check_send(const struct vnl_check_grader *grader, struct vnl_check *check, int timeout_ms,
                   struct vnl_err **err);

/* The first tunnel on the way that is not up, there or back; NULL: none that the packet comes to, which is stopped by `blocker` (or
 * NULL). check_tunnel.c. */
const struct vnl_verify_step *vnl_check_find_down(const struct vnl_check_grader *grader,
                                                  const struct vnl_verify *verify,
                                                  const struct vnl_verify_step *blocker, bool one_way);

/* Each is the caller's; NULL without memory. The route that carried it, and what it went through: */
char *vnl_check_why_pass(const struct vnl_plan *plan, const struct vnl_plan_nic *nic,
                         const struct vnl_addr *dst, const struct vnl_verify *verify);
/* step: the plan's blocker; what it found is more than the reason's sentence. */
char *vnl_check_why_drop(const struct vnl_plan *plan, const struct vnl_check_finding *found,
                         const struct vnl_verify_step *step);
char *vnl_check_why_down(const struct vnl_check_grader *grader, const struct vnl_verify_step *down);

#endif
