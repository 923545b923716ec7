/* What the parts of the naive evaluator share: naive.c (frames, headers) and naive_way.c (everything behind them). */
#ifndef VNETLAB_TESTS_NAIVE_PARTS_H
#define VNETLAB_TESTS_NAIVE_PARTS_H

#include "naive.h"

struct naive_ip {
    bool v6;
    struct world_addr src, dst;
    int proto;
    int size; /* bytes behind the network headers */
    size_t l4;
    bool fragment;
    int offset;
    int sport, dport; /* TCP, UDP; 0 in later fragments */
};

extern const char *const naive_platform[], *const naive_nowhere[], *const naive_groups[]; /* end with NULL */

bool naive_in(const struct world_addr *addr, const char *cidr);
bool naive_in_any(const struct world_addr *addr, const char *const *cidrs);
bool naive_owns(const struct world_nic *nic, const struct world_addr *addr);
/* The NIC's own, or of a floating frontend that it answers for. */
bool naive_is_own(const struct world *world, uint32_t slot, const struct naive_ip *packet);
struct world_addr naive_addr_at(const struct frame *frame, size_t at, bool v6);

/* From the security rules of the sender to the receiver's guest; of the first packet of whatever it belongs to: there are no flows and
 * no sessions. */
struct naive_verdict naive_way(const struct world *world, uint32_t slot, const struct naive_ip *packet,
                               const struct frame *frame);

#endif
