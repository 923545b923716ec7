/* Sites: simulated on-premises networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/mistakes.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

static void a_site_is_a_device_and_hosts(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(gateway_lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_site *site = vnl_site_lookup(again, "OFFICE");
    char text[VNL_ADDR_STR];

    (void)state;
    assert_string_equal(site->id, "sites/office");
    assert_ptr_equal(vnl_site_by_addr(again, &again->local_gateways[0]->addr), site);
    assert_string_equal(vnl_addr_format(&site->inner, text), "192.168.0.1");
    assert_int_equal(site->n_hosts, 2);
    assert_ptr_equal(vnl_site_host_lookup(again, "NAS"), site->hosts[1]);
    assert_string_equal(vnl_addr_format(&site->hosts[1]->addr, text), "172.16.0.9");
    assert_string_equal(site->hosts[1]->run.items[0], "date");
    assert_int_equal(site->slot, 0);
    assert_true(site->in_slot != site->out_slot && site->hosts[0]->slot != site->hosts[1]->slot);
    assert_memory_not_equal(&site->in_mac, &site->out_mac, sizeof(site->in_mac));
    assert_string_equal(lab->sites[0]->shared_key, "ddeeff");
}

static void public_addresses_are_given_around_a_site(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab =
        settled_lab("vnets: {}\npublicIPAddresses: {p: {}}\n"
                    "sites: {s: {publicIPAddress: 198.51.100.1, addressPrefixes: 192.168.0.0/16}}\n",
                    NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = settled_lab("vnets: {}\npublicIPAddresses: {p: {}}\n", NULL);

    (void)state;
    assert_int_equal(lab->public_ips[0]->addr.bytes[3], 2);
    assert_refused_lab("vnets: {}\npublicIPAddresses: {p: {}}\n"
                       "sites: {s: {publicIPAddress: 198.51.100.1, addressPrefixes: 192.168.0.0/16}}\n",
                       before,
                       "BadRequest 3:30 Site 's' cannot have 198.51.100.1: public IP address 'p' has that "
                       "address | that address was given out and is kept: choose another one\n");
}

/* The second site keeps its network when the first one goes. */
static void slots_of_networks_stay(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = settled_lab(
        "vnets: {}\nsites: {a: {publicIPAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/16}, b: "
        "{publicIPAddress: 203.0.113.2, addressPrefixes: 192.168.0.0/16}}\n",
        NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        "vnets: {}\nsites: {c: {publicIPAddress: 203.0.113.3, addressPrefixes: 192.168.0.0/16}, b: "
        "{publicIPAddress: 203.0.113.2, addressPrefixes: 192.168.0.0/16}}\n",
        before);

    (void)state;
    assert_int_equal(vnl_site_lookup(lab, "b")->slot, 1);
    assert_int_equal(vnl_site_lookup(lab, "c")->slot, 0);
    assert_int_equal(vnl_site_lookup(lab, "b")->in_slot, vnl_site_lookup(before, "b")->in_slot);
}

static void hosts_are_expected_of(void **state)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;

    (void)state;
    assert_true(asprintf(&text,
                         "%svirtualMachines: {vm: {subnet: hub/s}}\nsemantics: {gatewayThroughput: sku}\n"
                         "expect: [{from: pc, to: vm, icmp: pass}, {from: vm, to: nas, icmp: pass}]\n",
                         gateway_lab_text) > 0);
    lab = settled_lab(text, NULL);
    again = stored_lab(lab);
    assert_true(again->gateway_throughput);
    assert_ptr_equal(again->expects[0]->from_site_host, again->sites[0]->hosts[0]);
    assert_null(again->expects[0]->from_vm);
    assert_ptr_equal(again->expects[0]->to_vm, again->vms[0]);
    assert_ptr_equal(again->expects[1]->to_site_host, again->sites[0]->hosts[1]);
    assert_true(vnl_addr_eq(&again->expects[1]->addr, &again->sites[0]->hosts[1]->addr));
}

static void a_configuration_is_found_beside_the_lab_file(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    static const char text[] = "vnets: {}\nsites: {s: {publicIPAddress: 203.0.113.1, addressPrefixes: "
                               "192.168.0.0/16, swanctl: passwd}}\n";

    (void)state;
    assert_int_equal(vnl_lab_load_text("/etc/lab.yaml", text, strlen(text), &lab, &err), 0);
    assert_string_equal(lab->sites[0]->swanctl, "/etc/passwd");
}

/* What is in force (NULL: nothing), what is asked for, and all that is said to it. */
static const struct {
    const char *before, *text, *expected;
} refused[] = {
    /* what it needs */ {
        NULL,
        "vnets: {}\n"
        "sites: {a: {}, b: {publicIPAddress: 203.0.113.1}, c: {addressPrefixes: 192.168.0.0/16}}\n",
        "- 2:9 'a' has no 'publicIPAddress' | write 'publicIPAddress: 203.0.113.10'\n"
        "- 2:16 'b' has no 'addressPrefixes' | write 'addressPrefixes: [192.168.0.0/16]'\n"
        "- 2:51 'c' has no 'publicIPAddress' | write 'publicIPAddress: 203.0.113.10'\n" },
    /* addresses that are none of the internet */
    { NULL,
      "vnets: {}\n"
      "sites: {a: {publicIPAddress: 192.168.1.1, addressPrefixes: 192.168.0.0/16}, b: {publicIPAddress: "
      "192.0.2.200, addressPrefixes: 192.168.0.0/16}, c: {publicIPAddress: pip, addressPrefixes: "
      "192.168.0.0/16}}\n",
      "BadRequest 2:30 Site 'a' cannot have 192.168.1.1: that is no IPv4 address of the internet | such as "
      "203.0.113.10\n"
      "BadRequest 2:98 Site 'b' cannot have 192.0.2.200: default outbound access has it | 192.0.2.128/25 is "
      "what VMs without a public IP address share on their way out\n"
      "InvalidRequestContent 2:166 'publicIPAddress' must be an IPv4 address such as 203.0.113.10, not "
      "'pip'\n" },
    /* addresses that others have */
    { NULL,
      "vnets: {}\n"
      "publicIPAddresses: {p: {ipAddress: 198.51.100.7}}\n"
      "internet: {hosts: {h: {address: 203.0.113.80}}}\n"
      "sites: {a: {publicIPAddress: 198.51.100.7, addressPrefixes: 192.168.0.0/16}, b: {publicIPAddress: "
      "203.0.113.80, addressPrefixes: 192.168.0.0/16}, c: {publicIPAddress: 203.0.113.80, addressPrefixes: "
      "192.168.0.0/16}}\n",
      "BadRequest 4:30 Site 'a' cannot have 198.51.100.7: public IP address 'p' has that address\n"
      "BadRequest 4:99 Site 'b' cannot have 203.0.113.80: internet host 'h' has that address\n"
      "BadRequest 4:168 Site 'c' cannot have 203.0.113.80: site 'b' has that address\n"
      "BadRequest 4:168 Site 'c' cannot have 203.0.113.80: internet host 'h' has that address\n" },
    /* prefixes */
    { NULL,
      "vnets: {}\n"
      "sites: {a: {publicIPAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/31}, b: {publicIPAddress: "
      "203.0.113.2, addressPrefixes: [192.168.0.0/16, 192.168.1.0/24, \"fd00::/64\"]}, c: {publicIPAddress: "
      "203.0.113.3, addressPrefixes: 0.0.0.0/0}}\n",
      "BadRequest 2:60 Site 'a' cannot have 192.168.0.0/31 as its first prefix: the smallest is /30 | its "
      "device is there, on the first address\n"
      "BadRequest 2:128 Prefixes 192.168.0.0/16 and 192.168.1.0/24 of site 'b' overlap\n"
      "BadRequest 2:128 Site 'b' cannot have fd00::/64: that is no IPv4 prefix | VPN gateways carry IPv4\n"
      "BadRequest 2:227 Site 'c' cannot have 0.0.0.0/0: that is everything | what is in no prefix goes to "
      "the site's device\n" },
    /* hosts without an address */
    { NULL,
      "vnets: {}\n"
      "sites: {a: {publicIPAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/16, hosts: {none: {}, no: "
      "here, out: 10.0.0.1}}}\n",
      "- 2:84 'none' has no 'address' | write 'address: 192.168.1.10'\n"
      "InvalidRequestContent 2:98 'address' must be an IPv4 address such as 192.168.1.10, not 'here'\n"
      "BadRequest 2:109 Host 'out' cannot have 10.0.0.1: that is in no prefix of site 'a' | "
      "192.168.0.0/16\n" },
    /* hosts */
    { NULL,
      "vnets: {}\n"
      "sites: {a: {publicIPAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/16, hosts: {out: 10.0.0.1, "
      "device: 192.168.0.1, net: 192.168.0.0, all: 192.168.255.255, x: 192.168.0.9, twice: 192.168.0.9}}}\n",
      "BadRequest 2:89 Host 'out' cannot have 10.0.0.1: that is in no prefix of site 'a' | 192.168.0.0/16\n"
      "BadRequest 2:107 Host 'device' cannot have 192.168.0.1: the device of site 'a' has that address\n"
      "BadRequest 2:125 Host 'net' cannot have 192.168.0.0: the first and last address of a prefix are no "
      "host's\n"
      "BadRequest 2:143 Host 'all' cannot have 192.168.255.255: the first and last address of a prefix are "
      "no host's\n"
      "BadRequest 2:183 Host 'twice' cannot have 192.168.0.9: host 'x' has that address\n" },
    /* names of guests */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualMachines: {vm: {subnet: hub/a}}\n"
      "sites: {vm: {publicIPAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/16, hosts: {VM: 192.168.0.9, "
      "pc: 192.168.0.10}}, b: {publicIPAddress: 203.0.113.2, addressPrefixes: 192.168.0.0/16, hosts: {pc: "
      "192.168.0.9, _x: 192.168.0.10}}}\n",
      "InvalidTemplate 3:9 The name 'vm' is that of a virtual machine, and a site cannot have it too | both "
      "are namespaces of the lab\n"
      "InvalidTemplate 3:89 The name 'VM' is that of a virtual machine, and a host of a site cannot have it "
      "too | both are namespaces of the lab\n"
      "InvalidTemplate 3:201 The name 'pc' is that of a host of a site, and a host of a site cannot have it "
      "too | both are namespaces of the lab\n"
      "InvalidResourceName 3:214 Resource name '_x' is invalid for a host of a site | 1 to 64 letters, "
      "digits, '.' and '-'; starts and ends with a letter or digit\n" },
    /* key and file */
    { NULL,
      "vnets: {}\n"
      "sites: {a: {publicIPAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/16, sharedKey: \"a b\", "
      "swanctl: /nowhere/swanctl.conf}}\n",
      "BadRequest 2:87 Character 2 of the shared key of site 'a' is not allowed | printable ASCII without "
      "space, '-' and '~'\n"
      "InvalidRequestContent 2:103 'swanctl: /nowhere/swanctl.conf': No such file or directory | the path is "
      "seen from the lab file\n" },
    /* twice, and a misspelled key */
    { NULL,
      "vnets: {}\n"
      "sites: {a: {publicIPAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/16}, A: {publicIPAddress: "
      "203.0.113.2, addressPrefix: 192.168.0.0/16}}\n",
      "InvalidTemplate 2:77 The site 'A' is defined multiple times | names of sites are compared without "
      "case\n"
      "InvalidRequestContent 2:111 unknown key 'addressPrefix' in a site | did you mean "
      "'addressPrefixes'?\n" },
};

static void refusals_say_what_and_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        CLEANUP(vnl_lab_free)
        struct vnl_lab *before = refused[i].before ? settled_lab(refused[i].before, NULL) : NULL;

        assert_refused_lab(refused[i].text, before, refused[i].expected);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_is_a_device_and_hosts),
        cmocka_unit_test(public_addresses_are_given_around_a_site),
        cmocka_unit_test(slots_of_networks_stay),
        cmocka_unit_test(hosts_are_expected_of),
        cmocka_unit_test(a_configuration_is_found_beside_the_lab_file),
        cmocka_unit_test(refusals_say_what_and_where),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
