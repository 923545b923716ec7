/* Health probes with real connections: a lab's platform namespace, in which the backends are played too, and the lab's tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../ctl/agent/loop.h"
#include "../../ctl/agent/prober.h"
#include "../../ctl/agent/view.h"
#include "../harness/leftovers.h"
#include "../harness/running.h"
#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"
#include "vnetlab/image.h"
#include "vnetlab/lab.h"
#include "vnetlab/layout.h"

#define LAB       "vnet va 10.0.0.0/16\nsubnet s 10.0.0.0/24\nvm a1 va/s\nvm a2 va/s\n"
#define PORT      8080
#define DEADLINE  8000
#define NOT_KNOWN UINT64_MAX

static struct leftovers *before;
static struct vnl_lab *lab;
static struct vnl_plan *plan;
static struct vnl_bpf *bpf;
static struct vnl_prober *prober;
static int epoll_fd = -1, home = -1;

/* Both VMs behind one rule, as a lab file's load balancer would have it. */
static struct vnl_plan_backend backends[2];
static struct vnl_plan_lb_rule rule;
static struct vnl_plan_balancer balancer = { .id = "ilb/frontend", .rules = &rule, .n_rules = 1 };
static struct vnl_plan balanced;

static int group_setup(void **state)
{
    (void)state;
    leftovers_isolate();
    before = leftovers_take();
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    leftovers_free(&before);
    return 0;
}

static void balance(bool http, uint32_t threshold)
{
    for (size_t i = 0; i < 2; i++)
        backends[i] = (struct vnl_plan_backend){ .nic = (uint32_t)i, .addr = plan->nics[i].addrs[0].addr };
    rule = (struct vnl_plan_lb_rule){
        .id = "ilb/loadBalancingRules/http",
        .name = "http",
        .proto = IPPROTO_TCP,
        .frontend_port = 80,
        .backend_port = 80,
        .health = 3,
        .backends = backends,
        .n_backends = 2,
        .probed = true,
        .probe = { .http = http, .port = PORT, .path = "/ok", .interval_s = 1, .threshold = threshold },
    };
    balanced = *plan;
    balanced.balancers = &balancer;
    balanced.n_balancers = 1;
}

static int setup(void **state)
{
    CLEANUP(vnl_str_free) char *dir = NULL;
    int netns = -1;

    (void)state;
    plan = running_plan(LAB, &lab);
    (void)running_converge(plan);
    (void)running_in(VNL_PLATFORM, "ip addr add %s/32 dev lo", inet_ntoa(vnl_view_addr(plan->nics[0].slot)));
    (void)running_in(VNL_PLATFORM, "ip addr add %s/32 dev lo", inet_ntoa(vnl_view_addr(plan->nics[1].slot)));
    dir = vnl_run_path(running_lab_name(), "bpf");
    assert_int_equal(vnl_bpf_open(dir, &bpf, NULL), 0);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(vnl_prober_new(epoll_fd, dir, &prober, NULL), 0);
    assert_int_equal(vnl_netns_open(running_lab_name(), VNL_PLATFORM, &netns, NULL), 0);
    assert_int_equal(vnl_netns_enter(netns, &home, NULL), 0);
    vnl_fd_close(&netns);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vnl_prober_free(&prober);
    vnl_netns_leave(&home);
    vnl_fd_close(&epoll_fd);
    vnl_bpf_close(&bpf);
    running_down();
    vnl_plan_free(&plan);
    vnl_lab_free(&lab);
    leftovers_assert_none(before);
    return 0;
}

static int listen_at(uint32_t slot)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons(PORT),
                                .sin_addr = vnl_view_addr(slot) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

/* An HTTP server that answers whoever is there, and remembers who asked for what. */
struct server {
    int fd;
    const char *status; /* NULL: accepts, and says nothing */
    char request[256];
    struct sockaddr_in from;
};

static void serve(struct server *server)
{
    socklen_t len = sizeof(server->from);
    int fd = accept4(server->fd, (struct sockaddr *)&server->from, &len, SOCK_CLOEXEC);
    struct timeval patience = { .tv_sec = 1 };
    ssize_t n;

    if (fd < 0)
        return;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (server->status) {
        /* The request comes with the prober's next turn. */
        for (int i = 0; i < 20 && recv(fd, server->request, 1, MSG_PEEK | MSG_DONTWAIT) != 1; i++)
            (void)vnl_loop_turn(epoll_fd, 10);
        n = recv(fd, server->request, sizeof(server->request) - 1, 0);
        server->request[n > 0 ? n : 0] = '\0';
        (void)dprintf(fd, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", server->status);
        (void)shutdown(fd, SHUT_WR);
        (void)vnl_loop_turn(epoll_fd, 100);
    }
    (void)close(fd);
}

static uint64_t alive(void)
{
    uint64_t mask = 0;

    return vnl_bpf_health(bpf, rule.health, vnl_health_id(&rule), &mask) ? mask : NOT_KNOWN;
}

/* Runs the prober until the tables say so. Returns how long that took. */
static int64_t run_until(uint64_t wanted, struct server *servers, size_t n)
{
    int64_t start = vnl_loop_now_ms();

    while (alive() != wanted) {
        int wait = vnl_prober_run(prober);

        assert_int_equal(vnl_loop_turn(epoll_fd, wait > 20 ? 20 : wait), 0);
        for (size_t i = 0; i < n; i++)
            serve(&servers[i]);
        if (vnl_loop_now_ms() - start > DEADLINE)
            fail_msg("alive is %llx, not %llx", (unsigned long long)alive(), (unsigned long long)wanted);
    }
    return vnl_loop_now_ms() - start;
}

static void a_backend_lives_while_its_port_is_open(void **state)
{
    CLEANUP(vnl_fd_close) int second = -1;
    int first;

    (void)state;
    balance(false, 1);
    assert_int_equal(vnl_prober_follow(prober, &balanced, NULL), 0);
    assert_true(alive() == NOT_KNOWN);
    first = listen_at(plan->nics[0].slot);
    (void)run_until(1, NULL, 0);
    second = listen_at(plan->nics[1].slot);
    (void)run_until(3, NULL, 0);
    (void)close(first);
    (void)run_until(2, NULL, 0);
}

/* Its server may be starting: alive for an interval, and from its first success on. */
static void a_backend_has_an_interval_to_start(void **state)
{
    CLEANUP(vnl_fd_close) int first = -1, second = -1;

    (void)state;
    balance(false, 3);
    rule.probe.interval_s = 2;
    first = listen_at(plan->nics[0].slot);
    assert_int_equal(vnl_prober_follow(prober, &balanced, NULL), 0);
    assert_in_range(run_until(1, NULL, 0), 1900, 3500);
    second = listen_at(plan->nics[1].slot);
    assert_in_range(run_until(3, NULL, 0), 0, 1000);
}

static void the_threshold_counts_probes(void **state)
{
    CLEANUP(vnl_fd_close) int first = -1, second = -1;

    (void)state;
    balance(false, 2);
    second = listen_at(plan->nics[1].slot);
    assert_int_equal(vnl_prober_follow(prober, &balanced, NULL), 0);
    (void)run_until(2, NULL, 0);
    first = listen_at(plan->nics[0].slot);
    (void)run_until(3, NULL, 0); /* both have succeeded now */
    vnl_fd_close(&second);
    assert_in_range(run_until(1, NULL, 0), 1000,
                    4000); /* the second probe without it, a second after the first */
    second = listen_at(plan->nics[1].slot);
    assert_in_range(run_until(3, NULL, 0), 1000, 4000);
}

static void http_wants_status_200(void **state)
{
    struct server servers[2] = { { .status = "200 OK" }, { .status = "503 Busy" } };

    (void)state;
    balance(true, 1);
    for (size_t i = 0; i < 2; i++)
        servers[i].fd = listen_at(plan->nics[i].slot);
    assert_int_equal(vnl_prober_follow(prober, &balanced, NULL), 0);
    (void)run_until(1, servers, 2);
    assert_non_null(strstr(servers[0].request, "GET /ok HTTP/1.1\r\nHost: 10.0.0.4:8080\r\n"));
    assert_int_equal(ntohl(servers[0].from.sin_addr.s_addr), VNL_PLATFORM_DNS);
    assert_in_range(ntohs(servers[0].from.sin_port), VNL_PROBE_PORT_MIN, 65535);
    servers[1].status = "200 OK";
    (void)run_until(3, servers, 2);
    servers[0].status = NULL; /* hangs up */
    (void)run_until(2, servers, 2);
    close(servers[0].fd);
    close(servers[1].fd);
}

/* New tables know nothing; the prober tells them what it knows. */
static void what_is_known_goes_over_to_the_next_plan(void **state)
{
    CLEANUP(vnl_fd_close) int first = -1;

    (void)state;
    balance(false, 1);
    first = listen_at(plan->nics[0].slot);
    assert_int_equal(vnl_prober_follow(prober, &balanced, NULL), 0);
    (void)run_until(1, NULL, 0);
    vnl_bpf_health_set(bpf, rule.health, 1, 0);
    assert_true(alive() == NOT_KNOWN);
    assert_int_equal(vnl_prober_follow(prober, &balanced, NULL), 0);
    assert_int_equal(alive(), 1);
    assert_int_equal(vnl_prober_follow(prober, plan, NULL), 0);
    assert_int_equal(vnl_prober_run(prober), -1); /* nothing to probe, nothing to wake up for */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_backend_lives_while_its_port_is_open, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backend_has_an_interval_to_start, setup, teardown),
        cmocka_unit_test_setup_teardown(the_threshold_counts_probes, setup, teardown),
        cmocka_unit_test_setup_teardown(http_wants_status_200, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_known_goes_over_to_the_next_plan, setup, teardown),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
