/* Public IP addresses: who has them, addresses given out and kept, `publicIPAddress: true`, refusals. Spec 6.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../harness/mistakes.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

#define VNET "vnets: {vv: {addressSpace: 10.0.0.0/16, subnets: {s: 10.0.0.0/24}}}\n"

static void assert_addr(const struct vnl_addr *addr, const char *expected)
{
    char text[VNL_ADDR_STR];

    assert_string_equal(vnl_addr_format(addr, text), expected);
}

static void assert_public(const struct vnl_lab *lab, const char *name, const char *expected)
{
    const struct vnl_public_ip *one = vnl_public_ip_lookup(lab, name);

    assert_non_null(one);
    assert_addr(&one->addr, expected);
}

static void addresses_are_given_out_lowest_first_and_kept(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *first =
        settled_lab(VNET "publicIPAddresses: {a: {}, b: {ipAddress: 198.51.100.2}, c: {sku: Basic}}\n", NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *second = settled_lab(VNET "publicIPAddresses: {new: {}, c: {sku: Basic}, d: "
                                              "{}}\ninternet: {hosts: {h: {address: 198.51.100.4}}}\n",
                                         first);

    (void)state;
    assert_public(first, "a", "198.51.100.1");
    assert_public(first, "b", "198.51.100.2");
    assert_public(first, "c", "198.51.100.3");
    assert_int_equal(vnl_public_ip_lookup(first, "c")->sku, VNL_SKU_BASIC);
    assert_int_equal(vnl_public_ip_lookup(first, "a")->sku, VNL_SKU_STANDARD);
    assert_public(second, "c", "198.51.100.3"); /* kept */
    assert_public(second, "new", "198.51.100.1");
    assert_public(second, "d", "198.51.100.2"); /* 198.51.100.4 would be the host's */
}

static void the_second_range_follows_the_first_and_then_there_is_none(void **state)
{
    char text[16384] = VNET "publicIPAddresses:\n";
    struct vnl_lab *lab;
    size_t len = strlen(text);

    (void)state;
    for (int i = 1; i <= 380; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "  p%d: {}\n", i);
    lab = settled_lab(text, NULL);
    assert_public(lab, "p254", "198.51.100.254");
    assert_public(lab, "p255", "192.0.2.1");
    assert_public(lab, "p380", "192.0.2.126");
    vnl_lab_free(&lab);
    (void)snprintf(text + len, sizeof(text) - len, "  p381: {}\n");
    assert_refused_lab(
        text, NULL,
        "PublicIPCountLimitReached 383:3 198.51.100.0/24 and 192.0.2.0/25 have no address left for "
        "public IP address 'p381' | write 'ipAddress: ...' for some of them\n");
}

static void true_makes_a_resource_that_goes_with_its_vm(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        "location: westus\n" VNET "virtualMachines: {vm: {subnet: vv/s, publicIPAddress: true}}\n", NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *stored = stored_lab(lab);
    CLEANUP(vnl_lab_free) struct vnl_lab *changed = stored_lab(lab);
    const struct vnl_public_ip *one = vnl_public_ip_lookup(lab, "vm-ip");

    (void)state;
    assert_non_null(one);
    assert_true(one->implied);
    assert_ptr_equal(one->nic, lab->vms[0]->nics[0]);
    assert_ptr_equal(one->config, &lab->vms[0]->nics[0]->configs[0]);
    assert_string_equal(one->scope.location, "westus");
    assert_true(vnl_lab_has_internet(lab));
    /* again `true` is the same one; `false` takes it away */
    assert_int_equal(vnl_lab_set(changed, "vms.vm.publicIPAddress", "true", NULL), 0);
    assert_int_equal(vnl_lab_resolve(changed, NULL), 0);
    assert_int_equal(vnl_lab_settle(changed, stored, NULL), 0);
    assert_int_equal(changed->n_public_ips, 1);
    assert_int_equal(vnl_lab_set(changed, "vms.vm.publicIPAddress", "false", NULL), 0);
    assert_int_equal(vnl_lab_resolve(changed, NULL), 0);
    assert_int_equal(vnl_lab_settle(changed, stored, NULL), 0);
    assert_int_equal(changed->n_public_ips, 0);
    assert_null(vnl_public_ip_lookup(changed, "vm-ip"));
    assert_false(vnl_lab_has_internet(changed));
}

static void a_configuration_names_its_own(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(VNET "publicIPAddresses: {p: {}, q: {idleTimeoutInMinutes: 10}}\n"
                                           "virtualMachines: {vm: {networkInterfaces: {n: {subnet: vv/s, "
                                           "ipConfigurations: {one: {publicIPAddress: p}, "
                                           "two: {publicIPAddress: {id: q}}}}}}}\n",
                                      NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    CLEANUP(vnl_json_free) struct vnl_json *p = vnl_public_ip_to_json(vnl_public_ip_lookup(lab, "p"));
    CLEANUP(vnl_json_free) struct vnl_json *q = vnl_public_ip_to_json(vnl_public_ip_lookup(lab, "q"));

    (void)state;
    assert_null(vnl_json_get(vnl_json_get(p, "vnetlab"), "idleTimeoutInMinutes")); /* none was written */
    assert_int_equal(vnl_json_get_int(vnl_json_get(q, "vnetlab"), "idleTimeoutInMinutes", -1), 10);
    assert_string_equal(vnl_public_ip_lookup(again, "q")->config->name, "two");
    assert_int_equal(vnl_public_ip_lookup(again, "q")->idle_timeout_min, 10);
    assert_ptr_equal(vnl_public_ip_lookup(again, "p")->nic, again->vms[0]->nics[0]);
}

static void mistakes_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "publicIPAddresses: {p: {sku: Premium}}\n",
          "InvalidRequestContent 2:30 'sku' must be Standard or Basic, not 'Premium'\n" },
        { "publicIPAddresses: {p: {ipAddress: 10.0.0.1}}\n",
          "BadRequest 2:36 Public IP address 'p' cannot be 10.0.0.1: that is no IPv4 address of the internet "
          "| such as "
          "198.51.100.7; without one the lab chooses\n" },
        { "publicIPAddresses: {p: {ipAddress: 192.0.2.200}}\n",
          "BadRequest 2:36 Public IP address 'p' cannot be 192.0.2.200: default outbound access has it | "
          "192.0.2.128/25 "
          "is what VMs without a public IP address share on their way out\n" },
        { "publicIPAddresses: {p: {ipAddress: 203.0.113.7}, q: {ipAddress: 203.0.113.7}}\n",
          "BadRequest 2:65 Public IP address 'q' cannot be 203.0.113.7: 'p' has that address\n" },
        { "publicIPAddresses: {p: {idleTimeoutInMinutes: 31}}\n",
          "InvalidRequestContent 2:47 'idleTimeoutInMinutes' must be a number from 4 to 30, not '31'\n" },
        { "publicIPAddresses: {pip: {}}\nvirtualMachines: {vm: {subnet: vv/s, publicIPAddress: pib}}\n",
          "InvalidResourceReference 3:55 The public IP address 'pib' referenced by network interface "
          "'vm-nic' was not "
          "found | did you mean 'pip'?\n" },
        { "publicIPAddresses: {p: {}}\nvirtualMachines: {a: {subnet: vv/s, publicIPAddress: p}, b: {subnet: "
          "vv/s, "
          "publicIPAddress: p}}\n",
          "PublicIPAddressInUse 3:93 IP configuration 'b-nic/ipconfig1' is referencing public IP address 'p' "
          "that is "
          "already allocated to network interface 'a-nic' | a public IP address is attached once: make "
          "another one\n" },
        { "publicIPAddresses: {p: {location: westus}}\nvirtualMachines: {a: {subnet: vv/s, publicIPAddress: "
          "p}}\n",
          "InvalidResourceReference 3:54 The public IP address 'p' referenced by network interface 'a-nic' "
          "was not found "
          "in eastus: it is in westus, and both must be in the same region | write 'location: eastus' for "
          "it, or use "
          "another one there\n" },
        { "publicIPAddresses: {p: {}, q: {sku: Basic}}\nvirtualMachines: {vm: {networkInterfaces: {n: "
          "{subnet: vv/s, "
          "ipConfigurations: {one: {publicIPAddress: p}, two: {publicIPAddress: q}}}}}}\n",
          "BadRequest 3:131 Network interface 'n' has public IP addresses of both SKUs: 'p' is Standard and "
          "'q' is Basic "
          "| give all public IP addresses of a network interface the same sku\n" },
        { "publicIPAddresses: {vm-ip: {}}\nvirtualMachines: {vm: {subnet: vv/s, publicIPAddress: true}}\n",
          "InvalidTemplate 3:55 The public IP address 'vm-ip' is defined multiple times | names of public IP "
          "addresses are "
          "compared without case\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_str_free) char *text = NULL;

        assert_true(asprintf(&text, VNET "%s", cases[i].text) > 0);
        assert_refused_lab(text, NULL, cases[i].expected);
    }
}

static void what_is_there_keeps_address_and_sku(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = settled_lab(VNET "publicIPAddresses: {p: {}}\n", NULL);

    (void)state;
    assert_refused_lab(
        VNET "publicIPAddresses: {p: {ipAddress: 203.0.113.7}}\n", before,
        "BadRequest 2:36 Public IP address 'p' has 198.51.100.1 and cannot get 203.0.113.7 | give it "
        "another name, or remove it first\n");
    assert_refused_lab(
        VNET "publicIPAddresses: {p: {sku: Basic}}\n", before,
        "BadRequest 2:21 Public IP address 'p' is Standard and cannot become Basic | give it another "
        "name, or remove it first\n");
    assert_refused_lab(
        VNET "publicIPAddresses: {p: {}, q: {ipAddress: 198.51.100.1}}\n", before,
        "BadRequest 2:43 Public IP address 'q' cannot have 198.51.100.1: public IP address 'p' has that "
        "address | that address was given out and is kept: choose another one\n");
    assert_refused_lab(
        VNET "publicIPAddresses: {p: {}}\ninternet: {hosts: {h: {address: 198.51.100.1}}}\n", before,
        "BadRequest 3:33 Internet host 'h' cannot have 198.51.100.1: public IP address 'p' has that "
        "address | that address was given out and is kept: choose another one\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_given_out_lowest_first_and_kept),
        cmocka_unit_test(the_second_range_follows_the_first_and_then_there_is_none),
        cmocka_unit_test(true_makes_a_resource_that_goes_with_its_vm),
        cmocka_unit_test(a_configuration_names_its_own),
        cmocka_unit_test(mistakes_are_refused_with_a_sentence),
        cmocka_unit_test(what_is_there_keeps_address_and_sku),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
