/* Any text as an address and as a prefix. What is accepted comes back the same after formatting, and the
 * arithmetic keeps its laws; the first line is one operand, the second line the other. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/addr.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define CHECK(what)                                                                                          \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            (void)fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what);                       \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(int r, struct vnl_err *err)
{
    CHECK(r == -EINVAL && err && err->num == EINVAL && *err->msg && !err->next);
}

static bool fuzz_addr(const char *text, struct vnl_addr *ret)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_addr addr, again, sum;
    char buf[VNL_ADDR_STR];
    int r = vnl_addr_parse(text, &addr, &err);

    if (r < 0) {
        check_refusal(r, err);
        return false;
    }
    CHECK(!err && (addr.family == AF_INET || addr.family == AF_INET6));
    CHECK(vnl_addr_parse(vnl_addr_format(&addr, buf), &again, NULL) == 0);
    CHECK(vnl_addr_eq(&addr, &again) && vnl_addr_cmp(&addr, &again) == 0);
    sum = vnl_addr_add(&addr, 1);
    CHECK(!vnl_addr_eq(&sum, &addr));
    sum = vnl_addr_add(&sum, UINT64_MAX);
    CHECK(addr.family == AF_INET6 || vnl_addr_eq(&sum, &addr)); /* -1 in 32 bits; 2^64 - 1 in 128 */
    *ret = addr;
    return true;
}

static bool fuzz_prefix(const char *text, struct vnl_prefix *ret)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_prefix prefix, again;
    struct vnl_addr first, last;
    char buf[VNL_PREFIX_STR];
    int r = vnl_prefix_parse(text, &prefix, &err);

    if (r < 0) {
        check_refusal(r, err);
        /* The correction that a hint names is a prefix itself. */
        CHECK(!err->code || vnl_prefix_parse(err->hint + strlen("use "), &again, NULL) == 0);
        return false;
    }
    CHECK(!err && prefix.len <= vnl_addr_bits(prefix.addr.family));
    CHECK(vnl_prefix_parse(vnl_prefix_format(&prefix, buf), &again, NULL) == 0);
    CHECK(vnl_prefix_eq(&prefix, &again));
    first = vnl_prefix_first(&prefix);
    last = vnl_prefix_last(&prefix);
    CHECK(vnl_prefix_has(&prefix, &first) && vnl_prefix_has(&prefix, &last) &&
          vnl_addr_cmp(&first, &last) <= 0);
    last = vnl_addr_add(&last, 1);
    CHECK(prefix.len == 0 || !vnl_prefix_has(&prefix, &last));
    *ret = prefix;
    return true;
}

static void check_pair(const struct vnl_prefix *a, const struct vnl_prefix *b)
{
    struct vnl_prefix ab[] = { *a, *b }, ba[] = { *b, *a };
    struct vnl_addr last = vnl_prefix_last(b);

    CHECK(vnl_prefix_overlap(a, b) == vnl_prefix_overlap(b, a));
    CHECK(vnl_prefix_covers(a, b) == (vnl_prefix_has(a, &b->addr) && vnl_prefix_has(a, &last)));
    CHECK((vnl_prefix_cmp(a, b) < 0) == (vnl_prefix_cmp(b, a) > 0));
    CHECK(vnl_prefix_eq(a, b) == (vnl_prefix_covers(a, b) && vnl_prefix_covers(b, a)));
    CHECK(vnl_prefixes_same(ab, 2, ba, 2));
    CHECK(vnl_prefixes_same(&ab[0], 1, &ab[1], 1) == vnl_prefix_eq(a, b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(vnl_str_free) char *text = strndup((const char *)data, size);
    struct vnl_prefix a, b;
    struct vnl_addr addr;
    char *second;

    CHECK(text);
    second = strchr(text, '\n');
    if (second)
        *second++ = '\0';
    (void)fuzz_addr(text, &addr);
    if (!fuzz_prefix(text, &a) || !second)
        return 0;
    if (fuzz_prefix(second, &b))
        check_pair(&a, &b);
    return 0;
}
