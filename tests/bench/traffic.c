/* traffic [options] MODE SERVER_NETNS CLIENT_NETNS SERVER_ADDRESS: one measurement between two network
 * namespaces.
 *
 * MODE   tcp    bulk, -n streams          gbit
 *        udp    small datagrams, flooded  pps received
 *        tcprr  one byte there and back   p50_us p99_us
 *        udprr  the same over UDP
 *        crr    connect, one byte there and back, close   per_s p50_us
 * All modes also print cpu_us: CPU time of both ends per operation (per 64 KiB, packet, transaction): what
 * the path costs, and the figure that other load on the machine moves least.
 *
 * -t SECONDS (0.5)  -n STREAMS (1)  -c CLIENT_CPU  -S SERVER_CPU (-1 = free)  -p PORT (5300)
 * -o  turns segmentation offload of both ends' eth0 off, for good: packets of MTU size all the way
 *
 * Client and server on one CPU (-c 0 -S 0) shows the cost of the path; on two CPUs the wake-up of an idle CPU
 * hides it. Output: lines "KEY VALUE". Exit 1 when a connection failed. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STREAMS_MAX 64
#define BATCH       64
#define SMALL       18 /* payload bytes that make a 60-byte frame */

enum mode { MODE_TCP, MODE_UDP, MODE_TCPRR, MODE_UDPRR, MODE_CRR, MODE_MAX };

static const char *const mode_str[] = {
    [MODE_TCP] = "tcp",     [MODE_UDP] = "udp", [MODE_TCPRR] = "tcprr",
    [MODE_UDPRR] = "udprr", [MODE_CRR] = "crr",
};
_Static_assert(sizeof(mode_str) / sizeof(mode_str[0]) == MODE_MAX, "name every mode");

struct shared { /* between the processes of one run */
    _Atomic int ready, stop;
    _Atomic uint64_t received; /* bytes (tcp) or packets (udp) */
    _Atomic uint64_t operations;
};

static struct {
    enum mode mode;
    const char *server_ns, *client_ns, *address;
    double seconds;
    int streams, client_cpu, server_cpu, port;
    bool no_offload;
} opt = { .seconds = 0.5, .streams = 1, .client_cpu = -1, .server_cpu = -1, .port = 5300 };

static struct shared *shared;
static char buf[1 << 17];

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static bool is_udp(void)
{
    return opt.mode == MODE_UDP || opt.mode == MODE_UDPRR;
}

/* `ethtool -K eth0 tso off gso off`; gso_max_segs 1 of ip(8) is another, far slower way. */
static void turn_offload_off(void)
{
    static const uint32_t commands[] = { ETHTOOL_STSO, ETHTOOL_SGSO };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        struct ethtool_value off = { .cmd = commands[i] };
        struct ifreq ifr = { .ifr_name = "eth0", .ifr_data = (char *)&off };

        if (fd < 0 || ioctl(fd, SIOCETHTOOL, &ifr) < 0)
            err(1, "offload of eth0");
    }
    close(fd);
}

static void enter(const char *ns, int cpu)
{
    char path[256];
    cpu_set_t set;
    int fd;

    snprintf(path, sizeof(path), strchr(ns, '/') ? "%s" : "/run/netns/%s", ns);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
        err(1, "%s", path);
    close(fd);
    if (opt.no_offload)
        turn_offload_off();
    if (cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0)
        err(1, "CPU %d", cpu);
}

static socklen_t address(int stream, struct sockaddr_storage *ret)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, opt.address, &in4->sin_addr) == 1) {
        in4->sin_family = AF_INET;
        in4->sin_port = htons((uint16_t)(opt.port + stream));
        return sizeof(*in4);
    }
    if (inet_pton(AF_INET6, opt.address, &in6->sin6_addr) != 1)
        errx(1, "not an address: %s", opt.address);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons((uint16_t)(opt.port + stream));
    return sizeof(*in6);
}

static int open_socket(int family)
{
    int fd = socket(family, (is_udp() ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

    if (fd < 0)
        err(1, "socket");
    return fd;
}

static void set_int(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* --- server --------------------------------------------------------------------------------------- */

static void serve_echo_datagrams(int fd)
{
    for (;;) {
        struct sockaddr_storage from;
        socklen_t size = sizeof(from);
        ssize_t got = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &size);

        if (got >= 0)
            (void)sendto(fd, buf, (size_t)got, 0, (struct sockaddr *)&from, size);
    }
}

static void serve_count_datagrams(int fd)
{
    static char data[BATCH][2048];
    static struct iovec iov[BATCH];
    static struct mmsghdr msgs[BATCH];

    for (int i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){ data[i], sizeof(data[i]) };
        msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
    }
    for (;;) {
        int got = recvmmsg(fd, msgs, BATCH, MSG_WAITFORONE, NULL);

        if (got > 0)
            atomic_fetch_add(&shared->received, (uint64_t)got);
    }
}

static void serve_connection(int fd)
{
    ssize_t got;

    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    while ((got = read(fd, buf, sizeof(buf))) > 0) {
        if (opt.mode == MODE_TCP)
            atomic_fetch_add(&shared->received, (uint64_t)got);
        else if (write(fd, buf, (size_t)got) != got || opt.mode == MODE_CRR)
            break;
    }
    close(fd);
}

static void serve(int stream)
{
    struct sockaddr_storage local;
    socklen_t size = address(stream, &local);
    int fd;

    enter(opt.server_ns, opt.server_cpu);
    fd = open_socket(local.ss_family);
    set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(fd, (struct sockaddr *)&local, size) < 0 || (!is_udp() && listen(fd, 1024) < 0))
        err(1, "bind %s", opt.address);
    if (is_udp())
        set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
    atomic_fetch_add(&shared->ready, 1);
    if (opt.mode == MODE_UDPRR)
        serve_echo_datagrams(fd);
    if (opt.mode == MODE_UDP)
        serve_count_datagrams(fd);
    for (;;) {
        int conn = accept(fd, NULL, NULL);

        if (conn >= 0)
            serve_connection(conn);
    }
}

/* --- client --------------------------------------------------------------------------------------- */

struct samples {
    uint32_t *ns;
    size_t n, room;
};

static void sample(struct samples *samples, uint64_t ns)
{
    if (samples->n < samples->room)
        samples->ns[samples->n++] = (uint32_t)ns;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void print_percentiles(struct samples *samples)
{
    if (samples->n == 0)
        errx(1, "no transaction was done");
    qsort(samples->ns, samples->n, sizeof(samples->ns[0]), compare);
    printf("p50_us %.3f\np99_us %.3f\n", samples->ns[samples->n / 2] / 1e3,
           samples->ns[samples->n * 99 / 100] / 1e3);
}

static void client_connect_loop(const struct sockaddr_storage *to, socklen_t size, struct samples *samples)
{
    struct linger reset = { .l_onoff = 1 }; /* no TIME_WAIT: ports would run out */
    uint64_t start = now_ns(), end = start + (uint64_t)(opt.seconds * 1e9), n = 0;

    while (now_ns() < end) {
        uint64_t before = now_ns();
        int fd = open_socket(to->ss_family);

        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        if (connect(fd, (const struct sockaddr *)to, size) < 0 || write(fd, buf, 1) != 1 ||
            read(fd, buf, 1) != 1)
            err(1, "connect/request/close");
        close(fd);
        sample(samples, now_ns() - before);
        n++;
    }
    shared->operations = n;
    printf("per_s %.1f\n", (double)n / ((double)(now_ns() - start) / 1e9));
}

static void client_request_loop(int fd, struct samples *samples)
{
    struct timeval patience = { .tv_sec = 1 };
    uint64_t last, end;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    for (int warm = 0; warm < 2000; warm++)
        if (send(fd, buf, 1, 0) != 1 || recv(fd, buf, sizeof(buf), 0) < 0)
            err(1, "warm-up");
    last = now_ns();
    end = last + (uint64_t)(opt.seconds * 1e9);
    while (last < end) {
        uint64_t now;

        if (send(fd, buf, 1, 0) != 1 || recv(fd, buf, sizeof(buf), 0) <= 0)
            err(1, "request");
        now = now_ns();
        sample(samples, now - last);
        last = now;
    }
    shared->operations = samples->n + 2000;
}

static void client_bulk(int fd)
{
    while (!atomic_load(&shared->stop))
        if (write(fd, buf, sizeof(buf)) < 0)
            err(1, "write");
}

static void client_flood(int fd)
{
    struct iovec iov = { buf, SMALL };
    static struct mmsghdr msgs[BATCH];

    set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, 8 << 20);
    for (int i = 0; i < BATCH; i++)
        msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
    while (!atomic_load(&shared->stop))
        (void)sendmmsg(fd, msgs, BATCH, 0);
}

static void client(int stream)
{
    struct samples samples = { .room = 1 << 22 };
    struct sockaddr_storage to;
    socklen_t size = address(stream, &to);
    int fd;

    enter(opt.client_ns, opt.client_cpu);
    samples.ns = malloc(samples.room * sizeof(samples.ns[0]));
    if (!samples.ns)
        err(1, "samples");
    if (opt.mode == MODE_CRR) {
        client_connect_loop(&to, size, &samples);
    } else {
        fd = open_socket(to.ss_family);
        set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        if (connect(fd, (struct sockaddr *)&to, size) < 0)
            err(1, "connect %s", opt.address);
        if (opt.mode == MODE_TCP)
            client_bulk(fd);
        else if (opt.mode == MODE_UDP)
            client_flood(fd);
        else
            client_request_loop(fd, &samples);
    }
    if (samples.n)
        print_percentiles(&samples);
    fflush(stdout);
    _exit(0);
}

/* --- the run -------------------------------------------------------------------------------------- */

static void start(pid_t *pids, void (*body)(int))
{
    fflush(stdout);
    for (int i = 0; i < opt.streams; i++) {
        pids[i] = fork();
        if (pids[i] < 0)
            err(1, "fork");
        if (pids[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            body(i);
            _exit(0);
        }
    }
}

static void wait_for_servers(void)
{
    while (atomic_load(&shared->ready) < opt.streams) {
        if (waitpid(-1, NULL, WNOHANG) > 0)
            errx(1, "the server ended");
        usleep(1000);
    }
}

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Bulk modes: leave out the first moments, then count what arrives. */
static void measure_bulk(void)
{
    uint64_t t0, r0, r1;
    double took;

    usleep(200000);
    t0 = now_ns();
    r0 = shared->received;
    usleep((useconds_t)(opt.seconds * 1e6));
    r1 = shared->received;
    took = (double)(now_ns() - t0) / 1e9;
    shared->stop = 1;
    if (opt.mode == MODE_TCP)
        printf("gbit %.4f\n", (double)(r1 - r0) * 8 / took / 1e9);
    else
        printf("pps %.0f\n", (double)(r1 - r0) / took);
}

static double operations(void)
{
    if (opt.mode == MODE_TCP)
        return (double)shared->received / 65536.0;
    return opt.mode == MODE_UDP ? (double)shared->received : (double)shared->operations;
}

static int run(void)
{
    pid_t servers[STREAMS_MAX], clients[STREAMS_MAX];
    int status, failed = 0;

    start(servers, serve);
    wait_for_servers();
    start(clients, client);
    if (opt.mode == MODE_TCP || opt.mode == MODE_UDP)
        measure_bulk();
    for (int i = 0; i < opt.streams; i++) {
        waitpid(clients[i], &status, 0);
        failed |= status != 0;
    }
    for (int i = 0; i < opt.streams; i++) {
        kill(servers[i], SIGKILL);
        waitpid(servers[i], NULL, 0);
    }
    if (!failed)
        printf("cpu_us %.4f\n", cpu_seconds() * 1e6 / operations());
    return failed;
}

static enum mode mode_parse(const char *text)
{
    for (int i = 0; i < MODE_MAX; i++)
        if (strcmp(mode_str[i], text) == 0)
            return (enum mode)i;
    errx(2, "mode '%s': use tcp, udp, tcprr, udprr or crr", text);
}

int main(int argc, char **argv)
{
    int letter;

    while ((letter = getopt(argc, argv, "t:n:c:S:p:o")) != -1) {
        switch (letter) {
        case 't':
            opt.seconds = atof(optarg);
            break;
        case 'n':
            opt.streams = atoi(optarg);
            break;
        case 'c':
            opt.client_cpu = atoi(optarg);
            break;
        case 'S':
            opt.server_cpu = atoi(optarg);
            break;
        case 'p':
            opt.port = atoi(optarg);
            break;
        case 'o':
            opt.no_offload = true;
            break;
        default:
            return 2;
        }
    }
    if (argc - optind != 4 || opt.streams < 1 || opt.streams > STREAMS_MAX)
        errx(2, "usage: traffic [-t SECONDS] [-n STREAMS] [-c CPU] [-S CPU] [-p PORT] [-o] MODE SERVER_NS "
                "CLIENT_NS ADDRESS");
    opt.mode = mode_parse(argv[optind]);
    opt.server_ns = argv[optind + 1];
    opt.client_ns = argv[optind + 2];
    opt.address = argv[optind + 3];
    signal(SIGPIPE, SIG_IGN);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        err(1, "mmap");
    return run();
}
