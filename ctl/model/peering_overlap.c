/* Overlapping address spaces among peered VNets: spec 2.3.
 *
 * Both rules are about pairs of VNets, and each pair is looked at once, at the link that the file makes
 * first:
 *  - the two VNets of a pair may not overlap (VnetAddressSpacesOverlap);
 *  - two VNets that are peered with the same third one, the hub, may not overlap
 *    (VnetAddressSpaceOverlapsWithAlreadyPeeredVnet): the hub could not tell whose address it is. Azure's
 * text has the new VNet as the first and the hub as the second; which of the two got the link does not
 * matter. For the second rule each pair has two ends: each of its VNets seen from the other one as hub. The
 * ends of one hub are searched together, so a full mesh costs n^2 log n and not n^3. */
#include "model.h"

#include <stdlib.h>

/* `peer` as seen from `hub`. */
struct end {
    const struct vnl_peering *link; /* the pair's first */
    const struct vnl_vnet *hub, *peer;
    struct vnl_prefixes space; /* of the peer, as far as the link is about it */
    size_t order;
    bool blamed; /* one sentence per end, however many prefixes overlap */
};

struct ends {
    struct end *items;
    size_t n;
    struct vnl_check *check;
};

static void ends_done(struct ends *ends)
{
    for (size_t i = 0; i < ends->n; i++)
        vnl_prefixes_done(&ends->items[i].space);
    free(ends->items);
}

/* --- the two VNets of a pair ------------------------------------------------------------------------- */

static void mistake_pair(struct vnl_check *check, const struct vnl_peering *link,
                         const struct vnl_prefixes *overlap)
{
    CLEANUP(vnl_str_free) char *text = vnl_prefixes_join(overlap);

    vnl_mistake(check, "VnetAddressSpacesOverlap", &link->src, link->id, NULL,
                "Cannot create or update peering %s. Virtual networks %s and %s cannot be peered because "
                "their address "
                "spaces overlap. Overlapping address prefixes: %s",
                link->name, link->vnet->name, link->remote->name, text ? text : "");
}

/* Returns whether they overlap. */
static bool check_pair(struct vnl_check *check, const struct vnl_peering *link,
                       const struct vnl_prefixes *own, const struct vnl_prefixes *remote)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes overlap = { 0 };

    if (vnl_prefixes_overlapping(own, remote, &overlap) < 0)
        vnl_check_nomem(check, "peering");
    else if (overlap.n)
        mistake_pair(check, link, &overlap);
    return overlap.n > 0;
}

static int add_end(struct ends *ends, const struct vnl_peering *link, const struct vnl_vnet *hub,
                   const struct vnl_vnet *peer, struct vnl_prefixes *space)
{
    struct end *items = vnl_list_grow(ends->items, ends->n, sizeof(*items));

    if (!items)
        return -ENOMEM;
    ends->items = items;
    items[ends->n] =
        (struct end){ .link = link, .hub = hub, .peer = peer, .space = *space, .order = ends->n };
    ends->n++;
    *space = (struct vnl_prefixes){ 0 };
    return 0;
}

static int add_pair(struct ends *ends, const struct vnl_peering *link)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes own = { 0 };
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes remote = { 0 };

    if (vnl_peering_overlap_space(link, link->vnet, &own) < 0 ||
        vnl_peering_overlap_space(link, link->remote, &remote) < 0)
        return -ENOMEM;
    if (check_pair(ends->check, link, &own, &remote))
        return 0;
    if (add_end(ends, link, link->remote, link->vnet, &own) < 0)
        return -ENOMEM;
    return add_end(ends, link, link->vnet, link->remote, &remote);
}

/* --- two VNets of one hub ---------------------------------------------------------------------------- */

static int end_cmp(const void *a, const void *b)
{
    const struct end *x = a, *y = b;

    if (x->hub != y->hub)
        return x->hub->number < y->hub->number ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static void mistake_hub(struct vnl_check *check, const struct end *end, const struct end *other)
{
    CLEANUP(vnl_prefixes_done) struct vnl_prefixes overlap = { 0 };
    CLEANUP(vnl_str_free) char *text = NULL;

    if (vnl_prefixes_overlapping(&end->space, &other->space, &overlap) == 0)
        text = vnl_prefixes_join(&overlap);
    vnl_mistake(
        check, "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet", &end->link->src, end->link->id, NULL,
        "Cannot create or update peering %s. Virtual networks %s and %s cannot be peered because address "
        "space "
        "of the first virtual network overlaps with address space of virtual network %s already peered with "
        "the second virtual network. Overlapping address prefixes: %s",
        end->link->name, end->peer->name, end->hub->name, other->peer->name, text ? text : "");
}

static bool blame_end(void *arg, const struct vnl_span *later, const struct vnl_span *earlier)
{
    struct ends *ends = arg;
    struct end *end = &ends->items[later->order];
    const struct end *other = &ends->items[earlier->order];

    if (end->peer == other->peer)
        return false;
    if (!end->blamed)
        mistake_hub(ends->check, end, other);
    end->blamed = true;
    return true;
}

/* The ends from `first` to before `end` have one hub. */
static int check_hub(struct ends *ends, size_t first, size_t end)
{
    struct vnl_span *spans;
    size_t n = 0;

    for (size_t i = first; i < end; i++)
        n += ends->items[i].space.n;
    spans = calloc(n + 1, sizeof(*spans));
    if (!spans)
        return -ENOMEM;
    n = 0;
    for (size_t i = first; i < end; i++) {
        for (size_t k = 0; k < ends->items[i].space.n; k++)
            spans[n++] = (struct vnl_span){ .prefix = ends->items[i].space.items[k], .order = i };
    }
    vnl_spans_search(spans, n, blame_end, ends);
    free(spans);
    return 0;
}

static int check_hubs(struct ends *ends)
{
    size_t first = 0;
    int r = 0;

    if (ends->n > 1)
        qsort(ends->items, ends->n, sizeof(*ends->items), end_cmp);
    for (size_t i = 1; r == 0 && i <= ends->n; i++) {
        if (i < ends->n && ends->items[i].hub == ends->items[first].hub)
            continue;
        r = check_hub(ends, first, i);
        first = i;
    }
    return r;
}

void vnl_overlaps_check(struct vnl_check *check)
{
    CLEANUP(ends_done) struct ends ends = { .check = check };
    int r = 0;

    for (size_t i = 0; i < check->lab->n_vnets; i++) {
        const struct vnl_vnet *vnet = check->lab->vnets[i];

        for (size_t k = 0; r == 0 && k < vnet->n_peerings; k++) {
            if (vnet->peerings[k]->remote && vnl_peering_is_first(vnet->peerings[k]))
                r = add_pair(&ends, vnet->peerings[k]);
        }
    }
    if (r == 0)
        r = check_hubs(&ends);
    if (r < 0)
        vnl_check_nomem(check, "peerings");
}
