/* vnetlab next-hop: what `az network watcher show-next-hop` prints (spec 5.2): the one route that carries packets to an address. It asks
 * no security rule, and not whether an appliance forwards. */
#include <stdio.h>

#include "cmd_nic.h"
#include "cmds.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/plan.h"

enum { OPT_FILE, OPT_NIC };
const struct vnl_opt vnl_next_hop_opts[] = {
    [OPT_FILE] = OPT_FILE_OF_LAB,
    [OPT_NIC] = OPT_NIC_OF_VM,
    { NULL },
};

/* In Azure's words; the address is "" when there is none. */
struct next_hop {
    const char *type, *table;
    char addr[VNL_ADDR_STR];
};

static struct next_hop next_hop_of(const struct vnl_route_table *table, const struct vnl_addr *dst)
{
    const struct vnl_route *route = vnl_route_select(table, dst);
    bool user = route && route->source == VNL_ROUTE_USER && table->route_table;
    struct next_hop hop = { .type = vnl_next_hop_str(route ? route->type : VNL_NEXT_HOP_NONE),
                            .table = user ? table->route_table : "System Route" };

    if (route && route->next_hop.family != AF_UNSPEC)
        (void)vnl_addr_format(&route->next_hop, hop.addr);
    return hop;
}

static int print_json(const struct next_hop *hop, struct vnl_err **err)
{
    struct vnl_json *json = vnl_json_object();

    (void)vnl_json_set(json, "nextHopIpAddress", vnl_json_str(*hop->addr ? hop->addr : NULL));
    (void)vnl_json_set(json, "nextHopType", vnl_json_str(hop->type));
    if (vnl_json_set(json, "routeTableId", vnl_json_str(hop->table)) < 0)
        vnl_json_free(&json);
    return vnl_out_json(json, err);
}

static int print_text(const struct next_hop *hop, struct vnl_err **err)
{
    static const char *const headers[] = { "NextHopType", "NextHopIpAddress", "RouteTableId" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));

    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", hop->type);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", hop->addr);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", hop->table);
    return vnl_table_print(stdout, table, true, err);
}

int vnl_cmd_next_hop(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_cmd_nic_done) struct vnl_cmd_nic of = { 0 };
    struct vnl_addr dst;
    struct next_hop hop;
    int r = vnl_addr_parse(args->operands[1], &dst, err);

    if (r >= 0)
        r = vnl_cmd_nic_load(args, args->values[OPT_FILE], args->operands[0], args->values[OPT_NIC], &of,
                             err);
    if (r < 0)
        return r;
    hop = next_hop_of(&of.plan->tables[of.plan->nics[of.nic].table], &dst);
    r = args->json ? print_json(&hop, err) : print_text(&hop, err);
    if (r < 0)
        return r;
    return hop.type == vnl_next_hop_str(VNL_NEXT_HOP_NONE) ? VNL_EXIT_NO : VNL_EXIT_OK;
}
