/* Load balancers in the tables: frontends as owners and as next hops, rules and backends as the plan has them, and what tells one
 * rule's health from another's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/tables.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

static const struct vnl_owner *owner_lookup(const struct vnl_image *image, uint32_t vnet, const char *text)
{
    __be32 key[4] = { 0, 0, htonl(0xffff), inet_addr(text) };

    for (uint32_t i = 0; i < VNL_OWNER_PROBES; i++) {
        const struct vnl_owner *owner =
            &image->owners[(vnl_owner_hash(vnet, key) + i) & (image->size.owner_slots - 1)];

        if (owner->vnet == VNL_OWNER_FREE)
            return NULL;
        if (owner->vnet == vnet && memcmp(owner->addr, key, sizeof(key)) == 0)
            return owner;
    }
    return NULL;
}

static void assert_is_rule(const struct vnl_plan *plan, const struct vnl_image *image, uint32_t offset,
                           const struct vnl_plan_lb_rule *from)
{
    struct vnl_balancer_rule rule;

    memcpy(&rule, image->pool + offset, sizeof(rule));
    assert_int_equal(rule.proto, from->proto);
    assert_int_equal(rule.distribution, from->distribution);
    assert_int_equal(rule.floating, from->floating);
    assert_int_equal(rule.frontend_port, from->frontend_port);
    assert_int_equal(rule.backend_port, from->backend_port);
    assert_int_equal(rule.health, from->health);
    assert_int_equal(rule.timeout_s, from->timeout_s);
    assert_true(rule.health_id == vnl_health_id(from));
    assert_int_equal(rule.n_backends, from->n_backends);
    for (size_t i = 0; i < from->n_backends; i++) {
        struct vnl_backend backend;

        memcpy(&backend, image->pool + rule.backends + i * sizeof(backend), sizeof(backend));
        assert_memory_equal(&backend.addr, from->backends[i].addr.bytes, 4);
        assert_int_equal(backend.nic, plan->nics[from->backends[i].nic].slot);
    }
}

static void assert_is_balancer(const struct vnl_plan *plan, const struct vnl_image *image, uint32_t offset,
                               const struct vnl_plan_balancer *from)
{
    struct vnl_balancer balancer;

    assert_int_equal(offset % 8, 0);
    assert_true(offset && offset + sizeof(balancer) <= image->pool_used);
    memcpy(&balancer, image->pool + offset, sizeof(balancer));
    assert_memory_equal(&balancer.frontend, from->addr.bytes, 4);
    assert_int_equal(balancer.vnet, plan->vnets[from->vnet].slot);
    assert_int_equal(balancer.flags, from->basic ? VNL_BALANCER_BASIC : 0);
    assert_int_equal(balancer.n_rules, from->n_rules);
    for (uint32_t i = 0; i < from->n_rules; i++)
        assert_is_rule(plan, image, balancer.rules + i * (uint32_t)sizeof(struct vnl_balancer_rule),
                       &from->rules[i]);
}

/* --- plans ---------------------------------------------------------------------------------------------------------------- */

static void add_rule(struct vnl_plan_balancer *balancer, uint8_t proto, uint16_t port, size_t n_backends)
{
    struct vnl_plan_lb_rule *rule = &balancer->rules[balancer->n_rules++];
    struct vnl_addr first = tables_addr("10.0.0.4");

    *rule = (struct vnl_plan_lb_rule){
        .id = strdup("/loadBalancers/ilb/loadBalancingRules/r"),
        .name = strdup("r"),
        .proto = proto,
        .frontend_port = port,
        .backend_port = proto ? (uint16_t)(port + 1000) : 0,
        .distribution = VNL_DISTRIBUTION_SOURCE_IP,
        .floating = proto == 0,
        .timeout_s = 300,
        .health = 5,
        .n_backends = n_backends,
        .backends = calloc(n_backends + 1, sizeof(struct vnl_plan_backend)),
    };
    for (size_t i = 0; i < n_backends; i++)
        rule->backends[i] = (struct vnl_plan_backend){ .nic = (uint32_t)i, .addr = vnl_addr_add(&first, i) };
}

/* A frontend 10.0.0.100 in vnet-2 before `n_nics` backends there, and a NIC that routes by it. */
static struct vnl_plan *plan_with_balancer(size_t n_nics)
{
    struct vnl_plan *plan = tables_plan(4, n_nics);
    struct vnl_addr first = tables_addr("10.0.0.4");
    struct vnl_plan_balancer *balancer;

    for (uint32_t i = 0; i < n_nics; i++)
        tables_nic(plan, 2 * i + 1, 2, vnl_addr_add(&first, i));
    plan->balancers = balancer = calloc(1, sizeof(*balancer));
    plan->n_balancers = 1;
    *balancer = (struct vnl_plan_balancer){ .name = strdup("ilb/front"),
                                            .vnet = 2,
                                            .addr = tables_addr("10.0.0.100"),
                                            .rules = calloc(3, sizeof(*balancer->rules)) };
    return plan;
}

static void a_frontend_is_an_owner_of_its_own_kind(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_balancer(3);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    const struct vnl_owner *owner;

    (void)state;
    add_rule(plan->balancers, IPPROTO_TCP, 80, 2);
    add_rule(plan->balancers, IPPROTO_UDP, 53, 3);
    add_rule(plan->balancers, 0, 0, 3);
    plan->balancers[0].basic = true;
    image = tables_image(plan);
    owner = owner_lookup(image, plan->vnets[2].slot, "10.0.0.100");
    assert_non_null(owner);
    assert_true(owner->nic & VNL_OWNER_BALANCER);
    assert_is_balancer(plan, image, (owner->nic & ~VNL_OWNER_BALANCER) * 8, &plan->balancers[0]);
    assert_null(owner_lookup(image, plan->vnets[0].slot, "10.0.0.100"));
    assert_int_equal(owner_lookup(image, plan->vnets[2].slot, "10.0.0.4")->nic, 1);
}

static void a_frontend_is_a_next_hop(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_balancer(1);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    struct vnl_route *row = tables_row(plan, tables_prefix("0.0.0.0/0"), VNL_NEXT_HOP_APPLIANCE, 1);
    struct vnl_route_entry entry;
    struct vnl_route_image head;

    (void)state;
    row->active = true;
    row->balancer = 0;
    row->deny_forwarded = true;
    add_rule(plan->balancers, 0, 0, 1);
    image = tables_image(plan);
    memcpy(&head, image->pool + image->nics[1].routes4, sizeof(head));
    assert_int_equal(head.n_ranges, 1);
    memcpy(&entry, image->pool + head.route, sizeof(entry));
    assert_int_equal(entry.kind, VNL_ROUTE_KIND_BALANCER);
    assert_int_equal(entry.flags, VNL_ROUTE_DENY_FORWARDED | VNL_ROUTE_GLOBAL); /* vnet-1 is in westus */
    assert_is_balancer(plan, image, entry.at, &plan->balancers[0]);
}

/* A connection's balancer: a next hop that nobody finds by an address. */
static void instances_of_a_gateway_are_a_next_hop(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_balancer(2);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    struct vnl_route *row = tables_row(plan, tables_prefix("0.0.0.0/0"), VNL_NEXT_HOP_GATEWAY, 1);
    struct vnl_route *row6 = tables_row(plan, tables_prefix("::/0"), VNL_NEXT_HOP_GATEWAY, 1);
    struct vnl_route_entry entry;
    struct vnl_route_image head;

    (void)state;
    row->active = row6->active = true;
    row->balancer = row6->balancer = 0;
    row->deny_access_remote = true;
    row->delay = 3;
    add_rule(plan->balancers, 0, 0, 2);
    plan->balancers[0].connection = true;
    plan->balancers[0].addr = (struct vnl_addr){ 0 };
    image = tables_image(plan);
    memcpy(&head, image->pool + image->nics[1].routes4, sizeof(head));
    assert_int_equal(head.n_ranges, 1);
    memcpy(&entry, image->pool + head.route, sizeof(entry));
    assert_int_equal(entry.kind, VNL_ROUTE_KIND_BALANCER);
    assert_int_equal(entry.flags,
                     VNL_ROUTE_DENY_ACCESS_REMOTE | VNL_ROUTE_GLOBAL | 3 << VNL_ROUTE_DELAY_SHIFT);
    assert_is_balancer(plan, image, entry.at, &plan->balancers[0]);
    assert_null(owner_lookup(image, plan->vnets[2].slot, "0.0.0.0"));
    /* IPv6 is not balanced; any instance drops it. */
    memcpy(&head, image->pool + image->nics[1].routes6, sizeof(head));
    memcpy(&entry, image->pool + head.route, sizeof(entry));
    assert_int_equal(entry.kind, VNL_ROUTE_KIND_GATEWAY);
    assert_int_equal(entry.nic, 1);
}

/* While a lab grows, what stays is published before what is new is made; both are in the plan, and refer to each other. */
static void a_nic_that_is_not_there_yet_leads_nowhere(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_balancer(3);
    CLEANUP(vnl_image_free) struct vnl_image *image = NULL;
    struct vnl_route *row = tables_row(plan, tables_prefix("0.0.0.0/0"), VNL_NEXT_HOP_APPLIANCE, 2);
    struct vnl_route_image head;
    struct vnl_route_entry entry;

    (void)state;
    row->active = true;
    row->nic = 1;
    add_rule(plan->balancers, IPPROTO_TCP, 80, 3);
    plan->nics[1].slot = VNL_PLAN_NOBODY;
    image = tables_image(plan);
    assert_int_equal(image->nics[1].flags, VNL_NIC_LIVE);
    assert_int_equal(image->nics[3].flags, 0);
    assert_int_equal(image->nics[5].flags, VNL_NIC_LIVE);
    assert_null(owner_lookup(image, plan->vnets[2].slot, "10.0.0.5"));
    memcpy(&head, image->pool + image->nics[5].routes4, sizeof(head));
    memcpy(&entry, image->pool + head.route, sizeof(entry));
    assert_int_equal(entry.kind, VNL_ROUTE_KIND_APPLIANCE);
    assert_int_equal(entry.nic, VNL_PLAN_NOBODY); /* beyond the tables */
}

static void health_is_told_apart_by_rule_and_backends(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_balancer(3);
    struct vnl_plan_lb_rule *rule = plan->balancers[0].rules;
    uint64_t id;

    (void)state;
    add_rule(plan->balancers, IPPROTO_TCP, 80, 2);
    id = vnl_health_id(rule);
    assert_true(id != 0 && id == vnl_health_id(rule));
    rule->timeout_s = 60; /* says nothing of its backends */
    assert_true(id == vnl_health_id(rule));
    rule->n_backends = 1;
    assert_true(id != vnl_health_id(rule));
    rule->n_backends = 2;
    rule->backends[0] = rule->backends[1];
    assert_true(id != vnl_health_id(rule));
    rule->backends[0].addr = tables_addr("10.0.0.4");
    assert_true(id == vnl_health_id(rule));
    rule->id[0] = '#';
    assert_true(id != vnl_health_id(rule));
}

static void digest_covers_the_balancers(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_balancer(2);
    CLEANUP(vnl_image_free) struct vnl_image *before = NULL, *after = NULL;

    (void)state;
    add_rule(plan->balancers, IPPROTO_TCP, 80, 2);
    before = tables_image(plan);
    plan->balancers[0].rules[0].distribution = VNL_DISTRIBUTION_FIVE_TUPLE;
    after = tables_image(plan);
    assert_memory_not_equal(before->digest, after->digest, sizeof(before->digest));
}

static void assert_refused(const struct vnl_plan *plan, const char *says)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_image_size size;

    assert_int_equal(vnl_image_size(plan, &size, &err), -E2BIG);
    assert_string_equal(err->msg, says);
}

static void too_many_backends_or_rules_are_refused(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_with_balancer(VNL_BACKENDS_MAX + 1);
    struct vnl_image_size size;

    (void)state;
    add_rule(plan->balancers, IPPROTO_TCP, 80, VNL_BACKENDS_MAX + 1);
    assert_refused(plan, "load-balancing rule 'r' has 65 backends; the tables hold 64");
    plan->balancers[0].rules[0].n_backends = VNL_BACKENDS_MAX;
    assert_int_equal(vnl_image_size(plan, &size, NULL), 0);
    plan->balancers[0].rules[0].health = VNL_HEALTH_SLOTS;
    assert_refused(plan, "load-balancing rule 'r' is number 4097; the tables hold 4096");
}

int main(void)
{
    const struct CMUnitTest image_balancer[] = {
        cmocka_unit_test(a_frontend_is_an_owner_of_its_own_kind),
        cmocka_unit_test(a_frontend_is_a_next_hop),
        cmocka_unit_test(instances_of_a_gateway_are_a_next_hop),
        cmocka_unit_test(a_nic_that_is_not_there_yet_leads_nowhere),
        cmocka_unit_test(health_is_told_apart_by_rule_and_backends),
        cmocka_unit_test(digest_covers_the_balancers),
        cmocka_unit_test(too_many_backends_or_rules_are_refused),
    };

    return cmocka_run_group_tests_name("image balancer", image_balancer, NULL, NULL);
}
