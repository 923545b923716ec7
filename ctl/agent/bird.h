/* One BIRD process: the BGP daemon of a guest, in its network namespace. It is nobody's child and outlives the agent; a new agent finds it by
 * its socket. Its directory, RUN_DIR/LAB/bgp/GUEST, is its working directory:
 *   bird.conf   written by the agent; says also which sessions are to be up
 *   bird.ctl    its control socket
 *   log         what it says; log.old, what it said before that
 * It chooses among the routes of its sessions and puts what it has learned into table VNL_BIRD_TABLE, which no rule consults: so that the
 * kernel tells who listens that there is something else to be asked for. */
#ifndef VNETLAB_AGENT_BIRD_H
#define VNETLAB_AGENT_BIRD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vnetlab/addr.h"

struct vnl_err;
struct vnl_plan;

#define VNL_BIRD_PROGRAM    "/usr/sbin/bird"
#define VNL_BIRD_TABLE      201u
#define VNL_BIRD_SESSION    "to_" /* then the interface's name: vpn4 and vpn6 alone are words of its language */
#define VNL_BIRD_ROUTES_MAX 4000u /* of a peer; with more the session ends (spec 9.3) */

/* --- bird_config.c -------------------------------------------------------------------------------------------------------- */

/* bird.conf of plan->gateways[gateway]; the text is the caller's. NULL without memory. up: of plan->tunnels; the sessions of the others are
 * disabled. */
char *vnl_bird_config(const struct vnl_plan *plan, size_t gateway, const bool *up);

/* --- bird.c ---------------------------------------------------------------------------------------------------------------- */

/* Makes the directory with all above it (0700). Returns a descriptor of it, or -errno. */
int vnl_bird_dir_open(const char *lab, const char *guest, struct vnl_err **err);
/* Writes bird.conf (0600). *ret_changed: it was not there or had another text. */
int vnl_bird_config_write(int dir_fd, const char *text, bool *ret_changed, struct vnl_err **err);
/* Starts it in the namespace; returns its PID at once, or -errno. It is ready when its socket takes a connection. */
pid_t vnl_bird_start(int dir_fd, int netns_fd, struct vnl_err **err);
/* It is not to say anything any more; returns when it is gone. */
void vnl_bird_kill(pid_t pid);
/* Asks it to end (it tells its peers), waits until it has, by force after some time; removes its directory's files. pid 0: only those. */
void vnl_bird_end(int dir_fd, pid_t pid);

/* --- bird_socket.c ---------------------------------------------------------------------------------------------------------- */

/* A connection to its control socket, greeted; its PID in *ret_pid unless NULL. -errno. */
int vnl_bird_connect(int dir_fd, pid_t *ret_pid);
/* One command. *ret_text: its lines without their codes, the caller's; may be NULL. -EBADMSG: it refuses the command, and says why;
 * others: it does not answer within two seconds. */
int vnl_bird_ask(int fd, const char *command, char **ret_text, struct vnl_err **err);

/* --- bird_parse.c ----------------------------------------------------------------------------------------------------------- */

struct vnl_bird_session {
    char name[16];  /* of its tunnel's interface */
    bool down;      /* disabled by the configuration, or ended for good */
    char state[16]; /* BIRD's: "Established", "Active"; "Down" */
    int64_t since_s;
    uint32_t received; /* prefixes of the peer that were taken */
    char error[96];    /* the last one, "" when none */
};

struct vnl_bird_route {
    struct vnl_prefix prefix;
    char session[16]; /* as its name; or "own" */
    bool best;        /* of its prefix */
    bool learned;     /* by BGP */
    char *as_path;    /* "65010 65020"; "" */
    struct vnl_addr next_hop;
};

struct vnl_bird_routes {
    struct vnl_bird_route *items;
    size_t n;
};

/* Of `show protocols all`: BGP sessions only. ret: the caller's. -ENOMEM. */
int vnl_bird_sessions_parse(const char *text, struct vnl_bird_session **ret, size_t *ret_n);
/* Of `show route all` and `show route export to_NAME all`: IPv4, without host routes to peers; by prefix, the best first. ret: zeroed before. -ENOMEM. */
int vnl_bird_routes_parse(const char *text, struct vnl_bird_routes *ret);
void vnl_bird_routes_done(struct vnl_bird_routes *routes);
/* Lines of its log that say that the session sent or got a message; added to both. */
void vnl_bird_messages_count(const char *log, const char *session, uint64_t *sent, uint64_t *received);

#endif
