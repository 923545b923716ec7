/* Decoding of a dropped packet's head. Nothing in it can be relied on: broken packets are what is dropped most. So every read asks first
 * whether the bytes are there, and what cannot be read is left out. */
#include "vnetlab/event.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/plan.h"

#define ETHERTYPE_IP4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IP6 0x86dd
#define ETHER_SIZE    14u
#define IP4_SIZE      20u
#define IP6_SIZE      40u
#define FRAGMENT_SIZE 8u

struct head {
    const uint8_t *bytes;
    size_t size;
};

static bool has(const struct head *head, size_t at, size_t size)
{
    return at <= head->size && size <= head->size - at;
}

static unsigned get16(const struct head *head, size_t at)
{
    return (unsigned)head->bytes[at] << 8 | head->bytes[at + 1];
}

static void get_addr(const struct head *head, size_t at, uint16_t family, struct vnl_addr *ret)
{
    *ret = (struct vnl_addr){ .family = family };
    memcpy(ret->bytes, head->bytes + at, vnl_addr_bits(family) / 8);
}

/* --- transport ---------------------------------------------------------------------------------------- */

static void name_proto(struct vnl_event_packet *ret, unsigned proto)
{
    static const struct {
        unsigned proto;
        const char *name;
    } names[] = {
        { IPPROTO_TCP, "tcp" },      { IPPROTO_UDP, "udp" }, { IPPROTO_ICMP, "icmp" },
        { IPPROTO_ICMPV6, "icmp6" }, { IPPROTO_ESP, "esp" }, { IPPROTO_AH, "ah" },
    };

    (void)snprintf(ret->proto, sizeof(ret->proto), "proto %u", proto);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i].proto == proto)
            (void)snprintf(ret->proto, sizeof(ret->proto), "%s", names[i].name);
}

static const char *icmp_text(unsigned proto, unsigned type)
{
    static const struct {
        unsigned proto, type;
        const char *text;
    } types[] = {
        { IPPROTO_ICMP, 0, " echo reply" },
        { IPPROTO_ICMP, 8, " echo request" },
        { IPPROTO_ICMP, 3, " unreachable" },
        { IPPROTO_ICMP, 11, " time exceeded" },
        { IPPROTO_ICMPV6, 129, " echo reply" },
        { IPPROTO_ICMPV6, 128, " echo request" },
        { IPPROTO_ICMPV6, 1, " unreachable" },
        { IPPROTO_ICMPV6, 2, " packet too big" },
        { IPPROTO_ICMPV6, 3, " time exceeded" },
        { IPPROTO_ICMPV6, 133, " router solicitation" },
        { IPPROTO_ICMPV6, 135, " neighbor solicitation" },
        { IPPROTO_ICMPV6, 136, " neighbor advertisement" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (types[i].proto == proto && types[i].type == type)
            return types[i].text;
    return "";
}

/* fragment: a later one, which begins in the middle of the payload. */
static void describe_ip(const struct head *head, size_t at, unsigned proto, bool fragment,
                        struct vnl_event_packet *ret)
{
    bool ports = proto == IPPROTO_TCP || proto == IPPROTO_UDP,
         icmp = proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
    char src[VNL_ADDR_STR], dst[VNL_ADDR_STR];
    const char *open = ret->src.family == AF_INET6 ? "[" : "", *close = *open ? "]" : "";
    const char *more = fragment ? " fragment" : "";

    name_proto(ret, proto);
    (void)vnl_addr_format(&ret->src, src);
    (void)vnl_addr_format(&ret->dst, dst);
    ret->has_ports = ports && !fragment && has(head, at, 4);
    if (ret->has_ports) {
        ret->src_port = (uint16_t)get16(head, at);
        ret->dst_port = (uint16_t)get16(head, at + 2);
        (void)snprintf(ret->text, sizeof(ret->text), "%s %s%s%s:%u > %s%s%s:%u", ret->proto, open, src, close,
                       ret->src_port, open, dst, close, ret->dst_port);
        return;
    }
    if (icmp && !fragment && has(head, at, 1))
        more = icmp_text(proto, head->bytes[at]);
    (void)snprintf(ret->text, sizeof(ret->text), "%s %s > %s%s", ret->proto, src, dst, more);
}

/* --- network ------------------------------------------------------------------------------------------ */

static bool describe_ip4(const struct head *head, struct vnl_event_packet *ret)
{
    const size_t at = ETHER_SIZE;
    size_t size;

    if (!has(head, at, IP4_SIZE))
        return false;
    size = (head->bytes[at] & 15u) * 4u;
    get_addr(head, at + 12, AF_INET, &ret->src);
    get_addr(head, at + 16, AF_INET, &ret->dst);
    describe_ip(head, at + (size < IP4_SIZE ? IP4_SIZE : size), head->bytes[at + 9],
                get16(head, at + 6) & 0x1fff, ret);
    return true;
}

static bool describe_ip6(const struct head *head, struct vnl_event_packet *ret)
{
    size_t at = ETHER_SIZE, next = at + IP6_SIZE;
    bool fragment = false;
    unsigned proto;

    if (!has(head, at, IP6_SIZE))
        return false;
    proto = head->bytes[at + 6];
    get_addr(head, at + 8, AF_INET6, &ret->src);
    get_addr(head, at + 24, AF_INET6, &ret->dst);
    if (proto == IPPROTO_FRAGMENT && has(head, next, FRAGMENT_SIZE)) {
        proto = head->bytes[next];
        fragment = get16(head, next + 2) & 0xfff8;
        next += FRAGMENT_SIZE;
    }
    describe_ip(head, next, proto, fragment, ret);
    return true;
}

static bool describe_arp(const struct head *head, struct vnl_event_packet *ret)
{
    char src[VNL_ADDR_STR], dst[VNL_ADDR_STR];

    (void)snprintf(ret->proto, sizeof(ret->proto), "arp");
    if (!has(head, ETHER_SIZE, 28))
        return false;
    get_addr(head, ETHER_SIZE + 14, AF_INET, &ret->src);
    get_addr(head, ETHER_SIZE + 24, AF_INET, &ret->dst);
    (void)snprintf(ret->text, sizeof(ret->text), "arp %s > %s %s", vnl_addr_format(&ret->src, src),
                   vnl_addr_format(&ret->dst, dst), get16(head, ETHER_SIZE + 6) == 1 ? "request" : "reply");
    return true;
}

void vnl_event_describe(const struct vnl_event *event, struct vnl_event_packet *ret)
{
    struct head head = { event->head, event->head_size < VNL_EVENT_HEAD ? event->head_size : VNL_EVENT_HEAD };
    unsigned type = has(&head, 0, ETHER_SIZE) ? get16(&head, 12) : 0;
    char mac[VNL_MAC_STR] = "?";
    struct vnl_mac from;
    bool done = false;

    *ret = (struct vnl_event_packet){ .has_ports = false };
    if (type)
        (void)snprintf(ret->proto, sizeof(ret->proto), "ethertype %04x", type);
    if (type == ETHERTYPE_IP4)
        done = describe_ip4(&head, ret);
    else if (type == ETHERTYPE_IP6)
        done = describe_ip6(&head, ret);
    else if (type == ETHERTYPE_ARP)
        done = describe_arp(&head, ret);
    if (done)
        return;
    if (has(&head, 6, sizeof(from.bytes))) {
        memcpy(from.bytes, head.bytes + 6, sizeof(from.bytes));
        (void)vnl_mac_format(&from, mac);
    }
    (void)snprintf(ret->text, sizeof(ret->text), "%s from %s, %u bytes", ret->proto[0] ? ret->proto : "frame",
                   mac, event->size);
}

/* --- rules -------------------------------------------------------------------------------------------- */

bool vnl_event_rule(const struct vnl_plan *plan, uint32_t counter, const struct vnl_plan_rules **ret_rules,
                    const struct vnl_plan_rule **ret_rule)
{
    for (size_t i = 0; i < plan->n_rules; i++) {
        const struct vnl_plan_rules *rules = &plan->rules[i];

        for (size_t k = 0; k < rules->n_inbound + rules->n_outbound; k++) {
            if (rules->rules[k].counter != counter)
                continue;
            *ret_rules = rules;
            *ret_rule = &rules->rules[k];
            return true;
        }
    }
    return false;
}
