/* How large packets through tunnels may be (spec vpn 12), with real charons: with DF 1422 bytes pass and more vanish without a word, without it they
 * come in fragments, and TCP does not notice. */
#include "controller.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#define SITE                                                                                                 \
    "site office 203.0.113.200 10.50.0.0/16\nsitehost pc office 10.50.0.9\n"                                 \
    "lng office-lng 203.0.113.200 10.50.0.0/16\ns2s to-office gwa office-lng\n"

static int socket_in(const char *vm, int type)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    CLEANUP(vnl_fd_close) int netns = -1;
    int fd;

    assert_int_equal(vnl_netns_open(plan->lab, vm, &netns, NULL), 0);
    assert_int_equal(vnl_netns_enter(netns, &saved, NULL), 0);
    fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    return fd;
}

static struct sockaddr_in place_of(const char *addr, uint16_t port)
{
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_port = htons(port) };

    assert_int_equal(inet_pton(AF_INET, addr, &place.sin_addr), 1);
    return place;
}

static bool is_ready(int fd, short events)
{
    struct pollfd wait = { .fd = fd, .events = events };

    return poll(&wait, 1, 3000) == 1;
}

/* --- rows of the specification --------------------------------------------------------------------------------------------- */

static const struct {
    unsigned payload;
    const char *df, *wanted;
} pings[] = {
    { 1394, "do", "2 packets transmitted, 2 received, 0% packet loss" },
    { 1395, "do",
      "2 packets transmitted, 0 received, 100% packet loss" }, /* an ICMP error would be counted here */
    { 1472, "do", "2 packets transmitted, 0 received, 100% packet loss" },
    { 1472, "dont", "2 packets transmitted, 2 received, 0% packet loss" },
};

static void check_pings(const char *from, const char *to)
{
    for (size_t i = 0; i < ARRAY_SIZE(pings); i++)
        running_has(
            running_in(from, "ping -c 2 -i 0.2 -W 1 -M %s -s %u %s 2>&1", pings[i].df, pings[i].payload, to),
            pings[i].wanted);
}

/* Were the sender told, its second datagram would be refused (EMSGSIZE). */
static void check_udp(const char *from, const char *to, const char *addr)
{
    CLEANUP(vnl_fd_close) int out = socket_in(from, SOCK_DGRAM);
    CLEANUP(vnl_fd_close) int in = socket_in(to, SOCK_DGRAM);
    struct sockaddr_in place = place_of(addr, 7777);
    int df = IP_PMTUDISC_DO;
    static char data[1472];

    assert_int_equal(bind(in, (struct sockaddr *)&place, sizeof(place)), 0);
    assert_int_equal(setsockopt(out, IPPROTO_IP, IP_MTU_DISCOVER, &df, sizeof(df)), 0);
    assert_int_equal(connect(out, (struct sockaddr *)&place, sizeof(place)), 0);
    assert_int_equal(send(out, data, 1472, 0), 1472);
    usleep(100000); /* time to be told */
    assert_int_equal(send(out, data, 1472, 0), 1472);
    assert_int_equal(send(out, data, 1394, 0), 1394);
    assert_true(is_ready(in, POLLIN));
    assert_int_equal(recv(in, data, sizeof(data), 0), 1394);
    assert_int_equal(recv(in, data, sizeof(data), MSG_DONTWAIT), -1);
}

static int mss_of(int fd)
{
    socklen_t size = sizeof(int);
    int mss = 0;

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &size), 0);
    return mss;
}

static void check_tcp(const char *from, const char *to, const char *addr)
{
    CLEANUP(vnl_fd_close) int out = socket_in(from, SOCK_STREAM);
    CLEANUP(vnl_fd_close) int listening = socket_in(to, SOCK_STREAM);
    CLEANUP(vnl_fd_close) int in = -1;
    struct sockaddr_in place = place_of(addr, 7777);
    struct timeval limit = { .tv_sec = 3 };
    int on = 1;

    assert_int_equal(setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&place, sizeof(place)), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(setsockopt(out, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
    assert_int_equal(connect(out, (struct sockaddr *)&place, sizeof(place)), 0);
    assert_true(is_ready(listening, POLLIN));
    in = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(mss_of(out), 1338); /* 1350 less the time stamp option */
    assert_int_equal(mss_of(in), 1338);
}

static void check_rows(const char *from, const char *to, const char *addr)
{
    check_pings(from, addr);
    check_udp(from, to, addr);
    check_tcp(from, to, addr);
}

static void larger_packets_with_df_vanish(void **state)
{
    (void)state;
    bring_up(PAIR SITE);
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 8000);
    check_rows("a", "b", "10.4.0.4");
    check_rows("b", "a", "10.1.0.4");
    check_rows("a", "pc", "10.50.0.9");
    check_rows("pc", "a", "10.1.0.4");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(larger_packets_with_df_vanish, lab_teardown),
    };

    if (argc > 1) /* one of them alone, by a pattern */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
