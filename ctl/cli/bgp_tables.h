/* What `vpn bgp`, `vpn learned` and `vpn advertised` print: ARM's objects (spec 9.4) in the Azure CLI's columns. */
#ifndef VNETLAB_CLI_BGP_TABLES_H
#define VNETLAB_CLI_BGP_TABLES_H

#include <stdio.h>

struct vnl_err;
struct vnl_json;

/* list: as vnl_bgp_peers() answers, or vnl_bgp_learned() and vnl_bgp_advertised(). 0 or -ENOMEM. */
int vnl_bgp_peers_print(FILE *out, const struct vnl_json *list, struct vnl_err **err);
int vnl_bgp_routes_print(FILE *out, const struct vnl_json *list, struct vnl_err **err);
/* ARM's {"value": list}; the list is consumed. NULL on ENOMEM. */
struct vnl_json *vnl_bgp_to_json(struct vnl_json *list);

#endif
