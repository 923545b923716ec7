/* Private to ctl/model: point-to-site, of gateways and of their clients; what model.h is for the rest. */
#ifndef VNETLAB_MODEL_P2S_H
#define VNETLAB_MODEL_P2S_H

#include "model.h"

#define VNL_LIMIT_ROOTS                                                                                      \
    20u /* Azure documentation, "Configure server settings for P2S certificate authentication" */

/* --- freeing: gateway.c, lab.c ------------------------------------------------------------------------- */

void vnl_p2s_free(struct vnl_p2s **p2s);
void vnl_client_free(struct vnl_client **client);

/* --- adding -------------------------------------------------------------------------------------------- */

/* host.c: the host that a client is; its name is checked with the client's. */
struct vnl_host *vnl_client_host_add(struct vnl_lab *lab, struct vnl_client *client, struct vnl_err **err);

/* --- rules, in the order in which vnl_lab_resolve() calls them; connections are resolved before --------- */

void vnl_p2s_check(struct vnl_check *check); /* p2s.c, p2s_space.c: spec 13, 16 */
void vnl_p2s_space_check(struct vnl_check *check, const struct vnl_vpn_gateway *gateway);
void vnl_clients_resolve(struct vnl_check *check); /* client.c */

/* --- settle: client.c ---------------------------------------------------------------------------------- */

/* Brings their hosts behind the others, which is how the store reads them. */
void vnl_settle_client_hosts(struct vnl_check *check);
/* Keeps addresses that were given out, when nobody else has them. */
void vnl_settle_client_addresses(struct vnl_check *check);

#endif
