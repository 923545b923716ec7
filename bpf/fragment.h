/* Only the first fragment of a packet has ports. They are remembered, and the others are judged by them; one that comes before its first
 * cannot be judged and is dropped. Asked only where a network security group is. */
#ifndef VNETLAB_BPF_FRAGMENT_H
#define VNETLAB_BPF_FRAGMENT_H

#include "packet.h"

static __always_inline enum vnl_drop fragment_ports(struct vnl_ask *ask)
{
    struct vnl_fragment_key key = { .id = ask->fragment_id, .nic = ask->sender, .proto = ask->proto };
    const struct vnl_fragment *seen;

    if (ask->ports_known)
        return VNL_DROP_NONE;
    ask->ports_known = true;
    __builtin_memcpy(key.src, &ask->src, sizeof(key.src));
    __builtin_memcpy(key.dst, &ask->dst, sizeof(key.dst));
    if (!ask->later) {
        struct vnl_fragment first = { ask->sport, ask->dport, ask->icmp_id, 0 };

        if (!ask->what_if)
            (void)bpf_map_update_elem(&vnl_fragments, &key, &first, BPF_ANY);
        return VNL_DROP_NONE;
    }
    seen = bpf_map_lookup_elem(&vnl_fragments, &key);
    if (!seen)
        return VNL_DROP_FRAGMENT;
    ask->sport = seen->sport;
    ask->dport = seen->dport;
    ask->icmp_id = seen->echo_id;
    return VNL_DROP_NONE;
}

#endif
