/* Sequences of packets that open sessions, for tests of the port program: each is sent as by a device, and what comes out is compared
 * as text, "192.0.2.1:1024 > 203.0.113.80:80". */
#ifndef VNETLAB_TESTS_BPF_SESSIONS_H
#define VNETLAB_TESTS_BPF_SESSIONS_H

#include "groups.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>

#include <bpf/bpf.h>

#include "../../dataplane/bpf_tables.h"
#include "vnetlab/drop.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

struct packet {
    uint32_t from;         /* NIC, or VNL_OUT_PLATFORM */
    const char *src, *dst; /* addresses */
    uint8_t proto;         /* 0: TCP */
    uint8_t flags;         /* TCP; 0: SYN */
    uint8_t type;          /* ICMP; 0: echo request, 255: echo reply */
    uint16_t sport, dport;
    bool no_checksum; /* UDP */
    bool more;
    uint16_t offset;
};

static inline void packet_build(struct frame *frame, const struct packet *packet)
{
    struct frame_spec spec = { .from = packet->from,
                               .src = packet->src,
                               .dst = packet->dst,
                               .proto = packet->proto,
                               .sport = packet->sport,
                               .dport = packet->dport,
                               .payload = 32,
                               .more = packet->more,
                               .offset = packet->offset };

    frame_build(frame, &spec);
    if (!packet->proto && !packet->offset)
        frame->data[AT_L4 + 13] = packet->flags ? packet->flags : SYN;
    if (packet->proto == 1 && packet->type)
        frame->data[AT_L4] = packet->type == 255 ? 0 : packet->type;
    frame_fix(frame);
    if (packet->no_checksum)
        frame_put16(frame, AT_L4 + 6, 0);
}

/* ICMP error about the packet that `about` is, with its first 8 bytes behind the IP header. */
static inline void packet_error(struct frame *frame, uint32_t from, const char *src, const char *dst,
                                const struct frame *about)
{
    struct frame_spec spec = {
        .from = from, .src = src, .dst = dst, .proto = 1, .icmp_type = 3, .payload = 28
    };

    frame_build(frame, &spec);
    memcpy(frame->data + AT_L4 + 8, about->data + AT_IP, 28);
    frame_fix(frame);
}

static inline const char *addr_text(const struct frame *frame, size_t at, char text[INET_ADDRSTRLEN])
{
    return inet_ntop(AF_INET, frame->data + at, text, INET_ADDRSTRLEN);
}

/* at: of an IPv4 header. */
static inline const char *ip_text(const struct frame *frame, size_t at)
{
    static char text[80];
    char src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN];
    uint8_t proto = frame->data[at + 9];

    addr_text(frame, at + 12, src);
    addr_text(frame, at + 16, dst);
    if ((proto == 6 || proto == 17) && !(frame_get16(frame, at + 6) & 0x1fff))
        snprintf(text, sizeof(text), "%s:%u > %s:%u", src, frame_get16(frame, at + 20), dst,
                 frame_get16(frame, at + 22));
    else
        snprintf(text, sizeof(text), "%s > %s", src, dst);
    return text;
}

/* Runs it for real; `frame` is then what comes out. */
static inline struct vnl_verdict run_frame(struct port *port, uint32_t from, struct frame *frame,
                                           int *ret_action)
{
    uint8_t out[FRAME_MAX];
    struct __sk_buff ctx = { .ifindex =
                                 from == VNL_OUT_PLATFORM ? VNL_PLATFORM_IFINDEX : VNL_NIC_IFINDEX + from };
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data, .data_size_in = frame->size, .data_out = out,
                .data_size_out = sizeof(out), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .ctx_out = &ctx,
                .ctx_size_out = sizeof(ctx), .repeat = 1);
    int r = bpf_prog_test_run_opts(vnl_bpf_prog_fd(port->bpf), &opts);

    if (r < 0)
        fail_msg("test run on NIC %u: %s", from, strerror(-r));
    assert_int_equal(opts.data_size_out, frame->size);
    memcpy(frame->data, out, frame->size);
    if (ret_action)
        *ret_action = (int)opts.retval;
    return (struct vnl_verdict){ .reason = ctx.cb[VNL_CB_REASON],
                                 .stage = ctx.cb[VNL_CB_STAGE],
                                 .slot = ctx.cb[VNL_CB_SLOT],
                                 .out_slot = ctx.cb[VNL_CB_OUT],
                                 .rule = ctx.cb[VNL_CB_RULE] };
}

static inline void assert_out(const char *file, int line, const struct frame *frame,
                              const struct vnl_verdict *got, uint32_t out, const char *text)
{
    if (got->reason != VNL_DROP_NONE || got->out_slot != out || strcmp(ip_text(frame, AT_IP), text) != 0)
        fail_msg("%s:%d: %s at %s, to %u as %s; expected to %u as %s", file, line, vnl_drop_str(got->reason),
                 vnl_stage_str(got->stage), got->out_slot, ip_text(frame, AT_IP), out, text);
    if (!frame_checksums_ok(frame) && !(frame->data[AT_IP + 9] == 17 && frame_get16(frame, AT_L4 + 6) == 0))
        fail_msg("%s:%d: wrong checksum in %s", file, line, text);
}

static inline void passes_at(struct port *port, const char *file, int line, struct packet packet,
                             uint32_t out, const char *text)
{
    struct vnl_verdict got;
    struct frame frame;

    packet_build(&frame, &packet);
    got = run_frame(port, packet.from, &frame, NULL);
    assert_out(file, line, &frame, &got, out, text);
    if (packet.no_checksum)
        assert_int_equal(frame_get16(&frame, AT_L4 + 6), 0);
}
#define PASSES_AS(out, text, ...)                                                                            \
    passes_at(port, __FILE__, __LINE__, (struct packet){ __VA_ARGS__ }, out, text)

static inline void drops_at(struct port *port, const char *file, int line, struct packet packet,
                            enum vnl_drop reason, enum vnl_stage stage)
{
    struct vnl_verdict got;
    struct frame frame, sent;

    packet_build(&sent, &packet);
    frame = sent;
    got = run_frame(port, packet.from, &frame, NULL);
    if (got.reason != reason || got.stage != stage)
        fail_msg("%s:%d: %s at %s of NIC %u, %s; expected %s at %s", file, line, vnl_drop_str(got.reason),
                 vnl_stage_str(got.stage), got.slot, ip_text(&frame, AT_IP), vnl_drop_str(reason),
                 vnl_stage_str(stage));
    assert_memory_equal(frame.data, sent.data, sent.size);
}
#define DROPS(why, at, ...)                                                                                  \
    drops_at(port, __FILE__, __LINE__, (struct packet){ __VA_ARGS__ }, VNL_DROP_##why, VNL_STAGE_##at)

/* The source port under which a packet comes out. */
static inline uint16_t port_of(struct port *port, struct packet packet)
{
    struct frame frame;

    packet_build(&frame, &packet);
    assert_int_equal(run_frame(port, packet.from, &frame, NULL).reason, VNL_DROP_NONE);
    assert_true(frame_checksums_ok(&frame));
    return frame_get16(&frame, AT_L4);
}

static inline void pass_time(struct port *port, uint32_t seconds)
{
    struct vnl_flow_bucket *buckets = port->bpf->table[VNL_BPF_FLOWS].addr;

    for (uint32_t i = 0; i < port->bpf->size.flow_slots; i++) {
        struct vnl_flow_head *head = &buckets[i / VNL_FLOW_WAYS].head[i % VNL_FLOW_WAYS];

        head->expires -= head->tag ? VNL_TICKS(seconds) : 0;
    }
}

static inline void forget_flows(struct port *port)
{
    memset(port->bpf->table[VNL_BPF_FLOWS].addr, 0, port->bpf->table[VNL_BPF_FLOWS].bytes);
    memset(port->bpf->table[VNL_BPF_NIC_STATES].addr, 0, port->bpf->table[VNL_BPF_NIC_STATES].bytes);
}

static inline int count_flow(const struct vnl_flow_seen *flow, void *arg)
{
    (void)flow;
    ++*(unsigned *)arg;
    return 0;
}

static inline unsigned live_flows(struct port *port)
{
    unsigned n = 0;

    vnl_bpf_flows(port->bpf, count_flow, &n);
    return n;
}

/* A namespace with a device for each NIC that sends, and for the platform: a test run must name one. */
static inline int sessions_setup(void **state)
{
    char command[128];

    if (unshare(CLONE_NEWNET) < 0)
        return -1;
    for (unsigned i = 0; i <= WORLD_SENDERS; i++) {
        snprintf(command, sizeof(command), "ip link add t%u index %u type veth && ip link set t%u up", i,
                 i == WORLD_SENDERS ? VNL_PLATFORM_IFINDEX : VNL_NIC_IFINDEX + i, i);
        if (system(command) != 0)
            return -1;
    }
    return port_setup(state);
}

#endif
