/* The life of a lab: converging in place, side by side, at the same time, after kill -9; and what the guests
 * see on the wire. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/store.h"

#include "../harness/cli.h"
#include "../harness/traffic.h"

#define NETS                                                                                                 \
    "vnets:\n"                                                                                               \
    "  va: {addressSpace: [10.0.0.0/16, 'fd00:a::/48'], subnets: {s: [10.0.0.0/24, 'fd00:a:0:1::/64']}, "    \
    "peerings: {ab: {remoteVirtualNetwork: vb}}}\n"                                                          \
    "  vb: {addressSpace: [10.1.0.0/16, 'fd00:b::/48'], subnets: {s: [10.1.0.0/24, 'fd00:b:0:1::/64']}, "    \
    "peerings: {ba: {remoteVirtualNetwork: va}}}\n"
#define VMS "virtualMachines:\n  vm-a: {subnet: va/s}\n  vm-a2: {subnet: va/s}\n  vm-b: {subnet: vb/s}\n"

static const char *netns(const char *vm)
{
    static char names[4][96];
    static unsigned turn;
    char *name = names[turn++ % 4];

    snprintf(name, sizeof(names[0]), "%s.%s", cli_lab(), vm);
    return name;
}

static void up_all(void)
{
    cli_ok("up %s", cli_file("lab.yaml", "name: %s\n" NETS VMS));
}

/* --- the wire ------------------------------------------------------------------------------------- */

static void large_payloads_arrive_unchanged(void **state)
{
    static const size_t udp[] = { 1, 1472, 1473, 8000, 60000 };

    (void)state;
    up_all();
    assert_true(traffic_tcp(netns("vm-a"), netns("vm-a2"), "10.0.0.5", 5001, 32 << 20));
    assert_true(traffic_tcp(netns("vm-a"), netns("vm-b"), "10.1.0.4", 5001, 32 << 20));
    assert_true(traffic_tcp(netns("vm-b"), netns("vm-a"), "fd00:a:0:1::4", 5001, 32 << 20));
    for (size_t i = 0; i < ARRAY_SIZE(udp); i++) {
        assert_true(traffic_udp(netns("vm-a"), netns("vm-b"), "10.1.0.4", 5002, udp[i]));
        assert_true(traffic_udp(netns("vm-b"), netns("vm-a2"), "fd00:a:0:1::5", 5002, udp[i]));
    }
}

static void every_neighbor_has_the_fabric_mac(void **state)
{
    (void)state;
    up_all();
    assert_int_equal(cli_ping("vm-a", "10.0.0.5"), 64);
    assert_int_equal(cli_ping("vm-a", "10.0.0.1"), 0); /* answers ARP, never ping */
    cli_ok("exec -l %s vm-a -- ip neigh", cli_lab());
    assert_has(cli_out, "10.0.0.5 dev eth0 lladdr 12:34:56:78:9a:bc");
    assert_has(cli_out, "10.0.0.1 dev eth0 lladdr 12:34:56:78:9a:bc");
    assert_int_equal(cli_ping("vm-a", "fd00:b:0:1::4"), 64);
    cli_ok("exec -l %s vm-a -- ip -6 neigh", cli_lab());
    assert_has(cli_out, "lladdr 12:34:56:78:9a:bc");
}

static void the_guest_has_azures_routing_table(void **state)
{
    (void)state;
    up_all();
    cli_ok("exec -l %s vm-a -- ip -4 route", cli_lab());
    assert_has(cli_out, "default via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100");
    assert_has(cli_out, "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.4 metric 100");
    assert_has(cli_out, "10.0.0.1 dev eth0 proto dhcp scope link src 10.0.0.4 metric 100");
    assert_has(cli_out, "168.63.129.16 via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100");
    assert_has(cli_out, "169.254.169.254 via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100");
}

/* A packet socket in vm-a2 hears nothing of what vm-a sends to others, to all, or to a group. */
static void there_is_no_layer_two_between_vms(void **state)
{
    CLEANUP(vnl_fd_close) int ears = -1;
    unsigned char frame[2048];
    struct sockaddr_ll from;
    socklen_t size = sizeof(from);

    (void)state;
    up_all();
    ears = traffic_socket(netns("vm-a2"), AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    assert_true(ears >= 0);
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
    (void)cli("exec -l %s vm-a -- ping -c 1 -W 0.2 -b 10.0.0.255", cli_lab());
    (void)cli("exec -l %s vm-a -- ping -c 1 -W 0.2 -b 255.255.255.255", cli_lab());
    (void)cli("exec -l %s vm-a -- ping -c 1 -W 0.2 -I eth0 224.0.0.1", cli_lab());
    (void)cli("exec -l %s vm-a -- ping -c 1 -W 0.2 -I eth0 ff02::1", cli_lab());
    while (recvfrom(ears, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&from, &size) > 0)
        assert_int_equal(from.sll_pkttype, PACKET_OUTGOING); /* its own, if any */
    assert_int_equal(errno, EAGAIN);
    assert_true(cli_drops("vm-a", "Broadcast") >= 1);
    assert_true(cli_drops("vm-a", "Multicast") >= 1);
}

static void a_foreign_source_is_dropped_at_the_sender(void **state)
{
    (void)state;
    up_all();
    cli_ok("exec -l %s vm-a -- ip addr add 10.0.0.77/24 dev eth0", cli_lab());
    (void)cli("exec -l %s vm-a -- ping -c 1 -W 0.2 -I 10.0.0.77 10.1.0.4", cli_lab());
    assert_lacks(cli_out, "ttl=");
    assert_true(cli_drops("vm-a", "SpoofedSource") >= 1);
}

/* GRE between two VMs: no packet arrives, whatever the rules. */
static void blocked_protocols_do_not_pass(void **state)
{
    CLEANUP(vnl_fd_close) int gre = -1;
    struct sockaddr_in to = { .sin_family = AF_INET };

    (void)state;
    up_all();
    gre = traffic_socket(netns("vm-a"), AF_INET, SOCK_RAW, 47);
    inet_pton(AF_INET, "10.1.0.4", &to.sin_addr);
    assert_int_equal(sendto(gre, "12345678", 8, 0, (struct sockaddr *)&to, sizeof(to)), 8);
    assert_int_equal(cli_drops("vm-a", "Protocol"), 1);
}

static void nothing_gets_out(void **state)
{
    (void)state;
    up_all();
    assert_int_equal(cli_ping("vm-a", "192.0.2.1"), 0);
    assert_int_equal(cli_drops("vm-a", "NoInternet"), 1);
    sh_ok("ip -n %s._fabric -4 addr show scope global | grep -c inet | grep -qx 0", cli_lab());
    sh_ok("ip -n %s._fabric route show table all | grep -c . | grep -qx 0", cli_lab());
    sh_ok("ip -n %s._fabric -6 addr | grep -c inet6 | grep -qx 0", cli_lab());
}

/* --- converging ----------------------------------------------------------------------------------- */

static void up_twice_has_nothing_to_change(void **state)
{
    (void)state;
    up_all();
    cli_ok("up %s", cli_file("lab.yaml", "name: %s\n" NETS VMS));
    assert_has(cli_out, "nothing to change");
    cli_ok("plan %s", cli_file("lab.yaml", "name: %s\n" NETS VMS));
    assert_has(cli_out, "nothing to change");
}

/* While the lab changes around them, two VMs ping each other every millisecond and lose nothing. */
static void untouched_flows_lose_nothing_while_the_lab_changes(void **state)
{
    const char *more =
        "name: %s\n" NETS "  vc: {addressSpace: [10.2.0.0/16], subnets: {s: 10.2.0.0/24}}\n" VMS
        "  vm-c: {subnet: vc/s}\n  vm-a3: {subnet: va/s}\n";

    (void)state;
    up_all();
    sh_ok("\"$VNETLAB\" exec -l %s vm-a -- ping -q -i 0.002 -c 1500 -W 1 10.1.0.4 > "
          "\"$VNETLAB_STATE_DIR\"/../ping 2>&1 & echo",
          cli_lab());
    for (int i = 0; i < 5; i++) {
        cli_ok("up %s", cli_file("more.yaml", more));
        up_all();
    }
    sh_ok("for i in $(seq 100); do grep -q 'packet loss' \"$VNETLAB_STATE_DIR\"/../ping && break; sleep 0.1; "
          "done; cat \"$VNETLAB_STATE_DIR\"/../ping");
    assert_has(cli_out, "1500 received, 0% packet loss");
}

static void a_running_vm_keeps_its_processes_and_address(void **state)
{
    (void)state;
    up_all();
    sh_ok("\"$VNETLAB\" exec -l %s vm-b -- sh -c 'sleep 1000 & echo $!'", cli_lab());
    /* vm-0 stands first in the file, but vm-a has 10.0.0.4 already */
    cli_ok("up %s", cli_file("lab.yaml", "name: %s\n" NETS
                                         "virtualMachines:\n  vm-0: {subnet: va/s}\n  vm-a: {subnet: va/s}\n"
                                         "  vm-a2: {subnet: va/s}\n  vm-b: {subnet: vb/s}\n"));
    assert_int_equal(cli_ping("vm-0", "10.0.0.4"), 64);
    cli_ok("exec -l %s vm-0 -- ip -4 addr show eth0", cli_lab());
    assert_has(cli_out, "10.0.0.6/24");
    cli_ok("exec -l %s vm-b -- pgrep -x sleep", cli_lab());
}

static void a_changed_address_moves_in_place(void **state)
{
    (void)state;
    up_all();
    cli_ok("up %s", cli_file("lab.yaml", "name: %s\n" NETS
                                         "virtualMachines:\n  vm-a: {subnet: va/s}\n  vm-a2: {subnet: va/s}\n"
                                         "  vm-b: {subnet: vb/s, privateIPAddress: 10.1.0.9}\n"));
    assert_int_equal(cli_ping("vm-a", "10.1.0.9"), 64);
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 0);
    assert_int_equal(cli_ping("vm-b", "10.0.0.4"), 64);
}

static void a_removed_vm_is_gone(void **state)
{
    (void)state;
    up_all();
    cli_ok("up %s",
           cli_file("lab.yaml",
                    "name: %s\n" NETS "virtualMachines:\n  vm-a: {subnet: va/s}\n  vm-b: {subnet: vb/s}\n"));
    sh_ok("! ip netns list | grep -q '%s.vm-a2'", cli_lab());
    assert_int_equal(cli_ping("vm-a", "10.0.0.5"), 0);
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
}

/* What somebody broke by hand: a filter, a port's bridge. Without its filter a port passes nothing. */
static void up_repairs_what_was_broken_by_hand(void **state)
{
    (void)state;
    up_all();
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"),
                     64); /* the guest knows its gateway's MAC, so no ARP timer is in the way below */
    sh_ok("tc -n %s._fabric qdisc del dev nic0 clsact && ip -n %s._fabric link set nic1 nomaster", cli_lab(),
          cli_lab());
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 0);
    up_all();
    assert_lacks(cli_out, "nothing to change");
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
    assert_int_equal(cli_ping("vm-a", "10.0.0.5"), 64);
    cli_ok("up %s", cli_file("lab.yaml", "name: %s\n" NETS VMS));
    assert_has(cli_out, "nothing to change");
}

static void two_labs_with_the_same_addresses_do_not_meet(void **state)
{
    (void)state;
    up_all();
    cli_ok("up %s",
           cli_file("twin.yaml", "name: %s-twin\n" NETS "virtualMachines:\n  vm-a: {subnet: va/s}\n"));
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
    (void)cli("exec -l %s-twin vm-a -- ping -c 1 -W 0.3 10.1.0.4", cli_lab());
    assert_lacks(cli_out, "ttl=");
    cli_ok("down %s-twin --wait", cli_lab());
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
}

/* --- at the same time, and killed ----------------------------------------------------------------- */

static void a_second_command_waits_and_says_for_whom(void **state)
{
    struct vnl_lock *lock = NULL;
    struct vnl_err *err = NULL;

    (void)state;
    up_all();
    assert_int_equal(vnl_lock_take(cli_lab(), 0, NULL, NULL, &lock, &err), 0);
    sh_ok("(timeout 1 \"$VNETLAB\" up %s; true)", cli_file("lab.yaml", "name: %s\n" NETS VMS));
    assert_has(cli_err, "is held by pid");
    vnl_lock_release(&lock);
    up_all();
}

static void two_ups_at_once_both_succeed(void **state)
{
    const char *file = cli_file("lab.yaml", "name: %s\n" NETS VMS);

    (void)state;
    sh_ok("\"$VNETLAB\" up %s & one=$!; \"$VNETLAB\" up %s; two=$?; wait $one && [ $two = 0 ]", file, file);
    assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
}

/* Kills `vnetlab COMMAND` after some microseconds. */
static void kill_during(const char *command, const char *file, unsigned after_us)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(126);
        execl(getenv("VNETLAB"), "vnetlab", command, file, NULL);
        _exit(127);
    }
    usleep(after_us);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void a_killed_up_is_finished_by_the_next(void **state)
{
    const char *file = cli_file("lab.yaml", "name: %s\n" NETS VMS);

    (void)state;
    for (unsigned i = 0; i < 25; i++) {
        kill_during("up", file, i * 4000);
        cli_ok("up %s", file);
        assert_int_equal(cli_ping("vm-a", "10.1.0.4"), 64);
        cli_ok("down %s --wait", cli_lab());
    }
}

static void a_killed_up_or_down_is_removed_by_the_next_down(void **state)
{
    const char *file = cli_file("lab.yaml", "name: %s\n" NETS VMS);

    (void)state;
    for (unsigned i = 0; i < 25; i++) {
        kill_during("up", file, i * 4000);
        cli_ok("down --all --wait");
        cli_ok("up %s", file);
        kill_during("down", cli_lab(), i * 1000);
        cli_ok("down --all --wait");
        sh_ok("[ ! -e \"$VNETLAB_RUN_DIR\" ] && ! ip netns list | grep -q '^%s'", cli_lab());
    }
}

static void a_lab_outlives_its_file(void **state)
{
    const char *file = cli_file("gone.yaml", "name: %s\n" NETS VMS);

    (void)state;
    cli_ok("up %s", file);
    assert_int_equal(unlink(file), 0);
    cli_ok("show -l %s", cli_lab());
    assert_has(cli_out, "vm-a2");
    cli_ok("down %s", cli_lab());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(large_payloads_arrive_unchanged, cli_down_all),
        cmocka_unit_test_teardown(every_neighbor_has_the_fabric_mac, cli_down_all),
        cmocka_unit_test_teardown(the_guest_has_azures_routing_table, cli_down_all),
        cmocka_unit_test_teardown(there_is_no_layer_two_between_vms, cli_down_all),
        cmocka_unit_test_teardown(a_foreign_source_is_dropped_at_the_sender, cli_down_all),
        cmocka_unit_test_teardown(blocked_protocols_do_not_pass, cli_down_all),
        cmocka_unit_test_teardown(nothing_gets_out, cli_down_all),
        cmocka_unit_test_teardown(up_twice_has_nothing_to_change, cli_down_all),
        cmocka_unit_test_teardown(untouched_flows_lose_nothing_while_the_lab_changes, cli_down_all),
        cmocka_unit_test_teardown(a_running_vm_keeps_its_processes_and_address, cli_down_all),
        cmocka_unit_test_teardown(a_changed_address_moves_in_place, cli_down_all),
        cmocka_unit_test_teardown(a_removed_vm_is_gone, cli_down_all),
        cmocka_unit_test_teardown(up_repairs_what_was_broken_by_hand, cli_down_all),
        cmocka_unit_test_teardown(two_labs_with_the_same_addresses_do_not_meet, cli_down_all),
        cmocka_unit_test_teardown(a_second_command_waits_and_says_for_whom, cli_down_all),
        cmocka_unit_test_teardown(two_ups_at_once_both_succeed, cli_down_all),
        cmocka_unit_test_teardown(a_killed_up_is_finished_by_the_next, cli_down_all),
        cmocka_unit_test_teardown(a_killed_up_or_down_is_removed_by_the_next_down, cli_down_all),
        cmocka_unit_test_teardown(a_lab_outlives_its_file, cli_down_all),
    };

    return cmocka_run_group_tests_name("life", tests, cli_setup, cli_teardown);
}
