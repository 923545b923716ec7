/* Private to ctl/model: public IPs, NAT gateways, load balancers, internet hosts and latencies; what model.h is for the rest. */
#ifndef VNETLAB_MODEL_OUTSIDE_H
#define VNETLAB_MODEL_OUTSIDE_H

#include "model.h"

#define VNL_PUBLIC_IP_TYPE   "Microsoft.Network/publicIPAddresses"
#define VNL_NAT_GATEWAY_TYPE "Microsoft.Network/natGateways"
#define VNL_BALANCER_TYPE    "Microsoft.Network/loadBalancers"

/* Limit of spec 6.2. */
#define VNL_LIMIT_NAT_PUBLICS 16u

/* --- freeing: lab.c ---------------------------------------------------------------------------------- */

void vnl_public_ip_free(struct vnl_public_ip **public_ip);
void vnl_nat_gateway_free(struct vnl_nat_gateway **nat);
void vnl_lb_free(struct vnl_lb **lb);
void vnl_host_free(struct vnl_host **host);
void vnl_latencies_done(struct vnl_lab *lab);

/* --- reference.c: references to top-level resources ---------------------------------------------------- */

struct vnl_ref {
    enum vnl_type type;
    const char *text; /* as written */
    const struct vnl_src *src;
    const char *id;  /* of what refers */
    const char *who; /* "subnet 'default'" */
    const struct vnl_scope
        *scope; /* where that is: both must be in one region and subscription. NULL: not compared */
};

/* What the reference names (struct vnl_public_ip * and so on), or NULL after a mistake. */
void *vnl_ref_resolve(struct vnl_check *check, const struct vnl_ref *ref);
/* The same without a word. */
void *vnl_ref_lookup(const struct vnl_lab *lab, enum vnl_type type, const char *text);

/* A subnet by "vnet/subnet", its bare name when only one has it, or its id; NULL after a mistake. who: "load balancer 'x'". */
struct vnl_subnet *vnl_subnet_ref_resolve(struct vnl_check *check, const char *text,
                                          const struct vnl_src *src, const char *id, const char *who);

/* --- lb.c: parts by name ------------------------------------------------------------------------------------- */

struct vnl_lb_frontend *vnl_lb_frontend_lookup(const struct vnl_lb *lb, const char *name);
struct vnl_lb_pool *vnl_lb_pool_lookup(const struct vnl_lb *lb, const char *name);
struct vnl_lb_probe *vnl_lb_probe_lookup(const struct vnl_lb *lb, const char *name);
struct vnl_lb_rule *vnl_lb_rule_lookup(const struct vnl_lb *lb, const char *name);

/* --- rules, in the order in which vnl_lab_resolve() calls them; the NICs are resolved before ----------- */

void vnl_public_ips_resolve(struct vnl_check *check);   /* public_ip.c: spec 6.1; who has them */
void vnl_nat_gateways_resolve(struct vnl_check *check); /* nat_gateway.c: spec 6.2, 1.9 */
void vnl_lbs_resolve(struct vnl_check *check);          /* lb_check.c */
void vnl_lb_rules_resolve(struct vnl_check *check,
                          struct vnl_lb *lb);      /* lb_rule_check.c: of one, with its parts resolved */
void vnl_hosts_check(struct vnl_check *check);     /* host.c */
void vnl_latencies_check(struct vnl_check *check); /* latency.c */

/* --- derived: what follows from references. 0 or -ENOMEM ------------------------------------------------- */

void vnl_public_ips_derive(const struct vnl_lab *lab); /* whose they are */
int vnl_nat_gateways_derive(const struct vnl_lab *lab);
int vnl_outside_derive(const struct vnl_lab *lab); /* settle_outside.c: all of it */

/* --- settle_outside.c ------------------------------------------------------------------------------------ */

void vnl_settle_hosts(struct vnl_check *check); /* slots that are kept; before those of NICs are given out */
void vnl_settle_outside(struct vnl_check *check); /* behind the NICs */
struct vnl_mac vnl_mac_of_slot(uint32_t slot);    /* settle.c */
/* Frontends that have an address already: before vnl_claims_allocate(). */
void vnl_settle_frontends(struct vnl_check *check);

/* "192.0.2.128/25", of default outbound access: no public IP or host can be there. */
extern const struct vnl_prefix vnl_default_outbound_prefix;
/* Is it an IPv4 address of the internet: no private one, none that means something else to every host? */
bool vnl_addr_is_public(const struct vnl_addr *addr);

#endif
