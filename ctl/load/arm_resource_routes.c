/* Route tables and their routes as ARM's JSON: see arm_resource.c. */
#include "arm_write.h"

#include "vnetlab/base.h"
#include "vnetlab/json_writer.h"
#include "vnetlab/lab.h"

/* hasBgpOverride: true when a route of the table takes the place of one that a gateway learned; Azure never says so for routes as they
 * were asked for. */
void vnl_arm_write_udr(struct vnl_json_writer *out, const struct vnl_udr *udr)
{
    char prefix[VNL_PREFIX_STR], addr[VNL_ADDR_STR];

    vnl_arm_open(out, VNL_TYPE_ROUTE, udr->id, udr->name, NULL);
    vnl_json_write_text(out, "addressPrefix", vnl_prefix_format(&udr->prefix, prefix));
    vnl_json_write_text(out, "nextHopType", vnl_udr_hop_str(udr->hop));
    if (udr->next_hop.family)
        vnl_json_write_text(out, "nextHopIpAddress", vnl_addr_format(&udr->next_hop, addr));
    vnl_json_write_bool(out, "hasBgpOverride", false);
    vnl_arm_open_own(out, &udr->src);
    vnl_arm_write_source(out, "prefixSource", &udr->prefix_src);
    vnl_arm_write_source(out, "nextHopSource", &udr->next_hop_src);
    vnl_arm_close(out);
}

void vnl_arm_write_udr_table(struct vnl_json_writer *out, const struct vnl_udr_table *table)
{
    vnl_arm_open(out, VNL_TYPE_ROUTE_TABLE, table->id, table->name, table->scope.location);
    vnl_json_write_bool(out, "disableBgpRoutePropagation", table->disable_bgp);
    vnl_json_write_open(out, "routes", '[');
    for (size_t i = 0; i < table->n_udrs; i++)
        vnl_arm_write_udr(out, table->udrs[i]);
    vnl_json_write_close(out, ']');
    if (table->n_subnets) {
        vnl_json_write_open(out, "subnets", '[');
        for (size_t i = 0; i < table->n_subnets; i++)
            vnl_arm_write_ref(out, NULL, table->subnets[i]->id);
        vnl_json_write_close(out, ']');
    }
    vnl_arm_open_own(out, &table->src);
    vnl_arm_close(out);
}
