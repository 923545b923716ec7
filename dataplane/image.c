/* From plan to table bytes.
 *
 * Routes. The program cannot afford a trie per table, so longest-prefix match is done here, once: prefixes
 * become disjoint ranges that cover the whole address family, each with the answer for every address in it,
 * and the program is left with a binary search. Prefixes nest or are apart, never cross; sorted by first
 * address, outer before inner, they open and close like brackets, and one sweep with a stack of the open ones
 * yields the ranges. Neighbours with equal answers are joined; a gap is a range that says NONE. Only Active
 * rows count: equal prefixes are settled in the plan. What learned (BGP) routes need beyond longest prefix
 * (spec 4.4) has no place here as long as no plan holds any; next hops that the program does not carry are
 * NONE, so they drop.
 *
 * Owners. Linear probing with a bound on the probes. Doubling the table never makes a key's way longer: the
 * elements in use before a key in the large table are a subset of those before it in the small one (seen
 * modulo the small size; by induction over the insertions). So the smallest table that fits is well defined,
 * and all larger ones fit too. */
#include "vnetlab/image.h"

#include "image_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/digest.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

typedef unsigned __int128 wide; /* an address of either family as a number */

#define OWNER_SLOTS_MAX (1u << 24)
#define RULE_SLOTS_MAX  (1u << 24)

/* --- ranges --------------------------------------------------------------------------------------------- */

struct span {
    wide first, last;
    unsigned len;
    struct vnl_route_entry entry;
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

static struct span span_of(const struct vnl_prefix *prefix, const struct vnl_route_entry *entry)
{
    struct vnl_addr first = vnl_prefix_first(prefix), last = vnl_prefix_last(prefix);

    return (struct span){
        .first = addr_number(&first),
        .last = addr_number(&last),
        .len = prefix->len,
        .entry = *entry,
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

/* items: room for 2 n + 1 (each prefix begins one range and ends one). stack: room for n. */
static void sweep(struct ranges *ranges, const struct span *spans, size_t n, const struct span **stack,
                  wide end)
{
    static const struct vnl_route_entry none = { .kind = VNL_ROUTE_KIND_NONE };
    size_t depth = 0;

    emit(ranges, 0, &none);
    for (size_t i = 0; i <= n; i++) {
        while (depth && (i == n || stack[depth - 1]->last < spans[i].first)) {
            const struct span *closed = stack[--depth];

            if (closed->last != end)
                emit(ranges, closed->last + 1, depth ? &stack[depth - 1]->entry : &none);
        }
        if (i == n)
            break;
        emit(ranges, spans[i].first, &spans[i].entry);
        stack[depth++] = &spans[i];
    }
}

/* Sorts `spans`. ret->items is the caller's. */
static int flatten(struct span *spans, size_t n, uint16_t family, struct ranges *ret)
{
    const struct span **stack = calloc(n + 1, sizeof(const struct span *));
    wide end = family == AF_INET ? UINT32_MAX : ~(wide)0;

    *ret = (struct ranges){ .items = calloc(2 * n + 1, sizeof(*ret->items)) };
    if (!stack || !ret->items) {
        free(stack);
        free(ret->items);
        return -ENOMEM;
    }
    qsort(spans, n, sizeof(*spans), span_cmp);
    sweep(ret, spans, n, stack, end);
    free(stack);
    return 0;
}

/* --- pool ----------------------------------------------------------------------------------------------- */

int vnl_image_take(struct vnl_image_pool *pool, size_t size, uint32_t *ret)
{
    size_t end = pool->used + ((size + 7) & ~(size_t)7);

    if (end > VNL_IMAGE_POOL_MAX)
        return -E2BIG;
    if (end > pool->room) {
        size_t room = 2 * end;
        unsigned char *grown = realloc(pool->bytes, room);

        if (!grown)
            return -ENOMEM;
        memset(grown + pool->room, 0, room - pool->room);
        pool->bytes = grown;
        pool->room = room;
    }
    *ret = (uint32_t)pool->used;
    pool->used = end;
    return 0;
}

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

/* Offset 0 of every bank: no route at all, for both families (an IPv6 start of zero begins with an IPv4 start
 * of zero). */
static int put_nothing(struct vnl_image_pool *pool)
{
    struct range all = { .entry = { .kind = VNL_ROUTE_KIND_NONE } };
    struct ranges ranges = { .items = &all, .n = 1 };
    uint32_t at;

    return put_ranges(pool, &ranges, AF_INET6, &at);
}

/* One image; `what` names it in the message. */
static int put_spans(struct vnl_image_pool *pool, struct span *spans, size_t n, uint16_t family,
                     const char *what, uint32_t *ret, struct vnl_err **err)
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

/* --- from the plan -------------------------------------------------------------------------------------- */

/* What is not carried yet drops. */
static const uint16_t kind_of[] = {
    [VNL_NEXT_HOP_VNET_LOCAL] = VNL_ROUTE_KIND_VNET,     [VNL_NEXT_HOP_PEERING] = VNL_ROUTE_KIND_VNET,
    [VNL_NEXT_HOP_GLOBAL_PEERING] = VNL_ROUTE_KIND_VNET, [VNL_NEXT_HOP_GATEWAY] = VNL_ROUTE_KIND_NONE,
    [VNL_NEXT_HOP_INTERNET] = VNL_ROUTE_KIND_INTERNET,   [VNL_NEXT_HOP_NONE] = VNL_ROUTE_KIND_NONE,
    [VNL_NEXT_HOP_APPLIANCE] = VNL_ROUTE_KIND_NONE,
};
static_assert(ARRAY_SIZE(kind_of) == VNL_NEXT_HOP_MAX, "a kind for every next hop type");

static struct vnl_route_entry entry_of(const struct vnl_plan *plan, const struct vnl_route *row)
{
    struct vnl_route_entry entry = { .kind = kind_of[row->type] };

    if (entry.kind != VNL_ROUTE_KIND_VNET)
        return entry;
    entry.vnet = plan->vnets[row->vnet].slot;
    entry.flags = (uint16_t)((row->deny_access_local ? VNL_ROUTE_DENY_ACCESS_LOCAL : 0) |
                             (row->deny_access_remote ? VNL_ROUTE_DENY_ACCESS_REMOTE : 0) |
                             (row->deny_forwarded ? VNL_ROUTE_DENY_FORWARDED : 0));
    return entry;
}

/* Pool offsets of one table and of one VNet's space: IPv4, IPv6. */
struct offsets {
    uint32_t v4, v6;
};

static int put_table(struct vnl_image_pool *pool, const struct vnl_plan *plan,
                     const struct vnl_route_table *table, uint16_t family, uint32_t *ret,
                     struct vnl_err **err)
{
    struct span *spans = calloc(table->n_routes + 1, sizeof(*spans));
    size_t n = 0;
    int r;

    if (!spans)
        return vnl_fail(err, ENOMEM, "routes of '%s'", table->name);
    for (size_t i = 0; i < table->n_routes; i++) {
        struct vnl_route_entry entry = entry_of(plan, &table->routes[i]);

        if (table->routes[i].active && table->routes[i].prefix.addr.family == family)
            spans[n++] = span_of(&table->routes[i].prefix, &entry);
    }
    r = put_spans(pool, spans, n, family, table->name, ret, err);
    free(spans);
    return r;
}

static int put_space(struct vnl_image_pool *pool, const struct vnl_plan_vnet *vnet, uint16_t family,
                     uint32_t *ret, struct vnl_err **err)
{
    struct vnl_route_entry inside = { .kind = VNL_ROUTE_KIND_VNET, .vnet = vnet->slot };
    struct span *spans = calloc(vnet->n_space + 1, sizeof(*spans));
    size_t n = 0;
    int r;

    if (!spans)
        return vnl_fail(err, ENOMEM, "address space of '%s'", vnet->name);
    for (size_t i = 0; i < vnet->n_space; i++)
        if (vnet->space[i].addr.family == family)
            spans[n++] = span_of(&vnet->space[i], &inside);
    r = put_spans(pool, spans, n, family, vnet->name, ret, err);
    free(spans);
    return r;
}

/* The pool and where things are in it. A table that no NIC uses is left out, so that it changes nothing. */
struct layout {
    struct vnl_image_pool pool;
    struct offsets *tables, *spaces;
    uint32_t *policies; /* by plan->nics */
};

static void layout_done(struct layout *layout)
{
    free(layout->pool.bytes);
    free(layout->tables);
    free(layout->spaces);
    free(layout->policies);
}

static int put_for_nic(struct layout *layout, const struct vnl_plan *plan, const struct vnl_plan_nic *nic,
                       struct vnl_err **err)
{
    const struct vnl_route_table *table = &plan->tables[nic->table];
    struct offsets *routes = &layout->tables[nic->table], *space = &layout->spaces[nic->vnet];
    int r = 0;

    /* A VNet has IPv4 space, and a table IPv4 rows: offset 0 means not put yet. */
    if (!routes->v4 && !routes->v6) {
        r = put_table(&layout->pool, plan, table, AF_INET, &routes->v4, err);
        if (r == 0)
            r = put_table(&layout->pool, plan, table, AF_INET6, &routes->v6, err);
    }
    if (r == 0 && !space->v4 && !space->v6) {
        r = put_space(&layout->pool, &plan->vnets[nic->vnet], AF_INET, &space->v4, err);
        if (r == 0)
            r = put_space(&layout->pool, &plan->vnets[nic->vnet], AF_INET6, &space->v6, err);
    }
    return r;
}

static int layout_build(struct layout *layout, const struct vnl_plan *plan, struct vnl_err **err)
{
    int r = 0;

    *layout = (struct layout){
        .tables = calloc(plan->n_tables + 1, sizeof(*layout->tables)),
        .spaces = calloc(plan->n_vnets + 1, sizeof(*layout->spaces)),
        .policies = calloc(plan->n_nics + 1, sizeof(*layout->policies)),
    };
    if (!layout->tables || !layout->spaces || !layout->policies || put_nothing(&layout->pool) < 0)
        return vnl_fail(err, ENOMEM, "route tables of lab '%s'", plan->lab);
    for (size_t i = 0; i < plan->n_nics && r == 0; i++)
        r = put_for_nic(layout, plan, &plan->nics[i], err);
    return r < 0 ? r : vnl_image_put_policies(&layout->pool, plan, layout->policies, err);
}

/* --- owners --------------------------------------------------------------------------------------------- */

/* IPv4 as ::ffff:a.b.c.d. */
static void owner_addr(const struct vnl_addr *addr, __be32 ret[4])
{
    memset(ret, 0, 4 * sizeof(*ret));
    if (addr->family == AF_INET6) {
        memcpy(ret, addr->bytes, 16);
        return;
    }
    ret[2] = htonl(0xffff);
    memcpy(&ret[3], addr->bytes, 4);
}

static void owners_clear(struct vnl_owner *owners, uint32_t slots)
{
    for (uint32_t i = 0; i < slots; i++)
        owners[i] = (struct vnl_owner){ .vnet = VNL_OWNER_FREE };
}

static bool owner_put(struct vnl_owner *owners, uint32_t slots, const struct vnl_owner *owner)
{
    uint32_t at = vnl_owner_hash(owner->vnet, owner->addr);

    for (uint32_t i = 0; i < VNL_OWNER_PROBES; i++) {
        struct vnl_owner *slot = &owners[(at + i) & (slots - 1)];

        if (slot->vnet != VNL_OWNER_FREE)
            continue;
        *slot = *owner;
        return true;
    }
    return false;
}

/* Fills a table of `slots` elements; false when a key would need more probes than the program makes. */
static bool owners_fill(const struct vnl_plan *plan, struct vnl_owner *owners, uint32_t slots)
{
    owners_clear(owners, slots);
    for (size_t i = 0; i < plan->n_nics; i++)
        for (size_t k = 0; k < plan->nics[i].n_addrs; k++) {
            struct vnl_owner owner = { .vnet = plan->vnets[plan->nics[i].vnet].slot,
                                       .nic = plan->nics[i].slot };

            owner_addr(&plan->nics[i].addrs[k].addr, owner.addr);
            if (!owner_put(owners, slots, &owner))
                return false;
        }
    return true;
}

static int owners_size(const struct vnl_plan *plan, uint32_t *ret, struct vnl_err **err)
{
    struct vnl_owner *owners = NULL, *grown;
    uint32_t slots = VNL_OWNER_PROBES;
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; i < plan->n_nics; i++)
        n += plan->nics[i].n_addrs;
    while (slots < 2 * n)
        slots *= 2;
    for (;; slots *= 2) {
        if (slots > OWNER_SLOTS_MAX) {
            r = vnl_fail(err, E2BIG, "%zu addresses do not fit into a table of %u", n, OWNER_SLOTS_MAX);
            break;
        }
        grown = reallocarray(owners, slots, sizeof(*owners));
        if (!grown) {
            r = vnl_fail(err, ENOMEM, "table of %zu addresses", n);
            break;
        }
        owners = grown;
        if (owners_fill(plan, owners, slots))
            break;
    }
    free(owners);
    if (r == 0)
        *ret = slots;
    return r;
}

/* --- whole ---------------------------------------------------------------------------------------------- */

static uint32_t power_of_two(uint32_t at_least, uint32_t from)
{
    while (from < at_least)
        from *= 2;
    return from;
}

int vnl_image_size(const struct vnl_plan *plan, struct vnl_image_size *ret, struct vnl_err **err)
{
    struct vnl_image_size size = {
        .nic_slots = power_of_two(plan->nic_slots, 16),
        .rule_slots = power_of_two(plan->rule_counters, 16),
    };
    struct layout layout;
    int r;

    if (plan->nic_slots > VNL_NIC_SLOTS_MAX)
        return vnl_fail(err, E2BIG, "%u network interfaces; the tables hold %u", plan->nic_slots,
                        VNL_NIC_SLOTS_MAX);
    if (plan->rule_counters > RULE_SLOTS_MAX)
        return vnl_fail(err, E2BIG, "%u security rules; the tables hold %u", plan->rule_counters,
                        RULE_SLOTS_MAX);
    r = layout_build(&layout, plan, err);
    size.pool_bytes = power_of_two((uint32_t)layout.pool.used, 64);
    layout_done(&layout);
    if (r == 0)
        r = owners_size(plan, &size.owner_slots, err);
    if (r == 0)
        *ret = size;
    return r;
}

static struct vnl_nic_entry nic_entry(const struct vnl_plan *plan, size_t index, const struct layout *layout)
{
    const struct vnl_plan_nic *nic = &plan->nics[index];
    struct vnl_nic_entry entry = {
        .flags = VNL_NIC_LIVE | (nic->ip_forwarding ? VNL_NIC_IP_FORWARDING : 0) |
                 (layout->policies[index] ? VNL_NIC_HAS_NSG : 0),
        .vnet = plan->vnets[nic->vnet].slot,
        .routes4 = layout->tables[nic->table].v4,
        .routes6 = layout->tables[nic->table].v6,
        .space = layout->spaces[nic->vnet].v4,
        .space6 = layout->spaces[nic->vnet].v6,
        .policy = layout->policies[index],
        .flow_timeout_s = plan->vnets[nic->vnet].flow_timeout_s,
    };

    memcpy(entry.mac, nic->mac.bytes, sizeof(entry.mac));
    for (size_t i = nic->n_addrs; i-- > 0;) { /* backwards: the first of a family stays */
        const struct vnl_addr *addr = &nic->addrs[i].addr;

        if (addr->family == AF_INET)
            memcpy(&entry.addr4, addr->bytes, sizeof(entry.addr4));
        else
            memcpy(entry.addr6, addr->bytes, sizeof(entry.addr6));
    }
    return entry;
}

static void take_digest(struct vnl_image *image)
{
    static const uint8_t key[VNL_DIGEST_SIZE] = "vnetlab tables";
    const uint32_t head[] = { VNL_LAYOUT_VERSION,     image->size.nic_slots, image->size.owner_slots,
                              image->size.pool_bytes, image->pool_used,      image->size.rule_slots };

    vnl_digest(key, head, sizeof(head), image->digest);
    vnl_digest(image->digest, image->nics, image->size.nic_slots * sizeof(*image->nics), image->digest);
    vnl_digest(image->digest, image->owners, image->size.owner_slots * sizeof(*image->owners), image->digest);
    vnl_digest(image->digest, image->pool, image->pool_used, image->digest);
    vnl_digest(image->digest, image->rule_ids, image->size.rule_slots * sizeof(*image->rule_ids),
               image->digest);
}

static int image_fill(struct vnl_image *image, const struct vnl_plan *plan, const struct layout *layout,
                      struct vnl_err **err)
{
    const struct vnl_image_size *size = &image->size;

    if (plan->nic_slots > size->nic_slots)
        return vnl_fail(err, E2BIG, "%u network interfaces; the loaded tables hold %u", plan->nic_slots,
                        size->nic_slots);
    if (layout->pool.used > size->pool_bytes)
        return vnl_fail(err, E2BIG, "%zu bytes of routes and rules; the loaded tables hold %u",
                        layout->pool.used, size->pool_bytes);
    if (plan->rule_counters > size->rule_slots)
        return vnl_fail(err, E2BIG, "%u security rules; the loaded tables count for %u", plan->rule_counters,
                        size->rule_slots);
    if (!owners_fill(plan, image->owners, size->owner_slots))
        return vnl_fail(err, E2BIG, "the addresses do not fit into the loaded table of %u",
                        size->owner_slots);
    for (size_t i = 0; i < plan->n_nics; i++)
        image->nics[plan->nics[i].slot] = nic_entry(plan, i, layout);
    memcpy(image->pool, layout->pool.bytes, layout->pool.used);
    image->pool_used = (uint32_t)layout->pool.used;
    vnl_image_rule_ids(plan, image->rule_ids);
    take_digest(image);
    return 0;
}

int vnl_image_build(const struct vnl_plan *plan, const struct vnl_image_size *size, struct vnl_image **ret,
                    struct vnl_err **err)
{
    CLEANUP(vnl_image_free) struct vnl_image *image = calloc(1, sizeof(*image));
    struct layout layout;
    int r;

    if (!image || !(image->nics = calloc(size->nic_slots, sizeof(*image->nics))) ||
        !(image->owners = calloc(size->owner_slots, sizeof(*image->owners))) ||
        !(image->pool = calloc(size->pool_bytes, 1)) ||
        !(image->rule_ids = calloc(size->rule_slots, sizeof(*image->rule_ids))))
        return vnl_fail(err, ENOMEM, "tables of lab '%s'", plan->lab);
    image->size = *size;
    r = layout_build(&layout, plan, err);
    if (r == 0)
        r = image_fill(image, plan, &layout, err);
    layout_done(&layout);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(image);
    return 0;
}

void vnl_image_free(struct vnl_image **ret)
{
    struct vnl_image *image = *ret;

    if (!image)
        return;
    free(image->nics);
    free(image->owners);
    free(image->pool);
    free(image->rule_ids);
    free(image);
    *ret = NULL;
}
