/* Follow-up mistakes. All mistakes of a file come in one run, also those that only vnl_lab_resolve() sees.
 * But a VNet whose prefix could not be read has no prefix, and resolve would complain about each VM in it:
 * noise. So reading marks a top-level resource as broken when something that others build on is missing from
 * it, and of what resolve says we drop what is about a broken resource or about one that refers to it: a VM
 * in a broken VNet, a VNet peered with one, an expectation about such a VM. When a whole section is
 * unreadable (`vnet:` for `vnets:`), resolve is not asked at all. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct vnl_loaded *find_loaded(const struct vnl_loading *l, int line, int col)
{
    size_t low = 0, high = l->n_loaded; /* the last one that starts at or before the place is low - 1 */

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct vnl_src *src = &l->loaded[mid].src;

        if (src->line < line || (src->line == line && src->col <= col))
            low = mid + 1;
        else
            high = mid;
    }
    return low ? &l->loaded[low - 1] : NULL;
}

static bool is_broken(const struct vnl_loading *l, const struct vnl_src *src)
{
    const struct vnl_loaded *loaded = find_loaded(l, src->line, src->col);

    return loaded && loaded->broken;
}

static void set_broken(struct vnl_loading *l, const struct vnl_src *src)
{
    struct vnl_loaded *loaded = (struct vnl_loaded *)find_loaded(l, src->line, src->col);

    if (loaded)
        loaded->broken = true;
}

/* Is the VM's VNet broken? Its subnet may have been lost with it; then the reference's first word names the
 * VNet, and a bare subnet name may mean any. */
static bool in_broken_vnet(const struct vnl_loading *l, const struct vnl_nic *nic, bool any_broken)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    const struct vnl_vnet *vnet;
    const char *slash = strchr(nic->subnet_ref, '/');

    if (nic->subnet)
        return is_broken(l, &nic->subnet->vnet->src);
    if (!slash || slash == nic->subnet_ref)
        return any_broken;
    name = strndup(nic->subnet_ref, (size_t)(slash - nic->subnet_ref));
    vnet = name ? vnl_vnet_lookup(l->lab, name) : NULL;
    return vnet && is_broken(l, &vnet->src);
}

/* Marks what refers to a broken resource. VNets first by their own state only: two steps away is another
 * matter. */
static void spread_broken_vnets(struct vnl_loading *l, bool *ret_any)
{
    CLEANUP(vnl_str_free) char *peered = calloc(l->lab->n_vnets + 1, 1);

    for (size_t i = 0; peered && i < l->lab->n_vnets; i++) {
        const struct vnl_vnet *vnet = l->lab->vnets[i];

        *ret_any = *ret_any || is_broken(l, &vnet->src);
        for (size_t k = 0; k < vnet->n_peerings; k++) {
            const struct vnl_vnet *remote = vnet->peerings[k]->remote;

            peered[i] |= remote && is_broken(l, &remote->src);
        }
    }
    for (size_t i = 0; peered && i < l->lab->n_vnets; i++) {
        if (peered[i])
            set_broken(l, &l->lab->vnets[i]->src);
    }
}

static void spread_broken(struct vnl_loading *l)
{
    bool any = false;

    spread_broken_vnets(l, &any);
    for (size_t i = 0; i < l->lab->n_vms; i++) {
        const struct vnl_vm *vm = l->lab->vms[i];

        if (vm->n_nics && in_broken_vnet(l, vm->nics[0], any))
            set_broken(l, &vm->src);
    }
    for (size_t i = 0; i < l->lab->n_expects; i++) {
        const struct vnl_expect *expect = l->lab->expects[i];

        if ((expect->from_vm && is_broken(l, &expect->from_vm->src)) ||
            (expect->to_vm && is_broken(l, &expect->to_vm->src)))
            set_broken(l, &expect->src);
    }
}

/* Takes out of *list what is about broken resources. */
static void drop_follow_ups(const struct vnl_loading *l, struct vnl_err **list)
{
    while (*list) {
        const struct vnl_loaded *about = find_loaded(l, (*list)->line, (*list)->col);
        struct vnl_err *one = *list;

        if (!about || !about->broken) {
            list = &one->next;
            continue;
        }
        *list = one->next;
        one->next = NULL;
        vnl_err_free(&one);
    }
}

void vnl_lab_resolve_loaded(struct vnl_loading *l)
{
    CLEANUP(vnl_err_free) struct vnl_err *found = NULL;

    if (l->lost_section || vnl_lab_no_memory(l->mistakes))
        return;
    (void)vnl_lab_resolve(l->lab, &found);
    if (l->mistakes && !vnl_lab_no_memory(found)) {
        spread_broken(l);
        drop_follow_ups(l, &found);
    }
    vnl_err_append(&l->mistakes, &found);
}
