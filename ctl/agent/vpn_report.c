/* What is asked of the controller: states, logs, negotiating anew. A gateway's name means all its instances, a guest's name that one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vpn_parts.h"

static const struct vnl_plan_gateway *gateway_of(const struct vnl_vpn_tunnel *tunnel)
{
    return &tunnel->vpn->plan->gateways[tunnel->plan->gateway];
}

static bool is_called(const struct vnl_plan_gateway *gateway, const char *name)
{
    return !strcasecmp(gateway->name, name) || !strcasecmp(gateway->resource, name);
}

void vnl_vpn_count(struct vnl_vpn *vpn)
{
    for (size_t i = 0; i < vpn->n_daemons; i++)
        if (vpn->daemons[i]->phase == VNL_VPN_UP)
            vnl_vpn_daemon_refresh(vpn->daemons[i]);
}

uint64_t vnl_vpn_serial(const struct vnl_vpn *vpn)
{
    return vpn->serial + 1;
}

static struct vnl_json *report_one(const struct vnl_vpn_tunnel *tunnel)
{
    const struct vnl_plan_gateway *gateway = gateway_of(tunnel);
    struct vnl_json *json = vnl_json_object();
    char remote[VNL_ADDR_STR];

    (void)vnl_json_set(json, "connection", vnl_json_str(tunnel->plan->connection));
    (void)vnl_json_set(json, "name", vnl_json_str(tunnel->plan->name));
    (void)vnl_json_set(json, "kind", vnl_json_int(tunnel->plan->kind));
    (void)vnl_json_set(json, "gateway", vnl_json_str(gateway->resource));
    (void)vnl_json_set(json, "guest", vnl_json_str(tunnel->gateway));
    (void)vnl_json_set(json, "instance", vnl_json_int(gateway->instance));
    if (tunnel->plan->remote.family != AF_UNSPEC)
        (void)vnl_json_set(json, "remote", vnl_json_str(vnl_addr_format(&tunnel->plan->remote, remote)));
    (void)vnl_json_set(json, "inner", vnl_json_str(*tunnel->inner ? tunnel->inner : NULL));
    (void)vnl_json_set(json, "thumbprint", vnl_json_str(*tunnel->thumbprint ? tunnel->thumbprint : NULL));
    (void)vnl_json_set(json, "status", vnl_json_int(tunnel->status));
    (void)vnl_json_set(json, "reason", vnl_json_str(tunnel->reason));
    (void)vnl_json_set(json, "suite", vnl_json_str(tunnel->suite));
    (void)vnl_json_set(json, "ingress", vnl_json_int((int64_t)vnl_vpn_sums_total(&tunnel->sums, true)));
    (void)vnl_json_set(json, "egress", vnl_json_int((int64_t)vnl_vpn_sums_total(&tunnel->sums, false)));
    (void)vnl_json_set(json, "since", vnl_json_int(tunnel->since_ms));
    (void)vnl_json_set(json, "engine", vnl_json_int(vnl_vpn_engine_at(tunnel->vpn, tunnel->gateway)));
    return json;
}

struct vnl_json *vnl_vpn_report(const struct vnl_vpn *vpn)
{
    struct vnl_json *list = vnl_json_array();

    for (size_t i = 0; i < vpn->n_tunnels; i++)
        if (vnl_json_push(list, report_one(vpn->tunnels[i])) < 0)
            break;
    return list;
}

static struct vnl_json *log_of(const struct vnl_vpn *vpn, const struct vnl_vpn_daemon *daemon)
{
    struct vnl_json *json = vnl_json_object();
    CLEANUP(vnl_str_free) char *path = NULL;
    const char *slash = *daemon->tunnel ? "/" : "";

    if (asprintf(&path, "vpn/%s%s%s/charon.log", daemon->gateway, slash, daemon->tunnel) < 0)
        path = NULL;
    (void)vnl_json_set(json, "path", vnl_json_str(path));
    for (size_t i = 0; i < vpn->n_tunnels; i++)
        if (vpn->tunnels[i]->daemon == daemon)
            (void)vnl_json_set(json, vpn->tunnels[i]->ifname, vnl_json_str(vpn->tunnels[i]->plan->name));
    return json;
}

static bool is_at(const struct vnl_vpn *vpn, const struct vnl_vpn_daemon *daemon, const char *gateway)
{
    for (size_t i = 0; i < vpn->plan->n_gateways; i++)
        if (!strcmp(vpn->plan->gateways[i].name, daemon->gateway))
            return is_called(&vpn->plan->gateways[i], gateway);
    return false;
}

struct vnl_json *vnl_vpn_logs(const struct vnl_vpn *vpn, const char *gateway)
{
    struct vnl_json *list = vnl_json_array();

    for (size_t i = 0; i < vpn->n_daemons; i++)
        if (is_at(vpn, vpn->daemons[i], gateway))
            (void)vnl_json_push(list, log_of(vpn, vpn->daemons[i]));
    return list;
}

static bool is_meant(const struct vnl_vpn_tunnel *tunnel, const char *gateway, const char *connection)
{
    return (!gateway || is_called(gateway_of(tunnel), gateway)) &&
           (!connection || !strcasecmp(tunnel->plan->connection, connection) ||
            !strcasecmp(tunnel->plan->name, connection));
}

int vnl_vpn_renew(struct vnl_vpn *vpn, const char *gateway, const char *connection, struct vnl_err **err)
{
    bool found = false;

    for (size_t i = 0; i < vpn->n_tunnels; i++) {
        if (!is_meant(vpn->tunnels[i], gateway, connection))
            continue;
        vnl_vpn_tunnel_renew(vpn->tunnels[i]);
        found = true;
    }
    return found ? 0
                 : vnl_fail(err, ENOENT, "%s '%s' has no tunnel", connection ? "connection" : "gateway",
                            connection ? connection
                            : gateway  ? gateway
                                       : "");
}
