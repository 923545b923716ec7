/* Appliances as next hop in the port program: hub and spoke packet by packet (spec 4.10), loops, and packets that come late.
 *
 * VNet 0 is the hub, its WORLD_APPLIANCE the appliance; VNet 1 and VNet 4 are the spokes, each with a route to the other through it.
 * VNet 4's link denies forwarded traffic. */
#include "sessions.h"

#include <linux/pkt_cls.h>

static const struct {
    uint32_t vnet;
    const char *cidr;
} through[] = {
    { 1, "10.4.0.0/16" },  { 4, "10.1.0.0/16" }, { 1, "fd00:0:4::/48" },
    { 0, "10.60.0.0/16" }, { 0, "fd60::/48" },
};

static int setup(void **state)
{
    struct port *port;
    int r = sessions_setup(state);

    if (r < 0)
        return r;
    port = *state;
    for (size_t i = 0; i < ARRAY_SIZE(through); i++)
        world_add(&port->world.routes[through[i].vnet],
                  world_prefix(through[i].cidr, VNL_ROUTE_KIND_APPLIANCE, 0, WORLD_APPLIANCE));
    world_add(&port->world.routes[4], world_prefix("10.0.0.0/16", VNL_ROUTE_KIND_VNET, 0, 0));
    world_add(&port->world.routes[0], world_prefix("10.61.0.0/16", VNL_ROUTE_KIND_APPLIANCE, 0, WORLD_DEAD));
    world_add(&port->world.routes[0],
              world_prefix("10.62.0.0/16", VNL_ROUTE_KIND_GATEWAY, 0, VNL_ROUTE_NO_NIC));
    return 0;
}

static struct world_prefix *route(struct port *port, uint32_t vnet, const char *cidr)
{
    struct world_prefix wanted = world_prefix(cidr, 0, 0, 0);

    for (size_t i = 0; i < port->world.routes[vnet].n; i++) {
        struct world_prefix *row = &port->world.routes[vnet].rows[i];

        if (row->len == wanted.len && memcmp(&row->addr, &wanted.addr, sizeof(row->addr)) == 0)
            return row;
    }
    fail_msg("no route %s in VNet %u", cidr, vnet);
    return NULL;
}

static int fresh(void **state)
{
    struct port *port = *state;

    for (uint32_t i = 0; i < WORLD_SENDERS; i++)
        group_free(&port->world.nics[i].rules_nic);
    port->world.nics[WORLD_APPLIANCE].flags |= VNL_NIC_IP_FORWARDING;
    route(port, 0, "10.4.0.0/16")->flags = 0;
    route(port, 1, "10.4.0.0/16")->flags = 0;
    port_publish(port, 0);
    forget_flows(port);
    return 0;
}

#define SPOKE_1   .from = WORLD_PEER, .src = "10.1.0.4", .dst = "10.4.0.4"
#define APPLIANCE .from = WORLD_APPLIANCE, .src = "10.1.0.4", .dst = "10.4.0.4"
#define WAY       "10.1.0.4:40000 > 10.4.0.4:80"

static void from_spoke_to_spoke(void **state)
{
    struct port *port = *state;

    PASSES_AS(WORLD_APPLIANCE, WAY, SPOKE_1);
    PASSES_AS(WORLD_FORWARDED, WAY, APPLIANCE);
    PASSES_AS(WORLD_APPLIANCE, "10.4.0.4:80 > 10.1.0.4:40000", .from = WORLD_FORWARDED, .src = "10.4.0.4",
              .dst = "10.1.0.4", .sport = 80, .dport = 40000, .flags = SYN | ACK);
    PASSES_AS(WORLD_PEER, "10.4.0.4:80 > 10.1.0.4:40000", .from = WORLD_APPLIANCE, .src = "10.4.0.4",
              .dst = "10.1.0.4", .sport = 80, .dport = 40000, .flags = SYN | ACK);
}

/* Row 3: the first leg is not forwarded traffic, and needs access. */
static void the_first_peering(void **state)
{
    struct port *port = *state;
    struct world_prefix *row = route(port, 1, "10.4.0.0/16");

    row->flags = VNL_ROUTE_DENY_FORWARDED;
    port_publish(port, 0);
    PASSES_AS(WORLD_APPLIANCE, WAY, SPOKE_1);
    row->flags = VNL_ROUTE_DENY_ACCESS_LOCAL;
    port_publish(port, 0);
    DROPS(PEERING_ACCESS, PEERING, SPOKE_1);
    row->flags = VNL_ROUTE_DENY_ACCESS_REMOTE;
    port_publish(port, 0);
    DROPS(PEERING_ACCESS, PEERING, SPOKE_1);
}

/* Rows 5 and 7. */
static void the_appliance_must_be_allowed_to_forward(void **state)
{
    struct port *port = *state;

    port->world.nics[WORLD_APPLIANCE].flags &= ~VNL_NIC_IP_FORWARDING;
    port_publish(port, 0);
    DROPS(NOT_FORWARDING, DELIVER, SPOKE_1);
    DROPS(SPOOFED_SOURCE, SOURCE, APPLIANCE);
    PASSES_AS(WORLD_APPLIANCE, "10.1.0.4:40000 > 10.0.0.6:80", .from = WORLD_PEER, .src = "10.1.0.4",
              .dst = "10.0.0.6");
}

/* Row 9. With SNAT on the appliance nothing is forwarded traffic. */
static void the_second_peering(void **state)
{
    struct port *port = *state;

    route(port, 0, "10.4.0.0/16")->flags = VNL_ROUTE_DENY_FORWARDED;
    port_publish(port, 0);
    DROPS(FORWARDED_TRAFFIC, PEERING, APPLIANCE);
    PASSES_AS(WORLD_FORWARDED, "10.0.0.6:40000 > 10.4.0.4:80", .from = WORLD_APPLIANCE, .src = "10.0.0.6",
              .dst = "10.4.0.4");
}

static void loops_and_dead_ends(void **state)
{
    struct port *port = *state;
    struct frame frame;

    DROPS(ROUTING_LOOP, ROUTE, .from = WORLD_APPLIANCE, .src = "10.0.0.6", .dst = "10.60.0.1");
    DROPS(NO_OWNER, ROUTE, .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.61.0.1");
    DROPS(NO_GATEWAY, ROUTE, .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.62.0.1");
    frame_build(&frame, &(struct frame_spec){ .from = WORLD_APPLIANCE, .src = "fd00::6", .dst = "fd60::1" });
    assert_int_equal(run_frame(port, WORLD_APPLIANCE, &frame, NULL).reason, VNL_DROP_ROUTING_LOOP);
    frame_build(&frame, &(struct frame_spec){ .from = WORLD_VM, .src = "fd00::4", .dst = "fd60::1" });
    assert_int_equal(run_frame(port, WORLD_VM, &frame, NULL).out_slot, WORLD_APPLIANCE);
    frame_build(&frame,
                &(struct frame_spec){ .from = WORLD_PEER, .src = "fd00:0:1::4", .dst = "fd00:0:4::4" });
    assert_int_equal(run_frame(port, WORLD_PEER, &frame, NULL).out_slot, WORLD_APPLIANCE);
}

/* Time exceeded, from the appliance's own address, about a flow that the sender's group knows. */
static void the_appliance_is_a_hop_of_traceroute(void **state)
{
    struct port *port = *state;
    struct frame sent, error;
    struct vnl_verdict got;

    port->world.nics[WORLD_PEER].rules_nic = GROUP(false, 0, { .inbound = false, .allow = true });
    port->world.nics[WORLD_APPLIANCE].rules_nic = GROUP(false, 10, { .inbound = true, .allow = true });
    port_publish(port, 0);
    packet_build(&sent, &(struct packet){ SPOKE_1, .proto = 17 });
    assert_int_equal(run_frame(port, WORLD_PEER, &sent, NULL).out_slot, WORLD_APPLIANCE);
    packet_error(&error, WORLD_APPLIANCE, "10.0.0.6", "10.1.0.4", &sent);
    error.data[AT_L4] = 11;
    frame_fix(&error);
    got = run_frame(port, WORLD_APPLIANCE, &error, NULL);
    assert_out(__FILE__, __LINE__, &error, &got, WORLD_PEER, "10.0.0.6 > 10.1.0.4");
}

/* --- delays ---------------------------------------------------------------------------------------------------------- */

static int action_of(struct port *port, struct packet packet)
{
    struct frame frame;
    int action;

    packet_build(&frame, &packet);
    assert_int_equal(run_frame(port, packet.from, &frame, &action).reason, VNL_DROP_NONE);
    return action;
}

static uint64_t way_of(struct port *port)
{
    const struct vnl_flow_bucket *buckets = port->bpf->table[VNL_BPF_FLOWS].addr;

    for (uint32_t i = 0; i < port->bpf->size.flow_slots; i++) {
        const struct vnl_flow_bucket *bucket = &buckets[i / VNL_FLOW_WAYS];

        if (bucket->head[i % VNL_FLOW_WAYS].tag)
            return bucket->flow[i % VNL_FLOW_WAYS].way;
    }
    return 0;
}

/* Where a packet is redirected to, a test run does not tell; a flow remembers the way with its delay. */
static void a_flow_remembers_its_delay(void **state)
{
    struct port *port = *state;

    port->world.nics[WORLD_PEER].rules_nic = GROUP(false, 0, { .inbound = false, .allow = true });
    route(port, 1, "10.4.0.0/16")->flags = 3 << VNL_ROUTE_DELAY_SHIFT;
    port_publish(port, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(action_of(port, (struct packet){ SPOKE_1, .flags = i ? ACK : SYN }),
                         TC_ACT_REDIRECT);
        if (i)
            assert_int_equal((uint32_t)way_of(port), 3u << 24 | WORLD_APPLIANCE);
    }
}

static int delayed(struct port *port, struct frame *frame)
{
    struct __sk_buff ctx = { .ifindex = VNL_NIC_IFINDEX };
    uint8_t out[FRAME_MAX];
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data, .data_size_in = frame->size, .data_out = out,
                .data_size_out = sizeof(out), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 1);

    assert_int_equal(bpf_prog_test_run_opts(vnl_bpf_delayed_fd(port->bpf), &opts), 0);
    return (int)opts.retval;
}

/* By the MACs that ctl/model/settle.c gives to slots. */
static void what_comes_late_is_known_by_its_mac(void **state)
{
    static const struct {
        uint32_t slot;
        uint8_t mac[6];
    } nics[] = { { WORLD_VM, { 0x00, 0x0d, 0x3a, 0x18, 0xf3, 0xb7 } },
                 { WORLD_PEER, { 0x00, 0x0d, 0x3a, 0x9b, 0x9f, 0xea } } };
    struct port *port = *state;
    struct frame frame;

    for (size_t i = 0; i < ARRAY_SIZE(nics); i++) {
        uint8_t kept[6];

        memcpy(kept, port->world.nics[nics[i].slot].mac, 6);
        packet_build(&frame, &(struct packet){ SPOKE_1 });
        memcpy(frame.data, nics[i].mac, 6);
        assert_int_equal(delayed(port, &frame), TC_ACT_SHOT); /* another NIC has that slot */
        memcpy(port->world.nics[nics[i].slot].mac, nics[i].mac, 6);
        port_publish(port, 0);
        assert_int_equal(delayed(port, &frame), TC_ACT_REDIRECT);
        frame.data[0] ^= 2;
        assert_int_equal(delayed(port, &frame), TC_ACT_SHOT);
        memcpy(port->world.nics[nics[i].slot].mac, kept, 6);
    }
}

#define APPLIANCE_TEST(name) cmocka_unit_test_setup_teardown(name, fresh, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        APPLIANCE_TEST(from_spoke_to_spoke),
        APPLIANCE_TEST(the_first_peering),
        APPLIANCE_TEST(the_appliance_must_be_allowed_to_forward),
        APPLIANCE_TEST(the_second_peering),
        APPLIANCE_TEST(loops_and_dead_ends),
        APPLIANCE_TEST(the_appliance_is_a_hop_of_traceroute),
        APPLIANCE_TEST(a_flow_remembers_its_delay),
        APPLIANCE_TEST(what_comes_late_is_known_by_its_mac),
    };

    return cmocka_run_group_tests_name("appliances in the port program", tests, setup, port_teardown);
}
