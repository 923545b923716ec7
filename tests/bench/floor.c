/* floor N | floor --wait: what the kernel itself takes to make N VMs, and to free them.
 *
 * Per VM: a network namespace, a single-queue veth made straight into it, loopback and eth0 up, one address,
 * one default route, clsact and one BPF filter on the fabric's end; batches of 16, raw netlink, one thread.
 * Nothing is named, nothing is kept: no policy, no bridge, no database. A product cannot be faster than this;
 * `make bench` quotes vnetlab as a multiple of it.
 *
 * Prints "up_s SECONDS" (from the start of the process) and "freed_s SECONDS" (until the kernel has freed
 * everything).
 * --wait: only waits until namespaces that died before have been freed, and prints "freed_s".
 *
 * How the end is seen: the kernel frees dead namespaces in the order of their death, so when a namespace that
 * died after all others has lost its veth, the others are gone. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BATCH     16
#define FIRST     1000 /* ifindex of the first fabric end */
#define BATCH_MAX (256 * 1024)

static char batch[BATCH_MAX];
static size_t batch_len;
static struct nlmsghdr *batch_last;

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct nlmsghdr *msg(uint16_t type, uint16_t flags, const void *extra, size_t size)
{
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(batch + batch_len);

    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = NLM_F_REQUEST | flags;
    memcpy(mnl_nlmsg_put_extra_header(nlh, size), extra, size);
    batch_last = nlh;
    return nlh;
}

static void msg_end(struct nlmsghdr *nlh)
{
    batch_len += NLMSG_ALIGN(nlh->nlmsg_len);
    if (batch_len > sizeof(batch) - 4096)
        errx(1, "batch is full");
}

/* One sendmsg for the whole batch; only the last message asks for an ack, failures of the others arrive all
 * the same. */
static void flush(int fd, const char *what)
{
    char buf[65536];

    if (!batch_len)
        return;
    batch_last->nlmsg_flags |= NLM_F_ACK;
    batch_last->nlmsg_seq = 1;
    if (send(fd, batch, batch_len, 0) < 0)
        err(1, "%s", what);
    batch_len = 0;
    for (;;) {
        ssize_t got = recv(fd, buf, sizeof(buf), 0);
        int len = (int)got;

        if (got < 0)
            err(1, "%s", what);
        for (struct nlmsghdr *nlh = (struct nlmsghdr *)buf; mnl_nlmsg_ok(nlh, len);
             nlh = mnl_nlmsg_next(nlh, &len)) {
            struct nlmsgerr *status = mnl_nlmsg_get_payload(nlh);

            if (nlh->nlmsg_type != NLMSG_ERROR)
                continue;
            if (status->error)
                errx(1, "%s: %s", what, strerror(-status->error));
            if (nlh->nlmsg_seq == 1)
                return;
        }
    }
}

static int netlink_open(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    int size = 4 << 20;

    if (fd < 0)
        err(1, "netlink");
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    return fd;
}

static int netns_new(void)
{
    int fd;

    if (unshare(CLONE_NEWNET) < 0 || (fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) < 0)
        err(1, "network namespace");
    return fd;
}

static void put_veth(int i, int netns)
{
    struct ifinfomsg info = { .ifi_index = FIRST + i, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
    struct ifinfomsg peer_info = { .ifi_index = 2 };
    struct nlmsghdr *nlh = msg(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
    struct nlattr *link, *data, *peer;
    char name[16];

    snprintf(name, sizeof(name), "h%d", i);
    mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
    mnl_attr_put_u32(nlh, IFLA_NUM_TX_QUEUES, 1);
    mnl_attr_put_u32(nlh, IFLA_NUM_RX_QUEUES, 1);
    link = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
    mnl_attr_put_str(nlh, IFLA_INFO_KIND, "veth");
    data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
    peer = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
    memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(peer_info)), &peer_info, sizeof(peer_info));
    mnl_attr_put_strz(nlh, IFLA_IFNAME, "eth0");
    mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, (uint32_t)netns);
    mnl_attr_put_u32(nlh, IFLA_NUM_TX_QUEUES, 1);
    mnl_attr_put_u32(nlh, IFLA_NUM_RX_QUEUES, 1);
    mnl_attr_nest_end(nlh, peer);
    mnl_attr_nest_end(nlh, data);
    mnl_attr_nest_end(nlh, link);
    msg_end(nlh);
}

static void put_up(int ifindex)
{
    struct ifinfomsg info = { .ifi_index = ifindex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

    msg_end(msg(RTM_NEWLINK, 0, &info, sizeof(info)));
}

/* No link-local address, so no duplicate address detection. */
static void put_no_link_local(void)
{
    struct ifinfomsg info = { .ifi_index = 2 };
    struct nlmsghdr *nlh = msg(RTM_NEWLINK, 0, &info, sizeof(info));
    struct nlattr *spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
    struct nlattr *inet6 = mnl_attr_nest_start(nlh, AF_INET6);

    mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(nlh, inet6);
    mnl_attr_nest_end(nlh, spec);
    msg_end(nlh);
}

static void configure(int fd, int i)
{
    struct ifaddrmsg addr = { .ifa_family = AF_INET, .ifa_prefixlen = 8, .ifa_index = 2 };
    struct rtmsg route = { .rtm_family = AF_INET,
                           .rtm_table = RT_TABLE_MAIN,
                           .rtm_protocol = RTPROT_STATIC,
                           .rtm_scope = RT_SCOPE_UNIVERSE,
                           .rtm_type = RTN_UNICAST };
    struct nlmsghdr *nlh;

    put_up(1);
    put_no_link_local();
    put_up(2);
    nlh = msg(RTM_NEWADDR, NLM_F_CREATE, &addr, sizeof(addr));
    mnl_attr_put_u32(nlh, IFA_LOCAL, htonl((10u << 24) + (uint32_t)i + 10));
    msg_end(nlh);
    nlh = msg(RTM_NEWROUTE, NLM_F_CREATE, &route, sizeof(route));
    mnl_attr_put_u32(nlh, RTA_GATEWAY, htonl(10u << 24 | 1));
    mnl_attr_put_u32(nlh, RTA_OIF, 2);
    msg_end(nlh);
    flush(fd, "address and route");
}

static void put_filter(int ifindex, int prog)
{
    struct tcmsg tc = { .tcm_ifindex = ifindex,
                        .tcm_parent = TC_H_CLSACT,
                        .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0) };
    struct nlmsghdr *nlh = msg(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &tc, sizeof(tc));
    struct nlattr *options;

    mnl_attr_put_strz(nlh, TCA_KIND, "clsact");
    msg_end(nlh);
    tc.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
    tc.tcm_handle = 1;
    tc.tcm_info = TC_H_MAKE(1u << 16, htons(0x0003)); /* priority 1, ETH_P_ALL */
    nlh = msg(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &tc, sizeof(tc));
    mnl_attr_put_strz(nlh, TCA_KIND, "bpf");
    options = mnl_attr_nest_start(nlh, TCA_OPTIONS);
    mnl_attr_put_u32(nlh, TCA_BPF_FD, (uint32_t)prog);
    mnl_attr_put_strz(nlh, TCA_BPF_NAME, "floor");
    mnl_attr_put_u32(nlh, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
    mnl_attr_nest_end(nlh, options);
    msg_end(nlh);
}

/* return TC_ACT_SHOT */
static int program(void)
{
    struct bpf_insn insns[] = {
        { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_SHOT },
        { .code = BPF_JMP | BPF_EXIT },
    };
    union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SCHED_CLS, .insn_cnt = 2 };
    int fd;

    attr.insns = (uintptr_t)insns;
    attr.license = (uintptr_t) "GPL";
    fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
    if (fd < 0)
        err(1, "BPF program");
    return fd;
}

static void make_vms(int from, int to, int fabric, int nl, int prog, int *namespaces)
{
    int sockets[BATCH];

    for (int i = from; i < to; i++) {
        namespaces[i] = netns_new();
        sockets[i - from] = netlink_open(); /* stays in this namespace */
    }
    for (int i = from; i < to; i++)
        put_veth(i, namespaces[i]);
    flush(nl, "veth");
    for (int i = from; i < to; i++) {
        configure(sockets[i - from], i);
        close(sockets[i - from]);
    }
    if (setns(fabric, CLONE_NEWNET) < 0)
        err(1, "fabric");
    for (int i = from; i < to; i++)
        put_filter(FIRST + i, prog);
    flush(nl, "filter");
}

/* A namespace with a veth into ours; returns when the kernel has freed it, and so everything that died
 * before. */
static void wait_for_the_dead(void)
{
    int fabric = netns_new();
    int nl = netlink_open();
    int victim = netns_new();

    if (setns(fabric, CLONE_NEWNET) < 0)
        err(1, "sentinel");
    put_veth(0, victim);
    flush(nl, "sentinel");
    close(nl);
    close(victim);
    while (if_nametoindex("h0"))
        usleep(500);
    close(fabric);
}

static void floor_run(int n, double start)
{
    int *namespaces = calloc((size_t)n, sizeof(int));
    int fabric = netns_new();
    int nl = netlink_open();
    int prog = program();
    double died;

    if (!namespaces)
        err(1, "memory");
    for (int i = 0; i < n; i += BATCH)
        make_vms(i, i + BATCH < n ? i + BATCH : n, fabric, nl, prog, namespaces);
    printf("up_s %.4f\n", now() - start);
    fflush(stdout);
    (void)netns_new(); /* leave the fabric, so that it can die */
    died = now();
    for (int i = 0; i < n; i++)
        close(namespaces[i]);
    close(nl);
    close(fabric);
    wait_for_the_dead();
    wait_for_the_dead(); /* a second one only starts to die when the first batch is done with */
    printf("freed_s %.4f\n", now() - died);
}

int main(int argc, char **argv)
{
    struct rlimit files = { 1 << 20, 1 << 20 };
    double start = now();

    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 2 && strcmp(argv[1], "--wait") == 0) {
        wait_for_the_dead();
        wait_for_the_dead();
        printf("freed_s %.4f\n", now() - start);
        return 0;
    }
    if (argc != 2 || atoi(argv[1]) < 1)
        errx(2, "usage: floor N | floor --wait");
    floor_run(atoi(argv[1]), start);
    return 0;
}
