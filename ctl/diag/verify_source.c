/* What is refused before any rule of the user is asked, and what kinds of addresses there are. */
#include <netinet/in.h>

#include "vnetlab/base.h"
#include "walk.h"

static const struct vnl_addr platform_dns = { AF_INET, { 168, 63, 129, 16 } };
static const struct vnl_addr platform_imds = { AF_INET, { 169, 254, 169, 254 } };

bool vnl_addr_is_platform(const struct vnl_addr *addr)
{
    return vnl_addr_eq(addr, &platform_dns) || vnl_addr_eq(addr, &platform_imds);
}

bool vnl_proto_has_ports(uint8_t proto)
{
    return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

bool vnl_nic_owns(const struct vnl_plan_nic *nic, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < nic->n_addrs; i++)
        if (vnl_addr_eq(&nic->addrs[i].addr, addr))
            return true;
    return false;
}

const struct vnl_addr *vnl_nic_own_addr(const struct vnl_plan_nic *nic, uint16_t family)
{
    for (size_t i = 0; i < nic->n_addrs; i++)
        if (nic->addrs[i].addr.family == family)
            return &nic->addrs[i].addr;
    return NULL;
}

/* Loopback, "this network", link-local and the like: in no VNet's space, though an internet route may cover them. */
bool vnl_addr_is_unroutable(const struct vnl_addr *addr)
{
    static const struct vnl_prefix nowhere[] = {
        { .addr = { AF_INET, { 0 } }, .len = 8 },
        { .addr = { AF_INET, { 127 } }, .len = 8 },
        { .addr = { AF_INET6, { 0 } }, .len = 127 },
        { .addr = { AF_INET6, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } }, .len = 96 },
        { .addr = { AF_INET6, { 0xfe, 0x80 } }, .len = 10 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++)
        if (vnl_prefix_has(&nowhere[i], addr))
            return true;
    return false;
}

bool vnl_addr_is_broadcast(const struct vnl_addr *addr)
{
    static const struct vnl_addr all = { AF_INET, { 255, 255, 255, 255 } };

    return vnl_addr_eq(addr, &all);
}

bool vnl_addr_is_group(const struct vnl_addr *addr)
{
    return addr->family == AF_INET ? addr->bytes[0] >> 4 == 14 : addr->bytes[0] == 0xff;
}

static bool is_carried(uint8_t proto)
{
    return vnl_proto_has_ports(proto) || proto == IPPROTO_ICMP || proto == IPPROTO_ESP || proto == IPPROTO_AH;
}

static bool is_dhcp_port(uint16_t port)
{
    return port == 67 || port == 68;
}

/* Spec 1.7. */
static bool is_reserved(const struct vnl_flow_query *flow)
{
    return flow->proto == IPPROTO_UDP && (flow->src_port == 65330 || flow->dst_port == 4791 ||
                                          (is_dhcp_port(flow->src_port) && is_dhcp_port(flow->dst_port)));
}

static bool answers_for(const struct vnl_plan_lb_rule *rule, const struct vnl_flow_query *flow)
{
    bool member = false;

    for (size_t i = 0; i < rule->n_backends; i++)
        member |= rule->backends[i].nic == flow->nic;
    return member && rule->floating;
}

/* The rule that decides about the frontend's port, as bpf/stands.h has it. */
static bool is_floating_answer(const struct vnl_plan_balancer *balancer, const struct vnl_flow_query *flow)
{
    for (size_t i = 0; i < balancer->n_rules; i++) {
        const struct vnl_plan_lb_rule *rule = &balancer->rules[i];

        if (!rule->proto || (rule->proto == flow->proto && rule->frontend_port == flow->src_port))
            return answers_for(rule, flow);
    }
    return false;
}

bool vnl_walk_is_own(const struct vnl_walk *walk)
{
    const struct vnl_flow_query *flow = &walk->flow;
    const struct vnl_plan_nic *nic = &walk->plan->nics[flow->nic];

    if (vnl_nic_owns(nic, &flow->src))
        return true;
    for (size_t i = 0; i < walk->plan->n_balancers && vnl_proto_has_ports(flow->proto); i++) {
        const struct vnl_plan_balancer *balancer = &walk->plan->balancers[i];

        if (balancer->vnet == nic->vnet && vnl_addr_eq(&balancer->addr, &flow->src))
            return is_floating_answer(balancer, flow);
    }
    return false;
}

/* What came out of a tunnel says that it is from inside, or from whom it is for. */
static bool is_forged(const struct vnl_walk *walk)
{
    const struct vnl_flow_query *flow = &walk->flow;
    const struct vnl_plan_vnet *vnet = &walk->plan->vnets[walk->plan->nics[flow->nic].vnet];

    for (size_t i = 0; i < vnet->n_space; i++)
        if (vnl_prefix_has(&vnet->space[i], &flow->src))
            return true;
    return vnl_addr_eq(&flow->src, &flow->dst);
}

static bool is_spoofed(const struct vnl_walk *walk)
{
    const struct vnl_addr *src = &walk->flow.src;
    uint32_t nic = walk->flow.nic;

    if (vnl_addr_is_unroutable(src) || vnl_addr_is_group(src) || vnl_addr_is_broadcast(src) ||
        vnl_addr_is_platform(src))
        return true;
    if (nic == VNL_VERIFY_NOBODY || nic == walk->excused || vnl_walk_is_own(walk))
        return false;
    return walk->plan->nics[nic].gateway ? is_forged(walk) : !walk->plan->nics[nic].ip_forwarding;
}

/* What the platform answers: DNS, answers to health probes, instance metadata (spec 1.8). The internet side has none of it. */
static bool is_served(const struct vnl_walk *walk)
{
    const struct vnl_flow_query *flow = &walk->flow;
    struct vnl_place place = vnl_walk_place(walk, flow->nic);

    if (walk->plan->vnets[place.vnet].internet || !vnl_proto_has_ports(flow->proto))
        return false;
    if (vnl_addr_eq(&flow->dst, &platform_imds))
        return flow->proto == IPPROTO_TCP && flow->dst_port == 80;
    return flow->dst_port == 53 || (flow->proto == IPPROTO_TCP && flow->dst_port >= VNL_PROBE_PORT_MIN);
}

/* Spec 0, steps 3 to 6. */
void vnl_walk_source(struct vnl_walk *walk)
{
    const struct vnl_flow_query *flow = &walk->flow;
    const struct {
        bool drops;
        enum vnl_drop reason;
    } gates[] = {
        { vnl_addr_is_broadcast(&flow->dst), VNL_DROP_BROADCAST },
        { vnl_addr_is_group(&flow->dst), VNL_DROP_MULTICAST },
        { is_spoofed(walk), VNL_DROP_SPOOFED_SOURCE },
        { !is_carried(flow->proto), VNL_DROP_PROTOCOL },
        { is_reserved(flow), VNL_DROP_RESERVED_PORT },
        { vnl_addr_is_platform(&flow->dst) && !is_served(walk), VNL_DROP_PLATFORM_ADDRESS },
    };

    for (size_t i = 0; i < ARRAY_SIZE(gates); i++)
        if (gates[i].drops)
            vnl_say_source(walk, vnl_walk_step(walk, VNL_VERIFY_SOURCE, flow->nic, gates[i].reason));
}

void vnl_walk_platform(struct vnl_walk *walk)
{
    bool imds = vnl_addr_eq(&walk->flow.dst, &platform_imds);

    if (is_served(walk))
        vnl_say(walk, &vnl_walk_step(walk, VNL_VERIFY_DELIVER, walk->flow.nic, VNL_DROP_NONE)->text,
                "the platform's %s", imds ? "instance metadata" : "virtual IP address");
}
