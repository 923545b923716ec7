#include "world.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

const struct vnl_image_size world_size = { .nic_slots = WORLD_NICS,
                                           .owner_slots = 64,
                                           .pool_bytes = 1 << 18,
                                           .rule_slots = 256,
                                           .flow_slots = 1 << 12,
                                           .parts = VNL_PART_RULES | VNL_PART_SESSIONS };

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

uint32_t world_place(uint32_t vnet)
{
    if (vnet == VNL_INTERNET_SLOT)
        return WORLD_INTERNET;
    return vnet == VNL_SITE_SLOT ? WORLD_SITE : vnet;
}

struct world_prefixes *world_routes(struct world *world, uint32_t vnet)
{
    return &world->routes[world_place(vnet)];
}

static struct world_prefix host_prefix(struct world_addr addr, uint16_t kind, uint32_t at)
{
    return (struct world_prefix){ addr, 32, kind, 0, at };
}

void world_publish(struct world *world, const char *outer, uint32_t nic, const char *inner, uint32_t flags)
{
    struct world_public *public = &world->publics[world->n_publics];

    *public = (struct world_public){ world_addr(inner), world_addr(outer), nic, flags, 600 };
    world_add(&world->routes[WORLD_INTERNET],
              host_prefix(public->outer, VNL_ROUTE_KIND_PUBLIC, world->n_publics++));
}

struct world_balancer *world_balance(struct world *world, uint32_t vnet, const char *frontend, uint32_t flags)
{
    struct world_balancer *balancer = &world->balancers[world->n_balancers];

    *balancer = (struct world_balancer){ .frontend = world_addr(frontend), .vnet = vnet, .flags = flags };
    world_own(world, vnet, frontend, VNL_OWNER_BALANCER | world->n_balancers++);
    return balancer;
}

static void add_nic(struct world *world, unsigned slot, uint32_t vnet, uint32_t flags, const char *addr4,
                    const char *addr6)
{
    struct world_nic *nic = &world->nics[slot];
    const char *addrs[] = { addr4, addr6 };

    nic->flags = flags;
    nic->vnet = vnet;
    nic->routes = world_routes(world, vnet);
    nic->space = &world->space[world_place(vnet)];
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

static void init_site(struct world *world)
{
    struct world_prefix own = world_prefix("192.168.0.0/16", VNL_ROUTE_KIND_VNET, 0, VNL_SITE_SLOT);

    add_nic(world, WORLD_SITE_DEVICE, VNL_SITE_SLOT, VNL_NIC_LIVE | VNL_NIC_GATEWAY, "192.168.0.1", NULL);
    add_nic(world, WORLD_SITE_HOST, VNL_SITE_SLOT, VNL_NIC_LIVE, "192.168.0.10", NULL);
    world_add(&world->space[WORLD_SITE], own);
    world_add(&world->routes[WORLD_SITE], own);
    world_add(&world->routes[WORLD_SITE],
              world_prefix("0.0.0.0/0", VNL_ROUTE_KIND_GATEWAY, 0, WORLD_SITE_DEVICE));
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
    add_nic(world, WORLD_BACKEND, 0, live | VNL_NIC_HAS_SESSIONS, "10.0.0.21", NULL);
    add_nic(world, WORLD_BACKEND_TOO, 0, live | VNL_NIC_HAS_SESSIONS, "10.0.0.22", NULL);
    add_nic(world, WORLD_HOST, VNL_INTERNET_SLOT, live, "203.0.113.80", NULL);
    add_nic(world, WORLD_GATEWAY, 0, live | VNL_NIC_GATEWAY, "10.0.0.30", NULL);
    init_site(world);
    world_add(&world->routes[WORLD_INTERNET],
              world_prefix("0.0.0.0/0", VNL_ROUTE_KIND_VNET, 0, VNL_INTERNET_SLOT));
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
