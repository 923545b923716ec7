/* Address spaces (spec 1.1) and limits (spec 1.10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/labs.h"

static void forbidden_ranges_are_refused_and_all_others_accepted(void **state)
{
    static const struct labs_case cases[] = {
        { "multicast", NULL, "vnet va 224.0.0.0/4", "NetcfgInvalidIPAddressPrefix", "'va'|224.0.0.0/4" },
        { "inside multicast", NULL, "vnet va 239.1.0.0/16", "NetcfgInvalidIPAddressPrefix",
          "239.1.0.0/16|224.0.0.0/4" },
        { "broadcast", NULL, "vnet va 255.255.255.255/32", "NetcfgInvalidIPAddressPrefix",
          "255.255.255.255/32" },
        { "around broadcast", NULL, "vnet va 240.0.0.0/4", "NetcfgInvalidIPAddressPrefix", "240.0.0.0/4" },
        { "loopback", NULL, "vnet va 127.0.0.0/8", "NetcfgInvalidIPAddressPrefix", "127.0.0.0/8" },
        { "link-local", NULL, "vnet va 169.254.0.0/16", "NetcfgInvalidIPAddressPrefix", "169.254.0.0/16" },
        { "the platform's address", NULL, "vnet va 168.63.129.16/32", "NetcfgInvalidIPAddressPrefix",
          "168.63.129.16/32" },
        { "around the platform's address", NULL, "vnet va 168.63.0.0/16", "NetcfgInvalidIPAddressPrefix",
          "168.63.0.0/16" },
        { "this network", NULL, "vnet va 0.4.0.0/16", "NetcfgInvalidIPAddressPrefix",
          "0.4.0.0/16|0.0.0.0/8" },
        { "everything", NULL, "vnet va 0.0.0.0/0", "NetcfgInvalidIPAddressPrefix", "0.0.0.0/0" },
        { "IPv6 multicast", NULL, "vnet va 10.0.0.0/16,ff00::/8", "NetcfgInvalidIPAddressPrefix",
          "ff00::/8" },
        { "IPv6 link-local", NULL, "vnet va 10.0.0.0/16,fe80::/64", "NetcfgInvalidIPAddressPrefix",
          "fe80::/10" },
        { "IPv6 loopback", NULL, "vnet va 10.0.0.0/16,::/64", "NetcfgInvalidIPAddressPrefix", "::/64" },
        { "no prefix", NULL, "vnet va", "NetcfgInvalidVirtualNetworkSite",
          "'va'|no address space|10.0.0.0/16" },
        { "the second prefix is bad", NULL, "vnet va 10.0.0.0/16,169.254.1.0/24",
          "NetcfgInvalidIPAddressPrefix", "169.254.1.0/24" },
        { "public", NULL, "vnet va 20.0.0.0/8", NULL, NULL },
        { "carrier-grade NAT", NULL, "vnet va 100.64.0.0/10", NULL, NULL },
        { "private", NULL, "vnet va 10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fd00::/48", NULL, NULL },
        { "beside the platform's address", NULL, "vnet va 168.63.129.0/28", NULL, NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

static void prefixes_of_a_vnet_do_not_overlap(void **state)
{
    static const struct labs_case cases[] = {
        { "equal", NULL, "vnet va 10.0.0.0/16,10.0.0.0/16", "NetcfgInvalidVirtualNetworkSite",
          "10.0.0.0/16|'va'" },
        { "the later one inside", NULL, "vnet va 10.0.0.0/8,10.1.0.0/16", "NetcfgInvalidVirtualNetworkSite",
          "Address prefix 10.1.0.0/16|own prefix 10.0.0.0/8" },
        { "the later one around", NULL, "vnet va 10.1.0.0/16,10.0.0.0/8", "NetcfgInvalidVirtualNetworkSite",
          "Address prefix 10.0.0.0/8|own prefix 10.1.0.0/16" },
        { "not side by side", NULL, "vnet va 10.1.0.0/16,172.16.0.0/12,10.1.2.0/24",
          "NetcfgInvalidVirtualNetworkSite", "Address prefix 10.1.2.0/24|own prefix 10.1.0.0/16" },
        { "IPv6", NULL, "vnet va 10.0.0.0/16,fd00::/48,fd00:0:0:1::/64", "NetcfgInvalidVirtualNetworkSite",
          "fd00:0:0:1::/64|fd00::/48" },
        { "neighbours", NULL, "vnet va 10.0.0.0/16,10.1.0.0/16,fd00::/48,fd00:0:1::/48", NULL, NULL },
        { "two VNets with the same space, unpeered", NULL, "vnet va 10.0.0.0/16\nvnet vb 10.0.0.0/16", NULL,
          NULL },
    };

    (void)state;
    labs_check(cases, ARRAY_SIZE(cases));
}

/* Each prefix that is too much is named once, whatever its neighbours in sorted order are. */
static void overlap_is_found_through_a_chain(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = labs_mistakes("vnet va 10.0.0.0/8,10.1.0.0/24,10.1.0.0/16");
    size_t n;

    (void)state;
    labs_find(err, "NetcfgInvalidVirtualNetworkSite", &n);
    assert_int_equal(n, 2);
    assert_int_equal(vnl_err_count(err), 2);
}

static void unrelated_mistakes_come_together(void **state)
{
    CLEANUP(vnl_err_free)
    struct vnl_err *err =
        labs_mistakes("vnet va 127.0.0.0/8\nvnet vb 10.0.0.0/16\nsubnet s 10.1.0.0/24\nvm vm-1 vb/x");

    (void)state;
    assert_int_equal(vnl_err_count(err), 3);
    assert_string_equal(labs_find(err, "NetcfgInvalidIPAddressPrefix", NULL)->where, "lab.yaml:1:1");
    assert_string_equal(labs_find(err, "NetcfgSubnetRangeOutsideVnet", NULL)->where, "lab.yaml:3:1");
    assert_string_equal(labs_find(err, "InvalidResourceReference", NULL)->where, "lab.yaml:4:1");
}

/* --- limits ------------------------------------------------------------------------------------------ */

/* A text that grows. */
struct text {
    FILE *out;
    char *text;
    size_t size;
};

static void text_start(struct text *text)
{
    *text = (struct text){ 0 };
    text->out = open_memstream(&text->text, &text->size);
    assert_non_null(text->out);
}

static void check_text(struct text *text, const char *given, const char *code, const char *words)
{
    struct labs_case row = { .given = given, .code = code, .words = words };

    (void)fclose(text->out);
    row.lab = text->text;
    labs_check(&row, 1);
    free(text->text);
}

static void vnets_per_region_are_limited(void **state)
{
    struct text text;

    (void)state;
    text_start(&text);
    for (int i = 0; i < 1001; i++)
        (void)fprintf(text.out, "vnet v%d 10.0.0.0/16\n", i);
    check_text(&text, "1001 VNets", "VnetCountLimitReached", "1000|eastus");
    text_start(&text);
    for (int i = 0; i < 1001; i++)
        (void)fprintf(text.out, "vnet v%d 10.0.0.0/16%s\n", i, i % 2 ? " location=westus" : "");
    check_text(&text, "1001 VNets in two regions", NULL, NULL);
}

static void subnets_per_vnet_are_limited(void **state)
{
    struct text text;

    (void)state;
    text_start(&text);
    (void)fprintf(text.out, "vnet va 10.0.0.0/8\n");
    for (int i = 0; i < 3001; i++)
        (void)fprintf(text.out, "subnet s%d 10.%d.%d.0/24\n", i, i / 256, i % 256);
    check_text(&text, "3001 subnets", "BadRequest", "'va'|3001 subnets|3000");
}

static void peerings_per_vnet_are_limited(void **state)
{
    struct text text;

    (void)state;
    text_start(&text);
    (void)fprintf(text.out, "vnet hub 192.168.0.0/24\n");
    for (int i = 0; i < 501; i++)
        (void)fprintf(text.out, "peer p%d v%d\n", i, i);
    for (int i = 0; i < 501; i++)
        (void)fprintf(text.out, "vnet v%d 10.%d.%d.0/24\n", i, i / 256, i % 256);
    check_text(&text, "501 peerings", "BadRequest", "peering p500|hub|501|500");
}

static void addresses_per_vnet_are_limited(void **state)
{
    struct text text;

    (void)state;
    text_start(&text);
    (void)fprintf(text.out, "vnet va 10.0.0.0/8\nsubnet s 10.0.0.0/9\n");
    for (int i = 0; i < 65537; i++)
        (void)fprintf(text.out, "vm m%d s%s\n", i, i ? "" : " 10.0.0.4");
    (void)fclose(text.out);
    {
        CLEANUP(vnl_err_free) struct vnl_err *err = labs_mistakes(text.text);

        assert_non_null(strstr(labs_find(err, "BadRequest", NULL)->msg, "65537 private IP addresses"));
        assert_non_null(strstr(labs_find(err, "NetworkInterfaceCountLimitReached", NULL)->msg,
                               "65536 network interfaces in eastus"));
        assert_string_equal(labs_find(err, "NetworkInterfaceCountLimitReached", NULL)->target,
                            "networkInterfaces/m65536-nic");
    }
    free(text.text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(forbidden_ranges_are_refused_and_all_others_accepted),
        cmocka_unit_test(prefixes_of_a_vnet_do_not_overlap),
        cmocka_unit_test(overlap_is_found_through_a_chain),
        cmocka_unit_test(unrelated_mistakes_come_together),
        cmocka_unit_test(vnets_per_region_are_limited),
        cmocka_unit_test(subnets_per_vnet_are_limited),
        cmocka_unit_test(peerings_per_vnet_are_limited),
        cmocka_unit_test(addresses_per_vnet_are_limited),
    };

    return cmocka_run_group_tests_name("vnet", tests, NULL, NULL);
}
