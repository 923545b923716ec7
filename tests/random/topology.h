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

struct topology {
    bool tag_only; /* semantics.peeringAccess */
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
        int vnet, nsg; /* nsg: -1 = none */
        bool second;
    } subnets[TOPOLOGY_SUBNETS];
    struct {
        enum topology_state state;
        int subnet, nsg;
        unsigned asgs; /* a bit for each */
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
        bool access, forwarded;
    } links[TOPOLOGY_LINKS]; /* from * TOPOLOGY_VNETS + to */
};

uint64_t topology_random(uint64_t *seed);

void topology_make(struct topology *topology, uint64_t *seed);
/* One change that a running lab can take. */
void topology_change(struct topology *topology, uint64_t *seed);

/* The lab file; the caller's. */
char *topology_print(const struct topology *topology, const char *name);

/* Drops the i-th thing that can be dropped, with what hangs on it. false: there are not so many; *ret_done: it was there. */
bool topology_drop(struct topology *topology, size_t i, bool *ret_done);

#endif
