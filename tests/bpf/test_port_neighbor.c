/* The port program as everyone's neighbor: which ARP requests and neighbor solicitations are answered,
 * with which bytes, and which are not. */
#include "port.h"

#include "vnetlab/drop.h"

/* --- ARP ------------------------------------------------------------------------------------------------ */

static void assert_arp_reply(struct port *port, const char *sender, const char *target)
{
    struct frame asked, frame;
    uint8_t mac[6];
    struct vnl_verdict got;

    frame_arp(&frame, WORLD_VM, 1, sender, target);
    asked = frame;
    got = port_run(port, WORLD_VM, &frame);
    assert_true(got.answered);
    assert_int_equal(got.reason, VNL_DROP_NONE);
    assert_int_equal(got.stage, VNL_STAGE_NEIGHBOR);
    frame_mac(WORLD_VM, mac);
    assert_memory_equal(frame.data, mac, 6);
    assert_memory_equal(frame.data + 6, ((uint8_t[])VNL_FABRIC_MAC), 6);
    assert_memory_equal(frame.data + 12, asked.data + 12, 8); /* as asked, up to the operation */
    assert_int_equal(frame_get16(&frame, 20), 2);
    assert_memory_equal(frame.data + 22, ((uint8_t[])VNL_FABRIC_MAC), 6);
    assert_memory_equal(frame.data + 28, asked.data + 38, 4); /* the target says so */
    assert_memory_equal(frame.data + 32, mac, 6);
    assert_memory_equal(frame.data + 38, asked.data + 28, 4); /* to the sender */
}

static void arp_is_answered_for_every_foreign_address(void **state)
{
    assert_arp_reply(*state, "10.0.0.4", "10.0.0.1");
    assert_arp_reply(*state, "10.0.0.4", "10.0.0.5");
    assert_arp_reply(*state, "10.0.0.4", "10.0.0.99");
    assert_arp_reply(*state, "10.0.0.4", "8.8.8.8");
    assert_arp_reply(*state, "10.0.0.44", "10.0.0.1");
    assert_arp_reply(*state, "0.0.0.0", "10.0.0.5");
    assert_arp_reply(*state, "10.77.0.1", "10.0.0.1"); /* whoever asks: the packets that follow are checked */
}

static void assert_arp_drop(struct port *port, const struct frame *sent, const char *what)
{
    struct frame frame = *sent;
    struct vnl_verdict got = port_run(port, WORLD_VM, &frame);

    if (got.reason != VNL_DROP_ARP || got.stage != VNL_STAGE_NEIGHBOR || got.answered)
        fail_msg("%s: %s at stage %s", what, vnl_drop_str(got.reason), vnl_stage_str(got.stage));
    assert_memory_equal(frame.data, sent->data, sent->size);
}

static void arp_that_is_no_such_request_is_dropped(void **state)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
    } wrong[] = {
        { "reply", 21, 2 },         { "inverse request", 21, 8 },
        { "hardware type", 15, 6 }, { "protocol type", 16, 0x86 },
        { "hardware size", 18, 8 }, { "protocol size", 19, 16 },
        { "sender's MAC", 27, 9 },
    };
    struct frame frame;

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        frame_arp(&frame, WORLD_VM, 1, "10.0.0.4", "10.0.0.5");
        frame.data[wrong[i].at] = wrong[i].value;
        assert_arp_drop(*state, &frame, wrong[i].what);
    }
    frame_arp(&frame, WORLD_VM, 2, "10.0.0.4", "10.0.0.4");
    assert_arp_drop(*state, &frame, "gratuitous reply");
}

static void own_addresses_are_not_defended_against_their_owner(void **state)
{
    static const char *const pairs[][2] = { { "0.0.0.0", "10.0.0.4" },
                                            { "10.0.0.4", "10.0.0.4" },
                                            { "0.0.0.0", "10.0.0.44" },
                                            { "10.0.0.4", "10.0.0.44" } };
    struct frame frame;

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        frame_arp(&frame, WORLD_VM, 1, pairs[i][0], pairs[i][1]);
        assert_arp_drop(*state, &frame, pairs[i][1]);
    }
}

static void arp_cut_short_is_dropped(void **state)
{
    struct frame frame;

    frame_arp(&frame, WORLD_VM, 1, "10.0.0.4", "10.0.0.5");
    frame.size--;
    assert_int_equal(port_run(*state, WORLD_VM, &frame).reason, VNL_DROP_TRUNCATED);
}

/* --- neighbor discovery --------------------------------------------------------------------------------- */

static void assert_advertisement(struct port *port, const char *source, const char *target, bool router)
{
    const struct world_addr from = world_addr(target), to = world_addr(source);
    struct frame frame;
    uint8_t mac[6];
    struct vnl_verdict got;

    frame_ns(&frame, WORLD_VM, source, target, true);
    got = port_run(port, WORLD_VM, &frame);
    if (!got.answered)
        fail_msg("%s asks for %s: %s", source, target, vnl_drop_str(got.reason));
    assert_int_equal(got.stage, VNL_STAGE_NEIGHBOR);
    frame_mac(WORLD_VM, mac);
    assert_int_equal(frame.size, 86);
    assert_memory_equal(frame.data, mac, 6);
    assert_memory_equal(frame.data + 6, ((uint8_t[])VNL_FABRIC_MAC), 6);
    assert_int_equal(frame_get16(&frame, 12), 0x86dd);
    assert_int_equal(frame.data[14] >> 4, 6);
    assert_int_equal(frame_get16(&frame, 18), 32);
    assert_int_equal(frame.data[20], 58);
    assert_int_equal(frame.data[21], 255);
    assert_memory_equal(frame.data + 22, from.ip, 16);
    assert_memory_equal(frame.data + 38, to.ip, 16);
    assert_int_equal(frame.data[54], 136);
    assert_int_equal(frame.data[55], 0);
    assert_true(frame_checksums_ok(&frame));
    assert_int_equal(frame.data[58], router ? 0xe0 : 0x60); /* router, solicited, override */
    assert_memory_equal(frame.data + 59, "\0\0\0", 3);
    assert_memory_equal(frame.data + 62, from.ip, 16);
    assert_memory_equal(frame.data + 78, "\2\1", 2);
    assert_memory_equal(frame.data + 80, ((uint8_t[])VNL_FABRIC_MAC), 6);
}

static void solicitations_are_answered_for_every_foreign_address(void **state)
{
    assert_advertisement(*state, "fd00::4", "fd00::5", false);
    assert_advertisement(*state, "fd00::44", "fd00::99", false);
    assert_advertisement(*state, "fd00::4", "fe80::1234:5678:9abc", true);
    assert_advertisement(*state, "fd00::4", "2001:db8::ffff", false);
    assert_advertisement(*state, "fe80::20d:3aff:fe00:0", "fd00::5", false); /* the guest's own link-local */
}

static void a_solicitation_with_further_options_is_answered_without_them(void **state)
{
    struct frame frame;

    frame_ns(&frame, WORLD_VM, "fd00::4", "fd00::5", true);
    frame.size += 8;
    frame.data[86] = 14; /* nonce */
    frame.data[87] = 1;
    frame_fix(&frame);
    assert_true(port_run(*state, WORLD_VM, &frame).answered);
    assert_int_equal(frame_get16(&frame, 18), 32);
    frame.size = 86;
    assert_true(frame_checksums_ok(&frame));
}

static void solicitations_that_are_not_answered(void **state)
{
    static const struct {
        const char *what, *source, *target;
        bool option;
        size_t at;
        uint8_t value;
    } wrong[] = {
        { "own target", "fd00::4", "fd00::4", true, 55, 0 },
        { "own further target", "fd00::4", "fd00::44", true, 55, 0 },
        { "is mine taken?", "::", "fd00::4", false, 55, 0 },
        { "is another's taken?", "::", "fd00::5", false, 55, 0 },
        { "is another's taken? with an option", "::", "fd00::5", true, 55, 0 },
        { "multicast source", "ff02::5", "fd00::6", true, 55, 0 },
        { "no option", "fd00::4", "fd00::5", false, 55, 0 },
        { "hop limit", "fd00::4", "fd00::5", true, 21, 254 },
        { "code", "fd00::4", "fd00::5", true, 55, 1 },
        { "multicast target", "fd00::4", "fd00::5", true, 62, 0xff },
        { "option type", "fd00::4", "fd00::5", true, 78, 2 },
        { "option size", "fd00::4", "fd00::5", true, 79, 2 },
        { "option's MAC", "fd00::4", "fd00::5", true, 85, 9 },
        { "length", "fd00::4", "fd00::5", true, 19, 24 },
        { "length beyond the frame", "fd00::4", "fd00::5", true, 19, 33 },
        { "version", "fd00::4", "fd00::5", true, 14, 0x50 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct frame frame, sent;
        struct vnl_verdict got;

        frame_ns(&frame, WORLD_VM, wrong[i].source, wrong[i].target, wrong[i].option);
        frame.data[wrong[i].at] = wrong[i].value;
        sent = frame;
        got = port_run(*state, WORLD_VM, &frame);
        if (got.reason != VNL_DROP_NEIGHBOR_DISCOVERY || got.stage != VNL_STAGE_NEIGHBOR || got.answered)
            fail_msg("%s: %s at stage %s", wrong[i].what, vnl_drop_str(got.reason), vnl_stage_str(got.stage));
        assert_memory_equal(frame.data, sent.data, sent.size);
    }
}

/* Its table entry has no IPv6 address, which is all zeros as the unspecified one. */
static void a_nic_without_ipv6_does_not_own_the_unspecified_address(void **state)
{
    struct frame frame;

    frame_ns(&frame, WORLD_V4_ONLY, "::", "fd00::5", true);
    assert_int_equal(port_run(*state, WORLD_V4_ONLY, &frame).reason, VNL_DROP_NEIGHBOR_DISCOVERY);
}

static void a_router_solicitation_to_all_routers_is_neighbor_discovery(void **state)
{
    struct frame frame;
    struct frame_spec spec = {
        .from = WORLD_VM, .src = "fe80::1", .dst = "ff02::2", .proto = 58, .icmp_type = 133
    };

    frame_build(&frame, &spec);
    frame.data[0] = frame.data[1] = 0x33;
    assert_int_equal(port_run(*state, WORLD_VM, &frame).reason, VNL_DROP_NEIGHBOR_DISCOVERY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arp_is_answered_for_every_foreign_address),
        cmocka_unit_test(arp_that_is_no_such_request_is_dropped),
        cmocka_unit_test(own_addresses_are_not_defended_against_their_owner),
        cmocka_unit_test(arp_cut_short_is_dropped),
        cmocka_unit_test(solicitations_are_answered_for_every_foreign_address),
        cmocka_unit_test(a_solicitation_with_further_options_is_answered_without_them),
        cmocka_unit_test(solicitations_that_are_not_answered),
        cmocka_unit_test(a_nic_without_ipv6_does_not_own_the_unspecified_address),
        cmocka_unit_test(a_router_solicitation_to_all_routers_is_neighbor_discovery),
    };

    return cmocka_run_group_tests_name("port as everyone's neighbor", tests, port_setup, port_teardown);
}
