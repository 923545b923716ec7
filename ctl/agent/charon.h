/* One charon process: strongSwan's IKE daemon in a gateway's network namespace. It is nobody's child and outlives the agent; a new agent
 * finds it by its socket. Its directory, RUN_DIR/LAB/vpn/GATEWAY or (libipsec) RUN_DIR/LAB/vpn/GATEWAY/TUNNEL, is its working directory,
 * so that no path in its configuration can be too long for a socket:
 *   strongswan.conf   no key is in it
 *   vici              its control socket
 *   charon.log        what it says
 *   sums              what its tunnels have carried (vpn_sums.c) */
#ifndef VNETLAB_AGENT_CHARON_H
#define VNETLAB_AGENT_CHARON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vnetlab/vpn.h"

struct vnl_err;

/* What has no answer is sent again after 1 s, 1.6 s later, and so on. */
#define VNL_CHARON_RETRANSMIT_S    1.0
#define VNL_CHARON_RETRANSMIT_BASE 1.6
#define VNL_CHARON_TRIES           5

struct vnl_charon_spec {
    enum vnl_vpn_engine engine; /* VNL_VPN_XFRM or VNL_VPN_LIBIPSEC */
    uint16_t port;              /* IKE; NAT traversal is 4500 with 500, else the next one */
    unsigned tries;             /* how often it repeats what has no answer; 0: VNL_CHARON_TRIES */
    bool outside_only;          /* what comes to addresses of eth0 is no IKE for it */
    bool own_routes;            /* it installs what its connections ask for: a configuration of the user's */
    char virtual_ip_on
        [16]; /* the interface that gets the address which the other end assigns; "": none does */
};

/* strongswan.conf; the text is the caller's. NULL without memory. */
char *vnl_charon_config(const struct vnl_charon_spec *spec);

/* Makes the directory with all above it (0700). Returns a descriptor of it, or -errno. */
int vnl_charon_dir_open(const char *lab, const char *gateway, const char *tunnel, struct vnl_err **err);
/* Writes strongswan.conf (0600). *ret_changed: it was not there or had another text. */
int vnl_charon_config_write(int dir_fd, const struct vnl_charon_spec *spec, bool *ret_changed,
                            struct vnl_err **err);
/* Starts it in the namespace; returns its PID at once, or -errno. It is ready when its socket takes a connection. */
pid_t vnl_charon_start(int dir_fd, int netns_fd, struct vnl_err **err);
#define VNL_CHARON_PROGRAM "/usr/sbin/charon-systemd"

/* Asks it to end: it tells its peers. */
void vnl_charon_end(pid_t pid);
/* Waits until it has ended, by force after some time; removes its directory's files. pid 0: only those. */
void vnl_charon_reap(int dir_fd, pid_t pid);

/* Once it is ready: large buffers for its UDP sockets, else bursts of ESP are lost in front of it. */
void vnl_charon_buffers(pid_t pid);
/* libipsec: the name of its TUN. -ENOENT: none (yet). */
int vnl_charon_tun(pid_t pid, char ret[16]);
#endif
