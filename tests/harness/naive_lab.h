/* What becomes of the first packet of a new flow, from the model alone: spec sections 0, 2.5, 3 and 4.1 to 4.5, said once more in the
 * dullest way. Looks at no plan, no table and no program, and shares no code with what makes them: random labs compare all of these
 * with it. */
#ifndef VNETLAB_TESTS_NAIVE_LAB_H
#define VNETLAB_TESTS_NAIVE_LAB_H

#include "vnetlab/drop.h"
#include "vnetlab/lab.h"

struct naive_flow {
    const struct vnl_nic *nic; /* sends, from its own address of dst's family */
    struct vnl_addr dst;
    uint8_t proto; /* IPPROTO_ICMP (also for IPv6), IPPROTO_TCP, IPPROTO_UDP */
    uint16_t sport, dport;
};

struct naive_way {
    enum vnl_drop reason;
    const struct vnl_nic *at; /* where it was decided; the receiver when it passes */
    const char *rule;         /* of NsgInbound and NsgOutbound: which one denied; of the lab, or static */
};

/* lab: settled. */
struct naive_way naive_lab_forward(const struct vnl_lab *lab, const struct naive_flow *flow);
/* The reply to a flow that arrived at `to`: rules are not asked, routes are. */
struct naive_way naive_lab_reply(const struct vnl_lab *lab, const struct naive_flow *flow,
                                 const struct vnl_nic *to);

#endif
