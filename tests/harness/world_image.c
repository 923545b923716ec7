#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/classifier.h"
#include "world.h"

typedef unsigned __int128 wide;

static wide number(const struct world_addr *addr)
{
    wide n = 0;

    for (int i = addr->v6 ? 0 : 12; i < 16; i++)
        n = n << 8 | addr->ip[i];
    return n;
}

static unsigned bits(bool v6)
{
    return v6 ? 128 : 32;
}

static wide host_mask(const struct world_prefix *row)
{
    unsigned host = bits(row->addr.v6) - row->len;

    return host == 128 ? ~(wide)0 : ((wide)1 << host) - 1;
}

static const struct world_prefix *longest(const struct world_prefixes *list, bool v6, wide addr)
{
    const struct world_prefix *best = NULL;

    for (size_t i = 0; i < list->n; i++) {
        const struct world_prefix *row = &list->rows[i];

        if (row->addr.v6 == v6 && (addr & ~host_mask(row)) == number(&row->addr) &&
            (!best || row->len > best->len))
            best = row;
    }
    return best;
}

static int number_cmp(const void *a, const void *b)
{
    wide x = *(const wide *)a, y = *(const wide *)b;

    return x < y ? -1 : x > y;
}

/* Everywhere where the answer can change. */
static size_t edges(const struct world_prefixes *list, bool v6, wide *ret)
{
    size_t n = 0, kept = 0;

    ret[n++] = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (list->rows[i].addr.v6 != v6)
            continue;
        ret[n++] = number(&list->rows[i].addr);
        if ((number(&list->rows[i].addr) | host_mask(&list->rows[i])) != (v6 ? ~(wide)0 : UINT32_MAX))
            ret[n++] = (number(&list->rows[i].addr) | host_mask(&list->rows[i])) + 1;
    }
    qsort(ret, n, sizeof(*ret), number_cmp);
    for (size_t i = 0; i < n; i++) {
        if (!kept || ret[kept - 1] != ret[i])
            ret[kept++] = ret[i];
    }
    return kept;
}

static uint32_t take(struct vnl_image *image, size_t bytes)
{
    uint32_t at = image->pool_used;

    image->pool_used += (bytes + 7) & ~7u;
    assert(image->pool_used <= image->size.pool_bytes);
    return at;
}

static void put_start(struct vnl_image *image, uint32_t at, size_t i, bool v6, wide start)
{
    if (v6) {
        uint64_t halves[2] = { start >> 64, start };

        memcpy(image->pool + at + 16 * i, halves, sizeof(halves));
    } else {
        uint32_t word = start;

        memcpy(image->pool + at + 4 * i, &word, sizeof(word));
    }
}

/* Where the things lie that routes and owners point to. */
struct places {
    uint32_t publics;
    uint32_t balancers[4];
    uint32_t routes[8][4];
};

static uint32_t put(struct vnl_image *image, const void *bytes, size_t size)
{
    uint32_t at = take(image, size);

    if (size)
        memcpy(image->pool + at, bytes, size);
    return at;
}

static uint32_t v4(const struct world_addr *addr)
{
    uint32_t word;

    memcpy(&word, addr->ip + 12, sizeof(word));
    return word;
}

static uint32_t route_target(const struct world_prefix *row, const struct places *places)
{
    switch (row->kind) {
    case VNL_ROUTE_KIND_PUBLIC:
        return places->publics + row->vnet * sizeof(struct vnl_public);
    case VNL_ROUTE_KIND_BALANCER:
        return places->balancers[row->vnet];
    }
    return row->vnet;
}

/* One route entry per range: simple, and allowed. */
static uint32_t put_routes(struct vnl_image *image, const struct world_prefixes *list,
                           const struct places *places, bool v6)
{
    wide *starts = calloc(2 * list->n + 1, sizeof(*starts));
    size_t n = edges(list, v6, starts);
    uint32_t at = take(image, sizeof(struct vnl_route_image));
    struct vnl_route_image head = { .n_ranges = n };

    head.start = take(image, n * (v6 ? 16 : 4));
    head.index = take(image, n * 2);
    head.route = take(image, n * sizeof(struct vnl_route_entry));
    memcpy(image->pool + at, &head, sizeof(head));
    for (size_t i = 0; i < n; i++) {
        const struct world_prefix *row = longest(list, v6, starts[i]);
        struct vnl_route_entry entry = { row ? row->kind : VNL_ROUTE_KIND_NONE,
                                         row ? row->flags : 0,
                                         { row ? route_target(row, places) : 0 } };
        uint16_t index = i;

        put_start(image, head.start, i, v6, starts[i]);
        memcpy(image->pool + head.index + 2 * i, &index, sizeof(index));
        memcpy(image->pool + head.route + sizeof(entry) * i, &entry, sizeof(entry));
    }
    free(starts);
    return at;
}

static struct vnl_public public_entry(const struct world_public *public)
{
    return (struct vnl_public){ v4(&public->inner), v4(&public->outer), public->nic,
                                public->flags,      public->timeout_s,  0 };
}

static uint32_t put_publics(struct vnl_image *image, const struct world *world, uint32_t nic, uint32_t *ret_n)
{
    struct vnl_public entries[8];
    uint32_t n = 0;

    for (size_t i = 0; i < world->n_publics; i++) {
        if (nic == UINT32_MAX || world->publics[i].nic == nic)
            entries[n++] = public_entry(&world->publics[i]);
    }
    *ret_n = n;
    return put(image, entries, n * sizeof(entries[0]));
}

static uint32_t put_outside(struct vnl_image *image, const struct world *world, uint32_t nic,
                            const struct places *places)
{
    const struct world_outside *from = world->nics[nic].outside;
    struct vnl_outside outside = { .internet = places->routes[WORLD_INTERNET][0] };
    uint32_t outer[4];

    if (!from)
        return 0;
    for (size_t i = 0; i < from->n_outer; i++)
        outer[i] = v4(&from->outer[i]);
    outside.publics = put_publics(image, world, nic, &outside.n_publics);
    outside.flags = from->flags;
    outside.outer = put(image, outer, from->n_outer * sizeof(outer[0]));
    outside.n_outer = from->n_outer;
    outside.port_first = from->port_first;
    outside.n_ports = from->n_ports;
    outside.tcp_timeout_s = from->tcp_timeout_s;
    outside.udp_timeout_s = from->udp_timeout_s;
    return put(image, &outside, sizeof(outside));
}

static struct vnl_balancer_rule put_rule(struct vnl_image *image, const struct world *world,
                                         const struct world_rule *from)
{
    struct vnl_backend backends[4];
    struct vnl_balancer_rule rule = { .proto = from->proto,
                                      .distribution = from->distribution,
                                      .floating = from->floating,
                                      .frontend_port = from->frontend_port,
                                      .backend_port = from->backend_port,
                                      .health = from->health,
                                      .n_backends = from->n_backends,
                                      .timeout_s = 300,
                                      .health_id = from->health_id };

    for (size_t i = 0; i < from->n_backends; i++)
        backends[i] = (struct vnl_backend){ v4(&world->nics[from->backends[i]].addrs[0]), from->backends[i] };
    rule.backends = put(image, backends, from->n_backends * sizeof(backends[0]));
    return rule;
}

static uint32_t put_balancer(struct vnl_image *image, const struct world *world,
                             const struct world_balancer *from)
{
    struct vnl_balancer_rule rules[4];
    struct vnl_balancer balancer = {
        .frontend = v4(&from->frontend), .vnet = from->vnet, .flags = from->flags, .n_rules = from->n_rules
    };

    for (size_t i = 0; i < from->n_rules; i++)
        rules[i] = put_rule(image, world, &from->rules[i]);
    balancer.rules = put(image, rules, from->n_rules * sizeof(rules[0]));
    return put(image, &balancer, sizeof(balancer));
}

static void put_places(struct vnl_image *image, const struct world *world, struct places *places)
{
    uint32_t n;

    places->publics = put_publics(image, world, UINT32_MAX, &n);
    for (size_t i = 0; i < world->n_balancers; i++)
        places->balancers[i] = put_balancer(image, world, &world->balancers[i]);
    for (int i = 0; i < 8; i++) {
        for (int v6 = 0; v6 < 2; v6++) {
            places->routes[i][v6] = put_routes(image, &world->routes[i], places, v6);
            places->routes[i][2 + v6] = put_routes(image, &world->space[i], places, v6);
        }
    }
}

static void put_owner(struct vnl_image *image, const struct world_owner *owner, const struct places *places)
{
    struct vnl_owner entry = { .vnet = owner->vnet, .nic = owner->nic };
    uint32_t hash, mask = image->size.owner_slots - 1;

    if (entry.nic & VNL_OWNER_BALANCER)
        entry.nic = VNL_OWNER_BALANCER | places->balancers[entry.nic & ~VNL_OWNER_BALANCER] / 8;

    memcpy(entry.addr, owner->addr.ip, 16);
    hash = vnl_owner_hash(entry.vnet, entry.addr);
    for (uint32_t i = 0; i < VNL_OWNER_PROBES; i++) {
        struct vnl_owner *slot = &image->owners[(hash + i) & mask];

        if (slot->vnet != VNL_OWNER_FREE)
            continue;
        *slot = entry;
        return;
    }
    assert(!"the owner table is too small");
}

static uint32_t put_classifier(struct vnl_image *image, const struct vnl_plan_rules *rules, bool inbound)
{
    uint32_t at = image->pool_used;
    void *bytes;
    size_t size;
    int r;

    if (!rules)
        return 0;
    r = vnl_classifier_build(rules, inbound, at, &bytes, &size, NULL);
    assert(r == 0);
    (void)r;
    take(image, size);
    memcpy(image->pool + at, bytes, size);
    free(bytes);
    return at;
}

static uint32_t put_policy(struct vnl_image *image, const struct world_nic *nic)
{
    uint32_t at;
    struct vnl_nic_policy policy = {
        .out_nic = put_classifier(image, nic->rules_nic, false),
        .out_subnet = put_classifier(image, nic->rules_subnet, false),
        .in_subnet = put_classifier(image, nic->rules_subnet, true),
        .in_nic = put_classifier(image, nic->rules_nic, true),
    };

    if (!nic->rules_nic && !nic->rules_subnet)
        return 0;
    at = take(image, sizeof(policy));
    memcpy(image->pool + at, &policy, sizeof(policy));
    return at;
}

static void put_nic(struct vnl_image *image, unsigned slot, const struct world_nic *nic,
                    const uint32_t offsets[4], uint32_t outside)
{
    struct vnl_nic_entry *entry = &image->nics[slot];

    *entry = (struct vnl_nic_entry){ .flags = nic->flags,
                                     .vnet = nic->vnet,
                                     .routes4 = offsets[0],
                                     .routes6 = offsets[1],
                                     .space = offsets[2],
                                     .space6 = offsets[3],
                                     .policy = put_policy(image, nic),
                                     .flow_timeout_s = nic->flow_timeout_s,
                                     .outside = outside };
    if (entry->policy)
        entry->flags |= VNL_NIC_HAS_NSG;
    memcpy(entry->mac, nic->mac, 6);
    for (size_t i = nic->n_addrs; i-- > 0;) { /* the first of a family wins */
        if (nic->addrs[i].v6)
            memcpy(entry->addr6, nic->addrs[i].ip, 16);
        else
            memcpy(&entry->addr4, nic->addrs[i].ip + 12, 4);
    }
}

struct vnl_image *world_image(const struct world *world, const struct vnl_image_size *size, uint8_t digest)
{
    struct vnl_image *image = calloc(1, sizeof(*image));
    struct places places;

    assert(image);
    image->size = *size;
    image->nics = calloc(size->nic_slots, sizeof(*image->nics));
    image->owners = calloc(size->owner_slots, sizeof(*image->owners));
    image->pool = calloc(1, size->pool_bytes);
    assert(image->nics && image->owners && image->pool);
    memset(image->digest, digest, sizeof(image->digest));
    image->pool_used =
        64; /* what every offset of a zeroed NIC points to: an image of no ranges and kind NONE */
    for (size_t i = 0; i < size->owner_slots; i++)
        image->owners[i].vnet = VNL_OWNER_FREE;
    put_places(image, world, &places);
    for (size_t i = 0; i < world->n_owners; i++)
        put_owner(image, &world->owners[i], &places);
    for (unsigned i = 0; i < WORLD_NICS; i++)
        put_nic(image, i, &world->nics[i], places.routes[world_place(world->nics[i].vnet)],
                put_outside(image, world, i, &places));
    return image;
}
