/* The file of learned routes: what one writes, another reads, and a damaged file says where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/learned.h"

#define GATEWAY    "virtualNetworkGateways/gw-1"
#define CONNECTION "connections/office"

static char run_dir[64], lab_dir[80], path[100];

static int setup(void **state)
{
    (void)state;
    strcpy(run_dir, "/tmp/test_learned.XXXXXX");
    if (!mkdtemp(run_dir))
        return -1;
    (void)snprintf(lab_dir, sizeof(lab_dir), "%s/lab1", run_dir);
    (void)snprintf(path, sizeof(path), "%s/learned", lab_dir);
    return setenv("VNETLAB_RUN_DIR", run_dir, 1) < 0 ? -1 : mkdir(lab_dir, 0700);
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unsetenv("VNETLAB_RUN_DIR");
    return rmdir(lab_dir) < 0 ? -1 : rmdir(run_dir); /* nothing else was left behind */
}

static void add(struct vnl_learned *learned, const char *gateway, const char *connection, const char *prefix,
                const char *as_path)
{
    struct vnl_prefix parsed;

    assert_int_equal(vnl_prefix_parse(prefix, &parsed, NULL), 0);
    assert_int_equal(vnl_learned_add(learned, gateway, connection, &parsed, as_path), 0);
}

static void assert_route(const struct vnl_learned_route *route, const char *gateway, const char *connection,
                         const char *prefix, const char *as_path)
{
    char text[VNL_PREFIX_STR];

    assert_string_equal(route->gateway, gateway);
    assert_string_equal(route->connection, connection);
    assert_string_equal(vnl_prefix_format(&route->prefix, text), prefix);
    assert_string_equal(route->as_path, as_path);
}

static bool write_all(struct vnl_learned *learned)
{
    bool changed = false;

    assert_int_equal(vnl_learned_write("lab1", learned, &changed, NULL), 0);
    return changed;
}

static void what_is_written_is_read_in_order(void **state)
{
    CLEANUP(vnl_learned_done) struct vnl_learned learned = { 0 };
    CLEANUP(vnl_learned_done) struct vnl_learned found = { 0 };
    struct stat st;

    (void)state;
    add(&learned, "virtualNetworkGateways/gw-2", CONNECTION, "10.9.0.0/16", "65050");
    add(&learned, GATEWAY, CONNECTION, "10.101.0.0/16", "65050 65051");
    add(&learned, GATEWAY, CONNECTION, "10.101.0.0/24", "65050");
    add(&learned, GATEWAY, CONNECTION, "10.2.0.0/16", "");
    add(&learned, GATEWAY, "connections/Büro \"1\"", "10.3.0.0/16", "65052");
    assert_true(write_all(&learned));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(vnl_learned_read("lab1", &found, NULL), 0);
    assert_int_equal(found.n, 5);
    assert_route(&found.items[0], GATEWAY, "connections/Büro \"1\"", "10.3.0.0/16", "65052");
    assert_route(&found.items[1], GATEWAY, CONNECTION, "10.2.0.0/16", "");
    assert_route(&found.items[2], GATEWAY, CONNECTION, "10.101.0.0/16", "65050 65051");
    assert_route(&found.items[3], GATEWAY, CONNECTION, "10.101.0.0/24", "65050");
    assert_route(&found.items[4], "virtualNetworkGateways/gw-2", CONNECTION, "10.9.0.0/16", "65050");
}

static void same_routes_are_no_change(void **state)
{
    CLEANUP(vnl_learned_done) struct vnl_learned one = { 0 };
    CLEANUP(vnl_learned_done) struct vnl_learned other = { 0 };
    struct stat before, after;

    (void)state;
    add(&one, GATEWAY, CONNECTION, "10.1.0.0/16", "65050");
    add(&one, GATEWAY, CONNECTION, "10.2.0.0/16", "65050");
    add(&other, GATEWAY, CONNECTION, "10.2.0.0/16", "65050");
    add(&other, GATEWAY, CONNECTION, "10.1.0.0/16", "65050");
    assert_true(write_all(&one));
    assert_int_equal(stat(path, &before), 0);
    assert_false(write_all(&other));
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    free(other.items[0].as_path);
    other.items[0].as_path = strdup("65050 65050");
    assert_true(write_all(&other));
}

static void no_routes_where_nothing_was_learned(void **state)
{
    CLEANUP(vnl_learned_done) struct vnl_learned learned = { 0 };
    CLEANUP(vnl_learned_done) struct vnl_learned none = { 0 };

    (void)state;
    assert_int_equal(vnl_learned_read("lab1", &learned, NULL), 0);
    assert_int_equal(learned.n, 0);
    assert_int_equal(vnl_learned_read("lab2", &learned, NULL), 0);
    assert_int_equal(learned.n, 0);
    assert_false(write_all(&none)); /* no file and no routes are the same */
    add(&learned, GATEWAY, CONNECTION, "10.1.0.0/16", "65050");
    assert_true(write_all(&learned));
    assert_true(write_all(&none));
    vnl_learned_done(&learned);
    assert_int_equal(vnl_learned_read("lab1", &learned, NULL), 0);
    assert_int_equal(learned.n, 0);
}

static void writing_without_a_lab_fails(void **state)
{
    CLEANUP(vnl_learned_done) struct vnl_learned learned = { 0 };
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    char expected[128];
    bool changed = true;

    (void)state;
    add(&learned, GATEWAY, CONNECTION, "10.1.0.0/16", "65050");
    assert_int_equal(vnl_learned_write("lab2", &learned, &changed, &err), -ENOENT);
    (void)snprintf(expected, sizeof(expected), "cannot write %s/lab2/learned: No such file or directory",
                   run_dir);
    assert_string_equal(err->msg, expected);
    assert_true(changed); /* untouched on failure */
}

static void names_stay_below_the_directory(void **state)
{
    CLEANUP(vnl_learned_done) struct vnl_learned learned = { 0 };
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    assert_int_equal(vnl_learned_read("../lab1", &learned, &err), -EINVAL);
    assert_non_null(strstr(err->msg, "../lab1"));
}

static void put(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static void a_damaged_file_says_where(void **state)
{
#define ROUTE(prefix)                                                                                        \
    "{\"gateway\":\"" GATEWAY "\",\"connection\":\"" CONNECTION "\"," prefix "\"asPath\":\"65050\"}"
    static const struct {
        const char *text, *says;
    } files[] = {
        { "", "not valid JSON, line 1, column 0: unexpected token near end of file" },
        { "[\n{\"gateway\": \"", "not valid JSON, line 2, column 13: premature end of input near '\"'" },
        { "{}", "not a list of routes" },
        { "[" ROUTE("\"prefix\":\"10.0.0.0/8\",") ",7]", "route 2 has no gateway" },
        { "[{\"gateway\":\"" GATEWAY "\"}]", "route 1 has no connection" },
        { "[" ROUTE("") "]", "route 1 has no prefix" },
        { "[" ROUTE("\"prefix\":\"10.0.0.1/8\",") "]", "route 1: prefix '10.0.0.1/8' has host bits set" },
        { "[{\"gateway\":\"g\",\"connection\":\"c\",\"prefix\":\"10.0.0.0/8\"}]", "route 1 has no asPath" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        struct vnl_learned learned = { 0 };
        char expected[256];

        put(files[i].text);
        assert_int_equal(vnl_learned_read("lab1", &learned, &err), -EBADMSG);
        (void)snprintf(expected, sizeof(expected), "%s: %s", path, files[i].says);
        assert_string_equal(err->msg, expected);
        assert_null(learned.items); /* untouched on failure */
    }
#undef ROUTE
}

/* A damaged file is no reason not to write a good one. */
static void a_damaged_file_is_replaced(void **state)
{
    CLEANUP(vnl_learned_done) struct vnl_learned learned = { 0 };
    CLEANUP(vnl_learned_done) struct vnl_learned found = { 0 };

    (void)state;
    put("[{]");
    add(&learned, GATEWAY, CONNECTION, "10.1.0.0/16", "65050");
    assert_true(write_all(&learned));
    assert_int_equal(vnl_learned_read("lab1", &found, NULL), 0);
    assert_int_equal(found.n, 1);
}

static void as_many_as_azure_takes(void **state)
{
    CLEANUP(vnl_learned_done) struct vnl_learned learned = { 0 };
    CLEANUP(vnl_learned_done) struct vnl_learned found = { 0 };

    (void)state;
    for (unsigned i = 4000; i-- > 0;) {
        struct vnl_prefix prefix = { .addr = { .family = AF_INET, .bytes = { 10, i >> 8, i & 0xff } },
                                     .len = 24 };

        assert_int_equal(vnl_learned_add(&learned, GATEWAY, CONNECTION, &prefix, "65050 65051 65052"), 0);
    }
    assert_true(write_all(&learned));
    assert_int_equal(vnl_learned_read("lab1", &found, NULL), 0);
    assert_int_equal(found.n, 4000);
    for (unsigned i = 0; i < 4000; i++)
        assert_int_equal(found.items[i].prefix.addr.bytes[1] << 8 | found.items[i].prefix.addr.bytes[2], i);
    assert_false(write_all(&found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(same_routes_are_no_change, setup, teardown),
        cmocka_unit_test_setup_teardown(no_routes_where_nothing_was_learned, setup, teardown),
        cmocka_unit_test_setup_teardown(writing_without_a_lab_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(names_stay_below_the_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_says_where, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(as_many_as_azure_takes, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
