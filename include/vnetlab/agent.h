/* The agent: one small process per lab for what must be alive beside it. It serves the platform's addresses in the lab's platform
 * namespace (DNS, instance metadata), probes load balancers' backends, and keeps packets that are to come late where the kernel cannot
 * (delay.h). Packets do not need it: without it nothing is forwarded otherwise, but names do not resolve and health stays as it is.
 *
 * It reads the plan from the store, never writes there, and holds nothing that `down` would have to wait for. It may be killed and
 * started at any time. */
#ifndef VNETLAB_AGENT_H
#define VNETLAB_AGENT_H

#include <stdbool.h>

struct vnl_err;
struct vnl_plan;

/* Sees to it that the lab's agent runs and answers whoever asks from now on by the plan that is in the store now. Where packets depend on
 * it (delays), it returns when they pass. plan: the one in the store. Called at the end of each command that changes a lab. */
int vnl_agent_ensure(const struct vnl_plan *plan, struct vnl_err **err);
/* Is it there? */
bool vnl_agent_runs(const char *lab);

/* The agent's body: `vnetlab-agent LAB`, a program of its own. Returns when it is told to end (SIGTERM) or the lab is gone. */
int vnl_agent_main(const char *lab, int ready_fd, struct vnl_err **err);

#endif
