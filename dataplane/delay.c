#include "vnetlab/delay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "delay_ports.h"
#include "filter.h"
#include "link.h"
#include "netlink.h"
#include "netns.h"
#include "observe.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/layout.h"
#include "vnetlab/plan.h"

#define NETEM_LIMIT 100000u /* packets on their way: 60 ms of a million a second */
#define QUEUE_TRIES 2000
#define TAP_QUEUE   20000u /* packets that the agent has not read yet */

/* One port as it is to be. */
struct port {
    const struct vnl_delay_env *env;
    uint32_t number;    /* index of plan->delays */
    uint32_t out, back; /* interface indices; equal for a TAP */
    char ifname[16], back_name[16];
    char alias[256];
};

bool vnl_delay_is_port(uint32_t ifindex)
{
    return ifindex > VNL_DELAY_IFINDEX && ifindex <= VNL_DELAYED_IFINDEX + VNL_DELAYS_MAX;
}

static uint32_t class_of(uint32_t number)
{
    return number + 1;
}

static void port_name(char buf[16], const char *what, uint32_t number)
{
    (void)snprintf(buf, 16, "%s%u", what, class_of(number));
}

static void name_port(struct port *port, bool tap)
{
    const struct vnl_plan *plan = port->env->plan;
    const struct vnl_plan_delay *delay = &plan->delays[port->number];

    port->out = VNL_DELAY_IFINDEX + class_of(port->number);
    port->back = tap ? port->out : VNL_DELAYED_IFINDEX + class_of(port->number);
    port_name(port->ifname, "delay", port->number);
    port_name(port->back_name, tap ? "delay" : "delayed", port->number);
    (void)snprintf(port->alias, sizeof(port->alias), "vnetlab %s delay %.60s %.60s %uus %s", plan->lab,
                   delay->a, delay->b, delay->one_way_us, tap ? "tap" : "netem");
}

static struct nlmsghdr *put_link(struct vnl_nl *nl, uint16_t flags, uint32_t ifindex, unsigned up,
                                 const char *action, const char *object)
{
    struct vnl_nl_what what = { .action = action, .object = object };
    struct ifinfomsg head = { .ifi_index = (int)ifindex, .ifi_flags = up, .ifi_change = up };

    return vnl_nl_put(nl, RTM_NEWLINK, flags, &head, sizeof(head), &what);
}

/* --- netem ------------------------------------------------------------------------------------------ */

static void put_pair(struct port *port)
{
    struct nlmsghdr *msg = put_link(port->env->fabric, NLM_F_CREATE | NLM_F_EXCL, port->out, 0,
                                    "make the delay port", port->ifname);
    struct ifinfomsg head = { .ifi_index = (int)port->back };
    struct nlattr *info, *data, *peer;

    mnl_attr_put_strz(msg, IFLA_IFNAME, port->ifname);
    vnl_link_put_size(msg);
    info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
    mnl_attr_put_str(msg, IFLA_INFO_KIND, "veth");
    data = mnl_attr_nest_start(msg, IFLA_INFO_DATA);
    peer = mnl_attr_nest_start(msg, VETH_INFO_PEER);
    *(struct ifinfomsg *)mnl_nlmsg_put_extra_header(msg, sizeof(head)) = head;
    mnl_attr_put_strz(msg, IFLA_IFNAME, port->back_name);
    vnl_link_put_size(msg);
    mnl_attr_nest_end(msg, peer);
    mnl_attr_nest_end(msg, data);
    mnl_attr_nest_end(msg, info);
}

/* The first four bytes of the options are a delay in ticks of the kernel's choosing; the attribute behind has it in nanoseconds. */
static void put_netem(struct vnl_nl *nl, uint32_t ifindex, const char *ifname, uint32_t delay_us)
{
    struct vnl_nl_what what = { .action = "delay packets at", .object = ifname };
    struct tcmsg head = {
        .tcm_family = AF_UNSPEC,
        .tcm_ifindex = (int)ifindex,
        .tcm_parent = TC_H_ROOT,
        .tcm_handle = TC_H_MAKE(1 << 16, 0),
    };
    struct tc_netem_qopt options = { .limit = NETEM_LIMIT };
    struct nlmsghdr *msg =
        vnl_nl_put(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head), &what);
    struct nlattr *nest;

    mnl_attr_put_strz(msg, TCA_KIND, "netem");
    nest = mnl_attr_nest_start(msg, TCA_OPTIONS);
    *(struct tc_netem_qopt *)mnl_nlmsg_put_extra_header(msg, sizeof(options)) = options;
    mnl_attr_put_u64(msg, TCA_NETEM_LATENCY64, (uint64_t)delay_us * 1000);
    mnl_attr_nest_end(msg, nest);
}

/* -ENOENT: this kernel has no netem, and the pair is gone again. */
static int make_pair(struct port *port, struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    int r;

    put_pair(port);
    if ((r = vnl_nl_flush(port->env->fabric, err)) < 0)
        return r;
    put_netem(port->env->fabric, port->out, port->ifname, port->env->plan->delays[port->number].one_way_us);
    r = vnl_nl_flush(port->env->fabric, &why);
    if (r == 0)
        return 0;
    (void)vnl_link_delete(port->env->fabric, &port->out, 1, NULL);
    if (r != -ENOENT && err)
        vnl_err_append(err, &why);
    return r;
}

/* --- TAP ---------------------------------------------------------------------------------------------- */

static int tap_failed(struct vnl_err **err, const char *ifname, const char *what)
{
    return vnl_fail(err, errno, "delay port '%s': %s: %s", ifname, what, strerror(errno));
}

/* In the calling thread's namespace. A virtio header in front of each packet: segments and checksums that are still to be done pass as
 * they are. */
static int open_tap(const char *ifname, uint32_t ifindex, int *ret_fd, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
    int index = (int)ifindex;

    if (fd < 0)
        return tap_failed(err, ifname, "cannot open /dev/net/tun");
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
    if (index && ioctl(fd, TUNSETIFINDEX, &index) < 0)
        return tap_failed(err, ifname, "TUNSETIFINDEX");
    if (ioctl(fd, TUNSETIFF, &request) < 0)
        return tap_failed(err, ifname, "TUNSETIFF");
    if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) < 0)
        return tap_failed(err, ifname, "TUNSETOFFLOAD");
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int make_tap(struct port *port, struct vnl_err **err)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    CLEANUP(vnl_fd_close) int fd = -1;
    struct nlmsghdr *msg;
    int r;

    if ((r = vnl_netns_enter(port->env->fabric_fd, &saved, err)) < 0 ||
        (r = open_tap(port->ifname, port->out, &fd, err)) < 0)
        return r;
    if (ioctl(fd, TUNSETPERSIST, 1) < 0)
        return tap_failed(err, port->ifname, "TUNSETPERSIST");
    msg = put_link(port->env->fabric, 0, port->out, 0, "set the queue of", port->ifname);
    mnl_attr_put_u32(msg, IFLA_TXQLEN, TAP_QUEUE);
    return vnl_nl_flush(port->env->fabric, err);
}

/* One frame of a type that nobody uses, to the port and out of the TAP again. */
static bool frame_arrives(int packet_fd, uint32_t ifindex, int tap)
{
    unsigned char frame[60] = { [12] = 0x88, [13] = 0xb5 }, back[256];
    struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)ifindex };
    struct pollfd wait = { .fd = tap, .events = POLLIN };

    if (sendto(packet_fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
        (void)usleep(1000);
    return poll(&wait, 1, 1) == 1 && read(tap, back, sizeof(back)) > 0;
}

/* A TAP that somebody opens gets its carrier, and a while later its queue: what is sent there before is dropped, and no flag says when that
 * is over. */
static int wait_for_queue(const char *ifname, uint32_t ifindex, int tap, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return tap_failed(err, ifname, "packet socket");
    for (int i = 0; i < QUEUE_TRIES; i++)
        if (frame_arrives(fd, ifindex, tap))
            return 0;
    errno = ETIMEDOUT;
    return tap_failed(err, ifname, "waiting for its queue");
}

int vnl_delay_open(const char *lab, uint32_t number, int *ret_fd, struct vnl_err **err)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    CLEANUP(vnl_fd_close) int fabric = -1, fd = -1;
    char ifname[16], back[16];
    int r;

    port_name(ifname, "delay", number);
    if ((r = vnl_netns_open(lab, VNL_FABRIC, &fabric, err)) < 0 ||
        (r = vnl_netns_enter(fabric, &saved, err)) < 0)
        return r;
    port_name(back, "delayed", number);
    if (if_nametoindex(back)) /* the far end of a veth: netem */
        return -ENODEV;
    if ((r = open_tap(ifname, 0, &fd, err)) < 0 ||
        (r = wait_for_queue(ifname, VNL_DELAY_IFINDEX + class_of(number), fd, err)) < 0)
        return r;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* --- one port ------------------------------------------------------------------------------------------ */

static const struct vnl_seen_link *seen_link(const struct port *port, uint32_t ifindex)
{
    return vnl_seen_link_lookup(port->env->seen, ifindex);
}

static bool is_tap(const struct vnl_seen_link *link)
{
    size_t len = link && link->alias ? strlen(link->alias) : 0;

    return len > 4 && strcmp(link->alias + len - 4, " tap") == 0;
}

static bool is_right(const struct port *port)
{
    const struct vnl_seen_link *out = seen_link(port, port->out), *back = seen_link(port, port->back);

    return out && back && out->up && back->up && out->alias && strcmp(out->alias, port->alias) == 0 &&
           vnl_filter_prog_id(port->env->fabric, port->back) == port->env->prog_id;
}

/* The program first, up next, the tag last. */
static int finish_port(struct port *port, struct vnl_err **err)
{
    struct vnl_nl *nl = port->env->fabric;
    int r;

    vnl_filter_put_at(nl, port->back, port->back_name, NULL, port->env->prog_fd);
    if ((r = vnl_nl_flush(nl, err)) < 0)
        return r;
    if (port->back != port->out)
        (void)put_link(nl, 0, port->back, IFF_UP, "set up the delay port", port->back_name);
    mnl_attr_put_str(put_link(nl, 0, port->out, IFF_UP, "set up the delay port", port->ifname), IFLA_IFALIAS,
                     port->alias);
    return vnl_nl_flush(nl, err);
}

static int make_port(struct port *port, struct vnl_dp_stats *stats, struct vnl_err **err)
{
    const uint32_t ends[] = { port->out, VNL_DELAYED_IFINDEX + class_of(port->number) };
    int r = vnl_link_delete(port->env->fabric, ends, ARRAY_SIZE(ends), err);

    if (r < 0)
        return r;
    name_port(port, false);
    r = make_pair(port, err);
    if (r == -ENOENT) {
        name_port(port, true);
        r = make_tap(port, err);
    }
    stats->created++;
    return r < 0 ? r : finish_port(port, err);
}

/* Another delay, same kind: packets that are on their way stay. */
static int change_port(struct port *port, bool tap, struct vnl_dp_stats *stats, struct vnl_err **err)
{
    if (!tap)
        put_netem(port->env->fabric, port->out, port->ifname,
                  port->env->plan->delays[port->number].one_way_us);
    stats->changed++;
    return finish_port(port, err);
}

static int apply_port(struct port *port, struct vnl_dp_stats *stats, struct vnl_err **err)
{
    const struct vnl_seen_link *out = seen_link(port, VNL_DELAY_IFINDEX + class_of(port->number));
    bool tap = is_tap(out);

    name_port(port, tap);
    if (is_right(port))
        return 0;
    if (out && out->alias && seen_link(port, port->back))
        return change_port(port, tap, stats, err);
    return make_port(port, stats, err);
}

/* --- all of them --------------------------------------------------------------------------------------- */

static bool is_planned(const struct vnl_plan *plan, uint32_t ifindex)
{
    uint32_t base = ifindex > VNL_DELAYED_IFINDEX ? VNL_DELAYED_IFINDEX : VNL_DELAY_IFINDEX;

    return ifindex - base <= plan->n_delays;
}

/* A veth's other end goes with it, so only what is there at the moment of asking is to be deleted: vnl_link_delete does not mind. */
static int remove_others(const struct vnl_delay_env *env, struct vnl_dp_stats *stats, struct vnl_err **err)
{
    uint32_t links[2 * VNL_DELAYS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < env->seen->n_links && n < ARRAY_SIZE(links); i++)
        if (vnl_delay_is_port(env->seen->links[i].ifindex) &&
            !is_planned(env->plan, env->seen->links[i].ifindex))
            links[n++] = env->seen->links[i].ifindex;
    stats->deleted += n;
    return n ? vnl_link_delete(env->fabric, links, n, err) : 0;
}

int vnl_delay_apply(const struct vnl_delay_env *env, struct vnl_dp_stats *stats, struct vnl_err **err)
{
    int r = remove_others(env, stats, err);

    for (uint32_t i = 0; i < env->plan->n_delays && r == 0; i++) {
        struct port port = { .env = env, .number = i };

        r = apply_port(&port, stats, err);
        if (r < 0)
            return vnl_wrap(err, "delay between %s and %s", env->plan->delays[i].a, env->plan->delays[i].b);
    }
    return r;
}

/* --- what the kernel has --------------------------------------------------------------------------------- */

static enum vnl_delay_kind probe_here(struct vnl_nl *nl)
{
    CLEANUP(vnl_fd_close) int fd = -1;

    put_netem(nl, VNL_GUEST_LO_IFINDEX, "lo", 1);
    if (vnl_nl_flush(nl, NULL) == 0)
        return VNL_DELAY_NETEM;
    return open_tap("probe", 0, &fd, NULL) == 0 ? VNL_DELAY_TAP : VNL_DELAY_NEITHER;
}

enum vnl_delay_kind vnl_delay_probe(void)
{
    CLEANUP(vnl_fd_close) int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    CLEANUP(vnl_netns_leave)
    int saved = -1; /* only who has left can go back: without the right to do either that would abort */
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;
    CLEANUP(vnl_fd_close) int fd = -1;

    if (own < 0 || vnl_netns_new(&fd, NULL) < 0)
        return VNL_DELAY_NEITHER;
    saved = TAKE_FD(own);
    return vnl_nl_open(&nl, NULL) < 0 ? VNL_DELAY_NEITHER : probe_here(nl);
}
