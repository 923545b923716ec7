/* The kernel's part of gateways: their guests' routing, packets through tunnels, the rate, and what the agent sets while tunnels come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "../../dataplane/gateway.h"
#include "../../dataplane/netlink.h"
#include "../harness/gateway_guests.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/gateway.h"

static void assert_text(const char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void assert_text(const char *text, const char *fmt, ...)
{
    char wanted[2048];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(wanted, sizeof(wanted), fmt, args);
    va_end(args);
    assert_string_equal(text, wanted);
}

/* --- what the guest is given --------------------------------------------------------------------------------------------------- */

#define SYSCTLS                                                                                              \
    "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/{all,eth0,eth1}/{rp_filter,send_redirects} "  \
    "/proc/sys/net/ipv6/conf/eth0/disable_ipv6"

static void a_gateway_has_the_routes_of_one(void **state)
{
    (void)state;
    (void)live_converge(VNETS GATEWAYS);
    assert_string_equal(running_in("gwa", "ip -4 route"),
                        "blackhole default proto 118 metric 4294967295 \n"
                        "10.1.0.0/16 via 10.1.255.1 dev eth0 proto 118 src 10.1.255.4 metric 200 onlink \n"
                        "10.1.255.0/27 dev eth0 proto kernel scope link src 10.1.255.4 metric 100 \n");
    assert_text(running_in("gwa", "ip rule"),
                "0:\tfrom all lookup local\n100:\tfrom %s iif lo lookup 100 proto 118\n"
                "101:\tfrom all iif eth1 blackhole proto 118\n"
                "32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n",
                gw_outer("gwa"));
    running_has(running_in("gwa", "ip route show table 100"), "dev eth1 proto 118 onlink");
    assert_string_equal(running_in("gwa", "bash -c '" SYSCTLS "'"), "1\n0\n0\n0\n0\n0\n0\n1\n");
    assert_string_equal(running_in("gwa", "ip -6 addr"), "");
}

static void a_sites_prefixes_are_on_its_devices_link(void **state)
{
    const char *text;

    (void)state;
    (void)live_converge(VNETS GATEWAYS SITE);
    text = running_in("office", "ip -4 route");
    running_has(text, "blackhole default proto 118 ");
    running_has(text, "10.60.0.0/24 dev eth0 proto 118 scope link src 10.50.0.1 metric 200");
    running_lacks(text, "via");
    running_has(running_in("office", "ip rule"), "from 203.0.113.200 iif lo lookup 100");
    text = running_in("pc", "ip -4 route");
    running_has(text, "default via ");
    running_lacks(text, "168.63.129.16");
    assert_true(running_ping("pc", "10.60.0.9"));
    assert_true(running_ping("pc", "10.50.0.1"));
    assert_true(running_ping("office", "10.60.0.9"));
    assert_true(running_ping("office", "10.50.0.9"));
}

static void gateways_reach_each_others_public_address_and_vms(void **state)
{
    char far[VNL_ADDR_STR];

    (void)state;
    (void)live_converge(VNETS GATEWAYS SITE);
    (void)snprintf(far, sizeof(far), "%s", gw_outer("gwb"));
    running_has(running_in("gwa", "ping -c 2 -i 0.2 -W 2 -I %s %s", gw_outer("gwa"), far), " 0% packet loss");
    running_has(running_in("gwa", "ping -c 2 -i 0.2 -W 2 -I %s 203.0.113.200", gw_outer("gwa")),
                " 0% packet loss");
    assert_true(running_ping("gwa", "10.1.0.4"));
}

/* A larger address space is a route more; what goes into tunnels is not touched. */
static void the_inside_follows_the_plan_in_place(void **state)
{
    struct vnl_prefix into[] = { { .addr = { .family = AF_INET, .bytes = { 10, 4 } }, .len = 16 } };
    struct vnl_dp_stats stats;
    const char *text;

    (void)state;
    (void)live_converge(VNETS GATEWAYS);
    (void)running_in("gwa", "ip tuntap add vpn1 mode tun");
    (void)running_in("gwa", "ip link set vpn1 up");
    assert_int_equal(vnl_gateway_routes_set(live_plan->lab, "gwa", "vpn1", into, 1, NULL), 0);
    stats = live_converge(
        "vnet va 10.1.0.0/16,10.9.0.0/24\nsubnet s 10.1.0.0/24\nsubnet GatewaySubnet 10.1.255.0/27\n"
        "vm a va/s 10.1.0.4\nvnet vb 10.4.0.0/16\nsubnet s 10.4.0.0/24\n"
        "subnet GatewaySubnet 10.4.255.0/27\nvm b vb/s 10.4.0.4\n" GATEWAYS);
    assert_int_equal(stats.created + stats.deleted, 0);
    assert_int_equal(stats.changed, 1);
    text = running_in("gwa", "ip -4 route");
    running_has(text, "10.9.0.0/24 via 10.1.255.1 dev eth0");
    running_has(text, "10.4.0.0/16 dev vpn1 proto 119 scope link src 10.1.255.4 metric 300");
    assert_int_equal(live_converge(VNETS GATEWAYS).changed, 1);
    text = running_in("gwa", "ip -4 route");
    running_lacks(text, "10.9.0.0/24");
    running_has(text, "10.4.0.0/16 dev vpn1");
}

static void what_was_changed_by_hand_is_repaired(void **state)
{
    static const char *const harm[] = {
        "ip rule del iif lo",
        "ip rule del iif eth1",
        "ip rule add from 1.2.3.4 pref 99 table 100 proto 118",
        "ip route del blackhole default",
        "ip route flush table 100",
        "ip route del 10.1.0.0/16",
        "ip route add 10.77.0.0/16 via 10.1.255.1 proto 118",
        "ip route add default via 10.1.255.1 proto dhcp",
        "sysctl -qw net.ipv4.ip_forward=0",
        "sysctl -qw net.ipv4.conf.eth1.rp_filter=1",
        "tc filter del dev eth0 ingress",
        "tc filter del dev eth0 egress",
        "tc qdisc del dev eth0 clsact",
    };
    CLEANUP(vnl_str_free) char *routes = NULL;

    (void)state;
    (void)live_converge(VNETS GATEWAYS);
    routes = strdup(running_in("gwa", "bash -c 'ip rule; ip route show table all; " SYSCTLS "'"));
    for (size_t i = 0; i < ARRAY_SIZE(harm); i++) {
        struct vnl_dp_stats stats;

        assert_string_equal(running_in("gwa", "%s 2>&1", harm[i]), "");
        stats = running_converge(live_plan);
        if (stats.changed != 1)
            fail_msg("after '%s': %zu changed", harm[i], stats.changed);
        assert_string_equal(running_in("gwa", "bash -c 'ip rule; ip route show table all; " SYSCTLS "'"),
                            routes);
    }
}

static void gateways_come_and_go_on_a_live_lab(void **state)
{
    (void)state;
    (void)live_converge(VNETS);
    /* Two namespaces with two ports each, and the internet side's bridge. */
    assert_int_equal(live_converge(VNETS GATEWAYS).created, 7);
    assert_true(running_ping("gwa", "10.1.0.4"));
    assert_int_equal(live_converge(VNETS).deleted, 7);
}

static void a_vm_that_takes_over_a_gateways_name_is_plain(void **state)
{
    (void)state;
    (void)live_converge(VNETS GATEWAYS);
    (void)live_converge(VNETS "vm gwa va/s 10.1.0.9\n");
    assert_string_equal(
        running_in("gwa", "ip rule"),
        "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n");
    running_lacks(running_in("gwa", "ip route"), "blackhole");
    running_lacks(
        running_in("gwa", "bash -c 'tc filter show dev eth0 ingress; tc filter show dev eth0 egress'"),
        "bpf");
    assert_true(running_ping("gwa", "10.1.0.4"));
    (void)live_converge(VNETS GATEWAYS);
    assert_true(running_ping("gwa", "10.1.0.4"));
}

/* --- tunnels' routes ------------------------------------------------------------------------------------------------------------- */

static void a_tunnels_routes_are_exactly_those(void **state)
{
    (void)state;
    (void)live_converge(VNETS GATEWAYS);
    gw_tun_make("ipsec0", "vpn1");
    gw_tun_make("ipsec1", "vpn3");
    running_has(running_in("gwa", "ip link show vpn1"), "mtu 1400");
    running_has(running_in("gwa", "ip link show vpn1"), "qlen 5000");
    assert_int_equal(vnl_gateway_tun_adopt(live_plan->lab, "gwa", "ipsec0", "vpn1", NULL), 0); /* again */
    assert_int_equal(vnl_gateway_tun_adopt(live_plan->lab, "gwa", "ipsec1", "vpn1", NULL), -EEXIST);
    assert_int_equal(vnl_gateway_tun_adopt(live_plan->lab, "gwa", "ipsec9", "vpn9", NULL), -ENODEV);
    assert_int_equal(gw_routes_set("vpn1", "10.4.0.0/16", "10.5.0.0/16", NULL), 0);
    assert_int_equal(gw_routes_set("vpn3", "10.6.0.0/16", "10.5.0.0/16", NULL),
                     0); /* the same prefix twice */
    assert_string_equal(running_in("gwa", "ip route show proto 119"),
                        "10.4.0.0/16 dev ipsec0 scope link src 10.1.255.4 metric 300 linkdown \n"
                        "10.5.0.0/16 dev ipsec0 scope link src 10.1.255.4 metric 300 linkdown \n"
                        "10.5.0.0/16 dev ipsec1 scope link src 10.1.255.4 metric 300 linkdown \n"
                        "10.6.0.0/16 dev ipsec1 scope link src 10.1.255.4 metric 300 linkdown \n");
    assert_int_equal(gw_routes_set("vpn1", "10.4.0.0/16", NULL, NULL), 0);
    assert_int_equal(gw_routes_set("ipsec1", "0.0.0.0/0", NULL, NULL), 0);
    assert_string_equal(running_in("gwa", "ip route show proto 119"),
                        "default dev ipsec1 scope link src 10.1.255.4 metric 300 linkdown \n"
                        "10.4.0.0/16 dev ipsec0 scope link src 10.1.255.4 metric 300 linkdown \n");
    (void)running_in("gwa", "ip link del ipsec1");
    running_has(running_in("gwa", "ip route get 10.6.0.1 2>&1"), "Invalid argument"); /* blackhole */
    assert_int_equal(running_converge(live_plan).changed, 0);
}

static void what_is_not_there_is_said(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    (void)live_converge(VNETS GATEWAYS);
    assert_int_equal(gw_routes_set("vpn1", NULL, NULL, NULL), 0);
    assert_int_equal(gw_routes_set("vpn1", "10.4.0.0/16", NULL, &err), -ENODEV);
    assert_string_equal(err->msg, "VM 'gwa' has no interface 'vpn1'");
    assert_int_equal(vnl_gateway_routes_set(live_plan->lab, "gwz", "vpn1", NULL, 0, NULL), -ENOENT);
}

/* --- through tunnels ------------------------------------------------------------------------------------------------------------- */

/* Two TUNs and what carries packets from one to the other: the tunnel of two gateways, but for IKE and ESP. */
struct pump {
    int fds[2];
    pthread_t thread;
    bool stop;
    uint16_t mss[2]; /* of the last SYN that came out of each */
    size_t largest;
    bool checksums_right;
};

static int open_tun(const char *vm, const char *ifname)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    CLEANUP(vnl_fd_close) int netns = -1;
    struct ifreq link = { .ifr_flags = IFF_TUN | IFF_NO_PI };
    int fd;

    assert_int_equal(vnl_netns_open(live_plan->lab, vm, &netns, NULL), 0);
    assert_int_equal(vnl_netns_enter(netns, &saved, NULL), 0);
    fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    (void)strncpy(link.ifr_name, ifname, sizeof(link.ifr_name) - 1);
    assert_int_equal(ioctl(fd, TUNSETIFF, &link), 0);
    return fd;
}

static void note_packet(struct pump *pump, int from, const uint8_t *packet, size_t size)
{
    struct frame frame = { .size = size + 14 };
    const uint8_t *tcp = packet + 20;

    if (size > pump->largest)
        pump->largest = size;
    if (size < 44 || packet[0] != 0x45 || packet[9] != IPPROTO_TCP || !(tcp[13] & 2) || tcp[20] != 2)
        return;
    pump->mss[from] = tcp[22] << 8 | tcp[23];
    frame.data[12] = 8;
    memcpy(frame.data + 14, packet, size);
    pump->checksums_right &= frame_checksums_ok(&frame);
}

static void *pump_run(void *arg)
{
    struct pump *pump = arg;
    struct pollfd fds[2] = { { .fd = pump->fds[0], .events = POLLIN },
                             { .fd = pump->fds[1], .events = POLLIN } };
    uint8_t packet[1600];

    while (!__atomic_load_n(&pump->stop, __ATOMIC_RELAXED)) {
        (void)poll(fds, 2, 50);
        for (int i = 0; i < 2; i++) {
            ssize_t size = fds[i].revents & POLLIN ? read(fds[i].fd, packet, sizeof(packet)) : 0;

            if (size <= 0)
                continue;
            note_packet(pump, i, packet, (size_t)size);
            (void)!write(fds[!i].fd, packet, (size_t)size);
        }
    }
    return NULL;
}

static void pump_start(struct pump *pump)
{
    struct vnl_prefix va = gw_prefix("10.1.0.0/16"), vb = gw_prefix("10.4.0.0/16");

    *pump = (struct pump){ .fds = { open_tun("gwa", "ipsec0"), open_tun("gwb", "ipsec0") },
                           .checksums_right = true };
    assert_int_equal(vnl_gateway_tun_adopt(live_plan->lab, "gwa", "ipsec0", "vpn1", NULL), 0);
    assert_int_equal(vnl_gateway_tun_adopt(live_plan->lab, "gwb", "ipsec0", "vpn3", NULL), 0);
    assert_int_equal(vnl_gateway_routes_set(live_plan->lab, "gwa", "vpn1", &vb, 1, NULL), 0);
    assert_int_equal(vnl_gateway_routes_set(live_plan->lab, "gwb", "vpn3", &va, 1, NULL), 0);
    assert_int_equal(pthread_create(&pump->thread, NULL, pump_run, pump), 0);
}

static void pump_stop(struct pump *pump)
{
    __atomic_store_n(&pump->stop, true, __ATOMIC_RELAXED);
    (void)pthread_join(pump->thread, NULL);
    vnl_fd_close(&pump->fds[0]);
    vnl_fd_close(&pump->fds[1]);
}

#define SERVE                                                                                                \
    "sh -c 'timeout 20 python3 -c \"import socket; s=socket.create_server((\\\"10.4.0.4\\\",80)); "          \
    "c=s.accept()[0]; n=0\nwhile n<2000000: n+=len(c.recv(65536))\nc.send(b\\\"x\\\")\" >/dev/null 2>&1 &'"
#define CONNECT                                                                                              \
    "timeout 15 python3 -c 'import socket; s=socket.create_connection((\"10.4.0.4\",80)); "                  \
    "s.sendall(b\"x\"*2000000); print(s.recv(1), s.getsockopt(6,2))'"

static long fragments_failed(const char *gateway)
{
    return atol(running_in(gateway, "nstat -asz IpFragFails | awk '/IpFragFails/{print $2}'"));
}

static void packets_go_through_a_tunnel_and_fit_it(void **state)
{
    struct pump pump;
    char *pinged, *largest, *too_large, *fragments, *sent;

    (void)state;
    (void)live_converge(VNETS GATEWAYS);
    pump_start(&pump);
    pinged = strdup(running_in("a", "ping -c 3 -i 0.2 -W 2 10.4.0.4"));
    largest = strdup(running_in("a", "ping -c 2 -i 0.2 -W 2 -M do -s 1394 10.4.0.4 2>&1"));
    assert_int_equal(fragments_failed("gwa"), 0);
    too_large = strdup(running_in("a", "ping -c 2 -i 0.2 -W 1 -M do -s 1395 10.4.0.4 2>&1"));
    assert_int_equal(fragments_failed("gwa"), 2);
    fragments = strdup(running_in("a", "ping -c 2 -i 0.2 -W 2 -M dont -s 1472 10.4.0.4 2>&1"));
    (void)running_in("b", SERVE);
    (void)running_in("b", "timeout 20 sh -c 'until ss -tln | grep -q 10.4.0.4:80; do sleep 0.1; done'");
    sent = strdup(running_in("a", CONNECT));
    pump_stop(&pump);

    running_has(pinged, " 0% packet loss");
    running_has(pinged, "ttl=62"); /* two gateways */
    running_has(largest, " 0% packet loss");
    running_has(too_large, "2 packets transmitted, 0 received, 100% packet loss");
    running_has(fragments, " 0% packet loss");
    running_has(sent, "b'x' 1338"); /* 1350 less the time stamp option */
    assert_int_equal(pump.mss[0], 1350);
    assert_int_equal(pump.mss[1], 1350);
    assert_true(pump.checksums_right);
    assert_true(pump.largest > 1300 && pump.largest <= 1400);
    free(pinged);
    free(largest);
    free(too_large);
    free(fragments);
    free(sent);
}

/* --- rate, engine ------------------------------------------------------------------------------------------------------------------ */

static void the_rate_is_that_of_the_sku(void **state)
{
    (void)state;
    (void)live_converge(VNETS "gateway gwa va throughput\n");
    running_has(running_in("gwa", "tc qdisc show dev eth1"), "qdisc tbf 766e: root ");
    running_has(running_in("gwa", "tc qdisc show dev eth1"), "rate 650Mbit");
    (void)running_in("gwa", "tc qdisc del dev eth1 root");
    assert_int_equal(running_converge(live_plan).changed, 1);
    running_has(running_in("gwa", "tc qdisc show dev eth1"), "rate 650Mbit");
    assert_int_equal(live_converge(VNETS "gateway gwa va\n").changed, 1);
    running_lacks(running_in("gwa", "tc qdisc show dev eth1"), "tbf");
}

static void with_the_kernels_esp_tunnels_are_xfrm_interfaces(void **state)
{
    const char *why = NULL;
    const struct vnl_plan_tunnel *tunnel;

    (void)state;
    if (!vnl_gateway_kernel_esp(&why)) {
        print_message("skip: %s\n", why);
        assert_non_null(strstr(why, "the kernel has no "));
        skip();
    }
    setenv("VNETLAB_VPN_ENGINE", "xfrm", 1);
    (void)live_converge(VNETS GATEWAYS);
    tunnel = &live_plan->tunnels[0];
    running_has(running_in("gwa", "ip -d link show %s", tunnel->ifname), "mtu 1400");
    running_has(running_in("gwa", "ip -d link show %s", tunnel->ifname), "xfrm if_id 0x");
    (void)running_in("gwa", "ip link del %s", tunnel->ifname);
    assert_int_equal(running_converge(live_plan).changed, 1);
    assert_int_equal(live_converge(VNETS "gateway gwa va\ngateway gwb vb\n").changed, 2);
    running_lacks(running_in("gwa", "ip link"), "vpn");
    setenv("VNETLAB_VPN_ENGINE", "libipsec", 1);
}

#define lab_test(name) cmocka_unit_test_teardown(name, live_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(a_gateway_has_the_routes_of_one),
        lab_test(a_sites_prefixes_are_on_its_devices_link),
        lab_test(gateways_reach_each_others_public_address_and_vms),
        lab_test(the_inside_follows_the_plan_in_place),
        lab_test(what_was_changed_by_hand_is_repaired),
        lab_test(gateways_come_and_go_on_a_live_lab),
        lab_test(a_vm_that_takes_over_a_gateways_name_is_plain),
        lab_test(a_tunnels_routes_are_exactly_those),
        lab_test(what_is_not_there_is_said),
        lab_test(packets_go_through_a_tunnel_and_fit_it),
        lab_test(the_rate_is_that_of_the_sku),
        lab_test(with_the_kernels_esp_tunnels_are_xfrm_interfaces),
    };

    return cmocka_run_group_tests_name("gateways' guests", tests, gw_group_setup, live_group_teardown);
}
