/* Heads of dropped packets in words, also of packets that are cut off anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "../harness/plans.h"

#include "vnetlab/base.h"
#include "vnetlab/event.h"
#include "vnetlab/probe.h"

static const struct vnl_mac mac = { { 0x00, 0x0d, 0x3a, 0x12, 0x34, 0x56 } };

static struct vnl_addr addr(const char *text)
{
    struct vnl_addr ret;

    assert_int_equal(vnl_addr_parse(text, &ret, NULL), 0);
    return ret;
}

static struct vnl_event event_of(const char *from, const char *to, enum vnl_probe_proto proto, uint16_t port)
{
    struct vnl_addr src = addr(from), dst = addr(to);
    unsigned char frame[VNL_FRAME_SIZE];
    size_t size = vnl_frame_build(&mac, &src, &dst, proto, 49152, port, frame);
    struct vnl_event event = { .size = (uint32_t)size,
                               .head_size = (uint8_t)(size < VNL_EVENT_HEAD ? size : VNL_EVENT_HEAD) };

    memcpy(event.head, frame, event.head_size);
    return event;
}

static void assert_text(const struct vnl_event *event, const char *wanted)
{
    struct vnl_event_packet packet;

    vnl_event_describe(event, &packet);
    assert_string_equal(packet.text, wanted);
}

static void addresses_and_ports_are_read(void **state)
{
    struct vnl_event event = event_of("10.0.0.4", "10.1.0.4", VNL_PROBE_TCP, 80);
    struct vnl_addr src = addr("10.0.0.4"), dst = addr("10.1.0.4");
    struct vnl_event_packet packet;

    (void)state;
    vnl_event_describe(&event, &packet);
    assert_string_equal(packet.text, "tcp 10.0.0.4:49152 > 10.1.0.4:80");
    assert_string_equal(packet.proto, "tcp");
    assert_true(packet.has_ports);
    assert_int_equal(packet.src_port, 49152);
    assert_int_equal(packet.dst_port, 80);
    assert_true(vnl_addr_eq(&packet.src, &src) && vnl_addr_eq(&packet.dst, &dst));
}

static void each_protocol_has_its_words(void **state)
{
    static const struct {
        const char *from, *to;
        enum vnl_probe_proto proto;
        const char *text;
    } rows[] = {
        { "10.0.0.4", "10.1.0.4", VNL_PROBE_UDP, "udp 10.0.0.4:49152 > 10.1.0.4:53" },
        { "10.0.0.4", "10.1.0.4", VNL_PROBE_ICMP, "icmp 10.0.0.4 > 10.1.0.4 echo request" },
        { "fd00::4", "fd00::5", VNL_PROBE_TCP, "tcp [fd00::4]:49152 > [fd00::5]:53" },
        { "fd00::4", "fd00::5", VNL_PROBE_ICMP, "icmp6 fd00::4 > fd00::5 echo request" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct vnl_event event = event_of(rows[i].from, rows[i].to, rows[i].proto, 53);

        assert_text(&event, rows[i].text);
    }
}

static void protocol_without_a_name_is_a_number(void **state)
{
    struct vnl_event event = event_of("10.0.0.4", "10.1.0.4", VNL_PROBE_ICMP, 0);

    (void)state;
    event.head[23] = 47;
    assert_text(&event, "proto 47 10.0.0.4 > 10.1.0.4");
    event.head[23] = IPPROTO_ESP;
    assert_text(&event, "esp 10.0.0.4 > 10.1.0.4");
}

static void later_fragment_has_no_ports(void **state)
{
    struct vnl_event v4 = event_of("10.0.0.4", "10.1.0.4", VNL_PROBE_UDP, 53), first = v4;
    struct vnl_event v6 = event_of("fd00::4", "fd00::5", VNL_PROBE_UDP, 53);
    static const uint8_t header[8] = { IPPROTO_UDP, 0, 0x00, 0x09, 0, 0, 0, 1 };

    (void)state;
    v4.head[20] = 0x00;
    v4.head[21] = 0xb9; /* offset 185 * 8 */
    assert_text(&v4, "udp 10.0.0.4 > 10.1.0.4 fragment");
    first.head[20] = 0x20; /* more fragments follow, this is the first */
    assert_text(&first, "udp 10.0.0.4:49152 > 10.1.0.4:53");
    v6.head[20] = IPPROTO_FRAGMENT;
    memcpy(v6.head + 54, header, sizeof(header));
    v6.head[56] = 0x05;
    assert_text(&v6, "udp fd00::4 > fd00::5 fragment");
}

static void ipv4_options_are_stepped_over(void **state)
{
    struct vnl_event event = event_of("10.0.0.4", "10.1.0.4", VNL_PROBE_TCP, 80);

    (void)state;
    memmove(event.head + 38, event.head + 34, 8);
    event.head[14] = 0x46;
    event.head_size = 54;
    assert_text(&event, "tcp 10.0.0.4:49152 > 10.1.0.4:80");
    event.head[14] = 0x40; /* nonsense: taken as 20 bytes */
    event.head[35] = 1;
    assert_text(&event, "tcp 10.0.0.4:49153 > 10.1.0.4:80");
}

static void what_is_not_ip_is_named_by_its_type(void **state)
{
    struct vnl_event event = { .size = 60,
                               .head_size = 60,
                               .head = { 1, 0x80, 0xc2, 0, 0, 0x0e, 0, 0x0d, 0x3a, 1, 2, 3, 0x88, 0xcc } };
    struct vnl_event arp = { .size = 42,
                             .head_size = 42,
                             .head = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,  0x0d, 0x3a, 1, 2,
                                       3,    0x08, 0x06, 0,    1,    8,    0,  6,    4,    0, 1,
                                       0,    0x0d, 0x3a, 1,    2,    3,    10, 0,    0,    4, 0,
                                       0,    0,    0,    0,    0,    10,   0,  0,    5 } };

    (void)state;
    assert_text(&event, "ethertype 88cc from 00:0d:3a:01:02:03, 60 bytes");
    assert_text(&arp, "arp 10.0.0.4 > 10.0.0.5 request");
}

/* Every length, with nothing readable behind it: the sanitizers watch. */
static void packet_cut_off_anywhere_is_described(void **state)
{
    static const char *const to[] = { "10.1.0.4", "fd00::5" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
        struct vnl_event event = event_of(i ? "fd00::4" : "10.0.0.4", to[i], VNL_PROBE_TCP, 80);
        uint8_t whole = event.head_size;

        for (uint8_t size = 0; size <= whole; size++) {
            struct vnl_event_packet packet;

            event.head_size = size;
            memset(event.head + size, 0xff, sizeof(event.head) - size);
            vnl_event_describe(&event, &packet);
            assert_true(packet.text[0] != '\0');
            assert_int_equal(packet.has_ports, size >= (i ? 58 : 38));
            event = event_of(i ? "fd00::4" : "10.0.0.4", to[i], VNL_PROBE_TCP, 80);
        }
    }
}

static void size_of_the_head_is_not_trusted(void **state)
{
    struct vnl_event event = event_of("10.0.0.4", "10.1.0.4", VNL_PROBE_TCP, 80);

    (void)state;
    event.head_size = 255;
    assert_text(&event, "tcp 10.0.0.4:49152 > 10.1.0.4:80");
}

static void rule_is_found_by_its_counter(void **state)
{
    CLEANUP(vnl_plan_free)
    struct vnl_plan *plan = plan_of("location: eastus\n"
                                    "vnets: {aa: {addressSpace: [10.0.0.0/16], subnets: {s: {addressPrefix: "
                                    "10.0.0.0/24, networkSecurityGroup: web}}}}\n"
                                    "networkSecurityGroups: {web: {securityRules: {no: {priority: 100, "
                                    "direction: Inbound, access: Deny}}}}\n"
                                    "virtualMachines: {vm-1: {subnet: aa/s}}\n");
    const struct vnl_plan_rules *rules = NULL;
    const struct vnl_plan_rule *rule = NULL;

    (void)state;
    assert_true(vnl_event_rule(plan, plan->rules[0].rules[0].counter, &rules, &rule));
    assert_string_equal(rules->nsg_name, "web");
    assert_string_equal(rule->name, "no");
    assert_false(vnl_event_rule(plan, VNL_NO_RULE, &rules, &rule));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_ports_are_read),
        cmocka_unit_test(each_protocol_has_its_words),
        cmocka_unit_test(protocol_without_a_name_is_a_number),
        cmocka_unit_test(later_fragment_has_no_ports),
        cmocka_unit_test(ipv4_options_are_stepped_over),
        cmocka_unit_test(what_is_not_ip_is_named_by_its_type),
        cmocka_unit_test(packet_cut_off_anywhere_is_described),
        cmocka_unit_test(size_of_the_head_is_not_trusted),
        cmocka_unit_test(rule_is_found_by_its_counter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
