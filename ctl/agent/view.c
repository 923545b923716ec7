#include "view.h"

#include <arpa/inet.h>

#include "vnetlab/layout.h"
#include "vnetlab/plan.h"

#define GUESTS_MASK 0xffff0000u

const struct vnl_plan_nic *vnl_view_guest(const struct vnl_plan *plan, struct in_addr from)
{
    uint32_t addr = ntohl(from.s_addr);

    if ((addr & GUESTS_MASK) != VNL_PLATFORM_GUESTS)
        return NULL;
    for (size_t i = 0; i < plan->n_nics; i++)
        if (plan->nics[i].slot == (addr & ~GUESTS_MASK))
            return &plan->nics[i];
    return NULL;
}

struct in_addr vnl_view_addr(uint32_t slot)
{
    return (struct in_addr){ .s_addr = htonl(VNL_PLATFORM_GUESTS | slot) };
}
