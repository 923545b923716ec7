/* Drop events: a ring buffer that the program fills while control.events_until is ahead. The reader moves that on with each poll; the
 * program wakes nobody up, which would cost more than the event, so the reader looks in from time to time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/libbpf.h>

#include "bpf_tables.h"
#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"

#define LEASE_S 2
#define LOOK_MS 10 /* a full ring takes the program longer than that: VNL_EVENTS_A_TICK */

struct vnl_bpf_events {
    struct vnl_bpf *bpf; /* borrowed */
    struct ring_buffer *ring;
    int (*each)(const struct vnl_event *event, void *arg);
    void *arg;
    int n;
    bool stop;
};

static void renew_lease(const struct vnl_bpf_events *events)
{
    uint32_t until = vnl_bpf_tick() + VNL_TICKS(LEASE_S);

    __atomic_store_n(&vnl_bpf_control(events->bpf)->events_until, until ? until : 1, __ATOMIC_RELAXED);
}

static int take_event(void *arg, void *data, size_t size)
{
    struct vnl_bpf_events *events = arg;

    if (size < sizeof(struct vnl_event))
        return 0;
    events->n++;
    events->stop = events->each && events->each(data, events->arg) != 0;
    return events->stop ? -ECANCELED : 0;
}

int vnl_bpf_events_open(struct vnl_bpf *bpf, struct vnl_bpf_events **ret, struct vnl_err **err)
{
    CLEANUP(vnl_bpf_events_close) struct vnl_bpf_events *events = calloc(1, sizeof(*events));

    if (!events)
        return vnl_fail(err, ENOMEM, "drop events");
    events->bpf = bpf;
    events->ring = ring_buffer__new(bpf->table[VNL_BPF_EVENTS].fd, take_event, events, NULL);
    if (!events->ring)
        return vnl_fail(err, errno, "opening drop events: %s", strerror(errno));
    if (ring_buffer__consume(events->ring) < 0) /* what an earlier reader left */
        return vnl_fail(err, EIO, "reading drop events");
    renew_lease(events);
    *ret = TAKE_PTR(events);
    return 0;
}

void vnl_bpf_events_close(struct vnl_bpf_events **events)
{
    if (!*events)
        return;
    if ((*events)->ring)
        __atomic_store_n(&vnl_bpf_control((*events)->bpf)->events_until, 0, __ATOMIC_RELAXED);
    ring_buffer__free((*events)->ring);
    free(*events);
    *events = NULL;
}

static int64_t now_ms(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int vnl_bpf_events_poll(struct vnl_bpf_events *events, int timeout_ms,
                        int (*each)(const struct vnl_event *event, void *arg), void *arg)
{
    const struct timespec look = { .tv_nsec = LOOK_MS * 1000000 };
    int64_t until = now_ms() + timeout_ms;

    events->each = each;
    events->arg = arg;
    events->n = 0;
    events->stop = false;
    for (;;) {
        int r;

        renew_lease(events);
        r = ring_buffer__consume(events->ring);
        if (r < 0 && !events->stop)
            return r;
        if (events->n || events->stop || now_ms() >= until)
            return events->n;
        if (nanosleep(&look, NULL) < 0 && errno == EINTR)
            return 0;
    }
}

uint64_t vnl_bpf_events_suppressed(const struct vnl_bpf *bpf, uint32_t slot)
{
    const struct vnl_nic_state *state = vnl_bpf_nic_state(bpf, slot);

    return state ? __atomic_load_n(&state->suppressed, __ATOMIC_RELAXED) : 0;
}
