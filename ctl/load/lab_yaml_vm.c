/* virtualMachines: a VM with one NIC. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_subnet_ref(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                            const struct vnl_yaml *node)
{
    struct vnl_vm *vm = resource;
    struct vnl_nic *nic = vm->nics[0];
    const struct vnl_yaml *value = vnl_lab_ref_value(node);
    const char *text = vnl_lab_text(l, key->name, key->type, value);

    if (!text) {
        vnl_lab_broken(l);
        text = "";
    }
    vnl_lab_copy(l, &nic->subnet_ref, text);
    nic->subnet_src = value->src;
}

/* A NIC always has an IPv4 configuration, first (spec 1.1); an IPv6 one is made when its address is written.
 * The dynamic IPv6 configuration of a dual-stack subnet is added when the subnet is known, by
 * vnl_lab_resolve(). */
static struct vnl_ip_config *config_of(struct vnl_loading *l, struct vnl_nic *nic, int family)
{
    struct vnl_ip_config *configs;

    if (family == AF_INET)
        return &nic->configs[0];
    if (nic->n_configs == 2)
        return &nic->configs[1];
    configs = realloc(nic->configs, 2 * sizeof(*configs));
    if (!configs) {
        (void)vnl_fail(&l->mistakes, ENOMEM, "VM '%s'", nic->vm->name);
        return NULL;
    }
    configs[1] = (struct vnl_ip_config){ 0 };
    nic->configs = configs;
    nic->n_configs = 2;
    return &configs[1];
}

static void read_address(struct vnl_loading *l, const struct vnl_lab_key *key, struct vnl_nic *nic,
                         const struct vnl_yaml *node)
{
    const char *text = vnl_lab_text(l, key->name, key->type, node);
    struct vnl_ip_config *config;
    struct vnl_addr addr;

    if (!text) {
        vnl_lab_broken(l);
        return;
    }
    if (vnl_addr_parse(text, &addr, NULL) < 0) {
        vnl_lab_broken(l);
        vnl_lab_wrong_type(l, key->name, "an IP address such as 10.0.0.4", node);
        return;
    }
    config = config_of(l, nic, addr.family);
    if (config && config->is_static)
        vnl_lab_mistake(l, node->src, NULL, NULL, "'%s' takes one IPv4 and one IPv6 address", key->name);
    else if (config)
        *config = (struct vnl_ip_config){ .src = node->src, .is_static = true, .addr = addr };
}

static void read_addresses(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    struct vnl_vm *vm = resource;

    if (node->type == VNL_YAML_SEQ) {
        for (size_t i = 0; i < node->n_kids; i++)
            read_address(l, key, vm->nics[0], node->kids[i]);
    } else {
        read_address(l, key, vm->nics[0], node);
    }
}

static void read_ip_forwarding(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                               const struct vnl_yaml *node)
{
    struct vnl_vm *vm = resource;

    vnl_lab_read_bool(l, key, vm->nics[0], node);
}

static void read_nsg_ref(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    struct vnl_nic *nic = ((struct vnl_vm *)resource)->nics[0];

    vnl_lab_nsg_ref(l, key, node, &nic->nsg_ref, &nic->nsg_src);
}

static void read_asg_refs(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_nic *nic = ((struct vnl_vm *)resource)->nics[0];

    vnl_lab_asg_refs(l, key, node, &nic->asg_refs, &nic->asg_src);
}

static const struct vnl_lab_key vm_keys[] = {
    { "subnet", read_subnet_ref, .type = "a subnet (VNET/SUBNET)", .fallback = "required",
      .text = "`vnet/subnet`, a subnet's name that is unique in the lab, or a full id" },
    { "privateIPAddress", read_addresses, .type = "an IP address", .fallback = "the lowest free one",
      .text = "static address; a list of one IPv4 and one IPv6 address in a dual-stack subnet" },
    { "enableIPForwarding", read_ip_forwarding, offsetof(struct vnl_nic, ip_forwarding),
      .type = "true or false", .fallback = "false",
      .text = "the NIC's flag: may send and receive packets of other addresses" },
    { "ipForward", vnl_lab_read_bool, offsetof(struct vnl_vm, ip_forward), .type = "true or false",
      .fallback = "false",
      .text =
          "the guest's sysctls `net.ipv4.ip_forward` and IPv6's; an appliance needs both this and the flag" },
    { "networkSecurityGroup", read_nsg_ref, .type = "a network security group", .fallback = "none",
      .text = "of the VM's NIC; its name, its full id, or `{id: ...}`" },
    { "applicationSecurityGroups", read_asg_refs, .type = "a group or a list of groups", .fallback = "none",
      .text = "groups that the VM's NIC is a member of, at most 20" },
    { "run", vnl_lab_read_names, offsetof(struct vnl_vm, run), .type = "a command or a list of commands",
      .fallback = "none", .text = "shell commands started in the VM with the lab" },
    { "location", .type = "a region", .fallback = "its VNet's", .text = "must be its VNet's when written" },
    { "resourceGroup", .type = "a name", .fallback = "the lab's", .text = "part of the resource id" },
    { "subscription", .type = "a GUID", .fallback = "the lab's", .text = "part of the resource id" },
    { "ipForwarding", .refuse = "is ambiguous", .instead = "enableIPForwarding" },
    { "privateIPAddressV6", .refuse = "is part of the address list here", .instead = "privateIPAddress" },
    { "publicIPAddress", .refuse = VNL_NOT_YET },
    { "networkInterfaces", .refuse = VNL_NOT_YET },
    { "ipConfigurations", .refuse = VNL_NOT_YET },
    { "dnsServers", .refuse = VNL_NOT_YET },
    { "acceleratedNetworking", .refuse = VNL_NOT_YET },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_vm_keys = { "Virtual machine", "a virtual machine", vm_keys,
                                              ARRAY_SIZE(vm_keys) };

/* The VM with its NIC and a dynamic IPv4 configuration; NULL without memory. */
static struct vnl_vm *add_vm(struct vnl_loading *l, const struct vnl_yaml *node)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    struct vnl_scope scope = vnl_lab_scope(l, node);
    struct vnl_vm *vm = vnl_vm_add(l->lab, node->key, &scope, &node->key_src, &l->mistakes);
    struct vnl_nic *nic;

    if (!vm)
        return NULL;
    if (asprintf(&name, "%s-nic", node->key) < 0)
        name = NULL;
    /* The NIC's name is wrong only when the VM's is, which was said. */
    nic = name ? vnl_nic_add(vm, name, &node->key_src, NULL) : NULL;
    if (nic)
        nic->configs = calloc(1, sizeof(*nic->configs));
    if (!nic || !nic->configs) {
        (void)vnl_fail(&l->mistakes, ENOMEM, "VM '%s'", node->key);
        return NULL;
    }
    nic->n_configs = 1;
    return vm;
}

/* A configuration without an address of its own is blamed at the VM. */
static void place_configs(struct vnl_nic *nic, const struct vnl_src *src)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (!nic->configs[i].is_static)
            nic->configs[i].src = *src;
    }
}

static void read_vm(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_vm *vm;
    size_t n_broken;

    vnl_lab_enter(l, &node->key_src, "virtualMachines", node->key);
    vm = add_vm(l, node);
    vnl_lab_broken_if_twice(l, before);
    if (!vm)
        return;
    n_broken = l->n_broken;
    vnl_lab_read_map(l, &vnl_lab_vm_keys, vm, node);
    place_configs(vm->nics[0], &node->key_src);
    if (vm->nics[0]->subnet_ref)
        return;
    vnl_lab_copy(l, &vm->nics[0]->subnet_ref, "");
    if (l->n_broken == n_broken)
        vnl_lab_missing(l, node, "write '{subnet: VNET/SUBNET}'", "subnet");
}

void vnl_lab_read_vms(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_vm(l, node->kids[i]);
}
