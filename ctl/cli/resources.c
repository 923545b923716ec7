#include "resources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmds.h"

#include "vnetlab/base.h"

/* What a type is called in front of a name: ARM's word, and the short one. */
static const struct {
    const char *arm, *brief, *noun;
} types[] = {
    [VNL_TYPE_VNET] = { "virtualNetworks", "vnets", "virtual network" },
    [VNL_TYPE_SUBNET] = { "subnets", "subnets", "subnet" },
    [VNL_TYPE_PEERING] = { "virtualNetworkPeerings", "peerings", "peering" },
    [VNL_TYPE_VM] = { "virtualMachines", "vms", "virtual machine" },
    [VNL_TYPE_NIC] = { "networkInterfaces", "nics", "network interface" },
    [VNL_TYPE_NSG] = { "networkSecurityGroups", "nsgs", "network security group" },
    [VNL_TYPE_RULE] = { "securityRules", "rules", "security rule" },
    [VNL_TYPE_ASG] = { "applicationSecurityGroups", "asgs", "application security group" },
    [VNL_TYPE_ROUTE_TABLE] = { "routeTables", "routetables", "route table" },
    [VNL_TYPE_ROUTE] = { "routes", "routes", "route" },
    [VNL_TYPE_PUBLIC_IP] = { "publicIPAddresses", "publicips", "public IP address" },
    [VNL_TYPE_NAT_GATEWAY] = { "natGateways", "nats", "NAT gateway" },
    [VNL_TYPE_BALANCER] = { "loadBalancers", "lbs", "load balancer" },
    [VNL_TYPE_VPN_GATEWAY] = { "virtualNetworkGateways", "gateways", "virtual network gateway" },
    [VNL_TYPE_LOCAL_GATEWAY] = { "localNetworkGateways", "localgateways", "local network gateway" },
    [VNL_TYPE_CONNECTION] = { "connections", "connections", "connection" },
    [VNL_TYPE_SITE] = { "sites", "sites", "site" },
    [VNL_TYPE_CLIENT] = { "clients", "clients", "client" },
    [VNL_TYPE_HOST] = { "hosts", "hosts", "internet host" },
};
static_assert(ARRAY_SIZE(types) == VNL_TYPE_MAX, "name every type");

/* --- the list ------------------------------------------------------------------------------------- */

void vnl_resources_done(struct vnl_resources *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].name);
    free(list->items);
    *list = (struct vnl_resources){ 0 };
}

static size_t count_all(const struct vnl_lab *lab)
{
    size_t n = lab->n_vnets + lab->n_vms + lab->n_nsgs + lab->n_asgs + lab->n_route_tables +
               lab->n_public_ips + lab->n_nat_gateways + lab->n_lbs + lab->n_hosts + lab->n_gateways +
               lab->n_local_gateways + lab->n_connections + lab->n_sites;

    for (size_t i = 0; i < lab->n_vnets; i++)
        n += lab->vnets[i]->n_subnets + lab->vnets[i]->n_peerings;
    for (size_t i = 0; i < lab->n_vms; i++)
        n += lab->vms[i]->n_nics;
    for (size_t i = 0; i < lab->n_nsgs; i++)
        n += lab->nsgs[i]->n_rules;
    for (size_t i = 0; i < lab->n_route_tables; i++)
        n += lab->route_tables[i]->n_udrs;
    for (size_t i = 0; i < lab->n_sites; i++)
        n += lab->sites[i]->n_hosts;
    return n;
}

/* A name without memory stays NULL and is found at the end. */
static struct vnl_resource *add(struct vnl_resources *list, enum vnl_type type, const char *id,
                                const char *parent, const char *name)
{
    struct vnl_resource *item = &list->items[list->n++];

    *item = (struct vnl_resource){ .type = type, .id = id };
    if (asprintf(&item->name, "%s%s%s", parent ? parent : "", parent ? "/" : "", name) < 0)
        item->name = NULL;
    return item;
}

static void add_vnet(struct vnl_resources *list, const struct vnl_vnet *vnet)
{
    add(list, VNL_TYPE_VNET, vnet->id, NULL, vnet->name)->vnet = vnet;
    for (size_t i = 0; i < vnet->n_subnets; i++)
        add(list, VNL_TYPE_SUBNET, vnet->subnets[i]->id, vnet->name, vnet->subnets[i]->name)->subnet =
            vnet->subnets[i];
    for (size_t i = 0; i < vnet->n_peerings; i++)
        add(list, VNL_TYPE_PEERING, vnet->peerings[i]->id, vnet->name, vnet->peerings[i]->name)->peering =
            vnet->peerings[i];
}

static void add_vm(struct vnl_resources *list, const struct vnl_vm *vm)
{
    add(list, VNL_TYPE_VM, vm->id, NULL, vm->name)->vm = vm;
    for (size_t i = 0; i < vm->n_nics; i++)
        add(list, VNL_TYPE_NIC, vm->nics[i]->id, NULL, vm->nics[i]->name)->nic = vm->nics[i];
}

static void add_nsg(struct vnl_resources *list, const struct vnl_nsg *nsg)
{
    add(list, VNL_TYPE_NSG, nsg->id, NULL, nsg->name)->nsg = nsg;
    for (size_t i = 0; i < nsg->n_rules; i++)
        add(list, VNL_TYPE_RULE, nsg->rules[i]->id, nsg->name, nsg->rules[i]->name)->rule = nsg->rules[i];
}

static void add_outside(struct vnl_resources *list, const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_route_tables; i++) {
        const struct vnl_udr_table *table = lab->route_tables[i];

        add(list, VNL_TYPE_ROUTE_TABLE, table->id, NULL, table->name)->udr_table = table;
        for (size_t k = 0; k < table->n_udrs; k++)
            add(list, VNL_TYPE_ROUTE, table->udrs[k]->id, table->name, table->udrs[k]->name)->udr =
                table->udrs[k];
    }
    for (size_t i = 0; i < lab->n_public_ips; i++)
        add(list, VNL_TYPE_PUBLIC_IP, lab->public_ips[i]->id, NULL, lab->public_ips[i]->name)->public_ip =
            lab->public_ips[i];
    for (size_t i = 0; i < lab->n_nat_gateways; i++)
        add(list, VNL_TYPE_NAT_GATEWAY, lab->nat_gateways[i]->id, NULL, lab->nat_gateways[i]->name)->nat =
            lab->nat_gateways[i];
    for (size_t i = 0; i < lab->n_lbs; i++)
        add(list, VNL_TYPE_BALANCER, lab->lbs[i]->id, NULL, lab->lbs[i]->name)->lb = lab->lbs[i];
    for (size_t i = 0; i < lab->n_hosts; i++) {
        if (!lab->hosts[i]->client)
            add(list, VNL_TYPE_HOST, lab->hosts[i]->id, NULL, lab->hosts[i]->name)->host = lab->hosts[i];
    }
}

static void add_site(struct vnl_resources *list, const struct vnl_site *site)
{
    add(list, VNL_TYPE_SITE, site->id, NULL, site->name)->site = site;
    for (size_t i = 0; i < site->n_hosts; i++) {
        struct vnl_resource *item = add(list, VNL_TYPE_SITE, NULL, NULL, site->hosts[i]->name);

        item->site = site;
        item->site_host = site->hosts[i];
    }
}

static void add_vpn(struct vnl_resources *list, const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_gateways; i++)
        add(list, VNL_TYPE_VPN_GATEWAY, lab->gateways[i]->id, NULL, lab->gateways[i]->name)->gateway =
            lab->gateways[i];
    for (size_t i = 0; i < lab->n_local_gateways; i++)
        add(list, VNL_TYPE_LOCAL_GATEWAY, lab->local_gateways[i]->id, NULL, lab->local_gateways[i]->name)
            ->local = lab->local_gateways[i];
    for (size_t i = 0; i < lab->n_connections; i++)
        add(list, VNL_TYPE_CONNECTION, lab->connections[i]->id, NULL, lab->connections[i]->name)->connection =
            lab->connections[i];
    for (size_t i = 0; i < lab->n_sites; i++)
        add_site(list, lab->sites[i]);
    for (size_t i = 0; i < lab->n_clients; i++)
        add(list, VNL_TYPE_CLIENT, lab->clients[i]->id, NULL, lab->clients[i]->name)->client =
            lab->clients[i];
}

int vnl_resources_build(const struct vnl_lab *lab, struct vnl_resources *ret, struct vnl_err **err)
{
    CLEANUP(vnl_resources_done)
    struct vnl_resources list = { .items = calloc(count_all(lab) + 1, sizeof(*list.items)) };

    if (!list.items)
        return vnl_fail(err, ENOMEM, "resources");
    for (size_t i = 0; i < lab->n_vnets; i++)
        add_vnet(&list, lab->vnets[i]);
    for (size_t i = 0; i < lab->n_vms; i++)
        add_vm(&list, lab->vms[i]);
    for (size_t i = 0; i < lab->n_nsgs; i++)
        add_nsg(&list, lab->nsgs[i]);
    for (size_t i = 0; i < lab->n_asgs; i++)
        add(&list, VNL_TYPE_ASG, lab->asgs[i]->id, NULL, lab->asgs[i]->name)->asg = lab->asgs[i];
    add_outside(&list, lab);
    add_vpn(&list, lab);
    for (size_t i = 0; i < list.n; i++) {
        if (!list.items[i].name)
            return vnl_fail(err, ENOMEM, "resources");
    }
    *ret = list;
    list = (struct vnl_resources){ 0 };
    return 0;
}

/* --- finding one ---------------------------------------------------------------------------------- */

/* Cuts "WORD/" off the front of *text when it is one of the type's names, in the plural or the singular. */
static bool cut_type(const char **text, enum vnl_type type)
{
    const char *names[] = { types[type].arm, types[type].brief };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        size_t len = strlen(names[i]), typed = strcspn(*text, "/");

        if ((typed == len || typed == len - 1) && (*text)[typed] == '/' &&
            !strncasecmp(*text, names[i], typed)) {
            *text += typed + 1;
            return true;
        }
    }
    return false;
}

static bool child_matches(const struct vnl_resource *item, const char *word)
{
    size_t parent_len = strcspn(item->name, "/");
    const char *child = item->name + parent_len + 1;

    (void)cut_type(&word, item->type == VNL_TYPE_RULE    ? VNL_TYPE_NSG
                          : item->type == VNL_TYPE_ROUTE ? VNL_TYPE_ROUTE_TABLE
                                                         : VNL_TYPE_VNET);
    if (strncasecmp(word, item->name, parent_len + 1) != 0)
        return false;
    word += parent_len + 1;
    (void)cut_type(&word, item->type);
    return !strcasecmp(word, child);
}

static bool matches(const struct vnl_resource *item, const char *word)
{
    if (*word == '/')
        return item->id && !strcasecmp(word, item->id);
    if (strchr(item->name, '/'))
        return child_matches(item, word);
    (void)cut_type(&word, item->type);
    return !strcasecmp(word, item->name);
}

static int fail_ambiguous(const struct vnl_resource *a, const struct vnl_resource *b, const char *word,
                          struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *hint = NULL;
    bool children = strchr(a->name, '/');

    /* A subnet and a peering of one virtual network may share a name; then only the long form tells them
     * apart. */
    if (children ? asprintf(&hint, "say %.*s/%s/%s or the same with %s", (int)strcspn(a->name, "/"), a->name,
                            types[a->type].brief, strchr(a->name, '/') + 1, types[b->type].brief) < 0
                 : asprintf(&hint, "say %s/%s or %s/%s", types[a->type].brief, a->name, types[b->type].brief,
                            b->name) < 0)
        hint = NULL;
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, hint, "'%s' is a %s and a %s", word,
                       types[a->type].noun, types[b->type].noun);
}

/* "virtual machine", "connection or site", "resource". What else has a guest goes without saying. */
static void format_kind(unsigned wanted, char buf[128])
{
    const unsigned vm = 1u << VNL_TYPE_VM;
    int left, len = 0;

    if (wanted & vm)
        wanted &= ~(VNL_GUEST_TYPES & ~vm);
    left = __builtin_popcount(wanted);
    if (left > 3) {
        (void)snprintf(buf, 128, "resource");
        return;
    }
    for (size_t i = 0; i < VNL_TYPE_MAX; i++) {
        if (!(wanted & 1u << i))
            continue;
        left--;
        len += snprintf(buf + len, 128 - (size_t)len, "%s%s", types[i].noun,
                        left > 1 ? ", "
                        : left   ? " or "
                                 : "");
    }
}

static int fail_missing(const struct vnl_resources *list, unsigned wanted, const char *lab, const char *word,
                        struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };
    char kind[128];

    format_kind(wanted, kind);
    for (size_t i = 0; i < list->n; i++) {
        if ((wanted & 1u << list->items[i].type) && vnl_names_add(&names, list->items[i].name) < 0)
            return vnl_fail(err, ENOMEM, "names of resources");
    }
    return vnl_cmd_not_found(err, kind, word, lab, &names);
}

int vnl_resource_find(const struct vnl_resources *list, unsigned wanted, const char *lab, const char *word,
                      const struct vnl_resource **ret, struct vnl_err **err)
{
    const struct vnl_resource *found = NULL;

    for (size_t i = 0; i < list->n; i++) {
        const struct vnl_resource *item = &list->items[i];

        if (!(wanted & 1u << item->type) || !matches(item, word))
            continue;
        if (found)
            return fail_ambiguous(found, item, word, err);
        found = item;
    }
    if (!found)
        return fail_missing(list, wanted, lab, word, err);
    *ret = found;
    return 0;
}
