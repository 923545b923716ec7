/* The state machine of peerings: spec 2.2, and sync levels: spec 2.4.
 *
 * A change of the lab is played as a script of requests would be sent: first all deletions (links and VNets
 * that are gone), then PUTs of links that stay and were changed, then PUTs of new links in file order. During
 * the play a link that is not there yet has the state ABSENT; each PUT sees the states that the ones before
 * it left.
 *
 *            PUT, twin absent          PUT, twin Initiated          twin or remote VNet deleted
 *   ABSENT ------------------> Initiated ----------------> Connected ------------------> Disconnected
 *      |      PUT, twin Initiated          (both links)                                      |
 *      +-----------------------------------> Connected        Initiated <--- re-PUT ---------+
 *
 * A PUT while the twin is Disconnected is refused, whichever link it is for. A re-PUT of a link in another
 * state than Disconnected changes its flags only (row 9). */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ABSENT VNL_PEERING_STATE_MAX

/* The twin as the requests so far left it; NULL when it is not there. */
static struct vnl_peering *twin_now(const struct vnl_peering *link)
{
    struct vnl_peering *twin = (struct vnl_peering *)vnl_peering_twin(link);

    return twin && twin->state != ABSENT ? twin : NULL;
}

/* remoteAddressSpace := what the remote VNet has now. */
static int refresh_space(struct vnl_peering *link)
{
    struct vnl_prefixes space = { 0 };

    if (vnl_peering_space(link, link->remote, &space) < 0)
        return -ENOMEM;
    vnl_prefixes_done(&link->remote_space);
    link->remote_space = space;
    return 0;
}

static int mistake_disconnected(struct vnl_check *check, const struct vnl_peering *link,
                                const struct vnl_peering *twin)
{
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (asprintf(&hint, "run 'vnetlab sync %s/%s' (a re-PUT), or change that link first", twin->vnet->name,
                 twin->name) < 0)
        hint = NULL;
    return vnl_mistake(
        check, "RemotePeeringIsDisconnected", &link->src, link->id, hint,
        "Cannot create or update peering %s because remote peering %s referencing parent virtual network "
        "%s is in Disconnected state. Update or re-create the remote peering to get it back to Initiated "
        "state",
        link->name, twin->name, twin->vnet->name);
}

/* Rules 1 to 4: the link is new, or is Disconnected and PUT again. */
static int join(struct vnl_check *check, struct vnl_peering *link)
{
    struct vnl_peering *twin = link->remote ? twin_now(link) : NULL;

    if (!link->remote)
        return vnl_mistake_no_remote(check, link);
    if (twin && twin->state == VNL_PEERING_DISCONNECTED)
        return mistake_disconnected(check, link, twin);
    if (refresh_space(link) < 0 || (twin && refresh_space(twin) < 0))
        return vnl_check_nomem(check, "peering");
    link->state = twin ? VNL_PEERING_CONNECTED : VNL_PEERING_INITIATED;
    if (twin)
        twin->state = VNL_PEERING_CONNECTED;
    return 0;
}

/* --- a link of the lab in force ---------------------------------------------------------------------- */

static const struct vnl_peering *find_old(const struct vnl_lab *before, const struct vnl_peering *link)
{
    const struct vnl_vnet *vnet = before ? vnl_vnet_lookup(before, link->vnet->id) : NULL;

    return vnet ? vnl_peering_lookup(vnet, link->name) : NULL;
}

/* The id also of a remote VNet that is gone: drop_remote() left it. */
static const char *remote_id(const struct vnl_peering *link)
{
    return link->remote ? link->remote->id : link->remote_ref;
}

static const char *last_segment(const char *id)
{
    const char *slash = strrchr(id, '/');

    return slash ? slash + 1 : id;
}

/* Did the lab in force have this link, to the VNet that it names now by name or by id? */
static bool had_remote(const struct vnl_peering *link, const struct vnl_peering *old)
{
    const char *ref = link->remote_ref;

    return old && (vnl_id_eq(ref, remote_id(old)) ||
                   (*ref != '/' && strcasecmp(ref, last_segment(remote_id(old))) == 0));
}

/* A name means a VNet only while that is there; from here on the link keeps the id. */
static void drop_remote(struct vnl_check *check, struct vnl_peering *link, const struct vnl_peering *old)
{
    char *id = strdup(remote_id(old));

    if (!id) {
        vnl_check_nomem(check, "peering");
        return;
    }
    free(link->remote_ref);
    link->remote_ref = id;
}

/* Is the link that was the twin still there, in the opposite direction? */
static bool twin_stays(const struct vnl_peering *link, const struct vnl_peering *old)
{
    const struct vnl_peering *old_twin = vnl_peering_twin(old);
    const struct vnl_peering *twin = old_twin ? vnl_peering_lookup(link->remote, old_twin->name) : NULL;

    return twin && twin->remote == link->vnet;
}

/* Rows 5, 7 and 8: what the deletions leave of a link that stays. */
static enum vnl_peering_state state_after_deletions(const struct vnl_peering *link,
                                                    const struct vnl_peering *old)
{
    if (!link->remote)
        return VNL_PEERING_DISCONNECTED;
    if (old->state == VNL_PEERING_CONNECTED && !twin_stays(link, old))
        return VNL_PEERING_DISCONNECTED;
    return old->state;
}

/* Source: spec 2.8 for the type; that a link cannot be pointed elsewhere either is our reading (code: ARM's).
 */
static void check_fixed(struct vnl_check *check, const struct vnl_peering *link,
                        const struct vnl_peering *old)
{
    if (link->remote && !vnl_id_eq(link->remote->id, remote_id(old)))
        vnl_mistake(check, "PropertyChangeNotAllowed", &link->remote_src, link->id,
                    "remove the peering, apply, and add it again; or give it another name",
                    "The remote virtual network of peering '%s' cannot change from '%s' to '%s'", link->name,
                    last_segment(remote_id(old)), link->remote->name);
    if (link->complete_vnets != old->complete_vnets)
        vnl_mistake(check, "PropertyChangeNotAllowed", &link->src, link->id,
                    "remove both links of the peering, apply, and add them again",
                    "The type of peering '%s' cannot change: peerCompleteVnets is %s", link->name,
                    old->complete_vnets ? "true" : "false");
}

static void keep_link(struct vnl_check *check, struct vnl_peering *link)
{
    const struct vnl_peering *old = find_old(check->before, link);

    link->state = ABSENT;
    if (!old || (!link->remote && !had_remote(link, old)))
        return; /* put_new() refuses a link to nowhere */
    if (!link->remote)
        drop_remote(check, link, old);
    check_fixed(check, link, old);
    link->state = state_after_deletions(link, old);
    if (vnl_prefixes_copy(&link->remote_space, &old->remote_space) < 0)
        vnl_check_nomem(check, "peering");
}

/* --- changed ----------------------------------------------------------------------------------------- */

static bool same_names(const struct vnl_names *a, const struct vnl_names *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (strcasecmp(a->items[i], b->items[i]) != 0)
            return false;
    }
    return true;
}

static bool same_ranges(const struct vnl_peering *a, const struct vnl_peering *b)
{
    return a->only_ipv6 == b->only_ipv6 && same_names(&a->local_subnets, &b->local_subnets) &&
           same_names(&a->remote_subnets, &b->remote_subnets);
}

static bool same_flags(const struct vnl_peering *a, const struct vnl_peering *b)
{
    return a->allow_vnet_access == b->allow_vnet_access &&
           a->allow_forwarded_traffic == b->allow_forwarded_traffic &&
           a->allow_gateway_transit == b->allow_gateway_transit &&
           a->use_remote_gateways == b->use_remote_gateways &&
           a->do_not_verify_remote_gateways == b->do_not_verify_remote_gateways;
}

/* A link that now names other subnets exchanges those at once: the PUT carries the list. An address space
 * that changed waits for a sync (spec 2.4). */
static void put_changed(struct vnl_check *check, struct vnl_peering *link)
{
    const struct vnl_peering *old = find_old(check->before, link);
    bool ranges = old && same_ranges(link, old);

    if (!old || link->state == ABSENT || (ranges && same_flags(link, old)))
        return;
    if (link->state == VNL_PEERING_DISCONNECTED)
        (void)join(check, link);
    else if (!ranges && link->remote && refresh_space(link) < 0)
        vnl_check_nomem(check, "peering");
}

static void put_new(struct vnl_check *check, struct vnl_peering *link)
{
    if (link->state == ABSENT)
        (void)join(check, link);
}

typedef void link_fn(struct vnl_check *check, struct vnl_peering *link);

static void for_links(struct vnl_check *check, link_fn *fn)
{
    for (size_t i = 0; i < check->lab->n_vnets; i++) {
        for (size_t k = 0; k < check->lab->vnets[i]->n_peerings; k++)
            fn(check, check->lab->vnets[i]->peerings[k]);
    }
}

void vnl_settle_peerings(struct vnl_check *check)
{
    for_links(check, keep_link);
    for_links(check, put_changed);
    for_links(check, put_new);
}

/* --- sync levels ------------------------------------------------------------------------------------- */

/* Did the remote VNet's space change since this link took it over? Links of whole VNets, the common ones,
 * need no copy. */
static int remote_changed(const struct vnl_peering *link, bool *ret)
{
    struct vnl_prefixes space = { 0 };

    if (link->complete_vnets && !link->only_ipv6) {
        *ret = !vnl_prefixes_same(link->remote->space.items, link->remote->space.n, link->remote_space.items,
                                  link->remote_space.n);
        return 0;
    }
    if (vnl_peering_space(link, link->remote, &space) < 0)
        return -ENOMEM;
    *ret = !vnl_prefixes_same(space.items, space.n, link->remote_space.items, link->remote_space.n);
    vnl_prefixes_done(&space);
    return 0;
}

/* Source: spec 2.4. Initiated: RemoteNotInSync, as published output of `az network vnet peering create` shows
 * it. */
int vnl_sync_derive(struct vnl_peering *link)
{
    const struct vnl_peering *twin = vnl_peering_twin(link);
    bool remote = false, own = false;

    if (link->remote && remote_changed(link, &remote) < 0)
        return -ENOMEM;
    if (twin && remote_changed(twin, &own) < 0)
        return -ENOMEM;
    if (link->state == VNL_PEERING_INITIATED)
        link->sync = VNL_SYNC_REMOTE;
    else if (own)
        link->sync = remote ? VNL_SYNC_LOCAL_REMOTE : VNL_SYNC_REMOTE;
    else
        link->sync = remote ? VNL_SYNC_LOCAL : VNL_SYNC_FULL;
    return 0;
}

static int derive_pair(struct vnl_check *check, struct vnl_peering *link)
{
    struct vnl_peering *twin = (struct vnl_peering *)vnl_peering_twin(link);

    if (vnl_sync_derive(link) < 0 || (twin && vnl_sync_derive(twin) < 0))
        return vnl_check_nomem(check, "peering");
    return 0;
}

int vnl_peering_sync(struct vnl_lab *lab, struct vnl_peering *link, bool *ret_changed, struct vnl_err **err)
{
    struct vnl_check check = { .lab = lab, .err = err };
    enum vnl_peering_state state = link->state;
    bool stale = false;
    int r = 0;

    if (link->remote && remote_changed(link, &stale) < 0)
        return vnl_check_nomem(&check, "peering");
    if (state == VNL_PEERING_DISCONNECTED)
        r = join(&check, link);
    else if (stale && refresh_space(link) < 0)
        r = vnl_check_nomem(&check, "peering");
    if (r == 0)
        r = derive_pair(&check, link);
    if (r == 0)
        *ret_changed = stale || link->state != state;
    return r;
}
