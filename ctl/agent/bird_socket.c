/* BIRD's control protocol: a command is a line; its answer is lines that begin with a code of four digits and '-', or with a blank where the code is
 * that of the line before; the last one has a blank behind its code. */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bird.h"
#include "loop.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define ANSWER_MS  2000
#define ANSWER_MAX (64u << 20)

struct answer {
    char *bytes;
    size_t size, room;
    size_t line; /* where the last, incomplete line begins */
    int code;    /* of the last line, once it is there */
};

static void answer_done(struct answer *answer)
{
    free(answer->bytes);
}

static bool has_code(const char *line)
{
    return isdigit((unsigned char)line[0]) && isdigit((unsigned char)line[1]) &&
           isdigit((unsigned char)line[2]) && isdigit((unsigned char)line[3]);
}

/* Is the line that ends the answer among those that have come? */
static bool is_complete(struct answer *answer)
{
    char *end;

    while ((end = memchr(answer->bytes + answer->line, '\n', answer->size - answer->line))) {
        const char *line = answer->bytes + answer->line;

        if (end - line >= 5 && has_code(line) && line[4] == ' ') {
            answer->code = atoi(line);
            return true;
        }
        answer->line = (size_t)(end + 1 - answer->bytes);
    }
    return false;
}

static int make_room(struct answer *answer)
{
    size_t room = answer->room ? 2 * answer->room : 16384;
    char *bytes;

    if (answer->size + 1 < answer->room)
        return 0;
    if (room > ANSWER_MAX)
        return -E2BIG;
    bytes = realloc(answer->bytes, room);
    if (!bytes)
        return -ENOMEM;
    answer->bytes = bytes;
    answer->room = room;
    return 0;
}

static int receive(int fd, struct answer *answer)
{
    int64_t end_ms = vnl_loop_now_ms() + ANSWER_MS;

    for (;;) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        int64_t left = end_ms - vnl_loop_now_ms();
        int r = make_room(answer);
        ssize_t n;

        if (r < 0)
            return r;
        if (left <= 0 || poll(&poll_fd, 1, (int)left) <= 0)
            return -ETIMEDOUT;
        n = recv(fd, answer->bytes + answer->size, answer->room - answer->size - 1, 0);
        if (n <= 0)
            return n < 0 ? -errno : -ECONNRESET;
        answer->size += (size_t)n;
        answer->bytes[answer->size] = '\0';
        if (is_complete(answer))
            return 0;
    }
}

/* In place. */
static void strip_codes(char *text)
{
    char *to = text;

    for (char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        size_t skip = len >= 5 && has_code(line) ? 5 : len > 0 ? 1 : 0;
        char *next = line + len + (line[len] == '\n');

        memmove(to, line + skip, (size_t)(next - line) - skip);
        to += (size_t)(next - line) - skip;
        line = next;
    }
    *to = '\0';
}

int vnl_bird_connect(int dir_fd, pid_t *ret_pid)
{
    const struct timeval patience = { .tv_sec = ANSWER_MS / 1000 };
    CLEANUP(vnl_fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CLEANUP(answer_done) struct answer greeting = { .bytes = NULL };
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct ucred peer = { .pid = 0 };
    socklen_t len = sizeof(peer);
    int r;

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/bird.ctl", dir_fd);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return -errno;
    if ((r = receive(fd, &greeting)) < 0)
        return r;
    if (ret_pid)
        *ret_pid = peer.pid;
    return TAKE_FD(fd);
}

int vnl_bird_ask(int fd, const char *command, char **ret_text, struct vnl_err **err)
{
    CLEANUP(answer_done) struct answer answer = { .bytes = NULL };
    CLEANUP(vnl_str_free) char *line = NULL;
    ssize_t n = asprintf(&line, "%s\n", command);
    int r;

    if (n < 0) {
        line = NULL;
        return vnl_fail(err, ENOMEM, "BIRD: %s", command);
    }
    r = send(fd, line, (size_t)n, MSG_NOSIGNAL) == n ? receive(fd, &answer) : -EPIPE;
    if (r < 0)
        return vnl_fail(err, -r, "BIRD does not answer '%s': %s", command, strerror(-r));
    strip_codes(answer.bytes);
    if (answer.code >= 8000)
        return vnl_fail(err, EBADMSG, "BIRD refuses '%s': %.*s", command, (int)strcspn(answer.bytes, "\n"),
                        answer.bytes);
    if (ret_text)
        *ret_text = TAKE_PTR(answer.bytes);
    return 0;
}
