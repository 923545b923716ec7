/* What the program remembers of one packet beside struct vnl_pkt: an element of each CPU's own. The stack of 512 bytes is full, and most
 * packets need none of this. A packet is not interrupted by another on the same CPU (softirqs are off). */
#ifndef VNETLAB_BPF_WAY_H
#define VNETLAB_BPF_WAY_H

#include "packet.h"

struct vnl_session {
    struct vnl_flow_key inner, outer;
    __u32 index;     /* of the entry that was found */
    __u32 timeout_s; /* of one that opens */
    __u32 state;
    __u16 port_first, n_ports; /* the outer port is chosen among these; 0 = it is given */
    __u16 at;                  /* the port chosen, counted from port_first */
    bool used;                 /* the packet belongs to this session */
    bool opens;
    bool inbound; /* the packet goes to the inner side */
};

/* A load balancer's rule, while it is sought. */
struct vnl_rule_sought {
    __u32 bank, proto, port;
    __u32 at; /* the next one */
    __u32 found;
};

/* The packet's way, where it is more than its route. */
struct vnl_way {
    struct vnl_session leaves; /* translated at the sender */
    struct vnl_session enters; /* and at the receiver */
    __u32 out;                 /* slot of the receiver */
    __u32 internet;            /* pool offset of the internet's routes */
    __be32 saddr, daddr;       /* as the sender wrote them */
    __u16 sport, dport;
    bool floating;     /* the receiver shall have it though it does not own the destination */
    bool about;        /* an ICMP error about a session; what it quotes is translated too: */
    bool enters_about; /* about what the session's guest has sent */
    bool quotes_in;    /* the quoted packet went to the inner side */
    __be32 quoted_from, quoted_to;
    __u16 quoted_port_from, quoted_port_to;
    __u16 quoted_l4;            /* where its ports are, 0 = it has none */
    struct vnl_flow_key quoted; /* of the flow that an ICMP error is about (nsg.h) */
    struct vnl_flow flow;       /* the entry that is being made */
    struct vnl_rule_sought sought;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct vnl_way);
} vnl_ways SEC(".maps");

static __always_inline struct vnl_way *way_of_packet(void)
{
    __u32 zero = 0;

    return bpf_map_lookup_elem(&vnl_ways, &zero);
}

static __always_inline bool has_ports(__u8 proto)
{
    return proto == PROTO_TCP || proto == PROTO_UDP;
}

#endif
