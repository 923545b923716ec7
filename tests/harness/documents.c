#include "documents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/plan.h"

const char document_full[] =
    "name: lab1\n"
    "location: East US\n"
    "semantics: {peeringAccess: tag-only, peeringForwarded: tag-only}\n"
    "vnets:\n"
    "  vnet-1:\n"
    "    addressSpace: [10.0.0.0/16, 'fd00:1::/48']\n"
    "    flowTimeoutInMinutes: 10\n"
    "    subnets:\n"
    "      one: 10.0.0.0/24\n"
    "      two: {addressPrefixes: [10.0.1.0/24, 'fd00:1:0:2::/64']}\n"
    "      three: {addressPrefixes: [10.0.2.0/24]}\n"
    "    peerings:\n"
    "      to-2: {remoteVirtualNetwork: vnet-2, allowForwardedTraffic: true, allowGatewayTransit: true}\n"
    "      to-3: {remoteVirtualNetwork: vnet-3, peerCompleteVnets: false, localSubnetNames: [one],\n"
    "             remoteSubnetNames: [a, b]}\n"
    "  vnet-2:\n"
    "    location: West Europe\n"
    "    resourceGroup: other\n"
    "    addressSpace: [10.1.0.0/16]\n"
    "    subnets: {one: 10.1.0.0/24}\n"
    "    peerings: {to-1: {remoteVirtualNetwork: vnet-1, allowVirtualNetworkAccess: false}}\n"
    "  vnet-3:\n"
    "    addressSpace: [10.2.0.0/16]\n"
    "    subnets: {a: 10.2.0.0/24, b: 10.2.1.0/24, c: 10.2.2.0/24}\n"
    "    peerings: {to-1: {remoteVirtualNetwork: " RG "Microsoft.Network/virtualNetworks/vnet-1,\n"
    "                      peerCompleteVnets: false, localSubnetNames: [a, b], remoteSubnetNames: [one]}}\n"
    "virtualMachines:\n"
    "  vm-1: {subnet: vnet-1/one, privateIPAddress: 10.0.0.9, enableIPForwarding: true, ipForward: true,\n"
    "         run: ['echo \"\\x01 \\u00e4 \\\\ /\"', 'sleep 1']}\n"
    "  vm-2: {subnet: two}\n"
    "  vm-3: {subnet: vnet-2/one}\n"
    "  vm-4: {subnet: c}\n"
    "expect:\n"
    "  - {from: vm-1, to: vm-3, icmp: pass, ttl: 64}\n"
    "  - {from: vm-1, to: 10.1.0.4, tcp: 80, result: drop, reason: NoRoute}\n"
    "  - {from: vm-2, to: 'fd00:1:0:2::77', udp: 53, result: drop}\n"
    "  - {from: vm-4, to: 192.0.2.1, icmp: drop}\n";

const char document_guarded[] =
    "name: lab1\n"
    "vnets:\n"
    "  aa: {addressSpace: [10.0.0.0/16, 'fd00:1::/48'],\n"
    "       subnets: {s: {addressPrefixes: [10.0.0.0/24, 'fd00:1::/64'], networkSecurityGroup: web}, t: "
    "10.0.1.0/24}}\n"
    "  bb: {addressSpace: 10.1.0.0/16, subnets: {s: {addressPrefix: 10.1.0.0/24, networkSecurityGroup: {id: "
    "web}}}}\n"
    "networkSecurityGroups:\n"
    "  web:\n"
    "    securityRules:\n"
    "      http: {priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "
    "Internet,\n"
    "             destinationPortRanges: [80, 443, 8000-8010], description: 'for \\ everyone'}\n"
    "      http-again: {direction: Outbound, access: Deny, priority: 100, destinationPortRanges: [80]}\n"
    "      groups: {priority: 110, direction: Inbound, access: Allow, sourcePortRange: 1024-65535,\n"
    "               sourceApplicationSecurityGroups: [front, {id: BACK}, front],\n"
    "               destinationApplicationSecurityGroups: back}\n"
    "      many: {priority: 120, direction: Inbound, access: Deny, protocol: Icmp,\n"
    "             sourceAddressPrefixes: [192.0.2.1, 198.51.100.0/24], destinationAddressPrefixes: "
    "[10.0.0.0/8]}\n"
    "      six: {priority: 4096, direction: Outbound, access: Allow, protocol: '*', sourceAddressPrefix: "
    "'*',\n"
    "            destinationAddressPrefix: 'fd00:1::/48', destinationPortRange: '*'}\n"
    "  idle: {resourceGroup: other}\n"
    "  vm-nsg:\n"
    "applicationSecurityGroups: {front: {}, back: }\n"
    "virtualMachines:\n"
    "  vm-1: {subnet: aa/s, networkSecurityGroup: vm-nsg, applicationSecurityGroups: [front, back]}\n"
    "  vm-2: {subnet: aa/t, applicationSecurityGroups: front}\n"
    "  vm-3: {subnet: bb/s, networkSecurityGroup: web}\n"
    "expect:\n"
    "  - {from: vm-1, to: vm-2, tcp: 80, result: drop, reason: NsgOutbound}\n";

const char document_tunnelled[] =
    "name: lab1\n"
    "semantics: {gatewayThroughput: sku}\n"
    "vnets:\n"
    "  aa: {addressSpace: 10.1.0.0/16, subnets: {s: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}\n"
    "  bb: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}\n"
    "virtualMachines: {vm: {subnet: aa/s}}\n"
    "virtualNetworkGateways: {ga: {vnet: aa, gatewayDefaultSite: lng}, gb: {vnet: bb}}\n"
    "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
    "connections:\n"
    "  ab: {virtualNetworkGateway1: ga, virtualNetworkGateway2: gb, sharedKey: kk}\n"
    "  ba: {virtualNetworkGateway1: gb, virtualNetworkGateway2: ga, sharedKey: kk, dpdTimeoutSeconds: 9}\n"
    "  as: {virtualNetworkGateway1: ga, localNetworkGateway2: lng, ipsecPolicies: [{ikeEncryption: AES256, "
    "ikeIntegrity: SHA384, dhGroup: DHGroup24, ipsecEncryption: GCMAES256, ipsecIntegrity: GCMAES256, "
    "pfsGroup: PFS24, saLifeTimeSeconds: 3600, saDataSizeKilobytes: 2048}]}\n"
    "sites: {site: {publicIPAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16, hosts: {pc: "
    "{address: 192.168.0.9, run: date}}, sharedKey: kk}}\n"
    "expect: [{from: pc, to: vm, icmp: pass}, {from: vm, to: pc, icmp: pass}]\n";

const char document_redundant[] =
    "name: lab1\n"
    "vnets:\n"
    "  aa: {addressSpace: 10.1.0.0/16, subnets: {s: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}\n"
    "  bb: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/29}}\n"
    "publicIPAddresses: {one: {}, two: {ipAddress: 198.51.100.9}}\n"
    "virtualNetworkGateways:\n"
    "  ga: {vnet: aa, activeActive: true, publicIPAddress: [one, two], enableBgp: true, asn: 65010}\n"
    "  gb: {vnet: bb, activeActive: true}\n"
    "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, bgpSettings: {asn: 65050, "
    "bgpPeeringAddress: "
    "192.168.255.254, peerWeight: 3}}}\n"
    "connections:\n"
    "  ab: {virtualNetworkGateway1: ga, virtualNetworkGateway2: gb, sharedKey: kk, enableBgp: true}\n"
    "  ba: {virtualNetworkGateway1: gb, virtualNetworkGateway2: ga, sharedKey: kk, enableBgp: true}\n"
    "  as: {virtualNetworkGateway1: ga, localNetworkGateway2: lng, sharedKey: kk, enableBgp: true}\n"
    "sites: {site: {publicIPAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16, sharedKey: kk, "
    "bgpSettings: "
    "{asn: 65050, bgpPeeringAddress: 192.168.255.254, advertisedPrefixes: [192.168.0.0/17, 0.0.0.0/0], "
    "asPathPrepend: 1}}}\n";

const char document_routed[] =
    "name: lab1\n"
    "vnets:\n"
    "  aa: {addressSpace: [10.0.0.0/16, 'fd00:1::/48'],\n"
    "       subnets: {s: {addressPrefixes: [10.0.0.0/24, 'fd00:1::/64'], routeTable: rt}, t: {addressPrefix: "
    "10.0.1.0/24,\n"
    "                 routeTable: {id: RT}}}}\n"
    "routeTables:\n"
    "  idle: {resourceGroup: other}\n"
    "  rt:\n"
    "    disableBgpRoutePropagation: true\n"
    "    routes:\n"
    "      all: {addressPrefix: 0.0.0.0/0, nextHopType: virtualappliance, nextHopIpAddress: 10.0.1.4}\n"
    "      six: {addressPrefix: '::/0', nextHopType: VirtualAppliance, nextHopIpAddress: 'fd00:1::4'}\n"
    "      own: {addressPrefix: 10.0.0.0/24, nextHopType: VnetLocal}\n"
    "      out: {addressPrefix: 198.51.100.0/24, nextHopType: Internet}\n"
    "      far: {addressPrefix: 192.168.0.0/16, nextHopType: VirtualNetworkGateway}\n"
    "      cut: {addressPrefix: 10.9.0.0/16, nextHopType: None}\n"
    "virtualMachines:\n"
    "  nva:\n"
    "    ipForward: true\n"
    "    networkInterfaces:\n"
    "      nva-b: {subnet: aa/s, enableIPForwarding: true, ipConfigurations: {x: {}, y: {privateIPAddress: "
    "10.0.0.99, primary: true},\n"
    "              six: {privateIPAddressVersion: IPv6}, z: }}\n"
    "      nva-a: {subnet: aa/t, privateIPAddress: 10.0.1.4, enableIPForwarding: true, primary: true}\n"
    "  vm-1: {subnet: aa/s}\n"
    "  vm-2: {networkInterfaces: {only: {subnet: t}}}\n"
    "expect:\n"
    "  - {from: vm-1, to: nva, icmp: pass}\n";

#define PAIR(space, links)                                                                                   \
    "name: lab1\n"                                                                                           \
    "vnets:\n"                                                                                               \
    "  aa: {addressSpace: " space                                                                            \
    ", subnets: {s: 10.0.0.0/24}, peerings: {ab: {remoteVirtualNetwork: bb}}}\n"                             \
    "  bb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}" links "}\n"                              \
    "virtualMachines:\n"                                                                                     \
    "  vm: {subnet: aa/s}\n"

#define BACK ", peerings: {ba: {remoteVirtualNetwork: aa}}"

const char document_connected[] = PAIR("[10.0.0.0/16]", BACK);
const char document_initiated[] = PAIR("[10.0.0.0/16]", "");
const char document_resized[] = PAIR("[10.0.0.0/16, 10.99.0.0/16]", BACK);

int document_load(const char *text, const struct vnl_lab *before, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    int r = vnl_lab_load_text("dir/lab.yaml", text, strlen(text), &lab, err);

    if (r == 0)
        r = vnl_lab_settle(lab, before, err);
    if (r == 0)
        *ret = TAKE_PTR(lab);
    return r;
}

/* before: NULL, or the text of the lab in force when `text` comes. */
struct vnl_lab *document_settled(const char *before, const char *text)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *old = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lab *lab = NULL;
    int r = before ? document_load(before, NULL, &old, &err) : 0;

    if (r == 0)
        r = document_load(text, old, &lab, &err);
    vnl_err_print(stderr, err);
    assert_int_equal(r, 0);
    return lab;
}

char *document_format(const struct vnl_json *json)
{
    char *text = NULL;

    assert_int_equal(vnl_json_format(json, 0, &text, NULL), 0);
    return text;
}

char *document_of(const struct vnl_lab *lab)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    return document_format(json);
}

int document_read(const char *text, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    int r = vnl_json_parse(text, strlen(text), &json, err);

    assert_int_equal(r, 0);
    return vnl_lab_from_json(json, ret, err);
}

static char *plan_text(const struct vnl_lab *lab)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    char *text = NULL;
    size_t size;
    FILE *out;

    assert_int_equal(vnl_plan_build(lab, &plan, NULL), 0);
    out = open_memstream(&text, &size);
    assert_int_equal(vnl_plan_print(out, plan, NULL), 0);
    (void)fclose(out);
    return text;
}

void document_assert_kept(const struct vnl_lab *lab)
{
    CLEANUP(vnl_str_free) char *text = document_of(lab);
    CLEANUP(vnl_str_free) char *plan = plan_text(lab);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free) char *again_text = NULL;
    CLEANUP(vnl_str_free) char *again_plan = NULL;
    int r = document_read(text, &again, &err);

    vnl_err_print(stderr, err);
    assert_int_equal(r, 0);
    again_text = document_of(again);
    again_plan = plan_text(again);
    assert_string_equal(again_text, text);
    assert_string_equal(again_plan, plan);
}

void document_assert_damage_named(const char *text, const struct document_damage *damages, size_t n)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = document_settled(NULL, text);
    CLEANUP(vnl_str_free) char *document = document_of(lab);

    for (size_t i = 0; i < n; i++) {
        const char *at = strstr(document, damages[i].from);
        CLEANUP(vnl_str_free) char *changed = NULL;
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        struct vnl_lab *again = NULL;

        if (!at)
            fail_msg("'%s' is not in the document", damages[i].from);
        assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - document), document, damages[i].to,
                             at + strlen(damages[i].from)) > 0);
        assert_int_equal(document_read(changed, &again, &err), -EINVAL);
        assert_null(again);
        assert_non_null(err);
        assert_string_equal(err->msg, damages[i].msg);
    }
}
