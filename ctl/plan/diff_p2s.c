/* What changed in point-to-site: certificates and proposals at gateways, and clients. Pools are routes. */
#include "diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

/* --- gateways ------------------------------------------------------------------------------------------------------- */

/* "a b", "none" */
static char *texts_text(char *const *texts, size_t n)
{
    char *text = strdup(n ? texts[0] : "none");

    for (size_t i = 1; i < n && text; i++) {
        char *longer = vnl_text("%s %s", text, texts[i]);

        free(text);
        text = longer;
    }
    return text;
}

/* Of those that both have: is one written with another certificate? */
static bool data_changed(const struct vnl_plan_p2s *before, const struct vnl_plan_p2s *after)
{
    for (size_t i = 0; i < before->n_roots; i++)
        for (size_t k = 0; k < after->n_roots; k++) {
            const char *old = before->root_data[i], *new = after->root_data[k];

            if (strcmp(before->roots[i], after->roots[k]) == 0 && strcmp(old ? old : "", new ? new : "") != 0)
                return true;
        }
    return false;
}

static int certificates_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair,
                                const struct vnl_plan_p2s *before, const struct vnl_plan_p2s *after)
{
    int r = vnl_diff_texts(work, pair, "root certificates", texts_text(before->roots, before->n_roots),
                           texts_text(after->roots, after->n_roots));

    if (r == 0)
        r = vnl_diff_hidden(work, pair, "root certificate", data_changed(before, after));
    return r < 0 ? r
                 : vnl_diff_texts(work, pair, "revoked certificates",
                                  texts_text(before->revoked, before->n_revoked),
                                  texts_text(after->revoked, after->n_revoked));
}

static const struct vnl_plan_tunnel *server_of(const struct vnl_plan *plan, size_t gateway)
{
    for (size_t i = 0; i < plan->n_tunnels; i++)
        if (plan->tunnels[i].kind == VNL_TUNNEL_SERVER && plan->tunnels[i].gateway == gateway)
            return &plan->tunnels[i];
    return NULL;
}

static char *lifetime_text(const struct vnl_plan_tunnel *tunnel)
{
    return vnl_text("%u s or %" PRIu64 " bytes", tunnel->child_lifetime_s, tunnel->child_bytes);
}

static int server_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair,
                          const struct vnl_plan_tunnel *before, const struct vnl_plan_tunnel *after)
{
    int r = vnl_diff_names(work, pair, "IKE proposals to clients", before->ike, after->ike);

    if (r == 0)
        r = vnl_diff_names(work, pair, "ESP proposals to clients", before->esp, after->esp);
    return r < 0 ? r
                 : vnl_diff_texts(work, pair, "lifetime to clients", lifetime_text(before),
                                  lifetime_text(after));
}

/* Both instances have the same. */
int vnl_diff_p2s(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    static const struct vnl_plan_p2s nothing;
    const struct vnl_plan_gateway *before = &work->before->gateways[pair->before],
                                  *after = &work->after->gateways[pair->after];
    const struct vnl_plan_tunnel *old = server_of(work->before, pair->before),
                                 *new = server_of(work->after, pair->after);
    int r;

    if (after->instance)
        return 0;
    r = vnl_diff_bools(work, pair, "vpnClientConfiguration", before->p2s, after->p2s);
    if (r == 0)
        r = certificates_compare(work, pair, before->p2s ? before->p2s : &nothing,
                                 after->p2s ? after->p2s : &nothing);
    return r < 0 || !old || !new ? r : server_compare(work, pair, old, new);
}

/* --- clients -------------------------------------------------------------------------------------------------------- */

static bool is_client(const struct vnl_plan *plan, size_t gateway)
{
    return plan->gateways[gateway].client;
}

/* Clients stand last. */
static size_t count_clients(const struct vnl_plan *plan)
{
    size_t n = 0;

    while (n < plan->n_gateways && is_client(plan, plan->n_gateways - 1 - n))
        n++;
    return n;
}

static const struct vnl_plan_gateway *client_at(const struct vnl_plan *plan, size_t i)
{
    return &plan->gateways[plan->n_gateways - count_clients(plan) + i];
}

static const struct vnl_plan_tunnel *tunnel_at(const struct vnl_plan *plan, size_t i)
{
    return &plan->tunnels[plan->n_tunnels - count_clients(plan) + i];
}

static const char *client_key(const struct vnl_plan *plan, size_t i)
{
    return client_at(plan, i)->id;
}

static const char *client_name(const struct vnl_plan *plan, size_t i)
{
    return client_at(plan, i)->name;
}

static const char *peer_name(const struct vnl_plan *plan, size_t i)
{
    return plan->gateways[tunnel_at(plan, i)->peer].name;
}

static char *client_describe(const struct vnl_plan *plan, size_t i)
{
    char buf[VNL_ADDR_STR];

    return vnl_text("%s to %s", vnl_addr_format(&client_at(plan, i)->outer, buf), peer_name(plan, i));
}

static char *certificate_text(const struct vnl_plan_tunnel *tunnel)
{
    if (tunnel->certificate)
        return vnl_text("%s with %s", tunnel->certificate, tunnel->private_key);
    return vnl_text("signed by %s", tunnel->root ? tunnel->root : "nobody");
}

/* A prefix each. NULL on ENOMEM. */
static char **routes_texts(const struct vnl_plan_tunnel *tunnel)
{
    char **texts = calloc(tunnel->n_routes + 1, sizeof(*texts)), buf[VNL_PREFIX_STR];

    for (size_t i = 0; texts && i < tunnel->n_routes; i++) {
        texts[i] = vnl_text("%s in the profile", vnl_prefix_format(&tunnel->routes[i], buf));
        if (texts[i])
            continue;
        while (i-- > 0)
            free(texts[i]);
        free(texts);
        return NULL;
    }
    return texts;
}

static int client_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_tunnel *before = tunnel_at(work->before, pair->before),
                                 *after = tunnel_at(work->after, pair->after);
    int r = vnl_diff_names(work, pair, "to", peer_name(work->before, pair->before),
                           peer_name(work->after, pair->after));

    if (r == 0)
        r = vnl_diff_texts(work, pair, "certificate", certificate_text(before), certificate_text(after));
    if (r == 0)
        r = vnl_diff_rows(work, pair, routes_texts(before), before->n_routes, routes_texts(after),
                          after->n_routes);
    pair->before = client_at(work->before, pair->before)->vm;
    pair->after = client_at(work->after, pair->after)->vm;
    return r < 0 ? r : vnl_diff_guest(work, pair);
}

const struct vnl_diff_kind vnl_diff_clients = { "clients",   count_clients,   client_key,
                                                client_name, client_describe, client_compare };
