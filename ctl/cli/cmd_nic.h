/* What the commands about one network interface share. */
#ifndef VNETLAB_CLI_CMD_NIC_H
#define VNETLAB_CLI_CMD_NIC_H

#include <stdint.h>

struct vnl_args;
struct vnl_err;
struct vnl_lab;
struct vnl_plan;
struct vnl_plan_vm;

#define OPT_FILE_OF_LAB                                                                                      \
    {                                                                                                        \
        "--file", "-f", "FILE", "of the lab that FILE describes, as if it were created now"                  \
    }
#define OPT_NIC_OF_VM                                                                                        \
    {                                                                                                        \
        "--nic", "-n", "NIC", "of this network interface; default: the primary one"                          \
    }

struct vnl_cmd_nic {
    struct vnl_lab *lab;
    struct vnl_plan *plan;
    const struct vnl_plan_vm *vm;
    uint32_t nic; /* index (plan->nics) */
};

/* The virtual machine or internet host that the user's word names, in the lab as stored, or as `file` describes it. nic: one of its, or
 * NULL for the primary. To be freed with vnl_cmd_nic_done, also after a failure. */
int vnl_cmd_nic_load(const struct vnl_args *args, const char *file, const char *vm, const char *nic,
                     struct vnl_cmd_nic *ret, struct vnl_err **err);
void vnl_cmd_nic_done(struct vnl_cmd_nic *nic);
/* Another one of the same lab. */
int vnl_cmd_nic_find(const struct vnl_lab *lab, const struct vnl_plan *plan, const char *vm, const char *nic,
                     uint32_t *ret, struct vnl_err **err);

#endif
