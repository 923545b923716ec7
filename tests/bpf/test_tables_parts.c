/* Parts of the port program that a lab can do without (layout.h, VNL_PART_*): which of them a plan needs, what happens where one is
 * missing, and how a running lab comes by one. */
#include "sessions.h"

#include "vnetlab/lab.h"
#include "vnetlab/load.h"

#define FRONTEND "10.0.0.100"

/* --- by plan --------------------------------------------------------------------------------------------------------- */

#define LAB                                                                                                  \
    "name: parts\n"                                                                                          \
    "vnets: {net: {addressSpace: [10.0.0.0/16], subnets: {default: 10.0.0.0/24}}}\n"
#define VMS "virtualMachines: {one: {subnet: net/default}, two: {subnet: net/default}}\n"
#define GROUPED                                                                                              \
    "virtualMachines: {one: {subnet: net/default, networkSecurityGroup: all}, two: {subnet: net/default}}\n"
#define GROUP_   "networkSecurityGroups: {all: {}}\n"
#define INTERNET "internet: {}\n"
#define BALANCER                                                                                             \
    "loadBalancers: {lb: {sku: Standard, frontendIPConfigurations: {fe: {subnet: net/default}}, "            \
    "backendAddressPools: {pool: []}}}\n"

static const struct {
    const char *text;
    uint32_t parts;
} cases[] = {
    { LAB VMS, 0 },
    { LAB VMS GROUP_, 0 }, /* acts nowhere */
    { LAB GROUPED GROUP_, VNL_PART_RULES },
    { LAB VMS INTERNET, VNL_PART_SESSIONS },
    { LAB VMS BALANCER, VNL_PART_SESSIONS },
    { LAB GROUPED GROUP_ INTERNET, VNL_PART_RULES | VNL_PART_SESSIONS },
};

static struct vnl_plan *plan_of(const char *text)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_plan *plan = NULL;
    struct vnl_lab *lab = NULL;

    if (vnl_lab_load_text("parts.yaml", text, strlen(text), &lab, &err) < 0 ||
        vnl_lab_settle(lab, NULL, &err) < 0 || vnl_plan_build(lab, &plan, &err) < 0)
        fail_msg("%s", err->msg);
    vnl_lab_free(&lab);
    return plan;
}

static struct vnl_bpf *load_for(const char *text, const struct vnl_bpf *old)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_plan *plan = plan_of(text);
    struct vnl_bpf *bpf = NULL;

    if (vnl_bpf_load(plan, old, NULL, &bpf, &err) < 0 || vnl_bpf_publish(bpf, plan, NULL, &err) < 0)
        fail_msg("%s", err->msg);
    vnl_plan_free(&plan);
    return bpf;
}

static void a_plan_gets_the_parts_that_it_needs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = load_for(cases[i].text, NULL);

        assert_int_equal(bpf->size.parts, cases[i].parts);
        assert_int_equal(!!bpf->size.flow_slots, !!cases[i].parts);
        assert_int_equal(reason_of(bpf, 0, "10.0.0.4", "10.0.0.99"), VNL_DROP_SOURCE_MAC);
    }
}

static void a_plan_fits_tables_with_the_parts_that_it_needs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = load_for(cases[i].text, NULL);

        for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
            struct vnl_plan *plan = plan_of(cases[k].text);

            assert_int_equal(vnl_bpf_fits(bpf, plan), !(cases[k].parts & ~cases[i].parts));
            vnl_plan_free(&plan);
        }
    }
}

/* A lab that loses its last group or load balancer and then grows. */
static void tables_made_anew_have_only_what_is_needed_now_and_keep_the_flows(void **state)
{
    CLEANUP(vnl_bpf_close) struct vnl_bpf *both = load_for(LAB GROUPED GROUP_ INTERNET, NULL);
    CLEANUP(vnl_bpf_close) struct vnl_bpf *none = load_for(LAB VMS, both);
    CLEANUP(vnl_bpf_close) struct vnl_bpf *again = load_for(LAB VMS INTERNET, none);

    (void)state;
    assert_int_equal(none->size.parts, 0);
    assert_int_equal(none->size.flow_slots, both->size.flow_slots);
    assert_int_equal(again->size.parts, VNL_PART_SESSIONS);
    assert_int_equal(vnl_bpf_control(again)->flow_seed, vnl_bpf_control(both)->flow_seed);
    ((struct vnl_flow_bucket *)both->table[VNL_BPF_FLOWS].addr)->flow[0].state = 77;
    assert_int_equal(((struct vnl_flow_bucket *)again->table[VNL_BPF_FLOWS].addr)->flow[0].state, 77);
}

static void parts_without_flows_are_refused(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_image_size size = world_size;
    struct vnl_bpf *bpf = NULL;

    (void)state;
    size.flow_slots = 0;
    assert_int_equal(vnl_bpf_load_sized(&size, NULL, &bpf, &err), -E2BIG);
    assert_non_null(strstr(err->msg, "0 flows: out of range"));
    assert_null(bpf);
}

/* --- by packet ------------------------------------------------------------------------------------------------------- */

static struct vnl_bpf *load_world(struct port *port, uint32_t parts, const struct vnl_bpf *old)
{
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_image_size size = world_size;
    struct vnl_bpf *bpf = NULL;

    size.parts = parts;
    image = world_image(&port->world, &size, 0);
    if (vnl_bpf_load_after(&size, old, NULL, &bpf, &err) < 0 ||
        vnl_bpf_publish_image(bpf, image, NULL, &err) < 0)
        fail_msg("%s", err->msg);
    return bpf;
}

#define REASON(bpf, dst) reason_of(bpf, WORLD_VM, "10.0.0.4", dst)

/* Nothing passes for want of a part; such a plan does not fit these tables, but should it get there: */
static void what_needs_a_part_that_is_not_there_is_dropped(void **state)
{
    struct port *port = *state;
    CLEANUP(vnl_bpf_close) struct vnl_bpf *none = load_world(port, 0, NULL);
    CLEANUP(vnl_bpf_close) struct vnl_bpf *rules = load_world(port, VNL_PART_RULES, NULL);
    CLEANUP(vnl_bpf_close) struct vnl_bpf *sessions = load_world(port, VNL_PART_SESSIONS, NULL);
    struct vnl_bpf *const without_sessions[] = { none, rules }, *const without_rules[] = { none, sessions };

    for (size_t i = 0; i < ARRAY_SIZE(without_sessions); i++) {
        PASSES(without_sessions[i]);
        assert_int_equal(REASON(without_sessions[i], FRONTEND), VNL_DROP_NO_OWNER);
        assert_int_equal(REASON(without_sessions[i], "10.50.0.1"), VNL_DROP_NO_ROUTE);
        assert_int_equal(REASON(without_sessions[i], "203.0.113.80"), VNL_DROP_NO_INTERNET);
    }
    assert_int_equal(REASON(sessions, FRONTEND), VNL_DROP_NONE);
    assert_int_equal(REASON(sessions, "10.50.0.1"), VNL_DROP_NOT_FORWARDING);
    assert_int_equal(REASON(sessions, "203.0.113.80"), VNL_DROP_NO_OUTBOUND);

    port->world.nics[WORLD_VM].rules_nic = GROUP(true, 0);
    for (size_t i = 0; i < ARRAY_SIZE(without_rules); i++) {
        CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = load_world(port, without_rules[i]->size.parts, NULL);

        assert_int_equal(REASON(bpf, "10.1.0.4"), VNL_DROP_NSG_OUTBOUND);
        assert_int_equal(reason_of(bpf, WORLD_NEIGHBOR, "10.0.0.5", "10.0.0.4"), VNL_DROP_NSG_INBOUND);
    }
    group_free(&port->world.nics[WORLD_VM].rules_nic);
}

/* The lab with a group gets a load balancer: what the NICs know of their connections goes on. */
static void a_running_lab_gets_sessions(void **state)
{
    struct port *port = *state, before = { 0 }, after = { 0 };
    uint32_t flows;

    port->world.nics[WORLD_VM].rules_nic = GROUP(false, 0, { .allow = true, .proto = 6 });
    before.bpf = load_world(port, VNL_PART_RULES, NULL);
    passes_at(
        &before, __FILE__, __LINE__,
        (struct packet){ .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.0.0.5", .sport = 1, .dport = 80 },
        WORLD_NEIGHBOR, "10.0.0.4:1 > 10.0.0.5:80");
    flows = vnl_bpf_flow_count(before.bpf, WORLD_VM);
    assert_int_equal(flows, 1);
    after.bpf = load_world(port, VNL_PART_RULES | VNL_PART_SESSIONS, before.bpf);
    passes_at(&after, __FILE__, __LINE__,
              (struct packet){ .from = WORLD_NEIGHBOR,
                               .src = "10.0.0.5",
                               .dst = "10.0.0.4",
                               .flags = SYN | ACK,
                               .sport = 80,
                               .dport = 1 },
              WORLD_VM, "10.0.0.5:80 > 10.0.0.4:1");
    assert_int_equal(vnl_bpf_flow_count(after.bpf, WORLD_VM), flows);
    vnl_bpf_close(&before.bpf);
    vnl_bpf_close(&after.bpf);
    group_free(&port->world.nics[WORLD_VM].rules_nic);
}

static int setup(void **state)
{
    static struct world_outside outside; /* a private subnet's */
    struct world_balancer *balancer;
    struct port *port;

    if (sessions_setup(state) < 0)
        return -1;
    port = *state;
    balancer = world_balance(&port->world, 0, FRONTEND, 0);
    balancer->rules[0] = (struct world_rule){ .proto = 6,
                                              .frontend_port = 80,
                                              .health_id = 99,
                                              .backend_port = 8080,
                                              .backends = { WORLD_BACKEND },
                                              .n_backends = 1 };
    balancer->n_rules = 1;
    world_add(&port->world.routes[0], world_prefix("10.50.0.0/16", VNL_ROUTE_KIND_BALANCER, 0, 0));
    port->world.nics[WORLD_VM].outside = &outside;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_gets_the_parts_that_it_needs),
        cmocka_unit_test(a_plan_fits_tables_with_the_parts_that_it_needs),
        cmocka_unit_test(tables_made_anew_have_only_what_is_needed_now_and_keep_the_flows),
        cmocka_unit_test(parts_without_flows_are_refused),
        cmocka_unit_test(what_needs_a_part_that_is_not_there_is_dropped),
        cmocka_unit_test(a_running_lab_gets_sessions),
    };

    return cmocka_run_group_tests_name("parts of the port program", tests, setup, port_teardown);
}
