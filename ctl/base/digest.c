/* Source: Aumasson, Bernstein, "SipHash: a fast short-input PRF", and the authors' reference code for the
 * 128-bit output. */
#include "vnetlab/digest.h"

#include <endian.h>
#include <string.h>

struct state {
    uint64_t v[4];
};

static uint64_t rotl(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t read64(const uint8_t *bytes)
{
    uint64_t x;

    memcpy(&x, bytes, sizeof(x));
    return le64toh(x);
}

static void write64(uint8_t *bytes, uint64_t x)
{
    x = htole64(x);
    memcpy(bytes, &x, sizeof(x));
}

static void rounds(struct state *s, int n)
{
    while (n-- > 0) {
        s->v[0] += s->v[1];
        s->v[2] += s->v[3];
        s->v[1] = rotl(s->v[1], 13) ^ s->v[0];
        s->v[3] = rotl(s->v[3], 16) ^ s->v[2];
        s->v[0] = rotl(s->v[0], 32) + s->v[3];
        s->v[2] += s->v[1];
        s->v[1] = rotl(s->v[1], 17) ^ s->v[2];
        s->v[3] = rotl(s->v[3], 21) ^ s->v[0];
        s->v[2] = rotl(s->v[2], 32);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->v[3] ^= word;
    rounds(s, 2);
    s->v[0] ^= word;
}

static uint64_t squeeze(struct state *s)
{
    rounds(s, 4);
    return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

void vnl_digest(const uint8_t key[VNL_DIGEST_SIZE], const void *data, size_t size,
                uint8_t ret[VNL_DIGEST_SIZE])
{
    uint64_t k0 = read64(key), k1 = read64(key + 8), last = (uint64_t)size << 56;
    struct state s = { { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du ^ 0xee, k0 ^ 0x6c7967656e657261u,
                         k1 ^ 0x7465646279746573u } };
    const uint8_t *bytes = data;
    size_t i = 0;

    for (; i + 8 <= size; i += 8)
        absorb(&s, read64(bytes + i));
    for (unsigned shift = 0; i < size; i++, shift += 8)
        last |= (uint64_t)bytes[i] << shift;
    absorb(&s, last);
    s.v[2] ^= 0xee;
    write64(ret, squeeze(&s));
    s.v[1] ^= 0xdd;
    write64(ret + 8, squeeze(&s));
}
