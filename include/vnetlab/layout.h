/* Everything that the BPF programs and user space share: keys, values, drop reasons, limits. Compiled by both compilers.
 *
 * All policy lies in three memory-mapped arrays that have two banks. A program run reads `bank` once and then sees that bank
 * only; user space writes the idle bank and flips `bank` with one store. So a packet sees the old policy or the new one, never a
 * mixture, and whatever the idle bank holds after a crash is harmless.
 *
 * Host order unless the type says otherwise (__be32). No padding that is not written down. */
#ifndef VNETLAB_LAYOUT_H
#define VNETLAB_LAYOUT_H

#include <linux/types.h>

/* Explicit interface indices of the fabric namespace: table slot = ifindex - VNL_NIC_IFINDEX. */
#define VNL_BRIDGE_IFINDEX 0x1000u   /* + VNet slot * VNL_VNET_BRIDGES + number */
#define VNL_NIC_IFINDEX    0x100000u /* + NIC slot */
#define VNL_NIC_SLOTS_MAX  0x10000u  /* 65 536 NICs per lab (Azure: per region) */
#define VNL_VNET_SLOTS_MAX 1000u     /* Azure: VNets per region and subscription */
#define VNL_VNET_BRIDGES   256u      /* bridges of one VNet at most */
#define VNL_BRIDGE_PORTS   500u      /* NICs per bridge; a Linux bridge ends at 1023 and gets slow before */

/* What a guest sees as the MAC of every other address, and as the source of every frame (spec 1.5). */
#define VNL_FABRIC_MAC                                                                                       \
    {                                                                                                        \
        0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc                                                                   \
    }

/* Why a packet did not pass. Only ever appended to: numbers are on users' screens and in counters.
 * X(symbol, name as printed, sentence for the operator) */
#define VNL_DROP_REASONS(X)                                                                                  \
    X(NONE, "None", "not dropped")                                                                           \
    X(UNKNOWN_PORT, "UnknownPort", "the port is not in the tables: being created or being removed")          \
    X(TRUNCATED, "Truncated", "a header ends before it is complete")                                         \
    X(SOURCE_MAC, "SourceMac", "the source MAC is not the NIC's")                                            \
    X(VLAN, "Vlan", "VLAN-tagged frame: Azure has no VLANs")                                                 \
    X(ETHERTYPE, "EtherType", "not IPv4, IPv6 or ARP")                                                       \
    X(BROADCAST, "Broadcast", "broadcast does not exist in a VNet")                                          \
    X(MULTICAST, "Multicast", "multicast does not exist in a VNet")                                          \
    X(ARP, "Arp", "ARP that is no request of the NIC for a foreign IPv4 address")                            \
    X(NEIGHBOR_DISCOVERY, "NeighborDiscovery",                                                               \
      "neighbor discovery that is no solicitation for a foreign address")                                    \
    X(IP_HEADER, "IpHeader", "malformed IP header")                                                          \
    X(IP_OPTIONS, "IpOptions", "IPv4 options")                                                               \
    X(EXTENSION_HEADER, "ExtensionHeader", "IPv6 extension header other than a fragment header")             \
    X(FRAGMENT, "Fragment", "fragment that hides or overlaps the transport header")                          \
    X(SPOOFED_SOURCE, "SpoofedSource", "the source address is not the NIC's and IP forwarding is off")       \
    X(PROTOCOL, "Protocol", "IP protocol that Azure does not carry (only TCP, UDP, ICMP, ESP, AH)")          \
    X(RESERVED_PORT, "ReservedPort", "UDP port that the platform reserves (source 65330, 4791, DHCP)")       \
    X(PLATFORM_ADDRESS, "PlatformAddress", "platform address that nothing answers in this lab")              \
    X(NO_ROUTE, "NoRoute", "no route, or a route with next hop None")                                        \
    X(NO_INTERNET, "NoInternet", "next hop Internet, but the lab has no internet side")                      \
    X(NO_OWNER, "NoOwner", "no NIC owns the destination address")                                            \
    X(PEERING_ACCESS, "PeeringAccess", "allowVirtualNetworkAccess is false on this side's link")             \
    X(FORWARDED_TRAFFIC, "ForwardedTraffic", "allowForwardedTraffic is false on the receiving link")         \
    X(NOT_FORWARDING, "NotForwarding", "the NIC does not own the destination and IP forwarding is off")

enum vnl_drop {
#define VNL_DROP_ENUM(symbol, name, text) VNL_DROP_##symbol,
    VNL_DROP_REASONS(VNL_DROP_ENUM)
#undef VNL_DROP_ENUM
        VNL_DROP_MAX
};
#define VNL_DROP_SLOTS 64u /* counters per NIC: room for reasons to come */
_Static_assert(VNL_DROP_MAX <= VNL_DROP_SLOTS, "a counter for every drop reason");

/* Element 0 of map vnl_control. */
struct vnl_control {
    __u32 bank;        /* 0 or 1: the bank in force; written by user space only */
    __u32 generation;  /* grows by one with each flip */
    __u8 digest[16];   /* of the plan in force: `up` compares it, the program does not read it */
    __u32 nic_slots;   /* elements per bank of vnl_nics */
    __u32 owner_slots; /* elements per bank of vnl_owners, a power of two */
    __u32 pool_bytes;  /* bytes per bank of vnl_pool, a power of two */
    __u32 layout;      /* VNL_LAYOUT_VERSION of the writer */
};
_Static_assert(sizeof(struct vnl_control) == 40, "control block has no padding");

#define VNL_LAYOUT_VERSION 1u

#define VNL_NIC_LIVE          0x1u /* the slot is in use; all others drop with UnknownPort */
#define VNL_NIC_IP_FORWARDING 0x2u /* enableIPForwarding */

/* Map vnl_nics: element bank * nic_slots + slot. One cache line. */
struct vnl_nic_entry {
    __u32 flags;
    __u32 vnet;    /* slot */
    __u32 routes4; /* pool offset of struct vnl_route_image, relative to the bank */
    __u32 routes6;
    __u32
        space; /* pool offset of the VNet's own IPv4 address space: an image that says kind VNET inside, NONE outside */
    __be32 addr4; /* primary addresses; 0 = none. Further ones are found in vnl_owners */
    __be32 addr6[4];
    __u8 mac[6];
    __u8 pad[2];
    __u32 space6; /* the same for IPv6 */
    __u8 pad2[12];
};
_Static_assert(sizeof(struct vnl_nic_entry) == 64, "one cache line per NIC");

/* Map vnl_owners: open-addressed hash, element bank * owner_slots + index, linear probing over VNL_OWNER_PROBES elements.
 * Who owns (VNet, address). IPv4 addresses are ::ffff:a.b.c.d. vnet 0xffffffff = free element. */
struct vnl_owner {
    __be32 addr[4];
    __u32 vnet; /* slot */
    __u32 nic;  /* slot */
};
_Static_assert(sizeof(struct vnl_owner) == 24, "owner has no padding");
#define VNL_OWNER_FREE   0xffffffffu
#define VNL_OWNER_PROBES 16u

/* Where the probing starts: the hash, modulo owner_slots. Its products do not wait for each other: it is on every packet's way. */
static inline __attribute__((always_inline)) __u32 vnl_owner_hash(__u32 vnet, const __be32 addr[4])
{
    __u64 high = (__u64)addr[1] << 32 | addr[0], low = (__u64)addr[3] << 32 | addr[2];
    __u64 h = high * 0x9e3779b97f4a7c15u ^ low * 0xc2b2ae3d27d4eb4fu ^ vnet * 0x165667b19e3779f9u;

    h ^= h >> 32;
    return h * 0xd6e8feb86659fd93u >> 32;
}

/* What a route does; next hop types of the plan folded to what a packet needs. */
enum vnl_route_kind {
    VNL_ROUTE_KIND_NONE,     /* drop: NoRoute */
    VNL_ROUTE_KIND_VNET,     /* deliver to the owner of the destination in `vnet` */
    VNL_ROUTE_KIND_INTERNET, /* drop for now: NoInternet */
    VNL_ROUTE_KIND_MAX
};
#define VNL_ROUTE_DENY_ACCESS_LOCAL  0x1u
#define VNL_ROUTE_DENY_ACCESS_REMOTE 0x2u
#define VNL_ROUTE_DENY_FORWARDED     0x4u

struct vnl_route_entry {
    __u16 kind;
    __u16 flags;
    __u32 vnet; /* slot of the VNet that owns the destination */
};
_Static_assert(sizeof(struct vnl_route_entry) == 8, "route has no padding");

/* Map vnl_pool: element = bank, pool_bytes each, so that a packet finds its bank with one lookup and every offset is masked with
 * pool_bytes - 1. (An element may be that large since Linux 6.0: "bpf: remove obsolete KMALLOC_MAX_SIZE restriction on array map
 * value size".) In it: longest-prefix match flattened to disjoint ranges. Range i covers start[i] .. start[i + 1] - 1 and uses
 * route[index[i]]; start[0] is 0. Offsets are bytes from the bank's start, 8-byte aligned.
 * IPv4: start is __u32 in host order. IPv6: start is two __u64 in host order, high half first.
 * At offset 0 of each bank lies an image of one range with kind NONE that serves both families: a zeroed NIC passes nothing. */
struct vnl_route_image {
    __u32 n_ranges;
    __u32 start;
    __u32 index; /* __u16 each */
    __u32 route; /* struct vnl_route_entry each */
};
_Static_assert(sizeof(struct vnl_route_image) == 16, "image header has no padding");
#define VNL_ROUTE_RANGES_MAX 0x4000u /* the search of bpf/route.h ends within so many */

/* Map vnl_counters: element = NIC slot. Added to atomically; drops are rare by construction. */
struct vnl_nic_counters {
    __u64 drop[VNL_DROP_SLOTS];
};

/* The verdict on every packet is left in skb->cb. What-if: a test run with this mark is decided like any packet but counted nowhere,
 * and is taken as sent by the NIC whose slot comes in cb[VNL_CB_SLOT], so that it needs no device of the fabric namespace.
 * A guest cannot forge it: the kernel clears the mark on the way from one namespace to another (skb_scrub_packet), and without the
 * mark cb is only written. */
#define VNL_MARK_WHAT_IF 0x766e6c3fu
#define VNL_CB_REASON    0 /* enum vnl_drop */
#define VNL_CB_STAGE     1 /* enum vnl_stage that took the decision */
#define VNL_CB_SLOT      2 /* NIC slot at which it was taken (the sender's, or the receiver's); in: see above */
#define VNL_CB_OUT       3 /* NIC slot that the packet is delivered to; valid when the reason is NONE */

/* Stages in the order of spec section 0. NSG stages are placed and empty until network security groups exist. */
enum vnl_stage {
    VNL_STAGE_FRAME,
    VNL_STAGE_NEIGHBOR,
    VNL_STAGE_PARSE,
    VNL_STAGE_SOURCE,
    VNL_STAGE_PROTOCOL,
    VNL_STAGE_NSG_OUTBOUND,
    VNL_STAGE_ROUTE,
    VNL_STAGE_PEERING,
    VNL_STAGE_NSG_INBOUND,
    VNL_STAGE_DELIVER,
    VNL_STAGE_MAX
};

#endif
