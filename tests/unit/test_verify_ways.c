/* The whole way of a packet: through appliances, load balancers, NAT and public IPs, and back. The given / then rows of spec 4.10, 6.2, 6.3
 * and of the tables behind sections 4 and 6 that a plan can answer, and the change that each blocker asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "../harness/asks.h"
#include "../harness/plans.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"

/* --- spec 4.10 -------------------------------------------------------------------------------------- */

#define UDR(name, prefix, hop)                                                                               \
    name ": {addressPrefix: " prefix ", nextHopType: VirtualAppliance, nextHopIpAddress: " hop "}"
#define RT1 UDR("to-s2", "10.2.0.0/16", "10.0.1.4")
#define RT2 UDR("to-s1", "10.1.0.0/16", "10.0.1.4")
#define NSG ", networkSecurityGroup: empty"
#define NVA "nva: {subnet: hub/nva, privateIPAddress: 10.0.1.4, enableIPForwarding: true, ipForward: true}"

/* rt1, rt2: routes of the spokes; nsg: of the spokes' subnets; forwarded: s2's flag; nva: the appliance; hub: rest of its subnet. */
#define HUB(rt1, rt2, nsg, forwarded, nva, hub, semantics)                                                   \
    "location: eastus\n" semantics "vnets:\n"                                                                \
    "  hub: {addressSpace: [10.0.0.0/16], subnets: {nva: {addressPrefix: 10.0.1.0/24" hub                    \
    "}, vms: 10.0.2.0/24},\n"                                                                                \
    "        peerings: {hub-to-s1: {remoteVirtualNetwork: s1, allowForwardedTraffic: true},\n"               \
    "                   hub-to-s2: {remoteVirtualNetwork: s2, allowForwardedTraffic: true}}}\n"              \
    "  s1: {addressSpace: [10.1.0.0/16], subnets: {default: {addressPrefix: 10.1.0.0/24, routeTable: "       \
    "rt1" nsg "}},\n"                                                                                        \
    "       peerings: {s1-to-hub: {remoteVirtualNetwork: hub, allowForwardedTraffic: true}}}\n"              \
    "  s2: {addressSpace: [10.2.0.0/16], subnets: {default: {addressPrefix: 10.2.0.0/24, routeTable: "       \
    "rt2" nsg "}},\n"                                                                                        \
    "       peerings: {s2-to-hub: {remoteVirtualNetwork: hub, allowForwardedTraffic: " forwarded "}}}\n"     \
    "routeTables: {rt1: {routes: {" rt1 "}}, rt2: {routes: {" rt2 "}}, rt-hub: {routes: {" UDR(              \
        "all", "0.0.0.0/0", "10.0.1.4") "}}}\n"                                                              \
                                        "networkSecurityGroups: {empty: {}, open: {securityRules: {in: "     \
                                        "{priority: 100, direction: Inbound, "                               \
                                        "access: Allow}}}}\n"                                                \
                                        "virtualMachines: {vm1: {subnet: s1/default}, vm2: {subnet: "        \
                                        "s2/default}, jump: {subnet: hub/vms}, " nva "}\n"
#define GOOD HUB(RT1, RT2, NSG, "true", NVA, "", "")

static void appliance_is_a_hop_each_way(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(GOOD);
    struct vnl_flow_query query = query_of(plan, "vm1", "vm2", IPPROTO_TCP, 80);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, &query);
    CLEANUP(vnl_str_free) char *steps = steps_of(plan, &query);

    (void)state;
    assert_verdict(plan, &query, "allowed");
    assert_int_equal(verify->hops, 1); /* ttl=63 */
    assert_int_equal(verify->back_hops, 1);
    assert_true(
        vnl_addr_eq(&verify->seen_src, &plan->nics[query.nic].addrs[0].addr)); /* the source is kept */
    assert_int_equal(verify->seen_port, 80);
    assert_string_equal(
        steps, "outbound, NIC at vm1: no NSG\n"
               "outbound, subnet at vm1: DefaultRule_AllowVnetOutBound (65000) of NSG empty\n"
               "route at vm1: 10.2.0.0/16 VirtualAppliance 10.0.1.4 (route to-s2)\n"
               "peering at vm1: s1/s1-to-hub: Connected, FullyInSync; allows: access forwarded\n"
               "peering at nva: hub/hub-to-s1: Connected, FullyInSync; allows: access forwarded\n"
               "inbound, subnet at nva: no NSG\n"
               "inbound, NIC at nva: no NSG\n"
               "deliver at nva: 10.2.0.4 is not its address, enableIPForwarding is on\n"
               "guest at nva: forwards it, out of NIC nva-nic\n"
               "outbound, NIC at nva: no NSG\n"
               "outbound, subnet at nva: no NSG\n"
               "route at nva: 10.2.0.0/16 VNetPeering\n"
               "peering at nva: hub/hub-to-s2: Connected, FullyInSync; allows: access forwarded\n"
               "peering at vm2: s2/s2-to-hub: Connected, FullyInSync; allows: access forwarded\n"
               "inbound, subnet at vm2: DefaultRule_AllowVnetInBound (65000) of NSG empty\n"
               "inbound, NIC at vm2: no NSG\n"
               "deliver at vm2: 10.2.0.4\n"
               "reply: route at vm2: 10.1.0.0/16 VirtualAppliance 10.0.1.4 (route to-s1)\n"
               "reply: peering at vm2: s2/s2-to-hub: Connected, FullyInSync; allows: access forwarded\n"
               "reply: peering at nva: hub/hub-to-s2: Connected, FullyInSync; allows: access forwarded\n"
               "reply: deliver at nva: 10.1.0.4 is not its address, enableIPForwarding is on\n"
               "reply: guest at nva: forwards it, out of NIC nva-nic\n"
               "reply: route at nva: 10.1.0.0/16 VNetPeering\n"
               "reply: peering at nva: hub/hub-to-s1: Connected, FullyInSync; allows: access forwarded\n"
               "reply: peering at vm1: s1/s1-to-hub: Connected, FullyInSync; allows: access forwarded\n"
               "reply: deliver at vm1: 10.1.0.4\n");
}

static void each_broken_setting_is_named(void **state)
{
    static const struct {
        const char *lab, *verdict;
        enum vnl_drop reason;
        const char *fix;
    } rows[] = {
        { HUB(RT1, RT2, NSG, "true",
              "nva: {subnet: hub/nva, privateIPAddress: 10.0.1.4, enableIPForwarding: false, ipForward: "
              "true}",
              "", ""),
          "blocked: NotForwarding at nva", VNL_DROP_NOT_FORWARDING,
          "NIC nva-nic has enableIPForwarding off; vnetlab set vms.nva.enableIPForwarding true" },
        { HUB(RT1, RT2, NSG, "true",
              "nva: {subnet: hub/nva, privateIPAddress: 10.0.1.4, enableIPForwarding: true}", "", ""),
          "blocked: GuestForwarding at nva", VNL_DROP_GUEST_FORWARDING,
          "VM nva: ipForward is false; vnetlab set vms.nva.ipForward true" },
        { HUB(RT1, "", NSG, "true", NVA, "", ""),
          "blocked: NsgInbound at vm2 by DefaultRule_DenyAllInBound of NSG empty", VNL_DROP_NSG_INBOUND,
          "no route table on s2/default sends 10.1.0.0/16 to 10.0.1.4" },
        { HUB(RT1, "", ", networkSecurityGroup: open", "true", NVA, "", ""), "blocked: reply: NoRoute at vm2",
          VNL_DROP_NO_ROUTE, "no route table on s2/default sends 10.1.0.0/16 to 10.0.1.4" },
        { HUB("", RT2, "", "true", NVA, "", ""), "blocked: NoRoute at vm1", VNL_DROP_NO_ROUTE,
          "no route table on s1/default sends 10.2.0.0/16 to 10.0.1.4" },
        { HUB(RT1, RT2, NSG, "false", NVA, "", ""), "blocked: ForwardedTraffic at vm2",
          VNL_DROP_FORWARDED_TRAFFIC,
          "s2/s2-to-hub: allowForwardedTraffic is false; vnetlab set "
          "vnets.s2.peerings.s2-to-hub.allowForwardedTraffic true" },
        { HUB(RT1, RT2, NSG, "true", NVA, ", routeTable: rt-hub", ""), "allowed", VNL_DROP_NONE, NULL },
        { HUB(UDR("all", "0.0.0.0/0", "10.0.1.4"), RT2, NSG, "true", NVA, ", routeTable: rt-hub", ""),
          "allowed", VNL_DROP_NONE, NULL },
        { HUB(UDR("to-s2", "10.2.0.0/16", "10.0.1.99"), RT2, "", "true", NVA, "", ""),
          "blocked: NoRoute at vm1", VNL_DROP_NO_ROUTE,
          "route to-s2: 10.0.1.99 is no NIC or load balancer of s1 or of a network peered with it; give its "
          "nextHopIpAddress one that is" },
        { HUB(UDR("to-s2", "10.2.0.0/16", "10.2.0.4"), RT2, "", "true", NVA, "", ""),
          "blocked: NoRoute at vm1", VNL_DROP_NO_ROUTE,
          "route to-s2: 10.2.0.4 is no NIC or load balancer of s1 or of a network peered with it; give its "
          "nextHopIpAddress one that is" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_flow(rows[i].lab, "vm1", "vm2", IPPROTO_TCP, 80, rows[i].verdict);
        if (rows[i].fix)
            assert_fix(rows[i].lab, "vm1", "vm2", rows[i].reason, rows[i].fix);
    }
    assert_flow(HUB(RT1, RT2, NSG, "false", NVA, "", "semantics: {peeringForwarded: tag-only}\n"), "vm1",
                "vm2", IPPROTO_TCP, 80, "allowed");
}

static void every_blocker_on_the_way_is_told(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(HUB(RT1, RT2, NSG, "false", "nva: {subnet: hub/nva, privateIPAddress: 10.0.1.4}", "", ""));
    struct vnl_flow_query query = query_of(plan, "vm1", "vm2", IPPROTO_TCP, 80);
    CLEANUP(vnl_str_free) char *steps = steps_of(plan, &query);

    (void)state;
    assert_verdict(plan, &query, "blocked: NotForwarding at nva");
    assert_non_null(strstr(steps, "deliver at nva: NotForwarding, "));
    assert_non_null(strstr(steps, "guest at nva: GuestForwarding, the guest does not forward\n"));
    assert_non_null(strstr(steps, "peering at vm2: ForwardedTraffic, "));
    assert_null(strstr(steps, "SpoofedSource")); /* the same flag once more */
}

/* The appliance's own subnet sends everything back to it. */
static void loops_are_cut_and_named(void **state)
{
    static const char lab[] =
        "location: eastus\n"
        "vnets: {vv: {addressSpace: [10.0.0.0/16], subnets: {a: {addressPrefix: 10.0.1.0/24, routeTable: "
        "ra}, "
        "b: {addressPrefix: 10.0.2.0/24, routeTable: rb}, c: {addressPrefix: 10.0.3.0/24, routeTable: "
        "ra}}}}\n"
        "routeTables: {ra: {routes: {" UDR(
            "x", "172.31.0.0/16",
            "10.0.2.4") "}},\n"
                        "  rb: {routes: {" UDR(
                            "x", "172.31.0.0/16",
                            "10.0.1.4") "}}}\n"
                                        "virtualMachines: {one: {subnet: vv/a, privateIPAddress: 10.0.1.4, "
                                        "enableIPForwarding: true, ipForward: "
                                        "true}, two: {subnet: vv/b, privateIPAddress: 10.0.2.4, "
                                        "enableIPForwarding: true, ipForward: true}, vm: "
                                        "{subnet: vv/c}}\n";
    static const char self[] =
        "location: eastus\n"
        "vnets: {vv: {addressSpace: [10.0.0.0/16], subnets: {a: {addressPrefix: 10.0.1.0/24, routeTable: "
        "ra}}}}\n"
        "routeTables: {ra: {routes: {" UDR(
            "all", "0.0.0.0/0", "10.0.1.4") "}}}\n"
                                            "virtualMachines: {one: {subnet: vv/a, privateIPAddress: "
                                            "10.0.1.4, enableIPForwarding: true, ipForward: "
                                            "true}}\n";

    (void)state;
    assert_flow(lab, "vm", "172.31.0.1", IPPROTO_TCP, 80, "blocked: RoutingLoop at two");
    assert_flow(self, "one", "172.31.0.1", IPPROTO_TCP, 80, "blocked: RoutingLoop at one");
    assert_fix(self, "one", "172.31.0.1", VNL_DROP_ROUTING_LOOP,
               "route all sends it back to one: put the appliance into a subnet without this route");
}

/* Spec 4, "hub VM -> vm1 direct, vm1 has UDR hub prefix -> NVA": the reply takes another way. */
static void asymmetric_replies_are_followed(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(HUB(UDR("hub", "10.0.0.0/16", "10.0.1.4"), RT2, NSG, "true", NVA, "", ""));
    struct vnl_flow_query query = query_of(plan, "jump", "vm1", IPPROTO_TCP, 80);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, &query);

    (void)state;
    assert_verdict(plan, &query, "allowed");
    assert_int_equal(verify->hops, 0);
    assert_int_equal(verify->back_hops, 1);
    assert_flow(HUB(UDR("hub", "10.0.0.0/16", "10.0.1.4"), RT2, NSG, "true", NVA, NSG, ""), "jump", "vm1",
                IPPROTO_TCP, 80, "blocked: reply: FlowState at nva");
    assert_flow(HUB(UDR("hub", "10.0.0.0/16", "10.0.1.4"), RT2, NSG, "true", NVA, NSG, ""), "jump", "vm1",
                IPPROTO_ICMP, 0, "allowed");
}

/* --- two NICs ------------------------------------------------------------------------------------------ */

#define TWO_NICS(first, second)                                                                              \
    "location: eastus\n"                                                                                     \
    "vnets: {vv: {addressSpace: [10.0.0.0/16], subnets: {a: {addressPrefix: 10.0.1.0/24, routeTable: ra}, "  \
    "b: {addressPrefix: 10.0.2.0/24, routeTable: rb}, n1: 10.0.8.0/24, n2: 10.0.9.0/24}}}\n"                 \
    "routeTables: {ra: {routes: {" UDR("to-b", "10.0.2.0/24", "10.0.8.4") "}}, rb: {routes: {" UDR(          \
        "to-a", "10.0.1.0/24", "10.0.9.4") "}}}\n"                                                           \
                                           "virtualMachines:\n"                                              \
                                           "  va: {subnet: vv/a}\n"                                          \
                                           "  vb: {subnet: vv/b}\n"                                          \
                                           "  fw: {ipForward: true, networkInterfaces: {fw-1: {primary: "    \
                                           "true, subnet: vv/n1, privateIPAddress: "                         \
                                           "10.0.8.4, enableIPForwarding: " first                            \
                                           "}, fw-2: {subnet: vv/n2, privateIPAddress: 10.0.9.4, "           \
                                           "enableIPForwarding: " second "}}}\n"

static void guest_sends_by_its_own_routing_table(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(TWO_NICS("true", "true"));
    struct vnl_flow_query query = query_of(plan, "va", "vb", IPPROTO_TCP, 80);
    CLEANUP(vnl_str_free) char *steps = steps_of(plan, &query);

    (void)state;
    assert_verdict(plan, &query, "allowed");
    assert_non_null(strstr(steps, "guest at fw: forwards it, out of NIC fw-1\n"));
    assert_non_null(strstr(steps, "reply: guest at fw: forwards it, out of NIC fw-1\n")); /* in by fw-2 */
    assert_flow(TWO_NICS("false", "true"), "va", "vb", IPPROTO_TCP, 80, "blocked: NotForwarding at fw");
    assert_flow(TWO_NICS("true", "false"), "va", "vb", IPPROTO_TCP, 80,
                "blocked: reply: NotForwarding at fw");
    assert_fix(TWO_NICS("true", "false"), "va", "vb", VNL_DROP_NOT_FORWARDING,
               "NIC fw-2 has enableIPForwarding off; set it to true");
    /* What is asked at the second NIC is answered by the first, from the second's address. */
    assert_flow(TWO_NICS("false", "false"), "va", "10.0.9.4", IPPROTO_TCP, 80,
                "blocked: reply: SpoofedSource at fw");
}

/* --- load balancers -------------------------------------------------------------------------------------- */

#define BALANCED(sku, location, rules)                                                                       \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  hub: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24, c: 10.0.1.0/24}, peerings: {to-far: "    \
    "{remoteVirtualNetwork: far, allowForwardedTraffic: true}}}\n"                                           \
    "  far: {location: " location ", addressSpace: [10.1.0.0/16], subnets: {s: {addressPrefix: "             \
    "10.1.0.0/24, routeTable: rt}}, peerings: {to-hub: {remoteVirtualNetwork: hub, "                         \
    "allowForwardedTraffic: true}}}\n"                                                                       \
    "routeTables: {rt: {location: " location ", routes: {" UDR(                                              \
        "out", "172.31.0.0/16",                                                                              \
        "10.0.0.100") "}}}\n"                                                                                \
                      "loadBalancers:\n"                                                                     \
                      "  ilb: {sku: " sku                                                                    \
                      ", frontendIPConfigurations: {fe: {subnet: hub/s, privateIPAddress: 10.0.0.100}}, "    \
                      "backendAddressPools: {pool: [web]}, loadBalancingRules: {" rules "}}\n"               \
                      "virtualMachines: {web: {subnet: hub/s, privateIPAddress: 10.0.0.4, "                  \
                      "enableIPForwarding: true, ipForward: "                                                \
                      "true}, near: {subnet: hub/c}, far: {subnet: far/s}}\n"
#define HTTP                                                                                                 \
    "http: {frontendIPConfiguration: fe, backendAddressPool: pool, protocol: Tcp, frontendPort: 80, "        \
    "backendPort: 8080}"
#define HA                                                                                                   \
    "ha: {frontendIPConfiguration: fe, backendAddressPool: pool, protocol: All, frontendPort: 0, "           \
    "backendPort: 0}"

static void balancer_translates_there_and_back(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(BALANCED("Standard", "eastus", HTTP));
    struct vnl_flow_query query = query_of(plan, "near", "10.0.0.100", IPPROTO_TCP, 80);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, &query);
    CLEANUP(vnl_str_free) char *steps = steps_of(plan, &query);

    (void)state;
    assert_verdict(plan, &query, "allowed");
    assert_string_equal(plan->vms[plan->nics[verify->to].vm].name, "web");
    assert_int_equal(verify->seen_port, 8080);
    assert_non_null(
        strstr(steps, "translate at near: load balancer ilb/fe, rule http: to 10.0.0.4 of web\n"));
    assert_non_null(
        strstr(steps, "reply: translate at web: 10.0.0.4 becomes 10.0.0.100 again (load balancer)\n"));
}

static void balancer_refuses_what_it_has_no_rule_for(void **state)
{
    (void)state;
    assert_flow(BALANCED("Standard", "eastus", HTTP), "near", "10.0.0.100", IPPROTO_TCP, 81,
                "blocked: BalancerPort at near");
    assert_flow(BALANCED("Standard", "eastus", HTTP), "near", "10.0.0.100", IPPROTO_ICMP, 0,
                "blocked: BalancerPort at near");
    assert_flow(BALANCED("Standard", "eastus", HTTP), "web", "10.0.0.100", IPPROTO_TCP, 80,
                "blocked: BalancerHairpin at web");
    assert_flow(BALANCED("Standard", "westus", HTTP), "far", "10.0.0.100", IPPROTO_TCP, 80, "allowed");
    assert_flow(BALANCED("Basic", "westus", HTTP), "far", "10.0.0.100", IPPROTO_TCP, 80,
                "blocked: BalancerGlobal at far");
    assert_fix(BALANCED("Basic", "westus", HTTP), "far", "10.0.0.100", VNL_DROP_BALANCER_GLOBAL,
               "make load balancer ilb Standard: sku: Standard");
    assert_flow(BALANCED("Basic", "eastus", HTTP), "far", "10.0.0.100", IPPROTO_TCP, 80, "allowed");
}

/* HA ports as next hop: nothing is translated, the backend is an appliance. */
static void balancer_is_a_next_hop(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(BALANCED("Standard", "eastus", HA));
    struct vnl_flow_query query = query_of(plan, "far", "172.31.0.1", IPPROTO_TCP, 80);
    CLEANUP(vnl_str_free) char *steps = steps_of(plan, &query);

    (void)state;
    assert_verdict(plan, &query, "blocked: NoRoute at web");
    assert_non_null(strstr(steps, "translate at far: load balancer ilb/fe, rule ha: to 10.0.0.4 of web\n"));
    assert_non_null(strstr(steps, "guest at web: forwards it, out of NIC web-nic\n"));
}

/* Direct server return needs no IP forwarding, and is for answers of that rule alone. */
static void backend_answers_from_a_floating_frontend(void **state)
{
    static const char text[] =
        "vnets: {hub: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}}}\n"
        "loadBalancers:\n"
        "  ilb: {sku: Standard, frontendIPConfigurations: {fe: {subnet: hub/s, privateIPAddress: "
        "10.0.0.100}}, "
        "backendAddressPools: {pool: [web]}, loadBalancingRules: {http: {frontendIPConfiguration: fe, "
        "backendAddressPool: pool, protocol: Tcp, frontendPort: 80, backendPort: 80, enableFloatingIP: "
        "true}}}\n"
        "virtualMachines: {web: {subnet: hub/s}, near: {subnet: hub/s}}\n";
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(text);
    struct vnl_flow_query query = query_of(plan, "near", "10.0.0.100", IPPROTO_TCP, 80), answer;

    (void)state;
    assert_verdict(plan, &query, "allowed");
    answer = query_of(plan, "web", "near", IPPROTO_TCP, 40000);
    answer.src = query.dst;
    answer.src_port = 80;
    assert_verdict(plan, &answer, "allowed");
    answer.src_port = 81;
    assert_verdict(plan, &answer, "blocked: SpoofedSource at web");
    answer.src_port = 80;
    answer.proto = IPPROTO_UDP;
    assert_verdict(plan, &answer, "blocked: SpoofedSource at web");
}

/* --- the internet side ------------------------------------------------------------------------------------- */

#define OUT(subnet, vm)                                                                                      \
    "location: eastus\n"                                                                                     \
    "vnets: {vv: {addressSpace: [10.0.0.0/16], subnets: {s: {addressPrefix: 10.0.0.0/24" subnet              \
    "}, n: 10.0.1.0/24}}}\n"                                                                                 \
    "publicIPAddresses: {web-ip: {ipAddress: 198.51.100.7}, basic-ip: {sku: Basic, ipAddress: "              \
    "198.51.100.8}, nat-ip: {ipAddress: 198.51.100.9}}\n"                                                    \
    "natGateways: {nat: {publicIpAddresses: [nat-ip]}}\n"                                                    \
    "networkSecurityGroups: {open: {securityRules: {in: {priority: 100, direction: Inbound, access: "        \
    "Allow}}}, empty: {}}\n"                                                                                 \
    "routeTables: {rt: {routes: {" UDR(                                                                      \
        "all", "0.0.0.0/0", "10.0.1.4") "}}}\n"                                                              \
                                        "virtualMachines: {vm: {subnet: vv/s, privateIPAddress: 10.0.0.4" vm \
                                        "}, nva: {subnet: vv/n, privateIPAddress: 10.0.1.4, "                \
                                        "enableIPForwarding: true, ipForward: true}}\n"                      \
                                        "internet: {hosts: {example: {address: 203.0.113.80}}}\n"
#define PUBLIC     ", publicIPAddress: web-ip"
#define OPEN       ", networkSecurityGroup: open"
#define NO_WAY_OUT ", defaultOutboundAccess: false"
#define NATTED     ", natGateway: nat"
#define EVERYTHING ", routeTable: rt"

static void ways_out_are_taken_in_azures_order(void **state)
{
    static const struct {
        const char *lab, *tcp, *icmp, *seen;
    } rows[] = {
        { OUT("", ""), "allowed", "blocked: SnatProtocol at vm", "192.0.2.128" },
        { OUT(NO_WAY_OUT, ""), "blocked: NoOutbound at vm", "blocked: NoOutbound at vm", NULL },
        { OUT(NO_WAY_OUT, PUBLIC), "allowed", "allowed", "198.51.100.7" },
        { OUT(NATTED, ""), "allowed", "blocked: SnatProtocol at vm", "198.51.100.9" },
        { OUT(NATTED, PUBLIC), "allowed", "allowed", "198.51.100.9" },
        { OUT("", PUBLIC), "allowed", "allowed", "198.51.100.7" },
        { OUT(EVERYTHING, PUBLIC), "blocked: ForeignToInternet at nva", "blocked: ForeignToInternet at nva",
          NULL },
        { OUT(EVERYTHING NATTED, ""), "blocked: ForeignToInternet at nva",
          "blocked: ForeignToInternet at nva", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(rows[i].lab);
        struct vnl_flow_query query = query_of(plan, "vm", "example", IPPROTO_TCP, 80);
        CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, &query);
        char seen[VNL_ADDR_STR];

        assert_verdict(plan, &query, rows[i].tcp);
        if (rows[i].seen)
            assert_string_equal(vnl_addr_format(&verify->seen_src, seen), rows[i].seen);
        query = query_of(plan, "vm", "example", IPPROTO_ICMP, 0);
        assert_verdict(plan, &query, rows[i].icmp);
    }
}

static void ways_in_need_a_public_ip_and_a_rule(void **state)
{
    (void)state;
    assert_flow(OUT("", PUBLIC), "example", "web-ip", IPPROTO_TCP, 22, "blocked: PublicClosed at example");
    assert_flow(OUT("", PUBLIC OPEN), "example", "web-ip", IPPROTO_TCP, 22, "allowed");
    assert_flow(OUT("", PUBLIC OPEN), "example", "vm", IPPROTO_ICMP, 0, "allowed");
    assert_flow(OUT("", PUBLIC ", networkSecurityGroup: empty"), "example", "web-ip", IPPROTO_TCP, 22,
                "blocked: NsgInbound at vm by DefaultRule_DenyAllInBound of NSG empty");
    assert_flow(OUT("", ", publicIPAddress: basic-ip"), "example", "basic-ip", IPPROTO_TCP, 22, "allowed");
    assert_flow(OUT(NATTED, PUBLIC OPEN), "example", "web-ip", IPPROTO_TCP, 22, "allowed");
    assert_flow(OUT(NATTED, ""), "example", "198.51.100.9", IPPROTO_TCP, 22, "blocked: NoSession at example");
    assert_flow(OUT("", ""), "example", "198.51.100.77", IPPROTO_TCP, 22, "blocked: NoOwner at example");
    assert_flow(OUT("", ""), "example", "10.0.0.4", IPPROTO_TCP, 22, "blocked: NoOwner at example");
    assert_flow(OUT("", ""), "example", "168.63.129.16", IPPROTO_UDP, 53,
                "blocked: PlatformAddress at example");
}

/* Spec 6: the request arrives, the reply goes to the appliance and dies there. */
static void reply_to_a_public_ip_goes_where_the_route_says(void **state)
{
    static const char lab[] = OUT(EVERYTHING, PUBLIC OPEN);
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(lab);
    struct vnl_flow_query query = query_of(plan, "example", "web-ip", IPPROTO_TCP, 22);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, &query);

    (void)state;
    assert_verdict(plan, &query, "blocked: reply: ForeignToInternet at nva");
    assert_null(verify->blocker);
    assert_int_equal(verify->back_hops, 1);
}

/* From one public IP of the lab to another: each side knows the other by its public address. */
static void public_ips_reach_each_other(void **state)
{
    static const char lab[] = OUT("", ", publicIPAddress: basic-ip") "";
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(lab);
    struct vnl_flow_query query = query_of(plan, "nva", "basic-ip", IPPROTO_TCP, 22);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, &query);
    char seen[VNL_ADDR_STR];

    (void)state;
    assert_verdict(plan, &query, "allowed");
    assert_string_equal(vnl_addr_format(&verify->seen_src, seen), "192.0.2.128");
    assert_string_equal(vnl_addr_format(&verify->seen_dst, seen), "10.0.0.4");
}

static void fixes_of_the_internet_side(void **state)
{
    (void)state;
    assert_fix(OUT(NO_WAY_OUT, ""), "vm", "example", VNL_DROP_NO_OUTBOUND,
               "subnet vv/s is private: add natGateway, a public IP of vm, or defaultOutboundAccess: true");
    assert_fix(OUT("", PUBLIC), "example", "web-ip", VNL_DROP_PUBLIC_CLOSED,
               "put an NSG with a rule that allows it on NIC vm-nic or subnet vv/s");
    assert_fix_(OUT("", ""), "vm", "example", IPPROTO_ICMP, VNL_DROP_SNAT_PROTOCOL,
                "give VM vm a public IP of its own", __LINE__);
    assert_fix(OUT(EVERYTHING, ""), "vm", "example", VNL_DROP_FOREIGN_TO_INTERNET,
               "VM nva: translate to its own address before sending on, for example "
               "'iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE'");
}

/* --- Bastion: spec 6.3 --------------------------------------------------------------------------------------- */

#define BASTION(nsg)                                                                                         \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  hub: {addressSpace: [10.0.0.0/16], subnets: {AzureBastionSubnet: 10.0.255.0/26}, peerings: {to-s: "   \
    "{remoteVirtualNetwork: ss}}}\n"                                                                         \
    "  ss: {addressSpace: [10.1.0.0/16], subnets: {d: {addressPrefix: 10.1.0.0/24" nsg                       \
    "}}, peerings: {to-hub: {remoteVirtualNetwork: hub}, to-far: {remoteVirtualNetwork: far}}}\n"            \
    "  far: {addressSpace: [10.2.0.0/16], subnets: {d: 10.2.0.0/24}, peerings: {to-s: "                      \
    "{remoteVirtualNetwork: ss}}}\n"                                                                         \
    "networkSecurityGroups: {locked: {securityRules: {deny: {priority: 200, direction: Inbound, access: "    \
    "Deny, sourceAddressPrefix: VirtualNetwork}}}}\n"                                                        \
    "virtualMachines: {vm: {subnet: ss/d}, far: {subnet: far/d}}\n"

static void bastion_sends_from_its_subnet(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(BASTION(""));
    struct vnl_flow_query query = query_of(plan, "Bastion of hub", "vm", IPPROTO_TCP, 22);
    CLEANUP(vnl_str_free) char *steps = steps_of(plan, &query);

    (void)state;
    assert_verdict(plan, &query, "allowed");
    assert_non_null(strstr(steps, "route at Bastion: 10.1.0.0/16 VNetPeering\n"));
    assert_non_null(strstr(steps, "reply: deliver at Bastion: 10.0.255.4\n"));
    assert_flow(BASTION(", networkSecurityGroup: locked"), "Bastion of hub", "vm", IPPROTO_TCP, 22,
                "blocked: NsgInbound at vm by UserRule_deny of NSG locked");
    assert_flow(BASTION(""), "Bastion of hub", "far", IPPROTO_TCP, 22, "blocked: NoRoute at Bastion");
    assert_flow(BASTION(""), "vm", "10.0.255.4", IPPROTO_TCP, 22, "blocked: NoOwner at vm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appliance_is_a_hop_each_way),
        cmocka_unit_test(each_broken_setting_is_named),
        cmocka_unit_test(every_blocker_on_the_way_is_told),
        cmocka_unit_test(loops_are_cut_and_named),
        cmocka_unit_test(asymmetric_replies_are_followed),
        cmocka_unit_test(guest_sends_by_its_own_routing_table),
        cmocka_unit_test(balancer_translates_there_and_back),
        cmocka_unit_test(balancer_refuses_what_it_has_no_rule_for),
        cmocka_unit_test(balancer_is_a_next_hop),
        cmocka_unit_test(backend_answers_from_a_floating_frontend),
        cmocka_unit_test(ways_out_are_taken_in_azures_order),
        cmocka_unit_test(ways_in_need_a_public_ip_and_a_rule),
        cmocka_unit_test(reply_to_a_public_ip_goes_where_the_route_says),
        cmocka_unit_test(public_ips_reach_each_other),
        cmocka_unit_test(fixes_of_the_internet_side),
        cmocka_unit_test(bastion_sends_from_its_subnet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
