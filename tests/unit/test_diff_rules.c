/* Network security groups in the difference of two plans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/plans.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define HEAD   "name: t\nlocation: eastus\nvnets:\n"
#define VA(s)  "  va: {addressSpace: [10.0.0.0/16], subnets: {s: " s "}"
#define VB     "  vb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}"
#define OPEN   "{addressPrefix: 10.0.0.0/24}"
#define WEB    "{addressPrefix: 10.0.0.0/24, networkSecurityGroup: web}"
#define LINK_A ", peerings: {a-b: {remoteVirtualNetwork: vb}}"
#define LINK_B ", peerings: {b-a: {remoteVirtualNetwork: va}}"
#define HTTP(access)                                                                                         \
    "      http: {priority: 200, direction: Inbound, access: " access                                        \
    ", protocol: Tcp, destinationPortRange: 80}\n"
#define PING                                                                                                 \
    "      ping: {priority: 100, direction: Inbound, access: Allow, protocol: Icmp, "                        \
    "sourceApplicationSecurityGroups: [app]}\n"
#define NSG(rules) "networkSecurityGroups:\n  web:\n    securityRules:\n" rules
#define VM(more)   "virtualMachines:\n  vm-1: {subnet: va/s" more "}\n"
#define LAB(rules) HEAD VA(WEB) "}\n" NSG(rules) VM("")

static void attached_group_is_shown_with_the_nics_it_acts_at(void **state)
{
    (void)state;
    assert_diff(HEAD VA(OPEN) "}\n" NSG(HTTP("Allow")) VM(""), LAB(HTTP("Allow")),
                "+ networkSecurityGroups/web  in va, 1 rule and the defaults\n"
                "~ virtualMachines/vm-1       networkSecurityGroup of the subnet none -> web\n");
    assert_diff(LAB(HTTP("Allow")), HEAD VA(OPEN) "}\n" NSG(HTTP("Allow")) VM(", networkSecurityGroup: web"),
                "~ virtualMachines/vm-1  networkSecurityGroup of the subnet web -> none\n"
                "~ virtualMachines/vm-1  networkSecurityGroup none -> web\n");
    assert_diff(LAB(HTTP("Allow")), HEAD VA(OPEN) "}\n" NSG(HTTP("Allow")) VM(""),
                "- networkSecurityGroups/web  in va, 1 rule and the defaults\n"
                "~ virtualMachines/vm-1       networkSecurityGroup of the subnet web -> none\n");
}

static void changed_rule_is_a_line_each_way(void **state)
{
    (void)state;
    assert_diff(LAB(HTTP("Allow")), LAB(HTTP("Deny")),
                "~ networkSecurityGroups/web  -Inbound 200 http: Allow Tcp 0.0.0.0/0 ports 0-65535 to "
                "0.0.0.0/0 ports 80-80\n"
                "~ networkSecurityGroups/web  +Inbound 200 http: Deny Tcp 0.0.0.0/0 ports 0-65535 to "
                "0.0.0.0/0 ports 80-80\n");
    assert_diff(LAB(HTTP("Allow")), LAB(HTTP("Allow")), "nothing to change\n");
}

/* Internet changes with it, and has no lines. */
static void peering_shows_in_the_tag(void **state)
{
    (void)state;
    assert_diff(HEAD VA(WEB) "}\n" VB "}\n" NSG(HTTP("Allow")) VM(""),
                HEAD VA(WEB) LINK_A "}\n" VB LINK_B "}\n" NSG(HTTP("Allow")) VM(""),
                "+ virtualNetworkPeerings/va/a-b  to vb: Connected, FullyInSync; flags access\n"
                "+ virtualNetworkPeerings/vb/b-a  to va: Connected, FullyInSync; flags access\n"
                "~ routes/va                      +10.1.0.0/16 VNetPeering to vb, deny-forwarded\n"
                "~ routes/vb                      +10.0.0.0/16 VNetPeering to va, deny-forwarded\n"
                "~ networkSecurityGroups/web      +VirtualNetwork 10.1.0.0/16\n");
}

static void new_member_shows_in_its_asg(void **state)
{
    (void)state;
    assert_diff(LAB(PING) "applicationSecurityGroups: {app: {}}\n",
                HEAD VA(WEB) "}\n" NSG(PING)
                    VM(", applicationSecurityGroups: [app]") "applicationSecurityGroups: {app: {}}\n",
                "~ networkSecurityGroups/web  +app 10.0.0.4/32\n");
}

static void flow_timeout_is_the_networks(void **state)
{
    (void)state;
    assert_diff(HEAD VA(OPEN) "}\n" VM(""), HEAD VA(OPEN) ", flowTimeoutInMinutes: 10}\n" VM(""),
                "~ virtualNetworks/va  flow timeout 4 min -> 10 min\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attached_group_is_shown_with_the_nics_it_acts_at),
        cmocka_unit_test(changed_rule_is_a_line_each_way),
        cmocka_unit_test(peering_shows_in_the_tag),
        cmocka_unit_test(new_member_shows_in_its_asg),
        cmocka_unit_test(flow_timeout_is_the_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
