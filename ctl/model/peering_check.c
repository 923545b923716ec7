/* Rules of one link and its VNet: spec 2.3 but for overlaps (peering_overlap.c), 2.6, 2.8.
 *
 * Where a refusal of Azure is known and its code is not, the code is BadRequest, Azure's generic one: no
 * invented code can be taken for a real one. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the remote VNet --------------------------------------------------------------------------------- */

static char *remote_hint(const struct vnl_lab *lab, const struct vnl_peering *link)
{
    struct vnl_names names = { 0 };
    char *hint = NULL;

    for (size_t i = 0; i < lab->n_vnets; i++)
        (void)vnl_names_add(&names, link->remote_ref[0] == '/' ? lab->vnets[i]->id : lab->vnets[i]->name);
    hint = vnl_did_you_mean(link->remote_ref, &names);
    vnl_names_done(&names);
    return hint;
}

int vnl_mistake_no_remote(struct vnl_check *check, const struct vnl_peering *link)
{
    CLEANUP(vnl_str_free) char *hint = remote_hint(check->lab, link);

    return vnl_mistake(check, "InvalidResourceReference", &link->remote_src, link->id, hint,
                       "Virtual network '%s' referenced by peering '%s' was not found", link->remote_ref,
                       link->name);
}

/* A well-formed reference to a VNet that is not there is no mistake yet: the link may have lost its remote
 * VNet (spec 2.2, row 8). Only settle, or vnl_lab_check_remotes(), can tell. */
static void mistake_remote(struct vnl_check *check, const struct vnl_peering *link)
{
    size_t count;

    vnl_index_get(check->lab->index, VNL_TYPE_VNET, link->remote_ref, strlen(link->remote_ref), &count);
    if (count > 1)
        vnl_mistake(check, "InvalidResourceReference", &link->remote_src, link->id, "write the full id",
                    "%zu virtual networks are called '%s'", count, link->remote_ref);
    else if (link->remote_ref[0] == '/' && !vnl_id_matches(link->remote_ref, VNL_VNET_ID_FORM))
        vnl_mistake(check, "InvalidRequestFormat", &link->remote_src, link->id,
                    "the form is " VNL_VNET_ID_FORM, "Reference Id %s is not formatted correctly",
                    link->remote_ref);
}

/* A = B: Azure refuses, the code is unconfirmed. */
static void mistake_self(struct vnl_check *check, const struct vnl_peering *link)
{
    vnl_mistake(check, "BadRequest", &link->remote_src, link->id, NULL,
                "Cannot create or update peering %s. Virtual network %s cannot be peered with itself",
                link->name, link->vnet->name);
}

/* Leaves link->remote NULL when it cannot be used. */
static void resolve_remote(struct vnl_check *check, struct vnl_peering *link)
{
    link->remote = link->remote_ref ? vnl_vnet_lookup(check->lab, link->remote_ref) : NULL;
    if (!link->remote_ref)
        vnl_mistake(check, "InvalidRequestFormat", &link->src, link->id, NULL,
                    "Peering '%s' names no remote virtual network", link->name);
    else if (!link->remote)
        mistake_remote(check, link);
    else if (link->remote == link->vnet) {
        mistake_self(check, link);
        link->remote = NULL;
    }
}

static void check_only_link(struct vnl_check *check, const struct vnl_peering *link)
{
    for (size_t i = 0; link->vnet->peerings[i] != link; i++) {
        const struct vnl_peering *other = link->vnet->peerings[i];

        if (other->remote != link->remote)
            continue;
        vnl_mistake(
            check, "AnotherPeeringAlreadyReferencesRemoteVnet", &link->src, link->id, NULL,
            "Peering %s already references remote virtual network %s. Cannot add another peering referencing "
            "the same remote virtual network",
            other->name, link->remote->name);
        return;
    }
}

/* --- gateway flags: spec 2.6 ------------------------------------------------------------------------- */

static void check_remote_gateway(struct vnl_check *check, const struct vnl_peering *link)
{
    if (!link->remote->gateway)
        vnl_mistake(
            check, "RemoteVnetHasNoGateways", &link->src, link->id, "leave useRemoteGateways false",
            "Peering %s cannot have UseRemoteGateways flag set to true because remote virtual network %s "
            "referenced by the peering does not have any gateways",
            link->name, link->remote->name);
}

/* The twin's absence is no mistake: the link stays Initiated (spec 2.6, decided). */
static void check_transit(struct vnl_check *check, const struct vnl_peering *link)
{
    const struct vnl_peering *twin = vnl_peering_twin(link);

    if (twin && !twin->allow_gateway_transit)
        vnl_mistake(
            check, "BadRequest", &link->src, link->id, "set allowGatewayTransit on the remote peering",
            "Peering %s cannot have UseRemoteGateways flag set to true, because corresponding remote peering "
            "%s/%s has AllowGatewayTransit flag set to false",
            link->name, twin->vnet->name, twin->name);
}

static void check_own_gateway(struct vnl_check *check, const struct vnl_peering *link)
{
    if (link->vnet->gateway)
        vnl_mistake(
            check, "BadRequest", &link->src, link->id, NULL,
            "Peering %s cannot have UseRemoteGateways flag set to true because virtual network %s has a "
            "gateway of its own",
            link->name, link->vnet->name);
}

static void check_only_remote_gateway(struct vnl_check *check, const struct vnl_peering *link)
{
    for (size_t i = 0; link->vnet->peerings[i] != link; i++) {
        const struct vnl_peering *other = link->vnet->peerings[i];

        if (!other->use_remote_gateways)
            continue;
        vnl_mistake(
            check, "BadRequest", &link->src, link->id, NULL,
            "Peering %s cannot have UseRemoteGateways flag set to true because peering %s of virtual network "
            "%s already has it; only one can",
            link->name, other->name, link->vnet->name);
        return;
    }
}

/* The rows of spec 2.6 in order. Each is a mistake of its own: to mend one does not mend the next. */
static void check_gateway_flags(struct vnl_check *check, const struct vnl_peering *link)
{
    if (!link->use_remote_gateways)
        return;
    check_remote_gateway(check, link);
    check_transit(check, link);
    check_own_gateway(check, link);
    check_only_remote_gateway(check, link);
}

/* --- subnet peering: spec 2.8 ------------------------------------------------------------------------ */

static void mistake_subnet(struct vnl_check *check, const struct vnl_peering *link,
                           const struct vnl_vnet *side, const char *name)
{
    CLEANUP(vnl_str_free) char *hint = NULL;
    struct vnl_names names = { 0 };

    for (size_t i = 0; i < side->n_subnets; i++)
        (void)vnl_names_add(&names, side->subnets[i]->name);
    hint = vnl_did_you_mean(name, &names);
    vnl_names_done(&names);
    vnl_mistake(check, "InvalidResourceReference", &link->src, link->id, hint,
                "Subnet '%s/%s' referenced by peering '%s' was not found", side->name, name, link->name);
}

static void check_subnet_names(struct vnl_check *check, const struct vnl_peering *link,
                               const struct vnl_vnet *side, const struct vnl_names *names, const char *key)
{
    if (names->n == 0)
        vnl_mistake(check, "BadRequest", &link->src, link->id,
                    "peerCompleteVnets: true peers whole virtual networks",
                    "Peering '%s' is of subnets, but %s is empty", link->name, key);
    for (size_t i = 0; i < names->n; i++) {
        if (!vnl_subnet_lookup(side, names->items[i]))
            mistake_subnet(check, link, side, names->items[i]);
    }
}

static void check_subnet_peering(struct vnl_check *check, const struct vnl_peering *link)
{
    size_t n = link->local_subnets.n + link->remote_subnets.n;

    if (n > VNL_LIMIT_PEERING_SUBNETS)
        vnl_mistake(check, "BadRequest", &link->src, link->id, NULL,
                    "Peering '%s' names %zu subnets; at most %u can take part", link->name, n,
                    VNL_LIMIT_PEERING_SUBNETS);
    check_subnet_names(check, link, link->vnet, &link->local_subnets, "localSubnetNames");
    check_subnet_names(check, link, link->remote, &link->remote_subnets, "remoteSubnetNames");
}

static void check_subnets(struct vnl_check *check, const struct vnl_peering *link)
{
    if (!link->complete_vnets)
        check_subnet_peering(check, link);
    else if (link->local_subnets.n + link->remote_subnets.n > 0)
        vnl_mistake(check, "BadRequest", &link->src, link->id, "add peerCompleteVnets: false",
                    "Peering '%s' names subnets, but is of whole virtual networks", link->name);
}

/* --- all links --------------------------------------------------------------------------------------- */

/* Source: spec 2.3, 500 links per VNet; the code is unconfirmed. */
static void check_count(struct vnl_check *check, const struct vnl_vnet *vnet)
{
    const struct vnl_peering *link;

    if (vnet->n_peerings <= VNL_LIMIT_PEERINGS)
        return;
    link = vnet->peerings[VNL_LIMIT_PEERINGS];
    vnl_mistake(
        check, "BadRequest", &link->src, link->id, NULL,
        "Cannot create or update peering %s. Virtual network %s has %zu peerings; at most %u are allowed",
        link->name, vnet->name, vnet->n_peerings, VNL_LIMIT_PEERINGS);
}

static void check_link(struct vnl_check *check, const struct vnl_peering *link)
{
    if (!link->remote)
        return;
    check_only_link(check, link);
    check_gateway_flags(check, link);
    check_subnets(check, link);
}

/* Two rounds: a rule about a link may look at its twin, which the file may name later. */
void vnl_peerings_resolve(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_vnets; i++) {
        for (size_t k = 0; k < check->lab->vnets[i]->n_peerings; k++)
            resolve_remote(check, check->lab->vnets[i]->peerings[k]);
    }
    for (size_t i = 0; i < check->lab->n_vnets; i++) {
        check_count(check, check->lab->vnets[i]);
        for (size_t k = 0; k < check->lab->vnets[i]->n_peerings; k++)
            check_link(check, check->lab->vnets[i]->peerings[k]);
    }
}

/* Without those that resolve refused: for another reason, so under another message. */
static bool remote_missing(const struct vnl_lab *lab, const struct vnl_peering *link)
{
    const char *ref = link->remote_ref;
    size_t count = 0;

    if (link->remote || !ref || (*ref == '/' && !vnl_id_matches(ref, VNL_VNET_ID_FORM)))
        return false;
    vnl_index_get(lab->index, VNL_TYPE_VNET, ref, strlen(ref), &count);
    return count == 0;
}

int vnl_lab_check_remotes(struct vnl_lab *lab, struct vnl_err **err)
{
    struct vnl_check check = { .lab = lab, .err = err };

    for (size_t i = 0; i < lab->n_vnets; i++) {
        for (size_t k = 0; k < lab->vnets[i]->n_peerings; k++) {
            if (remote_missing(lab, lab->vnets[i]->peerings[k]))
                (void)vnl_mistake_no_remote(&check, lab->vnets[i]->peerings[k]);
        }
    }
    return check.result;
}
