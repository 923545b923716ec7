/* Delays between regions, as the kernel can do them: by netem, or by a TAP whose other side the agent keeps (dataplane/delay.c). */
#ifndef VNETLAB_DELAY_H
#define VNETLAB_DELAY_H

#include <stdint.h>

struct vnl_err;

/* The agent's side of a TAP: packets with a virtio header. number: index of plan->delays. -ENODEV: there is no TAP, the kernel delays. */
int vnl_delay_open(const char *lab, uint32_t number, int *ret_fd, struct vnl_err **err);

enum vnl_delay_kind { VNL_DELAY_NETEM, VNL_DELAY_TAP, VNL_DELAY_NEITHER };

/* What this kernel has, found out in a namespace of its own. */
enum vnl_delay_kind vnl_delay_probe(void);

#endif
