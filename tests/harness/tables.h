/* Plans made by hand for tests of the table bytes: one route table that every NIC uses, and VNets without a
 * model behind them. */
#ifndef VNETLAB_TEST_TABLES_H
#define VNETLAB_TEST_TABLES_H

#include "vnetlab/image.h"
#include "vnetlab/plan.h"

#define TABLES_VNETS                                                                                         \
    8 /* "vnet-0" .. "vnet-7", slots 10 .. 17; the odd ones in westus, the others in eastus2 */

/* With room for n_rows routes and n_nics NICs. The caller's (vnl_plan_free). */
struct vnl_plan *tables_plan(size_t n_rows, size_t n_nics);
/* The rows still have to be settled (vnl_routes_settle), or marked active. */
struct vnl_route *tables_row(struct vnl_plan *plan, struct vnl_prefix prefix, enum vnl_next_hop type,
                             uint32_t vnet);
/* With room for a second address. */
struct vnl_plan_nic *tables_nic(struct vnl_plan *plan, uint32_t slot, uint32_t vnet, struct vnl_addr addr);
void tables_space(struct vnl_plan *plan, uint32_t vnet, const char *a, const char *b);

struct vnl_prefix tables_prefix(const char *text);
struct vnl_addr tables_addr(const char *text);
/* Few different bytes, so that prefixes nest, touch, and reach both ends of the address space. */
struct vnl_prefix tables_random_prefix(uint16_t family);
/* Settled, of all sources and next hops; its only NIC has slot 3 and is every appliance and gateway, if any. */
struct vnl_plan *tables_random_plan(size_t n_rows);

/* Of the smallest size that fits. The caller's (vnl_image_free). */
struct vnl_image *tables_image(const struct vnl_plan *plan);

#endif
