/* What happens at a guest's BIRD: it ends, its log grows, the kernel tells of a route of its. */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgp_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

#define SOON_MS 20  /* what happens together is looked at together */
#define GAP_MS  100 /* between looks, while a large table comes in */

void vnl_bgp_guest_note(struct vnl_bgp_guest *guest, int64_t now)
{
    int64_t soon = now + SOON_MS, next = guest->looked_ms + GAP_MS;

    if (!guest->look_ms)
        guest->look_ms = soon > next ? soon : next;
}

/* BIRD says nothing unasked. */
static void control_ready(struct vnl_source *source, uint32_t events)
{
    (void)events;
    vnl_bgp_guest_lost(VNL_OWNER_OF(source, struct vnl_bgp_guest, control), "it has ended");
}

static void files_ready(struct vnl_source *source, uint32_t events)
{
    char buf[4096];

    (void)events;
    while (read(source->fd, buf, sizeof(buf)) > 0)
        continue;
    vnl_bgp_guest_note(VNL_OWNER_OF(source, struct vnl_bgp_guest, files), vnl_loop_now_ms());
}

static bool is_birds(const struct nlmsghdr *message)
{
    const struct rtmsg *route = NLMSG_DATA(message);

    return (message->nlmsg_type == RTM_NEWROUTE || message->nlmsg_type == RTM_DELROUTE) &&
           message->nlmsg_len >= NLMSG_LENGTH(sizeof(*route)) && route->rtm_protocol == RTPROT_BIRD;
}

static void routes_ready(struct vnl_source *source, uint32_t events)
{
    struct vnl_bgp_guest *guest = VNL_OWNER_OF(source, struct vnl_bgp_guest, routes_at);
    char buf[32768] __attribute__((aligned(8)));
    bool changed = false;
    ssize_t n;

    (void)events;
    while ((n = recv(source->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0 || (n < 0 && errno == ENOBUFS)) {
        const struct nlmsghdr *message = (const struct nlmsghdr *)buf;
        size_t left = n < 0 ? 0 : (size_t)n;

        changed |= n < 0; /* some were lost */
        for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
            changed |= is_birds(message);
    }
    if (changed)
        vnl_bgp_guest_note(guest, vnl_loop_now_ms());
}

static int open_routes(struct vnl_bgp_guest *guest, struct vnl_err **err)
{
    const struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_ROUTE };
    CLEANUP(vnl_netns_leave) int saved = -1;
    int r = vnl_netns_enter(guest->netns_fd, &saved, err), fd;

    if (r < 0)
        return r;
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    guest->routes_at = (struct vnl_source){ .fd = fd, .ready = routes_ready };
    if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
        return vnl_fail(err, errno, "its routes: %s", strerror(errno));
    return 0;
}

static int open_files(struct vnl_bgp_guest *guest, struct vnl_err **err)
{
    char path[64];
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    guest->files = (struct vnl_source){ .fd = fd, .ready = files_ready };
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", guest->dir_fd);
    if (fd < 0 || inotify_add_watch(fd, path, IN_MODIFY) < 0)
        return vnl_fail(err, errno, "its log: %s", strerror(errno));
    return 0;
}

int vnl_bgp_guest_watch(struct vnl_bgp_guest *guest, struct vnl_err **err)
{
    struct vnl_source *const sources[] = { &guest->control, &guest->files, &guest->routes_at };
    int r = open_routes(guest, err);

    guest->control.ready = control_ready;
    if (r < 0 || (r = open_files(guest, err)) < 0)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
        if ((r = vnl_loop_watch(guest->bgp->epoll_fd, sources[i], EPOLLIN)) < 0)
            return vnl_fail(err, -r, "its events: %s", strerror(-r));
    return 0;
}
