/* A lab's resources by the names that a user may type for them. */
#ifndef VNETLAB_CLI_RESOURCES_H
#define VNETLAB_CLI_RESOURCES_H

#include <stddef.h>

#include "vnetlab/lab.h"

struct vnl_resource {
    enum vnl_type type;
    char *name; /* shortest: "vm-1", "vnet-1/subnet-1" */
    const char *id;
    union {
        const struct vnl_vnet *vnet;
        const struct vnl_subnet *subnet;
        struct vnl_peering *peering;
        const struct vnl_vm *vm;
        const struct vnl_nic *nic;
        const struct vnl_nsg *nsg;
        const struct vnl_rule *rule;
        const struct vnl_asg *asg;
    };
};

struct vnl_resources {
    struct vnl_resource *items; /* virtual networks, virtual machines, NSGs, each with its children; ASGs */
    size_t n;
};

/* The lab is borrowed. 0 or -ENOMEM. */
int vnl_resources_build(const struct vnl_lab *lab, struct vnl_resources *ret, struct vnl_err **err);
void vnl_resources_done(struct vnl_resources *list);

/* word: the short name, the same behind its type ("vnets/vnet-1", "virtualMachines/vm-1"), ARM's path with
 * the types of parent and child ("virtualNetworks/vnet-1/subnets/default"), or an id; case does not matter,
 * as in ARM. types: bits 1 << VNL_TYPE_*. -ENOENT with the nearest, -EINVAL when the word fits several. */
int vnl_resource_find(const struct vnl_resources *list, unsigned types, const char *lab, const char *word,
                      const struct vnl_resource **ret, struct vnl_err **err);

#endif
