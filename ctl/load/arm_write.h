/* Private to the ARM loaders: what the writers of resources share (arm_resource.c, arm_resource_nsg.c). */
#ifndef VNL_LOAD_ARM_WRITE_H
#define VNL_LOAD_ARM_WRITE_H

#include <stddef.h>

#include "vnetlab/lab.h"

struct vnl_json_writer;

void vnl_arm_write_optional(struct vnl_json_writer *out, const char *key,
                            const char *text); /* NULL: nothing */
void vnl_arm_write_source(struct vnl_json_writer *out, const char *key, const struct vnl_src *src);
void vnl_arm_write_names(struct vnl_json_writer *out, const char *key, const struct vnl_names *names);
/* A reference as it was written, and where: "KEYRef", "KEYSource"; nothing when ref is NULL. */
void vnl_arm_write_written(struct vnl_json_writer *out, const char *key, const char *ref,
                           const struct vnl_src *src);
void vnl_arm_write_ref(struct vnl_json_writer *out, const char *key, const char *id); /* {"id": ...} */
void vnl_arm_write_asgs(struct vnl_json_writer *out, const char *key, struct vnl_asg *const *asgs, size_t n);

/* A resource is opened, given properties, then members of our own, and closed. */
void vnl_arm_open(struct vnl_json_writer *out, enum vnl_type type, const char *id, const char *name,
                  const char *location);
void vnl_arm_open_sku(struct vnl_json_writer *out, enum vnl_type type, const char *id, const char *name,
                      const char *location, enum vnl_sku sku); /* with its SKU; arm_resource_outside.c */
void vnl_arm_open_own(struct vnl_json_writer *out, const struct vnl_src *src);
void vnl_arm_close(struct vnl_json_writer *out);

/* The members of one side of a rule: ARM's, then ours. */
struct vnl_arm_side_keys {
    const char *prefix, *prefixes, *port, *ports, *asgs;
    const char *asg_refs, *source, *asg_source, *ports_source;
};
extern const struct vnl_arm_side_keys vnl_arm_source_keys, vnl_arm_destination_keys;

void vnl_arm_write_nsg(struct vnl_json_writer *out, const struct vnl_nsg *nsg);
void vnl_arm_write_rule(struct vnl_json_writer *out, const struct vnl_rule *rule);
void vnl_arm_write_vm(struct vnl_json_writer *out, const struct vnl_vm *vm);
void vnl_arm_write_nic(struct vnl_json_writer *out, const struct vnl_nic *nic);
void vnl_arm_write_udr_table(struct vnl_json_writer *out, const struct vnl_udr_table *table);
void vnl_arm_write_udr(struct vnl_json_writer *out, const struct vnl_udr *udr);
void vnl_arm_write_asg(struct vnl_json_writer *out, const struct vnl_asg *asg);

/* arm_resource_outside.c, arm_resource_lb.c */
void vnl_arm_write_public_ip(struct vnl_json_writer *out, const struct vnl_public_ip *public_ip);
void vnl_arm_write_nat_gateway(struct vnl_json_writer *out, const struct vnl_nat_gateway *nat);
void vnl_arm_write_lb(struct vnl_json_writer *out, const struct vnl_lb *lb);
void vnl_arm_write_host(struct vnl_json_writer *out, const struct vnl_host *host);
void vnl_arm_write_internet(struct vnl_json_writer *out,
                            const struct vnl_lab *lab); /* members of the document */

/* arm_resource_gateway.c. keys: with shared keys, for the store alone. */
void vnl_arm_write_vpn_gateway(struct vnl_json_writer *out, const struct vnl_vpn_gateway *gateway);
void vnl_arm_write_local_gateway(struct vnl_json_writer *out, const struct vnl_local_gateway *local);
void vnl_arm_write_connection(struct vnl_json_writer *out, const struct vnl_connection *connection,
                              bool keys);
void vnl_arm_write_site(struct vnl_json_writer *out, const struct vnl_site *site, bool keys);
void vnl_arm_write_sites(struct vnl_json_writer *out, const struct vnl_lab *lab,
                         bool keys); /* a member of the document */
/* The list of IPsec policies, of at most one. */
void vnl_arm_write_policy(struct vnl_json_writer *out, const char *key,
                          const struct vnl_ipsec_policy *policy);

/* arm_resource_p2s.c: members of a gateway's properties and of our own; clients, also as a member of the document. */
void vnl_arm_write_p2s(struct vnl_json_writer *out, const struct vnl_vpn_gateway *gateway);
void vnl_arm_write_p2s_own(struct vnl_json_writer *out, const struct vnl_vpn_gateway *gateway);
void vnl_arm_write_client(struct vnl_json_writer *out, const struct vnl_client *client);
void vnl_arm_write_clients(struct vnl_json_writer *out, const struct vnl_lab *lab);
char *vnl_arm_gateway_config_id(const struct vnl_vpn_gateway *gateway, size_t instance);

#endif
