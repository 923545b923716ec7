/* Point-to-site: what a gateway and its clients authenticate with, and what their charons are told.
 *
 * A gateway takes whoever has a certificate that one of its roots signs. charon knows revocation only by lists that the root itself has signed, and
 * of the user's roots nobody here has the key; so where a client of the lab is revoked, the gateway takes, of those that a root signs, the
 * certificates of the lab's other clients alone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vpn_parts.h"

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"

static void list_done(char **list, size_t n)
{
    for (size_t i = 0; i < n && list; i++)
        free(list[i]);
    free(list);
}

void vnl_vpn_credentials_done(struct vnl_vpn_credentials *credentials)
{
    vnl_pki_pair_done(&credentials->own);
    list_done(credentials->roots, credentials->n_roots);
    list_done(credentials->accepted, credentials->n_accepted);
    *credentials = (struct vnl_vpn_credentials){ .n_roots = 0 };
}

static int append(char ***list, size_t *n, const char *text, struct vnl_err **err)
{
    char **more = realloc(*list, (*n + 1) * sizeof(char *)), *copy = strdup(text);

    if (more)
        *list = more;
    if (!more || !copy) {
        free(copy);
        return vnl_fail(err, ENOMEM, "certificates");
    }
    (*list)[(*n)++] = copy;
    return 0;
}

/* --- of a gateway --------------------------------------------------------------------------------- */

static int gather_roots(int dir_fd, const struct vnl_plan_gateway *gateway, struct vnl_vpn_credentials *to,
                        struct vnl_err **err)
{
    const struct vnl_plan_p2s *p2s = gateway->p2s;
    int r = 0;

    for (size_t i = 0; i < p2s->n_roots && r == 0; i++) {
        CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair root = { .key = NULL };

        r = vnl_pki_root(dir_fd, gateway->resource, p2s->roots[i], p2s->root_data[i], &root, err);
        if (r == 0)
            r = append(&to->roots, &to->n_roots, root.certificate, err);
    }
    return r;
}

static const char *refusal_of(const struct vnl_plan_gateway *gateway, const char *certificate,
                              const struct vnl_vpn_credentials *server)
{
    return vnl_pki_refusal(certificate, (const char *const *)server->roots, server->n_roots,
                           (const char *const *)gateway->p2s->revoked, gateway->p2s->n_revoked);
}

/* --- of a client ---------------------------------------------------------------------------------- */

static int made_client(int dir_fd, const struct vnl_plan_gateway *gateway,
                       const struct vnl_plan_tunnel *client, struct vnl_pki_pair *ret, struct vnl_err **err)
{
    const struct vnl_plan_p2s *p2s = gateway->p2s;
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair root = { .key = NULL };
    size_t i = 0;
    int r;

    while (i < p2s->n_roots && client->root && strcmp(p2s->roots[i], client->root) != 0)
        i++;
    if (i == p2s->n_roots)
        return vnl_fail(err, EINVAL, "client '%s': gateway '%s' has no such root certificate", client->name,
                        gateway->resource);
    r = vnl_pki_root(dir_fd, gateway->resource, p2s->roots[i], p2s->root_data[i], &root, err);
    if (r == 0 && !root.key)
        return vnl_fail(err, EINVAL,
                        "client '%s' needs a certificate and a private key: the lab has no key of root "
                        "certificate '%s'",
                        client->name, p2s->roots[i]);
    return r < 0 ? r : vnl_pki_client(dir_fd, client->name, &root, ret, err);
}

static int client_pair(int dir_fd, const struct vnl_plan *plan, const struct vnl_plan_tunnel *client,
                       struct vnl_pki_pair *ret, struct vnl_err **err)
{
    const struct vnl_plan_gateway *gateway =
        client->peer < plan->n_gateways ? &plan->gateways[client->peer] : NULL;

    if (client->certificate && client->private_key)
        return vnl_pki_read(client->certificate, client->private_key, ret, err);
    if (!gateway || !gateway->p2s)
        return vnl_fail(err, EINVAL, "client '%s': its gateway takes no clients", client->name);
    return made_client(dir_fd, gateway, client, ret, err);
}

/* --- of an end ------------------------------------------------------------------------------------ */

static bool is_client_of(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel,
                         const struct vnl_plan_gateway *gateway)
{
    return tunnel->kind == VNL_TUNNEL_CLIENT && tunnel->peer < plan->n_gateways &&
           !strcmp(plan->gateways[tunnel->peer].resource, gateway->resource);
}

/* A client whose certificate cannot be had says so itself. */
static int gather_accepted(int dir_fd, const struct vnl_plan *plan, const struct vnl_plan_gateway *gateway,
                           struct vnl_vpn_credentials *to, struct vnl_err **err)
{
    bool revoked = false;
    int r = append(&to->accepted, &to->n_accepted, to->own.certificate, err);

    for (size_t i = 0; i < plan->n_tunnels && r == 0; i++) {
        CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair pair = { .key = NULL };

        if (!is_client_of(plan, &plan->tunnels[i], gateway) ||
            client_pair(dir_fd, plan, &plan->tunnels[i], &pair, NULL) < 0)
            continue;
        if (!refusal_of(gateway, pair.certificate, to))
            r = append(&to->accepted, &to->n_accepted, pair.certificate, err);
        else
            revoked = true;
    }
    if (revoked)
        return r;
    list_done(TAKE_PTR(to->accepted), to->n_accepted);
    to->n_accepted = 0;
    return r;
}

#define INSTANCES_MAX 2

static int gather_server(int dir_fd, const struct vnl_plan *plan, const struct vnl_plan_gateway *gateway,
                         struct vnl_vpn_credentials *to, struct vnl_err **err)
{
    struct vnl_addr addrs[INSTANCES_MAX];
    size_t n = 0;
    int r;

    if (!gateway->p2s)
        return vnl_fail(err, EINVAL, "gateway '%s' takes no clients", gateway->resource);
    for (size_t i = 0; i < plan->n_gateways && n < INSTANCES_MAX; i++)
        if (plan->gateways[i].p2s && !strcmp(plan->gateways[i].resource, gateway->resource))
            addrs[n++] = plan->gateways[i].outer;
    r = vnl_pki_server(dir_fd, gateway->resource, addrs, n, &to->own, err);
    if (r == 0)
        r = gather_roots(dir_fd, gateway, to, err);
    return r < 0 || !gateway->p2s->n_revoked ? r : gather_accepted(dir_fd, plan, gateway, to, err);
}

static int gather_client(int dir_fd, const struct vnl_plan *plan, const struct vnl_plan_tunnel *client,
                         struct vnl_vpn_credentials *to, struct vnl_err **err)
{
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair authority = { .key = NULL };
    int r = client_pair(dir_fd, plan, client, &to->own, err);

    if (r == 0)
        r = vnl_pki_authority(dir_fd, &authority, err);
    return r < 0 ? r : append(&to->roots, &to->n_roots, authority.certificate, err);
}

int vnl_vpn_credentials_gather(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel,
                               struct vnl_vpn_credentials *ret, struct vnl_err **err)
{
    struct vnl_vpn_credentials found = { .n_roots = 0 };
    CLEANUP(vnl_fd_close) int dir_fd = vnl_pki_open(plan->lab, err);
    int r = dir_fd < 0 ? dir_fd
            : tunnel->kind == VNL_TUNNEL_SERVER
                ? gather_server(dir_fd, plan, &plan->gateways[tunnel->gateway], &found, err)
                : gather_client(dir_fd, plan, tunnel, &found, err);

    if (r < 0)
        vnl_vpn_credentials_done(&found);
    else
        *ret = found;
    return r;
}

/* --- the pool ------------------------------------------------------------------------------------- */

void vnl_vpn_pool_name(const struct vnl_plan_tunnel *tunnel, const struct vnl_prefix *prefix,
                       char ret[VNL_VPN_POOL_STR])
{
    char text[VNL_PREFIX_STR];

    (void)vnl_prefix_format(prefix, text);
    text[strcspn(text, "/")] = '-';
    (void)snprintf(ret, VNL_VPN_POOL_STR, "%.15s-%.20s", tunnel->ifname, text);
}

void vnl_vpn_pool_range(const struct vnl_prefix *prefix, char ret[2 * VNL_ADDR_STR])
{
    struct vnl_addr first = vnl_pool_first(prefix), last = vnl_pool_last(prefix);
    char a[VNL_ADDR_STR], b[VNL_ADDR_STR];

    (void)snprintf(ret, 2 * VNL_ADDR_STR, "%s-%s", vnl_addr_format(&first, a), vnl_addr_format(&last, b));
}

/* --- loading -------------------------------------------------------------------------------------- */

static int call(struct vnl_vpn_tunnel *tunnel, const char *command, struct vnl_vici_message *message,
                struct vnl_err **err)
{
    int r = message->failed ? vnl_fail(err, ENOMEM, "%s", command)
                            : vnl_vpn_daemon_call(tunnel->daemon, command, message, NULL, NULL, NULL, err);

    vnl_vici_message_done(message);
    return r;
}

static int load_pools(struct vnl_vpn_tunnel *tunnel, struct vnl_err **err)
{
    const struct vnl_plan_tunnel *plan = tunnel->plan;
    int r = 0;

    for (size_t i = 0; i < plan->n_routes && r == 0; i++) {
        struct vnl_vici_message message = { .bytes = NULL };
        char name[VNL_VPN_POOL_STR], range[2 * VNL_ADDR_STR];

        vnl_vpn_pool_name(plan, &plan->routes[i], name);
        vnl_vpn_pool_range(&plan->routes[i], range);
        vnl_vici_open(&message, name);
        vnl_vici_put(&message, "addrs", range);
        vnl_vici_close(&message);
        r = call(tunnel, "load-pool", &message, err);
    }
    return r;
}

static int load_key(struct vnl_vpn_tunnel *tunnel, const char *key, struct vnl_err **err)
{
    struct vnl_vici_message message = { .bytes = NULL };

    vnl_vici_put(&message, "type", "any");
    vnl_vici_put(&message, "data", key);
    return call(tunnel, "load-key", &message, err);
}

/* What stands behind its own certificate in a file: charon sends them along with it. */
static int load_chain(struct vnl_vpn_tunnel *tunnel, const char *certificates, struct vnl_err **err)
{
    const char *at = strstr(certificates, PEM_BEGIN);
    int r = 0;

    while (at && (at = strstr(at + 1, PEM_BEGIN)) && r == 0) {
        struct vnl_vici_message message = { .bytes = NULL };

        vnl_vici_put(&message, "type", "X509");
        vnl_vici_put(&message, "flag", "NONE");
        vnl_vici_put(&message, "data", at);
        r = call(tunnel, "load-cert", &message, err);
    }
    return r;
}

static int load_connection(struct vnl_vpn_tunnel *tunnel, const struct vnl_vpn_credentials *credentials,
                           struct vnl_err **err)
{
    struct vnl_vici_message message = { .bytes = NULL };
    int r;

    vnl_vpn_p2s_write(&message, tunnel->vpn->plan, tunnel->plan, tunnel->daemon->spec.engine, tunnel->child,
                      credentials);
    r = call(tunnel, "load-conn", &message, err);
    if (r == 0)
        (void)snprintf(tunnel->held_child, sizeof(tunnel->held_child), "%s", tunnel->child);
    return r;
}

/* They need not find out by themselves that the gateway knows nothing of them any more. */
static void renew_clients(const struct vnl_vpn_tunnel *server)
{
    for (size_t i = 0; i < server->vpn->n_tunnels; i++) {
        struct vnl_vpn_tunnel *tunnel = server->vpn->tunnels[i];

        if (tunnel->plan->kind == VNL_TUNNEL_CLIENT && tunnel->other == server)
            vnl_vpn_tunnel_renew(tunnel);
    }
}

void vnl_vpn_p2s_spec(const struct vnl_plan_tunnel *tunnel, struct vnl_charon_spec *spec)
{
    if (tunnel->kind == VNL_TUNNEL_CONNECTION)
        return;
    spec->port = 500;
    if (tunnel->kind == VNL_TUNNEL_CLIENT) /* libipsec: its TUN, the only one in the client's namespace */
        (void)snprintf(spec->virtual_ip_on, sizeof(spec->virtual_ip_on), "%s",
                       spec->engine == VNL_VPN_LIBIPSEC ? "ipsec0" : tunnel->ifname);
}

int vnl_vpn_p2s_load(struct vnl_vpn_tunnel *tunnel, struct vnl_err **err)
{
    CLEANUP(vnl_vpn_credentials_done) struct vnl_vpn_credentials credentials = { .n_roots = 0 };
    bool server = tunnel->plan->kind == VNL_TUNNEL_SERVER;
    int r = vnl_vpn_credentials_gather(tunnel->vpn->plan, tunnel->plan, &credentials, err);

    tunnel->thumbprint[0] = '\0';
    if (r == 0 && !server)
        (void)vnl_pki_thumbprint(credentials.own.certificate, tunnel->thumbprint);
    if (r < 0 || !strcmp(tunnel->held_child, tunnel->child))
        return r;
    if (server && (r = load_pools(tunnel, err)) < 0)
        return r;
    if ((r = load_key(tunnel, credentials.own.key, err)) < 0 ||
        (r = load_chain(tunnel, credentials.own.certificate, err)) < 0)
        return r;
    r = load_connection(tunnel, &credentials, err);
    if (r == 0 && server)
        renew_clients(tunnel);
    return r;
}

/* --- what is seen --------------------------------------------------------------------------------- */

void vnl_vpn_p2s_explain(const struct vnl_vpn_tunnel *tunnel, struct vnl_vpn_line *line)
{
    CLEANUP(vnl_vpn_credentials_done) struct vnl_vpn_credentials server = { .n_roots = 0 };
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair own = { .key = NULL };
    CLEANUP(vnl_fd_close) int dir_fd = -1;
    const struct vnl_plan *plan = tunnel->vpn->plan;
    const struct vnl_plan_gateway *gateway;
    const char *why;

    if (!line->failure || tunnel->plan->kind != VNL_TUNNEL_CLIENT ||
        strncmp(line->text, "authentication failed", 21) != 0 || tunnel->plan->peer >= plan->n_gateways)
        return;
    gateway = &plan->gateways[tunnel->plan->peer];
    dir_fd = vnl_pki_open(plan->lab, NULL);
    if (dir_fd < 0 || !gateway->p2s || gather_roots(dir_fd, gateway, &server, NULL) < 0 ||
        client_pair(dir_fd, plan, tunnel->plan, &own, NULL) < 0)
        return;
    why = refusal_of(gateway, own.certificate, &server);
    if (why)
        (void)snprintf(line->text, sizeof(line->text), "authentication failed: %s", why);
}
