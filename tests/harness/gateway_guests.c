#include "gateway_guests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "vnetlab/base.h"
#include "vnetlab/gateway.h"
#include "vnetlab/dataplane.h"

int gw_group_setup(void **state)
{
    setenv("VNETLAB_VPN_ENGINE", "libipsec", 1); /* the interfaces are the test's */
    return live_group_setup(state);
}

const struct vnl_plan_gateway *gw_of(const char *name)
{
    for (size_t i = 0; i < live_plan->n_gateways; i++)
        if (strcmp(live_plan->gateways[i].name, name) == 0)
            return &live_plan->gateways[i];
    fail_msg("no gateway '%s'", name);
    return NULL;
}

const char *gw_outer(const char *name)
{
    static char text[VNL_ADDR_STR];

    return vnl_addr_format(&gw_of(name)->outer, text);
}

struct vnl_prefix gw_prefix(const char *text)
{
    struct vnl_prefix prefix = { 0 };

    assert_int_equal(vnl_prefix_parse(text, &prefix, NULL), 0);
    return prefix;
}

int gw_routes_set(const char *ifname, const char *a, const char *b, struct vnl_err **err)
{
    struct vnl_prefix prefixes[] = { gw_prefix(a ? a : "0.0.0.0/0"), gw_prefix(b ? b : "0.0.0.0/0") };

    return vnl_gateway_routes_set(live_plan->lab, "gwa", ifname, prefixes, (a != NULL) + (b != NULL), err);
}

void gw_tun_make(const char *ifname, const char *altname)
{
    (void)running_in("gwa", "ip tuntap add %s mode tun", ifname);
    assert_int_equal(vnl_gateway_tun_adopt(live_plan->lab, "gwa", ifname, altname, NULL), 0);
}
int gw_capture(const char *vm, const char *ifname)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    CLEANUP(vnl_fd_close) int netns = -1;
    struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
    int fd;

    assert_int_equal(vnl_netns_open(live_plan->lab, vm, &netns, NULL), 0);
    assert_int_equal(vnl_netns_enter(netns, &saved, NULL), 0);
    fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    assert_true(fd >= 0);
    at.sll_ifindex = (int)if_nametoindex(ifname);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

/* How many since the last call, other than ARP: sent by the namespace, or received. */
size_t gw_captured(int fd, bool sent)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    size_t n = 0;

    while (poll(&wait, 1, 200) > 0) {
        struct sockaddr_ll from = { 0 };
        socklen_t size = sizeof(from);
        uint8_t frame[2048];

        if (recvfrom(fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &size) < 0)
            break;
        n += from.sll_protocol == htons(ETH_P_IP) && (from.sll_pkttype == PACKET_OUTGOING) == sent;
    }
    return n;
}

/* A frame that comes out of the NIC's port, as if the port's program had let it through. */
void gw_send_frame(const struct vnl_plan_nic *nic, const struct frame_spec *spec)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    CLEANUP(vnl_fd_close) int netns = -1;
    struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)nic->ifindex };
    CLEANUP(vnl_fd_close) int fd = -1;
    struct frame frame;

    frame_build(&frame, spec);
    memcpy(frame.data, nic->mac.bytes, 6);
    assert_int_equal(vnl_netns_open(live_plan->lab, VNL_FABRIC, &netns, NULL), 0);
    assert_int_equal(vnl_netns_enter(netns, &saved, NULL), 0);
    fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    assert_int_equal(sendto(fd, frame.data, frame.size, 0, (struct sockaddr *)&to, sizeof(to)), frame.size);
}

void gw_send(const struct vnl_plan_nic *nic, const char *src, const char *dst)
{
    const struct frame_spec spec = { .src = src, .dst = dst, .dport = 80 };

    gw_send_frame(nic, &spec);
}
