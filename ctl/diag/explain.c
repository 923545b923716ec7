/* Hints: what in the model keeps two VMs apart, and the smallest change that would join them. Only the first
 * cause in the order in which a packet meets it; the packets themselves decide, this only words it. */
#include "vnetlab/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

static struct vnl_vnet *vnet_of(const struct vnl_vm *vm)
{
    return vm && vm->n_nics > 0 && vm->nics[0]->subnet ? vm->nics[0]->subnet->vnet : NULL;
}

static struct vnl_vnet *vnet_by_addr(const struct vnl_lab *lab, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < lab->n_vnets; i++)
        for (size_t j = 0; j < lab->vnets[i]->space.n; j++)
            if (vnl_prefix_has(&lab->vnets[i]->space.items[j], addr))
                return lab->vnets[i];
    return NULL;
}

static const struct vnl_peering *link_between(const struct vnl_vnet *from, const struct vnl_vnet *to)
{
    for (size_t i = 0; i < from->n_peerings; i++)
        if (from->peerings[i]->remote == to)
            return from->peerings[i];
    return NULL;
}

static char *say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *say(const char *fmt, ...)
{
    va_list args;
    char *text = NULL;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    return text;
}

static bool prefixes_have(const struct vnl_prefixes *list, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < list->n; i++)
        if (vnl_prefix_has(&list->items[i], addr))
            return true;
    return false;
}

static char *explain_absent(const struct vnl_vnet *from, const struct vnl_vnet *to,
                            const struct vnl_peering *there, const struct vnl_peering *back)
{
    const struct vnl_peering *only = there ? there : back;

    if (!only)
        return say("virtual networks '%s' and '%s' are not peered: add a peering to both of them", from->name,
                   to->name);
    if (only->state == VNL_PEERING_DISCONNECTED)
        return say("peering '%s/%s' is Disconnected: sync it (vnetlab sync %s/%s), then add the link of the "
                   "other side",
                   only->vnet->name, only->name, only->vnet->name, only->name);
    return say("peering '%s/%s' is %s: '%s' has no link to '%s'", only->vnet->name, only->name,
               vnl_peering_state_str(only->state), there ? to->name : from->name, only->vnet->name);
}

/* addr: an address behind `link`, as seen from the link's own VNet. */
static char *explain_unsynced(const struct vnl_peering *link, const struct vnl_addr *addr)
{
    if (prefixes_have(&link->remote_space, addr))
        return NULL;
    return say("peering '%s/%s' is %s and does not know this range of '%s' yet: vnetlab sync %s/%s",
               link->vnet->name, link->name, vnl_peering_sync_str(link->sync), link->remote->name,
               link->vnet->name, link->name);
}

static char *explain_access(const struct vnl_lab *lab, const struct vnl_peering *link)
{
    if (lab->peering_access != VNL_ACCESS_DOCUMENTED || link->allow_vnet_access)
        return NULL;
    return say("allowVirtualNetworkAccess is false on '%s/%s': set it to true", link->vnet->name, link->name);
}

char *vnl_explain(const struct vnl_lab *lab, const struct vnl_vm *from, const struct vnl_addr *dst)
{
    const struct vnl_vnet *here = vnet_of(from);
    const struct vnl_vnet *there = here && vnl_vm_by_addr(lab, here, dst) ? here : vnet_by_addr(lab, dst);
    const struct vnl_addr *src = from && from->n_nics > 0 ? vnl_nic_addr(from->nics[0], dst->family) : NULL;
    const struct vnl_peering *link, *back;
    char *text = NULL;

    if (!here || !there || here == there)
        return NULL;
    link = link_between(here, there);
    back = link_between(there, here);
    if (!link || !back || link->state != VNL_PEERING_CONNECTED || back->state != VNL_PEERING_CONNECTED)
        return explain_absent(here, there, link, back);
    text = explain_unsynced(link, dst);
    if (!text && src)
        text = explain_unsynced(back, src);
    if (!text)
        text = explain_access(lab, link);
    return text ? text : explain_access(lab, back);
}
