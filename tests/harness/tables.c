#include "tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"

struct vnl_plan *tables_plan(size_t n_rows, size_t n_nics)
{
    struct vnl_plan *plan = calloc(1, sizeof(*plan));

    plan->lab = strdup("test");
    plan->internet = VNL_PLAN_NOBODY;
    plan->vnets = calloc(TABLES_VNETS, sizeof(*plan->vnets));
    plan->n_vnets = TABLES_VNETS;
    for (uint32_t i = 0; i < TABLES_VNETS; i++) {
        char name[16];

        snprintf(name, sizeof(name), "vnet-%u", i);
        plan->vnets[i].name = strdup(name);
        plan->vnets[i].location = strdup(i % 2 ? "westus" : "eastus2");
        plan->vnets[i].slot = 10 + i;
    }
    plan->vnet_slots = 10 + TABLES_VNETS;
    plan->tables = calloc(1, sizeof(*plan->tables));
    plan->n_tables = 1;
    plan->tables[0].name = strdup("vnet-0");
    plan->tables[0].routes = calloc(n_rows + 1, sizeof(struct vnl_route));
    plan->nics = calloc(n_nics + 1, sizeof(*plan->nics));
    return plan;
}

struct vnl_prefix tables_prefix(const char *text)
{
    struct vnl_prefix prefix = { 0 };

    assert_int_equal(vnl_prefix_parse(text, &prefix, NULL), 0);
    return prefix;
}

struct vnl_addr tables_addr(const char *text)
{
    struct vnl_addr addr = { 0 };

    assert_int_equal(vnl_addr_parse(text, &addr, NULL), 0);
    return addr;
}

struct vnl_route *tables_row(struct vnl_plan *plan, struct vnl_prefix prefix, enum vnl_next_hop type,
                             uint32_t vnet)
{
    struct vnl_route_table *table = &plan->tables[0];
    struct vnl_route *row = &table->routes[table->n_routes++];

    *row = (struct vnl_route){
        .prefix = prefix, .type = type, .vnet = vnet, .nic = VNL_PLAN_NOBODY, .balancer = VNL_PLAN_NOBODY
    };
    return row;
}

struct vnl_plan_nic *tables_nic(struct vnl_plan *plan, uint32_t slot, uint32_t vnet, struct vnl_addr addr)
{
    struct vnl_plan_nic *nic = &plan->nics[plan->n_nics++];

    nic->slot = slot;
    nic->vnet = vnet;
    nic->rules_subnet = nic->rules_nic = VNL_PLAN_NO_RULES;
    nic->nat = VNL_PLAN_NOBODY;
    nic->addrs = calloc(2, sizeof(*nic->addrs));
    nic->addrs[0].addr = addr;
    nic->n_addrs = 1;
    if (slot >= plan->nic_slots)
        plan->nic_slots = slot + 1;
    return nic;
}

void tables_space(struct vnl_plan *plan, uint32_t vnet, const char *a, const char *b)
{
    plan->vnets[vnet].space = calloc(2, sizeof(struct vnl_prefix));
    plan->vnets[vnet].space[0] = tables_prefix(a);
    plan->vnets[vnet].space[1] = tables_prefix(b);
    plan->vnets[vnet].n_space = 2;
}

struct vnl_prefix tables_random_prefix(uint16_t family)
{
    static const uint8_t bytes[] = { 0, 0, 10, 127, 128, 255, 255 };
    struct vnl_prefix prefix = { .addr.family = family };
    unsigned bits = vnl_addr_bits(family);

    prefix.len = (uint8_t)((unsigned)rand() % (bits + 1));
    for (unsigned i = 0; i < bits / 8; i++)
        prefix.addr.bytes[i] = bytes[(unsigned)rand() % sizeof(bytes)];
    for (unsigned i = prefix.len; i < bits; i++)
        prefix.addr.bytes[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
    return prefix;
}

struct vnl_plan *tables_random_plan(size_t n_rows)
{
    struct vnl_plan *plan = tables_plan(n_rows, 1);

    tables_nic(plan, 3, 0, tables_addr("10.0.0.4"));
    for (size_t i = 0; i < n_rows; i++) {
        uint16_t family = rand() % 2 ? AF_INET : AF_INET6;
        struct vnl_route *row =
            tables_row(plan, tables_random_prefix(family), (enum vnl_next_hop)(rand() % VNL_NEXT_HOP_MAX),
                       (uint32_t)rand() % TABLES_VNETS);

        row->source = (enum vnl_route_source)(rand() % VNL_ROUTE_SOURCE_MAX);
        if (row->type == VNL_NEXT_HOP_APPLIANCE || (row->type == VNL_NEXT_HOP_GATEWAY && rand() % 2))
            row->nic = 0;
        row->delay = rand() % 4 == 0 ? (uint8_t)(1 + rand() % 255) : 0;
        row->deny_access_local = rand() % 4 == 0;
        row->deny_access_remote = rand() % 4 == 0;
        row->deny_forwarded = rand() % 4 == 0;
    }
    assert_int_equal(vnl_routes_settle(&plan->tables[0], NULL), 0);
    return plan;
}

struct vnl_image *tables_image(const struct vnl_plan *plan)
{
    struct vnl_image_size size;
    struct vnl_image *image = NULL;

    assert_int_equal(vnl_image_size(plan, &size, NULL), 0);
    assert_int_equal(vnl_image_build(plan, &size, &image, NULL), 0);
    return image;
}
