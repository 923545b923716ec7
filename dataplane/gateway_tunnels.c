/* A tunnel is an interface: with the kernel's ESP an XFRM interface, whose number (if_id) is that of the SAs; else the TUN of the daemon that
 * does ESP itself. */
#include "gateway.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "netlink.h"
#include "netns.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/gateway.h"
#include "vnetlab/plan.h"

#define QUEUE_PACKETS 5000 /* of a TUN: what the daemon has not read yet (feasibility/vpn.md, section 4) */
#define DUMP_TRIES    20

/* --- what the kernel can --------------------------------------------------------------------------------------------------------- */

static void put_xfrm(struct vnl_nl *nl, const char *ifname, uint32_t if_id, const struct vnl_nl_what *what)
{
    struct ifinfomsg head = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
    struct nlmsghdr *msg = vnl_nl_put(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head), what);
    struct nlattr *info, *data;

    mnl_attr_put_strz(msg, IFLA_IFNAME, ifname);
    mnl_attr_put_u32(msg, IFLA_MTU, VNL_TUNNEL_MTU);
    info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
    mnl_attr_put_str(msg, IFLA_INFO_KIND, "xfrm");
    data = mnl_attr_nest_start(msg, IFLA_INFO_DATA);
    mnl_attr_put_u32(msg, IFLA_XFRM_IF_ID, if_id);
    mnl_attr_nest_end(msg, data);
    mnl_attr_nest_end(msg, info);
}

static bool has_interfaces(void)
{
    struct vnl_nl_what what = { .action = "make", .object = "an XFRM interface" };
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;

    if (vnl_nl_open(&nl, NULL) < 0)
        return false;
    put_xfrm(nl, "probe", 1, &what);
    return vnl_nl_flush(nl, NULL) == 0;
}

/* As charon would install it for aes256gcm16. */
static void put_sa(struct nlmsghdr *msg)
{
    struct {
        struct xfrm_algo_aead head;
        uint8_t key[36];
    } aead = { .head = { .alg_name = "rfc4106(gcm(aes))", .alg_key_len = 8 * 36, .alg_icv_len = 128 } };
    struct xfrm_usersa_info *sa = mnl_nlmsg_put_extra_header(msg, sizeof(*sa));

    sa->family = AF_INET;
    sa->mode = XFRM_MODE_TUNNEL;
    sa->id.proto = IPPROTO_ESP;
    sa->id.spi = 0x01010101;
    sa->id.daddr.a4 = sa->saddr.a4 = 0x0100007f;
    sa->lft.soft_byte_limit = sa->lft.hard_byte_limit = XFRM_INF;
    sa->lft.soft_packet_limit = sa->lft.hard_packet_limit = XFRM_INF;
    mnl_attr_put(msg, XFRMA_ALG_AEAD, sizeof(aead), &aead);
}

static void socket_close(struct mnl_socket **socket)
{
    if (*socket)
        (void)mnl_socket_close(*socket);
}

static bool has_esp(void)
{
    CLEANUP(socket_close) struct mnl_socket *socket = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC);
    char buf[4096] = { 0 };
    struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
    ssize_t size;

    msg->nlmsg_type = XFRM_MSG_NEWSA;
    msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    msg->nlmsg_seq = 1;
    put_sa(msg);
    if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_sendto(socket, msg, msg->nlmsg_len) < 0 ||
        (size = mnl_socket_recvfrom(socket, buf, sizeof(buf))) < 0)
        return false;
    return mnl_cb_run(buf, (size_t)size, 1, mnl_socket_get_portid(socket), NULL, NULL) >= 0;
}

static struct {
    pthread_once_t once;
    const char *missing;
} kernel = { .once = PTHREAD_ONCE_INIT };

static void *probe(void *arg)
{
    int fd = -1;

    (void)arg;
    if (vnl_netns_new(&fd, NULL) < 0)
        kernel.missing = "a network namespace to try it in cannot be made";
    else if (!has_interfaces())
        kernel.missing = "the kernel has no XFRM interfaces (CONFIG_XFRM_INTERFACE)";
    else if (!has_esp())
        kernel.missing = "the kernel has no ESP with AES-GCM (CONFIG_INET_ESP, CONFIG_CRYPTO_GCM)";
    vnl_fd_close(&fd);
    return NULL;
}

/* In a thread of its own: the namespace goes with it. */
static void probe_once(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, probe, NULL) != 0)
        kernel.missing = "no memory";
    else
        (void)pthread_join(thread, NULL);
}

bool vnl_gateway_kernel_esp(const char **ret_why)
{
    (void)pthread_once(&kernel.once, probe_once);
    if (ret_why)
        *ret_why = kernel.missing;
    return !kernel.missing;
}

/* One entry: an engine's name, maybe with a gateway's. */
static bool entry_is_for(const char *entry, size_t size, const char *gateway, char ret[VNL_ENGINE_STR])
{
    const char *colon = memchr(entry, ':', size);
    size_t engine = colon ? (size_t)(colon - entry) : size, name = colon ? size - engine - 1 : 0;

    if (!engine || engine >= VNL_ENGINE_STR || !colon != !gateway ||
        (colon && (strlen(gateway) != name || strncasecmp(colon + 1, gateway, name) != 0)))
        return false;
    (void)snprintf(ret, VNL_ENGINE_STR, "%.*s", (int)engine, entry);
    return true;
}

bool vnl_gateway_engine_forced(const char *gateway, char ret[VNL_ENGINE_STR])
{
    const char *entry = getenv("VNETLAB_VPN_ENGINE");

    while (entry && *entry) {
        size_t size = strcspn(entry, ",");

        if (entry_is_for(entry, size, gateway, ret))
            return true;
        entry += size + (entry[size] == ',');
    }
    return gateway && vnl_gateway_engine_forced(NULL, ret);
}

bool vnl_gateway_uses_xfrm(const char *gateway)
{
    char engine[VNL_ENGINE_STR];

    return vnl_gateway_engine_forced(gateway, engine) ? strcmp(engine, "xfrm") == 0
                                                      : vnl_gateway_kernel_esp(NULL);
}

/* --- XFRM interfaces --------------------------------------------------------------------------------------------------------------- */

struct tunnel_link {
    uint32_t ifindex, if_id, mtu;
    bool is_xfrm, is_up;
    char ifname[16];
};

struct tunnel_links {
    struct tunnel_link *items;
    size_t n;
};

static void links_done(struct tunnel_links *links)
{
    free(links->items);
    links->items = NULL;
    links->n = 0;
}

static void read_info(const struct nlattr *info, struct tunnel_link *link)
{
    const struct nlattr *attr, *data;

    mnl_attr_for_each_nested(attr, info)
    {
        if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
            link->is_xfrm = strcmp(mnl_attr_get_str(attr), "xfrm") == 0;
        if (mnl_attr_get_type(attr) == IFLA_INFO_DATA && link->is_xfrm)
            mnl_attr_for_each_nested(data, attr) if (mnl_attr_get_type(data) == IFLA_XFRM_IF_ID) link->if_id =
                mnl_attr_get_u32(data);
    }
}

static int note_link(const struct nlmsghdr *msg, void *arg)
{
    const struct ifinfomsg *head = mnl_nlmsg_get_payload(msg);
    struct tunnel_link link = { .ifindex = (uint32_t)head->ifi_index, .is_up = head->ifi_flags & IFF_UP };
    struct tunnel_links *links = arg;
    const struct nlattr *attr;
    struct tunnel_link *items;

    mnl_attr_for_each(attr, msg, sizeof(*head))
    {
        if (mnl_attr_get_type(attr) == IFLA_IFNAME)
            (void)snprintf(link.ifname, sizeof(link.ifname), "%s", mnl_attr_get_str(attr));
        else if (mnl_attr_get_type(attr) == IFLA_MTU)
            link.mtu = mnl_attr_get_u32(attr);
        else if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
            read_info(attr, &link);
    }
    if (!link.is_xfrm || (strncmp(link.ifname, "vpn", 3) != 0 && strncmp(link.ifname, "p2s", 3) != 0))
        return 0;
    items = reallocarray(links->items, links->n + 1, sizeof(*items));
    if (!items)
        return -ENOMEM;
    links->items = items;
    items[links->n++] = link;
    return 0;
}

static int read_tunnel_links(struct vnl_nl *nl, const char *vm, struct tunnel_links *ret,
                             struct vnl_err **err)
{
    struct ifinfomsg all = { .ifi_family = AF_UNSPEC };
    int r = -EINTR;

    for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++) {
        links_done(ret);
        r = vnl_nl_dump(nl, RTM_GETLINK, &all, sizeof(all), note_link, ret, err);
    }
    if (r == -ENOMEM || r == -EINTR)
        return vnl_fail(err, -r, "VM '%s': cannot read its interfaces: %s", vm ? vm : "", strerror(-r));
    return r;
}

static const struct tunnel_link *link_of(const struct tunnel_links *links,
                                         const struct vnl_plan_tunnel *tunnel)
{
    for (size_t i = 0; i < links->n; i++)
        if (strcmp(links->items[i].ifname, tunnel->ifname) == 0 && links->items[i].if_id == tunnel->if_id)
            return &links->items[i];
    return NULL;
}

static bool is_planned(const struct vnl_plan *plan, size_t gateway, const struct tunnel_link *link)
{
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (plan->tunnels[i].gateway == gateway && strcmp(plan->tunnels[i].ifname, link->ifname) == 0 &&
            plan->tunnels[i].if_id == link->if_id)
            return true;
    return false;
}

static void put_link_state(struct vnl_nl *nl, uint32_t ifindex, const struct vnl_nl_what *what)
{
    struct ifinfomsg head = { .ifi_index = (int)ifindex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
    struct nlmsghdr *msg = vnl_nl_put(nl, RTM_NEWLINK, 0, &head, sizeof(head), what);

    mnl_attr_put_u32(msg, IFLA_MTU, VNL_TUNNEL_MTU);
}

static int remove_links(const struct vnl_plan *plan, size_t gateway, const struct tunnel_links *links,
                        struct vnl_nl *nl, bool *ret_changed, struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; i < links->n && r == 0; i++)
        if (!is_planned(plan, gateway, &links->items[i])) {
            r = vnl_link_delete(nl, &links->items[i].ifindex, 1, err);
            *ret_changed = true;
        }
    return r;
}

int vnl_gateway_tunnels_sync_one(const struct vnl_plan *plan, size_t gateway, struct vnl_nl *nl,
                                 bool *ret_changed, struct vnl_err **err)
{
    const char *vm = gateway < plan->n_gateways ? plan->gateways[gateway].name : NULL;
    struct vnl_nl_what make = { .action = "make", .object = "a tunnel's interface", .vm = vm };
    struct vnl_nl_what set = { .action = "set up", .object = "a tunnel's interface", .vm = vm };
    CLEANUP(links_done) struct tunnel_links links = { 0 };
    int r = read_tunnel_links(nl, vm, &links, err);

    if (r < 0 || (r = remove_links(plan, gateway, &links, nl, ret_changed, err)) < 0)
        return r;
    for (size_t i = 0; i < plan->n_tunnels; i++) {
        const struct vnl_plan_tunnel *tunnel = &plan->tunnels[i];
        const struct tunnel_link *link = link_of(&links, tunnel);

        if (tunnel->gateway != gateway || (link && link->is_up && link->mtu == VNL_TUNNEL_MTU))
            continue;
        *ret_changed = true;
        if (link)
            put_link_state(nl, link->ifindex, &set);
        else
            put_xfrm(nl, tunnel->ifname, tunnel->if_id, &make);
    }
    return vnl_nl_flush(nl, err);
}

/* --- TUNs ---------------------------------------------------------------------------------------------------------------------------- */

int vnl_gateway_ifindex(int netns_fd, const char *ifname, uint32_t *ret, struct vnl_err **err)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    int r = vnl_netns_enter(netns_fd, &saved, err);

    if (r == 0)
        *ret = if_nametoindex(ifname);
    return r;
}

static int adopt(struct vnl_nl *nl, uint32_t ifindex, const char *altname, const char *vm,
                 struct vnl_err **err)
{
    struct vnl_nl_what name = { .action = "name", .object = altname, .vm = vm };
    struct vnl_nl_what set = { .action = "set up", .object = altname, .vm = vm };
    struct ifinfomsg head = { .ifi_index = (int)ifindex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
    struct ifinfomsg same = { .ifi_index = (int)ifindex };
    struct nlmsghdr *msg = vnl_nl_put(nl, RTM_NEWLINK, 0, &head, sizeof(head), &set);
    struct nlattr *list;

    mnl_attr_put_u32(msg, IFLA_MTU, VNL_TUNNEL_MTU);
    mnl_attr_put_u32(msg, IFLA_TXQLEN, QUEUE_PACKETS);
    if (altname) {
        msg = vnl_nl_put(nl, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, &same, sizeof(same),
                         &name);
        list = mnl_attr_nest_start(msg, IFLA_PROP_LIST | NLA_F_NESTED);
        mnl_attr_put_strz(msg, IFLA_ALT_IFNAME, altname);
        mnl_attr_nest_end(msg, list);
    }
    return vnl_nl_flush(nl, err);
}

int vnl_gateway_tun_adopt(const char *lab, const char *gateway, const char *ifname, const char *altname,
                          struct vnl_err **err)
{
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;
    CLEANUP(vnl_fd_close) int fd = -1;
    uint32_t ifindex = 0, named = 0;
    int r = vnl_netns_open(lab, gateway, &fd, err);

    if (r < 0 || (r = vnl_nl_open_in(fd, &nl, err)) < 0 ||
        (r = vnl_gateway_ifindex(fd, ifname, &ifindex, err)) < 0 ||
        (r = vnl_gateway_ifindex(fd, altname, &named, err)) < 0)
        return r;
    if (!ifindex)
        return vnl_fail(err, ENODEV, "VM '%s' has no interface '%s'", gateway, ifname);
    if (named && named != ifindex)
        return vnl_fail(err, EEXIST, "VM '%s': another interface is '%s' already", gateway, altname);
    return adopt(nl, ifindex, named ? NULL : altname, gateway, err);
}
