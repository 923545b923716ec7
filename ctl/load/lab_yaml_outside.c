/* publicIPAddresses, natGateways, internet, and what refers to them. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- values ------------------------------------------------------------------------------------------ */

/* "Standard", or ARM's {name: Standard}. */
void vnl_lab_read_sku(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    enum vnl_sku *sku = (enum vnl_sku *)((char *)resource + key->field);
    const struct vnl_yaml *name =
        node->type == VNL_YAML_MAP && node->n_kids == 1 ? vnl_yaml_lookup(node, "name") : NULL;
    const struct vnl_yaml *value = name ? name : node;

    if (value->type != VNL_YAML_SCALAR || vnl_sku_parse(value->text, sku) < 0)
        vnl_lab_wrong_type(l, key->name, key->type, value);
}

void vnl_lab_minutes(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                     long max, int *ret)
{
    long minutes;

    if (vnl_lab_number(l, key->name, node, 4, max, &minutes))
        *ret = (int)minutes;
}

/* --- references -------------------------------------------------------------------------------------- */

static bool is_word(const struct vnl_yaml *node, const char *word)
{
    return node->type == VNL_YAML_SCALAR && node->plain && strcasecmp(node->text, word) == 0;
}

/* The one that `true` made before, when `set` says it again. */
static bool imply(struct vnl_loading *l, const struct vnl_yaml *node, const char *name,
                  const struct vnl_scope *scope)
{
    struct vnl_public_ip *one = vnl_public_ip_lookup(l->lab, name);

    if (!one || !one->implied)
        one = vnl_public_ip_add(l->lab, name, scope, &node->src, &l->mistakes);
    if (one)
        one->implied = true;
    return one;
}

void vnl_lab_public_ref(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                        const char *owner, const struct vnl_scope *scope, char **ret, struct vnl_src *ret_src)
{
    CLEANUP(vnl_str_free) char *name = NULL;

    if (vnl_yaml_is_null(node) || is_word(node, "false"))
        return;
    if (!is_word(node, "true")) {
        vnl_lab_ref(l, key, node, ret, ret_src);
        return;
    }
    if (!owner) {
        vnl_lab_mistake(l, node->src, "InvalidRequestContent", "name one of 'publicIPAddresses'",
                        "'%s: true' is for a virtual machine or network interface as a whole", key->name);
        return;
    }
    if (asprintf(&name, "%s-ip", owner) < 0) {
        name = NULL;
        (void)vnl_fail(&l->mistakes, ENOMEM, "public IP address");
    } else if (imply(l, node, name, scope)) {
        vnl_lab_copy(l, ret, name);
        *ret_src = node->src;
    }
}

static void add_ref(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                    struct vnl_names *ret)
{
    const char *text = vnl_lab_text(l, key->name, key->type, vnl_lab_ref_value(node));

    if (!text)
        vnl_lab_broken(l);
    else if (vnl_names_add(ret, text) < 0)
        (void)vnl_fail(&l->mistakes, ENOMEM, "lab '%s'", l->lab->name);
}

/* --- public IP addresses ----------------------------------------------------------------------------- */

void vnl_lab_address(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                     struct vnl_addr *ret, struct vnl_src *ret_src)
{
    const char *text = vnl_lab_text(l, key->name, key->type, node);

    if (text && vnl_addr_parse(text, ret, NULL) < 0)
        vnl_lab_wrong_type(l, key->name, key->type, node);
    if (!ret->family)
        vnl_lab_broken(l);
    *ret_src = node->src;
}

static void read_public_address(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                                const struct vnl_yaml *node)
{
    struct vnl_public_ip *one = resource;

    vnl_lab_address(l, key, node, &one->addr, &one->addr_src);
    one->is_static = one->addr.family;
}

static void read_public_timeout(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                                const struct vnl_yaml *node)
{
    vnl_lab_minutes(l, key, node, 30, &((struct vnl_public_ip *)resource)->idle_timeout_min);
}

static const struct vnl_lab_key public_keys[] = {
    { "sku", vnl_lab_read_sku, offsetof(struct vnl_public_ip, sku), .type = "Standard or Basic",
      .fallback = "Standard", .text = "a Standard one lets nothing in until a security group allows it" },
    { "ipAddress", read_public_address, .type = "an IPv4 address such as 198.51.100.7",
      .fallback = "given by the lab",
      .text = "a lab may choose; else the lowest free one of 198.51.100.0/24, then 192.0.2.0/25" },
    { "idleTimeoutInMinutes", read_public_timeout, .type = "4 to 30", .fallback = "4",
      .text = "when an idle flow that came in ends; one that went out always ends after 4 minutes" },
    { "location", .type = "a region", .fallback = "the lab's",
      .text = "must be that of what it is attached to" },
    { "resourceGroup", .type = "a name", .fallback = "the lab's", .text = "part of the resource id" },
    { "subscription", .type = "a GUID", .fallback = "the lab's", .text = "part of the resource id" },
    { "publicIPAllocationMethod", .refuse = "is always Static here" },
    { "publicIPAddressVersion", .refuse = "is always IPv4 here" },
    { "ipConfiguration", .refuse = "is written at the virtual machine", .instead = "publicIPAddress" },
    { "dnsSettings", .refuse = VNL_NOT_YET },
    { "zones", .refuse = VNL_NOT_YET },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_public_keys = { "Public IP address", "a public IP address", public_keys,
                                                  ARRAY_SIZE(public_keys) };

static void read_public(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_scope scope;
    struct vnl_public_ip *one;

    vnl_lab_enter(l, &node->key_src, "publicIPAddresses", node->key);
    scope = vnl_lab_scope(l, node);
    one = vnl_public_ip_add(l->lab, node->key, &scope, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (one)
        vnl_lab_read_map(l, &vnl_lab_public_keys, one, node);
}

void vnl_lab_read_publics(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_public(l, node->kids[i]);
}

/* --- NAT gateways ------------------------------------------------------------------------------------ */

static void read_nat_publics(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                             const struct vnl_yaml *node)
{
    struct vnl_nat_gateway *nat = resource;

    nat->public_src = node->src;
    if (node->type == VNL_YAML_SEQ) {
        for (size_t i = 0; i < node->n_kids; i++)
            add_ref(l, key, node->kids[i], &nat->public_refs);
    } else {
        add_ref(l, key, node, &nat->public_refs);
    }
}

static void read_nat_timeout(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                             const struct vnl_yaml *node)
{
    vnl_lab_minutes(l, key, node, 120, &((struct vnl_nat_gateway *)resource)->idle_timeout_min);
}

static const struct vnl_lab_key nat_keys[] = {
    { "publicIpAddresses", read_nat_publics, .type = "a public IP address or a list of them",
      .fallback = "required", .text = "1 to 16 Standard ones; names, full ids or `{id: ...}`" },
    { "idleTimeoutInMinutes", read_nat_timeout, .type = "4 to 120", .fallback = "4",
      .text = "when an idle TCP flow ends; UDP: 4 minutes" },
    { "location", .type = "a region", .fallback = "the lab's", .text = "must be that of its VNet" },
    { "resourceGroup", .type = "a name", .fallback = "the lab's", .text = "part of the resource id" },
    { "subscription", .type = "a GUID", .fallback = "the lab's", .text = "part of the resource id" },
    { "subnets", .refuse = "is written at the subnet", .instead = "natGateway" },
    { "sku", .refuse = "is always Standard here" },
    { "publicIpPrefixes", .refuse = VNL_NOT_YET },
    { "zones", .refuse = VNL_NOT_YET },
    { "tags", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_nat_keys = { "NAT gateway", "a NAT gateway", nat_keys,
                                               ARRAY_SIZE(nat_keys) };

static void read_nat(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_nat_gateway *nat;
    struct vnl_scope scope;
    size_t n_broken;

    vnl_lab_enter(l, &node->key_src, "natGateways", node->key);
    scope = vnl_lab_scope(l, node);
    nat = vnl_nat_gateway_add(l->lab, node->key, &scope, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (!nat)
        return;
    n_broken = l->n_broken;
    vnl_lab_read_map(l, &vnl_lab_nat_keys, nat, node);
    if (nat->public_refs.n == 0 && l->n_broken == n_broken)
        vnl_lab_missing(l, node, "write 'publicIpAddresses: [NAME]'", "publicIpAddresses");
}

void vnl_lab_read_nats(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_nat(l, node->kids[i]);
}

void vnl_lab_read_nat_ref(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_subnet *subnet = resource;

    vnl_lab_ref(l, key, node, &subnet->nat_ref, &subnet->nat_src);
}

void vnl_lab_read_outbound(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    struct vnl_subnet *subnet = resource;
    const struct vnl_lab_key own = { .name = key->name };
    bool access = !subnet->private_outbound;

    vnl_lab_read_bool(l, &own, &access, node);
    subnet->private_outbound = !access;
}

/* --- the internet ------------------------------------------------------------------------------------ */

static void read_host_address(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                              const struct vnl_yaml *node)
{
    struct vnl_host *host = resource;

    vnl_lab_address(l, key, node, &host->addr, &host->addr_src);
}

static const struct vnl_lab_key host_keys[] = {
    { "address", read_host_address, .type = "an IPv4 address such as 203.0.113.80", .fallback = "required",
      .text =
          "of the internet; where a VNet has the same range, its VMs and those of its peers reach the VNet" },
    { "run", vnl_lab_read_names, offsetof(struct vnl_host, run), .type = "a command or a list of commands",
      .fallback = "none", .text = "shell commands started in the host with the lab" },
    { "ipAddress", .refuse = "has another name here", .instead = "address" },
};
const struct vnl_lab_keys vnl_lab_host_keys = { "Internet host", "an internet host", host_keys,
                                                ARRAY_SIZE(host_keys) };

static void read_host(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_host *host;
    size_t n_broken;

    vnl_lab_enter(l, &node->key_src, "internet/hosts", node->key);
    host = vnl_host_add(l->lab, node->key, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (!host)
        return;
    n_broken = l->n_broken;
    vnl_lab_read_map(l, &vnl_lab_host_keys, host, node);
    if (!host->addr.family && l->n_broken == n_broken)
        vnl_lab_missing(l, node, "write 'address: 203.0.113.80'", "address");
}

static void read_hosts(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_host(l, node->kids[i]);
}

static const struct vnl_lab_key internet_keys[] = {
    { "hosts", read_hosts, .type = "a map", .fallback = "none",
      .text = "simulated hosts by name (below); no name of a VM" },
};
const struct vnl_lab_keys vnl_lab_internet_keys = { "Internet", "the internet", internet_keys,
                                                    ARRAY_SIZE(internet_keys) };

void vnl_lab_read_internet(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    (void)key;
    l->lab->internet = true;
    vnl_lab_read_map(l, &vnl_lab_internet_keys, resource, node);
}
