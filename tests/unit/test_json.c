/* JSON values and the drop vocabulary that JSON and text are printed from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/drop.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

static void assert_formats(const struct vnl_json *value, const char *expected)
{
    CLEANUP(vnl_str_free) char *text = NULL;

    assert_int_equal(vnl_json_format(value, 0, &text, NULL), 0);
    assert_string_equal(text, expected);
}

static void keys_stay_in_the_order_they_were_set(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *object = vnl_json_object();
    struct vnl_json *list = vnl_json_array();

    (void)state;
    assert_int_equal(vnl_json_set(object, "z", vnl_json_int(1)), 0);
    assert_int_equal(vnl_json_set(object, "a", vnl_json_bool(true)), 0);
    assert_int_equal(vnl_json_set(object, "m", vnl_json_str(NULL)), 0);
    assert_int_equal(vnl_json_push(list, vnl_json_str("x")), 0);
    assert_int_equal(vnl_json_push(list, vnl_json_real(0.1)), 0);
    assert_int_equal(vnl_json_set(object, "list", list), 0);
    assert_formats(object, "{\"z\": 1, \"a\": true, \"m\": null, \"list\": [\"x\", 0.1]}");
    assert_int_equal(vnl_json_len(object), 4);
    assert_int_equal(vnl_json_len(list), 2);
}

static void getters_fall_back_on_another_type(void **state)
{
    static const char text[] = "{\"n\": 7, \"t\": \"x\", \"b\": true, \"l\": [1]}";
    CLEANUP(vnl_json_free) struct vnl_json *object = NULL;

    (void)state;
    assert_int_equal(vnl_json_parse(text, sizeof(text) - 1, &object, NULL), 0);
    assert_int_equal(vnl_json_get_int(object, "n", -1), 7);
    assert_int_equal(vnl_json_get_int(object, "t", -1), -1);
    assert_true(vnl_json_get_bool(object, "b", false));
    assert_true(vnl_json_get_bool(object, "n", true));
    assert_string_equal(vnl_json_get_text(object, "t"), "x");
    assert_null(vnl_json_get_text(object, "n"));
    assert_null(vnl_json_get(object, "absent"));
    assert_null(vnl_json_at(object, 0));
    assert_non_null(vnl_json_at(vnl_json_get(object, "l"), 0));
    assert_null(vnl_json_at(vnl_json_get(object, "l"), 1));
    assert_true(vnl_json_is_object(object) && vnl_json_is_array(vnl_json_get(object, "l")));
    assert_false(vnl_json_is_object(NULL) || vnl_json_is_array(NULL));
    assert_int_equal(vnl_json_len(NULL), 0);
}

static void builders_pass_null_on(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *object = vnl_json_object();
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    char *text = NULL;

    (void)state;
    assert_int_equal(vnl_json_set(object, "a", NULL), -ENOMEM);
    assert_int_equal(vnl_json_push(NULL, vnl_json_int(1)), -ENOMEM);
    assert_int_equal(vnl_json_format(NULL, 2, &text, &err), -ENOMEM);
    assert_null(text);
    assert_string_equal(err->msg, "JSON text: out of memory");
}

static void values_that_json_lacks_are_shown_nearest(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *list = vnl_json_array();

    (void)state;
    (void)vnl_json_push(list, vnl_json_real(NAN));
    (void)vnl_json_push(list, vnl_json_str("/tmp/\xff.yaml"));
    assert_formats(list, "[null, \"/tmp/?.yaml\"]");
}

static void parse_says_where_it_stopped(void **state)
{
    static const char text[] = "{\n  \"a\": 1,\n  \"a\": 2 }";
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_json *value = NULL;

    (void)state;
    assert_int_equal(vnl_json_parse(text, sizeof(text) - 1, &value, &err), -EINVAL);
    assert_non_null(strstr(err->msg, "not valid JSON, line 3, column 5: duplicate object key"));
    assert_null(value);
}

static void drop_names_round_trip(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VNL_DROP_MAX; i++) {
        enum vnl_drop reason = VNL_DROP_MAX;

        assert_int_equal(vnl_drop_parse(vnl_drop_str((enum vnl_drop)i), &reason), 0);
        assert_int_equal(reason, i);
        assert_true(strlen(vnl_drop_text((enum vnl_drop)i)) > 0);
        assert_ptr_equal(vnl_drop_names()[i], vnl_drop_str((enum vnl_drop)i));
    }
}

static void drop_parse_ignores_case_and_refuses_others(void **state)
{
    enum vnl_drop reason = VNL_DROP_MAX;

    (void)state;
    assert_int_equal(vnl_drop_parse("noroute", &reason), 0);
    assert_int_equal(reason, VNL_DROP_NO_ROUTE);
    assert_int_equal(vnl_drop_parse("NoWay", &reason), -EINVAL);
    assert_int_equal(reason, VNL_DROP_NO_ROUTE);
    assert_string_equal(vnl_drop_str((enum vnl_drop)VNL_DROP_SLOTS), "Unknown");
}

static void every_stage_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VNL_STAGE_MAX; i++) {
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(vnl_stage_str((enum vnl_stage)i), vnl_stage_str((enum vnl_stage)k));
    }
    assert_string_equal(vnl_stage_str(VNL_STAGE_MAX), "unknown");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_stay_in_the_order_they_were_set),
        cmocka_unit_test(getters_fall_back_on_another_type),
        cmocka_unit_test(builders_pass_null_on),
        cmocka_unit_test(values_that_json_lacks_are_shown_nearest),
        cmocka_unit_test(parse_says_where_it_stopped),
        cmocka_unit_test(drop_names_round_trip),
        cmocka_unit_test(drop_parse_ignores_case_and_refuses_others),
        cmocka_unit_test(every_stage_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
