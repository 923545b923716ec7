/* `set`: one property of a stored lab, by its path. Each lab goes through its stored form first, as in the command. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../harness/plans.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/load.h"

static const char text[] =
    "location: eastus\n"
    "vnets:\n"
    "  aa: {addressSpace: [10.0.0.0/16], subnets: {s: {addressPrefix: 10.0.0.0/24, "
    "networkSecurityGroup: web}, t: {addressPrefix: 10.0.1.0/24, routeTable: rt}},\n"
    "      peerings: {a-to-b: {remoteVirtualNetwork: bb}}}\n"
    "  bb: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: {b-to-a: "
    "{remoteVirtualNetwork: aa}}}\n"
    "networkSecurityGroups:\n"
    "  web:\n"
    "    securityRules:\n"
    "      http: {priority: 100, direction: Inbound, access: Allow, protocol: Tcp, "
    "sourceAddressPrefix: Internet,\n"
    "             destinationPortRange: 80}\n"
    "      http.alt: {priority: 110, direction: Inbound, access: Allow, "
    "sourceApplicationSecurityGroups: [front],\n"
    "                 destinationPortRanges: [8080, 8443]}\n"
    "  spare: {}\n"
    "applicationSecurityGroups: {front: {}, back: {}}\n"
    "virtualMachines:\n"
    "  vm-1: {subnet: aa/s, applicationSecurityGroups: [front]}\n"
    "  vm-2: {subnet: bb/s, networkSecurityGroup: spare}\n"
    "  nva:\n"
    "    networkInterfaces:\n"
    "      nva-in: {subnet: aa/s, networkSecurityGroup: spare}\n"
    "      nva-out: {subnet: aa/t, ipConfigurations: {one: {privateIPAddress: 10.0.1.4}, two: {}}}\n"
    "routeTables:\n"
    "  rt:\n"
    "    routes:\n"
    "      all: {addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.1.4}\n"
    "      cut: {addressPrefix: 10.9.0.0/16, nextHopType: None}\n"
    "  other: {}\n"
    "publicIPAddresses: {pip: {}}\n"
    "loadBalancers: {ilb: {frontendIPConfigurations: {fe: {subnet: aa/s}}, backendAddressPools: {p: "
    "[vm-1]}}}\n";

static struct vnl_lab *stored(const struct vnl_lab *lab)
{
    struct vnl_json *json = NULL;
    struct vnl_lab *ret = NULL;

    assert_int_equal(vnl_lab_to_json(lab, &json, NULL), 0);
    assert_int_equal(vnl_lab_from_json(json, &ret, NULL), 0);
    vnl_json_free(&json);
    return ret;
}

/* What the command does before it saves. */
static int try_set(const char *path, const char *value, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *written = lab_of(text, NULL), *before = stored(written), *lab = stored(written);
    int r = vnl_lab_set(lab, path, value, err);

    if (r == 0)
        r = vnl_lab_resolve(lab, err);
    if (r == 0)
        r = vnl_lab_settle(lab, before, err);
    if (r == 0)
        *ret = TAKE_PTR(lab);
    return r;
}

static struct vnl_lab *set(const char *path, const char *value)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lab *lab = NULL;

    if (try_set(path, value, &lab, &err) < 0)
        fail_msg("set %s %s: %s", path, value, err->msg);
    return lab;
}

/* code NULL: a mistake of the path, not of ARM. */
static void assert_refused(const char *path, const char *value, const char *code, const char *msg,
                           const char *hint)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lab *lab = NULL;

    assert_int_equal(try_set(path, value, &lab, &err), -EINVAL);
    assert_null(lab);
    if (code)
        assert_string_equal(err->code, code);
    else
        assert_null(err->code);
    assert_non_null(strstr(err->msg, msg));
    if (hint)
        assert_string_equal(err->hint, hint);
}

static struct vnl_rule *rule_of(const struct vnl_lab *lab, const char *name)
{
    struct vnl_rule *rule = vnl_rule_lookup(vnl_nsg_lookup(lab, "web"), name);

    assert_non_null(rule);
    return rule;
}

static struct vnl_rule *rule_of_or_null(const struct vnl_lab *lab, const char *name)
{
    return vnl_rule_lookup(vnl_nsg_lookup(lab, "web"), name);
}

static struct vnl_subnet *subnet_of(const struct vnl_lab *lab, const char *name)
{
    return vnl_subnet_lookup(vnl_vnet_lookup(lab, "aa"), name);
}

static void rule_fields_change(void **state)
{
    struct vnl_lab *lab;

    (void)state;
    lab = set("nsgs.web.rules.http.access", "Deny");
    assert_int_equal(rule_of(lab, "http")->access, VNL_DENY);
    assert_int_equal(rule_of(lab, "http")->source.tag, VNL_TAG_INTERNET);
    vnl_lab_free(&lab);
    lab = set("networkSecurityGroups.WEB.securityRules.HTTP.priority", "4096");
    assert_int_equal(rule_of(lab, "http")->priority, 4096);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http.direction", "Outbound");
    assert_int_equal(rule_of(lab, "http")->direction, VNL_OUTBOUND);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http.protocol", "*");
    assert_int_equal(rule_of(lab, "http")->proto, VNL_RULE_ANY);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http.destinationPortRanges", "[80, 8000-8010]");
    assert_int_equal(rule_of(lab, "http")->destination.ports.n, 2);
    assert_int_equal(rule_of(lab, "http")->destination.ports.items[1].last, 8010);
    vnl_lab_free(&lab);
}

static void naming_somebody_else_replaces_the_whole_side(void **state)
{
    struct vnl_lab *lab = set("nsgs.web.rules.http.sourceAddressPrefix", "10.1.0.0/16");

    (void)state;
    assert_int_equal(rule_of(lab, "http")->source.tag, VNL_TAG_NONE);
    assert_int_equal(rule_of(lab, "http")->source.prefixes.n, 1);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http.sourceAddressPrefix", "*");
    assert_true(rule_of(lab, "http")->source.any);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http.sourceApplicationSecurityGroups", "[front]");
    assert_int_equal(rule_of(lab, "http")->source.n_asgs, 1);
    assert_int_equal(rule_of(lab, "http")->source.tag, VNL_TAG_NONE);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http.alt.sourceAddressPrefix", "VirtualNetwork"); /* a name with a dot */
    assert_int_equal(rule_of(lab, "http.alt")->source.n_asgs, 0);
    assert_int_equal(rule_of(lab, "http.alt")->source.tag, VNL_TAG_VIRTUAL_NETWORK);
    assert_int_equal(rule_of(lab, "http")->source.tag, VNL_TAG_INTERNET);
    vnl_lab_free(&lab);
}

static void groups_are_attached_and_taken_away(void **state)
{
    struct vnl_lab *lab = set("vnets.aa.subnets.t.networkSecurityGroup", "web");

    (void)state;
    assert_ptr_equal(subnet_of(lab, "t")->nsg, vnl_nsg_lookup(lab, "web"));
    vnl_lab_free(&lab);
    lab = set("vnets.aa.subnets.s.networkSecurityGroup", "null");
    assert_null(subnet_of(lab, "s")->nsg);
    assert_null(subnet_of(lab, "s")->nsg_ref);
    vnl_lab_free(&lab);
    lab = set("vms.vm-2.networkSecurityGroup", "web");
    assert_ptr_equal(vnl_vm_lookup(lab, "vm-2")->nics[0]->nsg, vnl_nsg_lookup(lab, "web"));
    vnl_lab_free(&lab);
    lab = set("virtualMachines.vm-2.networkSecurityGroup", "~");
    assert_null(vnl_vm_lookup(lab, "vm-2")->nics[0]->nsg);
    vnl_lab_free(&lab);
    lab = set("vms.vm-1.applicationSecurityGroups", "[back]");
    assert_int_equal(vnl_asg_lookup(lab, "front")->n_nics, 0);
    assert_int_equal(vnl_asg_lookup(lab, "back")->n_nics, 1);
    vnl_lab_free(&lab);
}

static void flags_and_address_spaces_change_as_by_the_file(void **state)
{
    struct vnl_lab *lab = set("vnets.aa.peerings.a-to-b.allowForwardedTraffic", "true");
    const struct vnl_peering *link = vnl_peering_lookup(vnl_vnet_lookup(lab, "aa"), "a-to-b");

    (void)state;
    assert_true(link->allow_forwarded_traffic && link->allow_vnet_access);
    assert_int_equal(link->state, VNL_PEERING_CONNECTED);
    vnl_lab_free(&lab);
    lab = set("virtualNetworks.bb.addressSpace", "[10.1.0.0/16, 10.9.0.0/16]");
    link = vnl_peering_lookup(vnl_vnet_lookup(lab, "aa"), "a-to-b");
    assert_int_equal(vnl_vnet_lookup(lab, "bb")->space.n, 2);
    assert_int_equal(link->remote_space.n, 1); /* not synced yet: spec 2.4 */
    assert_int_equal(link->sync, VNL_SYNC_LOCAL);
    vnl_lab_free(&lab);
    lab = set("vms.vm-1.enableIPForwarding", "true");
    assert_true(vnl_vm_lookup(lab, "vm-1")->nics[0]->ip_forwarding);
    vnl_lab_free(&lab);
    lab = set("vms.vm-1.privateIPAddress", "10.0.0.77");
    assert_true(vnl_vm_lookup(lab, "vm-1")->nics[0]->configs[0].is_static);
    vnl_lab_free(&lab);
    lab = set("vnets.aa.flowTimeoutInMinutes", "10");
    assert_int_equal(vnl_vnet_lookup(lab, "aa")->flow_timeout_min, 10);
    vnl_lab_free(&lab);
}

static void rule_is_made_and_changed_as_a_whole(void **state)
{
    struct vnl_lab *lab =
        set("nsgs.spare.rules.ping", "{priority: 200, direction: Inbound, access: Allow, protocol: Icmp}");
    const struct vnl_rule *rule = vnl_rule_lookup(vnl_nsg_lookup(lab, "spare"), "ping");

    (void)state;
    assert_int_equal(rule->proto, VNL_RULE_ICMP);
    assert_true(rule->source.any && rule->destination.any_port);
    assert_true(rule->slot != VNL_SLOT_NONE);
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http", "{access: Deny, destinationPortRanges: [81, 82]}");
    rule = rule_of(lab, "http");
    assert_int_equal(rule->access, VNL_DENY);
    assert_int_equal(rule->priority, 100);
    assert_int_equal(rule->destination.ports.n, 2);
    vnl_lab_free(&lab);
}

static void rules_are_deleted(void **state)
{
    struct vnl_lab *lab = set("nsgs.web.rules.http", "null");

    (void)state;
    assert_null(rule_of_or_null(lab, "http"));
    assert_int_equal(vnl_nsg_lookup(lab, "web")->n_rules, 1);
    assert_string_equal(rule_of(lab, "http.alt")->name, "http.alt");
    vnl_lab_free(&lab);
    lab = set("networkSecurityGroups.web.securityRules.HTTP.ALT", "~");
    assert_null(rule_of_or_null(lab, "http.alt"));
    vnl_lab_free(&lab);
    lab = set("nsgs.web.rules.http", ""); /* no word is no wish */
    assert_int_equal(vnl_nsg_lookup(lab, "web")->n_rules, 2);
    vnl_lab_free(&lab);
    assert_refused("nsgs.web.rules.htpt", "null", NULL, "there is no security rule 'htpt'",
                   "did you mean 'nsgs.web.rules.http'?");
    assert_refused("nsgs.web", "null", NULL, "a network security group cannot be deleted here",
                   "edit the lab file, then say 'vnetlab up FILE'");
    assert_refused("vnets.aa.subnets.s", "null", NULL, "a subnet cannot be deleted here",
                   "edit the lab file, then say 'vnetlab up FILE'");
}

static const struct vnl_udr *udr_of(const struct vnl_lab *lab, const char *name)
{
    return vnl_udr_lookup(vnl_udr_table_lookup(lab, "rt"), name);
}

static const char *hop_text(const struct vnl_udr *udr)
{
    static char words[80];
    char addr[VNL_ADDR_STR];

    (void)snprintf(words, sizeof(words), "%s %s", vnl_udr_hop_str(udr->hop),
                   udr->next_hop.family ? vnl_addr_format(&udr->next_hop, addr) : "-");
    return words;
}

static void routes_change(void **state)
{
    struct vnl_lab *lab = set("routetables.rt.routes.all.nextHopIpAddress", "10.0.1.5");
    char prefix[VNL_PREFIX_STR];

    (void)state;
    assert_string_equal(hop_text(udr_of(lab, "all")), "VirtualAppliance 10.0.1.5");
    vnl_lab_free(&lab);
    lab = set("routeTables.RT.routes.ALL.nexthoptype", "none"); /* another type has no address */
    assert_string_equal(hop_text(udr_of(lab, "all")), "None -");
    vnl_lab_free(&lab);
    lab = set("routetables.rt.routes.all.nextHopType", "VirtualAppliance");
    assert_string_equal(hop_text(udr_of(lab, "all")), "VirtualAppliance 10.0.1.4");
    vnl_lab_free(&lab);
    lab = set("routetables.rt.routes.cut", "{nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.4}");
    assert_string_equal(hop_text(udr_of(lab, "cut")), "VirtualAppliance 10.0.0.4");
    vnl_lab_free(&lab);
    lab = set("routetables.rt.routes.all", "{nextHopType: Internet, nextHopIpAddress: null}");
    assert_string_equal(hop_text(udr_of(lab, "all")), "Internet -");
    vnl_lab_free(&lab);
    lab = set("routetables.rt.routes.cut.addressPrefix", "10.8.0.0/16");
    assert_string_equal(vnl_prefix_format(&udr_of(lab, "cut")->prefix, prefix), "10.8.0.0/16");
    vnl_lab_free(&lab);
    lab = set("routetables.rt.disableBgpRoutePropagation", "true");
    assert_true(vnl_udr_table_lookup(lab, "rt")->disable_bgp);
    vnl_lab_free(&lab);
}

static void routes_come_and_go(void **state)
{
    struct vnl_lab *lab =
        set("routetables.rt.routes.to-b", "{addressPrefix: 10.1.0.0/16, nextHopType: VnetLocal}");

    (void)state;
    assert_int_equal(vnl_udr_table_lookup(lab, "rt")->n_udrs, 3);
    assert_string_equal(hop_text(udr_of(lab, "to-b")), "VnetLocal -");
    vnl_lab_free(&lab);
    lab = set("routetables.rt.routes.all", "null");
    assert_int_equal(vnl_udr_table_lookup(lab, "rt")->n_udrs, 1);
    assert_null(udr_of(lab, "all"));
    assert_non_null(udr_of(lab, "cut"));
    vnl_lab_free(&lab);
    lab = set("vnets.aa.subnets.s.routeTable", "rt");
    assert_int_equal(vnl_udr_table_lookup(lab, "rt")->n_subnets, 2);
    vnl_lab_free(&lab);
    lab = set("vnets.aa.subnets.t.routeTable", "other");
    assert_int_equal(vnl_udr_table_lookup(lab, "rt")->n_subnets, 0);
    assert_ptr_equal(subnet_of(lab, "t")->route_table, vnl_udr_table_lookup(lab, "other"));
    vnl_lab_free(&lab);
    lab = set("vnets.aa.subnets.t.routeTable", "null");
    assert_null(subnet_of(lab, "t")->route_table);
    assert_null(subnet_of(lab, "t")->route_table_ref);
    vnl_lab_free(&lab);
}

static void wrong_routes_are_refused(void **state)
{
    (void)state;
    assert_refused("routetables.othr.disableBgpRoutePropagation", "true", NULL,
                   "there is no route table 'othr'", "did you mean 'routetables.other'?");
    assert_refused("routetable.rt.disableBgpRoutePropagation", "true", NULL,
                   "there is no section 'routetable'", "did you mean 'routeTables'?");
    assert_refused("routetables.rt.routes.cot", "null", NULL, "there is no route 'cot'",
                   "did you mean 'routetables.rt.routes.cut'?");
    assert_refused("routetables.rt.routes.all.nextHopIpAdress", "10.0.0.4", NULL,
                   "there is no property 'nextHopIpAdress'",
                   "did you mean 'routetables.rt.routes.all.nextHopIpAddress'?");
    assert_refused("routetables.rt.routes.all.nextHopIpAddress", "null", "BadRequest",
                   "NextHopIpAddress cannot be Null or Empty in route all",
                   "such as 'nextHopIpAddress: 10.0.1.4'");
    assert_refused("routetables.rt.routes.all.nextHopType", "VNetPeering", "InvalidRequestContent",
                   "'nextHopType' cannot be VNetPeering", NULL);
    assert_refused("routetables.rt.routes.cut.addressPrefix", "0.0.0.0/0", "BadRequest",
                   "has the address prefix 0.0.0.0/0 of another route", NULL);
    assert_refused("routetables.rt.routes.new", "{addressPrefix: 10.1.0.0/16}", NULL,
                   "'nextHopType' is missing", NULL);
    assert_refused("routetables.rt.location", "westus", NULL, "'location' of a route table cannot be set",
                   NULL);
    assert_refused("vnets.aa.subnets.t.routeTable", "othr", "InvalidResourceReference",
                   "Route table 'othr' referenced by subnet 't' was not found", "did you mean 'other'?");
}

/* nics: [0] is nva-in, [1] nva-out. */
static const struct vnl_nic *nva_nic(const struct vnl_lab *lab, size_t i)
{
    return vnl_vm_lookup(lab, "nva")->nics[i];
}

static void nics_change_by_their_names(void **state)
{
    struct vnl_lab *lab = set("nics.nva-out.enableIPForwarding", "true");
    char addr[VNL_ADDR_STR];

    (void)state;
    assert_true(nva_nic(lab, 1)->ip_forwarding && !nva_nic(lab, 0)->ip_forwarding);
    vnl_lab_free(&lab);
    lab = set("vms.nva.nics.nva-in.enableIPForwarding", "true");
    assert_true(nva_nic(lab, 0)->ip_forwarding && !nva_nic(lab, 1)->ip_forwarding);
    vnl_lab_free(&lab);
    lab = set("vms.nva.ipForward", "true");
    assert_true(vnl_vm_lookup(lab, "nva")->ip_forward);
    vnl_lab_free(&lab);
    lab = set("networkInterfaces.vm-1-nic.networkSecurityGroup", "web");
    assert_ptr_equal(vnl_vm_lookup(lab, "vm-1")->nics[0]->nsg, vnl_nsg_lookup(lab, "web"));
    vnl_lab_free(&lab);
    lab = set("nics.nva-in.networkSecurityGroup", "null");
    assert_null(nva_nic(lab, 0)->nsg);
    vnl_lab_free(&lab);
    lab = set("nics.nva-out.ipConfigurations.two.privateIPAddress", "10.0.1.99");
    assert_string_equal(vnl_addr_format(&nva_nic(lab, 1)->configs[1].addr, addr), "10.0.1.99");
    vnl_lab_free(&lab);
    lab = set("nics.nva-out.privateIPAddress", "10.0.1.98");
    assert_string_equal(vnl_addr_format(&nva_nic(lab, 1)->configs[0].addr, addr), "10.0.1.98");
    vnl_lab_free(&lab);
    lab = set("nics.nva-out.ipConfigurations.one.privateIPAddress", "null"); /* keeps it: spec 1.4 */
    assert_false(nva_nic(lab, 1)->configs[0].is_static);
    assert_string_equal(vnl_addr_format(&nva_nic(lab, 1)->configs[0].addr, addr), "10.0.1.4");
    vnl_lab_free(&lab);
}

static void wrong_nics_are_refused(void **state)
{
    (void)state;
    assert_refused("vms.nva.enableIPForwarding", "true", NULL,
                   "'enableIPForwarding' belongs to the network interfaces of virtual machine 'nva'",
                   "such as 'nics.nva-in.enableIPForwarding'");
    assert_refused("nics.nva-inn.enableIPForwarding", "true", NULL, "there is no network interface 'nva-inn'",
                   "did you mean 'nics.nva-in'?");
    assert_refused("nics.nva-in.ipForwarding", "true", NULL, "there is no property 'ipForwarding'",
                   "did you mean 'nics.nva-in.enableIPForwarding'?");
    assert_refused("nics.nva-out.ipConfigurations.tow.privateIPAddress", "10.0.1.9", NULL,
                   "there is no ip configuration 'tow'", "did you mean 'nics.nva-out.ipConfigurations.two'?");
    assert_refused("nics.nva-out.ipConfigurations.two.privateIPAddress", "fd00::4", NULL,
                   "'privateIPAddress' must be an IPv4 address, not 'fd00::4'", NULL);
    assert_refused("nics.nva-in.primary", "true", NULL, "'primary' of a network interface cannot be set",
                   NULL);
}

static void nothing_else_changes(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *written = lab_of(text, NULL), *lab = set("nsgs.web.rules.http.access", "Allow");
    CLEANUP(vnl_plan_free) struct vnl_plan *before = plan_of_lab(written), *after = plan_of_lab(lab);
    CLEANUP(vnl_str_free) char *a = print_of(before);
    CLEANUP(vnl_str_free) char *b = print_of(after);

    (void)state;
    assert_string_equal(a, b);
}

static void wrong_path_is_answered_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("nsg.web.rules.http.access", "Deny", NULL, "there is no section 'nsg'",
                   "did you mean 'nsgs'?");
    assert_refused("nsgs.wbe.rules.http.access", "Deny", NULL, "there is no network security group 'wbe'",
                   "did you mean 'nsgs.web'?");
    assert_refused("nsgs.web.rule.http.access", "Deny", NULL, "there is no property 'rule'",
                   "did you mean 'nsgs.web.rules'?");
    assert_refused("nsgs.web.rules.htpp.access", "Deny", NULL, "there is no security rule 'htpp'",
                   "did you mean 'nsgs.web.rules.http'?");
    assert_refused("nsgs.web.rules.http.acess", "Deny", NULL, "there is no property 'acess'",
                   "did you mean 'nsgs.web.rules.http.access'?");
    assert_refused("vnets.aa.peerings.a-to-b.allowForwardTraffic", "true", NULL,
                   "there is no property 'allowForwardTraffic'",
                   "did you mean 'vnets.aa.peerings.a-to-b.allowForwardedTraffic'?");
    assert_refused("vnets.aa.xyzzy", "1", NULL, "set 'vnets.aa.xyzzy': there is no property 'xyzzy'", NULL);
    assert_refused("vnets", "1", NULL, "the name of a virtual network is missing", NULL);
    assert_refused("vnets.aa", "1", NULL, "which property of the virtual network?", NULL);
    assert_refused("vnets.aa.location", "westus", NULL, "'location' of a virtual network cannot be set",
                   "edit the lab file, then say 'vnetlab up FILE'");
    assert_refused("", "1", NULL, "there is no section ''", NULL);
}

#define BY_FILE "edit the lab file, then say 'vnetlab up FILE'"

static void what_only_the_file_can_change_says_so(void **state)
{
    (void)state;
    assert_refused("internet.hosts.example.address", "203.0.113.9", NULL, "'internet' cannot be set",
                   BY_FILE);
    assert_refused("latency", "azure", NULL, "'latency' cannot be set", BY_FILE);
    assert_refused("semantics.peeringAccess", "tag-only", NULL, "'semantics' cannot be set", BY_FILE);
    assert_refused("lbs.ilb.backendAddressPools.p", "[vm-1]", NULL,
                   "'backendAddressPools' of a load balancer cannot be set", BY_FILE);
    assert_refused("lbs.ilb.backendAddressPools", "{p: [vm-1]}", NULL,
                   "'backendAddressPools' of a load balancer cannot be set", BY_FILE);
    assert_refused("lbs.ilb.sku", "Basic", NULL, "'sku' of a load balancer cannot be set", BY_FILE);
    assert_refused("publicips.pip.sku", "Basic", NULL, "'sku' of a public IP address cannot be set", BY_FILE);
    assert_refused("loadBalancers.x", "{}", NULL, "a new load balancer cannot be made here", BY_FILE);
    assert_refused("publicIPAddresses.pp", "{}", NULL, "a new public IP address cannot be made here",
                   BY_FILE);
    assert_refused("natGateways.n", "{publicIpAddresses: [pip]}", NULL,
                   "a new NAT gateway cannot be made here", BY_FILE);
    assert_refused("publicIPAddresses.pip", "null", NULL, "a public IP address cannot be deleted here",
                   BY_FILE);
    assert_refused("publicIPAddresses.pip", "{idleTimeoutInMinutes: 9}", NULL,
                   "a public IP address is set property by property here", BY_FILE);
}

static void null_takes_away_default_outbound_access(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *private = set("vnets.aa.subnets.s.defaultOutboundAccess", "false");
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    assert_true(private->vnets[0]->subnets[0]->private_outbound);
    assert_int_equal(vnl_lab_set(private, "vnets.aa.subnets.s.defaultOutboundAccess", "null", &err), 0);
    assert_false(private->vnets[0]->subnets[0]->private_outbound);
}

static void wrong_value_is_refused_in_the_words_of_the_file(void **state)
{
    (void)state;
    assert_refused("nsgs.web.rules.http.priority", "99", "SecurityRuleInvalidPriority", "Value provided: 99",
                   NULL);
    assert_refused("nsgs.web.rules.http.priority", "110", "SecurityRuleConflict",
                   "cannot have the same Priority and Direction", NULL);
    assert_refused("nsgs.web.rules.http.sourceAddressPrefix", "10.0.0.300",
                   "SecurityRuleInvalidAddressPrefix", "10.0.0.300", NULL);
    assert_refused("vnets.aa.subnets.t.networkSecurityGroup", "wbe", "InvalidResourceReference",
                   "was not found", "did you mean 'web'?");
    assert_refused("vnets.aa.peerings.a-to-b.allowForwardedTraffic", "yes", "InvalidRequestContent",
                   "'allowForwardedTraffic' must be true or false, not 'yes'", NULL);
    assert_refused("vnets.aa.addressSpace", "10.0.0.0/25", "NetcfgSubnetRangeOutsideVnet", "", NULL);
    assert_refused("nsgs.web.rules.http.access", "null", "InvalidRequestContent",
                   "must be Allow or Deny, not an empty value", NULL);
    assert_refused("vms.vm-1.enableIPForwarding", "[", NULL, "set 'vms.vm-1.enableIPForwarding': ", NULL);
    assert_refused("nsgs.spare.rules.half", "{priority: 100, direction: Inbound}", NULL,
                   "'access' is missing", "write 'access: Allow'");
    assert_refused("nsgs.web.rules.http", "{acess: Deny}", "InvalidRequestContent", "unknown key 'acess'",
                   "did you mean 'access'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_fields_change),
        cmocka_unit_test(naming_somebody_else_replaces_the_whole_side),
        cmocka_unit_test(groups_are_attached_and_taken_away),
        cmocka_unit_test(flags_and_address_spaces_change_as_by_the_file),
        cmocka_unit_test(rule_is_made_and_changed_as_a_whole),
        cmocka_unit_test(rules_are_deleted),
        cmocka_unit_test(routes_change),
        cmocka_unit_test(routes_come_and_go),
        cmocka_unit_test(wrong_routes_are_refused),
        cmocka_unit_test(nics_change_by_their_names),
        cmocka_unit_test(wrong_nics_are_refused),
        cmocka_unit_test(nothing_else_changes),
        cmocka_unit_test(wrong_path_is_answered_with_the_nearest),
        cmocka_unit_test(what_only_the_file_can_change_says_so),
        cmocka_unit_test(null_takes_away_default_outbound_access),
        cmocka_unit_test(wrong_value_is_refused_in_the_words_of_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
