/* The plan as text. Golden tests keep these bytes, so a change here shows in every one of them: that is the
 * point. */
#include "parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define MAX_COLUMNS    6
#define FLOW_TIMEOUT_S 240 /* the default is not worth a line */

/* One line of a table; empty cells at the end of a line leave no blanks. */
struct line {
    const char *cells[MAX_COLUMNS];
    char prefix[VNL_PREFIX_STR], next_hop[VNL_ADDR_STR], words[VNL_ROUTE_WORDS];
};

static void widen(size_t widths[MAX_COLUMNS], const struct line *line)
{
    for (size_t i = 0; i < MAX_COLUMNS; i++)
        if (line->cells[i] && strlen(line->cells[i]) > widths[i])
            widths[i] = strlen(line->cells[i]);
}

static void print_line(FILE *out, const char *indent, const struct line *line,
                       const size_t widths[MAX_COLUMNS])
{
    size_t n = MAX_COLUMNS;

    while (n > 0 && (!line->cells[n - 1] || line->cells[n - 1][0] == '\0'))
        n--;
    (void)fputs(indent, out);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, "%s%-*s", i ? "  " : "", i + 1 < n ? (int)widths[i] : 0, line->cells[i]);
    (void)fputc('\n', out);
}

/* --- Azure's effective routes (spec 4.8) ---------------------------------------------------------------- */

static const char *const headers[] = { "Source", "State", "Address Prefix", "Next Hop Type", "Next Hop IP" };

static void fill_line(struct line *line, const struct vnl_route *row)
{
    line->next_hop[0] = '\0';
    if (row->next_hop.family != AF_UNSPEC)
        (void)vnl_addr_format(&row->next_hop, line->next_hop);
    line->cells[0] = vnl_route_source_str(row->source);
    line->cells[1] = row->active ? "Active" : "Invalid";
    line->cells[2] = vnl_prefix_format(&row->prefix, line->prefix);
    line->cells[3] = vnl_next_hop_str(row->type);
    line->cells[4] = line->next_hop;
    line->cells[5] = "";
}

static void print_dashes(FILE *out, const size_t widths[MAX_COLUMNS])
{
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        (void)fputs(i ? "  " : "", out);
        for (size_t k = 0; k < widths[i]; k++)
            (void)fputc('-', out);
    }
    (void)fputc('\n', out);
}

/* The CLI prints with Python's tabulate, style "simple": a column is as wide as its widest value, and two
 * more than its header. */
void vnl_routes_print(FILE *out, const struct vnl_route_table *table)
{
    size_t widths[MAX_COLUMNS] = { 0 };
    struct line line = { .cells = { 0 } };

    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        line.cells[i] = headers[i];
        widths[i] = strlen(headers[i]) + 2;
    }
    for (size_t i = 0; i < table->n_routes; i++) {
        struct line row;

        fill_line(&row, &table->routes[i]);
        widen(widths, &row);
    }
    print_line(out, "", &line, widths);
    print_dashes(out, widths);
    for (size_t i = 0; i < table->n_routes; i++) {
        fill_line(&line, &table->routes[i]);
        print_line(out, "", &line, widths);
    }
}

/* --- the plan ------------------------------------------------------------------------------------------- */

/* Who the next hop is; a row to a gateway that is not there has none. Of two instances the first has the gateway's name. */
static const char *hop_name(const struct vnl_plan *plan, const struct vnl_route *row)
{
    uint32_t nic = row->nic;

    if (row->type == VNL_NEXT_HOP_GATEWAY && row->balancer != VNL_PLAN_NOBODY)
        nic = plan->balancers[row->balancer].rules[0].backends[0].nic;
    if (row->type == VNL_NEXT_HOP_GATEWAY)
        return nic == VNL_PLAN_NOBODY ? NULL : plan->vms[plan->nics[nic].vm].name;
    if (row->type != VNL_NEXT_HOP_APPLIANCE)
        return NULL;
    return row->nic != VNL_PLAN_NOBODY ? plan->nics[row->nic].name : plan->balancers[row->balancer].name;
}

const char *vnl_route_words(const struct vnl_plan *plan, const struct vnl_route *row,
                            char buf[VNL_ROUTE_WORDS])
{
    bool both = row->type == VNL_NEXT_HOP_GATEWAY && row->balancer != VNL_PLAN_NOBODY;
    const char *name = hop_name(plan, row);
    char denies[64];
    int n = 0;

    buf[0] = '\0';
    if (name)
        n = snprintf(buf, VNL_ROUTE_WORDS, "is %s%s in %s", both ? "active-active " : "", name,
                     plan->vnets[row->vnet].name);
    if (row->as_path && n < VNL_ROUTE_WORDS)
        n += snprintf(buf + n, VNL_ROUTE_WORDS - (size_t)n, "%sAS path %s", n ? ", " : "", row->as_path);
    if (vnl_route_denies(row, denies)[0] && n < VNL_ROUTE_WORDS)
        n += snprintf(buf + n, VNL_ROUTE_WORDS - (size_t)n, "%s%s", n ? ", " : "", denies);
    if (row->delay && n < VNL_ROUTE_WORDS)
        (void)snprintf(buf + n, VNL_ROUTE_WORDS - (size_t)n, "%sdelayed %u us", n ? ", " : "",
                       plan->delays[row->delay - 1].one_way_us);
    return buf;
}

/* Beside Azure's columns: which VNet a row leads to, who an appliance or gateway is, and what the links' flags refuse. */
static void fill_plan_line(struct line *line, const struct vnl_plan *plan, const struct vnl_route *row)
{
    fill_line(line, row);
    if (row->type <= VNL_NEXT_HOP_GLOBAL_PEERING)
        line->cells[4] = plan->vnets[row->vnet].name;
    line->cells[5] = vnl_route_words(plan, row, line->words);
}

static void print_table(FILE *out, const struct vnl_plan *plan, const struct vnl_route_table *table)
{
    size_t widths[MAX_COLUMNS] = { 0 };
    struct line line;

    (void)fprintf(out, "\nroutes %s%s\n", table->name,
                  table->disable_bgp ? ", disableBgpRoutePropagation" : "");
    for (size_t i = 0; i < table->n_routes; i++) {
        fill_plan_line(&line, plan, &table->routes[i]);
        widen(widths, &line);
    }
    for (size_t i = 0; i < table->n_routes; i++) {
        fill_plan_line(&line, plan, &table->routes[i]);
        print_line(out, "  ", &line, widths);
    }
}

static void print_rules(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_rules *rules)
{
    (void)fprintf(out, "\nnetwork security group %s in %s%s%s\n", rules->nsg_name,
                  plan->vnets[rules->vnet].name, rules->route_table ? " with " : "",
                  rules->route_table ? rules->route_table : "");
    vnl_rules_print_set(out, rules);
}

static void print_space(FILE *out, const struct vnl_plan_vnet *vnet)
{
    char buf[VNL_PREFIX_STR];

    (void)fprintf(out, "\n%s %s\n", vnet->site ? "site" : "virtual network", vnet->name);
    if (vnet->location)
        (void)fprintf(out, "  location %s\n", vnet->location);
    (void)fputs("  address space", out);
    for (size_t i = 0; i < vnet->n_space; i++)
        (void)fprintf(out, " %s", vnl_prefix_format(&vnet->space[i], buf));
    (void)fputc('\n', out);
}

static void print_services(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_vnet *vnet)
{
    char buf[VNL_ADDR_STR];

    for (size_t i = 0; i < vnet->n_dns; i++)
        (void)fprintf(out, "%s %s%s", i ? "" : "  DNS servers", vnl_addr_format(&vnet->dns[i], buf),
                      i + 1 < vnet->n_dns ? "" : "\n");
    if (vnet->bastion.family == AF_UNSPEC)
        return;
    (void)fprintf(out, "  bastion %s", vnl_addr_format(&vnet->bastion, buf));
    if (vnet->bastion_rules != VNL_PLAN_NO_RULES)
        (void)fprintf(out, ", network security group %s", plan->rules[vnet->bastion_rules].nsg_name);
    (void)fputc('\n', out);
}

static void print_vnet(FILE *out, const struct vnl_plan *plan, uint32_t index)
{
    const struct vnl_plan_vnet *vnet = &plan->vnets[index];

    if (vnet->internet)
        (void)fputs("\ninternet\n", out);
    else
        print_space(out, vnet);
    (void)fputs("  bridges", out);
    for (size_t i = 0; i < plan->n_bridges; i++)
        if (plan->bridges[i].vnet == index)
            (void)fprintf(out, " %s (%u)", plan->bridges[i].ifname, plan->bridges[i].ifindex);
    (void)fputc('\n', out);
    if (vnet->flow_timeout_s != FLOW_TIMEOUT_S)
        (void)fprintf(out, "  flow timeout %u min\n", vnet->flow_timeout_s / 60);
    print_services(out, plan, vnet);
}

static void print_peering(FILE *out, const struct vnl_plan_peering *link)
{
    (void)fprintf(out, "\npeering %s\n  to %s\n  state %s, %s\n  flags %s\n", link->name, link->remote,
                  link->state, link->sync, link->flags);
}

static void print_way_out(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_nic *nic)
{
    if (nic->nat != VNL_PLAN_NOBODY)
        (void)fprintf(
            out, "    %s%s, ports %u-%u\n", plan->nats[nic->nat].gateway ? "outbound by NAT gateway " : "",
            plan->nats[nic->nat].name, nic->nat_port_first, nic->nat_port_first + nic->nat_ports - 1);
    else if (nic->vnet != plan->internet && plan->internet != VNL_PLAN_NOBODY && !nic->gateway &&
             !plan->vnets[nic->vnet].site)
        (void)fputs("    no shared address for outbound\n", out);
    if (nic->bandwidth_bps)
        (void)fprintf(out, "    bandwidth %" PRIu64 " bit/s\n", nic->bandwidth_bps);
}

static void print_nic(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_nic *nic)
{
    char addr[VNL_ADDR_STR], gateway[VNL_ADDR_STR], mac[VNL_MAC_STR];

    (void)fprintf(out, "  network interface %s in %s, routes %s%s\n", nic->name, nic->subnet,
                  plan->tables[nic->table].name, nic->ip_forwarding ? ", IP forwarding" : "");
    if (nic->rules_subnet != VNL_PLAN_NO_RULES)
        (void)fprintf(out, "    network security group of the subnet %s\n",
                      plan->rules[nic->rules_subnet].nsg_name);
    if (nic->rules_nic != VNL_PLAN_NO_RULES)
        (void)fprintf(out, "    network security group %s\n", plan->rules[nic->rules_nic].nsg_name);
    (void)fprintf(out, "    %s (%u) on %s, %s\n", nic->ifname, nic->ifindex, nic->bridge,
                  vnl_mac_format(&nic->mac, mac));
    for (size_t i = 0; i < nic->n_addrs; i++) {
        uint32_t public_ip = nic->addrs[i].public_ip;

        (void)fprintf(out, "    %s/%u via %s%s%s\n", vnl_addr_format(&nic->addrs[i].addr, addr),
                      nic->addrs[i].prefix_len, vnl_addr_format(&nic->addrs[i].gateway, gateway),
                      public_ip == VNL_PLAN_NOBODY ? "" : ", public IP ",
                      public_ip == VNL_PLAN_NOBODY ? "" : plan->publics[public_ip].name);
    }
    print_way_out(out, plan, nic);
}

static const char *guest_kind(const struct vnl_plan_vm *vm)
{
    if (vm->client)
        return "point-to-site client";
    if (vm->gateway)
        return "gateway instance";
    if (vm->host)
        return "internet host";
    return vm->site_host ? "site host" : "virtual machine";
}

static void print_vm(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_vm *vm)
{
    (void)fprintf(out, "\n%s %s\n  namespace %s%s\n", guest_kind(vm), vm->name, vm->netns,
                  vm->ip_forward ? ", the guest forwards" : "");
    for (size_t i = 0; i < vm->n_nics; i++)
        print_nic(out, plan, &plan->nics[vm->nics[i]]);
    for (size_t i = 0; i < vm->n_run; i++)
        (void)fprintf(out, "  run %s\n", vm->run[i]);
}

int vnl_plan_print(FILE *out, const struct vnl_plan *plan, struct vnl_err **err)
{
    (void)fprintf(out, "lab %s\n", plan->lab);
    for (uint32_t i = 0; i < plan->n_vnets; i++)
        print_vnet(out, plan, i);
    for (size_t i = 0; i < plan->n_peerings; i++)
        print_peering(out, &plan->peerings[i]);
    for (size_t i = 0; i < plan->n_tables; i++)
        print_table(out, plan, &plan->tables[i]);
    for (size_t i = 0; i < plan->n_rules; i++)
        print_rules(out, plan, &plan->rules[i]);
    vnl_outside_print(out, plan);
    vnl_vpn_print(out, plan);
    for (size_t i = 0; i < plan->n_vms; i++)
        print_vm(out, plan, &plan->vms[i]);
    return ferror(out) ? vnl_fail(err, EIO, "the plan could not be written") : 0;
}
