#include "control.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

struct vnl_control_name vnl_control_name(void)
{
    static const char text[] = "vnetlab-agent";
    struct vnl_control_name name = { .addr.sun_family = AF_UNIX };

    memcpy(name.addr.sun_path + 1, text, sizeof(text) - 1);
    name.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(text));
    return name;
}

static int socket_in(int netns_fd, struct vnl_err **err)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    int fd, r = vnl_netns_enter(netns_fd, &saved, err);

    if (r < 0)
        return r;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? vnl_fail(err, errno, "socket: %s", strerror(errno)) : fd;
}

int vnl_control_connect(int netns_fd, int *ret_fd, struct vnl_err **err)
{
    const struct timeval patience = { .tv_sec = VNL_CONTROL_ANSWER_MS / 1000 };
    struct vnl_control_name name = vnl_control_name();
    CLEANUP(vnl_fd_close) int fd = socket_in(netns_fd, err);

    if (fd < 0)
        return fd;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    *ret_fd = connect(fd, (struct sockaddr *)&name.addr, name.len) == 0 ? TAKE_FD(fd) : -1;
    return 0;
}

static int send_line(int fd, const struct vnl_json *order, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t len;

    if (vnl_json_format(order, 0, &text, err) < 0)
        return -ENOMEM;
    len = strlen(text);
    text[len] = '\n'; /* in the terminator's place */
    return send(fd, text, len + 1, MSG_NOSIGNAL) == (ssize_t)len + 1
               ? 0
               : vnl_fail(err, EPIPE, "the agent takes no order");
}

/* Until the agent hangs up. */
static int receive_line(int fd, char **ret, size_t *ret_size, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0, room = 0;
    ssize_t n = 1;

    while (n > 0) {
        if (room - size < 4096) {
            char *more = realloc(text, room = room * 2 + 8192);

            if (!more)
                return vnl_fail(err, ENOMEM, "the agent's answer");
            text = more;
        }
        n = recv(fd, text + size, room - size, 0);
        size += n > 0 ? (size_t)n : 0;
    }
    if (n < 0)
        return vnl_fail(err, ETIMEDOUT, "the agent does not answer");
    *ret = TAKE_PTR(text);
    *ret_size = size;
    return 0;
}

static int judge(const struct vnl_json *answer, struct vnl_err **err)
{
    const char *sentence = vnl_json_get_text(answer, "error");

    if (!sentence)
        return 0;
    return vnl_fail(err, (int)vnl_json_get_int(answer, "number", EIO), "%s", sentence);
}

int vnl_control_ask(int fd, struct vnl_json *order, struct vnl_json **ret, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *request = order, *answer = NULL;
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0;
    int r = request ? send_line(fd, request, err) : vnl_fail(err, ENOMEM, "an order to the agent");

    if (r == 0)
        r = receive_line(fd, &text, &size, err);
    if (r == 0 && size == 0)
        r = vnl_fail(err, EPIPE, "the agent does not answer");
    if (r == 0)
        r = vnl_json_parse(text, size, &answer, err);
    if (r == 0)
        r = judge(answer, err);
    if (r == 0)
        *ret = TAKE_PTR(answer);
    return r;
}
