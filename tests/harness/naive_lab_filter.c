#include "naive_lab_parts.h"

#include <netinet/in.h>

#include "vnetlab/base.h"

static const struct vnl_prefix platform = { .addr = { AF_INET, { 168, 63, 129, 16 } }, .len = 32 };

/* Spec 3.5 [E]: what a subnet's own table sends to appliances and gateways is its network, too; whether somebody is there or not. */
static bool in_user_routes(const struct vnl_subnet *subnet, const struct vnl_addr *addr, unsigned shortest)
{
    const struct vnl_udr_table *table = subnet->route_table;

    for (size_t i = 0; table && i < table->n_udrs; i++) {
        const struct vnl_udr *udr = table->udrs[i];

        if ((udr->hop == VNL_UDR_APPLIANCE || udr->hop == VNL_UDR_GATEWAY) && udr->prefix.len >= shortest &&
            naive_inside(&udr->prefix, addr))
            return true;
    }
    return false;
}

/* shortest: routes with shorter prefixes are not asked. */
static bool in_network(const struct vnl_subnet *subnet, const struct vnl_addr *addr, unsigned shortest)
{
    const struct vnl_vnet *vnet = subnet->vnet;

    if (naive_inside_any(vnet->space.items, vnet->space.n, addr) || naive_inside(&platform, addr) ||
        in_user_routes(subnet, addr, shortest))
        return true;
    for (size_t i = 0; i < vnet->n_peerings; i++) {
        if (vnet->peerings[i]->allow_vnet_access && naive_link_prefix(vnet->peerings[i], addr))
            return true;
    }
    return false;
}

static bool in_virtual_network(const struct vnl_subnet *subnet, const struct vnl_addr *addr)
{
    return in_network(subnet, addr, 0);
}

/* Spec 3.5 [E]: a default route in the network takes nothing away from it; of IPv6 the global unicast addresses. */
static bool in_internet(const struct vnl_subnet *subnet, const struct vnl_addr *addr)
{
    static const struct vnl_prefix not_public[] = {
        { { AF_INET, { 0 } }, 8 },         { { AF_INET, { 10 } }, 8 },
        { { AF_INET, { 100, 64 } }, 10 },  { { AF_INET, { 127 } }, 8 },
        { { AF_INET, { 169, 254 } }, 16 }, { { AF_INET, { 172, 16 } }, 12 },
        { { AF_INET, { 192, 168 } }, 16 }, { { AF_INET, { 224 } }, 4 },
        { { AF_INET, { 240 } }, 4 },
    };
    static const struct vnl_prefix global = { { AF_INET6, { 0x20 } }, 3 };

    if (in_network(subnet, addr, 1))
        return false;
    if (addr->family == AF_INET6)
        return naive_inside(&global, addr);
    return !naive_inside_any(not_public, ARRAY_SIZE(not_public), addr);
}

static bool in_tag(enum vnl_tag tag, const struct vnl_subnet *subnet, const struct vnl_addr *addr)
{
    if (tag == VNL_TAG_VIRTUAL_NETWORK)
        return in_virtual_network(subnet, addr);
    if (tag == VNL_TAG_INTERNET)
        return in_internet(subnet, addr);
    return tag == VNL_TAG_AZURE_LOAD_BALANCER && naive_inside(&platform, addr);
}

/* Spec 3.6: members are in one VNet, and nowhere else a group means anybody. */
static bool in_groups(const struct vnl_rule_side *side, const struct vnl_vnet *vnet,
                      const struct vnl_addr *addr)
{
    for (size_t i = 0; i < side->n_asgs; i++) {
        for (size_t k = 0; side->asgs[i]->vnet == vnet && k < side->asgs[i]->n_nics; k++) {
            if (naive_nic_owns(side->asgs[i]->nics[k], addr))
                return true;
        }
    }
    return false;
}

static bool side_has(const struct vnl_rule_side *side, const struct vnl_subnet *subnet,
                     const struct vnl_addr *addr)
{
    if (side->tag != VNL_TAG_NONE)
        return in_tag(side->tag, subnet, addr);
    if (side->asg_refs.n > 0)
        return in_groups(side, subnet->vnet, addr);
    return side->prefixes.n == 0 || naive_inside_any(side->prefixes.items, side->prefixes.n, addr);
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

/* Spec 3.2. */
static struct naive_judgement decide_default(const struct vnl_subnet *subnet, enum vnl_direction direction,
                                             const struct vnl_addr *src, const struct vnl_addr *dst)
{
    bool in = direction == VNL_INBOUND;

    if (in_virtual_network(subnet, src) && in_virtual_network(subnet, dst))
        return (struct naive_judgement){ true, in ? "AllowVnetInBound" : "AllowVnetOutBound" };
    if (in && naive_inside(&platform, src))
        return (struct naive_judgement){ true, "AllowAzureLoadBalancerInBound" };
    if (!in && in_internet(subnet, dst))
        return (struct naive_judgement){ true, "AllowInternetOutBound" };
    return (struct naive_judgement){ false, in ? "DenyAllInBound" : "DenyAllOutBound" };
}

/* Spec 3.3. */
struct naive_judgement naive_judge(const struct vnl_nsg *nsg, const struct vnl_subnet *subnet,
                                   enum vnl_direction direction, const struct naive_flow *flow,
                                   const struct vnl_addr *src)
{
    const struct vnl_rule *best = NULL;

    if (!nsg)
        return (struct naive_judgement){ true, NULL };
    for (size_t i = 0; i < nsg->n_rules; i++) {
        const struct vnl_rule *rule = nsg->rules[i];

        if (rule->direction != direction || (best && best->priority < rule->priority))
            continue;
        if (proto_fits(rule, flow) && side_has(&rule->source, subnet, src) &&
            side_has(&rule->destination, subnet, &flow->dst))
            best = rule;
    }
    if (best)
        return (struct naive_judgement){ best->access == VNL_ALLOW, best->name };
    return decide_default(subnet, direction, src, &flow->dst);
}
