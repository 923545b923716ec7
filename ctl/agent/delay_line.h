/* The delay line: what keeps packets between regions back where the kernel has no netem (vnetlab/delay.h). One thread with real-time
 * priority reads the lab's TAPs and writes each packet back when its time has come. */
#ifndef VNETLAB_AGENT_DELAY_LINE_H
#define VNETLAB_AGENT_DELAY_LINE_H

#include <stdbool.h>

struct vnl_delay_line;
struct vnl_err;
struct vnl_plan;

/* For the plan's delays. *ret stays NULL when there is nothing to do: no delays, or the kernel delays them. The plan is not kept. */
int vnl_delay_line_start(const struct vnl_plan *plan, struct vnl_delay_line **ret, struct vnl_err **err);
/* Are its TAPs still those of the lab? Not when one was deleted, even if there is a new one of that name. NULL holds. */
bool vnl_delay_line_holds(const struct vnl_delay_line *line);
/* Packets that are on their way are lost. */
void vnl_delay_line_stop(struct vnl_delay_line **line);

#endif
