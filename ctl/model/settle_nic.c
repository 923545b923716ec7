/* NICs from the lab in force to the one asked for: subnets in use (spec 1.2), addresses that are kept
 * (spec 1.4), slots.
 *
 * A subnet is in use by the NICs that are in both labs and stay in it. NICs that are gone, and those that
 * moved away, are taken out before the subnet changes, as one would do by hand. One case cannot be done by
 * hand: a NIC that shall move to a subnet which overlaps the old range. That subnet can only come when the
 * old one is gone, and the old one only goes when the NIC has left. There the NIC counts as a user of the old
 * subnet. */
#include "gateway.h"
#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define USERS_SHOWN 5u

/* What becomes of a subnet of the lab in force. */
enum fate { FATE_KEPT, FATE_CHANGED, FATE_DELETED, FATE_VNET_DELETED };

struct old_subnet {
    const struct vnl_subnet *subnet;
    struct vnl_subnet *now;      /* in the new lab; NULL when deleted */
    const struct vnl_vnet *vnet; /* its VNet in the new lab; NULL when deleted */
    enum fate fate;
    struct vnl_names users;
};

struct nic_settle {
    struct vnl_check *check;
    struct old_subnet *olds; /* by number */
    size_t n_olds;
    struct vnl_index *nics; /* of the lab in force, by id */
};

static void nic_settle_done(struct nic_settle *settle)
{
    for (size_t i = 0; i < settle->n_olds; i++)
        vnl_names_done(&settle->olds[i].users);
    free(settle->olds);
    vnl_index_free(&settle->nics);
}

/* --- what becomes of the subnets --------------------------------------------------------------------- */

/* Prefixes may be added to a subnet in use (that is how IPv6 comes to a running VNet); none may go. */
static enum fate fate_of(const struct old_subnet *old)
{
    if (!old->vnet)
        return FATE_VNET_DELETED;
    if (!old->now)
        return FATE_DELETED;
    for (size_t i = 0; i < old->subnet->prefixes.n; i++) {
        if (!vnl_prefixes_have(&old->now->prefixes, &old->subnet->prefixes.items[i]))
            return FATE_CHANGED;
    }
    return FATE_KEPT;
}

static void add_old_subnets(struct nic_settle *settle, const struct vnl_vnet *old_vnet)
{
    const struct vnl_vnet *vnet = vnl_vnet_lookup(settle->check->lab, old_vnet->id);

    for (size_t i = 0; i < old_vnet->n_subnets; i++) {
        struct old_subnet *old = &settle->olds[settle->n_olds++];

        old->subnet = old_vnet->subnets[i];
        old->vnet = vnet;
        old->now = vnet ? vnl_subnet_lookup(vnet, old->subnet->name) : NULL;
        old->fate = fate_of(old);
    }
}

/* In file order, as vnl_lab_resolve() numbers them. */
static int build_old_subnets(struct nic_settle *settle, const struct vnl_lab *before)
{
    size_t n = 0;

    for (size_t i = 0; i < before->n_vnets; i++)
        n += before->vnets[i]->n_subnets;
    settle->olds = calloc(n + 1, sizeof(*settle->olds));
    if (!settle->olds)
        return -ENOMEM;
    for (size_t i = 0; i < before->n_vnets; i++)
        add_old_subnets(settle, before->vnets[i]);
    return 0;
}

static int index_nics(struct nic_settle *settle, const struct vnl_lab *before)
{
    for (size_t i = 0; i < before->n_vms; i++) {
        for (size_t k = 0; k < before->vms[i]->n_nics; k++) {
            struct vnl_nic *nic = before->vms[i]->nics[k];

            if (vnl_index_put(&settle->nics, VNL_TYPE_NIC, nic->id, nic) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

/* --- who uses them ----------------------------------------------------------------------------------- */

static bool subnets_overlap(const struct vnl_subnet *a, const struct vnl_subnet *b)
{
    for (size_t i = 0; i < a->prefixes.n; i++) {
        for (size_t k = 0; k < b->prefixes.n; k++) {
            if (vnl_prefix_overlap(&a->prefixes.items[i], &b->prefixes.items[k]))
                return true;
        }
    }
    return false;
}

/* The same configuration in the other lab: by name; the only IPv6 one is the same whatever its name. */
static const struct vnl_ip_config *same_config(const struct vnl_nic *nic, const struct vnl_ip_config *config)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        const struct vnl_ip_config *other = &nic->configs[i];

        if (other->family == config->family &&
            (config->family == AF_INET6 || strcasecmp(other->name, config->name) == 0))
            return other;
    }
    return NULL;
}

/* Does an address of the NIC lie in a prefix that goes? A configuration that the NIC gives up is taken off before.
 */
static bool loses_address(const struct vnl_nic *nic, const struct vnl_nic *was, const struct old_subnet *old)
{
    for (size_t i = 0; i < was->n_configs; i++) {
        const struct vnl_prefix *prefix = vnl_subnet_prefix_of(old->subnet, &was->configs[i].addr);

        if (prefix && same_config(nic, &was->configs[i]) && !vnl_prefixes_have(&old->now->prefixes, prefix))
            return true;
    }
    return false;
}

static bool uses(const struct vnl_nic *nic, const struct vnl_nic *was, const struct old_subnet *old)
{
    if (nic->subnet->vnet != old->vnet)
        return false; /* refused by itself */
    if (nic->subnet != old->now)
        return old->fate != FATE_KEPT && subnets_overlap(nic->subnet, old->subnet);
    return old->fate == FATE_CHANGED && loses_address(nic, was, old);
}

static void note_user(struct nic_settle *settle, struct old_subnet *old, const char *owner, const char *part)
{
    CLEANUP(vnl_str_free) char *name = NULL;

    if (asprintf(&name, "%s/%s", owner, part) < 0)
        name = NULL;
    if (!name || vnl_names_add(&old->users, name) < 0)
        vnl_check_nomem(settle->check, "subnet");
}

/* A frontend that stays uses its subnet as a NIC does. */
static void note_frontend(struct nic_settle *settle, const struct vnl_lb *lb,
                          const struct vnl_lb_frontend *frontend, const struct vnl_lb_frontend *was)
{
    struct old_subnet *old = &settle->olds[was->subnet->number];
    const struct vnl_prefix *prefix = vnl_subnet_prefix_of(old->subnet, &was->addr);

    if (frontend->subnet == old->now && old->fate == FATE_CHANGED && prefix &&
        !vnl_prefixes_have(&old->now->prefixes, prefix))
        note_user(settle, old, lb->name, frontend->name);
}

static void note_frontends(struct nic_settle *settle, const struct vnl_lb *lb)
{
    const struct vnl_lb *was = settle->check->before ? vnl_lb_lookup(settle->check->before, lb->id) : NULL;

    for (size_t i = 0; was && i < lb->n_frontends; i++) {
        const struct vnl_lb_frontend *old = vnl_lb_frontend_lookup(was, lb->frontends[i]->name);

        if (old && lb->frontends[i]->subnet)
            note_frontend(settle, lb, lb->frontends[i], old);
    }
}

/* So does a gateway. */
static void note_gateway(struct nic_settle *settle, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_lab *before = settle->check->before;
    const struct vnl_vpn_gateway *was = before ? vnl_vpn_gateway_lookup(before, gateway->id) : NULL;
    struct old_subnet *old = was ? &settle->olds[was->subnet->number] : NULL;

    if (old && old->fate == FATE_CHANGED && !vnl_prefixes_have(&old->now->prefixes, &was->subnet_prefix))
        note_user(settle, old, gateway->name, VNL_GATEWAY_CONFIG);
}

static void mistake_in_use(struct vnl_check *check, const struct old_subnet *old)
{
    bool is_deleted = old->fate == FATE_DELETED;
    CLEANUP(vnl_str_free) char *users = vnl_names_join(&old->users, USERS_SHOWN);

    vnl_mistake(
        check, is_deleted ? "InUseSubnetCannotBeDeleted" : "InUseSubnetCannotBeUpdated",
        is_deleted ? &old->vnet->src : &old->now->src, old->subnet->id,
        "remove the VMs first and add them again behind the change, or add a subnet with another range",
        "Subnet '%s/%s' is in use by %s and cannot be %s", old->vnet->name, old->subnet->name,
        users ? users : "network interfaces", is_deleted ? "deleted" : "updated");
}

/* --- NICs -------------------------------------------------------------------------------------------- */

/* Source: spec 1.4, "moving to another VNet is impossible". */
static void check_move(struct vnl_check *check, const struct vnl_nic *nic, const struct vnl_nic *was)
{
    if (vnl_id_eq(nic->subnet->vnet->id, was->subnet->vnet->id))
        return;
    vnl_mistake(
        check, "SubnetsNotInSameVnet", &nic->subnet_src, nic->id,
        "remove the VM, apply, and add it again; or give it another name",
        "Network interface '%s' is in virtual network '%s' and cannot move to '%s': it must be recreated",
        nic->name, was->subnet->vnet->name, nic->subnet->vnet->name);
}

/* Dynamic configurations keep the address as long as the NIC stays in its subnet, also one that was static
 * (spec 1.4). */
static void keep_addresses(struct vnl_nic *nic, const struct vnl_nic *was, const struct old_subnet *old)
{
    for (size_t i = 0; i < nic->n_configs && nic->subnet == old->now; i++) {
        const struct vnl_ip_config *config = same_config(was, &nic->configs[i]);

        if (config && !nic->configs[i].is_static && vnl_subnet_prefix_of(nic->subnet, &config->addr))
            nic->configs[i].addr = config->addr;
    }
}

static void settle_known(struct nic_settle *settle, struct vnl_nic *nic, const struct vnl_nic *was)
{
    struct old_subnet *old = &settle->olds[was->subnet->number];

    nic->slot = was->slot;
    check_move(settle->check, nic, was);
    if (uses(nic, was, old))
        note_user(settle, old, nic->name, nic->configs[0].name);
    keep_addresses(nic, was, old);
}

static void settle_nic(struct nic_settle *settle, struct vnl_nic *nic)
{
    const struct vnl_nic *was = vnl_index_get(settle->nics, VNL_TYPE_NIC, nic->id, strlen(nic->id), NULL);

    nic->slot = VNL_SLOT_NONE;
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (!nic->configs[i].is_static)
            nic->configs[i].addr = (struct vnl_addr){ 0 };
    }
    if (was)
        settle_known(settle, nic, was);
}

/* Hosts of the internet, gateways and sites have slots of the same kind; NICs come first. */
static int assign_slots(const struct vnl_lab *lab)
{
    uint32_t **slots;
    size_t n = lab->n_hosts + vnl_gateway_slots(lab, NULL);
    int r;

    for (size_t i = 0; i < lab->n_vms; i++)
        n += lab->vms[i]->n_nics;
    slots = calloc(n + 1, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++)
            slots[n++] = &lab->vms[i]->nics[k]->slot;
    }
    for (size_t i = 0; i < lab->n_hosts; i++)
        slots[n++] = &lab->hosts[i]->slot;
    n += vnl_gateway_slots(lab, &slots[n]);
    r = vnl_slots_assign(slots, n);
    free(slots);
    return r;
}

void vnl_settle_nics(struct vnl_check *check)
{
    CLEANUP(nic_settle_done) struct nic_settle settle = { .check = check };
    const struct vnl_lab *before = check->before;

    if (before && (build_old_subnets(&settle, before) < 0 || index_nics(&settle, before) < 0)) {
        vnl_check_nomem(check, "network interfaces");
        return;
    }
    for (size_t i = 0; i < check->lab->n_vms; i++) {
        for (size_t k = 0; k < check->lab->vms[i]->n_nics; k++)
            settle_nic(&settle, check->lab->vms[i]->nics[k]);
    }
    for (size_t i = 0; i < check->lab->n_lbs; i++)
        note_frontends(&settle, check->lab->lbs[i]);
    for (size_t i = 0; i < check->lab->n_gateways; i++)
        note_gateway(&settle, check->lab->gateways[i]);
    for (size_t i = 0; i < settle.n_olds; i++) {
        if (settle.olds[i].users.n)
            mistake_in_use(check, &settle.olds[i]);
    }
    vnl_settle_hosts(check);
    vnl_settle_gateway_slots(check);
    if (assign_slots(check->lab) < 0)
        vnl_check_nomem(check, "slots");
    vnl_settle_frontends(check);
    vnl_claims_allocate(check);
}
