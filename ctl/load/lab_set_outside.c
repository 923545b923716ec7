/* What `vnetlab set` can set of public IP addresses, NAT gateways, load balancers, and of what refers to them. */
#include "lab_set.h"

#include <stdlib.h>
#include <string.h>

/* --- clearing ---------------------------------------------------------------------------------------- */

static void clear_ref(char **ref)
{
    free(*ref);
    *ref = NULL;
}

void vnl_set_clear_nat(void *resource)
{
    clear_ref(&((struct vnl_subnet *)resource)->nat_ref);
    ((struct vnl_subnet *)resource)->nat = NULL;
}

void vnl_set_clear_outbound(void *resource)
{
    ((struct vnl_subnet *)resource)->private_outbound = false;
}

void vnl_set_clear_dns(void *resource)
{
    struct vnl_vnet *vnet = resource;

    free(vnet->dns);
    vnet->dns = NULL;
    vnet->n_dns = 0;
}

void vnl_set_clear_bandwidth(void *resource)
{
    ((struct vnl_vm *)resource)->bandwidth_bps = 0;
}

void vnl_set_clear_config_public(void *resource)
{
    struct vnl_ip_config *config = resource;

    clear_ref(&config->public_ref);
    config->public_ip = NULL;
}

void vnl_set_clear_nic_public(void *resource)
{
    vnl_set_clear_config_public(&((struct vnl_nic *)resource)->configs[0]);
}

void vnl_set_clear_vm_public(void *resource)
{
    vnl_set_clear_nic_public(((struct vnl_vm *)resource)->nics[0]);
}

static void clear_public_timeout(void *resource)
{
    ((struct vnl_public_ip *)resource)->idle_timeout_min = 0;
}

static void clear_nat_timeout(void *resource)
{
    ((struct vnl_nat_gateway *)resource)->idle_timeout_min = 0;
}

static void clear_nat_publics(void *resource)
{
    vnl_names_done(&((struct vnl_nat_gateway *)resource)->public_refs);
}

/* Static becomes dynamic, and keeps its address. */
static void clear_frontend_address(void *resource)
{
    ((struct vnl_lb_frontend *)resource)->is_static = false;
}

static void clear_frontend_ref(void *resource)
{
    clear_ref(&((struct vnl_lb_rule *)resource)->frontend_ref);
}

static void clear_pool_ref(void *resource)
{
    clear_ref(&((struct vnl_lb_rule *)resource)->pool_ref);
}

static void clear_probe_ref(void *resource)
{
    clear_ref(&((struct vnl_lb_rule *)resource)->probe_ref);
}

static void clear_rule_timeout(void *resource)
{
    ((struct vnl_lb_rule *)resource)->idle_timeout_min = 0;
}

/* A path goes with HTTP alone, and HTTP has one. */
static void fit_path(void *resource)
{
    struct vnl_lb_probe *probe = resource;

    if (probe->kind != VNL_PROBE_KIND_HTTP)
        clear_ref(&probe->path);
    else if (!probe->path)
        probe->path = strdup("/");
}

/* --- keys -------------------------------------------------------------------------------------------- */

const struct vnl_settable vnl_set_public_keys[1] = {
    { "idleTimeoutInMinutes", clear_public_timeout },
};

const struct vnl_settable vnl_set_nat_keys[2] = {
    { "publicIpAddresses", clear_nat_publics },
    { "idleTimeoutInMinutes", clear_nat_timeout },
};

static const struct vnl_settable frontend_settable[] = {
    { "subnet", NULL },
    { "privateIPAddress", clear_frontend_address },
};

static const struct vnl_settable probe_settable[] = {
    { "protocol", NULL, .after = fit_path },
    { "port", NULL },
    { "requestPath", NULL, .after = fit_path },
    { "intervalInSeconds", NULL },
    { "probeThreshold", NULL },
};

static const struct vnl_settable rule_settable[] = {
    { "frontendIPConfiguration", clear_frontend_ref },
    { "backendAddressPool", clear_pool_ref },
    { "probe", clear_probe_ref },
    { "protocol", NULL },
    { "frontendPort", NULL },
    { "backendPort", NULL },
    { "loadDistribution", NULL },
    { "enableFloatingIP", NULL },
    { "idleTimeoutInMinutes", clear_rule_timeout },
};

/* --- where it is ------------------------------------------------------------------------------------- */

void *vnl_set_public_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_public_ips ? (*ret_name = lab->public_ips[i]->name, lab->public_ips[i]) : NULL;
}

void *vnl_set_nat_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_nat_gateways ? (*ret_name = lab->nat_gateways[i]->name, lab->nat_gateways[i]) : NULL;
}

void *vnl_set_lb_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_lbs ? (*ret_name = lab->lbs[i]->name, lab->lbs[i]) : NULL;
}

static void *frontend_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lb *lb = parent;

    return i < lb->n_frontends ? (*ret_name = lb->frontends[i]->name, lb->frontends[i]) : NULL;
}

static void *probe_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lb *lb = parent;

    return i < lb->n_probes ? (*ret_name = lb->probes[i]->name, lb->probes[i]) : NULL;
}

static void *rule_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lb *lb = parent;

    return i < lb->n_rules ? (*ret_name = lb->rules[i]->name, lb->rules[i]) : NULL;
}

#define SETTABLE(table) .settable = (table), .n_settable = ARRAY_SIZE(table)

const struct vnl_set_level vnl_set_lb_children[3] = {
    { { "frontendIPConfigurations", "frontends" },
      "frontend IP configuration",
      &vnl_lab_frontend_keys,
      SETTABLE(frontend_settable),
      .member = frontend_at },
    { { "probes" }, "probe", &vnl_lab_probe_keys, SETTABLE(probe_settable), .member = probe_at },
    { { "loadBalancingRules", "rules" },
      "load balancing rule",
      &vnl_lab_lb_rule_keys,
      SETTABLE(rule_settable),
      .member = rule_at },
};
