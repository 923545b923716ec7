/* VPN gateways: what is refused, and which changes are. VPN spec 2 to 4, 9, 10, 16. */
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
    /* a GatewaySubnet is needed */ {
        NULL,
        "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {Gateway-Subnet: 10.1.255.0/27}}}\n"
        "virtualNetworkGateways: {gw: {vnet: hub}}\n",
        "InvalidResourceReference 2:37 Resource "
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-f/providers/Microsoft.Network/"
        "virtualNetworks/hub/subnets/GatewaySubnet referenced by resource "
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-f/providers/Microsoft.Network/"
        "virtualNetworkGateways/gw was not found | add a subnet of this name, /29 or larger; /27 is "
        "advised\n" },
    /* and no smaller one than /29 */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/30}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}}\n",
      "NetcfgInvalidSubnet 1:52 Subnet 'GatewaySubnet' is not valid in virtual network 'hub': 10.1.255.0/30 "
      "is smaller than /29, the smallest size of a subnet\n" },
    /* one VPN gateway per VNet */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, gw2: {vnet: hub}}\n",
      "BadRequest 2:55 Virtual network gateway 'gw2' cannot be in virtual network 'hub': gateway 'gw' is "
      "there | a virtual network has one VPN gateway: connect more to that one\n" },
    /* no VM beside it */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}}\n"
      "virtualMachines: {vm: {subnet: hub/GatewaySubnet}}\n",
      "GatewaySubnet 3:32 Subnet with name 'GatewaySubnet' can be used only for the virtual network gateway "
      "resource, not by network interface 'vm-nic'\n" },
    /* no NSG at its subnet */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: {addressPrefix: 10.1.255.0/27, "
      "networkSecurityGroup: n}}}}\n"
      "networkSecurityGroups: {n: {}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}}\n",
      "NetworkSecurityGroupCannotBeAttachedToGatewaySubnet 1:120 Network security group n cannot be "
      "associated with the gateway subnet 'hub/GatewaySubnet'. To learn more, see aka.ms/GatewaySubnet\n" },
    /* no default route at its subnet */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: {addressPrefix: 10.1.255.0/27, "
      "routeTable: t}}}}\n"
      "routeTables: {t: {routes: {d: {addressPrefix: 0.0.0.0/0, nextHopType: Internet}}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}}\n",
      "BadRequest 1:110 Route table 't' with the default route 'd' cannot be attached to subnet "
      "'GatewaySubnet' | name the prefixes that are meant\n" },
    /* no route over its subnet or its public address */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: {addressPrefix: 10.1.255.0/27, "
      "routeTable: t}}}}\n"
      "routeTables: {t: {routes: {own: {addressPrefix: 10.1.0.0/16, nextHopType: VnetLocal}, pub: "
      "{addressPrefix: 198.51.100.0/28, nextHopType: Internet}, ok: {addressPrefix: 10.9.0.0/16, "
      "nextHopType: None}}}}\n"
      "publicIPAddresses: {p: {ipAddress: 198.51.100.7}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, publicIPAddress: p}}\n",
      "BadRequest 1:110 Route table 't' with route 'own' for 10.1.0.0/16 cannot be attached to subnet "
      "'GatewaySubnet': the route covers the subnet itself | name prefixes beside the subnet's own\n"
      "BadRequest 1:110 Route table 't' with route 'pub' for 198.51.100.0/28 cannot be attached to subnet "
      "'GatewaySubnet': the route covers public IP address 'p' of gateway 'gw'\n" },
    /* SKU and generation */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, sku: VpnGw1, vpnGatewayGeneration: Generation2}, fw: {vnet: "
      "far, sku: VpnGw5, vpnGatewayGeneration: Generation1}}\n",
      "BadRequest 2:47 Virtual network gateway 'gw' cannot be VpnGw1 and Generation2: that SKU is "
      "Generation1 | Generation1: Basic, VpnGw1 to VpnGw3; Generation2: VpnGw2 to VpnGw5; AZ likewise\n"
      "BadRequest 2:112 Virtual network gateway 'fw' cannot be VpnGw5 and Generation1: that SKU is "
      "Generation2 | Generation1: Basic, VpnGw1 to VpnGw3; Generation2: VpnGw2 to VpnGw5; AZ likewise\n" },
    /* SKUs are a list */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, sku: VpnGw2AX}, fw: {vnet: far, sku: ErGw1AZ}}\n",
      "BadRequest 2:47 Virtual network gateway 'gw' cannot be VpnGw2AX: there is no such SKU of VPN gateways "
      "| did you mean 'VpnGw2AZ'?\n"
      "BadRequest 2:79 Virtual network gateway 'fw' cannot be ErGw1AZ: ExpressRoute is not supported yet | "
      "Basic, VpnGw1 to VpnGw5, VpnGw1AZ to VpnGw5AZ\n" },
    /* PolicyBased is Basic */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, vpnType: PolicyBased, sku: VpnGw2}}\n",
      "BadRequest 2:69 Virtual network gateway 'gw' cannot be PolicyBased and VpnGw2: PolicyBased is for SKU "
      "Basic | write 'sku: Basic' or 'vpnType: RouteBased'\n" },
    /* a Basic address is for a Basic gateway */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "publicIPAddresses: {b: {sku: Basic}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, publicIPAddress: b}}\n",
      "PublicIpWithBasicSkuNotAllowedOnVPNGateways 3:59 Basic IP configuration for VPN Virtual Network "
      "Gateways is not supported: public IP address 'b' of gateway 'gw' is Basic | write 'sku: Standard' "
      "there\n" },
    /* an address is attached once */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "publicIPAddresses: {p: {}, q: {}}\n"
      "virtualMachines: {vm: {subnet: hub/a, publicIPAddress: p}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, publicIPAddress: p}, fw: {vnet: far, publicIPAddress: q}}\n"
      "natGateways: {n: {publicIpAddresses: q}}\n",
      "PublicIPAddressInUse 4:59 Virtual network gateway 'gw' is referencing public IP address 'p' that is "
      "already allocated to network interface 'vm-nic' | a public IP address is attached once: make another "
      "one\n"
      "PublicIPAddressInUse 5:38 NAT gateway 'n' is referencing public IP address 'q' that is already "
      "allocated to virtual network gateway 'fw' | a public IP address is attached once: make another "
      "one\n" },
    /* an address that is not there */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "publicIPAddresses: {VNet1GWIP1: {}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, publicIPAddress: VNet1GWIP}}\n",
      "InvalidResourceReference 3:59 The public IP address 'VNet1GWIP' referenced by virtual network gateway "
      "'gw' was not found | did you mean 'VNet1GWIP1'?\n" },
    /* the implied address must be free */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "publicIPAddresses: {gw-ip: {}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}}\n",
      "InvalidTemplate 3:26 Virtual network gateway 'gw' makes a public IP address 'gw-ip', and one is "
      "defined already | write 'publicIPAddress: NAME' for the gateway\n" },
    /* another region */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, location: westus}}\n",
      "InvalidResourceReference 2:37 The virtual network 'hub' referenced by virtual network gateway 'gw' "
      "was not found in westus: it is in eastus, and both must be in the same region | write 'location: "
      "westus' for it, or use another one there\n" },
    /* reserved ASNs */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, asn: 65517}, fw: {vnet: far, bgpSettings: {asn: 12076}}}\n",
      "BadRequest 2:26 Virtual network gateway 'gw' cannot have the ASN 65517: it is reserved | such as "
      "65010; without one it is 65515\n"
      "BadRequest 2:55 Virtual network gateway 'fw' cannot have the ASN 12076: it is reserved | such as "
      "65010; without one it is 65515\n" },
    /* names of guests */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualMachines: {gw: {subnet: hub/a}}\n"
      "internet: {hosts: {fw: {address: 203.0.113.80}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n",
      "InvalidTemplate 4:26 The name 'gw' is that of a virtual machine, and a virtual network gateway cannot "
      "have it too | both are namespaces of the lab\n"
      "InvalidTemplate 4:43 The name 'fw' is that of a simulated internet host, and a virtual network "
      "gateway cannot have it too | both are namespaces of the lab\n" },
    /* what is not there yet */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, enableBgp: true, activeActive: true, natRules: []}, fw: "
      "{vnet: far, gatewayType: ExpressRoute, enablePrivateIpAddress: {}, bgpSettings: {peerWeight: 1}}}\n",
      "InvalidRequestContent 2:79 'natRules' is not supported yet\n"
      "InvalidRequestContent 2:123 'gatewayType: ExpressRoute' is not supported yet\n"
      "InvalidRequestContent 2:137 'enablePrivateIpAddress' is not supported yet\n"
      "InvalidRequestContent 2:179 'peerWeight' is not supported yet\n" },
    /* values that are none */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, vpnType: Route, gatewayType: VPN2, vpnGatewayGeneration: 2, "
      "sku: [a]}}\n",
      "InvalidRequestContent 2:51 'vpnType' must be RouteBased or PolicyBased, not 'Route'\n"
      "InvalidRequestContent 2:71 'gatewayType' must be Vpn, not 'VPN2'\n"
      "InvalidRequestContent 2:99 'vpnGatewayGeneration' must be Generation1 or Generation2, not '2'\n"
      "InvalidRequestContent 2:107 'sku' must be Basic, VpnGw1 to VpnGw5, VpnGw1AZ to VpnGw5AZ, not a "
      "list\n" },
    /* a default site that is not there, and one of a PolicyBased gateway */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, gatewayDefaultSite: lgn}, fw: {vnet: far, sku: Basic, "
      "vpnType: PolicyBased, gatewayDefaultSite: lng}}\n",
      "InvalidResourceReference 3:62 The local network gateway 'lgn' referenced by virtual network gateway "
      "'gw' was not found | did you mean 'lng'?\n"
      "BadRequest 3:138 Virtual network gateway 'fw' is PolicyBased and cannot have a gatewayDefaultSite | "
      "forced tunnelling needs 'vpnType: RouteBased'\n" },
    /* a default site that no connection leads to: that of another gateway does not count */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, gatewayDefaultSite: lng}, fw: {vnet: far}}\n"
      "connections: {c: {virtualNetworkGateway1: fw, localNetworkGateway2: lng}}\n",
      "BadRequest 3:62 Virtual network gateway 'gw' has no connection to its gatewayDefaultSite, local "
      "network gateway 'lng' | add a connection of the two, or leave gatewayDefaultSite out\n" },
    /* active-active: not Basic, nor PolicyBased */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic, activeActive: true}, fw: {vnet: far, sku: Basic, "
      "vpnType: PolicyBased, activeActive: true}}\n",
      "BadRequest 2:68 Virtual network gateway 'gw' cannot be active-active: it is Basic | active-active "
      "needs 'sku: VpnGw1' or larger, RouteBased\n"
      "BadRequest 2:139 Virtual network gateway 'fw' cannot be active-active: it is PolicyBased | "
      "active-active needs 'sku: VpnGw1' or larger, RouteBased\n" },
    /* active-active: PolicyBased was wrong before */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, vpnType: PolicyBased, activeActive: true}}\n",
      "BadRequest 2:26 Virtual network gateway 'gw' cannot be PolicyBased and VpnGw1: PolicyBased is for SKU "
      "Basic | write 'sku: Basic' or 'vpnType: RouteBased'\n" },
    /* active-active: two public IP addresses, and with two of them nothing else */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "publicIPAddresses: {p: {}, q: {}, r: {}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, activeActive: true, publicIPAddress: p}, fw: {vnet: far, "
      "publicIPAddress: [q, r]}}\n",
      "BadRequest 3:79 Virtual network gateway 'gw' is active-active and has one public IP address: it needs "
      "two | write 'publicIPAddress: [NAME, NAME]', or none, and the lab makes both\n"
      "BadRequest 3:120 Virtual network gateway 'fw' has two public IP addresses and is not active-active | "
      "write 'activeActive: true', or name one public IP address\n" },
    /* active-active: not three */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "publicIPAddresses: {p: {}, q: {}, r: {}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, activeActive: true, publicIPAddress: [p, q, r]}}\n",
      "InvalidRequestContent 3:86 'publicIPAddress' has 3 public IP addresses: a gateway has one, with "
      "'activeActive: true' two\n" },
    /* active-active: not one of them twice, nor another gateway's */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "publicIPAddresses: {p: {}, q: {}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, activeActive: true, publicIPAddress: [p, p]}, fw: {vnet: "
      "far, activeActive: true, publicIPAddress: [q, p]}}\n",
      "PublicIPAddressInUse 3:83 Both instances of virtual network gateway 'gw' are referencing public IP "
      "address 'p' | each instance has one of its own\n"
      "PublicIPAddressInUse 3:145 Virtual network gateway 'fw' is referencing public IP address 'p' that is "
      "already allocated to virtual network gateway 'gw' | a public IP address is attached once: make "
      "another one\n" },
    /* active-active: Standard ones that are there */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "publicIPAddresses: {p: {}, b: {sku: Basic}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, activeActive: true, publicIPAddress: [p, b]}, fw: {vnet: "
      "far, activeActive: true, publicIPAddress: [b2, [x]]}}\n",
      "PublicIpWithBasicSkuNotAllowedOnVPNGateways 3:83 Basic IP configuration for VPN Virtual Network "
      "Gateways is not supported: public IP address 'b' of gateway 'gw' is Basic | write 'sku: Standard' "
      "there\n"
      "InvalidRequestContent 3:146 'publicIPAddress' must be a public IP address, not a list\n" },
    /* active-active: the implied address of the second instance must be free */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "publicIPAddresses: {gw-ip-1: {}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, activeActive: true}}\n",
      "InvalidTemplate 3:26 Virtual network gateway 'gw' makes a public IP address 'gw-ip-1', and one is "
      "defined already | write 'publicIPAddress: NAME' for the gateway\n" },
    /* active-active: so must be its guest's name */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualMachines: {fw.1: {subnet: hub/a}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, activeActive: true}, fw: {vnet: far, activeActive: true}}\n"
      "sites: {gw.1: {publicIPAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/24}}\n",
      "InvalidTemplate 3:93 The name 'fw.1' is that of a virtual machine, and a second instance of a virtual "
      "network gateway cannot have it too | both are namespaces of the lab\n"
      "InvalidTemplate 4:9 The name 'gw.1' is that of a second instance of a virtual network gateway, and a "
      "site cannot have it too | both are namespaces of the lab\n" },
    /* active-active: no route over either public address */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: {addressPrefix: "
      "10.1.255.0/27, routeTable: t}}}, far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: "
      "10.2.255.0/27}}}\n"
      "routeTables: {t: {routes: {pub: {addressPrefix: 198.51.100.0/28, nextHopType: Internet}}}}\n"
      "publicIPAddresses: {p: {ipAddress: 198.51.100.77}, q: {ipAddress: 198.51.100.7}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, activeActive: true, publicIPAddress: [p, q]}}\n"
      "localNetworkGateways: {l: {gatewayIpAddress: 198.51.100.7, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: l}}\n",
      "BadRequest 1:126 Route table 't' with route 'pub' for 198.51.100.0/28 cannot be attached to subnet "
      "'GatewaySubnet': the route covers public IP address 'q' of gateway 'gw'\n"
      "BadRequest 6:69 Local network gateway 'l' of connection 'c' has the public address of virtual network "
      "gateway 'gw' itself\n" },
    /* active-active: true or false */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "publicIPAddresses: {p: {}, q: {}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, activeActive: yes, publicIPAddress: [p, q]}}\n",
      "InvalidRequestContent 3:56 'activeActive' must be true or false, not 'yes'\n" },
    /* a VNet is needed */
    { NULL, "virtualNetworkGateways: {gw: {sku: VpnGw1}, fw: {vnet: nowhere}}\n",
      "- 1:26 'gw' has no 'vnet' | write 'vnet: NAME'\n"
      "InvalidResourceReference 1:56 The virtual network 'nowhere' referenced by virtual network gateway "
      "'fw' was not found\n" },
    /* remote gateways: there must be one, with transit */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {}, peerings: {s: {remoteVirtualNetwork: spoke}}}, "
      "spoke: {addressSpace: 10.3.0.0/16, peerings: {h: {remoteVirtualNetwork: hub, useRemoteGateways: "
      "true}}}}\n",
      "RemoteVnetHasNoGateways 1:148 Peering h cannot have UseRemoteGateways flag set to true because remote "
      "virtual network hub referenced by the peering does not have any gateways | leave useRemoteGateways "
      "false\n"
      "BadRequest 1:148 Peering h cannot have UseRemoteGateways flag set to true, because corresponding "
      "remote peering hub/s has AllowGatewayTransit flag set to false | set allowGatewayTransit on the "
      "remote peering\n" },
    /* remote gateways: without transit */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}, peerings: {s: "
      "{remoteVirtualNetwork: spoke}}}, spoke: {addressSpace: 10.3.0.0/16, peerings: {h: "
      "{remoteVirtualNetwork: hub, useRemoteGateways: true}}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}}\n",
      "BadRequest 1:176 Peering h cannot have UseRemoteGateways flag set to true, because corresponding "
      "remote peering hub/s has AllowGatewayTransit flag set to false | set allowGatewayTransit on the "
      "remote peering\n" },
    /* remote gateways: beside an own one */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}, peerings: {s: "
      "{remoteVirtualNetwork: spoke, allowGatewayTransit: true}}}, spoke: {addressSpace: 10.3.0.0/16, "
      "subnets: {GatewaySubnet: 10.3.255.0/27}, peerings: {h: {remoteVirtualNetwork: hub, useRemoteGateways: "
      "true}}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, sw: {vnet: spoke}}\n",
      "BadRequest 1:244 Peering h cannot have UseRemoteGateways flag set to true because virtual network "
      "spoke has a gateway of its own\n" },
    /* remote gateways: two of them */
    { NULL,
      "vnets: {h1: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}, peerings: {s: "
      "{remoteVirtualNetwork: spoke, allowGatewayTransit: true}}}, h2: {addressSpace: 10.2.0.0/16, subnets: "
      "{GatewaySubnet: 10.2.255.0/27}, peerings: {s: {remoteVirtualNetwork: spoke, allowGatewayTransit: "
      "true}}}, spoke: {addressSpace: 10.3.0.0/16, peerings: {a: {remoteVirtualNetwork: h1, "
      "useRemoteGateways: true}, b: {remoteVirtualNetwork: h2, useRemoteGateways: true}}}}\n"
      "virtualNetworkGateways: {g1: {vnet: h1}, g2: {vnet: h2}}\n",
      "BadRequest 1:405 Peering b cannot have UseRemoteGateways flag set to true because peering a of "
      "virtual network spoke already has it; only one can\n" },
    /* vpnType */
    { "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic, vpnType: PolicyBased}}\n",
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic}}\n",
      "BadRequest 2:26 Virtual network gateway 'gw' is PolicyBased and cannot become RouteBased | give it "
      "another name, or remove it and its connections, apply, and add it again\n" },
    /* from Basic */
    { "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic}, fw: {vnet: far}}\n",
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n",
      "BadRequest 2:26 Virtual network gateway 'gw' is Basic and cannot become VpnGw1 | give it another "
      "name, or remove it and its connections, apply, and add it again\n" },
    /* generation */
    { "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, sku: VpnGw2}}\n",
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, sku: VpnGw2, vpnGatewayGeneration: Generation2}}\n",
      "BadRequest 2:47 Virtual network gateway 'gw' is Generation1 and cannot become Generation2 | give it "
      "another name, or remove it and its connections, apply, and add it again\n" },
    /* VNet */
    { "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}}\n",
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: far}}\n",
      "BadRequest 2:37 Virtual network gateway 'gw' is in virtual network 'hub' and cannot move to 'far' | "
      "give it another name\n" },
    /* its subnet */
    { "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}}\n",
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.254.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}}\n",
      "InUseSubnetCannotBeUpdated 1:68 Subnet 'hub/GatewaySubnet' is in use by gw/vnetGatewayConfig0 and "
      "cannot be updated | remove the VMs first and add them again behind the change, or add a subnet with "
      "another range\n" },
    /* its subnet goes */
    { "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}}\n",
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24}}, far: {addressSpace: 10.2.0.0/16, "
      "subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}}\n",
      "InvalidResourceReference 2:37 Resource "
      "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-f/providers/Microsoft.Network/"
      "virtualNetworks/hub/subnets/GatewaySubnet referenced by resource "
      "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-f/providers/Microsoft.Network/"
      "virtualNetworkGateways/gw was not found | add a subnet of this name, /29 or larger; /27 is "
      "advised\n" },
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
