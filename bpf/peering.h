/* Stage PEERING: what the two links of a peering say about this direction (spec 0 ingress step 1, spec 2.5). The plan has already folded
 * them and the lab's choice of semantics into the flags of the sender's route; a route inside the VNet has none.
 *
 * Access is what the VirtualNetwork tag leaves out or not, and rules that name prefixes may allow all the same: at a NIC with a network
 * security group its rules say it, and there is no gate.
 *
 * A drop is counted where Azure would make it: the sender's link at the sender, the receiver's at the receiver. */
#ifndef VNETLAB_BPF_PEERING_H
#define VNETLAB_BPF_PEERING_H

#include "route.h"

static __always_inline enum vnl_drop stage_peering_local(struct vnl_pkt *pkt)
{
    if (pkt->route.entry.flags & VNL_ROUTE_DENY_ACCESS_LOCAL && !(pkt->nic->flags & VNL_NIC_HAS_NSG))
        return VNL_DROP_PEERING_ACCESS;
    return VNL_DROP_NONE;
}

/* "Forwarded" is what comes over the peering with a source outside the sending VNet's address space (spec 2.5). Only a NIC with IP
 * forwarding can send that, so others do not pay for the look. What a gateway relays is not it (spec vpn 10). */
static __always_inline enum vnl_drop stage_peering_remote(struct vnl_pkt *pkt)
{
    if (pkt->route.entry.flags & VNL_ROUTE_DENY_ACCESS_REMOTE && !(pkt->receiver->flags & VNL_NIC_HAS_NSG))
        return VNL_DROP_PEERING_ACCESS;
    if (pkt->route.entry.flags & VNL_ROUTE_DENY_FORWARDED && pkt->foreign &&
        !(pkt->nic->flags & VNL_NIC_GATEWAY) && !from_sender_vnet(pkt))
        return VNL_DROP_FORWARDED_TRAFFIC;
    return VNL_DROP_NONE;
}

#endif
