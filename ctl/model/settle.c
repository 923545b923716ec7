/* From the lab in force to the one that is asked for: VNets, slots, and what follows from the rest.
 *
 * Resources are matched by id. The lab file says how things shall be in the end; refused is what no sequence
 * of ARM requests can reach without deleting and recreating something that stays. */
#include "gateway.h"
#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void vnl_location_check(struct vnl_check *check, enum vnl_type type, const char *id, const char *name,
                        const struct vnl_src *src, const struct vnl_scope *scope, const struct vnl_scope *old)
{
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (strcmp(scope->location, old->location) == 0)
        return;
    if (asprintf(&hint, "%s %s cannot move: give it another name, or remove it first",
                 type == VNL_TYPE_ASG ? "an" : "a", vnl_type_str(type)) < 0)
        hint = NULL;
    vnl_mistake(check, "InvalidResourceLocation", src, id, hint,
                "The resource '%s' already exists in location '%s' in resource group '%s'. A resource with "
                "the same name "
                "cannot be created in location '%s'",
                name, old->location, old->resource_group, scope->location);
}

int vnl_slots_assign(uint32_t **slots, size_t n)
{
    bool *used = calloc(n + 1, sizeof(*used));
    uint32_t free_slot = 0;

    if (!used)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (*slots[i] < n) /* the others are higher than any slot that is given here */
            used[*slots[i]] = true;
    }
    for (size_t i = 0; i < n; i++) {
        if (*slots[i] != VNL_SLOT_NONE)
            continue;
        while (used[free_slot])
            free_slot++;
        *slots[i] = free_slot++;
    }
    free(used);
    return 0;
}

static int assign_slots(const struct vnl_lab *lab)
{
    uint32_t **slots = calloc(lab->n_vnets + 1, sizeof(*slots));
    int r = -ENOMEM;

    for (size_t i = 0; slots && i < lab->n_vnets; i++)
        slots[i] = &lab->vnets[i]->slot;
    if (slots)
        r = vnl_slots_assign(slots, lab->n_vnets);
    free(slots);
    return r;
}

void vnl_settle_vnets(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_vnets; i++) {
        struct vnl_vnet *vnet = check->lab->vnets[i];
        const struct vnl_vnet *old = check->before ? vnl_vnet_lookup(check->before, vnet->id) : NULL;

        vnet->slot = old ? old->slot : VNL_SLOT_NONE;
        if (old)
            vnl_location_check(check, VNL_TYPE_VNET, vnet->id, vnet->name, &vnet->src, &vnet->scope,
                               &old->scope);
    }
    if (assign_slots(check->lab) < 0)
        vnl_check_nomem(check, "slots");
}

/* --- derived ----------------------------------------------------------------------------------------- */

/* A MAC with one of the prefixes that are seen in Azure (spec 1.5), and 24 bits that look drawn by lot: the
 * slot, scattered by steps each of which can be undone, so two slots never meet. */
struct vnl_mac vnl_mac_of_slot(uint32_t slot)
{
    const uint32_t mask = 0xffffff;
    uint32_t x = (slot + 0x5bd1e9) & mask;

    for (int round = 0; round < 2; round++) {
        x = (x ^ (x >> 11)) & mask;
        x = (x * 0x9e3779b1u) & mask; /* odd, so invertible modulo 2^24 */
    }
    x ^= x >> 13;
    return (struct vnl_mac){ { 0x00, 0x0d, 0x3a, (uint8_t)(x >> 16), (uint8_t)(x >> 8), (uint8_t)x } };
}

static void derive_nic(struct vnl_nic *nic)
{
    nic->mac = vnl_mac_of_slot(nic->slot);
    for (size_t i = 0; i < nic->n_configs; i++) {
        const struct vnl_prefix *prefix = vnl_subnet_prefix_of(nic->subnet, &nic->configs[i].addr);

        if (prefix)
            nic->configs[i].subnet_prefix = *prefix;
    }
}

static int derive_links(const struct vnl_vnet *vnet)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < vnet->n_peerings; i++)
        r = vnl_sync_derive(vnet->peerings[i]);
    return r;
}

int vnl_lab_derive(struct vnl_lab *lab, struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < lab->n_vnets; i++)
        r = derive_links(lab->vnets[i]);
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++)
            derive_nic(lab->vms[i]->nics[k]);
    }
    for (size_t i = 0; i < lab->n_expects; i++)
        vnl_expect_derive(lab, lab->expects[i]);
    if (r < 0)
        return vnl_fail(err, ENOMEM, "peerings");
    if (vnl_asgs_derive(lab) < 0 || vnl_nsgs_derive(lab) < 0)
        return vnl_fail(err, ENOMEM, "security groups");
    if (vnl_udr_tables_derive(lab) < 0)
        return vnl_fail(err, ENOMEM, "route tables");
    if (vnl_outside_derive(lab) < 0)
        return vnl_fail(err, ENOMEM, "internet side");
    vnl_gateways_derive(lab);
    return 0;
}
