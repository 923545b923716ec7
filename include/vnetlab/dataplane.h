/* Makes the kernel equal to the plan: observes what exists, computes the difference, applies it. Running it twice changes
 * nothing; running it after a crash at any point repairs. It owns an object only if that carries our tag.
 *
 * Everything of a lab hangs on one mount, so that one umount takes it all away:
 *   /run/vnetlab/LAB            tmpfs, mode 0700
 *   /run/vnetlab/LAB/ns/_fabric the fabric namespace (nsfs bind mount)
 *   /run/vnetlab/LAB/ns/VM      a VM's namespace
 *   /run/vnetlab/LAB/tables/N/  private bpffs: pins of a program and its maps
 *   /run/vnetlab/LAB/bpf        symlink to the tables/N in force
 *   /run/vnetlab/LAB/hosts/SLOT /etc/hosts of a VNet's VMs
 *   /run/vnetlab/LAB/resolv/SLOT /etc/resolv.conf of them
 *   /run/vnetlab/LAB/guests     lines "VM SLOT": which VM has which of those
 *   /run/vnetlab/LAB/vm/VM/     of VMs with processes: hostname, init.pid, run, log
 *   /run/netns/LAB.VM, LAB._fabric   symlinks, so that `ip netns` sees them */
#ifndef VNETLAB_DATAPLANE_H
#define VNETLAB_DATAPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/layout.h"
#include "vnetlab/paths.h"

struct vnl_err;
struct vnl_names;
struct vnl_plan;

#define VNL_FABRIC   "_fabric"   /* no VM can be called this: names start with a letter or digit */
#define VNL_PLATFORM "_platform" /* the platform's namespace: eth0 has 168.63.129.16 and 169.254.169.254 */

/* An open fd of a namespace of the lab; netns: a VM's name or VNL_FABRIC. -ENOENT when it does not exist. */
int vnl_netns_open(const char *lab, const char *netns, int *ret_fd, struct vnl_err **err);
/* Moves the calling thread; *ret_saved (>= 0) is where it came from, for vnl_netns_leave. */
int vnl_netns_enter(int netns_fd, int *ret_saved, struct vnl_err **err);
void vnl_netns_leave(int *saved);

struct vnl_dp_options {
    void (*progress)(const char *what, size_t done, size_t total,
                     void *arg); /* may be NULL; called from one thread */
    void *arg;
    int threads; /* 0: chosen from the number of CPUs and VMs */
};

struct vnl_dp_stats {
    size_t created, changed, deleted; /* kernel objects: namespaces, ports, bridges */
    bool published;                   /* the tables changed */
};

/* 0 with all-zero stats = nothing to change. On failure what was made by this call is unwound where that is safe; a second call
 * repairs the rest. */
int vnl_dp_apply(const struct vnl_plan *plan, const struct vnl_dp_options *options, struct vnl_dp_stats *ret,
                 struct vnl_err **err);

/* Only the tables: for the agent, when BGP has learned or lost routes. The plan differs from the one in force in nothing but routes and what
 * follows from them. Under the lab's lock. *ret_published: they were other ones. */
int vnl_dp_publish(const struct vnl_plan *plan, bool *ret_published, struct vnl_err **err);

/* Ends every process in the lab's namespaces, detaches the lab's mount, removes its names. 0 when there was nothing. The kernel
 * frees namespaces in the background; wait: until it has. */
int vnl_dp_down(const char *lab, bool wait, struct vnl_err **err);

/* Is the lab's mount there? Labs that have one, or anything else of ours (symlinks below /run/netns), sorted. */
bool vnl_dp_exists(const char *lab);
int vnl_dp_list(struct vnl_names *ret, struct vnl_err **err);

/* --- gateways ------------------------------------------------------------------------------------------------------------ */

struct vnl_addr;
struct vnl_prefix;

/* In a gateway's namespace: exactly these prefixes go into the interface of that name (or altname), whatever went there before; what it
 * cannot carry is dropped there, never sent in clear (a client's guest is a host: what no prefix has goes to the internet). What the guest
 * itself sends there has the interface's own address, when it has one, else the inside one; call it again when that has changed. 0 when it
 * is so already. -ENOENT: no such gateway; -ENODEV: no such interface (yet). */
int vnl_gateway_routes_set(const char *lab, const char *gateway, const char *ifname,
                           const struct vnl_prefix *prefixes, size_t n, struct vnl_err **err);
/* IKE and ESP in UDP of each peer go to a charon of its own: to and from the peer's address, ports 500 and 4500 are ports[i] and
 * ports[i] + 1 in the gateway (ports are even; 0: 500 and 4500 there too). Exactly these peers (IPv4, at most VNL_GATEWAY_PEERS_MAX:
 * gateway.h); whether others come in, and keep 500 and 4500, the door says (layout.h). */
int vnl_gateway_peers_set(const char *lab, const char *gateway, enum vnl_gateway_door door,
                          const struct vnl_addr *peers, const uint16_t *ports, size_t n,
                          struct vnl_err **err);

/* --- guests ------------------------------------------------------------------------------------------------------------
 * A VM whose processes matter has an init (a small vnetlab process) that owns its PID, mount, UTS and IPC namespaces. It is started
 * at first need and ends with the lab; VMs without processes cost no process. */

struct vnl_guest_exec {
    char *const *argv; /* NULL: an interactive login shell */
    bool tty;          /* give it a terminal of its own (stdin and stdout are one) */
};

/* Runs a command in the VM and waits. *ret_status: exit status as a shell counts it (128 + signal); 127 and 126 when the command
 * cannot be found or run, said on its standard error. Signals that reach us are passed on. -ENOENT: no such lab or VM. */
int vnl_guest_run(const char *lab, const char *vm, const struct vnl_guest_exec *what, int *ret_status,
                  struct vnl_err **err);

/* Writes what the guests of the lab read: hosts and resolver files per VNet, and the list of VMs. Changed ones show in running VMs at once.
 * Costs a few system calls per VNet when nothing changed. Called by vnl_dp_apply each time, before any vnl_guest_sync. */
int vnl_guest_files(const char *lab, const struct vnl_plan *plan, struct vnl_err **err);
/* Makes the VM's `run` commands be the running ones: starts them when none runs, restarts when they differ, stops when there are
 * none any more. Does not wait for the commands. *ret_started: they did not run, the VM's init was started for them. Called by vnl_dp_apply for every VM of the plan: almost free for one that has no
 * commands and no init. May be called from several threads for different VMs. */
int vnl_guest_sync(const char *lab, const struct vnl_plan *plan, size_t vm, bool *ret_started,
                   struct vnl_err **err);
/* Ends the VM's init and with it every process of the VM; waits until they are gone. Removes its files. For a VM that is deleted:
 * called after its name (ns/VM) is gone. 0 when there was none. */
int vnl_guest_stop(const char *lab, const char *vm, struct vnl_err **err);
/* The same for all VMs at once, for vnl_dp_down. No guest can start while *ret_guard is open: close it when the lab's mount is
 * detached. -ENOENT: the lab has no directory. */
int vnl_guest_stop_all(const char *lab, int *ret_guard, struct vnl_err **err);

/* Writes the VM's log to fd; follow: until interrupted or the lab ends. */
int vnl_guest_logs(const char *lab, const char *vm, int fd, bool follow, struct vnl_err **err);

#endif
