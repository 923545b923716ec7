/* The lab that `check` grades, as it runs: plan and tunnels. */
#ifndef VNETLAB_CLI_CHECK_LAB_H
#define VNETLAB_CLI_CHECK_LAB_H

#include "connections.h"

#include "vnetlab/check.h"

struct vnl_err;
struct vnl_lab;
struct vnl_lock;
struct vnl_plan;

struct vnl_check_lab {
    struct vnl_lab *lab;
    struct vnl_plan *plan;
    struct vnl_cmd_tunnels tunnels;
    struct vnl_check_tunnel *list; /* one per tunnel of the plan */
};

/* Reads the lab in force and waits until its tunnels are up, or for a while. lock: the lab's, held by the caller; where BGP is spoken it is let
 * go during the wait and taken again, because the agent needs it to publish what the gateways learn, and the lab is read once more.
 * -EBUSY: the lab is unfinished. */
int vnl_check_lab_ready(const char *name, struct vnl_lock **lock, struct vnl_check_lab *ret,
                        struct vnl_err **err);
void vnl_check_lab_done(struct vnl_check_lab *lab);

#endif
