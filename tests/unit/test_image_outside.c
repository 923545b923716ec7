/* The internet's part of the tables, decoded and compared with the plan by a linear walk: its own routes, each NIC's way out, and
 * what is shared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/tables.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define INTERNET (TABLES_VNETS - 1) /* index of the VNet that is the internet side */

/* What the program finds for a destination on the internet side. */
static struct vnl_route_entry internet_lookup(const struct vnl_image *image, uint32_t offset,
                                              const struct vnl_addr *addr)
{
    struct vnl_route_image head;
    struct vnl_route_entry entry;
    uint32_t key, start;
    uint16_t index = 0;

    memcpy(&head, image->pool + offset, sizeof(head));
    memcpy(&key, addr->bytes, 4);
    for (uint32_t i = 0; i < head.n_ranges; i++) {
        memcpy(&start, image->pool + head.start + 4 * i, 4);
        if (start <= ntohl(key))
            memcpy(&index, image->pool + head.index + 2 * i, 2);
    }
    memcpy(&entry, image->pool + head.route + index * sizeof(entry), sizeof(entry));
    return entry;
}

static struct vnl_outside outside_of(const struct vnl_image *image, uint32_t slot)
{
    struct vnl_outside outside;

    assert_int_not_equal(image->nics[slot].outside, 0);
    assert_int_equal(image->nics[slot].outside % 8, 0);
    memcpy(&outside, image->pool + image->nics[slot].outside, sizeof(outside));
    return outside;
}

static struct vnl_public public_at(const struct vnl_image *image, uint32_t offset)
{
    struct vnl_public public_ip;

    assert_int_equal(offset % 8, 0);
    assert_true(offset && offset + sizeof(public_ip) <= image->pool_used);
    memcpy(&public_ip, image->pool + offset, sizeof(public_ip));
    return public_ip;
}

/* --- plans ------------------------------------------------------------------------------------------------------------- */

/* An internet side, and room for public IPs and addresses to share. The first table is every NIC's but the hosts'. */
static struct vnl_plan *plan_with_internet(size_t n_nics, size_t n_publics, size_t n_nats)
{
    struct vnl_plan *plan = tables_plan(4, n_nics);
    struct vnl_route *row;

    plan->internet = INTERNET;
    plan->vnets[INTERNET].internet = true;
    plan->vnets[INTERNET].slot = VNL_INTERNET_SLOT;
    plan->tables = reallocarray(plan->tables, TABLES_VNETS, sizeof(*plan->tables));
    memset(plan->tables + 1, 0, (TABLES_VNETS - 1) * sizeof(*plan->tables));
    plan->n_tables = TABLES_VNETS;
    for (uint32_t i = 1; i < TABLES_VNETS; i++)
        plan->tables[i].name = strdup(plan->vnets[i].name);
    plan->tables[INTERNET].routes = calloc(1, sizeof(*row));
    plan->tables[INTERNET].n_routes = 1;
    plan->tables[INTERNET].vnet = INTERNET;
    row = &plan->tables[INTERNET].routes[0];
    *row = (struct vnl_route){ .prefix = tables_prefix("0.0.0.0/0"), .vnet = INTERNET, .active = true };
    tables_row(plan, tables_prefix("0.0.0.0/0"), VNL_NEXT_HOP_INTERNET, 0)->active = true;
    plan->publics = calloc(n_publics + 1, sizeof(*plan->publics));
    plan->nats = calloc(n_nats + 1, sizeof(*plan->nats));
    return plan;
}

static struct vnl_plan_public *add_public(struct vnl_plan *plan, const char *addr, uint32_t nic,
                                          const char *inner)
{
    struct vnl_plan_public *public_ip = &plan->publics[plan->n_publics++];

    *public_ip = (struct vnl_plan_public){
        .name = strdup(addr), .addr = tables_addr(addr), .nic = nic, .timeout_s = 240, .nat = VNL_PLAN_NOBODY
    };
    if (inner)
        public_ip->inner = tables_addr(inner);
    return public_ip;
}

static struct vnl_plan_nat *add_nat(struct vnl_plan *plan, bool gateway, const char *first, size_t n)
{
    struct vnl_plan_nat *nat = &plan->nats[plan->n_nats++];
    struct vnl_addr addr = tables_addr(first);

    *nat =
        (struct vnl_plan_nat){ .gateway = gateway, .n_outer = n, .tcp_timeout_s = 600, .udp_timeout_s = 120 };
    nat->outer = calloc(n, sizeof(*nat->outer));
    for (size_t i = 0; i < n; i++)
        nat->outer[i] = vnl_addr_add(&addr, i);
    return nat;
}

static void use_nat(struct vnl_plan_nic *nic, uint32_t nat, uint16_t first, uint16_t n)
{
    nic->nat = nat;
    nic->nat_port_first = first;
    nic->nat_ports = n;
    nic->has_sessions = true;
}

/* --- the plan's words against the tables', linearly ---------------------------------------------------------------------- */

static void assert_internet_answers(const struct vnl_plan *plan, const struct vnl_image *image,
                                    uint32_t offset, const struct vnl_addr *addr)
{
    struct vnl_route_entry entry = internet_lookup(image, offset, addr);

    for (size_t i = 0; i < plan->n_publics; i++) {
        const struct vnl_plan_public *from = &plan->publics[i];
        struct vnl_public public_ip;

        if (from->nic == VNL_PLAN_NOBODY || !vnl_addr_eq(&from->addr, addr))
            continue;
        assert_int_equal(entry.kind, VNL_ROUTE_KIND_PUBLIC);
        public_ip = public_at(image, entry.at);
        assert_memory_equal(&public_ip.inner, from->inner.bytes, 4);
        assert_memory_equal(&public_ip.outer, from->addr.bytes, 4);
        assert_int_equal(public_ip.nic, plan->nics[from->nic].slot);
        assert_int_equal(public_ip.flags, from->closed ? VNL_PUBLIC_CLOSED : 0);
        assert_int_equal(public_ip.timeout_s, from->timeout_s);
        return;
    }
    for (size_t i = 0; i < plan->n_nats; i++)
        for (size_t k = 0; k < plan->nats[i].n_outer; k++)
            if (vnl_addr_eq(&plan->nats[i].outer[k], addr)) {
                assert_int_equal(entry.kind, VNL_ROUTE_KIND_SESSION);
                return;
            }
    assert_int_equal(entry.kind, VNL_ROUTE_KIND_VNET);
    assert_int_equal(entry.vnet, VNL_INTERNET_SLOT);
}

static void assert_outside(const struct vnl_plan *plan, const struct vnl_image *image, size_t index)
{
    const struct vnl_plan_nic *nic = &plan->nics[index];
    struct vnl_outside outside = outside_of(image, nic->slot);
    const struct vnl_plan_nat *nat = nic->nat == VNL_PLAN_NOBODY ? NULL : &plan->nats[nic->nat];
    uint32_t n = 0;

    for (size_t i = 0; i < plan->n_publics; i++) {
        struct vnl_public public_ip;

        if (plan->publics[i].nic != index)
            continue;
        public_ip = public_at(image, outside.publics + n++ * (uint32_t)sizeof(public_ip));
        assert_memory_equal(&public_ip.outer, plan->publics[i].addr.bytes, 4);
    }
    assert_int_equal(outside.n_publics, n);
    assert_int_equal(outside.flags, nat && nat->gateway ? VNL_OUTSIDE_GATEWAY : 0);
    assert_int_equal(outside.n_outer, nat ? nat->n_outer : 0);
    assert_int_equal(outside.tcp_timeout_s, nat ? nat->tcp_timeout_s : 240);
    assert_int_equal(outside.udp_timeout_s, nat ? nat->udp_timeout_s : 240);
    if (!nat)
        return;
    assert_int_equal(outside.port_first, nic->nat_port_first);
    assert_int_equal(outside.n_ports, nic->nat_ports);
    for (size_t i = 0; i < nat->n_outer; i++)
        assert_memory_equal(image->pool + outside.outer + 4 * i, nat->outer[i].bytes, 4);
}

static void assert_says_what_the_plan_says(const struct vnl_plan *plan, const struct vnl_image *image)
{
    struct vnl_addr addr = tables_addr("203.0.112.250"), nat = tables_addr("192.0.2.120");

    for (size_t i = 0; i < plan->n_nics; i++) {
        const struct vnl_plan_nic *nic = &plan->nics[i];
        uint32_t flags = image->nics[nic->slot].flags;

        assert_int_equal(!!(flags & VNL_NIC_HAS_SESSIONS), nic->has_sessions);
        if (nic->vnet == INTERNET) {
            assert_int_equal(image->nics[nic->slot].outside, 0);
            assert_int_equal(image->nics[nic->slot].vnet, VNL_INTERNET_SLOT);
            continue;
        }
        assert_outside(plan, image, i);
        for (uint64_t k = 0; k < 300; k++) {
            struct vnl_addr a = vnl_addr_add(&addr, k), b = vnl_addr_add(&nat, k);

            assert_internet_answers(plan, image, outside_of(image, nic->slot).internet, &a);
            assert_internet_answers(plan, image, outside_of(image, nic->slot).internet, &b);
        }
    }
}

/* NICs 0..n-1, the last on the internet side; public IPs in no order of NICs. */
static struct vnl_plan *random_plan(size_t n)
{
    struct vnl_plan *plan = plan_with_internet(n, 3 * n, 2);
    struct vnl_addr first = tables_addr("10.0.0.4"), outer = tables_addr("203.0.113.1");
    char text[INET6_ADDRSTRLEN];

    (void)add_nat(plan, true, "203.0.114.1", 3);
    (void)add_nat(plan, false, "192.0.2.128", 1 + n / 62);
    for (size_t i = 0; i < n; i++) {
        struct vnl_plan_nic *nic =
            tables_nic(plan, (uint32_t)i + 2, i + 1 == n ? INTERNET : 0, vnl_addr_add(&first, i));

        nic->table = i + 1 == n ? INTERNET : 0;
        if (i + 1 < n && rand() % 3)
            use_nat(nic, (uint32_t)rand() % 2, (uint16_t)(1024 + i % 62 * 1024), 1024);
    }
    for (size_t i = 0; i < 2 * n; i++) {
        struct vnl_addr addr = vnl_addr_add(&outer, i);
        struct vnl_plan_public *public_ip;

        inet_ntop(AF_INET, addr.bytes, text, sizeof(text));
        public_ip = add_public(plan, text,
                               n > 1 && rand() % 4 ? (uint32_t)rand() % (uint32_t)(n - 1) : VNL_PLAN_NOBODY,
                               "10.0.0.9");
        public_ip->closed = rand() % 2;
        public_ip->timeout_s = 240 + (uint32_t)rand() % 100;
    }
    return plan;
}

static void tables_say_what_the_plan_says(void **state)
{
    (void)state;
    srand(20260601);
    for (int round = 0; round < 60; round++) {
        CLEANUP(vnl_plan_free) struct vnl_plan *plan = random_plan(1 + (size_t)rand() % 20);
        CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);

        assert_says_what_the_plan_says(plan, image);
    }
}

/* --- by hand -------------------------------------------------------------------------------------------------------------- */

static void a_lab_without_internet_has_no_way_out(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = tables_plan(4, 1);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;

    (void)state;
    tables_nic(plan, 0, 0, tables_addr("10.0.0.4"));
    tables_row(plan, tables_prefix("0.0.0.0/0"), VNL_NEXT_HOP_INTERNET, 0)->active = true;
    image = tables_image(plan);
    assert_int_equal(image->nics[0].outside, 0);
    assert_int_equal(image->nics[0].flags, VNL_NIC_LIVE);
}

static void nics_of_one_nat_gateway_share_their_way_out(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_internet(200, 1, 1);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    struct vnl_addr first = tables_addr("10.0.0.4");

    (void)state;
    (void)add_nat(plan, true, "203.0.113.10", 1);
    for (uint32_t i = 0; i < 200; i++)
        use_nat(tables_nic(plan, i, 0, vnl_addr_add(&first, i)), 0, 1024, 64512);
    add_public(plan, "203.0.113.20", 7, "10.0.0.11");
    image = tables_image(plan);
    assert_int_equal(outside_of(image, 0).n_ports, 64512);
    for (uint32_t i = 1; i < 200; i++) {
        if (i == 7)
            assert_int_not_equal(image->nics[i].outside, image->nics[0].outside);
        else
            assert_int_equal(image->nics[i].outside, image->nics[0].outside);
    }
}

/* A host's own routes are the internet's. */
static void a_host_has_the_internets_routes(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_internet(2, 1, 0);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    struct vnl_addr public_ip = tables_addr("203.0.113.5"), other = tables_addr("203.0.113.80");

    (void)state;
    tables_nic(plan, 0, 0, tables_addr("10.0.0.4"));
    tables_nic(plan, 1, INTERNET, tables_addr("203.0.113.80"))->table = INTERNET;
    add_public(plan, "203.0.113.5", 0, "10.0.0.4")->closed = true;
    image = tables_image(plan);
    assert_int_equal(image->nics[1].routes4, outside_of(image, 0).internet);
    assert_int_equal(image->nics[1].routes6, 0);
    assert_int_equal(internet_lookup(image, image->nics[1].routes4, &public_ip).kind, VNL_ROUTE_KIND_PUBLIC);
    assert_int_equal(internet_lookup(image, image->nics[1].routes4, &other).vnet, VNL_INTERNET_SLOT);
}

static void assert_digest_differs(const struct vnl_plan *plan, const struct vnl_image *before)
{
    CLEANUP(vnl_image_free) struct vnl_image *image = tables_image(plan);

    assert_memory_not_equal(image->digest, before->digest, sizeof(image->digest));
}

static void digest_covers_the_outside(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_internet(1, 1, 1);
    CLEANUP(vnl_image_free) struct vnl_image *before = NULL;
    struct vnl_plan_public *public_ip;

    (void)state;
    use_nat(tables_nic(plan, 0, 0, tables_addr("10.0.0.4")), 0, 1024, 1024);
    (void)add_nat(plan, false, "192.0.2.128", 1);
    public_ip = add_public(plan, "203.0.113.5", 0, "10.0.0.4");
    before = tables_image(plan);
    public_ip->closed = true;
    assert_digest_differs(plan, before);
    public_ip->closed = false;
    public_ip->addr = tables_addr("203.0.113.6");
    assert_digest_differs(plan, before);
    public_ip->addr = tables_addr("203.0.113.5");
    plan->nics[0].nat_port_first = 2048;
    assert_digest_differs(plan, before);
    plan->nics[0].nat_port_first = 1024;
    plan->nats[0].udp_timeout_s = 30;
    assert_digest_differs(plan, before);
    plan->nats[0].udp_timeout_s = 120;
    plan->nics[0].has_sessions = false;
    assert_digest_differs(plan, before);
}

int main(void)
{
    const struct CMUnitTest image_outside[] = {
        cmocka_unit_test(tables_say_what_the_plan_says),
        cmocka_unit_test(a_lab_without_internet_has_no_way_out),
        cmocka_unit_test(nics_of_one_nat_gateway_share_their_way_out),
        cmocka_unit_test(a_host_has_the_internets_routes),
        cmocka_unit_test(digest_covers_the_outside),
    };

    return cmocka_run_group_tests_name("image outside", image_outside, NULL, NULL);
}
