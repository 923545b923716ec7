#include "control_server.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "loop.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

#define CLIENTS   8
#define ORDER_MAX 4096
#define SNDBUF    (1 << 20) /* an answer is sent at once, or not at all */

struct client {
    struct vnl_source source; /* fd -1: free */
    struct vnl_control_server *server;
    int64_t until_ms; /* an order waits until then at most; 0: none does */
    size_t size;
    char order[ORDER_MAX];
};

struct vnl_control_server {
    struct vnl_source listener;
    int epoll_fd;
    vnl_control_fn fn;
    void *arg;
    struct client clients[CLIENTS];
    size_t next; /* whom a new one displaces when all are taken */
};

struct vnl_json *vnl_control_error(struct vnl_err **err)
{
    struct vnl_json *json = vnl_json_object();

    (void)vnl_json_set(json, "error", vnl_json_str(*err ? (*err)->msg : "no such order"));
    (void)vnl_json_set(json, "number", vnl_json_int(*err ? (*err)->num : EINVAL));
    vnl_err_free(err);
    return json;
}

static void hang_up(struct client *client)
{
    vnl_fd_close(&client->source.fd);
    client->source.fd = -1;
    client->size = 0;
    client->until_ms = 0;
}

/* False: the order waits. */
static bool answer(struct client *client, bool may_wait)
{
    CLEANUP(vnl_json_free) struct vnl_json *order = NULL, *json = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free) char *text = NULL;
    bool waits = false;

    if (vnl_json_parse(client->order, client->size, &order, &err) == 0)
        json = client->server->fn(order, may_wait, &waits, client->server->arg);
    if (waits)
        return false;
    if (!json)
        json = vnl_control_error(&err);
    if (vnl_json_format(json, 0, &text, NULL) == 0)
        (void)send(client->source.fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
    return true;
}

static void client_ready(struct vnl_source *source, uint32_t events)
{
    struct client *client = VNL_OWNER_OF(source, struct client, source);
    ssize_t n =
        recv(source->fd, client->order + client->size, sizeof(client->order) - client->size, MSG_DONTWAIT);

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    client->size += n > 0 ? (size_t)n : 0;
    if (n > 0 && !memchr(client->order, '\n', client->size) && client->size < sizeof(client->order))
        return;
    if (n > 0 && !client->until_ms && memchr(client->order, '\n', client->size) && !answer(client, true)) {
        client->until_ms = vnl_loop_now_ms() + VNL_CONTROL_WAIT_MS;
        return;
    }
    hang_up(client);
}

int vnl_control_server_run(struct vnl_control_server *server)
{
    int64_t now = vnl_loop_now_ms();
    int least = -1;

    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &server->clients[i];
        int wait = (int)(client->until_ms - now);

        if (!client->until_ms)
            continue;
        if (answer(client, wait > 0))
            hang_up(client);
        else
            least = least < 0 || wait < least ? wait : least;
    }
    return least;
}

static struct client *seat(struct vnl_control_server *server)
{
    struct client *client;

    for (size_t i = 0; i < CLIENTS; i++)
        if (server->clients[i].source.fd < 0)
            return &server->clients[i];
    client = &server->clients[server->next++ % CLIENTS];
    hang_up(client);
    return client;
}

static void listener_ready(struct vnl_source *source, uint32_t events)
{
    struct vnl_control_server *server = VNL_OWNER_OF(source, struct vnl_control_server, listener);
    struct client *client = seat(server);
    const int size = SNDBUF;

    (void)events;
    client->source.fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client->source.fd < 0)
        return;
    (void)setsockopt(client->source.fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    if (vnl_loop_watch(server->epoll_fd, &client->source, EPOLLIN) < 0)
        hang_up(client);
}

int vnl_control_server_new(int epoll_fd, vnl_control_fn fn, void *arg, struct vnl_control_server **ret,
                           struct vnl_err **err)
{
    CLEANUP(vnl_control_server_free) struct vnl_control_server *server = calloc(1, sizeof(*server));
    struct vnl_control_name name = vnl_control_name();

    if (!server)
        return vnl_fail(err, ENOMEM, "control socket");
    server->epoll_fd = epoll_fd;
    server->fn = fn;
    server->arg = arg;
    for (size_t i = 0; i < CLIENTS; i++)
        server->clients[i] =
            (struct client){ .source = { .fd = -1, .ready = client_ready }, .server = server };
    server->listener = (struct vnl_source){
        .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
        .ready = listener_ready,
    };
    if (server->listener.fd < 0 || bind(server->listener.fd, (struct sockaddr *)&name.addr, name.len) < 0 ||
        listen(server->listener.fd, SOMAXCONN) < 0 ||
        vnl_loop_watch(epoll_fd, &server->listener, EPOLLIN) < 0)
        return vnl_fail(err, errno, "%s",
                        errno == EADDRINUSE ? "another agent serves this lab" : strerror(errno));
    *ret = TAKE_PTR(server);
    return 0;
}

void vnl_control_server_free(struct vnl_control_server **server)
{
    if (!*server)
        return;
    for (size_t i = 0; i < CLIENTS; i++)
        vnl_fd_close(&(*server)->clients[i].source.fd);
    vnl_fd_close(&(*server)->listener.fd);
    free(*server);
    *server = NULL;
}
