#include "naive_lab.h"

#include <netinet/in.h>
#include <string.h>

#include "vnetlab/base.h"

/* --- addresses --------------------------------------------------------------------------------------------------------- */

static bool bit_at(const uint8_t *bytes, unsigned i)
{
    return bytes[i / 8] >> (7 - i % 8) & 1;
}

static bool inside(const struct vnl_prefix *prefix, const struct vnl_addr *addr)
{
    if (prefix->addr.family != addr->family)
        return false;
    for (unsigned i = 0; i < prefix->len; i++) {
        if (bit_at(prefix->addr.bytes, i) != bit_at(addr->bytes, i))
            return false;
    }
    return true;
}

static bool inside_any(const struct vnl_prefix *prefixes, size_t n, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < n; i++) {
        if (inside(&prefixes[i], addr))
            return true;
    }
    return false;
}

static bool same(const struct vnl_addr *a, const struct vnl_addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, 16) == 0;
}

static bool owns(const struct vnl_nic *nic, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (same(&nic->configs[i].addr, addr))
            return true;
    }
    return false;
}

static const struct vnl_addr *source_of(const struct vnl_nic *nic, uint16_t family)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (nic->configs[i].addr.family == family)
            return &nic->configs[i].addr;
    }
    return NULL;
}

static const struct vnl_prefix platform = { .addr = { AF_INET, { 168, 63, 129, 16 } }, .len = 32 };

/* --- peerings ---------------------------------------------------------------------------------------------------------- */

static const struct vnl_peering *link_between(const struct vnl_vnet *from, const struct vnl_vnet *to)
{
    for (size_t i = 0; i < from->n_peerings; i++) {
        if (from->peerings[i]->remote == to && from->peerings[i]->state == VNL_PEERING_CONNECTED)
            return from->peerings[i];
    }
    return NULL;
}

/* The prefix of the link, in force there, that has the address. */
static const struct vnl_prefix *link_prefix(const struct vnl_peering *link, const struct vnl_addr *addr)
{
    if (link->state != VNL_PEERING_CONNECTED || (link->only_ipv6 && addr->family != AF_INET6))
        return NULL;
    for (size_t i = 0; i < link->remote_space.n; i++) {
        if (inside(&link->remote_space.items[i], addr))
            return &link->remote_space.items[i];
    }
    return NULL;
}

/* --- rules ------------------------------------------------------------------------------------------------------------- */

static bool in_virtual_network(const struct vnl_vnet *vnet, const struct vnl_addr *addr)
{
    if (inside_any(vnet->space.items, vnet->space.n, addr) || inside(&platform, addr))
        return true;
    for (size_t i = 0; i < vnet->n_peerings; i++) {
        if (vnet->peerings[i]->allow_vnet_access && link_prefix(vnet->peerings[i], addr))
            return true;
    }
    return false;
}

/* Spec 3.5 [E]; of IPv6 the global unicast addresses. */
static bool in_internet(const struct vnl_vnet *vnet, const struct vnl_addr *addr)
{
    static const struct vnl_prefix not_public[] = {
        { { AF_INET, { 0 } }, 8 },         { { AF_INET, { 10 } }, 8 },
        { { AF_INET, { 100, 64 } }, 10 },  { { AF_INET, { 127 } }, 8 },
        { { AF_INET, { 169, 254 } }, 16 }, { { AF_INET, { 172, 16 } }, 12 },
        { { AF_INET, { 192, 168 } }, 16 }, { { AF_INET, { 224 } }, 4 },
        { { AF_INET, { 240 } }, 4 },
    };
    static const struct vnl_prefix global = { { AF_INET6, { 0x20 } }, 3 };

    if (in_virtual_network(vnet, addr))
        return false;
    if (addr->family == AF_INET6)
        return inside(&global, addr);
    return !inside_any(not_public, ARRAY_SIZE(not_public), addr);
}

static bool in_tag(enum vnl_tag tag, const struct vnl_vnet *vnet, const struct vnl_addr *addr)
{
    if (tag == VNL_TAG_VIRTUAL_NETWORK)
        return in_virtual_network(vnet, addr);
    if (tag == VNL_TAG_INTERNET)
        return in_internet(vnet, addr);
    return tag == VNL_TAG_AZURE_LOAD_BALANCER && inside(&platform, addr);
}

/* Spec 3.6: members are in one VNet, and nowhere else a group means anybody. */
static bool in_groups(const struct vnl_rule_side *side, const struct vnl_vnet *vnet,
                      const struct vnl_addr *addr)
{
    for (size_t i = 0; i < side->n_asgs; i++) {
        for (size_t k = 0; side->asgs[i]->vnet == vnet && k < side->asgs[i]->n_nics; k++) {
            if (owns(side->asgs[i]->nics[k], addr))
                return true;
        }
    }
    return false;
}

static bool side_has(const struct vnl_rule_side *side, const struct vnl_vnet *vnet,
                     const struct vnl_addr *addr)
{
    if (side->tag != VNL_TAG_NONE)
        return in_tag(side->tag, vnet, addr);
    if (side->asg_refs.n > 0)
        return in_groups(side, vnet, addr);
    return side->prefixes.n == 0 || inside_any(side->prefixes.items, side->prefixes.n, addr);
}

static bool port_fits(const struct vnl_rule_side *side, uint16_t port)
{
    for (size_t i = 0; i < side->ports.n; i++) {
        if (side->ports.items[i].first <= port && port <= side->ports.items[i].last)
            return true;
    }
    return side->ports.n == 0;
}

static bool proto_fits(const struct vnl_rule *rule, const struct naive_flow *flow)
{
    static const uint8_t numbers[VNL_RULE_PROTO_MAX] = {
        [VNL_RULE_TCP] = 6, [VNL_RULE_UDP] = 17, [VNL_RULE_ICMP] = 1, [VNL_RULE_ESP] = 50, [VNL_RULE_AH] = 51
    };
    bool names_ports = rule->source.ports.n > 0 || rule->destination.ports.n > 0;

    if (rule->proto != VNL_RULE_ANY && numbers[rule->proto] != flow->proto)
        return false;
    if (flow->proto == 6 || flow->proto == 17)
        return port_fits(&rule->source, flow->sport) && port_fits(&rule->destination, flow->dport);
    return rule->proto != VNL_RULE_ANY || !names_ports;
}

struct decision {
    bool allow;
    const char *rule;
};

/* Spec 3.2. */
static struct decision decide_default(const struct vnl_vnet *vnet, enum vnl_direction direction,
                                      const struct vnl_addr *src, const struct vnl_addr *dst)
{
    bool in = direction == VNL_INBOUND;

    if (in_virtual_network(vnet, src) && in_virtual_network(vnet, dst))
        return (struct decision){ true, in ? "AllowVnetInBound" : "AllowVnetOutBound" };
    if (in && inside(&platform, src))
        return (struct decision){ true, "AllowAzureLoadBalancerInBound" };
    if (!in && in_internet(vnet, dst))
        return (struct decision){ true, "AllowInternetOutBound" };
    return (struct decision){ false, in ? "DenyAllInBound" : "DenyAllOutBound" };
}

/* Spec 3.3. */
static struct decision decide(const struct vnl_nsg *nsg, const struct vnl_vnet *vnet,
                              enum vnl_direction direction, const struct naive_flow *flow,
                              const struct vnl_addr *src)
{
    const struct vnl_rule *best = NULL;

    if (!nsg)
        return (struct decision){ true, NULL };
    for (size_t i = 0; i < nsg->n_rules; i++) {
        const struct vnl_rule *rule = nsg->rules[i];

        if (rule->direction != direction || (best && best->priority < rule->priority))
            continue;
        if (proto_fits(rule, flow) && side_has(&rule->source, vnet, src) &&
            side_has(&rule->destination, vnet, &flow->dst))
            best = rule;
    }
    if (best)
        return (struct decision){ best->access == VNL_ALLOW, best->name };
    return decide_default(vnet, direction, src, &flow->dst);
}

/* --- routes ------------------------------------------------------------------------------------------------------------ */

struct route {
    int len; /* -1: none */
    enum vnl_drop reason;
    const struct vnl_vnet *to;
};

static void take(struct route *best, int len, enum vnl_drop reason, const struct vnl_vnet *to)
{
    if (len > best->len)
        *best = (struct route){ len, reason, to };
}

static bool has_inside(const struct vnl_prefixes *list, const struct vnl_prefix *prefix)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].len <= prefix->len && inside(&list->items[i], &prefix->addr))
            return true;
    }
    return false;
}

/* Spec 4.1 and 4.5: private space is dropped, unless it lies in a range that the VNet or a peer has. */
static bool is_owned(const struct vnl_vnet *vnet, const struct vnl_prefix *prefix)
{
    bool owned = has_inside(&vnet->space, prefix);

    for (size_t i = 0; i < vnet->n_peerings; i++)
        owned |= vnet->peerings[i]->state == VNL_PEERING_CONNECTED &&
                 has_inside(&vnet->peerings[i]->remote_space, prefix);
    return owned;
}

static struct route route_to(const struct vnl_vnet *vnet, const struct vnl_addr *dst)
{
    static const struct vnl_prefix reserved[] = {
        { { AF_INET, { 10 } }, 8 },
        { { AF_INET, { 172, 16 } }, 12 },
        { { AF_INET, { 192, 168 } }, 16 },
        { { AF_INET, { 100, 64 } }, 10 },
    };
    struct route best = { .len = -1, .reason = VNL_DROP_NO_ROUTE };

    for (size_t i = 0; i < vnet->space.n; i++) {
        if (inside(&vnet->space.items[i], dst))
            take(&best, vnet->space.items[i].len, VNL_DROP_NONE, vnet);
    }
    for (size_t i = 0; i < vnet->n_peerings; i++) {
        const struct vnl_prefix *prefix = link_prefix(vnet->peerings[i], dst);

        if (prefix)
            take(&best, prefix->len, VNL_DROP_NONE, vnet->peerings[i]->remote);
    }
    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
        if (inside(&reserved[i], dst) && !is_owned(vnet, &reserved[i]))
            take(&best, reserved[i].len, VNL_DROP_NO_ROUTE, NULL);
    }
    take(&best, 0, VNL_DROP_NO_INTERNET, NULL);
    return best;
}

/* --- the way ----------------------------------------------------------------------------------------------------------- */

static const struct vnl_nic *owner_of(const struct vnl_lab *lab, const struct vnl_vnet *vnet,
                                      const struct vnl_addr *addr)
{
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            const struct vnl_nic *nic = lab->vms[i]->nics[k];

            if (nic->subnet->vnet == vnet && owns(nic, addr))
                return nic;
        }
    }
    return NULL;
}

/* Spec 2.5 [E]: a NIC without security groups treats a peer whose flag is off as if it had the default rules. */
static bool access_denied(const struct vnl_lab *lab, const struct vnl_nic *nic, const struct vnl_vnet *other)
{
    const struct vnl_vnet *vnet = nic->subnet->vnet;
    const struct vnl_peering *link = vnet != other ? link_between(vnet, other) : NULL;

    return lab->peering_access == VNL_ACCESS_DOCUMENTED && link && !link->allow_vnet_access && !nic->nsg &&
           !nic->subnet->nsg;
}

static struct naive_way way(const struct vnl_lab *lab, const struct naive_flow *flow,
                            const struct vnl_addr *src, bool rules)
{
    const struct vnl_nic *from = flow->nic, *to;
    const struct vnl_vnet *home = from->subnet->vnet, *away;
    struct decision first = { true, NULL }, second = { true, NULL };
    struct route route = route_to(home, &flow->dst);

    if (rules) {
        first = decide(from->nsg, home, VNL_OUTBOUND, flow, src);
        second = decide(from->subnet->nsg, home, VNL_OUTBOUND, flow, src);
    }
    if (!first.allow || !second.allow)
        return (struct naive_way){ VNL_DROP_NSG_OUTBOUND, from, first.allow ? second.rule : first.rule };
    if (route.reason != VNL_DROP_NONE)
        return (struct naive_way){ route.reason, from, NULL };
    away = route.to;
    if (rules && access_denied(lab, from, away))
        return (struct naive_way){ VNL_DROP_PEERING_ACCESS, from, NULL };
    to = owner_of(lab, away, &flow->dst);
    if (!to)
        return (struct naive_way){ VNL_DROP_NO_OWNER, from, NULL };
    if (rules && access_denied(lab, to, home))
        return (struct naive_way){ VNL_DROP_PEERING_ACCESS, to, NULL };
    if (rules) {
        first = decide(to->subnet->nsg, away, VNL_INBOUND, flow, src);
        second = decide(to->nsg, away, VNL_INBOUND, flow, src);
    }
    if (!first.allow || !second.allow)
        return (struct naive_way){ VNL_DROP_NSG_INBOUND, to, first.allow ? second.rule : first.rule };
    return (struct naive_way){ VNL_DROP_NONE, to, NULL };
}

struct naive_way naive_lab_forward(const struct vnl_lab *lab, const struct naive_flow *flow)
{
    return way(lab, flow, source_of(flow->nic, flow->dst.family), true);
}

struct naive_way naive_lab_reply(const struct vnl_lab *lab, const struct naive_flow *flow,
                                 const struct vnl_nic *to)
{
    const struct vnl_addr *src = source_of(flow->nic, flow->dst.family);
    struct naive_flow back = {
        .nic = to, .dst = *src, .proto = flow->proto, .sport = flow->dport, .dport = flow->sport
    };

    return way(lab, &back, &flow->dst, false);
}
