/* Does a guest's link carry packets yet? */
#ifndef VNETLAB_DATAPLANE_READY_H
#define VNETLAB_DATAPLANE_READY_H

struct vnl_err;

/* Returns when eth0 of the VM transmits, at the latest after a second: then -ETIMEDOUT. A link that the guest took down, renamed or gave
 * away is its own business, and ready. */
int vnl_ready_wait(const char *lab, const char *vm, struct vnl_err **err);

#endif
