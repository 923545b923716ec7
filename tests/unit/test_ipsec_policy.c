/* IPsec policies: their words and rules, and what strongSwan is told. VPN spec 7. */
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

static void expect_words(const char *ike_encryption, const char *ike_integrity, const char *dh,
                         const char *encryption, const char *integrity, const char *pfs, const char *ike,
                         const char *esp)
{
    const struct vnl_ipsec_policy policy = { .written = true,
                                             .ike_encryption = (char *)ike_encryption,
                                             .ike_integrity = (char *)ike_integrity,
                                             .dh_group = (char *)dh,
                                             .ipsec_encryption = (char *)encryption,
                                             .ipsec_integrity = (char *)integrity,
                                             .pfs_group = (char *)pfs };
    CLEANUP(vnl_str_free) char *ike_text = NULL;
    CLEANUP(vnl_str_free) char *esp_text = NULL;

    assert_true(vnl_ipsec_policy_known(&policy));
    ike_text = vnl_ike_proposals(&policy);
    esp_text = vnl_esp_proposals(&policy);
    assert_string_equal(ike_text, ike);
    assert_string_equal(esp_text, esp);
}

/* Spec 7.1, 7.2 and 7.4. */
static void without_a_policy_azures_lists_are_offered(void **state)
{
    const struct vnl_ipsec_policy none = { 0 };
    CLEANUP(vnl_str_free) char *ike = vnl_ike_proposals(&none);
    CLEANUP(vnl_str_free) char *esp = vnl_esp_proposals(&none);

    (void)state;
    assert_string_equal(ike, "aes256-sha1-modp1024,aes256-sha256-modp1024,aes128-sha1-modp1024,"
                             "aes128-sha256-modp1024,3des-sha1-modp1024,3des-sha256-modp1024");
    assert_string_equal(esp, "aes256gcm16,aes256-sha1,3des-sha1,aes256-sha256,aes128-sha1,3des-sha256");
}

/* Spec 13: IKEv2's. */
static void clients_of_a_gateway_have_lists_of_their_own(void **state)
{
    const struct vnl_ipsec_policy none = { 0 };
    CLEANUP(vnl_str_free) char *ike = vnl_p2s_ike_proposals(&none);
    CLEANUP(vnl_str_free) char *esp = vnl_p2s_esp_proposals(&none);

    (void)state;
    assert_string_equal(
        ike, "aes256gcm16-prfsha384-modp2048s256,aes256gcm16-prfsha384-modp2048,aes256gcm16-prfsha384-ecp384,"
             "aes256gcm16-prfsha384-ecp256,aes256gcm16-prfsha256-modp2048s256,aes256gcm16-prfsha256-modp2048,"
             "aes256gcm16-prfsha256-ecp384,aes256gcm16-prfsha256-ecp256,aes256-sha384-modp2048s256,"
             "aes256-sha384-modp2048,aes256-sha384-ecp384,aes256-sha384-ecp256,aes256-sha256-modp2048s256,"
             "aes256-sha256-modp2048,aes256-sha256-ecp384,aes256-sha256-ecp256,aes256-sha256-modp1024");
    assert_string_equal(
        esp,
        "aes256gcm16,aes256gcm16-modp2048s256,aes256gcm16-modp2048,aes256gcm16-ecp384,aes256gcm16-ecp256,"
        "aes256-sha256,aes256-sha256-modp2048s256,aes256-sha256-modp2048,aes256-sha256-ecp384,"
        "aes256-sha256-ecp256,aes256-sha1");
}

static void clients_of_a_gateway_keep_to_its_policy(void **state)
{
    const struct vnl_ipsec_policy policy = { .written = true,
                                             .ike_encryption = (char *)"AES256",
                                             .ike_integrity = (char *)"SHA256",
                                             .dh_group = (char *)"DHGroup14",
                                             .ipsec_encryption = (char *)"AES256",
                                             .ipsec_integrity = (char *)"SHA256",
                                             .pfs_group = (char *)"PFS2048" };
    CLEANUP(vnl_str_free) char *ike = vnl_p2s_ike_proposals(&policy);
    CLEANUP(vnl_str_free) char *esp = vnl_p2s_esp_proposals(&policy);

    (void)state;
    assert_string_equal(ike, "aes256-sha256-modp2048");
    assert_string_equal(esp, "aes256-sha256-modp2048");
}

static void a_policy_is_said_in_strongswans_words(void **state)
{
    (void)state;
    expect_words("AES256", "SHA384", "DHGroup24", "GCMAES256", "GCMAES256", "PFS24",
                 "aes256-sha384-modp2048s256", "aes256gcm16-modp2048s256");
    expect_words("GCMAES256", "SHA384", "ECP384", "AES128", "SHA256", "None", "aes256gcm16-prfsha384-ecp384",
                 "aes128-sha256");
    expect_words("GCMAES128", "GCMAES128", "ECP256", "GCMAES192", "GCMAES192", "PFSMM",
                 "aes128gcm16-prfsha256-ecp256", "aes192gcm16-ecp256");
    expect_words("DES3", "MD5", "DHGroup1", "DES", "MD5", "PFS1", "3des-md5-modp768", "des-md5-modp768");
    expect_words("AES192", "SHA1", "DHGroup2048", "None", "SHA1", "PFS2048", "aes192-sha1-modp2048",
                 "null-sha1-modp2048");
    expect_words("DES", "SHA256", "DHGroup14", "DES3", "SHA256", "PFS14", "des-sha256-modp2048",
                 "3des-sha256-modp2048");
    expect_words("AES128", "SHA256", "DHGroup2", "AES192", "SHA1", "PFS2", "aes128-sha256-modp1024",
                 "aes192-sha1-modp1024");
    expect_words("AES128", "SHA256", "DHGroup2", "GCMAES128", "GCMAES128", "ECP384", "aes128-sha256-modp1024",
                 "aes128gcm16-ecp384");
}

static void words_are_kept_as_azure_spells_them(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}}\n"
        "virtualNetworkGateways: {gw: {vnet: hub}}\n"
        "localNetworkGateways: {l: {gatewayIpAddress: 203.0.113.1, addressPrefixes: 192.168.0.0/16}}\n"
        "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: l, "
        "usePolicyBasedTrafficSelectors: true, ipsecPolicies: [{ikeEncryption: aes256, ikeIntegrity: sha256, "
        "dhGroup: dhgroup14, ipsecEncryption: gcmaes256, ipsecIntegrity: GcmAes256, pfsGroup: pfsmm, "
        "saLifeTimeSeconds: 300, saDataSizeKilobytes: 1024}]}}\n",
        NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);
    const struct vnl_ipsec_policy *policy = &again->connections[0]->policy;

    (void)state;
    assert_true(policy->written);
    assert_string_equal(policy->ike_encryption, "AES256");
    assert_string_equal(policy->dh_group, "DHGroup14");
    assert_string_equal(policy->ipsec_integrity, "GCMAES256");
    assert_string_equal(policy->pfs_group, "PFSMM");
    assert_int_equal(policy->lifetime_s, 300);
    assert_int_equal(policy->lifetime_kib, 1024);
    assert_true(again->connections[0]->policy_selectors);
    assert_int_equal(vnl_lab_set(lab, "connections.c.ipsecPolicies", "null", NULL), 0);
    assert_int_equal(vnl_lab_set(lab, "connections.c.usePolicyBasedTrafficSelectors", "false", NULL), 0);
    assert_int_equal(vnl_lab_resolve(lab, NULL), 0);
    assert_int_equal(vnl_lab_settle(lab, again, NULL), 0);
    assert_false(lab->connections[0]->policy.written);
}

/* What is in force (NULL: nothing), what is asked for, and all that is said to it. */
static const struct {
    const char *before, *text, *expected;
} refused[] = {
    /* GCM and its integrity */ {
        NULL,
        "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
        "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
        "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
        "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
        "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, ipsecPolicies: "
        "[{ikeEncryption: AES256, ikeIntegrity: SHA384, dhGroup: DHGroup24, ipsecEncryption: GCMAES256, "
        "ipsecIntegrity: SHA256, pfsGroup: PFS24, saLifeTimeSeconds: 3600, saDataSizeKilobytes: "
        "102400000}]}}\n",
        "BadRequest 4:90 ipsecEncryption GCMAES256 and ipsecIntegrity SHA256 of connection 'c' do not go "
        "together | with GCM both are the same word: it is encryption and integrity in one\n" },
    /* integrity of GCM without it */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, ipsecPolicies: "
      "[{ikeEncryption: AES256, ikeIntegrity: SHA384, dhGroup: DHGroup24, ipsecEncryption: AES256, "
      "ipsecIntegrity: GCMAES256, pfsGroup: PFS24, saLifeTimeSeconds: 3600, saDataSizeKilobytes: "
      "102400000}]}}\n",
      "BadRequest 4:90 ipsecEncryption AES256 and ipsecIntegrity GCMAES256 of connection 'c' do not go "
      "together | with GCM both are the same word: it is encryption and integrity in one\n" },
    /* seven fields */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, ipsecPolicies: "
      "[{ikeEncryption: AES256, ikeIntegrity: SHA384, dhGroup: DHGroup24, ipsecEncryption: GCMAES256, "
      "ipsecIntegrity: GCMAES256, saLifeTimeSeconds: 3600, saDataSizeKilobytes: 102400000}]}}\n",
      "BadRequest 4:90 The IPsec policy of connection 'c' has no pfsGroup | all eight fields are "
      "required\n" },
    /* six of them */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, ipsecPolicies: "
      "[{ikeEncryption: AES256, dhGroup: DHGroup24, ipsecEncryption: GCMAES256, ipsecIntegrity: GCMAES256, "
      "pfsGroup: PFS24, saDataSizeKilobytes: 102400000}]}}\n",
      "BadRequest 4:90 The IPsec policy of connection 'c' has no ikeIntegrity | all eight fields are "
      "required\n"
      "BadRequest 4:90 The IPsec policy of connection 'c' has no saLifeTimeSeconds | all eight fields are "
      "required\n" },
    /* minima */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, ipsecPolicies: "
      "[{ikeEncryption: AES256, ikeIntegrity: SHA384, dhGroup: DHGroup24, ipsecEncryption: GCMAES256, "
      "ipsecIntegrity: GCMAES256, pfsGroup: PFS24, saLifeTimeSeconds: 299, saDataSizeKilobytes: 1023}]}}\n",
      "BadRequest 4:90 saLifeTimeSeconds of connection 'c' is 299; at least 300 is needed\n"
      "BadRequest 4:90 saDataSizeKilobytes of connection 'c' is 1023; at least 1024 is needed\n" },
    /* words */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, ipsecPolicies: "
      "[{ikeEncryption: AES255, ikeIntegrity: SHA512, dhGroup: DHGroup5, ipsecEncryption: CHACHA20, "
      "ipsecIntegrity: SHA384, pfsGroup: PFS3, saLifeTimeSeconds: 3600, saDataSizeKilobytes: 102400000}]}}\n",
      "BadRequest 4:90 ikeEncryption of connection 'c' cannot be 'AES255' | did you mean 'AES256'?\n"
      "BadRequest 4:90 ikeIntegrity of connection 'c' cannot be 'SHA512' | did you mean 'SHA1'?\n"
      "BadRequest 4:90 dhGroup of connection 'c' cannot be 'DHGroup5' | did you mean 'DHGroup2'?\n"
      "BadRequest 4:90 ipsecEncryption of connection 'c' cannot be 'CHACHA20' | GCMAES256, GCMAES192, "
      "GCMAES128, AES256, AES192, AES128, DES3, DES, None\n"
      "BadRequest 4:90 ipsecIntegrity of connection 'c' cannot be 'SHA384' | GCMAES256, GCMAES192, "
      "GCMAES128, SHA256, SHA1, MD5\n"
      "BadRequest 4:90 pfsGroup of connection 'c' cannot be 'PFS3' | did you mean 'PFS2'?\n" },
    /* a group is needed */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, ipsecPolicies: "
      "[{ikeEncryption: AES256, ikeIntegrity: SHA384, dhGroup: None, ipsecEncryption: GCMAES256, "
      "ipsecIntegrity: GCMAES256, pfsGroup: PFS24, saLifeTimeSeconds: 3600, saDataSizeKilobytes: "
      "102400000}]}}\n",
      "BadRequest 4:90 dhGroup of connection 'c' cannot be None: IKE has no key without a group | such as "
      "DHGroup14\n" },
    /* GCM integrity of IKE */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, ipsecPolicies: "
      "[{ikeEncryption: AES256, ikeIntegrity: GCMAES256, dhGroup: DHGroup24, ipsecEncryption: GCMAES256, "
      "ipsecIntegrity: GCMAES256, pfsGroup: PFS24, saLifeTimeSeconds: 3600, saDataSizeKilobytes: "
      "102400000}]}}\n",
      "BadRequest 4:90 ikeIntegrity GCMAES256 of connection 'c' goes with GCM encryption only, and "
      "ikeEncryption is AES256 | such as SHA256\n" },
    /* one policy */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, ipsecPolicies: "
      "[{ikeEncryption: AES256, ikeIntegrity: SHA384, dhGroup: DHGroup24, ipsecEncryption: GCMAES256, "
      "ipsecIntegrity: GCMAES256, pfsGroup: PFS24, saLifeTimeSeconds: 3600, saDataSizeKilobytes: 102400000}, "
      "{ikeEncryption: AES256, ikeIntegrity: SHA384, dhGroup: DHGroup24, ipsecEncryption: GCMAES256, "
      "ipsecIntegrity: GCMAES256, pfsGroup: PFS24, saLifeTimeSeconds: 3600, saDataSizeKilobytes: "
      "102400000}]}}\n",
      "InvalidRequestContent 4:286 'ipsecPolicies' has 2 policies: a connection has one\n" },
    /* no list of words */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, ipsecPolicies: [AES256]}}\n",
      "InvalidRequestContent 4:90 'ipsecPolicies' must be a list of one policy, not 'AES256'\n" },
    /* a misspelled field */
    { NULL,
      "vnets: {hub: {addressSpace: 10.1.0.0/16, subnets: {a: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}, "
      "far: {addressSpace: 10.2.0.0/16, subnets: {GatewaySubnet: 10.2.255.0/27}}}\n"
      "virtualNetworkGateways: {gw: {vnet: hub}, fw: {vnet: far}}\n"
      "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: 192.168.0.0/16}}\n"
      "connections: {c: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, ipsecPolicies: "
      "[{ikeEncryption: AES256, ikeIntegrity: SHA384, dhGroup: DHGroup24, ipsecEncryption: GCMAES256, "
      "ipsecIntegrity: GCMAES256, pfsgroup: PFS24, saLifeTimeSeconds: 3600, saDataSizeKilobytes: "
      "102400000}]}}\n",
      "InvalidRequestContent 4:211 unknown key 'pfsgroup' in an IPsec policy | did you mean 'pfsGroup'?\n" },
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
        cmocka_unit_test(without_a_policy_azures_lists_are_offered),
        cmocka_unit_test(clients_of_a_gateway_have_lists_of_their_own),
        cmocka_unit_test(clients_of_a_gateway_keep_to_its_policy),
        cmocka_unit_test(a_policy_is_said_in_strongswans_words),
        cmocka_unit_test(words_are_kept_as_azure_spells_them),
        cmocka_unit_test(refusals_say_what_and_where),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
