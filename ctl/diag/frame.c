#include "vnetlab/probe.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/tcp.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/layout.h"

static uint32_t sum_words(uint32_t sum, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i + 1 < size; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    if (size & 1)
        sum += (uint32_t)bytes[size - 1] << 8;
    return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

/* The pseudo header of RFC 793 and RFC 8200; ICMP over IPv4 has none. */
static uint32_t sum_pseudo(const struct vnl_addr *src, const struct vnl_addr *dst, uint8_t proto, size_t size)
{
    size_t bytes = vnl_addr_bits(src->family) / 8;

    return sum_words(sum_words((uint32_t)size + proto, src->bytes, bytes), dst->bytes, bytes);
}

static size_t put_icmp(const struct vnl_addr *src, const struct vnl_addr *dst, unsigned char *at)
{
    struct icmphdr echo = { .type = ICMP_ECHO, .un.echo = { .id = htons(0x766e), .sequence = htons(1) } };
    uint32_t pseudo = 0;

    if (src->family == AF_INET6) {
        echo.type = ICMP6_ECHO_REQUEST;
        pseudo = sum_pseudo(src, dst, IPPROTO_ICMPV6, sizeof(echo));
    }
    echo.checksum = sum_fold(sum_words(pseudo, &echo, sizeof(echo)));
    memcpy(at, &echo, sizeof(echo));
    return sizeof(echo);
}

static size_t put_tcp(const struct vnl_addr *src, const struct vnl_addr *dst, uint16_t sport, uint16_t dport,
                      unsigned char *at)
{
    struct tcphdr tcp = { .source = htons(sport),
                          .dest = htons(dport),
                          .seq = htonl(1),
                          .doff = 5,
                          .syn = 1,
                          .window = htons(65535) };

    tcp.check = sum_fold(sum_words(sum_pseudo(src, dst, IPPROTO_TCP, sizeof(tcp)), &tcp, sizeof(tcp)));
    memcpy(at, &tcp, sizeof(tcp));
    return sizeof(tcp);
}

static size_t put_udp(const struct vnl_addr *src, const struct vnl_addr *dst, uint16_t sport, uint16_t dport,
                      unsigned char *at)
{
    struct udphdr udp = { .source = htons(sport), .dest = htons(dport), .len = htons(sizeof(udp)) };

    udp.check = sum_fold(sum_words(sum_pseudo(src, dst, IPPROTO_UDP, sizeof(udp)), &udp, sizeof(udp)));
    memcpy(at, &udp, sizeof(udp));
    return sizeof(udp);
}

static size_t put_ip4(const struct vnl_addr *src, const struct vnl_addr *dst, uint8_t proto, size_t payload,
                      unsigned char *at)
{
    struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = proto, .frag_off = htons(IP_DF) };

    ip.tot_len = htons((uint16_t)(sizeof(ip) + payload));
    memcpy(&ip.saddr, src->bytes, 4);
    memcpy(&ip.daddr, dst->bytes, 4);
    ip.check = sum_fold(sum_words(0, &ip, sizeof(ip)));
    memcpy(at, &ip, sizeof(ip));
    return sizeof(ip);
}

static size_t put_ip6(const struct vnl_addr *src, const struct vnl_addr *dst, uint8_t proto, size_t payload,
                      unsigned char *at)
{
    struct ip6_hdr ip = { .ip6_ctlun.ip6_un1 = { .ip6_un1_flow = htonl(6u << 28),
                                                 .ip6_un1_plen = htons((uint16_t)payload),
                                                 .ip6_un1_nxt = proto,
                                                 .ip6_un1_hlim = 64 } };

    memcpy(&ip.ip6_src, src->bytes, 16);
    memcpy(&ip.ip6_dst, dst->bytes, 16);
    memcpy(at, &ip, sizeof(ip));
    return sizeof(ip);
}

static uint8_t ip_proto(enum vnl_probe_proto proto, int family)
{
    switch (proto) {
    case VNL_PROBE_TCP:
        return IPPROTO_TCP;
    case VNL_PROBE_UDP:
        return IPPROTO_UDP;
    case VNL_PROBE_ICMP:
    case VNL_PROBE_PROTO_MAX:
        break;
    }
    return family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

size_t vnl_frame_build(const struct vnl_mac *src_mac, const struct vnl_addr *src, const struct vnl_addr *dst,
                       enum vnl_probe_proto proto, uint16_t src_port, uint16_t dst_port, unsigned char *buf)
{
    bool v6 = src->family == AF_INET6;
    size_t ip_size = v6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
    struct ethhdr eth = { .h_dest = VNL_FABRIC_MAC, .h_proto = htons(v6 ? ETH_P_IPV6 : ETH_P_IP) };
    unsigned char *ip = buf + sizeof(eth);
    unsigned char *transport = ip + ip_size;
    uint8_t number = ip_proto(proto, src->family);
    size_t payload;

    memcpy(eth.h_source, src_mac->bytes, sizeof(eth.h_source));
    memcpy(buf, &eth, sizeof(eth));
    if (proto == VNL_PROBE_TCP)
        payload = put_tcp(src, dst, src_port, dst_port, transport);
    else if (proto == VNL_PROBE_UDP)
        payload = put_udp(src, dst, src_port, dst_port, transport);
    else
        payload = put_icmp(src, dst, transport);
    if (v6)
        put_ip6(src, dst, number, payload, ip);
    else
        put_ip4(src, dst, number, payload, ip);
    return sizeof(eth) + ip_size + payload;
}
