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

/* An array of `n` elements, each made by `make` from the element's place. */
static struct vnl_json *list(const void *items, size_t n, size_t size,
                             struct vnl_json *(*make)(const void *item, const struct vnl_plan *plan),
                             const struct vnl_plan *plan)
{
    struct vnl_json *array = vnl_json_array();
    int r = array ? 0 : -ENOMEM;

    for (size_t i = 0; i < n && r == 0; i++)
        r = vnl_json_push(array, make((const char *)items + i * size, plan));
    return vnl_json_finish(array, r);
}

#define LIST(items, n, make, plan) list(items, n, sizeof(*(items)), make, plan)

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

static struct vnl_json *make_row(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_route *row = item;
    struct vnl_json *object = vnl_json_object(), *prefixes = vnl_json_array(), *hops = vnl_json_array();
    int r = 0;

    (void)plan;
    if (vnl_json_push(prefixes, vnl_json_prefix(&row->prefix)) < 0 ||
        (row->next_hop.family != AF_UNSPEC && vnl_json_push(hops, vnl_json_addr(&row->next_hop)) < 0))
        r = -ENOMEM;
    vnl_json_put(object, "name", vnl_json_str(NULL), &r); /* only a user's route has one */
    vnl_json_put(object, "source", vnl_json_str(vnl_route_source_str(row->source)), &r);
    vnl_json_put(object, "state", vnl_json_str(row->active ? "Active" : "Invalid"), &r);
    vnl_json_put(object, "addressPrefix", prefixes, &r);
    vnl_json_put(object, "nextHopType", vnl_json_str(vnl_next_hop_str(row->type)), &r);
    vnl_json_put(object, "nextHopIpAddress", hops, &r);
    vnl_json_put(object, "disableBgpRoutePropagation", vnl_json_bool(false), &r);
    return vnl_json_finish(object, r);
}

struct vnl_json *vnl_routes_to_json(const struct vnl_route_table *table)
{
    return LIST(table->routes, table->n_routes, make_row, NULL);
}

/* --- the plan: Azure's row, and what made it and what it does ------------------------------------------- */

static struct vnl_json *make_plan_row(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_route *row = item;
    struct vnl_json *object = make_row(row, plan);
    int r = 0;

    vnl_json_put(object, "origin", vnl_json_str(row->origin), &r);
    if (row->type <= VNL_NEXT_HOP_GLOBAL_PEERING)
        vnl_json_put(object, "virtualNetwork", vnl_json_str(plan->vnets[row->vnet].name), &r);
    vnl_json_put(object, "denyAccessLocal", vnl_json_bool(row->deny_access_local), &r);
    vnl_json_put(object, "denyAccessRemote", vnl_json_bool(row->deny_access_remote), &r);
    vnl_json_put(object, "denyForwarded", vnl_json_bool(row->deny_forwarded), &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_table(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_route_table *table = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "name", vnl_json_str(table->name), &r);
    vnl_json_put(object, "virtualNetwork", vnl_json_str(plan->vnets[table->vnet].name), &r);
    vnl_json_put(object, "routes", LIST(table->routes, table->n_routes, make_plan_row, plan), &r);
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_vnet(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_vnet *vnet = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(vnet->id), &r);
    vnl_json_put(object, "name", vnl_json_str(vnet->name), &r);
    vnl_json_put(object, "location", vnl_json_str(vnet->location), &r);
    vnl_json_put(object, "slot", vnl_json_int(vnet->slot), &r);
    vnl_json_put(object, "addressSpace", LIST(vnet->space, vnet->n_space, make_prefix, plan), &r);
    vnl_json_put(object, "flowTimeoutInMinutes", vnl_json_int(vnet->flow_timeout_s / 60), &r);
    vnl_json_put(object, "hosts", vnl_json_str(vnet->hosts), &r);
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

    (void)plan;
    vnl_json_put(object, "address", vnl_json_addr(&addr->addr), &r);
    vnl_json_put(object, "prefixLength", vnl_json_int(addr->prefix_len), &r);
    vnl_json_put(object, "gateway", vnl_json_addr(&addr->gateway), &r);
    return vnl_json_finish(object, r);
}

/* Name of an NSG, null for none. */
static struct vnl_json *make_nsg(const struct vnl_plan *plan, uint32_t rules)
{
    return vnl_json_str(rules == VNL_PLAN_NO_RULES ? NULL : plan->rules[rules].nsg_name);
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
    return vnl_json_finish(object, r);
}

static struct vnl_json *make_vm(const void *item, const struct vnl_plan *plan)
{
    const struct vnl_plan_vm *vm = item;
    struct vnl_json *object = vnl_json_object();
    int r = 0;

    vnl_json_put(object, "id", vnl_json_str(vm->id), &r);
    vnl_json_put(object, "name", vnl_json_str(vm->name), &r);
    vnl_json_put(object, "namespace", vnl_json_str(vm->netns), &r);
    vnl_json_put(object, "ipForward", vnl_json_bool(vm->ip_forward), &r);
    vnl_json_put(object, "run", LIST(vm->run, vm->n_run, make_text, plan), &r);
    return vnl_json_finish(object, r);
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
    object = vnl_json_finish(object, r);
    if (!object)
        return vnl_fail(err, ENOMEM, "plan of lab '%s'", plan->lab);
    *ret = object;
    return 0;
}
