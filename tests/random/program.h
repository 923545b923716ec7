/* What the loaded program says about a packet, guest by guest: dry runs, and what a guest does in between. */
#ifndef VNETLAB_TESTS_PROGRAM_H
#define VNETLAB_TESTS_PROGRAM_H

#include "vnetlab/bpf.h"
#include "vnetlab/probe.h"

#include "play.h"

struct program_way {
    enum vnl_drop reason;
    uint32_t slot;   /* where it was decided; the receiver's when it passes */
    size_t forwards; /* guests that sent it on */
};

/* flow->nic sends, from `src`. A packet that comes to a guest for the second time is a RoutingLoop. */
int program_way(const struct play *play, enum vnl_what_if how, const struct naive_flow *flow,
                const struct vnl_addr *src, struct program_way *ret, struct vnl_err **err);

#endif
