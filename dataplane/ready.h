/* Does a guest's link carry packets yet? */
#ifndef VNETLAB_DATAPLANE_READY_H
#define VNETLAB_DATAPLANE_READY_H

#include <stdint.h>

struct vnl_err;

/* Returns when both ends of the VM's link transmit, at the latest after a second: then -ETIMEDOUT. A link that the guest took down, renamed or gave
 * away is its own business, and ready.
 * number: among the VM's NICs. port: name of the other end, in the namespace `fabric`; it sends the answers to ARP. */
int vnl_ready_wait(const char *lab, const char *vm, uint32_t number, int fabric, const char *port,
                   struct vnl_err **err);

#endif
