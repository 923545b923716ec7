/* Any bytes as what BIRD says: over its control socket, as a list of sessions, as a table of routes, and as its log. What is read stays within
 * the bytes (the sanitizers look); routes are whole, of IPv4 and in order, and sessions are named. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../ctl/agent/bird.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define CHECK(what)                                                                                          \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            (void)fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what);                       \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_sessions(const char *text)
{
    struct vnl_bird_session *sessions = NULL;
    size_t n = 0;

    CHECK(vnl_bird_sessions_parse(text, &sessions, &n) == 0);
    for (size_t i = 0; i < n; i++)
        CHECK(*sessions[i].name && memchr(sessions[i].name, 0, sizeof(sessions[i].name)) &&
              memchr(sessions[i].state, 0, sizeof(sessions[i].state)) &&
              memchr(sessions[i].error, 0, sizeof(sessions[i].error)));
    free(sessions);
}

static void check_route(const struct vnl_bird_route *route)
{
    struct vnl_prefix again;
    char text[VNL_PREFIX_STR];

    CHECK(route->prefix.addr.family == AF_INET && *route->session && route->as_path);
    CHECK(vnl_prefix_parse(vnl_prefix_format(&route->prefix, text), &again, NULL) == 0 &&
          vnl_prefix_cmp(&again, &route->prefix) == 0);
}

static void fuzz_routes(const char *text)
{
    struct vnl_bird_routes routes = { .items = NULL };

    CHECK(vnl_bird_routes_parse(text, &routes) == 0);
    for (size_t i = 0; i < routes.n; i++) {
        check_route(&routes.items[i]);
        CHECK(i == 0 || vnl_prefix_cmp(&routes.items[i - 1].prefix, &routes.items[i].prefix) <= 0);
    }
    vnl_bird_routes_done(&routes);
}

static void fuzz_log(const char *text, size_t size)
{
    uint64_t sent = 0, received = 0;

    vnl_bird_messages_count(text, "vpn1", &sent, &received);
    CHECK(sent + received <= size);
}

/* What is asked for is read by the kernel only: the other end says its bytes whatever it hears. */
static void fuzz_answer(const uint8_t *data, size_t size)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free) char *text = NULL;
    int fds[2], r;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    CHECK(write(fds[1], data, size) == (ssize_t)size && shutdown(fds[1], SHUT_WR) == 0);
    r = vnl_bird_ask(fds[0], "show status", &text, &err);
    CHECK(r == 0 || r == -EBADMSG || r == -ECONNRESET);
    CHECK(r == 0 ? text && !err : !text && err && *err->msg);
    if (text) {
        CHECK(strlen(text) <= size);
        fuzz_sessions(text);
        fuzz_routes(text);
    }
    (void)close(fds[0]);
    (void)close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    CHECK(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    fuzz_sessions(text);
    fuzz_routes(text);
    fuzz_log(text, size);
    fuzz_answer(data, size);
    free(text);
    return 0;
}
