/* One walk along a flow: between verify.c, which decides, and verify_say.c, which words it. */
#ifndef VNL_DIAG_WALK_H
#define VNL_DIAG_WALK_H

#include <stdbool.h>

#include "vnetlab/plan.h"
#include "vnetlab/verify.h"

/* One direction of a flow on its way. */
struct vnl_walk {
    const struct vnl_plan *plan;
    struct vnl_verify *verify;
    struct vnl_flow_query flow; /* of this direction */
    bool back;
    bool failed; /* out of memory */
};

/* The next step; there is room. */
struct vnl_verify_step *vnl_walk_step(struct vnl_walk *walk, enum vnl_verify_stage stage, uint32_t nic,
                                      enum vnl_drop reason);

/* Each fills text, and fix when the step drops. */
void vnl_say_source(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_rules(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_route(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_peering(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_owner(struct vnl_walk *walk, struct vnl_verify_step *step);
void vnl_say_deliver(struct vnl_walk *walk, struct vnl_verify_step *step);

#endif
