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
    if (vnl_arm_get_nsg(lab, &in, &subnet->nsg, &subnet->nsg_ref, &subnet->nsg_src, err) < 0 ||
        vnl_arm_get_route_table(lab, &in, subnet, err) < 0 ||
        vnl_arm_get_nat_gateway(lab, &in, subnet, err) < 0)
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
        vnl_member_space(in.properties, "addressSpace", &vnet->space, err) < 0 ||
        vnl_arm_get_dns(vnet, in.properties, err) < 0)
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
