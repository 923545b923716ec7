/* The plan and the effective routes as JSON. */
#include "parts.h"

#include <errno.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

void vnl_json_put(struct vnl_json *object, const char *key, struct vnl_json *value, int *r)
{
    int failed = vnl_json_set(object, key, value);

    if (*r == 0)
        *r = failed;
}

struct vnl_json *vnl_json_finish(struct vnl_json *value, int r)
{
    if (r < 0)
        vnl_json_free(&value);
    return value;
}

struct vnl_json *vnl_json_prefix(const struct vnl_prefix *prefix)
{
    char buf[VNL_PREFIX_STR];

    return vnl_json_str(vnl_prefix_format(prefix, buf));
}

struct vnl_json *vnl_json_addr(const struct vnl_addr *addr)
{
    char buf[VNL_ADDR_STR];

    return vnl_json_str(vnl_addr_format(addr, buf));
}

struct vnl_json *vnl_json_list(const void *items, size_t n, size_t size,
                               struct vnl_json *(*make)(const void *item, const struct vnl_plan *plan),
                               const struct vnl_plan *plan)
{
    struct vnl_json *array = vnl_json_array();
    int r = array ? 0 : -ENOMEM;

    for (size_t i = 0; i < n && r == 0; i++)
        r = vnl_json_push(array, make((const char *)items + i * size, plan));
    return vnl_json_finish(array, r);
}

#define LIST VNL_JSON_LIST

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

/* --- effective routes: ARM's EffectiveRoute (spec 4.8) -------------------------------------------------- */

static struct vnl_json *make_row(const struct vnl_route_table *table, const struct vnl_route *row)
{
    struct vnl_json *object = vnl_json_object(), *prefixes = vnl_json_array(), *hops = vnl_json_array();
    int r = 0;

    if (vnl_json_push(prefixes, vnl_json_prefix(&row->prefix)) < 0 ||
        (row->next_hop.family != AF_UNSPEC && vnl_json_push(hops, vnl_json_addr(&row->next_hop)) < 0) ||
        (row->next_hop2.family != AF_UNSPEC && vnl_json_push(hops, vnl_json_addr(&row->next_hop2)) < 0))
        r = -ENOMEM;
    vnl_json_put(object, "name", vnl_json_str(vnl_route_name(row)), &r);
    vnl_json_put(object, "source", vnl_json_str(vnl_route_source_str(row->source)), &r);
    vnl_json_put(object, "state", vnl_json_str(row->active ? "Active" : "Invalid"), &r);
    vnl_json_put(object, "addressPrefix", prefixes, &r);
    vnl_json_put(object, "nextHopType", vnl_json_str(vnl_next_hop_str(row->type)), &r);
    vnl_json_put(object, "nextHopIpAddress", hops, &r);
    vnl_json_put(object, "disableBgpRoutePropagation", vnl_json_bool(table->disable_bgp), &r);
    vnl_json_put(object, "hasBgpOverride", vnl_json_bool(false), &r);
    vnl_json_put(object, "destinationServiceTags", vnl_json_array(), &r); /* no route of a lab has a tag */
    vnl_json_put(object, "tagMap", vnl_json_object(), &r);
    return vnl_json_finish(object, r);
}

struct vnl_json *vnl_routes_to_json(const struct vnl_route_table *table)
{
    struct vnl_json *array = vnl_json_array();
    int r = array ? 0 : -ENOMEM;

    for (size_t i = 0; i < table->n_routes && r == 0; i++)
        r = vnl_json_push(array, make_row(table, &table->routes[i]));
    return vnl_json_finish(array, r);
}

/* --- the plan: Azure's row, and what made it and what it does ------------------------------------------- */

static void put_next_hop(struct vnl_json *object, const struct vnl_plan *plan, const struct vnl_route *row,
                         int *r)
{
    if (row->type <= VNL_NEXT_HOP_GLOBAL_PEERING || row->type == VNL_NEXT_HOP_APPLIANCE)
        vnl_json_put(object, "virtualNetwork", vnl_json_str(plan->vnets[row->vnet].name), r);
    if ((row->type == VNL_NEXT_HOP_APPLIANCE || row->type == VNL_NEXT_HOP_GATEWAY) &&
        row->nic != VNL_PLAN_NOBODY)
        vnl_json_put(object, "networkInterface", vnl_json_str(plan->nics[row->nic].name), r);
    if (row->type == VNL_NEXT_HOP_APPLIANCE && row->balancer != VNL_PLAN_NOBODY)
        vnl_json_put(object, "frontend", vnl_json_str(plan->balancers[row->balancer].name), r);
    if (row->type == VNL_NEXT_HOP_GATEWAY && row->balancer != VNL_PLAN_NOBODY)
        vnl_json_put(object, "activeActive", vnl_json_str(plan->balancers[row->balancer].name), r);
}

static struct vnl_json *make_plan_row(const struct vnl_plan *plan, const struct vnl_route_table *table,
                                      const struct vnl_route *row)
{
    struct vnl_json *object = make_row(table, row);
    int r = 0;

    vnl_json_put(object, "origin", vnl_json_str(row->origin), &r);
    put_next_hop(object, plan, row, &r);
    if (row->as_path)
        vnl_json_put(object, "asPath", vnl_json_str(row->as_path), &r);
    vnl_json_put(object, "denyAccessLocal", vnl_json_bool(row->deny_access_local), &r);
    vnl_json_put(object, "denyAccessRemote", vnl_json_bool(row->deny_access_remote), &r);
    vnl_json_put(object, "denyForwarded", vnl_json_bool(row->deny_forwarded), &r);
    if (row->delay)
        vnl_json_put(object, "delay", vnl_json_int(row->delay - 1), &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_table(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_route_table *table = item;
    struct vnl_json *object = vnl_json_object(), *rows = vnl_json_array();
    int r = 0;

    for (size_t i = 0; i < table->n_routes && r == 0; i++)
        r = vnl_json_push(rows, make_plan_row(plan, table, &table->routes[i]));

    vnl_json_put(object, "name", vnl_json_str(table->name), &r);
    vnl_json_put(object, "virtualNetwork", vnl_json_str(plan->vnets[table->vnet].name), &r);
    vnl_json_put(object, "routeTable", vnl_json_str(table->route_table), &r);
    vnl_json_put(object, "routes", rows, &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_server(const void *item, const struct vnl_plan *plan)
{
    (void)plan;
    return vnl_json_addr(item);
}

static struct vnl_json *make_vnet(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_vnet *vnet = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(vnet->id), &r);
    vnl_json_put(object, "name", vnl_json_str(vnet->name), &r);
    vnl_json_put(object, "location", vnl_json_str(vnet->location), &r);
    vnl_json_put(object, "site", vnl_json_bool(vnet->site), &r);
    vnl_json_put(object, "slot", vnl_json_int(vnet->slot), &r);
    vnl_json_put(object, "addressSpace", LIST(vnet->space, vnet->n_space, make_prefix, plan), &r);
    vnl_json_put(object, "flowTimeoutInMinutes", vnl_json_int(vnet->flow_timeout_s / 60), &r);
    vnl_json_put(object, "hosts", vnl_json_str(vnet->hosts), &r);
    vnl_json_put(object, "dnsServers", LIST(vnet->dns, vnet->n_dns, make_server, plan), &r);
    vnl_json_put(object, "dnsSuffix", vnl_json_str(vnet->dns_suffix), &r);
    if (vnet->bastion.family != AF_UNSPEC)
        vnl_json_put(object, "bastion", vnl_json_addr(&vnet->bastion), &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_peering(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_peering *link = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    (void)plan;
    vnl_json_put(object, "id", vnl_json_str(link->id), &r);
    vnl_json_put(object, "name", vnl_json_str(link->name), &r);
    vnl_json_put(object, "remoteVirtualNetwork", vnl_json_str(link->remote), &r);
    vnl_json_put(object, "peeringState", vnl_json_str(link->state), &r);
    vnl_json_put(object, "peeringSyncLevel", vnl_json_str(link->sync), &r);
    vnl_json_put(object, "flags", vnl_json_str(link->flags), &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_rules(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_rules *rules = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(rules->nsg), &r);
    vnl_json_put(object, "name", vnl_json_str(rules->nsg_name), &r);
    vnl_json_put(object, "virtualNetwork", vnl_json_str(plan->vnets[rules->vnet].name), &r);
    vnl_json_put(object, "routeTable", vnl_json_str(rules->route_table), &r);
    vnl_json_put(object, "effectiveSecurityRules", vnl_rules_json(rules), &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_bridge(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_bridge *bridge = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "ifname", vnl_json_str(bridge->ifname), &r);
    vnl_json_put(object, "ifindex", vnl_json_int(bridge->ifindex), &r);
    vnl_json_put(object, "alias", vnl_json_str(bridge->alias), &r);
    vnl_json_put(object, "virtualNetwork", vnl_json_str(plan->vnets[bridge->vnet].name), &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_addr(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_addr *addr = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "address", vnl_json_addr(&addr->addr), &r);
    vnl_json_put(object, "prefixLength", vnl_json_int(addr->prefix_len), &r);
    vnl_json_put(object, "gateway", vnl_json_addr(&addr->gateway), &r);
    if (addr->public_ip != VNL_PLAN_NOBODY)
        vnl_json_put(object, "publicIPAddress", vnl_json_str(plan->publics[addr->public_ip].name), &r);
    return vnl_json_finish(object, r);
}

/* Name of an NSG, null for none. */
static struct vnl_json *make_nsg(const struct vnl_plan *plan, uint32_t rules)
{
    return vnl_json_str(rules == VNL_PLAN_NO_RULES ? NULL : plan->rules[rules].nsg_name);
}

/* How it gets out, if it shares addresses for that; and its rate. */
static void put_outside(struct vnl_json *object, const struct vnl_plan *plan, const struct vnl_plan_nic *nic,
                        int *r)
{
    if (nic->nat != VNL_PLAN_NOBODY) {
        vnl_json_put(object, "outbound", vnl_json_str(plan->nats[nic->nat].name), r);
        vnl_json_put(object, "firstPort", vnl_json_int(nic->nat_port_first), r);
        vnl_json_put(object, "ports", vnl_json_int(nic->nat_ports), r);
    }
    if (nic->bandwidth_bps)
        vnl_json_put(object, "bandwidth", vnl_json_int((int64_t)nic->bandwidth_bps), r);
}

static struct vnl_json *make_nic(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_nic *nic = item;
    struct vnl_json *object = vnl_json_object();
    char mac[VNL_MAC_STR];
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(nic->id), &r);
    vnl_json_put(object, "name", vnl_json_str(nic->name), &r);
    vnl_json_put(object, "virtualMachine", vnl_json_str(plan->vms[nic->vm].name), &r);
    vnl_json_put(object, "subnet", vnl_json_str(nic->subnet), &r);
    vnl_json_put(object, "routes", vnl_json_str(plan->tables[nic->table].name), &r);
    vnl_json_put(object, "slot", vnl_json_int(nic->slot), &r);
    vnl_json_put(object, "ifname", vnl_json_str(nic->ifname), &r);
    vnl_json_put(object, "ifindex", vnl_json_int(nic->ifindex), &r);
    vnl_json_put(object, "bridge", vnl_json_str(nic->bridge), &r);
    vnl_json_put(object, "alias", vnl_json_str(nic->alias), &r);
    vnl_json_put(object, "macAddress", vnl_json_str(vnl_mac_format(&nic->mac, mac)), &r);
    vnl_json_put(object, "enableIPForwarding", vnl_json_bool(nic->ip_forwarding), &r);
    vnl_json_put(object, "subnetNetworkSecurityGroup", make_nsg(plan, nic->rules_subnet), &r);
    vnl_json_put(object, "networkSecurityGroup", make_nsg(plan, nic->rules_nic), &r);
    vnl_json_put(object, "addresses", LIST(nic->addrs, nic->n_addrs, make_addr, plan), &r);
    put_outside(object, plan, nic, &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_vm(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_vm *vm = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(vm->id), &r);
    vnl_json_put(object, "name", vnl_json_str(vm->name), &r);
    vnl_json_put(object, "location", vnl_json_str(vm->location), &r);
    vnl_json_put(object, "internetHost", vnl_json_bool(vm->host), &r);
    vnl_json_put(object, "gateway", vnl_json_bool(vm->gateway), &r);
    vnl_json_put(object, "client", vnl_json_bool(vm->client), &r);
    vnl_json_put(object, "siteHost", vnl_json_bool(vm->site_host), &r);
    vnl_json_put(object, "namespace", vnl_json_str(vm->netns), &r);
    vnl_json_put(object, "ipForward", vnl_json_bool(vm->ip_forward), &r);
    vnl_json_put(object, "run", LIST(vm->run, vm->n_run, make_text, plan), &r);
    return vnl_json_finish(object, r);
}

static void put_outside_lists(struct vnl_json *object, const struct vnl_plan *plan, int *r)
{
    size_t n_frontends = vnl_balancers_count_frontends(plan);

    vnl_json_put(object, "publicIPAddresses", LIST(plan->publics, plan->n_publics, vnl_json_public, plan), r);
    vnl_json_put(object, "outbound", LIST(plan->nats, plan->n_nats, vnl_json_nat, plan), r);
    vnl_json_put(object, "loadBalancers", LIST(plan->balancers, n_frontends, vnl_json_balancer, plan), r);
    vnl_json_put(
        object, "activeActive",
        LIST(plan->balancers + n_frontends, plan->n_balancers - n_frontends, vnl_json_active_active, plan),
        r);
    vnl_json_put(object, "gateways", LIST(plan->gateways, plan->n_gateways, vnl_json_gateway, plan), r);
    vnl_json_put(object, "tunnels", LIST(plan->tunnels, plan->n_tunnels, vnl_json_tunnel, plan), r);
    vnl_json_put(object, "delays", LIST(plan->delays, plan->n_delays, vnl_json_delay, plan), r);
}

int vnl_plan_to_json(const struct vnl_plan *plan, struct vnl_json **ret, struct vnl_err **err)
{
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "lab", vnl_json_str(plan->lab), &r);
    vnl_json_put(object, "virtualNetworks", LIST(plan->vnets, plan->n_vnets, make_vnet, plan), &r);
    vnl_json_put(object, "peerings", LIST(plan->peerings, plan->n_peerings, make_peering, plan), &r);
    vnl_json_put(object, "routeTables", LIST(plan->tables, plan->n_tables, make_table, plan), &r);
    vnl_json_put(object, "networkSecurityGroups", LIST(plan->rules, plan->n_rules, make_rules, plan), &r);
    vnl_json_put(object, "bridges", LIST(plan->bridges, plan->n_bridges, make_bridge, plan), &r);
    vnl_json_put(object, "virtualMachines", LIST(plan->vms, plan->n_vms, make_vm, plan), &r);
    vnl_json_put(object, "networkInterfaces", LIST(plan->nics, plan->n_nics, make_nic, plan), &r);
    put_outside_lists(object, plan, &r);
    object = vnl_json_finish(object, r);
    if (!object)
        return vnl_fail(err, ENOMEM, "plan of lab '%s'", plan->lab);
    *ret = object;
    return 0;
}
