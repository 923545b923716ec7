/* The port program's hook: clsact with one direct-action filter on a host end's ingress, which is what its
 * guest sends.
 *
 * Not tcx: attaching by tcx waits for an RCU grace period per port (12 ms), this takes 0.09. */
#ifndef VNETLAB_FILTER_H
#define VNETLAB_FILTER_H

#include <stdint.h>

struct vnl_nl;
struct vnl_plan_nic;

/* Queues. A filter that is there is replaced in one step: every packet meets the old program or the new one.
 */
void vnl_filter_put(struct vnl_nl *nl, const struct vnl_plan_nic *nic, const char *vm, int prog_fd);

/* The same for a port that is no NIC's. vm: for messages, may be NULL. */
void vnl_filter_put_at(struct vnl_nl *nl, uint32_t ifindex, const char *ifname, const char *vm, int prog_fd);

/* Id of the program on a port, 0 when there is none or it is not as vnl_filter_put made it. */
uint32_t vnl_filter_prog_id(struct vnl_nl *nl, uint32_t ifindex);

/* The same for either direction of an interface in the namespace of nl. */
enum vnl_filter_side { VNL_FILTER_INGRESS, VNL_FILTER_EGRESS };
void vnl_filter_put_side(struct vnl_nl *nl, uint32_t ifindex, enum vnl_filter_side side, const char *ifname,
                         const char *vm, int prog_fd);
void vnl_filter_remove_side(struct vnl_nl *nl, uint32_t ifindex, enum vnl_filter_side side,
                            const char *ifname, const char *vm);
uint32_t vnl_filter_side_prog_id(struct vnl_nl *nl, uint32_t ifindex, enum vnl_filter_side side);

#endif
