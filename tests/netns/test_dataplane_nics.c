/* Guests with several NICs and addresses, what they may send, and the internet side's hosts, which are guests too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../dataplane/netlink.h"
#include "../../dataplane/shaper.h"
#include "../harness/live.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"

#define NETS "vnet va 10.0.0.0/16\nsubnet s 10.0.0.0/24\nsubnet t 10.0.1.0/24\n"

/* Spec 1.8: only the primary NIC gets a gateway. */
static void the_primary_nic_has_the_default_route(void **state)
{
    (void)state;
    (void)live_converge(NETS "vm a va/s,va/t\nvm b va/s\n");
    assert_string_equal(running_in("a", "ip -4 route"),
                        "default via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100 \n"
                        "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.4 metric 100 \n"
                        "10.0.0.1 dev eth0 proto dhcp scope link src 10.0.0.4 metric 100 \n"
                        "10.0.1.0/24 dev eth1 proto kernel scope link src 10.0.1.4 metric 200 \n"
                        "168.63.129.16 via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100 \n"
                        "169.254.169.254 via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100 \n");
    assert_true(running_ping("b", "10.0.0.4"));
}

static void nics_and_addresses_come_and_go_on_a_live_lab(void **state)
{
    struct vnl_dp_stats stats;

    (void)state;
    (void)live_converge(NETS "vm a va/s 10.0.0.9\nvm b va/s 10.0.0.8\n");
    stats = live_converge(NETS "vm a va/s,va/t 10.0.0.9\nvm b va/s 10.0.0.8\n");
    assert_int_equal(stats.created, 1); /* its link */
    assert_int_equal(stats.deleted, 0);
    running_has(running_in("a", "ip -4 addr show dev eth1"), "10.0.1.4/24");
    stats = live_converge(NETS "vm a va/s,va/t 10.0.0.9,10.0.0.10\nvm b va/s 10.0.0.8\n");
    assert_int_equal(stats.created + stats.deleted, 0);
    assert_int_equal(stats.changed, 1);
    assert_true(running_ping("b", "10.0.0.9"));
    assert_true(running_ping("b", "10.0.0.10"));
    stats = live_converge(NETS "vm a va/s,va/t 10.0.0.10\nvm b va/s 10.0.0.8\n");
    assert_int_equal(stats.changed, 1);
    assert_true(running_ping("b", "10.0.0.10"));
    assert_false(running_ping("b", "10.0.0.9"));
    running_has(running_in("a", "ip -4 route show default"), "src 10.0.0.10");
    stats = live_converge(NETS "vm a va/s 10.0.0.10\nvm b va/s 10.0.0.8\n");
    assert_int_equal(stats.deleted, 1);
    assert_string_equal(running_in("a", "ip -4 addr show dev eth1 2>/dev/null"), "");
    assert_true(running_ping("b", "10.0.0.10"));
}

/* --- bandwidth ------------------------------------------------------------------------------------------------------------ */

static void bandwidth_is_a_queue_of_the_guests_end(void **state)
{
    (void)state;
    (void)live_converge(NETS "vm a va/s,va/t bandwidth=100000000\nvm b va/s\n");
    running_has(running_in("a", "tc qdisc show dev eth0"), "qdisc tbf 766e: root ");
    running_has(running_in("a", "tc qdisc show dev eth0"), "rate 100Mbit burst 128Kb");
    running_has(running_in("a", "tc qdisc show dev eth1"), "rate 100Mbit");
    running_lacks(running_in("b", "tc qdisc show dev eth0"), "tbf");
    assert_int_equal(live_converge(NETS "vm a va/s,va/t bandwidth=2000000000\nvm b va/s\n").changed, 2);
    running_has(running_in("a", "tc qdisc show dev eth0"), "rate 2Gbit burst 1250000b");
    assert_true(running_ping("a", "10.0.0.5"));
    assert_int_equal(live_converge(NETS "vm a va/s,va/t\nvm b va/s\n").changed, 2);
    running_lacks(running_in("a", "tc qdisc show"), "tbf");
    assert_true(running_ping("a", "10.0.0.5"));
}

/* 2 MB at 10 Mbit/s: 1.6 s less the bucket, and no packet is lost. */
static void bandwidth_shapes_what_the_guest_sends(void **state)
{
    double seconds;

    (void)state;
    (void)live_converge(NETS "vm a va/s bandwidth=10000000\nvm b va/s\n");
    (void)running_in(
        "b", "sh -c 'timeout 20 python3 -c \"import socket; s=socket.create_server((\\\"10.0.0.5\\\",9)); "
             "c=s.accept()[0]; n=0\nwhile n<2000000: n+=len(c.recv(65536))\nc.send(b\\\"x\\\")\" >/dev/null "
             "2>&1 &'");
    (void)running_sh("sleep 0.5");
    seconds = strtod(
        running_in("a",
                   "timeout 20 python3 -c 'import socket,time; s=socket.create_connection((\"10.0.0.5\",9)); "
                   "t=time.time(); s.sendall(b\"x\"*2000000); s.recv(1); print(time.time()-t)'"),
        NULL);
    if (seconds < 1.3 || seconds > 4)
        fail_msg("2 MB at 10 Mbit/s took %.2f s", seconds);
    running_has(running_in("a", "tc -s qdisc show dev eth0"), "dropped 0");
}

static void a_kernel_without_tbf_shapes_by_htb(void **state)
{
    CLEANUP(vnl_fd_close) int fd = -1;
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;

    (void)state;
    (void)live_converge(NETS "vm a va/s\n");
    assert_int_equal(vnl_netns_open(live_plan->lab, "a", &fd, NULL), 0);
    assert_int_equal(vnl_nl_open_in(fd, &nl, NULL), 0);
    assert_int_equal(vnl_shaper_set_htb(nl, 0, 100000000, "a", NULL), 0);
    running_has(running_in("a", "tc class show dev eth0"),
                "class htb 766e:1 root prio 0 rate 100Mbit ceil 100Mbit");
    assert_int_equal(vnl_shaper_set_htb(nl, 0, 50000000, "a", NULL), 0);
    running_has(running_in("a", "tc class show dev eth0"), "rate 50Mbit ceil 50Mbit");
    assert_int_equal(vnl_shaper_set(nl, 0, 0, "a", NULL), 0);
    running_lacks(running_in("a", "tc qdisc show dev eth0"), "htb");
    assert_int_equal(vnl_shaper_set(nl, 0, 0, "a", NULL), 0); /* nothing to take away */
}

/* --- the internet side's hosts --------------------------------------------------------------------------------------------- */

static void a_host_is_a_guest_without_platform(void **state)
{
    (void)state;
    (void)live_converge(NETS "vm a va/s\nhost web 203.0.113.80\n");
    assert_string_equal(running_in("web", "ip -4 route"),
                        "default via 203.0.113.1 dev eth0 proto dhcp src 203.0.113.80 metric 100 \n"
                        "203.0.113.0/24 dev eth0 proto kernel scope link src 203.0.113.80 metric 100 \n"
                        "203.0.113.1 dev eth0 proto dhcp scope link src 203.0.113.80 metric 100 \n");
    running_has(running_in(VNL_FABRIC, "ip -d link show internet"), "bridge");
    running_has(running_sh("cat %s/%s/hosts/1000", vnl_run_dir(), live_plan->lab), "203.0.113.80");
    assert_string_equal(running_sh("cat %s/%s/resolv/1000", vnl_run_dir(), live_plan->lab), "");
    running_has(running_sh("cat %s/%s/resolv/%u", vnl_run_dir(), live_plan->lab, live_plan->vnets[0].slot),
                "nameserver 168.63.129.16");
    assert_int_equal(live_converge(NETS "vm a va/s\n").deleted, 3); /* namespace, port, bridge */
}

static void hosts_reach_each_other(void **state)
{
    (void)state;
    (void)live_converge(NETS
                        "vm a va/s\nhost web 203.0.113.80\nhost far 198.18.0.5\nhost near 203.0.113.81\n");
    assert_true(running_ping("web", "198.18.0.5"));
    assert_true(running_ping("web", "203.0.113.81"));
    assert_false(running_ping("web", "10.0.0.4"));
}

#define lab_test(name) cmocka_unit_test_teardown(name, live_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(the_primary_nic_has_the_default_route),
        lab_test(nics_and_addresses_come_and_go_on_a_live_lab),
        lab_test(bandwidth_is_a_queue_of_the_guests_end),
        lab_test(bandwidth_shapes_what_the_guest_sends),
        lab_test(a_kernel_without_tbf_shapes_by_htb),
        lab_test(a_host_is_a_guest_without_platform),
        lab_test(hosts_reach_each_other),
    };

    return cmocka_run_group_tests_name("NICs", tests, live_group_setup, live_group_teardown);
}
