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
        const struct vnl_udr_table *udr_table;
        const struct vnl_udr *udr;
        const struct vnl_public_ip *public_ip;
        const struct vnl_nat_gateway *nat;
        const struct vnl_lb *lb;
        const struct vnl_host *host;
        const struct vnl_vpn_gateway *gateway;
        const struct vnl_local_gateway *local;
        struct vnl_connection *connection;
        const struct vnl_site *site;
        const struct vnl_client *client;
    };
    const struct vnl_site_host *site_host; /* of a VNL_TYPE_SITE: one host of it is meant, by its own name */
};

/* What has a guest, and so can be asked as if it were a virtual machine. */
#define VNL_GUEST_TYPES                                                                                      \
    (1u << VNL_TYPE_VM | 1u << VNL_TYPE_HOST | 1u << VNL_TYPE_VPN_GATEWAY | 1u << VNL_TYPE_SITE |            \
     1u << VNL_TYPE_CLIENT)

struct vnl_resources {
    struct vnl_resource *
        items; /* virtual networks, virtual machines, NSGs, each with its children; ASGs; route tables with theirs, and what else there is */
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
