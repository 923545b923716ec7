/* The end of a veth that is brought up first has no carrier then; the kernel attaches its transmit queue a little later, from a work queue
 * (net/core/link_watch.c), when its peer is up. What the guest sends before that is lost without a trace. So `up` is not done when the
 * last message is acknowledged, but when each new link runs: IFF_RUNNING is set in the same step that attaches the queue. */
#include "ready.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

#define PATIENCE_US 1000000
#define PAUSE_US    200

static bool is_ready(int fd, const char *ifname)
{
    struct ifreq link = { 0 };

    (void)strncpy(link.ifr_name, ifname, sizeof(link.ifr_name) - 1);
    if (ioctl(fd, SIOCGIFFLAGS, &link) < 0 || !(link.ifr_flags & IFF_UP))
        return true;
    return link.ifr_flags & IFF_RUNNING;
}

/* A socket stays in the namespace that it was opened in. */
static int socket_in(int netns, int *ret, struct vnl_err **err)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    int r = vnl_netns_enter(netns, &saved, err);

    if (r < 0)
        return r;
    *ret = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return *ret < 0 ? vnl_fail(err, errno, "socket: %s", strerror(errno)) : 0;
}

static int wait_for(int netns, const char *ifname, const char *vm, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int fd = -1;
    int r = socket_in(netns, &fd, err);

    if (r < 0)
        return vnl_wrap(err, "VM '%s'", vm);
    for (int waited = 0; waited < PATIENCE_US; waited += PAUSE_US) {
        if (is_ready(fd, ifname))
            return 0;
        (void)usleep(PAUSE_US);
    }
    return vnl_fail(err, ETIMEDOUT, "VM '%s': its link does not come up", vm);
}

int vnl_ready_wait(const char *lab, const char *vm, uint32_t number, int fabric, const char *port,
                   struct vnl_err **err)
{
    char ifname[16];
    CLEANUP(vnl_fd_close) int netns = -1;
    int r = vnl_netns_open(lab, vm, &netns, err);

    vnl_guest_ifname(ifname, number);
    if (r < 0 || (r = wait_for(netns, ifname, vm, err)) < 0)
        return r;
    return wait_for(fabric, port, vm, err);
}
