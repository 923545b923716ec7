/* Addresses and prefixes: strict text, exact arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "vnetlab/addr.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

static struct vnl_addr addr_of(const char *text)
{
    struct vnl_addr addr = { 0 };

    assert_int_equal(vnl_addr_parse(text, &addr, NULL), 0);
    return addr;
}

static struct vnl_prefix prefix_of(const char *text)
{
    struct vnl_prefix prefix = { 0 };

    assert_int_equal(vnl_prefix_parse(text, &prefix, NULL), 0);
    return prefix;
}

static void assert_addr(struct vnl_addr addr, const char *expected)
{
    char buf[VNL_ADDR_STR];

    assert_string_equal(vnl_addr_format(&addr, buf), expected);
}

static void addr_round_trips(void **state)
{
    static const char *const texts[] = { "0.0.0.0",
                                         "10.0.0.4",
                                         "255.255.255.255",
                                         "::",
                                         "fd00::4",
                                         "fe80::1234:5678:9abc",
                                         "2001:db8:1:2:3:4:5:6" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_addr(addr_of(texts[i]), texts[i]);
}

static void addr_parse_is_strict(void **state)
{
    static const char *const bad[] = { "",           " 10.0.0.4",  "10.0.0.4 ",  "10.0.0",       "10.0.0.04",
                                       "10.0.0.256", "10.0.0.4.5", "0x0a.0.0.4", "fe80::1%eth0", "1::2::3",
                                       "vm-1",       "10.0.0.4/32" };
    struct vnl_addr addr = { .family = 77 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

        assert_int_equal(vnl_addr_parse(bad[i], &addr, &err), -EINVAL);
        assert_non_null(strstr(err->msg, "is not an IP address"));
    }
    assert_int_equal(addr.family, 77);
}

static void addr_parse_refuses_a_second_spelling_of_ipv4(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_addr addr;

    (void)state;
    assert_int_equal(vnl_addr_parse("::ffff:10.0.0.4", &addr, &err), -EINVAL);
    assert_string_equal(err->msg, "'::ffff:10.0.0.4' is an IPv4 address in IPv6 notation");
    assert_string_equal(err->hint, "write 10.0.0.4");
}

static void prefix_parse_rejects_host_bits(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_prefix prefix = { .len = 7 };

    (void)state;
    assert_int_equal(vnl_prefix_parse("10.0.3.5/24", &prefix, &err), -EINVAL);
    assert_string_equal(err->code, "InvalidCIDRNotation");
    assert_string_equal(err->msg, "prefix '10.0.3.5/24' has host bits set");
    assert_string_equal(err->hint, "use 10.0.3.0/24");
    assert_int_equal(prefix.len, 7); /* untouched on failure */
}

static void prefix_parse_says_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *msg, *hint;
    } cases[] = {
        { "10.0.0.0", "prefix '10.0.0.0' has no length", "a single address is 10.0.0.0/32" },
        { "fd00::", "prefix 'fd00::' has no length", "a single address is fd00::/128" },
        { "ten", "'ten' is not an address prefix such as 10.0.0.0/16", NULL },
        { "", "'' is not an address prefix such as 10.0.0.0/16", NULL },
        { "10.0.0/16", "'10.0.0/16' is not an address prefix: '10.0.0' is not an IP address", NULL },
        { "10.0.0.0/33", "prefix '10.0.0.0/33': the length must be a number from 0 to 32", NULL },
        { "10.0.0.0/08", "prefix '10.0.0.0/08': the length must be a number from 0 to 32", NULL },
        { "10.0.0.0/", "prefix '10.0.0.0/': the length must be a number from 0 to 32", NULL },
        { "10.0.0.0/-1", "prefix '10.0.0.0/-1': the length must be a number from 0 to 32", NULL },
        { "10.0.0.0/255.0.0.0", "prefix '10.0.0.0/255.0.0.0': the length must be a number from 0 to 32",
          NULL },
        { "fd00::/129", "prefix 'fd00::/129': the length must be a number from 0 to 128", NULL },
        { "fd00::/99999999999", "prefix 'fd00::/99999999999': the length must be a number from 0 to 128",
          NULL },
        { "::ffff:10.0.0.0/120", "'::ffff:10.0.0.0/120' is an IPv4 address in IPv6 notation",
          "write 10.0.0.0" },
        { "fd00::1/64", "prefix 'fd00::1/64' has host bits set", "use fd00::/64" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        struct vnl_prefix prefix;

        assert_int_equal(vnl_prefix_parse(cases[i].text, &prefix, &err), -EINVAL);
        assert_string_equal(err->msg, cases[i].msg);
        assert_string_equal(err->hint ? err->hint : "-", cases[i].hint ? cases[i].hint : "-");
    }
}

static void prefix_round_trips_at_every_length(void **state)
{
    static const char *const all_ones[] = { "255.255.255.255/32",
                                            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(all_ones); i++) {
        struct vnl_prefix host = prefix_of(all_ones[i]);

        for (unsigned len = 0; len <= host.len; len++) {
            char text[VNL_PREFIX_STR], again[VNL_PREFIX_STR];
            struct vnl_prefix prefix = { .addr = { .family = host.addr.family }, .len = (uint8_t)len };

            for (unsigned bit = 0; bit < len; bit++)
                prefix.addr.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
            (void)vnl_prefix_format(&prefix, text);
            prefix = prefix_of(text);
            assert_string_equal(vnl_prefix_format(&prefix, again), text);
            assert_true(vnl_prefix_covers(&prefix, &host));
            assert_true(vnl_prefix_has(&prefix, &host.addr));
        }
    }
}

static void prefix_relations(void **state)
{
    struct vnl_prefix wide = prefix_of("10.0.0.0/15"), narrow = prefix_of("10.1.128.0/17");
    struct vnl_prefix other = prefix_of("10.2.0.0/16"), all = prefix_of("0.0.0.0/0"), six = prefix_of("::/0");

    (void)state;
    assert_true(vnl_prefix_covers(&wide, &narrow));
    assert_false(vnl_prefix_covers(&narrow, &wide));
    assert_true(vnl_prefix_covers(&wide, &wide));
    assert_true(vnl_prefix_overlap(&narrow, &wide));
    assert_false(vnl_prefix_overlap(&wide, &other));
    assert_true(vnl_prefix_covers(&all, &other));
    assert_false(vnl_prefix_overlap(&all, &six));
    assert_true(vnl_prefix_cmp(&wide, &other) < 0);
    assert_true(vnl_prefix_cmp(&all, &six) < 0);
}

static void prefix_ends(void **state)
{
    struct vnl_prefix prefix = prefix_of("10.0.1.128/25"), six = prefix_of("fd00::/64");

    (void)state;
    assert_addr(vnl_prefix_first(&prefix), "10.0.1.128");
    assert_addr(vnl_prefix_last(&prefix), "10.0.1.255");
    assert_addr(vnl_prefix_last(&six), "fd00::ffff:ffff:ffff:ffff");
}

static void addr_add_carries_and_wraps(void **state)
{
    static const struct {
        const char *from;
        uint64_t n;
        const char *to;
    } cases[] = {
        { "10.0.0.255", 1, "10.0.1.0" },
        { "255.255.255.255", 1, "0.0.0.0" },
        { "10.0.0.0", (UINT64_C(1) << 32) + 4, "10.0.0.4" },
        { "fd00::ffff:ffff:ffff:ffff", 1, "fd00:0:0:1::" },
        { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1, "::" },
        { "::1", UINT64_MAX, "0:0:0:1::" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct vnl_addr from = addr_of(cases[i].from), to = addr_of(cases[i].to);
        struct vnl_addr sum = vnl_addr_add(&from, cases[i].n);

        assert_true(vnl_addr_eq(&sum, &to));
    }
}

static void prefix_lists_are_compared_without_order(void **state)
{
    struct vnl_prefix a = prefix_of("10.0.0.0/16"), b = prefix_of("10.1.0.0/16");
    struct vnl_prefix ab[] = { a, b }, ba[] = { b, a }, aab[] = { a, a, b }, abb[] = { a, b, b };

    (void)state;
    assert_true(vnl_prefixes_same(ab, 2, ba, 2));
    assert_true(vnl_prefixes_same(NULL, 0, NULL, 0));
    assert_false(vnl_prefixes_same(ab, 2, ab, 1));
    assert_false(vnl_prefixes_same(aab, 3, abb, 3));
}

static void mac_is_lower_case_with_colons(void **state)
{
    struct vnl_mac mac = { { 0x00, 0x0d, 0x3a, 0x12, 0xAB, 0xff } };
    char buf[VNL_MAC_STR];

    (void)state;
    assert_string_equal(vnl_mac_format(&mac, buf), "00:0d:3a:12:ab:ff");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(addr_round_trips),
        cmocka_unit_test(addr_parse_is_strict),
        cmocka_unit_test(addr_parse_refuses_a_second_spelling_of_ipv4),
        cmocka_unit_test(prefix_parse_rejects_host_bits),
        cmocka_unit_test(prefix_parse_says_what_is_wrong),
        cmocka_unit_test(prefix_round_trips_at_every_length),
        cmocka_unit_test(prefix_relations),
        cmocka_unit_test(prefix_ends),
        cmocka_unit_test(addr_add_carries_and_wraps),
        cmocka_unit_test(prefix_lists_are_compared_without_order),
        cmocka_unit_test(mac_is_lower_case_with_colons),
    };

    return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
