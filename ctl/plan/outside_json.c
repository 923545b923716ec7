/* Public IPs, NAT, load balancers and delays as JSON. */
#include "parts.h"

#include "vnetlab/json.h"

/* The name, null for nobody. */
static struct vnl_json *nic_name(const struct vnl_plan *plan, uint32_t nic)
{
    return vnl_json_str(nic == VNL_PLAN_NOBODY ? NULL : plan->nics[nic].name);
}

static struct vnl_json *make_outer(const void *item, const struct vnl_plan *plan)
{
    (void)plan;
    return vnl_json_addr(item);
}

struct vnl_json *vnl_json_public(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_public *ip = item;
    const struct vnl_plan_gateway *gateway = vnl_gateway_by_outer(plan, &ip->addr);
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(ip->id), &r);
    vnl_json_put(object, "name", vnl_json_str(ip->name), &r);
    vnl_json_put(object, "ipAddress", vnl_json_addr(&ip->addr), &r);
    vnl_json_put(object, "sku", vnl_json_str(ip->basic ? "Basic" : "Standard"), &r);
    vnl_json_put(object, "networkInterface", nic_name(plan, ip->nic), &r);
    vnl_json_put(object, "privateIPAddress",
                 ip->nic == VNL_PLAN_NOBODY ? vnl_json_str(NULL) : vnl_json_addr(&ip->inner), &r);
    vnl_json_put(object, "natGateway",
                 vnl_json_str(ip->nat == VNL_PLAN_NOBODY ? NULL : plan->nats[ip->nat].name), &r);
    vnl_json_put(object, "virtualNetworkGateway", vnl_json_str(gateway ? gateway->resource : NULL), &r);
    vnl_json_put(object, "closed", vnl_json_bool(ip->closed), &r);
    vnl_json_put(object, "idleTimeoutInMinutes", vnl_json_int(ip->timeout_s / 60), &r);
    return vnl_json_finish(object, r);
}

struct vnl_json *vnl_json_nat(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_nat *nat = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(nat->id), &r);
    vnl_json_put(object, "name", vnl_json_str(nat->name), &r);
    vnl_json_put(object, "addresses", VNL_JSON_LIST(nat->outer, nat->n_outer, make_outer, plan), &r);
    vnl_json_put(object, "tcpIdleTimeoutInMinutes", vnl_json_int(nat->tcp_timeout_s / 60), &r);
    vnl_json_put(object, "udpIdleTimeoutInMinutes", vnl_json_int(nat->udp_timeout_s / 60), &r);
    return vnl_json_finish(object, r);
}

/* --- load balancers --------------------------------------------------------------------------------------------- */

static struct vnl_json *make_backend(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_backend *backend = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "networkInterface", nic_name(plan, backend->nic), &r);
    vnl_json_put(object, "address", vnl_json_addr(&backend->addr), &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_probe(const struct vnl_plan_lb_probe *probe)
{
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "protocol", vnl_json_str(probe->http ? "Http" : "Tcp"), &r);
    vnl_json_put(object, "port", vnl_json_int(probe->port), &r);
    vnl_json_put(object, "requestPath", vnl_json_str(probe->path), &r);
    vnl_json_put(object, "intervalInSeconds", vnl_json_int(probe->interval_s), &r);
    vnl_json_put(object, "probeThreshold", vnl_json_int(probe->threshold), &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_rule(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_lb_rule *rule = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(rule->id), &r);
    vnl_json_put(object, "name", vnl_json_str(rule->name), &r);
    vnl_json_put(object, "protocol", vnl_json_str(vnl_balancer_proto_text(rule->proto)), &r);
    vnl_json_put(object, "frontendPort", vnl_json_int(rule->frontend_port), &r);
    vnl_json_put(object, "backendPort", vnl_json_int(rule->backend_port), &r);
    vnl_json_put(object, "loadDistribution", vnl_json_str(vnl_distribution_text[rule->distribution]), &r);
    vnl_json_put(object, "enableFloatingIP", vnl_json_bool(rule->floating), &r);
    vnl_json_put(object, "idleTimeoutInMinutes", vnl_json_int(rule->timeout_s / 60), &r);
    vnl_json_put(object, "health", vnl_json_int(rule->health), &r);
    vnl_json_put(object, "backends", VNL_JSON_LIST(rule->backends, rule->n_backends, make_backend, plan), &r);
    vnl_json_put(object, "probe", rule->probed ? make_probe(&rule->probe) : vnl_json_str(NULL), &r);
    return vnl_json_finish(object, r);
}

struct vnl_json *vnl_json_balancer(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_balancer *balancer = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(balancer->id), &r);
    vnl_json_put(object, "name", vnl_json_str(balancer->name), &r);
    vnl_json_put(object, "sku", vnl_json_str(balancer->basic ? "Basic" : "Standard"), &r);
    vnl_json_put(object, "virtualNetwork", vnl_json_str(plan->vnets[balancer->vnet].name), &r);
    vnl_json_put(object, "privateIPAddress", vnl_json_addr(&balancer->addr), &r);
    vnl_json_put(object, "rules", VNL_JSON_LIST(balancer->rules, balancer->n_rules, make_rule, plan), &r);
    return vnl_json_finish(object, r);
}

struct vnl_json *vnl_json_delay(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_delay *delay = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    (void)plan;
    vnl_json_put(object, "a", vnl_json_str(delay->a), &r);
    vnl_json_put(object, "b", vnl_json_str(delay->b), &r);
    vnl_json_put(object, "oneWayMicroseconds", vnl_json_int(delay->one_way_us), &r);
    return vnl_json_finish(object, r);
}
