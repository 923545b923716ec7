/* Health probes of the lab's load balancers, from 168.63.129.16 (spec 3.2). */
#ifndef VNETLAB_AGENT_PROBER_H
#define VNETLAB_AGENT_PROBER_H

struct vnl_err;
struct vnl_plan;
struct vnl_prober;

/* dir: the lab's pinned tables, where verdicts are written. */
int vnl_prober_new(int epoll_fd, const char *dir, struct vnl_prober **ret, struct vnl_err **err);
void vnl_prober_free(struct vnl_prober **prober);

/* From now on the backends of this plan (borrowed until the next call), with the tables that are in force now. What is known of a rule
 * whose backends are the same is kept. */
int vnl_prober_follow(struct vnl_prober *prober, const struct vnl_plan *plan, struct vnl_err **err);

/* Starts what is due, ends what took too long; returns in how many milliseconds to call again, -1: never. */
int vnl_prober_run(struct vnl_prober *prober);

#endif
