/* The port program, packet by packet: what passes, what does not, why, at which stage and at whose port. */
#include "port.h"

#include <stdio.h>

#include "vnetlab/drop.h"

struct row {
    const char *name;
    uint32_t port; /* where the frame comes in; spec.from is whose MAC it carries */
    struct frame_spec spec;
    void (*spoil)(struct frame *frame);
    enum vnl_drop reason;
    enum vnl_stage stage;
    uint32_t slot; /* where it was decided */
};

/* --- how frames are spoiled ----------------------------------------------------------------------------- */

#define SPOIL(name, ...)                                                                                     \
    static void name(struct frame *f)                                                                        \
    {                                                                                                        \
        __VA_ARGS__;                                                                                         \
    }

SPOIL(cut_ethernet_only, f->size = 15)
SPOIL(cut_ip4, f->size = 33)
SPOIL(cut_ip6, f->size = 53)
SPOIL(cut_payload, f->size -= 1)
SPOIL(cut_tcp, f->size = AT_L4 + 19; frame_fix(f))
SPOIL(cut_tcp6, f->size = AT_L4_V6 + 19; frame_fix(f))
SPOIL(cut_udp, f->size = AT_L4 + 7; frame_fix(f))
SPOIL(cut_icmp, f->size = AT_L4 + 7; frame_fix(f))
SPOIL(cut_esp, f->size = AT_L4 + 7; frame_fix(f))
SPOIL(cut_ah, f->size = AT_L4 + 11; frame_fix(f))
SPOIL(cut_fragment_header, f->size = AT_EXT + 7; frame_fix(f))
SPOIL(pad, f->size += 10)
SPOIL(set_vlan, frame_put16(f, AT_TYPE, 0x8100))
SPOIL(set_qinq, frame_put16(f, AT_TYPE, 0x88a8))
SPOIL(set_lldp, frame_put16(f, AT_TYPE, 0x88cc))
SPOIL(set_length_field, frame_put16(f, AT_TYPE, 0x0026))
SPOIL(set_broadcast, memset(f->data, 0xff, 6))
SPOIL(set_multicast, f->data[0] = 0x01)
SPOIL(set_multicast6, f->data[0] = f->data[1] = 0x33)
SPOIL(set_other_mac, f->data[0] = 0x02)
SPOIL(set_version, f->data[AT_IP] ^= 0x10)
SPOIL(set_short_ihl, f->data[AT_IP] = 0x44)
SPOIL(set_options, f->data[AT_IP] = 0x46)
SPOIL(set_no_length, frame_put16(f, AT_IP + 2, 0))
SPOIL(set_small_length, frame_put16(f, AT_IP + 2, 19))
SPOIL(set_big_length, frame_put16(f, AT_IP + 2, 0xffff))
SPOIL(set_big_length6, frame_put16(f, AT_IP + 4, 0xffff))
SPOIL(set_no_length6, frame_put16(f, AT_IP + 4, 0))
SPOIL(set_no_ttl, f->data[AT_IP + 8] = 0)
SPOIL(set_no_hops, f->data[AT_IP + 7] = 0)
SPOIL(set_ttl_1, f->data[AT_IP + 8] = 1)
SPOIL(set_jumbo, frame_put16(f, AT_IP + 4, 0); f->data[AT_EXT + 2] = 0xc2; f->data[AT_EXT + 3] = 4)
SPOIL(set_jumbo_sized, f->data[AT_EXT + 2] = 0xc2; f->data[AT_EXT + 3] = 4)
SPOIL(set_rs, f->data[AT_L4_V6] = 133)
SPOIL(set_ra, f->data[AT_L4_V6] = 134)
SPOIL(set_na, f->data[AT_L4_V6] = 136)
SPOIL(set_redirect, f->data[AT_L4_V6] = 137)
SPOIL(set_mld, f->data[AT_L4_V6] = 131)
SPOIL(set_fragmented_nd, f->data[AT_EXT + 8] = 136)
SPOIL(set_last_fragment, frame_put16(f, AT_IP + 6, 0x1fff))

/* --- the table ------------------------------------------------------------------------------------------ */

#define VM4(dst_) .spec = { .from = WORLD_VM, .src = "10.0.0.4", .dst = (dst_) }
#define VM6(dst_) .spec = { .from = WORLD_VM, .src = "fd00::4", .dst = (dst_) }
#define UDP4(...) .spec = { .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.0.0.5", .proto = 17, __VA_ARGS__ }
#define UDP6(...) .spec = { .from = WORLD_VM, .src = "fd00::4", .dst = "fd00::5", .proto = 17, __VA_ARGS__ }
#define IP4(proto_, ...)                                                                                     \
    .spec = { .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.0.0.5", .proto = (proto_), __VA_ARGS__ }
#define IP6(proto_, ...)                                                                                     \
    .spec = { .from = WORLD_VM, .src = "fd00::4", .dst = "fd00::5", .proto = (proto_), __VA_ARGS__ }
#define AS(src_, dst_) .spec = { .from = WORLD_VM, .src = (src_), .dst = (dst_) }
#define NVA(src_, dst_)                                                                                      \
    .port = WORLD_APPLIANCE, .spec = { .from = WORLD_APPLIANCE, .src = (src_), .dst = (dst_) }
#define PASS(to)                .reason = VNL_DROP_NONE, .stage = VNL_STAGE_DELIVER, .slot = (to)
#define DROP(why, at)           .reason = VNL_DROP_##why, .stage = VNL_STAGE_##at, .slot = WORLD_VM
#define DROP_AT(why, at, port_) .reason = VNL_DROP_##why, .stage = VNL_STAGE_##at, .slot = (port_)

static const struct row rows[] = {
    /* What passes. */
    { "tcp in the subnet", VM4("10.0.0.5"), PASS(WORLD_NEIGHBOR) },
    { "tcp in the subnet, IPv6", VM6("fd00::5"), PASS(WORLD_NEIGHBOR) },
    { "tcp to a peer", VM4("10.1.0.4"), PASS(WORLD_PEER) },
    { "tcp to a peer, IPv6", VM6("fd00:0:1::4"), PASS(WORLD_PEER) },
    { "to a NIC's further address", .port = WORLD_NEIGHBOR,
      .spec = { .from = WORLD_NEIGHBOR, .src = "10.0.0.5", .dst = "10.0.0.44" }, PASS(WORLD_VM) },
    { "from a further address", AS("10.0.0.44", "10.0.0.5"), PASS(WORLD_NEIGHBOR) },
    { "from a further address, IPv6", AS("fd00::44", "fd00::5"), PASS(WORLD_NEIGHBOR) },
    { "to itself", VM4("10.0.0.4"), PASS(WORLD_VM) },
    { "udp", UDP4(.payload = 100), PASS(WORLD_NEIGHBOR) },
    { "udp without payload", UDP4(.payload = 0), PASS(WORLD_NEIGHBOR) },
    { "udp IPv6", UDP6(.payload = 100), PASS(WORLD_NEIGHBOR) },
    { "udp to port 65330", UDP4(.dport = 65330), PASS(WORLD_NEIGHBOR) },
    { "udp from port 4791", UDP4(.sport = 4791), PASS(WORLD_NEIGHBOR) },
    { "udp to port 67 that is no DHCP", UDP4(.dport = 67), PASS(WORLD_NEIGHBOR) },
    { "tcp from port 65330", IP4(6, .sport = 65330), PASS(WORLD_NEIGHBOR) },
    { "tcp 68 to 67", IP4(6, .sport = 68, .dport = 67), PASS(WORLD_NEIGHBOR) },
    { "icmp", IP4(1), PASS(WORLD_NEIGHBOR) },
    { "icmpv6", IP6(58), PASS(WORLD_NEIGHBOR) },
    { "esp", IP4(50), PASS(WORLD_NEIGHBOR) },
    { "ah", IP4(51), PASS(WORLD_NEIGHBOR) },
    { "esp IPv6", IP6(50), PASS(WORLD_NEIGHBOR) },
    { "ah IPv6", IP6(51), PASS(WORLD_NEIGHBOR) },
    { "padded frame", VM4("10.0.0.5"), .spoil = pad, PASS(WORLD_NEIGHBOR) },
    { "padded frame, IPv6", VM6("fd00::5"), .spoil = pad, PASS(WORLD_NEIGHBOR) },
    { "any destination MAC", VM4("10.0.0.5"), .spoil = set_other_mac, PASS(WORLD_NEIGHBOR) },
    { "ttl 1 is not decremented", VM4("10.0.0.5"), .spoil = set_ttl_1, PASS(WORLD_NEIGHBOR) },
    { "first fragment", UDP4(.payload = 1472, .more = true), PASS(WORLD_NEIGHBOR) },
    { "last fragment", UDP4(.payload = 100, .offset = 1480), PASS(WORLD_NEIGHBOR) },
    { "udp fragment right behind the header", UDP4(.payload = 8, .offset = 8, .more = true),
      PASS(WORLD_NEIGHBOR) },
    { "first fragment, IPv6", UDP6(.payload = 1400, .more = true), PASS(WORLD_NEIGHBOR) },
    { "last fragment, IPv6", UDP6(.payload = 100, .offset = 1448), PASS(WORLD_NEIGHBOR) },
    { "atomic fragment", UDP6(.fragment = true), PASS(WORLD_NEIGHBOR) },
    { "fragment from reserved port bytes", UDP4(.payload = 100, .offset = 1480, .sport = 65330),
      PASS(WORLD_NEIGHBOR) },
    { "forwarded in the VNet", NVA("10.1.0.4", "10.0.0.5"), PASS(WORLD_NEIGHBOR) },
    { "forwarded to a peer", NVA("10.0.0.4", "10.1.0.4"), PASS(WORLD_PEER) },
    { "forwarded from elsewhere to a peer that has no objection", NVA("192.168.1.1", "10.1.0.4"),
      PASS(WORLD_PEER) },
    { "not forwarded: own VNet's source to a peer that objects", NVA("10.0.0.4", "10.4.0.4"),
      PASS(WORLD_FORWARDED) },
    { "not forwarded: own source to a peer that objects", VM4("10.4.0.4"), PASS(WORLD_FORWARDED) },
    { "the same, IPv6", NVA("fd00::4", "fd00:0:4::4"), PASS(WORLD_FORWARDED) },
    { "to a NIC of another VNet that forwards", VM4("10.0.0.11"), PASS(WORLD_FORWARDING_PEER) },
    { "ipv4 from a NIC without IPv6", .port = WORLD_V4_ONLY,
      .spec = { .from = WORLD_V4_ONLY, .src = "10.0.0.7", .dst = "10.0.0.5" }, PASS(WORLD_NEIGHBOR) },

    /* Ports. */
    { "dead port", .port = WORLD_DEAD, .spec = { .from = WORLD_DEAD, .src = "10.0.0.9", .dst = "10.0.0.5" },
      DROP_AT(UNKNOWN_PORT, FRAME, WORLD_DEAD) },
    { "slot beyond the table", .port = WORLD_NICS, VM4("10.0.0.5"),
      DROP_AT(UNKNOWN_PORT, FRAME, WORLD_NICS) },
    { "slot far beyond the table", .port = 0xfffffff0u, VM4("10.0.0.5"),
      DROP_AT(UNKNOWN_PORT, FRAME, 0xfffffff0u) },

    /* Frames. */
    { "vlan", VM4("10.0.0.5"), .spoil = set_vlan, DROP(VLAN, FRAME) },
    { "vlan in vlan", VM4("10.0.0.5"), .spoil = set_qinq, DROP(VLAN, FRAME) },
    { "another NIC's MAC", .spec = { .from = WORLD_NEIGHBOR, .src = "10.0.0.4", .dst = "10.0.0.5" },
      DROP(SOURCE_MAC, FRAME) },
    { "lldp", VM4("10.0.0.5"), .spoil = set_lldp, DROP(ETHERTYPE, FRAME) },
    { "802.3 length", VM4("10.0.0.5"), .spoil = set_length_field, DROP(ETHERTYPE, FRAME) },
    { "broadcast frame", VM4("10.0.0.5"), .spoil = set_broadcast, DROP(BROADCAST, FRAME) },
    { "broadcast frame, IPv6", VM6("fd00::5"), .spoil = set_broadcast, DROP(BROADCAST, FRAME) },
    { "multicast frame", VM4("10.0.0.5"), .spoil = set_multicast, DROP(MULTICAST, FRAME) },
    { "multicast frame, IPv6", VM6("ff02::1"), .spoil = set_multicast6, DROP(MULTICAST, FRAME) },
    { "multicast listener report",
      .spec = { .from = WORLD_VM, .src = "fe80::1", .dst = "ff02::16", .proto = 58 }, .spoil = set_mld,
      DROP(MULTICAST, PARSE) },
    { "dhcp discover",
      .spec = { .from = WORLD_VM,
                .src = "0.0.0.0",
                .dst = "255.255.255.255",
                .proto = 17,
                .sport = 68,
                .dport = 67 },
      .spoil = set_broadcast, DROP(RESERVED_PORT, FRAME) },

    /* Neighbor discovery that reaches nobody. */
    { "router solicitation", IP6(58), .spoil = set_rs, DROP(NEIGHBOR_DISCOVERY, NEIGHBOR) },
    { "router advertisement", IP6(58), .spoil = set_ra, DROP(NEIGHBOR_DISCOVERY, NEIGHBOR) },
    { "neighbor advertisement", IP6(58), .spoil = set_na, DROP(NEIGHBOR_DISCOVERY, NEIGHBOR) },
    { "redirect", IP6(58), .spoil = set_redirect, DROP(NEIGHBOR_DISCOVERY, NEIGHBOR) },
    { "neighbor advertisement in a fragment", IP6(58, .fragment = true), .spoil = set_fragmented_nd,
      DROP(NEIGHBOR_DISCOVERY, PARSE) },

    /* Headers. */
    { "no IP header", VM4("10.0.0.5"), .spoil = cut_ethernet_only, DROP(TRUNCATED, PARSE) },
    { "no IPv6 header", VM6("fd00::5"), .spoil = cut_ethernet_only, DROP(TRUNCATED, PARSE) },
    { "IP header cut", VM4("10.0.0.5"), .spoil = cut_ip4, DROP(TRUNCATED, PARSE) },
    { "IPv6 header cut", VM6("fd00::5"), .spoil = cut_ip6, DROP(TRUNCATED, PARSE) },
    { "payload cut", UDP4(.payload = 10), .spoil = cut_payload, DROP(TRUNCATED, PARSE) },
    { "payload cut, IPv6", UDP6(.payload = 10), .spoil = cut_payload, DROP(TRUNCATED, PARSE) },
    { "tcp header cut", VM4("10.0.0.5"), .spoil = cut_tcp, DROP(TRUNCATED, PARSE) },
    { "tcp header cut, IPv6", VM6("fd00::5"), .spoil = cut_tcp6, DROP(TRUNCATED, PARSE) },
    { "udp header cut", UDP4(), .spoil = cut_udp, DROP(TRUNCATED, PARSE) },
    { "icmp header cut", IP4(1), .spoil = cut_icmp, DROP(TRUNCATED, PARSE) },
    { "esp header cut", IP4(50), .spoil = cut_esp, DROP(TRUNCATED, PARSE) },
    { "ah header cut", IP4(51), .spoil = cut_ah, DROP(TRUNCATED, PARSE) },
    { "fragment header cut", UDP6(.fragment = true), .spoil = cut_fragment_header, DROP(TRUNCATED, PARSE) },
    { "length beyond the frame", VM4("10.0.0.5"), .spoil = set_big_length, DROP(TRUNCATED, PARSE) },
    { "length beyond the frame, IPv6", VM6("fd00::5"), .spoil = set_big_length6, DROP(TRUNCATED, PARSE) },
    { "no length in a small IPv6 packet", VM6("fd00::5"), .spoil = set_no_length6, DROP(TRUNCATED, PARSE) },
    { "IPv6 in an IPv4 frame", VM4("10.0.0.5"), .spoil = set_version, DROP(IP_HEADER, PARSE) },
    { "wrong version in an IPv6 frame", VM6("fd00::5"), .spoil = set_version, DROP(IP_HEADER, PARSE) },
    { "header of 16 bytes", VM4("10.0.0.5"), .spoil = set_short_ihl, DROP(IP_HEADER, PARSE) },
    { "no length in a small packet", VM4("10.0.0.5"), .spoil = set_no_length, DROP(IP_HEADER, PARSE) },
    { "length less than the header", VM4("10.0.0.5"), .spoil = set_small_length, DROP(IP_HEADER, PARSE) },
    { "ttl 0", VM4("10.0.0.5"), .spoil = set_no_ttl, DROP(IP_HEADER, PARSE) },
    { "hop limit 0", VM6("fd00::5"), .spoil = set_no_hops, DROP(IP_HEADER, PARSE) },
    { "options", IP4(17, .payload = 40), .spoil = set_options, DROP(IP_OPTIONS, PARSE) },
    { "hop-by-hop header", IP6(6, .has_extension = true, .extension = 0), DROP(EXTENSION_HEADER, PARSE) },
    { "jumbo option in a small packet", IP6(6, .has_extension = true), .spoil = set_jumbo,
      DROP(EXTENSION_HEADER, PARSE) },
    { "jumbo option beside a length", IP6(6, .has_extension = true), .spoil = set_jumbo_sized,
      DROP(EXTENSION_HEADER, PARSE) },
    { "routing header", IP6(6, .has_extension = true, .extension = 43), DROP(EXTENSION_HEADER, PARSE) },
    { "destination options", IP6(6, .has_extension = true, .extension = 60), DROP(EXTENSION_HEADER, PARSE) },
    { "mobility header", IP6(135), DROP(EXTENSION_HEADER, PARSE) },
    { "fragment header in a fragment", IP6(44, .fragment = true, .payload = 20),
      DROP(EXTENSION_HEADER, PARSE) },
    { "later fragment of an extension header", IP6(60, .offset = 1200, .payload = 20),
      DROP(EXTENSION_HEADER, PARSE) },

    /* Fragments that hide something. */
    { "first fragment without a whole tcp header", IP4(6, .more = true), .spoil = cut_tcp,
      DROP(FRAGMENT, PARSE) },
    { "tiny fragment behind 8 bytes of tcp", IP4(6, .offset = 8, .payload = 32), DROP(FRAGMENT, PARSE) },
    { "tiny fragment behind 16 bytes of tcp", IP4(6, .offset = 16, .payload = 32), DROP(FRAGMENT, PARSE) },
    { "tiny fragment behind 8 bytes of ah", IP4(51, .offset = 8, .payload = 32), DROP(FRAGMENT, PARSE) },
    { "fragment beyond 64 KiB", IP4(17, .offset = 8, .payload = 100), .spoil = set_last_fragment,
      DROP(FRAGMENT, PARSE) },
    { "tiny fragment, IPv6", IP6(6, .offset = 8, .payload = 32), DROP(FRAGMENT, PARSE) },
    { "fragment beyond 64 KiB, IPv6", IP6(6, .offset = 65528, .payload = 32), DROP(FRAGMENT, PARSE) },
    { "atomic fragment without a whole header", IP6(6, .fragment = true), .spoil = cut_tcp6,
      DROP(FRAGMENT, PARSE) },

    /* Destinations that are groups, to a unicast MAC. */
    { "broadcast address", VM4("255.255.255.255"), DROP(BROADCAST, PARSE) },
    { "multicast address", VM4("224.0.0.251"), DROP(MULTICAST, PARSE) },
    { "multicast address, end of the range", VM4("239.255.255.255"), DROP(MULTICAST, PARSE) },
    { "multicast address, IPv6", VM6("ff05::2"), DROP(MULTICAST, PARSE) },

    /* Sources. */
    { "neighbor's address", AS("10.0.0.5", "10.0.0.4"), DROP(SPOOFED_SOURCE, SOURCE) },
    { "neighbor's address, IPv6", AS("fd00::5", "fd00::4"), DROP(SPOOFED_SOURCE, SOURCE) },
    { "link-local source", AS("fe80::1", "fd00::5"), DROP(SPOOFED_SOURCE, SOURCE) },
    { "no source", AS("0.0.0.0", "10.0.0.5"), DROP(SPOOFED_SOURCE, SOURCE) },
    { "no source, IPv6", AS("::", "fd00::5"), DROP(SPOOFED_SOURCE, SOURCE) },
    { "own IPv4 address as IPv6 source", AS("::ffff:10.0.0.4", "fd00::5"), DROP(SPOOFED_SOURCE, SOURCE) },
    { "IPv6 from a NIC without", .port = WORLD_V4_ONLY,
      .spec = { .from = WORLD_V4_ONLY, .src = "fd00::7", .dst = "fd00::5" },
      DROP_AT(SPOOFED_SOURCE, SOURCE, WORLD_V4_ONLY) },
    { "forwarded: loopback source", NVA("127.0.0.1", "10.0.0.5"),
      DROP_AT(SPOOFED_SOURCE, SOURCE, WORLD_APPLIANCE) },
    { "forwarded: multicast source", NVA("224.0.0.1", "10.0.0.5"),
      DROP_AT(SPOOFED_SOURCE, SOURCE, WORLD_APPLIANCE) },
    { "forwarded: broadcast source", NVA("255.255.255.255", "10.0.0.5"),
      DROP_AT(SPOOFED_SOURCE, SOURCE, WORLD_APPLIANCE) },
    { "forwarded: platform's source", NVA("168.63.129.16", "10.0.0.5"),
      DROP_AT(SPOOFED_SOURCE, SOURCE, WORLD_APPLIANCE) },
    { "forwarded: mapped source", NVA("::ffff:10.0.0.4", "fd00::5"),
      DROP_AT(SPOOFED_SOURCE, SOURCE, WORLD_APPLIANCE) },
    { "forwarded: multicast source, IPv6", NVA("ff02::1", "fd00::5"),
      DROP_AT(SPOOFED_SOURCE, SOURCE, WORLD_APPLIANCE) },

    /* Protocols, ports, the platform. */
    { "gre", IP4(47), DROP(PROTOCOL, PROTOCOL) },
    { "ip in ip", IP4(4), DROP(PROTOCOL, PROTOCOL) },
    { "sctp", IP4(132), DROP(PROTOCOL, PROTOCOL) },
    { "icmpv6 in IPv4", IP4(58), DROP(PROTOCOL, PROTOCOL) },
    { "icmp in IPv6", IP6(1), DROP(PROTOCOL, PROTOCOL) },
    { "no next header", IP6(59), DROP(PROTOCOL, PROTOCOL) },
    { "gre in a later fragment", IP4(47, .offset = 1480, .payload = 8), DROP(PROTOCOL, PROTOCOL) },
    { "udp from 65330", UDP4(.sport = 65330), DROP(RESERVED_PORT, PROTOCOL) },
    { "udp from 65330, IPv6", UDP6(.sport = 65330), DROP(RESERVED_PORT, PROTOCOL) },
    { "udp from 65330 in a first fragment", UDP4(.sport = 65330, .more = true, .payload = 8),
      DROP(RESERVED_PORT, PROTOCOL) },
    { "udp from 65330 behind a fragment header", UDP6(.sport = 65330, .fragment = true),
      DROP(RESERVED_PORT, PROTOCOL) },
    { "udp to 4791", UDP4(.dport = 4791), DROP(RESERVED_PORT, PROTOCOL) },
    { "unicast dhcp", UDP4(.sport = 68, .dport = 67), DROP(RESERVED_PORT, PROTOCOL) },
    { "unicast dhcp answer", UDP4(.sport = 67, .dport = 68), DROP(RESERVED_PORT, PROTOCOL) },
    { "dhcp relay", UDP4(.sport = 67, .dport = 67), DROP(RESERVED_PORT, PROTOCOL) },
    { "azure dns", VM4("168.63.129.16"), DROP(PLATFORM_ADDRESS, PROTOCOL) },
    { "instance metadata over TLS",
      .spec = { .from = WORLD_VM, .src = "10.0.0.4", .dst = "169.254.169.254", .dport = 443 },
      DROP(PLATFORM_ADDRESS, PROTOCOL) },

    /* Routes. */
    { "route None", VM4("10.200.0.1"), DROP(NO_ROUTE, ROUTE) },
    { "route None, IPv6", VM6("fd00:1::1"), DROP(NO_ROUTE, ROUTE) },
    { "None inside a peering's range", VM4("10.1.9.4"), DROP(NO_ROUTE, ROUTE) },
    { "None inside a peering's range, IPv6", VM6("fd00:0:1:9::4"), DROP(NO_ROUTE, ROUTE) },
    { "no route at all", .port = WORLD_LOCAL,
      .spec = { .from = WORLD_LOCAL, .src = "10.2.0.4", .dst = "10.0.0.4" },
      DROP_AT(NO_ROUTE, ROUTE, WORLD_LOCAL) },
    { "loopback", VM4("127.0.0.1"), DROP(NO_ROUTE, ROUTE) },
    { "this network", VM4("0.0.0.1"), DROP(NO_ROUTE, ROUTE) },
    { "loopback, IPv6", VM6("::1"), DROP(NO_ROUTE, ROUTE) },
    { "unspecified, IPv6", VM6("::"), DROP(NO_ROUTE, ROUTE) },
    { "the router itself", VM6("fe80::1234:5678:9abc"), DROP(NO_ROUTE, ROUTE) },
    { "IPv4 address as IPv6 destination", VM6("::ffff:10.0.0.5"), DROP(NO_ROUTE, ROUTE) },
    { "internet", VM4("8.8.8.8"), DROP(NO_INTERNET, ROUTE) },
    { "end of the address space", VM4("255.255.255.254"), DROP(NO_INTERNET, ROUTE) },
    { "internet, IPv6", VM6("2001:db8::1"), DROP(NO_INTERNET, ROUTE) },
    { "nobody", VM4("10.0.0.99"), DROP(NO_OWNER, ROUTE) },
    { "subnet broadcast", VM4("10.0.0.255"), DROP(NO_OWNER, ROUTE) },
    { "the gateway", VM4("10.0.0.1"), DROP(NO_OWNER, ROUTE) },
    { "nobody at the peer", VM6("fd00:0:1::99"), DROP(NO_OWNER, ROUTE) },
    { "owner not live", VM4("10.0.0.9"), DROP(NO_OWNER, ROUTE) },
    { "owner not live, IPv6", VM6("fd00::9"), DROP(NO_OWNER, ROUTE) },

    /* Peering. */
    { "our link denies access", VM4("10.2.0.4"), DROP(PEERING_ACCESS, PEERING) },
    { "our link denies access, IPv6", VM6("fd00:0:2::4"), DROP(PEERING_ACCESS, PEERING) },
    { "our link denies access to nobody", VM4("10.2.0.99"), DROP(PEERING_ACCESS, PEERING) },
    { "their link denies access", VM4("10.3.0.4"), DROP_AT(PEERING_ACCESS, PEERING, WORLD_REMOTE) },
    { "their link denies access, IPv6", VM6("fd00:0:3::4"), DROP_AT(PEERING_ACCESS, PEERING, WORLD_REMOTE) },
    { "their link denies access to nobody", VM4("10.3.0.99"), DROP(NO_OWNER, ROUTE) },
    { "forwarded to a peer that objects", NVA("10.1.0.4", "10.4.0.4"),
      DROP_AT(FORWARDED_TRAFFIC, PEERING, WORLD_FORWARDED) },
    { "forwarded to a peer that objects, IPv6", NVA("fd00:0:1::4", "fd00:0:4::4"),
      DROP_AT(FORWARDED_TRAFFIC, PEERING, WORLD_FORWARDED) },

    /* The receiver's last gate; see bpf/deliver.h. */
    { "a NIC of another VNet", VM4("10.0.0.10"), DROP_AT(NOT_FORWARDING, DELIVER, WORLD_PEER) },
    { "a NIC of another VNet, IPv6", VM6("fd00::10"), DROP_AT(NOT_FORWARDING, DELIVER, WORLD_PEER) },
};

static void assert_row(struct port *port, const struct row *row)
{
    struct frame frame;
    struct naive_verdict naive;
    struct vnl_verdict got;

    frame_build(&frame, &row->spec);
    if (row->spoil)
        row->spoil(&frame);
    naive = naive_decide(&port->world, row->port, &frame);
    if (!port_try(port, row->port, &frame, &got))
        return;
    if (got.reason != row->reason || got.stage != row->stage || got.slot != row->slot || got.answered)
        fail_msg("%s: %s at stage %s, port %u; expected %s, %s, %u", row->name, vnl_drop_str(got.reason),
                 vnl_stage_str(got.stage), got.slot, vnl_drop_str(row->reason), vnl_stage_str(row->stage),
                 row->slot);
    if (naive.reason != row->reason || naive.slot != row->slot)
        fail_msg("%s: the naive evaluator says %s at port %u", row->name, vnl_drop_str(naive.reason),
                 naive.slot);
    if (got.reason == VNL_DROP_NONE)
        assert_int_equal(got.out_slot, row->slot);
}

static void each_packet_gets_its_verdict(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_row(*state, &rows[i]);
}

static void every_drop_reason_has_a_packet(void **state)
{
    /* Tested below, and in test_port_flow.c, test_port_outside.c, test_port_balancer.c, test_port_appliance.c. */
    static const enum vnl_drop elsewhere[] = {
        VNL_DROP_ARP,
        VNL_DROP_NSG_OUTBOUND,
        VNL_DROP_NSG_INBOUND,
        VNL_DROP_FLOW_TABLE_FULL,
        VNL_DROP_FLOW_STATE,
        VNL_DROP_ROUTING_LOOP,
        VNL_DROP_NO_GATEWAY,
        VNL_DROP_NO_OUTBOUND,
        VNL_DROP_FOREIGN_TO_INTERNET,
        VNL_DROP_SNAT_PROTOCOL,
        VNL_DROP_SNAT_PORTS,
        VNL_DROP_PUBLIC_CLOSED,
        VNL_DROP_NO_SESSION,
        VNL_DROP_BALANCER_GLOBAL,
        VNL_DROP_BALANCER_PORT,
        VNL_DROP_BALANCER_DOWN,
        VNL_DROP_BALANCER_HAIRPIN,
        VNL_DROP_GUEST_FORWARDING, /* the guest's kernel, no program */
        VNL_DROP_NO_TUNNEL,        /* the gateway's, no program */
    };
    bool seen[VNL_DROP_MAX] = { false };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
        seen[elsewhere[i]] = true;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        seen[rows[i].reason] = true;
    for (int i = 0; i < VNL_DROP_MAX; i++) {
        if (!seen[i])
            fail_msg("no packet in the table is dropped with %s", vnl_drop_str(i));
    }
}

static void a_delivered_frame_changes_in_its_macs_only(void **state)
{
    const char *pairs[][2] = { { "10.0.0.4", "10.1.0.4" }, { "fd00::4", "fd00:0:1::4" } };

    for (int i = 0; i < 2; i++) {
        struct frame_spec spec = {
            .from = WORLD_VM, .src = pairs[i][0], .dst = pairs[i][1], .payload = 1300
        };
        struct frame before, after;
        uint8_t mac[6];

        frame_build(&before, &spec);
        before.data[AT_IP + 1] = 0xb8; /* DSCP, or the flow label's upper half */
        after = before;
        assert_int_equal(port_run(*state, WORLD_VM, &after).out_slot, WORLD_PEER);
        frame_mac(WORLD_PEER, mac);
        assert_memory_equal(after.data, mac, 6);
        assert_memory_equal(after.data + 6, ((uint8_t[])VNL_FABRIC_MAC), 6);
        assert_memory_equal(after.data + 12, before.data + 12, before.size - 12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_packet_gets_its_verdict),
        cmocka_unit_test(every_drop_reason_has_a_packet),
        cmocka_unit_test(a_delivered_frame_changes_in_its_macs_only),
    };

    return cmocka_run_group_tests_name("port", tests, port_setup, port_teardown);
}
