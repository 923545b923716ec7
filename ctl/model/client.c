/* Point-to-site clients, which are hosts of the internet side: made, found and freed, and what they may be. Azure knows nothing of them. */
#include "gateway.h"
#include "outside.h"
#include "p2s.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- registry ---------------------------------------------------------------------------------------- */

/* Its host is the lab's. */
void vnl_client_free(struct vnl_client **ptr)
{
    struct vnl_client *client = TAKE_PTR(*ptr);

    if (!client)
        return;
    free(client->id);
    free(client->name);
    free(client->gateway_ref);
    free(client->root);
    free(client->certificate);
    free(client->private_key);
    free(client);
}

struct vnl_client *vnl_client_add(struct vnl_lab *lab, const char *name, const struct vnl_src *src,
                                  struct vnl_err **err)
{
    CLEANUP(vnl_client_free) struct vnl_client *client = calloc(1, sizeof(*client));
    struct vnl_client **clients = vnl_list_grow(lab->clients, lab->n_clients, sizeof(*clients));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->clients = clients ? clients : lab->clients;
    if (!client || !clients || !(client->name = strdup(name)) ||
        asprintf(&client->id, "clients/%s", name) < 0)
        return vnl_add_failed(err, VNL_TYPE_CLIENT, name);
    client->src = src ? *src : client->src;
    client->gateway_src = client->root_src = client->certificate_src = client->src;
    client->number = (uint32_t)lab->n_clients;
    vnl_name_check(&check, VNL_TYPE_CLIENT, name, src, client->id);
    client->host = vnl_client_host_add(lab, client, err);
    if (!client->host)
        return NULL;
    lab->clients[lab->n_clients++] = client;
    if (vnl_new_check(&check, lab->index, VNL_TYPE_CLIENT, name, src, client->id, name) &&
        vnl_index_put(&lab->index, VNL_TYPE_CLIENT, client->name, client) < 0) {
        (void)TAKE_PTR(client); /* the lab's, with a host that points to it */
        return vnl_add_failed(err, VNL_TYPE_CLIENT, name);
    }
    return TAKE_PTR(client);
}

struct vnl_client *vnl_client_lookup(const struct vnl_lab *lab, const char *name)
{
    return vnl_index_unique(lab->index, VNL_TYPE_CLIENT, name);
}

const struct vnl_p2s_root *vnl_client_root(const struct vnl_client *client)
{
    const struct vnl_p2s *p2s = client->gateway ? client->gateway->p2s : NULL;

    if (!p2s || p2s->n_roots == 0)
        return NULL;
    return client->root ? vnl_p2s_root_lookup(p2s, client->root) : &p2s->roots[0];
}

/* --- rules ------------------------------------------------------------------------------------------- */

static void resolve_gateway(struct vnl_check *check, struct vnl_client *client)
{
    CLEANUP(vnl_str_free) char *who = NULL;
    struct vnl_ref ref = { .type = VNL_TYPE_VPN_GATEWAY,
                           .text = client->gateway_ref,
                           .src = &client->gateway_src,
                           .id = client->id };

    if (asprintf(&who, "client '%s'", client->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "client");
        return;
    }
    ref.who = who;
    client->gateway = client->gateway_ref ? vnl_ref_resolve(check, &ref) : NULL;
}

/* Source: spec 3, IkeV2 connections; the generation makes no difference. */
static size_t clients_max(const struct vnl_vpn_gateway *gateway)
{
    static const struct {
        const char *sku; /* AZ likewise */
        size_t max;
    } limits[] = {
        { "VpnGw1", 250 }, { "VpnGw2", 500 }, { "VpnGw3", 1000 }, { "VpnGw4", 5000 }, { "VpnGw5", 10000 }
    };

    for (size_t i = 0; gateway->sku && i < ARRAY_SIZE(limits); i++) {
        if (strncasecmp(gateway->sku, limits[i].sku, strlen(limits[i].sku)) == 0)
            return limits[i].max;
    }
    return SIZE_MAX;
}

/* Blamed is the first one that is too many. */
static void check_count(struct vnl_check *check, const struct vnl_client *client)
{
    const struct vnl_vpn_gateway *gateway = client->gateway;
    size_t max = clients_max(gateway), n = 0;

    for (uint32_t i = 0; i < client->number; i++)
        n += check->lab->clients[i]->gateway == gateway;
    if (n == max)
        vnl_mistake(check, "BadRequest", &client->gateway_src, client->id, NULL,
                    "Virtual network gateway '%s' is %s and has %zu clients at most: '%s' is one more",
                    gateway->name, gateway->sku, max, client->name);
}

static char *root_hint(const struct vnl_client *client)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };
    CLEANUP(vnl_str_free) char *near = NULL;

    for (size_t i = 0; i < client->gateway->p2s->n_roots; i++)
        (void)vnl_names_add(&names, client->gateway->p2s->roots[i].name);
    near = vnl_did_you_mean(client->root, &names);
    return near ? TAKE_PTR(near) : vnl_names_join(&names, 8);
}

/* Does the lab have the key that signs the client's certificate, or the client one of its own? */
static void check_certificate(struct vnl_check *check, const struct vnl_client *client)
{
    const struct vnl_p2s_root *root = vnl_client_root(client);
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (client->root && !root) {
        hint = root_hint(client);
        vnl_mistake(check, "InvalidResourceReference", &client->root_src, client->id, hint,
                    "The root certificate '%s' referenced by client '%s' is not one of virtual network "
                    "gateway '%s'",
                    client->root, client->name, client->gateway->name);
    } else if (!client->certificate != !client->private_key) {
        vnl_mistake(check, "BadRequest", &client->certificate_src, client->id,
                    client->certificate ? "write 'privateKey: FILE'" : "write 'certificate: FILE'",
                    "Client '%s' has a %s without its %s", client->name,
                    client->certificate ? "certificate" : "private key",
                    client->certificate ? "private key" : "certificate");
    } else if (root && root->data && !client->certificate) {
        vnl_mistake(
            check, "BadRequest", &client->src, client->id, "write 'certificate: FILE' and 'privateKey: FILE'",
            "Client '%s' needs a certificate of its own: root certificate '%s' of virtual network gateway "
            "'%s' has publicCertData, and the lab has no key to sign with",
            client->name, root->name, client->gateway->name);
    }
}

void vnl_clients_resolve(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_clients; i++) {
        struct vnl_client *client = check->lab->clients[i];

        resolve_gateway(check, client);
        if (!client->gateway)
            continue;
        check_count(check, client);
        if (client->gateway->p2s)
            check_certificate(check, client);
        else
            vnl_mistake(check, "BadRequest", &client->gateway_src, client->id,
                        "write 'vpnClientConfiguration: {...}' there",
                        "Client '%s' cannot connect to virtual network gateway '%s': that has no "
                        "vpnClientConfiguration",
                        client->name, client->gateway->name);
    }
}

/* --- settle ------------------------------------------------------------------------------------------ */

void vnl_settle_client_hosts(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;
    size_t n = 0;

    for (size_t i = 0; i < lab->n_hosts; i++) {
        if (!lab->hosts[i]->client)
            lab->hosts[n++] = lab->hosts[i];
    }
    for (size_t i = 0; i < lab->n_clients; i++)
        lab->hosts[n++] = lab->clients[i]->host;
}

/* Whatever has the address; a public IP that was given it keeps it, so only written ones can be new there. */
static bool is_taken(const struct vnl_lab *lab, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < lab->n_public_ips; i++) {
        if (vnl_addr_eq(&lab->public_ips[i]->addr, addr))
            return true;
    }
    for (size_t i = 0; i < lab->n_hosts; i++) {
        if (vnl_addr_eq(&lab->hosts[i]->addr, addr))
            return true;
    }
    return vnl_site_by_addr(lab, addr);
}

/* It is no resource of Azure's, so unlike a public IP address it makes way. */
void vnl_settle_client_addresses(struct vnl_check *check)
{
    for (size_t i = 0; check->before && i < check->lab->n_clients; i++) {
        struct vnl_host *host = check->lab->clients[i]->host;
        const struct vnl_client *old = vnl_client_lookup(check->before, host->name);

        if (old && !host->addr.family && !is_taken(check->lab, &old->host->addr))
            host->addr = old->host->addr;
    }
}
