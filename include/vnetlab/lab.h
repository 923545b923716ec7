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

/* Where a top-level resource lives; empty fields are filled with the lab's defaults when it is added. */
struct vnl_scope {
    char *subscription; /* a GUID */
    char *resource_group;
    char *location; /* normalized: lower case, no spaces ("East US" is "eastus") */
};

struct vnl_prefixes {
    struct vnl_prefix *items; /* in the order of the file */
    size_t n;
};

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
    struct vnl_nsg *nsg; /* resolved, or NULL */
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
    struct vnl_subnet **subnets;
    size_t n_subnets;
    struct vnl_peering **peerings;
    size_t n_peerings;
    struct vnl_index *index; /* of subnets and peerings */
    uint32_t slot;           /* settled: small number, stable while the VNet lives */
};

/* One address of a NIC; a NIC has one IPv4 configuration first and at most one IPv6 one behind it. */
struct vnl_ip_config {
    struct vnl_src src; /* of the address when static, else of the VM */
    bool is_static;
    struct vnl_addr addr;            /* static: as written; dynamic: set by vnl_lab_settle() */
    struct vnl_prefix subnet_prefix; /* settled: the subnet's prefix that holds addr */
};

struct vnl_nic {
    struct vnl_src src;
    char *id;
    char *name; /* "VM-nic" */
    struct vnl_vm *vm;
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

struct vnl_vm {
    struct vnl_src src;
    char *id;
    char *name;
    struct vnl_scope scope; /* location: NULL until resolved when none was written, then its VNet's */
    struct vnl_nic **nics;  /* exactly one for now */
    size_t n_nics;
    bool ip_forward;      /* net.ipv4.ip_forward and IPv6's, inside the guest */
    struct vnl_names run; /* commands started with the lab */
};

struct vnl_expect {
    struct vnl_src src;
    char *from;             /* a VM's name */
    char *to;               /* a VM's name or an address, as written */
    struct vnl_vm *from_vm; /* resolved */
    struct vnl_vm *to_vm;   /* resolved, NULL when `to` is an address that no VM owns */
    struct vnl_addr addr;   /* destination address; for a VM of two families the one of `ip_version` */
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
    struct vnl_expect **expects;
    size_t n_expects;
    struct vnl_index *index; /* of VNets, VMs, NSGs and ASGs, by name and by id */
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
struct vnl_nsg *vnl_nsg_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                            const struct vnl_src *src, struct vnl_err **err);
struct vnl_rule *vnl_rule_add(struct vnl_nsg *nsg, const char *name, const struct vnl_src *src,
                              struct vnl_err **err);
struct vnl_asg *vnl_asg_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                            const struct vnl_src *src, struct vnl_err **err);
struct vnl_expect *vnl_expect_add(struct vnl_lab *lab, const struct vnl_src *src, struct vnl_err **err);

/* One more word of a side, as ARM has it: `*`, a tag, an address, a prefix; and `*`, "80", "8000-8010". -ENOMEM; -EINVAL when
 * it is none of them, and then *err says why it is no prefix (nothing for ports). */
int vnl_rule_address_add(struct vnl_rule_side *side, const char *text, struct vnl_err **err);
int vnl_rule_port_add(struct vnl_rule_side *side, const char *text);
int vnl_prefixes_add(struct vnl_prefixes *list, const struct vnl_prefix *prefix); /* 0 or -ENOMEM */
int vnl_prefixes_copy(struct vnl_prefixes *dst, const struct vnl_prefixes *src);
void vnl_prefixes_done(struct vnl_prefixes *list);
int vnl_ports_add(struct vnl_port_list *list, struct vnl_ports ports); /* 0 or -ENOMEM */
void vnl_ports_done(struct vnl_port_list *list);

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
