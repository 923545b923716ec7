/* Small labs for tests, from a few words. One resource per line; a subnet or peering belongs to the VNet
 * above it:
 *
 *   vnet NAME PREFIX[,PREFIX...] [location=L] [group=G] [subscription=S]
 *   subnet NAME [PREFIX,...]
 *   peer NAME REMOTE [noaccess] [forwarded] [transit] [gateways] [ipv6] [local=S,... remote=S,...]
 *   vm NAME SUBNET[,SUBNET...] [ADDRESS,...] [location=L] [bandwidth=BPS]
 *                                      one NIC per subnet; the addresses are the first NIC's
 *   host NAME ADDRESS                  of the internet side
 *   gateway NAME VNET [sku=S] [throughput]   of the VNet that has a GatewaySubnet; throughput: as the SKU says
 *   lng NAME ADDRESS PREFIX[,PREFIX...]
 *   v2v NAME GATEWAY GATEWAY [key=K]
 *   s2s NAME GATEWAY LNG [key=K]
 *   site NAME ADDRESS PREFIX[,PREFIX...] [key=K]
 *   sitehost NAME SITE ADDRESS
 *   expect FROM TO [icmp|tcp=PORT|udp=PORT]
 *
 * The place of a resource is "lab.yaml", the line in the text, column 1. A text that is none of this fails
 * the test. */
#ifndef VNETLAB_TESTS_LABS_H
#define VNETLAB_TESTS_LABS_H

#include <stddef.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

/* The lab "test" as added; mistakes of adding are in *err. The caller's (vnl_lab_free). */
struct vnl_lab *labs_build(const char *text, struct vnl_err **err);
/* Added and resolved; there must be no mistake. */
struct vnl_lab *labs_resolve(const char *text);
/* Resolved and settled after `before` (NULL: nothing); there must be no mistake. */
struct vnl_lab *labs_settle(const char *text, const struct vnl_lab *before);

/* A row of a "given / then" table. */
struct labs_case {
    const char *given;  /* in words, for the failure's message */
    const char *before; /* a lab in force, or NULL */
    const char *lab;
    const char *code; /* what Azure answers; NULL: no mistake; "" a mistake without a code */
    const char
        *words; /* parted by '|': each is in the sentence of that mistake, or in its hint; NULL: none */
};

/* Plays every row: added, resolved, settled after `before`. A row with a code has exactly one mistake. */
void labs_check(const struct labs_case *cases, size_t n);

/* The mistakes of a text that has some, nothing in force. */
struct vnl_err *labs_mistakes(const char *text);
/* The mistake with this code, or NULL; *ret_n (may be NULL): how many have it. */
const struct vnl_err *labs_find(const struct vnl_err *err, const char *code, size_t *ret_n);

/* An address of a VM as text: "10.0.0.4", or "-" when it has none of the family. Overwritten by the next call
 * but three. */
const char *labs_addr(const struct vnl_lab *lab, const char *vm, int family);
struct vnl_peering *labs_link(const struct vnl_lab *lab, const char *vnet, const char *name);
/* "Connected FullyInSync 10.1.0.0/16,10.2.0.0/16". Overwritten by the next call but three. */
const char *labs_link_text(const struct vnl_lab *lab, const char *vnet, const char *name);

#endif
