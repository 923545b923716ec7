/* Load balancers: parts, addresses among those of NICs, slots, refusals in ARM's words. */
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
#include "vnetlab/layout.h"
#include "vnetlab/load.h"

#define VNETS                                                                                                \
    "vnets: {hub: {addressSpace: 10.0.0.0/16, subnets: {s: 10.0.0.0/24, t: 10.0.1.0/24}}, far: "             \
    "{addressSpace: "                                                                                        \
    "10.1.0.0/16, subnets: {s: 10.1.0.0/24}}}\n"
#define VMS "virtualMachines: {a: {subnet: hub/s}, b: {subnet: hub/s}, c: {subnet: far/s}}\n"

static void assert_addr(const struct vnl_addr *addr, const char *expected)
{
    char text[VNL_ADDR_STR];

    assert_string_equal(vnl_addr_format(addr, text), expected);
}

static void the_only_parts_need_no_names_in_a_rule(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        VNETS VMS "loadBalancers:\n"
                  "  ilb:\n"
                  "    frontendIPConfigurations: {fe: {subnet: hub/s}}\n"
                  "    backendAddressPools: {pool: [a, b/b-nic]}\n"
                  "    probes: {p: {protocol: Http, port: 8080, intervalInSeconds: 5, probeThreshold: 3}}\n"
                  "    loadBalancingRules:\n"
                  "      web: {frontendPort: 80, backendPort: 8080, loadDistribution: sourceip, "
                  "idleTimeoutInMinutes: 30}\n"
                  "      dns: {protocol: Udp, frontendPort: 53, backendPort: 53, enableFloatingIP: true}\n",
        NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_lb *lb = vnl_lb_lookup(again, "ilb");
    const struct vnl_lb_rule *web = lb->rules[0];

    (void)state;
    assert_int_equal(lb->sku, VNL_SKU_STANDARD);
    assert_ptr_equal(web->frontend, lb->frontends[0]);
    assert_ptr_equal(web->pool, lb->pools[0]);
    assert_ptr_equal(web->probe, lb->probes[0]);
    assert_int_equal(web->pool->n_nics, 2);
    assert_string_equal(web->probe->path, "/");
    assert_int_equal(web->probe->interval_s, 5);
    assert_int_equal(web->distribution, VNL_LOAD_SOURCE_IP);
    assert_int_equal(web->idle_timeout_min, 30);
    assert_true(lb->rules[1]->floating);
    assert_int_equal(web->slot, 0);
    assert_int_equal(lb->rules[1]->slot, 1);
    assert_addr(&lb->frontends[0]->addr, "10.0.0.6"); /* behind the NICs */
    assert_int_equal(lb->frontends[0]->subnet_prefix.len, 24);
}

static void address_and_slot_stay_while_the_rest_changes(void **state)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = settled_lab(VNETS VMS "loadBalancers: {ilb: {frontendIPConfigurations: {fe: "
                                                   "{subnet: hub/s}}, backendAddressPools: {p: [a]}, "
                                                   "loadBalancingRules: {one: {frontendPort: 1, backendPort: "
                                                   "1}, two: {frontendPort: 2, backendPort: 2}}}}\n",
                                         NULL);
    struct vnl_lab *after;

    (void)state;
    assert_true(
        asprintf(&text,
                 VNETS
                 "virtualMachines: {a: {subnet: hub/s}, b: {subnet: hub/s}, new: {subnet: hub/s}}\n"
                 "loadBalancers: {ilb: {frontendIPConfigurations: {first: {subnet: hub/s}, fe: {subnet: "
                 "hub/s}}, backendAddressPools: {p: [a, new]}, %s",
                 "loadBalancingRules: {two: {frontendIPConfiguration: fe, frontendPort: 2, backendPort: 2}, "
                 "three: {frontendIPConfiguration: fe, frontendPort: 3, backendPort: 3}}}}\n") > 0);
    after = settled_lab(text, before);
    assert_addr(&before->lbs[0]->frontends[0]->addr, "10.0.0.6");
    assert_addr(&after->lbs[0]->frontends[1]->addr, "10.0.0.6");
    assert_addr(vnl_nic_addr(after->vms[2]->nics[0], AF_INET), "10.0.0.7");
    assert_addr(&after->lbs[0]->frontends[0]->addr, "10.0.0.8");
    assert_int_equal(after->lbs[0]->rules[0]->slot, 1); /* two */
    assert_int_equal(after->lbs[0]->rules[1]->slot, 0); /* three has what `one` had */
    vnl_lab_free(&after);
}

static void set_changes_rules_and_probes(void **state)
{
    static const struct {
        const char *path, *value;
    } changes[] = {
        { "lbs.ilb.rules.r.frontendPort", "443" },
        { "lbs.ilb.rules.r.probe", "null" },
        { "lbs.ilb.rules.r.enableFloatingIP", "true" },
        { "lbs.ilb.probes.p.protocol", "Http" },
        { "lbs.ilb.probes.p.intervalInSeconds", "30" },
        { "lbs.ilb.frontends.fe.privateIPAddress", "10.0.0.99" },
        { "lbs.ilb.rules.r.idleTimeoutInMinutes", "9" },
        { "vms.a.bandwidth", "1.5Mbps" },
    };
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = settled_lab(
        VNETS VMS
        "loadBalancers: {ilb: {frontendIPConfigurations: {fe: {subnet: hub/s}}, backendAddressPools: {x: "
        "[a]}, "
        "probes: {p: {port: 80}}, loadBalancingRules: {r: {probe: p, frontendPort: 80, backendPort: 80}}}}\n",
        NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = stored_lab(before);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
        assert_int_equal(vnl_lab_set(lab, changes[i].path, changes[i].value, NULL), 0);
    assert_int_equal(vnl_lab_resolve(lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, before, NULL), 0);
    assert_int_equal(lab->lbs[0]->rules[0]->frontend_port, 443);
    assert_int_equal(lab->lbs[0]->rules[0]->idle_timeout_min, 9);
    assert_true(lab->lbs[0]->rules[0]->floating);
    assert_null(lab->lbs[0]->rules[0]->probe_ref);
    assert_string_equal(lab->lbs[0]->probes[0]->path, "/");
    assert_int_equal(lab->lbs[0]->probes[0]->interval_s, 30);
    assert_addr(&lab->lbs[0]->frontends[0]->addr, "10.0.0.99");
    assert_int_equal(lab->vms[0]->bandwidth_bps, 1500000);
}

static void a_frontend_uses_its_subnet(void **state)
{
    static const char lb[] = "loadBalancers: {ilb: {frontendIPConfigurations: {fe: {subnet: hub/s}}}}\n";
    CLEANUP(vnl_str_free) char *first = NULL;
    CLEANUP(vnl_str_free) char *second = NULL;
    struct vnl_lab *before;

    (void)state;
    assert_true(
        asprintf(&first, "vnets: {hub: {addressSpace: 10.0.0.0/16, subnets: {s: 10.0.0.0/24}}}\n%s", lb) > 0);
    assert_true(asprintf(&second, "vnets: {hub: {addressSpace: 10.0.0.0/16, subnets: {s: 10.0.1.0/24}}}\n%s",
                         lb) > 0);
    before = settled_lab(first, NULL);
    assert_refused_lab(
        second, before,
        "InUseSubnetCannotBeUpdated 1:52 Subnet 'hub/s' is in use by ilb/fe and cannot be updated | remove "
        "the VMs first and add them again behind the change, or add a subnet with another range\n");
    vnl_lab_free(&before);
}

/* Line 3; `rest` follows a balancer with one frontend and one pool. */
#define LB(rest)                                                                                             \
    "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: hub/s}}, backendAddressPools: {pool: "     \
    "[a]}, " rest "}}\n"
#define RULES(rest) LB("loadBalancingRules: {" rest "}")

static void mistakes_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: hub/s}}, backendAddressPools: {p: "
          "[a, b, "
          "a/a-nic]}}}\n",
          "BadRequest 3:103 Network interface 'a-nic' is in backend address pool 'lb/p' twice | name it "
          "once\n" },
        { "loadBalancers: {lb: {frontendIPConfigurations: {fe: {publicIPAddress: p}}}}\n",
          "InvalidRequestContent 3:54 'publicIPAddress' is not supported yet: a load balancer here is an "
          "internal one\n" },
        { "loadBalancers: {lb: {backendAddressPools: {p: [a]}}}\n",
          "LoadBalancerWithoutFrontendIPCantHaveChildResources 3:17 Load balancer 'lb' has no frontend IP "
          "configuration | "
          "write 'frontendIPConfigurations: {fe: {subnet: VNET/SUBNET}}'\n" },
        { "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: hub/x}}}}\n",
          "InvalidResourceReference 3:62 Subnet 'hub/x' referenced by load balancer 'lb' was not found | did "
          "you mean "
          "'hub/s'?\n" },
        { "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: s}}}}\n",
          "InvalidResourceReference 3:62 2 subnets are called 's' | write VNET/SUBNET\n" },
        { "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: hub/s, privateIPAddress: "
          "10.0.1.9}}}}\n",
          "PrivateIPAddressNotInSubnet 3:87 Private static IP address 10.0.1.9 does not belong to the range "
          "of subnet "
          "prefix 10.0.0.0/24 of subnet 's'\n" },
        { "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: hub/s, privateIPAddress: "
          "10.0.0.3}}}}\n",
          "PrivateIPAddressInReservedRange 3:87 Private static IP address 10.0.0.3 falls within reserved IP "
          "range of "
          "subnet prefix 10.0.0.0/24 | Azure keeps the first four addresses and the last one\n" },
        { "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: hub/s, privateIPAddress: 10.0.0.9}, "
          "ef: {subnet: "
          "hub/s, privateIPAddress: 10.0.0.9}}}}\n",
          "PrivateIPAddressIsAllocated 3:136 IP configuration 'lb/ef' is using the private IP address "
          "10.0.0.9 which is "
          "already allocated to resource 'lb/fe'\n" },
        { "loadBalancers: {lb: {location: westus, frontendIPConfigurations: {fe: {subnet: hub/s}}}}\n",
          "InvalidResourceReference 3:80 Virtual network 'hub' referenced by load balancer 'lb' was not "
          "found in westus: it "
          "is in eastus, and both must be in the same region | write 'location: westus' for it, or use "
          "another one there\n" },
        { "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: hub/s}, ef: {subnet: far/s}}}}\n",
          "BadRequest 3:83 Frontends of load balancer 'lb' are in virtual networks 'hub' and 'far': all must "
          "be in one | "
          "make a load balancer for each VNet\n" },
        { "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: hub/s}}, backendAddressPools: {pool: "
          "[a, c]}}}\n",
          "BadRequest 3:103 Network interface 'c-nic' is in virtual network 'far' and cannot be in backend "
          "address pool "
          "'lb/pool', which is in 'hub'\n" },
        { "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: hub/s}}, backendAddressPools: {pool: "
          "[web]}}}\n",
          "InvalidResourceReference 3:100 The network interface 'web' referenced by backend address pool "
          "'lb/pool' was not "
          "found | a VM's name, or VM/NIC\n" },
        { RULES("r: {}"),
          "BadRequest 3:126 Load balancing rule 'lb/r' needs a frontend port and a backend port from 1 to "
          "65535 | only a rule with 'protocol: All' has the ports 0\n" },
        { RULES("r: {protocol: All, frontendPort: 80}"),
          "BadRequest 3:126 Load balancing rule 'lb/r' is for all protocols, so both its ports must be 0 | "
          "write "
          "'frontendPort: 0, backendPort: 0', or leave both out\n" },
        { LB("sku: Basic, loadBalancingRules: {r: {protocol: All}}"),
          "BadRequest 3:138 Load balancing rule 'lb/r' is for all protocols (HA ports), and load balancer "
          "'lb' is Basic | "
          "write 'sku: Standard'\n" },
        { RULES("r: {frontendIPConfiguration: ef, frontendPort: 1, backendPort: 1}"),
          "InvalidResourceReference 3:155 The frontend IP configuration 'ef' referenced by load balancing "
          "rule 'lb/r' was "
          "not found\n" },
        { RULES("r: {probe: p, frontendPort: 1, backendPort: 1}"),
          "InvalidResourceReference 3:137 The probe 'p' referenced by load balancing rule 'lb/r' was not "
          "found\n" },
        { "loadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: hub/s}}, backendAddressPools: {x: "
          "[a], y: [b]}, "
          "loadBalancingRules: {r: {frontendPort: 1, backendPort: 1}}}}\n",
          "InvalidRequestFormat 3:131 Load balancing rule 'lb/r' names no backend address pool, and the load "
          "balancer has 2 "
          "| write 'backendAddressPool: NAME', one of x, y\n" },
        { RULES("r: {frontendPort: 80, backendPort: 80}, q: {frontendPort: 80, backendPort: 81}"),
          "RulesUseSameFrontendPortProtocolAndIPConfig 3:166 Load balancing rules r and q of load balancer "
          "'lb' use the same "
          "protocol Tcp and frontend port 80, and must not be used with the same frontend IP configuration "
          "fe\n" },
        { RULES("r: {frontendPort: 80, backendPort: 80}, q: {frontendPort: 81, backendPort: 80}"),
          "RulesUseSameBackendPortProtocolAndPool 3:166 Load balancing rules r and q with floating IP "
          "disabled use the same "
          "protocol Tcp and backend port 80, and must not be used with the same backend address pool pool | "
          "use another "
          "backend port, or 'enableFloatingIP: true'\n" },
        { LB("probes: {p: {port: 0}}"),
          "InvalidRequestContent 3:124 'port' must be a number from 1 to 65535, not '0'\n" },
        { LB("probes: {p: {}}"), "- 3:114 'p' has no 'port' | write 'port: 80'\n" },
        { LB("probes: {p: {port: 80, requestPath: /x}}"),
          "InvalidRequestContent 3:117 'requestPath' goes with 'protocol: Http' only | write 'protocol: "
          "Http'\n" },
        { "loadBalancers: {lb: {sku: Basic, frontendIPConfigurations: {fe: {subnet: hub/s}}, "
          "backendAddressPools: {x: "
          "[a]}}, bl: {frontendIPConfigurations: {fe: {subnet: hub/s}}, backendAddressPools: {x: [a]}}}\n",
          "DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed 3:191 Different basic sku and standard sku "
          "load balancer or "
          "public Ip resources at network interface 'a-nic' is not allowed: load balancer 'bl' is Standard, "
          "load balancer "
          "'lb' is Basic | write 'sku: Standard' for both\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_str_free) char *text = NULL;

        assert_true(asprintf(&text, VNETS VMS "%s", cases[i].text) > 0);
        assert_refused_lab(text, NULL, cases[i].expected);
    }
}

static void a_rule_has_at_most_64_backends(void **state)
{
    char vms[4096], pool[1024], text[8192];
    size_t n = 0, m = 0;

    (void)state;
    assert_int_equal(VNL_LB_BACKENDS_MAX, VNL_BACKENDS_MAX);
    assert_int_equal(VNL_LB_RULES_MAX, VNL_HEALTH_SLOTS);
    for (int i = 0; i < 65; i++) {
        n += (size_t)snprintf(vms + n, sizeof(vms) - n, "m%d: {subnet: hub/s}, ", i);
        m += (size_t)snprintf(pool + m, sizeof(pool) - m, "m%d, ", i);
    }
    (void)snprintf(
        text, sizeof(text),
        VNETS "virtualMachines: {%s}\nloadBalancers: {lb: {frontendIPConfigurations: {fe: {subnet: hub/t}}, "
              "backendAddressPools: {x: [%s]}, loadBalancingRules: {r: {protocol: All}}}}\n",
        vms, pool);
    assert_refused_lab(
        text, NULL,
        "BadRequest 3:437 Load balancing rule 'lb/r' has 65 backends; at most 64 are possible | vnetlab's "
        "limit; Azure's is higher\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_only_parts_need_no_names_in_a_rule),
        cmocka_unit_test(address_and_slot_stay_while_the_rest_changes),
        cmocka_unit_test(set_changes_rules_and_probes),
        cmocka_unit_test(a_frontend_uses_its_subnet),
        cmocka_unit_test(mistakes_are_refused_with_a_sentence),
        cmocka_unit_test(a_rule_has_at_most_64_backends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
