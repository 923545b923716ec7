/* Which security rule decides, in the dullest way: from spec 3.1 and 3.3, one rule after the other, address bits one by one. Shares no
 * code with the classifier and its compiler. */
#ifndef VNETLAB_TESTS_NAIVE_RULES_H
#define VNETLAB_TESTS_NAIVE_RULES_H

#include "vnetlab/plan.h"

/* What rules see of a packet. */
struct naive_packet {
    struct vnl_addr src, dst;
    uint8_t proto; /* IP protocol; ICMPv6 is 58 */
    uint16_t src_port, dst_port;
};

/* Place of the first rule of the direction that matches, or -1. */
int naive_rule(const struct vnl_plan_rules *rules, bool inbound, const struct naive_packet *packet);

#endif
