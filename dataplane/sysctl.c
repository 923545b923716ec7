/* A new namespace copies its IPv4 settings from the host's root namespace (net.core.devconf_inherit_init_net),
 * and a host with Docker, or with a distribution's defaults, has others than the kernel's. Two of them would
 * decide about packets:
 *
 *   forwarding  is what `ipForward` says. Writing "all" changes "default" too, but only when "all" changes.
 *   rp_filter   is off: Azure's guests see asymmetric paths (two NICs, appliances), and the platform decides
 *               itself which source address a NIC may use. The larger one of "all" and the interface's counts,
 *               and an interface starts with "default".
 *
 * A write costs the kernel 35 to 270 us, so a host that has the right values anyway pays none: the first
 * namespace of an apply is read, the others are known to be the same. */
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netns.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

static const char *const names[] = {
    [VNL_SYSCTL_FORWARD4] = "net/ipv4/ip_forward",
    [VNL_SYSCTL_FORWARD4_DEFAULT] = "net/ipv4/conf/default/forwarding",
    [VNL_SYSCTL_RP_FILTER] = "net/ipv4/conf/all/rp_filter",
    [VNL_SYSCTL_RP_FILTER_DEFAULT] = "net/ipv4/conf/default/rp_filter",
    [VNL_SYSCTL_FORWARD6] = "net/ipv6/conf/all/forwarding",
    [VNL_SYSCTL_FORWARD6_DEFAULT] = "net/ipv6/conf/default/forwarding",
};
static_assert(ARRAY_SIZE(names) == VNL_SYSCTL_MAX, "name every sysctl");

static int read_one(int dir, const char *name, int *ret, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    char text[16] = "";

    *ret = -1;
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
        return vnl_fail(err, errno, "cannot read sysctl %s: %s", name, strerror(errno));
    *ret = atoi(text);
    return 0;
}

int vnl_sysctls_read(struct vnl_sysctls *ret, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int dir = open("/proc/sys", O_DIRECTORY | O_PATH | O_CLOEXEC);
    int r = dir < 0 ? vnl_fail(err, errno, "cannot open /proc/sys: %s", strerror(errno)) : 0;

    for (int i = 0; i < VNL_SYSCTL_MAX && r == 0; i++)
        r = read_one(dir, names[i], &ret->values[i], err);
    return r;
}

size_t vnl_sysctls_missing(const struct vnl_sysctls *fresh, bool forward, int ret_what[VNL_SYSCTL_MAX],
                           const char *ret_value[VNL_SYSCTL_MAX])
{
    bool follows = false; /* "all" is written and takes "default" along */
    size_t n = 0;

    for (int i = 0; i < VNL_SYSCTL_MAX; i++) {
        bool is_filter = i == VNL_SYSCTL_RP_FILTER || i == VNL_SYSCTL_RP_FILTER_DEFAULT;
        bool is_default = i == VNL_SYSCTL_FORWARD4_DEFAULT || i == VNL_SYSCTL_FORWARD6_DEFAULT;
        int want = forward && !is_filter;

        if (fresh->values[i] >= 0 && fresh->values[i] != want && !(is_default && follows)) {
            ret_what[n] = i;
            ret_value[n++] = want ? "1" : "0";
            follows = !is_filter;
        } else {
            follows = false;
        }
    }
    return n;
}

int vnl_sysctls_write(const struct vnl_sysctls *fresh, bool forward, struct vnl_err **err)
{
    const char *value[VNL_SYSCTL_MAX];
    int what[VNL_SYSCTL_MAX], r = 0;
    size_t n = vnl_sysctls_missing(fresh, forward, what, value);

    for (size_t i = 0; i < n && r == 0; i++)
        r = vnl_netns_sysctl(names[what[i]], value[i], err);
    return r;
}
