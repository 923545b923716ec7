/* What the controller reads in a charon's log, and that the log stays small. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../ctl/agent/vpn_parts.h"
#include "vnetlab/base.h"

#define NOISE   "2026-11-21T20:00:00.000 01[IKE] <vpn1|1> nothing that anybody needs to know of it\n"
#define SILENCE "2026-11-21T20:00:01.000 01[IKE] <vpn1|1> retransmit 2 of request with message ID 0\n"

static char dir[] = "/tmp/vnetlab-test-log-XXXXXX";
static struct vnl_vpn vpn;
static struct vnl_vpn_tunnel tunnel, *tunnels[] = { &tunnel };
static struct vnl_plan_tunnel plan = { .name = (char *)"c" };
static struct vnl_vpn_daemon charon = { .vpn = &vpn, .dir_fd = -1 };
static int log_fd = -1; /* as charon has it */

static int setup(void **state)
{
    (void)state;
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    assert_non_null(mkdtemp(dir));
    charon.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    charon.log_at = 0;
    log_fd = openat(charon.dir_fd, "charon.log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    assert_true(log_fd >= 0);
    vpn = (struct vnl_vpn){ .tunnels = tunnels, .n_tunnels = 1 };
    tunnel = (struct vnl_vpn_tunnel){ .vpn = &vpn,
                                      .daemon = &charon,
                                      .plan = &plan,
                                      .ifname = "vpn1",
                                      .gateway = "gw",
                                      .status = VNL_VPN_CONNECTING };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(TAKE_PTR(tunnel.reason));
    vnl_fd_close(&log_fd);
    assert_int_equal(unlinkat(charon.dir_fd, "charon.log", 0), 0);
    vnl_fd_close(&charon.dir_fd);
    assert_int_equal(rmdir(dir), 0);
    return 0;
}

static void say(const char *line, size_t times)
{
    for (size_t i = 0; i < times; i++)
        assert_int_equal(write(log_fd, line, strlen(line)), (ssize_t)strlen(line));
}

static off_t log_size(void)
{
    struct stat st;

    assert_int_equal(fstat(log_fd, &st), 0);
    return st.st_size;
}

static void last_line_of_much_is_read_and_the_log_cut(void **state)
{
    (void)state;
    say(NOISE, (1 << 20) / strlen(NOISE) + 1);
    say(SILENCE, 1);
    vnl_vpn_daemon_read_log(&charon);
    assert_string_equal(tunnel.reason, "the other side does not answer");
    assert_int_equal(log_size(), 0);
    say(NOISE, 1); /* it goes on */
    vnl_vpn_daemon_read_log(&charon);
    assert_int_equal(charon.log_at, log_size());
    assert_int_equal(log_size(), strlen(NOISE));
}

static void half_a_line_waits_for_its_other_half(void **state)
{
    (void)state;
    say("2026-11-21T20:00:01.000 01[IKE] <vpn1|1> retransmit 2 of", 1);
    vnl_vpn_daemon_read_log(&charon);
    assert_null(tunnel.reason);
    say(" request with message ID 0\n", 1);
    vnl_vpn_daemon_read_log(&charon);
    assert_string_equal(tunnel.reason, "the other side does not answer");
}

static void log_that_somebody_has_cut_is_read_from_its_beginning(void **state)
{
    (void)state;
    say(NOISE, 10);
    vnl_vpn_daemon_read_log(&charon);
    assert_int_equal(ftruncate(log_fd, 0), 0);
    say(SILENCE, 1);
    vnl_vpn_daemon_read_log(&charon);
    assert_string_equal(tunnel.reason, "the other side does not answer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(last_line_of_much_is_read_and_the_log_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(half_a_line_waits_for_its_other_half, setup, teardown),
        cmocka_unit_test_setup_teardown(log_that_somebody_has_cut_is_read_from_its_beginning, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
