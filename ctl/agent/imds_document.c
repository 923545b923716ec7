/* Members and their spelling: Azure documentation, "Azure Instance Metadata Service", sample of version 2021-02-01. What a lab has no
 * notion of (image, disks, keys) is there and empty, so that a script that reads it does not fail. */
#include "imds_document.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "vnetlab/addr.h"
#include "vnetlab/base.h"
#include "vnetlab/digest.h"
#include "vnetlab/json.h"
#include "vnetlab/plan.h"

#define PART_MAX 128 /* of an id: names have 90 characters at most */

/* "rg" of "/subscriptions/s/resourceGroups/rg/...". */
static const char *id_part(const char *id, const char *key, char buf[PART_MAX])
{
    size_t len = strlen(key);

    buf[0] = '\0';
    for (const char *at = id; at && (at = strchr(at, '/')); at++)
        if (strncasecmp(at + 1, key, len) == 0 && at[1 + len] == '/') {
            (void)snprintf(buf, PART_MAX, "%.*s", (int)strcspn(at + len + 2, "/"), at + len + 2);
            break;
        }
    return buf;
}

/* A UUID that is the VM's for as long as its id is. Version 8: made by us (RFC 9562). */
static const char *uuid_of(const char *id, char buf[37])
{
    static const uint8_t key[VNL_DIGEST_SIZE] = "vnetlab vmId";
    uint8_t d[VNL_DIGEST_SIZE];

    vnl_digest(key, id, strlen(id), d);
    d[6] = (uint8_t)(0x80 | (d[6] & 0x0f));
    d[8] = (uint8_t)(0x80 | (d[8] & 0x3f));
    (void)snprintf(buf, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", d[0],
                   d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11], d[12], d[13], d[14],
                   d[15]);
    return buf;
}

static struct vnl_json *compute(const struct vnl_plan_vm *vm)
{
    char subscription[PART_MAX], group[PART_MAX], uuid[37];
    const struct {
        const char *key, *value;
    } rows[] = {
        { "azEnvironment", "AzurePublicCloud" },
        { "customData", "" },
        { "evictionPolicy", "" },
        { "isHostCompatibilityLayerVm", "false" },
        { "licenseType", "" },
        { "location", vm->location ? vm->location : "" },
        { "name", vm->name },
        { "offer", "" },
        { "osType", "Linux" },
        { "placementGroupId", "" },
        { "platformFaultDomain", "0" },
        { "platformUpdateDomain", "0" },
        { "priority", "" },
        { "provider", "Microsoft.Compute" },
        { "publisher", "" },
        { "resourceGroupName", id_part(vm->id, "resourceGroups", group) },
        { "resourceId", vm->id },
        { "sku", "" },
        { "subscriptionId", id_part(vm->id, "subscriptions", subscription) },
        { "tags", "" },
        { "version", "" },
        { "vmId", uuid_of(vm->id, uuid) },
        { "vmScaleSetName", "" },
        { "vmSize", "Standard_B1s" },
        { "zone", "" },
    };
    struct vnl_json *json = vnl_json_object(), *os = vnl_json_object();
    bool bad = vnl_json_set(os, "computerName", vnl_json_str(vm->name)) < 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        bad |= vnl_json_set(json, rows[i].key, vnl_json_str(rows[i].value)) < 0;
    bad |= vnl_json_set(json, "osProfile", os) < 0;
    bad |= vnl_json_set(json, "publicKeys", vnl_json_array()) < 0;
    bad |= vnl_json_set(json, "tagsList", vnl_json_array()) < 0;
    if (bad)
        vnl_json_free(&json);
    return json;
}

/* A Standard public IP is not shown: "The IMDS currently does not support Standard SKU Public IP Addresses, only Basic SKU" (Azure
 * support, in github.com/MicrosoftDocs/azure-docs issue 85100; the same is seen in kubernetes-sigs/cloud-provider-azure issue 535). */
static const char *public_of(const struct vnl_plan *plan, const struct vnl_plan_addr *addr,
                             char buf[VNL_ADDR_STR])
{
    if (addr->public_ip >= plan->n_publics || !plan->publics[addr->public_ip].basic)
        return "";
    return vnl_addr_format(&plan->publics[addr->public_ip].addr, buf);
}

/* family 4: with public addresses; 6: Azure shows private ones alone. */
static struct vnl_json *addresses(const struct vnl_plan *plan, const struct vnl_plan_nic *nic, int family)
{
    struct vnl_json *list = vnl_json_array();
    bool bad = false;

    for (size_t i = 0; i < nic->n_addrs; i++) {
        char text[VNL_ADDR_STR], outer[VNL_ADDR_STR];
        struct vnl_json *item;

        if (nic->addrs[i].addr.family != family)
            continue;
        item = vnl_json_object();
        bad |= vnl_json_set(item, "privateIpAddress",
                            vnl_json_str(vnl_addr_format(&nic->addrs[i].addr, text))) < 0;
        if (family == AF_INET)
            bad |= vnl_json_set(item, "publicIpAddress",
                                vnl_json_str(public_of(plan, &nic->addrs[i], outer))) < 0;
        bad |= vnl_json_push(list, item) < 0;
    }
    if (bad)
        vnl_json_free(&list);
    return list;
}

static const char *network_of(const struct vnl_plan_addr *addr, char buf[VNL_ADDR_STR])
{
    struct vnl_addr network = addr->addr;

    for (unsigned bit = addr->prefix_len; bit < vnl_addr_bits(network.family); bit++)
        network.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    return vnl_addr_format(&network, buf);
}

static struct vnl_json *subnets(const struct vnl_plan_nic *nic)
{
    struct vnl_json *list = vnl_json_array();
    bool bad = false;

    for (size_t i = 0; i < nic->n_addrs; i++) {
        char text[VNL_ADDR_STR], len[8];
        struct vnl_json *item;

        if (nic->addrs[i].addr.family != AF_INET)
            continue;
        (void)snprintf(len, sizeof(len), "%u", nic->addrs[i].prefix_len);
        item = vnl_json_object();
        bad |= vnl_json_set(item, "address", vnl_json_str(network_of(&nic->addrs[i], text))) < 0;
        bad |= vnl_json_set(item, "prefix", vnl_json_str(len)) < 0;
        bad |= vnl_json_push(list, item) < 0;
        break; /* one subnet per NIC, however many addresses */
    }
    if (bad)
        vnl_json_free(&list);
    return list;
}

static struct vnl_json *interface(const struct vnl_plan *plan, const struct vnl_plan_nic *nic)
{
    struct vnl_json *json = vnl_json_object(), *ipv4 = vnl_json_object(), *ipv6 = vnl_json_object();
    const uint8_t *m = nic->mac.bytes;
    char mac[13];
    bool bad = vnl_json_set(ipv4, "ipAddress", addresses(plan, nic, AF_INET)) < 0;

    (void)snprintf(mac, sizeof(mac), "%02X%02X%02X%02X%02X%02X", m[0], m[1], m[2], m[3], m[4], m[5]);
    bad |= vnl_json_set(ipv4, "subnet", subnets(nic)) < 0;
    bad |= vnl_json_set(ipv6, "ipAddress", addresses(plan, nic, AF_INET6)) < 0;
    bad |= vnl_json_set(json, "ipv4", ipv4) < 0;
    bad |= vnl_json_set(json, "ipv6", ipv6) < 0;
    bad |= vnl_json_set(json, "macAddress", vnl_json_str(mac)) < 0;
    if (bad)
        vnl_json_free(&json);
    return json;
}

struct vnl_json *vnl_imds_document(const struct vnl_plan *plan, const struct vnl_plan_vm *vm)
{
    struct vnl_json *json = vnl_json_object(), *network = vnl_json_object(), *list = vnl_json_array();
    bool bad = vnl_json_set(json, "compute", compute(vm)) < 0;

    for (size_t i = 0; i < vm->n_nics; i++)
        bad |= vnl_json_push(list, interface(plan, &plan->nics[vm->nics[i]])) < 0;
    bad |= vnl_json_set(network, "interface", list) < 0;
    bad |= vnl_json_set(json, "network", network) < 0;
    if (bad)
        vnl_json_free(&json);
    return json;
}
