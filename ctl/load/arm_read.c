/* The way back from a lab's canonical JSON (arm_resource.c): what was decided once is restored, not decided
 * again.
 *
 * A stored lab may be in a state that no lab file can ask for, e.g. a link whose remote VNet is gone, so the
 * rules of vnl_lab_resolve() are not asked. What is asked of the document is what the rest of the program
 * relies on: every reference that must resolve does, slots are unique, each address lies in its subnet, a
 * Connected link has a Connected twin. Members that follow from others are not read: ids of ip
 * configurations, MACs, sync levels, localAddressSpace.
 *
 * The resources come in any order; they are read in passes over the list, so that what a pass refers to is
 * there. The first mistake ends it: the document was written by a program, and a second one would only repeat
 * it. */
#include "vnetlab/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arm_member.h"
#include "arm_read.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"

static const char *access_word(int access)
{
    return vnl_peering_access_str((enum vnl_peering_access)access);
}

static const char *forwarded_word(int forwarded)
{
    return vnl_peering_forwarded_str((enum vnl_peering_forwarded)forwarded);
}

static const char *proto_word(int proto)
{
    return vnl_expect_proto_str((enum vnl_expect_proto)proto);
}

static const char *result_word(int result)
{
    return vnl_expect_result_str((enum vnl_expect_result)result);
}

/* --- the lab --------------------------------------------------------------------------------------- */

static const struct pass {
    enum vnl_type type;
    int (*read)(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);
} passes[] = {
    { VNL_TYPE_ASG, vnl_arm_read_asg },
    { VNL_TYPE_NSG, vnl_arm_read_nsg },
    { VNL_TYPE_ROUTE_TABLE, vnl_arm_read_udr_table },
    { VNL_TYPE_PUBLIC_IP, vnl_arm_read_public_ip },
    { VNL_TYPE_NAT_GATEWAY, vnl_arm_read_nat_gateway },
    { VNL_TYPE_VNET, vnl_arm_read_vnet },
    { VNL_TYPE_NSG, vnl_arm_read_uses },
    { VNL_TYPE_VNET, vnl_arm_read_peerings },
    { VNL_TYPE_VM, vnl_arm_read_vm },
    { VNL_TYPE_NIC, vnl_arm_read_nic },
    { VNL_TYPE_VM, vnl_arm_check_vm },
    { VNL_TYPE_BALANCER, vnl_arm_read_lb },
    { VNL_TYPE_LOCAL_GATEWAY, vnl_arm_read_local_gateway },
    { VNL_TYPE_VPN_GATEWAY, vnl_arm_read_vpn_gateway },
    { VNL_TYPE_CONNECTION, vnl_arm_read_connection },
};

static bool is_of(const struct vnl_json *json, enum vnl_type type)
{
    const char *text = vnl_json_get_text(json, "type");

    return text && !strcmp(text, vnl_arm_type_str(type));
}

static int run_pass(struct vnl_lab *lab, const struct pass *pass, const struct vnl_json *array,
                    struct vnl_err **err)
{
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        const struct vnl_json *json = vnl_json_at(array, i);
        const char *id = vnl_json_get_text(json, "id");

        if (!is_of(json, pass->type) || pass->read(lab, json, err) >= 0)
            continue;
        return id ? vnl_wrap(err, "resource '%s'", id) : vnl_wrap(err, "resource %zu", i);
    }
    return 0;
}

static bool is_top_level(const struct vnl_json *json)
{
    for (size_t i = 0; i < ARRAY_SIZE(passes); i++) {
        if (is_of(json, passes[i].type))
            return true;
    }
    return false;
}

static int check_types(const struct vnl_json *array, struct vnl_err **err)
{
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        const struct vnl_json *json = vnl_json_at(array, i);
        const char *type;

        if (is_top_level(json))
            continue;
        if (vnl_member_text(json, "type", &type, err) < 0)
            return vnl_wrap(err, "resource %zu", i);
        return vnl_fail(err, EINVAL, "resource %zu: type '%s' is unknown", i, type);
    }
    return 0;
}

static int read_resources(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    const struct vnl_json *array;
    int r = vnl_member_array(json, "resources", &array, err);

    if (r < 0 || (r = check_types(array, err)) < 0)
        return r;
    for (size_t i = 0; !r && i < ARRAY_SIZE(passes); i++)
        r = run_pass(lab, &passes[i], array, err);
    return r;
}

/* A VM by its id, or an internet host by its name; nothing when neither member is there. */
static int get_expect_end(const struct vnl_lab *lab, const struct vnl_json *json, const char *vm_key,
                          const char *host_key, struct vnl_vm **ret_vm, struct vnl_host **ret_host,
                          struct vnl_err **err)
{
    const char *text;

    if (vnl_json_get(json, vm_key)) {
        if (vnl_member_text(json, vm_key, &text, err) < 0)
            return -EINVAL;
        *ret_vm = vnl_vm_lookup(lab, text);
        return *ret_vm ? 0 : vnl_fail(err, EINVAL, "virtual machine '%s' is not in the lab", text);
    }
    if (!vnl_json_get(json, host_key))
        return 0;
    if (vnl_member_text(json, host_key, &text, err) < 0)
        return -EINVAL;
    *ret_host = vnl_host_lookup(lab, text);
    return *ret_host ? 0 : vnl_fail(err, EINVAL, "internet host '%s' is not in the lab", text);
}

static int get_site_host(const struct vnl_lab *lab, const struct vnl_json *json, const char *key,
                         struct vnl_site_host **ret, struct vnl_err **err)
{
    const char *text;

    if (!vnl_json_get(json, key))
        return 0;
    if (vnl_member_text(json, key, &text, err) < 0)
        return -EINVAL;
    *ret = vnl_site_host_lookup(lab, text);
    return *ret ? 0 : vnl_fail(err, EINVAL, "host '%s' of a site is not in the lab", text);
}

static int get_expect_ends(const struct vnl_lab *lab, struct vnl_expect *expect, const struct vnl_json *json,
                           struct vnl_err **err)
{
    if (get_expect_end(lab, json, "fromVirtualMachine", "fromHost", &expect->from_vm, &expect->from_host,
                       err) < 0 ||
        get_site_host(lab, json, "fromSiteHost", &expect->from_site_host, err) < 0 ||
        get_site_host(lab, json, "toSiteHost", &expect->to_site_host, err) < 0)
        return -EINVAL;
    if (!expect->from_vm && !expect->from_host && !expect->from_site_host)
        return vnl_fail(err, EINVAL, "'fromVirtualMachine' is missing");
    return get_expect_end(lab, json, "toVirtualMachine", "toHost", &expect->to_vm, &expect->to_host, err);
}

static int get_expect_packet(struct vnl_expect *expect, const struct vnl_json *json, struct vnl_err **err)
{
    int proto, result;
    int64_t port = 0, ttl = 0;

    if (vnl_member_word(json, "protocol", proto_word, VNL_EXPECT_PROTO_MAX, &proto, err) < 0 ||
        vnl_member_word(json, "result", result_word, VNL_EXPECT_RESULT_MAX, &result, err) < 0)
        return -EINVAL;
    if (vnl_json_get(json, "port") && vnl_member_int(json, "port", 1, UINT16_MAX, &port, err) < 0)
        return -EINVAL;
    if (vnl_json_get(json, "ttl") && vnl_member_int(json, "ttl", 1, 255, &ttl, err) < 0)
        return -EINVAL;
    if (vnl_json_get(json, "address") && vnl_member_addr(json, "address", &expect->addr, err) < 0)
        return -EINVAL;
    expect->proto = (enum vnl_expect_proto)proto;
    expect->result = (enum vnl_expect_result)result;
    expect->port = (uint16_t)port;
    expect->ttl = (int)ttl;
    return 0;
}

static int read_expect(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    struct vnl_src src = { 0 };
    struct vnl_expect *expect;

    if (vnl_member_source(lab, json, "source", &src, err) < 0)
        return -EINVAL;
    expect = vnl_expect_add(lab, &src, err);
    if (!expect || vnl_member_copy(json, "from", &expect->from, err) < 0 ||
        vnl_member_copy(json, "to", &expect->to, err) < 0 ||
        vnl_member_copy_if(json, "reason", &expect->reason, err) < 0 ||
        get_expect_ends(lab, expect, json, err) < 0)
        return -EINVAL;
    return get_expect_packet(expect, json, err);
}

static int read_expects(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    const struct vnl_json *array;

    if (vnl_member_array(json, "expect", &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        if (read_expect(lab, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "expect %zu", i);
    }
    return 0;
}

static int read_settings(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    const struct vnl_json *semantics;
    const char *throughput;
    int access, forwarded;

    if (vnl_member_copy_if(json, "file", &lab->file, err) < 0 ||
        vnl_member_copy(json, "location", &lab->defaults.location, err) < 0 ||
        vnl_member_copy(json, "resourceGroup", &lab->defaults.resource_group, err) < 0 ||
        vnl_member_copy(json, "subscription", &lab->defaults.subscription, err) < 0 ||
        vnl_member_object(json, "semantics", &semantics, err) < 0 ||
        vnl_member_word(semantics, "peeringAccess", access_word, VNL_ACCESS_MAX, &access, err) < 0 ||
        vnl_member_word(semantics, "peeringForwarded", forwarded_word, VNL_FORWARDED_MAX, &forwarded, err) <
            0)
        return -EINVAL;
    if (vnl_json_get(semantics, "gatewayThroughput")) {
        if (vnl_member_text(semantics, "gatewayThroughput", &throughput, err) < 0)
            return -EINVAL;
        lab->gateway_throughput = strcmp(throughput, "sku") == 0;
    }
    lab->peering_access = (enum vnl_peering_access)access;
    lab->peering_forwarded = (enum vnl_peering_forwarded)forwarded;
    return 0;
}

/* --- what holds between resources ------------------------------------------------------------------ */

/* There is no one-way peering (vnet-semantics.md section 2.2). */
static int check_links(const struct vnl_vnet *vnet, struct vnl_err **err)
{
    for (size_t i = 0; i < vnet->n_peerings; i++) {
        const struct vnl_peering *link = vnet->peerings[i];
        const struct vnl_peering *twin = vnl_peering_twin(link);

        if (link->state == VNL_PEERING_CONNECTED && (!twin || twin->state != VNL_PEERING_CONNECTED))
            return vnl_fail(err, EINVAL,
                            "resource '%s' is Connected, and the link in the opposite direction is not",
                            link->id);
    }
    return 0;
}

/* A name that is no VM of the lab, and no address either. */
static int check_expects(const struct vnl_lab *lab, struct vnl_err **err)
{
    for (size_t i = 0; i < lab->n_expects; i++) {
        if (!lab->expects[i]->addr.family)
            return vnl_fail(err, EINVAL, "expect %zu: '%s' has no address", i, lab->expects[i]->to);
    }
    return 0;
}

static int finish(struct vnl_lab *lab, struct vnl_err **err)
{
    uint32_t n = 0;
    int r = vnl_arm_check_slots(lab, err);

    for (size_t i = 0; !r && i < lab->n_vnets; i++) {
        for (size_t j = 0; j < lab->vnets[i]->n_subnets; j++)
            lab->vnets[i]->subnets[j]->number = n++;
        r = check_links(lab->vnets[i], err);
    }
    if (r < 0 || (r = vnl_lab_derive(lab, err)) < 0 || (r = vnl_arm_check_uses(lab, err)) < 0)
        return r;
    return check_expects(lab, err);
}

static int read_lab(const struct vnl_json *json, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    const char *name;

    if (vnl_member_text(json, "name", &name, err) < 0 || vnl_lab_new(name, &lab, err) < 0 ||
        read_settings(lab, json, err) < 0 || read_resources(lab, json, err) < 0 ||
        vnl_arm_read_internet(lab, json, err) < 0 || vnl_arm_read_sites(lab, json, err) < 0 ||
        vnl_arm_read_clients(lab, json, err) < 0 || read_expects(lab, json, err) < 0 || finish(lab, err) < 0)
        return -EINVAL;
    *ret = TAKE_PTR(lab);
    return 0;
}

/* The functions above look into *err to see whether an add found something wrong, so there always is one, and
 * it is empty. */
int vnl_lab_from_json(const struct vnl_json *json, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    int r = read_lab(json, ret, &why);

    if (r < 0 && why)
        r = -why->num;
    if (err)
        vnl_err_append(err, &why);
    return r;
}
