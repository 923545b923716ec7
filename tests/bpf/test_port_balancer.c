/* Internal load balancers in the port program: as service and as next hop. */
#include "sessions.h"

#include "vnetlab/bpf.h"

#define FRONTEND "10.0.0.100"
#define BASIC    "10.0.0.101"
#define HEALTH   7

static struct world_balancer *balancer, *basic;

static struct world_rule rule(uint8_t proto, uint16_t frontend_port, uint16_t backend_port)
{
    return (struct world_rule){ .proto = proto,
                                .frontend_port = frontend_port,
                                .backend_port = backend_port,
                                .health = HEALTH,
                                .health_id = 99,
                                .backends = { WORLD_BACKEND, WORLD_BACKEND_TOO },
                                .n_backends = 2 };
}

static int setup(void **state)
{
    struct port *port;
    int r = sessions_setup(state);

    if (r < 0)
        return r;
    port = *state;
    balancer = world_balance(&port->world, 0, FRONTEND, 0);
    balancer->rules[0] = rule(6, 80, 8080);
    balancer->rules[1] = rule(17, 53, 53);
    balancer->rules[2] = rule(6, 443, 443);
    balancer->rules[2].floating = true;
    balancer->n_rules = 3;
    basic = world_balance(&port->world, 0, BASIC, VNL_BALANCER_BASIC);
    basic->rules[0] = rule(0, 0, 0);
    basic->rules[0].distribution = VNL_DISTRIBUTION_SOURCE_IP;
    basic->n_rules = 1;
    world_add(&port->world.routes[0], world_prefix("10.50.0.0/16", VNL_ROUTE_KIND_BALANCER, 0, 0));
    world_add(&port->world.routes[0], world_prefix("10.51.0.0/16", VNL_ROUTE_KIND_BALANCER, 0, 1));
    world_add(&port->world.routes[0],
              world_prefix("10.52.0.0/16", VNL_ROUTE_KIND_BALANCER, VNL_ROUTE_GLOBAL, 1));
    world_add(&port->world.routes[1], world_prefix("10.0.0.96/28", VNL_ROUTE_KIND_VNET, VNL_ROUTE_GLOBAL, 0));
    return 0;
}

static void set_alive(struct port *port, uint64_t alive)
{
    vnl_bpf_health_set(port->bpf, HEALTH, 99, alive);
}

static int fresh(void **state)
{
    struct port *port = *state;

    for (uint32_t i = 0; i < WORLD_SENDERS; i++) {
        group_free(&port->world.nics[i].rules_nic);
        port->world.nics[i].flags &= ~VNL_NIC_IP_FORWARDING;
    }
    port->world.nics[WORLD_APPLIANCE].flags |= VNL_NIC_IP_FORWARDING;
    balancer->rules[0].distribution = VNL_DISTRIBUTION_FIVE_TUPLE;
    port_publish(port, 0);
    forget_flows(port);
    set_alive(port, 3);
    return 0;
}

#define TO_SERVICE .from = WORLD_VM, .src = "10.0.0.4", .dst = FRONTEND

static uint32_t backend_of(struct port *port, struct packet packet)
{
    struct frame frame;
    struct vnl_verdict got;

    packet_build(&frame, &packet);
    got = run_frame(port, packet.from, &frame, NULL);
    assert_int_equal(got.reason, VNL_DROP_NONE);
    assert_true(frame_checksums_ok(&frame));
    assert_true(got.out_slot == WORLD_BACKEND || got.out_slot == WORLD_BACKEND_TOO);
    return got.out_slot;
}

static const char *const backend_addr[] = {
    [WORLD_BACKEND] = "10.0.0.21", [WORLD_BACKEND_TOO] = "10.0.0.22"
};

static const char *text_of(const char *format, uint32_t backend)
{
    static char text[80];

    snprintf(text, sizeof(text), format, backend_addr[backend]);
    return text;
}

static void a_service_has_its_own_address(void **state)
{
    struct port *port = *state;

    for (int i = 0; i < 2; i++) {
        uint8_t proto = i ? 17 : 0;
        uint16_t at = i ? 53 : 80, there = i ? 53 : 8080;
        uint32_t backend = backend_of(port, (struct packet){ TO_SERVICE, .dport = at, .proto = proto });

        PASSES_AS(backend, text_of(i ? "10.0.0.4:40000 > %s:53" : "10.0.0.4:40000 > %s:8080", backend),
                  TO_SERVICE, .dport = at, .proto = proto, .flags = ACK);
        PASSES_AS(WORLD_VM, i ? FRONTEND ":53 > 10.0.0.4:40000" : FRONTEND ":80 > 10.0.0.4:40000",
                  .from = backend, .src = backend_addr[backend], .dst = "10.0.0.4", .sport = there,
                  .dport = 40000, .proto = proto, .flags = SYN | ACK);
        /* What the backend sends of its own is not translated. */
        PASSES_AS(WORLD_VM, text_of(i ? "%s:53 > 10.0.0.4:40001" : "%s:8080 > 10.0.0.4:40001", backend),
                  .from = backend, .src = backend_addr[backend], .dst = "10.0.0.4", .sport = there,
                  .dport = 40001, .proto = proto);
    }
    assert_int_equal(live_flows(port), 4);
    DROPS(BALANCER_PORT, TRANSLATE, TO_SERVICE, .dport = 81);
    DROPS(BALANCER_PORT, TRANSLATE, TO_SERVICE, .dport = 80, .proto = 17);
    DROPS(BALANCER_PORT, TRANSLATE, TO_SERVICE, .proto = 1);
}

static void flows_are_spread_and_stay(void **state)
{
    struct port *port = *state;
    unsigned n[WORLD_NICS] = { 0 };
    uint32_t of[200];

    for (uint16_t i = 0; i < 200; i++)
        n[of[i] = backend_of(port, (struct packet){ TO_SERVICE, .sport = 1000 + i })]++;
    assert_in_range(n[WORLD_BACKEND], 60, 140);
    set_alive(port, 2);
    for (uint16_t i = 0; i < 200; i++)
        assert_int_equal(backend_of(port, (struct packet){ TO_SERVICE, .sport = 1000 + i, .flags = ACK }),
                         of[i]);
    for (uint16_t i = 0; i < 50; i++)
        assert_int_equal(backend_of(port, (struct packet){ TO_SERVICE, .sport = 2000 + i }),
                         WORLD_BACKEND_TOO);
    set_alive(port, 0);
    assert_int_equal(backend_of(port, (struct packet){ TO_SERVICE, .sport = 1000, .flags = ACK }), of[0]);
    DROPS(BALANCER_DOWN, TRANSLATE, TO_SERVICE, .sport = 3000);
    /* Word about a rule that is no more: all are alive. */
    vnl_bpf_health_set(port->bpf, HEALTH, 98, 0);
    (void)backend_of(port, (struct packet){ TO_SERVICE, .sport = 3000 });
}

static void by_source_alone(void **state)
{
    struct port *port = *state;
    uint32_t first;

    balancer->rules[0].distribution = VNL_DISTRIBUTION_SOURCE_IP;
    port_publish(port, 0);
    first = backend_of(port, (struct packet){ TO_SERVICE });
    for (uint16_t i = 0; i < 20; i++)
        assert_int_equal(backend_of(port, (struct packet){ TO_SERVICE, .sport = 1000 + i }), first);
}

static void a_backend_does_not_reach_itself(void **state)
{
    struct port *port = *state;

    set_alive(port, 1);
    DROPS(BALANCER_HAIRPIN, TRANSLATE, .from = WORLD_BACKEND, .src = "10.0.0.21", .dst = FRONTEND);
    PASSES_AS(WORLD_BACKEND, "10.0.0.22:40000 > 10.0.0.21:8080", .from = WORLD_BACKEND_TOO,
              .src = "10.0.0.22", .dst = FRONTEND);
}

static void a_floating_address_is_the_guests_own(void **state)
{
    struct port *port = *state;
    uint32_t backend = backend_of(port, (struct packet){ TO_SERVICE, .dport = 443 });

    PASSES_AS(backend, "10.0.0.4:40000 > " FRONTEND ":443", TO_SERVICE, .dport = 443);
    assert_int_equal(live_flows(port), 0);
}

static void a_basic_frontend_is_not_reached_from_another_region(void **state)
{
    struct port *port = *state;

    DROPS(BALANCER_GLOBAL, TRANSLATE, .from = WORLD_PEER, .src = "10.1.0.4", .dst = BASIC);
    DROPS(BALANCER_GLOBAL, TRANSLATE, .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.52.0.1");
    (void)backend_of(port, (struct packet){ .from = WORLD_PEER, .src = "10.1.0.4", .dst = FRONTEND });
    (void)backend_of(port, (struct packet){ .from = WORLD_VM, .src = "10.0.0.4", .dst = BASIC });
}

static void as_next_hop_nothing_is_translated(void **state)
{
    struct port *port = *state;
    struct packet through = { .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.51.0.1", .proto = 1 };
    uint32_t backend, to;

    set_alive(port, 1);
    DROPS(NOT_FORWARDING, DELIVER, .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.51.0.1");
    DROPS(BALANCER_HAIRPIN, TRANSLATE, .from = WORLD_BACKEND, .src = "10.0.0.21", .dst = "10.51.0.1");
    DROPS(BALANCER_PORT, TRANSLATE, .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.50.0.1", .dport = 81);
    set_alive(port, 3);
    port->world.nics[WORLD_BACKEND].flags |= VNL_NIC_IP_FORWARDING;
    port->world.nics[WORLD_BACKEND_TOO].flags |= VNL_NIC_IP_FORWARDING;
    port_publish(port, 0);
    backend = backend_of(port, through);
    PASSES_AS(backend, "10.0.0.4 > 10.51.0.1", .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.51.0.1",
              .proto = 1);
    to = backend_of(port, (struct packet){ .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.50.0.1" });
    PASSES_AS(to, "10.0.0.4:40000 > 10.50.0.1:80", .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.50.0.1");
    assert_int_equal(live_flows(port), 0);
}

/* The group of the backend sees the client and the backend's own address, that of the client the frontend. */
static void groups_see_both_sides(void **state)
{
    struct port *port = *state;

    set_alive(port, 1);
    port->world.nics[WORLD_BACKEND].rules_nic = GROUP(false, 0,
                                                      { .inbound = true,
                                                        .allow = true,
                                                        .proto = 6,
                                                        .src = "10.0.0.4/32",
                                                        .dst = "10.0.0.21/32",
                                                        .port = 8080 });
    port->world.nics[WORLD_VM].rules_nic =
        GROUP(false, 10, { .inbound = false, .allow = true, .dst = FRONTEND "/32", .port = 80 });
    port_publish(port, 0);
    for (int i = 0; i < 2; i++) {
        PASSES_AS(WORLD_BACKEND, "10.0.0.4:40000 > 10.0.0.21:8080", TO_SERVICE, .flags = i ? ACK : SYN);
        PASSES_AS(WORLD_VM, FRONTEND ":80 > 10.0.0.4:40000", .from = WORLD_BACKEND, .src = "10.0.0.21",
                  .dst = "10.0.0.4", .sport = 8080, .dport = 40000, .flags = i ? ACK : SYN | ACK);
    }
    assert_int_equal(live_flows(port), 4);
    pass_time(port, 301);
    DROPS(NSG_OUTBOUND, NSG_OUTBOUND, .from = WORLD_BACKEND, .src = "10.0.0.21", .dst = "10.0.0.4",
          .sport = 8080, .dport = 40000, .flags = ACK);
}

/* Direct server return: the answer comes from the frontend's address, and is nobody's but a backend's of a rule with that port. */
static void a_backend_answers_from_a_floating_address(void **state)
{
    struct port *port = *state;

#define FROM_FRONTEND(nic) .from = (nic), .src = FRONTEND, .dst = "10.0.0.4", .dport = 40000
    for (uint32_t backend = WORLD_BACKEND; backend <= WORLD_BACKEND_TOO; backend++) {
        PASSES_AS(WORLD_VM, FRONTEND ":443 > 10.0.0.4:40000", FROM_FRONTEND(backend), .sport = 443,
                  .flags = SYN | ACK);
        DROPS(SPOOFED_SOURCE, SOURCE, FROM_FRONTEND(backend), .sport = 80);
        DROPS(SPOOFED_SOURCE, SOURCE, FROM_FRONTEND(backend), .sport = 443, .proto = 17);
        DROPS(SPOOFED_SOURCE, SOURCE, FROM_FRONTEND(backend), .proto = 1);
        DROPS(SPOOFED_SOURCE, SOURCE, .from = backend, .src = "10.0.0.102", .dst = "10.0.0.4", .sport = 443);
    }
    DROPS(SPOOFED_SOURCE, SOURCE, FROM_FRONTEND(WORLD_NEIGHBOR), .sport = 443);
    DROPS(SPOOFED_SOURCE, SOURCE, FROM_FRONTEND(WORLD_BACKEND), .offset = 1480);
    PASSES_AS(WORLD_VM, FRONTEND ":443 > 10.0.0.4:40000", FROM_FRONTEND(WORLD_BACKEND), .sport = 443,
              .more = true);
    PASSES_AS(WORLD_VM, FRONTEND " > 10.0.0.4", FROM_FRONTEND(WORLD_BACKEND), .offset = 1480);
    balancer->rules[2].n_backends = 1;
    port_publish(port, 0);
    DROPS(SPOOFED_SOURCE, SOURCE, FROM_FRONTEND(WORLD_BACKEND_TOO), .sport = 443);
    balancer->rules[2].n_backends = 2;
}

/* Also over a peering that takes no forwarded traffic. */
static void who_answers_so_does_not_forward(void **state)
{
    struct port *port = *state;

    port->world.nics[WORLD_BACKEND].flags |= VNL_NIC_IP_FORWARDING;
    port_publish(port, 0);
    DROPS(FORWARDED_TRAFFIC, PEERING, .from = WORLD_BACKEND, .src = "192.168.0.1", .dst = "10.4.0.4",
          .sport = 443);
    PASSES_AS(WORLD_FORWARDED, FRONTEND ":443 > 10.4.0.4:80", .from = WORLD_BACKEND, .src = FRONTEND,
              .dst = "10.4.0.4", .sport = 443);
}

static void a_port_may_be_used_again_at_once(void **state)
{
    struct port *port = *state;

    for (int groups = 0; groups < 2; groups++) {
        if (groups)
            port->world.nics[WORLD_VM].rules_nic = GROUP(false, 0, { .inbound = false, .allow = true });
        port_publish(port, 0);
        for (int i = 0; i < 40; i++) {
            uint32_t backend = backend_of(port, (struct packet){ TO_SERVICE });

            PASSES_AS(WORLD_VM, FRONTEND ":80 > 10.0.0.4:40000", .from = backend,
                      .src = backend_addr[backend], .dst = "10.0.0.4", .sport = 8080, .dport = 40000,
                      .flags = SYN | ACK);
            PASSES_AS(backend, text_of("10.0.0.4:40000 > %s:8080", backend), TO_SERVICE,
                      .flags = i & 1 ? RST : FIN | ACK);
            PASSES_AS(WORLD_VM, FRONTEND ":80 > 10.0.0.4:40000", .from = backend,
                      .src = backend_addr[backend], .dst = "10.0.0.4", .sport = 8080, .dport = 40000,
                      .flags = FIN | ACK);
        }
        assert_int_equal(live_flows(port), 2 + groups);
        forget_flows(port);
    }
}

#define ANSWER(nic)                                                                                          \
    .from = (nic), .src = backend_addr[nic], .dst = "10.0.0.4", .sport = 8080, .dport = 40000, .flags = ACK

static void sessions_survive_what_is_not_about_them(void **state)
{
    struct port *port = *state;
    uint32_t backend = backend_of(port, (struct packet){ TO_SERVICE });

    for (int i = 0; i < 3; i++) {
        balancer->rules[0].distribution ^= VNL_DISTRIBUTION_SOURCE_IP;
        basic->n_rules ^= 1;
        port_publish(port, 0);
        set_alive(port, 1u << (backend == WORLD_BACKEND)); /* the other one */
        PASSES_AS(WORLD_VM, FRONTEND ":80 > 10.0.0.4:40000", ANSWER(backend));
        PASSES_AS(backend, text_of("10.0.0.4:40000 > %s:8080", backend), TO_SERVICE, .flags = ACK);
    }
    basic->n_rules = 1;
    assert_int_equal(live_flows(port), 2);
}

static void a_backend_that_is_none_any_more_loses_its_sessions(void **state)
{
    struct port *port = *state;
    struct world_rule was = balancer->rules[0];

    set_alive(port, 1);
    PASSES_AS(WORLD_BACKEND, "10.0.0.4:40000 > 10.0.0.21:8080", TO_SERVICE);
    balancer->rules[0].backends[0] = WORLD_BACKEND_TOO;
    balancer->rules[0].n_backends = 1;
    port_publish(port, 0);
    PASSES_AS(WORLD_VM, "10.0.0.21:8080 > 10.0.0.4:40000", ANSWER(WORLD_BACKEND));
    PASSES_AS(WORLD_BACKEND_TOO, "10.0.0.4:40000 > 10.0.0.22:8080", TO_SERVICE, .flags = ACK);
    balancer->rules[0].backend_port = 8081;
    port_publish(port, 0);
    PASSES_AS(WORLD_VM, "10.0.0.22:8080 > 10.0.0.4:40000", ANSWER(WORLD_BACKEND_TOO));
    PASSES_AS(WORLD_BACKEND_TOO, "10.0.0.4:40000 > 10.0.0.22:8081", TO_SERVICE, .flags = ACK);
    balancer->rules[0] = was;
}

static void a_balancer_that_is_gone_translates_nothing(void **state)
{
    struct port *port = *state;
    struct world_owner was = port->world.owners[port->world.n_owners - 2];

    set_alive(port, 1);
    PASSES_AS(WORLD_BACKEND, "10.0.0.4:40000 > 10.0.0.21:8080", TO_SERVICE);
    PASSES_AS(WORLD_VM, FRONTEND ":80 > 10.0.0.4:40000", ANSWER(WORLD_BACKEND));
    port->world.owners[port->world.n_owners - 2].nic = WORLD_NEIGHBOR;
    port->world.nics[WORLD_NEIGHBOR].addrs[port->world.nics[WORLD_NEIGHBOR].n_addrs++] = world_addr(FRONTEND);
    port_publish(port, 0);
    PASSES_AS(WORLD_VM, "10.0.0.21:8080 > 10.0.0.4:40000", ANSWER(WORLD_BACKEND));
    PASSES_AS(WORLD_NEIGHBOR, "10.0.0.4:40000 > " FRONTEND ":80", TO_SERVICE, .flags = ACK);
    port->world.owners[port->world.n_owners - 2] = was;
    port->world.nics[WORLD_NEIGHBOR].n_addrs--;
}

static void errors_are_translated(void **state)
{
    struct port *port = *state;
    struct frame sent, error;
    struct vnl_verdict got;

    set_alive(port, 1);
    packet_build(&sent, &(struct packet){ TO_SERVICE });
    run_frame(port, WORLD_VM, &sent, NULL);
    packet_error(&error, WORLD_BACKEND, "10.0.0.21", "10.0.0.4", &sent);
    got = run_frame(port, WORLD_BACKEND, &error, NULL);
    assert_out(__FILE__, __LINE__, &error, &got, WORLD_VM, FRONTEND " > 10.0.0.4");
    assert_string_equal(ip_text(&error, AT_L4 + 8), "10.0.0.4:40000 > " FRONTEND ":80");
    packet_build(&sent, &(struct packet){ .from = WORLD_BACKEND,
                                          .src = "10.0.0.21",
                                          .dst = "10.0.0.4",
                                          .sport = 8080,
                                          .dport = 40000,
                                          .flags = ACK });
    run_frame(port, WORLD_BACKEND, &sent, NULL);
    packet_error(&error, WORLD_VM, "10.0.0.4", FRONTEND, &sent);
    got = run_frame(port, WORLD_VM, &error, NULL);
    assert_out(__FILE__, __LINE__, &error, &got, WORLD_BACKEND, "10.0.0.4 > 10.0.0.21");
    assert_string_equal(ip_text(&error, AT_L4 + 8), "10.0.0.21:8080 > 10.0.0.4:40000");
}

#define BALANCER_TEST(name) cmocka_unit_test_setup_teardown(name, fresh, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BALANCER_TEST(a_service_has_its_own_address),
        BALANCER_TEST(flows_are_spread_and_stay),
        BALANCER_TEST(by_source_alone),
        BALANCER_TEST(a_backend_does_not_reach_itself),
        BALANCER_TEST(a_floating_address_is_the_guests_own),
        BALANCER_TEST(a_basic_frontend_is_not_reached_from_another_region),
        BALANCER_TEST(as_next_hop_nothing_is_translated),
        BALANCER_TEST(groups_see_both_sides),
        BALANCER_TEST(errors_are_translated),
        BALANCER_TEST(a_backend_answers_from_a_floating_address),
        BALANCER_TEST(who_answers_so_does_not_forward),
        BALANCER_TEST(a_port_may_be_used_again_at_once),
        BALANCER_TEST(sessions_survive_what_is_not_about_them),
        BALANCER_TEST(a_backend_that_is_none_any_more_loses_its_sessions),
        BALANCER_TEST(a_balancer_that_is_gone_translates_nothing),
    };

    return cmocka_run_group_tests_name("load balancers in the port program", tests, setup, port_teardown);
}
