/* What the naive evaluator of whole labs (naive_lab.h) is made of. */
#ifndef VNETLAB_TESTS_NAIVE_LAB_PARTS_H
#define VNETLAB_TESTS_NAIVE_LAB_PARTS_H

#include <stdbool.h>

#include "naive_lab.h"

/* --- addresses and links ----------------------------------------------------------------------------------------------- */

bool naive_inside(const struct vnl_prefix *prefix, const struct vnl_addr *addr);
bool naive_inside_any(const struct vnl_prefix *prefixes, size_t n, const struct vnl_addr *addr);
bool naive_nic_owns(const struct vnl_nic *nic, const struct vnl_addr *addr);
const struct vnl_addr *naive_source_of(const struct vnl_nic *nic, uint16_t family);
const struct vnl_nic *naive_owner_of(const struct vnl_lab *lab, const struct vnl_vnet *vnet,
                                     const struct vnl_addr *addr);
/* Connected, or NULL. */
const struct vnl_peering *naive_link_between(const struct vnl_vnet *from, const struct vnl_vnet *to);
/* The prefix of the link, in force there, that has the address. */
const struct vnl_prefix *naive_link_prefix(const struct vnl_peering *link, const struct vnl_addr *addr);

/* --- rules --------------------------------------------------------------------------------------------------------------- */

struct naive_judgement {
    bool allow;
    const char *rule;
};

/* What the group says at a NIC of the subnet; flow->nic is not looked at. Spec 3.3. */
struct naive_judgement naive_judge(const struct vnl_nsg *nsg, const struct vnl_subnet *subnet,
                                   enum vnl_direction direction, const struct naive_flow *flow,
                                   const struct vnl_addr *src);

/* --- load balancers ------------------------------------------------------------------------------------------------------ */

struct naive_frontend {
    const struct vnl_lb *lb;
    const struct vnl_lb_frontend *frontend; /* NULL: none */
};

bool naive_frontend_at(const struct vnl_lab *lab, const struct vnl_vnet *vnet, const struct vnl_addr *addr,
                       struct naive_frontend *ret);
/* The frontend is the next hop: who gets the packet as it is. */
enum vnl_drop naive_balance_hop(const struct naive_frontend *at, const struct naive_flow *flow,
                                const struct vnl_nic **ret);
/* The frontend is the destination: the flow goes to the backend then. */
enum vnl_drop naive_balance_service(const struct naive_frontend *at, struct naive_flow *flow,
                                    const struct vnl_nic **ret);

/* --- routes -------------------------------------------------------------------------------------------------------------- */

struct naive_hop {
    int len; /* of the prefix; -1: none has the destination */
    enum vnl_drop reason;
    const struct vnl_vnet *to;       /* delivers to who owns the destination there */
    const struct vnl_nic *appliance; /* delivers to this NIC instead */
    struct naive_frontend balancer;  /* or to one behind this frontend */
    bool outside;                    /* leaves for the internet */
};

struct naive_hop naive_next_hop(const struct vnl_lab *lab, const struct vnl_subnet *subnet,
                                const struct vnl_addr *dst);

/* --- the internet side --------------------------------------------------------------------------------------------------- */

bool naive_is_host(const struct vnl_nic *nic);
/* A new flow leaves: what its source becomes. */
enum vnl_drop naive_leave(const struct vnl_nic *nic, uint8_t proto, struct vnl_addr *src, uint16_t *sport);
/* Who gets what comes there and nobody has asked for; dst becomes the private address. */
enum vnl_drop naive_enter(const struct vnl_lab *lab, const struct naive_hosts *hosts, struct vnl_addr *dst,
                          const struct vnl_nic **ret);

#endif
