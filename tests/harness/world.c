#include "world.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "vnetlab/classifier.h"

typedef unsigned __int128 wide;

const struct vnl_image_size world_size = { .nic_slots = WORLD_NICS,
                                           .owner_slots = 64,
                                           .pool_bytes = 1 << 18,
                                           .rule_slots = 256,
                                           .flow_slots = 1 << 12 };

struct world_addr world_addr(const char *text)
{
    struct world_addr addr = { .v6 = strchr(text, ':') };
    uint8_t *to = addr.v6 ? addr.ip : addr.ip + 12;
    int ok = inet_pton(addr.v6 ? AF_INET6 : AF_INET, text, to);

    assert(ok == 1);
    (void)ok;
    if (!addr.v6)
        addr.ip[10] = addr.ip[11] = 0xff;
    return addr;
}

struct world_prefix world_prefix(const char *cidr, uint16_t kind, uint16_t flags, uint32_t vnet)
{
    char text[64];
    char *slash;

    strcpy(text, cidr);
    slash = strchr(text, '/');
    *slash = '\0';
    return (struct world_prefix){ world_addr(text), atoi(slash + 1), kind, flags, vnet };
}

void world_add(struct world_prefixes *list, struct world_prefix row)
{
    list->rows = realloc(list->rows, (list->n + 1) * sizeof(row));
    assert(list->rows);
    list->rows[list->n++] = row;
}

void world_own(struct world *world, uint32_t vnet, const char *addr, uint32_t nic)
{
    world->owners = realloc(world->owners, (world->n_owners + 1) * sizeof(*world->owners));
    assert(world->owners);
    world->owners[world->n_owners++] = (struct world_owner){ vnet, world_addr(addr), nic };
}

static void add_nic(struct world *world, unsigned slot, uint32_t vnet, uint32_t flags, const char *addr4,
                    const char *addr6)
{
    struct world_nic *nic = &world->nics[slot];
    const char *addrs[] = { addr4, addr6 };

    nic->flags = flags;
    nic->vnet = vnet;
    nic->routes = &world->routes[vnet];
    nic->space = &world->space[vnet];
    nic->flow_timeout_s = 240;
    frame_mac(slot, nic->mac);
    for (int i = 0; i < 2; i++) {
        if (!addrs[i])
            continue;
        nic->addrs[nic->n_addrs++] = world_addr(addrs[i]);
        world_own(world, vnet, addrs[i], slot);
    }
}

static const struct {
    const char *cidr;
    uint32_t vnet;
    uint16_t flags; /* of the route from VNet 0 */
} spaces[] = {
    { "10.0.0.0/16", 0, 0 },
    { "fd00::/48", 0, 0 },
    { "10.1.0.0/16", 1, 0 },
    { "fd00:0:1::/48", 1, 0 },
    { "10.2.0.0/16", 2, VNL_ROUTE_DENY_ACCESS_LOCAL },
    { "fd00:0:2::/48", 2, VNL_ROUTE_DENY_ACCESS_LOCAL },
    { "10.3.0.0/16", 3, VNL_ROUTE_DENY_ACCESS_REMOTE },
    { "fd00:0:3::/48", 3, VNL_ROUTE_DENY_ACCESS_REMOTE },
    { "10.4.0.0/16", 4, VNL_ROUTE_DENY_FORWARDED },
    { "fd00:0:4::/48", 4, VNL_ROUTE_DENY_FORWARDED },
};

static void init_routes(struct world *world)
{
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        uint32_t vnet = spaces[i].vnet;
        struct world_prefix own = world_prefix(spaces[i].cidr, VNL_ROUTE_KIND_VNET, 0, vnet);

        world_add(&world->space[vnet], own);
        if (vnet)
            world_add(&world->routes[vnet], own);
        own.flags = spaces[i].flags;
        world_add(&world->routes[0], own);
    }
    world_add(&world->routes[0], world_prefix("10.0.0.0/8", VNL_ROUTE_KIND_NONE, 0, 0));
    world_add(&world->routes[0], world_prefix("0.0.0.0/0", VNL_ROUTE_KIND_INTERNET, 0, 0));
    world_add(&world->routes[0], world_prefix("::/0", VNL_ROUTE_KIND_INTERNET, 0, 0));
    world_add(&world->routes[0], world_prefix("fd00::/16", VNL_ROUTE_KIND_NONE, 0, 0));
    /* Longer than the peering's: a hole in it. */
    world_add(&world->routes[0], world_prefix("10.1.9.0/24", VNL_ROUTE_KIND_NONE, 0, 0));
    world_add(&world->routes[0], world_prefix("fd00:0:1:9::/64", VNL_ROUTE_KIND_NONE, 0, 0));
    /* The peer knows the way back. */
    world_add(&world->routes[1], world_prefix("10.0.0.0/16", VNL_ROUTE_KIND_VNET, 0, 0));
    world_add(&world->routes[1], world_prefix("fd00::/48", VNL_ROUTE_KIND_VNET, 0, 0));
}

void world_init(struct world *world)
{
    const uint32_t live = VNL_NIC_LIVE, forwards = VNL_NIC_LIVE | VNL_NIC_IP_FORWARDING;

    memset(world, 0, sizeof(*world));
    init_routes(world);
    add_nic(world, WORLD_VM, 0, live, "10.0.0.4", "fd00::4");
    add_nic(world, WORLD_VM, 0, live, "10.0.0.44", "fd00::44");
    add_nic(world, WORLD_NEIGHBOR, 0, live, "10.0.0.5", "fd00::5");
    add_nic(world, WORLD_APPLIANCE, 0, forwards, "10.0.0.6", "fd00::6");
    add_nic(world, WORLD_PEER, 1, live, "10.1.0.4", "fd00:0:1::4");
    add_nic(world, WORLD_LOCAL, 2, live, "10.2.0.4", "fd00:0:2::4");
    add_nic(world, WORLD_REMOTE, 3, live, "10.3.0.4", "fd00:0:3::4");
    add_nic(world, WORLD_FORWARDED, 4, live, "10.4.0.4", "fd00:0:4::4");
    add_nic(world, WORLD_DEAD, 0, 0, "10.0.0.9", "fd00::9");
    add_nic(world, WORLD_V4_ONLY, 0, live, "10.0.0.7", NULL);
    add_nic(world, WORLD_FORWARDING_PEER, 1, forwards, "10.1.0.6", "fd00:0:1::6");
    world_own(world, 0, "10.0.0.10", WORLD_PEER);
    world_own(world, 0, "10.0.0.11", WORLD_FORWARDING_PEER);
    world_own(world, 0, "fd00::10", WORLD_PEER);
}

void world_done(struct world *world)
{
    free(world->owners);
    for (int i = 0; i < 8; i++) {
        free(world->routes[i].rows);
        free(world->space[i].rows);
    }
}

/* --- image ---------------------------------------------------------------------------------------------- */

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

/* One route entry per range: simple, and allowed. */
static uint32_t put_routes(struct vnl_image *image, const struct world_prefixes *list, bool v6)
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
        struct vnl_route_entry entry = { row ? row->kind : VNL_ROUTE_KIND_NONE, row ? row->flags : 0,
                                         row ? row->vnet : 0 };
        uint16_t index = i;

        put_start(image, head.start, i, v6, starts[i]);
        memcpy(image->pool + head.index + 2 * i, &index, sizeof(index));
        memcpy(image->pool + head.route + sizeof(entry) * i, &entry, sizeof(entry));
    }
    free(starts);
    return at;
}

static void put_owner(struct vnl_image *image, const struct world_owner *owner)
{
    struct vnl_owner entry = { .vnet = owner->vnet, .nic = owner->nic };
    uint32_t hash, mask = image->size.owner_slots - 1;

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
                    const uint32_t offsets[4])
{
    struct vnl_nic_entry *entry = &image->nics[slot];

    *entry = (struct vnl_nic_entry){ .flags = nic->flags,
                                     .vnet = nic->vnet,
                                     .routes4 = offsets[0],
                                     .routes6 = offsets[1],
                                     .space = offsets[2],
                                     .space6 = offsets[3],
                                     .policy = put_policy(image, nic),
                                     .flow_timeout_s = nic->flow_timeout_s };
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
    uint32_t offsets[8][4];

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
    for (int i = 0; i < 8; i++) {
        for (int v6 = 0; v6 < 2; v6++) {
            offsets[i][v6] = put_routes(image, &world->routes[i], v6);
            offsets[i][2 + v6] = put_routes(image, &world->space[i], v6);
        }
    }
    for (size_t i = 0; i < world->n_owners; i++)
        put_owner(image, &world->owners[i]);
    for (unsigned i = 0; i < WORLD_NICS; i++)
        put_nic(image, i, &world->nics[i], offsets[world->nics[i].vnet]);
    return image;
}
