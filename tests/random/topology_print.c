/* A topology as a lab file. */
#include "topology_parts.h"

#include <stdio.h>
#include <stdlib.h>

/* --- the lab file -------------------------------------------------------------------------------------------------------- */

static void print_subnets(FILE *out, const struct topology *t, int vnet)
{
    const char *comma = "";

    (void)fprintf(out, "    subnets: {");
    for (int i = 0; i < TOPOLOGY_SUBNETS; i++) {
        if (!topology_has_subnet(t, i) || t->subnets[i].vnet != vnet)
            continue;
        (void)fprintf(out, "%ss%d: {", comma, i);
        if (t->vnets[vnet].dual)
            (void)fprintf(out, "addressPrefixes: [%d.%d.%d.0/24, 'fd00:%x:0:%x::/64']",
                          topology_first_octet(t, i), topology_second_octet(t, i), i, vnet, i);
        else
            (void)fprintf(out, "addressPrefix: %d.%d.%d.0/24", topology_first_octet(t, i),
                          topology_second_octet(t, i), i);
        if (topology_has_nsg(t, t->subnets[i].nsg))
            (void)fprintf(out, ", networkSecurityGroup: nsg%d", t->subnets[i].nsg);
        if (topology_has_table(t, t->subnets[i].table))
            (void)fprintf(out, ", routeTable: rt%d", t->subnets[i].table);
        if (topology_has_internet(t) && t->subnets[i].nat)
            (void)fprintf(out, ", natGateway: nat%d", vnet);
        if (topology_has_internet(t) && t->subnets[i].is_private)
            (void)fprintf(out, ", defaultOutboundAccess: false");
        (void)fputc('}', out);
        comma = ", ";
    }
    (void)fprintf(out, "}\n");
}

static void print_vnet(FILE *out, const struct topology *t, int vnet)
{
    const char *comma = "";

    (void)fprintf(out, "  v%d:\n    addressSpace: [%d.%d.0.0/16", vnet, t->vnets[vnet].is_public ? 20 : 10,
                  vnet);
    if (t->vnets[vnet].second)
        (void)fprintf(out, ", 10.%d.0.0/16", vnet + 100);
    if (t->vnets[vnet].dual)
        (void)fprintf(out, ", 'fd00:%x::/48'", vnet);
    (void)fprintf(out, "]\n");
    if (t->vnets[vnet].timeout)
        (void)fprintf(out, "    flowTimeoutInMinutes: 5\n");
    print_subnets(out, t, vnet);
    (void)fprintf(out, "    peerings: {");
    for (int to = 0; to < TOPOLOGY_VNETS; to++) {
        int i = vnet * TOPOLOGY_VNETS + to;

        if (!topology_has_link(t, vnet, to))
            continue;
        (void)fprintf(
            out,
            "%sto-v%d: {remoteVirtualNetwork: v%d, allowVirtualNetworkAccess: %s, allowForwardedTraffic: %s}",
            comma, to, to, t->links[i].access ? "true" : "false", t->links[i].forwarded ? "true" : "false");
        comma = ",\n               ";
    }
    (void)fprintf(out, "}\n");
}

static void print_side(FILE *out, const char *word, const struct topology_side *side)
{
    if (!side->addr[0])
        (void)fprintf(out, ", %sApplicationSecurityGroups: [asg%d]", word, side->asg);
    else
        (void)fprintf(out, ", %sAddressPrefix%s: %s", word, side->addr[0] == '[' ? "es" : "", side->addr);
    (void)fprintf(out, ", %sPortRange%s: %s", word, side->ports[0] == '[' ? "s" : "", side->ports);
}

static void print_rule(FILE *out, const struct topology_rule *rule, int number)
{
    (void)fprintf(out, "      r%d: {priority: %d, direction: %s, access: %s, protocol: %s", number,
                  rule->priority, rule->inbound ? "Inbound" : "Outbound", rule->allow ? "Allow" : "Deny",
                  rule->proto);
    print_side(out, "source", &rule->source);
    print_side(out, "destination", &rule->destination);
    (void)fprintf(out, "}\n");
}

/* A key of the file that stands only when there is something below it. */
static void print_head(FILE *out, const char **head)
{
    if (*head)
        (void)fprintf(out, "%s:\n", *head);
    *head = NULL;
}

static void print_nsg(FILE *out, const struct topology *t, int nsg)
{
    const char *head = "    securityRules";

    (void)fprintf(out, "  nsg%d:\n    location: eastus\n", nsg);
    for (int i = 0; i < TOPOLOGY_RULES; i++) {
        if (!topology_has_rule(t, &t->nsgs[nsg].rules[i]))
            continue;
        print_head(out, &head);
        print_rule(out, &t->nsgs[nsg].rules[i], i);
    }
}

static void print_groups(FILE *out, const struct topology *t)
{
    const char *nsgs = "networkSecurityGroups", *asgs = "applicationSecurityGroups";

    for (int i = 0; i < TOPOLOGY_NSGS; i++) {
        if (!topology_has_nsg(t, i))
            continue;
        print_head(out, &nsgs);
        print_nsg(out, t, i);
    }
    for (int i = 0; i < TOPOLOGY_ASGS; i++) {
        if (!topology_has_asg(t, i))
            continue;
        print_head(out, &asgs);
        (void)fprintf(out, "  asg%d: {}\n", i);
    }
}

/* The address of a VM that is not there, or of one that never was: a dead next hop. */
static void print_route(FILE *out, const struct topology *t, const struct topology_route *route, int number)
{
    char addr[64];

    (void)fprintf(out, "      u%d: {addressPrefix: '%s', nextHopType: %s", number, route->prefix,
                  topology_hop_str(route->hop));
    if (route->vm == -2)
        topology_frontend_address(t, addr);
    else if (route->vm >= 0)
        topology_vm_address(t, route->vm, route->v6, addr);
    else
        (void)snprintf(addr, sizeof(addr), route->v6 ? "fd00::dead" : "10.0.0.222");
    if (route->hop == TOPOLOGY_HOP_APPLIANCE)
        (void)fprintf(out, ", nextHopIpAddress: '%s'", addr);
    (void)fprintf(out, "}\n");
}

static void print_tables(FILE *out, const struct topology *t)
{
    const char *tables = "routeTables";

    for (int i = 0; i < TOPOLOGY_TABLES; i++) {
        const char *routes = "    routes";

        if (!topology_has_table(t, i))
            continue;
        print_head(out, &tables);
        (void)fprintf(out, "  rt%d:\n    location: eastus\n    disableBgpRoutePropagation: %s\n", i,
                      t->tables[i].no_bgp ? "true" : "false");
        for (int k = 0; k < TOPOLOGY_ROUTES; k++) {
            if (t->tables[i].routes[k].state != TOPOLOGY_THERE)
                continue;
            print_head(out, &routes);
            print_route(out, t, &t->tables[i].routes[k], k);
        }
    }
}

static void print_vm(FILE *out, const struct topology *t, int vm)
{
    int vnet = t->subnets[t->vms[vm].subnet].vnet;
    const char *comma = "";
    char v4[64], v6[64];

    topology_vm_address(t, vm, false, v4);
    topology_vm_address(t, vm, true, v6);
    (void)fprintf(out, "  vm%d: {subnet: v%d/s%d, privateIPAddress: ", vm, vnet, t->vms[vm].subnet);
    (void)fprintf(out, t->vnets[vnet].dual ? "[%s, '%s']" : "%s", v4, v6);
    if (topology_has_nsg(t, t->vms[vm].nsg))
        (void)fprintf(out, ", networkSecurityGroup: nsg%d", t->vms[vm].nsg);
    if (topology_has_internet(t) && t->vms[vm].is_public)
        (void)fprintf(out, ", publicIPAddress: pip%d", vm);
    if (t->vms[vm].nic_forwards)
        (void)fprintf(out, ", enableIPForwarding: true");
    if (t->vms[vm].guest_forwards)
        (void)fprintf(out, ", ipForward: true");
    for (int i = 0; i < TOPOLOGY_ASGS; i++) {
        if (!(t->vms[vm].asgs >> i & 1) || !topology_has_asg(t, i))
            continue;
        (void)fprintf(out, "%sasg%d", *comma ? comma : ", applicationSecurityGroups: [", i);
        comma = ", ";
    }
    (void)fprintf(out, "%s}\n", *comma ? "]" : "");
}

static bool has_nat(const struct topology *t, int vnet)
{
    for (int i = 0; i < TOPOLOGY_SUBNETS; i++) {
        if (topology_has_subnet(t, i) && t->subnets[i].vnet == vnet && t->subnets[i].nat)
            return true;
    }
    return false;
}

static void print_outside(FILE *out, const struct topology *t)
{
    const char *publics = "publicIPAddresses", *gateways = "natGateways";

    (void)fprintf(out, "internet: {hosts: {h0: {address: 203.0.113.80}}}\n");
    for (int i = 0; i < TOPOLOGY_VMS; i++) {
        if (!topology_has_vm(t, i) || !t->vms[i].is_public)
            continue;
        print_head(out, &publics);
        (void)fprintf(out, "  pip%d: {location: eastus, sku: %s, ipAddress: 198.51.100.%d}\n", i,
                      t->vms[i].basic ? "Basic" : "Standard", 10 + i);
    }
    for (int i = 0; i < TOPOLOGY_VNETS; i++) {
        if (!has_nat(t, i))
            continue;
        print_head(out, &publics);
        (void)fprintf(out, "  natip%d: {location: eastus, sku: Standard, ipAddress: 198.51.100.%d}\n", i,
                      100 + i);
    }
    for (int i = 0; i < TOPOLOGY_VNETS; i++) {
        if (!has_nat(t, i))
            continue;
        print_head(out, &gateways);
        (void)fprintf(out, "  nat%d: {location: eastus, publicIpAddresses: [natip%d]}\n", i, i);
    }
}

static void print_balancer(FILE *out, const struct topology *t)
{
    int vm = t->balancer.vm, subnet = t->vms[vm].subnet;
    char addr[64];

    topology_frontend_address(t, addr);
    (void)fprintf(out,
                  "loadBalancers:\n  lb:\n    location: eastus\n    sku: %s\n"
                  "    frontendIPConfigurations: {fe: {subnet: v%d/s%d, privateIPAddress: %s}}\n"
                  "    backendAddressPools: {pool: [vm%d]}\n    loadBalancingRules:\n",
                  t->balancer.basic ? "Basic" : "Standard", t->subnets[subnet].vnet, subnet, addr, vm);
    if (t->balancer.all_ports)
        (void)fprintf(out, "      all: {protocol: All, frontendPort: 0, backendPort: 0}\n");
    else
        (void)fprintf(out, "      web: {protocol: Tcp, frontendPort: 80, backendPort: 80}\n"
                           "      names: {protocol: Udp, frontendPort: 53, backendPort: 5000}\n");
}

char *topology_print(const struct topology *t, const char *name)
{
    const char *vms = "virtualMachines";
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        abort();
    (void)fprintf(out, "name: %s\nsemantics: {peeringAccess: %s, peeringForwarded: %s}\nvnets:\n", name,
                  t->tag_only ? "tag-only" : "documented", t->forwarded_tag_only ? "tag-only" : "strict");
    for (int i = 0; i < TOPOLOGY_VNETS; i++) {
        if (t->vnets[i].state == TOPOLOGY_THERE)
            print_vnet(out, t, i);
    }
    print_groups(out, t);
    print_tables(out, t);
    if (topology_has_internet(t))
        print_outside(out, t);
    if (topology_has_balancer(t))
        print_balancer(out, t);
    for (int i = 0; i < TOPOLOGY_VMS; i++) {
        if (!topology_has_vm(t, i))
            continue;
        print_head(out, &vms);
        print_vm(out, t, i);
    }
    if (fclose(out) != 0)
        abort();
    return text;
}
