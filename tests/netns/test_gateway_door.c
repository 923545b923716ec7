/* What a gateway's guest lets in and out: nothing that is forwarded leaves by eth1, strangers find no service, each peer its own daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "../../dataplane/gateway.h"
#include "../../dataplane/netlink.h"
#include "../harness/gateway_guests.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/gateway.h"

/* --- the leak ---------------------------------------------------------------------------------------------------------------------- */

static void put_all_into(const struct vnl_plan_gateway *gateway)
{
    static const char *const far[] = { "10.4.0.4", "8.8.8.8", "203.0.113.200", "172.16.0.1", "203.0.113.1" };
    char outer[VNL_ADDR_STR];

    (void)vnl_addr_format(&gateway->outer, outer);
    for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
        gw_send(&live_plan->nics[gateway->nic_in], "10.1.0.4", far[i]);
        gw_send(&live_plan->nics[gateway->nic_in], outer, far[i]); /* its own address as source */
        gw_send(&live_plan->nics[gateway->nic_out], "203.0.113.200", far[i]);
    }
}

static void nothing_that_is_forwarded_leaves_by_eth1(void **state)
{
    CLEANUP(vnl_fd_close) int inside = -1;
    CLEANUP(vnl_fd_close) int outside = -1;

    (void)state;
    (void)live_converge(VNETS GATEWAYS SITE);
    inside = gw_capture("gwa", "eth0");
    outside = gw_capture("gwa", "eth1");
    assert_false(running_ping("a", "10.4.0.4"));
    assert_true(gw_captured(inside, false) >= 3);
    put_all_into(gw_of("gwa"));
    assert_true(gw_captured(inside, false) >= 10);
    assert_int_equal(gw_captured(outside, true), 0);
    /* The same with a tunnel that nobody is behind, and when it is gone again. */
    gw_tun_make("vpn1", "tunnel1");
    assert_int_equal(gw_routes_set("vpn1", "10.4.0.0/16", NULL, NULL), 0);
    put_all_into(gw_of("gwa"));
    (void)running_in("gwa", "ip link del vpn1");
    put_all_into(gw_of("gwa"));
    assert_int_equal(gw_captured(outside, true), 0);
    /* And nothing comes in that way. */
    (void)gw_captured(inside, true);
    gw_send(&live_plan->nics[gw_of("gwa")->nic_out], "203.0.113.200", "10.1.0.4");
    assert_int_equal(gw_captured(inside, true), 0);
    /* The capture sees what there is: this is the guest's own. */
    (void)running_in("gwa", "ping -c 1 -W 1 -I %s 203.0.113.200", gw_outer("gwa"));
    assert_true(gw_captured(outside, true) >= 1);
}
/* --- peers ----------------------------------------------------------------------------------------------------------------------- */

/* What a socket of the namespace on that port gets from a datagram that another one sends. */
static int udp_in(const char *vm, const struct vnl_addr *addr, uint16_t port)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    CLEANUP(vnl_fd_close) int netns = -1;
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd;

    memcpy(&at.sin_addr, addr->bytes, 4);
    assert_int_equal(vnl_netns_open(live_plan->lab, vm, &netns, NULL), 0);
    assert_int_equal(vnl_netns_enter(netns, &saved, NULL), 0);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void send_to(int fd, const struct vnl_addr *addr, uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

    memcpy(&to.sin_addr, addr->bytes, 4);
    assert_int_equal(sendto(fd, "ike", 3, 0, (struct sockaddr *)&to, sizeof(to)), 3);
}

/* The source port of what comes, 0 when nothing does. */
static uint16_t got(int fd)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    struct sockaddr_in from = { 0 };
    socklen_t size = sizeof(from);
    char text[16];

    if (poll(&wait, 1, 1000) <= 0 ||
        recvfrom(fd, text, sizeof(text), 0, (struct sockaddr *)&from, &size) != 3)
        return 0;
    return ntohs(from.sin_port);
}

static void peers_get_daemons_of_their_own(void **state)
{
    const struct vnl_addr *here, *there;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_fd_close) int ours = -1;
    CLEANUP(vnl_fd_close) int nat_t = -1;
    CLEANUP(vnl_fd_close) int theirs = -1;
    uint16_t port = 10000, odd = 10001;

    (void)state;
    (void)live_converge(VNETS GATEWAYS);
    here = &gw_of("gwa")->outer;
    there = &gw_of("gwb")->outer;
    ours = udp_in("gwa", here, port);
    nat_t = udp_in("gwa", here, port + 1);
    theirs = udp_in("gwb", there, 500);
    assert_int_equal(
        vnl_gateway_peers_set(live_plan->lab, "gwa", VNL_GATEWAY_DOOR_OPEN, there, &port, 1, NULL), 0);
    send_to(theirs, here, 500);
    assert_int_equal(got(ours), 500);
    send_to(theirs, here, 4500);
    assert_int_equal(got(nat_t), 500);
    send_to(ours, there, 500);
    assert_int_equal(got(theirs), 500);
    send_to(nat_t, there, 500);
    assert_int_equal(got(theirs), 4500);
    assert_int_equal(running_converge(live_plan).changed, 0);
    assert_int_equal(vnl_gateway_peers_set(live_plan->lab, "gwa", VNL_GATEWAY_DOOR_OPEN, NULL, NULL, 0, NULL),
                     0);
    assert_int_equal(vnl_gateway_peers_set(live_plan->lab, "gwa", VNL_GATEWAY_DOOR_OPEN, NULL, NULL, 0, NULL),
                     0);
    send_to(ours, there, 500);
    assert_int_equal(got(theirs), port);
    assert_int_equal(
        vnl_gateway_peers_set(live_plan->lab, "gwa", VNL_GATEWAY_DOOR_OPEN, there, &odd, 1, &err), -EINVAL);
    assert_string_equal(err->msg, "VM 'gwa': a peer needs an IPv4 address and an even port, not 10001");
}

/* --- the door ------------------------------------------------------------------------------------------------------------------------- */

static void set_door(const char *gateway, enum vnl_gateway_door door, const char *peer)
{
    const struct vnl_addr *addr = peer ? &gw_of(peer)->outer : NULL;
    const uint16_t own = 0;

    assert_int_equal(vnl_gateway_peers_set(live_plan->lab, gateway, door, addr, &own, peer != NULL, NULL), 0);
}

static void strangers_find_no_service_outside(void **state)
{
    const struct vnl_addr *here, *there;
    CLEANUP(vnl_fd_close) int ours = -1;
    CLEANUP(vnl_fd_close) int nat_t = -1;
    CLEANUP(vnl_fd_close) int other = -1;
    CLEANUP(vnl_fd_close) int theirs = -1;

    (void)state;
    (void)live_converge(VNETS GATEWAYS SITE);
    here = &gw_of("gwa")->outer;
    there = &gw_of("gwb")->outer;
    ours = udp_in("gwa", here, 500);
    nat_t = udp_in("gwa", here, 4500);
    other = udp_in("gwa", here, 5353);
    theirs = udp_in("gwb", there, 500);
    set_door("gwa", VNL_GATEWAY_DOOR_OPEN, NULL);
    send_to(theirs, here, 5353);
    assert_int_equal(got(other), 500);
    set_door("gwa", VNL_GATEWAY_DOOR_PEERS, "gwb");
    send_to(theirs, here, 5353);
    send_to(theirs, here, 500);
    assert_int_equal(got(ours), 500);
    assert_int_equal(got(other), 0);
    send_to(ours, there, 500);
    assert_int_equal(got(theirs), 500);
    set_door("gwa", VNL_GATEWAY_DOOR_PEERS, NULL);
    send_to(theirs, here, 500);
    assert_int_equal(got(ours), 0);
    running_has(running_in("gwb", "ping -c 1 -W 2 -I %s %s", gw_outer("gwb"), "203.0.113.200"),
                " 0% packet loss");
    set_door("gwa", VNL_GATEWAY_DOOR_CLIENTS, NULL);
    send_to(theirs, here, 4500);
    assert_int_equal(got(nat_t), 500);
    send_to(theirs, here, 5353);
    assert_int_equal(got(other), 0);
}

/* The second NIC of a VM has the name and the number that the gateway's outside had. */
static void a_vm_in_place_of_a_gateway_is_open(void **state)
{
    static const char *const sides =
        "bash -c 'tc filter show dev eth1 ingress; tc filter show dev eth1 egress'";

    (void)state;
    (void)live_converge(VNETS GATEWAYS);
    set_door("gwa", VNL_GATEWAY_DOOR_PEERS, "gwb");
    running_has(running_in("gwa", "%s", sides), "vpn_in");
    (void)live_converge(VNETS "vm gwa va/s,va/s 10.1.0.9\n");
    running_lacks(running_in("gwa", "%s", sides), "bpf");
}

/* Who asks from inside for the public address gets no answer: it would go out in clear. */
static void answers_to_those_inside_do_not_leave_by_eth1(void **state)
{
    static const struct frame_spec asked[] = {
        { .dport = 80 }, { .dport = 179 }, { .proto = 17, .dport = 7 }, { .proto = 1, .payload = 56 }
    };
    const struct vnl_plan_gateway *gwa;
    CLEANUP(vnl_fd_close) int inside = -1;
    CLEANUP(vnl_fd_close) int outside = -1;
    char outer[VNL_ADDR_STR];

    (void)state;
    (void)live_converge(VNETS GATEWAYS SITE);
    gwa = gw_of("gwa");
    (void)vnl_addr_format(&gwa->outer, outer);
    set_door("gwa", VNL_GATEWAY_DOOR_PEERS, "gwb");
    inside = gw_capture("gwa", "eth0");
    outside = gw_capture("gwa", "eth1");
    for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
        struct frame_spec spec = asked[i];

        spec.src = "10.1.0.4";
        spec.dst = outer;
        gw_send_frame(&live_plan->nics[gwa->nic_in], &spec);
    }
    assert_true(gw_captured(inside, false) >= (int)ARRAY_SIZE(asked));
    assert_int_equal(gw_captured(outside, true), 0);
    running_has(running_in("gwb", "ping -c 1 -W 2 -I %s %s", gw_outer("gwb"), outer), " 0% packet loss");
    assert_true(gw_captured(outside, true) >= 1);
}

/* BGP and IKE are for peers: by tunnels, and by eth1. Nobody listens here: what is let in is answered. */
static void vms_find_no_service_inside(void **state)
{
    static const struct {
        const char *guest;
        struct frame_spec packet;
        bool answered;
    } rows[] = {
        { "gwa", { .src = "10.1.0.4", .dst = "10.1.255.4", .dport = 179 }, false },
        { "gwa", { .src = "10.1.0.4", .dst = "10.1.255.4", .proto = 17, .dport = 500 }, false },
        { "gwa", { .src = "10.1.0.4", .dst = "10.1.255.4", .proto = 17, .dport = 4500 }, false },
        { "gwa", { .src = "10.1.0.4", .dst = "10.1.255.4", .dport = 80 }, true },
        { "gwa", { .src = "10.1.0.4", .dst = "10.1.255.4", .proto = 17, .dport = 179 }, true },
        { "gwa", { .src = "10.1.0.4", .dst = "10.1.0.9", .dport = 179 }, true }, /* forwarded */
        { "gwa", { .src = "10.1.0.4", .dst = "10.1.0.9", .proto = 17, .dport = 500 }, true },
        { "office", { .src = "10.50.0.9", .dst = "10.50.0.1", .dport = 179 }, true },
        { "office", { .src = "10.50.0.9", .dst = "10.50.0.1", .proto = 17, .dport = 500 }, true },
    };

    (void)state;
    (void)live_converge(VNETS GATEWAYS SITE);
    assert_true(running_ping("gwa", "10.1.0.4") &&
                running_ping("office", "10.50.0.9")); /* neighbors are known */
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(vnl_fd_close) int inside = gw_capture(rows[i].guest, "eth0");

        gw_send_frame(&live_plan->nics[gw_of(rows[i].guest)->nic_in], &rows[i].packet);
        assert_int_equal(gw_captured(inside, true), rows[i].answered);
    }
}

#define lab_test(name) cmocka_unit_test_teardown(name, live_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(nothing_that_is_forwarded_leaves_by_eth1),
        lab_test(peers_get_daemons_of_their_own),
        lab_test(strangers_find_no_service_outside),
        lab_test(answers_to_those_inside_do_not_leave_by_eth1),
        lab_test(a_vm_in_place_of_a_gateway_is_open),
        lab_test(vms_find_no_service_inside),
    };

    return cmocka_run_group_tests_name("gateways' doors", tests, gw_group_setup, live_group_teardown);
}
