/* Public IPs, NAT, load balancers and delays in the plan's text. */
#include "parts.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "vnetlab/base.h"
#include "vnetlab/layout.h"

const char *const vnl_distribution_text[] = {
    [VNL_DISTRIBUTION_FIVE_TUPLE] = "Default",
    [VNL_DISTRIBUTION_SOURCE_IP] = "SourceIP",
    [VNL_DISTRIBUTION_SOURCE_IP_PROTOCOL] = "SourceIPProtocol",
};

const char *vnl_balancer_proto_text(uint8_t proto)
{
    return proto == IPPROTO_TCP ? "Tcp" : proto == IPPROTO_UDP ? "Udp" : "All";
}

static void print_public(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_public *ip)
{
    const struct vnl_plan_gateway *gateway = vnl_gateway_by_outer(plan, &ip->addr);
    char addr[VNL_ADDR_STR], inner[VNL_ADDR_STR];

    (void)fprintf(out, "\npublic IP %s\n  %s", ip->name, vnl_addr_format(&ip->addr, addr));
    if (ip->nic != VNL_PLAN_NOBODY)
        (void)fprintf(out, " of %s at %s, %s", plan->nics[ip->nic].name, vnl_addr_format(&ip->inner, inner),
                      ip->closed ? "closed: no network security group" : "open to the rules");
    else if (ip->nat != VNL_PLAN_NOBODY)
        (void)fprintf(out, " of NAT gateway %s", plan->nats[ip->nat].name);
    else if (gateway)
        (void)fprintf(out, " of virtual network gateway %s", gateway->resource);
    (void)fprintf(out, "\n  %s, idle timeout %u min\n", ip->basic ? "Basic" : "Standard", ip->timeout_s / 60);
}

static void print_nat(FILE *out, const struct vnl_plan_nat *nat)
{
    char buf[VNL_ADDR_STR];

    (void)fprintf(out, "\n%s%s\n  addresses", nat->gateway ? "NAT gateway " : "", nat->name);
    for (size_t i = 0; i < nat->n_outer; i++)
        (void)fprintf(out, " %s", vnl_addr_format(&nat->outer[i], buf));
    (void)fprintf(out, "\n  idle timeout TCP %u min, UDP %u min\n", nat->tcp_timeout_s / 60,
                  nat->udp_timeout_s / 60);
}

static void print_balancer_rule(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_lb_rule *rule)
{
    char buf[VNL_ADDR_STR];

    (void)fprintf(out, "rule %s: %s", rule->name, vnl_balancer_proto_text(rule->proto));
    if (rule->proto)
        (void)fprintf(out, " %u to %u", rule->frontend_port, rule->backend_port);
    (void)fprintf(out, ", %s%s, idle timeout %u min, backends", vnl_distribution_text[rule->distribution],
                  rule->floating ? ", floating IP" : "", rule->timeout_s / 60);
    for (size_t i = 0; i < rule->n_backends; i++)
        (void)fprintf(out, " %s (%s)", vnl_addr_format(&rule->backends[i].addr, buf),
                      plan->nics[rule->backends[i].nic].name);
    (void)fputs(rule->n_backends ? "" : " none", out);
    if (rule->probed)
        (void)fprintf(out, ", probe %s:%u%s every %u s, threshold %u", rule->probe.http ? "http" : "tcp",
                      rule->probe.port, rule->probe.http ? rule->probe.path : "", rule->probe.interval_s,
                      rule->probe.threshold);
}

char *vnl_balancer_rule_text(const struct vnl_plan *plan, const struct vnl_plan_lb_rule *rule)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool bad;

    if (!out)
        return NULL;
    print_balancer_rule(out, plan, rule);
    bad = ferror(out) != 0;
    if (fclose(out) == 0 && !bad)
        return text;
    free(text);
    return NULL;
}

static void print_balancer(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_balancer *balancer)
{
    char buf[VNL_ADDR_STR];

    (void)fprintf(out, "\nload balancer frontend %s\n  %s in %s, %s\n", balancer->name,
                  vnl_addr_format(&balancer->addr, buf), plan->vnets[balancer->vnet].name,
                  balancer->basic ? "Basic" : "Standard");
    for (size_t i = 0; i < balancer->n_rules; i++) {
        (void)fputs("  ", out);
        print_balancer_rule(out, plan, &balancer->rules[i]);
        (void)fputc('\n', out);
    }
}

void vnl_outside_print(FILE *out, const struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_publics; i++)
        print_public(out, plan, &plan->publics[i]);
    for (size_t i = 0; i < plan->n_nats; i++)
        print_nat(out, &plan->nats[i]);
    for (size_t i = 0; i < vnl_balancers_count_frontends(plan); i++)
        print_balancer(out, plan, &plan->balancers[i]);
    for (size_t i = 0; i < plan->n_delays; i++)
        (void)fprintf(out, "%sdelay %s - %s: %u us each way\n", i ? "" : "\n", plan->delays[i].a,
                      plan->delays[i].b, plan->delays[i].one_way_us);
}
