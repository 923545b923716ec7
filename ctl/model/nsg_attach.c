/* Where NSGs are attached: subnets and NICs. Spec 3.7, and 1.9 for the subnets that are Azure's own. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One reference to an NSG. */
struct attach {
    const char *ref;
    const struct vnl_src *src;
    const char *id;                /* of what refers */
    const struct vnl_scope *scope; /* where that is; NULL: unknown, and somebody has said so */
    const char *what, *name;       /* "subnet", "default" */
};

/* --- references -------------------------------------------------------------------------------------- */

static char *nsg_hint(const struct vnl_lab *lab, const char *ref)
{
    struct vnl_names names = { 0 };
    char *hint;

    for (size_t i = 0; i < lab->n_nsgs; i++)
        (void)vnl_names_add(&names, ref[0] == '/' ? lab->nsgs[i]->id : lab->nsgs[i]->name);
    hint = vnl_did_you_mean(ref, &names);
    vnl_names_done(&names);
    return hint;
}

static void mistake_ref(struct vnl_check *check, const struct attach *at)
{
    CLEANUP(vnl_str_free) char *hint = nsg_hint(check->lab, at->ref);
    size_t count;

    vnl_index_get(check->lab->index, VNL_TYPE_NSG, at->ref, strlen(at->ref), &count);
    if (count > 1)
        vnl_mistake(check, "InvalidResourceReference", at->src, at->id, "write the full id",
                    "%zu network security groups are called '%s'", count, at->ref);
    else if (at->ref[0] == '/' && !vnl_id_matches(at->ref, VNL_NSG_ID_FORM))
        vnl_mistake(check, "InvalidRequestFormat", at->src, at->id, "the form is " VNL_NSG_ID_FORM,
                    "Reference Id %s is not formatted correctly", at->ref);
    else
        vnl_mistake(check, "InvalidResourceReference", at->src, at->id, hint,
                    "Network security group '%s' referenced by %s '%s' was not found", at->ref, at->what,
                    at->name);
}

static struct vnl_nsg *resolve(struct vnl_check *check, const struct attach *at)
{
    struct vnl_nsg *nsg = vnl_nsg_lookup(check->lab, at->ref);
    CLEANUP(vnl_str_free) char *what = NULL;
    CLEANUP(vnl_str_free) char *who = NULL;

    if (!nsg) {
        mistake_ref(check, at);
        return NULL;
    }
    if (asprintf(&what, "Network security group '%s'", nsg->name) < 0)
        what = NULL;
    if (asprintf(&who, "%s '%s'", at->what, at->name) < 0)
        who = NULL;
    if (!what || !who)
        vnl_check_nomem(check, "network security group");
    else if (at->scope)
        (void)vnl_region_check(check, what, &nsg->scope, who, at->scope, at->src, at->id);
    return nsg;
}

/* --- Azure Bastion ----------------------------------------------------------------------------------- */

/* What the NSG of AzureBastionSubnet must allow. Rules that recent lists of Azure add (AzureLoadBalancer 443 in,
 * 8080 and 5701 inside) are unconfirmed and not asked for. */
static const struct bastion_need {
    enum vnl_direction direction;
    enum vnl_tag tag; /* of the far side; `*` there is as good */
    uint16_t port;
    const char *text;
} bastion_needs[] = {
    { VNL_INBOUND, VNL_TAG_GATEWAY_MANAGER, 443, "inbound TCP 443 from GatewayManager" },
    { VNL_INBOUND, VNL_TAG_INTERNET, 443, "inbound TCP 443 from Internet" },
    { VNL_OUTBOUND, VNL_TAG_VIRTUAL_NETWORK, 22, "outbound TCP 22 to VirtualNetwork" },
    { VNL_OUTBOUND, VNL_TAG_VIRTUAL_NETWORK, 3389, "outbound TCP 3389 to VirtualNetwork" },
    { VNL_OUTBOUND, VNL_TAG_AZURE_CLOUD, 443, "outbound TCP 443 to AzureCloud" },
};

static bool has_port(const struct vnl_rule_side *side, uint16_t port)
{
    for (size_t i = 0; i < side->ports.n; i++) {
        if (side->ports.items[i].first <= port && port <= side->ports.items[i].last)
            return true;
    }
    return side->any_port;
}

/* Which clients may come is the user's choice, so prefixes are enough where the need is Internet. Rules before
 * it that deny are not looked for: Azure asks that the rule is there. */
static bool rule_meets(const struct vnl_rule *rule, const struct bastion_need *need)
{
    const struct vnl_rule_side *far = need->direction == VNL_INBOUND ? &rule->source : &rule->destination;
    bool is_for = far->any || far->tag == need->tag || (need->tag == VNL_TAG_INTERNET && far->prefixes.n);

    return rule->access == VNL_ALLOW && rule->direction == need->direction && is_for &&
           (rule->proto == VNL_RULE_TCP || rule->proto == VNL_RULE_ANY) &&
           has_port(&rule->destination, need->port);
}

/* Outbound to VirtualNetwork, a default rule allows it already; Azure asks for it all the same. */
static bool nsg_meets(const struct vnl_nsg *nsg, const struct bastion_need *need)
{
    for (size_t i = 0; i < nsg->n_rules; i++) {
        if (rule_meets(nsg->rules[i], need))
            return true;
    }
    return false;
}

/* Source: Azure Bastion documentation, "Working with NSG access and Azure Bastion"; its code and sentence as the
 * portal shows them. */
static void check_bastion(struct vnl_check *check, const struct vnl_subnet *subnet)
{
    for (size_t i = 0; i < ARRAY_SIZE(bastion_needs); i++) {
        CLEANUP(vnl_str_free) char *hint = NULL;

        if (nsg_meets(subnet->nsg, &bastion_needs[i]))
            continue;
        if (asprintf(&hint, "it does not allow %s", bastion_needs[i].text) < 0)
            hint = NULL;
        vnl_mistake(check, "NetworkSecurityGroupNotCompliantForAzureBastionSubnet", &subnet->nsg_src,
                    subnet->id, hint,
                    "Network security group %s does not have necessary rules for Azure Bastion Subnet %s. "
                    "Learn more at https://aka.ms/bastionnsg",
                    subnet->nsg->name, subnet->name);
        return;
    }
}

/* --- subnets and NICs -------------------------------------------------------------------------------- */

/* Source of the code: observed for GatewaySubnet. For the others the rule is documented and the code is not. */
static void check_special(struct vnl_check *check, const struct vnl_subnet *subnet)
{
    const struct vnl_special_subnet *special = vnl_special_subnet_lookup(subnet->name);

    if (!special)
        return;
    if (strcmp(special->name, "AzureBastionSubnet") == 0)
        check_bastion(check, subnet);
    else if (strcmp(special->name, "GatewaySubnet") == 0)
        vnl_mistake(
            check, "NetworkSecurityGroupCannotBeAttachedToGatewaySubnet", &subnet->nsg_src, subnet->id, NULL,
            "Network security group %s cannot be associated with the gateway subnet '%s/%s'. To learn "
            "more, see aka.ms/GatewaySubnet",
            subnet->nsg->name, subnet->vnet->name, subnet->name);
    else
        vnl_mistake(
            check, "BadRequest", &subnet->nsg_src, subnet->id, NULL,
            "Network security group %s cannot be associated with subnet '%s/%s': the subnet of the %s "
            "resource has none",
            subnet->nsg->name, subnet->vnet->name, subnet->name, special->owner);
}

static void resolve_subnet(struct vnl_check *check, struct vnl_subnet *subnet)
{
    const struct attach at = { .ref = subnet->nsg_ref,
                               .src = &subnet->nsg_src,
                               .id = subnet->id,
                               .scope = &subnet->vnet->scope,
                               .what = "subnet",
                               .name = subnet->name };

    subnet->nsg = resolve(check, &at);
    if (subnet->nsg)
        check_special(check, subnet);
}

static void resolve_nic(struct vnl_check *check, struct vnl_nic *nic)
{
    const struct attach at = { .ref = nic->nsg_ref,
                               .src = &nic->nsg_src,
                               .id = nic->id,
                               .scope = nic->subnet ? &nic->vm->scope : NULL,
                               .what = "network interface",
                               .name = nic->name };

    nic->nsg = resolve(check, &at);
}

/* --- the way back: from an NSG to what it is attached to ---------------------------------------------- */

static int attach_subnet(struct vnl_subnet *subnet)
{
    struct vnl_nsg *nsg = subnet->nsg;
    struct vnl_subnet **subnets = vnl_list_grow(nsg->subnets, nsg->n_subnets, sizeof(*subnets));

    if (!subnets)
        return -ENOMEM;
    nsg->subnets = subnets;
    nsg->subnets[nsg->n_subnets++] = subnet;
    return 0;
}

static int attach_nic(struct vnl_nic *nic)
{
    struct vnl_nsg *nsg = nic->nsg;
    struct vnl_nic **nics = vnl_list_grow(nsg->nics, nsg->n_nics, sizeof(*nics));

    if (!nics)
        return -ENOMEM;
    nsg->nics = nics;
    nsg->nics[nsg->n_nics++] = nic;
    return 0;
}

static int attach_subnets(const struct vnl_vnet *vnet)
{
    for (size_t i = 0; i < vnet->n_subnets; i++) {
        if (vnet->subnets[i]->nsg && attach_subnet(vnet->subnets[i]) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int attach_nics(const struct vnl_vm *vm)
{
    for (size_t i = 0; i < vm->n_nics; i++) {
        if (vm->nics[i]->nsg && attach_nic(vm->nics[i]) < 0)
            return -ENOMEM;
    }
    return 0;
}

int vnl_nsgs_derive(const struct vnl_lab *lab)
{
    int r = 0;

    for (size_t i = 0; i < lab->n_nsgs; i++)
        lab->nsgs[i]->n_subnets = lab->nsgs[i]->n_nics = 0;
    for (size_t i = 0; r == 0 && i < lab->n_vnets; i++)
        r = attach_subnets(lab->vnets[i]);
    for (size_t i = 0; r == 0 && i < lab->n_vms; i++)
        r = attach_nics(lab->vms[i]);
    return r;
}

void vnl_nsgs_resolve(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;

    for (size_t i = 0; i < lab->n_vnets; i++) {
        for (size_t k = 0; k < lab->vnets[i]->n_subnets; k++) {
            if (lab->vnets[i]->subnets[k]->nsg_ref)
                resolve_subnet(check, lab->vnets[i]->subnets[k]);
        }
    }
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            if (lab->vms[i]->nics[k]->nsg_ref)
                resolve_nic(check, lab->vms[i]->nics[k]);
        }
    }
    if (vnl_nsgs_derive(lab) < 0)
        vnl_check_nomem(check, "network security groups");
}
