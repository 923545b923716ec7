/* What the agent's parts know of the lab: the plan, and who asks. */
#ifndef VNETLAB_AGENT_VIEW_H
#define VNETLAB_AGENT_VIEW_H

#include <netinet/in.h>
#include <stdint.h>

struct vnl_plan;
struct vnl_plan_nic;

/* Who has this address behind the platform's port (layout.h, VNL_PLATFORM_GUESTS); NULL when nobody has. */
const struct vnl_plan_nic *vnl_view_guest(const struct vnl_plan *plan, struct in_addr from);

/* Where the platform reaches the NIC with this slot. */
struct in_addr vnl_view_addr(uint32_t slot);

#endif
