#include "observe.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delay_ports.h"
#include "link.h"
#include "mount.h"
#include "netlink.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/layout.h"

/* The kernel leaves statistics out of the answer, half of its size. */
#define DUMP_TRIES 20

/* The fabric namespace is the lab's own, but an operator may have put something there: only our ranges of
 * indices are ours. */
static bool is_ours(uint32_t ifindex)
{
    return (ifindex >= VNL_BRIDGE_IFINDEX &&
            ifindex < VNL_BRIDGE_IFINDEX + (VNL_SITE_SLOT + VNL_SITES_MAX) * VNL_VNET_BRIDGES) ||
           ifindex == VNL_PLATFORM_IFINDEX || vnl_delay_is_port(ifindex) ||
           (ifindex >= VNL_NIC_IFINDEX && ifindex < VNL_NIC_IFINDEX + VNL_NIC_SLOTS_MAX);
}

struct reading {
    const char *tag; /* "vnetlab LAB " */
    struct vnl_seen *seen;
    size_t room;
};

static int new_link(struct reading *reading, struct vnl_seen_link **ret)
{
    struct vnl_seen *seen = reading->seen;

    if (seen->n_links == reading->room) {
        size_t room = reading->room ? 2 * reading->room : 64;
        struct vnl_seen_link *links = reallocarray(seen->links, room, sizeof(*links));

        if (!links)
            return -ENOMEM;
        seen->links = links;
        reading->room = room;
    }
    *ret = &seen->links[seen->n_links++];
    **ret = (struct vnl_seen_link){ .peer_nsid = -1 };
    return 0;
}

/* Isolated, and nothing else: as vnl_link_put_port makes it. A flag that the kernel does not tell is not wrong. */
static bool port_flags_right(const struct nlattr *data)
{
    const struct nlattr *attr;

    mnl_attr_for_each_nested(attr, data)
    {
        switch (mnl_attr_get_type(attr)) {
        case IFLA_BRPORT_ISOLATED:
            if (!mnl_attr_get_u8(attr))
                return false;
            break;
        case IFLA_BRPORT_LEARNING:
        case IFLA_BRPORT_UNICAST_FLOOD:
        case IFLA_BRPORT_MCAST_FLOOD:
        case IFLA_BRPORT_BCAST_FLOOD:
            if (mnl_attr_get_u8(attr))
                return false;
            break;
        default:
            break;
        }
    }
    return true;
}

static void read_info(struct vnl_seen_link *link, const struct nlattr *info)
{
    const struct nlattr *attr;

    mnl_attr_for_each_nested(attr, info)
    {
        if (mnl_attr_get_type(attr) == IFLA_INFO_SLAVE_DATA)
            link->flags_right = port_flags_right(attr);
    }
}

static int read_attr(struct vnl_seen_link *link, const struct nlattr *attr, const char *tag)
{
    switch (mnl_attr_get_type(attr)) {
    case IFLA_IFNAME:
        (void)snprintf(link->ifname, sizeof(link->ifname), "%s", mnl_attr_get_str(attr));
        break;
    case IFLA_IFALIAS:
        if (strncmp(mnl_attr_get_str(attr), tag, strlen(tag)) == 0)
            link->alias = strdup(mnl_attr_get_str(attr));
        return link->alias || strncmp(mnl_attr_get_str(attr), tag, strlen(tag)) != 0 ? 0 : -ENOMEM;
    case IFLA_MTU:
        link->mtu = mnl_attr_get_u32(attr);
        break;
    case IFLA_LINKINFO:
        read_info(link, attr);
        break;
    case IFLA_MASTER:
        link->master = mnl_attr_get_u32(attr);
        break;
    case IFLA_LINK:
        link->peer_ifindex = mnl_attr_get_u32(attr);
        break;
    case IFLA_LINK_NETNSID:
        link->peer_nsid = (int32_t)mnl_attr_get_u32(attr);
        break;
    default:
        break;
    }
    return 0;
}

static int read_link(const struct nlmsghdr *msg, void *arg)
{
    const struct ifinfomsg *head = mnl_nlmsg_get_payload(msg);
    struct reading *reading = arg;
    const struct nlattr *attr;
    struct vnl_seen_link *link;
    int r;

    if (!is_ours((uint32_t)head->ifi_index))
        return 0;
    r = new_link(reading, &link);
    if (r < 0)
        return r;
    link->ifindex = (uint32_t)head->ifi_index;
    link->up = head->ifi_flags & IFF_UP;
    mnl_attr_for_each(attr, msg, sizeof(*head)) if (r == 0) r = read_attr(link, attr, reading->tag);
    return r;
}

static void forget_links(struct vnl_seen *seen)
{
    for (size_t i = 0; i < seen->n_links; i++)
        free(seen->links[i].alias);
    free(seen->links);
    seen->links = NULL;
    seen->n_links = 0;
}

static int by_ifindex(const void *a, const void *b)
{
    uint32_t x = ((const struct vnl_seen_link *)a)->ifindex, y = ((const struct vnl_seen_link *)b)->ifindex;

    return x < y ? -1 : x > y;
}

static int read_links(const char *lab, struct vnl_nl *fabric, struct vnl_seen *seen, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *tag = NULL;
    struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
    int r = -EINTR;

    if (asprintf(&tag, "vnetlab %s ", lab) < 0)
        return vnl_fail(err, ENOMEM, "links of lab '%s'", lab);
    /* Links vanish while we look when the kernel still frees those of removed VMs. */
    for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++) {
        struct reading reading = { .tag = tag, .seen = seen };

        forget_links(seen);
        r = vnl_nl_dump(fabric, RTM_GETLINK, &head, sizeof(head), read_link, &reading, err);
    }
    if (r == -ENOMEM)
        return vnl_fail(err, ENOMEM, "links of lab '%s'", lab);
    if (r == -EINTR)
        return vnl_fail(err, EINTR, "the links of lab '%s' change faster than they can be read", lab);
    if (r == 0 && seen->n_links)
        qsort(seen->links, seen->n_links, sizeof(*seen->links), by_ifindex);
    return r;
}

/* --- namespaces ----------------------------------------------------------------------------------- */

int vnl_observe(const char *lab, struct vnl_nl *fabric, struct vnl_seen *ret, struct vnl_err **err)
{
    int r = vnl_mount_netns_list(lab, &ret->netns, err);

    return r < 0 ? r : read_links(lab, fabric, ret, err);
}

void vnl_seen_done(struct vnl_seen *seen)
{
    forget_links(seen);
    vnl_names_done(&seen->netns);
}

struct vnl_seen_link *vnl_seen_link_lookup(const struct vnl_seen *seen, uint32_t ifindex)
{
    struct vnl_seen_link key = { .ifindex = ifindex };

    if (!seen->n_links)
        return NULL;
    return bsearch(&key, seen->links, seen->n_links, sizeof(key), by_ifindex);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool vnl_seen_netns(const struct vnl_seen *seen, const char *vm)
{
    return seen->netns.n &&
           bsearch(&vm, seen->netns.items, seen->netns.n, sizeof(*seen->netns.items), by_name);
}

/* --- the other end -------------------------------------------------------------------------------- */

static int read_nsid(const struct nlmsghdr *msg, void *arg)
{
    const struct nlattr *attr;

    mnl_attr_for_each(attr, msg, sizeof(struct rtgenmsg)) if (mnl_attr_get_type(attr) == NETNSA_NSID) *
        (int32_t *)arg = (int32_t)mnl_attr_get_u32(attr);
    return 0;
}

bool vnl_seen_peer_in(const struct vnl_seen_link *link, struct vnl_nl *fabric, int netns_fd, uint32_t number)
{
    struct rtgenmsg head = { .rtgen_family = AF_UNSPEC };
    int32_t nsid = -1;
    char buf[64];
    struct nlmsghdr *request = mnl_nlmsg_put_header(buf);

    request->nlmsg_type = RTM_GETNSID;
    memcpy(mnl_nlmsg_put_extra_header(request, sizeof(head)), &head, sizeof(head));
    mnl_attr_put_u32(request, NETNSA_FD, (uint32_t)netns_fd);
    return vnl_nl_ask(fabric, request, read_nsid, &nsid) == 0 && nsid >= 0 && nsid == link->peer_nsid &&
           link->peer_ifindex == VNL_GUEST_IFINDEX + number;
}
