/* Network security groups in the port program: sequences of packets as they would come from devices, so that flows are opened, followed
 * and closed. Time passes by making the flows older. */
#include "groups.h"

#include <arpa/inet.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../dataplane/bpf_tables.h"
#include "vnetlab/drop.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

/* --- packets --------------------------------------------------------------------------------------------------------- */

static struct vnl_verdict run_frame(struct port *port, uint32_t from, const struct frame *frame)
{
    uint8_t out[FRAME_MAX];
    struct __sk_buff ctx = { .ifindex = VNL_NIC_IFINDEX + from };
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data, .data_size_in = frame->size, .data_out = out,
                .data_size_out = sizeof(out), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .ctx_out = &ctx,
                .ctx_size_out = sizeof(ctx), .repeat = 1);
    int r = bpf_prog_test_run_opts(vnl_bpf_prog_fd(port->bpf), &opts);

    if (r < 0)
        fail_msg("test run on NIC %u: %s", from, strerror(-r));
    return (struct vnl_verdict){ .reason = ctx.cb[VNL_CB_REASON],
                                 .stage = ctx.cb[VNL_CB_STAGE],
                                 .slot = ctx.cb[VNL_CB_SLOT],
                                 .out_slot = ctx.cb[VNL_CB_OUT],
                                 .rule = ctx.cb[VNL_CB_RULE] };
}

static const char *const addr4[] = {
    [WORLD_VM] = "10.0.0.4", [WORLD_NEIGHBOR] = "10.0.0.5", [WORLD_PEER] = "10.1.0.4"
};
static const char *const addr6[] = {
    [WORLD_VM] = "fd00::4", [WORLD_NEIGHBOR] = "fd00::5", [WORLD_PEER] = "fd00:0:1::4"
};

struct sent {
    uint32_t from, to;
    uint8_t proto, flags, type; /* TCP flags; ICMP type */
    uint16_t sport, dport;
    uint16_t echo; /* identifier */
    bool v6, more;
    uint16_t offset, id;
};

static void sent_build(struct frame *frame, const struct sent *sent)
{
    size_t l4 = sent->v6 ? AT_L4_V6 : AT_L4;
    struct frame_spec spec = { .from = sent->from,
                               .src = (sent->v6 ? addr6 : addr4)[sent->from],
                               .dst = (sent->v6 ? addr6 : addr4)[sent->to],
                               .proto = sent->proto ? sent->proto : 6,
                               .sport = sent->sport,
                               .dport = sent->dport,
                               .icmp_type = sent->type,
                               .payload = 16,
                               .more = sent->more,
                               .offset = sent->offset };

    frame_build(frame, &spec);
    if (!sent->offset && spec.proto == 6)
        frame->data[l4 + 13] = sent->flags;
    if (!sent->offset && (spec.proto == 1 || spec.proto == 58)) {
        frame->data[l4] = sent->type; /* 0 is echo reply */
        frame_put16(frame, l4 + 4, sent->echo);
    }
    if (!sent->v6)
        frame_put16(frame, AT_IP + 4, sent->id);
    frame_fix(frame);
}

static void expect_at(struct port *port, const char *file, int line, struct sent sent, enum vnl_drop reason)
{
    struct frame frame;
    struct vnl_verdict got;

    sent_build(&frame, &sent);
    got = run_frame(port, sent.from, &frame);
    if (got.reason != reason)
        fail_msg("%s:%d: %s at stage %s of NIC %u; expected %s", file, line, vnl_drop_str(got.reason),
                 vnl_stage_str(got.stage), got.slot, vnl_drop_str(reason));
}
#define EXPECT(why, ...) expect_at(port, __FILE__, __LINE__, (struct sent){ __VA_ARGS__ }, VNL_DROP_##why)
#define FORTH            .from = WORLD_VM, .to = WORLD_NEIGHBOR, .sport = 40000, .dport = 80
#define BACK             .from = WORLD_NEIGHBOR, .to = WORLD_VM, .sport = 80, .dport = 40000

static void pass_time(struct port *port, uint32_t seconds)
{
    struct vnl_flow_bucket *buckets = port->bpf->table[VNL_BPF_FLOWS].addr;

    for (uint32_t i = 0; i < port->bpf->size.flow_slots; i++) {
        struct vnl_flow_head *head = &buckets[i / VNL_FLOW_WAYS].head[i % VNL_FLOW_WAYS];

        head->expires -= head->tag ? VNL_TICKS(seconds) : 0;
    }
}

static int count_flow(const struct vnl_flow_seen *flow, void *arg)
{
    (void)flow;
    ++*(unsigned *)arg;
    return 0;
}

static unsigned live_flows(struct port *port)
{
    unsigned n = 0;

    vnl_bpf_flows(port->bpf, count_flow, &n);
    return n;
}

/* Groups at both VMs of the subnet: out is whose outbound side is meant. NULL: none. */
static void use_groups(struct port *port, struct vnl_plan_rules *vm_nic, struct vnl_plan_rules *vm_subnet,
                       struct vnl_plan_rules *neighbor_nic, struct vnl_plan_rules *neighbor_subnet)
{
    struct world_nic *vm = &port->world.nics[WORLD_VM], *neighbor = &port->world.nics[WORLD_NEIGHBOR];

    group_free(&vm->rules_nic);
    group_free(&vm->rules_subnet);
    group_free(&neighbor->rules_nic);
    group_free(&neighbor->rules_subnet);
    vm->rules_nic = vm_nic;
    vm->rules_subnet = vm_subnet;
    neighbor->rules_nic = neighbor_nic;
    neighbor->rules_subnet = neighbor_subnet;
    port_publish(port, 0);
}

/* Every test begins without flows, on NICs that have had their groups from the start. */
static int fresh(void **state)
{
    struct port *port = *state;

    memset(port->bpf->table[VNL_BPF_FLOWS].addr, 0, port->bpf->table[VNL_BPF_FLOWS].bytes);
    memset(port->bpf->table[VNL_BPF_NIC_STATES].addr, 0, port->bpf->table[VNL_BPF_NIC_STATES].bytes);
    return 0;
}

static int no_groups(void **state)
{
    use_groups(*state, NULL, NULL, NULL, NULL);
    return 0;
}

static void no_pick_up(struct port *port)
{
    for (uint32_t i = 0; i < WORLD_NICS; i++)
        vnl_bpf_nic_state(port->bpf, i)->pick_up = 0;
}

#define IN_TCP(allow_, port_)                                                                                \
    {                                                                                                        \
        .inbound = true, .allow = (allow_), .proto = 6, .port = (port_)                                      \
    }
#define OUT_ALL(allow_)                                                                                      \
    {                                                                                                        \
        .inbound = false, .allow = (allow_)                                                                  \
    }

/* Neighbor: lets in TCP port 80, nothing else, and nothing out. VM: lets nothing in, everything out. */
static void use_client_and_server(struct port *port)
{
    use_groups(port, GROUP(false, 0, OUT_ALL(true)), NULL, GROUP(false, 10, IN_TCP(true, 80)), NULL);
    no_pick_up(port);
}

/* --- TCP ------------------------------------------------------------------------------------------------------------- */

static void a_connection_passes_by_its_first_packet(void **state)
{
    struct port *port = *state;

    use_client_and_server(port);
    for (int v6 = 0; v6 < 2; v6++) {
        EXPECT(NSG_OUTBOUND, BACK, .flags = SYN | ACK, .v6 = v6);
        EXPECT(NONE, FORTH, .flags = SYN, .v6 = v6);
        EXPECT(NONE, BACK, .flags = SYN | ACK, .v6 = v6);
        EXPECT(NONE, FORTH, .flags = ACK, .v6 = v6);
        EXPECT(NONE, BACK, .flags = ACK, .v6 = v6);
        EXPECT(NSG_INBOUND, .from = WORLD_VM, .to = WORLD_NEIGHBOR, .sport = 40000, .dport = 81, .flags = SYN,
               .v6 = v6);
        EXPECT(NSG_OUTBOUND, .from = WORLD_NEIGHBOR, .to = WORLD_VM, .sport = 80, .dport = 40001,
               .flags = ACK, .v6 = v6);
    }
    assert_int_equal(live_flows(port), 4);
    assert_int_equal(vnl_bpf_flow_count(port->bpf, WORLD_VM), 2);
    assert_int_equal(vnl_bpf_flow_count(port->bpf, WORLD_NEIGHBOR), 2);
}

static void strays_open_nothing(void **state)
{
    struct port *port = *state;
    static const uint8_t strays[] = {
        ACK, RST, RST | ACK, FIN, FIN | ACK, SYN | ACK, SYN | FIN, SYN | RST, 0
    };

    use_client_and_server(port);
    for (size_t i = 0; i < sizeof(strays); i++) {
        EXPECT(FLOW_STATE, FORTH, .flags = strays[i]);
        EXPECT(NSG_OUTBOUND, BACK, .flags = ACK);
    }
    assert_int_equal(live_flows(port), 0);
}

static void a_closed_connection_ends_soon(void **state)
{
    struct port *port = *state;

    use_client_and_server(port);
    for (int reset = 0; reset < 2; reset++) {
        EXPECT(NONE, FORTH, .flags = SYN);
        EXPECT(NONE, BACK, .flags = SYN | ACK);
        if (reset) {
            EXPECT(NONE, BACK, .flags = RST);
        } else {
            EXPECT(NONE, FORTH, .flags = FIN | ACK);
            pass_time(port, 100); /* half closed is open */
            EXPECT(NONE, BACK, .flags = ACK);
            EXPECT(NONE, BACK, .flags = FIN | ACK);
        }
        EXPECT(NONE, FORTH, .flags = ACK); /* retransmitted */
        pass_time(port, VNL_FLOW_CLOSED_S + 1);
        EXPECT(FLOW_STATE, FORTH, .flags = ACK);
        assert_int_equal(live_flows(port), 0);
    }
}

static void ports_of_a_closed_connection_are_judged_anew(void **state)
{
    struct port *port = *state;

    use_client_and_server(port);
    EXPECT(NONE, FORTH, .flags = SYN);
    EXPECT(NONE, BACK, .flags = RST | ACK);
    EXPECT(NONE, FORTH, .flags = SYN);
    EXPECT(NONE, BACK, .flags = SYN | ACK);
    assert_int_equal(live_flows(port), 2);
    EXPECT(NONE, BACK, .flags = RST | ACK);
    use_groups(port, GROUP(false, 0, OUT_ALL(false)), NULL, NULL, NULL);
    no_pick_up(port);
    EXPECT(NONE, FORTH, .flags = ACK);
    EXPECT(NSG_OUTBOUND, FORTH, .flags = SYN);
}

static void an_unanswered_syn_ends_sooner_than_an_idle_connection(void **state)
{
    struct port *port = *state;

    use_client_and_server(port);
    EXPECT(NONE, FORTH, .flags = SYN);
    pass_time(port, VNL_FLOW_UNANSWERED_S + 1);
    EXPECT(NSG_OUTBOUND, BACK, .flags = SYN | ACK);
    EXPECT(NONE, FORTH, .flags = SYN);
    EXPECT(NONE, BACK, .flags = SYN | ACK);
    pass_time(port, 230);
    EXPECT(NONE, FORTH, .flags = ACK);
    pass_time(port, 230);
    EXPECT(NONE, BACK, .flags = ACK);
    pass_time(port, 241);
    EXPECT(NSG_OUTBOUND, BACK, .flags = ACK);
    EXPECT(FLOW_STATE, FORTH, .flags = ACK);
}

static void established_flows_survive_rule_changes(void **state)
{
    struct port *port = *state;

    use_client_and_server(port);
    EXPECT(NONE, FORTH, .flags = SYN);
    EXPECT(NONE, BACK, .flags = SYN | ACK);
    use_groups(port, GROUP(false, 0, OUT_ALL(false)), NULL, GROUP(false, 10, OUT_ALL(false)), NULL);
    no_pick_up(port);
    EXPECT(NONE, FORTH, .flags = ACK);
    EXPECT(NONE, BACK, .flags = ACK);
    EXPECT(NSG_OUTBOUND, .from = WORLD_VM, .to = WORLD_NEIGHBOR, .sport = 40001, .dport = 80, .flags = SYN);
}

static void a_connection_older_than_the_group_is_picked_up(void **state)
{
    struct port *port = *state;

    use_groups(port, NULL, NULL, NULL, NULL);
    EXPECT(NONE, BACK, .flags = ACK);
    use_groups(port, GROUP(false, 0, OUT_ALL(true)), NULL, NULL, NULL);
    EXPECT(NSG_INBOUND, BACK, .flags = ACK); /* what the rules deny does not begin in the middle either */
    EXPECT(FLOW_STATE, FORTH, .flags = RST);
    EXPECT(NONE, FORTH, .flags = ACK);
    EXPECT(NONE, BACK, .flags = ACK);
    vnl_bpf_nic_state(port->bpf, WORLD_VM)->pick_up = vnl_bpf_tick() - 2;
    EXPECT(NONE, FORTH, .flags = ACK);
    EXPECT(FLOW_STATE, .from = WORLD_VM, .to = WORLD_NEIGHBOR, .sport = 40001, .dport = 80, .flags = ACK);
}

/* --- other protocols ------------------------------------------------------------------------------------------------- */

static void udp_esp_and_ah_flows_need_no_beginning(void **state)
{
    struct port *port = *state;
    static const uint8_t protos[] = { 17, 50, 51 };

    use_groups(port, GROUP(false, 0, OUT_ALL(true)), NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof(protos); i++) {
        EXPECT(NSG_INBOUND, BACK, .proto = protos[i]);
        EXPECT(NONE, FORTH, .proto = protos[i]);
        EXPECT(NONE, BACK, .proto = protos[i]);
        pass_time(port, 241);
        EXPECT(NSG_INBOUND, BACK, .proto = protos[i]);
    }
}

static void echo_is_known_by_its_identifier(void **state)
{
    struct port *port = *state;

    use_groups(port, GROUP(false, 0, OUT_ALL(true)), NULL, NULL, NULL);
    for (int v6 = 0; v6 < 2; v6++) {
        uint8_t proto = v6 ? 58 : 1, request = v6 ? 128 : 8, reply = v6 ? 129 : 0;

        EXPECT(NSG_INBOUND, BACK, .proto = proto, .type = reply, .echo = 7, .v6 = v6);
        EXPECT(NONE, FORTH, .proto = proto, .type = request, .echo = 7, .v6 = v6);
        EXPECT(NONE, BACK, .proto = proto, .type = reply, .echo = 7, .v6 = v6);
        EXPECT(NSG_INBOUND, BACK, .proto = proto, .type = reply, .echo = 8, .v6 = v6);
        EXPECT(NONE, FORTH, .proto = proto, .type = reply, .echo = 9, .v6 = v6); /* opens nothing */
        EXPECT(NSG_INBOUND, BACK, .proto = proto, .type = reply, .echo = 9, .v6 = v6);
    }
}

#define PING(from_, to_, type4, type6, v6_)                                                                  \
    .from = (from_), .to = (to_), .proto = (v6_) ? 58 : 1, .type = (v6_) ? (type6) : (type4), .v6 = (v6_)
#define REQUEST(from_, to_, v6_) PING(from_, to_, 8, 128, v6_)
#define REPLY(from_, to_, v6_)   PING(from_, to_, 0, 129, v6_)

/* Who asks is part of the flow: the same identifier in the other direction is another one, at either end. */
static void echo_is_known_by_who_asks(void **state)
{
    struct port *port = *state;

    use_groups(port, GROUP(false, 0, OUT_ALL(true)), NULL,
               GROUP(false, 10, { .inbound = true, .allow = true }), NULL);
    for (int v6 = 0; v6 < 2; v6++) {
        for (uint16_t id = 0; id < 2; id++) {
            EXPECT(NONE, REQUEST(WORLD_VM, WORLD_NEIGHBOR, v6), .echo = id);
            EXPECT(NSG_OUTBOUND, REQUEST(WORLD_NEIGHBOR, WORLD_VM, v6), .echo = id);
            EXPECT(NONE, REPLY(WORLD_NEIGHBOR, WORLD_VM, v6), .echo = id);
            EXPECT(NONE, REQUEST(WORLD_VM, WORLD_NEIGHBOR, v6), .echo = id);
            EXPECT(NSG_OUTBOUND, PING(WORLD_NEIGHBOR, WORLD_VM, 13, 200, v6), .echo = id); /* no echo */
        }
    }
    assert_int_equal(live_flows(port), 8);
    use_groups(port, GROUP(false, 0, OUT_ALL(true)), NULL, NULL, NULL);
    for (int v6 = 0; v6 < 2; v6++) {
        EXPECT(NSG_INBOUND, REQUEST(WORLD_NEIGHBOR, WORLD_VM, v6), .echo = 1);
        EXPECT(NONE, REPLY(WORLD_NEIGHBOR, WORLD_VM, v6), .echo = 1);
    }
    use_groups(port, GROUP(true, 0, OUT_ALL(true)), NULL, NULL, NULL); /* both may ask, and are two flows */
    for (int v6 = 0; v6 < 2; v6++) {
        EXPECT(NONE, REQUEST(WORLD_NEIGHBOR, WORLD_VM, v6), .echo = 1);
        EXPECT(NONE, REPLY(WORLD_VM, WORLD_NEIGHBOR, v6), .echo = 1);
    }
    assert_int_equal(live_flows(port), 10);
}

/* An error by `from` about a packet that `to` sent. */
static enum vnl_drop icmp_error_about(struct port *port, uint32_t from, uint32_t to, struct sent about)
{
    struct frame inner, frame;
    struct vnl_verdict got;
    bool v6 = about.v6;
    size_t at = v6 ? AT_L4_V6 : AT_L4;

    sent_build(&inner, &about);
    sent_build(&frame,
               &(struct sent){ .from = from, .to = to, .proto = v6 ? 58 : 1, .type = v6 ? 1 : 3, .v6 = v6 });
    memcpy(frame.data + at + 8, inner.data + AT_IP, inner.size - AT_IP);
    frame.size = at + 8 + inner.size - AT_IP;
    frame_fix(&frame);
    got = run_frame(port, from, &frame);
    return got.reason;
}

/* About a UDP packet from port `sport` to 80. */
static enum vnl_drop icmp_error(struct port *port, uint32_t from, uint32_t to, uint16_t sport, bool v6)
{
    return icmp_error_about(
        port, from, to,
        (struct sent){ .from = to, .to = from, .proto = 17, .sport = sport, .dport = 80, .v6 = v6 });
}

static void errors_about_a_known_flow_pass(void **state)
{
    struct port *port = *state;

    use_client_and_server(port);
    use_groups(port, GROUP(false, 0, OUT_ALL(true)), NULL,
               GROUP(false, 10, { .inbound = true, .allow = true, .proto = 17 }), NULL);
    for (int v6 = 0; v6 < 2; v6++) {
        assert_int_equal(icmp_error(port, WORLD_NEIGHBOR, WORLD_VM, 5000, v6), VNL_DROP_NSG_OUTBOUND);
        EXPECT(NONE, .from = WORLD_VM, .to = WORLD_NEIGHBOR, .proto = 17, .sport = 5000, .dport = 80,
               .v6 = v6);
        assert_int_equal(icmp_error(port, WORLD_NEIGHBOR, WORLD_VM, 5000, v6), VNL_DROP_NONE);
        assert_int_equal(icmp_error(port, WORLD_NEIGHBOR, WORLD_VM, 5001, v6), VNL_DROP_NSG_OUTBOUND);
    }
}

/* VM may ask, Neighbor may be asked; errors go either way, about requests and replies of that flow and of no other. */
static void errors_about_an_echo_know_who_asked(void **state)
{
    struct port *port = *state;

    use_groups(port,
               GROUP(false, 0, { .allow = true, .dst = "10.0.0.0/8" }, { .allow = true, .dst = "fd00::/16" }),
               NULL, GROUP(false, 10, { .inbound = true, .allow = true }), NULL);
    for (int v6 = 0; v6 < 2; v6++) {
        EXPECT(NONE, REQUEST(WORLD_VM, WORLD_NEIGHBOR, v6), .echo = 7);
        use_groups(port, GROUP(false, 0, OUT_ALL(false)), NULL, GROUP(false, 10, OUT_ALL(false)), NULL);
        assert_int_equal(icmp_error_about(port, WORLD_NEIGHBOR, WORLD_VM,
                                          (struct sent){ REQUEST(WORLD_VM, WORLD_NEIGHBOR, v6), .echo = 7 }),
                         VNL_DROP_NONE);
        assert_int_equal(icmp_error_about(port, WORLD_VM, WORLD_NEIGHBOR,
                                          (struct sent){ REPLY(WORLD_NEIGHBOR, WORLD_VM, v6), .echo = 7 }),
                         VNL_DROP_NONE);
        assert_int_equal(icmp_error_about(port, WORLD_VM, WORLD_NEIGHBOR,
                                          (struct sent){ REQUEST(WORLD_NEIGHBOR, WORLD_VM, v6), .echo = 7 }),
                         VNL_DROP_NSG_OUTBOUND);
        assert_int_equal(icmp_error_about(port, WORLD_NEIGHBOR, WORLD_VM,
                                          (struct sent){ REPLY(WORLD_VM, WORLD_NEIGHBOR, v6), .echo = 7 }),
                         VNL_DROP_NSG_OUTBOUND);
        use_groups(port, GROUP(false, 0, OUT_ALL(true)), NULL,
                   GROUP(false, 10, { .inbound = true, .allow = true }), NULL);
    }
}

static void fragments_are_judged_by_their_first(void **state)
{
    struct port *port = *state;

    use_groups(port, GROUP(false, 0, { .allow = true, .proto = 17, .port = 80 }), NULL, NULL, NULL);
    EXPECT(FRAGMENT, FORTH, .proto = 17, .offset = 24, .id = 1);
    EXPECT(NONE, FORTH, .proto = 17, .more = true, .id = 1);
    EXPECT(NONE, FORTH, .proto = 17, .offset = 24, .id = 1);
    EXPECT(FRAGMENT, FORTH, .proto = 17, .offset = 24, .id = 2);
    EXPECT(NSG_OUTBOUND, .from = WORLD_VM, .to = WORLD_NEIGHBOR, .proto = 17, .sport = 40000, .dport = 81,
           .more = true, .id = 3);
    EXPECT(NSG_OUTBOUND, FORTH, .proto = 17, .offset = 24, .id = 3);
}

/* --- order of groups, hits, gates ------------------------------------------------------------------------------------ */

static void assert_rule(struct port *port, bool out_nic, bool out_subnet, bool in_subnet, bool in_nic,
                        uint32_t rule, enum vnl_drop reason)
{
    struct frame frame;
    struct vnl_verdict got;

    use_groups(port, GROUP(true, 0, OUT_ALL(out_nic)), GROUP(true, 10, OUT_ALL(out_subnet)),
               GROUP(true, 20, { .inbound = true, .allow = in_nic }),
               GROUP(true, 30, { .inbound = true, .allow = in_subnet }));
    sent_build(&frame, &(struct sent){ FORTH, .flags = SYN });
    got = port_run(port, WORLD_VM, &frame);
    assert_int_equal(got.reason, reason);
    assert_int_equal(got.rule, rule);
    assert_int_equal(got.slot, reason == VNL_DROP_NSG_OUTBOUND ? WORLD_VM : WORLD_NEIGHBOR);
}

/* Outbound the NIC's, then the subnet's; inbound the subnet's, then the NIC's. In each group the first outbound rule has the group's
 * second number, for the inbound default comes before it. */
static void groups_act_in_order_and_all_must_allow(void **state)
{
    assert_rule(*state, true, true, true, true, 20, VNL_DROP_NONE);
    assert_rule(*state, false, false, false, false, 1, VNL_DROP_NSG_OUTBOUND);
    assert_rule(*state, true, false, false, false, 11, VNL_DROP_NSG_OUTBOUND);
    assert_rule(*state, true, true, false, false, 30, VNL_DROP_NSG_INBOUND);
    assert_rule(*state, true, true, true, false, 20, VNL_DROP_NSG_INBOUND);
}

static void hits_count_first_packets(void **state)
{
    struct port *port = *state;
    uint64_t before[2];

    use_client_and_server(port);
    before[0] = vnl_bpf_rule_hits(port->bpf, 1);
    before[1] = vnl_bpf_rule_hits(port->bpf, 10);
    for (int i = 0; i < 5; i++)
        EXPECT(NONE, FORTH, .flags = i ? ACK : SYN);
    assert_int_equal(vnl_bpf_rule_hits(port->bpf, 1), before[0] + 1);
    assert_int_equal(vnl_bpf_rule_hits(port->bpf, 10), before[1] + 1);
}

static void dry_runs_open_nothing_and_see_what_they_are_told_to(void **state)
{
    struct port *port = *state;
    struct vnl_verdict got;
    struct frame frame;

    use_client_and_server(port);
    sent_build(&frame, &(struct sent){ FORTH, .flags = SYN });
    assert_int_equal(port_run(port, WORLD_VM, &frame).reason, VNL_DROP_NONE);
    assert_int_equal(live_flows(port), 0);
    EXPECT(NONE, FORTH, .flags = SYN);
    sent_build(&frame, &(struct sent){ BACK, .flags = SYN | ACK });
    assert_int_equal(vnl_bpf_what_if_as(port->bpf, VNL_WHAT_IF_NEW, WORLD_NEIGHBOR, frame.data, frame.size,
                                        false, &got, NULL),
                     0);
    assert_int_equal(got.reason, VNL_DROP_NSG_OUTBOUND);
    assert_int_equal(vnl_bpf_what_if_as(port->bpf, VNL_WHAT_IF_NOW, WORLD_NEIGHBOR, frame.data, frame.size,
                                        false, &got, NULL),
                     0);
    assert_int_equal(got.reason, VNL_DROP_NONE);
    pass_time(port, 300);
    assert_int_equal(vnl_bpf_what_if_as(port->bpf, VNL_WHAT_IF_KNOWN, WORLD_NEIGHBOR, frame.data, frame.size,
                                        false, &got, NULL),
                     0);
    assert_int_equal(got.reason, VNL_DROP_NONE);
    assert_int_equal(got.rule, VNL_NO_RULE);
}

static void peering_gates_hold_for_established_flows(void **state)
{
    struct port *port = *state;
    struct world_prefixes *routes = &port->world.routes[0];
    uint16_t kept = 0;

    use_groups(port, GROUP(true, 0, OUT_ALL(true)), NULL, NULL, NULL);
    EXPECT(NONE, .from = WORLD_VM, .to = WORLD_PEER, .sport = 1, .dport = 80, .flags = SYN);
    EXPECT(NONE, .from = WORLD_VM, .to = WORLD_PEER, .sport = 1, .dport = 80, .flags = ACK);
    for (size_t i = 0; i < routes->n; i++) {
        if (routes->rows[i].vnet == 1 && routes->rows[i].kind == VNL_ROUTE_KIND_VNET)
            routes->rows[i].flags = VNL_ROUTE_DENY_ACCESS_REMOTE, kept++;
    }
    assert_int_equal(kept, 2);
    port_publish(port, 0);
    EXPECT(PEERING_ACCESS, .from = WORLD_VM, .to = WORLD_PEER, .sport = 1, .dport = 80, .flags = ACK);
    for (size_t i = 0; i < routes->n; i++) {
        if (routes->rows[i].flags == VNL_ROUTE_DENY_ACCESS_REMOTE && routes->rows[i].vnet == 1)
            routes->rows[i].flags = 0;
    }
    port_publish(port, 0);
    EXPECT(NONE, .from = WORLD_VM, .to = WORLD_PEER, .sport = 1, .dport = 80, .flags = ACK);
}

/* --- shares ---------------------------------------------------------------------------------------------------------- */

static void a_nic_cannot_take_the_share_of_others(void **state)
{
    struct port *port = *state;
    uint32_t slots = port->bpf->size.flow_slots, opened;
    struct frame frame;

    use_groups(port, GROUP(true, 0, OUT_ALL(true)), NULL, NULL, NULL);
    for (opened = 0; opened < slots; opened++) {
        sent_build(&frame,
                   &(struct sent){
                       .from = WORLD_VM, .to = WORLD_PEER, .proto = 17, .sport = opened + 1, .dport = 53 });
        if (run_frame(port, WORLD_VM, &frame).reason != VNL_DROP_NONE)
            break;
    }
    assert_int_equal(opened, slots / 2);
    assert_int_equal(run_frame(port, WORLD_VM, &frame).reason, VNL_DROP_FLOW_TABLE_FULL);
    assert_int_equal(live_flows(port), slots / 2); /* none was replaced */
    use_groups(port, GROUP(true, 0, OUT_ALL(true)), NULL, GROUP(true, 10, OUT_ALL(true)), NULL);
    EXPECT(NONE, .from = WORLD_NEIGHBOR, .to = WORLD_PEER, .proto = 17, .sport = 9, .dport = 53);
    pass_time(port, 245);
    for (int i = 0; i < 100; i++)
        EXPECT(NONE, .from = WORLD_VM, .to = WORLD_PEER, .proto = 17, .sport = 9 + i, .dport = 53);
    assert_true(vnl_bpf_flow_count(port->bpf, WORLD_VM) <= slots / 2);
}

static void a_new_nic_in_an_old_slot_has_no_flows(void **state)
{
    struct port *port = *state;

    use_client_and_server(port);
    EXPECT(NONE, FORTH, .flags = SYN);
    vnl_bpf_counters_reset(port->bpf, WORLD_NEIGHBOR);
    EXPECT(NSG_OUTBOUND, BACK, .flags = SYN | ACK);
    assert_int_equal(live_flows(port), 1);
}

/* --- tables made anew ------------------------------------------------------------------------------------------------ */

static void publish_in(struct port *port, struct vnl_bpf *bpf, const struct vnl_image_size *size)
{
    CLEANUP(vnl_image_free) struct vnl_image *image = world_image(&port->world, size, 0);

    assert_int_equal(vnl_bpf_publish_image(bpf, image, NULL, NULL), 0);
}

/* Both sets share the flows while the ports move; what a flow remembers of routes is never good for another set's plan. */
static void flows_go_on_in_tables_made_anew(void **state)
{
    struct port *port = *state, next = { 0 };
    struct vnl_image_size size = world_size;
    uint32_t generation;
    uint64_t hits;

    use_client_and_server(port);
    EXPECT(NONE, FORTH, .flags = SYN);
    EXPECT(NONE, BACK, .flags = SYN | ACK);
    hits = vnl_bpf_rule_hits(port->bpf, 1);
    size.nic_slots *= 2;
    size.pool_bytes *= 2;
    assert_int_equal(vnl_bpf_load_after(&size, port->bpf, NULL, &next.bpf, NULL), 0);
    expect_at(&next, __FILE__, __LINE__, (struct sent){ FORTH, .flags = ACK }, VNL_DROP_UNKNOWN_PORT);

    port->world.nics[WORLD_PEER].rules_nic = GROUP(true, 20, OUT_ALL(true));
    publish_in(port, next.bpf, &size);
    group_free(&port->world.nics[WORLD_PEER].rules_nic);
    generation = vnl_bpf_control(next.bpf)->generation;
    assert_true(generation > vnl_bpf_control(port->bpf)->generation);
    assert_int_equal(vnl_bpf_nic_state(next.bpf, WORLD_VM)->pick_up, 0); /* had its group before */
    assert_true(vnl_bpf_nic_state(next.bpf, WORLD_PEER)->pick_up);
    assert_int_equal(vnl_bpf_rule_hits(next.bpf, 1), hits);
    expect_at(&next, __FILE__, __LINE__, (struct sent){ BACK, .flags = ACK }, VNL_DROP_NONE);
    expect_at(&next, __FILE__, __LINE__, (struct sent){ FORTH, .flags = ACK }, VNL_DROP_NONE);
    expect_at(&next, __FILE__, __LINE__,
              (struct sent){ .from = WORLD_VM, .to = WORLD_NEIGHBOR, .sport = 1, .dport = 80, .flags = ACK },
              VNL_DROP_FLOW_STATE);
    assert_int_equal(vnl_bpf_flow_count(next.bpf, WORLD_VM), 1);

    expect_at(&next, __FILE__, __LINE__, (struct sent){ FORTH, .proto = 17 }, VNL_DROP_NSG_INBOUND);
    expect_at(&next, __FILE__, __LINE__,
              (struct sent){ .from = WORLD_VM, .to = WORLD_NEIGHBOR, .sport = 2, .dport = 80, .flags = SYN },
              VNL_DROP_NONE);
    EXPECT(NONE, .from = WORLD_NEIGHBOR, .to = WORLD_VM, .sport = 80, .dport = 2, .flags = SYN | ACK);
    publish_in(port, port->bpf, &world_size);
    assert_true(vnl_bpf_control(port->bpf)->generation > generation);
    vnl_bpf_close(&next.bpf);
    EXPECT(NONE, BACK, .flags = ACK);
}

/* --- events ---------------------------------------------------------------------------------------------------------- */

static int keep_event(const struct vnl_event *event, void *arg)
{
    *(struct vnl_event *)arg = *event;
    return 0;
}

static void drops_are_told_while_somebody_reads(void **state)
{
    struct port *port = *state;
    struct vnl_bpf_events *events = NULL;
    struct vnl_event event = { 0 };
    uint64_t before;
    int told = 0, r;

    use_client_and_server(port);
    EXPECT(NSG_OUTBOUND, BACK, .flags = SYN);
    assert_int_equal(vnl_bpf_events_open(port->bpf, &events, NULL), 0);
    assert_int_equal(vnl_bpf_events_poll(events, 0, keep_event, &event), 0);
    EXPECT(NSG_INBOUND, .from = WORLD_VM, .to = WORLD_NEIGHBOR, .sport = 1, .dport = 81, .flags = SYN);
    assert_int_equal(vnl_bpf_events_poll(events, 1000, keep_event, &event), 1);
    assert_int_equal(event.reason, VNL_DROP_NSG_INBOUND);
    assert_int_equal(event.stage, VNL_STAGE_NSG_INBOUND);
    assert_int_equal(event.slot, WORLD_NEIGHBOR);
    assert_int_equal(event.from, WORLD_VM);
    assert_int_equal(event.rule, 11); /* the inbound default */
    assert_int_equal(event.inbound, 1);
    assert_int_equal(event.size, AT_L4 + 20 + 16);
    assert_int_equal(event.head_size, event.size);
    assert_int_equal(event.head[AT_L4 + 3], 81);
    before = vnl_bpf_events_suppressed(port->bpf, WORLD_NEIGHBOR);
    for (int i = 0; i < 1000; i++)
        EXPECT(NSG_OUTBOUND, BACK, .flags = SYN);
    while ((r = vnl_bpf_events_poll(events, 0, keep_event, &event)) > 0)
        told += r;
    assert_in_range(told, VNL_EVENTS_A_TICK - 1, 10 * VNL_EVENTS_A_TICK);
    assert_int_equal(told + vnl_bpf_events_suppressed(port->bpf, WORLD_NEIGHBOR) - before, 1000);
    vnl_bpf_events_close(&events);
    EXPECT(NSG_OUTBOUND, BACK, .flags = SYN);
    assert_int_equal(vnl_bpf_events_open(port->bpf, &events, NULL), 0);
    assert_int_equal(vnl_bpf_events_poll(events, 0, keep_event, &event), 0);
    vnl_bpf_events_close(&events);
}

static int setup(void **state)
{
    static const unsigned slots[] = { WORLD_VM, WORLD_NEIGHBOR, WORLD_PEER };
    char command[128];

    if (unshare(CLONE_NEWNET) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
        snprintf(command, sizeof(command), "ip link add nic%u index %u type veth && ip link set nic%u up",
                 slots[i], VNL_NIC_IFINDEX + slots[i], slots[i]);
        if (system(command) != 0)
            return -1;
    }
    return port_setup(state);
}

#define FLOW_TEST(name) cmocka_unit_test_setup_teardown(name, fresh, no_groups)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(a_connection_passes_by_its_first_packet),
        FLOW_TEST(strays_open_nothing),
        FLOW_TEST(a_closed_connection_ends_soon),
        FLOW_TEST(ports_of_a_closed_connection_are_judged_anew),
        FLOW_TEST(an_unanswered_syn_ends_sooner_than_an_idle_connection),
        FLOW_TEST(established_flows_survive_rule_changes),
        FLOW_TEST(a_connection_older_than_the_group_is_picked_up),
        FLOW_TEST(udp_esp_and_ah_flows_need_no_beginning),
        FLOW_TEST(echo_is_known_by_its_identifier),
        FLOW_TEST(echo_is_known_by_who_asks),
        FLOW_TEST(errors_about_a_known_flow_pass),
        FLOW_TEST(errors_about_an_echo_know_who_asked),
        FLOW_TEST(fragments_are_judged_by_their_first),
        FLOW_TEST(groups_act_in_order_and_all_must_allow),
        FLOW_TEST(hits_count_first_packets),
        FLOW_TEST(dry_runs_open_nothing_and_see_what_they_are_told_to),
        FLOW_TEST(peering_gates_hold_for_established_flows),
        FLOW_TEST(a_nic_cannot_take_the_share_of_others),
        FLOW_TEST(a_new_nic_in_an_old_slot_has_no_flows),
        FLOW_TEST(flows_go_on_in_tables_made_anew),
        FLOW_TEST(drops_are_told_while_somebody_reads),
    };

    return cmocka_run_group_tests_name("security groups in the port program", tests, setup, port_teardown);
}
