/* The lab's mount: see the theory in mount.c. Paths are below vnl_run_dir()/LAB. */
#ifndef VNETLAB_MOUNT_H
#define VNETLAB_MOUNT_H

#include <stdbool.h>

struct vnl_err;
struct vnl_names;

/* Makes the lab's tmpfs with its directories and its bpffs when they are not there. *ret_made: it was made.
 */
int vnl_mount_make(const char *lab, bool *ret_made, struct vnl_err **err);
bool vnl_mount_exists(const char *lab);
/* Takes the mount with everything on it away; the directory too. 0 when there was none. */
int vnl_mount_remove(const char *lab, struct vnl_err **err);

/* Gives a namespace its name: ns/NETNS and the symlink for `ip netns`. This is what keeps it alive. */
int vnl_mount_netns(const char *lab, const char *netns, int netns_fd, struct vnl_err **err);
/* Takes the name away; without a process in it the namespace dies. 0 when there was none. */
int vnl_mount_netns_remove(const char *lab, const char *netns, struct vnl_err **err);
/* The namespaces that have a name, sorted (strcmp), the fabric's among them. Mount points that a crash left without one are removed. */
int vnl_mount_netns_list(const char *lab, struct vnl_names *ret, struct vnl_err **err);

/* --- names.c: /run/netns/LAB.NETNS ---------------------------------------------------------------- */

int vnl_netns_name_add(const char *lab, const char *netns, struct vnl_err **err);
/* Makes the names be those of these namespaces (sorted) and no others. */
int vnl_netns_name_sync(const char *lab, const struct vnl_names *netns, struct vnl_err **err);
void vnl_netns_name_remove(const char *lab, const char *netns);
/* All of a lab; and the directory when it was ours, nobody uses it and no lab is left. */
int vnl_netns_name_remove_all(const char *lab, struct vnl_err **err);
/* Adds the labs that have names to the list. */
int vnl_netns_name_labs(struct vnl_names *ret, struct vnl_err **err);

#endif
