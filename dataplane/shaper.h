/* What a guest may send per second, as a queueing discipline on its own end of the link: there it is the guest's egress, which is what
 * Azure limits, and a full queue holds the guest's sockets back instead of losing their packets. */
#ifndef VNETLAB_SHAPER_H
#define VNETLAB_SHAPER_H

#include <stdint.h>

struct vnl_err;
struct vnl_nl;

/* In the guest's namespace: makes NIC `number` send at most `bps` bits per second, frames and all; 0: as fast as it goes. Sends; what
 * else is queued goes along. Does nothing to a discipline that the guest has put there itself, unless it is in the way. */
int vnl_shaper_set(struct vnl_nl *nl, uint32_t number, uint64_t bps, const char *vm, struct vnl_err **err);

/* What it is limited to now, in bits per second: 0 when there is no limit, or one that cannot be read. */
uint64_t vnl_shaper_rate(struct vnl_nl *nl, uint32_t number);

/* vnl_shaper_set by one discipline or the other, for kernels that have just one. */
int vnl_shaper_set_tbf(struct vnl_nl *nl, uint32_t number, uint64_t bps, const char *vm,
                       struct vnl_err **err);
int vnl_shaper_set_htb(struct vnl_nl *nl, uint32_t number, uint64_t bps, const char *vm,
                       struct vnl_err **err);

#endif
