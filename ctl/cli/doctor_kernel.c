#include "doctor_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/plan.h"

typedef int (*probe_fn)(char text[VNL_DOCTOR_TEXT]);

/* --- a child with namespaces of its own ----------------------------------------------------------- */

/* The mounts that follow are seen by nobody else. /run is replaced, so that a lab made here meets no other
 * lab. */
static int isolate(char text[VNL_DOCTOR_TEXT])
{
    const char *what = "mount namespace";

    if (unshare(CLONE_NEWNS) < 0)
        goto fail;
    what = "private mounts";
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        goto fail;
    what = "tmpfs";
    if (mount("vnetlab", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
        goto fail;
    what = "network namespace (CONFIG_NET_NS)";
    if (unshare(CLONE_NEWNET) < 0)
        goto fail;
    return 0;
fail:
    (void)snprintf(text, VNL_DOCTOR_TEXT, "%s: %s", what, strerror(errno));
    return -errno;
}

static void child_main(probe_fn fn, int out)
{
    char text[VNL_DOCTOR_TEXT] = "";
    int r = isolate(text);

    if (r >= 0)
        r = fn(text);
    (void)!write(out, text, sizeof(text));
    _exit(r < 0 ? (-r & 0xff ? -r & 0xff : 1) : 0);
}

static int wait_child(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    if (WIFEXITED(status))
        return -WEXITSTATUS(status);
    return -ECANCELED;
}

static int in_child(probe_fn fn, char text[VNL_DOCTOR_TEXT])
{
    CLEANUP(vnl_fd_close) int in = -1;
    int fds[2];
    pid_t pid;

    text[0] = '\0';
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    in = fds[0];
    (void)fflush(NULL); /* or the child would print what is waiting here once more */
    pid = fork();
    if (pid == 0)
        child_main(fn, fds[1]);
    (void)close(fds[1]);
    if (pid < 0)
        return -errno;
    if (read(in, text, VNL_DOCTOR_TEXT) != VNL_DOCTOR_TEXT)
        (void)snprintf(text, VNL_DOCTOR_TEXT, "the probe did not answer");
    text[VNL_DOCTOR_TEXT - 1] = '\0';
    return wait_child(pid);
}

/* --- one request to rtnetlink --------------------------------------------------------------------- */

static int talk(struct mnl_socket *nl, struct nlmsghdr *msg)
{
    char buf[8192];
    ssize_t n;

    if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(nl, msg, msg->nlmsg_len) < 0)
        return -errno;
    n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
    if (n < 0 || mnl_cb_run(buf, (size_t)n, msg->nlmsg_seq, mnl_socket_get_portid(nl), NULL, NULL) < 0)
        return -errno;
    return 0;
}

static int request(struct nlmsghdr *msg, const char *what, char text[VNL_DOCTOR_TEXT])
{
    struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
    int r = nl ? talk(nl, msg) : -errno;

    if (nl)
        (void)mnl_socket_close(nl);
    if (r < 0)
        (void)snprintf(text, VNL_DOCTOR_TEXT, "%s: %s", what, strerror(-r));
    return r;
}

static struct nlmsghdr *message(char *buf, uint16_t type)
{
    struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);

    msg->nlmsg_type = type;
    msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    msg->nlmsg_seq = 1;
    return msg;
}

static int add_link(const char *kind, char text[VNL_DOCTOR_TEXT])
{
    char buf[1024], what[64];
    struct nlmsghdr *msg = message(buf, RTM_NEWLINK);
    struct nlattr *info;

    (void)mnl_nlmsg_put_extra_header(msg, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(msg, IFLA_IFNAME, "probe");
    info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
    mnl_attr_put_strz(msg, IFLA_INFO_KIND, kind);
    mnl_attr_nest_end(msg, info);
    (void)snprintf(what, sizeof(what), "making a %s", kind);
    return request(msg, what, text);
}

static int add_clsact(char text[VNL_DOCTOR_TEXT])
{
    char buf[1024];
    struct nlmsghdr *msg = message(buf, RTM_NEWQDISC);
    struct tcmsg *tc = mnl_nlmsg_put_extra_header(msg, sizeof(*tc));

    tc->tcm_ifindex = 1; /* the namespace's own loopback */
    tc->tcm_parent = TC_H_CLSACT;
    tc->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
    mnl_attr_put_strz(msg, TCA_KIND, "clsact");
    return request(msg, "clsact", text);
}

/* --- the probes ----------------------------------------------------------------------------------- */

static int probe_netns(char text[VNL_DOCTOR_TEXT])
{
    (void)text;
    return 0; /* being here is the proof */
}

static int probe_veth(char text[VNL_DOCTOR_TEXT])
{
    return add_link("veth", text);
}

static int probe_bridge(char text[VNL_DOCTOR_TEXT])
{
    return add_link("bridge", text);
}

static int probe_bpffs(char text[VNL_DOCTOR_TEXT])
{
    if (mkdir("/run/bpf", 0700) == 0 && mount("vnetlab", "/run/bpf", "bpf", 0, NULL) == 0)
        return 0;
    (void)snprintf(text, VNL_DOCTOR_TEXT, "mounting bpffs: %s", strerror(errno));
    return -errno;
}

static const char lab_text[] = "name: doctor\n"
                               "vnets:\n"
                               "  vnet-1: {addressSpace: [10.0.0.0/16], subnets: {subnet-1: 10.0.0.0/24},\n"
                               "           peerings: {to-vnet-2: {remoteVirtualNetwork: vnet-2}}}\n"
                               "  vnet-2: {addressSpace: [10.1.0.0/16], subnets: {subnet-1: 10.1.0.0/24},\n"
                               "           peerings: {to-vnet-1: {remoteVirtualNetwork: vnet-1}}}\n"
                               "virtualMachines:\n"
                               "  vm-1: {subnet: vnet-1/subnet-1}\n"
                               "  vm-2: {subnet: vnet-2/subnet-1}\n";

static int lab_up_and_down(struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    struct vnl_dp_options options = { .threads = 1 };
    struct vnl_dp_stats stats = { 0 };
    int r = vnl_lab_load_text("doctor", lab_text, sizeof(lab_text) - 1, &lab, err), down;

    if (r >= 0)
        r = vnl_lab_settle(lab, NULL, err);
    if (r >= 0)
        r = vnl_plan_build(lab, &plan, err);
    if (r < 0)
        return r;
    r = vnl_dp_apply(plan, &options, &stats, err);
    down = vnl_dp_down(lab->name, false, r < 0 ? NULL : err);
    return r < 0 ? r : down;
}

static int probe_lab(char text[VNL_DOCTOR_TEXT])
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct timespec start, end;
    int r;

    if (setenv("VNETLAB_RUN_DIR", "/run/vnetlab", 1) < 0)
        return -errno;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    r = lab_up_and_down(&err);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    if (r < 0)
        (void)snprintf(text, VNL_DOCTOR_TEXT, "%s", err ? err->msg : strerror(-r));
    else
        (void)snprintf(text, VNL_DOCTOR_TEXT, "two peered virtual machines up and down in %.2f s",
                       (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
    return r;
}

int vnl_doctor_netns(char text[VNL_DOCTOR_TEXT])
{
    return in_child(probe_netns, text);
}

int vnl_doctor_veth(char text[VNL_DOCTOR_TEXT])
{
    return in_child(probe_veth, text);
}

int vnl_doctor_bridge(char text[VNL_DOCTOR_TEXT])
{
    return in_child(probe_bridge, text);
}

int vnl_doctor_clsact(char text[VNL_DOCTOR_TEXT])
{
    return in_child(add_clsact, text);
}

int vnl_doctor_bpffs(char text[VNL_DOCTOR_TEXT])
{
    return in_child(probe_bpffs, text);
}

int vnl_doctor_lab(char text[VNL_DOCTOR_TEXT])
{
    return in_child(probe_lab, text);
}
