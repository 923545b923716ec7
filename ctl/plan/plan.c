/* From the settled lab to the plan: one pass over VNets, one over VMs, one over the NICs of each VNet.
 * Nothing is decided here that another run could decide otherwise: order is the lab's, numbers are the slots.
 */
#include "vnetlab/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/layout.h"
#include "parts.h"

/* The guest's default router for IPv6 (spec 1.5). */
static const struct vnl_addr router6 = {
    .family = AF_INET6,
    .bytes = { 0xfe, 0x80, [10] = 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc },
};

#define FLOW_TIMEOUT_MIN 4 /* where flowTimeoutInMinutes is not set (spec 3.4) */

static int copy_text(char **ret, const char *text)
{
    *ret = strdup(text);
    return *ret ? 0 : -ENOMEM;
}

/* --- VNets and peerings --------------------------------------------------------------------------------- */

static int add_vnet(struct vnl_plan *plan, const struct vnl_vnet *vnet)
{
    struct vnl_plan_vnet *out = &plan->vnets[plan->n_vnets];

    plan->n_vnets++;
    out->slot = vnet->slot;
    if (vnet->slot >= plan->vnet_slots)
        plan->vnet_slots = vnet->slot + 1;
    out->space = calloc(vnet->space.n + 1, sizeof(*out->space));
    if (!out->space || copy_text(&out->id, vnet->id) < 0 || copy_text(&out->name, vnet->name) < 0 ||
        copy_text(&out->location, vnet->scope.location) < 0)
        return -ENOMEM;
    out->flow_timeout_s = (uint32_t)(vnet->flow_timeout_min ? vnet->flow_timeout_min : FLOW_TIMEOUT_MIN) * 60;
    out->n_space = vnet->space.n;
    for (size_t i = 0; i < vnet->space.n; i++)
        out->space[i] = vnet->space.items[i];
    return 0;
}

static char *flags_text(const struct vnl_peering *link)
{
    char buf[64];
    int n =
        snprintf(buf, sizeof(buf), "%s%s%s%s", link->allow_vnet_access ? "access " : "",
                 link->allow_forwarded_traffic ? "forwarded " : "",
                 link->allow_gateway_transit ? "transit " : "", link->use_remote_gateways ? "gateways " : "");

    if (n == 0)
        return strdup("-");
    buf[n - 1] = '\0';
    return strdup(buf);
}

/* A link whose remote VNet is gone has the id of it as its reference. */
static const char *remote_name(const struct vnl_peering *link)
{
    const char *slash = link->remote ? NULL : strrchr(link->remote_ref, '/');

    if (link->remote)
        return link->remote->name;
    return slash ? slash + 1 : link->remote_ref;
}

static int add_peering(struct vnl_plan *plan, const struct vnl_peering *link)
{
    struct vnl_plan_peering *out = &plan->peerings[plan->n_peerings++];

    out->state = vnl_peering_state_str(link->state);
    out->sync = vnl_peering_sync_str(link->sync);
    out->name = vnl_text("%s/%s", link->vnet->name, link->name);
    out->flags = flags_text(link);
    if (!out->name || !out->flags || copy_text(&out->id, link->id) < 0)
        return -ENOMEM;
    return copy_text(&out->remote, remote_name(link));
}

static int build_vnets(struct vnl_plan *plan, const struct vnl_lab *lab)
{
    size_t n_links = 0;
    int r = 0;

    for (size_t i = 0; i < lab->n_vnets; i++)
        n_links += lab->vnets[i]->n_peerings;
    plan->vnets = calloc(lab->n_vnets + 1, sizeof(*plan->vnets));
    plan->tables = calloc(lab->n_vnets + 1, sizeof(*plan->tables));
    plan->peerings = calloc(n_links + 1, sizeof(*plan->peerings));
    if (!plan->vnets || !plan->tables || !plan->peerings)
        return -ENOMEM;
    for (size_t i = 0; i < lab->n_vnets && r == 0; i++)
        r = add_vnet(plan, lab->vnets[i]);
    for (size_t i = 0; i < lab->n_vnets && r == 0; i++)
        for (size_t k = 0; k < lab->vnets[i]->n_peerings && r == 0; k++)
            r = add_peering(plan, lab->vnets[i]->peerings[k]);
    return r;
}

/* All subnets of a VNet have the same rows as long as none has a route table of its own: one table per VNet,
 * same index. */
static int build_tables(struct vnl_plan *plan, const struct vnl_lab *lab)
{
    int r = 0;

    for (size_t i = 0; i < lab->n_vnets && r == 0; i++)
        r = vnl_routes_build(lab, lab->vnets[i], &plan->tables[plan->n_tables++]);
    return r;
}

/* --- VMs and NICs --------------------------------------------------------------------------------------- */

/* IPv4: the first address of the subnet (spec 1.2). */
static struct vnl_addr gateway_of(const struct vnl_prefix *subnet)
{
    struct vnl_addr first = vnl_prefix_first(subnet);

    return subnet->addr.family == AF_INET ? vnl_addr_add(&first, 1) : router6;
}

static int add_addrs(struct vnl_plan_nic *out, const struct vnl_nic *nic)
{
    out->addrs = calloc(nic->n_configs + 1, sizeof(*out->addrs));
    if (!out->addrs)
        return -ENOMEM;
    out->n_addrs = nic->n_configs;
    for (size_t i = 0; i < nic->n_configs; i++)
        out->addrs[i] = (struct vnl_plan_addr){
            .addr = nic->configs[i].addr,
            .prefix_len = nic->configs[i].subnet_prefix.len,
            .gateway = gateway_of(&nic->configs[i].subnet_prefix),
        };
    return 0;
}

static int name_nic(struct vnl_plan_nic *out, const char *lab, const struct vnl_nic *nic)
{
    const struct vnl_vnet *vnet = nic->subnet->vnet;
    uint32_t number = vnl_bridge_number(nic->slot);

    out->ifindex = VNL_NIC_IFINDEX + nic->slot;
    (void)snprintf(out->ifname, sizeof(out->ifname), "nic%u", nic->slot);
    vnl_bridge_name(out->bridge, vnet->slot, number);
    out->bridge_ifindex = vnl_bridge_ifindex(vnet->slot, number);
    out->alias = vnl_nic_alias(lab, nic);
    out->subnet = vnl_text("%s/%s", vnet->name, nic->subnet->name);
    if (!out->alias || !out->subnet || copy_text(&out->id, nic->id) < 0 ||
        copy_text(&out->subnet_id, nic->subnet->id) < 0)
        return -ENOMEM;
    return copy_text(&out->name, nic->name);
}

static int add_nic(struct vnl_plan *plan, const struct vnl_lab *lab, uint32_t vm, const struct vnl_nic *nic)
{
    const struct vnl_subnet *subnet = nic->subnet;
    struct vnl_plan_nic *out = &plan->nics[plan->n_nics++];

    out->slot = nic->slot;
    if (nic->slot >= plan->nic_slots)
        plan->nic_slots = nic->slot + 1;
    out->vm = vm;
    out->vnet = out->table = subnet->vnet->number;
    out->rules_subnet = vnl_rules_index(lab, subnet->nsg, subnet->vnet);
    out->rules_nic = vnl_rules_index(lab, nic->nsg, subnet->vnet);
    out->mac = nic->mac;
    out->ip_forwarding = nic->ip_forwarding;
    if (name_nic(out, plan->lab, nic) < 0)
        return -ENOMEM;
    return add_addrs(out, nic);
}

static int add_run(struct vnl_plan_vm *out, const struct vnl_names *run)
{
    out->run = calloc(run->n + 1, sizeof(*out->run));
    if (!out->run)
        return -ENOMEM;
    for (; out->n_run < run->n; out->n_run++)
        if (copy_text(&out->run[out->n_run], run->items[out->n_run]) < 0)
            return -ENOMEM;
    return 0;
}

static int add_vm(struct vnl_plan *plan, const struct vnl_lab *lab, const struct vnl_vm *vm)
{
    uint32_t index = (uint32_t)plan->n_vms++;
    struct vnl_plan_vm *out = &plan->vms[index];
    int r = 0;

    out->ip_forward = vm->ip_forward;
    out->netns = vnl_text("%s.%s", plan->lab, vm->name);
    out->nics = calloc(vm->n_nics + 1, sizeof(*out->nics));
    if (!out->netns || !out->nics || copy_text(&out->id, vm->id) < 0 || copy_text(&out->name, vm->name) < 0 ||
        add_run(out, &vm->run) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < vm->n_nics && r == 0; i++) {
        out->nics[out->n_nics++] = (uint32_t)plan->n_nics;
        r = add_nic(plan, lab, index, vm->nics[i]);
    }
    return r;
}

static int build_vms(struct vnl_plan *plan, const struct vnl_lab *lab)
{
    size_t n_nics = 0;
    int r = 0;

    for (size_t i = 0; i < lab->n_vms; i++)
        n_nics += lab->vms[i]->n_nics;
    plan->vms = calloc(lab->n_vms + 1, sizeof(*plan->vms));
    plan->nics = calloc(n_nics + 1, sizeof(*plan->nics));
    if (!plan->vms || !plan->nics)
        return -ENOMEM;
    for (size_t i = 0; i < lab->n_vms && r == 0; i++)
        r = add_vm(plan, lab, lab->vms[i]);
    return r;
}

/* --- address index -------------------------------------------------------------------------------------- */

static size_t addr_hash(uint32_t vnet, const struct vnl_addr *addr)
{
    uint64_t h = (vnet + 1) * 0x9e3779b97f4a7c15u + addr->family;

    for (size_t i = 0; i < sizeof(addr->bytes); i++)
        h = (h ^ addr->bytes[i]) * 0x100000001b3u;
    return (size_t)(h ^ (h >> 29));
}

static int index_addrs(struct vnl_plan *plan)
{
    size_t n = 0, slots = 16;

    for (size_t i = 0; i < plan->n_nics; i++)
        n += plan->nics[i].n_addrs;
    while (slots < 2 * n)
        slots *= 2;
    plan->by_addr = calloc(slots, sizeof(*plan->by_addr));
    if (!plan->by_addr)
        return -ENOMEM;
    plan->n_by_addr = slots;
    for (size_t i = 0; i < plan->n_nics; i++)
        for (size_t k = 0; k < plan->nics[i].n_addrs; k++) {
            size_t at = addr_hash(plan->nics[i].vnet, &plan->nics[i].addrs[k].addr) & (slots - 1);

            while (plan->by_addr[at])
                at = (at + 1) & (slots - 1);
            plan->by_addr[at] = (uint32_t)i + 1;
        }
    return 0;
}

static bool nic_has(const struct vnl_plan_nic *nic, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < nic->n_addrs; i++)
        if (vnl_addr_eq(&nic->addrs[i].addr, addr))
            return true;
    return false;
}

const struct vnl_plan_nic *vnl_plan_nic_by_addr(const struct vnl_plan *plan, uint32_t vnet,
                                                const struct vnl_addr *addr)
{
    size_t mask = plan->n_by_addr - 1;

    for (size_t at = addr_hash(vnet, addr) & mask; plan->by_addr[at]; at = (at + 1) & mask) {
        const struct vnl_plan_nic *nic = &plan->nics[plan->by_addr[at] - 1];

        if (nic->vnet == vnet && nic_has(nic, addr))
            return nic;
    }
    return NULL;
}

const struct vnl_plan_vm *vnl_plan_vm_lookup(const struct vnl_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_vms; i++)
        if (strcasecmp(plan->vms[i].name, name) == 0)
            return &plan->vms[i];
    return NULL;
}

const char *vnl_plan_hosts(const struct vnl_plan *plan, const struct vnl_plan_vm *vm)
{
    return vm->n_nics ? plan->vnets[plan->nics[vm->nics[0]].vnet].hosts : "";
}

/* --- whole ---------------------------------------------------------------------------------------------- */

/* A slot beyond the tables would be a packet decided by another NIC's entry: refuse, do not truncate. */
static int check_slots(const struct vnl_lab *lab, struct vnl_err **err)
{
    for (size_t i = 0; i < lab->n_vnets; i++)
        if (lab->vnets[i]->slot >= VNL_VNET_SLOTS_MAX)
            return vnl_fail(err, E2BIG, "virtual network '%s' has slot %u; there are %u", lab->vnets[i]->name,
                            lab->vnets[i]->slot, VNL_VNET_SLOTS_MAX);
    for (size_t i = 0; i < lab->n_vms; i++)
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++)
            if (lab->vms[i]->nics[k]->slot >= VNL_NIC_SLOTS_MAX)
                return vnl_fail(err, E2BIG, "network interface '%s' has slot %u; there are %u",
                                lab->vms[i]->nics[k]->name, lab->vms[i]->nics[k]->slot, VNL_NIC_SLOTS_MAX);
    return 0;
}

static int build_all(struct vnl_plan *plan, const struct vnl_lab *lab)
{
    int r = copy_text(&plan->lab, lab->name);

    if (r == 0)
        r = build_vnets(plan, lab);
    if (r == 0)
        r = build_tables(plan, lab);
    if (r == 0)
        r = vnl_rules_build(plan, lab);
    if (r == 0)
        r = build_vms(plan, lab);
    if (r == 0)
        r = vnl_links_build(plan);
    return r < 0 ? r : index_addrs(plan);
}

int vnl_plan_build(const struct vnl_lab *lab, struct vnl_plan **ret, struct vnl_err **err)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = calloc(1, sizeof(*plan));
    int r = check_slots(lab, err);

    if (r < 0)
        return r;
    if (!plan || build_all(plan, lab) < 0)
        return vnl_fail(err, ENOMEM, "plan of lab '%s'", lab->name);
    *ret = TAKE_PTR(plan);
    return 0;
}

static void free_vnets(struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_vnets; i++) {
        free(plan->vnets[i].id);
        free(plan->vnets[i].name);
        free(plan->vnets[i].location);
        free(plan->vnets[i].space);
        free(plan->vnets[i].hosts);
    }
    for (size_t i = 0; i < plan->n_peerings; i++) {
        free(plan->peerings[i].id);
        free(plan->peerings[i].name);
        free(plan->peerings[i].remote);
        free(plan->peerings[i].flags);
    }
    for (size_t i = 0; i < plan->n_tables; i++)
        vnl_routes_done(&plan->tables[i]);
    for (size_t i = 0; i < plan->n_rules; i++)
        vnl_rules_done(&plan->rules[i]);
    for (size_t i = 0; i < plan->n_bridges; i++)
        free(plan->bridges[i].alias);
}

static void free_vms(struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_nics; i++) {
        free(plan->nics[i].alias);
        free(plan->nics[i].id);
        free(plan->nics[i].name);
        free(plan->nics[i].subnet);
        free(plan->nics[i].subnet_id);
        free(plan->nics[i].addrs);
    }
    for (size_t i = 0; i < plan->n_vms; i++) {
        free(plan->vms[i].id);
        free(plan->vms[i].name);
        free(plan->vms[i].netns);
        free(plan->vms[i].nics);
        for (size_t k = 0; k < plan->vms[i].n_run; k++)
            free(plan->vms[i].run[k]);
        free(plan->vms[i].run);
    }
}

void vnl_plan_free(struct vnl_plan **ret)
{
    struct vnl_plan *plan = *ret;

    if (!plan)
        return;
    free_vnets(plan);
    free_vms(plan);
    free(plan->lab);
    free(plan->vnets);
    free(plan->peerings);
    free(plan->tables);
    free(plan->rules);
    free(plan->bridges);
    free(plan->nics);
    free(plan->vms);
    free(plan->by_addr);
    free(plan);
    *ret = NULL;
}
