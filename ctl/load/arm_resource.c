/* The model as ARM's JSON (arm-api.md sections 7 and 9: what the server fills, which properties a type has).
 *
 * There is one description of each resource, the write_*() functions; it makes text. The store keeps that
 * text, and what is to be printed or taken apart is read back from it. Building trees and printing those
 * costs several times as much: for a thousand VMs that is tens of milliseconds at each save.
 *
 * ARM has no word for some of what a lab holds: slots of kernel tables, the line of the lab file that a
 * resource was read from, references as they were written, what runs in a guest. That stands in the member
 * "vnetlab" of the resource. Positions are "file:line:column" there. The way back is arm_read.c. */
#include "vnetlab/load.h"

#include "arm_write.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/json_writer.h"
#include "vnetlab/lab.h"

static const char *const type_str[] = {
    [VNL_TYPE_VNET] = "Microsoft.Network/virtualNetworks",
    [VNL_TYPE_SUBNET] = "Microsoft.Network/virtualNetworks/subnets",
    [VNL_TYPE_PEERING] = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
    [VNL_TYPE_VM] = "Microsoft.Compute/virtualMachines",
    [VNL_TYPE_NIC] = "Microsoft.Network/networkInterfaces",
    [VNL_TYPE_NSG] = "Microsoft.Network/networkSecurityGroups",
    [VNL_TYPE_RULE] = "Microsoft.Network/networkSecurityGroups/securityRules",
    [VNL_TYPE_ASG] = "Microsoft.Network/applicationSecurityGroups",
    [VNL_TYPE_ROUTE_TABLE] = "Microsoft.Network/routeTables",
    [VNL_TYPE_ROUTE] = "Microsoft.Network/routeTables/routes",
    [VNL_TYPE_PUBLIC_IP] = "Microsoft.Network/publicIPAddresses",
    [VNL_TYPE_NAT_GATEWAY] = "Microsoft.Network/natGateways",
    [VNL_TYPE_BALANCER] = "Microsoft.Network/loadBalancers",
    [VNL_TYPE_VPN_GATEWAY] = "Microsoft.Network/virtualNetworkGateways",
    [VNL_TYPE_LOCAL_GATEWAY] = "Microsoft.Network/localNetworkGateways",
    [VNL_TYPE_CONNECTION] = "Microsoft.Network/connections",
    [VNL_TYPE_SITE] = "sites", /* a lab's own */
    [VNL_TYPE_CLIENT] = "clients",
    [VNL_TYPE_HOST] = "internet/hosts", /* a lab's own */
};
static_assert(ARRAY_SIZE(type_str) == VNL_TYPE_MAX, "name every type");

const char *vnl_arm_type_str(enum vnl_type type)
{
    return type_str[type];
}

/* --- parts ----------------------------------------------------------------------------------------- */

void vnl_arm_write_optional(struct vnl_json_writer *out, const char *key, const char *text)
{
    if (text)
        vnl_json_write_text(out, key, text);
}

void vnl_arm_write_source(struct vnl_json_writer *out, const char *key, const struct vnl_src *src)
{
    CLEANUP(vnl_str_free) char *text = NULL;

    if (!src->file && !src->line)
        return;
    if (asprintf(&text, "%s:%d:%d", src->file ? src->file : "", src->line, src->col) < 0)
        out->failed = true;
    else
        vnl_json_write_text(out, key, text);
}

void vnl_arm_write_names(struct vnl_json_writer *out, const char *key, const struct vnl_names *names)
{
    vnl_json_write_open(out, key, '[');
    for (size_t i = 0; i < names->n; i++)
        vnl_json_write_text(out, NULL, names->items[i]);
    vnl_json_write_close(out, ']');
}

static void write_prefixes(struct vnl_json_writer *out, const struct vnl_prefixes *prefixes)
{
    char buf[VNL_PREFIX_STR];

    vnl_json_write_open(out, "addressPrefixes", '[');
    for (size_t i = 0; i < prefixes->n; i++)
        vnl_json_write_text(out, NULL, vnl_prefix_format(&prefixes->items[i], buf));
    vnl_json_write_close(out, ']');
}

static void write_space(struct vnl_json_writer *out, const char *key, const struct vnl_prefixes *prefixes)
{
    vnl_json_write_open(out, key, '{');
    write_prefixes(out, prefixes);
    vnl_json_write_close(out, '}');
}

/* The participating part of a VNet as it is now (spec 2.1 and 2.8). */
static void write_current_space(struct vnl_json_writer *out, const char *key, const struct vnl_peering *link,
                                const struct vnl_vnet *side)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes space = { 0 };

    if (vnl_peering_space(link, side, &space) < 0)
        out->failed = true;
    write_space(out, key, &space);
}

void vnl_arm_write_written(struct vnl_json_writer *out, const char *key, const char *ref,
                           const struct vnl_src *src)
{
    char name[64];

    if (!ref)
        return;
    (void)snprintf(name, sizeof(name), "%sRef", key);
    vnl_json_write_text(out, name, ref);
    (void)snprintf(name, sizeof(name), "%sSource", key);
    vnl_arm_write_source(out, name, src);
}

void vnl_arm_write_ref(struct vnl_json_writer *out, const char *key, const char *id)
{
    vnl_json_write_open(out, key, '{');
    vnl_json_write_text(out, "id", id);
    vnl_json_write_close(out, '}');
}

/* Opens the resource and its properties. */
void vnl_arm_open(struct vnl_json_writer *out, enum vnl_type type, const char *id, const char *name,
                  const char *location)
{
    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "id", id);
    vnl_json_write_text(out, "name", name);
    vnl_json_write_text(out, "type", type_str[type]);
    vnl_arm_write_optional(out, "location", location);
    vnl_json_write_open(out, "properties", '{');
    vnl_json_write_text(out, "provisioningState", "Succeeded");
}

/* Closes the properties and opens our own member; the caller closes that and the resource by vnl_arm_close(). */
void vnl_arm_open_own(struct vnl_json_writer *out, const struct vnl_src *src)
{
    vnl_json_write_close(out, '}');
    vnl_json_write_open(out, "vnetlab", '{');
    vnl_arm_write_source(out, "source", src);
}

void vnl_arm_close(struct vnl_json_writer *out)
{
    vnl_json_write_close(out, '}');
    vnl_json_write_close(out, '}');
}

/* --- virtual networks ------------------------------------------------------------------------------ */

/* addressPrefix and addressPrefixes are alternatives; the reply uses the one that was sent (arm-api.md
 * section 7). */
static void write_subnet(struct vnl_json_writer *out, const struct vnl_subnet *subnet)
{
    char buf[VNL_PREFIX_STR];

    vnl_arm_open(out, VNL_TYPE_SUBNET, subnet->id, subnet->name, NULL);
    if (subnet->plural || subnet->prefixes.n != 1)
        write_prefixes(out, &subnet->prefixes);
    else
        vnl_json_write_text(out, "addressPrefix", vnl_prefix_format(subnet->prefixes.items, buf));
    if (subnet->nsg)
        vnl_arm_write_ref(out, "networkSecurityGroup", subnet->nsg->id);
    if (subnet->route_table)
        vnl_arm_write_ref(out, "routeTable", subnet->route_table->id);
    if (subnet->nat)
        vnl_arm_write_ref(out, "natGateway", subnet->nat->id);
    if (subnet->private_outbound)
        vnl_json_write_bool(out, "defaultOutboundAccess", false);
    vnl_arm_open_own(out, &subnet->src);
    vnl_arm_write_written(out, "networkSecurityGroup", subnet->nsg_ref, &subnet->nsg_src);
    vnl_arm_write_written(out, "routeTable", subnet->route_table_ref, &subnet->route_table_src);
    vnl_arm_write_written(out, "natGateway", subnet->nat_ref, &subnet->nat_src);
    vnl_arm_close(out);
}

/* The remote VNet's id; one that is gone is still named. Owned by the caller; NULL on ENOMEM. */
static char *remote_id(const struct vnl_peering *link)
{
    if (link->remote)
        return strdup(link->remote->id);
    if (*link->remote_ref == '/')
        return strdup(link->remote_ref);
    return vnl_id_format(&link->vnet->scope, type_str[VNL_TYPE_VNET], link->remote_ref, NULL);
}

/* In force on the link, and current; the two differ while a link is not in sync (spec 2.1). What is in force
 * for the own side is what the twin knows of it. */
static void write_link_spaces(struct vnl_json_writer *out, const struct vnl_peering *link)
{
    const struct vnl_peering *twin = vnl_peering_twin(link);

    write_space(out, "remoteAddressSpace", &link->remote_space);
    if (link->remote)
        write_current_space(out, "remoteVirtualNetworkAddressSpace", link, link->remote);
    else
        write_space(out, "remoteVirtualNetworkAddressSpace", &link->remote_space);
    if (twin)
        write_space(out, "localAddressSpace", &twin->remote_space);
    else
        write_current_space(out, "localAddressSpace", link, link->vnet);
    write_current_space(out, "localVirtualNetworkAddressSpace", link, link->vnet);
}

static void write_link_flags(struct vnl_json_writer *out, const struct vnl_peering *link)
{
    vnl_json_write_bool(out, "allowVirtualNetworkAccess", link->allow_vnet_access);
    vnl_json_write_bool(out, "allowForwardedTraffic", link->allow_forwarded_traffic);
    vnl_json_write_bool(out, "allowGatewayTransit", link->allow_gateway_transit);
    vnl_json_write_bool(out, "useRemoteGateways", link->use_remote_gateways);
    vnl_json_write_bool(out, "doNotVerifyRemoteGateways", link->do_not_verify_remote_gateways);
    vnl_json_write_bool(out, "peerCompleteVnets", link->complete_vnets);
    vnl_json_write_bool(out, "enableOnlyIPv6Peering", link->only_ipv6);
    if (link->local_subnets.n)
        vnl_arm_write_names(out, "localSubnetNames", &link->local_subnets);
    if (link->remote_subnets.n)
        vnl_arm_write_names(out, "remoteSubnetNames", &link->remote_subnets);
}

/* The reference as written is of no more use when nothing answers to it: the next VNet of that name is another one. */
static void write_peering(struct vnl_json_writer *out, const struct vnl_peering *link)
{
    CLEANUP(vnl_str_free)
    char *remote = remote_id(link);

    if (!remote) {
        out->failed = true;
        return;
    }
    vnl_arm_open(out, VNL_TYPE_PEERING, link->id, link->name, NULL);
    vnl_json_write_text(out, "peeringState", vnl_peering_state_str(link->state));
    vnl_json_write_text(out, "peeringSyncLevel", vnl_peering_sync_str(link->sync));
    vnl_arm_write_ref(out, "remoteVirtualNetwork", remote);
    write_link_flags(out, link);
    write_link_spaces(out, link);
    vnl_arm_open_own(out, &link->src);
    vnl_json_write_text(out, "remoteRef", link->remote ? link->remote_ref : remote);
    vnl_arm_write_source(out, "remoteSource", &link->remote_src);
    vnl_arm_close(out);
}

static void write_dns(struct vnl_json_writer *out, const struct vnl_vnet *vnet)
{
    char buf[VNL_ADDR_STR];

    vnl_json_write_open(out, "dhcpOptions", '{');
    vnl_json_write_open(out, "dnsServers", '[');
    for (size_t i = 0; i < vnet->n_dns; i++)
        vnl_json_write_text(out, NULL, vnl_addr_format(&vnet->dns[i], buf));
    vnl_json_write_close(out, ']');
    vnl_json_write_close(out, '}');
}

/* The children inside are the same as alone (arm-api.md section 7, sub-resource equivalence). */
static void write_vnet(struct vnl_json_writer *out, const struct vnl_vnet *vnet)
{
    vnl_arm_open(out, VNL_TYPE_VNET, vnet->id, vnet->name, vnet->scope.location);
    write_space(out, "addressSpace", &vnet->space);
    if (vnet->flow_timeout_min)
        vnl_json_write_int(out, "flowTimeoutInMinutes", vnet->flow_timeout_min);
    if (vnet->n_dns)
        write_dns(out, vnet);
    vnl_json_write_open(out, "subnets", '[');
    for (size_t i = 0; i < vnet->n_subnets; i++)
        write_subnet(out, vnet->subnets[i]);
    vnl_json_write_close(out, ']');
    vnl_json_write_open(out, "virtualNetworkPeerings", '[');
    for (size_t i = 0; i < vnet->n_peerings; i++)
        write_peering(out, vnet->peerings[i]);
    vnl_json_write_close(out, ']');
    vnl_arm_open_own(out, &vnet->src);
    vnl_json_write_int(out, "slot", vnet->slot);
    vnl_arm_close(out);
}

/* --- the lab --------------------------------------------------------------------------------------- */

static void write_expect(struct vnl_json_writer *out, const struct vnl_expect *expect)
{
    char buf[VNL_ADDR_STR];

    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "from", expect->from);
    vnl_json_write_text(out, "to", expect->to);
    vnl_arm_write_optional(out, "fromVirtualMachine", expect->from_vm ? expect->from_vm->id : NULL);
    vnl_arm_write_optional(out, "fromHost", expect->from_host ? expect->from_host->name : NULL);
    vnl_arm_write_optional(out, "fromSiteHost", expect->from_site_host ? expect->from_site_host->name : NULL);
    vnl_arm_write_optional(out, "toVirtualMachine", expect->to_vm ? expect->to_vm->id : NULL);
    vnl_arm_write_optional(out, "toHost", expect->to_host ? expect->to_host->name : NULL);
    vnl_arm_write_optional(out, "toSiteHost", expect->to_site_host ? expect->to_site_host->name : NULL);
    if (expect->addr.family)
        vnl_json_write_text(out, "address", vnl_addr_format(&expect->addr, buf));
    vnl_json_write_text(out, "protocol", vnl_expect_proto_str(expect->proto));
    if (expect->port)
        vnl_json_write_int(out, "port", expect->port);
    vnl_json_write_text(out, "result", vnl_expect_result_str(expect->result));
    if (expect->ttl)
        vnl_json_write_int(out, "ttl", expect->ttl);
    vnl_arm_write_optional(out, "reason", expect->reason);
    vnl_arm_write_source(out, "source", &expect->src);
    vnl_json_write_close(out, '}');
}

static void write_expects(struct vnl_json_writer *out, const struct vnl_lab *lab)
{
    vnl_json_write_open(out, "expect", '[');
    for (size_t i = 0; i < lab->n_expects; i++)
        write_expect(out, lab->expects[i]);
    vnl_json_write_close(out, ']');
}

/* keys: with the sites' shared keys. */
static void write_settings(struct vnl_json_writer *out, const struct vnl_lab *lab, bool keys)
{
    vnl_json_write_text(out, "name", lab->name);
    vnl_arm_write_optional(out, "file", lab->file);
    vnl_arm_write_optional(out, "location", lab->defaults.location);
    vnl_arm_write_optional(out, "resourceGroup", lab->defaults.resource_group);
    vnl_arm_write_optional(out, "subscription", lab->defaults.subscription);
    vnl_json_write_open(out, "semantics", '{');
    vnl_json_write_text(out, "peeringAccess", vnl_peering_access_str(lab->peering_access));
    vnl_json_write_text(out, "peeringForwarded", vnl_peering_forwarded_str(lab->peering_forwarded));
    if (lab->gateway_throughput)
        vnl_json_write_text(out, "gatewayThroughput", "sku");
    vnl_json_write_close(out, '}');
    vnl_arm_write_internet(out, lab);
    vnl_arm_write_sites(out, lab, keys);
    vnl_arm_write_clients(out, lab);
}

static size_t count_resources(const struct vnl_lab *lab)
{
    size_t n = lab->n_vnets + lab->n_nsgs + lab->n_asgs + lab->n_route_tables + lab->n_public_ips +
               lab->n_nat_gateways + lab->n_lbs + lab->n_gateways + lab->n_local_gateways +
               lab->n_connections + lab->n_vms;

    for (size_t i = 0; i < lab->n_vms; i++)
        n += lab->vms[i]->n_nics;
    return n;
}

/* `size` is where it starts until the text is complete and cannot move any more. */
static void begin_resource(struct vnl_json_writer *out, struct vnl_lab_text *text, enum vnl_type type,
                           const char *id)
{
    if (!text)
        return;
    text->resources[text->n_resources++] = (struct vnl_resource_text){
        .id = id,
        .type = type_str[type],
        .size = vnl_json_write_document(out),
    };
}

static void write_nics(struct vnl_json_writer *out, struct vnl_lab_text *text, const struct vnl_vm *vm)
{
    for (size_t i = 0; i < vm->n_nics; i++) {
        begin_resource(out, text, VNL_TYPE_NIC, vm->nics[i]->id);
        vnl_arm_write_nic(out, vm->nics[i]);
    }
}

static void write_outside(struct vnl_json_writer *out, struct vnl_lab_text *text, const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_public_ips; i++) {
        begin_resource(out, text, VNL_TYPE_PUBLIC_IP, lab->public_ips[i]->id);
        vnl_arm_write_public_ip(out, lab->public_ips[i]);
    }
    for (size_t i = 0; i < lab->n_nat_gateways; i++) {
        begin_resource(out, text, VNL_TYPE_NAT_GATEWAY, lab->nat_gateways[i]->id);
        vnl_arm_write_nat_gateway(out, lab->nat_gateways[i]);
    }
    for (size_t i = 0; i < lab->n_lbs; i++) {
        begin_resource(out, text, VNL_TYPE_BALANCER, lab->lbs[i]->id);
        vnl_arm_write_lb(out, lab->lbs[i]);
    }
}

/* Keys are in the store's documents only. */
static void write_gateways(struct vnl_json_writer *out, struct vnl_lab_text *text, const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_local_gateways; i++) {
        begin_resource(out, text, VNL_TYPE_LOCAL_GATEWAY, lab->local_gateways[i]->id);
        vnl_arm_write_local_gateway(out, lab->local_gateways[i]);
    }
    for (size_t i = 0; i < lab->n_gateways; i++) {
        begin_resource(out, text, VNL_TYPE_VPN_GATEWAY, lab->gateways[i]->id);
        vnl_arm_write_vpn_gateway(out, lab->gateways[i]);
    }
    for (size_t i = 0; i < lab->n_connections; i++) {
        begin_resource(out, text, VNL_TYPE_CONNECTION, lab->connections[i]->id);
        vnl_arm_write_connection(out, lab->connections[i], text);
    }
}

/* text: notes each resource as a document of its own; NULL: they are elements of one array. */
static void write_resources(struct vnl_json_writer *out, struct vnl_lab_text *text, const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_vnets; i++) {
        begin_resource(out, text, VNL_TYPE_VNET, lab->vnets[i]->id);
        write_vnet(out, lab->vnets[i]);
    }
    for (size_t i = 0; i < lab->n_nsgs; i++) {
        begin_resource(out, text, VNL_TYPE_NSG, lab->nsgs[i]->id);
        vnl_arm_write_nsg(out, lab->nsgs[i]);
    }
    for (size_t i = 0; i < lab->n_asgs; i++) {
        begin_resource(out, text, VNL_TYPE_ASG, lab->asgs[i]->id);
        vnl_arm_write_asg(out, lab->asgs[i]);
    }
    for (size_t i = 0; i < lab->n_route_tables; i++) {
        begin_resource(out, text, VNL_TYPE_ROUTE_TABLE, lab->route_tables[i]->id);
        vnl_arm_write_udr_table(out, lab->route_tables[i]);
    }
    write_outside(out, text, lab);
    write_gateways(out, text, lab);
    for (size_t i = 0; i < lab->n_vms; i++) {
        begin_resource(out, text, VNL_TYPE_VM, lab->vms[i]->id);
        vnl_arm_write_vm(out, lab->vms[i]);
    }
    for (size_t i = 0; i < lab->n_vms; i++)
        write_nics(out, text, lab->vms[i]);
}

static void write_head(struct vnl_json_writer *out, const struct vnl_lab *lab)
{
    vnl_json_write_open(out, NULL, '{');
    write_settings(out, lab, true);
    write_expects(out, lab);
    vnl_json_write_close(out, '}');
}

/* From starts to pointers and sizes; the head lies behind the resources. */
static void cut(struct vnl_lab_text *text, size_t head, size_t end)
{
    size_t next = head;

    text->head = (struct vnl_resource_text){ .body = text->text + head, .size = end - head };
    for (size_t i = text->n_resources; i-- > 0;) {
        struct vnl_resource_text *resource = &text->resources[i];
        size_t start = resource->size;

        resource->body = text->text + start;
        resource->size = next - start;
        next = start;
    }
}

int vnl_lab_text_build(const struct vnl_lab *lab, struct vnl_lab_text *ret, struct vnl_err **err)
{
    CLEANUP(vnl_lab_text_done) struct vnl_lab_text text = { 0 };
    CLEANUP(vnl_json_writer_done) struct vnl_json_writer out = { 0 };
    size_t head;

    text.resources = calloc(count_resources(lab) + 1, sizeof(*text.resources));
    if (!text.resources)
        return vnl_fail(err, ENOMEM, "lab '%s' as JSON", lab->name);
    write_resources(&out, &text, lab);
    head = vnl_json_write_document(&out);
    write_head(&out, lab);
    if (out.failed)
        return vnl_fail(err, ENOMEM, "lab '%s' as JSON", lab->name);
    text.text = TAKE_PTR(out.text);
    cut(&text, head, out.size);
    *ret = text;
    text = (struct vnl_lab_text){ 0 };
    return 0;
}

void vnl_lab_text_done(struct vnl_lab_text *text)
{
    free(text->text);
    free(text->resources);
    *text = (struct vnl_lab_text){ 0 };
}

/* --- trees ----------------------------------------------------------------------------------------- */

static int read_back(const struct vnl_json_writer *out, struct vnl_json **ret, struct vnl_err **err)
{
    if (out->failed)
        return vnl_fail(err, ENOMEM, "JSON");
    return vnl_json_parse(out->text, out->size, ret, err);
}

int vnl_lab_to_json(const struct vnl_lab *lab, struct vnl_json **ret, struct vnl_err **err)
{
    CLEANUP(vnl_json_writer_done) struct vnl_json_writer out = { 0 };

    vnl_json_write_open(&out, NULL, '{');
    write_settings(&out, lab, false);
    vnl_json_write_open(&out, "resources", '[');
    write_resources(&out, NULL, lab);
    vnl_json_write_close(&out, ']');
    write_expects(&out, lab);
    vnl_json_write_close(&out, '}');
    return read_back(&out, ret, err);
}

static void write_connection_open(struct vnl_json_writer *out, const struct vnl_connection *connection)
{
    vnl_arm_write_connection(out, connection, false);
}

static void write_site_open(struct vnl_json_writer *out, const struct vnl_site *site)
{
    vnl_arm_write_site(out, site, false);
}

#define TO_JSON(noun, write)                                                                                 \
    struct vnl_json *vnl_##noun##_to_json(const struct vnl_##noun *noun)                                     \
    {                                                                                                        \
        CLEANUP(vnl_json_writer_done)                                                                        \
        struct vnl_json_writer out = { 0 };                                                                  \
        struct vnl_json *json = NULL;                                                                        \
                                                                                                             \
        write(&out, noun);                                                                                   \
        return read_back(&out, &json, NULL) < 0 ? NULL : json;                                               \
    }

TO_JSON(vnet, write_vnet)
TO_JSON(subnet, write_subnet)
TO_JSON(peering, write_peering)
TO_JSON(vm, vnl_arm_write_vm)
TO_JSON(nic, vnl_arm_write_nic)
TO_JSON(nsg, vnl_arm_write_nsg)
TO_JSON(rule, vnl_arm_write_rule)
TO_JSON(asg, vnl_arm_write_asg)
TO_JSON(public_ip, vnl_arm_write_public_ip)
TO_JSON(nat_gateway, vnl_arm_write_nat_gateway)
TO_JSON(lb, vnl_arm_write_lb)
TO_JSON(host, vnl_arm_write_host)
TO_JSON(vpn_gateway, vnl_arm_write_vpn_gateway)
TO_JSON(local_gateway, vnl_arm_write_local_gateway)
TO_JSON(connection, write_connection_open)
TO_JSON(site, write_site_open)
TO_JSON(client, vnl_arm_write_client)
TO_JSON(udr_table, vnl_arm_write_udr_table)
TO_JSON(udr, vnl_arm_write_udr)
