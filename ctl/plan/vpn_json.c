/* Gateways and the ends of tunnels as JSON. */
#include "parts.h"

#include "vnetlab/json.h"

static struct vnl_json *make_prefix(const void *item, const struct vnl_plan *plan)
{
    (void)plan;
    return vnl_json_prefix(item);
}

struct vnl_json *vnl_json_gateway(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_gateway *gateway = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(gateway->id), &r);
    vnl_json_put(object, "name", vnl_json_str(gateway->name), &r);
    vnl_json_put(object, "site", vnl_json_bool(gateway->site), &r);
    vnl_json_put(object, "virtualNetwork", vnl_json_str(plan->vnets[gateway->vnet].name), &r);
    vnl_json_put(object, "networkInterface", vnl_json_str(plan->nics[gateway->nic_in].name), &r);
    vnl_json_put(object, "publicAddress", vnl_json_addr(&gateway->outer), &r);
    vnl_json_put(object, "inside", VNL_JSON_LIST(gateway->inside, gateway->n_inside, make_prefix, plan), &r);
    if (gateway->throughput_bps)
        vnl_json_put(object, "throughput", vnl_json_int((int64_t)gateway->throughput_bps), &r);
    if (gateway->swanctl)
        vnl_json_put(object, "swanctl", vnl_json_str(gateway->swanctl), &r);
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

/* Keys are no part of a plan. */
struct vnl_json *vnl_json_tunnel(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_tunnel *tunnel = item;
    const char *peer = tunnel->peer == VNL_PLAN_NOBODY ? NULL : plan->gateways[tunnel->peer].name;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "connection", vnl_json_str(tunnel->connection), &r);
    vnl_json_put(object, "name", vnl_json_str(tunnel->name), &r);
    vnl_json_put(object, "gateway", vnl_json_str(plan->gateways[tunnel->gateway].name), &r);
    vnl_json_put(object, "peer", vnl_json_str(peer), &r);
    vnl_json_put(object, "remoteAddress", vnl_json_addr(&tunnel->remote), &r);
    vnl_json_put(object, "interface", vnl_json_str(tunnel->ifname), &r);
    vnl_json_put(object, "hasOtherEnd", vnl_json_bool(tunnel->other != VNL_PLAN_NOBODY), &r);
    vnl_json_put(object, "initiates", vnl_json_bool(tunnel->initiates), &r);
    vnl_json_put(object, "routes", VNL_JSON_LIST(tunnel->routes, tunnel->n_routes, make_prefix, plan), &r);
    vnl_json_put(object, "localSelectors",
                 VNL_JSON_LIST(tunnel->local_ts, tunnel->n_local_ts, make_prefix, plan), &r);
    vnl_json_put(object, "remoteSelectors",
                 VNL_JSON_LIST(tunnel->remote_ts, tunnel->n_remote_ts, make_prefix, plan), &r);
    put_security(object, tunnel, &r);
    return vnl_json_finish(object, r);
}
