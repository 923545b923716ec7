#include "link.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "netlink.h"
#include "vnetlab/layout.h"
#include "vnetlab/plan.h"

/* BIG TCP: segments of this many bytes travel through the lab in one piece. The largest that the kernel takes
 * for a veth (GSO_MAX_SIZE). IPv6 since Linux 5.19; IPv4 since 6.3, by an attribute that Debian 12's headers
 * do not have. A kernel that does not know an attribute of a link ignores it, so nothing has to be probed. */
#define GSO_IPV4_MAX_SIZE_ATTR 63 /* IFLA_GSO_IPV4_MAX_SIZE */
#define GSO_BYTES              524280u

/* Links that are to be deleted are gathered in a group, because one request per link costs 22 ms each and one
 * per group costs 0.2. */
#define DELETE_GROUP 0x766e6cu

static const uint8_t fabric_mac[6] = VNL_FABRIC_MAC;

void vnl_guest_ifname(char buf[16], uint32_t number)
{
    (void)snprintf(buf, 16, "eth%u", number);
}

static struct nlmsghdr *put_link(struct vnl_nl *nl, uint16_t flags, uint32_t ifindex, unsigned up,
                                 const struct vnl_nl_what *what)
{
    struct ifinfomsg head = { .ifi_index = (int)ifindex, .ifi_flags = up, .ifi_change = up };

    return vnl_nl_put(nl, RTM_NEWLINK, flags, &head, sizeof(head), what);
}

/* Without the NUL: with it, the longest alias (255 characters) is one byte too long for the kernel. */
static void put_alias(struct nlmsghdr *msg, const char *alias)
{
    mnl_attr_put_str(msg, IFLA_IFALIAS, alias);
}

/* --- NICs ----------------------------------------------------------------------------------------- */

/* One queue per end: the default of one per CPU doubles the cost of making it, and a guest's packets are in
 * order anyway. */
static void put_queues(struct nlmsghdr *msg)
{
    mnl_attr_put_u32(msg, IFLA_NUM_TX_QUEUES, 1);
    mnl_attr_put_u32(msg, IFLA_NUM_RX_QUEUES, 1);
}

void vnl_link_put_size(struct nlmsghdr *msg)
{
    mnl_attr_put_u32(msg, IFLA_GSO_MAX_SIZE, GSO_BYTES);
    mnl_attr_put_u32(msg, GSO_IPV4_MAX_SIZE_ATTR, GSO_BYTES);
    put_queues(msg);
}

/* IFF_UP is refused for the guest end in this request (ENOTCONN: it does not know its partner yet). */
static void put_guest_end(struct nlmsghdr *msg, const struct vnl_plan_nic *nic, int netns_fd, uint32_t number)
{
    struct ifinfomsg head = { .ifi_index = (int)(VNL_GUEST_IFINDEX + number) };
    struct nlattr *peer = mnl_attr_nest_start(msg, VETH_INFO_PEER);
    char ifname[16];

    *(struct ifinfomsg *)mnl_nlmsg_put_extra_header(msg, sizeof(head)) = head;
    vnl_guest_ifname(ifname, number);
    mnl_attr_put_strz(msg, IFLA_IFNAME, ifname);
    mnl_attr_put(msg, IFLA_ADDRESS, sizeof(nic->mac.bytes), nic->mac.bytes);
    mnl_attr_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)netns_fd);
    vnl_link_put_size(msg);
    mnl_attr_nest_end(msg, peer);
}

/* The host end has the fabric's MAC: packets that are handed over to a guest carry the guest's and are not
 * for it, and kernels before 6.15 that look at the MAC only then see a packet for this host. */
void vnl_link_put_veth(struct vnl_nl *nl, const struct vnl_plan_nic *nic, int netns_fd, uint32_t number,
                       const char *vm)
{
    struct vnl_nl_what what = { .action = "make port", .object = nic->ifname, .vm = vm };
    struct nlmsghdr *msg = put_link(nl, NLM_F_CREATE | NLM_F_EXCL, nic->ifindex, 0, &what);
    struct nlattr *info, *data;

    mnl_attr_put_strz(msg, IFLA_IFNAME, nic->ifname);
    mnl_attr_put(msg, IFLA_ADDRESS, sizeof(fabric_mac), fabric_mac);
    put_queues(msg);
    info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
    mnl_attr_put_str(msg, IFLA_INFO_KIND, "veth");
    data = mnl_attr_nest_start(msg, IFLA_INFO_DATA);
    put_guest_end(msg, nic, netns_fd, number);
    mnl_attr_nest_end(msg, data);
    mnl_attr_nest_end(msg, info);
}

/* Two requests, because port flags need a port. The second fails as a whole when the first did, so the tag
 * comes last. */
void vnl_link_put_port(struct vnl_nl *nl, const struct vnl_plan_nic *nic, const char *vm)
{
    struct vnl_nl_what join = { .action = "put into its bridge the port", .object = nic->ifname, .vm = vm };
    struct vnl_nl_what setup = { .action = "set up port", .object = nic->ifname, .vm = vm };
    struct nlmsghdr *msg = put_link(nl, 0, nic->ifindex, 0, &join);
    struct nlattr *info, *data;

    mnl_attr_put_u32(msg, IFLA_MASTER, nic->bridge_ifindex);

    msg = put_link(nl, 0, nic->ifindex, IFF_UP, &setup);
    info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
    mnl_attr_put_str(msg, IFLA_INFO_SLAVE_KIND, "bridge");
    data = mnl_attr_nest_start(msg, IFLA_INFO_SLAVE_DATA);
    mnl_attr_put_u8(msg, IFLA_BRPORT_ISOLATED, 1);
    mnl_attr_put_u8(msg, IFLA_BRPORT_LEARNING, 0);
    mnl_attr_put_u8(msg, IFLA_BRPORT_UNICAST_FLOOD, 0);
    mnl_attr_put_u8(msg, IFLA_BRPORT_MCAST_FLOOD, 0);
    mnl_attr_put_u8(msg, IFLA_BRPORT_BCAST_FLOOD, 0);
    mnl_attr_nest_end(msg, data);
    mnl_attr_nest_end(msg, info);
    mnl_attr_put_u32(msg, IFLA_MTU, VNL_LINK_MTU);
    put_alias(msg, nic->alias);
}

/* Still ours, but the tag of no plan. */
void vnl_link_put_changing(struct vnl_nl *nl, const struct vnl_plan_nic *nic, const char *lab, const char *vm)
{
    struct vnl_nl_what what = { .action = "mark port", .object = nic->ifname, .vm = vm };
    struct nlmsghdr *msg = put_link(nl, 0, nic->ifindex, 0, &what);
    char alias[256];

    (void)snprintf(alias, sizeof(alias), "vnetlab %.200s ~", lab);
    put_alias(msg, alias);
}

/* Without link-local address there is no duplicate address detection and no router solicitation: nothing in a
 * VNet would answer. It has to be said before the link is up, hence two requests. (addr_gen_mode; no write
 * below /proc/sys, which costs 35 to 270 us.) */
void vnl_link_put_guest(struct vnl_nl *nl, uint32_t number, const struct vnl_mac *mac, const char *vm)
{
    struct vnl_nl_what quiet = {
        .action = "turn off IPv6 autoconfiguration of", .object = "the NIC", .vm = vm, .ignore = EAFNOSUPPORT
    };
    struct vnl_nl_what up = { .action = "set up", .object = "the NIC", .vm = vm };
    struct nlmsghdr *msg = put_link(nl, 0, VNL_GUEST_IFINDEX + number, 0, &quiet);
    struct nlattr *spec = mnl_attr_nest_start(msg, IFLA_AF_SPEC);
    struct nlattr *inet6 = mnl_attr_nest_start(msg, AF_INET6);

    mnl_attr_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(msg, inet6);
    mnl_attr_nest_end(msg, spec);

    msg = put_link(nl, 0, VNL_GUEST_IFINDEX + number, IFF_UP, &up);
    if (mac)
        mnl_attr_put(msg, IFLA_ADDRESS, sizeof(mac->bytes), mac->bytes);
}

void vnl_link_put_loopback(struct vnl_nl *nl, const char *vm)
{
    struct vnl_nl_what what = { .action = "set up", .object = "lo", .vm = vm };

    (void)put_link(nl, 0, VNL_GUEST_LO_IFINDEX, IFF_UP, &what);
}

static int read_guest_end(const struct nlmsghdr *msg, void *arg)
{
    const struct nlattr *attr, *info;
    bool is_veth = false, is_named = false;

    mnl_attr_for_each(attr, msg, sizeof(struct ifinfomsg))
    {
        if (mnl_attr_get_type(attr) == IFLA_IFNAME)
            is_named = strcmp(mnl_attr_get_str(attr), arg) == 0;
        if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
            continue;
        mnl_attr_for_each_nested(info, attr)
        {
            if (mnl_attr_get_type(info) == IFLA_INFO_KIND)
                is_veth = strcmp(mnl_attr_get_str(info), "veth") == 0;
        }
    }
    return is_veth && is_named ? 1 : 0;
}

bool vnl_link_guest_exists(struct vnl_nl *nl, uint32_t number)
{
    struct ifinfomsg head = { .ifi_index = (int)(VNL_GUEST_IFINDEX + number) };
    char buf[64], ifname[16];
    struct nlmsghdr *request = mnl_nlmsg_put_header(buf);

    request->nlmsg_type = RTM_GETLINK;
    memcpy(mnl_nlmsg_put_extra_header(request, sizeof(head)), &head, sizeof(head));
    vnl_guest_ifname(ifname, number);
    return vnl_nl_ask(nl, request, read_guest_end, ifname) == 1;
}

/* --- bridges -------------------------------------------------------------------------------------- */

/* MAC and MTU are given so that the kernel does not derive them from all ports again with each port. */
void vnl_link_put_bridge(struct vnl_nl *nl, const struct vnl_plan_bridge *bridge)
{
    struct vnl_nl_what make = { .action = "make bridge", .object = bridge->ifname };
    struct vnl_nl_what size = { .action = "set the MTU of bridge", .object = bridge->ifname };
    struct nlmsghdr *msg = put_link(nl, NLM_F_CREATE | NLM_F_EXCL, bridge->ifindex, 0, &make);
    struct nlattr *info, *data;

    mnl_attr_put_strz(msg, IFLA_IFNAME, bridge->ifname);
    mnl_attr_put(msg, IFLA_ADDRESS, sizeof(fabric_mac), fabric_mac);
    info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
    mnl_attr_put_str(msg, IFLA_INFO_KIND, "bridge");
    data = mnl_attr_nest_start(msg, IFLA_INFO_DATA);
    mnl_attr_put_u32(msg, IFLA_BR_STP_STATE, 0);
    mnl_attr_put_u8(msg, IFLA_BR_MCAST_SNOOPING, 0);
    mnl_attr_nest_end(msg, data);
    mnl_attr_nest_end(msg, info);

    msg = put_link(nl, 0, bridge->ifindex, 0, &size);
    mnl_attr_put_u32(msg, IFLA_MTU, VNL_LINK_MTU);
}

void vnl_link_put_bridge_tag(struct vnl_nl *nl, const struct vnl_plan_bridge *bridge)
{
    struct vnl_nl_what what = { .action = "set up bridge", .object = bridge->ifname };
    struct nlmsghdr *msg = put_link(nl, 0, bridge->ifindex, IFF_UP, &what);

    mnl_attr_put_u32(msg, IFLA_MTU, VNL_LINK_MTU);
    put_alias(msg, bridge->alias);
}

/* --- renaming ------------------------------------------------------------------------------------- */

/* Kernels before 6.2 do not rename what is up. */
void vnl_link_put_name(struct vnl_nl *nl, uint32_t ifindex, const char *ifname)
{
    struct vnl_nl_what what = { .action = "give a link its name", .object = ifname };
    struct ifinfomsg head = { .ifi_index = (int)ifindex, .ifi_change = IFF_UP };
    struct nlmsghdr *msg;

    (void)vnl_nl_put(nl, RTM_NEWLINK, 0, &head, sizeof(head), &what);
    msg = put_link(nl, 0, ifindex, 0, &what);
    mnl_attr_put_strz(msg, IFLA_IFNAME, ifname);
}

/* --- deleting ------------------------------------------------------------------------------------- */

int vnl_link_delete(struct vnl_nl *nl, const uint32_t *ifindexes, size_t n, struct vnl_err **err)
{
    struct vnl_nl_what gather = { .action = "delete", .object = "links", .ignore = ENODEV };
    struct ifinfomsg all = { 0 };
    struct nlmsghdr *msg;
    int r;

    for (size_t i = 0; i < n; i++) {
        msg = put_link(nl, 0, ifindexes[i], 0, &gather);
        mnl_attr_put_u32(msg, IFLA_GROUP, DELETE_GROUP);
    }
    r = vnl_nl_flush(nl, err);
    if (r < 0 || n == 0)
        return r;
    msg = vnl_nl_put(nl, RTM_DELLINK, 0, &all, sizeof(all), &gather);
    mnl_attr_put_u32(msg, IFLA_GROUP, DELETE_GROUP);
    return vnl_nl_flush(nl, err);
}
