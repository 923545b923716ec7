/* The whole decision once more, from spec section 0 and layout.h's comments, in the dullest way: bytes and
 * tables walked from top to bottom. Shares no code and no table format with the program. */
#ifndef VNETLAB_TESTS_NAIVE_H
#define VNETLAB_TESTS_NAIVE_H

#include "frames.h"
#include "world.h"

struct naive_verdict {
    enum vnl_drop reason;
    uint32_t slot; /* where it was decided */
    uint32_t out;  /* when reason is NONE and not answered */
    bool answered;
    /* As it arrives, ports of TCP and UDP only. */
    struct world_addr src, dst;
    uint16_t sport, dport;
};

struct naive_verdict naive_decide(const struct world *world, uint32_t slot, const struct frame *frame);
/* The route by which the list carries the address; kind NONE when none does. */
struct world_prefix naive_route(const struct world_prefixes *list, const struct world_addr *addr);

#endif
