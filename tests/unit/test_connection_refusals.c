/* Connections and local network gateways: what is refused, and which changes are. VPN spec 5, 6, 8, 14. */
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

/* What is in force (NULL: nothing), what is asked for, and all that is said to it. */
static const struct {
    const char *before, *text, *expected;
} refused[] = {
    /* ends are needed */ {
        NULL,
        "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
        "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
        "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
        "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
        "connections: {a: {virtualNetworkGateway1: gw}, b: {localNetworkGateway2: lng}, c: {connectionType: "
        "IPsec, virtualNetworkGateway1: gw}}\n",
        "- 4:15 'a' has no 'virtualNetworkGateway2' | or 'localNetworkGateway2'\n"
        "- 4:48 'b' has no 'virtualNetworkGateway1' | write 'virtualNetworkGateway1: NAME'\n"
        "- 4:80 'c' has no 'localNetworkGateway2' | or 'localNetworkGateway2'\n" },
    /* ends of the wrong type */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {connectionType: IPsec, virtualNetworkGateway1: gw, virtualNetworkGateway2: fw}, b: "
      "{connectionType: Vnet2Vnet, virtualNetworkGateway1: gw, localNetworkGateway2: lng}}\n",
      "BadRequest 4:15 Connection 'a' of type IPsec has no localNetworkGateway2\n"
      "BadRequest 4:15 Connection 'a' of type IPsec cannot have a virtualNetworkGateway2\n"
      "BadRequest 4:99 Connection 'b' of type Vnet2Vnet has no virtualNetworkGateway2\n"
      "BadRequest 4:99 Connection 'b' of type Vnet2Vnet cannot have a localNetworkGateway2\n" },
    /* ends that are not there */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gww, virtualNetworkGateway2: ff}, b: "
      "{virtualNetworkGateway1: gw, localNetworkGateway2: lngg}}\n",
      "InvalidResourceReference 4:43 The virtual network gateway 'gww' referenced by connection 'a' was not "
      "found | did you mean 'gw'?\n"
      "InvalidResourceReference 4:72 The virtual network gateway 'ff' referenced by connection 'a' was not "
      "found\n"
      "InvalidResourceReference 4:131 The local network gateway 'lngg' referenced by connection 'b' was not "
      "found | did you mean 'lng'?\n" },
    /* itself */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: gw}}\n",
      "BadRequest 3:71 Connection 'a' connects virtual network gateway 'gw' with itself\n" },
    /* Vnet2Vnet is RouteBased */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far, sku: Basic, vpnType: PolicyBased}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw}}\n",
      "BadRequest 3:71 Connection 'a' of type Vnet2Vnet cannot have virtual network gateway 'fw': it is "
      "PolicyBased | Vnet2Vnet needs 'vpnType: RouteBased' at both ends\n" },
    /* twice the same */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw}, b: "
      "{virtualNetworkGateway1: gw, virtualNetworkGateway2: fw}, c: {virtualNetworkGateway1: gw, "
      "localNetworkGateway2: lng}, d: {virtualNetworkGateway1: gw, localNetworkGateway2: lng}}\n",
      "BadRequest 4:76 Connection 'b' connects virtual network gateway 'gw' with 'fw', and connection 'a' "
      "does already\n"
      "BadRequest 4:197 Connection 'd' connects virtual network gateway 'gw' with 'lng', and connection 'c' "
      "does already\n" },
    /* two local network gateways of one device */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {l1: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/24}, l2: "
      "{gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.1.0/24}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: l1}, b: {virtualNetworkGateway1: "
      "gw, localNetworkGateway2: l2}}\n",
      "BadRequest 4:128 Connection 'b' leads to 203.0.113.10, where connection 'a' of virtual network "
      "gateway 'gw' leads already | each device has a local network gateway with an address of its own\n" },
    /* PolicyBased has one, and speaks IKEv1 */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic, vpnType: PolicyBased}}\n"
      "localNetworkGateways: {l1: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/24}, l2: "
      "{gatewayIpAddress: 203.0.113.11, addressPrefixes: 192.168.1.0/24}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: l1, connectionProtocol: IKEv2}, "
      "b: {virtualNetworkGateway1: gw, localNetworkGateway2: l2}}\n",
      "BadRequest 4:15 Connection 'a' cannot be IKEv2: virtual network gateway 'gw' is PolicyBased | write "
      "'connectionProtocol: IKEv1'\n"
      "BadRequest 4:129 Virtual network gateway 'gw' is PolicyBased and has one connection at most: 'b' is "
      "one more | 'vpnType: RouteBased' takes more\n" },
    /* Basic speaks IKEv2 and has no policy */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, connectionProtocol: IKEv1, "
      "ipsecPolicies: [{ikeEncryption: AES256, ikeIntegrity: SHA384, dhGroup: DHGroup24, ipsecEncryption: "
      "GCMAES256, ipsecIntegrity: GCMAES256, pfsGroup: PFS24, saLifeTimeSeconds: 3600, saDataSizeKilobytes: "
      "102400000}]}}\n",
      "BadRequest 4:15 Connection 'c' cannot be IKEv1: virtual network gateway 'gw' is Basic | write "
      "'connectionProtocol: IKEv2'\n"
      "BadRequest 4:117 Connection 'c' cannot have an IPsec policy: virtual network gateway 'gw' is "
      "Basic\n" },
    /* keys */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw, sharedKey: abc-def}, b: "
      "{virtualNetworkGateway1: fw, virtualNetworkGateway2: gw, sharedKey: a~}, c: {virtualNetworkGateway1: "
      "gw, localNetworkGateway2: lng, sharedKey: \"a b\"}, d: {virtualNetworkGateway1: fw, "
      "localNetworkGateway2: lng, sharedKey: "
      "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
      "kkkkkkkkkkkkkkkkkkkkkkkkkkk}}\n",
      "BadRequest 4:86 Character 4 of the shared key of connection 'a' is not allowed | printable ASCII "
      "without space, '-' and '~'\n"
      "BadRequest 4:167 Character 2 of the shared key of connection 'b' is not allowed | printable ASCII "
      "without space, '-' and '~'\n"
      "BadRequest 4:242 Character 2 of the shared key of connection 'c' is not allowed | printable ASCII "
      "without space, '-' and '~'\n"
      "BadRequest 4:320 The shared key of connection 'd' has 129 characters; 1 to 128 are allowed\n" },
    /* overlap with the VNet */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {l1: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/24, "
      "10.1.0.0/24]}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: l1}}\n",
      "BadRequest 4:69 Connection 'a' leads to local network gateway 'l1', whose address space overlaps that "
      "of virtual network 'hub': virtual network gateway 'gw' must tell them apart | 10.1.0.0/16, "
      "10.1.0.0/24\n" },
    /* overlap of local network gateways */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {l1: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.1.0/24}, l2: "
      "{gatewayIpAddress: 203.0.113.11, addressPrefixes: 192.168.1.0/24}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: l1}, b: {virtualNetworkGateway1: "
      "gw, localNetworkGateway2: l2}}\n",
      "BadRequest 4:128 Connection 'b' leads to local network gateway 'l2', whose address space overlaps "
      "that of local network gateway 'l1': virtual network gateway 'gw' must tell them apart | "
      "192.168.1.0/24\n" },
    /* overlap of VNets, said once */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.254.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw}, b: "
      "{virtualNetworkGateway1: fw, virtualNetworkGateway2: gw}}\n",
      "BadRequest 3:71 Connection 'a' leads to virtual network 'far', whose address space overlaps that of "
      "virtual network 'hub': virtual network gateway 'gw' must tell them apart | 10.1.0.0/16\n" },
    /* overlap with a spoke */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}, peerings: {s: "
      "{remoteVirtualNetwork: spoke, allowGatewayTransit: true}}}, spoke: {addressSpace: 192.168.7.0/24, "
      "peerings: {h: {remoteVirtualNetwork: hub, useRemoteGateways: true}}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: lng}}\n",
      "BadRequest 4:69 Connection 'a' leads to local network gateway 'lng', whose address space overlaps "
      "that of virtual network 'spoke': virtual network gateway 'gw' must tell them apart | 192.168.7.0/24, "
      "192.168.0.0/16\n" },
    /* overlap with a spoke of the other end, said once */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}, far: "
      "{addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}, peerings: {s: "
      "{remoteVirtualNetwork: spoke, allowGatewayTransit: true}}}, spoke: {addressSpace: 10.1.7.0/24, "
      "peerings: {h: {remoteVirtualNetwork: far, useRemoteGateways: true}}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw}, b: "
      "{virtualNetworkGateway1: fw, virtualNetworkGateway2: gw}}\n",
      "BadRequest 3:71 Connection 'a' leads to virtual network 'spoke', whose address space overlaps that of "
      "virtual network 'hub': virtual network gateway 'gw' must tell them apart | 10.1.0.0/16, "
      "10.1.7.0/24\n" },
    /* selectors need a policy */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, "
      "usePolicyBasedTrafficSelectors: true}}\n",
      "BadRequest 4:15 Connection 'a' cannot have usePolicyBasedTrafficSelectors without an IPsec policy | "
      "add 'ipsecPolicies'\n" },
    /* numbers and words */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, dpdTimeoutSeconds: 8, "
      "routingWeight: 32001, connectionProtocol: IKEv3, connectionMode: Both, connectionType: Vpn}, b: "
      "{virtualNetworkGateway1: fw, localNetworkGateway2: lng, dpdTimeoutSeconds: 3601}}\n",
      "InvalidRequestContent 4:93 'dpdTimeoutSeconds' must be a number from 9 to 3600, not '8'\n"
      "InvalidRequestContent 4:111 'routingWeight' must be a number from 0 to 32000, not '32001'\n"
      "InvalidRequestContent 4:138 'connectionProtocol' must be IKEv2 or IKEv1, not 'IKEv3'\n"
      "InvalidRequestContent 4:161 'connectionMode' must be Default, InitiatorOnly or ResponderOnly, not "
      "'Both'\n"
      "InvalidRequestContent 4:183 'connectionType' must be Vnet2Vnet or IPsec, not 'Vpn'\n"
      "InvalidRequestContent 4:267 'dpdTimeoutSeconds' must be a number from 9 to 3600, not '3601'\n" },
    /* not there yet */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, enableBgp: false, "
      "trafficSelectorPolicies: [{}, {}], authenticationType: Certificate}, b: {connectionType: "
      "ExpressRoute, "
      "virtualNetworkGateway1: gw, peer: x}}\n",
      "InvalidRequestContent 4:122 'trafficSelectorPolicies' with several policies is not supported yet | "
      "write all "
      "ranges into one policy: each pair is proposed\n"
      "InvalidRequestContent 4:127 'authenticationType' is not supported yet\n"
      "InvalidRequestContent 4:181 'connectionType: ExpressRoute' is not supported yet\n"
      "InvalidRequestContent 4:223 'peer' is not supported yet\n" },
    /* the region of the first gateway */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, location: westus}}\n",
      "InvalidResourceReference 4:43 The virtual network gateway 'gw' referenced by connection 'a' was not "
      "found in westus: it is in eastus, and both must be in the same region | write 'location: westus' for "
      "it, or use another one there\n" },
    /* local network gateways */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {a: {addressPrefixes: 192.168.0.0/16}, b: {gatewayIpAddress: 203.0.113.1}, c: "
      "{gatewayIpAddress: 192.168.0.1, addressPrefixes: [192.168.0.0/16, 192.168.0.0/16, \"fd00::/48\"]}, d: "
      "{fqdn: vpn.example.org, addressPrefixes: 192.168.0.0/16}, e: {gatewayIpAddress: here, "
      "addressPrefixes: 192.168.0.1/16}}\n",
      "- 3:24 'a' has no 'gatewayIpAddress' | write 'gatewayIpAddress: 203.0.113.10'\n"
      "BadRequest 3:62 Local network gateway 'b' has no address prefix | write 'addressPrefixes: "
      "[192.168.0.0/16]': only BGP could do without\n"
      "BadRequest 3:120 Local network gateway 'c' cannot have gatewayIpAddress 192.168.0.1: that is no IPv4 "
      "address of the internet | such as 203.0.113.10\n"
      "BadRequest 3:150 Local network gateway 'c' has 192.168.0.0/16 twice\n"
      "BadRequest 3:150 Local network gateway 'c' cannot have fd00::/48: VPN gateways carry IPv4\n"
      "InvalidRequestContent 3:202 'fqdn' is not supported yet\n"
      "InvalidRequestContent 3:281 'gatewayIpAddress' must be an IPv4 address such as 203.0.113.10, not "
      "'here'\n"
      "InvalidCIDRNotation 3:304 prefix '192.168.0.1/16' has host bits set | use 192.168.0.0/16\n" },
    /* the gateway's own address */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "publicIPAddresses: {p: {ipAddress: 198.51.100.9}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, publicIPAddress: p}}\n"
      "localNetworkGateways: {l: {gatewayIpAddress: 198.51.100.9, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: l}}\n",
      "BadRequest 5:69 Local network gateway 'l' of connection 'a' has the public address of virtual network "
      "gateway 'gw' itself\n" },
    /* type */
    { "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw}}\n",
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: lng}}\n",
      "BadRequest 4:15 connectionType of connection 'a' is Vnet2Vnet and cannot become IPsec | give it "
      "another name, or remove it, apply, and add it again\n" },
    /* ends */
    { "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw}}\n",
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: fw, virtualNetworkGateway2: gw}}\n",
      "BadRequest 4:71 virtualNetworkGateway2 of connection 'a' is virtualNetworkGateways/fw and cannot "
      "become virtualNetworkGateways/gw | give it another name, or remove it, apply, and add it again\n"
      "BadRequest 4:43 virtualNetworkGateway1 of connection 'a' is virtualNetworkGateways/gw and cannot "
      "become virtualNetworkGateways/fw | give it another name, or remove it, apply, and add it again\n" },
    /* protocol */
    { "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: lng}}\n",
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, connectionProtocol: "
      "IKEv1}}\n",
      "BadRequest 4:15 connectionProtocol of connection 'a' is IKEv2 and cannot become IKEv1 | give it "
      "another name, or remove it, apply, and add it again\n" },
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
        cmocka_unit_test(refusals_say_what_and_where),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
