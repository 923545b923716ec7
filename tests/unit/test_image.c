/* Plan to table bytes: ranges against the plan's route selection, NIC entries, nothing truncated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/tables.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

/* --- the program's side, in plain words --------------------------------------------------------------------
 */

static int start_cmp(const struct vnl_image *image, const struct vnl_route_image *head, uint32_t i,
                     const struct vnl_addr *addr)
{
    if (addr->family == AF_INET) {
        uint32_t start, key;

        memcpy(&start, image->pool + head->start + i * 4, 4);
        memcpy(&key, addr->bytes, 4);
        key = ntohl(key);
        return start < key ? -1 : start > key;
    }
    for (int half = 0; half < 2; half++) {
        uint64_t start, key = 0;

        memcpy(&start, image->pool + head->start + i * 16 + half * 8, 8);
        for (int k = 0; k < 8; k++)
            key = key << 8 | addr->bytes[half * 8 + k];
        if (start != key)
            return start < key ? -1 : 1;
    }
    return 0;
}

static struct vnl_route_image head_at(const struct vnl_image *image, uint32_t offset)
{
    struct vnl_route_image head;

    assert_int_equal(offset % 8, 0);
    assert_true(offset + sizeof(head) <= image->pool_used);
    memcpy(&head, image->pool + offset, sizeof(head));
    assert_true(head.n_ranges >= 1);
    assert_int_equal(head.start % 8 | head.index % 8 | head.route % 8, 0);
    return head;
}

static struct vnl_route_entry range_lookup(const struct vnl_image *image, uint32_t offset,
                                           const struct vnl_addr *addr)
{
    struct vnl_route_image head = head_at(image, offset);
    uint32_t low = 0, high = head.n_ranges;
    struct vnl_route_entry entry;
    uint16_t index;

    while (high - low > 1) {
        uint32_t mid = (low + high) / 2;

        if (start_cmp(image, &head, mid, addr) <= 0)
            low = mid;
        else
            high = mid;
    }
    memcpy(&index, image->pool + head.index + low * 2, 2);
    assert_true(head.route + (index + 1u) * sizeof(entry) <= image->pool_used);
    memcpy(&entry, image->pool + head.route + index * sizeof(entry), sizeof(entry));
    return entry;
}

static struct vnl_route_entry nic_lookup(const struct vnl_image *image, uint32_t slot,
                                         const struct vnl_addr *addr)
{
    const struct vnl_nic_entry *nic = &image->nics[slot];

    return range_lookup(image, addr->family == AF_INET ? nic->routes4 : nic->routes6, addr);
}

/* --- ranges against the plan's selection --------------------------------------------------------------------
 */

static uint16_t flags_of(const struct vnl_route *row)
{
    bool global = row->type == VNL_NEXT_HOP_GLOBAL_PEERING ||
                  ((row->type == VNL_NEXT_HOP_APPLIANCE || row->type == VNL_NEXT_HOP_GATEWAY) &&
                   row->vnet % 2 != 0); /* the table is vnet-0's */

    return (uint16_t)((row->deny_access_local ? VNL_ROUTE_DENY_ACCESS_LOCAL : 0) |
                      (row->deny_access_remote ? VNL_ROUTE_DENY_ACCESS_REMOTE : 0) |
                      (row->deny_forwarded ? VNL_ROUTE_DENY_FORWARDED : 0) | (global ? VNL_ROUTE_GLOBAL : 0) |
                      row->delay << VNL_ROUTE_DELAY_SHIFT);
}

static void assert_same_answer(const struct vnl_plan *plan, const struct vnl_image *image,
                               const struct vnl_addr *addr)
{
    static const uint16_t kinds[VNL_NEXT_HOP_MAX] = {
        [VNL_NEXT_HOP_VNET_LOCAL] = VNL_ROUTE_KIND_VNET,
        [VNL_NEXT_HOP_PEERING] = VNL_ROUTE_KIND_VNET,
        [VNL_NEXT_HOP_GLOBAL_PEERING] = VNL_ROUTE_KIND_VNET,
        [VNL_NEXT_HOP_GATEWAY] = VNL_ROUTE_KIND_GATEWAY,
        [VNL_NEXT_HOP_INTERNET] = VNL_ROUTE_KIND_INTERNET,
        [VNL_NEXT_HOP_APPLIANCE] = VNL_ROUTE_KIND_APPLIANCE,
    };
    const struct vnl_route *row = vnl_route_select(&plan->tables[0], addr);
    struct vnl_route_entry entry = nic_lookup(image, plan->nics[0].slot, addr);

    assert_int_equal(entry.kind, row ? kinds[row->type] : VNL_ROUTE_KIND_NONE);
    if (entry.kind == VNL_ROUTE_KIND_GATEWAY && row->nic == VNL_PLAN_NOBODY) {
        assert_int_equal(entry.nic, VNL_ROUTE_NO_NIC);
        assert_int_equal(entry.flags, 0);
        return;
    }
    if (entry.kind != VNL_ROUTE_KIND_VNET && entry.kind != VNL_ROUTE_KIND_APPLIANCE &&
        entry.kind != VNL_ROUTE_KIND_GATEWAY) {
        assert_int_equal(entry.flags | entry.at, 0);
        return;
    }
    assert_int_equal(entry.flags, flags_of(row));
    if (entry.kind == VNL_ROUTE_KIND_VNET)
        assert_int_equal(entry.vnet, plan->vnets[row->vnet].slot);
    else
        assert_int_equal(entry.nic, plan->nics[0].slot);
}

/* The address one below; all ones from zero. */
static struct vnl_addr addr_before(const struct vnl_addr *addr)
{
    struct vnl_addr before = *addr;
    unsigned i = vnl_addr_bits(addr->family) / 8;

    while (i-- > 0 && before.bytes[i]-- == 0)
        ;
    return before;
}

static void assert_same_answers(const struct vnl_plan *plan, const struct vnl_image *image)
{
    for (size_t i = 0; i < plan->tables[0].n_routes; i++) {
        const struct vnl_prefix *prefix = &plan->tables[0].routes[i].prefix;
        struct vnl_addr first = vnl_prefix_first(prefix), last = vnl_prefix_last(prefix);
        struct vnl_addr before = addr_before(&first), behind = vnl_addr_add(&last, 1);
        struct vnl_addr inside = vnl_addr_add(&first, (uint64_t)rand());

        assert_same_answer(plan, image, &first);
        assert_same_answer(plan, image, &last);
        assert_same_answer(plan, image, &before);
        assert_same_answer(plan, image, &behind);
        assert_same_answer(plan, image, &inside);
    }
}

static void ranges_answer_like_the_plan_selects(void **state)
{
    (void)state;
    srand(20260501);
    for (int round = 0; round < 400; round++) {
        CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_random_plan((size_t)rand() % 60);
        CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);

        assert_same_answers(plan, image);
        for (int i = 0; i < 50; i++) {
            struct vnl_prefix any = tables_random_prefix(rand() % 2 ? AF_INET : AF_INET6);

            assert_same_answer(plan, image, &any.addr);
        }
    }
}

static void ranges_reach_both_ends(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(8, 1);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    struct vnl_addr lowest = tables_addr("0.0.0.0"), highest = tables_addr("255.255.255.255");
    struct vnl_addr near = tables_addr("255.255.255.254");

    (void)state;
    tables_nic(plan, 0, 0, tables_addr("10.0.0.4"));
    tables_row(plan, tables_prefix("0.0.0.0/0"), VNL_NEXT_HOP_INTERNET, 0);
    tables_row(plan, tables_prefix("0.0.0.0/32"), VNL_NEXT_HOP_PEERING, 1);
    tables_row(plan, tables_prefix("255.255.255.255/32"), VNL_NEXT_HOP_PEERING, 2);
    assert_int_equal(vnl_routes_settle(&plan->tables[0], NULL), 0);
    image = tables_image(plan);
    assert_int_equal(head_at(image, image->nics[0].routes4).n_ranges, 3);
    assert_int_equal(nic_lookup(image, 0, &lowest).vnet, 11);
    assert_int_equal(nic_lookup(image, 0, &highest).vnet, 12);
    assert_int_equal(nic_lookup(image, 0, &near).kind, VNL_ROUTE_KIND_INTERNET);
}

static void learned_routes_do_not_count_inside_a_vnet(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(8, 1);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    struct vnl_addr peer = tables_addr("10.1.2.4"), user = tables_addr("10.1.3.4"),
                    outside = tables_addr("10.2.0.4");

    (void)state;
    tables_nic(plan, 0, 0, tables_addr("10.0.0.4"));
    tables_row(plan, tables_prefix("10.1.0.0/16"), VNL_NEXT_HOP_PEERING, 1);
    tables_row(plan, tables_prefix("10.0.0.0/8"), VNL_NEXT_HOP_GATEWAY, 0)->source = VNL_ROUTE_GATEWAY;
    tables_row(plan, tables_prefix("10.1.2.0/24"), VNL_NEXT_HOP_GATEWAY, 0)->source = VNL_ROUTE_GATEWAY;
    tables_row(plan, tables_prefix("10.1.3.0/24"), VNL_NEXT_HOP_GATEWAY, 0)->source = VNL_ROUTE_USER;
    assert_int_equal(vnl_routes_settle(&plan->tables[0], NULL), 0);
    image = tables_image(plan);
    assert_int_equal(nic_lookup(image, 0, &peer).kind, VNL_ROUTE_KIND_VNET);
    assert_int_equal(nic_lookup(image, 0, &user).kind, VNL_ROUTE_KIND_GATEWAY);
    assert_int_equal(nic_lookup(image, 0, &outside).kind, VNL_ROUTE_KIND_GATEWAY);
}

/* Two halves of one VNet are one range, and so is a part of it with the VNet's own answer. */
static void ranges_with_one_answer_are_joined(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(8, 1);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;

    (void)state;
    tables_nic(plan, 0, 0, tables_addr("10.0.0.4"));
    tables_row(plan, tables_prefix("10.0.0.0/9"), VNL_NEXT_HOP_VNET_LOCAL, 0);
    tables_row(plan, tables_prefix("10.128.0.0/9"), VNL_NEXT_HOP_VNET_LOCAL, 0);
    tables_row(plan, tables_prefix("10.7.0.0/16"), VNL_NEXT_HOP_VNET_LOCAL, 0);
    assert_int_equal(vnl_routes_settle(&plan->tables[0], NULL), 0);
    image = tables_image(plan);
    assert_int_equal(head_at(image, image->nics[0].routes4).n_ranges, 3);
}

static void rows_that_lost_do_not_count(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(8, 1);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    struct vnl_addr dst = tables_addr("10.1.0.4");

    (void)state;
    tables_nic(plan, 0, 0, tables_addr("10.0.0.4"));
    tables_row(plan, tables_prefix("10.1.0.0/16"), VNL_NEXT_HOP_PEERING, 1);
    tables_row(plan, tables_prefix("10.1.0.0/16"), VNL_NEXT_HOP_NONE, 0)->source = VNL_ROUTE_USER;
    assert_int_equal(vnl_routes_settle(&plan->tables[0], NULL), 0);
    image = tables_image(plan);
    assert_int_equal(nic_lookup(image, 0, &dst).kind, VNL_ROUTE_KIND_NONE);
}

static void too_many_ranges_are_refused(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(0x2000, 1);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_image_size size = { .nic_slots = 7 };
    struct vnl_addr first = tables_addr("10.0.0.0");

    (void)state;
    tables_nic(plan, 0, 0, first);
    for (uint64_t i = 0; i < 0x2000; i++) {
        struct vnl_prefix host = { .addr = vnl_addr_add(&first, 2 * i + 1), .len = 32 };

        tables_row(plan, host, VNL_NEXT_HOP_PEERING, 1)->active = true;
    }
    assert_int_equal(vnl_image_size(plan, &size, &err), -E2BIG);
    assert_string_equal(err->msg, "routes of 'vnet-0' make 16385 ranges; the tables hold 16384");
    assert_int_equal(size.nic_slots, 7); /* untouched on failure */
    plan->tables[0].n_routes--;
    assert_int_equal(vnl_image_size(plan, &size, NULL), 0);
}

/* --- NICs --------------------------------------------------------------------------------------------------
 */

static void nic_entry_says_what_the_plan_says(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(0, 1);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    struct vnl_addr v4 = tables_addr("10.0.0.4"), v6 = tables_addr("fd00::4");
    struct vnl_plan_nic *nic = tables_nic(plan, 5, 2, v4);

    (void)state;
    nic->addrs[1].addr = v6;
    nic->n_addrs = 2;
    nic->ip_forwarding = true;
    nic->mac = (struct vnl_mac){ { 0, 0x0d, 0x3a, 1, 2, 3 } };
    image = tables_image(plan);
    assert_int_equal(image->nics[5].flags, VNL_NIC_LIVE | VNL_NIC_IP_FORWARDING);
    assert_int_equal(image->nics[5].vnet, 12);
    assert_memory_equal(&image->nics[5].addr4, v4.bytes, 4);
    assert_memory_equal(image->nics[5].addr6, v6.bytes, 16);
    assert_memory_equal(image->nics[5].mac, nic->mac.bytes, 6);
    assert_int_equal(image->nics[4].flags, 0);
}

static void space_covers_the_own_vnet_only(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(0, 1);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    struct vnl_addr inside = tables_addr("10.0.255.255"), outside = tables_addr("10.1.0.0");
    struct vnl_addr inside6 = tables_addr("fd00:0:0:ffff::1"), outside6 = tables_addr("fd00:0:1::");

    (void)state;
    tables_space(plan, 2, "10.0.0.0/16", "fd00::/48");
    tables_nic(plan, 0, 2, tables_addr("10.0.0.4"));
    image = tables_image(plan);
    assert_int_equal(range_lookup(image, image->nics[0].space, &inside).kind, VNL_ROUTE_KIND_VNET);
    assert_int_equal(range_lookup(image, image->nics[0].space, &inside).vnet, 12);
    assert_int_equal(range_lookup(image, image->nics[0].space, &outside).kind, VNL_ROUTE_KIND_NONE);
    assert_int_equal(range_lookup(image, image->nics[0].space6, &inside6).kind, VNL_ROUTE_KIND_VNET);
    assert_int_equal(range_lookup(image, image->nics[0].space6, &outside6).kind, VNL_ROUTE_KIND_NONE);
}

static void zeroed_nic_has_no_route(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_random_plan(40);
    CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);
    struct vnl_addr v4 = tables_addr("10.0.0.4"), v6 = tables_addr("fd00::4");

    (void)state;
    assert_int_equal(image->nics[0].flags, 0);
    assert_int_equal(range_lookup(image, 0, &v4).kind, VNL_ROUTE_KIND_NONE);
    assert_int_equal(range_lookup(image, 0, &v6).kind, VNL_ROUTE_KIND_NONE);
    assert_int_equal(head_at(image, 0).n_ranges, 1);
}

static void empty_plan_has_an_image(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(0, 0);
    CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);

    (void)state;
    assert_int_equal(image->size.nic_slots, 16);
    assert_int_equal(image->size.owner_slots, VNL_OWNER_PROBES);
    assert_int_equal(image->owners[0].vnet, VNL_OWNER_FREE);
}

static void nic_slots_beyond_the_layout_are_refused(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(0, 0);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_image_size size;

    (void)state;
    plan->nic_slots = VNL_NIC_SLOTS_MAX + 1;
    assert_int_equal(vnl_image_size(plan, &size, &err), -E2BIG);
    assert_string_equal(err->msg, "65537 network interfaces; the tables hold 65536");
}

int main(void)
{
    const struct CMUnitTest image[] = {
        cmocka_unit_test(ranges_answer_like_the_plan_selects),
        cmocka_unit_test(ranges_reach_both_ends),
        cmocka_unit_test(learned_routes_do_not_count_inside_a_vnet),
        cmocka_unit_test(ranges_with_one_answer_are_joined),
        cmocka_unit_test(rows_that_lost_do_not_count),
        cmocka_unit_test(too_many_ranges_are_refused),
        cmocka_unit_test(nic_entry_says_what_the_plan_says),
        cmocka_unit_test(space_covers_the_own_vnet_only),
        cmocka_unit_test(zeroed_nic_has_no_route),
        cmocka_unit_test(empty_plan_has_an_image),
        cmocka_unit_test(nic_slots_beyond_the_layout_are_refused),
    };

    return cmocka_run_group_tests_name("image", image, NULL, NULL);
}
