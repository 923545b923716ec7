#include "naive_parts.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "naive_rules.h"

const char *const naive_platform[] = { "168.63.129.16/32", "169.254.169.254/32", NULL };
const char *const naive_nowhere[] = { "0.0.0.0/8",     "127.0.0.0/8", "::/128", "::1/128",
                                      "::ffff:0:0/96", "fe80::/10",   NULL };
const char *const naive_groups[] = { "224.0.0.0/4", "255.255.255.255/32", "ff00::/8", NULL };

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

bool naive_in(const struct world_addr *addr, const char *cidr)
{
    struct world_prefix prefix = world_prefix(cidr, 0, 0, 0);

    return covers(&prefix, addr);
}

bool naive_in_any(const struct world_addr *addr, const char *const *cidrs)
{
    for (; *cidrs; cidrs++) {
        if (naive_in(addr, *cidrs))
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

bool naive_owns(const struct world_nic *nic, const struct world_addr *addr)
{
    for (size_t i = 0; i < nic->n_addrs; i++) {
        if (nic->addrs[i].v6 == addr->v6 && memcmp(nic->addrs[i].ip, addr->ip, 16) == 0)
            return true;
    }
    return false;
}

struct world_addr naive_addr_at(const struct frame *frame, size_t at, bool v6)
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

/* --- security rules -------------------------------------------------------------------------------------------------- */

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
static enum vnl_drop judge_rules(const struct world_nic *nic, bool inbound, const struct naive_ip *p,
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
        packet.src_port = p->sport;
        packet.dst_port = p->dport;
    }
    if (!group_allows(nic->rules_nic, inbound, &packet) || !group_allows(nic->rules_subnet, inbound, &packet))
        return inbound ? VNL_DROP_NSG_INBOUND : VNL_DROP_NSG_OUTBOUND;
    return p->proto == 6 && (f->data[p->l4 + 13] & 0x17) != 0x02 ? VNL_DROP_FLOW_STATE : VNL_DROP_NONE;
}

/* Only what names an AzurePlatform* tag counts; nothing that does: allowed. */
static bool platform_allows(const struct vnl_plan_rules *rules, const struct naive_packet *packet)
{
    struct vnl_plan_rules only = { 0 };
    int place;
    bool allow;

    if (!rules)
        return true;
    only.rules = calloc(rules->n_outbound + 1, sizeof(*only.rules));
    for (size_t i = rules->n_inbound; i < rules->n_inbound + rules->n_outbound; i++) {
        if (rules->rules[i].source.platform || rules->rules[i].destination.platform)
            only.rules[only.n_outbound++] = rules->rules[i];
    }
    place = naive_rule(&only, false, packet);
    allow = place < 0 || only.rules[place].allow;
    free(only.rules);
    return allow;
}

/* --- the way --------------------------------------------------------------------------------------------------------- */

struct walk {
    const struct world *world;
    const struct world_nic *nic, *to;
    uint32_t slot;
    struct naive_ip p; /* as it is now */
    struct world_prefix route;
    struct naive_verdict verdict;
    bool floating;
};

static enum vnl_drop drop_at(struct walk *walk, uint32_t slot, enum vnl_drop why)
{
    walk->verdict.slot = slot;
    return walk->verdict.reason = why;
}
#define HERE(why)  return drop_at(walk, walk->slot, VNL_DROP_##why)
#define THERE(why) return drop_at(walk, walk->verdict.out, VNL_DROP_##why)

static bool ports(const struct naive_ip *p)
{
    return p->proto == 6 || p->proto == 17;
}

static bool same_addr(const struct world_addr *a, const struct world_addr *b)
{
    return a->v6 == b->v6 && memcmp(a->ip, b->ip, 16) == 0;
}

static enum vnl_drop walk_to_platform(struct walk *walk)
{
    const struct naive_ip *p = &walk->p;
    struct naive_packet packet = { rules_addr(&p->src), rules_addr(&p->dst), p->proto, p->sport, p->dport };
    bool dns = naive_in(&p->dst, "168.63.129.16/32"), serves;

    if (dns)
        serves = (ports(p) && p->dport == 53) || (p->proto == 6 && p->dport >= 32768);
    else
        serves = p->proto == 6 && p->dport == 80;
    if (p->fragment || !serves || walk->nic->vnet == VNL_INTERNET_SLOT || walk->nic->vnet == VNL_SITE_SLOT ||
        !same_addr(&p->src, &walk->nic->addrs[0]))
        HERE(PLATFORM_ADDRESS);
    if (!platform_allows(walk->nic->rules_nic, &packet) || !platform_allows(walk->nic->rules_subnet, &packet))
        HERE(NSG_OUTBOUND);
    walk->p.src = world_addr("100.96.0.0");
    walk->p.src.ip[14] = walk->slot >> 8;
    walk->p.src.ip[15] = walk->slot;
    walk->verdict.out = VNL_OUT_PLATFORM;
    return VNL_DROP_NONE;
}

static enum vnl_drop walk_outside(struct walk *walk)
{
    const struct world_outside *outside = walk->nic->outside;
    const struct world_public *own = NULL;

    if (!naive_is_own(walk->world, walk->slot, &walk->p))
        HERE(FOREIGN_TO_INTERNET);
    if (walk->p.offset)
        HERE(FRAGMENT);
    for (size_t i = 0; i < walk->world->n_publics && !own; i++) {
        if (walk->world->publics[i].nic == walk->slot &&
            same_addr(&walk->world->publics[i].inner, &walk->p.src))
            own = &walk->world->publics[i];
    }
    if (own && !(ports(&walk->p) && outside->flags & VNL_OUTSIDE_GATEWAY)) {
        walk->p.src = own->outer;
    } else {
        if (!outside->n_outer)
            HERE(NO_OUTBOUND);
        if (!ports(&walk->p))
            HERE(SNAT_PROTOCOL);
        if (!outside->n_ports)
            HERE(SNAT_PORTS);
        /* Which of many only the program knows. */
        walk->p.src = outside->outer[0];
        walk->p.sport = outside->port_first;
    }
    walk->route = naive_route(&walk->world->routes[WORLD_INTERNET], &walk->p.dst);
    if (walk->route.kind == VNL_ROUTE_KIND_NONE)
        HERE(NO_ROUTE);
    return VNL_DROP_NONE;
}

static bool is_next_hop(uint16_t kind)
{
    return kind == VNL_ROUTE_KIND_APPLIANCE || kind == VNL_ROUTE_KIND_GATEWAY;
}

static enum vnl_drop walk_route(struct walk *walk)
{
    walk->route = naive_route(walk->nic->routes, &walk->p.dst);
    if (naive_in_any(&walk->p.dst, naive_nowhere) || walk->route.kind == VNL_ROUTE_KIND_NONE)
        HERE(NO_ROUTE);
    if (walk->p.v6 &&
        (walk->route.kind == VNL_ROUTE_KIND_PUBLIC || walk->route.kind == VNL_ROUTE_KIND_SESSION ||
         walk->route.kind == VNL_ROUTE_KIND_BALANCER))
        HERE(NO_ROUTE);
    if (walk->route.kind == VNL_ROUTE_KIND_GATEWAY && walk->route.vnet == VNL_ROUTE_NO_NIC)
        HERE(NO_GATEWAY);
    if (is_next_hop(walk->route.kind) && walk->route.vnet == walk->slot)
        HERE(ROUTING_LOOP);
    if (walk->route.kind == VNL_ROUTE_KIND_INTERNET) {
        if (walk->p.v6 || !walk->nic->outside)
            HERE(NO_INTERNET);
        return walk_outside(walk);
    }
    /* Whether it is the answer of a session its ports would say. */
    if (walk->nic->flags & VNL_NIC_HAS_SESSIONS && !walk->p.v6 && walk->p.offset &&
        naive_is_own(walk->world, walk->slot, &walk->p))
        HERE(FRAGMENT);
    return VNL_DROP_NONE;
}

/* --- load balancers -------------------------------------------------------------------------------------------------- */

static const struct world_rule *balancer_rule(const struct world_balancer *balancer, const struct naive_ip *p,
                                              bool next_hop)
{
    for (size_t i = 0; i < balancer->n_rules && next_hop; i++) {
        if (!balancer->rules[i].proto)
            return &balancer->rules[i];
    }
    for (size_t i = 0; i < balancer->n_rules && ports(p); i++) {
        const struct world_rule *rule = &balancer->rules[i];

        if (!rule->proto || (rule->proto == p->proto && rule->frontend_port == p->dport))
            return rule;
    }
    return NULL;
}

bool naive_is_own(const struct world *world, uint32_t slot, const struct naive_ip *packet)
{
    struct naive_ip back = { .proto = packet->proto, .dport = packet->sport };

    if (naive_owns(&world->nics[slot], &packet->src))
        return true;
    for (size_t i = 0; i < world->n_balancers && !packet->offset; i++) {
        const struct world_balancer *balancer = &world->balancers[i];
        const struct world_rule *rule = balancer_rule(balancer, &back, false);

        if (balancer->vnet != world->nics[slot].vnet || !same_addr(&balancer->frontend, &packet->src) ||
            !rule)
            continue;
        for (size_t k = 0; k < rule->n_backends && rule->floating; k++)
            if (rule->backends[k] == slot)
                return true;
    }
    return false;
}

static uint32_t word_of(const struct world_addr *addr)
{
    uint32_t word;

    memcpy(&word, addr->ip + 12, 4);
    return word;
}

/* A route to the instances of a gateway, at one of them: it leads to itself, or to its twin. */
static bool goes_round(const struct walk *walk)
{
    return walk->nic->flags & VNL_NIC_GATEWAY && walk->verdict.out < WORLD_NICS &&
           walk->world->nics[walk->verdict.out].flags & VNL_NIC_GATEWAY;
}

/* Nobody has said anything about health: all are alive. */
static enum vnl_drop walk_balancer(struct walk *walk, const struct world_balancer *balancer, bool next_hop)
{
    struct naive_ip *p = &walk->p;
    const struct world_rule *rule;
    uint32_t hash;

    if (walk->route.flags & VNL_ROUTE_GLOBAL && balancer->flags & VNL_BALANCER_BASIC)
        HERE(BALANCER_GLOBAL);
    if (p->offset)
        HERE(FRAGMENT);
    rule = balancer_rule(balancer, p, next_hop);
    if (!rule)
        HERE(BALANCER_PORT);
    if (!rule->n_backends)
        HERE(BALANCER_DOWN);
    hash = vnl_balancer_hash(word_of(&p->src), word_of(&p->dst), p->sport, p->dport, p->proto,
                             rule->distribution);
    walk->verdict.out = rule->backends[hash % rule->n_backends];
    if (next_hop && goes_round(walk))
        HERE(ROUTING_LOOP);
    if (walk->verdict.out == walk->slot)
        HERE(BALANCER_HAIRPIN);
    walk->floating = rule->floating && !next_hop;
    if (!next_hop && !rule->floating) {
        p->dst = walk->world->nics[walk->verdict.out].addrs[0];
        p->dport = rule->backend_port ? rule->backend_port : p->dport;
    }
    return VNL_DROP_NONE;
}

/* --- who gets it ----------------------------------------------------------------------------------------------------- */

static enum vnl_drop walk_owner(struct walk *walk)
{
    const struct world *world = walk->world;

    for (size_t i = 0; i < world->n_owners; i++) {
        if (world->owners[i].vnet != walk->route.vnet || !same_addr(&world->owners[i].addr, &walk->p.dst))
            continue;
        if (world->owners[i].nic & VNL_OWNER_BALANCER)
            return walk_balancer(walk, &world->balancers[world->owners[i].nic & ~VNL_OWNER_BALANCER], false);
        walk->verdict.out = world->owners[i].nic;
        return VNL_DROP_NONE;
    }
    HERE(NO_OWNER);
}

static enum vnl_drop walk_public(struct walk *walk)
{
    const struct world_public *public = &walk->world->publics[walk->route.vnet];

    if (walk->p.offset)
        HERE(FRAGMENT);
    if (public->flags & VNL_PUBLIC_CLOSED)
        HERE(PUBLIC_CLOSED);
    walk->p.dst = public->inner;
    walk->verdict.out = public->nic;
    return VNL_DROP_NONE;
}

static enum vnl_drop walk_next_hop(struct walk *walk)
{
    switch (walk->route.kind) {
    case VNL_ROUTE_KIND_VNET:
        return walk_owner(walk);
    case VNL_ROUTE_KIND_APPLIANCE:
    case VNL_ROUTE_KIND_GATEWAY:
        walk->verdict.out = walk->route.vnet;
        return VNL_DROP_NONE;
    case VNL_ROUTE_KIND_BALANCER:
        return walk_balancer(walk, &walk->world->balancers[walk->route.vnet], true);
    case VNL_ROUTE_KIND_PUBLIC:
        return walk_public(walk);
    case VNL_ROUTE_KIND_SESSION:
        if (walk->p.offset)
            HERE(FRAGMENT);
        HERE(NO_SESSION);
    }
    HERE(NO_ROUTE);
}

static enum vnl_drop walk_in(struct walk *walk, const struct naive_ip *sent, const struct frame *f)
{
    enum vnl_drop drop;

    if (walk->verdict.out >= WORLD_NICS || !(walk->world->nics[walk->verdict.out].flags & VNL_NIC_LIVE))
        HERE(NO_OWNER);
    walk->to = &walk->world->nics[walk->verdict.out];
    if (walk->route.flags & VNL_ROUTE_DENY_ACCESS_REMOTE && !has_nsg(walk->to))
        THERE(PEERING_ACCESS);
    if (walk->route.flags & VNL_ROUTE_DENY_FORWARDED && !(walk->nic->flags & VNL_NIC_GATEWAY) &&
        !naive_is_own(walk->world, walk->slot, sent) &&
        naive_route(walk->nic->space, &walk->p.src).kind == VNL_ROUTE_KIND_NONE)
        THERE(FORWARDED_TRAFFIC);
    drop = judge_rules(walk->to, true, &walk->p, f);
    if (drop != VNL_DROP_NONE)
        return drop_at(walk, walk->verdict.out, drop);
    if (!walk->floating && !naive_owns(walk->to, &walk->p.dst) &&
        !(walk->to->flags & VNL_NIC_IP_FORWARDING) && !(walk->to->flags & VNL_NIC_GATEWAY))
        THERE(NOT_FORWARDING);
    return drop_at(walk, walk->verdict.out, VNL_DROP_NONE);
}

static enum vnl_drop walk_all(struct walk *walk, const struct naive_ip *sent, const struct frame *f)
{
    enum vnl_drop drop;

    if (naive_in_any(&sent->dst, naive_platform))
        return walk_to_platform(walk);
    drop = judge_rules(walk->nic, false, &walk->p, f);
    if (drop != VNL_DROP_NONE)
        return drop_at(walk, walk->slot, drop);
    drop = walk_route(walk);
    if (drop != VNL_DROP_NONE)
        return drop;
    if (walk->route.flags & VNL_ROUTE_DENY_ACCESS_LOCAL && !has_nsg(walk->nic))
        HERE(PEERING_ACCESS);
    drop = walk_next_hop(walk);
    return drop == VNL_DROP_NONE ? walk_in(walk, sent, f) : drop;
}

struct naive_verdict naive_way(const struct world *world, uint32_t slot, const struct naive_ip *packet,
                               const struct frame *frame)
{
    struct walk walk = { .world = world, .nic = &world->nics[slot], .slot = slot, .p = *packet };

    walk.verdict.slot = slot;
    (void)walk_all(&walk, packet, frame);
    walk.verdict.src = walk.p.src;
    walk.verdict.dst = walk.p.dst;
    walk.verdict.sport = (uint16_t)walk.p.sport;
    walk.verdict.dport = (uint16_t)walk.p.dport;
    return walk.verdict;
}
