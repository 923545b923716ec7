/* Owners are found within the probes that the program makes. The digest changes when packets would feel it,
 * and only then. */
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

static const struct vnl_owner *owner_lookup(const struct vnl_image *image, uint32_t vnet,
                                            const struct vnl_addr *addr)
{
    __be32 key[4] = { 0, 0, htonl(0xffff), 0 };

    if (addr->family == AF_INET)
        memcpy(&key[3], addr->bytes, 4);
    else
        memcpy(key, addr->bytes, 16);
    for (uint32_t i = 0; i < VNL_OWNER_PROBES; i++) {
        uint32_t at = (vnl_owner_hash(vnet, key) + i) & (image->size.owner_slots - 1);
        const struct vnl_owner *owner = &image->owners[at];

        if (owner->vnet == VNL_OWNER_FREE)
            return NULL;
        if (owner->vnet == vnet && memcmp(owner->addr, key, sizeof(key)) == 0)
            return owner;
    }
    return NULL;
}

/* Both families, addresses as labs have them: dense, in few subnets, the same ones in several VNets. */
static struct vnl_plan *plan_with_owners(size_t n)
{
    struct vnl_plan *plan = tables_plan(0, n);
    struct vnl_addr v4 = tables_addr("10.0.0.4"), v6 = tables_addr("fd00::4");

    for (size_t i = 0; i < n; i++) {
        struct vnl_addr own4 = vnl_addr_add(&v4, i / TABLES_VNETS),
                        own6 = vnl_addr_add(&v6, i / TABLES_VNETS);
        struct vnl_plan_nic *nic = tables_nic(plan, (uint32_t)i, (uint32_t)i % TABLES_VNETS, own4);

        nic->addrs[1].addr = own6;
        nic->n_addrs = 2;
    }
    return plan;
}

static void assert_owners(const struct vnl_plan *plan, const struct vnl_image *image)
{
    for (size_t i = 0; i < plan->n_nics; i++)
        for (size_t k = 0; k < plan->nics[i].n_addrs; k++) {
            const struct vnl_owner *owner =
                owner_lookup(image, plan->vnets[plan->nics[i].vnet].slot, &plan->nics[i].addrs[k].addr);

            assert_non_null(owner);
            assert_int_equal(owner->nic, plan->nics[i].slot);
        }
}

static void every_owner_is_found_within_the_probes(void **state)
{
    static const size_t sizes[] = { 1, 8, 100, 1000, 5000, 30000 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_owners(sizes[i]);
        CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);

        assert_owners(plan, image);
        assert_true(image->size.owner_slots >= 4 * sizes[i]);
        assert_true(image->size.owner_slots <= 32 * sizes[i] + VNL_OWNER_PROBES);
    }
}

/* One key more than there are probes, all with one home in any table of up to 256 elements: the table has to
 * grow past that. */
static void table_grows_until_colliding_owners_are_found(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(0, VNL_OWNER_PROBES + 1);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    struct vnl_addr first = tables_addr("10.0.0.0");

    (void)state;
    for (uint32_t i = 0; plan->n_nics <= VNL_OWNER_PROBES; i++) {
        struct vnl_addr addr = vnl_addr_add(&first, i);
        __be32 key[4] = { 0, 0, htonl(0xffff), 0 };

        memcpy(&key[3], addr.bytes, 4);
        if ((vnl_owner_hash(10, key) & 255) == 0)
            tables_nic(plan, (uint32_t)plan->n_nics, 0, addr);
    }
    image = tables_image(plan);
    assert_true(image->size.owner_slots > 256);
    assert_owners(plan, image);
}

static void absent_owner_is_not_found(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_owners(1000);
    CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);
    struct vnl_addr beyond = tables_addr("10.0.1.4"), present = tables_addr("10.0.0.4"),
                    other = tables_addr("::1");

    (void)state;
    for (uint64_t i = 0; i < 10000; i++) {
        struct vnl_addr addr = vnl_addr_add(&beyond, i);

        assert_null(owner_lookup(image, 10, &addr));
    }
    assert_non_null(owner_lookup(image, 10, &present));
    assert_null(owner_lookup(image, 10 + TABLES_VNETS, &present));
    assert_null(owner_lookup(image, 10, &other));
}

/* A lab's tables are loaded with room to grow: whatever fits a table fits every larger one. */
static void larger_tables_fit_too(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_owners(500);
    struct vnl_image_size size;

    (void)state;
    assert_int_equal(vnl_image_size(plan, &size, NULL), 0);
    for (int i = 0; i < 6; i++) {
        CLEANUP(vnl_image_free) struct vnl_image *image = NULL;

        assert_int_equal(vnl_image_build(plan, &size, &image, NULL), 0);
        assert_owners(plan, image);
        size.owner_slots *= 2;
        size.nic_slots *= 2;
        size.pool_bytes *= 2;
    }
}

static void assert_refused(const struct vnl_plan *plan, const struct vnl_image_size *size, const char *words)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_image *image = NULL;

    assert_int_equal(vnl_image_build(plan, size, &image, &err), -E2BIG);
    assert_non_null(strstr(err->msg, words));
    assert_null(image);
}

static void loaded_tables_too_small_are_refused(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_owners(100);
    struct vnl_image_size size, small;

    (void)state;
    tables_space(plan, 0, "10.0.0.0/16", "fd00::/48");
    assert_int_equal(vnl_image_size(plan, &size, NULL), 0);
    small = size;
    small.nic_slots = 64;
    assert_refused(plan, &small, "100 network interfaces; the loaded tables hold 64");
    small = size;
    small.pool_bytes = 32;
    assert_refused(plan, &small, "bytes of routes and rules; the loaded tables hold 32");
    small = size;
    small.owner_slots = 128;
    assert_refused(plan, &small, "the addresses do not fit into the loaded table of 128");
}

/* --- digest ------------------------------------------------------------------------------------------------
 */

static void digest_of_one_plan_is_one(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_random_plan(40);
    CLEANUP(vnl_image_free) struct vnl_image *a = tables_image(plan), *b = tables_image(plan);

    (void)state;
    assert_memory_equal(a->digest, b->digest, sizeof(a->digest));
    assert_memory_equal(a->pool, b->pool, a->size.pool_bytes);
    assert_memory_equal(a->owners, b->owners, a->size.owner_slots * sizeof(*a->owners));
    assert_memory_equal(a->nics, b->nics, a->size.nic_slots * sizeof(*a->nics));
}

static void assert_digest_differs(const struct vnl_plan *plan, const struct vnl_image *before)
{
    CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);

    assert_memory_not_equal(image->digest, before->digest, sizeof(image->digest));
}

/* Each change touches one of the arrays alone: NIC entries, owners, pool. */
static void digest_covers_what_packets_feel(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(4, 1);
    CLEANUP(vnl_image_free) struct vnl_image *before = NULL;
    struct vnl_plan_nic *nic = tables_nic(plan, 0, 0, tables_addr("10.0.0.4"));
    struct vnl_route *row = tables_row(plan, tables_prefix("10.1.0.0/16"), VNL_NEXT_HOP_PEERING, 1);

    (void)state;
    row->active = true;
    nic->addrs[1].addr = tables_addr("10.0.0.6");
    nic->n_addrs = 2;
    before = tables_image(plan);
    nic->ip_forwarding = true;
    assert_digest_differs(plan, before);
    nic->ip_forwarding = false;
    nic->mac.bytes[5] = 1;
    assert_digest_differs(plan, before);
    nic->mac.bytes[5] = 0;
    nic->addrs[1].addr = tables_addr("10.0.0.5"); /* a secondary address is in the owners only */
    assert_digest_differs(plan, before);
    nic->addrs[1].addr = tables_addr("10.0.0.6");
    row->deny_forwarded = true;
    assert_digest_differs(plan, before);
    row->deny_forwarded = false;
    row->prefix = tables_prefix("10.2.0.0/16");
    assert_digest_differs(plan, before);
    row->prefix = tables_prefix("10.1.0.0/16");
    tables_space(plan, 0, "10.0.0.0/16", "fd00::/48");
    assert_digest_differs(plan, before);
}

static void table_without_nic_changes_nothing(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(4, 1);
    CLEANUP(vnl_image_free) struct vnl_image *before = NULL, *after = NULL;

    (void)state;
    tables_nic(plan, 0, 0, tables_addr("10.0.0.4"));
    tables_row(plan, tables_prefix("10.0.0.0/16"), VNL_NEXT_HOP_VNET_LOCAL, 0)->active = true;
    before = tables_image(plan);
    plan->tables = reallocarray(plan->tables, 2, sizeof(*plan->tables));
    plan->tables[plan->n_tables++] = (struct vnl_route_table){ .name = strdup("vnet-1") };
    tables_space(plan, 5, "10.9.0.0/16", "fd09::/48");
    after = tables_image(plan);
    assert_memory_equal(before->digest, after->digest, sizeof(before->digest));
}

int main(void)
{
    const struct CMUnitTest image_owners[] = {
        cmocka_unit_test(every_owner_is_found_within_the_probes),
        cmocka_unit_test(table_grows_until_colliding_owners_are_found),
        cmocka_unit_test(absent_owner_is_not_found),
        cmocka_unit_test(larger_tables_fit_too),
        cmocka_unit_test(loaded_tables_too_small_are_refused),
        cmocka_unit_test(digest_of_one_plan_is_one),
        cmocka_unit_test(digest_covers_what_packets_feel),
        cmocka_unit_test(table_without_nic_changes_nothing),
    };

    return cmocka_run_group_tests_name("image owners", image_owners, NULL, NULL);
}
