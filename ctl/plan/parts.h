/* What the files of ctl/plan share and nobody else sees. Functions return 0 or -ENOMEM and leave the sentence
 * to the caller. */
#ifndef VNETLAB_PLAN_PARTS_H
#define VNETLAB_PLAN_PARTS_H

#include <stdint.h>
#include <stdio.h>

#include "vnetlab/plan.h"

struct vnl_json;
struct vnl_lab;
struct vnl_nic;
struct vnl_nsg;
struct vnl_vnet;

/* routes.c */
int vnl_routes_build(const struct vnl_lab *lab, const struct vnl_vnet *vnet, struct vnl_route_table *ret);
void vnl_routes_done(struct vnl_route_table *table);
/* What a peering row refuses, as words: "deny-access-local deny-forwarded", "" when nothing. */
const char *vnl_route_denies(const struct vnl_route *row, char buf[64]);

/* rules.c */
int vnl_rules_build(struct vnl_plan *plan, const struct vnl_lab *lab); /* plan->rules, by NSG, then by VNet */
void vnl_rules_done(struct vnl_plan_rules *rules);
/* Index (plan->rules) of an NSG (NULL: none) in a VNet, or VNL_PLAN_NO_RULES. */
uint32_t vnl_rules_index(const struct vnl_lab *lab, const struct vnl_nsg *nsg, const struct vnl_vnet *vnet);

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

/* names.c */
char *vnl_nic_alias(const char *lab, const struct vnl_nic *nic); /* NULL on ENOMEM */
char *vnl_bridge_alias(const char *lab, const char *vnet);       /* NULL on ENOMEM */
void vnl_bridge_name(char buf[16], uint32_t vnet_slot, uint32_t number);
uint32_t vnl_bridge_ifindex(uint32_t vnet_slot, uint32_t number);
uint32_t vnl_bridge_number(uint32_t nic_slot);
int vnl_links_build(struct vnl_plan *plan); /* bridges and hosts files; its VNets and NICs are there */

/* "10.0.0.0/16 10.99.0.0/16", "-" when there is none; owned by the caller, NULL on ENOMEM. */
char *vnl_prefixes_text(const struct vnl_prefix *items, size_t n);
/* asprintf(3) that gives NULL on failure. */
char *vnl_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
