/* The internet side in the port program: who gets out and as what, what comes back, and what may come in. */
#include "outside.h"

/* --- out and back ---------------------------------------------------------------------------------------------------- */

static void a_shared_address_has_a_port_for_each_flow(void **state)
{
    struct port *port = *state;

    for (int proto = 6; proto <= 17; proto += 11) {
        uint8_t number = proto == 6 ? 0 : proto;
        uint16_t outer = port_of(port, (struct packet){ OUT, .proto = number }), other;

        assert_in_range(outer, 1024, 1087);
        PASSES_AS(WORLD_HOST, from_shared(outer, HOST ":80"), OUT, .proto = number, .flags = ACK);
        PASSES_AS(WORLD_VM, HOST ":80 > 10.0.0.4:40000", IN("192.0.2.128", outer), .proto = number,
                  .flags = SYN | ACK);
        other = port_of(port, (struct packet){ OUT, .proto = number, .sport = 40001 });
        assert_int_not_equal(outer, other);
        PASSES_AS(WORLD_VM, HOST ":80 > 10.0.0.4:40001", IN("192.0.2.128", other), .proto = number,
                  .flags = ACK);
        DROPS(NO_SESSION, TRANSLATE, IN("192.0.2.128", 1100), .proto = number);
        DROPS(NO_SESSION, TRANSLATE, .from = WORLD_HOST, .src = HOST, .dst = "192.0.2.128", .sport = 81,
              .dport = outer, .proto = number);
    }
    assert_int_equal(live_flows(port), 8);
    assert_int_equal(vnl_bpf_flow_count(port->bpf, WORLD_VM), 8);
}

static void udp_without_a_checksum_stays_so(void **state)
{
    struct port *port = *state;
    uint16_t outer;
    struct frame frame;

    packet_build(&frame, &(struct packet){ OUT, .proto = 17, .no_checksum = true });
    assert_int_equal(run_frame(port, WORLD_VM, &frame, NULL).reason, VNL_DROP_NONE);
    outer = frame_get16(&frame, AT_L4);
    assert_int_equal(frame_get16(&frame, AT_L4 + 6), 0);
    PASSES_AS(WORLD_VM, HOST ":80 > 10.0.0.4:40000", IN("192.0.2.128", outer), .proto = 17,
              .no_checksum = true);
}

static void fragments_follow_their_first(void **state)
{
    struct port *port = *state;

    DROPS(FRAGMENT, TRANSLATE, OUT, .proto = 17, .offset = 1480);
    (void)port_of(port, (struct packet){ OUT, .proto = 17, .more = true });
    PASSES_AS(WORLD_HOST, "192.0.2.128 > " HOST, OUT, .proto = 17, .offset = 1480);
}

static void all_ports_in_use(void **state)
{
    struct port *port = *state;
    bool seen[4] = { 0 };

    shared.n_ports = 4;
    port_publish(port, 0);
    for (uint16_t i = 0; i < 4; i++) {
        uint16_t outer = port_of(port, (struct packet){ OUT, .sport = 50000 + i });

        assert_in_range(outer, 1024, 1027);
        assert_false(seen[outer - 1024]);
        seen[outer - 1024] = true;
    }
    DROPS(SNAT_PORTS, TRANSLATE, OUT, .sport = 50004);
    DROPS(SNAT_PORTS, TRANSLATE, .from = WORLD_APPLIANCE, .src = "10.0.0.6", .dst = HOST);
    /* Another destination, another protocol: the same ports are free. */
    (void)port_of(port, (struct packet){ OUT, .sport = 50004, .dport = 81 });
    (void)port_of(port, (struct packet){ OUT, .sport = 50004, .proto = 17 });
    pass_time(port, 300);
    (void)port_of(port, (struct packet){ OUT, .sport = 50004 });
}

static void sessions_end_when_idle_and_when_closed(void **state)
{
    struct port *port = *state;
    uint16_t outer = port_of(port, (struct packet){ OUT });

    pass_time(port, 31); /* nobody answered */
    DROPS(NO_SESSION, TRANSLATE, IN("192.0.2.128", outer), .flags = SYN | ACK);
    outer = port_of(port, (struct packet){ OUT });
    PASSES_AS(WORLD_VM, HOST ":80 > 10.0.0.4:40000", IN("192.0.2.128", outer), .flags = SYN | ACK);
    pass_time(port, 200);
    PASSES_AS(WORLD_HOST, from_shared(outer, HOST ":80"), OUT, .flags = ACK); /* both entries live on */
    pass_time(port, 200);
    PASSES_AS(WORLD_VM, HOST ":80 > 10.0.0.4:40000", IN("192.0.2.128", outer), .flags = ACK);
    pass_time(port, 241);
    DROPS(NO_SESSION, TRANSLATE, IN("192.0.2.128", outer), .flags = ACK);
    outer = port_of(port, (struct packet){ OUT });
    PASSES_AS(WORLD_HOST, from_shared(outer, HOST ":80"), OUT, .flags = FIN | ACK);
    PASSES_AS(WORLD_VM, HOST ":80 > 10.0.0.4:40000", IN("192.0.2.128", outer), .flags = FIN | ACK);
    PASSES_AS(WORLD_HOST, from_shared(outer, HOST ":80"), OUT, .flags = ACK);
    pass_time(port, 5);
    DROPS(NO_SESSION, TRANSLATE, IN("192.0.2.128", outer), .flags = ACK);
    /* UDP has its own time. */
    outer = port_of(port, (struct packet){ OUT, .proto = 17 });
    pass_time(port, 121);
    DROPS(NO_SESSION, TRANSLATE, IN("192.0.2.128", outer), .proto = 17);
    assert_int_equal(live_flows(port), 0);
}

static void a_closed_connection_gives_its_ports_to_a_new_one(void **state)
{
    struct port *port = *state;
    uint16_t outer = port_of(port, (struct packet){ OUT }), next;

    PASSES_AS(WORLD_HOST, from_shared(outer, HOST ":80"), OUT, .flags = RST);
    next = port_of(port, (struct packet){ OUT });
    assert_int_not_equal(next, outer);
    PASSES_AS(WORLD_VM, HOST ":80 > 10.0.0.4:40000", IN("192.0.2.128", next), .flags = SYN | ACK);
    PASSES_AS(WORLD_HOST, from_shared(next, HOST ":80"), OUT, .flags = ACK);
}

/* --- who gets out ---------------------------------------------------------------------------------------------------- */

static void who_has_no_way_out(void **state)
{
    struct port *port = *state;

    DROPS(SNAT_PROTOCOL, TRANSLATE, OUT, .proto = 1);
    DROPS(SNAT_PROTOCOL, TRANSLATE, OUT, .proto = 50);
    DROPS(FOREIGN_TO_INTERNET, TRANSLATE, .from = WORLD_APPLIANCE, .src = "10.1.0.4", .dst = HOST);
    DROPS(NO_ROUTE, TRANSLATE, .from = WORLD_VM, .src = "10.0.0.4", .dst = "198.18.0.1");
    DROPS(NO_OWNER, ROUTE, .from = WORLD_VM, .src = "10.0.0.4", .dst = "203.0.113.81");
    shared.n_outer = 0;
    port->world.nics[WORLD_NEIGHBOR].outside = NULL;
    port_publish(port, 0);
    DROPS(NO_OUTBOUND, TRANSLATE, OUT);
    DROPS(NO_INTERNET, ROUTE, .from = WORLD_NEIGHBOR, .src = "10.0.0.5", .dst = HOST);
    PASSES_AS(WORLD_HOST, "192.0.2.44:40000 > " HOST ":80", .from = WORLD_VM, .src = "10.0.0.44",
              .dst = HOST);
}

static void a_public_ip_is_one_for_one(void **state)
{
    struct port *port = *state;

    PASSES_AS(WORLD_HOST, "192.0.2.44:40000 > " HOST ":80", OWN);
    PASSES_AS(WORLD_HOST, "192.0.2.44:40000 > " HOST ":80", OWN, .proto = 17);
    PASSES_AS(WORLD_HOST, "192.0.2.44 > " HOST, OWN, .proto = 1);
    PASSES_AS(WORLD_HOST, "192.0.2.44 > " HOST, OWN, .proto = 50);
    PASSES_AS(WORLD_VM, HOST " > 10.0.0.44", IN("192.0.2.44", 0), .proto = 1, .type = 255);
    PASSES_AS(WORLD_VM, HOST ":80 > 10.0.0.44:22", IN("192.0.2.44", 22));
    PASSES_AS(WORLD_HOST, "192.0.2.44:22 > " HOST ":80", OWN, .sport = 22, .dport = 80, .flags = SYN | ACK);
    PASSES_AS(WORLD_VM, HOST " > 10.0.0.44", IN("192.0.2.44", 0), .proto = 1);
}

static void a_nat_gateway_comes_before_the_public_ip(void **state)
{
    struct port *port = *state;

    shared.flags = VNL_OUTSIDE_GATEWAY;
    port_publish(port, 0);
    assert_in_range(port_of(port, (struct packet){ OWN }), 1024, 1087);
    PASSES_AS(WORLD_HOST, "192.0.2.44 > " HOST, OWN, .proto = 1);
    PASSES_AS(WORLD_VM, HOST ":80 > 10.0.0.44:22", IN("192.0.2.44", 22));
    PASSES_AS(WORLD_HOST, "192.0.2.44:22 > " HOST ":80", OWN, .sport = 22, .dport = 80, .flags = SYN | ACK);
}

/* --- who gets in ----------------------------------------------------------------------------------------------------- */

static void a_closed_public_ip_lets_answers_in(void **state)
{
    struct port *port = *state;

    DROPS(PUBLIC_CLOSED, TRANSLATE, IN("192.0.2.5", 40000), .flags = SYN | ACK);
    DROPS(PUBLIC_CLOSED, TRANSLATE, IN("192.0.2.5", 0), .proto = 1);
    PASSES_AS(WORLD_HOST, "192.0.2.5:40000 > " HOST ":80", .from = WORLD_NEIGHBOR, .src = "10.0.0.5",
              .dst = HOST);
    PASSES_AS(WORLD_NEIGHBOR, HOST ":80 > 10.0.0.5:40000", IN("192.0.2.5", 40000), .flags = SYN | ACK);
    DROPS(PUBLIC_CLOSED, TRANSLATE, IN("192.0.2.5", 40001));
}

static void between_public_ips_of_the_lab(void **state)
{
    struct port *port = *state;

    port->world.publics[1].flags = 0;
    port_publish(port, 0);
    PASSES_AS(WORLD_NEIGHBOR, "192.0.2.44:40000 > 10.0.0.5:80", .from = WORLD_VM, .src = "10.0.0.44",
              .dst = "192.0.2.5");
    PASSES_AS(WORLD_VM, "192.0.2.5:80 > 10.0.0.44:40000", .from = WORLD_NEIGHBOR, .src = "10.0.0.5",
              .dst = "192.0.2.44", .sport = 80, .dport = 40000, .flags = SYN | ACK);
    PASSES_AS(WORLD_NEIGHBOR, "192.0.2.44:40000 > 10.0.0.5:80", .from = WORLD_VM, .src = "10.0.0.44",
              .dst = "192.0.2.5", .flags = ACK);
    assert_int_equal(live_flows(port), 4);
}

/* The group sees private addresses, before and behind the translation. */
static void groups_see_private_addresses(void **state)
{
    struct port *port = *state;

    port->world.nics[WORLD_VM].rules_nic =
        GROUP(false, 0, { .inbound = true, .allow = true, .proto = 6, .dst = "10.0.0.44/32", .port = 22 },
              { .inbound = false, .allow = true, .src = "10.0.0.4/32" });
    port_publish(port, 0);
    PASSES_AS(WORLD_VM, HOST ":80 > 10.0.0.44:22", IN("192.0.2.44", 22));
    PASSES_AS(WORLD_HOST, "192.0.2.44:22 > " HOST ":80", OWN, .sport = 22, .dport = 80, .flags = SYN | ACK);
    DROPS(NSG_INBOUND, NSG_INBOUND, IN("192.0.2.44", 23));
    DROPS(NSG_OUTBOUND, NSG_OUTBOUND, OWN, .sport = 1);
    PASSES_AS(WORLD_VM, HOST ":80 > 10.0.0.4:40000", IN("192.0.2.128", port_of(port, (struct packet){ OUT })),
              .flags = SYN | ACK);
    /* A dropped packet leaves nothing behind: a flow and two entries of a session for each of both that passed. */
    assert_int_equal(live_flows(port), 6);
}

/* --- ICMP errors ----------------------------------------------------------------------------------------------------- */

static void assert_error(const char *file, int line, struct port *port, uint32_t from, struct frame *frame,
                         uint32_t out, const char *outer, const char *quoted)
{
    struct vnl_verdict got = run_frame(port, from, frame, NULL);

    assert_out(file, line, frame, &got, out, outer);
    if (strcmp(ip_text(frame, AT_L4 + 8), quoted) != 0)
        fail_msg("%s:%d: quotes %s; expected %s", file, line, ip_text(frame, AT_L4 + 8), quoted);
}
#define ERROR_IS(from, out, outer, quoted)                                                                   \
    assert_error(__FILE__, __LINE__, port, from, &error, out, outer, quoted)

static void path_errors_reach_the_guest(void **state)
{
    struct port *port = *state;
    struct frame sent, error;
    char text[64];

    port->world.nics[WORLD_VM].rules_nic = GROUP(false, 0, { .inbound = false, .allow = true });
    port_publish(port, 0);
    packet_build(&sent, &(struct packet){ OUT, .proto = 17 });
    run_frame(port, WORLD_VM, &sent, NULL);
    packet_error(&error, WORLD_HOST, HOST, "192.0.2.128", &sent);
    ERROR_IS(WORLD_HOST, WORLD_VM, HOST " > 10.0.0.4", "10.0.0.4:40000 > " HOST ":80");
    /* The other way: the guest complains about an answer. */
    snprintf(text, sizeof(text), HOST ":80 > 192.0.2.128:%u", frame_get16(&sent, AT_L4));
    packet_build(&sent, &(struct packet){ IN("10.0.0.4", 40000), .proto = 17 });
    packet_error(&error, WORLD_VM, "10.0.0.4", HOST, &sent);
    ERROR_IS(WORLD_VM, WORLD_HOST, "192.0.2.128 > " HOST, text);
    /* About nothing that was sent. */
    packet_build(&sent, &(struct packet){ .from = WORLD_VM, .src = "192.0.2.128", .dst = HOST, .sport = 1 });
    packet_error(&error, WORLD_HOST, HOST, "192.0.2.128", &sent);
    assert_int_equal(run_frame(port, WORLD_HOST, &error, NULL).reason, VNL_DROP_NO_SESSION);
}

/* --- dry runs -------------------------------------------------------------------------------------------------------- */

static enum vnl_drop what_if(struct port *port, enum vnl_what_if how, struct packet packet)
{
    struct vnl_verdict got;
    struct frame frame;

    packet_build(&frame, &packet);
    assert_int_equal(
        vnl_bpf_what_if_as(port->bpf, how, packet.from, frame.data, frame.size, false, &got, NULL), 0);
    return got.reason;
}

static void dry_runs_open_no_sessions(void **state)
{
    struct port *port = *state;
    struct packet answer = { IN("192.0.2.5", 40000), .flags = SYN | ACK };

    assert_int_equal(what_if(port, VNL_WHAT_IF_NOW, (struct packet){ OUT }), VNL_DROP_NONE);
    assert_int_equal(what_if(port, VNL_WHAT_IF_NEW, (struct packet){ OUT }), VNL_DROP_NONE);
    assert_int_equal(live_flows(port), 0);
    assert_int_equal(what_if(port, VNL_WHAT_IF_NOW, answer), VNL_DROP_PUBLIC_CLOSED);
    assert_int_equal(what_if(port, VNL_WHAT_IF_KNOWN, answer), VNL_DROP_NONE);
    PASSES_AS(WORLD_HOST, "192.0.2.5:40000 > " HOST ":80", .from = WORLD_NEIGHBOR, .src = "10.0.0.5",
              .dst = HOST);
    assert_int_equal(what_if(port, VNL_WHAT_IF_NOW, answer), VNL_DROP_NONE);
    assert_int_equal(what_if(port, VNL_WHAT_IF_NEW, answer), VNL_DROP_PUBLIC_CLOSED);
    assert_int_equal(live_flows(port), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTSIDE_TEST(a_shared_address_has_a_port_for_each_flow),
        OUTSIDE_TEST(udp_without_a_checksum_stays_so),
        OUTSIDE_TEST(fragments_follow_their_first),
        OUTSIDE_TEST(all_ports_in_use),
        OUTSIDE_TEST(sessions_end_when_idle_and_when_closed),
        OUTSIDE_TEST(a_closed_connection_gives_its_ports_to_a_new_one),
        OUTSIDE_TEST(who_has_no_way_out),
        OUTSIDE_TEST(a_public_ip_is_one_for_one),
        OUTSIDE_TEST(a_nat_gateway_comes_before_the_public_ip),
        OUTSIDE_TEST(a_closed_public_ip_lets_answers_in),
        OUTSIDE_TEST(between_public_ips_of_the_lab),
        OUTSIDE_TEST(groups_see_private_addresses),
        OUTSIDE_TEST(path_errors_reach_the_guest),
        OUTSIDE_TEST(dry_runs_open_no_sessions),
    };

    return cmocka_run_group_tests_name("the internet side of the port program", tests, outside_setup,
                                       port_teardown);
}
