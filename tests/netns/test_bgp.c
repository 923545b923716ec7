/* The BGP controller with real BIRDs in namespaces of the test's own, which wires join instead of tunnels: a - b - c. The controller runs in
 * this process, in its own loop, so that it can be taken away and made anew in the middle. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../ctl/agent/bgp.h"
#include "../../ctl/agent/bird.h"
#include "../../ctl/agent/loop.h"
#include "../harness/leftovers.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/learned.h"
#include "vnetlab/paths.h"
#include "vnetlab/plan.h"
#include "vnetlab/vpn.h"

#define LAB      "bgptest"
#define FLOOD    4001
#define FIRST_MS 2000 /* until a session is up and its routes are published */

enum { A, B, C, GUESTS };
enum { AB, BA, BC, CB, TUNNELS };

static struct leftovers *before;
static struct vnl_bgp_control *bgp;
static int epoll_fd = -1;
static struct vnl_plan plan;
static struct vnl_plan_gateway gateways[GUESTS];
static struct vnl_plan_tunnel tunnels[TUNNELS];
static struct vnl_prefix announced[GUESTS][FLOOD], refused[GUESTS][1];
static bool is_up[TUNNELS];
static char carried[TUNNELS][1024]; /* as told to the VPN controller */
static char published[2048];        /* "gwa 10.2.0.0/16 ab 65020\n" per route */
static size_t n_published;          /* routes */
static int busy;                    /* so often publishing meets a command */

/* --- hands ---------------------------------------------------------------------------------------- */

static bool tunnel_up(const struct vnl_vpn *vpn, size_t tunnel)
{
    (void)vpn;
    return is_up[tunnel];
}

static void learned_set(struct vnl_vpn *vpn, const char *ifname, const struct vnl_prefix *prefixes, size_t n)
{
    (void)vpn;
    for (size_t i = 0; i < plan.n_tunnels; i++) {
        size_t at = 0;

        if (strcmp(tunnels[i].ifname, ifname) != 0)
            continue;
        carried[i][0] = '\0';
        for (size_t j = 0; j < n && at < sizeof(carried[i]); j++) {
            char text[VNL_PREFIX_STR];

            at += (size_t)snprintf(carried[i] + at, sizeof(carried[i]) - at, "%s ",
                                   vnl_prefix_format(&prefixes[j], text));
        }
    }
}

static int publish(const char *lab, struct vnl_learned *learned, struct vnl_err **err)
{
    size_t at = 0;

    assert_string_equal(lab, LAB);
    if (busy && busy--)
        return vnl_fail(err, EBUSY, "lab '%s' is held", lab);
    published[0] = '\0';
    n_published = learned->n;
    for (size_t i = 0; i < learned->n && at < sizeof(published); i++) {
        const struct vnl_learned_route *route = &learned->items[i];
        char text[VNL_PREFIX_STR];

        at += (size_t)snprintf(published + at, sizeof(published) - at, "%s %s %s %s\n", route->gateway,
                               vnl_prefix_format(&route->prefix, text), route->connection, route->as_path);
    }
    return 0;
}

/* --- guests and their plan ------------------------------------------------------------------------ */

static void __attribute__((format(printf, 1, 2))) sh(const char *fmt, ...)
{
    char command[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static void namespace_make(const char *name)
{
    int saved = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

    assert_true(saved >= 0);
    sh("mkdir -p %s/" LAB "/ns && touch %s/" LAB "/ns/%s", vnl_run_dir(), vnl_run_dir(), name);
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    sh("mount --bind /proc/%d/ns/net %s/" LAB "/ns/%s && ip link set lo up", (int)getpid(), vnl_run_dir(),
       name);
    assert_int_equal(setns(saved, CLONE_NEWNET), 0);
    (void)close(saved);
}

static void in(const char *guest, const char *command)
{
    sh("nsenter --net=%s/" LAB "/ns/%s %s", vnl_run_dir(), guest, command);
}

static void wire(size_t a, size_t b)
{
    const struct vnl_plan_gateway *x = &gateways[tunnels[a].gateway], *y = &gateways[tunnels[b].gateway];
    char command[256], addr[VNL_ADDR_STR];

    (void)snprintf(command, sizeof(command), "ip link add %s type veth peer name %s netns %s/" LAB "/ns/%s",
                   tunnels[a].ifname, tunnels[b].ifname, vnl_run_dir(), y->name);
    in(x->name, command);
    for (size_t i = 0; i < 2; i++) {
        const struct vnl_plan_tunnel *tunnel = &tunnels[i ? b : a];

        (void)snprintf(command, sizeof(command), "ip link set %s up", tunnel->ifname);
        in((i ? y : x)->name, command);
        (void)snprintf(command, sizeof(command), "ip route add %s/32 dev %s src %s",
                       vnl_addr_format(&tunnel->peer_bgp, addr), tunnel->ifname,
                       i ? "10.2.255.4" : "10.1.255.4");
        if (b == CB)
            (void)snprintf(command, sizeof(command), "ip route add %s/32 dev %s src %s", addr, tunnel->ifname,
                           i ? "192.168.255.254" : "10.2.255.4");
        in((i ? y : x)->name, command);
    }
}

static struct vnl_prefix prefix(const char *text)
{
    struct vnl_prefix ret;

    assert_int_equal(vnl_prefix_parse(text, &ret, NULL), 0);
    return ret;
}

static void gateway_init(size_t i, const char *id, const char *name, const char *addr, uint32_t asn,
                         const char *space)
{
    char command[64];

    gateways[i] = (struct vnl_plan_gateway){ .id = (char *)id,
                                             .name = (char *)name,
                                             .resource = (char *)name,
                                             .site = i == C,
                                             .asn = asn,
                                             .announced = announced[i],
                                             .n_announced = 1,
                                             .refused = refused[i] };
    assert_int_equal(vnl_addr_parse(addr, &gateways[i].bgp_addr, NULL), 0);
    announced[i][0] = prefix(space);
    namespace_make(name);
    (void)snprintf(command, sizeof(command), "ip addr add %s/32 dev lo", addr);
    in(name, command);
}

static void tunnel_init(size_t i, const char *connection, const char *ifname, uint32_t from, uint32_t to)
{
    tunnels[i] = (struct vnl_plan_tunnel){ .connection = (char *)connection,
                                           .gateway = from,
                                           .peer = to,
                                           .peer_asn = gateways[to].asn,
                                           .peer_bgp = gateways[to].bgp_addr };
    (void)snprintf(tunnels[i].ifname, sizeof(tunnels[i].ifname), "%s", ifname);
    is_up[i] = true;
}

static int world_make(void **state)
{
    (void)state;
    gateway_init(A, "gwa", "a", "10.1.255.4", 65010, "10.1.0.0/16");
    gateway_init(B, "gwb", "b", "10.2.255.4", 65020, "10.2.0.0/16");
    gateway_init(C, "office", "c", "192.168.255.254", 65050, "192.168.0.0/16");
    tunnel_init(AB, "ab", "vpn1", A, B);
    tunnel_init(BA, "ba", "vpn4", B, A); /* vpn4, vpn6: words of BIRD's, too */
    tunnel_init(BC, "bc", "vpn6", B, C);
    tunnel_init(CB, "bc", "vpn13", C, B);
    wire(AB, BA);
    wire(BC, CB);
    plan = (struct vnl_plan){ .lab = (char *)LAB,
                              .gateways = gateways,
                              .n_gateways = GUESTS,
                              .tunnels = tunnels,
                              .n_tunnels = TUNNELS };
    memset(carried, 0, sizeof(carried));
    published[0] = '\0';
    n_published = 0;
    busy = 0;
    return 0;
}

static void only_a_and_b(void)
{
    plan.n_gateways = 2;
    plan.n_tunnels = 2;
}

static void controller_start(void)
{
    static const struct vnl_bgp_hands hands = { tunnel_up, learned_set, publish };

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(vnl_bgp_control_new(epoll_fd, LAB, NULL, &hands, &bgp, NULL), 0);
}

static void controller_stop(void)
{
    vnl_bgp_control_free(&bgp);
    vnl_fd_close(&epoll_fd);
    epoll_fd = -1;
}

static void follow(void)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    if (vnl_bgp_control_follow(bgp, &plan, &err) < 0)
        fail_msg("%s", err->msg);
}

static pid_t bird_of(const char *guest)
{
    CLEANUP(vnl_str_free) char *path = NULL;
    CLEANUP(vnl_fd_close) int dir_fd = -1, fd = -1;
    pid_t pid = 0;

    assert_true(asprintf(&path, "%s/" LAB "/bgp/%s", vnl_run_dir(), guest) > 0);
    dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fd = dir_fd < 0 ? -1 : vnl_bird_connect(dir_fd, &pid);
    return fd < 0 ? 0 : pid;
}

/* Nothing of it runs: it is nobody's child, so when it is gone for good is init's affair. */
static bool has_ended(pid_t pid)
{
    char path[64], byte;
    CLEANUP(vnl_fd_close) int fd = -1;

    (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 || read(fd, &byte, 1) <= 0;
}

static int world_end(void **state)
{
    pid_t pids[GUESTS];

    (void)state;
    for (size_t i = 0; i < GUESTS; i++)
        pids[i] = bird_of(gateways[i].name);
    if (!bgp)
        controller_start();
    plan.n_gateways = plan.n_tunnels = 0;
    follow();
    controller_stop();
    for (size_t i = 0; i < GUESTS; i++) {
        assert_true(!pids[i] || has_ended(pids[i]));
        sh("umount %s/" LAB "/ns/%s", vnl_run_dir(), gateways[i].name);
    }
    sh("! find %s/" LAB "/bgp -mindepth 1 | grep .", vnl_run_dir());
    sh("rm -r %s", vnl_run_dir());
    return 0;
}

/* --- waiting and looking -------------------------------------------------------------------------- */

static void turn(void)
{
    int wait = vnl_bgp_control_run(bgp);

    assert_int_equal(vnl_loop_turn(epoll_fd, wait < 0 || wait > 20 ? 20 : wait), 0);
}

static void pump(int for_ms)
{
    for (int64_t end = vnl_loop_now_ms() + for_ms; vnl_loop_now_ms() < end;)
        turn();
}

static struct vnl_json *states(void)
{
    struct vnl_json *list = vnl_json_array();

    for (size_t i = 0; i < plan.n_tunnels; i++)
        assert_int_equal(vnl_json_push(list, vnl_json_object()), 0);
    vnl_bgp_control_fill(bgp, list);
    return list;
}

static bool is_state(size_t tunnel, enum vnl_bgp_state wanted)
{
    CLEANUP(vnl_json_free) struct vnl_json *list = states();
    const struct vnl_json *one = vnl_json_at(list, tunnel);

    assert_true(vnl_json_get_bool(one, "bgp", false));
    return vnl_json_get_int(one, "bgpState", -1) == (int64_t)wanted;
}

static void assert_reason(size_t tunnel, const char *wanted)
{
    CLEANUP(vnl_json_free) struct vnl_json *list = states();
    const char *reason = vnl_json_get_text(vnl_json_at(list, tunnel), "bgpReason");

    assert_string_equal(reason ? reason : "(none)", wanted);
}

static void await_state(size_t tunnel, enum vnl_bgp_state wanted, int within_ms)
{
    int64_t end = vnl_loop_now_ms() + within_ms;

    while (!is_state(tunnel, wanted)) {
        if (vnl_loop_now_ms() > end)
            fail_msg("%s is not in state %d after %d ms", tunnels[tunnel].ifname, (int)wanted, within_ms);
        turn();
    }
}

static bool all_ready(void)
{
    CLEANUP(vnl_json_free) struct vnl_json *list = states();

    for (size_t i = 0; i < vnl_json_len(list); i++)
        if (!vnl_json_get_bool(vnl_json_at(list, i), "bgpReady", false) || !is_state(i, VNL_BGP_CONNECTED))
            return false;
    return true;
}

static void await_ready(int within_ms)
{
    int64_t end = vnl_loop_now_ms() + within_ms;

    while (!all_ready()) {
        if (vnl_loop_now_ms() > end)
            fail_msg("not ready after %d ms; published:\n%s", within_ms, published);
        turn();
    }
}

static void await_published(const char *wanted, int within_ms)
{
    int64_t end = vnl_loop_now_ms() + within_ms;

    while (strcmp(published, wanted) != 0) {
        if (vnl_loop_now_ms() > end)
            fail_msg("after %d ms published is not\n%s\nbut\n%s", within_ms, wanted, published);
        turn();
    }
}

static void await_routes(size_t n)
{
    for (int64_t end = vnl_loop_now_ms() + 3000; n_published != n; turn())
        if (vnl_loop_now_ms() > end)
            fail_msg("%zu routes are published, not %zu", n_published, n);
}

/* How often the session came up since the log began. */
static int times_up(const char *guest, const char *ifname)
{
    CLEANUP(vnl_str_free) char *path = NULL;
    char line[256], wanted[64];
    FILE *log;
    int n = 0;

    assert_true(asprintf(&path, "%s/" LAB "/bgp/%s/log", vnl_run_dir(), guest) > 0);
    (void)snprintf(wanted, sizeof(wanted), "%s: State changed to up", ifname);
    log = fopen(path, "re");
    assert_non_null(log);
    while (fgets(line, sizeof(line), log))
        n += strstr(line, wanted) != NULL;
    (void)fclose(log);
    return n;
}

static char *ask(const char *what, const char *gateway, const char *peer)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_bgp_control_ask(bgp, what, gateway, peer, &err);
    char *text = NULL;

    if (!json)
        return strdup(err->msg);
    assert_int_equal(vnl_json_format(json, 0, &text, NULL), 0);
    return text;
}

static void drop_blanks(char *text)
{
    char *to = text;

    for (const char *at = text; *at; at++)
        if (*at != ' ')
            *to++ = *at;
    *to = '\0';
}

/* JSON without its blanks. */
static void assert_ask(const char *what, const char *gateway, const char *peer, const char *wanted)
{
    CLEANUP(vnl_str_free) char *text = ask(what, gateway, peer);

    if (*text == '{')
        drop_blanks(text);
    assert_string_equal(text, wanted);
}

#define A_AND_B "gwa 10.2.0.0/16 ab 65020\ngwb 10.1.0.0/16 ba 65010\n"
#define ALL                                                                                                  \
    "gwa 10.2.0.0/16 ab 65020\ngwa 192.168.0.0/16 ab 65020 65050\n"                                          \
    "gwb 10.1.0.0/16 ba 65010\ngwb 192.168.0.0/16 bc 65050\n"                                                \
    "office 10.1.0.0/16 bc 65020 65010\noffice 10.2.0.0/16 bc 65020\n"

static void start(int within_ms)
{
    controller_start();
    follow();
    await_ready(within_ms);
}

/* --- tests ---------------------------------------------------------------------------------------- */

static void two_gateways_learn_each_others_prefixes(void **state)
{
    (void)state;
    only_a_and_b();
    start(FIRST_MS);
    assert_string_equal(published, A_AND_B);
    assert_string_equal(carried[AB], "10.2.0.0/16 ");
    assert_string_equal(carried[BA], "10.1.0.0/16 ");
    assert_true(vnl_bgp_control_has_learned(bgp));
    assert_false(vnl_bgp_control_has_learned(bgp));
}

static void what_is_learned_is_passed_on_with_its_path(void **state)
{
    (void)state;
    start(2 * FIRST_MS);
    await_published(ALL, FIRST_MS);
    assert_string_equal(carried[CB], "10.1.0.0/16 10.2.0.0/16 ");
}

static void arm_shapes_are_as_azure_prints_them(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    const struct vnl_json *peer;

    (void)state;
    start(2 * FIRST_MS);
    await_published(ALL, FIRST_MS);
    assert_ask(
        "bgp-learned", "A", NULL,
        "{\"value\":[{\"localAddress\":\"10.1.255.4\",\"network\":\"10.1.0.0/16\",\"nextHop\":\"\","
        "\"sourcePeer\":\"10.1.255.4\",\"origin\":\"Network\",\"asPath\":\"\",\"weight\":32768},"
        "{\"localAddress\":\"10.1.255.4\",\"network\":\"10.2.0.0/16\",\"nextHop\":\"10.2.255.4\","
        "\"sourcePeer\":\"10.2.255.4\",\"origin\":\"EBgp\",\"asPath\":\"65020\",\"weight\":32768},"
        "{\"localAddress\":\"10.1.255.4\",\"network\":\"192.168.0.0/16\",\"nextHop\":\"10.2.255.4\","
        "\"sourcePeer\":\"10.2.255.4\",\"origin\":\"EBgp\",\"asPath\":\"65020-65050\",\"weight\":32768}]}");
    assert_ask("bgp-advertised", "b", "192.168.255.254",
               "{\"value\":[{\"localAddress\":\"10.2.255.4\",\"network\":\"10.1.0.0/16\","
               "\"nextHop\":\"10.2.255.4\",\"sourcePeer\":\"10.2.255.4\",\"origin\":\"EBgp\","
               "\"asPath\":\"65020-65010\",\"weight\":0},"
               "{\"localAddress\":\"10.2.255.4\",\"network\":\"10.2.0.0/16\",\"nextHop\":\"10.2.255.4\","
               "\"sourcePeer\":\"10.2.255.4\",\"origin\":\"Network\",\"asPath\":\"65020\",\"weight\":0}]}");
    assert_ask("bgp-advertised", "A", NULL, /* to all: each with who hears it */
               "{\"value\":[{\"neighbor\":\"10.2.255.4\",\"localAddress\":\"10.1.255.4\","
               "\"network\":\"10.1.0.0/16\",\"nextHop\":\"10.1.255.4\",\"sourcePeer\":\"10.1.255.4\","
               "\"origin\":\"Network\",\"asPath\":\"65010\",\"weight\":0}]}");
    assert_ask("bgp-advertised", "b", "10.9.9.9", "gateway 'b' has no BGP peer 10.9.9.9");
    assert_ask("bgp-peers", "nobody", NULL, "gateway 'nobody' speaks no BGP");
    json = vnl_bgp_control_ask(bgp, "bgp-peers", "a", NULL, NULL);
    assert_int_equal(vnl_json_len(vnl_json_get(json, "value")), 1);
    peer = vnl_json_at(vnl_json_get(json, "value"), 0);
    assert_string_equal(vnl_json_get_text(peer, "localAddress"), "10.1.255.4");
    assert_string_equal(vnl_json_get_text(peer, "neighbor"), "10.2.255.4");
    assert_int_equal(vnl_json_get_int(peer, "asn", 0), 65020);
    assert_string_equal(vnl_json_get_text(peer, "state"), "Connected");
    assert_int_equal(strncmp(vnl_json_get_text(peer, "connectedDuration"), "00:00:0", 7), 0);
    assert_int_equal(vnl_json_get_int(peer, "routesReceived", 0), 2);
    assert_true(vnl_json_get_int(peer, "messagesSent", 0) >= 3); /* OPEN, KEEPALIVE, UPDATE */
    assert_true(vnl_json_get_int(peer, "messagesReceived", 0) >= 3);
}

static void exact_vnet_prefix_is_refused_and_a_wider_one_is_not(void **state)
{
    (void)state;
    only_a_and_b();
    refused[A][0] = prefix("10.1.0.0/16");
    gateways[A].n_refused = 1;
    announced[B][1] = prefix("10.1.0.0/16");
    announced[B][2] = prefix("10.0.0.0/8");
    gateways[B].n_announced = 3;
    start(FIRST_MS);
    assert_string_equal(published, "gwa 10.0.0.0/8 ab 65020\ngwa 10.2.0.0/16 ab 65020\n");
}

static void default_route_of_a_site_goes_no_further(void **state)
{
    (void)state;
    announced[C][0] = prefix("0.0.0.0/0");
    start(2 * FIRST_MS);
    await_published("gwa 10.2.0.0/16 ab 65020\ngwb 0.0.0.0/0 bc 65050\ngwb 10.1.0.0/16 ba 65010\n"
                    "office 10.1.0.0/16 bc 65020 65010\noffice 10.2.0.0/16 bc 65020\n",
                    FIRST_MS);
    pump(300);
    assert_string_equal(carried[AB], "10.2.0.0/16 ");
    assert_string_equal(carried[BC], "0.0.0.0/0 ");
}

static void peer_with_too_many_prefixes_is_given_up(void **state)
{
    (void)state;
    only_a_and_b();
    start(FIRST_MS);
    for (uint32_t i = 0; i < FLOOD; i++) {
        char text[VNL_PREFIX_STR];

        (void)snprintf(text, sizeof(text), "100.%u.%u.0/24", 64 + i / 256, i % 256);
        announced[B][i] = prefix(text);
    }
    gateways[B].n_announced = FLOOD - 1;
    follow();
    await_routes(FLOOD); /* 4000, and a's at b */
    assert_int_equal(times_up("a", "vpn1"), 1);
    gateways[B].n_announced = FLOOD;
    follow();
    await_state(AB, VNL_BGP_STOPPED, 3000);
    assert_reason(AB, "Automatic shutdown: Route limit exceeded");
    await_published("", 1000);
    assert_string_equal(carried[AB], "");
    gateways[B].n_announced = 1;
    follow();
    await_state(BA, VNL_BGP_CONNECTING, 3000);
    assert_true(is_state(AB, VNL_BGP_STOPPED));
    is_up[AB] = false; /* as when the operator resets the connection */
    pump(100);
    is_up[AB] = true;
    await_state(AB, VNL_BGP_CONNECTED, 3000);
    assert_reason(AB, "(none)");
    await_routes(2);
}

static void tunnel_that_goes_takes_its_routes_at_once(void **state)
{
    (void)state;
    start(2 * FIRST_MS);
    await_published(ALL, FIRST_MS);
    is_up[BC] = is_up[CB] = false;
    await_published(A_AND_B, 1000);
    await_state(BC, VNL_BGP_STOPPED, 1000);
    assert_string_equal(carried[AB], "10.2.0.0/16 ");
    assert_string_equal(carried[BC], "");
    assert_true(is_state(AB, VNL_BGP_CONNECTED));
    is_up[BC] = is_up[CB] = true;
    await_published(ALL, 3000);
    assert_int_equal(times_up("a", "vpn1"), 1);
}

/* Nobody is to take what a session was before for what it is. */
static void session_is_not_ready_until_it_was_asked_about_its_new_settings(void **state)
{
    (void)state;
    only_a_and_b();
    start(FIRST_MS);
    await_ready(1000);
    gateways[B].asn = 65021; /* to a it is 65020 still */
    follow();
    assert_false(all_ready());
    pump(500);
    assert_false(all_ready());
    assert_false(is_state(AB, VNL_BGP_CONNECTED));
    gateways[B].asn = 65020;
    follow();
    await_ready(5000);
    follow(); /* nothing else */
    assert_true(all_ready());
}

static void another_prefix_leaves_the_session_alone(void **state)
{
    (void)state;
    only_a_and_b();
    start(FIRST_MS);
    announced[B][1] = prefix("10.20.0.0/16");
    gateways[B].n_announced = 2;
    follow();
    await_published("gwa 10.2.0.0/16 ab 65020\ngwa 10.20.0.0/16 ab 65020\ngwb 10.1.0.0/16 ba 65010\n", 1000);
    assert_int_equal(times_up("a", "vpn1"), 1);
    assert_int_equal(times_up("b", "vpn4"), 1);
}

static void killed_bird_comes_back(void **state)
{
    pid_t pid;

    (void)state;
    only_a_and_b();
    start(FIRST_MS);
    pid = bird_of("b");
    assert_true(pid > 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    await_published("", 1000);
    await_published(A_AND_B, 5000);
    await_ready(1000);
    assert_true(bird_of("b") > 0 && bird_of("b") != pid);
    assert_int_equal(times_up("b", "vpn4"), 2);
}

static void other_controller_finds_the_sessions(void **state)
{
    pid_t a = 0, b = 0;

    (void)state;
    only_a_and_b();
    start(FIRST_MS);
    a = bird_of("a");
    b = bird_of("b");
    controller_stop();
    published[0] = '\0';
    is_up[AB] = is_up[BA] = false; /* it does not know of its tunnels yet */
    controller_start();
    follow();
    await_published(A_AND_B, 1000);
    pump(500);
    is_up[AB] = is_up[BA] = true;
    pump(3500);
    assert_string_equal(published, A_AND_B);
    assert_int_equal(bird_of("a"), a);
    assert_int_equal(bird_of("b"), b);
    assert_int_equal(times_up("a", "vpn1"), 1);
}

static void published_when_no_command_is_at_the_lab(void **state)
{
    (void)state;
    only_a_and_b();
    busy = 12;
    start(2 * FIRST_MS);
    assert_int_equal(busy, 0);
    assert_string_equal(published, A_AND_B);
}

static void guest_that_is_not_wanted_any_more_is_ended(void **state)
{
    pid_t pid;

    (void)state;
    start(2 * FIRST_MS);
    pid = bird_of("c");
    assert_true(pid > 0);
    only_a_and_b();
    follow();
    assert_true(has_ended(pid));
    await_published(A_AND_B, 1000);
    assert_int_equal(times_up("a", "vpn1"), 1);
}

/* --- the program ---------------------------------------------------------------------------------- */

static int group_setup(void **state)
{
    (void)state;
    leftovers_isolate();
    before = leftovers_take();
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    leftovers_assert_none(before);
    leftovers_free(&before);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_gateways_learn_each_others_prefixes),
        TEST(what_is_learned_is_passed_on_with_its_path),
        TEST(arm_shapes_are_as_azure_prints_them),
        TEST(exact_vnet_prefix_is_refused_and_a_wider_one_is_not),
        TEST(default_route_of_a_site_goes_no_further),
        TEST(peer_with_too_many_prefixes_is_given_up),
        TEST(tunnel_that_goes_takes_its_routes_at_once),
        TEST(session_is_not_ready_until_it_was_asked_about_its_new_settings),
        TEST(another_prefix_leaves_the_session_alone),
        TEST(killed_bird_comes_back),
        TEST(other_controller_finds_the_sessions),
        TEST(published_when_no_command_is_at_the_lab),
        TEST(guest_that_is_not_wanted_any_more_is_ended),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
