/* Plan to table bytes: pure, no kernel. What BPF reads, tests compare, and the digest of "nothing to change"
 * covers. */
#ifndef VNETLAB_IMAGE_H
#define VNETLAB_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "vnetlab/layout.h"

struct vnl_err;
struct vnl_plan;
struct vnl_plan_lb_rule;
struct vnl_route_table;

/* Sizes of one bank. */
struct vnl_image_size {
    uint32_t nic_slots;   /* power of two */
    uint32_t owner_slots; /* power of two, at most half full */
    uint32_t pool_bytes;  /* power of two */
    uint32_t rule_slots;  /* hit counters; power of two */
    uint32_t flow_slots;  /* power of two, 0 = no flows; not of a plan's needs: the loader decides */
    uint32_t parts;       /* VNL_PART_*, which need flows; the loader decides */
};

struct vnl_image {
    struct vnl_image_size size;
    struct vnl_nic_entry *nics;
    struct vnl_owner *owners;
    unsigned char *pool;
    uint32_t pool_used;
    uint64_t *rule_ids; /* by counter, rule_slots of them: struct vnl_rule_counter.id, 0 = free */
    uint8_t digest[16];
};

/* The smallest sizes that hold the plan. -E2BIG with the number when it exceeds what the layout allows: never
 * truncated. */
int vnl_image_size(const struct vnl_plan *plan, struct vnl_image_size *ret, struct vnl_err **err);
/* size: at least vnl_image_size(). A NIC with slot VNL_PLAN_NOBODY is taken as not there yet: others may refer to it, and drop. */
int vnl_image_build(const struct vnl_plan *plan, const struct vnl_image_size *size, struct vnl_image **ret,
                    struct vnl_err **err);
/* What tells the backends of a rule from those of any other: struct vnl_health.id. Never 0. */
uint64_t vnl_health_id(const struct vnl_plan_lb_rule *rule);
void vnl_image_free(struct vnl_image **image);

#endif
