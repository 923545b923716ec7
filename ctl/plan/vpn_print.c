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

static void print_bgp(FILE *out, const struct vnl_plan_gateway *gateway)
{
    char addr[VNL_ADDR_STR];

    if (!gateway->asn)
        return;
    (void)fprintf(out, "  BGP %u at %s", gateway->asn, vnl_addr_format(&gateway->bgp_addr, addr));
    if (gateway->prepend)
        (void)fprintf(out, ", prepended %u time%s", gateway->prepend, gateway->prepend == 1 ? "" : "s");
    (void)fputc('\n', out);
    print_prefixes(out, "announced", gateway->announced, gateway->n_announced);
    if (gateway->n_refused)
        print_prefixes(out, "refused", gateway->refused, gateway->n_refused);
}

static void print_texts(FILE *out, const char *what, char *const *texts, size_t n)
{
    (void)fprintf(out, "  %s", what);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, " %s", texts[i]);
    (void)fputs(n ? "\n" : " none\n", out);
}

static void print_client(FILE *out, const struct vnl_plan_gateway *client)
{
    char addr[VNL_ADDR_STR];

    (void)fprintf(out, "\npoint-to-site client %s\n  %s outside\n", client->name,
                  vnl_addr_format(&client->outer, addr));
}

static void print_gateway(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_gateway *gateway)
{
    char addr[VNL_ADDR_STR];

    if (gateway->client) {
        print_client(out, gateway);
        return;
    }
    (void)fprintf(out, "\n%s %s\n  %s outside, in %s by %s\n",
                  gateway->site ? "VPN device of site" : "virtual network gateway", gateway->name,
                  vnl_addr_format(&gateway->outer, addr), plan->vnets[gateway->vnet].name,
                  plan->nics[gateway->nic_in].name);
    print_prefixes(out, "inside", gateway->inside, gateway->n_inside);
    if (gateway->throughput_bps)
        (void)fprintf(out, "  throughput %" PRIu64 " bit/s\n", gateway->throughput_bps);
    if (gateway->swanctl)
        (void)fprintf(out, "  configured by %s\n", gateway->swanctl);
    print_bgp(out, gateway);
    if (!gateway->p2s)
        return;
    print_texts(out, "root certificates", gateway->p2s->roots, gateway->p2s->n_roots);
    if (gateway->p2s->n_revoked)
        print_texts(out, "revoked", gateway->p2s->revoked, gateway->p2s->n_revoked);
}

static void print_peer(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel)
{
    char addr[VNL_ADDR_STR];

    if (tunnel->kind == VNL_TUNNEL_SERVER) {
        (void)fprintf(out, "  %s, to point-to-site clients\n", tunnel->ifname);
        return;
    }
    (void)fprintf(out, "  %s, to %s (%s)%s%s\n", tunnel->ifname, vnl_addr_format(&tunnel->remote, addr),
                  tunnel->peer == VNL_PLAN_NOBODY ? "nobody in this lab" : plan->gateways[tunnel->peer].name,
                  tunnel->initiates ? ", initiates" : "",
                  tunnel->other == VNL_PLAN_NOBODY ? ", no other end" : "");
}

static void print_peer_bgp(FILE *out, const struct vnl_plan_tunnel *tunnel)
{
    char addr[VNL_ADDR_STR];

    if (tunnel->peer_asn)
        (void)fprintf(out, "  BGP with %u at %s\n", tunnel->peer_asn,
                      vnl_addr_format(&tunnel->peer_bgp, addr));
}

/* Where a client's is from. */
static void print_certificate(FILE *out, const struct vnl_plan_tunnel *tunnel)
{
    if (tunnel->certificate)
        (void)fprintf(out, "  certificate %s, key %s\n", tunnel->certificate, tunnel->private_key);
    else if (tunnel->root)
        (void)fprintf(out, "  certificate signed by %s\n", tunnel->root);
}

static void print_tunnel(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel)
{
    (void)fprintf(out, "\ntunnel %s at %s\n", tunnel->name, plan->gateways[tunnel->gateway].name);
    print_peer(out, plan, tunnel);
    print_prefixes(out, "routes", tunnel->routes, tunnel->n_routes);
    print_peer_bgp(out, tunnel);
    if (tunnel->n_learned)
        print_prefixes(out, "learned", tunnel->learned, tunnel->n_learned);
    print_certificate(out, tunnel);
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

/* Who carries what in turn. */
static void print_active_active(FILE *out, const struct vnl_plan *plan, const struct vnl_plan_balancer *of)
{
    const struct vnl_plan_lb_rule *rule = &of->rules[0];
    char addr[VNL_ADDR_STR];

    (void)fprintf(out, "\nactive-active %s in %s\n  instances", of->name, plan->vnets[of->vnet].name);
    for (size_t i = 0; i < rule->n_backends; i++)
        (void)fprintf(out, " %s (%s)", vnl_addr_format(&rule->backends[i].addr, addr),
                      plan->nics[rule->backends[i].nic].name);
    (void)fputc('\n', out);
}

void vnl_vpn_print(FILE *out, const struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_gateways; i++)
        print_gateway(out, plan, &plan->gateways[i]);
    for (size_t i = vnl_balancers_count_frontends(plan); i < plan->n_balancers; i++)
        print_active_active(out, plan, &plan->balancers[i]);
    for (size_t i = 0; i < plan->n_tunnels; i++)
        print_tunnel(out, plan, &plan->tunnels[i]);
}
