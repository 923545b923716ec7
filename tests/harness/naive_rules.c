#include "naive_rules.h"

static bool bit_of(const uint8_t *bytes, unsigned i)
{
    return bytes[i / 8] & (0x80u >> i % 8);
}

static bool prefix_matches(const struct vnl_prefix *prefix, const struct vnl_addr *addr)
{
    if (prefix->addr.family != addr->family)
        return false;
    for (unsigned i = 0; i < prefix->len; i++)
        if (bit_of(prefix->addr.bytes, i) != bit_of(addr->bytes, i))
            return false;
    return true;
}

static bool addr_matches(const struct vnl_plan_side *side, const struct vnl_addr *addr)
{
    bool found = side->any;

    for (size_t i = 0; i < side->n_prefixes; i++)
        found = found || prefix_matches(&side->prefixes[i], addr);
    return found;
}

static bool port_matches(const struct vnl_plan_side *side, uint16_t port)
{
    bool found = side->n_ports == 0;

    for (size_t i = 0; i < side->n_ports; i++)
        found = found || (port >= side->ports[i].first && port <= side->ports[i].last);
    return found;
}

/* Does the rule leave the port open? Only then can it mean a packet that has none. */
static bool names_no_port(const struct vnl_plan_side *side)
{
    for (size_t i = 0; i < side->n_ports; i++)
        if (side->ports[i].first == 0 && side->ports[i].last == 65535)
            return true;
    return side->n_ports == 0;
}

static bool proto_and_ports_match(const struct vnl_plan_rule *rule, const struct naive_packet *packet)
{
    uint8_t proto = packet->proto == 58 ? 1 : packet->proto;

    if (rule->proto != 0 && rule->proto != proto)
        return false;
    if (proto == 6 || proto == 17)
        return port_matches(&rule->source, packet->src_port) &&
               port_matches(&rule->destination, packet->dst_port);
    return rule->proto != 0 || (names_no_port(&rule->source) && names_no_port(&rule->destination));
}

int naive_rule(const struct vnl_plan_rules *rules, bool inbound, const struct naive_packet *packet)
{
    size_t first = inbound ? 0 : rules->n_inbound, n = inbound ? rules->n_inbound : rules->n_outbound;

    for (size_t i = 0; i < n; i++) {
        const struct vnl_plan_rule *rule = &rules->rules[first + i];

        if (addr_matches(&rule->source, &packet->src) && addr_matches(&rule->destination, &packet->dst) &&
            proto_and_ports_match(rule, packet))
            return (int)i;
    }
    return -1;
}
