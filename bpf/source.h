/* Stages SOURCE and PROTOCOL: who may send what at all, before any rule of the user (spec 0 steps 4 to 6). */
#ifndef VNETLAB_BPF_SOURCE_H
#define VNETLAB_BPF_SOURCE_H

#include "neighbor.h"
#include "parse.h"

/* Spec 1.8: answered, and sourced, only by the platform. */
static __always_inline bool is_platform(const struct vnl_pkt *pkt, const union vnl_ip *ip)
{
    return !pkt->v6 &&
           (ip->word[3] == bpf_htonl(VNL_PLATFORM_DNS) || ip->word[3] == bpf_htonl(VNL_PLATFORM_IMDS));
}

/* ::ffff:0:0/96 on the wire, which vnl_owners would take for IPv4 addresses. */
static __always_inline bool is_mapped(const union vnl_ip *ip)
{
    return !ip->half[0] && ip->word[2] == bpf_htonl(0xffff);
}

/* Never to be found behind a port, also not behind one that forwards: "this network", loopback,
 * unspecified, link-local (RFC 4291 2.5: not forwarded). */
static __always_inline bool is_unroutable(const struct vnl_pkt *pkt, const union vnl_ip *ip)
{
    if (pkt->v6)
        return (!ip->half[0] && !ip->word[2] && bpf_ntohl(ip->word[3]) <= 1) || is_mapped(ip) ||
               is_link_local(ip);
    return !(ip->word[3] & bpf_htonl(0xff000000)) ||
           (ip->word[3] & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
}

static __always_inline bool is_group(const struct vnl_pkt *pkt, const union vnl_ip *ip)
{
    if (pkt->v6)
        return *(const __u8 *)ip == 0xff;
    return (ip->word[3] & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000) ||
           ip->word[3] == bpf_htonl(0xffffffff);
}

/* Spec 0 step 4. What a gateway relays comes from anywhere; what of it cannot be, stage_sender sees (stands.h). */
static __always_inline enum vnl_drop stage_source(struct vnl_pkt *pkt)
{
    const union vnl_ip *src = &pkt->src;

    if (is_unroutable(pkt, src) || is_group(pkt, src) || is_platform(pkt, src))
        return VNL_DROP_SPOOFED_SOURCE;
    if (is_own(pkt, src, pkt->v6))
        return VNL_DROP_NONE;
    pkt->foreign = true;
    return pkt->nic->flags & (VNL_NIC_IP_FORWARDING | VNL_NIC_GATEWAY) ? VNL_DROP_NONE
                                                                       : VNL_DROP_SPOOFED_SOURCE;
}

#define UDP_HOST_RESERVED 65330 /* as source port: the host's own */
#define UDP_ROCE          4791  /* as destination port: remote DMA */

static __always_inline bool is_dhcp_port(__u16 port)
{
    return port == UDP_DHCP_SERVER || port == UDP_DHCP_CLIENT;
}

/* Spec 0 steps 5 and 6, spec 1.7: TCP, UDP, ICMP, ESP and AH, unicast; no unicast DHCP between VMs, no
 * relay. */
static __always_inline enum vnl_drop stage_protocol(struct vnl_pkt *pkt)
{
    if (!transport_size(&pkt->ask))
        return VNL_DROP_PROTOCOL;
    if (pkt->proto == PROTO_UDP) { /* ports of a later fragment are not seen: 0 */
        if (pkt->sport == UDP_HOST_RESERVED || pkt->dport == UDP_ROCE)
            return VNL_DROP_RESERVED_PORT;
        if (is_dhcp_port(pkt->sport) && is_dhcp_port(pkt->dport))
            return VNL_DROP_RESERVED_PORT;
    }
    pkt->to_platform = is_platform(pkt, &pkt->dst);
    return VNL_DROP_NONE;
}

#endif
