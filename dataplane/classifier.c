/* From rules to bit vectors.
 *
 * Each dimension (addresses of a family, ports) is swept once. Every interval of a rule toggles its bit where the interval begins and
 * behind where it ends; between two such places the set of rules that match does not change, which is a range, and its set is a class.
 * A rule may name nested prefixes, so a count per rule says when its bit really changes.
 *
 * What makes this fast: a set is known by a hash that is toggled with the bits (a fixed random number per rule, by exclusive or), so an
 * equal set is found without reading the whole; a bitmap is compared only on a hit and copied only when it is new. 4000 prefixes are
 * 8000 toggles and one sort. Rules that match every value are in the set from the start and make no toggles.
 *
 * Images are built in one piece, relative to `base`: the caller says where in the bank they will lie. */
#include "vnetlab/classifier.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/layout.h"
#include "vnetlab/plan.h"

typedef unsigned __int128 wide; /* an address of either family, or a port, as a number */

/* --- the image under construction ------------------------------------------------------------------------- */

struct output {
    unsigned char *bytes;
    size_t used, room;
    uint32_t base;
};

/* Zeroed, 8-byte aligned; the place in `bytes`, or SIZE_MAX on ENOMEM. */
static size_t output_take(struct output *out, size_t size)
{
    size_t at = out->used, end = at + ((size + 7) & ~(size_t)7);

    if (end > out->room) {
        size_t room = 2 * end;
        unsigned char *grown = realloc(out->bytes, room);

        if (!grown)
            return SIZE_MAX;
        memset(grown + out->room, 0, room - out->room);
        out->bytes = grown;
        out->room = room;
    }
    out->used = end;
    return at;
}

/* Copies `size` bytes; *ret is their offset in the bank. */
static int output_put(struct output *out, const void *bytes, size_t size, uint32_t *ret)
{
    size_t at = output_take(out, size);

    if (at == SIZE_MAX)
        return -ENOMEM;
    if (at + out->base > UINT32_MAX)
        return -E2BIG;
    memcpy(out->bytes + at, bytes, size);
    *ret = (uint32_t)at + out->base;
    return 0;
}

/* --- sets of rules ------------------------------------------------------------------------------------------- */

struct set {
    uint64_t words[VNL_CLASSIFIER_WORDS_MAX];
    uint64_t hash;
};

/* A number that looks random: the 64-bit finalizer of splitmix. */
static uint64_t rule_hash(uint32_t rule)
{
    uint64_t h = (rule + 1) * 0x9e3779b97f4a7c15u;

    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

static void set_toggle(struct set *set, uint32_t rule)
{
    set->words[rule / 64] ^= (uint64_t)1 << rule % 64;
    set->hash ^= rule_hash(rule);
}

/* The classes of one dimension: records as in the image, and a hash table of them. */
struct classes {
    uint64_t *records;
    uint64_t *hashes; /* by class */
    uint32_t *table;  /* class plus one, 0 = free */
    size_t n, room, slots, n_words;
};

static void classes_done(struct classes *classes)
{
    free(classes->records);
    free(classes->hashes);
    free(classes->table);
}

/* n_max: there will be no more classes than that. */
static int classes_init(struct classes *classes, size_t n_words, size_t n_max)
{
    *classes = (struct classes){ .n_words = n_words, .slots = 16 };
    while (classes->slots < 2 * n_max)
        classes->slots *= 2;
    classes->table = calloc(classes->slots, sizeof(*classes->table));
    return classes->table ? 0 : -ENOMEM;
}

static int classes_grow(struct classes *classes)
{
    size_t room = classes->room ? 2 * classes->room : 16;
    uint64_t *records, *hashes;

    if (classes->n < classes->room)
        return 0;
    records = reallocarray(classes->records, room, (1 + classes->n_words) * sizeof(*records));
    if (!records)
        return -ENOMEM;
    classes->records = records;
    hashes = reallocarray(classes->hashes, room, sizeof(*hashes));
    if (!hashes)
        return -ENOMEM;
    classes->hashes = hashes;
    classes->room = room;
    return 0;
}

static uint64_t *record_of(const struct classes *classes, size_t class)
{
    return classes->records + class * (1 + classes->n_words);
}

static void record_fill(uint64_t *record, const struct set *set, size_t n_words)
{
    record[0] = 0;
    for (size_t i = 0; i < n_words; i++)
        record[0] |= (uint64_t)(set->words[i] != 0) << i;
    memcpy(record + 1, set->words, n_words * sizeof(*record));
}

/* The class of a set, made if it is new. */
static int class_of(struct classes *classes, const struct set *set, uint32_t *ret)
{
    size_t at = set->hash & (classes->slots - 1), size = classes->n_words * sizeof(*set->words);

    for (; classes->table[at]; at = (at + 1) & (classes->slots - 1)) {
        uint32_t class = classes->table[at] - 1;

        if (classes->hashes[class] != set->hash ||
            memcmp(record_of(classes, class) + 1, set->words, size) != 0)
            continue;
        *ret = class;
        return 0;
    }
    if (classes_grow(classes) < 0)
        return -ENOMEM;
    record_fill(record_of(classes, classes->n), set, classes->n_words);
    classes->hashes[classes->n] = set->hash;
    *ret = (uint32_t)classes->n++;
    classes->table[at] = *ret + 1;
    return 0;
}

/* --- intervals of a rule ----------------------------------------------------------------------------------- */

struct toggle {
    wide at;
    uint32_t rule;
    int32_t step; /* +1: an interval begins; -1: it has ended */
};

/* One dimension while it is built. */
struct sweep {
    struct toggle *toggles;
    size_t n;
    struct set set; /* rules that match every value */
    wide end;       /* the last value */
    size_t width;   /* bytes of a start */
};

static void add_interval(struct sweep *sweep, uint32_t rule, wide first, wide last)
{
    sweep->toggles[sweep->n++] = (struct toggle){ .at = first, .rule = rule, .step = 1 };
    if (last != sweep->end)
        sweep->toggles[sweep->n++] = (struct toggle){ .at = last + 1, .rule = rule, .step = -1 };
}

static wide addr_number(const struct vnl_addr *addr)
{
    wide x = 0;

    for (unsigned i = 0; i < vnl_addr_bits(addr->family) / 8; i++)
        x = x << 8 | addr->bytes[i];
    return x;
}

static void add_prefixes(struct sweep *sweep, uint32_t rule, const struct vnl_plan_side *side,
                         uint16_t family)
{
    if (side->any) {
        set_toggle(&sweep->set, rule);
        return;
    }
    for (size_t i = 0; i < side->n_prefixes; i++) {
        struct vnl_addr last = vnl_prefix_last(&side->prefixes[i]);

        if (last.family == family)
            add_interval(sweep, rule, addr_number(&side->prefixes[i].addr), addr_number(&last));
    }
}

/* All ports, as `*` or as one range. */
static bool any_port(const struct vnl_plan_side *side)
{
    bool any = side->n_ports == 0;

    for (size_t i = 0; i < side->n_ports; i++)
        any = any || (side->ports[i].first == 0 && side->ports[i].last == UINT16_MAX);
    return any;
}

static void add_ports(struct sweep *sweep, uint32_t rule, const struct vnl_plan_side *side)
{
    if (any_port(side)) {
        set_toggle(&sweep->set, rule);
        return;
    }
    for (size_t i = 0; i < side->n_ports; i++)
        add_interval(sweep, rule, side->ports[i].first, side->ports[i].last);
}

struct compiler {
    const struct vnl_plan_rules *set;
    const struct vnl_plan_rule *rules; /* of the direction */
    uint32_t n_rules;
    const char *direction; /* "inbound" */
    struct output out;
    struct vnl_classifier head;
};

static const struct dimension {
    bool destination, ports;
    uint16_t family; /* of addresses */
    const char *what;
} dimensions[] = {
    [VNL_CLASSIFIER_SOURCE4] = { .family = AF_INET, .what = "IPv4 source" },
    [VNL_CLASSIFIER_DESTINATION4] = { .family = AF_INET, .destination = true, .what = "IPv4 destination" },
    [VNL_CLASSIFIER_SOURCE6] = { .family = AF_INET6, .what = "IPv6 source" },
    [VNL_CLASSIFIER_DESTINATION6] = { .family = AF_INET6, .destination = true, .what = "IPv6 destination" },
    [VNL_CLASSIFIER_SOURCE_PORT] = { .ports = true, .what = "source port" },
    [VNL_CLASSIFIER_DESTINATION_PORT] = { .ports = true, .destination = true, .what = "destination port" },
};
static_assert(ARRAY_SIZE(dimensions) == VNL_CLASSIFIER_DIM_MAX, "describe every dimension");

static const struct vnl_plan_side *side_of(const struct vnl_plan_rule *rule,
                                           const struct dimension *dimension)
{
    return dimension->destination ? &rule->destination : &rule->source;
}

static int toggle_cmp(const void *a, const void *b)
{
    const struct toggle *left = a, *right = b;

    return left->at < right->at ? -1 : left->at > right->at;
}

/* sweep->toggles is the caller's, also after a failure. */
static int collect(const struct compiler *compiler, const struct dimension *dimension, struct sweep *sweep)
{
    size_t room = 0;

    *sweep =
        (struct sweep){ .width = dimension->family == AF_INET6 ? 2 * sizeof(uint64_t) : sizeof(uint32_t) };
    sweep->end = dimension->ports ? UINT16_MAX : dimension->family == AF_INET ? UINT32_MAX : ~(wide)0;
    for (uint32_t i = 0; i < compiler->n_rules; i++) {
        const struct vnl_plan_side *side = side_of(&compiler->rules[i], dimension);

        room += dimension->ports ? side->n_ports : side->n_prefixes;
    }
    sweep->toggles = calloc(2 * room + 1, sizeof(*sweep->toggles));
    if (!sweep->toggles)
        return -ENOMEM;
    for (uint32_t i = 0; i < compiler->n_rules; i++) {
        const struct vnl_plan_side *side = side_of(&compiler->rules[i], dimension);

        if (dimension->ports)
            add_ports(sweep, i, side);
        else
            add_prefixes(sweep, i, side, dimension->family);
    }
    qsort(sweep->toggles, sweep->n, sizeof(*sweep->toggles), toggle_cmp);
    return 0;
}

/* --- the sweep ------------------------------------------------------------------------------------------------ */

struct ranges {
    wide *starts;
    uint32_t *classes; /* by range */
    size_t n;
};

/* Applies the toggles from *i on that are at one place, and goes behind them. counts: open intervals, by rule. */
static void step(struct sweep *sweep, size_t *i, uint32_t *counts)
{
    wide at = sweep->toggles[*i].at;

    for (; *i < sweep->n && sweep->toggles[*i].at == at; ++*i) {
        const struct toggle *toggle = &sweep->toggles[*i];
        uint32_t before = counts[toggle->rule];

        counts[toggle->rule] += (uint32_t)toggle->step;
        /* Where one interval ends and the next begins, the bit may go and come back: the set is the same either way. */
        if ((before == 0) != (counts[toggle->rule] == 0))
            set_toggle(&sweep->set, toggle->rule);
    }
}

static int add_range(struct ranges *ranges, struct classes *classes, wide start, const struct set *set)
{
    uint32_t class;

    if (class_of(classes, set, &class) < 0)
        return -ENOMEM;
    if (ranges->n && ranges->classes[ranges->n - 1] == class)
        return 0;
    ranges->starts[ranges->n] = start;
    ranges->classes[ranges->n++] = class;
    return 0;
}

static int run(struct sweep *sweep, struct ranges *ranges, struct classes *classes, uint32_t *counts)
{
    size_t i = 0;
    int r = 0;

    if (sweep->n == 0 || sweep->toggles[0].at != 0)
        r = add_range(ranges, classes, 0, &sweep->set);
    while (i < sweep->n && r == 0) {
        wide at = sweep->toggles[i].at;

        step(sweep, &i, counts);
        r = add_range(ranges, classes, at, &sweep->set);
    }
    return r;
}

static void put_start(unsigned char *at, wide start, size_t width)
{
    uint64_t halves[2] = { (uint64_t)(start >> 64), (uint64_t)start };
    uint32_t narrow = (uint32_t)start;

    if (width == sizeof(narrow))
        memcpy(at, &narrow, sizeof(narrow));
    else
        memcpy(at, halves, sizeof(halves));
}

static int put_dimension(struct output *out, const struct ranges *ranges, const struct classes *classes,
                         size_t width, struct vnl_classifier_dim *ret)
{
    size_t starts = output_take(out, ranges->n * width), indices;

    if (starts == SIZE_MAX || (indices = output_take(out, ranges->n * sizeof(uint16_t))) == SIZE_MAX)
        return -ENOMEM;
    if (out->used + out->base > UINT32_MAX)
        return -E2BIG;
    for (size_t i = 0; i < ranges->n; i++) {
        uint16_t class = (uint16_t)ranges->classes[i];

        put_start(out->bytes + starts + i * width, ranges->starts[i], width);
        memcpy(out->bytes + indices + i * sizeof(class), &class, sizeof(class));
    }
    ret->n_ranges = (uint32_t)ranges->n;
    ret->start = (uint32_t)starts + out->base;
    ret->index = (uint32_t)indices + out->base;
    return output_put(out, classes->records, classes->n * (1 + classes->n_words) * sizeof(uint64_t),
                      &ret->bits);
}

static int build_dimension(struct compiler *compiler, enum vnl_classifier_dim_number number,
                           struct vnl_err **err)
{
    const struct dimension *dimension = &dimensions[number];
    struct sweep sweep;
    struct classes classes = { 0 };
    struct ranges ranges = { 0 };
    uint32_t *counts = calloc(compiler->n_rules, sizeof(*counts));
    int r = collect(compiler, dimension, &sweep);

    if (r == 0)
        r = classes_init(&classes, compiler->head.words, sweep.n + 1);
    ranges.starts = calloc(sweep.n + 1, sizeof(*ranges.starts));
    ranges.classes = calloc(sweep.n + 1, sizeof(*ranges.classes));
    if (!counts || !ranges.starts || !ranges.classes)
        r = -ENOMEM;
    if (r == 0)
        r = run(&sweep, &ranges, &classes, counts);
    if (r == 0 && ranges.n > VNL_CLASSIFIER_RANGES_MAX)
        r = vnl_fail(
            err, E2BIG,
            "network security group '%s', %s: the rules part the %ss into %zu ranges; the tables hold %u",
            compiler->set->nsg_name, compiler->direction, dimension->what, ranges.n,
            VNL_CLASSIFIER_RANGES_MAX);
    else if (r == 0 && (r = put_dimension(&compiler->out, &ranges, &classes, sweep.width,
                                          &compiler->head.dim[number])) == -E2BIG)
        r = vnl_fail(err, E2BIG, "network security group '%s', %s: more than 4 GiB of tables",
                     compiler->set->nsg_name, compiler->direction);
    free(counts);
    free(ranges.starts);
    free(ranges.classes);
    free(sweep.toggles);
    classes_done(&classes);
    return r;
}

/* --- what is not a range ----------------------------------------------------------------------------------- */

static const uint8_t proto_number[] = {
    [VNL_CLASSIFIER_TCP] = IPPROTO_TCP,   [VNL_CLASSIFIER_UDP] = IPPROTO_UDP,
    [VNL_CLASSIFIER_ICMP] = IPPROTO_ICMP, [VNL_CLASSIFIER_ESP] = IPPROTO_ESP,
    [VNL_CLASSIFIER_AH] = IPPROTO_AH,     [VNL_CLASSIFIER_OTHER] = 0,
};
static_assert(ARRAY_SIZE(proto_number) == VNL_CLASSIFIER_PROTO_MAX, "a number for every protocol class");

/* Ports in a rule for ICMP, ESP or AH are ignored (spec 3.1). A rule for any protocol that names ports is about TCP and UDP: what has
 * no ports does not match them. */
static bool proto_matches(const struct vnl_plan_rule *rule, enum vnl_classifier_proto proto)
{
    if (rule->proto != 0)
        return rule->proto == proto_number[proto];
    return proto == VNL_CLASSIFIER_TCP || proto == VNL_CLASSIFIER_UDP ||
           (any_port(&rule->source) && any_port(&rule->destination));
}

static int put_protocols(struct compiler *compiler)
{
    uint64_t records[VNL_CLASSIFIER_PROTO_MAX * (1 + VNL_CLASSIFIER_WORDS_MAX)];
    size_t n_words = compiler->head.words;

    for (enum vnl_classifier_proto proto = 0; proto < VNL_CLASSIFIER_PROTO_MAX; proto++) {
        struct set set = { 0 };

        for (uint32_t i = 0; i < compiler->n_rules; i++)
            if (proto_matches(&compiler->rules[i], proto))
                set_toggle(&set, i);
        record_fill(records + proto * (1 + n_words), &set, n_words);
    }
    return output_put(&compiler->out, records, VNL_CLASSIFIER_PROTO_MAX * (1 + n_words) * sizeof(*records),
                      &compiler->head.proto);
}

static int put_answers(struct compiler *compiler)
{
    uint32_t counters[VNL_CLASSIFIER_RULES_MAX];
    struct set allow = { 0 };
    int r;

    for (uint32_t i = 0; i < compiler->n_rules; i++) {
        counters[i] = compiler->rules[i].counter;
        if (compiler->rules[i].allow)
            set_toggle(&allow, i);
    }
    r = output_put(&compiler->out, allow.words, compiler->head.words * sizeof(*allow.words),
                   &compiler->head.allow);
    return r < 0 ? r
                 : output_put(&compiler->out, counters, compiler->n_rules * sizeof(*counters),
                              &compiler->head.counter);
}

/* Rules that count for what goes to the platform's addresses (spec 3.8). */
static int put_platform(struct compiler *compiler)
{
    struct set set = { 0 };
    bool some = false;

    for (uint32_t i = 0; i < compiler->n_rules; i++) {
        if (!compiler->rules[i].source.platform && !compiler->rules[i].destination.platform)
            continue;
        set_toggle(&set, i);
        some = true;
    }
    return some ? output_put(&compiler->out, set.words, compiler->head.words * sizeof(*set.words),
                             &compiler->head.platform)
                : 0;
}

static int compile(struct compiler *compiler, struct vnl_err **err)
{
    size_t at = output_take(&compiler->out, sizeof(compiler->head));
    int r = at == SIZE_MAX ? -ENOMEM : put_answers(compiler);

    if (r == 0)
        r = put_platform(compiler);
    if (r == 0)
        r = put_protocols(compiler);
    if (r == -E2BIG)
        r = vnl_fail(err, E2BIG, "network security group '%s': more than 4 GiB of tables",
                     compiler->set->nsg_name);
    for (enum vnl_classifier_dim_number i = 0; i < VNL_CLASSIFIER_DIM_MAX && r == 0; i++)
        r = build_dimension(compiler, i, err);
    if (r == -ENOMEM)
        return vnl_fail(err, ENOMEM, "tables of network security group '%s'", compiler->set->nsg_name);
    if (r == 0)
        memcpy(compiler->out.bytes + at, &compiler->head, sizeof(compiler->head));
    return r;
}

int vnl_classifier_build(const struct vnl_plan_rules *rules, bool inbound, uint32_t base, void **ret,
                         size_t *ret_size, struct vnl_err **err)
{
    size_t n = inbound ? rules->n_inbound : rules->n_outbound;
    struct compiler compiler = {
        .set = rules,
        .rules = rules->rules + (inbound ? 0 : rules->n_inbound),
        .direction = inbound ? "inbound" : "outbound",
        .out.base = base,
    };
    int r;

    if (n == 0)
        return vnl_fail(err, EINVAL, "network security group '%s' has no %s rules, not even the defaults",
                        rules->nsg_name, compiler.direction);
    if (n > VNL_CLASSIFIER_RULES_MAX)
        return vnl_fail(err, E2BIG, "network security group '%s' has %zu %s rules; the tables hold %u",
                        rules->nsg_name, n, compiler.direction, VNL_CLASSIFIER_RULES_MAX);
    compiler.n_rules = compiler.head.n_rules = (uint32_t)n;
    compiler.head.words = (compiler.n_rules + 63) / 64;
    r = compile(&compiler, err);
    if (r < 0) {
        free(compiler.out.bytes);
        return r;
    }
    *ret = compiler.out.bytes;
    *ret_size = compiler.out.used;
    return 0;
}
