#include "vnetlab/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

unsigned vnl_addr_bits(uint16_t family)
{
    return family == AF_INET ? 32 : 128;
}

/* An IPv4-mapped address would be a second spelling of an IPv4 one, and the kernel tables hold IPv4 addresses
 * that way. */
static int refuse_mapped(const char *text, const struct vnl_addr *addr, struct vnl_err **err)
{
    char hint[32];

    if (addr->family != AF_INET6 || memcmp(addr->bytes, v4_mapped, sizeof(v4_mapped)) != 0)
        return 0;
    (void)snprintf(hint, sizeof(hint), "write %u.%u.%u.%u", addr->bytes[12], addr->bytes[13], addr->bytes[14],
                   addr->bytes[15]);
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, hint, "'%s' is an IPv4 address in IPv6 notation", text);
}

/* inet_pton() is as strict as we want: four decimal parts without leading zeros, no zone, no spaces. */
static bool parse_bytes(const char *text, struct vnl_addr *ret)
{
    struct vnl_addr addr = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

    if (inet_pton(addr.family, text, addr.bytes) != 1)
        return false;
    *ret = addr;
    return true;
}

int vnl_addr_parse(const char *text, struct vnl_addr *ret, struct vnl_err **err)
{
    struct vnl_addr addr;
    int r;

    if (!text || !parse_bytes(text, &addr))
        return vnl_fail(err, EINVAL, "'%s' is not an IP address", text ? text : "");
    r = refuse_mapped(text, &addr, err);
    if (r < 0)
        return r;
    *ret = addr;
    return 0;
}

static struct vnl_addr mask_addr(const struct vnl_addr *addr, unsigned len, uint8_t host_fill)
{
    struct vnl_addr masked = *addr;

    for (unsigned i = 0; i < vnl_addr_bits(addr->family) / 8; i++) {
        unsigned bits = len > i * 8 ? len - i * 8 : 0;
        uint8_t mask = bits >= 8 ? 0xff : (uint8_t)(0xff00u >> bits);

        masked.bytes[i] = (uint8_t)((addr->bytes[i] & mask) | (host_fill & ~mask));
    }
    return masked;
}

/* One to three decimal digits without a leading zero, or -1. */
static int parse_len(const char *text)
{
    size_t n = strspn(text, "0123456789");
    int len = 0;

    if (n < 1 || n > 3 || text[n] || (n > 1 && text[0] == '0'))
        return -1;
    for (size_t i = 0; i < n; i++)
        len = len * 10 + (text[i] - '0');
    return len;
}

static int fail_no_len(const char *text, struct vnl_err **err)
{
    char hint[VNL_PREFIX_STR + 40];
    struct vnl_addr addr;

    if (!parse_bytes(text, &addr))
        return vnl_fail(err, EINVAL, "'%s' is not an address prefix such as 10.0.0.0/16", text);
    (void)snprintf(hint, sizeof(hint), "a single address is %s/%u", text, vnl_addr_bits(addr.family));
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, hint, "prefix '%s' has no length", text);
}

/* Source: spec vnet-semantics 1.3: Azure refuses host bits and names the prefix that was probably meant. */
static int fail_host_bits(const char *text, const struct vnl_prefix *corrected, struct vnl_err **err)
{
    char buf[VNL_PREFIX_STR], hint[VNL_PREFIX_STR + 8];

    (void)snprintf(hint, sizeof(hint), "use %s", vnl_prefix_format(corrected, buf));
    return vnl_fail_at(err, EINVAL, "InvalidCIDRNotation", NULL, NULL, hint, "prefix '%s' has host bits set",
                       text);
}

/* Splits "ADDRESS/LENGTH"; the address goes to `buf`. Returns the text of the length, or NULL. */
static const char *split_prefix(const char *text, char buf[VNL_ADDR_STR])
{
    const char *slash = strchr(text, '/');

    if (!slash || (size_t)(slash - text) >= VNL_ADDR_STR)
        return NULL;
    memcpy(buf, text, (size_t)(slash - text));
    buf[slash - text] = '\0';
    return slash + 1;
}

int vnl_prefix_parse(const char *text, struct vnl_prefix *ret, struct vnl_err **err)
{
    char buf[VNL_ADDR_STR];
    struct vnl_prefix prefix;
    const char *len_text = split_prefix(text, buf);
    struct vnl_addr addr;
    int len;

    if (!len_text)
        return fail_no_len(text, err);
    if (!parse_bytes(buf, &addr))
        return vnl_fail(err, EINVAL, "'%s' is not an address prefix: '%s' is not an IP address", text, buf);
    if (refuse_mapped(text, &addr, err) < 0)
        return -EINVAL;
    len = parse_len(len_text);
    if (len < 0 || len > (int)vnl_addr_bits(addr.family))
        return vnl_fail(err, EINVAL, "prefix '%s': the length must be a number from 0 to %u", text,
                        vnl_addr_bits(addr.family));
    prefix = (struct vnl_prefix){ .addr = mask_addr(&addr, (unsigned)len, 0), .len = (uint8_t)len };
    if (!vnl_addr_eq(&prefix.addr, &addr))
        return fail_host_bits(text, &prefix, err);
    *ret = prefix;
    return 0;
}

const char *vnl_addr_format(const struct vnl_addr *addr, char buf[VNL_ADDR_STR])
{
    if (addr->family == AF_UNSPEC || !inet_ntop(addr->family, addr->bytes, buf, VNL_ADDR_STR))
        buf[0] = '\0';
    return buf;
}

const char *vnl_prefix_format(const struct vnl_prefix *prefix, char buf[VNL_PREFIX_STR])
{
    char addr[VNL_ADDR_STR];

    (void)snprintf(buf, VNL_PREFIX_STR, "%s/%u", vnl_addr_format(&prefix->addr, addr), prefix->len);
    return buf;
}

/* Asked for each NIC of a plan, so without snprintf. */
const char *vnl_mac_format(const struct vnl_mac *mac, char buf[VNL_MAC_STR])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof(mac->bytes); i++) {
        buf[3 * i] = digits[mac->bytes[i] >> 4];
        buf[3 * i + 1] = digits[mac->bytes[i] & 15];
        buf[3 * i + 2] = ':';
    }
    buf[VNL_MAC_STR - 1] = '\0';
    return buf;
}

int vnl_addr_cmp(const struct vnl_addr *a, const struct vnl_addr *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

int vnl_prefix_cmp(const struct vnl_prefix *a, const struct vnl_prefix *b)
{
    int order = vnl_addr_cmp(&a->addr, &b->addr);

    return order ? order : (int)a->len - (int)b->len;
}

bool vnl_addr_eq(const struct vnl_addr *a, const struct vnl_addr *b)
{
    return vnl_addr_cmp(a, b) == 0;
}

bool vnl_prefix_eq(const struct vnl_prefix *a, const struct vnl_prefix *b)
{
    return vnl_prefix_cmp(a, b) == 0;
}

bool vnl_prefix_has(const struct vnl_prefix *prefix, const struct vnl_addr *addr)
{
    struct vnl_addr masked;

    if (prefix->addr.family != addr->family)
        return false;
    masked = mask_addr(addr, prefix->len, 0);
    return vnl_addr_eq(&masked, &prefix->addr);
}

bool vnl_prefix_covers(const struct vnl_prefix *outer, const struct vnl_prefix *inner)
{
    return outer->len <= inner->len && vnl_prefix_has(outer, &inner->addr);
}

/* Two prefixes are nested or apart, nothing between. */
bool vnl_prefix_overlap(const struct vnl_prefix *a, const struct vnl_prefix *b)
{
    return vnl_prefix_covers(a, b) || vnl_prefix_covers(b, a);
}

struct vnl_addr vnl_prefix_first(const struct vnl_prefix *prefix)
{
    return prefix->addr;
}

struct vnl_addr vnl_prefix_last(const struct vnl_prefix *prefix)
{
    return mask_addr(&prefix->addr, prefix->len, 0xff);
}

struct vnl_addr vnl_addr_add(const struct vnl_addr *addr, uint64_t n)
{
    struct vnl_addr sum = *addr;
    unsigned carry = 0;

    for (unsigned i = vnl_addr_bits(addr->family) / 8; i-- > 0; n >>= 8) {
        carry += sum.bytes[i] + (unsigned)(n & 0xff);
        sum.bytes[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return sum;
}

static size_t count_of(const struct vnl_prefix *prefix, const struct vnl_prefix *list, size_t n)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        found += vnl_prefix_eq(prefix, &list[i]);
    return found;
}

bool vnl_prefixes_same(const struct vnl_prefix *a, size_t n_a, const struct vnl_prefix *b, size_t n_b)
{
    if (n_a != n_b)
        return false;
    for (size_t i = 0; i < n_a; i++) {
        if (count_of(&a[i], a, n_a) != count_of(&a[i], b, n_b))
            return false;
    }
    return true;
}
