/* vnetlab show: a lab's resources as stored, and what the kernel counted for them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmds.h"
#include "connections.h"
#include "out.h"
#include "resources.h"
#include "show_parts.h"
#include "show_resource.h"

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/plan.h"

#define SUBNETS_SHOWN 4 /* of a virtual network, in one cell */

/* --- the whole lab -------------------------------------------------------------------------------- */

/* Text is put together in memory; NULL without any. */
struct text {
    char *text;
    size_t size;
    FILE *out;
};

static void text_open(struct text *text)
{
    text->out = open_memstream(&text->text, &text->size);
}

/* A cell from what was written; "" when nothing could be. */
static void text_cell(struct text *text, struct vnl_table *table)
{
    if (text->out)
        (void)fclose(text->out);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", text->text ? text->text : "");
    free(text->text);
    *text = (struct text){ 0 };
}

static void put_prefixes(FILE *out, const struct vnl_prefixes *prefixes)
{
    char buf[VNL_PREFIX_STR];

    for (size_t i = 0; out && i < prefixes->n; i++)
        (void)fprintf(out, "%s%s", i ? "," : "", vnl_prefix_format(&prefixes->items[i], buf));
}

static void put_subnets(FILE *out, const struct vnl_vnet *vnet)
{
    for (size_t i = 0; out && i < vnet->n_subnets && i < SUBNETS_SHOWN; i++) {
        (void)fprintf(out, "%s%s ", i ? ", " : "", vnet->subnets[i]->name);
        put_prefixes(out, &vnet->subnets[i]->prefixes);
    }
    if (out && vnet->n_subnets > SUBNETS_SHOWN)
        (void)fprintf(out, " and %zu more", vnet->n_subnets - SUBNETS_SHOWN);
}

static int print_table(const struct vnl_table *table, struct vnl_err **err)
{
    (void)putchar('\n');
    return vnl_table_print(stdout, table, true, err);
}

static int print_vnets(const struct vnl_lab *lab, struct vnl_err **err)
{
    static const char *const headers[] = { "VNet", "Location", "AddressSpace", "Subnets" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));
    struct text text = { 0 };

    for (size_t i = 0; i < lab->n_vnets; i++) {
        const struct vnl_vnet *vnet = lab->vnets[i];

        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vnet->name);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vnet->scope.location ? vnet->scope.location : "");
        text_open(&text);
        put_prefixes(text.out, &vnet->space);
        text_cell(&text, table);
        text_open(&text);
        put_subnets(text.out, vnet);
        text_cell(&text, table);
    }
    return print_table(table, err);
}

static void nic_row(struct vnl_table *table, const struct vnl_plan *plan, const struct vnl_plan_vm *vm,
                    size_t which)
{
    const struct vnl_plan_nic *nic = &plan->nics[vm->nics[which]];
    struct text text = { 0 };
    char buf[VNL_ADDR_STR];

    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", which ? "" : vm->name);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", nic->subnet);
    text_open(&text);
    for (size_t i = 0; text.out && i < nic->n_addrs; i++) {
        const struct vnl_plan_addr *own = &nic->addrs[i];

        (void)fprintf(text.out, "%s%s", i ? "," : "", vnl_addr_format(&own->addr, buf));
        if (own->public_ip != VNL_PLAN_NOBODY)
            (void)fprintf(text.out, " (%s)", vnl_addr_format(&plan->publics[own->public_ip].addr, buf));
    }
    text_cell(&text, table);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vnl_mac_format(&nic->mac, buf));
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vm->netns);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", nic->ifname);
}

static int print_vms(const struct vnl_lab *lab, const struct vnl_plan *plan, struct vnl_err **err)
{
    static const char *const headers[] = { "VM", "Subnet", "Addresses", "MAC", "Namespace", "Interface" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; i < lab->n_vms; i++) {
        const struct vnl_plan_vm *planned = vnl_plan_vm_lookup(plan, lab->vms[i]->name);

        for (size_t k = 0; planned && k < planned->n_nics; k++)
            nic_row(table, plan, planned, k);
    }
    return print_table(table, err);
}

static enum vnl_tone state_tone(const char *state)
{
    if (!strcmp(state, vnl_peering_state_str(VNL_PEERING_CONNECTED)))
        return VNL_TONE_GOOD;
    return strcmp(state, vnl_peering_state_str(VNL_PEERING_INITIATED)) ? VNL_TONE_BAD : VNL_TONE_WARN;
}

/* The columns of `az network vnet peering list -o table` (spec 2.1), its four flag columns folded into one.
 */
static int print_peerings(const struct vnl_plan *plan, struct vnl_err **err)
{
    static const char *const headers[] = { "Peering", "RemoteVnet", "PeeringState", "PeeringSyncLevel",
                                           "Allows" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));
    const char *full = vnl_peering_sync_str(VNL_SYNC_FULL);

    for (size_t i = 0; i < plan->n_peerings; i++) {
        const struct vnl_plan_peering *peering = &plan->peerings[i];

        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", peering->name);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", peering->remote);
        vnl_table_cell(table, state_tone(peering->state), "%s", peering->state);
        vnl_table_cell(table, strcmp(peering->sync, full) ? VNL_TONE_WARN : VNL_TONE_PLAIN, "%s",
                       peering->sync);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", peering->flags);
    }
    return print_table(table, err);
}

static size_t count_users(const struct vnl_lab *lab, const struct vnl_nsg *nsg)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_vnets; i++)
        for (size_t k = 0; k < lab->vnets[i]->n_subnets; k++)
            n += lab->vnets[i]->subnets[k]->nsg == nsg;
    for (size_t i = 0; i < lab->n_vms; i++)
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++)
            n += lab->vms[i]->nics[k]->nsg == nsg;
    return n;
}

static int print_nsgs(const struct vnl_lab *lab, struct vnl_err **err)
{
    static const char *const headers[] = { "NSG", "Location", "Rules", "Associations" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; i < lab->n_nsgs; i++) {
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", lab->nsgs[i]->name);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", lab->nsgs[i]->scope.location);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%zu", lab->nsgs[i]->n_rules);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%zu", count_users(lab, lab->nsgs[i]));
    }
    return print_table(table, err);
}

static const char *lab_state(const char *name, bool applied)
{
    if (!vnl_dp_exists(name))
        return "not running ('vnetlab up' starts it)";
    return applied ? "up" : "the last change was not finished ('vnetlab up' finishes it)";
}

static int print_lab(const struct vnl_lab *lab, bool applied, struct vnl_err **err)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    int r = vnl_plan_build(lab, &plan, err);

    if (r < 0)
        return r;
    (void)printf("lab %s: %s\n", lab->name, lab_state(lab->name, applied));
    if (lab->file)
        (void)printf("file %s\n", lab->file);
    if (lab->n_vnets)
        r = print_vnets(lab, err);
    if (r >= 0 && plan->n_peerings)
        r = print_peerings(plan, err);
    if (r >= 0 && lab->n_vms)
        r = print_vms(lab, plan, err);
    if (r >= 0 && lab->n_nsgs)
        r = print_nsgs(lab, err);
    if (r >= 0)
        r = vnl_show_outside(lab, err);
    return r >= 0 ? vnl_show_vpn(lab, plan, err) : r;
}

/* --- one resource --------------------------------------------------------------------------------- */

/* What is ours stands beside ARM's properties. NULL without memory. */
static struct vnl_json *ours_of(struct vnl_json *json)
{
    struct vnl_json *ours = vnl_json_get(json, "vnetlab");

    if (!ours && vnl_json_set(json, "vnetlab", vnl_json_object()) == 0)
        ours = vnl_json_get(json, "vnetlab");
    return ours;
}

/* Packets that the NIC lost, by reason; only those that happened. */
static int add_drops(struct vnl_json *json, const struct vnl_bpf *bpf, const struct vnl_nic *nic)
{
    struct vnl_json *drops = vnl_json_object();
    uint64_t counters[VNL_DROP_MAX];
    bool bad = false;

    vnl_bpf_counters(bpf, nic->slot, counters);
    for (size_t i = VNL_DROP_NONE + 1; i < VNL_DROP_MAX; i++) {
        if (counters[i])
            bad |=
                vnl_json_set(drops, vnl_drop_str((enum vnl_drop)i), vnl_json_int((int64_t)counters[i])) < 0;
    }
    bad |= vnl_json_set(ours_of(json), "drops", drops) < 0;
    return bad ? -ENOMEM : 0;
}

/* New flows that each rule decided, by name. */
static int add_hits(struct vnl_json *json, const struct vnl_bpf *bpf, const struct vnl_nsg *nsg)
{
    struct vnl_json *hits = vnl_json_object();
    bool bad = false;

    for (size_t i = 0; i < nsg->n_rules; i++)
        bad |= vnl_json_set(hits, nsg->rules[i]->name,
                            vnl_json_int((int64_t)vnl_bpf_rule_hits(bpf, nsg->rules[i]->slot))) < 0;
    for (size_t i = 0; i < VNL_DEFAULT_RULES; i++)
        bad |= vnl_json_set(hits, vnl_default_rules[i].name,
                            vnl_json_int((int64_t)vnl_bpf_rule_hits(bpf, nsg->default_slots[i]))) < 0;
    bad |= vnl_json_set(ours_of(json), "hits", hits) < 0;
    return bad ? -ENOMEM : 0;
}

/* A lab that is not running has no counters: *ret stays NULL. */
static int open_counters(const struct vnl_lab *lab, struct vnl_bpf **ret, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *dir = vnl_run_path(lab->name, "bpf");
    int r;

    if (!dir)
        return vnl_fail(err, ENOMEM, "lab '%s'", lab->name);
    if (!vnl_dp_exists(lab->name))
        return 0;
    r = vnl_bpf_open(dir, ret, err);
    return r < 0 ? vnl_wrap(err, "counters") : 0;
}

static struct vnl_json *resource_to_json(const struct vnl_resource *resource)
{
    switch (resource->type) {
    case VNL_TYPE_VNET:
        return vnl_vnet_to_json(resource->vnet);
    case VNL_TYPE_SUBNET:
        return vnl_subnet_to_json(resource->subnet);
    case VNL_TYPE_PEERING:
        return vnl_peering_to_json(resource->peering);
    case VNL_TYPE_VM:
        return vnl_vm_to_json(resource->vm);
    case VNL_TYPE_NIC:
        return vnl_nic_to_json(resource->nic);
    case VNL_TYPE_NSG:
        return vnl_nsg_to_json(resource->nsg);
    case VNL_TYPE_RULE:
        return vnl_rule_to_json(resource->rule);
    case VNL_TYPE_ASG:
        return vnl_asg_to_json(resource->asg);
    case VNL_TYPE_ROUTE_TABLE:
        return vnl_udr_table_to_json(resource->udr_table);
    case VNL_TYPE_ROUTE:
        return vnl_udr_to_json(resource->udr);
    case VNL_TYPE_PUBLIC_IP:
        return vnl_public_ip_to_json(resource->public_ip);
    case VNL_TYPE_NAT_GATEWAY:
        return vnl_nat_gateway_to_json(resource->nat);
    case VNL_TYPE_BALANCER:
        return vnl_lb_to_json(resource->lb);
    case VNL_TYPE_HOST:
        return vnl_host_to_json(resource->host);
    case VNL_TYPE_VPN_GATEWAY:
        return vnl_vpn_gateway_to_json(resource->gateway);
    case VNL_TYPE_LOCAL_GATEWAY:
        return vnl_local_gateway_to_json(resource->local);
    case VNL_TYPE_CONNECTION:
        return vnl_connection_to_json(resource->connection);
    case VNL_TYPE_SITE:
        return vnl_site_to_json(resource->site);
    case VNL_TYPE_CLIENT:
        return vnl_client_to_json(resource->client);
    case VNL_TYPE_MAX:
        break;
    }
    return NULL;
}

static const struct vnl_nic *nic_of(const struct vnl_resource *resource)
{
    if (resource->type == VNL_TYPE_NIC)
        return resource->nic;
    return resource->type == VNL_TYPE_VM && resource->vm->n_nics ? resource->vm->nics[0] : NULL;
}

static int add_connection(struct vnl_json *json, const struct vnl_lab *lab,
                          const struct vnl_connection *connection, struct vnl_err **err)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_cmd_tunnels_done) struct vnl_cmd_tunnels tunnels = { 0 };
    int r = vnl_plan_build(lab, &plan, err);

    if (r >= 0)
        r = vnl_cmd_tunnels_ask(plan, &tunnels, err);
    if (r < 0)
        return r;
    r = vnl_connection_add_state(json, plan, &tunnels, connection->id);
    return r < 0 ? vnl_fail(err, ENOMEM, "connection") : 0;
}

static int show_json(const struct vnl_lab *lab, const struct vnl_resource *found, const struct vnl_bpf *bpf,
                     struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = resource_to_json(found);
    const struct vnl_nic *nic = nic_of(found);
    int r = 0;

    if (json && found->type == VNL_TYPE_CONNECTION) {
        r = add_connection(json, lab, found->connection, err);
        return r < 0 ? r : vnl_out_json(TAKE_PTR(json), err);
    }
    if (json && found->type == VNL_TYPE_CLIENT) {
        r = vnl_client_add_state(json, lab, found->client, err);
        return r < 0 ? r : vnl_out_json(TAKE_PTR(json), err);
    }
    if (json && bpf && nic)
        r = add_drops(json, bpf, nic);
    else if (json && bpf && found->type == VNL_TYPE_NSG)
        r = add_hits(json, bpf, found->nsg);
    return r < 0 ? vnl_fail(err, ENOMEM, "counters") : vnl_out_json(TAKE_PTR(json), err);
}

static int show_resource(const struct vnl_lab *lab, const char *word, bool as_json, struct vnl_err **err)
{
    CLEANUP(vnl_resources_done) struct vnl_resources resources = { 0 };
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = NULL;
    const struct vnl_resource *found = NULL;
    int r = vnl_resources_build(lab, &resources, err);

    if (r >= 0)
        r = vnl_resource_find(&resources, (1u << VNL_TYPE_MAX) - 1, lab->name, word, &found, err);
    if (r < 0)
        return r;
    if (open_counters(lab, &bpf, err) < 0)
        return VNL_EXIT_SYSTEM;
    return as_json ? show_json(lab, found, bpf, err) : vnl_show_resource(lab, found, bpf, err);
}

int vnl_cmd_show(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    struct vnl_json *json = NULL;
    bool applied = false;
    int r = vnl_cmd_pick_stored(args, &name, err);

    if (r >= 0)
        r = vnl_cmd_load_stored(name, &lab, &applied, err);
    if (r < 0)
        return r;
    if (args->n_operands && !strcasecmp(args->operands[0], "connections"))
        return vnl_show_connections(lab, args->json, err);
    if (args->n_operands)
        return show_resource(lab, args->operands[0], args->json, err);
    if (!args->json)
        return print_lab(lab, applied, err);
    r = vnl_lab_to_json(lab, &json, err);
    return r < 0 ? r : vnl_out_json(json, err);
}
