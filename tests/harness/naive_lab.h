/* What becomes of the first packet of a new flow, and of the reply to it, from the model alone: spec sections 0, 2.5, 3, 4 and 6, said once
 * more in the dullest way. Looks at no plan, no table and no program, and shares no code with what makes them: random labs compare all
 * of these with it. */
#ifndef VNETLAB_TESTS_NAIVE_LAB_H
#define VNETLAB_TESTS_NAIVE_LAB_H

#include <stdbool.h>

#include "vnetlab/drop.h"
#include "vnetlab/lab.h"

struct naive_flow {
    const struct vnl_nic *nic; /* sends, from its own address of dst's family */
    struct vnl_addr dst;
    uint8_t proto; /* IPPROTO_ICMP (also for IPv6), IPPROTO_TCP, IPPROTO_UDP */
    uint16_t sport, dport;
};

#define NAIVE_HOPS_MAX 16

struct naive_way {
    enum vnl_drop reason;
    const struct vnl_nic *at; /* where it was decided; the receiver when it passes */
    const char *rule;         /* of NsgInbound and NsgOutbound: which one denied; of the lab, or static */
    /* Who got the packet, one after the other: appliances, and the receiver if it came there. */
    const struct vnl_nic *got[NAIVE_HOPS_MAX];
    size_t n_got;
    bool loops;    /* it comes to a NIC where it has been */
    bool straight; /* of a reply: comes back the way of the packet, so that every NIC knows the flow */
    bool outside;  /* it goes by the internet side */
    bool balanced; /* to the backend of a load balancer */
};

struct naive_exchange {
    struct naive_way there, back; /* back: when the packet arrived */
    bool passes;                  /* both arrive, and the reply comes from where the packet was sent to */
};

/* The lab's internet hosts as NICs that can send. The caller's (free). */
struct naive_hosts;
struct naive_hosts *naive_hosts_new(const struct vnl_lab *lab);
size_t naive_hosts_count(const struct naive_hosts *hosts);
const struct vnl_nic *naive_host(const struct naive_hosts *hosts, size_t i);

/* lab: settled. */
void naive_lab_exchange(const struct vnl_lab *lab, const struct naive_hosts *hosts,
                        const struct naive_flow *flow, struct naive_exchange *ret);

#endif
