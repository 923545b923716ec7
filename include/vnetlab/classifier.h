/* From the security rules of one direction to the bit-vector image that the program searches (layout.h, struct vnl_classifier).
 * Pure, no kernel. */
#ifndef VNETLAB_CLASSIFIER_H
#define VNETLAB_CLASSIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vnl_err;
struct vnl_plan_rules;

/* base: where the image will lie in its bank, 8-byte aligned; all offsets in it count from the bank's start.
 * ret: a struct vnl_classifier and what belongs to it, the caller's (free). ret_size: a multiple of 8.
 * 0, -ENOMEM, -E2BIG with the number that exceeds the layout's: nothing is ever truncated. -EINVAL: no rules at all. */
int vnl_classifier_build(const struct vnl_plan_rules *rules, bool inbound, uint32_t base, void **ret,
                         size_t *ret_size, struct vnl_err **err);

#endif
