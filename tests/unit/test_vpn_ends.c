/* Several ends of one connection: which of them carries what, and which instances are alive. The plan is made by hand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <cmocka.h>

#include "../../ctl/agent/vpn_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

/* Two instances of gw, each with an end to the two instances of far: 0-0, 0-1, 1-1, 1-0; and another connection of the first instance. */
enum { E00, E01, E11, E10, OTHER, ENDS };

static struct vnl_plan_gateway gateways[] = {
    { .id = "gateways/gw", .name = "gw", .resource = "gw", .instance = 0 },
    { .id = "gateways/gw", .name = "gw.1", .resource = "gw", .instance = 1 },
};
static struct vnl_prefix far_space, peers[2], more;
static struct vnl_prefix routes[3];
static struct vnl_plan_backend backends[2];
static struct vnl_plan_lb_rule rules[] = { { .id = "c", .backends = backends, .n_backends = 2 },
                                           { .id = "gw", .backends = backends, .n_backends = 2 } };
static struct vnl_plan_balancer balancers[] = {
    { .id = "connections/c", .connection = true, .rules = &rules[0], .n_rules = 1 },
    { .id = "gateways/gw", .connection = true, .rules = &rules[1], .n_rules = 1 },
};
static struct vnl_plan_tunnel plans[ENDS];
static struct vnl_plan plan = { .gateways = gateways,
                                .n_gateways = 2,
                                .balancers = balancers,
                                .n_balancers = 2,
                                .tunnels = plans,
                                .n_tunnels = ENDS };
static struct vnl_vpn_daemon daemons[2];
static struct vnl_vpn *vpn;
static int epoll_fd = -1;

/* What was done in the guests, in order: "vpn1+2 " is two prefixes into vpn1. */
static char done[512];

static int routes_set(const char *lab, const char *gateway, const char *ifname,
                      const struct vnl_prefix *prefixes, size_t n, struct vnl_err **err)
{
    size_t len = strlen(done);

    (void)lab, (void)gateway, (void)prefixes, (void)err;
    (void)snprintf(done + len, sizeof(done) - len, "%s+%zu ", ifname, n);
    return 0;
}

static struct vnl_prefix prefix(const char *text)
{
    struct vnl_prefix ret;

    assert_int_equal(vnl_prefix_parse(text, &ret, NULL), 0);
    return ret;
}

static void plan_end(size_t i, uint32_t gateway, const char *connection, uint32_t balancer)
{
    plans[i] = (struct vnl_plan_tunnel){ .connection = (char *)connection,
                                         .name = (char *)"c",
                                         .gateway = gateway,
                                         .other = VNL_PLAN_NOBODY,
                                         .balancer = balancer,
                                         .routes = routes,
                                         .n_routes = 1 };
    (void)snprintf(plans[i].ifname, sizeof(plans[i].ifname), "vpn%zu", i + 1);
}

static int setup(void **state)
{
    static const struct vnl_vpn_hands hands = { .routes_set = routes_set };

    (void)state;
    far_space = prefix("10.4.0.0/16");
    peers[0] = prefix("10.4.255.30/32");
    peers[1] = prefix("10.4.255.29/32");
    more = prefix("172.16.0.0/12");
    routes[0] = far_space;
    for (size_t i = 0; i < ENDS; i++)
        plan_end(i, i == E11 || i == E10, i == OTHER ? "connections/d" : "connections/c",
                 i == OTHER ? VNL_PLAN_NOBODY : 0);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(vnl_vpn_new(epoll_fd, "lab", &hands, &vpn, NULL), 0);
    vpn->plan = &plan;
    vpn->tunnels = calloc(ENDS, sizeof(struct vnl_vpn_tunnel *));
    assert_non_null(vpn->tunnels);
    for (size_t i = 0; i < ENDS; i++) {
        struct vnl_vpn_tunnel *tunnel = vpn->tunnels[vpn->n_tunnels++] = calloc(1, sizeof(*tunnel));

        assert_non_null(tunnel);
        tunnel->vpn = vpn;
        tunnel->plan = &plans[i];
        tunnel->daemon = &daemons[plans[i].gateway];
        tunnel->daemon->phase = VNL_VPN_UP;
        tunnel->status = VNL_VPN_CONNECTING;
        (void)snprintf(tunnel->ifname, sizeof(tunnel->ifname), "%s", plans[i].ifname);
        (void)snprintf(tunnel->gateway, sizeof(tunnel->gateway), "%s", gateways[plans[i].gateway].name);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vnl_vpn_free(&vpn);
    vnl_fd_close(&epoll_fd);
    return 0;
}

static void set_up(size_t end, bool up)
{
    vpn->tunnels[end]->status = up ? VNL_VPN_CONNECTED : VNL_VPN_CONNECTING;
}

static void assert_carries(size_t end, const char *wanted)
{
    CLEANUP(vnl_vpn_prefixes_done) struct vnl_vpn_prefixes list = { .n = 0 };
    char text[256] = "", one[VNL_PREFIX_STR];

    assert_int_equal(vnl_vpn_tunnel_routes(vpn->tunnels[end], &list), 0);
    for (size_t i = 0; i < list.n; i++) {
        strcat(text, i ? " " : "");
        strcat(text, vnl_prefix_format(&list.items[i], one));
    }
    assert_string_equal(text, wanted);
}

static void first_end_that_is_up_carries(void **state)
{
    (void)state;
    assert_carries(E00, "10.4.0.0/16"); /* none is up: where it is lost */
    assert_carries(E01, "");
    set_up(E01, true);
    assert_carries(E00, "");
    assert_carries(E01, "10.4.0.0/16");
    assert_carries(E11, "10.4.0.0/16"); /* the other instance chooses for itself */
    assert_carries(OTHER, "10.4.0.0/16");
    set_up(E00, true);
    assert_carries(E00, "10.4.0.0/16");
    assert_carries(E01, "");
}

static void end_is_up_when_the_other_one_is(void **state)
{
    struct vnl_vpn_tunnel twin = { .status = VNL_VPN_CONNECTING };

    (void)state;
    vpn->tunnels[E00]->other = &twin;
    set_up(E00, true);
    assert_false(vnl_vpn_tunnel_up(vpn, E00));
    twin.status = VNL_VPN_CONNECTED;
    assert_true(vnl_vpn_tunnel_up(vpn, E00));
    assert_false(vnl_vpn_tunnel_up(vpn, ENDS));
}

static void route_to_a_neighbour_stays_at_its_end(void **state)
{
    (void)state;
    routes[0] = peers[0];
    routes[1] = peers[1];
    for (size_t i = E00; i <= E01; i++) {
        plans[i].n_routes = 2;
        plans[i].peer_asn = 65010;
        plans[i].peer_bgp = peers[i == E01].addr;
    }
    set_up(E00, true);
    assert_carries(E00, "10.4.255.30/32");
    assert_carries(E01, "10.4.255.29/32");
}

/* Would the agent's loop run the controller at once? */
static bool is_woken(void)
{
    struct epoll_event event;
    bool woken = epoll_wait(epoll_fd, &event, 1, 0) == 1;

    if (woken)
        assert_int_equal(vnl_loop_turn(epoll_fd, 0), 0);
    return woken;
}

static void learned_prefix_goes_where_it_was_learned(void **state)
{
    (void)state;
    set_up(E00, true);
    set_up(E01, true);
    assert_false(is_woken());
    vnl_vpn_learned_set(vpn, "vpn2", &more, 1);
    assert_true(is_woken());
    vnl_vpn_learned_set(vpn, "vpn2", &more, 1); /* the same again */
    vnl_vpn_learned_set(vpn, "vpn77", &more, 1);
    assert_false(is_woken());
    assert_carries(E00, "10.4.0.0/16");
    assert_carries(E01, "172.16.0.0/12");
    assert_carries(OTHER, "10.4.0.0/16"); /* another connection's */
    set_up(E01, false);                   /* until BGP knows */
    assert_carries(E00, "10.4.0.0/16 172.16.0.0/12");
    vnl_vpn_learned_set(vpn, "vpn2", NULL, 0);
    assert_carries(E00, "10.4.0.0/16");
}

static void new_agent_knows_what_was_learned_from_the_plan(void **state)
{
    struct vnl_route rows[] = {
        { .source = VNL_ROUTE_GATEWAY,
          .prefix = more,
          .origin = (char *)"connections/c",
          .as_path = (char *)"65010" },
        { .source = VNL_ROUTE_GATEWAY,
          .prefix = peers[0],
          .origin = (char *)"connections/d",
          .as_path = (char *)"65010" },
        { .source = VNL_ROUTE_GATEWAY, .prefix = peers[1], .origin = (char *)"connections/c" },
    };
    struct vnl_route_table table = { .routes = rows, .n_routes = 3 };

    (void)state;
    plan.tables = &table;
    plan.n_tables = 1;
    assert_int_equal(vnl_vpn_learned_recall(vpn->tunnels[E00]), 0);
    assert_carries(E00, "10.4.0.0/16"); /* no BGP there */
    plans[E00].peer_asn = 65010;
    assert_int_equal(vnl_vpn_learned_recall(vpn->tunnels[E00]), 0);
    assert_carries(E00, "10.4.0.0/16 172.16.0.0/12");
    plan.n_tables = 0;
}

static void prefix_that_moves_is_given_before_it_is_taken(void **state)
{
    (void)state;
    set_up(E01, true);
    done[0] = '\0';
    vnl_vpn_routes_follow(vpn);
    assert_string_equal(done, "vpn2+1 vpn3+1 vpn5+1 vpn1+0 vpn4+0 ");
    done[0] = '\0';
    vnl_vpn_routes_follow(vpn);
    assert_string_equal(done, ""); /* in place */
    set_up(E00, true);
    vnl_vpn_routes_follow(vpn);
    assert_string_equal(done, "vpn1+1 vpn2+0 ");
}

static void balancer_knows_which_instances_are_alive(void **state)
{
    (void)state;
    assert_int_equal(vnl_vpn_alive(vpn, 0), 3); /* none is up: it does not matter */
    set_up(E10, true);
    assert_int_equal(vnl_vpn_alive(vpn, 0), 2);
    assert_int_equal(vnl_vpn_alive(vpn, 1), 2);
    set_up(OTHER, true); /* another connection: alive for the gateway, not for this one */
    assert_int_equal(vnl_vpn_alive(vpn, 0), 2);
    assert_int_equal(vnl_vpn_alive(vpn, 1), 3);
}

/* An instance whose session is not up yet, or not any more, would lose what the other one knows a way for. */
static void instance_that_has_learned_more_is_alive_alone(void **state)
{
    const struct vnl_prefix two[] = { more, peers[0] };

    (void)state;
    set_up(E00, true);
    set_up(E11, true);
    vnl_vpn_learned_set(vpn, "vpn1", two, 2);
    vnl_vpn_learned_set(vpn, "vpn3", two, 1);
    assert_int_equal(vnl_vpn_alive(vpn, 0), 1);
    assert_int_equal(vnl_vpn_alive(vpn, 1), 1);
    vnl_vpn_learned_set(vpn, "vpn4", two + 1,
                        1); /* by another end of the same instance, and one that is down */
    assert_int_equal(vnl_vpn_alive(vpn, 0), 3);
    set_up(E00, false);
    assert_int_equal(vnl_vpn_alive(vpn, 0), 2);
    set_up(E11, false);
    assert_int_equal(vnl_vpn_alive(vpn, 0), 3); /* none is up */
    vnl_vpn_learned_set(vpn, "vpn5", two, 2);
    set_up(E00, true);
    set_up(E11, true);
    assert_int_equal(vnl_vpn_alive(vpn, 0), 3); /* what another connection brings */
}

/* The system's routes win over what BGP learns within them: so at the gateway, too. */
static void learned_prefix_within_the_networks_own_is_not_routed(void **state)
{
    struct vnl_prefix own = prefix("172.20.0.0/16"), in_it = prefix("172.20.1.0/24"),
                      list[] = { more, in_it, own };

    (void)state;
    gateways[0].inside = &own;
    gateways[0].n_inside = 1;
    set_up(E00, true);
    vnl_vpn_learned_set(vpn, "vpn1", list, 3);
    assert_carries(E00, "10.4.0.0/16 172.16.0.0/12");
    gateways[0].site = true; /* a router of the user's does as routers do */
    assert_carries(E00, "10.4.0.0/16 172.16.0.0/12 172.20.0.0/16 172.20.1.0/24");
    gateways[0].site = false;
    gateways[0].n_inside = 0;
}

static void server_waits_for_clients_and_starts_nothing(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *states = NULL;
    struct vnl_vpn_tunnel *server = vpn->tunnels[OTHER];

    (void)state;
    plans[OTHER].kind = VNL_TUNNEL_SERVER;
    plans[OTHER].peer = VNL_PLAN_NOBODY;
    server->status = VNL_VPN_UNKNOWN;
    vnl_vpn_tunnel_settle(server);
    assert_int_equal(server->status, VNL_VPN_CONNECTING);
    assert_null(server->reason);
    vnl_vpn_tunnel_note_sa(server, NULL);
    assert_int_equal(vnl_vpn_tunnel_run(server, INT64_MAX), -1);
    states = vnl_vpn_report(vpn);
    assert_int_equal(vnl_json_get_int(vnl_json_at(states, OTHER), "kind", -1), VNL_TUNNEL_SERVER);
    assert_null(vnl_json_get_text(vnl_json_at(states, OTHER), "remote"));
}

static void client_is_up_on_its_own_word(void **state)
{
    struct vnl_vpn_tunnel server = { .status = VNL_VPN_CONNECTING };

    (void)state;
    plans[OTHER].kind = VNL_TUNNEL_CLIENT;
    vpn->tunnels[OTHER]->other = &server;
    set_up(OTHER, true);
    assert_true(vnl_vpn_tunnel_up(vpn, OTHER));
    assert_carries(OTHER, "10.4.0.0/16");
}

static void gateways_name_means_all_its_instances(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *states = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    for (size_t i = 0; i < ENDS; i++)
        plans[i].initiates = true;
    assert_int_equal(vnl_vpn_renew(vpn, "gw.1", NULL, &err), 0);
    assert_false(vpn->tunnels[E00]->restart);
    assert_true(vpn->tunnels[E11]->restart);
    assert_int_equal(vnl_vpn_renew(vpn, "GW", NULL, &err), 0);
    assert_true(vpn->tunnels[E00]->restart);
    assert_int_equal(vnl_vpn_renew(vpn, "gw.2", NULL, &err), -ENOENT);
    assert_string_equal(err->msg, "gateway 'gw.2' has no tunnel");
    states = vnl_vpn_report(vpn);
    assert_string_equal(vnl_json_get_text(vnl_json_at(states, E11), "gateway"), "gw");
    assert_string_equal(vnl_json_get_text(vnl_json_at(states, E11), "guest"), "gw.1");
    assert_int_equal(vnl_json_get_int(vnl_json_at(states, E11), "instance", -1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_end_that_is_up_carries, setup, teardown),
        cmocka_unit_test_setup_teardown(end_is_up_when_the_other_one_is, setup, teardown),
        cmocka_unit_test_setup_teardown(route_to_a_neighbour_stays_at_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(learned_prefix_goes_where_it_was_learned, setup, teardown),
        cmocka_unit_test_setup_teardown(new_agent_knows_what_was_learned_from_the_plan, setup, teardown),
        cmocka_unit_test_setup_teardown(prefix_that_moves_is_given_before_it_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(balancer_knows_which_instances_are_alive, setup, teardown),
        cmocka_unit_test_setup_teardown(instance_that_has_learned_more_is_alive_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(learned_prefix_within_the_networks_own_is_not_routed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(server_waits_for_clients_and_starts_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(client_is_up_on_its_own_word, setup, teardown),
        cmocka_unit_test_setup_teardown(gateways_name_means_all_its_instances, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
