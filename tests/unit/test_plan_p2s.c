/* Point-to-site in the plan: clients, the ends of their tunnels, and rows to the pool (spec vpn 13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/gateways.h"
#include "../harness/plans.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"

/* gw1 in v1, which spoke uses by transit, with a VNet and a device behind it; hosts that may become clients among others. */
#define LAB                                                                                                  \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  v1: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}, "          \
    "peerings: {p: {remoteVirtualNetwork: spoke, allowGatewayTransit: true}}}\n"                             \
    "  v2: {addressSpace: [10.4.0.0/16], subnets: {GatewaySubnet: 10.4.255.0/27}}\n"                         \
    "  spoke: {addressSpace: [10.20.0.0/16], subnets: {s: 10.20.0.0/24}, peerings: {p: "                     \
    "{remoteVirtualNetwork: v1, useRemoteGateways: true}}}\n"                                                \
    "publicIPAddresses: {ip1: {ipAddress: 198.51.100.1}, ip1b: {ipAddress: 198.51.100.11}}\n"                \
    "virtualNetworkGateways: {gw1: {vnet: v1, publicIPAddress: ip1}, gw2: {vnet: v2}}\n"                     \
    "localNetworkGateways: {branch: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [192.168.50.0/24]}}\n" \
    "connections:\n"                                                                                         \
    "  c12: {virtualNetworkGateway1: gw1, virtualNetworkGateway2: gw2, sharedKey: aabbcc}\n"                 \
    "  c21: {virtualNetworkGateway1: gw2, virtualNetworkGateway2: gw1, sharedKey: aabbcc}\n"                 \
    "  c: {virtualNetworkGateway1: gw1, localNetworkGateway2: branch, sharedKey: aabbcc}\n"                  \
    "internet: {hosts: {web: {address: 203.0.113.80}, laptop: {address: 198.51.100.20}, "                    \
    "dns: {address: 203.0.113.53}, phone: {address: 198.51.100.21}}}\n"                                      \
    "networkSecurityGroups: {nsg: {}}\n"                                                                     \
    "virtualMachines: {vm: {subnet: v1/s, networkSecurityGroup: nsg}}\n"

#define POOL "172.16.201.0/24"

static struct vnl_lab *with_clients(void)
{
    struct vnl_lab *lab = lab_of(LAB, NULL);

    gateway_p2s(lab, "gw1", POOL);
    client_of(lab, "laptop", "gw1");
    client_of(lab, "phone", "gw1");
    return lab;
}

static const struct vnl_plan_tunnel *tunnel_of(const struct vnl_plan *plan, enum vnl_tunnel_kind kind,
                                               size_t nth)
{
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (plan->tunnels[i].kind == kind && nth-- == 0)
            return &plan->tunnels[i];
    fail_msg("not that many tunnels of kind %d", kind);
    return NULL;
}

static const struct vnl_route *row_for(const struct vnl_plan *plan, const char *table, const char *dst)
{
    struct vnl_addr addr = addr_of_text(dst);
    const struct vnl_route *row = vnl_route_select(table_of(plan, table), &addr);

    assert_non_null(row);
    return row;
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

static void the_pool_is_behind_the_gateway(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = with_clients();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    const struct vnl_route *row = row_for(plan, "spoke", "172.16.201.2");
    CLEANUP(vnl_str_free) char *tag = tag_of(plan, nic_of(plan, "vm")->rules_nic, "VirtualNetwork");

    (void)state;
    assert_int_equal(row->source, VNL_ROUTE_GATEWAY);
    assert_int_equal(row->type, VNL_NEXT_HOP_GATEWAY);
    assert_int_equal(row->prefix.len, 24);
    assert_string_equal(row->origin, lab->gateways[0]->id);
    assert_int_equal(row->nic, plan->gateways[0].nic_in);
    assert_int_equal(row_for(plan, "v2", "172.16.201.2")->type, VNL_NEXT_HOP_NONE);
    assert_string_equal(tag, "10.1.0.0/16 168.63.129.16/32 10.20.0.0/16 10.4.0.0/16 192.168.50.0/24 " POOL);
}

static void each_instance_has_half_of_the_pool(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    const struct vnl_plan_tunnel *first, *second;
    const struct vnl_route *row;

    (void)state;
    gateway_twice(lab, "gw1", "ip1b");
    gateway_p2s(lab, "gw1", POOL " 172.17.0.0/30");
    plan = plan_of_lab(lab);
    first = tunnel_of(plan, VNL_TUNNEL_SERVER, 0);
    second = tunnel_of(plan, VNL_TUNNEL_SERVER, 1);
    assert_prefixes(first->routes, first->n_routes, "172.16.201.0/25 172.17.0.0/31");
    assert_prefixes(second->routes, second->n_routes, "172.16.201.128/25 172.17.0.2/31");
    row = row_for(plan, "v1", "172.16.201.2");
    assert_int_equal(row->nic, plan->gateways[0].nic_in);
    assert_int_equal(row->balancer, VNL_PLAN_NOBODY);
    assert_true(vnl_addr_eq(&row->next_hop, &plan->gateways[0].outer));
    assert_int_equal(row->next_hop2.family, AF_UNSPEC);
    row = row_for(plan, "v1", "172.16.201.130");
    assert_int_equal(row->nic, plan->gateways[1].nic_in);
    assert_true(vnl_addr_eq(&row->next_hop, &plan->gateways[1].outer));
}

/* --- clients ---------------------------------------------------------------------------------------------------------- */

static void a_client_is_a_host_with_a_tunnel(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = with_clients();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    const struct vnl_plan_gateway *entry = &plan->gateways[plan->n_gateways - 1];
    const struct vnl_plan_vm *vm = &plan->vms[entry->vm];

    (void)state;
    assert_int_equal(plan->n_gateways, 4);
    assert_string_equal(entry->id, "clients/phone");
    assert_string_equal(entry->name, "phone");
    assert_true(entry->client);
    assert_false(entry->site);
    assert_string_equal(vm->name, "phone");
    assert_true(vm->client);
    assert_true(vm->host);
    assert_false(vm->gateway);
    assert_false(vm->ip_forward);
    assert_int_equal(entry->nic_in, VNL_PLAN_NOBODY);
    assert_int_equal(entry->nic_out, vm->nics[0]);
    assert_int_equal(entry->vnet, plan->internet);
    assert_int_equal(entry->n_inside, 0);
    assert_true(vnl_addr_eq(&entry->outer, &plan->nics[entry->nic_out].addrs[0].addr));
    assert_false(vnl_plan_vm_lookup(plan, "web")->client);
}

static void a_client_has_an_end_and_so_has_its_gateway(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = with_clients();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    const struct vnl_plan_tunnel *server = tunnel_of(plan, VNL_TUNNEL_SERVER, 0),
                                 *client = tunnel_of(plan, VNL_TUNNEL_CLIENT, 1);
    uint32_t out = plan->nics[plan->gateways[0].nic_out].slot, own = nic_of(plan, "phone")->slot;
    char name[32];

    (void)state;
    assert_int_equal(plan->n_tunnels, 3 + 1 + 2);
    assert_ptr_equal(server, &plan->tunnels[3]);
    assert_string_equal(server->connection, lab->gateways[0]->id);
    assert_string_equal(server->name, "gw1");
    assert_int_equal(server->gateway, 0);
    assert_int_equal(server->peer, VNL_PLAN_NOBODY);
    assert_int_equal(server->other, VNL_PLAN_NOBODY);
    assert_int_equal(server->balancer, VNL_PLAN_NOBODY);
    assert_int_equal(server->remote.family, AF_UNSPEC);
    assert_int_equal(server->if_id, VNL_P2S_IF_ID + out);
    assert_false(server->initiates);
    assert_prefixes(server->routes, server->n_routes, POOL);
    snprintf(name, sizeof(name), "p2s%u", own);
    assert_string_equal(client->ifname, name);
    assert_int_equal(client->if_id, VNL_P2S_IF_ID + own);
    assert_string_equal(client->connection, "clients/phone");
    assert_string_equal(client->name, "phone");
    assert_string_equal(plan->gateways[client->gateway].name, "phone");
    assert_int_equal(client->peer, 0);
    assert_ptr_equal(&plan->tunnels[client->other], server);
    assert_true(vnl_addr_eq(&client->remote, &plan->gateways[0].outer));
    assert_true(client->initiates);
    assert_false(client->ike_v1);
    assert_int_equal(client->n_local_ts, 0);
}

static void clients_take_turns_at_two_instances(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = with_clients();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    const struct vnl_plan_tunnel *first, *second;

    (void)state;
    gateway_twice(lab, "gw1", "ip1b");
    plan = plan_of_lab(lab);
    first = tunnel_of(plan, VNL_TUNNEL_CLIENT, 0);
    second = tunnel_of(plan, VNL_TUNNEL_CLIENT, 1);
    assert_string_equal(plan->gateways[first->peer].name, "gw1");
    assert_string_equal(plan->gateways[second->peer].name, "gw1.1");
    assert_ptr_equal(&plan->tunnels[second->other], tunnel_of(plan, VNL_TUNNEL_SERVER, 1));
    assert_true(vnl_addr_eq(&second->remote, &plan->gateways[1].outer));
}

static void a_profile_is_the_network_and_what_is_written(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = with_clients();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab), *more = NULL;
    const struct vnl_plan_tunnel *client = tunnel_of(plan, VNL_TUNNEL_CLIENT, 0);
    struct vnl_prefix custom = { .addr = { AF_INET, { 10, 99 } }, .len = 16 };

    (void)state;
    assert_prefixes(client->routes, client->n_routes, "10.1.0.0/16 10.20.0.0/16");
    assert_int_equal(vnl_prefixes_add(&lab->gateways[0]->custom_routes, &custom), 0);
    more = plan_of_lab(lab);
    client = tunnel_of(more, VNL_TUNNEL_CLIENT, 0);
    assert_prefixes(client->routes, client->n_routes, "10.1.0.0/16 10.20.0.0/16 10.99.0.0/16");
    assert_plans_differ(plan, more,
                        "~ clients/laptop  +10.99.0.0/16 in the profile\n"
                        "~ clients/phone   +10.99.0.0/16 in the profile\n");
}

/* A default route that was learned would be the client's way to the gateway too. */
static void a_profile_has_what_bgp_brings(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = with_clients();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    const struct vnl_plan_tunnel *client;

    (void)state;
    local_bgp(lab, "branch", 65050, "192.168.255.254");
    connection_bgp(lab, "c");
    learn(lab, "gw1", "c", "192.168.70.0/24", "65050");
    learn(lab, "gw1", "c", "192.168.50.0/24", "65050");
    learn(lab, "gw1", "c", "0.0.0.0/0", "65050");
    plan = plan_of_lab(lab);
    client = tunnel_of(plan, VNL_TUNNEL_CLIENT, 0);
    assert_prefixes(client->routes, client->n_routes,
                    "10.1.0.0/16 10.20.0.0/16 192.168.50.0/24 192.168.70.0/24");
}

/* Spec 9.3: [E] for the pool; of two instances each announces where its clients are. */
static void the_pool_is_announced_by_share(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = with_clients();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    gateway_twice(lab, "gw1", "ip1b");
    local_bgp(lab, "branch", 65050, "192.168.255.254");
    connection_bgp(lab, "c");
    plan = plan_of_lab(lab);
    assert_prefixes(plan->gateways[0].announced, plan->gateways[0].n_announced,
                    "10.1.0.0/16 10.20.0.0/16 192.168.50.0/24 172.16.201.0/25");
    assert_prefixes(plan->gateways[1].announced, plan->gateways[1].n_announced,
                    "10.1.0.0/16 10.20.0.0/16 192.168.50.0/24 172.16.201.128/25");
}

/* --- certificates, proposals -------------------------------------------------------------------------------------------- */

static void both_instances_have_the_gateways_certificates(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = with_clients();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    gateway_twice(lab, "gw1", "ip1b");
    plan = plan_of_lab(lab);
    for (size_t i = 0; i < 2; i++) {
        const struct vnl_plan_p2s *p2s = plan->gateways[i].p2s;

        assert_int_equal(p2s->n_roots, 2);
        assert_string_equal(p2s->roots[0], "one");
        assert_null(p2s->root_data[0]);
        assert_string_equal(p2s->roots[1], "two");
        assert_string_equal(p2s->root_data[1], "MIIB");
        assert_int_equal(p2s->n_revoked, 1);
        assert_string_equal(p2s->revoked[0], "0123456789ABCDEF0123456789ABCDEF01234567");
    }
    assert_ptr_not_equal(plan->gateways[0].p2s, plan->gateways[1].p2s);
    assert_null(plan->gateways[2].p2s);
}

static void a_clients_certificate_is_of_a_root_or_of_files(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    const struct vnl_plan_tunnel *files;

    (void)state;
    gateway_p2s(lab, "gw1", POOL);
    client_of(lab, "laptop", "gw1");
    client_of(lab, "phone", "gw1")->root = (char *)"TWO";
    client_of(lab, "dns", "gw1")->certificate = (char *)"/pki/a.pem";
    lab->clients[2]->private_key = (char *)"/pki/a.key";
    plan = plan_of_lab(lab);
    files = tunnel_of(plan, VNL_TUNNEL_CLIENT, 2);
    assert_string_equal(tunnel_of(plan, VNL_TUNNEL_CLIENT, 0)->root, "one");
    assert_string_equal(tunnel_of(plan, VNL_TUNNEL_CLIENT, 1)->root, "two");
    assert_null(tunnel_of(plan, VNL_TUNNEL_CLIENT, 1)->certificate);
    assert_null(files->root);
    assert_string_equal(files->certificate, "/pki/a.pem");
    assert_string_equal(files->private_key, "/pki/a.key");
}

static void a_policy_replaces_the_default_suites(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = with_clients();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab), *strict = NULL;
    CLEANUP(vnl_str_free) char *ike = vnl_p2s_ike_proposals(&lab->gateways[0]->p2s->policy);
    CLEANUP(vnl_str_free) char *esp = vnl_p2s_esp_proposals(&lab->gateways[0]->p2s->policy);
    const struct vnl_plan_tunnel *server = tunnel_of(plan, VNL_TUNNEL_SERVER, 0), *client;
    char expected[4096];

    (void)state;
    assert_string_equal(server->ike, ike);
    assert_string_equal(server->esp, esp);
    assert_int_equal(server->dpd_s, 45);
    assert_int_equal(server->child_lifetime_s, 27000);
    lab->gateways[0]->p2s->policy = (struct vnl_ipsec_policy){
        .written = true,
        .ike_encryption = (char *)"AES256",
        .ike_integrity = (char *)"SHA256",
        .dh_group = (char *)"DHGroup14",
        .ipsec_encryption = (char *)"GCMAES256",
        .ipsec_integrity = (char *)"GCMAES256",
        .pfs_group = (char *)"PFS14",
        .lifetime_s = 3600,
        .lifetime_kib = 2048,
    };
    strict = plan_of_lab(lab);
    client = tunnel_of(strict, VNL_TUNNEL_CLIENT, 0);
    assert_string_equal(client->ike, "aes256-sha256-modp2048");
    assert_string_equal(client->esp, "aes256gcm16-modp2048");
    assert_int_equal(client->child_lifetime_s, 3600);
    snprintf(expected, sizeof(expected),
             "~ virtualNetworkGateways/gw1  IKE proposals to clients %s -> aes256-sha256-modp2048\n"
             "~ virtualNetworkGateways/gw1  ESP proposals to clients %s -> aes256gcm16-modp2048\n"
             "~ virtualNetworkGateways/gw1  lifetime to clients 27000 s or 104857600000 bytes -> 3600 s or "
             "2097152 bytes\n",
             ike, esp);
    assert_plans_differ(plan, strict, expected);
}

/* --- what is told --------------------------------------------------------------------------------------------------------- */

static void a_client_comes(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *before = NULL, *after = NULL;

    (void)state;
    gateway_p2s(lab, "gw1", POOL);
    client_of(lab, "laptop", "gw1");
    before = plan_of_lab(lab);
    client_of(lab, "phone", "gw1");
    after = plan_of_lab(lab);
    assert_plans_differ(before, after,
                        "- internet/hosts/phone  198.51.100.21\n"
                        "+ clients/phone         198.51.100.21 to gw1\n");
    assert_plans_differ(after, before,
                        "- clients/phone         198.51.100.21 to gw1\n"
                        "+ internet/hosts/phone  198.51.100.21\n");
}

static void what_changes_of_clients_and_certificates_is_told(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = with_clients();
    CLEANUP(vnl_plan_free) struct vnl_plan *before = plan_of_lab(lab), *after = NULL, *data = NULL;
    struct vnl_p2s *p2s = lab->gateways[0]->p2s;
    struct vnl_p2s_root changed[] = { p2s->roots[0], { .name = (char *)"two", .data = (char *)"MIIB" } };

    (void)state;
    lab->clients[0]->root = (char *)"two";
    lab->clients[0]->host->addr = addr_of_text("198.51.100.22");
    p2s->n_revoked = 0;
    p2s->roots = &changed[1];
    p2s->n_roots = 1;
    after = plan_of_lab(lab);
    assert_plans_differ(before, after,
                        "~ virtualNetworkGateways/gw1  root certificates one two -> two\n"
                        "~ virtualNetworkGateways/gw1  revoked certificates "
                        "0123456789ABCDEF0123456789ABCDEF01234567 -> none\n"
                        "~ clients/laptop              certificate signed by one -> signed by two\n"
                        "~ clients/laptop              address 198.51.100.20/24 -> 198.51.100.22/24\n"
                        "~ clients/phone               certificate signed by one -> signed by two\n");
    p2s->n_revoked = 1;
    p2s->roots = changed;
    p2s->n_roots = 2;
    changed[1].data = (char *)"MIIC";
    lab->clients[0]->root = NULL;
    lab->clients[0]->host->addr = addr_of_text("198.51.100.20");
    data = plan_of_lab(lab);
    assert_plans_differ(before, data, "~ virtualNetworkGateways/gw1  root certificate changed\n");
}

static void point_to_site_itself_is_a_change(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = lab_of(LAB, NULL);
    CLEANUP(vnl_plan_free) struct vnl_plan *before = plan_of_lab(lab), *after = NULL;

    (void)state;
    gateway_p2s(lab, "gw1", POOL);
    after = plan_of_lab(lab);
    assert_plans_differ(
        before, after,
        "~ routes/v1                   +172.16.201.0/24 VirtualNetworkGateway 198.51.100.1, is gw1 in v1\n"
        "~ routes/spoke                +172.16.201.0/24 VirtualNetworkGateway 198.51.100.1, is gw1 in v1\n"
        "~ networkSecurityGroups/nsg   +VirtualNetwork 172.16.201.0/24\n"
        "~ virtualNetworkGateways/gw1  vpnClientConfiguration false -> true\n"
        "~ virtualNetworkGateways/gw1  root certificates none -> one two\n"
        "~ virtualNetworkGateways/gw1  revoked certificates none -> "
        "0123456789ABCDEF0123456789ABCDEF01234567\n");
}

static void text_and_json_hold_it(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = with_clients();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of_lab(lab);
    CLEANUP(vnl_str_free) char *text = print_of(plan);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *tunnels, *gateways;

    (void)state;
    assert_non_null(strstr(text, "\npoint-to-site client laptop\n  198.51.100.20 outside\n"));
    assert_non_null(strstr(text, "\npoint-to-site client laptop\n  namespace t.laptop\n"));
    assert_non_null(strstr(text, "  root certificates one two\n  revoked 0123456789ABCDEF"));
    assert_non_null(strstr(text, "to point-to-site clients\n  routes " POOL "\n"));
    assert_non_null(strstr(text, "  certificate signed by one\n"));
    assert_int_equal(vnl_plan_to_json(plan, &json, NULL), 0);
    gateways = vnl_json_get(json, "gateways");
    tunnels = vnl_json_get(json, "tunnels");
    assert_string_equal(vnl_json_get_text(vnl_json_at(gateways, 2), "virtualNetwork"), "internet");
    assert_string_equal(vnl_json_get_text(vnl_json_at(gateways, 2), "networkInterface"), "laptop-nic");
    assert_string_equal(vnl_json_get_text(vnl_json_at(tunnels, 3), "kind"), "PointToSiteServer");
    assert_null(vnl_json_get_text(vnl_json_at(tunnels, 3), "remoteAddress"));
    assert_string_equal(vnl_json_get_text(vnl_json_at(tunnels, 4), "kind"), "PointToSiteClient");
    assert_string_equal(vnl_json_get_text(vnl_json_at(tunnels, 4), "rootCertificate"), "one");
}

/* A connection may lead to any address, but a client's computer is no device. */
static void a_client_is_nobodys_vpn_device(void **state)
{
    CLEANUP(gateways_free) struct vnl_lab *lab = with_clients();
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

    (void)state;
    lab->local_gateways[0]->addr = lab->clients[0]->host->addr;
    plan = plan_of_lab(lab);
    assert_string_equal(plan->tunnels[2].name, "c");
    assert_int_equal(plan->tunnels[2].peer, VNL_PLAN_NOBODY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pool_is_behind_the_gateway),
        cmocka_unit_test(each_instance_has_half_of_the_pool),
        cmocka_unit_test(a_client_is_a_host_with_a_tunnel),
        cmocka_unit_test(a_client_has_an_end_and_so_has_its_gateway),
        cmocka_unit_test(clients_take_turns_at_two_instances),
        cmocka_unit_test(a_profile_is_the_network_and_what_is_written),
        cmocka_unit_test(a_profile_has_what_bgp_brings),
        cmocka_unit_test(the_pool_is_announced_by_share),
        cmocka_unit_test(both_instances_have_the_gateways_certificates),
        cmocka_unit_test(a_clients_certificate_is_of_a_root_or_of_files),
        cmocka_unit_test(a_policy_replaces_the_default_suites),
        cmocka_unit_test(a_client_comes),
        cmocka_unit_test(what_changes_of_clients_and_certificates_is_told),
        cmocka_unit_test(point_to_site_itself_is_a_change),
        cmocka_unit_test(text_and_json_hold_it),
        cmocka_unit_test(a_client_is_nobodys_vpn_device),
    };

    return cmocka_run_group_tests_name("point-to-site in the plan", tests, NULL, NULL);
}
