#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

static int control(int epoll_fd, int operation, struct vnl_source *source, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };

    return epoll_ctl(epoll_fd, operation, source->fd, &event) < 0 ? -errno : 0;
}

int vnl_loop_watch(int epoll_fd, struct vnl_source *source, uint32_t events)
{
    return control(epoll_fd, EPOLL_CTL_ADD, source, events);
}

int vnl_loop_change(int epoll_fd, struct vnl_source *source, uint32_t events)
{
    return control(epoll_fd, EPOLL_CTL_MOD, source, events);
}

int vnl_loop_turn(int epoll_fd, int timeout_ms)
{
    struct epoll_event event;
    int n = epoll_wait(epoll_fd, &event, 1, timeout_ms);

    if (n > 0) {
        struct vnl_source *source = event.data.ptr;

        source->ready(source, event.events);
    }
    return n < 0 && errno != EINTR ? -errno : 0;
}

int64_t vnl_loop_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
