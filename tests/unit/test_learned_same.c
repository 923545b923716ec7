/* Two labs that are compared have the same learned routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../ctl/cli/cmds.h"

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

static void learn(struct vnl_lab *lab, const char *prefix)
{
    struct vnl_prefix parsed;

    assert_int_equal(vnl_prefix_parse(prefix, &parsed, NULL), 0);
    assert_int_equal(vnl_learned_add(&lab->learned, "/g/gw1", "/c/c", &parsed, "65010"), 0);
}

static void another_labs_learned_routes_take_the_place_of_its_own(void **state)
{
    struct vnl_lab asked = { .name = (char *)"t" }, running = { .name = (char *)"t" };
    char prefix[VNL_PREFIX_STR];

    (void)state;
    learn(&asked, "10.9.0.0/16");
    learn(&running, "10.51.0.0/16");
    learn(&running, "10.52.0.0/16");
    assert_int_equal(vnl_cmd_learn_same(&asked, &running, NULL), 0);
    assert_int_equal(asked.learned.n, 2);
    assert_string_equal(vnl_prefix_format(&asked.learned.items[1].prefix, prefix), "10.52.0.0/16");
    assert_string_equal(asked.learned.items[0].gateway, "/g/gw1");
    assert_string_equal(asked.learned.items[0].as_path, "65010");
    assert_int_equal(running.learned.n, 2);
    vnl_learned_done(&asked.learned);
    vnl_learned_done(&running.learned);
}

static void what_has_learned_nothing_leaves_nothing(void **state)
{
    struct vnl_lab asked = { .name = (char *)"t" }, running = { .name = (char *)"t" };

    (void)state;
    learn(&asked, "10.9.0.0/16");
    assert_int_equal(vnl_cmd_learn_same(&asked, &running, NULL), 0);
    assert_int_equal(asked.learned.n, 0);
    vnl_learned_done(&asked.learned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_labs_learned_routes_take_the_place_of_its_own),
        cmocka_unit_test(what_has_learned_nothing_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
