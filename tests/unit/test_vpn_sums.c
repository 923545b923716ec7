/* What tunnels have carried, whatever a charon forgets or says twice. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../ctl/agent/vpn_parts.h"
#include "vnetlab/base.h"

static void assert_total(const struct vnl_vpn_sums *sums, uint64_t in, uint64_t out)
{
    assert_int_equal(vnl_vpn_sums_total(sums, true), in);
    assert_int_equal(vnl_vpn_sums_total(sums, false), out);
}

static void put_child(struct vnl_vici_message *message, const char *section, const char *id, const char *in,
                      const char *out)
{
    vnl_vici_open(message, section);
    vnl_vici_put(message, "uniqueid", id);
    vnl_vici_put(message, "bytes-in", in);
    vnl_vici_put(message, "bytes-out", out);
    vnl_vici_close(message);
}

/* As in list-sas; rekeyed: as in the event of a child that is replaced. */
static void read_message(struct vnl_vpn_sums *sums, bool rekeyed)
{
    CLEANUP(vnl_vici_message_done) struct vnl_vici_message message = { .bytes = NULL };

    vnl_vici_open(&message, "vpn1");
    vnl_vici_put(&message, "uniqueid", "77"); /* the IKE_SA's */
    vnl_vici_open(&message, "child-sas");
    if (rekeyed)
        vnl_vici_open(&message, "c1");
    put_child(&message, rekeyed ? "old" : "c1-1", "1", "1000", "2000");
    put_child(&message, rekeyed ? "new" : "c1-2", "2", "10", "20");
    if (rekeyed)
        vnl_vici_close(&message);
    vnl_vici_close(&message);
    vnl_vici_close(&message);
    assert_false(message.failed);
    vnl_vpn_sums_read(sums, message.bytes, message.size);
}

static void children_are_read_from_lists_and_events(void **state)
{
    CLEANUP(vnl_vpn_sums_done) struct vnl_vpn_sums sums = { .n = 0 };

    (void)state;
    read_message(&sums, false);
    assert_total(&sums, 1010, 2020);
    assert_int_equal(sums.n, 2);
    read_message(&sums, true); /* the same once more */
    assert_total(&sums, 1010, 2020);
    assert_int_equal(sums.n, 2);
}

static void child_that_is_gone_still_counts(void **state)
{
    CLEANUP(vnl_vpn_sums_done) struct vnl_vpn_sums sums = { .n = 0 };

    (void)state;
    vnl_vpn_sums_note(&sums, 1, 1000, 1000);
    vnl_vpn_sums_begin_list(&sums);
    vnl_vpn_sums_note(&sums, 2, 5000, 10); /* more than the one before had: no sign of a new one */
    vnl_vpn_sums_end_list(&sums);
    assert_total(&sums, 6000, 1010);
    vnl_vpn_sums_note(&sums, 1, 1500, 1000); /* its last word comes late */
    assert_total(&sums, 6500, 1010);
}

static void many_that_are_gone_join_the_sum(void **state)
{
    CLEANUP(vnl_vpn_sums_done) struct vnl_vpn_sums sums = { .n = 0 };

    (void)state;
    for (uint32_t id = 1; id <= 100; id++) {
        vnl_vpn_sums_begin_list(&sums);
        vnl_vpn_sums_note(&sums, id, 10, 1);
        vnl_vpn_sums_end_list(&sums);
    }
    assert_true(sums.n < 12);
    assert_total(&sums, 1000, 100);
    vnl_vpn_sums_note(&sums, 3, 10, 1); /* said again long afterwards */
    assert_total(&sums, 1000, 100);
    vnl_vpn_sums_end(&sums);
    assert_int_equal(sums.n, 0);
    vnl_vpn_sums_note(&sums, 1, 7, 7); /* another charon's first */
    assert_total(&sums, 1007, 107);
}

/* --- from one agent to the next --------------------------------------------------------------------- */

static char dir[] = "/tmp/vnetlab-test-sums-XXXXXX";
static struct vnl_vpn vpn;
static struct vnl_vpn_tunnel tunnel, *tunnels[] = { &tunnel };
static struct vnl_plan_tunnel plan = { .name = (char *)"c", .connection = (char *)"connections/c" };
static struct vnl_vpn_daemon charon;

static void agent(pid_t pid)
{
    vnl_vpn_sums_done(&tunnel.sums);
    free(TAKE_PTR(charon.sums));
    vnl_fd_close(&charon.dir_fd);
    charon = (struct vnl_vpn_daemon){ .vpn = &vpn,
                                      .pid = pid,
                                      .dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
    vpn = (struct vnl_vpn){ .tunnels = tunnels, .n_tunnels = 1 };
    tunnel = (struct vnl_vpn_tunnel){ .vpn = &vpn,
                                      .daemon = &charon,
                                      .plan = &plan,
                                      .ifname = "vpn1",
                                      .status = VNL_VPN_CONNECTED,
                                      .since_ms = 5000 };
    vnl_vpn_sums_recall(&charon);
    vnl_vpn_sums_become_ready(&charon);
    vnl_vpn_sums_restore_since(&charon);
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    assert_non_null(mkdtemp(dir));
    charon.dir_fd = -1;
    plan.connection = (char *)"connections/c";
    agent(100);
    vnl_vpn_sums_note(&tunnel.sums, 1, 1000, 2000);
    vnl_vpn_sums_keep(&charon);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(unlinkat(charon.dir_fd, "sums", 0), 0);
    vnl_vpn_sums_done(&tunnel.sums);
    free(TAKE_PTR(charon.sums));
    vnl_fd_close(&charon.dir_fd);
    assert_int_equal(rmdir(dir), 0);
    return 0;
}

static void next_agent_goes_on(void **state)
{
    (void)state;
    agent(100);
    vnl_vpn_sums_note(&tunnel.sums, 1, 1100, 2000); /* the same child */
    assert_total(&tunnel.sums, 1100, 2000);
    tunnel.since_ms = 9000;
    tunnel.was_since_ms = 5000;
    tunnel.was_status = VNL_VPN_CONNECTED;
    vnl_vpn_sums_restore_since(&charon);
    assert_int_equal(tunnel.since_ms, 5000);
}

static void next_agent_with_another_charon_starts_behind_the_sum(void **state)
{
    (void)state;
    agent(200);
    vnl_vpn_sums_note(&tunnel.sums, 1, 1, 1);
    assert_total(&tunnel.sums, 1001, 2001);
}

static void another_connections_sums_are_not_taken(void **state)
{
    (void)state;
    plan.connection = (char *)"connections/d";
    agent(100);
    assert_total(&tunnel.sums, 0, 0);
}

static void damaged_file_counts_for_nothing(void **state)
{
    CLEANUP(vnl_fd_close) int fd = openat(charon.dir_fd, "sums", O_WRONLY | O_TRUNC | O_CLOEXEC);

    (void)state;
    assert_int_equal(write(fd, "vpn1 connections/c 100 x\n\n1:2:3", 31), 31);
    agent(100);
    assert_total(&tunnel.sums, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_are_read_from_lists_and_events),
        cmocka_unit_test(child_that_is_gone_still_counts),
        cmocka_unit_test(many_that_are_gone_join_the_sum),
        cmocka_unit_test_setup_teardown(next_agent_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(next_agent_with_another_charon_starts_behind_the_sum, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_connections_sums_are_not_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_file_counts_for_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
