/* Point-to-site of VPN gateways: vpnClientConfiguration, customRoutes, and what is refused of them. VPN spec 13, 16. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/mistakes.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

#define ROOT                                                                                                 \
    "MIIBbTCCAROgAwIBAgIUXkrAb0EBjHX2BmrQTFqMTmk3G9wwCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBUjAeFw0yNjExMjEyMDExND" \
    "ZaFw0zNTAyMDcyMDExNDZaMAwxCjAIBgNVBAMMAVIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQRcypoqG+"                  \
    "2aw2bxsmIhZyPjUog3FuUAzrJ8AkGzxMxXkYImF42sntzBRV22vhsbfC5WW+bKvaagZvHdUpv5/"                            \
    "Ano1MwUTAdBgNVHQ4EFgQUfPVuH+oamS/9Vt/vlBW72veyDjwwHwYDVR0jBBgwFoAUfPVuH+oamS/9Vt/"                      \
    "vlBW72veyDjwwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA8rW1SSAlt4kfmwIJ4HR3z2HPsotK65A83o87t/"    \
    "NEDgoCIGMZ9rD1faAPQ/b+6e/Guv60RAkXnezPipd70JjX5wAw"

#define HUB                                                                                                  \
    "vnets: {hub: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, GatewaySubnet: "                 \
    "10.11.255.0/27}}}\n"
#define POOL "vpnClientAddressPool: [172.16.201.0/24]"

static const char lab_text[] =
    HUB "virtualNetworkGateways:\n"
        "  gw:\n"
        "    vnet: hub\n"
        "    customRoutes: [10.99.0.0/16, 10.98.0.0/16]\n"
        "    vpnClientConfiguration:\n"
        "      vpnClientAddressPool: [172.16.201.0/24, 172.16.203.0/25]\n"
        "      vpnClientProtocols: [IkeV2]\n"
        "      vpnAuthenticationTypes: [certificate]\n"
        "      vpnClientRootCertificates: {P2SRootCert: {}, other: {publicCertData: " ROOT "}}\n"
        "      vpnClientRevokedCertificates:\n"
        "        stolen: {thumbprint: aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd}\n"
        "        lost: 0123456789abcdef0123456789ABCDEF01234567\n"
        "      vpnClientIpsecPolicies: {ikeEncryption: aes256, ikeIntegrity: SHA384, dhGroup: ECP384, "
        "ipsecEncryption: GCMAES256, ipsecIntegrity: GCMAES256, pfsGroup: None, saLifeTimeSeconds: 3600, "
        "saDataSizeKilobytes: 102400000}\n";

/* The same as ARM writes it. */
static const char arm_text[] =
    HUB "virtualNetworkGateways:\n"
        "  gw:\n"
        "    vnet: hub\n"
        "    customRoutes: {addressPrefixes: [10.99.0.0/16, 10.98.0.0/16]}\n"
        "    vpnClientConfiguration:\n"
        "      vpnClientAddressPool: {addressPrefixes: [172.16.201.0/24, 172.16.203.0/25]}\n"
        "      vpnClientProtocols: IkeV2\n"
        "      vpnClientRootCertificates:\n"
        "      - name: P2SRootCert\n"
        "      - {name: other, properties: {publicCertData: " ROOT "}}\n"
        "      vpnClientRevokedCertificates:\n"
        "      - {name: stolen, properties: {thumbprint: AABBCCDDEEFF00112233445566778899AABBCCDD}}\n"
        "      - {name: lost, thumbprint: 01 23 45 67 89 ab cd ef 01 23 45 67 89 AB CD EF 01 23 45 67}\n"
        "      vpnClientIpsecPolicies: [{ikeEncryption: AES256, ikeIntegrity: SHA384, dhGroup: ECP384, "
        "ipsecEncryption: GCMAES256, ipsecIntegrity: GCMAES256, pfsGroup: None, saLifeTimeSeconds: 3600, "
        "saDataSizeKilobytes: 102400000}]\n";

static void assert_read(const struct vnl_lab *lab)
{
    const struct vnl_vpn_gateway *gateway = lab->gateways[0];
    const struct vnl_p2s *p2s = gateway->p2s;
    char text[VNL_PREFIX_STR];

    assert_int_equal(gateway->custom_routes.n, 2);
    assert_string_equal(vnl_prefix_format(&gateway->custom_routes.items[1], text), "10.98.0.0/16");
    assert_int_equal(p2s->pool.n, 2);
    assert_string_equal(vnl_prefix_format(&p2s->pool.items[0], text), "172.16.201.0/24");
    assert_string_equal(vnl_prefix_format(&p2s->pool.items[1], text), "172.16.203.0/25");
    assert_int_equal(p2s->n_roots, 2);
    assert_string_equal(p2s->roots[0].name, "P2SRootCert");
    assert_null(p2s->roots[0].data);
    assert_ptr_equal(vnl_p2s_root_lookup(p2s, "OTHER"), &p2s->roots[1]);
    assert_string_equal(p2s->roots[1].data, ROOT);
    assert_int_equal(p2s->n_revoked, 2);
    assert_string_equal(p2s->revoked[0].name, "stolen");
    assert_string_equal(p2s->revoked[0].thumbprint, "AABBCCDDEEFF00112233445566778899AABBCCDD");
    assert_string_equal(p2s->revoked[1].thumbprint, "0123456789ABCDEF0123456789ABCDEF01234567");
    assert_true(p2s->policy.written);
    assert_string_equal(p2s->policy.ike_encryption, "AES256");
    assert_int_equal(p2s->policy.lifetime_s, 3600);
}

static void a_configuration_is_read_and_stored(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);

    (void)state;
    assert_read(lab);
    assert_read(again);
    assert_int_equal(again->gateways[0]->custom_src.line, 5);
    assert_int_equal(again->gateways[0]->p2s->src.line, 7);
    assert_int_equal(again->gateways[0]->p2s->pool_src.col, 29);
    assert_int_equal(again->gateways[0]->p2s->roots[1].src.line, 10);
    assert_int_equal(again->gateways[0]->p2s->revoked[1].src.line, 13);
    assert_int_equal(again->gateways[0]->p2s->policy.src.line, 14);
}

static void arms_form_is_read_too(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(arm_text, NULL);

    (void)state;
    assert_read(lab);
}

static void a_certificate_may_have_blanks(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab =
        settled_lab(HUB "virtualNetworkGateways:\n  gw:\n    vnet: hub\n"
                        "    vpnClientConfiguration:\n      " POOL "\n"
                        "      vpnClientRootCertificates:\n        r:\n"
                        "          publicCertData: |\n            MAYC\n            AQEC AQI=\n",
                    NULL);

    (void)state;
    assert_string_equal(lab->gateways[0]->p2s->roots[0].data, "MAYCAQECAQI=");
}

static void a_gateway_without_it_has_none(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab =
        settled_lab(HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: ~}}\n", NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_vpn_gateway_to_json(lab->gateways[0]);
    struct vnl_json *properties = vnl_json_get(json, "properties");

    (void)state;
    assert_null(lab->gateways[0]->p2s);
    assert_null(again->gateways[0]->p2s);
    assert_non_null(properties);
    assert_null(vnl_json_get(properties, "vpnClientConfiguration"));
    assert_null(vnl_json_get(properties, "customRoutes"));
}

static const char *text_at(const struct vnl_json *list, size_t at, const char *key)
{
    return vnl_json_get_text(vnl_json_get(vnl_json_at(list, at), "properties"), key);
}

static void json_is_in_arms_form(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_vpn_gateway_to_json(lab->gateways[0]);
    struct vnl_json *properties = vnl_json_get(json, "properties");
    struct vnl_json *p2s = vnl_json_get(properties, "vpnClientConfiguration");
    struct vnl_json *roots = vnl_json_get(p2s, "vpnClientRootCertificates");
    struct vnl_json *revoked = vnl_json_get(p2s, "vpnClientRevokedCertificates");
    CLEANUP(vnl_str_free) char *text = NULL;

    (void)state;
    assert_int_equal(vnl_json_format(vnl_json_get(p2s, "vpnClientAddressPool"), 0, &text, NULL), 0);
    assert_string_equal(text, "{\"addressPrefixes\": [\"172.16.201.0/24\", \"172.16.203.0/25\"]}");
    assert_int_equal(vnl_json_len(roots), 2);
    assert_string_equal(vnl_json_get_text(vnl_json_at(roots, 0), "name"), "P2SRootCert");
    assert_null(text_at(roots, 0, "publicCertData"));
    assert_string_equal(text_at(roots, 1, "publicCertData"), ROOT);
    assert_string_equal(text_at(revoked, 0, "thumbprint"), "AABBCCDDEEFF00112233445566778899AABBCCDD");
    assert_int_equal(vnl_json_len(vnl_json_get(p2s, "vpnClientIpsecPolicies")), 1);
    assert_non_null(vnl_json_get(properties, "customRoutes"));
}

/* What is asked for, and all that is said to it. */
static const struct {
    const char *text, *expected;
} refused[] = {
    /* what is needed */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {}}}\n",
      "BadRequest 2:66 The vpnClientConfiguration of virtual network gateway 'gw' has no address pool | "
      "write 'vpnClientAddressPool: [172.16.201.0/24]'\n"
      "BadRequest 2:66 The vpnClientConfiguration of virtual network gateway 'gw' has no root certificate | "
      "write 'vpnClientRootCertificates: {P2SRootCert: {}}': the lab makes it\n" },
    /* RouteBased, and not Basic */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic, vpnClientConfiguration: "
          "{vpnClientAddressPool: [172.16.201.0/24], vpnClientRootCertificates: {r: {}}}}}\n",
      "BadRequest 2:78 Virtual network gateway 'gw' cannot have a vpnClientConfiguration: SKU Basic has no "
      "IkeV2 clients | such as 'sku: VpnGw1'\n" },
    { HUB
      "virtualNetworkGateways: {gw: {vnet: hub, sku: Basic, vpnType: PolicyBased, vpnClientConfiguration: "
      "{vpnClientAddressPool: [172.16.201.0/24], vpnClientRootCertificates: {r: {}}}}}\n",
      "BadRequest 2:100 Virtual network gateway 'gw' cannot have a vpnClientConfiguration: it is PolicyBased "
      "| clients need 'vpnType: RouteBased', and another SKU than Basic\n" },
    /* protocols and authentication */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientProtocols: [IkeV2, OpenVPN, sstp], vpnAuthenticationTypes: [AAD, "
          "Radius], vpnClientRootCertificates: {r: {}}}}}\n",
      "InvalidRequestContent 2:136 'vpnClientProtocols: OpenVPN' is not supported yet\n"
      "InvalidRequestContent 2:145 'vpnClientProtocols: SSTP' is not supported yet\n"
      "InvalidRequestContent 2:177 'vpnAuthenticationTypes: AAD' is not supported yet\n"
      "InvalidRequestContent 2:182 'vpnAuthenticationTypes: Radius' is not supported yet\n" },
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientProtocols: [], vpnAuthenticationTypes: PSK, "
          "vpnClientRootCertificates: {r: {}}}}}\n",
      "InvalidRequestContent 2:128 'vpnClientProtocols' must contain IkeV2\n"
      "InvalidRequestContent 2:156 'vpnAuthenticationTypes' must be Certificate, not 'PSK'\n" },
    /* what is not there yet */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientRootCertificates: {r: {}}, radiusServers: [], aadTenant: x}}}\n",
      "InvalidRequestContent 2:144 'radiusServers' is not supported yet\n"
      "InvalidRequestContent 2:163 'aadTenant' is not supported yet\n" },
    /* a pool of another kind, too small, or twice */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[fd00::/64, 172.16.201.7/32], vpnClientRootCertificates: {r: {}}}}}\n",
      "BadRequest 2:89 The address pool of virtual network gateway 'gw' cannot have fd00::/64: that is no "
      "IPv4 prefix | VPN gateways carry IPv4\n"
      "BadRequest 2:89 The address pool of virtual network gateway 'gw' cannot have 172.16.201.7/32: the "
      "smallest is /31 | its first address is nobody's\n" },
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24, 172.16.0.0/16], vpnClientRootCertificates: {r: {}}}}}\n",
      "BadRequest 2:89 Prefixes 172.16.201.0/24 and 172.16.0.0/16 of the address pool of virtual network "
      "gateway 'gw' overlap\n" },
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "172.16.201.1/24, vpnClientRootCertificates: {r: {}}}}}\n",
      "InvalidCIDRNotation 2:89 prefix '172.16.201.1/24' has host bits set | use 172.16.201.0/24\n" },
    /* in the VNet */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24, 10.11.128.0/24], vpnClientRootCertificates: {r: {}}}}}\n",
      "BadRequest 2:89 The address pool of virtual network gateway 'gw' overlaps the address space of "
      "virtual network 'hub' | 10.11.128.0/24, 10.11.0.0/16\n" },
    /* in a VNet that uses the gateway */
    { "vnets: {hub: {addressSpace: [10.11.0.0/16], subnets: {GatewaySubnet: 10.11.255.0/27}, peerings: {p: "
      "{remoteVirtualNetwork: spoke, allowGatewayTransit: true}}}, spoke: {addressSpace: 10.20.0.0/16, "
      "subnets: {a: 10.20.0.0/24}, peerings: {p: {remoteVirtualNetwork: hub, useRemoteGateways: true}}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: 10.20.9.0/24, "
      "vpnClientRootCertificates: {r: {}}}}}\n",
      "BadRequest 2:89 The address pool of virtual network gateway 'gw' overlaps the address space of "
      "virtual network 'spoke' | 10.20.9.0/24, 10.20.0.0/16\n" },
    /* in a site */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "192.168.9.0/24, vpnClientRootCertificates: {r: {}}}}}\n"
          "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16]}}\n"
          "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, sharedKey: k}}\n",
      "BadRequest 2:89 The address pool of virtual network gateway 'gw' overlaps the address space of local "
      "network gateway 'lng' | 192.168.9.0/24, 192.168.0.0/16\n" },
    /* in the far VNet of a connection, and in the far pool */
    { "vnets: {hub: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, GatewaySubnet: "
      "10.11.255.0/27}}, far: {addressSpace: 10.41.0.0/16, subnets: {GatewaySubnet: 10.41.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: 10.41.9.0/24, "
      "vpnClientRootCertificates: {r: {}}}}, far-gw: {vnet: far, vpnClientConfiguration: "
      "{vpnClientAddressPool: [172.16.201.0/24], vpnClientRootCertificates: {r: {}}}}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, virtualNetworkGateway2: far-gw, sharedKey: k}}\n",
      "BadRequest 2:89 The address pool of virtual network gateway 'gw' overlaps the address space of "
      "virtual network 'far' | 10.41.9.0/24, 10.41.0.0/16\n" },
    { "vnets: {hub: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, GatewaySubnet: "
      "10.11.255.0/27}}, far: {addressSpace: 10.41.0.0/16, subnets: {GatewaySubnet: 10.41.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
      "172.16.201.128/25, vpnClientRootCertificates: {r: {}}}}, far-gw: {vnet: far, vpnClientConfiguration: "
      "{vpnClientAddressPool: [172.16.201.0/24], vpnClientRootCertificates: {r: {}}}}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, virtualNetworkGateway2: far-gw, sharedKey: k}}\n",
      "BadRequest 2:89 The address pool of virtual network gateway 'gw' overlaps that of virtual network "
      "gateway 'far-gw' | 172.16.201.128/25, 172.16.201.0/24\n" },
    /* customRoutes */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, customRoutes: {addressPrefixes: ['fd00::/64'], prefixes: "
          "[]}, vpnClientConfiguration: {vpnClientAddressPool: [172.16.201.0/24], vpnClientRootCertificates: "
          "{r: {}}}}}\n",
      "BadRequest 2:56 customRoutes of virtual network gateway 'gw' cannot have fd00::/64: that is no IPv4 "
      "prefix | VPN gateways carry IPv4\n"
      "InvalidRequestContent 2:89 unknown key 'prefixes' in an address space\n" },
    /* certificates */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientRootCertificates: {a: {publicCertData: '-----BEGIN "
          "CERTIFICATE-----'}, b: MAYCAQECAQI, c: MAYCAQECAQIx, d: {publicCertData: [x]}}}}}\n",
      "BadRequest 2:136 publicCertData of root certificate 'a' of virtual network gateway 'gw' is no base64 "
      "| the text between BEGIN CERTIFICATE and END CERTIFICATE, without these lines\n"
      "BadRequest 2:188 publicCertData of root certificate 'b' of virtual network gateway 'gw' is no base64 "
      "| the text between BEGIN CERTIFICATE and END CERTIFICATE, without these lines\n"
      "BadRequest 2:204 publicCertData of root certificate 'c' of virtual network gateway 'gw' is no X.509 "
      "certificate | the text between BEGIN CERTIFICATE and END CERTIFICATE, without these lines\n"
      "InvalidRequestContent 2:241 'publicCertData' must be base64, not a list\n" },
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientRootCertificates: [{name: a}, {name: A}, {name: 'a b'}, "
          "{publicCertData: x}, {name: c, key: x}]}}}\n",
      "InvalidTemplate 2:154 The root certificate 'A' of virtual network gateway 'gw' is defined multiple "
      "times | names of root certificates are compared without case\n"
      "InvalidResourceName 2:165 Resource name 'a b' is invalid for a root certificate | 1 to 80 letters, "
      "digits, '_', '.', '-'; starts with a letter or digit, ends with one or '_'\n"
      "InvalidRequestContent 2:173 a root certificate in a list has no 'name' | such as {name: P2SRootCert}\n"
      "InvalidRequestContent 2:204 unknown key 'key' in a root certificate\n" },
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientRootCertificates: r}}}\n",
      "InvalidRequestContent 2:135 'vpnClientRootCertificates' must be a map, not 'r'\n" },
    /* revoked ones */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientRootCertificates: {r: {}}, vpnClientRevokedCertificates: {a: {}, b: "
          "'AA:BB', d: XX23456789abcdef0123456789ABCDEF01234567}}}}\n",
      "BadRequest 2:175 Revoked certificate 'a' of virtual network gateway 'gw' has no thumbprint | 'vnetlab "
      "show CLIENT' tells it\n"
      "BadRequest 2:182 Thumbprint 'AABB' of revoked certificate 'b' of virtual network gateway 'gw' is not "
      "40 hexadecimal digits | 'vnetlab show CLIENT' tells it\n"
      "BadRequest 2:194 Thumbprint 'XX23456789ABCDEF0123456789ABCDEF01234567' of revoked certificate 'd' of "
      "virtual network gateway 'gw' is not 40 hexadecimal digits | 'vnetlab show CLIENT' tells it\n" },
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientRootCertificates: {r: {}}, vpnClientRevokedCertificates: [{name: a, "
          "thumbprint: 0123456789abcdef0123456789ABCDEF01234567}, {name: a, thumbprint: "
          "0123456789abcdef0123456789ABCDEF01234567}]}}}\n",
      "InvalidTemplate 2:247 The revoked certificate 'a' of virtual network gateway 'gw' is defined multiple "
      "times | names of revoked certificates are compared without case\n" },
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientRootCertificates: {r: {}}, vpnClientRevokedCertificates: {c: "
          "{thumbprint: []}}}}}\n",
      "InvalidRequestContent 2:191 'thumbprint' must be 40 hexadecimal digits, not a list\n" },
    /* a policy */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientRootCertificates: {r: {}}, vpnClientIpsecPolicies: {ikeEncryption: "
          "AES25, ikeIntegrity: SHA384, dhGroup: ECP384, ipsecEncryption: GCMAES256, ipsecIntegrity: SHA256, "
          "pfsGroup: None, saLifeTimeSeconds: 30}}}}\n",
      "BadRequest 2:168 ikeEncryption of the clients of virtual network gateway 'gw' cannot be 'AES25' | did "
      "you mean 'AES256'?\n"
      "BadRequest 2:168 ipsecEncryption GCMAES256 and ipsecIntegrity SHA256 of the clients of virtual "
      "network gateway 'gw' do not go together | with GCM both are the same word: it is encryption and "
      "integrity in one\n"
      "BadRequest 2:168 saLifeTimeSeconds of the clients of virtual network gateway 'gw' is 30; at least 300 "
      "is needed\n"
      "BadRequest 2:168 The IPsec policy of the clients of virtual network gateway 'gw' has no "
      "saDataSizeKilobytes | all eight fields are required\n" },
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientRootCertificates: {r: {}}, vpnClientIpsecPolicies: [{}, {}]}}}\n",
      "InvalidRequestContent 2:173 'vpnClientIpsecPolicies' has 2 policies: point-to-site has one\n" },
    /* more roots than Azure takes */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientRootCertificates: {r0: {}, r1: {}, r2: {}, r3: {}, r4: {}, r5: {}, "
          "r6: {}, r7: {}, r8: {}, r9: {}, r10: {}, r11: {}, r12: {}, r13: {}, r14: {}, r15: {}, r16: {}, "
          "r17: {}, r18: {}, r19: {}, r20: {}}}}}\n",
      "BadRequest 2:306 Virtual network gateway 'gw' has 21 root certificates; at most 20 are allowed\n" },
    /* a misspelled key */
    { HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
          "[172.16.201.0/24], vpnClientRootCertificates: {r: {}}, vpnClientProtocol: IkeV2}}}\n",
      "InvalidRequestContent 2:144 unknown key 'vpnClientProtocol' in vpnClientConfiguration | did you mean "
      "'vpnClientProtocols'?\n" },
};

static void refusals_say_what_and_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        assert_refused_lab(refused[i].text, NULL, refused[i].expected);
}

/* Each instance gives out its half. */
static void an_active_active_gateway_needs_a_larger_pool(void **state)
{
    static const char text[] =
        HUB "virtualNetworkGateways: {gw: {vnet: hub, vpnClientConfiguration: {vpnClientAddressPool: "
            "172.16.201.0/31, vpnClientRootCertificates: {r: {}}}}}\n";
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    const struct vnl_err *one;

    (void)state;
    assert_int_equal(vnl_lab_load_text("f.yaml", text, strlen(text), &lab, NULL), 0);
    lab->gateways[0]->active_active = true;
    assert_int_equal(vnl_lab_resolve(lab, &err), -EINVAL);
    for (one = err; one && !strstr(one->msg, "address pool");)
        one = one->next;
    assert_non_null(one);
    assert_string_equal(one->msg, "The address pool of virtual network gateway 'gw' cannot have "
                                  "172.16.201.0/31: the smallest is /30");
    assert_string_equal(one->hint, "each instance has one half of it");
}

/* The store's document is asked for what others rely on. */
static void a_document_without_a_root_is_refused(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(lab_text, NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_json *resources, *p2s = NULL;

    (void)state;
    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    resources = vnl_json_get(json, "resources");
    for (size_t i = 0; !p2s && i < vnl_json_len(resources); i++)
        p2s = vnl_json_get(vnl_json_get(vnl_json_at(resources, i), "properties"), "vpnClientConfiguration");
    assert_int_equal(vnl_json_set(p2s, "vpnClientRootCertificates", vnl_json_array()), 0);
    assert_true(vnl_lab_from_json(json, &again, &err) < 0);
    assert_non_null(strstr(err->msg, "'vpnClientConfiguration': 'vpnClientRootCertificates' is empty"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_is_read_and_stored),
        cmocka_unit_test(arms_form_is_read_too),
        cmocka_unit_test(a_certificate_may_have_blanks),
        cmocka_unit_test(a_gateway_without_it_has_none),
        cmocka_unit_test(json_is_in_arms_form),
        cmocka_unit_test(refusals_say_what_and_where),
        cmocka_unit_test(an_active_active_gateway_needs_a_larger_pool),
        cmocka_unit_test(a_document_without_a_root_is_refused),
    };

    return cmocka_run_group_tests_name("point-to-site", tests, NULL, NULL);
}
