/* Application security groups: references to them, from NICs and from rules, and who their members are. Spec 3.6.
 *
 * Where a refusal of Azure is known and its code is not, the code is BadRequest, as in peering_check.c. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- references -------------------------------------------------------------------------------------- */

static char *asg_hint(const struct vnl_lab *lab, const char *ref)
{
    struct vnl_names names = { 0 };
    char *hint;

    for (size_t i = 0; i < lab->n_asgs; i++)
        (void)vnl_names_add(&names, ref[0] == '/' ? lab->asgs[i]->id : lab->asgs[i]->name);
    hint = vnl_did_you_mean(ref, &names);
    vnl_names_done(&names);
    return hint;
}

static void mistake_ref(struct vnl_check *check, const char *ref, const struct vnl_src *src, const char *id,
                        const char *who)
{
    CLEANUP(vnl_str_free) char *hint = asg_hint(check->lab, ref);
    size_t count;

    vnl_index_get(check->lab->index, VNL_TYPE_ASG, ref, strlen(ref), &count);
    if (count > 1)
        vnl_mistake(check, "InvalidResourceReference", src, id, "write the full id",
                    "%zu application security groups are called '%s'", count, ref);
    else if (ref[0] == '/' && !vnl_id_matches(ref, VNL_ASG_ID_FORM))
        vnl_mistake(check, "InvalidRequestFormat", src, id, "the form is " VNL_ASG_ID_FORM,
                    "Reference Id %s is not formatted correctly", ref);
    else
        vnl_mistake(check, "InvalidResourceReference", src, id, hint,
                    "Application security group '%s' referenced by %s was not found", ref, who);
}

static bool have_asg(struct vnl_asg *const *asgs, size_t n, const struct vnl_asg *asg)
{
    for (size_t i = 0; i < n; i++) {
        if (asgs[i] == asg)
            return true;
    }
    return false;
}

void vnl_asg_refs_resolve(struct vnl_check *check, const struct vnl_names *refs, const struct vnl_src *src,
                          const char *id, const char *who, struct vnl_asg ***ret, size_t *ret_n)
{
    struct vnl_asg **asgs = refs->n ? calloc(refs->n, sizeof(struct vnl_asg *)) : NULL;
    size_t n = 0;

    if (refs->n && !asgs) {
        vnl_check_nomem(check, "application security groups");
        return;
    }
    for (size_t i = 0; i < refs->n; i++) {
        struct vnl_asg *asg = vnl_asg_lookup(check->lab, refs->items[i]);

        if (!asg)
            mistake_ref(check, refs->items[i], src, id, who);
        else if (!have_asg(asgs, n, asg))
            asgs[n++] = asg;
    }
    free(*ret);
    *ret = asgs;
    *ret_n = n;
}

/* Source of code and sentence: ARM front end, "must exist and be in the same region". */
bool vnl_region_check(struct vnl_check *check, const char *what, const struct vnl_scope *there,
                      const char *who, const struct vnl_scope *here, const struct vnl_src *src,
                      const char *id)
{
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (!there->location || !here->location)
        return true;
    if (strcmp(there->location, here->location) != 0) {
        if (asprintf(&hint, "write 'location: %s' for it, or use another one there", here->location) < 0)
            hint = NULL;
        vnl_mistake(check, "InvalidResourceReference", src, id, hint,
                    "%s referenced by %s was not found in %s: it is in %s, and both must be in the same "
                    "region",
                    what, who, here->location, there->location);
        return false;
    }
    if (strcasecmp(there->subscription, here->subscription) != 0) {
        vnl_mistake(check, "InvalidResourceReference", src, id, NULL,
                    "%s referenced by %s was not found in subscription %s: it is in %s, and both must be in "
                    "the same subscription",
                    what, who, here->subscription, there->subscription);
        return false;
    }
    return true;
}

/* --- members ----------------------------------------------------------------------------------------- */

static int add_member(struct vnl_asg *asg, struct vnl_nic *nic)
{
    struct vnl_nic **nics = vnl_list_grow(asg->nics, asg->n_nics, sizeof(*nics));

    if (!nics)
        return -ENOMEM;
    asg->nics = nics;
    asg->nics[asg->n_nics++] = nic;
    return 0;
}

/* 0 or -ENOMEM. */
static int join(struct vnl_nic *nic)
{
    for (size_t i = 0; i < nic->n_asgs; i++) {
        struct vnl_asg *asg = nic->asgs[i];

        if (add_member(asg, nic) < 0)
            return -ENOMEM;
        if (!asg->vnet && nic->subnet)
            asg->vnet = nic->subnet->vnet;
    }
    return 0;
}

int vnl_asgs_derive(const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_asgs; i++) {
        lab->asgs[i]->vnet = NULL;
        lab->asgs[i]->n_nics = 0;
    }
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            if (join(lab->vms[i]->nics[k]) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

/* Azure: "all network interfaces assigned to an application security group have to exist in the same virtual
 * network that the first network interface assigned to it is in". */
static void check_vnet(struct vnl_check *check, const struct vnl_asg *asg, const struct vnl_nic *nic)
{
    if (nic->subnet->vnet == asg->vnet)
        return;
    vnl_mistake(check, "BadRequest", &nic->asg_src, nic->id, "use one application security group per VNet",
                "Network interface '%s' is in virtual network '%s' and cannot be in application security "
                "group '%s': its first member is in '%s'",
                nic->name, nic->subnet->vnet->name, asg->name, asg->vnet->name);
}

static void check_member(struct vnl_check *check, const struct vnl_asg *asg, const struct vnl_nic *nic)
{
    CLEANUP(vnl_str_free) char *what = NULL;
    CLEANUP(vnl_str_free) char *who = NULL;

    if (asprintf(&what, "Application security group '%s'", asg->name) < 0)
        what = NULL;
    if (asprintf(&who, "network interface '%s'", nic->name) < 0)
        who = NULL;
    if (!what || !who)
        vnl_check_nomem(check, "application security group");
    else if (vnl_region_check(check, what, &asg->scope, who, &nic->vm->scope, &nic->asg_src, nic->id))
        check_vnet(check, asg, nic);
}

static void check_asg(struct vnl_check *check, const struct vnl_asg *asg)
{
    size_t n = 0;

    for (size_t i = 0; i < asg->n_nics; i++) {
        if (asg->nics[i]->subnet)
            check_member(check, asg, asg->nics[i]);
        n += asg->nics[i]->n_configs;
    }
    if (n > VNL_LIMIT_ASG_CONFIGS)
        vnl_mistake(check, "BadRequest", &asg->src, asg->id, NULL,
                    "Application security group '%s' has %zu ip configurations; at most %u are allowed",
                    asg->name, n, VNL_LIMIT_ASG_CONFIGS);
}

static void resolve_nic(struct vnl_check *check, struct vnl_nic *nic)
{
    CLEANUP(vnl_str_free) char *who = NULL;

    if (asprintf(&who, "network interface '%s'", nic->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "network interface");
        return;
    }
    vnl_asg_refs_resolve(check, &nic->asg_refs, &nic->asg_src, nic->id, who, &nic->asgs, &nic->n_asgs);
    if (nic->n_asgs > VNL_LIMIT_NIC_ASGS)
        vnl_mistake(check, "BadRequest", &nic->asg_src, nic->id, NULL,
                    "Network interface '%s' is in %zu application security groups; at most %u are allowed",
                    nic->name, nic->n_asgs, VNL_LIMIT_NIC_ASGS);
}

void vnl_asgs_resolve(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_vms; i++) {
        for (size_t k = 0; k < check->lab->vms[i]->n_nics; k++) {
            if (check->lab->vms[i]->nics[k]->asg_refs.n)
                resolve_nic(check, check->lab->vms[i]->nics[k]);
        }
    }
    if (vnl_asgs_derive(check->lab) < 0) {
        vnl_check_nomem(check, "application security groups");
        return;
    }
    for (size_t i = 0; i < check->lab->n_asgs; i++)
        check_asg(check, check->lab->asgs[i]);
}
