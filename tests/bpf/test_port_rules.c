/* The classifier in the loaded program against the naive evaluator: random rule sets and ones that are meant to hurt. The sender forwards,
 * so packets may come from anywhere; what their rules say comes before what their route says. */
#include "port.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <time.h>

#include "../harness/rule_sets.h"
#include "vnetlab/drop.h"

static const struct vnl_image_size size = { .nic_slots = WORLD_NICS,
                                            .owner_slots = 64,
                                            .pool_bytes = 4 << 20,
                                            .rule_slots = 4096,
                                            .flow_slots = VNL_FLOW_WAYS,
                                            .parts = VNL_PART_RULES };

static unsigned decided;

static void packet_frame(const struct naive_packet *packet, struct frame *frame)
{
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
    struct frame_spec spec = { .from = WORLD_APPLIANCE,
                               .src = inet_ntop(packet->src.family, packet->src.bytes, src, sizeof(src)),
                               .dst = inet_ntop(packet->dst.family, packet->dst.bytes, dst, sizeof(dst)),
                               .proto = packet->proto };
    size_t l4 = packet->src.family == AF_INET6 ? AT_L4_V6 : AT_L4;

    frame_build(frame, &spec);
    if (packet->proto == 6 || packet->proto == 17) {
        frame_put16(frame, l4, packet->src_port);
        frame_put16(frame, l4 + 2, packet->dst_port);
    }
}

static void assert_agree(struct port *port, const struct vnl_plan_rules *rules,
                         const struct naive_packet *packet)
{
    int place = naive_rule(rules, false, packet);
    const struct vnl_plan_rule *rule = &rules->rules[rules->n_inbound + (size_t)place];
    struct vnl_verdict got;
    struct frame frame;
    char text[160];

    assert_true(place >= 0);
    if (packet->src.family != packet->dst.family)
        return;
    packet_frame(packet, &frame);
    got = port_run(port, WORLD_APPLIANCE, &frame);
    if (got.stage < VNL_STAGE_NSG_OUTBOUND ||
        got.out_slot == WORLD_APPLIANCE) /* to itself: asked inbound, too */
        return;
    decided++;
    if (got.rule != rule->counter || (got.reason == VNL_DROP_NSG_OUTBOUND) == rule->allow)
        fail_msg("%s: rule %d (counter %u) %s; the program says %s by counter %u",
                 rule_sets_packet_text(packet, text), place, rule->counter, rule->allow ? "allows" : "denies",
                 vnl_drop_str(got.reason), got.rule);
}

static void random_rule_sets(void **state)
{
    static const size_t sizes[][2] = { { 1, 1 }, { 7, 20 }, { 64, 100 }, { 65, 300 }, { 1000, 4000 } };
    struct port *port = *state;

    for (int flavor = 0; flavor < RULE_FLAVOR_MAX; flavor++) {
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
            struct vnl_plan_rules *rules =
                rule_sets_build((enum rule_flavor)flavor, sizes[i][0], sizes[i][1]);
            CLEANUP(vnl_image_free) struct vnl_image *image = NULL;

            port->world.nics[WORLD_APPLIANCE].rules_nic = rules;
            image = world_image(&port->world, &size, 0);
            assert_int_equal(vnl_bpf_publish_image(port->bpf, image, NULL, NULL), 0);
            for (int k = 0; k < 1000; k++) {
                struct naive_packet packet = k % 2 ? rule_sets_packet(rules) : rule_sets_border_packet(rules);

                assert_agree(port, rules, &packet);
            }
            port->world.nics[WORLD_APPLIANCE].rules_nic = NULL;
            rule_sets_free(&rules);
        }
    }
    assert_true(decided > 1000);
}

static int setup(void **state)
{
    static struct port port;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    const char *seed = getenv("VNETLAB_TEST_SEED");
    unsigned number = seed ? (unsigned)strtoul(seed, NULL, 0) : (unsigned)time(NULL);

    srand(number);
    print_message("seed %u\n", number);
    world_init(&port.world);
    if (vnl_bpf_load_sized(&size, NULL, &port.bpf, &err) < 0)
        fail_msg("%s", err->msg);
    *state = &port;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_rule_sets) };

    return cmocka_run_group_tests_name("security rules in the port program", tests, setup, port_teardown);
}
