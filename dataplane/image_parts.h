/* What the files that make an image share and nobody else sees. */
#ifndef VNETLAB_IMAGE_PARTS_H
#define VNETLAB_IMAGE_PARTS_H

#include <stddef.h>
#include <stdint.h>

struct vnl_err;
struct vnl_plan;

/* One bank of vnl_pool while it grows. */
struct vnl_image_pool {
    unsigned char *bytes;
    size_t used, room;
};
#define VNL_IMAGE_POOL_MAX (1u << 30)

/* Zeroed, 8-byte aligned. *ret is the offset. 0, -ENOMEM, -E2BIG beyond VNL_IMAGE_POOL_MAX. */
int vnl_image_take(struct vnl_image_pool *pool, size_t size, uint32_t *ret);

/* image_policy.c: classifiers and policies of all NICs. policies: by plan->nics, pool offsets of struct vnl_nic_policy, 0 = none. */
int vnl_image_put_policies(struct vnl_image_pool *pool, const struct vnl_plan *plan, uint32_t *policies,
                           struct vnl_err **err);
/* Hit counters: ids by counter, `slots` of them (at least plan->rule_counters), zeroed by the caller. */
void vnl_image_rule_ids(const struct vnl_plan *plan, uint64_t *ids);

#endif
