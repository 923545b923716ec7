/* Longest-prefix match, flattened. The program cannot afford a trie per table, so it is done here, once: prefixes become
 * disjoint ranges that cover the whole address family, each with the answer for every address in it, and the program is left with a
 * binary search. Prefixes nest or are apart, never cross; sorted by first address, outer before inner, they open and close like
 * brackets, and one sweep with a stack of the open ones yields the ranges. Neighbours with equal answers are joined; a gap is a range
 * that says NONE.
 *
 * Learned rows. A system route of the VNet or of a peering beats what a gateway has learned however specific that is (spec 4.4). A
 * learned prefix that lies in such a route never has the say: its bracket is left out. One around such a route has none inside it by
 * longest prefix already. (Equal ones do not meet here: the plan has settled them.) */
#include "image_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"

typedef unsigned __int128 wide; /* an address of either family as a number */

struct span {
    wide first, last;
    unsigned len;
    const struct vnl_image_span *from;
};

struct range {
    wide start;
    struct vnl_route_entry entry;
};

struct ranges {
    struct range *items;
    size_t n;
};

static wide addr_number(const struct vnl_addr *addr)
{
    wide x = 0;

    for (unsigned i = 0; i < vnl_addr_bits(addr->family) / 8; i++)
        x = x << 8 | addr->bytes[i];
    return x;
}

static struct span span_of(const struct vnl_image_span *from)
{
    struct vnl_addr first = vnl_prefix_first(&from->prefix), last = vnl_prefix_last(&from->prefix);

    return (struct span){
        .first = addr_number(&first),
        .last = addr_number(&last),
        .len = from->prefix.len,
        .from = from,
    };
}

static int span_cmp(const void *a, const void *b)
{
    const struct span *left = a, *right = b;

    if (left->first != right->first)
        return left->first < right->first ? -1 : 1;
    return (int)left->len - (int)right->len;
}

static bool entry_eq(const struct vnl_route_entry *a, const struct vnl_route_entry *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* From `start` on the answer is `entry`. A second word on the same start replaces the first. */
static void emit(struct ranges *ranges, wide start, const struct vnl_route_entry *entry)
{
    if (ranges->n && ranges->items[ranges->n - 1].start == start)
        ranges->n--;
    if (ranges->n && entry_eq(&ranges->items[ranges->n - 1].entry, entry))
        return;
    ranges->items[ranges->n++] = (struct range){ .start = start, .entry = *entry };
}

struct open {
    const struct span **spans; /* outermost first */
    size_t n, n_local;
};

/* Closes what ends before `first`; all when there is none. */
static void close_before(struct ranges *ranges, struct open *open, const struct span *next, wide end)
{
    static const struct vnl_route_entry none = { .kind = VNL_ROUTE_KIND_NONE };

    while (open->n && (!next || open->spans[open->n - 1]->last < next->first)) {
        const struct span *closed = open->spans[--open->n];

        open->n_local -= closed->from->local;
        if (closed->last != end)
            emit(ranges, closed->last + 1, open->n ? &open->spans[open->n - 1]->from->entry : &none);
    }
}

/* items: room for 2 n + 1 (each prefix begins one range and ends one). stack: room for n. */
static void sweep(struct ranges *ranges, const struct span *spans, size_t n, const struct span **stack,
                  wide end)
{
    static const struct vnl_route_entry none = { .kind = VNL_ROUTE_KIND_NONE };
    struct open open = { .spans = stack };

    emit(ranges, 0, &none);
    for (size_t i = 0; i < n; i++) {
        close_before(ranges, &open, &spans[i], end);
        if (spans[i].from->learned && open.n_local)
            continue;
        emit(ranges, spans[i].first, &spans[i].from->entry);
        open.spans[open.n++] = &spans[i];
        open.n_local += spans[i].from->local;
    }
    close_before(ranges, &open, NULL, end);
}

/* ret->items is the caller's. */
static int flatten(const struct vnl_image_span *from, size_t n, uint16_t family, struct ranges *ret)
{
    const struct span **stack = calloc(n + 1, sizeof(const struct span *));
    struct span *spans = calloc(n + 1, sizeof(*spans));
    wide end = family == AF_INET ? UINT32_MAX : ~(wide)0;
    int r = 0;

    *ret = (struct ranges){ .items = calloc(2 * n + 1, sizeof(*ret->items)) };
    if (!stack || !spans || !ret->items) {
        r = -ENOMEM;
    } else {
        for (size_t i = 0; i < n; i++)
            spans[i] = span_of(&from[i]);
        qsort(spans, n, sizeof(*spans), span_cmp);
        sweep(ret, spans, n, stack, end);
    }
    free(stack);
    free(spans);
    return r;
}

/* --- bytes --- */

static void put_start(unsigned char *at, wide start, uint16_t family)
{
    uint64_t halves[2] = { (uint64_t)(start >> 64), (uint64_t)start };
    uint32_t narrow = (uint32_t)start;

    if (family == AF_INET)
        memcpy(at, &narrow, sizeof(narrow));
    else
        memcpy(at, halves, sizeof(halves));
}

/* The place of `entry` among the first *n routes, put there if new. Tables have few different answers. */
static uint16_t route_index(struct vnl_route_entry *routes, size_t *n, const struct vnl_route_entry *entry)
{
    size_t i = 0;

    while (i < *n && !entry_eq(&routes[i], entry))
        i++;
    if (i == *n)
        routes[(*n)++] = *entry;
    return (uint16_t)i;
}

static int take_image(struct vnl_image_pool *pool, size_t n_ranges, size_t step, struct vnl_route_image *head,
                      uint32_t *ret)
{
    int r = vnl_image_take(pool, sizeof(*head), ret);

    if (r == 0)
        r = vnl_image_take(pool, n_ranges * step, &head->start);
    if (r == 0)
        r = vnl_image_take(pool, n_ranges * sizeof(uint16_t), &head->index);
    return r < 0 ? r : vnl_image_take(pool, n_ranges * sizeof(struct vnl_route_entry), &head->route);
}

/* Header, starts, indices, routes. The routes come last: what was taken too much for them is given back. */
static int put_ranges(struct vnl_image_pool *pool, const struct ranges *ranges, uint16_t family,
                      uint32_t *ret)
{
    size_t step = family == AF_INET ? sizeof(uint32_t) : 2 * sizeof(uint64_t), n_routes = 0;
    struct vnl_route_image head = { .n_ranges = (uint32_t)ranges->n };
    struct vnl_route_entry *routes;
    uint32_t at;
    int r = take_image(pool, ranges->n, step, &head, &at);

    if (r < 0)
        return r;
    routes = (struct vnl_route_entry *)(void *)(pool->bytes + head.route);
    for (size_t i = 0; i < ranges->n; i++) {
        uint16_t index = route_index(routes, &n_routes, &ranges->items[i].entry);

        put_start(pool->bytes + head.start + i * step, ranges->items[i].start, family);
        memcpy(pool->bytes + head.index + i * sizeof(index), &index, sizeof(index));
    }
    pool->used = head.route + n_routes * sizeof(*routes);
    memcpy(pool->bytes + at, &head, sizeof(head));
    *ret = at;
    return 0;
}

/* An IPv6 start of zero begins with an IPv4 start of zero. */
int vnl_image_put_nothing(struct vnl_image_pool *pool)
{
    struct range all = { .entry = { .kind = VNL_ROUTE_KIND_NONE } };
    struct ranges ranges = { .items = &all, .n = 1 };
    uint32_t at;

    return put_ranges(pool, &ranges, AF_INET6, &at);
}

int vnl_image_put_spans(struct vnl_image_pool *pool, const struct vnl_image_span *spans, size_t n,
                        uint16_t family, const char *what, uint32_t *ret, struct vnl_err **err)
{
    struct ranges ranges;
    int r;

    *ret = 0;
    if (n == 0)
        return 0;
    r = flatten(spans, n, family, &ranges);
    if (r == 0 && ranges.n > VNL_ROUTE_RANGES_MAX)
        r = vnl_fail(err, E2BIG, "routes of '%s' make %zu ranges; the tables hold %u", what, ranges.n,
                     VNL_ROUTE_RANGES_MAX);
    else if (r == 0 && (r = put_ranges(pool, &ranges, family, ret)) == -E2BIG)
        r = vnl_fail(err, E2BIG, "routes of '%s' do not fit: the tables hold %u bytes", what,
                     VNL_IMAGE_POOL_MAX);
    if (r == -ENOMEM)
        r = vnl_fail(err, ENOMEM, "routes of '%s'", what);
    free(ranges.items);
    return r;
}
