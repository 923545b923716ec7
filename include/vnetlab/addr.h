/* Addresses, prefixes and MACs. Network byte order throughout; a prefix has its host bits zero. */
#ifndef VNETLAB_ADDR_H
#define VNETLAB_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct vnl_err;

struct vnl_addr {
    uint16_t family;   /* AF_INET or AF_INET6; AF_UNSPEC (0) = no address */
    uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest zero */
};

struct vnl_prefix {
    struct vnl_addr addr; /* host bits zero */
    uint8_t len;          /* bits: 0..32 or 0..128 */
};

struct vnl_mac {
    uint8_t bytes[6];
};

#define VNL_ADDR_STR   46 /* buffer sizes, with the terminator */
#define VNL_PREFIX_STR 50
#define VNL_MAC_STR    18

/* Strict text: no spaces, no octal, no netmask. -EINVAL with a sentence; *ret is untouched on failure. */
int vnl_addr_parse(const char *text, struct vnl_addr *ret, struct vnl_err **err);
/* Host bits set: code InvalidCIDRNotation, and the sentence names the corrected prefix (spec 1.3). */
int vnl_prefix_parse(const char *text, struct vnl_prefix *ret, struct vnl_err **err);

/* Write into the caller's buffer and return it. */
const char *vnl_addr_format(const struct vnl_addr *addr, char buf[VNL_ADDR_STR]);
const char *vnl_prefix_format(const struct vnl_prefix *prefix, char buf[VNL_PREFIX_STR]);
const char *vnl_mac_format(const struct vnl_mac *mac, char buf[VNL_MAC_STR]); /* 00:0d:3a:12:34:56 */

unsigned vnl_addr_bits(uint16_t family);                                    /* 32 or 128 */
int vnl_addr_cmp(const struct vnl_addr *a, const struct vnl_addr *b);       /* by family, then by bytes */
int vnl_prefix_cmp(const struct vnl_prefix *a, const struct vnl_prefix *b); /* by address, then by length */
bool vnl_addr_eq(const struct vnl_addr *a, const struct vnl_addr *b);
bool vnl_prefix_eq(const struct vnl_prefix *a, const struct vnl_prefix *b);
bool vnl_prefix_has(const struct vnl_prefix *prefix, const struct vnl_addr *addr);
bool vnl_prefix_covers(const struct vnl_prefix *outer, const struct vnl_prefix *inner);
bool vnl_prefix_overlap(const struct vnl_prefix *a, const struct vnl_prefix *b);
struct vnl_addr vnl_prefix_first(const struct vnl_prefix *prefix);     /* .0 */
struct vnl_addr vnl_prefix_last(const struct vnl_prefix *prefix);      /* broadcast of IPv4 */
struct vnl_addr vnl_addr_add(const struct vnl_addr *addr, uint64_t n); /* wraps at the end of the family */

/* Do two lists hold the same prefixes, in any order? */
bool vnl_prefixes_same(const struct vnl_prefix *a, size_t n_a, const struct vnl_prefix *b, size_t n_b);

#endif
