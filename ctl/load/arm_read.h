/* Private to the ARM loaders: one resource of a lab's canonical JSON, added to the lab. Which passes there
 * are: arm_read.c.
 *
 * *err is an empty error to begin with, never NULL. 0 or a negative number; the error's own number is in
 * *err. */
#ifndef VNL_LOAD_ARM_READ_H
#define VNL_LOAD_ARM_READ_H

#include "vnetlab/err.h"
#include "vnetlab/lab.h"

struct vnl_json;

int vnl_arm_read_asg(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);
int vnl_arm_read_nsg(struct vnl_lab *lab, const struct vnl_json *json,
                     struct vnl_err **err); /* with its rules */
int vnl_arm_read_udr_table(struct vnl_lab *lab, const struct vnl_json *json,
                           struct vnl_err **err); /* with its routes */
int vnl_arm_read_uses(struct vnl_lab *lab, const struct vnl_json *json,
                      struct vnl_err **err); /* of an NSG: slots by VNet */
int vnl_arm_read_vnet(struct vnl_lab *lab, const struct vnl_json *json,
                      struct vnl_err **err); /* with its subnets */
int vnl_arm_read_peerings(struct vnl_lab *lab, const struct vnl_json *json,
                          struct vnl_err **err); /* of a VNet */
int vnl_arm_read_vm(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);
int vnl_arm_read_nic(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);
/* The VM's list of NICs is what was read, in this order. */
int vnl_arm_check_vm(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);

int vnl_arm_read_public_ip(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);
int vnl_arm_read_nat_gateway(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);
int vnl_arm_read_lb(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);
int vnl_arm_read_local_gateway(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);
int vnl_arm_read_vpn_gateway(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);
int vnl_arm_read_connection(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);
int vnl_arm_read_sites(struct vnl_lab *lab, const struct vnl_json *json,
                       struct vnl_err **err); /* of the document */
int vnl_arm_read_clients(struct vnl_lab *lab, const struct vnl_json *json,
                         struct vnl_err **err); /* of the document; behind all hosts and gateways */
/* The document's "internet" and "latency", when they are there. */
int vnl_arm_read_internet(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err);

/* --- shared ----------------------------------------------------------------------------------------------- */

/* What every resource has. Texts are borrowed from the document. */
struct vnl_arm_resource {
    const char *id, *name;
    const char *location; /* NULL for children */
    const struct vnl_json *properties, *own;
    struct vnl_src src;
};

int vnl_arm_resource_open(const struct vnl_lab *lab, const struct vnl_json *json,
                          struct vnl_arm_resource *ret, struct vnl_err **err);
/* "/subscriptions/S/resourceGroups/G/..." and the location. What stands behind is compared when the resource
 * was added. */
int vnl_arm_scope_init(struct vnl_scope *scope, const struct vnl_arm_resource *in, struct vnl_err **err);
void vnl_arm_scope_done(struct vnl_scope *scope);
/* After an add: the model found nothing wrong, and calls the resource as the document does. id: NULL when there was
 * no memory. */
int vnl_arm_check_added(const char *id, const struct vnl_arm_resource *in, struct vnl_err **err);
int vnl_arm_get_slot(const struct vnl_json *own, uint32_t *ret, struct vnl_err **err);
int vnl_arm_get_named_slot(const struct vnl_json *own, const char *key, uint32_t *ret, struct vnl_err **err);
int vnl_arm_get_ipv4(const struct vnl_json *json, const char *key, struct vnl_addr *ret,
                     struct vnl_err **err);
/* An NSG that a subnet or NIC has, with the reference as written; nothing when it has none. */
int vnl_arm_get_nsg(const struct vnl_lab *lab, const struct vnl_arm_resource *in, struct vnl_nsg **ret,
                    char **ret_ref, struct vnl_src *ret_src, struct vnl_err **err);
/* The same for the route table of a subnet. */
int vnl_arm_get_route_table(const struct vnl_lab *lab, const struct vnl_arm_resource *in,
                            struct vnl_subnet *subnet, struct vnl_err **err);
/* The same for the NAT gateway of a subnet, with defaultOutboundAccess; for the public IP of a configuration. */
int vnl_arm_get_nat_gateway(const struct vnl_lab *lab, const struct vnl_arm_resource *in,
                            struct vnl_subnet *subnet, struct vnl_err **err);
int vnl_arm_get_public_ip(const struct vnl_lab *lab, const struct vnl_json *properties,
                          const struct vnl_json *own, struct vnl_ip_config *config, struct vnl_err **err);
int vnl_arm_get_dns(struct vnl_vnet *vnet, const struct vnl_json *properties, struct vnl_err **err);
/* What vpnClientConfiguration and customRoutes say, when they are there; arm_read_p2s.c. */
int vnl_arm_get_p2s(const struct vnl_lab *lab, const struct vnl_arm_resource *in,
                    struct vnl_vpn_gateway *gateway, struct vnl_err **err);
/* A list of at most one IPsec policy. */
int vnl_arm_get_policy(const struct vnl_json *json, const char *key, struct vnl_ipsec_policy *ret,
                       struct vnl_err **err);
int vnl_arm_get_sku(const struct vnl_json *json, enum vnl_sku *ret, struct vnl_err **err);
int vnl_arm_get_minutes(const struct vnl_json *own, int max, int *ret, struct vnl_err **err);
/* By its id, or NULL. */
struct vnl_subnet *vnl_arm_subnet_lookup(const struct vnl_lab *lab, const char *id);
int vnl_arm_check_subnet_addr(const struct vnl_subnet *subnet, const struct vnl_addr *addr,
                              struct vnl_err **err);
/* A list of {"id": ...}, when it is there. */
int vnl_arm_get_asgs(const struct vnl_lab *lab, const struct vnl_json *object, const char *key,
                     struct vnl_asg ***ret, size_t *ret_n, struct vnl_err **err);
int vnl_arm_check_slots(const struct vnl_lab *lab,
                        struct vnl_err **err); /* of each kind: no two are the same */
/* What holds between NSGs and the rest: an NSG has a slot for each VNet in which it acts, and for no other. */
int vnl_arm_check_uses(const struct vnl_lab *lab, struct vnl_err **err);

#endif
