/* Labs whose tunnels lose what they stand on, and what commands say of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../harness/cli.h"

#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/vpn.h"

#define LAB                                                                                                  \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  net-1: {addressSpace: [10.11.0.0/16], subnets: {s: 10.11.0.0/24, GatewaySubnet: 10.11.255.0/27}}\n"   \
    "  net-4: {addressSpace: [10.41.0.0/16], subnets: {s: 10.41.0.0/24, GatewaySubnet: 10.41.255.0/27}}\n"   \
    "virtualNetworkGateways: {gw1: {vnet: net-1}, gw4: {vnet: net-4}}\n"                                     \
    "connections:\n"                                                                                         \
    "  1to4: {virtualNetworkGateway1: gw1, virtualNetworkGateway2: gw4, sharedKey: aabbcc}\n"                \
    "  4to1: {virtualNetworkGateway1: gw4, virtualNetworkGateway2: gw1, sharedKey: aabbcc}\n"                \
    "virtualMachines: {vm-1: {subnet: net-1/s}, vm-4: {subnet: net-4/s}}\n"

#define CHARONS                                                                                              \
    "for p in $(pgrep -f '[c]haron-systemd'); do readlink /proc/$p/cwd; done | grep -c "                     \
    "\"^$VNETLAB_RUN_DIR/%s/\" || true"

static void assert_charons(const char *wanted)
{
    (void)sh(CHARONS, cli_lab());
    assert_string_equal(cli_out, wanted);
}

static void up_repairs_a_gateway_whose_namespace_is_gone(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    sh_ok("umount -l $VNETLAB_RUN_DIR/%s/ns/gw4 && rm $VNETLAB_RUN_DIR/%s/ns/gw4", cli_lab(), cli_lab());
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    assert_has(cli_out, "connections: 2 of 2 connected\n");
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 62);
    assert_int_equal(cli_ping("vm-4", "10.11.0.4"), 62);
    assert_charons("2\n");
    cli_ok("down");
    assert_charons("0\n");
}

static void deleted_interface_comes_back_by_itself(void **state)
{
    int ttl = 0;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    (void)sh("ip -n %s.gw4 -br link | grep -oE '^(ipsec0|vpn[0-9]+)' | tr -d '\\n'", cli_lab());
    if (strcmp(cli_out, "ipsec0") != 0) {
        print_message("skip: the engine here has no TUN\n");
        skip();
    }
    sh_ok("ip -n %s.gw4 link del ipsec0", cli_lab());
    assert_int_equal(cli_ping("vm-1", "10.41.0.4"), 0);
    for (int i = 0; i < 20 && !ttl; i++)
        ttl = cli_ping("vm-1", "10.41.0.4");
    assert_int_equal(ttl, 62);
    assert_charons("2\n");
}

static void log_that_is_followed_goes_on_when_it_is_cut(void **state)
{
    CLEANUP(vnl_str_free) char *pid = NULL;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    sh_ok("cd \"$VNETLAB_RUN_DIR\"; \"$VNETLAB\" vpn log --follow gw1 >> followed 2>&1 & echo $!");
    pid = strdup(cli_out);
    assert_non_null(pid);
    pid[strcspn(pid, "\n")] = '\0';
    sh_ok("for i in $(seq 50); do [ -s \"$VNETLAB_RUN_DIR/followed\" ] && exit; sleep 0.1; done; exit 1");
    sh_ok("find \"$VNETLAB_RUN_DIR/%s/vpn\" -name charon.log -exec truncate -s 0 {} +; : > "
          "\"$VNETLAB_RUN_DIR/followed\"",
          cli_lab());
    cli_ok("vpn reset gw1");
    (void)sh("for i in $(seq 30); do grep -q 1to4 \"$VNETLAB_RUN_DIR/followed\" && break; sleep 0.1; done; "
             "cat \"$VNETLAB_RUN_DIR/followed\"; kill %s; rm \"$VNETLAB_RUN_DIR/followed\"",
             pid);
    assert_has(cli_out, "1to4  ");
}

static void states_say_whose_end_it_is(void **state)
{
    CLEANUP(vnl_vpn_states_done) struct vnl_vpn_states states = { .n = 0 };
    CLEANUP(vnl_json_free) struct vnl_json *list = NULL;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    assert_int_equal(vnl_vpn_states(cli_lab(), &states, NULL), 0);
    assert_int_equal(states.n, 2);
    assert_string_equal(states.items[1].name, "4to1");
    assert_string_equal(states.items[1].gateway, "gw4");
    assert_string_equal(states.items[1].guest, "gw4");
    assert_int_equal(states.items[1].instance, 0);
    assert_int_equal(states.items[1].kind, VNL_TUNNEL_CONNECTION);
    assert_true(states.items[1].remote && *states.items[1].remote);
    assert_string_not_equal(states.items[1].remote, states.items[0].remote);
    assert_null(states.items[1].inner);
    assert_null(states.items[1].thumbprint);
    assert_false(states.items[1].bgp);
    assert_true(states.items[1].bgp_ready);
    assert_string_equal(vnl_bgp_state_str(states.items[1].bgp_state), "Unknown");
    assert_true(vnl_bgp_peers(cli_lab(), "gw4", &list, NULL) < 0); /* it speaks none */
    assert_null(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(up_repairs_a_gateway_whose_namespace_is_gone, cli_down_all),
        cmocka_unit_test_teardown(deleted_interface_comes_back_by_itself, cli_down_all),
        cmocka_unit_test_teardown(log_that_is_followed_goes_on_when_it_is_cut, cli_down_all),
        cmocka_unit_test_teardown(states_say_whose_end_it_is, cli_down_all),
    };

    return cmocka_run_group_tests_name("commands, VPN that loses", tests, cli_setup, cli_teardown);
}
