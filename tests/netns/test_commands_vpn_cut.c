/* Rows of spec vpn 7.5, 11 and 16 about links that are cut, instances that die, and a default route into a tunnel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../harness/capture.h"
#include "../harness/cli.h"

#include "vnetlab/base.h"
#include "vnetlab/json.h"

#define VNETS                                                                                                \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  net-1: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, GatewaySubnet: 10.11.255.0/27}}\n"   \
    "  net-4: {addressSpace: [10.41.0.0/16], subnets: {s: 10.41.0.0/24, GatewaySubnet: 10.41.255.0/27}}\n"   \
    "virtualMachines: {vm-1: {subnet: net-1/s}, vm-4: {subnet: net-4/s}}\n"
#define PAIR                                                                                                 \
    "connections:\n"                                                                                         \
    "  1to4: {virtualNetworkGateway1: gw1, virtualNetworkGateway2: gw4, sharedKey: k, dpdTimeoutSeconds: "   \
    "9}\n"                                                                                                   \
    "  4to1: {virtualNetworkGateway1: gw4, virtualNetworkGateway2: gw1, sharedKey: k, dpdTimeoutSeconds: "   \
    "9}\n"
#define STANDBY VNETS PAIR "virtualNetworkGateways: {gw1: {vnet: net-1}, gw4: {vnet: net-4}}\n"
#define ACTIVE                                                                                               \
    VNETS PAIR                                                                                               \
        "virtualNetworkGateways: {gw1: {vnet: net-1, activeActive: true}, gw4: {vnet: net-4, activeActive: " \
        "true}}\n"

static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_connected(const char *connection)
{
    cli_ok("show connections/%s", connection);
    return strstr(cli_out, "status                     Connected\n") != NULL;
}

/* Returns how long it took; more than limit_s fails. */
static double await_connected(const char *connection, bool wanted, double limit_s)
{
    double start = now_s();

    while (is_connected(connection) != wanted) {
        assert_true(now_s() - start < limit_s);
        (void)usleep(100000);
    }
    return now_s() - start;
}

/* Spec 7.5. The kernel takes eth1's routes away while it is down; they are to come back, too. */
static void a_cut_link_is_noticed_in_time_and_heals_by_itself(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", STANDBY));
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    capture_start("cut", "gw1", "eth1");
    sh_ok("ip -n %s.gw4 link set eth1 down", cli_lab());
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 0);
    assert_true(await_connected("1to4", false, 13) > 4); /* nobody can know it at once */
    assert_false(is_connected("4to1"));
    sh_ok("ip -n %s.gw4 link set eth1 up", cli_lab());
    (void)await_connected("1to4", true, 20);
    (void)await_connected("4to1", true, 2);
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    capture_stop("cut");
    assert_int_equal(capture_count("cut", "not arp and not (esp or udp port 500 or udp port 4500)"), 0);
    assert_true(capture_count("cut", "esp or udp port 4500") > 2);
}

/* --- two instances ------------------------------------------------------------------------------------------ */

/* Bytes that went out by the tunnels of one instance of gw1: those of `show connections` with that gateway in a row of their own. */
static long sent_by(const char *instance)
{
    sh_ok("\"$VNETLAB\" show connections | awk '$1 == \"%s\" { n += $(NF > 4 ? 5 : 4) } END { print n + 0 }'",
          instance);
    return atol(cli_out);
}

/* Some flows of different ports, to a port that nobody listens at: each packet is seen, whatever is answered. */
static void send_flows(void)
{
    cli_ok("exec vm-1 -- python3 -c 'import socket\n"
           "for port in range(20000, 20032):\n"
           "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
           "    s.bind((\"\", port))\n"
           "    s.sendto(b\"x\", (\"10.41.0.4\", 9))'");
}

static void flows_use_both_instances(void **state)
{
    long first, second;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", ACTIVE));
    assert_has(cli_out, "connections: 2 of 2 connected\n");
    first = sent_by("gw1");
    second = sent_by("gw1.1");
    send_flows();
    assert_true(sent_by("gw1") > first);
    assert_true(sent_by("gw1.1") > second);
    assert_int_equal(sent_by("gw1") - first + sent_by("gw1.1") - second, 32 * 29);
}

#define PIDS                                                                                                 \
    "for p in $(pgrep -f '[c]haron-systemd'); do case $(readlink /proc/$p/cwd) in "                          \
    "\"$VNETLAB_RUN_DIR/%s/vpn/%s\"|\"$VNETLAB_RUN_DIR/%s/vpn/%s/\"*) "

/* All daemons of the instance that carries the ping; it is started again and takes the flow back. */
static void an_instance_that_dies_costs_a_few_echoes(void **state)
{
    const char *victim;
    long first;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", ACTIVE));
    first = sent_by("gw1");
    sh_ok("cd \"$VNETLAB_STATE_DIR\" && { \"$VNETLAB\" exec vm-1 -- ping -n -q -c 40 -i 0.1 10.41.0.4 > "
          "../ping.out 2>&1; echo done >> ../ping.out; } & sleep 1");
    victim = sent_by("gw1") > first ? "gw1" : "gw1.1";
    sh_ok(PIDS "kill -9 $p; echo $p;; esac; done | grep -q .", cli_lab(), victim, cli_lab(), victim);
    sh_ok(
        "for i in $(seq 100); do grep -q done \"$VNETLAB_STATE_DIR/../ping.out\" && break; sleep 0.1; done; "
        "sed -n 's/.*transmitted, \\([0-9]*\\) received.*/\\1/p' \"$VNETLAB_STATE_DIR/../ping.out\"");
    assert_true(atol(cli_out) >= 30 && atol(cli_out) <= 40);
    (void)await_connected("1to4", true, 10);
    cli_ok("show connections");
    assert_has(cli_out, "connections: 2 of 2 connected\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_cut_link_is_noticed_in_time_and_heals_by_itself, cli_down_all),
        cmocka_unit_test(flows_use_both_instances),
        cmocka_unit_test_teardown(an_instance_that_dies_costs_a_few_echoes, cli_down_all),
    };

    return cmocka_run_group_tests_name("commands, VPN that is cut", tests, cli_setup, cli_teardown);
}
