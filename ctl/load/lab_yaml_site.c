/* sites: simulated on-premises networks. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- values ------------------------------------------------------------------------------------------ */

static void read_site_address(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                              const struct vnl_yaml *node)
{
    struct vnl_site *site = resource;

    vnl_lab_address(l, key, node, &site->addr, &site->addr_src);
}

static void read_site_prefixes(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                               const struct vnl_yaml *node)
{
    struct vnl_site *site = resource;

    site->prefixes_src = node->src;
    vnl_lab_prefixes(l, key->name, node, &site->prefixes);
}

static void read_site_key(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    struct vnl_site *site = resource;

    vnl_lab_read_key(l, key, node, &site->shared_key, &site->key_src);
}

/* Beside the lab file unless it begins with '/'. NULL: errno says why. */
static char *full_path(const struct vnl_loading *l, const char *text)
{
    const char *file = l->lab->file ? l->lab->file : "", *slash = strrchr(file, '/');
    CLEANUP(vnl_str_free) char *path = NULL;

    if (text[0] == '/' || !slash)
        return realpath(text, NULL);
    if (asprintf(&path, "%.*s/%s", (int)(slash - file), file, text) < 0) {
        path = NULL;
        return NULL;
    }
    return realpath(path, NULL);
}

void vnl_lab_file(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                  char **ret)
{
    const char *text = vnl_lab_text(l, key->name, key->type, node);
    CLEANUP(vnl_str_free) char *path = text ? full_path(l, text) : NULL;

    if (!text)
        return;
    if (!path) {
        vnl_lab_mistake(l, node->src, "InvalidRequestContent", "the path is seen from the lab file",
                        "'%s: %.200s': %s", key->name, text, strerror(errno));
        return;
    }
    vnl_lab_copy(l, ret, path);
}

static void read_swanctl(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    vnl_lab_file(l, key, node, &((struct vnl_site *)resource)->swanctl);
}

/* --- hosts ------------------------------------------------------------------------------------------- */

static void read_host_address(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                              const struct vnl_yaml *node)
{
    struct vnl_site_host *host = resource;

    vnl_lab_address(l, key, node, &host->addr, &host->src);
}

static const struct vnl_lab_key host_keys[] = {
    { "address", read_host_address, .type = "an IPv4 address such as 192.168.1.10", .fallback = "required",
      .text = "in the site's prefixes; not the first one, which is the device's" },
    { "run", vnl_lab_read_names, offsetof(struct vnl_site_host, run),
      .type = "a command or a list of commands", .fallback = "none",
      .text = "shell commands started in the host with the lab" },
};
const struct vnl_lab_keys vnl_lab_site_host_keys = { "Host of a site", "a host of a site", host_keys,
                                                     ARRAY_SIZE(host_keys) };

/* "pc: 192.168.1.10", or a map. */
static void read_host(struct vnl_loading *l, struct vnl_site *site, const struct vnl_yaml *node)
{
    struct vnl_site_host *host = vnl_site_host_add(l->lab, site, node->key, &node->key_src, &l->mistakes);
    size_t n_broken;

    if (!host)
        return;
    vnl_lab_enter_part(l, &node->key_src);
    n_broken = l->n_broken;
    if (node->type == VNL_YAML_SCALAR && !vnl_yaml_is_null(node))
        read_host_address(l, &host_keys[0], host, node);
    else
        vnl_lab_read_map(l, &vnl_lab_site_host_keys, host, node);
    if (!host->addr.family && l->n_broken == n_broken)
        vnl_lab_missing(l, node, "write 'address: 192.168.1.10'", "address");
    vnl_lab_leave_part(l);
}

static void read_hosts(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_host(l, resource, node->kids[i]);
}

/* --- sites ------------------------------------------------------------------------------------------- */

static const struct vnl_lab_key site_keys[] = {
    { "publicIPAddress", read_site_address, .type = "an IPv4 address such as 203.0.113.10",
      .fallback = "required", .text = "of its device; a local network gateway with this address leads here" },
    { "addressPrefixes", read_site_prefixes, .type = "a prefix or a list of prefixes", .fallback = "required",
      .text = "its network; the device has the first address of the first prefix" },
    { "hosts", read_hosts, .type = "a map", .fallback = "none",
      .text = "hosts by name: `pc: 192.168.1.10`, or a map (below); no name of a VM" },
    { "sharedKey", read_site_key, .type = "text", .fallback = "none",
      .text = "what the device answers every gateway with; without one it answers none" },
    { "bgpSettings", vnl_lab_read_site_bgp, .type = "a map", .fallback = "none",
      .text = "what its device speaks BGP with (below); without them it speaks none" },
    { "swanctl", read_swanctl, .type = "a file", .fallback = "made by the lab",
      .text = "a swanctl.conf of your own for the device; the path is seen from the lab file" },
};
const struct vnl_lab_keys vnl_lab_site_keys = { "Site", "a site", site_keys, ARRAY_SIZE(site_keys) };

static void check_complete(struct vnl_loading *l, const struct vnl_site *site, const struct vnl_yaml *node)
{
    if (!site->addr.family)
        vnl_lab_missing(l, node, "write 'publicIPAddress: 203.0.113.10'", "publicIPAddress");
    else if (site->prefixes.n == 0)
        vnl_lab_missing(l, node, "write 'addressPrefixes: [192.168.0.0/16]'", "addressPrefixes");
}

static void read_site(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_site *site;
    size_t n_broken;

    vnl_lab_enter(l, &node->key_src, "sites", node->key);
    site = vnl_site_add(l->lab, node->key, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (!site)
        return;
    n_broken = l->n_broken;
    vnl_lab_read_map(l, &vnl_lab_site_keys, site, node);
    if (l->n_broken == n_broken)
        check_complete(l, site, node);
}

void vnl_lab_read_sites(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_site(l, node->kids[i]);
}
