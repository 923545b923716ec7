#include "naive.h"

#include <arpa/inet.h>
#include <string.h>

#include "naive_rules.h"

static bool bit_at(const uint8_t *ip, unsigned i)
{
    return ip[i / 8] >> (7 - i % 8) & 1;
}

static bool covers(const struct world_prefix *row, const struct world_addr *addr)
{
    unsigned from = addr->v6 ? 0 : 96;

    if (row->addr.v6 != addr->v6)
        return false;
    for (unsigned i = from; i < from + row->len; i++) {
        if (bit_at(row->addr.ip, i) != bit_at(addr->ip, i))
            return false;
    }
    return true;
}

static bool in(const struct world_addr *addr, const char *cidr)
{
    struct world_prefix prefix = world_prefix(cidr, 0, 0, 0);

    return covers(&prefix, addr);
}

static bool in_any(const struct world_addr *addr, const char *const *cidrs)
{
    for (; *cidrs; cidrs++) {
        if (in(addr, *cidrs))
            return true;
    }
    return false;
}

struct world_prefix naive_route(const struct world_prefixes *list, const struct world_addr *addr)
{
    struct world_prefix best = { .kind = VNL_ROUTE_KIND_NONE };
    int best_len = -1;

    for (size_t i = 0; i < list->n; i++) {
        if (covers(&list->rows[i], addr) && (int)list->rows[i].len > best_len) {
            best = list->rows[i];
            best_len = best.len;
        }
    }
    return best;
}

static bool owns(const struct world_nic *nic, const struct world_addr *addr)
{
    for (size_t i = 0; i < nic->n_addrs; i++) {
        if (nic->addrs[i].v6 == addr->v6 && memcmp(nic->addrs[i].ip, addr->ip, 16) == 0)
            return true;
    }
    return false;
}

static struct world_addr addr_at(const struct frame *frame, size_t at, bool v6)
{
    struct world_addr addr = { .v6 = v6 };

    if (v6) {
        memcpy(addr.ip, frame->data + at, 16);
    } else {
        addr.ip[10] = addr.ip[11] = 0xff;
        memcpy(addr.ip + 12, frame->data + at, 4);
    }
    return addr;
}

/* --- frame and neighbors --------------------------------------------------------------------------------------------- */

static enum vnl_drop judge_arp(const struct world_nic *nic, const struct frame *f, bool *answered)
{
    static const uint8_t request[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };
    struct world_addr target;

    if (f->size < 42)
        return VNL_DROP_TRUNCATED;
    target = addr_at(f, 38, false);
    if (memcmp(f->data + 14, request, 8) || memcmp(f->data + 22, nic->mac, 6) || owns(nic, &target))
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
    struct world_addr source = addr_at(f, 22, true), target;
    size_t payload = frame_get16(f, 18);

    if (f->size < 86 || payload < 32 || 54 + payload > f->size || f->data[14] >> 4 != 6 || f->data[21] != 255)
        return VNL_DROP_NEIGHBOR_DISCOVERY;
    if (f->data[54] != 135 || f->data[55] != 0 || f->data[78] != 1 || f->data[79] != 1 ||
        memcmp(f->data + 80, nic->mac, 6))
        return VNL_DROP_NEIGHBOR_DISCOVERY;
    target = addr_at(f, 62, true);
    if (in(&target, "ff00::/8") || owns(nic, &target))
        return VNL_DROP_NEIGHBOR_DISCOVERY;
    if (in(&source, "::/128") || in(&source, "ff00::/8"))
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

struct packet {
    bool v6;
    struct world_addr src, dst;
    int proto;
    int size; /* bytes behind the network headers */
    size_t l4;
    bool fragment;
    int offset;
};

static int header_min(const struct packet *p)
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

static enum vnl_drop judge_transport(const struct packet *p, const struct frame *f)
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

static enum vnl_drop judge_v4(struct packet *p, const struct frame *f)
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
    p->src = addr_at(f, 26, false);
    p->dst = addr_at(f, 30, false);
    p->proto = f->data[23];
    p->size = total - 20;
    p->l4 = 34;
    p->offset = flags % 0x2000 * 8;
    p->fragment = p->offset || flags & 0x2000;
    if (in(&p->dst, "255.255.255.255/32"))
        return VNL_DROP_BROADCAST;
    if (in(&p->dst, "224.0.0.0/4"))
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

static enum vnl_drop judge_v6(struct packet *p, const struct frame *f)
{
    enum vnl_drop drop;

    if (f->size < 54)
        return VNL_DROP_TRUNCATED;
    if (f->data[14] >> 4 != 6 || f->data[21] == 0)
        return VNL_DROP_IP_HEADER;
    p->size = frame_get16(f, 18);
    if (p->size > (int)f->size - 54)
        return VNL_DROP_TRUNCATED;
    p->src = addr_at(f, 22, true);
    p->dst = addr_at(f, 38, true);
    p->proto = f->data[20];
    p->l4 = 54;
    if (in(&p->dst, "ff00::/8"))
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

static const char *const platform[] = { "168.63.129.16/32", "169.254.169.254/32", NULL };
static const char *const nowhere[] = { "0.0.0.0/8",     "127.0.0.0/8", "::/128", "::1/128",
                                       "::ffff:0:0/96", "fe80::/10",   NULL };
static const char *const groups[] = { "224.0.0.0/4", "255.255.255.255/32", "ff00::/8", NULL };

static enum vnl_drop judge_source(const struct world_nic *nic, const struct packet *p)
{
    if (in_any(&p->src, platform) || in_any(&p->src, nowhere) || in_any(&p->src, groups))
        return VNL_DROP_SPOOFED_SOURCE;
    return owns(nic, &p->src) || nic->flags & VNL_NIC_IP_FORWARDING ? VNL_DROP_NONE : VNL_DROP_SPOOFED_SOURCE;
}

static enum vnl_drop judge_protocol(const struct packet *p, const struct frame *f)
{
    if (!header_min(p))
        return VNL_DROP_PROTOCOL;
    if (p->proto == 17 && !p->offset) {
        int from = frame_get16(f, p->l4), to = frame_get16(f, p->l4 + 2);

        if (from == 65330 || to == 4791 || ((from == 67 || from == 68) && (to == 67 || to == 68)))
            return VNL_DROP_RESERVED_PORT;
    }
    return in_any(&p->dst, platform) ? VNL_DROP_PLATFORM_ADDRESS : VNL_DROP_NONE;
}

static bool has_nsg(const struct world_nic *nic)
{
    return nic->rules_nic || nic->rules_subnet;
}

static bool group_allows(const struct vnl_plan_rules *rules, bool inbound, const struct naive_packet *packet)
{
    int place = rules ? naive_rule(rules, inbound, packet) : -1;

    return !rules || (place >= 0 && rules->rules[place + (inbound ? 0 : rules->n_inbound)].allow);
}

static struct vnl_addr rules_addr(const struct world_addr *addr)
{
    struct vnl_addr ret = { .family = addr->v6 ? AF_INET6 : AF_INET };

    memcpy(ret.bytes, addr->ip + (addr->v6 ? 0 : 12), addr->v6 ? 16 : 4);
    return ret;
}

/* The first packet of whatever it belongs to: there are no flows. */
static enum vnl_drop judge_rules(const struct world_nic *nic, bool inbound, const struct packet *p,
                                 const struct frame *f)
{
    struct naive_packet packet = { .src = rules_addr(&p->src),
                                   .dst = rules_addr(&p->dst),
                                   .proto = p->proto };

    if (!has_nsg(nic))
        return VNL_DROP_NONE;
    if (p->offset)
        return VNL_DROP_FRAGMENT;
    if (p->proto == 6 || p->proto == 17) {
        packet.src_port = frame_get16(f, p->l4);
        packet.dst_port = frame_get16(f, p->l4 + 2);
    }
    if (!group_allows(nic->rules_nic, inbound, &packet) || !group_allows(nic->rules_subnet, inbound, &packet))
        return inbound ? VNL_DROP_NSG_INBOUND : VNL_DROP_NSG_OUTBOUND;
    return p->proto == 6 && (f->data[p->l4 + 13] & 0x17) != 0x02 ? VNL_DROP_FLOW_STATE : VNL_DROP_NONE;
}

static struct naive_verdict judge_way(const struct world *world, uint32_t slot, const struct packet *p,
                                      const struct frame *f)
{
    const struct world_nic *nic = &world->nics[slot], *to = NULL;
    struct world_prefix route = naive_route(nic->routes, &p->dst);
    struct naive_verdict verdict = { .slot = slot };

#define DROP_AT(where, why) return (struct naive_verdict){ .reason = (why), .slot = (where) }
    verdict.reason = judge_rules(nic, false, p, f);
    if (verdict.reason != VNL_DROP_NONE)
        return verdict;
    if (in_any(&p->dst, nowhere) || route.kind == VNL_ROUTE_KIND_NONE)
        DROP_AT(slot, VNL_DROP_NO_ROUTE);
    if (route.kind == VNL_ROUTE_KIND_INTERNET)
        DROP_AT(slot, VNL_DROP_NO_INTERNET);
    if (route.flags & VNL_ROUTE_DENY_ACCESS_LOCAL && !has_nsg(nic))
        DROP_AT(slot, VNL_DROP_PEERING_ACCESS);
    for (size_t i = 0; i < world->n_owners && !to; i++) {
        if (world->owners[i].vnet == route.vnet && memcmp(world->owners[i].addr.ip, p->dst.ip, 16) == 0) {
            verdict.out = world->owners[i].nic;
            to = &world->nics[verdict.out];
        }
    }
    if (!to || !(to->flags & VNL_NIC_LIVE))
        DROP_AT(slot, VNL_DROP_NO_OWNER);
    if (route.flags & VNL_ROUTE_DENY_ACCESS_REMOTE && !has_nsg(to))
        DROP_AT(verdict.out, VNL_DROP_PEERING_ACCESS);
    if (route.flags & VNL_ROUTE_DENY_FORWARDED &&
        naive_route(nic->space, &p->src).kind == VNL_ROUTE_KIND_NONE)
        DROP_AT(verdict.out, VNL_DROP_FORWARDED_TRAFFIC);
    verdict.reason = judge_rules(to, true, p, f);
    verdict.slot = verdict.out;
    if (verdict.reason != VNL_DROP_NONE)
        return verdict;
    if (!owns(to, &p->dst) && !(to->flags & VNL_NIC_IP_FORWARDING))
        DROP_AT(verdict.out, VNL_DROP_NOT_FORWARDING);
    return verdict;
}

struct naive_verdict naive_decide(const struct world *world, uint32_t slot, const struct frame *f)
{
    struct naive_verdict verdict = { .slot = slot };
    struct packet p = { 0 };
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
    if (verdict.reason == VNL_DROP_NONE)
        verdict.reason = judge_source(nic, &p);
    if (verdict.reason == VNL_DROP_NONE)
        verdict.reason = judge_protocol(&p, f);
    return verdict.reason == VNL_DROP_NONE ? judge_way(world, slot, &p, f) : verdict;
}
