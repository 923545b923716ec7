/* NSGs and ASGs from the lab in force to the one asked for: in which VNets an NSG acts, and slots. A rule is the
 * same one as long as its NSG and its name stay, whatever else changes; so it keeps its counter. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

/* --- where it acts ----------------------------------------------------------------------------------- */

static bool *mark_of(bool *marks, const struct vnl_lab *lab, const struct vnl_nsg *nsg,
                     const struct vnl_vnet *vnet)
{
    return &marks[nsg->number * lab->n_vnets + vnet->number];
}

static void mark_uses(bool *marks, const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_vnets; i++) {
        for (size_t k = 0; k < lab->vnets[i]->n_subnets; k++) {
            if (lab->vnets[i]->subnets[k]->nsg)
                *mark_of(marks, lab, lab->vnets[i]->subnets[k]->nsg, lab->vnets[i]) = true;
        }
    }
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            const struct vnl_nic *nic = lab->vms[i]->nics[k];

            if (nic->nsg)
                *mark_of(marks, lab, nic->nsg, nic->subnet->vnet) = true;
        }
    }
}

static uint32_t old_use_slot(const struct vnl_nsg *old, const struct vnl_vnet *vnet)
{
    for (size_t i = 0; old && i < old->n_uses; i++) {
        if (vnl_id_eq(old->uses[i].vnet->id, vnet->id))
            return old->uses[i].slot;
    }
    return VNL_SLOT_NONE;
}

static int add_use(struct vnl_nsg *nsg, const struct vnl_nsg *old, struct vnl_vnet *vnet)
{
    struct vnl_nsg_use *uses = vnl_list_grow(nsg->uses, nsg->n_uses, sizeof(*uses));

    if (!uses)
        return -ENOMEM;
    nsg->uses = uses;
    nsg->uses[nsg->n_uses++] = (struct vnl_nsg_use){ .vnet = vnet, .slot = old_use_slot(old, vnet) };
    return 0;
}

static int add_uses(const struct vnl_lab *lab, const struct vnl_lab *before, bool *marks)
{
    for (size_t i = 0; i < lab->n_nsgs; i++) {
        struct vnl_nsg *nsg = lab->nsgs[i];
        const struct vnl_nsg *old = before ? vnl_nsg_lookup(before, nsg->id) : NULL;

        nsg->n_uses = 0;
        for (size_t k = 0; k < lab->n_vnets; k++) {
            if (*mark_of(marks, lab, nsg, lab->vnets[k]) && add_use(nsg, old, lab->vnets[k]) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

static int settle_uses(const struct vnl_lab *lab, const struct vnl_lab *before)
{
    bool *marks = calloc(lab->n_nsgs * lab->n_vnets + 1, sizeof(*marks));
    int r = -ENOMEM;

    if (marks) {
        mark_uses(marks, lab);
        r = add_uses(lab, before, marks);
    }
    free(marks);
    return r;
}

/* --- slots ------------------------------------------------------------------------------------------- */

static void keep_counters(struct vnl_nsg *nsg, const struct vnl_nsg *old)
{
    for (size_t i = 0; i < VNL_DEFAULT_RULES; i++)
        nsg->default_slots[i] = old ? old->default_slots[i] : VNL_SLOT_NONE;
    for (size_t i = 0; i < nsg->n_rules; i++) {
        const struct vnl_rule *was = old ? vnl_rule_lookup(old, nsg->rules[i]->name) : NULL;

        nsg->rules[i]->slot = was ? was->slot : VNL_SLOT_NONE;
    }
}

static int assign_counters(const struct vnl_lab *lab)
{
    uint32_t **slots;
    size_t n = 0;
    int r;

    for (size_t i = 0; i < lab->n_nsgs; i++)
        n += VNL_DEFAULT_RULES + lab->nsgs[i]->n_rules;
    slots = calloc(n + 1, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < lab->n_nsgs; i++) {
        for (size_t k = 0; k < VNL_DEFAULT_RULES; k++)
            slots[n++] = &lab->nsgs[i]->default_slots[k];
        for (size_t k = 0; k < lab->nsgs[i]->n_rules; k++)
            slots[n++] = &lab->nsgs[i]->rules[k]->slot;
    }
    r = vnl_slots_assign(slots, n);
    free(slots);
    return r;
}

static int assign_uses(const struct vnl_lab *lab)
{
    uint32_t **slots;
    size_t n = 0;
    int r;

    for (size_t i = 0; i < lab->n_nsgs; i++)
        n += lab->nsgs[i]->n_uses;
    slots = calloc(n + 1, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < lab->n_nsgs; i++) {
        for (size_t k = 0; k < lab->nsgs[i]->n_uses; k++)
            slots[n++] = &lab->nsgs[i]->uses[k].slot;
    }
    r = vnl_slots_assign(slots, n);
    free(slots);
    return r;
}

/* --- the step ---------------------------------------------------------------------------------------- */

static void settle_nsg(struct vnl_check *check, struct vnl_nsg *nsg)
{
    const struct vnl_nsg *old = check->before ? vnl_nsg_lookup(check->before, nsg->id) : NULL;

    keep_counters(nsg, old);
    if (old)
        vnl_location_check(check, VNL_TYPE_NSG, nsg->id, nsg->name, &nsg->src, &nsg->scope, &old->scope);
}

static void settle_asg(struct vnl_check *check, const struct vnl_asg *asg)
{
    const struct vnl_asg *old = check->before ? vnl_asg_lookup(check->before, asg->id) : NULL;

    if (old)
        vnl_location_check(check, VNL_TYPE_ASG, asg->id, asg->name, &asg->src, &asg->scope, &old->scope);
}

void vnl_settle_nsgs(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_nsgs; i++)
        settle_nsg(check, check->lab->nsgs[i]);
    for (size_t i = 0; i < check->lab->n_asgs; i++)
        settle_asg(check, check->lab->asgs[i]);
    if (settle_uses(check->lab, check->before) < 0 || assign_counters(check->lab) < 0 ||
        assign_uses(check->lab) < 0)
        vnl_check_nomem(check, "network security groups");
}
