/* The port program against the naive evaluator: frames cut at each length, frames with random bits turned,
 * random route tables. They must agree in full, so nothing is delivered that the naive one would not deliver,
 * and nothing is dropped for another reason.
 *
 * VNETLAB_TEST_SEED repeats a run; a failure prints it, with the frame. */
#include "port.h"

#include <stdio.h>
#include <time.h>

#include "vnetlab/drop.h"

static uint64_t seed, rng;
static unsigned seen[VNL_DROP_MAX], translated;

static uint64_t rnd(uint64_t below)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng % below;
}

static void seed_rng(void)
{
    const char *text = getenv("VNETLAB_TEST_SEED");

    seed = text ? strtoull(text, NULL, 0) : 0x9e3779b97f4a7c15u ^ (uint64_t)time(NULL);
    rng = seed | 1;
}

static void fail_with_frame(const struct frame *sent, uint32_t slot, const struct naive_verdict *naive,
                            const struct vnl_verdict *got)
{
    char hex[3 * 128 + 1] = "";

    for (size_t i = 0; i < sent->size && i < 128; i++)
        sprintf(hex + 3 * i, "%02x ", sent->data[i]);
    fail_msg("seed %#llx, port %u: naive says %s at %u (answered %d, to %u), the program %s at %u (%d, %u); "
             "%zu bytes: %s",
             (unsigned long long)seed, slot, vnl_drop_str(naive->reason), naive->slot, naive->answered,
             naive->out, vnl_drop_str(got->reason), got->slot, got->answered, got->out_slot, sent->size, hex);
}

/* What is dropped stays as it was; what is delivered differs in its MACs only, and in what is translated. */
static void assert_arrives(const struct frame *sent, const struct frame *frame,
                           const struct naive_verdict *naive)
{
    struct frame wanted = *sent;

    if (naive->reason == VNL_DROP_NONE) {
        memcpy(wanted.data, frame->data, 12);
        if (!naive->src.v6) {
            memcpy(wanted.data + AT_IP + 12, naive->src.ip + 12, 4);
            memcpy(wanted.data + AT_IP + 16, naive->dst.ip + 12, 4);
        }
        if (!naive->src.v6 && naive->sport | naive->dport) {
            frame_put16(&wanted, AT_L4, naive->sport);
            frame_put16(&wanted, AT_L4 + 2, naive->dport);
        }
    }
    if (memcmp(wanted.data, sent->data, sent->size) == 0 ||
        memcmp(wanted.data + 12, sent->data + 12, sent->size - 12) == 0) {
        assert_memory_equal(frame->data, wanted.data, sent->size);
        return;
    }
    translated++;
    assert_memory_equal(frame->data + AT_IP + 12, wanted.data + AT_IP + 12, 8);
    if (naive->sport | naive->dport)
        assert_memory_equal(frame->data + AT_L4, wanted.data + AT_L4, 4);
    if (frame_checksums_ok(sent))
        assert_true(frame_checksums_ok(frame));
}

static void assert_agree(struct port *port, uint32_t slot, const struct frame *sent)
{
    struct naive_verdict naive = naive_decide(&port->world, slot, sent);
    struct frame frame = *sent;
    struct vnl_verdict got = { 0 };

    if (!port_try(port, slot, &frame, &got))
        return;
    if (got.reason != naive.reason || got.slot != naive.slot || got.answered != naive.answered ||
        (got.reason == VNL_DROP_NONE && !got.answered && got.out_slot != naive.out))
        fail_with_frame(sent, slot, &naive, &got);
    seen[got.reason]++;
    if (!got.answered)
        assert_arrives(sent, &frame, &naive);
}

/* --- seeds: one of each kind ---------------------------------------------------------------------------- */

static const struct frame_spec specs[] = {
    { .src = "10.0.0.4", .dst = "10.0.0.5" },
    { .src = "10.0.0.4", .dst = "10.1.0.4", .proto = 17, .payload = 30 },
    { .src = "10.0.0.44", .dst = "10.3.0.4", .proto = 1, .payload = 8 },
    { .src = "10.0.0.4", .dst = "10.0.0.5", .proto = 50, .payload = 8 },
    { .src = "10.0.0.4", .dst = "10.4.0.4", .proto = 51 },
    { .src = "10.0.0.4", .dst = "10.0.0.5", .proto = 17, .payload = 64, .more = true },
    { .src = "10.0.0.4", .dst = "10.0.0.5", .proto = 17, .payload = 64, .offset = 64 },
    { .src = "fd00::4", .dst = "fd00::5" },
    { .src = "fd00::4", .dst = "fd00:0:1::4", .proto = 17, .payload = 30 },
    { .src = "fd00::44", .dst = "fd00:0:2::4", .proto = 58, .payload = 30 },
    { .src = "fd00::4", .dst = "fd00::5", .proto = 17, .payload = 64, .more = true },
    { .src = "fd00::4", .dst = "fd00::5", .proto = 6, .payload = 64, .offset = 64 },
    { .src = "fd00::4", .dst = "fd00::5", .has_extension = true, .extension = 60, .payload = 20 },
    { .src = "fd00::4", .dst = "fd00::5", .has_extension = true, .extension = 0, .payload = 20 },
};
#define N_SEEDS (ARRAY_SIZE(specs) + 3)

static void seed_frame(struct frame *frame, size_t i, uint32_t from)
{
    struct frame_spec spec;

    switch (i) {
    case ARRAY_SIZE(specs):
        frame_arp(frame, from, 1, "10.0.0.4", "10.0.0.5");
        return;
    case ARRAY_SIZE(specs) + 1:
        frame_ns(frame, from, "fd00::4", "fd00::5", true);
        return;
    case ARRAY_SIZE(specs) + 2:
        frame_build(frame, &(struct frame_spec){ .from = from,
                                                 .src = "0.0.0.0",
                                                 .dst = "255.255.255.255",
                                                 .proto = 17,
                                                 .sport = 68,
                                                 .dport = 67 });
        memset(frame->data, 0xff, 6);
        return;
    }
    spec = specs[i];
    spec.from = from;
    frame_build(frame, &spec);
}

static void frames_cut_at_each_length(void **state)
{
    for (size_t i = 0; i < N_SEEDS; i++) {
        for (int fixed = 0; fixed < 2; fixed++) {
            struct frame whole;

            seed_frame(&whole, i, WORLD_VM);
            for (size_t size = AT_IP; size <= whole.size; size++) {
                struct frame frame = whole;

                frame.size = size;
                if (fixed && size >= AT_L4_V6)
                    frame_fix(&frame); /* the header claims no more than is there */
                assert_agree(*state, WORLD_VM, &frame);
            }
        }
    }
}

static void turn_bits(struct frame *frame)
{
    for (uint64_t n = 1 + rnd(4); n > 0; n--) {
        uint64_t at =
            rnd(2) ? rnd(frame->size) : AT_TYPE + rnd(frame->size < 62 ? frame->size - AT_TYPE : 50);

        frame->data[at] = rnd(4) ? frame->data[at] ^ 1u << rnd(8) : (uint8_t)rnd(256);
    }
    if (rnd(8) == 0)
        frame->size = AT_IP + rnd(frame->size - AT_IP + 1);
    if (rnd(8) == 0 && frame->size >= AT_L4_V6)
        frame_fix(frame);
}

static void frames_with_random_bits_turned(void **state)
{
    static const uint32_t ports[] = { WORLD_VM, WORLD_VM, WORLD_APPLIANCE, WORLD_PEER, WORLD_GATEWAY };

    for (int i = 0; i < 200000; i++) {
        struct frame frame;
        uint32_t slot = ports[rnd(ARRAY_SIZE(ports))];

        seed_frame(&frame, rnd(N_SEEDS), slot);
        turn_bits(&frame);
        assert_agree(*state, slot, &frame);
    }
    assert_true(seen[VNL_DROP_NONE] > 1000); /* it does not only ever test the first checks */
    assert_true(seen[VNL_DROP_NO_OWNER] > 100);
}

/* --- random routes -------------------------------------------------------------------------------------- */

static struct world_prefix random_prefix(bool v6, unsigned min_len, unsigned max_len)
{
    struct world_prefix row = { .addr = { .v6 = v6 }, .len = min_len + rnd(max_len - min_len + 1) };
    unsigned bits = v6 ? 0 : 96;

    if (!v6)
        row.addr.ip[10] = row.addr.ip[11] = 0xff;
    for (unsigned i = bits; i < bits + row.len; i++)
        row.addr.ip[i / 8] |= (rnd(2) << (7 - i % 8));
    row.kind = rnd(VNL_ROUTE_KIND_MAX);
    row.flags = rnd(2) ? VNL_ROUTE_DENY_ACCESS_LOCAL
                       : 0; /* tells routes to a VNet apart: nobody owns an address there */
    row.flags |= rnd(4) ? 0 : VNL_ROUTE_GLOBAL | VNL_ROUTE_DENY_FORWARDED;
    if (row.kind == VNL_ROUTE_KIND_GATEWAY && rnd(4) == 0)
        row.vnet = VNL_ROUTE_NO_NIC;
    else if (row.kind == VNL_ROUTE_KIND_APPLIANCE || row.kind == VNL_ROUTE_KIND_GATEWAY)
        row.vnet = rnd(WORLD_NICS);
    else
        row.vnet = row.kind == VNL_ROUTE_KIND_VNET ? 7 : rnd(2);
    return row;
}

static struct world_outside outside;

static struct world_rule random_rule(void)
{
    static const uint8_t protos[] = { 0, 6, 17 };
    struct world_rule rule = {
        .proto = protos[rnd(3)], .distribution = rnd(3), .floating = rnd(3) == 0, .health_id = 1
    };

    if (rule.proto) {
        rule.frontend_port = rnd(4) ? 80 : 81;
        rule.backend_port = 8000 + rnd(2);
    }
    rule.n_backends = rnd(4);
    for (size_t i = 0; i < rule.n_backends; i++)
        rule.backends[i] = rnd(2) ? WORLD_BACKEND : rnd(2) ? WORLD_APPLIANCE : WORLD_NEIGHBOR;
    return rule;
}

/* Balancers, public IPs, ways out for the VM, anything that can be there or not. */
static void random_surroundings(struct world *world)
{
    struct world_nic *vm = &world->nics[WORLD_VM];

    while (world->n_balancers < 2)
        (void)world_balance(world, 0, world->n_balancers ? "10.0.0.101" : "10.0.0.100", 0);
    while (world->n_publics < 2)
        world_publish(world, world->n_publics ? "192.0.2.5" : "192.0.2.4",
                      world->n_publics ? WORLD_NEIGHBOR : WORLD_VM,
                      world->n_publics ? "10.0.0.5" : "10.0.0.4", 0);
    for (int i = 0; i < 2; i++) {
        world->publics[i].flags = rnd(2) ? VNL_PUBLIC_CLOSED : 0;
        world->balancers[i].flags = rnd(2) ? VNL_BALANCER_BASIC : 0;
        world->balancers[i].n_rules = rnd(4);
        for (int k = 0; k < 4; k++)
            world->balancers[i].rules[k] = random_rule();
    }
    world->publics[0].inner = world_addr(rnd(2) ? "10.0.0.4" : "10.0.0.44");
    outside = (struct world_outside){
        .outer = { world_addr("192.0.2.128") },
        .n_outer = rnd(3) > 0,
        .flags = rnd(2) ? VNL_OUTSIDE_GATEWAY : 0,
        .port_first = 2000,
        .n_ports = rnd(4) > 0 /* more, and only the program knows which */
    };
    vm->outside = rnd(4) ? &outside : NULL;
    vm->flags &= ~VNL_NIC_HAS_SESSIONS;
    vm->flags |= vm->outside ? VNL_NIC_HAS_SESSIONS : 0;
    world->routes[WORLD_INTERNET].n = 0;
    for (int i = 0; i < 12; i++) {
        struct world_prefix row = random_prefix(false, i ? 1 : 0, i ? 5 : 0);
        static const uint16_t kinds[] = { VNL_ROUTE_KIND_VNET, VNL_ROUTE_KIND_PUBLIC, VNL_ROUTE_KIND_SESSION,
                                          VNL_ROUTE_KIND_NONE };

        row.kind = kinds[rnd(4)];
        row.flags = 0;
        row.vnet = row.kind == VNL_ROUTE_KIND_VNET ? VNL_INTERNET_SLOT : rnd(2);
        world_add(&world->routes[WORLD_INTERNET], row);
    }
}

/* Text of an address at or beside one end of a random row, or of any. */
static void random_destination(const struct world_prefixes *list, bool v6, uint8_t ip[16])
{
    const struct world_prefix *row = &list->rows[rnd(list->n)];
    int from = v6 ? 0 : 12, end = rnd(3);

    memcpy(ip, row->addr.ip, 16);
    for (unsigned i = (v6 ? 0 : 96) + row->len; end && i < 128; i++)
        ip[i / 8] |= 1 << (7 - i % 8);
    if (end == 2) {
        for (int i = 15; i >= from && ++ip[i] == 0; i--)
            ;
    }
    for (int i = from; i < 16 && rnd(8) == 0; i++)
        ip[i] = rnd(256);
}

static void assert_routes_agree(struct port *port, int rounds)
{
    static const uint8_t protos[] = { 17, 17, 6, 50 };
    const struct world_prefixes *list = &port->world.routes[0];

    for (int i = 0; i < rounds; i++) {
        bool v6 = list->rows[rnd(list->n)].addr.v6;
        struct frame_spec spec = { .src = v6 ? "fd00::4" : "10.0.0.4",
                                   .dst = v6 ? "fd00::5" : "10.0.0.5",
                                   .proto = protos[rnd(4)],
                                   .payload = 8 };
        struct world_prefixes same = { 0 };
        uint8_t ip[16];
        struct frame frame;

        for (size_t k = 0; k < list->n && same.n < 64; k++) { /* some rows of that family */
            const struct world_prefix *row = &list->rows[rnd(list->n)];

            if (row->addr.v6 == v6)
                world_add(&same, *row);
        }
        if (same.n) {
            random_destination(&same, v6, ip);
            frame_build(&frame, &spec);
            memcpy(frame.data + (v6 ? AT_IP + 24 : AT_IP + 16), v6 ? ip : ip + 12, v6 ? 16 : 4);
            assert_agree(port, WORLD_VM, &frame);
        }
        free(same.rows);
    }
}

static void random_route_tables(void **state)
{
    struct port *port = *state;

    for (int table = 0; table < 100; table++) {
        struct world_prefixes kept = port->world.routes[0];

        random_surroundings(&port->world);
        port->world.routes[0] = (struct world_prefixes){ 0 };
        for (uint64_t n = 1 + rnd(60); n > 0; n--)
            world_add(&port->world.routes[0],
                      rnd(2) ? random_prefix(false, 0, 32) : random_prefix(true, 0, 128));
        port_publish(port, 0);
        assert_routes_agree(port, 200);
        free(port->world.routes[0].rows);
        port->world.routes[0] = kept;
    }
    port_publish(port, 0);
    assert_true(translated > 100);
    for (int i = VNL_DROP_ROUTING_LOOP; i < VNL_DROP_MAX; i++) {
        if (!seen[i] && i != VNL_DROP_FOREIGN_TO_INTERNET && i != VNL_DROP_BALANCER_HAIRPIN &&
            i != VNL_DROP_GUEST_FORWARDING && i != VNL_DROP_NO_TUNNEL)
            fail_msg("seed %#llx: no packet was dropped with %s", (unsigned long long)seed, vnl_drop_str(i));
    }
}

/* As many ranges as the layout allows: each prefix begins one and ends one. */
static void the_largest_route_table(void **state)
{
    const struct vnl_image_size size = { .nic_slots = WORLD_NICS,
                                         .owner_slots = 64,
                                         .pool_bytes = 4 << 20,
                                         .flow_slots = 1 << 12,
                                         .parts = VNL_PART_SESSIONS };
    struct port port = { 0 };
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;

    (void)state;
    world_init(&port.world);
    random_surroundings(&port.world);
    port.world.routes[0].n = 0;
    for (uint32_t i = 0; i < VNL_ROUTE_RANGES_MAX / 2 - 1; i++) {
        struct world_prefix row4 = random_prefix(false, 32, 32), row6 = random_prefix(true, 128, 128);

        row4.addr.ip[12] = 10 + (i >> 12); /* apart from each other by construction */
        row4.addr.ip[13] = i >> 4;
        row4.addr.ip[14] = i << 4;
        row4.addr.ip[15] |= 1;
        row6.addr.ip[0] = 0x20;
        row6.addr.ip[7] = i >> 8;
        row6.addr.ip[8] = i;
        world_add(&port.world.routes[0], row4);
        world_add(&port.world.routes[0], row6);
    }
    image = world_image(&port.world, &size, 0);
    assert_int_equal(vnl_bpf_load_sized(&size, NULL, &port.bpf, NULL), 0);
    assert_int_equal(vnl_bpf_publish_image(port.bpf, image, NULL, NULL), 0);
    assert_routes_agree(&port, 3000);
    port_done(&port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_cut_at_each_length),
        cmocka_unit_test(frames_with_random_bits_turned),
        cmocka_unit_test(random_route_tables),
        cmocka_unit_test(the_largest_route_table),
    };

    seed_rng();
    return cmocka_run_group_tests_name("port against the naive evaluator", tests, port_setup, port_teardown);
}
