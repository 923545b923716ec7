/* A small lab as plain tables, from which both sides are fed: the image that the program reads
 * (world_image) and the naive evaluator (naive.h), which walks these tables from top to bottom. */
#ifndef VNETLAB_TESTS_WORLD_H
#define VNETLAB_TESTS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/image.h"
#include "vnetlab/layout.h"
#include "vnetlab/plan.h"

#define WORLD_NICS  16
#define WORLD_ADDRS 4

struct world_addr {
    bool v6;
    uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d */
};

struct world_prefix {
    struct world_addr addr;
    unsigned len; /* of the family */
    uint16_t kind, flags;
    uint32_t vnet; /* APPLIANCE, GATEWAY: NIC; BALANCER, PUBLIC: index in the world's list */
};

struct world_prefixes {
    struct world_prefix *rows;
    size_t n;
};

/* Addresses that NICs share on their way to the internet. */
struct world_outside {
    struct world_addr outer[4];
    size_t n_outer;
    uint32_t flags; /* VNL_OUTSIDE_* */
    uint16_t port_first, n_ports;
    uint32_t tcp_timeout_s, udp_timeout_s;
};

struct world_public {
    struct world_addr inner, outer;
    uint32_t nic, flags, timeout_s;
};

struct world_rule {
    uint8_t proto, distribution;
    bool floating;
    uint16_t frontend_port, backend_port;
    uint32_t health;
    uint64_t health_id;
    uint32_t backends[4]; /* NICs; their first address counts */
    size_t n_backends;
};

struct world_balancer {
    struct world_addr frontend;
    uint32_t vnet, flags;
    struct world_rule rules[4];
    size_t n_rules;
};

struct world_nic {
    uint32_t flags, vnet;
    uint8_t mac[6];
    struct world_addr addrs[WORLD_ADDRS]; /* the first of each family is the primary one */
    size_t n_addrs;
    const struct world_prefixes *routes, *space;
    const struct vnl_plan_rules *rules_nic, *rules_subnet; /* network security groups; NULL = none */
    uint32_t flow_timeout_s;
    const struct world_outside *outside; /* NULL: no internet side */
};

struct world_owner {
    uint32_t vnet;
    struct world_addr addr;
    uint32_t nic;
};

struct world {
    struct world_nic nics[WORLD_NICS];
    struct world_owner *owners;
    size_t n_owners;
    struct world_prefixes routes[8],
        space[8]; /* by VNet; WORLD_INTERNET; WORLD_SITE, of slot VNL_SITE_SLOT */
    struct world_public publics[8];
    size_t n_publics;
    struct world_balancer balancers[4];
    size_t n_balancers;
};
#define WORLD_INTERNET 6
#define WORLD_SITE     7

/* VNets: 0 is ours (10.0.0.0/16, fd00::/48), 1 a peer (10.1, fd00:0:1), 2 whose access our link denies, 3
 * whose link denies ours, 4 whose link denies forwarded traffic. NICs, by slot: */
enum {
    WORLD_VM,        /* 10.0.0.4, fd00::4, and as further addresses 10.0.0.44, fd00::44 */
    WORLD_NEIGHBOR,  /* 10.0.0.5, fd00::5 */
    WORLD_APPLIANCE, /* 10.0.0.6, fd00::6, IP forwarding */
    WORLD_PEER,      /* 10.1.0.4, fd00:0:1::4 */
    WORLD_LOCAL,     /* 10.2.0.4, fd00:0:2::4 */
    WORLD_REMOTE,    /* 10.3.0.4, fd00:0:3::4 */
    WORLD_FORWARDED, /* 10.4.0.4, fd00:0:4::4 */
    WORLD_DEAD,      /* 10.0.0.9, fd00::9, not live */
    WORLD_V4_ONLY,   /* 10.0.0.7 */
    /* The tables say that NIC WORLD_PEER owns 10.0.0.10 and WORLD_FORWARDING_PEER 10.0.0.11, addresses of
     * VNet 0. */
    WORLD_FORWARDING_PEER, /* 10.1.0.6, IP forwarding */
    WORLD_BACKEND,         /* 10.0.0.21 */
    WORLD_BACKEND_TOO,     /* 10.0.0.22 */
    WORLD_HOST,            /* on the internet, 203.0.113.80 */
    WORLD_GATEWAY,         /* 10.0.0.30, a VPN gateway's leg */
    WORLD_SITE_DEVICE,     /* 192.168.0.1, the same in a site */
    WORLD_SITE_HOST,       /* 192.168.0.10 */
    WORLD_SENDERS
};

void world_init(struct world *world);
void world_done(struct world *world);

struct world_addr world_addr(const char *text);
struct world_prefix world_prefix(const char *cidr, uint16_t kind, uint16_t flags, uint32_t vnet);
void world_add(struct world_prefixes *list, struct world_prefix row);
/* Also puts it into the internet's routes. */
void world_publish(struct world *world, const char *outer, uint32_t nic, const char *inner, uint32_t flags);
/* Without rules. Owns its frontend address. */
struct world_balancer *world_balance(struct world *world, uint32_t vnet, const char *frontend,
                                     uint32_t flags);
/* The place of a VNet's slot in routes and space. */
uint32_t world_place(uint32_t vnet);
/* The table of a VNet's slot. */
struct world_prefixes *world_routes(struct world *world, uint32_t vnet);
void world_own(struct world *world, uint32_t vnet, const char *addr, uint32_t nic);

/* The tables as image of just that size; the caller's, vnl_image_free. The digest is `digest` repeated. */
struct vnl_image *world_image(const struct world *world, const struct vnl_image_size *size, uint8_t digest);
extern const struct vnl_image_size world_size;

#endif
