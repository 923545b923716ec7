/* Plan to table bytes: pure, no kernel. What BPF reads, tests compare, and the digest of "nothing to change" covers. */
#ifndef VNETLAB_IMAGE_H
#define VNETLAB_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "vnetlab/layout.h"

struct vnl_err;
struct vnl_plan;
struct vnl_route_table;

/* Sizes of one bank. */
struct vnl_image_size {
    uint32_t nic_slots;   /* power of two */
    uint32_t owner_slots; /* power of two, at most half full */
    uint32_t pool_bytes;  /* power of two */
};

struct vnl_image {
    struct vnl_image_size size;
    struct vnl_nic_entry *nics;
    struct vnl_owner *owners;
    unsigned char *pool;
    uint32_t pool_used;
    uint8_t digest[16];
};

/* The smallest sizes that hold the plan. -E2BIG with the number when it exceeds what the layout allows: never truncated. */
int vnl_image_size(const struct vnl_plan *plan, struct vnl_image_size *ret, struct vnl_err **err);
/* size: at least vnl_image_size(). */
int vnl_image_build(const struct vnl_plan *plan, const struct vnl_image_size *size, struct vnl_image **ret,
                    struct vnl_err **err);
void vnl_image_free(struct vnl_image **image);

/* The hash of vnl_owners, the same in both compilers. */
static inline __attribute__((always_inline)) __u32 vnl_owner_hash(__u32 vnet, const __be32 addr[4])
{
    __u32 h = vnet * 0x9e3779b1u;

    h = (h ^ addr[0]) * 0x85ebca6bu;
    h = (h ^ addr[1] ^ (h >> 15)) * 0xc2b2ae35u;
    h = (h ^ addr[2] ^ (h >> 13)) * 0x27d4eb2fu;
    h = (h ^ addr[3] ^ (h >> 16)) * 0x165667b1u;
    return h ^ (h >> 15);
}

#endif
