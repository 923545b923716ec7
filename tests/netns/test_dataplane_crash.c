/* kill -9 at random instants of apply and down: the next apply repairs, the next down leaves nothing, and at
 * no instant is a port without a program in a bridge, or up. VNETLAB_TEST_SEED repeats a run. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../dataplane/filter.h"
#include "../../dataplane/netlink.h"
#include "../../dataplane/observe.h"
#include "../harness/leftovers.h"
#include "../harness/running.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/layout.h"

#define ROUNDS    50
#define LOOK_EACH 3 /* rounds: look at everything from outside, which takes long */
#define PLANS     3

static struct leftovers *before;
static struct vnl_plan *plans[PLANS];
static pid_t victim; /* 0: none */

/* The second has other VMs in the same slots, other addresses and fewer VMs, and no internet side, gateways and sites; the third is the first without a
 * VNet, and its VMs of two NICs have one. */
static void write_lab(FILE *out, int which)
{
    (void)fputs("vnet va 10.0.0.0/16\nsubnet s 10.0.0.0/24\nsubnet t 10.0.1.0/24\n"
                "subnet GatewaySubnet 10.0.255.0/27\n",
                out);
    if (which < 2)
        (void)fputs("vnet vb 10.1.0.0/16\nsubnet s 10.1.0.0/24\nsubnet GatewaySubnet 10.1.255.0/27\n", out);
    if (which != 1)
        (void)fputs("gateway gwa va\nsite office 203.0.113.200 10.50.0.0/16\nsitehost pc office 10.50.0.9\n"
                    "lng office-lng 203.0.113.200 10.50.0.0/16\ns2s to-office gwa office-lng\n",
                    out);
    if (which == 0)
        (void)fputs("gateway gwb vb throughput\nv2v ab gwa gwb\nv2v ba gwb gwa\n", out);
    for (int i = 0; i < (which == 1 ? 30 : 40); i++) {
        if (which == 2 && i % 4 == 3)
            continue;
        (void)fprintf(out, "vm %s%d %s/%s%s\n", which == 1 && i % 3 == 0 ? "other" : "vm", i,
                      i % 4 == 3 ? "vb" : "va", which == 1 && i % 4 == 1 ? "t" : "s",
                      which < 2 && i % 8 == 4 ? ",va/t bandwidth=1000000000" : "");
    }
    for (int i = 0; which != 1 && i < 3; i++)
        (void)fprintf(out, "host host%d 203.0.113.%d\n", i, 80 + i);
}

static struct vnl_plan *make_plan(int which)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    write_lab(out, which);
    assert_int_equal(fclose(out), 0);
    return running_plan(text, &lab);
}

static int group_setup(void **state)
{
    const char *seed = getenv("VNETLAB_TEST_SEED");

    (void)state;
    leftovers_isolate();
    before = leftovers_take();
    srandom(seed ? (unsigned)strtoul(seed, NULL, 10) : 20);
    for (int i = 0; i < PLANS; i++)
        plans[i] = make_plan(i);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    for (int i = 0; i < PLANS; i++)
        vnl_plan_free(&plans[i]);
    leftovers_free(&before);
    return 0;
}

static int lab_teardown(void **state)
{
    (void)state;
    /* A test that failed while it looked has left it stopped. */
    if (victim) {
        (void)kill(victim, SIGKILL);
        (void)waitpid(victim, NULL, 0);
        victim = 0;
    }
    running_down();
    leftovers_assert_none(before);
    return 0;
}

/* --- looking -------------------------------------------------------------------------------------- */

/* *ret_open counts the ports that packets can come through. */
static void assert_every_open_port_has_a_program(size_t *ret_open)
{
    CLEANUP(vnl_fd_close) int fd = -1;
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;
    CLEANUP(vnl_seen_done) struct vnl_seen seen = { 0 };

    if (vnl_netns_open(running_lab_name(), VNL_FABRIC, &fd, NULL) < 0)
        return;
    assert_int_equal(vnl_nl_open_in(fd, &nl, NULL), 0);
    assert_int_equal(vnl_observe(running_lab_name(), nl, &seen, NULL), 0);
    for (size_t i = 0; i < seen.n_links; i++) {
        const struct vnl_seen_link *link = &seen.links[i];

        if (link->ifindex < VNL_NIC_IFINDEX || (!link->master && !link->up))
            continue;
        if (vnl_filter_prog_id(nl, link->ifindex) == 0)
            fail_msg("%s is in a bridge (%u) or up (%d) without a program", link->ifname, link->master,
                     link->up);
        ++*ret_open;
    }
}

/* --- crashing ------------------------------------------------------------------------------------- */

/* plan NULL: down. */
static void start(const struct vnl_plan *plan)
{
    victim = fork();
    assert_true(victim >= 0);
    if (victim == 0) {
        struct vnl_dp_stats stats;

        if (plan)
            _exit(vnl_dp_apply(plan, NULL, &stats, NULL) < 0);
        _exit(vnl_dp_down(running_lab_name(), false, NULL) < 0);
    }
}

/* Stops it at a random instant, looks, and kills it. True when it was still running; when it was not, *max_us shrinks: other load on the
 * machine has made the first measurement too long. */
static bool stop_look_kill(long *max_us, size_t *ret_open)
{
    int status = 0;

    (void)usleep((useconds_t)(random() % *max_us));
    assert_int_equal(kill(victim, SIGSTOP), 0);
    assert_int_equal(waitpid(victim, &status, WUNTRACED), victim);
    if (WIFSTOPPED(status)) {
        leftovers_note_pins();
        assert_every_open_port_has_a_program(ret_open);
        assert_int_equal(kill(victim, SIGKILL), 0);
        assert_int_equal(waitpid(victim, &status, 0), victim);
        victim = 0;
        return true;
    }
    victim = 0;
    assert_int_equal(status, 0);
    if (*max_us > 2000)
        *max_us -= *max_us / 4;
    return false;
}

/* How long it takes when nobody interferes, in microseconds. */
static long whole_us(const struct vnl_plan *plan)
{
    struct timespec from, to;
    int status = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    start(plan);
    assert_int_equal(waitpid(victim, &status, 0), victim);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    victim = 0;
    assert_int_equal(status, 0);
    return (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
}

static const struct vnl_plan *any_plan(void)
{
    return plans[random() % PLANS];
}

static const char *addr_of(const struct vnl_plan *plan, size_t vm)
{
    static char buf[VNL_ADDR_STR];

    return vnl_addr_format(&plan->nics[plan->vms[vm].nics[0]].addrs[0].addr, buf);
}

static void apply_repairs_after_a_crash_at_any_instant(void **state)
{
    long whole = whole_us(plans[0]);
    size_t cut = 0, open = 0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const struct vnl_plan *next = any_plan();

        start(any_plan());
        cut += stop_look_kill(&whole, &open);
        (void)running_converge(next);
        if (i % LOOK_EACH == 0) {
            running_check(next);
            assert_true(running_ping(next->vms[0].name, addr_of(next, 2)));
        }
        if (i % LOOK_EACH == 1)
            running_down();
    }
    /* Else this has tested nothing. */
    assert_true(cut > ROUNDS / 4);
    assert_true(open > ROUNDS);
}

static void crashes_in_a_row_add_up_to_nothing(void **state)
{
    long whole = whole_us(plans[0]);
    size_t cut = 0, open = 0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        start(any_plan());
        cut += stop_look_kill(&whole, &open);
        if (i % 10 == 9) {
            running_down();
            leftovers_assert_none(before);
        }
    }
    assert_true(cut > ROUNDS / 4);
}

static void down_can_be_cut_short_too(void **state)
{
    size_t cut = 0, open = 0;
    long whole;

    (void)state;
    (void)running_apply(plans[0]);
    whole = whole_us(NULL);
    for (int i = 0; i < ROUNDS; i++) {
        (void)running_apply(any_plan());
        start(NULL);
        cut += stop_look_kill(&whole, &open);
        if (i % 2)
            (void)running_converge(any_plan());
        running_down();
        if (i % LOOK_EACH == 0)
            leftovers_assert_none(before);
    }
    assert_true(cut > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(apply_repairs_after_a_crash_at_any_instant, NULL, lab_teardown),
        cmocka_unit_test_setup_teardown(crashes_in_a_row_add_up_to_nothing, NULL, lab_teardown),
        cmocka_unit_test_setup_teardown(down_can_be_cut_short_too, NULL, lab_teardown),
    };

    return cmocka_run_group_tests_name("dataplane crash", tests, group_setup, group_teardown);
}
