/* Translated traffic in bulk: segments as large as the kernel makes them (GSO, BIG TCP) arrive byte by byte as they were sent, and CPUs that
 * open sessions at the same moment never share a port. Spec 6.2; who may go where is the scenarios' matter. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"
#include "vnetlab/paths.h"

#include "../harness/cli.h"
#include "../harness/traffic.h"

#define HOST     "203.0.113.80"
#define PUBLIC   "198.51.100.2"
#define FRONTEND "10.0.0.100"
#define BULK     ((size_t)200 << 20)

static const char lab[] =
    "name: %s\n"
    "vnets:\n"
    "  vnet:\n"
    "    addressSpace: [10.0.0.0/16]\n"
    "    subnets: {s: {addressPrefix: 10.0.0.0/24, natGateway: nat}, web: 10.0.1.0/24}\n"
    "publicIPAddresses: {nat-ip: {ipAddress: 198.51.100.1}, own-ip: {sku: Basic, ipAddress: " PUBLIC "}}\n"
    "natGateways: {nat: {publicIpAddresses: [nat-ip]}}\n"
    "loadBalancers:\n"
    "  lb:\n"
    "    sku: Standard\n"
    "    frontendIPConfigurations: {fe: {subnet: vnet/s, privateIPAddress: " FRONTEND "}}\n"
    "    backendAddressPools: {pool: [web]}\n"
    "    loadBalancingRules: {http: {protocol: Tcp, frontendPort: 80, backendPort: 8080}}\n"
    "virtualMachines:\n"
    "  vm-a: {subnet: vnet/s, privateIPAddress: 10.0.0.4}\n"
    "  vm-b: {subnet: vnet/s, privateIPAddress: 10.0.0.5}\n"
    "  web: {subnet: vnet/web, privateIPAddress: 10.0.1.4}\n"
    "  own: {subnet: vnet/web, privateIPAddress: 10.0.1.5, publicIPAddress: own-ip}\n"
    "internet: {hosts: {example: {address: " HOST "}}}\n";

static const char *netns(const char *vm)
{
    static char names[4][96];
    static unsigned turn;
    char *name = names[turn++ % 4];

    (void)snprintf(name, sizeof(names[0]), "%s.%s", cli_lab(), vm);
    return name;
}

static void bulk_traffic_survives_translation(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", lab));
    assert_true(traffic_tcp(netns("vm-a"), netns("example"), HOST, 5001, BULK));
    assert_true(traffic_tcp_at(netns("example"), netns("own"), PUBLIC, 5001, "10.0.1.5", 5001, BULK));
    assert_true(traffic_tcp_at(netns("vm-a"), netns("web"), FRONTEND, 80, "10.0.1.4", 8080, BULK));
}

/* --- ports ----------------------------------------------------------------------------------------------------------------- */

#define SESSIONS    28000u /* of each VM; both together come near the 64512 ports of one address */
#define FIRST_PORT  1024u
#define REMOTE_PORT 9000u

struct opener {
    const char *address;
    unsigned cpu;
    int fd;
    unsigned failed;
};

static void *open_sessions(void *arg)
{
    struct opener *opener = arg;
    struct sockaddr_in to = { .sin_family = AF_INET };
    struct udphdr udp = { .dest = htons(REMOTE_PORT), .len = htons(sizeof(udp)) }; /* no checksum */
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(opener->cpu, &cpus);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
    (void)inet_pton(AF_INET, HOST, &to.sin_addr);
    for (unsigned i = 0; i < SESSIONS; i++) {
        udp.source = htons((uint16_t)(FIRST_PORT + i));
        opener->failed += sendto(opener->fd, &udp, sizeof(udp), 0, (struct sockaddr *)&to, sizeof(to)) < 0;
    }
    return NULL;
}

static unsigned users[0x10000]; /* sessions by port */

static int count_session(const struct vnl_flow_seen *flow, void *arg)
{
    if (flow->key.kind != VNL_FLOW_OUTER || flow->key.remote_port != REMOTE_PORT)
        return 0;
    users[flow->key.local_port]++;
    ++*(unsigned *)arg;
    return 0;
}

static void two_cpus_never_share_a_port(void **state)
{
    struct opener openers[2] = { { .address = "vm-a", .cpu = 0 }, { .address = "vm-b", .cpu = 1 } };
    CLEANUP(vnl_str_free) char *dir = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = NULL;
    pthread_t threads[2];
    unsigned sessions = 0;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", lab));
    for (unsigned i = 0; i < 2; i++) {
        openers[i].fd = traffic_socket(netns(openers[i].address), AF_INET, SOCK_RAW, IPPROTO_UDP);
        assert_true(openers[i].fd >= 0);
        assert_int_equal(pthread_create(&threads[i], NULL, open_sessions, &openers[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        close(openers[i].fd);
        assert_int_equal(openers[i].failed, 0);
    }
    dir = vnl_run_path(cli_lab(), "bpf");
    if (vnl_bpf_open(dir, &bpf, &err) < 0)
        fail_msg("%s", err->msg);
    vnl_bpf_flows(bpf, count_session, &sessions);
    print_message("%u sessions, dropped for want of a port: %ld and %ld\n", sessions,
                  cli_drops("vm-a", "SnatPorts"), cli_drops("vm-b", "SnatPorts"));
    for (unsigned port = 0; port < ARRAY_SIZE(users); port++)
        if (users[port] > 1)
            fail_msg("port %u has %u sessions to one destination", port, users[port]);
    assert_true(sessions > SESSIONS);
    assert_int_equal(sessions + cli_drops("vm-a", "SnatPorts") + cli_drops("vm-b", "SnatPorts"),
                     2 * SESSIONS);
}

/* --- policy changes, ports used again --------------------------------------------------------------------------------------- */

static const char moving[] =
    "name: %s\n"
    "vnets:\n"
    "  vnet:\n"
    "    addressSpace: [10.0.0.0/16]\n"
    "    subnets: {s: {addressPrefix: 10.0.0.0/24, WAY}, web: 10.0.1.0/24}\n"
    "publicIPAddresses: {nat-ip: {ipAddress: 198.51.100.1}, own-ip: {ipAddress: " PUBLIC "}}\n"
    "natGateways: {nat: {publicIpAddresses: [nat-ip]}}\n"
    "loadBalancers:\n"
    "  lb:\n"
    "    sku: Standard\n"
    "    frontendIPConfigurations: {fe: {subnet: vnet/s, privateIPAddress: " FRONTEND "}}\n"
    "    backendAddressPools: {pool: [a]}\n"
    "    loadBalancingRules: {http: {protocol: Tcp, frontendPort: 80, backendPort: 8080}}\n"
    "virtualMachines:\n"
    "  vm: {subnet: vnet/s, privateIPAddress: 10.0.0.4}\n"
    "  a: {subnet: vnet/web, privateIPAddress: 10.0.1.4, A}\n"
    "  b: {subnet: vnet/web, privateIPAddress: 10.0.1.5, B}\n"
    "internet: {hosts: {example: {address: " HOST "}}}\n";

static char *with(const char *text, const char *word, const char *by)
{
    const char *at = strstr(text, word);
    char *ret;

    assert_non_null(at);
    assert_true(asprintf(&ret, "%.*s%s%s", (int)(at - text), text, by, at + strlen(word)) > 0);
    return ret;
}

static void up_moving(const char *way, const char *a, const char *b)
{
    char *one = with(moving, "WAY", way), *two = with(one, ", A}", a), *three = with(two, ", B}", b);

    cli_ok("up %s", cli_file("lab.yaml", three));
    free(one);
    free(two);
    free(three);
}

#define OWN_IP ", publicIPAddress: own-ip}"

static int open_udp(const char *vm, uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct timeval second = { .tv_sec = 1 };
    int fd = traffic_socket(netns(vm), AF_INET, SOCK_DGRAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

/* The address under which the host sees what the VM sends; "none" when nothing comes. */
static const char *seen_as(int from, int host)
{
    static char text[INET_ADDRSTRLEN + 8];
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(REMOTE_PORT) }, got;
    socklen_t size = sizeof(got);
    char addr[INET_ADDRSTRLEN], byte;

    (void)inet_pton(AF_INET, HOST, &to.sin_addr);
    assert_int_equal(sendto(from, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    if (recvfrom(host, &byte, 1, 0, (struct sockaddr *)&got, &size) != 1)
        return "none";
    (void)snprintf(text, sizeof(text), "%s", inet_ntop(AF_INET, &got.sin_addr, addr, sizeof(addr)));
    return text;
}

static void addresses_end_with_their_configuration(void **state)
{
    int vm, a, b, host;

    (void)state;
    up_moving("natGateway: nat", OWN_IP, "}");
    host = open_udp("example", REMOTE_PORT);
    vm = open_udp("vm", 7003);
    a = open_udp("a", 7003);
    b = open_udp("b", 7003);
    assert_string_equal(seen_as(vm, host), "198.51.100.1");
    assert_string_equal(seen_as(a, host), PUBLIC);
    up_moving("natGateway: nat", "}", OWN_IP);
    assert_string_equal(seen_as(vm, host), "198.51.100.1");
    assert_string_equal(seen_as(b, host), PUBLIC);
    assert_string_not_equal(seen_as(a, host), PUBLIC);
    up_moving("defaultOutboundAccess: false", "}", "}");
    assert_string_equal(seen_as(vm, host), "none");
    assert_string_not_equal(seen_as(b, host), PUBLIC);
    assert_true(cli_drops("vm", "NoOutbound") > 0);
    close(vm);
    close(a);
    close(b);
    close(host);
}

/* A connection from the fixed port, closed by a reset so that the guest's own stack does not mind. */
static bool connect_from(const char *vm, uint16_t port, const char *address, uint16_t to_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(to_port) };
    struct linger reset = { .l_onoff = 1 };
    int fd = traffic_socket(netns(vm), AF_INET, SOCK_STREAM, 0), one = 1, timeout_ms = 900;
    bool connected;

    assert_true(fd >= 0);
    (void)inet_pton(AF_INET, address, &to.sin_addr);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    /* Without an answer to the first SYN it fails: those that are sent again come after a second. */
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    connected = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
    close(fd);
    return connected;
}

static int listen_at(const char *vm, uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = traffic_socket(netns(vm), AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 1024), 0);
    return fd;
}

static void one_port_again_and_again(void **state)
{
    static const struct {
        const char *vm, *address;
        uint16_t port;
    } to[] = { { "vm", HOST, 9001 }, { "vm", FRONTEND, 80 }, { "b", HOST, 9001 } };
    int host, web;

    (void)state;
    up_moving("natGateway: nat", "}", OWN_IP);
    host = listen_at("example", 9001);
    web = listen_at("a", 8080);
    for (size_t i = 0; i < ARRAY_SIZE(to); i++)
        for (int n = 0; n < 60; n++)
            if (!connect_from(to[i].vm, 7777, to[i].address, to[i].port))
                fail_msg("%s to %s: connection %d failed", to[i].vm, to[i].address, n);
    assert_int_equal(cli_drops("vm", "FlowTableFull") + cli_drops("b", "FlowTableFull"), 0);
    close(host);
    close(web);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(bulk_traffic_survives_translation, cli_down_all),
        cmocka_unit_test_teardown(two_cpus_never_share_a_port, cli_down_all),
        cmocka_unit_test_teardown(addresses_end_with_their_configuration, cli_down_all),
        cmocka_unit_test_teardown(one_port_again_and_again, cli_down_all),
    };

    return cmocka_run_group_tests_name("outside", tests, cli_setup, cli_teardown);
}
