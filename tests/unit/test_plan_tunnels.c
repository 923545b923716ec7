/* Ends of tunnels in the plan: who is at the other end, who starts, what is offered, and which prefixes are selected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../harness/plans.h"
#include "vnetlab/base.h"

/* Two VNets with gateways gw1 (198.51.100.1) and gw2 (.2), and what else there is. */
#define LAB(more)                                                                                            \
    "name: t\n"                                                                                              \
    "vnets:\n"                                                                                               \
    "  v1: {addressSpace: [10.1.0.0/16, 10.2.0.0/16], subnets: {GatewaySubnet: 10.1.255.0/27}}\n"            \
    "  v2: {addressSpace: [10.4.0.0/16], subnets: {GatewaySubnet: 10.4.255.0/27}}\n"                         \
    "publicIPAddresses: {ip1: {ipAddress: 198.51.100.1}, ip2: {ipAddress: 198.51.100.2}}\n"                  \
    "virtualNetworkGateways: {gw1: {vnet: v1, publicIPAddress: ip1}, gw2: {vnet: v2, publicIPAddress: "      \
    "ip2}}\n" more
#define END(name, from, kind, to, more)                                                                      \
    name ": {virtualNetworkGateway1: " from ", " kind ": " to ", sharedKey: aabbcc" more "}"
#define V2V(name, from, to, more)   END(name, from, "virtualNetworkGateway2", to, more)
#define S2S(name, from, to, more)   END(name, from, "localNetworkGateway2", to, more)
#define LOCAL(name, addr, prefixes) name ": {gatewayIpAddress: " addr ", addressPrefixes: [" prefixes "]}"
#define BRANCH                      "localNetworkGateways: {" LOCAL("branch", "203.0.113.10", "192.168.0.0/16") "}\n"
#define OFFICE                                                                                               \
    "sites: {office: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16], sharedKey: aabbcc"

static const struct vnl_plan_tunnel *end_of(const struct vnl_plan *plan, const char *connection,
                                            const char *gateway)
{
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (strcmp(plan->tunnels[i].name, connection) == 0 &&
            strcmp(plan->gateways[plan->tunnels[i].gateway].name, gateway) == 0)
            return &plan->tunnels[i];
    fail_msg("no end of '%s' at '%s'", connection, gateway);
    return NULL;
}

static void assert_ends(const struct vnl_plan *plan, const struct vnl_plan_tunnel *a,
                        const struct vnl_plan_tunnel *b)
{
    assert_ptr_equal(&plan->tunnels[a->other], b);
    assert_ptr_equal(&plan->tunnels[b->other], a);
    assert_int_equal(a->peer, b->gateway);
    assert_int_equal(b->peer, a->gateway);
    assert_true(vnl_addr_eq(&a->remote, &plan->gateways[b->gateway].outer));
    assert_true(vnl_addr_eq(&b->remote, &plan->gateways[a->gateway].outer));
    assert_int_not_equal(a->if_id, b->if_id);
}

static void a_pair_of_connections_is_two_ends(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(LAB("connections: {" V2V("c12", "gw1", "gw2", "") ", " V2V("c21", "gw2", "gw1", "") "}\n"));

    (void)state;
    assert_int_equal(plan->n_tunnels, 2);
    assert_ends(plan, end_of(plan, "c12", "gw1"), end_of(plan, "c21", "gw2"));
    assert_int_equal(plan->tunnels[0].if_id, 1);
    assert_string_equal(plan->tunnels[0].ifname, "vpn1");
    assert_int_equal(plan->tunnels[1].if_id, VNL_TUNNELS + 1);
    assert_non_null(strstr(plan->tunnels[1].connection, "/connections/c21"));
}

static void a_site_has_an_end_of_its_own(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(LAB(BRANCH OFFICE "}}\nconnections: {" S2S(
        "c", "gw1", "branch", "") ", " S2S("d", "gw2", "branch", "") "}\n"));

    (void)state;
    assert_int_equal(plan->n_tunnels, 4);
    assert_ends(plan, end_of(plan, "c", "gw1"), end_of(plan, "c", "office"));
    assert_ends(plan, end_of(plan, "d", "gw2"), end_of(plan, "d", "office"));
    assert_string_equal(plan->tunnels[0].ifname, "vpn1"); /* each connection, then its site's end */
    assert_string_equal(plan->tunnels[1].ifname, "vpn5");
    assert_string_equal(plan->tunnels[2].ifname, "vpn9");
    assert_string_equal(plan->tunnels[3].ifname, "vpn13");
    assert_int_equal(end_of(plan, "c", "office")->n_routes, 2); /* the VNet's space */
    assert_int_equal(end_of(plan, "d", "office")->n_routes, 1);
}

static void a_device_nobody_knows_has_no_end_here(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(LAB(BRANCH "connections: {" S2S("c", "gw1", "branch", "") "}\n"));

    (void)state;
    assert_int_equal(plan->n_tunnels, 1);
    assert_int_equal(plan->tunnels[0].peer, VNL_PLAN_NOBODY);
    assert_int_equal(plan->tunnels[0].other, VNL_PLAN_NOBODY);
    assert_true(plan->tunnels[0].initiates);
    assert_int_equal(plan->tunnels[0].n_routes, 1);
}

static void two_gateways_find_each_other_by_address(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(LAB("localNetworkGateways: {" LOCAL("l1", "198.51.100.1", "10.1.0.0/16") ", " LOCAL(
            "l2", "198.51.100.2", "10.4.0.0/16") "}\nconnections: {" S2S("a", "gw1", "l2",
                                                                         "") ", " S2S("b", "gw2", "l1",
                                                                                      "") "}\n"));

    (void)state;
    assert_int_equal(plan->n_tunnels, 2);
    assert_ends(plan, end_of(plan, "a", "gw1"), end_of(plan, "b", "gw2"));
}

/* --- who starts --------------------------------------------------------------------------------------------------------- */

static bool starts(const struct vnl_plan *plan, const char *connection, const char *gateway)
{
    return end_of(plan, connection, gateway)->initiates;
}

#define MODE(mode) ", connectionMode: " mode

static void exactly_one_end_starts(void **state)
{
    static const struct {
        const char *first, *second;
        bool first_starts, second_starts;
    } cases[] = {
        { "Default", "Default", true, false },
        { "Default", "InitiatorOnly", false, true },
        { "Default", "ResponderOnly", true, false },
        { "ResponderOnly", "Default", false, true },
        { "InitiatorOnly", "Default", true, false },
        { "InitiatorOnly", "ResponderOnly", true, false },
        { "ResponderOnly", "ResponderOnly", false, false }, /* never comes up */
        { "InitiatorOnly", "InitiatorOnly", false, false },
    };
    char text[2048];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

        snprintf(text, sizeof(text),
                 LAB("connections: {" V2V("c12", "gw1", "gw2", MODE("%s")) ", " V2V("c21", "gw2", "gw1",
                                                                                    MODE("%s")) "}\n"),
                 cases[i].first, cases[i].second);
        plan = plan_of(text);
        assert_int_equal(starts(plan, "c12", "gw1"), cases[i].first_starts);
        assert_int_equal(starts(plan, "c21", "gw2"), cases[i].second_starts);
    }
}

static void a_site_does_what_the_connection_leaves_to_it(void **state)
{
    static const struct {
        const char *mode;
        bool gateway, site;
    } cases[] = { { "Default", true, false },
                  { "InitiatorOnly", true, false },
                  { "ResponderOnly", false, true } };
    char text[2048];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;

        snprintf(text, sizeof(text),
                 LAB(BRANCH OFFICE "}}\nconnections: {" S2S("c", "gw1", "branch", MODE("%s")) "}\n"),
                 cases[i].mode);
        plan = plan_of(text);
        assert_int_equal(starts(plan, "c", "gw1"), cases[i].gateway);
        assert_int_equal(starts(plan, "c", "office"), cases[i].site);
    }
}

static void a_responder_without_another_end_waits(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(LAB(BRANCH "connections: {" S2S("c", "gw1", "branch", MODE("ResponderOnly")) "}\n"));

    (void)state;
    assert_false(plan->tunnels[0].initiates);
}

/* --- what is offered ------------------------------------------------------------------------------------------------------ */

static void defaults_are_azures(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(LAB(BRANCH "connections: {" S2S("c", "gw1", "branch", "") "}\n"));
    const struct vnl_plan_tunnel *tunnel = &plan->tunnels[0];

    (void)state;
    assert_string_equal(tunnel->ike, "aes256-sha1-modp1024,aes256-sha256-modp1024,aes128-sha1-modp1024,"
                                     "aes128-sha256-modp1024,3des-sha1-modp1024,3des-sha256-modp1024");
    assert_string_equal(tunnel->esp,
                        "aes256gcm16,aes256-sha1,3des-sha1,aes256-sha256,aes128-sha1,3des-sha256");
    assert_int_equal(tunnel->ike_lifetime_s, 28800);
    assert_int_equal(tunnel->child_lifetime_s, 27000);
    assert_true(tunnel->child_bytes == 102400000ull * 1024);
    assert_int_equal(tunnel->dpd_s, 45);
    assert_false(tunnel->ike_v1);
    assert_int_equal(tunnel->n_local_ts + tunnel->n_remote_ts, 0);
}

#define POLICY                                                                                               \
    ", dpdTimeoutSeconds: 30, ipsecPolicies: [{ikeEncryption: AES256, ikeIntegrity: SHA384, dhGroup: "       \
    "DHGroup24, ipsecEncryption: GCMAES256, ipsecIntegrity: GCMAES256, pfsGroup: PFS24, saLifeTimeSeconds: " \
    "3600, saDataSizeKilobytes: 2048}]"

static void a_policy_replaces_the_defaults_at_both_ends(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of(LAB(BRANCH OFFICE "}}\nconnections: {" S2S("c", "gw1", "branch", POLICY) "}\n"));

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct vnl_plan_tunnel *tunnel = &plan->tunnels[i];

        assert_string_equal(tunnel->ike, "aes256-sha384-modp2048s256");
        assert_string_equal(tunnel->esp, "aes256gcm16-modp2048s256");
        assert_int_equal(tunnel->ike_lifetime_s, 28800); /* not configurable */
        assert_int_equal(tunnel->child_lifetime_s, 3600);
        assert_int_equal(tunnel->child_bytes, 2048 * 1024);
        assert_int_equal(tunnel->dpd_s, 30);
    }
}

/* --- selectors -------------------------------------------------------------------------------------------------------------- */

static void assert_list(const struct vnl_prefix *items, size_t n, const char *expected)
{
    char text[256] = "", buf[VNL_PREFIX_STR];

    for (size_t i = 0; i < n; i++) {
        strcat(text, i ? " " : "");
        strcat(text, vnl_prefix_format(&items[i], buf));
    }
    assert_string_equal(text, expected);
}

/* Spec 8: two prefixes on each side are four pairs. */
static void policy_based_selectors_are_all_combinations(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(LAB("localNetworkGateways: {" LOCAL(
        "branch", "203.0.113.10",
        "192.168.0.0/24, 192.168.1.0/24") "}\n" OFFICE
                                          "}}\nconnections: {" S2S(
                                              "c", "gw1", "branch",
                                              POLICY ", usePolicyBasedTrafficSelectors: true") "}\n"));
    const struct vnl_plan_tunnel *near = end_of(plan, "c", "gw1"), *far = end_of(plan, "c", "office");

    (void)state;
    assert_list(near->local_ts, near->n_local_ts, "10.1.0.0/16 10.2.0.0/16");
    assert_list(near->remote_ts, near->n_remote_ts, "192.168.0.0/24 192.168.1.0/24");
    assert_list(far->local_ts, far->n_local_ts, "192.168.0.0/24 192.168.1.0/24");
    assert_list(far->remote_ts, far->n_remote_ts, "10.1.0.0/16 10.2.0.0/16");
    assert_list(near->routes, near->n_routes, "192.168.0.0/24 192.168.1.0/24");
}

#define RANGES                                                                                               \
    "trafficSelectorPolicies: [{localAddressRanges: 10.1.0.0/24, remoteAddressRanges: 192.168.0.0/25}]"
#define SELECTED                                                                                             \
    LAB("localNetworkGateways: {" LOCAL(                                                                     \
        "branch", "203.0.113.10",                                                                            \
        "192.168.0.0/24, 192.168.1.0/24") "}\n" OFFICE                                                       \
                                          "}}\nconnections: {" S2S("c", "gw1", "branch",                     \
                                                                   ", connectionMode: %s, " RANGES) "}\n")

/* Spec 8: who starts proposes; the other end takes what is proposed, whatever it would propose itself. */
static void a_selector_policy_is_proposed_by_who_starts(void **state)
{
    const char *const modes[] = { "InitiatorOnly", "ResponderOnly" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(vnl_str_free) char *text = NULL;
        CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
        const struct vnl_plan_tunnel *near, *far;

        assert_true(asprintf(&text, SELECTED, modes[i]) > 0);
        plan = plan_of(text);
        near = end_of(plan, "c", "gw1");
        far = end_of(plan, "c", "office");
        assert_list(near->local_ts, near->n_local_ts, i ? "" : "10.1.0.0/24");
        assert_list(near->remote_ts, near->n_remote_ts, i ? "" : "192.168.0.0/25");
        assert_list(far->local_ts, far->n_local_ts, i ? "" : "192.168.0.0/25");
        assert_list(far->remote_ts, far->n_remote_ts, i ? "" : "10.1.0.0/24");
        assert_list(near->routes, near->n_routes, "192.168.0.0/24 192.168.1.0/24");
    }
}

static void a_default_site_is_routed_into_its_tunnel(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of("name: t\n"
                "vnets: {v1: {addressSpace: [10.1.0.0/16], subnets: {GatewaySubnet: 10.1.255.0/27}}}\n"
                "virtualNetworkGateways: {gw1: {vnet: v1, gatewayDefaultSite: branch}}\n" BRANCH
                "connections: {" S2S("c", "gw1", "branch", "") "}\n");

    (void)state;
    assert_list(plan->tunnels[0].routes, plan->tunnels[0].n_routes, "192.168.0.0/16 0.0.0.0/0");
}

/* Spec 4, 7.2: IKEv1, an hour, no dead peer detection, and selectors without being asked. */
static void a_policy_based_gateway_selects_by_prefix(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan =
        plan_of("name: t\n"
                "vnets: {v1: {addressSpace: [10.1.0.0/16], subnets: {GatewaySubnet: 10.1.255.0/27}}}\n"
                "virtualNetworkGateways: {gw1: {vnet: v1, sku: Basic, vpnType: PolicyBased}}\n" BRANCH
                "connections: {" S2S("c", "gw1", "branch", "") "}\n");
    const struct vnl_plan_tunnel *tunnel = &plan->tunnels[0];

    (void)state;
    assert_true(tunnel->ike_v1);
    assert_int_equal(tunnel->child_lifetime_s, 3600);
    assert_int_equal(tunnel->dpd_s, 0);
    assert_list(tunnel->local_ts, tunnel->n_local_ts, "10.1.0.0/16");
    assert_list(tunnel->remote_ts, tunnel->n_remote_ts, "192.168.0.0/16");
}

/* What its owner configures, vnetlab does not. */
static void a_site_with_its_own_configuration_has_no_end_here(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of(
        LAB(BRANCH OFFICE ", swanctl: /etc/passwd}}\nconnections: {" S2S("c", "gw1", "branch", "") "}\n"));

    (void)state;
    assert_int_equal(plan->n_tunnels, 1);
    assert_int_equal(plan->tunnels[0].other, VNL_PLAN_NOBODY);
    assert_int_equal(plan->tunnels[0].peer, 2);
    assert_string_equal(plan->gateways[2].swanctl, "/etc/passwd");
    assert_true(plan->tunnels[0].initiates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_of_connections_is_two_ends),
        cmocka_unit_test(a_site_has_an_end_of_its_own),
        cmocka_unit_test(a_device_nobody_knows_has_no_end_here),
        cmocka_unit_test(two_gateways_find_each_other_by_address),
        cmocka_unit_test(exactly_one_end_starts),
        cmocka_unit_test(a_site_does_what_the_connection_leaves_to_it),
        cmocka_unit_test(a_responder_without_another_end_waits),
        cmocka_unit_test(defaults_are_azures),
        cmocka_unit_test(a_policy_replaces_the_defaults_at_both_ends),
        cmocka_unit_test(policy_based_selectors_are_all_combinations),
        cmocka_unit_test(a_selector_policy_is_proposed_by_who_starts),
        cmocka_unit_test(a_default_site_is_routed_into_its_tunnel),
        cmocka_unit_test(a_policy_based_gateway_selects_by_prefix),
        cmocka_unit_test(a_site_with_its_own_configuration_has_no_end_here),
    };

    return cmocka_run_group_tests_name("tunnels in the plan", tests, NULL, NULL);
}
