/* What is said of a connection that has several tunnels, of BGP sessions and of point-to-site clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../ctl/cli/connections.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"
#include "vnetlab/verify.h"

/* An active-active gateway gw1, gw4 of another network, an office, a laptop; ends of the connections in the plan's order. */
enum { GW1, GW1_1, GW4, OFFICE, LAPTOP, N_GATEWAYS };
enum { C14_0, C14_1, C41_0, C41_1, C1O_0, C1O_1, OFFICE_0, OFFICE_1, SERVER, CLIENT, N_TUNNELS };

static struct vnl_plan_gateway gateways[N_GATEWAYS] = {
    [GW1] = { .name = (char *)"gw1", .resource = (char *)"gw1" },
    [GW1_1] = { .name = (char *)"gw1.1", .resource = (char *)"gw1", .instance = 1 },
    [GW4] = { .name = (char *)"gw4", .resource = (char *)"gw4" },
    [OFFICE] = { .name = (char *)"office", .resource = (char *)"office", .site = true },
    [LAPTOP] = { .name = (char *)"laptop", .resource = (char *)"laptop", .client = true },
};
static struct vnl_plan_tunnel tunnels[N_TUNNELS];
static struct vnl_vpn_state states[N_TUNNELS];
static const struct vnl_vpn_state *of[N_TUNNELS];
static struct vnl_plan plan;
static struct vnl_cmd_tunnels known;

static struct vnl_addr addr(const char *text)
{
    struct vnl_addr ret;

    assert_int_equal(vnl_addr_parse(text, &ret, NULL), 0);
    return ret;
}

static void end(size_t i, const char *connection, uint32_t at, uint32_t peer, uint32_t other,
                const char *remote)
{
    tunnels[i] = (struct vnl_plan_tunnel){ .connection = (char *)connection,
                                           .name = (char *)strrchr(connection, '/') + 1,
                                           .gateway = at,
                                           .peer = peer,
                                           .other = other,
                                           .remote = addr(remote) };
    states[i] = (struct vnl_vpn_state){ .connection = (char *)connection,
                                        .gateway = gateways[at].resource,
                                        .guest = gateways[at].name,
                                        .remote = (char *)remote,
                                        .status = VNL_VPN_CONNECTED,
                                        .bgp_ready = true };
}

static int set_up(void **state)
{
    (void)state;
    end(C14_0, "/c/1to4", GW1, GW4, C41_0, "198.51.100.4");
    end(C14_1, "/c/1to4", GW1_1, GW4, C41_1, "198.51.100.4");
    end(C41_0, "/c/4to1", GW4, GW1, C14_0, "198.51.100.1");
    end(C41_1, "/c/4to1", GW4, GW1_1, C14_1, "198.51.100.2");
    end(C1O_0, "/c/1tooffice", GW1, OFFICE, OFFICE_0, "203.0.113.10");
    end(C1O_1, "/c/1tooffice", GW1_1, OFFICE, OFFICE_1, "203.0.113.10");
    end(OFFICE_0, "/c/1tooffice", OFFICE, GW1, C1O_0, "198.51.100.1");
    end(OFFICE_1, "/c/1tooffice", OFFICE, GW1_1, C1O_1, "198.51.100.2");
    end(SERVER, "/g/gw1", GW1, VNL_PLAN_NOBODY, VNL_PLAN_NOBODY, "0.0.0.0");
    end(CLIENT, "clients/laptop", LAPTOP, GW1, SERVER, "198.51.100.1");
    tunnels[SERVER].kind = VNL_TUNNEL_SERVER;
    tunnels[CLIENT].kind = VNL_TUNNEL_CLIENT;
    states[SERVER].remote = NULL;
    states[CLIENT].inner = (char *)"172.16.201.2";
    for (size_t i = 0; i < N_TUNNELS; i++)
        of[i] = &states[i];
    plan = (struct vnl_plan){
        .gateways = gateways, .n_gateways = N_GATEWAYS, .tunnels = tunnels, .n_tunnels = N_TUNNELS
    };
    known = (struct vnl_cmd_tunnels){ .states = { states, N_TUNNELS, 1 }, .of = of };
    return 0;
}

static void speak_bgp(size_t tunnel, uint32_t asn, enum vnl_bgp_state bgp)
{
    tunnels[tunnel].peer_asn = asn;
    tunnels[tunnel].peer_bgp = addr("10.42.255.30");
    states[tunnel].bgp = true;
    states[tunnel].bgp_state = bgp;
    states[tunnel].bgp_ready = bgp == VNL_BGP_CONNECTED;
}

/* --- one tunnel --------------------------------------------------------------------------------------- */

static void a_state_is_told_by_guest_and_remote_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TUNNELS; i++)
        assert_ptr_equal(vnl_tunnel_state(&plan, &known.states, &tunnels[i]), &states[i]);
    states[C41_1].remote = (char *)"198.51.100.77"; /* as the agent's older plan has it */
    assert_null(vnl_tunnel_state(&plan, &known.states, &tunnels[C41_1]));
}

static void a_gateways_name_means_its_instances_and_an_instances_name_one(void **state)
{
    (void)state;
    assert_true(vnl_tunnel_is_meant(&plan, C14_1, NULL, "gw1"));
    assert_true(vnl_tunnel_is_meant(&plan, C41_0, NULL, "gw1")); /* the far end of its tunnel */
    assert_true(vnl_tunnel_is_meant(&plan, C14_1, NULL, "gw1.1"));
    assert_false(vnl_tunnel_is_meant(&plan, C14_0, NULL, "gw1.1"));
    assert_true(vnl_tunnel_is_meant(&plan, CLIENT, NULL, "laptop"));
    assert_false(vnl_tunnel_is_meant(&plan, SERVER, NULL, "gw1"));
    assert_false(vnl_tunnel_is_meant(&plan, OFFICE_0, NULL, NULL)); /* no resource of Azure's */
    assert_true(vnl_tunnel_is_meant(&plan, C1O_0, "/c/1tooffice", NULL));
    assert_false(vnl_tunnel_is_meant(&plan, C1O_0, "/c/1to4", NULL));
}

static void a_clients_tunnel_does_not_ask_what_other_clients_do(void **state)
{
    (void)state;
    states[SERVER].status = VNL_VPN_NOT_CONNECTED;
    assert_true(vnl_tunnel_is_up(&plan, &known, CLIENT));
    assert_false(vnl_tunnel_has_failed(&plan, &known, CLIENT));
    states[C41_0].status = VNL_VPN_NOT_CONNECTED;
    assert_false(vnl_tunnel_is_up(&plan, &known, C14_0));
    assert_true(vnl_tunnel_has_failed(&plan, &known, C14_0));
}

static void a_session_is_ready_when_both_ends_are(void **state)
{
    char buf[256];

    (void)state;
    assert_true(vnl_tunnel_is_ready(&plan, &known, C14_0)); /* without BGP */
    speak_bgp(C14_0, 65040, VNL_BGP_CONNECTED);
    speak_bgp(C41_0, 65010, VNL_BGP_CONNECTING);
    assert_true(vnl_tunnel_can_peer(&plan, C14_0));
    assert_false(vnl_tunnel_is_ready(&plan, &known, C14_0));
    assert_string_equal(vnl_tunnel_bgp_reason(&plan, &known, C41_0, buf),
                        "BGP with 10.42.255.30 (ASN 65010) is Connecting");
    states[C41_0].bgp_reason = (char *)"BGP Error: Bad peer AS: 65051";
    assert_string_equal(vnl_tunnel_bgp_reason(&plan, &known, C41_0, buf),
                        "BGP with 10.42.255.30 (ASN 65010) is Connecting: BGP Error: Bad peer AS: 65051");
    states[C41_0].bgp_state = VNL_BGP_CONNECTED;
    assert_string_equal(vnl_tunnel_bgp_reason(&plan, &known, C41_0, buf),
                        "BGP with 10.42.255.30 (ASN 65010) is up, what it brings is not in force yet");
    states[C41_0].bgp_ready = true;
    assert_true(vnl_tunnel_is_ready(&plan, &known, C14_0));
}

static void a_tunnel_that_is_down_blocks_when_no_other_of_the_connection_is_up(void **state)
{
    struct vnl_plan_vm vm = { .name = (char *)"gw1.1" };
    struct vnl_plan_nic nic = { .vm = 0 };
    struct vnl_verify_step step = { .stage = VNL_VERIFY_TUNNEL, .tunnel = C14_1 };
    const struct vnl_verify verify = { .steps = &step, .n_steps = 1 };
    CLEANUP(vnl_str_free) char *verdict = NULL;

    (void)state;
    plan.vms = &vm;
    plan.nics = &nic;
    states[C14_1].status = VNL_VPN_CONNECTING;
    assert_null(vnl_cmd_tunnels_verdict(&plan, &known, &verify, false)); /* the other instance's is */
    states[C14_0].status = VNL_VPN_CONNECTING;
    verdict = vnl_cmd_tunnels_verdict(&plan, &known, &verify, false);
    assert_string_equal(verdict,
                        "blocked: NoTunnel at gw1.1 just now, by nothing in the plan: 1to4 is Connecting");
}

static void a_site_that_speaks_no_bgp_is_named(void **state)
{
    char buf[256];

    (void)state;
    speak_bgp(C1O_0, 65050, VNL_BGP_CONNECTING);
    assert_false(vnl_tunnel_can_peer(&plan, C1O_0));
    assert_string_equal(vnl_tunnel_bgp_reason(&plan, &known, C1O_0, buf),
                        "BGP with 10.42.255.30: office speaks none");
    tunnels[C1O_0].other = VNL_PLAN_NOBODY;
    gateways[OFFICE].swanctl = (char *)"/x";
    assert_true(vnl_tunnel_can_peer(&plan, C1O_0)); /* its owner's configuration may */
    gateways[OFFICE].swanctl = NULL;
    assert_null(vnl_tunnel_reason(&plan, &known, C1O_0, buf));
    states[C1O_0].status = VNL_VPN_CONNECTING;
    assert_string_equal(vnl_tunnel_reason(&plan, &known, C1O_0, buf), "office has no connection to gw1");
}

/* --- a connection ------------------------------------------------------------------------------------- */

static void one_tunnel_is_enough_for_connected(void **state)
{
    struct vnl_connection_sum sum;

    (void)state;
    states[C14_0] = (struct vnl_vpn_state){ .status = VNL_VPN_NOT_CONNECTED, .ingress = 5, .egress = 1 };
    states[C14_1].ingress = 100;
    states[C14_1].egress = 20;
    sum = vnl_connection_sum(&plan, &known, "/c/1to4");
    assert_int_equal(sum.n_ends, 2);
    assert_int_equal(sum.status, VNL_VPN_CONNECTED);
    assert_ptr_equal(sum.first, &states[C14_1]);
    assert_int_equal(sum.ingress, 105);
    assert_int_equal(sum.egress, 21);
}

static void without_one_the_worst_that_is_known_counts(void **state)
{
    struct vnl_connection_sum sum;

    (void)state;
    states[C14_0].status = VNL_VPN_CONNECTING;
    states[C14_1].status = VNL_VPN_NOT_CONNECTED;
    assert_int_equal(vnl_connection_sum(&plan, &known, "/c/1to4").status, VNL_VPN_NOT_CONNECTED);
    states[C14_1].status = VNL_VPN_UNKNOWN;
    assert_int_equal(vnl_connection_sum(&plan, &known, "/c/1to4").status, VNL_VPN_CONNECTING);
    of[C14_0] = NULL;
    assert_int_equal(vnl_connection_sum(&plan, &known, "/c/1to4").status, VNL_VPN_UNKNOWN);
    of[C14_1] = NULL;
    sum = vnl_connection_sum(&plan, &known, "/c/1to4");
    assert_false(sum.known);
    assert_null(sum.first);
}

static void a_sites_ends_are_no_connections(void **state)
{
    struct vnl_connection_sum sum;

    (void)state;
    states[OFFICE_0].ingress = 7;
    sum = vnl_connection_sum(&plan, &known, "/c/1tooffice");
    assert_int_equal(sum.n_ends, 2);
    assert_int_equal(sum.ends[0], C1O_0);
    assert_int_equal(sum.ends[1], C1O_1);
    assert_int_equal(sum.ingress, 0);
    assert_false(sum.bgp);
}

static void its_bgp_is_the_best_of_its_sessions(void **state)
{
    (void)state;
    speak_bgp(C14_0, 65040, VNL_BGP_STOPPED);
    speak_bgp(C14_1, 65040, VNL_BGP_CONNECTED);
    assert_true(vnl_connection_sum(&plan, &known, "/c/1to4").bgp);
    assert_int_equal(vnl_connection_sum(&plan, &known, "/c/1to4").bgp_state, VNL_BGP_CONNECTED);
}

/* The one that answers hears nothing any more of an initiator that has given up. */
static void who_does_not_know_why_quotes_the_other_end(void **state)
{
    char buf[256];

    (void)state;
    states[C41_1].status = VNL_VPN_CONNECTING;
    states[C14_1].status = VNL_VPN_NOT_CONNECTED;
    states[C14_1].reason = (char *)"authentication failed: the shared keys differ";
    assert_string_equal(vnl_tunnel_reason(&plan, &known, C41_1, buf),
                        "gw1 says: authentication failed: the shared keys differ");
    states[C41_1].reason = (char *)"no answer";
    assert_string_equal(vnl_tunnel_reason(&plan, &known, C41_1, buf), "no answer");
    states[C41_1].reason = NULL;
    states[C14_1].status = VNL_VPN_CONNECTING; /* its reason is of an earlier try */
    assert_null(vnl_tunnel_reason(&plan, &known, C41_1, buf));
    states[C14_1].status = VNL_VPN_NOT_CONNECTED;
    states[C41_1].status = VNL_VPN_CONNECTED;
    assert_null(vnl_tunnel_reason(&plan, &known, C41_1, buf));
    of[C14_1] = NULL;
    states[C41_1].status = VNL_VPN_CONNECTING;
    assert_null(vnl_tunnel_reason(&plan, &known, C41_1, buf));
}

/* What only the plan knows is in the JSON too. */
static void json_has_the_reason_of_a_connection_without_an_other_end(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_json_object();

    (void)state;
    assert_int_equal(vnl_json_set(json, "properties", vnl_json_object()), 0);
    tunnels[C14_0].other = tunnels[C14_1].other = VNL_PLAN_NOBODY;
    states[C14_0].status = states[C14_1].status = VNL_VPN_CONNECTING;
    assert_int_equal(vnl_connection_add_state(json, &plan, &known, "/c/1to4"), 0);
    assert_string_equal(vnl_json_get_text(vnl_json_get(json, "vnetlab"), "reason"),
                        "gw4 has no connection to gw1");
}

/* "NotConnected, authentication failed" is said once of four tunnels with the same key. */
static void a_connection_fails_alike_when_no_tunnel_is_another_case(void **state)
{
    (void)state;
    assert_false(vnl_connection_fails_alike(&plan, &known, "/c/1to4")); /* Connected */
    states[C14_0].status = states[C14_1].status = VNL_VPN_NOT_CONNECTED;
    assert_true(vnl_connection_fails_alike(&plan, &known, "/c/1to4"));
    states[C14_0].reason = (char *)"authentication failed";
    assert_false(vnl_connection_fails_alike(&plan, &known, "/c/1to4"));
    states[C14_1].reason = strdup("authentication failed");
    assert_true(vnl_connection_fails_alike(&plan, &known, "/c/1to4"));
    free(states[C14_1].reason);
    states[C14_1].reason = (char *)"no answer";
    assert_false(vnl_connection_fails_alike(&plan, &known, "/c/1to4"));
    states[C14_1].reason = states[C14_0].reason;
    states[C14_1].status = VNL_VPN_CONNECTING;
    assert_false(vnl_connection_fails_alike(&plan, &known, "/c/1to4"));
    assert_false(vnl_connection_fails_alike(&plan, &known, "clients/laptop"));
}

/* --- a lab -------------------------------------------------------------------------------------------- */

static void connections_count_once_and_so_do_sessions_of_two_gateways(void **state)
{
    struct vnl_tunnel_counts counts;
    char buf[160];

    (void)state;
    for (size_t i = C14_0; i <= C41_1; i++)
        speak_bgp(i, 65000, VNL_BGP_CONNECTED);
    speak_bgp(C1O_0, 65050, VNL_BGP_IDLE);
    states[C41_0].status = VNL_VPN_CONNECTING;
    states[C41_1].status = VNL_VPN_CONNECTING;
    states[CLIENT].status = VNL_VPN_CONNECTING;
    counts = vnl_tunnel_counts(&plan, &known);
    assert_string_equal(vnl_tunnel_counts_format(&counts, buf),
                        "connections: 2 of 3 connected, BGP: 2 of 3 sessions up, clients: 0 of 1 connected");
}

static void what_a_lab_has_none_of_is_not_counted(void **state)
{
    struct vnl_tunnel_counts counts = { .clients = 1, .clients_connected = 1 };
    char buf[160];

    (void)state;
    assert_string_equal(vnl_tunnel_counts_format(&counts, buf), "clients: 1 of 1 connected");
    counts = (struct vnl_tunnel_counts){ .connections = 4, .connected = 3 };
    assert_string_equal(vnl_tunnel_counts_format(&counts, buf), "connections: 3 of 4 connected");
    counts = (struct vnl_tunnel_counts){ 0 };
    assert_string_equal(vnl_tunnel_counts_format(&counts, buf), "");
}

/* --- tables and JSON ---------------------------------------------------------------------------------- */

static struct vnl_vpn_gateway model_gw1 = { .name = (char *)"gw1" }, model_gw4 = { .name = (char *)"gw4" };
static struct vnl_connection c14 = {
    .id = (char *)"/c/1to4", .name = (char *)"1to4", .gateway1 = &model_gw1, .gateway2 = &model_gw4
};
static struct vnl_connection *connections[] = { &c14 };
static const struct vnl_lab lab = { .connections = connections, .n_connections = 1 };

static void assert_printed(const char *wanted)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_int_equal(vnl_connections_print(out, &lab, &plan, &known, NULL), 0);
    assert_int_equal(vnl_clients_print(out, &plan, &known, NULL), 0);
    (void)fclose(out);
    if (!strstr(text, wanted))
        fail_msg("not in it: %s\n%s", wanted, text);
}

static void several_tunnels_have_a_row_each_below_their_connection(void **state)
{
    (void)state;
    states[C14_1].status = VNL_VPN_CONNECTING;
    states[C14_0].ingress = 84;
    assert_printed("\n1to4        gw1      gw4   Connected   84       0");
    assert_printed("\n            gw1      gw4   Connected   84       0");
    assert_printed("\n            gw1.1    gw4   Connecting  0        0");
    assert_printed("\nlaptop  gw1      Connected  172.16.201.2  0        0");
    tunnels[C14_1].connection = (char *)"/c/other";
    assert_printed("Status     BytesIn  BytesOut  Since\n");
    assert_printed("\n1to4        gw1      gw4   Connected  84       0");
}

/* Names as in Microsoft's article, terabytes of traffic: a terminal has room for it. */
static void rows_fit_into_120_columns(void **state)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        states[i].suite = (char *)"AES_CBC-256/HMAC_SHA1_96/MODP_1024, ESP:AES_GCM_16-256";
        states[i].since_ms = 1700000000000;
        states[i].ingress = states[i].egress = 1000000000000;
    }
    states[C14_0].status = VNL_VPN_NOT_CONNECTED;
    c14.name = (char *)"TestVNet1ToTestVNet4";
    speak_bgp(C14_0, 65040, VNL_BGP_CONNECTING);
    assert_int_equal(vnl_connections_print(out, &lab, &plan, &known, NULL), 0);
    assert_int_equal(vnl_clients_print(out, &plan, &known, NULL), 0);
    (void)fclose(out);
    c14.name = (char *)"1to4";
    assert_non_null(strstr(text, "  1000000000000  1000000000000  2023-11-1"));
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 0, 120);
}

static void bgp_has_a_column_where_it_is_spoken(void **state)
{
    (void)state;
    speak_bgp(C14_0, 65040, VNL_BGP_IDLE);
    assert_printed("Status     BGP   BytesIn");
    assert_printed("\n1to4        gw1      gw4   Connected  Idle  0");
    assert_printed("\n            gw1.1    gw4   Connected        0");
}

static void json_has_arms_tunnel_connection_status(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_json_object();
    const struct vnl_json *list, *ours, *arm;

    (void)state;
    assert_int_equal(vnl_json_set(json, "properties", vnl_json_object()), 0);
    states[C14_0].since_ms = 1700000000000;
    states[C14_0].egress = 9;
    states[C14_1].status = VNL_VPN_CONNECTING;
    speak_bgp(C14_0, 65040, VNL_BGP_CONNECTED);
    assert_int_equal(vnl_connection_add_state(json, &plan, &known, "/c/1to4"), 0);
    arm = vnl_json_get(json, "properties");
    assert_string_equal(vnl_json_get_text(arm, "connectionStatus"), "Connected");
    list = vnl_json_get(arm, "tunnelConnectionStatus");
    assert_int_equal(vnl_json_len(list), 2);
    assert_string_equal(vnl_json_get_text(vnl_json_at(list, 0), "tunnel"), "1to4_GatewayTenantWorker_IN_0");
    assert_string_equal(vnl_json_get_text(vnl_json_at(list, 0), "lastConnectionEstablishedUtcTime"),
                        "2023-11-14T22:13:20Z");
    assert_int_equal(vnl_json_get_int(vnl_json_at(list, 0), "egressBytesTransferred", -1), 9);
    assert_string_equal(vnl_json_get_text(vnl_json_at(list, 1), "tunnel"), "1to4_GatewayTenantWorker_IN_1");
    assert_string_equal(vnl_json_get_text(vnl_json_at(list, 1), "connectionStatus"), "Connecting");
    assert_null(vnl_json_get_text(vnl_json_at(list, 1), "lastConnectionEstablishedUtcTime"));
    ours = vnl_json_get(json, "vnetlab");
    assert_string_equal(vnl_json_get_text(ours, "bgpState"), "Connected");
}

/* ARM's list does not say which tunnel is which, nor why one is down. */
static void json_names_the_ends_of_each_tunnel_and_its_reason(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_json_object();
    const struct vnl_json *list, *tunnel;

    (void)state;
    assert_int_equal(vnl_json_set(json, "properties", vnl_json_object()), 0);
    states[C14_1].status = VNL_VPN_NOT_CONNECTED;
    states[C14_1].reason = (char *)"no answer";
    states[C14_1].suite = (char *)"AES";
    speak_bgp(C14_1, 65040, VNL_BGP_IDLE);
    assert_int_equal(vnl_connection_add_state(json, &plan, &known, "/c/1to4"), 0);
    list = vnl_json_get(vnl_json_get(json, "vnetlab"), "tunnels");
    assert_int_equal(vnl_json_len(list), 2);
    tunnel = vnl_json_at(list, 0);
    assert_string_equal(vnl_json_get_text(tunnel, "gateway"), "gw1");
    assert_string_equal(vnl_json_get_text(tunnel, "connectionStatus"), "Connected");
    assert_null(vnl_json_get_text(tunnel, "reason"));
    assert_null(vnl_json_get(tunnel, "bgpState"));
    tunnel = vnl_json_at(list, 1);
    assert_string_equal(vnl_json_get_text(tunnel, "gateway"), "gw1.1");
    assert_string_equal(vnl_json_get_text(tunnel, "peer"), "gw4");
    assert_string_equal(vnl_json_get_text(tunnel, "remoteAddress"), "198.51.100.4");
    assert_string_equal(vnl_json_get_text(tunnel, "connectionStatus"), "NotConnected");
    assert_string_equal(vnl_json_get_text(tunnel, "reason"), "no answer");
    assert_string_equal(vnl_json_get_text(tunnel, "bgpState"), "Idle");
}

static void json_of_up_has_connections_once_and_clients(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *list = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *clients = NULL;

    (void)state;
    states[C14_0].status = VNL_VPN_CONNECTING;
    states[C14_1].status = VNL_VPN_NOT_CONNECTED;
    states[C14_1].reason = (char *)"authentication failed";
    states[CLIENT].ingress = 84;
    states[CLIENT].suite = (char *)"AES";
    states[CLIENT].since_ms = 1700000000000;
    list = vnl_cmd_tunnels_to_json(&plan, &known);
    assert_int_equal(vnl_json_len(list), 3);
    assert_string_equal(vnl_json_get_text(vnl_json_at(list, 0), "name"), "1to4");
    assert_string_equal(vnl_json_get_text(vnl_json_at(list, 0), "connectionStatus"), "NotConnected");
    assert_string_equal(vnl_json_get_text(vnl_json_at(list, 0), "reason"), "authentication failed");
    assert_null(vnl_json_get(vnl_json_at(list, 0), "bgpState"));
    clients = vnl_cmd_clients_to_json(&plan, &known);
    assert_int_equal(vnl_json_len(clients), 1);
    assert_string_equal(vnl_json_get_text(vnl_json_at(clients, 0), "gateway"), "gw1");
    assert_string_equal(vnl_json_get_text(vnl_json_at(clients, 0), "address"), "172.16.201.2");
    assert_int_equal(vnl_json_get_int(vnl_json_at(clients, 0), "ingressBytesTransferred", -1), 84);
    assert_int_equal(vnl_json_get_int(vnl_json_at(clients, 0), "egressBytesTransferred", -1), 0);
    assert_string_equal(vnl_json_get_text(vnl_json_at(clients, 0), "suite"), "AES");
    assert_string_equal(vnl_json_get_text(vnl_json_at(clients, 0), "since"), "2023-11-14T22:13:20Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_state_is_told_by_guest_and_remote_address, set_up),
        cmocka_unit_test_setup(a_gateways_name_means_its_instances_and_an_instances_name_one, set_up),
        cmocka_unit_test_setup(a_clients_tunnel_does_not_ask_what_other_clients_do, set_up),
        cmocka_unit_test_setup(a_session_is_ready_when_both_ends_are, set_up),
        cmocka_unit_test_setup(a_site_that_speaks_no_bgp_is_named, set_up),
        cmocka_unit_test_setup(a_tunnel_that_is_down_blocks_when_no_other_of_the_connection_is_up, set_up),
        cmocka_unit_test_setup(one_tunnel_is_enough_for_connected, set_up),
        cmocka_unit_test_setup(without_one_the_worst_that_is_known_counts, set_up),
        cmocka_unit_test_setup(a_sites_ends_are_no_connections, set_up),
        cmocka_unit_test_setup(its_bgp_is_the_best_of_its_sessions, set_up),
        cmocka_unit_test_setup(who_does_not_know_why_quotes_the_other_end, set_up),
        cmocka_unit_test_setup(json_has_the_reason_of_a_connection_without_an_other_end, set_up),
        cmocka_unit_test_setup(a_connection_fails_alike_when_no_tunnel_is_another_case, set_up),
        cmocka_unit_test_setup(connections_count_once_and_so_do_sessions_of_two_gateways, set_up),
        cmocka_unit_test_setup(what_a_lab_has_none_of_is_not_counted, set_up),
        cmocka_unit_test_setup(several_tunnels_have_a_row_each_below_their_connection, set_up),
        cmocka_unit_test_setup(rows_fit_into_120_columns, set_up),
        cmocka_unit_test_setup(bgp_has_a_column_where_it_is_spoken, set_up),
        cmocka_unit_test_setup(json_has_arms_tunnel_connection_status, set_up),
        cmocka_unit_test_setup(json_names_the_ends_of_each_tunnel_and_its_reason, set_up),
        cmocka_unit_test_setup(json_of_up_has_connections_once_and_clients, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
