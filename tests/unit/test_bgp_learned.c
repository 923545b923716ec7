/* Of what the guests' BIRDs hold, the best route of each gateway and prefix reaches the lab's plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../ctl/agent/bgp_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/plan.h"

/* Two instances of gw, each with a tunnel of connections c1 and c2; a site. */
static struct vnl_plan_gateway gateways[] = { { .id = (char *)"/gw", .instance = 0 },
                                              { .id = (char *)"/gw", .instance = 1 },
                                              { .id = (char *)"/office", .site = true } };
static struct vnl_plan_tunnel tunnels[] = { { .connection = (char *)"/c1" },
                                            { .connection = (char *)"/c2" },
                                            { .connection = (char *)"/c1" },
                                            { .connection = (char *)"/c2" },
                                            { .connection = (char *)"/c1" } };
static const struct vnl_plan plan = {
    .gateways = gateways, .n_gateways = 3, .tunnels = tunnels, .n_tunnels = 5
};

struct world {
    struct vnl_bgp_control bgp;
    struct vnl_bgp_guest guests[3], *list[3];
    struct vnl_bgp_session sessions[5];
    struct vnl_bird_route routes[3][8];
};

static void world_init(struct world *world)
{
    memset(world, 0, sizeof(*world));
    world->bgp = (struct vnl_bgp_control){ .plan = &plan, .guests = world->list, .n_guests = 3 };
    for (size_t i = 0; i < 5; i++) {
        world->sessions[i].tunnel = i;
        (void)snprintf(world->sessions[i].ifname, sizeof(world->sessions[i].ifname), "vpn%zu", i);
    }
    for (size_t i = 0; i < 3; i++) {
        world->list[i] = &world->guests[i];
        world->guests[i] = (struct vnl_bgp_guest){
            .bgp = &world->bgp, .gateway = i, .sessions = &world->sessions[2 * i], .n_sessions = i < 2 ? 2 : 1
        };
        world->guests[i].routes.items = world->routes[i];
    }
}

static void learn(struct world *world, size_t guest, const char *prefix, const char *session,
                  const char *as_path, bool best)
{
    struct vnl_bird_routes *routes = &world->guests[guest].routes;
    struct vnl_bird_route *route = &routes->items[routes->n++];

    *route = (struct vnl_bird_route){ .best = best, .learned = true, .as_path = (char *)as_path };
    (void)snprintf(route->session, sizeof(route->session), "%s", session);
    assert_int_equal(vnl_prefix_parse(prefix, &route->prefix, NULL), 0);
}

static void assert_learned(const struct world *world, const char *wanted)
{
    struct vnl_learned learned = { .items = NULL };
    char text[1024] = "", prefix[VNL_PREFIX_STR];
    size_t at = 0;

    assert_int_equal(vnl_bgp_learned_collect(&world->bgp, &learned), 0);
    for (size_t i = 0; i < learned.n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s %s %s\n", learned.items[i].gateway,
                               learned.items[i].connection,
                               vnl_prefix_format(&learned.items[i].prefix, prefix), learned.items[i].as_path);
    vnl_learned_done(&learned);
    assert_string_equal(text, wanted);
}

static void instances_that_learned_the_same_are_one(void **state)
{
    struct world world;

    (void)state;
    world_init(&world);
    learn(&world, 0, "10.4.0.0/16", "vpn0", "65020", true);
    learn(&world, 1, "10.4.0.0/16", "vpn2", "65020", true);
    learn(&world, 1, "10.5.0.0/16", "vpn3", "65030", true);
    assert_learned(&world, "/gw /c1 10.4.0.0/16 65020\n/gw /c2 10.5.0.0/16 65030\n");
}

static void shorter_path_wins_then_the_first_instance(void **state)
{
    struct world world;

    (void)state;
    world_init(&world);
    learn(&world, 0, "10.4.0.0/16", "vpn0", "65020 65050", true);
    learn(&world, 1, "10.4.0.0/16", "vpn3", "65030", true);
    learn(&world, 0, "10.5.0.0/16", "vpn1", "65030", true);
    learn(&world, 1, "10.5.0.0/16", "vpn2", "65020", true);
    assert_learned(&world, "/gw /c2 10.4.0.0/16 65030\n/gw /c2 10.5.0.0/16 65030\n");
}

static void second_best_is_left_out_and_a_site_has_its_own(void **state)
{
    struct world world;

    (void)state;
    world_init(&world);
    learn(&world, 0, "10.4.0.0/16", "vpn1", "65030", true);
    learn(&world, 0, "10.4.0.0/16", "vpn0", "65020", false);
    learn(&world, 2, "10.1.0.0/16", "vpn4", "65010", true);
    assert_learned(&world, "/gw /c2 10.4.0.0/16 65030\n/office /c1 10.1.0.0/16 65010\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_that_learned_the_same_are_one),
        cmocka_unit_test(shorter_path_wins_then_the_first_instance),
        cmocka_unit_test(second_best_is_left_out_and_a_site_has_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
