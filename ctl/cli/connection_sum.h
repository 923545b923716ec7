/* What several tunnels say together: of a connection at its gateway, and of a lab. Pure functions of the plan and of what the agent said. */
#ifndef VNETLAB_CLI_CONNECTION_SUM_H
#define VNETLAB_CLI_CONNECTION_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vnetlab/plan.h"
#include "vnetlab/vpn.h"

struct vnl_cmd_tunnels;
struct vnl_json;

/* A connection as its own gateway sees it: Connected when at least one of its tunnels is, as in Azure; else the worst that is known of one. */
struct vnl_connection_sum {
    uint32_t ends[VNL_TUNNELS]; /* indices (plan->tunnels), in the plan's order */
    size_t n_ends;
    bool known; /* the agent has said something of one of them */
    enum vnl_vpn_status status;
    bool bgp;                     /* is spoken over it */
    enum vnl_bgp_state bgp_state; /* the best of its sessions */
    uint64_t ingress, egress;     /* of all ends */
    const struct vnl_vpn_state
        *first; /* the end that speaks for them: the first one with that status; NULL: not known */
};

struct vnl_connection_sum vnl_connection_sum(const struct vnl_plan *plan,
                                             const struct vnl_cmd_tunnels *tunnels,
                                             const char *connection_id);

/* Index of the end that speaks for all, of those that the plan has. */
size_t vnl_connection_speaker(const struct vnl_connection_sum *sum, const struct vnl_cmd_tunnels *tunnels);
/* None of its tunnels is Connected, all have the same status and reason: one sentence says it of all. */
bool vnl_connection_fails_alike(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                                const char *connection_id);

/* How many of a lab's are there, and how many are up. A BGP session between two gateways of the lab is one. */
struct vnl_tunnel_counts {
    size_t connections, connected;
    size_t sessions, sessions_up;
    size_t clients, clients_connected;
};
struct vnl_tunnel_counts vnl_tunnel_counts(const struct vnl_plan *plan,
                                           const struct vnl_cmd_tunnels *tunnels);
/* "connections: 4 of 4 connected, BGP: 2 of 2 sessions up, clients: 1 of 1 connected": without what the lab has none of. Returns buf. */
const char *vnl_tunnel_counts_format(const struct vnl_tunnel_counts *counts, char buf[160]);

/* By names: the agent may not have read the latest plan yet. NULL: nothing is known. */
const struct vnl_vpn_state *vnl_tunnel_state(const struct vnl_plan *plan, const struct vnl_vpn_states *states,
                                             const struct vnl_plan_tunnel *tunnel);
/* An end of a connection at its own gateway: no site's device, which is not Azure's, and nothing of point-to-site. */
bool vnl_tunnel_is_connection(const struct vnl_plan *plan, size_t tunnel);
bool vnl_tunnel_is_client(const struct vnl_plan *plan, size_t tunnel);
/* NULL stands for all. gateway: a resource, or one instance of it ("VNet1GW.1"); a site; a client. */
bool vnl_tunnel_is_meant(const struct vnl_plan *plan, size_t tunnel, const char *connection_id,
                         const char *gateway);
/* A configuration of its owner's may have a connection to here, and speak BGP; whether it does, the agent sees. */
bool vnl_tunnel_can_connect(const struct vnl_plan *plan, size_t tunnel);
bool vnl_tunnel_can_peer(const struct vnl_plan *plan, size_t tunnel);
/* Connected, at both ends: the one that answers hears last that it is up, and packets may be asked about at either. */
bool vnl_tunnel_is_up(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel);
/* Said by either end: what one of them refuses, the other may just not hear of again. */
bool vnl_tunnel_has_failed(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel);
/* Its session is up, and what it brought is where packets look; true where no BGP is spoken. */
bool vnl_tunnel_is_ready(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels, size_t tunnel);

/* What the agent says, else what the plan knows or the other end says; NULL: nothing. buf: for a sentence. */
const char *vnl_tunnel_reason(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                              size_t tunnel, char buf[256]);
/* The same of its BGP session: "BGP with 10.42.255.30 (ASN 65040) is Connecting". */
const char *vnl_tunnel_bgp_reason(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                                  size_t tunnel, char buf[256]);

#endif
