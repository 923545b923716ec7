/* Requests about links: bridges and host ends in the fabric namespace, guest ends in the VMs' namespaces. All
 * only queue. */
#ifndef VNETLAB_LINK_H
#define VNETLAB_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/layout.h"

struct vnl_err;
struct vnl_mac;
struct vnl_nl;
struct vnl_plan_bridge;
struct vnl_plan_nic;

#define VNL_GUEST_LO_IFINDEX 1u

#define VNL_LINK_MTU 1500u /* of bridges and ports */

/* A guest end: its number among the VM's NICs, from 0. */
void vnl_guest_ifname(char buf[16], uint32_t number);

/* What every end of a veth has, in the request that makes it: one queue, and the size of segments that travel in one piece. */
struct nlmsghdr;
void vnl_link_put_size(struct nlmsghdr *msg);

/* Both ends at once: the host end down and without tag in the namespace of nl, the guest end down in
 * netns_fd. */
void vnl_link_put_veth(struct vnl_nl *nl, const struct vnl_plan_nic *nic, int netns_fd, uint32_t number,
                       const char *vm);
/* The host end, whose filter is there, becomes a port of its bridge: isolated, learning and flooding nothing,
 * up, and at last tagged. */
void vnl_link_put_port(struct vnl_nl *nl, const struct vnl_plan_nic *nic, const char *vm);
/* Takes the tag of the host end back: what the guest end has is no longer what it says. Done before the guest end is changed. */
void vnl_link_put_changing(struct vnl_nl *nl, const struct vnl_plan_nic *nic, const char *lab,
                           const char *vm);
/* The guest end, in its namespace: no IPv6 address of its own making, up. mac: also a new MAC, NULL to leave
 * it. */
void vnl_link_put_guest(struct vnl_nl *nl, uint32_t number, const struct vnl_mac *mac, const char *vm);
/* Asks: is there a guest end of that number, by index, name and kind? */
bool vnl_link_guest_exists(struct vnl_nl *nl, uint32_t number);
void vnl_link_put_loopback(struct vnl_nl *nl, const char *vm);

void vnl_link_put_bridge(struct vnl_nl *nl, const struct vnl_plan_bridge *bridge);
/* Up, and the tag; the last step of making a bridge, and the whole of changing one. */
void vnl_link_put_bridge_tag(struct vnl_nl *nl, const struct vnl_plan_bridge *bridge);

/* Renames a bridge or port, which is down afterwards. */
void vnl_link_put_name(struct vnl_nl *nl, uint32_t ifindex, const char *ifname);

/* Deletes links and returns when they are gone; those that are gone already are no failure. Also flushes what
 * is queued. */
int vnl_link_delete(struct vnl_nl *nl, const uint32_t *ifindexes, size_t n, struct vnl_err **err);

#endif
