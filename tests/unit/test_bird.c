/* BIRD's configuration from a plan, and what BIRD says, read: the answers are recorded ones of BIRD 2.0.12. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../ctl/agent/bird.h"
#include "vnetlab/base.h"
#include "vnetlab/plan.h"

static struct vnl_addr addr(const char *text)
{
    struct vnl_addr ret;

    assert_int_equal(vnl_addr_parse(text, &ret, NULL), 0);
    return ret;
}

static struct vnl_prefix prefix(const char *text)
{
    struct vnl_prefix ret;

    assert_int_equal(vnl_prefix_parse(text, &ret, NULL), 0);
    return ret;
}

/* --- the configuration ---------------------------------------------------------------------------- */

/* A gateway with two sessions and a site. */
struct world {
    struct vnl_prefix gateway_announced[5], gateway_refused[2], site_announced[2], site_inside[1];
    struct vnl_plan_gateway gateways[2];
    struct vnl_plan_tunnel tunnels[3];
    struct vnl_plan plan;
};

static void world_init(struct world *world)
{
    *world = (struct world){
        .gateway_announced = { prefix("10.1.0.0/16"), prefix("10.9.0.0/16"), prefix("0.0.0.0/0"),
                               prefix("fd00::/48"), prefix("10.9.0.0/16") },
        .gateway_refused = { prefix("10.1.0.0/16"), prefix("10.9.0.0/16") },
        .site_inside = { prefix("192.168.0.0/16") },
        .site_announced = { prefix("192.168.0.0/16"), prefix("0.0.0.0/0") },
        .gateways = { { .name = "gw",
                        .asn = 65010,
                        .bgp_addr = addr("10.1.255.30"),
                        .n_announced = 5,
                        .n_refused = 2 },
                      { .name = "office",
                        .site = true,
                        .asn = 65050,
                        .bgp_addr = addr("192.168.255.254"),
                        .prepend = 2,
                        .n_inside = 1,
                        .n_announced = 2 } },
        .tunnels = { { .ifname = "vpn1", .gateway = 0, .peer_asn = 65020, .peer_bgp = addr("10.4.255.30") },
                     { .ifname = "vpn9",
                       .gateway = 0,
                       .peer_asn = 65050,
                       .peer_bgp = addr("192.168.255.254") },
                     { .ifname = "vpn13",
                       .gateway = 1,
                       .peer_asn = 65010,
                       .peer_bgp = addr("10.1.255.30") } },
    };
    world->gateways[0].announced = world->gateway_announced;
    world->gateways[0].refused = world->gateway_refused;
    world->gateways[1].announced = world->site_announced;
    world->gateways[1].inside = world->site_inside;
    world->plan = (struct vnl_plan){
        .gateways = world->gateways, .n_gateways = 2, .tunnels = world->tunnels, .n_tunnels = 3
    };
}

#define HEAD(id)                                                                                             \
    "log \"log\" 1000000 \"log.old\" all;\n"                                                                 \
    "debug protocols { states, packets };\n"                                                                 \
    "timeformat log \"%Y-%m-%dT%H:%M:%S\";\n"                                                                \
    "timeformat protocol \"%s\";\n"                                                                          \
    "timeformat route \"%s\";\n"                                                                             \
    "router id " id ";\n"                                                                                    \
    "protocol device { scan time 3600; }\n"                                                                  \
    "protocol kernel notify {\n"                                                                             \
    "  learn off; persist off; scan time 3600; kernel table 201;\n"                                          \
    "  ipv4 { import none; export where source = RTS_BGP; };\n"                                              \
    "}\n"
#define LIMIT " receive limit 4000 action disable;"
#define SESSION(name, disabled, own, asn, peer, peer_asn, limit)                                             \
    "protocol bgp to_" name " {\n"                                                                           \
    "  disabled " disabled ";\n"                                                                             \
    "  local " own " as " asn "; neighbor " peer " as " peer_asn "; multihop 255;\n"                         \
    "  hold time 180; keepalive time 60;\n"                                                                  \
    "  connect delay time 1; connect retry time 1; error wait time 1, 2;\n"                                  \
    "  graceful restart off;\n"                                                                              \
    "  ipv4 {\n"                                                                                             \
    "    gateway recursive; next hop self;" limit "\n"                                                       \
    "    import filter inward; export filter outward;\n"                                                     \
    "  };\n"                                                                                                 \
    "}\n"

static void gateway_announces_its_own_and_what_it_learns_but_no_default(void **state)
{
    const bool up[] = { true, false, true };
    CLEANUP(vnl_str_free) char *text = NULL;
    struct world world;

    (void)state;
    world_init(&world);
    text = vnl_bird_config(&world.plan, 0, up);
    assert_string_equal(
        text,
        HEAD("10.1.255.30") "protocol static own {\n  ipv4;\n"
                            "  route 10.1.0.0/16 blackhole;\n  route 10.9.0.0/16 blackhole;\n}\n"
                            "protocol static peers {\n  ipv4;\n"
                            "  route 10.4.255.30/32 blackhole;\n  route 192.168.255.254/32 blackhole;\n}\n"
                            "filter inward {\n"
                            "  if net ~ [ 10.1.0.0/16, 10.9.0.0/16 ] then reject;\n  accept;\n}\n"
                            "filter outward {\n"
                            "  if proto = \"own\" then accept;\n"
                            "  if source != RTS_BGP then reject;\n"
                            "  if net = 0.0.0.0/0 then reject;\n"
                            "  if net ~ [ 10.1.0.0/16+, 10.9.0.0/16+ ] then reject;\n  accept;\n}\n" SESSION(
                                "vpn1", "no", "10.1.255.30", "65010", "10.4.255.30", "65020", LIMIT)
                                SESSION("vpn9", "yes", "10.1.255.30", "65010", "192.168.255.254", "65050",
                                        LIMIT));
}

static void site_announces_a_default_and_prepends_its_number(void **state)
{
    const bool up[] = { false, false, true };
    CLEANUP(vnl_str_free) char *text = NULL;
    struct world world;

    (void)state;
    world_init(&world);
    text = vnl_bird_config(&world.plan, 1, up);
    assert_string_equal(
        text,
        HEAD("192.168.255.254") "protocol static own {\n  ipv4;\n"
                                "  route 192.168.0.0/16 blackhole;\n"
                                "  route 0.0.0.0/0 blackhole;\n}\n"
                                "protocol static peers {\n  ipv4;\n"
                                "  route 10.1.255.30/32 blackhole;\n}\n"
                                "filter inward {\n"
                                "  if net ~ [ 192.168.0.0/16 ] then reject;\n  accept;\n}\n"
                                "filter outward {\n"
                                "  bgp_path.prepend(65050);\n  bgp_path.prepend(65050);\n"
                                "  if proto = \"own\" then accept;\n"
                                "  if source != RTS_BGP then reject;\n  accept;\n}\n" SESSION(
                                    "vpn13", "no", "192.168.255.254", "65050", "10.1.255.30", "65010", ""));
}

/* --- answers -------------------------------------------------------------------------------------- */

static const char protocols[] =
    "Name       Proto      Table      State  Since         Info\n"
    "device1    Device     ---        up     1795290921    \n"
    "\n"
    "own        Static     master4    up     1795290921    \n"
    "  Channel ipv4\n    State:          UP\n    Routes:         7 imported, 0 exported, 7 preferred\n"
    "\n"
    "to_vpn1    BGP        ---        up     1795291024    Established   \n"
    "  BGP state:          Established\n"
    "    Neighbor address: 10.4.255.4\n    Neighbor AS:      65020\n    Local AS:         65010\n"
    "    Session:          external multihop AS4\n"
    "  Channel ipv4\n    State:          UP\n    Table:          master4\n"
    "    Routes:         12 imported, 1 exported, 11 preferred\n"
    "      Import updates:              1          0          0          0          1\n"
    "\n"
    "to_vpn2    BGP        ---        down   1795291126    Automatic shutdown: Route limit exceeded\n"
    "  BGP state:          Down\n    Neighbor address: 10.5.255.4\n"
    "    Last error:       Automatic shutdown: Route limit exceeded\n"
    "  Channel ipv4\n    State:          DOWN\n"
    "\n"
    "to_vpn3    BGP        ---        start  1795291127    Active        Socket: Connection refused\n"
    "  BGP state:          Active\n    Connect delay:    0.784/0\n"
    "    Last error:       Socket: Connection refused\n\n";

static void sessions_are_read(void **state)
{
    struct vnl_bird_session *sessions = NULL;
    size_t n = 0;

    (void)state;
    assert_int_equal(vnl_bird_sessions_parse(protocols, &sessions, &n), 0);
    assert_int_equal(n, 3);
    assert_string_equal(sessions[0].name, "vpn1");
    assert_string_equal(sessions[0].state, "Established");
    assert_false(sessions[0].down);
    assert_int_equal(sessions[0].since_s, 1795291024);
    assert_int_equal(sessions[0].received, 12);
    assert_string_equal(sessions[0].error, "");
    assert_true(sessions[1].down);
    assert_string_equal(sessions[1].error, "Automatic shutdown: Route limit exceeded");
    assert_int_equal(sessions[1].received, 0);
    assert_false(sessions[2].down);
    assert_string_equal(sessions[2].state, "Active");
    free(sessions);
}

static const char routes[] =
    "Table master4:\n"
    "10.4.0.0/16          blackhole [to_vpn1 1795291025 from 10.4.255.4] * (100/?) [AS65020i]\n"
    "\tType: BGP univ\n\tBGP.origin: IGP\n\tBGP.as_path: 65020\n\tBGP.next_hop: 10.4.255.4\n"
    "\tBGP.local_pref: 100\n"
    "                     blackhole [to_vpn2 1795291026 from 10.5.255.4] (100/?) [AS65020i]\n"
    "\tType: BGP univ\n\tBGP.origin: IGP\n\tBGP.as_path: 65030 65020\n\tBGP.next_hop: 10.5.255.4\n"
    "0.0.0.0/0            unreachable [to_vpn2 1795291026 from 10.5.255.4] * (100/-) [AS65030i]\n"
    "\tType: BGP univ\n\tBGP.origin: IGP\n\tBGP.as_path: 65030\n\tBGP.next_hop: 10.5.255.4\n"
    "10.1.0.0/16          blackhole [own 1795290921] * (200)\n\tType: static univ\n"
    "10.4.255.4/32        blackhole [peers 1795290921] * (200)\n\tType: static univ\n";

static void routes_are_read_with_all_ways_to_a_prefix(void **state)
{
    static const struct {
        const char *prefix, *session, *as_path, *next_hop;
        bool best, learned;
    } wanted[] = {
        { "0.0.0.0/0", "vpn2", "65030", "10.5.255.4", true, true },
        { "10.1.0.0/16", "own", "", NULL, true, false },
        { "10.4.0.0/16", "vpn1", "65020", "10.4.255.4", true, true },
        { "10.4.0.0/16", "vpn2", "65030 65020", "10.5.255.4", false, true },
    };
    struct vnl_bird_routes read = { .items = NULL };

    (void)state;
    assert_int_equal(vnl_bird_routes_parse(routes, &read), 0);
    assert_int_equal(read.n, ARRAY_SIZE(wanted));
    for (size_t i = 0; i < read.n; i++) {
        const struct vnl_bird_route *route = &read.items[i];
        char text[VNL_PREFIX_STR];

        assert_string_equal(vnl_prefix_format(&route->prefix, text), wanted[i].prefix);
        assert_string_equal(route->session, wanted[i].session);
        assert_string_equal(route->as_path, wanted[i].as_path);
        assert_int_equal(route->best, wanted[i].best);
        assert_int_equal(route->learned, wanted[i].learned);
        assert_string_equal(wanted[i].next_hop ? vnl_addr_format(&route->next_hop, text) : "(none)",
                            wanted[i].next_hop ? wanted[i].next_hop : "(none)");
        assert_int_equal(route->next_hop.family, wanted[i].next_hop ? AF_INET : AF_UNSPEC);
    }
    vnl_bird_routes_done(&read);
}

static void broken_answers_give_no_routes(void **state)
{
    static const char *const texts[] = { "",
                                         "\n",
                                         "\tBGP.as_path: 65020\n",
                                         "10.4.0.0/16 blackhole [to_vpn1\n",
                                         "10.4.0.0/99 blackhole [to_vpn1 1] * (100)\n",
                                         "                     blackhole [to_vpn1 1] * (100)\n",
                                         "[]" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct vnl_bird_routes read = { .items = NULL };

        assert_int_equal(vnl_bird_routes_parse(texts[i], &read), 0);
        assert_int_equal(read.n, 0);
        vnl_bird_routes_done(&read);
    }
}

static void messages_of_a_session_are_counted(void **state)
{
    static const char log[] =
        "2026-11-21T19:57:08 <TRACE> to_vpn1: Incoming connection from 10.4.255.4 accepted\n"
        "2026-11-21T19:57:08 <TRACE> to_vpn1: Sending OPEN(ver=4,as=65010,hold=180)\n"
        "2026-11-21T19:57:08 <TRACE> to_vpn1: Got OPEN(as=65020,hold=180)\n"
        "2026-11-21T19:57:08 <TRACE> to_vpn10: Got KEEPALIVE\n"
        "2026-11-21T19:57:08 <TRACE> to_vpn1: Got KEEPALIVE\n"
        "2026-11-21T19:57:08 <TRACE> to_vpn1: State changed to up\n"
        "2026-11-21T19:57:08 <INFO> Reconfigured\n"
        "2026-11-21T19:57:08 <TRACE> to_vpn1: Sending KEEPALIVE\n"
        "2026-11-21T19:57:08 <TRACE> to_vpn1: Sending UPDATE";
    uint64_t sent = 100, received = 10;

    (void)state;
    vnl_bird_messages_count(log, "vpn1", &sent, &received);
    assert_int_equal(sent, 103);
    assert_int_equal(received, 12);
}

/* As where the log is read while it is written. */
static void log_that_ends_within_a_name_counts_what_is_whole(void **state)
{
    static const char *const logs[] = {
        "x <TRACE> vpn1: Got KEEPALIVE\nx <TRACE> vpn1",
        "x <TRACE> vpn1: Got KEEPALIVE\nx <TRACE> vpn1 ",
        "x <TRACE> vpn1: Got KEEPALIVE\nx <TRACE> vpn1:",
        "x <TRACE> vpn1: Got KEEPALIVE\nx <TRACE> ",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
        uint64_t sent = 0, received = 0;

        vnl_bird_messages_count(logs[i], "vpn1", &sent, &received);
        assert_int_equal(sent, 0);
        assert_int_equal(received, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gateway_announces_its_own_and_what_it_learns_but_no_default),
        cmocka_unit_test(site_announces_a_default_and_prepends_its_number),
        cmocka_unit_test(sessions_are_read),
        cmocka_unit_test(routes_are_read_with_all_ways_to_a_prefix),
        cmocka_unit_test(broken_answers_give_no_routes),
        cmocka_unit_test(messages_of_a_session_are_counted),
        cmocka_unit_test(log_that_ends_within_a_name_counts_what_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
