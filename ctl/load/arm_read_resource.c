/* Resources from their canonical JSON: see arm_read.c. */
#include "arm_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm_member.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"

static const char *state_word(int state)
{
    return vnl_peering_state_str((enum vnl_peering_state)state);
}

static const char *allocation_word(int is_static)
{
    return is_static ? "Static" : "Dynamic";
}

/* --- virtual networks ------------------------------------------------------------------------------ */

static int get_subnet_prefixes(struct vnl_subnet *subnet, const struct vnl_json *properties,
                               struct vnl_err **err)
{
    const char *text;

    subnet->plural = vnl_json_get(properties, "addressPrefixes");
    if (subnet->plural)
        return vnl_member_prefixes(properties, &subnet->prefixes, err);
    if (vnl_member_text(properties, "addressPrefix", &text, err) < 0)
        return -EINVAL;
    return vnl_member_add_prefix(&subnet->prefixes, text, err);
}

static int read_subnet(struct vnl_lab *lab, struct vnl_vnet *vnet, const struct vnl_json *json,
                       struct vnl_err **err)
{
    struct vnl_arm_resource in;
    struct vnl_subnet *subnet;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0)
        return -EINVAL;
    subnet = vnl_subnet_add(vnet, in.name, &in.src, err);
    if (vnl_arm_check_added(subnet ? subnet->id : NULL, &in, err) < 0)
        return -EINVAL;
    if (vnl_arm_get_nsg(lab, &in, &subnet->nsg, &subnet->nsg_ref, &subnet->nsg_src, err) < 0)
        return -EINVAL;
    return get_subnet_prefixes(subnet, in.properties, err);
}

static int get_subnets(struct vnl_lab *lab, struct vnl_vnet *vnet, const struct vnl_json *properties,
                       struct vnl_err **err)
{
    const struct vnl_json *array;

    if (vnl_member_array(properties, "subnets", &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        if (read_subnet(lab, vnet, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "subnet %zu", i);
    }
    return 0;
}

int vnl_arm_read_vnet(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    CLEANUP(vnl_arm_scope_done) struct vnl_scope scope = { 0 };
    struct vnl_arm_resource in;
    struct vnl_vnet *vnet;
    int64_t timeout = 0;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 || vnl_arm_scope_init(&scope, &in, err) < 0)
        return -EINVAL;
    vnet = vnl_vnet_add(lab, in.name, &scope, &in.src, err);
    if (vnl_arm_check_added(vnet ? vnet->id : NULL, &in, err) < 0 ||
        vnl_arm_get_slot(in.own, &vnet->slot, err) < 0 ||
        vnl_member_space(in.properties, "addressSpace", &vnet->space, err) < 0)
        return -EINVAL;
    if (vnl_json_get(in.properties, "flowTimeoutInMinutes") &&
        vnl_member_int(in.properties, "flowTimeoutInMinutes", 4, 30, &timeout, err) < 0)
        return -EINVAL;
    vnet->flow_timeout_min = (int)timeout;
    return get_subnets(lab, vnet, in.properties, err);
}

static int get_link_flags(struct vnl_peering *link, const struct vnl_json *in, struct vnl_err **err)
{
    const struct {
        const char *key;
        bool *ret;
    } flags[] = {
        { "allowVirtualNetworkAccess", &link->allow_vnet_access },
        { "allowForwardedTraffic", &link->allow_forwarded_traffic },
        { "allowGatewayTransit", &link->allow_gateway_transit },
        { "useRemoteGateways", &link->use_remote_gateways },
        { "doNotVerifyRemoteGateways", &link->do_not_verify_remote_gateways },
        { "peerCompleteVnets", &link->complete_vnets },
        { "enableOnlyIPv6Peering", &link->only_ipv6 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (vnl_member_bool(in, flags[i].key, flags[i].ret, err) < 0)
            return -EINVAL;
    }
    return 0;
}

static int check_subnets(const struct vnl_vnet *vnet, const struct vnl_names *names, struct vnl_err **err)
{
    for (size_t i = 0; vnet && i < names->n; i++) {
        if (!vnl_subnet_lookup(vnet, names->items[i]))
            return vnl_fail(err, EINVAL, "virtual network '%s' has no subnet '%s'", vnet->name,
                            names->items[i]);
    }
    return 0;
}

static int get_link_subnets(struct vnl_peering *link, const struct vnl_json *in, struct vnl_err **err)
{
    if (vnl_member_names_if(in, "localSubnetNames", &link->local_subnets, err) < 0 ||
        vnl_member_names_if(in, "remoteSubnetNames", &link->remote_subnets, err) < 0)
        return -EINVAL;
    if (check_subnets(link->vnet, &link->local_subnets, err) < 0)
        return -EINVAL;
    return check_subnets(link->remote, &link->remote_subnets, err);
}

/* A link whose remote VNet is not there keeps the id of it as its reference. Only a Disconnected one can be so (spec 2.2, event 8). */
static int keep_gone_remote(struct vnl_peering *link, const char *id, struct vnl_err **err)
{
    char *ref;

    if (link->state != VNL_PEERING_DISCONNECTED || *id != '/')
        return vnl_fail(err, EINVAL, "is %s, but '%s' is not in the lab", state_word((int)link->state), id);
    ref = strdup(id);
    if (!ref)
        return vnl_fail(err, ENOMEM, "'remoteVirtualNetwork'");
    free(link->remote_ref);
    link->remote_ref = ref;
    return 0;
}

/* The state, and what is in force in it. */
static int get_link_state(struct vnl_lab *lab, struct vnl_peering *link, const struct vnl_json *in,
                          struct vnl_err **err)
{
    const char *remote;
    int state;

    if (vnl_member_word(in, "peeringState", state_word, VNL_PEERING_STATE_MAX, &state, err) < 0 ||
        vnl_member_ref(in, "remoteVirtualNetwork", &remote, err) < 0 ||
        vnl_member_space(in, "remoteAddressSpace", &link->remote_space, err) < 0)
        return -EINVAL;
    link->state = (enum vnl_peering_state)state;
    link->remote = vnl_vnet_lookup(lab, remote);
    if (link->remote == link->vnet)
        return vnl_fail(err, EINVAL, "peers its virtual network with itself");
    return link->remote ? 0 : keep_gone_remote(link, remote, err);
}

static int read_peering(struct vnl_lab *lab, struct vnl_vnet *vnet, const struct vnl_json *json,
                        struct vnl_err **err)
{
    struct vnl_arm_resource in;
    struct vnl_peering *link;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0)
        return -EINVAL;
    link = vnl_peering_add(vnet, in.name, &in.src, err);
    if (vnl_arm_check_added(link ? link->id : NULL, &in, err) < 0)
        return -EINVAL;
    if (vnl_member_copy(in.own, "remoteRef", &link->remote_ref, err) < 0 ||
        vnl_member_source(lab, in.own, "remoteSource", &link->remote_src, err) < 0 ||
        get_link_state(lab, link, in.properties, err) < 0 || get_link_flags(link, in.properties, err) < 0)
        return -EINVAL;
    return get_link_subnets(link, in.properties, err);
}

int vnl_arm_read_peerings(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    struct vnl_vnet *vnet = vnl_vnet_lookup(lab, vnl_json_get_text(json, "id"));
    const struct vnl_json *properties, *array;

    if (vnl_member_object(json, "properties", &properties, err) < 0 ||
        vnl_member_array(properties, "virtualNetworkPeerings", &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        if (read_peering(lab, vnet, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "peering %zu", i);
    }
    return 0;
}

/* --- virtual machines ------------------------------------------------------------------------------ */

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
    return vnl_member_names(in.own, "run", &vm->run, err);
}

static struct vnl_subnet *subnet_lookup(const struct vnl_lab *lab, const char *id)
{
    static const char between[] = "/subnets/";
    const char *child = strstr(id, between);
    CLEANUP(vnl_str_free) char *vnet_id = child ? strndup(id, (size_t)(child - id)) : NULL;
    const struct vnl_vnet *vnet = vnet_id ? vnl_vnet_lookup(lab, vnet_id) : NULL;

    return vnet ? vnl_subnet_lookup(vnet, child + strlen(between)) : NULL;
}

static bool subnet_has(const struct vnl_subnet *subnet, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < subnet->prefixes.n; i++) {
        if (vnl_prefix_has(&subnet->prefixes.items[i], addr))
            return true;
    }
    return false;
}

/* All configurations of a NIC are in one subnet (vnet-semantics.md section 1.4). */
static int check_config(const struct vnl_lab *lab, struct vnl_nic *nic, const char *subnet_id,
                        const struct vnl_ip_config *config, struct vnl_err **err)
{
    const struct vnl_subnet *subnet = subnet_lookup(lab, subnet_id);
    char buf[VNL_ADDR_STR];

    if (!subnet)
        return vnl_fail(err, EINVAL, "subnet '%s' is not in the lab", subnet_id);
    if (nic->subnet && nic->subnet != subnet)
        return vnl_fail(err, EINVAL, "is in another subnet than the first one");
    if (!subnet_has(subnet, &config->addr))
        return vnl_fail(err, EINVAL, "%s is not in subnet '%s'", vnl_addr_format(&config->addr, buf),
                        subnet->name);
    nic->subnet = (struct vnl_subnet *)subnet;
    return 0;
}

static int read_config(const struct vnl_lab *lab, struct vnl_nic *nic, const struct vnl_json *json,
                       struct vnl_ip_config *config, struct vnl_err **err)
{
    const struct vnl_json *properties, *own;
    const char *subnet;
    int is_static;

    if (vnl_member_object(json, "properties", &properties, err) < 0 ||
        vnl_member_object(json, "vnetlab", &own, err) < 0 ||
        vnl_member_source(lab, own, "source", &config->src, err) < 0 ||
        vnl_member_addr(properties, "privateIPAddress", &config->addr, err) < 0 ||
        vnl_member_word(properties, "privateIPAllocationMethod", allocation_word, 2, &is_static, err) < 0 ||
        vnl_member_ref(properties, "subnet", &subnet, err) < 0)
        return -EINVAL;
    config->is_static = is_static;
    return check_config(lab, nic, subnet, config, err);
}

/* All configurations of a NIC are in the same groups; the first one tells. */
static int get_asgs(const struct vnl_lab *lab, struct vnl_nic *nic, const struct vnl_json *json,
                    struct vnl_err **err)
{
    return vnl_arm_get_asgs(lab, vnl_json_get(json, "properties"), "applicationSecurityGroups", &nic->asgs,
                            &nic->n_asgs, err);
}

/* One IPv4 configuration, and behind it at most one of IPv6 (vnet-semantics.md section 1.1). */
static int get_configs(const struct vnl_lab *lab, struct vnl_nic *nic, const struct vnl_json *properties,
                       struct vnl_err **err)
{
    static const uint16_t families[] = { AF_INET, AF_INET6 };
    const struct vnl_json *array;
    size_t n;

    if (vnl_member_array(properties, "ipConfigurations", &array, err) < 0)
        return -EINVAL;
    n = vnl_json_len(array);
    if (n < 1 || n > ARRAY_SIZE(families))
        return vnl_fail(err, EINVAL, "'ipConfigurations' has %zu elements, and not 1 or 2", n);
    nic->configs = calloc(n, sizeof(*nic->configs));
    if (!nic->configs)
        return vnl_fail(err, ENOMEM, "'ipConfigurations'");
    for (size_t i = 0; i < n; i++, nic->n_configs++) {
        if (read_config(lab, nic, vnl_json_at(array, i), &nic->configs[i], err) < 0)
            return vnl_wrap(err, "ip configuration %zu", i);
        if (i == 0 && get_asgs(lab, nic, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "ip configuration %zu", i);
        if (nic->configs[i].addr.family != families[i])
            return vnl_fail(err, EINVAL, "ip configuration %zu is not of IPv%d", i, i ? 6 : 4);
    }
    return 0;
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
    const struct vnl_vm *vm = vnl_vm_lookup(lab, vnl_json_get_text(json, "id"));
    const struct vnl_json *profile, *array;

    if (vnl_member_object(vnl_json_get(json, "properties"), "networkProfile", &profile, err) < 0 ||
        vnl_member_array(profile, "networkInterfaces", &array, err) < 0)
        return -EINVAL;
    if (!vm->n_nics || vm->n_nics != vnl_json_len(array))
        return vnl_fail(err, EINVAL, "lists %zu network interfaces, and %zu name it as theirs",
                        vnl_json_len(array), vm->n_nics);
    for (size_t i = 0; i < vm->n_nics; i++) {
        const char *id = vnl_json_get_text(vnl_json_at(array, i), "id");

        if (!id || strcmp(id, vm->nics[i]->id) != 0)
            return vnl_fail(err, EINVAL, "network interface %zu is '%s', and not '%s'", i, id ? id : "",
                            vm->nics[i]->id);
    }
    return 0;
}
