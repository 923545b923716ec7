/* Virtual machines, peerings and network security groups, each as a few lines and a table of what was counted. */
#include "show_resource.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "out.h"
#include "resources.h"

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"

/* One line of a summary; what stands behind the label is printed by the caller. */
static void label(const char *text)
{
    (void)printf("  %-26s ", text);
}

static void line(const char *name, const char *value)
{
    label(name);
    (void)printf("%s\n", value ? value : "-");
}

static const char *yes_no(bool on)
{
    return on ? "true" : "false";
}

static void print_prefixes(const struct vnl_prefixes *prefixes)
{
    char buf[VNL_PREFIX_STR];

    for (size_t i = 0; i < prefixes->n; i++)
        (void)printf("%s%s", i ? ", " : "", vnl_prefix_format(&prefixes->items[i], buf));
    (void)puts(prefixes->n ? "" : "-");
}

/* --- virtual machines --------------------------------------------------------------------------------- */

static void print_addresses(const struct vnl_nic *nic)
{
    char buf[VNL_ADDR_STR];

    label("addresses");
    for (size_t i = 0; i < nic->n_configs; i++)
        (void)printf("%s%s (%s)", i ? ", " : "", vnl_addr_format(&nic->configs[i].addr, buf),
                     nic->configs[i].is_static ? "static" : "dynamic");
    (void)puts("");
}

static void print_asgs(const struct vnl_nic *nic)
{
    label("ASGs");
    for (size_t i = 0; i < nic->n_asgs; i++)
        (void)printf("%s%s", i ? ", " : "", nic->asgs[i]->name);
    (void)puts(nic->n_asgs ? "" : "-");
}

static void print_nic(const struct vnl_nic *nic, const struct vnl_plan_nic *planned)
{
    char mac[VNL_MAC_STR];

    print_addresses(nic);
    line("MAC", vnl_mac_format(&nic->mac, mac));
    label("subnet");
    (void)printf("%s, ", planned->subnet);
    print_prefixes(&nic->subnet->prefixes);
    line("interface", planned->ifname);
    line("NSG on the NIC", nic->nsg ? nic->nsg->name : NULL);
    line("NSG on the subnet", nic->subnet->nsg ? nic->subnet->nsg->name : NULL);
    print_asgs(nic);
    line("enableIPForwarding", yes_no(nic->ip_forwarding));
}

static int print_drops(const struct vnl_bpf *bpf, uint32_t slot, struct vnl_err **err)
{
    static const char *const headers[] = { "Dropped", "Reason", "Meaning" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));
    uint64_t counters[VNL_DROP_MAX];
    bool any = false;

    vnl_bpf_counters(bpf, slot, counters);
    for (size_t i = VNL_DROP_NONE + 1; i < VNL_DROP_MAX; i++) {
        if (!counters[i])
            continue;
        any = true;
        vnl_table_cell(table, VNL_TONE_PLAIN, "%llu", (unsigned long long)counters[i]);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vnl_drop_str((enum vnl_drop)i));
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vnl_drop_text((enum vnl_drop)i));
    }
    (void)puts("");
    if (any)
        return vnl_table_print(stdout, table, true, err);
    (void)puts("no packet was dropped");
    return 0;
}

static int print_vm(const struct vnl_lab *lab, const struct vnl_vm *vm, const struct vnl_bpf *bpf,
                    struct vnl_err **err)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    const struct vnl_plan_vm *planned;
    int r = vnl_plan_build(lab, &plan, err);

    if (r < 0)
        return r;
    planned = vnl_plan_vm_lookup(plan, vm->name);
    (void)printf("virtual machine %s\n", vm->name);
    line("location", vm->scope.location);
    if (planned)
        line("namespace", planned->netns);
    if (planned && planned->n_nics && vm->n_nics)
        print_nic(vm->nics[0], &plan->nics[planned->nics[0]]);
    line("forwards in the guest", yes_no(vm->ip_forward));
    for (size_t i = 0; i < vm->run.n; i++)
        line(i ? "" : "runs", vm->run.items[i]);
    return bpf && vm->n_nics ? print_drops(bpf, vm->nics[0]->slot, err) : 0;
}

/* --- peerings ----------------------------------------------------------------------------------------- */

static int print_peering(const struct vnl_peering *link)
{
    const struct vnl_peering *twin = vnl_peering_twin(link);

    (void)printf("peering %s/%s\n", link->vnet->name, link->name);
    line("remote VNet", link->remote ? link->remote->name : link->remote_ref);
    line("state", vnl_peering_state_str(link->state));
    line("sync level", vnl_peering_sync_str(link->sync));
    label("remote space in force");
    print_prefixes(&link->remote_space);
    line("allowVirtualNetworkAccess", yes_no(link->allow_vnet_access));
    line("allowForwardedTraffic", yes_no(link->allow_forwarded_traffic));
    line("allowGatewayTransit", yes_no(link->allow_gateway_transit));
    line("useRemoteGateways", yes_no(link->use_remote_gateways));
    if (twin)
        (void)printf("  %-26s %s/%s, %s\n", "other link", twin->vnet->name, twin->name,
                     vnl_peering_state_str(twin->state));
    else
        line("other link", NULL);
    return 0;
}

/* --- network security groups -------------------------------------------------------------------------- */

static void put_names(FILE *out, struct vnl_asg *const *asgs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, "%s%s", i ? "," : "", asgs[i]->name);
}

static void put_side(FILE *out, const struct vnl_rule_side *side)
{
    char buf[VNL_PREFIX_STR];

    if (side->any)
        (void)fputs("*", out);
    else if (side->tag != VNL_TAG_NONE)
        (void)fputs(vnl_tag_str(side->tag), out);
    put_names(out, side->asgs, side->n_asgs);
    for (size_t i = 0; i < side->prefixes.n; i++)
        (void)fprintf(out, "%s%s", i ? "," : "", vnl_prefix_format(&side->prefixes.items[i], buf));
}

static void put_ports(FILE *out, const struct vnl_rule_side *side)
{
    char buf[VNL_PORTS_STR];

    for (size_t i = 0; i < side->ports.n; i++)
        (void)fprintf(out, "%s%s", i ? "," : "", vnl_ports_format(side->ports.items[i], buf));
    if (!side->ports.n)
        (void)fputs("*", out);
}

static void side_cell(struct vnl_table *table, void (*put)(FILE *out, const struct vnl_rule_side *side),
                      const struct vnl_rule_side *side)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out) {
        put(out, side);
        (void)fclose(out);
    }
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", text ? text : "");
}

static void rule_row(struct vnl_table *table, const struct vnl_rule *rule, const struct vnl_bpf *bpf,
                     uint32_t slot)
{
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vnl_direction_str(rule->direction));
    vnl_table_cell(table, VNL_TONE_PLAIN, "%d", rule->priority);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", rule->name);
    vnl_table_cell(table, rule->access == VNL_ALLOW ? VNL_TONE_GOOD : VNL_TONE_BAD, "%s",
                   vnl_access_str(rule->access));
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vnl_rule_proto_str(rule->proto));
    side_cell(table, put_side, &rule->source);
    side_cell(table, put_ports, &rule->source);
    side_cell(table, put_side, &rule->destination);
    side_cell(table, put_ports, &rule->destination);
    if (bpf)
        vnl_table_cell(table, VNL_TONE_PLAIN, "%llu", (unsigned long long)vnl_bpf_rule_hits(bpf, slot));
}

/* The next rule of a direction behind `priority`. */
static const struct vnl_rule *next_rule(const struct vnl_nsg *nsg, enum vnl_direction direction, int priority)
{
    const struct vnl_rule *next = NULL;

    for (size_t i = 0; i < nsg->n_rules; i++) {
        const struct vnl_rule *rule = nsg->rules[i];

        if (rule->direction == direction && rule->priority > priority &&
            (!next || rule->priority < next->priority))
            next = rule;
    }
    return next;
}

/* In the order in which they are tried (spec 3.3). */
static int print_rules(const struct vnl_nsg *nsg, const struct vnl_bpf *bpf, struct vnl_err **err)
{
    static const char *const headers[] = { "Direction", "Priority", "Name",        "Access", "Protocol",
                                           "Source",    "Ports",    "Destination", "Ports",  "Hits" };
    CLEANUP(vnl_table_free)
    struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers) - (bpf ? 0 : 1));

    for (enum vnl_direction direction = 0; direction < VNL_DIRECTION_MAX; direction++) {
        for (const struct vnl_rule *rule = next_rule(nsg, direction, 0); rule;
             rule = next_rule(nsg, direction, rule->priority))
            rule_row(table, rule, bpf, rule->slot);
        for (size_t i = 0; i < VNL_DEFAULT_RULES; i++) {
            if (vnl_default_rules[i].direction == direction)
                rule_row(table, &vnl_default_rules[i], bpf, nsg->default_slots[i]);
        }
    }
    (void)puts("");
    return vnl_table_print(stdout, table, true, err);
}

static void print_users(const struct vnl_lab *lab, const struct vnl_nsg *nsg)
{
    bool any = false;

    for (size_t i = 0; i < lab->n_vnets; i++) {
        for (size_t k = 0; k < lab->vnets[i]->n_subnets; k++) {
            const struct vnl_subnet *subnet = lab->vnets[i]->subnets[k];

            if (subnet->nsg != nsg)
                continue;
            label(any ? "" : "acts on");
            (void)printf("subnet %s/%s\n", subnet->vnet->name, subnet->name);
            any = true;
        }
    }
    for (size_t i = 0; i < lab->n_vms; i++) {
        if (!lab->vms[i]->n_nics || lab->vms[i]->nics[0]->nsg != nsg)
            continue;
        label(any ? "" : "acts on");
        (void)printf("virtual machine %s\n", lab->vms[i]->name);
        any = true;
    }
    if (!any)
        line("acts on", "nothing: it is not associated with a subnet or a virtual machine");
}

static int print_nsg(const struct vnl_lab *lab, const struct vnl_nsg *nsg, const struct vnl_bpf *bpf,
                     struct vnl_err **err)
{
    (void)printf("network security group %s\n", nsg->name);
    line("location", nsg->scope.location);
    print_users(lab, nsg);
    return print_rules(nsg, bpf, err);
}

int vnl_show_resource(const struct vnl_lab *lab, const struct vnl_resource *resource,
                      const struct vnl_bpf *bpf, bool *ret_done, struct vnl_err **err)
{
    *ret_done = true;
    switch (resource->type) {
    case VNL_TYPE_VM:
        return print_vm(lab, resource->vm, bpf, err);
    case VNL_TYPE_PEERING:
        return print_peering(resource->peering);
    case VNL_TYPE_NSG:
        return print_nsg(lab, resource->nsg, bpf, err);
    case VNL_TYPE_VNET:
    case VNL_TYPE_SUBNET:
    case VNL_TYPE_NIC:
    case VNL_TYPE_RULE:
    case VNL_TYPE_ASG:
    case VNL_TYPE_MAX:
        break;
    }
    *ret_done = false;
    return 0;
}
