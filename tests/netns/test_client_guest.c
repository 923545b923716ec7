/* Guests of point-to-site clients, which are hosts of the internet side with a tunnel; and what the gateway has for them. There is no IKE
 * here, the tunnel is two TUNs. Also what BGP needs of guests: a second address inside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <unistd.h>

#include <cmocka.h>

#include "../harness/live.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/gateway.h"

#define LAB                                                                                                  \
    "vnet va 10.1.0.0/16\nsubnet s 10.1.0.0/24\nsubnet GatewaySubnet 10.1.255.0/27\nvm a va/s 10.1.0.4\n"    \
    "gateway gwa va\nhost laptop 198.51.100.20\nhost web 203.0.113.80\n"
#define SITE                                                                                                 \
    "site office 203.0.113.200 10.50.0.0/16\nsitehost pc office 10.50.0.9\n"                                 \
    "lng office-lng 203.0.113.200 10.50.0.0/16\ns2s to-office gwa office-lng\n"

static uint32_t nic_of(const char *vm)
{
    const struct vnl_plan_vm *found = vnl_plan_vm_lookup(live_plan, vm);

    assert_non_null(found);
    return found->nics[0];
}

static struct vnl_plan_tunnel *add_tunnel(enum vnl_tunnel_kind kind, uint32_t gateway, uint32_t slot)
{
    struct vnl_plan_tunnel *tunnels =
        reallocarray(live_plan->tunnels, live_plan->n_tunnels + 1, sizeof(*tunnels));
    struct vnl_plan_tunnel *tunnel = &tunnels[live_plan->n_tunnels++];

    live_plan->tunnels = tunnels;
    *tunnel = (struct vnl_plan_tunnel){ .kind = kind,
                                        .name = strdup("gwa"),
                                        .gateway = gateway,
                                        .peer = VNL_PLAN_NOBODY,
                                        .other = VNL_PLAN_NOBODY,
                                        .balancer = VNL_PLAN_NOBODY,
                                        .if_id = VNL_P2S_IF_ID + slot };
    (void)snprintf(tunnel->ifname, sizeof(tunnel->ifname), "p2s%u", slot);
    return tunnel;
}

/* The laptop becomes a client of the gateway, as the plan of a lab with clients has it. */
static void add_client(void)
{
    struct vnl_plan_gateway *gateways =
        reallocarray(live_plan->gateways, live_plan->n_gateways + 1, sizeof(*gateways));
    struct vnl_plan_gateway *client = &gateways[live_plan->n_gateways++];
    uint32_t nic = nic_of("laptop");

    live_plan->gateways = gateways;
    *client = (struct vnl_plan_gateway){ .id = strdup("clients/laptop"),
                                         .name = strdup("laptop"),
                                         .resource = strdup("laptop"),
                                         .client = true,
                                         .vm = live_plan->nics[nic].vm,
                                         .vnet = live_plan->internet,
                                         .nic_in = VNL_PLAN_NOBODY,
                                         .nic_out = nic,
                                         .outer = live_plan->nics[nic].addrs[0].addr };
    live_plan->vms[client->vm].client = true;
    (void)add_tunnel(VNL_TUNNEL_SERVER, 0, live_plan->nics[gateways[0].nic_out].slot);
    (void)add_tunnel(VNL_TUNNEL_CLIENT, (uint32_t)live_plan->n_gateways - 1, live_plan->nics[nic].slot);
}

static void plan_of(const char *text)
{
    vnl_plan_free(&live_plan);
    live_plan = running_plan(text, &live_lab);
}

static struct vnl_prefix prefix_of(const char *text)
{
    struct vnl_prefix prefix = { 0 };

    assert_int_equal(vnl_prefix_parse(text, &prefix, NULL), 0);
    return prefix;
}

static void set_route(const char *vm, const char *ifname, const char *text)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_prefix prefix = prefix_of(text);

    if (vnl_gateway_routes_set(live_plan->lab, vm, ifname, &prefix, 1, &err) < 0)
        fail_msg("%s", err->msg);
}

static void a_clients_guest_is_a_host(void **state)
{
    CLEANUP(vnl_str_free) char *host = NULL;

    (void)state;
    (void)live_converge(LAB);
    host = strdup(running_in("laptop", "bash -c 'ip -br addr; ip rule; ip -4 route; sysctl -n "
                                       "net.ipv4.ip_forward net.ipv4.conf.all.rp_filter'"));
    running_has(host, "default via ");
    plan_of(LAB);
    add_client();
    (void)live_again();
    assert_string_equal(running_in("laptop", "bash -c 'ip -br addr; ip rule; ip -4 route; sysctl -n "
                                             "net.ipv4.ip_forward net.ipv4.conf.all.rp_filter'"),
                        host);
    running_lacks(running_in("laptop", "bash -c 'tc filter show dev eth0 ingress; tc qdisc show dev eth0'"),
                  "bpf");
    assert_true(running_ping("laptop", "203.0.113.80"));
}

/* The interface's own address, once it has one; the default route stays the internet's. */
static void a_clients_routes_have_the_address_of_the_pool(void **state)
{
    (void)state;
    plan_of(LAB);
    add_client();
    (void)live_again();
    (void)running_in("laptop", "ip tuntap add tun0 mode tun");
    assert_int_equal(vnl_gateway_tun_adopt(live_plan->lab, "laptop", "tun0", "p2s7", NULL), 0);
    set_route("laptop", "p2s7", "10.1.0.0/16");
    assert_string_equal(running_in("laptop", "ip route show proto 119"),
                        "10.1.0.0/16 dev tun0 scope link src 198.51.100.20 metric 300 linkdown \n");
    (void)running_in("laptop", "ip addr add 172.16.201.2/32 dev tun0");
    set_route("laptop", "p2s7", "10.1.0.0/16");
    assert_string_equal(running_in("laptop", "ip route show proto 119"),
                        "10.1.0.0/16 dev tun0 scope link src 172.16.201.2 metric 300 linkdown \n");
    running_has(running_in("laptop", "ip route get 203.0.113.80"), "dev eth0 src 198.51.100.20");
    running_has(running_in("laptop", "ip route get 10.1.0.4"), "dev tun0 src 172.16.201.2");
    assert_int_equal(running_converge(live_plan).changed, 0);
}

/* With the kernel's ESP the interfaces are made by apply; the gateway's for all clients, and each client's. */
static void with_the_kernels_esp_both_ends_have_an_interface(void **state)
{
    const char *why = NULL;
    struct vnl_dp_stats stats;

    (void)state;
    if (!vnl_gateway_kernel_esp(&why)) {
        print_message("skip: %s\n", why);
        assert_non_null(strstr(why, "the kernel has no "));
        skip();
    }
    setenv("VNETLAB_VPN_ENGINE", "xfrm", 1);
    plan_of(LAB);
    add_client();
    (void)live_again();
    for (size_t i = 0; i < live_plan->n_tunnels; i++)
        running_has(running_in(live_plan->gateways[live_plan->tunnels[i].gateway].name, "ip -d link show %s",
                               live_plan->tunnels[i].ifname),
                    "xfrm if_id 0x10000");
    live_plan->n_tunnels -= 2;
    stats = running_converge(live_plan);
    live_plan->n_tunnels += 2;
    assert_int_equal(stats.changed, 2);
    running_lacks(running_in("laptop", "ip link"), "p2s");
    running_lacks(running_in("gwa", "ip link"), "p2s");
    setenv("VNETLAB_VPN_ENGINE", "libipsec", 1);
}

/* bgpPeeringAddress of a device, outside its prefixes: its hosts and what comes through a tunnel reach it. */
static void a_device_has_a_second_address(void **state)
{
    struct vnl_plan_nic *nic;
    struct vnl_plan_addr *addrs;

    (void)state;
    plan_of(LAB SITE);
    nic = &live_plan->nics[nic_of("office")];
    addrs = reallocarray(nic->addrs, nic->n_addrs + 1, sizeof(*addrs));
    assert_non_null(addrs);
    nic->addrs = addrs;
    addrs[nic->n_addrs] = addrs[0];
    addrs[nic->n_addrs].prefix_len = 32;
    assert_int_equal(vnl_addr_parse("192.168.255.254", &addrs[nic->n_addrs++].addr, NULL), 0);
    (void)live_again();
    running_has(running_in("office", "ip -4 addr show dev eth0"), "inet 192.168.255.254/32 ");
    assert_true(running_ping("pc", "192.168.255.254"));
    assert_true(running_ping("pc", "10.50.0.1"));
    running_has(running_in("office", "ping -c 1 -W 2 -I 192.168.255.254 10.50.0.9"), " 0% packet loss");
    running_has(running_in("office", "ip -4 route show proto 118"),
                "10.50.0.0/16 dev eth0 scope link src 10.50.0.1 metric 200");
    (void)running_in("office", "ip tuntap add vpn5 mode tun");
    (void)running_in("office", "ip link set vpn5 up");
    set_route("office", "vpn5", "10.1.255.30/32");
    running_has(running_in("office", "ip route show proto 119"),
                "10.1.255.30 dev vpn5 scope link src 10.50.0.1 ");
    running_has(running_in("office", "ip route get 192.168.255.254 from 10.1.255.30 iif vpn5"), "local ");
}

static int group_setup(void **state)
{
    setenv("VNETLAB_VPN_ENGINE", "libipsec", 1); /* the interfaces are the test's */
    return live_group_setup(state);
}

#define lab_test(name) cmocka_unit_test_teardown(name, live_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(a_clients_guest_is_a_host),
        lab_test(a_clients_routes_have_the_address_of_the_pool),
        lab_test(with_the_kernels_esp_both_ends_have_an_interface),
        lab_test(a_device_has_a_second_address),
    };

    return cmocka_run_group_tests_name("guests of clients", tests, group_setup, live_group_teardown);
}
