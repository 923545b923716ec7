/* What `vnetlab set` can set: for each kind of resource its keys, and how what they said before is cleared. */
#include "lab_set.h"

#include <stdlib.h>

/* --- what can be set ---------------------------------------------------------------------------------- */

static void clear_ref(char **ref)
{
    free(*ref);
    *ref = NULL;
}

static void clear_space(void *resource)
{
    vnl_prefixes_done(&((struct vnl_vnet *)resource)->space);
}

static void clear_flow_timeout(void *resource)
{
    ((struct vnl_vnet *)resource)->flow_timeout_min = 0;
}

static void clear_prefixes(void *resource)
{
    vnl_prefixes_done(&((struct vnl_subnet *)resource)->prefixes);
}

static void clear_subnet_nsg(void *resource)
{
    clear_ref(&((struct vnl_subnet *)resource)->nsg_ref);
    ((struct vnl_subnet *)resource)->nsg = NULL;
}

static void clear_local_subnets(void *resource)
{
    vnl_names_done(&((struct vnl_peering *)resource)->local_subnets);
}

static void clear_remote_subnets(void *resource)
{
    vnl_names_done(&((struct vnl_peering *)resource)->remote_subnets);
}

static void clear_run(void *resource)
{
    vnl_names_done(&((struct vnl_vm *)resource)->run);
}

static void clear_asgs(struct vnl_names *refs, struct vnl_asg ***asgs, size_t *n_asgs)
{
    vnl_names_done(refs);
    free(*asgs);
    *asgs = NULL;
    *n_asgs = 0;
}

static void clear_route_table(void *resource)
{
    clear_ref(&((struct vnl_subnet *)resource)->route_table_ref);
    ((struct vnl_subnet *)resource)->route_table = NULL;
}

static void clear_nic_nsg(void *resource)
{
    struct vnl_nic *nic = resource;

    clear_ref(&nic->nsg_ref);
    nic->nsg = NULL;
}

static void clear_nic_asgs(void *resource)
{
    struct vnl_nic *nic = resource;

    clear_asgs(&nic->asg_refs, &nic->asgs, &nic->n_asgs);
}

/* Static becomes dynamic, and keeps its address until another one is written (spec 1.4). */
static void clear_config_address(void *resource)
{
    ((struct vnl_ip_config *)resource)->is_static = false;
}

/* Of the configurations that the NIC's own key writes: the primary one and that of IPv6. */
static void clear_nic_address(void *resource)
{
    struct vnl_nic *nic = resource;

    for (size_t i = 0; i < nic->n_configs; i++) {
        if (i == 0 || nic->configs[i].family == AF_INET6)
            clear_config_address(&nic->configs[i]);
    }
}

static void clear_vm_nsg(void *resource)
{
    clear_nic_nsg(((struct vnl_vm *)resource)->nics[0]);
}

static void clear_vm_asgs(void *resource)
{
    clear_nic_asgs(((struct vnl_vm *)resource)->nics[0]);
}

static void clear_vm_address(void *resource)
{
    clear_nic_address(((struct vnl_vm *)resource)->nics[0]);
}

static void clear_next_hop(void *resource)
{
    ((struct vnl_udr *)resource)->next_hop = (struct vnl_addr){ 0 };
}

/* Another type has no address: it goes with the old one. */
static void drop_next_hop(void *resource)
{
    if (((struct vnl_udr *)resource)->hop != VNL_UDR_APPLIANCE)
        clear_next_hop(resource);
}

/* Addresses, tag and ASGs are one thing: who is meant. Naming somebody else replaces all of it. */
static void clear_side(struct vnl_rule_side *side)
{
    vnl_prefixes_done(&side->prefixes);
    clear_asgs(&side->asg_refs, &side->asgs, &side->n_asgs);
    side->any = side->plural = false;
    side->tag = VNL_TAG_NONE;
    side->n_tags = 0;
}

static void clear_ports(struct vnl_rule_side *side)
{
    vnl_ports_done(&side->ports);
    side->any_port = side->plural_ports = false;
}

static void clear_source(void *resource)
{
    clear_side(&((struct vnl_rule *)resource)->source);
}

static void clear_destination(void *resource)
{
    clear_side(&((struct vnl_rule *)resource)->destination);
}

static void clear_source_ports(void *resource)
{
    clear_ports(&((struct vnl_rule *)resource)->source);
}

static void clear_destination_ports(void *resource)
{
    clear_ports(&((struct vnl_rule *)resource)->destination);
}

static void clear_description(void *resource)
{
    clear_ref(&((struct vnl_rule *)resource)->description);
}

static const struct vnl_settable subnet_settable[] = {
    { "addressPrefix", clear_prefixes },          { "addressPrefixes", clear_prefixes },
    { "networkSecurityGroup", clear_subnet_nsg }, { "routeTable", clear_route_table },
    { "natGateway", vnl_set_clear_nat },          { "defaultOutboundAccess", vnl_set_clear_outbound },
};

static const struct vnl_settable peering_settable[] = {
    { "remoteVirtualNetwork", NULL },
    { "allowVirtualNetworkAccess", NULL },
    { "allowForwardedTraffic", NULL },
    { "allowGatewayTransit", NULL },
    { "useRemoteGateways", NULL },
    { "doNotVerifyRemoteGateways", NULL },
    { "peerCompleteVnets", NULL },
    { "enableOnlyIPv6Peering", NULL },
    { "localSubnetNames", clear_local_subnets },
    { "remoteSubnetNames", clear_remote_subnets },
};

static const struct vnl_settable vnet_settable[] = {
    { "addressSpace", clear_space },
    { "flowTimeoutInMinutes", clear_flow_timeout },
    { "dnsServers", vnl_set_clear_dns },
};

static const struct vnl_settable vm_settable[] = {
    { "subnet", NULL, .of_nic = true },
    { "privateIPAddress", clear_vm_address, .of_nic = true },
    { "enableIPForwarding", NULL, .of_nic = true },
    { "ipForward", NULL },
    { "run", clear_run },
    { "bandwidth", vnl_set_clear_bandwidth },
    { "publicIPAddress", vnl_set_clear_vm_public, .of_nic = true },
    { "networkSecurityGroup", clear_vm_nsg, .of_nic = true },
    { "applicationSecurityGroups", clear_vm_asgs, .of_nic = true },
};

static const struct vnl_settable nic_settable[] = {
    { "subnet", NULL },
    { "privateIPAddress", clear_nic_address },
    { "enableIPForwarding", NULL },
    { "publicIPAddress", vnl_set_clear_nic_public },
    { "networkSecurityGroup", clear_nic_nsg },
    { "applicationSecurityGroups", clear_nic_asgs },
};

static const struct vnl_settable config_settable[] = {
    { "privateIPAddress", clear_config_address },
    { "publicIPAddress", vnl_set_clear_config_public },
};

static const struct vnl_settable table_settable[] = {
    { "disableBgpRoutePropagation", NULL },
};

static const struct vnl_settable udr_settable[] = {
    { "addressPrefix", NULL },
    { "nextHopType", NULL, .after = drop_next_hop },
    { "nextHopIpAddress", clear_next_hop },
};

static const struct vnl_settable rule_settable[] = {
    { "priority", NULL },
    { "direction", NULL },
    { "access", NULL },
    { "protocol", NULL },
    { "sourceAddressPrefix", clear_source },
    { "sourceAddressPrefixes", clear_source },
    { "sourceApplicationSecurityGroups", clear_source },
    { "sourcePortRange", clear_source_ports },
    { "sourcePortRanges", clear_source_ports },
    { "destinationAddressPrefix", clear_destination },
    { "destinationAddressPrefixes", clear_destination },
    { "destinationApplicationSecurityGroups", clear_destination },
    { "destinationPortRange", clear_destination_ports },
    { "destinationPortRanges", clear_destination_ports },
    { "description", clear_description },
};

/* --- where it is ------------------------------------------------------------------------------------- */

static void *vnet_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_vnets ? (*ret_name = lab->vnets[i]->name, lab->vnets[i]) : NULL;
}

static void *subnet_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_vnet *vnet = parent;

    return i < vnet->n_subnets ? (*ret_name = vnet->subnets[i]->name, vnet->subnets[i]) : NULL;
}

static void *peering_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_vnet *vnet = parent;

    return i < vnet->n_peerings ? (*ret_name = vnet->peerings[i]->name, vnet->peerings[i]) : NULL;
}

static void *vm_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_vms ? (*ret_name = lab->vms[i]->name, lab->vms[i]) : NULL;
}

static void *nsg_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_nsgs ? (*ret_name = lab->nsgs[i]->name, lab->nsgs[i]) : NULL;
}

static void *rule_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_nsg *nsg = parent;

    return i < nsg->n_rules ? (*ret_name = nsg->rules[i]->name, nsg->rules[i]) : NULL;
}

/* All of the lab, whichever VM has them. */
static void *nic_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    for (size_t k = 0; k < lab->n_vms; k++) {
        const struct vnl_vm *vm = lab->vms[k];

        if (i < vm->n_nics)
            return *ret_name = vm->nics[i]->name, vm->nics[i];
        i -= vm->n_nics;
    }
    return NULL;
}

static void *nic_of_vm_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_vm *vm = parent;

    return i < vm->n_nics ? (*ret_name = vm->nics[i]->name, vm->nics[i]) : NULL;
}

static void *config_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_nic *nic = parent;

    return i < nic->n_configs ? (*ret_name = nic->configs[i].name, &nic->configs[i]) : NULL;
}

static void *table_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_route_tables ? (*ret_name = lab->route_tables[i]->name, lab->route_tables[i]) : NULL;
}

static void *udr_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_udr_table *table = parent;

    return i < table->n_udrs ? (*ret_name = table->udrs[i]->name, table->udrs[i]) : NULL;
}

static void add_udr(struct vnl_loading *l, void *parent, const char *name, const struct vnl_yaml *value)
{
    struct vnl_udr *udr = vnl_udr_add(parent, name, &value->src, &l->mistakes);

    if (udr)
        vnl_lab_read_udr(l, udr, value);
}

static void remove_udr(void *member)
{
    vnl_udr_remove(member);
}

static void remove_rule(void *member)
{
    vnl_rule_remove(member);
}

static void add_rule(struct vnl_loading *l, void *parent, const char *name, const struct vnl_yaml *value)
{
    struct vnl_rule *rule = vnl_rule_add(parent, name, &value->src, &l->mistakes);

    if (rule)
        vnl_lab_read_rule(l, rule, value);
}

#define SETTABLE(table) .settable = (table), .n_settable = ARRAY_SIZE(table)
#define CHILDREN(table) .children = (table), .n_children = ARRAY_SIZE(table)

static const struct vnl_set_level vnet_children[] = {
    { { "subnets" }, "subnet", &vnl_lab_subnet_keys, SETTABLE(subnet_settable), .member = subnet_at },
    { { "virtualNetworkPeerings", "peerings" },
      "peering",
      &vnl_lab_peering_keys,
      SETTABLE(peering_settable),
      .member = peering_at },
};

static const struct vnl_set_level table_children[] = {
    { { "routes" },
      "route",
      &vnl_lab_udr_keys,
      SETTABLE(udr_settable),
      .member = udr_at,
      .add = add_udr,
      .remove = remove_udr },
};

static const struct vnl_set_level nic_children[] = {
    { { "ipConfigurations", "configs" },
      "ip configuration",
      &vnl_lab_config_keys,
      SETTABLE(config_settable),
      .member = config_at },
};

static const struct vnl_set_level vm_children[] = {
    { { "networkInterfaces", "nics" },
      "network interface",
      &vnl_lab_nic_keys,
      SETTABLE(nic_settable),
      .member = nic_of_vm_at,
      CHILDREN(nic_children) },
};

static const struct vnl_set_level nsg_children[] = {
    { { "securityRules", "rules" },
      "security rule",
      &vnl_lab_rule_keys,
      SETTABLE(rule_settable),
      .member = rule_at,
      .add = add_rule,
      .remove = remove_rule },
};

const struct vnl_set_level vnl_set_sections[] = {
    { { "virtualNetworks", "vnets" },
      "virtual network",
      &vnl_lab_vnet_keys,
      SETTABLE(vnet_settable),
      .member = vnet_at,
      CHILDREN(vnet_children) },
    { { "virtualMachines", "vms" },
      "virtual machine",
      &vnl_lab_vm_keys,
      SETTABLE(vm_settable),
      .member = vm_at,
      CHILDREN(vm_children) },
    { { "networkInterfaces", "nics" },
      "network interface",
      &vnl_lab_nic_keys,
      SETTABLE(nic_settable),
      .member = nic_at,
      CHILDREN(nic_children) },
    { { "routeTables" },
      "route table",
      &vnl_lab_udr_table_keys,
      SETTABLE(table_settable),
      .member = table_at,
      CHILDREN(table_children) },
    { { "publicIPAddresses", "publicips" },
      "public IP address",
      &vnl_lab_public_keys,
      SETTABLE(vnl_set_public_keys),
      .member = vnl_set_public_at },
    { { "natGateways", "nats" },
      "NAT gateway",
      &vnl_lab_nat_keys,
      SETTABLE(vnl_set_nat_keys),
      .member = vnl_set_nat_at },
    { { "loadBalancers", "lbs" },
      "load balancer",
      &vnl_lab_lb_keys,
      .member = vnl_set_lb_at,
      CHILDREN(vnl_set_lb_children) },
    { { "virtualNetworkGateways", "gateways" },
      "virtual network gateway",
      &vnl_lab_gateway_keys,
      SETTABLE(vnl_set_gateway_keys),
      .member = vnl_set_gateway_at },
    { { "localNetworkGateways", "localgateways" },
      "local network gateway",
      &vnl_lab_local_keys,
      SETTABLE(vnl_set_local_keys),
      .member = vnl_set_local_at },
    { { "connections" },
      "connection",
      &vnl_lab_connection_keys,
      SETTABLE(vnl_set_connection_keys),
      .member = vnl_set_connection_at },
    { { "sites" }, "site", &vnl_lab_site_keys, SETTABLE(vnl_set_site_keys), .member = vnl_set_site_at },
    { { "networkSecurityGroups", "nsgs" },
      "network security group",
      &vnl_lab_nsg_keys,
      .member = nsg_at,
      CHILDREN(nsg_children) },
};
const size_t vnl_set_n_sections = ARRAY_SIZE(vnl_set_sections);
