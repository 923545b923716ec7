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
#define VNL_BRIDGE_IFINDEX 0x1000u /* + VNet slot * VNL_VNET_BRIDGES + number */
#define VNL_PLATFORM_IFINDEX                                                                                 \
    0xff000u /* port of the platform's namespace: DNS, instance metadata, health probes */
#define VNL_DELAY_IFINDEX                                                                                    \
    0xff100u /* + delay class, 1..VNL_DELAYS_MAX: what leaves here comes back from its end's port, later */
#define VNL_DELAYED_IFINDEX 0xff200u /* + delay class: where it comes back */
#define VNL_DELAYS_MAX      255u
#define VNL_NIC_IFINDEX     0x100000u /* + NIC slot */
#define VNL_NIC_SLOTS_MAX   0x10000u  /* 65 536 NICs per lab (Azure: per region) */
#define VNL_VNET_SLOTS_MAX  1000u     /* Azure: VNets per region and subscription */
#define VNL_SITE_SLOT                                                                                        \
    1001u /* + number: a site's network is a VNet to the tables, its device the next hop of all else */
#define VNL_SITES_MAX 200u
#define VNL_INTERNET_SLOT                                                                                    \
    1000u /* the internet side is a VNet to the tables: its NICs are the simulated hosts */
#define VNL_VNET_BRIDGES 256u /* bridges of one VNet at most */
#define VNL_BRIDGE_PORTS 500u /* NICs per bridge; a Linux bridge ends at 1023 and gets slow before */

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
    X(ARP, "Arp", "ARP that is no request for a foreign IPv4 address")                                       \
    X(NEIGHBOR_DISCOVERY, "NeighborDiscovery",                                                               \
      "neighbor discovery that is no solicitation for a foreign address by a unicast one")                   \
    X(IP_HEADER, "IpHeader", "malformed IP header")                                                          \
    X(IP_OPTIONS, "IpOptions", "IPv4 options")                                                               \
    X(EXTENSION_HEADER, "ExtensionHeader", "IPv6 extension header other than a fragment header")             \
    X(FRAGMENT, "Fragment", "fragment that hides or overlaps the transport header")                          \
    X(SPOOFED_SOURCE, "SpoofedSource", "the source address is not the NIC's and IP forwarding is off")       \
    X(PROTOCOL, "Protocol", "IP protocol that Azure does not carry (only TCP, UDP, ICMP, ESP, AH)")          \
    X(RESERVED_PORT, "ReservedPort", "UDP port that the platform reserves (source 65330, 4791, DHCP)")       \
    X(PLATFORM_ADDRESS, "PlatformAddress", "platform address that nothing answers in this lab")              \
    X(NO_ROUTE, "NoRoute", "no route, or a route with next hop None")                                        \
    X(NO_INTERNET, "NoInternet", "next hop Internet, but the lab has no internet side, or none for IPv6")    \
    X(NO_OWNER, "NoOwner", "no NIC owns the destination address")                                            \
    X(PEERING_ACCESS, "PeeringAccess", "allowVirtualNetworkAccess is false on this side's link")             \
    X(FORWARDED_TRAFFIC, "ForwardedTraffic", "allowForwardedTraffic is false on the receiving link")         \
    X(NOT_FORWARDING, "NotForwarding", "the NIC does not own the destination and IP forwarding is off")      \
    X(NSG_OUTBOUND, "NsgOutbound", "a network security group of the sender denies it")                       \
    X(NSG_INBOUND, "NsgInbound", "a network security group of the receiver denies it")                       \
    X(FLOW_TABLE_FULL, "FlowTableFull",                                                                      \
      "the NIC has as many flows as it may have, or their place in the table is taken")                      \
    X(FLOW_STATE, "FlowState", "a TCP segment that belongs to no connection and cannot begin one")           \
    X(ROUTING_LOOP, "RoutingLoop", "the route's next hop is the NIC that sends the packet")                  \
    X(NO_GATEWAY, "NoGateway", "next hop VirtualNetworkGateway, but no gateway is there")                    \
    X(NO_OUTBOUND, "NoOutbound",                                                                             \
      "private subnet: no NAT gateway, no public IP and no default outbound access")                         \
    X(FOREIGN_TO_INTERNET, "ForeignToInternet",                                                              \
      "a source that is not the NIC's own cannot be translated: the appliance must do that itself")          \
    X(SNAT_PROTOCOL, "SnatProtocol",                                                                         \
      "only TCP and UDP are translated to a shared address; ICMP needs a public IP of the NIC's own")        \
    X(SNAT_PORTS, "SnatPorts", "all ports of the outbound address are in use towards this destination")      \
    X(PUBLIC_CLOSED, "PublicClosed", "a Standard public IP is closed until a security group allows it")      \
    X(NO_SESSION, "NoSession", "nothing behind this outbound address has asked for it")                      \
    X(BALANCER_GLOBAL, "BalancerGlobal",                                                                     \
      "the frontend of a Basic load balancer cannot be reached over global peering")                         \
    X(BALANCER_PORT, "BalancerPort", "the load balancer has no rule for this protocol and port")             \
    X(BALANCER_DOWN, "BalancerDown", "the load balancer has no healthy backend")                             \
    X(BALANCER_HAIRPIN, "BalancerHairpin", "the load balancer chose the NIC that sends")                     \
    X(GUEST_FORWARDING, "GuestForwarding",                                                                   \
      "the guest does not forward (net.ipv4.ip_forward is 0): packets end there, no program counts them")    \
    X(NO_TUNNEL, "NoTunnel",                                                                                 \
      "the gateway has no connected tunnel to the destination: packets end there, no program counts them")

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
    __u32 bank; /* 0 or 1: the bank in force; written by user space only */
    __u32
        generation; /* grows by one with each flip; with `bank` one word that is different after each store */
    __u8 digest[16];   /* of the plan in force: `up` compares it, the program does not read it */
    __u32 nic_slots;   /* elements per bank of vnl_nics */
    __u32 owner_slots; /* elements per bank of vnl_owners, a power of two */
    __u32 pool_bytes;  /* bytes per bank of vnl_pool, a power of two */
    __u32 layout;      /* VNL_LAYOUT_VERSION of the writer */
    __u32 rule_slots;  /* elements of vnl_rule_counters, a power of two */
    __u32 flow_slots;  /* flows that vnl_flows holds, a power of two */
    __u32
        events_until; /* tick until which somebody reads drop events; renewed by the reader, so one that was killed costs nothing */
    __u32 parts; /* VNL_PART_*: what the program was loaded with */
    __u64
        flow_seed; /* of the program's flow hash: another program reads the same vnl_flows only with the same seed */
};
_Static_assert(sizeof(struct vnl_control) == 64, "control block has no padding");

#define VNL_LAYOUT_VERSION 4u

/* Parts of the program that most labs can do without; those that are not loaded cost nothing, and what would need them is dropped. */
#define VNL_PART_RULES    0x1u /* security groups */
#define VNL_PART_SESSIONS 0x2u /* the internet side, load balancers */

/* The program's clock: CLOCK_MONOTONIC in ticks of 2^28 ns (0.27 s), coarse so that a flow is not written with each packet. */
#define VNL_TICK_SHIFT      28u
#define VNL_TICKS(seconds_) ((__u32)((__u64)(seconds_)*1000000000u >> VNL_TICK_SHIFT))

#define VNL_NIC_LIVE          0x1u /* the slot is in use; all others drop with UnknownPort */
#define VNL_NIC_IP_FORWARDING 0x2u /* enableIPForwarding */
#define VNL_NIC_HAS_NSG                                                                                      \
    0x4u /* a network security group acts here: no peering access gate on this NIC's side (spec 2.5) */
#define VNL_NIC_HAS_SESSIONS                                                                                 \
    0x8u /* its packets may belong to a session: a load balancer's backend, or a way to the internet */

#define VNL_NIC_GATEWAY                                                                                      \
    0x10u /* a VPN gateway's leg in its VNet: what it relays is no forwarded traffic of a peering (spec 2.6), and
                                 packets with any source and destination are its business */

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
    __u32 policy; /* pool offset of struct vnl_nic_policy; 0 = no network security group: everything passes */
    __u32
        flow_timeout_s; /* idle flows end after so many seconds: flowTimeoutInMinutes of the VNet, else 4 minutes */
    __u32
        outside; /* pool offset of struct vnl_outside: how the NIC's packets get to the internet; 0 = the lab has no internet side */
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
#define VNL_OWNER_FREE 0xffffffffu
/* vnl_owner.nic of a load balancer's frontend: this bit and the pool offset of its struct vnl_balancer / 8. */
#define VNL_OWNER_BALANCER 0x80000000u
#define VNL_OWNER_PROBES   16u

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
    VNL_ROUTE_KIND_NONE, /* drop: NoRoute */
    VNL_ROUTE_KIND_VNET, /* deliver to the owner of the destination in `vnet` */
    VNL_ROUTE_KIND_INTERNET, /* translate by vnl_nic_entry.outside and go on with the internet's own table (vnl_outside.internet) */
    VNL_ROUTE_KIND_APPLIANCE, /* deliver to the NIC in `nic`, whatever the destination */
    VNL_ROUTE_KIND_BALANCER, /* deliver to a backend of the balancer at `at`, destination unchanged (HA ports as next hop; the instances
                                of an active-active gateway) */
    VNL_ROUTE_KIND_GATEWAY, /* deliver to the gateway's leg in `nic`; VNL_ROUTE_NO_NIC: NoGateway */
    VNL_ROUTE_KIND_PUBLIC,  /* internet's table: an instance's public IP, struct vnl_public at `at` */
    VNL_ROUTE_KIND_SESSION, /* internet's table: an address behind which only sessions are known (NAT gateway, default outbound) */
    VNL_ROUTE_KIND_MAX
};
/* What the links of the peering that the packet crosses say; the plan has folded them with the lab's semantics. */
#define VNL_ROUTE_DENY_ACCESS_LOCAL  0x1u
#define VNL_ROUTE_DENY_ACCESS_REMOTE 0x2u
#define VNL_ROUTE_DENY_FORWARDED     0x4u
#define VNL_ROUTE_GLOBAL             0x8u /* the next hop is in another region */
#define VNL_ROUTE_NO_NIC             0xffffffffu
#define VNL_ROUTE_DELAY_SHIFT                                                                                \
    8u /* upper byte: delay class, 0 = none; the packet leaves by port VNL_DELAY_IFINDEX + class */

struct vnl_route_entry {
    __u16 kind;
    __u16 flags;
    union {
        __u32 vnet; /* slot of the VNet that owns the destination */
        __u32 nic;  /* slot */
        __u32 at;   /* pool offset */
    };
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

/* The security rules of one direction of one network security group, as bit vectors (feasibility/dataplane.md, section 2). Rule i is
 * bit i % 64 of word i / 64, in the order in which rules are tried, so the first bit that is set in all dimensions is the deciding
 * rule. In each dimension the values fall into ranges, as in struct vnl_route_image: range i covers start[i] .. start[i + 1] - 1,
 * start[0] is 0, the search is the same. index[i] is the range's class: the set of rules that match there. Equal sets are one class.
 *
 * A class is a record of 1 + words __u64, at bits + class * (1 + words) * 8: first the summary, whose bit w says that word w is not
 * zero, then the words. AND the summaries of the dimensions, and only words that may decide are read.
 * TCP and UDP: source, destination, protocol and both ports count. All others: without the ports (a rule of any protocol that names
 * ports is not in their protocol record). The last rule is a default that matches everything, so one always decides.
 * Offsets are bytes from the bank's start, 8-byte aligned; images and their parts may be shared. */
enum vnl_classifier_dim_number {
    VNL_CLASSIFIER_SOURCE4,
    VNL_CLASSIFIER_DESTINATION4,
    VNL_CLASSIFIER_SOURCE6,
    VNL_CLASSIFIER_DESTINATION6,
    VNL_CLASSIFIER_SOURCE_PORT,
    VNL_CLASSIFIER_DESTINATION_PORT,
    VNL_CLASSIFIER_DIM_MAX
};

/* Records at `proto`, in this order. */
enum vnl_classifier_proto {
    VNL_CLASSIFIER_TCP,
    VNL_CLASSIFIER_UDP,
    VNL_CLASSIFIER_ICMP, /* and ICMPv6 */
    VNL_CLASSIFIER_ESP,
    VNL_CLASSIFIER_AH,
    VNL_CLASSIFIER_OTHER, /* matched by rules of any protocol only */
    VNL_CLASSIFIER_PROTO_MAX
};

struct vnl_classifier_dim {
    __u32 n_ranges; /* 1 .. VNL_CLASSIFIER_RANGES_MAX */
    __u32 start;    /* IPv4 and ports: __u32 each, host order. IPv6: two __u64, host order, high half first */
    __u32 index;    /* __u16 each */
    __u32 bits;     /* records */
};

struct vnl_classifier {
    __u32 n_rules; /* 1 .. VNL_CLASSIFIER_RULES_MAX */
    __u32 words;   /* of a bitmap: n_rules / 64, rounded up */
    __u32 allow;   /* one bitmap, no summary: 1 = the rule allows */
    __u32 counter; /* __u32 each, by rule: element of vnl_rule_counters */
    __u32 proto;   /* records, by enum vnl_classifier_proto */
    __u32
        platform; /* one bitmap: rules that name an AzurePlatform* tag, the only ones for what goes to the platform; 0 = none */
    struct vnl_classifier_dim dim[VNL_CLASSIFIER_DIM_MAX];
};
_Static_assert(sizeof(struct vnl_classifier) == 120, "classifier has no padding");
#define VNL_CLASSIFIER_RULES_MAX                                                                             \
    1024u /* 1000 and the defaults; a summary has a bit for each of its 16 words */
#define VNL_CLASSIFIER_WORDS_MAX  (VNL_CLASSIFIER_RULES_MAX / 64)
#define VNL_CLASSIFIER_RANGES_MAX 0x10000u

/* In the pool, at vnl_nic_entry.policy: pool offsets of struct vnl_classifier in the order in which they act; 0 = none, allows. */
struct vnl_nic_policy {
    __u32 out_nic, out_subnet;
    __u32 in_subnet, in_nic;
};
_Static_assert(sizeof(struct vnl_nic_policy) == 16, "policy has no padding");

/* --- the internet side, load balancers: in the pool ------------------------------------------------------------------- */

/* One public IP of one NIC: 1:1 for what the NIC owns. Its address is a /32 of kind PUBLIC in the internet's routes. */
struct vnl_public {
    __be32 inner; /* the NIC's private address */
    __be32 outer; /* the public IP */
    __u32 nic;    /* slot */
    __u32 flags;
    __u32 timeout_s; /* of idle sessions that come in (idleTimeoutInMinutes); those that go out: 4 minutes */
    __u32 pad;
};
_Static_assert(sizeof(struct vnl_public) == 24, "public IP has no padding");
#define VNL_PUBLIC_CLOSED 0x1u /* Standard, and no security group at the NIC: nothing new comes in */

/* How a NIC's packets get to the internet (spec 6.2). A NAT gateway comes first, then the public IP of the address that sends, then
 * default outbound access. IPv4 only. */
struct vnl_outside {
    __u32 internet; /* pool offset of the internet's route image */
    __u32 publics;  /* pool offset of struct vnl_public each, the NIC's own */
    __u32 n_publics;
    __u32 flags;
    __u32 outer; /* pool offset of __be32 each: addresses to share, of the NAT gateway or default outbound */
    __u32 n_outer;    /* 0: none, a private subnet */
    __u16 port_first; /* ports that this NIC may use there: port_first .. port_first + n_ports - 1 */
    __u16 n_ports;
    __u32 tcp_timeout_s;
    __u32 udp_timeout_s;
    __u32 pad;
};
_Static_assert(sizeof(struct vnl_outside) == 40, "outside has no padding");
#define VNL_OUTSIDE_GATEWAY 0x1u /* `outer` is a NAT gateway's: before the NIC's own public IP */

/* One frontend of an internal load balancer, IPv4; or the instances of an active-active gateway, which only routes lead to (0.0.0.0). */
struct vnl_balancer {
    __be32 frontend;
    __u32 vnet; /* slot of the VNet that it is in */
    __u32 flags;
    __u32
        rules; /* pool offset of struct vnl_balancer_rule each; the first that fits decides, HA ports last */
    __u32 n_rules;
    __u32 pad;
};
_Static_assert(sizeof(struct vnl_balancer) == 24, "balancer has no padding");
#define VNL_BALANCER_BASIC 0x1u

/* Which part of the packet chooses the backend. */
enum vnl_distribution {
    VNL_DISTRIBUTION_FIVE_TUPLE,
    VNL_DISTRIBUTION_SOURCE_IP,
    VNL_DISTRIBUTION_SOURCE_IP_PROTOCOL
};

/* Chooses the backend: the k-th of those alive, k = hash modulo their number. The same for both directions of a flow, so that a firewall
 * behind HA ports sees the whole of it. Addresses as on the wire, ports in host order (0 for protocols without). */
static inline __attribute__((always_inline)) __u32 vnl_balancer_hash(__be32 saddr, __be32 daddr, __u16 sport,
                                                                     __u16 dport, __u8 proto,
                                                                     __u32 distribution)
{
    int ports = distribution == VNL_DISTRIBUTION_FIVE_TUPLE;
    __u64 a = ((__u64)saddr << 16 | (ports ? sport : 0)) * 0x9e3779b97f4a7c15u;
    __u64 b = ((__u64)daddr << 16 | (ports ? dport : 0)) * 0x9e3779b97f4a7c15u;
    __u64 h = (a ^ a >> 29) + (b ^ b >> 29);

    h ^= distribution == VNL_DISTRIBUTION_SOURCE_IP ? 0 : proto * 0xc2b2ae3d27d4eb4fu;
    h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
    return h >> 32;
}

struct vnl_balancer_rule {
    __u8 proto;        /* IP protocol; 0 = all (HA ports) */
    __u8 distribution; /* enum vnl_distribution */
    __u8 floating;     /* the destination stays the frontend's: the guest has it on an interface of its own */
    __u8 pad;
    __u16 frontend_port, backend_port; /* host order; 0 with HA ports: unchanged */
    __u32 health;                      /* element of vnl_health */
    __u32 backends;                    /* pool offset of struct vnl_backend each */
    __u32 n_backends;                  /* at most VNL_BACKENDS_MAX */
    __u32 timeout_s;
    __u64 health_id; /* struct vnl_health.id of this rule */
};
_Static_assert(sizeof(struct vnl_balancer_rule) == 32, "balancer rule has no padding");
#define VNL_BACKENDS_MAX 64u

struct vnl_backend {
    __be32 addr;
    __u32 nic; /* slot */
};

/* Map vnl_health: which backends of a rule may get new sessions. Written by user space alone (the agent's probes), at any time; not
 * banked: an element is of the rule whose id it has, and of no other. The program takes all as alive where the id differs. */
struct vnl_health {
    __u64 id;    /* hash of the rule's id and its backends: vnl_health_id() */
    __u64 alive; /* bit i: backend i */
};
_Static_assert(sizeof(struct vnl_health) == 16, "health has no padding");
#define VNL_HEALTH_SLOTS 4096u

/* Map vnl_rule_counters: element = the rule's number, which it keeps while it lives. A number whose `id` in the image is another one
 * belongs to another rule now: user space sets id and zero hits before it flips. */
struct vnl_rule_counter {
    __u64 id; /* hash of the group's id, the direction and the rule's name; 0 = free */
    __u64 hits;
};
_Static_assert(sizeof(struct vnl_rule_counter) == 16, "counter has no padding");

/* Map vnl_counters: element = NIC slot. Added to atomically; drops are rare by construction. */
struct vnl_nic_counters {
    __u64 drop[VNL_DROP_SLOTS];
};

/* Flows, as the NICs with a network security group know them. One entry is one flow at one NIC and serves both directions; a flow
 * between two such NICs has an entry at each. ICMP and ICMPv6 echo: local_port is the identifier, remote_port says who asks: requests in
 * one direction and their replies are one flow, requests in the other another. ESP and AH: ports are 0. */
struct vnl_flow_key {
    __be32 local[4], remote[4]; /* IPv4 as ::ffff:a.b.c.d */
    __u16 local_port, remote_port;
    __u16 nic; /* slot; of kind OUTER: the VNet slot of `local` */
    __u8 proto;
    __u8 kind; /* enum vnl_flow_kind */
};
_Static_assert(sizeof(struct vnl_flow_key) == 40, "compared as five words");

/* A session is what translation remembers: two entries that live and end together. INNER is found by what the guest sends and gets
 * (local = its private address), OUTER by what the other side sends (local = public IP, NAT address, load balancer's frontend).
 * An ICMP session has the echo identifier in local_port. */
enum vnl_flow_kind { VNL_FLOW_RULES, VNL_FLOW_INNER, VNL_FLOW_OUTER };

/* Where a session's packets go, in place of vnl_flow.way. */
struct vnl_session_to {
    __be32 addr; /* INNER: the outer address. OUTER: the inner one */
    __u16 port;  /* host order */
    __u16
        slot; /* INNER: VNet slot of the outer address (VNL_INTERNET_SLOT, or the frontend's). OUTER: NIC slot */
};
/* Not 0: that is the key of ICMP that is no echo, which opens no flows and must find none. */
#define VNL_FLOW_ECHO_BY_LOCAL  1u
#define VNL_FLOW_ECHO_BY_REMOTE 2u

#define VNL_FLOW_BY_REMOTE  0x1u /* the first packet came to the NIC */
#define VNL_FLOW_UNANSWERED 0x2u /* TCP: nothing came back yet */
#define VNL_FLOW_FIN_LOCAL  0x4u
#define VNL_FLOW_FIN_REMOTE 0x8u
#define VNL_FLOW_CLOSED     0x10u /* TCP: both FINs or a reset were seen; is gone after VNL_FLOW_CLOSED_S */
#define VNL_FLOW_EPOCH_SHIFT                                                                                 \
    8u /* of a session: above, the epoch in which its outer address was last found to be in use for it */

struct vnl_flow {
    struct vnl_flow_key key;
    __u32 state;
    union {
        __u32
            twin; /* where the flow's entry at the other NIC was last found: index in vnl_flows, to be verified */
        __u32 timeout_s; /* of a session */
    };
    union {
        struct vnl_session_to to; /* of a session */
        __u64
            way; /* epoch << 32 | delay class << 24 | receiver's slot: what local packets of the flow met after the security rules, when
                nothing about them was translated; good for that epoch.
                Sets of tables that share the flows never have the same epoch */
    };
};
_Static_assert(sizeof(struct vnl_flow) == 56, "flow has no padding");

/* What a search reads, apart from the rest so that eight are a cache line; one word, claimed by compare-and-swap.
 * Live: tag is not 0 and `expires` is not past. A slot may be taken VNL_FLOW_GRACE_TICKS after it expired, when no packet can
 * hold it any more. */
struct vnl_flow_head {
    __u32 expires; /* tick */
    __u32 tag;     /* of the key's hash; 0 = never used, or being written */
} __attribute__((aligned(8)));

/* Map vnl_flows: buckets of eight, two of which may hold a flow. */
#define VNL_FLOW_WAYS 8u
struct vnl_flow_bucket {
    struct vnl_flow_head head[VNL_FLOW_WAYS];
    struct vnl_flow flow[VNL_FLOW_WAYS];
};
_Static_assert(sizeof(struct vnl_flow_bucket) == 512, "bucket has no padding");

#define VNL_FLOW_NIC_MAX     500000u /* flows of one NIC (Azure's limit for a VM) */
#define VNL_FLOW_GRACE_TICKS 4u
#define VNL_FLOW_CLOSED_S                                                                                    \
    4u /* a closed flow still lets retransmissions pass, and a SYN opens its ports anew at once */
#define VNL_FLOW_UNANSWERED_S 30u /* a SYN without an answer; each retransmission counts anew */

/* Map vnl_nic_states: what the program itself remembers of a NIC; element = slot. In a lab with flows it has room for every slot that
 * can be, so that it goes with vnl_flows from one set of tables to the next (dataplane/tables.c), and element VNL_NIC_SLOTS_MAX, behind
 * the last NIC, holds the sum of all `flows`. A NIC may hold as many flows as are free (and VNL_FLOW_NIC_MAX), so none can take all of them from the others. */
struct vnl_nic_state {
    __u32 flows; /* in the table, also expired ones that nobody has replaced yet */
    __u32
        pick_up; /* tick until which a TCP flow may begin in the middle: its beginning was before the NIC's security group */
    __u32 event_tick;  /* drop events are limited per tick */
    __u32 event_count; /* in that tick */
    __u64 suppressed;  /* drop events beyond the limit */
    __u32
        generation; /* of the sum's element: the last one of all sets that share the flows, see vnl_flow.way */
    __u32 pad;
};
_Static_assert(sizeof(struct vnl_nic_state) == 32, "NIC state has no padding");

/* Map vnl_fragments, least recently used: the ports of the first fragment, by which the others are judged. */
struct vnl_fragment_key {
    __be32 src[4], dst[4];
    __u32 id;
    __u16 nic; /* slot of the sender */
    __u8 proto;
    __u8 pad;
};
_Static_assert(sizeof(struct vnl_fragment_key) == 40, "fragment key has no padding");

struct vnl_fragment {
    __u16 sport, dport;
    __u16 echo_id;
    __u16 pad;
};
#define VNL_FRAGMENTS 8192u

/* Ring buffer vnl_events: dropped packets, while control.events_until says that somebody reads. */
#define VNL_EVENT_HEAD    96u
#define VNL_EVENTS_BYTES  (256u << 10)
#define VNL_EVENTS_A_TICK 64u         /* per NIC; what is more is counted as suppressed */
#define VNL_NO_RULE       0xffffffffu /* no security rule decided */

struct vnl_event {
    __u64 time_ns; /* CLOCK_MONOTONIC */
    __u32 slot;    /* NIC at which the packet was dropped */
    __u32 from;    /* NIC that sent it */
    __u32 rule;    /* element of vnl_rule_counters, or VNL_NO_RULE */
    __u32 size;    /* of the whole frame */
    __u8 reason;   /* enum vnl_drop */
    __u8 stage;    /* enum vnl_stage */
    __u8 inbound;  /* dropped on the way to the guest of `slot`; else on the way from it */
    __u8 head_size;
    __u32 suppressed; /* drop events of `slot` that were suppressed so far */
    __u8 head[VNL_EVENT_HEAD];
};
_Static_assert(sizeof(struct vnl_event) == 128, "event has no padding");

/* The verdict on every packet is left in skb->cb. What-if: a test run with one of these marks is decided like any packet but changes and
 * counts nothing, and is taken as sent by the NIC whose slot comes in cb[VNL_CB_SLOT], so that it needs no device of the fabric
 * namespace. A guest cannot forge it: the kernel clears the mark on the way from one namespace to another (skb_scrub_packet), and
 * without the mark cb is only written. */
#define VNL_MARK_WHAT_IF       0x766e6c3fu /* with the flows that there are */
#define VNL_MARK_WHAT_IF_NEW   0x766e6c3eu /* as if there were no flows: the first packet */
#define VNL_MARK_WHAT_IF_KNOWN 0x766e6c3du /* as if it belonged to a flow: no security rules */
#define VNL_CB_REASON          0           /* enum vnl_drop */
#define VNL_CB_STAGE           1           /* enum vnl_stage that took the decision */
#define VNL_CB_SLOT            2 /* NIC slot at which it was taken (the sender's, or the receiver's); in: see above */
#define VNL_CB_OUT             3 /* NIC slot that the packet is delivered to; valid when the reason is NONE */
#define VNL_CB_RULE                                                                                          \
    4 /* the last security rule that was asked: element of vnl_rule_counters, or VNL_NO_RULE */

/* UDP ports of a gateway's IKE daemons, where it has several: from here on, two for each tunnel, + 2 * if_id. Nobody outside sees them. */
#define VNL_GATEWAY_PORTS 20000u

/* A guest's eth0, in its own namespace; the next NIC is 3. */
#define VNL_GUEST_IFINDEX 2u

/* Who is let in by a gateway's eth1. A VPN gateway has no services but IKE and ESP; what a site's device has is its owner's affair. */
enum vnl_gateway_door {
    VNL_GATEWAY_DOOR_OPEN,    /* everything */
    VNL_GATEWAY_DOOR_PEERS,   /* IKE of peers */
    VNL_GATEWAY_DOOR_CLIENTS, /* IKE of anybody: point-to-site */
};

/* --- the platform (spec 1.8) ------------------------------------------------------------------------------------------ */

/* Behind the platform's port one namespace serves all guests, whose addresses may be the same in several VNets. So a guest is known there
 * by its NIC: 100.96.hi.lo, with hi.lo the slot. The program puts that in place of the guest's address on the way there, and of the
 * address back. Ports and the platform's own addresses stay. */
#define VNL_PLATFORM_GUESTS 0x64600000u /* 100.96.0.0/16, host order */
#define VNL_PLATFORM_DNS    0xa83f8110u /* 168.63.129.16, host order: DNS, source of health probes */
#define VNL_PLATFORM_IMDS   0xa9fea9feu /* 169.254.169.254, host order: instance metadata */
#define VNL_PLATFORM_MAC                                                                                     \
    {                                                                                                        \
        0x12, 0x34, 0x56, 0x78, 0x9a, 0xbd                                                                   \
    }
#define VNL_PROBE_PORT_MIN                                                                                   \
    32768u /* health probes come from ports from here on; TCP to 168.63.129.16 at them is an answer */
#define VNL_OUT_PLATFORM 0xfffffffeu /* VNL_CB_OUT of what went there */

/* Stages in the order of spec section 0. */
enum vnl_stage {
    VNL_STAGE_FRAME,
    VNL_STAGE_NEIGHBOR,
    VNL_STAGE_PARSE,
    VNL_STAGE_SOURCE,
    VNL_STAGE_PROTOCOL,
    VNL_STAGE_NSG_OUTBOUND,
    VNL_STAGE_ROUTE,
    VNL_STAGE_TRANSLATE, /* to a public address and back, to a balancer's backend and back */
    VNL_STAGE_PEERING,
    VNL_STAGE_NSG_INBOUND,
    VNL_STAGE_DELIVER,
    VNL_STAGE_MAX
};

#endif
