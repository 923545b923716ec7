/* Route tables and their routes from their canonical JSON: see arm_read.c. Of a table, subnets are not read: they follow from the rest. */
#include "arm_read.h"

#include <errno.h>
#include <stdlib.h>

#include "arm_member.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"

int vnl_arm_get_route_table(const struct vnl_lab *lab, const struct vnl_arm_resource *in,
                            struct vnl_subnet *subnet, struct vnl_err **err)
{
    const char *id;

    if (!vnl_json_get(in->properties, "routeTable"))
        return 0;
    if (vnl_member_ref(in->properties, "routeTable", &id, err) < 0 ||
        vnl_member_copy(in->own, "routeTableRef", &subnet->route_table_ref, err) < 0 ||
        vnl_member_source(lab, in->own, "routeTableSource", &subnet->route_table_src, err) < 0)
        return -EINVAL;
    subnet->route_table = vnl_udr_table_lookup(lab, id);
    return subnet->route_table ? 0 : vnl_fail(err, EINVAL, "route table '%s' is not in the lab", id);
}

static const char *hop_word(int hop)
{
    return vnl_udr_hop_str((enum vnl_udr_hop)hop);
}

static int get_words(struct vnl_udr *udr, const struct vnl_json *in, struct vnl_err **err)
{
    const char *prefix;
    int hop;

    if (vnl_member_text(in, "addressPrefix", &prefix, err) < 0 ||
        vnl_prefix_parse(prefix, &udr->prefix, err) < 0 ||
        vnl_member_word(in, "nextHopType", hop_word, VNL_UDR_MAX, &hop, err) < 0)
        return -EINVAL;
    udr->hop = (enum vnl_udr_hop)hop;
    if (vnl_json_get(in, "nextHopIpAddress") &&
        vnl_member_addr(in, "nextHopIpAddress", &udr->next_hop, err) < 0)
        return -EINVAL;
    if ((udr->hop == VNL_UDR_APPLIANCE) != (udr->next_hop.family != 0))
        return vnl_fail(err, EINVAL, "'nextHopIpAddress' does not fit 'nextHopType'");
    if (udr->next_hop.family && udr->next_hop.family != udr->prefix.addr.family)
        return vnl_fail(err, EINVAL, "'nextHopIpAddress' does not fit 'addressPrefix'");
    return 0;
}

static bool has_twice(const struct vnl_udr_table *table, const struct vnl_udr *udr)
{
    for (size_t i = 0; i < table->n_udrs; i++) {
        if (table->udrs[i] != udr && vnl_prefix_eq(&table->udrs[i]->prefix, &udr->prefix))
            return true;
    }
    return false;
}

static int read_udr(const struct vnl_lab *lab, struct vnl_udr_table *table, const struct vnl_json *json,
                    struct vnl_err **err)
{
    struct vnl_arm_resource in;
    struct vnl_udr *udr;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0)
        return -EINVAL;
    udr = vnl_udr_add(table, in.name, &in.src, err);
    if (vnl_arm_check_added(udr ? udr->id : NULL, &in, err) < 0 ||
        vnl_member_source(lab, in.own, "prefixSource", &udr->prefix_src, err) < 0 ||
        vnl_member_source(lab, in.own, "nextHopSource", &udr->next_hop_src, err) < 0 ||
        get_words(udr, in.properties, err) < 0)
        return -EINVAL;
    return has_twice(table, udr) ? vnl_fail(err, EINVAL, "'addressPrefix' stands twice in the route table")
                                 : 0;
}

int vnl_arm_read_udr_table(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    CLEANUP(vnl_arm_scope_done) struct vnl_scope scope = { 0 };
    struct vnl_arm_resource in;
    const struct vnl_json *array;
    struct vnl_udr_table *table;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 || vnl_arm_scope_init(&scope, &in, err) < 0)
        return -EINVAL;
    table = vnl_udr_table_add(lab, in.name, &scope, &in.src, err);
    if (vnl_arm_check_added(table ? table->id : NULL, &in, err) < 0 ||
        vnl_member_bool(in.properties, "disableBgpRoutePropagation", &table->disable_bgp, err) < 0 ||
        vnl_member_array(in.properties, "routes", &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        if (read_udr(lab, table, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "route %zu", i);
    }
    return 0;
}
