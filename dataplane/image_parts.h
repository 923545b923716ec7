/* What the files that make an image share and nobody else sees. */
#ifndef VNETLAB_IMAGE_PARTS_H
#define VNETLAB_IMAGE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/addr.h"
#include "vnetlab/layout.h"

struct vnl_err;
struct vnl_plan;
struct vnl_plan_balancer;
struct vnl_plan_vnet;
struct vnl_route_table;

/* --- the pool: image_pool.c -------------------------------------------------------------------------------------------- */

/* One bank of vnl_pool while it grows. */
struct vnl_image_pool {
    unsigned char *bytes;
    size_t used, room;
};
#define VNL_IMAGE_POOL_MAX (1u << 30)

/* Zeroed, 8-byte aligned. *ret is the offset. 0, -ENOMEM, -E2BIG beyond VNL_IMAGE_POOL_MAX. */
int vnl_image_take(struct vnl_image_pool *pool, size_t size, uint32_t *ret);
/* The same with bytes to put there. */
int vnl_image_put(struct vnl_image_pool *pool, const void *bytes, size_t size, uint32_t *ret);
/* The message for what either of them said about `what` ("load balancer", "ilb/frontend"). */
int vnl_image_full(const struct vnl_image_pool *pool, int r, const char *what, const char *name,
                   struct vnl_err **err);

/* --- route images: image_ranges.c --------------------------------------------------------------------------------------- */

struct vnl_image_span {
    struct vnl_prefix prefix;
    struct vnl_route_entry entry;
    bool
        local; /* a system route of the VNet or a peering: what is learned does not count inside (spec 4.4) */
    bool learned; /* from a gateway */
};

/* One image. No two spans have the same prefix, all are of `family`; none: offset 0. `what` names it in messages. */
int vnl_image_put_spans(struct vnl_image_pool *pool, const struct vnl_image_span *spans, size_t n,
                        uint16_t family, const char *what, uint32_t *ret, struct vnl_err **err);
/* Offset 0 of every bank: no route at all, for both families. */
int vnl_image_put_nothing(struct vnl_image_pool *pool);

/* --- where things are in the pool --------------------------------------------------------------------------------------- */

struct vnl_image_offsets {
    uint32_t v4, v6;
};

/* All offsets: 0 = not there. A table that no NIC uses is left out, so that it changes nothing. */
struct vnl_image_layout {
    struct vnl_image_pool pool;
    struct vnl_image_offsets *tables; /* by plan->tables */
    struct vnl_image_offsets *spaces; /* by plan->vnets */
    uint32_t *policies;               /* by plan->nics: struct vnl_nic_policy */
    uint32_t *balancers;              /* by plan->balancers */
    uint32_t *publics;                /* by plan->publics */
    uint32_t *outsides;               /* by plan->nics: struct vnl_outside */
};

/* False: it is still to be made (slot VNL_PLAN_NOBODY). It has no entry and owns nothing; what refers to it leads nowhere. */
bool vnl_image_has_nic(const struct vnl_plan *plan, size_t nic);

/* image_routes.c: the table's images, and those of the VNet's address space. Balancers and publics are there already. */
int vnl_image_put_table(struct vnl_image_layout *layout, const struct vnl_plan *plan, uint32_t table,
                        struct vnl_err **err);
int vnl_image_put_space(struct vnl_image_layout *layout, const struct vnl_plan_vnet *vnet,
                        struct vnl_image_offsets *ret, struct vnl_err **err);

/* image_balancer.c: layout->balancers. */
int vnl_image_put_balancers(struct vnl_image_layout *layout, const struct vnl_plan *plan,
                            struct vnl_err **err);

/* Index (plan->nics) of its first backend, or VNL_PLAN_NOBODY. */
uint32_t vnl_image_instance(const struct vnl_plan_balancer *balancer);

/* image_outside.c */
bool vnl_image_has_internet(const struct vnl_plan *plan);
/* layout->publics: each NIC's lie side by side. */
int vnl_image_put_publics(struct vnl_image_layout *layout, const struct vnl_plan *plan, struct vnl_err **err);
/* How many spans the internet's table has beside its rows, and they: /32 of public IPs and of shared addresses. */
size_t vnl_image_count_outer(const struct vnl_plan *plan);
size_t vnl_image_outer_spans(const struct vnl_image_layout *layout, const struct vnl_plan *plan,
                             struct vnl_image_span *spans);
/* layout->outsides, of the NICs in VNets; its route image is there already. */
int vnl_image_put_outsides(struct vnl_image_layout *layout, const struct vnl_plan *plan,
                           struct vnl_err **err);

/* image_policy.c: classifiers and policies of all NICs. policies: by plan->nics, pool offsets of struct vnl_nic_policy, 0 = none. */
int vnl_image_put_policies(struct vnl_image_pool *pool, const struct vnl_plan *plan, uint32_t *policies,
                           struct vnl_err **err);
/* Hit counters: ids by counter, `slots` of them (at least plan->rule_counters), zeroed by the caller. */
void vnl_image_rule_ids(const struct vnl_plan *plan, uint64_t *ids);

/* --- owners: image_owners.c --------------------------------------------------------------------------------------------- */

/* The smallest table in which every address is found within the probes. */
int vnl_image_owners_size(const struct vnl_plan *plan, uint32_t *ret, struct vnl_err **err);
/* Fills a table of `slots` elements; false when a key would need more probes than the program makes. balancers: as in the layout; NULL
 * when only the places matter. */
bool vnl_image_owners_fill(const struct vnl_plan *plan, const uint32_t *balancers, struct vnl_owner *owners,
                           uint32_t slots);

#endif
