/* Errors: raising, wrapping, lists, and what a user reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"

static char *printed(const struct vnl_err *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    vnl_err_print(out, err);
    (void)fclose(out);
    return text;
}

static void assert_prints(const struct vnl_err *err, const char *expected)
{
    CLEANUP(vnl_str_free) char *text = printed(err);

    assert_string_equal(text, expected);
}

static void fail_gives_negative_errno_and_sentence(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    assert_int_equal(vnl_fail(&err, ENOENT, "no lab '%s'", "x"), -ENOENT);
    assert_int_equal(err->num, ENOENT);
    assert_string_equal(err->msg, "no lab 'x'");
    assert_prints(err, "vnetlab: no lab 'x'\n");
}

static void fail_without_a_place_for_the_report_gives_the_number(void **state)
{
    (void)state;
    assert_int_equal(vnl_fail(NULL, EPERM, "not shown"), -EPERM);
    assert_int_equal(vnl_wrap(NULL, "not shown"), -EINVAL);
}

static void enomem_is_said_in_words(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    (void)vnl_fail(&err, ENOMEM, "subnet '%s'", "a");
    assert_string_equal(err->msg, "subnet 'a': out of memory");
}

static void print_shows_place_code_sentence_and_hint(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_src src = { "lab.yaml", 7, 9 };

    (void)state;
    (void)vnl_fail_at(&err, EINVAL, "InvalidCIDRNotation", &src, NULL, "use 10.0.3.0/24",
                      "prefix '10.0.3.5/24' has host bits set");
    assert_int_equal(err->line, 7);
    assert_int_equal(err->col, 9);
    assert_prints(err, "vnetlab: lab.yaml:7:9: InvalidCIDRNotation: prefix '10.0.3.5/24' has host bits set\n"
                       "  hint: use 10.0.3.0/24\n");
}

static void print_shows_a_target_that_the_sentence_does_not_name(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    (void)vnl_fail_at(&err, EINVAL, NULL, NULL, "virtualMachines/a", NULL, "an address is needed");
    (void)vnl_fail_at(&err, EINVAL, NULL, NULL, "virtualMachines/a", NULL, "VM 'a' needs an address");
    (void)vnl_fail_at(&err, EINVAL, NULL, NULL, "subnets/b", NULL, "subnet 'v/b' is full");
    (void)vnl_fail_at(&err, EINVAL, NULL, NULL, "peerings/a-to-b", NULL, "peering a-to-b is refused");
    (void)vnl_fail_at(&err, EINVAL, NULL, NULL, "peerings/a-to-b", NULL, "peering a-to-b-2 is refused");
    assert_prints(err, "vnetlab: virtualMachines/a: an address is needed\n"
                       "vnetlab: VM 'a' needs an address\n"
                       "vnetlab: subnet 'v/b' is full\n"
                       "vnetlab: peering a-to-b is refused\n"
                       "vnetlab: peerings/a-to-b: peering a-to-b-2 is refused\n");
}

static void print_makes_control_characters_harmless(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    (void)vnl_fail(&err, EINVAL, "unknown key '%s'", "\033[31mred\r");
    assert_prints(err, "vnetlab: unknown key '\\x1b[31mred\\x0d'\n");
}

static void wrap_puts_words_in_front_of_the_newest(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    (void)vnl_fail(&err, EINVAL, "first");
    (void)vnl_fail(&err, ENOSPC, "second");
    assert_int_equal(vnl_wrap(&err, "lab '%s'", "x"), -ENOSPC);
    assert_prints(err, "vnetlab: first\nvnetlab: lab 'x': second\n");
}

static void append_keeps_the_order_of_telling(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *list = NULL;
    struct vnl_err *more = NULL;

    (void)state;
    vnl_err_append(&list, &more);
    assert_null(list);
    (void)vnl_fail(&more, EINVAL, "1");
    vnl_err_append(&list, &more);
    (void)vnl_fail(&more, EINVAL, "2");
    (void)vnl_fail(&more, EINVAL, "3");
    vnl_err_append(&list, &more);
    assert_null(more);
    assert_int_equal(vnl_err_count(list), 3);
    assert_prints(list, "vnetlab: 1\nvnetlab: 2\nvnetlab: 3\n");
}

static void sort_is_by_place_and_stable(void **state)
{
    static const struct {
        int line, col;
        const char *msg;
    } raised[] = { { 0, 0, "e" }, { 9, 1, "c" }, { 2, 7, "b" }, { 9, 1, "d" }, { 2, 5, "a" }, { 0, 0, "f" } };
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(raised); i++) {
        struct vnl_src src = { raised[i].line ? "f" : NULL, raised[i].line, raised[i].col };

        (void)vnl_fail_at(&err, EINVAL, NULL, &src, NULL, NULL, "%s", raised[i].msg);
    }
    vnl_err_sort(&err);
    assert_int_equal(vnl_err_count(err), ARRAY_SIZE(raised));
    assert_prints(err, "vnetlab: f:2:5: a\nvnetlab: f:2:7: b\nvnetlab: f:9:1: c\nvnetlab: f:9:1: d\n"
                       "vnetlab: e\nvnetlab: f\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_gives_negative_errno_and_sentence),
        cmocka_unit_test(fail_without_a_place_for_the_report_gives_the_number),
        cmocka_unit_test(enomem_is_said_in_words),
        cmocka_unit_test(print_shows_place_code_sentence_and_hint),
        cmocka_unit_test(print_shows_a_target_that_the_sentence_does_not_name),
        cmocka_unit_test(print_makes_control_characters_harmless),
        cmocka_unit_test(wrap_puts_words_in_front_of_the_newest),
        cmocka_unit_test(append_keeps_the_order_of_telling),
        cmocka_unit_test(sort_is_by_place_and_stable),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
