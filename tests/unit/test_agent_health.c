/* Health probes: what their results say, one after the other, and what HTTP answers say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../ctl/agent/health.h"
#include "vnetlab/base.h"
#include "vnetlab/plan.h"

/* results: + success, - failure. verdicts: after each one, u or d; capital when the load balancer is told. */
static void verdicts_follow_the_threshold(void **state)
{
    static const struct {
        uint32_t threshold;
        const char *results, *verdicts;
    } rows[] = {
        { 1, "+++", "Uuu" },     { 1, "--", "Dd" },         { 1, "+-+-", "UDUD" },
        { 0, "+-+", "UDU" },     { 2, "+--", "UuD" },       { 2, "-+-", "DUu" },
        { 2, "+--++", "UuDdU" }, { 2, "+--+-+", "UuDddd" }, { 3, "+---+++", "UuuDddU" },
        { 3, "--+--", "DdUuu" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct vnl_health_state health = { .in_row = 0 };
        char seen[16] = "";

        for (size_t k = 0; rows[i].results[k]; k++) {
            bool tell = vnl_health_note(&health, rows[i].results[k] == '+', rows[i].threshold);

            seen[k] = health.down ? (tell ? 'D' : 'd') : (tell ? 'U' : 'u');
        }
        assert_string_equal(seen, rows[i].verdicts);
    }
}

static void a_backend_is_alive_until_its_first_result(void **state)
{
    struct vnl_health_state health[3] = { { .in_row = 0 } };

    (void)state;
    assert_int_equal(vnl_health_alive(health, 3), 7);
    (void)vnl_health_note(&health[1], false, 1);
    assert_int_equal(vnl_health_alive(health, 3), 5);
    assert_int_equal(vnl_health_alive(health, 0), 0);
}

static void failures_count_after_an_interval_or_the_first_success(void **state)
{
    struct vnl_health_state health = { .since_ms = 1000 };

    (void)state;
    assert_false(vnl_health_counts(&health, false, 1000, 5000));
    assert_false(vnl_health_counts(&health, false, 5999, 5000));
    assert_true(vnl_health_counts(&health, false, 6000, 5000));
    assert_true(vnl_health_counts(&health, true, 1000, 5000));
    (void)vnl_health_note(&health, true, 1);
    assert_true(vnl_health_counts(&health, false, 1001, 5000));
}

static void only_status_200_is_alive(void **state)
{
    static const struct {
        const char *text;
        int verdict;
    } rows[] = {
        { "HTTP/1.1 200 OK\r\n", 1 },
        { "HTTP/1.0 200 OK\r\n", 1 },
        { "HTTP/1.1 200\r\n", 1 },
        { "HTTP/1.1 204 No\r\n", 0 },
        { "HTTP/1.1 302 Found", 0 },
        { "HTTP/1.1 500 Error", 0 },
        { "HTTP/1.1 2000 OK\r\n", 0 },
        { "SSH-2.0-OpenSSH", 0 },
        { "HTTP/2", 0 },
        { "", -1 },
        { "HTT", -1 },
        { "HTTP/1.1 200", -1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(vnl_health_response(rows[i].text, strlen(rows[i].text)), rows[i].verdict);
}

static void the_request_names_path_and_host(void **state)
{
    static const struct {
        char *path;
        const char *line;
    } rows[] = {
        { "/health?x=1", "GET /health?x=1 HTTP/1.1\r\n" },
        { "health", "GET /health HTTP/1.1\r\n" },
        { NULL, "GET / HTTP/1.1\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct vnl_plan_lb_probe probe = { .http = true, .port = 80, .path = rows[i].path };
        CLEANUP(vnl_str_free) char *text = vnl_health_request(&probe, "10.0.0.4:80");

        assert_memory_equal(text, rows[i].line, strlen(rows[i].line));
        assert_non_null(strstr(text, "\r\nHost: 10.0.0.4:80\r\n"));
        assert_non_null(strstr(text, "\r\n\r\n"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_follow_the_threshold),
        cmocka_unit_test(a_backend_is_alive_until_its_first_result),
        cmocka_unit_test(failures_count_after_an_interval_or_the_first_success),
        cmocka_unit_test(only_status_200_is_alive),
        cmocka_unit_test(the_request_names_path_and_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
