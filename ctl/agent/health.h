/* Is a backend alive? What the results of its probes say, one after the other. */
#ifndef VNETLAB_AGENT_HEALTH_H
#define VNETLAB_AGENT_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vnl_plan_lb_probe;

/* Zeroed: nothing is known. */
struct vnl_health_state {
    bool probed;      /* at least one result that counted */
    bool succeeded;   /* at least one that was good: its server has started */
    bool down;        /* so that nothing known is alive */
    uint32_t in_row;  /* results that say otherwise than `down`, since the last one that did not */
    int64_t since_ms; /* its first probe; 0: there was none */
};

#define VNL_HEALTH_EAGER_MS 250 /* between probes of a backend whose server may still be starting */

/* Right after `up` servers are still starting: a failure before the first success counts only when the backend was probed for a whole
 * interval. */
bool vnl_health_counts(const struct vnl_health_state *state, bool success, int64_t now_ms,
                       int64_t interval_ms);

/* threshold: so many results of one kind in a row change the verdict; 0 is 1 (Azure's probeThreshold). Until the first success one is
 * enough, of either kind. True: a load balancer is to be
 * told (the verdict has changed, or is the first). */
bool vnl_health_note(struct vnl_health_state *state, bool success, uint32_t threshold);

/* Bit i: backend i is alive. */
uint64_t vnl_health_alive(const struct vnl_health_state *states, size_t n);

/* The request of an HTTP probe; the text is the caller's. NULL without memory. host: "10.0.0.4:80". */
char *vnl_health_request(const struct vnl_plan_lb_probe *probe, const char *host);
/* What the beginning of the answer says: 1 alive (status 200), 0 not, -1 more is to be read. */
int vnl_health_response(const char *text, size_t size);

#endif
