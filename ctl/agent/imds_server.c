#include "imds_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "imds.h"
#include "loop.h"
#include "view.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/layout.h"

#define PORT       80
#define CLIENTS    128
#define PER_GUEST  16 /* so that one cannot keep the others out */
#define IDLE_S     10
#define MEMORY_MAX 16384 /* of one connection */

struct vnl_imds_server {
    struct vnl_source source; /* libmicrohttpd's own epoll, which is its to close */
    struct vnl_plan *const *plan;
    struct MHD_Daemon *daemon;
};

static struct in_addr client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr_in *addr = info ? (const void *)info->client_addr : NULL;

    return addr && addr->sin_family == AF_INET ? addr->sin_addr : (struct in_addr){ .s_addr = 0 };
}

/* Takes the text. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, unsigned status, const char *type,
                                   char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result;

    if (!response) {
        free(text);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_SERVER, "IMDS");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body, size_t *body_size,
                              void **state)
{
    const struct vnl_imds_server *server = arg;
    const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Metadata");
    struct vnl_imds_request request = {
        .path = url,
        .api_version = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "api-version"),
        .format = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "format"),
        .metadata = header && strcasecmp(header, "true") == 0,
        .forwarded = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Forwarded-For"),
    };
    struct vnl_imds_answer answer;

    (void)version;
    (void)body;
    if (!*state) { /* the headers alone: to answer now would end the connection with the answer */
        *state = connection;
        return MHD_YES;
    }
    if (*body_size) { /* whatever it is, it is not looked at */
        *body_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return send_answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "application/json; charset=utf-8",
                           strdup("{\"error\":\"Method not allowed\"}"));
    if (vnl_imds_answer(*server->plan, vnl_view_guest(*server->plan, client_of(connection)), &request,
                        &answer, NULL) < 0)
        return MHD_NO;
    return send_answer(connection, answer.status,
                       answer.json ? "application/json; charset=utf-8" : "text/plain; charset=utf-8",
                       answer.text);
}

static int listen_on(int *ret, struct vnl_err **err)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons(PORT),
                                .sin_addr.s_addr = htonl(VNL_PLATFORM_IMDS) };
    CLEANUP(vnl_fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, SOMAXCONN) < 0)
        return vnl_fail(err, errno, "cannot listen on TCP port 80 of 169.254.169.254: %s", strerror(errno));
    *ret = TAKE_FD(fd);
    return 0;
}

static void server_ready(struct vnl_source *source, uint32_t events)
{
    struct vnl_imds_server *server = VNL_OWNER_OF(source, struct vnl_imds_server, source);

    (void)events;
    (void)MHD_run(server->daemon);
}

int vnl_imds_server_run(struct vnl_imds_server *server)
{
    MHD_UNSIGNED_LONG_LONG timeout;

    if (MHD_get_timeout(server->daemon, &timeout) != MHD_YES)
        return -1;
    if (timeout == 0 && MHD_run(server->daemon) == MHD_YES &&
        MHD_get_timeout(server->daemon, &timeout) != MHD_YES)
        return -1;
    return timeout > INT_MAX ? INT_MAX : (int)timeout;
}

static int start(struct vnl_imds_server *server, struct vnl_err **err)
{
    const union MHD_DaemonInfo *info;
    CLEANUP(vnl_fd_close) int fd = -1;
    int r = listen_on(&fd, err);

    if (r < 0)
        return r;
    server->daemon =
        MHD_start_daemon(MHD_USE_EPOLL, PORT, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, fd,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)CLIENTS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                         (unsigned)PER_GUEST, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX, MHD_OPTION_END);
    if (!server->daemon)
        return vnl_fail(err, errno ? errno : EIO, "cannot serve HTTP on 169.254.169.254");
    (void)TAKE_FD(fd); /* the daemon closes it */
    info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    server->source = (struct vnl_source){ .fd = info ? info->epoll_fd : -1, .ready = server_ready };
    return 0;
}

int vnl_imds_server_new(int epoll_fd, struct vnl_plan *const *plan, struct vnl_imds_server **ret,
                        struct vnl_err **err)
{
    CLEANUP(vnl_imds_server_free) struct vnl_imds_server *server = calloc(1, sizeof(*server));
    int r;

    if (!server)
        return vnl_fail(err, ENOMEM, "instance metadata");
    server->plan = plan;
    if ((r = start(server, err)) < 0)
        return r;
    if ((r = vnl_loop_watch(epoll_fd, &server->source, EPOLLIN)) < 0)
        return vnl_fail(err, -r, "instance metadata: %s", strerror(-r));
    *ret = TAKE_PTR(server);
    return 0;
}

void vnl_imds_server_free(struct vnl_imds_server **server)
{
    if (!*server)
        return;
    if ((*server)->daemon)
        MHD_stop_daemon((*server)->daemon);
    free(*server);
    *server = NULL;
}
