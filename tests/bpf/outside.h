/* The lab of the tests about the internet side: NICs that share one address, two public IPs. */
#ifndef VNETLAB_TESTS_BPF_OUTSIDE_H
#define VNETLAB_TESTS_BPF_OUTSIDE_H

#include "sessions.h"

#define HOST "203.0.113.80"

static struct world_outside shared = {
    .n_outer = 1, .port_first = 1024, .n_ports = 64, .tcp_timeout_s = 240, .udp_timeout_s = 120
};

static void get_outside(struct port *port, uint32_t slot, const struct world_outside *outside)
{
    port->world.nics[slot].flags |= VNL_NIC_HAS_SESSIONS;
    port->world.nics[slot].outside = outside;
}

static inline int outside_setup(void **state)
{
    struct port *port;
    int r = sessions_setup(state);

    if (r < 0)
        return r;
    port = *state;
    shared.outer[0] = world_addr("192.0.2.128");
    for (uint32_t i = WORLD_VM; i <= WORLD_APPLIANCE; i++)
        get_outside(port, i, &shared);
    world_add(&port->world.routes[WORLD_INTERNET],
              world_prefix("192.0.2.128/32", VNL_ROUTE_KIND_SESSION, 0, 0));
    world_add(&port->world.routes[WORLD_INTERNET], world_prefix("198.18.0.0/16", VNL_ROUTE_KIND_NONE, 0, 0));
    world_publish(&port->world, "192.0.2.44", WORLD_VM, "10.0.0.44", 0);
    world_publish(&port->world, "192.0.2.5", WORLD_NEIGHBOR, "10.0.0.5", VNL_PUBLIC_CLOSED);
    return 0;
}

/* Back to `shared` alone, no groups, no flows. */
static inline int outside_fresh(void **state)
{
    struct port *port = *state;

    shared.flags = 0;
    shared.n_outer = 1;
    shared.n_ports = 64;
    shared.port_first = 1024;
    shared.tcp_timeout_s = 240;
    for (uint32_t i = WORLD_VM; i <= WORLD_APPLIANCE; i++) {
        group_free(&port->world.nics[i].rules_nic);
        port->world.nics[i].outside = &shared;
    }
    for (size_t i = 0; i < port->world.n_publics; i++)
        port->world.publics[i].flags &= ~VNL_PUBLIC_CLOSED;
    port->world.publics[1].flags |= VNL_PUBLIC_CLOSED;
    port_publish(port, 0);
    forget_flows(port);
    return 0;
}

#define OUT           .from = WORLD_VM, .src = "10.0.0.4", .dst = HOST
#define OWN           .from = WORLD_VM, .src = "10.0.0.44", .dst = HOST
#define IN(to, port_) .from = WORLD_HOST, .src = HOST, .dst = (to), .sport = 80, .dport = (port_)

static inline const char *from_shared(uint16_t port, const char *to)
{
    static char text[64];

    snprintf(text, sizeof(text), "192.0.2.128:%u > %s", port, to);
    return text;
}

#define OUTSIDE_TEST(name) cmocka_unit_test_setup_teardown(name, outside_fresh, outside_fresh)

#endif
