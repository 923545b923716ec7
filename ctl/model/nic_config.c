/* The ip configurations of a NIC: their order, their names, and static addresses. Spec 1.1, 1.4. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- completing -------------------------------------------------------------------------------------- */

/* The family that a configuration is for: the one that is asked for, else its address's. */
static uint16_t family_of(const struct vnl_ip_config *config)
{
    if (config->family)
        return config->family;
    return config->addr.family ? config->addr.family : AF_INET;
}

static size_t count_family(const struct vnl_nic *nic, uint16_t family)
{
    size_t n = 0;

    for (size_t i = 0; i < nic->n_configs; i++)
        n += family_of(&nic->configs[i]) == family;
    return n;
}

static int add_dynamic(struct vnl_check *check, struct vnl_nic *nic, uint16_t family)
{
    struct vnl_ip_config *config = vnl_ip_config_add(nic, NULL, &nic->src, check->err);

    if (!config)
        return vnl_check_note(check, -ENOMEM);
    config->family = family;
    return 0;
}

/* The written primary one, then IPv4, then IPv6, else as written. */
static int rank(const struct vnl_ip_config *config)
{
    if (config->family == AF_INET6)
        return 2;
    return config->primary ? 0 : 1;
}

/* Insertion keeps the order of equals, and there are few. */
static void sort(struct vnl_nic *nic)
{
    for (size_t i = 1; i < nic->n_configs; i++) {
        struct vnl_ip_config config = nic->configs[i];
        size_t k = i;

        for (; k > 0 && rank(&nic->configs[k - 1]) > rank(&config); k--)
            nic->configs[k] = nic->configs[k - 1];
        nic->configs[k] = config;
    }
}

static bool name_is_used(const struct vnl_nic *nic, const char *name)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (nic->configs[i].name && strcasecmp(nic->configs[i].name, name) == 0)
            return true;
    }
    return false;
}

static void name_config(struct vnl_check *check, const struct vnl_nic *nic, size_t i)
{
    char name[32];
    size_t number = i + 1;

    do
        (void)snprintf(name, sizeof(name), "ipconfig%zu", number++);
    while (name_is_used(nic, name));
    nic->configs[i].name = strdup(name);
    if (!nic->configs[i].name)
        vnl_check_nomem(check, "ip configuration");
}

static void check_primary(struct vnl_check *check, const struct vnl_nic *nic)
{
    const struct vnl_ip_config *first = NULL;

    for (size_t i = 0; i < nic->n_configs; i++) {
        const struct vnl_ip_config *config = &nic->configs[i];

        if (!config->primary)
            continue;
        if (first)
            vnl_mistake(check, "BadRequest", &config->src, nic->id, NULL,
                        "Network interface '%s' has two primary ip configurations, '%s' and '%s'", nic->name,
                        first->name ? first->name : "", config->name ? config->name : "");
        else if (family_of(config) == AF_INET6)
            vnl_mistake(check, "BadRequest", &config->src, nic->id, "make an IPv4 one the primary",
                        "IPv6 ip configuration '%s' of network interface '%s' cannot be the primary",
                        config->name ? config->name : "", nic->name);
        first = config;
    }
}

static void check_count(struct vnl_check *check, const struct vnl_nic *nic)
{
    if (count_family(nic, AF_INET6) > 1)
        vnl_mistake(check, "BadRequest", &nic->configs[nic->n_configs - 1].src, nic->id, NULL,
                    "Network interface '%s' has %zu IPv6 ip configurations; one is possible", nic->name,
                    count_family(nic, AF_INET6));
    if (nic->n_configs > VNL_LIMIT_NIC_CONFIGS)
        vnl_mistake(check, "BadRequest", &nic->configs[VNL_LIMIT_NIC_CONFIGS].src, nic->id, NULL,
                    "Network interface '%s' has %zu ip configurations; at most %u are allowed", nic->name,
                    nic->n_configs, VNL_LIMIT_NIC_CONFIGS);
}

/* Every NIC has an IPv4 address (spec 1.1), and an IPv6 one when its subnet has IPv6: where they are not written, dynamic ones are added. */
void vnl_nic_configs_complete(struct vnl_check *check, struct vnl_nic *nic)
{
    bool wants_ipv6 = nic->subnet && vnl_subnet_has_family(nic->subnet, AF_INET6);

    check_primary(check, nic);
    if (count_family(nic, AF_INET) == 0 && add_dynamic(check, nic, AF_INET) < 0)
        return;
    if (wants_ipv6 && count_family(nic, AF_INET6) == 0 && add_dynamic(check, nic, AF_INET6) < 0)
        return;
    for (size_t i = 0; i < nic->n_configs; i++)
        nic->configs[i].family = family_of(&nic->configs[i]);
    sort(nic);
    check_count(check, nic);
    for (size_t i = 0; i < nic->n_configs; i++) {
        nic->configs[i].primary = i == 0;
        if (!nic->configs[i].name)
            name_config(check, nic, i);
    }
}

/* --- addresses --------------------------------------------------------------------------------------- */

static void check_static(struct vnl_check *check, const struct vnl_nic *nic,
                         const struct vnl_ip_config *config)
{
    const struct vnl_prefix *prefix = vnl_subnet_prefix_of(nic->subnet, &config->addr);
    char addr[VNL_ADDR_STR], text[VNL_PREFIX_STR];

    vnl_addr_format(&config->addr, addr);
    if (!prefix) {
        CLEANUP(vnl_str_free) char *list = vnl_prefixes_join(&nic->subnet->prefixes);

        vnl_mistake(
            check, "PrivateIPAddressNotInSubnet", &config->src, nic->id, NULL,
            "Private static IP address %s does not belong to the range of subnet prefix %s of subnet '%s'",
            addr, list ? list : "", nic->subnet->name);
    } else if (vnl_addr_reserved(prefix, &config->addr)) {
        vnl_mistake(check, "PrivateIPAddressInReservedRange", &config->src, nic->id,
                    config->addr.family == AF_INET ? "Azure keeps the first four addresses and the last one"
                                                   : "Azure keeps the first four addresses",
                    "Private static IP address %s falls within reserved IP range of subnet prefix %s", addr,
                    vnl_prefix_format(prefix, text));
    }
}

static void check_config(struct vnl_check *check, const struct vnl_nic *nic,
                         const struct vnl_ip_config *config)
{
    const char *family = config->family == AF_INET ? "IPv4" : "IPv6";

    if (!vnl_subnet_has_family(nic->subnet, config->family) && nic->subnet->prefixes.n)
        vnl_mistake(check, "PrivateIPAddressNotInSubnet", &config->src, nic->id,
                    config->family == AF_INET ? "every network interface needs an IPv4 address" : NULL,
                    "Network interface '%s' cannot have an %s address: subnet '%s' has no %s prefix",
                    nic->name, family, nic->subnet->name, family);
    else if (config->is_static)
        check_static(check, nic, config);
}

void vnl_nic_configs_check(struct vnl_check *check, const struct vnl_nic *nic)
{
    for (size_t i = 0; i < nic->n_configs; i++)
        check_config(check, nic, &nic->configs[i]);
}
