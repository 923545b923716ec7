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
    char *origin;             /* resource id that made it: VNet, peering, later route; NULL for Azure's own */
    uint32_t vnet; /* VnetLocal, peerings: index (plan->vnets) of the VNet that owns the destination */
    /* Peering rows: what the two links say about this direction (spec 2.5), already folded with the lab's
     * semantics. Access is for NICs without rules: where an NSG acts, its VirtualNetwork tag has the say. */
    bool deny_access_local;  /* the sender's link denies: dropped at the sender (PeeringAccess) */
    bool deny_access_remote; /* the receiver's link denies: dropped at the receiver (PeeringAccess) */
    bool deny_forwarded; /* the receiver's link drops what is not from the sender's VNet (ForwardedTraffic) */
};

/* The effective routes of one subnet; subnets with the same rows share a table. */
struct vnl_route_table {
    char *name;               /* what shares it: "vnet-1" */
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

/* One NSG, expanded for a VNet (and, when routes count, a subnet): by direction, then by priority, the
 * defaults last. The VNet's NICs share it. */
struct vnl_plan_rules {
    char *key; /* ids of the NSG and of the VNet: what it is known by */
    char *nsg; /* resource id */
    char *nsg_name;
    uint32_t vnet;               /* index (plan->vnets) */
    struct vnl_plan_rule *rules; /* inbound ones first */
    size_t n_inbound, n_outbound;
    uint32_t slot; /* unique among all pairs of NSG and VNet, kept while the pair lives */
};
#define VNL_PLAN_NO_RULES UINT32_MAX

struct vnl_plan_vnet {
    uint32_t slot;
    char *id;
    char *name;
    char *location;
    struct vnl_prefix *space;
    size_t n_space;
    uint32_t flow_timeout_s; /* when an idle flow ends: flowTimeoutInMinutes, else 4 minutes (spec 3.4) */
    char *hosts;             /* /etc/hosts of each of its VMs: localhost and the VNet's VMs, by name */
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
    uint32_t rules_subnet; /* index (plan->rules) or VNL_PLAN_NO_RULES */
    uint32_t rules_nic;
    struct vnl_plan_addr *addrs; /* IPv4 first */
    size_t n_addrs;
};

struct vnl_plan_vm {
    char *id;
    char *name;
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
    struct vnl_route_table *tables;
    size_t n_tables;
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

/* name: in any case, as in ARM. vnet: index (plan->vnets). Both borrowed, or NULL. */
const struct vnl_plan_vm *vnl_plan_vm_lookup(const struct vnl_plan *plan, const char *name);
const struct vnl_plan_nic *vnl_plan_nic_by_addr(const struct vnl_plan *plan, uint32_t vnet,
                                                const struct vnl_addr *addr);

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
