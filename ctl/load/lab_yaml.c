/* The lab file: from text to a resolved lab. */
#include "lab_yaml.h"
#include "vnetlab/load.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LAB_NAME_MAX 40

/* --- the top of the file ----------------------------------------------------------------------------- */

static void read_access(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    (void)resource;
    if (node->type != VNL_YAML_SCALAR || vnl_peering_access_parse(node->text, &l->lab->peering_access) < 0)
        vnl_lab_wrong_type(l, key->name, key->type, node);
}

static void read_forwarded(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    (void)resource;
    if (node->type != VNL_YAML_SCALAR ||
        vnl_peering_forwarded_parse(node->text, &l->lab->peering_forwarded) < 0)
        vnl_lab_wrong_type(l, key->name, key->type, node);
}

static void read_throughput(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                            const struct vnl_yaml *node)
{
    bool is_sku = node->type == VNL_YAML_SCALAR && strcasecmp(node->text, "sku") == 0;

    (void)resource;
    if (!is_sku && (node->type != VNL_YAML_SCALAR || strcasecmp(node->text, "none") != 0))
        vnl_lab_wrong_type(l, key->name, key->type, node);
    l->lab->gateway_throughput = is_sku;
}

static const struct vnl_lab_key semantics_keys[] = {
    { "peeringAccess", read_access, .type = "documented or tag-only", .fallback = "documented",
      .text = "what `allowVirtualNetworkAccess: false` does: drop all traffic over the peering, or only take "
              "the remote VNet "
              "out of the service tag VirtualNetwork" },
    { "peeringForwarded", read_forwarded, .type = "strict or tag-only", .fallback = "strict",
      .text = "what `allowForwardedTraffic: false` does: drop packets that do not come from the remote VNet "
              "itself, or only "
              "leave them out of the service tag" },
    { "gatewayThroughput", read_throughput, .type = "none or sku", .fallback = "none",
      .text =
          "`sku`: a VPN gateway carries no more than the benchmark of its SKU, such as 650 Mbps of VpnGw1" },
};
const struct vnl_lab_keys vnl_lab_semantics_keys = { "Semantics", "semantics", semantics_keys,
                                                     ARRAY_SIZE(semantics_keys) };

static void read_semantics(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    (void)key;
    vnl_lab_read_map(l, &vnl_lab_semantics_keys, resource, node);
}

static const struct vnl_lab_key top_keys[] = {
    { "name", .type = "a lab name", .fallback = "the file's",
      .text = "1 to 40 of a-z, 0-9 and `-`; names the lab, its namespaces and its database" },
    { "location", .type = "a region", .fallback = "eastus", .text = "default for all resources" },
    { "resourceGroup", .type = "a name", .fallback = "rg-NAME", .text = "default for all resources" },
    { "subscription", .type = "a GUID", .fallback = "all zeros", .text = "default for all resources" },
    { "semantics", read_semantics, .type = "a map", .fallback = "see below",
      .text = "choices where Azure is ambiguous" },
    { "vnets", vnl_lab_read_vnets, .type = "a map", .fallback = "none", .text = "virtual networks by name" },
    { "virtualMachines", vnl_lab_read_vms, .type = "a map", .fallback = "none",
      .text = "virtual machines by name" },
    { "networkSecurityGroups", vnl_lab_read_nsgs, .type = "a map", .fallback = "none",
      .text = "network security groups by name" },
    { "applicationSecurityGroups", vnl_lab_read_asgs, .type = "a map", .fallback = "none",
      .text = "application security groups by name: `{web: {}}`" },
    { "routeTables", vnl_lab_read_udr_tables, .type = "a map", .fallback = "none",
      .text = "route tables by name" },
    { "publicIPAddresses", vnl_lab_read_publics, .type = "a map", .fallback = "none",
      .text = "public IP addresses by name: `{pip: {}}`" },
    { "natGateways", vnl_lab_read_nats, .type = "a map", .fallback = "none", .text = "NAT gateways by name" },
    { "loadBalancers", vnl_lab_read_lbs, .type = "a map", .fallback = "none",
      .text = "internal load balancers by name" },
    { "virtualNetworkGateways", vnl_lab_read_gateways, .type = "a map", .fallback = "none",
      .text = "VPN gateways by name; no name of a VM" },
    { "localNetworkGateways", vnl_lab_read_locals, .type = "a map", .fallback = "none",
      .text = "local network gateways by name: what a gateway knows of a site" },
    { "connections", vnl_lab_read_connections, .type = "a map", .fallback = "none",
      .text = "VPN connections by name" },
    { "sites", vnl_lab_read_sites, .type = "a map", .fallback = "none",
      .text = "simulated on-premises networks by name; no name of a VM" },
    { "clients", vnl_lab_read_clients, .type = "a map", .fallback = "none",
      .text = "point-to-site clients by name: computers of the internet side; no name of a VM" },
    { "internet", vnl_lab_read_internet, .type = "a map", .fallback = "none",
      .text = "gives the lab an internet side, with simulated hosts; `{}` alone does too, and so does a "
              "public IP "
              "address" },
    { "latency", vnl_lab_read_latency, .type = "azure or a list", .fallback = "none",
      .text = "round trips between regions: a list (below), or `azure`: those that Microsoft publishes, for "
              "the pairs of a built-in "
              "table; a pair that is not in it has no delay" },
    { "expect", vnl_lab_read_expects, .type = "a list", .fallback = "none",
      .text = "what `vnetlab check` tries with real packets" },
    { "nsgs", .refuse = "has a longer name here", .instead = "networkSecurityGroups" },
    { "asgs", .refuse = "has a longer name here", .instead = "applicationSecurityGroups" },
    { "virtualNetworks", .refuse = "has a shorter name here", .instead = "vnets" },
    { "vms", .refuse = "has a longer name here", .instead = "virtualMachines" },
    { "networkInterfaces", .refuse = "is written at the virtual machine here" },
    { "azureFirewalls", .refuse = VNL_NOT_YET },
    { "bastionHosts", .refuse = VNL_NOT_YET },
    { "routeServers", .refuse = VNL_NOT_YET },
    { "virtualWans", .refuse = VNL_NOT_YET },
    { "virtualHubs", .refuse = VNL_NOT_YET },
    { "expressRouteCircuits", .refuse = VNL_NOT_YET },
    { "privateEndpoints", .refuse = VNL_NOT_YET },
    { "privateDnsZones", .refuse = VNL_NOT_YET },
    { "internetHosts", .refuse = "is a part of", .instead = "internet: {hosts: ...}" },
};
const struct vnl_lab_keys vnl_lab_top_keys = { "Top level", "the lab file", top_keys, ARRAY_SIZE(top_keys) };

/* --- the lab's name ---------------------------------------------------------------------------------- */

/* It becomes a file name and a part of namespace names. */
static bool name_ok(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= LAB_NAME_MAX && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* The nearest lab name to the first `len` characters of `text`; "lab" when nothing is left of it. */
static void sanitize_name(const char *text, size_t len, char ret[LAB_NAME_MAX + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < len && n < LAB_NAME_MAX; i++) {
        unsigned char c = (unsigned char)text[i];
        bool keep = c < 0x80 && isalnum(c);

        if (keep)
            ret[n++] = (char)tolower(c);
        else if (n > 0 && ret[n - 1] != '-')
            ret[n++] = '-';
    }
    while (n > 0 && ret[n - 1] == '-')
        n--;
    ret[n] = '\0';
    if (n == 0)
        (void)strcpy(ret, "lab");
}

/* The file's name without .yaml or .yml; its directory's when the file is called lab.yaml. */
static void name_of_path(const char *path, char ret[LAB_NAME_MAX + 1])
{
    char full[PATH_MAX];
    const char *text = realpath(path, full) ? full : path, *base = strrchr(text, '/'), *dot;
    size_t len;

    base = base ? base + 1 : text;
    dot = strrchr(base, '.');
    len =
        dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0) ? (size_t)(dot - base) : strlen(base);
    if (len == 3 && strncmp(base, "lab", 3) == 0 && dot && base - text > 1) {
        const char *end = base - 1, *start = end;

        while (start > text && start[-1] != '/')
            start--;
        sanitize_name(start, (size_t)(end - start), ret);
        return;
    }
    sanitize_name(base, len, ret);
}

/* The written name when it is a good one, else the file's, so that reading can go on. */
static void choose_name(const char *path, const struct vnl_yaml *root, char ret[LAB_NAME_MAX + 1])
{
    const struct vnl_yaml *name = vnl_yaml_lookup(root, "name");

    if (name && name->type == VNL_YAML_SCALAR && name_ok(name->text))
        (void)strcpy(ret, name->text);
    else
        name_of_path(path, ret);
}

static void check_name(struct vnl_loading *l, const struct vnl_yaml *root)
{
    const struct vnl_yaml *name = vnl_yaml_lookup(root, "name");
    const char *text = name ? vnl_lab_text(l, "name", "a lab name", name) : NULL;
    char better[LAB_NAME_MAX + 1], hint[LAB_NAME_MAX + 16];

    if (!text || name_ok(text))
        return;
    sanitize_name(text, strlen(text), better);
    (void)snprintf(hint, sizeof(hint), "such as '%s'", better);
    vnl_lab_mistake(l, name->src, NULL, hint,
                    "lab name '%.80s' is not 1 to %d of a-z, 0-9 and '-', without '-' in front", text,
                    LAB_NAME_MAX);
}

/* --- reading ----------------------------------------------------------------------------------------- */

/* The lab's own scope: all resources without one of their own take it over, so it is read before them. */
static void read_defaults(struct vnl_loading *l, const struct vnl_yaml *root)
{
    struct vnl_scope scope = vnl_lab_scope(l, root);

    if (scope.subscription)
        vnl_lab_copy(l, &l->lab->defaults.subscription, scope.subscription);
    if (scope.resource_group)
        vnl_lab_copy(l, &l->lab->defaults.resource_group, scope.resource_group);
    if (scope.location)
        vnl_lab_copy(l, &l->lab->defaults.location, scope.location);
}

static void read_lab(struct vnl_loading *l, const struct vnl_yaml *root)
{
    check_name(l, root);
    read_defaults(l, root);
    for (size_t i = 0; i < root->n_kids; i++) {
        struct vnl_yaml section = {
            .type = VNL_YAML_MAP, .src = root->src, .kids = &root->kids[i], .n_kids = 1
        };

        vnl_lab_read_map(l, &vnl_lab_top_keys, l->lab, &section);
        vnl_lab_leave(l);
    }
    vnl_lab_resolve_loaded(l);
}

/* What a file without resources can hold. */
static const char *const setting_keys[] = { "name",      "location", "resourceGroup", "subscription",
                                            "semantics", "latency",  "expect" };

/* `vnets: {}` is one, said on purpose; `vnets:` is the beginning of one that was cut off. An internet side without hosts is for others. */
static bool is_section(const struct vnl_yaml *node)
{
    if (strcmp(node->key, "internet") == 0 && node->n_kids == 0)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(setting_keys); i++) {
        if (strcmp(node->key, setting_keys[i]) == 0)
            return false;
    }
    return !vnl_yaml_is_null(node);
}

/* A file that was emptied by mistake must not pass for a lab of nothing: `up` would delete all of it. */
static int check_not_empty(const char *file, const struct vnl_yaml *root, struct vnl_err **err)
{
    const struct vnl_src start = { file, 1, 1 };

    for (size_t i = 0; i < root->n_kids; i++) {
        if (is_section(root->kids[i]))
            return 0;
    }
    return vnl_fail_at(err, EINVAL, NULL, &start, NULL,
                       "'vnets: {}' says it on purpose; 'vnetlab down' deletes a lab",
                       "the lab file has no resources, such as 'vnets' or 'virtualMachines'");
}

static int new_lab(const char *path, const struct vnl_yaml *root, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    char name[LAB_NAME_MAX + 1];
    int r;

    choose_name(path, root, name);
    r = vnl_lab_new(name, &lab, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(lab);
    return 0;
}

/* file: what the tree's places point to; the lab owns it from here on. */
static int lab_of_tree(char **file, const struct vnl_yaml *root, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    struct vnl_loading l = { 0 };
    int r;

    if (root->type != VNL_YAML_MAP)
        return vnl_fail_at(err, EINVAL, NULL, &root->src, NULL, "such as 'vnets:'",
                           "a lab file is a map of sections, not a %s", vnl_yaml_type_str(root->type));
    r = new_lab(*file, root, &lab, err);
    if (r < 0)
        return r;
    lab->file = TAKE_PTR(*file);
    l.lab = lab;
    read_lab(&l, root);
    free(l.loaded);
    if (!l.mistakes)
        (void)check_not_empty(lab->file, root, &l.mistakes);
    if (!l.mistakes) {
        *ret = TAKE_PTR(lab);
        return 0;
    }
    r = vnl_lab_no_memory(l.mistakes) ? -ENOMEM : -EINVAL;
    vnl_err_append(err, &l.mistakes);
    return r;
}

/* r: what parsing returned; a tree that has mistakes of its own is read all the same, to find the others. */
static int finish_load(int r, char **file, const struct vnl_yaml *root, struct vnl_lab **ret,
                       struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *mistakes = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    int r_tree;

    if (!root)
        return r;
    r_tree = lab_of_tree(file, root, &lab, &mistakes);
    if (err) {
        vnl_err_append(err, &mistakes);
        vnl_err_sort(err);
    }
    if (r == 0 && r_tree == 0)
        *ret = TAKE_PTR(lab);
    return r < 0 ? r : r_tree;
}

int vnl_lab_load(const char *path, struct vnl_lab **ret, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *file = strdup(path);
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = NULL;
    int r;

    if (!file)
        return vnl_fail(err, ENOMEM, "lab file '%s'", path);
    r = vnl_yaml_load(file, &root, err);
    return finish_load(r, &file, root, ret, err);
}

int vnl_lab_load_text(const char *name, const char *text, size_t size, struct vnl_lab **ret,
                      struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *file = strdup(name);
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = NULL;
    int r;

    if (!file)
        return vnl_fail(err, ENOMEM, "lab file '%s'", name);
    r = vnl_yaml_parse(file, text, size, &root, err);
    return finish_load(r, &file, root, ret, err);
}

/* --- the reference ----------------------------------------------------------------------------------- */

static void print_table(FILE *out, const struct vnl_lab_keys *table)
{
    (void)fprintf(out, "### %s\n\n| Key | Value | Default | Meaning |\n|---|---|---|---|\n", table->title);
    for (size_t i = 0; i < table->n; i++) {
        const struct vnl_lab_key *key = &table->keys[i];

        if (!key->refuse)
            (void)fprintf(out, "| `%s` | %s | %s | %s |\n", key->name, key->type, key->fallback, key->text);
    }
    (void)fputc('\n', out);
}

void vnl_lab_keys_print(FILE *out)
{
    static const struct vnl_lab_keys *const tables[] = {
        &vnl_lab_top_keys,       &vnl_lab_vnet_keys,       &vnl_lab_subnet_keys,    &vnl_lab_peering_keys,
        &vnl_lab_vm_keys,        &vnl_lab_nic_keys,        &vnl_lab_config_keys,    &vnl_lab_udr_table_keys,
        &vnl_lab_udr_keys,       &vnl_lab_nsg_keys,        &vnl_lab_rule_keys,      &vnl_lab_asg_keys,
        &vnl_lab_public_keys,    &vnl_lab_nat_keys,        &vnl_lab_lb_keys,        &vnl_lab_frontend_keys,
        &vnl_lab_probe_keys,     &vnl_lab_lb_rule_keys,    &vnl_lab_gateway_keys,   &vnl_lab_local_keys,
        &vnl_lab_local_bgp_keys, &vnl_lab_connection_keys, &vnl_lab_policy_keys,    &vnl_lab_selector_keys,
        &vnl_lab_site_keys,      &vnl_lab_site_bgp_keys,   &vnl_lab_site_host_keys, &vnl_lab_internet_keys,
        &vnl_lab_host_keys,      &vnl_lab_latency_keys,    &vnl_lab_expect_keys,    &vnl_lab_refusal_keys,
        &vnl_lab_semantics_keys, &vnl_lab_p2s_keys,        &vnl_lab_root_keys,      &vnl_lab_revoked_keys,
        &vnl_lab_client_keys,
    };

    for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
        print_table(out, tables[i]);
}
