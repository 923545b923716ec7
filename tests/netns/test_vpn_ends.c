/* Two ends of one connection at one gateway, with real charons: a gateway's tunnels to two others are made to be one connection's. */
#include "controller.h"

#include "vnetlab/bpf.h"
#include "vnetlab/image.h"

#define TRIO                                                                                                 \
    PAIR "vnet vc 10.5.0.0/16\nsubnet s 10.5.0.0/24\nsubnet GatewaySubnet 10.5.255.0/27\nvm c vc/s "         \
         "10.5.0.4\n"                                                                                        \
         "gateway gwc vc\nv2v ac gwa gwc\nv2v ca gwc gwa\n"
#define HEALTH 3

static struct vnl_plan_backend backends[2];
static struct vnl_plan_lb_rule rule = {
    .id = "connections/ab", .health = HEALTH, .floating = true, .backends = backends, .n_backends = 2
};
static struct vnl_plan_balancer balancer = {
    .id = "connections/ab", .name = "ab", .connection = true, .rules = &rule, .n_rules = 1
};

static struct vnl_plan_tunnel *tunnel(const char *name)
{
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (!strcmp(plan->tunnels[i].name, name))
            return &plan->tunnels[i];
    fail_msg("no tunnel %s", name);
    return NULL;
}

/* ac becomes another end of ab; for the balancer, that of a second instance. */
static void make_one_connection(void)
{
    struct vnl_plan_tunnel *ab = tunnel("ab"), *ac = tunnel("ac");

    free(ac->connection);
    free(ac->routes);
    ac->connection = strdup(ab->connection);
    ac->routes = calloc(ab->n_routes, sizeof(*ac->routes));
    assert_true(ac->connection && ac->routes);
    memcpy(ac->routes, ab->routes, ab->n_routes * sizeof(*ac->routes));
    ac->n_routes = ab->n_routes;
    for (size_t i = 0; i < 2; i++) {
        uint32_t nic = plan->gateways[i].nic_in;

        backends[i] = (struct vnl_plan_backend){ .nic = nic, .addr = plan->nics[nic].addrs[0].addr };
    }
}

/* Wrong for ab, else right. */
static void follow_with(bool right)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    const char *keys[8];

    for (size_t i = 0; i < plan->n_tunnels; i++)
        keys[i] = !right && &plan->tunnels[i] == tunnel("ab") ? "wrong" : "k";
    if (vnl_vpn_follow(vpn, plan, keys, &err) < 0)
        fail_msg("%s", err->msg);
}

static void await_status(const char *name, enum vnl_vpn_status status)
{
    for (int i = 0; i < 800; i++) {
        CLEANUP(vnl_json_free) struct vnl_json *states = vnl_vpn_report(vpn);

        if (is_status(vnl_json_at(states, (size_t)(tunnel(name) - plan->tunnels)), status)) {
            (void)vnl_vpn_run(vpn);
            return;
        }
        pump(10);
    }
    fail_msg("%s is not %s", name, vnl_vpn_status_str(status));
}

/* The only route there is. */
static void assert_carried_by(const char *name)
{
    const char *routes;
    const char *ifname = running_in("gwa", "ip -br link show %s | cut -d' ' -f1", tunnel(name)->ifname);
    char wanted[64];

    (void)snprintf(wanted, sizeof(wanted), "dev %.*s ", (int)strcspn(ifname, "@\n"), ifname);
    routes = running_in("gwa", "ip route show 10.4.0.0/16");
    running_has(routes, wanted);
    assert_ptr_equal(strchr(routes, '\n'), strrchr(routes, '\n'));
}

static void route_moves_to_the_first_end_that_is_up(void **state)
{
    (void)state;
    bring_up(TRIO);
    make_one_connection();
    controller_start();
    follow_with(false);
    await_status("ca", VNL_VPN_CONNECTED);
    await_status("ac", VNL_VPN_CONNECTED);
    assert_carried_by("ac");
    follow_with(true);
    await_status("ba", VNL_VPN_CONNECTED);
    await_status("ab", VNL_VPN_CONNECTED);
    assert_carried_by("ab");
    assert_pings();
    controller_stop(); /* a new agent leaves it there */
    controller_start();
    follow_with(true);
    assert_carried_by("ab");
    follow_with(false);
    await_status("ab", VNL_VPN_NOT_CONNECTED);
    assert_carried_by("ac");
}

static uint64_t alive(const struct vnl_bpf *bpf)
{
    uint64_t ret = UINT64_MAX;

    (void)vnl_bpf_health(bpf, HEALTH, vnl_health_id(&rule), &ret);
    return ret;
}

static void balancer_is_told_which_instances_are_alive(void **state)
{
    CLEANUP(vnl_str_free) char *dir = NULL;
    struct vnl_plan_balancer *own;
    struct vnl_bpf *bpf = NULL;

    (void)state;
    bring_up(TRIO);
    make_one_connection();
    plan->gateways[tunnel("ca")->gateway].instance =
        1; /* as if gwc were the second one of a gateway with gwa */
    tunnel("ab")->balancer = tunnel("ca")->balancer = 0;
    own = plan->balancers; /* none, but the plan's */
    plan->balancers = &balancer;
    plan->n_balancers = 1;
    dir = vnl_run_path(plan->lab, "bpf");
    assert_int_equal(vnl_bpf_open(dir, &bpf, NULL), 0);
    controller_start();
    follow_with(false);
    await_status("ac", VNL_VPN_CONNECTED);
    await_status("ca", VNL_VPN_CONNECTED);
    assert_int_equal(alive(bpf), 2);
    follow_with(true);
    await_status("ba", VNL_VPN_CONNECTED);
    await_status("ab", VNL_VPN_CONNECTED);
    assert_int_equal(alive(bpf), 3);
    vnl_bpf_close(&bpf);
    controller_stop();
    plan->balancers = own;
    plan->n_balancers = 0;
}

/* As a point-to-site client's has the address that the gateway assigned. */
static void what_goes_into_a_tunnel_with_an_address_starts_from_it(void **state)
{
    (void)state;
    bring_up(PAIR);
    controller_start();
    follow("k", "k");
    (void)await(VNL_VPN_CONNECTED, 8000);
    running_has(running_in("gwa", "ip route show 10.4.0.0/16"), " src 10.1.255.");
    (void)running_in("gwa", "ip addr add 172.16.201.2/32 dev ipsec0");
    follow("k", "k");
    running_has(running_in("gwa", "ip route show 10.4.0.0/16"), " src 172.16.201.2 ");
    assert_int_equal(atoi(running_in("gwa", "ip route show 10.4.0.0/16 | wc -l")), 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(route_moves_to_the_first_end_that_is_up, lab_teardown),
        cmocka_unit_test_teardown(balancer_is_told_which_instances_are_alive, lab_teardown),
        cmocka_unit_test_teardown(what_goes_into_a_tunnel_with_an_address_starts_from_it, lab_teardown),
    };

    if (argc > 1) /* one of them alone, by a pattern */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
