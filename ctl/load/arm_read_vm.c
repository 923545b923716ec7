/* Virtual machines and network interfaces from their canonical JSON: see arm_read.c. */
#include "arm_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arm_member.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"

static const char *allocation_word(int is_static)
{
    return is_static ? "Static" : "Dynamic";
}

static int get_bandwidth(struct vnl_vm *vm, const struct vnl_json *own, struct vnl_err **err)
{
    int64_t bandwidth = 0;

    if (vnl_json_get(own, "bandwidth") && vnl_member_int(own, "bandwidth", 1, INT64_MAX, &bandwidth, err) < 0)
        return -EINVAL;
    vm->bandwidth_bps = (uint64_t)bandwidth;
    return 0;
}

int vnl_arm_read_vm(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    CLEANUP(vnl_arm_scope_done) struct vnl_scope scope = { 0 };
    struct vnl_arm_resource in;
    struct vnl_vm *vm;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 || vnl_arm_scope_init(&scope, &in, err) < 0)
        return -EINVAL;
    vm = vnl_vm_add(lab, in.name, &scope, &in.src, err);
    if (vnl_arm_check_added(vm ? vm->id : NULL, &in, err) < 0 ||
        vnl_member_bool(in.own, "ipForward", &vm->ip_forward, err) < 0)
        return -EINVAL;
    vm->short_form = true; /* unless the member says otherwise */
    if (vnl_json_get(in.own, "shortForm") && vnl_member_bool(in.own, "shortForm", &vm->short_form, err) < 0)
        return -EINVAL;
    if (get_bandwidth(vm, in.own, err) < 0)
        return -EINVAL;
    return vnl_member_names(in.own, "run", &vm->run, err);
}

struct vnl_subnet *vnl_arm_subnet_lookup(const struct vnl_lab *lab, const char *id)
{
    static const char between[] = "/subnets/";
    const char *child = strstr(id, between);
    CLEANUP(vnl_str_free) char *vnet_id = child ? strndup(id, (size_t)(child - id)) : NULL;
    const struct vnl_vnet *vnet = vnet_id ? vnl_vnet_lookup(lab, vnet_id) : NULL;

    return vnet ? vnl_subnet_lookup(vnet, child + strlen(between)) : NULL;
}

int vnl_arm_check_subnet_addr(const struct vnl_subnet *subnet, const struct vnl_addr *addr,
                              struct vnl_err **err)
{
    char buf[VNL_ADDR_STR];

    for (size_t i = 0; i < subnet->prefixes.n; i++) {
        if (vnl_prefix_has(&subnet->prefixes.items[i], addr))
            return 0;
    }
    return vnl_fail(err, EINVAL, "%s is not in subnet '%s'", vnl_addr_format(addr, buf), subnet->name);
}

/* All configurations of a NIC are in one subnet (vnet-semantics.md section 1.4). */
static int check_config(const struct vnl_lab *lab, struct vnl_nic *nic, const char *subnet_id,
                        const struct vnl_ip_config *config, struct vnl_err **err)
{
    struct vnl_subnet *subnet = vnl_arm_subnet_lookup(lab, subnet_id);

    if (!subnet)
        return vnl_fail(err, EINVAL, "subnet '%s' is not in the lab", subnet_id);
    if (nic->subnet && nic->subnet != subnet)
        return vnl_fail(err, EINVAL, "is in another subnet than the first one");
    nic->subnet = subnet;
    return vnl_arm_check_subnet_addr(subnet, &config->addr, err);
}

static int get_config(const struct vnl_lab *lab, struct vnl_nic *nic, const struct vnl_json *properties,
                      struct vnl_ip_config *config, struct vnl_err **err)
{
    const char *subnet;
    int is_static;

    if (vnl_member_addr(properties, "privateIPAddress", &config->addr, err) < 0 ||
        vnl_member_word(properties, "privateIPAllocationMethod", allocation_word, 2, &is_static, err) < 0 ||
        vnl_member_ref(properties, "subnet", &subnet, err) < 0)
        return -EINVAL;
    config->is_static = is_static;
    config->family = config->addr.family;
    return check_config(lab, nic, subnet, config, err);
}

static int read_config(const struct vnl_lab *lab, struct vnl_nic *nic, const struct vnl_json *json,
                       struct vnl_err **err)
{
    const struct vnl_json *properties, *own;
    struct vnl_ip_config *config;
    struct vnl_src src = { 0 };
    const char *name;

    if (vnl_member_text(json, "name", &name, err) < 0 ||
        vnl_member_object(json, "properties", &properties, err) < 0 ||
        vnl_member_object(json, "vnetlab", &own, err) < 0 ||
        vnl_member_source(lab, own, "source", &src, err) < 0)
        return -EINVAL;
    config = vnl_ip_config_add(nic, name, &src, err);
    if (!config || *err)
        return -EINVAL;
    if (vnl_arm_get_public_ip(lab, properties, own, config, err) < 0)
        return -EINVAL;
    return get_config(lab, nic, properties, config, err);
}

/* All configurations of a NIC are in the same groups; the first one tells. */
static int get_asgs(const struct vnl_lab *lab, struct vnl_nic *nic, const struct vnl_json *json,
                    struct vnl_err **err)
{
    return vnl_arm_get_asgs(lab, vnl_json_get(json, "properties"), "applicationSecurityGroups", &nic->asgs,
                            &nic->n_asgs, err);
}

/* IPv4 configurations, the primary first, and behind them at most one of IPv6 (vnet-semantics.md section 1.1). */
static int check_families(const struct vnl_nic *nic, struct vnl_err **err)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        bool is_ipv6 = nic->configs[i].family == AF_INET6;

        if (is_ipv6 && (i == 0 || i + 1 < nic->n_configs))
            return vnl_fail(err, EINVAL, "ip configuration %zu is of IPv6, and not the last one behind IPv4",
                            i);
    }
    return 0;
}

static int get_configs(const struct vnl_lab *lab, struct vnl_nic *nic, const struct vnl_json *properties,
                       struct vnl_err **err)
{
    const struct vnl_json *array;
    size_t n;

    if (vnl_member_array(properties, "ipConfigurations", &array, err) < 0)
        return -EINVAL;
    n = vnl_json_len(array);
    if (n == 0)
        return vnl_fail(err, EINVAL, "'ipConfigurations' is empty");
    for (size_t i = 0; i < n; i++) {
        if (read_config(lab, nic, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "ip configuration %zu", i);
        if (i == 0 && get_asgs(lab, nic, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "ip configuration %zu", i);
    }
    nic->configs[0].primary = true;
    return check_families(nic, err);
}

int vnl_arm_read_nic(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    struct vnl_arm_resource in;
    const char *vm_id;
    struct vnl_vm *vm;
    struct vnl_nic *nic;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 ||
        vnl_member_ref(in.properties, "virtualMachine", &vm_id, err) < 0)
        return -EINVAL;
    vm = vnl_vm_lookup(lab, vm_id);
    if (!vm)
        return vnl_fail(err, EINVAL, "virtual machine '%s' is not in the lab", vm_id);
    nic = vnl_nic_add(vm, in.name, &in.src, err);
    if (vnl_arm_check_added(nic ? nic->id : NULL, &in, err) < 0 ||
        vnl_arm_get_slot(in.own, &nic->slot, err) < 0 ||
        vnl_member_bool(in.properties, "enableIPForwarding", &nic->ip_forwarding, err) < 0 ||
        vnl_member_copy(in.own, "subnetRef", &nic->subnet_ref, err) < 0 ||
        vnl_member_source(lab, in.own, "subnetSource", &nic->subnet_src, err) < 0)
        return -EINVAL;
    if (vnl_arm_get_nsg(lab, &in, &nic->nsg, &nic->nsg_ref, &nic->nsg_src, err) < 0 ||
        vnl_member_names_if(in.own, "applicationSecurityGroupRefs", &nic->asg_refs, err) < 0 ||
        vnl_member_source(lab, in.own, "applicationSecurityGroupSource", &nic->asg_src, err) < 0)
        return -EINVAL;
    return get_configs(lab, nic, in.properties, err);
}

/* The VM's list of NICs is what was read, in this order. */
int vnl_arm_check_vm(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    struct vnl_vm *vm = vnl_vm_lookup(lab, vnl_json_get_text(json, "id"));
    const struct vnl_json *profile, *array;

    if (vnl_member_object(vnl_json_get(json, "properties"), "networkProfile", &profile, err) < 0 ||
        vnl_member_array(profile, "networkInterfaces", &array, err) < 0)
        return -EINVAL;
    if (!vm->n_nics || vm->n_nics != vnl_json_len(array))
        return vnl_fail(err, EINVAL, "lists %zu network interfaces, and %zu name it as theirs",
                        vnl_json_len(array), vm->n_nics);
    vm->nics[0]->primary = true;
    if (vm->short_form && vm->n_nics > 1)
        return vnl_fail(err, EINVAL, "'shortForm' is for one network interface, not for %zu", vm->n_nics);
    for (size_t i = 0; i < vm->n_nics; i++) {
        const char *id = vnl_json_get_text(vnl_json_at(array, i), "id");

        if (!id || strcmp(id, vm->nics[i]->id) != 0)
            return vnl_fail(err, EINVAL, "network interface %zu is '%s', and not '%s'", i, id ? id : "",
                            vm->nics[i]->id);
        if (vm->nics[i]->subnet->vnet != vm->nics[0]->subnet->vnet)
            return vnl_fail(err, EINVAL,
                            "network interface %zu is in another virtual network than the first one", i);
    }
    return 0;
}
