/* Point-to-site of VPN gateways: vpnClientConfiguration made, found and freed. Spec 13. */
#include "p2s.h"
#include "gateway.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- registry ---------------------------------------------------------------------------------------- */

void vnl_p2s_free(struct vnl_p2s **ptr)
{
    struct vnl_p2s *p2s = TAKE_PTR(*ptr);

    if (!p2s)
        return;
    for (size_t i = 0; i < p2s->n_roots; i++) {
        free(p2s->roots[i].name);
        free(p2s->roots[i].data);
    }
    for (size_t i = 0; i < p2s->n_revoked; i++) {
        free(p2s->revoked[i].name);
        free(p2s->revoked[i].thumbprint);
    }
    free(p2s->roots);
    free(p2s->revoked);
    vnl_prefixes_done(&p2s->pool);
    vnl_ipsec_policy_done(&p2s->policy);
    free(p2s);
}

struct vnl_p2s *vnl_p2s_add(struct vnl_vpn_gateway *gateway, const struct vnl_src *src, struct vnl_err **err)
{
    struct vnl_p2s *p2s = gateway->p2s ? gateway->p2s : calloc(1, sizeof(*p2s));

    if (!p2s)
        return vnl_add_failed(err, VNL_TYPE_VPN_GATEWAY, gateway->name);
    p2s->src = src ? *src : gateway->src;
    p2s->pool_src = p2s->policy.src = p2s->src;
    return gateway->p2s = p2s;
}

/* Names are compared without case, and the agent calls files after them. */
static void check_name(struct vnl_err **err, const struct vnl_vpn_gateway *gateway, const char *what,
                       const char *name, bool twice, const struct vnl_src *src)
{
    struct vnl_check check = { .err = err };
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (asprintf(&hint, "names of %ss are compared without case", what) < 0)
        hint = NULL;
    if (!vnl_name_ok(VNL_TYPE_CONNECTION, name))
        vnl_mistake(&check, "InvalidResourceName", src, gateway->id, vnl_name_hint(VNL_TYPE_CONNECTION),
                    "Resource name '%s' is invalid for a %s", name, what);
    if (twice)
        vnl_mistake(&check, "InvalidTemplate", src, gateway->id, hint,
                    "The %s '%s' of virtual network gateway '%s' is defined multiple times", what, name,
                    gateway->name);
}

struct vnl_p2s_root *vnl_p2s_root_add(struct vnl_vpn_gateway *gateway, const char *name,
                                      const struct vnl_src *src, struct vnl_err **err)
{
    struct vnl_p2s *p2s = gateway->p2s;
    struct vnl_p2s_root *roots = vnl_list_grow(p2s->roots, p2s->n_roots, sizeof(*roots)), *root;

    p2s->roots = roots ? roots : p2s->roots;
    if (!roots)
        return vnl_add_failed(err, VNL_TYPE_VPN_GATEWAY, gateway->name);
    root = &roots[p2s->n_roots];
    *root = (struct vnl_p2s_root){ .src = src ? *src : p2s->src, .name = strdup(name) };
    if (!root->name)
        return vnl_add_failed(err, VNL_TYPE_VPN_GATEWAY, gateway->name);
    check_name(err, gateway, "root certificate", name, vnl_p2s_root_lookup(p2s, name), &root->src);
    p2s->n_roots++;
    return root;
}

static bool is_revoked(const struct vnl_p2s *p2s, const char *name)
{
    for (size_t i = 0; i < p2s->n_revoked; i++) {
        if (strcasecmp(p2s->revoked[i].name, name) == 0)
            return true;
    }
    return false;
}

struct vnl_p2s_revoked *vnl_p2s_revoked_add(struct vnl_vpn_gateway *gateway, const char *name,
                                            const struct vnl_src *src, struct vnl_err **err)
{
    struct vnl_p2s *p2s = gateway->p2s;
    struct vnl_p2s_revoked *list = vnl_list_grow(p2s->revoked, p2s->n_revoked, sizeof(*list)), *one;

    p2s->revoked = list ? list : p2s->revoked;
    if (!list)
        return vnl_add_failed(err, VNL_TYPE_VPN_GATEWAY, gateway->name);
    one = &list[p2s->n_revoked];
    *one = (struct vnl_p2s_revoked){ .src = src ? *src : p2s->src, .name = strdup(name) };
    if (!one->name)
        return vnl_add_failed(err, VNL_TYPE_VPN_GATEWAY, gateway->name);
    check_name(err, gateway, "revoked certificate", name, is_revoked(p2s, name), &one->src);
    p2s->n_revoked++;
    return one;
}

const struct vnl_p2s_root *vnl_p2s_root_lookup(const struct vnl_p2s *p2s, const char *name)
{
    for (size_t i = 0; i < p2s->n_roots; i++) {
        if (strcasecmp(p2s->roots[i].name, name) == 0)
            return &p2s->roots[i];
    }
    return NULL;
}

/* --- values ------------------------------------------------------------------------------------------ */

/* Replaces *ret by the text without blanks and the characters of `skip`. 0 or -ENOMEM. */
static int squeeze(char **ret, const char *text, const char *skip)
{
    char *copy = strdup(text), *end = copy;

    if (!copy)
        return -ENOMEM;
    for (; *text; text++) {
        if (!isspace((unsigned char)*text) && !strchr(skip, *text))
            *end++ = *text;
    }
    *end = '\0';
    free(*ret);
    *ret = copy;
    return 0;
}

int vnl_p2s_root_set(struct vnl_p2s_root *root, const char *data)
{
    return squeeze(&root->data, data, "");
}

int vnl_p2s_revoked_set(struct vnl_p2s_revoked *revoked, const char *thumbprint)
{
    int r = squeeze(&revoked->thumbprint, thumbprint, ":");

    for (char *c = r < 0 ? NULL : revoked->thumbprint; c && *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return r;
}
