/* The VPN controller on a running lab: real charons, real IKE and ESP, pings from VM to VM. */
#include "controller.h"

static void tunnel_comes_up_and_carries(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *states = NULL;
    int64_t start;

    (void)state;
    bring_up(PAIR);
    controller_start();
    start = vnl_loop_now_ms();
    follow("secret-one", "secret-one");
    (void)await(VNL_VPN_CONNECTED, 5000);
    print_message("one tunnel: Connected after %lld ms\n", (long long)(vnl_loop_now_ms() - start));
    assert_pings();
    vnl_vpn_count(vpn);
    states = vnl_vpn_report(vpn);
    for (size_t i = 0; i < 2; i++) {
        const struct vnl_json *one = vnl_json_at(states, i);

        assert_int_equal(vnl_json_get_int(one, "ingress", 0), vnl_json_get_int(one, "egress", -1));
        assert_int_equal(vnl_json_get_int(one, "ingress", 0) % 84, 0); /* echo requests and replies */
        assert_true(vnl_json_get_int(one, "ingress", 0) > 0);
        assert_non_null(strstr(vnl_json_get_text(one, "suite"), "ESP:AES_"));
        assert_null(vnl_json_get_text(one, "reason"));
    }
    running_lacks(running_sh("find %s/%s/vpn %s/%s/agent.log -type f -exec cat {} + 2>&1", vnl_run_dir(),
                             plan->lab, vnl_run_dir(), plan->lab),
                  "secret-one");
    assert_string_equal(
        running_sh("stat -c %%a %s/%s/vpn %s/%s/vpn/gwa", vnl_run_dir(), plan->lab, vnl_run_dir(), plan->lab),
        "700\n700\n");
    assert_string_equal(running_sh("find %s/%s/vpn -type f -perm /077", vnl_run_dir(), plan->lab), "");
}

static void keys_that_differ_do_not_connect_and_say_so(void **state)
{
    char a[64], b[64], now[64];

    (void)state;
    bring_up(PAIR);
    controller_start();
    follow("secret-one", "secret-two");
    (void)await(VNL_VPN_NOT_CONNECTED, 5000);
    assert_reason(0, "authentication failed: the shared keys differ");
    assert_reason(1, "authentication failed: the shared keys differ");
    assert_false(running_ping("a", "10.4.0.4"));
    pids_of("gwa", a, sizeof(a));
    pids_of("gwb", b, sizeof(b));
    assert_true(*a && *b);
    follow("secret-one", "secret-one");
    print_message("corrected key, once it is loaded: Connected after %lld ms\n",
                  (long long)await(VNL_VPN_CONNECTED, 5000));
    assert_pings();
    pids_of("gwa", now, sizeof(now));
    assert_string_equal(now, a);
    pids_of("gwb", now, sizeof(now));
    assert_string_equal(now, b);
    follow("secret-one", "secret-two"); /* while it is up: it ends */
    (void)await(VNL_VPN_NOT_CONNECTED, 5000);
    assert_false(running_ping("a", "10.4.0.4"));
}

static void killed_charon_comes_back(void **state)
{
    static const char *const gateways[] = { "gwa", "gwb" };

    (void)state;
    bring_up(PAIR);
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 5000);
    for (size_t i = 0; i < 2; i++) {
        char pid[64];

        pump(2100); /* one that dies at once waits before it comes back */
        pids_of(gateways[i], pid, sizeof(pid));
        (void)running_sh("kill -9 %s", pid);
        pump(50);
        print_message("%s killed: Connected after %lld ms\n", gateways[i],
                      (long long)await(VNL_VPN_CONNECTED, 8000) + 50);
        assert_pings();
    }
}

/* Not sessions of their own: see launch in charon.c. */
static void charons_share_the_session_of_who_starts_them(void **state)
{
    static const char *const gateways[] = { "gwa", "gwb" };

    (void)state;
    bring_up(PAIR);
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 5000);
    for (size_t i = 0; i < 2; i++) {
        char text[64];
        pid_t pid;

        pids_of(gateways[i], text, sizeof(text));
        pid = atoi(text);
        assert_true(pid > 0);
        assert_int_equal(getsid(pid), getsid(0));
        assert_int_not_equal(getpgid(pid), getpgid(0)); /* but no signal to that group is for them */
    }
}

static void new_agent_leaves_tunnels_alone(void **state)
{
    char a[64], now[64], spis[512], spis_now[512];

    (void)state;
    bring_up(PAIR);
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 5000);
    pids_of("gwa", a, sizeof(a));
    spis_of(spis, sizeof(spis));
    assert_true(strlen(spis) > 40);
    follow("k", "k");
    pump(200);
    controller_stop();
    assert_pings(); /* packets do not need it */
    controller_start();
    follow("k", "k");
    print_message("adopted after %lld ms\n", (long long)await(VNL_VPN_CONNECTED, 5000));
    pump(500);
    pids_of("gwa", now, sizeof(now));
    assert_string_equal(now, a);
    spis_of(spis_now, sizeof(spis_now));
    assert_string_equal(spis_now, spis);
    controller_stop(); /* and when the key has changed meanwhile, it is used */
    controller_start();
    follow("k", "other");
    (void)await(VNL_VPN_NOT_CONNECTED, 5000);
    assert_reason(0, "authentication failed: the shared keys differ");
}

static void connection_that_goes_takes_its_charons(void **state)
{
    char pids[64];

    (void)state;
    bring_up(PAIR);
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 5000);
    vnl_plan_free(&plan);
    plan = running_plan(VNETS "gateway gwa va\ngateway gwb vb\n", &lab);
    (void)running_apply(plan);
    assert_int_equal(vnl_vpn_follow(vpn, plan, NULL, NULL), 0);
    pids_of("gwa", pids, sizeof(pids));
    assert_string_equal(pids, "");
    assert_string_equal(running_sh("find %s/%s/vpn -mindepth 1", vnl_run_dir(), plan->lab), "");
    assert_false(running_ping("a", "10.4.0.4"));
}

static bool sorts_peers(const char *gateway)
{
    return strstr(running_in(gateway, "tc filter show dev eth1 ingress"), "vnetlab") &&
           strstr(running_in(gateway, "tc filter show dev eth1 egress"), "vnetlab");
}

static void what_was_taken_from_the_kernel_is_put_back(void **state)
{
    (void)state;
    bring_up(PAIR);
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 5000);
    assert_true(sorts_peers("gwa"));
    (void)running_in("gwa", "tc filter del dev eth1 ingress");
    assert_false(sorts_peers("gwa"));
    follow("k", "k");
    assert_true(sorts_peers("gwa"));
    assert_pings();
}

/* What is left would be half about one plan and half about another. */
static void without_memory_it_forgets_and_finds_again(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *states = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    char before_it[64], now[64];

    (void)state;
    bring_up(PAIR);
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 5000);
    pids_of("gwa", before_it, sizeof(before_it));
    assert_int_equal(vnl_vpn_follow(vpn, plan, NULL, &err), -ENOMEM);
    states = vnl_vpn_report(vpn);
    assert_int_equal(vnl_json_len(states), 0);
    assert_int_equal(vnl_vpn_run(vpn), -1);
    assert_pings();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 5000);
    pids_of("gwa", now, sizeof(now));
    assert_string_equal(now, before_it);
}

static void ten_tunnels_come_up_at_once(void **state)
{
    char text[8192];
    size_t len = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        len += (size_t)snprintf(
            text + len, sizeof(text) - len,
            "vnet v%d 10.%d.0.0/16\nsubnet s 10.%d.0.0/24\nsubnet GatewaySubnet 10.%d.255.0/27\n"
            "vm m%d v%d/s 10.%d.0.4\ngateway g%d v%d\n",
            i, i + 1, i + 1, i + 1, i, i, i + 1, i, i);
    for (int i = 0; i < 10; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "v2v f%d g%d g%d\nv2v b%d g%d g%d\n", i, i,
                                (i + 1) % 10, i, (i + 1) % 10, i);
    bring_up(text);
    controller_start();
    {
        int64_t start = vnl_loop_now_ms();

        follow("k", "k");
        (void)await(VNL_VPN_CONNECTED, 15000);
        print_message("ten tunnels, %zu ends: Connected after %lld ms\n", plan->n_tunnels,
                      (long long)(vnl_loop_now_ms() - start));
    }
    for (int i = 0; i < 10; i++) {
        char vm[8], to[32];

        (void)snprintf(vm, sizeof(vm), "m%d", i);
        (void)snprintf(to, sizeof(to), "10.%d.0.4", (i + 1) % 10 + 1);
        assert_true(running_ping(vm, to));
    }
}

static void site_is_reached(void **state)
{
    (void)state;
    bring_up(VNETS "gateway gwa va\nsite office 203.0.113.200 10.50.0.0/16\nsitehost pc office 10.50.0.9\n"
                   "lng office-lng 203.0.113.200 10.50.0.0/16\ns2s to-office gwa office-lng\n");
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 5000);
    assert_true(running_ping("a", "10.50.0.9"));
    assert_true(running_ping("pc", "10.1.0.4"));
}

static void states_of_tunnels_without_another_end(void **state)
{
    (void)state;
    bring_up(VNETS "gateway gwa va\ngateway gwb vb\nv2v ab gwa gwb\n");
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_NOT_CONNECTED, 2000);
    assert_reason(0, "the other side has no connection to here");
    bring_up(VNETS "gateway gwa va\nlng far 203.0.113.99 10.50.0.0/16\ns2s to-far gwa far\n");
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTING, 2000);
    assert_reason(0, "nobody in this lab has address 203.0.113.99");
}

/* The twin's daemon lives, but no packet reaches it. */
static void silent_peer_is_said_to_be_silent(void **state)
{
    char pid[64];

    (void)state;
    bring_up(PAIR);
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 5000);
    (void)running_sh("ip netns exec %s.gwb ip link set eth1 down", plan->lab);
    assert_int_equal(vnl_vpn_renew(vpn, NULL, "ab", NULL), 0);
    pump(4000);
    assert_reason(0, "the other side does not answer");
    (void)running_sh("ip netns exec %s.gwb ip link set eth1 up", plan->lab);
    pids_of("gwb", pid, sizeof(pid));
    assert_true(*pid);
    assert_int_equal(vnl_vpn_renew(vpn, "nobody", NULL, NULL), -ENOENT);
}

static void probe_finds_an_engine_or_says_why_not(void **state)
{
    static const enum vnl_vpn_engine engines[] = { VNL_VPN_XFRM, VNL_VPN_LIBIPSEC, VNL_VPN_NONE };
    CLEANUP(vnl_str_free) char *why = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
        setenv("VNETLAB_VPN_ENGINE", vnl_vpn_engine_str(engines[i]), 1);
        assert_int_equal(vnl_vpn_probe(NULL), engines[i]);
    }
    unsetenv("VNETLAB_VPN_ENGINE");
    if (vnl_vpn_probe(&why) != VNL_VPN_XFRM)
        assert_true(why && *why);
    print_message("engine here: %s%s%s\n", vnl_vpn_engine_str(vnl_vpn_probe(NULL)), why ? ": " : "",
                  why ? why : "");
    setenv("VNETLAB_VPN_ENGINE", "libipsec", 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tunnel_comes_up_and_carries, lab_teardown),
        cmocka_unit_test_teardown(keys_that_differ_do_not_connect_and_say_so, lab_teardown),
        cmocka_unit_test_teardown(killed_charon_comes_back, lab_teardown),
        cmocka_unit_test_teardown(charons_share_the_session_of_who_starts_them, lab_teardown),
        cmocka_unit_test_teardown(new_agent_leaves_tunnels_alone, lab_teardown),
        cmocka_unit_test_teardown(connection_that_goes_takes_its_charons, lab_teardown),
        cmocka_unit_test_teardown(what_was_taken_from_the_kernel_is_put_back, lab_teardown),
        cmocka_unit_test_teardown(without_memory_it_forgets_and_finds_again, lab_teardown),
        cmocka_unit_test_teardown(site_is_reached, lab_teardown),
        cmocka_unit_test_teardown(states_of_tunnels_without_another_end, lab_teardown),
        cmocka_unit_test_teardown(silent_peer_is_said_to_be_silent, lab_teardown),
        cmocka_unit_test(probe_finds_an_engine_or_says_why_not),
        cmocka_unit_test_teardown(ten_tunnels_come_up_at_once, lab_teardown),
    };

    if (argc > 1) /* one of them alone, by a pattern */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
