/* Azure gives the guest its address by DHCP; the table below is the one that a Linux guest then has, byte by
 * byte (spec 1.8):
 *
 *   default via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100
 *   10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.4 metric 100
 *   10.0.0.1 dev eth0 proto dhcp scope link src 10.0.0.4 metric 100
 *   168.63.129.16 via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100
 *   169.254.169.254 via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100
 *
 * For IPv6 the default router is fe80::1234:5678:9abc (spec 1.5). Only the primary NIC of a VM gets a gateway
 * (spec 1.8); the others' subnets have higher metrics, as cloud-init gives them on Azure: 200, 300, ... so that of two NICs in one
 * subnet the first is used. A simulated host of the internet side, or of a site, has no platform to talk to. A gateway's guest is given addresses alone: its
 * routes are gateway.c's. Nothing of this is policy: what happens to a packet after the guest has sent it is decided by
 * the port's program. */
#include "address.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "link.h"
#include "netlink.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

#define METRIC 100

#ifndef RTPROT_DHCP
#define RTPROT_DHCP 16
#endif

static const struct vnl_addr wire_server = { .family = AF_INET, .bytes = { 168, 63, 129, 16 } };
static const struct vnl_addr metadata = { .family = AF_INET, .bytes = { 169, 254, 169, 254 } };
static const struct vnl_addr nowhere4 = { .family = AF_INET }, nowhere6 = { .family = AF_INET6 };

static void put_addr(struct nlmsghdr *msg, uint16_t type, const struct vnl_addr *addr)
{
    mnl_attr_put(msg, type, vnl_addr_bits(addr->family) / 8, addr->bytes);
}

/* --- addresses ------------------------------------------------------------------------------------ */

static void put_address(struct vnl_nl *nl, const struct vnl_plan_addr *addr, uint32_t number, const char *vm)
{
    struct vnl_nl_what what = { .action = "give an address to", .object = "the NIC", .vm = vm };
    struct ifaddrmsg head = {
        .ifa_family = (uint8_t)addr->addr.family,
        .ifa_prefixlen = addr->prefix_len,
        .ifa_flags = addr->addr.family == AF_INET6 ? IFA_F_NODAD : 0,
        .ifa_index = VNL_GUEST_IFINDEX + number,
    };
    struct nlmsghdr *msg =
        vnl_nl_put(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head), &what);

    put_addr(msg, IFA_LOCAL, &addr->addr);
    put_addr(msg, IFA_ADDRESS, &addr->addr);
    mnl_attr_put_u32(msg, IFA_RT_PRIORITY, METRIC * (number + 1));
}

/* What a guest asks for neighbors with when it forwards a packet that is not its own: without a link-local address Linux asks nothing. */
static struct vnl_plan_addr link_local(const struct vnl_plan_nic *nic)
{
    const uint8_t *mac = nic->mac.bytes;

    return (struct vnl_plan_addr){
        .addr = { AF_INET6,
                  { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4],
                    mac[5] } },
        .prefix_len = 64,
    };
}

static bool has_ipv6(const struct vnl_plan_nic *nic)
{
    return nic->n_addrs && nic->addrs[nic->n_addrs - 1].addr.family == AF_INET6;
}

/* --- routes --------------------------------------------------------------------------------------- */

/* dst_len 0: the default route. via NULL: on the link. */
static void put_route(struct vnl_nl *nl, const struct vnl_addr *dst, unsigned dst_len,
                      const struct vnl_addr *via, const struct vnl_addr *src, uint32_t ifindex,
                      const char *vm)
{
    struct vnl_nl_what what = { .action = "give a route to", .object = "the NIC", .vm = vm };
    struct rtmsg head = {
        .rtm_family = (uint8_t)dst->family,
        .rtm_dst_len = (uint8_t)dst_len,
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = RTPROT_DHCP,
        .rtm_scope = via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
        .rtm_type = RTN_UNICAST,
    };
    struct nlmsghdr *msg =
        vnl_nl_put(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head), &what);

    if (dst_len)
        put_addr(msg, RTA_DST, dst);
    if (via)
        put_addr(msg, RTA_GATEWAY, via);
    if (src)
        put_addr(msg, RTA_PREFSRC, src);
    mnl_attr_put_u32(msg, RTA_OIF, ifindex);
    mnl_attr_put_u32(msg, RTA_PRIORITY, METRIC);
}

static void put_routes4(struct vnl_nl *nl, const struct vnl_plan_vm *vm, const struct vnl_plan_addr *addr,
                        uint32_t ifindex)
{
    const struct vnl_addr *gateway = &addr->gateway, *src = &addr->addr;

    put_route(nl, gateway, 32, NULL, src, ifindex, vm->name);
    put_route(nl, &nowhere4, 0, gateway, src, ifindex, vm->name);
    if (vm->host || vm->site_host)
        return;
    put_route(nl, &wire_server, 32, gateway, src, ifindex, vm->name);
    put_route(nl, &metadata, 32, gateway, src, ifindex, vm->name);
}

void vnl_address_put(struct vnl_nl *nl, const struct vnl_plan_vm *vm, const struct vnl_plan_nic *nic,
                     uint32_t number)
{
    uint32_t ifindex = VNL_GUEST_IFINDEX + number;
    bool routed4 = number > 0 || vm->gateway, routed6 = routed4;
    struct vnl_plan_addr local = link_local(nic);

    if (has_ipv6(nic))
        put_address(nl, &local, number, vm->name);
    for (size_t i = 0; i < nic->n_addrs; i++) {
        const struct vnl_plan_addr *addr = &nic->addrs[i];
        bool *routed = addr->addr.family == AF_INET ? &routed4 : &routed6;

        put_address(nl, addr, number, vm->name);
        if (*routed)
            continue;
        *routed = true;
        if (addr->addr.family == AF_INET)
            put_routes4(nl, vm, addr, ifindex);
        else
            put_route(nl, &nowhere6, 0, &addr->gateway, NULL, ifindex, vm->name);
    }
}

/* --- what is too much ----------------------------------------------------------------------------- */

#define STALE_MAX 64 /* further ones are found by the next round */

struct stale {
    const struct vnl_plan_nic *nic;
    uint32_t ifindex;
    size_t n;
    struct {
        struct ifaddrmsg head;
        struct vnl_addr addr;
    } items[STALE_MAX];
};

static bool planned(const struct vnl_plan_nic *nic, const struct vnl_addr *addr, unsigned prefix_len)
{
    struct vnl_plan_addr local;

    for (size_t i = 0; i < nic->n_addrs; i++)
        if (vnl_addr_eq(&nic->addrs[i].addr, addr) && nic->addrs[i].prefix_len == prefix_len)
            return true;
    local = link_local(nic);
    return has_ipv6(nic) && vnl_addr_eq(&local.addr, addr) && prefix_len == local.prefix_len;
}

static int note_stale(const struct nlmsghdr *msg, void *arg)
{
    const struct ifaddrmsg *head = mnl_nlmsg_get_payload(msg);
    struct stale *stale = arg;
    const struct nlattr *attr;

    if (head->ifa_index != stale->ifindex || stale->n == STALE_MAX)
        return 0;
    mnl_attr_for_each(attr, msg, sizeof(*head))
    {
        struct vnl_addr addr = { .family = head->ifa_family };

        if (mnl_attr_get_type(attr) != (head->ifa_family == AF_INET ? IFA_LOCAL : IFA_ADDRESS) ||
            mnl_attr_get_payload_len(attr) != vnl_addr_bits(head->ifa_family) / 8)
            continue;
        memcpy(addr.bytes, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
        if (planned(stale->nic, &addr, head->ifa_prefixlen))
            continue;
        stale->items[stale->n].head = *head;
        stale->items[stale->n++].addr = addr;
    }
    return 0;
}

int vnl_address_clean(struct vnl_nl *nl, const struct vnl_plan_nic *nic, uint32_t number, const char *vm,
                      struct vnl_err **err)
{
    /* A subnet's first address takes the others of the subnet along. */
    struct vnl_nl_what what = {
        .action = "take an address from", .object = "the NIC", .vm = vm, .ignore = EADDRNOTAVAIL
    };
    struct stale stale = { .nic = nic, .ifindex = VNL_GUEST_IFINDEX + number };
    struct ifaddrmsg all = { .ifa_family = AF_UNSPEC };
    int r;

    do {
        stale.n = 0;
        r = vnl_nl_dump(nl, RTM_GETADDR, &all, sizeof(all), note_stale, &stale, err);
        for (size_t i = 0; i < stale.n && (r == 0 || r == -EINTR); i++) {
            struct nlmsghdr *msg =
                vnl_nl_put(nl, RTM_DELADDR, 0, &stale.items[i].head, sizeof(stale.items[i].head), &what);

            put_addr(msg, IFA_LOCAL, &stale.items[i].addr);
        }
        if (r == 0 || r == -EINTR) {
            int r_flush = vnl_nl_flush(nl, err);

            r = r_flush < 0 ? r_flush : r;
        }
    } while (r == -EINTR || (r == 0 && stale.n));
    return r;
}
