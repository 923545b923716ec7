/* Rules to bit vectors: the image, read as layout.h says, against rules tried one by one; and what does not fit is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../harness/rule_sets.h"
#include "vnetlab/base.h"
#include "vnetlab/classifier.h"
#include "vnetlab/err.h"
#include "vnetlab/layout.h"

#define BASE 4096u /* images do not begin where their bank does */

/* --- the program's side, in plain words ------------------------------------------------------------------- */

struct image {
    const unsigned char *bytes;
    size_t size;
    struct vnl_classifier head;
};

static const void *at(const struct image *image, uint64_t offset, uint64_t size)
{
    assert_true(offset >= BASE && offset + size <= BASE + image->size);
    return image->bytes + (offset - BASE);
}

static uint64_t u64_at(const struct image *image, uint64_t offset)
{
    uint64_t value;

    memcpy(&value, at(image, offset, sizeof(value)), sizeof(value));
    return value;
}

static struct image image_open(const void *bytes, size_t size)
{
    struct image image = { .bytes = bytes, .size = size };

    assert_true(size % 8 == 0 && size >= sizeof(image.head));
    memcpy(&image.head, bytes, sizeof(image.head));
    assert_true(image.head.n_rules >= 1 && image.head.n_rules <= VNL_CLASSIFIER_RULES_MAX);
    assert_int_equal(image.head.words, (image.head.n_rules + 63) / 64);
    return image;
}

/* Offset of the record of the class; its summary tells the truth. */
static uint64_t record_at(const struct image *image, uint32_t records, uint32_t class)
{
    uint64_t record = records + (uint64_t) class * (1 + image->head.words) * 8, summary = 0;

    assert_int_equal(records % 8, 0);
    for (uint32_t i = 0; i < image->head.words; i++)
        summary |= (uint64_t)(u64_at(image, record + 8 + 8 * i) != 0) << i;
    assert_int_equal(u64_at(image, record), summary);
    return record;
}

static unsigned __int128 start_at(const struct image *image, const struct vnl_classifier_dim *dim, uint32_t i,
                                  size_t width)
{
    uint32_t narrow;

    if (width == 16)
        return (unsigned __int128)u64_at(image, dim->start + 16ull * i) << 64 |
               u64_at(image, dim->start + 16ull * i + 8);
    memcpy(&narrow, at(image, dim->start + 4ull * i, 4), 4);
    return narrow;
}

static size_t width_of(enum vnl_classifier_dim_number number)
{
    return number == VNL_CLASSIFIER_SOURCE6 || number == VNL_CLASSIFIER_DESTINATION6 ? 16 : 4;
}

static uint64_t find(const struct image *image, enum vnl_classifier_dim_number number, unsigned __int128 key)
{
    const struct vnl_classifier_dim *dim = &image->head.dim[number];
    size_t width = width_of(number);
    uint32_t low = 0, high = dim->n_ranges;
    uint16_t class;

    assert_true(high >= 1 && high <= VNL_CLASSIFIER_RANGES_MAX);
    assert_int_equal(dim->start % 8 | dim->index % 8, 0);
    assert_true(start_at(image, dim, 0, width) == 0);
    while (high - low > 1) {
        uint32_t mid = (low + high) / 2;

        if (start_at(image, dim, mid, width) <= key)
            low = mid;
        else
            high = mid;
    }
    memcpy(&class, at(image, dim->index + 2ull * low, 2), 2);
    return record_at(image, dim->bits, class);
}

static unsigned __int128 number_of(const struct vnl_addr *addr)
{
    unsigned __int128 x = 0;

    for (unsigned i = 0; i < vnl_addr_bits(addr->family) / 8; i++)
        x = x << 8 | addr->bytes[i];
    return x;
}

static enum vnl_classifier_proto proto_of(uint8_t proto)
{
    switch (proto) {
    case 6:
        return VNL_CLASSIFIER_TCP;
    case 17:
        return VNL_CLASSIFIER_UDP;
    case 1:
    case 58:
        return VNL_CLASSIFIER_ICMP;
    case 50:
        return VNL_CLASSIFIER_ESP;
    case 51:
        return VNL_CLASSIFIER_AH;
    default:
        return VNL_CLASSIFIER_OTHER;
    }
}

/* The first rule in all records, found by summaries as the program does. */
static int classify(const struct image *image, const struct naive_packet *packet)
{
    bool v6 = packet->src.family == AF_INET6, ports = packet->proto == 6 || packet->proto == 17;
    uint64_t records[5], summary = ~0ull;
    size_t n = 0;

    records[n++] = find(image, v6 ? VNL_CLASSIFIER_SOURCE6 : VNL_CLASSIFIER_SOURCE4, number_of(&packet->src));
    records[n++] =
        find(image, v6 ? VNL_CLASSIFIER_DESTINATION6 : VNL_CLASSIFIER_DESTINATION4, number_of(&packet->dst));
    records[n++] = record_at(image, image->head.proto, proto_of(packet->proto));
    if (ports) {
        records[n++] = find(image, VNL_CLASSIFIER_SOURCE_PORT, packet->src_port);
        records[n++] = find(image, VNL_CLASSIFIER_DESTINATION_PORT, packet->dst_port);
    }
    for (size_t i = 0; i < n; i++)
        summary &= u64_at(image, records[i]);
    for (; summary; summary &= summary - 1) {
        int word = __builtin_ctzll(summary);
        uint64_t bits = ~0ull;

        for (size_t i = 0; i < n; i++)
            bits &= u64_at(image, records[i] + 8 + 8ull * (unsigned)word);
        if (bits)
            return 64 * word + __builtin_ctzll(bits);
    }
    return -1;
}

static bool allows(const struct image *image, int rule)
{
    return u64_at(image, image->head.allow + 8ull * (unsigned)(rule / 64)) >> rule % 64 & 1;
}

static uint32_t counter_of(const struct image *image, int rule)
{
    uint32_t counter;

    memcpy(&counter, at(image, image->head.counter + 4ull * (unsigned)rule, 4), 4);
    return counter;
}

/* Starts ascend, no two are one; no two neighbours have one class. */
static void assert_ranges(const struct image *image, enum vnl_classifier_dim_number number)
{
    const struct vnl_classifier_dim *dim = &image->head.dim[number];
    size_t width = width_of(number);
    uint16_t classes[2];

    for (uint32_t i = 1; i < dim->n_ranges; i++) {
        memcpy(classes, at(image, dim->index + 2ull * (i - 1), 4), 4);
        assert_true(start_at(image, dim, i - 1, width) < start_at(image, dim, i, width));
        assert_int_not_equal(classes[0], classes[1]);
    }
}

/* --- agreement ------------------------------------------------------------------------------------------------ */

static void assert_agrees(const struct vnl_plan_rules *rules, bool inbound, const struct image *image,
                          const struct naive_packet *packet)
{
    int expected = naive_rule(rules, inbound, packet), rule = classify(image, packet);
    const struct vnl_plan_rule *it = &rules->rules[(inbound ? 0 : rules->n_inbound) + (size_t)expected];
    char text[160];

    if (rule != expected)
        fail_msg("%s: rule %d decides, the image says %d", rule_sets_packet_text(packet, text), expected,
                 rule);
    assert_int_equal(allows(image, rule), it->allow);
    assert_int_equal(counter_of(image, rule), it->counter);
}

static void assert_set_agrees(const struct vnl_plan_rules *rules, int n_packets)
{
    for (int inbound = 0; inbound < 2; inbound++) {
        void *bytes = NULL;
        struct image image;
        size_t size;

        assert_int_equal(vnl_classifier_build(rules, inbound, BASE, &bytes, &size, NULL), 0);
        image = image_open(bytes, size);
        for (enum vnl_classifier_dim_number i = 0; i < VNL_CLASSIFIER_DIM_MAX; i++)
            assert_ranges(&image, i);
        for (int i = 0; i < n_packets; i++) {
            struct naive_packet packet = i % 4 ? rule_sets_border_packet(rules) : rule_sets_packet(rules);

            assert_agrees(rules, inbound, &image, &packet);
        }
        free(bytes);
    }
}

static void image_agrees_with_rules_tried_one_by_one(void **state)
{
    (void)state;
    for (int seed = 1; seed <= 200; seed++)
        for (enum rule_flavor flavor = 0; flavor < RULE_FLAVOR_MAX; flavor++) {
            CLEANUP(rule_sets_free) struct vnl_plan_rules *rules = NULL;
            size_t n_rules;

            srand((unsigned)(seed * RULE_FLAVOR_MAX + (int)flavor));
            n_rules = 1 + (size_t)rand() % (seed % 10 ? 70 : 200);
            rules = rule_sets_build(flavor, n_rules, (size_t)rand() % 300);
            assert_set_agrees(rules, 100);
        }
}

static void thousand_rules_with_4000_prefixes_agree(void **state)
{
    (void)state;
    for (enum rule_flavor flavor = 0; flavor < RULE_FLAVOR_MAX; flavor++) {
        CLEANUP(rule_sets_free) struct vnl_plan_rules *rules = NULL;

        srand(7 + flavor);
        rules = rule_sets_build(flavor, 1003, 4000);
        assert_set_agrees(rules, 2000);
    }
}

static void every_word_boundary_agrees(void **state)
{
    static const size_t counts[] = { 1, 2, 63, 64, 65, 127, 128, 129, 1023, 1024 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        CLEANUP(rule_sets_free) struct vnl_plan_rules *rules = NULL;

        srand(100 + (unsigned)i);
        rules = rule_sets_build(RULES_SCATTERED, counts[i], counts[i]);
        assert_set_agrees(rules, 500);
    }
}

/* --- what is shared, and what is refused ------------------------------------------------------------------------ */

static void same_rules_give_the_same_bytes(void **state)
{
    CLEANUP(rule_sets_free) struct vnl_plan_rules *rules = NULL;
    void *a = NULL, *b = NULL;
    size_t size_a, size_b;

    (void)state;
    srand(3);
    rules = rule_sets_build(RULES_SCATTERED, 100, 500);
    assert_int_equal(vnl_classifier_build(rules, true, BASE, &a, &size_a, NULL), 0);
    assert_int_equal(vnl_classifier_build(rules, true, BASE, &b, &size_b, NULL), 0);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(a, b, size_a);
    free(a);
    free(b);
}

/* 10.0.0.0/24 .. 10.0.255.0/24, all in the one rule: one range, for the sets are equal. */
static void neighbours_of_one_rule_are_one_range(void **state)
{
    CLEANUP(rule_sets_free) struct vnl_plan_rules *rules = rule_sets_build(RULES_APART, 2, 256);
    struct vnl_plan_side *side = &rules->rules[0].source;
    struct vnl_classifier head;
    void *bytes = NULL;
    size_t size;

    (void)state;
    side->any = false;
    side->prefixes = reallocarray(side->prefixes, 256, sizeof(*side->prefixes));
    for (side->n_prefixes = 0; side->n_prefixes < 256; side->n_prefixes++)
        side->prefixes[side->n_prefixes] =
            (struct vnl_prefix){ .addr = { AF_INET, { 10, 0, (uint8_t)side->n_prefixes } }, .len = 24 };
    assert_int_equal(vnl_classifier_build(rules, true, 0, &bytes, &size, NULL), 0);
    memcpy(&head, bytes, sizeof(head));
    assert_int_equal(head.dim[VNL_CLASSIFIER_SOURCE4].n_ranges, 3);
    free(bytes);
}

static void assert_refused(const struct vnl_plan_rules *rules, const char *msg)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    void *bytes = NULL;
    size_t size = 7;

    assert_int_equal(vnl_classifier_build(rules, true, 0, &bytes, &size, &err), -E2BIG);
    assert_string_equal(err->msg, msg);
    assert_null(bytes);
    assert_int_equal(size, 7); /* untouched on failure */
}

static void too_many_rules_are_refused_with_the_numbers(void **state)
{
    CLEANUP(rule_sets_free) struct vnl_plan_rules *rules = rule_sets_build(RULES_SCATTERED, 1025, 1025);

    (void)state;
    assert_refused(rules, "network security group 'test' has 1025 inbound rules; the tables hold 1024");
}

static void too_many_ranges_are_refused_with_the_numbers(void **state)
{
    CLEANUP(rule_sets_free) struct vnl_plan_rules *rules = rule_sets_build(RULES_APART, 2, 0);
    struct vnl_plan_side *side = &rules->rules[0].source;
    size_t n = 40000;

    (void)state;
    side->prefixes = reallocarray(side->prefixes, n, sizeof(*side->prefixes));
    for (side->n_prefixes = 0; side->n_prefixes < n; side->n_prefixes++)
        side->prefixes[side->n_prefixes] = (struct vnl_prefix){
            .addr = { AF_INET,
                      { 10, (uint8_t)(side->n_prefixes >> 15), (uint8_t)(side->n_prefixes >> 7),
                        (uint8_t)(side->n_prefixes << 1) } },
            .len = 32,
        };
    assert_refused(
        rules, "network security group 'test', inbound: the rules part the IPv4 sources into 80001 ranges; "
               "the tables hold 65536");
}

static void no_rules_at_all_are_refused(void **state)
{
    struct vnl_plan_rules rules = { .nsg_name = (char[]){ "x" } };
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    void *bytes = NULL;
    size_t size;

    (void)state;
    assert_int_equal(vnl_classifier_build(&rules, false, 0, &bytes, &size, &err), -EINVAL);
    assert_string_equal(err->msg, "network security group 'x' has no outbound rules, not even the defaults");
}

/* --- time ------------------------------------------------------------------------------------------------------- */

static double compile_ms(const struct vnl_plan_rules *rules, size_t *ret_size)
{
    struct timespec begin, end;
    void *bytes = NULL;

    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin), 0);
    assert_int_equal(vnl_classifier_build(rules, true, 0, &bytes, ret_size, NULL), 0);
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end), 0);
    free(bytes);
    return (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
}

/* The bound is wide enough for sanitizers and a busy machine; what it takes is printed. */
static void thousand_rules_compile_in_milliseconds(void **state)
{
    (void)state;
    for (enum rule_flavor flavor = 0; flavor < RULE_FLAVOR_MAX; flavor++) {
        CLEANUP(rule_sets_free) struct vnl_plan_rules *rules = NULL;
        double best = 1e9;
        size_t size = 0;

        srand(11 + flavor);
        rules = rule_sets_build(flavor, 1003, 4000);
        for (int i = 0; i < 5; i++) {
            double ms = compile_ms(rules, &size);

            best = ms < best ? ms : best;
        }
        print_message("flavor %d: 1003 rules, 4000 prefixes a side: %.2f ms, %zu KiB\n", (int)flavor, best,
                      size / 1024);
        assert_true(best < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(image_agrees_with_rules_tried_one_by_one),
        cmocka_unit_test(thousand_rules_with_4000_prefixes_agree),
        cmocka_unit_test(every_word_boundary_agrees),
        cmocka_unit_test(same_rules_give_the_same_bytes),
        cmocka_unit_test(neighbours_of_one_rule_are_one_range),
        cmocka_unit_test(too_many_rules_are_refused_with_the_numbers),
        cmocka_unit_test(too_many_ranges_are_refused_with_the_numbers),
        cmocka_unit_test(no_rules_at_all_are_refused),
        cmocka_unit_test(thousand_rules_compile_in_milliseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
