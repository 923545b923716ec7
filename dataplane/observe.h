/* What exists of a lab: read from the kernel, never remembered. */
#ifndef VNETLAB_OBSERVE_H
#define VNETLAB_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/name_list.h"

struct vnl_err;
struct vnl_nl;

/* A link of the fabric namespace whose index is one of ours. */
struct vnl_seen_link {
    uint32_t ifindex;
    char ifname[16];
    char *alias;     /* NULL: half-made, the tag comes last */
    uint32_t master; /* 0: none */
    uint32_t mtu;
    bool up;
    bool flags_right;      /* NICs: a port that is isolated and neither learns nor floods */
    uint32_t peer_ifindex; /* NICs: the guest end's, in the namespace with this id (RTM_GETNSID), -1 when
                              unknown */
    int32_t peer_nsid;
};

struct vnl_seen {
    struct vnl_seen_link *links; /* by interface index: bridges, then NICs */
    size_t n_links;
    struct vnl_names netns; /* namespaces, sorted (strcmp): VMs' and the fabric's */
};

/* fabric: a socket in the fabric namespace. ret is zeroed by the caller and freed by it also after a failure.
 */
int vnl_observe(const char *lab, struct vnl_nl *fabric, struct vnl_seen *ret, struct vnl_err **err);
void vnl_seen_done(struct vnl_seen *seen);

struct vnl_seen_link *vnl_seen_link_lookup(const struct vnl_seen *seen, uint32_t ifindex);
bool vnl_seen_netns(const struct vnl_seen *seen, const char *vm);

/* Is the other end of a NIC's link in this namespace, as the NIC of that number? */
bool vnl_seen_peer_in(const struct vnl_seen_link *link, struct vnl_nl *fabric, int netns_fd, uint32_t number);

#endif
