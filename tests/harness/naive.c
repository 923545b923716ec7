#include "naive.h"

#include <arpa/inet.h>
#include <string.h>

#include "naive_parts.h"

/* --- frame and neighbors --------------------------------------------------------------------------------------------- */

static enum vnl_drop judge_arp(const struct world_nic *nic, const struct frame *f, bool *answered)
{
    static const uint8_t request[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };
    struct world_addr target;

    if (f->size < 42)
        return VNL_DROP_TRUNCATED;
    target = naive_addr_at(f, 38, false);
    if (memcmp(f->data + 14, request, 8) || memcmp(f->data + 22, nic->mac, 6) || naive_owns(nic, &target))
        return VNL_DROP_ARP;
    *answered = true;
    return VNL_DROP_NONE;
}

static bool is_nd_type(uint8_t type)
{
    return type == 133 || type == 134 || type == 135 || type == 136 || type == 137;
}

static enum vnl_drop judge_nd(const struct world_nic *nic, const struct frame *f, bool *answered)
{
    struct world_addr source = naive_addr_at(f, 22, true), target;
    size_t payload = frame_get16(f, 18);

    if (f->size < 86 || payload < 32 || 54 + payload > f->size || f->data[14] >> 4 != 6 || f->data[21] != 255)
        return VNL_DROP_NEIGHBOR_DISCOVERY;
    if (f->data[54] != 135 || f->data[55] != 0 || f->data[78] != 1 || f->data[79] != 1 ||
        memcmp(f->data + 80, nic->mac, 6))
        return VNL_DROP_NEIGHBOR_DISCOVERY;
    target = naive_addr_at(f, 62, true);
    if (naive_in(&target, "ff00::/8") || naive_owns(nic, &target))
        return VNL_DROP_NEIGHBOR_DISCOVERY;
    if (naive_in(&source, "::/128") || naive_in(&source, "ff00::/8"))
        return VNL_DROP_NEIGHBOR_DISCOVERY;
    *answered = true;
    return VNL_DROP_NONE;
}

static enum vnl_drop judge_frame(const struct world_nic *nic, const struct frame *f, bool *answered)
{
    static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    unsigned type;
    bool nd, dhcp;

    if (f->size < 14)
        return VNL_DROP_TRUNCATED;
    type = frame_get16(f, 12);
    nd = type == 0x86dd && f->size > 54 && f->data[20] == 58 && is_nd_type(f->data[54]);
    dhcp = type == 0x0800 && f->size >= 42 && f->data[14] == 0x45 && f->data[23] == 17 &&
           !(frame_get16(f, 20) & 0x1fff) && frame_get16(f, 36) == 67;
    if (type == 0x8100 || type == 0x88a8)
        return VNL_DROP_VLAN;
    if (memcmp(f->data + 6, nic->mac, 6))
        return VNL_DROP_SOURCE_MAC;
    if (type != 0x0800 && type != 0x0806 && type != 0x86dd)
        return VNL_DROP_ETHERTYPE;
    if (!memcmp(f->data, all, 6)) {
        if (type != 0x0806)
            return dhcp ? VNL_DROP_RESERVED_PORT : VNL_DROP_BROADCAST;
    } else if (f->data[0] & 1 && !nd) {
        return VNL_DROP_MULTICAST;
    }
    if (type == 0x0806)
        return judge_arp(nic, f, answered);
    return nd ? judge_nd(nic, f, answered) : VNL_DROP_NONE;
}

/* --- IP -------------------------------------------------------------------------------------------------------------- */

static int header_min(const struct naive_ip *p)
{
    static const struct {
        int proto, size, family; /* family 0: both */
    } mins[] = { { 6, 20, 0 }, { 17, 8, 0 }, { 1, 8, 4 }, { 58, 8, 6 }, { 50, 8, 0 }, { 51, 12, 0 } };

    for (size_t i = 0; i < sizeof(mins) / sizeof(mins[0]); i++) {
        if (mins[i].proto == p->proto && (!mins[i].family || (mins[i].family == 6) == p->v6))
            return mins[i].size;
    }
    return 0;
}

static enum vnl_drop judge_transport(const struct naive_ip *p, const struct frame *f)
{
    int min = header_min(p);

    if (p->offset > 0) {
        if (p->offset < min || p->offset + p->size > 65535)
            return VNL_DROP_FRAGMENT;
        return VNL_DROP_NONE;
    }
    if (p->size < min)
        return p->fragment ? VNL_DROP_FRAGMENT : VNL_DROP_TRUNCATED;
    if (p->v6 && p->proto == 58 && is_nd_type(f->data[p->l4]))
        return VNL_DROP_NEIGHBOR_DISCOVERY;
    return VNL_DROP_NONE;
}

static enum vnl_drop judge_v4(struct naive_ip *p, const struct frame *f)
{
    int total, flags;

    if (f->size < 34)
        return VNL_DROP_TRUNCATED;
    total = frame_get16(f, 16);
    if (f->data[14] >> 4 != 4 || (f->data[14] & 15) < 5 || total < 20 || f->data[22] == 0)
        return VNL_DROP_IP_HEADER;
    if ((f->data[14] & 15) != 5)
        return VNL_DROP_IP_OPTIONS;
    if (total > (int)f->size - 14)
        return VNL_DROP_TRUNCATED;
    flags = frame_get16(f, 20);
    p->src = naive_addr_at(f, 26, false);
    p->dst = naive_addr_at(f, 30, false);
    p->proto = f->data[23];
    p->size = total - 20;
    p->l4 = 34;
    p->offset = flags % 0x2000 * 8;
    p->fragment = p->offset || flags & 0x2000;
    if (naive_in(&p->dst, "255.255.255.255/32"))
        return VNL_DROP_BROADCAST;
    if (naive_in(&p->dst, "224.0.0.0/4"))
        return VNL_DROP_MULTICAST;
    return judge_transport(p, f);
}

static bool is_extension(int proto)
{
    static const int types[] = { 0, 43, 44, 60, 135, 139, 140 };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i] == proto)
            return true;
    }
    return false;
}

static enum vnl_drop judge_v6(struct naive_ip *p, const struct frame *f)
{
    enum vnl_drop drop;

    if (f->size < 54)
        return VNL_DROP_TRUNCATED;
    if (f->data[14] >> 4 != 6 || f->data[21] == 0)
        return VNL_DROP_IP_HEADER;
    p->size = frame_get16(f, 18);
    if (p->size > (int)f->size - 54)
        return VNL_DROP_TRUNCATED;
    p->src = naive_addr_at(f, 22, true);
    p->dst = naive_addr_at(f, 38, true);
    p->proto = f->data[20];
    p->l4 = 54;
    if (naive_in(&p->dst, "ff00::/8"))
        return VNL_DROP_MULTICAST;
    if (p->proto == 0 && f->size < 62) /* cut off: what is in it cannot be seen */
        return VNL_DROP_TRUNCATED;
    if (p->proto == 44) {
        if (p->size < 8)
            return VNL_DROP_TRUNCATED;
        p->proto = f->data[54];
        p->offset = frame_get16(f, 56) / 8 * 8;
        p->fragment = true;
        p->l4 = 62;
        p->size -= 8;
    } else if (is_extension(p->proto)) {
        return VNL_DROP_EXTENSION_HEADER; /* frames here are too small for BIG TCP */
    }
    drop = judge_transport(p, f);
    return drop == VNL_DROP_NONE && is_extension(p->proto) ? VNL_DROP_EXTENSION_HEADER : drop;
}

static enum vnl_drop judge_source(const struct world *world, uint32_t slot, const struct naive_ip *p)
{
    const struct world_nic *nic = &world->nics[slot];

    if (naive_in_any(&p->src, naive_platform) || naive_in_any(&p->src, naive_nowhere) ||
        naive_in_any(&p->src, naive_groups))
        return VNL_DROP_SPOOFED_SOURCE;
    if (naive_is_own(world, slot, p))
        return VNL_DROP_NONE;
    if (nic->flags &
        VNL_NIC_GATEWAY) /* what comes out of a tunnel is not from inside, nor from its receiver */
        return naive_route(nic->space, &p->src).kind == VNL_ROUTE_KIND_NONE &&
                       memcmp(&p->src, &p->dst, sizeof(p->src)) != 0
                   ? VNL_DROP_NONE
                   : VNL_DROP_SPOOFED_SOURCE;
    return nic->flags & VNL_NIC_IP_FORWARDING ? VNL_DROP_NONE : VNL_DROP_SPOOFED_SOURCE;
}

static enum vnl_drop judge_protocol(const struct naive_ip *p, const struct frame *f)
{
    if (!header_min(p))
        return VNL_DROP_PROTOCOL;
    if (p->proto == 17 && !p->offset) {
        int from = frame_get16(f, p->l4), to = frame_get16(f, p->l4 + 2);

        if (from == 65330 || to == 4791 || ((from == 67 || from == 68) && (to == 67 || to == 68)))
            return VNL_DROP_RESERVED_PORT;
    }
    return VNL_DROP_NONE;
}

struct naive_verdict naive_decide(const struct world *world, uint32_t slot, const struct frame *f)
{
    struct naive_verdict verdict = { .slot = slot };
    struct naive_ip p = { 0 };
    const struct world_nic *nic;

    if (slot >= WORLD_NICS || !(world->nics[slot].flags & VNL_NIC_LIVE)) {
        verdict.reason = VNL_DROP_UNKNOWN_PORT;
        return verdict;
    }
    nic = &world->nics[slot];
    verdict.reason = judge_frame(nic, f, &verdict.answered);
    if (verdict.reason != VNL_DROP_NONE || verdict.answered)
        return verdict;
    p.v6 = frame_get16(f, 12) == 0x86dd;
    verdict.reason = p.v6 ? judge_v6(&p, f) : judge_v4(&p, f);
    if (verdict.reason == VNL_DROP_NONE && p.size >= 4 && !p.offset && (p.proto == 6 || p.proto == 17)) {
        p.sport = frame_get16(f, p.l4);
        p.dport = frame_get16(f, p.l4 + 2);
    }
    if (verdict.reason == VNL_DROP_NONE)
        verdict.reason = judge_source(world, slot, &p);
    if (verdict.reason == VNL_DROP_NONE)
        verdict.reason = judge_protocol(&p, f);
    if (verdict.reason != VNL_DROP_NONE)
        return verdict;
    return naive_way(world, slot, &p, f);
}
