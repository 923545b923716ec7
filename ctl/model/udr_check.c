/* Route tables: what their routes may say (spec 4.3), and to which subnets they are attached (spec 1.2, 1.9).
 *
 * A next hop's address is not looked for here: an address that nobody has is legal and makes a route of type None (spec 4.3), and whether
 * somebody has it may change with every VM. Where a refusal of Azure is known and its code is not, the code is BadRequest, as in
 * peering_check.c. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- routes ------------------------------------------------------------------------------------------ */

static const char *family_str(uint16_t family)
{
    return family == AF_INET6 ? "IPv6" : "IPv4";
}

/* Nobody can have these: "this network", this host itself, groups and broadcast; IPv6 ::, ::1 and ff00::/8. */
static bool is_nobodys(const struct vnl_addr *addr)
{
    static const uint8_t zero[15];

    if (addr->family == AF_INET)
        return addr->bytes[0] == 0 || addr->bytes[0] == 127 || addr->bytes[0] >= 224;
    return addr->bytes[0] == 0xff || (memcmp(addr->bytes, zero, sizeof(zero)) == 0 && addr->bytes[15] <= 1);
}

/* Source of the first sentence: observed (spec 4.3); the others are ours. */
static void check_next_hop(struct vnl_check *check, const struct vnl_udr *udr)
{
    char addr[VNL_ADDR_STR], prefix[VNL_PREFIX_STR];

    if (udr->hop == VNL_UDR_APPLIANCE && !udr->next_hop.family)
        vnl_mistake(
            check, "BadRequest", &udr->src, udr->id, "such as 'nextHopIpAddress: 10.0.1.4'",
            "NextHopIpAddress cannot be Null or Empty in route %s when NextHopType is VirtualAppliance",
            udr->name);
    else if (udr->hop != VNL_UDR_APPLIANCE && udr->next_hop.family)
        vnl_mistake(check, "BadRequest", &udr->next_hop_src, udr->id,
                    "leave it out, or write 'nextHopType: VirtualAppliance'",
                    "NextHopIpAddress must be empty in route %s when NextHopType is %s", udr->name,
                    vnl_udr_hop_str(udr->hop));
    else if (udr->next_hop.family && udr->next_hop.family != udr->prefix.addr.family)
        vnl_mistake(check, "BadRequest", &udr->next_hop_src, udr->id, NULL,
                    "Route '%s' is for the %s prefix %s and cannot have the %s next hop %s", udr->name,
                    family_str(udr->prefix.addr.family), vnl_prefix_format(&udr->prefix, prefix),
                    family_str(udr->next_hop.family), vnl_addr_format(&udr->next_hop, addr));
    else if (udr->next_hop.family && is_nobodys(&udr->next_hop))
        vnl_mistake(check, "BadRequest", &udr->next_hop_src, udr->id,
                    "the address of a network interface or of a load balancer's frontend",
                    "Route '%s' cannot have the next hop %s: no network interface can have that address",
                    udr->name, vnl_addr_format(&udr->next_hop, addr));
}

static const struct vnl_udr *same_prefix_before(const struct vnl_udr_table *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (vnl_prefix_eq(&table->udrs[i]->prefix, &table->udrs[n]->prefix))
            return table->udrs[i];
    }
    return NULL;
}

static void check_new_prefix(struct vnl_check *check, const struct vnl_udr_table *table, size_t i)
{
    const struct vnl_udr *udr = table->udrs[i], *other = same_prefix_before(table, i);
    CLEANUP(vnl_str_free) char *hint = NULL;
    char text[VNL_PREFIX_STR];

    if (!other)
        return;
    if (asprintf(&hint, "route '%s' has it already: a table cannot split traffic among equal routes",
                 other->name) < 0)
        hint = NULL;
    vnl_mistake(check, "BadRequest", &udr->prefix_src, udr->id, hint,
                "Route '%s' has the address prefix %s of another route of route table '%s'", udr->name,
                vnl_prefix_format(&udr->prefix, text), table->name);
}

/* A route without a prefix is half read, which was said. */
static void check_table(struct vnl_check *check, const struct vnl_udr_table *table)
{
    for (size_t i = 0; i < table->n_udrs; i++) {
        if (!table->udrs[i]->prefix.addr.family)
            continue;
        check_next_hop(check, table->udrs[i]);
        check_new_prefix(check, table, i);
    }
    if (table->n_udrs > VNL_LIMIT_ROUTES)
        vnl_mistake(check, "BadRequest", &table->udrs[VNL_LIMIT_ROUTES]->src,
                    table->udrs[VNL_LIMIT_ROUTES]->id, NULL,
                    "Route table '%s' has %zu routes; at most %u are allowed", table->name, table->n_udrs,
                    VNL_LIMIT_ROUTES);
}

/* --- subnets ----------------------------------------------------------------------------------------- */

static char *table_hint(const struct vnl_lab *lab, const char *ref)
{
    struct vnl_names names = { 0 };
    char *hint;

    for (size_t i = 0; i < lab->n_route_tables; i++)
        (void)vnl_names_add(&names, ref[0] == '/' ? lab->route_tables[i]->id : lab->route_tables[i]->name);
    hint = vnl_did_you_mean(ref, &names);
    vnl_names_done(&names);
    return hint;
}

static void mistake_ref(struct vnl_check *check, const struct vnl_subnet *subnet)
{
    const char *ref = subnet->route_table_ref;
    CLEANUP(vnl_str_free) char *hint = table_hint(check->lab, ref);
    size_t count;

    vnl_index_get(check->lab->index, VNL_TYPE_ROUTE_TABLE, ref, strlen(ref), &count);
    if (count > 1)
        vnl_mistake(check, "InvalidResourceReference", &subnet->route_table_src, subnet->id,
                    "write the full id", "%zu route tables are called '%s'", count, ref);
    else if (ref[0] == '/' && !vnl_id_matches(ref, VNL_ROUTE_TABLE_ID_FORM))
        vnl_mistake(check, "InvalidRequestFormat", &subnet->route_table_src, subnet->id,
                    "the form is " VNL_ROUTE_TABLE_ID_FORM, "Reference Id %s is not formatted correctly",
                    ref);
    else
        vnl_mistake(check, "InvalidResourceReference", &subnet->route_table_src, subnet->id, hint,
                    "Route table '%s' referenced by subnet '%s' was not found", ref, subnet->name);
}

/* Spec 1.9: propagation must stay on, and no default route, or the gateway loses its way to the control plane. */
static void check_gateway_subnet(struct vnl_check *check, const struct vnl_subnet *subnet)
{
    const struct vnl_udr_table *table = subnet->route_table;

    if (table->disable_bgp)
        vnl_mistake(check, "BadRequest", &subnet->route_table_src, subnet->id,
                    "use a route table with 'disableBgpRoutePropagation: false'",
                    "Route table '%s' with disableBgpRoutePropagation cannot be attached to subnet '%s'",
                    table->name, subnet->name);
    for (size_t i = 0; i < table->n_udrs; i++) {
        const struct vnl_udr *udr = table->udrs[i];

        if (udr->prefix.addr.family && udr->prefix.len == 0)
            vnl_mistake(check, "BadRequest", &subnet->route_table_src, subnet->id,
                        "name the prefixes that are meant",
                        "Route table '%s' with the default route '%s' cannot be attached to subnet '%s'",
                        table->name, udr->name, subnet->name);
    }
}

/* Source: spec 1.9, "not supported". */
static void check_special(struct vnl_check *check, const struct vnl_subnet *subnet)
{
    const struct vnl_special_subnet *special = vnl_special_subnet_lookup(subnet->name);

    if (!special)
        return;
    if (strcmp(special->name, "GatewaySubnet") == 0)
        check_gateway_subnet(check, subnet);
    else if (strcmp(special->name, "AzureBastionSubnet") == 0 ||
             strcmp(special->name, "RouteServerSubnet") == 0)
        vnl_mistake(check, "BadRequest", &subnet->route_table_src, subnet->id, "leave 'routeTable' out",
                    "Subnet '%s' of %s cannot have a route table", subnet->name, special->owner);
}

static void resolve_subnet(struct vnl_check *check, struct vnl_subnet *subnet)
{
    CLEANUP(vnl_str_free) char *what = NULL;
    CLEANUP(vnl_str_free) char *who = NULL;

    subnet->route_table = vnl_udr_table_lookup(check->lab, subnet->route_table_ref);
    if (!subnet->route_table) {
        mistake_ref(check, subnet);
        return;
    }
    if (asprintf(&what, "Route table '%s'", subnet->route_table->name) < 0)
        what = NULL;
    if (asprintf(&who, "subnet '%s'", subnet->name) < 0)
        who = NULL;
    if (!what || !who)
        vnl_check_nomem(check, "route table");
    else if (vnl_region_check(check, what, &subnet->route_table->scope, who, &subnet->vnet->scope,
                              &subnet->route_table_src, subnet->id))
        check_special(check, subnet);
}

static int attach(struct vnl_subnet *subnet)
{
    struct vnl_udr_table *table = subnet->route_table;
    struct vnl_subnet **subnets = vnl_list_grow(table->subnets, table->n_subnets, sizeof(*subnets));

    if (!subnets)
        return -ENOMEM;
    table->subnets = subnets;
    table->subnets[table->n_subnets++] = subnet;
    return 0;
}

int vnl_udr_tables_derive(const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_route_tables; i++)
        lab->route_tables[i]->n_subnets = 0;
    for (size_t i = 0; i < lab->n_vnets; i++) {
        for (size_t k = 0; k < lab->vnets[i]->n_subnets; k++) {
            struct vnl_subnet *subnet = lab->vnets[i]->subnets[k];

            if (subnet->route_table && attach(subnet) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

void vnl_udr_tables_resolve(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;

    for (size_t i = 0; i < lab->n_route_tables; i++)
        check_table(check, lab->route_tables[i]);
    for (size_t i = 0; i < lab->n_vnets; i++) {
        for (size_t k = 0; k < lab->vnets[i]->n_subnets; k++) {
            if (lab->vnets[i]->subnets[k]->route_table_ref)
                resolve_subnet(check, lab->vnets[i]->subnets[k]);
        }
    }
    if (vnl_udr_tables_derive(lab) < 0)
        vnl_check_nomem(check, "route tables");
}

/* --- settled ----------------------------------------------------------------------------------------- */

void vnl_settle_udr_tables(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_route_tables; i++) {
        const struct vnl_udr_table *table = check->lab->route_tables[i];
        const struct vnl_udr_table *old =
            check->before ? vnl_udr_table_lookup(check->before, table->id) : NULL;

        if (old)
            vnl_location_check(check, VNL_TYPE_ROUTE_TABLE, table->id, table->name, &table->src,
                               &table->scope, &old->scope);
    }
}
