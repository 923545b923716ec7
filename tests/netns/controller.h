/* A VPN controller in the test's own process and loop, on a running lab, so that it can be taken away and made anew in the middle. Included by one
 * file of each test. */
#ifndef VNETLAB_TESTS_CONTROLLER_H
#define VNETLAB_TESTS_CONTROLLER_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../ctl/agent/loop.h"
#include "../../ctl/agent/vpn_control.h"
#include "../harness/leftovers.h"
#include "../harness/running.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/gateway.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/paths.h"
#include "vnetlab/vpn.h"

#define VNETS                                                                                                \
    "vnet va 10.1.0.0/16\nsubnet s 10.1.0.0/24\nsubnet GatewaySubnet 10.1.255.0/27\nvm a va/s 10.1.0.4\n"    \
    "vnet vb 10.4.0.0/16\nsubnet s 10.4.0.0/24\nsubnet GatewaySubnet 10.4.255.0/27\nvm b vb/s 10.4.0.4\n"
#define PAIR VNETS "gateway gwa va\ngateway gwb vb\nv2v ab gwa gwb\nv2v ba gwb gwa\n"

static struct leftovers *before;
static struct vnl_lab *lab;
static struct vnl_plan *plan;
static struct vnl_vpn *vpn;
static int epoll_fd = -1;

static inline int group_setup(void **state)
{
    (void)state;
    setenv("VNETLAB_VPN_ENGINE", "libipsec", 1);
    leftovers_isolate();
    before = leftovers_take();
    return 0;
}

static inline int group_teardown(void **state)
{
    (void)state;
    leftovers_free(&before);
    return 0;
}

/* --- the controller -------------------------------------------------------------------------------- */

static inline void controller_start(void)
{
    static const struct vnl_vpn_hands hands = { vnl_gateway_routes_set, vnl_gateway_peers_set,
                                                vnl_gateway_tun_adopt, vnl_gateway_outside_keep,
                                                vnl_gateway_tun_stand };

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(vnl_vpn_new(epoll_fd, plan->lab, &hands, &vpn, NULL), 0);
}

static inline void controller_stop(void)
{
    vnl_vpn_free(&vpn);
    vnl_fd_close(&epoll_fd);
    epoll_fd = -1;
}

/* The same key for all, but that of the last tunnel. */
static inline void follow(const char *key, const char *last)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    const char *keys[64];

    assert_true(plan->n_tunnels > 0 && plan->n_tunnels <= ARRAY_SIZE(keys));
    for (size_t i = 0; i < plan->n_tunnels; i++)
        keys[i] = i + 1 < plan->n_tunnels ? key : last;
    if (vnl_vpn_follow(vpn, plan, keys, &err) < 0)
        fail_msg("%s", err->msg);
}

static inline bool is_status(const struct vnl_json *state, enum vnl_vpn_status status)
{
    return vnl_json_get_int(state, "status", -1) == (int64_t)status;
}

static inline bool all_are(enum vnl_vpn_status status)
{
    CLEANUP(vnl_json_free) struct vnl_json *states = vnl_vpn_report(vpn);

    for (size_t i = 0; i < vnl_json_len(states); i++)
        if (!is_status(vnl_json_at(states, i), status))
            return false;
    return vnl_json_len(states) > 0;
}

/* How long it took. */
static inline int64_t await(enum vnl_vpn_status status, int timeout_ms)
{
    int64_t start = vnl_loop_now_ms(), now = start;

    while (!all_are(status)) {
        int wait = vnl_vpn_run(vpn);

        now = vnl_loop_now_ms();
        if (now - start > timeout_ms) {
            CLEANUP(vnl_json_free) struct vnl_json *states = vnl_vpn_report(vpn);
            CLEANUP(vnl_str_free) char *text = NULL;

            (void)vnl_json_format(states, 1, &text, NULL);
            fail_msg("not %s after %d ms: %s", vnl_vpn_status_str(status), timeout_ms, text);
        }
        assert_int_equal(vnl_loop_turn(epoll_fd, wait < 0 || wait > 20 ? 20 : wait), 0);
    }
    return vnl_loop_now_ms() - start;
}

static inline void pump(int for_ms)
{
    int64_t end = vnl_loop_now_ms() + for_ms;

    while (vnl_loop_now_ms() < end) {
        (void)vnl_vpn_run(vpn);
        assert_int_equal(vnl_loop_turn(epoll_fd, 10), 0);
    }
}

static inline void assert_reason(size_t tunnel, const char *reason)
{
    CLEANUP(vnl_json_free) struct vnl_json *states = vnl_vpn_report(vpn);
    const char *text = vnl_json_get_text(vnl_json_at(states, tunnel), "reason");

    assert_string_equal(text ? text : "(none)", reason);
}

/* --- the lab --------------------------------------------------------------------------------------- */

static inline void bring_up(const char *text)
{
    vnl_plan_free(&plan);
    plan = running_plan(text, &lab);
    (void)running_apply(plan);
    assert_true(plan->n_tunnels > 0);
}

static inline int lab_teardown(void **state)
{
    (void)state;
    controller_stop();
    running_down();
    assert_string_equal(running_sh("pgrep -af '[c]haron-systemd' | grep -c %s || true", plan->lab), "0\n");
    vnl_plan_free(&plan);
    vnl_lab_free(&lab);
    leftovers_assert_none(before);
    return 0;
}

static inline void assert_pings(void)
{
    assert_true(running_ping("a", "10.4.0.4"));
    assert_true(running_ping("b", "10.1.0.4"));
}

/* PIDs of the charons in a gateway, sorted. */
static inline void pids_of(const char *gateway, char *buf, size_t size)
{
    (void)snprintf(
        buf, size, "%s",
        running_sh("ip netns pids %s.%s | xargs -r ps -o pid=,comm= -p | awk '/charon|memfd/{print $1}' "
                   "| sort -n | tr '\\n' ' '",
                   plan->lab, gateway));
}

static inline void spis_of(char *buf, size_t size)
{
    (void)snprintf(
        buf, size, "%s",
        running_sh("for s in $(find %s/%s/vpn -name vici); do cd $(dirname $s); "
                   "swanctl --list-sas --raw --uri unix://vici 2>&1 | grep -oE 'spi-(in|out)=[0-9a-f]+'; "
                   "done",
                   vnl_run_dir(), plan->lab));
}

#endif
