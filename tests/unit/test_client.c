/* Point-to-site clients: hosts of the internet side with a gateway. VPN spec 13. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../ctl/cli/resources.h"
#include "../harness/mistakes.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

#define HUB                                                                                                  \
    "vnets: {hub: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, GatewaySubnet: "                 \
    "10.11.255.0/27}}}\n"
#define GW                                                                                                   \
    HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "           \
        "[172.16.201.0/24], vpnClientRootCertificates: {P2SRootCert: {}, other: {}, mine: {publicCertData: " \
        "MAYCAQECAQI=}}}}}\n"

static const char lab_text[] =
    GW "virtualMachines: {vm: {subnet: hub/s}}\n"
       "clients:\n"
       "  laptop: gw\n"
       "  tablet: {virtualNetworkGateway: {id: gw}, publicIPAddress: 198.51.100.20, rootCertificate: OTHER, "
       "run: "
       "[date, id]}\n"
       "internet: {hosts: {web: {address: 203.0.113.80}}}\n"
       "expect: [{from: laptop, to: vm, icmp: pass}, {from: vm, to: tablet, tcp: 80, result: drop}]\n";

static void assert_addr(const struct vnl_client *client, const char *expected)
{
    char text[VNL_ADDR_STR];

    assert_string_equal(vnl_addr_format(&client->host->addr, text), expected);
}

static void a_client_is_a_host_with_a_gateway(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_client *laptop = vnl_client_lookup(again, "LAPTOP"), *tablet = again->clients[1];

    (void)state;
    assert_int_equal(again->n_clients, 2);
    assert_int_equal(again->n_hosts, 3);
    assert_ptr_equal(laptop, again->clients[0]);
    assert_string_equal(laptop->id, "clients/laptop");
    assert_ptr_equal(laptop->gateway, again->gateways[0]);
    assert_ptr_equal(laptop->host, vnl_host_lookup(again, "laptop"));
    assert_ptr_equal(laptop->host->client, laptop);
    assert_null(laptop->root);
    assert_string_equal(vnl_client_root(laptop)->name, "P2SRootCert");
    assert_string_equal(vnl_client_root(tablet)->name, "other");
    assert_int_equal(tablet->number, 1);
    assert_int_equal(tablet->host->run.n, 2);
    assert_string_equal(tablet->host->run.items[1], "id");
    assert_addr(tablet, "198.51.100.20");
    assert_int_equal(tablet->src.line, 6);
    assert_int_equal(tablet->gateway_src.col, 40);
    assert_int_equal(tablet->host->addr_src.col, 62);
    assert_int_equal(tablet->root_src.col, 94);
}

/* The store reads a lab's hosts first, then its clients. */
static void hosts_of_clients_stand_behind_the_others(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(lab->hosts[i]->name, again->hosts[i]->name);
        assert_int_equal(lab->hosts[i]->slot, again->hosts[i]->slot);
        assert_memory_equal(&lab->hosts[i]->mac, &again->hosts[i]->mac, sizeof(lab->hosts[i]->mac));
    }
    assert_string_equal(lab->hosts[0]->name, "web");
    assert_string_equal(lab->hosts[1]->name, "laptop");
}

static void an_address_is_given_behind_those_of_gateways(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);

    (void)state;
    assert_addr(lab->clients[0], "198.51.100.2"); /* .1 is gw-ip */
}

static void address_and_slot_stay(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = settled_lab(GW "clients: {a: gw, b: gw, c: gw}\n", NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *stored = stored_lab(before);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(GW "publicIPAddresses: {pip: {}}\n"
                                         "internet: {hosts: {web: {address: 203.0.113.80}}}\n"
                                         "clients: {d: gw, C: gw, b: gw}\n",
                                      stored);

    (void)state;
    assert_addr(before->clients[1], "198.51.100.3");
    assert_addr(vnl_client_lookup(lab, "b"), "198.51.100.3");
    assert_addr(vnl_client_lookup(lab, "c"), "198.51.100.4");
    assert_int_equal(vnl_client_lookup(lab, "b")->host->slot, before->clients[1]->host->slot);
    assert_int_equal(vnl_client_lookup(lab, "c")->host->slot, before->clients[2]->host->slot);
    assert_string_equal(lab->clients[1]->name, "c"); /* as it was first written */
    assert_string_equal(lab->clients[1]->id, "clients/c");
    assert_int_equal(lab->public_ips[0]->addr.bytes[3], 2); /* a's, which is gone */
    assert_addr(lab->clients[0], "198.51.100.5");
}

/* Its address is nobody's resource. */
static void a_client_makes_way_for_a_written_address(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = settled_lab(GW "clients: {a: gw}\n", NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(GW "clients: {a: gw}\n"
                                         "internet: {hosts: {web: {address: 198.51.100.2}}}\n",
                                      before);

    (void)state;
    assert_addr(before->clients[0], "198.51.100.2");
    assert_addr(lab->clients[0], "198.51.100.3");
}

/* The gateway's is one. */
static void a_client_cannot_take_an_address_that_is_kept(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = settled_lab(GW, NULL);

    (void)state;
    assert_refused_lab(GW "clients: {a: {virtualNetworkGateway: gw, publicIPAddress: 198.51.100.1}}\n",
                       before,
                       "BadRequest 3:59 Client 'a' cannot have 198.51.100.1: public IP address 'gw-ip' has "
                       "that address | that address was given out and is kept: choose another one\n");
}

static void clients_are_expected_of(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);

    (void)state;
    assert_ptr_equal(again->expects[0]->from_host, again->clients[0]->host);
    assert_ptr_equal(again->expects[0]->to_vm, again->vms[0]);
    assert_ptr_equal(again->expects[1]->to_host, again->clients[1]->host);
    assert_true(vnl_addr_eq(&again->expects[1]->addr, &again->clients[1]->host->addr));
}

static void json_says_what_is_written(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_client_to_json(lab->clients[1]);
    CLEANUP(vnl_json_free) struct vnl_json *whole = NULL;
    struct vnl_json *hosts;

    (void)state;
    assert_string_equal(vnl_json_get_text(json, "name"), "tablet");
    assert_string_equal(vnl_json_get_text(vnl_json_get(json, "virtualNetworkGateway"), "id"),
                        lab->gateways[0]->id);
    assert_string_equal(vnl_json_get_text(json, "publicIPAddress"), "198.51.100.20");
    assert_string_equal(vnl_json_get_text(json, "rootCertificate"), "OTHER");
    assert_int_equal(vnl_lab_to_json(lab, &whole, NULL), 0);
    hosts = vnl_json_get(vnl_json_get(whole, "internet"), "hosts");
    assert_int_equal(vnl_json_len(hosts), 1); /* its own */
    assert_int_equal(vnl_json_len(vnl_json_get(whole, "clients")), 2);
}

/* What `vnetlab set` does to a lab of the store. */
static void a_stored_lab_can_be_settled_again(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *before = stored_lab(lab);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    const struct vnl_err *one;

    (void)state;
    assert_int_equal(vnl_lab_set(again, "virtualNetworkGateways.gw.sku", "VpnGw2", &err), 0);
    assert_int_equal(vnl_lab_resolve(again, &err), 0);
    assert_int_equal(vnl_lab_settle(again, before, &err), 0);
    assert_null(err);
    assert_addr(again->clients[0], "198.51.100.2");
    assert_ptr_equal(again->clients[0]->gateway, again->gateways[0]);
    assert_ptr_equal(again->hosts[1]->client, again->clients[0]);
    assert_int_equal(vnl_lab_set(again, "virtualNetworkGateways.gw.sku", "Basic", &err), 0);
    assert_int_equal(vnl_lab_resolve(again, &err), -EINVAL);
    for (one = err; one && !strstr(one->msg, "has no IkeV2 clients");)
        one = one->next;
    assert_non_null(one);
}

/* By its name alone, although a host has it too. */
static void commands_find_a_client_by_name(void **state)
{
    static const char *const words[] = { "laptop", "LAPTOP", "clients/laptop", "client/laptop" };
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_resources_done) struct vnl_resources resources = { 0 };
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    const struct vnl_resource *found = NULL;

    (void)state;
    assert_int_equal(vnl_resources_build(lab, &resources, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        assert_int_equal(vnl_resource_find(&resources, VNL_GUEST_TYPES, "f", words[i], &found, NULL), 0);
        assert_int_equal(found->type, VNL_TYPE_CLIENT);
        assert_ptr_equal(found->client, lab->clients[0]);
    }
    assert_int_equal(vnl_resource_find(&resources, 1u << VNL_TYPE_HOST, "f", "laptop", &found, &err),
                     -ENOENT);
    assert_string_equal(err->msg, "there is no internet host 'laptop' in lab 'f'");
}

/* --- files ------------------------------------------------------------------------------------------- */

static char *made_file(const char *dir, const char *name, const char *text)
{
    char *path = NULL;
    FILE *out;

    assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
    out = fopen(path, "we");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    return path;
}

static void a_certificate_is_found_beside_the_lab_file(void **state)
{
    char dir[] = "/tmp/vnl-client-XXXXXX";
    CLEANUP(vnl_str_free) char *cert = mkdtemp(dir) ? made_file(dir, "me.pem", "c") : NULL;
    CLEANUP(vnl_str_free) char *key = made_file(dir, "me.key", "k");
    CLEANUP(vnl_str_free)
    char *file = made_file(dir, "lab.yaml",
                           GW "clients: {laptop: {virtualNetworkGateway: gw, rootCertificate: mine, "
                              "certificate: me.pem, privateKey: ./me.key}}\n");
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;

    (void)state;
    assert_int_equal(vnl_lab_load(file, &lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, NULL, NULL), 0);
    again = stored_lab(lab);
    assert_string_equal(again->clients[0]->certificate, cert);
    assert_string_equal(again->clients[0]->private_key, key);
    assert_int_equal(again->clients[0]->certificate_src.line, 3);
    assert_int_equal(unlink(file) | unlink(cert) | unlink(key) | rmdir(dir), 0);
}

/* --- refusals ---------------------------------------------------------------------------------------- */

/* What is asked for, and all that is said to it. */
static const struct {
    const char *text, *expected;
} refused[] = {
    /* a gateway is needed */
    { GW "clients: {a: {}, b: gv, c: {virtualNetworkGateway: []}, d: ~}\n",
      "- 3:11 'a' has no 'virtualNetworkGateway' | write 'virtualNetworkGateway: NAME'\n"
      "InvalidResourceReference 3:21 The virtual network gateway 'gv' referenced by client 'b' was not "
      "found\n"
      "InvalidRequestContent 3:52 'virtualNetworkGateway' must be a virtual network gateway, not a list\n"
      "- 3:57 'd' has no 'virtualNetworkGateway' | write 'virtualNetworkGateway: NAME'\n" },
    /* one with point-to-site */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub}}\n"
          "clients: {a: gw}\n",
      "BadRequest 3:14 Client 'a' cannot connect to virtual network gateway 'gw': that has no "
      "vpnClientConfiguration | write 'vpnClientConfiguration: {...}' there\n" },
    /* one that could be read */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguratio: {}}}\n"
          "clients: {a: gw}\n",
      "InvalidRequestContent 2:42 unknown key 'vpnClientConfiguratio' in a virtual network gateway | did you "
      "mean 'vpnClientConfiguration'?\n" },
    /* a root certificate of it */
    { GW "clients: {a: {virtualNetworkGateway: gw, rootCertificate: P2SRootCret}, b: {virtualNetworkGateway: "
         "gw, rootCertificate: xyz}}\n",
      "InvalidResourceReference 3:59 The root certificate 'P2SRootCret' referenced by client 'a' is not one "
      "of virtual network gateway 'gw' | did you mean 'P2SRootCert'?\n"
      "InvalidResourceReference 3:121 The root certificate 'xyz' referenced by client 'b' is not one of "
      "virtual network gateway 'gw' | P2SRootCert, other, mine\n" },
    /* a certificate with its key, where the lab cannot sign */
    { GW "clients: {a: {virtualNetworkGateway: gw, rootCertificate: mine}, b: {virtualNetworkGateway: gw, "
         "certificate: /dev/null}, c: {virtualNetworkGateway: gw, privateKey: /dev/null}}\n",
      "BadRequest 3:11 Client 'a' needs a certificate of its own: root certificate 'mine' of virtual network "
      "gateway 'gw' has publicCertData, and the lab has no key to sign with | write 'certificate: FILE' and "
      "'privateKey: FILE'\n"
      "BadRequest 3:110 Client 'b' has a certificate without its private key | write 'privateKey: FILE'\n"
      "BadRequest 3:165 Client 'c' has a private key without its certificate | write 'certificate: FILE'\n" },
    /* files */
    { GW "clients: {a: {virtualNetworkGateway: gw, certificate: /nonexistent.pem, privateKey: []}}\n",
      "InvalidRequestContent 3:55 'certificate: /nonexistent.pem': No such file or directory | the path is "
      "seen from the lab file\n"
      "InvalidRequestContent 3:85 'privateKey' must be a file, not a list\n" },
    /* addresses */
    { GW "internet: {hosts: {web: {address: 203.0.113.80}}}\n"
         "clients: {a: {virtualNetworkGateway: gw, publicIPAddress: 10.0.0.1}, b: {virtualNetworkGateway: "
         "gw, publicIPAddress: 203.0.113.80}, c: {virtualNetworkGateway: gw, publicIPAddress: 192.0.2.130}, "
         "d: {virtualNetworkGateway: gw, publicIPAddress: 203.0.113.81}, e: {virtualNetworkGateway: gw, "
         "publicIPAddress: 203.0.113.81}, f: {virtualNetworkGateway: gw, publicIPAddress: x}}\n",
      "BadRequest 4:59 Client 'a' cannot have 10.0.0.1: that is no IPv4 address of the internet | such as "
      "203.0.113.80\n"
      "BadRequest 4:118 Client 'b' cannot have 203.0.113.80: internet host 'web' has that address\n"
      "BadRequest 4:181 Client 'c' cannot have 192.0.2.130: default outbound access has it | 192.0.2.128/25 "
      "is what VMs without a public IP address share on their way out\n"
      "BadRequest 4:306 Client 'e' cannot have 203.0.113.81: client 'd' has that address\n"
      "InvalidRequestContent 4:369 'publicIPAddress' must be an IPv4 address such as 198.51.100.20, not "
      "'x'\n" },
    { GW "publicIPAddresses: {pip: {ipAddress: 198.51.100.9}}\n"
         "sites: {office: {publicIPAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
         "clients: {a: {virtualNetworkGateway: gw, publicIPAddress: 198.51.100.9}, b: "
         "{virtualNetworkGateway: gw, publicIPAddress: 203.0.113.10}}\n",
      "BadRequest 4:35 Site 'office' cannot have 203.0.113.10: client 'b' has that address\n"
      "BadRequest 5:59 Client 'a' cannot have 198.51.100.9: public IP address 'pip' has that address\n" },
    /* names */
    { GW "virtualMachines: {vm: {subnet: hub/s}}\n"
         "clients: {vm: gw, web: gw, gw: gw, a_b: gw, laptop: gw, Laptop: gw}\n"
         "internet: {hosts: {web: {address: 203.0.113.80}}}\n",
      "InvalidTemplate 2:26 The name 'gw' is that of a client, and a virtual network gateway cannot have it "
      "too | both are namespaces of the lab\n"
      "InvalidTemplate 4:11 The name 'vm' is a virtual machine's, and a client cannot have it too | both are "
      "namespaces of the lab\n"
      "InvalidResourceName 4:36 Resource name 'a_b' is invalid for a client | 1 to 64 letters, digits, '.' "
      "and '-'; starts and ends with a letter or digit\n"
      "InvalidTemplate 4:57 The client 'Laptop' is defined multiple times | names of clients are compared "
      "without case\n"
      "InvalidTemplate 5:20 The name 'web' is that of a client, and an internet host cannot have it too | "
      "both are namespaces of the lab\n" },
    { GW "internet: {hosts: {web: {address: 203.0.113.80}}}\n"
         "clients: {web: gw}\n",
      "InvalidTemplate 4:11 The name 'web' is that of an internet host, and a client cannot have it too | "
      "both are namespaces of the lab\n" },
    /* keys */
    { GW "clients: {a: {virtualNetworkGateway: gw, publicIP: 203.0.113.81, root: x}}\n",
      "InvalidRequestContent 3:42 unknown key 'publicIP' in a client\n"
      "InvalidRequestContent 3:66 unknown key 'root' in a client\n" },
    { GW "clients: [a]\n", "InvalidRequestContent 3:10 'clients' must be a map, not a list\n" },
    /* nobody of that name */
    { GW "virtualMachines: {vm: {subnet: hub/s}}\n"
         "clients: {laptop: gw}\n"
         "expect: [{from: laptopp, to: vm, icmp: pass}]\n",
      "- 5:10 expect: 'from: laptopp' is no virtual machine of this lab | did you mean 'laptop'?\n" },
};

static void refusals_say_what_and_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        assert_refused_lab(refused[i].text, NULL, refused[i].expected);
}

/* n clients of one gateway. */
static char *text_of_clients(const char *sku, int n)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    (void)fprintf(out,
                  HUB "virtualNetworkGateways: {gw: {vnet: hub, sku: %s, vpnClientConfiguration: "
                      "{vpnClientAddressPool: 172.16.0.0/16, vpnClientRootCertificates: {r: {}}}}}\n"
                      "clients:\n",
                  sku);
    for (int i = 0; i < n; i++)
        (void)fprintf(out, "  c%d: gw\n", i);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void a_gateway_has_as_many_clients_as_its_sku_allows(void **state)
{
    CLEANUP(vnl_str_free) char *fits = text_of_clients("VpnGw1", 250);
    CLEANUP(vnl_str_free) char *too_many = text_of_clients("VpnGw1AZ", 251);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(fits, NULL);

    (void)state;
    assert_int_equal(lab->n_clients, 250);
    assert_refused_lab(too_many, NULL,
                       "BadRequest 254:9 Virtual network gateway 'gw' is VpnGw1AZ and has 250 clients at "
                       "most: 'c250' is one more\n");
}

static void addresses_come_to_an_end(void **state)
{
    CLEANUP(vnl_str_free) char *text = text_of_clients("VpnGw2", 254 + 126); /* and gw-ip */

    (void)state;
    assert_refused_lab(text, NULL,
                       "BadRequest 383:3 198.51.100.0/24 and 192.0.2.0/25 have no address left for client "
                       "'c379' | write 'publicIPAddress: ...' for some of them\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_a_host_with_a_gateway),
        cmocka_unit_test(hosts_of_clients_stand_behind_the_others),
        cmocka_unit_test(an_address_is_given_behind_those_of_gateways),
        cmocka_unit_test(address_and_slot_stay),
        cmocka_unit_test(a_client_makes_way_for_a_written_address),
        cmocka_unit_test(a_client_cannot_take_an_address_that_is_kept),
        cmocka_unit_test(clients_are_expected_of),
        cmocka_unit_test(json_says_what_is_written),
        cmocka_unit_test(a_stored_lab_can_be_settled_again),
        cmocka_unit_test(commands_find_a_client_by_name),
        cmocka_unit_test(a_certificate_is_found_beside_the_lab_file),
        cmocka_unit_test(refusals_say_what_and_where),
        cmocka_unit_test(a_gateway_has_as_many_clients_as_its_sku_allows),
        cmocka_unit_test(addresses_come_to_an_end),
    };

    return cmocka_run_group_tests_name("clients", tests, NULL, NULL);
}
