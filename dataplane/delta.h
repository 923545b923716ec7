/* The difference between a plan and what exists, object by object. Pure, but for questions about guest ends
 * whose tag differs. */
#ifndef VNETLAB_DELTA_H
#define VNETLAB_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vnl_err;
struct vnl_nl;
struct vnl_plan;
struct vnl_seen;

/* What there is to do for a NIC or bridge of the plan. */
enum {
    VNL_TODO_MAKE = 1 << 0,   /* it does not exist; the others are not set then */
    VNL_TODO_FILTER = 1 << 1, /* NIC: another program, or none */
    VNL_TODO_PORT = 1 << 2,   /* state, bridge, flags, MTU or tag are to be written */
    VNL_TODO_GUEST = 1 << 3,  /* NIC: the guest end is to be configured anew */
    VNL_TODO_NAME = 1 << 4,   /* with PORT: it has another name */
};

struct vnl_delta {
    uint8_t *nics;    /* by plan->nics */
    uint8_t *bridges; /* by plan->bridges */
    bool *vms;        /* by plan->vms: the namespace is to be made */
    uint32_t *links;  /* interface indices of NICs to delete, among them those to be made anew */
    size_t n_links;
    uint32_t *gone_bridges; /* interface indices */
    size_t n_gone_bridges;
    const char **gone_vms; /* names, borrowed from seen */
    size_t n_gone_vms;
};

/* prog_id: of the program that every port is to run. ret is zeroed by the caller and freed by it also after a
 * failure. */
int vnl_delta_build(const struct vnl_plan *plan, const struct vnl_seen *seen, struct vnl_nl *fabric,
                    uint32_t prog_id, struct vnl_delta *ret, struct vnl_err **err);
void vnl_delta_done(struct vnl_delta *delta);

/* Number of a NIC among its VM's: 0 is the primary, eth0. */
uint32_t vnl_nic_number(const struct vnl_plan *plan, size_t nic);

#endif
