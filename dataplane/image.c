/* From plan to table bytes: what the parts make (image_parts.h), put together.
 *
 * Order in the pool. Route entries point at balancers and public IPs, ways to the internet at its route image; so those come first.
 * A table is put when the first NIC needs it. */
#include "vnetlab/image.h"

#include "image_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vnetlab/base.h"
#include "vnetlab/digest.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

#define RULE_SLOTS_MAX (1u << 24)

/* --- layout ----------------------------------------------------------------------------------------------- */

static void layout_done(struct vnl_image_layout *layout)
{
    free(layout->pool.bytes);
    free(layout->tables);
    free(layout->spaces);
    free(layout->policies);
    free(layout->balancers);
    free(layout->publics);
    free(layout->outsides);
}

static bool layout_alloc(struct vnl_image_layout *layout, const struct vnl_plan *plan)
{
    *layout = (struct vnl_image_layout){
        .tables = calloc(plan->n_tables + 1, sizeof(*layout->tables)),
        .spaces = calloc(plan->n_vnets + 1, sizeof(*layout->spaces)),
        .policies = calloc(plan->n_nics + 1, sizeof(*layout->policies)),
        .balancers = calloc(plan->n_balancers + 1, sizeof(*layout->balancers)),
        .publics = calloc(plan->n_publics + 1, sizeof(*layout->publics)),
        .outsides = calloc(plan->n_nics + 1, sizeof(*layout->outsides)),
    };
    return layout->tables && layout->spaces && layout->policies && layout->balancers && layout->publics &&
           layout->outsides && vnl_image_put_nothing(&layout->pool) == 0;
}

bool vnl_image_has_nic(const struct vnl_plan *plan, size_t nic)
{
    return plan->nics[nic].slot != VNL_PLAN_NOBODY;
}

static int put_for_nic(struct vnl_image_layout *layout, const struct vnl_plan *plan,
                       const struct vnl_plan_nic *nic, struct vnl_err **err)
{
    struct vnl_image_offsets *routes = &layout->tables[nic->table], *space = &layout->spaces[nic->vnet];
    int r = 0;

    /* Offset 0: not put yet, or nothing to put. */
    if (!routes->v4 && !routes->v6)
        r = vnl_image_put_table(layout, plan, nic->table, err);
    if (r == 0 && !space->v4 && !space->v6)
        r = vnl_image_put_space(layout, &plan->vnets[nic->vnet], space, err);
    return r;
}

/* Also when nobody is on the internet side: NICs go there. */
static int put_internet(struct vnl_image_layout *layout, const struct vnl_plan *plan, struct vnl_err **err)
{
    int r = layout->tables[plan->internet].v4 ? 0 : vnl_image_put_table(layout, plan, plan->internet, err);

    return r < 0 ? r : vnl_image_put_outsides(layout, plan, err);
}

static int layout_build(struct vnl_image_layout *layout, const struct vnl_plan *plan, struct vnl_err **err)
{
    int r;

    if (!layout_alloc(layout, plan))
        return vnl_fail(err, ENOMEM, "route tables of lab '%s'", plan->lab);
    r = vnl_image_put_balancers(layout, plan, err);
    if (r == 0)
        r = vnl_image_put_publics(layout, plan, err);
    for (size_t i = 0; i < plan->n_nics && r == 0; i++)
        if (vnl_image_has_nic(plan, i))
            r = put_for_nic(layout, plan, &plan->nics[i], err);
    if (r == 0 && plan->n_nics && vnl_image_has_internet(plan))
        r = put_internet(layout, plan, err);
    return r < 0 ? r : vnl_image_put_policies(&layout->pool, plan, layout->policies, err);
}

/* --- whole ---------------------------------------------------------------------------------------------- */

static uint32_t power_of_two(uint32_t at_least, uint32_t from)
{
    while (from < at_least)
        from *= 2;
    return from;
}

int vnl_image_size(const struct vnl_plan *plan, struct vnl_image_size *ret, struct vnl_err **err)
{
    struct vnl_image_size size = {
        .nic_slots = power_of_two(plan->nic_slots, 16),
        .rule_slots = power_of_two(plan->rule_counters, 16),
    };
    struct vnl_image_layout layout;
    int r;

    if (plan->nic_slots > VNL_NIC_SLOTS_MAX)
        return vnl_fail(err, E2BIG, "%u network interfaces; the tables hold %u", plan->nic_slots,
                        VNL_NIC_SLOTS_MAX);
    if (plan->rule_counters > RULE_SLOTS_MAX)
        return vnl_fail(err, E2BIG, "%u security rules; the tables hold %u", plan->rule_counters,
                        RULE_SLOTS_MAX);
    r = layout_build(&layout, plan, err);
    size.pool_bytes = power_of_two((uint32_t)layout.pool.used, 64);
    layout_done(&layout);
    if (r == 0)
        r = vnl_image_owners_size(plan, &size.owner_slots, err);
    if (r == 0)
        *ret = size;
    return r;
}

static struct vnl_nic_entry nic_entry(const struct vnl_plan *plan, size_t index,
                                      const struct vnl_image_layout *layout)
{
    const struct vnl_plan_nic *nic = &plan->nics[index];
    struct vnl_nic_entry entry = {
        .flags = VNL_NIC_LIVE | (nic->ip_forwarding ? VNL_NIC_IP_FORWARDING : 0) |
                 (nic->gateway ? VNL_NIC_GATEWAY : 0) | (layout->policies[index] ? VNL_NIC_HAS_NSG : 0) |
                 (nic->has_sessions ? VNL_NIC_HAS_SESSIONS : 0),
        .vnet = plan->vnets[nic->vnet].slot,
        .routes4 = layout->tables[nic->table].v4,
        .routes6 = layout->tables[nic->table].v6,
        .space = layout->spaces[nic->vnet].v4,
        .space6 = layout->spaces[nic->vnet].v6,
        .policy = layout->policies[index],
        .outside = layout->outsides[index],
        .flow_timeout_s = plan->vnets[nic->vnet].flow_timeout_s,
    };

    memcpy(entry.mac, nic->mac.bytes, sizeof(entry.mac));
    for (size_t i = nic->n_addrs; i-- > 0;) { /* backwards: the first of a family stays */
        const struct vnl_addr *addr = &nic->addrs[i].addr;

        if (addr->family == AF_INET)
            memcpy(&entry.addr4, addr->bytes, sizeof(entry.addr4));
        else
            memcpy(entry.addr6, addr->bytes, sizeof(entry.addr6));
    }
    return entry;
}

static void take_digest(struct vnl_image *image)
{
    static const uint8_t key[VNL_DIGEST_SIZE] = "vnetlab tables";
    const uint32_t head[] = { VNL_LAYOUT_VERSION,     image->size.nic_slots, image->size.owner_slots,
                              image->size.pool_bytes, image->pool_used,      image->size.rule_slots };

    vnl_digest(key, head, sizeof(head), image->digest);
    vnl_digest(image->digest, image->nics, image->size.nic_slots * sizeof(*image->nics), image->digest);
    vnl_digest(image->digest, image->owners, image->size.owner_slots * sizeof(*image->owners), image->digest);
    vnl_digest(image->digest, image->pool, image->pool_used, image->digest);
    vnl_digest(image->digest, image->rule_ids, image->size.rule_slots * sizeof(*image->rule_ids),
               image->digest);
}

static int image_fill(struct vnl_image *image, const struct vnl_plan *plan,
                      const struct vnl_image_layout *layout, struct vnl_err **err)
{
    const struct vnl_image_size *size = &image->size;

    if (plan->nic_slots > size->nic_slots)
        return vnl_fail(err, E2BIG, "%u network interfaces; the loaded tables hold %u", plan->nic_slots,
                        size->nic_slots);
    if (layout->pool.used > size->pool_bytes)
        return vnl_fail(err, E2BIG, "%zu bytes of routes and rules; the loaded tables hold %u",
                        layout->pool.used, size->pool_bytes);
    if (plan->rule_counters > size->rule_slots)
        return vnl_fail(err, E2BIG, "%u security rules; the loaded tables count for %u", plan->rule_counters,
                        size->rule_slots);
    if (!vnl_image_owners_fill(plan, layout->balancers, image->owners, size->owner_slots))
        return vnl_fail(err, E2BIG, "the addresses do not fit into the loaded table of %u",
                        size->owner_slots);
    for (size_t i = 0; i < plan->n_nics; i++)
        if (vnl_image_has_nic(plan, i))
            image->nics[plan->nics[i].slot] = nic_entry(plan, i, layout);
    memcpy(image->pool, layout->pool.bytes, layout->pool.used);
    image->pool_used = (uint32_t)layout->pool.used;
    vnl_image_rule_ids(plan, image->rule_ids);
    take_digest(image);
    return 0;
}

int vnl_image_build(const struct vnl_plan *plan, const struct vnl_image_size *size, struct vnl_image **ret,
                    struct vnl_err **err)
{
    CLEANUP(vnl_image_free) struct vnl_image *image = calloc(1, sizeof(*image));
    struct vnl_image_layout layout;
    int r;

    if (!image || !(image->nics = calloc(size->nic_slots, sizeof(*image->nics))) ||
        !(image->owners = calloc(size->owner_slots, sizeof(*image->owners))) ||
        !(image->pool = calloc(size->pool_bytes, 1)) ||
        !(image->rule_ids = calloc(size->rule_slots, sizeof(*image->rule_ids))))
        return vnl_fail(err, ENOMEM, "tables of lab '%s'", plan->lab);
    image->size = *size;
    r = layout_build(&layout, plan, err);
    if (r == 0)
        r = image_fill(image, plan, &layout, err);
    layout_done(&layout);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(image);
    return 0;
}

void vnl_image_free(struct vnl_image **ret)
{
    struct vnl_image *image = *ret;

    if (!image)
        return;
    free(image->nics);
    free(image->owners);
    free(image->pool);
    free(image->rule_ids);
    free(image);
    *ret = NULL;
}
