/* The sysctls that a VM's namespace must have, whatever the host has. */
#ifndef VNETLAB_SYSCTL_H
#define VNETLAB_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

struct vnl_err;

enum {
    VNL_SYSCTL_FORWARD4,
    VNL_SYSCTL_FORWARD4_DEFAULT,
    VNL_SYSCTL_RP_FILTER,
    VNL_SYSCTL_RP_FILTER_DEFAULT,
    VNL_SYSCTL_FORWARD6,
    VNL_SYSCTL_FORWARD6_DEFAULT,
    VNL_SYSCTL_MAX
};

/* By the enum; negative: this kernel does not have it. */
struct vnl_sysctls {
    int values[VNL_SYSCTL_MAX];
};

/* What a namespace that was just made has: reads those of the calling thread's. */
int vnl_sysctls_read(struct vnl_sysctls *ret, struct vnl_err **err);
/* Pure: which of them (by the enum) are to be written into such a namespace, in that order, and with what. Returns how many:
 * none on a host that has the kernel's values, unless the VM forwards. */
size_t vnl_sysctls_missing(const struct vnl_sysctls *fresh, bool forward, int ret_what[VNL_SYSCTL_MAX],
                           const char *ret_value[VNL_SYSCTL_MAX]);
/* Writes those into the calling thread's namespace. */
int vnl_sysctls_write(const struct vnl_sysctls *fresh, bool forward, struct vnl_err **err);

#endif
