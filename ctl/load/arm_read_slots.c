/* Slots of a stored lab: each kind has numbers of its own, and no two resources of a kind have the same one. */
#include "arm_read.h"

#include <errno.h>
#include <stdlib.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

struct slot {
    uint32_t number;
    const char *id;
};

static int compare_slots(const void *a, const void *b)
{
    uint32_t x = ((const struct slot *)a)->number, y = ((const struct slot *)b)->number;

    return x < y ? -1 : x > y;
}

static int check_slots(struct slot *slots, size_t n, struct vnl_err **err)
{
    qsort(slots, n, sizeof(*slots), compare_slots);
    for (size_t i = 1; i < n; i++) {
        if (slots[i].number == slots[i - 1].number)
            return vnl_fail(err, EINVAL, "resources '%s' and '%s' have the same slot, %u", slots[i - 1].id,
                            slots[i].id, slots[i].number);
    }
    return 0;
}

/* Each kind has slots of its own. */
static size_t list_vnets(const struct vnl_lab *lab, struct slot *slots)
{
    for (size_t i = 0; i < lab->n_vnets; i++)
        slots[i] = (struct slot){ lab->vnets[i]->slot, lab->vnets[i]->id };
    return lab->n_vnets;
}

static size_t list_site_nics(const struct vnl_lab *lab, struct slot *slots)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_sites; i++) {
        slots[n++] = (struct slot){ lab->sites[i]->in_slot, lab->sites[i]->id };
        slots[n++] = (struct slot){ lab->sites[i]->out_slot, lab->sites[i]->id };
        for (size_t j = 0; j < lab->sites[i]->n_hosts; j++)
            slots[n++] = (struct slot){ lab->sites[i]->hosts[j]->slot, lab->sites[i]->id };
    }
    return n;
}

static size_t list_nics(const struct vnl_lab *lab, struct slot *slots)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_vms; i++)
        for (size_t j = 0; j < lab->vms[i]->n_nics; j++)
            slots[n++] = (struct slot){ lab->vms[i]->nics[j]->slot, lab->vms[i]->nics[j]->id };
    for (size_t i = 0; i < lab->n_hosts; i++)
        slots[n++] = (struct slot){ lab->hosts[i]->slot, lab->hosts[i]->id };
    for (size_t i = 0; i < lab->n_gateways; i++) {
        const struct vnl_vpn_gateway *gateway = lab->gateways[i];

        for (size_t j = 0; j < gateway->n_instances; j++) {
            slots[n++] = (struct slot){ gateway->instances[j].in_slot, gateway->id };
            slots[n++] = (struct slot){ gateway->instances[j].out_slot, gateway->id };
        }
    }
    return n + list_site_nics(lab, &slots[n]);
}

static size_t list_connections(const struct vnl_lab *lab, struct slot *slots)
{
    for (size_t i = 0; i < lab->n_connections; i++)
        slots[i] = (struct slot){ lab->connections[i]->slot, lab->connections[i]->id };
    return lab->n_connections;
}

static size_t list_sites(const struct vnl_lab *lab, struct slot *slots)
{
    for (size_t i = 0; i < lab->n_sites; i++)
        slots[i] = (struct slot){ lab->sites[i]->slot, lab->sites[i]->id };
    return lab->n_sites;
}

static size_t list_lb_rules(const struct vnl_lab *lab, struct slot *slots)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_lbs; i++)
        for (size_t j = 0; j < lab->lbs[i]->n_rules; j++)
            slots[n++] = (struct slot){ lab->lbs[i]->rules[j]->slot, lab->lbs[i]->id };
    return n;
}

static size_t list_rules(const struct vnl_lab *lab, struct slot *slots)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_nsgs; i++) {
        for (size_t j = 0; j < VNL_DEFAULT_RULES; j++)
            slots[n++] = (struct slot){ lab->nsgs[i]->default_slots[j], lab->nsgs[i]->id };
        for (size_t j = 0; j < lab->nsgs[i]->n_rules; j++)
            slots[n++] = (struct slot){ lab->nsgs[i]->rules[j]->slot, lab->nsgs[i]->rules[j]->id };
    }
    return n;
}

static size_t list_uses(const struct vnl_lab *lab, struct slot *slots)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_nsgs; i++)
        for (size_t j = 0; j < lab->nsgs[i]->n_uses; j++)
            slots[n++] = (struct slot){ lab->nsgs[i]->uses[j].slot, lab->nsgs[i]->id };
    return n;
}

static size_t count_slots(const struct vnl_lab *lab)
{
    size_t n = lab->n_vnets + lab->n_hosts + 2 * VNL_GATEWAY_INSTANCES * lab->n_gateways +
               lab->n_connections + 2 * lab->n_sites + 1;

    for (size_t i = 0; i < lab->n_sites; i++)
        n += lab->sites[i]->n_hosts;

    for (size_t i = 0; i < lab->n_lbs; i++)
        n += lab->lbs[i]->n_rules;

    for (size_t i = 0; i < lab->n_vms; i++)
        n += lab->vms[i]->n_nics;
    for (size_t i = 0; i < lab->n_nsgs; i++)
        n += VNL_DEFAULT_RULES + lab->nsgs[i]->n_rules + lab->nsgs[i]->n_uses;
    return n;
}

int vnl_arm_check_slots(const struct vnl_lab *lab, struct vnl_err **err)
{
    static size_t (*const kinds[])(const struct vnl_lab *,
                                   struct slot *) = { list_vnets,    list_nics,        list_rules, list_uses,
                                                      list_lb_rules, list_connections, list_sites };
    struct slot *slots = calloc(count_slots(lab), sizeof(*slots));
    int r = 0;

    if (!slots)
        return vnl_fail(err, ENOMEM, "slots");
    for (size_t i = 0; !r && i < ARRAY_SIZE(kinds); i++)
        r = check_slots(slots, kinds[i](lab, slots), err);
    free(slots);
    return r;
}
