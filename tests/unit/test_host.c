/* Simulated internet hosts: addresses, slots among those of NICs, expectations from and to the internet. */
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
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

#define VNET "vnets: {vv: {addressSpace: 10.0.0.0/16, subnets: {s: 10.0.0.0/24}}}\n"

static void assert_addr(const struct vnl_addr *addr, const char *expected)
{
    char text[VNL_ADDR_STR];

    assert_string_equal(vnl_addr_format(addr, text), expected);
}

static void a_host_has_a_nic_slot_that_stays(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *first = settled_lab(VNET "virtualMachines: {a: {subnet: vv/s}}\ninternet: {hosts: {h: "
                                             "{address: 203.0.113.80, run: [one, two]}}}\n",
                                        NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *second =
        settled_lab(VNET "virtualMachines: {a: {subnet: vv/s}, b: {subnet: vv/s}}\n"
                         "internet: {hosts: {g: {address: 203.0.113.81}, H: {address: 203.0.113.80}}}\n",
                    first);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(first);

    (void)state;
    assert_int_equal(first->hosts[0]->slot, 1);
    assert_int_equal(second->vms[1]->nics[0]->slot, 2);
    assert_int_equal(second->hosts[0]->slot, 3);
    assert_int_equal(second->hosts[1]->slot, 1);
    assert_string_equal(second->hosts[1]->name, "h"); /* the spelling of the first time */
    assert_memory_equal(&second->hosts[1]->mac, &first->hosts[0]->mac, sizeof(struct vnl_mac));
    assert_string_equal(again->hosts[0]->run.items[1], "two");
    assert_addr(&again->hosts[0]->addr, "203.0.113.80");
    assert_int_equal(again->hosts[0]->addr_src.line, 3);
}

static void a_lab_has_an_internet_side_when_it_says_so(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *without = settled_lab(VNET, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *with = settled_lab(VNET "internet: {}\n", NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(with);

    (void)state;
    assert_false(vnl_lab_has_internet(without));
    assert_true(vnl_lab_has_internet(with));
    assert_true(vnl_lab_has_internet(again));
}

static void expectations_name_hosts_and_public_addresses(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(VNET "publicIPAddresses: {pip: {}}\n"
                                           "virtualMachines: {vm: {subnet: vv/s, publicIPAddress: pip}}\n"
                                           "internet: {hosts: {h: {address: 203.0.113.80}}}\n"
                                           "expect:\n"
                                           "  - {from: h, to: pip, tcp: 80, result: pass}\n"
                                           "  - {from: vm, to: h, icmp: pass}\n"
                                           "  - {from: vm, to: 203.0.113.80, icmp: pass}\n"
                                           "  - {from: h, to: 198.51.100.1, icmp: pass}\n",
                                      NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);

    (void)state;
    assert_ptr_equal(again->expects[0]->from_host, again->hosts[0]);
    assert_null(again->expects[0]->from_vm);
    assert_null(again->expects[0]->to_vm);
    assert_addr(&again->expects[0]->addr, "198.51.100.1");
    assert_ptr_equal(again->expects[1]->to_host, again->hosts[0]);
    assert_addr(&again->expects[1]->addr, "203.0.113.80");
    assert_ptr_equal(again->expects[2]->to_host, again->hosts[0]);
    assert_addr(&again->expects[3]->addr, "198.51.100.1");
    assert_null(again->expects[3]->to_host);
}

static void mistakes_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "internet: {hosts: {h: {}}}\n", "- 2:20 'h' has no 'address' | write 'address: 203.0.113.80'\n" },
        { "internet: {hosts: {h: {address: 192.168.1.1}}}\n",
          "BadRequest 2:33 Internet host 'h' cannot have 192.168.1.1: that is no IPv4 address of the "
          "internet | such as "
          "203.0.113.80\n" },
        { "internet: {hosts: {h: {address: \"2001:db8::1\"}}}\n",
          "BadRequest 2:33 Internet host 'h' cannot have 2001:db8::1: that is no IPv4 address of the "
          "internet | such as "
          "203.0.113.80\n" },
        { "internet: {hosts: {h: {address: 192.0.2.128}}}\n",
          "BadRequest 2:33 Internet host 'h' cannot have 192.0.2.128: default outbound access has it | "
          "192.0.2.128/25 is "
          "what VMs without a public IP address share on their way out\n" },
        { "internet: {hosts: {h: {address: 203.0.113.1}, g: {address: 203.0.113.1}}}\n",
          "BadRequest 2:60 Internet host 'g' cannot have 203.0.113.1: internet host 'h' has that address\n" },
        { "internet: {hosts: {h: {address: 203.0.113.1}}}\npublicIPAddresses: {p: {ipAddress: "
          "203.0.113.1}}\n",
          "BadRequest 2:33 Internet host 'h' cannot have 203.0.113.1: public IP address 'p' has that "
          "address\n" },
        { "internet: {hosts: {vm: {address: 203.0.113.1}}}\nvirtualMachines: {vm: {subnet: vv/s}}\n",
          "InvalidTemplate 2:20 The name 'vm' is a virtual machine's, and an internet host cannot have it "
          "too | both are "
          "namespaces of the lab\n" },
        { "internet: {host: {}}\n",
          "InvalidRequestContent 2:12 unknown key 'host' in the internet | did you mean 'hosts'?\n" },
        { "internet: {hosts: {example: {address: 203.0.113.1}}}\nexpect: [{from: exampel, to: example, icmp: "
          "pass}]\n",
          "- 3:10 expect: 'from: exampel' is no virtual machine of this lab | did you mean 'example'?\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_str_free) char *text = NULL;

        assert_true(asprintf(&text, VNET "%s", cases[i].text) > 0);
        assert_refused_lab(text, NULL, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_has_a_nic_slot_that_stays),
        cmocka_unit_test(a_lab_has_an_internet_side_when_it_says_so),
        cmocka_unit_test(expectations_name_hosts_and_public_addresses),
        cmocka_unit_test(mistakes_are_refused_with_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
