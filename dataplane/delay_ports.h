/* Ports of the fabric through which packets between regions pass, to come back later: one per entry of plan->delays. The port program redirects to
 * VNL_DELAY_IFINDEX + class; what comes back is seen at VNL_DELAYED_IFINDEX + class, or at the same port, by a small program that gives it
 * to the NIC whose MAC it carries.
 *
 * Two kinds behind one interface. Where the kernel has netem: a veth pair in the fabric, netem on its one end; nothing else is needed.
 * Where not: a TAP, whose other side is the agent's delay line (ctl/agent/delay_line.h); without an agent such packets are lost, none comes
 * too early. */
#ifndef VNETLAB_DELAY_PORTS_H
#define VNETLAB_DELAY_PORTS_H

#include <stdbool.h>
#include <stdint.h>

struct vnl_dp_stats;
struct vnl_err;
struct vnl_nl;
struct vnl_plan;
struct vnl_seen;

struct vnl_delay_env {
    const struct vnl_plan *plan;
    const struct vnl_seen *seen; /* of the fabric */
    struct vnl_nl *fabric;
    int fabric_fd;
    int prog_fd; /* of the program at the end where packets come back */
    uint32_t prog_id;
};

bool vnl_delay_is_port(uint32_t ifindex);

/* Makes the ports that the plan has and is to have, changes those whose delay differs, removes the others. Counts what it did. */
int vnl_delay_apply(const struct vnl_delay_env *env, struct vnl_dp_stats *stats, struct vnl_err **err);

#endif
