/* Private to the ARM loaders: one resource of a lab's canonical JSON, added to the lab. Which passes there
 * are: arm_read.c.
 *
 * *err is an empty error to begin with, never NULL. 0 or a negative number; the error's own number is in
 * *err. */
#ifndef VNL_LOAD_ARM_READ_H
#define VNL_LOAD_ARM_READ_H

struct vnl_err;
struct vnl_json;
struct vnl_lab;

int vnl_arm_read_vnet(struct vnl_lab *lab, const struct vnl_json *json,
                      struct vnl_err **err); /* with its subnets */
int vnl_arm_read_peerings(struct vnl_lab *lab, const struct vnl_json *json,
                          struct vnl_err **err); /* of a VNet */
int vnl_arm_read_vm(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);
int vnl_arm_read_nic(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);
/* The VM's list of NICs is what was read, in this order. */
int vnl_arm_check_vm(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);

#endif
