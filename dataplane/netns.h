/* Network namespaces as the rest of the dataplane needs them; the public part is in dataplane.h. */
#ifndef VNETLAB_NETNS_H
#define VNETLAB_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct vnl_err;

/* Moves the calling thread into a namespace of its own making. It lives as long as ret_fd, a socket or a
 * mount refers to it: whoever dies before the mount takes it along. */
int vnl_netns_new(int *ret_fd, struct vnl_err **err);

/* Writes one sysctl of the namespace the calling thread is in ("net/ipv4/ip_forward"). A kernel without it is
 * no failure. */
int vnl_netns_sysctl(const char *name, const char *value, struct vnl_err **err);

/* Which namespaces: what stat(2) says of a namespace file, wherever it is. */
struct vnl_netns_ids {
    struct vnl_netns_id {
        dev_t dev;
        ino_t ino;
    } * items;
    size_t n;
};
int vnl_netns_ids_add(struct vnl_netns_ids *ids, int netns_fd); /* 0 or -ENOMEM */
bool vnl_netns_ids_has(const struct vnl_netns_ids *ids, dev_t dev, ino_t ino);
void vnl_netns_ids_done(struct vnl_netns_ids *ids);

/* Ends every process in these namespaces, other than the calling one, and waits until they are gone.
 * Processes that are started meanwhile are ended too. -EBUSY names one that would not go. */
int vnl_netns_kill(const struct vnl_netns_ids *ids, struct vnl_err **err);
/* The same for every process whose working directory is on that file system and whose namespace is none of `spared`. */
int vnl_netns_kill_strays(dev_t dev, const struct vnl_netns_ids *spared, struct vnl_err **err);

/* Returns when the kernel has freed every namespace that died before this call; -ETIMEDOUT. */
int vnl_netns_settle(struct vnl_err **err);

#endif
