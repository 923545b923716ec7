/* VPN gateways, connections and sites from the lab in force to the one asked for: addresses, slots and keys that are kept, and what cannot
 * change. Spec 1, 2, 3, 5.2, 5.3, 9.2. */
#include "gateway.h"
#include "outside.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define GENERATED_KEY_LEN 32

/* --- slots ------------------------------------------------------------------------------------------- */

static void keep_site_slots(const struct vnl_lab *before, struct vnl_site *site)
{
    const struct vnl_site *old = before ? vnl_site_lookup(before, site->name) : NULL;

    site->slot = old ? old->slot : VNL_SLOT_NONE;
    site->in_slot = old ? old->in_slot : VNL_SLOT_NONE;
    site->out_slot = old ? old->out_slot : VNL_SLOT_NONE;
    for (size_t k = 0; k < site->n_hosts; k++) {
        const struct vnl_site_host *was = before ? vnl_site_host_lookup(before, site->hosts[k]->name) : NULL;

        site->hosts[k]->slot = was ? was->slot : VNL_SLOT_NONE;
    }
}

/* How many instances there were and are. */
static size_t n_kept(const struct vnl_vpn_gateway *gateway, const struct vnl_vpn_gateway *old)
{
    size_t n = old ? old->n_instances : 0;

    return n < gateway->n_instances ? n : gateway->n_instances;
}

static void keep_instance_slots(struct vnl_gateway_instance *instance, const struct vnl_gateway_instance *old)
{
    instance->in_slot = old ? old->in_slot : VNL_SLOT_NONE;
    instance->out_slot = old ? old->out_slot : VNL_SLOT_NONE;
}

void vnl_settle_gateway_slots(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_gateways; i++) {
        struct vnl_vpn_gateway *gateway = check->lab->gateways[i];
        const struct vnl_vpn_gateway *old =
            check->before ? vnl_vpn_gateway_lookup(check->before, gateway->id) : NULL;

        for (size_t k = 0; k < VNL_GATEWAY_INSTANCES; k++)
            keep_instance_slots(&gateway->instances[k], k < n_kept(gateway, old) ? &old->instances[k] : NULL);
    }
    for (size_t i = 0; i < check->lab->n_sites; i++)
        keep_site_slots(check->before, check->lab->sites[i]);
}

static void put(uint32_t **slots, size_t *n, uint32_t *slot)
{
    if (slots)
        slots[*n] = slot;
    (*n)++;
}

size_t vnl_gateway_slots(const struct vnl_lab *lab, uint32_t **slots)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_gateways; i++) {
        for (size_t k = 0; k < lab->gateways[i]->n_instances; k++) {
            put(slots, &n, &lab->gateways[i]->instances[k].in_slot);
            put(slots, &n, &lab->gateways[i]->instances[k].out_slot);
        }
    }
    for (size_t i = 0; i < lab->n_sites; i++) {
        put(slots, &n, &lab->sites[i]->in_slot);
        put(slots, &n, &lab->sites[i]->out_slot);
        for (size_t k = 0; k < lab->sites[i]->n_hosts; k++)
            put(slots, &n, &lab->sites[i]->hosts[k]->slot);
    }
    return n;
}

static int assign_networks(const struct vnl_lab *lab)
{
    uint32_t **slots = calloc(lab->n_sites + 1, sizeof(*slots));
    int r = -ENOMEM;

    for (size_t i = 0; slots && i < lab->n_sites; i++)
        slots[i] = &lab->sites[i]->slot;
    if (slots)
        r = vnl_slots_assign(slots, lab->n_sites);
    free(slots);
    return r;
}

static int assign_tunnels(const struct vnl_lab *lab)
{
    uint32_t **slots = calloc(lab->n_connections + 1, sizeof(*slots));
    int r = -ENOMEM;

    for (size_t i = 0; slots && i < lab->n_connections; i++)
        slots[i] = &lab->connections[i]->slot;
    if (slots)
        r = vnl_slots_assign(slots, lab->n_connections);
    free(slots);
    return r;
}

/* --- gateways ---------------------------------------------------------------------------------------- */

/* Another instance speaks BGP from it, or an earlier one has it. */
static bool is_taken(const struct vnl_vpn_gateway *gateway, size_t at, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < gateway->n_instances; i++) {
        if (i != at && vnl_addr_eq(&gateway->instances[i].bgp_addr, addr))
            return true;
        if (i < at && vnl_addr_eq(&gateway->instances[i].inner, addr))
            return true;
    }
    return false;
}

static bool can_keep(const struct vnl_vpn_gateway *gateway, size_t at, const struct vnl_addr *addr)
{
    return vnl_prefix_has(&gateway->subnet_prefix, addr) &&
           !vnl_addr_reserved(&gateway->subnet_prefix, addr) &&
           !vnl_addr_eq(&gateway->instances[at].bgp_addr, addr) && !is_taken(gateway, at, addr);
}

/* In a /29 there is none beside the BGP addresses for the second instance: it has one address for both. */
static struct vnl_addr lowest_free(const struct vnl_vpn_gateway *gateway, size_t at, struct vnl_addr first)
{
    while (is_taken(gateway, at, &first))
        first = vnl_addr_add(&first, 1);
    return first;
}

/* The last address that a NIC could have, of a second instance the one before: spec 9.2. */
static void give_bgp_addresses(struct vnl_vpn_gateway *gateway)
{
    const struct vnl_prefix *prefix = &gateway->subnet_prefix;
    uint64_t last = (UINT64_C(1) << (32 - prefix->len)) - 2;

    for (size_t i = 0; i < gateway->n_instances; i++)
        gateway->instances[i].bgp_addr = vnl_addr_add(&prefix->addr, last - i);
}

/* Instances are alone in the subnet, so each gets the lowest address that is free, and keeps what it has. */
static void give_addresses(struct vnl_vpn_gateway *gateway, const struct vnl_vpn_gateway *old)
{
    const struct vnl_prefix *kept =
        old ? vnl_subnet_prefix_of(gateway->subnet, &old->instances[0].inner) : NULL;
    struct vnl_addr first, last;

    if (kept)
        gateway->subnet_prefix = *kept;
    if (!vnl_prefix_usable(&gateway->subnet_prefix, &first, &last))
        return; /* smaller than /29: refused before */
    give_bgp_addresses(gateway);
    for (size_t i = 0; i < gateway->n_instances; i++) {
        const struct vnl_addr *was = kept && i < n_kept(gateway, old) ? &old->instances[i].inner : NULL;

        gateway->instances[i].inner =
            was && can_keep(gateway, i, was) ? *was : lowest_free(gateway, i, first);
    }
}

static void mistake_fixed(struct vnl_check *check, const struct vnl_vpn_gateway *gateway,
                          const struct vnl_src *src, const char *was, const char *now)
{
    vnl_mistake(check, "BadRequest", src, gateway->id,
                "give it another name, or remove it and its connections, apply, and add it again",
                "Virtual network gateway '%s' is %s and cannot become %s", gateway->name, was, now);
}

/* Source: spec 1.1, 3: vpnType and VNet are fixed; a SKU changes within its generation, and never to or from Basic. */
static void check_gateway(struct vnl_check *check, const struct vnl_vpn_gateway *gateway,
                          const struct vnl_vpn_gateway *old)
{
    const struct vnl_gateway_sku *sku = vnl_gateway_sku_lookup(gateway->sku, gateway->generation);
    const struct vnl_gateway_sku *was = vnl_gateway_sku_lookup(old->sku, old->generation);

    vnl_location_check(check, VNL_TYPE_VPN_GATEWAY, gateway->id, gateway->name, &gateway->src,
                       &gateway->scope, &old->scope);
    if (!vnl_id_eq(gateway->vnet->id, old->vnet->id))
        vnl_mistake(check, "BadRequest", &gateway->vnet_src, gateway->id, "give it another name",
                    "Virtual network gateway '%s' is in virtual network '%s' and cannot move to '%s'",
                    gateway->name, old->vnet->name, gateway->vnet->name);
    if (gateway->policy_based != old->policy_based)
        mistake_fixed(check, gateway, &gateway->src, old->policy_based ? "PolicyBased" : "RouteBased",
                      gateway->policy_based ? "PolicyBased" : "RouteBased");
    else if (sku && was && sku->basic != was->basic)
        mistake_fixed(check, gateway, &gateway->sku_src, was->name, sku->name);
    else if (gateway->generation != old->generation)
        mistake_fixed(check, gateway, &gateway->sku_src, old->generation == 1 ? "Generation1" : "Generation2",
                      gateway->generation == 1 ? "Generation1" : "Generation2");
}

static void settle_gateway(struct vnl_check *check, struct vnl_vpn_gateway *gateway)
{
    const struct vnl_vpn_gateway *old =
        check->before ? vnl_vpn_gateway_lookup(check->before, gateway->id) : NULL;

    give_addresses(gateway, old);
    if (old)
        check_gateway(check, gateway, old);
}

/* --- connections ------------------------------------------------------------------------------------- */

/* Letters and digits, each as likely as the other. */
static char *generate_key(void)
{
    static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const unsigned n_chars = sizeof(alnum) - 1, limit = 256 - 256 % n_chars;
    CLEANUP(vnl_str_free) char *key = calloc(GENERATED_KEY_LEN + 1, 1);

    for (size_t n = 0; key && n < GENERATED_KEY_LEN;) {
        unsigned char byte;

        if (getrandom(&byte, 1, 0) != 1)
            return NULL;
        if (byte < limit)
            key[n++] = alnum[byte % n_chars];
    }
    return TAKE_PTR(key);
}

static bool is_written_as(const struct vnl_connection *old, const char *written)
{
    return old && old->key_written && old->shared_key && strcmp(old->key_written, written) == 0;
}

/* Source: spec 5.3: without a key the service makes one, which nobody else has; a connection that is written again with the key that it was
 * written with keeps the one in force, which set-key may have changed. */
static void settle_key(struct vnl_check *check, struct vnl_connection *connection,
                       const struct vnl_connection *old)
{
    if (connection->key_written)
        return; /* of the store */
    connection->key_written = connection->shared_key ? TAKE_PTR(connection->shared_key) : strdup("");
    connection->key_generated = connection->key_written && !*connection->key_written;
    if (connection->key_written && is_written_as(old, connection->key_written)) {
        connection->shared_key = strdup(old->shared_key);
        connection->key_generated = old->key_generated;
    } else if (connection->key_written) {
        connection->shared_key = *connection->key_written ? strdup(connection->key_written) : generate_key();
    }
    if (!connection->shared_key)
        vnl_check_note(check,
                       vnl_fail(check->err, ENOMEM, "shared key of connection '%s'", connection->name));
}

static const char *far_id(const struct vnl_connection *connection)
{
    return connection->gateway2 ? connection->gateway2->id : connection->local2->id;
}

static void mistake_changed(struct vnl_check *check, const struct vnl_connection *connection,
                            const struct vnl_src *src, const char *key, const char *was, const char *now)
{
    vnl_mistake(check, "BadRequest", src, connection->id,
                "give it another name, or remove it, apply, and add it again",
                "%s of connection '%s' is %s and cannot become %s", key, connection->name, was, now);
}

/* Source: spec 5.2. */
static void check_connection(struct vnl_check *check, const struct vnl_connection *connection,
                             const struct vnl_connection *old)
{
    vnl_location_check(check, VNL_TYPE_CONNECTION, connection->id, connection->name, &connection->src,
                       &connection->scope, &old->scope);
    if (connection->type != old->type)
        mistake_changed(check, connection, &connection->src, "connectionType",
                        vnl_connection_type_str(old->type), vnl_connection_type_str(connection->type));
    else if (!vnl_id_eq(far_id(connection), far_id(old)))
        mistake_changed(check, connection,
                        connection->gateway2 ? &connection->gateway2_src : &connection->local2_src,
                        connection->gateway2 ? "virtualNetworkGateway2" : "localNetworkGateway2",
                        vnl_id_path(far_id(old)), vnl_id_path(far_id(connection)));
    if (!vnl_id_eq(connection->gateway1->id, old->gateway1->id))
        mistake_changed(check, connection, &connection->gateway1_src, "virtualNetworkGateway1",
                        vnl_id_path(old->gateway1->id), vnl_id_path(connection->gateway1->id));
    if (connection->ike_v1 != old->ike_v1)
        mistake_changed(check, connection, &connection->src, "connectionProtocol",
                        old->ike_v1 ? "IKEv1" : "IKEv2", connection->ike_v1 ? "IKEv1" : "IKEv2");
}

static void settle_connection(struct vnl_check *check, struct vnl_connection *connection)
{
    const struct vnl_connection *old =
        check->before ? vnl_connection_lookup(check->before, connection->id) : NULL;

    connection->slot = old ? old->slot : VNL_SLOT_NONE;
    settle_key(check, connection, old);
    if (old)
        check_connection(check, connection, old);
}

/* --- all of it --------------------------------------------------------------------------------------- */

void vnl_settle_gateways(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;

    for (size_t i = 0; i < lab->n_gateways; i++)
        settle_gateway(check, lab->gateways[i]);
    for (size_t i = 0; i < lab->n_local_gateways; i++) {
        const struct vnl_local_gateway *local = lab->local_gateways[i];
        const struct vnl_local_gateway *old =
            check->before ? vnl_local_gateway_lookup(check->before, local->id) : NULL;

        if (old)
            vnl_location_check(check, VNL_TYPE_LOCAL_GATEWAY, local->id, local->name, &local->src,
                               &local->scope, &old->scope);
    }
    for (size_t i = 0; i < lab->n_connections; i++)
        settle_connection(check, lab->connections[i]);
    if (assign_networks(lab) < 0 || assign_tunnels(lab) < 0)
        vnl_check_nomem(check, "slots");
}
