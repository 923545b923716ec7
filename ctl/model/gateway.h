/* Private to ctl/model: VPN gateways, local network gateways, connections and sites; what model.h is for the rest. */
#ifndef VNETLAB_MODEL_GATEWAY_H
#define VNETLAB_MODEL_GATEWAY_H

#include "model.h"

#define VNL_VPN_GATEWAY_TYPE   "Microsoft.Network/virtualNetworkGateways"
#define VNL_LOCAL_GATEWAY_TYPE "Microsoft.Network/localNetworkGateways"
#define VNL_CONNECTION_TYPE    "Microsoft.Network/connections"

#define VNL_GATEWAY_SUBNET "GatewaySubnet"
#define VNL_GATEWAY_CONFIG "vnetGatewayConfig0" /* its ip configuration, as Azure's own tools name it */
#define VNL_KEY_MAX        128u                 /* spec 5.3 */
#define VNL_LIMIT_SITES    200u                 /* layout.h: VNL_SITES_MAX */

/* --- freeing: lab.c ---------------------------------------------------------------------------------- */

void vnl_vpn_gateway_free(struct vnl_vpn_gateway **gateway);
void vnl_local_gateway_free(struct vnl_local_gateway **local);
void vnl_connection_free(struct vnl_connection **connection);
void vnl_site_free(struct vnl_site **site);

/* --- rules, in the order in which vnl_lab_resolve() calls them ----------------------------------------- */

/* gateway.c: its VNet, subnet and SKU (spec 2, 3, 4); before peerings are, which ask for gateways. */
void vnl_gateways_resolve(struct vnl_check *check);
/* gateway_check.c: their public IPs, implied ones made; when the NICs have theirs, and before those that nobody has are dropped. */
void vnl_gateway_publics_resolve(struct vnl_check *check);
void vnl_local_gateways_check(struct vnl_check *check); /* local_gateway.c: spec 14 */
void vnl_connections_resolve(struct vnl_check *check);  /* connection.c, connection_check.c: spec 5, 8 */
void vnl_connections_pair(
    const struct vnl_lab *lab); /* connection.c: the twin of each, when its ends are known */
void vnl_connection_check(struct vnl_check *check,
                          struct vnl_connection *connection); /* connection_check.c */
void vnl_gateway_spaces_check(struct vnl_check *check);       /* gateway_space.c: overlaps (spec 6, 14) */
/* bgp.c: what each may say of BGP (spec 9, 16). */
void vnl_bgp_check_gateway(struct vnl_check *check, const struct vnl_vpn_gateway *gateway);
void vnl_bgp_check_local(struct vnl_check *check, const struct vnl_local_gateway *local);
void vnl_bgp_check_site(struct vnl_check *check, const struct vnl_site *site);
void vnl_bgp_check_connection(struct vnl_check *check, const struct vnl_connection *connection);
/* ipsec_policy.c: the same without what depends on a connection. who: "connection 'x'". */
void vnl_ipsec_words_check(struct vnl_check *check, const struct vnl_ipsec_policy *policy, const char *id,
                           const char *who);
void vnl_ipsec_policy_done(struct vnl_ipsec_policy *policy); /* ipsec_policy.c */
void vnl_ipsec_policy_check(struct vnl_check *check,
                            const struct vnl_connection *connection); /* ipsec_policy.c: spec 7.3 */
void vnl_sites_check(struct vnl_check *check);                        /* site.c */
/* site.c: its prefix that holds addr, or NULL. Is addr the first or last one of the prefix, which is no host's? */
const struct vnl_prefix *vnl_site_prefix_of(const struct vnl_site *site, const struct vnl_addr *addr);
bool vnl_prefix_is_edge(const struct vnl_prefix *prefix, const struct vnl_addr *addr);
bool vnl_gateway_is_basic(
    const struct vnl_vpn_gateway *gateway);          /* gateway_sku.c: its SKU, when it is known */
void vnl_guest_names_check(struct vnl_check *check); /* guest_name.c: VMs, hosts, gateways, sites */
/* Is the text a shared key that Azure takes? If not, a mistake: `who` has it. */
void vnl_shared_key_check(struct vnl_check *check, const char *key, const struct vnl_src *src, const char *id,
                          const char *who);

/* --- derived: what follows from references --------------------------------------------------------------- */

struct vnl_addr vnl_site_inner(const struct vnl_site *site); /* of its device; site.c */
void vnl_gateways_derive(const struct vnl_lab *lab);

/* --- settle_gateway.c ------------------------------------------------------------------------------------ */

/* NIC slots of gateways, sites and their hosts: those that are kept; and where all of them are (slots may be NULL), their number. */
void vnl_settle_gateway_slots(struct vnl_check *check);
size_t vnl_gateway_slots(const struct vnl_lab *lab, uint32_t **slots);
void vnl_settle_gateways(struct vnl_check *check); /* behind public IPs */

#endif
