/* Guests and their NICs: VMs in the lab's order, then the simulated hosts of the internet side, which are guests with one NIC. Gateways
 * and sites follow (gateways.c). */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>

#include "vnetlab/lab.h"
#include "vnetlab/layout.h"

#define HOST_PREFIX_LEN 24

/* The guest's default router for IPv6 (spec 1.5). */
static const struct vnl_addr router6 = {
    .family = AF_INET6,
    .bytes = { 0xfe, 0x80, [10] = 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc },
};

uint32_t vnl_nic_index(const struct vnl_plan_work *work, const struct vnl_nic *nic)
{
    return work->nic_of_slot[nic->slot] - 1;
}

/* --- NICs ------------------------------------------------------------------------------------------------------- */

static struct vnl_plan_nic *new_nic(struct vnl_plan *plan, uint32_t slot)
{
    struct vnl_plan_nic *out = &plan->nics[plan->n_nics++];

    out->slot = slot;
    if (slot >= plan->nic_slots)
        plan->nic_slots = slot + 1;
    out->vm = (uint32_t)plan->n_vms - 1;
    out->nat = VNL_PLAN_NOBODY;
    return out;
}

/* What follows from VNet, slot, addresses and the guest. place: among the guest's NICs. */
int vnl_nic_name(const struct vnl_plan *plan, struct vnl_plan_nic *out, size_t place)
{
    uint32_t number = vnl_bridge_number(out->slot);
    const struct vnl_plan_vnet *vnet = &plan->vnets[out->vnet];

    out->ifindex = VNL_NIC_IFINDEX + out->slot;
    (void)snprintf(out->ifname, sizeof(out->ifname), "nic%u", out->slot);
    vnl_bridge_name(out->bridge, vnet->slot, number);
    out->bridge_ifindex = vnl_bridge_ifindex(vnet->slot, number);
    out->alias = vnl_nic_alias(plan->lab, &plan->vms[out->vm], out, place);
    return out->alias ? 0 : -ENOMEM;
}

/* IPv4: the first address of the subnet (spec 1.2). */
struct vnl_addr vnl_router_of(const struct vnl_prefix *subnet)
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
            .gateway = vnl_router_of(&nic->configs[i].subnet_prefix),
            .public_ip = VNL_PLAN_NOBODY,
        };
    return 0;
}

static int add_nic(struct vnl_plan_work *work, const struct vnl_nic *nic, size_t place)
{
    const struct vnl_subnet *subnet = nic->subnet;
    struct vnl_plan_nic *out = new_nic(work->plan, nic->slot);

    work->nic_of_slot[nic->slot] = (uint32_t)work->plan->n_nics;
    out->vnet = subnet->vnet->number;
    out->table = vnl_tables_index(work, subnet);
    out->rules_subnet = vnl_rules_index(work, subnet->nsg, subnet);
    out->rules_nic = vnl_rules_index(work, nic->nsg, subnet);
    out->mac = nic->mac;
    out->ip_forwarding = nic->ip_forwarding;
    out->bandwidth_bps = nic->vm->bandwidth_bps;
    out->subnet = vnl_text("%s/%s", subnet->vnet->name, subnet->name);
    if (!out->subnet || vnl_text_copy(&out->id, nic->id) < 0 ||
        vnl_text_copy(&out->subnet_id, subnet->id) < 0 || vnl_text_copy(&out->name, nic->name) < 0 ||
        add_addrs(out, nic) < 0)
        return -ENOMEM;
    return vnl_nic_name(work->plan, out, place);
}

struct vnl_addr vnl_internet_router(const struct vnl_addr *addr)
{
    struct vnl_prefix around = { .addr = *addr, .len = HOST_PREFIX_LEN };

    around.addr.bytes[3] = 0;
    return vnl_addr_add(&around.addr, addr->bytes[3] == 1 ? 2 : 1);
}

struct vnl_plan_nic *vnl_vm_nic(struct vnl_plan *plan, uint32_t slot, uint32_t vnet, const char *suffix,
                                size_t n_addrs)
{
    struct vnl_plan_vm *vm = &plan->vms[plan->n_vms - 1];
    const struct vnl_plan_vnet *in = &plan->vnets[vnet];
    struct vnl_plan_nic *out;

    vm->nics[vm->n_nics++] = (uint32_t)plan->n_nics;
    out = new_nic(plan, slot);
    out->vnet = out->table = vnet;
    out->rules_subnet = out->rules_nic = VNL_PLAN_NO_RULES;
    out->name = vnl_text("%s-%s", vm->name, suffix);
    out->id = vnl_text("%s/networkInterfaces/%s-%s", vm->id, vm->name, suffix);
    out->addrs = calloc(n_addrs + 1, sizeof(*out->addrs));
    if (!out->name || !out->id || !out->addrs || vnl_text_copy(&out->subnet, in->name) < 0 ||
        vnl_text_copy(&out->subnet_id, in->id ? in->id : in->name) < 0)
        return NULL;
    return out;
}

/* --- guests ----------------------------------------------------------------------------------------------------- */

static int add_run(struct vnl_plan_vm *out, const struct vnl_names *run)
{
    out->run = calloc(run->n + 1, sizeof(*out->run));
    if (!out->run)
        return -ENOMEM;
    for (; out->n_run < run->n; out->n_run++)
        if (vnl_text_copy(&out->run[out->n_run], run->items[out->n_run]) < 0)
            return -ENOMEM;
    return 0;
}

struct vnl_plan_vm *vnl_vm_new(struct vnl_plan *plan, const char *id, const char *name,
                               const struct vnl_names *run, size_t n_nics)
{
    struct vnl_plan_vm *out = &plan->vms[plan->n_vms++];

    out->netns = vnl_text("%s.%s", plan->lab, name);
    out->nics = calloc(n_nics + 1, sizeof(*out->nics));
    if (!out->netns || !out->nics || vnl_text_copy(&out->id, id) < 0 || vnl_text_copy(&out->name, name) < 0 ||
        add_run(out, run) < 0)
        return NULL;
    return out;
}

static int add_vm(struct vnl_plan_work *work, const struct vnl_vm *vm)
{
    struct vnl_plan_vm *out = vnl_vm_new(work->plan, vm->id, vm->name, &vm->run, vm->n_nics);
    int r = 0;

    if (!out)
        return -ENOMEM;
    out->ip_forward = vm->ip_forward;
    if (vm->scope.location && vnl_text_copy(&out->location, vm->scope.location) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < vm->n_nics && r == 0; i++) {
        out->nics[out->n_nics++] = (uint32_t)work->plan->n_nics;
        r = add_nic(work, vm->nics[i], i);
    }
    return r;
}

static int add_host(struct vnl_plan *plan, const struct vnl_host *host)
{
    struct vnl_plan_vm *out = vnl_vm_new(plan, host->id, host->name, &host->run, 1);
    struct vnl_plan_nic *nic;

    if (!out)
        return -ENOMEM;
    out->host = true;
    out->client = host->client != NULL;
    nic = vnl_vm_nic(plan, host->slot, plan->internet, "nic", 1);
    if (!nic)
        return -ENOMEM;
    nic->mac = host->mac;
    nic->addrs[nic->n_addrs++] = (struct vnl_plan_addr){
        .addr = host->addr,
        .prefix_len = HOST_PREFIX_LEN,
        .gateway = vnl_internet_router(&host->addr),
        .public_ip = VNL_PLAN_NOBODY,
    };
    return vnl_nic_name(plan, nic, 0);
}

int vnl_vms_build(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    struct vnl_plan *plan = work->plan;
    size_t n_nics = lab->n_hosts + vnl_gateways_count_nics(lab);
    int r = 0;

    for (size_t i = 0; i < lab->n_vms; i++)
        n_nics += lab->vms[i]->n_nics;
    plan->vms = calloc(lab->n_vms + lab->n_hosts + vnl_gateways_count_vms(lab) + 1, sizeof(*plan->vms));
    plan->nics = calloc(n_nics + 1, sizeof(*plan->nics));
    work->nic_of_slot = calloc(VNL_NIC_SLOTS_MAX, sizeof(*work->nic_of_slot));
    if (!plan->vms || !plan->nics || !work->nic_of_slot)
        return -ENOMEM;
    for (size_t i = 0; i < lab->n_vms && r == 0; i++)
        r = add_vm(work, lab->vms[i]);
    for (size_t i = 0; i < lab->n_hosts && r == 0; i++)
        r = add_host(plan, lab->hosts[i]);
    return r;
}

static void vm_done(struct vnl_plan_vm *vm)
{
    free(vm->id);
    free(vm->name);
    free(vm->location);
    free(vm->netns);
    free(vm->nics);
    for (size_t i = 0; i < vm->n_run; i++)
        free(vm->run[i]);
    free(vm->run);
}

void vnl_vms_done(struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_nics; i++) {
        free(plan->nics[i].alias);
        free(plan->nics[i].id);
        free(plan->nics[i].name);
        free(plan->nics[i].subnet);
        free(plan->nics[i].subnet_id);
        free(plan->nics[i].addrs);
    }
    for (size_t i = 0; i < plan->n_vms; i++)
        vm_done(&plan->vms[i]);
    free(plan->nics);
    free(plan->vms);
}
