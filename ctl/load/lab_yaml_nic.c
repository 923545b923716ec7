/* A VM's networkInterfaces and their ipConfigurations. The short form of a VM, with one NIC, is in lab_yaml_vm.c and goes through the
 * same readers. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ADDRESS_TYPE "an IP address such as 10.0.0.4"

/* --- addresses --------------------------------------------------------------------------------------- */

/* false after a mistake. What builds on an address that nobody could read says nothing. */
static bool parse_address(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                          struct vnl_addr *ret)
{
    const char *text = vnl_lab_text(l, key->name, key->type, node);

    if (text && vnl_addr_parse(text, ret, NULL) == 0)
        return true;
    vnl_lab_broken(l);
    if (text)
        vnl_lab_wrong_type(l, key->name, ADDRESS_TYPE, node);
    return false;
}

static void set_address(struct vnl_ip_config *config, const struct vnl_addr *addr, const struct vnl_src *src)
{
    config->src = *src;
    config->is_static = true;
    config->addr = *addr;
    config->family = addr->family;
}

/* The NIC's first configuration of the family; an IPv6 one is made when its address is written. The dynamic IPv6 configuration of a
 * dual-stack subnet is added when the subnet is known, by vnl_lab_resolve(). */
static struct vnl_ip_config *config_of(struct vnl_loading *l, struct vnl_nic *nic, uint16_t family)
{
    struct vnl_ip_config *config;

    for (size_t i = 0; i < nic->n_configs; i++) {
        if (nic->configs[i].family == family)
            return &nic->configs[i];
    }
    config = vnl_ip_config_add(nic, NULL, &nic->src, &l->mistakes);
    if (config)
        config->family = family;
    return config;
}

static void read_address(struct vnl_loading *l, const struct vnl_lab_key *key, struct vnl_nic *nic,
                         const struct vnl_yaml *node)
{
    struct vnl_ip_config *config;
    struct vnl_addr addr;

    if (!parse_address(l, key, node, &addr))
        return;
    config = config_of(l, nic, addr.family);
    if (config && config->is_static)
        vnl_lab_mistake(l, node->src, NULL, "name the others in 'ipConfigurations'",
                        "'%s' takes one IPv4 and one IPv6 address", key->name);
    else if (config)
        set_address(config, &addr, &node->src);
}

static void read_addresses(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    if (node->type == VNL_YAML_SEQ) {
        for (size_t i = 0; i < node->n_kids; i++)
            read_address(l, key, resource, node->kids[i]);
    } else {
        read_address(l, key, resource, node);
    }
}

/* --- ip configurations ------------------------------------------------------------------------------- */

static void read_config_address(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                                const struct vnl_yaml *node)
{
    struct vnl_ip_config *config = resource;
    struct vnl_addr addr;

    if (!parse_address(l, key, node, &addr))
        return;
    if (config->family && config->family != addr.family)
        vnl_lab_mistake(l, node->src, NULL, NULL, "'%s' must be an %s address, not '%s'", key->name,
                        config->family == AF_INET6 ? "IPv6" : "IPv4", node->text);
    else
        set_address(config, &addr, &node->src);
}

static void read_version(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    struct vnl_ip_config *config = resource;
    bool is_text = node->type == VNL_YAML_SCALAR;
    uint16_t family = is_text && !strcasecmp(node->text, "IPv4")   ? AF_INET
                      : is_text && !strcasecmp(node->text, "IPv6") ? AF_INET6
                                                                   : 0;

    if (!family)
        vnl_lab_wrong_type(l, key->name, key->type, node);
    else if (config->family && config->family != family)
        vnl_lab_mistake(l, node->src, NULL, NULL, "'%s' is %s, and the address is of %s", key->name,
                        node->text, config->family == AF_INET6 ? "IPv6" : "IPv4");
    else
        config->family = family;
}

static void read_config_public(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                               const struct vnl_yaml *node)
{
    struct vnl_ip_config *config = resource;

    vnl_lab_public_ref(l, key, node, NULL, NULL, &config->public_ref, &config->public_src);
}

static const struct vnl_lab_key config_keys[] = {
    { "privateIPAddress", read_config_address, .type = "an IP address", .fallback = "the lowest free one",
      .text = "static address" },
    { "privateIPAddressVersion", read_version, .type = "IPv4 or IPv6", .fallback = "the address's, else IPv4",
      .text = "family of a dynamic address; at most one configuration is of IPv6" },
    { "primary", vnl_lab_read_bool, offsetof(struct vnl_ip_config, primary), .type = "true or false",
      .fallback = "the first one", .text = "whose address the NIC sends from" },
    { "publicIPAddress", read_config_public, .type = "a public IP address", .fallback = "none",
      .text = "its name, its full id, or `{id: ...}`; IPv4 only" },
    { "subnet", .refuse = "is written at the network interface: all its configurations share it" },
    { "applicationSecurityGroups", .refuse = "is written at the network interface" },
    { "privateIPAllocationMethod", .refuse = "follows from the address", .instead = "privateIPAddress" },
};
const struct vnl_lab_keys vnl_lab_config_keys = { "IP configuration", "an ip configuration", config_keys,
                                                  ARRAY_SIZE(config_keys) };

static void read_config(struct vnl_loading *l, struct vnl_nic *nic, const struct vnl_yaml *node)
{
    size_t parent = vnl_lab_enter_child(l, "ipConfigurations", node->key);
    struct vnl_ip_config *config = vnl_ip_config_add(nic, node->key, &node->key_src, &l->mistakes);

    if (config)
        vnl_lab_read_map(l, &vnl_lab_config_keys, config, node);
    vnl_lab_leave_child(l, parent);
}

/* An empty list is as none: the NIC gets the configuration that each one has. */
static void read_configs(struct vnl_loading *l, struct vnl_nic *nic, const struct vnl_yaml *node,
                         const struct vnl_yaml *address)
{
    if (address) {
        vnl_lab_broken(l);
        vnl_lab_mistake(l, address->key_src, "InvalidRequestContent", "write it at one of the configurations",
                        "'privateIPAddress' and 'ipConfigurations' exclude each other");
        return;
    }
    if (!vnl_lab_is_map(l, node->key, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_config(l, nic, node->kids[i]);
}

/* --- network interfaces ------------------------------------------------------------------------------ */

static void read_subnet_ref(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                            const struct vnl_yaml *node)
{
    struct vnl_nic *nic = resource;
    const struct vnl_yaml *value = vnl_lab_ref_value(node);
    const char *text = vnl_lab_text(l, key->name, key->type, value);

    if (!text) {
        vnl_lab_broken(l);
        text = "";
    }
    vnl_lab_copy(l, &nic->subnet_ref, text);
    nic->subnet_src = value->src;
}

static void read_nsg_ref(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    struct vnl_nic *nic = resource;

    vnl_lab_ref(l, key, node, &nic->nsg_ref, &nic->nsg_src);
}

static void read_asg_refs(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_nic *nic = resource;

    vnl_lab_asg_refs(l, key, node, &nic->asg_refs, &nic->asg_src);
}

/* `true` calls it after the VM in the short form. */
static void read_public(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    struct vnl_nic *nic = resource;
    struct vnl_ip_config *config = config_of(l, nic, AF_INET);

    if (config)
        vnl_lab_public_ref(l, key, node, nic->vm->short_form ? nic->vm->name : nic->name, &nic->vm->scope,
                           &config->public_ref, &config->public_src);
}

static const struct vnl_lab_key nic_keys[] = {
    { "subnet", read_subnet_ref, .type = "a subnet (VNET/SUBNET)", .fallback = "required",
      .text =
          "`vnet/subnet`, a subnet's name that is unique in the lab, or a full id; all NICs of a VM are in "
          "one VNet" },
    { "privateIPAddress", read_addresses, .type = "an IP address", .fallback = "the lowest free one",
      .text = "static address; a list of one IPv4 and one IPv6 address in a dual-stack subnet" },
    { "ipConfigurations", .type = "a map", .fallback = "one",
      .text = "several addresses: name: a map (below); instead of `privateIPAddress`" },
    { "primary", vnl_lab_read_bool, offsetof(struct vnl_nic, primary), .type = "true or false",
      .fallback = "the first one", .text = "the NIC that has the guest's default route" },
    { "enableIPForwarding", vnl_lab_read_bool, offsetof(struct vnl_nic, ip_forwarding),
      .type = "true or false", .fallback = "false",
      .text = "may send and receive packets of other addresses" },
    { "networkSecurityGroup", read_nsg_ref, .type = "a network security group", .fallback = "none",
      .text = "its name, its full id, or `{id: ...}`" },
    { "applicationSecurityGroups", read_asg_refs, .type = "a group or a list of groups", .fallback = "none",
      .text = "groups that the NIC is a member of, at most 20" },
    { "publicIPAddress", read_public, .type = "true, false or a public IP address", .fallback = "false",
      .text = "of the primary configuration; `true` makes one that is called `NIC-ip`" },
    { "ipForward", .refuse = "is the guest's and is written at the virtual machine" },
    { "dnsServers", .refuse = VNL_NOT_YET },
    { "enableAcceleratedNetworking", .refuse = VNL_NOT_YET },
    { "macAddress", .refuse = VNL_SET_BY_AZURE },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_nic_keys = { "Network interface", "a network interface", nic_keys,
                                               ARRAY_SIZE(nic_keys) };

bool vnl_lab_nic_complete(struct vnl_loading *l, struct vnl_nic *nic)
{
    return config_of(l, nic, AF_INET) != NULL;
}

void vnl_lab_read_nic_key(struct vnl_loading *l, const char *name, struct vnl_nic *nic,
                          const struct vnl_yaml *node)
{
    for (size_t i = 0; i < ARRAY_SIZE(nic_keys); i++) {
        if (strcmp(nic_keys[i].name, name) == 0)
            nic_keys[i].read(l, &nic_keys[i], nic, node);
    }
}

void vnl_lab_check_subnet(struct vnl_loading *l, struct vnl_nic *nic, const struct vnl_yaml *node,
                          size_t n_broken)
{
    if (nic->subnet_ref)
        return;
    vnl_lab_copy(l, &nic->subnet_ref, "");
    if (l->n_broken == n_broken)
        vnl_lab_missing(l, node, "write '{subnet: VNET/SUBNET}'", "subnet");
}

static void read_nic(struct vnl_loading *l, struct vnl_vm *vm, const struct vnl_yaml *node)
{
    struct vnl_nic *nic = vnl_nic_add(vm, node->key, &node->key_src, &l->mistakes);
    const struct vnl_yaml *configs = vnl_yaml_lookup(node, "ipConfigurations");
    size_t n_broken = l->n_broken;

    if (!nic)
        return;
    if (configs)
        read_configs(l, nic, configs, vnl_yaml_lookup(node, "privateIPAddress"));
    if (nic->n_configs > 0 || vnl_lab_nic_complete(l, nic))
        vnl_lab_read_map(l, &vnl_lab_nic_keys, nic, node);
    vnl_lab_check_subnet(l, nic, node, n_broken);
}

void vnl_lab_read_nics(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++) {
        size_t parent = vnl_lab_enter_child(l, "networkInterfaces", node->kids[i]->key);

        vnl_lab_enter_part(l, &node->kids[i]->key_src);
        read_nic(l, resource, node->kids[i]);
        vnl_lab_leave_part(l);
        vnl_lab_leave_child(l, parent);
    }
}
