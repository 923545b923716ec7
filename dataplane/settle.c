/* Waiting until the kernel has freed dead namespaces. No call asks for that. But the kernel frees them in
 * batches, one batch after the other, and everything that is dead when a batch begins goes with it. So a
 * namespace of ours that dies now goes with those that died before or after them, and one that dies when the
 * first one's device has vanished goes with a batch that begins after the first one's has ended. When the
 * second one's device has vanished too, everything that was dead at the start is gone. */
#include "netns.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "netlink.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

#define STEP_US 1000
#define STEPS   60000

static const struct vnl_plan_nic sentinel = { .ifindex = 10,
                                              .ifname = "sentinel",
                                              .mac = { { 2, 0, 0, 0, 0, 1 } } };

static int ignore_answer(const struct nlmsghdr *msg, void *arg)
{
    (void)msg;
    (void)arg;
    return 0;
}

static bool is_there(struct vnl_nl *nl)
{
    struct ifinfomsg head = { .ifi_index = (int)sentinel.ifindex };
    char buf[64];
    struct nlmsghdr *request = mnl_nlmsg_put_header(buf);

    request->nlmsg_type = RTM_GETLINK;
    memcpy(mnl_nlmsg_put_extra_header(request, sizeof(head)), &head, sizeof(head));
    return vnl_nl_ask(nl, request, ignore_answer, NULL) != -ENODEV;
}

/* Makes a namespace with one end of a veth in it; the other end is in the namespace of nl, where the thread
 * is again afterwards. It dies on return. */
static int make_sentinel(struct vnl_nl *nl, int home, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int mortal = -1;
    int r = vnl_netns_new(&mortal, err);

    if (r < 0)
        return r;
    if (setns(home, CLONE_NEWNET) < 0)
        return vnl_fail(err, errno, "cannot enter a network namespace: %s", strerror(errno));
    vnl_link_put_veth(nl, &sentinel, mortal, 0, NULL);
    return vnl_nl_flush(nl, err);
}

static int one_round(struct vnl_nl *nl, int home, struct vnl_err **err)
{
    int r = make_sentinel(nl, home, err);

    for (int i = 0; r == 0 && is_there(nl); i++) {
        if (i == STEPS)
            return vnl_fail(err, ETIMEDOUT, "the kernel has not freed the network namespaces after %d s",
                            STEPS / 1000 * STEP_US / 1000);
        (void)usleep(STEP_US);
    }
    return r;
}

struct settle {
    int r;
    struct vnl_err *err;
};

/* A thread of its own, so that the caller's namespace is never another one. */
static void *settle_thread(void *arg)
{
    struct settle *settle = arg;
    CLEANUP(vnl_fd_close) int home = -1;
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;

    settle->r = vnl_netns_new(&home, &settle->err);
    if (settle->r == 0)
        settle->r = vnl_nl_open(&nl, &settle->err);
    for (int i = 0; i < 2 && settle->r == 0; i++)
        settle->r = one_round(nl, home, &settle->err);
    return NULL;
}

int vnl_netns_settle(struct vnl_err **err)
{
    struct settle settle = { 0 };
    pthread_t thread;
    int r = pthread_create(&thread, NULL, settle_thread, &settle);

    if (r)
        return vnl_fail(err, r, "cannot start a thread: %s", strerror(r));
    (void)pthread_join(thread, NULL);
    if (settle.err && err)
        vnl_err_append(err, &settle.err);
    vnl_err_free(&settle.err);
    return settle.r;
}
