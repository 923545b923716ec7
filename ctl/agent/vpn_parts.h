/* The parts of the VPN controller (vpn_control.h). A daemon is one charon; a tunnel is one end of a connection, loaded into a daemon: one per gateway
 * with the xfrm engine, one of its own with libipsec.
 *
 * What a daemon holds is asked of itself, so that a new agent needs no memory of the old one: the name of a tunnel's child is a digest of
 * its settings, the id of its key is the tunnel's name and a check value of 16 bits, which does not give the key away. */
#ifndef VNETLAB_AGENT_VPN_PARTS_H
#define VNETLAB_AGENT_VPN_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "charon.h"
#include "loop.h"
#include "vici.h"
#include "vnetlab/plan.h"
#include "vnetlab/vpn.h"
#include "vpn_control.h"

#define VNL_VPN_CHILD_STR  18 /* "c" and 16 digits */
#define VNL_VPN_SECRET_STR 24 /* "vpn3-beef" */

enum vnl_vpn_phase {
    VNL_VPN_DOWN,     /* to be started when it is due */
    VNL_VPN_STARTING, /* its process runs, its socket takes nothing yet */
    VNL_VPN_UP,       /* connected to it */
};

struct vnl_vpn_daemon {
    struct vnl_vpn *vpn;
    struct vnl_source events; /* -1 unless up */
    struct vnl_source log;    /* its log grows; -1 unless up */
    struct vnl_vici_inbox inbox;
    char *gateway;
    char tunnel[16];     /* "" when it is the gateway's only one */
    const char *swanctl; /* borrowed from the plan: the user's own configuration, or NULL */
    struct vnl_charon_spec spec;
    enum vnl_vpn_phase phase;
    int dir_fd, netns_fd, commands_fd; /* -1 unless needed */
    pid_t pid;
    int64_t due_ms;     /* next look */
    int64_t started_ms; /* by us, or found */
    off_t log_at;       /* read up to here */
    bool log_grown;     /* beyond log_at */
    bool dirty;         /* an event says that the SAs are other ones now */
    bool wanted;        /* while a plan is followed */
    char *failure;      /* why it does not come up, or NULL */
};

struct vnl_vpn_tunnel {
    struct vnl_vpn *vpn;
    const struct vnl_plan_tunnel *plan; /* borrowed until the next plan */
    struct vnl_vpn_daemon *daemon;      /* NULL: no engine */
    struct vnl_vpn_tunnel *other;       /* NULL: nobody's, or its owner's own configuration */
    char ifname[16];                    /* what it is known by */
    char gateway[128];
    char *key;
    char child[VNL_VPN_CHILD_STR], secret[VNL_VPN_SECRET_STR];           /* wanted */
    char held_child[VNL_VPN_CHILD_STR], held_secret[VNL_VPN_SECRET_STR]; /* by the daemon; "" = none */
    bool loaded;                                                         /* what is wanted is held */
    bool routed;                                                         /* its routes are in place */

    enum vnl_vpn_status status;
    char *reason, *suite;
    int64_t since_ms;
    uint64_t in, out;           /* of SAs that are there no more */
    uint64_t last_in, last_out; /* of the SAs that are there */
    bool negotiating;           /* charon is at it */
    bool restart;               /* what there is of it is ended before it is initiated */
    int64_t due_ms;             /* when to initiate; 0 = not to be */
    int retry_ms;
};

struct vnl_vpn {
    int epoll_fd;
    char *lab;
    struct vnl_vpn_hands hands;
    bool probed;
    enum vnl_vpn_engine engine;
    char *why; /* not a better engine */
    const struct vnl_plan *plan;
    struct vnl_vpn_daemon **daemons;
    size_t n_daemons;
    struct vnl_vpn_tunnel **tunnels; /* in the plan's order */
    size_t n_tunnels;
    uint64_t serial; /* counts changes of tunnels' statuses and reasons */
};

/* --- vpn_probe.c --------------------------------------------------------------------------------------------------------- */

/* VNETLAB_VPN_ENGINE, as vnl_gateway_engine_forced says. */
bool vnl_vpn_engine_forced(const char *gateway, enum vnl_vpn_engine *ret);

/* --- vpn_control.c ------------------------------------------------------------------------------------------------------- */

enum vnl_vpn_engine vnl_vpn_engine_at(const struct vnl_vpn *vpn, const char *gateway);

/* --- vpn_peers.c --------------------------------------------------------------------------------------------------------- */

/* libipsec: each gateway's packets go to the daemon of their peer. */
void vnl_vpn_peers_follow(struct vnl_vpn *vpn);

/* --- vpn_connection.c: what is loaded ------------------------------------------------------------------------------------ */

/* The message of load-conn. */
void vnl_vpn_connection_write(struct vnl_vici_message *message, const struct vnl_plan *plan,
                              const struct vnl_plan_tunnel *tunnel, enum vnl_vpn_engine engine,
                              const char *child);
/* -ENOMEM. */
int vnl_vpn_child_name(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel,
                       enum vnl_vpn_engine engine, char ret[VNL_VPN_CHILD_STR]);
void vnl_vpn_secret_name(const char *ifname, const char *key, char ret[VNL_VPN_SECRET_STR]);

/* --- vpn_dpd.c: when a peer counts as dead ----------------------------------------------------------------------------------- */

/* How long a charon asks that repeats so often, until it gives up. */
double vnl_vpn_dpd_span(unsigned tries);
/* For connections with this timeout and longer ones; 0: none of them asks. */
unsigned vnl_vpn_dpd_tries(uint32_t least_s);
/* After how much silence to ask; 0: never. */
uint32_t vnl_vpn_dpd_delay(uint32_t timeout_s, unsigned tries);
/* The least timeout of the connections in the charon of this one. */
uint32_t vnl_vpn_dpd_least(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel,
                           enum vnl_vpn_engine engine);

/* --- vpn_sa.c: what charon says of SAs ------------------------------------------------------------------------------------ */

struct vnl_vpn_sa {
    char name[32]; /* of the connection */
    bool up;       /* an event's */
    bool connecting, established, installed;
    uint64_t in, out; /* of all children */
    char suite[192];
};
/* A message of list-sas or of an event. 0 or -EBADMSG. */
int vnl_vpn_sa_parse(const uint8_t *message, size_t size, struct vnl_vpn_sa *ret);

/* --- vpn_words.c: charon's log in words ------------------------------------------------------------------------------------ */

struct vnl_vpn_line {
    char time[32];
    char connection[32]; /* "vpn3", or "" */
    char text[320];      /* a sentence */
    bool noise;          /* of no use to a reader */
    bool failure;        /* why it does not connect */
    bool silence;        /* the other side does not answer */
    bool success;
};
/* line: without its end. False: it is no line of charon's log. */
bool vnl_vpn_line_parse(const char *line, struct vnl_vpn_line *ret);

/* --- vpn_daemon.c ---------------------------------------------------------------------------------------------------------- */

struct vnl_vpn_daemon *vnl_vpn_daemon_new(struct vnl_vpn *vpn, const char *gateway, const char *tunnel);
/* Leaves the process alone. */
void vnl_vpn_daemon_free(struct vnl_vpn_daemon **daemon);
/* What time brings about: start, adopt, look. Returns when to call again, in ms; -1: when something happens. */
int vnl_vpn_daemon_run(struct vnl_vpn_daemon *daemon, int64_t now);
/* It answers no more, or must not go on. */
void vnl_vpn_daemon_lost(struct vnl_vpn_daemon *daemon, const char *why);
/* Lists its SAs and tells its tunnels. */
void vnl_vpn_daemon_refresh(struct vnl_vpn_daemon *daemon);
/* NULL when it has none of that name; ifname NULL: any. */
struct vnl_vpn_tunnel *vnl_vpn_daemon_tunnel(const struct vnl_vpn_daemon *daemon, const char *ifname);
/* One command; a failure of the connection makes it lost. */
int vnl_vpn_daemon_call(struct vnl_vpn_daemon *daemon, const char *command,
                        const struct vnl_vici_message *message, const char *stream, vnl_vici_fn fn, void *arg,
                        struct vnl_err **err);

/* --- vpn_log.c ------------------------------------------------------------------------------------------------------------- */

/* Tells its tunnels what its log says that was not read yet. */
void vnl_vpn_daemon_read_log(struct vnl_vpn_daemon *daemon);
/* What there is now was said to somebody else. */
void vnl_vpn_daemon_skip_log(struct vnl_vpn_daemon *daemon);
/* log_grown is set from then on. */
void vnl_vpn_daemon_watch_log(struct vnl_vpn_daemon *daemon);

/* --- vpn_sweep.c ----------------------------------------------------------------------------------------------------------- */

void vnl_vpn_sweep(struct vnl_vpn *vpn);

/* --- vpn_tunnel.c ---------------------------------------------------------------------------------------------------------- */

void vnl_vpn_tunnel_free(struct vnl_vpn_tunnel **tunnel);
/* Its daemon is up: makes it hold what is wanted, and its interface's routes. */
void vnl_vpn_tunnel_load(struct vnl_vpn_tunnel *tunnel);
void vnl_vpn_tunnel_unload(struct vnl_vpn_tunnel *tunnel);
void vnl_vpn_tunnel_route(struct vnl_vpn_tunnel *tunnel);
/* Its daemon is gone, with all SAs. */
void vnl_vpn_tunnel_down(struct vnl_vpn_tunnel *tunnel);
/* sa NULL: there is none. */
void vnl_vpn_tunnel_note_sa(struct vnl_vpn_tunnel *tunnel, const struct vnl_vpn_sa *sa);
void vnl_vpn_tunnel_note_end(struct vnl_vpn_tunnel *tunnel, const struct vnl_vpn_sa *sa);
void vnl_vpn_tunnel_note_line(struct vnl_vpn_tunnel *tunnel, const struct vnl_vpn_line *line);
/* Negotiate anew, from whichever end does that, at once. */
void vnl_vpn_tunnel_renew(struct vnl_vpn_tunnel *tunnel);
int vnl_vpn_tunnel_run(struct vnl_vpn_tunnel *tunnel, int64_t now);
/* The state that follows from the plan alone: nobody at the other end, and so on. */
void vnl_vpn_tunnel_settle(struct vnl_vpn_tunnel *tunnel);

#endif
