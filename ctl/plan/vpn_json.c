/* Gateways, their balancers, and the ends of tunnels as JSON. */
#include "parts.h"

#include <sys/socket.h>

#include "vnetlab/json.h"

static struct vnl_json *make_prefix(const void *item, const struct vnl_plan *plan)
{
    (void)plan;
    return vnl_json_prefix(item);
}

static struct vnl_json *make_text(const void *item, const struct vnl_plan *plan)
{
    (void)plan;
    return vnl_json_str(*(char *const *)item);
}

static struct vnl_json *make_bgp(const struct vnl_plan *plan, const struct vnl_plan_gateway *gateway)
{
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "asn", vnl_json_int(gateway->asn), &r);
    vnl_json_put(object, "bgpPeeringAddress", vnl_json_addr(&gateway->bgp_addr), &r);
    vnl_json_put(object, "asPathPrepend", vnl_json_int(gateway->prepend), &r);
    vnl_json_put(object, "announced",
                 VNL_JSON_LIST(gateway->announced, gateway->n_announced, make_prefix, plan), &r);
    vnl_json_put(object, "refused", VNL_JSON_LIST(gateway->refused, gateway->n_refused, make_prefix, plan),
                 &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_p2s(const struct vnl_plan *plan, const struct vnl_plan_p2s *p2s)
{
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "rootCertificates", VNL_JSON_LIST(p2s->roots, p2s->n_roots, make_text, plan), &r);
    vnl_json_put(object, "revokedThumbprints", VNL_JSON_LIST(p2s->revoked, p2s->n_revoked, make_text, plan),
                 &r);
    return vnl_json_finish(object, r);
}

struct vnl_json *vnl_json_gateway(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_gateway *gateway = item;
    uint32_t nic = gateway->client ? gateway->nic_out : gateway->nic_in;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(gateway->id), &r);
    vnl_json_put(object, "name", vnl_json_str(gateway->name), &r);
    vnl_json_put(object, "instance", vnl_json_int(gateway->instance), &r);
    vnl_json_put(object, "site", vnl_json_bool(gateway->site), &r);
    vnl_json_put(object, "client", vnl_json_bool(gateway->client), &r);
    vnl_json_put(object, "virtualNetwork", vnl_json_str(plan->vnets[gateway->vnet].name), &r);
    vnl_json_put(object, "networkInterface", vnl_json_str(plan->nics[nic].name), &r);
    vnl_json_put(object, "publicAddress", vnl_json_addr(&gateway->outer), &r);
    vnl_json_put(object, "inside", VNL_JSON_LIST(gateway->inside, gateway->n_inside, make_prefix, plan), &r);
    if (gateway->throughput_bps)
        vnl_json_put(object, "throughput", vnl_json_int((int64_t)gateway->throughput_bps), &r);
    if (gateway->swanctl)
        vnl_json_put(object, "swanctl", vnl_json_str(gateway->swanctl), &r);
    if (gateway->asn)
        vnl_json_put(object, "bgp", make_bgp(plan, gateway), &r);
    if (gateway->p2s)
        vnl_json_put(object, "pointToSite", make_p2s(plan, gateway->p2s), &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_instance(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_backend *backend = item;

    return vnl_json_str(plan->vms[plan->nics[backend->nic].vm].name);
}

struct vnl_json *vnl_json_active_active(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_balancer *balancer = item;
    const struct vnl_plan_lb_rule *rule = &balancer->rules[0];
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(balancer->id), &r);
    vnl_json_put(object, "name", vnl_json_str(balancer->name), &r);
    vnl_json_put(object, "virtualNetwork", vnl_json_str(plan->vnets[balancer->vnet].name), &r);
    vnl_json_put(object, "instances", VNL_JSON_LIST(rule->backends, rule->n_backends, make_instance, plan),
                 &r);
    vnl_json_put(object, "health", vnl_json_int(rule->health), &r);
    return vnl_json_finish(object, r);
}

static void put_security(struct vnl_json *object, const struct vnl_plan_tunnel *tunnel, int *r)
{
    vnl_json_put(object, "connectionProtocol", vnl_json_str(tunnel->ike_v1 ? "IKEv1" : "IKEv2"), r);
    vnl_json_put(object, "ike", vnl_json_str(tunnel->ike), r);
    vnl_json_put(object, "esp", vnl_json_str(tunnel->esp), r);
    vnl_json_put(object, "ikeLifetimeSeconds", vnl_json_int(tunnel->ike_lifetime_s), r);
    vnl_json_put(object, "childLifetimeSeconds", vnl_json_int(tunnel->child_lifetime_s), r);
    vnl_json_put(object, "childBytes", vnl_json_int((int64_t)tunnel->child_bytes), r);
    vnl_json_put(object, "dpdTimeoutSeconds", vnl_json_int(tunnel->dpd_s), r);
}

static const char *const kind_str[] = {
    [VNL_TUNNEL_CONNECTION] = "Connection",
    [VNL_TUNNEL_SERVER] = "PointToSiteServer",
    [VNL_TUNNEL_CLIENT] = "PointToSiteClient",
};

/* BGP, and a client's certificate. */
static void put_peer(struct vnl_json *object, const struct vnl_plan_tunnel *tunnel, int *r)
{
    if (tunnel->peer_asn) {
        vnl_json_put(object, "peerAsn", vnl_json_int(tunnel->peer_asn), r);
        vnl_json_put(object, "peerBgpAddress", vnl_json_addr(&tunnel->peer_bgp), r);
    }
    if (tunnel->root)
        vnl_json_put(object, "rootCertificate", vnl_json_str(tunnel->root), r);
    if (tunnel->certificate)
        vnl_json_put(object, "certificate", vnl_json_str(tunnel->certificate), r);
}

/* Keys are no part of a plan. */
struct vnl_json *vnl_json_tunnel(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_tunnel *tunnel = item;
    const char *peer = tunnel->peer == VNL_PLAN_NOBODY ? NULL : plan->gateways[tunnel->peer].name;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "kind", vnl_json_str(kind_str[tunnel->kind]), &r);
    vnl_json_put(object, "connection", vnl_json_str(tunnel->connection), &r);
    vnl_json_put(object, "name", vnl_json_str(tunnel->name), &r);
    vnl_json_put(object, "gateway", vnl_json_str(plan->gateways[tunnel->gateway].name), &r);
    vnl_json_put(object, "peer", vnl_json_str(peer), &r);
    vnl_json_put(object, "remoteAddress",
                 tunnel->remote.family == AF_UNSPEC ? vnl_json_str(NULL) : vnl_json_addr(&tunnel->remote),
                 &r);
    vnl_json_put(object, "interface", vnl_json_str(tunnel->ifname), &r);
    vnl_json_put(object, "hasOtherEnd", vnl_json_bool(tunnel->other != VNL_PLAN_NOBODY), &r);
    vnl_json_put(object, "initiates", vnl_json_bool(tunnel->initiates), &r);
    vnl_json_put(object, "routes", VNL_JSON_LIST(tunnel->routes, tunnel->n_routes, make_prefix, plan), &r);
    vnl_json_put(object, "learned", VNL_JSON_LIST(tunnel->learned, tunnel->n_learned, make_prefix, plan), &r);
    vnl_json_put(object, "localSelectors",
                 VNL_JSON_LIST(tunnel->local_ts, tunnel->n_local_ts, make_prefix, plan), &r);
    vnl_json_put(object, "remoteSelectors",
                 VNL_JSON_LIST(tunnel->remote_ts, tunnel->n_remote_ts, make_prefix, plan), &r);
    put_peer(object, tunnel, &r);
    put_security(object, tunnel, &r);
    return vnl_json_finish(object, r);
}
