/* Gateways and the ends of tunnels in the plan's text. */
#include "parts.h"

#include <inttypes.h>

#include "vnetlab/base.h"

static void print_prefixes(FILE *out, const char *what, const struct vnl_prefix *prefixes, size_t n)
{
    char buf[VNL_PREFIX_STR];

    (void)fprintf(out, "  %s", what);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, " %s", vnl_prefix_format(&prefixes[i], buf));
    (void)fputs(n ? "\n" : " none\n", out);
}

static void print_gateway(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_gateway *gateway)
{
    char addr[VNL_ADDR_STR];

    (void)fprintf(out, "\n%s %s\n  %s outside, in %s by %s\n",
                  gateway->site ? "VPN device of site" : "virtual network gateway", gateway->name,
                  vnl_addr_format(&gateway->outer, addr), plan->vnets[gateway->vnet].name,
                  plan->nics[gateway->nic_in].name);
    print_prefixes(out, "inside", gateway->inside, gateway->n_inside);
    if (gateway->throughput_bps)
        (void)fprintf(out, "  throughput %" PRIu64 " bit/s\n", gateway->throughput_bps);
    if (gateway->swanctl)
        (void)fprintf(out, "  configured by %s\n", gateway->swanctl);
}

static void print_peer(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel)
{
    char addr[VNL_ADDR_STR];

    (void)fprintf(out, "  %s, to %s (%s)%s%s\n", tunnel->ifname, vnl_addr_format(&tunnel->remote, addr),
                  tunnel->peer == VNL_PLAN_NOBODY ? "nobody in this lab" : plan->gateways[tunnel->peer].name,
                  tunnel->initiates ? ", initiates" : "",
                  tunnel->other == VNL_PLAN_NOBODY ? ", no other end" : "");
}

static void print_tunnel(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel)
{
    (void)fprintf(out, "\ntunnel %s at %s\n", tunnel->name, plan->gateways[tunnel->gateway].name);
    print_peer(out, plan, tunnel);
    print_prefixes(out, "routes", tunnel->routes, tunnel->n_routes);
    if (tunnel->n_local_ts || tunnel->n_remote_ts) {
        print_prefixes(out, "local selectors", tunnel->local_ts, tunnel->n_local_ts);
        print_prefixes(out, "remote selectors", tunnel->remote_ts, tunnel->n_remote_ts);
    }
    (void)fprintf(out, "  IKEv%d %s\n  ESP %s\n", tunnel->ike_v1 ? 1 : 2, tunnel->ike, tunnel->esp);
    (void)fprintf(out, "  lifetimes %u s, %u s or %" PRIu64 " bytes", tunnel->ike_lifetime_s,
                  tunnel->child_lifetime_s, tunnel->child_bytes);
    if (tunnel->dpd_s)
        (void)fprintf(out, "; dead peer after %u s", tunnel->dpd_s);
    (void)fputc('\n', out);
}

void vnl_vpn_print(FILE *out, const struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_gateways; i++)
        print_gateway(out, plan, &plan->gateways[i]);
    for (size_t i = 0; i < plan->n_tunnels; i++)
        print_tunnel(out, plan, &plan->tunnels[i]);
}
