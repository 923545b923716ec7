/* virtualMachines: a VM with one NIC in the short form, or with networkInterfaces. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The NIC that a key written at the VM is for; NULL after a mistake: a VM with networkInterfaces has such keys there. */
static struct vnl_nic *short_nic(struct vnl_loading *l, const char *name, struct vnl_vm *vm,
                                 const struct vnl_yaml *node)
{
    if (vm->short_form)
        return vm->nics[0];
    if (l->mixed != vm)
        vnl_lab_mistake(l, node->key_src, "InvalidRequestContent",
                        "write it at one of the network interfaces",
                        "'%s' and 'networkInterfaces' of a virtual machine exclude each other", name);
    l->mixed = vm;
    return NULL;
}

/* A key of the VM's only NIC. */
static void read_nic_key(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    struct vnl_nic *nic = short_nic(l, key->name, resource, node);

    if (nic)
        vnl_lab_read_nic_key(l, key->name, nic, node);
}

static const struct vnl_lab_key vm_keys[] = {
    { "subnet", read_nic_key, .type = "a subnet (VNET/SUBNET)", .fallback = "required",
      .text = "`vnet/subnet`, a subnet's name that is unique in the lab, or a full id; with the other keys "
              "of a NIC "
              "the short form of `networkInterfaces`" },
    { "privateIPAddress", read_nic_key, .type = "an IP address", .fallback = "the lowest free one",
      .text = "static address; a list of one IPv4 and one IPv6 address in a dual-stack subnet" },
    { "enableIPForwarding", read_nic_key, .type = "true or false", .fallback = "false",
      .text = "the NIC's flag: may send and receive packets of other addresses" },
    { "ipForward", vnl_lab_read_bool, offsetof(struct vnl_vm, ip_forward), .type = "true or false",
      .fallback = "false",
      .text =
          "the guest's sysctls `net.ipv4.ip_forward` and IPv6's; an appliance needs both this and the flag" },
    { "networkSecurityGroup", read_nic_key, .type = "a network security group", .fallback = "none",
      .text = "of the VM's NIC; its name, its full id, or `{id: ...}`" },
    { "applicationSecurityGroups", read_nic_key, .type = "a group or a list of groups", .fallback = "none",
      .text = "groups that the VM's NIC is a member of, at most 20" },
    { "publicIPAddress", read_nic_key, .type = "true, false or a public IP address", .fallback = "false",
      .text = "of the VM's NIC; `true` makes one that is called `VM-ip`" },
    { "networkInterfaces", vnl_lab_read_nics, .type = "a map", .fallback = "one NIC",
      .text = "name: a map (below), at most 8; instead of the keys of the short form" },
    { "bandwidth", vnl_lab_read_bandwidth, offsetof(struct vnl_vm, bandwidth_bps),
      .type = "a rate with its unit", .fallback = "not limited",
      .text = "what each of its NICs may send: `1Gbps`, `2.5Mbps`, `64kbps`, `8000bps`" },
    { "run", vnl_lab_read_names, offsetof(struct vnl_vm, run), .type = "a command or a list of commands",
      .fallback = "none", .text = "shell commands started in the VM with the lab" },
    { "location", .type = "a region", .fallback = "its VNet's", .text = "must be its VNet's when written" },
    { "resourceGroup", .type = "a name", .fallback = "the lab's", .text = "part of the resource id" },
    { "subscription", .type = "a GUID", .fallback = "the lab's", .text = "part of the resource id" },
    { "ipForwarding", .refuse = "is ambiguous", .instead = "enableIPForwarding" },
    { "privateIPAddressV6", .refuse = "is part of the address list here", .instead = "privateIPAddress" },
    { "ipConfigurations", .refuse = "belongs to a network interface", .instead = "networkInterfaces" },
    { "dnsServers", .refuse = VNL_NOT_YET },
    { "acceleratedNetworking", .refuse = VNL_NOT_YET },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_vm_keys = { "Virtual machine", "a virtual machine", vm_keys,
                                              ARRAY_SIZE(vm_keys) };

/* The NIC of the short form, "VM-nic". Its name is wrong only when the VM's is, which was said. */
static struct vnl_nic *add_short_nic(struct vnl_loading *l, struct vnl_vm *vm, const struct vnl_yaml *node)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    struct vnl_nic *nic = NULL;

    if (asprintf(&name, "%s-nic", node->key) < 0)
        name = NULL;
    else
        nic = vnl_nic_add(vm, name, &node->key_src, NULL);
    if (!nic)
        (void)vnl_fail(&l->mistakes, ENOMEM, "VM '%s'", node->key);
    return nic && vnl_lab_nic_complete(l, nic) ? nic : NULL;
}

static void read_short_vm(struct vnl_loading *l, struct vnl_vm *vm, const struct vnl_yaml *node)
{
    size_t n_broken = l->n_broken;
    struct vnl_nic *nic = add_short_nic(l, vm, node);

    vm->short_form = true;
    if (!nic)
        return;
    vnl_lab_read_map(l, &vnl_lab_vm_keys, vm, node);
    vnl_lab_check_subnet(l, nic, node, n_broken);
}

static void read_vm(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_scope scope;
    struct vnl_vm *vm;

    vnl_lab_enter(l, &node->key_src, "virtualMachines", node->key);
    scope = vnl_lab_scope(l, node);
    vm = vnl_vm_add(l->lab, node->key, &scope, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (vm && vnl_yaml_lookup(node, "networkInterfaces"))
        vnl_lab_read_map(l, &vnl_lab_vm_keys, vm, node);
    else if (vm)
        read_short_vm(l, vm, node);
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
