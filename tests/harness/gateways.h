/* Settled labs whose VPN gateways are active-active, speak BGP or have point-to-site clients, made by setting fields: what the plan makes of
 * them does not depend on how they were written. All that is set here is borrowed, and taken back before the lab is freed. */
#ifndef VNETLAB_TEST_GATEWAYS_H
#define VNETLAB_TEST_GATEWAYS_H

#include "vnetlab/lab.h"
#include "vnetlab/plan.h"

/* Takes everything back and frees: for CLEANUP. */
void gateways_free(struct vnl_lab **lab);

/* activeActive, with this public IP for the second instance: its guest is "NAME.1"; addresses are those behind the first one's inner and before
 * its BGP address. One call per gateway. */
void gateway_twice(struct vnl_lab *lab, const char *gateway, const char *public_ip);
/* asn: of the gateway. */
void gateway_asn(struct vnl_lab *lab, const char *gateway, uint32_t asn);
/* enableBgp. */
void connection_bgp(struct vnl_lab *lab, const char *connection);
/* bgpSettings; addr: bgpPeeringAddress. */
void local_bgp(struct vnl_lab *lab, const char *local, uint32_t asn, const char *addr);
void site_bgp(struct vnl_lab *lab, const char *site, uint32_t asn, const char *addr);
/* connection: its name, or any text when there is none of it. */
void learn(struct vnl_lab *lab, const char *gateway, const char *connection, const char *prefix,
           const char *as_path);
/* vpnClientConfiguration with the roots "one" (made by the lab) and "two" (written), and a revoked certificate. pools: separated by
 * blanks. */
void gateway_p2s(struct vnl_lab *lab, const char *gateway, const char *pools);
/* The host becomes a client of the gateway. */
struct vnl_client *client_of(struct vnl_lab *lab, const char *host, const char *gateway);

struct vnl_addr addr_of_text(const char *text);
/* "10.1.0.0/16 10.2.0.0/16"; the caller's. */
char *prefixes_of(const struct vnl_prefix *prefixes, size_t n);
void assert_prefixes(const struct vnl_prefix *prefixes, size_t n, const char *expected);
/* As the operator reads it. */
void assert_plans_differ(const struct vnl_plan *before, const struct vnl_plan *after, const char *expected);

#endif
