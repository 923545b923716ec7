#include "rule_sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"

static unsigned below(unsigned n)
{
    return (unsigned)rand() % n;
}

static void clear_host(struct vnl_prefix *prefix)
{
    for (unsigned i = prefix->len; i < 128; i++)
        prefix->addr.bytes[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
}

/* --- prefixes ------------------------------------------------------------------------------------------------- */

static struct vnl_prefix nested(uint16_t family)
{
    struct vnl_prefix prefix = { .addr = { family, { 10 } } };

    prefix.len = (uint8_t)(family == AF_INET ? 8 + below(25) : 8 + below(121));
    if (below(4) == 0)
        prefix.addr.bytes[(prefix.len - 1) / 8] |= (uint8_t)(0x80u >> (prefix.len - 1) % 8);
    clear_host(&prefix);
    return prefix;
}

static struct vnl_prefix touching(uint16_t family)
{
    unsigned byte = family == AF_INET ? 3 : 15;
    struct vnl_prefix prefix = { .addr = { family, { 192, 168 } },
                                 .len = (uint8_t)(byte * 8 + 4 + below(5)) };

    prefix.addr.bytes[byte] = (uint8_t)below(256);
    clear_host(&prefix);
    return prefix;
}

static struct vnl_prefix ends(uint16_t family)
{
    unsigned bits = vnl_addr_bits(family);
    const uint8_t lens[] = { 0, 1, (uint8_t)(bits - 1), (uint8_t)bits };
    struct vnl_prefix prefix = { .addr.family = family, .len = lens[below(4)] };

    if (below(2))
        memset(prefix.addr.bytes, 0xff, bits / 8);
    clear_host(&prefix);
    return prefix;
}

/* Apart by a multiplication that never meets itself: two in IPv4 have a gap between them. */
static struct vnl_prefix apart(uint16_t family)
{
    static uint32_t count;
    uint32_t x = ++count * 0x9e3779b1u;
    struct vnl_prefix prefix = { .addr = { family, { x >> 24, x >> 16, x >> 8, x } },
                                 .len = family == AF_INET ? 32 : 64 };

    return prefix;
}

static struct vnl_prefix make_prefix(enum rule_flavor flavor, uint16_t family)
{
    switch (flavor) {
    case RULES_NESTED:
        return nested(family);
    case RULES_TOUCHING:
        return touching(family);
    case RULES_ENDS:
        return ends(family);
    case RULES_APART:
        return apart(family);
    case RULES_SCATTERED:
    case RULE_FLAVOR_MAX:
        break;
    }
    return tables_random_prefix(family);
}

/* --- ports ------------------------------------------------------------------------------------------------------ */

static struct vnl_plan_ports make_ports(enum rule_flavor flavor)
{
    static const uint16_t edges[] = { 0, 1, 65534, 65535 };
    uint16_t a = (uint16_t)below(65536), b = (uint16_t)below(65536);

    switch (flavor) {
    case RULES_NESTED:
        a = (uint16_t)below(100);
        b = (uint16_t)(65535 - below(100));
        break;
    case RULES_TOUCHING:
        a = (uint16_t)(100 * below(10));
        b = (uint16_t)(a + 99);
        break;
    case RULES_ENDS:
        a = edges[below(4)];
        b = edges[below(4)];
        break;
    case RULES_APART:
    case RULES_SCATTERED:
    case RULE_FLAVOR_MAX:
        if (below(2))
            b = a;
        break;
    }
    return (struct vnl_plan_ports){ .first = a < b ? a : b, .last = a < b ? b : a };
}

/* --- rules ------------------------------------------------------------------------------------------------------- */

static void make_side(struct vnl_plan_side *side, enum rule_flavor flavor, uint16_t family, size_t n_prefixes)
{
    side->text = strdup("test");
    side->any = flavor != RULES_APART && below(6) == 0;
    side->prefixes = calloc(n_prefixes + 1, sizeof(*side->prefixes));
    for (size_t i = 0; i < n_prefixes && !side->any; i++)
        side->prefixes[side->n_prefixes++] = make_prefix(flavor, family);
    side->n_ports = below(2) ? 0 : 1 + below(3);
    side->ports = calloc(side->n_ports + 1, sizeof(*side->ports));
    for (size_t i = 0; i < side->n_ports; i++)
        side->ports[i] = make_ports(flavor);
}

static void make_rule(struct vnl_plan_rule *rule, enum rule_flavor flavor, size_t n_prefixes)
{
    static const uint8_t protos[] = { 0, 0, 6, 6, 17, 1, 50, 51 };
    uint16_t family = below(3) ? AF_INET : AF_INET6;
    size_t few = n_prefixes < 3 ? n_prefixes : 3;

    rule->name = strdup("rule");
    rule->allow = below(2);
    rule->proto = protos[below(sizeof(protos))];
    make_side(&rule->source, flavor, family, below(2) ? n_prefixes : few);
    make_side(&rule->destination, flavor, family, below(2) ? n_prefixes : few);
}

static void make_last(struct vnl_plan_rule *rule)
{
    rule->name = strdup("DenyAll");
    rule->is_default = true;
    rule->source = (struct vnl_plan_side){ .text = strdup("0.0.0.0/0"), .any = true };
    rule->destination = (struct vnl_plan_side){ .text = strdup("0.0.0.0/0"), .any = true };
}

struct vnl_plan_rules *rule_sets_build(enum rule_flavor flavor, size_t n_rules, size_t n_prefixes)
{
    struct vnl_plan_rules *rules = calloc(1, sizeof(*rules));

    rules->key = strdup("test in vnet-0");
    rules->nsg = strdup("test");
    rules->nsg_name = strdup("test");
    rules->n_inbound = rules->n_outbound = n_rules;
    rules->rules = calloc(2 * n_rules, sizeof(*rules->rules));
    for (size_t i = 0; i < 2 * n_rules; i++) {
        struct vnl_plan_rule *rule = &rules->rules[i];
        size_t n = n_prefixes / n_rules + (i % n_rules < n_prefixes % n_rules);

        if (i % n_rules == n_rules - 1)
            make_last(rule);
        else
            make_rule(rule, flavor, n);
        rule->inbound = i < n_rules;
        rule->priority = 100 + (int)(i % n_rules);
        rule->counter = (uint32_t)i;
    }
    return rules;
}

static void side_done(struct vnl_plan_side *side)
{
    free(side->text);
    free(side->prefixes);
    free(side->ports);
}

void rule_sets_free(struct vnl_plan_rules **ret)
{
    struct vnl_plan_rules *rules = *ret;

    if (!rules)
        return;
    for (size_t i = 0; i < rules->n_inbound + rules->n_outbound; i++) {
        free(rules->rules[i].name);
        side_done(&rules->rules[i].source);
        side_done(&rules->rules[i].destination);
    }
    free(rules->rules);
    free(rules->key);
    free(rules->nsg);
    free(rules->nsg_name);
    free(rules);
    *ret = NULL;
}

/* --- packets ----------------------------------------------------------------------------------------------------- */

struct naive_packet rule_sets_packet(const struct vnl_plan_rules *rules)
{
    static const uint8_t protos[] = { 6, 6, 6, 17, 17, 1, 58, 50, 51, 47 };
    uint16_t family = below(3) ? AF_INET : AF_INET6;
    struct naive_packet packet = {
        .src = tables_random_prefix(family).addr,
        .dst = tables_random_prefix(family).addr,
        .proto = protos[below(sizeof(protos))],
        .src_port = (uint16_t)below(65536),
        .dst_port = (uint16_t)below(65536),
    };

    (void)rules;
    return packet;
}

/* One below, on, or above; at an end of the address space it wraps around. */
static struct vnl_addr beside(struct vnl_addr addr)
{
    return below(3) ? addr : vnl_addr_add(&addr, below(2) ? 1 : UINT64_MAX);
}

static void take_addr(struct vnl_addr *ret, const struct vnl_plan_side *side)
{
    const struct vnl_prefix *prefix;

    if (side->n_prefixes == 0)
        return;
    prefix = &side->prefixes[below((unsigned)side->n_prefixes)];
    if (prefix->addr.family == ret->family)
        *ret = beside(below(2) ? vnl_prefix_first(prefix) : vnl_prefix_last(prefix));
}

static void take_port(uint16_t *ret, const struct vnl_plan_side *side)
{
    const struct vnl_plan_ports *ports;

    if (side->n_ports == 0)
        return;
    ports = &side->ports[below((unsigned)side->n_ports)];
    *ret = (uint16_t)((below(2) ? ports->first : ports->last) + (below(3) ? 0 : below(2) ? 1 : -1));
}

struct naive_packet rule_sets_border_packet(const struct vnl_plan_rules *rules)
{
    struct naive_packet packet = rule_sets_packet(rules);
    unsigned n = (unsigned)(rules->n_inbound + rules->n_outbound);
    const struct vnl_plan_rule *a = &rules->rules[below(n)], *b = below(3) ? a : &rules->rules[below(n)];

    if (a->proto && below(4))
        packet.proto = a->proto;
    if (a->source.n_prefixes && a->source.prefixes[0].addr.family != packet.src.family) {
        packet.src = packet.dst = a->source.prefixes[0].addr;
        packet.dst.bytes[0] ^= 1;
    }
    take_addr(&packet.src, &a->source);
    take_addr(&packet.dst, &b->destination);
    take_port(&packet.src_port, &a->source);
    take_port(&packet.dst_port, &b->destination);
    return packet;
}

const char *rule_sets_packet_text(const struct naive_packet *packet, char buf[160])
{
    char src[VNL_ADDR_STR], dst[VNL_ADDR_STR];

    snprintf(buf, 160, "protocol %u %s port %u -> %s port %u", packet->proto,
             vnl_addr_format(&packet->src, src), packet->src_port, vnl_addr_format(&packet->dst, dst),
             packet->dst_port);
    return buf;
}
