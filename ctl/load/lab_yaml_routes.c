/* routeTables with their routes, and the subnets' references to them. */
#include "lab_yaml.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define HOP_TYPE "VirtualAppliance, VnetLocal, Internet, VirtualNetworkGateway or None"

/* --- a route's words --------------------------------------------------------------------------------- */

/* Source: spec 4.3. Azure takes service tags; here no address belongs to one. */
static bool is_service_tag(const char *text)
{
    return isalpha((unsigned char)text[0]) && !strpbrk(text, ":/");
}

static void read_prefix(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes one = { 0 };
    struct vnl_udr *udr = resource;

    if (node->type == VNL_YAML_SCALAR && is_service_tag(node->text)) {
        vnl_lab_broken(l);
        vnl_lab_mistake(l, node->src, NULL, "write the prefixes that are meant, each in a route of its own",
                        "'%s' is a service tag: a lab knows no address of it, so the route would never match",
                        node->text);
        return;
    }
    if (node->type == VNL_YAML_SEQ) {
        vnl_lab_broken(l);
        vnl_lab_wrong_type(l, key->name, key->type, node);
        return;
    }
    vnl_lab_prefixes(l, key->name, node, &one);
    udr->prefix = one.n ? one.items[0] : udr->prefix;
    udr->prefix_src = node->src;
}

static const char *nearest_hop(const char *text)
{
    const char *names[VNL_UDR_MAX];

    for (int hop = 0; hop < VNL_UDR_MAX; hop++)
        names[hop] = vnl_udr_hop_str((enum vnl_udr_hop)hop);
    return vnl_nearest(text, names, ARRAY_SIZE(names));
}

/* Types of rows that only Azure makes: spec 4.3. */
static bool is_system_hop(const char *text)
{
    return !strcasecmp(text, "VNetPeering") || !strcasecmp(text, "VNetGlobalPeering") ||
           !strcasecmp(text, "VirtualNetworkServiceEndpoint") || !strcasecmp(text, "InterfaceEndpoint");
}

static void mistake_hop(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node)
{
    const char *meant = node->type == VNL_YAML_SCALAR ? nearest_hop(node->text) : NULL;
    char hint[64];

    vnl_lab_broken(l);
    if (node->type != VNL_YAML_SCALAR || vnl_yaml_is_null(node) || !*node->text) {
        vnl_lab_wrong_type(l, key->name, key->type, node);
        return;
    }
    if (is_system_hop(node->text)) {
        vnl_lab_mistake(l, node->src, "InvalidRequestContent",
                        "Azure makes such routes by itself; a user-defined one is " HOP_TYPE,
                        "'%s' cannot be %s", key->name, node->text);
        return;
    }
    if (meant)
        (void)snprintf(hint, sizeof(hint), "did you mean '%s'?", meant);
    vnl_lab_mistake(l, node->src, "InvalidRequestContent", meant ? hint : NULL,
                    "'%s' must be " HOP_TYPE ", not '%.40s'", key->name, node->text);
}

static void read_hop(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                     const struct vnl_yaml *node)
{
    struct vnl_udr *udr = resource;

    if (node->type != VNL_YAML_SCALAR || vnl_udr_hop_parse(node->text, &udr->hop) < 0)
        mistake_hop(l, key, node);
}

/* Empty is as absent: so tools write the routes that have none. */
static void read_next_hop(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_udr *udr = resource;
    const char *text;

    if (vnl_yaml_is_null(node) || (node->type == VNL_YAML_SCALAR && !*node->text))
        return;
    text = vnl_lab_text(l, key->name, key->type, node);
    udr->next_hop_src = node->src;
    if (text && vnl_addr_parse(text, &udr->next_hop, NULL) == 0)
        return;
    vnl_lab_broken(l);
    if (text)
        vnl_lab_wrong_type(l, key->name, key->type, node);
}

static const struct vnl_lab_key udr_keys[] = {
    { "addressPrefix", read_prefix, .type = "a prefix", .fallback = "required",
      .text = "destinations; once in a route table" },
    { "nextHopType", read_hop, .type = HOP_TYPE, .fallback = "required",
      .text = "where packets to them go; `None` drops them" },
    { "nextHopIpAddress", read_next_hop, .type = "an IP address such as 10.0.1.4", .fallback = "none",
      .text =
          "with `VirtualAppliance` only, and then required: a NIC or an internal load balancer in this VNet "
          "or one peered with it" },
    { "hasBgpOverride", .refuse = VNL_SET_BY_AZURE },
    { "provisioningState", .refuse = VNL_SET_BY_AZURE },
};
const struct vnl_lab_keys vnl_lab_udr_keys = { "Route", "a route", udr_keys, ARRAY_SIZE(udr_keys) };

static void check_required(struct vnl_loading *l, const struct vnl_yaml *node)
{
    static const struct {
        const char *key, *hint;
    } required[] = {
        { "addressPrefix", "such as 'addressPrefix: 10.1.0.0/16'" },
        { "nextHopType", "one of " HOP_TYPE },
    };

    for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
        if (!vnl_yaml_lookup(node, required[i].key))
            vnl_lab_missing(l, node, required[i].hint, required[i].key);
    }
}

void vnl_lab_read_udr(struct vnl_loading *l, struct vnl_udr *udr, const struct vnl_yaml *node)
{
    size_t n_broken = l->n_broken;

    vnl_lab_read_map(l, &vnl_lab_udr_keys, udr, node);
    if (l->n_broken == n_broken)
        check_required(l, node);
    if (l->n_broken != n_broken)
        udr->prefix.addr.family = 0; /* equals no other */
}

/* --- route tables ------------------------------------------------------------------------------------ */

static void read_routes(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    struct vnl_udr_table *table = resource;

    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++) {
        const struct vnl_err *before = l->mistakes;
        struct vnl_udr *udr = vnl_udr_add(table, node->kids[i]->key, &node->kids[i]->key_src, &l->mistakes);
        size_t parent = vnl_lab_enter_child(l, "routes", node->kids[i]->key);

        vnl_lab_enter_part(l, &node->kids[i]->key_src);
        vnl_lab_broken_if_twice(l, before);
        if (udr)
            vnl_lab_read_udr(l, udr, node->kids[i]);
        vnl_lab_leave_part(l);
        vnl_lab_leave_child(l, parent);
    }
}

static const struct vnl_lab_key table_keys[] = {
    { "routes", read_routes, .type = "a map", .fallback = "none",
      .text = "name: a map (below), at most 400" },
    { "disableBgpRoutePropagation", vnl_lab_read_bool, offsetof(struct vnl_udr_table, disable_bgp),
      .type = "true or false", .fallback = "false",
      .text =
          "leave out the routes of gateways; the portal calls the opposite \"Propagate gateway routes\"" },
    { "location", .type = "a region", .fallback = "the lab's",
      .text = "must be that of the VNets whose subnets use the table" },
    { "resourceGroup", .type = "a name", .fallback = "the lab's", .text = "part of the resource id" },
    { "subscription", .type = "a GUID", .fallback = "the lab's", .text = "part of the resource id" },
    { "subnets", .refuse = "is written at the subnet", .instead = "routeTable" },
    { "provisioningState", .refuse = VNL_SET_BY_AZURE },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_udr_table_keys = { "Route table", "a route table", table_keys,
                                                     ARRAY_SIZE(table_keys) };

static void read_table(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_udr_table *table;
    struct vnl_scope scope;

    vnl_lab_enter(l, &node->key_src, "routeTables", node->key);
    scope = vnl_lab_scope(l, node);
    table = vnl_udr_table_add(l->lab, node->key, &scope, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (table)
        vnl_lab_read_map(l, &vnl_lab_udr_table_keys, table, node);
}

void vnl_lab_read_udr_tables(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                             const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_table(l, node->kids[i]);
}

/* --- subnets ----------------------------------------------------------------------------------------- */

void vnl_lab_read_route_table_ref(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                                  const struct vnl_yaml *node)
{
    struct vnl_subnet *subnet = resource;

    vnl_lab_ref(l, key, node, &subnet->route_table_ref, &subnet->route_table_src);
}
