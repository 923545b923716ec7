/* Point-to-site in the plan (spec vpn 13): what a gateway's clients authenticate against, the clients, and the tunnels between the two: one
 * end per instance for all of its clients, and one per client. Which instance a client has follows from its number; Azure does not say
 * how it chooses. */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

/* As with connections: spec vpn 7.1, 7.2, 7.5. */
#define IKE_LIFETIME_S   28800
#define CHILD_LIFETIME_S 27000
#define CHILD_BYTES      (102400000ull * 1024)
#define DPD_TIMEOUT_S    45

/* --- certificates --------------------------------------------------------------------------------------------------- */

static int copy_roots(struct vnl_plan_p2s *out, const struct vnl_p2s *p2s)
{
    out->roots = calloc(p2s->n_roots + 1, sizeof(*out->roots));
    out->root_data = calloc(p2s->n_roots + 1, sizeof(*out->root_data));
    if (!out->roots || !out->root_data)
        return -ENOMEM;
    for (; out->n_roots < p2s->n_roots; out->n_roots++) {
        const struct vnl_p2s_root *root = &p2s->roots[out->n_roots];

        if (vnl_text_copy(&out->roots[out->n_roots], root->name) < 0 ||
            (root->data && vnl_text_copy(&out->root_data[out->n_roots], root->data) < 0)) {
            free(out->roots[out->n_roots]);
            return -ENOMEM;
        }
    }
    return 0;
}

static int copy_revoked(struct vnl_plan_p2s *out, const struct vnl_p2s *p2s)
{
    out->revoked = calloc(p2s->n_revoked + 1, sizeof(*out->revoked));
    if (!out->revoked)
        return -ENOMEM;
    for (; out->n_revoked < p2s->n_revoked; out->n_revoked++)
        if (vnl_text_copy(&out->revoked[out->n_revoked], p2s->revoked[out->n_revoked].thumbprint) < 0)
            return -ENOMEM;
    return 0;
}

int vnl_gateway_p2s(struct vnl_plan_gateway *out, const struct vnl_vpn_gateway *gateway)
{
    if (!gateway->p2s)
        return 0;
    out->p2s = calloc(1, sizeof(*out->p2s));
    if (!out->p2s || copy_roots(out->p2s, gateway->p2s) < 0)
        return -ENOMEM;
    return copy_revoked(out->p2s, gateway->p2s);
}

void vnl_gateway_p2s_free(struct vnl_plan_p2s **ret)
{
    struct vnl_plan_p2s *p2s = TAKE_PTR(*ret);

    if (!p2s)
        return;
    for (size_t i = 0; i < p2s->n_roots; i++) {
        free(p2s->roots[i]);
        free(p2s->root_data[i]);
    }
    for (size_t i = 0; i < p2s->n_revoked; i++)
        free(p2s->revoked[i]);
    free(p2s->roots);
    free(p2s->root_data);
    free(p2s->revoked);
    free(p2s);
}

/* --- clients -------------------------------------------------------------------------------------------------------- */

/* Hosts stand behind the VMs, in the lab's order. */
static uint32_t vm_of(const struct vnl_lab *lab, const struct vnl_client *client)
{
    size_t i = 0;

    while (lab->hosts[i] != client->host)
        i++;
    return (uint32_t)(lab->n_vms + i);
}

int vnl_gateway_clients_build(struct vnl_plan_work *work)
{
    struct vnl_plan *plan = work->plan;

    for (size_t i = 0; i < work->lab->n_clients; i++) {
        const struct vnl_client *client = work->lab->clients[i];
        struct vnl_plan_gateway *out = &plan->gateways[plan->n_gateways++];

        if (vnl_text_copy(&out->id, client->id) < 0 || vnl_text_copy(&out->name, client->name) < 0 ||
            vnl_text_copy(&out->resource, client->name) < 0)
            return -ENOMEM;
        out->client = true;
        out->vm = vm_of(work->lab, client);
        out->vnet = plan->internet;
        out->nic_in = VNL_PLAN_NOBODY;
        out->nic_out = plan->vms[out->vm].nics[0];
        out->outer = client->host->addr;
        out->inside = calloc(1, sizeof(*out->inside));
        if (!out->inside)
            return -ENOMEM;
    }
    return 0;
}

/* --- tunnels -------------------------------------------------------------------------------------------------------- */

size_t vnl_tunnels_p2s_count(const struct vnl_lab *lab)
{
    size_t n = lab->n_clients;

    for (size_t i = 0; i < lab->n_gateways; i++)
        n += lab->gateways[i]->p2s ? lab->gateways[i]->n_instances : 0;
    return n;
}

static int set_security(struct vnl_plan_tunnel *out, const struct vnl_ipsec_policy *policy)
{
    out->ike = vnl_p2s_ike_proposals(policy);
    out->esp = vnl_p2s_esp_proposals(policy);
    out->ike_lifetime_s = IKE_LIFETIME_S;
    out->child_lifetime_s = policy->written ? (uint32_t)policy->lifetime_s : CHILD_LIFETIME_S;
    out->child_bytes = policy->written ? (uint64_t)policy->lifetime_kib * 1024 : CHILD_BYTES;
    out->dpd_s = DPD_TIMEOUT_S;
    return out->ike && out->esp ? 0 : -ENOMEM;
}

static int new_end(struct vnl_plan *plan, enum vnl_tunnel_kind kind, uint32_t gateway, const char *id,
                   const char *name, const struct vnl_ipsec_policy *policy)
{
    struct vnl_plan_tunnel *out = &plan->tunnels[plan->n_tunnels++];
    uint32_t slot = plan->nics[plan->gateways[gateway].nic_out].slot;

    out->kind = kind;
    out->gateway = gateway;
    out->peer = out->other = out->balancer = VNL_PLAN_NOBODY;
    out->if_id = VNL_P2S_IF_ID + slot;
    (void)snprintf(out->ifname, sizeof(out->ifname), "p2s%u", slot);
    if (vnl_text_copy(&out->connection, id) < 0 || vnl_text_copy(&out->name, name) < 0)
        return -ENOMEM;
    return set_security(out, policy);
}

static int add_server(struct vnl_plan_work *work, const struct vnl_vpn_gateway *gateway, uint32_t instance)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes share = { 0 };
    struct vnl_plan *plan = work->plan;
    int r = new_end(plan, VNL_TUNNEL_SERVER, vnl_gateway_index(work, gateway, instance), gateway->id,
                    gateway->name, &gateway->p2s->policy);

    if (r == 0)
        r = vnl_gateway_share(gateway, instance, &share);
    return r < 0 ? r
                 : vnl_space_take(&share, &plan->tunnels[plan->n_tunnels - 1].routes,
                                  &plan->tunnels[plan->n_tunnels - 1].n_routes);
}

static uint32_t server_of(const struct vnl_plan *plan, uint32_t gateway)
{
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (plan->tunnels[i].kind == VNL_TUNNEL_SERVER && plan->tunnels[i].gateway == gateway)
            return (uint32_t)i;
    return VNL_PLAN_NOBODY;
}

/* As the gateway spells it; names are the same in any case. */
static const char *root_of(const struct vnl_client *client)
{
    const struct vnl_p2s *p2s = client->gateway->p2s;

    for (size_t i = 0; i < p2s->n_roots; i++)
        if (!client->root || strcasecmp(client->root, p2s->roots[i].name) == 0)
            return p2s->roots[i].name;
    return NULL;
}

static int set_certificate(struct vnl_plan_tunnel *out, const struct vnl_client *client)
{
    const char *root = root_of(client);

    if (client->certificate && client->private_key)
        return vnl_text_copy(&out->certificate, client->certificate) < 0
                   ? -ENOMEM
                   : vnl_text_copy(&out->private_key, client->private_key);
    return root ? vnl_text_copy(&out->root, root) : 0;
}

static int add_client(struct vnl_plan_work *work, const struct vnl_client *client, uint32_t entry)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes profile = { 0 };
    const struct vnl_vpn_gateway *gateway = client->gateway;
    struct vnl_plan *plan = work->plan;
    struct vnl_plan_tunnel *out = &plan->tunnels[plan->n_tunnels];
    int r = new_end(plan, VNL_TUNNEL_CLIENT, entry, client->id, client->name, &gateway->p2s->policy);

    if (r < 0 || set_certificate(out, client) < 0)
        return -ENOMEM;
    out->peer = vnl_gateway_index(work, gateway, client->number % gateway->n_instances);
    out->other = server_of(plan, out->peer);
    out->remote = plan->gateways[out->peer].outer;
    out->initiates = true;
    r = vnl_gateway_profile(work->lab, gateway, &profile);
    return r < 0 ? r : vnl_space_take(&profile, &out->routes, &out->n_routes);
}

int vnl_tunnels_p2s_build(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    size_t first = work->plan->n_gateways - lab->n_clients;
    int r = 0;

    for (size_t i = 0; i < lab->n_gateways; i++)
        for (uint32_t k = 0; lab->gateways[i]->p2s && k < lab->gateways[i]->n_instances && r == 0; k++)
            r = add_server(work, lab->gateways[i], k);
    for (size_t i = 0; i < lab->n_clients && r == 0; i++)
        r = add_client(work, lab->clients[i], (uint32_t)(first + i));
    return r;
}

static uint64_t pool_size(const struct vnl_prefix *prefix)
{
    return 1ull << (32 - prefix->len);
}

struct vnl_addr vnl_pool_first(const struct vnl_prefix *prefix)
{
    return vnl_addr_add(&prefix->addr, pool_size(prefix) < 4 ? 0 : 2);
}

struct vnl_addr vnl_pool_last(const struct vnl_prefix *prefix)
{
    return vnl_addr_add(&prefix->addr, pool_size(prefix) - (pool_size(prefix) < 4 ? 1 : 2));
}
