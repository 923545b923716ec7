/* Which names a guest's VNet has (spec 1.8, 7.19): its own VMs, and the simulated hosts of the internet. */
#ifndef VNETLAB_AGENT_NAMES_H
#define VNETLAB_AGENT_NAMES_H

#include "vnetlab/addr.h"

struct vnl_plan;
struct vnl_plan_nic;
struct vnl_plan_vm;

/* name: without the dot at the end, in any case. NULL: no such name for this guest. */
const struct vnl_plan_vm *vnl_names_find(const struct vnl_plan *plan, const struct vnl_plan_nic *from,
                                         const char *name);
/* A VM's address of that family, or NULL. */
const struct vnl_addr *vnl_names_addr(const struct vnl_plan *plan, const struct vnl_plan_vm *vm, int family);

/* "4.0.0.10.in-addr.arpa" and its like in ip6.arpa. -EINVAL when it is none. */
int vnl_names_reverse(const char *name, struct vnl_addr *ret);
/* The full name of what has this address in the guest's VNet or on the internet side; the caller's. NULL: nobody, or no memory. */
char *vnl_names_of(const struct vnl_plan *plan, const struct vnl_plan_nic *from, const struct vnl_addr *addr);

#endif
