/* The platform's port in the port program: what guests may ask, what answers, and what security groups have to say. */
#include "sessions.h"

#include <linux/pkt_cls.h>

#define DNS  "168.63.129.16"
#define IMDS "169.254.169.254"

static int setup(void **state)
{
    return sessions_setup(state);
}

static int fresh(void **state)
{
    struct port *port = *state;

    group_free(&port->world.nics[WORLD_VM].rules_nic);
    port_publish(port, 0);
    forget_flows(port);
    return 0;
}

static void use_group(struct port *port, struct vnl_plan_rules *group)
{
    group_free(&port->world.nics[WORLD_VM].rules_nic);
    port->world.nics[WORLD_VM].rules_nic = group;
    port_publish(port, 0);
}

#define ASK(to)      .from = WORLD_VM, .src = "10.0.0.4", .dst = (to)
#define ANSWER(src_) .from = VNL_OUT_PLATFORM, .src = (src_), .dst = "100.96.0.0", .dport = 40000

static void guests_ask_and_get_answers(void **state)
{
    struct port *port = *state;

    PASSES_AS(VNL_OUT_PLATFORM, "100.96.0.0:40000 > " DNS ":53", ASK(DNS), .dport = 53, .proto = 17);
    PASSES_AS(VNL_OUT_PLATFORM, "100.96.0.0:40000 > " DNS ":53", ASK(DNS), .dport = 53, .proto = 17,
              .no_checksum = true);
    PASSES_AS(VNL_OUT_PLATFORM, "100.96.0.0:40000 > " DNS ":53", ASK(DNS), .dport = 53);
    PASSES_AS(VNL_OUT_PLATFORM, "100.96.0.0:40000 > " IMDS ":80", ASK(IMDS));
    PASSES_AS(VNL_OUT_PLATFORM, "100.96.0.3:40000 > " IMDS ":80", .from = WORLD_PEER, .src = "10.1.0.4",
              .dst = IMDS);
    PASSES_AS(WORLD_VM, DNS ":53 > 10.0.0.4:40000", ANSWER(DNS), .sport = 53, .proto = 17);
    PASSES_AS(WORLD_VM, IMDS ":80 > 10.0.0.4:40000", ANSWER(IMDS), .sport = 80, .flags = SYN | ACK);
    PASSES_AS(WORLD_PEER, IMDS ":80 > 10.1.0.4:40000", .from = VNL_OUT_PLATFORM, .src = IMDS,
              .dst = "100.96.0.3", .sport = 80, .dport = 40000);
    assert_int_equal(live_flows(port), 0);
}

static void frames_carry_the_right_macs(void **state)
{
    struct port *port = *state;
    struct frame frame;
    uint8_t mac[6];
    int action;

    packet_build(&frame, &(struct packet){ ASK(DNS), .dport = 53 });
    run_frame(port, WORLD_VM, &frame, &action);
    assert_int_equal(action, TC_ACT_REDIRECT);
    assert_memory_equal(frame.data, ((uint8_t[])VNL_PLATFORM_MAC), 6);
    assert_memory_equal(frame.data + 6, ((uint8_t[])VNL_FABRIC_MAC), 6);
    packet_build(&frame, &(struct packet){ ANSWER(DNS), .sport = 53 });
    run_frame(port, VNL_OUT_PLATFORM, &frame, &action);
    assert_int_equal(action, TC_ACT_REDIRECT);
    frame_mac(WORLD_VM, mac);
    assert_memory_equal(frame.data, mac, 6);
}

static void what_nothing_answers(void **state)
{
    struct port *port = *state;

    DROPS(PLATFORM_ADDRESS, PROTOCOL, ASK(DNS), .dport = 80);
    DROPS(PLATFORM_ADDRESS, PROTOCOL, ASK(DNS), .dport = 54, .proto = 17);
    DROPS(PLATFORM_ADDRESS, PROTOCOL, ASK(DNS), .proto = 1);
    DROPS(PLATFORM_ADDRESS, PROTOCOL, ASK(IMDS), .dport = 443);
    DROPS(PLATFORM_ADDRESS, PROTOCOL, ASK(IMDS), .dport = 80, .proto = 17);
    DROPS(PLATFORM_ADDRESS, PROTOCOL, ASK(DNS), .dport = 53, .proto = 17, .more = true);
    DROPS(PLATFORM_ADDRESS, PROTOCOL, .from = WORLD_VM, .src = "10.0.0.44", .dst = DNS, .dport = 53);
    DROPS(PLATFORM_ADDRESS, PROTOCOL, .from = WORLD_APPLIANCE, .src = "10.0.0.4", .dst = DNS, .dport = 53);
    DROPS(PLATFORM_ADDRESS, PROTOCOL, .from = WORLD_HOST, .src = "203.0.113.80", .dst = DNS, .dport = 53);
}

static void what_the_platform_does_not_send(void **state)
{
    struct port *port = *state;

    DROPS(SPOOFED_SOURCE, SOURCE, .from = VNL_OUT_PLATFORM, .src = "10.0.0.5", .dst = "100.96.0.0");
    DROPS(PLATFORM_ADDRESS, SOURCE, ANSWER(IMDS), .sport = 81);
    DROPS(PLATFORM_ADDRESS, SOURCE, ANSWER(DNS), .sport = 54, .proto = 17);
    DROPS(NO_OWNER, SOURCE, .from = VNL_OUT_PLATFORM, .src = DNS, .dst = "10.0.0.4", .sport = 53);
    DROPS(NO_OWNER, SOURCE, .from = VNL_OUT_PLATFORM, .src = DNS, .dst = "100.96.0.7", .sport = 53);
    DROPS(NO_OWNER, SOURCE, .from = VNL_OUT_PLATFORM, .src = DNS, .dst = "100.96.255.255", .sport = 53);
}

static void groups_do_not_ask_about_it(void **state)
{
    struct port *port = *state;

    use_group(port, GROUP(false, 0, { .inbound = false }));
    PASSES_AS(VNL_OUT_PLATFORM, "100.96.0.0:40000 > " DNS ":53", ASK(DNS), .dport = 53, .proto = 17);
    PASSES_AS(WORLD_VM, DNS ":53 > 10.0.0.4:40000", ANSWER(DNS), .sport = 53, .proto = 17);
}

static void but_for_rules_that_name_its_tags(void **state)
{
    struct port *port = *state;
    struct vnl_plan_rules *group = GROUP(true, 0, { .inbound = false, .dst = "10.0.0.0/8" },
                                         { .inbound = false, .dst = DNS "/32", .port = 53 });

    group->rules[group->n_inbound + 1].destination.platform = true; /* AzurePlatformDNS */
    use_group(port, group);
    DROPS(NSG_OUTBOUND, NSG_OUTBOUND, ASK(DNS), .dport = 53, .proto = 17);
    PASSES_AS(VNL_OUT_PLATFORM, "100.96.0.0:40000 > " IMDS ":80", ASK(IMDS));
    assert_int_equal(vnl_bpf_rule_hits(port->bpf, 2), 1);
}

static void probes_are_subject_to_rules(void **state)
{
    struct port *port = *state;

#define PROBE                                                                                                \
    .from = VNL_OUT_PLATFORM, .src = DNS, .dst = "100.96.0.0", .sport = VNL_PROBE_PORT_MIN, .dport = 80
    PASSES_AS(WORLD_VM, DNS ":32768 > 10.0.0.4:80", PROBE);
    use_group(port, GROUP(false, 0, { .inbound = false }));
    DROPS(NSG_INBOUND, NSG_INBOUND, PROBE);
    use_group(port, GROUP(false, 0, { .inbound = true, .allow = true, .src = DNS "/32" }));
    PASSES_AS(WORLD_VM, DNS ":32768 > 10.0.0.4:80", PROBE);
    PASSES_AS(VNL_OUT_PLATFORM, "100.96.0.0:80 > " DNS ":32768", ASK(DNS), .sport = 80,
              .dport = VNL_PROBE_PORT_MIN, .flags = SYN | ACK);
    assert_int_equal(live_flows(port), 0);
}

static void dry_runs_know_the_platform(void **state)
{
    struct port *port = *state;
    struct vnl_verdict got;
    struct frame frame;

    packet_build(&frame, &(struct packet){ ASK(DNS), .dport = 53, .proto = 17 });
    assert_int_equal(vnl_bpf_what_if(port->bpf, WORLD_VM, frame.data, frame.size, false, &got, NULL), 0);
    assert_int_equal(got.reason, VNL_DROP_NONE);
    assert_int_equal(got.out_slot, VNL_OUT_PLATFORM);
    packet_build(&frame, &(struct packet){ PROBE });
    assert_int_equal(vnl_bpf_what_if(port->bpf, VNL_OUT_PLATFORM, frame.data, frame.size, false, &got, NULL),
                     0);
    assert_int_equal(got.reason, VNL_DROP_NONE);
    assert_int_equal(got.out_slot, WORLD_VM);
}

#define PLATFORM_TEST(name) cmocka_unit_test_setup_teardown(name, fresh, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLATFORM_TEST(guests_ask_and_get_answers),  PLATFORM_TEST(frames_carry_the_right_macs),
        PLATFORM_TEST(what_nothing_answers),        PLATFORM_TEST(what_the_platform_does_not_send),
        PLATFORM_TEST(groups_do_not_ask_about_it),  PLATFORM_TEST(but_for_rules_that_name_its_tags),
        PLATFORM_TEST(probes_are_subject_to_rules), PLATFORM_TEST(dry_runs_know_the_platform),
    };

    return cmocka_run_group_tests_name("the platform in the port program", tests, setup, port_teardown);
}
