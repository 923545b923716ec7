/* Follow-up mistakes. All mistakes of a file come in one run, also those that only vnl_lab_resolve() sees.
 * But a VNet whose prefix could not be read has no prefix, and resolve would complain about each subnet in it:
 * noise. So reading marks what lacks something that others build on as broken, be it a VNet, a subnet, a peering
 * or a VM, and of what resolve says we drop
 *  - what is about a broken one itself, a VM in a broken subnet, an expectation about such a VM;
 *  - what compares a subnet or a peering with the address space of its broken VNet;
 *  - overlaps of a VNet that is peered with a broken one.
 * Everything else is said, however near it stands: one mistake does not hide another. When a whole section is
 * unreadable (`vnet:` for `vnets:`), resolve is not asked at all. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* A broken VNet without subnets may be one whose subnets could not be read. */
static bool lost_subnets(const struct vnl_loading *l, const struct vnl_vnet *vnet)
{
    return vnet && vnet->n_subnets == 0 && is_broken(l, &vnet->src);
}

/* A bare name that no subnet answers to: was its VNet's section lost, or is the name only ambiguous because a
 * subnet is written twice? */
static bool bare_name_follows(const struct vnl_loading *l, const char *name)
{
    size_t n_broken = 0, n_whole = 0;

    for (size_t i = 0; i < l->lab->n_vnets; i++) {
        const struct vnl_vnet *vnet = l->lab->vnets[i];

        if (lost_subnets(l, vnet))
            return true;
        for (size_t k = 0; k < vnet->n_subnets; k++) {
            if (strcasecmp(vnet->subnets[k]->name, name) != 0)
                continue;
            n_broken += is_broken(l, &vnet->subnets[k]->src) || is_broken(l, &vnet->src);
            n_whole += !is_broken(l, &vnet->subnets[k]->src) && !is_broken(l, &vnet->src);
        }
    }
    return n_broken && n_whole < 2;
}

static bool in_broken_subnet(const struct vnl_loading *l, const struct vnl_nic *nic)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    const char *slash = strchr(nic->subnet_ref, '/');

    if (nic->subnet)
        return is_broken(l, &nic->subnet->src);
    if (!slash || slash == nic->subnet_ref)
        return bare_name_follows(l, nic->subnet_ref);
    name = strndup(nic->subnet_ref, (size_t)(slash - nic->subnet_ref));
    return name && lost_subnets(l, vnl_vnet_lookup(l->lab, name));
}

/* VNets by their own state only: two steps away is another matter. */
static void spread_broken_vnet(struct vnl_loading *l, const struct vnl_vnet *vnet)
{
    struct vnl_loaded *loaded = (struct vnl_loaded *)find_loaded(l, vnet->src.line, vnet->src.col);

    for (size_t i = 0; loaded && i < vnet->n_peerings; i++) {
        const struct vnl_peering *link = vnet->peerings[i];

        loaded->beside |= link->remote && is_broken(l, &link->remote->src);
        if (!link->complete_vnets && (lost_subnets(l, vnet) || lost_subnets(l, link->remote)))
            set_broken(l, &link->src);
    }
}

/* A client's with its gateway. */
static bool host_is_broken(const struct vnl_loading *l, const struct vnl_host *host)
{
    const struct vnl_vpn_gateway *gateway = host && host->client ? host->client->gateway : NULL;

    return (host && is_broken(l, &host->src)) || (gateway && is_broken(l, &gateway->src));
}

/* In the short form, the NIC is where the VM is. */
static bool vm_is_broken(const struct vnl_loading *l, const struct vnl_vm *vm)
{
    if (!vm)
        return false;
    for (size_t i = 0; i < vm->n_nics; i++) {
        if (is_broken(l, &vm->nics[i]->src))
            return true;
    }
    return is_broken(l, &vm->src);
}

/* Could what is said of the connection's BGP be because of an end that was only half read? */
static bool follows_end(const struct vnl_loading *l, const struct vnl_connection *connection)
{
    const struct vnl_vpn_gateway *a = connection->gateway1, *b = connection->gateway2;
    const struct vnl_local_gateway *local = connection->local2;

    if (local && is_broken(l, &local->src) && (connection->enable_bgp || local->prefixes.n == 0))
        return true;
    return connection->enable_bgp && ((a && is_broken(l, &a->src)) || (b && is_broken(l, &b->src)));
}

static void spread_broken(struct vnl_loading *l)
{
    for (size_t i = 0; i < l->lab->n_vnets; i++)
        spread_broken_vnet(l, l->lab->vnets[i]);
    for (size_t i = 0; i < l->lab->n_vms; i++) {
        const struct vnl_vm *vm = l->lab->vms[i];

        for (size_t k = 0; k < vm->n_nics; k++) {
            if (in_broken_subnet(l, vm->nics[k]))
                set_broken(l, &vm->nics[k]->src);
        }
    }
    for (size_t i = 0; i < l->lab->n_gateways; i++) {
        const struct vnl_vpn_gateway *gateway = l->lab->gateways[i];

        if (gateway->vnet && is_broken(l, &gateway->vnet->src))
            set_broken(l, &gateway->src);
    }
    for (size_t i = 0; i < l->lab->n_connections; i++) {
        if (follows_end(l, l->lab->connections[i]))
            set_broken(l, &l->lab->connections[i]->src);
    }
    for (size_t i = 0; i < l->lab->n_clients; i++) {
        const struct vnl_client *client = l->lab->clients[i];

        if (client->gateway && is_broken(l, &client->gateway->src))
            set_broken(l, &client->src);
    }
    for (size_t i = 0; i < l->lab->n_expects; i++) {
        const struct vnl_expect *expect = l->lab->expects[i];

        if (vm_is_broken(l, expect->from_vm) || vm_is_broken(l, expect->to_vm) ||
            host_is_broken(l, expect->from_host) || host_is_broken(l, expect->to_host))
            set_broken(l, &expect->src);
    }
}

static bool is_overlap(const char *code)
{
    return strcmp(code, "VnetAddressSpacesOverlap") == 0 ||
           strcmp(code, "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet") == 0;
}

static bool is_follow_up(const struct vnl_loading *l, const struct vnl_err *mistake)
{
    const struct vnl_loaded *about = find_loaded(l, mistake->line, mistake->col);
    const struct vnl_loaded *owner = about ? &l->loaded[about->owner] : NULL;
    const char *code = mistake->code ? mistake->code : "";

    if (!about)
        return false;
    return about->broken || (owner->beside && is_overlap(code)) ||
           (owner->broken && (is_overlap(code) || strcmp(code, "NetcfgSubnetRangeOutsideVnet") == 0));
}

/* Takes out of *list what is about broken resources. */
static void drop_follow_ups(const struct vnl_loading *l, struct vnl_err **list)
{
    while (*list) {
        struct vnl_err *one = *list;

        if (!is_follow_up(l, one)) {
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
    if (l->mistakes || found)
        (void)vnl_lab_check_remotes(l->lab, &found);
    if (l->mistakes && !vnl_lab_no_memory(found)) {
        spread_broken(l);
        drop_follow_ups(l, &found);
    }
    vnl_err_append(&l->mistakes, &found);
}
