/* Over TCP a query has its length in front (RFC 1035, 4.2.2); a client may ask again on the same connection. Guests can open connections
 * and say nothing, so there is a number of them, each with a deadline; when all are taken the oldest goes, and who has its share
 * already loses its own oldest. An answer goes into the
 * socket's buffer whole or the connection ends: ours are small. */
#include "dns_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns.h"
#include "loop.h"
#include "view.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/layout.h"
#include "vnetlab/plan.h"

#define PORT       53
#define CLIENTS    64
#define PER_GUEST  8
#define IDLE_MS    10000
#define QUERY_MAX  4096 /* a question has 300 bytes at most; what is larger is none of ours */
#define AT_ONCE    64   /* UDP queries before others have their turn */
#define LENGTH_LEN 2

struct client {
    struct vnl_source source; /* fd -1: free */
    struct vnl_dns_server *server;
    struct in_addr from;
    int64_t until_ms;
    size_t size;
    uint8_t data[LENGTH_LEN + QUERY_MAX];
};

struct vnl_dns_server {
    int epoll_fd;
    struct vnl_plan *const *plan;
    struct vnl_source udp, tcp;
    struct client clients[CLIENTS];
};

static int answer(const struct vnl_dns_server *server, struct in_addr from, const uint8_t *query, size_t size,
                  size_t room, uint8_t **ret, size_t *ret_size)
{
    return vnl_dns_answer(*server->plan, vnl_view_guest(*server->plan, from), query, size, room, ret,
                          ret_size);
}

/* --- UDP ------------------------------------------------------------------------------------------ */

static bool serve_one(struct vnl_dns_server *server)
{
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    uint8_t query[QUERY_MAX], *text = NULL;
    size_t size = 0;
    ssize_t n = recvfrom(server->udp.fd, query, sizeof(query), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

    if (n < 0)
        return false;
    if (answer(server, from.sin_addr, query, (size_t)n, VNL_DNS_UDP_MAX, &text, &size) == 0)
        (void)sendto(server->udp.fd, text, size, MSG_DONTWAIT, (struct sockaddr *)&from, len);
    free(text);
    return true;
}

static void udp_ready(struct vnl_source *source, uint32_t events)
{
    struct vnl_dns_server *server = VNL_OWNER_OF(source, struct vnl_dns_server, udp);

    (void)events;
    for (int i = 0; i < AT_ONCE && serve_one(server); i++)
        continue;
}

/* --- TCP ------------------------------------------------------------------------------------------ */

static bool reply(struct client *client, size_t size)
{
    uint8_t *text = NULL, head[LENGTH_LEN];
    size_t len = 0;
    struct iovec parts[2] = { { head, sizeof(head) } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    bool sent;

    if (answer(client->server, client->from, client->data + LENGTH_LEN, size, VNL_DNS_TCP_MAX, &text, &len) <
        0)
        return false;
    head[0] = (uint8_t)(len >> 8);
    head[1] = (uint8_t)len;
    parts[1] = (struct iovec){ text, len };
    sent = sendmsg(client->source.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)(len + LENGTH_LEN);
    free(text);
    return sent;
}

/* Every whole query in the buffer. False: hang up. */
static bool take_queries(struct client *client)
{
    while (client->size >= LENGTH_LEN) {
        size_t size = (size_t)client->data[0] << 8 | client->data[1];

        if (size > QUERY_MAX)
            return false;
        if (client->size < LENGTH_LEN + size)
            return true;
        if (!reply(client, size))
            return false;
        client->size -= LENGTH_LEN + size;
        memmove(client->data, client->data + LENGTH_LEN + size, client->size);
    }
    return true;
}

static void client_ready(struct vnl_source *source, uint32_t events)
{
    struct client *client = VNL_OWNER_OF(source, struct client, source);
    ssize_t n =
        recv(source->fd, client->data + client->size, sizeof(client->data) - client->size, MSG_DONTWAIT);

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    client->size += n > 0 ? (size_t)n : 0;
    client->until_ms = vnl_loop_now_ms() + IDLE_MS;
    if (n <= 0 || !take_queries(client))
        vnl_fd_close(&source->fd);
}

/* The oldest of this guest when it has its share, else a free one, else the oldest of all. */
static struct client *client_place(struct vnl_dns_server *server, struct in_addr from)
{
    struct client *spare = NULL, *oldest = NULL, *own = NULL;
    size_t n_own = 0;

    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &server->clients[i];

        if (client->source.fd < 0) {
            spare = client;
            continue;
        }
        if (!oldest || client->until_ms < oldest->until_ms)
            oldest = client;
        if (client->from.s_addr != from.s_addr)
            continue;
        n_own++;
        if (!own || client->until_ms < own->until_ms)
            own = client;
    }
    if (n_own >= PER_GUEST)
        spare = own;
    else if (!spare)
        spare = oldest;
    vnl_fd_close(&spare->source.fd);
    return spare;
}

static void tcp_ready(struct vnl_source *source, uint32_t events)
{
    struct vnl_dns_server *server = VNL_OWNER_OF(source, struct vnl_dns_server, tcp);
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    int fd = accept4(source->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct client *client;

    (void)events;
    if (fd < 0)
        return;
    client = client_place(server, from.sin_addr);
    client->source = (struct vnl_source){ .fd = fd, .ready = client_ready };
    client->server = server;
    client->from = from.sin_addr;
    client->until_ms = vnl_loop_now_ms() + IDLE_MS;
    client->size = 0;
    if (vnl_loop_watch(server->epoll_fd, &client->source, EPOLLIN) < 0)
        vnl_fd_close(&client->source.fd);
}

int vnl_dns_server_tidy(struct vnl_dns_server *server)
{
    int64_t now = vnl_loop_now_ms(), next = INT64_MAX;

    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &server->clients[i];

        if (client->source.fd >= 0 && client->until_ms <= now)
            vnl_fd_close(&client->source.fd);
        if (client->source.fd >= 0 && client->until_ms < next)
            next = client->until_ms;
    }
    return next == INT64_MAX ? -1 : (int)(next - now);
}

/* --- both ----------------------------------------------------------------------------------------- */

static int listen_on(struct vnl_dns_server *server, struct vnl_source *source, int type, struct vnl_err **err)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons(PORT),
                                .sin_addr.s_addr = htonl(VNL_PLATFORM_DNS) };
    int on = 1;

    source->fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (source->fd < 0 || setsockopt(source->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(source->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
        (type == SOCK_STREAM && listen(source->fd, SOMAXCONN) < 0) ||
        vnl_loop_watch(server->epoll_fd, source, EPOLLIN) < 0)
        return vnl_fail(err, errno, "cannot listen on %s port 53 of 168.63.129.16: %s",
                        type == SOCK_STREAM ? "TCP" : "UDP", strerror(errno));
    return 0;
}

int vnl_dns_server_new(int epoll_fd, struct vnl_plan *const *plan, struct vnl_dns_server **ret,
                       struct vnl_err **err)
{
    CLEANUP(vnl_dns_server_free) struct vnl_dns_server *server = calloc(1, sizeof(*server));
    int r;

    if (!server)
        return vnl_fail(err, ENOMEM, "DNS");
    server->epoll_fd = epoll_fd;
    server->plan = plan;
    server->udp = (struct vnl_source){ .fd = -1, .ready = udp_ready };
    server->tcp = (struct vnl_source){ .fd = -1, .ready = tcp_ready };
    for (size_t i = 0; i < CLIENTS; i++)
        server->clients[i].source.fd = -1;
    if ((r = listen_on(server, &server->udp, SOCK_DGRAM, err)) < 0 ||
        (r = listen_on(server, &server->tcp, SOCK_STREAM, err)) < 0)
        return r;
    *ret = TAKE_PTR(server);
    return 0;
}

void vnl_dns_server_free(struct vnl_dns_server **server)
{
    if (!*server)
        return;
    vnl_fd_close(&(*server)->udp.fd);
    vnl_fd_close(&(*server)->tcp.fd);
    for (size_t i = 0; i < CLIENTS; i++)
        vnl_fd_close(&(*server)->clients[i].source.fd);
    free(*server);
    *server = NULL;
}
