/* What point-to-site clients send that is not theirs to send, and what they send without a tunnel: none of it comes to a VM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../harness/cli.h"

#define LAB                                                                                                  \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  net-1: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, GatewaySubnet: 10.11.255.0/27}}\n"   \
    "virtualNetworkGateways:\n"                                                                              \
    "  gw1:\n"                                                                                               \
    "    vnet: net-1\n"                                                                                      \
    "    sku: VpnGw1\n"                                                                                      \
    "    vpnClientConfiguration: {vpnClientAddressPool: [172.16.201.0/28], vpnClientRootCertificates: "      \
    "{r: {}}}\n"                                                                                             \
    "clients: {laptop: gw1, phone: gw1}\n"                                                                   \
    "virtualMachines: {vm-1: {subnet: net-1/s}}\n"

/* Echo requests that the VM's kernel has taken, from whomever. */
static int echos(void)
{
    sh_ok("ip netns exec %s.vm-1 nstat -asz IcmpInEchos | awk '/IcmpInEchos/ {printf \"%%d\", $2}'",
          cli_lab());
    return atoi(cli_out);
}

/* -I: from that address, "" as the kernel chooses. */
static void ping_vm(const char *guest, const char *from)
{
    (void)sh("ip netns exec %s.%s ping -c 2 -i 0.2 -W 1 %s%s 10.11.0.4", cli_lab(), guest, *from ? "-I " : "",
             from);
}

static void address_of(const char *guest, char ret[32])
{
    sh_ok("ip -n %s.%s -4 -o addr | grep -oE '172[.]16[.]201[.][0-9]+' | head -1 | tr -d '\\n'", cli_lab(),
          guest);
    (void)snprintf(ret, 32, "%s", cli_out);
}

static void a_client_sends_from_its_own_address_only(void **state)
{
    char phone[32];
    const char *const foreign[] = { phone, "172.16.201.14", "10.11.0.9", "192.168.7.7" };
    int before;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    assert_has(cli_out, "clients: 2 of 2 connected\n");
    address_of("phone", phone);
    ping_vm("laptop", "");
    before = echos();
    assert_int_equal(before, 2);
    for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
        sh_ok("ip -n %s.laptop addr add %s/32 dev lo", cli_lab(), foreign[i]);
        ping_vm("laptop", foreign[i]);
        sh_ok("ip -n %s.laptop addr del %s/32 dev lo", cli_lab(), foreign[i]);
    }
    assert_int_equal(echos(), before);
    ping_vm("phone", "");
    assert_int_equal(echos(), before + 2);
}

/* The agent first: it would start the daemon again. */
static void without_its_tunnel_a_client_reaches_no_vm(void **state)
{
    int before;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    before = echos();
    sh_ok("ip netns pids %s._platform | xargs kill -9", cli_lab());
    sh_ok("ip netns pids %s.laptop | xargs kill -9", cli_lab());
    sh_ok("for i in $(seq 50); do ip -n %s.laptop route get 10.11.0.4 | grep -q 'dev eth0' && exit 0; sleep "
          "0.1; "
          "done; exit 1",
          cli_lab());
    ping_vm("laptop", "");
    assert_int_equal(echos(), before);
    ping_vm("phone", "");
    assert_int_equal(echos(), before + 2);
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    ping_vm("laptop", "");
    assert_int_equal(echos(), before + 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_client_sends_from_its_own_address_only, cli_down_all),
        cmocka_unit_test_teardown(without_its_tunnel_a_client_reaches_no_vm, cli_down_all),
    };

    return cmocka_run_group_tests_name("commands, clients that spoof", tests, cli_setup, cli_teardown);
}
