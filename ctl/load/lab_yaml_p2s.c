/* vpnClientConfiguration and customRoutes of VPN gateways, as maps by name or in ARM's form. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- prefixes ---------------------------------------------------------------------------------------- */

static const struct vnl_lab_key space_keys[] = {
    { "addressPrefixes", vnl_lab_read_prefixes, 0, .type = "a prefix or a list of prefixes" },
};
static const struct vnl_lab_keys space_table = { "Address space", "an address space", space_keys,
                                                 ARRAY_SIZE(space_keys) };

/* [172.16.201.0/24], or ARM's {addressPrefixes: [172.16.201.0/24]}. */
static void read_space(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                       struct vnl_prefixes *ret, struct vnl_src *ret_src)
{
    *ret_src = node->src;
    if (node->type == VNL_YAML_MAP)
        vnl_lab_read_map(l, &space_table, ret, node);
    else if (!vnl_yaml_is_null(node))
        vnl_lab_prefixes(l, key->name, node, ret);
}

void vnl_lab_read_custom_routes(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                                const struct vnl_yaml *node)
{
    struct vnl_vpn_gateway *gateway = resource;

    read_space(l, key, node, &gateway->custom_routes, &gateway->custom_src);
}

static void read_pool(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    struct vnl_p2s *p2s = ((struct vnl_vpn_gateway *)resource)->p2s;

    read_space(l, key, node, &p2s->pool, &p2s->pool_src);
}

/* --- words ------------------------------------------------------------------------------------------- */

struct words {
    const char *only;          /* what there is, which must be among them */
    const char *const *others; /* what Azure has besides; NULL ends them */
};

static bool is_word(const struct vnl_yaml *node, const char *word)
{
    return node->type == VNL_YAML_SCALAR && strcasecmp(node->text, word) == 0;
}

static void read_word(struct vnl_loading *l, const struct vnl_lab_key *key, const struct words *words,
                      const struct vnl_yaml *node)
{
    if (is_word(node, words->only))
        return;
    for (const char *const *other = words->others; *other; other++) {
        if (!is_word(node, *other))
            continue;
        vnl_lab_mistake(l, node->src, "InvalidRequestContent", NULL, "'%s: %s' is not supported yet",
                        key->name, *other);
        return;
    }
    vnl_lab_wrong_type(l, key->name, key->type, node);
}

/* A word or a list of words. What else there could be is refused, so nothing of it is kept. */
static void read_words(struct vnl_loading *l, const struct vnl_lab_key *key, const struct words *words,
                       const struct vnl_yaml *node)
{
    if (node->type != VNL_YAML_SEQ) {
        read_word(l, key, words, node);
        return;
    }
    for (size_t i = 0; i < node->n_kids; i++)
        read_word(l, key, words, node->kids[i]);
    if (node->n_kids == 0)
        vnl_lab_mistake(l, node->src, "InvalidRequestContent", NULL, "'%s' must contain %s", key->name,
                        words->only);
}

static void read_protocols(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    static const char *const others[] = { "SSTP", "OpenVPN", NULL };

    (void)resource;
    read_words(l, key, &(struct words){ "IkeV2", others }, node);
}

static void read_authentication(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                                const struct vnl_yaml *node)
{
    static const char *const others[] = { "Radius", "AAD", NULL };

    (void)resource;
    read_words(l, key, &(struct words){ "Certificate", others }, node);
}

/* --- certificates ------------------------------------------------------------------------------------ */

static void read_data(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    const char *text = vnl_yaml_is_null(node) ? NULL : vnl_lab_text(l, key->name, key->type, node);

    if (text && vnl_p2s_root_set(resource, text) < 0)
        (void)vnl_fail(&l->mistakes, ENOMEM, "lab '%s'", l->lab->name);
}

static void read_thumbprint(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                            const struct vnl_yaml *node)
{
    const char *text = vnl_lab_text(l, key->name, key->type, node);

    if (text && vnl_p2s_revoked_set(resource, text) < 0)
        (void)vnl_fail(&l->mistakes, ENOMEM, "lab '%s'", l->lab->name);
    if (!text)
        vnl_lab_broken(l);
}

static const struct vnl_lab_key root_keys[] = {
    { "publicCertData", read_data, .type = "base64", .fallback = "made by the lab",
      .text = "the certificate, DER in base64, blanks allowed; without it the lab makes one, with its key, "
              "and signs certificates of clients with it" },
};
const struct vnl_lab_keys vnl_lab_root_keys = { "VPN client root certificate", "a root certificate",
                                                root_keys, ARRAY_SIZE(root_keys) };

static const struct vnl_lab_key revoked_keys[] = {
    { "thumbprint", read_thumbprint, .type = "40 hexadecimal digits", .fallback = "required",
      .text = "SHA-1 of a client's certificate, as `show CLIENT` tells it; colons and lower case are fine. "
              "`NAME: THUMBPRINT` says the same" },
};
const struct vnl_lab_keys vnl_lab_revoked_keys = { "VPN client revoked certificate", "a revoked certificate",
                                                   revoked_keys, ARRAY_SIZE(revoked_keys) };

/* One of a list by name, or of ARM's: what is in it, and how it is added. */
struct part {
    const struct vnl_lab_keys *table;
    void *(*add)(struct vnl_loading *l, struct vnl_vpn_gateway *gateway, const char *name,
                 const struct vnl_src *src);
};

static void *add_root(struct vnl_loading *l, struct vnl_vpn_gateway *gateway, const char *name,
                      const struct vnl_src *src)
{
    return vnl_p2s_root_add(gateway, name, src, &l->mistakes);
}

static void *add_revoked(struct vnl_loading *l, struct vnl_vpn_gateway *gateway, const char *name,
                         const struct vnl_src *src)
{
    return vnl_p2s_revoked_add(gateway, name, src, &l->mistakes);
}

/* "NAME: {...}"; a bare text is the value of the one key there is. */
static void read_named(struct vnl_loading *l, const struct part *part, struct vnl_vpn_gateway *gateway,
                       const struct vnl_yaml *node)
{
    const struct vnl_lab_key *key = &part->table->keys[0];
    void *one = part->add(l, gateway, node->key, &node->key_src);

    if (one && node->type == VNL_YAML_SCALAR && !vnl_yaml_is_null(node))
        key->read(l, key, one, node);
    else if (one)
        vnl_lab_read_map(l, part->table, one, node);
}

/* ARM's form: {name: NAME, properties: {...}}, or without `properties`. */
static void read_listed(struct vnl_loading *l, const struct part *part, struct vnl_vpn_gateway *gateway,
                        const struct vnl_yaml *node)
{
    const struct vnl_yaml *name = node->type == VNL_YAML_MAP ? vnl_yaml_lookup(node, "name") : NULL;
    const char *text = name ? vnl_lab_text(l, "name", "a name", name) : NULL;
    void *one = text ? part->add(l, gateway, text, &name->src) : NULL;

    if (!name)
        vnl_lab_mistake(l, node->src, "InvalidRequestContent", "such as {name: P2SRootCert}",
                        "%s in a list has no 'name'", part->table->what);
    for (size_t i = 0; one && i < node->n_kids; i++) {
        const struct vnl_yaml *kid = node->kids[i];
        const struct vnl_yaml rest = {
            .type = VNL_YAML_MAP, .src = node->src, .kids = &node->kids[i], .n_kids = 1
        };

        if (strcmp(kid->key, "properties") == 0)
            vnl_lab_read_map(l, part->table, one, kid);
        else if (kid != name)
            vnl_lab_read_map(l, part->table, one, &rest);
    }
}

static void read_parts(struct vnl_loading *l, const struct vnl_lab_key *key, const struct part *part,
                       struct vnl_vpn_gateway *gateway, const struct vnl_yaml *node)
{
    bool listed = node->type == VNL_YAML_SEQ;

    if (!listed && !vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        (listed ? read_listed : read_named)(l, part, gateway, node->kids[i]);
}

static void read_roots(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    read_parts(l, key, &(struct part){ &vnl_lab_root_keys, add_root }, resource, node);
}

static void read_revoked(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    read_parts(l, key, &(struct part){ &vnl_lab_revoked_keys, add_revoked }, resource, node);
}

/* --- all of it --------------------------------------------------------------------------------------- */

static void read_policies(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    vnl_lab_policy(l, key, node, "point-to-site", &((struct vnl_vpn_gateway *)resource)->p2s->policy);
}

static const struct vnl_lab_key p2s_keys[] = {
    { "vpnClientAddressPool", read_pool, .type = "a prefix or a list of prefixes", .fallback = "required",
      .text = "what clients get their addresses of; apart from all that the gateway leads to. "
              "`{addressPrefixes: ...}` says the same" },
    { "vpnClientProtocols", read_protocols, .type = "IkeV2", .fallback = "IkeV2",
      .text = "SSTP and OpenVPN are not there yet" },
    { "vpnAuthenticationTypes", read_authentication, .type = "Certificate", .fallback = "Certificate",
      .text = "Radius and AAD are not there yet" },
    { "vpnClientRootCertificates", read_roots, .type = "a map", .fallback = "required",
      .text = "root certificates by name (below): `{P2SRootCert: {}}`; also ARM's list" },
    { "vpnClientRevokedCertificates", read_revoked, .type = "a map", .fallback = "none",
      .text = "certificates that are refused by name (below); also ARM's list" },
    { "vpnClientIpsecPolicies", read_policies, .type = "an IPsec policy", .fallback = "Azure's defaults",
      .text = "replaces the default algorithms" },
    { "radiusServers", .refuse = VNL_NOT_YET },
    { "radiusServerAddress", .refuse = VNL_NOT_YET },
    { "radiusServerSecret", .refuse = VNL_NOT_YET },
    { "aadTenant", .refuse = VNL_NOT_YET },
    { "aadAudience", .refuse = VNL_NOT_YET },
    { "aadIssuer", .refuse = VNL_NOT_YET },
    { "vngClientConnectionConfigurations", .refuse = VNL_NOT_YET },
};
const struct vnl_lab_keys vnl_lab_p2s_keys = { "VPN client configuration", "vpnClientConfiguration", p2s_keys,
                                               ARRAY_SIZE(p2s_keys) };

void vnl_lab_read_p2s(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    (void)key;
    if (!vnl_yaml_is_null(node) && vnl_p2s_add(resource, &node->src, &l->mistakes))
        vnl_lab_read_map(l, &vnl_lab_p2s_keys, resource, node);
}
