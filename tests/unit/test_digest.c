/* SipHash-2-4-128 against the vectors of its authors (key 00 01 .. 0f, input 00 01 02 ..). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/digest.h"

static void digest_matches_the_published_vectors(void **state)
{
    static const struct {
        size_t size;
        const char *hex;
    } vectors[] = {
        { 0, "a3817f04ba25a8e66df67214c7550293" },  { 1, "da87c1d86b99af44347659119b22fc45" },
        { 7, "a1f1ebbed8dbc153c0b84aa61ff08239" },  { 8, "3b62a9ba6258f5610f83e264f31497b4" },
        { 15, "5493e99933b0a8117e08ec0f97cfc3d9" }, { 16, "6ee2a4ca67b054bbfd3315bf85230577" },
        { 63, "5150d1772f50834a503e069a973fbd7c" },
    };
    uint8_t bytes[64], out[VNL_DIGEST_SIZE];
    char hex[2 * VNL_DIGEST_SIZE + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        vnl_digest(bytes, bytes, vectors[i].size, out);
        for (size_t k = 0; k < sizeof(out); k++)
            snprintf(hex + 2 * k, 3, "%02x", out[k]);
        assert_string_equal(hex, vectors[i].hex);
    }
}

static void digest_may_replace_its_key(void **state)
{
    uint8_t key[VNL_DIGEST_SIZE] = "0123456789abcde", chained[VNL_DIGEST_SIZE], expected[VNL_DIGEST_SIZE];

    (void)state;
    memcpy(chained, key, sizeof(key));
    vnl_digest(key, "routes", 6, expected);
    vnl_digest(chained, "routes", 6, chained);
    assert_memory_equal(chained, expected, sizeof(expected));
}

int main(void)
{
    const struct CMUnitTest digest[] = {
        cmocka_unit_test(digest_matches_the_published_vectors),
        cmocka_unit_test(digest_may_replace_its_key),
    };

    return cmocka_run_group_tests_name("digest", digest, NULL, NULL);
}
