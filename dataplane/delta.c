/* What decides:
 *
 * A VM exists when its namespace is mounted: that is the last step of making one. Links of a VM whose namespace
 * is not there belong to a maker that died, or to a VM that is being freed, and go.
 *
 * A NIC is complete when its host end carries the plan's tag: that is its last step, and the tag's text holds
 * everything that the guest end was given. No tag: half-made, it is made anew. Another text (of another plan,
 * or of a change that was cut short): when the guest end is in the right namespace it is configured in place;
 * else the slot has changed its owner and the NIC is made anew.
 *
 * Filter, bridge, port flags, MTU, name and state of a complete NIC's host end can still have been changed by
 * others, and are looked at. Its guest end is the guest's own. */
#include "delta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "delay_ports.h"
#include "link.h"
#include "observe.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/layout.h"
#include "vnetlab/plan.h"

/* One comparison. wanted: by link of seen, whether the plan keeps it. */
struct compare {
    const struct vnl_plan *plan;
    const struct vnl_seen *seen;
    struct vnl_nl *fabric;
    uint32_t prog_id;
    struct vnl_delta *delta;
    bool *wanted;
};

uint32_t vnl_nic_number(const struct vnl_plan *plan, size_t nic)
{
    const struct vnl_plan_vm *vm = &plan->vms[plan->nics[nic].vm];
    uint32_t number = 0;

    while (number < vm->n_nics && vm->nics[number] != nic)
        number++;
    return number;
}

static bool guest_end_is_in_place(const struct compare *cmp, const struct vnl_seen_link *link, size_t nic)
{
    const char *vm = cmp->plan->vms[cmp->plan->nics[nic].vm].name;
    CLEANUP(vnl_fd_close) int fd = -1;

    return vnl_netns_open(cmp->plan->lab, vm, &fd, NULL) == 0 &&
           vnl_seen_peer_in(link, cmp->fabric, fd, vnl_nic_number(cmp->plan, nic));
}

static uint8_t nic_todo(const struct compare *cmp, const struct vnl_seen_link *link, size_t index)
{
    const struct vnl_plan_nic *nic = &cmp->plan->nics[index];
    uint8_t todo = 0;

    if (!link || !link->alias || cmp->delta->vms[nic->vm])
        return VNL_TODO_MAKE;
    if (strcmp(link->alias, nic->alias) != 0) {
        if (!guest_end_is_in_place(cmp, link, index))
            return VNL_TODO_MAKE;
        todo |= VNL_TODO_GUEST | VNL_TODO_PORT;
    }
    if (link->master != nic->bridge_ifindex || !link->up || !link->flags_right || link->mtu != VNL_LINK_MTU)
        todo |= VNL_TODO_PORT;
    if (strcmp(link->ifname, nic->ifname) != 0)
        todo |= VNL_TODO_NAME | VNL_TODO_PORT;
    if (vnl_filter_prog_id(cmp->fabric, link->ifindex) != cmp->prog_id)
        todo |= VNL_TODO_FILTER;
    return todo;
}

static void compare_nics(struct compare *cmp)
{
    for (size_t i = 0; i < cmp->plan->n_nics; i++) {
        struct vnl_seen_link *link = vnl_seen_link_lookup(cmp->seen, cmp->plan->nics[i].ifindex);

        cmp->delta->nics[i] = nic_todo(cmp, link, i);
        if (link && !(cmp->delta->nics[i] & VNL_TODO_MAKE))
            cmp->wanted[link - cmp->seen->links] = true;
    }
}

static void compare_bridges(struct compare *cmp)
{
    for (size_t i = 0; i < cmp->plan->n_bridges; i++) {
        const struct vnl_plan_bridge *bridge = &cmp->plan->bridges[i];
        struct vnl_seen_link *link = vnl_seen_link_lookup(cmp->seen, bridge->ifindex);

        if (!link)
            cmp->delta->bridges[i] = VNL_TODO_MAKE;
        else if (strcmp(link->ifname, bridge->ifname) != 0)
            cmp->delta->bridges[i] = VNL_TODO_NAME | VNL_TODO_PORT;
        else if (!link->alias || strcmp(link->alias, bridge->alias) != 0 || !link->up ||
                 link->mtu != VNL_LINK_MTU)
            cmp->delta->bridges[i] = VNL_TODO_PORT;
        if (link)
            cmp->wanted[link - cmp->seen->links] = true;
    }
}

/* What nobody wanted is to go. The platform goes with the lab; delay ports have their own way of going. */
static void gather_links(struct compare *cmp)
{
    struct vnl_delta *delta = cmp->delta;

    for (size_t i = 0; i < cmp->seen->n_links; i++) {
        uint32_t ifindex = cmp->seen->links[i].ifindex;

        if (cmp->wanted[i] || ifindex == VNL_PLATFORM_IFINDEX || vnl_delay_is_port(ifindex))
            continue;
        if (ifindex >= VNL_NIC_IFINDEX)
            delta->links[delta->n_links++] = ifindex;
        else
            delta->gone_bridges[delta->n_gone_bridges++] = ifindex;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_vms(struct compare *cmp)
{
    const struct vnl_plan *plan = cmp->plan;
    struct vnl_delta *delta = cmp->delta;
    const char **names = calloc(plan->n_vms + 1, sizeof(*names));

    if (!names)
        return -ENOMEM;
    for (size_t i = 0; i < plan->n_vms; i++) {
        names[i] = plan->vms[i].name;
        delta->vms[i] = !vnl_seen_netns(cmp->seen, names[i]);
    }
    qsort(names, plan->n_vms, sizeof(*names), by_name);
    for (size_t i = 0; i < cmp->seen->netns.n; i++) {
        const char *name = cmp->seen->netns.items[i];

        if (strcmp(name, VNL_FABRIC) != 0 && strcmp(name, VNL_PLATFORM) != 0 &&
            !bsearch(&name, names, plan->n_vms, sizeof(*names), by_name))
            delta->gone_vms[delta->n_gone_vms++] = name;
    }
    free(names);
    return 0;
}

static bool delta_alloc(const struct vnl_plan *plan, const struct vnl_seen *seen, struct vnl_delta *delta)
{
    delta->nics = calloc(plan->n_nics + 1, sizeof(*delta->nics));
    delta->bridges = calloc(plan->n_bridges + 1, sizeof(*delta->bridges));
    delta->vms = calloc(plan->n_vms + 1, sizeof(*delta->vms));
    delta->links = calloc(seen->n_links + 1, sizeof(*delta->links));
    delta->gone_bridges = calloc(seen->n_links + 1, sizeof(*delta->gone_bridges));
    delta->gone_vms = calloc(seen->netns.n + 1, sizeof(*delta->gone_vms));
    return delta->nics && delta->bridges && delta->vms && delta->links && delta->gone_bridges &&
           delta->gone_vms;
}

int vnl_delta_build(const struct vnl_plan *plan, const struct vnl_seen *seen, struct vnl_nl *fabric,
                    uint32_t prog_id, struct vnl_delta *ret, struct vnl_err **err)
{
    struct compare cmp = { .plan = plan, .seen = seen, .fabric = fabric, .prog_id = prog_id, .delta = ret };

    cmp.wanted = calloc(seen->n_links + 1, sizeof(*cmp.wanted));
    if (!cmp.wanted || !delta_alloc(plan, seen, ret) || compare_vms(&cmp) < 0) {
        free(cmp.wanted);
        return vnl_fail(err, ENOMEM, "difference to lab '%s'", plan->lab);
    }
    compare_nics(&cmp);
    compare_bridges(&cmp);
    gather_links(&cmp);
    free(cmp.wanted);
    return 0;
}

void vnl_delta_done(struct vnl_delta *delta)
{
    free(delta->nics);
    free(delta->bridges);
    free(delta->vms);
    free(delta->links);
    free(delta->gone_bridges);
    free(delta->gone_vms);
    *delta = (struct vnl_delta){ 0 };
}
