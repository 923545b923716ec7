#include "traffic.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "vnetlab/base.h"

#define PATIENCE_S 10

int traffic_socket(const char *netns, int domain, int type, int protocol)
{
    CLEANUP(vnl_fd_close) int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    CLEANUP(vnl_fd_close) int there = -1;
    struct timeval patience = { .tv_sec = PATIENCE_S };
    char path[256];
    int fd = -1;

    snprintf(path, sizeof(path), "/run/netns/%s", netns);
    there = open(path, O_RDONLY | O_CLOEXEC);
    if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
        return -1;
    fd = socket(domain, type | SOCK_CLOEXEC, protocol);
    if (setns(home, CLONE_NEWNET) < 0)
        abort(); /* nothing that follows may run in a VM */
    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    }
    return fd;
}

static socklen_t parse(const char *address, int port, struct sockaddr_storage *ret)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, address, &in4->sin_addr) == 1) {
        in4->sin_family = AF_INET;
        in4->sin_port = htons((uint16_t)port);
        return sizeof(*in4);
    }
    inet_pton(AF_INET6, address, &in6->sin6_addr);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons((uint16_t)port);
    return sizeof(*in6);
}

static unsigned char pattern(size_t i)
{
    return (unsigned char)((i * 2654435761u) >> 13);
}

/* Accepts one connection and sends back what it gets until the end. */
static void *echo(void *arg)
{
    int listener = *(int *)arg;
    CLEANUP(vnl_fd_close) int fd = accept(listener, NULL, NULL);
    char buf[65536];
    ssize_t got;

    while (fd >= 0 && (got = recv(fd, buf, sizeof(buf), 0)) > 0)
        for (ssize_t done = 0, sent; done < got; done += sent)
            if ((sent = send(fd, buf + done, (size_t)(got - done), MSG_NOSIGNAL)) <= 0)
                return NULL;
    return NULL;
}

struct sender {
    int fd;
    size_t size;
};

static void *send_pattern(void *arg)
{
    struct sender *sender = arg;
    unsigned char buf[65536];

    for (size_t done = 0; done < sender->size;) {
        size_t n = sender->size - done < sizeof(buf) ? sender->size - done : sizeof(buf);
        ssize_t sent;

        for (size_t i = 0; i < n; i++)
            buf[i] = pattern(done + i);
        sent = send(sender->fd, buf, n, MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        done += (size_t)sent;
    }
    shutdown(sender->fd, SHUT_WR);
    return NULL;
}

static bool receive_pattern(int fd, size_t size)
{
    unsigned char buf[65536];
    size_t done = 0;
    ssize_t got;

    while ((got = recv(fd, buf, sizeof(buf), 0)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            if (buf[i] != pattern(done + (size_t)i))
                return false;
        done += (size_t)got;
    }
    return got == 0 && done == size;
}

bool traffic_tcp_at(const char *from, const char *to, const char *address, int port, const char *bound,
                    int bound_port, size_t size)
{
    struct sockaddr_storage sa, local;
    socklen_t sa_size = parse(address, port, &sa), local_size = parse(bound, bound_port, &local);
    CLEANUP(vnl_fd_close) int listener = traffic_socket(to, sa.ss_family, SOCK_STREAM, 0);
    CLEANUP(vnl_fd_close) int fd = traffic_socket(from, sa.ss_family, SOCK_STREAM, 0);
    struct sender sender = { .fd = fd, .size = size };
    pthread_t echo_thread, send_thread;
    bool same;
    int on = 1;

    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&local, local_size) < 0 || listen(listener, 1) < 0)
        return false;
    if (pthread_create(&echo_thread, NULL, echo, &listener) != 0)
        return false;
    if (connect(fd, (struct sockaddr *)&sa, sa_size) < 0 ||
        pthread_create(&send_thread, NULL, send_pattern, &sender) != 0) {
        shutdown(listener, SHUT_RDWR);
        pthread_join(echo_thread, NULL);
        return false;
    }
    same = receive_pattern(fd, size);
    pthread_join(send_thread, NULL);
    pthread_join(echo_thread, NULL);
    return same;
}

bool traffic_tcp(const char *from, const char *to, const char *address, int port, size_t size)
{
    return traffic_tcp_at(from, to, address, port, address, port, size);
}

bool traffic_udp(const char *from, const char *to, const char *address, int port, size_t size)
{
    struct sockaddr_storage sa;
    socklen_t sa_size = parse(address, port, &sa);
    CLEANUP(vnl_fd_close) int receiver = traffic_socket(to, sa.ss_family, SOCK_DGRAM, 0);
    CLEANUP(vnl_fd_close) int fd = traffic_socket(from, sa.ss_family, SOCK_DGRAM, 0);
    CLEANUP(vnl_str_free) char *sent = malloc(size + 1);
    CLEANUP(vnl_str_free) char *got = malloc(size + 1);
    struct timeval patience = { .tv_sec = 1 };

    if (!sent || !got || bind(receiver, (struct sockaddr *)&sa, sa_size) < 0)
        return false;
    (void)setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    for (size_t i = 0; i < size; i++)
        sent[i] = (char)pattern(i);
    if (sendto(fd, sent, size, 0, (struct sockaddr *)&sa, sa_size) != (ssize_t)size)
        return false;
    return recv(receiver, got, size + 1, 0) == (ssize_t)size && memcmp(sent, got, size) == 0;
}
