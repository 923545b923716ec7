/* The programs of bpf/gateway.bpf.c, each on single frames: which ports they write, which MSS, what is dropped, and that all else is left as it
 * was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "../harness/frames.h"
#include "gateway.skel.h"
#include "vnetlab/base.h"
#include "vnetlab/layout.h"

#define OURS      "203.0.113.1"
#define PEER      "203.0.113.2"
#define STRANGER  "203.0.113.3"
#define PORT      20002         /* of PEER */
#define OWN_PORTS "203.0.113.4" /* a peer for whom 500 and 4500 are the daemon's own */

enum { AT_SPORT = AT_L4, AT_DPORT = AT_L4 + 2, AT_UDP_CHECK = AT_L4 + 6, AT_TCP_FLAGS = AT_L4 + 13 };

static void put_peer(const struct vnl_gateway *skel, const char *text, uint16_t port)
{
    struct in_addr peer;

    (void)inet_pton(AF_INET, text, &peer);
    assert_int_equal(bpf_map_update_elem(bpf_map__fd(skel->maps.vnl_peers), &peer, &port, BPF_ANY), 0);
}

static struct vnl_gateway *load(enum vnl_gateway_door door)
{
    struct vnl_gateway *skel = vnl_gateway__open();

    assert_non_null(skel);
    skel->rodata->vnl_door = door;
    assert_int_equal(vnl_gateway__load(skel), 0);
    put_peer(skel, PEER, PORT);
    put_peer(skel, OWN_PORTS, 0);
    return skel;
}

static int setup(void **state)
{
    *state = load(VNL_GATEWAY_DOOR_OPEN);
    return 0;
}

static int teardown(void **state)
{
    vnl_gateway__destroy(*state);
    return 0;
}

/* ingress: by which interface it came; 0: the gateway's own. */
static uint32_t verdict_from(struct bpf_program *program, struct frame *frame, uint32_t ingress)
{
    struct __sk_buff skb = { .ingress_ifindex = ingress };
    struct frame out = *frame;
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data, .data_size_in = frame->size,
                .data_out = out.data, .data_size_out = sizeof(out.data), .ctx_in = &skb,
                .ctx_size_in = sizeof(skb));

    assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), 0);
    assert_int_equal(opts.data_size_out, frame->size);
    memcpy(frame->data, out.data, frame->size);
    return opts.retval;
}

static uint32_t verdict_of(struct bpf_program *program, struct frame *frame)
{
    return verdict_from(program, frame, 0);
}

static void run_from(struct bpf_program *program, struct frame *frame, uint32_t ingress, uint32_t verdict)
{
    assert_int_equal(verdict_from(program, frame, ingress), verdict);
}

static void run(struct bpf_program *program, struct frame *frame, uint32_t verdict)
{
    run_from(program, frame, 0, verdict);
}

/* --- ports ------------------------------------------------------------------------------------------------------------------- */

static const struct port_case {
    const char *given;
    bool out;
    struct frame_spec packet;
    uint16_t sport, dport; /* afterwards; 0: as before */
    bool drops;
} port_cases[] = {
    { "IKE of the peer", false, { .src = PEER, .dst = OURS, .sport = 500, .dport = 500 }, 0, PORT },
    { "NAT-T of the peer", false, { .src = PEER, .dst = OURS, .sport = 4500, .dport = 4500 }, 0, PORT + 1 },
    { "behind its NAT", false, { .src = PEER, .dst = OURS, .sport = 61000, .dport = 4500 }, 0, PORT + 1 },
    { "another service", false, { .src = PEER, .dst = OURS, .sport = 500, .dport = 501 }, 0, 0 },
    { "straight to a daemon", false, { .src = PEER, .dst = OURS, .sport = 500, .dport = PORT }, 0, 0, true },
    { "a stranger", false, { .src = STRANGER, .dst = OURS, .sport = 500, .dport = 500 }, 0, 0 },
    { "TCP", false, { .src = PEER, .dst = OURS, .sport = 500, .dport = 500, .proto = 6 }, 0, 0 },
    { "a first fragment",
      false,
      { .src = PEER, .dst = OURS, .sport = 500, .dport = 500, .more = true },
      0,
      0 },
    { "IKE to the peer", true, { .src = OURS, .dst = PEER, .sport = PORT, .dport = 500 }, 500, 0 },
    { "NAT-T to the peer", true, { .src = OURS, .dst = PEER, .sport = PORT + 1, .dport = 4500 }, 4500, 0 },
    { "from another daemon", true, { .src = OURS, .dst = PEER, .sport = PORT + 2, .dport = 500 }, 0, 0 },
    { "from the port below", true, { .src = OURS, .dst = PEER, .sport = PORT - 1, .dport = 500 }, 0, 0 },
    { "to a stranger", true, { .src = OURS, .dst = STRANGER, .sport = PORT, .dport = 500 }, 0, 0 },
};

static void check_ports(const struct vnl_gateway *skel, const struct port_case *row, bool checksum)
{
    struct frame_spec spec = row->packet;
    struct frame frame, wanted;

    spec.proto = spec.proto ? spec.proto : 17;
    spec.payload = 31;
    frame_build(&frame, &spec);
    if (!checksum && spec.proto == 17)
        frame_put16(&frame, AT_UDP_CHECK, 0);
    wanted = frame;
    if (row->sport)
        frame_put16(&wanted, AT_SPORT, row->sport);
    if (row->dport)
        frame_put16(&wanted, AT_DPORT, row->dport);
    if (checksum && (row->sport || row->dport))
        frame_fix(&wanted);
    run(row->out ? skel->progs.vpn_out : skel->progs.vpn_in, &frame,
        row->drops ? TC_ACT_SHOT : (uint32_t)TC_ACT_UNSPEC);
    if (memcmp(frame.data, wanted.data, frame.size) != 0)
        fail_msg("%s%s: ports %u > %u, checksum %04x", row->given, checksum ? "" : " without checksum",
                 frame_get16(&frame, AT_SPORT), frame_get16(&frame, AT_DPORT),
                 frame_get16(&frame, AT_UDP_CHECK));
}

static void each_peer_has_its_ports_and_a_checksum_of_zero_stays(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(port_cases); i++) {
        check_ports(*state, &port_cases[i], true);
        check_ports(*state, &port_cases[i], false);
    }
}

/* --- the door ---------------------------------------------------------------------------------------------------------------- */

#define ESP 50

/* Bits: enum vnl_gateway_door. */
#define OPEN    (1u << VNL_GATEWAY_DOOR_OPEN)
#define PEERS   (1u << VNL_GATEWAY_DOOR_PEERS)
#define CLIENTS (1u << VNL_GATEWAY_DOOR_CLIENTS)
#define ALL     (OPEN | PEERS | CLIENTS)

static const struct door_case {
    const char *given;
    bool out;
    struct frame_spec packet;
    unsigned passes;
} door_cases[] = {
    { "IKE of a peer",
      false,
      { .src = OWN_PORTS, .dst = OURS, .proto = 17, .sport = 500, .dport = 500 },
      ALL },
    { "NAT-T of a peer",
      false,
      { .src = OWN_PORTS, .dst = OURS, .proto = 17, .sport = 61000, .dport = 4500 },
      ALL },
    { "a stranger's IKE",
      false,
      { .src = STRANGER, .dst = OURS, .proto = 17, .sport = 500, .dport = 500 },
      OPEN | CLIENTS },
    { "a stranger's NAT-T",
      false,
      { .src = STRANGER, .dst = OURS, .proto = 17, .sport = 4500, .dport = 4500 },
      OPEN | CLIENTS },
    { "a stranger's first fragment",
      false,
      { .src = STRANGER, .dst = OURS, .proto = 17, .sport = 500, .dport = 500, .payload = 64, .more = true },
      OPEN | CLIENTS },
    { "a later fragment",
      false,
      { .src = STRANGER, .dst = OURS, .proto = 17, .offset = 64, .payload = 64 },
      ALL },
    { "a daemon's own port",
      false,
      { .src = STRANGER, .dst = OURS, .proto = 17, .sport = 500, .dport = PORT },
      0 },
    { "a daemon's own port, in fragments",
      false,
      { .src = STRANGER, .dst = OURS, .proto = 17, .sport = 500, .dport = PORT, .payload = 64, .more = true },
      0 },
    { "other UDP", false, { .src = PEER, .dst = OURS, .proto = 17, .sport = 53, .dport = 53 }, OPEN },
    { "BGP", false, { .src = PEER, .dst = OURS, .sport = 40000, .dport = 179 }, OPEN },
    { "TCP 500", false, { .src = PEER, .dst = OURS, .sport = 40000, .dport = 500 }, OPEN },
    { "a ping", false, { .src = STRANGER, .dst = OURS, .proto = 1, .payload = 56 }, ALL },
    { "ESP", false, { .src = STRANGER, .dst = OURS, .proto = ESP, .payload = 56 }, ALL },
    { "GRE", false, { .src = PEER, .dst = OURS, .proto = 47, .payload = 56 }, OPEN },
    { "IKE", true, { .src = OURS, .dst = STRANGER, .proto = 17, .sport = 500, .dport = 500 }, ALL },
    { "NAT-T", true, { .src = OURS, .dst = STRANGER, .proto = 17, .sport = 4500, .dport = 61000 }, ALL },
    { "ESP", true, { .src = OURS, .dst = STRANGER, .proto = ESP, .payload = 56 }, ALL },
    { "a ping's answer", true, { .src = OURS, .dst = STRANGER, .proto = 1, .payload = 56 }, ALL },
    { "that a port is closed",
      true,
      { .src = OURS, .dst = STRANGER, .proto = 1, .icmp_type = 3, .payload = 56 },
      OPEN },
    { "other UDP", true, { .src = OURS, .dst = PEER, .proto = 17, .sport = 53, .dport = 53 }, OPEN },
    { "a daemon's own port",
      true,
      { .src = OURS, .dst = STRANGER, .proto = 17, .sport = PORT, .dport = 500 },
      OPEN },
    { "TCP", true, { .src = OURS, .dst = PEER, .sport = 179, .dport = 40000 }, OPEN },
};

static void what_comes_in_and_goes_out_is_what_the_door_says(void **state)
{
    (void)state;
    for (unsigned door = VNL_GATEWAY_DOOR_OPEN; door <= VNL_GATEWAY_DOOR_CLIENTS; door++) {
        struct vnl_gateway *skel = load((enum vnl_gateway_door)door);

        for (size_t i = 0; i < ARRAY_SIZE(door_cases); i++) {
            const struct door_case *row = &door_cases[i];
            bool passes = row->passes & 1u << door;
            struct frame frame, was;
            uint32_t verdict;

            frame_build(&frame, &row->packet);
            was = frame;
            verdict = verdict_of(row->out ? skel->progs.vpn_out : skel->progs.vpn_in, &frame);
            if (verdict != (passes ? (uint32_t)TC_ACT_UNSPEC : TC_ACT_SHOT) ||
                memcmp(frame.data, was.data, was.size) != 0)
                fail_msg("door %u, %s %s: verdict %d", door, row->given, row->out ? "out" : "in",
                         (int)verdict);
        }
        vnl_gateway__destroy(skel);
    }
}

/* --- MSS --------------------------------------------------------------------------------------------------------------------- */

static const struct mss_case {
    const char *given;
    uint8_t flags;
    uint8_t options[40];
    uint8_t n;  /* bytes of options, a multiple of 4 */
    uint8_t at; /* of the value that is to become 1350; 0: nothing changes */
} mss_cases[] = {
    { "a SYN", 0x02, { 2, 4, 5, 180 }, 4, 2 },
    { "a SYN-ACK", 0x12, { 2, 4, 5, 180, 1, 3, 3, 7 }, 8, 2 },
    { "the largest", 0x02, { 2, 4, 255, 255 }, 4, 2 },
    { "exactly 1350", 0x02, { 2, 4, 5, 70 }, 4, 0 },
    { "less", 0x02, { 2, 4, 2, 24 }, 4, 0 },
    { "no SYN", 0x10, { 2, 4, 5, 180 }, 4, 0 },
    { "no options", 0x02, { 0 }, 0, 0 },
    { "at an odd place", 0x02, { 1, 2, 4, 5, 180, 1, 1, 0 }, 8, 3 },
    { "behind others", 0x02, { 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4, 5, 180 }, 16, 14 },
    { "as the last of 40 bytes",
      0x02,
      { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 5, 180 },
      40,
      38 },
    { "behind the end", 0x02, { 0, 1, 1, 1, 2, 4, 5, 180 }, 8, 0 },
    { "an option of length 0", 0x02, { 8, 0, 2, 4, 5, 180, 0, 0 }, 8, 0 },
    { "an option of length 1", 0x02, { 8, 1, 2, 4, 5, 180, 0, 0 }, 8, 0 },
    { "cut off", 0x02, { 1, 1, 2, 4 }, 4, 0 },
    { "longer than there is", 0x02, { 8, 200, 2, 4 }, 4, 0 },
    { "of another length", 0x02, { 2, 5, 5, 180, 9, 0, 0, 0 }, 8, 0 },
};

static void build_syn(struct frame *frame, const struct mss_case *row)
{
    struct frame_spec spec = {
        .src = "10.1.0.4", .dst = "10.4.0.4", .sport = 40000, .dport = 80, .payload = row->n
    };

    frame_build(frame, &spec);
    frame->data[AT_L4 + 12] = (uint8_t)((20 + row->n) / 4 << 4);
    frame->data[AT_TCP_FLAGS] = row->flags;
    memcpy(frame->data + AT_L4 + 20, row->options, row->n);
    frame_fix(frame);
}

static void a_syns_mss_becomes_1350(void **state)
{
    struct vnl_gateway *skel = *state;

    for (size_t i = 0; i < ARRAY_SIZE(mss_cases); i++) {
        struct frame frame, was, wanted;

        build_syn(&frame, &mss_cases[i]);
        wanted = frame;
        if (mss_cases[i].at) {
            frame_put16(&wanted, AT_L4 + 20 + mss_cases[i].at, 1350);
            frame_fix(&wanted);
        }
        was = frame;
        run(skel->progs.vpn_clamp, &frame, (uint32_t)TC_ACT_UNSPEC);
        run(skel->progs.vpn_inside, &was, (uint32_t)TC_ACT_UNSPEC);
        assert_memory_equal(was.data, frame.data, frame.size);
        if (memcmp(frame.data, wanted.data, frame.size) != 0)
            fail_msg("%s: not as wanted; checksums are %s", mss_cases[i].given,
                     frame_checksums_ok(&frame) ? "right" : "wrong");
    }
}

static void what_is_no_tcp_or_has_no_header_is_left(void **state)
{
    static const struct frame_spec specs[] = {
        { .src = "10.1.0.4", .dst = "10.4.0.4", .proto = 17, .sport = 1, .dport = 2, .payload = 60 },
        { .src = "10.1.0.4", .dst = "10.4.0.4", .proto = 1, .payload = 60 },
        { .src = "10.1.0.4", .dst = "10.4.0.4", .offset = 64, .payload = 60 },
        { .src = "fd00::4", .dst = "fd00::5", .sport = 1, .dport = 2 },
    };
    struct vnl_gateway *skel = *state;

    for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
        struct frame frame, was;

        frame_build(&frame, &specs[i]);
        was = frame;
        run(skel->progs.vpn_clamp, &frame, (uint32_t)TC_ACT_UNSPEC);
        run(skel->progs.vpn_in, &frame, (uint32_t)TC_ACT_UNSPEC);
        run(skel->progs.vpn_out, &frame, (uint32_t)TC_ACT_UNSPEC);
        assert_memory_equal(frame.data, was.data, was.size);
    }
}

/* --- size ------------------------------------------------------------------------------------------------------------------- */

static const struct size_case {
    uint16_t size, flags;
    bool may_fragment; /* afterwards */
} size_cases[] = {
    { 1400, 0x4000 }, { 1401, 0x4000, true },    { 1422, 0x4000, true }, { 1423, 0x4000 },
    { 1500, 0x4000 }, { 1410, 0x2000 | 0x4000 }, { 1410, 0x4000 | 8 },   { 1410, 0 },
};

static void build_size(struct frame *frame, const struct size_case *row)
{
    struct frame_spec spec = {
        .src = "10.1.0.4", .dst = "10.4.0.4", .proto = 17, .payload = row->size - 28u
    };

    frame_build(frame, &spec);
    frame_put16(frame, AT_IP + 4, 0);
    frame_put16(frame, AT_IP + 6, row->flags);
    frame_fix(frame);
}

static void what_must_not_be_fragmented_may_be_up_to_1422_bytes(void **state)
{
    struct vnl_gateway *skel = *state;

    for (size_t i = 0; i < ARRAY_SIZE(size_cases); i++) {
        uint16_t ids = 0;

        for (int turn = 0; turn < 4; turn++) { /* one id may be 0 by chance */
            struct frame frame, wanted;

            build_size(&frame, &size_cases[i]);
            wanted = frame;
            run_from(skel->progs.vpn_clamp, &frame, 2, (uint32_t)TC_ACT_UNSPEC);
            ids |= frame_get16(&frame, AT_IP + 4);
            if (size_cases[i].may_fragment) {
                frame_put16(&wanted, AT_IP + 4, frame_get16(&frame, AT_IP + 4));
                frame_put16(&wanted, AT_IP + 6, 0);
                frame_fix(&wanted);
            }
            assert_memory_equal(frame.data, wanted.data, wanted.size);
        }
        assert_int_equal(ids != 0, size_cases[i].may_fragment);
    }
}

#define TUNNEL 7 /* an interface's number */

static const struct error_case {
    const char *given;
    uint32_t ingress;
    uint8_t proto, type, code;
    uint16_t offset;
    bool has_options, drops;
} error_cases[] = {
    { "the gateway's own", 0, 1, 3, 4, .drops = true },
    { "the gateway's own with IP options", 0, 1, 3, 4, .has_options = true, .drops = true },
    { "from beyond the tunnel", TUNNEL, 1, 3, 4 },
    { "the gateway's \"host unreachable\"", 0, 1, 3, 1 },
    { "the gateway's \"time exceeded\"", 0, 1, 11, 0 },
    { "a code 4 of another type", 0, 1, 12, 4 },
    { "no ICMP", 0, 17, 3, 4 },
    { "a later fragment", 0, 1, 3, 4, .offset = 64 },
};

static void build_error(struct frame *frame, const struct error_case *row)
{
    struct frame_spec spec = { .src = "10.1.255.4",
                               .dst = "10.1.0.4",
                               .proto = row->proto,
                               .icmp_type = row->type,
                               .offset = row->offset,
                               .payload = 28 };
    size_t at = AT_L4;

    frame_build(frame, &spec);
    if (row->has_options) {
        memmove(frame->data + AT_L4 + 4, frame->data + AT_L4, frame->size - AT_L4);
        memset(frame->data + AT_L4, 1, 4);
        frame->data[AT_IP] = 0x46;
        frame->size += 4;
        at += 4;
    }
    frame->data[at] = row->type;
    frame->data[at + 1] = row->code;
    frame_fix(frame);
}

static void own_fragmentation_needed_is_dropped_and_no_other_error(void **state)
{
    struct vnl_gateway *skel = *state;

    for (size_t i = 0; i < ARRAY_SIZE(error_cases); i++) {
        struct frame frame, was;

        print_message("%s\n", error_cases[i].given);
        build_error(&frame, &error_cases[i]);
        was = frame;
        run_from(skel->progs.vpn_clamp, &frame, error_cases[i].ingress,
                 error_cases[i].drops ? TC_ACT_SHOT : (uint32_t)TC_ACT_UNSPEC);
        assert_memory_equal(frame.data, was.data, was.size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_peer_has_its_ports_and_a_checksum_of_zero_stays),
        cmocka_unit_test(what_comes_in_and_goes_out_is_what_the_door_says),
        cmocka_unit_test(a_syns_mss_becomes_1350),
        cmocka_unit_test(what_is_no_tcp_or_has_no_header_is_left),
        cmocka_unit_test(what_must_not_be_fragmented_may_be_up_to_1422_bytes),
        cmocka_unit_test(own_fragmentation_needed_is_dropped_and_no_other_error),
    };

    return cmocka_run_group_tests_name("gateway programs", tests, setup, teardown);
}
