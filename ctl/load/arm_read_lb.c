/* Load balancers from their canonical JSON: see arm_read.c. */
#include "arm_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arm_member.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"

static const char *allocation_word(int is_static)
{
    return is_static ? "Static" : "Dynamic";
}

static const char *kind_word(int kind)
{
    return vnl_probe_kind_str((enum vnl_probe_kind)kind);
}

static const char *proto_word(int proto)
{
    return vnl_lb_proto_str((enum vnl_lb_proto)proto);
}

static const char *distribution_word(int distribution)
{
    return vnl_load_distribution_str((enum vnl_load_distribution)distribution);
}

/* What every part has. */
struct part {
    const char *name;
    const struct vnl_json *properties, *own;
    struct vnl_src src;
};

static int open_part(const struct vnl_lab *lab, const struct vnl_json *json, struct part *ret,
                     struct vnl_err **err)
{
    struct part part = { 0 };

    if (vnl_member_text(json, "name", &part.name, err) < 0 ||
        vnl_member_object(json, "properties", &part.properties, err) < 0 ||
        vnl_member_object(json, "vnetlab", &part.own, err) < 0 ||
        vnl_member_source(lab, part.own, "source", &part.src, err) < 0)
        return -EINVAL;
    *ret = part;
    return 0;
}

/* --- frontends, pools, probes ------------------------------------------------------------------------ */

static int read_frontend(struct vnl_lab *lab, struct vnl_lb *lb, const struct vnl_json *json,
                         struct vnl_err **err)
{
    struct vnl_lb_frontend *frontend;
    struct part part;
    const char *id;
    int is_static;

    if (open_part(lab, json, &part, err) < 0)
        return -EINVAL;
    frontend = vnl_lb_frontend_add(lb, part.name, &part.src, err);
    if (!frontend || *err || vnl_member_addr(part.properties, "privateIPAddress", &frontend->addr, err) < 0 ||
        vnl_member_word(part.properties, "privateIPAllocationMethod", allocation_word, 2, &is_static, err) <
            0 ||
        vnl_member_ref(part.properties, "subnet", &id, err) < 0 ||
        vnl_member_copy(part.own, "subnetRef", &frontend->subnet_ref, err) < 0 ||
        vnl_member_source(lab, part.own, "subnetSource", &frontend->subnet_src, err) < 0 ||
        vnl_member_source(lab, part.own, "addressSource", &frontend->addr_src, err) < 0)
        return -EINVAL;
    frontend->is_static = is_static;
    frontend->subnet = vnl_arm_subnet_lookup(lab, id);
    return frontend->subnet ? vnl_arm_check_subnet_addr(frontend->subnet, &frontend->addr, err)
                            : vnl_fail(err, EINVAL, "subnet '%s' is not in the lab", id);
}

/* "NIC-ID/ipConfigurations/NAME" */
static struct vnl_nic *nic_of_config(const struct vnl_lab *lab, const char *id)
{
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            struct vnl_nic *nic = lab->vms[i]->nics[k];
            size_t len = strlen(nic->id);

            if (strncasecmp(nic->id, id, len) == 0 && id[len] == '/')
                return nic;
        }
    }
    return NULL;
}

static int get_nics(const struct vnl_lab *lab, struct vnl_lb_pool *pool, const struct vnl_json *array,
                    struct vnl_err **err)
{
    pool->nics = calloc(vnl_json_len(array) + 1, sizeof(*pool->nics));
    if (!pool->nics)
        return vnl_fail(err, ENOMEM, "'backendIPConfigurations'");
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        const char *id;

        if (vnl_member_text(vnl_json_at(array, i), "id", &id, err) < 0)
            return -EINVAL;
        pool->nics[i] = nic_of_config(lab, id);
        if (!pool->nics[i])
            return vnl_fail(err, EINVAL, "ip configuration '%s' is not in the lab", id);
        pool->n_nics++;
    }
    return 0;
}

static int get_members(const struct vnl_lab *lab, struct vnl_lb_pool *pool, const struct vnl_json *array,
                       struct vnl_err **err)
{
    pool->member_srcs = calloc(vnl_json_len(array) + 1, sizeof(*pool->member_srcs));
    if (!pool->member_srcs)
        return vnl_fail(err, ENOMEM, "'members'");
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        const struct vnl_json *member = vnl_json_at(array, i);
        const char *ref;

        if (vnl_member_text(member, "ref", &ref, err) < 0 ||
            vnl_member_source(lab, member, "source", &pool->member_srcs[i], err) < 0)
            return -EINVAL;
        if (vnl_names_add(&pool->member_refs, ref) < 0)
            return vnl_fail(err, ENOMEM, "'members'");
    }
    return 0;
}

static int read_pool(struct vnl_lab *lab, struct vnl_lb *lb, const struct vnl_json *json,
                     struct vnl_err **err)
{
    const struct vnl_json *configs, *members;
    struct vnl_lb_pool *pool;
    struct part part;

    if (open_part(lab, json, &part, err) < 0)
        return -EINVAL;
    pool = vnl_lb_pool_add(lb, part.name, &part.src, err);
    if (!pool || *err || vnl_member_array(part.properties, "backendIPConfigurations", &configs, err) < 0 ||
        vnl_member_array(part.own, "members", &members, err) < 0 || get_nics(lab, pool, configs, err) < 0)
        return -EINVAL;
    return get_members(lab, pool, members, err);
}

static int read_probe(struct vnl_lab *lab, struct vnl_lb *lb, const struct vnl_json *json,
                      struct vnl_err **err)
{
    int64_t port, interval, threshold;
    struct vnl_lb_probe *probe;
    struct part part;
    int kind;

    if (open_part(lab, json, &part, err) < 0)
        return -EINVAL;
    probe = vnl_lb_probe_add(lb, part.name, &part.src, err);
    if (!probe || *err ||
        vnl_member_word(part.properties, "protocol", kind_word, VNL_PROBE_KIND_MAX, &kind, err) < 0 ||
        vnl_member_int(part.properties, "port", 1, UINT16_MAX, &port, err) < 0 ||
        vnl_member_int(part.properties, "intervalInSeconds", 1, 3600, &interval, err) < 0 ||
        vnl_member_int(part.properties, "probeThreshold", 1, 100, &threshold, err) < 0)
        return -EINVAL;
    probe->kind = (enum vnl_probe_kind)kind;
    probe->port = (uint16_t)port;
    probe->interval_s = (int)interval;
    probe->threshold = (int)threshold;
    if (probe->kind == VNL_PROBE_KIND_HTTP)
        return vnl_member_copy(part.properties, "requestPath", &probe->path, err);
    return 0;
}

/* --- rules ------------------------------------------------------------------------------------------- */

/* The name behind the last slash of the reference; NULL: there is none, which is said unless the member is absent. */
static const char *part_name(const struct vnl_json *properties, const char *key, struct vnl_err **err)
{
    const char *id = NULL, *slash;

    if (vnl_member_ref(properties, key, &id, err) < 0)
        return NULL;
    slash = strrchr(id, '/');
    if (!slash)
        (void)vnl_fail(err, EINVAL, "'%s' is '%s', which is no id", key, id);
    return slash ? slash + 1 : NULL;
}

#define FIND(noun, list, n)                                                                                  \
    static struct vnl_lb_##noun *find_##noun(const struct vnl_lb *lb, const char *name,                      \
                                             struct vnl_err **err)                                           \
    {                                                                                                        \
        for (size_t i = 0; name && i < lb->n; i++) {                                                         \
            if (strcasecmp(lb->list[i]->name, name) == 0)                                                    \
                return lb->list[i];                                                                          \
        }                                                                                                    \
        if (name)                                                                                            \
            (void)vnl_fail(err, EINVAL, "the load balancer has no " #noun " '%s'", name);                    \
        return NULL;                                                                                         \
    }

FIND(frontend, frontends, n_frontends)
FIND(pool, pools, n_pools)
FIND(probe, probes, n_probes)

static int get_rule_parts(const struct vnl_lb *lb, struct vnl_lb_rule *rule,
                          const struct vnl_json *properties, struct vnl_err **err)
{
    rule->frontend = find_frontend(lb, part_name(properties, "frontendIPConfiguration", err), err);
    rule->pool = rule->frontend ? find_pool(lb, part_name(properties, "backendAddressPool", err), err) : NULL;
    if (!rule->frontend || !rule->pool)
        return -EINVAL;
    if (!vnl_json_get(properties, "probe"))
        return 0;
    rule->probe = find_probe(lb, part_name(properties, "probe", err), err);
    return rule->probe ? 0 : -EINVAL;
}

static int get_rule_words(struct vnl_lb_rule *rule, const struct vnl_json *properties, struct vnl_err **err)
{
    int64_t frontend_port, backend_port;
    int proto, distribution;

    if (vnl_member_word(properties, "protocol", proto_word, VNL_LB_PROTO_MAX, &proto, err) < 0 ||
        vnl_member_int(properties, "frontendPort", 0, UINT16_MAX, &frontend_port, err) < 0 ||
        vnl_member_int(properties, "backendPort", 0, UINT16_MAX, &backend_port, err) < 0 ||
        vnl_member_word(properties, "loadDistribution", distribution_word, VNL_LOAD_MAX, &distribution, err) <
            0)
        return -EINVAL;
    rule->proto = (enum vnl_lb_proto)proto;
    rule->frontend_port = (uint16_t)frontend_port;
    rule->backend_port = (uint16_t)backend_port;
    rule->distribution = (enum vnl_load_distribution)distribution;
    return vnl_member_bool(properties, "enableFloatingIP", &rule->floating, err);
}

/* As written: a part that is the only one needs not be named. */
static int get_rule_refs(const struct vnl_lab *lab, struct vnl_lb_rule *rule, const struct vnl_json *own,
                         struct vnl_err **err)
{
    if (vnl_member_copy_if(own, "frontendIPConfigurationRef", &rule->frontend_ref, err) < 0 ||
        vnl_member_source(lab, own, "frontendIPConfigurationSource", &rule->frontend_src, err) < 0 ||
        vnl_member_copy_if(own, "backendAddressPoolRef", &rule->pool_ref, err) < 0 ||
        vnl_member_source(lab, own, "backendAddressPoolSource", &rule->pool_src, err) < 0 ||
        vnl_member_copy_if(own, "probeRef", &rule->probe_ref, err) < 0)
        return -EINVAL;
    return vnl_member_source(lab, own, "probeSource", &rule->probe_src, err);
}

/* An element of vnl_health. */
static int get_slot(const struct vnl_json *own, uint32_t *ret, struct vnl_err **err)
{
    int64_t slot;

    if (vnl_member_int(own, "slot", 0, VNL_LB_RULES_MAX - 1, &slot, err) < 0)
        return -EINVAL;
    *ret = (uint32_t)slot;
    return 0;
}

static int read_rule(struct vnl_lab *lab, struct vnl_lb *lb, const struct vnl_json *json,
                     struct vnl_err **err)
{
    struct vnl_lb_rule *rule;
    struct part part;

    if (open_part(lab, json, &part, err) < 0)
        return -EINVAL;
    rule = vnl_lb_rule_add(lb, part.name, &part.src, err);
    if (!rule || *err || get_slot(part.own, &rule->slot, err) < 0 ||
        vnl_arm_get_minutes(part.own, 30, &rule->idle_timeout_min, err) < 0 ||
        get_rule_parts(lb, rule, part.properties, err) < 0 || get_rule_words(rule, part.properties, err) < 0)
        return -EINVAL;
    return get_rule_refs(lab, rule, part.own, err);
}

/* --- balancers --------------------------------------------------------------------------------------- */

typedef int read_part(struct vnl_lab *lab, struct vnl_lb *lb, const struct vnl_json *json,
                      struct vnl_err **err);

static int read_parts(struct vnl_lab *lab, struct vnl_lb *lb, const struct vnl_json *properties,
                      const char *key, read_part *read, struct vnl_err **err)
{
    const struct vnl_json *array;

    if (vnl_member_array(properties, key, &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        if (read(lab, lb, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "'%s' %zu", key, i);
    }
    return 0;
}

int vnl_arm_read_lb(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    static const struct {
        const char *key;
        read_part *read;
    } parts[] = {
        { "frontendIPConfigurations", read_frontend },
        { "backendAddressPools", read_pool },
        { "probes", read_probe },
        { "loadBalancingRules", read_rule },
    };
    CLEANUP(vnl_arm_scope_done) struct vnl_scope scope = { 0 };
    struct vnl_arm_resource in;
    struct vnl_lb *lb;
    int r = 0;

    if (vnl_arm_resource_open(lab, json, &in, err) < 0 || vnl_arm_scope_init(&scope, &in, err) < 0)
        return -EINVAL;
    lb = vnl_lb_add(lab, in.name, &scope, &in.src, err);
    if (vnl_arm_check_added(lb ? lb->id : NULL, &in, err) < 0 || vnl_arm_get_sku(json, &lb->sku, err) < 0)
        return -EINVAL;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
        r = read_parts(lab, lb, in.properties, parts[i].key, parts[i].read, err);
    return r;
}
