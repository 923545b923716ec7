/* The search in a struct vnl_classifier: the rules of one direction of one network security group against one packet.
 *
 * Each dimension's value is searched as a route is (route.h: branch-free, in global functions, verified once), which gives the set of
 * rules that match there; the first rule in all sets decides. The cost does not grow with the number of rules but for the search's
 * depth: a summary says which of the words may hold that rule. */
#ifndef VNETLAB_BPF_CLASSIFY_H
#define VNETLAB_BPF_CLASSIFY_H

#include "route.h"

/* n ranges become n - 3 * (n / 4): from VNL_CLASSIFIER_RANGES_MAX to at most 3. */
#define CLASS_STEPS 8
_Static_assert(VNL_CLASSIFIER_RANGES_MAX <= 1u << 2 * CLASS_STEPS, "the search ends with one range");

#define DIM(number) (offsetof(struct vnl_classifier, dim) + (number) * sizeof(struct vnl_classifier_dim))

static __always_inline __u64 class_record(const void *pool, __u64 dim, __u64 range, __u64 record_size)
{
    __u64 index = pool_u32(pool, dim + offsetof(struct vnl_classifier_dim, index));
    __u64 bits = pool_u32(pool, dim + offsetof(struct vnl_classifier_dim, bits));

    return bits + pool_u16(pool, index + 2 * range) * record_size;
}

/* Offset of the record for an IPv4 address or a port. */
__noinline __u64 vnl_class_find4(__u32 bank, __u32 dim, __u32 value, __u32 record_size)
{
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    __u64 n, first, at, step;

    if (!pool)
        return 0;
    n = pool_u32(pool, (__u64)dim + offsetof(struct vnl_classifier_dim, n_ranges));
    at = first = pool_u32(pool, (__u64)dim + offsetof(struct vnl_classifier_dim, start));
    for (int i = 0; i < CLASS_STEPS && n > 3; i++, n -= 3 * (n >> 2)) {
        step = (n >> 2) * sizeof(__u32);
        at += go4(pool, at + step, step, value) + go4(pool, at + 2 * step, step, value) +
              go4(pool, at + 3 * step, step, value);
    }
    step = sizeof(__u32);
    for (int i = 0; i < LAST_STEPS && n > 1; i++, n--)
        at += go4(pool, at + step, step, value);
    return class_record(pool, dim, (at - first) / sizeof(__u32), record_size);
}

/* The same for IPv6. */
__noinline __u64 vnl_class_find6(__u32 bank, __u32 dim, __u64 high, __u64 low, __u32 record_size)
{
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    __u64 n, first, at, step;

    if (!pool)
        return 0;
    n = pool_u32(pool, (__u64)dim + offsetof(struct vnl_classifier_dim, n_ranges));
    at = first = pool_u32(pool, (__u64)dim + offsetof(struct vnl_classifier_dim, start));
    for (int i = 0; i < CLASS_STEPS && n > 3; i++, n -= 3 * (n >> 2)) {
        step = (n >> 2) * 16;
        at += go6(pool, at + step, step, high, low) + go6(pool, at + 2 * step, step, high, low) +
              go6(pool, at + 3 * step, step, high, low);
    }
    step = 16;
    for (int i = 0; i < LAST_STEPS && n > 1; i++, n--)
        at += go6(pool, at + step, step, high, low);
    return class_record(pool, dim, (at - first) / 16, record_size);
}

/* Number of the lowest bit of a word that is not 0, by a de Bruijn sequence. */
static __always_inline __u32 lowest_bit(__u64 word)
{
    static const __u8 number[64] = {
        0,  1,  2,  53, 3,  7,  54, 27, 4,  38, 41, 8,  34, 55, 48, 28, 62, 5,  39, 46, 44, 42,
        22, 9,  24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
        23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
    };

    return number[(word & -word) * 0x022fdd63cc95386du >> 58];
}

static __always_inline __u32 proto_record(__u8 proto)
{
    switch (proto) {
    case PROTO_TCP:
        return VNL_CLASSIFIER_TCP;
    case PROTO_UDP:
        return VNL_CLASSIFIER_UDP;
    case PROTO_ICMP:
    case PROTO_ICMPV6:
        return VNL_CLASSIFIER_ICMP;
    case PROTO_ESP:
        return VNL_CLASSIFIER_ESP;
    case PROTO_AH:
        return VNL_CLASSIFIER_AH;
    }
    return VNL_CLASSIFIER_OTHER;
}

static __always_inline void count_hit(__u32 counter)
{
    struct vnl_rule_counter *element = bpf_map_lookup_elem(&vnl_rule_counters, &counter);

    if (element)
        __sync_fetch_and_add(&element->hits, 1);
}

static __always_inline __u32 ip4_number(const union vnl_ip *ip)
{
    return bpf_ntohl(ip->word[3]);
}

/* The rule is bit `bit` of word `number`. */
static __always_inline int rule_decides(const void *pool, __u32 image, struct vnl_ask *ask, __u64 number,
                                        __u64 bit)
{
    __u64 counter = pool_u32(pool, (__u64)image + offsetof(struct vnl_classifier, counter));
    __u64 allow = pool_u32(pool, (__u64)image + offsetof(struct vnl_classifier, allow));

    ask->rule = pool_u32(pool, counter + 4 * (64 * number + lowest_bit(bit)));
    if (!ask->what_if)
        count_hit(ask->rule);
    return pool_u64(pool, allow + 8 * number) & bit ? 1 : 0;
}

/* Does the classifier at `image` allow the packet? One that is garbage, where no rule matches, does not.
 * only: pool offset of a bitmap of the rules that count, and what none of them matches is allowed; 0 = all rules. */
__noinline int vnl_rules_allow(__u32 bank, __u32 image, __u32 only, struct vnl_ask *ask)
{
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    __u64 src, dst, proto, sport, dport, summary;
    __u32 size;

    if (!pool || !ask)
        return 0;
    size = 8 + 8 * pool_u32(pool, (__u64)image + offsetof(struct vnl_classifier, words));
    proto = pool_u32(pool, (__u64)image + offsetof(struct vnl_classifier, proto)) +
            (__u64)proto_record(ask->proto) * size;
    if (ask->v6) {
        src = vnl_class_find6(bank, image + DIM(VNL_CLASSIFIER_SOURCE6), bpf_be64_to_cpu(ask->src.half[0]),
                              bpf_be64_to_cpu(ask->src.half[1]), size);
        dst = vnl_class_find6(bank, image + DIM(VNL_CLASSIFIER_DESTINATION6),
                              bpf_be64_to_cpu(ask->dst.half[0]), bpf_be64_to_cpu(ask->dst.half[1]), size);
    } else {
        src = vnl_class_find4(bank, image + DIM(VNL_CLASSIFIER_SOURCE4), ip4_number(&ask->src), size);
        dst = vnl_class_find4(bank, image + DIM(VNL_CLASSIFIER_DESTINATION4), ip4_number(&ask->dst), size);
    }
    sport = dport = proto;
    if (ask->proto == PROTO_TCP || ask->proto == PROTO_UDP) {
        sport = vnl_class_find4(bank, image + DIM(VNL_CLASSIFIER_SOURCE_PORT), ask->sport, size);
        dport = vnl_class_find4(bank, image + DIM(VNL_CLASSIFIER_DESTINATION_PORT), ask->dport, size);
    }
    summary = pool_u64(pool, proto) & pool_u64(pool, src) & pool_u64(pool, dst) & pool_u64(pool, sport) &
              pool_u64(pool, dport);
    for (int i = 0; i < (int)VNL_CLASSIFIER_WORDS_MAX && summary; i++, summary &= summary - 1) {
        __u64 number = lowest_bit(summary), at = 8 + 8 * number;
        __u64 word = pool_u64(pool, proto + at) & pool_u64(pool, src + at) & pool_u64(pool, dst + at) &
                     pool_u64(pool, sport + at) & pool_u64(pool, dport + at);

        if (only)
            word &= pool_u64(pool, (__u64)only + 8 * number);
        if (!word)
            continue;
        return rule_decides(pool, image, ask, number, word & -word);
    }
    return only ? 1 : 0;
}

#endif
