#include "vici.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"

int vnl_vici_packet_parse(const uint8_t *body, size_t size, struct vnl_vici_packet *ret)
{
    size_t head = 1;

    if (size < 1 || body[0] > VNL_VICI_EVENT)
        return -EBADMSG;
    *ret = (struct vnl_vici_packet){ .type = body[0] };
    if (ret->type == VNL_VICI_EVENT) {
        if (size < 2 || size - 2 < body[1])
            return -EBADMSG;
        memcpy(ret->name, body + 2, body[1]);
        head = 2 + (size_t)body[1];
    }
    ret->message = body + head;
    ret->size = size - head;
    return 0;
}

void vnl_vici_patience(int fd, int timeout_ms)
{
    const struct timeval patience = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

int vnl_vici_connect(int dir_fd, pid_t *ret_pid)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    CLEANUP(vnl_fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct ucred peer = { .pid = 0 };
    socklen_t len = sizeof(peer);

    if (fd < 0)
        return -errno;
    vnl_vici_patience(fd, VNL_VICI_ANSWER_MS);
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/vici", dir_fd);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return -errno;
    if (ret_pid)
        *ret_pid = peer.pid;
    return TAKE_FD(fd);
}

/* --- packets -------------------------------------------------------------------------------------- */

static int send_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

static int receive_all(int fd, uint8_t *bytes, size_t size)
{
    while (size) {
        ssize_t n = recv(fd, bytes, size, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? -EPIPE : errno == EAGAIN ? -ETIMEDOUT : -errno;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

static int send_packet(int fd, enum vnl_vici_packet_type type, const char *name,
                       const struct vnl_vici_message *message)
{
    size_t len = strlen(name), size = 2 + len;
    uint8_t head[6 + VNL_VICI_NAME_MAX];
    uint32_t total = htonl((uint32_t)(size + (message ? message->size : 0)));
    int r;

    if (len > VNL_VICI_NAME_MAX || (message && message->failed))
        return -ENOMEM;
    memcpy(head, &total, 4);
    head[4] = (uint8_t)type;
    head[5] = (uint8_t)len;
    memcpy(head + 6, name, len);
    r = send_all(fd, head, 4 + size);
    return r < 0 || !message ? r : send_all(fd, message->bytes, message->size);
}

/* *ret_body: owned by the caller; the packet borrows from it. */
static int receive_packet(int fd, uint8_t **ret_body, struct vnl_vici_packet *ret)
{
    uint32_t size = 0;
    uint8_t *body;
    int r = receive_all(fd, (uint8_t *)&size, sizeof(size));

    size = ntohl(size);
    if (r < 0)
        return r;
    if (!size || size > VNL_VICI_PACKET_MAX)
        return -EBADMSG;
    body = malloc(size);
    if (!body)
        return -ENOMEM;
    r = receive_all(fd, body, size);
    if (r == 0)
        r = vnl_vici_packet_parse(body, size, ret);
    if (r < 0) {
        free(body);
        return r;
    }
    *ret_body = body;
    return 0;
}

/* --- commands ------------------------------------------------------------------------------------- */

static int stream_set(int fd, const char *event, bool on)
{
    int r = send_packet(fd, on ? VNL_VICI_REGISTER : VNL_VICI_UNREGISTER, event, NULL);
    struct vnl_vici_packet packet = { .type = VNL_VICI_EVENT };

    while (r == 0 && packet.type == VNL_VICI_EVENT) {
        uint8_t *body = NULL;

        r = receive_packet(fd, &body, &packet);
        free(body);
    }
    return r < 0 ? r : packet.type == VNL_VICI_CONFIRM ? 0 : -ENOENT;
}

/* What the answer says of its success; a command without that word has worked. */
static int judge(const char *command, const struct vnl_vici_packet *packet, struct vnl_err **err)
{
    struct vnl_vici_reader reader;
    struct vnl_vici_element element;
    char words[256] = "it does not say why";
    bool refused = false;
    int r;

    vnl_vici_reader_init(&reader, packet->message, packet->size);
    while ((r = vnl_vici_next(&reader, &element)) > 0) {
        refused |= element.depth == 0 && vnl_vici_is(&element, "success", "no");
        if (element.depth == 0 && element.kind == VNL_VICI_KEY_VALUE && !strcmp(element.name, "errmsg"))
            vnl_vici_text(&element, words, sizeof(words));
    }
    if (r < 0)
        return vnl_fail(err, EBADMSG, "charon's answer to %s is no VICI message", command);
    return refused ? vnl_fail(err, EIO, "charon refuses %s: %s", command, words) : 0;
}

static int await_answer(int fd, const char *command, vnl_vici_fn fn, void *arg, struct vnl_err **err)
{
    for (;;) {
        struct vnl_vici_packet packet;
        CLEANUP(vnl_str_free) char *body = NULL;
        int r = receive_packet(fd, (uint8_t **)&body, &packet);

        if (r < 0)
            return vnl_fail(err, -r, "charon does not answer %s: %s", command, strerror(-r));
        if (packet.type == VNL_VICI_UNKNOWN_COMMAND)
            return vnl_fail(err, ENOSYS, "charon does not know the command %s", command);
        if (fn && (packet.type == VNL_VICI_EVENT || packet.type == VNL_VICI_RESPONSE))
            fn(packet.type == VNL_VICI_EVENT ? packet.name : NULL, packet.message, packet.size, arg);
        if (packet.type == VNL_VICI_RESPONSE)
            return judge(command, &packet, err);
    }
}

int vnl_vici_call(int fd, const char *command, const struct vnl_vici_message *message, const char *stream,
                  vnl_vici_fn fn, void *arg, struct vnl_err **err)
{
    int r = stream ? stream_set(fd, stream, true) : 0;

    if (r == 0)
        r = send_packet(fd, VNL_VICI_REQUEST, command, message);
    if (r < 0)
        return vnl_fail(err, -r, "charon does not take %s: %s", command, strerror(-r));
    r = await_answer(fd, command, fn, arg, err);
    if (stream && (r == 0 || r == -EIO))
        (void)stream_set(fd, stream, false);
    return r;
}

int vnl_vici_send(int fd, const char *command)
{
    return send_packet(fd, VNL_VICI_REQUEST, command, NULL);
}

int vnl_vici_register(int fd, const char *event, struct vnl_err **err)
{
    int r = stream_set(fd, event, true);

    return r < 0 ? vnl_fail(err, -r, "charon does not offer the event %s: %s", event, strerror(-r)) : 0;
}

/* --- events --------------------------------------------------------------------------------------- */

static int inbox_fill(int fd, struct vnl_vici_inbox *inbox)
{
    ssize_t n;

    if (inbox->room - inbox->size < 4096) {
        uint8_t *bytes = realloc(inbox->bytes, inbox->room + 16384);

        if (!bytes)
            return -ENOMEM;
        inbox->bytes = bytes;
        inbox->room += 16384;
    }
    n = recv(fd, inbox->bytes + inbox->size, inbox->room - inbox->size, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
    inbox->size += (size_t)n;
    return n == 0 ? -EPIPE : 1;
}

/* 1: one was there and is taken out. */
static int inbox_take(struct vnl_vici_inbox *inbox, vnl_vici_fn fn, void *arg)
{
    struct vnl_vici_packet packet;
    uint32_t size;

    if (inbox->size < sizeof(size))
        return 0;
    memcpy(&size, inbox->bytes, sizeof(size));
    size = ntohl(size);
    if (!size || size > VNL_VICI_PACKET_MAX)
        return -EBADMSG;
    if (inbox->size - sizeof(size) < size)
        return 0;
    if (vnl_vici_packet_parse(inbox->bytes + sizeof(size), size, &packet) < 0)
        return -EBADMSG;
    if (packet.type == VNL_VICI_EVENT)
        fn(packet.name, packet.message, packet.size, arg);
    inbox->size -= sizeof(size) + size;
    memmove(inbox->bytes, inbox->bytes + sizeof(size) + size, inbox->size);
    return 1;
}

int vnl_vici_receive(int fd, struct vnl_vici_inbox *inbox, vnl_vici_fn fn, void *arg)
{
    int filled = inbox_fill(fd, inbox), r = 1;

    while (r > 0)
        r = inbox_take(inbox, fn, arg);
    return r < 0 ? r : filled < 0 ? filled : 0;
}

void vnl_vici_inbox_done(struct vnl_vici_inbox *inbox)
{
    free(inbox->bytes);
    *inbox = (struct vnl_vici_inbox){ .bytes = NULL };
}
