/* The flow table under attack by all CPUs at once: threads run the program with packets whose flows want the same buckets, the same
 * expired places, or are the very same. Afterwards the table is counted entry by entry. */
#include "groups.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../dataplane/bpf_tables.h"
#include "vnetlab/drop.h"

#define THREADS    8
#define EACH       200
#define ROUNDS     30
#define FIRST_PORT 10000
#define PORTS      (2 * THREADS * EACH)

struct race {
    struct port *port;
    pthread_barrier_t start;
    uint16_t first;  /* source port */
    uint16_t stride; /* between the ports that two threads begin with; 0: all open the same flows */
    _Atomic unsigned lost;
};

struct runner {
    pthread_t thread;
    struct race *race;
    unsigned number;
};

static enum vnl_drop send_from(struct port *port, uint16_t sport)
{
    struct frame_spec spec = { .from = WORLD_VM,
                               .src = "10.0.0.4",
                               .dst = "10.1.0.4",
                               .proto = 17,
                               .sport = sport,
                               .dport = 53,
                               .payload = 16 };
    struct __sk_buff ctx = { .ifindex = VNL_NIC_IFINDEX + WORLD_VM };
    struct frame frame;
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.data, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx),
                .ctx_out = &ctx, .ctx_size_out = sizeof(ctx), .repeat = 1);

    frame_build(&frame, &spec);
    opts.data_size_in = (uint32_t)frame.size;
    if (bpf_prog_test_run_opts(vnl_bpf_prog_fd(port->bpf), &opts) < 0)
        return VNL_DROP_MAX;
    return ctx.cb[VNL_CB_REASON];
}

static void stay_on(unsigned cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *run(void *arg)
{
    const struct runner *runner = arg;
    struct race *race = runner->race;

    stay_on(runner->number % (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
    pthread_barrier_wait(&race->start);
    for (unsigned i = 0; i < EACH; i++) {
        unsigned sport = race->first + runner->number * race->stride + i;

        if (send_from(race->port, (uint16_t)sport) != VNL_DROP_NONE)
            race->lost++;
    }
    return NULL;
}

/* Nobody may fail a test in a thread of his own. */
static void race(struct port *port, uint16_t first, uint16_t stride)
{
    struct race race = { .port = port, .first = first, .stride = stride };
    struct runner runners[THREADS];

    assert_int_equal(pthread_barrier_init(&race.start, NULL, THREADS), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        runners[i] = (struct runner){ .race = &race, .number = i };
        assert_int_equal(pthread_create(&runners[i].thread, NULL, run, &runners[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(runners[i].thread, NULL);
    pthread_barrier_destroy(&race.start);
    assert_int_equal(race.lost, 0);
}

/* --- the table, entry by entry --------------------------------------------------------------------------------------- */

struct census {
    unsigned places; /* entries that are taken, live or not */
    unsigned live, busy;
    unsigned of_port[PORTS]; /* live ones */
};

static void take_census(struct port *port, struct census *ret)
{
    const struct vnl_flow_bucket *buckets = port->bpf->table[VNL_BPF_FLOWS].addr;
    uint32_t now = vnl_bpf_tick();

    *ret = (struct census){ 0 };
    for (uint32_t i = 0; i < port->bpf->size.flow_slots; i++) {
        const struct vnl_flow_head *head = &buckets[i / VNL_FLOW_WAYS].head[i % VNL_FLOW_WAYS];
        const struct vnl_flow *flow = &buckets[i / VNL_FLOW_WAYS].flow[i % VNL_FLOW_WAYS];

        ret->busy += !head->tag && head->expires;
        ret->places += head->tag != 0;
        if (!head->tag || (int32_t)(head->expires - now) < 0)
            continue;
        ret->live++;
        assert_in_range(flow->key.local_port, FIRST_PORT, FIRST_PORT + PORTS - 1);
        ret->of_port[flow->key.local_port - FIRST_PORT]++;
    }
}

/* The NIC's count and the sum of all are what is there. */
static void check_counts(struct port *port, const struct census *census)
{
    assert_int_equal(census->busy, 0);
    assert_int_equal(vnl_bpf_flow_count(port->bpf, WORLD_VM), census->places);
    assert_int_equal(vnl_bpf_nic_state_sum(port->bpf)->flows, census->places);
}

static void forget_all(struct port *port)
{
    memset(port->bpf->table[VNL_BPF_FLOWS].addr, 0, port->bpf->table[VNL_BPF_FLOWS].bytes);
    memset(port->bpf->table[VNL_BPF_NIC_STATES].addr, 0, port->bpf->table[VNL_BPF_NIC_STATES].bytes);
}

static void expire_all(struct port *port)
{
    struct vnl_flow_bucket *buckets = port->bpf->table[VNL_BPF_FLOWS].addr;

    for (uint32_t i = 0; i < port->bpf->size.flow_slots; i++) {
        struct vnl_flow_head *head = &buckets[i / VNL_FLOW_WAYS].head[i % VNL_FLOW_WAYS];

        head->expires -= head->tag ? VNL_TICKS(300) : 0;
    }
}

static void check_each_once(const struct census *census, unsigned first, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (census->of_port[first + i] != 1)
            fail_msg("the flow of port %u is there %u times", FIRST_PORT + first + i,
                     census->of_port[first + i]);
    }
    assert_int_equal(census->live, n);
}

/* --- tests ----------------------------------------------------------------------------------------------------------- */

static void flows_of_all_cpus_are_there_and_once(void **state)
{
    struct port *port = *state;
    struct census census;

    for (unsigned round = 0; round < ROUNDS; round++) {
        forget_all(port);
        race(port, FIRST_PORT, EACH);
        take_census(port, &census);
        check_each_once(&census, 0, THREADS * EACH);
        check_counts(port, &census);
        race(port, FIRST_PORT, EACH); /* all known: nothing is opened */
        take_census(port, &census);
        check_each_once(&census, 0, THREADS * EACH);
        check_counts(port, &census);
    }
}

static void expired_places_are_taken_once(void **state)
{
    struct port *port = *state;
    struct census census;

    forget_all(port);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned first = round % 2 * THREADS * EACH;

        expire_all(port);
        race(port, (uint16_t)(FIRST_PORT + first), EACH);
        take_census(port, &census);
        check_each_once(&census, first, THREADS * EACH);
        check_counts(port, &census);
    }
}

/* Two first packets at the same moment may make two entries, of which one is found and the other expires (bpf/flow.h). */
static void the_same_flow_from_all_cpus_is_known_afterwards(void **state)
{
    struct port *port = *state;
    struct census census, after;

    for (unsigned round = 0; round < ROUNDS; round++) {
        forget_all(port);
        race(port, FIRST_PORT, 0);
        take_census(port, &census);
        check_counts(port, &census);
        for (unsigned i = 0; i < EACH; i++)
            assert_in_range(census.of_port[i], 1, THREADS);
        race(port, FIRST_PORT, 0);
        take_census(port, &after);
        assert_int_equal(after.places, census.places);
        check_counts(port, &after);
    }
}

static int setup(void **state)
{
    char command[128];
    struct port *port;

    (void)snprintf(command, sizeof(command), "ip link add nic0 index %u type veth",
                   VNL_NIC_IFINDEX + WORLD_VM);
    if (unshare(CLONE_NEWNET) < 0 || system(command) != 0 || port_setup(state) < 0)
        return -1;
    port = *state;
    port->world.nics[WORLD_VM].rules_nic = GROUP(true, 0, { .inbound = false, .allow = true });
    port_publish(port, 1);
    return 0;
}

static int teardown(void **state)
{
    struct port *port = *state;

    group_free(&port->world.nics[WORLD_VM].rules_nic);
    return port_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_of_all_cpus_are_there_and_once),
        cmocka_unit_test(expired_places_are_taken_once),
        cmocka_unit_test(the_same_flow_from_all_cpus_is_known_afterwards),
    };

    return cmocka_run_group_tests_name("flows opened by all CPUs at once", tests, setup, teardown);
}
