/* The port program on real devices: what a test run cannot show. Guests with the kernel's own stack resolve
 * neighbors and talk, packets beyond 64 KiB (BIG TCP) and packets whose headers lie in pages pass, frames cut
 * within their headers do not, marks are not forged.
 *
 * Everything is in namespaces of this process; /run/netns is a tmpfs that only it sees. */
#include "port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "../harness/traffic.h"
#include "vnetlab/drop.h"

#define sh(...)                                                                                              \
    do {                                                                                                     \
        char command_[512];                                                                                  \
        snprintf(command_, sizeof(command_), __VA_ARGS__);                                                   \
        if (system(command_) != 0)                                                                           \
            fail_msg("%s", command_);                                                                        \
    } while (0)

/* Host end: fixed index. The guest end is eth0 in namespace gSLOT. */
static void add_guest(struct port *port, unsigned slot, const char *addr4, const char *gateway,
                      const char *addr6)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = VNL_NIC_IFINDEX + slot, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = vnl_bpf_prog_fd(port->bpf), .handle = 1, .priority = 1);
    uint8_t mac[6];

    frame_mac(slot, mac);
    sh("ip netns add g%u", slot);
    sh("ip link add nic%u index %u type veth peer name eth0 netns g%u", slot, VNL_NIC_IFINDEX + slot, slot);
    sh("ip -n g%u link set eth0 addrgenmode none address %02x:%02x:%02x:%02x:%02x:%02x", slot, mac[0], mac[1],
       mac[2], mac[3], mac[4], mac[5]);
    sh("ip link set nic%u addrgenmode none up", slot);
    sh("ip -n g%u link set lo up; ip -n g%u link set eth0 up", slot, slot);
    sh("ip -n g%u addr add %s/24 dev eth0; ip -n g%u addr add %s/64 dev eth0 nodad", slot, addr4, slot,
       addr6);
    sh("ip -n g%u route add default via %s; ip -n g%u route add default via fe80::1234:5678:9abc dev eth0",
       slot, gateway, slot);
    assert_int_equal(bpf_tc_hook_create(&hook), 0);
    assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
}

static int setup(void **state)
{
    if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -1;
    mkdir("/run/netns", 0755);
    if (mount("tmpfs", "/run/netns", "tmpfs", 0, NULL) < 0)
        return -1;
    port_setup(state);
    add_guest(*state, WORLD_VM, "10.0.0.4", "10.0.0.1", "fd00::4");
    add_guest(*state, WORLD_NEIGHBOR, "10.0.0.5", "10.0.0.1", "fd00::5");
    add_guest(*state, WORLD_PEER, "10.1.0.4", "10.1.0.1", "fd00:0:1::4");
    return 0;
}

static int teardown(void **state)
{
    umount2("/run/netns", MNT_DETACH);
    return port_teardown(state);
}

static uint64_t counter(struct port *port, uint32_t slot, enum vnl_drop reason)
{
    uint64_t counters[VNL_DROP_MAX];

    vnl_bpf_counters(port->bpf, slot, counters);
    return counters[reason];
}

/* Until the counter stands there; false after a second. */
static bool counter_reaches(struct port *port, uint32_t slot, enum vnl_drop reason, uint64_t value)
{
    for (int i = 0; i < 1000; i++) {
        if (counter(port, slot, reason) >= value)
            return true;
        usleep(1000);
    }
    return false;
}

/* A raw socket on the guest's eth0. */
static int packet_socket(unsigned slot, int type)
{
    char netns[16];
    struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(0x0003) };
    int fd;

    snprintf(netns, sizeof(netns), "g%u", slot);
    fd = traffic_socket(netns, AF_PACKET, type | SOCK_NONBLOCK, htons(0x0003)); /* ETH_P_ALL */
    assert_true(fd >= 0);
    {
        struct ifreq req = { .ifr_name = "eth0" };

        assert_int_equal(ioctl(fd, SIOCGIFINDEX, &req), 0);
        addr.sll_ifindex = req.ifr_ifindex;
    }
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

/* --- guests --------------------------------------------------------------------------------------------- */

static void guests_reach_each_other(void **state)
{
    static const char *const pairs[][2] = {
        { "10.0.0.5", "g1" }, { "10.1.0.4", "g3" }, { "fd00::5", "g1" }, { "fd00:0:1::4", "g3" }
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        sh("ip netns exec g0 ping -n -c1 -W2 %s | grep -q ' ttl=64 '", pairs[i][0]);
        assert_true(traffic_tcp("g0", pairs[i][1], pairs[i][0], 7777, 300000));
        assert_true(traffic_udp("g0", pairs[i][1], pairs[i][0], 7778, 1400));
        assert_true(traffic_udp("g0", pairs[i][1], pairs[i][0], 7779, 9000)); /* in fragments */
    }
}

static void every_neighbor_has_the_fabric_mac(void **state)
{
    static const char *const neighbors[] = { "10.0.0.5", "10.0.0.1", "fd00::5", "fe80::1234:5678:9abc" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(neighbors); i++)
        sh("ip -n g0 neigh show %s dev eth0 | grep -q '12:34:56:78:9a:bc'", neighbors[i]);
    sh("ip -n g0 neigh show fe80::1234:5678:9abc dev eth0 | grep -q router");
}

static void duplicate_address_detection_finds_none(void **state)
{
    (void)state;
    sh("ip -n g0 addr add fd00::44/64 dev eth0"); /* with detection */
    for (int i = 0; i < 300 && system("ip -n g0 addr show dev eth0 tentative | grep -q inet6") == 0; i++)
        usleep(10000);
    sh("ip -n g0 addr show dev eth0 | grep -q fd00::44");
    sh("! ip -n g0 addr show dev eth0 dadfailed | grep -q inet6");
    sh("ip -n g0 addr del fd00::44/64 dev eth0");
}

/* --- BIG TCP -------------------------------------------------------------------------------------------- */

#define BIG 262144u

/* By hand: iproute2 6.1 knows only one of the attributes. */
static void set_gso_max(const char *netns, uint16_t attr)
{
    struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
        struct rtattr attr;
        uint32_t value;
    } req = {
        .head = { sizeof(req), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
        .link = { .ifi_family = AF_UNSPEC },
        .attr = { RTA_LENGTH(sizeof(uint32_t)), attr },
        .value = BIG,
    };
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
        char more[256];
    } answer;
    int fd = traffic_socket(netns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), any;
    struct ifreq dev = { .ifr_name = "eth0" };

    any = traffic_socket(netns, AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0 && any >= 0);
    assert_int_equal(ioctl(any, SIOCGIFINDEX, &dev), 0);
    req.link.ifi_index = dev.ifr_ifindex;
    close(any);
    assert_int_equal(send(fd, &req, sizeof(req), 0), sizeof(req));
    assert_true(recv(fd, &answer, sizeof(answer), 0) > 0);
    close(fd);
    assert_int_equal(answer.error.error, 0);
}

/* The largest packet that came in since the socket was opened. */
static size_t largest_packet(int fd)
{
    size_t largest = 0;
    char byte;
    ssize_t n;

    while ((n = recv(fd, &byte, 1, MSG_TRUNC)) >= 0) {
        if ((size_t)n > largest)
            largest = n;
    }
    return largest;
}

/* All but what a guest sends unasked and at its own time: multicast listener reports, router
 * solicitations. */
static uint64_t drops(struct port *port, uint32_t slot)
{
    uint64_t counters[VNL_DROP_MAX], sum = 0;

    vnl_bpf_counters(port->bpf, slot, counters);
    for (int i = 0; i < VNL_DROP_MAX; i++)
        sum += i == VNL_DROP_MULTICAST || i == VNL_DROP_NEIGHBOR_DISCOVERY ? 0 : counters[i];
    return sum;
}

static void assert_big_tcp(struct port *port, const char *address, uint16_t attr)
{
    int room = 64 << 20, fd;
    uint64_t before;
    size_t largest = 0;

    set_gso_max("g0", attr);
    set_gso_max("g3", attr);
    fd = packet_socket(WORLD_PEER, SOCK_RAW);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
    before = drops(port, WORLD_VM);
    for (int i = 0; i < 10 && largest <= 65550; i++) {
        assert_true(traffic_tcp("g0", "g3", address, 7800 + i, 8 << 20));
        largest = largest_packet(fd);
    }
    close(fd);
    assert_int_equal(drops(port, WORLD_VM), before);
    assert_true(largest > 65550);
}

static void ipv6_packets_beyond_64_kib_pass(void **state)
{
    assert_big_tcp(*state, "fd00:0:1::4", IFLA_GSO_MAX_SIZE);
}

/* Older kernels ignore the attribute without a word. */
static void ipv4_packets_beyond_64_kib_pass(void **state)
{
    struct utsname kernel;
    int major = 0, minor = 0;

    assert_int_equal(uname(&kernel), 0);
    sscanf(kernel.release, "%d.%d", &major, &minor);
    if (major < 6 || (major == 6 && minor < 3)) {
        print_message("skip: Linux %s has no BIG TCP for IPv4 (6.3 has)\n", kernel.release);
        skip();
    }
    assert_big_tcp(*state, "10.1.0.4", 63); /* IFLA_GSO_IPV4_MAX_SIZE, which linux/if_link.h of 6.1 lacks */
}

/* --- frames made by hand -------------------------------------------------------------------------------- */

static void send_frame(int fd, const struct frame *frame)
{
    assert_int_equal(send(fd, frame->data, frame->size, 0), frame->size);
}

/* Did the frame come in, its MACs aside? */
static bool comes_in(int fd, const struct frame *frame, int timeout_ms)
{
    struct pollfd poll_fd = { fd, POLLIN, 0 };
    uint8_t got[FRAME_MAX];

    while (poll(&poll_fd, 1, timeout_ms) > 0) {
        ssize_t n = recv(fd, got, sizeof(got), 0);

        if (n == (ssize_t)frame->size && memcmp(got + 12, frame->data + 12, n - 12) == 0)
            return true;
    }
    return false;
}

static void frames_cut_within_their_headers_are_dropped(void **state)
{
    struct port *port = *state;
    int from = packet_socket(WORLD_VM, SOCK_RAW), to = packet_socket(WORLD_NEIGHBOR, SOCK_RAW);

    for (int v6 = 0; v6 < 2; v6++) {
        struct frame_spec spec = { .from = WORLD_VM,
                                   .src = v6 ? "fd00::4" : "10.0.0.4",
                                   .dst = v6 ? "fd00::5" : "10.0.0.5" };
        struct frame whole;

        frame_build(&whole, &spec);
        for (size_t size = AT_IP; size < whole.size; size++) {
            uint64_t before = counter(port, WORLD_VM, VNL_DROP_TRUNCATED);
            struct frame frame = whole;

            frame.size = size;
            send_frame(from, &frame);
            if (!counter_reaches(port, WORLD_VM, VNL_DROP_TRUNCATED, before + 1))
                fail_msg("IPv%d frame of %zu bytes is not dropped as truncated", v6 ? 6 : 4, size);
        }
        send_frame(from, &whole); /* all before it have been decided */
        assert_true(comes_in(to, &whole, 1000));
    }
    close(from);
    close(to);
}

/* The kernel moves the tag out of the frame; the program sees it all the same. */
static void a_vlan_tag_is_seen(void **state)
{
    struct frame_spec spec = { .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.0.0.5" };
    int from = packet_socket(WORLD_VM, SOCK_RAW);
    uint64_t before = counter(*state, WORLD_VM, VNL_DROP_VLAN);
    struct frame frame;

    frame_build(&frame, &spec);
    memmove(frame.data + 16, frame.data + 12, frame.size - 12);
    frame_put16(&frame, 12, 0x8100);
    frame_put16(&frame, 14, 5);
    frame.size += 4;
    send_frame(from, &frame);
    assert_true(counter_reaches(*state, WORLD_VM, VNL_DROP_VLAN, before + 1));
    close(from);
}

/* A transmit ring hands over pages: only the Ethernet header is copied into the packet's linear part. */
static void headers_in_pages_are_read(void **state)
{
    static const char *const pairs[][2] = { { "10.0.0.4", "10.0.0.5" }, { "fd00::4", "fd00::5" } };
    struct tpacket_req ring = {
        .tp_block_size = 4096, .tp_block_nr = 2, .tp_frame_size = 4096, .tp_frame_nr = 2
    };
    int from = packet_socket(WORLD_VM, SOCK_RAW), to = packet_socket(WORLD_NEIGHBOR, SOCK_RAW),
        version = TPACKET_V2;
    uint8_t *slots;

    (void)state;
    assert_int_equal(setsockopt(from, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)), 0);
    assert_int_equal(setsockopt(from, SOL_PACKET, PACKET_TX_RING, &ring, sizeof(ring)), 0);
    slots = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, from, 0);
    assert_ptr_not_equal(slots, MAP_FAILED);
    for (int i = 0; i < 2; i++) {
        struct tpacket2_hdr *slot = (void *)(slots + 4096 * i);
        struct frame_spec spec = {
            .from = WORLD_VM, .src = pairs[i][0], .dst = pairs[i][1], .proto = 17, .payload = 500
        };
        struct frame frame;

        frame_build(&frame, &spec);
        memcpy((uint8_t *)slot + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll), frame.data, frame.size);
        slot->tp_len = frame.size;
        __atomic_store_n(&slot->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
        assert_int_equal(send(from, NULL, 0, 0), frame.size);
        assert_true(comes_in(to, &frame, 1000));
    }
    munmap(slots, 8192);
    close(from);
    close(to);
}

/* --- marks ---------------------------------------------------------------------------------------------- */

static int marked_socket(uint32_t mark)
{
    int fd = traffic_socket("g0", AF_INET, SOCK_DGRAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
    return fd;
}

/* A dry run would count nothing. */
static void a_guest_cannot_forge_a_dry_run(void **state)
{
    struct sockaddr_in nobody = { .sin_family = AF_INET,
                                  .sin_port = htons(9),
                                  .sin_addr = { htonl(0x0a000063) } };
    uint64_t before = counter(*state, WORLD_VM, VNL_DROP_NO_OWNER);
    int fd = marked_socket(VNL_MARK_WHAT_IF);

    for (int i = 0; i < 10; i++)
        assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&nobody, sizeof(nobody)), 1);
    assert_true(counter_reaches(*state, WORLD_VM, VNL_DROP_NO_OWNER, before + 10));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guests_reach_each_other),
        cmocka_unit_test(every_neighbor_has_the_fabric_mac),
        cmocka_unit_test(duplicate_address_detection_finds_none),
        cmocka_unit_test(ipv6_packets_beyond_64_kib_pass),
        cmocka_unit_test(ipv4_packets_beyond_64_kib_pass),
        cmocka_unit_test(frames_cut_within_their_headers_are_dropped),
        cmocka_unit_test(a_vlan_tag_is_seen),
        cmocka_unit_test(headers_in_pages_are_read),
        cmocka_unit_test(a_guest_cannot_forge_a_dry_run),
    };

    return cmocka_run_group_tests_name("port on real devices", tests, setup, teardown);
}
