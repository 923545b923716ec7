/* Internal load balancers: as service (the destination becomes a backend's, a session remembers it), and as next hop (HA ports: a backend
 * is the receiver, nothing is translated). Which backends are alive user space says, at any time (layout.h, struct vnl_health). */
#ifndef VNETLAB_BPF_BALANCER_H
#define VNETLAB_BPF_BALANCER_H

#include "outside.h"

#define BALANCER_RULES_MAX 1500u /* Azure: rules per load balancer */

/* What is sought lies in struct vnl_way: all stack frames together have 512 bytes, and this is the end of a long chain. */
static long balancer_rule_try(__u32 number, void *context)
{
    struct vnl_way *way = way_of_packet();
    __u32 bank, at, its_proto;
    const void *pool;

    (void)number;
    (void)context;
    if (!way)
        return LOOP_ENDS;
    bank = way->sought.bank;
    at = way->sought.at;
    pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    if (!pool)
        return LOOP_ENDS;
    its_proto = pool_u32(pool, at) & 0xff;
    if (!its_proto ||
        (its_proto == way->sought.proto &&
         pool_u16(pool, (__u64)at + offsetof(struct vnl_balancer_rule, frontend_port)) == way->sought.port)) {
        way->sought.found = at;
        return LOOP_ENDS;
    }
    way->sought.at = at + sizeof(struct vnl_balancer_rule);
    return LOOP_GOES_ON;
}

/* Pool offset of the rule that decides, or 0. proto 0: only HA ports. */
static __always_inline __u32 balancer_rule(const void *pool, __u32 bank, __u32 balancer, __u32 proto,
                                           __u32 port)
{
    struct vnl_way *way = way_of_packet();
    __u32 n;

    if (!way)
        return 0;
    way->sought = (struct vnl_rule_sought){
        .bank = bank, .proto = proto, .port = port, .at = POOL_OF(struct vnl_balancer, balancer, rules)
    };
    n = POOL_OF(struct vnl_balancer, balancer, n_rules);
    (void)bpf_loop(n < BALANCER_RULES_MAX ? n : BALANCER_RULES_MAX, balancer_rule_try, NULL, 0);
    return way->sought.found;
}

__noinline __u32 vnl_balancer_rule_find(__u32 bank, __u32 balancer, __u32 proto, __u32 port)
{
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &bank);

    return vnl_has_sessions && pool ? balancer_rule(pool, bank, balancer, proto, port) : 0;
}

static __always_inline __u64 balancer_alive(const void *pool, __u32 rule)
{
    __u32 n = POOL_OF(struct vnl_balancer_rule, rule, n_backends);
    __u32 element = POOL_OF(struct vnl_balancer_rule, rule, health);
    const volatile struct vnl_health *health = bpf_map_lookup_elem(&vnl_health, &element);
    __u64 all = n >= VNL_BACKENDS_MAX ? ~0ull : (1ull << n) - 1;

    if (!health || health->id != pool_u64(pool, (__u64)rule + offsetof(struct vnl_balancer_rule, health_id)))
        return all;
    return all & health->alive;
}

static __always_inline __u32 count_bits(__u64 word)
{
    word -= word >> 1 & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
    return ((word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56;
}

/* Pool offset of the backend for the packet, or 0 when none is alive. */
__noinline __u32 vnl_balancer_backend(const struct vnl_ask *ask, __u32 rule)
{
    const void *pool;
    __u32 bank, n, nth;
    __u64 alive;
    bool ports;

    if (!vnl_has_sessions || !ask)
        return 0;
    bank = ask->bank;
    pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    if (!pool)
        return 0;
    alive = balancer_alive(pool, rule);
    n = count_bits(alive);
    if (!n)
        return 0;
    ports = has_ports(ask->proto);
    nth = vnl_balancer_hash(ask->src.word[3], ask->dst.word[3], ports ? ask->sport : 0,
                            ports ? ask->dport : 0, ask->proto, pool_u32(pool, rule) >> 8 & 0xff) %
          n;
    for (int i = 0; i < (int)VNL_BACKENDS_MAX && nth; i++, nth--)
        alive &= alive - 1;
    return POOL_OF(struct vnl_balancer_rule, rule, backends) + lowest_bit(alive) * sizeof(struct vnl_backend);
}

static __always_inline bool rule_floats(const void *pool, __u32 rule)
{
    return pool_u32(pool, rule) >> 16 & 0xff;
}

/* Chooses one; into way->out. */
static __always_inline enum vnl_drop balancer_choose(const void *pool, const struct vnl_ask *ask, __u32 rule,
                                                     __u32 *ret)
{
    struct vnl_way *way = way_of_packet();
    __u32 backend = vnl_balancer_backend(ask, rule);

    if (!backend || !way)
        return VNL_DROP_BALANCER_DOWN;
    way->out = POOL_OF(struct vnl_backend, backend, nic);
    *ret = backend;
    return way->out == ask->sender ? VNL_DROP_BALANCER_HAIRPIN : VNL_DROP_NONE;
}

/* The frontend is the next hop: the balancer's HA ports, else the rule that fits. enum vnl_drop. */
__noinline int vnl_balance_next_hop(struct vnl_ask *ask, __u32 balancer)
{
    const void *pool;
    __u32 bank, rule, backend;
    enum vnl_drop drop;

    if (!vnl_has_sessions || !ask)
        return VNL_DROP_BALANCER_DOWN;
    bank = ask->bank;
    pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    if (!pool)
        return VNL_DROP_BALANCER_DOWN;
    drop = ask->fragment ? fragment_ports(ask) : VNL_DROP_NONE;
    if (drop != VNL_DROP_NONE)
        return drop;
    rule = vnl_balancer_rule_find(bank, balancer, 0, 0);
    if (!rule && has_ports(ask->proto))
        rule = vnl_balancer_rule_find(bank, balancer, ask->proto, ask->dport);
    return rule ? balancer_choose(pool, ask, rule, &backend) : VNL_DROP_BALANCER_PORT;
}

static __always_inline enum vnl_drop balancer_begin(const void *pool, struct vnl_ask *ask, __u32 rule)
{
    struct vnl_way *way = way_of_packet();
    struct vnl_session *session;
    enum vnl_drop drop;
    __u32 backend;
    __u16 port;

    if (!way)
        return VNL_DROP_BALANCER_DOWN;
    drop = balancer_choose(pool, ask, rule, &backend);
    if (drop != VNL_DROP_NONE)
        return drop;
    if (rule_floats(pool, rule)) {
        way->floating = true;
        return VNL_DROP_NONE;
    }
    session = &way->enters;
    session->n_ports = 0;
    port = pool_u16(pool, (__u64)rule + offsetof(struct vnl_balancer_rule, backend_port));
    session_other(&session->outer, POOL_OF(struct vnl_backend, backend, addr), port ? port : ask->dport,
                  POOL_OF(struct vnl_backend, backend, nic), VNL_FLOW_INNER, &session->inner);
    return session_begin(ask, session, POOL_OF(struct vnl_balancer_rule, rule, timeout_s));
}

/* The frontend is the destination. enum vnl_drop. */
__noinline int vnl_balance_service(struct vnl_ask *ask, __u32 balancer)
{
    struct vnl_way *way = way_of_packet();
    enum vnl_drop drop = VNL_DROP_NONE;
    struct vnl_session *session;
    __u32 bank, rule, vnet;
    const void *pool;

    if (!vnl_has_sessions || !way || !ask)
        return VNL_DROP_BALANCER_DOWN;
    bank = ask->bank;
    pool = bpf_map_lookup_elem(&vnl_pool, &bank);
    if (!pool)
        return VNL_DROP_BALANCER_DOWN;
    session = &way->enters;
    vnet = POOL_OF(struct vnl_balancer, balancer, vnet);
    if (ask->fragment)
        drop = fragment_ports(ask);
    if (drop != VNL_DROP_NONE)
        return drop;
    if (way->enters_about)
        return enter_error(ask, way);
    rule = has_ports(ask->proto) ? vnl_balancer_rule_find(bank, balancer, ask->proto, ask->dport) : 0;
    if (!rule)
        return VNL_DROP_BALANCER_PORT;
    if (session_find(ask, session, VNL_FLOW_OUTER, vnet)) {
        session->used = true;
        session->opens = false;
        way->out = session->inner.nic;
    } else {
        drop = balancer_begin(pool, ask, rule);
    }
    if (session->used && drop == VNL_DROP_NONE)
        translate_destination(ask, session->inner.local[3], session->inner.local_port);
    return drop;
}

/* Only the instances of an active-active gateway are gateways behind a balancer. What one of them has got and has no tunnel for, it would
 * send to itself, or to its twin, which would send it back. */
static __always_inline enum vnl_drop next_hop_drop(const struct vnl_pkt *pkt, enum vnl_drop drop)
{
    const struct vnl_way *way = way_of_packet();
    const struct vnl_nic_entry *to;

    if (!unlikely(pkt->nic->flags & VNL_NIC_GATEWAY) || !way ||
        (drop != VNL_DROP_NONE && drop != VNL_DROP_BALANCER_HAIRPIN))
        return drop;
    to = nic_lookup(pkt->bank, way->out);
    return to && to->flags & VNL_NIC_GATEWAY ? VNL_DROP_ROUTING_LOOP : drop;
}

static __always_inline enum vnl_drop balancer_balance(struct vnl_pkt *pkt)
{
    const void *pool = bpf_map_lookup_elem(&vnl_pool, &pkt->bank);
    __u32 at = pkt->route.entry.at;

    if (!pool)
        return VNL_DROP_BALANCER_DOWN;
    if (pkt->route.entry.flags & VNL_ROUTE_GLOBAL &&
        POOL_OF(struct vnl_balancer, at, flags) & VNL_BALANCER_BASIC)
        return VNL_DROP_BALANCER_GLOBAL;
    if (pkt->route.entry.kind == VNL_ROUTE_KIND_BALANCER)
        return next_hop_drop(pkt, (enum vnl_drop)vnl_balance_next_hop(&pkt->ask, at));
    enter_about(pkt, POOL_OF(struct vnl_balancer, at, vnet));
    return vnl_balance_service(&pkt->ask, at);
}

/* --- both ways in ---------------------------------------------------------------------------------------------------- */

/* The packet's destination, or its next hop, is no NIC's: who gets it? */
static __always_inline enum vnl_drop stage_enter(struct vnl_pkt *pkt)
{
    const struct vnl_way *way = way_of_packet();
    enum vnl_drop drop;

    if (pkt->receiver || !way)
        return VNL_DROP_NONE;
    way_start(pkt);
    if (pkt->route.entry.kind == VNL_ROUTE_KIND_BALANCER || pkt->route.entry.kind == ROUTE_KIND_SERVICE)
        drop = balancer_balance(pkt);
    else
        drop = enter_public(pkt);
    if (drop != VNL_DROP_NONE)
        return drop;
    pkt->special = true;
    pkt->out = way->out;
    pkt->exempt = way->about;
    pkt->receiver = nic_lookup(pkt->bank, pkt->out);
    return pkt->receiver ? VNL_DROP_NONE : VNL_DROP_NO_OWNER;
}

#endif
