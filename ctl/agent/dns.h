/* Azure's DNS for a VNet (spec 1.8): bytes of a query to bytes of the answer. */
#ifndef VNETLAB_AGENT_DNS_H
#define VNETLAB_AGENT_DNS_H

#include <stddef.h>
#include <stdint.h>

struct vnl_plan;
struct vnl_plan_nic;

#define VNL_DNS_TTL_S   10u
#define VNL_DNS_UDP_MAX 1232u /* what fits into a packet on every path (DNS flag day 2020) */
#define VNL_DNS_TCP_MAX 65535u

/* from: who asks, or NULL when that is no guest of the lab. room: what the transport carries, as above; over UDP also what the
 * client takes counts. An answer that is larger is truncated.
 * *ret is the caller's (free). 0; -EINVAL: this deserves no answer (a response, or too short for a header); -ENOMEM. */
int vnl_dns_answer(const struct vnl_plan *plan, const struct vnl_plan_nic *from, const uint8_t *query,
                   size_t size, size_t room, uint8_t **ret, size_t *ret_size);

#endif
