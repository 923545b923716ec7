/* References to top-level resources: a name that only one has, or a full id. */
#include "gateway.h"
#include "outside.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *form_of(enum vnl_type type)
{
    switch (type) {
    case VNL_TYPE_PUBLIC_IP:
        return "/subscriptions/*/resourceGroups/*/providers/" VNL_PUBLIC_IP_TYPE "/*";
    case VNL_TYPE_NAT_GATEWAY:
        return "/subscriptions/*/resourceGroups/*/providers/" VNL_NAT_GATEWAY_TYPE "/*";
    case VNL_TYPE_VNET:
        return VNL_VNET_ID_FORM;
    case VNL_TYPE_VPN_GATEWAY:
        return "/subscriptions/*/resourceGroups/*/providers/" VNL_VPN_GATEWAY_TYPE "/*";
    case VNL_TYPE_LOCAL_GATEWAY:
        return "/subscriptions/*/resourceGroups/*/providers/" VNL_LOCAL_GATEWAY_TYPE "/*";
    default: /* nothing refers to the others by way of this file */
        return "/subscriptions/*/resourceGroups/*/providers/*/*/*";
    }
}

/* What could have been meant, in the form in which the reference is written. */
static void add_names(const struct vnl_lab *lab, const struct vnl_ref *ref, struct vnl_names *names)
{
    bool is_id = ref->text[0] == '/';

    for (size_t i = 0; ref->type == VNL_TYPE_PUBLIC_IP && i < lab->n_public_ips; i++)
        (void)vnl_names_add(names, is_id ? lab->public_ips[i]->id : lab->public_ips[i]->name);
    for (size_t i = 0; ref->type == VNL_TYPE_NAT_GATEWAY && i < lab->n_nat_gateways; i++)
        (void)vnl_names_add(names, is_id ? lab->nat_gateways[i]->id : lab->nat_gateways[i]->name);
    for (size_t i = 0; ref->type == VNL_TYPE_VNET && i < lab->n_vnets; i++)
        (void)vnl_names_add(names, is_id ? lab->vnets[i]->id : lab->vnets[i]->name);
    for (size_t i = 0; ref->type == VNL_TYPE_VPN_GATEWAY && i < lab->n_gateways; i++)
        (void)vnl_names_add(names, is_id ? lab->gateways[i]->id : lab->gateways[i]->name);
    for (size_t i = 0; ref->type == VNL_TYPE_LOCAL_GATEWAY && i < lab->n_local_gateways; i++)
        (void)vnl_names_add(names, is_id ? lab->local_gateways[i]->id : lab->local_gateways[i]->name);
}

static char *hint_of(const struct vnl_lab *lab, const struct vnl_ref *ref)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };

    add_names(lab, ref, &names);
    return vnl_did_you_mean(ref->text, &names);
}

static void mistake_ref(struct vnl_check *check, const struct vnl_ref *ref)
{
    CLEANUP(vnl_str_free) char *hint = hint_of(check->lab, ref);
    CLEANUP(vnl_str_free) char *form = NULL;
    const char *what = vnl_type_str(ref->type);
    size_t count;

    vnl_index_get(check->lab->index, ref->type, ref->text, strlen(ref->text), &count);
    if (asprintf(&form, "the form is %s", form_of(ref->type)) < 0)
        form = NULL;
    if (count > 1)
        vnl_mistake(check, "InvalidResourceReference", ref->src, ref->id, "write the full id",
                    "More than one %s is called '%s'", what, ref->text);
    else if (ref->text[0] == '/' && !vnl_id_matches(ref->text, form_of(ref->type)))
        vnl_mistake(check, "InvalidRequestFormat", ref->src, ref->id, form,
                    "Reference Id %s is not formatted correctly", ref->text);
    else
        vnl_mistake(check, "InvalidResourceReference", ref->src, ref->id, hint,
                    "The %s '%s' referenced by %s was not found", what, ref->text, ref->who);
}

static const struct vnl_scope *scope_of(const struct vnl_ref *ref, const void *found, const char **ret_name)
{
#define SCOPE_OF(type) (*ret_name = ((const type *)found)->name, &((const type *)found)->scope)
    switch (ref->type) {
    case VNL_TYPE_PUBLIC_IP:
        return SCOPE_OF(struct vnl_public_ip);
    case VNL_TYPE_VNET:
        return SCOPE_OF(struct vnl_vnet);
    case VNL_TYPE_VPN_GATEWAY:
        return SCOPE_OF(struct vnl_vpn_gateway);
    case VNL_TYPE_LOCAL_GATEWAY:
        return SCOPE_OF(struct vnl_local_gateway);
    default:
        return SCOPE_OF(struct vnl_nat_gateway);
    }
#undef SCOPE_OF
}

static void check_region(struct vnl_check *check, const struct vnl_ref *ref, const void *found)
{
    const char *name;
    const struct vnl_scope *scope = scope_of(ref, found, &name);
    CLEANUP(vnl_str_free) char *what = NULL;

    if (asprintf(&what, "The %s '%s'", vnl_type_str(ref->type), name) < 0) {
        what = NULL;
        vnl_check_nomem(check, vnl_type_str(ref->type));
        return;
    }
    (void)vnl_region_check(check, what, scope, ref->who, ref->scope, ref->src, ref->id);
}

void *vnl_ref_lookup(const struct vnl_lab *lab, enum vnl_type type, const char *text)
{
    return vnl_index_unique(lab->index, type, text);
}

void *vnl_ref_resolve(struct vnl_check *check, const struct vnl_ref *ref)
{
    void *found = vnl_ref_lookup(check->lab, ref->type, ref->text);

    if (!found)
        mistake_ref(check, ref);
    else if (ref->scope)
        check_region(check, ref, found);
    return found;
}

/* --- subnets ----------------------------------------------------------------------------------------- */

static bool is_subnet_ref(const struct vnl_subnet *subnet, const char *text)
{
    const char *slash = strchr(text, '/');
    size_t len = strlen(subnet->vnet->name);

    if (!slash)
        return strcasecmp(subnet->name, text) == 0;
    if (text[0] == '/')
        return vnl_id_eq(subnet->id, text);
    return (size_t)(slash - text) == len && strncasecmp(subnet->vnet->name, text, len) == 0 &&
           strcasecmp(subnet->name, slash + 1) == 0;
}

static int add_path(struct vnl_names *names, const struct vnl_subnet *subnet, const char *text)
{
    CLEANUP(vnl_str_free) char *path = NULL;

    if (!strchr(text, '/'))
        return vnl_names_add(names, subnet->name);
    if (text[0] == '/')
        return vnl_names_add(names, subnet->id);
    if (asprintf(&path, "%s/%s", subnet->vnet->name, subnet->name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    return vnl_names_add(names, path);
}

struct vnl_subnet *vnl_subnet_ref_resolve(struct vnl_check *check, const char *text,
                                          const struct vnl_src *src, const char *id, const char *who)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };
    CLEANUP(vnl_str_free) char *hint = NULL;
    struct vnl_subnet *found = NULL;
    size_t n = 0;

    for (size_t i = 0; i < check->lab->n_vnets; i++) {
        for (size_t k = 0; k < check->lab->vnets[i]->n_subnets; k++) {
            struct vnl_subnet *subnet = check->lab->vnets[i]->subnets[k];
            bool fits = is_subnet_ref(subnet, text);

            found = fits ? subnet : found;
            n += fits;
            (void)add_path(&names, subnet, text);
        }
    }
    if (n == 1)
        return found;
    hint = n ? NULL : vnl_did_you_mean(text, &names);
    if (n)
        vnl_mistake(check, "InvalidResourceReference", src, id, "write VNET/SUBNET",
                    "%zu subnets are called '%s'", n, text);
    else
        vnl_mistake(check, "InvalidResourceReference", src, id, hint,
                    "Subnet '%s' referenced by %s was not found", text, who);
    return NULL;
}
