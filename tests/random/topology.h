/* Random labs as small tables that can be changed, cut down and printed as a lab file. Nothing moves when something else is dropped:
 * names, prefixes and addresses follow from the position in the table. */
#ifndef VNETLAB_TESTS_TOPOLOGY_H
#define VNETLAB_TESTS_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOPOLOGY_VNETS   4
#define TOPOLOGY_SUBNETS 10
#define TOPOLOGY_VMS     7
#define TOPOLOGY_NSGS    5
#define TOPOLOGY_RULES   8 /* of each NSG */
#define TOPOLOGY_ASGS    3
#define TOPOLOGY_TABLES  3
#define TOPOLOGY_ROUTES  6 /* of each table */
#define TOPOLOGY_LINKS   (TOPOLOGY_VNETS * TOPOLOGY_VNETS)

enum topology_state {
    TOPOLOGY_NEVER, /* not there */
    TOPOLOGY_THERE,
    TOPOLOGY_GONE, /* was there: a deleted link leaves its twin Disconnected, so it cannot come back */
};

struct topology_side {
    char addr[96]; /* "*", a prefix, a tag, or a list in brackets; empty: `asg` */
    int asg;
    char ports[40]; /* "*", or as above */
};

struct topology_rule {
    enum topology_state state;
    int priority;
    bool inbound, allow;
    const char *proto;
    struct topology_side source, destination;
};

enum topology_hop {
    TOPOLOGY_HOP_APPLIANCE,
    TOPOLOGY_HOP_LOCAL,
    TOPOLOGY_HOP_INTERNET,
    TOPOLOGY_HOP_GATEWAY,
    TOPOLOGY_HOP_NONE,
    TOPOLOGY_HOP_MAX
};

struct topology_route {
    enum topology_state state;
    char prefix[64];
    bool v6;
    enum topology_hop hop;
    int vm; /* of the appliance; -1: an address that nobody has, -2: the frontend of the balancer */
};

/* What can be left out of a lab. */
enum topology_feature {
    TOPOLOGY_RULES_TOO = 1,
    TOPOLOGY_ROUTES_TOO = 2,
    TOPOLOGY_IPV6_TOO = 4,
    TOPOLOGY_INTERNET_TOO = 8,
    TOPOLOGY_BALANCER_TOO = 16,
    TOPOLOGY_ALL = 31,
};

struct topology {
    unsigned features;
    enum topology_state internet; /* with a host; all that is public stands on it */
    bool open;                    /* few groups, many links: packets get far */
    bool forwarded_tag_only;      /* semantics.peeringForwarded */
    bool tag_only;                /* semantics.peeringAccess */
    struct {
        enum topology_state state;
        bool is_public; /* 20.N.0.0/16, not 10.N.0.0/16 */
        bool dual;      /* and fd00:N::/48 */
        bool
            second; /* and 10.10N.0.0/16, with the last subnet in it; added to a running lab, its peers do not know */
        bool timeout; /* flowTimeoutInMinutes is set */
    } vnets[TOPOLOGY_VNETS];
    struct {
        enum topology_state state;
        int vnet, nsg, table; /* -1 = none */
        bool second;
        bool nat, is_private; /* its VNet's NAT gateway; defaultOutboundAccess: false */
    } subnets[TOPOLOGY_SUBNETS];
    struct {
        enum topology_state state;
        int subnet, nsg;
        unsigned asgs;                     /* a bit for each */
        bool nic_forwards, guest_forwards; /* enableIPForwarding, ipForward */
        bool is_public, basic;             /* has a public IP */
    } vms[TOPOLOGY_VMS];
    struct {
        enum topology_state state;
        struct topology_rule rules[TOPOLOGY_RULES];
    } nsgs[TOPOLOGY_NSGS];
    struct {
        enum topology_state state;
        int vnet;
    } asgs[TOPOLOGY_ASGS];
    struct {
        enum topology_state state;
        int vm; /* its one backend; the frontend is in the same subnet */
        bool basic, all_ports;
    } balancer;
    struct {
        enum topology_state state;
        bool no_bgp;
        struct topology_route routes[TOPOLOGY_ROUTES];
    } tables[TOPOLOGY_TABLES];
    struct {
        enum topology_state state;
        bool access, forwarded;
    } links[TOPOLOGY_LINKS]; /* from * TOPOLOGY_VNETS + to */
};

uint64_t topology_random(uint64_t *seed);

void topology_make(struct topology *topology, unsigned features, uint64_t *seed);
const char *topology_hop_str(enum topology_hop hop);
/* One change that a running lab can take. */
void topology_change(struct topology *topology, uint64_t *seed);

/* The lab file; the caller's. */
char *topology_print(const struct topology *topology, const char *name);

/* Drops the i-th thing that can be dropped, with what hangs on it. false: there are not so many; *ret_done: it was there. */
bool topology_drop(struct topology *topology, size_t i, bool *ret_done);

#endif
