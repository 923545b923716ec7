/* The lab file: every refusal with place, words and nearest spelling, and no message that only follows from
 * another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/load.h"

static char *mistakes_of(const char *text)
{
    struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);

    assert_non_null(out);
    assert_int_equal(vnl_lab_load_text("f.yaml", text, strlen(text), &lab, &err), -EINVAL);
    assert_null(lab);
    vnl_err_print(out, err);
    (void)fclose(out);
    return printed;
}

static void assert_mistakes(const char *text, const char *expected)
{
    CLEANUP(vnl_str_free) char *printed = mistakes_of(text);

    assert_string_equal(printed, expected);
}

static const struct {
    const char *text, *expected;
} refusals[] = {
    /* keys */
    { "vnet: {}\n", "vnetlab: f.yaml:1:1: InvalidRequestContent: unknown key 'vnet' in the lab file\n"
                    "  hint: did you mean 'vnets'?\n" },
    { "zzz: {}\n", "vnetlab: f.yaml:1:1: InvalidRequestContent: unknown key 'zzz' in the lab file\n" },
    { "vnets:\n  vnet-1:\n    adressSpace: [10.0.0.0/16]\n    subnets: {a: 10.0.0.0/24}\n",
      "vnetlab: f.yaml:3:5: InvalidRequestContent: virtualNetworks/vnet-1: unknown key 'adressSpace' in a "
      "VNet\n"
      "  hint: did you mean 'addressSpace'?\n" },
    { "vnets: {vnet-1: {ADDRESSSPACE: 10.0.0.0/16}}\n",
      "vnetlab: f.yaml:1:18: InvalidRequestContent: virtualNetworks/vnet-1: unknown key 'ADDRESSSPACE' in a "
      "VNet\n"
      "  hint: did you mean 'addressSpace'?\n" },
    { "routeServers: {}\nbastionHosts: {}\n",
      "vnetlab: f.yaml:1:1: InvalidRequestContent: 'routeServers' is not supported yet\n"
      "vnetlab: f.yaml:2:1: InvalidRequestContent: 'bastionHosts' is not supported yet\n" },
    { "virtualNetworks: {}\n",
      "vnetlab: f.yaml:1:1: InvalidRequestContent: 'virtualNetworks' has a shorter name here\n"
      "  hint: use 'vnets'\n" },
    { "vnets: {vnet-1: {addressSpace: 10.0.0.0/16, subnets: {a: {addressPrefix: 10.0.0.0/24, delegations: "
      "rt}}}}\n",
      "vnetlab: f.yaml:1:87: InvalidRequestContent: virtualNetworks/vnet-1/subnets/a: 'delegations' is not "
      "supported yet\n" },
    { "vnets: {v1: {addressSpace: 10.0.0.0/16}, v2: {addressSpace: 10.1.0.0/16, peerings: {p: "
      "{remoteVirtualNetwork: v1, "
      "peeringState: Connected}}}}\n",
      "vnetlab: f.yaml:1:115: InvalidRequestContent: virtualNetworks/v2/virtualNetworkPeerings/p: "
      "'peeringState' is set by "
      "Azure and cannot be written\n" },
    { "a: 1\nname: x\nname: y\n",
      "vnetlab: f.yaml:1:1: InvalidRequestContent: unknown key 'a' in the lab file\n"
      "vnetlab: f.yaml:3:1: key 'name' is written twice, first at 2:1\n" },
    /* types */
    { "- a\n",
      "vnetlab: f.yaml:1:1: a lab file is a map of sections, not a list\n  hint: such as 'vnets:'\n" },
    { "vnets: [a]\n", "vnetlab: f.yaml:1:8: InvalidRequestContent: 'vnets' must be a map, not a list\n" },
    { "vnets: {v1: 10.0.0.0/16}\n",
      "vnetlab: f.yaml:1:13: InvalidRequestContent: 'v1' must be a map, not '10.0.0.0/16'\n" },
    { "vnets: {v1: {addressSpace: {a: b}}}\n",
      "vnetlab: f.yaml:1:28: InvalidRequestContent: virtualNetworks/v1: 'addressSpace' must be a prefix or a "
      "list of prefixes, "
      "not a map\n" },
    { "vnets: {v1: {addressSpace: [10.0.0.0/16, ]}, v2: {addressSpace: [~]}}\n",
      "vnetlab: f.yaml:1:66: InvalidRequestContent: virtualNetworks/v2: 'addressSpace' must be a prefix such "
      "as 10.0.0.0/16, "
      "not an empty value\n" },
    { "expect: {a: b}\n",
      "vnetlab: f.yaml:1:9: InvalidRequestContent: 'expect' must be a list, not a map\n" },
    { "semantics: {peeringAccess: both}\n", "vnetlab: f.yaml:1:28: InvalidRequestContent: 'peeringAccess' "
                                            "must be documented or tag-only, not 'both'\n" },
    { "vnets: {v1: {addressSpace: 10.0.0.0/16, flowTimeoutInMinutes: 3}}\n",
      "vnetlab: f.yaml:1:63: InvalidRequestContent: virtualNetworks/v1: 'flowTimeoutInMinutes' must be a "
      "number from 4 to 30, "
      "not '3'\n" },
    /* prefixes */
    { "vnets:\n  v1:\n    addressSpace:\n      - 10.0.0.0/16\n    subnets:\n      a: 10.0.1.0/24\n      b: "
      "10.0.3.5/24\n",
      "vnetlab: f.yaml:7:10: InvalidCIDRNotation: virtualNetworks/v1/subnets/b: prefix '10.0.3.5/24' has "
      "host bits set\n"
      "  hint: use 10.0.3.0/24\n" },
    { "vnets: {v1: {addressSpace: [10.0.0.0]}}\n",
      "vnetlab: f.yaml:1:29: virtualNetworks/v1: prefix '10.0.0.0' has no length\n"
      "  hint: a single address is 10.0.0.0/32\n" },
    { "vnets: {v1: {subnets: {a: 10.0.0.0/24}}}\n", "vnetlab: f.yaml:1:9: 'v1' has no 'addressSpace'\n"
                                                    "  hint: write 'addressSpace: [10.0.0.0/16]'\n" },
    { "vnets: {v1: {addressSpace: 10.0.0.0/16, subnets: {a: }}}\n",
      "vnetlab: f.yaml:1:51: 'a' has no 'addressPrefix'\n  hint: write 'NAME: 10.0.0.0/24'\n" },
    { "vnets: {v1: {addressSpace: 10.0.0.0/16, subnets: {a: {addressPrefix: 10.0.0.0/24, addressPrefixes: "
      "[10.0.1.0/24]}}}}\n",
      "vnetlab: f.yaml:1:83: virtualNetworks/v1/subnets/a: 'addressPrefix' and 'addressPrefixes' exclude "
      "each other\n"
      "  hint: list all prefixes in 'addressPrefixes'\n" },
    { "vnets: {v1: {addressSpace: 10.0.0.0/16, subnets: {a: {addressPrefix: [10.0.0.0/24]}}}}\n",
      "vnetlab: f.yaml:1:70: InvalidRequestContent: virtualNetworks/v1/subnets/a: 'addressPrefix' must be a "
      "prefix, not a list\n"
      "  hint: use 'addressPrefixes'\n" },
    /* peerings */
    { "vnets: {v1: {addressSpace: 10.0.0.0/16, peerings: {p: {}}}}\n",
      "vnetlab: f.yaml:1:52: 'p' has no 'remoteVirtualNetwork'\n  hint: write '{remoteVirtualNetwork: "
      "NAME}'\n" },
    { "vnets: {v1: {addressSpace: 10.0.0.0/16, peerings: {p: {remoteVirtualNetwork: v2, useRemoteGateways: "
      "yes}}},\n"
      "  v2: {addressSpace: 10.1.0.0/16}}\n",
      "vnetlab: f.yaml:1:101: InvalidRequestContent: virtualNetworks/v1/virtualNetworkPeerings/p: "
      "'useRemoteGateways' must be "
      "true or false, not 'yes'\n" },
    { "vnets: {v1: {addressSpace: 10.0.0.0/16, peerings: {p: {remoteVirtualNetwork: v2, useRemoteGateways: "
      "'true'}}},\n"
      "  v2: {addressSpace: 10.1.0.0/16}}\n",
      "vnetlab: f.yaml:1:101: InvalidRequestContent: virtualNetworks/v1/virtualNetworkPeerings/p: "
      "'useRemoteGateways' must be "
      "true or false, not 'true'\n" },
    /* virtual machines */
    { "virtualMachines: {vm-1: {}}\n",
      "vnetlab: f.yaml:1:19: 'vm-1' has no 'subnet'\n  hint: write '{subnet: VNET/SUBNET}'\n" },
    { "virtualMachines: {vm-1: {subnt: a/b}}\n",
      "vnetlab: f.yaml:1:26: InvalidRequestContent: virtualMachines/vm-1: unknown key 'subnt' in a virtual "
      "machine\n"
      "  hint: did you mean 'subnet'?\n" },
    { "vnets: {v1: {addressSpace: 10.0.0.0/16, subnets: {a: 10.0.0.0/24}}}\n"
      "virtualMachines: {vm-1: {subnet: v1/a, privateIPAddress: 10.0.0.256}, vm-2: {subnet: v1/a, "
      "privateIPAddress: [10.0.0.9, "
      "10.0.0.10]}}\n",
      "vnetlab: f.yaml:2:58: InvalidRequestContent: virtualMachines/vm-1: 'privateIPAddress' must be an IP "
      "address such as "
      "10.0.0.4, not '10.0.0.256'\n"
      "vnetlab: f.yaml:2:121: virtualMachines/vm-2: 'privateIPAddress' takes one IPv4 and one IPv6 "
      "address\n"
      "  hint: name the others in 'ipConfigurations'\n" },
    { "vnets: {v1: {addressSpace: 10.0.0.0/16, subnets: {a: 10.0.0.0/24}}}\n"
      "virtualMachines: {vm-1: {subnet: v1/a, dnsServers: [10.0.0.9], tags: {a: b}}}\n",
      "vnetlab: f.yaml:2:40: InvalidRequestContent: virtualMachines/vm-1: 'dnsServers' is not supported yet\n"
      "vnetlab: f.yaml:2:64: InvalidRequestContent: virtualMachines/vm-1: 'tags' is not supported yet\n" },
    /* names */
    { "name: My Lab\n",
      "vnetlab: f.yaml:1:7: lab name 'My Lab' is not 1 to 40 of a-z, 0-9 and '-', without '-' in front\n"
      "  hint: such as 'my-lab'\n" },
    { "name: -x\n",
      "vnetlab: f.yaml:1:7: lab name '-x' is not 1 to 40 of a-z, 0-9 and '-', without '-' in front\n"
      "  hint: such as 'x'\n" },
    { "name: [x]\n", "vnetlab: f.yaml:1:7: InvalidRequestContent: 'name' must be a lab name, not a list\n" },
};

static void mistakes_say_where_what_and_the_nearest_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        assert_mistakes(refusals[i].text, refusals[i].expected);
}

/* Each with the two VMs and the addresses that it talks about. */
static void expectations_are_refused_one_mistake_each(void **state)
{
    static const char world[] = "vnets: {v1: {addressSpace: 10.0.0.0/16, subnets: {a: 10.0.0.0/24}}}\n"
                                "virtualMachines: {x: {subnet: v1/a}, y: {subnet: v1/a}}\n"
                                "expect:\n"
                                "- ";
    static const struct {
        const char *entry, *expected;
    } cases[] = {
        { "{from: x, to: y}", "4:3: exactly one of 'icmp', 'tcp' and 'udp' is needed\n"
                              "  hint: write 'icmp: pass', or 'tcp: 80, result: pass'\n" },
        { "{from: x, to: y, icmp: pass, tcp: 80}",
          "4:3: exactly one of 'icmp', 'tcp' and 'udp' is needed\n"
          "  hint: write 'icmp: pass', or 'tcp: 80, result: pass'\n" },
        { "{from: x, to: y, tcp: 80}",
          "4:3: 'result' is missing\n  hint: add 'result: pass' or 'result: drop'\n" },
        { "{from: x, to: y, icmp: true}",
          "4:3: 'result' is missing\n  hint: add 'result: pass' or 'result: drop'\n" },
        { "{from: x, to: y, icmp: drop, result: drop}", "4:32: 'icmp' says the result, and 'result' too\n"
                                                        "  hint: leave one of them out\n" },
        { "{from: x, to: y, result: drop, icmp: drop}", "4:34: 'result' says the result, and 'icmp' too\n"
                                                        "  hint: leave one of them out\n" },
        { "{from: x, to: y, tcp: 0, result: pass}",
          "4:25: InvalidRequestContent: 'tcp' must be a number from 1 to 65535, not '0'\n" },
        { "{from: x, to: y, tcp: 65536, result: pass}",
          "4:25: InvalidRequestContent: 'tcp' must be a number from 1 to 65535, not '65536'\n" },
        { "{from: x, to: y, udp: '53', result: pass}",
          "4:25: InvalidRequestContent: 'udp' must be a number from 1 to 65535, not '53'\n" },
        { "{from: x, to: y, udp: 99999999999999999999999, result: pass}",
          "4:25: InvalidRequestContent: 'udp' must be a number from 1 to 65535, not "
          "'99999999999999999999999'\n" },
        { "{from: x, to: y, icmp: maybe}",
          "4:26: InvalidRequestContent: 'icmp' must be true, pass or drop, not 'maybe'\n" },
        { "{from: x, to: y, icmp: drop, reason: NoRoutes}", "4:40: 'NoRoutes' is not a drop reason\n"
                                                            "  hint: did you mean 'NoRoute'?\n" },
        { "{from: x, to: y, icmp: drop, reason: None}", "4:40: 'None' is not a drop reason\n" },
        { "{from: x, to: y, icmp: pass, reason: NoRoute}", "4:3: 'reason' goes with 'drop' only\n" },
        { "{from: x, to: y, icmp: drop, ttl: 64}",
          "4:3: 'ttl' goes with 'pass' only: a dropped packet has no answer\n" },
        { "{from: x, to: 127.0.0.1, icmp: pass}",
          "4:17: 'to' is a loopback address: an expectation is about what the network does with a packet\n"
          "  hint: name a VM, or an address of the network\n" },
        { "{from: x, to: '::1', icmp: pass}",
          "4:17: 'to' is a loopback address: an expectation is about what the network does with a packet\n"
          "  hint: name a VM, or an address of the network\n" },
        { "{from: x, to: 0.0.0.0, tcp: 80, result: drop}",
          "4:17: 'to' is an unspecified address: an expectation is about what the network does with a "
          "packet\n"
          "  hint: name a VM, or an address of the network\n" },
        { "{from: x, to: 224.0.0.251, udp: 5353, result: drop}",
          "4:17: 'to' is a multicast address: an expectation is about what the network does with a packet\n"
          "  hint: name a VM, or an address of the network\n" },
        { "{from: x, icmp: pass}", "4:3: 'to' is missing\n  hint: write '{from: VM, to: VM, icmp: pass}'\n" },
        { "{error: SubnetIsFull, to: y}",
          "4:25: InvalidRequestContent: unknown key 'to' in an expected refusal\n" },
        { "x", "4:3: InvalidRequestContent: 'expect' must be a list of maps, not 'x'\n" },
        { "{from: x, to: y, icmp: pass, resul: pass}",
          "4:32: InvalidRequestContent: unknown key 'resul' in an expectation\n"
          "  hint: did you mean 'result'?\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[512], expected[512];

        (void)snprintf(text, sizeof(text), "%s%s\n", world, cases[i].entry);
        (void)snprintf(expected, sizeof(expected), "vnetlab: f.yaml:%s", cases[i].expected);
        assert_mistakes(text, expected);
    }
}

static size_t count_lines(const char *text, const char *with)
{
    size_t n = 0;

    for (const char *at = strstr(text, with); at; at = strstr(at + 1, with))
        n++;
    return n;
}

static void two_unrelated_mistakes_give_two_messages_in_file_order(void **state)
{
    CLEANUP(vnl_str_free)
    char *text = mistakes_of("virtualMachines:\n"
                             "  vm-1: {subnet: v1/nowhere}\n" /* seen by resolve */
                             "vnets:\n"
                             "  v1: {addressSpace: 10.0.0.0/16, subnets: {a: 10.0.0.0/24}}\n"
                             "  v2: {addressSpace: 10.1.0.0/99}\n"); /* seen by reading */

    (void)state;
    assert_int_equal(count_lines(text, "vnetlab: "), 2);
    assert_non_null(strstr(text, "vnetlab: f.yaml:2:18: "));
    assert_non_null(
        strstr(text, "vnetlab: f.yaml:5:22: virtualNetworks/v2: prefix '10.1.0.0/99': the length must be"));
    assert_true(strstr(text, ":2:18:") < strstr(text, ":5:22:"));
}

static void one_mistake_is_not_followed_by_its_consequences(void **state)
{
    static const char *const texts[] = {
        /* a prefix that could not be read; subnets, VMs, peerings and expectations build on it */
        "vnets:\n"
        "  v1: {addressSpace: 10.0.0.0/99, subnets: {a: 10.0.0.0/24}, peerings: {p: {remoteVirtualNetwork: "
        "v2}}}\n"
        "  v2: {addressSpace: 10.0.0.0/16, peerings: {p: {remoteVirtualNetwork: v1}}}\n"
        "virtualMachines: {x: {subnet: v1/a, privateIPAddress: 10.0.0.4}, y: {subnet: v1/a, "
        "privateIPAddress: 10.0.0.5}}\n"
        "expect: [{from: x, to: y, icmp: pass}]\n",
        /* a misspelled key that takes the subnets away */
        "vnets: {v1: {addressSpace: 10.0.0.0/16, subnet: {a: 10.0.0.0/24}}}\n"
        "virtualMachines: {x: {subnet: v1/a}, y: {subnet: a}}\n",
        /* a whole section */
        "vnet: {v1: {addressSpace: 10.0.0.0/16, subnets: {a: 10.0.0.0/24}}}\n"
        "virtualMachines: {x: {subnet: v1/a}, y: {subnet: a}}\n"
        "expect: [{from: x, to: z, icmp: pass}]\n",
        /* the same VNet twice */
        "vnets: {v1: {addressSpace: 10.0.0.0/16, subnets: {a: 10.0.0.0/24}}, V1: {addressSpace: "
        "10.0.0.0/16}}\n"
        "virtualMachines: {x: {subnet: v1/a}}\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        CLEANUP(vnl_str_free) char *printed = mistakes_of(texts[i]);

        if (count_lines(printed, "vnetlab: ") != 1)
            fail_msg("%s", printed);
    }
}

static void mistakes_are_collected_also_when_nobody_wants_them(void **state)
{
    struct vnl_lab *lab = NULL;

    (void)state;
    assert_int_equal(vnl_lab_load_text("f", "a: 1\na: 2\nvnets: 7\n", 18, &lab, NULL), -EINVAL);
    assert_int_equal(vnl_lab_load_text("f", "[", 1, &lab, NULL), -EINVAL);
    assert_null(lab);
}

/* `: > lab.yaml; vnetlab up lab.yaml` must not delete the lab. */
static void file_without_resources_is_refused(void **state)
{
    static const char *const texts[] = { "",           "# nothing\n",  "\n\n---\n",
                                         "null\n",     "{}\n",         "name: x\nlocation: westus\n",
                                         "vnets:\n",   "expect: []\n", "internet: {}\n",
                                         "internet:\n" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_mistakes(texts[i], "vnetlab: f.yaml:1:1: the lab file has no resources, such as 'vnets' or "
                                  "'virtualMachines'\n"
                                  "  hint: 'vnets: {}' says it on purpose; 'vnetlab down' deletes a lab\n");
}

/* What is about the duplicate's own range is left out; everything else in the same VNet is said. */
static void one_mistake_does_not_hide_unrelated_ones(void **state)
{
    CLEANUP(vnl_str_free)
    char *twice = mistakes_of("vnets:\n"
                              "  aa: {addressSpace: 10.0.0.0/16, subnets: {s: 10.0.0.0/30},\n"
                              "       peerings: {p: {remoteVirtualNetwork: bb, useRemoteGateways: true}}}\n"
                              "  bb:\n"
                              "    addressSpace: 10.1.0.0/16\n"
                              "    subnets: {s: 10.1.0.0/24, S: 10.1.0.0/24, far: 10.9.0.0/24}\n"
                              "    peerings: {p: {remoteVirtualNetwork: nowhere}}\n"
                              "virtualMachines:\n"
                              "  x: {subnet: bb/s, privateIPAddress: 10.1.0.1}\n"
                              "  y: {subnet: bb/t}\n"
                              "  z: {subnet: s}\n"
                              "expect: [{from: x, to: nobody, icmp: pass}]\n");
    CLEANUP(vnl_str_free)
    char *name =
        mistakes_of("vnets: {bb: {addressSpace: 10.1.0.0/16, subnets: {s!: 10.1.0.0/24, t: 10.1.0.0/24}}}\n"
                    "virtualMachines: {x: {subnet: bb/s!, privateIPAddress: 10.1.0.1}}\n");
    CLEANUP(vnl_str_free)
    char *prefix =
        mistakes_of("vnets:\n"
                    "  aa: {addressSpace: 10.0.0.0/16, subnets: {s: 10.9.0.0/24},\n"
                    "       peerings: {p: {remoteVirtualNetwork: bb, useRemoteGateways: true}}}\n"
                    "  bb: {addressSpace: 10.1.0.0/99, subnets: {s: 10.1.0.0/24, t: 10.1.1.0/30}}\n"
                    "  cc: {addressSpace: 10.2.0.0/16, subnets: {s: 10.2.0.9/24, t: 10.2.1.0/24}}\n"
                    "virtualMachines:\n"
                    "  x: {subnet: bb/s, privateIPAddress: 10.1.0.1}\n"
                    "  y: {subnet: cc/s, privateIPAddress: 10.2.0.1}\n"
                    "  z: {subnet: cc/t, privateIPAddress: 10.2.1.1}\n");
    static const char *const said[] = { ":2:45: ", ":3:19: ",  ":6:31: ",  ":6:47: ", ":7:42: ",
                                        ":9:39: ", ":10:15: ", ":11:15: ", ":12:10: " };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
        if (count_lines(twice, said[i]) < 1)
            fail_msg("%s: %s", said[i], twice);
    }
    if (count_lines(twice, "vnetlab: ") != 9)
        fail_msg("%s", twice);
    if (count_lines(name, "vnetlab: ") != 3 || !strstr(name, "InReservedRange") ||
        !strstr(name, "RangesOverlap"))
        fail_msg("%s", name);
    if (count_lines(prefix, "vnetlab: ") != 7 || count_lines(prefix, "InReservedRange") != 2)
        fail_msg("%s", prefix);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_say_where_what_and_the_nearest_spelling),
        cmocka_unit_test(expectations_are_refused_one_mistake_each),
        cmocka_unit_test(two_unrelated_mistakes_give_two_messages_in_file_order),
        cmocka_unit_test(one_mistake_is_not_followed_by_its_consequences),
        cmocka_unit_test(file_without_resources_is_refused),
        cmocka_unit_test(one_mistake_does_not_hide_unrelated_ones),
        cmocka_unit_test(mistakes_are_collected_also_when_nobody_wants_them),
    };

    return cmocka_run_group_tests_name("lab file refusals", tests, NULL, NULL);
}
