/* The agent's event loop: one thread, one epoll. Each turn handles one event, so whoever is called may close any descriptor. */
#ifndef VNETLAB_AGENT_LOOP_H
#define VNETLAB_AGENT_LOOP_H

#include <stdint.h>

/* Lives in its owner, who is found by the offset; stays where it is while it is watched. */
struct vnl_source {
    int fd;
    void (*ready)(struct vnl_source *source, uint32_t events); /* EPOLLIN and so on */
};

#define VNL_OWNER_OF(source_, type_, member_) ((type_ *)((char *)(source_)-offsetof(type_, member_)))

/* 0 or -errno. A descriptor that is closed is watched no longer. */
int vnl_loop_watch(int epoll_fd, struct vnl_source *source, uint32_t events);
int vnl_loop_change(int epoll_fd, struct vnl_source *source, uint32_t events);
/* Handles the next event, if one comes within timeout_ms (-1: for ever). 0 or -errno. */
int vnl_loop_turn(int epoll_fd, int timeout_ms);

int64_t vnl_loop_now_ms(void);

#endif
