/* VPN gateways, local network gateways, connections and sites: each alone, and as tables of the whole lab. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "connections.h"
#include "out.h"
#include "resources.h"
#include "show_parts.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

static const char *addr_text(const struct vnl_addr *addr, char buf[VNL_ADDR_STR])
{
    return addr->family == AF_UNSPEC ? "" : vnl_addr_format(addr, buf);
}

static void show_number(const char *name, uint64_t number)
{
    char buf[32];

    (void)snprintf(buf, sizeof(buf), "%" PRIu64, number);
    vnl_show_line(name, buf);
}

/* --- one ---------------------------------------------------------------------------------------------- */

static void print_their_connections(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway,
                                    const struct vnl_local_gateway *local)
{
    bool any = false;

    for (size_t i = 0; i < lab->n_connections; i++) {
        const struct vnl_connection *connection = lab->connections[i];
        bool to_local = connection->local2 != NULL;

        if (gateway ? connection->gateway1 != gateway : connection->local2 != local)
            continue;
        vnl_show_label(any ? "" : "connections");
        (void)printf("%s, %s %s %s\n", connection->name, vnl_connection_type_str(connection->type),
                     gateway ? "to" : "from",
                     !gateway   ? connection->gateway1->name
                     : to_local ? connection->local2->name
                                : connection->gateway2->name);
        any = true;
    }
    if (!any)
        vnl_show_line("connections", NULL);
}

static void print_log_hint(const char *name)
{
    (void)printf("\nits IKE log: sudo vnetlab vpn log %s\n", name);
}

static void print_public_ips(const struct vnl_vpn_gateway *gateway)
{
    char addr[VNL_ADDR_STR];

    for (size_t i = 0; i < gateway->n_instances; i++) {
        const struct vnl_public_ip *public_ip = gateway->instances[i].public_ip;

        vnl_show_label(i ? "" : gateway->n_instances > 1 ? "public IPs" : "public IP");
        (void)printf("%s %s\n", public_ip ? public_ip->name : "-",
                     public_ip ? addr_text(&public_ip->addr, addr) : "");
    }
}

/* Of two instances the second one's behind the first one's. */
static void print_addresses(const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_gateway_instance *first = &gateway->instances[0], *second = &gateway->instances[1];
    bool two = gateway->n_instances > 1;
    char a[VNL_ADDR_STR], b[VNL_ADDR_STR];

    vnl_show_label("address in GatewaySubnet");
    (void)printf("%s%s%s\n", addr_text(&first->inner, a), two ? ", " : "",
                 two ? addr_text(&second->inner, b) : "");
    show_number("ASN", gateway->asn);
    vnl_show_label("BGP address");
    (void)printf("%s%s%s\n", addr_text(&first->bgp_addr, a), two ? ", " : "",
                 two ? addr_text(&second->bgp_addr, b) : "");
}

static void print_bgp(const struct vnl_bgp *bgp)
{
    char addr[VNL_ADDR_STR];

    if (!bgp->written)
        return;
    show_number("ASN", bgp->asn);
    vnl_show_line("BGP address", addr_text(&bgp->addr, addr));
}

int vnl_show_vpn_gateway(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway)
{
    char sku[64];

    (void)snprintf(sku, sizeof(sku), "%s, Generation%d", gateway->sku, gateway->generation);
    (void)printf("virtual network gateway %s\n", gateway->name);
    vnl_show_line("location", gateway->scope.location);
    vnl_show_line("virtual network", gateway->vnet ? gateway->vnet->name : NULL);
    vnl_show_line("SKU", sku);
    vnl_show_line("vpnType", gateway->policy_based ? "PolicyBased" : "RouteBased");
    vnl_show_label("instances");
    (void)printf("%s%s%s\n", gateway->name, gateway->n_instances > 1 ? ", " : "",
                 gateway->n_instances > 1 ? gateway->instances[1].name : "");
    print_public_ips(gateway);
    print_addresses(gateway);
    vnl_show_line("gatewayDefaultSite", gateway->default_site ? gateway->default_site->name : NULL);
    print_their_connections(lab, gateway, NULL);
    vnl_show_p2s(lab, gateway);
    print_log_hint(gateway->name);
    return 0;
}

int vnl_show_local_gateway(const struct vnl_lab *lab, const struct vnl_local_gateway *local)
{
    const struct vnl_site *site = vnl_site_by_addr(lab, &local->addr);
    char addr[VNL_ADDR_STR];

    (void)printf("local network gateway %s\n", local->name);
    vnl_show_line("location", local->scope.location);
    vnl_show_line("gatewayIpAddress", addr_text(&local->addr, addr));
    vnl_show_line("site with that address", site ? site->name : NULL);
    vnl_show_label("address prefixes");
    vnl_show_prefixes(&local->prefixes);
    print_bgp(&local->bgp);
    print_their_connections(lab, NULL, local);
    return 0;
}

static void print_tunnels(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                          const struct vnl_connection_sum *sum)
{
    char addr[VNL_ADDR_STR], buf[256];

    for (size_t i = 0; sum->n_ends > 1 && i < sum->n_ends; i++) {
        const struct vnl_plan_tunnel *planned = &plan->tunnels[sum->ends[i]];
        const struct vnl_vpn_state *state = tunnels->of[sum->ends[i]];
        enum vnl_vpn_status status = state ? state->status : VNL_VPN_UNKNOWN;
        const char *reason =
            status == VNL_VPN_CONNECTED ? NULL : vnl_tunnel_reason(plan, tunnels, sum->ends[i], buf);

        vnl_show_label(i ? "" : "tunnels");
        (void)printf("%s to %s: %s%s%s\n", plan->gateways[planned->gateway].name,
                     vnl_addr_format(&planned->remote, addr), vnl_vpn_status_str(status), reason ? ", " : "",
                     reason ? reason : "");
    }
}

static void print_state(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                        const struct vnl_connection_sum *sum)
{
    const struct vnl_vpn_state *state = sum->first;
    char buf[256];
    const char *reason = sum->n_ends && sum->status != VNL_VPN_CONNECTED
                             ? vnl_tunnel_reason(plan, tunnels, vnl_connection_speaker(sum, tunnels), buf)
                             : NULL;

    vnl_show_line("status", vnl_vpn_status_str(sum->status));
    if (reason)
        vnl_show_line("reason", reason);
    if (!state)
        return;
    vnl_show_line("suite", state->suite);
    vnl_show_line("engine", vnl_vpn_engine_str(state->engine));
    show_number("bytes in", sum->ingress);
    show_number("bytes out", sum->egress);
}

/* Of a pair of VNets both connection resources must ask for it (spec 9.2). */
static void print_bgp_of(const struct vnl_connection *connection, const struct vnl_connection_sum *sum)
{
    if (sum->bgp)
        vnl_show_line("BGP", vnl_bgp_state_str(sum->bgp_state));
    else if (connection->enable_bgp)
        vnl_show_line("BGP", "not spoken: the other connection of the pair has no enableBgp");
    else
        vnl_show_line("BGP", "off");
}

void vnl_show_policy(const char *label, const struct vnl_ipsec_policy *policy)
{
    if (!policy->written) {
        vnl_show_line(label, "Azure's defaults");
        return;
    }
    vnl_show_label(label);
    (void)printf("IKE %s %s %s, IPsec %s %s %s\n", policy->ike_encryption, policy->ike_integrity,
                 policy->dh_group, policy->ipsec_encryption, policy->ipsec_integrity, policy->pfs_group);
}

int vnl_show_connection(const struct vnl_lab *lab, const struct vnl_connection *connection,
                        struct vnl_err **err)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_cmd_tunnels_done) struct vnl_cmd_tunnels tunnels = { 0 };
    struct vnl_connection_sum sum;
    int r = vnl_plan_build(lab, &plan, err);

    if (r >= 0)
        r = vnl_cmd_tunnels_ask(plan, &tunnels, err);
    if (r < 0)
        return r;
    (void)printf("connection %s\n", connection->name);
    vnl_show_line("location", connection->scope.location);
    vnl_show_line("type", vnl_connection_type_str(connection->type));
    vnl_show_line("gateway", connection->gateway1 ? connection->gateway1->name : NULL);
    if (connection->type == VNL_CONNECTION_VNET) {
        vnl_show_line("other gateway", connection->gateway2 ? connection->gateway2->name : NULL);
        vnl_show_line("connection of that", connection->twin ? connection->twin->name : NULL);
    } else {
        vnl_show_line("local network gateway", connection->local2 ? connection->local2->name : NULL);
    }
    vnl_show_line("protocol", connection->ike_v1 ? "IKEv1" : "IKEv2");
    vnl_show_line("connectionMode", vnl_connection_mode_str(connection->mode));
    vnl_show_line("shared key", connection->key_generated ? "generated, no other side has it" : "set");
    vnl_show_policy("IPsec policy", &connection->policy);
    sum = vnl_connection_sum(plan, &tunnels, connection->id);
    print_bgp_of(connection, &sum);
    print_state(plan, &tunnels, &sum);
    print_tunnels(plan, &tunnels, &sum);
    return 0;
}

int vnl_show_site(const struct vnl_site *site)
{
    char addr[VNL_ADDR_STR];

    (void)printf("site %s\n", site->name);
    vnl_show_line("public address", addr_text(&site->addr, addr));
    vnl_show_label("address prefixes");
    vnl_show_prefixes(&site->prefixes);
    vnl_show_line("address of its device", addr_text(&site->inner, addr));
    print_bgp(&site->bgp);
    if (site->advertises) {
        vnl_show_label("announces");
        vnl_show_prefixes(&site->advertised);
    }
    vnl_show_line("swanctl", site->swanctl);
    for (size_t i = 0; i < site->n_hosts; i++) {
        vnl_show_label(i ? "" : "hosts");
        (void)printf("%s %s\n", site->hosts[i]->name, addr_text(&site->hosts[i]->addr, addr));
    }
    if (!site->n_hosts)
        vnl_show_line("hosts", NULL);
    print_log_hint(site->name);
    return 0;
}

int vnl_show_site_host(const struct vnl_site *site, const struct vnl_site_host *host)
{
    char addr[VNL_ADDR_STR], mac[VNL_MAC_STR];

    (void)printf("host %s of site %s\n", host->name, site->name);
    vnl_show_line("address", addr_text(&host->addr, addr));
    vnl_show_line("MAC", vnl_mac_format(&host->mac, mac));
    for (size_t i = 0; i < host->run.n; i++)
        vnl_show_line(i ? "" : "runs", host->run.items[i]);
    return 0;
}

/* --- the whole lab ------------------------------------------------------------------------------------ */

static int print_table(const struct vnl_table *table, size_t n, struct vnl_err **err)
{
    if (!n)
        return 0;
    (void)putchar('\n');
    return vnl_table_print(stdout, table, true, err);
}

static void prefixes_cell(struct vnl_table *table, const struct vnl_prefixes *prefixes)
{
    char buf[256] = "", one[VNL_PREFIX_STR];
    size_t len = 0;

    for (size_t i = 0; i < prefixes->n && len < sizeof(buf); i++)
        len += (size_t)snprintf(buf + len, sizeof(buf) - len, "%s%s", i ? "," : "",
                                vnl_prefix_format(&prefixes->items[i], one));
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", buf);
}

/* A row for each instance; what both have in common stands in the first. */
static void instance_row(struct vnl_table *table, const struct vnl_vpn_gateway *gateway, size_t i)
{
    const struct vnl_gateway_instance *instance = &gateway->instances[i];
    char addr[VNL_ADDR_STR];

    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", i ? instance->name : gateway->name);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", i ? "" : gateway->vnet ? gateway->vnet->name : "-");
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", i ? "" : gateway->sku);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s",
                   instance->public_ip ? addr_text(&instance->public_ip->addr, addr) : "-");
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", addr_text(&instance->inner, addr));
}

static int list_gateways(const struct vnl_lab *lab, struct vnl_err **err)
{
    static const char *const headers[] = { "VpnGateway", "VNet", "SKU", "PublicIP", "Address" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; i < lab->n_gateways; i++)
        for (size_t k = 0; k < lab->gateways[i]->n_instances; k++)
            instance_row(table, lab->gateways[i], k);
    return print_table(table, lab->n_gateways, err);
}

static int list_local_gateways(const struct vnl_lab *lab, struct vnl_err **err)
{
    static const char *const headers[] = { "LocalNetworkGateway", "GatewayIpAddress", "AddressPrefixes" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));
    char addr[VNL_ADDR_STR];

    for (size_t i = 0; i < lab->n_local_gateways; i++) {
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", lab->local_gateways[i]->name);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", addr_text(&lab->local_gateways[i]->addr, addr));
        prefixes_cell(table, &lab->local_gateways[i]->prefixes);
    }
    return print_table(table, lab->n_local_gateways, err);
}

static int list_sites(const struct vnl_lab *lab, struct vnl_err **err)
{
    static const char *const headers[] = { "Site", "PublicAddress", "AddressPrefixes", "Hosts" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));
    char addr[VNL_ADDR_STR];

    for (size_t i = 0; i < lab->n_sites; i++) {
        const struct vnl_site *site = lab->sites[i];
        char hosts[256] = "";
        size_t len = 0;

        for (size_t k = 0; k < site->n_hosts && len < sizeof(hosts); k++)
            len += (size_t)snprintf(hosts + len, sizeof(hosts) - len, "%s%s %s", k ? ", " : "",
                                    site->hosts[k]->name, addr_text(&site->hosts[k]->addr, addr));
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", site->name);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", addr_text(&site->addr, addr));
        prefixes_cell(table, &site->prefixes);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", hosts);
    }
    return print_table(table, lab->n_sites, err);
}

int vnl_show_vpn(const struct vnl_lab *lab, const struct vnl_plan *plan, struct vnl_err **err)
{
    int r = list_gateways(lab, err);

    if (r >= 0)
        r = list_local_gateways(lab, err);
    if (r >= 0)
        r = list_sites(lab, err);
    return r < 0 ? r : vnl_list_connections(lab, plan, err);
}
