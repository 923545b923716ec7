/* What the texts of `show RESOURCE` are made of, and the texts by type. */
#ifndef VNETLAB_CLI_SHOW_PARTS_H
#define VNETLAB_CLI_SHOW_PARTS_H

#include <stdbool.h>

#include "vnetlab/lab.h"

struct vnl_bpf;
struct vnl_err;
struct vnl_json;
struct vnl_plan;

/* One line of a summary; what stands behind the label is printed by the caller. */
void vnl_show_label(const char *text);
void vnl_show_line(const char *name, const char *value); /* NULL: "-" */
void vnl_show_flag(const char *name, bool on);
void vnl_show_prefixes(const struct vnl_prefixes *prefixes);
/* "vnet-1/default", "VM web"; the label only in front of the first. */
void vnl_show_subnets(const char *name, struct vnl_subnet *const *subnets, size_t n);

int vnl_show_vnet(const struct vnl_vnet *vnet);
int vnl_show_subnet(const struct vnl_lab *lab, const struct vnl_subnet *subnet);
int vnl_show_asg(const struct vnl_asg *asg);
int vnl_show_udr_table(const struct vnl_udr_table *table, struct vnl_err **err);
int vnl_show_udr(const struct vnl_udr *udr);
int vnl_show_public_ip(const struct vnl_public_ip *public_ip);
int vnl_show_nat_gateway(const struct vnl_nat_gateway *nat);
int vnl_show_lb(const struct vnl_lab *lab, const struct vnl_lb *lb, const struct vnl_bpf *bpf,
                struct vnl_err **err);
int vnl_show_vpn_gateway(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway);
/* Its point-to-site side; nothing where it has none. */
void vnl_show_p2s(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway);
void vnl_show_policy(const char *label, const struct vnl_ipsec_policy *policy);
int vnl_show_local_gateway(const struct vnl_lab *lab, const struct vnl_local_gateway *local);
int vnl_show_connection(const struct vnl_lab *lab, const struct vnl_connection *connection,
                        struct vnl_err **err);
int vnl_show_site(const struct vnl_site *site);
int vnl_show_site_host(const struct vnl_site *site, const struct vnl_site_host *host);
/* show_client.c: with what the agent of the running lab knows; the same as members of its JSON. */
int vnl_show_client(const struct vnl_lab *lab, const struct vnl_client *client, struct vnl_err **err);
int vnl_client_add_state(struct vnl_json *json, const struct vnl_lab *lab, const struct vnl_client *client,
                         struct vnl_err **err);
/* The tables of the whole lab: route tables, public IPs, NAT gateways, load balancers, internet hosts. */
int vnl_show_outside(const struct vnl_lab *lab, struct vnl_err **err);
/* Gateways, local network gateways, sites, connections. */
int vnl_show_vpn(const struct vnl_lab *lab, const struct vnl_plan *plan, struct vnl_err **err);

#endif
