/* Overlaps: what is behind a gateway's connections, its own VNet, and VNets that use it by transit must all be apart (spec 6, 14), because a
 * destination has one way; devices with BGP alone may have the same behind them. Nothing is known of Azure's codes. */
#include "gateway.h"

#include <stdio.h>
#include <stdlib.h>

/* What a gateway has a way to. */
struct area {
    const struct vnl_prefixes *prefixes;
    const char *what, *name;
};

struct areas {
    struct area *items; /* room for all VNets and one more */
    size_t n;
};

static void areas_done(struct areas *areas)
{
    free(areas->items);
}

/* Does the VNet use the gateway by transit? */
static bool uses_gateway(const struct vnl_vnet *vnet, const struct vnl_vpn_gateway *gateway)
{
    for (size_t i = 0; i < vnet->n_peerings; i++) {
        const struct vnl_peering *link = vnet->peerings[i];

        if (link->use_remote_gateways && link->remote && link->remote == gateway->vnet)
            return true;
    }
    return false;
}

static void add(struct areas *areas, const struct vnl_prefixes *prefixes, const char *what, const char *name)
{
    areas->items[areas->n++] = (struct area){ prefixes, what, name };
}

/* Its VNet, and those that use it. */
static void add_gateway(const struct vnl_lab *lab, struct areas *areas, const struct vnl_vpn_gateway *gateway)
{
    if (!gateway->vnet)
        return;
    add(areas, &gateway->vnet->space, "virtual network", gateway->vnet->name);
    for (size_t i = 0; i < lab->n_vnets; i++) {
        if (uses_gateway(lab->vnets[i], gateway))
            add(areas, &lab->vnets[i]->space, "virtual network", lab->vnets[i]->name);
    }
}

/* What a connection leads to; connection NULL: what the gateway has of its own. 0 or -ENOMEM. */
static int areas_build(const struct vnl_lab *lab, const struct vnl_connection *connection,
                       const struct vnl_vpn_gateway *gateway, struct areas *ret)
{
    ret->items = calloc(lab->n_vnets + 2, sizeof(*ret->items));
    if (!ret->items)
        return -ENOMEM;
    if (!connection)
        add_gateway(lab, ret, gateway);
    else if (connection->gateway2)
        add_gateway(lab, ret, connection->gateway2);
    else if (connection->local2)
        add(ret, &connection->local2->prefixes, "local network gateway", connection->local2->name);
    return 0;
}

static void mistake(struct vnl_check *check, const struct vnl_connection *connection, const struct area *far,
                    const struct area *other, const struct vnl_prefixes *both)
{
    CLEANUP(vnl_str_free) char *text = vnl_prefixes_join(both);

    vnl_mistake(check, "BadRequest",
                connection->gateway2 ? &connection->gateway2_src : &connection->local2_src, connection->id,
                text,
                "Connection '%s' leads to %s '%s', whose address space overlaps that of %s '%s': virtual "
                "network gateway '%s' must tell them apart",
                connection->name, far->what, far->name, other->what, other->name, connection->gateway1->name);
}

/* True when they overlap, which is a mistake then. */
static bool compare(struct vnl_check *check, const struct vnl_connection *connection, const struct area *far,
                    const struct area *other)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes both = { 0 };

    if (far->prefixes == other->prefixes)
        return false;
    if (vnl_prefixes_overlapping(other->prefixes, far->prefixes, &both) < 0) {
        vnl_check_nomem(check, "prefixes");
        return true;
    }
    if (both.n)
        mistake(check, connection, far, other, &both);
    return both.n;
}

static bool compare_all(struct vnl_check *check, const struct vnl_connection *connection,
                        const struct areas *far, const struct vnl_connection *earlier)
{
    CLEANUP(areas_done) struct areas others = { 0 };

    if (areas_build(check->lab, earlier, connection->gateway1, &others) < 0) {
        vnl_check_nomem(check, "prefixes");
        return true;
    }
    for (size_t i = 0; i < others.n; i++) {
        for (size_t k = 0; k < far->n; k++) {
            if (compare(check, connection, &far->items[k], &others.items[i]))
                return true;
        }
    }
    return false;
}

/* Source: spec 14: the same network behind several devices needs BGP, and has it then. */
static bool may_overlap(const struct vnl_connection *a, const struct vnl_connection *b)
{
    return a->local2 && b->local2 && vnl_connection_bgp(a) && vnl_connection_bgp(b);
}

/* The first overlap of a connection is enough: the next one would say the same of it. */
static bool check_connection(struct vnl_check *check, const struct vnl_connection *connection)
{
    CLEANUP(areas_done) struct areas far = { 0 };

    if (areas_build(check->lab, connection, NULL, &far) < 0) {
        vnl_check_nomem(check, "prefixes");
        return true;
    }
    if (compare_all(check, connection, &far, NULL))
        return true;
    for (uint32_t i = 0; i < connection->number; i++) {
        const struct vnl_connection *earlier = check->lab->connections[i];

        if (earlier->gateway1 == connection->gateway1 && !may_overlap(connection, earlier) &&
            compare_all(check, connection, &far, earlier))
            return true;
    }
    return false;
}

/* One direction of a pair tells about both. */
static bool is_told(const struct vnl_lab *lab, const struct vnl_connection *connection, const bool *told)
{
    for (uint32_t i = 0; i < connection->number; i++) {
        const struct vnl_connection *other = lab->connections[i];

        if (told[i] && connection->gateway2 && other->gateway1 == connection->gateway2 &&
            other->gateway2 == connection->gateway1)
            return true;
    }
    return false;
}

void vnl_gateway_spaces_check(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;
    bool *told = calloc(lab->n_connections + 1, sizeof(*told));

    for (size_t i = 0; told && i < lab->n_connections; i++) {
        const struct vnl_connection *connection = lab->connections[i];

        if (connection->gateway1 && connection->gateway1 != connection->gateway2 &&
            !is_told(lab, connection, told))
            told[i] = check_connection(check, connection);
    }
    if (!told)
        vnl_check_nomem(check, "prefixes");
    free(told);
}
