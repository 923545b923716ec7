/* What is on premises, from its canonical JSON: local network gateways and sites. See arm_read.c. */
#include "arm_read.h"

#include <errno.h>
#include <stdlib.h>

#include "arm_member.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"

static int check_ipv4(const struct vnl_prefixes *prefixes, const char *key, struct vnl_err **err)
{
    for (size_t i = 0; i < prefixes->n; i++) {
        if (prefixes->items[i].addr.family != AF_INET)
            return vnl_fail(err, EINVAL, "'%s' has one that is not IPv4", key);
    }
    return 0;
}

static int check_space(const struct vnl_prefixes *prefixes, struct vnl_err **err)
{
    if (prefixes->n == 0)
        return vnl_fail(err, EINVAL, "'addressPrefixes' is empty");
    return check_ipv4(prefixes, "addressPrefixes", err);
}

/* Empty only with BGP: spec 14. */
static int check_local_space(const struct vnl_local_gateway *local, struct vnl_err **err)
{
    return local->bgp.written ? check_ipv4(&local->prefixes, "addressPrefixes", err)
                              : check_space(&local->prefixes, err);
}

/* What every end of a session has, when it is there. */
static int get_bgp(const struct vnl_lab *lab, const struct vnl_json *properties, const struct vnl_json *own,
                   struct vnl_bgp *bgp, struct vnl_err **err)
{
    const struct vnl_json *json;
    int64_t asn, weight;

    if (!vnl_json_get(properties, "bgpSettings"))
        return 0;
    if (vnl_member_object(properties, "bgpSettings", &json, err) < 0)
        return -EINVAL;
    if (vnl_member_int(json, "asn", 1, UINT32_MAX, &asn, err) < 0 ||
        vnl_arm_get_ipv4(json, "bgpPeeringAddress", &bgp->addr, err) < 0 ||
        vnl_member_int(json, "peerWeight", 0, UINT16_MAX, &weight, err) < 0)
        return vnl_wrap(err, "'bgpSettings'");
    bgp->written = true;
    bgp->asn = (uint32_t)asn;
    bgp->weight = (int)weight;
    return vnl_member_source(lab, own, "bgpSettingsSource", &bgp->src, err);
}

/* --- local network gateways -------------------------------------------------------------------------- */

int vnl_arm_read_local_gateway(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    CLEANUP(vnl_arm_scope_done) struct vnl_scope scope = { 0 };
    struct vnl_arm_resource in;
    struct vnl_local_gateway *local;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 || vnl_arm_scope_init(&scope, &in, err) < 0)
        return -EINVAL;
    local = vnl_local_gateway_add(lab, in.name, &scope, &in.src, err);
    if (vnl_arm_check_added(local ? local->id : NULL, &in, err) < 0 ||
        vnl_arm_get_ipv4(in.properties, "gatewayIpAddress", &local->addr, err) < 0 ||
        vnl_member_space(in.properties, "localNetworkAddressSpace", &local->prefixes, err) < 0 ||
        get_bgp(lab, in.properties, in.own, &local->bgp, err) < 0 || check_local_space(local, err) < 0 ||
        vnl_member_source(lab, in.own, "gatewayIpAddressSource", &local->addr_src, err) < 0)
        return -EINVAL;
    return vnl_member_source(lab, in.own, "addressPrefixesSource", &local->prefixes_src, err);
}

/* --- sites ------------------------------------------------------------------------------------------- */

static int read_site_host(struct vnl_lab *lab, struct vnl_site *site, const struct vnl_json *json,
                          struct vnl_err **err)
{
    const struct vnl_json *own;
    struct vnl_src src = { 0 };
    struct vnl_site_host *host;
    const char *name;

    if (vnl_member_text(json, "name", &name, err) < 0 || vnl_member_object(json, "vnetlab", &own, err) < 0 ||
        vnl_member_source(lab, own, "source", &src, err) < 0)
        return -EINVAL;
    host = vnl_site_host_add(lab, site, name, &src, err);
    if (!host || *err || vnl_arm_get_ipv4(json, "address", &host->addr, err) < 0 ||
        vnl_arm_get_slot(own, &host->slot, err) < 0)
        return -EINVAL;
    return vnl_member_names(json, "run", &host->run, err);
}

static int get_site_own(const struct vnl_lab *lab, const struct vnl_json *own, struct vnl_site *site,
                        struct vnl_err **err)
{
    if (vnl_member_source(lab, own, "publicIPAddressSource", &site->addr_src, err) < 0 ||
        vnl_member_source(lab, own, "addressPrefixesSource", &site->prefixes_src, err) < 0 ||
        vnl_member_copy_if(own, "sharedKey", &site->shared_key, err) < 0 ||
        vnl_member_source(lab, own, "sharedKeySource", &site->key_src, err) < 0 ||
        vnl_arm_get_slot(own, &site->slot, err) < 0 ||
        vnl_arm_get_named_slot(own, "insideSlot", &site->in_slot, err) < 0)
        return -EINVAL;
    return vnl_arm_get_named_slot(own, "outsideSlot", &site->out_slot, err);
}

static int get_site_bgp(const struct vnl_lab *lab, const struct vnl_json *json, const struct vnl_json *own,
                        struct vnl_site *site, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names texts = { 0 };
    const struct vnl_json *bgp = vnl_json_get(json, "bgpSettings");
    int64_t prepend;

    if (get_bgp(lab, json, own, &site->bgp, err) < 0)
        return -EINVAL;
    if (!bgp)
        return 0;
    if (vnl_member_int(bgp, "asPathPrepend", 0, UINT8_MAX, &prepend, err) < 0 ||
        vnl_member_names_if(bgp, "advertisedPrefixes", &texts, err) < 0)
        return vnl_wrap(err, "'bgpSettings'");
    site->prepend = (int)prepend;
    site->advertises = vnl_json_get(bgp, "advertisedPrefixes");
    for (size_t i = 0; i < texts.n; i++) {
        if (vnl_member_add_prefix(&site->advertised, texts.items[i], err) < 0)
            return vnl_wrap(err, "'advertisedPrefixes'");
    }
    return check_ipv4(&site->advertised, "advertisedPrefixes", err);
}

static int read_site(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    const struct vnl_json *own, *hosts;
    struct vnl_src src = { 0 };
    struct vnl_site *site;
    const char *name;

    if (vnl_member_text(json, "name", &name, err) < 0 || vnl_member_object(json, "vnetlab", &own, err) < 0 ||
        vnl_member_source(lab, own, "source", &src, err) < 0)
        return -EINVAL;
    site = vnl_site_add(lab, name, &src, err);
    if (!site || *err || vnl_arm_get_ipv4(json, "publicIPAddress", &site->addr, err) < 0 ||
        vnl_member_prefixes(json, &site->prefixes, err) < 0 ||
        vnl_member_copy_if(json, "swanctl", &site->swanctl, err) < 0 ||
        check_space(&site->prefixes, err) < 0 || get_site_bgp(lab, json, own, site, err) < 0 ||
        get_site_own(lab, own, site, err) < 0 || vnl_member_array(json, "hosts", &hosts, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(hosts); i++) {
        if (read_site_host(lab, site, vnl_json_at(hosts, i), err) < 0)
            return vnl_wrap(err, "host %zu", i);
    }
    return 0;
}

int vnl_arm_read_sites(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    const struct vnl_json *array;

    if (!vnl_json_get(json, "sites"))
        return 0;
    if (vnl_member_array(json, "sites", &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        if (read_site(lab, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "site %zu", i);
    }
    return 0;
}
