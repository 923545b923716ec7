/* VPN connections of a running lab: what the agent knows of them, and what it can be asked to do. The agent does the work (ctl/agent/vpn*.c); these
 * functions talk to it over the lab's control socket. */
#ifndef VNETLAB_VPN_H
#define VNETLAB_VPN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/plan.h"

struct vnl_err;
struct vnl_json;

/* Two ways to carry ESP (feasibility/vpn.md): in the kernel, one charon per gateway and an XFRM interface per connection; in charon itself,
 * one per connection with a TUN, in UDP 4500. */
enum vnl_vpn_engine { VNL_VPN_XFRM, VNL_VPN_LIBIPSEC, VNL_VPN_NONE, VNL_VPN_ENGINE_MAX };

/* What this machine can do, tried out in a namespace of its own: xfrm, else libipsec, else none (strongSwan is missing). The environment
 * variable VNETLAB_VPN_ENGINE forces one (gateway.h). ret_why: why not a better one, a sentence of the caller's; may be NULL. */
enum vnl_vpn_engine vnl_vpn_probe(char **ret_why);
const char *vnl_vpn_engine_str(enum vnl_vpn_engine engine); /* "xfrm", "libipsec", "none" */

/* ARM's connectionStatus (spec 5.4). */
enum vnl_vpn_status {
    VNL_VPN_UNKNOWN,
    VNL_VPN_CONNECTING,
    VNL_VPN_CONNECTED,
    VNL_VPN_NOT_CONNECTED,
    VNL_VPN_STATUS_MAX
};
const char *vnl_vpn_status_str(enum vnl_vpn_status status); /* "NotConnected" */

/* Is the end's BGP session up? Values are ARM's `state` of a peer's status (spec 9.4). */
enum vnl_bgp_state {
    VNL_BGP_UNKNOWN, /* no BGP on it, or nothing is known yet */
    VNL_BGP_STOPPED, /* the tunnel is down, or the peer has sent more than 4000 prefixes */
    VNL_BGP_IDLE,
    VNL_BGP_CONNECTING,
    VNL_BGP_CONNECTED,
    VNL_BGP_STATE_MAX
};
const char *vnl_bgp_state_str(enum vnl_bgp_state state); /* "Connecting" */

/* One end of a tunnel, as its gateway sees it. */
struct vnl_vpn_state {
    char *connection; /* resource id; a client's: "clients/NAME" */
    char *name;
    char *gateway; /* name of the gateway, site or client */
    char *guest;   /* the same, or of a second instance "NAME.1" */
    uint32_t instance;
    char *remote; /* the other end's public address */
    enum vnl_tunnel_kind kind;
    char *inner;      /* a client's address of the pool, or NULL */
    char *thumbprint; /* of a client's certificate, or NULL */
    bool bgp;         /* BGP is to be spoken over it */
    enum vnl_bgp_state bgp_state;
    bool
        bgp_ready; /* the session is up, and what it brought first is in the packets' way; true without BGP */
    char *
        bgp_reason; /* why the session is not up, as far as BIRD says it: "Socket: Connection refused"; NULL: nothing is known */
    enum vnl_vpn_status status;
    char *reason; /* of the last failure: "authentication failed: the shared keys differ"; NULL when none */
    char *suite;  /* "AES_CBC-256/HMAC_SHA1_96/MODP_1024, ESP:AES_GCM_16-256"; NULL before it is up */
    uint64_t ingress, egress; /* bytes of inner packets, from the gateway's point of view */
    int64_t since_ms;         /* CLOCK_REALTIME of the last change of status */
    enum vnl_vpn_engine engine;
};

struct vnl_vpn_states {
    struct vnl_vpn_state *items; /* in the plan's order of tunnels */
    size_t n;
    uint64_t serial; /* another one after each change of a status or reason; never 0 */
};

/* -ENOENT: no agent runs. */
int vnl_vpn_states(const char *lab, struct vnl_vpn_states *ret, struct vnl_err **err);
/* The same, but the agent answers when its serial is not this one, or a second later. Counters may be old. */
int vnl_vpn_states_after(const char *lab, uint64_t serial, struct vnl_vpn_states *ret, struct vnl_err **err);
void vnl_vpn_states_done(struct vnl_vpn_states *states);

/* Ends the gateway's tunnels and negotiates anew (connection NULL: all of the gateway's; gateway NULL: of the connection, both ends). */
int vnl_vpn_reset(const char *lab, const char *gateway, const char *connection, struct vnl_err **err);

/* What a gateway's BGP says; arrays of ARM's objects (spec 9.4), in the order of sessions, then prefixes. gateway: resource or site; both instances'.
 * peer: address of a neighbour, NULL: all. -ENOENT: no such gateway, or it speaks no BGP. */
int vnl_bgp_peers(const char *lab, const char *gateway, struct vnl_json **ret, struct vnl_err **err);
int vnl_bgp_learned(const char *lab, const char *gateway, struct vnl_json **ret, struct vnl_err **err);
int vnl_bgp_advertised(const char *lab, const char *gateway, const char *peer, struct vnl_json **ret,
                       struct vnl_err **err);

/* Writes the gateway's IKE log to fd, in readable form: time, connection, sentence. */
int vnl_vpn_log(const char *lab, const char *gateway, int fd, bool follow, struct vnl_err **err);

#endif
