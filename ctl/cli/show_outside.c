/* Route tables, public IPs, NAT gateways, load balancers and internet hosts: each alone, and as tables of the whole lab. */
#include "show_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"
#include "vnetlab/image.h"
#include "vnetlab/plan.h"

/* "" when there is none. */
static const char *addr_text(const struct vnl_addr *addr, char buf[VNL_ADDR_STR])
{
    return addr->family == AF_UNSPEC ? "" : vnl_addr_format(addr, buf);
}

/* --- routes ----------------------------------------------------------------------------------------------- */

int vnl_show_udr_table(const struct vnl_udr_table *table, struct vnl_err **err)
{
    static const char *const headers[] = { "Route", "AddressPrefix", "NextHopType", "NextHopIpAddress" };
    CLEANUP(vnl_table_free) struct vnl_table *rows = vnl_table_new(headers, ARRAY_SIZE(headers));
    char prefix[VNL_PREFIX_STR], addr[VNL_ADDR_STR];

    (void)printf("route table %s\n", table->name);
    vnl_show_line("location", table->scope.location);
    vnl_show_flag("disableBgpRoutePropagation", table->disable_bgp);
    vnl_show_subnets("acts on", table->subnets, table->n_subnets);
    if (!table->n_subnets)
        vnl_show_line("acts on", "nothing: it is not associated with a subnet");
    for (size_t i = 0; i < table->n_udrs; i++) {
        vnl_table_cell(rows, VNL_TONE_PLAIN, "%s", table->udrs[i]->name);
        vnl_table_cell(rows, VNL_TONE_PLAIN, "%s", vnl_prefix_format(&table->udrs[i]->prefix, prefix));
        vnl_table_cell(rows, VNL_TONE_PLAIN, "%s", vnl_udr_hop_str(table->udrs[i]->hop));
        vnl_table_cell(rows, VNL_TONE_PLAIN, "%s", addr_text(&table->udrs[i]->next_hop, addr));
    }
    (void)puts("");
    return vnl_table_print(stdout, rows, true, err);
}

int vnl_show_udr(const struct vnl_udr *udr)
{
    char prefix[VNL_PREFIX_STR], addr[VNL_ADDR_STR];

    (void)printf("route %s/%s\n", udr->table->name, udr->name);
    vnl_show_line("addressPrefix", vnl_prefix_format(&udr->prefix, prefix));
    vnl_show_line("nextHopType", vnl_udr_hop_str(udr->hop));
    vnl_show_line("nextHopIpAddress",
                  udr->next_hop.family == AF_UNSPEC ? NULL : vnl_addr_format(&udr->next_hop, addr));
    return 0;
}

/* --- public IPs, NAT gateways ------------------------------------------------------------------------------- */

static void format_user(const struct vnl_public_ip *public_ip, char buf[256])
{
    if (public_ip->config && public_ip->nic)
        (void)snprintf(buf, 256, "%s of %s", public_ip->nic->name, public_ip->nic->vm->name);
    else if (public_ip->nat)
        (void)snprintf(buf, 256, "NAT gateway %s", public_ip->nat->name);
    else if (public_ip->gateway)
        (void)snprintf(buf, 256, "VPN gateway %s", public_ip->gateway->name);
    else
        (void)snprintf(buf, 256, "nobody");
}

int vnl_show_public_ip(const struct vnl_public_ip *public_ip)
{
    char addr[VNL_ADDR_STR], user[256], minutes[32];

    format_user(public_ip, user);
    (void)snprintf(minutes, sizeof(minutes), "%d minutes",
                   public_ip->idle_timeout_min ? public_ip->idle_timeout_min : 4);
    (void)printf("public IP address %s\n", public_ip->name);
    vnl_show_line("location", public_ip->scope.location);
    vnl_show_line("address", addr_text(&public_ip->addr, addr));
    vnl_show_line("SKU", vnl_sku_str(public_ip->sku));
    vnl_show_line("used by", user);
    if (public_ip->config)
        vnl_show_line("private address", addr_text(&public_ip->config->addr, addr));
    vnl_show_line("idle timeout", minutes);
    return 0;
}

int vnl_show_nat_gateway(const struct vnl_nat_gateway *nat)
{
    char addr[VNL_ADDR_STR], minutes[32];

    (void)snprintf(minutes, sizeof(minutes), "%d minutes (TCP)",
                   nat->idle_timeout_min ? nat->idle_timeout_min : 4);
    (void)printf("NAT gateway %s\n", nat->name);
    vnl_show_line("location", nat->scope.location);
    for (size_t i = 0; i < nat->n_publics; i++) {
        vnl_show_label(i ? "" : "public IPs");
        (void)printf("%s %s\n", nat->publics[i]->name, addr_text(&nat->publics[i]->addr, addr));
    }
    vnl_show_subnets("serves", nat->subnets, nat->n_subnets);
    if (!nat->n_subnets)
        vnl_show_line("serves", "no subnet");
    vnl_show_line("idle timeout", minutes);
    return 0;
}

/* --- load balancers ------------------------------------------------------------------------------------------ */

/* What the agent's probes have found; "" when the lab does not run. */
static const char *health_of(const struct vnl_bpf *bpf, const struct vnl_plan_lb_rule *rule, size_t backend)
{
    uint64_t alive = 0;

    if (!bpf)
        return "";
    if (!rule->probed)
        return "no probe";
    if (!vnl_bpf_health(bpf, rule->health, vnl_health_id(rule), &alive))
        return "not probed yet";
    return alive >> backend & 1 ? "up" : "down";
}

static void rule_rows(struct vnl_table *table, const struct vnl_plan *plan,
                      const struct vnl_plan_balancer *balancer, const struct vnl_bpf *bpf)
{
    char addr[VNL_ADDR_STR];

    for (size_t i = 0; i < balancer->n_rules; i++) {
        const struct vnl_plan_lb_rule *rule = &balancer->rules[i];

        for (size_t k = 0; k < rule->n_backends; k++) {
            const char *health = health_of(bpf, rule, k);

            vnl_table_cell(table, VNL_TONE_PLAIN, "%s", rule->name);
            if (rule->proto)
                vnl_table_cell(table, VNL_TONE_PLAIN, "%s:%u", rule->proto == 6 ? "tcp" : "udp",
                               rule->frontend_port);
            else
                vnl_table_cell(table, VNL_TONE_PLAIN, "all");
            vnl_table_cell(table, VNL_TONE_PLAIN, "%s", plan->vms[plan->nics[rule->backends[k].nic].vm].name);
            vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vnl_addr_format(&rule->backends[k].addr, addr));
            if (rule->proto)
                vnl_table_cell(table, VNL_TONE_PLAIN, "%u", rule->backend_port);
            else
                vnl_table_cell(table, VNL_TONE_PLAIN, "all");
            vnl_table_cell(table, !strcmp(health, "down") ? VNL_TONE_BAD : VNL_TONE_PLAIN, "%s", health);
        }
    }
}

static int print_balancer(const struct vnl_plan *plan, const struct vnl_plan_balancer *balancer,
                          const struct vnl_bpf *bpf, struct vnl_err **err)
{
    static const char *const headers[] = { "Rule", "Frontend", "Backend", "Address", "Port", "Health" };
    CLEANUP(vnl_table_free)
    struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers) - (bpf ? 0 : 1));
    char addr[VNL_ADDR_STR];

    (void)printf("\nfrontend %s, %s\n", balancer->name, vnl_addr_format(&balancer->addr, addr));
    rule_rows(table, plan, balancer, bpf);
    return vnl_table_print(stdout, table, true, err);
}

int vnl_show_lb(const struct vnl_lab *lab, const struct vnl_lb *lb, const struct vnl_bpf *bpf,
                struct vnl_err **err)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    size_t len = strlen(lb->name);
    int r = vnl_plan_build(lab, &plan, err);

    if (r < 0)
        return r;
    (void)printf("load balancer %s\n", lb->name);
    vnl_show_line("location", lb->scope.location);
    vnl_show_line("SKU", vnl_sku_str(lb->sku));
    for (size_t i = 0; r >= 0 && i < plan->n_balancers; i++)
        if (!strncmp(plan->balancers[i].name, lb->name, len) && plan->balancers[i].name[len] == '/')
            r = print_balancer(plan, &plan->balancers[i], bpf, err);
    return r;
}

/* --- the whole lab --------------------------------------------------------------------------------------------- */

static int print_table(const struct vnl_table *table, size_t n, struct vnl_err **err)
{
    if (!n)
        return 0;
    (void)putchar('\n');
    return vnl_table_print(stdout, table, true, err);
}

static int list_udr_tables(const struct vnl_lab *lab, struct vnl_err **err)
{
    static const char *const headers[] = { "RouteTable", "Location", "Routes", "Subnets" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; i < lab->n_route_tables; i++) {
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", lab->route_tables[i]->name);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", lab->route_tables[i]->scope.location);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%zu", lab->route_tables[i]->n_udrs);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%zu", lab->route_tables[i]->n_subnets);
    }
    return print_table(table, lab->n_route_tables, err);
}

static int list_public_ips(const struct vnl_lab *lab, struct vnl_err **err)
{
    static const char *const headers[] = { "PublicIP", "Address", "SKU", "UsedBy" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));
    char addr[VNL_ADDR_STR], user[256];

    for (size_t i = 0; i < lab->n_public_ips; i++) {
        const struct vnl_public_ip *public_ip = lab->public_ips[i];

        format_user(public_ip, user);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", public_ip->name);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", addr_text(&public_ip->addr, addr));
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vnl_sku_str(public_ip->sku));
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", user);
    }
    return print_table(table, lab->n_public_ips, err);
}

static int list_nat_gateways(const struct vnl_lab *lab, struct vnl_err **err)
{
    static const char *const headers[] = { "NatGateway", "Location", "PublicIPs", "Subnets" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; i < lab->n_nat_gateways; i++) {
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", lab->nat_gateways[i]->name);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", lab->nat_gateways[i]->scope.location);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%zu", lab->nat_gateways[i]->n_publics);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%zu", lab->nat_gateways[i]->n_subnets);
    }
    return print_table(table, lab->n_nat_gateways, err);
}

static int list_lbs(const struct vnl_lab *lab, struct vnl_err **err)
{
    static const char *const headers[] = { "LoadBalancer", "SKU", "Frontend", "Address", "Rules" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));
    char addr[VNL_ADDR_STR];

    for (size_t i = 0; i < lab->n_lbs; i++) {
        const struct vnl_lb *lb = lab->lbs[i];

        for (size_t k = 0; k < lb->n_frontends; k++) {
            vnl_table_cell(table, VNL_TONE_PLAIN, "%s", lb->name);
            vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vnl_sku_str(lb->sku));
            vnl_table_cell(table, VNL_TONE_PLAIN, "%s", lb->frontends[k]->name);
            vnl_table_cell(table, VNL_TONE_PLAIN, "%s", addr_text(&lb->frontends[k]->addr, addr));
            vnl_table_cell(table, VNL_TONE_PLAIN, "%zu", lb->n_rules);
        }
    }
    return print_table(table, lab->n_lbs, err);
}

static int list_hosts(const struct vnl_lab *lab, struct vnl_err **err)
{
    static const char *const headers[] = { "InternetHost", "Address" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));
    char addr[VNL_ADDR_STR];

    for (size_t i = 0; i < lab->n_hosts; i++) {
        if (lab->hosts[i]->client)
            continue;
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", lab->hosts[i]->name);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", addr_text(&lab->hosts[i]->addr, addr));
    }
    return print_table(table, lab->n_hosts - lab->n_clients, err);
}

int vnl_show_outside(const struct vnl_lab *lab, struct vnl_err **err)
{
    int r = list_udr_tables(lab, err);

    if (r >= 0)
        r = list_public_ips(lab, err);
    if (r >= 0)
        r = list_nat_gateways(lab, err);
    if (r >= 0)
        r = list_lbs(lab, err);
    return r >= 0 ? list_hosts(lab, err) : r;
}
