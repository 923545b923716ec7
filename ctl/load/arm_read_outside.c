/* Public IP addresses, NAT gateways and the internet side from their canonical JSON: see arm_read.c. */
#include "arm_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arm_member.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"

static const char *sku_word(int sku)
{
    return vnl_sku_str((enum vnl_sku)sku);
}

int vnl_arm_get_sku(const struct vnl_json *json, enum vnl_sku *ret, struct vnl_err **err)
{
    const struct vnl_json *sku;
    int word;

    if (vnl_member_object(json, "sku", &sku, err) < 0 ||
        vnl_member_word(sku, "name", sku_word, VNL_SKU_MAX, &word, err) < 0)
        return -EINVAL;
    *ret = (enum vnl_sku)word;
    return 0;
}

/* As it was written: minutes from 4; nothing, or 0, was not. */
int vnl_arm_get_minutes(const struct vnl_json *own, int max, int *ret, struct vnl_err **err)
{
    int64_t minutes = 0;

    if (vnl_json_get(own, "idleTimeoutInMinutes") &&
        vnl_member_int(own, "idleTimeoutInMinutes", 0, max, &minutes, err) < 0)
        return -EINVAL;
    if (minutes && minutes < 4)
        return vnl_fail(err, EINVAL, "'idleTimeoutInMinutes' is %lld, and not between 4 and %d",
                        (long long)minutes, max);
    *ret = (int)minutes;
    return 0;
}

/* --- public IP addresses ----------------------------------------------------------------------------- */

int vnl_arm_read_public_ip(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    CLEANUP(vnl_arm_scope_done) struct vnl_scope scope = { 0 };
    struct vnl_arm_resource in;
    struct vnl_public_ip *one;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 || vnl_arm_scope_init(&scope, &in, err) < 0)
        return -EINVAL;
    one = vnl_public_ip_add(lab, in.name, &scope, &in.src, err);
    if (vnl_arm_check_added(one ? one->id : NULL, &in, err) < 0 ||
        vnl_arm_get_sku(json, &one->sku, err) < 0 ||
        vnl_member_addr(in.properties, "ipAddress", &one->addr, err) < 0 ||
        vnl_member_bool(in.own, "static", &one->is_static, err) < 0 ||
        vnl_member_bool(in.own, "implied", &one->implied, err) < 0 ||
        vnl_member_source(lab, in.own, "addressSource", &one->addr_src, err) < 0)
        return -EINVAL;
    return vnl_arm_get_minutes(in.own, 30, &one->idle_timeout_min, err);
}

int vnl_arm_get_public_ip(const struct vnl_lab *lab, const struct vnl_json *properties,
                          const struct vnl_json *own, struct vnl_ip_config *config, struct vnl_err **err)
{
    const char *id;

    if (!vnl_json_get(properties, "publicIPAddress"))
        return 0;
    if (vnl_member_ref(properties, "publicIPAddress", &id, err) < 0 ||
        vnl_member_copy(own, "publicIPAddressRef", &config->public_ref, err) < 0 ||
        vnl_member_source(lab, own, "publicIPAddressSource", &config->public_src, err) < 0)
        return -EINVAL;
    config->public_ip = vnl_public_ip_lookup(lab, id);
    if (!config->public_ip)
        return vnl_fail(err, EINVAL, "public IP address '%s' is not in the lab", id);
    if (config->public_ip->config || config->public_ip->nat)
        return vnl_fail(err, EINVAL, "public IP address '%s' is attached twice", id);
    config->public_ip->config =
        config; /* until vnl_lab_derive(): configurations move when others are added */
    return 0;
}

/* --- NAT gateways ------------------------------------------------------------------------------------ */

static int add_public(const struct vnl_lab *lab, struct vnl_nat_gateway *nat, const struct vnl_json *ref,
                      struct vnl_err **err)
{
    struct vnl_public_ip *one;
    const char *id;

    if (vnl_member_text(ref, "id", &id, err) < 0)
        return -EINVAL;
    one = vnl_public_ip_lookup(lab, id);
    if (!one || one->nat)
        return vnl_fail(err, EINVAL,
                        one ? "public IP address '%s' has two NAT gateways"
                            : "public IP address '%s' is not in the lab",
                        id);
    one->nat = nat;
    nat->publics[nat->n_publics++] = one;
    return 0;
}

static int get_publics(const struct vnl_lab *lab, struct vnl_nat_gateway *nat,
                       const struct vnl_json *properties, struct vnl_err **err)
{
    const struct vnl_json *array;

    if (vnl_member_array(properties, "publicIpAddresses", &array, err) < 0)
        return -EINVAL;
    if (vnl_json_len(array) == 0)
        return vnl_fail(err, EINVAL, "'publicIpAddresses' is empty");
    nat->publics = calloc(vnl_json_len(array), sizeof(*nat->publics));
    if (!nat->publics)
        return vnl_fail(err, ENOMEM, "'publicIpAddresses'");
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        if (add_public(lab, nat, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "'publicIpAddresses'");
    }
    return 0;
}

int vnl_arm_read_nat_gateway(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    CLEANUP(vnl_arm_scope_done) struct vnl_scope scope = { 0 };
    struct vnl_arm_resource in;
    struct vnl_nat_gateway *nat;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 || vnl_arm_scope_init(&scope, &in, err) < 0)
        return -EINVAL;
    nat = vnl_nat_gateway_add(lab, in.name, &scope, &in.src, err);
    if (vnl_arm_check_added(nat ? nat->id : NULL, &in, err) < 0 ||
        vnl_arm_get_minutes(in.own, 120, &nat->idle_timeout_min, err) < 0 ||
        vnl_member_names(in.own, "publicIpAddressRefs", &nat->public_refs, err) < 0 ||
        vnl_member_source(lab, in.own, "publicIpAddressSource", &nat->public_src, err) < 0)
        return -EINVAL;
    return get_publics(lab, nat, in.properties, err);
}

int vnl_arm_get_nat_gateway(const struct vnl_lab *lab, const struct vnl_arm_resource *in,
                            struct vnl_subnet *subnet, struct vnl_err **err)
{
    const char *id;
    bool access = true;

    if (vnl_json_get(in->properties, "defaultOutboundAccess") &&
        vnl_member_bool(in->properties, "defaultOutboundAccess", &access, err) < 0)
        return -EINVAL;
    subnet->private_outbound = !access;
    if (!vnl_json_get(in->properties, "natGateway"))
        return 0;
    if (vnl_member_ref(in->properties, "natGateway", &id, err) < 0 ||
        vnl_member_copy(in->own, "natGatewayRef", &subnet->nat_ref, err) < 0 ||
        vnl_member_source(lab, in->own, "natGatewaySource", &subnet->nat_src, err) < 0)
        return -EINVAL;
    subnet->nat = vnl_nat_gateway_lookup(lab, id);
    return subnet->nat ? 0 : vnl_fail(err, EINVAL, "NAT gateway '%s' is not in the lab", id);
}

/* --- DNS servers ------------------------------------------------------------------------------------- */

int vnl_arm_get_dns(struct vnl_vnet *vnet, const struct vnl_json *properties, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names texts = { 0 };
    const struct vnl_json *options;

    if (!vnl_json_get(properties, "dhcpOptions"))
        return 0;
    if (vnl_member_object(properties, "dhcpOptions", &options, err) < 0 ||
        vnl_member_names(options, "dnsServers", &texts, err) < 0)
        return -EINVAL;
    vnet->dns = calloc(texts.n + 1, sizeof(*vnet->dns));
    if (!vnet->dns)
        return vnl_fail(err, ENOMEM, "'dnsServers'");
    for (; vnet->n_dns < texts.n; vnet->n_dns++) {
        if (vnl_addr_parse(texts.items[vnet->n_dns], &vnet->dns[vnet->n_dns], err) < 0)
            return vnl_wrap(err, "'dnsServers'");
    }
    return 0;
}

/* --- the internet ------------------------------------------------------------------------------------ */

static int read_host(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    const struct vnl_json *own;
    struct vnl_src src = { 0 };
    struct vnl_host *host;
    const char *name;

    if (vnl_member_text(json, "name", &name, err) < 0 || vnl_member_object(json, "vnetlab", &own, err) < 0 ||
        vnl_member_source(lab, own, "source", &src, err) < 0)
        return -EINVAL;
    host = vnl_host_add(lab, name, &src, err);
    if (!host || *err || vnl_member_addr(json, "address", &host->addr, err) < 0 ||
        vnl_member_source(lab, own, "addressSource", &host->addr_src, err) < 0 ||
        vnl_arm_get_slot(own, &host->slot, err) < 0)
        return -EINVAL;
    return vnl_member_names(json, "run", &host->run, err);
}

static int read_latency(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names between = { 0 };
    struct vnl_latency *latency = &lab->latencies[lab->n_latencies];
    int64_t rtt;

    if (vnl_member_names(json, "between", &between, err) < 0 ||
        vnl_member_int(json, "rttMicroseconds", 1, 10000000, &rtt, err) < 0 ||
        vnl_member_source(lab, json, "source", &latency->src, err) < 0)
        return -EINVAL;
    if (between.n != 2)
        return vnl_fail(err, EINVAL, "'between' has %zu regions, and not 2", between.n);
    latency->a = TAKE_PTR(between.items[0]);
    latency->b = TAKE_PTR(between.items[1]);
    latency->rtt_us = (uint32_t)rtt;
    lab->n_latencies++;
    return 0;
}

static int read_latencies(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    const struct vnl_json *latency, *pairs;

    if (!vnl_json_get(json, "latency"))
        return 0;
    if (vnl_member_object(json, "latency", &latency, err) < 0 ||
        vnl_member_bool(latency, "azure", &lab->azure_latency, err) < 0 ||
        vnl_member_array(latency, "pairs", &pairs, err) < 0)
        return -EINVAL;
    lab->latencies = calloc(vnl_json_len(pairs) + 1, sizeof(*lab->latencies));
    if (!lab->latencies)
        return vnl_fail(err, ENOMEM, "'latency'");
    for (size_t i = 0; i < vnl_json_len(pairs); i++) {
        if (read_latency(lab, vnl_json_at(pairs, i), err) < 0)
            return vnl_wrap(err, "latency %zu", i);
    }
    return 0;
}

int vnl_arm_read_internet(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    const struct vnl_json *internet, *hosts;

    if (read_latencies(lab, json, err) < 0)
        return -EINVAL;
    lab->internet = vnl_json_get(json, "internet");
    if (!lab->internet)
        return 0;
    if (vnl_member_object(json, "internet", &internet, err) < 0 ||
        vnl_member_array(internet, "hosts", &hosts, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(hosts); i++) {
        if (read_host(lab, vnl_json_at(hosts, i), err) < 0)
            return vnl_wrap(err, "internet host %zu", i);
    }
    return 0;
}
