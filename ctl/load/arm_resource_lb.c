/* Load balancers as ARM's JSON: see arm_resource.c. */
#include "arm_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/json_writer.h"
#include "vnetlab/lab.h"

/* --- parts ------------------------------------------------------------------------------------------- */

/* "LB-ID/probes/NAME"; NULL when there is no memory, which is noted. */
static char *part_id(struct vnl_json_writer *out, const struct vnl_lb *lb, const char *kind, const char *name)
{
    char *id = NULL;

    if (asprintf(&id, "%s/%s/%s", lb->id, kind, name) >= 0)
        return id;
    out->failed = true;
    return NULL;
}

static void open_part(struct vnl_json_writer *out, const struct vnl_lb *lb, const char *kind,
                      const char *name)
{
    CLEANUP(vnl_str_free) char *id = part_id(out, lb, kind, name);

    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "id", id ? id : "");
    vnl_json_write_text(out, "name", name);
    vnl_json_write_open(out, "properties", '{');
    vnl_json_write_text(out, "provisioningState", "Succeeded");
}

static void write_part_ref(struct vnl_json_writer *out, const char *key, const struct vnl_lb *lb,
                           const char *kind, const char *name)
{
    CLEANUP(vnl_str_free) char *id = part_id(out, lb, kind, name);

    vnl_arm_write_ref(out, key, id ? id : "");
}

static void write_frontend(struct vnl_json_writer *out, const struct vnl_lb *lb,
                           const struct vnl_lb_frontend *frontend)
{
    char buf[VNL_ADDR_STR];

    open_part(out, lb, "frontendIPConfigurations", frontend->name);
    vnl_json_write_text(out, "privateIPAddress", vnl_addr_format(&frontend->addr, buf));
    vnl_json_write_text(out, "privateIPAllocationMethod", frontend->is_static ? "Static" : "Dynamic");
    vnl_json_write_text(out, "privateIPAddressVersion", "IPv4");
    vnl_arm_write_ref(out, "subnet", frontend->subnet->id);
    vnl_arm_open_own(out, &frontend->src);
    vnl_arm_write_written(out, "subnet", frontend->subnet_ref, &frontend->subnet_src);
    vnl_arm_write_source(out, "addressSource", &frontend->addr_src);
    vnl_arm_close(out);
}

/* Members by their primary configurations, as ARM has them. */
static void write_members(struct vnl_json_writer *out, const struct vnl_lb_pool *pool)
{
    vnl_json_write_open(out, "backendIPConfigurations", '[');
    for (size_t i = 0; i < pool->n_nics; i++) {
        CLEANUP(vnl_str_free) char *id = NULL;

        if (asprintf(&id, "%s/ipConfigurations/%s", pool->nics[i]->id, pool->nics[i]->configs[0].name) < 0) {
            id = NULL;
            out->failed = true;
        }
        vnl_arm_write_ref(out, NULL, id ? id : "");
    }
    vnl_json_write_close(out, ']');
}

static void write_pool(struct vnl_json_writer *out, const struct vnl_lb *lb, const struct vnl_lb_pool *pool)
{
    open_part(out, lb, "backendAddressPools", pool->name);
    write_members(out, pool);
    vnl_arm_open_own(out, &pool->src);
    vnl_json_write_open(out, "members", '[');
    for (size_t i = 0; i < pool->member_refs.n; i++) {
        vnl_json_write_open(out, NULL, '{');
        vnl_json_write_text(out, "ref", pool->member_refs.items[i]);
        vnl_arm_write_source(out, "source", &pool->member_srcs[i]);
        vnl_json_write_close(out, '}');
    }
    vnl_json_write_close(out, ']');
    vnl_arm_close(out);
}

static void write_probe(struct vnl_json_writer *out, const struct vnl_lb *lb,
                        const struct vnl_lb_probe *probe)
{
    open_part(out, lb, "probes", probe->name);
    vnl_json_write_text(out, "protocol", vnl_probe_kind_str(probe->kind));
    vnl_json_write_int(out, "port", probe->port);
    vnl_arm_write_optional(out, "requestPath", probe->path);
    vnl_json_write_int(out, "intervalInSeconds", probe->interval_s);
    vnl_json_write_int(out, "probeThreshold", probe->threshold);
    vnl_arm_open_own(out, &probe->src);
    vnl_arm_close(out);
}

static void write_rule(struct vnl_json_writer *out, const struct vnl_lb *lb, const struct vnl_lb_rule *rule)
{
    open_part(out, lb, "loadBalancingRules", rule->name);
    write_part_ref(out, "frontendIPConfiguration", lb, "frontendIPConfigurations", rule->frontend->name);
    write_part_ref(out, "backendAddressPool", lb, "backendAddressPools", rule->pool->name);
    if (rule->probe)
        write_part_ref(out, "probe", lb, "probes", rule->probe->name);
    vnl_json_write_text(out, "protocol", vnl_lb_proto_str(rule->proto));
    vnl_json_write_int(out, "frontendPort", rule->frontend_port);
    vnl_json_write_int(out, "backendPort", rule->backend_port);
    vnl_json_write_text(out, "loadDistribution", vnl_load_distribution_str(rule->distribution));
    vnl_json_write_bool(out, "enableFloatingIP", rule->floating);
    vnl_json_write_int(out, "idleTimeoutInMinutes", rule->idle_timeout_min ? rule->idle_timeout_min : 4);
    vnl_arm_open_own(out, &rule->src);
    vnl_json_write_int(out, "slot", rule->slot);
    if (rule->idle_timeout_min)
        vnl_json_write_int(out, "idleTimeoutInMinutes", rule->idle_timeout_min);
    vnl_arm_write_written(out, "frontendIPConfiguration", rule->frontend_ref, &rule->frontend_src);
    vnl_arm_write_written(out, "backendAddressPool", rule->pool_ref, &rule->pool_src);
    vnl_arm_write_written(out, "probe", rule->probe_ref, &rule->probe_src);
    vnl_arm_close(out);
}

/* --- balancers --------------------------------------------------------------------------------------- */

void vnl_arm_write_lb(struct vnl_json_writer *out, const struct vnl_lb *lb)
{
    vnl_arm_open_sku(out, VNL_TYPE_BALANCER, lb->id, lb->name, lb->scope.location, lb->sku);
    vnl_json_write_open(out, "frontendIPConfigurations", '[');
    for (size_t i = 0; i < lb->n_frontends; i++)
        write_frontend(out, lb, lb->frontends[i]);
    vnl_json_write_close(out, ']');
    vnl_json_write_open(out, "backendAddressPools", '[');
    for (size_t i = 0; i < lb->n_pools; i++)
        write_pool(out, lb, lb->pools[i]);
    vnl_json_write_close(out, ']');
    vnl_json_write_open(out, "probes", '[');
    for (size_t i = 0; i < lb->n_probes; i++)
        write_probe(out, lb, lb->probes[i]);
    vnl_json_write_close(out, ']');
    vnl_json_write_open(out, "loadBalancingRules", '[');
    for (size_t i = 0; i < lb->n_rules; i++)
        write_rule(out, lb, lb->rules[i]);
    vnl_json_write_close(out, ']');
    vnl_arm_open_own(out, &lb->src);
    vnl_arm_close(out);
}
