/* One more namespace with a port, made like a VM's (build.c) and in the same order: namespace, veth with its filter, guest end, host end
 * with its tag, name. It differs in three things. Its port is in no bridge. Its end asks nobody for MACs (IFF_NOARP: each frame is
 * addressed to the end's own MAC), since behind the port there is no neighbour but the program. And what is inside is ours, not a
 * guest's: it is written again each time.
 *
 * It is complete when it has its name and the host end has its tag and leads into it. Anything else is taken away and made anew. */
#include "platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "filter.h"
#include "link.h"
#include "mount.h"
#include "netlink.h"
#include "netns.h"
#include "observe.h"
#include "ready.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/layout.h"
#include "vnetlab/plan.h"

#define NAME "the platform" /* in messages, where a VM's name stands */

/* The port as link.c and filter.c want it. */
static struct vnl_plan_nic port_of(char *alias)
{
    return (struct vnl_plan_nic){
        .ifindex = VNL_PLATFORM_IFINDEX,
        .ifname = "platform",
        .alias = alias,
        .mac = { .bytes = VNL_PLATFORM_MAC },
    };
}

/* --- inside --------------------------------------------------------------------------------------- */

static void put_noarp(struct vnl_nl *nl)
{
    struct vnl_nl_what what = { .action = "turn off ARP of", .object = "eth0", .vm = NAME };
    struct ifinfomsg head = { .ifi_index = VNL_GUEST_IFINDEX,
                              .ifi_flags = IFF_NOARP,
                              .ifi_change = IFF_NOARP };

    (void)vnl_nl_put(nl, RTM_NEWLINK, 0, &head, sizeof(head), &what);
}

static void put_address(struct vnl_nl *nl, uint32_t host_order)
{
    struct vnl_nl_what what = { .action = "give an address to", .object = "eth0", .vm = NAME };
    struct ifaddrmsg head = { .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = VNL_GUEST_IFINDEX };
    struct nlmsghdr *msg =
        vnl_nl_put(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head), &what);

    mnl_attr_put_u32(msg, IFA_LOCAL, htonl(host_order));
    mnl_attr_put_u32(msg, IFA_ADDRESS, htonl(host_order));
}

static void put_default_route(struct vnl_nl *nl)
{
    struct vnl_nl_what what = { .action = "give a route to", .object = "eth0", .vm = NAME };
    struct rtmsg head = {
        .rtm_family = AF_INET,
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = RTPROT_STATIC,
        .rtm_scope = RT_SCOPE_LINK,
        .rtm_type = RTN_UNICAST,
    };
    struct nlmsghdr *msg =
        vnl_nl_put(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head), &what);

    mnl_attr_put_u32(msg, RTA_OIF, VNL_GUEST_IFINDEX);
}

static int configure(int netns_fd, struct vnl_err **err)
{
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;
    int r = vnl_nl_open_in(netns_fd, &nl, err);

    if (r < 0)
        return r;
    vnl_link_put_loopback(nl, NAME);
    put_noarp(nl);
    vnl_link_put_guest(nl, 0, NULL, NAME);
    put_address(nl, VNL_PLATFORM_DNS);
    put_address(nl, VNL_PLATFORM_IMDS);
    put_default_route(nl);
    return vnl_nl_flush(nl, err);
}

/* --- the port ------------------------------------------------------------------------------------- */

static void put_port(struct vnl_nl *fabric, const struct vnl_plan_nic *port)
{
    struct vnl_nl_what what = { .action = "set up port", .object = port->ifname, .vm = NAME };
    struct ifinfomsg head = { .ifi_index = (int)port->ifindex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
    struct nlmsghdr *msg = vnl_nl_put(fabric, RTM_NEWLINK, 0, &head, sizeof(head), &what);

    mnl_attr_put_u32(msg, IFLA_MASTER, 0);
    mnl_attr_put_u32(msg, IFLA_MTU, VNL_LINK_MTU);
    mnl_attr_put_str(msg, IFLA_IFALIAS, port->alias);
}

static int make(const struct vnl_platform *platform, const struct vnl_plan_nic *port, struct vnl_err **err)
{
    CLEANUP(vnl_netns_leave) int saved = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    CLEANUP(vnl_fd_close) int netns = -1;
    int r;

    if (saved < 0)
        return vnl_fail(err, errno, "cannot open /proc/thread-self/ns/net: %s", strerror(errno));
    if ((r = vnl_netns_new(&netns, err)) < 0)
        return r;
    vnl_link_put_veth(platform->fabric, port, netns, 0, NAME);
    vnl_filter_put(platform->fabric, port, NAME, platform->prog_fd);
    if ((r = vnl_nl_flush(platform->fabric, err)) < 0 || (r = configure(netns, err)) < 0)
        return r;
    put_port(platform->fabric, port);
    if ((r = vnl_nl_flush(platform->fabric, err)) < 0 ||
        (r = vnl_mount_netns(platform->lab, VNL_PLATFORM, netns, err)) < 0)
        return r;
    return vnl_ready_wait(platform->lab, VNL_PLATFORM, 0, platform->fabric_fd, port->ifname, err);
}

/* Its processes go too: the agent must not serve a namespace that no port leads to. */
static int unmake(const struct vnl_platform *platform, const struct vnl_seen_link *link, int netns,
                  struct vnl_err **err)
{
    CLEANUP(vnl_netns_ids_done) struct vnl_netns_ids ids = { 0 };
    uint32_t ifindex = VNL_PLATFORM_IFINDEX;
    int r;

    if (netns >= 0 && vnl_netns_ids_add(&ids, netns) < 0)
        return vnl_fail(err, ENOMEM, NAME);
    if ((r = vnl_mount_netns_remove(platform->lab, VNL_PLATFORM, err)) < 0 ||
        (r = vnl_netns_kill(&ids, err)) < 0)
        return r;
    return link ? vnl_link_delete(platform->fabric, &ifindex, 1, err) : 0;
}

static int repair(const struct vnl_platform *platform, const struct vnl_plan_nic *port,
                  const struct vnl_seen_link *link, bool *ret_changed, struct vnl_err **err)
{
    bool named = strcmp(link->ifname, port->ifname) == 0;
    bool filtered = vnl_filter_prog_id(platform->fabric, link->ifindex) == platform->prog_id;

    *ret_changed = !named || !filtered || !link->up || link->master || link->mtu != VNL_LINK_MTU;
    if (!filtered)
        vnl_filter_put(platform->fabric, port, NAME, platform->prog_fd);
    if (!named)
        vnl_link_put_name(platform->fabric, link->ifindex, port->ifname);
    if (*ret_changed)
        put_port(platform->fabric, port);
    return vnl_nl_flush(platform->fabric, err);
}

int vnl_platform_sync(const struct vnl_platform *platform, size_t *created, size_t *changed,
                      struct vnl_err **err)
{
    const struct vnl_seen_link *link = vnl_seen_link_lookup(platform->seen, VNL_PLATFORM_IFINDEX);
    CLEANUP(vnl_str_free) char *alias = NULL;
    CLEANUP(vnl_fd_close) int netns = -1;
    struct vnl_plan_nic port;
    bool repaired = false;
    int r;

    if (asprintf(&alias, "vnetlab %s platform", platform->lab) < 0)
        return vnl_fail(err, ENOMEM, NAME);
    port = port_of(alias);
    (void)vnl_netns_open(platform->lab, VNL_PLATFORM, &netns, NULL);
    if (netns >= 0 && link && link->alias && strcmp(link->alias, alias) == 0 &&
        vnl_seen_peer_in(link, platform->fabric, netns, 0)) {
        r = repair(platform, &port, link, &repaired, err);
        *changed += repaired;
        return r < 0 ? r : configure(netns, err);
    }
    if ((netns >= 0 || link) && (r = unmake(platform, link, netns, err)) < 0)
        return r;
    r = make(platform, &port, err);
    *created += r == 0;
    return r;
}
