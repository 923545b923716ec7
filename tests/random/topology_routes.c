/* Route tables and appliances by lot: mostly ways that go somewhere, and every kind of way that does not. */
#include "topology_parts.h"

#include <stdio.h>
#include <string.h>

/* The first VMs are what routes like to name. */
#define APPLIANCES 3

static const char *const hops[TOPOLOGY_HOP_MAX] = {
    [TOPOLOGY_HOP_APPLIANCE] = "VirtualAppliance",
    [TOPOLOGY_HOP_LOCAL] = "VnetLocal",
    [TOPOLOGY_HOP_INTERNET] = "Internet",
    [TOPOLOGY_HOP_GATEWAY] = "VirtualNetworkGateway",
    [TOPOLOGY_HOP_NONE] = "None",
};

const char *topology_hop_str(enum topology_hop hop)
{
    return hops[hop];
}

/* The same prefix is always the same text, so that doubles are seen.
 * Equal to a network's range or a subnet's, inside of it, around it; the second ranges, too. */
static void random_route_prefix(const struct topology *t, uint64_t *seed, bool v6, char ret[64])
{
    int subnet = topology_below(seed, TOPOLOGY_SUBNETS);

    switch (topology_below(seed, 6)) {
    case 0:
        (void)snprintf(ret, 64, v6 ? "::/0" : "0.0.0.0/0");
        break;
    case 1:
    case 2: /* a whole range */
        if (v6)
            (void)snprintf(ret, 64, "fd00:%x:0:0::0/48", t->subnets[subnet].vnet);
        else
            (void)snprintf(ret, 64, "%d.%d.0.0/16", topology_first_octet(t, subnet),
                           topology_second_octet(t, subnet));
        break;
    case 3:
        if (v6)
            (void)snprintf(ret, 64, "fd00:%x:0:%x::0/64", t->subnets[subnet].vnet, subnet);
        else
            (void)snprintf(ret, 64, "%d.%d.%d.0/24", topology_first_octet(t, subnet),
                           topology_second_octet(t, subnet), subnet);
        break;
    default:
        topology_random_prefix(t, seed, v6, ret);
        break;
    }
}

static enum topology_hop random_hop(uint64_t *seed)
{
    if (!topology_one_in(seed, 3))
        return TOPOLOGY_HOP_APPLIANCE;
    return topology_one_in(seed, 2) ? TOPOLOGY_HOP_LOCAL
                                    : (enum topology_hop)topology_below(seed, TOPOLOGY_HOP_MAX);
}

static bool is_double(const struct topology *t, int table, int number)
{
    const struct topology_route *route = &t->tables[table].routes[number], *other;

    for (int i = 0; i < TOPOLOGY_ROUTES; i++) {
        other = &t->tables[table].routes[i];
        if (i != number && other->state == TOPOLOGY_THERE && !strcmp(other->prefix, route->prefix))
            return true;
    }
    return false;
}

static void random_route(struct topology *t, uint64_t *seed, int table, int number)
{
    struct topology_route *route = &t->tables[table].routes[number];

    *route = (struct topology_route){ .state = TOPOLOGY_THERE, .hop = random_hop(seed) };
    route->v6 = topology_one_in(seed, 4);
    route->vm = topology_one_in(seed, 8) ? -1 : topology_below(seed, APPLIANCES);
    if (topology_one_in(seed, 6))
        route->vm = topology_below(seed, TOPOLOGY_VMS);
    if (topology_one_in(seed, 6) && !route->v6)
        route->vm = -2;
    random_route_prefix(t, seed, route->v6, route->prefix);
    if (is_double(t, table, number))
        route->state = TOPOLOGY_NEVER;
}

static void range_text(const struct topology *t, int vnet, bool v6, char ret[64])
{
    if (v6)
        (void)snprintf(ret, 64, "fd00:%x:0:0::0/48", vnet);
    else
        (void)snprintf(ret, 64, "%d.%d.0.0/16", t->vnets[vnet].is_public ? 20 : 10, vnet);
}

/* Spec 4.10: spokes that reach each other through the first VM, in some labs through the second, too. What is wrong with it comes by the
 * other lots, and by changes. */
static void make_hub(struct topology *t, uint64_t *seed)
{
    int hub = t->subnets[t->vms[0].subnet].vnet, chain = topology_one_in(seed, 3);

    for (int i = 0; i < TOPOLOGY_VNETS; i++) {
        struct topology_route *route = &t->tables[0].routes[i], *next = &t->tables[1].routes[i];

        *route = (struct topology_route){ .state = i == hub ? TOPOLOGY_NEVER : TOPOLOGY_THERE,
                                          .vm = 0,
                                          .v6 = topology_one_in(seed, 4) };
        range_text(t, i, route->v6, route->prefix);
        *next = *route;
        next->vm = 1;
        next->state = chain ? route->state : TOPOLOGY_NEVER;
        t->links[hub * TOPOLOGY_VNETS + i].state = t->links[i * TOPOLOGY_VNETS + hub].state =
            i == hub ? TOPOLOGY_NEVER : TOPOLOGY_THERE;
    }
    for (int i = TOPOLOGY_VNETS; i < TOPOLOGY_ROUTES; i++)
        t->tables[0].routes[i].state = t->tables[1].routes[i].state = TOPOLOGY_NEVER;
    t->tables[0].state = t->tables[1].state = TOPOLOGY_THERE;
    for (int i = 0; i < TOPOLOGY_SUBNETS; i++) {
        if (t->subnets[i].vnet != hub)
            t->subnets[i].table = 0;
        else
            t->subnets[i].table = chain && i == t->vms[0].subnet ? 1 : -1;
    }
}

void topology_make_routes(struct topology *t, uint64_t *seed)
{
    for (int i = 0; i < TOPOLOGY_VMS; i++) {
        t->vms[i].nic_forwards = !topology_one_in(seed, i < APPLIANCES ? 6 : 2);
        t->vms[i].guest_forwards = !topology_one_in(seed, i < APPLIANCES ? 6 : 2);
    }
    for (int i = 0; i < TOPOLOGY_TABLES; i++) {
        t->tables[i].state = topology_one_in(seed, 4) ? TOPOLOGY_NEVER : TOPOLOGY_THERE;
        t->tables[i].no_bgp = topology_one_in(seed, 3);
        for (int k = topology_below(seed, TOPOLOGY_ROUTES + 1); k > 0; k--)
            random_route(t, seed, i, k - 1);
    }
    for (int i = 0; i < TOPOLOGY_SUBNETS; i++)
        t->subnets[i].table = topology_one_in(seed, 3) ? -1 : topology_below(seed, TOPOLOGY_TABLES);
    if (t->open)
        make_hub(t, seed);
}

bool topology_change_route(struct topology *t, uint64_t *seed)
{
    int table = topology_below(seed, TOPOLOGY_TABLES), number = topology_below(seed, TOPOLOGY_ROUTES),
        vm = topology_below(seed, TOPOLOGY_VMS), subnet = topology_below(seed, TOPOLOGY_SUBNETS);

    switch (topology_below(seed, 6)) {
    case 0:
        t->vms[vm].nic_forwards = !t->vms[vm].nic_forwards;
        return topology_has_vm(t, vm);
    case 1:
        t->vms[vm].guest_forwards = !t->vms[vm].guest_forwards;
        return topology_has_vm(t, vm);
    case 2:
        t->subnets[subnet].table = topology_below(seed, TOPOLOGY_TABLES + 1) - 1;
        return topology_has_subnet(t, subnet);
    case 3:
        t->tables[table].routes[number].state = TOPOLOGY_NEVER;
        return topology_has_table(t, table);
    default:
        random_route(t, seed, table, number);
        return topology_has_table(t, table);
    }
}
