/* Drop events of the program (layout.h, struct vnl_event) in words. Pure: the packet's head is foreign bytes, cut off anywhere. */
#ifndef VNETLAB_EVENT_H
#define VNETLAB_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/addr.h"
#include "vnetlab/layout.h"

struct vnl_plan;
struct vnl_plan_rule;
struct vnl_plan_rules;

#define VNL_EVENT_TEXT 160

struct vnl_event_packet {
    char proto[24];           /* "tcp", "icmp", "arp", "proto 47", "ethertype 88cc" */
    struct vnl_addr src, dst; /* AF_UNSPEC: not an IP packet, or cut off before them */
    bool has_ports;           /* TCP and UDP, not of a later fragment */
    uint16_t src_port, dst_port;
    char text
        [VNL_EVENT_TEXT]; /* "tcp 10.0.0.4:49152 > 10.1.0.4:80", "icmp 10.0.0.4 > 10.1.0.4 echo request" */
};

void vnl_event_describe(const struct vnl_event *event, struct vnl_event_packet *ret);

/* The security rule that an event or a dry run names by its counter; false when the plan has none of that number. */
bool vnl_event_rule(const struct vnl_plan *plan, uint32_t counter, const struct vnl_plan_rules **ret_rules,
                    const struct vnl_plan_rule **ret_rule);

#endif
