/* The model: what was asked for, as typed resources with ARM's names and ARM's rules.
 *
 * Life of a lab value:
 *   1. a loader (lab file, store, later ARM JSON) fills a lab with vnl_lab_new() and the vnl_*_add() functions;
 *      text is kept as written, references stay text;
 *   2. vnl_lab_resolve() turns references into pointers and checks every rule that one lab alone can break;
 *   3. vnl_lab_settle() takes the lab that is in force now (or NULL) and does what a series of ARM PUTs and DELETEs would:
 *      allocates addresses and slots, moves peering states, refuses what Azure refuses.
 * After 3 the lab is complete: the plan reads it and never asks again.
 *
 * Structs are open plain data. Everything is owned by the lab and freed by vnl_lab_free(). */
#ifndef VNETLAB_LAB_H
#define VNETLAB_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/addr.h"
#include "vnetlab/err.h"
#include "vnetlab/lab_gateway.h"
#include "vnetlab/lab_shapes.h"
#include "vnetlab/learned.h"
#include "vnetlab/name_list.h"

#define VNL_SLOT_NONE UINT32_MAX

/* Provider-qualified type of a resource, for ids and messages. */
enum vnl_type {
    VNL_TYPE_VNET,
    VNL_TYPE_SUBNET,
    VNL_TYPE_PEERING,
    VNL_TYPE_VM,
    VNL_TYPE_NIC,
    VNL_TYPE_NSG,
    VNL_TYPE_RULE,
    VNL_TYPE_ASG,
    VNL_TYPE_ROUTE_TABLE,
    VNL_TYPE_ROUTE,
    VNL_TYPE_PUBLIC_IP,
    VNL_TYPE_NAT_GATEWAY,
    VNL_TYPE_BALANCER,
    VNL_TYPE_VPN_GATEWAY,
    VNL_TYPE_LOCAL_GATEWAY,
    VNL_TYPE_CONNECTION,
    VNL_TYPE_SITE,   /* a simulated on-premises network; no ARM type: "sites" in ids and messages */
    VNL_TYPE_CLIENT, /* a point-to-site client; no ARM type: "clients" */
    VNL_TYPE_HOST,   /* a simulated internet host; no ARM type: "internet/hosts" in ids and messages */
    VNL_TYPE_MAX
};

enum vnl_peering_state {
    VNL_PEERING_INITIATED,    /* twin absent: no route, no traffic */
    VNL_PEERING_CONNECTED,    /* both links exist: routes for the prefixes in force */
    VNL_PEERING_DISCONNECTED, /* twin was deleted: no route; only a re-PUT brings it back to Initiated */
    VNL_PEERING_STATE_MAX
};

enum vnl_peering_sync {
    VNL_SYNC_FULL,         /* FullyInSync */
    VNL_SYNC_REMOTE,       /* RemoteNotInSync: the local space changed, the twin does not know yet */
    VNL_SYNC_LOCAL,        /* LocalNotInSync: the remote space changed, this link needs a sync */
    VNL_SYNC_LOCAL_REMOTE, /* LocalAndRemoteNotInSync */
    VNL_SYNC_MAX
};

/* How a lab decides where Azure is ambiguous (docs/fidelity.md); the first value is the default. */
enum vnl_peering_access { VNL_ACCESS_DOCUMENTED, VNL_ACCESS_TAG_ONLY, VNL_ACCESS_MAX };
enum vnl_peering_forwarded { VNL_FORWARDED_STRICT, VNL_FORWARDED_TAG_ONLY, VNL_FORWARDED_MAX };

enum vnl_expect_proto { VNL_EXPECT_ICMP, VNL_EXPECT_TCP, VNL_EXPECT_UDP, VNL_EXPECT_PROTO_MAX };
enum vnl_expect_result { VNL_EXPECT_PASS, VNL_EXPECT_DROP, VNL_EXPECT_RESULT_MAX };

/* Security rules: spec 3.1. */
enum vnl_direction { VNL_INBOUND, VNL_OUTBOUND, VNL_DIRECTION_MAX };
enum vnl_access { VNL_ALLOW, VNL_DENY, VNL_RULE_ACCESS_MAX };
enum vnl_rule_proto {
    VNL_RULE_ANY,
    VNL_RULE_TCP,
    VNL_RULE_UDP,
    VNL_RULE_ICMP, /* ICMP for IPv4; and ICMPv6, see docs/fidelity.md */
    VNL_RULE_ESP,
    VNL_RULE_AH,
    VNL_RULE_PROTO_MAX
};
/* Service tags: spec 3.5. What they stand for depends on the NIC; the plan expands them. */
enum vnl_tag {
    VNL_TAG_NONE,
    VNL_TAG_VIRTUAL_NETWORK,
    VNL_TAG_AZURE_LOAD_BALANCER,
    VNL_TAG_INTERNET,
    VNL_TAG_PLATFORM_DNS,    /* AzurePlatformDNS */
    VNL_TAG_PLATFORM_IMDS,   /* AzurePlatformIMDS */
    VNL_TAG_PLATFORM_LKM,    /* AzurePlatformLKM */
    VNL_TAG_GATEWAY_MANAGER, /* GatewayManager: Azure's own; no address of a lab is in it */
    VNL_TAG_AZURE_CLOUD, /* AzureCloud: the same; both are in the rules that Bastion asks for (spec 1.9) */
    VNL_TAG_MAX
};

/* What a user-defined route does (spec 4.3), ARM's nextHopType. */
enum vnl_udr_hop {
    VNL_UDR_APPLIANCE, /* VirtualAppliance */
    VNL_UDR_VNET_LOCAL,
    VNL_UDR_INTERNET,
    VNL_UDR_GATEWAY, /* VirtualNetworkGateway */
    VNL_UDR_NONE,
    VNL_UDR_MAX
};

enum vnl_sku { VNL_SKU_STANDARD, VNL_SKU_BASIC, VNL_SKU_MAX };

/* How a load balancer chooses a backend (ARM's loadDistribution): Default, SourceIP, SourceIPProtocol. */
enum vnl_load_distribution {
    VNL_LOAD_DEFAULT,
    VNL_LOAD_SOURCE_IP,
    VNL_LOAD_SOURCE_IP_PROTOCOL,
    VNL_LOAD_MAX
};
enum vnl_lb_proto { VNL_LB_ALL, VNL_LB_TCP, VNL_LB_UDP, VNL_LB_PROTO_MAX }; /* All: HA ports */
enum vnl_probe_kind { VNL_PROBE_KIND_TCP, VNL_PROBE_KIND_HTTP, VNL_PROBE_KIND_MAX };

/* A range of ports, both ends included. */
struct vnl_ports {
    uint16_t first, last;
};

struct vnl_port_list {
    struct vnl_ports *items; /* in the order of the file */
    size_t n;
};

struct vnl_index; /* finds siblings by name, without case; private to ctl/model */

struct vnl_subnet {
    uint32_t number; /* resolved: position among all subnets of the lab, in file order */
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_vnet *vnet;
    struct vnl_prefixes prefixes; /* IPv4 and IPv6 */
    bool plural;                  /* written as addressPrefixes (spec 1.2: preview feature) */
    char *nsg_ref;                /* networkSecurityGroup as written, or NULL */
    struct vnl_src nsg_src;
    struct vnl_nsg *nsg;   /* resolved, or NULL */
    char *route_table_ref; /* routeTable as written, or NULL */
    struct vnl_src route_table_src;
    struct vnl_udr_table *route_table; /* resolved, or NULL */
    char *nat_ref;                     /* natGateway as written, or NULL */
    struct vnl_src nat_src;
    struct vnl_nat_gateway *nat; /* resolved, or NULL */
    bool private_outbound;       /* defaultOutboundAccess: false; the default is true (docs/fidelity.md) */
};

struct vnl_peering {
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_vnet *vnet;
    char *remote_ref; /* as written: a VNet's name or a full id */
    struct vnl_src remote_src;
    struct vnl_vnet *remote; /* resolved; NULL when the remote VNet is gone (state Disconnected) */
    bool allow_vnet_access;  /* default true in a lab file (the portal's) */
    bool allow_forwarded_traffic;
    bool allow_gateway_transit;
    bool use_remote_gateways;
    bool do_not_verify_remote_gateways;
    bool complete_vnets; /* peerCompleteVnets, default true; false = subnet peering (spec 2.8) */
    bool only_ipv6;      /* enableOnlyIPv6Peering */
    struct vnl_names local_subnets, remote_subnets;

    /* Set by vnl_lab_settle(), kept by the store. */
    enum vnl_peering_state state;
    struct vnl_prefixes remote_space; /* remoteAddressSpace: in force on this link */
    enum vnl_peering_sync sync;       /* derived */
};

struct vnl_vnet {
    uint32_t number; /* position in lab->vnets */
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_scope scope;
    struct vnl_prefixes space;
    int flow_timeout_min; /* flowTimeoutInMinutes, 0 = not set, else 4..30 */
    struct vnl_addr *dns; /* dnsServers (dhcpOptions.dnsServers in ARM), at most 20; none: Azure's own */
    size_t n_dns;
    struct vnl_vpn_gateway *gateway; /* resolved: the VPN gateway in it, or NULL */
    struct vnl_subnet **subnets;
    size_t n_subnets;
    struct vnl_peering **peerings;
    size_t n_peerings;
    struct vnl_index *index; /* of subnets and peerings */
    uint32_t slot;           /* settled: small number, stable while the VNet lives */
};

/* One address of a NIC. A NIC has its primary IPv4 configuration first, then its other IPv4 ones, and at most one IPv6 one, last. */
struct vnl_ip_config {
    struct vnl_src src; /* of the address when static, else of the VM or configuration */
    char *name;         /* "ipconfig1", "ipconfig2", ... unless written; unique in the NIC */
    char *
        public_ref; /* publicIPAddress as written, or NULL; `true` in a lab file makes a resource "VM-ip" and is its name here */
    struct vnl_src public_src;
    struct vnl_public_ip *public_ip; /* resolved, or NULL */
    bool is_static;
    bool primary;                    /* `primary: true` written; resolved: the first one */
    uint16_t family;                 /* AF_INET, AF_INET6; 0 = the address's, else IPv4. Resolved: never 0 */
    struct vnl_addr addr;            /* static: as written; dynamic: set by vnl_lab_settle() */
    struct vnl_prefix subnet_prefix; /* settled: the subnet's prefix that holds addr */
};

struct vnl_nic {
    struct vnl_src src;
    char *id;
    char *name; /* "VM-nic" in the short form, else as written */
    struct vnl_vm *vm;
    bool
        primary; /* `primary: true` written; resolved: exactly one of the VM's, and that one is vm->nics[0] */
    char *subnet_ref; /* "vnet/subnet", a bare subnet name if unambiguous, or a full id */
    struct vnl_src subnet_src;
    struct vnl_subnet *subnet; /* resolved */
    struct vnl_ip_config *configs;
    size_t n_configs;
    bool ip_forwarding; /* enableIPForwarding: Azure's flag */
    struct vnl_mac mac; /* settled: from the slot, so unique in the lab */
    char *nsg_ref;      /* networkSecurityGroup as written, or NULL */
    struct vnl_src nsg_src;
    struct vnl_nsg *nsg;       /* resolved, or NULL */
    struct vnl_names asg_refs; /* applicationSecurityGroups, of all its configurations */
    struct vnl_src asg_src;
    struct vnl_asg **asgs; /* resolved, each once, in the order of the refs */
    size_t n_asgs;
    uint32_t slot; /* settled: index of the kernel tables, stable while the NIC lives */
};

/* Application security group: its members are NICs of one VNet (spec 3.6). */
struct vnl_asg {
    uint32_t number; /* position in lab->asgs */
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_scope scope;
    struct vnl_vnet *vnet; /* resolved: its first member's; NULL without members */
    struct vnl_nic **nics; /* resolved: its members, in the lab's order */
    size_t n_nics;
};

/* One side of a rule. Resolved, it is one of: any address (then all else is empty), one tag, ASGs, prefixes. */
struct vnl_rule_side {
    struct vnl_src src; /* of the addresses; of the rule when none are written */
    bool any;           /* `*` written; resolved: also when nothing is */
    enum vnl_tag tag;   /* the first one written, or VNL_TAG_NONE */
    size_t n_tags;      /* as written; more than one is refused */
    struct vnl_prefixes prefixes;
    bool plural; /* more than one prefix, or written in the plural member: ARM keeps the two apart */
    struct vnl_names asg_refs;
    struct vnl_src asg_src;
    struct vnl_asg **asgs; /* resolved, each once, in the order of the refs */
    size_t n_asgs;
    struct vnl_src ports_src;
    struct vnl_port_list ports; /* none: any port, and so is 0-65535 */
    bool any_port;              /* `*` written; resolved: also when nothing is */
    bool plural_ports;
};

struct vnl_rule {
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_nsg *nsg; /* NULL: one of the six defaults */
    int priority;        /* 100..4096; defaults 65000 and more */
    struct vnl_src priority_src;
    enum vnl_direction direction;
    enum vnl_access access;
    enum vnl_rule_proto proto;
    struct vnl_rule_side source, destination;
    char *description; /* or NULL */
    uint32_t slot;     /* settled: of its hit counter, stable while the rule lives */
};

/* What every NSG has behind its own rules (spec 3.2): inbound ones first, by priority. They are resolved, have no id, no
 * NSG and no slot; of those of an NSG, nsg->default_slots[] has the counters. */
#define VNL_DEFAULT_RULES 6
extern const struct vnl_rule vnl_default_rules[VNL_DEFAULT_RULES];

/* A VNet in which an NSG acts: on a subnet of it, or on a NIC in it. */
struct vnl_nsg_use {
    struct vnl_vnet *vnet;
    uint32_t slot; /* settled: unique among the lab's pairs of NSG and VNet, stable while this one lives */
};

struct vnl_nsg {
    uint32_t number; /* position in lab->nsgs */
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_scope scope;
    struct vnl_rule **rules; /* in the order of the file */
    size_t n_rules;
    struct vnl_index *index;     /* of its rules */
    struct vnl_subnet **subnets; /* resolved: to which it is attached, in the lab's order; and NICs */
    size_t n_subnets;
    struct vnl_nic **nics;
    size_t n_nics;
    struct vnl_nsg_use *uses; /* settled, in the order of lab->vnets */
    size_t n_uses;
    /* Settled: the default rules' counters, from the same numbers as vnl_rule.slot. */
    uint32_t default_slots[VNL_DEFAULT_RULES];
};

struct vnl_udr {
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_udr_table *table;
    struct vnl_prefix prefix;
    struct vnl_src prefix_src;
    enum vnl_udr_hop hop;
    struct vnl_addr next_hop; /* nextHopIpAddress; AF_UNSPEC: none */
    struct vnl_src next_hop_src;
};

/* A route table resource; "route table" alone is the plan's effective one. */
struct vnl_udr_table {
    uint32_t number; /* position in lab->route_tables */
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_scope scope;
    bool disable_bgp;      /* disableBgpRoutePropagation */
    struct vnl_udr **udrs; /* in the order of the file */
    size_t n_udrs;
    struct vnl_index *index;     /* of its routes */
    struct vnl_subnet **subnets; /* resolved: to which it is attached, in the lab's order */
    size_t n_subnets;
};

struct vnl_public_ip {
    uint32_t number; /* position in lab->public_ips */
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_scope scope;
    enum vnl_sku sku;
    int idle_timeout_min; /* idleTimeoutInMinutes: 4..30, 0 = not written (4) */
    bool is_static;       /* ipAddress written: a lab may choose, Azure does not let */
    bool implied;         /* made for `publicIPAddress: true` of a VM or NIC */
    struct vnl_src addr_src;
    struct vnl_addr
        addr; /* as written, else set by vnl_lab_settle(): from 198.51.100.0/24, then 192.0.2.0/25 */
    struct vnl_ip_config *config;    /* resolved: whose it is, or NULL */
    struct vnl_nic *nic;             /* of the config */
    struct vnl_nat_gateway *nat;     /* resolved: whose it is, or NULL */
    struct vnl_vpn_gateway *gateway; /* resolved: whose it is, or NULL */
};

struct vnl_nat_gateway {
    uint32_t number; /* position in lab->nat_gateways */
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_scope scope;
    int idle_timeout_min; /* 4..120, 0 = not written (4); TCP. UDP: 4 */
    struct vnl_names public_refs;
    struct vnl_src public_src;
    struct vnl_public_ip **publics; /* resolved, 1..16, in the order of the refs */
    size_t n_publics;
    struct vnl_subnet **subnets; /* resolved */
    size_t n_subnets;
};

/* Parts of a load balancer: names are unique among their siblings, references are names of siblings. */
struct vnl_lb_frontend {
    struct vnl_src src;
    char *name;
    char *subnet_ref;
    struct vnl_src subnet_src;
    struct vnl_subnet *subnet; /* resolved */
    bool is_static;
    struct vnl_src addr_src;
    struct vnl_addr addr;            /* IPv4; dynamic: set by vnl_lab_settle() from the subnet, as a NIC's */
    struct vnl_prefix subnet_prefix; /* settled */
};

struct vnl_lb_pool {
    struct vnl_src src;
    char *name;
    struct vnl_names member_refs; /* VMs (their primary NIC) or "VM/NIC" */
    struct vnl_src *member_srcs;  /* of each */
    struct vnl_nic **nics;        /* resolved, each once, all of one VNet */
    size_t n_nics;
};

struct vnl_lb_probe {
    struct vnl_src src;
    char *name;
    enum vnl_probe_kind kind;
    uint16_t port;
    char *path;     /* HTTP: requestPath, else NULL */
    int interval_s; /* intervalInSeconds, default 15 (ARM's), at least 5 in Azure; a lab may say 1 */
    int threshold;  /* probeThreshold (numberOfProbes), default 1 */
};

struct vnl_lb_rule {
    struct vnl_src src;
    char *name;
    char *frontend_ref, *pool_ref, *probe_ref; /* probe_ref: NULL = always healthy */
    struct vnl_src frontend_src, pool_src, probe_src;
    struct vnl_lb_frontend *frontend; /* resolved */
    struct vnl_lb_pool *pool;
    struct vnl_lb_probe *probe;
    enum vnl_lb_proto proto;
    uint16_t frontend_port, backend_port; /* both 0 with VNL_LB_ALL */
    enum vnl_load_distribution distribution;
    bool floating;        /* enableFloatingIP */
    int idle_timeout_min; /* 4..30, 0 = not written (4) */
    uint32_t slot;        /* settled: element of vnl_health, stable while the rule lives */
};

/* What the kernel's tables hold (layout.h: VNL_HEALTH_SLOTS, VNL_BACKENDS_MAX). */
#define VNL_LB_RULES_MAX    4096u /* of all load balancers of a lab */
#define VNL_LB_BACKENDS_MAX 64u   /* per rule */

struct vnl_lb {
    uint32_t number; /* position in lab->lbs */
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_scope scope;
    enum vnl_sku sku;
    struct vnl_lb_frontend **frontends;
    size_t n_frontends;
    struct vnl_lb_pool **pools;
    size_t n_pools;
    struct vnl_lb_probe **probes;
    size_t n_probes;
    struct vnl_lb_rule **rules;
    size_t n_rules;
};

/* A simulated host on the internet side: a guest like a VM, outside of every VNet. */
struct vnl_host {
    struct vnl_src src;
    char *id;             /* "internet/hosts/NAME": no ARM id */
    char *name;           /* unique among hosts and VMs */
    struct vnl_addr addr; /* IPv4, public (not of spec 1.1's forbidden ranges, not private) */
    struct vnl_src addr_src;
    struct vnl_names run;
    struct vnl_mac mac;        /* settled */
    uint32_t slot;             /* settled: NIC slot */
    struct vnl_client *client; /* whose computer it is, or NULL */
};

/* Round trip between two regions; both normalized. */
struct vnl_latency {
    struct vnl_src src;
    char *a, *b;
    uint32_t rtt_us;
};

struct vnl_vm {
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_scope scope; /* location: NULL until resolved when none was written, then its VNet's */
    struct vnl_nic **nics;  /* the primary first, then as written */
    size_t n_nics;
    bool short_form; /* written without networkInterfaces: one NIC, "VM-nic" */
    uint64_t
        bandwidth_bps;    /* `bandwidth: 1Gbps`: what the VM may send, on each NIC; 0 = as fast as it goes */
    bool ip_forward;      /* net.ipv4.ip_forward and IPv6's, inside the guest */
    struct vnl_names run; /* commands started with the lab */
};

struct vnl_expect {
    struct vnl_src src;
    char *from;                           /* a VM's name */
    char *to;                             /* a VM's name or an address, as written */
    struct vnl_vm *from_vm;               /* resolved */
    struct vnl_host *from_host, *to_host; /* the same, for the internet side; then from_vm, to_vm are NULL */
    struct vnl_site_host *from_site_host, *to_site_host; /* the same, for sites */
    struct vnl_vm *to_vm; /* resolved, NULL when `to` is an address that no VM owns */
    struct vnl_addr addr; /* destination address; for a VM of two families the one of `ip_version` */
    enum vnl_expect_proto proto;
    uint16_t port; /* TCP and UDP */
    enum vnl_expect_result result;
    int ttl;      /* 0 = not asked */
    char *reason; /* name of a drop reason, or NULL */
};

struct vnl_lab {
    char *name;
    char *file; /* path it was read from; messages point there */
    struct vnl_scope defaults;
    enum vnl_peering_access peering_access;
    enum vnl_peering_forwarded peering_forwarded;
    struct vnl_vnet **vnets;
    size_t n_vnets;
    struct vnl_vm **vms;
    size_t n_vms;
    struct vnl_nsg **nsgs;
    size_t n_nsgs;
    struct vnl_asg **asgs;
    size_t n_asgs;
    struct vnl_udr_table **route_tables;
    size_t n_route_tables;
    struct vnl_public_ip **public_ips;
    size_t n_public_ips;
    struct vnl_nat_gateway **nat_gateways;
    size_t n_nat_gateways;
    struct vnl_lb **lbs;
    size_t n_lbs;
    struct vnl_vpn_gateway **gateways;
    size_t n_gateways;
    struct vnl_local_gateway **local_gateways;
    size_t n_local_gateways;
    struct vnl_connection **connections;
    size_t n_connections;
    struct vnl_site **sites;
    size_t n_sites;
    struct vnl_client **clients;
    size_t n_clients;
    /* What gateways have learned by BGP in the running lab (learned.h): no part of the lab file, nor of the store. */
    struct vnl_learned learned;
    bool gateway_throughput; /* semantics: {gatewayThroughput: sku}; default none: as fast as it goes */
    struct vnl_host **hosts; /* internet: hosts */
    size_t n_hosts;
    bool
        internet; /* `internet:` is written, be it empty: the lab has an internet side. Also when it has a public IP */
    bool azure_latency;            /* `latency: azure`: the table of ctl/model/latency.c */
    struct vnl_latency *latencies; /* `latency:` as written */
    size_t n_latencies;
    struct vnl_expect **expects;
    size_t n_expects;
    struct vnl_index *index; /* of all top-level resources, by name and by id */
};

/* --- building (loaders) -------------------------------------------------------------------------------------------
 * Each add checks the name's form (ARM: InvalidResourceName) and that it is new among its siblings (case-insensitive, as in
 * ARM), and reports both as mistakes; then it adds anyway, so that later mistakes in the same resource are found too.
 * Returned pointers are owned by the lab. NULL only on ENOMEM. */

int vnl_lab_new(const char *name, struct vnl_lab **ret, struct vnl_err **err);
void vnl_lab_free(struct vnl_lab **lab);

/* scope: fields may be NULL (the lab's default); copied. */
struct vnl_vnet *vnl_vnet_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                              const struct vnl_src *src, struct vnl_err **err);
struct vnl_subnet *vnl_subnet_add(struct vnl_vnet *vnet, const char *name, const struct vnl_src *src,
                                  struct vnl_err **err);
struct vnl_peering *vnl_peering_add(struct vnl_vnet *vnet, const char *name, const struct vnl_src *src,
                                    struct vnl_err **err);
struct vnl_vm *vnl_vm_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                          const struct vnl_src *src, struct vnl_err **err);
struct vnl_nic *vnl_nic_add(struct vnl_vm *vm, const char *name, const struct vnl_src *src,
                            struct vnl_err **err);
/* name: NULL = "ipconfig1", ..., when the lab is resolved. Moves the NIC's other configurations. */
struct vnl_ip_config *vnl_ip_config_add(struct vnl_nic *nic, const char *name, const struct vnl_src *src,
                                        struct vnl_err **err);
struct vnl_nsg *vnl_nsg_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                            const struct vnl_src *src, struct vnl_err **err);
struct vnl_rule *vnl_rule_add(struct vnl_nsg *nsg, const char *name, const struct vnl_src *src,
                              struct vnl_err **err);
struct vnl_asg *vnl_asg_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                            const struct vnl_src *src, struct vnl_err **err);
struct vnl_udr_table *vnl_udr_table_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                                        const struct vnl_src *src, struct vnl_err **err);
struct vnl_udr *vnl_udr_add(struct vnl_udr_table *table, const char *name, const struct vnl_src *src,
                            struct vnl_err **err);
struct vnl_public_ip *vnl_public_ip_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                                        const struct vnl_src *src, struct vnl_err **err);
struct vnl_nat_gateway *vnl_nat_gateway_add(struct vnl_lab *lab, const char *name,
                                            const struct vnl_scope *scope, const struct vnl_src *src,
                                            struct vnl_err **err);
struct vnl_lb *vnl_lb_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                          const struct vnl_src *src, struct vnl_err **err);
struct vnl_lb_frontend *vnl_lb_frontend_add(struct vnl_lb *lb, const char *name, const struct vnl_src *src,
                                            struct vnl_err **err);
struct vnl_lb_pool *vnl_lb_pool_add(struct vnl_lb *lb, const char *name, const struct vnl_src *src,
                                    struct vnl_err **err);
struct vnl_lb_probe *vnl_lb_probe_add(struct vnl_lb *lb, const char *name, const struct vnl_src *src,
                                      struct vnl_err **err);
struct vnl_lb_rule *vnl_lb_rule_add(struct vnl_lb *lb, const char *name, const struct vnl_src *src,
                                    struct vnl_err **err);
struct vnl_vpn_gateway *vnl_vpn_gateway_add(struct vnl_lab *lab, const char *name,
                                            const struct vnl_scope *scope, const struct vnl_src *src,
                                            struct vnl_err **err);
struct vnl_local_gateway *vnl_local_gateway_add(struct vnl_lab *lab, const char *name,
                                                const struct vnl_scope *scope, const struct vnl_src *src,
                                                struct vnl_err **err);
struct vnl_connection *vnl_connection_add(struct vnl_lab *lab, const char *name,
                                          const struct vnl_scope *scope, const struct vnl_src *src,
                                          struct vnl_err **err);
struct vnl_site *vnl_site_add(struct vnl_lab *lab, const char *name, const struct vnl_src *src,
                              struct vnl_err **err);
/* A gateway's vpnClientConfiguration, when it has none yet, and parts of it. Parts move when one more is added. */
struct vnl_p2s *vnl_p2s_add(struct vnl_vpn_gateway *gateway, const struct vnl_src *src, struct vnl_err **err);
struct vnl_p2s_root *vnl_p2s_root_add(struct vnl_vpn_gateway *gateway, const char *name,
                                      const struct vnl_src *src, struct vnl_err **err);
struct vnl_p2s_revoked *vnl_p2s_revoked_add(struct vnl_vpn_gateway *gateway, const char *name,
                                            const struct vnl_src *src, struct vnl_err **err);
struct vnl_client *vnl_client_add(struct vnl_lab *lab, const char *name, const struct vnl_src *src,
                                  struct vnl_err **err);
struct vnl_site_host *vnl_site_host_add(struct vnl_lab *lab, struct vnl_site *site, const char *name,
                                        const struct vnl_src *src, struct vnl_err **err);
struct vnl_host *vnl_host_add(struct vnl_lab *lab, const char *name, const struct vnl_src *src,
                              struct vnl_err **err);
struct vnl_expect *vnl_expect_add(struct vnl_lab *lab, const struct vnl_src *src, struct vnl_err **err);

/* Takes it out of its NSG or route table, and frees it. */
void vnl_rule_remove(struct vnl_rule *rule);
void vnl_udr_remove(struct vnl_udr *udr);

/* One more word of a side, as ARM has it: `*`, a tag, an address, a prefix; and `*`, "80", "8000-8010". -ENOMEM; -EINVAL when
 * it is none of them, and then *err says why it is no prefix (nothing for ports). */
int vnl_rule_address_add(struct vnl_rule_side *side, const char *text, struct vnl_err **err);
int vnl_rule_port_add(struct vnl_rule_side *side, const char *text);
int vnl_prefixes_add(struct vnl_prefixes *list, const struct vnl_prefix *prefix); /* 0 or -ENOMEM */
int vnl_prefixes_copy(struct vnl_prefixes *dst, const struct vnl_prefixes *src);
void vnl_prefixes_done(struct vnl_prefixes *list);
int vnl_ports_add(struct vnl_port_list *list, struct vnl_ports ports); /* 0 or -ENOMEM */
void vnl_ports_done(struct vnl_port_list *list);
/* publicCertData without its blanks; a thumbprint without blanks and colons, in capitals. 0 or -ENOMEM. */
int vnl_p2s_root_set(struct vnl_p2s_root *root, const char *data);
int vnl_p2s_revoked_set(struct vnl_p2s_revoked *revoked, const char *thumbprint);

/* --- rules --------------------------------------------------------------------------------------------------------- */

/* References and every rule within one lab (spec 1.1, 1.2, 1.4, 1.9, 2.1, 2.3, 2.6, 2.8, 3.1, 3.6, 3.7). All mistakes are collected in
 * *err. 0, or -EINVAL with at least one mistake. Statement order of the file decides which of two conflicting resources is
 * blamed: the later one.
 * A peering whose remote VNet is not in the lab is left with `remote` NULL: it may be the survivor of a VNet that the lab in
 * force still has. vnl_lab_settle() takes it as Disconnected then, and refuses it otherwise. */
int vnl_lab_resolve(struct vnl_lab *lab, struct vnl_err **err);
/* For a lab that will not come to settle, because it has other mistakes: refuses those peerings too. */
int vnl_lab_check_remotes(struct vnl_lab *lab, struct vnl_err **err);

/* What Azure would do to get from `before` (settled, or NULL for nothing) to `lab` (resolved): spec 1.2 (subnets in use),
 * 1.4 (addresses are kept), 2.2 (the state machine), 2.3 (RemotePeeringIsDisconnected), 2.4 (sync levels).
 * Order of operations, as a script of az commands would be sent: deleted peerings and VNets; address spaces; changed links
 * (a re-PUT of a Disconnected link makes it Initiated); new links in file order.
 * `before` is only read. 0, or -EINVAL with mistakes; then `lab` must not be used. */
int vnl_lab_settle(struct vnl_lab *lab, const struct vnl_lab *before, struct vnl_err **err);

/* Fills what follows from the rest of a settled lab: sync levels, MACs, subnet_prefix, addresses of expects. Settle ends with it;
 * the store calls it after it has read states, spaces, slots and addresses into a resolved lab. 0 or -ENOMEM. */
int vnl_lab_derive(struct vnl_lab *lab, struct vnl_err **err);

/* `vnetlab sync`: a re-PUT of one link of a settled lab with syncRemoteAddressSpace. Connected: remote_space := the remote's
 * current space. Disconnected: Initiated. *ret_changed says whether anything did. Errors as in 2.3. */
int vnl_peering_sync(struct vnl_lab *lab, struct vnl_peering *link, bool *ret_changed, struct vnl_err **err);

/* --- questions ----------------------------------------------------------------------------------------------------- */

struct vnl_vnet *vnl_vnet_lookup(const struct vnl_lab *lab,
                                 const char *name_or_id); /* NULL: absent or ambiguous */
struct vnl_nsg *vnl_nsg_lookup(const struct vnl_lab *lab, const char *name_or_id);
struct vnl_asg *vnl_asg_lookup(const struct vnl_lab *lab, const char *name_or_id);
struct vnl_udr_table *vnl_udr_table_lookup(const struct vnl_lab *lab, const char *name_or_id);
struct vnl_udr *vnl_udr_lookup(const struct vnl_udr_table *table, const char *name);
struct vnl_public_ip *vnl_public_ip_lookup(const struct vnl_lab *lab, const char *name_or_id);
struct vnl_nat_gateway *vnl_nat_gateway_lookup(const struct vnl_lab *lab, const char *name_or_id);
struct vnl_lb *vnl_lb_lookup(const struct vnl_lab *lab, const char *name_or_id);
struct vnl_vpn_gateway *vnl_vpn_gateway_lookup(const struct vnl_lab *lab, const char *name_or_id);
struct vnl_local_gateway *vnl_local_gateway_lookup(const struct vnl_lab *lab, const char *name_or_id);
struct vnl_connection *vnl_connection_lookup(const struct vnl_lab *lab, const char *name_or_id);
struct vnl_site *vnl_site_lookup(const struct vnl_lab *lab, const char *name);
struct vnl_site_host *vnl_site_host_lookup(const struct vnl_lab *lab, const char *name); /* of any site */
struct vnl_client *vnl_client_lookup(const struct vnl_lab *lab, const char *name);
const struct vnl_p2s_root *vnl_p2s_root_lookup(const struct vnl_p2s *p2s, const char *name);
/* Which of its gateway's root certificates the client names, or the first one; NULL: there is none. */
const struct vnl_p2s_root *vnl_client_root(const struct vnl_client *client);
/* Is BGP spoken on it? Written at this resource and, for a pair of VNets, at the other one. */
bool vnl_connection_bgp(const struct vnl_connection *connection);
/* The site whose device has this address on the internet side, or NULL. */
struct vnl_site *vnl_site_by_addr(const struct vnl_lab *lab, const struct vnl_addr *addr);
const struct vnl_gateway_sku *vnl_gateway_sku_lookup(const char *name,
                                                     int generation); /* generation 0: the first */
const char *vnl_connection_type_str(enum vnl_connection_type type);   /* "Vnet2Vnet" */
const char *vnl_connection_mode_str(enum vnl_connection_mode mode);   /* "InitiatorOnly" */
int vnl_connection_type_parse(const char *text, enum vnl_connection_type *ret);
int vnl_connection_mode_parse(const char *text, enum vnl_connection_mode *ret);
/* Are all of its words in the vocabularies (which the functions below rely on)? */
bool vnl_ipsec_policy_known(const struct vnl_ipsec_policy *policy);
/* strongSwan's words for what two gateways would agree on: the policy, or Azure's default lists (spec 7.1, 7.2, 7.4).
 * The caller's; NULL on ENOMEM. */
char *vnl_ike_proposals(const struct vnl_ipsec_policy *policy);
char *vnl_esp_proposals(const struct vnl_ipsec_policy *policy);
/* The same for a gateway's point-to-site clients: vpnClientIpsecPolicies, or Azure's default lists of IKEv2 (spec 13). */
char *vnl_p2s_ike_proposals(const struct vnl_ipsec_policy *policy);
char *vnl_p2s_esp_proposals(const struct vnl_ipsec_policy *policy);
struct vnl_host *vnl_host_lookup(const struct vnl_lab *lab, const char *name);
/* Has the lab an internet side: written, or a public IP, NAT gateway or host is there? */
bool vnl_lab_has_internet(const struct vnl_lab *lab);
/* Round trip between two (normalized) regions as the lab asks for it; 0 = none asked for. */
uint32_t vnl_lab_rtt_us(const struct vnl_lab *lab, const char *a, const char *b);
struct vnl_rule *vnl_rule_lookup(const struct vnl_nsg *nsg, const char *name);
struct vnl_subnet *vnl_subnet_lookup(const struct vnl_vnet *vnet, const char *name);
struct vnl_peering *vnl_peering_lookup(const struct vnl_vnet *vnet, const char *name);
struct vnl_vm *vnl_vm_lookup(const struct vnl_lab *lab, const char *name_or_id);
struct vnl_vm *vnl_vm_by_addr(const struct vnl_lab *lab, const struct vnl_vnet *vnet,
                              const struct vnl_addr *addr);
const struct vnl_peering *vnl_peering_twin(
    const struct vnl_peering *link); /* link in the opposite direction, or NULL */
const struct vnl_addr *vnl_nic_addr(const struct vnl_nic *nic,
                                    int family); /* AF_INET, AF_INET6; NULL when none */

/* The part of `vnet` that takes part in `link` (whole space, or the named subnets), as prefixes now in the model.
 * side: the link's own VNet or its remote. Owned by the caller (vnl_prefixes_done). 0 or -ENOMEM. */
int vnl_peering_space(const struct vnl_peering *link, const struct vnl_vnet *side, struct vnl_prefixes *ret);

const char *vnl_peering_state_str(enum vnl_peering_state state);
const char *vnl_peering_sync_str(enum vnl_peering_sync sync);
const char *vnl_expect_proto_str(enum vnl_expect_proto proto);
const char *vnl_expect_result_str(enum vnl_expect_result result);
const char *vnl_peering_access_str(enum vnl_peering_access access);          /* "documented", "tag-only" */
const char *vnl_peering_forwarded_str(enum vnl_peering_forwarded forwarded); /* "strict", "tag-only" */
/* Text to value, for loaders; -EINVAL when it is none of the names (case-insensitive). */
int vnl_peering_access_parse(const char *text, enum vnl_peering_access *ret);
int vnl_peering_forwarded_parse(const char *text, enum vnl_peering_forwarded *ret);
int vnl_peering_state_parse(const char *text, enum vnl_peering_state *ret);

const char *vnl_udr_hop_str(enum vnl_udr_hop hop); /* "VirtualAppliance" */
const char *vnl_sku_str(enum vnl_sku sku);         /* "Standard" */
const char *vnl_load_distribution_str(enum vnl_load_distribution distribution);
const char *vnl_lb_proto_str(enum vnl_lb_proto proto);    /* "All" */
const char *vnl_probe_kind_str(enum vnl_probe_kind kind); /* "Tcp" */
int vnl_udr_hop_parse(const char *text, enum vnl_udr_hop *ret);
int vnl_sku_parse(const char *text, enum vnl_sku *ret);
int vnl_load_distribution_parse(const char *text, enum vnl_load_distribution *ret);
int vnl_lb_proto_parse(const char *text, enum vnl_lb_proto *ret);
int vnl_probe_kind_parse(const char *text, enum vnl_probe_kind *ret);

/* Vocabularies of rules, as ARM spells them; parse is case-insensitive and -EINVAL for anything else. */
const char *vnl_direction_str(enum vnl_direction direction); /* "Inbound" */
const char *vnl_access_str(enum vnl_access access);          /* "Allow" */
const char *vnl_rule_proto_str(enum vnl_rule_proto proto);   /* "Tcp", "*" */
const char *vnl_tag_str(enum vnl_tag tag);                   /* "VirtualNetwork" */
int vnl_direction_parse(const char *text, enum vnl_direction *ret);
int vnl_access_parse(const char *text, enum vnl_access *ret);
int vnl_rule_proto_parse(const char *text, enum vnl_rule_proto *ret);
int vnl_tag_parse(const char *text, enum vnl_tag *ret);

/* "80", "8000-8010"; which end is greater is not asked. -EINVAL for anything else. */
int vnl_ports_parse(const char *text, struct vnl_ports *ret);
#define VNL_PORTS_STR 12
const char *vnl_ports_format(struct vnl_ports ports, char buf[VNL_PORTS_STR]);

/* --- ids: /subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/N[/subnets/M] ---------------- */

/* type_path e.g. "Microsoft.Network/virtualNetworks"; child may be NULL, else "subnets/default". NULL on ENOMEM. */
char *vnl_id_format(const struct vnl_scope *scope, const char *type_path, const char *name,
                    const char *child);
/* Length of the common spelling distance (Damerau-Levenshtein), for "did you mean". The nearest of `names`, or NULL when none
 * is near enough to be meant (more than a third of the word differs). */
const char *vnl_nearest(const char *word, const char *const *names, size_t n_names);

#endif
