/* The tables of the port program: publishing by bank flip, pins, counters, what is refused. */
#include "port.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#include <bpf/bpf.h>

#include "../../dataplane/bpf_tables.h"

/* A network namespace of our own, for devices under the program's indices. */
static int group_setup(void **state)
{
    return unshare(CLONE_NEWNET) < 0 ? -1 : port_setup(state);
}

/* --- publishing ----------------------------------------------------------------------------------------- */

static void a_loaded_program_drops_everything(void **state)
{
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = port_load(NULL);

    (void)state;
    for (uint32_t slot = 0; slot <= WORLD_NICS; slot++)
        assert_int_equal(reason_of(bpf, slot, "10.0.0.4", "10.1.0.4"), VNL_DROP_UNKNOWN_PORT);
}

static void publishing_flips_the_bank_once_per_change(void **state)
{
    struct port *port = *state;
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = port_load(NULL);
    CLEANUP(vnl_image_free) struct vnl_image *one = world_image(&port->world, &world_size, 1);
    CLEANUP(vnl_image_free) struct vnl_image *two = world_image(&port->world, &world_size, 2);
    const struct vnl_control *control = vnl_bpf_control(bpf);
    bool changed = false;

    assert_int_equal(vnl_bpf_publish_image(bpf, one, &changed, NULL), 0);
    assert_true(changed);
    assert_int_equal(control->bank, 1);
    assert_int_equal(control->generation, 1);
    assert_memory_equal(control->digest, one->digest, 16);
    PASSES(bpf);
    assert_int_equal(vnl_bpf_publish_image(bpf, one, &changed, NULL), 0);
    assert_false(changed);
    assert_int_equal(control->generation, 1);
    assert_int_equal(vnl_bpf_publish_image(bpf, two, &changed, NULL), 0);
    assert_true(changed);
    assert_int_equal(control->bank, 0);
    assert_int_equal(control->generation, 2);
    PASSES(bpf);
}

/* Killed behind the flip and before the digest is written, the digest is empty. */
static void an_unfinished_publication_is_done_again(void **state)
{
    struct port *port = *state;
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = port_load(NULL);
    CLEANUP(vnl_image_free) struct vnl_image *image = world_image(&port->world, &world_size, 1);
    bool changed = false;

    assert_int_equal(vnl_bpf_publish_image(bpf, image, NULL, NULL), 0);
    memset(vnl_bpf_control(bpf)->digest, 0, 16);
    assert_int_equal(vnl_bpf_publish_image(bpf, image, &changed, NULL), 0);
    assert_true(changed);
}

static void fill_bank(struct vnl_bpf *bpf, uint32_t bank, unsigned *seed)
{
    for (int i = VNL_BPF_NICS; i <= VNL_BPF_POOL; i++) {
        size_t bank_bytes = i == VNL_BPF_NICS     ? WORLD_NICS * sizeof(struct vnl_nic_entry)
                            : i == VNL_BPF_OWNERS ? world_size.owner_slots * sizeof(struct vnl_owner)
                                                  : world_size.pool_bytes;
        uint8_t *at = (uint8_t *)bpf->table[i].addr + bank * bank_bytes;

        for (size_t k = 0; k < bank_bytes; k++)
            at[k] = rand_r(seed) >> 8;
    }
}

static void garbage_in_the_idle_bank_is_harmless(void **state)
{
    struct port *port = *state;
    unsigned seed = 1;

    fill_bank(port->bpf, !vnl_bpf_control(port->bpf)->bank, &seed);
    PASSES(port->bpf);
    assert_int_equal(reason_of(port->bpf, WORLD_DEAD, "10.0.0.9", "10.0.0.5"), VNL_DROP_UNKNOWN_PORT);
    port_publish(port, 0); /* overwrites it */
    PASSES(port->bpf);
    port_publish(port, 0);
    PASSES(port->bpf);
}

/* No verdict can be expected, only an end, within the tables. */
static void garbage_in_the_bank_in_force_ends_in_a_verdict(void **state)
{
    struct port *port = *state;
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = port_load(NULL);
    unsigned seed = 2;

    for (int round = 0; round < 200; round++) {
        struct vnl_nic_entry *nics = bpf->table[VNL_BPF_NICS].addr;

        fill_bank(bpf, 0, &seed);
        for (unsigned slot = 0; slot < WORLD_NICS; slot++) {
            nics[slot].flags |= VNL_NIC_LIVE | VNL_NIC_IP_FORWARDING;
            memcpy(nics[slot].mac, port->world.nics[slot].mac, 6);
            (void)reason_of(bpf, slot, "10.0.0.4", "10.1.0.4");
            (void)reason_of(bpf, slot, "fd00::4", "fd00:0:1::4");
        }
    }
}

/* Two plans that agree on the verdict and on nothing else: the peer is VNet 1 in one, VNet 5 in the other.
 * A packet that saw a route of one and owners of the other would find nobody. */
struct flipper {
    struct port *port;
    struct vnl_image *images[2];
    bool stop;
};

static void *flip_until_stopped(void *arg)
{
    struct flipper *flipper = arg;

    for (int i = 0; !__atomic_load_n(&flipper->stop, __ATOMIC_RELAXED); i = !i)
        vnl_bpf_publish_image(flipper->port->bpf, flipper->images[i], NULL, NULL);
    return NULL;
}

static void move_vnet(struct vnl_image *image, uint32_t from, uint32_t to)
{
    struct vnl_owner *owners = image->owners;
    struct vnl_owner kept[64];

    memcpy(kept, owners, sizeof(kept));
    for (int i = 0; i < 64; i++)
        owners[i] = (struct vnl_owner){ .vnet = VNL_OWNER_FREE };
    for (int i = 0; i < 64; i++) {
        uint32_t at;

        if (kept[i].vnet == VNL_OWNER_FREE)
            continue;
        kept[i].vnet = kept[i].vnet == from ? to : kept[i].vnet;
        for (at = vnl_owner_hash(kept[i].vnet, kept[i].addr); owners[at & 63].vnet != VNL_OWNER_FREE; at++)
            ;
        owners[at & 63] = kept[i];
    }
    for (unsigned i = 0; i < WORLD_NICS; i++) {
        if (image->nics[i].vnet == from)
            image->nics[i].vnet = to;
    }
}

static void a_packet_sees_one_plan_or_the_other(void **state)
{
    struct port *port = *state;
    struct flipper flipper = { .port = port };
    uint32_t flips = vnl_bpf_control(port->bpf)->generation;
    struct world other;
    pthread_t thread;
    time_t end = time(NULL) + 2;

    world_init(&other);
    for (size_t i = 0; i < other.routes[0].n; i++) {
        if (other.routes[0].rows[i].vnet == 1)
            other.routes[0].rows[i].vnet = 5;
    }
    flipper.images[0] = world_image(&port->world, &world_size, 0);
    flipper.images[1] = world_image(&other, &world_size, 0);
    move_vnet(flipper.images[1], 1, 5);
    assert_int_equal(pthread_create(&thread, NULL, flip_until_stopped, &flipper), 0);
    while (time(NULL) < end) {
        PASSES(port->bpf);
        assert_int_equal(reason_of(port->bpf, WORLD_VM, "fd00::4", "fd00:0:1::4"), VNL_DROP_NONE);
    }
    __atomic_store_n(&flipper.stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    assert_true(vnl_bpf_control(port->bpf)->generation - flips > 10);
    vnl_image_free(&flipper.images[0]);
    vnl_image_free(&flipper.images[1]);
    world_done(&other);
    port_publish(port, 0);
}

static void both_ways_to_wait_for_packets_work(void **state)
{
    struct port *port = *state;

    assert_int_equal(vnl_bpf_wait_membarrier(), 0);
    assert_int_equal(vnl_bpf_wait_map_swap(port->bpf), 0);
}

static void an_image_of_another_size_is_refused(void **state)
{
    struct port *port = *state;
    const struct vnl_image_size size = { WORLD_NICS, 128, 1 << 16 };
    CLEANUP(vnl_image_free) struct vnl_image *image = world_image(&port->world, &size, 0);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    bool changed = true;

    assert_int_equal(vnl_bpf_publish_image(port->bpf, image, &changed, &err), -EINVAL);
    assert_string_equal(err->msg, "the image's size is not the tables'");
    assert_true(changed);
    PASSES(port->bpf);
}

static void tables_of_impossible_size_are_refused(void **state)
{
    static const struct vnl_image_size sizes[] = { { 0, 64, 1 << 16 },
                                                   { VNL_NIC_SLOTS_MAX + 1, 64, 1 << 16 },
                                                   { 16, 65, 1 << 16 },
                                                   { 16, 64, 1000 },
                                                   { 16, 64, 1u << 31 } };
    struct vnl_bpf *bpf = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

        assert_int_equal(vnl_bpf_load_sized(&sizes[i], NULL, &bpf, &err), -E2BIG);
        assert_non_null(strstr(err->msg, "out of range"));
        assert_null(bpf);
    }
}

static void the_largest_tables_load(void **state)
{
    const struct vnl_image_size size = { VNL_NIC_SLOTS_MAX, 1 << 18, 64 << 20 };
    struct vnl_bpf *bpf = NULL;

    (void)state;
    assert_int_equal(vnl_bpf_load_sized(&size, NULL, &bpf, NULL), 0);
    assert_int_equal(reason_of(bpf, VNL_NIC_SLOTS_MAX - 1, "10.0.0.4", "10.1.0.4"), VNL_DROP_UNKNOWN_PORT);
    vnl_bpf_close(&bpf);
}

/* --- owners --------------------------------------------------------------------------------------------- */

/* The table full, so that no free element ends the probing. */
static void owners_are_found_through_the_longest_chain(void **state)
{
    struct port *port = *state;
    CLEANUP(vnl_image_free) struct vnl_image *image = world_image(&port->world, &world_size, 0);
    uint32_t found = 0, placed = 0;
    char text[32];

    for (int i = 0; i < 64; i++)
        image->owners[i] = (struct vnl_owner){ .addr = { 1, 2, 3, 4 }, .vnet = 99, .nic = WORLD_NEIGHBOR };
    for (uint32_t host = 256; placed < VNL_OWNER_PROBES + 1;
         host++) { /* addresses with the same start; the last is out of reach */
        struct vnl_owner owner = { .nic = WORLD_NEIGHBOR };
        struct world_addr addr;

        snprintf(text, sizeof(text), "10.0.%u.%u", host >> 8, host & 255);
        addr = world_addr(text);
        memcpy(owner.addr, addr.ip, 16);
        if ((vnl_owner_hash(0, owner.addr) & 63) == 50)
            image->owners[(50 + placed++) & 63] = owner; /* wraps around the table's end */
    }
    assert_int_equal(vnl_bpf_publish_image(port->bpf, image, NULL, NULL), 0);
    for (uint32_t host = 256; found < VNL_OWNER_PROBES + 1; host++) {
        struct vnl_owner owner;
        struct world_addr addr;

        snprintf(text, sizeof(text), "10.0.%u.%u", host >> 8, host & 255);
        addr = world_addr(text);
        memcpy(owner.addr, addr.ip, 16);
        if ((vnl_owner_hash(0, owner.addr) & 63) != 50)
            continue;
        assert_int_equal(reason_of(port->bpf, WORLD_VM, "10.0.0.4", text),
                         found++ < VNL_OWNER_PROBES ? VNL_DROP_NONE : VNL_DROP_NO_OWNER);
    }
    port_publish(port, 0);
}

/* VNets that are not peered may use the same addresses (spec 1.1). */
static void an_address_of_another_vnet_is_another_address(void **state)
{
    struct port *port = *state;
    CLEANUP(vnl_image_free) struct vnl_image *image = world_image(&port->world, &world_size, 0);
    struct world_addr addr = world_addr("10.0.0.5");

    for (int i = 0; i < 64; i++) {
        image->owners[i] = (struct vnl_owner){ .vnet = 1, .nic = WORLD_NEIGHBOR };
        memcpy(image->owners[i].addr, addr.ip, 16);
    }
    assert_int_equal(vnl_bpf_publish_image(port->bpf, image, NULL, NULL), 0);
    assert_int_equal(reason_of(port->bpf, WORLD_VM, "10.0.0.4", "10.0.0.5"), VNL_DROP_NO_OWNER);
    port_publish(port, 0);
}

static void an_owner_beyond_the_nic_table_is_nobody(void **state)
{
    struct port *port = *state;

    /* The other bank's slot, seen from this one. */
    world_own(&port->world, 0, "10.0.0.77", WORLD_NICS);
    world_own(&port->world, 0, "10.0.0.78", 0x7ffffff0u);
    port_publish(port, 0);
    assert_int_equal(reason_of(port->bpf, WORLD_VM, "10.0.0.4", "10.0.0.77"), VNL_DROP_NO_OWNER);
    assert_int_equal(reason_of(port->bpf, WORLD_VM, "10.0.0.4", "10.0.0.78"), VNL_DROP_NO_OWNER);
    port->world.n_owners -= 2;
    port_publish(port, 0);
}

static void route_kinds_that_are_not_known_drop(void **state)
{
    struct port *port = *state;
    struct world_prefix *row = &port->world.routes[0].rows[2]; /* 10.1.0.0/16 */

    for (uint32_t kind = VNL_ROUTE_KIND_MAX; kind < 0x10000; kind += 0x1111) {
        row->kind = kind;
        port_publish(port, 0);
        assert_int_equal(reason_of(port->bpf, WORLD_VM, "10.0.0.4", "10.1.0.4"), VNL_DROP_NO_ROUTE);
    }
    row->kind = VNL_ROUTE_KIND_VNET;
    port_publish(port, 0);
    PASSES(port->bpf);
}

/* --- counters ------------------------------------------------------------------------------------------- */

static uint64_t counter(struct port *port, uint32_t slot, enum vnl_drop reason)
{
    uint64_t counters[VNL_DROP_MAX];

    vnl_bpf_counters(port->bpf, slot, counters);
    return counters[reason];
}

/* As a packet, not as a dry run: the program looks at the device, which must exist here under its index. */
static void run_packet(struct port *port, uint32_t slot, const char *src, const char *dst, uint32_t segments)
{
    struct frame_spec spec = { .from = slot, .src = src, .dst = dst };
    struct __sk_buff ctx = { .ifindex = VNL_NIC_IFINDEX + slot, .gso_segs = segments };
    struct frame frame;

    frame_build(&frame, &spec);
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.data, .data_size_in = frame.size, .ctx_in = &ctx,
                .ctx_size_in = sizeof(ctx), .repeat = 1);
    assert_int_equal(bpf_prog_test_run_opts(vnl_bpf_prog_fd(port->bpf), &opts), 0);
}

static void add_device(uint32_t ifindex)
{
    char command[128];

    snprintf(command, sizeof(command), "ip link add dev t%u index %u type veth peer name p%u",
             ifindex & 0xffff, ifindex, ifindex & 0xffff);
    assert_int_equal(system(command), 0);
}

static void drops_are_counted_where_they_happen(void **state)
{
    struct port *port = *state;

    add_device(VNL_NIC_IFINDEX + WORLD_VM);
    add_device(VNL_NIC_IFINDEX + WORLD_DEAD);
    add_device(VNL_NIC_IFINDEX + WORLD_NICS); /* beyond the tables */
    run_packet(port, WORLD_VM, "10.0.0.4", "10.0.0.99", 0);
    run_packet(port, WORLD_VM, "10.0.0.4", "10.0.0.99", 0);
    assert_int_equal(counter(port, WORLD_VM, VNL_DROP_NO_OWNER), 2);
    run_packet(port, WORLD_VM, "10.0.0.4", "10.2.0.4", 0);
    assert_int_equal(counter(port, WORLD_VM, VNL_DROP_PEERING_ACCESS), 1);
    run_packet(port, WORLD_VM, "10.0.0.4", "10.3.0.4", 0);
    assert_int_equal(counter(port, WORLD_VM, VNL_DROP_PEERING_ACCESS), 1);
    assert_int_equal(counter(port, WORLD_REMOTE, VNL_DROP_PEERING_ACCESS), 1);
    run_packet(port, WORLD_DEAD, "10.0.0.9", "10.0.0.5", 0);
    assert_int_equal(counter(port, WORLD_DEAD, VNL_DROP_UNKNOWN_PORT), 1);
    run_packet(port, WORLD_NICS, "10.0.0.4", "10.0.0.5", 0);
    assert_int_equal(counter(port, WORLD_NICS, VNL_DROP_UNKNOWN_PORT), 0);
    run_packet(port, WORLD_VM, "10.0.0.4", "10.1.0.4", 0);
    for (int i = 0; i < VNL_DROP_MAX; i++) {
        if (i != VNL_DROP_NO_OWNER && i != VNL_DROP_PEERING_ACCESS)
            assert_int_equal(counter(port, WORLD_VM, i), 0);
    }
}

static void a_packet_left_to_segmentation_counts_as_its_segments(void **state)
{
    struct port *port = *state;
    uint64_t before = counter(port, WORLD_VM, VNL_DROP_NO_ROUTE);

    run_packet(port, WORLD_VM, "10.0.0.4", "10.200.0.1", 44);
    assert_int_equal(counter(port, WORLD_VM, VNL_DROP_NO_ROUTE), before + 44);
}

static void dry_runs_are_not_counted(void **state)
{
    struct port *port = *state;
    uint64_t before[VNL_DROP_MAX], after[VNL_DROP_MAX];

    vnl_bpf_counters(port->bpf, WORLD_VM, before);
    assert_int_equal(reason_of(port->bpf, WORLD_VM, "10.0.0.4", "10.0.0.99"), VNL_DROP_NO_OWNER);
    assert_int_equal(reason_of(port->bpf, WORLD_VM, "10.0.0.4", "10.200.0.1"), VNL_DROP_NO_ROUTE);
    vnl_bpf_counters(port->bpf, WORLD_VM, after);
    assert_memory_equal(before, after, sizeof(before));
}

static void counters_of_a_slot_start_again_at_zero(void **state)
{
    struct port *port = *state;

    run_packet(port, WORLD_VM, "10.0.0.4", "10.0.0.99", 0);
    vnl_bpf_counters_reset(port->bpf, WORLD_VM);
    assert_int_equal(counter(port, WORLD_VM, VNL_DROP_NO_OWNER), 0);
    assert_true(counter(port, WORLD_REMOTE, VNL_DROP_PEERING_ACCESS) > 0);
    vnl_bpf_counters_reset(port->bpf, WORLD_NICS); /* beyond the table: nothing to do */
    assert_int_equal(counter(port, WORLD_NICS, VNL_DROP_NO_OWNER), 0);
}

static void a_frame_too_small_for_a_dry_run_is_refused(void **state)
{
    struct port *port = *state;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_verdict verdict;
    uint8_t frame[14] = { 0 };

    assert_int_equal(vnl_bpf_what_if(port->bpf, 0, frame, 13, false, &verdict, &err), -EINVAL);
    assert_string_equal(err->msg, "dry run of a frame of 13 bytes: Invalid argument");
}

/* --- health --------------------------------------------------------------------------------------------- */

static void health_is_of_the_rule_whose_id_it_has(void **state)
{
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = port_load(NULL);
    uint64_t alive = 7;

    (void)state;
    assert_false(vnl_bpf_health(bpf, 3, 11, &alive));
    assert_false(vnl_bpf_health(bpf, 3, 0, &alive)); /* nobody's */
    vnl_bpf_health_set(bpf, 3, 11, 5);
    assert_true(vnl_bpf_health(bpf, 3, 11, &alive));
    assert_int_equal(alive, 5);
    assert_false(vnl_bpf_health(bpf, 3, 12, &alive)); /* another rule has the element now */
    assert_false(vnl_bpf_health(bpf, 4, 11, &alive));
    vnl_bpf_health_set(bpf, 3, 12, 2);
    assert_true(vnl_bpf_health(bpf, 3, 12, &alive));
    assert_int_equal(alive, 2);
    vnl_bpf_health_set(bpf, VNL_HEALTH_SLOTS, 12, 2); /* beyond the table: nothing to write to */
    assert_false(vnl_bpf_health(bpf, VNL_HEALTH_SLOTS, 12, &alive));
}

/* A lab that grows gets larger tables; its probes have nothing new to say. */
static void health_survives_a_reload(void **state)
{
    struct vnl_image_size larger = world_size;
    CLEANUP(vnl_bpf_close) struct vnl_bpf *old = port_load(NULL);
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = NULL;
    uint64_t alive = 0;

    (void)state;
    larger.pool_bytes *= 2;
    vnl_bpf_health_set(old, VNL_HEALTH_SLOTS - 1, 11, 6);
    assert_int_equal(vnl_bpf_load_after(&larger, old, NULL, &bpf, NULL), 0);
    assert_true(vnl_bpf_health(bpf, VNL_HEALTH_SLOTS - 1, 11, &alive));
    assert_int_equal(alive, 6);
    vnl_bpf_health_set(old, VNL_HEALTH_SLOTS - 1, 11, 4); /* who has the old set open says it to both */
    assert_true(vnl_bpf_health(bpf, VNL_HEALTH_SLOTS - 1, 11, &alive));
    assert_int_equal(alive, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loaded_program_drops_everything),
        cmocka_unit_test(publishing_flips_the_bank_once_per_change),
        cmocka_unit_test(an_unfinished_publication_is_done_again),
        cmocka_unit_test(garbage_in_the_idle_bank_is_harmless),
        cmocka_unit_test(garbage_in_the_bank_in_force_ends_in_a_verdict),
        cmocka_unit_test(a_packet_sees_one_plan_or_the_other),
        cmocka_unit_test(both_ways_to_wait_for_packets_work),
        cmocka_unit_test(an_image_of_another_size_is_refused),
        cmocka_unit_test(tables_of_impossible_size_are_refused),
        cmocka_unit_test(the_largest_tables_load),
        cmocka_unit_test(owners_are_found_through_the_longest_chain),
        cmocka_unit_test(an_address_of_another_vnet_is_another_address),
        cmocka_unit_test(an_owner_beyond_the_nic_table_is_nobody),
        cmocka_unit_test(route_kinds_that_are_not_known_drop),
        cmocka_unit_test(drops_are_counted_where_they_happen),
        cmocka_unit_test(a_packet_left_to_segmentation_counts_as_its_segments),
        cmocka_unit_test(dry_runs_are_not_counted),
        cmocka_unit_test(counters_of_a_slot_start_again_at_zero),
        cmocka_unit_test(a_frame_too_small_for_a_dry_run_is_refused),
        cmocka_unit_test(health_is_of_the_rule_whose_id_it_has),
        cmocka_unit_test(health_survives_a_reload),
    };

    return cmocka_run_group_tests_name("tables", tests, group_setup, port_teardown);
}
