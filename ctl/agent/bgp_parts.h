/* The parts of the BGP controller (bgp.h). A guest has one BIRD, a session is one tunnel's. What BIRD says is asked for when something has
 * happened: its log has grown (a session), or the kernel's table of what it learned is another one (a route). */
#ifndef VNETLAB_AGENT_BGP_PARTS_H
#define VNETLAB_AGENT_BGP_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bgp.h"
#include "bird.h"
#include "loop.h"
#include "vnetlab/learned.h"
#include "vnetlab/vpn.h"

enum vnl_bgp_phase {
    VNL_BGP_GUEST_DOWN,     /* to be started when it is due */
    VNL_BGP_GUEST_STARTING, /* its process runs, its socket takes nothing yet */
    VNL_BGP_GUEST_UP,       /* connected to it */
};

struct vnl_bgp_session {
    size_t tunnel; /* index in the plan */
    char ifname[16];
    bool up;          /* the configuration lets it be */
    int64_t trust_ms; /* it was found up: so long it is left so, though its tunnel is not known to be up */
    enum vnl_bgp_state state;
    int64_t since_s; /* CLOCK_REALTIME of the state */
    uint32_t received;
    char error[96];   /* of a session that is not up; "" when there was none */
    int64_t retry_ms; /* the peer sent too much: when it is tried again; 0: it did not */
    bool ready;       /* connected, and what it brought first is published */
    bool told;        /* carries is what the VPN controller knows */
    struct vnl_prefix *carries;
    size_t n_carries;
};

struct vnl_bgp_guest {
    struct vnl_bgp_control *bgp;
    char *name;
    char *why;      /* it does not run; NULL while it does */
    size_t gateway; /* index in the plan */
    enum vnl_bgp_phase phase;
    struct vnl_source control;   /* connected to its socket; -1 unless up */
    struct vnl_source files;     /* inotify of its directory; -1 unless up */
    struct vnl_source routes_at; /* netlink of its namespace; -1 unless up */
    int dir_fd, netns_fd;        /* -1 unless needed */
    pid_t pid;
    int64_t due_ms, started_ms;
    int64_t look_ms;                  /* when to ask it; 0: not to be */
    int64_t looked_ms;                /* when it was asked last; 0: never since it runs */
    int64_t changed_ms;               /* when it said something else than before */
    bool known;                       /* what it has learned is in `routes`, or it does not run */
    bool wanted;                      /* while a plan is followed */
    struct vnl_bgp_session *sessions; /* in the plan's order */
    size_t n_sessions;
    struct vnl_bird_routes routes;
};

struct vnl_bgp_control {
    int epoll_fd;
    char *lab;
    struct vnl_vpn *vpn; /* borrowed */
    struct vnl_bgp_hands hands;
    const struct vnl_plan *plan; /* borrowed; NULL: none is followed */
    struct vnl_bgp_guest **guests;
    size_t n_guests;
    uint64_t serial;
    struct vnl_learned published;
    bool dirty;          /* what was learned may be other than what is published */
    bool anew;           /* nothing was published by this controller */
    int64_t publish_ms;  /* not before */
    int64_t patience_ms; /* until then nothing is published while a BIRD was not asked yet */
    bool has_learned;
};

/* --- bgp_guest.c ------------------------------------------------------------------------------------------------------------ */

struct vnl_bgp_guest *vnl_bgp_guest_new(struct vnl_bgp_control *bgp, const char *name);
/* Leaves the process alone. */
void vnl_bgp_guest_free(struct vnl_bgp_guest **guest);
/* Ends the process, which may be of an agent that is gone. */
void vnl_bgp_guest_end(struct vnl_bgp_guest *guest);
/* Its gateway's number and sessions are those of bgp->plan. -ENOMEM. */
int vnl_bgp_guest_follow(struct vnl_bgp_guest *guest, size_t gateway);
/* Writes its configuration, and has it read when it runs and it is another one. */
int vnl_bgp_guest_configure(struct vnl_bgp_guest *guest, struct vnl_err **err);
/* What time brings about; returns when to call again, in ms; -1: when something happens. */
int vnl_bgp_guest_run(struct vnl_bgp_guest *guest, int64_t now);
void vnl_bgp_guest_lost(struct vnl_bgp_guest *guest, const char *why);
void vnl_bgp_guest_hang_up(struct vnl_bgp_guest *guest);

/* --- bgp_watch.c ------------------------------------------------------------------------------------------------------------ */

/* Its look_ms is set from then on when something happens. */
int vnl_bgp_guest_watch(struct vnl_bgp_guest *guest, struct vnl_err **err);
void vnl_bgp_guest_note(struct vnl_bgp_guest *guest, int64_t now);

/* --- bgp_look.c ------------------------------------------------------------------------------------------------------------- */

/* Asks it for its sessions and routes. */
int vnl_bgp_guest_look(struct vnl_bgp_guest *guest, int64_t now, struct vnl_err **err);
/* One that was found: sessions that are not disabled stay so for a while. */
int vnl_bgp_guest_trust(struct vnl_bgp_guest *guest, int64_t now, struct vnl_err **err);
/* It does not run. */
void vnl_bgp_guest_forget(struct vnl_bgp_guest *guest);

/* --- bgp_learned.c ---------------------------------------------------------------------------------------------------------- */

/* Tells the VPN controller and publishes, when there is something else. Returns as vnl_bgp_control_run. */
int vnl_bgp_learned_run(struct vnl_bgp_control *bgp, int64_t now);
/* What the gateways' BIRDs hold: of each gateway and prefix the best. ret: zeroed before. -ENOMEM. */
int vnl_bgp_learned_collect(const struct vnl_bgp_control *bgp, struct vnl_learned *ret);

/* --- bgp_sweep.c ------------------------------------------------------------------------------------------------------------ */

/* Ends BIRDs that no plan wants any more, of an agent that is gone. */
void vnl_bgp_sweep(struct vnl_bgp_control *bgp);

#endif
