/* Point-to-site with real charons: a gateway, two clients, namespaces and certificates of its own. The plan is made by hand, the controller runs
 * in this process. VNETLAB_VPN_ENGINE=xfrm: with the kernel's ESP (tests/kernels/vpn). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <cmocka.h>

#include "../../ctl/agent/vpn_parts.h"
#include "../harness/leftovers.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/paths.h"

enum { SERVER, LAPTOP, PHONE, N };

static const char *const guests[] = { "VNet1GW", "laptop", "phone" };
static struct vnl_plan_gateway gateways[N];
static struct vnl_plan_tunnel tunnels[N];
static char *roots[] = { (char *)"P2SRootCert" }, *root_data[] = { NULL };
static char *revoked[1];
static struct vnl_plan_p2s p2s = { .roots = roots, .root_data = root_data, .n_roots = 1, .revoked = revoked };
static struct vnl_prefix pool = { { AF_INET, { 172, 16, 201, 0 } }, 24 };
static struct vnl_prefix profile[] = { { { AF_INET, { 10, 1, 0, 0 } }, 16 },
                                       { { AF_INET, { 172, 16, 201, 0 } }, 24 } };
static struct vnl_plan plan = {
    .lab = (char *)"p2s", .gateways = gateways, .n_gateways = N, .tunnels = tunnels
};
static const char *const no_keys[N] = { "", "", "" };
static struct leftovers *before;
static struct vnl_vpn *vpn;
static int epoll_fd = -1;
static bool xfrm;

static const char *__attribute__((format(printf, 1, 2))) sh(const char *format, ...)
{
    static char text[16384];
    char *command = NULL;
    va_list args;
    FILE *pipe;
    size_t n;

    va_start(args, format);
    assert_true(vasprintf(&command, format, args) > 0);
    va_end(args);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    n = fread(text, 1, sizeof(text) - 1, pipe);
    text[n] = '\0';
    (void)pclose(pipe);
    free(command);
    return text;
}

/* --- hands ----------------------------------------------------------------------------------------- */

static int routes_set(const char *lab, const char *gateway, const char *ifname,
                      const struct vnl_prefix *prefixes, size_t n, struct vnl_err **err)
{
    char text[VNL_PREFIX_STR];

    (void)lab, (void)err;
    for (size_t i = 0; i < n; i++)
        (void)sh("ip -n %s route replace %s dev %s 2>&1", gateway, vnl_prefix_format(&prefixes[i], text),
                 ifname);
    return 0;
}

static int peers_set(const char *lab, const char *gateway, enum vnl_gateway_door door,
                     const struct vnl_addr *peers, const uint16_t *ports, size_t n, struct vnl_err **err)
{
    (void)lab, (void)gateway, (void)door, (void)peers, (void)ports, (void)n, (void)err;
    return 0;
}

static int tun_adopt(const char *lab, const char *gateway, const char *ifname, const char *altname,
                     struct vnl_err **err)
{
    (void)lab, (void)err;
    (void)sh("ip -n %s link property add dev %s altname %s 2>/dev/null; ip -n %s link set %s mtu 1400 up",
             gateway, ifname, altname, gateway, ifname);
    return 0;
}

/* --- the plan and its namespaces ------------------------------------------------------------------- */

static void plan_make(void)
{
    for (uint32_t i = 0; i < N; i++) {
        bool server = i == SERVER;

        gateways[i] = (struct vnl_plan_gateway){
            .name = (char *)guests[i],
            .resource = (char *)guests[i],
            .client = !server,
            .outer = { AF_INET, { 203, 0, 113, (uint8_t)(server ? 1 : 20 + i) } },
            .p2s = server ? &p2s : NULL,
        };
        tunnels[i] = (struct vnl_plan_tunnel){
            .kind = server ? VNL_TUNNEL_SERVER : VNL_TUNNEL_CLIENT,
            .connection = (char *)guests[i],
            .name = (char *)guests[i],
            .gateway = i,
            .peer = server ? VNL_PLAN_NOBODY : SERVER,
            .other = server ? VNL_PLAN_NOBODY : SERVER,
            .initiates = !server,
            .if_id = VNL_P2S_IF_ID + i + 1,
            .balancer = VNL_PLAN_NOBODY,
            .ike = (char *)"aes256gcm16-prfsha384-ecp384",
            .esp = (char *)"aes256gcm16",
            .ike_lifetime_s = 28800,
            .child_lifetime_s = 27000,
            .dpd_s = 45,
            .routes = server ? &pool : profile,
            .n_routes = server ? 1 : 2,
            .root = server ? NULL : roots[0],
        };
        (void)snprintf(tunnels[i].ifname, sizeof(tunnels[i].ifname), "p2s%u", i + 1);
        if (!server)
            tunnels[i].remote = gateways[SERVER].outer;
    }
    p2s.n_revoked = 0;
    plan.n_tunnels = N;
}

static void guest_make(size_t i)
{
    const char *guest = guests[i];

    (void)sh("ip netns add %s && ip -n %s link set lo up && ln -s /run/netns/%s %s/p2s/ns/%s", guest, guest,
             guest, vnl_run_dir(), guest);
    if (i == SERVER)
        (void)sh("ip -n %s link add out type bridge && ip -n %s addr add 203.0.113.1/24 dev out && "
                 "ip -n %s link set out up && ip -n %s addr add 10.1.0.4/32 dev lo && "
                 "ip netns exec %s sysctl -qw net.ipv4.ip_forward=1",
                 guest, guest, guest, guest, guest);
    else
        (void)sh("ip -n %s link add c%zu type veth peer name eth0 netns %s && "
                 "ip -n %s link set c%zu master out up && ip -n %s addr add 203.0.113.%zu/24 dev eth0 && "
                 "ip -n %s link set eth0 up",
                 guests[SERVER], i, guest, guests[SERVER], i, guest, 20 + i, guest);
    if (xfrm)
        (void)sh("ip -n %s link add p2s%zu type xfrm dev %s if_id %u && ip -n %s link set p2s%zu mtu 1400 up",
                 guest, i + 1, i == SERVER ? "out" : "eth0", tunnels[i].if_id, guest, i + 1);
}

/* Where the gateway's charon is. */
static const char *server_dir(void)
{
    static char path[4096];

    (void)snprintf(path, sizeof(path), "%s/p2s/vpn/VNet1GW%s", vnl_run_dir(), xfrm ? "" : "/p2s1");
    return path;
}

static int group_setup(void **state)
{
    (void)state;
    setenv("VNETLAB_VPN_ENGINE", "libipsec", 0);
    xfrm = !strcmp(getenv("VNETLAB_VPN_ENGINE"), "xfrm");
    leftovers_isolate();
    before = leftovers_take();
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    leftovers_free(&before);
    return 0;
}

static void controller_start(void)
{
    static const struct vnl_vpn_hands hands = { .routes_set = routes_set,
                                                .peers_set = peers_set,
                                                .tun_adopt = tun_adopt };

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(vnl_vpn_new(epoll_fd, plan.lab, &hands, &vpn, NULL), 0);
}

static void controller_stop(void)
{
    vnl_vpn_free(&vpn);
    vnl_fd_close(&epoll_fd);
    epoll_fd = -1;
}

static int setup(void **state)
{
    (void)state;
    (void)sh("mkdir -p %s/p2s/ns", vnl_run_dir());
    plan_make();
    for (size_t i = 0; i < N; i++)
        guest_make(i);
    controller_start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    plan.n_tunnels = 0;
    assert_int_equal(vnl_vpn_follow(vpn, &plan, no_keys, NULL), 0);
    controller_stop();
    for (size_t i = 0; i < N; i++)
        (void)sh("ip netns del %s", guests[i]);
    (void)sh("rm -rf %s/p2s; umount /run/netns 2>/dev/null; rmdir /run/netns %s 2>/dev/null", vnl_run_dir(),
             vnl_run_dir());
    leftovers_assert_none(before);
    return 0;
}

/* --- following it ---------------------------------------------------------------------------------- */

static void follow(void)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    if (vnl_vpn_follow(vpn, &plan, no_keys, &err) < 0)
        fail_msg("%s", err->msg);
}

static void await(size_t tunnel, enum vnl_vpn_status status)
{
    int64_t start = vnl_loop_now_ms();

    while (vpn->tunnels[tunnel]->status != status) {
        int wait = vnl_vpn_run(vpn);

        if (vnl_loop_now_ms() - start > (xfrm ? 60000 : 8000))
            fail_msg("%s: not %s but %s: %s", guests[tunnel], vnl_vpn_status_str(status),
                     vnl_vpn_status_str(vpn->tunnels[tunnel]->status), vpn->tunnels[tunnel]->reason);
        assert_int_equal(vnl_loop_turn(epoll_fd, wait < 0 || wait > 20 ? 20 : wait), 0);
    }
}

static void pump(int for_ms)
{
    int64_t end = vnl_loop_now_ms() + for_ms;

    while (vnl_loop_now_ms() < end) {
        (void)vnl_vpn_run(vpn);
        assert_int_equal(vnl_loop_turn(epoll_fd, 10), 0);
    }
}

static bool pings(const char *guest, const char *to)
{
    return strstr(sh("ip netns exec %s ping -c 1 -W 2 %s", guest, to), " 1 received") != NULL;
}

static void all_connect(void)
{
    follow();
    for (size_t i = 0; i < N; i++)
        await(i, VNL_VPN_CONNECTED);
}

static int64_t bytes(size_t tunnel, const char *direction)
{
    CLEANUP(vnl_json_free) struct vnl_json *states = NULL;

    vnl_vpn_count(vpn);
    states = vnl_vpn_report(vpn);
    return vnl_json_get_int(vnl_json_at(states, tunnel), direction, -1);
}

static void both_clients_get_addresses_and_ping_through(void **state)
{
    const struct vnl_vpn_tunnel *laptop, *phone;

    (void)state;
    all_connect();
    laptop = vpn->tunnels[LAPTOP];
    phone = vpn->tunnels[PHONE];
    assert_string_not_equal(laptop->inner, phone->inner);
    assert_true(!strcmp(laptop->inner, "172.16.201.2") || !strcmp(laptop->inner, "172.16.201.3"));
    assert_true(!strcmp(phone->inner, "172.16.201.2") || !strcmp(phone->inner, "172.16.201.3"));
    assert_non_null(strstr(sh("ip -n laptop addr show dev p2s2"), laptop->inner));
    assert_true(pings("laptop", "10.1.0.4") && pings("phone", "10.1.0.4"));
    assert_true(pings("laptop", phone->inner));
    assert_non_null(strstr(laptop->suite, "AES_GCM_16-256/ECP_384, ESP:AES_GCM_16-256"));
    if (!xfrm) { /* the kernel counts what is encrypted */
        assert_int_equal(bytes(SERVER, "ingress"), 4 * 84);
        assert_int_equal(bytes(LAPTOP, "egress") + bytes(PHONE, "egress"), 4 * 84);
        assert_int_equal(bytes(SERVER, "egress"), bytes(LAPTOP, "ingress") + bytes(PHONE, "ingress"));
    }
    assert_int_equal(strlen(laptop->thumbprint), 40);
    assert_string_not_equal(laptop->thumbprint, phone->thumbprint);
    assert_string_equal(
        sh("find %s/p2s/vpn -type f -perm /077; stat -c %%a %s/p2s/vpn/pki", vnl_run_dir(), vnl_run_dir()),
        "700\n");
}

/* What one client has carried stays in the gateway's sum when it goes. */
static void gateway_is_up_while_one_client_is(void **state)
{
    int64_t sum;

    (void)state;
    all_connect();
    assert_true(pings("laptop", "10.1.0.4") && pings("phone", "10.1.0.4"));
    sum = bytes(SERVER, "ingress");
    assert_true(sum >= 2 * 84);
    plan.n_tunnels = PHONE;
    follow();
    pump(500);
    assert_int_equal(vpn->tunnels[SERVER]->status, VNL_VPN_CONNECTED);
    assert_true(bytes(SERVER, "ingress") >= sum);
    assert_true(pings("laptop", "10.1.0.4"));
    plan.n_tunnels = LAPTOP;
    follow();
    await(SERVER, VNL_VPN_CONNECTING);
}

static void revoked_client_is_refused_and_told_why(void **state)
{
    char thumbprint[VNL_PKI_THUMBPRINT_STR];

    (void)state;
    all_connect();
    (void)snprintf(thumbprint, sizeof(thumbprint), "%s", vpn->tunnels[LAPTOP]->thumbprint);
    revoked[0] = thumbprint;
    p2s.n_revoked = 1;
    follow();
    await(LAPTOP, VNL_VPN_NOT_CONNECTED);
    assert_string_equal(vpn->tunnels[LAPTOP]->reason, "authentication failed: certificate is revoked");
    await(PHONE, VNL_VPN_CONNECTED);
    assert_false(pings("laptop", "10.1.0.4"));
    assert_true(pings("phone", "10.1.0.4"));
    assert_non_null(strstr(sh("cat %s/charon.log", server_dir()), "peer not authenticated with"));
    p2s.n_revoked = 0;
    follow();
    await(LAPTOP, VNL_VPN_CONNECTED);
    await(PHONE, VNL_VPN_CONNECTED);
    assert_true(pings("laptop", "10.1.0.4") && pings("phone", "10.1.0.4"));
}

static void clients_may_share_a_certificate(void **state)
{
    CLEANUP(vnl_str_free) char *file = vnl_run_path("p2s", "vpn/pki/client+laptop.pem");

    (void)state;
    plan.n_tunnels = PHONE;
    follow();
    await(LAPTOP, VNL_VPN_CONNECTED);
    plan.n_tunnels = N;
    tunnels[PHONE].certificate = tunnels[PHONE].private_key = file;
    tunnels[PHONE].root = NULL;
    follow();
    await(PHONE, VNL_VPN_CONNECTED);
    pump(300);
    assert_string_equal(vpn->tunnels[LAPTOP]->thumbprint, vpn->tunnels[PHONE]->thumbprint);
    assert_string_not_equal(vpn->tunnels[LAPTOP]->inner, vpn->tunnels[PHONE]->inner);
    assert_true(pings("laptop", "10.1.0.4") && pings("phone", "10.1.0.4"));
    (void)sh("ip netns pids phone | xargs kill -9"); /* it comes back to the address it had */
    await(PHONE, VNL_VPN_CONNECTING);
    await(PHONE, VNL_VPN_CONNECTED);
    pump(300);
    assert_string_not_equal(vpn->tunnels[LAPTOP]->inner, vpn->tunnels[PHONE]->inner);
    assert_true(pings("laptop", "10.1.0.4") && pings("phone", "10.1.0.4"));
}

static void foreign_certificate_is_refused_and_told_why(void **state)
{
    CLEANUP(vnl_str_free) char *file = vnl_run_path("p2s", "foreign.pem");

    (void)state;
    (void)sh(
        "cd %s/p2s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout f.key "
        "-out f.crt -subj /CN=thief -days 30 2>/dev/null && cat f.key f.crt > foreign.pem",
        vnl_run_dir());
    tunnels[PHONE].certificate = tunnels[PHONE].private_key = file;
    tunnels[PHONE].root = NULL;
    follow();
    await(LAPTOP, VNL_VPN_CONNECTED);
    await(PHONE, VNL_VPN_NOT_CONNECTED);
    assert_string_equal(vpn->tunnels[PHONE]->reason, "authentication failed: certificate is not signed by a "
                                                     "root certificate of the gateway");
    assert_false(pings("phone", "10.1.0.4"));
    tunnels[PHONE].private_key = (char *)"/nowhere.pem";
    follow();
    pump(100);
    assert_string_equal(vpn->tunnels[PHONE]->reason,
                        "/nowhere.pem is not a private key in PEM without passphrase");
    (void)sh("ip netns pids VNet1GW | xargs kill -9"); /* all clients are to come anew */
    await(LAPTOP, VNL_VPN_CONNECTING);
    await(LAPTOP, VNL_VPN_CONNECTED);
    assert_int_equal(vpn->tunnels[PHONE]->status, VNL_VPN_NOT_CONNECTED);
    assert_string_equal(vpn->tunnels[PHONE]->reason,
                        "/nowhere.pem is not a private key in PEM without passphrase");
}

static void a_full_pool_is_said_and_waited_for(void **state)
{
    static const struct vnl_prefix one = { { AF_INET, { 172, 16, 201, 4 } }, 32 };
    struct vnl_prefix all = pool;

    (void)state;
    pool = one;
    plan.n_tunnels = PHONE;
    follow();
    await(LAPTOP, VNL_VPN_CONNECTED);
    assert_string_equal(vpn->tunnels[LAPTOP]->inner, "172.16.201.4");
    plan.n_tunnels = N;
    follow();
    await(PHONE, VNL_VPN_NOT_CONNECTED);
    assert_string_equal(vpn->tunnels[PHONE]->reason, "the gateway has no address left for it");
    assert_true(pings("laptop", "10.1.0.4"));
    pool = all;
    all_connect();
    assert_true(pings("laptop", "10.1.0.4") && pings("phone", "10.1.0.4"));
}

/* Long before a client would find out by itself (dpdTimeoutSeconds is 45). */
static void clients_come_back_to_a_gateway_that_was_killed(void **state)
{
    (void)state;
    all_connect();
    pump(2100); /* one that dies at once waits before it comes back */
    (void)sh("ip netns pids VNet1GW | xargs kill -9");
    await(SERVER, VNL_VPN_CONNECTING);
    for (size_t i = 0; i < N; i++)
        await(i, VNL_VPN_CONNECTED);
    pump(200);
    assert_true(pings("laptop", "10.1.0.4") && pings("phone", "10.1.0.4"));
}

static void broken_root_stops_nothing_else(void **state)
{
    (void)state;
    root_data[0] = (char *)"MIIC";
    follow();
    await(SERVER, VNL_VPN_NOT_CONNECTED);
    assert_string_equal(
        vpn->tunnels[SERVER]->reason,
        "publicCertData of root certificate 'P2SRootCert' is not an X.509 certificate in base64");
    root_data[0] = NULL;
    all_connect();
    assert_true(pings("laptop", "10.1.0.4"));
}

static void spis_of(char *buf, size_t size)
{
    (void)snprintf(buf, size, "%s",
                   sh("cd %s && swanctl --list-sas --raw --uri unix://vici 2>&1 | "
                      "grep -oE 'spi-(in|out)=[0-9a-f]+' | sort",
                      server_dir()));
}

static void new_agent_leaves_clients_alone(void **state)
{
    char spis[512], now[512], address[VNL_ADDR_STR];

    (void)state;
    all_connect();
    spis_of(spis, sizeof(spis));
    assert_true(strlen(spis) > 60);
    (void)snprintf(address, sizeof(address), "%s", vpn->tunnels[LAPTOP]->inner);
    controller_stop();
    controller_start();
    all_connect();
    pump(300);
    spis_of(now, sizeof(now));
    assert_string_equal(now, spis);
    assert_string_equal(vpn->tunnels[LAPTOP]->inner, address);
    assert_int_equal(strlen(vpn->tunnels[LAPTOP]->thumbprint), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_clients_get_addresses_and_ping_through, setup, teardown),
        cmocka_unit_test_setup_teardown(gateway_is_up_while_one_client_is, setup, teardown),
        cmocka_unit_test_setup_teardown(revoked_client_is_refused_and_told_why, setup, teardown),
        cmocka_unit_test_setup_teardown(clients_may_share_a_certificate, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_certificate_is_refused_and_told_why, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_pool_is_said_and_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(clients_come_back_to_a_gateway_that_was_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_root_stops_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(new_agent_leaves_clients_alone, setup, teardown),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
