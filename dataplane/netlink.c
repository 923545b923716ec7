#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netns.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

#define BATCH_BYTES    (64 * 1024) /* fits the default send buffer */
#define BATCH_REQUESTS 512
#define ANSWER_BYTES   (64 * 1024) /* the kernel fills up to 32 KiB per message of a dump */

struct vnl_nl {
    struct mnl_socket *socket;
    uint32_t port;
    uint32_t seq;   /* of the first request in the batch */
    size_t n, size; /* size: of all but the newest, which may still grow */
    struct nlmsghdr *newest;
    struct vnl_err *failed; /* of a batch that had to go out early */
    struct vnl_nl_what what[BATCH_REQUESTS];
    char batch[BATCH_BYTES + VNL_NL_ROOM];
    char answer[ANSWER_BYTES];
};

/* --- opening -------------------------------------------------------------------------------------- */

int vnl_nl_open(struct vnl_nl **ret, struct vnl_err **err)
{
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = malloc(sizeof(*nl));
    int one = 1, room = 1 << 20;

    if (!nl)
        return vnl_fail(err, ENOMEM, "netlink socket");
    memset(nl, 0, offsetof(struct vnl_nl, what));
    nl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
        return vnl_fail(err, errno, "cannot open a netlink socket: %s", strerror(errno));
    nl->port = mnl_socket_get_portid(nl->socket);
    /* Better messages and a smaller answer; both only please the reader, so a kernel without them will do. */
    (void)mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &one, sizeof(one));
    (void)mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &one, sizeof(one));
    (void)setsockopt(mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    *ret = TAKE_PTR(nl);
    return 0;
}

int vnl_nl_open_in(int netns_fd, struct vnl_nl **ret, struct vnl_err **err)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    int r = vnl_netns_enter(netns_fd, &saved, err);

    return r < 0 ? r : vnl_nl_open(ret, err);
}

void vnl_nl_close(struct vnl_nl **nl)
{
    if (!*nl)
        return;
    if ((*nl)->socket)
        (void)mnl_socket_close((*nl)->socket);
    vnl_err_free(&(*nl)->failed);
    free(*nl);
    *nl = NULL;
}

/* --- answers -------------------------------------------------------------------------------------- */

/* The kernel's own words, behind the error number; NULL when it has none. */
static const char *kernel_text(const struct nlmsghdr *msg)
{
    const struct nlmsgerr *answer = mnl_nlmsg_get_payload(msg);
    size_t skip = sizeof(*answer);
    const struct nlattr *attr;

    if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS))
        return NULL;
    if (!(msg->nlmsg_flags & NLM_F_CAPPED))
        skip += mnl_nlmsg_get_payload_len(&answer->msg);
    mnl_attr_for_each(attr, msg, skip) if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
                                           mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >=
                                               0) return mnl_attr_get_str(attr);
    return NULL;
}

static int refused(const struct nlmsghdr *msg, const struct vnl_nl_what *what, struct vnl_err **err)
{
    int num = -((const struct nlmsgerr *)mnl_nlmsg_get_payload(msg))->error;
    const char *text = kernel_text(msg);
    const char *open = text ? " (" : "", *close = text ? ")" : "";

    if (what->vm)
        return vnl_fail(err, num, "VM '%s': cannot %s %s: %s%s%s%s", what->vm, what->action, what->object,
                        strerror(num), open, text ? text : "", close);
    return vnl_fail(err, num, "cannot %s %s: %s%s%s%s", what->action, what->object, strerror(num), open,
                    text ? text : "", close);
}

static ssize_t receive(struct vnl_nl *nl)
{
    ssize_t size;

    do
        size = mnl_socket_recvfrom(nl->socket, nl->answer, sizeof(nl->answer));
    while (size < 0 && errno == EINTR);
    return size;
}

/* Reads answers until the last request's has come. Only the first refusal is told: the others are mostly its
 * consequences. */
static int collect(struct vnl_nl *nl, struct vnl_err **err)
{
    int failed = 0;

    for (;;) {
        ssize_t size = receive(nl);
        int left = (int)size;

        if (size < 0)
            return vnl_fail(err, errno, "netlink: %s", strerror(errno));
        for (struct nlmsghdr *msg = (void *)nl->answer; mnl_nlmsg_ok(msg, left);
             msg = mnl_nlmsg_next(msg, &left)) {
            uint32_t i = msg->nlmsg_seq - nl->seq;
            const struct nlmsgerr *answer = mnl_nlmsg_get_payload(msg);

            if (msg->nlmsg_type != NLMSG_ERROR || i >= nl->n)
                continue;
            if (answer->error && -answer->error != nl->what[i].ignore && failed == 0)
                failed = refused(msg, &nl->what[i], err);
            if (i == nl->n - 1)
                return failed;
        }
    }
}

/* --- requests ------------------------------------------------------------------------------------- */

static int send_batch(struct vnl_nl *nl, struct vnl_err **err)
{
    int r;

    nl->size += NLMSG_ALIGN(nl->newest->nlmsg_len);
    nl->newest->nlmsg_flags |= NLM_F_ACK;
    if (mnl_socket_sendto(nl->socket, nl->batch, nl->size) < 0)
        r = vnl_fail(err, errno, "cannot %s %s: netlink: %s", nl->what[0].action, nl->what[0].object,
                     strerror(errno));
    else
        r = collect(nl, err);
    nl->seq += (uint32_t)nl->n;
    nl->n = nl->size = 0;
    nl->newest = NULL;
    return r;
}

struct nlmsghdr *vnl_nl_put(struct vnl_nl *nl, uint16_t type, uint16_t flags, const void *head,
                            size_t head_size, const struct vnl_nl_what *what)
{
    struct nlmsghdr *msg;

    if (nl->newest) {
        size_t size = nl->size + NLMSG_ALIGN(nl->newest->nlmsg_len);

        if (size + VNL_NL_ROOM > BATCH_BYTES || nl->n == BATCH_REQUESTS) {
            if (nl->failed)
                nl->n = nl->size = 0;
            else
                (void)send_batch(nl, &nl->failed);
        } else {
            nl->size = size;
        }
    }
    msg = mnl_nlmsg_put_header(nl->batch + nl->size);
    msg->nlmsg_type = type;
    msg->nlmsg_flags = NLM_F_REQUEST | flags;
    msg->nlmsg_seq = nl->seq + (uint32_t)nl->n;
    memcpy(mnl_nlmsg_put_extra_header(msg, head_size), head, head_size);
    nl->what[nl->n++] = *what;
    nl->newest = msg;
    return msg;
}

int vnl_nl_flush(struct vnl_nl *nl, struct vnl_err **err)
{
    int r;

    if (nl->failed) {
        r = -nl->failed->num;
        if (err)
            vnl_err_append(err, &nl->failed);
        vnl_err_free(&nl->failed);
        nl->n = nl->size = 0;
        nl->newest = NULL;
        return r;
    }
    return nl->n ? send_batch(nl, err) : 0;
}

struct ask {
    vnl_nl_fn fn;
    void *arg;
    int r;
};

static int ask_one(const struct nlmsghdr *msg, void *arg)
{
    struct ask *ask = arg;

    ask->r = ask->fn(msg, ask->arg);
    return MNL_CB_STOP;
}

int vnl_nl_ask(struct vnl_nl *nl, struct nlmsghdr *request, vnl_nl_fn fn, void *arg)
{
    struct ask ask = { .fn = fn, .arg = arg, .r = -ENOMSG };
    ssize_t size;
    int r;

    if (nl->n)
        return -EBUSY;
    request->nlmsg_seq = nl->seq++;
    request->nlmsg_flags |= NLM_F_REQUEST;
    if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) < 0 || (size = receive(nl)) < 0)
        return -errno;
    r = mnl_cb_run(nl->answer, (size_t)size, request->nlmsg_seq, nl->port, ask_one, &ask);
    return r < 0 ? -errno : ask.r;
}

/* The messages of one buffer. 1: more will come; 0: that was the end; -errno: the kernel refused. */
static int dump_part(struct vnl_nl *nl, size_t size, uint32_t seq, struct ask *dump, bool *interrupted)
{
    int left = (int)size;

    for (struct nlmsghdr *msg = (void *)nl->answer; mnl_nlmsg_ok(msg, left);
         msg = mnl_nlmsg_next(msg, &left)) {
        if (msg->nlmsg_seq != seq)
            continue;
        if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
            *interrupted = true;
        if (msg->nlmsg_type == NLMSG_DONE)
            return 0;
        if (msg->nlmsg_type == NLMSG_ERROR)
            return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(msg))->error;
        if (dump->r == 0)
            dump->r = dump->fn(msg, dump->arg);
        /* When fn refuses the rest is still read: it would be taken for the answer to the next request. */
    }
    return 1;
}

int vnl_nl_dump(struct vnl_nl *nl, uint16_t type, const void *head, size_t head_size, vnl_nl_fn fn, void *arg,
                struct vnl_err **err)
{
    struct ask dump = { .fn = fn, .arg = arg };
    char buf[256];
    struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
    bool interrupted = false;
    int r = 1;

    if (nl->n)
        return vnl_fail(err, EBUSY, "netlink dump: requests are queued");
    request->nlmsg_type = type;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->nlmsg_seq = nl->seq++;
    memcpy(mnl_nlmsg_put_extra_header(request, head_size), head, head_size);
    if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) < 0)
        return vnl_fail(err, errno, "netlink dump: %s", strerror(errno));
    while (r > 0) {
        ssize_t size = receive(nl);

        r = size < 0 ? -errno : dump_part(nl, (size_t)size, request->nlmsg_seq, &dump, &interrupted);
    }
    if (r < 0)
        return vnl_fail(err, -r, "netlink dump: %s", strerror(-r));
    return interrupted ? -EINTR : dump.r;
}
