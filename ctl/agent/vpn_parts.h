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
#include "pki.h"
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
    VNL_VPN_SILENT,   /* it lives, but has not answered: asked for a sign, and not waited for */
};

struct vnl_vpn_line;

struct vnl_vpn_daemon {
    struct vnl_vpn *vpn;
    struct vnl_source events; /* -1 unless up */
    struct vnl_source log;    /* its log grows; -1 unless up */
    struct vnl_source answer; /* -1 unless silent */
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
    int64_t place_ms;   /* next look whether it is where it belongs */
    off_t log_at;       /* read up to here */
    bool log_grown;     /* beyond log_at */
    bool dirty;         /* an event says that the SAs are other ones now */
    bool wanted;        /* while a plan is followed */
    char *failure;      /* why it does not come up, or NULL */
    char *sums;         /* what the file says, or NULL */
};

/* Sorted, each one once. */
struct vnl_vpn_prefixes {
    struct vnl_prefix *items;
    size_t n;
};

/* vpn_sums.c */
struct vnl_vpn_child_bytes {
    uint32_t id; /* charon's number of the CHILD_SA */
    uint64_t in, out;
    bool listed; /* it was there when last looked */
};
struct vnl_vpn_sums {
    uint64_t in, out; /* of all that are not in `children` any more */
    struct vnl_vpn_child_bytes *children;
    size_t n;
    uint32_t joined; /* the largest number that is in the sum */
    int pid;         /* of the charon that numbers them; 0: none */
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
    bool routed; /* its interface has been given what is held, since it was there and a plan was followed */
    struct vnl_vpn_prefixes held, learned;

    enum vnl_vpn_status status;
    char *reason, *suite;
    int64_t since_ms;
    struct vnl_vpn_sums sums;
    bool recalled;        /* sums of a former agent have been looked for */
    int was_status;       /* of a former agent, since when; */
    int64_t was_since_ms; /* 0: not known, or used */
    bool negotiating;     /* charon is at it */
    bool restart;         /* what there is of it is ended before it is initiated */
    int64_t due_ms;       /* when to initiate; 0 = not to be */
    int retry_ms;
    char inner[VNL_ADDR_STR];                /* CLIENT: its address of the pool, or "" */
    char thumbprint[VNL_PKI_THUMBPRINT_STR]; /* CLIENT: of its certificate, or "" */
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
    uint64_t serial;        /* counts changes of tunnels' statuses and reasons */
    struct vnl_source wake; /* readable: vnl_vpn_run is to be called */
    bool moved;          /* ends have come up or gone down, or learned: routes and health may be other ones */
    struct vnl_bpf *bpf; /* NULL: no balancer depends on tunnels */
    uint64_t kept_serial; /* when sums were kept */
    int64_t silence_ms;   /* when a daemon last did not answer; 0: never */
};

/* --- vpn_probe.c --------------------------------------------------------------------------------------------------------- */

/* VNETLAB_VPN_ENGINE, as vnl_gateway_engine_forced says. */
bool vnl_vpn_engine_forced(const char *gateway, enum vnl_vpn_engine *ret);

/* --- vpn_control.c ------------------------------------------------------------------------------------------------------- */

/* Something has become due that no event tells the loop of. */
void vnl_vpn_wake(struct vnl_vpn *vpn);
enum vnl_vpn_engine vnl_vpn_engine_at(const struct vnl_vpn *vpn, const char *gateway);

/* --- vpn_peers.c --------------------------------------------------------------------------------------------------------- */

/* libipsec: each gateway's packets go to the daemon of their peer. */
void vnl_vpn_peers_follow(struct vnl_vpn *vpn);

/* --- vpn_connection.c: what is loaded ------------------------------------------------------------------------------------ */

/* The message of load-conn. */
void vnl_vpn_connection_write(struct vnl_vici_message *message, const struct vnl_plan *plan,
                              const struct vnl_plan_tunnel *tunnel, enum vnl_vpn_engine engine,
                              const char *child);
/* The same of a SERVER's or a CLIENT's. */
struct vnl_vpn_credentials;
void vnl_vpn_p2s_write(struct vnl_vici_message *message, const struct vnl_plan *plan,
                       const struct vnl_plan_tunnel *tunnel, enum vnl_vpn_engine engine, const char *child,
                       const struct vnl_vpn_credentials *credentials);
/* -ENOMEM. */
int vnl_vpn_child_name(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel,
                       enum vnl_vpn_engine engine, char ret[VNL_VPN_CHILD_STR]);
/* "" without a key: certificates take its place. */
void vnl_vpn_secret_name(const char *ifname, const char *key, char ret[VNL_VPN_SECRET_STR]);

/* --- vpn_p2s.c: point-to-site -------------------------------------------------------------------------------------------- */

/* PEM. */
struct vnl_vpn_credentials {
    struct vnl_pki_pair own;
    char **roots; /* who signs the other side's certificate */
    size_t n_roots;
    char **accepted; /* SERVER: these of them alone, the gateway's own first; none: whatever a root signs */
    size_t n_accepted;
};
/* Makes what is to be made. -EINVAL with the reason when a certificate is none. */
int vnl_vpn_credentials_gather(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel,
                               struct vnl_vpn_credentials *ret, struct vnl_err **err);
void vnl_vpn_credentials_done(struct vnl_vpn_credentials *credentials);

#define VNL_VPN_POOL_STR 40 /* "p2s12-172.16.201.0-24" */
/* charon's name for one prefix of a SERVER's share of the pool, and what of it is assigned: "172.16.201.2-172.16.201.254". */
void vnl_vpn_pool_name(const struct vnl_plan_tunnel *tunnel, const struct vnl_prefix *prefix,
                       char ret[VNL_VPN_POOL_STR]);
void vnl_vpn_pool_range(const struct vnl_prefix *prefix, char ret[2 * VNL_ADDR_STR]);

/* What its daemon needs beside an engine: ports that strangers find, a place for the address. */
void vnl_vpn_p2s_spec(const struct vnl_plan_tunnel *tunnel, struct vnl_charon_spec *spec);
/* Its daemon is up: makes it hold what is wanted. Certificates that are none are an error, with the reason. */
int vnl_vpn_p2s_load(struct vnl_vpn_tunnel *tunnel, struct vnl_err **err);
/* A CLIENT whose authentication fails: why the gateway refuses its certificate. Other lines stay as they are. */
void vnl_vpn_p2s_explain(const struct vnl_vpn_tunnel *tunnel, struct vnl_vpn_line *line);

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
    char inner[VNL_ADDR_STR]; /* what the other end has assigned, or "" */
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
/* One command; a failure of the connection makes it lost, no answer makes it silent. */
int vnl_vpn_daemon_call(struct vnl_vpn_daemon *daemon, const char *command,
                        const struct vnl_vici_message *message, const char *stream, vnl_vici_fn fn, void *arg,
                        struct vnl_err **err);

/* Closes all connections to it. */
void vnl_vpn_daemon_hang_up(struct vnl_vpn_daemon *daemon);
/* A silent one has answered, or its socket is closed. */
void vnl_vpn_daemon_return(struct vnl_vpn_daemon *daemon);

/* --- vpn_silence.c --------------------------------------------------------------------------------------------------------- */

/* How long to wait for an answer. */
int vnl_vpn_patience_ms(const struct vnl_vpn *vpn);
void vnl_vpn_daemon_fall_silent(struct vnl_vpn_daemon *daemon);

/* --- vpn_place.c ----------------------------------------------------------------------------------------------------------- */

/* Why one that lives is of no use where it is; NULL: it is in its place. */
const char *vnl_vpn_daemon_misplaced(const struct vnl_vpn_daemon *daemon);
/* False: it is in no place of use, and lost. Due again at place_ms. */
bool vnl_vpn_daemon_check_place(struct vnl_vpn_daemon *daemon);

/* --- vpn_swanctl.c --------------------------------------------------------------------------------------------------------- */

/* Loads daemon->swanctl; returns after some seconds at most. */
void vnl_vpn_daemon_load_swanctl(const struct vnl_vpn_daemon *daemon);

/* --- vpn_routes.c ---------------------------------------------------------------------------------------------------------- */

/* Does it carry packets? */
bool vnl_vpn_is_up(const struct vnl_vpn_tunnel *tunnel);
/* What goes into it as things are. ret: zeroed before. -ENOMEM. */
int vnl_vpn_tunnel_routes(const struct vnl_vpn_tunnel *tunnel, struct vnl_vpn_prefixes *ret);
/* Of one that nobody has told yet: what the plan says that its connection has brought, so that a new agent takes no route away. -ENOMEM. */
int vnl_vpn_learned_recall(struct vnl_vpn_tunnel *tunnel);
void vnl_vpn_prefixes_done(struct vnl_vpn_prefixes *list);
/* Puts all tunnels' routes in place, where they are not. */
void vnl_vpn_routes_follow(struct vnl_vpn *vpn);

/* --- vpn_sums.c ------------------------------------------------------------------------------------------------------------ */

/* What a message of list-sas or of an event about children says. */
void vnl_vpn_sums_read(struct vnl_vpn_sums *sums, const uint8_t *message, size_t size);
void vnl_vpn_sums_note(struct vnl_vpn_sums *sums, uint32_t id, uint64_t in, uint64_t out);
/* Between these two all that are there are noted. */
void vnl_vpn_sums_begin_list(struct vnl_vpn_sums *sums);
void vnl_vpn_sums_end_list(struct vnl_vpn_sums *sums);
/* Their charon has ended. */
void vnl_vpn_sums_end(struct vnl_vpn_sums *sums);
uint64_t vnl_vpn_sums_total(const struct vnl_vpn_sums *sums, bool in);
void vnl_vpn_sums_done(struct vnl_vpn_sums *sums);
/* Writes the daemon's file, if it is to be another one. */
void vnl_vpn_sums_keep(struct vnl_vpn_daemon *daemon);
/* What a former agent has kept: for tunnels that have not asked before. */
void vnl_vpn_sums_recall(struct vnl_vpn_daemon *daemon);
/* The daemon is up: is it the one whose children were counted? */
void vnl_vpn_sums_become_ready(struct vnl_vpn_daemon *daemon);
/* A status that is as the former agent left it has been so since then. */
void vnl_vpn_sums_restore_since(struct vnl_vpn_daemon *daemon);

/* --- vpn_health.c ---------------------------------------------------------------------------------------------------------- */

/* Bit i: instance i has an end that is up, of the balancer's connection; all, when none has. */
uint64_t vnl_vpn_alive(const struct vnl_vpn *vpn, size_t balancer);
/* The plan and its tables may be other ones. */
void vnl_vpn_health_follow(struct vnl_vpn *vpn);
void vnl_vpn_health_tell(struct vnl_vpn *vpn);

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
/* Its daemon is up: makes it hold what is wanted. Its interface's routes are put in place again. */
void vnl_vpn_tunnel_load(struct vnl_vpn_tunnel *tunnel);
void vnl_vpn_tunnel_unload(struct vnl_vpn_tunnel *tunnel);
/* Its daemon is gone, with all SAs. */
void vnl_vpn_tunnel_down(struct vnl_vpn_tunnel *tunnel);
/* sa NULL: there is none. */
void vnl_vpn_tunnel_note_sa(struct vnl_vpn_tunnel *tunnel, const struct vnl_vpn_sa *sa);
void vnl_vpn_tunnel_note_line(struct vnl_vpn_tunnel *tunnel, const struct vnl_vpn_line *line);
/* Negotiate anew, from whichever end does that, at once. */
void vnl_vpn_tunnel_renew(struct vnl_vpn_tunnel *tunnel);
int vnl_vpn_tunnel_run(struct vnl_vpn_tunnel *tunnel, int64_t now);
/* The state that follows from the plan alone: nobody at the other end, and so on. */
void vnl_vpn_tunnel_settle(struct vnl_vpn_tunnel *tunnel);

#endif
