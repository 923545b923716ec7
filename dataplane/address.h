/* What the guest's own IP stack is told: addresses and routes of one NIC, as Azure's DHCP would (spec 1.8).
 */
#ifndef VNETLAB_ADDRESS_H
#define VNETLAB_ADDRESS_H

#include <stdint.h>

struct vnl_err;
struct vnl_nl;
struct vnl_plan_nic;
struct vnl_plan_vm;

/* Queues addresses and routes of a NIC whose guest end is up. number: among the VM's NICs; 0 is the primary.
 */
void vnl_address_put(struct vnl_nl *nl, const struct vnl_plan_vm *vm, const struct vnl_plan_nic *nic,
                     uint32_t number);

/* Removes what the NIC has and the plan does not; sends. Routes go with the address that they are bound to.
 */
int vnl_address_clean(struct vnl_nl *nl, const struct vnl_plan_nic *nic, uint32_t number, const char *vm,
                      struct vnl_err **err);

#endif
