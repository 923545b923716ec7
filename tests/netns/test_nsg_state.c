/* Network security groups remember: flows and their replies, errors about them, fragments, and rule sets that change under traffic.
 * Spec 3.4; issue 3, "Change without loss". */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/plan.h"

#include "../harness/cli.h"
#include "../harness/reach.h"
#include "../harness/traffic.h"

/* vm-a 10.0.0.4 with the group "a", vm-b 10.0.0.5 with "b". */
#define LAB(rules_a, rules_b)                                                                                \
    "name: %s\n"                                                                                             \
    "vnets:\n"                                                                                               \
    "  va: {addressSpace: [10.0.0.0/16, 'fd00:a::/48'], subnets: {s: [10.0.0.0/24, 'fd00:a:0:1::/64']}}\n"   \
    "virtualMachines:\n"                                                                                     \
    "  vm-a: {subnet: va/s, networkSecurityGroup: a}\n"                                                      \
    "  vm-b: {subnet: va/s, networkSecurityGroup: b}\n"                                                      \
    "networkSecurityGroups:\n"                                                                               \
    "  a: {securityRules: {" rules_a "}}\n"                                                                  \
    "  b: {securityRules: {" rules_b "}}\n"
#define RULE(name, number, what) name ": {priority: " #number ", " what "}, "
#define IN                       "direction: Inbound, access: "
#define OUT                      "direction: Outbound, access: "
#define NOTHING_IN               RULE("nothing-in", 4096, IN "Deny")
#define NOTHING_OUT              RULE("nothing-out", 4096, OUT "Deny")

static void up(const char *text)
{
    cli_ok("up %s", cli_file("lab.yaml", text));
}

static const char *netns(const char *vm)
{
    static char names[4][96];
    static unsigned turn;
    char *name = names[turn++ % 4];

    (void)snprintf(name, sizeof(names[0]), "%s.%s", cli_lab(), vm);
    return name;
}

static struct sockaddr_in at(const char *address, int port)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

    (void)inet_pton(AF_INET, address, &sa.sin_addr);
    return sa;
}

/* --- replies --------------------------------------------------------------------------------------------------------------- */

/* A client that nothing may enter, a server from which nothing may leave. */
static void replies_need_no_rule(void **state)
{
    (void)state;
    up(LAB(NOTHING_IN, NOTHING_OUT));
    assert_int_equal(cli_ping("vm-a", "10.0.0.5"), 64);
    assert_int_equal(cli_ping("vm-a", "fd00:a:0:1::5"), 64);
    assert_true(reach_tcp("vm-a", "10.0.0.5", 80));
    assert_true(traffic_tcp(netns("vm-a"), netns("vm-b"), "10.0.0.5", 5001, 4 << 20));
    assert_true(traffic_tcp(netns("vm-a"), netns("vm-b"), "fd00:a:0:1::5", 5001, 4 << 20));
    assert_int_equal(cli_drops("vm-a", "NsgInbound"), 0);
    assert_int_equal(cli_drops("vm-b", "NsgOutbound"), 0);

    assert_false(reach_ping("vm-b", "10.0.0.4")); /* a flow of its own is none of that */
    assert_false(reach_tcp("vm-b", "10.0.0.4", 80));
    assert_int_equal(cli_drops("vm-b", "NsgOutbound"), 2);
}

/* One echo request with this identifier; does a reply come within 300 ms? */
static bool ping_as(const char *from, const char *address, uint16_t ident)
{
    CLEANUP(vnl_fd_close) int fd = traffic_socket(netns(from), AF_INET, SOCK_RAW, IPPROTO_ICMP);
    struct icmphdr echo = { .type = ICMP_ECHO, .un.echo.id = htons(ident) };
    struct pollfd heard = { .fd = fd, .events = POLLIN };
    struct sockaddr_in to = at(address, 0);
    unsigned char buf[256];

    echo.checksum = (uint16_t) ~(htons(ICMP_ECHO << 8) + echo.un.echo.id); /* no carry: ident is small */
    assert_int_equal(sendto(fd, &echo, sizeof(echo), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(echo));
    while (poll(&heard, 1, 300) == 1) {
        ssize_t size = recv(fd, buf, sizeof(buf), 0);

        if (size >= 28 && buf[20] == ICMP_ECHOREPLY && memcmp(buf + 24, &echo.un.echo.id, 2) == 0)
            return true;
    }
    return false;
}

/* A flow is known by who asks: that vm-a may ping vm-b opens nothing for vm-b, also not with the same identifier. */
static void a_ping_back_is_a_flow_of_its_own(void **state)
{
    (void)state;
    up(LAB(NOTHING_IN, ""));
    assert_true(ping_as("vm-a", "10.0.0.5", 77));
    assert_false(ping_as("vm-b", "10.0.0.4", 77));
    assert_int_equal(cli_drops("vm-a", "NsgInbound"), 1);
    assert_true(ping_as("vm-a", "10.0.0.5", 77));
}

/* The port unreachable that vm-b sends is about a flow that vm-a began. */
static void an_error_about_a_known_flow_passes(void **state)
{
    (void)state;
    up(LAB(NOTHING_IN, NOTHING_OUT));
    assert_true(reach_udp("vm-a", NULL, "10.0.0.5", 9));
    assert_true(reach_udp("vm-a", NULL, "fd00:a:0:1::5", 9));
    assert_int_equal(cli_drops("vm-a", "NsgInbound"), 0);
    assert_int_equal(cli_drops("vm-b", "NsgOutbound"), 0);
}

/* --- rules that change ------------------------------------------------------------------------------------------------------- */

struct session {
    int listener, client, server;
};

static void session_open(struct session *session, int port)
{
    struct sockaddr_in to = at("10.0.0.5", port);
    int on = 1;

    *session = (struct session){ .listener = traffic_socket(netns("vm-b"), AF_INET, SOCK_STREAM, 0),
                                 .client = traffic_socket(netns("vm-a"), AF_INET, SOCK_STREAM, 0) };
    (void)setsockopt(session->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(session->listener, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(listen(session->listener, 4), 0);
    assert_int_equal(connect(session->client, (struct sockaddr *)&to, sizeof(to)), 0);
    session->server = accept(session->listener, NULL, NULL);
    assert_true(session->server >= 0);
}

/* A word there and another one back, within 300 ms. */
static bool session_talks(const struct session *session)
{
    struct pollfd there = { .fd = session->server, .events = POLLIN },
                  back = { .fd = session->client, .events = POLLIN };
    char buf[8];

    return send(session->client, "ping", 4, MSG_NOSIGNAL) == 4 && poll(&there, 1, 300) == 1 &&
           recv(session->server, buf, sizeof(buf), 0) == 4 &&
           send(session->server, "pong", 4, MSG_NOSIGNAL) == 4 && poll(&back, 1, 300) == 1 &&
           recv(session->client, buf, sizeof(buf), 0) == 4;
}

static void session_close(struct session *session)
{
    vnl_fd_close(&session->client);
    vnl_fd_close(&session->server);
    vnl_fd_close(&session->listener);
}

#define ALLOW_SSH RULE("ssh", 100, IN "Allow, protocol: Tcp, destinationPortRange: 22")

static void a_live_session_survives_its_rule(void **state)
{
    struct session session;

    (void)state;
    up(LAB("", ALLOW_SSH NOTHING_IN));
    session_open(&session, 22);
    assert_true(session_talks(&session));

    up(LAB("", NOTHING_IN)); /* the rule is deleted */
    assert_true(session_talks(&session));
    assert_false(reach_tcp("vm-a", "10.0.0.5", 22));
    assert_int_equal(cli_drops("vm-b", "NsgInbound"), 1);

    up(LAB(RULE("no-ssh", 100, OUT "Deny, protocol: Tcp") NOTHING_IN,
           RULE("no-ssh", 100, IN "Deny") NOTHING_OUT)); /* and denied */
    assert_true(session_talks(&session));
    assert_false(reach_tcp("vm-a", "10.0.0.5", 22));

    up(LAB("", ALLOW_SSH NOTHING_IN)); /* a new rule is for new flows at once */
    assert_true(reach_tcp("vm-a", "10.0.0.5", 22));
    assert_true(session_talks(&session));
    session_close(&session);
}

/* Connections that are older than the group are not known to it: its rules are asked about them in the middle. */
static void a_group_that_is_attached_later_keeps_what_it_allows(void **state)
{
    const char *open = "name: %s\n"
                       "vnets: {va: {addressSpace: [10.0.0.0/16, 'fd00:a::/48'], "
                       "subnets: {s: [10.0.0.0/24, 'fd00:a:0:1::/64']}}}\n"
                       "virtualMachines: {vm-a: {subnet: va/s}, vm-b: {subnet: va/s}}\n";
    struct session session;

    (void)state;
    up(open);
    session_open(&session, 22);
    assert_true(session_talks(&session));
    up(LAB("", ALLOW_SSH NOTHING_IN NOTHING_OUT));
    assert_true(session_talks(&session));
    up(LAB("", NOTHING_IN NOTHING_OUT));
    assert_true(session_talks(&session));
    assert_false(reach_tcp("vm-a", "10.0.0.5", 22));
    session_close(&session);
}

/* A session under a group of one rule; then the group has n others and that one is gone. */
static const char *grown_lab(const char *first_rule, int n)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    (void)fprintf(out,
                  "name: %%s\nvnets: {va: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}}}\n"
                  "virtualMachines: {vm-a: {subnet: va/s}, vm-b: {subnet: va/s, networkSecurityGroup: g}}\n"
                  "networkSecurityGroups:\n  g:\n    securityRules:\n      %s\n",
                  first_rule);
    for (int i = 0; i < n; i++)
        (void)fprintf(out,
                      "      r%d: {priority: %d, direction: Inbound, access: Deny, protocol: Tcp, "
                      "sourceAddressPrefix: 10.0.%d.%d}\n",
                      i, 200 + i, 1 + i / 250, i % 250);
    assert_int_equal(fclose(out), 0);
    return cli_file("grown.yaml", text);
}

/* The tables of a lab are made anew when a change does not fit into them; flows are not policy and stay. */
static void a_live_session_survives_tables_that_grow(void **state)
{
    struct session session;

    (void)state;
    cli_ok("up %s",
           grown_lab("ssh: {priority: 100, direction: Inbound, access: Allow, destinationPortRange: 22}", 0));
    session_open(&session, 22);
    assert_true(session_talks(&session));
    cli_ok("up %s", grown_lab("none: {priority: 4096, direction: Inbound, access: Deny}", 900));
    assert_false(reach_tcp("vm-a", "10.0.0.5", 22));
    assert_true(session_talks(&session));
    session_close(&session);
}

/* --- fragments ----------------------------------------------------------------------------------------------------------------- */

static void large_datagrams_pass_where_their_port_does(void **state)
{
    static const size_t sizes[] = { 1, 1472, 1473, 8000, 60000 };

    (void)state;
    up(LAB(NOTHING_IN, RULE("udp", 100, IN "Allow, protocol: Udp, destinationPortRange: 5002") NOTHING_IN));
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        assert_true(traffic_udp(netns("vm-a"), netns("vm-b"), "10.0.0.5", 5002, sizes[i]));
        assert_true(traffic_udp(netns("vm-a"), netns("vm-b"), "fd00:a:0:1::5", 5002, sizes[i]));
    }
    assert_false(traffic_udp(netns("vm-a"), netns("vm-b"), "10.0.0.5", 5003, 60000));
    assert_false(traffic_udp(netns("vm-a"), netns("vm-b"), "fd00:a:0:1::5", 5003, 8000));
}

/* --- a large set, swapped under traffic ------------------------------------------------------------------------------------------ */

#define SWAPS      100
#define RULES      1000
#define PORT_OPEN  7000 /* allowed by both sets */
#define PORT_SHUT  7001 /* denied by both */
#define FIRST_PORT 1024

struct udp_packet {
    uint16_t from, to, size, sum; /* no checksum: allowed for IPv4 */
};

struct traffic {
    int fd;
    atomic_bool stop;
    unsigned sent; /* of each kind */
};

static void send_one(const struct traffic *traffic, const struct sockaddr_in *to, uint16_t from,
                     uint16_t port)
{
    struct udp_packet packet = { htons(from), htons(port), htons(sizeof(packet)), 0 };

    assert_int_equal(
        sendto(traffic->fd, &packet, sizeof(packet), 0, (const struct sockaddr *)to, sizeof(*to)),
        sizeof(packet));
}

/* Each datagram is a flow of its own, so each asks the rules. */
static void *send_flows(void *arg)
{
    struct traffic *traffic = arg;
    struct sockaddr_in to = at("10.0.0.5", 0);
    struct timespec pause = { .tv_nsec = 50000 };

    while (!atomic_load(&traffic->stop) && traffic->sent < UINT16_MAX - FIRST_PORT) {
        uint16_t from = (uint16_t)(FIRST_PORT + traffic->sent++);

        send_one(traffic, &to, from, PORT_OPEN);
        send_one(traffic, &to, from, PORT_SHUT);
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

/* 1000 rules in which the deciding ones stand at `open` and `shut`, and all others match something else of the same kind. */
static char *large_lab(int open, int shut)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    (void)fprintf(
        out,
        "name: %s\nvnets: {va: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}}}\n"
        "virtualMachines: {vm-a: {subnet: va/s}, vm-b: {subnet: va/s, networkSecurityGroup: large}}\n"
        "networkSecurityGroups:\n  large:\n    securityRules:\n",
        cli_lab());
    for (int i = 0; i < RULES; i++) {
        (void)fprintf(out, "      r%d: {priority: %d, direction: Inbound, protocol: Udp, ", i, 100 + i);
        if (i == open || i == shut)
            (void)fprintf(out, "access: %s, sourceAddressPrefix: 10.0.0.4, destinationPortRange: %d}\n",
                          i == open ? "Allow" : "Deny", i == open ? PORT_OPEN : PORT_SHUT);
        else
            (void)fprintf(out, "access: %s, sourceAddressPrefix: 10.0.%d.%d, destinationPortRange: %d-%d}\n",
                          (i + open) % 2 ? "Allow" : "Deny", 1 + i % 200, i % 250, 6000 + i, 7000 + i);
    }
    assert_int_equal(fclose(out), 0);
    return text;
}

static struct vnl_plan *large_plan(int open, int shut, struct vnl_lab **lab)
{
    CLEANUP(vnl_str_free) char *text = large_lab(open, shut);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lab *next = NULL;
    struct vnl_plan *plan = NULL;

    if (vnl_lab_load_text("lab.yaml", text, strlen(text), &next, &err) < 0 ||
        vnl_lab_settle(next, *lab, &err) < 0 || vnl_plan_build(next, &plan, &err) < 0) {
        vnl_err_print(stderr, err);
        fail_msg("the large lab was refused");
    }
    vnl_lab_free(lab);
    *lab = next;
    return plan;
}

static void apply(const struct vnl_plan *plan)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_dp_stats stats;

    if (vnl_dp_apply(plan, NULL, &stats, &err) < 0) {
        vnl_err_print(stderr, err);
        fail_msg("apply failed");
    }
    assert_true(stats.published);
}

static int receiver(uint16_t port)
{
    int fd = traffic_socket(netns("vm-b"), AF_INET, SOCK_DGRAM, 0), size = 64 << 20;
    struct sockaddr_in sa = at("10.0.0.5", port);

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

static unsigned received(int fd)
{
    unsigned n = 0;
    char buf[16];

    while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
        n++;
    return n;
}

static void a_swap_of_a_large_group_loses_nothing_and_lets_nothing_in(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_plan_free) struct vnl_plan *one = large_plan(17, 900, &lab);
    CLEANUP(vnl_plan_free) struct vnl_plan *other = large_plan(950, 64, &lab);
    CLEANUP(vnl_fd_close) int open = -1, shut = -1, sender = -1;
    struct traffic traffic = { .fd = -1 };
    pthread_t thread;

    (void)state;
    apply(one);
    open = receiver(PORT_OPEN);
    shut = receiver(PORT_SHUT);
    traffic.fd = sender = traffic_socket(netns("vm-a"), AF_INET, SOCK_RAW, IPPROTO_UDP);
    assert_true(sender >= 0);
    assert_int_equal(pthread_create(&thread, NULL, send_flows, &traffic), 0);
    for (int i = 0; i < SWAPS; i++)
        apply(i % 2 ? one : other);
    atomic_store(&traffic.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    print_message("%u flows of each kind during %d swaps\n", traffic.sent, SWAPS);
    assert_true(traffic.sent > SWAPS);
    assert_int_equal(received(open), traffic.sent);
    assert_int_equal(received(shut), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(replies_need_no_rule, cli_down_all),
        cmocka_unit_test_teardown(a_ping_back_is_a_flow_of_its_own, cli_down_all),
        cmocka_unit_test_teardown(an_error_about_a_known_flow_passes, cli_down_all),
        cmocka_unit_test_teardown(a_live_session_survives_its_rule, cli_down_all),
        cmocka_unit_test_teardown(a_group_that_is_attached_later_keeps_what_it_allows, cli_down_all),
        cmocka_unit_test_teardown(a_live_session_survives_tables_that_grow, cli_down_all),
        cmocka_unit_test_teardown(large_datagrams_pass_where_their_port_does, cli_down_all),
        cmocka_unit_test_teardown(a_swap_of_a_large_group_loses_nothing_and_lets_nothing_in, cli_down_all),
    };

    return cmocka_run_group_tests_name("nsg state", tests, cli_setup, cli_teardown);
}
