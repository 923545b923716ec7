/* VPN gateways in the port program: what goes to one, what one relays, hub and spoke, and sites.
 *
 * VNet 0 is the hub with WORLD_GATEWAY in it; VNets 1 and 4 use that gateway, the link of VNet 4 denies forwarded traffic. Behind the
 * gateway is 192.168.0.0/16; WORLD_SITE_DEVICE and WORLD_SITE_HOST are at the other end. */
#include "sessions.h"

static const struct {
    uint32_t vnet;
    const char *cidr;
    uint32_t nic;
} through[] = {
    { 0, "192.168.0.0/16", WORLD_GATEWAY }, { 1, "192.168.0.0/16", WORLD_GATEWAY },
    { 1, "10.4.0.0/16", WORLD_GATEWAY }, /* a user's, to the other spoke */
    { 4, "192.168.0.0/16", WORLD_GATEWAY }, { 0, "10.62.0.0/16", VNL_ROUTE_NO_NIC },
    { 0, "10.63.0.0/16", WORLD_DEAD },      { 0, "fd60::/48", WORLD_GATEWAY },
};

static int setup(void **state)
{
    struct port *port;
    int r = sessions_setup(state);

    if (r < 0)
        return r;
    port = *state;
    for (size_t i = 0; i < ARRAY_SIZE(through); i++)
        world_add(&port->world.routes[through[i].vnet],
                  world_prefix(through[i].cidr, VNL_ROUTE_KIND_GATEWAY, 0, through[i].nic));
    return 0;
}

static struct world_prefix *route(struct port *port, uint32_t vnet, const char *cidr)
{
    struct world_prefix wanted = world_prefix(cidr, 0, 0, 0);

    for (size_t i = 0; i < port->world.routes[vnet].n; i++) {
        struct world_prefix *row = &port->world.routes[vnet].rows[i];

        if (row->len == wanted.len && memcmp(&row->addr, &wanted.addr, sizeof(row->addr)) == 0)
            return row;
    }
    fail_msg("no route %s in VNet %u", cidr, vnet);
    return NULL;
}

static int fresh(void **state)
{
    struct port *port = *state;

    for (uint32_t i = 0; i < WORLD_SENDERS; i++)
        group_free(&port->world.nics[i].rules_nic);
    route(port, 1, "192.168.0.0/16")->flags = 0;
    port_publish(port, 0);
    forget_flows(port);
    return 0;
}

#define OUT_OF(nic, addr) .from = nic, .src = addr, .dst = "192.168.0.10"
#define IN_TO(addr)       .from = WORLD_GATEWAY, .src = "192.168.0.10", .dst = addr

/* Whatever the destination: the gateway asks nobody whether it forwards. */
static void to_the_gateway(void **state)
{
    struct port *port = *state;
    struct frame frame;

    PASSES_AS(WORLD_GATEWAY, "10.0.0.4:40000 > 192.168.0.10:80", OUT_OF(WORLD_VM, "10.0.0.4"));
    PASSES_AS(WORLD_GATEWAY, "10.0.0.4 > 192.168.0.10", OUT_OF(WORLD_VM, "10.0.0.4"), .proto = 1);
    PASSES_AS(WORLD_GATEWAY, "10.1.0.4:40000 > 192.168.0.10:80", OUT_OF(WORLD_PEER, "10.1.0.4"));
    PASSES_AS(WORLD_GATEWAY, "10.0.0.4:40000 > 10.0.0.30:80", .from = WORLD_VM, .src = "10.0.0.4",
              .dst = "10.0.0.30");
    frame_build(&frame, &(struct frame_spec){ .from = WORLD_VM, .src = "fd00::4", .dst = "fd60::1" });
    assert_int_equal(run_frame(port, WORLD_VM, &frame, NULL).out_slot, WORLD_GATEWAY);
}

/* Whatever the source, but not those that nobody may have. */
static void from_the_gateway(void **state)
{
    struct port *port = *state;

    PASSES_AS(WORLD_VM, "192.168.0.10:40000 > 10.0.0.4:80", IN_TO("10.0.0.4"));
    PASSES_AS(WORLD_PEER, "192.168.0.10:40000 > 10.1.0.4:80", IN_TO("10.1.0.4"));
    PASSES_AS(WORLD_VM, "10.0.0.30 > 10.0.0.4", .from = WORLD_GATEWAY, .src = "10.0.0.30", .dst = "10.0.0.4",
              .proto = 1); /* it is a hop of traceroute */
    DROPS(SPOOFED_SOURCE, SOURCE, .from = WORLD_GATEWAY, .src = "127.0.0.1", .dst = "10.0.0.4");
    DROPS(SPOOFED_SOURCE, SOURCE, .from = WORLD_GATEWAY, .src = "224.0.0.1", .dst = "10.0.0.4");
    DROPS(SPOOFED_SOURCE, SOURCE, .from = WORLD_GATEWAY, .src = "168.63.129.16", .dst = "10.0.0.4");
    DROPS(SPOOFED_SOURCE, SOURCE, .from = WORLD_VM, .src = "192.168.0.10", .dst = "10.0.0.5");
}

/* A tunnel's other end could send anything: nothing from inside comes from there, nor from whom it is for. */
static void forged_sources_end_at_the_gateway(void **state)
{
    struct port *port = *state;

    DROPS(SPOOFED_SOURCE, SOURCE, .from = WORLD_GATEWAY, .src = "10.0.0.5", .dst = "10.0.0.4");
    DROPS(SPOOFED_SOURCE, SOURCE, .from = WORLD_GATEWAY, .src = "10.0.0.4", .dst = "10.0.0.4");
    DROPS(SPOOFED_SOURCE, SOURCE, .from = WORLD_GATEWAY, .src = "10.0.0.99", .dst = "10.1.0.4", .proto = 1);
    DROPS(SPOOFED_SOURCE, SOURCE, .from = WORLD_GATEWAY, .src = "10.1.0.4", .dst = "10.1.0.4");
    DROPS(SPOOFED_SOURCE, SOURCE, .from = WORLD_SITE_DEVICE, .src = "192.168.0.77", .dst = "192.168.0.10");
}

/* Spec vpn 10: allowForwardedTraffic is not asked for what the gateway relays; an appliance with the same packet is. */
static void relayed_traffic_is_not_forwarded_traffic(void **state)
{
    struct port *port = *state;

    PASSES_AS(WORLD_FORWARDED, "192.168.0.10:40000 > 10.4.0.4:80", IN_TO("10.4.0.4"));
    DROPS(FORWARDED_TRAFFIC, PEERING, .from = WORLD_APPLIANCE, .src = "192.168.0.10", .dst = "10.4.0.4");
}

/* Access to the hub is what the peering says. */
static void spokes_need_access_to_the_hub(void **state)
{
    struct port *port = *state;
    struct world_prefix *row = route(port, 1, "192.168.0.0/16");

    row->flags = VNL_ROUTE_DENY_ACCESS_LOCAL;
    port_publish(port, 0);
    DROPS(PEERING_ACCESS, PEERING, OUT_OF(WORLD_PEER, "10.1.0.4"));
    row->flags = VNL_ROUTE_DENY_ACCESS_REMOTE;
    port_publish(port, 0);
    DROPS(PEERING_ACCESS, PEERING, OUT_OF(WORLD_PEER, "10.1.0.4"));
    DROPS(PEERING_ACCESS, PEERING, .from = WORLD_GATEWAY, .src = "192.168.0.10", .dst = "10.2.0.4");
    DROPS(PEERING_ACCESS, PEERING, .from = WORLD_GATEWAY, .src = "192.168.0.10", .dst = "10.3.0.4");
}

/* A user's route to the gateway, and its own way from there. */
static void from_spoke_to_spoke(void **state)
{
    struct port *port = *state;

    PASSES_AS(WORLD_GATEWAY, "10.1.0.4:40000 > 10.4.0.4:80", .from = WORLD_PEER, .src = "10.1.0.4",
              .dst = "10.4.0.4");
    PASSES_AS(WORLD_FORWARDED, "10.1.0.4:40000 > 10.4.0.4:80", .from = WORLD_GATEWAY, .src = "10.1.0.4",
              .dst = "10.4.0.4");
}

static void dead_ends(void **state)
{
    struct port *port = *state;

    DROPS(NO_GATEWAY, ROUTE, .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.62.0.1");
    DROPS(NO_OWNER, ROUTE, .from = WORLD_VM, .src = "10.0.0.4", .dst = "10.63.0.1");
    DROPS(ROUTING_LOOP, ROUTE, .from = WORLD_GATEWAY, .src = "10.4.0.4", .dst = "192.168.0.10");
    DROPS(NO_OWNER, ROUTE, .from = WORLD_GATEWAY, .src = "192.168.0.10", .dst = "10.0.0.99");
}

/* Rules are the workload's, on both ways; the answer belongs to the flow. */
static void rules_of_the_workload_act(void **state)
{
    struct port *port = *state;

    port->world.nics[WORLD_VM].rules_nic =
        GROUP(false, 0, { .inbound = true, .allow = false }, { .inbound = false, .allow = true });
    port_publish(port, 0);
    DROPS(NSG_INBOUND, NSG_INBOUND, IN_TO("10.0.0.4"));
    for (int i = 0; i < 2; i++) { /* the second time the flow knows the way */
        PASSES_AS(WORLD_GATEWAY, "10.0.0.4:40000 > 192.168.0.10:80", OUT_OF(WORLD_VM, "10.0.0.4"),
                  .flags = i ? ACK : SYN);
        PASSES_AS(WORLD_VM, "192.168.0.10:80 > 10.0.0.4:40000", IN_TO("10.0.0.4"), .sport = 80,
                  .dport = 40000, .flags = SYN | ACK);
    }
}

static void sites(void **state)
{
    struct port *port = *state;

    PASSES_AS(WORLD_SITE_HOST, "192.168.0.1:40000 > 192.168.0.10:80", .from = WORLD_SITE_DEVICE,
              .src = "192.168.0.1", .dst = "192.168.0.10");
    PASSES_AS(WORLD_SITE_DEVICE, "192.168.0.10:40000 > 10.0.0.4:80", .from = WORLD_SITE_HOST,
              .src = "192.168.0.10", .dst = "10.0.0.4");
    PASSES_AS(WORLD_SITE_DEVICE, "192.168.0.10 > 8.8.8.8", .from = WORLD_SITE_HOST, .src = "192.168.0.10",
              .dst = "8.8.8.8", .proto = 1);
    PASSES_AS(WORLD_SITE_HOST, "10.0.0.4:40000 > 192.168.0.10:80", .from = WORLD_SITE_DEVICE,
              .src = "10.0.0.4", .dst = "192.168.0.10");
    DROPS(ROUTING_LOOP, ROUTE, .from = WORLD_SITE_DEVICE, .src = "10.0.0.4", .dst = "8.8.8.8");
    DROPS(SPOOFED_SOURCE, SOURCE, .from = WORLD_SITE_HOST, .src = "10.0.0.4", .dst = "192.168.0.1");
    DROPS(PLATFORM_ADDRESS, PROTOCOL, .from = WORLD_SITE_HOST, .src = "192.168.0.10", .dst = "168.63.129.16",
          .proto = 17, .dport = 53);
}

#define GATEWAY_TEST(name) cmocka_unit_test_setup_teardown(name, fresh, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(to_the_gateway),
        GATEWAY_TEST(from_the_gateway),
        GATEWAY_TEST(forged_sources_end_at_the_gateway),
        GATEWAY_TEST(relayed_traffic_is_not_forwarded_traffic),
        GATEWAY_TEST(spokes_need_access_to_the_hub),
        GATEWAY_TEST(from_spoke_to_spoke),
        GATEWAY_TEST(dead_ends),
        GATEWAY_TEST(rules_of_the_workload_act),
        GATEWAY_TEST(sites),
    };

    return cmocka_run_group_tests_name("gateways in the port program", tests, setup, port_teardown);
}
