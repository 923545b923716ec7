/* The plan: a pure function of a settled lab. No root, no kernel, the same bytes every time. It shows no
 * model type: what the dataplane and the diagnostics need is here in full, and every entry keeps its origin
 * (resource id).
 *
 * Everything is owned by the plan (vnl_plan_free). Order is the lab's. */
#ifndef VNETLAB_PLAN_H
#define VNETLAB_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vnetlab/addr.h"
#include "vnetlab/digest.h"

struct vnl_err;
struct vnl_json;
struct vnl_lab;

/* Azure's next hop types; the order is the order of rows in the effective routes (spec 4.8). */
enum vnl_next_hop {
    VNL_NEXT_HOP_VNET_LOCAL,     /* VnetLocal */
    VNL_NEXT_HOP_PEERING,        /* VNetPeering */
    VNL_NEXT_HOP_GLOBAL_PEERING, /* VNetGlobalPeering */
    VNL_NEXT_HOP_GATEWAY,        /* VirtualNetworkGateway */
    VNL_NEXT_HOP_INTERNET,       /* Internet */
    VNL_NEXT_HOP_NONE,           /* None */
    VNL_NEXT_HOP_APPLIANCE,      /* VirtualAppliance */
    VNL_NEXT_HOP_MAX
};

enum vnl_route_source {
    VNL_ROUTE_DEFAULT, /* Default */
    VNL_ROUTE_GATEWAY, /* VirtualNetworkGateway */
    VNL_ROUTE_USER,    /* User */
    VNL_ROUTE_SOURCE_MAX
};

/* One row of the effective routes. */
struct vnl_route {
    enum vnl_route_source source;
    bool active;
    struct vnl_prefix prefix;
    enum vnl_next_hop type;
    struct vnl_addr next_hop; /* AF_UNSPEC when there is none */
    struct vnl_addr
        next_hop2; /* gateway: public IP of the second instance where both carry the row, else AF_UNSPEC */
    char *as_path; /* learned by BGP: "65010 65020"; NULL: not */
    char *origin;  /* resource id that made it: VNet, peering, later route; NULL for Azure's own */
    uint32_t
        vnet; /* VnetLocal, peerings: index (plan->vnets) of the VNet that owns the destination. Appliance, gateway: of the
                      VNet that the next hop is in */
    uint32_t
        nic; /* Appliance, gateway (its inside leg): index (plan->nics) of the NIC that is the next hop, or VNL_PLAN_NOBODY */
    uint32_t
        balancer; /* Appliance: index (plan->balancers) of the frontend that is the next hop; gateway: of the connection, when it is active-active (then nic
                     is VNL_PLAN_NOBODY); or VNL_PLAN_NOBODY */
    bool
        dead; /* User: an appliance that is no live NIC or frontend here or in a directly peered VNet. Its type is None, the
                          address stays (spec 4.3) */
    uint8_t delay; /* index (plan->delays) plus one; 0 = no delay asked for on the way there */
    /* Peering rows, and appliances and gateways in a peered VNet: what the two links say about this direction (spec 2.5), already folded with the lab's
     * semantics. Access is for NICs without rules: where an NSG acts, its VirtualNetwork tag has the say. */
    bool deny_access_local;  /* the sender's link denies: dropped at the sender (PeeringAccess) */
    bool deny_access_remote; /* the receiver's link denies: dropped at the receiver (PeeringAccess) */
    bool deny_forwarded; /* the receiver's link drops what is not from the sender's VNet (ForwardedTraffic) */
};

/* The effective routes of one subnet; subnets with the same rows share a table. */
struct vnl_route_table {
    char *key;                /* ids of the VNet and of the route table: what it is known by */
    char *name;               /* what shares it: "vnet-1", with a route table "vnet-1/rt-web" */
    char *route_table;        /* id of the route table; NULL: system routes alone */
    bool disable_bgp;         /* disableBgpRoutePropagation */
    uint32_t vnet;            /* index (plan->vnets) of the VNet whose subnets use it */
    struct vnl_route *routes; /* Azure's row order: spec 4.8 */
    size_t n_routes;
};

/* --- security rules as they act at one place ------------------------------------------------------------------------- */

struct vnl_plan_ports {
    uint16_t first, last; /* both included */
};

/* One side of a rule, expanded for the NICs that it acts at: tags and ASGs are prefixes here. */
struct vnl_plan_side {
    char *text;    /* as Azure prints it: "VirtualNetwork", "10.0.0.0/24,10.0.1.0/24", "0.0.0.0/0" for `*` */
    bool any;      /* every address of both families */
    bool expanded; /* a tag or ASGs: Azure prints expanded prefixes beside it */
    bool platform; /* an AzurePlatform* tag: the rule is about platform traffic (spec 3.8) */
    struct vnl_prefix *prefixes; /* when not any; none (an ASG without members): nothing matches */
    size_t n_prefixes;
    struct vnl_plan_ports *ports; /* none: any port */
    size_t n_ports;
};

struct vnl_plan_rule {
    char *name;      /* "allow-http", "AllowVnetInBound" */
    bool is_default; /* one of the six; printed as DefaultRule_x, the others as UserRule_x */
    int priority;
    bool inbound, allow;
    uint8_t proto; /* IP protocol number; 0 = any. ICMP (1) also means ICMPv6 */
    struct vnl_plan_side source, destination;
    uint32_t counter; /* number of its hit counter, kept while the rule lives; the same in every VNet */
};

/* One NSG, expanded for a VNet (and for a route table there, where its routes are in the VirtualNetwork tag): by
 * direction, then by priority, the defaults last. All NICs for which it means the same share it. */
struct vnl_plan_rules {
    char *key; /* ids of the NSG, of the VNet and of the route table: what it is known by */
    char *nsg; /* resource id */
    char *nsg_name;
    char *route_table; /* name of the (first) route table whose prefixes its tags hold; NULL: none */
    uint32_t vnet;     /* index (plan->vnets) */
    struct vnl_plan_rule *rules; /* inbound ones first */
    size_t n_inbound, n_outbound;
    /* Unique among all pairs of NSG and VNet, kept while the pair lives; with a route table: a hash of the key, top bit set. */
    uint32_t slot;
};
#define VNL_PLAN_NO_RULES UINT32_MAX

#define VNL_PLAN_NOBODY UINT32_MAX

struct vnl_plan_vnet {
    bool
        site; /* a site's network: behind the VNets and the internet; slot VNL_SITE_SLOT + the site's, id "sites/NAME" */
    bool
        internet; /* the internet side: behind all VNets in plan->vnets, slot VNL_INTERNET_SLOT, id NULL, name "internet", no space */
    uint32_t slot;
    char *id;
    char *name;
    char *location;
    struct vnl_prefix *space;
    size_t n_space;
    uint32_t flow_timeout_s; /* when an idle flow ends: flowTimeoutInMinutes, else 4 minutes (spec 3.4) */
    char *hosts;             /* /etc/hosts of each of its VMs: localhost and the VNet's VMs, by name */
    char *resolv;            /* their /etc/resolv.conf: servers and suffix, spec 1.8 */
    char *
        dns_suffix; /* "<hash of the VNet's id>.bx.internal.cloudapp.net"; with dnsServers "reddog.microsoft.com" */
    struct vnl_addr *dns; /* servers of its own; none: Azure's (168.63.129.16) */
    size_t n_dns;
    struct vnl_addr
        bastion; /* what sessions from Bastion come from: first usable address of AzureBastionSubnet; AF_UNSPEC: none */
    uint32_t bastion_rules; /* index (plan->rules) of that subnet's NSG, or VNL_PLAN_NO_RULES */
};

/* --- the internet side ------------------------------------------------------------------------------------------------- */

struct vnl_plan_public {
    char *id, *name;
    struct vnl_addr addr;
    bool basic;
    uint32_t nic;          /* index (plan->nics) whose it is, or VNL_PLAN_NOBODY */
    struct vnl_addr inner; /* the NIC's address behind it */
    bool closed;           /* Standard, and no NSG at the NIC or its subnet (spec 6.1) */
    uint32_t timeout_s;
    uint32_t nat; /* index (plan->nats) whose it is, or VNL_PLAN_NOBODY */
};

/* Addresses that NICs share on their way out (spec 6.2): NAT gateways, by the lab's order, then default outbound access, if some NIC
 * needs it. */
struct vnl_plan_nat {
    char *id;   /* NULL: default outbound access */
    char *name; /* "default outbound" */
    bool gateway;
    struct vnl_addr *outer; /* default outbound: 192.0.2.128, 192.0.2.129, ... one per 62 NIC slots */
    size_t n_outer;
    uint32_t tcp_timeout_s, udp_timeout_s;
};

/* Every subnet, also one without a NIC: what its NICs without a public IP of their own go out by. */
struct vnl_plan_subnet {
    char *id, *name; /* "vnet-1/subnet-1" */
    char *way_out;   /* "NAT gateway nat", "default outbound", "none: private subnet" */
};

/* --- load balancers: one per frontend ---------------------------------------------------------------------------------- */

struct vnl_plan_backend {
    uint32_t nic; /* index (plan->nics) */
    struct vnl_addr addr;
};

struct vnl_plan_lb_probe {
    bool http;
    uint16_t port;
    char *path; /* HTTP */
    uint32_t interval_s, threshold;
};

struct vnl_plan_lb_rule {
    char *id; /* of the load balancer, "/loadBalancingRules/NAME" */
    char *name;
    uint8_t proto; /* IP protocol, 0 = HA ports */
    uint16_t frontend_port, backend_port;
    uint8_t distribution; /* enum vnl_distribution (layout.h) */
    bool floating;
    uint32_t timeout_s;
    uint32_t health; /* element of vnl_health */
    struct vnl_plan_backend *backends;
    size_t n_backends;
    bool probed;
    struct vnl_plan_lb_probe probe;
};

struct vnl_plan_balancer {
    char *id;   /* of the frontend; of a connection of an active-active gateway, or of the gateway */
    char *name; /* "ilb/frontend", "VNet1ToVNet4" */
    bool
        connection; /* the gateway's instances behind one HA ports rule that is not probed: the agent knows who is alive. addr: AF_UNSPEC */
    bool basic;
    uint32_t vnet; /* index (plan->vnets) */
    struct vnl_addr addr;
    struct vnl_plan_lb_rule *rules; /* HA ports last */
    size_t n_rules;
};

/* --- VPN --------------------------------------------------------------------------------------------------------------- */

/* Who speaks IKE: a VPN gateway's instance, or a site's device. Its guest (plan->vms) has two NICs: eth0 in the VNet or site network, eth1 on the
 * internet side with its public address. */
struct vnl_plan_gateway {
    char *id;          /* of the resource */
    char *name;        /* of the guest: the resource's, of a second instance "NAME.1" */
    char *resource;    /* the resource's name */
    uint32_t instance; /* 0, or 1: the second one of an active-active gateway */
    bool site;
    bool
        client; /* a point-to-site client: no gateway, but it has a charon and a tunnel. Its guest has one NIC, eth0, on the internet side: nic_in is
                    VNL_PLAN_NOBODY, nothing is inside, and it forwards nothing */
    uint32_t vm; /* index (plan->vms) */
    uint32_t
        vnet; /* index (plan->vnets): of its VNet, or its site's network; a client's: the internet side */
    uint32_t nic_in, nic_out; /* indices (plan->nics) */
    struct vnl_addr outer;    /* its public address */
    uint64_t throughput_bps;  /* of its SKU, when the lab asks for it; 0: not limited */
    char *swanctl;            /* site: the user's own configuration, or NULL */
    /* What its guest sends to eth0: the VNet's space, that of VNets that use it by transit; the site's prefixes. */
    struct vnl_prefix *inside;
    size_t n_inside;
    /* BGP; asn 0: it has no session. */
    uint32_t asn;
    struct vnl_addr bgp_addr; /* what its sessions start from; an address of nic_in */
    unsigned prepend;
    struct vnl_prefix *announced; /* as its own */
    size_t n_announced;
    struct vnl_prefix *refused; /* exactly these are not learned (spec 9.3) */
    size_t n_refused;
    struct vnl_plan_p2s *p2s; /* what clients authenticate against, or NULL; the same for both instances */
};

/* Certificates of a gateway's point-to-site side, as written; the agent makes what the lab is to make. */
struct vnl_plan_p2s {
    char **roots, **root_data; /* names; publicCertData or NULL */
    size_t n_roots;
    char **revoked; /* thumbprints */
    size_t n_revoked;
};

enum vnl_tunnel_kind {
    VNL_TUNNEL_CONNECTION, /* between two gateways, or a gateway and a device */
    VNL_TUNNEL_SERVER, /* a gateway's instance for its point-to-site clients: all of them, one interface */
    VNL_TUNNEL_CLIENT, /* a client's; peer: the gateway, other: its VNL_TUNNEL_SERVER */
};

/* One end of a tunnel. Of each connection every instance of its gateway has one with every instance of the other gateway, or with the device;
 * a site's device has one with every instance. All ends of one connection at one gateway carry the same static routes: the agent routes into
 * the first of them that is up. Only the host route to an end's own peer_bgp is the end's alone.
 *
 * VNL_TUNNEL_SERVER: one per instance of a gateway with vpnClientConfiguration, behind all connections' ends; then VNL_TUNNEL_CLIENT, one per
 * client: with instance (client number % instances). */
struct vnl_plan_tunnel {
    enum vnl_tunnel_kind kind;
    char *
        connection; /* id of the resource that it is of; at a site: of the connection at the other end; SERVER: of the gateway; CLIENT: of the client */
    char *name;     /* its name */
    uint32_t gateway; /* index (plan->gateways): this end */
    uint32_t
        peer; /* index (plan->gateways): the other end, or VNL_PLAN_NOBODY: an address that nobody in the lab has */
    uint32_t
        other; /* index (plan->tunnels): the other end's, or VNL_PLAN_NOBODY: Vnet2Vnet without a twin, a site's own configuration */
    struct vnl_addr remote; /* public address of the other end; SERVER: AF_UNSPEC, anybody's */
    uint32_t
        if_id; /* unique in the lab: of its interface. VNL_TUNNELS * slot of its connection + 1 ..; SERVER and CLIENT: VNL_P2S_IF_ID + NIC slot (of
                               the outer NIC) */
    char ifname[16]; /* "vpn3", "p2s12": "vpn" and if_id, "p2s" and NIC slot */
    uint32_t
        balancer; /* CONNECTION at an active-active gateway: index (plan->balancers), else VNL_PLAN_NOBODY. The agent says which instance is alive: one
                               with a tunnel of this connection that is up; all while none is */
    bool
        initiates; /* this end starts the negotiation (one of the two, by connectionMode, else the one with the lower id; none where both would only answer, or both only start) */
    bool ike_v1;
    uint8_t key_digest[VNL_DIGEST_SIZE]; /* of this end's key: says that it changed, and is shown nowhere */
    char *ike, *esp;                     /* proposals in strongSwan's words */
    uint32_t ike_lifetime_s, child_lifetime_s, dpd_s;
    uint64_t child_bytes;
    struct vnl_prefix *local_ts, *remote_ts; /* none: 0.0.0.0/0 */
    size_t n_local_ts, n_remote_ts;
    struct vnl_prefix
        *routes; /* what goes into it, without what BGP will learn; SERVER: its share of the pool */
    size_t n_routes;
    /* BGP over it: the other end's; peer_asn 0: none. The host route to peer_bgp is in `routes`. */
    uint32_t peer_asn;
    struct vnl_addr peer_bgp;
    struct vnl_prefix *learned; /* over it, by the running lab's last word (learned.h) */
    size_t n_learned;
    /* CLIENT: where its certificate is from. */
    char *root;                      /* which of the gateway's roots signs it; NULL with files */
    char *certificate, *private_key; /* PEM files, or NULL: made by the lab */
};

#define VNL_TUNNELS                                                                                          \
    8u /* ends per connection: 4 of its own (instances of both gateways), 2 of a site's device */
#define VNL_P2S_IF_ID 0x01000000u /* above all connections */

/* --- delays between regions ---------------------------------------------------------------------------------------------- */

struct vnl_plan_delay {
    char *a, *b;         /* regions */
    uint32_t one_way_us; /* half of what the lab asks for as round trip */
};

/* A bridge to exist in the fabric namespace. A VNet's bridge 0 always does; a NIC's is number slot /
 * VNL_BRIDGE_PORTS, so a NIC keeps its bridge while it lives, no bridge has more ports than that, and numbers
 * have gaps. */
struct vnl_plan_bridge {
    uint32_t vnet;    /* index (plan->vnets) */
    uint32_t ifindex; /* VNL_BRIDGE_IFINDEX + VNet slot * VNL_VNET_BRIDGES + number */
    char ifname[16];  /* "vnet3" (number 0), "vnet3.1" */
    char *alias;      /* our tag: "vnetlab LAB vnet-1" */
};

struct vnl_plan_addr {
    struct vnl_addr addr;
    uint8_t prefix_len;      /* of the subnet */
    struct vnl_addr gateway; /* IPv4: first address of the subnet; IPv6: fe80::1234:5678:9abc */
    uint32_t public_ip;      /* index (plan->publics) or VNL_PLAN_NOBODY */
};

struct vnl_plan_nic {
    uint32_t slot;
    uint32_t ifindex; /* of the host end, in the fabric namespace: VNL_NIC_IFINDEX + slot */
    char ifname[16];  /* of the host end: "nic12" */
    char bridge[16];  /* its port's bridge: "vnet3", "vnet3.1" */
    uint32_t bridge_ifindex;
    /* Our tag on the host end, at most 255 characters: "vnetlab LAB VM/NIC MAC ADDR/LEN[,ADDR/LEN]
     * [ip_forward]". Holds all that the guest end was given: another text = configure it anew. */
    char *alias;
    char *id;
    char *name;
    char *subnet; /* "vnet-1/subnet-1" */
    char *subnet_id;
    uint32_t vm;    /* index (plan->vms) */
    uint32_t vnet;  /* index (plan->vnets) */
    uint32_t table; /* index (plan->tables) */
    struct vnl_mac mac;
    bool ip_forwarding;
    bool gateway;          /* VNL_NIC_GATEWAY */
    uint32_t rules_subnet; /* index (plan->rules) or VNL_PLAN_NO_RULES */
    uint32_t rules_nic;
    struct vnl_plan_addr *addrs; /* IPv4 first, the primary first of all */
    size_t n_addrs;
    uint32_t
        nat; /* index (plan->nats) of the addresses that it shares, or VNL_PLAN_NOBODY: private subnet, or no internet */
    uint16_t nat_port_first, nat_ports; /* default outbound: 1024 of its own; NAT gateway: 1024 .. 65535 */
    bool
        has_sessions; /* VNL_NIC_HAS_SESSIONS: a backend, or the lab has an internet side and the NIC is not on it */
    uint64_t bandwidth_bps; /* 0: not limited */
};

struct vnl_plan_vm {
    char *id;
    char *name;
    bool gateway;   /* a VPN gateway's instance or a site's device: see plan->gateways */
    bool client;    /* a point-to-site client: a host of the internet side, and see plan->gateways */
    bool site_host; /* a host of a site's network */
    bool host;      /* a simulated internet host: its NIC is on plan->vnets[plan->internet] */
    char *location; /* of the VM; NULL for a host */
    char *netns;    /* "LAB.VM", as `ip netns` shows it */
    uint32_t *nics; /* indices (plan->nics); the first is the primary */
    size_t n_nics;
    bool ip_forward;
    char **run;
    size_t n_run;
};

/* A link of a peering as the operator sees it; what it does to packets is in the route tables. */
struct vnl_plan_peering {
    char *id;
    char *name;        /* "vnet-1/vnet-1-to-vnet-2" */
    char *remote;      /* name of the remote VNet; its id when that is gone */
    const char *state; /* "Connected" */
    const char *sync;  /* "FullyInSync" */
    char *flags;       /* "access forwarded transit gateways", only those that are on; "-" when none is */
};

struct vnl_plan {
    char *lab;
    struct vnl_plan_vnet *vnets;
    size_t n_vnets;
    struct vnl_plan_peering *peerings;
    size_t n_peerings;
    struct vnl_plan_rules *rules;
    size_t n_rules;
    uint32_t rule_counters; /* number of hit counters in use: highest plus one */
    struct vnl_route_table *
        tables; /* of each VNet its system routes, same index; then one per VNet and route table attached there */
    size_t n_tables;
    uint32_t internet; /* index (plan->vnets, plan->tables) of the internet side, or VNL_PLAN_NOBODY */
    struct vnl_plan_public *publics;
    size_t n_publics;
    struct vnl_plan_nat *nats;
    size_t n_nats;
    struct vnl_plan_subnet *subnets;
    size_t n_subnets;
    struct vnl_plan_balancer *balancers;
    size_t n_balancers;
    uint32_t health_slots; /* highest element of vnl_health in use, plus one */
    struct vnl_plan_gateway *gateways;
    size_t n_gateways;
    struct vnl_plan_tunnel *tunnels;
    size_t n_tunnels;
    struct vnl_plan_delay *delays;
    size_t n_delays;                 /* at most VNL_DELAYS_MAX */
    struct vnl_plan_bridge *bridges; /* by VNet, then by number */
    size_t n_bridges;
    struct vnl_plan_nic *nics;
    size_t n_nics;
    struct vnl_plan_vm *vms;
    size_t n_vms;
    uint32_t nic_slots;  /* highest NIC slot in use, plus one */
    uint32_t vnet_slots; /* the same for VNets */
    uint32_t *by_addr;   /* hash of (VNet, address) to NIC index plus one; see vnl_plan_nic_by_addr */
    size_t n_by_addr;    /* its elements, a power of two */
};

/* lab: settled, borrowed. 0, -ENOMEM, -E2BIG (more than the tables hold; says which number). */
int vnl_plan_build(const struct vnl_lab *lab, struct vnl_plan **ret, struct vnl_err **err);
void vnl_plan_free(struct vnl_plan **plan);

/* Puts rows into Azure's order and decides which of equal prefixes is Active (spec 4.4, 4.8). vnl_plan_build
 * does it for each table; only who makes a table by hand calls it. 0 or -ENOMEM. */
int vnl_routes_settle(struct vnl_route_table *table, struct vnl_err **err);

/* The row that carries `dst`, by Azure's selection (spec 4.4); NULL when none does. */
const struct vnl_route *vnl_route_select(const struct vnl_route_table *table, const struct vnl_addr *dst);

/* What of one prefix of a pool is given to clients: Azure begins with the third address and leaves out the last; of fewer than four, all. */
struct vnl_addr vnl_pool_first(const struct vnl_prefix *prefix);
struct vnl_addr vnl_pool_last(const struct vnl_prefix *prefix);

/* name: in any case, as in ARM. vnet: index (plan->vnets). Both borrowed, or NULL. */
const struct vnl_plan_vm *vnl_plan_vm_lookup(const struct vnl_plan *plan, const char *name);
const struct vnl_plan_nic *vnl_plan_nic_by_addr(const struct vnl_plan *plan, uint32_t vnet,
                                                const struct vnl_addr *addr);

const struct vnl_plan_balancer *vnl_plan_balancer_by_addr(const struct vnl_plan *plan, uint32_t vnet,
                                                          const struct vnl_addr *addr);
const struct vnl_plan_public *vnl_plan_public_by_addr(const struct vnl_plan *plan,
                                                      const struct vnl_addr *addr);
/* Does some address of the internet side belong to a NAT (gateway or default outbound)? */
const struct vnl_plan_nat *vnl_plan_nat_by_addr(const struct vnl_plan *plan, const struct vnl_addr *addr);

/* A VM's /etc/hosts, shared by the VMs of its VNet; borrowed. */
const char *vnl_plan_hosts(const struct vnl_plan *plan, const struct vnl_plan_vm *vm);

const char *vnl_next_hop_str(enum vnl_next_hop type);
const char *vnl_route_source_str(enum vnl_route_source source);

/* Canonical text of the whole plan (golden tests compare it) and the same as JSON. */
int vnl_plan_print(FILE *out, const struct vnl_plan *plan, struct vnl_err **err);
int vnl_plan_to_json(const struct vnl_plan *plan, struct vnl_json **ret, struct vnl_err **err);
/* Azure's table and JSON rows (spec 4.8): what `az network nic show-effective-route-table` prints. */
void vnl_routes_print(FILE *out, const struct vnl_route_table *table);
struct vnl_json *vnl_routes_to_json(const struct vnl_route_table *table);
/* The effective security rules of plan->nics[nic] (spec 3.9): a table, and the JSON that `az network nic
 * list-effective-nsg` prints. A NIC without an NSG on it and on its subnet has none. */
void vnl_rules_print(FILE *out, const struct vnl_plan *plan, size_t nic);
struct vnl_json *vnl_rules_to_json(const struct vnl_plan *plan, size_t nic);

/* --- difference of two plans ---------------------------------------------------------------------------- */

enum vnl_change_verb { VNL_CHANGE_CREATE, VNL_CHANGE_UPDATE, VNL_CHANGE_DELETE, VNL_CHANGE_VERB_MAX };

struct vnl_change {
    enum vnl_change_verb verb;
    char *object; /* "virtualNetworks/vnet-1", "virtualMachines/vm-1", "routes/vnet-1", ... */
    char *detail; /* "10.0.0.4 in vnet-1/subnet-1", "+10.1.0.0/16 VNetPeering"; never NULL */
};

struct vnl_diff {
    struct vnl_change *changes; /* deletes, then creates, then updates; each in plan order */
    size_t n;
};

/* before may be NULL (nothing exists). */
int vnl_diff_build(const struct vnl_plan *before, const struct vnl_plan *after, struct vnl_diff **ret,
                   struct vnl_err **err);
/* A line per change: "+ virtualMachines/vm-1  10.0.0.4 in vnet-1/subnet-1", with "~" or "-"; or "nothing to
 * change". */
void vnl_diff_print(FILE *out, const struct vnl_diff *diff);
struct vnl_json *vnl_diff_to_json(const struct vnl_diff *diff);
void vnl_diff_free(struct vnl_diff **diff);

#endif
