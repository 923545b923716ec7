/* SipHash-2-4 with 128 bits: says whether bytes are the same ones. Not a defence against somebody who knows
 * the key. */
#ifndef VNETLAB_DIGEST_H
#define VNETLAB_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define VNL_DIGEST_SIZE 16

/* ret may be key: several pieces are chained by making each digest the key of the next piece. */
void vnl_digest(const uint8_t key[VNL_DIGEST_SIZE], const void *data, size_t size,
                uint8_t ret[VNL_DIGEST_SIZE]);

#endif
