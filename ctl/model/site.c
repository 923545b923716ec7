/* Sites, which stand for on-premises networks: made, found and freed, and what they may be. Azure knows nothing of them. */
#include "gateway.h"
#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEVICE_PREFIX_MAX 30 /* room for the device and a host */

/* --- registry ---------------------------------------------------------------------------------------- */

static void site_host_free(struct vnl_site_host **ptr)
{
    struct vnl_site_host *host = TAKE_PTR(*ptr);

    if (!host)
        return;
    free(host->name);
    vnl_names_done(&host->run);
    free(host);
}

void vnl_site_free(struct vnl_site **ptr)
{
    struct vnl_site *site = TAKE_PTR(*ptr);

    if (!site)
        return;
    for (size_t i = 0; i < site->n_hosts; i++)
        site_host_free(&site->hosts[i]);
    free(site->hosts);
    free(site->id);
    free(site->name);
    vnl_prefixes_done(&site->prefixes);
    vnl_prefixes_done(&site->advertised);
    if (site->shared_key)
        explicit_bzero(site->shared_key, strlen(site->shared_key));
    free(site->shared_key);
    free(site->swanctl);
    free(site);
}

struct vnl_site *vnl_site_add(struct vnl_lab *lab, const char *name, const struct vnl_src *src,
                              struct vnl_err **err)
{
    CLEANUP(vnl_site_free) struct vnl_site *site = calloc(1, sizeof(*site));
    struct vnl_site **sites = vnl_list_grow(lab->sites, lab->n_sites, sizeof(*sites));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->sites = sites ? sites : lab->sites;
    if (!site || !sites || !(site->name = strdup(name)) || asprintf(&site->id, "sites/%s", name) < 0)
        return vnl_add_failed(err, VNL_TYPE_SITE, name);
    site->src = src ? *src : site->src;
    site->addr_src = site->prefixes_src = site->key_src = site->bgp.src = site->src;
    site->number = (uint32_t)lab->n_sites;
    site->slot = site->in_slot = site->out_slot = VNL_SLOT_NONE;
    vnl_name_check(&check, VNL_TYPE_SITE, name, src, site->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_SITE, name, src, site->id, name) &&
        vnl_index_put(&lab->index, VNL_TYPE_SITE, site->name, site) < 0)
        return vnl_add_failed(err, VNL_TYPE_SITE, name);
    return lab->sites[lab->n_sites++] = TAKE_PTR(site);
}

/* That its name is new among all guests is asked by vnl_guest_names_check(). */
struct vnl_site_host *vnl_site_host_add(struct vnl_lab *lab, struct vnl_site *site, const char *name,
                                        const struct vnl_src *src, struct vnl_err **err)
{
    CLEANUP(site_host_free) struct vnl_site_host *host = calloc(1, sizeof(*host));
    struct vnl_site_host **hosts = vnl_list_grow(site->hosts, site->n_hosts, sizeof(*hosts));
    struct vnl_check check = { .lab = lab, .err = err };

    site->hosts = hosts ? hosts : site->hosts;
    if (!host || !hosts || !(host->name = strdup(name)))
        return vnl_add_failed(err, VNL_TYPE_SITE, name);
    host->src = src ? *src : host->src;
    host->slot = VNL_SLOT_NONE;
    if (!vnl_name_ok(VNL_TYPE_HOST, name))
        vnl_mistake(&check, "InvalidResourceName", src, site->id, vnl_name_hint(VNL_TYPE_HOST),
                    "Resource name '%s' is invalid for a host of a site", name);
    return site->hosts[site->n_hosts++] = TAKE_PTR(host);
}

struct vnl_site *vnl_site_lookup(const struct vnl_lab *lab, const char *name)
{
    return vnl_index_unique(lab->index, VNL_TYPE_SITE, name);
}

struct vnl_site_host *vnl_site_host_lookup(const struct vnl_lab *lab, const char *name)
{
    for (size_t i = 0; i < lab->n_sites; i++) {
        for (size_t k = 0; k < lab->sites[i]->n_hosts; k++) {
            if (strcasecmp(lab->sites[i]->hosts[k]->name, name) == 0)
                return lab->sites[i]->hosts[k];
        }
    }
    return NULL;
}

struct vnl_site *vnl_site_by_addr(const struct vnl_lab *lab, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < lab->n_sites; i++) {
        if (vnl_addr_eq(&lab->sites[i]->addr, addr))
            return lab->sites[i];
    }
    return NULL;
}

struct vnl_addr vnl_site_inner(const struct vnl_site *site)
{
    return site->prefixes.n ? vnl_addr_add(&site->prefixes.items[0].addr, 1) : (struct vnl_addr){ 0 };
}

/* --- its public address ------------------------------------------------------------------------------ */

static void mistake_taken(struct vnl_check *check, const struct vnl_site *site, const char *what,
                          const char *name)
{
    char text[VNL_ADDR_STR];

    vnl_mistake(check, "BadRequest", &site->addr_src, site->id, NULL,
                "Site '%s' cannot have %s: %s '%s' has that address", site->name,
                vnl_addr_format(&site->addr, text), what, name);
}

static void check_unique(struct vnl_check *check, const struct vnl_site *site)
{
    const struct vnl_lab *lab = check->lab;

    for (uint32_t i = 0; i < site->number; i++) {
        if (vnl_addr_eq(&lab->sites[i]->addr, &site->addr))
            mistake_taken(check, site, "site", lab->sites[i]->name);
    }
    for (size_t i = 0; i < lab->n_hosts; i++) {
        if (vnl_addr_eq(&lab->hosts[i]->addr, &site->addr))
            mistake_taken(check, site, lab->hosts[i]->client ? "client" : "internet host",
                          lab->hosts[i]->name);
    }
    for (size_t i = 0; i < lab->n_public_ips; i++) {
        if (lab->public_ips[i]->is_static && vnl_addr_eq(&lab->public_ips[i]->addr, &site->addr))
            mistake_taken(check, site, "public IP address", lab->public_ips[i]->name);
    }
}

static void check_address(struct vnl_check *check, const struct vnl_site *site)
{
    char text[VNL_ADDR_STR];

    vnl_addr_format(&site->addr, text);
    if (!vnl_addr_is_public(&site->addr))
        vnl_mistake(check, "BadRequest", &site->addr_src, site->id, "such as 203.0.113.10",
                    "Site '%s' cannot have %s: that is no IPv4 address of the internet", site->name, text);
    else if (vnl_prefix_has(&vnl_default_outbound_prefix, &site->addr))
        vnl_mistake(check, "BadRequest", &site->addr_src, site->id,
                    "192.0.2.128/25 is what VMs without a public IP address share on their way out",
                    "Site '%s' cannot have %s: default outbound access has it", site->name, text);
    check_unique(check, site);
}

/* --- its network ------------------------------------------------------------------------------------- */

static void check_prefix(struct vnl_check *check, const struct vnl_site *site, size_t at)
{
    const struct vnl_prefix *prefix = &site->prefixes.items[at];
    char text[VNL_PREFIX_STR], other[VNL_PREFIX_STR];

    vnl_prefix_format(prefix, text);
    if (prefix->addr.family != AF_INET)
        vnl_mistake(check, "BadRequest", &site->prefixes_src, site->id, "VPN gateways carry IPv4",
                    "Site '%s' cannot have %s: that is no IPv4 prefix", site->name, text);
    else if (at == 0 && prefix->len > DEVICE_PREFIX_MAX)
        vnl_mistake(check, "BadRequest", &site->prefixes_src, site->id,
                    "its device is there, on the first address",
                    "Site '%s' cannot have %s as its first prefix: the smallest is /%d", site->name, text,
                    DEVICE_PREFIX_MAX);
    else if (prefix->len == 0)
        vnl_mistake(check, "BadRequest", &site->prefixes_src, site->id,
                    "what is in no prefix goes to the site's device",
                    "Site '%s' cannot have %s: that is everything", site->name, text);
    for (size_t i = 0; i < at; i++) {
        if (vnl_prefix_overlap(&site->prefixes.items[i], prefix))
            vnl_mistake(check, "BadRequest", &site->prefixes_src, site->id, NULL,
                        "Prefixes %s and %s of site '%s' overlap",
                        vnl_prefix_format(&site->prefixes.items[i], other), text, site->name);
    }
}

const struct vnl_prefix *vnl_site_prefix_of(const struct vnl_site *site, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < site->prefixes.n; i++) {
        if (vnl_prefix_has(&site->prefixes.items[i], addr))
            return &site->prefixes.items[i];
    }
    return NULL;
}

bool vnl_prefix_is_edge(const struct vnl_prefix *prefix, const struct vnl_addr *addr)
{
    const struct vnl_addr last = vnl_prefix_last(prefix);

    return prefix->len < 31 && (vnl_addr_eq(&prefix->addr, addr) || vnl_addr_eq(&last, addr));
}

static void check_host(struct vnl_check *check, const struct vnl_site *site, size_t at)
{
    const struct vnl_site_host *host = site->hosts[at];
    const struct vnl_prefix *prefix = vnl_site_prefix_of(site, &host->addr);
    CLEANUP(vnl_str_free) char *space = vnl_prefixes_join(&site->prefixes);
    char text[VNL_ADDR_STR];

    vnl_addr_format(&host->addr, text);
    if (!prefix)
        vnl_mistake(check, "BadRequest", &host->src, site->id, space,
                    "Host '%s' cannot have %s: that is in no prefix of site '%s'", host->name, text,
                    site->name);
    else if (vnl_prefix_is_edge(prefix, &host->addr))
        vnl_mistake(check, "BadRequest", &host->src, site->id, NULL,
                    "Host '%s' cannot have %s: the first and last address of a prefix are no host's",
                    host->name, text);
    else if (vnl_addr_eq(&site->inner, &host->addr))
        vnl_mistake(check, "BadRequest", &host->src, site->id, NULL,
                    "Host '%s' cannot have %s: the device of site '%s' has that address", host->name, text,
                    site->name);
    for (size_t i = 0; i < at; i++) {
        if (vnl_addr_eq(&site->hosts[i]->addr, &host->addr))
            vnl_mistake(check, "BadRequest", &host->src, site->id, NULL,
                        "Host '%s' cannot have %s: host '%s' has that address", host->name, text,
                        site->hosts[i]->name);
    }
}

/* --- all of it --------------------------------------------------------------------------------------- */

static void check_key(struct vnl_check *check, const struct vnl_site *site)
{
    CLEANUP(vnl_str_free) char *who = NULL;

    if (!site->shared_key)
        return;
    if (asprintf(&who, "site '%s'", site->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "site");
        return;
    }
    vnl_shared_key_check(check, site->shared_key, &site->key_src, site->id, who);
}

static void check_site(struct vnl_check *check, struct vnl_site *site)
{
    site->inner = vnl_site_inner(site);
    if (site->addr.family)
        check_address(check, site);
    if (site->prefixes.n == 0)
        vnl_mistake(check, "BadRequest", &site->prefixes_src, site->id,
                    "write 'addressPrefixes: [192.168.0.0/16]'", "Site '%s' has no address prefix",
                    site->name);
    for (size_t i = 0; i < site->prefixes.n; i++)
        check_prefix(check, site, i);
    for (size_t i = 0; i < site->n_hosts; i++) {
        if (site->hosts[i]->addr.family && site->prefixes.n)
            check_host(check, site, i);
    }
    check_key(check, site);
    vnl_bgp_check_site(check, site);
}

void vnl_sites_check(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;

    if (lab->n_sites > VNL_LIMIT_SITES)
        vnl_mistake(check, "BadRequest", &lab->sites[VNL_LIMIT_SITES]->src, lab->sites[VNL_LIMIT_SITES]->id,
                    NULL, "The lab has %zu sites; at most %u are possible", lab->n_sites, VNL_LIMIT_SITES);
    for (size_t i = 0; i < lab->n_sites; i++)
        check_site(check, lab->sites[i]);
}
