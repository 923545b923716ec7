/* Is a charon where it belongs? A gateway's namespace may be another one than it was started in, and its TUN may have been deleted: then it lives, and
 * its SAs too, but no packet reaches it. And eth1 may have been down, whose route went with it: then it reaches nobody. */
#include <stdio.h>
#include <sys/stat.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vpn_parts.h"

#define LOOK_MS 3000

/* A gateway whose namespace is not there has no other one. */
static bool is_elsewhere(const struct vnl_vpn_daemon *daemon)
{
    CLEANUP(vnl_fd_close) int fd = -1;
    struct stat wanted, its;
    char path[32];

    (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", daemon->pid);
    return vnl_netns_open(daemon->vpn->lab, daemon->gateway, &fd, NULL) == 0 && fstat(fd, &wanted) == 0 &&
           stat(path, &its) == 0 && (wanted.st_dev != its.st_dev || wanted.st_ino != its.st_ino);
}

const char *vnl_vpn_daemon_misplaced(const struct vnl_vpn_daemon *daemon)
{
    char tun[16];

    if (is_elsewhere(daemon))
        return "its gateway has another namespace";
    if (daemon->spec.engine == VNL_VPN_LIBIPSEC && vnl_charon_tun(daemon->pid, tun) < 0)
        return "its TUN is gone";
    return NULL;
}

/* Once is enough, however many of its tunnels are not connected. */
static void keep_outside(const struct vnl_vpn_daemon *daemon)
{
    const struct vnl_vpn *vpn = daemon->vpn;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    for (size_t i = 0; vpn->hands.outside_keep && i < vpn->n_tunnels; i++) {
        if (vpn->tunnels[i]->daemon != daemon || vpn->tunnels[i]->status == VNL_VPN_CONNECTED)
            continue;
        if (vpn->hands.outside_keep(vpn->plan, vpn->tunnels[i]->plan->gateway, &err) < 0)
            vnl_err_print(stderr, err);
        return;
    }
}

bool vnl_vpn_daemon_check_place(struct vnl_vpn_daemon *daemon)
{
    const char *why = vnl_vpn_daemon_misplaced(daemon);

    daemon->place_ms = vnl_loop_now_ms() + LOOK_MS;
    if (why)
        vnl_vpn_daemon_lost(daemon, why);
    else
        keep_outside(daemon);
    return !why;
}
