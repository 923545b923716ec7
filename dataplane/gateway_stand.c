/* libipsec refuses a traffic selector of this side in which the machine has no address: it would not know from where to route. A gateway speaks for
 * whole networks and has an address in one of their prefixes. In each other one its tunnel's interface gets the first, which is nobody's:
 * it is the network's own name. */
#include "gateway.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "netlink.h"
#include "netns.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/gateway.h"

struct stands {
    const struct vnl_prefix *prefixes;
    size_t n;
    bool *stands; /* of prefixes: an address is there */
};

static int note_address(const struct nlmsghdr *msg, void *arg)
{
    struct stands *stands = arg;
    struct vnl_addr addr = { .family = AF_INET };
    const struct nlattr *attr;

    mnl_attr_for_each(attr, msg, sizeof(struct ifaddrmsg))
    {
        if (mnl_attr_get_type(attr) != IFA_LOCAL || mnl_attr_get_payload_len(attr) != 4)
            continue;
        memcpy(addr.bytes, mnl_attr_get_payload(attr), 4);
        for (size_t i = 0; i < stands->n; i++)
            stands->stands[i] |= vnl_prefix_has(&stands->prefixes[i], &addr);
    }
    return 0;
}

static void put_stand(struct vnl_nl *nl, uint32_t ifindex, const struct vnl_prefix *prefix, const char *vm)
{
    struct vnl_nl_what what = {
        .action = "give an address to", .object = "the tunnel", .vm = vm, .ignore = EEXIST
    };
    struct ifaddrmsg head = { .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = ifindex };
    struct nlmsghdr *msg = vnl_nl_put(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head), &what);

    mnl_attr_put(msg, IFA_LOCAL, 4, prefix->addr.bytes);
    mnl_attr_put(msg, IFA_ADDRESS, 4, prefix->addr.bytes);
    mnl_attr_put_u32(msg, IFA_RT_PRIORITY, VNL_STAND_METRIC);
}

int vnl_gateway_tun_stand(const char *lab, const char *gateway, const char *ifname,
                          const struct vnl_prefix *prefixes, size_t n, struct vnl_err **err)
{
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;
    CLEANUP(vnl_fd_close) int fd = -1;
    struct ifaddrmsg all = { .ifa_family = AF_INET };
    struct stands stands = { prefixes, n, calloc(n + 1, sizeof(bool)) };
    uint32_t ifindex = 0;
    int r = stands.stands ? 0 : vnl_fail(err, ENOMEM, "addresses of VM '%s'", gateway);

    if (r == 0 && (r = vnl_netns_open(lab, gateway, &fd, err)) == 0 &&
        (r = vnl_nl_open_in(fd, &nl, err)) == 0)
        r = vnl_gateway_ifindex(fd, ifname, &ifindex, err);
    if (r == 0 && !ifindex)
        r = vnl_fail(err, ENODEV, "VM '%s' has no interface '%s'", gateway, ifname);
    if (r == 0)
        r = vnl_nl_dump(nl, RTM_GETADDR, &all, sizeof(all), note_address, &stands, err);
    for (size_t i = 0; i < n && r == 0; i++)
        if (!stands.stands[i])
            put_stand(nl, ifindex, &prefixes[i], gateway);
    if (r == 0)
        r = vnl_nl_flush(nl, err);
    free(stands.stands);
    return r;
}
