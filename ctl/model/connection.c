/* Connections: made, found and freed; what they connect. Spec 1.2, 5. */
#include "gateway.h"
#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROUTING_WEIGHT_DEFAULT 10 /* spec 1.2 */

/* --- vocabularies ------------------------------------------------------------------------------------ */

static const char *const type_str[] = {
    [VNL_CONNECTION_VNET] = "Vnet2Vnet",
    [VNL_CONNECTION_IPSEC] = "IPsec",
};
static_assert(ARRAY_SIZE(type_str) == VNL_CONNECTION_TYPE_MAX, "name every type of connection");

static const char *const mode_str[] = {
    [VNL_CONNECTION_DEFAULT] = "Default",
    [VNL_CONNECTION_INITIATOR] = "InitiatorOnly",
    [VNL_CONNECTION_RESPONDER] = "ResponderOnly",
};
static_assert(ARRAY_SIZE(mode_str) == VNL_CONNECTION_MODE_MAX, "name every mode of connections");

const char *vnl_connection_type_str(enum vnl_connection_type type)
{
    return type_str[type];
}

const char *vnl_connection_mode_str(enum vnl_connection_mode mode)
{
    return mode_str[mode];
}

int vnl_connection_type_parse(const char *text, enum vnl_connection_type *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(type_str); i++) {
        if (strcasecmp(type_str[i], text) == 0)
            return *ret = (enum vnl_connection_type)i, 0;
    }
    return -EINVAL;
}

int vnl_connection_mode_parse(const char *text, enum vnl_connection_mode *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(mode_str); i++) {
        if (strcasecmp(mode_str[i], text) == 0)
            return *ret = (enum vnl_connection_mode)i, 0;
    }
    return -EINVAL;
}

/* --- registry ---------------------------------------------------------------------------------------- */

void vnl_connection_free(struct vnl_connection **ptr)
{
    struct vnl_connection *connection = TAKE_PTR(*ptr);

    if (!connection)
        return;
    free(connection->id);
    free(connection->name);
    vnl_scope_done(&connection->scope);
    free(connection->gateway1_ref);
    free(connection->gateway2_ref);
    free(connection->local2_ref);
    if (connection->shared_key)
        explicit_bzero(connection->shared_key, strlen(connection->shared_key));
    free(connection->shared_key);
    if (connection->key_written)
        explicit_bzero(connection->key_written, strlen(connection->key_written));
    free(connection->key_written);
    vnl_ipsec_policy_done(&connection->policy);
    vnl_prefixes_done(&connection->selectors.local);
    vnl_prefixes_done(&connection->selectors.remote);
    free(connection);
}

static void set_sources(struct vnl_connection *connection, const struct vnl_src *src)
{
    connection->src = src ? *src : connection->src;
    connection->gateway1_src = connection->gateway2_src = connection->local2_src = connection->src;
    connection->key_src = connection->bgp_src = connection->policy.src = connection->src;
}

/* Without a location of its own it is where its first gateway is. */
struct vnl_connection *vnl_connection_add(struct vnl_lab *lab, const char *name,
                                          const struct vnl_scope *scope, const struct vnl_src *src,
                                          struct vnl_err **err)
{
    CLEANUP(vnl_connection_free) struct vnl_connection *connection = calloc(1, sizeof(*connection));
    struct vnl_connection **list = vnl_list_grow(lab->connections, lab->n_connections, sizeof(*list));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->connections = list ? list : lab->connections;
    if (!connection || !list || vnl_scope_fill(&connection->scope, scope, &lab->defaults, NULL) < 0 ||
        !(connection->name = strdup(name)) ||
        !(connection->id = vnl_id_format(&connection->scope, VNL_CONNECTION_TYPE, name, NULL)))
        return vnl_add_failed(err, VNL_TYPE_CONNECTION, name);
    set_sources(connection, src);
    connection->number = (uint32_t)lab->n_connections;
    connection->routing_weight = ROUTING_WEIGHT_DEFAULT;
    connection->slot = VNL_SLOT_NONE;
    vnl_name_check(&check, VNL_TYPE_CONNECTION, name, src, connection->id);
    if (scope)
        vnl_scope_check(&check, scope, src, connection->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_CONNECTION, connection->id, src, connection->id, name) &&
        (vnl_index_put(&lab->index, VNL_TYPE_CONNECTION, connection->id, connection) < 0 ||
         vnl_index_put(&lab->index, VNL_TYPE_CONNECTION, connection->name, connection) < 0))
        return vnl_add_failed(err, VNL_TYPE_CONNECTION, name);
    return lab->connections[lab->n_connections++] = TAKE_PTR(connection);
}

struct vnl_connection *vnl_connection_lookup(const struct vnl_lab *lab, const char *name_or_id)
{
    return vnl_index_unique(lab->index, VNL_TYPE_CONNECTION, name_or_id);
}

/* Source: spec 9.2; that BGP at one end of a pair alone is none is the emulator's decision. */
bool vnl_connection_bgp(const struct vnl_connection *connection)
{
    if (!connection->enable_bgp)
        return false;
    return connection->gateway2 ? connection->twin && connection->twin->enable_bgp : true;
}

/* --- its ends ---------------------------------------------------------------------------------------- */

static void take_location(struct vnl_check *check, struct vnl_connection *connection)
{
    if (connection->scope.location || !connection->gateway1->scope.location)
        return;
    connection->scope.location = strdup(connection->gateway1->scope.location);
    if (!connection->scope.location)
        vnl_check_nomem(check, "connection");
}

/* Source: spec 1: a connection is in the region of its first gateway; the other end may be anywhere. */
static void resolve_ends(struct vnl_check *check, struct vnl_connection *connection, const char *who)
{
    struct vnl_ref ref = { .id = connection->id, .who = who };

    if (connection->gateway1_ref) {
        ref.type = VNL_TYPE_VPN_GATEWAY;
        ref.text = connection->gateway1_ref;
        ref.src = &connection->gateway1_src;
        ref.scope = &connection->scope;
        connection->gateway1 = vnl_ref_resolve(check, &ref);
    }
    ref.scope = NULL;
    if (connection->gateway2_ref) {
        ref.type = VNL_TYPE_VPN_GATEWAY;
        ref.text = connection->gateway2_ref;
        ref.src = &connection->gateway2_src;
        connection->gateway2 = vnl_ref_resolve(check, &ref);
    }
    if (connection->local2_ref) {
        ref.type = VNL_TYPE_LOCAL_GATEWAY;
        ref.text = connection->local2_ref;
        ref.src = &connection->local2_src;
        connection->local2 = vnl_ref_resolve(check, &ref);
    }
}

static void resolve(struct vnl_check *check, struct vnl_connection *connection)
{
    CLEANUP(vnl_str_free) char *who = NULL;

    connection->gateway1 = connection->gateway2 = NULL;
    connection->local2 = NULL;
    if (asprintf(&who, "connection '%s'", connection->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "connection");
        return;
    }
    resolve_ends(check, connection, who);
    if (connection->gateway1)
        take_location(check, connection);
}

static struct vnl_connection *twin_of(const struct vnl_lab *lab, const struct vnl_connection *connection)
{
    for (size_t i = 0; connection->gateway2 && i < lab->n_connections; i++) {
        struct vnl_connection *other = lab->connections[i];

        if (other->gateway1 == connection->gateway2 && other->gateway2 == connection->gateway1)
            return other;
    }
    return NULL;
}

void vnl_connections_pair(const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_connections; i++)
        lab->connections[i]->twin = twin_of(lab, lab->connections[i]);
}

static void resolve_default_site(struct vnl_check *check, struct vnl_vpn_gateway *gateway)
{
    CLEANUP(vnl_str_free) char *who = NULL;
    struct vnl_ref ref = { .type = VNL_TYPE_LOCAL_GATEWAY,
                           .text = gateway->default_site_ref,
                           .src = &gateway->default_site_src,
                           .id = gateway->id };

    gateway->default_site = NULL;
    if (!gateway->default_site_ref)
        return;
    if (asprintf(&who, "virtual network gateway '%s'", gateway->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "virtual network gateway");
        return;
    }
    ref.who = who;
    gateway->default_site = vnl_ref_resolve(check, &ref);
    if (gateway->default_site && gateway->policy_based)
        vnl_mistake(check, "BadRequest", &gateway->default_site_src, gateway->id,
                    "forced tunnelling needs 'vpnType: RouteBased'",
                    "Virtual network gateway '%s' is PolicyBased and cannot have a gatewayDefaultSite",
                    gateway->name);
}

static bool leads_to(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway)
{
    for (size_t i = 0; i < lab->n_connections; i++)
        if (lab->connections[i]->gateway1 == gateway && lab->connections[i]->local2 == gateway->default_site)
            return true;
    return false;
}

static void check_default_site(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    if (gateway->default_site && !gateway->policy_based && !leads_to(check->lab, gateway))
        vnl_mistake(check, "BadRequest", &gateway->default_site_src, gateway->id,
                    "add a connection of the two, or leave gatewayDefaultSite out",
                    "Virtual network gateway '%s' has no connection to its gatewayDefaultSite, local network "
                    "gateway '%s'",
                    gateway->name, gateway->default_site->name);
}

void vnl_connections_resolve(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;

    for (size_t i = 0; i < lab->n_gateways; i++)
        resolve_default_site(check, lab->gateways[i]);
    for (size_t i = 0; i < lab->n_connections; i++)
        resolve(check, lab->connections[i]);
    vnl_connections_pair(lab);
    for (size_t i = 0; i < lab->n_gateways; i++)
        check_default_site(check, lab->gateways[i]);
    for (size_t i = 0; i < lab->n_connections; i++)
        vnl_connection_check(check, lab->connections[i]);
    vnl_gateway_spaces_check(check);
}
