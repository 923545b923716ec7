/* Virtual machines, peerings and network security groups, each as a few lines and a table of what was counted. */
#include "show_resource.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "out.h"
#include "resources.h"
#include "show_parts.h"

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"

/* --- virtual machines --------------------------------------------------------------------------------- */

static void print_addresses(const struct vnl_nic *nic)
{
    char buf[VNL_ADDR_STR];

    vnl_show_label("addresses");
    for (size_t i = 0; i < nic->n_configs; i++)
        (void)printf("%s%s (%s)", i ? ", " : "", vnl_addr_format(&nic->configs[i].addr, buf),
                     nic->configs[i].is_static ? "static" : "dynamic");
    (void)puts("");
    for (size_t i = 0; i < nic->n_configs; i++) {
        const struct vnl_public_ip *public_ip = nic->configs[i].public_ip;

        if (!public_ip)
            continue;
        vnl_show_label("public IP");
        (void)printf("%s %s", public_ip->name, vnl_addr_format(&public_ip->addr, buf));
        (void)printf(" (%s)\n", vnl_addr_format(&nic->configs[i].addr, buf));
    }
}

static void print_asgs(const struct vnl_nic *nic)
{
    vnl_show_label("ASGs");
    for (size_t i = 0; i < nic->n_asgs; i++)
        (void)printf("%s%s", i ? ", " : "", nic->asgs[i]->name);
    (void)puts(nic->n_asgs ? "" : "-");
}

/* named: it is one of several. */
static void print_nic(const struct vnl_nic *nic, const struct vnl_plan_nic *planned, bool named)
{
    char mac[VNL_MAC_STR];

    if (named)
        (void)printf("network interface %s%s\n", nic->name, nic->primary ? " (primary)" : "");
    print_addresses(nic);
    vnl_show_line("MAC", vnl_mac_format(&nic->mac, mac));
    vnl_show_label("subnet");
    (void)printf("%s, ", planned->subnet);
    vnl_show_prefixes(&nic->subnet->prefixes);
    vnl_show_line("interface", planned->ifname);
    vnl_show_line("NSG on the NIC", nic->nsg ? nic->nsg->name : NULL);
    vnl_show_line("NSG on the subnet", nic->subnet->nsg ? nic->subnet->nsg->name : NULL);
    print_asgs(nic);
    vnl_show_flag("enableIPForwarding", nic->ip_forwarding);
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
    vnl_show_line("location", vm->scope.location);
    if (planned)
        vnl_show_line("namespace", planned->netns);
    for (size_t i = 0; planned && i < planned->n_nics && i < vm->n_nics; i++)
        print_nic(vm->nics[i], &plan->nics[planned->nics[i]], vm->n_nics > 1);
    vnl_show_flag("forwards in the guest", vm->ip_forward);
    for (size_t i = 0; i < vm->run.n; i++)
        vnl_show_line(i ? "" : "runs", vm->run.items[i]);
    for (size_t i = 0; bpf && r >= 0 && i < vm->n_nics; i++) {
        if (vm->n_nics > 1)
            (void)printf("\nnetwork interface %s:", vm->nics[i]->name);
        r = print_drops(bpf, vm->nics[i]->slot, err);
    }
    return r;
}

static int print_one_nic(const struct vnl_lab *lab, const struct vnl_nic *nic, const struct vnl_bpf *bpf,
                         struct vnl_err **err)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    int r = vnl_plan_build(lab, &plan, err);

    if (r < 0)
        return r;
    (void)printf("network interface %s of virtual machine %s\n", nic->name, nic->vm->name);
    for (size_t i = 0; i < plan->n_nics; i++)
        if (plan->nics[i].slot == nic->slot)
            print_nic(nic, &plan->nics[i], false);
    return bpf ? print_drops(bpf, nic->slot, err) : 0;
}

static int print_host(const struct vnl_host *host, const struct vnl_bpf *bpf, struct vnl_err **err)
{
    char addr[VNL_ADDR_STR], mac[VNL_MAC_STR];

    (void)printf("internet host %s\n", host->name);
    vnl_show_line("address", vnl_addr_format(&host->addr, addr));
    vnl_show_line("MAC", vnl_mac_format(&host->mac, mac));
    for (size_t i = 0; i < host->run.n; i++)
        vnl_show_line(i ? "" : "runs", host->run.items[i]);
    return bpf ? print_drops(bpf, host->slot, err) : 0;
}

static int print_client(const struct vnl_lab *lab, const struct vnl_client *client, const struct vnl_bpf *bpf,
                        struct vnl_err **err)
{
    int r = vnl_show_client(lab, client, err);

    return r < 0 || !bpf ? r : print_drops(bpf, client->host->slot, err);
}

/* --- peerings ----------------------------------------------------------------------------------------- */

static int print_peering(const struct vnl_peering *link)
{
    const struct vnl_peering *twin = vnl_peering_twin(link);

    (void)printf("peering %s/%s\n", link->vnet->name, link->name);
    vnl_show_line("remote VNet", link->remote ? link->remote->name : link->remote_ref);
    vnl_show_line("state", vnl_peering_state_str(link->state));
    vnl_show_line("sync level", vnl_peering_sync_str(link->sync));
    vnl_show_label("remote space in force");
    vnl_show_prefixes(&link->remote_space);
    vnl_show_flag("allowVirtualNetworkAccess", link->allow_vnet_access);
    vnl_show_flag("allowForwardedTraffic", link->allow_forwarded_traffic);
    vnl_show_flag("allowGatewayTransit", link->allow_gateway_transit);
    vnl_show_flag("useRemoteGateways", link->use_remote_gateways);
    if (twin)
        (void)printf("  %-26s %s/%s, %s\n", "other link", twin->vnet->name, twin->name,
                     vnl_peering_state_str(twin->state));
    else
        vnl_show_line("other link", NULL);
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
            vnl_show_label(any ? "" : "acts on");
            (void)printf("subnet %s/%s\n", subnet->vnet->name, subnet->name);
            any = true;
        }
    }
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            if (lab->vms[i]->nics[k]->nsg != nsg)
                continue;
            vnl_show_label(any ? "" : "acts on");
            if (lab->vms[i]->n_nics > 1)
                (void)printf("network interface %s of %s\n", lab->vms[i]->nics[k]->name, lab->vms[i]->name);
            else
                (void)printf("virtual machine %s\n", lab->vms[i]->name);
            any = true;
        }
    }
    if (!any)
        vnl_show_line("acts on", "nothing: it is not associated with a subnet or a virtual machine");
}

static int print_nsg(const struct vnl_lab *lab, const struct vnl_nsg *nsg, const struct vnl_bpf *bpf,
                     struct vnl_err **err)
{
    (void)printf("network security group %s\n", nsg->name);
    vnl_show_line("location", nsg->scope.location);
    print_users(lab, nsg);
    return print_rules(nsg, bpf, err);
}

static int print_rule(const struct vnl_rule *rule, const struct vnl_bpf *bpf)
{
    char priority[16];

    (void)printf("security rule %s/%s\n", rule->nsg->name, rule->name);
    (void)snprintf(priority, sizeof(priority), "%d", rule->priority);
    vnl_show_line("priority", priority);
    vnl_show_line("direction", vnl_direction_str(rule->direction));
    vnl_show_line("access", vnl_access_str(rule->access));
    vnl_show_line("protocol", vnl_rule_proto_str(rule->proto));
    for (int i = 0; i < 2; i++) {
        const struct vnl_rule_side *side = i ? &rule->destination : &rule->source;

        vnl_show_label(i ? "destination" : "source");
        put_side(stdout, side);
        (void)fputs(", ports ", stdout);
        put_ports(stdout, side);
        (void)puts("");
    }
    if (rule->description)
        vnl_show_line("description", rule->description);
    if (bpf)
        (void)printf("  %-26s %llu\n", "hits", (unsigned long long)vnl_bpf_rule_hits(bpf, rule->slot));
    return 0;
}

int vnl_show_resource(const struct vnl_lab *lab, const struct vnl_resource *resource,
                      const struct vnl_bpf *bpf, struct vnl_err **err)
{
    switch (resource->type) {
    case VNL_TYPE_VM:
        return print_vm(lab, resource->vm, bpf, err);
    case VNL_TYPE_PEERING:
        return print_peering(resource->peering);
    case VNL_TYPE_NSG:
        return print_nsg(lab, resource->nsg, bpf, err);
    case VNL_TYPE_VNET:
        return vnl_show_vnet(resource->vnet);
    case VNL_TYPE_SUBNET:
        return vnl_show_subnet(lab, resource->subnet);
    case VNL_TYPE_NIC:
        return print_one_nic(lab, resource->nic, bpf, err);
    case VNL_TYPE_RULE:
        return print_rule(resource->rule, bpf);
    case VNL_TYPE_ASG:
        return vnl_show_asg(resource->asg);
    case VNL_TYPE_ROUTE_TABLE:
        return vnl_show_udr_table(resource->udr_table, err);
    case VNL_TYPE_ROUTE:
        return vnl_show_udr(resource->udr);
    case VNL_TYPE_PUBLIC_IP:
        return vnl_show_public_ip(resource->public_ip);
    case VNL_TYPE_NAT_GATEWAY:
        return vnl_show_nat_gateway(resource->nat);
    case VNL_TYPE_BALANCER:
        return vnl_show_lb(lab, resource->lb, bpf, err);
    case VNL_TYPE_HOST:
        return print_host(resource->host, bpf, err);
    case VNL_TYPE_VPN_GATEWAY:
        return vnl_show_vpn_gateway(lab, resource->gateway);
    case VNL_TYPE_LOCAL_GATEWAY:
        return vnl_show_local_gateway(lab, resource->local);
    case VNL_TYPE_CONNECTION:
        return vnl_show_connection(lab, resource->connection, err);
    case VNL_TYPE_SITE:
        return resource->site_host ? vnl_show_site_host(resource->site, resource->site_host)
                                   : vnl_show_site(resource->site);
    case VNL_TYPE_CLIENT:
        return print_client(lab, resource->client, bpf, err);
    case VNL_TYPE_MAX:
        break;
    }
    return 0;
}
