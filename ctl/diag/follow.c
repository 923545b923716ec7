#include "vnetlab/follow.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"
#include "vnetlab/probe.h"
#include "walk.h"

/* A packet under way. */
struct packet {
    const struct vnl_plan *plan;
    struct vnl_bpf *bpf;
    enum vnl_what_if how;
    uint32_t nic; /* index: whose guest sends it now */
    unsigned char frame[VNL_FRAME_SIZE];
    size_t size;
    uint32_t hops;
    uint32_t out; /* by which NIC the last guest got it */
    struct vnl_verdict verdict;
};

static uint32_t nic_by_slot(const struct vnl_plan *plan, uint32_t slot)
{
    for (uint32_t i = 0; i < plan->n_nics; i++)
        if (plan->nics[i].slot == slot)
            return i;
    return VNL_VERIFY_NOBODY;
}

static void read_addrs(const struct packet *packet, struct vnl_addr *ret_src, struct vnl_addr *ret_dst)
{
    const unsigned char *ip = packet->frame + sizeof(struct ethhdr);
    bool v6 = ip[0] >> 4 == 6;
    size_t size = v6 ? 16 : 4, at = v6 ? offsetof(struct ip6_hdr, ip6_src) : offsetof(struct iphdr, saddr);

    *ret_src = *ret_dst = (struct vnl_addr){ .family = v6 ? AF_INET6 : AF_INET };
    memcpy(ret_src->bytes, ip + at, size);
    memcpy(ret_dst->bytes, ip + at + size, size);
}

/* One hop less to live; the checksum as in RFC 1141. */
static void age(unsigned char *ip)
{
    struct iphdr v4;
    uint32_t sum;

    if (ip[0] >> 4 == 6) {
        ip[offsetof(struct ip6_hdr, ip6_hlim)]--;
        return;
    }
    memcpy(&v4, ip, sizeof(v4));
    v4.ttl--;
    sum = (uint32_t)ntohs(v4.check) + 0x100;
    v4.check = htons((uint16_t)(sum + (sum >> 16)));
    memcpy(ip, &v4, sizeof(v4));
}

static uint8_t ttl_of(const unsigned char *ip)
{
    return ip[0] >> 4 == 6 ? ip[offsetof(struct ip6_hdr, ip6_hlim)] : ip[offsetof(struct iphdr, ttl)];
}

static int run(struct packet *packet, struct vnl_err **err)
{
    int r = vnl_bpf_what_if_as(packet->bpf, packet->how, packet->plan->nics[packet->nic].slot, packet->frame,
                               packet->size, true, &packet->verdict, err);

    if (r < 0)
        return r;
    if (packet->verdict.frame && packet->verdict.frame_size <= sizeof(packet->frame)) {
        memcpy(packet->frame, packet->verdict.frame, packet->verdict.frame_size);
        packet->size = packet->verdict.frame_size;
    }
    free(packet->verdict.frame);
    packet->verdict.frame = NULL;
    packet->out = nic_by_slot(packet->plan, packet->verdict.reason == VNL_DROP_NONE ? packet->verdict.out_slot
                                                                                    : packet->verdict.slot);
    if (packet->out == VNL_VERIFY_NOBODY && packet->verdict.out_slot != VNL_OUT_PLATFORM)
        return vnl_fail(err, ENOENT, "a NIC that the plan does not have");
    return 0;
}

/* A floating frontend's address is on an interface that the guest has made itself; of another one the guest knows nothing. */
static bool is_floating(const struct packet *packet, const struct vnl_addr *dst)
{
    const struct vnl_plan_balancer *balancer =
        vnl_balancer_at(packet->plan, packet->plan->nics[packet->out].vnet, dst);

    for (size_t i = 0; balancer && i < balancer->n_rules; i++)
        if (balancer->rules[i].floating)
            return true;
    return false;
}

static void send_from(struct packet *packet, uint32_t nic)
{
    static const unsigned char fabric[ETH_ALEN] = VNL_FABRIC_MAC;

    packet->nic = nic;
    memcpy(packet->frame, fabric, ETH_ALEN);
    memcpy(packet->frame + ETH_ALEN, packet->plan->nics[nic].mac.bytes, ETH_ALEN);
}

/* The guest's routing is one hop; it sends from packet->nic then. */
static bool hop(struct packet *packet, enum vnl_drop refused)
{
    unsigned char *ip = packet->frame + sizeof(struct ethhdr);

    if (refused == VNL_DROP_NONE && ttl_of(ip) <= 1)
        refused = VNL_DROP_ROUTING_LOOP;
    packet->verdict.reason = refused;
    if (refused != VNL_DROP_NONE)
        return false;
    age(ip);
    packet->hops++;
    return true;
}

/* Out of the tunnel of a gateway for its clients. */
static void arrive_at_client(struct packet *packet, uint32_t tunnel, const struct vnl_addr *dst)
{
    uint32_t nic = vnl_client_at(packet->plan, tunnel, dst);

    packet->verdict.reason = nic == VNL_WALK_NOWHERE ? VNL_DROP_NO_TUNNEL : VNL_DROP_NONE;
    if (nic != VNL_WALK_NOWHERE)
        packet->out = nic;
}

/* Out of the inside NIC of a gateway: of this one, or of that at the other end of the last tunnel. False: it ends in one of them. */
static bool forward_gateway(struct packet *packet, const struct vnl_addr *dst, bool own)
{
    const struct vnl_plan *plan = packet->plan;
    const struct vnl_plan_gateway *gateway = vnl_gateway_of(plan, packet->out);
    enum vnl_gateway_way way = VNL_GATEWAY_TUNNEL;
    uint32_t tunnel = VNL_PLAN_NOBODY;

    for (; gateway && way == VNL_GATEWAY_TUNNEL; own = false) {
        packet->out = gateway->nic_in;
        if (!own && vnl_guest_owns(plan, packet->out, dst))
            return false;
        way = vnl_gateway_route(plan, gateway, dst, &tunnel);
        if (!own && !hop(packet, way == VNL_GATEWAY_NOWHERE ? VNL_DROP_NO_TUNNEL : VNL_DROP_NONE))
            return false;
        if (way == VNL_GATEWAY_TUNNEL && plan->tunnels[tunnel].kind == VNL_TUNNEL_SERVER) {
            arrive_at_client(packet, tunnel, dst);
            return false;
        }
        gateway = way == VNL_GATEWAY_TUNNEL ? vnl_tunnel_far(plan, gateway, tunnel) : gateway;
    }
    packet->verdict.reason = gateway && way == VNL_GATEWAY_INSIDE ? VNL_DROP_NONE : VNL_DROP_NO_TUNNEL;
    send_from(packet, packet->out);
    return packet->verdict.reason == VNL_DROP_NONE;
}

/* What the guest does with it. False: it ends here. */
static bool forward(struct packet *packet)
{
    const struct vnl_plan_vm *vm = &packet->plan->vms[packet->plan->nics[packet->out].vm];
    struct vnl_addr src, dst;

    read_addrs(packet, &src, &dst);
    if (vnl_guest_owns(packet->plan, packet->out, &dst) || is_floating(packet, &dst))
        return false;
    if (vm->gateway)
        return forward_gateway(packet, &dst, false);
    if (!hop(packet, vm->ip_forward ? VNL_DROP_NONE : VNL_DROP_GUEST_FORWARDING))
        return false;
    send_from(packet, vnl_guest_out(packet->plan, packet->out, &dst));
    return true;
}

/* A client's: the gateway has got it then. */
static bool begin_client(struct packet *packet, const struct vnl_addr *dst)
{
    const struct vnl_plan *plan = packet->plan;
    uint32_t tunnel = vnl_client_route(plan, packet->nic, dst);

    if (tunnel == VNL_PLAN_NOBODY)
        return true;
    packet->out = packet->nic;
    packet->verdict = (struct vnl_verdict){ .reason = VNL_DROP_NO_TUNNEL, .rule = VNL_NO_RULE };
    if (plan->tunnels[tunnel].other == VNL_PLAN_NOBODY)
        return false;
    packet->out = plan->gateways[plan->tunnels[plan->tunnels[tunnel].other].gateway].nic_in;
    packet->verdict.reason = VNL_DROP_NONE;
    return forward_gateway(packet, dst, false);
}

/* What a gateway's or a client's own guest sends begins with a tunnel, perhaps. False: it ends in that guest, or in another. */
static bool begin(struct packet *packet)
{
    const struct vnl_plan_gateway *gateway = vnl_gateway_of(packet->plan, packet->nic);
    struct vnl_addr src, dst;

    read_addrs(packet, &src, &dst);
    if (!gateway)
        return begin_client(packet, &dst);
    if (packet->nic != gateway->nic_in)
        return true;
    packet->out = packet->nic;
    packet->verdict = (struct vnl_verdict){ .reason = VNL_DROP_NONE, .rule = VNL_NO_RULE };
    return forward_gateway(packet, &dst, true);
}

static int go(struct packet *packet, struct vnl_err **err)
{
    int r;

    if (!begin(packet))
        return 0;
    do {
        r = run(packet, err);
    } while (r >= 0 && packet->verdict.reason == VNL_DROP_NONE && packet->out != VNL_VERIFY_NOBODY &&
             forward(packet));
    return r;
}

static void fill(struct packet *packet, const struct vnl_flow_query *query)
{
    static const enum vnl_probe_proto probes[] = {
        [IPPROTO_ICMP] = VNL_PROBE_ICMP, [IPPROTO_TCP] = VNL_PROBE_TCP, [IPPROTO_UDP] = VNL_PROBE_UDP
    };

    packet->nic = query->nic;
    packet->hops = 0;
    packet->size = vnl_frame_build(&packet->plan->nics[query->nic].mac, &query->src, &query->dst,
                                   probes[query->proto], query->src_port, query->dst_port, packet->frame);
}

/* Does the reply need what only real packets leave behind: a session, or flows at NICs that the packet itself did not pass? */
static bool is_half(const struct packet *packet, const struct vnl_flow_query *query)
{
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = NULL;
    struct vnl_addr src, dst;

    read_addrs(packet, &src, &dst);
    if (!vnl_addr_eq(&src, &query->src) || !vnl_addr_eq(&dst, &query->dst))
        return true;
    if (vnl_verify(packet->plan, query, &verify, NULL) < 0)
        return true;
    for (size_t i = 0; i < verify->n_steps; i++)
        if (verify->steps[i].back && verify->steps[i].rules)
            return true;
    return false;
}

static int follow_back(struct packet *packet, const struct vnl_flow_query *query, struct vnl_err **err)
{
    const struct vnl_flow_query back = { .nic = vnl_guest_out(packet->plan, packet->out, &query->src),
                                         .src = query->dst,
                                         .dst = query->src,
                                         .proto = query->proto,
                                         .src_port = query->dst_port,
                                         .dst_port = query->src_port };

    packet->how = VNL_WHAT_IF_KNOWN;
    fill(packet, &back);
    return go(packet, err);
}

int vnl_follow(const struct vnl_plan *plan, struct vnl_bpf *bpf, const struct vnl_flow_query *query,
               struct vnl_follow *ret, struct vnl_err **err)
{
    struct packet packet = { .plan = plan, .bpf = bpf, .how = VNL_WHAT_IF_NEW };
    struct vnl_flow_query there = *query;
    struct vnl_follow follow = { .reason = VNL_DROP_NONE };
    const struct vnl_addr own = vnl_guest_source(plan, query->nic, &query->dst);
    int r;

    if (there.src.family == AF_UNSPEC)
        there.src = own;
    if (there.src.family == AF_UNSPEC)
        return -EADDRNOTAVAIL;
    fill(&packet, &there);
    r = go(&packet, err);
    follow.hops = packet.hops;
    if (r >= 0 && packet.verdict.reason == VNL_DROP_NONE && packet.out != VNL_VERIFY_NOBODY &&
        query->proto != IPPROTO_UDP) {
        follow.half = is_half(&packet, &there);
        follow.back = !follow.half;
        r = follow.half ? 0 : follow_back(&packet, &there, err);
    }
    if (r < 0)
        return r;
    follow.reason = packet.verdict.reason;
    follow.rule = packet.verdict.rule;
    follow.nic = packet.out;
    *ret = follow;
    return 0;
}

bool vnl_follow_is_state(enum vnl_drop reason)
{
    return reason == VNL_DROP_BALANCER_DOWN || reason == VNL_DROP_SNAT_PORTS ||
           reason == VNL_DROP_FLOW_TABLE_FULL;
}
