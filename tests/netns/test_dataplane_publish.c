/* Routes that come and go while a lab runs: only the tables change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "../harness/live.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define NETS "vnet va 10.0.0.0/16\nsubnet s 10.0.0.0/24\nvm a va/s 10.0.0.4\nvm b va/s 10.0.0.5\n"

static bool published(void)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    bool changed = false;

    if (vnl_dp_publish(live_plan, &changed, &err) < 0)
        fail_msg("%s", err->msg);
    return changed;
}

/* A longer prefix than the VNet's own, with next hop None. */
static struct vnl_route *add_route(struct vnl_prefix prefix)
{
    struct vnl_route_table *table = &live_plan->tables[0];
    struct vnl_route *routes = reallocarray(table->routes, table->n_routes + 1, sizeof(*routes));

    assert_non_null(routes);
    table->routes = routes;
    routes[table->n_routes] = (struct vnl_route){
        .source = VNL_ROUTE_USER,
        .active = true,
        .prefix = prefix,
        .type = VNL_NEXT_HOP_NONE,
        .nic = VNL_PLAN_NOBODY,
        .balancer = VNL_PLAN_NOBODY,
    };
    return &routes[table->n_routes++];
}

static void a_route_is_in_the_packets_way_at_once(void **state)
{
    struct vnl_prefix b = { .addr = { .family = AF_INET, .bytes = { 10, 0, 0, 5 } }, .len = 32 };

    (void)state;
    (void)live_converge(NETS);
    assert_false(published());
    assert_true(running_ping("a", "10.0.0.5"));
    (void)add_route(b);
    assert_true(published());
    assert_false(published());
    assert_false(running_ping("a", "10.0.0.5"));
    live_plan->tables[0].n_routes--;
    assert_true(published());
    assert_true(running_ping("a", "10.0.0.5"));
}

/* What the tables have no room for takes larger ones, without a break for what is known. */
static void more_routes_than_the_tables_hold(void **state)
{
    char *tables;

    (void)state;
    (void)live_converge(NETS);
    tables = strdup(running_sh("readlink %s/%s/bpf", vnl_run_dir(), live_plan->lab));
    for (unsigned i = 0; i < 8000; i++)
        (void)add_route((struct vnl_prefix){
            .addr = { .family = AF_INET, .bytes = { 100, (uint8_t)(i >> 7), (uint8_t)(i << 1) } },
            .len = 24 });
    assert_true(published());
    assert_string_not_equal(running_sh("readlink %s/%s/bpf", vnl_run_dir(), live_plan->lab), tables);
    assert_false(published());
    assert_true(running_ping("a", "10.0.0.5"));
    running_check(live_plan);
    free(tables);
}

static void a_lab_that_is_not_up_has_no_tables(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    char expected[64];
    bool changed = true;

    (void)state;
    (void)live_converge(NETS);
    running_down();
    assert_int_equal(vnl_dp_publish(live_plan, &changed, &err), -ENOENT);
    (void)snprintf(expected, sizeof(expected), "lab '%s' is not running", live_plan->lab);
    assert_string_equal(err->msg, expected);
    assert_true(changed); /* untouched */
    assert_false(vnl_dp_exists(live_plan->lab));
}

#define lab_test(name) cmocka_unit_test_teardown(name, live_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(a_route_is_in_the_packets_way_at_once),
        lab_test(more_routes_than_the_tables_hold),
        lab_test(a_lab_that_is_not_up_has_no_tables),
    };

    return cmocka_run_group_tests_name("publishing routes", tests, live_group_setup, live_group_teardown);
}
