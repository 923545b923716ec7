/* Active-active gateways in the port program: a route leads to a balancer without an address, whose backends are the two instances.
 *
 * VNet 0 is the hub with both instances in it; VNets 1 and 4 use them, the link of VNet 4 denies forwarded traffic. Behind the gateway is
 * 192.168.0.0/16. WORLD_BACKEND_TOO is an instance here. */
#include "sessions.h"

#include "vnetlab/bpf.h"

#define HEALTH 9
#define TWIN   WORLD_BACKEND_TOO

static const struct {
    uint32_t vnet;
    const char *cidr;
} through[] = {
    { 0, "192.168.0.0/16" },
    { 1, "192.168.0.0/16" },
    { 4, "192.168.0.0/16" },
    { 1, "10.4.0.0/16" }, /* a user's, to the other spoke */
};

static int setup(void **state)
{
    struct world_balancer *instances;
    struct port *port;
    int r = sessions_setup(state);

    if (r < 0)
        return r;
    port = *state;
    port->world.nics[TWIN].flags |= VNL_NIC_GATEWAY;
    instances = world_balance(&port->world, 0, "0.0.0.0", 0);
    port->world.n_owners--; /* nobody asks for it by an address */
    instances->rules[0] = (struct world_rule){ .floating = true,
                                               .health = HEALTH,
                                               .health_id = 77,
                                               .backends = { WORLD_GATEWAY, TWIN },
                                               .n_backends = 2 };
    instances->n_rules = 1;
    for (size_t i = 0; i < ARRAY_SIZE(through); i++)
        world_add(&port->world.routes[through[i].vnet],
                  world_prefix(through[i].cidr, VNL_ROUTE_KIND_BALANCER, 0, port->world.n_balancers - 1));
    return 0;
}

static void set_alive(struct port *port, uint64_t alive)
{
    vnl_bpf_health_set(port->bpf, HEALTH, 77, alive);
}

static struct world_prefix *last_route(struct port *port, uint32_t vnet)
{
    return &port->world.routes[vnet].rows[port->world.routes[vnet].n - 1];
}

static int fresh(void **state)
{
    struct port *port = *state;

    for (uint32_t i = 0; i < WORLD_SENDERS; i++)
        group_free(&port->world.nics[i].rules_nic);
    last_route(port, 4)->flags = 0;
    port_publish(port, 0);
    forget_flows(port);
    set_alive(port, 3);
    return 0;
}

#define TO_SITE(nic, addr) .from = (nic), .src = (addr), .dst = "192.168.0.10"

static uint32_t instance_of(struct port *port, struct packet packet)
{
    struct frame frame;
    struct vnl_verdict got;

    packet_build(&frame, &packet);
    got = run_frame(port, packet.from, &frame, NULL);
    assert_int_equal(got.reason, VNL_DROP_NONE);
    assert_true(got.out_slot == WORLD_GATEWAY || got.out_slot == TWIN);
    return got.out_slot;
}

/* Which instances 64 flows of each protocol take: bit 0 the first, bit 1 the second. */
static unsigned instances_of(struct port *port, uint32_t nic, const char *src)
{
    static const uint8_t protos[] = { 0, 17 };
    unsigned taken = 0;

    for (size_t i = 0; i < ARRAY_SIZE(protos); i++)
        for (uint16_t sport = 40000; sport < 40064; sport++)
            taken |= instance_of(port, (struct packet){ TO_SITE(nic, src), .sport = sport, .dport = 80,
                                                        .proto = protos[i] }) == TWIN
                         ? 2
                         : 1;
    return taken;
}

static void both_instances_get_flows(void **state)
{
    struct port *port = *state;
    uint32_t first;

    assert_int_equal(instances_of(port, WORLD_VM, "10.0.0.4"), 3);
    assert_int_equal(instances_of(port, WORLD_PEER, "10.1.0.4"), 3);
    first = instance_of(port, (struct packet){ TO_SITE(WORLD_VM, "10.0.0.4") });
    for (int i = 0; i < 3; i++) /* a flow stays, and nothing about it is changed */
        PASSES_AS(first, "10.0.0.4:40000 > 192.168.0.10:80", TO_SITE(WORLD_VM, "10.0.0.4"), .flags = ACK);
    (void)instance_of(port, (struct packet){ TO_SITE(WORLD_VM, "10.0.0.4"), .proto = 1 });
}

/* Also those that run: a gateway has no state of them. */
static void health_moves_flows(void **state)
{
    struct port *port = *state;

    port->world.nics[WORLD_VM].rules_nic =
        GROUP(false, 0, { .inbound = true, .allow = false }, { .inbound = false, .allow = true });
    port_publish(port, 0);
    set_alive(port, 1);
    assert_int_equal(instances_of(port, WORLD_VM, "10.0.0.4"), 1);
    set_alive(port, 2);
    assert_int_equal(instances_of(port, WORLD_VM, "10.0.0.4"), 2);
    PASSES_AS(TWIN, "10.0.0.4:40000 > 192.168.0.10:80", TO_SITE(WORLD_VM, "10.0.0.4"), .flags = ACK);
    /* The answer may come by the other one. */
    PASSES_AS(WORLD_VM, "192.168.0.10:80 > 10.0.0.4:40000", .from = WORLD_GATEWAY, .src = "192.168.0.10",
              .dst = "10.0.0.4", .sport = 80, .dport = 40000, .flags = SYN | ACK);
}

static void nobody_alive_is_a_drop_of_its_own(void **state)
{
    struct port *port = *state;

    set_alive(port, 0);
    DROPS(BALANCER_DOWN, TRANSLATE, TO_SITE(WORLD_VM, "10.0.0.4"));
    DROPS(BALANCER_DOWN, TRANSLATE, TO_SITE(WORLD_GATEWAY, "10.4.0.4"));
}

/* Word about the instances of another connection is none about these. */
static void word_of_another_balancer_does_not_count(void **state)
{
    struct port *port = *state;

    vnl_bpf_health_set(port->bpf, HEALTH, 78, 0);
    assert_int_equal(instances_of(port, WORLD_VM, "10.0.0.4"), 3);
}

/* What an instance has no tunnel for goes neither back to it nor to the other one. */
static void what_an_instance_relays_does_not_come_back(void **state)
{
    struct port *port = *state;

    for (uint64_t alive = 1; alive <= 3; alive++) {
        set_alive(port, alive);
        for (uint16_t sport = 40000; sport < 40008; sport++) {
            DROPS(ROUTING_LOOP, TRANSLATE, TO_SITE(WORLD_GATEWAY, "10.4.0.4"), .sport = sport);
            DROPS(ROUTING_LOOP, TRANSLATE, TO_SITE(TWIN, "10.4.0.4"), .sport = sport);
        }
    }
}

static void from_spoke_to_spoke(void **state)
{
    struct port *port = *state;
    uint32_t by =
        instance_of(port, (struct packet){ .from = WORLD_PEER, .src = "10.1.0.4", .dst = "10.4.0.4" });

    last_route(port, 4)->flags = VNL_ROUTE_DENY_FORWARDED;
    port_publish(port, 0);
    PASSES_AS(WORLD_FORWARDED, "10.1.0.4:40000 > 10.4.0.4:80", .from = by, .src = "10.1.0.4",
              .dst = "10.4.0.4");
}

static void spokes_need_access_to_the_hub(void **state)
{
    struct port *port = *state;

    last_route(port, 4)->flags = VNL_ROUTE_DENY_ACCESS_LOCAL;
    port_publish(port, 0);
    DROPS(PEERING_ACCESS, PEERING, TO_SITE(WORLD_FORWARDED, "10.4.0.4"));
    last_route(port, 4)->flags = VNL_ROUTE_DENY_ACCESS_REMOTE;
    port_publish(port, 0);
    DROPS(PEERING_ACCESS, PEERING, TO_SITE(WORLD_FORWARDED, "10.4.0.4"));
}

static void fragments_take_the_way_of_the_first(void **state)
{
    struct port *port = *state;

    for (uint16_t sport = 40000; sport < 40016; sport++) {
        uint32_t first = instance_of(port, (struct packet){ TO_SITE(WORLD_VM, "10.0.0.4"), .sport = sport,
                                                            .proto = 17, .more = true });

        assert_int_equal(
            instance_of(port, (struct packet){ TO_SITE(WORLD_VM, "10.0.0.4"), .proto = 17, .offset = 1480 }),
            first);
    }
}

#define INSTANCES_TEST(name) cmocka_unit_test_setup_teardown(name, fresh, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INSTANCES_TEST(both_instances_get_flows),
        INSTANCES_TEST(health_moves_flows),
        INSTANCES_TEST(nobody_alive_is_a_drop_of_its_own),
        INSTANCES_TEST(word_of_another_balancer_does_not_count),
        INSTANCES_TEST(what_an_instance_relays_does_not_come_back),
        INSTANCES_TEST(from_spoke_to_spoke),
        INSTANCES_TEST(spokes_need_access_to_the_hub),
        INSTANCES_TEST(fragments_take_the_way_of_the_first),
    };

    return cmocka_run_group_tests_name("instances of gateways in the port program", tests, setup,
                                       port_teardown);
}
