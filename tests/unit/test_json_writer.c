/* JSON text without a tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/json_writer.h"

static void text_is_escaped_as_json_asks(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        { "", "\"\"" },
        { "plain", "\"plain\"" },
        { "a\"b\\c/", "\"a\\\"b\\\\c/\"" },
        { "\x01\x1f\x7f\n", "\"\\u0001\\u001f\x7f\\u000a\"" },
        { "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf",
          "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf\"" },
        { "\xc3\xa4 \xff", "\"?? ?\"" },
        { "\xc0\xaf", "\"??\"" }, /* longer than needed */
        { "\xe0\x80\xaf", "\"???\"" },
        { "\xed\xa0\x80", "\"???\"" },      /* a surrogate */
        { "\xf4\x90\x80\x80", "\"????\"" }, /* above U+10FFFF */
        { "ab\xe2\x82", "\"ab??\"" },       /* cut off */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_json_writer_done) struct vnl_json_writer out = { 0 };
        CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

        vnl_json_write_text(&out, NULL, cases[i].text);
        assert_false(out.failed);
        assert_int_equal(out.size, strlen(cases[i].json));
        assert_memory_equal(out.text, cases[i].json, out.size);
        assert_int_equal(vnl_json_parse(out.text, out.size, &json, NULL), 0);
    }
}

static void commas_stand_between_values(void **state)
{
    static const char expected[] = "{\"a\":[],\"b\":[1,{},true],\"c\":{\"d\":-5}}";
    CLEANUP(vnl_json_writer_done) struct vnl_json_writer out = { 0 };

    (void)state;
    vnl_json_write_open(&out, NULL, '{');
    vnl_json_write_open(&out, "a", '[');
    vnl_json_write_close(&out, ']');
    vnl_json_write_open(&out, "b", '[');
    vnl_json_write_int(&out, NULL, 1);
    vnl_json_write_open(&out, NULL, '{');
    vnl_json_write_close(&out, '}');
    vnl_json_write_bool(&out, NULL, true);
    vnl_json_write_close(&out, ']');
    vnl_json_write_open(&out, "c", '{');
    vnl_json_write_int(&out, "d", -5);
    vnl_json_write_close(&out, '}');
    vnl_json_write_close(&out, '}');
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.text, expected, out.size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped_as_json_asks),
        cmocka_unit_test(commas_stand_between_values),
    };

    return cmocka_run_group_tests_name("json_writer", tests, NULL, NULL);
}
