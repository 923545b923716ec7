/* Probes from inside the VMs' namespaces.
 *
 * A socket stays in the namespace it was opened in, so one thread opens all sockets of a run, going from
 * namespace to namespace, and then waits for all of them in one poll loop. A probe is over when its answer
 * came or the time is up; there are no retries of packets: the emulated network loses none, so silence is a
 * decision.
 *
 * UDP: the guest at the other end need not answer, so a packet socket on the destination NIC looks for the
 * probe's cookie. To port 53 goes a proper question, so that a DNS server answers. */
#include "vnetlab/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

#define RETRY_MS 50

#define AGAIN_US 400000 /* a probe without an answer is sent again */

struct run {
    struct vnl_probe *probe;
    int fd;         /* sends, and hears answers */
    int sniff_fd;   /* UDP: on the destination NIC, or -1 */
    uint16_t ident; /* ICMP echo identifier */
    unsigned char cookie[16];
    unsigned char payload[17]; /* UDP: the cookie, or a DNS query */
    size_t payload_size;
    int64_t sent_us;
    int64_t retry_us; /* when to connect again; 0 = not waiting for that */
    int64_t again_us; /* when it is sent once more */
    bool done;
};

static const char *const result_str[] = {
    [VNL_PROBE_SILENCE] = "silence",         [VNL_PROBE_REPLY] = "reply",
    [VNL_PROBE_REFUSED] = "refused",         [VNL_PROBE_DELIVERED] = "delivered",
    [VNL_PROBE_UNREACHABLE] = "unreachable",
};
static_assert(ARRAY_SIZE(result_str) == VNL_PROBE_RESULT_MAX, "name every probe result");

const char *vnl_probe_result_str(enum vnl_probe_result result)
{
    return result_str[result];
}

bool vnl_probe_passed(enum vnl_probe_result result)
{
    return result == VNL_PROBE_REPLY || result == VNL_PROBE_REFUSED || result == VNL_PROBE_DELIVERED;
}

static int64_t now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static socklen_t sockaddr_fill(const struct vnl_addr *addr, uint16_t port, struct sockaddr_storage *ret)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

    memset(ret, 0, sizeof(*ret));
    ret->ss_family = addr->family;
    if (addr->family == AF_INET) {
        in4->sin_port = htons(port);
        memcpy(&in4->sin_addr, addr->bytes, 4);
        return sizeof(*in4);
    }
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, addr->bytes, 16);
    return sizeof(*in6);
}

static void finish(struct run *run, enum vnl_probe_result result)
{
    run->done = true;
    run->probe->result = result;
    if (result != VNL_PROBE_UNREACHABLE && result != VNL_PROBE_SILENCE)
        run->probe->rtt_us = now_us() - run->sent_us;
}

static void finish_errno(struct run *run, int num)
{
    finish(run, num == ECONNREFUSED ? VNL_PROBE_REFUSED : VNL_PROBE_UNREACHABLE);
}

/* --- sockets -------------------------------------------------------------------------------------- */

static int open_in(const char *lab, const char *vm, int domain, int type, int protocol, int *ret,
                   struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int netns = -1;
    CLEANUP(vnl_netns_leave) int saved = -1;
    int fd, r;

    r = vnl_netns_open(lab, vm, &netns, err);
    if (r < 0)
        return r;
    r = vnl_netns_enter(netns, &saved, err);
    if (r < 0)
        return r;
    fd = socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd < 0)
        return vnl_fail(err, errno, "socket in VM '%s': %s", vm, strerror(errno));
    *ret = fd;
    return 0;
}

static int open_sender(const char *lab, struct run *run, struct vnl_err **err)
{
    const struct vnl_probe *probe = run->probe;
    int on = 1;
    int r;

    switch (probe->proto) {
    case VNL_PROBE_TCP:
        return open_in(lab, probe->vm, probe->dst.family, SOCK_STREAM, 0, &run->fd, err);
    case VNL_PROBE_UDP:
        return open_in(lab, probe->vm, probe->dst.family, SOCK_DGRAM, 0, &run->fd, err);
    case VNL_PROBE_ICMP:
    case VNL_PROBE_PROTO_MAX:
        break;
    }
    r = open_in(lab, probe->vm, probe->dst.family, SOCK_RAW,
                probe->dst.family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6, &run->fd, err);
    if (r == 0 && probe->dst.family == AF_INET6)
        (void)setsockopt(run->fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on));
    return r;
}

static int open_sniffer(const char *lab, struct run *run, struct vnl_err **err)
{
    if (run->probe->proto != VNL_PROBE_UDP || !run->probe->to_vm)
        return 0;
    return open_in(lab, run->probe->to_vm, AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL), &run->sniff_fd, err);
}

/* --- sending -------------------------------------------------------------------------------------- */

static void send_icmp(struct run *run)
{
    struct sockaddr_storage to;
    socklen_t size = sockaddr_fill(&run->probe->dst, 0, &to);
    struct {
        struct icmphdr hdr;
        unsigned char cookie[16];
    } echo = { .hdr = { .type = to.ss_family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
                        .un.echo.id = run->ident } };
    uint32_t sum = 0;
    uint16_t words[sizeof(echo) / 2];

    memcpy(echo.cookie, run->cookie, sizeof(echo.cookie));
    memcpy(words, &echo, sizeof(echo));
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        sum += words[i];
    sum = (sum & 0xffff) + (sum >> 16);
    echo.hdr.checksum = (uint16_t) ~((sum & 0xffff) + (sum >> 16)); /* ICMPv6: the kernel fills it */
    if (sendto(run->fd, &echo, sizeof(echo), 0, (struct sockaddr *)&to, size) < 0)
        finish_errno(run, errno);
}

static void send_tcp(struct run *run)
{
    struct sockaddr_storage to;
    socklen_t size = sockaddr_fill(&run->probe->dst, run->probe->port, &to);

    if (connect(run->fd, (struct sockaddr *)&to, size) < 0 && errno != EINPROGRESS)
        finish_errno(run, errno);
}

/* True when there is nothing to bind. */
static bool bind_port(int fd, const struct vnl_probe *probe)
{
    struct vnl_addr any = { .family = probe->dst.family };
    struct sockaddr_storage from;
    socklen_t size = sockaddr_fill(&any, probe->src_port, &from);

    return !probe->src_port || bind(fd, (struct sockaddr *)&from, size) == 0;
}

static void send_udp(struct run *run)
{
    struct sockaddr_storage to;
    socklen_t size = sockaddr_fill(&run->probe->dst, run->probe->port, &to);

    if (!bind_port(run->fd, run->probe) || connect(run->fd, (struct sockaddr *)&to, size) < 0 ||
        send(run->fd, run->payload, run->payload_size, 0) < 0)
        finish_errno(run, errno);
}

static void send_probe(struct run *run)
{
    run->sent_us = now_us();
    switch (run->probe->proto) {
    case VNL_PROBE_ICMP:
        send_icmp(run);
        break;
    case VNL_PROBE_TCP:
        send_tcp(run);
        break;
    case VNL_PROBE_UDP:
        send_udp(run);
        break;
    case VNL_PROBE_PROTO_MAX:
        break;
    }
}

/* As ping does, and TCP by itself: the lab may be new, a guest's own rules on the way not yet there. What drops all of them drops. */
static void send_again(struct run *run)
{
    run->again_us = now_us() + AGAIN_US;
    if (run->probe->proto == VNL_PROBE_ICMP)
        send_probe(run);
    else if (run->probe->proto == VNL_PROBE_UDP)
        (void)send(run->fd, run->payload, run->payload_size, 0);
}

/* --- hearing -------------------------------------------------------------------------------------- */

static int hop_limit_of(struct msghdr *msg)
{
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg))
        if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_HOPLIMIT) {
            int hops;

            memcpy(&hops, CMSG_DATA(cmsg), sizeof(hops));
            return hops;
        }
    return 0;
}

/* A raw socket hears all ICMP of its namespace: the echo reply to us carries our identifier and cookie. */
static void hear_icmp(struct run *run)
{
    unsigned char buf[2048], control[256];
    struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };
    bool v6 = run->probe->dst.family == AF_INET6;
    ssize_t size;

    while ((size = recvmsg(run->fd, &msg, 0)) >= 0) {
        size_t skip = v6 ? 0 : (size_t)(buf[0] & 0xf) * 4;
        struct icmphdr hdr;

        if ((size_t)size < skip + sizeof(hdr) + sizeof(run->cookie))
            continue;
        memcpy(&hdr, buf + skip, sizeof(hdr));
        if (hdr.type != (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) || hdr.un.echo.id != run->ident ||
            memcmp(buf + skip + sizeof(hdr), run->cookie, sizeof(run->cookie)) != 0)
            continue;
        run->probe->ttl = v6 ? hop_limit_of(&msg) : buf[8];
        finish(run, VNL_PROBE_REPLY);
        return;
    }
}

static void hear_tcp(const char *lab, struct run *run)
{
    int num = 0;
    socklen_t size = sizeof(num);

    (void)getsockopt(run->fd, SOL_SOCKET, SO_ERROR, &num, &size);
    if (num == 0)
        finish(run, VNL_PROBE_REPLY);
    else if (num == ECONNREFUSED && run->probe->retry_refused) {
        vnl_fd_close(&run->fd);
        if (open_sender(lab, run, NULL) < 0)
            finish(run, VNL_PROBE_REFUSED);
        run->retry_us = now_us() + RETRY_MS * 1000;
    } else {
        finish_errno(run, num);
    }
}

static void hear_udp(struct run *run)
{
    unsigned char buf[2048];

    if (recv(run->fd, buf, sizeof(buf), 0) >= 0)
        finish(run, VNL_PROBE_REPLY);
    else if (errno != EAGAIN)
        finish_errno(run, errno);
}

/* The destination's NIC sees every packet that was delivered to it; ours ends in what we have sent. */
static void hear_sniffer(struct run *run)
{
    unsigned char buf[2048];
    struct sockaddr_ll from;
    socklen_t from_size = sizeof(from);
    ssize_t size;

    while ((size = recvfrom(run->sniff_fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_size)) >= 0) {
        from_size = sizeof(from);
        if (from.sll_pkttype == PACKET_OUTGOING || (size_t)size < run->payload_size)
            continue;
        if (memcmp(buf + size - run->payload_size, run->payload, run->payload_size) == 0) {
            finish(run, VNL_PROBE_DELIVERED);
            return;
        }
    }
}

static void hear(const char *lab, struct run *run)
{
    switch (run->probe->proto) {
    case VNL_PROBE_ICMP:
        hear_icmp(run);
        break;
    case VNL_PROBE_TCP:
        hear_tcp(lab, run);
        break;
    case VNL_PROBE_UDP:
        hear_udp(run);
        break;
    case VNL_PROBE_PROTO_MAX:
        break;
    }
}

/* --- the run -------------------------------------------------------------------------------------- */

static void runs_free(struct run **runs)
{
    if (!*runs)
        return;
    for (struct run *run = *runs; run->probe; run++) {
        vnl_fd_close(&run->fd);
        vnl_fd_close(&run->sniff_fd);
    }
    free(*runs);
    *runs = NULL;
}

/* RFC 1035: one question, the root's name servers; its id is from the cookie. */
static void fill_payload(struct run *run)
{
    static const unsigned char query[] = { 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1 };
    bool dns = run->probe->port == 53;

    static_assert(sizeof(query) == sizeof(run->payload), "the query fits");
    if (dns)
        memcpy(run->payload, query, sizeof(query));
    memcpy(run->payload, run->cookie, dns ? 2 : sizeof(run->cookie));
    run->payload_size = dns ? sizeof(query) : sizeof(run->cookie);
}

/* n runs and an end mark. */
static struct run *runs_new(struct vnl_probe *probes, size_t n)
{
    struct run *runs = calloc(n + 1, sizeof(*runs));

    for (size_t i = 0; runs && i < n; i++) {
        runs[i] = (struct run){ .probe = &probes[i], .fd = -1, .sniff_fd = -1 };
        if (getrandom(runs[i].cookie, sizeof(runs[i].cookie), 0) < 0)
            memset(runs[i].cookie, (int)i, sizeof(runs[i].cookie));
        memcpy(&runs[i].ident, runs[i].cookie, sizeof(runs[i].ident));
        fill_payload(&runs[i]);
        probes[i].result = VNL_PROBE_SILENCE;
        probes[i].ttl = 0;
        probes[i].rtt_us = -1;
    }
    return runs;
}

/* Two poll slots per run: its own socket and its sniffer; poll(2) skips negative fds. */
static size_t poll_fill(const struct run *runs, size_t n, struct pollfd *fds)
{
    size_t open = 0;

    for (size_t i = 0; i < n; i++) {
        bool waits = !runs[i].done && !runs[i].retry_us;
        short events = runs[i].probe->proto == VNL_PROBE_TCP ? POLLOUT : POLLIN;

        fds[2 * i] = (struct pollfd){ .fd = waits ? runs[i].fd : -1, .events = events };
        fds[2 * i + 1] = (struct pollfd){ .fd = waits ? runs[i].sniff_fd : -1, .events = POLLIN };
        open += !runs[i].done;
    }
    return open;
}

static int wait_ms(const struct run *runs, size_t n, int64_t end_us)
{
    int64_t next = end_us;

    for (size_t i = 0; i < n; i++) {
        int64_t due = runs[i].retry_us ? runs[i].retry_us : runs[i].again_us;

        if (!runs[i].done && due < next)
            next = due;
    }
    next -= now_us();
    return next <= 0 ? 0 : (int)((next + 999) / 1000);
}

static void step(const char *lab, struct run *run, const struct pollfd *fds)
{
    if (run->done)
        return;
    if (run->retry_us && now_us() >= run->retry_us) {
        run->retry_us = 0;
        send_probe(run);
        return;
    }
    if (fds[1].revents)
        hear_sniffer(run);
    if (!run->done && fds[0].revents)
        hear(lab, run);
    if (!run->done && !run->retry_us && now_us() >= run->again_us)
        send_again(run);
}

int vnl_probe_run(const char *lab, struct vnl_probe *probes, size_t n, int timeout_ms, struct vnl_err **err)
{
    CLEANUP(runs_free) struct run *runs = runs_new(probes, n);
    CLEANUP(vnl_str_free) char *slots = calloc(n + 1, 2 * sizeof(struct pollfd));
    struct pollfd *fds = (struct pollfd *)slots;
    int64_t end;
    int r;

    if (!runs || !fds)
        return vnl_fail(err, ENOMEM, "probes");
    for (size_t i = 0; i < n; i++) {
        r = open_sender(lab, &runs[i], err);
        if (r == 0)
            r = open_sniffer(lab, &runs[i], err);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < n; i++) {
        send_probe(&runs[i]);
        runs[i].again_us = now_us() + AGAIN_US;
    }
    end = now_us() + (int64_t)timeout_ms * 1000;
    while (poll_fill(runs, n, fds) > 0 && now_us() < end) {
        if (poll(fds, 2 * n, wait_ms(runs, n, end)) < 0 && errno != EINTR)
            return vnl_fail(err, errno, "poll: %s", strerror(errno));
        for (size_t i = 0; i < n; i++)
            step(lab, &runs[i], &fds[2 * i]);
    }
    /* Refused until the end is refused, not silence. */
    for (size_t i = 0; i < n; i++)
        if (!runs[i].done && runs[i].retry_us)
            finish(&runs[i], VNL_PROBE_REFUSED);
    return 0;
}
