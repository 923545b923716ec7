/* Making VMs and NICs, many at once; configuring a NIC anew. */
#ifndef VNETLAB_BUILD_H
#define VNETLAB_BUILD_H

#include <stddef.h>

struct vnl_delta;
struct vnl_dp_options;
struct vnl_err;
struct vnl_plan;

struct vnl_build {
    const struct vnl_plan *plan;
    const struct vnl_delta *delta;
    int fabric_fd; /* namespace; the bridges exist */
    int prog_fd;
    const struct vnl_dp_options *options;
};

/* Everything that the delta says is to be made. After a failure the rest does not exist, or dies with its
 * maker. */
int vnl_build_vms(const struct vnl_build *build, struct vnl_err **err);

/* Gives the guest end of an existing NIC (an index of plan->nics) the plan's MAC, addresses, routes,
 * bandwidth and forwarding. */
int vnl_build_guest(const struct vnl_plan *plan, size_t nic, struct vnl_err **err);

#endif
