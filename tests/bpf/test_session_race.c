/* Sessions opened by all CPUs at once, from two NICs that share an address with hardly more ports than there are sessions: no two of them
 * towards one destination have the same port. */
#include "sessions.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#define HOST    "203.0.113.80"
#define PORTS   512u
#define THREADS 2u
#define EACH    250u
#define ROUNDS  60u

static struct world_outside shared = {
    .n_outer = 1, .port_first = 1024, .n_ports = PORTS, .tcp_timeout_s = 240, .udp_timeout_s = 120
};

struct runner {
    pthread_t thread;
    struct port *port;
    pthread_barrier_t *start;
    uint32_t from;
    const char *src;
    unsigned cpu, round, lost;
};

static bool send_from(const struct runner *runner, uint16_t sport)
{
    struct __sk_buff ctx = { .ifindex = VNL_NIC_IFINDEX + runner->from };
    struct packet packet = {
        .from = runner->from, .src = runner->src, .dst = HOST, .proto = 17, .sport = sport, .dport = 53
    };
    struct frame frame;
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.data, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx),
                .ctx_out = &ctx, .ctx_size_out = sizeof(ctx), .repeat = 1);

    packet_build(&frame, &packet);
    opts.data_size_in = (uint32_t)frame.size;
    return bpf_prog_test_run_opts(vnl_bpf_prog_fd(runner->port->bpf), &opts) == 0 &&
           ctx.cb[VNL_CB_REASON] == VNL_DROP_NONE;
}

static void *run(void *arg)
{
    struct runner *runner = arg;
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(runner->cpu % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
    pthread_barrier_wait(runner->start);
    for (unsigned i = 0; i < EACH; i++)
        runner->lost += !send_from(runner, (uint16_t)(10000 + runner->round * EACH + i));
    return NULL;
}

/* Nobody may fail a test in a thread of his own. Returns how many packets did not pass. */
static unsigned race(struct port *port, unsigned round)
{
    struct runner runners[THREADS] = { { .from = WORLD_VM, .src = "10.0.0.4" },
                                       { .from = WORLD_NEIGHBOR, .src = "10.0.0.5" } };
    pthread_barrier_t start;
    unsigned lost = 0;

    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        runners[i].port = port;
        runners[i].start = &start;
        runners[i].cpu = i;
        runners[i].round = round;
        assert_int_equal(pthread_create(&runners[i].thread, NULL, run, &runners[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(runners[i].thread, NULL);
        lost += runners[i].lost;
    }
    pthread_barrier_destroy(&start);
    return lost;
}

static unsigned users[PORTS];

static int count_user(const struct vnl_flow_seen *flow, void *arg)
{
    if (flow->key.kind != VNL_FLOW_OUTER)
        return 0;
    if (flow->key.local_port < shared.port_first || flow->key.local_port >= shared.port_first + PORTS)
        return -ERANGE;
    users[flow->key.local_port - shared.port_first]++;
    ++*(unsigned *)arg;
    return 0;
}

static void no_two_sessions_share_a_port(void **state)
{
    struct port *port = *state;

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned lost, sessions = 0;

        forget_flows(port);
        memset(users, 0, sizeof(users));
        lost = race(port, round);
        assert_int_equal(vnl_bpf_flows(port->bpf, count_user, &sessions), 0);
        for (unsigned i = 0; i < PORTS; i++)
            if (users[i] > 1)
                fail_msg("round %u: port %u has %u sessions", round, shared.port_first + i, users[i]);
        assert_int_equal(sessions + lost, THREADS * EACH);
        assert_in_range(lost, 0, EACH / 50); /* who was second too often */
    }
}

static int setup(void **state)
{
    struct port *port;

    if (sessions_setup(state) < 0)
        return -1;
    port = *state;
    shared.outer[0] = world_addr("192.0.2.128");
    for (uint32_t i = WORLD_VM; i <= WORLD_NEIGHBOR; i++) {
        port->world.nics[i].flags |= VNL_NIC_HAS_SESSIONS;
        port->world.nics[i].outside = &shared;
    }
    world_add(&port->world.routes[WORLD_INTERNET],
              world_prefix("192.0.2.128/32", VNL_ROUTE_KIND_SESSION, 0, 0));
    port_publish(port, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_sessions_share_a_port),
    };

    return cmocka_run_group_tests_name("sessions opened by all CPUs at once", tests, setup, port_teardown);
}
