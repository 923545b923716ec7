/* vnetlab sync: what `az network vnet peering sync` does to one link (spec 2.4). */
#include <errno.h>
#include <stdio.h>

#include "cmds.h"
#include "out.h"
#include "resources.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/store.h"

/* What the operator sees of a link, before and after. */
struct look {
    enum vnl_peering_state state;
    enum vnl_peering_sync sync;
};

static struct look look_at(const struct vnl_peering *link)
{
    return (struct look){ .state = link->state, .sync = link->sync };
}

static void print_change(const struct vnl_peering *link, struct look before)
{
    struct look after = look_at(link);

    (void)printf("%s/%s: %s, %s", link->vnet->name, link->name, vnl_peering_state_str(before.state),
                 vnl_peering_sync_str(before.sync));
    if (before.state == after.state && before.sync == after.sync)
        (void)puts("");
    else
        (void)printf(" -> %s, %s\n", vnl_peering_state_str(after.state), vnl_peering_sync_str(after.sync));
}

static int find_link(const struct vnl_lab *lab, const char *word, struct vnl_peering **ret,
                     struct vnl_err **err)
{
    CLEANUP(vnl_resources_done) struct vnl_resources resources = { 0 };
    const struct vnl_resource *found = NULL;
    int r = vnl_resources_build(lab, &resources, err);

    if (r >= 0)
        r = vnl_resource_find(&resources, 1u << VNL_TYPE_PEERING, lab->name, word, &found, err);
    if (r >= 0)
        *ret = found->peering;
    return r;
}

static int sync_link(struct vnl_lab *lab, struct vnl_peering *link, bool as_json, struct vnl_err **err)
{
    struct vnl_peering *twin = (struct vnl_peering *)vnl_peering_twin(link);
    struct look before = look_at(link), twin_before = twin ? look_at(twin) : before;
    bool changed = false;
    int r = vnl_peering_sync(lab, link, &changed, err);

    if (r >= 0 && changed)
        r = vnl_cmd_save_and_apply(lab, err);
    if (r != 0)
        return r;
    if (as_json)
        return vnl_out_json(vnl_peering_to_json(link), err);
    print_change(link, before);
    if (twin && (twin->state != twin_before.state || twin->sync != twin_before.sync))
        print_change(twin, twin_before);
    if (!changed)
        (void)puts("nothing to sync");
    return VNL_EXIT_OK;
}

int vnl_cmd_sync(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    struct vnl_peering *link = NULL;
    int r = vnl_cmd_pick_stored(args, &name, err);

    if (r >= 0)
        r = vnl_lock_take(name, -1, vnl_cmd_lock_waiting, NULL, &lock, err);
    if (r >= 0)
        r = vnl_cmd_load_stored(name, &lab, NULL, err);
    if (r >= 0)
        r = find_link(lab, args->operands[0], &link, err);
    return r < 0 ? r : sync_link(lab, link, args->json, err);
}
