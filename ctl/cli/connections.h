/* How the tunnels of a lab stand: the plan's beside what the agent says of them. */
#ifndef VNETLAB_CLI_CONNECTIONS_H
#define VNETLAB_CLI_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "connection_sum.h"

struct vnl_err;
struct vnl_json;
struct vnl_lab;
struct vnl_connection;
struct vnl_plan;
struct vnl_verify;

#define VNL_CONNECT_MS 10000 /* how long `up` and its kin wait for connections when nothing else is said */

struct vnl_cmd_tunnels {
    struct vnl_vpn_states states;
    const struct vnl_vpn_state **of; /* per plan->tunnels; NULL: nothing is known of it */
    const char *why;                 /* nothing is known of any; NULL: no reason */
};

/* What is known now: nothing of a lab that does not run. 0 or -errno. */
int vnl_cmd_tunnels_ask(const struct vnl_plan *plan, struct vnl_cmd_tunnels *ret, struct vnl_err **err);
void vnl_cmd_tunnels_done(struct vnl_cmd_tunnels *tunnels);

/* Waits until each connection whose both ends are in the lab is Connected by all of its tunnels, its BGP sessions are up and have brought what
 * they bring first, and clients are Connected, or has failed for a while, at most timeout_ms; with a line of progress on a terminal.
 * connection_id (or a client's id), gateway: only that one, or those of that gateway; both NULL for all. The caller does not hold the lab's
 * lock: the agent takes it to publish what BGP has brought. */
int vnl_cmd_tunnels_wait(const struct vnl_plan *plan, const char *connection_id, const char *gateway,
                         int timeout_ms, struct vnl_cmd_tunnels *ret, struct vnl_err **err);

/* A line for each connection, by tunnel where it has several that do not all fail alike, and for each client (of those that the wait was for): "VNet1ToVNet4: Connected".
 * all: also for those that are as they shall be. */
void vnl_cmd_tunnels_print(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                           const char *connection_id, const char *gateway, bool all);
/* "connections: 3 of 4 connected, BGP: 1 of 2 sessions up"; nothing without any. */
void vnl_cmd_tunnels_print_count(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels);
/* [{"name", "connectionStatus", "reason", "bgpState"}], the last where BGP is spoken; NULL on ENOMEM. Clients: with "gateway", "address",
 * "thumbprint", bytes, "suite", "since". */
struct vnl_json *vnl_cmd_tunnels_to_json(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels);
struct vnl_json *vnl_cmd_clients_to_json(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels);

/* Tunnels on a flow's way (verify_tunnels.c): "blocked: NoTunnel at VNet1GW just now, ..." by the first that is not Connected, nor another end of its connection at the gateway, the caller's, or
 * NULL; a line for each; the same as JSON. */
char *vnl_cmd_tunnels_verdict(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                              const struct vnl_verify *verify, bool one_way);
void vnl_cmd_tunnels_print_way(const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                               const struct vnl_verify *verify);
struct vnl_json *vnl_cmd_tunnels_way_to_json(const struct vnl_plan *plan,
                                             const struct vnl_cmd_tunnels *tunnels,
                                             const struct vnl_verify *verify);

/* "2026-11-21 17:45:02", in this machine's time zone when `local`; else in UTC as ARM has it, with a T between and a Z behind. Returns buf. */
const char *vnl_since_format(int64_t ms, bool local, char buf[32]);

/* `show connections`, and what of it is in `show` and in one connection's JSON. */
int vnl_show_connections(const struct vnl_lab *lab, bool json, struct vnl_err **err);
/* Tables: a row per connection at its gateway, below it one per tunnel where it has several; a row per client. */
int vnl_connections_print(FILE *out, const struct vnl_lab *lab, const struct vnl_plan *plan,
                          const struct vnl_cmd_tunnels *tunnels, struct vnl_err **err);
int vnl_clients_print(FILE *out, const struct vnl_plan *plan, const struct vnl_cmd_tunnels *tunnels,
                      struct vnl_err **err);
int vnl_list_connections(const struct vnl_lab *lab, const struct vnl_plan *plan, struct vnl_err **err);
/* Puts status, counters and each tunnel's into ARM's JSON of the connection. 0 or -ENOMEM. */
int vnl_connection_add_state(struct vnl_json *json, const struct vnl_plan *plan,
                             const struct vnl_cmd_tunnels *tunnels, const char *connection_id);

#endif
