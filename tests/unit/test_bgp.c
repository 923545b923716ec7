/* BGP settings of gateways, local network gateways, connections and sites: kept, asked for, refused. VPN spec 3, 9, 14, 16. */
#include <errno.h>
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

#define VNETS                                                                                                \
    "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}, "                    \
    "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
#define GATEWAYS "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far, asn: 65010}}\n"
#define OFFICE                                                                                               \
    "localNetworkGateways: {office: {gatewayIpAddress: 203.0.113.10, bgpSettings: {asn: 65050, "             \
    "bgpPeeringAddress: 192.168.255.254, peerWeight: 7}}}\n"

static const char lab_text[] = VNETS GATEWAYS OFFICE
    "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw, enableBgp: true}, "
    "b: {virtualNetworkGateway1: fw, virtualNetworkGateway2: gw, enableBgp: true}, "
    "s: {virtualNetworkGateway1: gw, localNetworkGateway2: office, enableBgp: true}}\n"
    "sites: {office: {publicIPAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16, bgpSettings: {asn: "
    "65050, "
    "bgpPeeringAddress: 172.16.0.1, advertisedPrefixes: [192.168.0.0/16, 0.0.0.0/0], asPathPrepend: 2}}}\n";

static const char *addr_text(const struct vnl_addr *addr)
{
    static char text[VNL_ADDR_STR];

    return vnl_addr_format(addr, text);
}

/* --- kept -------------------------------------------------------------------------------------------- */

static void settings_of_a_device_are_kept(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_local_gateway *local = vnl_local_gateway_lookup(again, "office");
    const struct vnl_site *site = vnl_site_lookup(again, "office");
    char text[VNL_PREFIX_STR];

    (void)state;
    assert_true(local->bgp.written);
    assert_int_equal(local->bgp.asn, 65050);
    assert_string_equal(addr_text(&local->bgp.addr), "192.168.255.254");
    assert_int_equal(local->bgp.weight, 7);
    assert_int_equal(local->bgp.src.line, 3);
    assert_int_equal(local->prefixes.n, 0);
    assert_true(site->bgp.written && site->advertises);
    assert_string_equal(addr_text(&site->bgp.addr), "172.16.0.1");
    assert_int_equal(site->prepend, 2);
    assert_int_equal(site->advertised.n, 2);
    assert_string_equal(vnl_prefix_format(&site->advertised.items[1], text), "0.0.0.0/0");
    assert_int_equal(again->gateways[1]->asn, 65010);
}

/* "advertisedPrefixes: []" is no announcement at all; without the key it is all of the site. */
static void nothing_to_advertise_is_not_the_default(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        "sites: {a: {publicIPAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16, bgpSettings: {asn: "
        "65050, "
        "bgpPeeringAddress: 192.168.0.1, advertisedPrefixes: []}}, b: {publicIPAddress: 203.0.113.11, "
        "addressPrefixes: 192.169.0.0/16, bgpSettings: {asn: 65050, bgpPeeringAddress: 192.169.3.4}}}\n",
        NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);

    (void)state;
    assert_true(again->sites[0]->advertises);
    assert_int_equal(again->sites[0]->advertised.n, 0);
    assert_false(again->sites[1]->advertises);
    assert_int_equal(again->sites[1]->prepend, 0);
}

static void set_changes_what_is_said_of_bgp(void **state)
{
    static const struct {
        const char *path, *value;
    } changes[] = {
        { "connections.s.enableBgp", "false" },
        { "localgateways.office.addressPrefixes", "192.168.0.0/16" },
        { "localgateways.office.bgpSettings", "null" },
        { "sites.office.bgpSettings", "{asn: 65060, bgpPeeringAddress: 192.168.7.7}" },
        { "gateways.fw.bgpSettings", "{asn: 65020}" },
    };
    CLEANUP(vnl_lab_free) struct vnl_lab *before = settled_lab(lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = stored_lab(before);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
        assert_int_equal(vnl_lab_set(lab, changes[i].path, changes[i].value, NULL), 0);
    assert_int_equal(vnl_lab_resolve(lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, before, NULL), 0);
    assert_false(lab->connections[2]->enable_bgp);
    assert_false(lab->local_gateways[0]->bgp.written);
    assert_int_equal(lab->sites[0]->bgp.asn, 65060);
    assert_false(lab->sites[0]->advertises);
    assert_int_equal(lab->sites[0]->prepend, 0);
    assert_int_equal(lab->gateways[1]->asn, 65020);
}

static void bgp_settings_are_set_as_a_whole(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    assert_int_equal(vnl_lab_set(lab, "gateways.fw.bgpSettings.asn", "65020", &err), -EINVAL);
    assert_string_equal(err->msg, "set 'gateways.fw.bgpSettings.asn': 'bgpSettings' of a virtual network "
                                  "gateway is set as a whole");
    assert_string_equal(err->hint, "vnetlab set gateways.fw.bgpSettings '{asn: ...}'");
}

static void json_is_arms(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_json_free) struct vnl_json *local = vnl_local_gateway_to_json(lab->local_gateways[0]);
    CLEANUP(vnl_json_free) struct vnl_json *connection = vnl_connection_to_json(lab->connections[2]);
    CLEANUP(vnl_lab_free) struct vnl_lab *plain = settled_lab(gateway_lab_text, NULL);
    CLEANUP(vnl_json_free) struct vnl_json *without = vnl_local_gateway_to_json(plain->local_gateways[0]);
    const struct vnl_json *properties = vnl_json_get(local, "properties");
    const struct vnl_json *bgp = vnl_json_get(properties, "bgpSettings");

    (void)state;
    assert_int_equal(vnl_json_get_int(bgp, "asn", 0), 65050);
    assert_string_equal(vnl_json_get_text(bgp, "bgpPeeringAddress"), "192.168.255.254");
    assert_int_equal(vnl_json_get_int(bgp, "peerWeight", 0), 7);
    assert_int_equal(
        vnl_json_len(vnl_json_get(vnl_json_get(properties, "localNetworkAddressSpace"), "addressPrefixes")),
        0);
    assert_true(vnl_json_get_bool(vnl_json_get(connection, "properties"), "enableBgp", false));
    assert_null(vnl_json_get(vnl_json_get(without, "properties"), "bgpSettings"));
}

/* --- in force ---------------------------------------------------------------------------------------- */

static void a_pair_speaks_bgp_when_both_are_to(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);

    (void)state;
    for (size_t i = 0; i < again->n_connections; i++)
        assert_true(vnl_connection_bgp(again->connections[i]));
    again->connections[1]->enable_bgp = false;
    assert_false(vnl_connection_bgp(again->connections[0]));
    assert_false(vnl_connection_bgp(again->connections[1]));
    assert_true(vnl_connection_bgp(again->connections[2]));
}

/* With one flag it is as without; so equal numbers do no harm. */
static void one_flag_of_a_pair_is_none(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        VNETS "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
              "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw, enableBgp: true}, "
              "b: {virtualNetworkGateway1: fw, virtualNetworkGateway2: gw}}\n",
        NULL);
    CLEANUP(vnl_lab_free)
    struct vnl_lab *alone = settled_lab(
        VNETS "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
              "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw, enableBgp: true}}\n",
        NULL);

    (void)state;
    assert_false(vnl_connection_bgp(lab->connections[0]));
    assert_false(vnl_connection_bgp(lab->connections[1]));
    assert_false(vnl_connection_bgp(alone->connections[0]));
}

/* Spec 14: the same network behind two devices. */
static void devices_with_bgp_may_have_the_same_behind_them(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        VNETS GATEWAYS
        "localNetworkGateways: {l1: {gatewayIpAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/16, "
        "bgpSettings: {asn: 65050, bgpPeeringAddress: 192.168.0.1}}, l2: {gatewayIpAddress: 203.0.113.2, "
        "addressPrefixes: 192.168.0.0/16, bgpSettings: {asn: 65050, bgpPeeringAddress: 192.168.0.2}}}\n"
        "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: l1, enableBgp: true}, "
        "b: {virtualNetworkGateway1: gw, localNetworkGateway2: l2, enableBgp: true}}\n",
        NULL);

    (void)state;
    assert_true(vnl_connection_bgp(lab->connections[1]));
}

/* --- refused ----------------------------------------------------------------------------------------- */

#define TO_OFFICE                                                                                            \
    "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: office, enableBgp: true}}\n"
#define SITE                                                                                                 \
    "sites: {s: {publicIPAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/24, hosts: {pc: 192.168.0.9}, " \
    "bgpSettings: {asn: 65050, bgpPeeringAddress: "

static const struct {
    const char *text, *expected;
} refused[] = {
    /* Basic speaks none: said at the gateway */
    { VNETS "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic, enableBgp: true}}\n" OFFICE TO_OFFICE,
      "BadRequest 2:65 Virtual network gateway 'gw' cannot have enableBgp: it is Basic | BGP needs 'sku: "
      "VpnGw1' or larger, RouteBased\n" },
    /* or at the connection */
    { VNETS "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic}}\n" OFFICE TO_OFFICE,
      "BadRequest 4:88 Connection 'c' cannot have enableBgp: virtual network gateway 'gw' is Basic | BGP "
      "needs 'sku: VpnGw1' or larger, RouteBased\n" },
    /* nor does PolicyBased */
    { VNETS "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic, vpnType: PolicyBased}}\n" OFFICE TO_OFFICE,
      "BadRequest 4:88 Connection 'c' cannot have enableBgp: virtual network gateway 'gw' is PolicyBased | "
      "BGP needs 'sku: VpnGw1' or larger, RouteBased\n" },
    /* numbers that Azure and IANA keep */
    { "localNetworkGateways: {a: {gatewayIpAddress: 203.0.113.1, bgpSettings: {asn: 65515, "
      "bgpPeeringAddress: 192.168.0.1}}, b: {gatewayIpAddress: 203.0.113.2, bgpSettings: {asn: 64500, "
      "bgpPeeringAddress: 192.168.0.1}}, c: {gatewayIpAddress: 203.0.113.3, bgpSettings: {asn: 4294967295, "
      "bgpPeeringAddress: 192.168.0.1}}, d: {gatewayIpAddress: 203.0.113.4, bgpSettings: {asn: 64512, "
      "bgpPeeringAddress: 192.168.0.1}}}\n",
      "BadRequest 1:59 Local network gateway 'a' cannot have the ASN 65515: it is reserved | such as 65050\n"
      "BadRequest 1:154 Local network gateway 'b' cannot have the ASN 64500: it is reserved | such as 65050\n"
      "BadRequest 1:249 Local network gateway 'c' cannot have the ASN 4294967295: it is reserved | such as "
      "65050\n" },
    /* the device's number is not the gateway's: one mistake when both have Azure's */
    { VNETS "virtualNetworkGateways: {gw: {vnet: hub, asn: 65050}, fw: {vnet: far}}\n"
            "localNetworkGateways: {office: {gatewayIpAddress: 203.0.113.10, bgpSettings: {asn: 65050, "
            "bgpPeeringAddress: 192.168.255.254}}, branch: {gatewayIpAddress: 203.0.113.20, bgpSettings: "
            "{asn: 65515, bgpPeeringAddress: 192.168.255.253}}}\n"
            "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: office, enableBgp: true}, "
            "d: {virtualNetworkGateway1: fw, localNetworkGateway2: branch, enableBgp: true}}\n",
      "BadRequest 3:170 Local network gateway 'branch' cannot have the ASN 65515: it is reserved | such as "
      "65050\n"
      "BadRequest 4:69 Connection 'c' cannot have enableBgp: local network gateway 'office' has the ASN "
      "65050 of virtual network gateway 'gw' | the device has a number of its own\n" },
    /* two VNets have two numbers */
    { VNETS "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
            "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw, enableBgp: true}, b: "
            "{virtualNetworkGateway1: fw, virtualNetworkGateway2: gw, enableBgp: true}}\n",
      "BadRequest 3:164 Connections 'a' and 'b' cannot have enableBgp: virtual network gateways 'gw' and "
      "'fw' have the same ASN, 65515 | give one of the two another one, such as 'asn: 65010'\n" },
    /* a device without settings */
    { VNETS GATEWAYS "localNetworkGateways: {office: {gatewayIpAddress: 203.0.113.10, addressPrefixes: "
                     "192.168.0.0/16}}\n" TO_OFFICE,
      "BadRequest 4:88 Connection 'c' cannot have enableBgp: local network gateway 'office' has no "
      "bgpSettings | write 'bgpSettings: {asn: 65050, bgpPeeringAddress: 192.168.255.254}' there\n" },
    /* what a device cannot speak from */
    { "localNetworkGateways: {a: {gatewayIpAddress: 203.0.113.1, bgpSettings: {asn: 65050, "
      "bgpPeeringAddress: 203.0.113.1}}, b: {gatewayIpAddress: 203.0.113.2, bgpSettings: {asn: 65050, "
      "bgpPeeringAddress: 169.254.21.5}}, c: {gatewayIpAddress: 203.0.113.3, bgpSettings: {asn: 65050, "
      "bgpPeeringAddress: 'fd00::1'}}, d: {gatewayIpAddress: 203.0.113.4, bgpSettings: {asn: 65050, "
      "bgpPeeringAddress: 224.0.0.5}}}\n",
      "BadRequest 1:59 Local network gateway 'a' cannot have bgpPeeringAddress 203.0.113.1: that is its "
      "gatewayIpAddress | the session goes through the tunnel: such as 192.168.255.254\n"
      "BadRequest 1:154 Local network gateway 'b' cannot have bgpPeeringAddress 169.254.21.5: that is no "
      "IPv4 address to be routed | such as 192.168.255.254; addresses of 169.254.0.0/16 are not supported "
      "yet\n"
      "BadRequest 1:250 Local network gateway 'c' cannot have bgpPeeringAddress fd00::1: that is no IPv4 "
      "address to be routed | such as 192.168.255.254; addresses of 169.254.0.0/16 are not supported yet\n"
      "BadRequest 1:343 Local network gateway 'd' cannot have bgpPeeringAddress 224.0.0.5: that is no IPv4 "
      "address to be routed | such as 192.168.255.254; addresses of 169.254.0.0/16 are not supported yet\n" },
    /* nor from the VNet of the gateway; elsewhere it may */
    { VNETS GATEWAYS
      "localNetworkGateways: {office: {gatewayIpAddress: 203.0.113.10, bgpSettings: {asn: 65050, "
      "bgpPeeringAddress: 10.1.7.7}}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: office, enableBgp: true}, d: "
      "{virtualNetworkGateway1: fw, localNetworkGateway2: office, enableBgp: true}}\n",
      "BadRequest 4:69 Connection 'c' cannot have enableBgp: bgpPeeringAddress 10.1.7.7 of local network "
      "gateway 'office' is in virtual network 'hub' | the device has an address in its own network\n" },
    /* each peer of a gateway has its address */
    { VNETS GATEWAYS
      "localNetworkGateways: {office: {gatewayIpAddress: 203.0.113.10, bgpSettings: {asn: 65050, "
      "bgpPeeringAddress: 192.168.0.1}}, branch: {gatewayIpAddress: 203.0.113.20, bgpSettings: {asn: 65051, "
      "bgpPeeringAddress: 192.168.0.1}}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: office, enableBgp: true}, d: "
      "{virtualNetworkGateway1: gw, localNetworkGateway2: branch, enableBgp: true}}\n",
      "BadRequest 4:149 Connection 'd' leads to the BGP peer 192.168.0.1, where connection 'c' of virtual "
      "network gateway 'gw' leads already | each device has an address of its own\n" },
    /* no prefix without settings, none without a session */
    { VNETS GATEWAYS
      "localNetworkGateways: {a: {gatewayIpAddress: 203.0.113.1}, office: {gatewayIpAddress: 203.0.113.10, "
      "addressPrefixes: [], bgpSettings: {asn: 65050, bgpPeeringAddress: 192.168.0.1}}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: office}, d: "
      "{virtualNetworkGateway1: fw, localNetworkGateway2: office, enableBgp: true}}\n",
      "BadRequest 3:24 Local network gateway 'a' has no address prefix | write 'addressPrefixes: "
      "[192.168.0.0/16]': only BGP could do without\n"
      "BadRequest 4:69 Connection 'c' has nothing to carry without enableBgp: local network gateway 'office' "
      "has no address prefix | write 'enableBgp: true', or 'addressPrefixes' there\n" },
    /* nor policy-based selectors without a prefix */
    { VNETS GATEWAYS OFFICE
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: office, enableBgp: true, "
      "usePolicyBasedTrafficSelectors: true, ipsecPolicies: {ikeEncryption: AES256, ikeIntegrity: SHA256, "
      "dhGroup: ECP256, ipsecEncryption: AES256, ipsecIntegrity: SHA256, pfsGroup: None, saLifeTimeSeconds: "
      "300, saDataSizeKilobytes: 1024}}}\n",
      "BadRequest 4:15 Connection 'c' cannot have usePolicyBasedTrafficSelectors: local network gateway "
      "'office' has no address prefix | write 'addressPrefixes' there\n" },
    /* overlaps: one session of two is not enough */
    { VNETS GATEWAYS "localNetworkGateways: {l1: {gatewayIpAddress: 203.0.113.1, addressPrefixes: "
                     "192.168.0.0/16, bgpSettings: {asn: 65050, bgpPeeringAddress: 192.168.0.1}}, l2: "
                     "{gatewayIpAddress: 203.0.113.2, addressPrefixes: 192.168.1.0/24}}\n"
                     "connections: {a: {virtualNetworkGateway1: gw, localNetworkGateway2: l1, enableBgp: "
                     "true}, b: {virtualNetworkGateway1: gw, localNetworkGateway2: l2}}\n",
      "BadRequest 4:145 Connection 'b' leads to local network gateway 'l2', whose address space overlaps "
      "that of local network gateway 'l1': virtual network gateway 'gw' must tell them apart | "
      "192.168.0.0/16, 192.168.1.0/24\n" },
    /* overlaps: BGP does not make the VNet's own network another's */
    { VNETS GATEWAYS "localNetworkGateways: {office: {gatewayIpAddress: 203.0.113.1, addressPrefixes: "
                     "10.1.0.0/24, bgpSettings: {asn: 65050, bgpPeeringAddress: 192.168.0.1}}}\n" TO_OFFICE,
      "BadRequest 4:69 Connection 'c' leads to local network gateway 'office', whose address space overlaps "
      "that of virtual network 'hub': virtual network gateway 'gw' must tell them apart | 10.1.0.0/16, "
      "10.1.0.0/24\n" },
    /* a site's device: its public address */
    { SITE "203.0.113.10}}}\n",
      "BadRequest 1:103 Site 's' cannot have bgpPeeringAddress 203.0.113.10: that is its publicIPAddress | "
      "the session goes through the tunnel: such as 192.168.255.254\n" },
    /* a host's */
    { SITE "192.168.0.9}}}\n",
      "BadRequest 1:103 Site 's' cannot have bgpPeeringAddress 192.168.0.9: host 'pc' has that address\n" },
    /* the last one of a prefix */
    { SITE "192.168.0.255}}}\n", "BadRequest 1:103 Site 's' cannot have bgpPeeringAddress 192.168.0.255: the "
                                 "first and last address of a prefix are no device's\n" },
    /* somebody's on the internet */
    { SITE "198.51.100.99}}}\n",
      "BadRequest 1:103 Site 's' cannot have bgpPeeringAddress 198.51.100.99: that is neither in a prefix of "
      "the site nor a private address | such as 192.168.255.254\n" },
    /* what a site cannot advertise */
    { SITE "192.168.0.1, advertisedPrefixes: ['fd00::/64', 10.0.0.0/8, 10.0.0.0/8]}}}\n",
      "BadRequest 1:103 Site 's' cannot advertise fd00::/64: that is no IPv4 prefix | VPN gateways carry "
      "IPv4\n"
      "BadRequest 1:103 Site 's' advertises 10.0.0.0/8 twice\n" },
    /* values that are none, and what is missing */
    { "virtualNetworkGateways: {gw: {vnet: hub, enableBgp: 1, bgpSettings: {asn: 0}}}\n"
      "localNetworkGateways: {a: {gatewayIpAddress: 203.0.113.1, bgpSettings: {asn: 65050}}, b: "
      "{gatewayIpAddress: 203.0.113.2, bgpSettings: {bgpPeeringAddress: 192.168.0.1}}, c: {gatewayIpAddress: "
      "203.0.113.3, bgpSettings: {asn: AS1, bgpPeeringAddress: here, peerWeight: -1, weight: 3}}}\n"
      "sites: {s: {publicIPAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/24, bgpSettings: {asn: 65050, "
      "bgpPeeringAddress: 192.168.0.1, asPathPrepend: 11, advertisedPrefixes: 10.0.0.1/8}}}\n"
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}}\n",
      "InvalidRequestContent 1:53 'enableBgp' must be true or false, not '1'\n"
      "InvalidRequestContent 1:75 'asn' must be a number from 1 to 4294967295, not '0'\n"
      "- 2:59 'bgpSettings' has no 'bgpPeeringAddress' | write 'bgpPeeringAddress: 192.168.255.254'\n"
      "- 2:122 'bgpSettings' has no 'asn' | write 'asn: 65050'\n"
      "InvalidRequestContent 2:224 'asn' must be a number from 1 to 4294967295, not 'AS1'\n"
      "InvalidRequestContent 2:248 'bgpPeeringAddress' must be an IPv4 address such as 192.168.255.254, not "
      "'here'\n"
      "InvalidRequestContent 2:266 'peerWeight' must be a number from 0 to 65535, not '-1'\n"
      "InvalidRequestContent 2:270 unknown key 'weight' in bgpSettings\n"
      "InvalidRequestContent 3:150 'asPathPrepend' must be a number from 0 to 10, not '11'\n"
      "InvalidCIDRNotation 3:174 prefix '10.0.0.1/8' has host bits set | use 10.0.0.0/8\n" },
    /* one mistake is said once, however much is built on it */
    { VNETS "virtualNetworkGateways: {gw: {vnet: hub, ASN: 65001}, fw: {vnet: far}}\n"
            "localNetworkGateways: {office: {gatewayIpAddress: 203.0.113.10, bgpSetings: {asn: 65050, "
            "bgpPeeringAddress: 192.168.0.1}}, branch: {gatewayIpAddress: 203.0.113.20, bgpSettings: {asn: "
            "65051, bgpPeeringAddress: 192.168.0.2}}}\n"
            "connections: {a: {virtualNetworkGateway1: gw, virtualNetworkGateway2: fw, enableBgp: true}, b: "
            "{virtualNetworkGateway1: fw, virtualNetworkGateway2: gw, enableBgp: true}, c: "
            "{virtualNetworkGateway1: fw, localNetworkGateway2: office, enableBgp: true}, d: "
            "{virtualNetworkGateway1: fw, localNetworkGateway2: branch, enableBGP: true}}\n",
      "InvalidRequestContent 2:42 unknown key 'ASN' in a virtual network gateway | did you mean 'asn'?\n"
      "InvalidRequestContent 3:65 unknown key 'bgpSetings' in a local network gateway | did you mean "
      "'bgpSettings'?\n"
      "InvalidRequestContent 4:313 unknown key 'enableBGP' in a connection | did you mean 'enableBgp'?\n" },
};

static void refusals_say_what_and_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        assert_refused_lab(refused[i].text, NULL, refused[i].expected);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_of_a_device_are_kept),
        cmocka_unit_test(nothing_to_advertise_is_not_the_default),
        cmocka_unit_test(set_changes_what_is_said_of_bgp),
        cmocka_unit_test(bgp_settings_are_set_as_a_whole),
        cmocka_unit_test(json_is_arms),
        cmocka_unit_test(a_pair_speaks_bgp_when_both_are_to),
        cmocka_unit_test(one_flag_of_a_pair_is_none),
        cmocka_unit_test(devices_with_bgp_may_have_the_same_behind_them),
        cmocka_unit_test(refusals_say_what_and_where),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
