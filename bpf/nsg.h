/* Stages NSG_OUTBOUND and NSG_INBOUND: the place of network security groups; there are none yet, so they
 * let everything pass. */
#ifndef VNETLAB_BPF_NSG_H
#define VNETLAB_BPF_NSG_H

#include "packet.h"

/* Will decide, at the sender and before the route is chosen: a known flow passes; else the NIC's group,
 * then the subnet's, both must allow (spec 0 egress steps 7 and 8, spec 3.3). */
static __always_inline enum vnl_drop stage_nsg_outbound(struct vnl_pkt *pkt)
{
    (void)pkt;
    return VNL_DROP_NONE;
}

/* Will decide, at the receiver and behind the peering gate: a known flow passes; else the subnet's group,
 * then the NIC's (spec 0 ingress steps 2 and 3). */
static __always_inline enum vnl_drop stage_nsg_inbound(struct vnl_pkt *pkt)
{
    (void)pkt;
    return VNL_DROP_NONE;
}

#endif
