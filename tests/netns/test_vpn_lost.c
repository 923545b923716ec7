/* What keeps tunnels up when a charon is taken away from under the controller: a namespace made anew, a TUN deleted, a process that is stopped. */
#include "controller.h"

#include <signal.h>

static size_t charons(void)
{
    return (size_t)atoi(running_sh("for p in $(pgrep -f '[c]haron-systemd'); do readlink /proc/$p/cwd; done "
                                   "| grep -c '%s/%s/vpn/' || true",
                                   vnl_run_dir(), plan->lab));
}

/* As if somebody had taken the gateway's namespace away; the next apply makes another. */
static void remake_namespace(const char *gateway)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(plan->lab, "ns");

    (void)running_sh("umount -l %s/%s; rm %s/%s", path, gateway, path, gateway);
    (void)running_apply(plan);
}

static void up_with_a_pair(void)
{
    bring_up(PAIR);
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 8000);
    assert_pings();
    assert_int_equal(charons(), 2);
}

static void charon_follows_its_gateway_into_another_namespace(void **state)
{
    (void)state;
    up_with_a_pair();
    remake_namespace("gwb");
    assert_false(running_ping("a", "10.4.0.4"));
    follow("k", "k");
    assert_false(all_are(VNL_VPN_CONNECTED));
    (void)await(VNL_VPN_CONNECTED, 10000);
    assert_pings();
    assert_int_equal(charons(), 2);
}

static void charon_of_another_namespace_is_not_adopted(void **state)
{
    (void)state;
    up_with_a_pair();
    controller_stop();
    remake_namespace("gwb");
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 10000);
    assert_pings();
    assert_int_equal(charons(), 2);
}

static void deleted_tun_is_noticed_and_made_anew(void **state)
{
    (void)state;
    up_with_a_pair();
    (void)running_sh("ip netns exec %s.gwa ip link del ipsec0", plan->lab);
    assert_false(running_ping("a", "10.4.0.4"));
    pump(4000);
    (void)await(VNL_VPN_CONNECTED, 10000);
    assert_pings();
    assert_int_equal(charons(), 2);
}

static int64_t time_to_count(void)
{
    int64_t start = vnl_loop_now_ms();

    vnl_vpn_count(vpn);
    return vnl_loop_now_ms() - start;
}

static void stopped_charon_is_waited_for_once(void **state)
{
    char pid[64], now[64], spis[512], spis_now[512];

    (void)state;
    up_with_a_pair();
    spis_of(spis, sizeof(spis));
    pids_of("gwa", pid, sizeof(pid));
    assert_int_equal(kill(atoi(pid), SIGSTOP), 0);
    assert_in_range(time_to_count(), 900, 1900);
    for (int i = 0; i < 3; i++) {
        assert_true(time_to_count() < 500);
        pump(100);
    }
    assert_int_equal(kill(atoi(pid), SIGCONT), 0);
    pump(500);
    (void)await(VNL_VPN_CONNECTED, 2000);
    assert_pings();
    pids_of("gwa", now, sizeof(now));
    assert_string_equal(now, pid);
    spis_of(spis_now, sizeof(spis_now));
    assert_string_equal(spis_now, spis);
}

static void several_stopped_charons_cost_little_more_than_one(void **state)
{
    char a[64], b[64];

    (void)state;
    up_with_a_pair();
    pids_of("gwa", a, sizeof(a));
    pids_of("gwb", b, sizeof(b));
    assert_int_equal(kill(atoi(a), SIGSTOP), 0);
    assert_int_equal(kill(atoi(b), SIGSTOP), 0);
    assert_in_range(time_to_count(), 900, 1900); /* asked one after the other, each for as long, it is 2000 */
    assert_true(time_to_count() < 900);          /* they are not asked again */
    pump(10500);                                 /* long enough: they are ended and started anew */
    (void)await(VNL_VPN_CONNECTED, 10000);
    assert_pings();
    assert_int_equal(charons(), 2);
}

/* Of gwa's end: what is reported after asking. */
static int64_t reported(const char *what)
{
    CLEANUP(vnl_json_free) struct vnl_json *states = NULL;

    vnl_vpn_count(vpn);
    states = vnl_vpn_report(vpn);
    return vnl_json_get_int(vnl_json_at(states, 0), what, -1);
}

static void swanctl(const char *what)
{
    (void)running_sh("cd %s/%s/vpn/gwa/vpn1 && swanctl %s --uri unix://vici 2>/dev/null", vnl_run_dir(),
                     plan->lab, what);
}

/* running_ping sends three echo requests; nothing else is sent. */
static void assert_counts(unsigned pings)
{
    assert_int_equal(reported("ingress"), pings * 3 * 84);
    assert_int_equal(reported("egress"), pings * 3 * 84);
}

static void bytes_are_counted_once_whatever_ends(void **state)
{
    char pid[64], spis[512], spis_now[512];
    int64_t since;

    (void)state;
    bring_up(PAIR);
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 8000);
    since = reported("since");
    assert_true(running_ping("a", "10.4.0.4"));
    assert_counts(1);
    spis_of(spis, sizeof(spis));
    swanctl("--rekey --ike vpn1"); /* the children stay */
    swanctl("--rekey --child $(swanctl --list-sas --raw --uri unix://vici 2>/dev/null | grep -oE 'child-sas "
            ".c[0-9a-f]{16}' | grep -oE 'c[0-9a-f]{16}')");
    pump(300);
    spis_of(spis_now, sizeof(spis_now));
    assert_string_not_equal(spis_now, spis);
    assert_true(running_ping("a", "10.4.0.4"));
    assert_counts(2);
    controller_stop(); /* a new agent, and one that comes when the child that it knew is gone */
    assert_true(running_ping("a", "10.4.0.4"));
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 8000);
    assert_counts(3);
    assert_int_equal(reported("since"), since);
    assert_int_equal(vnl_vpn_renew(vpn, "gwa", NULL, NULL), 0);
    pump(500);
    (void)await(VNL_VPN_CONNECTED, 8000);
    assert_true(running_ping("a", "10.4.0.4"));
    assert_counts(4);
    pump(2100);
    pids_of("gwa", pid, sizeof(pid));
    assert_int_equal(kill(atoi(pid), SIGKILL), 0);
    pump(100);
    (void)await(VNL_VPN_CONNECTED, 8000);
    assert_true(running_ping("a", "10.4.0.4"));
    assert_counts(5);
    assert_string_equal(running_sh("stat -c %%a %s/%s/vpn/gwa/vpn1/sums", vnl_run_dir(), plan->lab), "600\n");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(charon_follows_its_gateway_into_another_namespace, lab_teardown),
        cmocka_unit_test_teardown(charon_of_another_namespace_is_not_adopted, lab_teardown),
        cmocka_unit_test_teardown(deleted_tun_is_noticed_and_made_anew, lab_teardown),
        cmocka_unit_test_teardown(stopped_charon_is_waited_for_once, lab_teardown),
        cmocka_unit_test_teardown(several_stopped_charons_cost_little_more_than_one, lab_teardown),
        cmocka_unit_test_teardown(bytes_are_counted_once_whatever_ends, lab_teardown),
    };

    if (argc > 1) /* one of them alone, by a pattern */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
