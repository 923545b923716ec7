/* The same work for many objects, on a few threads. rtnetlink is one lock, so two threads are all that helps.
 */
#ifndef VNETLAB_POOL_H
#define VNETLAB_POOL_H

#include <stddef.h>

struct vnl_dp_options;
struct vnl_err;

struct vnl_pool_job {
    const char *what; /* for progress: "virtual machines" */
    size_t n;         /* objects */
    size_t step;      /* objects per call of work */
    /* Objects from..to-1, on a thread of the pool, which may stay in another network namespace afterwards. */
    int (*work)(size_t from, size_t to, void *arg, struct vnl_err **err);
    void *arg;
};

/* Returns when all is done, or when what was begun before the first failure is. The calling thread reports
 * progress. */
int vnl_pool_run(const struct vnl_pool_job *job, const struct vnl_dp_options *options, struct vnl_err **err);

#endif
