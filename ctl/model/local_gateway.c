/* Local network gateways: made, found and freed, and what they may be. Spec 1.3, 14. */
#include "gateway.h"
#include "outside.h"

#include <stdlib.h>
#include <string.h>

void vnl_local_gateway_free(struct vnl_local_gateway **ptr)
{
    struct vnl_local_gateway *local = TAKE_PTR(*ptr);

    if (!local)
        return;
    free(local->id);
    free(local->name);
    vnl_scope_done(&local->scope);
    vnl_prefixes_done(&local->prefixes);
    free(local);
}

struct vnl_local_gateway *vnl_local_gateway_add(struct vnl_lab *lab, const char *name,
                                                const struct vnl_scope *scope, const struct vnl_src *src,
                                                struct vnl_err **err)
{
    CLEANUP(vnl_local_gateway_free) struct vnl_local_gateway *local = calloc(1, sizeof(*local));
    struct vnl_local_gateway **list =
        vnl_list_grow(lab->local_gateways, lab->n_local_gateways, sizeof(*list));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->local_gateways = list ? list : lab->local_gateways;
    if (!local || !list || vnl_scope_fill(&local->scope, scope, &lab->defaults, lab->defaults.location) < 0 ||
        !(local->name = strdup(name)) ||
        !(local->id = vnl_id_format(&local->scope, VNL_LOCAL_GATEWAY_TYPE, name, NULL)))
        return vnl_add_failed(err, VNL_TYPE_LOCAL_GATEWAY, name);
    local->src = src ? *src : local->src;
    local->addr_src = local->prefixes_src = local->bgp.src = local->src;
    local->number = (uint32_t)lab->n_local_gateways;
    vnl_name_check(&check, VNL_TYPE_LOCAL_GATEWAY, name, src, local->id);
    if (scope)
        vnl_scope_check(&check, scope, src, local->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_LOCAL_GATEWAY, local->id, src, local->id, name) &&
        (vnl_index_put(&lab->index, VNL_TYPE_LOCAL_GATEWAY, local->id, local) < 0 ||
         vnl_index_put(&lab->index, VNL_TYPE_LOCAL_GATEWAY, local->name, local) < 0))
        return vnl_add_failed(err, VNL_TYPE_LOCAL_GATEWAY, name);
    return lab->local_gateways[lab->n_local_gateways++] = TAKE_PTR(local);
}

struct vnl_local_gateway *vnl_local_gateway_lookup(const struct vnl_lab *lab, const char *name_or_id)
{
    return vnl_index_unique(lab->index, VNL_TYPE_LOCAL_GATEWAY, name_or_id);
}

/* --- rules ------------------------------------------------------------------------------------------- */

static void check_address(struct vnl_check *check, const struct vnl_local_gateway *local)
{
    char text[VNL_ADDR_STR];

    if (local->addr.family && !vnl_addr_is_public(&local->addr))
        vnl_mistake(check, "BadRequest", &local->addr_src, local->id, "such as 203.0.113.10",
                    "Local network gateway '%s' cannot have gatewayIpAddress %s: that is no IPv4 address of "
                    "the internet",
                    local->name, vnl_addr_format(&local->addr, text));
}

static void check_prefixes(struct vnl_check *check, const struct vnl_local_gateway *local)
{
    char text[VNL_PREFIX_STR];

    if (local->prefixes.n == 0 && !local->bgp.written)
        vnl_mistake(check, "BadRequest", &local->prefixes_src, local->id,
                    "write 'addressPrefixes: [192.168.0.0/16]': only BGP could do without",
                    "Local network gateway '%s' has no address prefix", local->name);
    for (size_t i = 0; i < local->prefixes.n; i++) {
        if (local->prefixes.items[i].addr.family != AF_INET)
            vnl_mistake(check, "BadRequest", &local->prefixes_src, local->id, NULL,
                        "Local network gateway '%s' cannot have %s: VPN gateways carry IPv4", local->name,
                        vnl_prefix_format(&local->prefixes.items[i], text));
        for (size_t k = 0; k < i; k++) {
            if (vnl_prefix_eq(&local->prefixes.items[k], &local->prefixes.items[i]))
                vnl_mistake(check, "BadRequest", &local->prefixes_src, local->id, NULL,
                            "Local network gateway '%s' has %s twice", local->name,
                            vnl_prefix_format(&local->prefixes.items[i], text));
        }
    }
}

void vnl_local_gateways_check(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_local_gateways; i++) {
        check_address(check, check->lab->local_gateways[i]);
        check_prefixes(check, check->lab->local_gateways[i]);
        vnl_bgp_check_local(check, check->lab->local_gateways[i]);
    }
}
