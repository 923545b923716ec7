/* Sessions over time: ports used again and again, tables that are full, and policy that changes under them (bpf/stands.h). */
#include "outside.h"

#include <time.h>

/* --- again and again from one port ------------------------------------------------------------------------------------ */

#define AGAIN 40

/* As fast as packets come; no time passes. Each connection is closed by both, or reset. */
static void connect_again(struct port *port, const char *src, const char *own)
{
    struct packet out = { .from = WORLD_VM, .src = src, .dst = HOST };
    struct packet in = { .from = WORLD_HOST, .src = HOST, .dst = own, .sport = 80 };

    for (int i = 0; i < AGAIN; i++) {
        out.flags = SYN;
        in.dport = port_of(port, out);
        in.flags = SYN | ACK;
        (void)port_of(port, in);
        out.flags = i & 1 ? RST : FIN | ACK;
        assert_int_equal(port_of(port, out), in.dport);
        in.flags = FIN | ACK;
        (void)port_of(port, in);
    }
}

static void a_port_may_be_used_again_at_once(void **state)
{
    struct port *port = *state;

    for (int groups = 0; groups < 2; groups++) {
        if (groups)
            port->world.nics[WORLD_VM].rules_nic = GROUP(false, 0, { .inbound = false, .allow = true });
        port_publish(port, 0);
        connect_again(port, "10.0.0.4", "192.0.2.128");
        connect_again(port, "10.0.0.44", "192.0.2.44");
        /* The inner one, and those of the outer ports, which keep a while; both of the public IP; the flows. */
        assert_in_range(live_flows(port), 4, AGAIN + 6);
        assert_in_range(vnl_bpf_flow_count(port->bpf, WORLD_VM), 4, AGAIN + 6);
        forget_flows(port);
    }
}

static unsigned of_kind[3];

static int count_kind(const struct vnl_flow_seen *flow, void *arg)
{
    (void)arg;
    of_kind[flow->key.kind]++;
    return 0;
}

/* Every bucket but one is full. */
static void fill_table(struct port *port)
{
    struct vnl_flow_bucket *buckets = port->bpf->table[VNL_BPF_FLOWS].addr;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    for (uint32_t i = VNL_FLOW_WAYS; i < port->bpf->size.flow_slots; i++)
        buckets[i / VNL_FLOW_WAYS].head[i % VNL_FLOW_WAYS] =
            (struct vnl_flow_head){ VNL_TICKS((uint64_t)now.tv_sec + 100), 1 };
}

static void no_half_of_a_session_remains(void **state)
{
    struct port *port = *state;
    unsigned dropped = 0;

    for (uint16_t i = 0; i < 2000; i++) {
        struct packet packet = { .from = WORLD_VM, .src = "10.0.0.44", .dst = HOST, .sport = 1000 + i };
        struct frame frame;

        if (i % 8 == 0) {
            forget_flows(port);
            fill_table(port);
        }
        packet_build(&frame, &packet);
        dropped += run_frame(port, WORLD_VM, &frame, NULL).reason == VNL_DROP_FLOW_TABLE_FULL;
        memset(of_kind, 0, sizeof(of_kind));
        vnl_bpf_flows(port->bpf, count_kind, NULL);
        if (of_kind[VNL_FLOW_INNER] != of_kind[VNL_FLOW_OUTER])
            fail_msg("packet %u: %u inner entries, %u outer ones", i, of_kind[VNL_FLOW_INNER],
                     of_kind[VNL_FLOW_OUTER]);
    }
    assert_in_range(dropped, 1, 2000);
    assert_string_equal(vnl_drop_text(VNL_DROP_FLOW_TABLE_FULL),
                        "the NIC has as many flows as it may have, or their place in the table is taken");
}

static void end_inner(struct port *port)
{
    struct vnl_flow_bucket *buckets = port->bpf->table[VNL_BPF_FLOWS].addr;

    for (uint32_t i = 0; i < port->bpf->size.flow_slots; i++)
        if (buckets[i / VNL_FLOW_WAYS].flow[i % VNL_FLOW_WAYS].key.kind == VNL_FLOW_INNER)
            buckets[i / VNL_FLOW_WAYS].head[i % VNL_FLOW_WAYS] = (struct vnl_flow_head){ 0 };
}

static void half_of_a_session_is_none(void **state)
{
    struct port *port = *state;
    uint16_t outer = port_of(port, (struct packet){ OUT });

    end_inner(port);
    DROPS(NO_SESSION, TRANSLATE, IN("192.0.2.128", outer), .flags = SYN | ACK);
    assert_int_equal(live_flows(port), 0);
}

/* --- policy changes --------------------------------------------------------------------------------------------------- */

static void sessions_survive_what_is_not_about_them(void **state)
{
    struct port *port = *state;
    uint16_t outer = port_of(port, (struct packet){ OUT });

    PASSES_AS(WORLD_HOST, "192.0.2.5:40000 > " HOST ":80", .from = WORLD_NEIGHBOR, .src = "10.0.0.5",
              .dst = HOST);
    for (int i = 0; i < 3; i++) {
        shared.tcp_timeout_s++;
        port->world.publics[1].flags ^= VNL_PUBLIC_CLOSED;
        port_publish(port, 0);
        PASSES_AS(WORLD_VM, HOST ":80 > 10.0.0.4:40000", IN("192.0.2.128", outer), .flags = SYN | ACK);
        PASSES_AS(WORLD_HOST, from_shared(outer, HOST ":80"), OUT, .flags = ACK);
        PASSES_AS(WORLD_NEIGHBOR, HOST ":80 > 10.0.0.5:40000", IN("192.0.2.5", 40000), .flags = SYN | ACK);
        PASSES_AS(WORLD_HOST, "192.0.2.5:40000 > " HOST ":80", .from = WORLD_NEIGHBOR, .src = "10.0.0.5",
                  .dst = HOST, .flags = ACK);
    }
    assert_int_equal(live_flows(port), 4);
}

static void a_shared_address_that_is_gone_is_not_used(void **state)
{
    struct port *port = *state;
    uint16_t outer = port_of(port, (struct packet){ OUT }), next;

    shared.port_first = 5000; /* of others are the old ones */
    port_publish(port, 0);
    DROPS(NO_SESSION, TRANSLATE, IN("192.0.2.128", outer), .flags = SYN | ACK);
    next = port_of(port, (struct packet){ OUT, .flags = ACK });
    assert_in_range(next, 5000, 5063);
    shared.port_first = 1024;
    shared.n_outer = 0;
    port_publish(port, 0);
    DROPS(NO_OUTBOUND, TRANSLATE, OUT, .flags = ACK);
    DROPS(NO_SESSION, TRANSLATE, IN("192.0.2.128", next), .flags = ACK);
    assert_int_equal(live_flows(port), 0);
}

static void a_dry_run_ends_no_session(void **state)
{
    struct port *port = *state;
    struct vnl_verdict got;
    struct frame frame;
    uint16_t outer = port_of(port, (struct packet){ OUT });

    shared.n_outer = 0;
    port_publish(port, 0);
    packet_build(&frame, &(struct packet){ OUT, .flags = ACK });
    assert_int_equal(
        vnl_bpf_what_if_as(port->bpf, VNL_WHAT_IF_NOW, WORLD_VM, frame.data, frame.size, false, &got, NULL),
        0);
    assert_int_equal(got.reason, VNL_DROP_NO_OUTBOUND);
    shared.n_outer = 1;
    port_publish(port, 0);
    PASSES_AS(WORLD_HOST, from_shared(outer, HOST ":80"), OUT, .flags = ACK);
}

/* To another NIC, and away. Both have a flow of the same ports. */
static void a_public_ip_moves(void **state)
{
    struct port *port = *state;
    struct world_public was = port->world.publics[0];

    PASSES_AS(WORLD_HOST, "192.0.2.44:40000 > " HOST ":80", OWN);
    port->world.publics[0].nic = WORLD_APPLIANCE;
    port->world.publics[0].inner = world_addr("10.0.0.6");
    port_publish(port, 0);
    PASSES_AS(WORLD_APPLIANCE, HOST ":80 > 10.0.0.6:40000", IN("192.0.2.44", 40000), .flags = SYN | ACK);
    assert_in_range(port_of(port, (struct packet){ OWN, .flags = ACK }), 1024, 1087);
    PASSES_AS(WORLD_HOST, "192.0.2.44:40000 > " HOST ":80", .from = WORLD_APPLIANCE, .src = "10.0.0.6",
              .dst = HOST, .flags = ACK);
    port->world.publics[0] = was;
    port_publish(port, 0);
    PASSES_AS(WORLD_HOST, "192.0.2.44:40001 > " HOST ":80", OWN, .sport = 40001);
    port->world.publics[0].inner = world_addr("10.0.0.4"); /* another address of the same NIC */
    port_publish(port, 0);
    assert_in_range(port_of(port, (struct packet){ OWN, .sport = 40001, .flags = ACK }), 1024, 1087);
    port->world.publics[0] = was;
}

static void errors_about_ended_sessions_are_not_translated(void **state)
{
    struct port *port = *state;
    struct frame sent, error;

    packet_build(&sent, &(struct packet){ OUT, .proto = 17 });
    run_frame(port, WORLD_VM, &sent, NULL);
    shared.n_outer = 0;
    port_publish(port, 0);
    packet_error(&error, WORLD_HOST, HOST, "192.0.2.128", &sent);
    assert_int_equal(run_frame(port, WORLD_HOST, &error, NULL).reason, VNL_DROP_NO_SESSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTSIDE_TEST(a_port_may_be_used_again_at_once),
        OUTSIDE_TEST(no_half_of_a_session_remains),
        OUTSIDE_TEST(half_of_a_session_is_none),
        OUTSIDE_TEST(sessions_survive_what_is_not_about_them),
        OUTSIDE_TEST(a_shared_address_that_is_gone_is_not_used),
        OUTSIDE_TEST(a_dry_run_ends_no_session),
        OUTSIDE_TEST(a_public_ip_moves),
        OUTSIDE_TEST(errors_about_ended_sessions_are_not_translated),
    };

    return cmocka_run_group_tests_name("sessions that end and go on", tests, outside_setup, port_teardown);
}
