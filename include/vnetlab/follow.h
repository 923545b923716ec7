/* Dry runs of the loaded program, hop by hop: where an appliance's guest would send the packet on, the next run begins with the frame as
 * it would send it. What guests do beside forwarding (NAT, firewalls) is not known here. */
#ifndef VNETLAB_FOLLOW_H
#define VNETLAB_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "vnetlab/bpf.h"
#include "vnetlab/verify.h"

struct vnl_plan;

struct vnl_follow {
    enum vnl_drop reason;
    uint32_t
        nic; /* index (plan->nics): where it was dropped, or who got it; VNL_VERIFY_NOBODY: the platform */
    uint32_t rule; /* counter of the last security rule that was asked, or VNL_NO_RULE */
    bool back;     /* about the reply: the packet arrived */
    uint32_t hops; /* guests on the way there */
    bool
        half; /* the reply was not tried: only real packets open the sessions, or flows at other NICs, that it needs */
};

/* query: from a NIC, TCP, UDP or ICMP. UDP: nobody waits for a reply, so only the way there counts. -ENOENT: the tables know a NIC that the
 * plan does not have. */
int vnl_follow(const struct vnl_plan *plan, struct vnl_bpf *bpf, const struct vnl_flow_query *query,
               struct vnl_follow *ret, struct vnl_err **err);
/* Does it depend on what goes on in the lab just now (health of backends, free ports, room for flows), of which the plan knows nothing? */
bool vnl_follow_is_state(enum vnl_drop reason);

#endif
