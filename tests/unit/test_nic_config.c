/* Several NICs per VM and several ip configurations per NIC: their order, primary ones, addresses, limits, and what becomes of them when
 * the lab changes (spec 1.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/documents.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

#define VNETS                                                                                                \
    "name: lab1\n"                                                                                           \
    "vnets:\n"                                                                                               \
    "  va: {addressSpace: [10.0.0.0/16, 'fd00::/48'], subnets: {s1: 10.0.0.0/24, s2: 10.0.1.0/24,\n"         \
    "       six: [10.0.2.0/24, 'fd00:0:0:2::/64']}}\n"                                                       \
    "  vb: {addressSpace: 10.1.0.0/16, subnets: {t1: 10.1.0.0/24}}\n"                                        \
    "virtualMachines:\n"
#define NICS(lines) VNETS "  m:\n    networkInterfaces:\n" lines
#define NIC(words)  "      " words "\n"

static void assert_refused(const char *text, const char *before, const char *code, const char *words)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *was = before ? document_settled(NULL, before) : NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lab *lab = NULL;

    if (document_load(text, was, &lab, &err) == 0)
        fail_msg("not refused: %s", words);
    assert_null(lab);
    assert_string_equal(err->code, code);
    if (!strstr(err->msg, words) || err->next)
        fail_msg("'%s' is not all of '%s'", words, err->msg);
}

/* "a: 10.0.0.4 s=10.0.0.5; b: ..." : each NIC of the VM, its configurations by name unless it is ipconfigN; '*' = static. */
static const char *nics_of(const struct vnl_lab *lab, const char *vm_name)
{
    static char text[512];
    const struct vnl_vm *vm = vnl_vm_lookup(lab, vm_name);
    FILE *out = fmemopen(text, sizeof(text), "w");

    assert_non_null(out);
    for (size_t i = 0; i < vm->n_nics; i++) {
        const struct vnl_nic *nic = vm->nics[i];

        (void)fprintf(out, "%s%s:", i ? "; " : "", nic->name);
        assert_int_equal(nic->primary, i == 0);
        for (size_t k = 0; k < nic->n_configs; k++) {
            const struct vnl_ip_config *config = &nic->configs[k];
            char addr[VNL_ADDR_STR];

            assert_int_equal(config->primary, k == 0);
            assert_int_equal(config->family, config->addr.family);
            (void)fprintf(out, " %s=%s%s", config->name, config->is_static ? "*" : "",
                          vnl_addr_format(&config->addr, addr));
        }
    }
    (void)fclose(out);
    return text;
}

static void assert_nics(const char *text, const char *expected)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, text);

    assert_string_equal(nics_of(lab, "m"), expected);
}

/* --- order and names --------------------------------------------------------------------------------- */

static void primary_nic_comes_first(void **state)
{
    (void)state;
    assert_nics(NICS(NIC("a: {subnet: s1}") NIC("b: {subnet: s2}")),
                "a: ipconfig1=10.0.0.4; b: ipconfig1=10.0.1.4");
    assert_nics(NICS(NIC("a: {subnet: s1}") NIC("b: {subnet: s2, primary: false}")
                         NIC("c: {subnet: s1, primary: true}")),
                "c: ipconfig1=10.0.0.4; a: ipconfig1=10.0.0.5; b: ipconfig1=10.0.1.4");
}

static void configurations_are_ipv4_first_and_the_primary_before_all(void **state)
{
    (void)state;
    assert_nics(
        NICS(NIC(
            "a: {subnet: s1, ipConfigurations: {x: {privateIPAddress: 10.0.0.9}, y: , z: {primary: true}}}")),
        "a: z=10.0.0.4 x=*10.0.0.9 y=10.0.0.5");
    assert_nics(
        NICS(NIC("a: {subnet: six, ipConfigurations: {v6: {privateIPAddress: 'fd00:0:0:2::9'}, v4: {}}}")),
        "a: v4=10.0.2.4 v6=*fd00:0:0:2::9");
    assert_nics(NICS(NIC("a: {subnet: six, ipConfigurations: {v6: {privateIPAddressVersion: IPv6}}}")),
                "a: ipconfig1=10.0.2.4 v6=fd00:0:0:2::4");
    assert_nics(NICS(NIC("a: {subnet: six, ipConfigurations: {x: {}, ipconfig3: {}}}")),
                "a: x=10.0.2.4 ipconfig3=10.0.2.5 ipconfig4=fd00:0:0:2::4");
    assert_nics(NICS(NIC("a: {subnet: s1, ipConfigurations: {}}")), "a: ipconfig1=10.0.0.4");
}

static void short_form_is_one_nic_called_after_the_vm(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = document_settled(
        NULL,
        VNETS "  m: {subnet: six, privateIPAddress: ['fd00:0:0:2::7', 10.0.2.7], enableIPForwarding: true}\n"
              "  n: {networkInterfaces: {n-nic: {subnet: six}}}\n");

    (void)state;
    assert_string_equal(nics_of(lab, "m"), "m-nic: ipconfig1=*10.0.2.7 ipconfig2=*fd00:0:0:2::7");
    assert_true(vnl_vm_lookup(lab, "m")->short_form);
    assert_true(vnl_vm_lookup(lab, "m")->nics[0]->ip_forwarding);
    assert_false(vnl_vm_lookup(lab, "n")->short_form);
}

/* --- refusals ---------------------------------------------------------------------------------------- */

static void impossible_nics_are_refused(void **state)
{
    (void)state;
    assert_refused(
        NICS(NIC("a: {subnet: s1}") NIC("b: {subnet: t1}")), NULL, "SubnetsNotInSameVnet",
        "Network interface 'b' is in virtual network 'vb', the others of virtual machine 'm' are in 'va'");
    assert_refused(NICS(NIC("a: {subnet: s1, primary: true}") NIC("b: {subnet: s1, primary: true}")), NULL,
                   "BadRequest", "Virtual machine 'm' has two primary network interfaces, 'a' and 'b'");
    assert_refused(NICS(NIC("a: {subnet: s1, ipConfigurations: {x: {primary: true}, y: {primary: true}}}")),
                   NULL, "BadRequest",
                   "Network interface 'a' has two primary ip configurations, 'x' and 'y'");
    assert_refused(
        NICS(NIC("a: {subnet: six, ipConfigurations: {x: {privateIPAddressVersion: IPv6, primary: true}}}")),
        NULL, "BadRequest", "IPv6 ip configuration 'x' of network interface 'a' cannot be the primary");
    assert_refused(NICS(NIC("a: {subnet: six, ipConfigurations: {x: {privateIPAddressVersion: IPv6}, "
                            "y: {privateIPAddress: 'fd00:0:0:2::9'}}}")),
                   NULL, "BadRequest", "Network interface 'a' has 2 IPv6 ip configurations; one is possible");
    assert_refused(NICS(NIC("a: {subnet: s1, ipConfigurations: {x: {}, y: {privateIPAddress: 10.0.1.9}}}")),
                   NULL, "PrivateIPAddressNotInSubnet", "10.0.1.9 does not belong");
    assert_refused(NICS(NIC("a: {subnet: s1, ipConfigurations: {x: {privateIPAddress: 10.0.0.9}, y: "
                            "{privateIPAddress: 10.0.0.9}}}")),
                   NULL, "PrivateIPAddressIsAllocated",
                   "IP configuration 'a/y' is using the private IP address 10.0.0.9 which is already "
                   "allocated to resource 'a/x'");
    assert_refused(NICS(NIC("a: {subnet: s1}")) "  n: {networkInterfaces: {A: {subnet: s1}}}\n", NULL,
                   "InvalidTemplate", "The network interface 'A' is defined multiple times");
    assert_refused(VNETS "  m: {networkInterfaces: {}}\n", NULL, "InvalidRequestFormat",
                   "Virtual machine 'm' has no network interface");
}

/* A lab file with `n` NICs of VM m, or `n` configurations of its NIC, in a /16. The text is the caller's. */
static char *many(size_t n, bool nics)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    (void)fprintf(out,
                  "name: lab1\nvnets: {va: {addressSpace: 10.0.0.0/8, subnets: {s1: 10.0.0.0/16}}}\n"
                  "virtualMachines:\n  m:\n    networkInterfaces:\n%s",
                  nics ? "" : "      a:\n        subnet: s1\n        ipConfigurations:\n");
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, nics ? "      nic%zu: {subnet: s1}\n" : "          c%zu: {}\n", i);
    (void)fclose(out);
    return text;
}

static void limits_are_azures(void **state)
{
    CLEANUP(vnl_str_free) char *nics = many(8, true);
    CLEANUP(vnl_str_free) char *more_nics = many(9, true);
    CLEANUP(vnl_str_free) char *configs = many(256, false);
    CLEANUP(vnl_str_free) char *more_configs = many(257, false);
    struct vnl_lab *lab = document_settled(NULL, nics);

    (void)state;
    assert_int_equal(lab->vms[0]->n_nics, 8);
    vnl_lab_free(&lab);
    lab = document_settled(NULL, configs);
    assert_int_equal(lab->vms[0]->nics[0]->n_configs, 256);
    vnl_lab_free(&lab);
    assert_refused(more_nics, NULL, "BadRequest",
                   "Virtual machine 'm' has 9 network interfaces; at most 8 are allowed");
    assert_refused(more_configs, NULL, "BadRequest",
                   "Network interface 'a' has 257 ip configurations; at most 256 are allowed");
}

static void vm_is_found_by_any_of_its_addresses(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = document_settled(
        NULL, NICS(NIC("a: {subnet: s1}")
                       NIC("b: {subnet: s2, ipConfigurations: {x: {}, y: {privateIPAddress: 10.0.1.77}}}")));
    struct vnl_addr addr = { 0 };

    (void)state;
    assert_int_equal(vnl_addr_parse("10.0.1.77", &addr, NULL), 0);
    assert_ptr_equal(vnl_vm_by_addr(lab, lab->vnets[0], &addr), lab->vms[0]);
}

/* --- the lab changes --------------------------------------------------------------------------------- */

static void assert_change(const char *before, const char *after, const char *expected)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(before, after);

    assert_string_equal(nics_of(lab, "m"), expected);
}

static void dynamic_addresses_stay_with_their_configuration(void **state)
{
    static const char before[] = NICS(NIC("a: {subnet: s1, ipConfigurations: {x: {}, y: {}, z: {}}}"));

    (void)state;
    assert_change(NULL, before, "a: x=10.0.0.4 y=10.0.0.5 z=10.0.0.6");
    assert_change(before, NICS(NIC("a: {subnet: s1, ipConfigurations: {z: {}, X: {}}}")),
                  "a: z=10.0.0.6 x=10.0.0.4");
    assert_change(before,
                  NICS(NIC("a: {subnet: s1, ipConfigurations: {new: {}, x: {}, y: {}, z: {primary: true}}}")),
                  "a: z=10.0.0.6 new=10.0.0.7 x=10.0.0.4 y=10.0.0.5");
    assert_change(before, NICS(NIC("a: {subnet: s2, ipConfigurations: {x: {}, y: {}, z: {}}}")),
                  "a: x=10.0.1.4 y=10.0.1.5 z=10.0.1.6");
    assert_change(NICS(NIC("a: {subnet: s1, ipConfigurations: {x: {}, y: {privateIPAddress: 10.0.0.99}}}")),
                  NICS(NIC("a: {subnet: s1, ipConfigurations: {x: {}, y: {}}}")),
                  "a: x=10.0.0.4 y=10.0.0.99");
}

/* The only IPv6 configuration is the same, whatever it is called. */
static void ipv6_address_survives_a_new_ipv4_configuration(void **state)
{
    (void)state;
    assert_change(NICS(NIC("a: {subnet: six}")),
                  NICS(NIC("a: {subnet: six, ipConfigurations: {ipconfig1: {}, ipconfig2: {}}}")),
                  "a: ipconfig1=10.0.2.4 ipconfig2=10.0.2.5 ipconfig3=fd00:0:0:2::4");
}

static uint32_t slot_of(const struct vnl_lab *lab, const char *vm_name, const char *nic_name)
{
    const struct vnl_vm *vm = vnl_vm_lookup(lab, vm_name);

    for (size_t i = 0; i < vm->n_nics; i++) {
        if (strcmp(vm->nics[i]->name, nic_name) == 0)
            return vm->nics[i]->slot;
    }
    return VNL_SLOT_NONE;
}

static void slots_stay_when_nics_come_and_go(void **state)
{
    static const char before[] = NICS(NIC("a: {subnet: s1}") NIC("b: {subnet: s2}")) "  n: {subnet: s1}\n";
    static const char after[] =
        NICS(NIC("c: {subnet: s2, primary: true}") NIC("b: {subnet: s1}")) "  n: {subnet: s1}\n";
    CLEANUP(vnl_lab_free) struct vnl_lab *was = document_settled(NULL, before);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(before, after);

    (void)state;
    assert_int_equal(slot_of(was, "m", "b"), 1);
    assert_int_equal(slot_of(lab, "m", "b"), 1);
    assert_int_equal(slot_of(lab, "n", "n-nic"), 2);
    assert_int_equal(slot_of(lab, "m", "c"), 0); /* a's, which is gone */
    assert_string_equal(nics_of(lab, "m"), "c: ipconfig1=10.0.1.4; b: ipconfig1=10.0.0.4");
}

static void nic_goes_to_another_vm_with_its_address(void **state)
{
    static const char before[] = NICS(NIC("a: {subnet: s1}") NIC("b: {subnet: s1}")) "  n: {subnet: s2}\n";
    static const char after[] =
        NICS(NIC("a: {subnet: s1}")) "  n: {networkInterfaces: {n-nic: {subnet: s2}, b: {subnet: s1}}}\n";
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(before, after);

    (void)state;
    assert_string_equal(nics_of(lab, "n"), "n-nic: ipconfig1=10.0.1.4; b: ipconfig1=10.0.0.5");
    assert_int_equal(slot_of(lab, "n", "b"), 1);
}

static void changes_that_azure_refuses(void **state)
{
    static const char before[] =
        NICS(NIC("a: {subnet: s1}") NIC("b: {subnet: s2, ipConfigurations: {x: {}, y: {}}}"));

    (void)state;
    assert_refused(NICS(NIC("a: {subnet: t1}") NIC("b: {subnet: t1}")), NICS(NIC("a: {subnet: s1}")),
                   "SubnetsNotInSameVnet",
                   "'a' is in virtual network 'va' and cannot move to 'vb': it must be recreated");
    assert_refused(
        "name: lab1\nvnets:\n  va: {addressSpace: 10.0.0.0/16, subnets: {s1: 10.0.0.0/24, s2: 10.0.7.0/24}}\n"
        "virtualMachines:\n  m:\n    networkInterfaces:\n" NIC("a: {subnet: s1}")
            NIC("b: {subnet: s2, ipConfigurations: {x: {}, y: {}}}"),
        before, "InUseSubnetCannotBeUpdated", "Subnet 'va/s2' is in use by b/x and cannot be updated");
    assert_refused(NICS(NIC("a: {subnet: s1, ipConfigurations: {w: {}, v: {privateIPAddress: 10.0.0.5}}}")),
                   NICS(NIC("a: {subnet: s1, ipConfigurations: {q: {}, w: {}}}")),
                   "PrivateIPAddressIsAllocated",
                   "IP configuration 'a/v' is using the private IP address 10.0.0.5 which is already "
                   "allocated to resource 'a/w'");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(primary_nic_comes_first),
        cmocka_unit_test(configurations_are_ipv4_first_and_the_primary_before_all),
        cmocka_unit_test(short_form_is_one_nic_called_after_the_vm),
        cmocka_unit_test(impossible_nics_are_refused),
        cmocka_unit_test(limits_are_azures),
        cmocka_unit_test(vm_is_found_by_any_of_its_addresses),
        cmocka_unit_test(dynamic_addresses_stay_with_their_configuration),
        cmocka_unit_test(ipv6_address_survives_a_new_ipv4_configuration),
        cmocka_unit_test(slots_stay_when_nics_come_and_go),
        cmocka_unit_test(nic_goes_to_another_vm_with_its_address),
        cmocka_unit_test(changes_that_azure_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
