/* loadBalancers and their parts. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- frontends --------------------------------------------------------------------------------------- */

static void read_subnet(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    struct vnl_lb_frontend *frontend = resource;

    vnl_lab_ref(l, key, node, &frontend->subnet_ref, &frontend->subnet_src);
    if (!frontend->subnet_ref)
        vnl_lab_broken(l);
}

static void read_address(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    struct vnl_lb_frontend *frontend = resource;
    const char *text = vnl_lab_text(l, key->name, key->type, node);
    struct vnl_addr addr;

    frontend->addr_src = node->src;
    if (!text || vnl_addr_parse(text, &addr, NULL) < 0 || addr.family != AF_INET) {
        if (text)
            vnl_lab_wrong_type(l, key->name, "an IPv4 address such as 10.0.0.100", node);
        vnl_lab_broken(l);
        return;
    }
    frontend->addr = addr;
    frontend->is_static = true;
}

static const struct vnl_lab_key frontend_keys[] = {
    { "subnet", read_subnet, .type = "a subnet (VNET/SUBNET)", .fallback = "required",
      .text = "`vnet/subnet`, a subnet's name that is unique in the lab, or a full id" },
    { "privateIPAddress", read_address, .type = "an IPv4 address", .fallback = "the lowest free one",
      .text = "static address of the frontend" },
    { "publicIPAddress", .refuse = "is not supported yet: a load balancer here is an internal one" },
    { "privateIPAllocationMethod", .refuse = "follows from", .instead = "privateIPAddress" },
    { "zones", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_frontend_keys = { "Frontend IP configuration",
                                                    "a frontend IP configuration", frontend_keys,
                                                    ARRAY_SIZE(frontend_keys) };

/* --- pools ------------------------------------------------------------------------------------------- */

static void add_member(struct vnl_loading *l, struct vnl_lb_pool *pool, const struct vnl_yaml *node)
{
    const struct vnl_yaml *value = vnl_lab_ref_value(node);
    const char *text = vnl_lab_text(l, pool->name, "a list of virtual machines", value);
    struct vnl_src *srcs = reallocarray(pool->member_srcs, pool->member_refs.n + 1, sizeof(*srcs));

    pool->member_srcs = srcs ? srcs : pool->member_srcs;
    if (srcs && text)
        srcs[pool->member_refs.n] = value->src;
    if (!srcs || (text && vnl_names_add(&pool->member_refs, text) < 0))
        (void)vnl_fail(&l->mistakes, ENOMEM, "lab '%s'", l->lab->name);
}

void vnl_lab_read_pool(struct vnl_loading *l, struct vnl_lb_pool *pool, const struct vnl_yaml *node)
{
    if (vnl_yaml_is_null(node))
        return;
    if (node->type == VNL_YAML_SEQ) {
        for (size_t i = 0; i < node->n_kids; i++)
            add_member(l, pool, node->kids[i]);
    } else {
        add_member(l, pool, node);
    }
}

/* --- probes ------------------------------------------------------------------------------------------ */

static void read_kind(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    struct vnl_lb_probe *probe = resource;

    if (node->type != VNL_YAML_SCALAR || vnl_probe_kind_parse(node->text, &probe->kind) < 0)
        vnl_lab_wrong_type(l, key->name, key->type, node);
}

static void read_probe_port(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                            const struct vnl_yaml *node)
{
    long port;

    if (vnl_lab_number(l, key->name, node, 1, 65535, &port))
        ((struct vnl_lb_probe *)resource)->port = (uint16_t)port;
    else
        vnl_lab_broken(l);
}

static void read_path(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    const char *text = vnl_lab_text(l, key->name, key->type, node);

    if (text && (*text != '/' || strpbrk(text, " \r\n")))
        vnl_lab_wrong_type(l, key->name, key->type, node);
    else if (text)
        vnl_lab_copy(l, &((struct vnl_lb_probe *)resource)->path, text);
}

static void read_interval(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    long seconds;

    if (vnl_lab_number(l, key->name, node, 1, 3600, &seconds))
        ((struct vnl_lb_probe *)resource)->interval_s = (int)seconds;
}

static void read_threshold(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    long count;

    if (vnl_lab_number(l, key->name, node, 1, 100, &count))
        ((struct vnl_lb_probe *)resource)->threshold = (int)count;
}

static const struct vnl_lab_key probe_keys[] = {
    { "protocol", read_kind, .type = "Tcp or Http", .fallback = "`Tcp`",
      .text = "`Tcp`: the port takes a connection; `Http`: it answers 200" },
    { "port", read_probe_port, .type = "a port number", .fallback = "required", .text = "of the backends" },
    { "requestPath", read_path, .type = "a path such as /health", .fallback = "`/`", .text = "with `Http`" },
    { "intervalInSeconds", read_interval, .type = "1 to 3600", .fallback = "15",
      .text = "between two probes; Azure's least is 5" },
    { "probeThreshold", read_threshold, .type = "1 to 100", .fallback = "1",
      .text = "how many in a row take a backend out or in" },
    { "numberOfProbes", .refuse = "has no effect in Azure", .instead = "probeThreshold" },
};
const struct vnl_lab_keys vnl_lab_probe_keys = { "Probe", "a probe", probe_keys, ARRAY_SIZE(probe_keys) };

/* A path goes with Http, and Http has one. */
static void finish_probe(struct vnl_loading *l, struct vnl_lb_probe *probe, const struct vnl_yaml *node)
{
    if (probe->kind == VNL_PROBE_KIND_HTTP && !probe->path)
        vnl_lab_copy(l, &probe->path, "/");
    else if (probe->kind != VNL_PROBE_KIND_HTTP && probe->path)
        vnl_lab_mistake(l, node->src, "InvalidRequestContent", "write 'protocol: Http'",
                        "'requestPath' goes with 'protocol: Http' only");
}

void vnl_lab_read_probe(struct vnl_loading *l, struct vnl_lb_probe *probe, const struct vnl_yaml *node)
{
    size_t n_broken = l->n_broken;

    vnl_lab_read_map(l, &vnl_lab_probe_keys, probe, node);
    if (!probe->port && l->n_broken == n_broken)
        vnl_lab_missing(l, node, "write 'port: 80'", "port");
    finish_probe(l, probe, node);
}

/* --- rules ------------------------------------------------------------------------------------------- */

static void read_rule_ref(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_lb_rule *rule = resource;
    bool is_pool = strcmp(key->name, "backendAddressPool") == 0, is_probe = strcmp(key->name, "probe") == 0;

    vnl_lab_ref(l, key, node,
                is_probe  ? &rule->probe_ref
                : is_pool ? &rule->pool_ref
                          : &rule->frontend_ref,
                is_probe  ? &rule->probe_src
                : is_pool ? &rule->pool_src
                          : &rule->frontend_src);
}

static void read_protocol(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_lb_rule *rule = resource;

    if (node->type == VNL_YAML_SCALAR && vnl_lb_proto_parse(node->text, &rule->proto) == 0)
        return;
    vnl_lab_wrong_type(l, key->name, key->type, node);
    vnl_lab_broken(l);
}

static void read_port(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    uint16_t *field = (uint16_t *)((char *)resource + key->field);
    long port;

    if (vnl_lab_number(l, key->name, node, 0, 65535, &port))
        *field = (uint16_t)port;
    else
        vnl_lab_broken(l);
}

static void read_distribution(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                              const struct vnl_yaml *node)
{
    struct vnl_lb_rule *rule = resource;

    if (node->type != VNL_YAML_SCALAR || vnl_load_distribution_parse(node->text, &rule->distribution) < 0)
        vnl_lab_wrong_type(l, key->name, key->type, node);
}

static void read_timeout(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    vnl_lab_minutes(l, key, node, 30, &((struct vnl_lb_rule *)resource)->idle_timeout_min);
}

static const struct vnl_lab_key rule_keys[] = {
    { "frontendIPConfiguration", read_rule_ref, .type = "a frontend's name", .fallback = "the only one",
      .text = "of this load balancer" },
    { "backendAddressPool", read_rule_ref, .type = "a pool's name", .fallback = "the only one",
      .text = "of this load balancer" },
    { "probe", read_rule_ref, .type = "a probe's name", .fallback = "the only one, if there is one",
      .text = "who fails it gets no new flows; without a probe all backends do" },
    { "protocol", read_protocol, .type = "Tcp, Udp or All", .fallback = "`Tcp`",
      .text = "`All`: HA ports, every port of TCP and UDP; Standard only" },
    { "frontendPort", read_port, offsetof(struct vnl_lb_rule, frontend_port), .type = "a port number",
      .fallback = "required", .text = "where clients connect to; 0 with `All`" },
    { "backendPort", read_port, offsetof(struct vnl_lb_rule, backend_port), .type = "a port number",
      .fallback = "required", .text = "where backends listen; 0 with `All`" },
    { "loadDistribution", read_distribution, .type = "Default, SourceIP or SourceIPProtocol",
      .fallback = "`Default`",
      .text =
          "what a backend is chosen by: addresses, ports and protocol; addresses; addresses and protocol" },
    { "enableFloatingIP", vnl_lab_read_bool, offsetof(struct vnl_lb_rule, floating), .type = "true or false",
      .fallback = "false", .text = "the backend gets packets with the frontend's address" },
    { "idleTimeoutInMinutes", read_timeout, .type = "4 to 30", .fallback = "4",
      .text = "when an idle flow ends" },
    { "enableTcpReset", .refuse = VNL_NOT_YET },
    { "disableOutboundSnat", .refuse = "is for public load balancers, which are not supported yet" },
};
const struct vnl_lab_keys vnl_lab_lb_rule_keys = { "Load balancing rule", "a load balancing rule", rule_keys,
                                                   ARRAY_SIZE(rule_keys) };

/* --- parts of a balancer ----------------------------------------------------------------------------- */

static void read_frontend(struct vnl_loading *l, struct vnl_lb *lb, const struct vnl_yaml *node)
{
    struct vnl_lb_frontend *frontend = vnl_lb_frontend_add(lb, node->key, &node->key_src, &l->mistakes);
    size_t n_broken = l->n_broken;

    if (!frontend)
        return;
    vnl_lab_read_map(l, &vnl_lab_frontend_keys, frontend, node);
    if (!frontend->subnet_ref && l->n_broken == n_broken && !vnl_yaml_lookup(node, "publicIPAddress"))
        vnl_lab_missing(l, node, "write 'subnet: VNET/SUBNET'", "subnet");
}

static void read_pool(struct vnl_loading *l, struct vnl_lb *lb, const struct vnl_yaml *node)
{
    struct vnl_lb_pool *pool = vnl_lb_pool_add(lb, node->key, &node->key_src, &l->mistakes);

    if (pool)
        vnl_lab_read_pool(l, pool, node);
}

static void read_probe(struct vnl_loading *l, struct vnl_lb *lb, const struct vnl_yaml *node)
{
    struct vnl_lb_probe *probe = vnl_lb_probe_add(lb, node->key, &node->key_src, &l->mistakes);

    if (probe)
        vnl_lab_read_probe(l, probe, node);
}

static void read_rule(struct vnl_loading *l, struct vnl_lb *lb, const struct vnl_yaml *node)
{
    struct vnl_lb_rule *rule = vnl_lb_rule_add(lb, node->key, &node->key_src, &l->mistakes);

    if (rule)
        vnl_lab_read_map(l, &vnl_lab_lb_rule_keys, rule, node);
}

static void read_parts(struct vnl_loading *l, const struct vnl_lab_key *key, struct vnl_lb *lb,
                       const struct vnl_yaml *node,
                       void (*read)(struct vnl_loading *l, struct vnl_lb *lb, const struct vnl_yaml *node))
{
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++) {
        const struct vnl_err *before = l->mistakes;
        size_t parent = vnl_lab_enter_child(l, key->name, node->kids[i]->key);

        vnl_lab_enter_part(l, &node->kids[i]->key_src);
        read(l, lb, node->kids[i]);
        vnl_lab_broken_if_twice(l, before);
        vnl_lab_leave_part(l);
        vnl_lab_leave_child(l, parent);
    }
}

static void read_frontends(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    read_parts(l, key, resource, node, read_frontend);
}

static void read_pools(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    read_parts(l, key, resource, node, read_pool);
}

static void read_probes(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    read_parts(l, key, resource, node, read_probe);
}

static void read_rules(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    read_parts(l, key, resource, node, read_rule);
}

static const struct vnl_lab_key lb_keys[] = {
    { "sku", vnl_lab_read_sku, offsetof(struct vnl_lb, sku), .type = "Standard or Basic",
      .fallback = "Standard", .text = "frontends of a Basic one are not reached over global peering" },
    { "frontendIPConfigurations", read_frontends, .type = "a map", .fallback = "required",
      .text = "name: a map (below); all in one VNet" },
    { "backendAddressPools", read_pools, .type = "a map", .fallback = "none",
      .text = "name: a list of VMs (their primary NIC) or `VM/NIC`: `{pool: [vm-1, vm-2, vm-3/nic2]}`" },
    { "probes", read_probes, .type = "a map", .fallback = "none", .text = "name: a map (below)" },
    { "loadBalancingRules", read_rules, .type = "a map", .fallback = "none", .text = "name: a map (below)" },
    { "location", .type = "a region", .fallback = "the lab's", .text = "must be that of its VNet" },
    { "resourceGroup", .type = "a name", .fallback = "the lab's", .text = "part of the resource id" },
    { "subscription", .type = "a GUID", .fallback = "the lab's", .text = "part of the resource id" },
    { "inboundNatRules", .refuse = VNL_NOT_YET },
    { "inboundNatPools", .refuse = VNL_NOT_YET },
    { "outboundRules", .refuse = VNL_NOT_YET },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_lb_keys = { "Load balancer", "a load balancer", lb_keys,
                                              ARRAY_SIZE(lb_keys) };

static void read_lb(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_scope scope;
    struct vnl_lb *lb;

    vnl_lab_enter(l, &node->key_src, "loadBalancers", node->key);
    scope = vnl_lab_scope(l, node);
    lb = vnl_lb_add(l->lab, node->key, &scope, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (lb)
        vnl_lab_read_map(l, &vnl_lab_lb_keys, lb, node);
}

void vnl_lab_read_lbs(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_lb(l, node->kids[i]);
}
