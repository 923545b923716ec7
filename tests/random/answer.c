#include "answer.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/lab.h"

static const uint16_t ports[] = { 53, 5000 };

struct answer {
    pthread_t thread;
    size_t n; /* the last one ends the thread */
    struct pollfd fds[];
};

static void *serve(void *arg)
{
    struct answer *answer = arg;

    while (poll(answer->fds, answer->n, -1) >= 0 && !answer->fds[answer->n - 1].revents) {
        for (size_t i = 0; i + 1 < answer->n; i++) {
            struct sockaddr_in6 from;
            socklen_t size = sizeof(from);
            char buf[256];
            ssize_t got;

            while (answer->fds[i].revents &&
                   (got = recvfrom(answer->fds[i].fd, buf, sizeof(buf), MSG_DONTWAIT,
                                   (struct sockaddr *)&from, &size)) >= 0) {
                (void)sendto(answer->fds[i].fd, buf, (size_t)got, MSG_DONTWAIT, (struct sockaddr *)&from,
                             size);
                size = sizeof(from);
            }
        }
    }
    return NULL;
}

/* For both families: IPv4 comes as mapped addresses. */
static int listen_at(int netns, uint16_t port)
{
    struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    int saved = -1, fd;

    if (vnl_netns_enter(netns, &saved, NULL) < 0)
        return -1;
    fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    vnl_netns_leave(&saved);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
        vnl_fd_close(&fd);
    return fd;
}

static bool listen_in(struct answer *answer, const char *lab_name, const char *vm)
{
    CLEANUP(vnl_fd_close) int netns = -1;

    if (vnl_netns_open(lab_name, vm, &netns, NULL) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        int fd = listen_at(netns, ports[i]);

        if (fd < 0)
            return false;
        answer->fds[answer->n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
    }
    return true;
}

static void close_all(struct answer *answer)
{
    for (size_t i = 0; i < answer->n; i++)
        (void)close(answer->fds[i].fd);
    free(answer);
}

struct answer *answer_start(const char *lab_name, const struct vnl_lab *lab)
{
    struct answer *answer = calloc(
        1, sizeof(*answer) + ((lab->n_vms + lab->n_hosts) * ARRAY_SIZE(ports) + 1) * sizeof(struct pollfd));
    bool ok = answer != NULL;

    for (size_t i = 0; ok && i < lab->n_vms; i++)
        ok = listen_in(answer, lab_name, lab->vms[i]->name);
    for (size_t i = 0; ok && i < lab->n_hosts; i++)
        ok = listen_in(answer, lab_name, lab->hosts[i]->name);
    if (ok) {
        answer->fds[answer->n] = (struct pollfd){ .fd = eventfd(0, EFD_CLOEXEC), .events = POLLIN };
        ok = answer->fds[answer->n++].fd >= 0 && pthread_create(&answer->thread, NULL, serve, answer) == 0;
    }
    if (!ok && answer) {
        close_all(answer);
        answer = NULL;
    }
    return answer;
}

void answer_stop(struct answer **answer)
{
    uint64_t one = 1;

    if (!*answer)
        return;
    if (write((*answer)->fds[(*answer)->n - 1].fd, &one, sizeof(one)) != sizeof(one))
        abort();
    pthread_join((*answer)->thread, NULL);
    close_all(*answer);
    *answer = NULL;
}
