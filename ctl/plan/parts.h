/* What the files of ctl/plan share and nobody else sees. Functions return 0 or -ENOMEM and leave the sentence
 * to the caller. */
#ifndef VNETLAB_PLAN_PARTS_H
#define VNETLAB_PLAN_PARTS_H

#include <stdint.h>
#include <stdio.h>

#include "vnetlab/layout.h"
#include "vnetlab/plan.h"

struct vnl_connection;
struct vnl_host;
struct vnl_json;
struct vnl_lab;
struct vnl_nic;
struct vnl_names;
struct vnl_nsg;
struct vnl_peering;
struct vnl_prefixes;
struct vnl_subnet;
struct vnl_udr_table;
struct vnl_vnet;
struct vnl_vpn_gateway;

/* What is known while a plan is built and not kept. Zeroed; freed by vnl_plan_work_done(). */
struct vnl_plan_work {
    const struct vnl_lab *lab;
    struct vnl_plan *plan;
    struct vnl_err **err;              /* for what is not a lack of memory */
    const struct vnl_udr_table **udrs; /* by table; NULL: system routes alone */
    uint32_t *table_of_subnet;         /* by vnl_subnet.number */
    uint32_t *tags_of_table;           /* by table: the first one whose tags say the same */
    uint64_t *rules_key;               /* by set of rules: VNet << 32 | table that its tags are of */
    uint32_t *rules_start;             /* by NSG: its first set; one more: the end */
    uint32_t *nic_of_slot;             /* by NIC slot: index (plan->nics) plus one; 0 = none */
    uint32_t *gateway_of_vnet; /* by VNet or site (plan->vnets): index (plan->gateways) plus one; 0 = none */
    bool health_used[VNL_HEALTH_SLOTS]; /* elements of vnl_health */
};

/* routes.c. Rows of the VNet and its links, settled. */
int vnl_routes_build(const struct vnl_lab *lab, const struct vnl_vnet *vnet, struct vnl_route_table *ret);
/* A row for a table that has room. */
int vnl_routes_add(struct vnl_route_table *table, const struct vnl_route *row, const char *origin);
void vnl_routes_done(struct vnl_route_table *table);
/* What a row over the peering has beside its prefix and VNet. */
struct vnl_route vnl_routes_peering(const struct vnl_lab *lab, const struct vnl_peering *link,
                                    const struct vnl_peering *twin);

/* gateway_space.c: what VPN gateways speak for and make reachable (spec vpn 6, 9, 10, 11, 13). IPv4 only. All but the link and the
 * gateway add to `ret`, each prefix once. */
int vnl_space_put(struct vnl_prefixes *ret, const struct vnl_prefix *prefix);
int vnl_space_put_v4(struct vnl_prefixes *ret, const struct vnl_prefixes *from);
int vnl_space_put_addr(struct vnl_prefixes *ret, const struct vnl_addr *addr); /* IPv4: as a host; no other */
/* The VNet's link to the hub whose gateway it uses (useRemoteGateways), in force; or NULL. */
const struct vnl_peering *vnl_transit_link(const struct vnl_vnet *vnet);
/* The VNet's own gateway, or the hub's that it uses, or NULL. */
const struct vnl_vpn_gateway *vnl_gateway_used(const struct vnl_vnet *vnet);
/* What a gateway in the VNet speaks for: its IPv4 space, and that of VNets that use the gateway by transit. */
int vnl_gateway_space(const struct vnl_vnet *vnet, struct vnl_prefixes *ret);
/* What lies behind the connection without BGP's doing, seen from its gateway. */
int vnl_connection_prefixes(const struct vnl_connection *connection, struct vnl_prefixes *ret);
/* The same, and the other end's BGP addresses. */
int vnl_connection_rows(const struct vnl_connection *connection, struct vnl_prefixes *ret);
/* Addresses of the clients of one instance. */
int vnl_gateway_share(const struct vnl_vpn_gateway *gateway, size_t instance, struct vnl_prefixes *ret);
/* What a point-to-site client sends to the gateway. */
int vnl_gateway_profile(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway,
                        struct vnl_prefixes *ret);
/* All that the gateway which the VNet uses makes reachable. */
int vnl_gateway_prefixes(const struct vnl_lab *lab, const struct vnl_vnet *vnet, struct vnl_prefixes *ret);

/* gateway_learned.c. Adds what the gateway has learned by BGP and `ret` does not have. */
int vnl_learned_prefixes(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway, bool with_default,
                         struct vnl_prefixes *ret);

/* gateway_rows.c */
/* A row to the gateway that the VNet uses, without prefix; false: it uses none. */
bool vnl_gateway_row(const struct vnl_lab *lab, const struct vnl_vnet *vnet, struct vnl_route *ret);
/* Puts the rows behind those that the table has. */
int vnl_gateway_add_rows(const struct vnl_lab *lab, const struct vnl_vnet *vnet,
                         struct vnl_route_table *table);
/* Sets nic or balancer of a gateway row, once gateways and balancers are there. id: of the connection or the gateway whose row it is. */
void vnl_gateway_lead(const struct vnl_plan_work *work, struct vnl_route *row, const char *id);
/* Index (plan->gateways) of an instance. */
uint32_t vnl_gateway_index(const struct vnl_plan_work *work, const struct vnl_vpn_gateway *gateway,
                           size_t instance);
/* What a peering row refuses, as words: "deny-access-local deny-forwarded", "" when nothing. */
const char *vnl_route_denies(const struct vnl_route *row, char buf[64]);
/* "is nva-nic in hub, deny-forwarded, delayed 30000 us": what Azure's columns do not say. In plan_print.c. */
#define VNL_ROUTE_WORDS 512
const char *vnl_route_words(const struct vnl_plan *plan, const struct vnl_route *row,
                            char buf[VNL_ROUTE_WORDS]);
/* Name of a user's row: of its resource; NULL for all others. Borrowed. */
const char *vnl_route_name(const struct vnl_route *row);

/* tables.c. Build: plan->tables with system rows; those of route tables have a name and no rows yet. Fill: those. */
int vnl_tables_build(struct vnl_plan_work *work);
int vnl_tables_fill(struct vnl_plan_work *work);
/* The table that a NIC of the subnet uses. */
uint32_t vnl_tables_index(const struct vnl_plan_work *work, const struct vnl_subnet *subnet);

/* delays.c. plan->delays, and row.delay of system rows. 0, -ENOMEM; -E2BIG with a sentence. */
int vnl_delays_build(struct vnl_plan_work *work);

/* rules.c */
int vnl_rules_build(struct vnl_plan_work *work); /* plan->rules, by NSG, then by VNet and route table */
void vnl_rules_done(struct vnl_plan_rules *rules);
/* Index (plan->rules) of an NSG (NULL: none) for the NICs of a subnet, or VNL_PLAN_NO_RULES. */
uint32_t vnl_rules_index(const struct vnl_plan_work *work, const struct vnl_nsg *nsg,
                         const struct vnl_subnet *subnet);

/* vms.c: VMs, simulated hosts and their NICs; then gateways and sites */
int vnl_vms_build(struct vnl_plan_work *work);
void vnl_vms_done(struct vnl_plan *plan);
/* The last guest, with room for its NICs. NULL on ENOMEM. */
struct vnl_plan_vm *vnl_vm_new(struct vnl_plan *plan, const char *id, const char *name,
                               const struct vnl_names *run, size_t n_nics);
/* A NIC of the last guest, named SUFFIX behind the guest, in `vnet` with the VNet's system routes. NULL on ENOMEM. */
struct vnl_plan_nic *vnl_vm_nic(struct vnl_plan *plan, uint32_t slot, uint32_t vnet, const char *suffix,
                                size_t n_addrs);
/* Names of kernel objects, once VNet and addresses are there. place: among the guest's NICs. */
int vnl_nic_name(const struct vnl_plan *plan, struct vnl_plan_nic *nic, size_t place);
/* The router of a subnet, as its guests know it. */
struct vnl_addr vnl_router_of(const struct vnl_prefix *subnet);
/* On the internet side: its neighbours are the /24 around it; the router has the first address there, or the second where `addr`
 * is the first. */
struct vnl_addr vnl_internet_router(const struct vnl_addr *addr);
/* Index (plan->nics). */
uint32_t vnl_nic_index(const struct vnl_plan_work *work, const struct vnl_nic *nic);

/* internet.c: public IPs, NAT, and what NICs have of them */
int vnl_internet_build(struct vnl_plan_work *work);
void vnl_internet_done(struct vnl_plan *plan);

/* gateways.c: guests and NICs of VPN gateways' instances and of sites, plan->gateways */
size_t vnl_gateways_count_vms(const struct vnl_lab *lab);
size_t vnl_gateways_count_nics(const struct vnl_lab *lab);
int vnl_gateways_build(struct vnl_plan_work *work);
void vnl_gateways_done(struct vnl_plan *plan);
/* The gateway or device with this public address, or NULL. */
const struct vnl_plan_gateway *vnl_gateway_by_outer(const struct vnl_plan *plan, const struct vnl_addr *addr);

/* gateway_p2s.c: certificates of gateways, entries of their clients, and the tunnels between the two */
int vnl_gateway_p2s(struct vnl_plan_gateway *out, const struct vnl_vpn_gateway *gateway);
int vnl_gateway_clients_build(struct vnl_plan_work *work);
size_t vnl_tunnels_p2s_count(const struct vnl_lab *lab);
int vnl_tunnels_p2s_build(struct vnl_plan_work *work); /* behind the other tunnels */
void vnl_gateway_p2s_free(struct vnl_plan_p2s **ret);

/* gateway_bgp.c: what gateways and devices with sessions say of themselves; the tunnels are there */
int vnl_gateway_bgp_build(struct vnl_plan_work *work);

/* tunnels.c */
/* gateway_learned.c: what came over the tunnel. 0 or -ENOMEM. */
int vnl_tunnel_learned(const struct vnl_lab *lab, const struct vnl_plan *plan,
                       struct vnl_plan_tunnel *tunnel);
int vnl_tunnels_build(struct vnl_plan_work *work);
void vnl_tunnels_done(struct vnl_plan *plan);
/* Copies into a list of the plan's; *ret is the plan's also on failure. */
int vnl_space_take(const struct vnl_prefixes *from, struct vnl_prefix **ret, size_t *ret_n);

/* balancers.c: frontends of load balancers, then those of gateways */
int vnl_balancers_build(struct vnl_plan_work *work);
void vnl_balancers_done(struct vnl_plan *plan);
size_t vnl_balancers_count_frontends(const struct vnl_plan *plan);

/* gateway_balancers.c: of active-active gateways, and of their connections */
size_t vnl_gateway_balancers_count(const struct vnl_lab *lab);
int vnl_gateway_balancers_build(struct vnl_plan_work *work);

/* lookup.c */
int vnl_addrs_index(struct vnl_plan *plan);

/* dns.c: resolv.conf and suffix */
int vnl_dns_build(struct vnl_plan_vnet *out, const struct vnl_vnet *vnet);

/* rules_print.c. Rows of one set, and what its tags and ASGs stand for, indented by two. */
void vnl_rules_print_set(FILE *out, const struct vnl_plan_rules *rules);
const char *vnl_rule_proto_text(const struct vnl_plan_rule *rule); /* "All", "Tcp" (spec 3.9) */
/* "80-80,443-443", "0-65535" for any; the caller's, NULL on ENOMEM. */
char *vnl_ports_text(const struct vnl_plan_side *side);
/* Side i of a set: rule i / 2, its source when i is even. Is it expanded, and the first one of its text? */
const struct vnl_plan_side *vnl_rules_side(const struct vnl_plan_rules *rules, size_t i);
bool vnl_rules_expands(const struct vnl_plan_rules *rules, size_t i);

/* rules_json.c */
struct vnl_json *vnl_rules_json(const struct vnl_plan_rules *rules); /* an array of ARM's effective rules */

/* plan_json.c. Put: the first failure stays in *r. Finish: the value, or NULL (and it is freed) when
 * something failed. */
void vnl_json_put(struct vnl_json *object, const char *key, struct vnl_json *value, int *r);
struct vnl_json *vnl_json_finish(struct vnl_json *value, int r);
struct vnl_json *vnl_json_prefix(const struct vnl_prefix *prefix);
struct vnl_json *vnl_json_addr(const struct vnl_addr *addr);

/* An array of `n` elements, each made by `make` from the element's place. */
struct vnl_json *vnl_json_list(const void *items, size_t n, size_t size,
                               struct vnl_json *(*make)(const void *item, const struct vnl_plan *plan),
                               const struct vnl_plan *plan);
#define VNL_JSON_LIST(items, n, make, plan) vnl_json_list(items, n, sizeof(*(items)), make, plan)

/* outside_print.c, outside_json.c: public IPs, NAT, load balancers, delays */
extern const char *const vnl_distribution_text[]; /* by enum vnl_distribution, ARM's words */
const char *vnl_balancer_proto_text(uint8_t proto);
/* One line without its end; the caller's, NULL on ENOMEM. */
char *vnl_balancer_rule_text(const struct vnl_plan *plan, const struct vnl_plan_lb_rule *rule);
void vnl_outside_print(FILE *out, const struct vnl_plan *plan);
struct vnl_json *vnl_json_public(const void *item, const struct vnl_plan *plan);
struct vnl_json *vnl_json_nat(const void *item, const struct vnl_plan *plan);
struct vnl_json *vnl_json_balancer(const void *item, const struct vnl_plan *plan);
struct vnl_json *vnl_json_delay(const void *item, const struct vnl_plan *plan);

/* vpn_print.c, vpn_json.c: gateways and tunnels */
void vnl_vpn_print(FILE *out, const struct vnl_plan *plan);
struct vnl_json *vnl_json_active_active(const void *item, const struct vnl_plan *plan);
struct vnl_json *vnl_json_gateway(const void *item, const struct vnl_plan *plan);
struct vnl_json *vnl_json_tunnel(const void *item, const struct vnl_plan *plan);

/* names.c */
/* Tags of a NIC's host end, of which `nic` has MAC, addresses and rate, and of a bridge. NULL on ENOMEM.
 * place: among the guest's NICs, 0 = eth0. */
char *vnl_nic_alias(const char *lab, const struct vnl_plan_vm *vm, const struct vnl_plan_nic *nic,
                    size_t place);
char *vnl_bridge_alias(const char *lab, const char *vnet);
uint64_t vnl_text_hash(const char *text);
int vnl_text_copy(char **ret, const char *text); /* 0 or -ENOMEM */
void vnl_bridge_name(char buf[16], uint32_t vnet_slot, uint32_t number);
uint32_t vnl_bridge_ifindex(uint32_t vnet_slot, uint32_t number);
uint32_t vnl_bridge_number(uint32_t nic_slot);
int vnl_links_build(struct vnl_plan *plan); /* bridges and hosts files; its VNets and NICs are there */

/* "10.0.0.0/16 10.99.0.0/16", "-" when there is none; owned by the caller, NULL on ENOMEM. */
char *vnl_prefixes_text(const struct vnl_prefix *items, size_t n);
/* asprintf(3) that gives NULL on failure. */
char *vnl_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
